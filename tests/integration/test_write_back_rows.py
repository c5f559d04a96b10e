#!/usr/bin/env python3
"""Write-back into systems that take one account at a time and know types: Pipedrive by PATCH, EspoCRM by PUT; and into Salesforce,
whose answer is 200 whatever became of each."""
import json
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import salesforce  # noqa: E402
from harness import run  # noqa: E402
from systems import FIELDS, Espocrm, Pipedrive  # noqa: E402
from test_write_back import DAY, settings, write, write_back  # noqa: E402
from test_write_tasks import Force  # noqa: E402
from vendor import SECRET, Vendor, organisation, pull  # noqa: E402

WORDS = ("risk", "band", "cause", "as_of")
NAMES = {"pipedrive": dict(zip(WORDS, FIELDS)), "espocrm": dict(zip(WORDS, Espocrm.own))}
STREAMS = {"pipedrive": "organizations", "espocrm": "accounts"}


def scored(case, made, n=30):
    """n accounts of a system, pulled and scored: risk 1, 2, 3 ..."""
    shutil.rmtree(case.tmp / "state", ignore_errors=True)
    system = made()
    name = system.connector
    rows = system.rows[STREAMS[name]]
    for key in list(rows)[n:]:
        del rows[key]
    server = Vendor(case, system)
    organisation(case, name, server.url, settings(names=NAMES[name]))
    pull(case, "--stream", STREAMS[name])
    write(case, (f"INSERT INTO score_row SELECT {DAY}, id, id, NULL, 80, 2, 0, {DAY}, {DAY}, NULL, NULL, 'x' FROM account",))
    server.seen.clear()
    return system, server


def values(system, row):
    """risk, band, cause and day that a row has."""
    fields = row["custom_fields"] if system.connector == "pipedrive" else row
    return [fields[f] for f in NAMES[system.connector].values()]


def sent(system, server):
    """What was sent, as (key, named values); every request must be one account's."""
    method, path = {"pipedrive": ("PATCH", "/api/v2/organizations/"), "espocrm": ("PUT", "/api/v1/Account/")}[system.connector]
    asked = [r for r in server.seen if r.path != "/api/v1/App/user"]
    assert all((r.method, r.path.startswith(path)) == (method, True) for r in asked), [(r.method, r.path) for r in asked]
    return [(r.path.removeprefix(path), r.body["custom_fields"] if system.connector == "pipedrive" else r.body) for r in asked]


def test_each_account_is_written_with_its_types(case):
    """Risk goes as a number, words and the day as texts, nothing else is named; the second run sends nothing, a change one account, and
    what is no longer known is emptied with null."""
    for made in (Pipedrive, Espocrm):
        system, server = scored(case, made)
        rows, keys, names = system.rows[STREAMS[system.connector]], list(system.rows[STREAMS[system.connector]]), NAMES[system.connector]
        told, _ = write_back(case)
        assert (told[0]["written"], told[0]["refused"], told[0]["requests"]) == (30, 0, 30), told
        assert values(system, rows[keys[6]]) == [7, "at_risk", None, "2026-05-27"], rows[keys[6]]
        assert {n for _, v in sent(system, server) for n in v} == {names["risk"], names["band"], names["as_of"]}
        server.seen.clear()
        told, _ = write_back(case)
        assert (told[0]["unchanged"], server.seen) == (30, []), told
        write(case, ("UPDATE score_row SET risk = NULL WHERE account_id = 3",), ("UPDATE score_row SET risk = 66.4 WHERE account_id = 5",))
        write_back(case)
        assert sent(system, server) == [(str(keys[2]), {names["risk"]: None, names["band"]: None}), (str(keys[4]), {names["risk"]: 66})], sent(system, server)
        assert values(system, rows[keys[2]])[:2] == [None, None] and values(system, rows[keys[4]])[0] == 66


def test_an_account_that_is_refused_is_told_and_the_rest_is_written(case):
    """An account that is gone and one whose value isn't taken are told with the system's own words, 65; the others are written."""
    system, server = scored(case, Espocrm)
    keys = list(system.rows["accounts"])
    write(case, ("UPDATE score_row SET risk = 101 WHERE account_id = 9",))
    system.delete("accounts", keys[3], system.now)
    told, said = write_back(case, expect=65)
    assert (told[0]["written"], told[0]["refused"]) == (28, 2), told
    assert f"account={keys[3]} " in said and "does not exist" in said and "field: cRisk, type: max" in said and SECRET not in said, said
    system, server = scored(case, Pipedrive)
    system.delete("organizations", 4, system.now)
    told, said = write_back(case, expect=65)
    assert (told[0]["written"], told[0]["refused"]) == (29, 1) and "account=4 " in said and "Organization not found" in said, (told, said)
    server.seen.clear()
    told, _ = write_back(case, expect=65)
    assert [k for k, _ in sent(system, server)] == ["4"], sent(system, server)


