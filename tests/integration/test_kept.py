#!/usr/bin/env python3
"""What is kept to be quick (packs of accounts, outcomes, the base of a day, closed months, settled links) changes nothing that is said:
two copies of an organisation go through the same weeks of edits, and of one everything that is kept is thrown away before every command."""
import contextlib
import csv
import datetime
import io
import random
import shutil
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from csv_org import csv_source  # noqa: E402
from harness import HEAVY, SANITIZED, run  # noqa: E402

FIRST = datetime.date(2026, 2, 20)
OWNERS = ["ann@acme.example", "bob@acme.example"]
# file -> (entity, how it names its account, columns that go into fields of their names)
FILES = {
    "people": ("owner", None, ["email", "name"]),
    "accounts": ("account", None, ["name", "segment", "region", "domain", "csm_key", "am_key", "arr_minor", "currency", "created_on",
                                   "customer_since_on", "is_customer", "renewal_on", "parent_key", "merged_into", "external_id"]),
    "contracts": ("subscription", "key", ["product", "plan", "seats", "mrr_minor", "currency", "start_on", "end_on", "renewal_on",
                                          "cancel_notice_on", "is_trial", "is_auto_renew", "end_reason", "paused_on", "discount_minor"]),
    "contacts": ("contact", "key", ["name", "email", "role", "is_key", "team", "created_on", "last_seen_on", "left_on"]),
    "limits": ("limit", "key", ["metric", "value", "from_on", "period"]),
    "tickets": ("ticket", "key", ["contact_key", "subject", "category", "priority", "opened_at", "closed_at", "satisfaction",
                                  "is_escalated"]),
    "exchanges": ("interaction", "key", ["contact_key", "kind", "direction", "outcome", "body", "at"]),
    "bills": ("invoice", "key", ["amount_minor", "currency", "issued_on", "due_on", "paid_on", "failed_on", "disputed_on", "status"]),
    "surveys": ("survey", "key", ["kind", "score", "comment", "at"]),
    "deals": ("opportunity", "key", ["name", "kind", "amount_minor", "currency", "created_on", "close_on", "is_closed", "is_won"]),
    "notices": ("notice", "name", ["kind", "noticed_on", "effective_on", "amount_minor", "currency", "text"]),
    "rates": ("rate", None, ["currency", "base", "rate_on", "rate_nano"]),
    "others": ("account", None, ["name", "domain", "external_id"]),
    "calls": ("interaction", "key", ["kind", "direction", "at"]),
    "usage": ("usage", "key", ["metric", "day", "value", "contact_key", "team"]),
}
OF_DESK = ("others", "calls")
WORDS = ["we will cancel", "thank you, great", "too expensive, looking at alternatives", "it is broken again", ""]


def org(folder, zone, policy, with_bills):
    def source(name, names):
        return csv_source(name, folder, {n: FILES[n] for n in names}, deleted=True)

    crm = [n for n in FILES if n not in OF_DESK and (with_bills or n != "bills")]
    return (f"title: Acme\nzone: {zone}\ncurrency: EUR\nsources:\n" + source("crm", crm) + source("desk", OF_DESK) +
            "identity:\n  main: crm\n  sources:\n    desk: [domain, name]\n" + policy +
            f"channels:\n  here: {{ kind: file, folder: {folder} }}\nowners:\n" +
            "".join(f"  - {{ email: {o}, name: {o[:3]}, role: csm, at: \"08:00\", channels: [here] }}\n" for o in OWNERS) +
            "  - { email: max@acme.example, name: Max, role: manager, at: \"08:00\", channels: [here] }\n")


