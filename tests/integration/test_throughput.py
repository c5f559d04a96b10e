#!/usr/bin/env python3
"""Many owners with one slot, through the daemon: all digests accepted in time at the configured rate, and never sooner than the
other side allows."""
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import delivery  # noqa: E402
import sinks  # noqa: E402
from delivery import ENV, deliver, put  # noqa: E402
from harness import BIN, HEAVY, SANITIZED, run, wait_for  # noqa: E402

N = 1000 if HEAVY else 30 if SANITIZED else 110
RATE = 4 if HEAVY else 40        # messages a second: 240 a minute is what a Slack workspace takes
MINUTE = 60 if HEAVY else 1      # the window that the other side counts in, for RATE * MINUTE messages
ORG = """title: Acme
zone: UTC
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
schedule: {{ sync_lead: 60s, sync_wait: 0s }}
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
          - {{ to: csm_key, from: csm }}
          - {{ to: renewal_on, from: renews }}
      subscriptions:
        match: subscriptions.csv
        entity: subscription
        key: id
        account: {{from: account, by: key}}
        map:
          - {{to: mrr_minor, from: mrr}}
          - {{to: currency, value: EUR}}
          - {{to: start_on, from: start}}
      notices:
        match: notices.csv
        entity: notice
        key: id
        account: {{from: account, by: key}}
        map:
          - {{to: kind, from: kind}}
          - {{to: noticed_on, from: noticed}}
channels:
  desk: {{ kind: slack_webhook, url: "env:SLACK_URL", allows_http_loopback: true, per_second: {rate} }}
owners:
"""


class Limited(sinks.Slack):
    """Answers 429 to what comes sooner than its rate allows, counted in a window that slides."""

    def __init__(self):
        super().__init__()
        self.taken, self.n_refused = [], 0

    def next_action(self):
        with self.lock:
            now = time.monotonic()
            self.taken = [at for at in self.taken if at > now - MINUTE]
            if len(self.taken) >= RATE * MINUTE or sum(at > now - 1 for at in self.taken) >= RATE + 1:
                self.n_refused += 1
                return "429:1"
            self.taken.append(now)
        return super().next_action()


def organisation(case, sink, slot):
    day = slot.date()
    (case.tmp / "csv").mkdir()
    with open(case.tmp / "csv/accounts.csv", "w") as accounts, open(case.tmp / "csv/subscriptions.csv", "w") as subscriptions, \
            open(case.tmp / "csv/notices.csv", "w") as notices:
        accounts.write("id,name,csm,renews\n")
        subscriptions.write("id,account,mrr,start\n")
        notices.write("id,account,kind,noticed\n")
        for n in range(N):
            accounts.write(f"a{n},Company {n},o{n}@acme.example,{day + timedelta(days=40)}\n")
            subscriptions.write(f"s{n},a{n},500,2024-01-01\n")
            notices.write(f"n{n},a{n},cancel,{day - timedelta(days=1)}\n")
    owners = "".join(f'  - {{ email: o{n}@acme.example, name: O, role: csm, at: "{slot:%H:%M}", channels: [desk], '
                     f"sends_when_quiet: true }}\n" for n in range(N))
    case.org(ORG.format(tmp=case.tmp, rate=RATE) + owners)
    case.env = {**os.environ, "SLACK_URL": sink.url}
    for stage in ("pull", "score"):  # the sync before the slot
        case.retaind(stage, env=case.env)


class Daemon:
    def __init__(self, case, program=BIN):
        self.case, self.log = case, case.tmp / f"log-{time.monotonic_ns()}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([program, "run", "-v", "--config", str(case.tmp / "config")], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, env=case.env)
        case.at_end(self.kill)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def started(case, sink):
    case.at_end(sink.stop)
    return sink.start()


def seconds_after(case):
    """How long after the start of the first one the last message was settled, and the digests had been made."""
    return case.query("SELECT max(o.settled_at) - min(d.made_at), max(d.made_at) - min(d.made_at) FROM outbox o JOIN digest d ON "
                      "d.id = o.digest_id")[0]


