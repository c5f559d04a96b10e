#!/usr/bin/env python3
"""The HubSpot connector pulls live from a strict stand-in that is edited meanwhile and misbehaves."""
import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
from harness import BIN, HEAVY, run, wait_for  # noqa: E402
from hubspot import CREATED, TOKEN, companies, number, organisation, pull, quick, stand_in  # noqa: E402


# live pulls -----------------------------------------------------------------------------------------------------------

def assert_same(case, store):
    have = dict(case.query("SELECT source_key, name FROM account WHERE deleted_on IS NULL"))
    want = {k: r["properties"]["name"] for k, r in store.rows["companies"].items() if not r["archived"]}
    missing, wrong = set(want) - set(have), {k for k in want if k in have and have[k] != want[k]}
    assert not missing and not wrong and len(have) == len(want), f"{len(missing)} missing, {len(wrong)} stale, {len(have)} of {len(want)}"


def edits_during(server, store, n_requests, per_request, rng, tag):
    """per_request edits of random companies before each of the next n_requests answers."""
    ids = list(store.rows["companies"])
    start = len(server.seen)
    for i in range(1, n_requests + 1):
        server.at_request(start + i, lambda s, i=i: [s.edit("companies", k, {"name": f"{tag} {i} {k}"}) for k in rng.sample(ids, per_request)])


def test_edits_during_a_pull_are_neither_lost_nor_doubled(case):
    """5,000 companies with 500 edits while they are listed: none lost, none doubled, all edits there after the increment;
    then as many edits while the increment itself is searched."""
    rng = random.Random(5)
    store, server = stand_in(case, {"companies": companies(5000)})
    organisation(case, server.url)
    edits_during(server, store, 50, 10, rng, "during list")
    first, _ = pull(case, "--stream", "companies")
    assert (number(first["companies"], "rows"), number(first["companies"], "new")) == (5000, 5000), first
    second, _ = pull(case, "--stream", "companies")
    assert second["companies"]["mode"] == "incremental", second
    assert_same(case, store)

    for k in rng.sample(list(store.rows["companies"]), 1500):
        store.edit("companies", k, {"name": f"before {k}"})
    edits_during(server, store, 15, 30, rng, "during search")
    third, _ = pull(case, "--stream", "companies")
    assert number(third["companies"], "rows") <= 5000
    pull(case, "--stream", "companies")
    assert_same(case, store)
    assert case.query("SELECT count(*), count(DISTINCT source_key) FROM account") == [(5000, 5000)]


def test_more_rows_than_one_query_gives_share_one_instant(case):
    """12,000 companies changed at one instant come through, though one query gives 10,000."""
    store, server = stand_in(case, {"companies": companies(12000)})
    organisation(case, server.url)
    pull(case, "--stream", "companies")
    stamp = crm.iso((time.time() - 60) * 1000)
    store.merge({"companies": [{"id": str(1000 + i), "properties": {"name": f"batch {i}"}} for i in range(12000)]}, at=stamp)
    result, _ = pull(case, "--stream", "companies")
    assert (number(result["companies"], "rows"), number(result["companies"], "changed")) == (12000, 12000), result
    assert not [s for s in server.seen if s["path"].endswith("/search") and json.loads(s["body"])["after"] != "0"]
    assert_same(case, store)


def test_search_that_trails_behind_loses_nothing(case):
    """What the search index shows late is caught by the overlap of the next increment."""
    store, server = stand_in(case, {"companies": companies(300)}, index_lag=0.8)
    organisation(case, server.url)
    pull(case, "--stream", "companies")
    for k in list(store.rows["companies"])[:40]:
        store.edit("companies", k, {"name": f"late {k}"})
    unseen, _ = pull(case, "--stream", "companies")
    assert number(unseen["companies"], "rows") == 0, unseen
    time.sleep(0.1)
    while any(r["_seen_at"] > time.monotonic() for r in store.rows["companies"].values()):
        time.sleep(0.05)
    pull(case, "--stream", "companies")
    assert_same(case, store)


