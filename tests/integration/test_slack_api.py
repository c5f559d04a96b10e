#!/usr/bin/env python3
"""Slack's Web API: finding people, threads, what every answer means, doubt resolved by reading before posting again."""
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from delivery import DAY, HOUR, NOW, change, deliver, instant, organisation, put, state  # noqa: E402
from harness import BIN, HEAVY, run  # noqa: E402
from slack_api import SlackApi  # noqa: E402

CHANNEL = "{kind: slack_api, token: 'env:SLACK_TOKEN', url: '%s', allows_http_loopback: true, per_second: 100%s}"
TEXT = json.dumps({"text": "Three accounts to handle today", "mrkdwn": False, "link_names": False})
FIXED = ", channel: C024BE91L"
FIND = ["users.lookupByEmail", "conversations.open"]


def slack_org(case, more="", sink="dm", **options):
    slack = SlackApi(**options)
    case.at_end(slack.stop)
    slack.start()
    for name in ("ann", "bob", "eve"):
        slack.add_user(f"{name}@acme.example")
    case.env = {"SLACK_TOKEN": slack.TOKEN}
    organisation(case, {sink: CHANNEL % (slack.url, more)})
    return slack


def post(case, owner="ann@acme.example", body=TEXT, **more):
    return put(case, "dm", "slack_api", body, owner, owner=owner, **more)


def methods(slack):
    got = [r["method"] for r in slack.requests]
    slack.requests.clear()
    return got


def once_each(slack, n):
    return len(slack.ids()) == n and set(slack.ids().values()) == {1}


def test_direct_message(case):
    """an owner is found by e-mail address once, and written to directly; the address stands in no URL"""
    slack = slack_org(case)
    message = post(case)
    deliver(case)
    assert methods(slack) == [*FIND, "chat.postMessage"] and state(case, message)[0] == "sent"
    posted, = slack.posts()
    assert slack.direct[slack.users["ann@acme.example"]] == posted.channel and posted.thread is None
    assert posted.payload["text"] == json.loads(TEXT)["text"] and posted.payload["link_names"] is False
    assert case.query("SELECT provider_ref FROM outbox") == [(f"{posted.channel}/{posted.ts}",)]
    assert case.query("SELECT sink, recipient, address FROM channel_address") == [("dm", "ann@acme.example", posted.channel)]
    post(case, day=DAY + 1)
    deliver(case)
    assert methods(slack) == ["chat.postMessage"] and once_each(slack, 2)
    assert not [r for r in slack.requests if "@" in r["path"] or "%40" in r["path"]]


def test_thread(case):
    """the first part of a digest stands in the conversation, the others are replies in its thread, in order"""
    slack = slack_org(case)
    for owner in ("ann@acme.example", "bob@acme.example"):
        for part in (1, 2, 3):
            post(case, owner, json.dumps({"text": f"{owner} {part}"}), part=part)
    slack.scripts["chat.postMessage"] = ["ok", "503"]  # the second that comes has to wait, and all of its thread behind it
    for _ in range(4):
        deliver(case, NOW + HOUR * _, expect=None)
    assert once_each(slack, 6) and len(slack.conversations) == 3
    for owner in ("ann@acme.example", "bob@acme.example"):
        parts = slack.conversations[slack.direct[slack.users[owner]]]
        assert [p.payload["text"] for p in parts] == [f"{owner} {n}" for n in (1, 2, 3)], parts
        assert [p.thread for p in parts] == [None, parts[0].ts, parts[0].ts]
    assert slack.n_calls("users.lookupByEmail") == 2


def test_no_thread(case):
    """replies whose first part was not delivered are never posted by themselves"""
    slack = slack_org(case)
    slack.scripts["chat.postMessage"] = ["error:never_heard_of"]
    messages = [post(case, part=part) for part in (1, 2)]
    deliver(case)
    assert [state(case, m)[0] for m in messages] == ["dead", "dead"] and not slack.posts()
    assert "first part" in state(case, messages[1])[2] and slack.n_calls("chat.postMessage") == 1


