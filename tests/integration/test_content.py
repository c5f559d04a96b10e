#!/usr/bin/env python3
"""What stands in a digest over several mornings: against the last one that was delivered, in the reader's own terms, on one screen."""
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

MONDAY = 20514  # 2026-03-02
ANNA, BO, MIA, HEAD = "anna@acme.example", "bo@acme.example", "mia@acme.example", "head@acme.example"

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
  files: { kind: file, folder: "@FOLDER@/out" }
owners:
  - { email: anna@acme.example, name: Anna Lind, role: csm, at: "08:00", channels: [files], capacity: 5 }
  - { email: bo@acme.example, name: Bo, role: am, at: "08:00", channels: [files], capacity: 5 }
  - { email: mia@acme.example, name: Mia, role: manager, manages: [anna@acme.example], at: "08:00", channels: [files], capacity: 5 }
"""


def now(day):
    """07:05 in UTC, so many days after the Monday."""
    return f"2026-03-{2 + day:02d}T07:05:00Z"


def change(case, *statements):
    with closing(sqlite3.connect(case.database())) as db, db:
        for sql in statements:
            db.execute(sql)


def organisation(case, more=""):
    case.org(ORG.replace("@FOLDER@", str(case.tmp)) + more)
    (case.tmp / "out").mkdir()
    case.retaind("migrate", "--now", now(0))
    change(case, "INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv')")


def finding(case, name, owner=ANNA, engine="defense", score=70, value=1_000_000, expected=None, opened=MONDAY, act_by=MONDAY + 20):
    """An account with one finding; returns the finding's number."""
    with closing(sqlite3.connect(case.database())) as db, db:
        account = db.execute("INSERT INTO account (source_id, source_key, name) VALUES (1, ?, ?)", (name, name)).lastrowid
        found = db.execute("INSERT INTO finding (account_id, engine, cause, first_cause, cause_since, state, opened_on, updated_on, score, "
                           "worst_score, confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email) "
                           "VALUES (?, ?, 'silence', 'silence', ?, 'open', ?, ?, ?, ?, 0.9, ?, 'EUR', ?, ?, 'none', 'it is silent', ?, ?)",
                           (account, engine, opened, opened, opened, score, score, value, expected or value // 2, act_by,
                            json.dumps(["first sign", "second sign"]), owner)).lastrowid
        db.execute("INSERT INTO finding_event (finding_id, day, at, kind) VALUES (?, ?, ?, 'opened')", (found, opened, opened * 86400 + 6 * 3600))
    return found


def fresh(case, day):
    """All sources came through on that day, and all accounts were scored."""
    at = (MONDAY + day) * 86400 + 6 * 3600
    change(case, f"UPDATE source SET last_ok_at = {at}, last_ok_on = {MONDAY + day}", f"UPDATE finding SET updated_on = {MONDAY + day} WHERE closed_on IS NULL",
           f"INSERT OR IGNORE INTO score_row SELECT {MONDAY + day}, id, 70, 5, 0.9, 1, 0, {MONDAY}, {MONDAY}, 100, 'EUR', 'x' FROM account")


def morning(case, day, is_delivered=True):
    """Fresh data, digests, deliveries; returns what Anna gets as text, as it was shown before."""
    fresh(case, day)
    text = preview(case, ANNA, day)
    case.retaind("digest", "--now", now(day))
    if is_delivered:
        case.retaind("deliver", "--now", now(day))
    else:
        change(case, f"UPDATE outbox SET state = 'dead', reason = 'x', settled_at = {(MONDAY + day) * 86400} WHERE state = 'pending'")
    return text


def preview(case, owner, day, *more):
    shown = case.retaind("preview", "--owner", owner, "--now", now(day), *more).stdout
    return shown if more else " ".join(shown.split())


