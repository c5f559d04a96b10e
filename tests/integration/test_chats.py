#!/usr/bin/env python3
"""Teams, Google Chat and Discord over real sockets: what the services take, refuse, fold and slow down."""
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import chats  # noqa: E402
import sinks  # noqa: E402
from delivery import ENV, NOW, company, deliver, instant, next_at, organisation, put, state  # noqa: E402
from harness import BIN, run  # noqa: E402

KINDS = {"teams": chats.Teams, "google_chat": chats.GoogleChat, "discord": chats.Discord}
CHANNEL = "{kind: %s, url: 'env:%s_URL', allows_http_loopback: true%s}"
CARD = json.dumps({"type": "message", "attachments": [{
    "contentType": "application/vnd.microsoft.card.adaptive", "content": {"type": "AdaptiveCard", "version": "1.5", "body": [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "Three accounts to handle today"}]}]}}]})
PLAIN = {"teams": CARD, "google_chat": json.dumps({"text": "Three accounts to handle today"}),
         "discord": json.dumps({"content": "Three accounts to handle today", "allowed_mentions": {"parse": []}})}
DELIVERED = {"teams": "accepted_unverified", "google_chat": "sent", "discord": "sent"}


def started(case, sink):
    case.at_end(sink.stop)
    return sink.start()


def services(case, **options):
    """One of each; their addresses are in the environment of the commands."""
    made = {kind: started(case, service(**options)) for kind, service in KINDS.items()}
    case.env = {**ENV, **{f"{kind.upper()}_URL": s.url for kind, s in made.items()}}
    return made


def channels(more=", per_second: 100"):
    return {kind: CHANNEL % (kind, kind.upper(), more) for kind in KINDS}


def one_org(case, more=", per_second: 100", **options):
    made = services(case, **options)
    organisation(case, channels(more))
    return made


def test_a_morning(case):
    """a digest goes once to each chat, whole and as its service wants it; long ones in parts, in order"""
    made = services(case)
    lines = "".join(f"  {name}: {text}\n" for name, text in channels().items())
    company(case, {"ann@acme.example": "csm", "bob@acme.example": "am"}, date(2026, 3, 2), lines, ", ".join(KINDS))
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("role: csm,", "role: csm, capacity: 40,"))
    notices = case.tmp / "exports/notices.csv"
    notices.write_text("id,account,kind,noticed\n" + "".join(f"n{n},a{n},cancel,2026-03-01\n" for n in range(40)))
    for command in ("pull", "score", "digest", "deliver", "digest", "deliver"):
        case.retaind(command, "--now", instant(NOW), env=case.env)
    for kind, service in made.items():
        got = [m for m in service.messages if "Société" in m.text or "no risk" in m.text or "Part " in m.text]
        text = "\n".join(m.text for m in got)
        assert len(service.requests) == len(service.messages), (kind, [r["action"] for r in service.requests])
        assert all(f"Société n° {n} <b>" in text for n in range(40)), (kind, text[:3000])
        parts = [m.text for m in got if "Part " in m.text]
        assert len(parts) > 1 or kind == "google_chat", (kind, len(got))
        assert all(f"Part {n} of {len(parts)}" in text for n, text in enumerate(parts, 1)), (kind, len(parts))
    assert len({m.thread["threadKey"] for m in made["google_chat"].messages}) == 2  # one a digest
    states = dict(case.query("SELECT kind, group_concat(DISTINCT state) FROM outbox GROUP BY kind"))
    assert states == DELIVERED, states
    refs = dict(case.query("SELECT kind, min(provider_ref) FROM outbox GROUP BY kind"))
    assert refs["google_chat"].startswith("spaces/AAAA/messages/") and refs["discord"].isdigit(), refs
    assert refs["teams"].startswith("0858") and refs["teams"].endswith("CU12"), refs
    case.retaind("deliveries", "audit", "--now", instant(NOW + 3600), env=case.env)


def test_french(case):
    """the chats' digests are in the reader's language"""
    made = services(case)
    lines = "".join(f"  {name}: {text}\n" for name, text in channels().items())
    company(case, {"ann@acme.example": "csm", "bob@acme.example": "am"}, date(2026, 3, 2), lines, ", ".join(KINDS))
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text("language: fr\n" + org.read_text())
    for command in ("pull", "score", "digest", "deliver"):
        case.retaind(command, "--now", instant(NOW), env=case.env)
    for kind, service in made.items():
        text = "\n".join(m.text for m in service.messages)
        assert "Société n° 1 <b>" in text and "À faire" in text and "What to do" not in text, (kind, text)
    assert made["teams"].messages[0].payload["attachments"][0]["content"]["lang"] == "fr"


