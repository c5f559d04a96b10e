#!/usr/bin/env python3
"""Nothing dated later is seen: what is said of a day is the same with and without all that came after it, for facts of every
kind, findings, feedback and the scores' own history. And the same input gives the same bytes wherever it is run."""
import contextlib
import csv
import datetime
import hashlib
import random
import shutil
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import HEAVY, SANITIZED, run  # noqa: E402

ACCOUNTS = 60 if HEAVY else 15 if SANITIZED else 25
WEEKS = 30 if HEAVY else 8
PAIRS = 1000 if HEAVY else 30 if SANITIZED else 200
BEGIN, FIRST_PULL = datetime.date(2024, 10, 1), datetime.date(2025, 9, 1)
DAY = datetime.timedelta(days=1)
ENTITIES = {  # entity: its fields, key first; an account's rows know it by key
    "account": "key name domain segment region plan csm_key am_key seats currency renewal_on created_on parent_key",
    "subscription": "key account product plan seats mrr_minor currency start_on end_on renewal_on cancel_notice_on is_trial "
                    "end_reason is_auto_renew kind discount_minor discount_ends_on paid_until_on paused_on resumes_on amount_from_on",
    "contact": "key account name email role is_key created_on left_on",
    "limit": "key account metric value from_on",
    "ticket": "key account contact_key subject body category priority opened_at closed_at first_reply_at satisfaction is_escalated",
    "interaction": "key account contact_key kind direction outcome subject body at",
    "invoice": "key account amount_minor currency issued_on due_on paid_on failed_on disputed_on status",
    "survey": "key account contact_key kind score comment at",
    "opportunity": "key account name kind stage amount_minor currency created_on close_on is_closed is_won",
    "notice": "key account kind noticed_on effective_on text",
    "rate": "key currency base rate_on rate_nano",
}
PLAIN = ["Thanks, the export works again.", "Bonjour, tout va bien.", "See you on Tuesday."]
TEXTS = PLAIN * 8 + ["We are thinking of leaving at the end of the term.", "Could we get API access for our team?",
         "This is unacceptable, it failed again.", "Please cancel our subscription.", "Merci de nous dire comment exporter nos donnees.",
         "Our champion Dana leaves the company next month.", "We would need fewer seats next year."]
PLACES = [{"LC_ALL": "C", "TZ": "UTC"}, {"LC_ALL": "tr_TR.UTF-8", "LANG": "fr_FR.UTF-8", "TZ": "Pacific/Kiritimati", "COLUMNS": "40"}]


