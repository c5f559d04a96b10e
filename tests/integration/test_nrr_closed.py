#!/usr/bin/env python3
"""Months that need not be closed again: what is reported is the same as when they are closed anew every day."""
import contextlib
import datetime
import shutil
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import SANITIZED, run  # noqa: E402
from test_score import day, load, query  # noqa: E402

FIRST, N_DAYS = datetime.date(2024, 10, 28), 5 if SANITIZED else 14
# Of what reports are made: day of the run -> what changes before it. seen_on ahead: not known before that day.
CHANGES = {
    3: "UPDATE subscription SET mrr_minor = mrr_minor * 2 WHERE id % 7 = 0",
    4: "UPDATE subscription SET seats = 1",  # nothing of it
    5: "UPDATE subscription SET seen_on = {later} WHERE id IN (SELECT id FROM subscription WHERE end_on IS NULL LIMIT 20)",
    8: "INSERT INTO history VALUES ('subscription', 21, 'mrr_minor', {before}, '100')",
    10: "UPDATE account SET is_customer = 1, arr_minor = 1200000, customer_since_on = {before} WHERE id = 3",
    12: "DELETE FROM subscription WHERE id = 31",
}


def write(case, *statements):
    with contextlib.closing(sqlite3.connect(case.database("raven"))) as db, db:
        for sql, *args in statements:
            db.execute(sql, args)


def reports(case):
    return [query(case, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in ("nrr_report", "nrr_restatement")]


def closed(case):
    return query(case, "SELECT day FROM nrr_closed")


def days(case, is_forgetting):
    """Every day scored, with what changes on the way; how often the months were taken as they were."""
    n_kept = 0
    for i in range(N_DAYS):
        on = FIRST + datetime.timedelta(i)
        numbers = {"later": day(str(FIRST)) + 7, "before": day(str(FIRST)) - 200}
        if i in CHANGES:
            write(case, [CHANGES[i].format(**numbers)])
        if is_forgetting:
            write(case, ["DELETE FROM nrr_closed"])
        before = closed(case)
        case.retaind("score", "--as-of", str(on), "-q", "--now", "2025-01-01T06:00:00Z")
        n_kept += before != [] and closed(case) == before
    return n_kept


def test_same_reports(case):
    """reports are the same whether months are closed every day or only when something changed, which is seldom"""
    load(case)
    first = day(str(FIRST))
    write(case, ["DELETE FROM subscription WHERE start_on > ? OR (end_on > ? AND id % 2)", first, first],
          ["UPDATE subscription SET end_on = NULL WHERE end_on > ? AND id % 10", first])  # else there is a date on every day
    shutil.copytree(case.database("raven").parent, case.tmp / "kept")
    assert days(case, True) == 0
    wanted = reports(case)
    shutil.rmtree(case.database("raven").parent)
    shutil.copytree(case.tmp / "kept", case.database("raven").parent)
    n_kept = days(case, False)
    assert len(wanted[0]) >= 26, len(wanted[0])
    if not SANITIZED:
        assert len(wanted[1]) > 0 and n_kept >= 4, (len(wanted[1]), n_kept)
    assert reports(case) == wanted
    print(f"         {n_kept} of {N_DAYS} days closed nothing anew; {len(wanted[0])} reports, {len(wanted[1])} reasons")


def test_every_change_counts(case):
    """a change of a contract, an account, a rate, a bill or their history, and no other, has months closed again"""
    load(case)
    on = "2024-11-05"
    for sql, is_kept in (
            ("UPDATE account SET name = 'x', seats = 4", True),
            ("UPDATE subscription SET mrr_minor = mrr_minor, renewal_on = 1", True),
            ("INSERT INTO ticket (source_id, source_key, opened_at) VALUES (1, 'new', 1)", True),
            ("UPDATE subscription SET discount_minor = 5 WHERE id = 1", False),
            ("UPDATE account SET currency = 'EUR' WHERE id = 1", False),
            ("INSERT INTO history VALUES ('account', 1, 'plan', 1, 'x')", False),
            ("INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano) VALUES (1, 'r', 'EUR', 'USD', 1, 1000000000)",
             False),
            ("UPDATE rate SET rate_nano = 2000000000", False),
            ("DELETE FROM nrr_report WHERE id = (SELECT max(id) FROM nrr_report)", False),
            ("INSERT INTO invoice (source_id, source_key, account_id, issued_on, due_on) VALUES (1, 'i', 1, 19000, 19030)", False),
            ("UPDATE invoice SET amount_minor = 5", True),
            ("UPDATE invoice SET deleted_on = 19040", False),
            ("DELETE FROM invoice", False)):
        case.retaind("score", "--as-of", on, "-q")
        assert closed(case) == [(day(on),)], sql
        write(case, [sql])
        assert (closed(case) != []) == is_kept, sql


run(globals())
