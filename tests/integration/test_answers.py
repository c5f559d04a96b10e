#!/usr/bin/env python3
"""Answers to findings: by links whose pages change nothing until a person presses the button, and by commands."""
import base64
import contextlib
import datetime
import hashlib
import hmac
import html.parser
import http.client
import json
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
from email import message_from_bytes, policy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import browser  # noqa: E402
from delivery import ENV  # noqa: E402
from exim import Exim  # noqa: E402
from harness import BIN, HEAVY, ROOT, Skip, free_port, run, wait_for  # noqa: E402
from test_score import TALKATIVE, load  # noqa: E402

KEY, OLD_KEY, OTHER_KEY = "answers-key-0123456789abcdef", "answers-key-of-last-year-0000", "another-organisations-key-99"
DONE, SNOOZE, NOT_A_RISK, WRONG_OWNER, LOST, EXPANDED, ACKNOWLEDGE, REOPEN = range(8)
EPOCH = datetime.date(1970, 1, 1)
TODAY = (datetime.datetime.now(datetime.timezone.utc).date() - EPOCH).days
ORG = """title: Acme & Sons
zone: UTC
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
answers: {{ url: "http://127.0.0.1:{port}", secret: "file:{tmp}/secrets/{org}", old_secret: "file:{tmp}/secrets/{org}-old" }}
channels:
  out: {{ kind: file, folder: "{tmp}/out-{org}" }}
{more}owners:
  - {{ email: ada@acme.example, name: "Ada <b>Byron</b>", role: csm, at: "{at}", channels: [out{to}] }}
  - {{ email: bo@acme.example, name: Bo, role: am, at: "{at}", channels: [out] }}
  - {{ email: mia@acme.example, name: Mia, role: manager, manages: [ada@acme.example], at: "{at}", channels: [out] }}
  - {{ email: zoe@acme.example, name: Zoé, role: csm, at: "{at}", channels: [out], language: fr }}
"""
NAMES = ("Northwind Traders", "<script>alert(1)</script> & Co", "Globex", "Initech", "Hooli", "Umbrella")


