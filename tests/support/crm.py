#!/usr/bin/env python3
"""A strict stand-in CRM with the shape of HubSpot's API: what the real one refuses is refused here, with the same bodies and
the same headers missing.

In a test:   store = crm.Store(objects); server = crm.serve(store, token="pat-x"); ... server.url ... server.stop()
By itself:   crm.py --data FILE [--port 0] [--token T] [--tls CERT KEY]; prints its port as the first line.
While it runs, POST /__control takes {"fail": {...}}, {"edit": {...}}, {"archive": {...}}, {"merge": {...}}.

objects: {"owners": [{id, email, firstName, lastName}], "companies": [{id, properties, createdAt, updatedAt}], ...,
"associations": [(from kind, from id, to kind, to id[, label])]}.
"""
import argparse
import bisect
import functools
import gzip
import json
import operator
import re
import ssl
import sys
import threading
import time
import uuid
from datetime import datetime, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KINDS = ("companies", "contacts", "deals", "tickets", "calls", "emails", "meetings", "notes", "tasks")
DEFAULT_PROPERTIES = {"companies": ("name", "domain"), "contacts": ("firstname", "lastname", "email"),
                      "deals": ("dealname", "dealstage", "amount", "closedate", "pipeline"),
                      "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority")}
SEARCH_CAP, SEARCH_PAGE, LIST_PAGE, OWNER_PAGE, ASSOCIATION_INPUTS, UPDATE_INPUTS = 10_000, 200, 100, 500, 1000, 100
COMPARE = {"EQ": operator.eq, "NEQ": operator.ne, "GT": operator.gt, "GTE": operator.ge, "LT": operator.lt, "LTE": operator.le}
OPERATORS = {"BETWEEN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "IN", "NOT_IN", *COMPARE}
ASSOCIATION_TYPES = {"contacts": (279, 1), "deals": (341, 5), "tickets": (339, 26), "calls": (182, 181), "emails": (186, 185),
                     "meetings": (188, 187), "notes": (190, 189)}


def modified_name(kind):
    return "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"


def created_name(kind):
    return "hs_createdate" if kind in ("calls", "emails", "meetings", "notes") else "createdate"


def iso(ms):
    """As the real one writes it: milliseconds only where there are any."""
    fraction = f".{int(ms) % 1000:03d}" if int(ms) % 1000 else ""
    return datetime.fromtimestamp(int(ms) // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def ms_of(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Refused(Exception):
    """An answer that is an error, as HubSpot words it."""

    def __init__(self, status, message, category="VALIDATION_ERROR", **more):
        super().__init__(message)
        self.status = status
        self.body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), **more, "category": category}


