#!/usr/bin/env python3
"""Closed months: their reports are kept, late data makes a further revision that says why, frozen books stay."""
import concurrent.futures
import csv
import io
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

FIELDS = {
    "account": "key name segment csm_key am_key parent_key currency merged_into",
    "subscription": "key account product plan mrr_minor currency start_on end_on is_trial amount_from_on end_reason is_deleted",
    "invoice": "key account amount_minor currency issued_on due_on paid_on status",
    "rate": "key currency base rate_on rate_nano",
}
ACCOUNTS = [["a", "Acme"], ["b", "Borealis"], ["c", "Cygnus"], ["d", "Dorado"], ["e", "Eridanus"]]


def org_yaml(folder, more=""):
    text = f"title: Restated\nzone: UTC\ncurrency: EUR\n{more}sources:\n  files:\n    connector: csv\n    folder: {folder}\n    files:\n"
    for entity, fields in FIELDS.items():
        text += f"      {entity}s:\n        match: \"{entity}.csv\"\n        entity: {entity}\n        key: key\n"
        text += "        deleted: is_deleted\n" if entity == "subscription" else ""
        text += "        account: {from: account, by: key}\n" if "account" in fields.split() else ""
        text += "        map:\n" + "".join(f"          - {{to: {f}, from: {f}}}\n" for f in fields.split() if f not in ("key", "account", "is_deleted"))
    return text


class Books:
    """A small company's lists, day by day."""

    def __init__(self, case, more=""):
        self.case, self.folder = case, case.tmp / "exports"
        self.folder.mkdir()
        self.configure(more)
        self.rows = {entity: {} for entity in FIELDS}
        for key, name in ACCOUNTS:
            self.put("account", key, name=name, csm_key="ana@retaind.example", currency="EUR")
            self.put("subscription", f"s-{key}", account=key, product="core", plan="pro", mrr_minor="100", currency="EUR", start_on="2024-01-01", is_trial="0")

    def configure(self, more):
        self.case.org(org_yaml(self.folder, more), name="books")

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
        return json.loads(self.nrr(day, "--restated", "--format", "json", *args))["reports"]

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
    out = books.nrr("2026-03-02", "--restated")
    assert "No closed month has changed" in out and re.search(r"^Policy default, hash [0-9a-f]{12} ", out, re.M), out


def test_closed_by_several_at_once(case):
    """Several programs that close the same months at the same time all succeed and make each report once"""
    books = Books(case)
    for n in range(250):
        books.put("account", f"x{n}", name=f"X{n}", csm_key="ana@retaind.example", currency="EUR")
        books.put("subscription", f"x{n}", account=f"x{n}", product="core", mrr_minor="50", currency="EUR", start_on="2024-06-01", is_trial="0")
    books.live("2026-01-15")
    for day in ("2026-03-01", "2026-03-02"):
        books.pull(day)
        with concurrent.futures.ThreadPoolExecutor(3) as many:
            list(many.map(lambda _: case.retaind("score", "-q", "--now", f"{day}T07:00:00Z"), range(3)))
        for n in range(250):
            books.put("subscription", f"x{n}", mrr_minor=str(60 + n % 7 + int(day[-1])), amount_from_on="2025-04-10")
    kept = case.query("SELECT to_on, months, max(revision), count(*) FROM nrr_report GROUP BY 1, 2", name="books")
    assert all(last == n for _, _, last, n in kept) and len(kept) == 30 and max(n for *_, n in kept) == 2, kept


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
    march = json.loads(books.nrr("2026-04-01", "--month", "2026-03", "--format", "json"))["reports"]
    assert [(r["churn"], r["contraction"]) for r in march if r["window_months"] == 1] == [(-10000, -1000)], march


def test_frozen_books(case):
    """Who held an account when its month was closed keeps it in that month, though another owner has it and its amount is corrected since"""
    books = Books(case)
    for key in "de":
        books.put("account", key, csm_key="bob@retaind.example")
    books.live("2026-01-15")
    books.live("2026-03-01")

    def of(day, month):
        rows = json.loads(books.nrr(day, "--month", month, "--by", "owner", "--format", "json"))["reports"]
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


def test_frozen_whatever_the_rules_become(case):
    """A closed month's books stay under other rules of membership, in its further revisions too; the next month goes by the new rules"""
    books = Books(case)
    books.put("account", "d", csm_key="bob@retaind.example")
    books.live("2026-01-15")
    books.put("account", "d", csm_key="eve@retaind.example")
    books.live("2026-02-15")
    books.live("2026-03-01")

    def holder(day, month):
        rows = json.loads(books.nrr(day, "--month", month, "--by", "owner", "--format", "json"))["reports"]
        return {r["owner"]: (r["revision"], r["end"]) for r in rows if r["window_months"] == 1 and "ana" not in r["owner"]}

    assert holder("2026-03-01", "2026-02") == {"bob@retaind.example": (1, 10000)}
    books.configure("nrr: {owner_book: {assigned_before_end_days: 1}}\n")
    books.put("subscription", "s-d", mrr_minor="150", amount_from_on="2026-02-10")
    books.live("2026-03-05")
    assert holder("2026-03-05", "2026-02") == {"bob@retaind.example": (2, 15000)}
    books.put("account", "d", csm_key="fay@retaind.example")
    books.live("2026-03-20")
    books.live("2026-04-01")
    assert holder("2026-04-01", "2026-03") == {"fay@retaind.example": (1, 15000)}


