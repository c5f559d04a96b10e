#!/usr/bin/env python3
"""kill -9 at every system call boundary of digest and deliver, one after another: from the opening of the database to the end.

Under RETAIND_HEAVY at each of them, else at a sample that is another one each time (RETAIND_SEED repeats it)."""
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import chats  # noqa: E402
import sinks  # noqa: E402
from delivery import ENV, company  # noqa: E402
from harness import BIN, HEAVY, ROOT, SANITIZED, Skip, run  # noqa: E402
from slack_api import SlackApi  # noqa: E402

SEED = int(os.environ.get("RETAIND_SEED", time.time_ns() % 1_000_000))
SAMPLE = 10**9 if HEAVY else 8 if SANITIZED else 25
MONDAY = date(2026, 3, 2)
OWNERS = {"ann@acme.example": "csm", "tom@acme.example": "am"}
CHANNELS = """\
  desk: {{kind: slack_webhook, url: "env:SLACK_URL", allows_http_loopback: true, per_second: 100}}
  hook: {{kind: webhook, url: "http://127.0.0.1:{hook}/hook", secret: "env:HOOK_SECRET", allows_http_loopback: true,
         per_second: 100}}
  room: {{kind: google_chat, url: "env:ROOM_URL", allows_http_loopback: true, per_second: 100}}
  direct: {{kind: slack_api, token: "env:SLACK_TOKEN", url: "{direct}", allows_http_loopback: true, per_second: 100}}
  mail: {{kind: email, host: 127.0.0.1, port: {mail}, tls: none_loopback, from: desk@acme.example, per_second: 100}}
  archive: {{kind: file, folder: "{tmp}/archive"}}
"""
IS_FOLDED = {"desk": False, "hook": True, "room": True, "direct": True, "mail": False, "archive": True}


def tool(case):
    """The program that kills another at its n-th boundary."""
    path = case.tmp / "kill_at"
    compiler = shutil.which("cc")
    if not compiler:
        raise Skip("no C compiler for the program that kills at a boundary")
    subprocess.run([compiler, "-O1", "-std=gnu17", "-D_GNU_SOURCE", ROOT / "tests/support/trace/kill_at.c", "-o", path], check=True)
    return path