def test_what_changed_is_told_against_the_last_digest_that_arrived(case):
    """A digest that no channel took changes nothing of what the next one tells: it goes back to the last one that arrived, and says which did not"""
    organisation(case)
    stays, goes = finding(case, "Stays", score=50), finding(case, "Goes")
    first = morning(case, 0)
    assert "This is your first digest: all of it counts as new. " in first and "EUR 20k at stake in 2 accounts" in first, first
    finding(case, "Comes", opened=MONDAY + 1, value=500_000)
    change(case, f"UPDATE finding SET score = 80 WHERE id = {stays}")
    second = morning(case, 1, is_delivered=False)
    assert "Since yesterday: 1 new, 1 worse." in second, second
    at = (MONDAY + 2) * 86400
    change(case, f"UPDATE finding SET state = 'resolved', closed_on = {MONDAY + 2} WHERE id = {goes}",
           f"INSERT INTO finding_event (finding_id, day, at, kind) VALUES ({goes}, {MONDAY + 2}, {at}, 'resolved')")
    third = morning(case, 2)
    assert "Since Mon 2 Mar: 1 new, 1 worse, 1 resolved." in third, third
    assert "Note: The digest of Tue 3 Mar (no channel took it) did not reach you." in third, third
    assert third.index("WORSE, risk 80 (was 50)") < third.index("NEW, risk 70") < third.index("Resolved: Goes (EUR 10,000)"), third
    fourth = preview(case, ANNA, 3)
    assert "Nothing changed since yesterday." in fourth and "Note: The digest" not in fourth, fourth


def test_what_stands_comes_after_what_changed_and_the_longest_first(case):
    """What changed comes first, what ended with it, then what stands, the longest first; beyond the capacity it is counted and summed"""
    organisation(case)
    for i in range(6):
        finding(case, f"Old{i}", opened=MONDAY - 10 * (i + 1), value=1_000_000 + i, act_by=MONDAY + 30)
    ended = finding(case, "Ended", opened=MONDAY - 9)
    morning(case, 0)
    finding(case, "Fresh", opened=MONDAY + 1, value=100_000, act_by=MONDAY + 1)
    change(case, f"UPDATE finding SET state = 'lost', closed_on = {MONDAY + 1} WHERE id = {ended}",
           f"INSERT INTO finding_event (finding_id, day, at, kind) VALUES ({ended}, {MONDAY + 1}, {(MONDAY + 1) * 86400 + 9}, 'lost')")
    shown = morning(case, 1)
    assert "EUR 61k at stake in 7 accounts, 1 to act on today Since yesterday: 1 new, 1 lost." in shown, shown
    order = [shown.index(x) for x in ("What changed:", "1. Fresh", "Lost: Ended", "Still open, the longest first:", "2. Old5", "3. Old4", "4. Old3", "5. Old2",
                                      "+2 more, worth EUR 20k")]
    assert order == sorted(order), (order, shown)


def test_growth_is_a_ranking(case):
    """An account manager gets one ranking by what is expected of each, which is shown, new or not"""
    organisation(case)
    finding(case, "Large", BO, "expansion", 10, 9_000_000, 900_000)
    finding(case, "Likely", BO, "expansion", 60, 2_000_000, 1_200_000)
    morning(case, 0)
    finding(case, "New", BO, "expansion", 50, 2_000_000, 1_000_000, opened=MONDAY + 1)
    fresh(case, 1)
    shown = preview(case, BO, 1)
    order = [shown.index(x) for x in ("1. Likely", "EUR 20,000 within reach, EUR 12,000 expected", "2. New", "3. Large", "EUR 9,000 expected")]
    assert order == sorted(order) and "EUR 130k within reach in 3 accounts, EUR 31k expected" in shown, shown


