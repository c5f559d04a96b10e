"""An organisation that pulls from Salesforce, or from what stands in for it, and what the store must then hold."""
import random
import time
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import salesforce
from harness import ROOT
from hubspot import pull, quick

NOW = 1_780_300_800  # 2026-06-01T08:00:00Z
DAY = 86400
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  crm:
    connector: salesforce
    allows_http_loopback: true
    config: {{ {config} }}
    secrets: {{ {secrets} }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""
TABLES = {"users": "owner", "accounts": "account", "contacts": "contact", "opportunities": "opportunity", "cases": "ticket",
          "tasks": "interaction", "events": "interaction"}
KINDS = {"users": "User", "accounts": "Account", "contacts": "Contact", "opportunities": "Opportunity", "cases": "Case", "tasks": "Task",
         "events": "Event"}
COLUMNS = {
    "users": "name, email, is_active",
    "accounts": "name, url, industry, region, stage, is_customer, parent_key, csm_key, created_on, modified_at",
    "contacts": "name, email, title, account_key, created_on, modified_at",
    "opportunities": "name, kind, stage, amount_minor, currency, close_on, is_closed, is_won, owner_key, account_key, modified_at",
    "cases": "subject, body, category, status, priority, opened_at, closed_at, is_escalated, contact_key, account_key, modified_at",
    "tasks": "kind, direction, at, subject, body, contact_key, owner_key, account_key, modified_at",
    "events": "kind, direction, at, subject, body, contact_key, owner_key, account_key, modified_at",
}


def local(text):
    """The connector as shipped, but quick and for a Salesforce on this machine."""
    text = quick(text).replace("https://{{config.host}}", "http://{{config.host}}:PORT").replace("[.salesforce.com]", '["127.0.0.1"]')
    return text.replace("first_wait: 0.2", "first_wait: 0.01").replace("wait: 5s", "wait: 0s")


def stand_in(case, **options):
    server = salesforce.Salesforce(salesforce.Org(NOW - 30 * DAY), **options)
    case.at_end(server.stop)
    return server


def secret(case, name, value):
    path = case.write(f"secrets/{name}", value + "\n")
    path.chmod(0o600)
    return f'"file:{path}"'


def organisation(case, server, more="", change=local, config="", **secrets):
    named = secrets or {"id": salesforce.CLIENT, "pass": salesforce.SECRET}
    case.org(ORG.format(config=f'host: "127.0.0.1"{config}', folder=case.tmp / "out", more=more,
                        secrets=", ".join(f"{k}: {secret(case, k, v)}" for k, v in named.items())))
    text = change((ROOT / "config/connectors/salesforce.yaml").read_text())
    (case.tmp / "config/connectors/salesforce.yaml").write_text(text.replace("PORT", str(server.server_port)))


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def pull_at(case, server, seconds, *options, expect=0):
    server.org.now = seconds
    results, said = pull(case, "--now", at(seconds), *options, expect=expect)
    assert "planted" not in said, said
    return results, said


def requests(server, what=""):
    return [r for r in server.seen if what in r["path"] and r["path"] != "/services/oauth2/token"]


def paris_day(seconds):
    local_day = datetime.fromtimestamp(seconds, timezone.utc).astimezone(ZoneInfo("Europe/Paris")).date()
    return local_day.toordinal() - 719163


def civil(text):
    return datetime.fromisoformat(text).toordinal() - 719163 if text else None


def midnight(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Paris")).timestamp())


def bit(value):
    return None if value is None else int(value)


def expected_row(stream, r):
    """What the store must hold of a row of the server's; None: nothing."""
    m = r["SystemModstamp"]
    if stream == "users":
        return r["Name"], r["Email"], int(r["IsActive"])
    if stream == "accounts":
        customer = None if r["Type"] is None else int(r["Type"].startswith("Customer"))
        return (r["Name"], r["Website"], r["Industry"], r["BillingCountry"], r["Type"], customer, r["ParentId"], r["OwnerId"],
                paris_day(r["CreatedDate"]), m)
    if stream == "contacts":
        return r["Name"], r["Email"], r["Title"], r["AccountId"], paris_day(r["CreatedDate"]), m
    if stream == "opportunities":
        return (r["Name"], {None: None, "New Business": "new"}.get(r["Type"], "renewal"), r["StageName"],
                None if r["Amount"] is None else round(r["Amount"] * 100), "EUR", civil(r["CloseDate"]), bit(r["IsClosed"]), bit(r["IsWon"]),
                r["OwnerId"], r["AccountId"], m)
    if stream == "cases":
        return (r["Subject"], r["Description"], r["Type"], r["Status"], {"High": "high", "Low": "low"}.get(r["Priority"], "medium"),
                r["CreatedDate"], r["ClosedDate"], bit(r["IsEscalated"]), r["ContactId"], r["AccountId"], m)
    who = (r["WhoId"], r["OwnerId"], r["AccountId"], m)
    if stream == "tasks":
        kind = {"Call": "call", "Email": "email"}.get(r["TaskSubtype"], "note")
        when = r["CompletedDateTime"] or (midnight(r["ActivityDate"]) if r["ActivityDate"] else r["CreatedDate"])
        way = {"Inbound": "in", "Outbound": "out"}.get(r["CallType"])
        return (kind, way, when, r["Subject"], r["Description"], *who) if r["IsClosed"] else None
    return ("meeting", None, r["StartDateTime"], r["Subject"], r["Description"], *who)


def fill(org, n=60, seed=1):
    """Some of everything, with texts that a query, a table of commas and a database must carry."""
    dice = random.Random(seed)
    texts = ["plain", "it's, \"quoted\"", "two\nlines", "Zoë & Ünal – 株式会社", "O'Brien \\ Söhne"]
    owners = [org.add("User", Name=f"Owner {i}", Email=f"o{i}@acme.example", IsActive=i % 3 > 0) for i in range(5)]
    accounts = []
    for i in range(n):
        accounts.append(org.add("Account", Name=f"{dice.choice(texts).splitlines()[0]} {i}", Website=f"https://c{i}.example", BillingCountry="FR",
                                Industry=dice.choice(["Energy", None]), Type=dice.choice(["Customer", "Customer - Direct", "Prospect", None]),
                                OwnerId=dice.choice(owners), ParentId=dice.choice(accounts) if accounts and i % 7 == 0 else None))
    contacts = [org.add("Contact", Name=f"Person {i}", Email=f"p{i}@c{i}.example", Title=dice.choice(["CTO", None]),
                        AccountId=dice.choice(accounts)) for i in range(n)]
    for i in range(n):
        who = {"AccountId": dice.choice(accounts), "OwnerId": dice.choice(owners)}
        closed = i % 2 == 0
        org.add("Opportunity", **who, Name=f"Deal {i}", Type=dice.choice(["New Business", "Existing Business", None]), StageName="Closed Won",
                Amount=dice.choice([None, 1200.5, 350_000_000, 0.01]), CloseDate=dice.choice(["2026-07-01", None]), IsClosed=closed, IsWon=closed)
        org.add("Case", AccountId=who["AccountId"], ContactId=dice.choice(contacts), Subject=f"Case {i}", Description=dice.choice(texts),
                Type=dice.choice(["Problem", None]), Status="Closed" if closed else "New", Priority=dice.choice(["High", "Low", "Odd"]),
                ClosedDate=org.now if closed else None, IsEscalated=i % 5 == 0)
        org.add("Task", **who, WhoId=dice.choice(contacts), Subject=f"Task {i}", Description=dice.choice(texts), IsClosed=closed,
                TaskSubtype=dice.choice(["Call", "Email", "Task"]), CallType=dice.choice(["Inbound", "Outbound", None]),
                ActivityDate=dice.choice(["2026-05-20", None]), CompletedDateTime=dice.choice([org.now, None]))
        org.add("Event", **who, WhoId=dice.choice(contacts), Subject=f"Event {i}", Description=dice.choice(texts), StartDateTime=org.now + i,
                IsRecurrence=False)


def disturb(org, dice, kind, n_each=4):
    """Changes, adds and deletes some rows of a kind."""
    rows = org.rows[kind]
    living = [i for i, r in rows.items() if not r.get("IsDeleted")]
    name = "Name" if "Name" in salesforce.FIELDS[kind].split() else "Subject"
    for identity in dice.sample(living, n_each):
        org.edit(kind, identity, **{name: f"Edited {dice.random()}"})
    for _ in range(n_each):
        like = rows[dice.choice(living)]
        org.add(kind, **{k: v for k, v in like.items() if k not in ("Id", "CreatedDate", "SystemModstamp", "IsDeleted")})
    for identity in dice.sample(living, n_each if kind != "User" else 0):
        org.delete(kind, identity)


def assert_same(case, org, streams=None):
    """The store holds what the server holds, and nothing else."""
    for stream in streams or TABLES:
        want = {i: expected_row(stream, r) for i, r in org.rows[KINDS[stream]].items() if not r.get("IsDeleted")}
        want = {i: r for i, r in want.items() if r}
        got = {r[0]: r[1:] for r in case.query(f"SELECT source_key, {COLUMNS[stream]} FROM {TABLES[stream]} WHERE deleted_on IS NULL")
               if r[0][:3] == salesforce.PREFIX[KINDS[stream]]}
        wrong = {i: (want.get(i), got.get(i)) for i in {**want, **got} if want.get(i) != got.get(i)}
        assert not wrong, (stream, len(want), len(got), list(wrong.items())[:3])
