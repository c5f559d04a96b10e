"""A strict stand-in Salesforce: token endpoint, SOQL over REST, Bulk 2.0 query jobs, composite writes. What the real one
refuses is refused here, in its words; it misbehaves on command.

Rows are {field: value}; instants are seconds since 1970. Every change stamps SystemModstamp with the org's clock.
"""
import base64
import calendar
import csv
import hashlib
import io
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

CLIENT, SECRET, USER = "3MVG9-client", "sf-secret-planted-77b1", "retaind@acme.example"
VERSION = "/services/data/v60.0"
DAILY = 15000
PREFIX = {"User": "005", "Account": "001", "Contact": "003", "Opportunity": "006", "Case": "500", "Task": "00T", "Event": "00U"}
INSTANTS = {"CreatedDate", "SystemModstamp", "ClosedDate", "CompletedDateTime", "StartDateTime"}
FIELDS = {
    "User": "Id Name Email IsActive CreatedDate SystemModstamp",
    "Account": "Id IsDeleted Name Website Industry BillingCountry Type ParentId OwnerId CreatedDate SystemModstamp MasterRecordId "
               "Renewal__c Segment__r.Name Retaind_Risk__c Retaind_Readiness__c Retaind_Band__c Retaind_Cause__c Retaind_As_Of__c",
    "Contact": "Id IsDeleted AccountId Name Email Title CreatedDate SystemModstamp",
    "Opportunity": "Id IsDeleted AccountId Name Type StageName Amount CreatedDate CloseDate IsClosed IsWon OwnerId SystemModstamp",
    "Case": "Id IsDeleted AccountId ContactId Subject Description Type Status Priority CreatedDate ClosedDate IsEscalated SystemModstamp",
    "Task": "Id IsDeleted AccountId WhoId WhatId OwnerId Subject Description TaskSubtype CallType ActivityDate CompletedDateTime IsClosed "
            "CreatedDate SystemModstamp",
    "Event": "Id IsDeleted AccountId WhoId OwnerId Subject Description StartDateTime ActivityDate IsRecurrence CreatedDate SystemModstamp",
}
WRITABLE = {"Retaind_Risk__c": float, "Retaind_Readiness__c": float, "Retaind_Band__c": str, "Retaind_Cause__c": str, "Retaind_As_Of__c": "day"}
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def long_id(short):
    """The 18 characters of an id of 15: which of them are capitals, for those who can't tell."""
    groups = (short[i:i + 5] for i in (0, 5, 10))
    return short + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[sum(c.isupper() << i for i, c in enumerate(g))] for g in groups)


def make_id(kind, n):
    """As the real ones: the order of the letters is that of their bytes."""
    text = ""
    for _ in range(9):
        n, digit = divmod(n, 62)
        text = LETTERS[digit] + text
    return long_id(PREFIX[kind] + "4S0" + text)


def shown_instant(at, zone="+0000"):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000" + zone


class Refused(Exception):
    def __init__(self, status, code, message, **more):
        super().__init__(message)
        self.status, self.body = status, [{"message": message, "errorCode": code, **more}]


class Org:
    """The rows, and the clock that stamps them."""

    def __init__(self, now):
        self.lock, self.now, self.n = threading.RLock(), now, 0
        self.rows = {kind: {} for kind in PREFIX}
        self.unseen = set()  # ids whose last change a query by SystemModstamp doesn't find yet

    def add(self, kind, at=None, **fields):
        with self.lock:
            self.n += 1
            identity = make_id(kind, self.n * 7919)
            blank = dict.fromkeys(FIELDS[kind].split())
            row = {**blank, "Id": identity, "CreatedDate": at or self.now, "SystemModstamp": at or self.now, **fields}
            if "IsDeleted" in row:
                row["IsDeleted"] = False
            self.rows[kind][identity] = row
            return identity

    def edit(self, kind, identity, **fields):
        with self.lock:
            self.rows[kind][identity].update(fields, SystemModstamp=self.now)

    def delete(self, kind, identity):
        self.edit(kind, identity, IsDeleted=True)

    def purge(self, kind, identity):
        with self.lock:
            del self.rows[kind][identity]


