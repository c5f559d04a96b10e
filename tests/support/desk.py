"""Stands in for Redmine, EspoCRM and Freshdesk: their lists by their rules, over rows that change while they are read.

A Desk answers each request from what its rows are then, and calls `between(n)` after the n-th list, so that a test can edit, delete
and create as a walk goes on. What the real system refuses, it refuses.
"""
import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = "planted-desk-key-5e21"


def redmine(desk, path, query, headers):
    is_known = headers.get("X-Redmine-API-Key") == KEY
    if path == "/users/current.json":
        return (200, {}, {"user": {"id": 1, "login": "admin"}}) if is_known else (401, {}, "")
    if path != "/issues.json":
        return 404, {}, ""
    rows = [r for r in desk.rows if is_known or not r.get("is_private")]  # a stranger sees less, and is not told
    if query.get("status_id") != "*":
        rows = [r for r in rows if not r["status"]["is_closed"]]
    if "updated_on" in query:
        rows = [r for r in rows if r["updated_on"] >= query["updated_on"].removeprefix(">=")]
    rows.sort(key=lambda r: (r[query["sort"]], r["id"]) if "sort" in query else -r["id"])
    offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 25)), 100)
    return 200, {}, {"issues": rows[offset:offset + limit], "total_count": len(rows), "offset": offset, "limit": limit}


def espocrm(desk, path, query, headers):
    if headers.get("X-Api-Key") != KEY:
        return 401, {}, ""
    if path == "/api/v1/App/user":
        return 200, {}, {"user": {"id": "u1"}}
    if path != "/api/v1/Account":
        return 200, {}, {"total": 0, "list": []}
    if int(query.get("maxSize", 20)) > 200:
        return 403, {"X-Status-Reason": "Max size should not exceed 200. Use offset and limit."}, ""
    rows = list(desk.rows)
    if query.get("where[0][type]") == "after":
        rows = [r for r in rows if r[query["where[0][attribute]"]] > query["where[0][value]"]]
    rows.sort(key=lambda r: (r[query.get("orderBy", "name")], r["id"]), reverse=query.get("order") == "desc")
    offset = int(query.get("offset", 0))
    return 200, {}, {"total": len(rows), "list": rows[offset:offset + int(query.get("maxSize", 20))]}


def freshdesk(desk, path, query, headers):
    if headers.get("Authorization") != "Basic " + base64.b64encode(f"{KEY}:X".encode()).decode():
        return 401, {}, {"code": "invalid_credentials", "message": "You have to be logged in to perform this action."}
    if path != "/api/v2/tickets" or query.get("filter") == "deleted":
        return 200, {}, []
    page, size = int(query.get("page", 1)), min(int(query.get("per_page", 30)), 100)
    if page > desk.most_pages:
        return 400, {}, {"description": "Validation failed", "errors": [{"field": "page", "message": "It should be at most 300"}]}
    rows = [r for r in desk.rows if r["updated_at"] >= query.get("updated_since", "2026-11-01T00:00:00Z")]
    rows.sort(key=lambda r: (r[query.get("order_by", "created_at")], r["id"]), reverse=query.get("order_type", "desc") == "desc")
    return 200, {}, rows[(page - 1) * size:page * size]


class Desk(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer, rows, between=None, most_pages=300):
        super().__init__(("127.0.0.1", 0), Handler)
        self.rule, self.rows, self.between, self.most_pages = answer, rows, between, most_pages
        self.seen, self.lists = [], 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        desk, parts = self.server, urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        status, headers, body = desk.rule(desk, parts.path, query, self.headers)
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        desk.seen.append((parts.path, query, status))
        if desk.between and ("offset" in query or "updated_since" in query):
            desk.lists += 1
            desk.between(desk.lists)
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        self.wfile.write(f"HTTP/1.1 {status} Desk\r\nContent-Type: application/json\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
