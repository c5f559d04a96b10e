"""Seven systems that the connectors read, each a strict stand-in: its logins, parameters, limits, orders, pages and refusals, over rows
that are made, changed and deleted by its own rules. What the real one refuses, it refuses with the same answer.

A System answers requests (vendor.Vendor serves it). Its kinds say of each list how a row looks, what it becomes in the store, and whether
the API tells what was changed and what was deleted. `now` is its clock.
"""
import base64
import json
import re
import time
from dataclasses import dataclass
from typing import Callable
from urllib.parse import parse_qsl

from vendor import SECRET

DAY_S = 86400
T0 = 1_767_225_600  # 2026-01-01
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
N_ACCOUNTS = 20  # so many are what other rows belong to; they stay


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def utc(at):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def nth(i):
    """The account that the i-th row belongs to."""
    return i % N_ACCOUNTS + 1


class Refused(Exception):
    """status, body[, headers]"""


@dataclass
class Kind:
    """One list. row(i): its i-th row; text: the path of what changes; stored: table and column it comes to."""
    table: str
    column: str
    row: Callable
    text: str
    account: Callable = None    # of the i-th row: its account's key in the store
    lists_changes: bool = True  # the API can be asked for what was changed
    tells_deletes: bool = False
    shows_deletes: bool = False # a whole list of it is trusted to show what is gone
    page: int = 100
    stored_key: Callable = str  # of a row's key: what the store calls it


def set_at(row, path, value):
    *parents, last = path.split(".")
    for name in parents:
        row = row[int(name)] if isinstance(row, list) else row[name]
    row[last] = value


def get_at(row, path):
    for name in path.split("."):
        row = row[int(name)] if isinstance(row, list) else row[name]
    return row


class System:
    """links: of each list, the path in a row of what says to which account it belongs."""
    connector, kinds, links = "", {}, {}
    is_after_whole_list = False

    def __init__(self):
        self.now, self.failures, self.unwilling = T0, [], set()
        self.rows = {name: {} for name in self.kinds}   # what lists show
        self.gone = {name: {} for name in self.kinds}   # what was deleted
        self.numbers = {name: {} for name in self.kinds}
        for name, kind in self.kinds.items():
            for i in range(1, 2 * kind.page + 31):
                self.add(name, T0 + i)

    def __call__(self, request):
        if self.failures:
            return self.failures.pop(0)
        try:
            return self.answer(request)
        except Refused as refusal:
            return refusal.args

    def stamp(self, row, at, is_new):
        raise NotImplementedError

    def key(self, name, i):
        return i

    def add(self, name, at):
        i = len(self.numbers[name]) + 1
        row = self.kinds[name].row(i)
        key = row["id"] = self.key(name, i)
        set_at(row, self.kinds[name].text, f"{name} {i}")
        self.stamp(row, at, True)
        self.rows[name][key], self.numbers[name][key] = row, i
        return key

    def change(self, name, key, text, at):
        set_at(self.rows[name][key], self.kinds[name].text, text)
        self.stamp(self.rows[name][key], at, False)

    def move(self, name, key, n, at):
        """The row belongs to the n-th account now."""
        self.numbers[name][key] = i = 5 * N_ACCOUNTS + n - 1
        account, old = self.kinds[name].account(i), get_at(self.rows[name][key], self.links[name])
        set_at(self.rows[name][key], self.links[name], int(account) if isinstance(old, int) else account)
        self.stamp(self.rows[name][key], at, False)

    def delete(self, name, key, at):
        self.gone[name][key] = self.rows[name].pop(key)
        self.stamp(self.gone[name][key], at, False)

    def expected(self, name):
        """What the store should have: key -> (text, key of the account). A row whose deletion nobody tells stays."""
        kind = self.kinds[name]
        rows = self.rows[name] if kind.tells_deletes or (self.is_after_whole_list and kind.shows_deletes) else {**self.rows[name], **self.gone[name]}
        return {kind.stored_key(k): (str(get_at(r, kind.text)), kind.account and kind.account(self.numbers[name][k])) for k, r in rows.items()}


def basic(user, password=""):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def only(query, *names):
    unknown = set(query) - set(names)
    return sorted(unknown)[0] if unknown else None


# Chargebee ------------------------------------------------------------------------------------------------------------