def month(books, day):
    """What was restated of February alone."""
    return [r for r in books.restated(day, "--month", "2026-02") if r["window_months"] == 1][0]


def test_rules_that_change(case):
    """Other rules restate what they tell differently and say which; what the data changed besides keeps its own reason"""
    books = Books(case)
    books.put("account", "e", parent_key="a")
    books.live("2026-01-15")
    books.live("2026-03-01")
    closed = books.reports()
    books.configure("nrr: {parents: separate}\n")
    books.put("subscription", "s-b", mrr_minor="90", amount_from_on="2026-02-15")
    books.live("2026-03-10")
    report, words = month(books, "2026-03-10"), "the rules changed: parents: separate instead of rolled_up"
    assert report["rules"] == words and report["before"]["policy_hash"] != report["after"]["policy_hash"]
    assert reasons(report) == {
        "Acme": [("policy", words)], "Eridanus": [("policy", words)],
        "Borealis": [("amount_corrected", "contract s-b: EUR 90 a month from 2026-02-15 on instead of EUR 100 a month")]}
    assert set(closed) < set(books.reports()) and len(books.restated("2026-03-10")) == 26
    assert words in books.nrr("2026-03-10", "--restated", "--month", "2026-02")
    hashes = [report["before"]["policy_hash"], report["after"]["policy_hash"]]
    for view in (["--restated"], ["--restated", "--month", "2026-02"], ["--month", "2026-02"]):
        out = books.nrr("2026-03-10", *view)
        for rule, hash in zip(("parents: rolled_up", "parents: separate"), hashes):
            assert out.count(f"Policy, hash {hash}\n") == 1 and rule in out.split(f"Policy, hash {hash}\n")[1].split("Policy,")[0], (view, out)
        told = json.loads(books.nrr("2026-03-10", *view, "--format", "json"))
        assert told["policy"]["hash"] == hashes[1] and [p["hash"] for p in told["policies"]] == hashes, told["policies"]
        assert ["parents: separate" in p["rules"] for p in told["policies"]] == [False, True], told["policies"]
        told = case.retaind("nrr", *view, "--format", "csv", "--now", "2026-03-10T08:00:00Z")
        assert all(f"Policy, hash {hash}\n" in told.stderr for hash in hashes), told.stderr
        assert {r["currency"] for r in csv.DictReader(io.StringIO(told.stdout))} == {"EUR"}, told.stdout
    books.configure("nrr: {rate_age_days: 30, parents: separate}\n")
    again = books.reports()
    books.live("2026-03-11")
    assert books.reports() == again, "rules that change no figure restate nothing"


def test_companies_that_became_one(case):
    """A new parent, and an account found to be another name of a company, restate with the names of both"""
    books = Books(case)
    books.live("2026-01-15")
    books.live("2026-03-01")
    books.put("account", "e", parent_key="a")
    books.put("account", "d", merged_into="c")
    books.live("2026-03-10")
    assert reasons(month(books, "2026-03-10")) == {
        "Acme": [("merged", "Eridanus is counted under Acme")],
        "Eridanus": [("merged", "Eridanus is counted under Acme")],
        "Cygnus": [("merged", "Dorado is another name of it and counted here")],
        "Dorado": [("merged", "it is another name of Cygnus and counted there")]}


def test_rates(case):
    """A corrected rate restates in its words; a missing one is told with currency and day, and scores are made all the same"""
    books = Books(case)
    for key in "ab":
        books.put("subscription", f"s-{key}", currency="USD")
    for number in range(26):
        day = f"{2024 + number // 12}-{number % 12 + 1:02d}-15"
        books.put("rate", f"r{number}", currency="USD", base="EUR", rate_on=day, rate_nano="0.9")
    books.live("2026-02-28")
    books.put("rate", "r24", rate_nano="0.8")
    books.live("2026-03-10")
    words = [("rate", "the rate from USD to EUR for 2026-02-01 was corrected")]
    assert [(r["month"], reasons(r)) for r in books.restated("2026-03-10")] == [("2026-01", {"Acme": words, "Borealis": words})] * 2
    assert {r["after"]["sums"]["fx_mrr"] for r in books.restated("2026-03-10")} == {-2000}
    closed = books.reports()
    for number in range(26):
        books.put("rate", f"r{number}", rate_on="2020-01-01")
    books.pull("2026-03-12")
    out = case.retaind("score", "--now", "2026-03-12T07:00:00Z")
    assert "closing months" in out.stderr and "no rate from USD to EUR for 2025-0" in out.stderr, out.stderr
    assert books.reports() == closed
    assert case.query("SELECT count(*) FROM score_day WHERE day = 20524", name="books")[0][0] == 5