def everything(n=120):
    """A little of every kind, with links; the ids of one kind don't meet another's."""
    objects = {"owners": [{"id": "41", "email": "Ana@acme.example", "firstName": "Ana", "lastName": "Lima"}], "companies": companies(n)}
    details = {"contacts": {"firstname": "Zoé", "lastname": "Ng", "email": "z@c.example", "hs_buying_role": "CHAMPION"},
               "deals": {"dealname": "Renewal", "amount": "1200.50", "dealtype": "existingbusiness", "hs_is_closed": "false"},
               "tickets": {"subject": "Broken", "content": "It is", "hs_ticket_priority": "HIGH", "hs_pipeline_stage": "1"},
               "calls": {"hs_call_title": "Intro", "hs_call_direction": "INBOUND", "hs_timestamp": CREATED},
               "emails": {"hs_email_subject": "Hi", "hs_email_direction": "EMAIL", "hs_timestamp": CREATED},
               "meetings": {"hs_meeting_title": "QBR", "hs_meeting_outcome": "COMPLETED", "hs_timestamp": CREATED},
               "notes": {"hs_note_body": "n/a"}}  # without a time of its own: that of its creation
    objects["associations"] = []
    for place, (kind, properties) in enumerate(details.items(), 1):
        objects[kind] = [{"id": str(place * 100000 + i), "properties": {**properties, "hubspot_owner_id": "41"}, "createdAt": CREATED,
                          "updatedAt": CREATED} for i in range(n)]
        objects["associations"] += [(kind, str(place * 100000 + i), "companies", str(1000 + i), "Primary") for i in range(n - 1)]
        objects["associations"] += [(kind, str(place * 100000), "companies", str(1000 + i), None) for i in (5, 2)]
    for row in objects["companies"]:
        row["properties"] |= {"hubspot_owner_id": "41", "mau": "250.4", "seats_bought": "50", "arr": "12000", "plan": "Gold",
                              "renewal_date": "2027-02-28"}
    return objects


CUSTOM = """    map:
      companies:
        map:
          - { to: plan, from: properties.plan }
          - { to: renewal_on, from: properties.renewal_date }
          - { to: currency, value: EUR }
          - { to: arr_minor, from: properties.arr }
        usage: [ { metric: monthly_active_users, from: properties.mau } ]
        limits: [ { metric: seats, from: properties.seats_bought } ]
"""


def test_every_stream_comes_with_its_links_and_custom_properties(case):
    """Owners, companies, contacts, deals, tickets and engagements arrive linked; custom properties, usage and limits too."""
    store, server = stand_in(case, everything(), association_page=1)
    organisation(case, server.url, more=CUSTOM)
    results, _ = pull(case)
    assert len(results) == 9 and all(r["result"] == "ok" and r["set_aside"] in ("0", 0) for r in results.values()), results
    for table, n in (("contact", 120), ("opportunity", 120), ("ticket", 120), ("interaction", 480)):
        total, linked, right = case.query(f"SELECT count(*), count(account_id), sum(account_id = (SELECT id FROM account a WHERE "
                                          f"a.source_key = 1000 + t.source_key % 100000)) FROM {table} t")[0]
        assert (total, linked, right) == (n, n - n // 120, n - n // 120), (table, total, linked, right)
    assert case.query("SELECT DISTINCT plan, arr_minor, date(renewal_on * 86400, 'unixepoch'), csm_email FROM account") == \
        [("Gold", 1200000, "2027-02-28", "ana@acme.example")]
    assert case.query("SELECT count(*), min(value), max(value), count(DISTINCT day) FROM usage_daily WHERE metric = 'monthly_active_users'") == \
        [(120, 250, 250, 1)]
    assert case.query("SELECT count(account_id), min(value), max(metric) FROM account_limit") == [(120, 50, "seats")]
    assert case.query("SELECT DISTINCT amount_minor, currency, kind FROM opportunity") == [(120050, "EUR", "renewal")]
    assert case.query("SELECT DISTINCT role, name FROM contact") == [("champion", "Zoé Ng")]
    assert case.query("SELECT kind, direction FROM interaction GROUP BY 1, 2 ORDER BY 1") == \
        [("call", "in"), ("email", "out"), ("meeting", None), ("note", None)]
    for seen in server.seen:
        if seen["path"].endswith("/search"):
            assert {"after", "sorts", "properties", "filterGroups", "limit"} == set(json.loads(seen["body"])), seen["body"]
    again, _ = pull(case)
    assert all(number(r, "new") == number(r, "changed") == 0 for r in again.values()), again
    store.edit("companies", "1002", {"seats_bought": None})
    pull(case)
    assert case.query("SELECT source_key FROM account_limit WHERE deleted_on IS NOT NULL") == [("1002/seats",)]


def test_archived_rows_are_gone(case):
    """Rows archived in the CRM are marked deleted with the next daily list, and the rest stays."""
    store, server = stand_in(case, {"companies": companies(150)})
    organisation(case, server.url)
    pull(case)
    for k in ("1003", "1140"):
        store.archive("companies", k)
    pull(case)
    assert case.query("SELECT count(*) FROM account WHERE deleted_on IS NOT NULL") == [(0,)]
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400 + 5))
    results, _ = pull(case, "--now", tomorrow)
    assert number(results["companies"], "deleted") == 2, results["companies"]
    assert case.query("SELECT source_key FROM account WHERE deleted_on IS NOT NULL ORDER BY 1") == [("1003",), ("1140",)]


