#!/usr/bin/env python3
"""Webhooks as others receive them: each attempt is verified by libraries that are not ours."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import receivers  # noqa: E402
import sinks  # noqa: E402
from delivery import ENV, NOW, deliver, next_at, organisation, put, state  # noqa: E402
from harness import HEAVY, run  # noqa: E402

HOOK = ("{kind: webhook, url: 'http://127.0.0.1:%d/hook', secret: 'env:HOOK_SECRET', old_secret: 'env:HOOK_OLD', "
        "allows_http_loopback: true, per_second: 100}")
TEXT = json.dumps({"type": "digest.created", "data": {"headline": "3 accounts, é 😀 \" \\ </script>"}}, ensure_ascii=False)


def hook_org(case):
    hook = sinks.Webhook()
    case.at_end(hook.stop)
    case.env = dict(ENV)
    organisation(case, {"hook": HOOK % hook.start().port})
    return hook


def verdicts(results):
    return {why for result in results for why in result.values()}


def test_ten_retries(case):
    """over ten retries each attempt is verified by independent libraries, with the new secret and with the old; id and bytes stay"""
    hook = hook_org(case)
    hook.script = ["503", "drop_after", "429:3", "302", "500", "drop_unsaved", "503", "drop_after", "503", "400"]
    message, now = put(case, "hook", "webhook", TEXT), NOW
    for _ in range(10):
        deliver(case, now, expect=75)
        now = max(next_at(case, message), now + 10)
    deliver(case, now)
    assert state(case, message)[:2] == ("sent", 11) and len(hook.requests) == 11
    assert len({r["body"] for r in hook.requests}) == len({r["headers"]["webhook-id"] for r in hook.requests}) == 1
    assert len({r["headers"]["webhook-timestamp"] for r in hook.requests}) == 11
    for secret in (ENV["HOOK_SECRET"], ENV["HOOK_OLD"]):
        results = receivers.judge(hook.requests, secret)
        assert all(len(r) >= 2 for r in results) and verdicts(results) == {None}, results
    assert len(hook.messages) == 1 and hook.n_differing == 0


def test_forged(case):
    """the libraries do refuse: another secret, a changed byte, another id, a late replay"""
    hook = hook_org(case)
    put(case, "hook", "webhook", TEXT)
    deliver(case)
    request = hook.requests[0]

    def changed(**headers):
        return {**request, "headers": {**request["headers"], **headers}}

    forged = [{**request, "body": request["body"].replace(b"3", b"4")}, changed(**{"webhook-id": "msg_other"}),
              changed(**{"webhook-timestamp": str(NOW + 1)}), changed(**{"webhook-signature": "v1,AAAA"})]
    assert None not in verdicts(receivers.judge(forged, ENV["HOOK_SECRET"]))
    assert None not in verdicts(receivers.judge([request], "whsec_" + "QUFB" * 8))
    assert verdicts(receivers.judge([request], ENV["HOOK_SECRET"])) == {None}


def test_many(case):
    """every payload that is delivered is verified, whatever stands in it"""
    hook = hook_org(case)
    nasty = ["", "\x00", "\u2028", "😀" * 100, "שלום", "<!channel>", "a.b.c", "\r\n", "\\u0000", "x" * 19000]
    for n in range(200 if HEAVY else len(nasty)):
        put(case, "hook", "webhook", json.dumps({"n": n, "text": nasty[n % len(nasty)]}, ensure_ascii=n % 2 == 0), owner=f"o{n}@acme.example")
    deliver(case)
    assert len(hook.messages) == (200 if HEAVY else len(nasty))
    assert verdicts(receivers.judge(hook.requests, ENV["HOOK_SECRET"])) == {None}


run(globals())
