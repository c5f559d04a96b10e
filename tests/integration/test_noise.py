#!/usr/bin/env python3
"""Noise control on the built binary: what signals are worth by what was answered, and bands that a person holds."""
import csv
import io
import json
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402
from test_score import TALKATIVE, day, load  # noqa: E402

NOON = "2024-12-20T12:00:00Z"


def query(case, sql, *args):
    return case.query(sql, *args, name="raven")


def scored(case):
    """Ravenstack's excerpt, scored up to the twentieth of December."""
    load(case, more=TALKATIVE)
    case.retaind("score", "--from", "2024-12-18", "--to", "2024-12-20", "-q")


def execute(case, sql, *args):
    with sqlite3.connect(case.database("raven")) as db:
        db.execute(sql, args)


def explained(case, account, on="2024-12-20"):
    return json.loads(case.retaind("explain", str(account), "--as-of", on, "--format", "json").stdout)


def band(case, account, engine="defense", on="2024-12-20"):
    return explained(case, account, on)[engine]["band"]


def open_defense(case, state=2):
    """(account, finding) of the first open defense finding whose account is at risk by its score."""
    return query(case, """SELECT f.account_id, f.id FROM finding f JOIN score_day s ON s.account_id = f.account_id AND s.day = ?
        WHERE f.engine = 'defense' AND f.closed_on IS NULL AND s.risk_band = ? ORDER BY f.id LIMIT 1""", day("2024-12-20"), state)[0]


def test_signals_are_told_by_what_was_answered(case):
    """`retaind signals` counts what was acted on and dismissed by reason for each signal, as a table, JSON and CSV; few are too few,
    and one that is mostly wrong gets a smaller weight suggested."""
    scored(case)
    (cause, n), = query(case, "SELECT cause, count(*) FROM finding WHERE engine = 'defense' AND closed_on IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT 1")
    ids = [i for (i,) in query(case, "SELECT id FROM finding WHERE cause = ? AND closed_on IS NULL ORDER BY id", cause)]
    assert n >= 2, "the excerpt has to give two findings by one cause"
    case.retaind("ack", str(ids[0]), "--now", NOON)
    case.retaind("dismiss", str(ids[1]), "--reason", "seasonal", "--now", NOON)
    execute(case, "UPDATE finding_event SET reason = 'seasonal' WHERE kind = 'dismissed'")
    rows = {(r["engine"], r["signal"]): r for r in json.loads(case.retaind("signals", "--format", "json", "--now", NOON).stdout)}
    row = rows[("defense", cause)]
    assert (row["acted"], row["dismissed"], row["seasonal"], row["judged"], row["precision"]) == (1, 1, 1, 2, 0.5), row
    assert row["note"] == "too few" and row["suggested_weight"] is None, row
    assert 0.09 < row["low"] < 0.1 and 0.9 < row["high"] < 0.91, row
    led = dict(query(case, "SELECT cause, count(*) FROM finding WHERE engine = 'defense' GROUP BY 1"))
    assert {s: r["findings"] for (e, s), r in rows.items() if e == "defense" and r["findings"]} == led
    assert len(rows) > 40 and rows[("defense", "cancel_notice")]["findings"] == 0, "signals that led none are listed, too"
    told = list(csv.DictReader(io.StringIO(case.retaind("signals", "--format", "csv", "--now", NOON).stdout)))
    assert len(told) == len(rows)
    table = case.retaind("signals", "--now", NOON).stdout
    assert "1 of 2" in table and "1 (1 seasonal)" in table and "(all together)" in table, table
    before = json.loads(case.retaind("signals", "--format", "json", "--as-of", "2024-12-19", "--now", NOON).stdout)
    assert sum(r["judged"] for r in before) == 0, "what was answered on the 20th was not known on the 19th"


    see_a_poor_signal(case, cause)


def see_a_poor_signal(case, cause):
    """Of twelve more that were judged eleven were wrong: the weight suggested is smaller, and the note says so."""
    columns = [c[1] for c in query(case, "PRAGMA table_info(finding)") if c[1] not in ("id", "state", "closed_on")]
    for i in range(12):
        execute(case, f"INSERT INTO finding (id, state, closed_on, {', '.join(columns)}) SELECT ?, 'dismissed', ?, {', '.join(columns)} "
                "FROM finding WHERE cause = ? ORDER BY id LIMIT 1", 9000 + i, day("2024-12-20"), cause)
        execute(case, "INSERT INTO finding_event (finding_id, day, at, kind, reason) VALUES (?, ?, 0, ?, 'false_positive')", 9000 + i,
                day("2024-12-20"), "dismissed" if i else "done")
    row, = [r for r in json.loads(case.retaind("signals", "--format", "json", "--now", NOON).stdout) if r["signal"] == cause]
    assert row["judged"] == 14 and row["precision"] < 0.2 and row["high"] < 0.5, row
    assert 0 <= row["suggested_weight"] < row["weight"] and "more often wrong than right" in row["note"], row


