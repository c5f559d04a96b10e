#!/usr/bin/env python3
"""Closed months: their reports are kept, late data makes a further revision that says why, frozen books stay."""
import csv
import io
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

FIELDS = {
    "account": "key name segment csm_key am_key parent_key currency",
    "subscription": "key account product plan mrr_minor currency start_on end_on is_trial amount_from_on end_reason is_deleted",
    "invoice": "key account amount_minor currency issued_on due_on paid_on status",
    "rate": "key currency base rate_on rate_nano",
}
ACCOUNTS = [["a", "Acme"], ["b", "Borealis"], ["c", "Cygnus"], ["d", "Dorado"], ["e", "Eridanus"]]


def org_yaml(folder, nrr=""):
    text = f"title: Restated\nzone: UTC\ncurrency: EUR\n{nrr}sources:\n  files:\n    connector: csv\n    folder: {folder}\n    files:\n"
    for entity, fields in FIELDS.items():
        text += f"      {entity}s:\n        match: \"{entity}.csv\"\n        entity: {entity}\n        key: key\n"
        text += "        deleted: is_deleted\n" if entity == "subscription" else ""
        text += "        account: {from: account, by: key}\n" if "account" in fields.split() else ""
        text += "        map:\n" + "".join(f"          - {{to: {f}, from: {f}}}\n" for f in fields.split() if f not in ("key", "account", "is_deleted"))
    return text


class Books:
    """A small company's lists, day by day."""

    def __init__(self, case, nrr=""):
        self.case, self.folder = case, case.tmp / "exports"
        self.folder.mkdir()
        case.org(org_yaml(self.folder, nrr), name="books")
        self.rows = {entity: {} for entity in FIELDS}
        for key, name in ACCOUNTS:
            self.put("account", key, name=name, csm_key="ana@retaind.example", currency="EUR")
            self.put("subscription", f"s-{key}", account=key, product="core", plan="pro", mrr_minor="100", currency="EUR", start_on="2024-01-01", is_trial="0")

    def put(self, entity, key, **values):
        self.rows[entity].setdefault(key, {"key": key}).update(values)

    def pull(self, day):
        for entity, fields in FIELDS.items():
            with (self.folder / f"{entity}.csv").open("w", newline="") as file:
                out = csv.DictWriter(file, fields.split(), restval="")
                out.writeheader()
                out.writerows(self.rows[entity].values())
        self.case.retaind("pull", "-q", "--full", "--now", f"{day}T06:00:00Z")

    def live(self, day):
        self.pull(day)
        return self.case.retaind("score", "-q", "--now", f"{day}T07:00:00Z")

    def nrr(self, day, *args):
        return self.case.retaind("nrr", *args, "--now", f"{day}T08:00:00Z").stdout

    def restated(self, day, *args):
        return json.loads(self.nrr(day, "--restated", "--format", "json", *args))

    def reports(self):
        return self.case.query("SELECT date(to_on * 86400, 'unixepoch'), months, revision, date(as_of_on * 86400, 'unixepoch'), "
                               "start_minor, end_minor FROM nrr_report ORDER BY to_on, months, revision", name="books")


def reasons(report):
    return {a["account"]: [(r["cause"], r["words"]) for r in a["reasons"]] for a in report["accounts"]}


def test_months_are_closed_once(case):
    """A month is closed by the first score after it, the year before it too; scoring again, the same day or later, changes nothing"""
    books = Books(case)
    books.live("2026-02-28")
    assert [r[0] for r in books.reports()[-2:]] == ["2026-02-01"] * 2 and len(books.reports()) == 26, books.reports()
    first = books.reports()
    books.live("2026-02-28")
    assert books.reports() == first
    books.live("2026-03-01")
    assert books.reports() == first + [("2026-03-01", 1, 1, "2026-03-01", 50000, 50000), ("2026-03-01", 12, 1, "2026-03-01", 50000, 50000)]
    closed = books.reports()
    books.live("2026-03-02")
    case.retaind("score", "-q", "--as-of", "2026-02-20", "--now", "2026-03-02T09:00:00Z")
    assert books.reports() == closed
    assert books.restated("2026-03-02") == []
    assert "No closed month has changed" in books.nrr("2026-03-02", "--restated")


