#!/usr/bin/env python3
"""The daemon on real time: one digest per slot whatever happens, one instance, reload, ends in time."""
import os
import signal
import socket
import sqlite3
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from daemon import Daemon, rows
from harness import BUSY, run, wait_for

ORG = """title: Acme
zone: UTC
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
schedule: {{ sync_lead: 60s, sync_wait: {wait}, pull_timeout: {pull_timeout} }}
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
{more}
channels:
  out: {{ kind: file, folder: "{tmp}/out" }}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "{at}", channels: [out], sends_when_quiet: true }}
"""


def organisation(case, more="", wait="15m", pull_timeout="30m"):
    """An organisation whose slot was due at the beginning of this minute."""
    case.write("csv/accounts.csv", "id,name\n1,Umbra\n2,Penumbra\n")
    (case.tmp / "out").mkdir()
    at = datetime.now(timezone.utc).strftime("%H:%M")
    case.org(ORG.format(tmp=case.tmp, at=at, more=more, wait=wait, pull_timeout=pull_timeout))


def settled(case):
    """The slot is done and its messages are out."""
    return rows(case, "SELECT 1 FROM slot WHERE state = 'done'") and not rows(
        case, "SELECT 1 FROM outbox WHERE state <> 'sent'") and rows(case, "SELECT 1 FROM outbox")


def files(case):
    return sorted((p.name, p.stat().st_ino, p.stat().st_mtime_ns) for p in (case.tmp / "out").iterdir())


def tick(case):
    return rows(case, "SELECT tick_at FROM schedule_state")


def test_once(case):
    """A digest that was due comes exactly once: the daemon is killed, comes back twice, and nothing is repeated."""
    organisation(case)
    daemon = Daemon(case)
    wait_for(lambda: settled(case), 30, "the digest")
    before = files(case)
    assert before, "no file"
    daemon.logged("event=delivery org=acme")  # the children log as much as the daemon does
    daemon.kill()
    for _ in range(2):
        ticks = tick(case)
        with sqlite3.connect(case.database()) as db:  # as if it had been down for two minutes
            db.execute("UPDATE schedule_state SET tick_at = tick_at - 120")
        daemon = Daemon(case)
        wait_for(lambda: tick(case) >= ticks, 20, "a look at the ledger")
        assert daemon.stop()[0] == 0, daemon.text()
    assert files(case) == before
    assert len(case.query("SELECT 1 FROM digest")) == 1
    assert case.query("SELECT owner_email, state FROM slot") == [("ada@acme.example", "done")]


def test_kills(case):
    """Killed at any moment of its first seconds and started again, it still makes one digest and delivers it once."""
    organisation(case)
    for i in range(8):
        daemon = Daemon(case)
        wait_for(lambda: daemon.text().count("started") or daemon.process.poll() is not None, 20, "start")
        time.sleep(0.01 * i)
        daemon.kill()
    daemon = Daemon(case)
    daemon.logged("started")
    wait_for(lambda: settled(case), 30, "the digest")
    assert len(case.query("SELECT 1 FROM digest")) == 1
    sent = case.query("SELECT sum(outcome = 'sent'), count(DISTINCT outbox_id) FROM delivery")[0]
    assert sent[0] == sent[1], sent
    assert daemon.stop()[0] == 0


def test_one_instance(case):
    """A second daemon on the same state ends with 75 within a second and names the first; a kill frees the lock at once."""
    organisation(case)
    first = Daemon(case)
    first.logged("started")
    start = time.monotonic()
    second = case.retaind("run", expect=75)
    assert time.monotonic() - start < 1.0 * BUSY
    assert str(first.process.pid) in second.stderr, second.stderr
    first.kill()
    third = Daemon(case)
    third.logged("started")
    assert third.process.poll() is None


def test_reload(case):
    """SIGHUP with a broken configuration keeps the old one in force; with a good one it is taken."""
    organisation(case)
    daemon = Daemon(case)
    daemon.logged("started")
    good = (case.tmp / "config/orgs/acme.yaml").read_text()
    case.write("config/orgs/acme.yaml", good + "nonsense: [\n")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.logged("reload_refused")
    wait_for(lambda: settled(case), 30, "the digest")
    case.write("config/orgs/acme.yaml", good)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.logged("reloaded")
    assert daemon.stop()[0] == 0


def test_hang(case):
    """A source that never answers is ended by its time limit, and the digest goes with what there is."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    case.at_end(silent.close)
    case.write("token", "secret-token\n").chmod(0o600)
    more = f"""  crm:
    connector: hubspot
    base_url: http://127.0.0.1:{silent.getsockname()[1]}
    allows_http_loopback: true
    secrets: {{ token: "file:{case.tmp}/token" }}"""
    organisation(case, more, wait="1s", pull_timeout="2s")
    daemon = Daemon(case)
    wait_for(lambda: settled(case), 30, "the digest")
    ended = lambda: [line for line in daemon.text().splitlines() if "job_ended" in line and "job=pull" in line]
    assert "retry" in wait_for(ended, 10, "the end of the pull")[0], daemon.text()  # the digest may go before that
    assert daemon.stop()[0] == 0


def test_stop_with_children(case):
    """SIGTERM ends it within five seconds also while a child hangs, and the child is gone too."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    case.at_end(silent.close)
    case.write("token", "secret-token\n").chmod(0o600)
    organisation(case, f"""  crm:
    connector: hubspot
    base_url: http://127.0.0.1:{silent.getsockname()[1]}
    allows_http_loopback: true
    secrets: {{ token: "file:{case.tmp}/token" }}""")
    daemon = Daemon(case)
    wait_for(lambda: children(daemon.process.pid), 20, "a child")
    child = children(daemon.process.pid)[0]
    connection, _ = silent.accept()
    case.at_end(connection.close)
    code, seconds = daemon.stop()
    assert code == 0 and seconds < 5 * BUSY, (code, seconds)
    wait_for(lambda: not Path(f"/proc/{child}").exists(), 2 * BUSY, "the end of the child")


def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_manager(case):
    """A service manager hears READY, a watchdog sign well within its limit, and STOPPING."""
    organisation(case)
    path = str(case.tmp / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    manager.settimeout(10)
    case.at_end(manager.close)
    os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"] = path, "900000"
    try:
        daemon = Daemon(case)
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    assert manager.recv(512).startswith(b"READY=1")
    start = time.monotonic()
    for _ in range(20):
        while b"WATCHDOG=1" not in manager.recv(512):
            pass
    assert time.monotonic() - start < 20 * 0.9  # twice in each limit, and a machine that is busy once is not always
    daemon.process.terminate()
    while b"STOPPING=1" not in manager.recv(512):
        pass
    assert daemon.process.wait(timeout=10) == 0


run(globals())