# SOQL -----------------------------------------------------------------------------------------------------------------

SOQL = re.compile(r"SELECT (?P<fields>[\w., ]+?) FROM (?P<kind>\w+)(?: WHERE (?P<where>.+?))?"
                  r"(?: ORDER BY (?P<order>\w+)(?: ASC)?)?(?: LIMIT (?P<limit>\d+))?")
CONDITION = re.compile(r"(?P<field>\w+) ?(?P<op>=|>=|<=|<|>) ?(?P<value>'[\w.@ -]*'|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|true|false)")
COMPARE = {"=": lambda a, b: a == b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b}


def operand(field, text, query):
    if field == "Id":
        if not re.fullmatch(r"'\w{15}(\w{3})?'", text):
            raise Refused(400, "INVALID_QUERY_FILTER_OPERATOR", f"{query}\ninvalid ID field: {text}")
        return text[1:16]
    if field in INSTANTS:
        if text[0] == "'":
            raise Refused(400, "INVALID_FIELD", f"value of filter criterion for field '{field}' must be of type dateTime and should not be "
                                                "enclosed in quotes")
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    return text[1:-1] if text[0] == "'" else text == "true"


class Query:
    """A parsed SELECT: what the real parser refuses raises its error."""

    def __init__(self, text):
        match = SOQL.fullmatch(text.strip())
        if not match:
            raise Refused(400, "MALFORMED_QUERY", f"unexpected token: '{text[:60]}'")
        self.kind, self.order, self.limit = match["kind"], match["order"], int(match["limit"]) if match["limit"] else None
        if self.kind not in FIELDS:
            raise Refused(400, "INVALID_TYPE", f"sObject type '{self.kind}' is not supported.")
        self.fields = [f.strip() for f in match["fields"].split(",")]
        known = set(FIELDS[self.kind].split())
        for name in [*self.fields, *([self.order] if self.order else [])]:
            if name not in known:
                near = text[max(0, text.find(name) - 20):text.find(name) + 30]
                raise Refused(400, "INVALID_FIELD", f"\n{near}\n^\nERROR at Row:1:Column:8\nNo such column '{name}' on entity '{self.kind}'.")
        if len(set(self.fields)) != len(self.fields):
            raise Refused(400, "INVALID_FIELD", "duplicate field selected: " + next(f for f in self.fields if self.fields.count(f) > 1))
        self.conditions = []
        for part in (match["where"] or "").split(" AND ") if match["where"] else []:
            found = CONDITION.fullmatch(part.strip())
            if not found or found["field"] not in known:
                raise Refused(400, "MALFORMED_QUERY", f"unexpected token: '{part}'")
            self.conditions.append((found["field"], found["op"], operand(found["field"], found["value"], text)))

    def fits(self, org, row, with_deleted):
        if row.get("IsDeleted") and not with_deleted:
            return False
        if any(f == "SystemModstamp" for f, _, _ in self.conditions) and row["Id"] in org.unseen:
            return False
        return all(row[f] is not None and COMPARE[op](row[f][:15] if f == "Id" else row[f], value) for f, op, value in self.conditions)

    def run(self, org, with_deleted):
        """Ids in the order that was asked for; without one, in none that one could rely on."""
        found = [r for r in org.rows[self.kind].values() if self.fits(org, r, with_deleted)]
        found.sort(key=(lambda r: r["Id"][:15].encode()) if self.order == "Id" else (lambda r: hashlib.sha256(r["Id"].encode()).digest()))
        return [r["Id"] for r in found][:self.limit]


def as_json(kind, row, fields):
    out = {"attributes": {"type": kind, "url": f"{VERSION}/sobjects/{kind}/{row['Id']}"}}
    for name in fields:
        value = row[name]
        value = shown_instant(value) if name in INSTANTS and value is not None else value
        parent, _, child = name.rpartition(".")
        if parent:
            out[parent] = {"attributes": {"type": parent}, child: value} if value is not None else None
        else:
            out[name] = value
    return out


