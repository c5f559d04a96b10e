#!/usr/bin/env python3
"""The workload on retaind's real commands and on its peers, in one run, answers held against each other; a report at the end.

Usage: bench.py [--accounts N,N,...] [--parts NAME,...] [--rounds N] [--folder DIR] [--bin DIR] [--warm-only] [--keep]

Sizes: 10,000 and 100,000 accounts, and 1,000,000 where disk (40 GB) and memory (8 GB) are there. The largest is what the
targets are held against, SQLite and PostgreSQL at 100,000 at most. Each part can be run alone (--parts list names them)."""
import argparse
import json
import os
import platform
import shutil
import signal
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import postgres
import report
import workload_sql
from measure import Failed, cool, first_output, median, run, said

ROOT = Path(__file__).resolve().parents[2]
DAY_0, LAST_DAY, MORNINGS = date(2025, 1, 13), 399, 5
ROWS_MOST = report.ROWS_MOST  # for peers that keep a row a day in a table: minutes for more
METRICS, DAYS = 3, 400


def day(n):
    return (DAY_0 + timedelta(days=n)).isoformat()


class Bench:
    """One run: where things are, what was measured so far."""

    def __init__(self, options):
        self.options, self.rounds = options, options.rounds
        self.bin, self.folder = Path(options.bin).resolve(), Path(options.folder).resolve()
        self.sizes = options.accounts
        self.program, self.make, self.peer = self.bin / "retaind", self.bin / "bench/bench_workload", self.bin / "bench/bench_peer"
        self.results, self.answers, self.notes, self.failed, self.versions = [], {}, [], [], {}
        self.medians, self.agreed = {}, {}
        self.folder.mkdir(parents=True, exist_ok=True)

    # telling ---------------------------------------------------------------------------------------------------------

    def tell(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def note(self, text):
        self.notes.append(text)
        self.tell(text)

    def keep(self, name, accounts, runs):
        """The figures of some runs of one thing; their medians, by (name, accounts)."""
        kinds = [k for k in report.KINDS if k in runs[0]]
        at = {k: median(runs, k) for k in kinds}
        if "peak_mib" in at:
            at["peak_mib"] = max(r["peak_mib"] for r in runs)
        self.medians[name, accounts] = {**at, "n": len(runs)}
        self.results.append({"name": name, "accounts": accounts, "n": len(runs), **at,
                             "runs": [{k: r[k] for k in kinds} for r in runs]})
        self.tell(f"{name}, {accounts:,}: {at['seconds']:.3f} s, {at.get('cpu', 0):.3f} CPU s, {at.get('peak_mib', 0):.0f} MiB, "
                  f"{at.get('read_mb', 0):.1f} MB read, {at.get('written_mb', 0):.1f} MB written")
        return at

    def answer(self, who, accounts, result):
        """All who scored the same accounts must have said the same."""
        said_now = {k: result[k] for k in ("total", "top", "ranking")}
        first = self.answers.setdefault(accounts, (who, said_now))
        self.agreed.setdefault(accounts, {})[who] = said_now["ranking"]
        if first[1]["ranking"] != said_now["ranking"]:
            raise Failed(f"{who} ranks otherwise than {first[0]} at {accounts:,}: {said_now}, {first[1]}")
        for k in ("total", "top"):
            if abs(first[1][k] - said_now[k]) > 1e-7 * abs(first[1][k]):
                raise Failed(f"{who} sums up to another {k} than {first[0]}: {said_now[k]}, {first[1][k]}")

    # places ----------------------------------------------------------------------------------------------------------

    def org(self, accounts):
        return self.folder / f"org-{accounts}"

    def database(self, accounts):
        return self.org(accounts) / "state/orgs/w/retaind.db"

    def peer_file(self, kind, accounts):
        return self.folder / f"{kind}-{accounts}.db"

    def retaind(self, accounts, *words, **more):
        return run([self.program, "--config", self.org(accounts) / "config", *words], **more)

    def rounds_of(self, name, accounts, once, n=None):
        return self.keep(name, accounts, [once() for _ in range(n or self.rounds)])

    def in_turns(self, accounts, rivals):
        """Each of them once, then each once again ..."""
        rounds = [{name: once() for name, once in rivals.items()} for _ in range(self.rounds)]
        for name in rivals:
            self.keep(name, accounts, [r[name] for r in rounds])


def files_of(database):
    return [database, database.with_name(database.name + "-wal"), database.with_name(database.name + "-shm")]


# the parts ------------------------------------------------------------------------------------------------------------

def prepare(b):
    """Organisations and the peers' tables that only have to be there."""
    def organisations(sizes):
        for n in sizes:
            if not (b.org(n) / "made").exists():
                shutil.rmtree(b.org(n), ignore_errors=True)  # files of days of an earlier run would be pulled
                run([b.make, "make", b.org(n), n], cwd=ROOT, watched=False)
                (b.org(n) / "made").write_text("yes\n")
                b.tell(f"organisation of {n:,}: {b.database(n).stat().st_size / 1e6:,.0f} MB")
            else:
                b.retaind(n, "migrate", watched=False)  # kept from a run of an older program

    def rows():
        for n in b.sizes:
            if n <= ROWS_MOST and ("sqlite" in b.options.parts) and not b.peer_file("sqlite", n).exists():
                run([b.peer, "sqlite", "load", b.peer_file("sqlite", n), n], watched=False)

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(organisations, sorted(b.sizes, reverse=True)), both.submit(rows)]:
            done.result()


