#!/usr/bin/env python3
"""Salesforce's Bulk jobs and writes against a strict stand-in: lists that are prepared first, rows that are written with an outcome each."""
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import salesforce  # noqa: E402
from harness import BIN, HEAVY, run, wait_for  # noqa: E402
from hubspot import number  # noqa: E402
from salesforce_org import NOW, assert_same, at, local, organisation, pull_at, stand_in  # noqa: E402


# jobs -----------------------------------------------------------------------------------------------------------------

JOB = salesforce.VERSION + "/jobs/query"


def job_stand_in(case, n=100, size=10, change=lambda text: text):
    """n accounts that come as a job in pages of so many rows."""
    server = stand_in(case)
    for i in range(n):
        server.org.add("Account", Name=f"A {i}, \"quoted\"\nand more")
    organisation(case, server, change=lambda text: change(local(text).replace("maxRecords: 2000", f"maxRecords: {size}")))
    return server


def calls(server, method, path=JOB):
    return [r for r in server.seen if r["method"] == method and r["path"].startswith(path)]


def test_a_whole_list_comes_as_a_job(case):
    """The first list is asked for once, looked at until it is done, read in pages and cleared away; what it costs is counted."""
    server = job_stand_in(case, 95)
    results, _ = pull_at(case, server, NOW, "--stream", "accounts")
    assert (number(results["accounts"], "rows"), number(results["accounts"], "pages")) == (95, 10), results
    assert_same(case, server.org, ["accounts"])
    assert [len(calls(server, m)) for m in ("POST", "GET", "DELETE")] == [1, 13, 1] and not server.jobs, [r["path"] for r in server.seen]
    asked = calls(server, "POST")[0]["body"]
    assert '"operation":"queryAll"' in asked and " WHERE " not in asked and "SystemModstamp" in asked, asked
    result = case.retaind("pull", "--now", at(NOW), "--dry-run", "--full", "--stream", "accounts", "--limit", "3")
    assert len([line for line in result.stdout.splitlines() if '"name"' in line or "A " in line]) >= 3 and not server.jobs, result.stdout


