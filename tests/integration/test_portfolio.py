#!/usr/bin/env python3
"""Watermelons and blind spots: what a manager is told of accounts that no finding is about."""
import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

TODAY = datetime.date(2026, 3, 4)
ORG = """
title: Acme
zone: UTC
currency: EUR
sources:
  files:
    connector: csv
    folder: "@FOLDER@"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - { to: name, from: name }
          - { to: csm_key, from: csm }
          - { to: arr_minor, from: arr }
          - { to: currency, value: EUR }
          - { to: renewal_on, from: renewal }
      exchanges:
        match: exchanges.csv
        entity: interaction
        key: id
        account: { from: account, by: key }
        map:
          - { to: kind, from: kind }
          - { to: direction, from: direction }
          - { to: contact_key, from: who }
          - { to: outcome, from: outcome }
          - { to: at, from: at }
channels:
  here: { kind: file, folder: "@FOLDER@" }
owners:
  - { email: ann@acme.example, name: Ann, role: csm, at: "08:00", channels: [here] }
  - { email: max@acme.example, name: Max, role: manager, at: "08:00", channels: [here] }
"""


def ago(days):
    return (TODAY - datetime.timedelta(days=days)).isoformat()


def make(case):
    case.org(ORG.replace("@FOLDER@", str(case.tmp / "files")))
    accounts = ["id,name,csm,arr,renewal"]
    exchanges = ["id,account,kind,direction,who,outcome,at"]

    def say(account, kind, direction, who, days, outcome=""):
        exchanges.append(f"{len(exchanges)},{account},{kind},{direction},{who},{outcome},{ago(days)}T10:00:00Z")

    for name, arr in (("thread", 30000), ("silent", 50000), ("unseen", 20000), ("orphan", 9000), ("well", 80000)):
        owner = "" if name == "orphan" else "ann@acme.example"
        accounts.append(f"{name},{name.title()},{owner},{arr},{ago(-60) if name == 'silent' else ''}")
        for days in range(2, 300, 9):
            if name == "silent" and days < 45:
                continue
            say(name, "email", "in", "p1", days)
            if name != "thread":
                say(name, "email", "in", "p2", days)
            if name != "unseen" or days > 120:
                say(name, "email", "out", "", days)
    say("silent", "meeting", "", "p1", 12, "NO_SHOW")
    case.write("files/accounts.csv", "\n".join(accounts) + "\n")
    case.write("files/exchanges.csv", "\n".join(exchanges) + "\n")
    case.retaind("pull", "-q", "--now", f"{TODAY}T06:00:00Z")
    case.retaind("score", "-q", "--now", f"{TODAY}T06:00:00Z")


def hidden(case, *more):
    rows = json.loads(case.retaind("accounts", "--hidden", "--format", "json", "--now", f"{TODAY}T06:00:00Z", *more).stdout)
    return {(row["kind"], row["account"]): row["reason"] for row in rows}


def test_they_are_found_and_told(case):
    """A steady account that hangs on one person is a watermelon, one nobody of ours wrote to a blind spot, and the manager's digest says both."""
    make(case)
    told = hidden(case)
    assert told[("watermelon", "thread")] == "it hangs on one person", told
    assert told[("blind_spot", "unseen")].startswith("nobody of ours wrote, called or met since 2025-"), told
    assert told[("blind_spot", "orphan")] == "nobody owns it", told
    assert not any(account == "well" for _, account in told), told
    bands = dict(case.query("SELECT a.source_key, s.risk_band FROM score_day s JOIN account a ON a.id = s.account_id"))
    silent = told.get(("watermelon", "silent"), "")  # a green one says so; one in a band has its finding or is watched
    assert bands["silent"] > 0 or "its renewal is on 2026-05-03 and the last message or meeting was on 2026-01-16" in silent, told
    digest = " ".join(case.retaind("preview", "--owner", "max@acme.example", "--now", f"{TODAY}T06:00:00Z").stdout.split())
    assert "Green, but look inside" in digest and "Thread (EUR 30k a year, with Ann): it hangs on one person" in digest, digest
    assert "Nobody looked at these (2 accounts)" in digest and "with nobody): nobody owns it" in digest, digest
    body = json.loads(case.retaind("preview", "--owner", "max@acme.example", "--format", "json", "--now", f"{TODAY}T06:00:00Z").stdout)
    assert len(body["data"]["blind_spots"]["lines"]) == 2, body
    digest = case.retaind("preview", "--owner", "ann@acme.example", "--now", f"{TODAY}T06:00:00Z").stdout
    assert "look inside" not in digest and "Nobody looked" not in digest, digest


def test_of_one_owner(case):
    """--owner narrows them to one book, and an earlier day is told as it was known then."""
    make(case)
    assert ("blind_spot", "orphan") not in hidden(case, "--owner", "ann@acme.example")
    assert list(hidden(case, "--owner", "")) == [("blind_spot", "orphan")]
    assert ("blind_spot", "unseen") not in hidden(case, "--as-of", ago(60))


if __name__ == "__main__":
    run(globals())