def kernel(b):
    """The workload's own score over the real store (open, score, rank, commit), and by turns tuned SQL on what the part duckdb
    filled: what else the machine does meets both."""
    for n in b.sizes:
        def ready():
            run([b.make, "ready", b.org(n)], watched=False)

        def once():
            result = said(run([b.make, "score", b.org(n), b.options.processes]))
            b.answer("retaind's kernel", n, result)
            return result

        def warm():
            ready()
            return once()

        def cold():
            ready()
            cool(files_of(b.database(n)))
            return once()

        def cold_peer():
            cool([b.peer_file("duckdb", n)])
            return duck_scores(b, n, "tuned")
        has_peer = b.peer_file("duckdb", n).exists()
        warm()
        b.in_turns(n, {"kernel": warm, **({"duckdb tuned": lambda: duck_scores(b, n, "tuned")} if has_peer else {})})
        if not b.options.warm_only:
            b.in_turns(n, {"kernel cold": cold, **({"duckdb cold": cold_peer} if has_peer else {})})


def duck_scores(b, n, kind):
    result = said(run([b.peer, "duckdb", "score", b.peer_file("duckdb", n), workload_sql.sql("duckdb", kind)], watched=False))
    b.answer(f"DuckDB ({kind})", n, result)
    return result


def duckdb(b):
    """DuckDB: filled by its appender, by account; straightforward SQL. The tuned SQL is the part kernel's rival."""
    if run([b.peer, "duckdb", "run", ":memory:", "SELECT 1"], watched=False, may_fail=True)["code"]:
        b.note("DuckDB is left out: its package can't be had (npm and its registry, once)")
        return
    b.versions["DuckDB"] = duck_says(b, ":memory:", "SELECT version()").lstrip("v")
    for n in b.sizes:
        at, filled = b.peer_file("duckdb", n), b.folder / f"duckdb-{n}.json"
        if filled.exists():
            b.note(f"DuckDB was filled with {n:,} accounts by an earlier run (--keep), whose figures `duckdb backfill` has")
        else:
            loaded = run([b.peer, "duckdb", "load", at, n])
            lines = [json.loads(line) for line in loaded["out"].splitlines() if line.startswith("{")]
            usage = next(line for line in lines if line["what"] == "duckdb usage")
            run([b.peer, "duckdb", "run", at, "CREATE TABLE keys AS SELECT account, 'a' || lpad(account::VARCHAR, 7, '0') AS key "
                 "FROM accounts; CHECKPOINT"], watched=False)
            filled.write_text(json.dumps({**said(loaded), **usage}))
        b.keep("duckdb backfill", n, [json.loads(filled.read_text())])

        if n == b.sizes[-1] or n == ROWS_MOST:
            b.rounds_of("duckdb plain", n, lambda: duck_scores(b, n, "plain"))


