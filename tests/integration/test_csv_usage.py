#!/usr/bin/python3
"""Usage by CSV at scale: plain rows and odd ones, in any order, corrected, killed; what is stored is what the files say."""
import csv
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HEAVY, run  # noqa: E402

NOW = "2026-02-12T08:00:00Z"
METRICS = ("logins", "api_calls", "reports")
ORG = """\
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  exports:
    connector: csv
    folder: "{folder}"
    files:
      accounts: {{ match: accounts.csv, entity: account, key: id, map: [{{ to: name, from: id }}] }}
      usage:
        match: "usage*.csv"
        entity: usage
        account: account
        aggregate: {merge}
        map:
          - {{ to: metric, from: metric }}
          - {{ to: day, from: date }}
          - {{ to: value, from: value }}
channels:
  files: {{ kind: file, folder: "{folder}/digests" }}
owners:
  - {{ email: clara@acme.example, name: Clara, role: csm, at: "08:00", channels: [files] }}
"""


def organisation(case, n_accounts, merge="last"):
    folder = case.tmp / "exports"
    folder.mkdir(exist_ok=True)
    (folder / "accounts.csv").write_text("id\n" + "".join(f"a{i:06d}\n" for i in range(1, n_accounts + 1)))
    case.org(ORG.format(folder=folder, merge=merge))
    return folder


def write_usage(folder, rows, name="usage.csv"):
    (folder / name).write_text("account,metric,date,value\n" + "".join(rows))


def pull(case, *args, expect=0):
    result = case.retaind("pull", "--now", NOW, "--format", "csv", *args, expect=expect)
    return {r["stream"]: r for r in csv.DictReader(result.stdout.splitlines())}


def stored(case):
    """What plain SQL over the blocks says, by account's key, metric and date."""
    rows = case.query("SELECT a.source_key, u.metric, u.date, u.value FROM usage_daily u JOIN account a ON a.id = u.account_id")
    return {(key, metric, day): value for key, metric, day, value in rows}


def blocks(case):
    return {i: hashlib.sha256(bytes(d)).digest() for i, d in case.query("SELECT id, data FROM usage_block")}


def odd_row(dice, key, metric, day, value):
    """The same said in another way than the plainest, as a row of the file."""
    forms = ('"{0}",{1},{2},{3}\n', " {0} ,{1},{2},{3}\n", "{0},{1},{2},{3}.0\n", "{0},{1},{2}, {3}\n", "{0},{1},{2},{3}\r\n",
             "{0},{1},{2}T10:00:00+01:00,{3}\n", '{0},{1},{2},"{3}"\n', "\n{0},{1},{2},{3}\n", "{0},{1},{2},+{3}\n")
    return dice.choice(forms).format(key, metric, day, value)


def random_rows(dice, n, n_accounts):
    """Rows and what they come to: the last of several for a cell counts."""
    rows, expected, unusable = [], {}, 0
    for _ in range(n):
        key, metric = f"a{dice.randint(1, n_accounts):06d}", dice.choice(METRICS)
        day, value = f"2026-02-{dice.randint(1, 10):02d}", int(dice.lognormvariate(4, 3))
        kind = dice.random()
        if kind < 0.002:
            rows.append(dice.choice((f"nobody,{metric},{day},{value}\n", f"{key},{metric},{day},-{value + 1}\n", f"{key},{metric},{day}\n",
                                     f"{key},{metric},2026-02-30,{value}\n", f"{key},,{day},{value}\n", f"{key},{metric},{day},12x\n",
                                     f"{key},{metric},{day},2000000000000\n", f",{metric},{day},{value}\n")))
            unusable += 1
            continue
        rows.append(odd_row(dice, key, metric, day, value) if kind < 0.05 else f"{key},{metric},{day},{value}\n")
        expected[key, metric, day] = value
    return rows, expected, unusable


def test_rows_in_any_order(case):
    """Rows in no order, a twentieth of them written oddly, become what they say; those that can't be used are set aside with
    their line; the same file in parts, in order and with the rest behind it, comes to the same."""
    dice = random.Random(5)
    folder = organisation(case, 9000)
    rows, expected, unusable = random_rows(dice, 40000, 9000)
    write_usage(folder, rows)
    got = pull(case)["usage"]
    assert (int(got["rows"]), int(got["set aside"]), int(got["changed"])) == (40000, unusable, len(expected)), got
    assert stored(case) == expected
    lines = [int(key.rsplit(":", 1)[1]) for (key,) in case.query("SELECT source_key FROM quarantine ORDER BY rowid")]
    assert lines == sorted(lines) and len(lines) == unusable
    (folder / "usage.csv").unlink()
    shutil.rmtree(case.tmp / "state")
    cells = sorted(expected.items(), key=lambda cell: (cell[0][0], cell[0][1], cell[0][2]))
    for part in range(3):
        write_usage(folder, [f"{a},{m},{d},{v}\n" for (a, m, d), v in cells[part::3]], f"usage{part}.csv")
    pull(case)
    assert stored(case) == expected