def test_lost_answers(case):
    """a lost answer: Google Chat folds the repeat by its id, the others show at most one more, and none where it is on hold"""
    made = one_org(case)
    for kind, service in made.items():
        service.script = ["drop_after"]
        message = put(case, kind, kind, PLAIN[kind])
        deliver(case, expect=75)
        assert state(case, message)[0] == "ambiguous", (kind, state(case, message))
        deliver(case, next_at(case, message))
        assert state(case, message)[0] == DELIVERED[kind] and len(service.requests) == 2, (kind, state(case, message))
        assert len(service.messages) == (1 if kind == "google_chat" else 2), kind
    assert made["google_chat"].n_folded == 1 and len({r["path"] for r in made["google_chat"].requests}) == 1
    assert len({r["body"] for r in made["google_chat"].requests}) == 1


def test_hold(case):
    """on_ambiguous: hold leaves what Teams or Discord may have shown to a person; Google Chat, which folds repeats, gets it again"""
    made = one_org(case, ", per_second: 100, on_ambiguous: hold")
    for service in made.values():
        service.script = ["504"]
    messages = {kind: put(case, kind, kind, PLAIN[kind]) for kind in made}
    deliver(case, expect=75)
    deliver(case, NOW + 3600)
    assert {kind: state(case, m)[0] for kind, m in messages.items()} == {"teams": "ambiguous", "discord": "ambiguous", "google_chat": "sent"}
    assert {kind: len(service.requests) for kind, service in made.items()} == {"teams": 1, "discord": 1, "google_chat": 2}


def test_sinks(case):
    """test-sink sends a real message over each chat and over the standard output, and says what came back"""
    made = one_org(case)
    for kind, service in made.items():
        [row] = json.loads(case.retaind("test-sink", kind, "--format", "json", env=case.env).stdout)
        assert row["outcome"] == {"teams": "accepted_unverified"}.get(kind, "sent"), row
        assert len(service.messages) == 1 and "test from retaind" in service.messages[0].text, (kind, service.messages)
    organisation(case, {"terminal": "{kind: stdout}"})
    assert "test from retaind" in case.retaind("test-sink", "terminal").stdout


def test_rate(case):
    """each chat gets what its limit allows at the rate of its kind, so that none ever has to refuse: no 429 of our own making"""
    made = services(case)
    organisation(case, channels(""))  # as their kinds have it
    limits = {"teams": (4, 1.0), "google_chat": (2, 1.9), "discord": (5, 2.0)}
    counts = {"teams": 5, "google_chat": 3, "discord": 2}
    now = int(time.time())
    for kind, service in made.items():
        service.limit = limits[kind]
        for n in range(counts[kind]):
            put(case, kind, kind, PLAIN[kind], owner=f"o{n}@acme.example", at=now)
    deliver(case, None, wait=20)
    for kind, service in made.items():
        assert service.n_refused_rate == 0 and len(service.messages) == counts[kind], (kind, service.n_refused_rate)


def test_fraction(case):
    """a Discord that asks for a fraction of a second is asked again not before it has passed, and nothing else meanwhile"""
    made = one_org(case)["discord"]
    made.limit = (1, 1.4)
    now = int(time.time())
    messages = [put(case, "discord", "discord", PLAIN["discord"], owner=f"o{n}@acme.example", at=now) for n in range(2)]
    deliver(case, None, wait=20)
    assert {state(case, m)[0] for m in messages} == {"sent"} and made.n_refused_rate == 1, made.n_refused_rate
    assert made.requests[2]["at"] - made.requests[0]["at"] >= 1.4


def test_refused(case):
    """a body that the service refuses goes once more as the plain one; one that breaks a rule of ours is not even tried"""
    made = one_org(case)
    for kind, service in made.items():
        service.script = ["400"]
        refused = put(case, kind, kind, PLAIN[kind].replace("Three", "Four"), fallback=PLAIN[kind])
        broken = put(case, kind, kind, "{}", fallback=PLAIN[kind], owner="bob@acme.example")
        hopeless = put(case, kind, kind, "{}", owner="eve@acme.example")
        deliver(case)
        assert [state(case, m)[:2] for m in (refused, broken, hopeless)] == [(DELIVERED[kind], 2), (DELIVERED[kind], 2), ("dead", 1)], kind
        assert len(service.requests) == 3 and all("Three" in m.text for m in service.messages), kind
        details = [d for d, in case.query("SELECT detail FROM delivery WHERE detail LIKE 'not sent: %'")]
        assert details, kind


