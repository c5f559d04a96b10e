#!/usr/bin/python3
"""The packed store of usage: asked in SQL, damaged and mended, killed while it is written and while it is packed anew."""
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HEAVY, run  # noqa: E402

SEED = int(os.environ.get("RETAIND_SEED", time.time_ns() % 1_000_000))
KILLS = 200 if HEAVY else 8
NOW = "2026-02-16T08:00:00Z"
LAST = date(2026, 2, 15)
N_ACCOUNTS, N_DAYS = 300, 40
ORG = """\
zone: Europe/Paris
currency: EUR
retention: {{ usage: 900d }}
sources:
  exports:
    connector: csv
    folder: "{tmp}/exports"
    files:
      accounts: {{ match: accounts.csv, entity: account, key: id, map: [ {{ to: name, from: id }} ] }}
      usage:
        match: "usage*.csv"
        entity: usage
        account: id
        map:
          - {{ to: metric, from: metric }}
          - {{ to: day, from: day }}
          - {{ to: value, from: value }}
channels:
  files: {{ kind: file, folder: "{tmp}/digests" }}
owners:
  - {{ email: ann@acme.example, name: Ann, role: csm, at: "08:00", channels: [files] }}
"""


def value(account, day, metric):
    return (account * 7 + day * 13) % 250 if metric == "logins" else (account * day * 31) % 100000


def company(case):
    case.org(ORG.format(tmp=case.tmp))
    case.write("exports/accounts.csv", "id\n" + "".join(f"a{i}\n" for i in range(N_ACCOUNTS)))
    lines = [f"a{i},{metric},{LAST - timedelta(days=d)},{value(i, d, metric)}\n" for d in range(N_DAYS)
             for i in range(N_ACCOUNTS) if (i + d) % 3 for metric in ("logins", "bytes")]
    case.write("exports/usage.csv", "id,metric,day,value\n" + "".join(lines))
    return len(lines)


def content(path):
    """All usage, by account's key, as plain SQL sees it; and that the file is sound. May write: it settles a journal."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'usage_daily'").fetchone():
            return []  # killed before it had a schema
        return db.execute("SELECT a.source_key, u.metric, u.date, u.value FROM usage_daily u JOIN account a ON a.id = u.account_id "
                          "ORDER BY 1, 2, 3").fetchall()


def test_sql(case):
    """`retaind sql` answers one SELECT on the packed usage as a table, JSON or CSV, and refuses all else with exit 64."""
    n = company(case)
    case.retaind("pull", "--now", NOW)
    count = "select count(*) as n, min(date) as since from usage"
    assert json.loads(case.retaind("sql", count, "--format", "json").stdout) == [
        {"n": n, "since": str(LAST - timedelta(days=N_DAYS - 1))}]
    one = ("select u.metric, u.value from usage u join account a on a.id = u.account where a.source_key = 'a17' "
           f"and u.date = '{LAST}' order by 1")
    assert case.retaind("sql", one, "--format", "csv").stdout == \
        f"metric,value\nbytes,{value(17, 0, 'bytes')}\nlogins,{value(17, 0, 'logins')}\n"
    cut = case.retaind("sql", "--rows", "5", "select day from usage")
    assert len(cut.stdout.splitlines()) == 6 and "more rows than these 5" in cut.stderr
    for wrong in ("delete from account", "select 1; select 2", "pragma user_version = 1", "nonsense"):
        case.retaind("sql", wrong, expect=64)
    late = case.retaind("sql", "--seconds", "1", "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
                        expect=64)
    assert "no answer within 1 s" in late.stderr
    late = case.retaind("sql", "--seconds", "1", "select instr(zeroblob(16000000), zeroblob(8000000) || x'01')", expect=64)  # one step
    assert "no answer within 1 s" in late.stderr


def flip(path, n_flips, rng):
    """Flips a bit in each of some blocks, in the bytes of the file; returns their ids."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        blocks = db.execute("SELECT id, data FROM usage_block").fetchall()
    db.close()
    raw = bytearray(path.read_bytes())
    chosen = rng.sample([b for b in blocks if len(b[1]) > 100], n_flips)
    for _, data in chosen:
        assert raw.count(data) == 1
        raw[raw.index(data) + rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(raw)
    return sorted(block for block, _ in chosen)


def test_damage(case):
    """A bit that flips in the file is found by `check`, by name, and never scored; dropped and pulled again, all is as it was."""
    rng = random.Random(SEED)
    company(case)
    case.retaind("pull", "--now", NOW)
    before = content(case.database())
    case.retaind("check", "--now", NOW)
    damaged = flip(case.database(), 5, rng)
    told = json.loads(case.retaind("check", "--now", NOW, "--format", "json", expect=78).stdout)
    named = [row["detail"] for row in told if row["check"] == "usage"]
    assert len(named) == 5, (SEED, named)
    for block, line in zip(damaged, named):
        metric = case.query("SELECT name FROM metric WHERE id = ?", block >> 40)[0][0]
        day = date(1970, 1, 1) + timedelta(days=block >> 20 & 1048575)
        assert line == f"usage of {metric} on {day}, accounts 0 to 8127 (block {block}): what is stored is damaged", (SEED, line)
    for args in (["score"], ["sql", "select sum(value) from usage"], ["explain", "a17"]):
        refused = case.retaind(*args, "--now", NOW, expect=None)
        assert refused.returncode not in (0, 64) and "is damaged" in refused.stderr, (SEED, args, refused.stderr)
    assert "5 damaged blocks" in case.retaind("check", "--drop-damaged").stdout
    assert len(content(case.database())) < len(before)
    case.retaind("pull", "--full", "--now", NOW)
    assert content(case.database()) == before, SEED
    case.retaind("check", "--now", NOW)
    case.retaind("score", "--now", NOW)


def kill_some(case, rng, command, back, check):
    """Runs the command whole once for its time, then kills it at random moments; returns how many kills found it alive."""
    full = [BIN, command[0], "--config", case.tmp / "config", *command[1:], "--quiet"]
    back()
    began = time.monotonic()
    subprocess.run(full, check=True, stdin=subprocess.DEVNULL)
    took, n_alive = time.monotonic() - began, 0
    for _ in range(10 * KILLS):
        if n_alive == KILLS:
            break
        back()
        process = subprocess.Popen(full, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, took))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            n_alive += 1
        process.wait()
        check()
    return n_alive


