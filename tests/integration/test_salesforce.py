#!/usr/bin/env python3
"""Salesforce against a strict stand-in: SOQL by links and by Id, three ways to log in, limits, deletes, nothing lost."""
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import salesforce  # noqa: E402
from harness import BIN, HEAVY, ROOT, Skip, run, wait_for  # noqa: E402
from hubspot import number, pull, quick  # noqa: E402

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


def test_every_stream_comes_whole_and_stays_whole(case):
    """A first sync and three increments of all seven streams, with rows changed, added and deleted before each and during it:
    the store is the server; pages are of any size."""
    server = stand_in(case, page=lambda query: 7 if "Description" in query.fields else 13)
    org, dice = server.org, random.Random(7)
    fill(org)
    organisation(case, server)
    results, _ = pull_at(case, server, NOW)
    assert all(r["result"] == "ok" and r["mode"] == "full" and number(r, "set_aside") == 0 for r in results.values()), results
    assert_same(case, org)
    for round_ in range(3):
        org.now = NOW + (round_ + 1) * DAY - 120
        for kind in salesforce.PREFIX:
            disturb(org, dice, kind)
        n, plan = len(requests(server)), ("Account", dice.choice(list(org.rows["Account"])))
        server.at_request(n + 3, lambda: org.edit("Contact", dice.choice(list(org.rows["Contact"])), Title="During the walk"))
        server.at_request(n + 5, lambda p=plan: org.edit(*p, Website="https://moved.example"))
        results, _ = pull_at(case, server, NOW + (round_ + 1) * DAY)
        assert all(r["mode"] == "incremental" and r["result"] == "ok" for r in results.values()), results
        assert all(number(results[s], "rows") <= 40 for s in results), results
    pull_at(case, server, NOW + 4 * DAY)
    assert_same(case, org)
    assert case.query("SELECT count(*) FROM account WHERE deleted_on IS NOT NULL")[0][0] >= 10
    asked = [r["query"]["q"] for r in requests(server, "/query") if "q" in r["query"]]
    assert all(len(set(q.split(" FROM ")[0].split(","))) == len(q.split(" FROM ")[0].split(",")) for q in asked)


