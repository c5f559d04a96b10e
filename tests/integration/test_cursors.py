#!/usr/bin/env python3
"""Sources that say themselves where to go on: Zendesk's cursors, OData's delta links, whole lists that show what is gone.

Every stream's first sync and three increments, with changes, new and deleted rows between them: the store equals the server.
"""
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import replay  # noqa: E402
from cursors import KEYS, Dataverse, Zendesk  # noqa: E402
from harness import BIN, HEAVY, SHARED, Skip, run  # noqa: E402
from systems import T0 as T0_SYSTEMS  # noqa: E402
from systems import Stripe  # noqa: E402
from vendor import SECRET, Vendor, organisation, pull, quick  # noqa: E402

DAY_S = 86400
T0 = 1772323200  # 2026-03-01


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def n(results, stream, *names):
    return tuple(int(results[stream][name]) for name in names)


def keys(case, table, where="1"):
    return {k for k, in case.query(f"SELECT source_key FROM {table} WHERE deleted_on IS NULL AND {where}")}


def ok(results):
    assert all(r["result"] == "ok" for r in results.values()), results


# Zendesk --------------------------------------------------------------------------------------------------------------

def zendesk_rows():
    stamp = {"created_at": iso(T0), "updated_at": iso(T0)}
    organizations = [{"id": i, "name": f"Org {i}", "domain_names": [f"o{i}.example"], "external_id": f"crm-{i}", **stamp} for i in range(1, 231)]
    users = [{"id": 1000 + i, "name": f"User {i}", "email": f"u{i}@o.example", "role": "end-user", "active": True, "organization_id": i % 230 + 1,
              "last_login_at": None, **stamp} for i in range(2300)]
    users += [{"id": 9001, "name": "Ana", "email": "ana@acme.example", "role": "agent", "active": True, "organization_id": None, **stamp},
              {"id": 9002, "name": "Bo", "email": "bo@acme.example", "role": "admin", "active": True, "organization_id": None, **stamp}]
    tickets = [{"id": i, "organization_id": i % 230 + 1, "requester_id": 1000 + i, "raw_subject": f"T {i}", "subject": f"T {i}", "description": "help",
                "type": "problem", "status": ("new", "open", "hold", "pending", "solved", "closed")[i % 6], "priority": ("urgent", "normal", None)[i % 3],
                "satisfaction_rating": {"score": ("good", "bad", "unoffered")[i % 3]}, "metric_set": {"solved_at": iso(T0 + 60) if i % 6 == 4 else None},
                **stamp} for i in range(1, 2102)]
    return {"organizations": organizations, "users": users, "tickets": tickets}


def zendesk(case, change=quick, **options):
    api = Zendesk(zendesk_rows(), **options)
    server = Vendor(case, api)
    organisation(case, "zendesk", server.url, more="    config: { email: api@acme.example }\n", change=change)
    return api, server


def same_as_zendesk(case, api):
    users, tickets = api.now("users"), api.now("tickets")
    assert keys(case, "account") == {str(i) for i in api.now("organizations")}
    assert keys(case, "contact") == {str(i) for i, u in users.items() if u["active"] and u["role"] == "end-user"}
    assert keys(case, "owner") == {str(i) for i, u in users.items() if u["active"] and u["role"] != "end-user"}
    shown = {"new": "open", "hold": "pending", "solved": "resolved"}
    want = {str(i): (t["raw_subject"], shown.get(t["status"], t["status"]), t["status"] in ("solved", "closed"))
            for i, t in tickets.items() if t["status"] != "deleted"}
    assert {k: (s, st, bool(c)) for k, s, st, c in case.query(
        "SELECT source_key, subject, status, closed_at IS NOT NULL FROM ticket WHERE deleted_on IS NULL")} == want


