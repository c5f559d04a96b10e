#!/usr/bin/env python3
"""Cards for Teams against Microsoft's own: the types of @microsoft/teams.cards, and the library that draws Adaptive Cards."""
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import npm  # noqa: E402
from delivery import NOW, company, instant  # noqa: E402
from harness import DATA, ROOT, run  # noqa: E402

TYPES = ("@microsoft/teams.cards@2.1.0", "typescript@5")
TEAMS = "  team: {kind: teams, url: 'env:TEAMS_URL'}\n"


def card_of(text):
    return json.loads(text)["attachments"][0]["content"]


def samples():
    return {path.name: card_of(path.read_text()) for path in sorted((DATA / "digests").glob("*.teams"))}


def type_check(case, cards):
    """What tsc says against the cards as literals of the type: unknown members and values are errors."""
    home = npm.need("card_types", *TYPES)
    lines = ['import type { IAdaptiveCard } from "@microsoft/teams.cards";']
    lines += [f"export const card{n}: IAdaptiveCard = {json.dumps(card)};" for n, card in enumerate(cards)]
    folder = case.tmp / "types"
    folder.mkdir(exist_ok=True)
    (folder / "node_modules").unlink(missing_ok=True)
    (folder / "node_modules").symlink_to(home / "node_modules")
    (folder / "cards.ts").write_text("\n".join(lines))
    done = subprocess.run([home / "node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module",
                           "nodenext", "--moduleResolution", "nodenext", "cards.ts"], cwd=folder, capture_output=True, text=True, timeout=120)
    return done.stdout


def long_cards(case):
    """What an owner with forty accounts gets, in all its parts."""
    company(case, {"ann@acme.example": "csm", "bob@acme.example": "am"}, date(2026, 3, 2), TEAMS, "team")
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("role: csm,", "role: csm, capacity: 40,"))
    (case.tmp / "exports/notices.csv").write_text("id,account,kind,noticed\n" + "".join(f"n{n},a{n},cancel,2026-03-01\n" for n in range(40)))
    for command in ("pull", "score", "digest"):
        case.retaind(command, "--now", instant(NOW))
    rows = case.query("SELECT body, fallback FROM outbox ORDER BY id")
    return [card_of(text) for row in rows for text in row]


def test_types(case):
    """the cards of the approved digests and of a long one, parts and plain forms, are of the type that Microsoft publishes"""
    cards = list(samples().values()) + long_cards(case)
    assert len(cards) >= 7
    assert type_check(case, cards) == ""


def test_types_can_fail(case):
    """the type check does find a wrong member, a wrong value and an unknown element"""
    card = next(iter(samples().values()))
    for wrong in ({**card, "colour": "red"}, {**card, "version": "9.9"}, {**card, "body": [{"type": "Txt", "text": "x"}]}):
        assert "error TS" in type_check(case, [wrong])


def test_drawing_library(case):
    """the library that draws cards reads each without a word, and finds every text and link in it"""
    home = npm.need("cards", "adaptivecards@3.0.6")
    cards = list(samples().values()) + long_cards(case)
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