def test_a_band_held_low_ends_the_finding_until_it_is_over(case):
    """Held at steady, an account at risk loses its finding and keeps its score; the day it is over the same finding is back; a past day
    is replayed as it was."""
    scored(case)
    account, finding = open_defense(case)
    before = explained(case, account)
    told = case.retaind("override", str(account), "--engine", "defense", "--band", "steady", "--reason", "they merge offices",
                        "--until", "2024-12-24", "--by", "Anna", "--now", NOON).stdout
    assert "held at steady by Anna until 2024-12-24: they merge offices; by its numbers it is at risk" in told, told
    held = explained(case, account)
    assert (held["defense"]["band"], held["defense"]["computed_band"]) == ("steady", "at_risk"), held["defense"]["band"]
    assert held["defense"]["score"] == before["defense"]["score"]
    assert band(case, account, on="2024-12-19") == "at_risk", "the day before nobody held it"
    text = case.retaind("explain", str(account), "--as-of", "2024-12-20").stdout
    assert "held at steady by Anna" in text and "retaind override --clear" in text, text
    case.retaind("score", "--as-of", "2024-12-20", "-q")
    assert query(case, "SELECT risk_band FROM score_day WHERE day = ? AND account_id = ?", day("2024-12-20"), account) == [(2,)]
    assert query(case, "SELECT band FROM score_held") == [(0,)]
    assert query(case, "SELECT state FROM finding WHERE id = ?", finding) == [("resolved",)]
    note, = query(case, "SELECT note FROM finding_event WHERE finding_id = ? AND kind = 'resolved'", finding)[0]
    assert "held at steady by Anna" in note, note
    digest = " ".join(case.retaind("preview", "--owner", "clara@ravenstack.example", "--now", NOON).stdout.split())
    assert "Held by hand" in digest and "steady by Anna until Tue 24 Dec, at risk by its numbers: they merge offices" in digest, digest
    case.retaind("score", "--from", "2024-12-21", "--to", "2024-12-23", "-q")
    assert query(case, "SELECT count(*) FROM finding WHERE account_id = ? AND closed_on IS NULL", account) == [(0,)]
    case.retaind("score", "--as-of", "2024-12-24", "-q")
    computed, = query(case, "SELECT risk_band FROM score_day WHERE day = ? AND account_id = ?", day("2024-12-24"), account)[0]
    state, = query(case, "SELECT state FROM finding WHERE id = ?", finding)[0]
    assert state == ("open" if computed == 2 else "resolved"), (state, computed)
    assert band(case, account) == "steady", "the 20th is replayed with what held then"


