#!/usr/bin/env python3
"""`retaind nrr --as-of D` says what was known on D: rows that come late, corrections, deletions and rates of exchange count
from the day of the pull that brought them, and what was said stays said."""
import csv
import datetime
import io
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import HEAVY, ROOT, run  # noqa: E402
from vendor import Vendor, quick  # noqa: E402

DAY = datetime.timedelta(days=1)
LIVES = 12 if HEAVY else 2
FIELDS = {
    "accounts": "key name segment region csm_key parent_key arr_minor currency customer_since_on gone".split(),
    "subscriptions": ("key account product plan mrr_minor currency start_on end_on is_trial status end_reason kind discount_minor "
                      "discount_percent discount_ends_on paid_until_on cancel_notice_on paused_on resumes_on amount_from_on gone").split(),
    "invoices": "key account amount_minor currency issued_on due_on paid_on status gone".split(),
}
# As the ECB's data portal writes them: what one euro is worth.
EXR = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE\n"


def org_yaml(folder, nrr=""):
    text = f"title: Known\nzone: UTC\ncurrency: EUR\nnrr: {{ {nrr} }}\nsources:\n  files:\n    connector: csv\n    folder: {folder}\n    files:\n"
    for name, fields in FIELDS.items():
        text += f"      {name}:\n        match: \"{name}.csv\"\n        entity: {name[:-1]}\n        key: key\n"
        text += "        account: { from: account, by: key }\n" if name != "accounts" else ""
        text += "        deleted: gone\n" if "gone" in fields else ""
        text += "        map:\n" + "".join(f"          - {{ to: {f}, from: {f}{', minor: true' if f.endswith('minor') else ''} }}\n"
                                            for f in fields if f not in ("key", "account", "gone"))
    return text + """      rates:
        match: "exr*.csv"
        entity: rate
        key: CURRENCY_DENOM+CURRENCY+TIME_PERIOD
        map:
          - { to: currency, from: CURRENCY_DENOM }
          - { to: base, from: CURRENCY }
          - { to: rate_on, from: TIME_PERIOD }
          - { to: rate_nano, from: OBS_VALUE }
"""


class Company:
    """Its files, and what is pulled from them."""

    def __init__(self, case, nrr=""):
        self.case, self.folder = case, case.tmp / "files"
        self.folder.mkdir(exist_ok=True)
        self.rows = {name: {} for name in FIELDS}
        case.org(org_yaml(self.folder, nrr))
        self.rates("", [])

    def put(self, what, key, **values):
        self.rows[what].setdefault(key, {"key": key}).update({k: "" if v is None else str(v) for k, v in values.items()})

    def account(self, key, **values):
        self.put("accounts", key, name=key.capitalize(), **values)

    def contract(self, key, account, minor, start, **values):
        self.put("subscriptions", key, account=account, mrr_minor=minor, start_on=start, **{"currency": "EUR", **values})

    def rates(self, name, rates):
        (self.folder / f"exr{name}.csv").write_text(EXR + "".join(f"EXR.D.{c}.EUR.SP00.A,D,{c},EUR,SP00,A,{day},{rate}\n"
                                                                  for c, day, rate in rates))

    def pull(self, day):
        for name, fields in FIELDS.items():
            with open(self.folder / f"{name}.csv", "w", newline="") as file:
                out = csv.DictWriter(file, fields, restval="")
                out.writeheader()
                out.writerows(self.rows[name].values())
        self.case.retaind("pull", "-q", "--now", f"{day}T20:00:00Z")

    def nrr(self, *args, today, expect=0):
        done = self.case.retaind("nrr", *args, "--now", f"{today}T21:00:00Z", expect=expect)
        return done.stdout if expect == 0 else done.stderr

    def year(self, as_of, today="2026-06-01", **more):
        """Start, end and movements of the year up to a day."""
        args = [x for k, v in more.items() for x in (f"--{k}", str(v))]
        row = json.loads(self.nrr("--as-of", str(as_of), "--format", "json", *args, today=today))
        rows = row["windows"] if isinstance(row, dict) and "windows" in row else row
        return rows[0] if isinstance(rows, list) else rows


def amounts(window):
    return tuple(int(window[k]) for k in ("start_mrr", "end_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr"))


def test_late_rows(case):
    """A contract that was pulled on 15 March and began on 1 February does not exist as of 1 March, unless it came with the first load."""
    c = Company(case)
    c.account("oak")
    c.contract("old", "oak", 10000, "2024-01-01")
    c.pull("2025-01-10")
    c.contract("late", "oak", 5000, "2025-02-01")
    c.pull("2025-03-15")
    assert amounts(c.year("2025-01-05")) == (10000, 10000, 0, 0, 0)
    assert amounts(c.year("2025-03-01")) == amounts(c.year("2025-03-14")) == (10000, 10000, 0, 0, 0)
    assert amounts(c.year("2025-03-15")) == (10000, 15000, 5000, 0, 0)
    assert amounts(c.year("2025-03-20", to="2025-02-01")) == (10000, 15000, 5000, 0, 0)


