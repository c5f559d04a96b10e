#!/usr/bin/env python3
"""Planted credentials: not one byte of them at another origin, in a log, an error, the database or a command line.

For each kind of credentials: a table of next links, redirects of every status, a server that says our own words back to us. Other
places listen on another port, on another address with the same port, and without TLS; they keep every byte that comes.
"""
import base64
import json
import re
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import sinks  # noqa: E402
from harness import HEAVY, SANITIZED, run  # noqa: E402
from lists import all_pairs, some  # noqa: E402

SECRET, CLIENT_SECRET = "pl4nted/S3cret+&=%zz~9c1e7b", "cl1ent/planted+5f&0d"
CONNECTOR = """
auth: {auth}
attempts: 2
first_wait: 0.002
longest_wait: 0.01
timeout: 2s
check: {{ get: /me, path: id, say: who are you }}
reason_header: X-Reason
streams:
  things:
    row: {{ entity: account, key: id, map: [ {{ to: name, from: name }} ] }}
    full:
      get: /v1/things
      records: rows
      page: {{ kind: next_url, {source} }}
  asked:
    row: {{ entity: account, key: id, map: [ {{ to: name, from: name }} ] }}
    full:
      post: /v1/search
      body: {{ after: "{{{{page.token}}}}" }}
      records: rows
      page: {{ kind: cursor, from: next }}
"""
OAUTH = """
  kind: oauth2
  grant: refresh
  token_url: "TOKEN"
  client_auth: %s
  fields: { client_id: acme, client_secret: "{{secret.client}}", refresh_token: "{{secret.key}}" }
  rotate: true"""
KINDS = {
    "header": '{ kind: header, name: X-Api-Key, value: "{{secret.key}}" }',
    "bearer": '{ kind: header, name: Authorization, value: "Bearer {{secret.key}}" }',
    "query": '{ kind: query, name: api_key, value: "{{secret.key}}" }',
    "basic": '{ kind: basic, user: acme, password: "{{secret.key}}" }',
    "oauth": OAUTH % "body",
    "oauth by header": OAUTH % "basic",
}
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  src:
    connector: things
    base_url: "{url}"
    allows_http_loopback: true
    {ca}
    secrets: {{ key: "file:{tmp}/key", client: "file:{tmp}/client" }}
channels:
  out: {{ kind: file, folder: "{tmp}/out" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


def forms():
    """What must be found nowhere: the secrets as they are, as a URL or a header writes them, and what was made of them."""
    out = set()
    for secret in (SECRET, CLIENT_SECRET):
        escaped = quote(secret, safe="~")
        out |= {secret, escaped, re.sub("%..", lambda m: m[0].lower(), escaped)}
        for pair in (f"acme:{secret}", f"acme:{escaped}", f"{secret}:", secret):
            out.add(base64.b64encode(pair.encode()).decode().rstrip("="))
    return [f.encode() for f in out] + [b"-planted-token-"]


FORMS = forms()


def assert_none(data, where):
    data = data if isinstance(data, bytes) else data.encode()
    for form in FORMS:
        assert form not in data, (where, form, data[max(0, data.find(form) - 200):data.find(form) + 100])


class Elsewhere:
    """Listens and keeps what comes; answers as the API would, so that nothing stops us but our own care."""

    def __init__(self, case, address, port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, port), family=family)
        self.port, self.heard = self.socket.getsockname()[1], []
        case.at_end(self.socket.close)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.socket.accept()
                connection.settimeout(2)
                self.heard.append(connection.recv(65536))
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\n{"rows":[]}')
                connection.close()
            except OSError:
                if self.socket.fileno() < 0:
                    return


class Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, case, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port, self.hosts, self.paths, self.leaks = self.server_port, set(), [], []
        self.link = self.redirect = self.echo = None
        self.source, self.n_tokens = "body", 0
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        case.at_end(lambda: (self.shutdown(), self.server_close()))

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body, **headers):
        data = json.dumps(body).encode()
        head = {"Content-Type": "application/json", "Content-Length": len(data), **headers}
        self.wfile.write(f"HTTP/1.1 {status} Said\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + data)

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.answer()

    def do_GET(self):
        self.body = ""
        self.answer()

    def answer(self):
        api, path = self.server, urlsplit(self.path).path
        api.hosts.add(self.headers["Host"])
        api.paths.append(self.path)
        look_at_command_lines(api)
        what = "/search" if path.endswith("/search") else path
        if api.redirect and what == api.redirect[0]:
            return self.say(api.redirect[1], {}, Location=api.redirect[2])
        if api.echo and what == api.echo[0]:
            everything = our_words(f"{self.headers} {self.path} {self.body}")
            return self.say(api.echo[1], {"message": everything}, **({"X-Reason": " ".join(everything.split())} if api.echo[2] else {}))
        if path == "/token":
            api.n_tokens += 1
            assert "planted" in self.body or "Basic" in self.headers["Authorization"]
            return self.say(200, {"access_token": f"at-planted-token-{api.n_tokens}", "refresh_token": f"rt-planted-token-{api.n_tokens}"})
        if path == "/me":
            return self.say(200, {"id": 1})
        first = not dict(parse_qsl(urlsplit(self.path).query)).get("after")
        if not path.startswith("/v1/"):
            return self.say(404, {"message": "no such path"})
        rows = {"rows": [{"id": 1 if first else 2, "name": "Thing"}]}
        if not first or not api.link:
            return self.say(200, rows)
        if api.source == "header":
            return self.say(200, rows, Link=f'<{api.link}>; rel="next"')
        return self.say(200, {**rows, "next": api.link})


def our_words(text):
    """What we said, as it came and as a server may write it: decoded, escaped otherwise, and half undone."""
    payloads = re.findall(r"Basic (\S+)", text)
    lower = re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), text)
    return " ".join([*payloads, *(base64.b64decode(p).decode() for p in payloads), unquote(text), lower, text])[:60000]


