#!/usr/bin/env python3
"""Write-back into HubSpot: what changed and nothing else, into the properties that were named and no others, whatever happens."""
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import prism  # noqa: E402
from harness import BIN, run, wait_for  # noqa: E402
from hubspot import TOKEN, companies, organisation, pull, stand_in  # noqa: E402

NAMES = {"risk": "retaind_risk", "readiness": "retaind_readiness", "band": "retaind_band", "readiness_band": "retaind_readiness_band",
         "cause": "retaind_cause", "as_of": "retaind_as_of"}
DAY = 20600  # 2026-05-27
UPDATE = "/crm/v3/objects/companies/batch/update"


def settings(is_enabled=True, names=None):
    lines = "".join(f"        {k}: {v}\n" for k, v in (names or NAMES).items())
    return f"    write_back:\n      is_enabled: {str(is_enabled).lower()}\n      account:\n{lines}"


def write(case, *statements):
    with sqlite3.connect(case.database()) as db:
        for sql, *args in statements:
            db.execute(sql, args)
    db.close()


def score(case, key, risk, readiness=None, day=DAY, band=0):
    """Says how an account stands on a day, as `retaind score` would have stored it."""
    write(case, ("INSERT OR REPLACE INTO score_row SELECT ?, id, ?, ?, 80, ?, 0, ?, ?, NULL, NULL, 'x' FROM account WHERE source_key = ?",
                 day, risk, readiness, band, day, day, key))


def scored(case, n, server_options=None, **more):
    """n companies pulled and scored: risk 0, 1, 2 ..., the first ten with a readiness too."""
    store, server = stand_in(case, {"companies": companies(n)}, **(server_options or {}))
    store.writable = set(NAMES.values())
    organisation(case, server.url, more=settings(**more))
    pull(case, "--stream", "companies")
    write(case, (f"INSERT INTO score_row SELECT {DAY}, id, (id - 1) % 100, CASE WHEN id <= 10 THEN 55.5 END, 80, 2, 1, {DAY}, {DAY}, NULL, "
                 "NULL, 'x' FROM account",))
    write(case, ("INSERT INTO finding (account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence, value_minor, "
                 "currency, expected_minor, act_by_on, play, summary, evidence) SELECT id, 'defense', 'usage_decline', 'open', 1, 1, 70, 70, 1, "
                 "1, 'EUR', 1, 1, 'p', 's', '[]' FROM account WHERE source_key = '1003'",))
    server.seen.clear()
    return store, server


def write_back(case, *options, expect=0):
    result = case.retaind("write-back", "--format", "json", *options, expect=expect)
    return json.loads(result.stdout) if result.stdout.strip() else [], result.stderr


def inputs(server):
    """All that was sent, as (id, properties); every request must be a batch/update."""
    assert all((s["method"], s["path"]) == ("POST", UPDATE) for s in server.seen), server.seen
    return [(i["id"], i["properties"]) for s in server.seen for i in json.loads(s["body"])["inputs"]]


def test_the_first_run_writes_and_the_second_has_nothing_to_write(case):
    """250 companies go out in three batches of strings; a second run sends 0 requests, a new day alone too."""
    store, server = scored(case, 250)
    rows, _ = write_back(case)
    assert (rows[0]["written"], rows[0]["unchanged"], rows[0]["requests"], rows[0]["result"]) == (250, 0, 3, "ok"), rows
    sent = dict(inputs(server))
    assert len(sent) == 250 and [len(json.loads(s["body"])["inputs"]) for s in server.seen] == [100, 100, 50]
    assert sent["1003"] == {"retaind_risk": "3", "retaind_readiness": "56", "retaind_band": "at_risk",
                            "retaind_readiness_band": "emerging", "retaind_cause": "usage_decline", "retaind_as_of": "2026-05-27"}, sent["1003"]
    assert sent["1200"] == {"retaind_risk": "0", "retaind_band": "at_risk", "retaind_as_of": "2026-05-27"}, sent["1200"]
    assert store.rows["companies"]["1003"]["properties"]["retaind_risk"] == "3"
    server.seen.clear()
    rows, _ = write_back(case)
    assert (rows[0]["written"], rows[0]["unchanged"], rows[0]["requests"], server.seen) == (0, 250, 0, []), rows
    write(case, (f"INSERT INTO score_row SELECT {DAY + 1}, account_id, risk, readiness, 80, 2, 1, 1, 1, NULL, NULL, 'x' FROM score_day",))
    rows, _ = write_back(case)
    assert (rows[0]["unchanged"], server.seen) == (250, []), rows
    score(case, "1200", 1.4, day=DAY + 1, band=2)
    write_back(case)
    assert inputs(server) == [("1200", {"retaind_risk": "1", "retaind_as_of": "2026-05-28"})], inputs(server)