def test_empty_fields(case):
    """A row with an empty field is set aside with its line, behind plain rows too; nothing is stored of it."""
    folder = organisation(case, 2)
    good = ["a000001", "logins", "2026-02-09", "5"]
    rows = [good[:2] + ["1770000000"] + good[3:]]
    for _ in range(2):
        rows += [good[:i] + [""] + good[i + 1:] for i in range(4)] + [good]
    write_usage(folder, [",".join(row) + "\n" for row in rows])
    got = pull(case)["usage"]
    assert (int(got["rows"]), int(got["set aside"]), int(got["changed"])) == (11, 8, 2), got
    assert stored(case) == {("a000001", "logins", day): 5 for day in ("2026-02-02", "2026-02-09")}
    lines = case.query("SELECT source_key FROM quarantine ORDER BY rowid")
    assert [key for (key,) in lines] == [f"usage.csv:{line}" for line in (3, 4, 5, 6, 8, 9, 10, 11)], lines


def test_odd_keys(case):
    """Keys that have delimiters, quotes and ends of lines in them are those of their rows only, whatever stands beside them in the
    file; a line is what it says whether it ends in LF, CRLF or the file."""
    folder = organisation(case, 0)
    keys = ["a", "a,logins,2026-02-03,7", "a,b", '"a"', 'a"b', "a\nb", "a\n", "a\rb", "é", "é,", "z\nz,logins,2026-02-03,9"]
    with open(folder / "accounts.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id"]] + [[key] for key in keys])
    pull(case, "--stream", "accounts")
    known = {key.strip() for key in keys}
    for n, (end, quoting) in enumerate((("\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL))):
        expected = {(key, metric, f"2026-02-{day:02d}"): 100 * n + 10 * i + day for i, key in enumerate(sorted(known))
                    for metric in ("log", "logins", "login", "x,y", 'x"y') for day in (1, 2, 3)}
        rows = [[*cell, value] for cell, value in expected.items()]
        random.Random(n).shuffle(rows)
        with open(folder / f"usage{n}.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator=end, quoting=quoting).writerows([["account", "metric", "date", "value"]] + 3 * sorted(rows) + rows)
        got = pull(case)["usage"]
        assert (int(got["rows"]), int(got["set aside"]), int(got["changed"])) == (4 * len(rows), 0, len(rows)), got
        assert stored(case) == expected
    write_usage(folder, ['"a\nb",logins,2026-02-03,5\n', "a\n", "b,logins,2026-02-03,6\n"], "usage9.csv")
    assert int(pull(case)["usage"]["set aside"]) == 2
    assert stored(case)["a\nb", "logins", "2026-02-03"] == 5


def test_one_column_says_two_things(case):
    """A column that says two things of a row says both, in plain rows too: the account is its own metric here, and its day's value."""
    folder = organisation(case, 3)
    case.org(ORG.format(folder=folder, merge="last").replace("from: metric", "from: account"))
    write_usage(folder, [f"a00000{i},,2026-02-0{day},{i}\n" for i in (1, 2, 3) for day in range(1, 9)])
    assert int(pull(case)["usage"]["set aside"]) == 0
    assert stored(case) == {(f"a00000{i}", f"a00000{i}", f"2026-02-0{day}"): i for i in (1, 2, 3) for day in range(1, 9)}


def test_aggregate(case):
    """`aggregate: sum` and `max` over rows in no order are what Python makes of them."""
    dice = random.Random(6)
    for merge, add in (("sum", lambda a, b: a + b), ("max", max)):
        folder = organisation(case, 300, merge)
        expected = defaultdict(int)
        rows = []
        for _ in range(20000):
            cell = f"a{dice.randint(1, 300):06d}", dice.choice(METRICS), f"2026-02-{dice.randint(1, 3):02d}"
            value = dice.choice((dice.randint(0, 300), dice.randint(0, 10 ** 12)))
            rows.append(",".join((*cell, str(value))) + "\n")
            expected[cell] = add(expected[cell], value)
        write_usage(folder, rows)
        pull(case)
        assert stored(case) == dict(expected), merge
        shutil.rmtree(case.tmp / "state")


def test_correction(case):
    """A correction of one account on one day rewrites one block of the store; the same file again, by force, none."""
    dice = random.Random(7)
    folder = organisation(case, 20000)
    rows, expected, _ = random_rows(dice, 30000, 20000)
    write_usage(folder, rows)
    pull(case)
    before = blocks(case)
    write_usage(folder, ["a009000,logins,2026-02-07,77\n"], "usage_late.csv")
    assert int(pull(case)["usage"]["changed"]) == 1
    after = blocks(case)
    assert len([i for i in after if after[i] != before.get(i)]) == 1 and len(before) <= len(after)
    assert stored(case) == {**expected, ("a009000", "logins", "2026-02-07"): 77}
    (folder / "usage.csv").unlink()
    assert int(pull(case, "--full")["usage"]["changed"]) == 0
    assert blocks(case) == after


def test_waiting(case):
    """Rows of accounts that come later wait in their file, which is read again until all of its accounts are known."""
    folder = organisation(case, 3000)
    write_usage(folder, [f"a{i:06d},logins,2026-02-09,{i}\n" for i in range(1, 5001)])
    got = pull(case)["usage"]
    assert (int(got["changed"]), int(got["set aside"])) == (3000, 2000), got
    organisation(case, 5000)
    got = pull(case)["usage"]
    assert (int(got["changed"]), int(got["set aside"])) == (2000, 0), got
    assert case.query("SELECT count(*) FROM quarantine") == [(0,)]
    assert pull(case)["usage"]["pages"] == "0"


def test_large_files(case):
    """Large files, whose hashes come from processes beside the pull and whose accounts are read before them: each is read once, again
    when a byte of it changed, and as long as rows of it wait for their accounts."""
    folder = organisation(case, 1000)
    cells = {f"usage{n}.csv": {(f"a{account:06d}", metric, f"2025-11-{3 * n + day:02d}"): (account * 7 + len(metric) + day + n) % 1000
                               for account in range(1, 1001) for metric in METRICS for day in (1, 2, 3)} for n in range(3)}
    expected = {cell: value for part in cells.values() for cell, value in part.items()}
    n_rows = 9000 * 32  # 9 MB

    def write(name, more=""):
        rows = [",".join((*cell, str(value))) + "\n" for cell, value in cells[name].items()]
        write_usage(folder, 32 * rows + [more], name)
    write("usage0.csv")
    write("usage2.csv", "later,logins,2025-11-01,5\n")
    got = pull(case)["usage"]
    assert (int(got["rows"]), int(got["set aside"])) == (2 * n_rows + 1, 1), got
    write("usage1.csv")
    assert int(pull(case)["usage"]["rows"]) == 2 * n_rows + 1
    assert stored(case) == expected
    cells["usage0.csv"]["a000001", "logins", "2025-11-01"] = expected["a000001", "logins", "2025-11-01"] = 15
    write("usage0.csv")
    (folder / "accounts.csv").write_text("id\nlater\n")
    got = pull(case)["usage"]
    assert (int(got["rows"]), int(got["set aside"]), int(got["changed"])) == (2 * n_rows + 1, 0, 2), got
    assert stored(case) == expected | {("later", "logins", "2025-11-01"): 5}
    assert int(pull(case)["usage"]["rows"]) == 0


def test_untouched_files(case):
    """A large file that nobody touched since it was loaded is not even read; it is once it was touched, with its size and its time as
    they were too, when the mapping changed, and by force."""
    folder = organisation(case, 10)
    rows = [f"a{account:06d},logins,2026-02-0{day},{account}\n" for account in range(1, 11) for day in range(1, 10)] * 500
    write_usage(folder, rows)
    path = folder / "usage.csv"

    def pulled(*args):
        return int(pull(case, *args)["usage"]["rows"])
    assert path.stat().st_size > 1 << 20 and pulled() == len(rows)
    time.sleep(3.1)
    assert pulled() == 0  # it is noted now: before, it might have been written to in the same tick of the clock
    with sqlite3.connect(case.database()) as db:
        db.execute("UPDATE file_loaded SET sha256 = 'of other contents' WHERE stream = 'usage'")
    assert pulled() == 0
    before = path.stat()
    path.write_text(path.read_text()[:-2] + "7\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and pulled() == len(rows)
    assert stored(case)["a000010", "logins", "2026-02-09"] == 17
    assert pulled() == 0 and pulled("--full") == len(rows) and pulled() == 0
    organisation(case, 10, "max")
    assert pulled() == len(rows) and pulled() == 0
    path.unlink()
    write_usage(folder, rows)
    assert pulled() == len(rows)


def kill_after(case, seconds):
    """True when it was killed before it was done."""
    with subprocess.Popen([BIN, "--config", str(case.tmp / "config"), "pull", "--now", NOW], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}) as process:
        try:
            process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True


def test_killed(case):
    """A pull of usage that is killed at random moments, again and again, reopens clean and comes to the blocks of one that was not."""
    dice = random.Random(8)
    folder = organisation(case, 20000)
    n = 400000 if HEAVY else 60000
    for part in range(3):
        rows = random_rows(dice, n, 20000)[0]
        write_usage(folder, rows, f"usage{part}.csv")
    start = time.monotonic()
    pull(case)
    whole = time.monotonic() - start
    expected, set_aside = blocks(case), case.query("SELECT source_key, reason FROM quarantine ORDER BY 1")
    n_killed, wanted = 0, 200 if HEAVY else 6
    while n_killed < wanted:
        shutil.rmtree(case.tmp / "state")
        while n_killed < wanted and kill_after(case, dice.uniform(0.01, whole)):
            n_killed += 1
            if case.database().exists():
                with sqlite3.connect(case.database()) as db:
                    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if dice.random() < 0.5:
                break
        start = time.monotonic()
        pull(case)
        whole = min(whole, max(0.05, time.monotonic() - start))
        assert blocks(case) == expected
        assert case.query("SELECT source_key, reason FROM quarantine ORDER BY 1") == set_aside
        left = {p.name for p in case.database().parent.iterdir()}
        assert not [name for name in left if "gathered" in name], left
    print(f"         {n_killed} kills")


run(globals())
