#!/usr/bin/env python3
"""Fernhill, a made-up vendor with five accounts that everybody in the trade has met, for `retaind explain`.

A champion who went silent, a payment that failed, a request to downgrade, seats that are full, and an account that is well
and needs nothing. Forty-one others around them are what is usual, and some of those left in the two years before. It is all
written as CSV files and goes through the real pull; names are invented and everything is made from one seed.

`make readme` puts what the program prints into README.md.
"""
import csv
import random
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 6, 16)  # Tuesday: the morning on which the five are explained
FIRST = DAY - timedelta(days=760)
# Scored as the daemon would have, only less often long ago: every week of a year, then every day.
SCORED = [DAY - timedelta(days=n) for n in range(364, 7, -7)] + [DAY - timedelta(days=n) for n in range(7, -1, -1)]

# What README.md shows: account, what it is an example of.
ARCHETYPES = [("Aldgate Textiles", "A champion who went silent"), ("Borrowdale Motors", "A payment that failed"),
              ("Castellan Insurance", "A request to downgrade"), ("Dunmore Robotics", "Seats that are full"),
              ("Elmsworth Clinics", "Well, and not ready for more")]

# name, segment, monthly EUR, seats, people at work, days as a customer, days to renewal, story
NAMED = [
    ("Aldgate Textiles", "Mid-market", 3900, 16, 8, 640, 75, "champion_silent"),
    ("Borrowdale Motors", "Mid-market", 5200, 18, 11, 520, 160, "payment_failed"),
    ("Castellan Insurance", "Enterprise", 14800, 40, 19, 730, 61, "downgrade_asked"),
    ("Dunmore Robotics", "Mid-market", 4400, 30, 30, 560, 54, "seats_full"),
    ("Elmsworth Clinics", "Mid-market", 4100, 20, 11, 600, 210, "steady"),
]
OTHERS = ("Abbotsley Aldermoor Ampthill Barford Belstead Brinkley Cawston Chilworth Dalham Denston Eastnor Elmdon Fairburn Farley "
          "Gayton Godstow Hadley Harlton Ickford Kelling Lamport Ludham Marston Melbury Norbury Oakham Padbury Quenby Radley Selham "
          "Tackley Ulting Varley Wansted Yelling Zennor Astley Burrough Colby Dorney Ewhurst").split()
TRADES = "Foods Freight Media Labs Homes Press Travel Legal Energy Schools".split()
# Of the others: how long before DAY the story came to its end, and whether they left then. (The champion of one who stayed was
# replaced; so it is not always the end.)
PAST = {0: ("champion_silent", 260, True), 3: ("champion_silent", 215, True), 6: ("champion_silent", 170, False),
        9: ("champion_silent", 120, True), 12: ("fades", 330, True), 15: ("fades", 240, True), 18: ("fades", 190, False),
        21: ("fades", 100, True), 24: ("payment_failed", 230, True), 27: ("payment_failed", 150, False),
        30: ("downgrade_asked", 140, True), 33: ("seats_full", 150, False), 36: ("seats_full", 205, False), 39: ("seats_full", 110, False)}
GREW = (33, 36)  # of those whose seats were full: who bought half as many again
PEOPLE = ("Ana Ben Chloé Dario Emma Farid Greta Hugo Iris Jamal Karin Léo Mina Nils Olga Paul Rosa Sven Tara Umar Vera Wim Yara Zoé "
          "Alba Bram Cleo Dina Elio Faye").split()
SURNAMES = "Marsh Keller Novak Ortiz Blanc Haddad Lund Rossi Weber Okoye".split()
DOWNGRADE = "We would like to downgrade to the Team plan at renewal, half of the seats are enough for us."


class Account:
    def __init__(self, number, row, past=None, grows=False):
        self.name, self.segment, self.monthly, self.seats, people, days, renewal, self.story = row
        self.id = f"F-{101 + number}"
        self.rng = random.Random(f"fernhill {number}")
        self.since = DAY - timedelta(days=days)
        # `now` is the morning that the story is told for: today, or the day on which a past one ended.
        ago, leaves = past or (0, False)
        self.now = DAY - timedelta(days=ago)
        self.end = self.now if leaves else None
        self.is_over = bool(past) and not leaves
        self.grows = grows
        self.renewal = self.now if leaves else self.now + timedelta(days=renewal)
        while self.renewal < DAY and not leaves:
            self.renewal += timedelta(days=365)
        host = self.name.split()[0].lower() + ".example"
        self.people = []
        for i in range(people):
            first, last = PEOPLE[(i * 7 + number) % len(PEOPLE)], SURNAMES[(i + number) % len(SURNAMES)]
            self.people.append({"key": f"{self.id}-{i}", "name": f"{first} {last}", "email": f"p{i}@{host}",
                                "role": ("champion", "decision_maker", "user")[min(i, 2)], "team": "Planning" if i < people * 2 // 3 else "Operations",
                                "rate": 0.9 if i == 0 else self.rng.uniform(0.45, 0.85), "volume": self.rng.uniform(3, 12)})

    def plan(self):
        return "Scale" if self.seats >= 30 else "Team" if self.monthly < 2500 else "Business"