def test_a_changed_score_writes_that_account_alone(case):
    """One new score sends one account with what changed and the day; one that is unknown now, or has no score any more, is emptied."""
    store, server = scored(case, 30)
    write_back(case)
    server.seen.clear()
    score(case, "1007", 88.4, 55.5, band=2)
    rows, _ = write_back(case)
    assert (rows[0]["written"], rows[0]["unchanged"]) == (1, 29), rows
    assert inputs(server) == [("1007", {"retaind_risk": "88", "retaind_readiness_band": "not_yet"})], inputs(server)
    server.seen.clear()
    score(case, "1007", None, 55.5)
    write(case, ("DELETE FROM score_row WHERE account_id = (SELECT id FROM account WHERE source_key = '1020')",))
    write_back(case)
    assert inputs(server) == [("1007", {"retaind_risk": "", "retaind_band": ""}),
                              ("1020", {"retaind_risk": "", "retaind_band": "", "retaind_as_of": ""})], inputs(server)
    assert store.rows["companies"]["1020"]["properties"]["retaind_risk"] == ""
    server.seen.clear()
    rows, _ = write_back(case)
    assert (rows[0]["written"], server.seen) == (0, []), rows
    write_back(case, "--full")
    assert len(inputs(server)) == 29


def test_only_the_named_properties_are_ever_named(case):
    """What the organisation did not name is in no body, and a name may be changed: then it is written anew under the new one."""
    store, server = scored(case, 12, names={"risk": "our_risk", "as_of": "our_day"})
    store.writable = {"our_risk", "our_day", "risk_2"}
    write_back(case)
    assert {n for _, properties in inputs(server) for n in properties} == {"our_risk", "our_day"}, inputs(server)
    assert all(set(i) == {"id", "properties"} and set(b) == {"inputs"} for s in server.seen for b in [json.loads(s["body"])] for i in b["inputs"])
    organisation(case, server.url, more=settings(names={"risk": "risk_2"}))
    server.seen.clear()
    rows, _ = write_back(case)
    assert rows[0]["written"] == 12 and {n for _, p in inputs(server) for n in p} == {"risk_2"}, rows


def test_nothing_is_written_unasked(case):
    """Without is_enabled, or without write_back, it is refused with a sentence; a dry run shows the changes and sends nothing."""
    _, server = scored(case, 20, is_enabled=False)
    _, error = write_back(case, expect=78)
    assert "nothing is written into crm" in error and "--dry-run" in error and "is_enabled: true" in error, error
    (case.tmp / "token").unlink()  # a dry run needs no secret either
    changes, _ = write_back(case, "--dry-run")
    shown = {(c["account"], c["property"]): (c["was"], c["becomes"]) for c in changes}
    assert shown["1003", "retaind_risk"] == ("", "3") and shown["1003", "retaind_cause"] == ("", "usage_decline"), changes
    assert len({k for k, _ in shown}) == 20 and case.query("SELECT count(*) FROM written_back") == [(0,)]
    organisation(case, server.url)
    _, error = write_back(case, "--dry-run", expect=78)
    assert "no source of orgs/acme.yaml says `write_back:`" in error, error
    assert server.seen == []
    organisation(case, server.url, more=settings())
    write_back(case)
    score(case, "1003", 97.0, 55.5, band=2)
    changes, _ = write_back(case, "--dry-run")
    assert {c["property"]: (c["was"], c["becomes"]) for c in changes} == {
        "retaind_risk": ("3", "97"), "retaind_readiness_band": ("emerging", "not_yet")}, changes
    assert "as-of" in case.retaind("write-back", "--as-of", "2026-05-27", expect=64).stderr


def test_accounts_that_are_refused_are_told_and_the_rest_is_written(case):
    """207: each refused account with its reason and 65, the others written; tried again the next time, they alone."""
    store, server = scored(case, 120)
    store.unwilling = {"1005", "1110"}
    store.archive("companies", "1007")
    rows, errors = write_back(case, expect=65)
    assert (rows[0]["written"], rows[0]["refused"], rows[0]["result"]) == (117, 3, "some refused"), rows
    assert all(f"account={k}" in errors and f"Could not get {k}" in errors for k in ("1005", "1007", "1110")), errors
    assert case.query("SELECT count(DISTINCT account_id) FROM written_back") == [(117,)]
    store.unwilling = set()
    server.seen.clear()
    rows, _ = write_back(case, expect=65)
    assert (rows[0]["written"], rows[0]["refused"], [i for i, _ in inputs(server)]) == (2, 1, ["1005", "1007", "1110"]), rows


