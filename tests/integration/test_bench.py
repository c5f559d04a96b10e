#!/usr/bin/env python3
"""The bench: its SQL says what the workload's score is, its report judges as it says and can be read."""
import math
import random
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import browser  # noqa: E402
import report  # noqa: E402
import workload_sql  # noqa: E402
from harness import run  # noqa: E402

ACCOUNTS, OWNED, LAST, ALPHA = 60, 30, 399, 2 / 29
TABLES = ("usage (account, metric, day, value)", "accounts (account, owner, l0, l1, l2)", "users (account, last_seen, active28)",
          "tickets (account, day)", "eng (account, day)", "subs (account, renewal)")


def filled(chance):
    """A base of everything that the workload has, and accounts that lack some of it."""
    db = sqlite3.connect(":memory:")
    for table in TABLES:
        db.execute("CREATE TABLE " + table)
    for a in range(1, ACCOUNTS + 1):
        db.execute("INSERT INTO accounts VALUES (?, ?, 50, 60, 70)", (a, (a - 1) // OWNED))
        for m in range(3 if a % 11 else 0):
            days = [d for d in range(LAST + 1) if chance.random() < 0.7 and not (a % 7 == 0 and d > 350)]
            db.executemany("INSERT INTO usage VALUES (?, ?, ?, ?)", [(a, m, d, chance.randrange(80)) for d in days])
        for name, n, values in [("users", 5, lambda: (chance.choice([None, chance.randrange(400)]), chance.randrange(29))),
                                ("tickets", 20, lambda: (chance.randrange(400),)), ("eng", 20, lambda: (chance.randrange(400),)),
                                ("subs", 20, lambda: (chance.randrange(100, 800),))]:
            for _ in range(n if a % 13 else 0):
                row = (a, *values())
                db.execute(f"INSERT INTO {name} VALUES ({','.join('?' * len(row))})", row)
    return db


def of_metric(cells, limit):
    """What one metric adds to churn and to upsell, straight from the definition."""
    total = lambda first, last: sum(v for d, v in cells if first <= d <= last)  # noqa: E731
    weeks = [total(LAST - 6 - 7 * i, LAST - 7 * i) for i in reversed(range(13))]
    mean, slope = sum(weeks) / 13, sum((i - 6) * w for i, w in enumerate(weeks)) / 182
    lacks = most = 0.0
    for w in weeks:
        lacks = max(0.0, lacks + 0.75 * mean - w)
        most = max(most, lacks)
    now, before, usual = total(372, 399), total(344, 371), total(282, 371) * 28 / 90
    recent = (now + 1) / (before + 1)
    smooth = sum(v * ALPHA * (1 - ALPHA) ** (LAST - d) for d, v in cells)
    silent = min(LAST - max((d for d, v in cells if v > 0), default=-1), 60)
    slope /= mean + 1
    return (0.2 * (1 - min(recent, 2)) + 0.15 * (1 - min((now + 1) / (usual + 1), 2)) + 0.05 * (1 - min((now + 1) / (total(8, 35) + 1), 2))
            - 0.3 * slope + 0.1 * most / (mean + 1) + 0.01 * silent + 0.1 * (1 - min((smooth * 28 + 1) / (usual + 1), 2)),
            0.5 * max((v for d, v in cells if d > 392), default=0) / limit + 0.3 * slope + 0.1 * (min(recent, 2) - 1))


def by_hand(db, account):
    """(churn, upsell) of an account."""
    rows = lambda sql: db.execute(sql, (account,)).fetchall()  # noqa: E731
    churn = upsell = 0.0
    for m in range(3):
        cells = rows(f"SELECT day, value FROM usage WHERE account = ? AND metric = {m}")
        if cells:
            more = of_metric(cells, 50 + 10 * m)
            churn, upsell = churn + more[0], upsell + more[1]
    users = rows("SELECT last_seen, active28 FROM users WHERE account = ?")
    seen, active = max((s for s, _ in users if s is not None), default=-1), sum(a for _, a in users) / 140
    tickets = [d for (d,) in rows("SELECT day FROM tickets WHERE account = ?")]
    exchanges = [d for (d,) in rows("SELECT day FROM eng WHERE account = ?")]
    renewal = min((r - LAST for (r,) in rows("SELECT renewal FROM subs WHERE account = ?") if r >= LAST), default=9999)
    months = (sum(d >= 370 for d in tickets) + 1) / (sum(280 <= d < 370 for d in tickets) / 3 + 1)
    lately = sum(d >= 370 for d in exchanges)
    return (churn + 0.01 * min(LAST - seen, 60) - 0.5 * active + 0.1 * months + 0.005 * min(LAST - max(exchanges, default=-1), 90)
            - 0.02 * lately + 0.2 * (renewal < 60), upsell + 0.5 * active - 0.05 * months + 0.02 * lately + 0.0001 * min(renewal, 365))


def test_sql_says_the_score(_):
    """both ways of writing the score in SQL say what its definition says, of each account and of who is ranked"""
    db = filled(random.Random(7))
    wanted = {a: by_hand(db, a) for a in range(1, ACCOUNTS + 1)}
    for features in (workload_sql.features_tuned, workload_sql.features_plain):
        dialect = workload_sql.DIALECTS["sqlite"]
        scores, (_, sums, ranked) = workload_sql.scores(dialect, features(dialect)), workload_sql.sql("sqlite").split("\n--SPLIT\n")
        db.execute("DROP TABLE IF EXISTS score")
        db.execute(scores)
        for account, churn, upsell in db.execute("SELECT account, churn, upsell FROM score"):
            assert math.isclose(churn, wanted[account][0], rel_tol=1e-9, abs_tol=1e-9), (features.__name__, account)
            assert math.isclose(upsell, wanted[account][1], rel_tol=1e-9, abs_tol=1e-9), (features.__name__, account)
        best = [a for o in range(ACCOUNTS // OWNED)
                for a in sorted(range(o * OWNED + 1, (o + 1) * OWNED + 1), key=lambda a: -wanted[a][0])[:workload_sql.TOP]]
        assert [a for _, a, _ in db.execute(ranked)] == best
        assert math.isclose(db.execute(sums).fetchone()[2], sum(c + u for c, u in wanted.values()))


class Figures:
    """A bench that was run, as its report sees it."""

    def __init__(self, to, kernel_s):
        self.options = type("Options", (), {"to": str(to)})()
        self.sizes, self.rounds, self.notes, self.versions = [1000, 10000], 5, ["<b> & so on"], {"DuckDB": "1.5.6", "cores": "2"}
        self.failed = []
        self.medians, self.agreed, self.results = {}, {}, []
        for n in self.sizes:
            for name, seconds in (("kernel", kernel_s), ("score", 0.4), ("pull", 0.05), ("duckdb tuned", 3), ("duckdb plain", 6),
                                  ("duckdb day", 0.1), ("sqlite", 40), ("explain", 0.02)):
                value = {"seconds": seconds * n / 10000, "cpu": seconds * n / 10000, "peak_mib": 50 * seconds, "written_mb": n * 6e-6}
                self.medians[name, n] = value
                self.results.append({"name": name, "accounts": n, "n": 5, **value, "runs": [value]})
            self.results.append({"name": "usage file", "accounts": n, "bytes": n * 1200 * 2})


def test_report_judges(case):
    """a target is met or missed as its bound says; what was not measured is not judged, nor by fewer
    accounts, and what failed is told first; the page can be read by everybody"""
    met = {(j["line"], j["what"]): j for j in report.make(Figures(case.tmp / "met", 0.1), 60)}
    missed = {(j["line"], j["what"]): j for j in report.make(Figures(case.tmp / "missed", 1), 60)}
    tuned = (1, "workload scored, against tuned DuckDB")
    assert met[tuned]["met"] and math.isclose(met[tuned]["value"], 30) and not missed[tuned]["met"] and math.isclose(missed[tuned]["value"], 3)
    assert math.isclose(met[2, "retaind score: growth from a tenth of the accounts"]["value"], 10)
    assert math.isclose(met[3, "a day's CSV: bytes written for each byte of cells"]["value"], 1)
    assert math.isclose(met[4, "usage file, bytes for an account, metric and day"]["value"], 2)
    assert not any(line == 4 and "DuckDB" in what for line, what in met)
    page = Path(case.tmp / "met/report.html")
    assert "<b>" not in page.read_text() and "&lt;b&gt; &amp; so on" in page.read_text()
    part = Figures(case.tmp / "part", 0.1)
    del part.medians["kernel", 10000]
    part.failed.append("kernel: it ranks <otherwise>")
    judged = {(j["line"], j["what"]) for j in report.make(part, 60)}
    text = Path(case.tmp / "part/report.html").read_text()
    assert tuned not in judged, "judged by a smaller size than the run's"
    assert "1 of its parts failed" in text and "Failed: kernel: it ranks &lt;otherwise&gt;" in text
    assert text.count(">not measured<") == len(report.TARGETS) - len(judged)
    result = browser.look(page)
    assert not result["said"], result["said"][:10]


run(globals())
