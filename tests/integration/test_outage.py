#!/usr/bin/env python3
"""A sink that is down for an hour with many messages waiting: few attempts, no storm, soon done once it is back, and a person
who is told over another channel."""
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import sinks  # noqa: E402
from delivery import DAY, ENV, HOUR, NOW, change, deliver, instant, organisation, put, state  # noqa: E402
from harness import BIN, HEAVY, SANITIZED, run, wait_for  # noqa: E402

HOOK = "{kind: webhook, url: 'http://127.0.0.1:%d/hook', secret: 'env:HOOK_SECRET', allows_http_loopback: true, per_second: %s}"
DESK = "{kind: slack_webhook, url: 'env:SLACK_URL', allows_http_loopback: true, per_second: 100}"
MINUTE = 60
N = 1000 if HEAVY else 24 if SANITIZED else 40


def started(case, sink):
    case.at_end(sink.stop)
    return sink.start()


def outage_org(case, daemon_yaml="", per_second=100):
    hook, desk = started(case, sinks.Webhook()), started(case, sinks.Slack())
    case.env = {**ENV, "SLACK_URL": desk.url}
    organisation(case, {"hook": HOOK % (hook.port, per_second), "desk": DESK}, daemon_yaml)
    return hook, desk


def due_at(case):
    """When the daemon would start the next delivery: as store/outbox.h says, and alerts."""
    return case.query("SELECT min(max(o.next_at, coalesce(s.not_before_at, 0))) FROM outbox o LEFT JOIN sink_state s ON "
                      "s.sink = o.sink WHERE o.state IN ('pending', 'ambiguous')")[0][0]


def through(case, end, now=NOW):
    """Delivers whenever something is due, up to an instant; returns when the next delivery would be."""
    while now < end:
        deliver(case, now, expect=None)
        due = due_at(case)
        if due is None:
            return None
        now = max(now + 1, due)
    return now


def test_hour(case):
    """an hour of 503 with a thousand messages waiting: at most 8 attempts each, at most one at a time, and all of them are
    delivered within ten minutes of its end at the sink's rate"""
    hook, _ = outage_org(case)
    hook.script = ["503"] * 100000
    messages = [put(case, "hook", "webhook", json.dumps({"n": n}), owner=f"o{n}@acme.example") for n in range(N)]
    now = through(case, NOW + HOUR)
    attempts = case.query("SELECT max(n_attempts), sum(n_attempts) FROM outbox")[0]
    hook.script = []
    assert now - (NOW + HOUR) <= 5 * MINUTE, now - NOW - HOUR  # the next probe
    deliver(case, now, timeout=600)
    assert {s for (s,) in case.query("SELECT DISTINCT state FROM outbox")} == {"sent"}
    last = case.query("SELECT max(settled_at) FROM outbox")[0][0]
    # At the default rate of ten a second the thousand take a hundred seconds; here they go at a hundred a second.
    assert last - (NOW + HOUR) <= 10 * MINUTE, last - NOW - HOUR
    assert attempts[0] <= 8 and hook.most_at_work == 1 and len(hook.by_id) == len(messages), (attempts, hook.most_at_work)
    assert hook.n_folded == 0
    print(f"         {N} messages: {attempts[1]} attempts in the hour, at most {attempts[0]} each; all delivered "
          f"{last - NOW - HOUR} s after it")


def test_short(case):
    """a sink that fails only for some messages is not held back for the others, and none of them is tried in a storm"""
    hook, _ = outage_org(case)
    n_messages = 40  # done before the first of them is due again
    answers = ["503", "ok", "ok"] * n_messages
    hook.script = list(answers)
    for n in range(n_messages):
        put(case, "hook", "webhook", json.dumps({"n": n}), owner=f"o{n}@acme.example")
    deliver(case, NOW, expect=75, timeout=600)
    assert len(hook.by_id) == n_messages - n_messages // 3 - (n_messages % 3 > 0), len(hook.by_id)
    assert case.query("SELECT max(n_attempts) FROM outbox")[0][0] == 1
    hook.script = []
    deliver(case, NOW + MINUTE)
    assert len(hook.by_id) == n_messages


