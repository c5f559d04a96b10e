"""What the tests of connectors share: an organisation that pulls through one, and a server that plays a vendor's API."""
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from harness import ROOT

SECRET = "planted-secret-5f3a"
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  src:
    connector: {connector}
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ {name}: "file:{secret}" }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


def quick(text):
    """A connector as shipped but for its pace: tests don't wait."""
    text = re.sub(r"rate: [\d.]+, per: \w+", "rate: 10000, per: 1s", text)
    text = re.sub(r", wait: \d+s", "", text)
    text = re.sub(r"\nquota_headers:\n((?:  .*)?\n)+?(?=\S)", "\n\n", text)
    return text.replace("first_wait: 1\n", "first_wait: 0.005\n").replace("longest_wait: 60\n", "longest_wait: 0.05\n")


def organisation(case, connector, url, more="", change=quick):
    path = case.write("key", SECRET + "\n")
    path.chmod(0o600)
    shipped = (ROOT / f"config/connectors/{connector}.yaml").read_text()
    name = re.search(r"\{\{secret\.(\w+)", shipped)[1]
    case.org(ORG.format(connector=connector, url=url, name=name, secret=path, folder=case.tmp / "out", more=more))
    (case.tmp / f"config/connectors/{connector}.yaml").write_text(change(shipped))


def pull(case, *options, expect=0):
    """The results by stream, and what was said."""
    result = case.retaind("pull", "--format", "json", *options, expect=expect)
    return {r["stream"]: r for r in json.loads(result.stdout)} if result.stdout.strip() else {}, result.stderr


class Request:
    def __init__(self, method, target, headers, body):
        parts = urlsplit(target)
        self.method, self.path, self.raw_query, self.headers, self.body = method, parts.path, parts.query, headers, body
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))


class Vendor(ThreadingHTTPServer):
    """Answers with what answer(request) returns: (status, body[, headers]); a body that is no bytes becomes JSON."""
    daemon_threads = True

    def __init__(self, case, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.seen, self.url = answer, [], f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        case.at_end(lambda: (self.shutdown(), self.server_close()))

    def handle_error(self, request, client_address):
        pass  # clients that were killed


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_request()

    def do_POST(self):
        self.handle_request()

    def do_PUT(self):
        self.handle_request()

    def do_PATCH(self):
        self.handle_request()

    def handle_request(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = "json" in self.headers.get("Content-Type", "")
        request = Request(self.command, self.path, self.headers, json.loads(raw) if raw and is_json else raw or None)
        self.server.seen.append(request)
        status, body, *headers = self.server.answer(request)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Content-Type": "application/json", "Content-Length": len(data), **(headers[0] if headers else {})}
        lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
        self.wfile.write(f"HTTP/1.1 {status} Answered\r\n{lines}\r\n".encode() + data)
