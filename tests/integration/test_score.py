#!/usr/bin/env python3
"""Scores on RavenStack: the excerpt of tests/data, or with RETAIND_HEAVY=1 the whole set and the whole year."""
import datetime
import json
import os
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import DATA, HEAVY, SHARED, Skip, run  # noqa: E402

WHOLE = SHARED / "data" / "usage" / "ravenstack"
EPOCH = datetime.date(1970, 1, 1)
# Lower bands and a metric for people, so that both engines have something to say on data without any meaning.
TALKATIVE = """
score:
  total_relief: 0
  bands: {watch: 1.6, at_risk: 1.9, emerging: 1.1, ready: 2, leave: 0.9, min_stay: 3}
  users_metric: feature_use
  signals: {support_tension: {low: -2, high: 8}, seat_use: {low: 1, high: 0}}
"""


def day(text):
    return (datetime.date.fromisoformat(text) - EPOCH).days


def load(case, folder=None, more=""):
    folder = folder or (WHOLE if HEAVY and WHOLE.exists() else DATA / "ravenstack")
    text = (DATA / "ravenstack" / "org.yaml").read_text()
    case.org(text.replace("@FOLDER@", str(folder)).replace("@DIGESTS@", str(case.tmp / "digests")) + more, name="raven")
    case.retaind("pull", "-q")


def query(case, sql, *args):
    return case.query(sql, *args, name="raven")


def write(case, *statements):
    with sqlite3.connect(case.database("raven")) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for sql, *args in statements:
            db.execute(sql, args)


