#!/usr/bin/env python3
"""Credentials that expire: OAuth 2 against a strict token endpoint and the API behind it."""
import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
import hubspot  # noqa: E402
import oauth  # noqa: E402
from harness import BIN, HEAVY, run, wait_for  # noqa: E402

CONNECTOR = """
auth:
  kind: oauth2
  grant: {grant}
  token_url: "http://{{{{config.host}}}}:{port}/token"
  fields: {fields}
  client_auth: {client_auth}
  store: {{ base_url: instance_url }}
  base_url_hosts: ["127.0.0.1"]
  rotate: {rotate}
first_wait: 0.01
longest_wait: 0.05
streams:
  things:
    row: {{ entity: account, key: id, map: [ {{ to: name, from: name }} ] }}
    full:
      get: /things
      query: {{ after: "{{{{page.token}}}}" }}
      records: rows
      page: {{ kind: cursor, from: next }}
"""
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
{sources}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""
SOURCE = """  {name}:
    connector: things
    allows_http_loopback: true
    config: {{ host: "127.0.0.1" }}
    secrets: {{ {secrets} }}
"""


def secret(case, name, value):
    path = case.write(f"secrets/{name}", value + "\n")
    path.chmod(0o600)
    return f'"file:{path}"'


def organisation(case, server, client_auth="body", sources=("crm",), leave_out=()):
    is_refresh = bool(server.grant.rotates)
    named = {"id": oauth.CLIENT, "pass": oauth.SECRET, "refresh": server.grant.refresh[-1]}
    secrets = ", ".join(f"{k}: {secret(case, k, v)}" for k, v in named.items() if k not in leave_out)
    case.org(ORG.format(sources="".join(SOURCE.format(name=s, secrets=secrets) for s in sources), folder=case.tmp / "out"))
    fields = '{ client_id: "{{secret.id}}", client_secret: "{{secret.pass}}"' + (', refresh_token: "{{secret.refresh}}" }' if is_refresh else " }")
    case.write("config/connectors/things.yaml", CONNECTOR.format(
        grant="refresh" if is_refresh else "client_credentials", port=server.server_port, fields=fields, client_auth=client_auth,
        rotate=str(is_refresh).lower()))
    server.file = case.tmp / "state/orgs/acme/tokens/crm.json" if is_refresh else None


def stand_in(case, n_rows=100, **options):
    server = oauth.serve(oauth.Grant(**options), n_rows)
    case.at_end(server.stop)
    return server


def pull(case, *options, expect=0):
    result = case.retaind("pull", "--format", "json", *options, expect=expect)
    assert "planted" not in result.stdout + result.stderr, result.stderr
    return result


def tokens_asked(server):
    return [s for s in server.seen if s["path"] == "/token"]


def assert_no_leak(case):
    """No token lies anywhere but in the token file, which is ours alone."""
    kept = case.tmp / "state/orgs/acme/tokens"
    assert kept.stat().st_mode & 0o777 == 0o700
    for path in (case.tmp / "state").rglob("*"):
        if path.is_file() and path.parent != kept:
            assert b"planted" not in path.read_bytes(), path
    assert {p.name for p in kept.iterdir()} <= {"crm.json", "crm.json.lock", "other.json", "other.json.lock"}, list(kept.iterdir())
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in kept.iterdir())


def rows(case):
    return case.query("SELECT count(*), count(DISTINCT source_key) FROM account")[0]


def test_tokens_that_die_in_the_middle_of_a_list_are_renewed(case):
    """The access token is refused every few pages: each time it is renewed once, the rotated successor kept before use, no row lost."""
    server = stand_in(case, uses=3)
    organisation(case, server)
    pull(case)
    assert rows(case) == (100, 100)
    assert len(tokens_asked(server)) == 4 and not server.wrong, (len(tokens_asked(server)), server.wrong)
    assert len({re.search("refresh_token=([^&]*)", t["body"]).group(1) for t in tokens_asked(server)}) == 4
    assert_no_leak(case)
    pull(case, "--full")
    assert not server.wrong and len(server.grant.refresh) == 1, server.wrong


