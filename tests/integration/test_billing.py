#!/usr/bin/env python3
"""The connectors chargebee, pipedrive, intercom and stripe against their APIs' documented shapes and recorded answers."""
import base64
import json
import sys
import time
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402
from vendor import SECRET, Vendor, organisation, pull  # noqa: E402

DAY_S = 86400
T0 = 1_767_225_600  # 2026-01-01


def day(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def counts(result):
    return tuple(int(result[n]) for n in ("rows", "new", "changed", "deleted", "set_aside"))


# Chargebee ------------------------------------------------------------------------------------------------------------

class Chargebee:
    """Lists of {"list": [{kind: row}]} in the order of updated_at, with the opaque offset as it was recorded: a list in JSON."""

    def __init__(self, rows):
        self.rows, self.failures = rows, []

    def __call__(self, request):
        if self.failures:
            return self.failures.pop(0)
        login = "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode()
        if request.headers["Authorization"] != login:
            return 401, {"message": "Sorry, authentication failed.", "type": None, "api_error_code": "api_authentication_failed"}
        kind, q = request.path.removeprefix("/api/v2/").removesuffix("s"), request.query
        unknown = set(q) - {"limit", "offset", "include_deleted", "sort_by[asc]", "updated_at[between]"}
        if request.method != "GET" or kind not in self.rows or unknown or int(q["limit"]) > 100 or q["sort_by[asc]"] != "updated_at":
            return 400, {"message": f"refused {request.path} {sorted(unknown)}", "api_error_code": "param_wrong_value"}
        low, high = json.loads(q.get("updated_at[between]", "[0,99999999999]"))
        after = tuple(int(x) if x.isdigit() else x for x in json.loads(q["offset"])) if "offset" in q else (0, "")
        rows = sorted((r["updated_at"] * 1000, r["id"], r) for r in self.rows[kind] if low <= r["updated_at"] <= high)
        rows = [r for r in rows if r[:2] > after and (q.get("include_deleted") == "true" or not r[2].get("deleted"))]
        page = rows[:int(q["limit"])]
        body = {"list": [{kind: r[2], "card": {"object": "card"}} for r in page]}
        if len(rows) > len(page):
            body["next_offset"] = json.dumps([str(page[-1][0]), page[-1][1]], separators=(",", ":"))
        return 200, body


def chargebee_rows():
    customers = [{"id": f"cust {i:03d}", "first_name": "Ada", "last_name": f"N{i}", "email": f"ada{i}@c{i}.example", "created_at": T0 + i,
                  "updated_at": T0 + i, "deleted": False, "preferred_currency_code": "USD", **({"company": f"Company {i}"} if i % 2 else {})}
                 for i in range(230)]
    common = {"customer_id": "cust 001", "currency_code": "USD", "created_at": T0, "updated_at": T0, "deleted": False}
    subscriptions = [
        {"id": "classic", **common, "status": "active", "plan_id": "gold", "plan_quantity": 5, "mrr": 123450, "started_at": T0,
         "current_term_end": T0 + 30 * DAY_S, "billing_period_unit": "month"},
        {"id": "items", **common, "status": "non_renewing", "started_at": T0, "mrr": 9900, "cancelled_at": T0 + 90 * DAY_S,
         "cancel_schedule_created_at": T0 + 10 * DAY_S, "current_term_end": T0 + 90 * DAY_S,
         "contract_term": {"contract_end": T0 + 365 * DAY_S},
         "subscription_items": [{"item_price_id": "silver-USD-yearly", "quantity": 7}]},
        {"id": "future", **common, "status": "future", "start_date": T0 + 400 * DAY_S, "currency_code": "JPY", "mrr": 5000},
        {"id": "trial", **common, "status": "in_trial", "started_at": T0, "mrr": 0}]
    invoices = [{"id": "i1", **common, "total": 4999, "date": T0, "due_date": T0 + 15 * DAY_S, "paid_at": T0 + DAY_S, "status": "paid"},
                {"id": "i2", **common, "total": 700, "date": T0, "status": "not_paid", "dunning_attempts": [{"created_at": T0 + 3 * DAY_S}]},
                {"id": "i3", **common, "total": 100, "status": "pending"}]  # which has no date yet
    return {"customer": customers, "subscription": subscriptions, "invoice": invoices}


def test_chargebee_is_read_whole_and_then_what_changed(case):
    """Chargebee: 230 customers in 3 pages by the opaque offset, percent-encoded; amounts in minor units; both catalogues;
    then only what was updated, with 5 minutes of overlap; deleted rows go."""
    api = Chargebee(chargebee_rows())
    server = Vendor(case, api)
    organisation(case, "chargebee", server.url)
    now = T0 + 20 * DAY_S
    results, _ = pull(case, "--now", iso(now))
    assert {k: counts(v) for k, v in results.items()} == {
        "customers": (230, 460, 0, 0, 0), "subscriptions": (4, 4, 0, 0, 0), "invoices": (3, 3, 0, 0, 0)}, results
    pages = [r for r in server.seen if r.path.endswith("customers")]
    assert len(pages) == 3 and "offset=%5B%22" in pages[1].raw_query and " " not in pages[1].raw_query, pages[1].raw_query
    assert case.query("SELECT name FROM account ORDER BY source_key LIMIT 2") == [("Ada N0",), ("Company 1",)]
    assert case.query("SELECT count(*) FROM contact WHERE account_id IS NOT NULL") == [(230,)]
    columns = "source_key, plan, seats, mrr_minor, currency, start_on, end_on, cancel_notice_on, renewal_on, status, is_trial"
    assert case.query(f"SELECT {columns} FROM subscription ORDER BY source_key") == [
        ("classic", "gold", 5, 123450, "USD", day("2026-01-01"), None, None, day("2026-01-31"), "active", 0),
        ("future", None, None, 5000, "JPY", day("2027-02-05"), None, None, None, "future", 0),
        ("items", "silver-USD-yearly", 7, 9900, "USD", day("2026-01-01"), day("2026-04-01"), day("2026-01-11"), day("2027-01-01"),
         "non_renewing", 0),
        ("trial", None, None, 0, "USD", day("2026-01-01"), None, None, None, "in_trial", 1)]
    assert case.query("SELECT amount_minor, issued_on, due_on, paid_on, failed_on, status FROM invoice ORDER BY source_key") == [
        (4999, day("2026-01-01"), day("2026-01-16"), day("2026-01-02"), None, "paid"),
        (700, day("2026-01-01"), None, None, day("2026-01-04"), "not_paid"),
        (100, day("2026-01-01"), None, None, None, "pending")]

    # An edit that Chargebee's list shows five minutes late, a deletion, nothing else.
    api.rows["subscription"][0].update(mrr=99900, updated_at=now - 200, pause_date=T0 + 31 * DAY_S, resume_date=T0 + 59 * DAY_S)
    api.rows["customer"][7].update(deleted=True, updated_at=now + 50)
    server.seen.clear()
    results, _ = pull(case, "--now", iso(now + 3600))
    assert {k: counts(v) for k, v in results.items()} == {
        "customers": (1, 0, 0, 2, 0), "subscriptions": (1, 0, 1, 0, 0), "invoices": (0, 0, 0, 0, 0)}, results
    assert {r.query["updated_at[between]"] for r in server.seen} == {f"[{now - 300},{now + 3600}]"}
    assert case.query("SELECT mrr_minor, paused_on, resumes_on FROM subscription WHERE source_key = 'classic'") == [
        (99900, day("2026-02-01"), day("2026-03-01"))]


def test_the_site_is_part_of_the_address(case):
    """Chargebee's address has the organisation's site in it; without `config: { site: ... }` the check says what is missing."""
    organisation(case, "chargebee", "REMOVED")
    path = case.tmp / "config/orgs/acme.yaml"
    text = path.read_text()
    for site, expect, said in (("", 78, "give it under its `config:`"), ("    config: { site: acme }\n", 0, "")):
        path.write_text(text.replace('    base_url: "REMOVED"\n    allows_http_loopback: true\n', site))
        result = case.retaind("check", expect=expect)
        assert said in result.stdout + result.stderr, (site, result.stdout, result.stderr)


def test_chargebee_errors_are_classed(case):
    """Chargebee: too many requests and a lock are waited for and tried again; a refused key, an unknown site and a wrong
    parameter are told, once."""
    api = Chargebee(chargebee_rows())
    server = Vendor(case, api)
    organisation(case, "chargebee", server.url)
    api.failures = [(429, {"message": "Sorry, there were too many requests", "api_error_code": "api_request_limit_exceeded"}, {"Retry-After": "0"}),
                    (503, {"message": "locked", "api_error_code": "lock_timeout"})]
    pull(case, "--stream", "invoices")
    assert len(server.seen) == 3, len(server.seen)
    cases = [(401, "api_authentication_failed", 78, "API Keys"), (403, "api_authorization_failed", 78, "read-only key"),
             (404, "site_not_found", 78, "no such Chargebee site"), (400, "param_wrong_value", 75, "told by Chargebee")]
    for status, code, expect, said in cases:
        server.seen.clear()
        api.failures = [(status, {"message": "told by Chargebee", "type": "invalid_request", "api_error_code": code})] * 9
        _, errors = pull(case, "--stream", "invoices", expect=expect)
        assert len(server.seen) == 1 and said in errors and SECRET not in errors, (status, len(server.seen), errors)


# Pipedrive ------------------------------------------------------------------------------------------------------------

class Pipedrive:
    """Lists of version 2 by cursor in the order of ids, as documented; users, leads and notes of version 1, the latter two by offset."""

    def __init__(self, rows):
        self.rows, self.failures = rows, []

    def __call__(self, request):
        if self.failures:
            return self.failures.pop(0)
        if request.headers["x-api-token"] != SECRET:
            return 401, {"success": False, "error": "unauthorized access", "errorCode": 401}
        q, kind = request.query, request.path.rpartition("/")[2]
        if request.path == "/v1/users":
            return 200, {"success": True, "data": self.rows["users"]}
        if request.path in ("/v1/leads", "/v1/notes"):
            return self.old_list(kind, q)
        unknown = set(q) - {"limit", "cursor", "sort_by", "sort_direction", "updated_since", "status"}
        if not request.path.startswith("/api/v2/") or unknown or int(q["limit"]) > 500 or q["sort_by"] != "id":
            return 400, {"success": False, "error": f"refused {request.path} {sorted(unknown)}", "errorCode": 400}
        after = int(json.loads(base64.b64decode(q["cursor"]))["id"]) if "cursor" in q else 0
        rows = [r for r in sorted(self.rows[kind], key=lambda r: r["id"]) if r["id"] > after
                and r["update_time"] >= q.get("updated_since", "") and r["is_deleted"] == (q.get("status") == "deleted")]
        page = rows[:int(q["limit"])]
        cursor = base64.b64encode(json.dumps({"id": page[-1]["id"]}).encode()).decode() if len(rows) > len(page) else None
        return 200, {"success": True, "data": page, "additional_data": {"next_cursor": cursor}}

    def old_list(self, kind, q):
        unknown, order = set(q) - {"limit", "start", "sort", "updated_since"}, q["sort"].split()[0]
        if unknown or int(q["limit"]) > 500 or order not in ({"leads": ("id", "add_time"), "notes": ("id",)}[kind]):
            return 400, {"success": False, "error": f"refused {kind} {sorted(unknown)}", "errorCode": 400}
        rows = [r for r in self.rows.get(kind, []) if r["update_time"].replace(" ", "T") >= q.get("updated_since", "").rstrip("Z")]
        rows.sort(key=lambda r: (r[order], r["id"]))
        start, n = int(q.get("start", 0)), int(q["limit"])
        more = start + n < len(rows)
        paging = {"start": start, "limit": n, "more_items_in_collection": more, **({"next_start": start + n} if more else {})}
        return 200, {"success": True, "data": rows[start:start + n] or None, "additional_data": {"pagination": paging}}


def pipedrive_rows():
    stamp = {"add_time": iso(T0), "update_time": iso(T0), "is_deleted": False, "owner_id": 1}
    organizations = [{"id": i, "name": f"Org {i}", "website": None, "address": {"value": "x", "country": "Estonia"}, **stamp}
                     for i in range(1, 1203)]
    persons = [{"id": 1, "name": "Ada N", "org_id": 7, "job_title": "CTO", "emails": [{"value": "ada@o7.example", "primary": True}], **stamp}]
    deals = [{"id": i, "title": f"Deal {i}", "org_id": 7, "value": 99.5, "currency": "EUR", "stage_id": 3, "status": status, "close_time": close,
              "expected_close_date": "2026-04-01", **stamp}
             for i, status, close in ((1, "open", None), (2, "won", iso(T0 + DAY_S)), (3, "lost", iso(T0 + DAY_S)))]
    activities = [{"id": i, "type": "meeting", "subject": f"Talk {i}", "org_id": 7, "person_id": 1, "note": "<p>ok</p>", "done": done,
                   "due_date": "2026-01-05", "due_time": time_, "marked_as_done_time": None, **stamp}
                  for i, done, time_ in ((1, True, "15:00:00"), (2, True, None), (3, False, None))]
    users = [{"id": 1, "name": "Ana", "email": "ana@acme.example", "active_flag": True, "is_deleted": False}]
    leads = [{"id": f"adf21080-{i:04}", "title": f"Lead {i}", "organization_id": 7, "person_id": None, "owner_id": 1, "is_archived": False,
              "value": {"amount": 12.5, "currency": "USD"}, "expected_close_date": None, "add_time": f"2026-01-01T00:00:{i:02}.551Z",
              "update_time": f"2026-01-01T00:00:{i:02}.551Z"} for i in range(1, 3)]
    notes = [{"id": i, "org_id": 7, "person_id": 1, "user_id": 1, "content": f"<p>Note {i}</p>", "active_flag": True,
              "add_time": "2026-01-01 13:59:21", "update_time": "2026-01-01 13:59:21"} for i in range(1, 1101)]
    return {"organizations": organizations, "persons": persons, "deals": deals, "activities": activities, "users": users, "leads": leads,
            "notes": notes}


def test_pipedrive_is_read_whole_and_then_what_changed(case):
    """Pipedrive: 1,202 organizations in 3 pages by cursor, persons, deals, done activities; then what was updated;
    deleted deals go by the daily list; errors in their class."""
    api = Pipedrive(pipedrive_rows())
    server = Vendor(case, api)
    organisation(case, "pipedrive", server.url)
    now = T0 + 20 * DAY_S
    results, _ = pull(case, "--now", iso(now))
    assert {k: counts(v) for k, v in results.items()} == {
        "users": (1, 1, 0, 0, 0), "organizations": (1202, 1202, 0, 0, 0), "persons": (1, 1, 0, 0, 0), "deals": (3, 3, 0, 0, 0),
        "activities": (3, 2, 0, 0, 0), "leads": (2, 2, 0, 0, 0), "notes": (1110, 1100, 0, 0, 0)}, results
    assert case.query("SELECT name, amount_minor, currency, stage, close_on, is_closed, is_won, account_id IS NOT NULL FROM opportunity "
                      "WHERE kind IS NULL ORDER BY source_key") == [("Deal 1", 9950, "EUR", "3", day("2026-04-01"), 0, 0, 1),
                                                 ("Deal 2", 9950, "EUR", "3", day("2026-01-02"), 1, 1, 1),
                                                 ("Deal 3", 9950, "EUR", "3", day("2026-01-02"), 1, 0, 1)]
    assert case.query("SELECT c.name, c.email, c.title, a.name, a.region FROM contact c JOIN account a ON a.id = c.account_id") == [
        ("Ada N", "ada@o7.example", "CTO", "Org 7", "Estonia")]
    assert case.query("SELECT name, kind, stage, amount_minor, currency, is_closed, account_id IS NOT NULL FROM opportunity WHERE kind = 'new' "
                      "ORDER BY source_key") == [("Lead 1", "new", "lead", 1250, "USD", 0, 1), ("Lead 2", "new", "lead", 1250, "USD", 0, 1)]
    assert case.query("SELECT at, body, contact_key, account_id IS NOT NULL FROM interaction WHERE source_key = 'note+1000'") == [
        (T0 + 13 * 3600 + 59 * 60 + 21, "<p>Note 1000</p>", "1", 1)]
    assert case.query("SELECT kind, at, subject FROM interaction WHERE kind <> 'note' ORDER BY source_key") == [
        ("meeting", T0 + 4 * DAY_S + 14 * 3600, "Talk 1"), ("meeting", T0 + 4 * DAY_S - 3600, "Talk 2")]

    api.rows["organizations"][6].update(name="Org seven", update_time=iso(now - 200))
    api.rows["deals"][0].update(is_deleted=True, status="deleted", update_time=iso(now + 50))
    server.seen.clear()
    results, _ = pull(case, "--now", iso(now + 2 * DAY_S))
    assert {k: counts(v) for k, v in results.items()} == {
        "users": (1, 0, 0, 0, 0), "organizations": (1, 0, 1, 0, 0), "persons": (0, 0, 0, 0, 0), "deals": (0, 0, 0, 1, 0),
        "activities": (0, 0, 0, 0, 0), "leads": (0, 0, 0, 0, 0), "notes": (0, 0, 0, 0, 0)}, results
    assert {r.query["updated_since"] for r in server.seen if "updated_since" in r.query} == {iso(now - 300)}
    server.seen.clear()
    api.failures = [(429, {"success": False, "error": "request over limit", "errorCode": 429})]
    pull(case, "--stream", "users")
    assert len(server.seen) == 2
    for status, said in ((401, "refuses the token"), (402, "billing page"), (403, "credentials may not read this")):
        server.seen.clear()
        api.failures = [(status, {"success": False, "error": "told by Pipedrive", "errorCode": status})] * 9
        _, errors = pull(case, "--stream", "users", expect=78)
        assert len(server.seen) == 1 and said in errors and SECRET not in errors, (status, errors)


# Intercom -------------------------------------------------------------------------------------------------------------

class Intercom:
    """Searches whose token goes in the body, as documented, and the numbered list of companies."""

    def __init__(self, rows):
        self.rows = rows

    def __call__(self, request):
        if request.headers["Authorization"] != f"Bearer {SECRET}" or request.headers["Intercom-Version"] != "2.11":
            return 401, {"type": "error.list", "errors": [{"code": "token_unauthorized", "message": "Access Token Invalid"}]}
        if request.path == "/admins":
            return 200, {"type": "admin.list", "admins": self.rows["admins"]}
        if request.path == "/companies/list":
            n, page = int(request.query["per_page"]), int(request.query["page"])
            return 200, {"type": "list", "data": self.rows["companies"][(page - 1) * n:page * n], "pages": {"page": page}}
        if request.method == "GET" and request.path.startswith("/conversations/") and set(request.query) <= {"display_as"}:
            found = [r for r in self.rows["conversations"] if r["id"] == request.path.split("/")[2]]
            return (200, {**found[0], "conversation_parts": {"conversation_parts": self.rows["parts"][found[0]["id"]]}}) if found else (
                404, {"type": "error.list", "errors": [{"code": "not_found", "message": "Resource Not Found"}]})
        kind, query, paging = request.path.split("/")[1], request.body["query"], request.body["pagination"]
        if request.method != "POST" or query["operator"] != ">" or set(paging) - {"per_page", "starting_after"} or paging["per_page"] > 150:
            return 400, {"type": "error.list", "errors": [{"code": "parameter_invalid", "message": "refused"}]}
        rows = [r for r in self.rows[kind] if r[query["field"]] > int(query["value"])]
        at = int(json.loads(base64.b64decode(paging["starting_after"]))[0]) if "starting_after" in paging else 0
        n = paging["per_page"]
        pages = {"type": "pages", "per_page": n}
        if at + n < len(rows):
            pages["next"] = {"page": 2, "starting_after": base64.b64encode(json.dumps([at + n]).encode()).decode()}
        return 200, {"type": "list", "data" if kind == "contacts" else kind: rows[at:at + n], "pages": pages}


def intercom_rows():
    stamp = {"created_at": T0, "updated_at": T0}
    companies = [{"id": f"c{i}", "company_id": f"ours-{i}", "name": f"Company {i}", "plan": {"name": "Pro"}, **stamp} for i in range(130)]
    contacts = [{"id": f"p{i}", "name": f"N {i}", "email": f"n{i}@x.example", "last_seen_at": T0 + DAY_S,
                 "companies": {"data": [{"id": f"c{i % 130}"}]}, **stamp} for i in range(340)]
    who = {"contacts": {"contacts": [{"id": "p7"}]}, **stamp}
    conversations = [{"id": "1", "state": "closed", "title": None, "source": {"subject": "Down", "body": "<p>help</p>"}, "priority": "priority",
                      "statistics": {"last_close_at": T0 + 60}, "conversation_rating": {"rating": 2}, **who},
                     {"id": "2", "state": "open", "title": "Again", "priority": "not_priority", "statistics": {"last_close_at": T0 + 60}, **who}]
    tickets = [{"id": "3", "open": False, "ticket_attributes": {"_default_title_": "Bug"}, "ticket_state": "resolved",
                "ticket_type": {"name": "Defect"}, **who, "updated_at": T0 + 90}]
    return {"admins": [{"id": "9", "name": "Ana", "email": "ana@acme.example"}], "companies": companies, "contacts": contacts,
            "conversations": conversations, "tickets": tickets, "parts": {c["id"]: [
                {"type": "conversation_part", "id": f"{c['id']}{i}", "part_type": kind, "body": f"<p>{who}</p>", "author": {"type": who, "id": "p7"},
                 "created_at": T0 + i, "updated_at": T0 + i} for i, (kind, who) in enumerate(
                     (("comment", "user"), ("comment", "admin"), ("note", "admin"), ("assignment", "bot"), ("open", "lead")))] for c in conversations}}


def test_intercom_is_read_whole_and_then_what_changed(case):
    """Intercom: 340 contacts in 3 pages by the token in the body, 130 companies by number, conversations and tickets of the company
    of their contact; a reopened conversation is open again; then what was updated."""
    api = Intercom(intercom_rows())
    server = Vendor(case, api)
    organisation(case, "intercom", server.url)
    now = T0 + 20 * DAY_S
    results, _ = pull(case, "--now", iso(now))
    assert {k: counts(v)[:2] for k, v in results.items()} == {
        "admins": (1, 1), "companies": (130, 130), "contacts": (340, 340), "conversations": (2, 2), "conversation_parts": (10, 6),
        "tickets": (1, 1)}, results
    columns = "t.source_key, a.name, t.subject, t.status, t.opened_at, t.closed_at, t.satisfaction"
    rows = f"SELECT {columns} FROM ticket t JOIN account a ON a.id = t.account_id ORDER BY t.source_key"
    assert case.query(rows) == [("1", "Company 7", "Down", "closed", T0, T0 + 60, 2), ("2", "Company 7", "Again", "open", T0, None, None),
                                ("3", "Company 7", "Bug", "resolved", T0, T0 + 90, None)], case.query(rows)
    assert case.query("SELECT count(DISTINCT account_id) FROM contact") == [(130,)]
    said = "SELECT i.source_key, a.name, i.direction, i.body, i.at FROM interaction i JOIN account a ON a.id = i.account_id ORDER BY i.source_key"
    assert case.query(said)[:3] == [("10", "Company 7", "in", "<p>user</p>", T0), ("11", "Company 7", "out", "<p>admin</p>", T0 + 1),
                                    ("14", "Company 7", "in", "<p>lead</p>", T0 + 4)], case.query(said)
    api.rows["conversations"][0].update(state="open", updated_at=now - 200)
    api.rows["parts"]["1"].append({**api.rows["parts"]["1"][0], "id": "19", "created_at": now - 200})
    server.seen.clear()
    results, _ = pull(case, "--now", iso(now + 3600))
    assert {k: counts(v)[0] for k, v in results.items()} == {"admins": 1, "companies": 130, "contacts": 0, "conversations": 1,
                                                            "conversation_parts": 6, "tickets": 0}
    assert (results["conversation_parts"]["new"], results["conversation_parts"]["changed"]) == (1, 0), results
    assert case.query("SELECT status, closed_at FROM ticket WHERE source_key = '1'") == [("open", None)]


# Stripe ---------------------------------------------------------------------------------------------------------------

class Stripe:
    """Lists, the newest first, from behind the id in starting_after; canceled subscriptions only with status=all; events; one thing by id."""

    def __init__(self, rows):
        self.rows, self.failures, self.told = rows, [], []

    def __call__(self, request):
        if self.failures:
            return self.failures.pop(0)
        if request.headers["Authorization"] != f"Bearer {SECRET}" or not request.headers["Stripe-Version"]:
            return 401, {"error": {"message": "Invalid API Key provided", "type": "invalid_request_error"}}
        (kind, _, key), q = request.path.removeprefix("/v1/").partition("/"), request.query
        if key:
            found = [r for r in self.rows[kind] if r["id"] == key]
            return (200, found[0]) if found else (404, {"error": {"message": f"No such {kind}: '{key}'", "code": "resource_missing"}})
        if kind == "events":
            kinds = {v for k, v in parse_qsl(request.raw_query) if k == "types[]"}
            rows = [e for e in self.told if e["type"] in kinds and e["created"] >= int(q["created[gte]"])]
            return 200, {"object": "list", "data": rows[::-1], "has_more": False, "url": request.path}
        if kind not in self.rows or set(q) - {"limit", "starting_after", "status"} or int(q["limit"]) > 100:
            return 400, {"error": {"message": "refused", "type": "invalid_request_error"}}
        rows = [r for r in self.rows[kind] if kind != "subscriptions" or q.get("status") == "all" or r["status"] != "canceled"]
        at = next(i for i, r in enumerate(rows) if r["id"] == q["starting_after"]) + 1 if "starting_after" in q else 0
        page = rows[at:at + int(q["limit"])]
        if kind == "customers" and at == 100:  # one is made during the walk: it comes before the first page
            self.rows[kind].insert(0, {"id": "cus_new", "name": "New", "created": T0, "currency": None})
        return 200, {"object": "list", "data": page, "has_more": at + len(page) < len(rows), "url": request.path}


def stripe_rows():
    customers = [{"id": f"cus_{i:03d}", "name": None if i == 1 else f"Company {i}", "email": f"a{i}@x.example", "created": T0, "currency": "usd",
                  "address": {"country": "US"}} for i in range(250, 0, -1)]
    item = {"quantity": 3, "price": {"id": "price_1", "nickname": None, "product": "prod_1", "unit_amount": 5000,
                                     "recurring": {"interval": "month", "interval_count": 1}}}
    yearly = {"quantity": 2, "price": {"id": "price_2", "unit_amount": 24000, "recurring": {"interval": "year", "interval_count": 1}}}
    tiered = {"quantity": 2, "price": {"id": "price_3", "unit_amount": None, "recurring": {"interval": "month", "interval_count": 3}}}
    items = {"active": [item], "canceled": [item, yearly], "trialing": [item, tiered]}
    subscriptions = [{"id": f"sub_{status}", "customer": "cus_007", "status": status, "currency": "usd", "created": T0, "ended_at": ended,
                      **({"start_date": T0} if status == "active" else {}),
                      "cancel_at": None, "canceled_at": ended, "current_period_end": T0 + 30 * DAY_S, "items": {"data": items[status]}}
                     for status, ended in (("active", None), ("canceled", T0 + DAY_S), ("trialing", None))]
    invoices = [{"id": f"in_{status}", "customer": "cus_007", "status": status, "currency": currency, "total": 4999, "created": T0, "due_date": None,
                 "status_transitions": {"finalized_at": T0 + DAY_S, "paid_at": T0 + 2 * DAY_S if status == "paid" else None}}
                for status, currency in (("paid", "usd"), ("open", "jpy"), ("draft", "usd"))]
    return {"customers": customers, "subscriptions": subscriptions, "invoices": invoices}


def test_stripe_is_read_whole_and_then_what_events_name(case):
    """Stripe: 250 customers in 3 pages from behind the last id, none lost when one is made meanwhile; canceled subscriptions, amounts in
    minor units, drafts left out; what changed or is gone comes by events, each thing read anew once; errors in their
    class."""
    api = Stripe(stripe_rows())
    server = Vendor(case, api)
    organisation(case, "stripe", server.url)
    results, _ = pull(case, "--now", iso(T0 + 20 * DAY_S))
    assert {k: counts(v) for k, v in results.items()} == {
        "customers": (250, 500, 0, 0, 0), "subscriptions": (3, 3, 0, 0, 0), "invoices": (3, 2, 0, 0, 0)}, results
    assert case.query("SELECT name, currency, region FROM account WHERE source_key = 'cus_001'") == [("a1@x.example", "USD", "US")]
    assert case.query("SELECT plan, product, seats, billing, start_on, end_on, renewal_on, status, is_trial, account_id IS NOT NULL "
                      "FROM subscription ORDER BY source_key") == [
        ("price_1", "prod_1", 3, "month", day("2026-01-01"), end, day("2026-01-31"), status, trial, 1)
        for status, end, trial in (("active", None, 0), ("canceled", day("2026-01-02"), 0), ("trialing", None, 1))]
    assert case.query("SELECT source_key, mrr_minor FROM subscription ORDER BY 1") == [
        ("sub_active", 15000), ("sub_canceled", 19000), ("sub_trialing", None)]
    assert case.query("SELECT amount_minor, currency, issued_on, paid_on FROM invoice ORDER BY source_key") == [
        (4999, "JPY", day("2026-01-02"), None), (4999, "USD", day("2026-01-02"), day("2026-01-03"))]
    assert case.query("SELECT DISTINCT kind, discount_minor, paused_on, paid_until_on FROM subscription") == [
        (None, None, None, day("2026-01-31"))]
    api.rows["subscriptions"][0].update(
        status="past_due", pause_collection={"behavior": "void", "resumes_at": T0 + 90 * DAY_S},
        discount={"end": T0 + 60 * DAY_S, "coupon": {"amount_off": 900, "percent_off": 12.5, "currency": "usd"}})
    api.rows["customers"] = [r for r in api.rows["customers"] if r["id"] != "cus_003"] + [{"id": "cus_003", "object": "customer", "deleted": True}]
    api.rows["invoices"] = [r for r in api.rows["invoices"] if r["id"] != "in_open"]
    api.told = [{"id": f"evt_{n}", "type": kind, "created": T0 + 20 * DAY_S + 9 * n - 60, "data": {"object": {"id": key, "status": "as it was"}}}
                for n, (kind, key) in enumerate((("customer.created", "cus_new"), ("customer.subscription.updated", "sub_active"),
                                                 ("customer.subscription.updated", "sub_active"), ("customer.updated", "cus_003"),
                                                 ("customer.deleted", "cus_003"), ("invoice.deleted", "in_open"), ("charge.failed", "ch_1")))]
    server.seen.clear()
    results, _ = pull(case, "--now", iso(T0 + 21 * DAY_S))
    assert {k: counts(v) for k, v in results.items()} == {
        "customers": (2, 2, 0, 2, 0), "subscriptions": (1, 0, 1, 0, 0), "invoices": (1, 0, 0, 1, 0)}, results
    assert case.query("SELECT status, resumes_on, discount_minor, discount_percent, discount_ends_on FROM subscription WHERE source_key = 'sub_active'") == [
        ("paused", day("2026-04-01"), 900, 12.5, day("2026-03-02"))]
    asked = [r.path for r in server.seen if r.path.count("/") == 3]
    assert sorted(asked) == ["/v1/customers/cus_003", "/v1/customers/cus_new", "/v1/invoices/in_open", "/v1/subscriptions/sub_active"], asked
    for status, expect, n, said in ((429, 0, 2, ""), (500, 0, 2, ""), (401, 78, 1, "restricted key"), (403, 78, 1, "restricted key"),
                                    (400, 75, 1, "told by Stripe")):
        server.seen.clear()
        api.failures = [(status, {"error": {"message": "told by Stripe", "type": "x"}})]
        _, errors = pull(case, "--stream", "invoices", expect=expect)
        assert len(server.seen) == n and said in errors and SECRET not in errors, (status, len(server.seen), errors)


run(globals())
