#!/usr/bin/env python3
"""Accounts judged by several processes: the same result from any number of them, and all of a day or nothing of it."""
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, DATA, HEAVY, SANITIZED, run  # noqa: E402
from test_score import TALKATIVE, query, snapshot  # noqa: E402

COPIES = 52 if SANITIZED else 104  # of twenty accounts: units of work for two or three
DAYS = ("2024-11-03", "2024-12-02")
NOW = ("--now", "2025-01-01T06:00:00Z")
KILLS = 200 if HEAVY else 5
MOST_TRIES = 24  # to meet a judge at work: on a busy machine they are often done before they are seen
SEED = int(os.environ.get("RETAIND_SEED", time.time_ns() % 1_000_000))


def multiply(folder):
    """RavenStack's excerpt, many times over."""
    folder.mkdir()
    for path in (DATA / "ravenstack").glob("*.csv"):
        with path.open(newline="") as source, (folder / path.name).open("w", newline="") as target:
            rows = csv.reader(source)
            out = csv.writer(target)
            head = next(rows)
            out.writerow(head)
            keys = [i for i, name in enumerate(head) if name in ("account_id", "subscription_id", "ticket_id", "usage_id")]
            rows = list(rows)
            for copy in range(COPIES):
                for row in rows:
                    out.writerow([f"{cell}-{copy}" if i in keys else cell for i, cell in enumerate(row)])


def processes(case, n):
    case.write("config/retaind.yaml", f"state: {case.tmp}/state\nscore: {{processes: {n}}}\n")


def company(case):
    multiply(case.tmp / "files")
    text = (DATA / "ravenstack" / "org.yaml").read_text()
    case.org(text.replace("@FOLDER@", str(case.tmp / "files")).replace("@DIGESTS@", str(case.tmp / "digests")) + TALKATIVE,
             name="raven")
    case.retaind("pull", "-q")
    shutil.copytree(case.database("raven").parent, case.tmp / "kept")


def back(case):
    shutil.rmtree(case.database("raven").parent)
    shutil.copytree(case.tmp / "kept", case.database("raven").parent)


def score(case, day):
    return case.retaind("score", "--as-of", day, "--format", "csv", *NOW).stdout


def start(case, day):
    return subprocess.Popen([BIN, "score", "--config", case.tmp / "config", "--as-of", day, "-q", *NOW], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def children(pid):
    """Those that judge: the first, and those that it forked."""
    try:
        found = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return found + [p for child in found for p in children(child)]


def is_running(pid):
    try:
        return "(retaind" in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_same(case):
    """one, two and five processes say the same of every account, to the byte, day after day"""
    company(case)
    said = []
    for n in (1, 2, 5):
        back(case)
        processes(case, n)
        tables = [score(case, day) for day in DAYS]
        said.append((tables, snapshot(case)))
    assert len(said[0][1][0]) > 15 * COPIES and len(said[0][1][2]) > COPIES, [len(x) for x in said[0][1]]
    assert said[1] == said[0], "two processes"
    assert said[2] == said[0], "five processes"


def test_a_judge_is_killed(case):
    """when a process that judges is killed nothing of the day is kept, the command says so, and the next run is whole"""
    company(case)
    processes(case, 3)
    score(case, DAYS[0])
    before = snapshot(case)
    n_killed = 0
    for i in range(MOST_TRIES):
        if n_killed == 4:
            break
        child = start(case, DAYS[1])
        while child.poll() is None and len(children(child.pid)) < 3:
            time.sleep(0.0005)
        judges = children(child.pid)
        if len(judges) == 3:
            os.kill(judges[i % 3], signal.SIGKILL)
        told = child.communicate(timeout=60)[1]
        if child.returncode == 0:
            shutil.rmtree(case.tmp / "state")  # it was done before
            shutil.copytree(case.tmp / "kept", case.database("raven").parent)
            score(case, DAYS[0])
            continue
        n_killed += 1
        assert child.returncode == 75 and "ended before it was done" in told, (child.returncode, told)
        assert snapshot(case) == before
    assert n_killed >= 2, n_killed
    score(case, DAYS[1])
    assert len(query(case, "SELECT * FROM score_day WHERE day = (SELECT max(day) FROM score_day)")) > 15 * COPIES


def test_killed_anywhere(case):
    """killed with -9 at any moment, the database opens clean, has the day whole or not at all, and another run makes it whole"""
    company(case)
    processes(case, 2)
    score(case, DAYS[0])
    before = snapshot(case)
    shutil.rmtree(case.tmp / "kept")
    shutil.copytree(case.database("raven").parent, case.tmp / "kept")
    begun = time.monotonic()
    score(case, DAYS[1])
    took = time.monotonic() - begun
    wanted, at, n_none = snapshot(case), random.Random(SEED), 0
    for i in range(KILLS):
        back(case)
        child = start(case, DAYS[1])
        time.sleep(at.random() * took)
        judges = children(child.pid)
        child.kill()
        child.communicate()
        while any(is_running(pid) for pid in judges):
            time.sleep(0.001)
        left = snapshot(case)
        assert left in (before, wanted), (SEED, i)
        n_none += left == before
        assert query(case, "PRAGMA integrity_check") == [("ok",)], (SEED, i)
        score(case, DAYS[1])
        assert snapshot(case) == wanted, (SEED, i)
    print(f"         seed {SEED}: killed {KILLS} times, {n_none} before the day was there")


run(globals())