UNKNOWN = ("channel_not_found", "channel_is_archived", "is_archived", "user_not_found", "user_disabled", "cannot_dm_bot", "not_in_channel")
OFF = ("no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "action_prohibited",
       "posting_to_general_channel_denied", "restricted_action", "restricted_action_read_only_channel",
       "restricted_action_thread_only_channel", "messages_tab_disabled", "not_authed", "invalid_auth", "invalid_token", "token_revoked",
       "token_expired", "account_inactive", "missing_scope", "not_allowed_token_type", "ekm_access_denied", "team_access_not_granted")
FIX = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "invalid_payload", "invalid_json",
       "too_many_attachments", "metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema")
AGAIN = ("service_unavailable", "request_timeout", "rollup_error", "team_added_to_org", "org_login_required", "ratelimited",
         "rate_limited", "message_limit_exceeded", "external_channel_migrating")
TABLE = [  # answer to chat.postMessage, state, how often it was called in this run, whether the sink is switched off
    ("ok", "sent", 1, 0), ("503", "ambiguous", 1, 0), ("500", "ambiguous", 1, 0), ("302", "pending", 1, 0), ("429", "pending", 1, 0),
    ("200:hello", "ambiguous", 1, 0), ('200:{"ok":true}', "ambiguous", 1, 0), ("error:internal_error", "ambiguous", 1, 0),
    ("error:fatal_error", "ambiguous", 1, 0), ("410", "dead", 1, 1), ("error:never_heard_of", "dead", 1, 0),
    ("error:cannot_reply_to_message", "dead", 1, 0), ("drop_before", "ambiguous", 1, 0), ("drop_after", "ambiguous", 1, 0),
    ("drop_unsaved", "ambiguous", 1, 0), *[(f"error:{n}", "pending", 1, 0) for n in AGAIN], *[(f"error:{n}", "sent", 2, 0) for n in FIX],
    *[(f"error:{n}", "dead", 1, 1) for n in OFF],
]


def test_classes(case):
    """each of Slack's answers to a post puts the message and its sink into the right state with exactly the stated number of posts"""
    slack = slack_org(case, FIXED)
    table = TABLE + [(f"error:{n}", "dead", 1, 1) for n in UNKNOWN]  # of a fixed channel
    for n, (action, wanted, n_posts, is_off) in enumerate(table):
        if n > 14 and n % 5 and not HEAVY:
            continue  # unit tests have them all
        slack.requests.clear()
        slack.scripts["chat.postMessage"] = [action]
        message = post(case, f"o{n}@acme.example", fallback='{"text": "plain"}')
        deliver(case, expect=None)
        off = case.query("SELECT count(*) FROM sink_state WHERE is_disabled = 1")[0][0]
        got = (state(case, message)[0], slack.n_calls(), off)
        assert got == (wanted, n_posts, is_off), (action, got)
        change(case, "UPDATE outbox SET state = 'dead' WHERE state IN ('pending', 'ambiguous')")
        change(case, "DELETE FROM sink_state")
    assert len([a for a in table if a[0].startswith("error:")]) >= 45


def test_unknown_owner(case):
    """an owner whom Slack does not know ends that owner's message and no other; what was remembered of one who moved is asked again"""
    slack = slack_org(case)
    nobody, bob = post(case, "nobody@acme.example"), post(case, "bob@acme.example")
    deliver(case)
    assert state(case, nobody)[0] == "dead" and "users_not_found" in state(case, nobody)[2] and state(case, bob)[0] == "sent"
    methods(slack)
    for day, error in enumerate(("channel_not_found", "user_not_found", "is_archived"), 1):
        del slack.direct[slack.users["bob@acme.example"]]
        slack.add_user("bob@acme.example")
        slack.scripts["chat.postMessage"] = [f"error:{error}"]
        message = post(case, "bob@acme.example", day=DAY + day)
        deliver(case)
        assert state(case, message)[0] == "sent" and methods(slack) == ["chat.postMessage", *FIND, "chat.postMessage"], error
        new = slack.direct[slack.users["bob@acme.example"]]
        assert len(slack.conversations[new]) == 1 and case.query("SELECT address FROM channel_address") == [(new,)]
    del slack.users["bob@acme.example"]
    slack.scripts["chat.postMessage"] = ["error:user_not_found"]
    gone = post(case, "bob@acme.example", day=DAY + 9)
    deliver(case)
    assert state(case, gone)[0] == "dead" and methods(slack) == ["chat.postMessage", "users.lookupByEmail"]
    assert case.query("SELECT count(*) FROM channel_address") == [(0,)]
    assert case.query("SELECT count(*) FROM sink_state WHERE is_disabled = 1") == [(0,)]


