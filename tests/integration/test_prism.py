#!/usr/bin/env python3
"""Every request that config/connectors/hubspot.yaml makes is one that HubSpot's published OpenAPI documents allow.

Prism (@stoplight/prism-cli, by npm, under build/prism) plays the documents of ../shared/data/specs and judges the requests; a proxy
in front of it sends each path to the right document and notes status and violations. Prism's lists never end, so the proxy
takes the link to the next page out of the answers, but for one.
"""
import functools
import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, SHARED, Skip, run, wait_for  # noqa: E402
from hubspot import organisation, pull, quick  # noqa: E402

SPECS = SHARED / "data/specs"
HOME = ROOT / "build/prism"
PRISM = HOME / "node_modules/.bin/prism"
INSTALL_S = 60
# The first that fits.
ROUTES = [
    (r"/crm/v3/objects/companies", "Companies-v3-companies.json"),
    (r"/crm/v3/objects/contacts", "Contacts-v3-contacts.json"),
    (r"/crm/v3/objects/tickets", "Tickets-v3-tickets.json"),
    (r"/crm/v3/objects/", "Objects-v3-objects.json"),
    (r"/crm/v3/owners", "Crm_Owners-v3-crmOwners.json"),
    (r"/crm/v4/associations/", "Associations-v4-associations.json"),
]
# The document of deals names them by their number, 0-3; the API takes both. So requests for deals are judged twice: as any object,
# and as these.
ALSO = ("/crm/v3/objects/deals", "/crm/v3/objects/0-3", "Deals-v3-deals.json")


@functools.cache
def why_not():
    """None when Prism is there, installed now if need be; else the reason. Asked once."""
    if not SPECS.is_dir():
        return "the OpenAPI documents are not here"
    if PRISM.exists():
        return None
    if not shutil.which("npm"):
        return "npm, which installs Prism, is not there"
    # What was begun and not finished is not Prism: it comes into its place whole.
    coming = HOME.with_name("prism.coming")
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(parents=True)
    try:
        done = subprocess.run(["npm", "install", "--prefix", str(coming), "--no-audit", "--no-fund", "--fetch-retries=0",
                               "@stoplight/prism-cli@5"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        return f"npm doesn't install Prism within {INSTALL_S} s"
    if done.returncode:
        return f"npm can't install Prism: {done.stderr.strip()[-300:]}"
    shutil.rmtree(HOME, ignore_errors=True)
    coming.rename(HOME)
    return None


def install():
    if why_not():
        raise Skip(why_not())


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_prism(case, spec):
    port = free_port()
    process = subprocess.Popen(["node", str(PRISM.resolve()), "mock", "-h", "127.0.0.1", "-p", str(port), str(SPECS / spec)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.at_end(lambda: (process.terminate(), process.wait()))
    return port


def is_up(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ports):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ports, self.seen, self.keeps_paging = ports, [], False
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.forward("GET")

    def do_POST(self):
        self.forward("POST")

    def forward(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        spec = next(s for pattern, s in ROUTES if re.match(pattern, self.path))
        status, data = self.ask(spec, method, self.path, body)
        if self.path.startswith(ALSO[0]):
            self.ask(ALSO[2], method, self.path.replace(ALSO[0], ALSO[1]), body)
        if status == 200 and not self.server.keeps_paging:
            content = json.loads(data)
            for part in [content, *content.get("results", [])]:
                part.pop("paging", None)
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
    assert not refused, json.dumps(refused[0], indent=1)[:3000]


def kinds(proxy):
    """The requests made: method, path, and which parameters or members."""
    out = set()
    for s in proxy.seen:
        path, _, query = s["path"].partition("?")
        names = sorted(p.split("=")[0] for p in query.split("&") if p) or sorted(json.loads(s["body"] or "{}"))
        out.add((s["method"], path, ",".join(names)))
    return out


def test_every_request_is_accepted_by_the_published_documents(case):
    """Prism accepts every list, search, owner and association request: no 4xx, no violation."""
    install()
    ports = {spec: start_prism(case, spec) for spec in {s for _, s in ROUTES} | {ALSO[2]}}
    for port in ports.values():
        wait_for(lambda port=port: is_up(port), 60, "prism")
    proxy = Proxy(ports)
    case.at_end(proxy.shutdown)
    organisation(case, proxy.url, more="    map:\n      companies:\n        - { to: plan, from: properties.plan }\n", connector=quick)
    results, _ = pull(case)
    accepted(proxy)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 86400))
    again, _ = pull(case, "--now", later)
    accepted(proxy)
    assert all(r["result"] == "ok" for r in [*results.values(), *again.values()]), (results, again)
    made = kinds(proxy)
    for kind in ("companies", "contacts", "deals", "0-3", "tickets", "calls", "emails", "meetings", "notes"):
        assert ("POST", f"/crm/v3/objects/{kind}/search", "after,filterGroups,limit,properties,sorts") in made, (kind, made)
        assert ("GET", f"/crm/v3/objects/{kind}", "archived,limit,properties") in made, (kind, made)
        assert ("GET", f"/crm/v3/objects/{kind}", "archived,limit") in made, (kind, made)
        if kind not in ("companies", "0-3"):
            assert ("POST", f"/crm/v4/associations/{kind}/companies/batch/read", "inputs") in made, (kind, made)
    assert ("GET", "/crm/v3/owners", "archived,limit") in made

    # A list that never ends: the second page is asked for with Prism's odd token, and then there is an end.
    proxy.keeps_paging, n_before = True, len(proxy.seen)
    _, errors = pull(case, "--stream", "companies", "--full", expect=75)
    assert "circles" in errors and len(proxy.seen) - n_before == 2, (errors, len(proxy.seen) - n_before)
    accepted(proxy)
    assert "after=NTI1Cg%253D%253D" in proxy.seen[-1]["path"], proxy.seen[-1]["path"]
    print(f"         {len(proxy.seen)} requests of {len(made)} kinds, 0 refused, 0 violations")


def test_prism_would_refuse_a_wrong_request(case):
    """The judge is awake: a search without its required members is refused."""
    install()
    port = start_prism(case, "Companies-v3-companies.json")
    wait_for(lambda: is_up(port), 60, "prism")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/crm/v3/objects/companies/search", json.dumps({"limit": 100}),
                       {"Authorization": "Bearer x", "Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 422, (answer.status, answer.read()[:500])


run(globals())