def test_zendesk_goes_on_from_its_cursor(case):
    """Zendesk: 2,302 users and 2,101 tickets by export, 230 organizations by list; three increments go on from the kept cursor, never with
    a start time, and bring each change, new and deleted row; the store equals the server every time."""
    api, server = zendesk(case)
    results, _ = pull(case, "--now", iso(T0 + DAY_S))
    ok(results)
    assert {k: n(results, k, "pages", "rows") for k in results} == {"organizations": (3, 230), "users": (3, 2302), "tickets": (3, 2101)}, results
    same_as_zendesk(case, api)
    assert case.query("SELECT t.closed_at, t.satisfaction, t.priority, a.name FROM ticket t JOIN account a ON a.id = t.account_id "
                      "WHERE t.source_key IN ('4', '5', '6') ORDER BY t.source_key") == [
        (T0 + 60, 1, "medium", "Org 5"), (T0, None, None, "Org 6"), (None, 5, "urgent", "Org 7")]
    firsts = [r for r in server.seen if "start_time" in r.query]
    assert len(firsts) == 2 and {r.query["start_time"] for r in firsts} == {"946684800"}, len(firsts)
    for i in range(1, 4):
        at = iso(T0 + i * DAY_S)
        api.put("tickets", {"id": 10 + i, "status": "closed", "updated_at": at})
        api.put("tickets", {"id": 20 + i, "status": "deleted", "updated_at": at})
        api.put("tickets", {"id": 4 + 6 * i, "status": "open", "updated_at": at})  # solved before: opened again
        api.put("tickets", {**api.now("tickets")[30], "id": 5000 + i, "raw_subject": f"new {i}", "updated_at": at})
        api.put("users", {"id": 1000 + i, "active": False, "updated_at": at})
        api.put("users", {"id": 1100 + i, "name": f"renamed {i}", "updated_at": at})
        api.put("users", {"id": 7000 + i, "name": "new", "email": "n@x.example", "role": "end-user", "active": True, "organization_id": 5,
                          "created_at": at, "updated_at": at})
        del api.rows["organizations"][i]
        api.put("organizations", {"id": 300 + i, "name": f"Org {300 + i}", "domain_names": [], "external_id": None, "created_at": at, "updated_at": at})
        server.seen.clear()
        results, _ = pull(case, "--now", iso(T0 + (i + 1) * DAY_S))
        ok(results)
        assert n(results, "tickets", "pages", "rows", "deleted") == (1, 4, 1) and results["tickets"]["mode"] == "incremental", results
        assert n(results, "users", "rows", "new", "changed", "deleted") == (3, 1, 1, 1), results
        assert n(results, "organizations", "rows", "new", "deleted") == (230, 1, 1), results
        assert not [r for r in server.seen if "start_time" in r.query] and len(server.seen) == 6
        same_as_zendesk(case, api)
    results, _ = pull(case, "--now", iso(T0 + 9 * DAY_S))
    assert n(results, "tickets", "pages", "rows", "changed") == (1, 0, 0), results
    assert all(r.path.endswith(".json") for r in server.seen)


def test_zendesk_walks_on_where_it_was_cut(case):
    """A first export that breaks off on its second page goes on from there; one whose cursor is refused begins anew, and what changes
    meanwhile is not lost; a plain-text 429 is waited for."""
    api, server = zendesk(case, most=500)
    api.between = lambda page: api.failures.extend([(500, b"oops")] * 8) if page == 2 else None
    results, _ = pull(case, "--stream", "tickets", expect=75)
    assert n(results, "tickets", "pages", "rows") == (2, 1000), results
    api.between, seen = None, len(server.seen)
    api.put("tickets", {"id": 7, "status": "closed"})
    results, _ = pull(case, "--stream", "tickets")
    assert "start_time" not in server.seen[seen].query and n(results, "tickets", "rows") == (1102,) and results["tickets"]["mode"] == "full", results
    pull(case)
    same_as_zendesk(case, api)

    with sqlite3.connect(case.database()) as db:
        db.execute("UPDATE stream_cursor SET cursor = json_set(cursor, '$.cursor', 'made-up') WHERE stream = 'tickets'")
    api.put("tickets", {"id": 8, "status": "deleted"})
    api.failures = [(429, b"You have exceeded the rate limit for updating a single unique user.",
                     {"Content-Type": "text/plain", "Retry-After": "0", "X-Rate-Limit-Remaining": "668"})]
    results, _ = pull(case, "--stream", "tickets")
    assert results["tickets"]["mode"] == "full" and n(results, "tickets", "rows") == (2101,), results
    same_as_zendesk(case, api)


# Dataverse ------------------------------------------------------------------------------------------------------------

def guid(kind, i):
    return f"{kind:08x}-0000-4000-8000-{i:012x}"


def dataverse_rows():
    stamp = {"createdon": iso(T0), "modifiedon": iso(T0), "_ownerid_value": guid(1, 1)}
    users = [{"systemuserid": guid(1, i), "fullname": f"U {i}", "internalemailaddress": f"u{i}@acme.example", "isdisabled": i == 2} for i in (1, 2)]
    accounts = [{"accountid": guid(2, i), "name": f"A {i}", "websiteurl": f"https://www.a{i}.example/", "accountnumber": f"N{i}", "industrycode": 1,
                 "customertypecode": 3 if i % 2 else 8, "address1_country": "France", "_parentaccountid_value": guid(2, 1) if i == 2 else None, **stamp}
                for i in range(1, 2306)]
    contacts = [{"contactid": guid(3, i), "fullname": f"C {i}", "emailaddress1": f"c{i}@a{i}.example", "_parentcustomerid_value": guid(2, i), **stamp}
                for i in range(1, 41)]
    opportunities = [{"opportunityid": guid(4, i), "name": f"O {i}", "stepname": "2-Develop", "estimatedvalue_base": 1000.5, "statecode": i % 3,
                      "actualvalue_base": 900 if i % 3 == 1 else None, "estimatedclosedate": "2026-05-01", "_customerid_value": guid(2, i), **stamp}
                     for i in range(1, 8)]
    incidents = [{"incidentid": guid(5, i), "title": f"I {i}", "casetypecode": 2, "statecode": i % 2, "prioritycode": 1, "isescalated": False,
                  "_customerid_value": guid(2, i), **stamp} for i in range(1, 11)]
    return {"systemusers": users, "accounts": accounts, "contacts": contacts, "opportunities": opportunities, "incidents": incidents}