def test_corrections(case):
    """A correction changes the past from the day on which the amount holds, for those who ask later; asked as of a day before, nothing."""
    c = Company(case)
    c.account("oak")
    c.contract("s", "oak", 10000, "2024-01-01", amount_from_on="2024-01-01")
    c.pull("2025-01-10")
    c.contract("s", "oak", 8000, "2024-01-01", amount_from_on="2024-11-01")
    c.pull("2025-03-15")
    assert amounts(c.year("2025-03-14")) == (10000, 10000, 0, 0, 0)
    assert amounts(c.year("2025-03-15")) == (10000, 8000, 0, 2000, 0)
    assert amounts(c.year("2025-04-01", to="2024-10-31", window=6)) == (10000, 10000, 0, 0, 0)
    assert amounts(c.year("2025-04-01", to="2024-11-01", window=6)) == (10000, 8000, 0, 2000, 0)
    c.contract("s", "oak", 8000, "2024-01-01", gone="yes")
    c.pull("2025-05-01")
    assert amounts(c.year("2025-04-30")) == (10000, 8000, 0, 2000, 0)
    assert amounts(c.year("2025-05-01")) == (10000, 0, 0, 0, 10000)
    c.contract("s", "oak", 8000, "2024-01-01", gone="")
    c.pull("2025-05-09")
    assert amounts(c.year("2025-05-08")) == (10000, 0, 0, 0, 10000)
    assert amounts(c.year("2025-05-09")) == (10000, 8000, 0, 2000, 0)


def test_rates(case):
    """Amounts in several currencies come together by the rates that were known, crossed through the euro; one that is missing is an
    error that names currency and day."""
    c = Company(case, "fx: spot, rate_age_days: 7")
    c.account("oak")
    c.account("elm")
    c.contract("a", "oak", 100000, "2024-01-01", currency="USD")
    c.contract("b", "elm", 160000, "2024-01-01", currency="JPY")
    c.rates("1", [("USD", "2024-03-01", "1.25"), ("JPY", "2024-03-01", "160.0"), ("USD", "2025-02-27", "1.0000"), ("JPY", "2025-03-01", "200")])
    c.pull("2025-03-01")
    window = c.year("2025-03-01")
    assert amounts(window)[:2] == (80000 + 100000, 100000 + 80000), window
    said = c.nrr("--as-of", "2025-03-20", today="2025-03-20", expect=78)
    assert "no rate from " in said and " for 2024-03-20 " in said and ("USD" in said or "JPY" in said), said
    c.rates("2", [(n, day, r) for n, r in (("USD", "1.25"), ("JPY", "160")) for day in ("2024-03-19", "2025-03-20")])
    c.pull("2025-03-21")
    c.nrr("--as-of", "2025-03-20", today="2025-03-21", expect=78)  # nobody knew them yet
    assert amounts(c.year("2025-03-21"))[:2] == (180000, 180000)
    assert amounts(c.year("2025-03-21", currency="USD"))[:2] == (100000, 100000)  # only those in dollars, as they are


def test_bank(case):
    """The ECB's rates come from its data API: ten years by the year at first, then the year at hand again, and serve as they are known."""
    def answer(request):
        q = request.query
        assert request.path == "/service/data/EXR/D..EUR.SP00.A" and q["format"] == "csvdata", request.path
        day, end = (datetime.date.fromisoformat(q[k]) for k in ("startPeriod", "endPeriod"))
        rows, asked[:] = [], [*asked, (day, end)]
        while day <= min(end, today):
            if day.weekday() < 5:
                rows.append(f"EXR.D.USD.EUR.SP00.A,D,USD,EUR,SP00,A,{day},{rates.get(day, '1.25')}\n")
            day += DAY
        return (200, (EXR + "".join(rows)).encode(), {"Content-Type": "text/csv"}) if rows else (404, b"No results found", {})

    asked, rates, today = [], {datetime.date(2025, 2, 28): "1.0"}, datetime.date(2025, 3, 2)  # a Sunday
    server = Vendor(case, answer)
    c = Company(case, "fx: spot")
    c.case.org(org_yaml(c.folder, "fx: spot, rate_age_days: 7") +
               f"  bank:\n    connector: ecb\n    base_url: {server.url}\n    allows_http_loopback: true\n")
    path = case.tmp / "config/connectors/ecb.yaml"
    path.write_text(quick((ROOT / "config/connectors/ecb.yaml").read_text()))
    c.account("oak")
    c.account("elm")
    c.contract("a", "oak", 100000, "2024-01-01", currency="USD")
    c.contract("b", "elm", 100000, "2024-01-01")
    c.pull(today)
    assert len(asked) >= 10 and asked[0][0] <= datetime.date(2015, 3, 3), asked
    assert amounts(c.year("2025-03-02"))[:2] == (180000, 200000)
    first, today = len(asked), datetime.date(2025, 3, 4)
    rates.update({datetime.date(2025, 2, 28): "1.28", today: "0.8"})  # a correction
    c.pull("2025-03-04")
    assert len(asked) - first == 1, asked[first:]
    assert amounts(c.year("2025-03-02"))[:2] == (180000, 200000)
    assert amounts(c.year("2025-03-04", to="2025-03-02"))[:2] == (180000, 100000 + 78125)
    assert amounts(c.year("2025-03-04"))[:2] == (180000, 225000)
    n = case.query("SELECT count(*), min(rate_on) FROM rate")
    assert n[0][0] > 2600, n


