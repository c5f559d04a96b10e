#!/usr/bin/env python3
"""Signals of relationship, support, revenue and payment, from CSV files to the words of explain."""
import csv
import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

TODAY = datetime.date(2026, 3, 4)
BEFORE = TODAY - datetime.timedelta(days=55)  # of the first pull; what changed since is dated by the second one
ENTITIES = {
    "account": "name csm_key renewal_on currency", "contact": "name email role account", "interaction":
    "kind direction contact_key outcome at account", "ticket": "subject category opened_at closed_at first_reply_at priority account",
    "invoice": "amount_minor issued_on due_on paid_on disputed_on account", "subscription":
    "mrr_minor start_on renewal_on is_auto_renew account"}
HEAD = """
title: Acme
zone: UTC
currency: EUR
channels: { here: { kind: file, folder: "@FOLDER@" } }
owners: [ { email: ann@acme.example, name: Ann, role: csm, at: "08:00", channels: [here] } ]
sources:
  files:
    connector: csv
    folder: "@FOLDER@"
    files:
"""


def org(folder):
    text = HEAD
    for entity, columns in ENTITIES.items():
        names = columns.split()
        text += f"      {entity}:\n        match: {entity}.csv\n        entity: {entity}\n        key: id\n"
        if "account" in names:
            text += "        account: { from: account, by: key }\n"
        text += "        map:\n"
        for name in names:
            if name != "account":
                text += f"          - {{ to: {name}, from: {name} }}\n"
        if entity in ("invoice", "subscription"):
            text += "          - { to: currency, value: EUR }\n"
    return text.replace("@FOLDER@", str(folder))


def day(ago):
    return (TODAY - datetime.timedelta(days=ago)).isoformat()


class Files:
    """Rows by entity; written as they stood on a day."""

    def __init__(self, case):
        self.case, self.rows = case, {entity: [] for entity in ENTITIES}

    def add(self, entity, **values):
        self.rows[entity].append({"id": values.pop("id", f"{entity}{len(self.rows[entity])}"), **values})

    def pull(self, on):
        for entity, rows in self.rows.items():
            path = self.case.write(f"files/{entity}.csv", "")
            with open(path, "w", newline="") as out:
                writer = csv.DictWriter(out, ["id", *ENTITIES[entity].split()], restval="")
                writer.writeheader()
                writer.writerows(rows)
        self.case.retaind("pull", "-q", "--now", f"{on}T06:00:00Z")


def say(files, account, kind, direction, who, ago, outcome=""):
    files.add("interaction", account=account, kind=kind, direction=direction, contact_key=who, outcome=outcome,
              at=f"{day(ago)}T10:00:00Z")


def make_exchanges(files, account, silent_from, boss_from):
    """A message of ours each week that a user answers the next day; the boss writes every second week."""
    for ago in range(300, 0, -7):
        say(files, account, "email", "out", "", ago)
        if ago - 1 >= silent_from:
            say(files, account, "email", "in", f"user@{account}.example", ago - 1)
        if ago % 14 == 6 and ago >= boss_from:
            say(files, account, "email", "in", f"boss@{account}.example", ago)


def make(case):
    case.org(org(case.tmp / "files"))
    files = Files(case)
    for name in ("drift", "support", "money", "well"):
        files.add("account", id=name, name=name.title(), csm_key="ann@acme.example", currency="EUR", renewal_on=day(-60))
        files.add("subscription", id=f"s-{name}", account=name, mrr_minor="1000", start_on=day(900), renewal_on=day(-60), is_auto_renew="yes")
        files.add("contact", id=f"b-{name}", account=name, name="Bea Boss", email=f"boss@{name}.example", role="decision_maker")
        for ago in range(400, 30, -30):
            files.add("invoice", account=name, amount_minor="1000", issued_on=day(ago + 30), due_on=day(ago), paid_on=day(ago - 2))
        for ago in range(360, 90, -60):
            files.add("ticket", account=name, subject=f"Question {ago}", opened_at=f"{day(ago)}T09:00:00Z",
                      closed_at=f"{day(ago - 1)}T09:00:00Z", first_reply_at=f"{day(ago)}T11:00:00Z", priority="low")
        make_exchanges(files, name, 45 if name == "drift" else 0, 120 if name == "drift" else 0)
    say(files, "drift", "meeting", "", "", 20, "CANCELED")
    say(files, "drift", "meeting", "", "", 6, "NO_SHOW")
    for name in ("drift", "well"):
        files.add("interaction", id=f"plan-{name}", account=name, kind="meeting", at=f"{day(-5)}T10:00:00Z")
    files.add("ticket", id="back", account="support", subject="Import of contacts", opened_at=f"{day(70)}T09:00:00Z",
              closed_at=f"{day(69)}T09:00:00Z", first_reply_at=f"{day(70)}T11:00:00Z", priority="low")
    files.pull(BEFORE)
    change(files)
    files.pull(TODAY)