def look_at_command_lines(api):
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        api.leaks += [line for form in FORMS if form in line]


def organisation(case, api, kind, source="body", ca=None):
    api.source = source
    for name, value in (("key", SECRET), ("client", CLIENT_SECRET)):
        case.write(name, value + "\n").chmod(0o600)
    case.org(ORG.format(url=api.url, tmp=case.tmp, ca=f'ca_file: "{ca}"' if ca else ""),
             daemon_yaml="log_level: debug\n")
    case.write("config/connectors/things.yaml", CONNECTOR.format(
        auth=KINDS[kind].replace("TOKEN", api.url + "/token"), source="from: next" if source == "body" else "link: next"))


def pull(case, api, *others, stream="things"):
    """One pull at the most talkative; nothing that it leaves behind holds a secret. Returns its result."""
    result = case.retaind("pull", "-vv", "--full", "--stream", stream, expect=None, timeout=30)
    assert_none(result.stdout + result.stderr, "output")
    for path in case.tmp.rglob("*"):
        if path.is_file() and path.parent.name != "tokens" and path.name not in ("key", "client"):
            assert_none(path.read_bytes(), path)
    for other in others:
        assert not other.heard, other.heard
    assert not api.leaks, api.leaks
    assert api.hosts <= {f"127.0.0.1:{api.port}"}, api.hosts
    return result


# next links -----------------------------------------------------------------------------------------------------------