def test_finding_fails(case):
    """what fails before anything is posted is tried again, waits as long as Slack asks, or is told to a person, as it is"""
    slack = slack_org(case)
    table = [("503", "pending", 0, 1), ("drop_after", "pending", 0, 1), ("error:internal_error", "pending", 0, 1),
             ("429:7", "pending", 0, 7), ("200:hello", "pending", 0, 1), ("error:token_revoked", "dead", 1, 0),
             ("error:missing_scope", "dead", 1, 0), ("error:never_heard_of", "dead", 0, 0)]
    for n, (action, wanted, is_off, wait) in enumerate(table):
        for method in FIND:
            slack.scripts[method] = [action]
            message = post(case, "eve@acme.example", digest_kind=f"{method}{n}")
            deliver(case, expect=None)
            off = case.query("SELECT count(*) FROM sink_state WHERE is_disabled = 1")[0][0]
            assert (state(case, message)[0], off) == (wanted, is_off), (action, method, state(case, message))
            due = case.query("SELECT next_at FROM outbox WHERE id = ?", message)[0][0]
            assert wanted != "pending" or due > NOW + wait, (action, due - NOW)
            assert not slack.posts()
            change(case, "UPDATE outbox SET state = 'dead' WHERE state = 'pending'")
            change(case, "DELETE FROM sink_state")


def test_doubt(case):
    """a post that may have arrived is looked for before it is posted again: found it counts as sent, else it goes once more"""
    slack = slack_org(case)
    for owner, action in (("ann@acme.example", "drop_after"), ("bob@acme.example", "drop_unsaved")):
        slack.scripts["chat.postMessage"] = [action]
        root, reply = post(case, owner), post(case, owner, part=2)
        deliver(case, expect=75)
        assert [state(case, m)[0] for m in (root, reply)] == ["ambiguous", "pending"]
        methods(slack)
        again = ["chat.postMessage"] * (action == "drop_unsaved")
        slack.scripts["chat.postMessage"] = [*(["ok"] * len(again)), action]
        deliver(case, NOW + 60, expect=75)
        assert [state(case, m)[0] for m in (root, reply)] == ["sent", "ambiguous"]
        assert methods(slack) == ["conversations.history", *again, "chat.postMessage"]
        deliver(case, NOW + 120)
        assert state(case, reply)[0] == "sent" and methods(slack) == ["conversations.replies", *again]
    assert once_each(slack, 4)
    for messages in slack.conversations.values():
        assert [bool(m.thread) for m in messages] in ([], [False, True])


def test_doubt_of_one_who_moved(case):
    """whom a killed deliverer found anew is found again, and what it posted there is found as well"""
    slack = slack_org(case)
    change(case, "INSERT INTO channel_address VALUES ('dm', 'ann@acme.example', 'D0OLD0OLD', 0)")
    message = post(case)
    slack.scripts["chat.postMessage"] = ["ok", "drop_after"]
    deliver(case, expect=75)
    assert methods(slack) == ["chat.postMessage", *FIND, "chat.postMessage"] and len(slack.posts()) == 1
    change(case, "UPDATE channel_address SET address = 'D0OLD0OLD'")  # as if killed before it was kept
    deliver(case, NOW + HOUR)
    assert methods(slack) == ["conversations.history", "chat.postMessage", *FIND, "conversations.history"]
    assert state(case, message)[0] == "sent" and once_each(slack, 1)
    assert case.query("SELECT address FROM channel_address") == [(slack.posts()[0].channel,)]


