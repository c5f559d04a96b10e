#!/usr/bin/env python3
"""`retaind nrr --movements`, and windows that add movements up, against the changes that the raw files tell."""
import csv
import io
import json
import shutil
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import DATA, SHARED, Skip, run  # noqa: E402

FULL = SHARED / "data" / "usage"
LAST = "2025-01-01"


def pulled(case, name, folder, nrr=""):
    text = (DATA / name / "org.yaml").read_text() + nrr
    case.org(text.replace("@FOLDER@", str(folder)).replace("@DIGESTS@", str(case.tmp / "digests")))
    case.retaind("pull")


def excerpt(case, nrr=""):
    folder = case.tmp / "csv"
    shutil.copytree(DATA / "ravenstack", folder)
    pulled(case, "ravenstack", folder, nrr)


def changed():
    """What an account of the excerpt pays more or less than the day before, in cents, by account and day."""
    changes = Counter()
    for r in csv.DictReader((DATA / "ravenstack" / "ravenstack_subscriptions.csv").open()):
        cents = 0 if r["is_trial"] == "TRUE" else 100 * int(r["mrr_amount"])
        changes[r["account_id"], r["start_date"]] += cents
        if r["end_date"]:
            changes[r["account_id"], r["end_date"]] -= cents
    return changes


def movements(case, first):
    months = (date.fromisoformat(LAST).year - int(first[:4])) * 12 + 1 - int(first[5:7])
    return json.loads(case.retaind("nrr", "--movements", "--window", str(months), "--as-of", LAST, "--to", LAST,
                                   "--format", "json").stdout)


def rows(case, day):
    return list(csv.reader(io.StringIO(case.retaind("nrr", "--format", "csv", "--as-of", day).stdout)))


def kind(is_known, before, after):
    if not before:
        return "reactivation" if is_known else "new"
    return "upsell" if after > before else "contraction" if after else "churn"


def test_days(case):
    """Every movement of the excerpt is a change that its file tells, of the right kind, and none is missing"""
    excerpt(case, "\nnrr: {new_and_churned: both}\n")
    first = (date.fromisoformat(min(day for _, day in changed())) - timedelta(days=1)).replace(day=1).isoformat()
    expected, paid, known = [], Counter(), set()
    for (account, day), cents in sorted(changed().items()):
        before, after = paid[account], paid[account] + cents
        paid[account] = after
        if cents and day <= LAST:
            expected.append((account, day, kind(account in known, before, after), cents, before, after))
            known.add(account)
    report = movements(case, first)
    got = [(m["account_key"], m["date"], m["movement"], m["change_mrr"], m["before_mrr"], m["after_mrr"])
           for m in report["movements"]]
    assert sorted(got) == sorted(expected), (sorted(set(got) ^ set(expected))[:4], len(got), len(expected))
    kinds = Counter(m[2] for m in got)
    assert len(got) > 150 and min(kinds[k] for k in ("new", "upsell", "contraction")) > 10, kinds


def same_nrr(case, name, folder, day):
    """The rows by movements beside those point to point; the waterfall of each ends where it should."""
    pulled(case, name, folder)
    points = rows(case, day)
    case.org((DATA / name / "org.yaml").read_text().replace("@FOLDER@", str(folder))
             .replace("@DIGESTS@", str(case.tmp / "digests")) + "\nnrr: {method: movement_sum}\n")
    moves = rows(case, day)
    assert [r[:6] for r in points] == [r[:6] for r in moves] and len(moves) > 10, moves[:2]
    for p, m in zip(points[1:], moves[1:]):
        start, churn, contraction, expansion, new, back, end = (int(m[i]) for i in (5, 6, 7, 8, 9, 10, 11))
        assert start + expansion + new + back - churn - contraction == end == int(p[11]), m
        assert m[12] == p[12] and float(m[13]) <= float(p[13]), (p, m)
    return points, moves


def test_methods(case):
    """By movements every window of ESLint's excerpt has the same NRR, and a GRR that is no higher, now and then lower"""
    points, moves = same_nrr(case, "eslint", DATA / "eslint", "2026-08-17")
    lower = sum(p[13] != m[13] for p, m in zip(points, moves))
    assert 5 < lower < len(moves), (lower, len(moves))


def test_methods_of_whole_sets(case):
    """So has every window of all of RavenStack: the published NRR, from movements alone"""
    if not (FULL / "ravenstack" / "expected_nrr.csv").exists():
        raise Skip("the whole set is not on this machine; the excerpt is compared")
    _, moves = same_nrr(case, "ravenstack", FULL / "ravenstack", LAST)
    with (FULL / "ravenstack" / "expected_nrr.csv").open() as file:
        expected = {tuple(r[:3]): r[12] for r in csv.reader(file)}
    assert {tuple(r[:3]): r[12] for r in moves if tuple(r[:3]) in expected} == \
        {k: v for k, v in expected.items() if k in {tuple(r[:3]) for r in moves}} and len(expected) > 20


if __name__ == "__main__":
    run(globals())
