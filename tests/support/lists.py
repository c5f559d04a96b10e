"""One list of each vendor's API, by its rules, over the same simple rows: what the tests of faults and of drift walk.

A Family is a stream of a shipped (or, where none is shipped yet, a made-up) connector and a function that answers its requests as
the vendor does: what the real one refuses, it refuses in the vendor's words. A Server serves one family; its `fault` may change or
break off any answer, its `between` may change the rows behind any answer.
"""
import base64
import json
import re
import socket
import struct
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from harness import ROOT, SANITIZED, Case

SECRET = "planted-secret-7c41f09ad2"
BORN = 1_767_225_600  # 2026-01-01
PAGE = 5
ATTEMPTS = 4
WORKERS = 6
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  src:
    connector: {connector}
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ {names} }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def plain(at):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def at_of(text):
    text = text.replace(" ", "T").removesuffix("Z")
    return int(time.mktime(time.strptime(text.split(".")[0] + "UTC", "%Y-%m-%dT%H:%M:%S%Z")) - time.timezone)


@dataclass
class Row:
    n: int
    at: int = BORN        # last changed
    born: int = BORN
    name: str = ""
    is_gone: bool = False  # where a list shows what was deleted

    def __post_init__(self):
        self.name = self.name or f"Row {self.n}"


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: object
    body: object
    raw_query: str = ""
    at: float = field(default_factory=time.monotonic)


@dataclass
class Reply:
    status: int
    body: object                       # bytes stand as they are
    headers: dict = field(default_factory=dict)
    rows: list = None                  # of a page of the list; None: no page
    token: str = None                  # of the page behind it, as the body says it

    def data(self):
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refused(Exception):
    def __init__(self, status, body, **headers):
        super().__init__(status)
        self.reply = Reply(status, body, headers)


def only(query, *names):
    """A vendor that is strict refuses what it doesn't know; one that isn't would hide our mistake."""
    if set(query) - set(names):
        raise Refused(400, {"message": f"unknown parameters {sorted(set(query) - set(names))}"})


LISTS = ("results", "data", "list", "issues", "value", "tickets", "organizations", "records", "messages", "items", "conversations")  # where a body has its rows


# the vendors ----------------------------------------------------------------------------------------------------------

def hubspot_row(r):
    return {"id": str(r.n), "properties": {"name": r.name, "createdate": iso(r.born), "hs_lastmodifieddate": iso(r.at)},
            "createdAt": iso(r.born), "updatedAt": iso(r.at), "archived": False}


def hubspot_page(rows, q, n):
    rows = [r for r in sorted(rows, key=lambda r: r.n) if r.n > int(q.get("after", 0))]
    page, more = rows[:n], len(rows) > n
    body = {"results": [hubspot_row(r) for r in page]}
    if more:
        body["paging"] = {"next": {"after": str(page[-1].n), "link": "https://api.hubapi.com/ignored"}}
    return Reply(200, body, rows=page, token=str(page[-1].n) if more else None)


def hubspot(server, request):
    q = request.query
    if request.headers["Authorization"] != f"Bearer {SECRET}":
        raise Refused(401, {"status": "error", "message": "Authentication credentials not found.", "category": "INVALID_AUTHENTICATION"})
    if request.method == "GET" and request.path == "/crm/v3/objects/companies":
        only(q, "limit", "archived", "properties", "after")
        return Reply(200, {"results": []}) if q["archived"] == "true" else hubspot_page(server.rows, q, int(q["limit"]))
    if request.method != "POST" or request.path != "/crm/v3/objects/companies/search":
        raise Refused(404, {"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND"})
    body = request.body
    (between, greater), = [g["filters"] for g in body["filterGroups"]]
    if int(body["after"]) + body["limit"] > server.cap_rows or body["limit"] > 200 or body["sorts"] != ["hs_object_id"]:
        raise Refused(400, {"status": "error", "message": f"cannot exceed {server.cap_rows}", "category": "VALIDATION_ERROR"})
    low, high, after = int(between["value"]), int(between["highValue"]), int(greater["value"])
    rows = [r for r in sorted(server.rows, key=lambda r: r.n) if low <= r.at * 1000 <= high and r.n > after]
    page, more = rows[:body["limit"]], len(rows) > body["limit"]
    out = {"total": len(rows), "results": [hubspot_row(r) for r in page], **({"paging": {"next": {"after": str(body["limit"])}}} if more else {})}
    return Reply(200, out, rows=page)


def pipedrive(server, request):
    q = request.query
    if request.headers["x-api-token"] != SECRET:
        raise Refused(401, {"success": False, "error": "unauthorized access", "errorCode": 401})
    if request.path != "/api/v2/organizations" or request.method != "GET":
        raise Refused(404, {"success": False, "error": "not found"})
    only(q, "limit", "cursor", "sort_by", "sort_direction", "updated_since")
    after = json.loads(base64.b64decode(q["cursor"]))["id"] if "cursor" in q else 0
    rows = [r for r in sorted(server.rows, key=lambda r: r.n) if r.n > after and iso(r.at) >= q.get("updated_since", "")]
    page = rows[:int(q["limit"])]
    token = base64.b64encode(json.dumps({"id": page[-1].n}).encode()).decode() if len(rows) > len(page) else None
    data = [{"id": r.n, "name": r.name, "add_time": iso(r.born), "update_time": iso(r.at), "is_deleted": False, "website": None, "owner_id": 1}
            for r in page]
    return Reply(200, {"success": True, "data": data, "additional_data": {"next_cursor": token}}, rows=page, token=token)


