#!/usr/bin/env python3
"""Delivery over real sockets: every class of answer, outages, limits of rate, crashes between sending and noting."""
import base64
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import sinks  # noqa: E402
from delivery import DAY, ENV, HOUR, NOW, change, deliver, instant, mail, next_at, organisation, put, state  # noqa: E402
from harness import BIN, BUSY, HEAVY, run, wait_for  # noqa: E402

HOOK = "{kind: webhook, url: 'http://127.0.0.1:%d/hook', secret: 'env:HOOK_SECRET', allows_http_loopback: true, per_second: 100%s}"
SLACK = "{kind: slack_webhook, url: 'env:SLACK_URL', allows_http_loopback: true, per_second: 100%s}"
MAIL = "{kind: email, host: 127.0.0.1, port: %d, tls: none_loopback, from: 'Desk <desk@acme.example>', per_second: 100%s}"
TEXT = json.dumps({"text": "Three accounts to handle today"})
MAIL_TYPE = "message/rfc822"


def started(case, sink):
    case.at_end(sink.stop)
    return sink.start()


def slack_org(case, more="", **other):
    slack = started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": slack.url}
    organisation(case, {"desk": SLACK % more, **other})
    return slack


def hook_org(case, more="", **other):
    hook = started(case, sinks.Webhook())
    case.env = dict(ENV)
    organisation(case, {"hook": HOOK % (hook.port, more), **other})
    return hook


def mail_org(case, more="", **options):
    server = started(case, sinks.Smtp(**options))
    case.env = dict(ENV)
    organisation(case, {"mail": MAIL % (server.port, more)})
    return server


SLACK_TABLE = [  # answer, state, requests of this run, whether the sink is switched off
    ("ok", "sent", 1, 0), ("503", "pending", 1, 0), ("500:internal_error", "ambiguous", 1, 0),
    ("500:fatal_error", "ambiguous", 1, 0), ("error:service_unavailable:503", "pending", 1, 0),
    ("error:request_timeout:408", "pending", 1, 0), ("error:rollup_error", "pending", 1, 0),
    ("error:team_added_to_org", "pending", 1, 0), ("error:org_login_required", "pending", 1, 0), ("429", "pending", 1, 0),
    ("error:ratelimited", "pending", 1, 0), ("error:rate_limited", "pending", 1, 0),
    ("error:message_limit_exceeded", "pending", 1, 0), ("302", "pending", 1, 0), ("200:hello", "ambiguous", 1, 0),
    *[(f"error:{name}", "sent", 2, 0) for name in (
        "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "invalid_payload",
        "too_many_attachments", "metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema")],
    *[(f"error:{name}:403", "dead", 1, 1) for name in (
        "channel_not_found", "is_archived", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "user_not_found",
        "action_prohibited", "posting_to_general_channel_denied", "restricted_action", "restricted_action_read_only_channel",
        "not_in_channel", "messages_tab_disabled", "invalid_auth", "invalid_token", "token_revoked", "token_expired",
        "account_inactive", "missing_scope", "ekm_access_denied")],
    ("error:channel_is_archived:410", "dead", 1, 1), ("error:no_service:404", "dead", 1, 1), ("410", "dead", 1, 1),
    ("error:never_heard_of", "dead", 1, 0), ("drop_before", "ambiguous", 1, 0), ("drop_after", "ambiguous", 1, 0),
    ("drop_unsaved", "ambiguous", 1, 0),
]


def test_slack_classes(case):
    """each of Slack's answers puts the message and its sink into the right state with exactly the stated number of requests"""
    slack = slack_org(case, "")
    for n, (action, wanted, n_requests, is_off) in enumerate(SLACK_TABLE):
        slack.requests.clear()
        slack.script = [action]
        message = put(case, "desk", "slack_webhook", TEXT, owner=f"o{n}@acme.example", fallback='{"text": "plain"}')
        deliver(case, expect=None)
        got = state(case, message)
        off = case.query("SELECT count(*) FROM sink_state WHERE is_disabled = 1")[0][0]
        assert (got[0], len(slack.requests), off) == (wanted, n_requests, is_off), (action, got, len(slack.requests), off)
        change(case, "UPDATE outbox SET state = 'dead' WHERE state IN ('pending', 'ambiguous')")
        change(case, "DELETE FROM sink_state")
    assert len([a for a in SLACK_TABLE if a[0].startswith("error:")]) >= 38