def test_tokens_with_a_life_are_renewed_beforehand(case):
    """A token that says how long it lives is renewed before that, so none is ever refused; one that lives on serves the next pull too."""
    server = stand_in(case, life=3600)
    organisation(case, server, client_auth="basic")
    pull(case)
    pull(case, "--full")
    assert len(tokens_asked(server)) == 1
    assert "client_secret" not in tokens_asked(server)[0]["body"]
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3590))
    pull(case, "--full", "--now", later)
    assert len(tokens_asked(server)) == 2 and rows(case) == (100, 100)


class Newest:
    """What the CRM takes for a token: the one that was issued last, unless it has died."""

    def __init__(self, grant):
        self.grant, self.dead = grant, set()

    def __str__(self):
        alive = [t for t in self.grant.access if t not in self.dead]
        return alive[-1] if alive else "none"


def test_hubspot_by_oauth(case):
    """HubSpot's connector logs in by OAuth where the source gives a refresh token, renews what has died in the middle, and says what to
    do when the app was removed."""
    tokens = stand_in(case, rotates=False)
    tokens.grant.rotates, newest = False, Newest(tokens.grant)
    server = crm.serve(crm.Store({"companies": hubspot.companies(250)}), token=newest, search_rate=0, other_rate=0)
    case.at_end(server.stop)
    hubspot.organisation(case, server.url, connector=lambda text: hubspot.quick(text).replace(
        "https://api.hubapi.com/oauth/v1/token", f"{tokens.url}/token"))
    path = case.tmp / "config/orgs/acme.yaml"
    named = {"id": oauth.CLIENT, "pass": oauth.SECRET, "refresh": tokens.grant.refresh[-1]}
    path.write_text(re.sub(r"secrets: .*", "secrets: { " + ", ".join(f"{k}: {secret(case, k, v)}" for k, v in named.items()) + " }", path.read_text()))
    pull(case, "--stream", "companies")
    assert rows(case) == (250, 250) and len(tokens_asked(tokens)) == 1
    newest.dead |= set(tokens.grant.access)
    pull(case, "--stream", "companies", "--full")
    assert rows(case) == (250, 250) and len(tokens_asked(tokens)) == 2
    newest.dead |= set(tokens.grant.access)
    tokens.grant.is_revoked = True
    assert "authorise" in pull(case, "--stream", "companies", "--full", expect=78).stderr
    assert_no_leak(case)


def test_client_credentials_need_no_refresh_token(case):
    """Client credentials are asked for anew when a token is refused; each source keeps its own."""
    server = stand_in(case, rotates=False, uses=7)
    organisation(case, server, sources=("crm", "other"), leave_out=("refresh",))
    pull(case)
    assert case.query("SELECT count(*) FROM account") == [(200,)]
    assert len(tokens_asked(server)) == 4 and all("grant_type=client_credentials" in t["body"] for t in tokens_asked(server))
    assert_no_leak(case)


