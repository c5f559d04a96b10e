#!/usr/bin/env python3
"""Zoho CRM: numbers of pages and the tokens behind them, empty lists that are 204 and 304, the address that comes with the token."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import test_increments as increments  # noqa: E402
from harness import run  # noqa: E402
from systems import Kind, iso, nth  # noqa: E402
from vendor import Vendor, organisation, pull, quick  # noqa: E402
from zoho import BASE_ID, REFRESH, Zoho  # noqa: E402

FIRST = increments.FIRST
SKIPPED = "    map: { calls: skip, events: skip }\n"


def serve(case, more=SKIPPED, made=Zoho, **options):
    """The address of the API is not in the organisation's file: it comes with the token."""
    api = made(**options)
    server = Vendor(case, api)
    api.url, api.now = server.url, FIRST
    organisation(case, "zoho", server.url, more="    config: { domain: eu }\n" + more, change=lambda text: quick(text).replace(
        "https://accounts.zoho.{{config.domain}}", server.url).replace("base_url_hosts: [", "base_url_hosts: [127.0.0.1, "))
    secrets = {"id": "1000.CLIENT", "pass": "planted-client-81ac", "refresh": REFRESH}
    for name, value in secrets.items():
        case.write(f"zoho.{name}", value + "\n").chmod(0o600)
    org = case.tmp / "config/orgs/acme.yaml"
    lines = [line for line in org.read_text().splitlines() if "base_url" not in line]
    listed = ", ".join(f'{n}: "file:{case.tmp}/zoho.{n}"' for n in secrets)
    org.write_text("\n".join(f"    secrets: {{ {listed} }}" if "secrets:" in line else line for line in lines) + "\n")
    return api, server


def test_four_pulls_leave_what_zoho_has(case):
    """Zoho: 2,050 accounts past the 2,000 that pages by number end at, contacts, deals and cases: a first sync and three increments by
    If-Modified-Since, deleted ones by their lists; tokens that die every 12 requests are renewed, and no row is lost."""
    api, server = serve(case, calls_a_token=12)
    increments.go_through(case, api, server)
    lists = [r for r in server.seen if r.path == "/crm/v8/Accounts"]
    assert all("page_token" in r.query or r.query["page"] == "1" for r in lists) and api.n_tokens > 3
    assert {r.headers["If-Modified-Since"] for r in lists} >= {None, iso(FIRST - 300)}
    assert "Parent_Account" in lists[0].query["fields"].split(",") and "Owner.id" not in lists[0].query["fields"]
    assert case.query("SELECT count(*) FROM ticket WHERE (status = 'Closed') <> (closed_at IS NOT NULL)") == [(0,)]
    assert REFRESH not in (case.tmp / "state").joinpath("orgs/acme/retaind.db").read_bytes().decode("latin-1")


def test_numbers_are_used_where_no_token_is_given(case):
    """Without a token on the first nine pages their numbers are used, and the token from the tenth on; without any the stream fails
    where Zoho's numbers end, and says so, instead of taking 2,000 rows for all."""
    api, server = serve(case)
    api.tokens_from = 10
    pull(case, "--stream", "accounts", "--now", iso(FIRST))
    lists = [r.query for r in server.seen if r.path == "/crm/v8/Accounts"]
    assert [q.get("page") for q in lists] == [str(n) for n in range(1, 11)] + [None] and "page_token" in lists[-1], lists
    assert case.query("SELECT count(*) FROM account") == [(len(api.rows["accounts"]),)]
    api.tokens_from = 99
    _, said = pull(case, "--stream", "accounts", "--full", "--now", iso(FIRST + 60), expect=None)
    assert "goes on behind page 10, but its answer has no `info.next_page_token`" in said, said