TABLES = {"systemusers": "owner", "accounts": "account", "contacts": "contact", "opportunities": "opportunity", "incidents": "ticket"}


def dataverse(case, **options):
    api = Dataverse(dataverse_rows(), **options)
    server = Vendor(case, api)
    config = "    config: { host: acme.crm4.dynamics.com, tenant: tenant-1, client_id: app-1 }\n"
    organisation(case, "dataverse", server.url, more=config, change=lambda t: quick(t).replace("https://login.microsoftonline.com", server.url))
    return api, server


def same_as_dataverse(case, api):
    for kind, table in TABLES.items():
        assert keys(case, table) == set(api.now(kind)), (kind, len(keys(case, table)), len(api.now(kind)))
    assert dict(case.query("SELECT source_key, name FROM account WHERE deleted_on IS NULL")) == {k: r["name"] for k, r in api.now("accounts").items()}
    assert dict(case.query("SELECT source_key, closed_at IS NOT NULL FROM ticket WHERE deleted_on IS NULL")) == {
        k: int(r["statecode"] != 0) for k, r in api.now("incidents").items()}


def change_dataverse(api, i):
    at = iso(T0 + i * DAY_S)
    for kind in TABLES:
        living = sorted(api.now(kind))
        if kind != "systemusers":
            api.delete(kind, living[i])
        new = {**api.now(kind)[living[-1]], {"systemusers": "systemuserid", "accounts": "accountid", "contacts": "contactid",
               "opportunities": "opportunityid", "incidents": "incidentid"}[kind]: guid(9, 100 * i + len(kind))}
        api.put(kind, new)
    api.put("accounts", {"accountid": guid(2, 50 + i), "name": f"renamed {i}", "modifiedon": at})
    api.put("incidents", {"incidentid": guid(5, 9), "statecode": i % 2, "modifiedon": at})


def test_dataverse_is_asked_for_what_changed(case):
    """Dataverse: 2,305 accounts in 3 pages by next links, four more tables; three increments by the delta link bring each change, new and
    deleted row with one request a table; the store equals the server every time."""
    api, server = dataverse(case)
    results, _ = pull(case, "--now", iso(T0 + DAY_S))
    ok(results)
    assert n(results, "accounts", "pages", "rows", "set_aside") == (3, 2305, 0), results
    same_as_dataverse(case, api)
    assert case.query("SELECT a.name, a.is_customer, a.industry, a.stage, a.csm_email, p.name FROM account a LEFT JOIN account p ON p.id = a.parent_id "
                      "WHERE a.name IN ('A 2', 'A 3') ORDER BY 1") == [("A 2", 0, "Accounting", "Prospect", "u1@acme.example", "A 1"),
                                                                     ("A 3", 1, "Accounting", "Customer", "u1@acme.example", None)]
    assert case.query("SELECT domain FROM account WHERE name = 'A 7'") == [("a7.example",)]  # as others know it
    assert case.query("SELECT amount_minor, currency, is_closed, is_won FROM opportunity ORDER BY name LIMIT 3") == [
        (90000, "EUR", 1, 1), (100050, "EUR", 1, 0), (100050, "EUR", 0, 0)]
    for i in range(1, 4):
        change_dataverse(api, i)
        server.seen.clear()
        results, _ = pull(case, "--now", iso(T0 + (i + 1) * DAY_S))
        ok(results)
        assert {r["mode"] for r in results.values()} == {"incremental"}, results
        assert n(results, "accounts", "pages", "rows", "new", "changed", "deleted") == (1, 3, 1, 1, 1), results
        pages = [r for r in server.seen if r.method == "GET"]
        assert len(pages) == 5 and all("$deltatoken" in r.query for r in pages)
        same_as_dataverse(case, api)
    said = "".join(f.read_text(errors="replace") for f in (case.tmp / "state").rglob("*") if f.is_file() and "token" not in f.name)
    assert SECRET not in said


def test_dataverse_lists_anew_what_it_has_forgotten(case):
    """A delta link that has expired, or is older than six days, leads to whole lists, and what was deleted meanwhile goes; a token that
    expires on the way is renewed; a walk that broke off goes on from its page; links to another place are not followed."""
    api, server = dataverse(case, most=400)
    api.between = lambda page: api.expire_tokens() if page in (3, 7) else None
    ok(pull(case, "--now", iso(T0))[0])
    same_as_dataverse(case, api)
    change_dataverse(api, 1)
    api.expire_deltas()
    results, _ = pull(case, "--now", iso(T0 + DAY_S))
    ok(results)
    assert {r["mode"] for r in results.values()} == {"full"} and n(results, "accounts", "new", "changed", "deleted") == (1, 1, 1), results
    same_as_dataverse(case, api)
    change_dataverse(api, 2)
    server.seen.clear()
    results, _ = pull(case, "--now", iso(T0 + 8 * DAY_S))
    ok(results)
    assert not [r for r in server.seen if "$deltatoken" in r.query] and results["accounts"]["mode"] == "full"
    same_as_dataverse(case, api)

    def elsewhere(request):
        status, body, *head = api(request)
        return status, {k: v.replace(server.url, "https://evil.example") if "Link" in k else v for k, v in body.items()}, *head
    server.answer = elsewhere
    change_dataverse(api, 3)
    _, said = pull(case, "--now", iso(T0 + 9 * DAY_S), expect=None)
    assert "leads to another place" in said and "$deltatoken" not in said, said
    server.answer = api
    ok(pull(case, "--now", iso(T0 + 10 * DAY_S))[0])
    same_as_dataverse(case, api)


