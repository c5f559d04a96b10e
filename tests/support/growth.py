"""An organisation made for the purpose: who grows by a truth that is planted, and no sum of single readings tells it.

An account buys more seats on one of two roads: its seats are nearly full and more people come every month; or its renewal is
due and it uses much for its money. Full alone, growing alone, a renewal alone, a low price alone change next to nothing. What
is written is what such a company would have: subscriptions and counts of people at work, with noise; not the truth."""
import datetime
import math
import random

START, WEEKS, HORIZON = datetime.date(2024, 1, 1), 104, 90
LIST_PRICE = 2000  # a seat's, per month, in minor units
ORG = """
title: Growth
zone: UTC
currency: EUR
sources:
  made:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - { to: name, from: id }
          - { to: created_on, from: start }
      subscriptions:
        match: subscriptions.csv
        entity: subscription
        key: key
        account: { from: id, by: key }
        map:
          - { to: product, value: core }
          - { to: plan, value: team }
          - { to: seats, from: seats }
          - { to: mrr_minor, from: mrr }
          - { to: currency, value: EUR }
          - { to: start_on, from: start }
          - { to: end_on, from: end }
          - { to: renewal_on, from: renewal }
      people:
        match: usage.csv
        entity: usage
        account: { from: id, by: key }
        map:
          - { to: metric, value: active_users }
          - { to: day, from: day }
          - { to: value, from: people }
      actions:
        match: usage.csv
        entity: usage
        account: { from: id, by: key }
        map:
          - { to: metric, value: actions }
          - { to: day, from: day }
          - { to: value, from: actions }
owners:
  - { email: am@example.com, name: Ada, role: am, channels: [disk], capacity: 5 }
channels:
  disk: { kind: file, folder: "%s" }
score:
  users_metric: active_users
%s"""


def chance_to_buy(full, growth, days_left, worth):
    """Within four weeks: the planted truth."""
    if full > 0.8 and growth > 0.15:
        return 0.3
    if days_left <= 28 and worth > 1.1:
        return 0.5
    return 0.008


def account(r):
    """Weekly (day, people, actions), contracts (start, end, seats, mrr, renewal), and the days on which it bought more."""
    seats = max(5, round(math.exp(r.gauss(3.2, 0.8))))
    price = LIST_PRICE * math.exp(r.gauss(0, 0.45))
    level, rate, left = seats * r.uniform(0.3, 0.95), 0.0, 0
    renewal = r.randrange(364)
    levels, usage, contracts, bought = [], [], [], []
    since, intensity = START, r.uniform(3, 8)
    for week in range(WEEKS):
        today = START + datetime.timedelta(weeks=week)
        if left == 0:
            rate, left = r.choice((0, 0, 0.028, -0.01)), r.randrange(15, 35)
        left -= 1
        level = min(max(level * (1 + rate), 1), seats * 1.03)
        levels.append(level)
        for weekday in (1, 3):
            people = max(0, round(level * math.exp(r.gauss(0, 0.06))))
            usage.append((today + datetime.timedelta(days=weekday), people, round(people * intensity * math.exp(r.gauss(0, 0.2)))))
        if week % 4 or week < 26:
            continue
        days_left = (renewal - 7 * week) % 364
        growth = level / levels[-13] - 1
        if r.random() < chance_to_buy(level / seats, growth, days_left, level * LIST_PRICE / (seats * price)):
            more = math.ceil(seats * 1.25)
            contracts.append((since, today, seats, round(seats * price), START + datetime.timedelta(days=renewal + 364 * ((7 * week - renewal) // 364 + 1))))
            bought.append(today)
            since, seats = today, more
    contracts.append((since, None, seats, round(seats * price), None))
    return usage, contracts, bought, renewal


def renewal_of(start, end, renewal):
    """A contract is renewed each year: one row for each, with the renewal that is next on its first day."""
    day = START + datetime.timedelta(days=renewal)
    while day <= start:
        day += datetime.timedelta(days=364)
    rows = []
    while end is None and day < START + datetime.timedelta(weeks=WEEKS) or end is not None and day < end:
        rows.append((start, day, day))
        start, day = day, day + datetime.timedelta(days=364)
    rows.append((start, end, day))
    return rows


def write(folder, panel, n, seed):
    """Accounts into the folder; the panel's rows are every 60 days, of two disjoint halves. Returns the number that bought."""
    r = random.Random(seed)
    folder.mkdir(exist_ok=True)
    n_bought = 0
    with open(folder / "accounts.csv", "w") as accounts, open(folder / "subscriptions.csv", "w") as subscriptions, \
            open(folder / "usage.csv", "w") as out, open(panel, "w") as rows:
        accounts.write("id,start\n")
        subscriptions.write("key,id,start,end,seats,mrr,renewal\n")
        out.write("id,day,people,actions\n")
        rows.write("acct,date,y,split,q\n")
        for i in range(n):
            usage, contracts, bought, renewal = account(r)
            accounts.write(f"a{i},{START}\n")
            lines = [(f, u, seats, mrr, on) for start, end, seats, mrr, _ in contracts for f, u, on in renewal_of(start, end, renewal)]
            for k, (start, end, seats, mrr, on) in enumerate(lines):
                subscriptions.write(f"a{i}.{k},a{i},{start},{end or ''},{seats},{mrr / 100:.2f},{on}\n")
            for day, people, actions in usage:
                out.write(f"a{i},{day},{people},{actions}\n")
            n_bought += len(bought)
            for day in range(252, 7 * WEEKS - HORIZON, 60):
                at = START + datetime.timedelta(days=day)
                y = any(at < b <= at + datetime.timedelta(days=HORIZON) for b in bought)
                rows.write(f"a{i},{at},{int(y)},{'train' if i % 2 else 'test'},{at}\n")
    return n_bought


def auc(pairs):
    """Of (score, y): the chance that one that grew stands above one that didn't."""
    pairs, rank_sum, at = sorted(pairs), 0.0, 0
    while at < len(pairs):
        end = at
        while end < len(pairs) and pairs[end][0] == pairs[at][0]:
            end += 1
        rank_sum += sum(y for _, y in pairs[at:end]) * (at + 1 + end) / 2
        at = end
    n = sum(y for _, y in pairs)
    return (rank_sum - n * (n + 1) / 2) / (n * (len(pairs) - n))