def test_rates_that_begin(case):
    """Where rates are known since lately, months since then are closed, earlier ones are not, and what the year lacks is told"""
    books = Books(case)
    books.put("subscription", "s-a", currency="USD")
    for number, day in enumerate(("2025-12-20", "2026-01-20", "2026-02-20")):
        books.put("rate", f"r{number}", currency="USD", base="EUR", rate_on=day, rate_nano="0.9")
    books.pull("2026-03-01")
    out = case.retaind("score", "--now", "2026-03-01T07:00:00Z")
    assert "no rate from USD to EUR for 2025-03-01" in out.stderr, out.stderr
    assert [r[:2] for r in books.reports()] == [("2026-02-01", 1), ("2026-03-01", 1)], books.reports()


def test_unpaid_bills(case):
    """A bill that stays unpaid restates the month in which it was due once the rules' days are over, and again when a payment in time is told later"""
    books = Books(case, "nrr: {past_due_days: 15}\n")
    books.put("invoice", "i0", account="b", amount_minor="100", currency="EUR", issued_on="2026-01-01", due_on="2026-01-10",
              paid_on="2026-01-10", status="paid")
    books.live("2026-01-15")
    books.put("invoice", "i1", account="a", amount_minor="100", currency="EUR", issued_on="2026-02-01", due_on="2026-02-20", status="open")
    books.live("2026-03-01")
    closed = books.reports()
    books.live("2026-03-05")
    assert books.reports() == closed
    books.live("2026-03-10")
    assert reasons(month(books, "2026-03-10")) == {
        "Acme": [("bill", "the bill due on 2026-02-20 stayed unpaid for more than 15 days")]}
    assert month(books, "2026-03-10")["after"]["sums"]["involuntary_churn_mrr"] == 10000
    books.put("invoice", "i1", paid_on="2026-02-27", status="paid")
    books.live("2026-03-12")
    reports = [r for r in books.restated("2026-03-12", "--month", "2026-02") if r["window_months"] == 1]
    assert [r["after"]["revision"] for r in reports] == [2, 3]
    assert reasons(reports[1]) == {"Acme": [("bill", "the bill due on 2026-02-20 was paid on 2026-02-27")]}
    assert reports[1]["after"]["sums"] == reports[0]["before"]["sums"]


OWNERS = """owners:
  - {email: ana@retaind.example, name: Ana, role: csm, channels: [files]}
  - {email: bob@retaind.example, name: Bob, role: csm, channels: [files]}
  - {email: max@retaind.example, name: Max, role: manager, channels: [files]}
  - {email: mia@retaind.example, name: Mia, role: manager, channels: [files], manages: [bob@retaind.example]}
channels:
  files: {kind: file, folder: %s}
"""


def test_the_managers_digest_says_so(case):
    """A manager's digest says in one line which closed month moved, of the books that the manager sees, and only once"""
    books = Books(case, OWNERS % (case.tmp / "digests"))
    for key in "de":
        books.put("account", key, csm_key="bob@retaind.example")
    books.live("2026-01-15")
    books.live("2026-03-01")

    def told(owner, day):
        return case.retaind("preview", "--owner", owner, "--now", f"{day}T08:00:00Z").stdout

    books.put("subscription", "s-a", mrr_minor="90", amount_from_on="2026-02-15")
    books.live("2026-03-10")
    line = " ".join(told("max@retaind.example", "2026-03-10").split())
    assert ("February 2026 was restated: NRR of the year to its end is 98.0 % instead of 100.0 %, GRR 98.0 % instead of 100.0 % "
            "(Acme: contract s-a: EUR 90 a month from 2026-02-15 on instead of EUR 100 a month). `retaind nrr --restated` has "
            "all of it.") in line, line
    org = next((case.tmp / "config/orgs").glob("*.yaml"))
    english = org.read_text()
    org.write_text(english.replace("owners:", "language: fr\nowners:", 1))
    line = " ".join(told("max@retaind.example", "2026-03-10").split())
    assert ("Le mois de février 2026 a été révisé : le NRR de l’année jusqu’à sa fin est de 98,0 % au lieu de 100,0 %, le GRR de 98,0 % au "
            "lieu de 100,0 % (Acme). `retaind nrr --restated` en donne tout le détail.") in line, line
    org.write_text(english)
    assert "restated" not in told("mia@retaind.example", "2026-03-10"), "not of her books"
    assert "restated" not in told("ana@retaind.example", "2026-03-10"), "for managers"
    assert "restated" not in told("max@retaind.example", "2026-03-11"), "only once"
    books.put("subscription", "s-d", mrr_minor="120", amount_from_on="2026-01-15")
    books.live("2026-03-12")
    line = " ".join(told("mia@retaind.example", "2026-03-12").split())
    assert "NRR of the year to its end is 110.0 % instead of 100.0 %" in line and "Dorado: contract s-d" in line, line
    assert "1 earlier month moved too" in line, line


run(globals())