def test_dataverse_without_a_delta_link_deletes_nothing(case):
    """A whole list that ends without the link to later changes is not taken for whole: nothing is deleted, and the next pull lists anew."""
    api, server = dataverse(case)
    pull(case)
    change_dataverse(api, 1)

    def cut(request):
        status, body, *head = api(request)
        if "value" in body:
            body.pop("@odata.deltaLink", None)
            body["value"] = body["value"][:5]
        return status, body, *head
    server.answer = cut
    results, _ = pull(case, "--full")
    assert {r["mode"] for r in results.values()} == {"full"} and not any(int(r["deleted"]) for r in results.values()), results
    server.answer = api
    results, _ = pull(case)
    assert {r["mode"] for r in results.values()} == {"full"}, results
    same_as_dataverse(case, api)


def test_what_was_told_to_be_gone_is_no_doubt(case):
    """Rows whose deletion came with the changes don't count as missing when a whole list comes, be they most of it."""
    api, _ = dataverse(case)
    pull(case, "--now", iso(T0))
    for i in range(1, 36):
        api.delete("contacts", guid(3, i))
    results, _ = pull(case, "--now", iso(T0 + DAY_S))
    assert n(results, "contacts", "deleted") == (35,), results
    results, _ = pull(case, "--full", "--now", iso(T0 + 2 * DAY_S))
    ok(results)
    same_as_dataverse(case, api)


def test_dataverse_says_which_table_is_not_tracked(case):
    """A table whose changes are not tracked is named with what to do; the others come through."""
    api, _ = dataverse(case, tracked=("accounts", "contacts", "opportunities", "incidents"))
    results, said = pull(case, expect=78)
    assert "turn Track changes on" in said and results["systemusers"]["result"] == "failed" and results["accounts"]["result"] == "ok", said


# Changes during the walks -------------------------------------------------------------------------------------------------

class Drift:
    """Edits, makes and deletes rows between any two pages."""

    def __init__(self, seed):
        self.random, self.n, self.left = random.Random(seed), 0, 0

    def __call__(self, page):
        for _ in range(min(4, self.left)):
            self.left, self.n = self.left - 1, self.n + 1
            self.act()

    def act(self):
        raise NotImplementedError


class ZendeskDrift(Drift):
    def act(self):
        api, kind = self.api, self.random.choice(["users", "tickets"])
        living = sorted(i for i, r in api.now(kind).items() if (r["active"] if kind == "users" else r["status"] != "deleted") and i < 9000)
        row, what = dict(api.now(kind)[self.random.choice(living)]), self.random.choice(["edit", "edit", "make", "delete"])
        if what == "make":
            row["id"] = 20000 + self.n
        row["name" if kind == "users" else "raw_subject"] = f"{what} {self.n}"
        if what == "delete":
            row.update({"active": False} if kind == "users" else {"status": "deleted"})
        api.put(kind, row)


class DataverseDrift(Drift):
    def act(self):
        api, kind = self.api, self.random.choice(["accounts", "contacts", "incidents"])
        key = self.random.choice(sorted(api.now(kind)))
        row, what = dict(api.now(kind)[key]), self.random.choice(["edit", "edit", "make", "delete"])
        if what == "delete":
            api.delete(kind, key)
            return
        row["name"] = f"{what} {self.n}"
        api.put(kind, {**row, KEYS[kind]: guid(9, 1000 + self.n)} if what == "make" else row)


def test_nothing_is_lost_while_rows_change_under_the_walk(case):
    """Zendesk and Dataverse, 100 rows a page, while their rows are edited, made and deleted between the pages of the first walk and of two
    increments, one of which breaks off: with the next pull the store equals the server."""
    for make, same, drift in ((zendesk, same_as_zendesk, ZendeskDrift), (dataverse, same_as_dataverse, DataverseDrift)):
        for seed in range(6 if HEAVY else 1):
            api, server = make(case, most=100)
            api.between = d = drift(seed)
            d.api = api
            for i in range(3):
                d.left = 60
                api.failures = []
                if i == 1:
                    server.answer = lambda request, fails=iter([0] * 5 + [1] * 500 + [0] * 10**6): (500, b"oops") if next(fails) else api(request)
                pull(case, "--now", iso(T0 + i * DAY_S), expect=None)
                server.answer = api
            d.left = 0
            ok(pull(case, "--now", iso(T0 + 3 * DAY_S))[0])
            same(case, api)
            print(f"         {d.n} changes, 0 lost")
            shutil.rmtree(case.tmp / "state")