def test_slack_fallback(case):
    """what Slack refuses as invalid is sent once more as the plain body, and then given up"""
    slack = slack_org(case)
    message = put(case, "desk", "slack_webhook", json.dumps({"text": "x", "blocks": [{"type": "header"}] * 51}),
                  fallback=json.dumps({"text": "plain"}))
    deliver(case)
    assert [m.payload for m in slack.messages] == [{"text": "plain"}]
    bad = put(case, "desk", "slack_webhook", "{", fallback="[", owner="bob@acme.example")
    none = put(case, "desk", "slack_webhook", "{", owner="eve@acme.example")
    deliver(case)
    assert state(case, message)[0] == "sent" and state(case, bad)[:2] == ("dead", 2) and state(case, none)[:2] == ("dead", 1)


def test_twice_sends_once(case):
    """running the stage twice sends nothing twice, on any channel"""
    slack, hook, server = started(case, sinks.Slack()), started(case, sinks.Webhook()), started(case, sinks.Smtp())
    case.env = {**ENV, "SLACK_URL": slack.url}
    organisation(case, {"desk": SLACK % "", "hook": HOOK % (hook.port, ""), "mail": MAIL % (server.port, ""),
                        "archive": f"{{kind: file, folder: {case.tmp}/files/deep}}"})
    put(case, "desk", "slack_webhook", TEXT)
    put(case, "hook", "webhook", TEXT)
    put(case, "mail", "email", mail("ann@acme.example"), "ann@acme.example", content_type=MAIL_TYPE)
    put(case, "archive", "file", "Digest of Monday\n", "2026-03-02-ann.txt", content_type="text/plain")
    for _ in range(3):
        deliver(case)
    assert (len(slack.requests), len(hook.requests), len(server.messages)) == (1, 1, 1)
    files = list((case.tmp / "files/deep").iterdir())
    assert [f.name for f in files] == ["2026-03-02-ann.txt"] and files[0].read_text() == "Digest of Monday\n"
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert case.query("SELECT count(*) FROM outbox WHERE state = 'sent'")[0][0] == 4
    assert case.query("SELECT provider_ref FROM outbox WHERE kind = 'email'")[0][0].startswith("250 OK id=1")
    case.retaind("deliveries", "audit", "--now", instant(NOW + HOUR), env=case.env)


def test_retry_after(case):
    """429 with Retry-After: 7 waits 7 s, holds the whole sink, and is never final; absurd values fall back to the schedule; a date
    counts from the sink's own clock"""
    slack = slack_org(case)
    slack.script = ["429:7"]
    first = put(case, "desk", "slack_webhook", TEXT)
    deliver(case, expect=75)
    put(case, "desk", "slack_webhook", TEXT, owner="bob@acme.example")
    deliver(case, NOW + 6, expect=75)
    assert len(slack.requests) == 1 and state(case, first)[0] == "pending"
    deliver(case, NOW + 9)
    assert len(slack.messages) == 2
    schedule, soon, hour = (4, 6), (1, 2), (HOUR + 1, HOUR + 2)  # a run that sees the second change adds one
    table = [("0", soon), ("30", (31, 32)), ("3600", hour), ("99999999", hour), ("-1", schedule), ("1e9", schedule),
             ("abc", schedule), ("99999999999999999999", schedule), ("7, 8", schedule), ("0x10", schedule),
             ("Mon, 02 Mar 2026 07:03:00 GMT", (121, 122)), ("Mon, 02 Mar 2026 06:00:00 GMT", soon),
             ("Monday, 02-Mar-26 07:03:00 GMT", schedule), ("Tue, 03 Mar 2026 07:00:00 GMT", hour),
             ("Fri, 31 Dec 9999 23:59:59 GMT", hour), ("Mon, 02 Mar 2026 25:61:00 GMT", schedule)]
    at = NOW + 60
    ahead = [("Mon, 02 Mar 2026 09:03:00 GMT", (121, 122), 7200), ("Mon, 02 Mar 2026 05:03:00 GMT", (121, 122), -7200)]
    for n, (value, (least, most), by) in enumerate([(*row, 0) for row in table] + ahead):
        slack.script, slack.clock = [f"429:{value}"], at + by
        message = put(case, "desk", "slack_webhook", TEXT, owner=f"o{n}@acme.example", at=at)
        deliver(case, at, expect=75)
        wait = next_at(case, message) - at
        assert least <= wait <= most, (value, wait)
        case.retaind("deliveries", "retry", str(message), "--now", instant(at), env=case.env)
        deliver(case, at)
        assert state(case, message)[0] == "sent"