def pipedrive_leads(server, request):
    """Version 1: by counting."""
    q = request.query
    if request.headers["x-api-token"] != SECRET:
        raise Refused(401, {"success": False, "error": "unauthorized access", "errorCode": 401})
    if request.path != "/v1/leads" or request.method != "GET":
        raise Refused(404, {"success": False, "error": "not found"})
    only(q, "limit", "start", "sort", "updated_since")
    rows = [r for r in sorted(server.rows, key=lambda r: (r.born, r.n)) if iso(r.at) >= q.get("updated_since", "")]
    at, n = int(q["start"]), int(q["limit"])
    page = rows[at:at + n]
    leads = [{"id": f"l{r.n:05d}", "title": r.name, "add_time": iso(r.born), "update_time": iso(r.at), "is_archived": False} for r in page]
    pagination = {"start": at, "limit": n, "more_items_in_collection": at + n < len(rows), "next_start": at + n}
    return Reply(200, {"success": True, "data": leads, "additional_data": {"pagination": pagination}}, rows=page)


def intercom_row(r):
    return {"id": f"i{r.n:05d}", "name": r.name, "email": f"p{r.n}@x.example", "company_id": f"x{r.n}", "created_at": r.born, "updated_at": r.at,
            "companies": {"data": []}}


def intercom(server, request):
    if request.headers["Authorization"] != f"Bearer {SECRET}" or not request.headers["Intercom-Version"]:
        raise Refused(401, {"type": "error.list", "errors": [{"code": "token_unauthorized", "message": "Access Token Invalid"}]})
    if (request.method, request.path) == ("POST", "/companies/list"):
        only(request.query, "page", "per_page", "order")
        n, number = int(request.query["per_page"]), int(request.query["page"])
        if number * n > server.cap_rows:
            raise Refused(400, {"type": "error.list", "errors": [{"code": "bad_request", "message": "page limit reached, please use scroll API"}]})
        rows = sorted(server.rows, key=lambda r: (r.born, r.n))
        page = rows[(number - 1) * n:number * n]
        return Reply(200, {"type": "list", "data": [intercom_row(r) for r in page], "pages": {"page": number}}, rows=page)
    one = [r for r in server.rows if request.path == f"/companies/i{r.n:05d}"]
    if request.method == "GET" and one:
        return Reply(200, intercom_row(one[0]))
    if (request.method, request.path) != ("POST", "/contacts/search"):
        raise Refused(404, {"type": "error.list", "errors": [{"code": "not_found", "message": "Not found"}]})
    query, paging = request.body["query"], request.body["pagination"]
    if set(paging) - {"per_page", "starting_after"} or query["operator"] != ">":
        raise Refused(400, {"type": "error.list", "errors": [{"code": "parameter_invalid", "message": "refused"}]})
    after = json.loads(base64.b64decode(paging["starting_after"]))[0] if "starting_after" in paging else 0
    rows = [r for r in sorted(server.rows, key=lambda r: r.n) if r.n > after and (r.at if query["field"] == "updated_at" else r.born) > int(query["value"])]
    page = rows[:paging["per_page"]]
    token = base64.b64encode(json.dumps([page[-1].n]).encode()).decode() if len(rows) > len(page) else None
    pages = {"type": "pages", **({"next": {"page": 2, "starting_after": token}} if token else {})}
    return Reply(200, {"type": "list", "data": [intercom_row(r) for r in page], "pages": pages}, rows=page, token=token)


def note_events(server):
    """An event for each row that was made, changed or deleted since the last request."""
    now = {r.n: (r.at, r.name) for r in server.rows}
    for n, state in sorted(now.items(), key=lambda item: item[1]):
        if server.known.get(n) != state:
            server.events.append((n, state[0]))
    server.events += [(n, server.clock) for n in server.known if n not in now and server.known[n]]
    server.known = {**{n: None for n in server.known}, **now}


def stripe_row(r):
    return {"id": f"cus_{r.n:05d}", "object": "customer", "name": r.name, "email": f"p{r.n}@x.example", "created": r.born}


def stripe_customer(server, key):
    n = int(key.removeprefix("cus_"))
    living = [r for r in server.rows if r.n == n]
    if living:
        return Reply(200, stripe_row(living[0]))
    return Reply(200, {"id": key, "object": "customer", "deleted": True}) if n in server.known else Reply(404, {"error": {"code": "resource_missing"}})


def stripe_events(server, q):
    only(q, "limit", "types[]", "created[gte]", "starting_after")
    found = [(i, n, at) for i, (n, at) in reversed(list(enumerate(server.events))) if at >= int(q["created[gte]"])]
    if "starting_after" in q:
        found = [e for e in found if e[0] < int(q["starting_after"].removeprefix("evt_"))]
    page = found[:int(q["limit"])]
    data = [{"id": f"evt_{i:06d}", "object": "event", "created": at, "data": {"object": {"id": f"cus_{n:05d}"}}} for i, n, at in page]
    return Reply(200, {"object": "list", "data": data, "has_more": len(found) > len(page), "url": "/v1/events"}, rows=[Row(n) for _, n, _ in page])