# Whole lists that show what is gone -------------------------------------------------------------------------------------

PLAIN = """
base_url: https://nowhere.example
auth: {{ kind: header, name: X-Key, value: "{{{{secret.key}}}}" }}
attempts: 2
first_wait: 0.005
longest_wait: 0.05
streams:
  things:
    row: {{ entity: account, key: id, map: [ {{ to: name, from: name }}, {{ to: modified_at, from: at }} ] }}
    full:
      get: /things
      query: {{ after: "{{{{page.token}}}}" }}
      records: rows
      page: {{ kind: last_id, field: id, more: more }}
{more}"""
CHANGED = """    incremental:
      get: /things
      query: { after: "{{page.token}}", since: "{{window.start|s}}" }
      records: rows
      page: { kind: last_id, field: id, more: more }
    full_every: 1d
"""


class Things:
    def __init__(self, n):
        self.rows, self.bad, self.seen = {i: {"id": i, "name": f"T {i}", "at": T0} for i in range(1, n + 1)}, {}, 0

    def __call__(self, request):
        self.seen += 1
        if self.seen in self.bad:
            return self.bad[self.seen]
        q = request.query
        rows = [r for i, r in sorted(self.rows.items()) if i > int(q.get("after", 0)) and r["at"] >= int(q.get("since", 0))]
        return 200, {"rows": rows[:50], "more": len(rows) > 50}


def things(case, n_rows, more="    full_diff: true\n"):
    api = Things(n_rows)
    server = Vendor(case, api)
    (case.tmp / "made.yaml").write_text(PLAIN.format(more=more))
    organisation(case, "zendesk", server.url, more="    config: { email: x }\n")
    (case.tmp / "config/connectors/made.yaml").write_text(PLAIN.format(more=more))
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("connector: zendesk", "connector: made").replace("token:", "key:"))
    return api


def living(case):
    return {int(k) for k in keys(case, "account")}


def test_only_a_complete_list_shows_what_is_gone(case):
    """A walk that fails, is cut short or killed on the way deletes nothing; the whole list it becomes later deletes exactly what it
    lacks, also what increments had brought."""
    api = things(case, 230, more=CHANGED + "    full_diff: true\n")
    pull(case, "--now", iso(T0))
    for i in (3, 77, 78, 200):
        del api.rows[i]
    for bad in ((500, b"oops"), (200, b'{"rows": [{"id": 5'), (200, {"other": 1}), (401, {}), (429, b"")):
        api.bad = {n: bad for n in range(api.seen + 3, api.seen + 20)}
        pull(case, "--full", "--now", iso(T0 + 60), expect=None)
        assert len(living(case)) == 230, bad
    api.bad = {}
    api.rows[500] = {"id": 500, "name": "new", "at": T0 + 3600}
    results, _ = pull(case, "--now", iso(T0 + 7200))  # goes on where the last one broke off, to its end
    assert results["things"]["mode"] == "full" and living(case) == set(api.rows), results
    api.rows[501] = {"id": 501, "name": "new", "at": T0 + 9000}
    results, _ = pull(case, "--now", iso(T0 + 9000))
    assert results["things"]["mode"] == "incremental" and n(results, "things", "new", "deleted") == (1, 0), results
    del api.rows[501], api.rows[4]
    results, _ = pull(case, "--now", iso(T0 + 9600))
    assert results["things"]["mode"] == "incremental" and len(living(case)) == 228
    results, _ = pull(case, "--now", iso(T0 + 3 * DAY_S))
    assert n(results, "things", "deleted", "new", "changed") == (2, 0, 0) and living(case) == set(api.rows), results
    del api.rows[5]
    api.bad = {api.seen + 3: (204, b"")}  # silence, where the third page should be
    results, _ = pull(case, "--full", "--now", iso(T0 + 3 * DAY_S + 60))
    assert n(results, "things", "pages", "deleted") == (3, 0) and living(case) == {5, *api.rows}, results
    api.bad = {api.seen + 5: (200, {"rows": None})}  # null, where the last rows should be
    results, _ = pull(case, "--full", "--now", iso(T0 + 3 * DAY_S + 90))
    assert n(results, "things", "pages", "deleted") == (5, 0) and living(case) == {5, *api.rows}, results
    pull(case, "--full", "--now", iso(T0 + 3 * DAY_S + 120))
    assert living(case) == set(api.rows)
    api.rows[4] = {"id": 4, "name": "back", "at": T0 + 4 * DAY_S}
    pull(case, "--now", iso(T0 + 4 * DAY_S))
    assert living(case) == set(api.rows)


