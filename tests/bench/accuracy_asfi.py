#!/usr/bin/env python3
"""How well risk ranks on real ends: loads the ASFI incubator set through the csv source, scores every as-of day of a frozen
panel's test part, and prints AUC and lift beside the panel's stored models. Evaluation only; the data is not part of the
project. usage: accuracy_asfi.py DATA_FOLDER [MOST_DAYS]   (DATA_FOLDER holds asfi_incubator/ and panels/)"""
import collections
import csv
import gzip
import shutil
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import Case  # noqa: E402

ORG = """
title: ASFI
zone: UTC
currency: EUR
sources:
  asfi:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: account_id
        map:
          - { to: name, from: account_id }
          - { to: created_on, from: start_date }
      contracts:
        match: accounts.csv
        entity: subscription
        key: account_id
        account: { from: account_id, by: key }
        map:
          - { to: mrr_minor, value: "1000" }
          - { to: currency, value: EUR }
          - { to: start_on, from: start_date }
          - { to: end_on, from: end_date }
      commits:
        match: usage_daily.csv
        entity: usage
        account: { from: account_id, by: key }
        aggregate: sum
        map:
          - { to: metric, value: commits }
          - { to: day, from: day }
          - { to: value, from: commits }
          - { to: contact_key, from: user_id }
      exchanges:
        match: exchanges_daily.csv
        entity: interaction
        key: account_id+day+user_id
        account: { from: account_id, by: key }
        map:
          - { to: kind, value: email }
          - { to: direction, value: in }
          - { to: contact_key, from: user_id }
          - { to: at, from: day, format: "%%Y-%%m-%%d" }
"""


def auc(y, scores):
    order, ranks, i = sorted(zip(scores, y)), 0, 0
    while i < len(order):
        j = i
        while j < len(order) and order[j][0] == order[i][0]:
            j += 1
        ranks += (i + j + 1) / 2 * sum(label for _, label in order[i:j])
        i = j
    n = sum(y)
    return (ranks - n * (n + 1) / 2) / (n * (len(y) - n))


def lift(rows, scores):
    """Of the top tenth within each quarter."""
    queues, hits, taken = collections.defaultdict(list), 0, 0
    for row, score in zip(rows, scores):
        queues[row["q"]].append((score, int(row["y"])))
    for queue in queues.values():
        queue.sort(key=lambda item: -item[0])
        n = max(1, round(len(queue) / 10))
        hits, taken = hits + sum(label for _, label in queue[:n]), taken + n
    return hits / taken / (sum(int(row["y"]) for row in rows) / len(rows))


def main(folder, most_days):
    case = Case("asfi")
    exports = case.tmp / "exports"
    exports.mkdir()
    canonical = folder / "asfi_incubator" / "canonical"
    shutil.copy(canonical / "accounts.csv", exports)
    for name in ("usage_daily.csv", "exchanges_daily.csv"):
        with gzip.open(canonical / f"{name}.gz") as packed, open(exports / name, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    case.org(ORG % exports, name="asfi")
    print(case.retaind("pull").stdout)
    panels = {}
    for horizon in (180, 90):
        with gzip.open(folder / "panels" / f"ASFI_retire_H_{horizon}_projects_unseen.csv.gz", "rt") as panel:
            panels[horizon] = [row for row in csv.DictReader(panel) if row["split"] == "test"]
    days = sorted({row["date"] for rows in panels.values() for row in rows})[:most_days]
    for day in days:
        case.retaind("score", "--as-of", day, "-q")
    with sqlite3.connect(case.database("asfi")) as db:
        risk = {(key, day): score for key, day, score in db.execute(
            "SELECT a.source_key, date(s.day * 86400, 'unixepoch'), s.risk FROM score_day s JOIN account a ON a.id = s.account_id")}
    for horizon, rows in panels.items():
        rows = [row for row in rows if row["date"] in set(days)]
        scores = [risk.get((row["acct"], row["date"])) for row in rows]
        missing = sum(score is None for score in scores)
        scores = [-1 if score is None else score for score in scores]
        y = [int(row["y"]) for row in rows]
        print(f"H={horizon}: {len(y)} rows, {sum(y)} ends, {missing} missing: retaind AUC {auc(y, scores):.3f} lift {lift(rows, scores):.1f}; "
              + ", ".join(f"{m} {auc(y, [float(row[m]) for row in rows]):.3f}" for m in ("p_logit", "p_woe", "p_gb")))
    case.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10000)