def test_a_job_that_fails_fails_its_stream_alone(case):
    """A job that ends as Failed or Aborted says why; the next pull asks for another."""
    server = job_stand_in(case)
    for end in ("Failed", "Aborted"):
        server.job_end = end
        results, said = pull_at(case, server, NOW, expect=75)
        assert results["accounts"]["result"] == "failed" and results["users"]["result"] == "ok", results
        assert f"the job ended as {end}: INVALIDENTITY" in said, said
    server.job_end = "JobComplete"
    results, _ = pull_at(case, server, NOW + 60, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 100, results
    assert_same(case, server.org, ["accounts"])


def test_a_job_is_found_again(case):
    """A pull that ends while the job is at work, or between its pages, goes on with the same job: no second one, no page twice."""
    server = job_stand_in(case, change=lambda text: text.replace("        first_wait: 0.01\n", "        first_wait: 0.01\n        within: 1s\n"))
    server.polls_needed = 10**6
    _, said = pull_at(case, server, NOW, "--stream", "accounts", expect=75)
    assert "the job isn't done after" in said and "the next pull looks again" in said, said
    server.polls_needed = 0
    server.fail("/results", after=4, times=20, status=503, code="SERVER_UNAVAILABLE")
    pull_at(case, server, NOW + 60, "--stream", "accounts", expect=75)
    assert case.query("SELECT count(*) FROM account") == [(40,)]
    server.faults.clear()
    pull_at(case, server, NOW + 120, "--stream", "accounts")
    assert_same(case, server.org, ["accounts"])
    assert len(calls(server, "POST")) == 1
    pages = [r["query"].get("locator") for r in calls(server, "GET") if r["path"].endswith("/results")]
    assert len(set(pages)) == 10 and sum(p == pages[4] for p in pages) == len(pages) - 9, pages


def test_a_job_that_is_gone_is_asked_for_anew(case):
    """Salesforce has cleared the job away before all was read: the list begins anew in the same pull."""
    server = job_stand_in(case)
    server.fail("/results", after=4, times=20, status=503, code="SERVER_UNAVAILABLE")
    pull_at(case, server, NOW, "--stream", "accounts", expect=75)
    server.faults.clear()
    server.jobs.clear()
    results, _ = pull_at(case, server, NOW + 60, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 100 and len(calls(server, "POST")) == 2, results
    assert_same(case, server.org, ["accounts"])


def test_pages_that_lack_rows_are_not_taken(case):
    """A page that says that it has more rows than came is asked for again, and if that doesn't help by the next pull; pages that are
    fewer rows in all than the job counted make no list, and another job is asked for."""
    server = job_stand_in(case)
    server.fail("/results", after=1, short=1)
    server.fail("/results", after=3, times=9, short=2)
    _, said = pull_at(case, server, NOW, "--stream", "accounts", expect=75)
    assert "it has 8 rows, but says that it has 10" in said and case.query("SELECT count(*) FROM account") == [(30,)], said
    results, _ = pull_at(case, server, NOW + 60, "--stream", "accounts")
    assert number(results["accounts"], "rows") == 70 and len(calls(server, "POST")) == 1, results
    assert_same(case, server.org, ["accounts"])
    server.lost_rows = 3
    _, said = pull_at(case, server, NOW + 120, "--full", "--stream", "accounts", expect=75)
    assert "the job's pages have 100 rows, but it says that it has 103" in said, said
    server.lost_rows = 0
    results, _ = pull_at(case, server, NOW + 180, "--full", "--stream", "accounts")
    assert results["accounts"]["result"] == "ok"
    server.fail("/results", after=2, times=1, cut=400)
    results, _ = pull_at(case, server, NOW + 240, "--full", "--stream", "accounts")
    assert number(results["accounts"], "rows") == 100 and number(results["accounts"], "set_aside") == 0, results


def kill_a_first_list(case, server, dice, most):
    """Kills a pull again and again until one comes to its end; returns how often."""
    command = [BIN, "pull", "--config", str(case.tmp / "config"), "--now", at(NOW), "-q", "--stream", "accounts"]
    for n_kills in range(most):
        n, wanted = len(server.seen), dice.randrange(1, 5)
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda n=n, w=wanted: len(server.seen) >= n + w or running.poll() is not None, what="requests")
        if running.poll() is not None:
            return n_kills
        running.send_signal(signal.SIGKILL)
        running.wait()
    return most


def test_a_job_outlives_the_process(case):
    """kill -9 at any moment of a first list by jobs: the same rows in the end, one job unless it was killed before it knew its name, and at
    most one page read twice for each kill."""
    dice, kills, jobs, n_pages = random.Random(11), 0, 0, 0
    for _ in range(25 if HEAVY else 2):
        shutil.rmtree(case.tmp / "state", ignore_errors=True)
        server = job_stand_in(case, 60, 5)
        server.org.now, server.polls_needed = NOW, 3
        n_kills = kill_a_first_list(case, server, dice, 6)
        pull_at(case, server, NOW, "--stream", "accounts", expect=None)
        assert_same(case, server.org, ["accounts"])
        pages = [r["query"].get("locator") for r in calls(server, "GET") if r["path"].endswith("/results")]
        n_jobs = len(calls(server, "POST"))
        assert n_jobs <= 1 + n_kills and len(pages) <= 12 + n_kills, (len(pages), n_jobs, n_kills)
        kills, jobs, n_pages = kills + n_kills, jobs + n_jobs, n_pages + len(pages)
    print(f"         {kills} kills, {jobs} jobs, {n_pages} pages read")


# writes ---------------------------------------------------------------------------------------------------------------

NAMES = {"risk": "Retaind_Risk__c", "readiness": "Retaind_Readiness__c", "band": "Retaind_Band__c", "as_of": "Retaind_As_Of__c"}
SCORED_ON = 20600  # 2026-05-27


def scored(case, n):
    """n accounts pulled and scored, the first ten with a readiness too."""
    server = stand_in(case)
    ids = [server.org.add("Account", Name=f"A {i}") for i in range(n)]
    organisation(case, server, more="    write_back:\n      is_enabled: true\n      account:\n" + "".join(f"        {k}: {v}\n" for k, v in NAMES.items()))
    pull_at(case, server, NOW, "--stream", "accounts")
    execute(case, f"INSERT INTO score_row SELECT {SCORED_ON}, id, (id - 1) % 100, CASE WHEN id <= 10 THEN 55.5 END, 80, 2, 1, {SCORED_ON}, {SCORED_ON}, NULL, "
                  "NULL, 'x' FROM account")
    server.seen.clear()
    return server, ids


def execute(case, sql, *args):
    with sqlite3.connect(case.database()) as db:
        db.execute(sql, args)
    db.close()


def write_back(case, *options):
    result = case.retaind("write-back", "--format", "json", *options, expect=None)
    return json.loads(result.stdout)[0], result.stderr


def records(server):
    return [json.loads(r["body"]) for r in server.seen if r["method"] == "PATCH"]


def test_accounts_are_written_200_at_a_time_and_once(case):
    """450 scores go out in three requests of typed values, into the fields that were named and no others; a second run sends nothing, and
    what is unknown by now is emptied with null."""
    server, ids = scored(case, 450)
    counts, _ = write_back(case)
    assert (counts["written"], counts["refused"], counts["requests"], counts["result"]) == (450, 0, 3, "ok"), counts
    bodies = records(server)
    assert [len(b["records"]) for b in bodies] == [200, 200, 50] and all(b["allOrNone"] is False for b in bodies)
    assert {k for b in bodies for r in b["records"] for k in r} == {"attributes", "id", *NAMES.values()}
    rows = server.org.rows["Account"]
    by_key = dict(case.query("SELECT source_key, id FROM account"))
    assert all(rows[i]["Retaind_Risk__c"] == (by_key[i] - 1) % 100 and rows[i]["Retaind_As_Of__c"] == "2026-05-27" for i in ids)
    assert sum(rows[i]["Retaind_Readiness__c"] == 56 for i in ids) == 10
    server.seen.clear()
    counts, _ = write_back(case)
    assert (counts["written"], counts["unchanged"], counts["requests"], server.seen) == (0, 450, 0, []), counts
    execute(case, "DELETE FROM score_row WHERE account_id = 7")
    write_back(case)
    gone = records(server)[0]["records"]
    assert len(gone) == 1 and {v for k, v in gone[0].items() if k in NAMES.values()} == {None}, gone


def test_rows_that_are_refused_are_told_one_by_one(case):
    """200 with errors for some rows: those are told with Salesforce's reason and tried again by the next run, the others are written;
    a request that is refused whole is halved until what spoils it stands alone."""
    server, ids = scored(case, 30)
    server.unwilling = {ids[3]: ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Owner must approve this"), ids[9]: ("UNABLE_TO_LOCK_ROW", "unable to lock")}
    server.org.delete("Account", ids[20])
    counts, said = write_back(case)
    assert (counts["written"], counts["refused"], counts["requests"]) == (27, 3, 1), counts
    for identity, words in ((ids[3], "Owner must approve this"), (ids[9], "unable to lock"), (ids[20], "entity is deleted")):
        assert any(identity in line and words in line for line in said.splitlines()), (identity, said)
    server.unwilling = {}
    counts, _ = write_back(case)
    assert (counts["written"], counts["refused"]) == (2, 1), counts
    server.fail("/composite", times=1, status=400, code="JSON_PARSER_ERROR")
    counts, said = write_back(case, "--full")
    assert (counts["written"], counts["requests"]) == (29, 3), (counts, said)


def test_a_write_that_is_not_answered_is_made_again(case):
    """An answer that is cut off is no outcome: the request is made again, which writes the same values once more."""
    server, ids = scored(case, 20)
    server.fail("/composite", times=1, cut=300)
    counts, _ = write_back(case)
    assert counts["written"] == 20 and len(records(server)) == 2 and records(server)[0] == records(server)[1], counts
    server.sessions.clear()
    counts, _ = write_back(case, "--full")
    assert counts["written"] == 20 and counts["result"] == "ok", counts


def test_an_account_that_was_merged_leads_to_the_survivor(case):
    """Two accounts are merged in Salesforce: the one that is gone is deleted, and what belonged to it is the survivor's."""
    server = stand_in(case)
    survivor, loser = (server.org.add("Account", Name=n) for n in ("Survivor", "Loser"))
    contact = server.org.add("Contact", Name="Ana", AccountId=loser)
    organisation(case, server)
    pull_at(case, server, NOW)
    server.org.now = NOW + 60
    server.org.edit("Account", loser, IsDeleted=True, MasterRecordId=survivor)
    pull_at(case, server, NOW + 3600)
    assert case.query("SELECT source_key FROM account WHERE deleted_on IS NULL") == [(survivor,)]
    owned = case.query("SELECT a.source_key FROM contact c JOIN account a ON a.id = c.account_id WHERE c.source_key = ?", contact)
    assert owned == [(survivor,)], owned


run(globals())
