#!/usr/bin/env python3
"""Digests as `retaind digest` freezes them: read back with other people's parsers, facts compared across formats."""
import hashlib
import json
import re
import sqlite3
import sys
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

NOW = "2026-03-02T07:05:00Z"
TODAY = 20514
OWNERS = (("anna@acme.example", "Anna Lind, \"CSM\"", "csm"), ("bo@acme.example", "Bo Müller 日本", "am"),
          ("mia@acme.example", "Mia", "manager"))
NAMES = ["Acme", "Café & Fils <Paris>", "東京デザイン", "x\r\nBcc: evil@evil.example", "=?UTF-8?Q?evil?=", "<img src=x onerror=alert(1)>",
         "</td></table><script>alert(1)</script>", "שלום \u202eevil", "😀" * 300, "=cmd|' /C calc'!A0", "a\x1b[31mb", "\n.\n", "From me",
         "&lt;!here&gt;", "O'Brien \"Ltd\"", "* _bold_ `x`"]

ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
account_url: "https://crm.acme.example/company/{{key}}"
sources:
  crm:
    connector: csv
    folder: "@FOLDER@"
    files: { accounts: { match: none.csv, entity: account, key: id, map: [ { to: name, from: name } ] } }
channels:
  mail: { kind: email, host: localhost, port: 2525, tls: starttls, from: "Acmé desk <desk@acme.example>", unsubscribe_url: "https://acme.example/u?o=1" }
  chat: { kind: slack_webhook, url: "env:SLACK" }
  hook: { kind: webhook, url: "https://hook.acme.example/x", secret: "env:HOOK" }
  files: { kind: file, folder: /nowhere }
owners:
"""


def organisation(case, capacity=10):
    owners = "".join(f"  - {{ email: {e}, name: {json.dumps(n, ensure_ascii=False)}, role: {r}, at: \"08:00\", capacity: {capacity}, "
                     f"channels: [mail, chat, hook, files] }}\n" for e, n, r in OWNERS)
    case.org(ORG.replace("@FOLDER@", str(case.tmp)) + owners)
    case.retaind("migrate", "--now", NOW)


def findings(case, names=tuple(NAMES), n=0):
    """One finding an account, defense and expansion in turn."""
    with sqlite3.connect(case.database()) as db:
        db.execute("INSERT OR IGNORE INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', 'csv', 1772430000, 20514)")
        for i in range(n or len(names)):
            name = names[i % len(names)]
            engine, owner = (("defense", OWNERS[0][0]), ("expansion", OWNERS[1][0]))[i % 2]
            cursor = db.execute("INSERT INTO account (source_id, source_key, name) SELECT 1, 'k/' || count(*), ? FROM account", (name,))
            db.execute("INSERT INTO finding (account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence, "
                       "value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email) "
                       "VALUES (?, ?, 'silence', 'open', ?, ?, 70, 70, ?, ?, 'EUR', ?, ?, 'none', ?, ?, ?)",
                       (cursor.lastrowid, engine, TODAY, TODAY, (40 + 5 * (i % 12)) / 100, 100000 + 1000 * i, 70000 + 1000 * i, TODAY + i % 9 - 2,
                        f"{name} said: see https://evil.example/", json.dumps([f"Number {i}: {1000 + 7 * i}", name]), owner))


class Page(HTMLParser):
    """The visible texts, the tags and the links of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.texts, self.tags, self.links, self.handlers = [], [], [], []
        self._skips = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._skips = tag in ("title", "style")
        self.links += [v for k, v in attrs if k in ("href", "src", "action")]
        self.handlers += [k for k, _ in attrs if k.startswith("on")]

    def handle_data(self, data):
        if not self._skips and data.strip():
            self.texts.append(" ".join(data.replace("\xa0", " ").split()))


