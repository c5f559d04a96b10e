#!/usr/bin/env python3
"""`retaind nrr` against published figures and against plain SQL over the raw files."""
import csv
import io
import shutil
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import DATA, SHARED, Skip, run  # noqa: E402

FULL = SHARED / "data" / "usage" / "ravenstack"

# The published convention: active on d when start <= d < end, netted per account, windows between firsts of months.
SLOW = """
WITH acct AS (SELECT m.d d, s.a a, sum(s.mrr) mrr FROM months m JOIN subs s ON s.s <= m.d AND (s.e IS NULL OR s.e > m.d)
              GROUP BY 1, 2 HAVING sum(s.mrr) > 0),
 win AS (SELECT d d0, date(d, '+1 month') d1, 1 k FROM months UNION ALL SELECT d, date(d, '+12 months'), 12 FROM months),
 seen AS (SELECT a, min(d) f FROM acct GROUP BY a)
SELECT k, d0, d1, (SELECT count(*) FROM acct WHERE d = d0),
 (SELECT count(*) FROM acct x WHERE d = d0 AND NOT EXISTS (SELECT 1 FROM acct y WHERE y.d = d1 AND y.a = x.a)),
 (SELECT sum(mrr) FROM acct WHERE d = d0) AS started,
 (SELECT coalesce(sum(mrr), 0) FROM acct x WHERE d = d0 AND NOT EXISTS (SELECT 1 FROM acct y WHERE y.d = d1 AND y.a = x.a)),
 (SELECT coalesce(sum(x.mrr - y.mrr), 0) FROM acct x JOIN acct y ON y.a = x.a AND y.d = d1 WHERE x.d = d0 AND y.mrr < x.mrr),
 (SELECT coalesce(sum(y.mrr - x.mrr), 0) FROM acct x JOIN acct y ON y.a = x.a AND y.d = d1 WHERE x.d = d0 AND y.mrr > x.mrr),
 (SELECT coalesce(sum(mrr), 0) FROM acct y JOIN seen ON seen.a = y.a WHERE d = d1 AND f > d0),
 (SELECT coalesce(sum(mrr), 0) FROM acct y JOIN seen ON seen.a = y.a WHERE d = d1 AND f <= d0
   AND NOT EXISTS (SELECT 1 FROM acct x WHERE x.d = d0 AND x.a = y.a)),
 (SELECT coalesce(sum(mrr), 0) FROM acct WHERE d = d1)
FROM win WHERE d1 <= (SELECT max(d) FROM months) AND started > 0 ORDER BY k, d0"""


def slow_rows(path):
    """The amounts of every window, from the raw subscriptions."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE subs (a, s, e, mrr)")
    db.execute("CREATE TABLE months (d)")
    for r in csv.DictReader(path.open()):
        db.execute("INSERT INTO subs VALUES (?, ?, nullif(?, ''), ?)",
                   (r["account_id"], r["start_date"], r["end_date"], int(r["mrr_amount"]) * 100))
    db.execute("""INSERT INTO months WITH RECURSIVE m(d) AS (SELECT date(min(s), 'start of month') FROM subs UNION ALL
                  SELECT date(d, '+1 month') FROM m WHERE d < (SELECT max(max(s), max(coalesce(e, s))) FROM subs))
                  SELECT d FROM m""")
    return [tuple(map(str, r)) for r in db.execute(SLOW)]


def pulled(case, folder):
    text = (DATA / "ravenstack" / "org.yaml").read_text()
    case.org(text.replace("@FOLDER@", str(folder)).replace("@DIGESTS@", str(case.tmp / "digests")), name="raven")
    case.retaind("pull")


def excerpt(case):
    folder = case.tmp / "csv"
    shutil.copytree(DATA / "ravenstack", folder)
    pulled(case, folder)


def test_published_figures(case):
    """NRR of all of RavenStack equals its published figures to the cent, every month, and a second load changes nothing"""
    if not (FULL / "expected_nrr.csv").exists():
        raise Skip("the whole set is not on this machine; the excerpt is compared with plain SQL")
    pulled(case, FULL)
    first = case.retaind("nrr", "--format", "csv").stdout
    assert first == (FULL / "expected_nrr.csv").read_text(), first[:2000]
    case.retaind("pull")
    assert case.retaind("nrr", "--format", "csv", "--by", "month").stdout == first


def test_excerpt_by_sql(case):
    """NRR of the excerpt equals plain SQL over its file, every window, and so does each row's ratio"""
    excerpt(case)
    rows = list(csv.reader(io.StringIO(case.retaind("nrr", "--format", "csv").stdout)))
    expected = slow_rows(DATA / "ravenstack" / "ravenstack_subscriptions.csv")
    assert [tuple(r[:12]) for r in rows[1:]] == expected, rows[:5]
    assert len(expected) > 20
    for r in rows[1:]:
        start, churn, contraction, expansion = (int(r[i]) for i in (5, 6, 7, 8))
        assert r[12] == "%.6f" % ((start - churn - contraction + expansion) / start), r
        assert r[13] == "%.6f" % ((start - churn - contraction) / start), r
        assert r[14] == "%.6f" % (1 - int(r[4]) / int(r[3])), r


def test_groups_add_up(case):
    """Segments, owners and plans each add up to the whole, and a waterfall's steps to its end"""
    excerpt(case)
    as_of = ("--as-of", "2024-12-01")
    amounts = ["start_mrr", "churn_mrr", "contraction_mrr", "expansion_mrr", "new_mrr", "reactivation_mrr", "end_mrr"]
    whole = [r for r in csv.DictReader(io.StringIO(case.retaind("nrr", "--format", "csv", *as_of).stdout))
             if r["window_months"] == "12" and r["to_date"] == "2024-12-01"]
    assert len(whole) == 1
    assert (sum(int(whole[0][a]) for a in ("start_mrr", "new_mrr", "expansion_mrr", "reactivation_mrr")) -
            int(whole[0]["contraction_mrr"]) - int(whole[0]["churn_mrr"])) == int(whole[0]["end_mrr"])
    for by in ("segment", "owner", "plan"):
        import json
        rows = json.loads(case.retaind("nrr", "--by", by, "--format", "json", *as_of).stdout)["windows"]
        assert len(rows) >= (1 if by == "owner" else 3), rows
        for a in amounts:
            assert sum(r[a] for r in rows) == int(whole[0][a]), (by, a)


def test_no_history(case):
    """Before there is any revenue the answer is a reason, not a number; the waterfall of a later day is drawn"""
    excerpt(case)
    out = case.retaind("nrr", "--as-of", "2023-06-01").stdout
    assert "insufficient history: revenue is known from 2023-" in out and "nan" not in out.lower(), out
    out = case.retaind("nrr", "--as-of", "2024-12-31").stdout
    assert "net retention (NRR)" in out and "expansion" in out and "USD" in out, out


run(globals())