class Store:
    """The objects. Every change is stamped, and search sees it only after index_lag seconds."""

    def __init__(self, objects=None, index_lag=0.0):
        self.lock = threading.RLock()
        self.index_lag = index_lag
        self.owners, self.rows, self.links = {}, {k: {} for k in KINDS}, {}
        self._order = {}
        self.writable = set()              # properties that may be written
        self.unwilling, self.poison = set(), set()  # ids that batch/update refuses alone, and with their whole batch
        if objects:
            self.merge(objects)

    def objects(self):
        with self.lock:
            return {"owners": list(self.owners.values()), **{k: list(v.values()) for k, v in self.rows.items() if v}}

    def merge(self, objects, at=None):
        """Adds and replaces. at: when (ISO); without it each object's own updatedAt counts."""
        with self.lock:
            for owner in objects.get("owners", []):
                self.owners[owner["id"]] = dict(owner)
            for kind in KINDS:
                for row in objects.get(kind, []):
                    self._put(kind, row, at)
            for link in objects.get("associations", []):
                kind, identity, to_kind, to, *label = link
                targets = self.links.setdefault((kind, to_kind), {}).setdefault(str(identity), {})
                targets[str(to)] = label[0] if label else "Primary"

    def _put(self, kind, row, at):
        old = self.rows[kind].get(str(row["id"]))
        properties = {k: None if v is None else str(v) for k, v in row.get("properties", {}).items()}
        if old and {k: old["properties"].get(k) for k in properties} == properties:
            return
        created = iso(ms_of(row["createdAt"])) if row.get("createdAt") else (old or {}).get("createdAt") or iso(time.time() * 1000)
        updated = iso(ms_of(at or row.get("updatedAt") or created))
        if old is None:
            self._order.pop(kind, None)
        self.rows[kind][str(row["id"])] = self._stamped(kind, {
            "id": str(row["id"]), "createdAt": created, "archived": bool(row.get("archived")),
            "properties": {**(old["properties"] if old else {}), **properties}}, updated, old)

    def _stamped(self, kind, row, updated, old):
        row["updatedAt"] = updated
        row["properties"].setdefault(created_name(kind), row["createdAt"])
        row["properties"][modified_name(kind)] = updated
        row["properties"]["hs_object_id"] = row["id"]
        row["_ms"], row["_seen_at"], row["_old"] = ms_of(updated), time.monotonic() + self.index_lag, None
        if self.index_lag and old is not None:
            row["_old"] = old
        return row

    def edit(self, kind, identity, properties, at_ms=None):
        with self.lock:
            old = self.rows[kind][str(identity)]
            row = {**old, "properties": {**old["properties"], **{k: None if v is None else str(v) for k, v in properties.items()}}}
            self.rows[kind][str(identity)] = self._stamped(kind, row, iso(at_ms or time.time() * 1000), old)

    def archive(self, kind, identity):
        with self.lock:
            row = self.rows[kind][str(identity)]
            row["archived"], row["archivedAt"] = True, iso(time.time() * 1000)

    def order(self, kind):
        if kind not in self._order:
            ids = sorted(int(i) for i in self.rows[kind])
            self._order[kind] = ids
        return self._order[kind]

    def indexed(self, row):
        """What search knows of a row: the version before a fresh edit, or nothing of a fresh row."""
        now = time.monotonic()
        while row is not None and row["_seen_at"] > now:
            row = row["_old"]
        return row


def shown(row, kind, properties, archived):
    names = dict.fromkeys([*(properties or DEFAULT_PROPERTIES.get(kind, ())), created_name(kind), modified_name(kind), "hs_object_id"])
    out = {"id": row["id"], "properties": {n: row["properties"].get(n) for n in sorted(names)},
           "createdAt": row["createdAt"], "updatedAt": row["updatedAt"], "archived": archived}
    if archived:
        out["archivedAt"] = row.get("archivedAt")
    return out


# search ---------------------------------------------------------------------------------------------------------------

def comparable(row, name):
    if name.endswith("lastmodifieddate"):
        return row["_ms"]
    value = row["properties"].get(name)
    if value is None:
        return None
    if name == "hs_object_id":
        return int(value)
    if re.match(r"\d{4}-\d\d-\d\dT", value):
        return ms_of(value)
    try:
        return float(value)
    except ValueError:
        return value


@functools.lru_cache(maxsize=1000)
def wanted_number(text):
    try:
        return float(text) if not re.match(r"\d{4}-", text) else ms_of(text)
    except ValueError:
        raise Refused(400, f"Invalid input: {text} is not a number") from None


def wanted_value(text, like):
    return text if isinstance(like, str) else wanted_number(text)


def fits(row, f):
    op, have = f["operator"], comparable(row, f["propertyName"])
    if op in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return (have is not None) == (op == "HAS_PROPERTY")
    if have is None:
        return False
    if op == "BETWEEN":
        return wanted_value(f["value"], have) <= have <= wanted_value(f["highValue"], have)
    if op in ("IN", "NOT_IN"):
        return (have in [wanted_value(v, have) for v in f["values"]]) == (op == "IN")
    return COMPARE[op](have, wanted_value(f["value"], have))


def test_of(f):
    """The filter as a function of a row; the usual one, on the time of modification, without a detour."""
    if f["operator"] == "BETWEEN" and f["propertyName"].endswith("lastmodifieddate"):
        low, high = wanted_number(f["value"]), wanted_number(f["highValue"])
        return lambda row: low <= row["_ms"] <= high
    if f["operator"] == "GT" and f["propertyName"] == "hs_object_id":
        least = int(f["value"])
        return lambda row: int(row["id"]) > least
    return lambda row: fits(row, f)


def association_test(store, kind, f):
    """`associations.company` is no property: what the rows are linked to."""
    if f["propertyName"] != "associations.company" or f["operator"] != "EQ":
        raise Refused(400, f"There was a problem with the request: {f['propertyName']}")
    links = store.links.get((kind, "companies"), {})
    return lambda row: f["value"] in links.get(row["id"], {})