def test_retry_after_nothing(case):
    """a sink that says 429 and "again in 0 s" for an hour is asked at most ten times, and gets everything once it is well"""
    slack = slack_org(case)
    slack.script = ["429:0"] * 5000
    messages = [put(case, "desk", "slack_webhook", TEXT, owner=f"o{n}@acme.example") for n in range(2)]
    now = NOW
    while now < NOW + HOUR:
        deliver(case, now, expect=75)
        now = max(now + 1, case.query("SELECT max(min(o.next_at), max(s.not_before_at)) FROM outbox o, sink_state s "
                                      "WHERE o.state = 'pending'")[0][0])
    assert max(state(case, m)[1] for m in messages) <= 10 and len(slack.requests) <= 20, len(slack.requests)
    slack.script = []
    deliver(case, NOW + 3 * HOUR)
    assert {state(case, m)[0] for m in messages} == {"sent"} and len(slack.messages) == 2


def test_retry_after_on_the_clock(case):
    """with --wait every second request answered 429 delivers all, none sooner than asked, one at a time"""
    slack = slack_org(case)
    seconds, n_messages = (7, 10) if HEAVY else (1, 3)
    slack.script = [f"429:{seconds}", "ok"] * (n_messages - 1)
    now = int(time.time())
    for n in range(n_messages):
        put(case, "desk", "slack_webhook", TEXT, owner=f"o{n}@acme.example", at=now)
    deliver(case, None, wait=30 * seconds, timeout=300)
    assert len(slack.messages) == n_messages and slack.most_at_work == 1
    for before, after in zip(slack.requests, slack.requests[1:]):
        if before["action"].startswith("429"):
            assert after["at"] - before["at"] >= seconds, after["at"] - before["at"]


def test_outage(case):
    """through an hour of 503 a message alone at its sink is tried at most 8 times, and arrives once the sink is back"""
    hook = hook_org(case)
    hook.script = ["503"] * 1000
    message = put(case, "hook", "webhook", TEXT)
    now = NOW
    while now < NOW + HOUR:
        deliver(case, now, expect=75)
        now = max(now + 1, case.query("SELECT max(next_at, coalesce((SELECT not_before_at FROM sink_state), 0)) FROM outbox")[0][0])
    assert 5 <= state(case, message)[1] <= 8, state(case, message)
    hook.script = []
    deliver(case, next_at(case, message))
    assert state(case, message)[0] == "sent" and len(hook.by_id) == 1


def test_expiry(case):
    """what can't be delivered in its time is dead and the audit names it; a stale digest never follows its successor"""
    hook = hook_org(case)
    hook.script = ["503"] * 2
    late = put(case, "hook", "webhook", TEXT, life=HOUR)
    stale = put(case, "hook", "webhook", TEXT, owner="bob@acme.example", life=40 * HOUR)
    deliver(case, expect=75)
    fresh = put(case, "hook", "webhook", json.dumps({"text": "fresh"}), owner="bob@acme.example", day=DAY + 1, at=NOW + 24 * HOUR)
    change(case, "UPDATE outbox SET next_at = ? WHERE id = ?", NOW + 25 * HOUR, stale)
    printed = deliver(case, NOW + 24 * HOUR).stderr + deliver(case, NOW + 26 * HOUR).stderr
    assert state(case, late)[0] == "dead" and state(case, late)[2].startswith("expired"), state(case, late)
    assert state(case, stale)[0] == "dead" and state(case, stale)[2].startswith("superseded"), state(case, stale)
    assert state(case, fresh)[0] == "sent" and len(hook.messages) == 1
    assert "deliveries_expired" in printed and "count=2" in printed, printed
    audit = case.retaind("deliveries", "audit", "--format", "json", "--now", instant(NOW + 26 * HOUR), expect=1, env=case.env)
    assert len(json.loads(audit.stdout)) == 2


