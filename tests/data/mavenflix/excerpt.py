#!/usr/bin/python3
"""Writes the excerpt beside this script from the whole set: excerpt.py FOLDER_OF_THE_SET. Every 40th customer, and every
12th of those with several rows, with all their rows; and those with two rows of one day."""
import csv
import sys
from collections import Counter
from pathlib import Path

with open(Path(sys.argv[1]) / "subscriptions.csv", newline="") as f:
    rows = list(csv.DictReader(f))
n_rows = Counter(r["customer_id"] for r in rows)
n_of_day = Counter((r["customer_id"], r["created_date"]) for r in rows)
customers = set(sorted(n_rows)[::40]) | set(sorted(c for c in n_rows if n_rows[c] > 1)[::12])
customers |= {c for (c, _), n in n_of_day.items() if n > 1}
with open(Path(__file__).parent / "subscriptions.csv", "w", newline="") as f:
    out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
    out.writeheader()
    out.writerows(r for r in rows if r["customer_id"] in customers)
