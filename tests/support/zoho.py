"""Stands in for Zoho CRM (v8) and the endpoint that gives its tokens: what the real ones refuse, these refuse with the same words."""
import json
import re
from urllib.parse import parse_qs

from systems import ISO, Kind, Refused, System, iso, nth, only

BASE_ID = 5725767000000000000
REFRESH = "1000.refresh.planted-6d2f"


def lookup(i):
    return {"name": f"Account {i}", "id": str(BASE_ID + i)}


class Zoho(System):
    connector = "zoho"
    page = 200
    kinds = {
        "users": Kind("owner", "name", lambda i: {"email": f"u{i}@acme.example", "status": "active"}, "full_name", lists_changes=False,
                      tells_deletes=True, page=110),
        # More than 2,000, where numbers of pages end.
        "accounts": Kind("account", "name", lambda i: {"Website": f"a{i}.example", "Owner": lookup(1), "Parent_Account": None}, "Account_Name",
                         tells_deletes=True, page=1010),
        "contacts": Kind("contact", "name", lambda i: {"Account_Name": lookup(nth(i)), "Email": f"p{i}@x.example"}, "Full_Name",
                         lambda i: str(BASE_ID + nth(i)), tells_deletes=True, page=200),
        "deals": Kind("opportunity", "name", lambda i: {"Account_Name": lookup(nth(i)), "Amount": 12.5, "Stage": "Closed Won", "Currency": "EUR"},
                      "Deal_Name", lambda i: str(BASE_ID + nth(i)), tells_deletes=True, page=100),
        "cases": Kind("ticket", "subject", lambda i: {"Account_Name": lookup(nth(i)), "Status": "Closed" if i % 2 else "New", "Priority": "High"},
                      "Subject", lambda i: str(BASE_ID + nth(i)), tells_deletes=True, page=60),
    }

    def __init__(self, url=None, calls_a_token=10_000):
        self.url, self.calls_a_token, self.n_tokens, self.left, self.tokens_from = url, calls_a_token, 0, 0, 1
        super().__init__()

    def key(self, name, i):
        return str(BASE_ID + list(self.kinds).index(name) * 100_000 * (name != "accounts") + i)

    def stamp(self, row, at, is_new):
        row["Modified_Time"] = iso(at)
        row.setdefault("Created_Time", iso(at))

    def delete(self, name, key, at):
        super().delete(name, key, at)
        if name == "users":
            self.gone[name][key]["status"] = "deleted"

    def refuse(self, status, code, **details):
        raise Refused(status, {"code": code, "details": details, "message": code.lower().replace("_", " "), "status": "error"})

    def answer(self, request):
        if request.path == "/oauth/v2/token":
            return self.give_token(parse_qs((request.body or b"").decode()))
        if request.headers["Authorization"] != f"Zoho-oauthtoken 1000.access-{self.n_tokens}" or self.left <= 0:
            self.refuse(401, "INVALID_TOKEN")
        self.left -= 1
        path = re.fullmatch(r"/crm/v8/(\w+)(/deleted)?", request.path)
        name = path and path[1].lower()
        if not path or request.method != "GET" or name not in self.kinds or path[1] != (name if name == "users" else name.capitalize()):
            self.refuse(400, "INVALID_MODULE")
        q, since = request.query, request.headers["If-Modified-Since"]
        if since is not None and not re.fullmatch(ISO, since):
            self.refuse(400, "INVALID_REQUEST")
        if not re.fullmatch(r"\d+", q.get("per_page", "200")) or int(q.get("per_page", 200)) > 200:
            self.refuse(400, "INVALID_DATA", param_name="per_page")
        if path[2]:
            return self.deleted(name, q, since)
        return self.users(q) if name == "users" else self.list(name, q, since)

    def give_token(self, form):
        want = {"grant_type": ["refresh_token"], "refresh_token": [REFRESH], "client_id": ["1000.CLIENT"], "client_secret": ["planted-client-81ac"]}
        if form != want:
            return 200, {"error": "invalid_code"}
        self.n_tokens, self.left = self.n_tokens + 1, self.calls_a_token
        return 200, {"access_token": f"1000.access-{self.n_tokens}", "api_domain": self.url, "token_type": "Bearer", "expires_in": 3600}

    def users(self, q):
        if only(q, "type", "page", "per_page") or q.get("type") not in ("AllUsers", "ActiveUsers"):
            self.refuse(400, "INVALID_REQUEST")
        rows = [*self.rows["users"].values(), *self.gone["users"].values()]
        return self.numbered("users", rows, q)

    def deleted(self, name, q, since):
        if only(q, "type", "page", "per_page") or q.get("type", "all") not in ("all", "recycle", "permanent"):
            self.refuse(400, "INVALID_REQUEST")
        rows = [{"id": k, "display_name": "x", "type": "recycle", "deleted_time": r["Modified_Time"]} for k, r in self.gone[name].items()]
        return self.numbered("data", sorted(rows, key=lambda r: r["deleted_time"], reverse=True), q)

    def numbered(self, where, rows, q):
        size, page = int(q.get("per_page", 200)), int(q.get("page", 1))
        if not rows[(page - 1) * size:]:
            return 204, b""
        return 200, {where: rows[(page - 1) * size:page * size],
                     "info": {"per_page": size, "count": len(rows[(page - 1) * size:page * size]), "page": page, "more_records": page * size < len(rows)}}

    def list(self, name, q, since):
        fields = q.get("fields", "").split(",")
        if not q.get("fields"):
            self.refuse(400, "REQUIRED_PARAM_MISSING", param_name="fields")
        if len(fields) > 50:
            self.refuse(400, "LIMIT_EXCEEDED", limit=50, param_name="fields")
        unknown = only(q, "fields", "sort_by", "sort_order", "per_page", "page", "page_token")
        if unknown or q.get("sort_by", "id") not in ("id", "Created_Time", "Modified_Time"):
            self.refuse(400, "INVALID_REQUEST")
        if "page" in q and "page_token" in q:
            self.refuse(400, "AMBIGUITY_DURING_PROCESSING", ambiguity_due_to=["page", "page_token"])
        size, page = int(q.get("per_page", 200)), int(q.get("page", 1))
        if page * size > 2000:
            self.refuse(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=2000)
        rows = sorted((r for r in self.rows[name].values() if r["Modified_Time"] >= (since or "")), key=lambda r: int(r["id"]))
        if q.get("sort_order", "desc") == "desc":
            rows.reverse()
        at = (page - 1) * size
        if "page_token" in q:
            token = json.loads(bytes.fromhex(q["page_token"])) if re.fullmatch("[0-9a-f]+", q["page_token"]) else {}
            if token.get("of") != [name, q["fields"], since]:
                self.refuse(400, "INVALID_DATA", param_name="page_token")
            page, at = token["page"], sum(1 for r in rows if int(r["id"]) <= int(token["behind"]))
        if not rows[at:]:
            return (304 if since and not rows else 204), b""
        part = rows[at:at + size]
        more = at + size < len(rows)
        token = json.dumps({"of": [name, q["fields"], since], "behind": part[-1]["id"], "page": page + 1}).encode().hex()
        info = {"per_page": size, "count": len(part), "page": page, "sort_by": q.get("sort_by", "id"), "sort_order": q.get("sort_order", "desc"),
                "next_page_token": token if more and page >= self.tokens_from else None, "previous_page_token": None, "more_records": more}
        return 200, {"data": [{"id": r["id"], **{f: r.get(f) for f in fields}} for r in part], "info": info}