def accounts():
    rng = random.Random(20260616)
    rows = [Account(n, row) for n, row in enumerate(NAMED)]
    for n, name in enumerate(OTHERS):
        people, small = rng.randrange(5, 12), rng.random() < 0.4
        story, *past = PAST.get(n, ("steady", 0, False))
        seats = people * 2 + rng.randrange(4)
        rows.append(Account(len(NAMED) + n, (
            f"{name} {TRADES[n % len(TRADES)]}", "SMB" if small else "Mid-market",
            100 * rng.randrange(8, 20) if small else 100 * rng.randrange(25, 60),
            people if story == "seats_full" else seats, people, rng.randrange(460, 750), rng.randrange(100, 330), story),
            past if n in PAST else None, n in GREW))
    return rows


def season(day):
    """What everybody shares: weekends are quiet, and so are the turn of the year and mid-August."""
    factor = 0.05 if day.weekday() >= 5 else 1.0
    if (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 3) or (day.month == 8 and 8 <= day.day <= 20):
        factor *= 0.35
    return factor


def presence(account, i, day):
    """How much of its usual use person i makes on that day, by the account's story."""
    ago = (account.now - day).days
    if account.story == "champion_silent" and (not account.is_over or ago > 20):
        if i == 0:  # the champion left for another company, and nobody said so
            return 0.0 if ago < 74 else 1.0
        return 1.0 if ago > 66 else 0.75 if ago > 45 else 0.4 if i < 4 else 0.0
    if account.story == "fades" and (not account.is_over or ago > 20):
        return 1.0 if ago > 110 else 0.55 if ago > 70 else 0.25 if ago > 35 else (0.08 if i < 3 else 0.0)
    if account.story == "seats_full":
        half = len(account.people) // 2  # half of them were always there, the others joined one by one
        joined = 210 - 180 * (i - half) // half
        return 1.0 if i < half or ago < joined else 0.0
    return 1.0


def sessions(account):
    rows = []
    day = max(FIRST, account.since)
    while day < DAY and (not account.end or day < account.end):
        for i, person in enumerate(account.people):
            factor = presence(account, i, day) * season(day)
            chance, size = account.rng.random(), account.rng.random()
            if chance < person["rate"] * factor:
                team = "Field" if account.story == "seats_full" and i >= 24 else person["team"]
                rows.append((account.id, day.isoformat(), max(1, round(person["volume"] * (0.6 + 0.8 * size))), person["email"], team))
        day += timedelta(days=1)
    return rows


def at(day, hour):
    return f"{day.isoformat()}T{hour:02d}:00:00Z"


def messages(account):
    """A monthly summary of ours and mostly an answer of theirs; a meeting a quarter."""
    rows, day, n = [], account.since + timedelta(days=account.rng.randrange(10)), 0
    last = min(DAY, account.end or DAY)
    while day < last:
        ago = (account.now - day).days
        is_quiet = account.story in ("champion_silent", "fades") and ago < 70 and not (account.is_over and ago < 20)
        answer, meeting = day + timedelta(days=1 + account.rng.randrange(2)), day + timedelta(days=5)
        rows.append(("email", "out", at(day, 9), "", "Your planning figures", "Here is the summary we agreed on."))
        if not is_quiet and answer < last:
            rows.append(("email", "in", at(answer, 14), account.people[0]["email"], "Re: Your planning figures", "Thanks, all clear on our side."))
        if n % 6 == 0 and not is_quiet and meeting < last:
            rows.append(("meeting", "", at(meeting, 13), account.people[1]["email"], "Quarterly review", "Went through the figures together."))
        day, n = day + timedelta(days=14), n + 1
    return [(f"M-{account.id}-{i}", account.id, *row) for i, row in enumerate(rows)]


def tickets(account):
    rows = [("How do I add a planner?", "We have a new colleague, where do I add them?", "low", 95, 94)]
    if account.story == "downgrade_asked":
        rows.append(("Plan change", DOWNGRADE, "medium", 2 if account.now == DAY else 25, None))
    if account.story == "seats_full":
        rows.append(("Seats", "Could you tell us what ten more seats would cost? The field team waits for theirs.", "medium", 6, 5))
    return [(f"T-{account.id}-{i}", account.id, subject, body, priority, at(account.now - timedelta(days=opened), 10),
             at(account.now - timedelta(days=closed), 15) if closed is not None else "")
            for i, (subject, body, priority, opened, closed) in enumerate(rows) if account.now - timedelta(days=opened) > account.since]