def sqlite(b):
    """SQLite: rows by (account, metric, day), one statement."""
    for n in (n for n in b.sizes if n <= ROWS_MOST):
        def once():
            result = said(run([b.peer, "sqlite", "score", b.peer_file("sqlite", n), workload_sql.sql("sqlite")], watched=False))
            b.answer("SQLite", n, result)
            return result
        b.rounds_of("sqlite", n, once)
        b.results.append({"name": "sqlite file", "accounts": n, "bytes": b.peer_file("sqlite", n).stat().st_size})


def postgresql(b):
    """PostgreSQL: rows, unpacked under build/ and run as an ordinary user."""
    n = max((n for n in b.sizes if n <= ROWS_MOST), default=None)
    if n is None:
        return
    try:
        with postgres.Server(b.folder / "postgres") as server:
            b.versions["PostgreSQL"] = server.version()
            server.fill(b.peer, n)

            def once():
                result = server.score(workload_sql.sql("postgres"))
                b.answer("PostgreSQL", n, result)
                return result
            b.rounds_of("postgresql", n, once, 3)
    except postgres.Missing as why:
        b.note(f"PostgreSQL is left out: {why}")


def mornings(b):
    """The product's own days: the first score, then for some days the day's CSV and the day's scores; a correction."""
    for n in b.sizes:
        (b.org(n) / "made").unlink(missing_ok=True)  # it is not as it was made any more
        if b.peer_file("duckdb", n).exists():
            run([b.peer, "duckdb", "run", b.peer_file("duckdb", n), f"DELETE FROM usage WHERE day > {LAST_DAY}; CHECKPOINT"], watched=False)
        b.keep("first score", n, [b.retaind(n, "score", "--as-of", day(LAST_DAY), "-q")])
        again = [b.retaind(n, "score", "--as-of", day(LAST_DAY), "-q") for _ in range(2)]
        b.keep("score again", n, again)
        pulls, scores, theirs = [], [], []
        for i in range(1, MORNINGS + 1):
            now = f"{day(LAST_DAY + i + 1)}T04:00:00Z"
            csv = b.org(n) / f"inbox/usage-{day(LAST_DAY + i)}.csv"
            run([b.make, "day", LAST_DAY + i, csv, n], watched=False)
            pulls.append(b.retaind(n, "pull", "--now", now, "-q"))
            scores.append(b.retaind(n, "score", "--as-of", day(LAST_DAY + i), "-q"))
            if b.peer_file("duckdb", n).exists():
                theirs.append(duck_day(b, n, csv))
        check_days(b, n, bool(theirs))
        b.keep("pull", n, pulls)
        b.keep("score", n, scores)
        if theirs:
            b.keep("duckdb day", n, theirs)
        else:
            b.note(f"a day's CSV of {n:,} accounts is held against nothing: the part duckdb makes what it needs")
        fix = b.org(n) / "inbox/usage-correction.csv"
        run([b.make, "fix", LAST_DAY - 30, fix], watched=False)
        before = blocks_of(b.database(n))
        b.keep("correction", n, [b.retaind(n, "pull", "--now", now, "-q")])
        b.medians["correction", n]["blocks"] = len({block for block, _ in before ^ blocks_of(b.database(n))})
        b.results.append({"name": "database", "accounts": n, "bytes": b.database(n).stat().st_size})


def blocks_of(database):
    """What tells whether a block of usage was written anew."""
    with sqlite3.connect(database) as db:
        blocks = set(db.execute("SELECT id, sum FROM usage_block"))
    db.close()
    return blocks


def duck_day(b, n, csv, table="usage"):
    return run([b.peer, "duckdb", "run", b.peer_file("duckdb", n),
                f"INSERT INTO {table} SELECT k.account, CASE c.metric WHEN 'logins' THEN 0 WHEN 'reports' THEN 1 ELSE 2 END, "
                f"(c.day - DATE '{DAY_0}')::INTEGER, c.value FROM read_csv('{csv}', header = true, columns = {{'account': 'VARCHAR', "
                "'metric': 'VARCHAR', 'day': 'DATE', 'value': 'INTEGER'}) c JOIN keys k ON k.key = c.account; CHECKPOINT"],
               watched=False)


