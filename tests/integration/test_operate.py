#!/usr/bin/env python3
"""What a person does about deliveries, and hears of them: silence, test-sink, the audit, the dead man's switch, alerts."""
import json
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import sinks  # noqa: E402
from delivery import DAY, ENV, HOUR, NOW, change, company, deliver, instant, organisation, put  # noqa: E402
from harness import BIN, run, wait_for  # noqa: E402

MONDAY = date(2026, 3, 2)
OWNERS = {"ann@acme.example": "csm", "tom@acme.example": "am", "ines@acme.example": "manager"}
ARCHIVE = '  archive: {{kind: file, folder: "{tmp}/archive"}}\n'
HOOK = "{kind: webhook, url: 'http://127.0.0.1:%d/hook', secret: 'env:HOOK_SECRET', allows_http_loopback: true, per_second: 100}"
SLACK = "{kind: slack_webhook, url: 'env:SLACK_URL', allows_http_loopback: true, per_second: 100}"
MAIL = "{kind: email, host: 127.0.0.1, port: %d, tls: none_loopback, from: 'Desk <desk@acme.example>'}"


def started(case, sink):
    case.at_end(sink.stop)
    return sink.start()


def at(day, hour=7):
    return f"{day}T{hour:02d}:00:00Z"


def small_company(case):
    company(case, OWNERS, MONDAY, ARCHIVE.format(tmp=case.tmp), "archive")
    for stage in ("pull", "score", "digest", "deliver"):
        case.retaind(stage, "--now", at(MONDAY))


def listed(case, *command, expect=0, env=None):
    return json.loads(case.retaind(*command, "--format", "json", expect=expect, env=env).stdout)


def test_silence(case):
    """a silenced owner gets no digest until the day, the ledger says why, the audit is content, and afterwards it is as before"""
    small_company(case)
    back = MONDAY + timedelta(days=3)
    now = ["--now", at(MONDAY, 12)]
    case.retaind("silence", "ann@acme.example", "--until", str(back), "--reason", "on leave", *now)
    rows = listed(case, "silence", *now)
    assert [(r["owner"], r["until"], r["reason"]) for r in rows] == [("ann@acme.example", str(back), "on leave")], rows
    coming = [r["kind"] for r in listed(case, "next", "--owner", "ann@acme.example", "--count", "4", *now)]
    assert coming == ["silenced", "silenced", "normal", "normal"], coming
    for n in range(1, 4):
        day = MONDAY + timedelta(days=n)
        for stage in ("pull", "score", "digest", "deliver"):
            case.retaind(stage, "--now", at(day))
    days = [d for (d,) in case.query("SELECT local_on FROM digest WHERE owner_email = 'ann@acme.example' ORDER BY 1")]
    monday = (MONDAY - date(1970, 1, 1)).days
    assert days == [monday, monday + 3], days
    assert case.query("SELECT local_on, state, reason FROM slot WHERE owner_email = 'ann@acme.example' ORDER BY 1") == [
        (monday, "done", None), (monday + 1, "missed", "silenced"), (monday + 2, "missed", "silenced"), (monday + 3, "done", None)]
    case.retaind("deliveries", "audit", "--now", at(back, 9))
    sent = case.query("SELECT content FROM digest WHERE kind = 'manager' ORDER BY local_on")
    said = [" ".join(json.loads(content)["data"].get("notes", [])) for (content,) in sent]
    assert ["on leave" in text for text in said] == [False, True, True, False], said
    assert "gets no digest before Thu 5 Mar" in said[1] and "as asked for: on leave." in said[1], said[1]
    text = case.retaind("preview", "--owner", "ann@acme.example", "--now", at(back + timedelta(days=1))).stdout
    assert "did not reach you" not in text, text
    assert listed(case, "silence", "--now", at(back)) == []
    for bad in ([], ["--until", str(MONDAY)], ["--until", "2030-01-01"]):
        case.retaind("silence", "ann@acme.example", *bad, *now, expect=64)
    case.retaind("silence", "nobody@acme.example", "--until", str(back), *now, expect=64)
    case.retaind("silence", "tom@acme.example", "--end", *now, expect=65)
    case.retaind("silence", "ann@acme.example", "--end", *now)
    assert listed(case, "silence", *now) == []