def invoices(account):
    rows, day = [], date(account.since.year, account.since.month, 1)
    while day < min(DAY, account.end or DAY):
        ago = (account.now - day).days
        paid, failed = day + timedelta(days=8), ""
        if account.story == "payment_failed" and ago < 40:
            failed = (account.now - timedelta(days=4)).isoformat() if ago < 20 else (day + timedelta(days=12)).isoformat()
            paid = account.now + timedelta(days=6) if account.is_over else None
        if day >= account.since:
            rows.append((f"I-{account.id}-{day:%Y%m}", account.id, f"{account.monthly}.00", day.isoformat(), (day + timedelta(days=14)).isoformat(),
                         paid.isoformat() if paid and paid < DAY else "", failed))
        day = (day + timedelta(days=32)).replace(day=1)
    return rows


def subscriptions(account):
    """One, or one and the one with half as many seats again that came in its place."""
    end, renewal = account.end.isoformat() if account.end else "", account.renewal.isoformat()
    first = [f"S-{account.id}", account.id, account.plan(), account.seats, f"{account.monthly}.00", account.since.isoformat(), end, renewal]
    if not account.grows:
        return [first]
    first[6] = account.now.isoformat()
    return [first, [f"S-{account.id}-2", account.id, account.plan(), account.seats * 3 // 2, f"{account.monthly * 3 // 2}.00", account.now.isoformat(),
                    end, renewal]]


def write(folder):
    """All of Fernhill as CSV files."""
    def table(name, header, rows):
        with open(Path(folder) / f"{name}.csv", "w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(header)
            writer.writerows(rows)

    everybody = accounts()
    table("accounts", ("id", "name", "segment", "plan", "since"), [(a.id, a.name, a.segment, a.plan(), a.since.isoformat()) for a in everybody])
    table("contacts", ("id", "account", "name", "email", "role", "team", "since"),
          [(p["key"], a.id, p["name"], p["email"], p["role"], p["team"], a.since.isoformat()) for a in everybody for p in a.people])
    table("subscriptions", ("id", "account", "plan", "seats", "monthly", "start", "end", "renews"), [row for a in everybody for row in subscriptions(a)])
    table("sessions", ("account", "day", "count", "person", "team"), [row for a in everybody for row in sessions(a)])
    table("messages", ("id", "account", "kind", "direction", "at", "person", "subject", "body"), [row for a in everybody for row in messages(a)])
    table("tickets", ("id", "account", "subject", "body", "priority", "opened", "closed"), [row for a in everybody for row in tickets(a)])
    table("invoices", ("id", "account", "amount", "issued", "due", "paid", "failed"), [row for a in everybody for row in invoices(a)])


def configure(home, files=None):
    """A configuration folder with the shipped settings and Fernhill, whose files are said to be in another folder where one is
    given (so that it is the same configuration); returns it."""
    home, files = Path(home), files or home
    shutil.copytree(ROOT / "config", home / "config", dirs_exist_ok=True)
    shutil.rmtree(home / "config/orgs", ignore_errors=True)
    (home / "config/orgs").mkdir()
    (home / "exports").mkdir(exist_ok=True)
    text = (ROOT / "tests/data/archetypes/fernhill.yaml").read_text()
    (home / "config/orgs/fernhill.yaml").write_text(text.replace("@EXPORTS@", f"{files}/exports").replace("@DIGESTS@", f"{files}/digests"))
    (home / "config/retaind.yaml").write_text(f"state: {home}/state\n")
    for path in [home / "config", *(home / "config").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return home / "config"


def command(binary, config, *arguments):
    done = subprocess.run([str(binary), arguments[0], "--config", str(config), *arguments[1:]], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    if done.returncode:
        raise AssertionError(f"retaind {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def build(binary, home):
    """Writes the files, pulls them and scores the days of SCORED; returns the configuration folder."""
    config = configure(home)
    write(Path(home) / "exports")
    command(binary, config, "pull", "-q")
    for day in SCORED:
        command(binary, config, "score", "-q", "--as-of", day.isoformat())
    return config


def explained(binary, config, name):
    return command(binary, config, "explain", name, "--as-of", DAY.isoformat())


BEGIN, END = "<!-- archetypes: begin -->\n", "<!-- archetypes: end -->\n"


def readme_part(binary, config):
    """What stands between the marks of README.md."""
    parts = []
    for name, what in ARCHETYPES:
        text = "".join(line.rstrip() + "\n" for line in explained(binary, config, name).rstrip().splitlines())
        parts.append(f"**{what}**\n\n```text\n$ retaind explain '{name}'\n{text}```\n")
    return BEGIN + "\n".join(parts) + END


def main():
    binary, readme = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="retaind-archetypes-") as home:
        part = readme_part(binary, build(binary, home))
    text = readme.read_text()
    before, after = text[:text.index(BEGIN)], text[text.index(END) + len(END):]
    readme.write_text(before + part + after)


if __name__ == "__main__":
    main()