class World:
    """What happens, by the day on which it is known: of each row, the values of its fields from a day on."""

    def __init__(self, seed):
        self.random, self.late = random.Random(seed), random.Random(-seed)
        self.rows = {entity: {} for entity in ENTITIES}
        self.usage = []  # (day, account, contact, metric, value)
        for number in range(ACCOUNTS):
            self.account(f"a{number}", number)
            self.terms(f"a{number}")
        for n in range(0, 400, 7):
            on = BEGIN + DAY * n
            self.put("rate", f"r{n}", on + DAY * self.late.randint(0, 20), currency="EUR", base="USD", rate_on=on, rate_nano=1 + n / 1000)

    def put(self, entity, key, known_on, **values):
        self.rows[entity].setdefault(key, []).append((known_on, {k: str(v) for k, v in values.items()}))

    def day(self, first=0, last=None):
        last = (FIRST_PULL - BEGIN).days + 7 * WEEKS if last is None else last
        return BEGIN + DAY * self.random.randint(first, last)

    def account(self, key, number):
        chance = self.random.random
        began = self.day(-200, 200)
        renewal = began + DAY * self.random.randint(200, 500)
        self.put("account", key, began, name=f"Account {number}", domain=f"{key}.example", segment=self.random.choice("smb mid big".split()),
                 plan="pro", csm_key="csm@retaind.example", am_key="am@retaind.example", seats=10 + number, currency="EUR",
                 renewal_on=renewal, created_on=began, parent_key="a0" if number % 9 == 8 else "")
        for _ in range(2):
            self.put("account", key, self.day(50), segment=self.random.choice("smb mid big".split()), plan=self.random.choice(["pro", "max"]),
                     renewal_on=self.day(300, 900))
        self.contract(key, began, renewal)
        people = [f"{key}-c{i}" for i in range(3)]
        for i, person in enumerate(people):
            self.put("contact", person, began, account=key, name=f"Person {i}", email=f"{person}@{key}.example", created_on=began,
                     role="champion" if i == 0 else "user", is_key=int(i == 0))
            if chance() < 0.4:
                left = self.day(100)
                self.put("contact", person, left, left_on=left)
        self.events(key, people)
        self.use(key, people, began)

    def contract(self, key, began, renewal):
        chance, s = self.random.random, f"{key}-s"
        self.put("subscription", s, began, account=key, product="core", plan="pro", seats=10, mrr_minor=self.random.randint(100, 9000),
                 currency="EUR", start_on=began, renewal_on=renewal, is_trial=0, is_auto_renew=1)
        for _ in range(2):
            self.put("subscription", s, self.day(100), seats=self.random.randint(3, 40), mrr_minor=self.random.randint(100, 9000),
                     is_auto_renew=int(chance() < 0.5))
        if chance() < 0.3:
            told = self.day(250)
            ends = told + DAY * self.random.randint(0, 60)
            self.put("subscription", s, told, end_on=ends, cancel_notice_on=told)
            self.put("subscription", s, ends, end_reason=self.random.choice(["unpaid", "completed", "left"]))
            self.put("notice", f"{key}-n", told, account=key, kind=self.random.choice(["cancel", "downgrade", "non_renewal"]),
                     noticed_on=told, effective_on=ends, text=self.random.choice(TEXTS))
        self.put("limit", f"{key}-l", began, account=key, metric="exports", value=30, from_on=began)
        self.put("limit", f"{key}-l", self.day(100), value=self.random.randint(10, 60))
        for month in range(24):
            issued = began + DAY * (30 * month)
            self.put("invoice", f"{key}-i{month}", issued, account=key, amount_minor=500, currency="EUR", issued_on=issued,
                     due_on=issued + 30 * DAY, status="open")
            fate = self.random.choice(["paid_on"] * 40 + ["failed_on", "disputed_on", None])
            on = issued + DAY * self.random.randint(1, 36 if chance() < 0.9 else 80)
            if fate:
                self.put("invoice", f"{key}-i{month}", on, **{fate: on, "status": "paid" if fate == "paid_on" else "open"})

    def terms(self, key):
        """Contracts that are told of late, corrected, paused, and at a discount."""
        late, told = self.late.randint, BEGIN + DAY * self.late.randint(250, 380)
        self.put("subscription", f"{key}-x", told, account=key, product="addon", mrr_minor=late(100, 900), currency="EUR",
                 start_on=told - DAY * late(0, 90), kind=self.late.choice(["", "usage", "service"]), discount_minor=5)
        self.put("subscription", f"{key}-x", told + DAY * late(1, 30), mrr_minor=late(100, 900), amount_from_on=told - DAY * late(0, 90))
        self.put("subscription", f"{key}-x", told + DAY * late(1, 30), paused_on=told - DAY * late(0, 9), resumes_on=told + DAY * late(9, 60))
        self.put("account", key, told, region=self.late.choice(["DE", "FR"]))

    def events(self, key, people):
        pick, chance = self.random.choice, self.random.random
        for n in range(self.random.randint(1, 8)):
            opened = self.day(0)
            closed = opened + DAY * self.random.randint(0, 40)
            self.put("ticket", f"{key}-t{n}", opened, account=key, contact_key=pick(people), subject="Export", body=pick(TEXTS),
                     category=pick(["bug", "question"]), priority=pick(["low", "high", "urgent"]), opened_at=f"{opened} 09:00",
                     is_escalated=0)
            self.put("ticket", f"{key}-t{n}", opened + 2 * DAY, first_reply_at=f"{opened + 2 * DAY} 10:00", priority="high")
            self.put("ticket", f"{key}-t{n}", closed, closed_at=f"{closed} 16:00", satisfaction=self.random.randint(1, 5),
                     is_escalated=int(chance() < 0.2))
        for n in range(self.random.randint(5, 40)):
            at = self.day(0)
            self.put("interaction", f"{key}-x{n}", at, account=key, contact_key=pick(people), kind=pick(["email", "meeting", "call", "note"]),
                     direction=pick(["in", "out"]), subject="Hello", body=pick(TEXTS), at=f"{at} 11:00")
            if chance() < 0.3:
                self.put("interaction", f"{key}-x{n}", at + 3 * DAY, outcome=pick(["held", "no_show", "postponed"]))
        for n in range(2):
            at = self.day(100)
            self.put("survey", f"{key}-q{n}", at, account=key, contact_key=pick(people), kind="nps", score=self.random.randint(0, 10),
                     comment=pick(TEXTS), at=f"{at} 12:00")
        made = self.day(100)
        won = made + DAY * self.random.randint(5, 90)
        self.put("opportunity", f"{key}-o", made, account=key, name="More seats", kind=pick(["upsell", "renewal", "cross_sell"]), stage="open",
                 amount_minor=900, currency="EUR", created_on=made, close_on=made + 60 * DAY, is_closed=0, is_won=0)
        self.put("opportunity", f"{key}-o", won, stage="closed", close_on=won, is_closed=1, is_won=int(chance() < 0.5))

    def use(self, key, people, began):
        rate, quiet_from = self.random.random(), self.day(200) if self.random.random() < 0.5 else datetime.date.max
        grows = self.random.random() < 0.3
        for day in (BEGIN + DAY * n for n in range((FIRST_PULL - BEGIN).days + 7 * WEEKS + 1)):
            if day < began or day.weekday() > 4:
                continue
            for person in people:
                if self.random.random() < (rate if day < quiet_from else rate / 10):
                    more = 1 + (day - BEGIN).days // 60 if grows else 1
                    self.usage.append((day, key, person, "logins", more * self.random.randint(1, 9)))
            if self.random.random() < rate:
                self.usage.append((day, key, "", "exports", self.random.randint(1, 40 + ((day - BEGIN).days // 10 if grows else 0))))

    def write(self, folder, since, day):
        """Whole lists as they are known on the day; usage of the days since the pull before."""
        for entity, fields in ENTITIES.items():
            names = fields.split()
            with open(folder / f"{entity}.csv", "w", newline="") as file:
                out = csv.DictWriter(file, names, restval="")
                out.writeheader()
                for key, changes in self.rows[entity].items():
                    first, row = min(changes, key=lambda change: change[0])[0], {"key": key}
                    for _, values in sorted((c for c in changes if c[0] <= day), key=lambda change: change[0]):
                        row.update(values)
                    if first <= day and (entity in ("account", "rate") or row.get("account")):
                        out.writerow(row)
        with open(folder / f"usage-{day}.csv", "w", newline="") as file:
            out = csv.writer(file)
            out.writerow("day account contact_key metric value".split())
            out.writerows((d, a, c, m, v) for d, a, c, m, v in self.usage if since < d <= day)


def org_yaml(folder):
    text = f"title: Leak\nzone: UTC\ncurrency: EUR\nsources:\n  files:\n    connector: csv\n    folder: {folder}\n    files:\n"
    for entity, fields in {**ENTITIES, "usage": "day account contact_key metric value"}.items():
        text += f"      {entity}s:\n        match: \"{entity}{'-*' if entity == 'usage' else ''}.csv\"\n        entity: {entity}\n"
        text += "        aggregate: sum\n" if entity == "usage" else "        key: key\n"
        text += "        account: {from: account, by: key}\n" if entity not in ("account", "rate") else ""
        text += "        map:\n"
        for field in fields.split():
            if field not in ("key", "account"):
                instant = ", format: \"%Y-%m-%d %H:%M\"" if field.endswith("at") and entity != "account" and field != "at_risk" else ""
                text += f"          - {{to: {field}, from: {field}{instant}}}\n"
    return text + "score:\n  bands: {watch: 2, at_risk: 5, emerging: 1.3, ready: 2}\n"


def now(day):
    return f"{day}T20:00:00Z"


def live(case, seed, keep=None, env=None):
    """A life of weekly pulls, scores and feedback; keep is called with each day when it is over. Returns the days."""
    world, days = World(seed), [FIRST_PULL + 7 * n * DAY for n in range(WEEKS)]
    exports = case.tmp / "exports"
    shutil.rmtree(exports, ignore_errors=True)
    shutil.rmtree(case.tmp / "state", ignore_errors=True)
    exports.mkdir()
    case.org(org_yaml(exports), name="leak")
    since, chance = datetime.date.min, random.Random(seed)
    for day in days:
        world.write(exports, since, day)
        since = day
        case.retaind("pull", "-q", "--now", now(day), env=env)
        case.retaind("score", "-q", "--now", now(day), env=env)
        found = [i for (i,) in case.query("SELECT id FROM finding WHERE closed_on IS NULL AND state = 'open' ORDER BY id", name="leak")]
        for finding in found:
            what = chance.random()
            if what < 0.1:
                case.retaind("dismiss", str(finding), "--reason", "known", "--now", now(day), env=env)
            elif what < 0.2:
                case.retaind("ack", str(finding), "--now", now(day), env=env)
        if keep:
            keep(day)
    return days


def test_nothing_dated_later_is_seen(case):
    """What explain says of an account and a day is the same to the byte before and after everything that came later."""
    chance, told = random.Random(1), []
    days = [FIRST_PULL + 7 * n * DAY for n in range(WEEKS)]
    pairs = chance.sample([(f"a{i}", day) for day in days for i in range(ACCOUNTS)], min(PAIRS, ACCOUNTS * WEEKS))

    def ask(key, day, today):
        form = "json" if int(key[1:]) % 2 else "table"
        answer = case.retaind("explain", key, "--as-of", str(day), "--format", form, "--now", now(today), expect=None)
        return answer.returncode, answer.stdout

    live(case, 7, keep=lambda today: told.extend((key, day, ask(key, day, today)) for key, day in pairs if day == today))
    assert len(told) == len(pairs) and sum(code == 0 for _, _, (code, _) in told) > 0.8 * len(pairs)
    for key, day, then in told:
        later = ask(key, day, days[-1])
        assert then == later, f"{key} {day}\n{then[1]}\n---\n{later[1]}"
    for table in ("ticket", "interaction", "invoice", "survey", "opportunity", "notice", "contact", "account_limit", "usage_detail",
                  "finding_event", "score_signal", "rate"):
        assert case.query(f"SELECT count(*) FROM {table}", name="leak")[0][0] > 0, table
    bands = {band for (band,) in case.query("SELECT DISTINCT risk_band FROM score_day", name="leak")}
    assert bands == {0, 1, 2}, bands


def scores(case):
    return [case.query(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4", name="leak") for table in ("score_day", "score_signal")]


def test_scores_of_past_days_come_out_again(case):
    """Every scored day, scored again when all is known, gets the very scores and signals that it got then; findings stay."""
    days = live(case, 8)
    then, findings = scores(case), case.query("SELECT * FROM finding ORDER BY id", name="leak")
    assert len(then[0]) > 0.7 * ACCOUNTS * WEEKS * 0.5
    for day in days[:-1]:
        case.retaind("score", "-q", "--as-of", str(day), "--now", now(days[-1]))
    assert scores(case) == then
    assert case.query("SELECT * FROM finding ORDER BY id", name="leak") == findings


def dump(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()


def test_the_same_input_gives_the_same_bytes_anywhere(case):
    """Two lives on the same input, under another locale and time zone, give the same database and the same explanations."""
    results = []
    for place in PLACES:
        days = live(case, 9, env=place)
        texts = [case.retaind("explain", f"a{i}", "--as-of", str(day), "--format", form, "--now", now(days[-1]), env=place, expect=None).stdout
                 for i in range(0, ACCOUNTS, 5) for day in days[::5] for form in ("table", "json")]
        results.append((dump(case.database("leak")), texts))
    assert results[0][0] == results[1][0], "the databases differ"
    assert results[0][1] == results[1][1] and any(results[0][1])


if __name__ == "__main__":
    run(globals())