def test_processes_that_need_a_token_at_once_ask_for_one(case):
    """Six processes start while the token is dead: one renews it, the others wait and take what it got."""
    server = stand_in(case, n_rows=30)
    organisation(case, server)
    pull(case)
    server.grant.access.clear()
    server.slow = 0.3
    before = len(tokens_asked(server))
    command = [BIN, "pull", "--config", str(case.tmp / "config"), "-q"]
    running = [subprocess.Popen(command + (["--dry-run"] if i else ["--full"]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE) for i in range(6)]
    ends = [(p.communicate()[1], p.returncode) for p in running]
    assert all(code == 0 for _, code in ends), ends
    assert len(tokens_asked(server)) - before == 1 and not server.wrong, len(tokens_asked(server))
    assert len({s["headers"]["Authorization"] for s in server.seen if s["path"] == "/things"}) == 2


def test_a_revoked_grant_is_for_a_person(case):
    """A revoked grant ends with 78 and says what to do, is asked for once, and ends with the new secret that a person gives."""
    server = stand_in(case)
    organisation(case, server)
    pull(case)
    server.grant.is_revoked = True
    errors = pull(case, "--full", expect=78).stderr
    assert "invalid_grant" in errors and "authorise retaind again" in errors and "never reached" not in errors, errors
    assert len(tokens_asked(server)) == 2
    errors = pull(case, "--full", expect=78).stderr
    assert len(tokens_asked(server)) == 3 and "invalid_grant" in errors
    assert "invalid_grant" in case.query("SELECT last_error FROM source")[0][0]
    assert_no_leak(case)
    server.grant.is_revoked, server.grant.refresh = False, ["rt-planted-new-0001"]
    secret(case, "refresh", "rt-planted-new-0001")
    pull(case, "--full")
    assert case.query("SELECT last_error FROM source") == [(None,)]


def test_a_lost_rotation_is_told(case):
    """The endpoint replaces the refresh token and the answer is lost on the way: 78, and the reason says just that."""
    server = stand_in(case, grace=False)
    organisation(case, server)
    server.cut = 1
    errors = pull(case, expect=78).stderr
    assert "never reached the token file" in errors and "authorise retaind again" in errors, errors
    errors = pull(case, expect=78).stderr
    assert "never reached the token file" in errors, errors
    server = stand_in(case)
    organisation(case, server)
    server.cut = 1
    pull(case)
    assert server.n_issued == 2 and not server.wrong


def test_secrets_go_to_no_second_origin(case):
    """Neither a redirect of the endpoint or the API nor an address in the token's answer takes a secret elsewhere."""
    thief, server = stand_in(case), stand_in(case)
    organisation(case, server)
    server.redirect_token = thief.url + "/token"
    assert "HTTP 307" in pull(case, expect=78).stderr
    server.redirect_token = None
    for url in ("https://evil.test", "https://127.0.0.1.evil.test", f"http://localhost:{thief.server_port}"):
        server.instance_url = url
        assert "base_url_hosts" in pull(case, expect=78).stderr
    server.instance_url = None
    server.redirect_api = thief.url + "/things"
    organisation(case, server)
    assert "credentials don't go" in pull(case, expect=78).stderr
    server.redirect_api = None
    server.instance_url = thief.url  # the token's answer may move the API, but not while a list is walked
    server.grant.uses = 1
    server.grant.access.clear()
    assert "moved" in pull(case, expect=75).stderr
    assert thief.seen == []


def test_what_a_connector_needs_is_checked_beforehand(case):
    """`check` names the secret that is not given, an endpoint without https, and asks online with the kept token."""
    server = stand_in(case)
    organisation(case, server, leave_out=("refresh",))
    assert "no secret `refresh`" in "".join(case.retaind("check", expect=78).stderr)
    organisation(case, server)
    path = case.tmp / "config/connectors/things.yaml"
    good = path.read_text()
    for old, new, says in (("http://{{config.host}}", "http://{{config.hosts}}", "says no `hosts`"), ("grant: refresh", "grant: jwt", "jwt"),
                           ("rotate: true", "rotates: true", "rotates"), ("{{config.host}}", "{{secret.id}}", "secret"),
                           ("http://{{config.host}}", "http://x@{{config.host}}", "without user")):
        path.write_text(good.replace(old, new))
        errors = case.retaind("check", expect=78).stderr
        assert says in errors, errors
    path.write_text(good)
    org = case.tmp / "config/orgs/acme.yaml"
    org_text = org.read_text()
    org.write_text(org_text.replace("allows_http_loopback: true", "allows_http_loopback: false"))
    assert "write https://host/path" in case.retaind("check", expect=78).stderr
    org.write_text(org_text)
    (case.tmp / "out").mkdir()
    result = case.retaind("check", "--online")
    assert "1 streams answer" in result.stdout and "planted" not in result.stdout, result.stdout
    pull(case)
    assert len(tokens_asked(server)) == 1


def test_a_process_that_is_killed_never_loses_the_refresh_token(case):
    """kill -9 at random moments of renewals, again and again: the last pull still has a refresh token that is good."""
    rng = random.Random(3)
    server = stand_in(case, n_rows=200, uses=1)
    organisation(case, server)
    command = [BIN, "pull", "--config", str(case.tmp / "config"), "--full", "-q"]
    n, n_killed = 150 if HEAVY else 20, 0
    for _ in range(n):
        until = len(server.seen) + rng.randint(1, 12)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.seen) < until and process.poll() is None:
            time.sleep(0.0003)
        time.sleep(rng.uniform(0, 0.006))
        process.send_signal(signal.SIGKILL)
        n_killed += process.wait() == -signal.SIGKILL
    assert n_killed > n // 2, n_killed
    pull(case, "--full")
    assert not server.wrong and rows(case) == (200, 200), (server.wrong, rows(case))
    assert_no_leak(case)


run(globals())
