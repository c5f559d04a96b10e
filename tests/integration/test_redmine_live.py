#!/usr/bin/env python3
"""A Redmine that runs, as Debian ships it: it is changed while it is read, and nothing is lost."""
import json
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import lists  # noqa: E402
import redmine as live  # noqa: E402
from harness import HEAVY, run  # noqa: E402
  # noqa: E402
from vendor import Vendor, organisation, pull, quick  # noqa: E402

N_CHANGES = 200 if HEAVY else 60
SIZE = 25  # rows a page: more pages to change something between
CLOSED = 5


class Between:
    """Hands each request on to Redmine and changes something behind each page of the list, until all changes are made."""

    def __init__(self, redmine, n_pages):
        self.redmine, self.left, self.each, self.random = redmine, 0, -(-N_CHANGES // n_pages), random.Random(11)
        self.ids, self.done, self.n_pages = [i["id"] for i in redmine.issues()], {"edit": 0, "close": 0, "create": 0}, 0

    def change(self, what):
        if what == "create":
            fields = {"project_id": 1, "tracker_id": 1, "priority_id": 1, "subject": "made on the way"}
            made = json.loads(self.redmine.ask("POST", "/issues.json", {"issue": fields}))
            self.ids.append(made["issue"]["id"])
        else:
            fields = {"subject": f"edited {self.left}"} if what == "edit" else {"status_id": CLOSED}
            self.redmine.ask("PUT", f"/issues/{self.random.choice(self.ids)}.json", {"issue": fields})
        self.done[what] += 1

    def __call__(self, request):
        path = request.path + ("?" + request.raw_query if request.raw_query else "")
        key = {"X-Redmine-API-Key": request.headers["X-Redmine-API-Key"]}
        answer = 200, self.redmine.ask(request.method, path, headers=key)
        if request.path == "/issues.json":
            self.n_pages += 1
            for _ in range(min(self.each, self.left)):
                self.change(self.random.choice(["edit", "edit", "close", "create"]))
                self.left -= 1
        return answer


def stored(case):
    return {int(k): (s, st, c) for k, s, st, c in case.query(
        "SELECT source_key, subject, status, closed_at IS NOT NULL FROM ticket WHERE deleted_on IS NULL")}


def assert_equal(case, redmine):
    have = stored(case)
    want = {i["id"]: (i["subject"], i["status"]["name"], int(bool(i["closed_on"]))) for i in redmine.issues()}
    lost = [i for i in want if have.get(i) != want[i]]
    assert not lost and len(have) == len(want), (lost[:5], [have.get(i) for i in lost[:5]], len(have), len(want))
    n, unique = case.query("SELECT count(*), count(DISTINCT source_key) FROM ticket")[0]
    assert n == unique == len(want), (n, unique)
    return len(want)


def test_a_redmine_that_changes_while_it_is_read(case):
    """A live Redmine with 300 issues is edited, closed in and added to while it is walked, twice: then the store equals it, nothing
    lost, nothing doubled."""
    redmine = live.Redmine(case)
    between = Between(redmine, live.N_ISSUES // SIZE)
    server = Vendor(case, between)
    organisation(case, "redmine", server.url, more="    map: { projects: skip }\n",
                 change=lambda text: quick(text).replace("limit: 100", f"limit: {SIZE}").replace("size: 100", f"size: {SIZE}"))
    (case.tmp / "key").write_text(redmine.key + "\n")
    between.left = N_CHANGES
    pull(case)
    n_walk = between.n_pages
    assert between.left == 0 and n_walk >= live.N_ISSUES // SIZE, (between.left, n_walk)
    pull(case)
    n = assert_equal(case, redmine)
    between.left, between.each = N_CHANGES, 20  # while the increment is read, and then what that missed
    results, _ = pull(case, "--now", lists.iso(time.time() + 30))
    assert results["issues"]["mode"] == "incremental"
    between.left = 0
    pull(case, "--now", lists.iso(time.time() + 60))
    n = assert_equal(case, redmine)
    print(f"         {n} issues, {sum(between.done.values())} changes {between.done}, {n_walk} pages in the first walk: 0 lost, 0 doubled")


run(globals())