def same_values(b, n, database, last, table="usage"):
    """What a database has of the days up to the last is what the table of DuckDB has of them."""
    ours = said(run([b.make, "sum", database, 0, last], watched=False))
    theirs = duck_says(b, b.peer_file("duckdb", n), f"SELECT count(*), sum(value)::BIGINT FROM {table} WHERE day <= {last}")
    if theirs != f"{ours['n']},{ours['sum']}":
        raise Failed(f"there are {ours['n']} values of {ours['sum']} in {database}, {theirs} in {table} of DuckDB")


def check_days(b, n, has_peer):
    """What `score` had to go by is what DuckDB holds, the new days included, and each account has its score."""
    if has_peer:
        same_values(b, n, b.database(n), LAST_DAY + MORNINGS)
    with sqlite3.connect(b.database(n)) as db:
        days = db.execute("SELECT day, sum(n) FROM (SELECT id >> 32 AS day, n FROM score_block WHERE id >> 31 & 1 = 0 "
                          "UNION ALL SELECT day, 1 FROM score_row) GROUP BY day ORDER BY day DESC LIMIT ?", [MORNINGS + 1]).fetchall()
    db.close()
    if [count for _, count in days] != [n] * (MORNINGS + 1):
        raise Failed(f"not every account was scored on each day: {days}")


def backfill(b):
    """All the usage at once, made in memory, by our writer in bulk; DuckDB's appender had the same points."""
    for n in b.sizes:
        at = b.folder / "backfill/usage.db"
        result = said(run([b.make, "backfill", at, n]))
        has_peer = b.peer_file("duckdb", n).exists()
        if has_peer:
            same_values(b, n, at, LAST_DAY)
        b.keep("backfill", n, [result])
        walked = said(run([b.peer, "walk", "usage", n], watched=False))
        with sqlite3.connect(at) as db:
            pages = db.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'usage_%' AND name <> 'usage_detail'").fetchone()[0]
        db.close()
        b.results.append({"name": "usage file", "accounts": n, "bytes": pages, "points": result["points"]})
        b.medians["walk", n] = {"cpu": walked["cpu"]}
        if has_peer:
            b.results.append({"name": "duckdb file", "accounts": n, "bytes": duck_bytes(b, n, "usage")})
            if n <= ROWS_MOST:
                by_day(b, n)
        shutil.rmtree(at.parent)


def by_day(b, n):
    """The same rows in the order in which days come: smaller in DuckDB, and slower to score by account."""
    run([b.peer, "duckdb", "run", b.peer_file("duckdb", n), "CREATE OR REPLACE TABLE by_day AS SELECT * FROM usage "
         "ORDER BY day, metric, account; CHECKPOINT"], watched=False)
    b.results.append({"name": "duckdb file, rows by day", "accounts": n, "bytes": duck_bytes(b, n, "by_day")})
    run([b.peer, "duckdb", "run", b.peer_file("duckdb", n), "DROP TABLE by_day; CHECKPOINT"], watched=False)


def duck_says(b, file, sql):
    """The only row of an answer of DuckDB, commas between its columns."""
    to = b.folder / "said.csv"
    run([b.peer, "duckdb", "run", file, f"COPY ({sql}) TO '{to}' (HEADER false)"], watched=False)
    return to.read_text().strip()


def duck_bytes(b, n, table):
    """What one table alone takes of DuckDB's file: the blocks that its columns lie in."""
    return int(duck_says(b, b.peer_file("duckdb", n), "SELECT count(DISTINCT block_id) * 262144 FROM "
                                                      f"pragma_storage_info('{table}') WHERE block_id >= 0"))