def test_a_moment_that_many_rows_share_loses_none(case):
    """2,086 accounts with 423 distinct stamps, as recorded: all come, once each, by two pages; a change of a thousand in one
    second comes whole as well."""
    server, stamps = stand_in(case), random.Random(3)
    for i in range(2086):
        server.org.add("Account", at=NOW - 20 * DAY + stamps.randrange(423), Name=f"A {i}")
    organisation(case, server)
    results, _ = pull_at(case, server, NOW, "--stream", "accounts", "--full")
    assert number(results["accounts"], "rows") == 2086, results
    assert case.query("SELECT count(*), count(DISTINCT source_key) FROM account") == [(2086, 2086)]
    server.org.now = NOW + 60
    for identity in list(server.org.rows["Account"])[:1100]:
        server.org.edit("Account", identity, Name="Edited")
    server.page = 500
    results, _ = pull_at(case, server, NOW + 3600, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 1100 and number(results["accounts"], "pages") == 3, results
    assert case.query("SELECT count(*) FROM account WHERE name = 'Edited'") == [(1100,)]


def incremental_accounts(case, n=50, **options):
    """An organisation whose accounts were all changed since the last pull."""
    server = stand_in(case, **options)
    for i in range(n):
        server.org.add("Account", Name=f"A {i}")
    organisation(case, server)
    pull_at(case, server, NOW, "--stream", "accounts")
    server.org.now = NOW + 60
    for identity in server.org.rows["Account"]:
        server.org.edit("Account", identity, Name="Edited")
    server.seen.clear()
    return server


def test_a_link_that_has_died_is_left_for_a_query_behind_the_last_row(case):
    """Salesforce forgets its links, at once or before the next pull: the list goes on behind the last Id, no row asked for twice."""
    server = incremental_accounts(case, page=10)
    server.at_request(3, server.locators.clear)
    server.at_request(5, server.locators.clear)
    results, _ = pull_at(case, server, NOW + 3600, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 50, results
    assert_same(case, server.org, ["accounts"])
    again = [r["query"]["q"] for r in requests(server) if "q" in r["query"]]
    assert len(again) == 3 and len({re.search("Id > '(\\w+)'", q)[1] for q in again}) == 3, again
    for identity in server.org.rows["Account"]:
        server.org.edit("Account", identity, Name="Edited again")
    server.fail("/query/01g", after=1, times=20, status=503, code="SERVER_UNAVAILABLE")
    pull_at(case, server, NOW + 7200, "--stream", "accounts", expect=75)
    assert case.query("SELECT count(*) FROM account WHERE name = 'Edited again'") == [(20,)]
    server.faults.clear()
    server.locators.clear()
    server.seen.clear()
    results, _ = pull_at(case, server, NOW + 7300, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 30 and "Id > '0014" in requests(server)[0]["query"]["q"], results
    assert_same(case, server.org, ["accounts"])


def test_a_page_that_is_shorter_than_promised_is_no_end(case):
    """A page that lacks rows and says that it is the last is not believed: the rest is asked for behind its last row."""
    server = incremental_accounts(case, page=20)
    server.fail("/query/01g", short=4)
    results, _ = pull_at(case, server, NOW + 3600, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 50 and len(requests(server)) == 3, results
    assert_same(case, server.org, ["accounts"])


def test_a_change_that_is_not_seen_at_once_comes_later(case):
    """A query doesn't find what was changed in the last minutes: the overlap of five minutes brings it with the next pull."""
    server = incremental_accounts(case)
    server.org.now = NOW + 3600 - 200
    late = list(server.org.rows["Account"])[:3]
    for identity in late:
        server.org.edit("Account", identity, Website="https://late.example")
    server.org.unseen = set(late)
    pull_at(case, server, NOW + 3600, "--stream", "accounts")
    assert case.query("SELECT count(*) FROM account WHERE url = 'https://late.example'") == [(0,)]
    server.org.unseen = set()
    pull_at(case, server, NOW + 7200, "--stream", "accounts")
    assert_same(case, server.org, ["accounts"])


def test_a_session_that_ends_is_begun_anew(case):
    """Sessions end every three requests, in each of the words that Salesforce has for it: a new one is asked for, no row is lost."""
    for code, status in (("INVALID_SESSION_ID", 401), ("INVALID_JWT_FORMAT", 401), ("INVALID_AUTH_HEADER", 401), ("INVALID_JWT_FORMAT", 400)):
        server = stand_in(case, page=10)
        for i in range(60):
            server.org.add("Account", Name=f"{code} {i}")
        server.uses, server.stale_code = 3, (status, code, "Session expired or invalid")
        shutil.rmtree(case.tmp / "state", ignore_errors=True)
        organisation(case, server)
        pull_at(case, server, NOW, "--stream", "users")
        pull_at(case, server, NOW, "--stream", "accounts")
        pull_at(case, server, NOW + 3600, "--stream", "accounts", "--full")
        assert_same(case, server.org, ["accounts"])
        assert server.n_sessions >= 3
    server.sessions.clear()
    server.session = lambda **_: {"access_token": "00D4S!planted-dead", "instance_url": server.url}
    _, said = pull_at(case, server, NOW + DAY, "--stream", "accounts", expect=78)
    assert "refused with a fresh token too" in said, said


def key_pair(case):
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", case.tmp / "own.key", "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", case.tmp / "own.key", "-out", case.tmp / "own.pk8"], check=True, capture_output=True)
    said = subprocess.run(["openssl", "rsa", "-in", case.tmp / "own.key", "-noout", "-modulus"], check=True, capture_output=True, text=True)
    return (case.tmp / "own.key").read_text(), (case.tmp / "own.pk8").read_text(), int(said.stdout.strip().removeprefix("Modulus="), 16)


def test_a_key_of_our_own_logs_in(case):
    """JWT bearer: signed with RS256 for three minutes, in both forms of PEM; what Salesforce has against it is told in words that
    help; the key is in no request, message or file."""
    server = stand_in(case)
    server.org.add("User", Name="Ana", Email="ana@acme.example", IsActive=True)
    pem, pk8, server.modulus = key_pair(case)
    config = f", user: {salesforce.USER}, login: login.salesforce.com"
    for key in (pem, pk8):
        shutil.rmtree(case.tmp / "state", ignore_errors=True)
        server.sessions.clear()
        organisation(case, server, config=config, id=salesforce.CLIENT, key=key.strip())
        server.org.now = int(time.time())
        results, _ = pull(case, "--stream", "users")
        assert results["users"]["result"] == "ok" and case.query("SELECT email FROM owner") == [("ana@acme.example",)]
    form = next(r["body"] for r in server.seen if r["path"] == "/services/oauth2/token")
    assert form.startswith("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="), form
    inside = key.splitlines()[5]
    assert not any(inside in r["body"] for r in server.seen)
    assert not any(inside.encode() in p.read_bytes() for p in (case.tmp / "state").rglob("*") if p.is_file())
    for change, words in ((config.replace(salesforce.USER, "eve@acme.example"), "isn't approved for the user"),
                          (config.replace("login.salesforce", "login.example"), "test.salesforce.com for a sandbox")):
        shutil.rmtree(case.tmp / "state", ignore_errors=True)
        organisation(case, server, config=change, id=salesforce.CLIENT, key=key.strip())
        _, said = pull(case, "--stream", "users", expect=78)
        assert words in said and inside not in said, said
    for bad in ("no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", locked(case), small(case)):
        organisation(case, server, config=config, id=salesforce.CLIENT, key=bad)
        _, said = pull(case, "--stream", "users", expect=78)
        assert "`key`" in said and ("no RSA private key in PEM without a passphrase" in said or "1024 bits" in said), said


def locked(case):
    subprocess.run(["openssl", "rsa", "-aes128", "-passout", "pass:x", "-in", case.tmp / "own.key", "-out", case.tmp / "locked"], check=True,
                   capture_output=True)
    return (case.tmp / "locked").read_text().strip()


def small(case):
    subprocess.run(["openssl", "genrsa", "-out", case.tmp / "small", "1024"], check=True, capture_output=True)
    return (case.tmp / "small").read_text().strip()


def test_a_refresh_token_that_is_replaced_is_kept(case):
    """On behalf of a person: each renewal brings another refresh token, which the next pull uses; one that was revoked asks for a person."""
    server = stand_in(case)
    server.org.add("User", Name="Ana", Email="ana@acme.example", IsActive=True)
    organisation(case, server, id=salesforce.CLIENT, **{"pass": salesforce.SECRET}, refresh=server.refresh[0])
    for round_ in range(3):
        pull_at(case, server, NOW + round_ * 60, "--stream", "users")
        server.sessions.clear()
    assert len(server.refresh) == 4 and case.query("SELECT count(*) FROM owner") == [(1,)]
    server.refresh = ["another"]
    _, said = pull_at(case, server, NOW + DAY, "--stream", "users", expect=78)
    assert "authorise retaind again" in said, said


def test_what_the_login_lacks_is_told_in_words(case):
    """Client credentials at login.salesforce.com, without a run-as user, with a wrong secret, for another host: each says what to do;
    secrets that fit no way to log in are told before anything is asked."""
    server = stand_in(case)
    for error, words in (({"error": "invalid_grant", "error_description": "request not supported on this domain"}, "My Domain only"),
                         ({"error": "invalid_grant", "error_description": "no client credentials user enabled"}, "Run As"),
                         ({"error": "invalid_client", "error_description": "planted words"}, "id or secret is wrong")):
        server.token_error = (400, error)
        organisation(case, server)
        _, said = pull_at(case, server, NOW, expect=78)
        assert words in said, said
    server.token_error = None
    server.instance_url = "http://acme.my.salesforce.com.evil.example"
    _, said = pull_at(case, server, NOW, expect=78)
    assert "base_url_hosts" in said and not requests(server), said
    server.instance_url = server.url
    organisation(case, server, id=salesforce.CLIENT)
    result = case.retaind("check", expect=78)
    assert "none of the ways to log in is complete: (1) the source has no secret `key`" in result.stdout + result.stderr, result.stdout + result.stderr


def test_the_days_quota_is_left_to_others(case):
    """At 80 % of the requests that Salesforce gives a day the pull stops by itself; when Salesforce gives no more, nothing more is asked in
    that pull, and the next one goes on; too many at once is waited for."""
    server = incremental_accounts(case, page=10)
    server.used = int(0.8 * salesforce.DAILY) - 3
    _, said = pull_at(case, server, NOW + 3600, "--stream", "accounts", expect=75)
    assert "of the daily quota of 15000 requests are used" in said and len(requests(server)) == 3, (said, len(requests(server)))
    server.used = 100
    server.seen.clear()
    server.fail(".", after=1, times=1, status=403, code="REQUEST_LIMIT_EXCEEDED", message="TotalRequests Limit exceeded.")
    results, said = pull_at(case, server, NOW + 3700, expect=75)
    assert len(requests(server)) == 2 and "gives no more requests today" in said and "quota is used up" in said, (len(requests(server)), said)
    server.seen.clear()
    server.fail(".", after=1, times=2, status=403, code="REQUEST_LIMIT_EXCEEDED",
                message="ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
    pull_at(case, server, NOW + 3800, "--stream", "accounts")
    assert_same(case, server.org, ["accounts"])


def test_fields_that_are_not_there_are_told(case):
    """A field of the organisation's own is read, through a relation too; one that Salesforce doesn't know fails its stream alone, with what to do."""
    server = stand_in(case)
    server.org.add("Account", Name="A", Renewal__c="2026-12-31", **{"Segment__r.Name": "Enterprise"})
    server.org.add("User", Name="Ana", Email="ana@acme.example", IsActive=True)
    own = "    map: { accounts: [ { to: renewal_on, from: Renewal__c }, { to: segment, from: Segment__r.Name } ] }"
    organisation(case, server, more=own)
    pull_at(case, server, NOW, "--stream", "accounts", "--full")
    assert case.query("SELECT renewal_on, segment FROM account") == [(civil("2026-12-31"), "Enterprise")]
    organisation(case, server, more=own.replace("Renewal__c", "Renewel__c"))
    results, said = pull_at(case, server, NOW + 60, expect=78)
    assert results["accounts"]["result"] == "failed" and results["users"]["result"] == "ok", results
    assert "No such column 'Renewel__c'" in said and "Let the user read it" in said, said


# jobs -----------------------------------------------------------------------------------------------------------------

JOB = salesforce.VERSION + "/jobs/query"


def job_stand_in(case, n=100, size=10, change=lambda text: text):
    """n accounts that come as a job in pages of so many rows."""
    server = stand_in(case)
    for i in range(n):
        server.org.add("Account", Name=f"A {i}, \"quoted\"\nand more")
    organisation(case, server, change=lambda text: change(local(text).replace("maxRecords: 2000", f"maxRecords: {size}")))
    return server


def calls(server, method, path=JOB):
    return [r for r in server.seen if r["method"] == method and r["path"].startswith(path)]


def test_a_whole_list_comes_as_a_job(case):
    """The first list is asked for once, looked at until it is done, read in pages and cleared away; what it costs is counted."""
    server = job_stand_in(case, 95)
    results, _ = pull_at(case, server, NOW, "--stream", "accounts")
    assert (number(results["accounts"], "rows"), number(results["accounts"], "pages")) == (95, 10), results
    assert_same(case, server.org, ["accounts"])
    assert [len(calls(server, m)) for m in ("POST", "GET", "DELETE")] == [1, 13, 1] and not server.jobs, [r["path"] for r in server.seen]
    asked = calls(server, "POST")[0]["body"]
    assert '"operation":"queryAll"' in asked and " WHERE " not in asked and "SystemModstamp" in asked, asked
    result = case.retaind("pull", "--now", at(NOW), "--dry-run", "--full", "--stream", "accounts", "--limit", "3")
    assert len([line for line in result.stdout.splitlines() if '"name"' in line or "A " in line]) >= 3 and not server.jobs, result.stdout


def test_a_job_that_fails_fails_its_stream_alone(case):
    """A job that ends as Failed or Aborted says why; the next pull asks for another."""
    server = job_stand_in(case)
    for end in ("Failed", "Aborted"):
        server.job_end = end
        results, said = pull_at(case, server, NOW, expect=75)
        assert results["accounts"]["result"] == "failed" and results["users"]["result"] == "ok", results
        assert f"the job ended as {end}: INVALIDENTITY" in said, said
    server.job_end = "JobComplete"
    results, _ = pull_at(case, server, NOW + 60, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 100, results
    assert_same(case, server.org, ["accounts"])


def test_a_job_is_found_again(case):
    """A pull that ends while the job is at work, or between its pages, goes on with the same job: no second one, no page twice."""
    server = job_stand_in(case, change=lambda text: text.replace("        first_wait: 0.01\n", "        first_wait: 0.01\n        within: 1s\n"))
    server.polls_needed = 10**6
    _, said = pull_at(case, server, NOW, "--stream", "accounts", expect=75)
    assert "the job isn't done after" in said and "the next pull looks again" in said, said
    server.polls_needed = 0
    server.fail("/results", after=4, times=20, status=503, code="SERVER_UNAVAILABLE")
    pull_at(case, server, NOW + 60, "--stream", "accounts", expect=75)
    assert case.query("SELECT count(*) FROM account") == [(40,)]
    server.faults.clear()
    pull_at(case, server, NOW + 120, "--stream", "accounts")
    assert_same(case, server.org, ["accounts"])
    assert len(calls(server, "POST")) == 1
    pages = [r["query"].get("locator") for r in calls(server, "GET") if r["path"].endswith("/results")]
    assert len(set(pages)) == 10 and sum(p == pages[4] for p in pages) == len(pages) - 9, pages


def test_a_job_that_is_gone_is_asked_for_anew(case):
    """Salesforce has cleared the job away before all was read: the list begins anew in the same pull."""
    server = job_stand_in(case)
    server.fail("/results", after=4, times=20, status=503, code="SERVER_UNAVAILABLE")
    pull_at(case, server, NOW, "--stream", "accounts", expect=75)
    server.faults.clear()
    server.jobs.clear()
    results, _ = pull_at(case, server, NOW + 60, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 100 and len(calls(server, "POST")) == 2, results
    assert_same(case, server.org, ["accounts"])


def test_pages_that_lack_rows_are_not_taken(case):
    """A page that says that it has more rows than came is read again by the next pull; pages that are fewer rows in all than the job
    counted make no list, and another job is asked for."""
    server = job_stand_in(case)
    server.fail("/results", after=3, short=2)
    _, said = pull_at(case, server, NOW, "--stream", "accounts", expect=75)
    assert "the page has 8 rows, but says that it has 10" in said and case.query("SELECT count(*) FROM account") == [(30,)], said
    results, _ = pull_at(case, server, NOW + 60, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 70 and len(calls(server, "POST")) == 1, results
    assert_same(case, server.org, ["accounts"])
    server.lost_rows = 3
    _, said = pull_at(case, server, NOW + 120, "--full", "--stream", "accounts", expect=75)
    assert "the job's pages have 100 rows, but it says that it has 103" in said, said
    server.lost_rows = 0
    results, _ = pull_at(case, server, NOW + 180, "--full", "--stream", "accounts")
    assert results["accounts"]["result"] == "ok"
    server.fail("/results", after=2, times=1, cut=400)
    results, _ = pull_at(case, server, NOW + 240, "--full", "--stream", "accounts")
    assert number(results["accounts"], "rows") == 100 and number(results["accounts"], "set_aside") == 0, results


def test_a_job_outlives_the_process(case):
    """kill -9 at any moment of a first list by jobs: the same rows in the end, one job, and at most one page read twice for each kill."""
    server, n_kills, dice = job_stand_in(case, 60, 5), 0, random.Random(11)
    command = [BIN, "pull", "--config", str(case.tmp / "config"), "--now", at(NOW), "-q", "--stream", "accounts"]
    server.org.now, server.polls_needed, most = NOW, 3, 20 if HEAVY else 6
    while n_kills < most:
        n, wanted = len(server.seen), dice.randrange(1, 5)
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda n=n, w=wanted: len(server.seen) >= n + w or running.poll() is not None, what="requests")
        if running.poll() is not None:
            break
        running.send_signal(signal.SIGKILL)
        running.wait()
        n_kills += 1
    pull_at(case, server, NOW, "--stream", "accounts", expect=None)
    assert_same(case, server.org, ["accounts"])
    pages = [r["query"].get("locator") for r in calls(server, "GET") if r["path"].endswith("/results")]
    n_jobs = len(calls(server, "POST"))
    assert len(pages) <= 12 * n_jobs + n_kills and n_jobs <= 1 + n_kills, (len(pages), n_jobs, n_kills)
    print(f"         {n_kills} kills, {n_jobs} jobs, {len(pages)} pages read of 12")


BROKEN = (
    ('    key: "{{secret.key}}"\n', "", "auth[0]: `grant: jwt_bearer` goes with `key:`, the private key, and `claims:`, what it signs"),
    ("grant: client_credentials", "grant: jwt_bearer", "auth[2]: `grant: jwt_bearer` goes with `key:`"),
    ('claims: { iss: "{{secret.id}}", ', "claims: { iss: [a, b], ", "auth[0].claims.iss: is sent as a text, and must be one"),
    ("total: totalSize, first", "first", "keyset needs `total:`, the path of the number of rows, or `size:`, the rows of a full page"),
    ("keyset, field: Id", "keyset", "keyset needs `field:`, the path of the id in a row"),
    ("org.currency", "org.curency", "{{org.curency}} is not known; there are config.X"),
    ("quota_spent", "quota_gone", "action: is `quota_gone`, did you mean `quota_spent`?"),
    ("poll: /services/data/v60.0/jobs/query/{{job.id}}", "poll: /jobs", "job: `poll:` asks for one job, and must name it: {{job.id}}"),
    ("failed: [Failed, Aborted]", "failed: [Failed, JobComplete]", "job: `JobComplete` stands under `done:` and `failed:`"),
    ("    lag: 5m\n", "    step: 1d\n    history: 9d\n", "`job:` prepares a list of rows that are kept, not slices of time, files or usage"),
    ("        state: state\n", "", "job: `state` is missing, expected a text"),
    ("        state: state\n", "        sate: state\n", "job.sate: unknown key `sate`, did you mean `state`?"),
)


def test_mistakes_in_the_connector_are_told(case):
    """What can't work in the words for keys, ways to log in, keysets and quotas is told with its place, before anything is asked."""
    server = stand_in(case)
    for old, new, words in BROKEN:
        organisation(case, server, change=lambda text, old=old, new=new: local(text).replace(old, new),
                     config=", user: u, login: l" if "jwt" in words or "claims" in words else "", id="i", key="k", **{"pass": "p"})
        result = case.retaind("check", expect=78)
        assert words in result.stderr, (words, result.stderr)


run(globals())
