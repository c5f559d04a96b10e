#!/usr/bin/python3
"""Writes the excerpt beside this script from the whole set: excerpt.py FOLDER_OF_THE_SET. Every 20th account with all its
rows."""
import csv
import sys
from pathlib import Path

with open(Path(sys.argv[1]) / "subscriptions.csv", newline="") as f:
    rows = list(csv.DictReader(f))
accounts = set(sorted({r["account_id"] for r in rows})[::20])
with open(Path(__file__).parent / "subscriptions.csv", "w", newline="") as f:
    out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
    out.writeheader()
    out.writerows(r for r in rows if r["account_id"] in accounts)