def test_an_account_that_spoils_its_batch_is_found(case):
    """A 400 for a whole batch is halved until the account that it is for stands alone; one for every batch is given up soon."""
    store, server = scored(case, 100)
    store.poison = {"1042"}
    rows, errors = write_back(case, expect=65)
    assert (rows[0]["written"], rows[0]["refused"]) == (99, 1) and "account=1042" in errors and len(server.seen) < 20, (rows, len(server.seen))
    store.poison = set(store.rows["companies"])
    server.seen.clear()
    write_back(case, "--full", expect=65)
    assert len(server.seen) < 60, len(server.seen)


def test_a_property_that_is_not_there_tells_a_person(case):
    """A property that HubSpot doesn't have ends it at once with 78 and says where to make it; so does a token without the scope."""
    store, server = scored(case, 250)
    store.writable = set(NAMES.values()) - {"retaind_cause"}
    rows, errors = write_back(case, expect=78)
    assert "retaind_cause" in errors and "Company properties" in errors and len(server.seen) == 1, errors
    assert rows[0]["result"] == "failed"
    server.fail(path=UPDATE, status=403, category="MISSING_SCOPES", message="This app hasn't been granted all required scopes")
    _, errors = write_back(case, expect=78)
    assert "scope" in errors and TOKEN not in errors, errors
    assert case.query("SELECT count(*) FROM written_back") == [(0,)]


def test_a_server_that_fails_now_and_then_is_asked_again(case):
    """429, 500, 503, cut and half answers: everything is written in the end; one that stays down ends with 75 and keeps what was taken."""
    store, server = scored(case, 250)
    for what in ({"status": 429, "category": "RATE_LIMITS"}, {"status": 500}, {"status": 503}, {"cut": 300}, {"wrong_length": True}, {"body": ""}):
        server.fail(path=UPDATE, **what)
    rows, _ = write_back(case)
    assert (rows[0]["written"], rows[0]["result"]) == (250, "ok"), rows
    assert all(r["properties"]["retaind_risk"] == str(i % 100) for i, r in enumerate(store.rows["companies"].values()))
    server.seen.clear()
    server.fail(path=UPDATE, times=-1, after=1, status=503)
    rows, errors = write_back(case, "--full", expect=75)
    assert (rows[0]["written"], rows[0]["result"]) == (100, "failed") and "HTTP 503" in errors, rows
    server.faults.clear()
    score(case, "1001", 99.0, 55.5, band=2)
    rows, _ = write_back(case)
    assert rows[0]["written"] == 1, rows


