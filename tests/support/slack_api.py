"""A strict stand-in for Slack's Web API: token, scopes, how each method takes its arguments, blocks, metadata, threads, history by
pages, limits of rate. `scripts` holds for each method a list of actions, one taken for each call, "ok" when it is empty:
  ok | drop_before | drop_after | drop_unsaved | stall:SECONDS | 429[:RETRY_AFTER] | 503[:BODY] | error:NAME
drop_after does what was asked but never answers; drop_unsaved reads all and closes without doing it.
"""
import itertools
import json
import re
import socket
import time
import urllib.parse
from collections import Counter
from types import SimpleNamespace

import sinks
from delivery import NOW
from harness import wait_for
from sinks import SlackRefusal, check_slack_payload, refuse_unless

SCOPES = ("chat:write", "users:read.email", "im:write", "im:history")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"
POST_KEYS = {"channel", "thread_ts", "metadata", "text", "blocks", "mrkdwn", "link_names", "unfurl_links", "unfurl_media"}
CALLS_A_MINUTE = {"users.lookupByEmail": 50, "conversations.open": 50, "conversations.history": 50, "conversations.replies": 50}
BURST = 6  # messages that a conversation takes within a second


class Handler(sinks.Handler):
    def answer(self, sink):
        self.close_connection = True
        method = self.path.removeprefix("/api/")
        with sink.lock:
            script = sink.scripts.get(method, [])
            action = script.pop(0) if script else "ok"
        request = {"at": time.time(), "path": self.path, "method": method, "action": action, "body": b"",
                   "headers": {k.lower(): v for k, v in self.headers.items()}}
        with sink.lock:
            sink.requests.append(request)
        if action == "drop_before":
            return
        request["body"] = self.rfile.read(int(self.headers["content-length"]))
        if action == "drop_unsaved":
            return
        if action.startswith("stall:"):
            time.sleep(float(action[6:]))
            action = "ok"
        kind, _, rest = action.partition(":")
        if kind == "429":
            self.reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": rest} if rest else {})
        elif kind == "error":
            self.say({"ok": False, "error": rest})
        elif kind.isdigit():
            self.reply(int(kind), rest.encode())
        else:
            self.do(sink, request, action)

    def do_POST(self):
        self.answer(self.server.sink)

    def do(self, sink, request, action):
        wait = sink.too_fast(request["method"])
        if wait:
            return self.reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": str(wait)})
        time.sleep(sink.delay)
        try:
            with sink.lock:
                answer = {"ok": True, **sink.call(request)}
        except SlackRefusal as refusal:
            answer = {"ok": False, "error": str(refusal)}
            if str(refusal) == "missing_scope":
                answer |= {"needed": sink.needed, "provided": ",".join(sink.scopes)}
        time.sleep(sink.delay)
        if action != "drop_after":
            self.say(answer, {"x-oauth-scopes": ",".join(sink.scopes)})

    def say(self, answer, headers=None):
        self.reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json", **(headers or {})})


class Server(sinks.QuietServer):
    """Counts who has been let in and not yet been served."""

    def process_request(self, request, client_address):
        with self.sink.lock:
            self.sink.n_at_work += 1
            self.sink.let_in.add(client_address[1])
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        super().process_request_thread(request, client_address)
        with self.sink.lock:
            self.sink.n_at_work -= 1