def letters(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(purpose, finding, org="acme", key=KEY, expires=None, made_on=TODAY, owner="ada@acme.example"):
    """As common/token.h says, by another hand."""
    expires = int(time.time()) + 3600 if expires is None else expires
    fields = (bytes([purpose]) + finding.to_bytes(5, "big") + expires.to_bytes(4, "big") + made_on.to_bytes(2, "big") +
              hashlib.sha256(owner.encode()).digest()[:5])
    return letters(fields + hmac.new(key.encode(), b"retaind link 1\0" + org.encode() + b"\0" + fields, hashlib.sha256).digest()[:16])


class Page(html.parser.HTMLParser):
    """What a page is made of."""

    def __init__(self, body):
        super().__init__()
        self.tags, self.fields, self.links, self.texts, self.lang = [], {}, [], [], None
        self.feed(body)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.tags.append(tag)
        self.lang = a.get("lang", self.lang)
        if tag in ("input", "textarea", "select"):
            self.fields.setdefault(a["name"], []).append(a.get("value", ""))
        if tag == "a":
            self.links.append(a["href"])
        assert not [n for n in a if n.startswith("on") or n in ("src", "style", "action")], (tag, a)

    def handle_data(self, data):
        self.texts.append(data)


class Desk:
    """Two organisations whose links the running daemon takes, and findings that no score knows of."""

    def __init__(self, case, more="", to=""):
        self.case = case
        self.port = free_port()
        at = time.strftime("%H:%M", time.gmtime(time.time() + 12 * 3600))  # no digest is due while the test runs
        for name, keys in (("acme", (KEY, OLD_KEY)), ("other", (OTHER_KEY, OTHER_KEY))):
            for suffix, key in zip(("", "-old"), keys):
                case.write(f"secrets/{name}{suffix}", key + "\n").chmod(0o600)
            (case.tmp / f"out-{name}").mkdir()
        case.org(ORG.format(tmp=case.tmp, port=self.port, at=at, org="acme", more=more, to=to), daemon_yaml=f"web: {{ listen: '127.0.0.1:{self.port}' }}\n")
        case.write("config/orgs/other.yaml", ORG.format(tmp=case.tmp, port=self.port, at=at, org="other", more="", to=""))
        for org in ("acme", "other"):
            case.retaind("migrate", "--org", org, "-q")
        self.log = case.tmp / "daemon.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([BIN, "run", "-v", "--config", str(case.tmp / "config")], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        case.at_end(self.end)
        wait_for(self.is_up, 20, "the endpoint")
        wait_for(lambda: self.log.read_text().count("event=sync") >= 2, 20, "the first syncs")
        for org in ("acme", "other"):
            self.fill(org)

    def end(self):
        self.process.kill()
        self.process.wait()

    def is_up(self):
        try:
            return self.call("GET", "/health")[0] == 200
        except OSError:
            return False

    def fill(self, org):
        with sqlite3.connect(self.case.database(org)) as db:
            db.execute("INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (9, 'crm', 'csv', ?, ?)",
                       (int(time.time()), TODAY))
            for i, name in enumerate(NAMES, 1):
                db.execute("INSERT INTO account (id, source_id, source_key, name, currency) VALUES (?, 9, ?, ?, 'EUR')", (i, f"k{i}", name))
                engine, owner = ("defense", "ada@acme.example") if i < 5 else ("expansion", "bo@acme.example")
                db.execute("INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, score, worst_score,"
                           " confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email)"
                           " VALUES (?, ?, ?, 'silence', 'open', ?, ?, 60, 60, 0.9, 4800000, 'EUR', 100, ?, '', 'Nobody logged in.',"
                           " '[]', ?)", (i, i, engine, TODAY - 9, TODAY, TODAY + 20, owner))
                db.execute("INSERT INTO finding_event (finding_id, day, at, kind) VALUES (?, ?, ?, 'opened')",
                           (i, TODAY - 9, (TODAY - 9) * 86400))

    def call(self, method, path, body=None, headers=None):
        """One that is told to wait does."""
        while True:
            answer = self.call_once(method, path, body, headers)
            if answer[0] != 429:
                return answer
            time.sleep(0.1)

    def call_once(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def post(self, path, **fields):
        """What a browser sends for the form of the page that is there."""
        page = Page(self.call("GET", path)[1])
        data = {"confirm": page.fields["confirm"][0], **fields}
        return self.call("POST", path, urllib.parse.urlencode(data), {"Content-Type": "application/x-www-form-urlencoded"})

    def everything(self, org="acme"):
        return [self.case.query(f"SELECT * FROM {table} ORDER BY 1, 2", name=org)
                for table in ("finding", "finding_event", "answer_link", "not_owner", "told_outcome")]

    def state(self, finding, org="acme"):
        return self.case.query("SELECT state, snoozed_until, closed_on, owner_email FROM finding WHERE id = ?", finding, name=org)[0]


def test_links(case):
    """Forged, expired, replayed, cut and re-encoded links, of another key, purpose, organisation or owner change nothing; what
    fetches links before people do changes nothing; no answer tells more than the next one"""
    desk = Desk(case)
    before = desk.everything(), desk.everything("other")
    good = token(SNOOZE, 1)
    raw = base64.urlsafe_b64decode(good)
    flipped = {i: letters(raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1:]) for i in range(0, 33, 1 if HEAVY else 8)}
    with_purpose = [letters(bytes([p]) + raw[1:]) for p in range(9) if p != SNOOZE]
    wrong = {**{f"byte {i} changed": t for i, t in flipped.items()}, **{f"purpose {i}": t for i, t in enumerate(with_purpose)},
             "cut": good[:-1], "half": good[:22], "empty": "", "longer": good + "A", "padded": good + "=", "with a slash": good + "/x",
             "standard base64": base64.b64encode(raw[:32] + b"\xff").decode(), "hex": raw.hex(), "twice encoded": letters(good.encode()),
             "upper case": good.upper(), "nul": good[:20] + "%00" + good[21:], "blank": good[:43] + "%20", "dots": "../" + good,
             "another key": token(SNOOZE, 1, key="x" * 28), "the key of another organisation": token(SNOOZE, 1, key=OTHER_KEY),
             "signed for another organisation": token(SNOOZE, 1, org="other"),
             "another organisation's own": token(SNOOZE, 1, org="other", key=OTHER_KEY),
             "of nobody": token(SNOOZE, 1, owner="gone@acme.example"), "of no purpose": token(9, 1), "no finding": token(SNOOZE, 4711),
             "of another engine": token(EXPANDED, 1), "lost of expansion": token(LOST, 5)}
    pages = set()
    for what, text in wrong.items():
        for method in ("GET", "POST"):
            status, body, headers = desk.call(method, f"/a/acme/{text}", "confirm=x&days=7" if method == "POST" else None,
                                              {"Content-Type": "application/x-www-form-urlencoded"})
            if text == "" or what == "dots":
                assert status == 404, (what, status)
                continue
            assert status == 404, (what, method, status)
            if what not in ("no finding", "of another engine", "lost of expansion"):
                pages.add(body)
    assert len(pages) == 1 and "This link is not valid" in pages.pop()
    expired = desk.call("GET", "/a/acme/" + token(SNOOZE, 1, expires=int(time.time())))
    assert expired[0] == 410 and "This link has expired" in expired[1]
    assert desk.call("GET", f"/a/nobody/{good}")[0] == 404 and desk.call("GET", "/a/acme")[0] == 404
    path = f"/a/acme/{good}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    confirm = Page(desk.call("GET", path)[1]).fields["confirm"][0]
    assert confirm not in path
    scanners = [("GET", None, {}, 200), ("GET", None, {"Purpose": "prefetch"}, 200), ("HEAD", None, {}, 200), ("OPTIONS", None, {}, 405),
                ("PUT", f"confirm={confirm}&days=7", form, 405), ("DELETE", None, {}, 405), ("PATCH", None, {}, 405),
                ("POST", None, {}, 403), ("POST", "days=7", form, 403), ("POST", "confirm=&days=7", form, 403),
                ("POST", f"confirm={confirm[:-1]}&days=7", form, 403), ("POST", f"xconfirm={confirm}&days=7", form, 403),
                ("POST", f"confirm={confirm}&days=7", {"Content-Type": "text/plain"}, 403),
                ("POST", f"confirm={confirm}&days=7", {"Content-Type": "application/x-www-form-urlencodedx"}, 403),
                ("POST", json.dumps({"confirm": confirm, "days": 7}), {"Content-Type": "application/json"}, 403),
                ("POST", f"confirm={confirm}&days=" + "7" * 20000, form, 413),
                ("POST", f"confirm={confirm}", form, 400), ("POST", f"confirm={confirm}&days=0", form, 400),
                ("POST", f"confirm={confirm}&days=367", form, 400), ("POST", f"confirm={confirm}&days=7x", form, 400)]
    for method, body, headers, expect in scanners:
        status, text, got = desk.call(method, path, body, headers)
        assert status == expect, (method, (body or "")[:100], status)
        assert method != "HEAD" or not text
        assert expect != 405 or got["Allow"] == "GET, HEAD, POST"
    confirm_of_other = Page(desk.call("GET", "/a/acme/" + token(DONE, 1))[1]).fields["confirm"][0]
    assert desk.call("POST", path, f"confirm={confirm_of_other}&days=7", form)[0] == 403
    assert (desk.everything(), desk.everything("other")) == before
    assert desk.call("POST", path, f"confirm={confirm}&days=7", {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"})[0] == 200
    assert desk.state(1) == ("snoozed", TODAY + 7, None, "ada@acme.example")
    after = desk.everything()
    for method in ("GET", "POST", "POST"):
        status, text, _ = desk.call(method, path, f"confirm={confirm}&days=30" if method == "POST" else None, form)
        assert status == 410 and "was used already" in text, (method, status)
    assert desk.everything() == after and desk.everything("other") == before[1]
    log = desk.log.read_text()
    assert "event=answered" in log and "event=answer_refused" in log and good not in log and confirm not in log


def test_answers(case):
    """Each answer does what it says, its page says what changed, and the link below takes it back once; the ledger knows who,
    when, by link or command, and why"""
    desk = Desk(case)
    cases = [(DONE, 1, {"note": "called\r\n them"}, "acknowledged", "is marked as done", ("done", None, "called  them")),
             (SNOOZE, 1, {"days": "14"}, "snoozed", "is snoozed until", ("snoozed", None, str(EPOCH + datetime.timedelta(TODAY + 14)))),
             (NOT_A_RISK, 2, {"reason": "seasonal", "note": ""}, "dismissed", "It is like that every year", ("dismissed", "seasonal", None)),
             (WRONG_OWNER, 3, {"to": "zoe@acme.example"}, "open", "is now with Zoé", ("wrong_owner", None, "zoe@acme.example")),
             (WRONG_OWNER, 4, {"to": ""}, "open", "is with nobody now", ("wrong_owner", None, None)),
             (LOST, 1, {}, "lost", "is marked as lost", ("lost", None, None)),
             (EXPANDED, 5, {"note": "50 seats"}, "resolved", "is marked as sold", ("expanded", None, "50 seats"))]
    for i, (purpose, finding, fields, state, says, event) in enumerate(cases):
        owner = "ada@acme.example" if finding < 5 else "bo@acme.example"
        path = "/a/acme/" + token(purpose, finding, made_on=TODAY - i, owner=owner, key=OLD_KEY if i % 2 else KEY)
        status, body, headers = desk.post(path, **fields)
        assert status == 200 and says in body, (purpose, status, body)
        assert desk.state(finding)[0] == state
        kept = case.query("SELECT kind, reason, note, who, via FROM finding_event ORDER BY id DESC LIMIT 1")
        assert kept == [(*event, owner, "link")], kept
        assert headers["Referrer-Policy"] == "no-referrer" and headers["Cache-Control"] == "no-store" and not headers["Set-Cookie"]
        if purpose == WRONG_OWNER:
            assert desk.state(finding)[3] == (fields["to"] or None)
        undo = "/a/acme/" + Page(body).links[0]
        status, body, _ = desk.call("GET", undo)
        assert status == 200 and "again?" in body and desk.state(finding)[0] == state, (purpose, status, body, desk.state(finding))
        status, body, _ = desk.post(undo)
        assert status == 200 and "is open again" in body
        assert desk.state(finding) == ("open", None, None, owner), finding
        assert desk.call("GET", undo)[0] == 410
    preview = lambda owner: case.retaind("preview", "--org", "acme", "--owner", f"{owner}@acme.example").stdout
    assert "handed" not in preview("mia") and "Globex" not in preview("zoe")
    told = json.loads(case.retaind("answers", "--org", "acme", "--format", "json").stdout)
    assert len(told) == 2 * len(cases) and {t["via"] for t in told} == {"link"} and told[-1]["note"] == "called  them"
    undo = "/a/acme/" + Page(desk.post("/a/acme/" + token(DONE, 2, made_on=TODAY - 9))[1]).links[0]
    case.retaind("snooze", "2", "--org", "acme", "--until", str(EPOCH + datetime.timedelta(TODAY + 3)))
    assert desk.post(undo)[0] == 409 and desk.state(2)[0] == "snoozed"  # what somebody else said since stays said
    case.retaind("reopen", "2", "--org", "acme")
    for fields in ({}, {"reason": "whatever"}, {"reason": ""}):
        assert desk.post("/a/acme/" + token(NOT_A_RISK, 2), **fields)[0] == 400
    assert desk.post("/a/acme/" + token(WRONG_OWNER, 2), to="eve@evil.example")[0] == 400
    assert desk.post("/a/acme/" + token(WRONG_OWNER, 2), to="ada@acme.example")[0] == 409
    assert desk.state(2)[0] == "open"
    case.retaind("wrong-owner", "3", "--to", "zoe@acme.example", "--org", "acme")
    case.retaind("wrong-owner", "4", "--org", "acme")
    assert "Globex" in preview("zoe") and "Repris d" in preview("zoe")
    assert "Globex" not in preview("ada") and "Initech" not in preview("ada")
    mia = preview("mia")
    assert "Initech" in mia and "With nobody: handed back, before with Ada <b>Byron</b>" in mia and "Globex" not in mia, mia
    case.retaind("done", "2", "--org", "acme", "--note", "by hand")
    case.retaind("reopen", "2", "--org", "acme")
    case.retaind("lost", "2", "--org", "acme")
    assert "is closed: lost" in case.retaind("snooze", "2", "--org", "acme", "--until", "2099-01-01", expect=65).stderr
    assert "not said of those" in case.retaind("expanded", "3", "--org", "acme", expect=65).stderr
    status, body, _ = desk.call("GET", "/a/acme/" + token(DONE, 2))
    assert status == 409 and "is closed already" in body
    table = case.retaind("answers", "2", "--org", "acme", "--format", "json")
    assert [(t["answer"], t["via"]) for t in json.loads(table.stdout)][:3] == [("lost", "cli"), ("reopened", "cli"), ("done", "cli")]
    assert all(t["who"] for t in json.loads(table.stdout))


def test_pages(case):
    """Pages are of the reader's language, hold names as text and nothing that is fetched, run or remembered, and say so in their
    headers; too many requests are told to wait"""
    desk = Desk(case)
    for purpose in (DONE, SNOOZE, NOT_A_RISK, WRONG_OWNER, LOST):
        status, body, headers = desk.call("GET", "/a/acme/" + token(purpose, 2))
        page = Page(body)
        assert status == 200 and page.lang == "en" and NAMES[1] in "".join(page.texts)
        assert not {"script", "img", "link", "iframe", "object"} & set(page.tags) and page.tags.count("h1") == 1
        style = re.search(r"<style>(.*?)</style>", body, re.S).group(1)
        hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert headers["Content-Security-Policy"] == (f"default-src 'none'; style-src 'sha256-{hashed}'; form-action 'self'; "
                                                      "frame-ancestors 'none'; base-uri 'none'")
        assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
        assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["Cache-Control"] == "no-store"
        assert not headers["Set-Cookie"] and headers["Referrer-Policy"] == "no-referrer"
        assert "url(" not in body and "@import" not in body and "http" not in body.replace("http-equiv", "")
    evidence = [{"text": "asked for a downgrade on 2026-03-03", "signal": "downgrade_request", "words":
                 {"what": {"say": "notice.downgrade"}, "noticed": {"day": 20515}, "effective": "", "quote": ""}}]
    with contextlib.closing(sqlite3.connect(case.database())) as db, db:
        db.execute("UPDATE finding SET summary = ?, evidence = ?, value_minor = 17759960 WHERE id = 2",
                   (evidence[0]["text"], json.dumps(evidence)))
    english = desk.call("GET", "/a/acme/" + token(SNOOZE, 2))[1]
    assert "<p>Asked for a downgrade on Tue 3 Mar" in english and "EUR 177,600 at stake" in english, english
    french = desk.call("GET", "/a/acme/" + token(SNOOZE, 2, owner="zoe@acme.example"))[1]
    assert Page(french).lang == "fr" and "Pour combien de temps" in french and "Snooze" not in french
    assert "<p>A demandé une formule réduite le mar. 3 mars" in french and "177\u202f600\u00a0€ en jeu" in french, french
    seen = [desk.call_once("GET", "/a/acme/" + token(SNOOZE, 2)) for _ in range(90)]
    assert {status for status, _, _ in seen} == {200, 429} and all(status == 200 for status, _, _ in seen[:20])
    assert all("try again in a minute" in body and headers["Retry-After"] == "60" for status, body, headers in seen if status == 429)
    assert desk.call_once("GET", "/a/acme/" + token(SNOOZE, 2, owner="zoe@acme.example"))[0] == 200  # what opens one's links holds up nobody else
    tried = [desk.call_once("GET", "/a/other/" + token(SNOOZE, i, org="other", key="x" * 28))[0] for i in range(90)]
    assert set(tried) == {404, 429}, tried  # and who has a link is not kept waiting by it
    assert desk.call_once("GET", "/a/other/" + token(SNOOZE, 2, org="other", key=OTHER_KEY))[0] == 200
    assert desk.call("GET", "/health")[0] == 200
    # Where a proxy may see another end of a request than the endpoint, nothing behind it is taken for the next one.
    inner = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for head, body in (("Content-Length: %d\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + inner), ("Content-Length: 0\r\nContent-Length: %d", inner),
                       ("Transfer-Encoding:\tchunked\r\nContent-Length: %d", "0\r\n\r\n" + inner), ("Content-Length : %d", inner),
                       ("Transfer-Encoding: xchunked\r\nContent-Length: %d", inner), ("Content-Length: 0, %d", inner),
                       ("X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: %d", "0\r\n\r\n" + inner), ("Content-Length: -%d", inner)):
        for path in ("/a/acme/" + token(SNOOZE, 2), "/push/acme/none"):
            with socket.create_connection(("127.0.0.1", desk.port), 10) as s:
                s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{head % len(body)}\r\n\r\n{body}".encode())
                said = b"".join(iter(lambda: s.recv(65536), b""))  # to the end: it is closed
            assert said.startswith(b"HTTP/1.1 400 ") and b" 200 OK" not in said, (head, said)


def test_configuration(case):
    """What is wrong with `answers:` is told with file, line and what would be right; left out, no digest has links and the endpoint no
    pages; a secret that can't be read costs the links, not the digest"""
    text = ORG.format(tmp=case.tmp, port=1, at="08:00", org="acme", more="", to="")
    web = "web: { listen: '127.0.0.1:8642' }\n"
    config = case.org(text, daemon_yaml=web)
    (case.tmp / "out-acme").mkdir()
    path = config / "orgs/acme.yaml"
    line = next(line for line in text.splitlines() if line.startswith("answers:"))
    ok = "url: https://retaind.acme.example, secret: 'credential:answers'"
    for answers, says in (("secret: 'credential:a'", "answers: `url` is missing"), ("url: https://a.example", "`secret` is missing"),
                          ("url: http://a.example, secret: 'credential:a'", "answers.url: plain http"),
                          ("url: https://a.example/, secret: 'credential:a'", "without / at its end"),
                          ("url: 'https://a.example/?x=1', secret: 'credential:a'", "expected https://HOST or https://HOST/PATH"),
                          (f"{ok}, old_secret: hunter2hunter2hunter2", "answers.old_secret"),
                          (f"{ok}, expires_after: 100d", "answers.expires_after"), (f"{ok}, lifetime: 3d", "lifetime: unknown key")):
        path.write_text(text.replace(line, f"answers: {{ {answers} }}"))
        told = case.retaind("check", expect=78).stderr
        assert says in told and "orgs/acme.yaml:5:" in told and "hunter2" not in told, (answers, told)
    path.write_text(text)
    (config / "retaind.yaml").write_text(f"state: {case.tmp}/state\n")
    assert "needs the daemon's endpoint" in case.retaind("check", expect=78).stderr
    (config / "retaind.yaml").write_text(f"state: {case.tmp}/state\n{web}")
    case.write("secrets/acme", "short").chmod(0o600)
    case.write("secrets/acme-old", OLD_KEY).chmod(0o600)
    case.retaind("migrate", "-q")
    told = case.retaind("check", expect=78).stdout
    assert re.search(r"acme: answers: secret +failed .*expected 16 bytes or more", told) and re.search(r"answers: old_secret +ok", told), told
    with sqlite3.connect(case.database()) as db:
        db.executescript("INSERT INTO source (id, name, kind) VALUES (9, 'crm', 'csv');"
                         "INSERT INTO account (id, source_id, source_key, name, currency) VALUES (1, 9, 'k', 'Globex', 'EUR');"
                         "INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence,"
                         " value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email) VALUES (1, 1, 'defense',"
                         f" 'silence', 'open', {TODAY}, {TODAY}, 60, 60, 0.9, 1, 'EUR', 1, {TODAY + 9}, '', 'S', '[]', 'ada@acme.example')")
    shown = case.retaind("preview", "--owner", "ada@acme.example")
    assert "Globex" in shown.stdout and "/a/acme/" not in shown.stdout and "answers_off" in shown.stderr, shown
    case.write("secrets/acme", KEY).chmod(0o600)
    shown = case.retaind("preview", "--owner", "ada@acme.example").stdout
    assert len(set(re.findall(r"/a/acme/([\w-]{44})", shown))) == 5 and KEY not in shown
    assert case.retaind("preview", "--owner", "ada@acme.example", "--format", "json").stdout.count("/a/acme/") == 5
    path.write_text(text.replace(line, ""))
    assert "/a/acme/" not in case.retaind("preview", "--owner", "ada@acme.example").stdout


def test_busy(case):
    """While another process keeps the database, an answer waits for it and nobody waits for the answer: the endpoint goes on, the daemon
    ends when told to; what waits too long is told to come again, and nothing is half done"""
    desk = Desk(case)
    links = ["/a/acme/" + token(DONE, 1, made_on=TODAY - i) for i in range(12)]
    forms = [urllib.parse.urlencode({"confirm": Page(desk.call("GET", link)[1]).fields["confirm"][0]}) for link in links]
    before, told = desk.everything(), []
    send = lambda link, form: told.append(desk.call_once("POST", link, form, {"Content-Type": "application/x-www-form-urlencoded"}))

    def press(pairs):
        people = [threading.Thread(target=send, args=pair) for pair in pairs]
        for person in people:
            person.start()
        return people

    with contextlib.closing(sqlite3.connect(case.database(), isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        if HEAVY:
            started = time.monotonic()
            send(links[0], forms[0])
            status, body, headers = told.pop()
            assert status == 503 and "try again in a minute" in body and headers["Retry-After"] == "60" and time.monotonic() - started < 7
        people = press(zip(links, forms))
        slowest = 0.0
        for _ in range(10):
            started = time.monotonic()
            assert desk.call("GET", "/health")[0] == 200 and desk.call("GET", links[0])[0] == 200
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.05)
        assert not told and slowest < 2 and desk.everything() == before, (told, slowest)
        db.execute("ROLLBACK")
        for person in people:
            person.join()
        assert [status for status, _, _ in told] == [200] * len(links) and desk.state(1)[0] == "acknowledged"
        assert len(case.query("SELECT 1 FROM finding_event WHERE kind = 'done'")) == len(links)
        db.execute("BEGIN IMMEDIATE")
        again = "/a/acme/" + token(SNOOZE, 1)
        form = urllib.parse.urlencode({"confirm": Page(desk.call("GET", again)[1]).fields["confirm"][0], "days": "7"})
        with socket.create_connection(("127.0.0.1", desk.port), 5) as s:
            s.sendall(f"POST {again} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                      f"Content-Length: {len(form)}\r\n\r\n{form}".encode())
            time.sleep(0.3)
            desk.process.terminate()
            assert desk.process.wait(10) == 0, desk.log.read_text()[-500:]
        assert desk.state(1)[0] == "acknowledged"


def received(case, exim):
    """The page of the one mail that came over SMTP."""
    wait_for(lambda: len(exim.mails()) == 1, what=f"one mail: {exim.log()}")
    message = message_from_bytes(exim.mails()[0], policy=policy.default)
    links = [re.findall(r"https?://[^\s\"<>]+/a/acme/([\w-]{44})", message.get_body((kind,)).get_content()) for kind in ("plain", "html")]
    assert set(links[0]) == set(links[1]) and len(links[1]) == 4 * 5, links
    return case.write("mail.html", message.get_body(("html",)).get_content())


def test_click(case):
    """A click in Chromium on the link of a real digest, received over SMTP, and on the button of its page, snoozes a finding: the next digest
    shows it"""
    program, home = browser.need()
    exim = Exim(case)
    desk = Desk(case, to=", mail", more=f"  mail: {{kind: email, host: localhost, port: {exim.port}, tls: starttls, from: 'desk@acme.example', "
                f"ca_file: {exim.ca}, user: u, password: 'env:MAIL_PASSWORD'}}\n")
    case.retaind("digest", "--org", "acme", "--owner", "ada@acme.example")
    case.retaind("deliver", "--org", "acme", env=ENV)
    digest = received(case, exim)
    text = next((case.tmp / "out-acme").glob("*.html")).read_text()
    assert text.count("/a/acme/") == 4 * 5 and "Globex" in text
    looks = ROOT / "build/looks"
    looks.mkdir(parents=True, exist_ok=True)

    def click(account, *words):
        done = subprocess.run(["node", str(ROOT / "tests/support/click.mjs"), program, str(home), str(looks), str(digest), account, *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=150)
        assert done.returncode == 0, done.stderr[-2000:]
        told = json.loads(done.stdout)
        assert told["said"] == [], told["said"]
        return told

    if HEAVY:  # the other kinds of fields
        assert "is closed: It is like that every year" in click("Initech", "Not a risk", "reason=seasonal")["seen"]["told"]["heading"]
        assert "is with nobody now" in click("Co", "Wrong owner")["seen"]["told"]["heading"]
        assert desk.state(4)[0] == "dismissed" and desk.state(2)[3] is None
    told = click("Globex", "Snooze", "days=14")
    assert told["seen"]["ask"]["heading"] == "Snooze Globex?" and "Nobody logged in." in told["seen"]["ask"]["text"]
    assert told["seen"]["told"]["heading"].startswith("Globex is snoozed until ") and told["seen"]["cookies"] == 0
    assert desk.state(3)[:2] == ("snoozed", TODAY + 14)
    tomorrow = f"{EPOCH + datetime.timedelta(TODAY + 1)}T09:00:00Z"
    later = f"{EPOCH + datetime.timedelta(TODAY + 14)}T09:00:00Z"
    preview = lambda now: case.retaind("preview", "--org", "acme", "--owner", "ada@acme.example", "--now", now).stdout
    assert "Globex" not in preview(tomorrow) and "Northwind" in preview(tomorrow) and "snoozed" in preview(tomorrow), preview(tomorrow)
    assert "Globex" in preview(later)


def test_scoring_heeds_answers(case):
    """What was given to another owner stays there through pulls and scores, until the source names somebody else; what was lost or
    sold is not brought up again; taken back, all is as before"""
    load(case, more=TALKATIVE)
    case.retaind("score", "--from", "2024-12-01", "--to", "2024-12-08", "-q")
    now = lambda day: ("--now", f"2024-12-{day:02}T09:00:00Z")
    find = lambda engine: [f["finding"] for f in json.loads(case.retaind("accounts", "--engine", engine, "--format", "json", *now(8)).stdout)]
    query = lambda sql, *args: case.query(sql, *args, name="raven")
    given, lost = find("defense")[:2]
    sold = find("expansion")[0]
    owner = lambda: query("SELECT owner_email FROM finding WHERE id = ?", given)[0][0]
    was = owner()
    assert was
    case.retaind("wrong-owner", str(given), *now(8))
    case.retaind("lost", str(lost), *now(8))
    case.retaind("expanded", str(sold), *now(8))
    for day in (9, 10, 11):
        case.retaind("pull", "-q", *now(day))
        case.retaind("score", "-q", *now(day))
        assert query("SELECT state, owner_email FROM finding WHERE id = ?", given) == [("open", None)], day
    opened = "SELECT count(*) FROM finding WHERE account_id = (SELECT account_id FROM finding WHERE id = ?) AND closed_on IS NULL"
    assert query(opened, lost) == [(0,)] and query(opened + " AND engine = 'expansion'", sold) == [(0,)]
    case.retaind("reopen", str(lost), *now(11))
    assert query(opened, lost) == [(1,)]
    case.retaind("reopen", str(given), *now(11))
    case.retaind("score", "-q", *now(12))
    assert owner() == was


run(globals())