def test_doubt_stays(case):
    """while Slack can't be asked the message stays in doubt and nothing is posted; a doubt of earlier attempts is not forgotten"""
    slack = slack_org(case, FIXED, scopes=("chat:write", "channels:history"))
    message = post(case)
    slack.scripts["chat.postMessage"] = ["drop_after"]
    deliver(case, expect=75)
    for n, action in enumerate(("503", "429:7", "drop_before", "drop_after", "200:{", "error:internal_error"), 1):
        slack.scripts["conversations.history"] = [action]
        deliver(case, NOW + n * HOUR, expect=75)
        assert state(case, message)[0] == "ambiguous", action
    assert slack.n_calls("chat.postMessage") == 1
    deliver(case, NOW + 8 * HOUR)
    assert state(case, message)[0] == "sent" and once_each(slack, 1)
    other = post(case, "bob@acme.example")
    slack.scripts["chat.postMessage"] = ["drop_unsaved", "error:ratelimited", "ok"]
    slack.scripts["conversations.history"] = []
    for n in range(3):
        deliver(case, NOW + (9 + n) * HOUR, expect=None)
    assert state(case, other)[0] == "sent" and slack.n_calls("conversations.history") == 9, slack.n_calls("conversations.history")
    slack.scopes.remove("channels:history")
    third = post(case, "eve@acme.example")
    slack.scripts["chat.postMessage"] = ["drop_after"]
    deliver(case, NOW + 12 * HOUR, expect=75)
    deliver(case, NOW + 13 * HOUR, expect=None)
    assert state(case, third)[::2] == ("dead", "missing_scope (channels:history)") and once_each(slack, 3)


def test_doubt_settles(case):
    """a message in doubt is asked about no sooner than ten seconds after its last attempt, which may still be under way"""
    slack = slack_org(case)
    message = post(case)
    slack.scripts["chat.postMessage"] = ["drop_unsaved"]
    deliver(case, expect=75)
    due = case.query("SELECT next_at FROM outbox")[0][0]
    assert NOW + 10 <= due <= NOW + 13
    change(case, "UPDATE outbox SET state = 'inflight', next_at = ?", NOW)  # as if killed just then
    methods(slack)
    deliver(case, NOW + 7, expect=75)
    assert methods(slack) == [] and state(case, message)[0] == "ambiguous"
    change(case, "UPDATE outbox SET next_at = 0")
    deliver(case, NOW - HOUR, expect=75)  # the clock is set back
    assert methods(slack) == []
    deliver(case, NOW - HOUR + 200)
    assert methods(slack) == ["conversations.history", "chat.postMessage"] and once_each(slack, 1)


def test_doubt_in_a_crowd(case):
    """the message is found on a later page of a busy channel, and a message before the doubt is no proof"""
    slack = slack_org(case, FIXED, scopes=("chat:write", "groups:history", "channels:history"))
    slack.now = NOW - 14 * HOUR  # its clock and ours differ by as much as zones do
    message = post(case)
    slack.scripts["chat.postMessage"] = ["drop_after"]
    deliver(case, expect=75)
    first = slack.posts()[0]
    crowd = [type(first)(ts=f"{NOW + n}.{n:06d}", thread=None, channel=first.channel, at=0,
                         payload={"text": "<x>", "metadata": {"event_type": "other", "event_payload": {"id": "x"}}}) for n in range(170)]
    slack.conversations[first.channel] += crowd
    deliver(case, NOW + HOUR)
    assert state(case, message)[0] == "sent" and slack.n_calls("conversations.history") == 4 and slack.n_calls("chat.postMessage") == 1
    slack.conversations[first.channel][:] = []
    case.retaind("deliveries", "retry", str(message), "--force", "--now", instant(NOW + 2 * HOUR), env=case.env)
    deliver(case, NOW + 2 * HOUR)
    assert len(slack.posts()) == 1, "what a person forces is posted again"


