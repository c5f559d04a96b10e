"""The small fictional company of `make demo`: Lumen Desk sells a customer-service suite to 24 companies.

Everything is made from the table below with a fixed seed; names are invented. `last` is the last day that is over: on the
morning of DAY_TWO the systems hold what happened up to the evening of DAY_ONE. What happens to an account is written as a
story (how its people use the product, what they write, what they pay), never as a score.
"""
import csv
import random
from datetime import date, datetime, timedelta, timezone

DAY_ONE = date(2026, 3, 3)   # Tuesday
DAY_TWO = date(2026, 3, 4)
FIRST = DAY_ONE - timedelta(days=420)

CSM, CSM2, AM, MANAGER = "claire.moreau@lumendesk.example", "jonas.berg@lumendesk.example", "tom.okafor@lumendesk.example", "ines.duarte@lumendesk.example"
OWNERS = [("101", CSM, "Claire", "Moreau"), ("102", CSM2, "Jonas", "Berg"), ("103", AM, "Tom", "Okafor"), ("104", MANAGER, "Inès", "Duarte")]

# name, segment, csm, monthly EUR, seats, people who use it, months since start, days to renewal, story
ACCOUNTS = [
    ("Brasserie Maréchal", "Mid-market", "101", 3900, 40, 14, 26, 41, "fades_and_loses_champion"),
    ("Kestrel Logistics", "Mid-market", "101", 5200, 60, 18, 19, 130, "payment_fails"),
    ("Oakline Insurance", "Enterprise", "101", 14800, 150, 26, 31, 75, "asks_to_downgrade_on_day_two"),
    ("Nordhavn Shipping", "Enterprise", "101", 11500, 120, 22, 40, 66, "falls_silent"),
    ("Pixelmoor Studios", "SMB", "101", 900, 12, 7, 14, 58, "cancels_on_day_two"),
    ("Tern & Vale", "Mid-market", "101", 4300, 45, 13, 22, 33, "cools_before_renewal"),
    ("Corvid Media", "Mid-market", "101", 6100, 50, 17, 20, 120, "near_limit_but_angry"),
    ("Bellweather Foods", "Mid-market", "101", 3600, 40, 12, 17, 210, "steady"),
    ("Atlas Robotics", "Enterprise", "102", 12900, 90, 24, 28, 150, "grows_into_its_seats"),
    ("Fjord Analytics", "Mid-market", "102", 4700, 40, 15, 18, 95, "new_teams"),
    ("Solène Health", "Enterprise", "102", 9800, 110, 21, 33, 240, "asks_for_reporting"),
    ("Hollis Freight", "Mid-market", "102", 5400, 55, 16, 24, 180, "over_its_api_limit"),
    ("Quillmark Press", "SMB", "102", 1100, 14, 8, 12, 160, "grows_into_its_seats"),
    ("Vesper Games", "SMB", "102", 1300, 20, 8, 15, 200, "one_day_spike"),
    ("Marlow & Finch", "Mid-market", "102", 3100, 35, 11, 21, 140, "steady"),
    ("Ostrava Steel", "Enterprise", "102", 13500, 160, 25, 38, 260, "steady"),
    ("Juniper Travel", "SMB", "101", 1500, 18, 8, 11, 90, "steady"),
    ("Cobalt Clinics", "Mid-market", "102", 4100, 42, 13, 16, 300, "steady"),
    ("Wrenfield Schools", "Mid-market", "101", 2800, 60, 12, 29, 170, "steady"),
    ("Delacroix Avocats", "SMB", "102", 1200, 15, 7, 13, 220, "steady"),
    ("Harbour & Sons", "SMB", "101", 800, 10, 6, 18, 190, "steady"),
    ("Ingot Finance", "Enterprise", "102", 10200, 100, 20, 27, 330, "grew_last_year"),
    ("Larkspur Homes", "Mid-market", "101", 2500, 30, 10, 23, 250, "shrank_last_year"),
    ("Tidewater Labs", "SMB", "102", 1000, 12, 6, 25, None, "left_last_year"),
]
FIRST_NAMES = "Ana Ben Chloé Dario Emma Farid Greta Hugo Iris Jamal Karin Léo Mina Nils Olga Paul Rosa Sven Tara Umar Vera Wim Yara Zoé Alba Bram".split()
TEAMS = ("Support", "Operations", "Sales", "Finance", "Field")


def slug(name):
    plain = name.lower().replace("é", "e").replace("è", "e").replace("&", "and")
    return "".join(c if c.isalnum() else "-" for c in plain).replace("--", "-").strip("-")


