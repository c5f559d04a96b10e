"""Plays recorded HTTP exchanges back over HTTP: status, headers and body as they came.

A Replay answers a request with the recorded exchange of the same method, path, query and body where there is one. For requests
that can't be the recorded ones word for word, the URL names the exchange: /rec/N/any/path answers with exchange N; /rec/N,M/...
with N first and then with M, for ever.
"""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

# What the connection itself says is said anew.
OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "date", "content-encoding"}


def load(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


class Replay(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, exchanges):
        super().__init__(("127.0.0.1", 0), Handler)
        self.exchanges, self.asked, self.unmatched = exchanges, {}, []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        self.shutdown()
        self.server_close()

    def find(self, method, path, query, body):
        if path.startswith("/rec/"):
            numbers = path.split("/")[2]
            n = self.asked[numbers] = self.asked.get(numbers, 0) + 1
            order = [int(i) for i in numbers.split(",")]
            return self.exchanges[order[min(n, len(order)) - 1]]
        for e in self.exchanges:
            if (e["method"], e["path"], e["query"]) == (method, path, query) and (e["req"] or {}) == body:
                return e
        self.unmatched.append((method, path, query, body))
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def do_PATCH(self):
        self.answer("PATCH")

    def answer(self, method):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        found = self.server.find(method, parts.path, dict(parse_qsl(parts.query)), json.loads(raw) if raw else {})
        if found is None:
            found = {"status": 599, "headers": {}, "body": "no such exchange"}
        body = found["body"]
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        head = "".join(f"{k}: {v}\r\n" for k, v in found["headers"].items() if k.lower() not in OWN_HEADERS)
        self.wfile.write(f"HTTP/1.1 {found['status']} Recorded\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
