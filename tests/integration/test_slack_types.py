#!/usr/bin/env python3
"""Whole digests as Slack gets them, from a CRM's export to the conversation: what they say, and that Slack's own types take them."""
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import npm  # noqa: E402
import sinks  # noqa: E402
from delivery import NOW, company, instant  # noqa: E402
from harness import run  # noqa: E402
from slack_api import SlackApi  # noqa: E402

API = "  dm: {kind: slack_api, token: 'env:SLACK_TOKEN', url: '%s', allows_http_loopback: true, per_second: 100}\n"
HOOK = "  desk: {kind: slack_webhook, url: 'env:SLACK_URL', allows_http_loopback: true, per_second: 100}\n"
OWNERS = {"ann@acme.example": "csm", "bob@acme.example": "am", "eve@acme.example": "manager"}
SOURCE = """import type { ChatPostMessageArguments } from "@slack/web-api";
import type { KnownBlock } from "@slack/types";
type Hooked = { text: string; mrkdwn: boolean; link_names: boolean; unfurl_links: boolean; unfurl_media: boolean; blocks: KnownBlock[] };
"""


def a_morning(case):
    """Everything that Slack gets of one morning: the API's stand-in and the webhook's."""
    slack, hook = SlackApi(), sinks.Slack()
    for made in (slack, hook):
        case.at_end(made.stop)
        made.start()
    for owner in OWNERS:
        slack.add_user(owner)
    case.env = {"SLACK_TOKEN": slack.TOKEN, "SLACK_URL": hook.url}
    company(case, OWNERS, date(2026, 3, 2), API % slack.url + HOOK, "dm, desk")
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("role: csm,", "role: csm, capacity: 12,"))
    notices = case.tmp / "exports/notices.csv"
    notices.write_text("id,account,kind,noticed\n" + "".join(f"n{n},a{n},cancel,2026-03-01\n" for n in range(20)))
    for command in ("pull", "score", "digest", "deliver"):
        case.retaind(command, "--now", instant(NOW), env=case.env)
    return slack, hook


def test_morning(case):
    """a digest is one message in the conversation, an account a line; each account's details are in its thread, none is lost"""
    slack, hook = a_morning(case)
    assert len(slack.direct) == len(OWNERS) and hook.messages
    mine = slack.conversations[slack.direct[slack.users["ann@acme.example"]]]
    root, details = mine[0], mine[1:]
    text = sinks.slack_text(root.payload)
    shown = [n for n in range(20) if f"Société n° {n} <b>" in text]
    assert root.thread is None and details and {d.thread for d in details} == {root.ts}
    assert len(shown) == 12 and "more" in text and "What to do" not in text and "are in the thread" in text, text
    for n in shown:
        assert sum(f"Société n° {n} <b>" in sinks.slack_text(d.payload) for d in details) == 1
    assert all("What to do" in sinks.slack_text(d.payload) for d in details)
    for message in mine:
        assert message.payload["text"] and not {"<!channel>", "<b>"} & set(message.payload["text"].split())
        assert [message.payload[k] for k in ("mrkdwn", "link_names", "unfurl_links", "unfurl_media")] == [False] * 4
    print("\n".join("         | " + line for line in text.split("\n")[:12]))


def compiled(home, name, source):
    """What the compiler has to say against a program, made where the packages are found."""
    (home / f"{name}.ts").write_text(SOURCE + source)
    done = subprocess.run(["node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--types", "node", "--target", "es2022",
                           "--module", "nodenext", "--moduleResolution", "nodenext", f"{name}.ts"], cwd=home, capture_output=True,
                          text=True, timeout=120)
    (home / f"{name}.ts").unlink()
    return done.stdout + done.stderr if done.returncode else ""


def test_types(case):
    """every payload is of the types of Slack's own libraries; a block that is none of theirs is noticed"""
    home = npm.need("slack_types", "@slack/types@2", "@slack/web-api@7", "typescript@5", "@types/node@22")
    slack, hook = a_morning(case)
    right = [f"({json.dumps(m.payload)}) satisfies ChatPostMessageArguments;\n" for m in slack.posts()]
    right += [f"({json.dumps(m.payload)}) satisfies Hooked;\n" for m in hook.messages]
    wrong = [line.replace(old, new, 1) for line, old, new in (
        (right[0], '"plain_text"', '"plane_text"'), (right[0], '"rich_text_section"', '"rich_section"'),
        (right[0], '"event_payload"', '"payload"'), (right[-1], '"divider"', '"diviner"'))]
    assert len(right) > 6
    told = compiled(home, "payloads", "".join(right + wrong))
    lines = {int(n) - SOURCE.count("\n") - 1 for n in re.findall(r"payloads\.ts\((\d+),", told)}
    assert lines == set(range(len(right), len(right + wrong))), told[:3000]
    print(f"         {len(right)} payloads of {sum(len(r) for r in right)} bytes")


run(globals())