def test_a_field_of_another_type_is_given_up_soon(case):
    """Where every account is refused, twenty are tried and no more, and the reason names the field."""
    system, server = scored(case, Pipedrive)
    organisation(case, "pipedrive", server.url, settings(names={"risk": NAMES["pipedrive"]["band"]}))
    _, said = write_back(case, expect=65)
    assert len(server.seen) == 20 and "Expected varchar, received int" in said, (len(server.seen), said)


def test_a_field_that_is_read_is_not_written(case):
    """A field that the map reads, at whatever place of a path, is refused; so is a right that is missing, with what to do."""
    system, server = scored(case, Pipedrive)
    field = NAMES["pipedrive"]["risk"]
    more = settings(names={"risk": field}) + f"    map: {{ organizations: [ {{ to: stage, from: custom_fields.{field}.value }} ] }}\n"
    organisation(case, "pipedrive", server.url, more)
    result = case.retaind("check", expect=78)
    assert "is read from there" in result.stdout + result.stderr, result.stdout + result.stderr
    system, server = scored(case, Espocrm)
    system.failures = [(403, b"", {"X-Status-Reason": "No edit access."})]
    _, said = write_back(case, expect=78)
    assert "No edit access" in said and "give it the right" in said, said


FORCE = {"risk": "Retaind_Risk__c", "band": "Retaind_Band__c", "as_of": "Retaind_As_Of__c"}


def test_salesforce_says_of_each_account_what_became_of_it(case):
    """250 accounts in two requests that are 200 all the same: one that a rule refuses, one deleted and one purged are told, 65; the next run
    sends these alone, and then what changed; no other field is ever named."""
    system = Force()
    for i in range(220):
        system.rows["accounts"].append(system.org.add("Account", Name=f"More {i}", Type="Customer"))
    server = salesforce.Salesforce(system.org)
    case.at_end(server.stop)
    system.organisation(case, server, settings(names=FORCE))
    pull(case, "--stream", "accounts")
    write(case, (f"INSERT INTO score_row SELECT {DAY}, id, id % 100, NULL, 80, 2, 0, {DAY}, {DAY}, NULL, NULL, 'x' FROM account",))
    unruly, deleted, purged = system.rows["accounts"][7], system.rows["accounts"][70], system.rows["accounts"][240]
    server.unwilling[unruly] = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Risk needs a reason", "Retaind_Risk__c")
    system.org.delete("Account", deleted)
    system.org.purge("Account", purged)

    def bodies():
        asked = [json.loads(r["body"]) for r in server.seen if r["path"].endswith("/composite/sobjects")]
        server.seen.clear()
        return asked
    server.seen.clear()
    told, said = write_back(case, expect=65)
    assert (told[0]["written"], told[0]["refused"], told[0]["requests"]) == (247, 3, 2), told
    for key, reason in ((unruly, "Risk needs a reason"), (deleted, "entity is deleted"), (purged, "invalid cross reference id")):
        assert re.search(f"account={key} .*{reason}", said), (reason, said)
    first = bodies()
    assert [len(b["records"]) for b in first] == [200, 50] and all(b["allOrNone"] is False for b in first)
    assert {n for b in first for r in b["records"] for n in r} == {"attributes", "id", *FORCE.values()}
    keys = dict(case.query("SELECT id, source_key FROM account"))
    assert system.org.rows["Account"][keys[5]]["Retaind_Risk__c"] == 5
    told, _ = write_back(case, expect=65)
    assert sorted(r["id"] for b in bodies() for r in b["records"]) == sorted((unruly, deleted, purged)), told
    server.unwilling.clear()
    write(case, ("DELETE FROM score_row WHERE account_id IN (SELECT id FROM account WHERE source_key IN (?, ?))", deleted, purged),
          ("UPDATE score_row SET risk = NULL WHERE account_id = 3",))
    told, _ = write_back(case)
    sent = {r["id"]: r for b in bodies() for r in b["records"]}
    assert set(sent) == {unruly, keys[3]} and sent[keys[3]]["Retaind_Risk__c"] is None, sent
    told, _ = write_back(case)
    assert (told[0]["unchanged"], bodies()) == (248, []), told


if __name__ == "__main__":
    run(globals())