def test_slot(case):
    """a thousand owners due at one moment: all digests accepted within five minutes at 240 messages a minute, none refused for
    coming too soon, none twice, one at a time; the digests are made by few children"""
    sink = started(case, Limited())
    now = datetime.now(timezone.utc)
    organisation(case, sink, now)
    daemon = Daemon(case)
    began = time.monotonic()
    wait_for(lambda: len(sink.messages) >= N, 330, "the digests")
    took = time.monotonic() - began
    wait_for(lambda: case.query("SELECT count(*) FROM outbox WHERE state = 'sent'") == [(N,)], 20, "the last one settled")
    assert case.query("SELECT count(*), count(DISTINCT owner_email) FROM digest") == [(N, N)]
    assert sink.n_refused == 0 and len(sink.messages) == N and sink.most_at_work == 1, (sink.n_refused, sink.most_at_work)
    assert case.query("SELECT max(n_attempts) FROM outbox") == [(1,)]
    assert case.query("SELECT state, count(*) FROM slot GROUP BY 1") == [("done", N)]
    assert took <= (300 if HEAVY else 60), took
    n_children = daemon.log.read_text().count("event=digests_made")
    assert n_children == -(-N // 100), n_children
    total, made = seconds_after(case)
    print(f"         {N} owners at {RATE} a second: all accepted {took:.1f} s after the daemon's start; digests made in {made} s by "
          f"{n_children} children")
    assert total <= 300


def version(case, n):
    """The program as it would be of another version, in another place."""
    path = case.tmp / f"retaind-{n}"
    path.write_bytes(Path(BIN).read_bytes().replace(b"0.1.0", b"0.1.%d" % n))
    path.chmod(0o755)
    assert f"0.1.{n}" in subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    return path


def test_restarts(case):
    """twenty restarts and as many reloads in one morning, five of them with another version in its place, while digests go out
    and afterwards: no message more, and the rate of the channel holds over all of them"""
    sink = started(case, Limited())
    organisation(case, sink, datetime.now(timezone.utc))
    n_restarts, programs = 20 if HEAVY else 5, [version(case, n) for n in range(1, 6)]
    daemon = Daemon(case)
    for n in range(n_restarts):
        if n == n_restarts // 2:
            wait_for(lambda: len(sink.messages) >= N, 330, "the digests")
            wait_for(lambda: case.query("SELECT count(*) FROM outbox WHERE state = 'sent'") == [(N,)], 20, "the last one settled")
        wait_for(lambda: "event=started" in daemon.log.read_text(), 20, "the daemon")
        wait_for(lambda: len(sink.messages) >= min(N, n * N // n_restarts), 330, "some digests")
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "event=reloaded" in daemon.log.read_text(), 20, "the reload")
        daemon.process.terminate()
        assert daemon.process.wait(timeout=20) == 0
        daemon = Daemon(case, programs[n % 5] if n % (n_restarts // 5) == 0 else BIN)
    case.retaind("once", env=case.env)
    assert len(sink.messages) == N and sink.n_refused == 0, (len(sink.messages), sink.n_refused)
    assert case.query("SELECT count(*) FROM delivery WHERE outcome <> 'sent'") == [(0,)]


def test_pace(case):
    """the rate of a channel holds from one run to the next, also where the first was told to end or killed"""
    hook = started(case, sinks.Webhook())
    case.env = {**os.environ, **ENV}
    delivery.organisation(case, {"hook": f"{{kind: webhook, url: 'http://127.0.0.1:{hook.port}/hook', secret: 'env:HOOK_SECRET', "
                                         "allows_http_loopback: true, per_second: 1}"})
    for n in range(4):
        put(case, "hook", "webhook", "{}", owner=f"o{n}@acme.example", at=int(time.time()))
    for n, signal_number in enumerate((signal.SIGTERM, signal.SIGKILL)):
        process = subprocess.Popen([BIN, "deliver", "--config", case.tmp / "config", "--quiet"], env=case.env)
        wait_for(lambda: len(hook.requests) > n, 10, "a request")
        process.send_signal(signal_number)
        process.wait()
    deliver(case, None)
    at = [r["at"] for r in hook.requests]
    assert len(at) >= 4 and all(b - a >= 0.9 for a, b in zip(at, at[1:])), at


run(globals())