def stays_said(c, *days):
    """Pulls on each day after its change; in the end all of those days are told as they were on themselves."""
    told = []
    for day, change in days:
        change()
        c.pull(day)
        told.append((day, amounts(c.year(day, today=day))))
    assert [(day, amounts(c.year(day, today=days[-1][0]))) for day, _ in days] == told
    return [amount[1] for _, amount in told]


def test_gone_and_back(case):
    """A bill, or an account without contracts, that was thought to be gone is gone for those who ask as of then, though it came back."""
    c = Company(case, "past_due_days: 5")
    c.account("oak")
    c.account("elm", arr_minor=120000, currency="EUR", customer_since_on="2024-01-01")
    c.account("ash", arr_minor=240000, currency="EUR", customer_since_on="2024-01-01")
    c.contract("s", "oak", 1000, "2024-01-01")
    c.put("invoices", "paid", account="elm", amount_minor=100, currency="EUR", issued_on="2024-12-01", due_on="2024-12-10", paid_on="2024-12-09", status="paid")
    c.put("invoices", "open", account="oak", amount_minor=100, currency="EUR", issued_on="2025-01-01", due_on="2025-01-10", status="open")
    ends = stays_said(c, ("2025-02-01", lambda: None), ("2025-02-08", lambda: c.put("invoices", "open", gone="yes")),
                      ("2025-02-15", lambda: c.put("invoices", "open", gone="")), ("2025-02-22", lambda: c.account("elm", gone="yes")),
                      ("2025-03-01", lambda: c.account("elm", gone="")), ("2025-03-08", lambda: c.account("ash", customer_since_on="2024-09-01")))
    assert ends == [30000, 31000, 30000, 20000, 30000, 30000], ends
    assert amounts(c.year("2025-03-01", today="2025-03-08"))[0] == 31000 and amounts(c.year("2025-03-08", today="2025-03-08"))[0] == 11000


def test_accounts_that_come_later(case):
    """A contract whose account was not known yet counts from the day on which that came, and for those who ask as of before not at all."""
    c = Company(case)
    c.account("oak")
    c.contract("s", "oak", 10000, "2024-01-01")
    assert stays_said(c, ("2025-02-01", lambda: None), ("2025-02-08", lambda: c.contract("t", "elm", 5000, "2025-01-20")),
                      ("2025-02-15", lambda: c.account("elm"))) == [10000, 10000, 15000]