def at(seconds):
    """The option that sets the clock so far from now."""
    return "--now", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_what_comes_back_is_there_again_and_living_rows_are_not_deleted(case):
    """An archived company that is restored comes back; a list of archived rows that shows living ones deletes none of them."""
    store, server = stand_in(case, {"companies": companies(150)})
    organisation(case, server.url)
    store.archive("companies", "1003")
    pull(case, "--stream", "companies")
    store.rows["companies"]["1003"]["archived"] = False
    store.edit("companies", "1003", {"name": "Back"})
    pull(case, "--stream", "companies")
    assert_same(case, store)
    living = {"results": [crm.shown(store.rows["companies"][k], "companies", [], False) for k in ("1004", "1005")]}
    server.fail(path="/objects/companies$", times=1, body=json.dumps(living))
    results, _ = pull(case, "--stream", "companies", *at(86400 + 5))
    assert number(results["companies"], "deleted") == 0, results
    assert_same(case, store)


def test_a_weekly_list_that_fails_half_way_loses_nothing(case):
    """The weekly list of everything stops half way; the next pull goes on there, and what changed meanwhile comes after it."""
    store, server = stand_in(case, {"companies": companies(1000)})
    organisation(case, server.url)
    pull(case, "--stream", "companies")
    server.fail(path="/objects/companies$", times=-1, after=5, status=500)
    pull(case, "--stream", "companies", *at(7 * 86400 + 5), expect=75)
    server.faults.clear()
    for k in ("1001", "1999"):
        store.edit("companies", k, {"name": f"meanwhile {k}"}, at_ms=(time.time() + 7 * 86400 + 60) * 1000)
    before = len(server.seen)
    results, _ = pull(case, "--stream", "companies", *at(8 * 86400))
    assert (results["companies"]["mode"], number(results["companies"], "rows")) == ("full", 500), results
    assert len(server.seen) - before == 6, [s["query"][:60] for s in server.seen[before:]]
    results, _ = pull(case, "--stream", "companies", *at(8 * 86400 + 60))
    assert results["companies"]["mode"] == "incremental", results
    assert_same(case, store)


def test_the_daily_budget_stops_the_list_and_it_goes_on_the_next_day(case):
    """At the share of the daily quota that the source may use no further request is made; tomorrow the list goes on."""
    store, server = stand_in(case, {"companies": companies(2000), "notes": companies(10, first=9000)})
    organisation(case, server.url)
    server.n_daily = 200_000 - 6
    _, errors = pull(case, expect=75)
    assert "200000 of the daily quota of 250000" in errors and len(server.seen) == 6, (errors, len(server.seen))
    n_have = case.query("SELECT count(*) FROM account")[0][0]
    server.n_daily = 0
    results, _ = pull(case, *at(86400))
    assert n_have > 0 and number(results["companies"], "rows") == 2000 - n_have, (n_have, results)
    assert_same(case, store)


