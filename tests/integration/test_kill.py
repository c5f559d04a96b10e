#!/usr/bin/env python3
"""kill -9 at random moments of score, digest and deliver: nothing goes missing, nothing comes twice where repeats are folded."""
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import sinks  # noqa: E402
from delivery import ENV, N_CUSTOMERS, company  # noqa: E402
from harness import BIN, HEAVY, SANITIZED, run  # noqa: E402

KILLS = 1000 if HEAVY else 100 if os.environ.get("CI") and not SANITIZED else 80
SEED = int(os.environ.get("RETAIND_SEED", time.time_ns() % 1_000_000))
FIRST = date(2026, 3, 2)  # a Monday
STAGES = ("score", "digest", "deliver")
OWNERS = {"ann@acme.example": "csm", "tom@acme.example": "am", "ines@acme.example": "manager"}
CHANNELS = """\
  desk: {{kind: slack_webhook, url: "env:SLACK_URL", allows_http_loopback: true, per_second: 100}}
  hook: {{kind: webhook, url: "http://127.0.0.1:{hook}/hook", secret: "env:HOOK_SECRET", allows_http_loopback: true,
         per_second: 100}}
  other: {{kind: webhook, url: "http://127.0.0.1:{other}/hook", secret: "env:HOOK_SECRET", allows_http_loopback: true,
          per_second: 100}}
  mail: {{kind: email, host: 127.0.0.1, port: {mail}, tls: none_loopback, from: desk@acme.example, per_second: 100}}
  archive: {{kind: file, folder: "{tmp}/archive"}}
"""
N_CHANNELS = 5