def stripe(server, request):
    q = request.query
    if request.headers["Authorization"] != f"Bearer {SECRET}" or not request.headers["Stripe-Version"]:
        raise Refused(401, {"error": {"message": "Invalid API Key provided", "type": "invalid_request_error"}})
    note_events(server)
    if request.path.startswith("/v1/customers/"):
        return stripe_customer(server, request.path.rpartition("/")[2])
    if request.path == "/v1/events":
        return stripe_events(server, q)
    only(q, "limit", "starting_after")
    if request.path != "/v1/customers":
        raise Refused(404, {"error": {"message": "Unrecognized request URL", "type": "invalid_request_error"}})
    rows = sorted(server.rows, key=lambda r: (-r.born, -r.n))
    ids = [f"cus_{r.n:05d}" for r in rows]
    if "starting_after" in q and q["starting_after"] not in ids:
        raise Refused(400, {"error": {"message": f"No such customer: '{q['starting_after']}'", "param": "starting_after", "code": "resource_missing"}})
    at = ids.index(q["starting_after"]) + 1 if "starting_after" in q else 0
    page = rows[at:at + int(q["limit"])]
    return Reply(200, {"object": "list", "data": [stripe_row(r) for r in page], "has_more": at + len(page) < len(rows), "url": request.path}, rows=page)


def chargebee(server, request):
    q = request.query
    if request.headers["Authorization"] != "Basic " + base64.b64encode(f"{SECRET}:".encode()).decode():
        raise Refused(401, {"message": "Sorry, authentication failed.", "api_error_code": "api_authentication_failed"})
    only(q, "limit", "offset", "include_deleted", "sort_by[asc]", "updated_at[between]")
    if request.path != "/api/v2/customers" or q["sort_by[asc]"] != "updated_at":
        raise Refused(400, {"message": "refused", "api_error_code": "param_wrong_value"})
    low, high = json.loads(q.get("updated_at[between]", "[0,99999999999]"))
    after = tuple(int(x) for x in json.loads(q["offset"])) if "offset" in q else (0, 0)
    rows = [r for r in sorted(server.rows, key=lambda r: (r.at, r.n)) if low <= r.at <= high and (r.at * 1000, r.n) > after]
    page = rows[:int(q["limit"])]
    token = json.dumps([str(page[-1].at * 1000), str(page[-1].n)], separators=(",", ":")) if len(rows) > len(page) else None
    customers = [{"customer": {"id": f"c{r.n:05d}", "company": r.name, "email": f"p{r.n}@x.example", "created_at": r.born, "updated_at": r.at,
                               "deleted": r.is_gone}} for r in page]
    return Reply(200, {"list": customers, **({"next_offset": token} if token else {})}, rows=page, token=token)


def redmine(server, request):
    q = request.query
    is_known = request.headers["X-Redmine-API-Key"] == SECRET
    if request.path == "/users/current.json":
        return Reply(200, {"user": {"id": 1}}) if is_known else Reply(401, b"")
    if request.path != "/issues.json":
        raise Refused(404, b"")
    if not is_known:  # a stranger is shown what everybody may see
        return Reply(200, {"issues": [], "total_count": 0, "offset": 0, "limit": 25}, rows=[])
    only(q, "status_id", "sort", "limit", "offset", "updated_on")
    rows = [r for r in sorted(server.rows, key=lambda r: r.n) if iso(r.at) >= q.get("updated_on", ">=").removeprefix(">=")]
    at, n = int(q["offset"]), min(int(q["limit"]), 100)
    page = rows[at:at + n]
    issues = [{"id": r.n, "project": {"id": 1, "name": "Acme"}, "tracker": {"name": "Bug"}, "status": {"name": "New", "is_closed": False},
               "priority": {"name": "Normal"}, "subject": r.name, "description": None, "created_on": iso(r.born), "updated_on": iso(r.at),
               "closed_on": None} for r in page]
    return Reply(200, {"issues": issues, "total_count": len(rows), "offset": at, "limit": n}, rows=page)


def espocrm(server, request):
    q = request.query
    if request.headers["X-Api-Key"] != SECRET:
        raise Refused(401, b"")
    if request.path == "/api/v1/App/user":
        return Reply(200, {"user": {"id": "u1"}})
    if request.path != "/api/v1/Account" or int(q["maxSize"]) > 200:
        raise Refused(403 if request.path == "/api/v1/Account" else 404, b"", **{"X-Status-Reason": "Max size should not exceed 200."})
    only(q, "maxSize", "offset", "orderBy", "order", "where[0][type]", "where[0][attribute]", "where[0][value]")
    rows = [r for r in sorted(server.rows, key=lambda r: (r.born, r.n)) if plain(r.at) > q.get("where[0][value]", "")]
    at = int(q["offset"])
    page = rows[at:at + int(q["maxSize"])]
    return Reply(200, {"total": len(rows), "list": [{"id": f"e{r.n:05d}", "name": r.name, "deleted": False, "createdAt": plain(r.born),
                                                     "modifiedAt": plain(r.at)} for r in page]}, rows=page)