def check_filter(f):
    if not isinstance(f, dict) or set(f) - {"propertyName", "operator", "value", "highValue", "values"}:
        raise Refused(400, f"Invalid input JSON on line 1: unrecognized filter {json.dumps(f)}")
    if f.get("operator") not in OPERATORS or not f.get("propertyName"):
        raise Refused(400, "Invalid filter: operator and propertyName are required")
    needs = {"BETWEEN": ("value", "highValue"), "IN": ("values",), "NOT_IN": ("values",), "HAS_PROPERTY": (), "NOT_HAS_PROPERTY": ()}
    for name in needs.get(f["operator"], ("value",)):
        if name not in f or (name != "values" and not isinstance(f[name], str)):
            raise Refused(400, f"Invalid filter: operator {f['operator']} requires {name} as a string")
    if f["operator"] == "BETWEEN" and f["value"] == "0":
        raise Refused(500, "internal error", "INTERNAL_ERROR")


def check_search(body):
    unknown = set(body) - {"filterGroups", "sorts", "query", "properties", "limit", "after"}
    if unknown:
        raise Refused(400, f"Invalid input JSON on line 1, column 1: Unrecognized field {sorted(unknown)[0]}")
    limit, after = body.get("limit", 10), body.get("after", "0")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= SEARCH_PAGE:
        raise Refused(400, f"Invalid input: limit must be between 1 and {SEARCH_PAGE}")
    if not re.fullmatch(r"\d+", str(after)):
        raise Refused(400, "Invalid input: after must be a decimal offset")
    if int(after) + limit > SEARCH_CAP:
        raise Refused(400, f"The search results offset and limit combined cannot exceed {SEARCH_CAP}")
    groups = body.get("filterGroups", [])
    if not isinstance(groups, list) or len(groups) > 5 or any(not isinstance(g, dict) or len(g.get("filters", [])) > 6 for g in groups):
        raise Refused(400, "Invalid input: at most 5 filterGroups of 6 filters")
    for group in groups:
        for f in group.get("filters", []):
            check_filter(f)
    properties = body.get("properties", [])
    if not isinstance(properties, list) or not all(isinstance(p, str) for p in properties):
        raise Refused(400, "Invalid input: properties must be a list of strings")
    return groups, properties, limit, int(after), sort_of(body.get("sorts", []))


def sort_of(sorts):
    """Property and direction. A string of JSON, as old client libraries send it, is not understood and does not sort."""
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise Refused(400, "Invalid input: at most one sort")
    if not sorts:
        return "hs_object_id", False
    if isinstance(sorts[0], dict):
        return sorts[0]["propertyName"], sorts[0].get("direction") == "DESCENDING"
    if not isinstance(sorts[0], str) or sorts[0].startswith("{"):
        return None, False
    return sorts[0].lstrip("-"), sorts[0].startswith("-")


def candidates(store, kind, groups):
    """Rows in order of id; a filter on the id alone narrows them at once."""
    ids = store.order(kind)
    at = 0
    if len(groups) == 1:
        lows = [int(f["value"]) for f in groups[0].get("filters", []) if f["propertyName"] == "hs_object_id" and f["operator"] == "GT"]
        at = bisect.bisect_right(ids, max(lows)) if lows else 0
    rows, lags = store.rows[kind], store.index_lag > 0
    for identity in ids[at:]:
        row = store.indexed(rows[str(identity)]) if lags else rows[str(identity)]
        if row is not None and not row["archived"]:
            yield row


def search(store, kind, body):
    groups, properties, limit, after, (name, descending) = check_search(body)
    tests = [[association_test(store, kind, f) if f["propertyName"].startswith("associations.") else test_of(f)
              for f in g.get("filters", [])] for g in groups] or [[]]
    found = [r for r in candidates(store, kind, groups) if any(all(test(r) for test in group) for group in tests)]
    if name is None:
        found.reverse()
    elif name != "hs_object_id" or descending:
        found.sort(key=lambda r: (comparable(r, name) is None, comparable(r, name)), reverse=descending)
    out = {"total": len(found), "results": [shown(r, kind, properties, False) for r in found[after:after + limit]]}
    if after + limit < len(found):
        out["paging"] = {"next": {"after": str(after + limit)}}
    return out


# lists ----------------------------------------------------------------------------------------------------------------