class Line:
    """The stages of one organisation, run whole or killed somewhere."""

    def __init__(self, case):
        self.case, self.random = case, random.Random(SEED)
        self.slack, self.hook, self.mail = sinks.Slack().start(), sinks.Webhook().start(), sinks.Smtp().start()
        self.other = sinks.Webhook().start()
        for sink in (self.slack, self.hook, self.other, self.mail):
            sink.delay = 0.01
            case.at_end(sink.stop)
        company(case, OWNERS, FIRST, CHANNELS.format(tmp=case.tmp, hook=self.hook.port, other=self.other.port,
                                                   mail=self.mail.port), "desk, hook, other, mail, archive")
        self.env = {**os.environ, **ENV, "SLACK_URL": self.slack.url}
        self.took = dict.fromkeys(STAGES, 0.0)
        self.n_kills = Counter()

    def start(self, stage, at):
        return subprocess.Popen([BIN, stage, "--config", self.case.tmp / "config", "--now", at, "--quiet"], env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def whole(self, stage, at):
        """Runs a stage to its end; returns its exit code."""
        began = time.monotonic()
        process = self.start(stage, at)
        said = process.communicate(timeout=60)[1].decode()
        if process.returncode not in (0, 75):
            raise AssertionError(f"{stage}: exit {process.returncode}\n{said}")
        self.took[stage] = time.monotonic() - began  # the last time: a machine that was busy once is not always
        return process.returncode

    def killed(self, stage, at):
        """Starts a stage and kills it somewhere in its time; counts the kills that found it alive."""
        process = self.start(stage, at)
        time.sleep(self.random.uniform(0, self.took[stage] * 0.98))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            self.n_kills[stage] += 1
        process.communicate()

    def day(self, day, n_kills):
        """One day's stages in turn, each killed some times and then run again until all is quiet."""
        for stage in STAGES:
            for n in range(n_kills):
                self.killed(stage, f"{day}T07:00:{n:02d}Z")
            for n in range(n_kills, 60):
                if self.whole(stage, f"{day}T07:{n:02d}:00Z") == 0:
                    break
            else:
                raise AssertionError(f"{stage} of {day} doesn't come to an end")


def check(line, days):
    """Against the ledger, and against the plain count of owners, days and channels."""
    case = line.case
    n_digests = case.query("SELECT count(*) FROM digest")[0][0]
    assert n_digests == len(days) * len(OWNERS), (n_digests, len(days))
    states = case.query("SELECT state, count(*) FROM outbox GROUP BY state")
    assert len(states) == 1 and states[0][0] == "sent" and states[0][1] >= n_digests * N_CHANNELS, states
    expected = {sink: case.query("SELECT body, body_sha256, recipient, (SELECT count(*) FROM delivery d WHERE d.outbox_id = o.id "
                                 "AND d.outcome = 'ambiguous') FROM outbox o WHERE sink = ?", sink)
                for sink in ("desk", "hook", "other", "mail", "archive")}
    arrived = {"desk": Counter(hashlib.sha256(m.body).hexdigest() for m in line.slack.messages),
               "mail": Counter(hashlib.sha256(m.data).hexdigest() for m in line.mail.messages),
               "hook": Counter(hashlib.sha256(m.body).hexdigest() for m in line.hook.messages),
               "other": Counter(hashlib.sha256(m.body).hexdigest() for m in line.other.messages),
               "archive": Counter(hashlib.sha256(f.read_bytes()).hexdigest() for f in (case.tmp / "archive").iterdir())}
    n_more = Counter()
    for sink, messages in expected.items():
        wanted = Counter(sha for _, sha, _, _ in messages)
        assert set(wanted) == set(arrived[sink]), (sink, "missing or strange", set(wanted) ^ set(arrived[sink]))
        for _, sha, _, n_ambiguous in messages:
            allowed = wanted[sha] + (n_ambiguous if sink in ("desk", "mail") else 0)
            assert wanted[sha] <= arrived[sink][sha] <= allowed, (sink, wanted[sha], arrived[sink][sha], allowed)
            n_more[sink] += arrived[sink][sha] - wanted[sha]
    # A kill finds at most one message of a sink in flight, so it repeats at most one there; a kill may hit two sinks at once.
    assert all(n <= line.n_kills["deliver"] for n in n_more.values()), (n_more, line.n_kills)
    assert n_more["hook"] == n_more["other"] == n_more["archive"] == line.hook.n_differing == 0, (n_more, line.hook.n_differing)
    for sink in (line.slack, line.hook, line.other):
        assert sink.most_at_work <= 2  # one, and the last breath of one that was killed
    assert not [f for f in (case.tmp / "archive").iterdir() if f.name.startswith(".")]
    assert case.query("PRAGMA integrity_check") == [("ok",)]
    findings = case.query("SELECT count(*), count(DISTINCT account_id || engine || cause) FROM finding WHERE closed_on IS NULL")
    assert findings[0][0] == findings[0][1] >= min(len(days), N_CUSTOMERS), findings
    return n_more


def test_kill(case):
    """killed at random moments and started again, the line loses no digest, repeats none on webhook and file, and at most one
    for each ambiguous kill on Slack and on mail"""
    line = Line(case)
    case.retaind("pull", "--now", f"{FIRST}T06:00:00Z", env=line.env)
    days = [FIRST, FIRST + timedelta(days=1)]
    for day in days:  # undisturbed: how long each stage takes
        line.day(day, 0)
    while sum(line.n_kills.values()) < KILLS:
        days.append(days[-1] + timedelta(days=1))
        line.day(days[-1], min(6, 1 + (KILLS - sum(line.n_kills.values())) // 3))
    n_more = check(line, days)
    ambiguous = case.query("SELECT count(*) FROM delivery WHERE outcome = 'ambiguous'")[0][0]
    print(f"         seed {SEED}: {sum(line.n_kills.values())} kills {dict(line.n_kills)}, {len(days)} days, "
          f"{case.query('SELECT count(*) FROM outbox')[0][0]} messages, {ambiguous} ambiguous, repeated {dict(+n_more)}, "
          f"{line.hook.n_folded} folded by the webhook's receiver")


run(globals())