def freshdesk(server, request):
    q = request.query
    if request.headers["Authorization"] != "Basic " + base64.b64encode(f"{SECRET}:X".encode()).decode():
        raise Refused(401, {"code": "invalid_credentials", "message": "You have to be logged in to perform this action."})
    if request.path.startswith("/api/v2/companies/"):
        found = [r for r in server.rows if str(r.n) == request.path.rpartition("/")[2]]
        if not found:
            raise Refused(404, b"")
        return Reply(200, {"id": found[0].n, "name": found[0].name, "domains": [], "created_at": iso(found[0].born), "updated_at": iso(found[0].at)})
    n, number = int(q["per_page"]), int(q["page"])
    if number > server.cap_pages:
        raise Refused(400, {"description": "Validation failed", "errors": [{"field": "page", "message": f"It should be at most {server.cap_pages}"}]})
    if request.path == "/api/v2/companies":
        only(q, "per_page", "page")
        page = sorted(server.rows, key=lambda r: r.name)[(number - 1) * n:number * n]
        return Reply(200, [{"id": r.n, "name": r.name, "domains": [], "created_at": iso(r.born), "updated_at": iso(r.at)} for r in page], rows=page)
    if request.path != "/api/v2/tickets":
        raise Refused(404, b"")
    only(q, "per_page", "page", "updated_since", "order_by", "order_type", "include", "filter")
    if q.get("filter") == "deleted":
        return Reply(200, [])
    rows = [r for r in sorted(server.rows, key=lambda r: (r.at, r.n)) if iso(r.at) >= q["updated_since"]]
    page = rows[(number - 1) * n:number * n]
    return Reply(200, [{"id": r.n, "subject": r.name, "status": 2, "priority": 1, "company_id": None, "requester_id": 9, "created_at": iso(r.born),
                        "updated_at": iso(r.at), "stats": {"resolved_at": None}} for r in page], rows=page)


def linked(server, request):
    """An API of the kind that gives the next page's address: in the body (absolute or relative), or in a Link header."""
    if request.headers["Authorization"] != f"Bearer {server.token}":
        raise Refused(401, {"error": {"code": "expired", "message": "The token has expired"}})
    only(request.query, "$skiptoken")
    after = int(request.query.get("$skiptoken", 0))
    rows = [r for r in sorted(server.rows, key=lambda r: r.n) if r.n > after]
    page = rows[:PAGE]
    path = f"{request.path}?" + urlencode({"$skiptoken": page[-1].n}) if len(rows) > PAGE else None
    body = {"value": [{"id": r.n, "name": r.name} for r in page]}
    if not path:
        return Reply(200, body, rows=page)
    if request.path == "/header/things":
        return Reply(200, body, {"Link": f'<{server.url}/first>; rel="first", <{server.url}{path}>; rel="next"'}, page, server.url + path)
    link = path.rpartition("/")[2] if request.path == "/relative/things" else server.url + path
    return Reply(200, {**body, "next": link}, rows=page, token=link)


def oauth(server, request):
    """The same list behind a token endpoint that gives a new token whenever it is asked."""
    if request.path != "/token":
        return linked(server, request)
    form = request.body
    if server.is_revoked or form != {"grant_type": "refresh_token", "refresh_token": SECRET, "client_id": "c1"}:
        raise Refused(400, {"error": "invalid_grant"})
    server.n_tokens += 1
    server.token = f"{SECRET}-access-{server.n_tokens}"
    return Reply(200, {"access_token": server.token, "token_type": "Bearer", "expires_in": 3600})


def zendesk_organization(r):
    return {"id": r.n, "name": r.name, "created_at": iso(r.born), "updated_at": iso(r.at)}


def zendesk(server, request):
    q, login = request.query, "Basic " + base64.b64encode(f"api@acme.example/token:{SECRET}".encode()).decode()
    if request.headers["Authorization"] != login:
        raise Refused(401, {"error": "Couldn't authenticate you"})
    if request.path.startswith("/api/v2/organizations/"):
        found = [r for r in server.rows if f"{r.n}.json" == request.path.rpartition("/")[2]]
        if not found:
            raise Refused(404, {"error": "RecordNotFound", "description": "Not found"})
        return Reply(200, {"organization": zendesk_organization(found[0])})
    if request.path == "/api/v2/organizations.json":
        only(q, "page[size]", "page[after]")
        after = int(base64.b64decode(q["page[after]"])) if "page[after]" in q else 0
        rows = [r for r in sorted(server.rows, key=lambda r: r.n) if r.n > after]
        page = rows[:int(q["page[size]"])]
        token = base64.b64encode(str(page[-1].n).encode()).decode() if page else None
        body = {"organizations": [zendesk_organization(r) for r in page],
                "meta": {"has_more": len(rows) > len(page), "after_cursor": token}}
        return Reply(200, body, rows=page, token=token)
    if request.path != "/api/v2/incremental/tickets/cursor.json":
        raise Refused(404, {"error": "InvalidEndpoint", "description": "Not found"})
    only(q, "start_time", "cursor", "per_page", "include")
    if ("start_time" in q) == ("cursor" in q):
        raise Refused(400, {"error": "InvalidParameter", "description": "start_time or cursor"})
    after = tuple(int(x) for x in base64.b64decode(q["cursor"]).decode().split("||")) if "cursor" in q else (int(q["start_time"]), 0)
    rows = [r for r in sorted(server.rows, key=lambda r: (r.at, r.n)) if (r.at, r.n) > after]
    page = rows[:int(q["per_page"])]
    token = base64.b64encode(f"{page[-1].at}||{page[-1].n}".encode()).decode() if page else q.get("cursor")
    tickets = [{"id": r.n, "subject": r.name, "status": "open", "created_at": iso(r.born), "updated_at": iso(r.at)} for r in page]
    return Reply(200, {"tickets": tickets, "after_cursor": token, "end_of_stream": len(rows) <= len(page)}, rows=page, token=token)