def check_query(query, allowed, most):
    names = [k for k, _ in query]
    unknown = set(names) - set(allowed)
    if unknown or len(set(names)) != len(names):
        raise Refused(400, f"Unknown or repeated parameter: {sorted(unknown) or names}")
    q = dict(query)
    if not re.fullmatch(r"\d{1,6}", q.get("limit", "10")) or not 1 <= int(q.get("limit", "10")) <= most:
        raise Refused(400, f"limit must be between 1 and {most}")
    if q.get("archived", "false") not in ("true", "false"):
        raise Refused(400, "archived must be a boolean")
    if "after" in q and not re.fullmatch(r"\d+", q["after"]):
        raise Refused(400, "Invalid after: not a paging cursor")
    return q


def listing(store, kind, query, base):
    q = check_query(query, ("limit", "after", "properties", "archived", "associations", "propertiesWithHistory"), LIST_PAGE)
    limit, archived = int(q.get("limit", "10")), q.get("archived") == "true"
    properties = [p for p in q.get("properties", "").split(",") if p]
    ids, out = store.order(kind), []
    for identity in ids[bisect.bisect_right(ids, int(q.get("after", "0"))):]:
        row = store.rows[kind][str(identity)]
        if row["archived"] != archived:
            continue
        if len(out) == limit:
            link = f"{base}/crm/v3/objects/{kind}?limit={limit}&after={out[-1]['id']}"
            return {"results": out, "paging": {"next": {"after": out[-1]["id"], "link": link}}}
        out.append(shown(row, kind, properties, archived))
    return {"results": out}


def owners(store, query, base):
    q = check_query(query, ("limit", "after", "archived", "email"), OWNER_PAGE)
    limit, archived, after = int(q.get("limit", "100")), q.get("archived") == "true", int(q.get("after", "0"))
    rows = sorted((o for o in store.owners.values() if bool(o.get("archived")) == archived and int(o["id"]) > after),
                  key=lambda o: int(o["id"]))
    out = [{"id": o["id"], "email": o.get("email"), "type": "PERSON", "firstName": o.get("firstName"), "lastName": o.get("lastName"),
            "userId": int(o["id"]), "userIdIncludingInactive": int(o["id"]), "createdAt": "2020-01-01T00:00:00.117Z",
            "updatedAt": "2020-01-01T00:00:00.117Z", "archived": archived} for o in rows[:limit]]
    if len(rows) > limit:
        return {"results": out, "paging": {"next": {"after": out[-1]["id"], "link": f"{base}/crm/v3/owners?after={out[-1]['id']}"}}}
    return {"results": out}


def association(kind, label):
    plain, primary = ASSOCIATION_TYPES.get(kind, (1, 2))
    types = [{"category": "HUBSPOT_DEFINED", "typeId": plain, "label": None}]
    if label == "Primary":
        types.insert(0, {"category": "HUBSPOT_DEFINED", "typeId": primary, "label": "Primary"})
    elif label:
        types.append({"category": "USER_DEFINED", "typeId": 9001, "label": label})
    return types


def associations(store, kind, to_kind, body, page):
    inputs = body.get("inputs")
    if set(body) != {"inputs"} or not isinstance(inputs, list) or not 1 <= len(inputs) <= ASSOCIATION_INPUTS:
        raise Refused(400, f"inputs must be a list of 1 to {ASSOCIATION_INPUTS}")
    results, errors = [], []
    for one in inputs:
        if not isinstance(one, dict) or set(one) - {"id", "after"} or not isinstance(one.get("id"), str):
            raise Refused(400, f"Invalid input JSON: {json.dumps(one)}")
        targets = sorted(store.links.get((kind, to_kind), {}).get(one["id"], {}).items())
        at = int(one.get("after", "0"))
        if not targets:
            errors.append({"status": "error", "category": "OBJECT_NOT_FOUND",
                           "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                           "message": f"No {to_kind} is associated with {kind} {one['id']}.",
                           "context": {"fromObjectId": [one["id"]], "fromObjectType": [kind], "toObjectType": [to_kind]}})
            continue
        result = {"from": {"id": one["id"]}, "to": [{"toObjectId": int(to), "associationTypes": association(kind, label)}
                                                     for to, label in targets[at:at + page]]}
        if at + page < len(targets):
            result["paging"] = {"next": {"after": str(at + page), "link": "?after=" + str(at + page)}}
        results.append(result)
    now = iso(time.time() * 1000)
    out = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        out |= {"numErrors": len(errors), "errors": errors}
    return (207 if errors else 200), out


