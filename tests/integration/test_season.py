#!/usr/bin/env python3
"""What everybody shares is no signal: a holiday of the whole base, seen through the real binary, beside the same dip in one account."""
import datetime
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

ORG = """
title: Acme
zone: UTC
currency: EUR
sources:
  files:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - { to: name, from: id }
          - { to: created_on, value: "2024-01-01" }
      contracts:
        match: accounts.csv
        entity: subscription
        key: id
        account: { from: id, by: key }
        map:
          - { to: mrr_minor, value: "100000" }
          - { to: currency, value: EUR }
          - { to: start_on, value: "2024-01-01" }
      usage:
        match: usage.csv
        entity: usage
        account: { from: id, by: key }
        map:
          - { to: metric, value: actions }
          - { to: day, from: day }
          - { to: value, from: n }
"""
FIRST, DIP, END = datetime.date(2025, 1, 1), datetime.date(2025, 12, 20), datetime.date(2026, 1, 20)
DIP_DAYS, N_ACCOUNTS = 10, 40


def is_at_work(rng, shape, date):
    """Offices on working days, shops every day, teams that look in on two or three days a week."""
    return {"office": date.weekday() < 5, "shop": True, "weekly": date.weekday() in (0, 3) or rng.random() < 0.1}[shape]


def write_usage(folder, who, takes_days):
    """A year and more of use; those who dip do 60 % less for ten days: on fewer days (takes_days) or less on each."""
    rng = random.Random(7)
    lines = []
    for i in range(N_ACCOUNTS):
        name, shape = f"a{i:02}", ("office", "shop", "office", "weekly")[i % 4]
        size = 20 * 3 ** (i % 5)
        for n in range((END - FIRST).days + 1):
            date = FIRST + datetime.timedelta(n)
            value, luck = round(size * rng.uniform(0.7, 1.3)), rng.random()
            if not is_at_work(rng, shape, date):
                continue
            if name in who and 0 <= (date - DIP).days < DIP_DAYS:
                if takes_days and luck < 0.6:
                    continue
                value = value if takes_days else round(value * 0.4)
            lines.append(f"{name},{date},{value}\n")
    (folder / "usage.csv").write_text("id,day,n\n" + "".join(lines))


def findings_of(case, who, takes_days=False):
    """The accounts with a finding on any day of the dip and the three weeks behind it."""
    name = f"org{len(list(case.tmp.glob('files*')))}"
    folder = case.tmp / f"files-{name}"
    folder.mkdir()
    (folder / "accounts.csv").write_text("id\n" + "".join(f"a{i:02}\n" for i in range(N_ACCOUNTS)))
    write_usage(folder, who, takes_days)
    case.org(ORG % folder, name=name)
    case.retaind("pull", "--org", name, "-q")
    case.retaind("score", "--org", name, "--from", str(DIP), "--to", str(END), "-q")
    return case.query("SELECT a.name, f.engine, f.cause, date(f.opened_on * 86400, 'unixepoch') FROM finding f "
                      "JOIN account a ON a.id = f.account_id ORDER BY 1, 2", name=name)


EVERYBODY = [f"a{i:02}" for i in range(N_ACCOUNTS)]


def test_a_holiday_of_everybody_raises_no_finding(case):
    """For ten days the whole base does 60 % less: no finding, neither on those days nor on any of the three weeks behind them."""
    found = findings_of(case, EVERYBODY)
    assert found == [], found


def test_a_holiday_on_which_most_stay_away_raises_none_either(case):
    """For ten days six in ten of everybody's working days fall out: no finding."""
    found = findings_of(case, EVERYBODY, takes_days=True)
    assert found == [], found


def test_the_same_dip_in_one_account_is_found(case):
    """The same ten days in one account alone: a finding about it, and about nobody else, by the end of the ten days."""
    for one, takes_days in (("a00", False), ("a01", True), ("a04", False), ("a05", True)):
        found = findings_of(case, [one], takes_days)
        assert [row[:2] for row in found] == [(one, "defense")], (one, found)
        assert found[0][2] == "sudden_drop" and found[0][3] <= str(DIP + datetime.timedelta(DIP_DAYS)), found
    assert findings_of(case, []) == []


if __name__ == "__main__":
    run(globals())