def test_a_list_that_lost_most_needs_a_persons_word(case):
    """An empty list, or one that lacks more than half, deletes nothing and says what to do, at every pull; new and changed rows come
    through; --accept-gone deletes; a dry run neither deletes nor counts as a list."""
    api = things(case, 60)
    pull(case)
    all_rows = dict(api.rows)
    api.rows = {i: r for i, r in all_rows.items() if i <= 20}
    api.rows[9]["name"] = "changed"
    api.rows[70] = {"id": 70, "name": "new", "at": T0}
    for _ in range(2):
        results, said = pull(case, expect=78)
        assert results["things"]["result"] == "failed" and "40 of 61 rows" in said and "--accept-gone" in said, said
        assert len(living(case)) == 61 and case.query("SELECT name FROM account WHERE source_key = '9'") == [("changed",)]
        assert case.query("SELECT last_ok_at FROM source") == case.query("SELECT last_ok_at FROM source WHERE last_error IS NOT NULL")
    case.retaind("pull", "--dry-run", "--source", "src", "--stream", "things", "--accept-gone")
    assert len(living(case)) == 61
    case.retaind("pull", "--accept-gone", expect=64)
    results, _ = pull(case, "--source", "src", "--stream", "things", "--accept-gone")
    assert n(results, "things", "deleted") == (40,) and living(case) == set(api.rows), results
    api.rows = {}
    _, said = pull(case, expect=78)
    assert "21 of 21 rows" in said and len(living(case)) == 21, said
    api.rows = {1: all_rows[1], 2: all_rows[2]}
    pull(case, "--source", "src", "--stream", "things", "--accept-gone")
    del api.rows[1]
    results, _ = pull(case)
    assert living(case) == {2}


def test_a_list_in_doubt_is_made_again(case):
    """Where a whole list is due once a day, one in doubt doesn't count: the next pull, ten minutes later, makes it again; meanwhile new rows
    come through."""
    api = things(case, 60, more=CHANGED + "    full_diff: true\n")
    pull(case, "--now", iso(T0))
    all_rows, api.rows = api.rows, {i: r for i, r in api.rows.items() if i <= 20}
    for minutes in (1440, 1450):
        api.rows[1000 + minutes] = {"id": 1000 + minutes, "name": "new", "at": T0 + 60 * minutes}
        results, said = pull(case, "--now", iso(T0 + 60 * minutes), expect=78)
        assert results["things"]["mode"] == "full" and "--accept-gone" in said and 1000 + minutes in living(case), results
    api.rows = {**all_rows, **api.rows}  # the right to see them was given back
    results, _ = pull(case, "--now", iso(T0 + 60 * 1460))
    assert results["things"]["mode"] == "full" and living(case) == set(api.rows), results
    results, _ = pull(case, "--now", iso(T0 + 60 * 1470))
    assert results["things"]["mode"] == "incremental", results


def test_a_kill_at_any_moment_neither_keeps_nor_deletes_too_much(case):
    """Whole lists and increments killed at random moments, rows deleted, edited and made between: no living row is ever taken for deleted, and
    at the end exactly the living ones are there."""
    api = things(case, 400, more=CHANGED + "    full_diff: true\n")
    dice, at = random.Random(7), T0
    pull(case, "--now", iso(at))
    for i in range(100 if HEAVY else 8):
        at += 6 * 3600
        for key in dice.sample(sorted(api.rows), 3):
            api.rows.pop(key) if key % 2 else api.rows[key].update(name=f"edited {i}", at=at - 60)
        api.rows[1000 + i] = {"id": 1000 + i, "name": "new", "at": at - 60}
        known = living(case) & set(api.rows)
        command = subprocess.Popen([BIN, "pull", "--config", case.tmp / "config", "--now", iso(at)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.005, 0.09))
        command.kill()
        command.wait()
        assert known <= living(case), known - living(case)
    pull(case, "--now", iso(at + 60))
    pull(case, "--full", "--now", iso(at + 120))
    assert dict(case.query("SELECT CAST(source_key AS INTEGER), name FROM account WHERE deleted_on IS NULL")) == {k: r["name"] for k, r in api.rows.items()}