class Chargebee(System):
    connector, links = "chargebee", {"subscriptions": "customer_id", "invoices": "customer_id"}
    kinds = {
        "customers": Kind("account", "name", lambda i: {"email": f"c{i}@x.example", "preferred_currency_code": "EUR"}, "company",
                          tells_deletes=True),
        "subscriptions": Kind("subscription", "plan", lambda i: {
            "customer_id": f"customers-{nth(i)}", "status": "active", "plan_quantity": 3, "mrr": 9900, "currency_code": "EUR", "started_at": T0,
            "current_term_end": T0 + 30 * DAY_S}, "plan_id", lambda i: f"customers-{nth(i)}", tells_deletes=True),
        "invoices": Kind("invoice", "status", lambda i: {
            "customer_id": f"customers-{nth(i)}", "total": 4999, "currency_code": "EUR", "date": T0}, "status",
            lambda i: f"customers-{nth(i)}", tells_deletes=True),
    }

    def key(self, name, i):
        return f"{name}-{i}"

    def stamp(self, row, at, is_new):
        row["updated_at"] = at
        row.setdefault("created_at", at)
        row.setdefault("deleted", False)

    def delete(self, name, key, at):
        super().delete(name, key, at)
        self.gone[name][key]["deleted"] = True

    def answer(self, request):
        if request.headers["Authorization"] != basic(SECRET):
            raise Refused(401, {"message": "Sorry, authentication failed.", "api_error_code": "api_authentication_failed"})
        name, q = request.path.removeprefix("/api/v2/"), request.query
        unknown = only(q, "limit", "offset", "include_deleted", "sort_by[asc]", "updated_at[between]")
        if request.method != "GET" or name not in self.rows:
            raise Refused(404, {"message": "Sorry, we couldn't find that resource", "api_error_code": "resource_not_found"})
        if unknown or not 1 <= int(q.get("limit", 10)) <= 100 or q.get("sort_by[asc]", "date") not in ("created_at", "updated_at", "date"):
            raise Refused(400, {"message": f"{unknown or 'limit'} : invalid", "type": "invalid_request", "api_error_code": "param_wrong_value"})
        low, high = json.loads(q.get("updated_at[between]", "[0,99999999999]"))
        after = tuple(json.loads(q["offset"])) if "offset" in q else ("0", "")
        rows = list(self.rows[name].values()) + (list(self.gone[name].values()) if q.get("include_deleted") == "true" else [])
        rows = sorted(((r["updated_at"], r["id"], r) for r in rows if low <= r["updated_at"] <= high), key=lambda r: r[:2])
        rows = [r for r in rows if r[:2] > (int(after[0]) // 1000, after[1])]
        page = rows[:int(q.get("limit", 10))]
        body = {"list": [{name.removesuffix("s"): r[2]} for r in page]}
        if len(rows) > len(page):
            body["next_offset"] = json.dumps([str(page[-1][0] * 1000), page[-1][1]], separators=(",", ":"))
        return 200, body


# Pipedrive ------------------------------------------------------------------------------------------------------------

FIELDS = {"1f0c" + "0" * 36: "double", "8e2a" + "0" * 36: "varchar", "93bd" + "0" * 36: "varchar", "c44d" + "0" * 36: "date"}
TYPES = {"double": (int, float), "varchar": str, "date": str}


class Pipedrive(System):
    connector = "pipedrive"
    links = {"persons": "org_id", "deals": "org_id", "activities": "org_id", "leads": "organization_id", "notes": "org_id"}
    kinds = {
        "users": Kind("owner", "name", lambda i: {"email": f"u{i}@acme.example", "active_flag": True}, "name", lists_changes=False,
                      tells_deletes=True, page=5),
        "organizations": Kind("account", "name", lambda i: {"owner_id": 1, "custom_fields": {f: None for f in FIELDS}}, "name", page=500),
        "persons": Kind("contact", "name", lambda i: {"org_id": nth(i), "emails": [{"value": f"p{i}@x.example"}]}, "name",
                        lambda i: str(nth(i)), page=500),
        "deals": Kind("opportunity", "name", lambda i: {
            "org_id": nth(i), "value": 99.5, "currency": "EUR", "stage_id": 3, "status": "open", "expected_close_date": "2026-04-01"}, "title",
            lambda i: str(nth(i)), tells_deletes=True, page=500),
        "activities": Kind("interaction", "subject", lambda i: {
            "org_id": nth(i), "type": "call", "done": True, "due_date": "2026-01-05", "due_time": "15:00:00"}, "subject",
            lambda i: str(nth(i)), page=500),
        "leads": Kind("opportunity", "name", lambda i: {
            "organization_id": nth(i), "owner_id": 1, "is_archived": False, "value": {"amount": 99.5, "currency": "EUR"}}, "title",
            lambda i: str(nth(i)), page=500),
        "notes": Kind("interaction", "body", lambda i: {"org_id": nth(i), "person_id": None, "user_id": 1}, "content", lambda i: str(nth(i)),
                      page=500, stored_key=lambda k: f"note+{k}"),
    }

    def key(self, name, i):
        return f"adf21080-0ce0-11ea-b7b5-{i:012d}" if name == "leads" else i

    def stamp(self, row, at, is_new):
        write = utc if "content" in row else iso  # version 1 writes the times of notes as databases do
        row["update_time"] = write(at)
        row.setdefault("add_time", write(at))
        row.setdefault("is_deleted", False)

    def delete(self, name, key, at):
        super().delete(name, key, at)
        self.gone[name][key].update(is_deleted=True, **({"status": "deleted"} if name == "deals" else {}))

    def refuse(self, status, error):
        raise Refused(status, {"success": False, "error": error, "errorCode": status})

    def answer(self, request):
        if request.headers["x-api-token"] != SECRET:
            self.refuse(401, "unauthorized access")
        if request.path == "/v1/users":
            return 200, {"success": True, "data": [*self.rows["users"].values(), *self.gone["users"].values()]}
        if request.path in ("/v1/leads", "/v1/notes") and request.method == "GET":
            return self.list_v1(request.path.removeprefix("/v1/"), request.query)
        path = re.fullmatch(r"/api/v2/(organizations|persons|deals|activities)(?:/(\d+))?", request.path)
        if not path or request.method not in ("GET", "PATCH", "POST"):
            self.refuse(404, "Unknown method .")
        if request.method == "PATCH":
            return self.update(path[1], path[2], request.body)
        if request.method == "POST":
            return self.create(path[1], request.body)
        return self.list(path[1], request.query)

    def list(self, name, q):
        unknown = only(q, "limit", "cursor", "sort_by", "sort_direction", "updated_since", "updated_until", "filter_id", "ids", "owner_id",
                       "include_fields", "custom_fields", *(("status", "org_id") if name in ("deals", "activities") else ()))
        if unknown:
            self.refuse(400, f"Validation failed: {unknown}: Unrecognized key")
        if not re.fullmatch(r"\d+", q.get("limit", "100")) or not 1 <= int(q.get("limit", 100)) <= 500:
            self.refuse(400, "Validation failed: limit: must be less than or equal to 500")
        if q.get("sort_by", "id") not in ("id", "update_time", "add_time") or q.get("sort_direction", "asc") not in ("asc", "desc"):
            self.refuse(400, "Validation failed: sort_by")
        if not re.fullmatch(ISO, q.get("updated_since", iso(0))):
            self.refuse(400, "Validation failed: updated_since: must be in RFC3339 format")
        rows = self.gone[name] if q.get("status") == "deleted" else self.rows[name]
        rows = {k: r for k, r in rows.items() if "org_id" not in q or r.get("org_id") == int(q["org_id"])}
        after = int(json.loads(base64.b64decode(q["cursor"]))["id"]) if "cursor" in q else 0
        rows = [r for k, r in sorted(rows.items()) if k > after and r["update_time"] >= q.get("updated_since", "")]
        page = rows[:int(q.get("limit", 100))]
        cursor = base64.b64encode(json.dumps({"id": page[-1]["id"]}).encode()).decode() if len(rows) > len(page) else None
        return 200, {"success": True, "data": page, "additional_data": {"next_cursor": cursor}}

    def list_v1(self, name, q):
        unknown = only(q, "limit", "start", "sort", "updated_since", "owner_id", "user_id", "org_id", "organization_id", "person_id")
        order, _, way = q.get("sort", "id").partition(" ")
        if unknown or int(q.get("limit", 100)) > 500 or order not in ("id", "add_time", "update_time") or way not in ("", "ASC", "DESC"):
            self.refuse(400, f"refused {unknown or order}")
        if not re.fullmatch(ISO, q.get("updated_since", iso(0))):
            self.refuse(400, "updated_since must be in RFC3339 format")
        rows = [r for r in self.rows[name].values() if r["update_time"].replace(" ", "T") >= q.get("updated_since", "").rstrip("Z")]
        rows.sort(key=lambda r: (r[order], r["id"]), reverse=way == "DESC")
        start, size = int(q.get("start", 0)), int(q.get("limit", 100))
        more = {"start": start, "limit": size, "more_items_in_collection": len(rows) > start + size}
        if more["more_items_in_collection"]:
            more["next_start"] = start + size
        return 200, {"success": True, "data": rows[start:start + size] or None, "additional_data": {"pagination": more}}

    def update(self, name, key, body):
        row = self.rows[name].get(int(key or 0))
        if row is None:
            self.refuse(404, f"{name.removesuffix('s').capitalize()} not found")
        if set(body) - {"name", "custom_fields"}:
            self.refuse(400, f"Validation failed: {sorted(body)[0]}: Unrecognized key")
        for field, value in body.get("custom_fields", {}).items():
            if field not in FIELDS:
                self.refuse(400, f"Validation failed: custom_fields.{field}: Unrecognized key")
            if value is not None and (not isinstance(value, TYPES[FIELDS[field]]) or FIELDS[field] == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\d", value)):
                self.refuse(400, f"Validation failed: custom_fields.{field}: Expected {FIELDS[field]}, received {type(value).__name__}")
        row["custom_fields"].update(body.get("custom_fields", {}))
        self.stamp(row, self.now, False)
        return 200, {"success": True, "data": row}

    def create(self, name, body):
        types = {"subject": str, "type": str, "owner_id": int, "org_id": int, "due_date": str, "note": str, "done": bool}
        if name != "activities":
            self.refuse(404, "Unknown method .")
        for field, value in body.items():
            if not isinstance(value, types.get(field, ())):
                self.refuse(400, f"Validation failed: {field}: Expected another type, received {type(value).__name__}")
        if body["org_id"] not in self.rows["organizations"] or body["org_id"] in self.unwilling:
            self.refuse(400, "Validation failed: org_id: not found")
        key = max(self.rows[name]) + 1
        self.rows[name][key] = row = {"id": key, "done": False, **body}
        self.stamp(row, self.now, True)
        return 201, {"success": True, "data": row}


# Intercom -------------------------------------------------------------------------------------------------------------

class Intercom(System):
    connector, links = "intercom", {"contacts": "companies.data.0.id"}
    who = staticmethod(lambda i: {"contacts": {"contacts": [{"id": f"contacts-{nth(i)}"}]}})
    kinds = {
        "admins": Kind("owner", "name", lambda i: {"email": f"u{i}@acme.example"}, "name", lists_changes=False, page=5),
        "companies": Kind("account", "name", lambda i: {"company_id": f"ours-{i}"}, "name", lists_changes=False, tells_deletes=True, page=60),
        "contacts": Kind("contact", "name", lambda i: {"email": f"p{i}@x.example", "companies": {"data": [{"id": f"companies-{nth(i)}"}]}}, "name",
                         lambda i: f"companies-{nth(i)}", page=150),
        "conversations": Kind("ticket", "subject", lambda i: {"state": "open", "priority": "priority", **Intercom.who(i)}, "title",
                              lambda i: f"companies-{nth(nth(i))}", page=150),
        "conversation_parts": Kind("interaction", "body", lambda i: {
            "conversation": f"conversations-{nth(i)}", "part_type": "comment", "author": {"type": "user"}}, "body",
            lambda i: f"companies-{nth(nth(nth(i)))}", page=50),
        "tickets": Kind("ticket", "subject", lambda i: {
            "open": True, "ticket_attributes": {}, "ticket_state": "submitted", "ticket_type": {"name": "Bug"}, **Intercom.who(i)},
            "ticket_attributes._default_title_", lambda i: f"companies-{nth(nth(i))}", page=150),
    }

    def key(self, name, i):
        return f"{name}-{i}"

    def stamp(self, row, at, is_new):
        row["updated_at"] = at
        row.setdefault("created_at", at)
        if "conversation" in row:
            self.stamp(self.rows["conversations"][row["conversation"]], at, False)

    def refuse(self, status, code, message):
        raise Refused(status, {"type": "error.list", "request_id": "r", "errors": [{"code": code, "message": message}]})

    def answer(self, request):
        if request.headers["Authorization"] != f"Bearer {SECRET}":
            self.refuse(401, "token_unauthorized", "Access Token Invalid")
        if not re.fullmatch(r"2\.\d+", request.headers["Intercom-Version"] or ""):
            self.refuse(400, "intercom_version_invalid", "The requested version could not be found")
        if (request.method, request.path) == ("GET", "/admins"):
            return 200, {"type": "admin.list", "admins": list(self.rows["admins"].values())}
        if (request.method, request.path) == ("POST", "/companies/list"):
            return self.companies(request.query)
        path = re.fullmatch(r"/companies/([\w-]+)", request.path)
        if request.method == "GET" and path and not request.query:
            row = self.rows["companies"].get(path[1])
            return (200, row) if row else self.refuse(404, "company_not_found", "Company Not Found")
        path = re.fullmatch(r"/conversations/([\w-]+)", request.path)
        if request.method == "GET" and path and set(request.query) <= {"display_as"}:
            return self.conversation(path[1])
        path = re.fullmatch(r"/(contacts|conversations|tickets)/search", request.path)
        if not path or request.method != "POST":
            self.refuse(404, "not_found", "Resource Not Found")
        return self.search(path[1], request.body)

    def companies(self, q):
        if only(q, "page", "per_page", "order") or int(q.get("per_page", 15)) > 60:
            self.refuse(400, "parameter_invalid", "Per Page is too big")
        page, size, rows = int(q.get("page", 1)), int(q.get("per_page", 15)), list(self.rows["companies"].values())
        if page * size > 10_000:
            self.refuse(400, "page_limit_reached", "page limit reached, please use scroll API")
        return 200, {"type": "list", "data": rows[(page - 1) * size:page * size], "total_count": len(rows),
                     "pages": {"type": "pages", "page": page, "per_page": size, "total_pages": -(-len(rows) // size)}}

    def conversation(self, key):
        if key not in self.rows["conversations"]:
            self.refuse(404, "not_found", "Resource Not Found")
        parts = [{k: v for k, v in p.items() if k != "conversation"} for p in self.rows["conversation_parts"].values() if p["conversation"] == key]
        return 200, {**self.rows["conversations"][key], "conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts}}

    def search(self, name, body):
        query, paging = body.get("query", {}), body.get("pagination", {})
        if set(body) - {"query", "pagination", "sort"} or set(paging) - {"per_page", "starting_after"} or set(query) != {"field", "operator", "value"}:
            self.refuse(400, "parameter_invalid", "unknown parameter")
        if query["field"] not in ("created_at", "updated_at") or query["operator"] not in (">", "<", "="):
            self.refuse(400, "invalid_field", f"{query['field']} is not a valid search field")
        if not 1 <= paging.get("per_page", 20) <= 150:
            self.refuse(400, "parameter_invalid", "Per Page must be less than or equal to 150")
        unit = DAY_S if name == "contacts" else 1  # contacts are compared by days
        rows = [r for r in self.rows[name].values() if r[query["field"]] // unit > int(query["value"]) // unit]
        rows.sort(key=lambda r: (r["updated_at"], r["id"]), reverse=True)
        at = int(json.loads(base64.b64decode(paging["starting_after"]))[0]) if "starting_after" in paging else 0
        size = paging.get("per_page", 20)
        pages = {"type": "pages", "page": at // size + 1, "per_page": size, "total_pages": -(-len(rows) // size)}
        if at + size < len(rows):
            pages["next"] = {"page": at // size + 2, "starting_after": base64.b64encode(json.dumps([at + size]).encode()).decode()}
        return 200, {"type": "list", "data" if name == "contacts" else name: rows[at:at + size], "total_count": len(rows), "pages": pages}


# Stripe ---------------------------------------------------------------------------------------------------------------

class Stripe(System):
    connector, links = "stripe", {"subscriptions": "customer", "invoices": "customer"}
    item = staticmethod(lambda: {"data": [{"quantity": 3, "price": {"id": "price_1", "product": "prod_1", "recurring": {"interval": "month"}}}]})
    kinds = {
        "customers": Kind("account", "name", lambda i: {"email": f"c{i}@x.example", "currency": "usd", "address": {"country": "US"}}, "name",
                          tells_deletes=True),
        "subscriptions": Kind("subscription", "status", lambda i: {
            "customer": f"customers_{nth(i)}", "currency": "usd", "start_date": T0, "current_period_end": T0 + 30 * DAY_S, "items": Stripe.item()},
            "status", lambda i: f"customers_{nth(i)}", tells_deletes=True),
        "invoices": Kind("invoice", "currency", lambda i: {
            "customer": f"customers_{nth(i)}", "status": "open", "total": 4999, "due_date": None, "status_transitions": {"finalized_at": T0}},
            "currency", lambda i: f"customers_{nth(i)}", tells_deletes=True),
    }
    prefixes = {"customers": "customer", "subscriptions": "customer.subscription", "invoices": "invoice"}
    texts = {"subscriptions": ("active", "past_due", "unpaid", "canceled"), "invoices": ("USD", "EUR", "GBP", "CHF")}

    def key(self, name, i):
        return f"{name}_{i}"

    def stamp(self, row, at, is_new):
        row.setdefault("created", at)

    def expected(self, name):
        return {k: (t.upper() if name == "invoices" else t, a) for k, (t, a) in super().expected(name).items()}

    def add(self, name, at):
        key = super().add(name, at)
        if name in self.texts:
            set_at(self.rows[name][key], self.kinds[name].text, self.texts[name][0].lower())
        self.tell(name, self.rows[name][key], "created", at)
        return key

    def change(self, name, key, text, at):
        super().change(name, key, text, at)
        for _ in range(2):  # a change is told more than once
            self.tell(name, self.rows[name][key], "updated", at)

    def move(self, name, key, n, at):
        super().move(name, key, n, at)
        self.tell(name, self.rows[name][key], "updated", at)

    def delete(self, name, key, at):
        self.tell(name, self.rows[name][key], "deleted", at)
        super().delete(name, key, at)

    def tell(self, name, row, what, at):
        """An event carries the row as it was then, in the shape of an old version of the API."""
        self.told = getattr(self, "told", [])
        old = {"id": row["id"], "object": name[:-1], "name": "as it was", "status": "as it was", "currency": "xxx"}
        self.told.append({"id": f"evt_{len(self.told)}", "object": "event", "created": at, "type": f"{self.prefixes[name]}.{what}", "data": {"object": old}})

    def refuse(self, status, message):
        raise Refused(status, {"error": {"message": message, "type": "invalid_request_error"}})

    def answer(self, request):
        if request.headers["Authorization"] != f"Bearer {SECRET}":
            self.refuse(401, "Invalid API Key provided")
        (name, _, key), q = request.path.removeprefix("/v1/").partition("/"), request.query
        is_known = name in self.rows or request.path == "/v1/events"
        if not is_known or request.method != "GET" or not re.match(r"\d{4}-\d\d-\d\d", request.headers["Stripe-Version"] or ""):
            self.refuse(404, f"Unrecognized request URL ({request.method}: {request.path})")
        if name == "events":
            return self.events(parse_qsl(request.raw_query))
        if key:
            return self.one(name, key, q)
        unknown = only(q, "limit", "starting_after", "ending_before", "created", *(("status", "customer") if name != "customers" else ("email",)))
        if unknown or not 1 <= int(q.get("limit", 10)) <= 100:
            self.refuse(400, f"Received unknown parameter: {unknown}" if unknown else "Invalid integer: limit")
        rows = sorted(self.rows[name].values(), key=lambda r: (-r["created"], r["id"]))
        if name == "subscriptions" and q.get("status") != "all":
            rows = [r for r in rows if r["status"] != "canceled"]
        ids = [r["id"] for r in rows]
        if "starting_after" in q and q["starting_after"] not in ids:
            self.refuse(400, f"No such {name}: '{q['starting_after']}'")
        at = ids.index(q["starting_after"]) + 1 if "starting_after" in q else 0
        page = rows[at:at + int(q.get("limit", 10))]
        return 200, {"object": "list", "url": request.path, "has_more": at + len(page) < len(rows), "data": page}

    def one(self, name, key, q):
        if only(q, "expand[]"):
            self.refuse(400, f"Received unknown parameter: {sorted(q)}")
        if key in self.rows[name]:
            return 200, self.rows[name][key]
        if name == "customers" and key in self.gone[name]:
            return 200, {"id": key, "object": "customer", "deleted": True}
        raise Refused(404, {"error": {"code": "resource_missing", "message": f"No such {name[:-1]}: '{key}'", "type": "invalid_request_error"}})

    def events(self, pairs):
        q, types = dict(pairs), [v for k, v in pairs if k == "types[]"]
        unknown = only(q, "limit", "starting_after", "ending_before", "types[]", "created[gte]", "created[lte]")
        if unknown or not 1 <= int(q.get("limit", 10)) <= 100 or not 1 <= len(types) <= 20:
            self.refuse(400, f"Received unknown parameter: {unknown}" if unknown else "Invalid array: types, or limit")
        rows = [e for e in self.told if e["created"] > self.now - 30 * DAY_S]
        ids = [e["id"] for e in sorted(rows, key=lambda e: (-e["created"], -int(e["id"][4:])))]
        if "starting_after" in q and q["starting_after"] not in ids:
            self.refuse(400, f"The event {q['starting_after']} has aged out of our retention policy")
        rows = sorted((e for e in rows if e["type"] in types and int(q.get("created[gte]", 0)) <= e["created"] <= int(q.get("created[lte]", 1 << 40))),
                      key=lambda e: ids.index(e["id"]))
        if "starting_after" in q:
            rows = [e for e in rows if ids.index(e["id"]) > ids.index(q["starting_after"])]
        page = rows[:int(q.get("limit", 10))]
        return 200, {"object": "list", "url": "/v1/events", "has_more": len(rows) > len(page), "data": page}


# Redmine --------------------------------------------------------------------------------------------------------------

class Redmine(System):
    connector = "redmine"
    kinds = {
        "projects": Kind("account", "name", lambda i: {"identifier": f"p{i}"}, "name", lists_changes=False, tells_deletes=True),
        "issues": Kind("ticket", "subject", lambda i: {
            "project": {"id": nth(i), "name": f"projects {nth(i)}"}, "tracker": {"id": 1, "name": "Bug"}, "priority": {"id": 2, "name": "Normal"},
            "status": {"id": 1 + 4 * (i % 3 == 0), "name": "New", "is_closed": i % 3 == 0}, "closed_on": iso(T0) if i % 3 == 0 else None}, "subject",
            lambda i: str(nth(i)), shows_deletes=True),
    }

    def stamp(self, row, at, is_new):
        row["updated_on"] = iso(at)
        row.setdefault("created_on", iso(at))

    def answer(self, request):
        if request.headers["X-Redmine-API-Key"] != SECRET:  # a stranger sees what everybody may
            return (401, b"") if request.path == "/users/current.json" else (200, {"projects": [], "issues": [], "total_count": 0})
        if request.path == "/users/current.json":
            return 200, {"user": {"id": 1, "login": "admin"}}
        name, q = request.path.strip("/").removesuffix(".json"), request.query
        one = re.fullmatch(r"projects/(\d+)", name)
        if one and int(one[1]) in self.rows["projects"]:
            return 200, {"project": self.rows["projects"][int(one[1])]}
        if name not in self.rows or request.method != "GET":
            return 404, b""
        rows = list(self.rows[name].values())
        if name == "issues":
            if q.get("status_id") != "*":
                rows = [r for r in rows if not r["status"]["is_closed"]]
            if "updated_on" in q and not re.fullmatch(">=" + ISO, q["updated_on"]):
                return 422, {"errors": ["Updated is invalid"]}
            rows = [r for r in rows if r["updated_on"] >= q.get("updated_on", "").removeprefix(">=")]
            rows.sort(key=lambda r: (r[q["sort"]], r["id"]) if "sort" in q else -r["id"])
        else:
            rows.sort(key=lambda r: r["name"].lower())
        offset, limit = int(q.get("offset", 0)), min(int(q.get("limit", 25)), 100)
        return 200, {name: rows[offset:offset + limit], "total_count": len(rows), "offset": offset, "limit": limit}


# EspoCRM --------------------------------------------------------------------------------------------------------------

class Espocrm(System):
    connector, links = "espocrm", {"contacts": "accountId", "opportunities": "accountId", "cases": "accountId"}
    own = {"cRisk": int, "cRiskBand": str, "cRiskCause": str, "cRiskAsOf": str}
    paths = {"User": "users", "Account": "accounts", "Contact": "contacts", "Opportunity": "opportunities", "Case": "cases"}
    account = staticmethod(lambda i: f"accounts{nth(i):09d}")
    kinds = {
        "users": Kind("owner", "name", lambda i: {"emailAddress": f"u{i}@acme.example", "isActive": True}, "name", lists_changes=False, tells_deletes=True,
                      page=20),
        "accounts": Kind("account", "name", lambda i: {"type": "Customer", "website": f"a{i}.example", **{f: None for f in Espocrm.own}}, "name", page=200,
                         shows_deletes=True),
        "contacts": Kind("contact", "name", lambda i: {"accountId": Espocrm.account(i), "emailAddress": f"p{i}@x.example"}, "name",
                         lambda i: Espocrm.account(i), page=200, shows_deletes=True),
        "opportunities": Kind("opportunity", "name", lambda i: {
            "accountId": Espocrm.account(i), "amount": 1000, "amountCurrency": "USD", "stage": "Prospecting", "closeDate": "2027-01-15"}, "name",
            lambda i: Espocrm.account(i), page=200, shows_deletes=True),
        "cases": Kind("ticket", "subject", lambda i: {"accountId": Espocrm.account(i), "status": "New", "priority": "Normal"}, "name",
                      lambda i: Espocrm.account(i), page=200, shows_deletes=True),
    }

    def __init__(self):
        super().__init__()
        self.tasks = []

    def key(self, name, i):
        return f"{name}{i:09d}"

    def stamp(self, row, at, is_new):
        row["modifiedAt"] = utc(at)
        row.setdefault("createdAt", utc(at))
        row.setdefault("deleted", False)

    def refuse(self, status, reason, body=b""):
        raise Refused(status, body, {"X-Status-Reason": reason})

    def answer(self, request):
        if request.headers["X-Api-Key"] != SECRET:
            raise Refused(401, b"")
        if request.path == "/api/v1/App/user":
            return 200, {"user": {"id": "u1"}}
        if request.path == "/api/v1/Task":
            return self.create_task(request.body) if request.method == "POST" else self.list_tasks(request.query)
        path = re.fullmatch(r"/api/v1/(\w+)(?:/(\w+))?", request.path)
        if not path or path[1] not in self.paths:
            self.refuse(404, f"Controller '{path and path[1]}' does not exist.")
        if request.method == "PUT" and path[2]:
            return self.update(self.paths[path[1]], path[2], request.body)
        if request.method != "GET":
            self.refuse(405, "Method not allowed")
        if path[2]:
            row = self.rows[self.paths[path[1]]].get(path[2])
            return (200, row) if row else self.refuse(404, f"Record {path[2]} does not exist.")
        return self.list(self.paths[path[1]], request.query)

    def list(self, name, q):
        if int(q.get("maxSize", 20)) > 200:
            self.refuse(403, "Max size should not exceed 200. Use offset and limit.")
        rows, order = list(self.rows[name].values()), q.get("orderBy", "createdAt")
        if order not in ("createdAt", "modifiedAt", "name"):
            self.refuse(400, f"Order by non-existing field '{order}'.")
        if "where[0][type]" in q:
            field = q.get("where[0][attribute]")
            if q["where[0][type]"] != "after" or field not in ("createdAt", "modifiedAt"):
                self.refuse(400, f"Not existing attribute '{field}' in where.")
            if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", q.get("where[0][value]", "")):
                self.refuse(400, "Bad where item value.")
            rows = [r for r in rows if r[field] > q["where[0][value]"]]
        rows.sort(key=lambda r: (r[order], r["id"]), reverse=q.get("order") == "desc")
        offset = int(q.get("offset", 0))
        return 200, {"total": len(rows), "list": rows[offset:offset + int(q.get("maxSize", 20))]}

    def create_task(self, body):
        status = ("Not Started", "Started", "Completed", "Canceled", "Deferred")
        if set(body) - {"name", "description", "status", "dateEndDate", "parentType", "parentId", "assignedUserId"} or body["status"] not in status:
            self.refuse(400, "Field validation failure; entityType: Task, field: status, type: valid.")
        if body["parentType"] != "Account" or body["parentId"] not in self.rows["accounts"] or body["parentId"] in self.unwilling:
            self.refuse(400, "Field validation failure; entityType: Task, field: parent, type: required.")
        self.tasks.append({"id": f"t{len(self.tasks)}", "createdAt": utc(self.now), **body})
        return 200, self.tasks[-1]

    def list_tasks(self, q):
        if int(q["maxSize"]) > 200 or (q["where[0][type]"], q["where[0][attribute]"]) != ("equals", "parentId"):
            self.refuse(403, "Max size should not exceed 200. Use offset and limit.")
        rows = [{k: t[k] for k in q["select"].split(",")} for t in self.tasks[::-1] if t["parentId"] == q["where[0][value]"]]
        return 200, {"total": len(rows), "list": rows[:int(q["maxSize"])]}

    def update(self, name, key, body):
        row = self.rows[name].get(key)
        if row is None:
            self.refuse(404, f"Record {key} does not exist.")
        for field, value in body.items():
            wrong = "valid" if value is not None and not isinstance(value, self.own.get(field, object)) else None
            wrong = "max" if not wrong and field == "cRisk" and value is not None and value > 100 else wrong
            if wrong:
                self.refuse(400, f"Field validation failure; entityType: Account, field: {field}, type: {wrong}.",
                            {"messageTranslation": {"label": "validationFailure", "scope": None, "data": {"field": field, "type": wrong}}})
        row.update({k: v for k, v in body.items() if k in row})  # what it doesn't know it ignores
        self.stamp(row, self.now, False)
        return 200, row


# Freshdesk ------------------------------------------------------------------------------------------------------------

class Freshdesk(System):
    connector, most_pages, links = "freshdesk", 300, {"contacts": "company_id", "tickets": "company_id"}
    kinds = {
        "agents": Kind("owner", "name", lambda i: {"contact": {"email": f"u{i}@acme.example"}}, "contact.name", lists_changes=False, tells_deletes=True),
        "companies": Kind("account", "name", lambda i: {"domains": [f"a{i}.example"], "industry": "Retail"}, "name", lists_changes=False, tells_deletes=True),
        "contacts": Kind("contact", "name", lambda i: {"company_id": nth(i), "email": f"p{i}@x.example"}, "name", lambda i: str(nth(i)),
                         lists_changes=False, tells_deletes=True),
        "tickets": Kind("ticket", "subject", lambda i: {"company_id": nth(i), "requester_id": nth(i), "status": 2, "priority": 1,
                                                        "stats": {"resolved_at": None, "first_responded_at": None}, "description_text": "help"},
                        "subject", lambda i: str(nth(i)), tells_deletes=True),
    }
    allowed = {"agents": ("email", "mobile", "phone", "state"), "companies": (),
               "contacts": ("email", "mobile", "phone", "company_id", "state", "updated_since"),
               "tickets": ("filter", "requester_id", "email", "company_id", "updated_since", "order_by", "order_type", "include")}

    def stamp(self, row, at, is_new):
        row["updated_at"] = iso(at)
        row.setdefault("created_at", iso(at))

    def delete(self, name, key, at):
        super().delete(name, key, at)
        self.gone[name][key]["deleted"] = True

    def refuse(self, field, message):
        raise Refused(400, {"description": "Validation failed", "errors": [{"field": field, "message": message, "code": "invalid_value"}]})

    def answer(self, request):
        if request.headers["Authorization"] != basic(SECRET, "X"):
            raise Refused(401, {"code": "invalid_credentials", "message": "You have to be logged in to perform this action."})
        name, q = request.path.removeprefix("/api/v2/"), request.query
        name, _, key = name.partition("/")
        if name not in self.rows or request.method != "GET":
            raise Refused(404, b"")
        if key:
            return self.one(name, int(key))
        unknown = only(q, "page", "per_page", *self.allowed[name])
        if unknown:
            self.refuse(unknown, "Unexpected/invalid field in request")
        page, size = int(q.get("page", 1)), int(q.get("per_page", 30))
        if page < 1 or size > 100:
            self.refuse("per_page", "It should be a Positive Integer less than or equal to 100")
        if page > self.most_pages:
            self.refuse("page", f"It should be at most {self.most_pages}")
        rows = self.tickets(q) if name == "tickets" else list(self.rows[name].values())
        more = {"Link": f'<{request.path}?page={page + 1}>; rel="next"'} if len(rows) > page * size else {}
        return 200, rows[(page - 1) * size:page * size], more

    def one(self, name, key):
        row = self.rows[name].get(key) or (self.gone["contacts"].get(key) if name == "contacts" else None)  # a deleted contact is shown as such
        if not row:
            raise Refused(404, b"")
        return 200, row

    def tickets(self, q):
        if q.get("order_by", "created_at") not in ("created_at", "due_by", "updated_at", "status") or q.get("order_type", "desc") not in ("asc", "desc"):
            self.refuse("order_by", "It should be one of these values")
        if set(q.get("include", "stats").split(",")) - {"stats", "requester", "description", "company"}:
            self.refuse("include", "It should be one of these values: 'requester,stats,description'")
        rows = (self.gone if q.get("filter") == "deleted" else self.rows)["tickets"].values()
        since = q.get("updated_since", iso(self.now - 30 * DAY_S))
        rows = [r for r in rows if (r["updated_at"] if "updated_since" in q else r["created_at"]) >= since]
        rows.sort(key=lambda r: (r[q.get("order_by", "created_at")], r["id"]), reverse=q.get("order_type", "desc") == "desc")
        hidden = {"stats"} - set(q.get("include", "").split(",")) | ({"description_text"} if "description" not in q.get("include", "") else set())
        return [{k: v for k, v in r.items() if k not in hidden} for r in rows]


SYSTEMS = (Chargebee, Pipedrive, Intercom, Stripe, Redmine, Espocrm, Freshdesk)