def test_sinks(case):
    """test-sink sends one real message over the channel, to the owner where it writes to persons, and says what came back, in
    words, in JSON and as exit code; nothing is kept"""
    hook, slack, server = started(case, sinks.Webhook()), started(case, sinks.Slack()), started(case, sinks.Smtp())
    case.env = {**ENV, "SLACK_URL": slack.url}
    organisation(case, {"hook": HOOK % hook.port, "desk": SLACK, "mail": MAIL % server.port,
                        "archive": f"{{kind: file, folder: {case.tmp}/files}}"})
    for sink in ("hook", "desk", "mail", "archive"):
        row = listed(case, "test-sink", sink, env=case.env)[0]
        assert row["sink"] == sink and row["outcome"] == "sent", row
    assert "test from retaind" in slack.messages[0].payload["text"] and len(hook.messages) == len(server.messages) == 1
    assert server.messages[0].recipient == "desk@acme.example", server.messages[0]
    case.retaind("test-sink", "mail", "--owner", "ann@acme.example", env=case.env)
    assert server.messages[1].recipient == "ann@acme.example" and b"To: <ann@acme.example>" in server.messages[1].data
    assert server.messages[1].data.startswith(b"From: <desk@acme.example>")
    for action, code, outcome, status in (("error:no_service:404", 78, "dead", 404), ("503", 75, "retry", 503),
                                          ("429:30", 75, "retry", 429), ("drop_after", 75, "ambiguous", None)):
        slack.script = [action]
        row = listed(case, "test-sink", "desk", expect=code, env=case.env)[0]
        assert (row["outcome"], row["status"]) == (outcome, status), (action, row)
    case.retaind("test-sink", "nothing", expect=64, env=case.env)
    case.retaind("test-sink", "mail", "--owner", "eve@acme.example", expect=64, env=case.env)
    assert case.query("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM sink_state)") == [(0,)]