def test_a_kill_between_answer_and_store_repeats_one_batch(case):
    """kill -9 when HubSpot has taken a batch and before it is noted: the next run sends that batch again, and the same is there."""
    store, server = scored(case, 250)
    server.fail(path=UPDATE, after=1, slow=1.0)
    process = subprocess.Popen([BIN, "write-back", "--config", str(case.tmp / "config")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: store.rows["companies"]["1150"]["properties"].get("retaind_risk"), what="the second batch")
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert case.query("SELECT count(DISTINCT account_id) FROM written_back") == [(100,)]
    before = {k: dict(store.rows["companies"][k]["properties"]) for k in map(str, range(1000, 1200))}
    server.seen.clear()
    rows, _ = write_back(case)
    assert (rows[0]["written"], rows[0]["unchanged"]) == (150, 100), rows
    assert [i for i, _ in inputs(server)] == [str(k) for k in range(1100, 1250)]
    assert all(store.rows["companies"][k]["properties"]["retaind_risk"] == p["retaind_risk"] for k, p in before.items())


def test_accounts_of_other_sources_are_left_alone(case):
    """An account that another source gave is not written into this one, nor one that is deleted."""
    _, server = scored(case, 5)
    write(case, ("INSERT INTO source (name, kind) VALUES ('billing', 'csv')",),
          ("INSERT INTO account (source_id, source_key, name) SELECT id, '9999', 'Elsewhere' FROM source WHERE name = 'billing'",),
          ("UPDATE account SET deleted_on = 1 WHERE source_key = '1004'",))
    score(case, "9999", 90.0)
    write_back(case)
    assert [i for i, _ in inputs(server)] == ["1000", "1001", "1002", "1003"]


def test_mistakes_of_write_back_are_told(case):
    """Names that are none, named twice, read from the same place, or none at all, and a source that can't write."""
    _, server = stand_in(case, {"companies": companies(1)})
    for names, words in (({"risk": "a b"}, "no name of a property"), ({"risk": "x", "cause": "x"}, "two fields go to `x`"),
                         ({"as_of": "day"}, "names nothing to write"), ({"risk": "lifecyclestage"}, "read from there"),
                         ({"rsik": "x"}, "rsik")):
        organisation(case, server.url, more=settings(names=names))
        assert words in case.retaind("check", expect=78).stderr + case.retaind("check", expect=78).stdout, words
    organisation(case, server.url, more=settings(), connector=lambda text: text[:text.index("write:\n")] + text[text.index("attempts:"):])
    result = case.retaind("check", expect=78)
    assert "does not write" in result.stdout + result.stderr


def always(case):
    """A score that no scoring of today replaces."""
    write(case, ("INSERT INTO score_row SELECT 30000, id, 71, NULL, 80, 2, 0, 30000, 30000, NULL, NULL, 'x' FROM account",))


def test_once_writes_back_where_it_is_enabled(case):
    """A whole cycle ends with writing back; where it isn't enabled, nothing is written and nothing is said of it."""
    _, server = scored(case, 3)
    always(case)
    case.retaind("once", "--now", "2026-06-01T08:00:00Z")
    assert [(i, p["retaind_risk"]) for s in server.seen if s["path"] == UPDATE for i, p in
            [(x["id"], x["properties"]) for x in json.loads(s["body"])["inputs"]]] == [("1000", "71"), ("1001", "71"), ("1002", "71")]
    organisation(case, server.url, more=settings(is_enabled=False))
    write(case, ("DELETE FROM written_back",))
    server.seen.clear()
    result = case.retaind("once", "--now", "2026-06-02T08:00:00Z")
    assert not [s for s in server.seen if s["path"] == UPDATE] and "write" not in result.stderr, result.stderr


def daemon(case):
    """The daemon over a slot of this minute; returns what it logs."""
    always(case)
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text(path.read_text().replace("zone: Europe/Paris", "zone: UTC\ndays: [mon, tue, wed, thu, fri, sat, sun]\nschedule: { sync_lead: 60s }")
                    .replace("role: csm, ", f'role: csm, sends_when_quiet: true, at: "{time.strftime("%H:%M", time.gmtime())}", '))
    with open(case.tmp / "log", "wb") as log:
        process = subprocess.Popen([BIN, "run", "-v", "--config", str(case.tmp / "config")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True)
    case.at_end(lambda: (process.kill(), process.wait()))
    return (case.tmp / "log").read_text


def test_the_daemon_writes_back_after_scoring(case):
    """After a scoring the daemon tells the CRM how accounts stand, once."""
    _, server = scored(case, 3)
    log = daemon(case)
    wait_for(lambda: case.query("SELECT count(*) FROM written_back WHERE field = 'retaind_risk' AND value = '71'") == [(3,)], 20, "what was written")
    wait_for(lambda: list((case.tmp / "out").glob("*")), 20, "the digest")
    assert [s["path"] for s in server.seen].count(UPDATE) == 1 and "write_back_failed" not in log(), log()


def test_a_crm_that_is_unwell_holds_no_digest_back(case):
    """A write-back that fails is told and put off, and the digest goes out."""
    _, server = scored(case, 3)
    server.fail(path=UPDATE, times=-1, status=503)
    log = daemon(case)
    wait_for(lambda: "write_back_failed" in log() and re.search(r"job=write-back .*result=retry", log()), 20, "a refusal")
    wait_for(lambda: list((case.tmp / "out").glob("*")), 20, "the digest")
    assert case.query("SELECT count(*) FROM written_back") == [(0,)]


def test_the_published_document_allows_what_is_written(case):
    """Prism accepts the batches on HubSpot's own document: no 4xx, no violation."""
    prism.need()
    scored(case, 130)
    proxy = prism.Proxy(case, [(r"/crm/v3/objects/companies", "Companies-v3-companies.json")], None, lambda content: None)
    organisation(case, proxy.url, more=settings())
    write_back(case, expect=65)  # Prism's answer is of companies of its own
    prism.accepted(proxy)
    assert [m for m in prism.kinds(proxy)] == [("POST", UPDATE, "inputs")], prism.kinds(proxy)
    assert len(proxy.seen) == 2 and case.query("SELECT count(*) FROM written_back") == [(0,)]


if __name__ == "__main__":
    run(globals())