class Life:
    """Years of a company at random: rows that come late, go, come back and are corrected."""

    def __init__(self, case, seed):
        self.chance = random.Random(seed)
        self.company = Company(case, "past_due_days: 5, " + self.chance.choice(
            ["fx: constant", "fx: spot", "method: movement_sum", "churn_date: notice", "paused: keeps"]))
        self.today = datetime.date(2025, 1, 6)
        for n in range(12):
            self.company.account(f"a{n}", segment="mid", region="DE", csm_key="ana@retaind.example", parent_key="a0" if n > 9 else "",
                                 customer_since_on="2024-01-01", arr_minor=120000 if n % 5 == 4 else "", currency="EUR")
        for n in range(20):
            self.sign(f"s{n}", 500)
        self.rate = {"USD": 1.1, "GBP": 0.85}
        self.rates_until(datetime.date(2022, 10, 1))

    def rates_until(self, since):
        rates = []
        while since <= self.today:
            self.rate = {c: r * self.chance.uniform(0.98, 1.02) for c, r in self.rate.items()}
            rates += [(c, since, f"{r:.4f}") for c, r in self.rate.items()]
            since += DAY
        self.company.rates(f"-{self.today}", rates)

    def sign(self, key, ago):
        pick = self.chance.choice
        self.company.contract(key, f"a{self.chance.randrange(12)}", self.chance.randrange(0, 90000, 1000),
                              self.today - DAY * self.chance.randint(0, ago), product=pick(["core", "chat"]), plan=pick(["pro", "max"]),
                              currency=pick(["EUR", "EUR", "USD", "GBP"]), kind=pick(["", "", "", "usage", "service"]), is_trial=pick([0, 0, 0, 1]))

    def near(self, before, after):
        return self.today + DAY * self.chance.randint(-before, after)

    def change(self, key):
        pick, minor = self.chance.choice, self.chance.randrange(0, 90000, 1000)
        self.company.put("subscriptions", key, **pick([
            {"mrr_minor": minor}, {"mrr_minor": minor, "amount_from_on": self.near(90, 20)}, {"amount_from_on": self.near(90, 20)},
            {"plan": pick(["pro", "max"]), "product": pick(["core", "chat"]), "mrr_minor": minor}, {"is_trial": pick([0, 1])},
            {"end_on": self.near(60, 60), "cancel_notice_on": self.near(80, 0), "paid_until_on": self.near(0, 90),
             "end_reason": pick(["", "unpaid"])}, {"end_on": None, "end_reason": None}, {"start_on": self.near(400, 0)},
            {"discount_minor": minor // 3, "discount_ends_on": self.near(30, 90)}, {"discount_percent": pick(["12.5", "", "33.33"])},
            {"paused_on": self.near(30, 10), "resumes_on": self.near(0, 60)}, {"paused_on": None, "resumes_on": None},
            {"status": pick(["paused", "active"])}, {"gone": pick(["yes", "no"])}, {"kind": pick(["", "usage", "one_time"])},
            {"currency": pick(["EUR", "USD"])}, {"account": f"a{self.chance.randrange(12)}"}]))

    def week(self):
        chance, company = self.chance, self.company
        for key in chance.sample(sorted(company.rows["subscriptions"]), 4):
            self.change(key)
        self.sign(f"s{len(company.rows['subscriptions'])}", 60)
        late = f"a{len(company.rows['accounts'])}"  # a contract comes a week before its account
        if any(row["account"] == late for row in company.rows["subscriptions"].values()):
            company.account(late, segment="mid", currency="EUR")
        elif chance.random() < 0.5:
            company.contract(f"late-{late}", late, 7000, self.near(60, 0))
        account = f"a{chance.randrange(12)}"
        company.put("accounts", account, **chance.choice([{"region": chance.choice("DE FR".split())}, {"csm_key": "ben@retaind.example"},
                                                          {"segment": "big"}, {"parent_key": "a1"}, {"arr_minor": 60000}]))
        for key in chance.sample(["a4", "a9"], 1):  # those without contracts
            company.put("accounts", key, **chance.choice([{"gone": "yes"}, {"gone": ""}, {"customer_since_on": self.near(400, 0)}]))
        bill = f"i{len(company.rows['invoices'])}"
        company.put("invoices", bill, account=account, amount_minor=100, currency="EUR", issued_on=self.near(40, 0), due_on=self.near(40, 20),
                    status="open")
        for key in chance.sample(sorted(company.rows["invoices"]), min(3, len(company.rows["invoices"]))):
            company.put("invoices", key, **chance.choice([{"paid_on": self.near(30, 0), "status": "paid"}, {"status": "void"},
                                                          {"gone": chance.choice(["yes", ""])},
                                                          {"due_on": self.near(30, 30)}]))


ASKED = [("--format", "csv"), ("--format", "json"), ("--accounts", "--format", "json"), ("--movements", "--format", "csv"),
         ("--by", "owner", "--format", "csv"), ("--by", "product", "--format", "json"), ("--by", "region"), ("--revenue", "usage")]


def test_what_was_said_stays_said(case):
    """Whatever comes later, every report of a past day is the same to the byte as on that day."""
    weeks, told = 7, []
    for seed in range(LIVES):
        for old in (case.tmp / "files").glob("*"):
            old.unlink()
        if (case.tmp / "state").exists():
            case.database().unlink()
        life = Life(case, seed)
        told.clear()
        for n in range(weeks):
            life.company.pull(life.today)
            for ask in ASKED if n % 3 == 0 else [ASKED[0], ASKED[2]]:
                told.append((life.today, ask, life.company.nrr(*ask, "--as-of", str(life.today), today=life.today)))
            since, life.today = life.today + DAY, life.today + 7 * DAY
            life.week()
            life.rates_until(since)
        life.company.pull(life.today)
        assert len(set(text for _, ask, text in told if ask == ASKED[2])) == weeks
        for day, ask, then in told:
            later = life.company.nrr(*ask, "--as-of", str(day), today=life.today)
            assert later == then, f"life {seed}, {day} {ask}\n{then}\n---\n{later}"


run(globals())
