#!/usr/bin/env python3
"""Mattermost's incoming webhooks: digests in their Markdown, nobody called, what each answer means."""
import json
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from delivery import NOW, change, company, deliver, instant, organisation, put, state  # noqa: E402
from harness import run  # noqa: E402
from mattermost import Mattermost, mentions  # noqa: E402

CHANNEL = "{kind: mattermost, url: 'env:MATTERMOST_URL', allows_http_loopback: true, per_second: 100%s}"
TEXT = json.dumps({"text": "Three accounts to handle today"})


def server(case):
    made = Mattermost()
    case.at_end(made.stop)
    case.env = {"MATTERMOST_URL": made.url}
    return made.start()


def refused(status, name):
    return f"{status}:" + json.dumps({"id": name, "status_code": status})


TABLE = [  # answer, state, requests of this run, whether the sink is switched off
    ("ok", "sent", 1, 0), ("503", "pending", 1, 0), ("500", "pending", 1, 0), ("429", "pending", 1, 0), ("302", "pending", 1, 0),
    ("200:hello", "ambiguous", 1, 0), ("drop_before", "ambiguous", 1, 0), ("drop_after", "ambiguous", 1, 0),
    ("drop_unsaved", "ambiguous", 1, 0), ("401", "dead", 1, 1), ("403", "dead", 1, 1), ("404", "dead", 1, 1), ("410", "dead", 1, 1),
    ("400", "sent", 2, 0), ("413", "sent", 2, 0), (refused(400, "web.incoming_webhook.text.app_error"), "sent", 2, 0),
    (refused(400, "web.incoming_webhook.invalid.app_error"), "dead", 1, 1),
    (refused(501, "web.incoming_webhook.disabled.app_error"), "dead", 1, 1),
    (refused(500, "web.incoming_webhook.channel.app_error"), "dead", 1, 1),
    (refused(400, "https://mattermost.example/hooks/secret"), "sent", 2, 0),
]


def test_classes(case):
    """each of Mattermost's answers puts the message and its sink into the right state with exactly the stated number of requests"""
    made = server(case)
    organisation(case, {"town": CHANNEL % ""})
    for n, (action, wanted, n_requests, is_off) in enumerate(TABLE):
        made.requests.clear()
        made.script = [action]
        message = put(case, "town", "mattermost", TEXT, owner=f"o{n}@acme.example", fallback='{"text": "plain"}')
        deliver(case, expect=None)
        got = state(case, message)
        off = case.query("SELECT count(*) FROM sink_state WHERE is_disabled = 1")[0][0]
        assert (got[0], len(made.requests), off) == (wanted, n_requests, is_off), (action, got, len(made.requests), off)
        assert "secret" not in (got[2] or "")
        change(case, "UPDATE outbox SET state = 'dead' WHERE state IN ('pending', 'ambiguous')")
        change(case, "DELETE FROM sink_state")


def test_rate(case):
    """429 with Retry-After: 7 waits 7 s and holds the whole sink"""
    made = server(case)
    organisation(case, {"town": CHANNEL % ""})
    made.script = ["429:7"]
    for name in ("ann", "bob"):
        put(case, "town", "mattermost", TEXT, owner=f"{name}@acme.example")
    deliver(case, expect=75)
    deliver(case, NOW + 6, expect=75)
    assert len(made.requests) == 1
    deliver(case, NOW + 9)
    assert len(made.messages) == 2 and made.most_at_work == 1


def test_nobody_is_called(case):
    """names that call everybody, link or embed are only shown, in a digest of forty accounts within 16,000 characters"""
    made = server(case)
    company(case, {"ann@acme.example": "csm", "bob@acme.example": "am"}, date(2026, 3, 2), f"  town: {CHANNEL % ''}\n", "town")
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("role: csm,", "role: csm, capacity: 40,"))
    folder = case.tmp / "exports"
    (folder / "notices.csv").write_text("id,account,kind,noticed\n" + "".join(f"n{n},a{n},cancel,2026-03-01\n" for n in range(40)))
    accounts = (folder / "accounts.csv").read_text()
    for n, name in enumerate(("@all", "@channel.", "(@here)", "ann@acme.example", "~town", "![x](https://evil.example/x.png)",
                              "[bank](https://evil.example)", "www.evil.example/x", "#tag", "@ann_b")):
        accounts = accounts.replace(f"Société n° {n} <b>", name + " " * 300 + "x" * 200)
    (folder / "accounts.csv").write_text(accounts)
    for command in ("pull", "score", "digest", "deliver"):
        case.retaind(command, "--now", instant(NOW), env=case.env)
    text = "".join(m.payload["text"] for m in made.messages)
    assert len(made.messages) == 2 and all(len(m.payload["text"]) <= 16000 for m in made.messages)
    assert not made.called, made.called
    assert "https://evil" not in text and "www.evil" not in text and "![" not in text.replace("!\\[", "")
    assert mentions("so \\@all and @bob.") == ["@all", "@bob"]  # or nothing is shown by this
    assert "1\\. @\u2060all" in text or "@\u2060all" in text


def test_notice(case):
    """an administrator is told in a block of code, in which nothing has a meaning"""
    made = server(case)
    organisation(case, {"town": CHANNEL % "", "lost": "{kind: webhook, url: 'http://127.0.0.1:9/x', secret: 'env:NONE', allows_http_loopback: "
                        "true}"}, "admin_channel: acme/town\n")
    put(case, "lost", "webhook", TEXT, life=-3600, at=NOW - 3600)
    deliver(case, expect=None)
    told, = made.messages
    assert told.payload["text"].startswith("```\n") and told.payload["text"].endswith("\n```") and not made.called


run(globals())
