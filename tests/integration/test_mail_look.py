#!/usr/bin/env python3
"""How a digest looks in mail programs: html-validate, caniemail's tables for Gmail and Outlook, axe and contrasts in headless
Chromium, wide and on a telephone, light and dark."""
import json
import shutil
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import browser  # noqa: E402
import npm  # noqa: E402
from harness import HEAVY, ROOT, SANITIZED, run  # noqa: E402
from test_mail_format import NOW, findings, organisation  # noqa: E402

# What a program does not know and does without: nothing is lost by it.
HARMLESS = {
    "<body> element: none": "its ground and margins are those of the table within",
    "<body> element: partial": "it becomes a div",
    "color-scheme meta tag: none": "the mail stays light",
    "@media: none": "the mail stays light", "@media: partial": "the mail stays light",
    "<style> element: none": "only dark colours are in it", "<style> element: partial": "only dark colours are in it",
    "role attribute: none": "tables for layout are told as tables",
    "white-space: none": "a link may break at a blank", "white-space: partial": "a link may break at a blank",
    "max-width: partial": "the mail is as wide as the window",
}
PARTIAL = {"<ul>, <ol> and <dl>", "align attribute", "background", "border", "font-size", "font-weight", "height property", "line-height",
           "margin", "padding", "width attribute", "width property"}  # notes are about values that we don't use: see used()


def pages(case):
    """Each owner's mail of a first and of a second morning as files, in both languages."""
    organisation(case)
    findings(case)
    path = case.tmp / "config/orgs/acme.yaml"
    made = []
    for language, now in (("en", NOW), ("fr", "2026-03-03T07:05:00Z")):
        if language == "fr":
            path.write_text("language: fr\n" + path.read_text())
        case.retaind("digest", "--now", now)
        for owner, kind, body in case.query("SELECT d.owner_email, d.kind, o.body FROM outbox o JOIN digest d ON d.id = o.digest_id "
                                            "WHERE o.kind = 'email' AND d.local_on = (SELECT max(local_on) FROM digest) ORDER BY o.id"):
            html = message_from_bytes(body, policy=policy.default).get_body(("html",)).get_content()
            assert f'<html lang="{language}">' in html, owner
            made.append(case.tmp / f"mail-{kind}-{language}.html")
            made[-1].write_text(html)
    assert len(made) == 6
    return made


def judged(files):
    home = npm.need("mail_judges", "html-validate@11", "caniemail@2")
    script = shutil.copy(ROOT / "tests/support/mail_look.mjs", home)
    done = subprocess.run(["node", script, *map(str, files)], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def used(html):
    """Values that some of them do not understand: negative, fractions of the window, calculated."""
    return [word for word in ("margin:-", "vw", "vh", "calc(", "position:", "float:", "<img", "<form", "@import", "url(") if word in html]


def is_harmless(what):
    title, _, support = what.rpartition(": ")
    return what in HARMLESS or (support == "partial" and title in PARTIAL)


def test_mail_programs(case):
    """html-validate finds nothing, and what Gmail or Outlook would not show as written is only what a reader does not miss"""
    files = pages(case)
    for file in files:
        assert not used(file.read_text()), (file, used(file.read_text()))
    said = [s for s in judged(files) if not (s[1] == "caniemail" and is_harmless(s[2]))]
    assert not said, said[:10]
    bad = case.tmp / "bad.html"
    bad.write_text(files[0].read_text().replace("</head>", "<style>p{position:sticky}</style></head>").replace("<h1 ", "<h1 id='a' id='b' "))
    assert {s[1] for s in judged([bad]) if not is_harmless(s[2])} == {"html-validate", "caniemail"}


def test_looks_in_a_browser(case):
    """axe finds nothing in any mail, light and dark, 375 and 1200 px wide; no text is pale, small or cut, and nothing is fetched"""
    files = pages(case)
    files = files if HEAVY else files[5:] if SANITIZED else files[::5]  # a CSM's in English, the manager's in French
    for file in files:  # as it stands in a mail program's page
        file.write_text(file.read_text().replace("<div lang=", "<main><div lang=").replace("</div>\n</body>", "</div></main>\n</body>"))
    result = browser.look(*files)
    assert not result["said"] and result["n_looks"] == 4 * len(files), result["said"][:10]
    print(f"         {result['n_looks']} looks, nothing amiss")
    pale = case.tmp / "pale.html"
    pale.write_text(files[0].read_text().replace(".t{color:#dbe4ee!important}", ".t{color:#444444!important}"))
    assert any("dark" in s and "contrast" in s for s in browser.look(pale)["said"])


run(globals())
