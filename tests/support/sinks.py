#!/usr/bin/env python3
"""Stand-ins for where digests go: a Slack incoming webhook, a generic webhook, a mail server. Each is strict about what it
accepts, keeps what came, and fails as it is told.

A sink's `script` is a list of actions, one taken for each request, "ok" when it is empty:
  ok | drop_before | drop_after | drop_unsaved | stall:SECONDS | 429 | 429:RETRY_AFTER | 503[:BODY] | error:NAME[:STATUS]
drop_before closes before the request is read; drop_after takes the message but never answers; drop_unsaved reads all and
then closes without taking it. The mail server's script is a dictionary from stage (connect ehlo auth mail rcpt data end) to a
list of replies ("451 later", "drop", "stall:SECONDS"; at `end` also "drop_after": taken, but never answered).

Runs by itself too: sinks.py slack|webhook|smtp --port 0 --dir D prints its port and stores what comes in D.
"""
import argparse
import base64
import hashlib
import hmac
import html
import json
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace


class Sink:
    """What all of them have: a script, what came, and a thread that serves."""

    def __init__(self, directory=None):
        self.script = []
        self.requests = []  # everything that came, in order
        self.messages = []  # what was accepted
        self.delay = 0      # seconds before taking a message, and again before saying so
        self.clock = None   # what it takes the time to be; None: the real one
        self.lock = threading.Lock()
        self.n_at_work = self.most_at_work = 0
        self.directory = Path(directory) if directory else None
        if self.directory:
            self.directory.mkdir(parents=True, exist_ok=True)

    def next_action(self):
        with self.lock:
            return self.script.pop(0) if self.script else "ok"

    def keep(self, ending, **message):
        with self.lock:
            self.messages.append(SimpleNamespace(**message))
            n = len(self.messages)
        if self.directory:
            (self.directory / f"{n:04d}{ending}").write_bytes(message.get("body", message.get("data")))

    def serve_with(self, server):
        self.server = server
        self.port = server.server_address[1]
        server.sink = self

    def start(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


# HTTP ---------------------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        sink = self.server.sink
        with sink.lock:
            sink.n_at_work += 1
            sink.most_at_work = max(sink.most_at_work, sink.n_at_work)
        try:
            self.answer(sink)
        finally:
            with sink.lock:
                sink.n_at_work -= 1

    def do_GET(self):
        self.reply(405, b"method_not_allowed")

    def answer(self, sink):
        self.close_connection = True
        action = sink.next_action()
        request = {"at": time.time(), "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
                   "action": action, "body": b""}
        with sink.lock:
            sink.requests.append(request)
        if action == "drop_before":
            return
        length = self.headers.get("content-length")
        if length is None or not length.isdigit():
            return self.reply(411, b"length required")
        body = request["body"] = self.rfile.read(int(length))
        if len(body) != int(length) or action == "drop_unsaved":
            return
        if action.startswith("stall:"):
            time.sleep(float(action[6:]))
            action = "ok"
        if action in ("ok", "drop_after"):
            time.sleep(sink.delay)
            answer = sink.accept(request)  # status, body, perhaps headers
            time.sleep(sink.delay)
            if action == "ok":
                self.reply(*answer)
            return
        kind, _, rest = action.partition(":")
        if kind == "error":
            name, _, status = rest.partition(":")
            return self.reply(int(status or 400), name.encode())
        if kind == "429":
            return self.reply(429, b"ratelimited", {"Retry-After": rest} if rest else {})
        self.reply(int(kind), rest.encode())

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.server.sink.clock if timestamp is None else timestamp)

    def reply(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Whoever is killed while we answer is no error of ours."""


class HttpSink(Sink):
    def __init__(self, directory=None, port=0):
        super().__init__(directory)
        server = QuietServer(("127.0.0.1", port), Handler)
        self.serve_with(server)


SLACK_KEYS = {"text", "blocks", "attachments", "unfurl_links", "unfurl_media", "link_names", "mrkdwn", "metadata"}


class SlackRefusal(Exception):
    """Carries the name that Slack would answer with."""


def refuse_unless(condition, name):
    if not condition:
        raise SlackRefusal(name)


def keys_within(thing, required, optional):
    refuse_unless(isinstance(thing, dict), "invalid_blocks")
    refuse_unless(set(required) <= set(thing) <= set(required) | set(optional) | {"type", "block_id"}, "invalid_blocks")


def checked_text(thing, limit, types=("plain_text", "mrkdwn")):
    keys_within(thing, ["type", "text"], ["emoji", "verbatim"])
    refuse_unless(thing["type"] in types and isinstance(thing["text"], str), "invalid_blocks")
    refuse_unless(1 <= len(thing["text"]) <= limit, "invalid_blocks")
    refuse_unless("emoji" not in thing or thing["type"] == "plain_text", "invalid_blocks")
    refuse_unless("verbatim" not in thing or thing["type"] == "mrkdwn", "invalid_blocks")
    return len(thing["text"])


def slack_element(element):
    refuse_unless(isinstance(element, dict), "invalid_blocks")
    if element.get("type") == "button":
        keys_within(element, ["text"], ["url", "action_id", "value", "style", "accessibility_label"])
        refuse_unless(len(element.get("url", "")) <= 3000 and len(element.get("value", "")) <= 2000, "invalid_blocks")
        return checked_text(element["text"], 75, ("plain_text",))
    if element.get("type") == "image":
        keys_within(element, ["alt_text", "image_url"], [])
        return len(element["alt_text"])
    return checked_text(element, 3000)


def rich_text_length(element):
    """Any depth of rich_text: counts the characters, checks that what is there is known."""
    kinds = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted", "text", "link", "emoji"}
    refuse_unless(isinstance(element, dict) and element.get("type") in kinds, "invalid_blocks")
    if element["type"] in ("text", "link"):
        text = element.get("text", element.get("url", ""))
        refuse_unless(isinstance(text, str) and text, "invalid_blocks")
        return len(text)
    return sum(rich_text_length(e) for e in element.get("elements", []))


def slack_block(block):
    refuse_unless(isinstance(block, dict) and len(block.get("block_id", "")) <= 255, "invalid_blocks")
    kind = block.get("type")
    if kind == "header":
        keys_within(block, ["text"], [])
        return checked_text(block["text"], 150, ("plain_text",))
    if kind == "section":
        keys_within(block, [], ["text", "fields", "accessory", "expand"])
        refuse_unless("text" in block or "fields" in block, "invalid_blocks")
        fields = block.get("fields", [])
        refuse_unless(len(fields) <= 10, "invalid_blocks")
        return (checked_text(block["text"], 3000) if "text" in block else 0) + sum(slack_text(f, 2000) for f in fields) + \
            (slack_element(block["accessory"]) if "accessory" in block else 0)
    if kind == "context":
        keys_within(block, ["elements"], [])
        refuse_unless(1 <= len(block["elements"]) <= 10, "invalid_blocks")
        return sum(slack_element(e) for e in block["elements"])
    if kind == "actions":
        keys_within(block, ["elements"], [])
        refuse_unless(1 <= len(block["elements"]) <= 25, "invalid_blocks")
        return sum(slack_element(e) for e in block["elements"])
    if kind == "rich_text":
        keys_within(block, ["elements"], [])
        return sum(rich_text_length(e) for e in block["elements"])
    refuse_unless(kind == "divider", "invalid_blocks")
    keys_within(block, [], [])
    return 0


def check_slack_payload(body):
    """Raises SlackRefusal for what Slack refuses (limits of its documentation; the undocumented total of block text too)."""
    try:
        payload = json.loads(body.decode("utf-8"))
    except ValueError:
        raise SlackRefusal("invalid_payload") from None
    refuse_unless(isinstance(payload, dict) and set(payload) <= SLACK_KEYS, "invalid_payload")
    refuse_unless(isinstance(payload.get("text", ""), str), "invalid_payload")
    refuse_unless(payload.get("text") or payload.get("blocks"), "no_text")
    refuse_unless(len(payload.get("text", "")) <= 40000, "msg_too_long")
    blocks = payload.get("blocks", [])
    refuse_unless(isinstance(blocks, list), "invalid_blocks_format")
    refuse_unless(len(blocks) <= 50, "invalid_blocks")
    refuse_unless(sum(slack_block(b) for b in blocks) <= 11300, "msg_blocks_too_long")
    return payload


def slack_text(payload):
    """A payload as a terminal can show it: a paragraph a block."""
    def text_of(thing):
        if isinstance(thing, list):
            return "".join(map(text_of, thing))
        if not isinstance(thing, dict):
            return str(thing)
        if "text" in thing and not isinstance(thing["text"], str):
            return text_of(thing["text"]) + "".join("\n  " + text_of(f) for f in thing.get("fields", []))
        if "elements" in thing:
            glue = {"context": "  ", "actions": "  ", "rich_text": "\n", "rich_text_list": "\n"}.get(thing.get("type"), "")
            parts = [text_of(e) for e in thing["elements"]]
            return glue.join("- " + p if thing["type"] == "rich_text_list" else p for p in parts)
        if "fields" in thing:
            return "\n".join(text_of(f) for f in thing["fields"])
        if thing.get("type") == "button":
            return f"[{text_of(thing['text'])}]"
        return "-" * 40 if thing.get("type") == "divider" else thing.get("text", thing.get("url", ""))

    blocks = [text_of(b) for b in payload.get("blocks", [])] or [payload.get("text", "")]
    return html.unescape("\n\n".join(blocks))


class Slack(HttpSink):
    PATH = "/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.PATH}"

    def accept(self, request):
        if request["path"] != self.PATH:
            return 404, b"no_service"
        if not request["headers"].get("content-type", "").startswith("application/json"):
            return 400, b"invalid_payload"
        try:
            payload = check_slack_payload(request["body"])
        except SlackRefusal as refusal:
            return 400, str(refusal).encode()
        self.keep(".json", at=request["at"], body=request["body"], payload=payload)
        return 200, b"ok"


class Webhook(HttpSink):
    """Standard Webhooks: the signature must be right for one of the secrets; an id that came before is folded."""
    SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def __init__(self, directory=None, port=0, secrets=(SECRET,), now=None, most_bytes=20 * 1024):
        self.secrets, self.now, self.most_bytes = list(secrets), now, most_bytes
        self.by_id, self.n_folded, self.n_differing = {}, 0, 0
        super().__init__(directory, port)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def is_signed(self, request):
        headers = request["headers"]
        content = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + request["body"]
        right = {"v1," + base64.b64encode(hmac.new(base64.b64decode(s[6:]), content, hashlib.sha256).digest()).decode()
                 for s in self.secrets}
        return bool(right & set(headers.get("webhook-signature", "").split(" ")))

    def accept(self, request):
        headers = request["headers"]
        stamp = headers.get("webhook-timestamp", "")
        if not headers.get("webhook-id") or not stamp.isdigit() or not self.is_signed(request):
            return 401, b"signature"
        if self.now is not None and abs(int(stamp) - self.now()) > 300:
            return 401, b"timestamp"
        if len(request["body"]) > self.most_bytes:
            return 413, b"too large"
        json.loads(request["body"])
        with self.lock:
            known = self.by_id.setdefault(headers["webhook-id"], request["body"])
            self.n_folded += known is not request["body"]
            self.n_differing += known != request["body"]
        if known is request["body"]:
            self.keep(".json", at=request["at"], body=request["body"], id=headers["webhook-id"])
        return 204, b""


# mail ---------------------------------------------------------------------------------------------------------------------


class Gone(Exception):
    """The connection is to end here, without a word."""


class MailHandler(socketserver.StreamRequestHandler):
    def handle(self):
        self.sink = self.server.sink
        self.is_secure = self.is_known = False
        self.sender, self.recipients, self.greeting = None, [], None
        try:
            if self.sink.is_implicit:
                self.secure()
            self.say(self.told("connect") or "220 mx.example.test ESMTP")
            while self.command():
                pass
        except (Gone, OSError, ssl.SSLError):
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass

    def told(self, stage):
        """What the script says of this stage: a reply, or None. Drops and stalls happen here."""
        with self.sink.lock:
            actions = self.sink.script.get(stage, [])
            action = actions.pop(0) if actions else None
        if action == "drop":
            raise Gone
        if action and action.startswith("stall:"):
            time.sleep(float(action[6:]))
            action = None
        return action

    def say(self, *lines):
        self.wfile.write("".join(line + "\r\n" for line in lines).encode())
        self.wfile.flush()

    def line(self):
        line = self.rfile.readline(4096)
        if not line.endswith(b"\r\n"):
            raise Gone
        return line[:-2]

    def secure(self):
        self.request = self.sink.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
        self.is_secure = True

    def command(self):
        line = self.line().decode("ascii", "replace")
        with self.sink.lock:
            self.sink.requests.append(line if not line.startswith("AUTH") else line.split()[0])
        verb, _, rest = line.partition(" ")
        method = getattr(self, f"do_{verb.lower()}", None)
        if not method:
            self.say("500 unknown command")
            return True
        return method(rest) is not False

    def do_ehlo(self, rest):
        reply = self.told("ehlo")
        if reply:
            return self.say(reply)
        self.greeting, self.sender, self.recipients = rest, None, []
        lines = ["mx.example.test", "SIZE 1000000", "8BITMIME"]
        if self.sink.tls and not self.is_secure and not self.sink.strips_starttls:
            lines.append("STARTTLS")
        if self.sink.user and (self.is_secure or not self.sink.tls):
            lines.append("AUTH PLAIN LOGIN")
        self.say(*[f"250{'-' if i + 1 < len(lines) else ' '}{line}" for i, line in enumerate(lines)])

    def do_starttls(self, _):
        if not self.sink.tls or self.is_secure or self.sink.strips_starttls:
            return self.say("502 no")
        self.say("220 go ahead")
        self.secure()

    def do_auth(self, rest):
        reply = self.told("auth")
        if reply:
            return self.say(reply)
        if self.sink.tls and not self.is_secure:
            self.sink.n_plain_logins += 1
            return self.say("530 STARTTLS first")
        mechanism, _, first = rest.partition(" ")
        if mechanism == "PLAIN":
            if not first:
                self.say("334 ")
                first = self.line().decode()
            _, user, password = base64.b64decode(first).decode().split("\0")
        else:
            if not first:
                self.say("334 VXNlcm5hbWU6")
                first = self.line().decode()
            user = base64.b64decode(first).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        self.is_known = (user, password) == (self.sink.user, self.sink.password)
        echo = f": {password} {first}" if self.sink.repeats_password else ""
        self.say("235 welcome" if self.is_known else "535 wrong user or password" + echo)

    def do_mail(self, rest):
        reply = self.told("mail")
        if reply:
            return self.say(reply)
        if self.sink.tls and not self.is_secure:
            return self.say("530 STARTTLS first")
        if self.sink.user and not self.is_known:
            return self.say("530 authentication required")
        self.sender = rest.split(" ")[0][len("FROM:"):]
        self.say("250 OK")

    def do_rcpt(self, rest):
        reply = self.told("rcpt")
        address = rest[len("TO:"):]
        if not reply and address.startswith("<grey"):
            reply = "451 try later"
        if not reply and address.startswith("<reject"):
            reply = "550 no such user"
        if reply:
            return self.say(reply)
        if self.sender is None:
            return self.say("503 MAIL first")
        self.recipients.append(address)
        self.say("250 OK")

    def do_data(self, _):
        reply = self.told("data")
        if reply and not reply.startswith("354"):
            return self.say(reply)
        if not self.recipients:
            return self.say("503 RCPT first")
        self.say("354 go on")
        lines = []
        while True:
            line = self.rfile.readline(1 << 20)
            if not line.endswith(b"\r\n") or b"\n" in line[:-1] or b"\r" in line[:-2]:
                raise Gone  # a bare CR or LF, or the connection's end
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return self.end(b"".join(lines))

    def end(self, body):
        reply = self.told("end")
        if reply and reply != "drop_after":
            return self.say(reply)
        time.sleep(self.sink.delay)
        for recipient in self.recipients:
            self.sink.keep(".eml", at=time.time(), data=body, sender=self.sender.strip("<>"), recipient=recipient.strip("<>"),
                           ehlo=self.greeting, is_secure=self.is_secure)
        self.sender, self.recipients = None, []
        time.sleep(self.sink.delay)
        if reply == "drop_after":
            raise Gone
        self.say(f"250 OK id={len(self.sink.messages)}")

    def do_rset(self, _):
        self.sender, self.recipients = None, []
        self.say("250 OK")

    def do_noop(self, _):
        self.say("250 OK")

    def do_quit(self, _):
        self.say("221 bye")
        return False


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Smtp(Sink):
    """Without a certificate it offers no TLS; with a user it wants to know who comes."""

    def __init__(self, directory=None, port=0, certificate=None, user=None, password=None, is_implicit=False,
                 strips_starttls=False):
        super().__init__(directory)
        self.script = {}
        self.user, self.password = user, password
        self.is_implicit, self.strips_starttls, self.n_plain_logins = is_implicit, strips_starttls, 0
        self.repeats_password = False
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate[0], certificate[1])
        self.serve_with(MailServer(("127.0.0.1", port), MailHandler))


def certificate(folder, name="localhost"):
    """A private authority (ca.pem in the folder) and its certificate for name; returns the files (certificate, key)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=folder)

    names = f"subjectAltName=DNS:{name}" + (",IP:127.0.0.1" if name == "localhost" else "")
    (folder / "names").write_text(names + "\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", 30, "-subj", "/CN=test authority",
            "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *new_key, "-keyout", "srv.key", "-out", "srv.csr", "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", "srv.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "srv.pem",
            "-days", 30, "-extfile", "names")
    return folder / "srv.pem", folder / "srv.key"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["slack", "webhook", "smtp"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--secret", default=Webhook.SECRET)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--user")
    parser.add_argument("--password")
    options = parser.parse_args()
    if options.kind == "slack":
        sink = Slack(options.dir, options.port)
    elif options.kind == "webhook":
        sink = Webhook(options.dir, options.port, [options.secret])
    else:
        sink = Smtp(options.dir, options.port, (options.certificate, options.key) if options.certificate else None,
                        options.user, options.password)
    sink.start()
    print(sink.port, flush=True)
    if options.kind == "slack":
        print(sink.url, flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
