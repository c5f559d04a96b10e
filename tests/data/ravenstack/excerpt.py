#!/usr/bin/python3
"""Writes the excerpt beside this script from the whole set: excerpt.py FOLDER_OF_THE_SET. Every 25th account with all its
rows."""
import csv
import sys
from pathlib import Path

whole, here = Path(sys.argv[1]), Path(__file__).parent


def rows_of(name):
    with open(whole / f"ravenstack_{name}.csv", newline="") as f:
        return list(csv.DictReader(f))


def write(name, rows):
    with open(here / f"ravenstack_{name}.csv", "w", newline="") as f:
        out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


accounts = rows_of("accounts")[::25]
keys = {r["account_id"] for r in accounts}
subscriptions = [r for r in rows_of("subscriptions") if r["account_id"] in keys]
of_accounts = {r["subscription_id"] for r in subscriptions}
write("accounts", accounts)
write("subscriptions", subscriptions)
write("support_tickets", [r for r in rows_of("support_tickets") if r["account_id"] in keys])
write("feature_usage", [r for r in rows_of("feature_usage") if r["subscription_id"] in of_accounts])