# writing --------------------------------------------------------------------------------------------------------------

def check_update(body):
    inputs = body.get("inputs")
    if set(body) != {"inputs"} or not isinstance(inputs, list) or not inputs:
        raise Refused(400, "Invalid input JSON: inputs is required")
    if len(inputs) > UPDATE_INPUTS:
        raise Refused(400, f"The maximum number of inputs is {UPDATE_INPUTS}, {len(inputs)} were given")
    ids = [i.get("id") if isinstance(i, dict) else None for i in inputs]
    if len(set(ids)) != len(ids):
        raise Refused(400, "Duplicate IDs found in batch input")
    for one in inputs:
        if not isinstance(one, dict) or set(one) != {"id", "properties"} or not isinstance(one["id"], str) or not one["id"]:
            raise Refused(400, f"Invalid input JSON: {json.dumps(one)}")
        if not isinstance(one["properties"], dict) or not one["properties"] or \
                not all(isinstance(v, str) for v in one["properties"].values()):
            raise Refused(400, f"Invalid input JSON: properties of {one['id']} must be strings")
    return inputs


def update(store, kind, body):
    """batch/update: unknown properties refuse the batch, unknown ids and those of store.unwilling only themselves (207)."""
    inputs = check_update(body)
    unknown = sorted({n for i in inputs for n in i["properties"]} - store.writable)
    if unknown:
        problems = [{"isValid": False, "message": f'Property "{n}" does not exist', "error": "PROPERTY_DOESNT_EXIST", "name": n} for n in unknown]
        raise Refused(400, "Property values were not valid: " + json.dumps(problems))
    spoilt = [i["id"] for i in inputs if i["id"] in store.poison]
    if spoilt:
        raise Refused(400, f"Property values were not valid: {spoilt[0]}")
    results, errors = [], []
    for one in inputs:
        row = store.rows[kind].get(one["id"])
        if row is None or row["archived"] or one["id"] in store.unwilling:
            errors.append({"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": [one["id"]]},
                           "message": f"Could not get {one['id']}, it may be deleted or not exist. Check that ids are valid."})
            continue
        store.edit(kind, one["id"], one["properties"])
        results.append(shown(store.rows[kind][one["id"]], kind, list(one["properties"]), False))
    now = iso(time.time() * 1000)
    out = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        out |= {"numErrors": len(errors), "errors": errors}
    return (207 if errors else 200), out


TASK_PROPERTIES = {"hs_task_subject", "hs_task_body", "hs_timestamp", "hs_task_status", "hs_task_type", "hs_task_priority", "hubspot_owner_id"}


def create_task(store, body):
    """A task with its associations, which have the type that HubSpot gives them."""
    properties, links = body.get("properties"), body.get("associations")
    if set(body) != {"properties", "associations"} or not isinstance(properties, dict) or not all(isinstance(v, str) for v in properties.values()):
        raise Refused(400, "Invalid input JSON on line 1: properties must be strings")
    if set(properties) - TASK_PROPERTIES or not re.fullmatch(r"\d{13}", properties.get("hs_timestamp", "")):
        raise Refused(400, "Property values were not valid: hs_timestamp")
    if properties.get("hubspot_owner_id", "") not in {"", *store.owners} or properties["hs_task_status"] not in ("NOT_STARTED", "COMPLETED"):
        raise Refused(400, "Property values were not valid: hubspot_owner_id")
    for link in links:
        if link["types"] != [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}] or link["to"]["id"] not in store.rows["companies"]:
            raise Refused(400, "One or more associations are not valid")
    if links[0]["to"]["id"] in store.poison:
        raise Refused(400, f"Property values were not valid: {links[0]['to']['id']}")
    identity = str(9_000_000 + len(store.rows["tasks"]))
    now = iso(time.time() * 1000)
    store.merge({"tasks": [{"id": identity, "properties": properties, "createdAt": now, "updatedAt": now}],
                 "associations": [("tasks", identity, "companies", link["to"]["id"]) for link in links]})
    return 201, shown(store.rows["tasks"][identity], "tasks", list(properties), False)


# the server -----------------------------------------------------------------------------------------------------------