def test_a_band_held_high_opens_a_finding_and_keeps_growth_away(case):
    """Held at risk, a steady account gets a finding that names who and why, its growth gives way, and clearing it ends the finding."""
    scored(case)
    account, = query(case, """SELECT s.account_id FROM score_day s WHERE s.day = ? AND s.risk_band = 0 AND s.account_id NOT IN
        (SELECT account_id FROM finding WHERE engine = 'defense') ORDER BY s.readiness_band DESC, 1 LIMIT 1""", day("2024-12-20"))[0]
    case.retaind("override", str(account), "--engine", "defense", "--band", "at_risk", "--reason", "their CTO told me", "--by", "Anna",
                 "--now", NOON)
    case.retaind("score", "--as-of", "2024-12-21", "-q")
    rows = query(case, "SELECT engine, cause, summary FROM finding WHERE account_id = ? AND closed_on IS NULL", account)
    assert rows == [("defense", "override", "Anna holds it at risk until 2025-01-19: their CTO told me")], rows
    assert band(case, account, "expansion", "2024-12-21") == "not_yet"
    held, = [r["held"] for r in json.loads(case.retaind("accounts", "--format", "json", "--as-of", "2024-12-21").stdout) if r["account"] == account]
    assert held == "at_risk by Anna until 2025-01-19: their CTO told me", held
    digest = case.retaind("preview", "--owner", "clara@ravenstack.example", "--now", "2024-12-21T12:00:00Z").stdout
    assert " ".join(digest.split()).count("Anna holds it as at risk until Sun 19 Jan 2025: their CTO told me") == 1, digest
    case.retaind("override", str(account), "--engine", "expansion", "--band", "ready", "--reason", "sign anyway", "--now", "2024-12-21T12:00:00Z")
    told = explained(case, account, "2024-12-21")["expansion"]
    assert told["band"] == "not_yet" and told["override"]["overruled_by"] == "defense goes first", told["band_why"]
    listed = json.loads(case.retaind("override", "--format", "json", "--now", "2024-12-21T12:00:00Z").stdout)
    assert [(r["engine"], r["band"], r["state"]) for r in listed] == [("defense", "at_risk", "holds"), ("expansion", "ready", "holds")], listed
    (dismissed,), = query(case, "SELECT id FROM finding WHERE account_id = ? AND closed_on IS NULL", account)
    case.retaind("dismiss", str(dismissed), "--reason", "other", "--now", "2024-12-21T12:00:00Z")
    case.retaind("score", "--as-of", "2024-12-22", "-q")
    assert query(case, "SELECT count(*) FROM finding WHERE account_id = ? AND engine = 'defense' AND closed_on IS NULL", account) == [(0,)], \
        "who dismissed it after it was raised is not told again"
    case.retaind("override", str(account), "--clear", "--now", "2024-12-22T12:00:00Z")
    assert json.loads(case.retaind("override", "--format", "json", "--now", "2024-12-22T12:00:00Z").stdout) == []
    every = json.loads(case.retaind("override", "--all", "--format", "json", "--now", "2024-12-22T12:00:00Z").stdout)
    assert {r["state"] for r in every} == {"cleared"} and len(every) == 2, every
    case.retaind("override", str(account), "--clear", "--now", "2024-12-22T12:00:00Z", expect=65)


def test_a_hard_fact_goes_before_an_override(case):
    """A notice of cancellation that stood is named beside the band that is held; one that comes later breaks it, and says so."""
    scored(case)
    account, _ = open_defense(case)
    give = ("INSERT INTO notice (source_id, source_key, account_id, kind, noticed_on, effective_on) "
            "SELECT source_id, ?, id, 'cancel', ?, ? FROM account WHERE id = ?")
    execute(case, give, "n1", day("2024-12-18"), day("2025-03-01"), account)
    told = case.retaind("override", str(account), "--engine", "defense", "--band", "watch", "--reason", "they stay", "--by", "Anna",
                        "--now", NOON).stdout
    assert "stands all the same" in told and "held at watch by Anna" in told, told
    execute(case, give, "n2", day("2024-12-22"), day("2025-02-01"), account)
    case.retaind("score", "--from", "2024-12-21", "--to", "2024-12-22", "-q")
    assert band(case, account, on="2024-12-21") == "watch"
    later = explained(case, account, "2024-12-22")["defense"]
    assert later["band"] == "at_risk" and "came after, on 2024-12-22" in later["band_why"], later["band_why"]
    assert query(case, "SELECT cause FROM finding WHERE account_id = ? AND closed_on IS NULL", account) == [("cancel_notice",)]


def test_wrong_overrides_are_refused(case):
    """What is missing or out of bounds is told with what would be right: 64; what is not there: 65."""
    load(case, more=TALKATIVE)
    account, = query(case, "SELECT account_id FROM subscription WHERE end_on IS NULL ORDER BY 1 LIMIT 1")[0]
    whole = {"--engine": "defense", "--band": "steady", "--reason": "so"}
    for wrong, message in (({"--engine": None}, "--engine is missing"), ({"--engine": "offence"}, "expected defense or expansion"),
                           ({"--band": None}, "--band is missing"), ({"--band": "ready"}, "expected steady, watch or at_risk"),
                           ({"--reason": " "}, "--reason is missing"), ({"--until": "2024-12-20"}, "a day after today"),
                           ({"--until": "2025-12-21"}, "at most 365 days ahead"), ({"--as-of": "2024-12-19"}, "--as-of")):
        options = [x for pair in {**whole, **wrong}.items() if pair[1] for x in pair]
        assert message in case.retaind("override", str(account), *options, "--now", NOON, expect=64).stderr, wrong
    case.retaind("override", str(account), "--engine", "defense", "--band", "steady", "--reason", "so", "--until", "2025-12-20", "--now", NOON)
    case.retaind("override", "nobody.example", *[x for pair in whole.items() for x in pair], "--now", NOON, expect=65)
    case.retaind("override", "--band", "steady", expect=64)


run(globals())