class Switch:
    """A dead man's switch: what was asked for, and what it answers."""

    def __init__(self, case):
        self.asked, self.status = [], 200
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                switch.asked.append(self.path)
                self.send_response(switch.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        case.at_end(self.server.server_close)
        case.at_end(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ping/secret-uuid"


def add_line(case, line):
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text(f"{line}\n{path.read_text()}")


def test_audit(case):
    """the audit names slots that were missed, overdue, without a digest or that nobody looked after, messages that are overdue or
    not delivered, and nothing else; the dead man's switch hears of good and bad days, and its address shows nowhere"""
    small_company(case)
    switch = Switch(case)
    add_line(case, f"ping_url: {switch.url}")
    audit = ["deliveries", "audit", "--day", str(MONDAY), "--now", at(MONDAY, 9)]
    case.retaind(*audit, "--ping")
    assert switch.asked == ["/ping/secret-uuid"], switch.asked
    monday = (MONDAY - date(1970, 1, 1)).days
    table = [  # what is broken, problem
        ("UPDATE slot SET state = 'missed', reason = 'failed' WHERE owner_email LIKE 'ann%'", "missed"),
        ("UPDATE slot SET state = 'pending' WHERE owner_email LIKE 'ann%'", "overdue"),
        ("DELETE FROM slot WHERE owner_email LIKE 'ann%'", "not looked after"),
        ("UPDATE digest SET owner_email = 'ex@acme.example' WHERE owner_email LIKE 'ann%'", "no digest"),
        ("UPDATE outbox SET state = 'dead', reason = 'expired' WHERE id = 1", "not delivered"),
        ("UPDATE outbox SET state = 'pending' WHERE id = 1", "overdue"),
    ]
    for sql, problem in table:
        with sqlite3.connect(case.database()) as db:
            db.execute("PRAGMA foreign_keys = off")
            before = b"".join(line.encode() for line in db.iterdump())
            db.execute(sql)
            if problem == "not looked after":  # the daemon was there before, and is not any more
                db.execute("INSERT INTO schedule_state VALUES (1, ?, 1, NULL, NULL)", (monday * 86400,))
        switch.asked.clear()
        done = case.retaind(*audit, "--ping", "--format", "json", expect=1)
        rows = json.loads(done.stdout)
        assert [r["problem"] for r in rows] == [problem] and switch.asked == ["/ping/secret-uuid/fail"], (sql, rows, switch.asked)
        assert "secret-uuid" not in done.stdout + done.stderr
        case.database().unlink()
        for end in ("-wal", "-shm"):
            Path(f"{case.database()}{end}").unlink(missing_ok=True)
        with sqlite3.connect(case.database()) as db:
            version = [line for line in before.decode().split(";\n")]
            db.executescript(";\n".join(version))
            db.execute("PRAGMA user_version = %d" % db.execute("SELECT max(version) FROM migration").fetchone()[0])
    case.retaind(*audit)
    switch.status = 500
    refused = case.retaind(*audit, "--ping", expect=75)
    assert "HTTP 500" in refused.stderr and "secret-uuid" not in refused.stderr


DAEMON_ORG = """title: Acme
zone: UTC
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
schedule: {{ sync_lead: 60s, sync_wait: 0s, catch_up: 6h }}
{more}
sources:
  files:
    connector: csv
    folder: "{tmp}/csv"
    files:
      accounts:
        match: "accounts*.csv"
        entity: account
        key: id
        map:
          - {{ to: name, from: name }}
          - {{ to: csm_key, value: ada@acme.example }}
channels:
  hook: {hook}
  desk: {desk}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "{at}", channels: [hook], sends_when_quiet: true }}
"""


def daemon_org(case, at_text, more=""):
    """An organisation that the daemon looks after, with a slot each day at a time."""
    hook, desk = started(case, sinks.Webhook()), started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": desk.url}
    case.write("csv/accounts.csv", "id,name\n1,Umbra\n")
    case.org(DAEMON_ORG.format(tmp=case.tmp, at=at_text, hook=HOOK % hook.port, desk=SLACK, more=more),
             daemon_yaml="admin_channel: acme/desk\n")
    return hook, desk


def start_daemon(case):
    log = open(case.tmp / f"log-{time.monotonic_ns()}", "wb")
    process = subprocess.Popen([BIN, "run", "-v", "--config", str(case.tmp / "config")], stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, start_new_session=True, env={**__import__("os").environ, **case.env})
    case.at_end(lambda: (process.kill(), process.wait(), log.close()))
    return process


def told(desk):
    return "\n".join(m.payload["text"] for m in desk.messages)


def test_daemon_tells(case):
    """beside a running daemon: a channel that is gone for good is told of within seconds, at the first attempt"""
    hook, desk = daemon_org(case, datetime.now(timezone.utc).strftime("%H:%M"))
    hook.script = ["410"]
    start_daemon(case)
    wait_for(lambda: hook.requests, 30, "the digest")
    began = time.monotonic()
    wait_for(lambda: "hook is switched off" in told(desk), 20, "the alert")
    assert time.monotonic() - began < 19 and len(hook.requests) == 1


def test_daemon_misses(case):
    """a digest that was missed while the daemon was down is told once it is up; and the day is looked over an hour after its
    slot, the dead man's switch hearing of it once"""
    now = datetime.now(timezone.utc)
    slot = now - timedelta(hours=2)
    if slot.date() != now.date():
        slot = now.replace(hour=0, minute=0)
    switch = Switch(case)
    _, desk = daemon_org(case, slot.strftime("%H:%M"), f"ping_url: {switch.url}")
    case.retaind("migrate", env=case.env)
    yesterday = (now.date() - date(1970, 1, 1)).days - 1
    change(case, "INSERT INTO schedule_state VALUES (1, ?, 0, NULL, NULL)", (yesterday - 1) * 86400)
    change(case, "INSERT INTO slot VALUES ('ada@acme.example', ?, ?, 'done', NULL, NULL)", yesterday - 1, (yesterday - 1) * 86400)
    start_daemon(case)
    wait_for(lambda: "was not made in time: downtime" in told(desk), 30, "the alert")
    wait_for(lambda: switch.asked, 30, "the dead man's switch")
    assert switch.asked[0] == "/ping/secret-uuid/fail", switch.asked  # of yesterday
    if slot + timedelta(hours=1) <= now:
        wait_for(lambda: len(switch.asked) == 2, 30, "today's")
    # it is noted once the switch has answered
    wait_for(lambda: case.query("SELECT local_on, n_gaps > 0, pinged_at > 0 FROM looked_over ORDER BY 1")[:1] == [(yesterday, 1, 1)], 30,
             "the note of yesterday")


def test_cancelled_and_forced(case):
    """list, show, retry, cancel and audit speak JSON, and their exit codes tell what happened; what was sent needs --force"""
    hook = started(case, sinks.Webhook())
    case.env = dict(ENV)
    organisation(case, {"hook": HOOK % hook.port})
    sent = put(case, "hook", "webhook", "{}")
    deliver(case)
    late = put(case, "hook", "webhook", "{}", owner="bob@acme.example", day=DAY)
    now = ["--now", instant(NOW + 2 * HOUR)]
    assert listed(case, "deliveries", "list", "--state", "sent", env=case.env)[0]["id"] == sent
    assert listed(case, "deliveries", "show", str(sent), env=case.env)[0]["outcome"] == "sent"
    gap = listed(case, "deliveries", "audit", *now, expect=1, env=case.env)
    assert [(g["problem"], g["delivery"]) for g in gap] == [("overdue", late)], gap
    assert "--force" in case.retaind("deliveries", "retry", str(sent), expect=65, env=case.env).stderr
    done = listed(case, "deliveries", "retry", str(sent), "--force", *now, env=case.env)
    assert done == [{"delivery": sent, "state": "pending"}], done
    done = listed(case, "deliveries", "cancel", str(late), *now, env=case.env)
    assert done == [{"delivery": late, "state": "dead"}], done


def test_alert_and_full_ledger(case):
    """an alert that the ledger can't note is not sent, time after time, but once it can"""
    desk = started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": desk.url}
    organisation(case, {"desk": SLACK}, daemon_yaml="admin_channel: acme/desk\n")
    change(case, "INSERT INTO alert (topic, text, at, next_at) VALUES ('t', 'Look.', ?, ?)", NOW, NOW)
    change(case, "CREATE TRIGGER full BEFORE UPDATE ON alert BEGIN SELECT RAISE(ABORT, 'full'); END")
    for n in range(2):
        deliver(case, NOW + n, expect=None)
    assert not desk.messages
    change(case, "DROP TRIGGER full")
    deliver(case, NOW + 2)
    deliver(case, NOW + 3)
    assert len(desk.messages) == 1 and "Look." in told(desk)


run(globals())