class Rate:
    """Requests of the last second, by class."""

    def __init__(self, search_rate, other_rate):
        self.most, self.times, self.lock = {"search": search_rate, "other": other_rate}, {"search": [], "other": []}, threading.Lock()

    def take(self, kind):
        now = time.monotonic()
        with self.lock:
            self.times[kind] = [t for t in self.times[kind] if t > now - 1]
            if self.most[kind] and len(self.times[kind]) >= self.most[kind]:
                return -1
            self.times[kind].append(now)
            return (self.most[kind] or 1000) - len(self.times[kind])


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, store, token, port=0, search_rate=5, other_rate=10, association_page=500, tls=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.store, self.token, self.association_page = store, token, association_page
        self.rate = Rate(search_rate, other_rate)
        self.faults, self.plans, self.seen, self.n_daily = [], [], [], 0
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.url = f"{self.scheme}://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()

    def fail(self, path=".*", times=1, after=0, method=None, **what):
        """Makes requests whose path fits misbehave: status=N, cut=BYTES, slow=SECONDS, bomb=BYTES, wrong_length=True,
        redirect=URL, endless=True, same_token=True, body=TEXT. after: leaves so many alone first."""
        self.faults.append({"path": path, "times": times, "after": after, "method": method, **what})

    def at_request(self, number, function):
        """Calls function(store) when so many API requests have come."""
        self.plans.append((number, function))

    def control(self, order):
        if "fail" in order:
            self.fail(**order["fail"])
        if "edit" in order:
            e = order["edit"]
            if "at_request" in e:
                self.at_request(e["at_request"], lambda s: s.edit(e["kind"], e["id"], e["properties"]))
            else:
                self.store.edit(e["kind"], e["id"], e["properties"])
        if "archive" in order:
            self.store.archive(order["archive"]["kind"], order["archive"]["id"])
        if "merge" in order:
            self.store.merge(order["merge"], order.get("at"))
        return {"requests": len(self.seen)}

    def fault_for(self, method, path):
        with self.store.lock:
            for f in self.faults:
                if not re.search(f["path"], path) or (f["method"] and f["method"] != method) or f["times"] == 0:
                    continue
                if f["after"] > 0:
                    f["after"] -= 1
                    continue
                f["times"] -= 1
                return f
        return None

    def handle_error(self, request, client_address):
        """A client that goes away is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "cloudflare", ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def do_PATCH(self):
        self.answer("PATCH")

    def answer(self, method):
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length)
        parts = urlsplit(self.path)
        if parts.path == "/__control":
            return self.send(200, self.server.control(json.loads(self.raw or b"{}")), [])
        self.server.seen.append({"method": method, "path": parts.path, "query": parts.query, "headers": dict(self.headers),
                                 "body": self.raw.decode("utf-8", "replace")})
        for plan in [p for p in self.server.plans if p[0] == len(self.server.seen)]:
            plan[1](self.server.store)
        fault = self.server.fault_for(method, parts.path)
        kind = "search" if parts.path.endswith("/search") else "other"
        left = self.server.rate.take(kind)
        try:
            if fault and "status" in fault:
                raise Refused(fault["status"], fault.get("message", "fault on command"), fault.get("category", "INTERNAL_ERROR"))
            self.check_token()
            if left < 0:
                raise Refused(429, "You have reached your secondly limit.", "RATE_LIMITS")
            with self.server.store.lock:
                status, body = self.route(method, parts)
        except Refused as refusal:
            status, body = refusal.status, refusal.body
        headers = self.limit_headers(kind, left)
        if fault and "status" not in fault:
            return self.misbehave(fault, status, body, headers)
        return self.send(status, body, headers)

    def check_token(self):
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            raise Refused(401, "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
                               "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview", "INVALID_AUTHENTICATION")

    def json_body(self):
        if not (self.headers.get("Content-Type") or "").startswith("application/json"):
            raise Refused(415, "Unsupported Media Type")
        try:
            body = json.loads(self.raw)
        except ValueError:
            raise Refused(400, "Invalid input JSON on line 1, column 1") from None
        if not isinstance(body, dict):
            raise Refused(400, "Invalid input JSON: an object is required")
        return body

    def route(self, method, parts):
        store, query = self.server.store, parse_qsl(parts.query, keep_blank_values=True)
        if method == "GET" and parts.path == "/crm/v3/owners":
            return 200, owners(store, query, self.server.url)
        match = re.fullmatch(r"/crm/v3/objects/([a-z]+)(/search)?", parts.path)
        if match and match[1] in KINDS and method == ("POST" if match[2] else "GET"):
            return 200, search(store, match[1], self.json_body()) if match[2] else listing(store, match[1], query, self.server.url)
        if method == "POST" and parts.path == "/crm/v3/objects/tasks":
            return create_task(store, self.json_body())
        match = re.fullmatch(r"/crm/v3/objects/([a-z]+)/batch/update", parts.path)
        if match and match[1] in KINDS and method == "POST":
            return update(store, match[1], self.json_body())
        match = re.fullmatch(r"/crm/v4/associations/([a-z]+)/([a-z]+)/batch/read", parts.path)
        if match and method == "POST":
            return associations(store, match[1], match[2], self.json_body(), self.server.association_page)
        raise Refused(404, f"Unable to infer object type from: {parts.path}", "OBJECT_NOT_FOUND")

    def limit_headers(self, kind, left):
        self.server.n_daily += 1
        most = self.server.rate.most["other"] or 100_000
        headers = [("X-HubSpot-RateLimit-Daily", "250000"), ("X-HubSpot-RateLimit-Daily-Remaining", str(250000 - self.server.n_daily))]
        if kind == "search":
            return headers
        return headers + [("X-HubSpot-RateLimit-Interval-Milliseconds", "10000"), ("X-HubSpot-RateLimit-Max", str(10 * most)),
                          ("X-HubSpot-RateLimit-Remaining", str(max(1, 10 * most - 1 - self.server.n_daily % 90))),
                          ("X-HubSpot-RateLimit-Secondly", str(most)), ("X-HubSpot-RateLimit-Secondly-Remaining", str(max(left, 0)))]

    def send(self, status, body, headers, data=None, length=None, cut=None):
        data = json.dumps(body, ensure_ascii=False).encode() if data is None else data
        head = [("Date", formatdate(usegmt=True)), ("Content-Type", "application/json;charset=utf-8"), ("Vary", "Accept-Encoding"),
                ("CF-Cache-Status", "DYNAMIC"), ("Access-Control-Allow-Credentials", "false"),
                ("X-HubSpot-Correlation-Id", str(uuid.uuid4())), *headers, ("Server", "cloudflare")]
        chunked = length is None and len(data) > 2000
        head.append(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(data) if length is None else length)))
        text = f"HTTP/1.1 {status} {self.responses.get(status, ('Status',))[0]}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head) + "\r\n"
        if chunked:
            data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (data[i:i + 8192] for i in range(0, len(data), 8192))) + b"0\r\n\r\n"
        whole = text.encode() + data
        self.wfile.write(whole if cut is None else whole[:cut])
        if cut is not None or length is not None:
            self.close_connection = True

    def misbehave(self, fault, status, body, headers):
        data = json.dumps(body).encode()
        if "slow" in fault:
            time.sleep(fault["slow"])
            return self.send(status, body, headers)
        if "cut" in fault:
            return self.send(status, body, headers, cut=fault["cut"])
        if "wrong_length" in fault:
            return self.send(status, body, headers, data=data[:len(data) // 2], length=len(data))
        if "bomb" in fault:
            return self.send(200, None, [*headers, ("Content-Encoding", "gzip")], data=gzip.compress(b" " * fault["bomb"]))
        if "redirect" in fault:
            return self.send(302, {}, [*headers, ("Location", fault["redirect"])])
        if "body" in fault:
            return self.send(status, None, headers, data=fault["body"].encode())
        if "endless" in fault or "same_token" in fault:
            token = "4711" if "same_token" in fault else str(len(self.server.seen))
            body["paging"] = {"next": {"after": token, "link": "https://elsewhere.invalid/"}}
        return self.send(status, body, headers)


def serve(store, token="pat-test", **options):
    return Server(store, token, **options).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="pat-test")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--search-rate", type=int, default=5)
    parser.add_argument("--other-rate", type=int, default=10)
    parser.add_argument("--index-lag", type=float, default=0.0)
    options = parser.parse_args()
    with open(options.data, encoding="utf-8") as data:
        store = Store(json.load(data), options.index_lag)
    server = Server(store, options.token, options.port, options.search_rate, options.other_rate, tls=options.tls)
    print(server.server_port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