def luminance(colour):
    """Of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class Look(HTMLParser):
    """The contrast of every visible text by the inline styles around it, the order of headings, what tables are for."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack, self.contrasts, self.levels, self.flaws = [("page", "#000000", "#ffffff")], [], [], []
        self.feed(text)
        self.close()
        if len(self.stack) != 1:
            self.flaws.append(f"not closed: {self.stack[1:]}")

    def handle_starttag(self, tag, attrs):
        if tag in ("meta", "br"):
            return
        attrs = dict(attrs)
        style = dict(s.split(":", 1) for s in attrs.get("style", "").split(";") if s)
        ink, ground = (style.get(n, old) for n, old in zip(("color", "background-color"), self.stack[-1][1:]))
        self.stack.append((tag, ink, ground))
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "table" and attrs.get("role") != "presentation":
            self.flaws += [] if "style" in attrs else ["a bare table"]

    def handle_endtag(self, tag):
        if self.stack[-1][0] != tag:
            self.flaws.append(f"{tag} closes {self.stack[-1][0]}")
        self.stack.pop()

    def handle_data(self, data):
        tag, ink, ground = self.stack[-1]
        if data.replace("\xa0", "").strip() and tag not in ("title",):
            light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
            self.contrasts.append(((light + 0.05) / (dark + 0.05), ink, ground, data.strip()))


def rows(case, kind):
    return case.query("SELECT d.owner_email, d.kind, o.body, o.delivery_key, o.recipient FROM outbox o JOIN digest d ON d.id = o.digest_id "
                      "WHERE o.kind = ? ORDER BY o.id", kind)


def mails(case):
    out = []
    for owner, kind, body, key, recipient in rows(case, "email"):
        assert recipient == owner
        strict = policy.strict.clone(linesep="\r\n")
        message = message_from_bytes(body, policy=strict)
        out.append((owner, kind, body, key, message))
    return out


def test_mail_parses(case):
    """Every mail of a real run parses with Python's strict policy without a defect, each header once, for one recipient"""
    organisation(case)
    findings(case)
    case.retaind("digest", "--now", NOW)
    assert len(mails(case)) == 3
    for owner, _, body, key, message in mails(case):
        parts = list(message.walk())
        assert not any(p.defects for p in parts)
        for name in set(message.keys()):
            assert message.get_all(name) and len(message.get_all(name)) == 1, name
            assert not message[name].defects, (name, message[name].defects)
        assert [p.get_content_type() for p in parts] == ["multipart/alternative", "text/plain", "text/html"]
        assert all(p["Content-Transfer-Encoding"] == "quoted-printable" and p.get_content_charset() == "utf-8" for p in parts[1:])
        assert [a.addr_spec for a in message["To"].addresses] == [owner]
        assert message["To"].addresses[0].display_name == dict((e, n) for e, n, _ in OWNERS)[owner]
        assert message["From"].addresses[0].display_name == "Acmé desk"
        assert message["Message-ID"] == f"<{hashlib.sha256(key.encode()).hexdigest()}@acme.example>"
        assert message["Date"].datetime.isoformat() == "2026-03-02T08:05:00+01:00"
        assert message["Auto-Submitted"] == "auto-generated" and message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "Bcc" not in message and "Cc" not in message
        for line in body.split(b"\r\n"):
            assert b"\n" not in line and b"\r" not in line and all(32 <= c < 127 for c in line)
            assert len(line) <= 76 or line.startswith(b"Message-ID:"), line
            assert not line.startswith((b".", b"From "))


def missing(plain, page, opens):
    """Texts of the page that do not stand in the text part; opens: how a link into the CRM begins, which is an address there."""
    flat = " ".join(plain.split())
    pieces = [p.strip() for text in page.texts for p in text.replace(opens, "https://").split("|")]
    return [p for p in pieces if p not in flat]