def test_circuit_breaker(case):
    """410 switches a sink off at the first attempt, tells the admin through another, leaves the rest alone; retry mends it"""
    hook, desk = started(case, sinks.Webhook()), started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": desk.url}
    organisation(case, {"hook": HOOK % (hook.port, ""), "desk": SLACK % ""}, "admin_channel: acme/desk\n")
    hook.script = ["410"]
    first = put(case, "hook", "webhook", TEXT)
    waiting = put(case, "hook", "webhook", TEXT, owner="bob@acme.example")
    other = put(case, "desk", "slack_webhook", TEXT)
    deliver(case)
    assert len(hook.requests) == 1 and state(case, first)[0] == "dead" and state(case, waiting)[:2] == ("pending", 0)
    assert state(case, other)[0] == "sent"
    texts = [m.payload["text"] for m in desk.messages]
    assert len(texts) == 2 and "switched off" in texts[-1] and "hook" in texts[-1], texts
    deliver(case)
    assert len(hook.requests) == 1
    case.retaind("deliveries", "retry", str(first), "--now", instant(NOW), env=case.env)
    deliver(case)
    assert state(case, first)[0] == state(case, waiting)[0] == "sent"


def test_webhook_stays_the_same(case):
    """over ten retries a webhook's id and body stay byte-identical while its timestamp changes, and the receiver folds them"""
    hook = hook_org(case, ", old_secret: 'env:HOOK_OLD'")
    hook.secrets = [ENV["HOOK_OLD"]]  # a receiver that still has the old secret
    hook.script = ["drop_after"] * 9
    message = put(case, "hook", "webhook", TEXT)
    now = NOW
    for _ in range(9):
        deliver(case, now, expect=75)
        assert state(case, message)[0] == "ambiguous"
        now = next_at(case, message)
    deliver(case, now)
    assert state(case, message)[:2] == ("sent", 10)
    assert len({r["body"] for r in hook.requests}) == len({r["headers"]["webhook-id"] for r in hook.requests}) == 1
    assert len({r["headers"]["webhook-timestamp"] for r in hook.requests}) == 10
    assert len(hook.messages) == 1 and hook.n_folded == 9 and hook.n_differing == 0


def test_large_webhook(case):
    """a payload above 20 KB goes as its thin form, and not at all without one"""
    hook = hook_org(case)
    large = json.dumps({"text": "x" * 21000})
    put(case, "hook", "webhook", large, fallback='{"thin": true}')
    none = put(case, "hook", "webhook", large, owner="bob@acme.example")
    deliver(case)
    assert [m.body for m in hook.messages] == [b'{"thin": true}'] and state(case, none)[0] == "dead"


def test_hold(case):
    """on_ambiguous: hold leaves what may have arrived to a person, who is told"""
    slack = slack_org(case, ", on_ambiguous: hold")
    (case.tmp / "config/retaind.yaml").open("a").write("admin_channel: acme/copies\n")
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("channels:\n", f"channels:\n  copies: {{kind: file, folder: {case.tmp}/told}}\n"))
    slack.script = ["drop_after"]
    message = put(case, "desk", "slack_webhook", TEXT)
    deliver(case)
    deliver(case, NOW + HOUR)
    assert state(case, message)[0] == "ambiguous" and len(slack.requests) == 1
    told = [f.read_text() for f in (case.tmp / "told").iterdir()]
    assert len(told) == 1 and "may have arrived" in told[0], told
    case.retaind("deliveries", "retry", str(message), "--now", instant(NOW + HOUR), env=case.env)
    deliver(case, NOW + HOUR)
    assert state(case, message)[0] == "sent" and len(slack.messages) == 2