class Stage:
    """An organisation with a digest stage to run, or digests to deliver; back where it was as often as needed."""

    def __init__(self, case):
        self.case, self.tool, self.random = case, tool(case), random.Random(SEED)
        self.sinks = {"desk": sinks.Slack().start(), "hook": sinks.Webhook().start(), "mail": sinks.Smtp().start(),
                      "room": chats.GoogleChat().start(), "direct": SlackApi().start()}
        for sink in self.sinks.values():
            case.at_end(sink.stop)
        for email in OWNERS:
            self.sinks["direct"].add_user(email)
        company(case, OWNERS, MONDAY, CHANNELS.format(tmp=case.tmp, hook=self.sinks["hook"].port, mail=self.sinks["mail"].port,
                                                      direct=self.sinks["direct"].url), ", ".join(IS_FOLDED))
        self.env = {**os.environ, **ENV, "SLACK_URL": self.sinks["desk"].url, "ROOM_URL": self.sinks["room"].url,
                    "SLACK_TOKEN": SlackApi.TOKEN,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}  # its own ptrace can't beside ours
        for stage in ("pull", "score"):
            case.retaind(stage, "--now", f"{MONDAY}T06:00:00Z", env=self.env)
        self.keep()

    def keep(self):
        """What is there now is what back() goes back to."""
        shutil.rmtree(self.case.tmp / "kept", ignore_errors=True)
        shutil.copytree(self.case.database().parent, self.case.tmp / "kept")

    def back(self):
        shutil.rmtree(self.case.database().parent)
        shutil.copytree(self.case.tmp / "kept", self.case.database().parent)
        shutil.rmtree(self.case.tmp / "archive", ignore_errors=True)
        for sink in self.sinks.values():
            sink.messages.clear()
            sink.requests.clear()
            for what in ("by_id", "by_request", "names"):
                getattr(sink, what, {}).clear()
            sink.n_differing = 0
        for messages in self.sinks["direct"].conversations.values():
            messages.clear()

    def command(self, stage, at):
        return [BIN, stage, "--config", self.case.tmp / "config", "--now", at, "--quiet"]

    def killed(self, stage, n):
        """Runs the stage and kills it at boundary n, 0: never; returns how many boundaries it came to."""
        result = self.case.tmp / "result"
        done = subprocess.run([self.tool, str(n), "retaind.db", result, *self.command(stage, f"{MONDAY}T07:00:00Z")],
                              env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == (137 if n else 0) or (n and done.returncode == 0), (stage, n, done.returncode, done.stderr)
        return int(result.read_text())

    def whole(self, stage):
        """Runs it until it has nothing left to do."""
        for minute in range(1, 60):
            done = subprocess.run(self.command(stage, f"{MONDAY}T07:{minute:02d}:00Z"), env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
            assert done.returncode in (0, 75), (stage, done.returncode, done.stderr)
            if done.returncode == 0:
                return
        raise AssertionError(f"{stage} doesn't come to an end")

    def points(self, n):
        return sorted(self.random.sample(range(1, n + 1), min(n, SAMPLE)))

    def outbox(self):
        return self.case.query("SELECT delivery_key, sink, recipient, part, body_sha256, content_type, state FROM outbox ORDER BY 1")

    def arrived(self):
        """sink -> how often each message came, by what its body or its delivery key is."""
        came = {name: Counter(hashlib.sha256(getattr(m, "body", None) or m.data).hexdigest() for m in self.sinks[name].messages)
                for name in ("desk", "hook", "mail")}
        came["direct"] = self.sinks["direct"].ids()
        came["room"] = Counter(list(self.sinks["room"].by_request))
        assert len(self.sinks["room"].messages) == len(came["room"])
        folder = self.case.tmp / "archive"
        came["archive"] = Counter(hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir() if folder.exists())
        return came


def test_digest(case):
    """a digest that is killed at any boundary and made again is the same to the byte, once, with all of its messages"""
    stage = Stage(case)
    n = stage.killed("digest", 0)
    wanted, slots = stage.outbox(), case.query("SELECT owner_email, local_on, state FROM slot")
    assert len(wanted) >= len(OWNERS) * len(IS_FOLDED), len(wanted)
    points = stage.points(n)
    for point in points:
        stage.back()
        stage.killed("digest", point)
        done = subprocess.run(stage.command("digest", f"{MONDAY}T07:00:00Z"), env=stage.env, capture_output=True, timeout=60)
        assert done.returncode == 0, (point, done.stderr)
        assert stage.outbox() == wanted, (point, stage.outbox())
        assert case.query("SELECT owner_email, local_on, state FROM slot") == slots, point
        assert case.query("SELECT count(*) FROM digest") == [(len(OWNERS),)] and case.query("PRAGMA integrity_check") == [("ok",)]
    print(f"         seed {SEED}: killed at {len(points)} of {n} boundaries")


def check_arrived(stage, point):
    """Every message once; where repeats are not folded at most once more for the one kill, and only what was ambiguous."""
    came = stage.arrived()
    n_more = Counter()
    for sink, sha, n_ambiguous in stage.case.query(
            "SELECT sink, CASE WHEN sink IN ('direct', 'room') THEN delivery_key ELSE body_sha256 END, "
            "(SELECT count(*) FROM delivery d WHERE d.outbox_id = o.id AND d.outcome = 'ambiguous') "
            "FROM outbox o"):
        n = came[sink][sha]
        assert n == 1 or (n == 2 and not IS_FOLDED[sink] and n_ambiguous == 1), (point, sink, n, n_ambiguous)
        n_more[sink] += n - 1
    assert all(n <= 1 for n in n_more.values()), (point, n_more)
    assert {s for *_, s in stage.outbox()} == {"sent"}, (point, stage.outbox())
    assert sum(map(len, came.values())) == len(stage.outbox()), (point, came)  # and nothing that was never to be sent
    assert not [f for f in (stage.case.tmp / "archive").iterdir() if f.name.startswith(".")], point
    return n_more


def test_deliver(case):
    """a delivery that is killed at any boundary and run again loses nothing over any of six channels, repeats nothing where
    repeats are folded or looked for, and else at most the one message of a channel that was in flight"""
    stage = Stage(case)
    case.retaind("digest", "--now", f"{MONDAY}T06:59:00Z", env=stage.env)
    stage.keep()
    n, n_more, n_ambiguous = stage.killed("deliver", 0), Counter(), 0
    check_arrived(stage, 0)
    points = stage.points(n)
    for point in points:
        stage.back()
        stage.killed("deliver", point)
        stage.sinks["direct"].settle()  # what was on its way is read back only once it is there
        stage.whole("deliver")
        n_more += check_arrived(stage, point)
        n_ambiguous += case.query("SELECT count(*) FROM delivery WHERE outcome = 'ambiguous'")[0][0]
    assert sum(s.n_differing for s in stage.sinks.values() if hasattr(s, "n_differing")) == 0
    print(f"         seed {SEED}: killed at {len(points)} of {n} boundaries, {n_ambiguous} ambiguous, repeated {dict(+n_more)}")


run(globals())