def test_both_parts_say_the_same(case):
    """Every text of the HTML part stands in the text part, nothing in it is active, and links lead to the CRM only"""
    organisation(case)
    findings(case)
    case.retaind("digest", "--now", NOW)
    for _, kind, _, _, message in mails(case):
        plain, page = (message.get_body((s,)).get_content() for s in ("plain", "html"))
        parsed = Page(page)
        assert not missing(plain, parsed, "Open in "), (kind, missing(plain, parsed, "Open in "))
        assert parsed.tags.count("h1") == 1 and not set(parsed.tags) & {"script", "img", "form", "iframe", "link", "object"}
        [style] = re.findall("<style>(.*?)</style>", page, re.S)  # colours for dark screens, and nothing else
        assert re.fullmatch(r"@media \(prefers-color-scheme:dark\)\{(\.\w\{((background-|border-)?color:#\w{6}!important;?)+\})+\}", style), style
        assert not parsed.handlers and parsed.links and all(u.startswith("https://crm.acme.example/company/k%2F") for u in parsed.links)
        assert len(page.encode()) <= 90_000 and '<html lang="en">' in page
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x1b]", page + plain)


def test_french_with_answers(case):
    """In French and with links to answer by, both parts of a mail say the same, down to each link; its subject is French, too"""
    organisation(case, capacity=50)
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text('language: fr\nanswers: { url: "https://answers.acme.example", secret: "env:ANSWERS" }\n' + path.read_text())
    with open(case.tmp / "config/retaind.yaml", "a") as daemon:
        daemon.write("web: { listen: 127.0.0.1:8642 }\n")
    findings(case, n=100)
    case.retaind("digest", "--now", NOW, env={"ANSWERS": "a-key-for-answers-0123456789"})
    for _, kind, _, _, message in mails(case):
        plain, page = (message.get_body((s,)).get_content() for s in ("plain", "html"))
        parsed = Page(page)
        links = re.findall(r"https://(?:answers|crm)\.acme\.example/\S+", plain)
        assert links == parsed.links and sum("/a/acme/" in u for u in links) >= 4 * len(links) / 6, (kind, len(links), len(parsed.links))
        assert not missing(plain, parsed, "Ouvrir dans "), (kind, missing(plain, parsed, "Ouvrir dans "))
        assert len(page.encode()) <= 90_000 and '<html lang="fr">' in page
        assert " ".join(message["Subject"].split()).startswith("lun. 2 mars 2026 : ") and "€" in message["Subject"], message["Subject"]
        assert not re.search(r"\b(at stake|today|due|accounts?|worth|since)\b", message["Subject"]), message["Subject"]


def test_looks(case):
    """Every text of a page has a contrast of 4.5 or more, headings never skip a level, every element is closed"""
    organisation(case)
    findings(case)
    case.retaind("digest", "--now", NOW)
    with sqlite3.connect(case.database()) as db:
        db.execute("UPDATE outbox SET state = 'sent'")
        db.execute("UPDATE finding SET score = 85 WHERE id % 3 = 1")
        db.execute("UPDATE finding SET score = 50 WHERE id % 3 = 2")
        db.execute("UPDATE finding SET state = 'lost', closed_on = opened_on + 1 WHERE id < 3")
        db.execute("UPDATE source SET last_ok_at = 0, last_ok_on = 0")
    case.retaind("digest", "--now", "2026-03-03T07:05:00Z")
    pages = [b.decode() for _, _, b, _, _ in rows(case, "file")]
    assert len(pages) == 6
    for page in pages:
        look = Look(page)
        assert not look.flaws and len(look.contrasts) > 20, look.flaws
        assert min(look.contrasts)[0] >= 4.5, min(look.contrasts)
        assert look.levels[0] == 1 and all(b <= a + 1 for a, b in zip(look.levels, look.levels[1:])), look.levels
    second = "".join(pages[3:])
    assert "What changed" in second and "Still open" in second and "Since yesterday: " in second and "What changed" not in pages[0]