def test_kill(case):
    """killed at random moments the deliverer posts each part exactly once in the end, in its place"""
    slack = slack_org(case)
    rng = random.Random(7)
    rounds, n = (300, 200) if HEAVY else (12, 8)
    for k in range(n):
        owner = f"o{k}@acme.example"
        slack.users[owner] = f"U9{k:08d}"
        for part in (1, 2):
            post(case, owner, json.dumps({"text": f"{owner} {part}"}), part=part, life=20 * HOUR)
    change(case, "INSERT INTO channel_address SELECT DISTINCT 'dm', recipient, 'D9' || substr(recipient, 2, instr(recipient, '@') - 2)"
                 " || 'XXXXXXX', 0 FROM outbox WHERE recipient < 'o2'")
    slack.delay = 0.004
    for r in range(rounds):
        at = slack.now = NOW + 40 * r
        process = subprocess.Popen([BIN, "deliver", "--config", str(case.tmp / "config"), "--now", instant(at)], env={**case.env},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = len(slack.requests) + rng.randint(1, 4)
        while len(slack.requests) < until and process.poll() is None:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.015))
        process.send_signal(signal.SIGKILL)
        process.wait()
        slack.settle()
    for r in range(8):
        if deliver(case, NOW + 40 * rounds + HOUR * (1 + r), expect=None).returncode == 0:
            break
    assert case.query("SELECT DISTINCT state FROM outbox") == [("sent",)]
    assert once_each(slack, 2 * n), [k for k in slack.ids().values() if k != 1]
    for messages in slack.conversations.values():
        assert not messages or [m.thread for m in messages] == [None, messages[0].ts]
    doubts = case.query("SELECT count(*) FROM delivery WHERE outcome = 'ambiguous'")[0][0]
    print(f"         {rounds} kills, {doubts} of them while a message was in flight; {slack.n_calls('chat.postMessage')} posts")


def test_rate(case):
    """finding an owner counts as six messages, so that Slack, which allows fewer lookups than posts, never has to refuse any"""
    slack = slack_org(case, has_limits=True)
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text(path.read_text().replace("per_second: 100", "per_second: 4" if HEAVY else "per_second: 12"))
    n = 60 if HEAVY else 5
    for k in range(n):
        slack.add_user(f"o{k}@acme.example")
        for part in (1, 2):
            post(case, f"o{k}@acme.example", part=part)
    deliver(case, timeout=300)
    assert once_each(slack, 2 * n) and slack.n_limited == 0
    found = [r["at"] for r in slack.requests if r["method"] == "users.lookupByEmail"]
    gaps = [b - a for a, b in zip(found, found[1:])]
    pace = 1.5 if HEAVY else 0.5  # of departures; an arrival may be late, so that the next seems early
    assert len(found) == n and min(gaps) > pace - 0.2 and sum(gaps) > (n - 1) * pace - 0.2, gaps
    assert case.query("SELECT count(*) FROM delivery WHERE status = 429") == [(0,)]


def test_slow_down(case):
    """where Slack does refuse, at whichever call, everything waits as long as it says, and nothing is lost or posted twice"""
    slack = slack_org(case)
    for name in ("ann", "bob", "eve"):
        post(case, f"{name}@acme.example")
    at = NOW
    for method in (*FIND, "chat.postMessage"):
        slack.scripts[method] = ["429:20"]
        slack.requests.clear()
        deliver(case, at, expect=75)
        n = len(slack.requests)
        deliver(case, at + 19, expect=75)
        assert slack.requests[-1]["method"] == method and len(slack.requests) == n
        at += 22
    deliver(case, at)
    assert once_each(slack, 3)


def test_check(case):
    """check --online says who the token is and what it may do, and which scope is missing; a fixed channel needs others"""
    slack = slack_org(case)

    def check(expect):
        result = case.retaind("check", "--online", env=case.env, expect=None)
        assert (result.returncode == 0) == expect, result.stdout + result.stderr
        assert slack.TOKEN not in result.stdout + result.stderr
        return result.stdout + result.stderr
    text = check(True)
    assert "workspace Acme knows us as retaind" in text and "im:history" in text and not slack.posts()
    assert methods(slack) == ["auth.test"]
    slack.scopes.remove("im:history")
    assert "has not the scopes im:history" in check(False)
    slack.scripts["auth.test"] = ["error:token_revoked"]
    assert "token_revoked" in check(False)
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text(path.read_text().replace("per_second", "channel: C024BE91L, per_second"))
    assert "channels:history" in check(False)
    slack.scopes.append("groups:history")
    slack.scopes.append("channels:history")
    check(True)
    slack.strange.add("C024BE91L")
    assert "C024BE91L: not_in_channel: is the app a member of it?" in check(False)
    slack.conversations.clear()
    assert "channel_not_found" in check(False)