def test_killed_pull(case):
    """kill -9 at random moments of a pull: the file opens clean, no cell is half there, and the next pull makes it what an
    undisturbed one makes it"""
    rng = random.Random(SEED)
    company(case)
    case.retaind("pull", "--now", NOW)
    whole = content(case.database())
    state = case.database().parent

    def back():
        shutil.rmtree(state, ignore_errors=True)

    def check():
        if not case.database().exists():
            return
        assert set(content(case.database())) <= set(whole), SEED
        if rng.random() < 0.5:  # else the next kill finds what this one left
            case.retaind("pull", "--now", NOW)
            assert content(case.database()) == whole, SEED
            case.retaind("check", "--now", NOW)
    n = kill_some(case, rng, ["pull", "--now", NOW], back, check)
    case.retaind("pull", "--now", NOW)
    assert content(case.database()) == whole, SEED
    print(f"         seed {SEED}: {n} kills of pull")


def test_killed_compact(case):
    """kill -9 at random moments of retention and compaction: what is to be kept is there each time, and the next run finishes"""
    rng = random.Random(SEED)
    company(case)
    old = "".join(f"a{i},{metric},{date(2020, 1, 1) + timedelta(days=d)},{value(i, d, metric)}\n" for d in range(30)
                  for i in range(N_ACCOUNTS) for metric in ("logins", "bytes"))
    case.write("exports/usage_old.csv", "id,metric,day,value\n" + old)
    case.retaind("pull", "--now", NOW)
    state, kept = case.database().parent, case.tmp / "kept"
    shutil.copytree(state, kept)
    wanted = [row for row in content(case.database()) if row[2] >= "2025"]
    assert len(wanted) < len(content(case.database()))

    def back():
        shutil.rmtree(state)
        shutil.copytree(kept, state)

    def check():
        assert [row for row in content(case.database()) if row[2] >= "2025"] == wanted, SEED
    n = kill_some(case, rng, ["compact", "--now", NOW], back, check)
    case.retaind("compact", "--now", NOW)
    assert content(case.database()) == wanted, SEED
    assert case.query("SELECT count(*) FROM usage_exception WHERE day < 19000") == [(0,)]
    assert case.query("PRAGMA freelist_count") == [(0,)]
    assert case.database().stat().st_size < kept.joinpath("retaind.db").stat().st_size
    case.retaind("check", "--now", NOW)
    print(f"         seed {SEED}: {n} kills of compact")


run(globals())