class World:
    """Rows of all files, which change from day to day."""

    def __init__(self, seed, n_accounts, with_bills):
        self.chance = random.Random(seed)
        self.with_bills = with_bills
        self.on = FIRST
        self.rows = {name: {} for name in FILES}
        self.n = 0
        for i, owner in enumerate(OWNERS):
            self.rows["people"][f"o{i}"] = {"email": owner, "name": owner[:3]}
        for _ in range(n_accounts):
            self.add("accounts")
        for name in ("contracts", "contacts", "limits", "tickets", "exchanges", "bills", "surveys", "deals", "notices", "others", "calls"):
            for _ in range({"notices": n_accounts // 6, "others": n_accounts // 3}.get(name, 2 * n_accounts)):
                self.add(name)
        for age in range(-400, 1000, 20):  # else there is no report in one currency
            on = (self.on - datetime.timedelta(age)).isoformat()
            self.rows["rates"][on] = {"currency": "USD", "base": "EUR", "rate_on": on, "rate_nano": f"0.{80 + age % 19}"}
        for account in list(self.rows["accounts"]):
            pace = self.chance.random()
            for age in range(300):
                if self.chance.random() < pace * (1 if age > 40 or pace < .6 else .1):
                    self.use(account, self.on - datetime.timedelta(age))

    def day(self, before, behind, empty=0.0):
        if self.chance.random() < empty:
            return ""
        return (self.on + datetime.timedelta(self.chance.randint(-before, behind))).isoformat()

    def at(self, before, behind=0, empty=0.0):
        day = self.day(before, behind, empty)
        return day and f"{day}T{self.chance.randrange(24):02d}:{self.chance.randrange(60):02d}:00Z"

    def account(self):
        return self.chance.choice(list(self.rows["accounts"]))

    def use(self, account, on):
        metric, person = self.chance.choice(["logins", "exports"]), self.chance.choice(["", "p1", "p2"])
        value = 100000 if self.chance.random() < .01 else self.chance.randrange(0, 40)
        self.rows["usage"][f"{account} {metric} {on} {person}"] = {
            "account": account, "metric": metric, "day": on.isoformat(), "value": value, "contact_key": person, "team": ""}

    def values(self, name):
        pick, r = self.chance.choice, self.chance.randrange
        money, currency = r(100, 90000), pick(["EUR", "EUR", "EUR", "USD"])
        return {
            "people": lambda: {"email": pick(OWNERS + ["cleo@acme.example"]), "name": "n"},
            "accounts": lambda: {"segment": pick("abc"), "region": pick(["eu", "us", ""]), "csm_key": pick(["o0", "o1", OWNERS[0], ""]),
                                 "am_key": pick(["o1", ""]), "arr_minor": pick([money, ""]), "currency": currency,
                                 "created_on": self.day(900, -1, .3), "customer_since_on": self.day(900, 5, .5),
                                 "is_customer": pick(["true", "false", ""]), "renewal_on": self.day(30, 200, .3),
                                 "parent_key": self.account() if self.rows["accounts"] and r(9) == 0 else "",
                                 "merged_into": self.account() if len(self.rows["accounts"]) > 8 and r(25) == 0 else "",
                                 "external_id": f"x{r(60)}" if r(3) else ""},
            "contracts": lambda: {"product": pick(["p", "q"]), "plan": pick(["s", "m", "l"]), "seats": r(1, 30), "mrr_minor": money,
                                  "currency": currency, "start_on": self.day(800, 10), "end_on": self.day(300, 60, .7),
                                  "renewal_on": self.day(10, 200, .4), "cancel_notice_on": self.day(40, 3, .85),
                                  "is_trial": pick(["", "", "", "true"]), "is_auto_renew": pick(["", "true", "false"]),
                                  "end_reason": pick(["", "", "unpaid", "completed"]), "paused_on": self.day(30, 3, .95),
                                  "discount_minor": pick(["", "", 50])},
            "contacts": lambda: {"name": pick("abc"), "email": f"p{r(90)}@d{r(40)}.example", "role": pick(["champion", "user", "admin", ""]),
                                 "is_key": pick(["", "true"]), "team": pick(["x", "y", ""]), "created_on": self.day(500, 3, .2),
                                 "last_seen_on": self.day(200, 0, .2), "left_on": self.day(60, 5, .8)},
            "limits": lambda: {"metric": pick(["logins", "exports", "seats"]), "value": r(5, 400), "from_on": self.day(300, 5, .3),
                               "period": pick(["", "month", "week"])},
            "tickets": lambda: {"contact_key": pick(["p1", ""]), "subject": pick(WORDS), "category": pick(["bug", "billing", ""]),
                                "priority": pick(["low", "urgent", ""]), "opened_at": self.at(400), "closed_at": self.at(60, 1, .4),
                                "satisfaction": pick(["", 1, 5]), "is_escalated": pick(["", "true"])},
            "exchanges": lambda: {"contact_key": pick(["p1", "p2", ""]), "kind": pick(["email", "call", "meeting"]),
                                  "direction": pick(["in", "out", ""]), "outcome": pick(["", "NO_SHOW", "held"]), "body": pick(WORDS),
                                  "at": self.at(600, 10)},
            "bills": lambda: {"amount_minor": money, "currency": currency, "issued_on": self.day(200, 0), "due_on": self.day(120, 30),
                              "paid_on": self.day(60, 2, .4), "failed_on": self.day(40, 0, .8), "disputed_on": self.day(40, 0, .9),
                              "status": pick(["open", "paid", "void", ""])},
            "surveys": lambda: {"kind": "nps", "score": r(11), "comment": pick(WORDS), "at": self.at(200)},
            "deals": lambda: {"name": pick("uvw"), "kind": pick(["new", "upsell", "renewal"]), "amount_minor": money, "currency": currency,
                              "created_on": self.day(200, 0), "close_on": self.day(40, 60), "is_closed": pick(["", "true"]),
                              "is_won": pick(["", "true"])},
            "notices": lambda: {"kind": pick(["cancel", "downgrade", "non_renewal"]), "noticed_on": self.day(150, 2),
                                "effective_on": self.day(60, 90, .4), "amount_minor": money, "currency": currency, "text": pick(WORDS)},
            "rates": lambda: {"rate_nano": f"0.{r(80, 99)}"},
            "others": lambda: {"name": f"Account {r(40)}", "domain": f"d{r(40)}.example", "external_id": ""},
            "calls": lambda: {"kind": "call", "direction": pick(["in", "out"]), "at": self.at(100)},
        }[name]()

    def add(self, name):
        self.n += 1
        key = f"{name[0]}{name[2]}{self.n}"
        row = self.values(name)
        if name == "accounts":
            row.update(name=f"Account {self.n}", domain=f"d{self.n}.example")
        elif name == "calls":
            row["account"] = self.chance.choice(list(self.rows["others"]))
        elif FILES[name][1] == "name":
            row["account"] = self.rows["accounts"][self.account()]["name"] if self.chance.random() < .9 else f"Account {self.n + 40}"
        elif FILES[name][1]:
            row["account"] = self.account() if self.chance.random() < .95 else f"cc{self.n + 3}"
        self.rows[name][key] = row

    def change(self, name, key):
        row, new = self.rows[name][key], self.values(name)
        for column in self.chance.sample(list(new), min(len(new), self.chance.randint(1, 3))):
            row[column] = new[column]
        if name in ("accounts", "contracts", "exchanges", "bills") and self.chance.random() < .2:
            row["gone"] = "" if row.get("gone") else "yes"
        if FILES[name][1] == "key" and name != "calls" and self.chance.random() < .1:
            row["account"] = self.account()

    def edit(self, n):
        """Some rows of some files, as a day brings them."""
        for _ in range(n):
            name = self.chance.choice([f for f in FILES if f != "usage"])
            if self.chance.random() < .3 and name not in ("people", "rates"):
                self.add(name)
            else:
                self.change(name, self.chance.choice(list(self.rows[name])))
        for _ in range(n):
            self.use(self.account(), self.on - datetime.timedelta(self.chance.choice([0, 0, 0, 1, 5, 30, 200])))

    def texts(self):
        for name, (entity, by, columns) in FILES.items():
            out = io.StringIO()
            head = ([] if entity == "usage" else ["id", "gone"]) + (["account"] if by else []) + columns
            table = csv.DictWriter(out, head, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows({**row, **({} if entity == "usage" else {"id": key})} for key, row in self.rows[name].items())
            yield name, out.getvalue()


KEPT = ("DELETE FROM account_pack; DELETE FROM pack_made; INSERT INTO pack_stale SELECT id FROM account WHERE true ON CONFLICT DO NOTHING; "
        "DELETE FROM outcome_pack; DELETE FROM base_kept; DELETE FROM nrr_closed; DELETE FROM linked")
SAID = ("SELECT day, account_id, risk, readiness, confidence, risk_band, readiness_band, value_minor, currency FROM score_day ORDER BY 1, 2",
        "SELECT * FROM score_signal ORDER BY 1, 2, 3, 4", "SELECT * FROM finding ORDER BY 1", "SELECT * FROM told_outcome ORDER BY 1",
        "SELECT day, kind, note FROM finding_event ORDER BY id", "SELECT content FROM digest ORDER BY id",
        "SELECT * FROM nrr_report ORDER BY 1, 2, 3", "SELECT * FROM nrr_restatement ORDER BY 1, 2, 3")


class Two:
    """The two copies: their configurations differ in where they keep their state."""

    def __init__(self, case, world):
        self.case, self.world = case, world
        self.zone, self.policy, self.n_said = "Europe/Paris", "", 0
        case.org("title: x\n")
        shutil.copytree(case.tmp / "config", case.tmp / "config2")
        (case.tmp / "config2/retaind.yaml").write_text(f"state: {case.tmp}/state2\n")
        self.configure()

    def configure(self):
        for config in ("config", "config2"):
            path = self.case.tmp / config / "orgs/acme.yaml"
            path.write_text(org(self.case.tmp / "files", self.zone, self.policy, self.world.with_bills))

    def write(self):
        for name, text in self.world.texts():
            self.case.write(f"files/{name}.csv", text)

    def database(self, second=False):
        return self.case.tmp / ("state2" if second else "state") / "orgs/acme/retaind.db"

    def forget(self):
        if self.database(True).exists():
            with contextlib.closing(sqlite3.connect(self.database(True))) as db, db:
                db.executescript(KEPT)

    def say(self, *args, hour=9):
        """A command to both; what they said."""
        now = f"{self.world.on}T{hour:02d}:00:00Z"
        first = self.case.retaind(*args, "--now", now, expect=None)
        self.forget()
        second = self.case.retaind(*args, "--now", now, expect=None, config=self.case.tmp / "config2")
        for one, other in ((first.returncode, second.returncode), (first.stdout, second.stdout), (first.stderr, second.stderr)):
            assert one == str(other).replace("state2", "state") if isinstance(other, str) else one == other, \
                f"{args} on {self.world.on}: with what is kept\n{str(one)[-1500:]}\nand without\n{str(other)[-1500:]}"
        self.n_said += 1
        return first

    def rows(self, sql, second=False):
        with contextlib.closing(sqlite3.connect(self.database(second))) as db:
            return db.execute(sql).fetchall()

    def compare(self):
        for sql in SAID:
            ours, theirs = self.rows(sql), self.rows(sql, True)
            assert ours == theirs, (self.world.on, sql, [p for p in zip(ours, theirs) if p[0] != p[1]][:3], len(ours), len(theirs))


def answer(two):
    """Somebody says something of a finding, or of a band."""
    chance = two.world.chance
    findings = two.rows("SELECT id, account_id FROM finding WHERE closed_on IS NULL")
    if not findings:
        return
    finding, account = map(str, chance.choice(findings))
    two.say(*chance.choice([("lost", finding), ("done", finding), ("dismiss", finding, "--reason", "data_wrong"), ("ack", finding), ("expanded", finding),
                            ("snooze", finding, "--until", (two.world.on + datetime.timedelta(4)).isoformat()), ("reopen", finding),
                            ("override", account, "--engine", "defense", "--band", "at_risk", "--reason", "x", "--by", "ann")]))


def look(two, as_of):
    """What is asked of a day; each says the same from what is kept and without."""
    chance, day = two.world.chance, as_of.isoformat()
    accounts = [str(row[0]) for row in two.rows("SELECT id FROM account WHERE main_id IS NULL")]
    for account in chance.sample(accounts, 2):
        two.say("explain", account, "--as-of", day, "--format", "json")
    for args in (("accounts",), ("accounts", "--hidden"), ("nrr",), ("nrr", "--by", "owner")):
        two.say(*args, "--as-of", day, "--format", "json")
    two.say("preview", "--owner", chance.choice(OWNERS + ["max@acme.example"]))


def live(case, seed, n_days, n_accounts, with_bills=True):
    """Weeks in which rows, settings, clock and answers change."""
    world = World(seed, n_accounts, with_bills)
    two, chance = Two(case, world), world.chance
    for i in range(n_days):
        two.write()
        two.say("pull", "-q")
        two.say("score", "-q")
        if chance.random() < .7:
            look(two, world.on)
        if chance.random() < .5:
            answer(two)
        if chance.random() < .5:  # later on the same day
            world.edit(3)
            two.write()
            two.say("pull", "-q", hour=14)
            two.say("score", "-q", hour=14)
            look(two, world.on)
        two.say("digest", hour=15)
        if chance.random() < .3:
            past = world.on - datetime.timedelta(chance.choice([1, 3, 20, 40, 100, 200]))
            if chance.random() < .5:
                two.say("score", "-q", "--as-of", past.isoformat())
            look(two, past)
        if chance.random() < .08:
            two.zone = chance.choice(["Europe/Paris", "America/Los_Angeles", "Asia/Tokyo"])
        if chance.random() < .08:
            two.policy = chance.choice(["", "nrr: { past_due_days: 30 }\n", "score: { stale_days: 9 }\n"])
        two.configure()
        two.compare()
        world.on += datetime.timedelta(chance.choice([1, 1, 1, 1, 2, 3, 7, 35] + [-1] * (i > 2)))
        world.edit(chance.choice([0, 1, 5, 12]))
    return two


def test_nothing_that_is_said_depends_on_what_is_kept(case):
    """score, explain, accounts, digest, nrr and preview say the same with and without packs, outcomes, base and closed months, whatever changes"""
    n_days, n_accounts = (40, 60) if HEAVY else (2 if SANITIZED else 3, 30)
    two = live(case, 3, n_days, n_accounts)  # in this one identity takes a notice from its account on the second day
    print(f"         {two.n_said} commands on {n_days} days")


if HEAVY:
    def test_other_weeks_say_the_same_too(case):
        """the same for other organisations and histories, with bills and without"""
        for seed in range(6):
            shutil.rmtree(case.tmp)
            case.tmp.mkdir()
            live(case, seed, 40, 40, seed % 2 == 0)


run(globals())