def test_configuration(case):
    """what is wrong in the configuration is told with its place and what would be right"""
    slack = slack_org(case, FIXED)
    path = case.tmp / "config/orgs/acme.yaml"
    right = path.read_text()
    for old, new, told in (("C024BE91L", "'#sales'", "expected a channel's identifier such as C024BE91L"),
                           ("token: 'env:SLACK_TOKEN', ", "", "`token` is missing, kind `slack_api` needs it"),
                           ("'env:SLACK_TOKEN'", "xoxb-1-2", "credential:"),
                           ("kind: slack_api", "kind: slack_webhook", "is not used with kind `slack_webhook`")):
        path.write_text(right.replace(old, new))
        assert told in case.retaind("check", env=case.env, expect=78).stderr, told
    path.write_text(right)
    case.env["SLACK_TOKEN"] = "xoxb-1\r\nX-Evil: 1"
    message = post(case)
    deliver(case, expect=None)
    assert state(case, message)[0] == "pending" and "Evil" not in state(case, message)[2] and not slack.requests


def test_no_secret_shows(case):
    """the token appears in nothing that is printed, logged or stored, even where Slack says it back to us"""
    slack = slack_org(case)
    printed = ""
    scripts = [f"error:{slack.TOKEN}", f"200:{slack.TOKEN}", f"503:{slack.TOKEN}", "error:token_revoked", "drop_after", "429:1"]
    for n, action in enumerate(scripts):
        for method in (*FIND, "chat.postMessage") if HEAVY or n == 0 else ("chat.postMessage",):
            slack.scripts = {method: [action], "auth.test": [action]}
            post(case, f"o{n}@acme.example", digest_kind=method)
            slack.add_user(f"o{n}@acme.example")
            for command in (["deliver", "-v", "--now", instant(NOW)], ["deliveries"], ["check", "--online"]):
                result = case.retaind(*command, env=case.env, expect=None)
                printed += result.stdout + result.stderr
            change(case, "DELETE FROM sink_state")
    stored = b"".join(f.read_bytes() for f in case.database().parent.iterdir() if f.is_file())
    for text in (slack.TOKEN, slack.TOKEN[:16], slack.TOKEN[16:]):
        assert text not in printed and text.encode() not in stored


def test_trial(case):
    """test-sink writes to one owner directly and shows what Slack made of it; with nobody named it says what is missing"""
    slack = slack_org(case)
    told = json.loads(case.retaind("test-sink", "dm", "--owner", "ann@acme.example", "--format", "json", env=case.env).stdout)
    posted, = slack.posts()
    assert posted.channel == slack.direct[slack.users["ann@acme.example"]] and "A test from retaind" in posted.payload["text"]
    assert told[0]["outcome"] == "sent" and f"{posted.channel}/{posted.ts}" in told[0].values(), told
    result = case.retaind("test-sink", "dm", env=case.env, expect=None)
    assert result.returncode == 78 and "--owner" in result.stderr + result.stdout, result.stderr + result.stdout
    slack.scopes.remove("im:write")
    slack.add_user("bob@acme.example")
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text(path.read_text().replace("ann@acme.example", "bob@acme.example"))
    result = case.retaind("test-sink", "dm", "--owner", "bob@acme.example", env=case.env, expect=78)
    assert "missing_scope (im:write)" in result.stdout and slack.TOKEN not in result.stdout + result.stderr


def test_notice(case):
    """an administrator is told in a fixed channel, as plain text; a channel to each owner is refused for that"""
    slack = slack_org(case)
    organisation(case, {"dm": CHANNEL % (slack.url, ""), "room": CHANNEL % (slack.url, FIXED)}, "admin_channel: acme/room\n")
    post(case, "nobody@acme.example")
    deliver(case)
    posted, = slack.posts()
    assert "users_not_found" in posted.payload["text"] and posted.channel == "C024BE91L"
    path = case.tmp / "config/retaind.yaml"
    path.write_text(path.read_text().replace("acme/room", "acme/dm"))
    told = case.retaind("check", env=case.env, expect=78).stderr
    assert "retaind.yaml" in told and "admin_channel" in told and "`channel`" in told, told


run(globals())