def change(files):
    """What happened between the pulls."""
    for row in files.rows["ticket"]:
        if row["id"] == "back":
            row.update(closed_at="")
    for ago in (50, 30, 12):
        files.add("ticket", account="support", subject="Export to Excel fails", opened_at=f"{day(ago)}T09:00:00Z", priority="high")
    for row in files.rows["interaction"]:
        if row["id"] == "plan-drift":
            row.update(at=f"{day(-20)}T10:00:00Z")
    for row in files.rows["subscription"]:
        if row["account"] == "money":
            row.update(mrr_minor="700", is_auto_renew="no")
    files.add("invoice", account="money", amount_minor="1000", issued_on=day(60), due_on=day(30))
    files.add("invoice", account="money", amount_minor="500", issued_on=day(20), due_on=day(-10), disputed_on=day(5))


def readings(case, account, on=TODAY):
    told = json.loads(case.retaind("explain", account, "--as-of", str(on), "--format", "json", "--now", f"{TODAY}T06:30:00Z").stdout)
    return {r["signal"]: r for r in told["defense"]["signals"]}


EXPECTED = {
    "drift": {"slow_replies": "none since our message of", "meetings_put_off": "3 meetings cancelled, moved, declined or missed",
              "sponsor_silence": "no word from those who decide (Bea Boss) for", "renewal_silence": "no message or meeting for",
              "cooling_exchanges": "are usual"},
    "support": {"repeated_topic": '3 tickets about the same in 60 days: "Export to Excel fails"',
                "unanswered_tickets": "\"Import of contacts\"; 4 wait in all", "slow_resolution": "where 1 were usual",
                "reopened_tickets": "opened again once in 90 days"},
    "money": {"past_contraction": "pays EUR 700 a month, EUR 1,000 at its highest in the last year (30 % less)",
              "renews_by_hand": "automatic renewal was switched off", "payment_trouble": "30 days late",
              "invoice_disputed": "invoice of EUR 500 in dispute since 2026-02-27"},
}


def test_from_files_to_words(case):
    """What goes wrong between a customer and us is told by the signal that is for it, and by no other account."""
    make(case)
    for account in ("drift", "support", "money", "well"):
        told = readings(case, account)
        for signals in EXPECTED.values():
            for signal, words in signals.items():
                wanted = words if signal in EXPECTED.get(account, {}) else None
                strength, evidence = told[signal]["strength"], told[signal]["evidence"] or ""
                assert (strength > 0) == (wanted is not None), (account, signal, strength, evidence)
                assert wanted is None or wanted in evidence, (account, signal, evidence)
    listed = json.loads(case.retaind("accounts", "--format", "json", "--now", f"{TODAY}T06:30:00Z").stdout)
    assert listed == [], "not scored yet"
    case.retaind("score", "-q", "--now", f"{TODAY}T06:30:00Z")
    bands = dict(case.query("SELECT a.source_key, s.risk_band FROM score_day s JOIN account a ON a.id = s.account_id"))
    assert bands["well"] == 0 and bands["drift"] > 0 and bands["money"] == 2, bands


def test_nothing_is_known_before_it_was(case):
    """A switch-off, a contraction and a reopening that the second pull brought are not seen on the days before it."""
    make(case)
    told = readings(case, "money", TODAY - datetime.timedelta(days=1))
    assert told["renews_by_hand"]["strength"] == 0 and told["past_contraction"]["strength"] == 0, told
    told = readings(case, "support", TODAY - datetime.timedelta(days=1))
    assert told["reopened_tickets"]["strength"] == 0, told["reopened_tickets"]


if __name__ == "__main__":
    run(globals())