def test_many_items(case):
    """A hundred items of long names make a mail of at most 90 KB of HTML, Slack messages in parts and a thin webhook, all counted"""
    organisation(case, capacity=50)
    findings(case, names=("東京デザイン" * 20,), n=200)
    case.retaind("digest", "--now", NOW)
    for _, kind, _, _, message in mails(case):
        page, plain = (message.get_body((s,)).get_content() for s in ("html", "plain"))
        assert len(page.encode()) <= 90_000 and "+50 more, worth EUR" in page and "+50 more, worth EUR" in plain
        assert len(Page(page).links) == plain.count("https://crm.acme.example/")
        if kind == "manager":
            assert "more, for which there is no room here" in page and "more, for which there is no room here" in plain
    for owner, _, _ in OWNERS:
        bodies = [b.decode() for o, _, b, _, _ in rows(case, "slack_webhook") if o == owner]
        assert 1 < len(bodies) <= 6 and all(len(b.encode()) <= 40_000 for b in bodies)
        shown = sum(b.count('"divider"') for b in bodies)
        left = sum(int(n) for b in bodies for n in re.findall(r'"\+(\d+) more, for which', b))
        assert shown + left == (100 if owner == OWNERS[2][0] else 50), (shown, left)
    for _, _, body, _, _ in rows(case, "webhook"):
        event = json.loads(body)
        assert event["type"] == "digest.created" and not event["data"]["is_full"] and len(body) <= 20_000


def test_twice_writes_nothing(case):
    """A digest made twice is the same one, whatever was found in between, and the next day names the change"""
    organisation(case)
    findings(case, names=("Acme", "Globex"))
    everything = "SELECT (SELECT group_concat(content) FROM digest), (SELECT group_concat(hex(body)) FROM outbox), " \
                 "(SELECT count(*) FROM digest_item), (SELECT group_concat(state) FROM slot)"
    case.retaind("digest", "--now", NOW)
    first = case.query(everything)
    findings(case, names=("Initech",))
    case.retaind("digest", "--now", NOW)
    assert case.query(everything) == first and first[0][3] == "done,done,done"
    with sqlite3.connect(case.database()) as db:
        db.execute("UPDATE outbox SET state = 'sent'")
        db.execute("UPDATE finding SET opened_on = opened_on + 1 WHERE id = 3")
        db.execute("UPDATE finding SET score = 85 WHERE id = 1")
    case.retaind("digest", "--now", "2026-03-03T07:05:00Z", "--owner", OWNERS[0][0])
    changes = case.query("SELECT a.name, i.change FROM digest_item i JOIN finding f ON f.id = i.finding_id JOIN account a ON a.id = f.account_id "
                         "WHERE digest_id = (SELECT max(id) FROM digest) ORDER BY place")
    assert sorted(changes) == [("Acme", "worse"), ("Initech", "entered")], changes
    shown = case.retaind("preview", "--owner", OWNERS[0][0], "--now", "2026-03-03T07:05:00Z").stdout
    assert "WORSE, risk 85 (was 70)" in shown and "NEW, risk 70" in shown, shown


def test_quiet(case):
    """On a quiet day nothing is sent, yet the digest and the slot are there; who wants it gets a short one"""
    organisation(case)
    path = case.tmp / "config" / "orgs" / "acme.yaml"
    path.write_text(path.read_text().replace('name: "Mia", ', 'name: "Mia", sends_when_quiet: true, '))
    with sqlite3.connect(case.database()) as db:
        db.execute("INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', 'csv', 1772430000, 20514)")
        db.execute("INSERT INTO account (id, source_id, source_key, name) VALUES (1, 1, '1', 'Acme')")
        db.execute("INSERT INTO score_row VALUES (20514, 1, 5, 5, 0.9, 0, 0, 20514, 20514, 100, 'EUR', 'x')")
    case.retaind("digest", "--now", NOW)
    assert case.query("SELECT count(*) FROM digest") == [(3,)] and case.query("SELECT count(*) FROM slot WHERE state = 'done'") == [(3,)]
    assert case.query("SELECT DISTINCT owner_email FROM digest d JOIN outbox o ON o.digest_id = d.id") == [(OWNERS[2][0],)]
    assert b"Nothing needs you today" in rows(case, "slack_webhook")[0][2]


run(globals())
