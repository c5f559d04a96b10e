"""Stands in for Zendesk, Dataverse and Stripe's events: APIs that say themselves where to go on, strict, and unwell on command.

Each is called with a request (vendor.py) and answers from the rows it has then. `failures` are answers given first, one a request;
`between(n)` is called before the n-th page.
"""
import base64
import copy
import re
from urllib.parse import parse_qsl, quote

from vendor import SECRET


class Api:
    def __init__(self):
        self.failures, self.between, self.pages = [], None, 0

    def __call__(self, request):
        if self.failures:
            return self.failures.pop(0)
        return self.answer(request)

    def turn(self):
        self.pages += 1
        if self.between:
            self.between(self.pages)


# Zendesk --------------------------------------------------------------------------------------------------------------

class Zendesk(Api):
    """Exports by cursor, over a log in which each change of a row moves it to the end, and the list of organizations."""

    def __init__(self, rows, email="api@acme.example", most=1000):
        super().__init__()
        self.rows, self.most, self.serial = {}, most, 0
        self.auth = "Basic " + base64.b64encode(f"{email}/token:{SECRET}".encode()).decode()
        for kind, list_ in rows.items():
            self.rows[kind] = {}
            for row in list_:
                self.put(kind, row)

    def put(self, kind, row):
        """Writes a row as it is from now on."""
        self.serial += 1
        old = self.rows[kind].get(row["id"], (0, {}))[1]
        self.rows[kind][row["id"]] = (self.serial, {**old, **row})

    def now(self, kind):
        return {i: row for i, (_, row) in self.rows[kind].items()}

    def answer(self, request):
        if request.headers["Authorization"] != self.auth:
            return 401, {"error": "Couldn't authenticate you"}
        export = re.fullmatch(r"/api/v2/incremental/(users|tickets)/cursor\.json", request.path)
        one = re.fullmatch(r"/api/v2/organizations/(\d+)\.json", request.path)
        if one and int(one[1]) in self.now("organizations"):
            return 200, {"organization": self.now("organizations")[int(one[1])]}
        if request.method != "GET" or not (export or request.path == "/api/v2/organizations.json"):
            return 404, {"error": "InvalidEndpoint", "description": "Not found"}
        if len(request.query) != len(parse_qsl(request.raw_query, keep_blank_values=True)):
            return 400, {"error": "InvalidParameter", "description": "a parameter twice"}
        self.turn()
        return self.export(export[1], request) if export else self.organizations(request.query)

    def export(self, kind, request):
        q = request.query
        unknown = set(q) - {"start_time", "cursor", "per_page", "include"}
        if unknown or ("start_time" in q) == ("cursor" in q) or not 1 <= int(q.get("per_page", 1000)) <= 1000 \
                or (q.get("include") not in (None, "metric_sets")) or (kind == "users" and "include" in q):
            return 400, {"error": "InvalidParameter", "description": f"refused {sorted(q)}"}
        after = 0
        if "cursor" in q:
            try:
                after = int(base64.b64decode(q["cursor"]).decode().split("||")[1])
            except Exception:
                return 400, {"error": "InvalidCursor", "description": "The cursor is invalid"}
        size = min(int(q.get("per_page", 1000)), self.most)
        rows = sorted((n, row) for n, row in self.rows[kind].values() if n > after)
        page = rows[:size]
        cursor = base64.b64encode(f"1576613539.0||{page[-1][0]}".encode()).decode() if page else q.get("cursor")
        keep = {"include": q["include"]} if "include" in q else {}
        url = f"http://{request.headers['Host']}{request.path}?" + "&".join(f"{k}={quote(v)}" for k, v in {**keep, "cursor": cursor or ""}.items())
        return 200, {kind: [self.shown(kind, row, q) for _, row in page], "after_cursor": cursor, "after_url": url, "before_cursor": None,
                     "before_url": None, "end_of_stream": len(rows) <= size}, {
            "zendesk-ratelimit-incremental-exports-cursor": "total=20; remaining=19; resets=60"}

    @staticmethod
    def shown(kind, row, q):
        row = copy.deepcopy(row)
        if kind == "tickets" and q.get("include") != "metric_sets":
            row.pop("metric_set", None)
        return row

    def organizations(self, q):
        if set(q) - {"page[size]", "page[after]"} or int(q.get("page[size]", 0)) not in range(1, 101):
            return 400, {"error": "InvalidPaginationParameter", "description": "page[size] must be between 1 and 100"}
        after = int(base64.b64decode(q["page[after]"])) if "page[after]" in q else 0
        rows = [row for i, row in sorted(self.now("organizations").items()) if i > after]
        page = rows[:int(q["page[size]"])]
        more = len(rows) > len(page)
        token = base64.b64encode(str(page[-1]["id"]).encode()).decode() if page else None
        return 200, {"organizations": page, "meta": {"has_more": more, "after_cursor": token, "before_cursor": None},
                     "links": {"next": None, "prev": None}}


# Dataverse ------------------------------------------------------------------------------------------------------------

KEYS = {"systemusers": "systemuserid", "accounts": "accountid", "contacts": "contactid", "opportunities": "opportunityid", "incidents": "incidentid"}
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
LABELS = {"industrycode": {1: "Accounting"}, "customertypecode": {3: "Customer", 8: "Prospect"}, "casetypecode": {1: "Question", 2: "Problem"}}