def test_a_row_that_slips_between_pages_is_asked_about(case):
    """A list walked by page number, from whose first page rows go while it is read: those that slip by are asked about by themselves and
    stay, with what changed; those that answer 404 are gone; a question that fails deletes nothing."""
    api = things(case, 230, more="    each: { of: changes, get: \"/things/{{parent.id}}\", empty: [\"404\"] }\n    full_diff: true\n")
    made = case.tmp / "config/connectors/made.yaml"
    made.write_text(made.read_text().replace("after:", "page:").replace("kind: last_id, field: id, more: more", "kind: number, size: 50"))
    asked, deletes = [], []

    def answer(request):
        key = request.path.removeprefix("/things").strip("/")
        if key:
            asked.append(int(key))
            return (500, b"oops") if api.bad else (200, api.rows[int(key)]) if int(key) in api.rows else (404, {})
        page = int(request.query["page"])
        rows = [r for _, r in sorted(api.rows.items())][50 * (page - 1):50 * page]
        for i in deletes[3 * page - 3:3 * page]:
            del api.rows[i]
        return 200, {"rows": rows}
    Things.__call__, usual = (lambda self, request: answer(request)), Things.__call__
    case.at_end(lambda: setattr(Things, "__call__", usual))
    results, _ = pull(case)
    assert n(results, "things", "pages", "rows", "new") == (5, 230, 230) and not asked, results
    deletes.extend((3, 9, 17, 60, 61, 62))
    api.rows[53]["name"] = "changed"
    results, _ = pull(case)
    # Each page's deletions make the next begin three rows further on; those that go after they were shown stay until the next list.
    assert sorted(asked) == [51, 52, 53, 104, 105, 106], asked
    assert living(case) == set(range(1, 231)) and case.query("SELECT name FROM account WHERE source_key = '53'") == [("changed",)]
    deletes.clear()
    asked.clear()
    api.bad = {1: True}
    pull(case, expect=75)
    assert len(living(case)) == 230
    api.bad = {}
    results, _ = pull(case)
    assert sorted(set(asked)) == [3, 9, 17, 60, 61, 62] and living(case) == set(api.rows) and n(results, "things", "deleted") == (6,), results


def test_stripe_lists_anew_what_its_events_have_forgotten(case):
    """Stripe: 260 changes come in 3 pages of events; a walk over them that breaks off goes on; one whose place has aged out begins anew;
    after 40 days everything is listed, and who was deleted meanwhile is asked about and goes."""
    api = Stripe()
    server = Vendor(case, api)
    organisation(case, "stripe", server.url, more="    map: { subscriptions: skip, invoices: skip }\n")

    def sync(days, **options):
        api.now = T0_SYSTEMS + int(days * DAY_S)
        server.seen.clear()
        return pull(case, "--now", iso(api.now), **options)[0].get("customers")

    def same():
        assert dict(case.query("SELECT source_key, name FROM account WHERE deleted_on IS NULL")) == {k: r["name"] for k, r in api.rows["customers"].items()}
    sync(1)
    same()
    for i, key in enumerate(list(api.rows["customers"])[:130]):
        api.change("customers", key, f"changed {i}", T0_SYSTEMS + DAY_S + i)
    server.answer = lambda request, served=[]: (500, b"oops") if len([r for r in server.seen if r.path == "/v1/events"]) > 1 else api(request)
    assert sync(2, expect=75)["pages"] == 1 and len(server.seen) > 50
    server.answer = api
    r = sync(2.1)
    assert (r["mode"], r["pages"]) == ("incremental", 2) and "starting_after" in server.seen[0].query, r
    same()
    for i, key in enumerate(list(api.rows["customers"])[:130]):
        api.change("customers", key, f"again {i}", api.now + i)
    server.answer = lambda request: (500, b"oops") if "starting_after" in request.query else api(request)
    sync(3, expect=75)
    server.answer = api
    api.told = [e for e in api.told if e["id"] != (server.seen[-1].query["starting_after"])]  # the place to go on from is gone
    r = sync(3.1)
    assert (r["mode"], r["pages"]) == ("incremental", 3), r
    same()
    gone = list(api.rows["customers"])[7]
    api.delete("customers", gone, api.now + 5)
    api.change("customers", list(api.rows["customers"])[9], "long ago", api.now + 6)
    r = sync(43)
    assert r["mode"] == "full" and f"/v1/customers/{gone}" in [q.path for q in server.seen] and r["deleted"] == 2, r
    same()


def test_what_may_not_be_said_of_cursors_is_refused(case):
    """A broken word about cursors, retention or whole lists is told with file, line and what would be right."""
    for more, said in (("    full_diff: 7\n", "things.full_diff"), ("    cursor: { kind: opaque }\n", "cursor: `from` is missing"),
                       ("    cursor: { kind: opake, from: x }\n", "opaque"),
                       ("    cursor: { kind: delta_url, from: x }\n", "goes with pages of kind next_url"),
                       (CHANGED + "    cursor: { kind: opaque, from: x }\n", "takes no `incremental:`"),
                       ("    full_diff: true\n    for_each: mailboxes\n", "they may be in another's list"),
                       ("    retention: 6d\n", "the stream asks for none"), ("    retentoin: 6d\n", "retention"),
                       ("    gone: { get: /x, records: rows, first_query: { a: 1 }, page: { kind: none } }\n", "whose first page has no token"),
                       ("    each: { of: changes, get: \"/x/{{parent.id}}\" }\n", "which name them"),
                       ("    each: { of: changes, get: \"/x/{{parent.id}}\", records: rows }\n    full_diff: true\n", "reads a row anew by itself")):
        things(case, 1, more=more)
        result = case.retaind("check", expect=78)
        assert said in result.stdout + result.stderr and "made.yaml:" in result.stdout + result.stderr, (more, result.stdout, result.stderr)
    things(case, 1)
    made = case.tmp / "config/connectors/made.yaml"
    made.write_text(made.read_text().replace("kind: last_id, field: id, more: more", "kind: number, size: 50"))
    result = case.retaind("check", expect=78)
    assert "so none may slip by" in result.stdout + result.stderr, result.stdout