def test_what_a_person_answered_shows(case):
    """Who snoozes, acknowledges or hands back sees it counted and no longer listed; when it is due again it says so; nobody's is the manager's"""
    organisation(case)
    rests, at_work, wrong, bought = (finding(case, n) for n in ("Rests", "At work", "Wrong", "Stays"))
    sold = finding(case, "Sold", BO, "expansion")
    morning(case, 0)
    case.retaind("snooze", str(rests), "--until", "2026-03-04", "--now", "2026-03-02T09:00:00Z")
    case.retaind("ack", str(at_work), "--now", "2026-03-02T09:00:00Z")
    case.retaind("wrong-owner", str(wrong), "--now", "2026-03-02T09:00:00Z")
    case.retaind("expanded", str(sold), "--now", "2026-03-02T09:00:00Z")
    fresh(case, 1)
    managers = preview(case, MIA, 1)
    assert "With nobody: handed back, before with Anna Lind" in managers and "Nobody: 1 open, EUR 10k, 1 unanswered" in managers, managers
    assert "Anna Lind: 3 open, EUR 30k, 1 unanswered, 1 snoozed" in managers, managers
    shown = morning(case, 1)
    assert "Set aside: 1 snoozed (until Wed 4 Mar), 1 acknowledged." in shown and "EUR 10k at stake in 1 account " in shown, shown
    assert not any(f". {name} " in shown for name in ("Rests", "At work", "Wrong")) and "1. Stays" in shown, shown
    assert "Expanded: Sold (EUR 10,000)" in case.query("SELECT content FROM digest WHERE owner_email = ? AND local_on = ?", BO, MONDAY + 1)[0][0]
    shown = morning(case, 2)
    assert "BACK: its snooze is over, risk 70" in shown and "Set aside: 1 acknowledged." in shown, shown
    change(case, f"UPDATE finding SET act_by_on = {MONDAY + 7} WHERE id = {at_work}")
    fresh(case, 8)
    shown = preview(case, ANNA, 8)
    assert "DUE AGAIN, acknowledged before, risk 70" in shown and "Act now: was due Mon 9 Mar (1 day ago)" in shown, shown


def test_nobodys_are_seen_once(case):
    """What is nobody's is for the manager who sees every book, and no longer for the one who sees some"""
    organisation(case, "  - { email: head@acme.example, name: Head, role: manager, at: \"08:00\", channels: [files], capacity: 5 }\n")
    finding(case, "Orphan", None)
    fresh(case, 0)
    assert "Orphan" in preview(case, HEAD, 0) and "Orphan" not in preview(case, MIA, 0)


def test_old_data_is_said(case):
    """Data that is old is said with its age, breaks the silence of a quiet day, and its findings are not passed off as today's"""
    organisation(case)
    finding(case, "Dark")
    morning(case, 0)
    change(case, "DELETE FROM finding_event", "DELETE FROM digest_item", "DELETE FROM finding",
           "INSERT OR REPLACE INTO schedule_state (id, tick_at, is_synchronised, sync_started_at, sync_ok_started_at) "
           f"VALUES (1, {(MONDAY + 1) * 86400 + 25000}, 1, {(MONDAY + 1) * 86400 + 5 * 3600}, {MONDAY * 86400 + 5 * 3600})")
    shown = preview(case, ANNA, 1)
    assert "Nothing that is known needs you today" in shown, shown
    assert "The sync of Tue 3 Mar 06:00 had not come through when this was made: its data is of Mon 2 Mar 07:00, 25 hours old." in shown, shown
    assert "No account was scored since Mon 2 Mar: what you read was judged then." in shown and "Judged on what was known on Mon 2 Mar." in shown, shown
    case.retaind("digest", "--now", now(1), "--owner", ANNA)
    assert case.query("SELECT count(*) FROM outbox o JOIN digest d ON d.id = o.digest_id WHERE d.local_on = ?", MONDAY + 1) == [(1,)]
    case.retaind("deliver", "--now", now(1))
    fresh(case, 2)
    change(case, "UPDATE schedule_state SET sync_ok_started_at = sync_started_at")
    case.retaind("digest", "--now", now(2), "--owner", ANNA)  # all is well and there is nothing to say
    assert case.query("SELECT count(*) FROM outbox o JOIN digest d ON d.id = o.digest_id WHERE d.local_on = ?", MONDAY + 2) == [(0,)]


def test_one_screen(case):
    """Twenty-two accounts for a capacity of five are one screen: at most 70 lines of 76 columns and 60 words a changed item; shown twice it is the same"""
    organisation(case)
    for i in range(20):
        finding(case, f"Company {i}", value=1_000_000 + 1000 * i, opened=MONDAY - (i % 4))
    morning(case, 0)
    for i in range(2):
        finding(case, f"New {i}", opened=MONDAY + 1)
    fresh(case, 1)
    shown = preview(case, ANNA, 1, "--format", "text")
    assert shown == preview(case, ANNA, 1, "--format", "text")
    lines = shown.splitlines()
    assert len(lines) <= 70 and max(map(len, lines)) <= 76 and "+17 more, worth EUR 171k" in shown, (len(lines), shown)
    assert len(shown.split()) <= 60 * 5, len(shown.split())


if __name__ == "__main__":
    run(globals())