def test_an_empty_list_is_no_error(case):
    """204 where a module is empty and 304 where nothing was modified are lists without rows, and nothing is taken for deleted."""
    api, server = serve(case)
    api.rows["deals"].clear()
    pull(case, "--now", iso(FIRST))
    n = case.query("SELECT count(*) FROM account WHERE deleted_on IS NULL")
    results, _ = pull(case, "--now", iso(FIRST + 7200))
    assert all((r["result"], r["deleted"]) == ("ok", 0) for r in results.values()), results
    assert results["deals"]["rows"] == 0 and results["accounts"]["mode"] == "incremental"
    assert case.query("SELECT count(*) FROM account WHERE deleted_on IS NULL") == n and n[0][0] > 2000


def test_refusals_of_zoho_are_classed(case):
    """A revoked grant, a missing scope and a module that may not be read need a person; too many requests are waited for; a page token
    that has died by the next pull begins the list anew."""
    api, server = serve(case)
    pull(case, "--stream", "users", "--now", iso(FIRST))
    for status, code, said in ((401, "OAUTH_SCOPE_MISMATCH", "not all scopes"), (403, "NO_PERMISSION", "may not read this module")):
        server.seen.clear()
        api.failures = [(status, {"code": code, "message": "told by Zoho", "status": "error", "details": {}})] * 9
        _, errors = pull(case, "--stream", "deals", "--now", iso(FIRST), expect=78)
        assert said in errors and len(server.seen) == 1, (errors, len(server.seen))
    api.failures = [(429, {"code": "TOO_MANY_REQUESTS", "message": "slow down", "status": "error", "details": {}})] * 2
    results, _ = pull(case, "--stream", "deals", "--now", iso(FIRST))
    assert results["deals"]["result"] == "ok"
    api.left = 3
    give, api.give_token = api.give_token, lambda form: (200, {"error": "invalid_code"})
    _, errors = pull(case, "--stream", "accounts", "--now", iso(FIRST), expect=78)
    assert REFRESH not in errors, errors
    api.give_token = lambda form: (400, {"error": "Access Denied", "status": "failure", "error_description": "You have made too many "
                                         "requests continuously. Please try again after some time."})
    _, errors = pull(case, "--stream", "accounts", "--now", iso(FIRST), expect=75)
    assert "too many were asked for" in errors, errors
    api.give_token = give
    api.failures = []
    answer = api.list
    api.list = lambda name, q, since: answer(name, {**q, **({"page_token": "of-yesterday"} if "page_token" in q and not api.renewed else {})}, since)
    api.renewed = False
    n_before = len(server.seen)
    pull(case, "--stream", "accounts", "--now", iso(FIRST + 60), expect=None)
    api.renewed = True
    results, _ = pull(case, "--stream", "accounts", "--now", iso(FIRST + 120))
    assert case.query("SELECT count(*) FROM account") == [(len(api.rows["accounts"]),)] and len(server.seen) > n_before + 11


class WithTalks(Zoho):
    """Calls and meetings too, each of a contact."""
    who = staticmethod(lambda i: {"name": "P", "id": str(BASE_ID + 200_000 + nth(i))})
    kinds = {**{k: Zoho.kinds[k] for k in ("users", "accounts", "contacts")},
             "calls": Kind("interaction", "subject", lambda i: {"Who_Id": WithTalks.who(i), "Call_Type": "Inbound", "Call_Start_Time": iso(FIRST - i)},
                           "Subject", lambda i: str(BASE_ID + nth(nth(i))), tells_deletes=True, page=120),
             "events": Kind("interaction", "subject", lambda i: {"Who_Id": WithTalks.who(i), "Start_DateTime": iso(FIRST - i)}, "Event_Title",
                            lambda i: str(BASE_ID + nth(nth(i))), tells_deletes=True, page=120)}


def test_calls_and_events_belong_to_the_account_of_their_contact(case):
    """Calls and meetings find their account by the contact they name, over a first sync and three increments."""
    api, server = serve(case, more="    map: { deals: skip, cases: skip }\n", made=WithTalks)
    increments.go_through(case, api, server)
    kinds = case.query("SELECT kind, direction, count(*) > 200 FROM interaction GROUP BY 1, 2")
    assert kinds == [("call", "in", 1), ("meeting", None, 1)], kinds


if __name__ == "__main__":
    run(globals())