def grant(server, request, wanted):
    """The token endpoint of client credentials."""
    if server.is_revoked or request.body != {"grant_type": "client_credentials", **wanted}:
        raise Refused(401, {"error": "invalid_client"})
    server.n_tokens += 1
    server.token = f"{SECRET}-access-{server.n_tokens}"
    return Reply(200, {"access_token": server.token, "token_type": "Bearer", "instance_url": server.url})


def dataverse(server, request):
    """A skip token carries when the walk began: the delta link at its end shows what has changed since."""
    if request.path == "/token":
        return grant(server, request, {"client_id": "c1", "client_secret": SECRET, "scope": "https://org.crm4.dynamics.com/.default"})
    if request.headers["Authorization"] != f"Bearer {server.token}":
        raise Refused(401, b"", **{"WWW-Authenticate": "Bearer"})
    q = request.query
    only(q, "$select", "$skiptoken", "$deltatoken")
    if request.path != "/api/data/v9.2/accounts" or "odata.track-changes" not in request.headers["Prefer"]:
        raise Refused(404, {"error": {"code": "0x80060888", "message": "Resource not found"}})
    since, began, after = (int(x) for x in q.get("$skiptoken", f"{q.get('$deltatoken', 0)}.{server.clock}.0").split("."))
    rows = [r for r in sorted(server.rows, key=lambda r: r.n) if r.n > after and r.at > since]
    page = rows[:PAGE]
    body = {"value": [{"accountid": f"d{r.n:05d}", "name": r.name, "createdon": iso(r.born), "modifiedon": iso(r.at)} for r in page]}
    if len(rows) <= PAGE:
        return Reply(200, {**body, "@odata.deltaLink": f"{server.url}{request.path}?$deltatoken={began}"}, rows=page)
    link = f"{server.url}{request.path}?$skiptoken={since}.{began}.{page[-1].n}"
    return Reply(200, {**body, "@odata.nextLink": link}, rows=page, token=link)


def salesforce_job(server, request):
    """A query that runs by itself, and its results as CSV."""
    _, _, rest = request.path.partition("/jobs/query")
    if request.method == "POST" and not rest:
        server.queries.append(sorted(server.rows, key=lambda r: r.n))
        return Reply(200, {"id": f"750{len(server.queries)}", "state": "UploadComplete"})
    number, what = int(rest.split("/")[1][3:]), rest.split("/")[2:]
    if not 0 < number <= len(server.queries):
        raise Refused(404, [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}])
    query = server.queries[number - 1]
    if request.method == "DELETE":
        return Reply(204, b"")
    if not what:
        return Reply(200, {"id": f"750{number}", "state": "JobComplete", "numberRecordsProcessed": len(query)})
    only(request.query, "maxRecords", "locator")
    at = int(request.query.get("locator", "at0")[2:])
    page = query[at:at + int(request.query["maxRecords"])]
    lines = ["Id,Name,IsDeleted,CreatedDate,SystemModstamp"] + [f'"001{r.n:012d}","{r.name}","false","{iso(r.born)}","{iso(r.at)}"' for r in page]
    token = f"at{at + len(page)}" if at + len(page) < len(query) else None
    return Reply(200, ("\n".join(lines) + "\n").encode(), {"Content-Type": "text/csv", "Sforce-Locator": token or "null",
                                                            "Sforce-NumberOfRecords": str(len(page))}, page, token)


def salesforce(server, request):
    """A query, and links to the rest of what it found."""
    if request.path == "/token":
        return grant(server, request, {"client_id": SECRET, "client_secret": SECRET})
    if request.headers["Authorization"] != f"Bearer {server.token}":
        raise Refused(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    if request.path.startswith("/services/data/v60.0/jobs/query"):
        return salesforce_job(server, request)
    base, _, locator = request.path.partition("/queryAll")
    if base != "/services/data/v60.0":
        raise Refused(404, [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}])
    if locator:
        query, at = server.queries[int(locator[1:].split("-")[0])], int(locator.split("-")[1])
    else:
        only(request.query, "q")
        found = re.fullmatch(r"SELECT [\w,]+ FROM Account WHERE (?:SystemModstamp >= (\S+) AND SystemModstamp <= (\S+) AND )?Id > '(\w+)' ORDER BY Id",
                             request.query["q"])
        if not found:
            raise Refused(400, [{"message": f"unexpected token: {request.query['q']}", "errorCode": "MALFORMED_QUERY"}])
        low, high = (at_of(found[1]), at_of(found[2])) if found[1] else (0, 10**10)
        query, at = [r for r in sorted(server.rows, key=lambda r: r.n) if low <= r.at <= high and f"001{r.n:012d}" > found[3]], 0
        server.queries.append(query)
        locator = f"/{len(server.queries) - 1}-0"
    page = query[at:at + PAGE]
    records = [{"attributes": {"type": "Account"}, "Id": f"001{r.n:012d}", "Name": r.name, "IsDeleted": False, "CreatedDate": iso(r.born),
                "SystemModstamp": iso(r.at)} for r in page]
    link = f"{base}/queryAll{locator.split('-')[0]}-{at + PAGE}" if at + PAGE < len(query) else None
    more = {"done": False, "nextRecordsUrl": link} if link else {"done": True}
    return Reply(200, {"totalSize": len(query), **more, "records": records}, rows=page, token=link)


