#!/usr/bin/env python3
"""Lists that change while they are walked, for every way of paging: rows are edited, made and deleted between the pages."""
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import lists  # noqa: E402
from harness import HEAVY, SANITIZED, run  # noqa: E402
from lists import BORN, FAMILIES, all_pairs  # noqa: E402

N_ROWS = 60
SEEDS = range(12 if HEAVY else 1 if SANITIZED else 2)
LAG_S = 3 * 86400  # the longest of any connector: later than that all has been shown


class Drift:
    """Behind each page some rows are edited, made and deleted; the server's clock goes on with each change."""

    def __init__(self, server, seed):
        self.server, self.random, self.left, self.n = server, random.Random(seed), 0, 0

    def __call__(self, n_pages):
        for _ in range(min(3, self.left)):
            self.left -= 1
            self.n += 1
            self.server.clock += 1
            rows = self.server.rows
            what = self.random.choice(["edit", "edit", "make", "delete"])
            if what == "make":
                rows.append(lists.Row(max(r.n for r in rows) + 1, self.server.clock, self.server.clock))
            elif what == "edit":
                row = self.random.choice(rows)
                row.at, row.name = self.server.clock, f"Row {row.n} edited {self.n}"
            else:
                rows.remove(self.random.choice(rows))


def walk_and_change(case, family, seed):
    server = lists.serve(case, family, lists.rows(N_ROWS))
    server.between = drift = Drift(server, seed)
    lists.organisation(case, family, server)
    for n_changes in (27, 21):  # while the list is walked; while the increment is, of all that changed just now
        server.begin()
        drift.left = n_changes
        result = case.retaind("pull", "--stream", family.stream, "--now", lists.iso(server.clock), timeout=30, expect=None)
        # Stripe refuses to go on behind a row that was deleted meanwhile; the next pull begins anew.
        assert result.returncode == 0 or (family.name == "stripe list" and "No such customer" in result.stderr), result.stderr
        assert drift.left == 0 or result.returncode or family.has_increment, (drift.left, result.stdout)
        server.clock += 400
    drift.left = 0
    result = case.retaind("pull", "--stream", family.stream, "--now", lists.iso(server.clock), timeout=30)
    have, want = lists.stored(case, family), {family.key.format(r.n): r.name for r in server.rows}
    lost = {k: (have.get(k), want[k]) for k in want if have.get(k) != want[k]}
    assert not lost, (len(lost), dict(list(lost.items())[:4]), result.stdout)
    n, unique = case.query(f"SELECT count(*), count(DISTINCT source_key) FROM {family.table}")[0]
    assert n == unique, (n, unique)
    # One row asked about by itself may be gone; Stripe refuses to go on behind a row that is.
    refused = [r for q, r in server.wrong if r.status != 404 or not q.path.rpartition("/")[2].lstrip("cusi_").removesuffix(".json").isdigit()]
    assert all(family.name == "stripe list" and r.status == 400 for r in refused), refused[0].data()
    TOTALS["changes"] += drift.n
    TOTALS["rows"] += len(want)


TOTALS = {"changes": 0, "rows": 0}


def test_rows_that_change_between_pages(case):
    """Every way of paging, walked while its rows are edited, made and deleted, first whole and then by increment: with the next pull
    no living row is missing, stale or doubled."""
    all_pairs([(f, s) for f in FAMILIES if not f.is_increment for s in SEEDS], walk_and_change)
    print(f"         {TOTALS['changes']} changes during the walks, {TOTALS['rows']} living rows, 0 lost, 0 doubled")


run(globals())
