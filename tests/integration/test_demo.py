#!/usr/bin/env python3
"""`make demo` tells the truth: its two mornings run through the real binary, and what it prints was really sent."""
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, ROOT, SANITIZED, run  # noqa: E402

SCORED_FROM = "2026-01-15" if SANITIZED else "2025-09-01"

BOTH_LISTS = """
    SELECT a.name, d.day FROM score_day d JOIN account a ON a.id = d.account_id WHERE d.risk_band > 0 AND d.readiness_band > 0
    UNION ALL
    SELECT a.name, d.opened_on FROM finding d JOIN finding e USING (account_id) JOIN account a ON a.id = d.account_id
    WHERE d.engine = 'defense' AND e.engine = 'expansion'
    AND d.opened_on < coalesce(e.closed_on, 2147483647) AND e.opened_on < coalesce(d.closed_on, 2147483647)"""


def test_the_demo(case):
    """The demo's second morning brings what happened on the first day, and on no day of half a year one account is in both lists."""
    home = case.tmp / "demo"
    shown = subprocess.run(["python3", str(ROOT / "tests/support/demo.py"), BIN, str(home)], capture_output=True, text=True,
                           timeout=200, stdin=subprocess.DEVNULL)
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr[-2000:]
    mail = shown.stdout[shown.stdout.index("got by mail"):shown.stdout.index("got in Slack")]
    slack = shown.stdout[shown.stdout.index("got in Slack"):shown.stdout.index("Net revenue retention")]
    new, old = mail.split("Still open, the longest first:")
    for name in ("Oakline Insurance", "Kestrel Logistics", "Pixelmoor Studios"):
        assert name in new and name not in slack, name
    assert "Brasserie Maréchal" in old and "Solène Health" in slack, shown.stdout
    assert "Corvid Media" not in slack, "an account in trouble is offered more"
    assert "net retention (NRR) 100.4 %" in shown.stdout, shown.stdout[-1500:]
    case.retaind("score", "--from", SCORED_FROM, "--to", "2026-03-04", "--now", "2026-03-04T06:30:00Z", config=home / "config")
    database = home / "state/orgs/lumendesk/retaind.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM score_day WHERE risk_band > 0").fetchone()[0] > 20
        assert db.execute("SELECT count(*) FROM score_day WHERE readiness_band > 0").fetchone()[0] > 20
        assert db.execute(BOTH_LISTS).fetchall() == []
        assert db.execute("SELECT count(*) FROM outbox WHERE state <> 'sent'").fetchone()[0] == 0


if __name__ == "__main__":
    run(globals())