def test_a_clock_that_runs_ahead_loses_no_change(case):
    """Our clock runs two hours before HubSpot's: what changes there right after a pull still comes with the next."""
    store, server = stand_in(case, {"companies": companies(50)})
    organisation(case, server.url)
    pull(case, "--stream", "companies", *at(7200))
    store.edit("companies", "1007", {"name": "just now"})
    results, _ = pull(case, "--stream", "companies", *at(7200 + 5))
    assert results["companies"]["mode"] == "incremental"
    assert_same(case, store)


def test_a_changed_mapping_reads_everything_anew(case):
    """A custom property that is mapped later is read for all companies, not only for those that change."""
    objects = {"companies": companies(130)}
    for row in objects["companies"]:
        row["properties"]["plan"] = "Gold"
    store, server = stand_in(case, objects)
    organisation(case, server.url)
    pull(case, "--stream", "companies")
    organisation(case, server.url, more="    map:\n      companies:\n        - { to: plan, from: properties.plan }\n")
    results, _ = pull(case, "--stream", "companies")
    assert (results["companies"]["mode"], number(results["companies"], "changed")) == ("full", 130), results
    results, _ = pull(case, "--stream", "companies")
    assert results["companies"]["mode"] == "incremental", results
    assert case.query("SELECT plan, count(*) FROM account") == [("Gold", 130)]


def test_customers_are_known_by_their_lifecycle_stage(case):
    """Customers and evangelists are customers, other stages aren't, no stage says nothing; the organisation's file may say otherwise."""
    stages = ["customer", "evangelist", "lead", "other", "881902", None, ""]
    objects = {"companies": companies(len(stages))}
    for row, stage in zip(objects["companies"], stages):
        row["properties"] |= {"lifecyclestage": stage, "contract_state": "active" if stage == "lead" else "ended"}
    _, server = stand_in(case, objects)
    organisation(case, server.url)
    pull(case, "--stream", "companies")
    assert [r[0] for r in case.query("SELECT is_customer FROM account ORDER BY source_key")] == [1, 1, 0, 0, 0, None, None]
    organisation(case, server.url, more="    map:\n      companies:\n        - { to: is_customer, from: properties.contract_state, "
                                        "values: { active: yes, '*': no } }\n")
    pull(case, "--stream", "companies")
    assert [r[0] for r in case.query("SELECT is_customer FROM account ORDER BY source_key")] == [0, 0, 1, 0, 0, 0, 0]


def test_associations_follow_the_rows_that_change(case):
    """An association that moves or goes away is seen when its row is modified, and with the weekly list where it isn't."""
    store, server = stand_in(case, everything(20))
    organisation(case, server.url)
    pull(case)

    def companies_of():
        return dict(case.query("SELECT t.source_key, a.source_key FROM ticket t LEFT JOIN account a ON a.id = t.account_id"))
    before, links = companies_of(), store.links["tickets", "companies"]
    first = [k for k in sorted(before) if before[k]]
    moved, removed, silent = first[3], first[4], first[5]
    links[moved] = {"1000": "Primary"}
    links[removed] = {}
    links[silent] = {}
    for k in (moved, removed):
        store.edit("tickets", k, {"subject": "changed"})
    server.fail(path="/tickets/companies/batch/read$", times=1, body=json.dumps({"status": "COMPLETE", "results": []}))
    pull(case)
    assert companies_of() == before  # nothing said is nothing known
    results, _ = pull(case)
    assert number(results["tickets"], "changed") == 2, results["tickets"]
    assert companies_of() == {**before, moved: "1000", removed: None}
    pull(case, *at(7 * 86400 + 5))
    assert companies_of() == {**before, moved: "1000", removed: None, silent: None}