def snapshot(case):
    return [query(case, f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4") for table in
            ("score_day", "score_signal", "finding", "finding_event")]


def forget_after(case, last):
    """Deletes every fact that is dated after a day."""
    end = (last + 1) * 86400
    blocks = [(i,) for (i,) in query(case, "SELECT id FROM usage_block") if (i >> 20) & 1048575 > last]
    write(case, *[("DELETE FROM usage_block WHERE id = ?", i) for (i,) in blocks],
          ("DELETE FROM usage_exception WHERE day > ?", last), ("DELETE FROM usage_detail WHERE day > ?", last),
          ("DELETE FROM ticket WHERE opened_at >= ?", end),
          ("UPDATE ticket SET closed_at = NULL, satisfaction = NULL WHERE closed_at >= ?", end),
          ("DELETE FROM interaction WHERE at >= ?", end), ("DELETE FROM survey WHERE at >= ?", end),
          ("DELETE FROM subscription WHERE start_on > ?", last),
          ("UPDATE subscription SET end_on = NULL WHERE end_on > ?", last),
          ("DELETE FROM account WHERE created_on > ?", last), ("DELETE FROM history WHERE known_on > ?", last),
          ("DELETE FROM score_block WHERE id >> 32 > ?", last), ("DELETE FROM account_signals WHERE day > ?", last))


def open_spans(case):
    """(account, engine, finding, from, until) of each time a finding stood open: one that comes back soon is the same finding
    again, and was closed in between."""
    opened = {}
    for finding, account, engine, on, kind in query(case, """SELECT f.id, f.account_id, f.engine, e.day, e.kind FROM finding f
            JOIN finding_event e ON e.finding_id = f.id ORDER BY e.id"""):
        if kind == "opened":
            opened[finding] = on
        elif kind in ("resolved", "lost"):
            yield account, engine, finding, opened.pop(finding), on
    for finding, on in opened.items():
        account, engine = query(case, "SELECT account_id, engine FROM finding WHERE id = ?", finding)[0]
        yield account, engine, finding, on, 99999


def spans_together(case):
    """Findings of both engines that stood open for one account on the same day."""
    spans = list(open_spans(case))
    defense = {}
    for account, engine, *span in spans:
        if engine == "defense":
            defense.setdefault(account, []).append(span)
    for account, engine, finding, start, end in spans:
        if engine == "expansion":
            yield from ((account, finding, other) for other, since, until in defense.get(account, []) if start < until and since < end)


def test_no_account_is_in_both_lists_on_any_day(case):
    """No account is in both engines' lists on any day of 2024 (of its last quarter, unless heavy)."""
    first = "2024-01-01" if HEAVY else "2024-10-01"
    load(case, more=TALKATIVE)
    case.retaind("score", "--from", first, "--to", "2024-12-31", "-q", timeout=600)
    days, at_risk, ready = query(case, "SELECT count(DISTINCT day), sum(risk_band = 2), sum(readiness_band > 0) FROM score_day")[0]
    assert days == day("2024-12-31") - day(first) + 1, days
    assert at_risk > 0 and ready > 0, f"both engines have to speak: {at_risk} at risk, {ready} ready"
    assert query(case, "SELECT count(*) FROM score_day WHERE risk_band > 0 AND readiness_band > 0") == [(0,)]
    both = list(spans_together(case))
    assert both == [], both[:5]
    twice = query(case, "SELECT account_id, engine, count(*) FROM finding WHERE closed_on IS NULL GROUP BY 1, 2 HAVING count(*) > 1")
    assert twice == [], twice
    print(f"  {days} days, {at_risk} account-days at risk, {ready} ready or emerging")


def test_a_day_scored_again_changes_nothing(case):
    """A second run of a day changes no row and adds no event, and an earlier day leaves findings alone."""
    load(case, more=TALKATIVE)
    case.retaind("score", "--from", "2024-11-01", "--to", "2024-11-20", "-q")
    before = snapshot(case)
    assert before[2], "there have to be findings"
    case.retaind("score", "--as-of", "2024-11-20", "-q")
    assert snapshot(case) == before
    case.retaind("score", "--as-of", "2024-11-05", "-q")
    assert snapshot(case)[2:] == before[2:]


def test_explain_is_the_same_to_the_byte(case):
    """explain gives the same bytes on two runs, and after every later fact was deleted."""
    load(case, more=TALKATIVE)
    case.retaind("score", "--from", "2024-11-20", "--to", "2024-12-31", "-q")
    keys = [k for (k,) in query(case, "SELECT source_key FROM account WHERE created_on < ? ORDER BY id LIMIT ?",
                                 day("2024-06-01"), 20 if HEAVY else 4)]
    assert len(keys) >= 4
    days = ["2024-12-30", "2024-12-01", "2024-06-30"]

    def explain(key, on, form):
        return case.retaind("explain", key, "--as-of", on, "--format", form).stdout

    told = {(k, d, f): explain(k, d, f) for k in keys for d in days for f in ("table", "json")}
    for (key, on, form), text in told.items():
        assert len(text) > 500
        if form == "json":
            assert json.loads(text)["as_of"] == on
    for d in days:  # the latest first, as each takes away what comes after it
        assert all(explain(k, d, f) == told[k, d, f] for k in keys for f in ("table", "json")), f"second run of {d}"
        forget_after(case, day(d))
        for k in keys:
            for f in ("table", "json"):
                assert explain(k, d, f) == told[k, d, f], f"{k} {d}:\n{told[k, d, f]}\n---\n{explain(k, d, f)}"


def test_explain_says_what_score_saved(case):
    """explain replays what score said: the same score and band, and the same signals of accounts in a band above the lowest."""
    load(case)
    case.retaind("score", "--from", "2024-12-01", "--to", "2024-12-20", "-q")
    rows = query(case, "SELECT a.source_key, s.account_id, s.risk, s.readiness, s.risk_band, s.readiness_band FROM score_day s "
                       "JOIN account a ON a.id = s.account_id WHERE s.day = ? ORDER BY s.risk DESC, a.id LIMIT 20", day("2024-12-20"))
    assert rows and any(row[4] or row[5] for row in rows)
    for key, account, risk, readiness, band, growth_band in rows:
        told = json.loads(case.retaind("explain", key, "--as-of", "2024-12-20", "--format", "json").stdout)
        assert abs(told["defense"]["score"] - risk) < 1e-5
        assert told["defense"]["band"] == ["steady", "watch", "at_risk"][band]
        saved = dict(query(case, "SELECT signal, contribution FROM score_signal WHERE account_id = ? AND day = ? AND engine = 'defense'",
                           account, day("2024-12-20")))
        here = {s["signal"]: s["contribution"] for s in told["defense"]["signals"] if s["strength"] > 0 and (band or growth_band)}
        assert saved.keys() == here.keys(), (saved, here)
        assert all(abs(saved[k] - here[k]) < 1e-3 for k in saved)
        assert all(s["why_unknown"] for s in told["defense"]["signals"] if not s["known"])


def test_feedback_is_kept(case):
    """ack, snooze and dismiss are kept with their reasons, and a finding that is closed takes none."""
    load(case, more=TALKATIVE)
    case.retaind("score", "--from", "2024-12-01", "--to", "2024-12-20", "-q")
    findings = json.loads(case.retaind("accounts", "--format", "json").stdout)
    assert len(findings) >= 3
    ids = [str(f["finding"]) for f in findings[:3]]
    case.retaind("ack", ids[0])
    case.retaind("snooze", ids[1], "--until", "2024-12-27", "--now", "2024-12-20T09:00:00Z")
    case.retaind("dismiss", ids[2], expect=64)
    case.retaind("dismiss", ids[2], "--reason", "known to us", "--now", "2024-12-20T09:00:00Z")
    case.retaind("ack", ids[2], expect=65)
    case.retaind("ack", "999999", expect=65)
    states = dict(query(case, "SELECT id, state FROM finding"))
    assert [states[int(i)] for i in ids] == ["acknowledged", "snoozed", "dismissed"]
    assert query(case, "SELECT note FROM finding_event WHERE kind = 'dismissed'") == [("known to us",)]
    listed = {str(f["finding"]) for f in json.loads(case.retaind("accounts", "--format", "json").stdout)}
    assert not listed & set(ids)
    case.retaind("score", "--as-of", "2024-12-21", "-q")
    states = dict(query(case, "SELECT id, state FROM finding"))
    assert states[int(ids[1])] in ("snoozed", "resolved") and states[int(ids[2])] == "dismissed"


def test_accounts_that_nothing_is_known_of_are_counted(case):
    """score and check say how many accounts are left out because nothing says whether they are customers."""
    load(case)
    done = case.retaind("score", "--as-of", "2024-12-20")
    assert "left out" not in done.stderr, done.stderr
    accounts = query(case, "SELECT count(*) FROM account")[0][0]
    write(case, ("DELETE FROM subscription",), ("UPDATE account SET arr_minor = NULL, is_customer = NULL",))
    told = f"{accounts} accounts are left out: neither a subscription, nor ARR, nor is_customer; map one of them in orgs/raven.yaml"
    assert told in case.retaind("score", "--as-of", "2024-12-21").stderr
    assert told in case.retaind("check").stdout
    write(case, ("UPDATE account SET is_customer = 0",))
    assert "left out" not in case.retaind("score", "--as-of", "2024-12-22").stderr


def test_five_hundred_accounts_take_no_time(case):
    """Scoring 500 accounts takes less than two seconds of one core."""
    if not WHOLE.exists():
        raise Skip("the whole of RavenStack is not here")
    load(case, WHOLE)
    before = os.times()
    case.retaind("score", "--as-of", "2024-12-31", "-q")
    after = os.times()
    seconds = sum(after[2:4]) - sum(before[2:4])  # the children's
    assert query(case, "SELECT count(*) FROM score_day")[0][0] > 490
    print(f"  {seconds:.2f} s")
    assert seconds < 2, seconds


run(globals())