def csv_backfill(b):
    """Forty days of 100,000 accounts in one CSV file, by the command and by DuckDB."""
    n = max((n for n in b.sizes if n <= ROWS_MOST), default=None)
    if n is None or not b.peer_file("duckdb", n).exists():
        b.note("a long CSV file is left out: it takes at most 100,000 accounts, and DuckDB's tables of them (the part duckdb)")
        return
    org = b.folder / "org-csv"
    run([b.make, "make", org, n], cwd=ROOT, watched=False)
    with sqlite3.connect(org / "state/orgs/w/retaind.db") as db:
        db.execute("DELETE FROM usage_block")
        db.execute("DELETE FROM usage_exception")
    db.close()
    csv = org / "inbox/usage-history.csv"
    run([b.make, "days", 40, csv, n], watched=False)
    ours = run([b.program, "--config", org / "config", "pull", "--now", f"{day(LAST_DAY + 1)}T04:00:00Z", "-q"])
    begin, end = "CREATE OR REPLACE TABLE history AS SELECT * FROM usage LIMIT 0", "DROP TABLE history; CHECKPOINT"
    run([b.peer, "duckdb", "run", b.peer_file("duckdb", n), begin], watched=False)
    theirs = duck_day(b, n, csv, "history")
    same_values(b, n, org / "state/orgs/w/retaind.db", LAST_DAY, "history")
    b.keep("csv backfill", n, [ours])
    b.keep("duckdb csv backfill", n, [theirs])
    run([b.peer, "duckdb", "run", b.peer_file("duckdb", n), end], watched=False)
    shutil.rmtree(org)


def with_owners(org, n_owners):
    """The organisation's configuration once more, with owners who get their digests as files."""
    config = org / "config-digests"
    shutil.rmtree(config, ignore_errors=True)
    shutil.copytree(org / "config", config)
    (org / "digests").mkdir(exist_ok=True)
    lines = [f"channels:\n  archive: {{kind: file, folder: {org}/digests}}\nowners:\n"]
    lines += [f"  - {{email: csm{i:05d}@w.example, name: Owner {i}, role: csm, at: '08:00', channels: [archive]}}\n" for i in range(n_owners)]
    with open(config / "orgs/w.yaml", "a", encoding="utf-8") as file:
        file.writelines(lines)
    return config


