#!/usr/bin/env python3
"""`retaind nrr` on public sets of recurring revenue: every window's published figures, as bytes; their excerpts by SQL."""
import csv
import io
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import DATA, SHARED, Skip, run  # noqa: E402
from test_nrr import SLOW  # noqa: E402

# Name of the mapping, folder of the whole set, last day that it covers.
ESLINT = ("eslint", "eslint_sponsors", "2026-08-17")
MAVENFLIX = ("mavenflix", "mavenflix", "2023-09-08")


def pulled(case, name, folder):
    text = (DATA / name / "org.yaml").read_text()
    case.org(text.replace("@FOLDER@", str(folder)).replace("@DIGESTS@", str(case.tmp / "digests")))
    return case.retaind("pull").stdout


def figures(case, day):
    return case.retaind("nrr", "--format", "csv", "--as-of", day).stdout


def published(case, name, folder, day):
    whole = SHARED / "data" / "usage" / folder
    if not (whole / "expected_nrr.csv").exists():
        raise Skip("the whole set is not on this machine; the excerpt is compared with plain SQL")
    pulled(case, name, whole)
    first = figures(case, day)
    expected = (whole / "expected_nrr.csv").read_text()
    assert first == expected, [p for p in zip(first.splitlines(), expected.splitlines()) if p[0] != p[1]][:3]
    assert len(expected.splitlines()) > 10
    case.retaind("pull", "--full")
    assert figures(case, day) == first


def by_sql(subs, last):
    """The windows' amounts from (account, start, end or None, cents), the months those after the first start."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE subs (a, s, e, mrr)")
    db.executemany("INSERT INTO subs VALUES (?, ?, ?, ?)", subs)
    db.execute("""CREATE TABLE months AS WITH RECURSIVE m(d) AS (
                  SELECT date(min(s), 'start of month', '+1 month') FROM subs UNION ALL
                  SELECT date(d, '+1 month') FROM m WHERE date(d, '+1 month') <= ? AND
                  d < (SELECT max(max(s), max(coalesce(e, s))) FROM subs)) SELECT d FROM m""", (last,))
    return [tuple(map(str, r)) for r in db.execute(SLOW)]


def compared(case, name, day, sub):
    said = pulled(case, name, DATA / name)
    rows = list(csv.DictReader((DATA / name / "subscriptions.csv").open()))
    for line in said.splitlines()[1:]:
        assert line.split()[-2:] == ["0", "ok"], said
    subs = [s for s in map(sub, rows) if s]
    got = list(csv.reader(io.StringIO(figures(case, day))))
    expected = by_sql(subs, day)
    assert [tuple(r[:12]) for r in got[1:]] == expected, (got[1:4], expected[:3])
    assert len(expected) > 9 and any(int(r[4]) for r in expected), expected[:3]
    for r in got[1:]:
        start, churn, contraction, expansion = (int(r[i]) for i in (5, 6, 7, 8))
        assert r[12] == "%.6f" % ((start - churn - contraction + expansion) / start), r
        assert r[13] == "%.6f" % ((start - churn - contraction) / start), r


def test_eslint(case):
    """NRR and GRR of ESLint's sponsors, seven years of real amounts: all 165 published windows as bytes, twice pulled"""
    published(case, *ESLINT)


def test_mavenflix(case):
    """NRR and GRR of MavenFlix, one price and many returns: all 11 published windows as bytes, twice pulled"""
    published(case, *MAVENFLIX)


def test_eslint_by_sql(case):
    """Every window of the sponsors' excerpt equals plain SQL over its file"""
    compared(case, "eslint", ESLINT[2], lambda r: (r["account_id"], r["start_date"], r["end_date"] or None,
                                                   int(r["mrr_cents"])))


def test_mavenflix_by_sql(case):
    """Every window of MavenFlix's excerpt equals plain SQL over its file; what was not paid for is left out"""
    compared(case, "mavenflix", MAVENFLIX[2], lambda r: (r["customer_id"], r["created_date"], r["canceled_date"] or None,
                                                         3900) if r["was_subscription_paid"] == "Yes" else None)


run(globals())