def test_first_retries(case):
    """the first retries of many messages that failed one after another never come more than five to a hundredth of a second,
    with the breaker or without"""
    hook, _ = outage_org(case)
    n = N // 2
    hook.script = ["503", "503", "503", "429:0"] * n  # an answer in between: the breaker never opens
    for k in range(n):
        put(case, "hook", "webhook", json.dumps({"n": k}), owner=f"o{k}@acme.example")
    now = NOW
    for _ in range(400):
        deliver(case, now, expect=None, timeout=600)
        if due_at(case) is None:
            break
        now = max(now + 1, due_at(case))
    tries = {}
    for request in hook.requests:
        tries.setdefault(request["headers"]["webhook-id"], []).append(request["at"])
    buckets = Counter(int(at[1] * 100) for at in tries.values() if len(at) > 1)
    assert buckets and max(buckets.values()) <= 5, buckets.most_common(3)


def test_stale(case):
    """yesterday's digest that an outage kept back is never sent after today's has gone"""
    hook, _ = outage_org(case)
    hook.script = ["503"] * 200
    old = [put(case, "hook", "webhook", json.dumps({"old": n}), owner=f"o{n}@acme.example", life=60 * HOUR) for n in range(8)]
    through(case, NOW + 2 * HOUR)
    new = [put(case, "hook", "webhook", json.dumps({"new": n}), owner=f"o{n}@acme.example", day=DAY + 1, at=NOW + 24 * HOUR)
           for n in range(4)]
    hook.script = ["503"] * 3
    change(case, "UPDATE outbox SET next_at = ? WHERE id <= ?", NOW + 24 * HOUR + 5, old[-1])  # due after their successors
    through(case, NOW + 25 * HOUR, NOW + 24 * HOUR)
    arrived = [json.loads(m.body) for m in hook.messages]
    for n in range(8):
        days = [day for message in arrived for day, owner in message.items() if owner == n]
        assert days in (["new"], ["old", "new"]) if n < 4 else days == ["old"], (n, days)
    assert {state(case, m)[0] for m in new} == {"sent"}
    assert [m for m in old if state(case, m)[0] == "dead"] == [m for n, m in enumerate(old) if {"old": n} not in arrived]


def told(sink):
    return "\n".join(m.payload["text"] for m in sink.messages)


def test_told(case):
    """who is to be told hears within a quarter of an hour that nothing gets through, once, over the other channel; and of what
    was not delivered at all"""
    hook, desk = outage_org(case, "admin_channel: acme/desk\n")
    hook.script = ["503"] * 10000
    for n in range(30):
        put(case, "hook", "webhook", json.dumps({"n": n}), owner=f"o{n}@acme.example", life=3 * HOUR)
    through(case, NOW + 21 * MINUTE)
    assert len(desk.messages) == 1 and "Nothing has got through over hook" in told(desk), told(desk)
    through(case, NOW + HOUR, NOW + 21 * MINUTE)
    assert len(desk.messages) == 1
    deliver(case, NOW + 4 * HOUR)
    assert len(desk.messages) == 2 and "expired" in told(desk) and "And 10 more." in told(desk), told(desk)
    deliver(case, NOW + 5 * HOUR)
    assert len(desk.messages) == 2