def reads(b):
    """What people ask for on the file of the largest organisation."""
    n = b.sizes[-1]
    with sqlite3.connect(b.database(n)) as db:
        last = db.execute("SELECT max(day) FROM (SELECT max(id) >> 32 AS day FROM score_block UNION ALL SELECT max(day) "
                          "FROM score_row)").fetchone()[0] or (DAY_0 - date(1970, 1, 1)).days + LAST_DAY
    db.close()
    as_of = (date(1970, 1, 1) + timedelta(days=last)).isoformat()
    if "mornings" not in b.options.parts:
        b.retaind(n, "score", "--as-of", as_of, "-q", watched=False)
    tomorrow = (date(1970, 1, 1) + timedelta(days=last + 1)).isoformat()
    with sqlite3.connect(b.database(n)) as db:  # of accounts that are listed there is most to say
        keys = [key for key, in db.execute("SELECT source_key FROM account JOIN (SELECT DISTINCT account_id AS id FROM finding ORDER BY "
                                           "expected_minor DESC LIMIT ?) USING (id)", [b.rounds])]
    db.close()
    owners = [f"csm{i * (n // 200 // 7):05d}@w.example" for i in range(b.rounds)]
    b.keep("explain, data changed since the score", n, [b.retaind(n, "explain", keys[0], "--as-of", as_of, watched=False)])
    b.retaind(n, "score", "--as-of", as_of, "-q", watched=False)  # as on each morning: what was pulled is scored
    b.keep("explain", n, [b.retaind(n, "explain", k, "--as-of", as_of, watched=False) for k in keys])
    b.keep("accounts --owner", n, [b.retaind(n, "accounts", "--owner", o, "--as-of", as_of, watched=False) for o in owners])
    config = with_owners(b.org(n), n // 200)
    b.keep("digests", n, [run([b.program, "--config", config, "digest", "--now", f"{tomorrow}T09:00:00Z", "-q"])])
    with sqlite3.connect(b.database(n)) as db:
        made = db.execute("SELECT count(*) FROM digest").fetchone()[0]
    db.close()
    b.note(f"digests of {made:,} of {n // 200:,} owners were made")


READS = [["accounts"], ["accounts", "--owner", "csm00001@w.example"], ["accounts", "--hidden"], ["explain", "a0000777"], ["signals"],
         ["answers"], ["deliveries"], ["nrr"], ["sql", "SELECT count(*) FROM account"],
         ["next", "--owner", "csm00001@w.example"], ["preview", "--owner", "csm00001@w.example"]]


def typical(b):
    """2,000 accounts, five metrics, three years: a whole cycle of each morning, and how soon what is asked for begins to come."""
    n, org = 2000, b.folder / "org-typical"
    run([b.make, "make", org, n], cwd=ROOT, watched=False)
    run([b.make, "lengthen", org, n], watched=False)
    config = with_owners(org, n // 200)
    command = [b.program, "--config", config]
    run([*command, "score", "--as-of", day(LAST_DAY), "-q"])
    cycles = []
    for i in range(1, b.rounds + 1):
        run([b.make, "day", LAST_DAY + i, org / f"inbox/usage-{day(LAST_DAY + i)}.csv", n], watched=False)
        cycles.append(run([*command, "once", "--now", f"{day(LAST_DAY + i)}T23:00:00Z", "-q"]))
    b.keep("once", n, cycles)
    when = ["--now", f"{day(LAST_DAY + b.rounds)}T23:30:00Z"]
    asked = {" ".join(words): [first_output([*command, *words, *when]) for _ in range(b.rounds)] for words in READS}
    for words, runs in asked.items():
        b.keep(f"first output of {words}", n, runs)
    slowest = max(asked, key=lambda words: median(asked[words]))
    b.medians["first output", n] = b.medians[f"first output of {slowest}", n]
    b.note(f"of the commands that read, {slowest} is the slowest to its first output, with {n:,} accounts")
    shutil.rmtree(org)


PARTS = {"duckdb": duckdb, "sqlite": sqlite, "postgresql": postgresql, "kernel": kernel, "backfill": backfill,
         "csv": csv_backfill, "mornings": mornings, "reads": reads,
         "typical": typical}


def fits_million(folder):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return shutil.disk_usage(folder).free > 40e9 and memory > 8e9


def options_of(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=lambda text: sorted(int(n) for n in text.replace(",", " ").split()), default=[])
    parser.add_argument("--parts", type=lambda text: text.replace(",", " ").split(), default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", default=str(ROOT / "build/bench/work"))
    parser.add_argument("--bin", default=str(ROOT / "build/release"))
    parser.add_argument("--to", default=str(ROOT / "build/bench"))
    parser.add_argument("--warm-only", action="store_true", help="no runs with cold caches: they disturb whoever else works here")
    parser.add_argument("--keep", action="store_true", help="leave what was made, and take it again next time")
    options = parser.parse_args(words)
    options.parts = options.parts or list(PARTS)
    if options.parts == ["list"] or not set(options.parts) <= set(PARTS):
        sys.exit("parts: " + " ".join(PARTS))
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    options.left_out = not options.accounts and not fits_million(options.folder)
    options.accounts = options.accounts or [10000, 100000] + ([] if options.left_out else [1000000])
    return options


def main():
    started, b = time.time(), Bench(options_of(sys.argv[1:]))
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers that were started are ended
    try:
        return measured(b, started)
    finally:
        if not b.options.keep:
            shutil.rmtree(b.folder, ignore_errors=True)


def tried(b, name, part):
    try:
        part(b)
    except Exception as why:  # pylint: disable=broad-exception-caught; what the others measured is told all the same
        b.failed.append(f"{name}: {why if isinstance(why, Failed) else repr(why)}")
        b.tell(f"FAILED {b.failed[-1]}")


def measured(b, started):
    """All parts that were asked for, and the report of them."""
    if b.options.left_out:
        b.note("1,000,000 accounts are left out: they take 40 GB of disk and 8 GB of memory (ACCOUNTS= says the sizes)")
    tried(b, "preparing", prepare)
    for name, part in PARTS.items():
        if name in b.options.parts:
            tried(b, name, part)
    b.versions.update({"retaind": run([b.program, "--version"])["out"].split()[-1], "SQLite": sqlite3.sqlite_version,
                       "Python": platform.python_version(), "kernel": platform.release(), "cores": str(os.cpu_count())})
    took = time.time() - started
    judged = report.make(b, took)
    report.tell(b, judged, took)
    return 1 if b.failed or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