def test_late_data_restates(case):
    """A late contract, a corrected amount and an end that became known each make a revision with its reason; the old figure stays"""
    books = Books(case)
    books.live("2026-01-15")
    books.live("2026-03-01")
    before = books.reports()
    books.put("subscription", "late", account="a", product="extra", plan="plus", mrr_minor="25", currency="EUR", start_on="2026-02-10", is_trial="0")
    books.put("subscription", "s-b", mrr_minor="120", amount_from_on="2026-02-15")
    books.put("subscription", "s-c", end_on="2026-02-20")
    books.live("2026-03-10")
    report = [r for r in books.restated("2026-03-10", "--month", "2026-02") if r["window_months"] == 1][0]
    assert (report["before"]["sums"]["end_mrr"], report["after"]["sums"]["end_mrr"]) == (50000, 44500), report
    assert (report["before"]["as_of"], report["after"]["as_of"]) == ("2026-03-01", "2026-03-10")
    why = reasons(report)
    assert why["Acme"] == [("backdated", "contract late: EUR 25 a month from 2026-02-10 on was not known")], why
    assert why["Borealis"] == [("amount_corrected",
                                "contract s-b: EUR 120 a month from 2026-02-15 on instead of EUR 100 a month")], why
    assert why["Cygnus"] == [("end_corrected", "contract s-c: it ended on 2026-02-20, which was not known")], why
    assert set(why) == {"Acme", "Borealis", "Cygnus"}
    for sums in ("start_mrr", "end_mrr", "churn_mrr", "expansion_mrr", "cohort_end_mrr", "kept_mrr"):
        moved = sum(a["after"][sums] - a["before"][sums] for a in report["accounts"])
        assert moved == report["after"]["sums"][sums] - report["before"]["sums"][sums], sums
    assert set(before) < set(books.reports()), "the old revisions stay"
    year = [r for r in books.restated("2026-03-10") if r["window_months"] == 12]
    assert [r["month"] for r in year] == ["2026-02"] and reasons(year[0]) == why
    text = books.nrr("2026-03-10", "--restated")
    assert "2026-02 (2026-02-01 to 2026-03-01), as known on 2026-03-10 instead of 2026-03-01 (revision 2)" in text, text
    assert "NRR 89.0 % instead of 100.0 %" in text and "contract late: EUR 25 a month" in text, text
    rows = list(csv.DictReader(io.StringIO(books.nrr("2026-03-10", "--restated", "--format", "csv"))))
    assert [(r["account"], r["cause"], r["end_mrr_before"], r["end_mrr"]) for r in rows if r["window_months"] == "1"] == [
        ("Cygnus", "end_corrected", "10000", "0"), ("Acme", "backdated", "10000", "12500"),
        ("Borealis", "amount_corrected", "10000", "12000")], rows
    assert books.restated("2026-03-10", "--as-of", "2026-03-09") == [], "what was learnt later is not known before"


def test_what_is_dated_today_moves_nothing(case):
    """A deletion and a price that hold from the day they are seen are that day's churn and contraction: no closed month moves"""
    books = Books(case)
    books.live("2026-01-15")
    books.live("2026-03-01")
    closed = books.reports()
    books.put("subscription", "s-d", is_deleted="true")
    books.put("subscription", "s-e", mrr_minor="90")
    books.live("2026-03-10")
    assert books.reports() == closed
    books.live("2026-04-01")
    march = json.loads(books.nrr("2026-04-01", "--month", "2026-03", "--format", "json"))
    assert [(r["churn"], r["contraction"]) for r in march if r["window_months"] == 1] == [(-10000, -1000)], march


def test_frozen_books(case):
    """Who held an account when its month was closed keeps it in that month, though another owner has it and its amount is corrected since"""
    books = Books(case)
    for key in "de":
        books.put("account", key, csm_key="bob@retaind.example")
    books.live("2026-01-15")
    books.live("2026-03-01")

    def of(day, month):
        rows = json.loads(books.nrr(day, "--month", month, "--by", "owner", "--format", "json"))
        return {r["owner"]: (r["revision"], r["start"], r["end"]) for r in rows if r["window_months"] == 1}

    assert of("2026-03-01", "2026-02") == {"ana@retaind.example": (1, 30000, 30000), "bob@retaind.example": (1, 20000, 20000)}
    for key in "abcde":
        books.put("account", key, csm_key="eve@retaind.example")
    books.put("subscription", "s-d", mrr_minor="150", amount_from_on="2026-02-10")
    books.live("2026-03-05")
    assert of("2026-03-05", "2026-02") == {"ana@retaind.example": (2, 30000, 30000), "bob@retaind.example": (2, 20000, 25000)}
    assert [a["owner"] for r in books.restated("2026-03-05") for a in r["accounts"]] == ["bob@retaind.example"] * 2
    books.live("2026-04-01")
    assert set(of("2026-04-01", "2026-03")) == {"ana@retaind.example", "bob@retaind.example"}, "held at the window's start"


run(globals())
