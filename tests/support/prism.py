"""Prism (@stoplight/prism-cli, by npm, under build/prism) plays published OpenAPI documents and judges the requests made.

A proxy in front of it sends each path to the right document and notes status and violations. Prism's lists never end, so the proxy
takes the way to the next page out of the answers.
"""
import http.client
import json
import re
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import npm
from harness import ROOT, SHARED, Skip, free_port, wait_for

SPECS = SHARED / "data/specs"
HOME = ROOT / "build/prism"
PRISM = HOME / "node_modules/.bin/prism"
TOO_COMPLEX = b"Schema too complex"  # of an answer, not of a request


def need():
    if not SPECS.is_dir():
        raise Skip("the OpenAPI documents are not here")
    npm.need("prism", "@stoplight/prism-cli@5")


def start_prism(case, spec):
    """Its port and its process."""
    port = free_port()
    process = subprocess.Popen(["node", str(PRISM.resolve()), "mock", "-h", "127.0.0.1", "-p", str(port), str(SPECS / spec)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.at_end(lambda: (process.terminate(), process.wait()))
    return port, process


def is_up(port, process):
    """False until it listens. An error when it has ended: then whoever answers there is somebody else."""
    assert process.poll() is None, f"prism has ended with {process.returncode}"
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


class Proxy(ThreadingHTTPServer):
    """routes: (pattern of the path, document[, what stands in the document's paths for what matched]), the first that fits.
    also: (start of a path, what replaces it, document that judges the request too). cut: takes the way to the next page out."""
    daemon_threads = True

    def __init__(self, case, routes, also=None, cut=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes, self.also, self.cut = routes, also, cut
        specs = {r[1] for r in routes} | ({also[2]} if also else set())
        started = {spec: start_prism(case, spec) for spec in sorted(specs)}
        for port, process in started.values():
            wait_for(lambda port=port, process=process: is_up(port, process), 60, "prism")
        self.ports = {spec: port for spec, (port, _) in started.items()}
        self.seen, self.keeps_paging = [], False
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        case.at_end(self.shutdown)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.forward("GET")

    def do_POST(self):
        self.forward("POST")

    def do_PATCH(self):
        self.forward("PATCH")

    def forward(self, method):
        body, also = self.rfile.read(int(self.headers.get("Content-Length") or 0)), self.server.also
        pattern, spec, *instead = next(r for r in self.server.routes if re.match(r[0], self.path))
        status, data = self.ask(spec, method, re.sub(pattern, instead[0], self.path, count=1) if instead else self.path, body)
        if also and self.path.startswith(also[0]):
            self.ask(also[2], method, self.path.replace(also[0], also[1]), body)
        if status == 500 and TOO_COMPLEX in data:
            # The request was judged and found good before Prism gave up on making an answer to it.
            self.server.seen[-1]["status"], status, data = 200, 200, b'{"data": []}'
        if status == 200 and not self.server.keeps_paging:
            content = json.loads(data)
            self.server.cut(content)
            data = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} Mocked\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data)

    def ask(self, spec, method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.ports[spec], timeout=20)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")}
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        data = answer.read()
        self.server.seen.append({"method": method, "path": path, "body": body.decode(), "status": answer.status,
                                 "violations": answer.getheader("sl-violations"), "answer": data.decode("utf-8", "replace")})
        return answer.status, data


def violations(seen):
    """What is wrong with the request. Of its own answer Prism also complains: the owners' example lacks a member that its schema wants."""
    return [v for v in json.loads(seen["violations"] or "[]") if v["location"][0] != "response"]


def accepted(proxy):
    refused = [s for s in proxy.seen if s["status"] >= 400 or violations(s)]
    assert not refused, json.dumps({**refused[0], "body": refused[0]["body"][:1000]}, indent=1)[:3000]


def kinds(proxy):
    """The requests made: method, path, and which parameters or members."""
    out = set()
    for s in proxy.seen:
        path, _, query = s["path"].partition("?")
        names = sorted(p.split("=")[0] for p in query.split("&") if p) or sorted(json.loads(s["body"] or "{}"))
        out.add((s["method"], path, ",".join(names)))
    return out
