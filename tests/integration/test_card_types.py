#!/usr/bin/env python3
"""Messages to chats against published types: @microsoft/teams.cards and the library that draws Adaptive Cards, @googleapis/chat,
discord-api-types."""
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import npm  # noqa: E402
from delivery import NOW, company, instant  # noqa: E402
from harness import DATA, HEAVY, ROOT, run  # noqa: E402

TYPES = ("@microsoft/teams.cards@2.1.0", "typescript@5")
MORE_TYPES = ("@googleapis/chat@51.0.0", "discord-api-types@0.38.57", "typescript@5")
CARD = ('import type { IAdaptiveCard as T } from "@microsoft/teams.cards";',)
GOOGLE = ('import type { chat_v1 } from "@googleapis/chat";', "type T = chat_v1.Schema$Message;")
DISCORD = ('import type { RESTPostAPIWebhookWithTokenJSONBody as T } from "discord-api-types/v10";',)
KINDS = ("teams", "google_chat", "discord")
RELEASE_ONLY = True


def card_of(message):
    return message["attachments"][0]["content"]


def samples(kind):
    return [json.loads(path.read_text()) for path in sorted((DATA / "digests").glob(f"*.{kind}"))]


def type_check(case, head, literals):
    """What tsc says against literals of the type T that the head imports: unknown members and values are errors."""
    home = npm.need("card_types", *TYPES) if head == CARD else npm.need("chat_types", *MORE_TYPES)
    lines = [*head] + [f"export const v{n}: T = {json.dumps(literal)};" for n, literal in enumerate(literals)]
    folder = case.tmp / "types"
    folder.mkdir(exist_ok=True)
    (folder / "node_modules").unlink(missing_ok=True)
    (folder / "node_modules").symlink_to(home / "node_modules")
    (folder / "typed.ts").write_text("\n".join(lines))
    done = subprocess.run([home / "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module",
                           "nodenext", "--moduleResolution", "nodenext", "typed.ts"], cwd=folder, capture_output=True, text=True, timeout=120)
    return done.stdout


def long_digest(case):
    """By kind, what an owner with forty accounts gets, in all its parts, and the plain forms of them."""
    lines = "".join(f"  {kind}: {{kind: {kind}, url: 'env:URL'}}\n" for kind in KINDS)
    company(case, {"ann@acme.example": "csm", "bob@acme.example": "am"}, date(2026, 3, 2), lines, ", ".join(KINDS))
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("role: csm,", "role: csm, capacity: 40,"))
    (case.tmp / "exports/notices.csv").write_text("id,account,kind,noticed\n" + "".join(f"n{n},a{n},cancel,2026-03-01\n" for n in range(40)))
    for command in ("pull", "score", "digest"):
        case.retaind(command, "--now", instant(NOW))
    rows = {kind: case.query("SELECT body, fallback FROM outbox WHERE kind = ? ORDER BY id", kind) for kind in KINDS}
    return {kind: [json.loads(text) for row in rows[kind] for text in row] for kind in KINDS}


def test_types(case):
    """messages of the approved digests and of a long one, parts and plain forms, are of the types that the services publish"""
    long = long_digest(case)
    for kind, head in zip(KINDS, (CARD, GOOGLE, DISCORD) if HEAVY else (CARD,)):
        messages = samples(kind) + long[kind]
        assert len(messages) >= 5, kind
        said = type_check(case, head, [card_of(m) for m in messages] if kind == "teams" else messages)
        assert said == "", (kind, said)


def test_types_can_fail(case):
    """the type check does find a wrong member, a wrong value and an unknown element"""
    card = card_of(samples("teams")[0])
    wrong = [{**card, "colour": "red"}, {**card, "version": "9.9"}, {**card, "body": [{"type": "Txt", "text": "x"}]}]
    assert [f"typed.ts({n + 2}," in type_check(case, CARD, wrong) for n in range(3)] == [True] * 3
    if not HEAVY:
        return
    assert "error TS" in type_check(case, GOOGLE, [{"text": "x", "card": []}])
    assert "error TS" in type_check(case, DISCORD, [{"content": "x", "allowed_mentions": {"parse": ["all"]}}])


def test_drawing_library(case):
    """the library that draws cards reads each without a word, and finds every text and link in it"""
    home = npm.need("cards", "adaptivecards@3.0.6")
    cards = [card_of(m) for m in samples("teams") + long_digest(case)["teams"]]
    broken = {**cards[0], "body": [{"type": "NoSuchElement"}]}
    done = subprocess.run(["node", str(ROOT / "tests/support/cards.cjs")], capture_output=True, text=True, timeout=60, check=True,
                          input=json.dumps({"home": str(home), "cards": cards + [broken]}))
    results = json.loads(done.stdout)
    assert results.pop()["events"], "an unknown element is not noticed"
    for card, result in zip(cards, results):
        text = json.dumps(card)
        wanted = {kind: text.count(json.dumps({"type": kind})[1:-1]) for kind in result["seen"]}
        assert not result["events"] and result["version"] == "1.5" and result["seen"] == wanted, (result, wanted)


run(globals())