def test_isolation(case):
    """a sink that takes the request and never answers delays the others by less than a second"""
    slack, hook = started(case, sinks.Slack()), started(case, sinks.Webhook())
    case.env = {**ENV, "SLACK_URL": slack.url}
    organisation(case, {"desk": SLACK % "", "hook": HOOK % (hook.port, "")})
    slack.script = [f"stall:{2 * BUSY}"]
    put(case, "desk", "slack_webhook", TEXT)
    for n in range(5):
        put(case, "hook", "webhook", TEXT, owner=f"o{n}@acme.example")
    began = time.time()
    deliver(case)
    assert len(slack.messages) == 1 and max(m.at for m in hook.messages) - began < 1.5 * BUSY
    assert max(m.at for m in hook.messages) - slack.requests[0]["at"] < 1.0 * BUSY


def test_lock(case):
    """only one deliverer works at a time: a second ends with 75 at once, and a killed one's message is ambiguous, not lost"""
    hook = hook_org(case)
    hook.script = ["stall:20"]
    message = put(case, "hook", "webhook", TEXT)
    command = [BIN, "deliver", "--config", str(case.tmp / "config"), "--now", instant(NOW)]
    first = subprocess.Popen(command, env={**os.environ, **case.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: hook.requests, what="the first request")
    began = time.time()
    second = deliver(case, expect=75)
    assert "another deliverer" in second.stderr and time.time() - began < 1.5 * BUSY
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: deliver(case, NOW + 1, expect=None).returncode == 0, what="the lock of the killed one")
    assert state(case, message)[:2] == ("sent", 2)
    outcomes = [r[0] for r in case.query("SELECT outcome FROM delivery ORDER BY id")]
    assert outcomes == ["ambiguous", "sent"], outcomes


def children(pid):
    return [int(p) for task in Path(f"/proc/{pid}/task").iterdir() for p in (task / "children").read_text().split()]