FOLLOWED, REFUSED = "followed", "refused"
LINKS = [  # {o}: our origin, {p}: its port, {q}: another place's port
    ("{o}/v1/things?after=1", FOLLOWED),
    ("/v1/things?after=1", FOLLOWED),
    ("?after=1", FOLLOWED),
    ("things?after=1", FOLLOWED),
    ("./things?after=1", FOLLOWED),
    ("../v1/things?after=1", FOLLOWED),
    ("HTTP://127.0.0.1:{p}/v1/things?after=1", FOLLOWED),
    ("//127.0.0.1:{p}/v1/things?after=1", FOLLOWED),
    ("{o}/v1/things?after=1&back=http://127.0.0.2:{p}/", FOLLOWED),
    ("{o}/v1/../v1/things?after=1", FOLLOWED),
    ("http://127.0.0.1:{q}/v1/things?after=1", REFUSED),
    ("http://127.0.0.2:{p}/v1/things?after=1", REFUSED),
    ("//127.0.0.2:{p}/v1/things?after=1", REFUSED),
    ("http://localhost:{p}/v1/things?after=1", REFUSED),
    ("http://[::1]:{p}/v1/things?after=1", REFUSED),
    ("http://[::ffff:127.0.0.1]:{p}/v1/things?after=1", REFUSED),
    ("https://127.0.0.1:{p}/v1/things?after=1", REFUSED),
    ("http://127.0.0.1/v1/things?after=1", REFUSED),
    ("http://127.0.0.1:{p}@127.0.0.2:{p}/v1/things?after=1", REFUSED),
    ("http://acme:pw@127.0.0.1:{p}/v1/things?after=1", REFUSED),
    ("http://127.0.0.2:{p}#@127.0.0.1:{p}/v1/things?after=1", REFUSED),
    ("{o}/v1/things?after=1#x", REFUSED),
    ("http://127.0.0.2:{p}\\@127.0.0.1:{p}/v1/things?after=1", REFUSED),
    ("http:\\\\127.0.0.2:{p}\\v1\\things", REFUSED),
    ("\\\\127.0.0.2:{p}/v1/things?after=1", REFUSED),
    ("/\\127.0.0.2:{p}/v1/things?after=1", REFUSED),
    ("http://127.0.0.1.evil.test:{p}/v1/things?after=1", REFUSED),
    ("http://127.0.0.1%2eevil.test:{p}/v1/things?after=1", REFUSED),
    ("http://127.0.0.1:{p}.evil.test/v1/things?after=1", REFUSED),
    ("http://127\u30020\u30020\u30022:{p}/v1/things?after=1", REFUSED),
    ("ht\ttp://127.0.0.2:{p}/v1/things?after=1", REFUSED),
    (" http://127.0.0.2:{p}/v1/things?after=1", REFUSED),
    ("/v1/things?after=1 HTTP/1.1\r\nHost: 127.0.0.2:{p}\r\nX: ", REFUSED),
    ("/v1/things?after=1%0d%0aHost:%20127.0.0.2", FOLLOWED),
    ("file:///etc/passwd", REFUSED),
    ("gopher://127.0.0.2:{p}/_GET", REFUSED),
    ("dict://127.0.0.2:{p}/x", REFUSED),
    ("javascript:alert(1)", REFUSED),
    ("http:///v1/things?after=1", REFUSED),
    ("http://:{p}/v1/things?after=1", REFUSED),
    ("http://0x7f000002:{p}/v1/things?after=1", REFUSED),
    ("http://2130706434:{p}/v1/things?after=1", REFUSED),
    ("{o}/" + "x" * 9000, REFUSED),
]


def api_and_others(case):
    """An API, and other places: one on another port, two on other addresses with the API's port."""
    while True:
        api = Api(case)
        try:
            places = [Elsewhere(case, "127.0.0.1"), Elsewhere(case, "127.0.0.2", api.port)]
        except OSError:
            continue  # somebody's connection has that port just now
        try:
            places.append(Elsewhere(case, "::1", api.port))
        except OSError:
            pass  # a machine without IPv6
        return api, places


def try_link(case, link, want, kind, source):
    api, others = api_and_others(case)
    api.link = link.format(o=api.url, p=api.port, q=others[0].port)
    if source == "header" and re.search("[\r\n]|^ ", api.link):
        return  # no value of a header
    if source == "header":
        api.link = api.link.encode().decode("latin-1")
    organisation(case, api, kind, source)
    result = pull(case, api, *others)
    lists_asked = [p for p in api.paths if p.startswith("/v1/")]
    if want == FOLLOWED:
        assert result.returncode == 0 and len(lists_asked) == 2, (api.paths, result.stderr)
    else:
        assert result.returncode == 75 and len(lists_asked) == 1, (result.returncode, api.paths, result.stderr)
        assert "credentials don't go" in result.stderr or "token of the next page" in result.stderr, result.stderr


def test_next_links(case):
    """More than 40 links to a next page, in the body and in a header: ours are followed, all others refused, and nothing comes there."""
    kinds = list(KINDS)
    all_pairs(some([(link, want, kinds[(i + at) % len(kinds)], source) for i, (link, want) in enumerate(LINKS)
                    for at, source in enumerate(("body", "header"))]), try_link)
    assert len(LINKS) > 40