def iso(day, hour=10, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Company:
    def __init__(self, number, row, rng):
        self.name, self.segment, self.csm, self.monthly, self.seats, people, months, renewal, self.story = row
        self.id = str(7000 + number)
        self.domain = slug(self.name) + ".example"
        self.started = DAY_ONE - timedelta(days=months * 30 + number)
        self.renewal = None if renewal is None else DAY_ONE + timedelta(days=renewal)
        names = rng.sample(FIRST_NAMES, min(people, len(FIRST_NAMES)))
        self.contacts = []
        for i in range(people):
            first = names[i % len(names)]
            self.contacts.append({
                "id": f"{self.id}{i:02d}", "first": first, "last": self.name.split()[0],
                "title": ("Head of Service", "Operations Director", "Team Lead")[i] if i < 3 else "Agent",
                "email": f"{slug(first)}.{i}@{self.domain}", "role": ("champion", "decision_maker", "sponsor")[i] if i < 3 else "user",
                "team": TEAMS[0] if i < people * 2 // 3 else TEAMS[1], "rate": rng.uniform(0.55, 0.95), "volume": rng.uniform(4, 18)})


def base_season(day):
    """What everybody shares: weekends are quiet, and so is the turn of the year."""
    factor = 0.06 if day.weekday() >= 5 else (1.0, 1.05, 1.02, 0.98, 0.85)[day.weekday()]
    if (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 3):
        factor *= 0.35
    return factor


def activity(company, i, day):
    """How much of its usual use person i makes on that day (a factor), by the account's story."""
    ago = (DAY_ONE - day).days
    story = company.story
    if story == "left_last_year":
        return 0.0 if ago < 150 else 1.0
    if story == "fades_and_loses_champion":
        if i == 0 and ago < 38:
            return 0.0
        return 1.0 if ago > 75 else 0.30 if ago > 35 else (0.12 if i < 4 else 0.0)
    if story == "falls_silent":
        return 0.0 if ago < 17 else 0.8
    if story == "cools_before_renewal":
        return 1.0 if ago > 60 else 0.40 if ago > 30 else 0.25
    if story in ("grows_into_its_seats", "over_its_api_limit"):
        return 0.65 + 0.45 * max(0.0, min(1.0, (200 - ago) / 200))
    if story == "one_day_spike":
        return 9.0 if ago == 3 else 0.8
    if story == "new_teams":
        return 1.05 if i < len(company.contacts) * 2 // 3 or ago < 20 else 0.0
    return 0.95


def companies():
    rng = random.Random(20260303)
    return [Company(i + 1, row, rng) for i, row in enumerate(ACCOUNTS)]


def write_csv(path, header, rows, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)


def usage_rows(company, last, rng):
    """Sessions per person and day; active people and API calls per account and day."""
    sessions, totals = [], []
    first = max(FIRST, company.started)
    limit = api_limit(company)
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        season, active, total = base_season(day), 0, 0
        for i, person in enumerate(company.contacts):
            factor = activity(company, i, day) * season
            if rng.random() < person["rate"] * min(1.0, factor * 1.1):
                count = max(1, round(rng.gauss(person["volume"], 2.0) * min(9.0, max(factor, 0.3))))
                active, total = active + 1, total + count
                team = TEAMS[2 + i % 2] if company.story == "new_teams" and i >= len(company.contacts) * 2 // 3 else person["team"]
                sessions.append((company.domain, day.isoformat(), "sessions", count, person["email"], team))
        seats_in_use = active if company.story != "grows_into_its_seats" else round(company.seats * (0.72 + 0.25 * min(1.0, n / max(1, (last - first).days))))
        if company.story == "near_limit_but_angry":
            seats_in_use = round(company.seats * 0.96)
        totals.append((company.domain, day.isoformat(), "seats_used", max(seats_in_use, active)))
        share = 1.08 if company.story == "over_its_api_limit" and (DAY_ONE - day).days < 25 else 0.55
        if active or season < 0.5:
            totals.append((company.domain, day.isoformat(), "api_calls", round(limit * share * max(season, 0.05) * rng.uniform(0.93, 1.0) / 1.05)))
    return sessions, totals


def api_limit(company):
    return company.seats * 400


def write_exports(folder, last):
    """The CSV folder: what billing and product analytics export every night, up to and including `last`."""
    rng = random.Random(7)
    subscriptions, sessions, totals, limits, invoices = [], [], [], [], []
    for c in companies():
        steps = [(c.started, None, c.monthly)]
        if c.story == "grew_last_year":
            steps = [(c.started, DAY_ONE - timedelta(days=170), c.monthly * 3 // 4), (DAY_ONE - timedelta(days=170), None, c.monthly)]
        if c.story == "shrank_last_year":
            steps = [(c.started, DAY_ONE - timedelta(days=120), c.monthly * 7 // 5), (DAY_ONE - timedelta(days=120), None, c.monthly)]
        if c.story == "left_last_year":
            steps = [(c.started, DAY_ONE - timedelta(days=140), c.monthly)]
        for n, (start, end, amount) in enumerate(steps):
            subscriptions.append((f"S-{c.id}-{n}", c.domain, "Service Desk", "Business" if c.seats < 80 else "Scale", c.seats, f"{amount}.00", "EUR",
                                  start.isoformat(), end.isoformat() if end else "", c.renewal.isoformat() if c.renewal else ""))
        limits += [(f"{c.domain}/seats", c.domain, "seats_used", c.seats), (f"{c.domain}/api", c.domain, "api_calls", api_limit(c))]
        got = usage_rows(c, last, random.Random(f"{c.id}"))
        sessions += got[0]
        totals += got[1]
        invoices += invoice_rows(c, last)
    write_csv(folder / "subscriptions.csv", ("id", "customer", "product", "plan", "seats", "mrr", "currency", "start", "end", "renews"), subscriptions)
    write_csv(folder / "sessions.csv", ("customer", "day", "metric", "value", "person", "team"), sessions)
    write_csv(folder / "usage.csv", ("customer", "day", "metric", "value"), totals)
    write_csv(folder / "limits.csv", ("id", "customer", "metric", "value"), limits)
    write_csv(folder / "invoices.csv", ("id", "customer", "amount", "currency", "issued", "due", "paid", "failed"), invoices, delimiter=";")
    return {"subscriptions": len(subscriptions), "usage": len(sessions) + len(totals), "invoices": len(invoices)}


def invoice_rows(c, last):
    rows = []
    for month in range(4):
        issued = (last.replace(day=1) - timedelta(days=31 * month)).replace(day=1)
        if issued > last or c.story == "left_last_year" or issued < c.started:
            continue
        due = issued + timedelta(days=14)
        paid = issued + timedelta(days=9)
        failed = ""
        if c.story == "payment_fails" and month <= 1:
            paid = None
            failed = issued + timedelta(days=2)
            due = issued + timedelta(days=2)
            failed = failed.isoformat() if failed <= last else ""
        rows.append((f"I-{c.id}-{issued:%Y%m}", c.domain, f"{c.monthly}.00", "EUR", issued.isoformat(), due.isoformat(),
                     paid.isoformat() if paid and paid <= last else "", failed))
    return rows


def messages(c, last):
    """(kind, day, hour, who writes, subject, body, extra) of an account, oldest first."""
    rng = random.Random(f"mail {c.id}")
    rows = []
    quiet_from = {"falls_silent": 55, "cools_before_renewal": 40, "fades_and_loses_champion": 45}.get(c.story, 0)
    for ago in range(200, -1, -9):
        day = DAY_ONE - timedelta(days=ago + rng.randrange(4))
        if day > last or (c.story == "left_last_year" and ago < 150):
            continue
        rows.append(("email", day, 9, "out", "Your service desk this month", "Here is the monthly summary we agreed on.", {}))
        if ago > quiet_from:
            rows.append(("email", day + timedelta(days=1), 14, "in", "Re: Your service desk this month", "Thanks, all clear on our side.", {}))
        if (200 - ago) % 27 == 0 and ago > quiet_from:
            rows.append(("meeting", day + timedelta(days=3), 13, None, "Quarterly review", "Went through the figures together.", {}))
    return [r for r in rows if r[1] <= last]


def tickets(c, last):
    """(day, subject, body, priority, closed day or None, who)"""
    d = lambda ago: DAY_ONE - timedelta(days=ago)
    rows = [(d(90), "How do I add an agent?", "We have a new colleague, where do I add the seat?", "LOW", d(89), 3)]
    if c.story == "fades_and_loses_champion":
        rows += [(d(24), "Queue view does not load", "Third time this month, the agents are blocked for an hour each time.", "HIGH", None, 1),
                 (d(12), "Queue view still does not load", "We are very disappointed, nobody answers us.", "URGENT", None, 1),
                 (d(5), "Export of all our tickets", "How can we export all our data, including attachments?", "HIGH", None, 1)]
    if c.story == "near_limit_but_angry":
        rows += [(d(21), "Mails arrive an hour late", "Our customers complain. This is unacceptable for the price we pay.", "URGENT", None, 1),
                 (d(14), "Still late", "Any news? We are losing patience.", "URGENT", None, 1),
                 (d(6), "Escalation", "We escalate this to our management.", "URGENT", None, 2),
                 (d(2), "Mails lost", "Two mails never arrived at all. We are very disappointed.", "URGENT", None, 2)]
    if c.story == "asks_for_reporting":
        rows += [(d(15), "Question about dashboards", "Is it possible to get custom dashboards and reports? "
                  "Our management asks for BI exports every month.", "MEDIUM", d(14), 1),
                 (DAY_ONE, "Rapports personnalisés", "Nous aurions besoin de tableaux de bord et de rapports personnalisés par équipe.", "LOW", None, 2)]
    if c.story == "over_its_api_limit":
        rows += [(d(7), "API returns 429", "We hit the API limit every afternoon. What would a higher limit cost?", "MEDIUM", d(6), 1)]
    if c.story == "cools_before_renewal":
        rows += [(d(25), "Contract terms", "Please send us the notice period and the terms for leaving.", "MEDIUM", d(24), 1)]
    if c.story == "asks_to_downgrade_on_day_two":
        rows += [(DAY_ONE, "Plan change", "We would like to downgrade to the Business plan at renewal, half of the seats are enough.", "MEDIUM", None, 1)]
    if c.story == "cancels_on_day_two":
        rows += [(DAY_ONE, "Résiliation", "Bonjour, nous souhaitons résilier notre abonnement à la prochaine échéance. Merci de confirmer.", "HIGH", None, 0)]
    return [r for r in rows if r[0] <= last]