class Dataverse(Api):
    """Tables with change tracking behind Entra's client credentials: skip tokens within a walk, a delta link at its end, deleted rows in
    the delta. Tokens die when `expire_tokens` is called, delta links when `expire_deltas` is."""

    def __init__(self, rows, host="acme.crm4.dynamics.com", most=5000, tracked=tuple(KEYS)):
        super().__init__()
        self.host, self.most, self.tracked, self.version, self.epoch, self.tokens = host, most, set(tracked), 0, 0, set()
        self.rows = {kind: {} for kind in KEYS}
        for kind, list_ in rows.items():
            for row in list_:
                self.put(kind, row)

    def put(self, kind, row):
        self.version += 1
        key = row[KEYS[kind]]
        old = self.rows[kind].get(key, (0, None))[1] or {}
        self.rows[kind][key] = (self.version, {**old, **row})

    def delete(self, kind, key):
        self.version += 1
        self.rows[kind][key] = (self.version, None)

    def now(self, kind):
        return {k: row for k, (_, row) in self.rows[kind].items() if row is not None}

    def expire_tokens(self):
        self.tokens.clear()

    def expire_deltas(self):
        self.epoch += 1

    def answer(self, request):
        if request.path.endswith("/oauth2/v2.0/token"):
            return self.token(request)
        if request.headers["Authorization"].removeprefix("Bearer ") not in self.tokens:
            return 401, b"", {"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'}
        kind = request.path.removeprefix("/api/data/v9.2/")
        if request.method != "GET" or kind not in KEYS:
            return self.error(404, "0x80060888", "Resource not found for the segment")
        preferences = dict(p.partition("=")[::2] for p in request.headers["Prefer"].split(","))
        size = int(preferences["odata.maxpagesize"])
        if request.headers["OData-Version"] != "4.0" or "odata.track-changes" not in preferences or not 1 <= size <= 5000:
            return self.error(400, "0x0", f"refused {request.headers['Prefer']}")
        if kind not in self.tracked:
            return self.error(400, "0x80060888", f"Change tracking is not enabled for entity {kind}.")
        self.turn()
        return self.page(kind, request, min(size, self.most), preferences.get("odata.include-annotations", ""))

    def token(self, request):
        form = dict(parse_qsl(request.body.decode()))
        want = {"grant_type": "client_credentials", "client_id": "app-1", "client_secret": SECRET, "scope": f"https://{self.host}/.default"}
        if request.method != "POST" or request.path != "/tenant-1/oauth2/v2.0/token" or form != want:
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
        self.tokens.add(f"eyJ0.planted-access-{len(self.tokens)}-{self.pages}")
        return 200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": sorted(self.tokens)[-1]}

    @staticmethod
    def error(status, code, message):
        return status, {"error": {"code": code, "message": message}}

    def page(self, kind, request, size, annotations):
        q = request.query
        if set(q) - {"$select", "$deltatoken", "$skiptoken"} or "$select" not in q:
            return self.error(400, "0x80060888", f'The "{sorted(q)}" query parameter isn\'t supported when Change Tracking is enabled.')
        since, upto, after = 0, self.version, (False, 0)
        if "$deltatoken" in q:
            epoch, since = (int(n) for n in q["$deltatoken"].split("!")[:2])
            if epoch != self.epoch:
                return self.error(400, "0x80044352", "Version stamp associated with the client has expired. Please perform a full sync.")
        if "$skiptoken" in q:
            since, upto, is_deleted, n = (int(n) for n in q["$skiptoken"].split("!"))
            after = (bool(is_deleted), n)
        rows = sorted((row is None, n, k) for k, (n, row) in self.rows[kind].items() if n > since and (since or row is not None))
        rows = [r for r in rows if r[:2] > after]
        base = f"http://{request.headers['Host']}{request.path}?$select={quote(q['$select'])}"
        body = {"@odata.context": f"http://{request.headers['Host']}/api/data/v9.2/$metadata#{kind}({q['$select']})" + "/$delta" * bool(since),
                "value": [self.shown(kind, k, q["$select"].split(","), annotations, request) for _, _, k in rows[:size]]}
        if len(rows) > size:
            body["@odata.nextLink"] = f"{base}&$skiptoken={since}!{upto}!{int(rows[size - 1][0])}!{rows[size - 1][1]}"
        else:
            body["@odata.deltaLink"] = f"{base}&$deltatoken={self.epoch}!{upto}!08%2f22%2f2026%2008%3a10%3a44"
        return 200, body, {"OData-Version": "4.0", "Preference-Applied": "odata.track-changes"}

    def shown(self, kind, key, select, annotations, request):
        n, row = self.rows[kind][key]
        if row is None:
            return {"@odata.context": f"http://{request.headers['Host']}/api/data/v9.2/$metadata#{kind}/$deletedEntity", "id": key, "reason": "deleted"}
        out = {"@odata.etag": f'W/"{n}"', KEYS[kind]: key, **{name: row.get(name) for name in select}}
        for name, labels in LABELS.items():
            if name in select and row.get(name) is not None and FORMATTED[1:] in annotations:
                out[name + FORMATTED] = labels[row[name]]
        return out