class SlackApi(sinks.Sink):
    TOKEN = "xoxb-123456789012-abcdefghijklmnop"

    def __init__(self, scopes=SCOPES, channels=("C024BE91L",), has_limits=False):
        super().__init__()
        self.scopes, self.scripts, self.needed, self.has_limits = list(scopes), {}, "", has_limits
        self.users = {}                                # e-mail address -> id
        self.conversations = {c: [] for c in channels}  # id -> messages, oldest first
        self.strange = set()                           # conversations that it is no member of
        self.direct = {}                               # id of a user -> id of the conversation
        self.counter = itertools.count(1)
        self.now = NOW                                 # by Slack's clock
        self.calls = []                                # (method, when), for the limits
        self.n_limited = 0
        self.let_in = set()                            # ports of all who came
        self.serve_with(Server(("127.0.0.1", 0), Handler))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api"

    def settle(self):
        """Waits until all that was sent to it, if only into its queue, has been served."""
        with socket.create_connection(("127.0.0.1", self.port)) as probe:  # whoever is in the queue comes before
            port = probe.getsockname()[1]
            wait_for(lambda: port in self.let_in, what="the queue is empty")
        wait_for(lambda: self.n_at_work == 0, what="what was under way is done")

    def add_user(self, email):
        self.users[email] = f"U{next(self.counter):010d}"

    def posts(self):
        """All messages, by conversation and in order."""
        return [m for messages in self.conversations.values() for m in messages]

    def ids(self):
        """How often each delivery key was posted."""
        return Counter(m.payload["metadata"]["event_payload"]["id"] for m in self.posts())

    def n_calls(self, method=None):
        return len([r for r in self.requests if method in (None, r["method"])])

    def too_fast(self, method):
        """Seconds to wait, where it has limits and there were too many calls."""
        with self.lock:
            now, limit = time.monotonic(), CALLS_A_MINUTE.get(method, 300)
            self.calls = [c for c in self.calls if c[1] > now - 60] + [(method, now)]
            if not self.has_limits or len([c for c in self.calls if c[0] == method]) <= limit:
                return 0
            self.n_limited += 1
            return 30

    def need(self, scope):
        self.needed = scope
        refuse_unless(scope in self.scopes, "missing_scope")

    def call(self, request):
        token = request["headers"].get("authorization", "")
        refuse_unless(token, "not_authed")
        refuse_unless(token == f"Bearer {self.TOKEN}", "invalid_auth")
        method = {"chat.postMessage": self.post, "users.lookupByEmail": self.look_up, "conversations.open": self.open,
                  "conversations.history": self.history, "conversations.replies": self.replies,
                  "auth.test": self.test}.get(request["method"])
        refuse_unless(method and "?" not in request["path"], "unknown_method")
        kind = request["headers"].get("content-type", "")
        if method == self.post:
            refuse_unless(kind == JSON, "invalid_post_type")
            return method(request["body"])
        refuse_unless(kind == FORM, "invalid_form_data")
        fields = urllib.parse.parse_qs(request["body"].decode(), strict_parsing=bool(request["body"]), keep_blank_values=True)
        refuse_unless(all(len(v) == 1 for v in fields.values()), "invalid_arguments")
        return method(**{k: v[0] for k, v in fields.items()})

    def test(self):
        return {"url": "https://acme.slack.com/", "team": "Acme", "user": "retaind", "team_id": "T1", "user_id": "U1", "bot_id": "B1"}

    def look_up(self, email):
        self.need("users:read.email")
        refuse_unless(email in self.users, "users_not_found")
        return {"user": {"id": self.users[email], "name": email}}

    def open(self, users):
        self.need("im:write")
        refuse_unless(users in self.users.values(), "user_not_found")
        channel = self.direct.setdefault(users, f"D{next(self.counter):010d}")
        self.conversations.setdefault(channel, [])
        return {"channel": {"id": channel}}

    def post(self, body):
        self.need("chat:write")
        refuse_unless(len(body) <= 100_000, "msg_too_long")
        try:
            payload = json.loads(body.decode("utf-8"), object_pairs_hook=without_repeats)
        except ValueError:
            raise SlackRefusal("invalid_json") from None
        refuse_unless(set(payload) <= POST_KEYS, "invalid_arguments")
        inner = {k: v for k, v in payload.items() if k not in ("channel", "thread_ts")}
        check_slack_payload(json.dumps(inner).encode())
        check_metadata(payload.get("metadata"))
        messages = self.conversations.get(payload.get("channel"))
        refuse_unless(messages is not None, "channel_not_found")
        thread = payload.get("thread_ts")
        root = [m for m in messages if m.ts == thread and not m.thread]
        refuse_unless(thread is None or root, "cannot_reply_to_message")
        if self.has_limits:
            recent = [m for m in messages if m.at > time.monotonic() - 1]
            refuse_unless(len(recent) < BURST, "ratelimited")
        ts = f"{int(self.now)}.{next(self.counter):06d}"
        messages.append(SimpleNamespace(ts=ts, thread=thread, payload=payload, at=time.monotonic(), channel=payload["channel"]))
        return {"channel": payload["channel"], "ts": ts, "message": {"text": payload.get("text", "")}}

    def page(self, channel, messages, oldest, limit, cursor, include_all_metadata):
        if include_all_metadata is None:  # only looks whether it may
            refuse_unless(limit == "1", "invalid_arguments")
            include_all_metadata, oldest = "true", "0.000000"
        self.need({"D": "im:history", "G": "groups:history"}.get(channel[0], "channels:history"))
        refuse_unless(re.fullmatch(r"\d+\.\d{6}", oldest), "invalid_ts_oldest")
        refuse_unless(limit.isdigit() and 1 <= int(limit) <= 999, "invalid_limit")
        refuse_unless(include_all_metadata == "true", "invalid_arguments")
        refuse_unless(cursor is None or cursor.isdigit(), "invalid_cursor")
        messages = [m for m in messages if float(m.ts) > float(oldest)]
        start = int(cursor or 0)
        end = start + int(limit)
        rows = [{"type": "message", "ts": m.ts, "text": m.payload.get("text", ""), "blocks": m.payload.get("blocks", []),
                 **({"thread_ts": m.thread} if m.thread else {}), "metadata": m.payload["metadata"]} for m in messages[start:end]]
        has_more = end < len(messages)
        return {"messages": rows, "has_more": has_more, "response_metadata": {"next_cursor": str(end) if has_more else ""}}

    def history(self, channel, limit, oldest=None, include_all_metadata=None, cursor=None):
        refuse_unless(channel in self.conversations, "channel_not_found")
        refuse_unless(channel not in self.strange, "not_in_channel")
        roots = [m for m in reversed(self.conversations[channel]) if not m.thread]
        return self.page(channel, roots, oldest, limit, cursor, include_all_metadata)

    def replies(self, channel, ts, oldest, limit, include_all_metadata, cursor=None):
        refuse_unless(channel in self.conversations, "channel_not_found")
        messages = self.conversations[channel]
        refuse_unless(any(m.ts == ts and not m.thread for m in messages), "thread_not_found")
        return self.page(channel, [m for m in messages if ts in (m.ts, m.thread)], oldest, limit, cursor, include_all_metadata)


def without_repeats(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def check_metadata(metadata):
    refuse_unless(isinstance(metadata, dict) and set(metadata) == {"event_type", "event_payload"}, "invalid_metadata_schema")
    refuse_unless(re.fullmatch(r"[a-z0-9_]{1,80}", metadata["event_type"]), "invalid_metadata_format")
    payload = metadata["event_payload"]
    refuse_unless(isinstance(payload, dict) and all(isinstance(v, (str, int, bool)) for v in payload.values()), "invalid_metadata_schema")
    refuse_unless(len(json.dumps(metadata)) <= 4096, "metadata_too_large")