def test_fallback(case):
    """what fails over the first of those who are told is told over the second; where the first takes nothing the second is
    asked, and what nobody takes is tried again until somebody does"""
    hook, desk = outage_org(case, "admin_channel: acme/desk\nadmin_fallback: acme/hook\n")
    desk.script = ["error:no_service:404"]
    put(case, "desk", "slack_webhook", json.dumps({"text": "digest"}))
    deliver(case)
    notices = [json.loads(m.body) for m in hook.messages]
    assert len(notices) == 1 and "desk is switched off" in notices[0]["data"]["text"], notices
    hook.script = ["410"]
    dead = put(case, "hook", "webhook", json.dumps({"n": 1}), owner="bob@acme.example")
    desk.script = ["503", "503"]
    deliver(case, NOW + 60)  # told at the desk, which takes nothing
    assert state(case, dead)[0] == "dead" and not desk.messages
    untold = case.query("SELECT count(*) FROM alert WHERE told_at IS NULL")[0][0]
    assert untold == 2, untold  # the message, and the channel that is off
    hook.script = ["503"]
    deliver(case, NOW + 120)  # then the other one's turn, which is down
    deliver(case, NOW + 300)
    deliver(case, NOW + 3600)
    assert "hook is switched off" in told(desk) and not case.query("SELECT 1 FROM alert WHERE told_at IS NULL"), told(desk)


def test_told_in_time(case):
    """a channel that is switched off is told of at once, while others still have a minute's work"""
    hook, desk = outage_org(case, "admin_channel: acme/desk\n", per_second=2)
    slow = 8
    hook.script = ["410"]
    archive = case.tmp / "config/orgs/acme.yaml"
    archive.write_text(archive.read_text().replace("channels:\n", "channels:\n  slow: {kind: file, folder: %s, per_second: 2}\n" %
                                                   (case.tmp / "slow")))
    for n in range(slow):
        put(case, "slow", "file", "x\n", f"{n}.txt", owner=f"o{n}@acme.example", content_type="text/plain")
    put(case, "hook", "webhook", json.dumps({"n": 1}))
    deliver(case)
    files = sorted(f.stat().st_mtime for f in (case.tmp / "slow").iterdir())
    assert len(files) == slow and desk.requests[0]["at"] < files[2] + 0.2, (desk.requests[0]["at"], files)
    assert case.retaind("deliveries", "audit", "--now", instant(NOW), expect=1, env=case.env).stdout.count("not delivered") == 1


class BlackHole:
    """Accepts, reads, and never answers; or answers a byte every few seconds, without end."""

    def __init__(self, case, drips=False):
        self.socket, self.drips, self.kept = socket.create_server(("127.0.0.1", 0)), drips, []
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        case.at_end(self.socket.close)

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.kept.append(connection)
            if self.drips:
                threading.Thread(target=self.drip, args=(connection,), daemon=True).start()

    def drip(self, connection):
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                time.sleep(2)
                connection.sendall(b"x")
        except OSError:
            pass


def test_black_holes(case):
    """sinks that never answer, or only ever a byte more, are given up after half a minute; what goes over the others is there
    long before, on a quiet machine within a second"""
    hook = started(case, sinks.Webhook())
    silent, slow = BlackHole(case), BlackHole(case, drips=True)
    case.env = dict(ENV)
    organisation(case, {"hook": HOOK % (hook.port, 100), "silent": HOOK % (silent.port, 100), "slow": HOOK % (slow.port, 100)})
    holes = [put(case, sink, "webhook", "{}") for sink in ("silent", "slow")]
    for n in range(20):
        put(case, "hook", "webhook", json.dumps({"n": n}), owner=f"o{n}@acme.example")
    began = time.time()
    if HEAVY:
        deliver(case, expect=75)
        assert 15 <= time.time() - began <= 35 and {state(case, m)[0] for m in holes} == {"ambiguous"}, time.time() - began
        assert max(m.at for m in hook.messages) - hook.requests[0]["at"] <= 1.0
    else:
        process = subprocess.Popen([BIN, "deliver", "--config", case.tmp / "config", "--now", instant(NOW), "--quiet"],
                                   env={**os.environ, **case.env})
        case.at_end(lambda: (process.kill(), process.wait()))
        wait_for(lambda: len(hook.by_id) == 20 and silent.kept and slow.kept, 14, "the others' messages while both holes hang")
        assert process.poll() is None and "ambiguous" not in {state(case, m)[0] for m in holes}
    assert len(hook.by_id) == 20


run(globals())