def test_sender_killed(case):
    """a sender that is killed in the middle makes its message ambiguous, is no zombie, and harms neither deliverer nor others"""
    hook = hook_org(case)
    hook.script = ["stall:20"]
    messages = [put(case, "hook", "webhook", TEXT, owner=f"o{n}@acme.example") for n in range(3)]
    command = [BIN, "deliver", "--config", str(case.tmp / "config"), "--now", instant(NOW)]
    process = subprocess.Popen(command, env={**os.environ, **case.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: hook.requests and len(hook.requests[0]["body"]), what="the first request")
    victim = children(process.pid)[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{victim}").exists() or process.poll() is not None, what="the end of the killed one")
    assert process.wait(timeout=20) == 75 and [state(case, m)[0] for m in messages] == ["ambiguous", "sent", "sent"]
    deliver(case, next_at(case, messages[0]))
    assert [state(case, m)[:2] for m in messages] == [("sent", 2), ("sent", 1), ("sent", 1)]
    outcomes = [r[0] for r in case.query("SELECT outcome FROM delivery WHERE outbox_id = ? ORDER BY id", messages[0])]
    assert outcomes == ["ambiguous", "sent"] and len(hook.by_id) == 3, outcomes


def test_no_descriptors(case):
    """however few files it may open, a deliverer loses nothing, and what it could not send goes out once afterwards"""
    hook = hook_org(case)
    codes = set()
    for n in range(4, 24):
        message = put(case, "hook", "webhook", TEXT, owner=f"o{n}@acme.example")
        command = [BIN, "deliver", "--config", str(case.tmp / "config"), "--now", instant(NOW)]
        done = subprocess.run(command, env={**os.environ, **case.env}, capture_output=True, timeout=60,
                              preexec_fn=lambda most=n: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
        codes.add(done.returncode)
        assert done.returncode in (0, 70, 74, 75, 78, 127), (n, done.returncode, done.stderr)
        change(case, "UPDATE outbox SET next_at = ? WHERE state = 'pending'", NOW)
        deliver(case)
        assert state(case, message)[0] == "sent", (n, state(case, message))
    assert len(hook.by_id) == 20 and hook.n_folded == 0 and len(codes) > 1, codes


def test_sigterm(case):
    """SIGTERM lets what is in flight come back and starts nothing new: no message is left ambiguous"""
    hook = hook_org(case)
    hook.script = ["stall:1"]
    messages = [put(case, "hook", "webhook", TEXT, owner=f"o{n}@acme.example") for n in range(3)]
    command = [BIN, "deliver", "--config", str(case.tmp / "config"), "--now", instant(NOW)]
    process = subprocess.Popen(command, env={**os.environ, **case.env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: hook.requests, what="the first request")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 75
    assert sorted(state(case, m)[0] for m in messages) == ["pending", "pending", "sent"]
    deliver(case)
    assert len(hook.messages) == 3 and hook.n_folded == 0


def test_rate(case):
    """a channel sends no faster than its rate"""
    slack = started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": slack.url}
    organisation(case, {"desk": "{kind: slack_webhook, url: 'env:SLACK_URL', allows_http_loopback: true, per_second: 4}"})
    for n in range(5):
        put(case, "desk", "slack_webhook", TEXT, owner=f"o{n}@acme.example")
    deliver(case)
    gaps = [b["at"] - a["at"] for a, b in zip(slack.requests, slack.requests[1:])]
    assert len(slack.messages) == 5 and sum(gaps) >= 0.95 and min(gaps) > 0.15, gaps


def test_mail_classes(case):
    """4yz comes back after five minutes or more, 5yz never; a lost answer is sent again byte for byte; others are unharmed"""
    server = mail_org(case)
    table = [  # stage, answer, state, whether five minutes must pass
        ("connect", "421 busy", "pending", True), ("mail", "451 later", "pending", True), ("rcpt", "451 grey", "pending", True),
        ("rcpt", "421 closing", "pending", True), ("data", "452 full", "pending", True), ("end", "451 later", "pending", True),
        ("rcpt", "550 no such user", "dead", False), ("rcpt", "553 no", "dead", False), ("mail", "550 no", "dead", False),
        ("end", "552 too large", "dead", False), ("end", "554 spam", "dead", False), ("data", "554 no", "dead", False),
        ("connect", "drop", "pending", False), ("rcpt", "drop", "pending", False), ("end", "drop", "ambiguous", False),
        ("end", "drop_after", "ambiguous", False),
    ]
    for n, (stage, answer, wanted, is_late) in enumerate(table):
        server.script = {stage: [answer]}
        to, day = f"o{n}@acme.example", DAY + n
        message = put(case, "mail", "email", mail(to), to, owner=to, day=day, content_type=MAIL_TYPE)
        deliver(case, expect=None)
        assert state(case, message)[0] == wanted, (stage, answer, state(case, message))
        if wanted == "dead":
            continue
        assert (next_at(case, message) - NOW >= 300) == is_late, (stage, answer, next_at(case, message) - NOW)
        deliver(case, next_at(case, message), expect=None)
        assert state(case, message)[0] == "sent", (stage, answer, state(case, message))
        copies = [m.data for m in server.messages if m.recipient == to]
        assert set(copies) == {mail(to)} and len(copies) == (2 if answer == "drop_after" else 1), (stage, answer, copies)


def test_mail_injection(case):
    """an address or a message that could smuggle a command is refused by us: the server hears nothing of it"""
    server = mail_org(case)
    addresses = ["v@x.y>\r\nRCPT TO:<evil@z.z", "a b@acme.example", "<ann@acme.example>", "ann@acme.example\n", "ann", "\x7f@x.y",
                 "ann@acme.example\r\nDATA", "a\x00b@acme.example", "ann\u2028@acme.example"]
    bodies = [mail("x@acme.example") + tail for tail in (b"a\n.\nMAIL FROM:<x@y.z>\r\n", b"a\r.\r\nQUIT\r\n", b"a\x00\r\n", b"x" * 999 + b"\r\n")]
    dead = [put(case, "mail", "email", mail("x@acme.example"), a, owner=f"a{n}@x", content_type=MAIL_TYPE)
            for n, a in enumerate(addresses) if "\x00" not in a]
    dead += [put(case, "mail", "email", b, "ann@acme.example", owner=f"b{n}@x", content_type=MAIL_TYPE) for n, b in enumerate(bodies)]
    good = put(case, "mail", "email", mail("ann@acme.example", text="a\n.\nMAIL FROM:<x@y.z>\n..\n"), "ann@acme.example", content_type=MAIL_TYPE)
    deliver(case)
    assert {state(case, m)[:2] for m in dead} == {("dead", 1)} and state(case, good)[0] == "sent"
    assert len(server.messages) == 1 and len([r for r in server.requests if r.startswith("RCPT")]) == 1
    assert server.messages[0].data == mail("ann@acme.example", text="a\n.\nMAIL FROM:<x@y.z>\n..\n")


def test_mail_security(case):
    """mail wants TLS and the right name, never logs in before it, and a refused password switches the sink off"""
    folder = case.tmp / "tls"
    certificate = sinks.certificate(folder)
    right = started(case, sinks.Smtp(certificate=certificate, user="u", password="open sesame"))
    stripped = started(case, sinks.Smtp(certificate=certificate, user="u", password="open sesame", strips_starttls=True))
    stranger = started(case, sinks.Smtp(certificate=sinks.certificate(case.tmp / "other", "mail.elsewhere.test")))
    implicit = started(case, sinks.Smtp(certificate=certificate, user="u", password="open sesame", is_implicit=True))
    strict = started(case, sinks.Smtp(certificate=certificate, user="u", password="another"))
    case.env = dict(ENV)
    base = "{kind: email, host: localhost, port: %d, tls: %s, from: desk@acme.example, ca_file: %s, user: u, password: 'env:MAIL_PASSWORD'}"
    organisation(case, {"right": base % (right.port, "starttls", folder / "ca.pem"),
                        "stripped": base % (stripped.port, "starttls", folder / "ca.pem"),
                        "stranger": base % (stranger.port, "starttls", case.tmp / "other/ca.pem"),
                        "unknown": base % (right.port, "starttls", case.tmp / "other/ca.pem"),
                        "implicit": base % (implicit.port, "implicit", folder / "ca.pem"),
                        "strict": base % (strict.port, "starttls", folder / "ca.pem")})
    ids = {sink: put(case, sink, "email", mail("ann@acme.example"), "ann@acme.example", content_type=MAIL_TYPE)
           for sink in ("right", "stripped", "stranger", "unknown", "implicit", "strict")}
    deliver(case, expect=75)
    states = {sink: state(case, m)[0] for sink, m in ids.items()}
    assert states == {"right": "sent", "implicit": "sent", "stripped": "pending", "stranger": "pending", "unknown": "pending",
                      "strict": "dead"}, states
    assert right.messages[0].is_secure and implicit.messages[0].is_secure
    assert not stripped.messages and not stranger.messages and not strict.messages
    assert not [r for r in stripped.requests + stranger.requests if r.startswith(("AUTH", "MAIL"))]
    assert case.query("SELECT sink FROM sink_state WHERE is_disabled = 1") == [("strict",)]


def test_no_secret_shows(case):
    """no secret appears in what is printed, logged or stored, whatever fails"""
    slack = slack_org(case, hook=HOOK % (1, ""))
    secret = slack.PATH.rsplit("/", 1)[1]
    slack.script = ["503", "drop_after", "error:never_heard_of"]
    for n in range(4):
        put(case, "desk", "slack_webhook", TEXT, owner=f"o{n}@acme.example")
    put(case, "hook", "webhook", TEXT)
    printed = ""
    for at in (NOW, NOW + HOUR):
        result = deliver(case, at, expect=None)
        printed += result.stdout + result.stderr
    for command in (["deliveries"], ["deliveries", "show", "1"], ["deliver", "--dry-run"]):
        printed += case.retaind(*command, "--format", "json", env=case.env).stdout
    stored = b"".join(f.read_bytes() for f in case.database().parent.iterdir())
    for text in (secret[:-4], ENV["HOOK_SECRET"][6:]):
        assert text not in printed and text.encode() not in stored


def test_password_is_not_repeated(case):
    """a mail server that says our password back to us brings it into no ledger, no log and no notice"""
    server, desk = started(case, sinks.Smtp(user="u", password="another")), started(case, sinks.Slack())
    server.repeats_password = True
    case.env = {**ENV, "SLACK_URL": desk.url}
    organisation(case, {"mail": MAIL % (server.port, ", user: u, password: 'env:MAIL_PASSWORD'"), "desk": SLACK % ""},
                 "admin_channel: acme/desk\n")
    message = put(case, "mail", "email", mail("ann@acme.example"), "ann@acme.example", content_type=MAIL_TYPE)
    result = deliver(case, expect=None)
    assert state(case, message)[0] == "dead" and state(case, message)[2].startswith("535 (")
    told = "".join(m.payload["text"] for m in desk.messages)
    stored = b"".join(f.read_bytes() for f in case.database().parent.iterdir()).decode("latin-1")
    plain = base64.b64encode(f"\0u\0{ENV['MAIL_PASSWORD']}".encode()).decode()
    assert "switched off" in told
    for text in (ENV["MAIL_PASSWORD"], plain):
        assert text not in told + stored + result.stdout + result.stderr


def test_ledger_commands(case):
    """deliveries lists, shows, retries and cancels; what was sent is sent again only by force"""
    hook = hook_org(case)
    sent = put(case, "hook", "webhook", TEXT)
    deliver(case)
    later = put(case, "hook", "webhook", TEXT, owner="bob@acme.example")
    listed = json.loads(case.retaind("deliveries", "--format", "json", env=case.env).stdout)
    assert [r["state"] for r in listed] == ["pending", "sent"], listed
    due = json.loads(case.retaind("deliver", "--dry-run", "--format", "json", "--now", instant(NOW), env=case.env).stdout)
    assert [int(r["id"]) for r in due] == [later] and len(hook.requests) == 1
    assert "sha256" in case.retaind("deliveries", "show", str(sent), env=case.env).stdout
    assert "--force" in case.retaind("deliveries", "retry", str(sent), expect=65, env=case.env).stderr
    case.retaind("deliveries", "cancel", str(later), env=case.env)
    case.retaind("deliveries", "cancel", str(later), expect=65, env=case.env)
    case.retaind("deliveries", "retry", "4711", expect=65, env=case.env)
    case.retaind("deliveries", "retry", str(sent), "--force", "--now", instant(NOW), env=case.env)
    deliver(case)
    assert len(hook.requests) == 2 and hook.n_folded == 1 and state(case, later)[2] == "cancelled"
    case.retaind("deliveries", "audit", "--now", instant(NOW), env=case.env)


def test_channel_gone(case):
    """messages of a channel that is no longer configured wait, and go when it is back"""
    hook = hook_org(case)
    path = case.tmp / "config/orgs/acme.yaml"
    text = path.read_text()
    message = put(case, "hook", "webhook", TEXT)
    path.write_text(text.replace("hook:", "other:").replace("[hook]", "[other]"))
    deliver(case)
    assert state(case, message)[:2] == ("pending", 0)
    path.write_text(text)
    deliver(case)
    assert state(case, message)[0] == "sent" and len(hook.messages) == 1


def test_many(case):
    """a thousand messages over one sink go out in order, none twice"""
    hook = hook_org(case)
    n = 1000 if HEAVY else 60
    for k in range(n):
        put(case, "hook", "webhook", json.dumps({"n": k}), owner=f"o{k}@acme.example")
    deliver(case)
    assert [json.loads(m.body)["n"] for m in hook.messages] == list(range(n)) and hook.n_folded == 0 and hook.most_at_work == 1


def test_ledger_refuses(case):
    """what was sent while the ledger takes nothing is offered to it until it does, and not sent again"""
    slack = started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": slack.url}
    organisation(case, {"desk": '{kind: slack_webhook, url: "env:SLACK_URL", allows_http_loopback: true, per_second: 100}'})
    message = put(case, "desk", "slack_webhook", '{"text": "once"}')
    change(case, "CREATE TRIGGER full BEFORE UPDATE OF state ON outbox WHEN NEW.state = 'sent' BEGIN SELECT RAISE(ABORT, 'full'); END")
    process = subprocess.Popen([BIN, "deliver", "--config", case.tmp / "config", "--now", instant(NOW)], stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **case.env})
    assert "ledger_waited_for" in process.stderr.readline()
    assert state(case, message)[0] == "inflight"
    change(case, "DROP TRIGGER full")
    process.communicate(timeout=10)
    assert process.returncode == 0 and state(case, message) == ("sent", 1, None), state(case, message)
    deliver(case)
    assert len(slack.messages) == 1


run(globals())