# redirects ------------------------------------------------------------------------------------------------------------

TARGETS = ("http://127.0.0.1:{q}", "http://127.0.0.2:{p}", "http://localhost:{p}", "http://[::1]:{p}", "//127.0.0.2:{p}", "https://127.0.0.1:{p}",
           "http://127.0.0.1:{p}@127.0.0.2:{p}")


def try_redirect(case, target, status, kind):
    """Of the list, of a search, of the first question and of the token endpoint."""
    api, others = api_and_others(case)
    there = target.format(p=api.port, q=others[0].port)
    organisation(case, api, kind)
    for what, stream in (("/v1/things", "things"), ("/search", "asked"), ("/me", "things"), ("/token", "things")):
        if what == "/token" and "oauth" not in kind:
            continue
        if what == "/token":
            for kept in case.tmp.rglob("tokens/*.json"):
                kept.unlink()
        api.redirect = what, status, there + "/v1/things?after=1"
        result = pull(case, api, *others, stream=stream)
        assert result.returncode == 78, (what, result.returncode, result.stderr)
    api.redirect = None


def test_redirects(case):
    """301, 302, 303, 307 and 308 to another port, host or scheme, of a list, a search, the first question and the token endpoint: a
    person is told, nothing comes there."""
    kinds, statuses = list(KINDS), (301, 302, 303, 307, 308)
    all_pairs(some([(t, statuses[(i + j) % 5], k) for i, t in enumerate(TARGETS) for j, k in enumerate(kinds)]), try_redirect)


def test_no_way_leads_from_tls_to_plain_http(case):
    """An API with TLS that redirects to http, or links to it, or whose token endpoint does: nothing comes there in the clear."""
    pair = sinks.certificate(case.tmp / "tls")
    for kind in KINDS:
        api = Api(case, pair)
        plain = Elsewhere(case, "127.0.0.1")
        organisation(case, api, kind, ca=case.tmp / "tls/ca.pem")
        for redirect, link in ((("/v1/things", 302, f"http://127.0.0.1:{plain.port}/v1/things?after=1"), None),
                               (("/v1/things", 302, f"http://127.0.0.1:{api.port}/v1/things?after=1"), None),
                               (("/token", 307, f"http://127.0.0.1:{plain.port}/token"), None),
                               (None, f"http://127.0.0.1:{plain.port}/v1/things?after=1"), (None, f"http://127.0.0.1:{api.port}/v1/things?after=1")):
            if redirect and redirect[0] == "/token" and "oauth" not in kind:
                continue
            for kept in case.tmp.rglob("tokens/*.json"):
                kept.unlink()
            api.redirect, api.link = redirect, link
            result = pull(case, api, plain)
            assert result.returncode == (78 if redirect else 75), (redirect, link, result.stderr)
        api.redirect, api.link = None, "/v1/things?after=1"
        assert pull(case, api, plain).returncode == 0


# our own words --------------------------------------------------------------------------------------------------------

def try_echo(case, kind, status, in_header):
    api = Api(case)
    organisation(case, api, kind)
    for what in ("/v1/things", "/me", "/token"):
        if what == "/token" and "oauth" not in kind:
            continue
        for kept in case.tmp.rglob("tokens/*.json"):
            kept.unlink()
        api.echo = what, status, in_header
        result = pull(case, api)
        assert result.returncode in (75, 78), (what, result.returncode, result.stderr)
    api.echo = None
    result = case.retaind("once", "-vv", expect=None)
    assert_none(result.stdout + result.stderr, "once")
    result = case.retaind("check", "--online", "-vv", expect=None)
    assert_none(result.stdout + result.stderr, "check")


def test_a_server_that_says_our_words_back(case):
    """Errors that hold our headers, address and body, with the secrets in every form: none of it is shown, logged or stored."""
    statuses = (400, 401, 403, 404, 429, 500) if HEAVY else (401, 500)
    all_pairs([(k, s, in_header) for k in KINDS for s in statuses for in_header in (False, True)][::3 if SANITIZED else 1], try_echo)


run(globals())