def test_gone(case):
    """an address that is gone or whose key is wrong switches its channel off at once and is told through another; its key is not"""
    made = services(case)
    desk = started(case, sinks.Slack())
    case.env["SLACK_URL"] = desk.url
    organisation(case, {**channels(), "desk": "{kind: slack_webhook, url: 'env:SLACK_URL', allows_http_loopback: true, per_second: 100}"},
                 "admin_channel: acme/desk\n")
    wrong = {"teams": made["teams"].url.replace("0123456789abcdef", "x"), "google_chat": made["google_chat"].url.replace("token=t", "token=WRONG"),
             "discord": made["discord"].url.replace("abcdefghij", "x")}
    case.env.update({f"{kind.upper()}_URL": url for kind, url in wrong.items()})
    messages = {kind: put(case, kind, kind, PLAIN[kind]) for kind in KINDS}
    printed = deliver(case).stderr
    assert {state(case, m)[0] for m in messages.values()} == {"dead"}
    assert case.query("SELECT count(*) FROM sink_state WHERE is_disabled = 1")[0][0] == 3
    told = " ".join(m.payload["text"] for m in desk.messages)
    assert desk.messages and all(kind in told for kind in KINDS), told
    everything = printed + told + str(case.query("SELECT * FROM delivery")) + str(case.query("SELECT * FROM sink_state"))
    assert not any(secret in everything for secret in ("WRONG", "sig=", "klmnopqrstuvwxyz", "/workflows/")), everything
    case.env.update({f"{kind.upper()}_URL": made[kind].url for kind in KINDS})
    for message in messages.values():
        case.retaind("deliveries", "retry", str(message), "--now", instant(NOW), env=case.env)
    deliver(case)
    assert {kind: state(case, m)[0] for kind, m in messages.items()} == DELIVERED


def test_workflow_is_off(case):
    """a workflow that was switched off is no message of ours that is wrong: the channel waits for a person"""
    made = one_org(case)["teams"]
    made.script = ['400:{"error": {"code": "WorkflowTriggerIsNotEnabled"}}']
    message = put(case, "teams", "teams", PLAIN["teams"], fallback=PLAIN["teams"])
    deliver(case)
    assert state(case, message)[0] == "dead" and len(made.requests) == 1
    assert case.query("SELECT reason FROM sink_state WHERE is_disabled = 1") == [("WorkflowTriggerIsNotEnabled",)]


def test_stdout(case):
    """a digest goes to the standard output of `retaind once`; where there is none, as in the daemon, that is said"""
    company(case, {"ann@acme.example": "csm", "bob@acme.example": "am"}, date(2026, 3, 2), "  terminal: {kind: stdout}\n", "terminal")
    for command in ("pull", "score", "digest"):
        case.retaind(command, "--now", instant(NOW))
    printed = deliver_to(case, subprocess.PIPE, NOW)
    assert "1. Société n° 1 <b>" in printed and "What to do:" in printed, printed
    assert case.query("SELECT group_concat(DISTINCT state) FROM outbox") == [("sent",)]
    case.retaind("digest", "--now", instant(NOW + 86400))
    deliver_to(case, subprocess.DEVNULL, NOW + 86400)
    states = case.query("SELECT DISTINCT state, reason FROM outbox WHERE id > 2")
    assert [s for s, _ in states] == ["dead"] and "no standard output" in states[0][1], states


def deliver_to(case, output, at):
    return subprocess.run([BIN, "deliver", "--config", str(case.tmp / "config"), "--now", instant(at)], stdout=output, stderr=subprocess.PIPE,
                          text=True, timeout=60, env={**os.environ, **ENV}).stdout


def test_admin_alert(case):
    """a channel that was switched off is told through a chat, whatever the chat"""
    hook = started(case, sinks.Webhook())
    for kind, service in services(case).items():
        case.env["HOOK"] = hook.url
        organisation(case, {kind: channels()[kind], f"hook_{kind}": "{kind: webhook, url: 'env:HOOK', secret: 'env:HOOK_SECRET', "
                            "allows_http_loopback: true, per_second: 100}"}, f"admin_channel: acme/{kind}\n")
        hook.script = ["410"]
        put(case, f"hook_{kind}", "webhook", "{}")
        deliver(case)
        assert len(service.messages) == 1 and "switched off" in service.messages[0].text, kind


run(globals())