def test_a_thousand_properties_are_asked_for_in_parts(case):
    """Property names that don't fit one URL are asked for in several, and the rows put together again."""
    objects = {"companies": companies(230)}
    for row in objects["companies"]:
        row["properties"] |= {"custom_property_with_a_long_name_" + "x" * 60 + str(i): f"{row['id']}-{i}" for i in range(400)}
    _, server = stand_in(case, objects)
    limits = "".join(f"          - {{ metric: m{i}, from: properties.custom_property_with_a_long_name_{'x' * 60}{i}, scale: 1 }}\n" for i in range(1, 399))
    more = "    map:\n      companies:\n        map:\n" \
           f"          - {{ to: region, from: properties.custom_property_with_a_long_name_{'x' * 60}0 }}\n" \
           f"          - {{ to: plan, from: properties.custom_property_with_a_long_name_{'x' * 60}399 }}\n        limits:\n" + limits
    organisation(case, server.url, more=more)
    pull(case, "--stream", "companies")
    lists = [s for s in server.seen if s["path"].endswith("/companies") and "archived=false" in s["query"]]
    assert len(lists) == 9 and max(len(s["query"]) for s in lists) < 16000, [len(s["query"]) for s in lists]
    assert case.query("SELECT count(*) FROM account WHERE plan = source_key || '-399' AND region = source_key || '-0'") == [(230,)]


# faults -----------------------------------------------------------------------------------------------------------

def rows_of(case):
    """All that was pulled, without when."""
    out = {}
    for table in ("owner", "account", "contact", "opportunity", "ticket", "interaction", "account_limit"):
        columns = [c[1] for c in case.query(f"PRAGMA table_info({table})") if c[1] not in ("id", "account_id", "source_id", "parent_id")]
        out[table] = case.query(f"SELECT {', '.join(columns)} FROM {table} ORDER BY source_key")
    return out


def test_a_server_that_fails_now_and_then_changes_nothing(case):
    """Storms of 429, 500, 502, cut connections, wrong lengths and half JSON: the same rows in the end, nothing asked for ever."""
    store, server = stand_in(case, everything())
    organisation(case, server.url, more=CUSTOM)
    for what in ({"status": 429, "category": "RATE_LIMITS"}, {"status": 500}, {"status": 502}, {"status": 503}, {"cut": 40}, {"cut": 900},
                 {"wrong_length": True}, {"body": '{"results": [{"id": "1'}, {"body": ""}, {"body": "<html>busy</html>"}):
        for path in ("/objects/companies$", "/objects/contacts$", "/batch/read$", "/owners$"):
            server.fail(path=path, times=1, after=1 if "objects" in path else 0, **what)
    server.fail(path="/objects/notes$", times=8, status=429, category="RATE_LIMITS")
    results, errors = pull(case, expect=None)
    server.faults.clear()
    pull(case)
    disturbed = rows_of(case)
    calm, calm_server = stand_in(case, everything())
    case.write("config/orgs/acme.yaml", (case.tmp / "config/orgs/acme.yaml").read_text().replace(server.url, calm_server.url))
    for suffix in ("", "-wal", "-shm"):
        Path(str(case.database()) + suffix).unlink(missing_ok=True)
    pull(case)
    assert rows_of(case) == disturbed
    assert results["notes"]["result"] == "ok", results["notes"]


def test_a_stream_that_stays_down_fails_alone(case):
    """One stream that answers 500 for ever fails with 75 and its reason; the others come through; the next pull heals it."""
    _, server = stand_in(case, everything(20))
    organisation(case, server.url)
    server.fail(path="/objects/deals", times=-1, status=500)
    results, errors = pull(case, expect=75)
    assert {s for s, r in results.items() if r["result"] == "failed"} == {"deals"}, results
    assert "HTTP 500" in errors and "asked 9 times" in errors, errors
    assert "HTTP 500" in case.query("SELECT last_error FROM source")[0][0]
    assert case.query("SELECT state, count(*) FROM pull_run GROUP BY 1 ORDER BY 1") == [("failed", 1), ("ok", 8)]
    server.faults.clear()
    pull(case)
    assert case.query("SELECT last_error, last_ok_at IS NOT NULL FROM source") == [(None, 1)]