def as_cell(name, value):
    if value is None:
        return ""
    if name in INSTANTS:
        return shown_instant(value, "Z")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= 1e7:  # as Java writes a double
        mantissa, exponent = f"{value:.15e}".split("e")
        mantissa = mantissa.rstrip("0")
        return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}"
    return str(value).lower() if isinstance(value, bool) else str(value)


# tokens ---------------------------------------------------------------------------------------------------------------

def claims_of(assertion, modulus, exponent=65537):
    """Checks an RS256 signature without any library: what it signs must come out of it."""
    head, claims, signature = assertion.split(".")
    decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, claims, signature)]
    size = (modulus.bit_length() + 7) // 8
    block = pow(int.from_bytes(decoded[2], "big"), exponent, modulus).to_bytes(size, "big")
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(f"{head}.{claims}".encode()).digest()
    if json.loads(decoded[0])["alg"] != "RS256" or block != b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info:
        raise ValueError("bad signature")
    return json.loads(decoded[1])


class Salesforce(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, org, page=2000, now=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.org, self.page, self.url = org, page, f"http://127.0.0.1:{self.server_port}"
        self.modulus = None             # of the key whose certificate the app has
        self.refresh = ["5Aep-refresh-planted-0"]
        self.sessions, self.n_sessions, self.uses = {}, 0, None
        self.stale_code = (401, "INVALID_SESSION_ID", "Session expired or invalid")
        self.token_error = None         # (status, body) instead of a token
        self.instance_url = self.url
        self.locators, self.jobs, self.n = {}, {}, 0
        self.seen, self.plans, self.faults = [], [], []
        self.used = 100
        self.polls_needed, self.job_end, self.lost_rows = 2, "JobComplete", 0
        self.unwilling = {}             # id -> error of a row that is written
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Clients are killed here."""

    def at_request(self, number, function):
        """Calls function() when so many API requests have come."""
        self.plans.append((number, function))

    def fail(self, path, times=1, after=0, **what):
        """status=N with code= and message=; short=N: a page gives so many rows fewer and no link; hole=1: one within it is missing;
        cut=N bytes of the answer."""
        self.faults.append({"path": path, "times": times, "after": after, **what})

    def fault_for(self, path):
        for f in self.faults:
            if re.search(f["path"], path) and f["times"]:
                if f["after"]:
                    f["after"] -= 1
                    continue
                f["times"] -= 1
                return f
        return {}

    # token endpoint

    def token(self, form):
        grant = form.pop("grant_type", "")
        if self.token_error:
            return self.token_error
        if grant == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self.token_by_jwt(form)
        if form.pop("client_id", None) != CLIENT:
            return 400, {"error": "invalid_client_id", "error_description": "client identifier invalid"}
        if form.pop("client_secret", None) != SECRET:
            return 400, {"error": "invalid_client", "error_description": "invalid client credentials"}
        if grant == "refresh_token":
            given = form.pop("refresh_token", None)
            if given not in self.refresh[-2:]:
                return 400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}
            self.refresh.append(f"5Aep-refresh-planted-{len(self.refresh)}")
        elif grant != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"}
        if form:
            return 400, {"error": "invalid_request", "error_description": f"unexpected {sorted(form)}"}
        return 200, self.session(**({"refresh_token": self.refresh[-1]} if grant == "refresh_token" else {}))

    def token_by_jwt(self, form):
        try:
            claims = claims_of(form.pop("assertion"), self.modulus)
        except (KeyError, ValueError, TypeError):
            return 400, {"error": "invalid_grant", "error_description": "invalid assertion"}
        if form:
            return 400, {"error": "invalid_request", "error_description": f"unexpected {sorted(form)}"}
        if claims.get("iss") != CLIENT:
            return 400, {"error": "invalid_client_id", "error_description": "client identifier invalid"}
        if claims.get("aud") not in ("https://login.salesforce.com", "https://test.salesforce.com"):
            return 400, {"error": "invalid_grant", "error_description": "audience is invalid"}
        if claims.get("sub") != USER:
            return 400, {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}
        if not self.org.now - 60 <= claims["exp"] - 180 <= self.org.now + 60:
            return 400, {"error": "invalid_grant", "error_description": "assertion is expired or too long"}
        return 200, self.session()

    def session(self, **more):
        self.n_sessions += 1
        access = f"00D4S!planted-session-{self.n_sessions:04d}"
        self.sessions[access] = self.uses
        return {"access_token": access, "signature": "x", "scope": "api", "instance_url": self.instance_url,
                "id": "https://login.salesforce.com/id/00D/005", "token_type": "Bearer", "issued_at": "1", **more}

    def check_session(self, header):
        scheme, _, access = (header or "").partition(" ")
        if scheme != "Bearer" or not self.sessions.get(access, -1) != 0 or access not in self.sessions:
            raise Refused(*self.stale_code)
        if self.sessions[access]:
            self.sessions[access] -= 1

    # REST

    def rows_page(self, query, ids, total, at, fault):
        size = min(self.page(query) if callable(self.page) else self.page, 2000)
        rows = [self.org.rows[query.kind][i] for i in ids[at:at + size] if i in self.org.rows[query.kind]]
        if "short" in fault:
            return {"totalSize": total, "done": True, "records": [as_json(query.kind, r, query.fields) for r in rows[:-fault["short"]]]}
        rows = rows[:len(rows) // 2] + rows[len(rows) // 2 + 1:] if "hole" in fault else rows
        out = {"totalSize": total, "done": at + size >= len(ids), "records": [as_json(query.kind, r, query.fields) for r in rows]}
        if not out["done"]:
            self.n += 1
            locator = f"01g4S{self.n:010d}-{at + size}"
            self.locators[locator] = (query, ids, total, at + size)
            out["nextRecordsUrl"] = f"{VERSION}/query/{locator}"
        return out

    def query(self, parameters, with_deleted, fault):
        if set(parameters) != {"q"}:
            raise Refused(400, "MALFORMED_QUERY", "A query string has to be specified")
        query = Query(parameters["q"])
        ids = query.run(self.org, with_deleted)
        return self.rows_page(query, ids, len(ids), 0, fault)

    def more(self, locator, fault):
        if locator not in self.locators:
            raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self.rows_page(*self.locators[locator], fault)

    # composite

    def write(self, body):
        records = body.get("records")
        if set(body) != {"allOrNone", "records"} or body["allOrNone"] is not False or not isinstance(records, list) or not records:
            raise Refused(400, "JSON_PARSER_ERROR", "Unexpected parameter encountered during deserialization")
        if len(records) > 200:
            raise Refused(400, "EXCEEDED_MAX_SIZE_REQUEST", "record limit reached. cannot submit more than 200 records in this request")
        return [self.write_one(r) for r in records]

    def write_one(self, record):
        identity, kind = record.get("id"), record.get("attributes", {}).get("type")
        values = {k: v for k, v in record.items() if k not in ("id", "attributes")}
        row = self.org.rows.get(kind, {}).get(identity)

        def no(code, message, *fields):
            return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}
        if row is None:
            return no("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if row["IsDeleted"]:
            return no("ENTITY_IS_DELETED", "entity is deleted")
        if identity in self.unwilling:
            return no(*self.unwilling[identity])
        for name, value in values.items():
            if name not in WRITABLE:
                return no("INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to create/update fields: {name}. Please check the security settings", name)
            kind_of = WRITABLE[name]
            is_good = value is None or (isinstance(value, (int, float)) if kind_of is float else isinstance(value, str) and value != "" and
                                        (kind_of is str or re.fullmatch(r"\d{4}-\d\d-\d\d", value)))
            if not is_good:
                raise Refused(400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {name} from {value!r}")
        self.org.edit(kind, identity, **values)
        return {"id": identity, "success": True, "errors": []}

    def create_task(self, body):
        wrong = set(body) - {"Subject", "Description", "WhatId", "OwnerId", "ActivityDate", "Status"}
        if wrong:
            raise Refused(400, "INVALID_FIELD", f"No such column '{sorted(wrong)[0]}' on sobject of type Task", fields=sorted(wrong))
        if body["WhatId"] not in self.org.rows["Account"] or body["WhatId"] in self.unwilling:
            raise Refused(400, "MALFORMED_ID", "Related To ID: id value of incorrect type", fields=["WhatId"])
        if body.get("OwnerId", next(iter(self.org.rows["User"]), None)) not in self.org.rows["User"]:
            raise Refused(400, "INVALID_CROSS_REFERENCE_KEY", "Assigned To ID: owner cannot be blank", fields=["OwnerId"])
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", body["ActivityDate"]) or len(body["Subject"]) > 255:
            raise Refused(400, "JSON_PARSER_ERROR", "Cannot deserialize instance of date")
        fields = {k: v for k, v in body.items() if k != "Status"}
        return {"id": self.org.add("Task", **fields, AccountId=body["WhatId"], IsClosed=False), "success": True, "errors": []}

    # jobs

    def job(self, body):
        if set(body) - {"operation", "query", "contentType", "columnDelimiter", "lineEnding"} or body.get("operation") not in ("query", "queryAll"):
            raise Refused(400, "INVALIDJOB", "Unable to parse the job")
        query = Query(body["query"])
        if query.order or query.limit:
            raise Refused(400, "INVALIDJOB", "ORDER BY and LIMIT turn off the splitting of the query")
        self.n += 1
        identity = long_id(f"7504S{self.n:010d}")
        ids = query.run(self.org, body["operation"] == "queryAll")
        self.jobs[identity] = {"query": query, "ids": ids, "polls": 0, "end": self.job_end, "operation": body["operation"]}
        return self.job_info(identity)

    def job_info(self, identity, is_poll=False):
        job = self.known_job(identity)
        job["polls"] += is_poll
        is_over = job["polls"] > self.polls_needed
        state = job["end"] if is_over else "InProgress" if job["polls"] else "UploadComplete"
        out = {"id": identity, "operation": job["operation"], "object": job["query"].kind, "createdById": "005", "state": state,
               "createdDate": shown_instant(self.org.now), "systemModstamp": shown_instant(self.org.now), "concurrencyMode": "Parallel",
               "contentType": "CSV", "apiVersion": 60.0, "lineEnding": "LF", "columnDelimiter": "COMMA"}
        if is_poll:
            out |= {"jobType": "V2Query", "numberRecordsProcessed": len(job["ids"]) + self.lost_rows if is_over else 0, "retries": 0, "totalProcessingTime": 12}
        if state in ("Failed", "Aborted"):
            out["errorMessage"] = "INVALIDENTITY: Entity 'Account' is not supported by the Bulk API."
        return out

    def known_job(self, identity):
        if identity not in self.jobs:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        return self.jobs[identity]

    def job_page(self, identity, parameters, fault):
        job = self.known_job(identity)
        if job["polls"] <= self.polls_needed or job["end"] != "JobComplete":
            raise Refused(400, "INVALIDJOBSTATE", f"Job: {identity} is in state other than JobComplete")
        if set(parameters) - {"maxRecords", "locator"}:
            raise Refused(400, "INVALID_PARAMETER", "unknown parameter")
        at = int(base64.b64decode(parameters["locator"])) if "locator" in parameters else 0
        size = int(parameters.get("maxRecords", 50000))
        ids, query, text = job["ids"], job["query"], io.StringIO()
        out = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        out.writerow(query.fields)
        rows = [self.org.rows[query.kind][i] for i in ids[at:at + size]]
        for row in rows[:len(rows) - fault.get("short", 0)]:
            out.writerow([as_cell(f, row[f]) for f in query.fields])
        more = base64.b64encode(str(at + size).encode()).decode() if at + size < len(ids) else "null"
        return text.getvalue().encode(), {"Sforce-Locator": more, "Sforce-NumberOfRecords": str(len(rows)), "Content-Type": "text/csv"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_api("GET")

    def do_PATCH(self):
        self.handle_api("PATCH")

    def do_DELETE(self):
        self.handle_api("DELETE")

    def do_POST(self):
        self.handle_api("POST")

    def say(self, status, body, headers=None, cut=None):
        data = body if isinstance(body, bytes) else b"" if status == 204 else json.dumps(body).encode()
        head = {"Content-Type": "application/json;charset=UTF-8", "Content-Length": len(data), **(headers or {})}
        whole = f"HTTP/1.1 {status} Answered\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + data
        self.wfile.write(whole[:cut] if cut else whole)
        self.close_connection = self.close_connection or bool(cut)

    def handle_api(self, method):
        s, raw = self.server, self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        parts = urlsplit(self.path)
        if parts.path == "/services/oauth2/token":
            s.seen.append({"method": method, "path": parts.path, "body": raw, "headers": dict(self.headers), "query": {}})
            with s.org.lock:
                return self.say(*s.token(dict(parse_qsl(raw, strict_parsing=True))))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        s.seen.append({"method": method, "path": parts.path, "query": query, "body": raw, "headers": dict(self.headers)})
        n = sum(e["path"] != "/services/oauth2/token" for e in s.seen)
        for _, plan in [p for p in s.plans if p[0] == n]:
            plan()
        fault = s.fault_for(parts.path + ("?" + query["q"] if "q" in query else ""))
        s.used += 1
        limit = {"Sforce-Limit-Info": f"api-usage={s.used}/{DAILY}"}
        try:
            if "status" in fault:
                raise Refused(fault["status"], fault["code"], fault.get("message", "fault on command"))
            with s.org.lock:
                s.check_session(self.headers.get("Authorization"))
                if len(self.path) + sum(len(k) + len(v) + 4 for k, v in self.headers.items()) > 16384:
                    raise Refused(431, "URI_TOO_LONG", "URI and headers are longer than 16,384 bytes")
                status, body, *headers = self.route(method, parts.path, query, raw, fault)
        except Refused as refusal:
            status, body, headers = refusal.status, refusal.body, []
        return self.say(status, body, {**limit, **(headers[0] if headers else {})}, fault.get("cut"))

    def route(self, method, path, query, raw, fault):
        s = self.server
        job = re.fullmatch(VERSION + r"/jobs/query/(\w+)(/results)?", path)
        locator = re.fullmatch(VERSION + r"/query/(01g[\w-]+)", path)
        if raw and self.headers.get("Content-Type") != "application/json":
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content type not supported")
        if method == "GET" and path in (VERSION + "/query", VERSION + "/queryAll"):
            return 200, s.query(query, path.endswith("All"), fault)
        if method == "GET" and locator and not query:
            return 200, s.more(locator[1], fault)
        if method == "PATCH" and path == VERSION + "/composite/sobjects":
            return 200, s.write(json.loads(raw))
        if method == "POST" and path == VERSION + "/sobjects/Task":
            return 201, s.create_task(json.loads(raw))
        if method == "POST" and path == VERSION + "/jobs/query":
            return 200, s.job(json.loads(raw))
        if method == "GET" and job and job[2]:
            if "csv" not in self.headers.get("Accept", "") and "*/*" not in self.headers.get("Accept", ""):
                raise Refused(406, "INVALID_ACCEPT", "text/csv is all that there is")
            return 200, *s.job_page(job[1], query, fault)
        if method == "GET" and job and not query:
            return 200, s.job_info(job[1], is_poll=True)
        if method == "DELETE" and job and not job[2]:
            s.known_job(job[1])
            del s.jobs[job[1]]
            return 204, b""
        raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
