#!/usr/bin/env python3
"""Salesforce against a strict stand-in: SOQL by links and by Id, three ways to log in, limits, deletes, nothing lost."""
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import salesforce  # noqa: E402
from harness import Skip, run  # noqa: E402
from hubspot import number, pull  # noqa: E402
from salesforce_org import (DAY, NOW, assert_same, at, civil, disturb, fill, local, organisation, pull_at, requests,  # noqa: E402
                            stand_in)


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
    """A page that lacks rows and says that it is the last is not believed: the rest is asked for behind its last row; where a row is
    missing within a page the query is made again."""
    server = incremental_accounts(case, page=20)
    server.fail("/query/01g", short=4)
    results, _ = pull_at(case, server, NOW + 3600, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 50 and len(requests(server)) == 3, results
    assert_same(case, server.org, ["accounts"])
    for identity in server.org.rows["Account"]:
        server.org.edit("Account", identity, Name="Edited again")
    server.seen.clear()
    server.fail("/query/01g", hole=1)
    results, _ = pull_at(case, server, NOW + 7200, "--stream", "accounts")
    assert len(requests(server)) == 7, [r["path"] for r in server.seen]
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


def test_more_fields_than_a_query_holds_are_told(case):
    """450 fields of the organisation's own come with the whole list, whose query is in a body; where the changes' query would be longer than
    Salesforce takes, that is told with what to do."""
    names = [f"A_field_of_our_own_with_a_long_name_{i}__c" for i in range(450)]
    usual = salesforce.FIELDS["Account"]
    case.at_end(lambda: salesforce.FIELDS.update(Account=usual))
    salesforce.FIELDS["Account"] = " ".join([usual, *names])
    server = stand_in(case)
    server.org.add("Account", Name="A", **{n: i for i, n in enumerate(names)})
    metrics = "".join(f"          - {{ metric: m{i}, from: {n} }}\n" for i, n in enumerate(names))
    organisation(case, server, more=f"    map:\n      accounts:\n        usage:\n{metrics}")
    pull_at(case, server, NOW, "--stream", "accounts")
    assert case.query("SELECT count(*), sum(value) FROM usage_daily") == [(450, sum(range(450)))]
    _, said = pull_at(case, server, NOW + 3600, "--stream", "accounts", expect=78)
    assert "HTTP 431" in said and "Map fewer fields" in said and len(requests(server, "queryAll")) == 1, said


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