def zoho(server, request):
    """By number up to a limit of pages, by token all the way; nothing is 204."""
    if request.path == "/token":
        if request.body != {"grant_type": "refresh_token", "client_id": SECRET, "client_secret": SECRET, "refresh_token": SECRET}:
            raise Refused(400, {"error": "invalid_code"})
        server.n_tokens += 1
        server.token = f"{SECRET}-access-{server.n_tokens}"
        return Reply(200, {"access_token": server.token, "token_type": "Bearer", "expires_in": 3600, "api_domain": server.url})
    if request.headers["Authorization"] != f"Zoho-oauthtoken {server.token}":
        raise Refused(401, {"code": "INVALID_TOKEN", "message": "invalid oauth token", "status": "error"})
    q, since = request.query, request.headers["If-Modified-Since"]
    if request.path == "/crm/v8/Accounts/deleted":
        return Reply(204, b"")
    only(q, "fields", "sort_by", "sort_order", "per_page", "page", "page_token")
    if request.path != "/crm/v8/Accounts" or len(q["fields"].split(",")) > 50 or q["sort_by"] != "id":
        raise Refused(400, {"code": "INVALID_REQUEST", "message": "refused", "status": "error"})
    rows, n = [r for r in sorted(server.rows, key=lambda r: r.n) if not since or r.at >= at_of(since)], int(q["per_page"])
    if "page_token" in q:
        rows = [r for r in rows if r.n > int(base64.b64decode(q["page_token"]))]
    elif int(q["page"]) > 3:
        raise Refused(400, {"code": "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "details": {"limit": 3 * n}, "status": "error"})
    else:
        rows = rows[(int(q["page"]) - 1) * n:]
    page = rows[:n]
    if not page:
        return Reply(204, b"", rows=[])
    more = len(rows) > n
    token = base64.b64encode(str(page[-1].n).encode()).decode() if more else None
    data = [{"id": f"z{r.n:05d}", "Account_Name": r.name, "Created_Time": iso(r.born), "Modified_Time": iso(r.at)} for r in page]
    return Reply(200, {"data": data, "info": {"per_page": n, "count": len(page), "more_records": more, "next_page_token": token}}, rows=page, token=token)


MADE_UP = """
auth: {auth}
streams:
  things:
    row: {{ entity: account, key: id, map: [ {{ to: name, from: name }} ] }}
    full:
      get: {path}
      records: value
      page: {page}
"""
BEARER = '{ kind: header, name: Authorization, value: "Bearer {{secret.key}}" }'
OAUTH = """
  kind: oauth2
  grant: refresh
  token_url: "http://127.0.0.1:{{config.port}}/token"
  fields: { client_id: c1, refresh_token: "{{secret.key}}" }"""


def made_up(path, page, auth=BEARER):
    return MADE_UP.format(auth=auth, path=path, page=page)


@dataclass
class Family:
    name: str
    connector: str
    stream: str
    table: str
    answer: object
    key: str                        # of a row, formatted with its number
    is_increment: bool = False      # the walk in question is of the increment, behind a first sync of nothing
    has_increment: bool = True
    made: str = None                # a connector that is not shipped
    empty: str = "goes on"          # what an empty page with a word of more means: goes on | again (75) | goes back | anew | the end
    counts: bool = False            # by rows or pages: a row that is put in before shows one twice
    path: str = None                # of the requests that count, a pattern; None: there is but one list
    has_links: bool = False
    is_oauth: bool = False
    is_csv: bool = False            # or another download: no list in JSON that a row could be put into
    is_slices: bool = False         # a page is a slice of time, each a download of its own
    n_anew: int = 0                 # slices before the one that failed that are read again, because what is in them comes late
    is_whole: bool = False          # what was counted of a slice counts when the slice is whole
    has_edits: bool = True          # a row may change and is seen again
    more: str = ""                  # what the organisation says besides
    falls_back: bool = False        # a link that is dead is answered by a new query, once
    config: str = ""                # what the organisation says under config:
    left_out: tuple = ()            # secrets that the organisation doesn't give
    cap: str = None                 # None: the API has no end of pages; "passes": the walk goes around it; "told": it ends there

    def yaml(self, attempts=ATTEMPTS, timeout="10s"):
        """The connector as shipped, but for its pace and the size of its pages."""
        text = self.made or (ROOT / f"config/connectors/{self.connector}.yaml").read_text()
        text = re.sub(r"rate: [\d.]+, per", "rate: 10000, per", text)
        text = re.sub(r", wait: \d+s", "", text)
        text = re.sub(r"^((attempts|first_wait|longest_wait)| +first_wait| *timeout): .*\n", "", text, flags=re.M)
        text = re.sub(r"(\b(?:limit|size|per_page|maxSize|maxRecords|maxResults|top)|page\[size\]\"): \d+", rf"\1: {PAGE}", text)
        text = text.replace("LIMIT 10000", f"LIMIT {PAGE}").replace("per: 1h", "per: 1s").replace("history: 365d", "history: 4d")
        text = re.sub(r"\nquota_headers:\n((?:  .*)?\n)+?(?=\S)", "\n\n", text)
        text = re.sub(r"token_url: .*", 'token_url: "http://127.0.0.1:{{config.port}}/token"', text)
        text = text.replace("overlap: 5", "overlap: 2").replace("cap: 300", "cap: 3").replace("cap: 10,", "cap: 3,")
        return f"attempts: {attempts}\nfirst_wait: 0.002\nlongest_wait: 0.01\ntimeout: {timeout}\n" + text

    def keys(self, rows):
        return sorted(self.key.format(r.n) for r in rows)


STRIPE = ("stripe", "customers", "account", stripe, "cus_{:05d}")
HUBSPOT = ("hubspot", "companies", "account", hubspot, "{}")
QUERIES = "/services/data/v60.0/queryAll.*"
SALESFORCE = ("salesforce", "accounts", "account", salesforce, "001{:012d}")
DATAVERSE = ("dataverse", "accounts", "account", dataverse, "d{:05d}")
FAMILIES = [
    Family("hubspot list", *HUBSPOT, path="/crm/v3/objects/companies"),
    Family("hubspot search", *HUBSPOT, path="/crm/v3/objects/companies/search", is_increment=True, empty="again", cap="passes"),
    Family("pipedrive list", "pipedrive", "organizations", "account", pipedrive, "{}"),
    Family("pipedrive changes", "pipedrive", "organizations", "account", pipedrive, "{}", is_increment=True),
    Family("intercom contacts", "intercom", "contacts", "contact", intercom, "i{:05d}"),
    Family("intercom companies", "intercom", "companies", "account", intercom, "i{:05d}", has_increment=False, empty="the end", counts=True, cap="told"),
    Family("stripe list", *STRIPE, path="/v1/customers", empty="again"),
    Family("stripe events", *STRIPE, path="/v1/events", is_increment=True, empty="again"),
    Family("chargebee", "chargebee", "customers", "account", chargebee, "c{:05d}"),
    Family("redmine", "redmine", "issues", "ticket", redmine, "{}", path="/issues.json", empty="goes back", counts=True),
    Family("espocrm", "espocrm", "accounts", "account", espocrm, "e{:05d}", path="/api/v1/Account", empty="goes back", counts=True),
    Family("freshdesk tickets", "freshdesk", "tickets", "ticket", freshdesk, "{}", empty="again", cap="passes"),
    Family("freshdesk companies", "freshdesk", "companies", "account", freshdesk, "{}", has_increment=False, path="/api/v2/companies",
           empty="the end", counts=True, cap="told"),
    Family("absolute links", "linked", "things", "account", linked, "{}", has_increment=False, has_links=True,
           made=made_up("/absolute/things", '{ kind: next_url, from: "next" }')),
    Family("relative links", "linked", "things", "account", linked, "{}", has_increment=False, has_links=True,
           made=made_up("/relative/things", '{ kind: next_url, from: "next" }')),
    Family("link headers", "linked", "things", "account", linked, "{}", has_increment=False, has_links=True,
           made=made_up("/header/things", "{ kind: next_url, link: next }")),
    Family("oauth", "linked", "things", "account", oauth, "{}", has_increment=False, has_links=True, is_oauth=True,
           path="/absolute/things", made=made_up("/absolute/things", '{ kind: next_url, from: "next" }', OAUTH)),
]


MY_DOMAIN = dict(config="host: my.salesforce.com", left_out=("key", "refresh"))
ZOHO = ("zoho", "accounts", "account", zoho, "z{:05d}")
TOKENS = dict(is_oauth=True, has_links=True)
FAMILIES += [
    Family("pipedrive leads", "pipedrive", "leads", "opportunity", pipedrive_leads, "l{:05d}", empty="goes back", counts=True),
    Family("zoho list", *ZOHO, config="domain: eu", path="/crm/v8/Accounts", is_oauth=True),
    Family("zoho changes", *ZOHO, config="domain: eu", path="/crm/v8/Accounts", is_oauth=True, is_increment=True),
    Family("zendesk export", "zendesk", "tickets", "ticket", zendesk, "{}", config="email: api@acme.example"),
    Family("zendesk list", "zendesk", "organizations", "account", zendesk, "{}", has_increment=False, config="email: api@acme.example",
           path="/api/v2/organizations.json"),
    Family("dataverse table", *DATAVERSE, config="host: org.crm4.dynamics.com, tenant: t1, client_id: c1", path="/api/data/v9.2/accounts", **TOKENS),
    Family("dataverse delta", *DATAVERSE, config="host: org.crm4.dynamics.com, tenant: t1, client_id: c1", path="/api/data/v9.2/accounts",
           is_increment=True, **TOKENS),
    Family("salesforce changes", *SALESFORCE, **MY_DOMAIN, **TOKENS, path=QUERIES, empty="anew", falls_back=True, is_increment=True),
    Family("salesforce job", *SALESFORCE, **MY_DOMAIN, is_oauth=True, path="/services/data/v60.0/jobs/query/\\w+/results", is_csv=True),
]


# serving --------------------------------------------------------------------------------------------------------------

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, family, rows):
        super().__init__(("127.0.0.1", 0), Handler)
        self.family, self.rows = family, rows
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.fault = self.between = None  # fault(n, request, reply, handler) -> reply or None (it answered itself)
        self.detail = None                # the same for requests that belong to no list: detail(request, reply, handler)
        self.cap_rows, self.cap_pages = 10_000, 300
        self.token, self.is_revoked, self.n_tokens = SECRET, False, 0
        self.clock = BORN + 86400  # what it takes the time to be
        self.n, self.pages, self.lists, self.wrong, self.queries = 0, [], [], [], []
        self.events, self.known = [], {}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def begin(self):
        """Counts anew."""
        self.n, self.pages, self.lists = 0, [], []

    def handle_error(self, request, client_address):
        pass  # clients that we cut off

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_request()

    def do_POST(self):
        self.handle_request()

    def do_DELETE(self):
        self.handle_request()

    def read(self):
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_form = self.headers.get("Content-Type", "").startswith("application/x-www-form")
        body = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw) if raw else None
        return Request(self.command, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), self.headers, body, parts.query)

    def handle_request(self):
        server, request = self.server, self.read()
        try:
            reply = server.family.answer(server, request)
        except Refused as refused:
            reply = refused.reply
        except Exception as error:  # what the stand-in doesn't understand it must not hide
            reply = Reply(400, {"message": f"{type(error).__name__}: {error}"})
        if reply.rows is None and reply.status not in (200, 204, 401, 429) and server.fault is None:
            server.wrong.append((request, reply))
        is_list = reply.rows is not None or (reply.status != 200 and request.path != "/token")
        if is_list and re.fullmatch(server.family.path or ".*", request.path):
            server.n += 1
            server.lists.append(request)
            if server.fault:
                reply = server.fault(server.n, request, reply, self)
        elif server.detail:
            reply = server.detail(request, reply, self)
        if reply is None:
            self.close_connection = True
            return
        if reply.rows is not None and reply.status == 200:
            server.pages.append([r.n for r in reply.rows])
        self.wfile.write(self.written(reply))
        if server.between and reply.rows is not None:
            server.between(len(server.pages))

    def written(self, reply):
        data = reply.data()
        head = {"Date": formatdate(self.server.clock, usegmt=True), "Content-Type": "application/json", "Content-Length": len(data), **reply.headers}
        return f"HTTP/1.1 {reply.status} Answered\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + data

    def reset(self):
        """Ends the connection as a machine does that has forgotten it."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def serve(case, family, rows):
    server = Server(family, rows)
    case.at_end(server.stop)
    return server


def rows(n, step=60, first=1):
    return [Row(i, BORN + step * i, BORN + step * i) for i in range(first, first + n)]


def organisation(case, family, server, change=lambda text: text, more="", daemon_yaml="", **options):
    text = family.yaml(**options)
    names = [n for n in re.findall(r"\{\{secret\.(\w+)", text) if n not in family.left_out]
    path = case.write("key", SECRET + "\n")
    path.chmod(0o600)
    config = ", ".join(filter(None, (family.config, f"port: '{server.server_port}'" if family.is_oauth else "")))
    more += family.more + (f"    config: {{ {config} }}\n" if config else "")
    secrets = ", ".join(f'{n}: "file:{path}"' for n in dict.fromkeys(names))
    case.org(ORG.format(connector=family.connector, url=server.url, names=secrets, folder=case.tmp / "out", more=more), daemon_yaml=daemon_yaml)
    case.write(f"config/connectors/{family.connector}.yaml", change(text)).chmod(0o644)


def stored(case, family):
    """Keys and names of the living rows."""
    if family.table == "usage":
        found = case.query("SELECT account_key, value FROM counted_waiting w JOIN metric m ON m.id = w.metric_id WHERE m.name = 'events'")
        assert len(dict(found)) == len(found) and all(value == 1 for _, value in found), found
        return dict(found)
    column = {"ticket": "subject", "interaction": "body"}.get(family.table, "name")
    return dict(case.query(f"SELECT source_key, {column} FROM {family.table} WHERE deleted_on IS NULL ORDER BY source_key"))


def progress(case, family):
    if not case.database().exists():
        return {}
    found = case.query("SELECT cursor FROM stream_cursor WHERE stream = ?", family.stream)
    return json.loads(found[0][0]) if found else {}


def some(pairs):
    """Under sanitizers every fifth, which leaves out none of 2, 3, 4 or 6 things that take turns: release runs all."""
    return pairs[::5] if SANITIZED else pairs


def all_pairs(pairs, check, **options):
    """Runs check(case, *pair) for each, some at a time; raises with all that failed."""
    wrong = []

    def one(pair):
        inner = Case("pair")
        inner.options = options
        try:
            check(inner, *pair)
        except Exception:
            wrong.append(f"{' x '.join(getattr(p, 'name', getattr(p, 'what', str(p))) for p in pair)}\n{traceback.format_exc(limit=-2)}")
        finally:
            inner.close()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, pairs))
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(pairs)} failed:\n" + "\n".join(sorted(wrong)))
    print(f"         {len(pairs)} pairs")