# recorded ----------------------------------------------------------------------------------------------------------------

def recorded(name):
    path = SHARED / f"data/exchanges/{name}.jsonl"
    if not path.exists():
        raise Skip("the recordings are not beside the tree")
    return replay.load(path)


ODATA = """
base_url: https://nowhere.example
auth: { kind: header, name: X-Key, value: "{{secret.key}}" }
streams:
  accounts:
    row: { entity: account, key: accountid, map: [ { to: name, from: name }, { to: modified_at, from: modifiedon } ] }
    full:
      get: /api/data/v9.2/accounts
      query: { $select: "accountid,name,modifiedon,revenue", $orderby: modifiedon }
      records: value
      page: { kind: next_url, from: "@odata.nextLink" }
    full_diff: true
"""


def test_recorded_odata_is_followed_to_its_end(case):
    """The 250 accounts that an OData server gave in 3 pages, by relative and percent-encoded links: each once, word for word as recorded;
    its errors are its errors."""
    exchanges = recorded("sap-cap-8-live__odata")
    server = replay.Replay([{**e, "query": e["query"] or {}} for e in exchanges]).start()
    case.at_end(server.stop)
    things(case, 1)
    made = case.tmp / "config/connectors/made.yaml"
    made.write_text(ODATA)
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(re.sub(r"base_url: .*", f'base_url: "{server.url}"', org.read_text()))
    for _ in range(2):
        results, _ = pull(case)
        assert n(results, "accounts", "pages", "rows", "set_aside", "deleted") == (3, 250, 0, 0) and not server.unmatched, (results, server.unmatched)
        assert keys(case, "account") == {r["accountid"] for e in exchanges[:3] for r in e["body"]["value"]} and len(keys(case, "account")) == 250
    for number, said in ((4, "Property"), (5, "Invalid resource path")):
        made.write_text(ODATA.replace("/api/data/v9.2/accounts", f"/rec/{number}/x"))
        _, errors = pull(case, "--full", expect=None)
        assert said in errors and server.asked[str(number)] == 1, errors
    assert len(keys(case, "account")) == 250


def test_recorded_zendesk_users_are_mapped(case):
    """Every recorded list of Zendesk's users is mapped; a user who was deleted goes; the recorded 429, plain text, is waited for by its
    Retry-After and no more than asked; 422 is the list's own error."""
    exchanges = recorded("grouparoo__zendesk")
    lists = [i for i, e in enumerate(exchanges) if e["method"] == "GET" and isinstance(e["body"], dict) and "users" in e["body"]]
    bodies = [e["body"]["user"] for e in exchanges if isinstance(e["body"], dict) and "user" in e["body"]]
    ids = {str(u["id"]) for i in lists for u in exchanges[i]["body"]["users"]}

    def swap(text):
        head, _, rest = text.partition("  users:\n")
        row = rest.partition("    full:\n")[0]
        streams = "".join(f"  s{i}:\n{row}    full:\n      get: /rec/{i}/x\n      records: users\n      page: {{ kind: none }}\n" for i in lists)
        return quick(head.partition("streams:\n")[0]) + "streams:\n" + streams
    server = replay.Replay([{**e, "query": e["query"] or {}} for e in exchanges]).start()
    case.at_end(server.stop)
    organisation(case, "zendesk", server.url, more="    config: { email: x }\n", change=swap)
    results, _ = pull(case)
    ok(results)
    assert sum(int(r["rows"]) for r in results.values()) == sum(len(exchanges[i]["body"]["users"]) for i in lists)
    assert keys(case, "contact") == ids and not any(int(r["set_aside"]) for r in results.values()), results
    print(f"         {len(lists)} lists, {len(ids)} users")
    gone = next(u for u in bodies if not u["active"] and str(u["id"]) in ids)
    server.exchanges.append({**exchanges[lists[0]], "body": {"users": [gone]}})
    made = case.tmp / "config/connectors/zendesk.yaml"
    text = made.read_text()
    limited = next(i for i, e in enumerate(exchanges) if e["status"] == 429)
    exchanges[limited]["headers"]["Retry-After"] = "1"
    start = time.monotonic()
    made.write_text(text.replace(f"/rec/{lists[0]}/x", f"/rec/{limited},{len(exchanges)}/x"))
    pull(case, "--stream", f"s{lists[0]}")
    assert keys(case, "contact") == ids - {str(gone["id"])} and server.asked[f"{limited},{len(exchanges)}"] == 2
    assert 0.9 < time.monotonic() - start < 30
    bad = next(i for i, e in enumerate(exchanges) if e["status"] == 422)
    made.write_text(text.replace(f"/rec/{lists[0]}/x", f"/rec/{bad}/x"))
    _, said = pull(case, "--stream", f"s{lists[0]}", expect=75)
    assert "HTTP 422" in said and "RecordInvalid" in said and server.asked[str(bad)] == 1, said


run(globals())