def test_lists_that_never_end_and_answers_too_large_are_errors(case):
    """An endless token, the same token for ever and a compressed bomb end in an error, not in a full disk."""
    for what, words in (({"same_token": True}, "circles"), ({"bomb": 64 << 20}, "larger")):
        _, server = stand_in(case, {"companies": companies(250)})
        organisation(case, server.url)
        server.fail(path="/objects/companies$", times=-1, **what)
        results, errors = pull(case, "--stream", "companies", expect=75)
        assert words in errors and len(server.seen) < 20, (errors, len(server.seen))
    _, server = stand_in(case, {"companies": companies(250)})
    organisation(case, server.url, connector=lambda t: quick(t).replace("max_pages: 200000", "max_pages: 60"))
    server.fail(path="/objects/companies$", times=-1, endless=True)
    _, errors = pull(case, "--stream", "companies", expect=75)
    assert "circles" in errors or "more than 60 pages" in errors, errors


def test_secrets_go_to_no_other_place(case):
    """Neither a redirect nor a link to the next page takes the token to another origin."""
    _, thief = stand_in(case, {"companies": companies(3)})
    _, server = stand_in(case, {"companies": companies(250)})
    organisation(case, server.url)
    for where in (thief.url + "/crm/v3/objects/companies", "https://127.0.0.1:%d/" % thief.server_port, "//127.0.0.1:%d/" % thief.server_port):
        server.faults.clear()
        server.fail(path="/objects/companies$", times=1, redirect=where)
        _, errors = pull(case, "--stream", "companies", expect=78)
        assert "credentials don't go" in errors, errors
    server.faults.clear()
    links = lambda t: quick(t).replace("page: { kind: cursor, from: paging.next.after, max_pages: 200000 }",
                                       "page: { kind: next_url, from: paging.next.link }").replace(', after: "{{page.token}}" }', " }")
    organisation(case, server.url, connector=links)
    pull(case, "--stream", "companies", "--full")
    assert case.query("SELECT count(*) FROM account") == [(250,)]
    server.fail(path="/objects/companies$", times=-1, endless=True)
    _, errors = pull(case, "--stream", "companies", "--full", expect=75)
    assert "another place" in errors, errors
    assert thief.seen == []


def test_a_wrong_token_tells_a_person_what_to_do(case):
    """A wrong token ends with 78 and a sentence that says where a new one is made; the token itself is never printed."""
    _, server = stand_in(case, {"companies": companies(3)})
    organisation(case, server.url, token="pat-eu1-wrong-0000")
    for status in (401, 530):
        if status == 530:
            server.fail(path=".*", times=-1, status=530, message="token pat-eu1-wrong-0000 malformed")
        _, errors = pull(case, "--stream", "companies", expect=78)
        assert "Private Apps" in errors and "secrets: token" in errors, errors
        assert "wrong-0000" not in errors and "wrong-0000" not in str(case.query("SELECT error FROM pull_run")), errors
    server.faults.clear()
    server.fail(path=".*", times=-1, status=403, category="MISSING_SCOPES", message="This app hasn't been granted all required scopes")
    _, errors = pull(case, "--stream", "tickets", expect=78)
    assert "scope" in errors and "skip" in errors, errors
    organisation(case, server.url, more="    map: { tickets: skip, notes: skip }\n")
    server.faults.clear()
    server.token = TOKEN
    results, _ = pull(case)
    assert "tickets" not in results and "companies" in results and "notes" not in results


def test_what_can_not_be_used_is_set_aside_and_comes_right(case):
    """A row with a date that is none is set aside with the reason and leaves the quarantine when it was mended."""
    objects = {"companies": companies(20)}
    for i, row in enumerate(objects["companies"]):
        row["properties"]["renewal_date"] = "next spring" if i in (3, 7) else "2027-01-31"
    store, server = stand_in(case, objects)
    organisation(case, server.url, more="    map:\n      companies:\n        - { to: renewal_on, from: properties.renewal_date }\n")
    results, _ = pull(case, "--stream", "companies")
    assert (number(results["companies"], "rows"), number(results["companies"], "set_aside")) == (20, 2), results
    reasons = case.query("SELECT source_key, reason FROM quarantine ORDER BY 1")
    assert [r[0] for r in reasons] == ["1003", "1007"] and all("next spring" in r[1] for r in reasons), reasons
    store.edit("companies", "1003", {"renewal_date": "2027-03-01"})
    pull(case, "--stream", "companies")
    assert case.query("SELECT source_key FROM quarantine") == [("1007",)]


def test_a_dry_run_stores_nothing(case):
    """A dry run prints what rows would become and leaves the store as it was."""
    _, server = stand_in(case, {"companies": companies(250)})
    organisation(case, server.url)
    result = case.retaind("pull", "--stream", "companies", "--dry-run", "--limit", "3")
    shown = [json.loads(line.split("\t")[2]) for line in result.stdout.splitlines() if "\t" in line]
    assert [s["key"] for s in shown] == ["1000", "1001", "1002"] and shown[0]["name"] == "Company 0", shown
    assert case.query("SELECT count(*) FROM account") == case.query("SELECT count(*) FROM stream_cursor") == [(0,)]


def test_a_source_is_pulled_by_one_process_at_a_time(case):
    """While one pull is at work a second of the same source ends with 75 and names the first; after kill -9 nothing stands in the way."""
    _, server = stand_in(case, {"companies": companies(300)})
    organisation(case, server.url)
    server.fail(path="/objects/companies$", times=1, slow=20)
    before = len(server.seen)
    first = subprocess.Popen([BIN, "pull", "--config", str(case.tmp / "config"), "--stream", "companies"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(server.seen) > before, 10, "the first pull's request")
        _, errors = pull(case, "--stream", "companies", expect=75)
        assert f"another pull is at work: process {first.pid} holds" in errors and len(server.seen) == before + 1, errors
    finally:
        first.kill()
        first.wait()
    pull(case, "--stream", "companies")
    assert case.query("SELECT count(*) FROM account") == [(300,)]


def test_a_pull_that_is_killed_goes_on(case):
    """kill -9 in the middle, again and again: the next pull goes on from the last whole page and ends with the same rows."""
    n = 60 if HEAVY else 12
    rng = random.Random(11)
    store, server = stand_in(case, everything(400))
    organisation(case, server.url)
    command = [BIN, "pull", "--config", str(case.tmp / "config")]
    n_killed = 0
    for _ in range(n):
        until = len(server.seen) + rng.randint(1, 9)  # a whole pull asks more often than that
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.seen) < until and process.poll() is None:
            time.sleep(0.0005)
        time.sleep(rng.uniform(0, 0.012))
        process.send_signal(signal.SIGKILL)
        n_killed += process.wait() == -signal.SIGKILL
    before = len(server.seen)
    pull(case)
    after_kills, n_last = rows_of(case), len(server.seen) - before
    for suffix in ("", "-wal", "-shm"):
        Path(str(case.database()) + suffix).unlink(missing_ok=True)
    pull(case)
    n_whole = len(server.seen) - before - n_last
    assert n_killed >= n // 2, n_killed
    assert rows_of(case) == after_kills
    assert case.query("SELECT count(*) FROM pull_run WHERE state = 'running'") == [(0,)]
    assert n_last < n_whole, f"the last pull asked {n_last} times, a whole one {n_whole}: nothing had been kept"


def test_a_silent_source_is_asked_for_one_stream_only(case):
    """Where nobody answers, the first stream asks all its attempts and the others none: a dead source doesn't hold up the rest."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections = []

    def hang_up():
        with contextlib.suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                connections[-1].close()

    threading.Thread(target=hang_up, daemon=True).start()
    case.at_end(listener.close)
    organisation(case, f"http://127.0.0.1:{listener.getsockname()[1]}")
    results, errors = pull(case, expect=75)
    assert len(results) > 5 and len(connections) == 9, (len(results), len(connections))
    assert errors.count("not asked: the source doesn't answer") == len(results) - 1, errors


run(globals())
