#!/usr/bin/env python3
"""A task in HubSpot, Pipedrive, EspoCRM and Salesforce for each open finding: made once, whatever ends in between."""
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
import salesforce  # noqa: E402
from harness import BIN, run, wait_for  # noqa: E402
from systems import Espocrm, Pipedrive, iso  # noqa: E402
from test_increments import FIRST, Hubspot  # noqa: E402
from test_write_back import write, write_back  # noqa: E402
from vendor import ORG, SECRET, Vendor, organisation, pull, quick  # noqa: E402

ACCOUNTS = {"hubspot": "companies", "pipedrive": "organizations", "espocrm": "accounts", "salesforce": "accounts"}
PEOPLE = {"hubspot": "owners", "pipedrive": "users", "espocrm": "users", "salesforce": "users"}
FINDING = ("INSERT INTO finding (account_id, engine, cause, state, opened_on, updated_on, closed_on, score, worst_score, confidence, value_minor, "
           "currency, expected_minor, act_by_on, play, summary, evidence, owner_email) SELECT id, ?, ?, ?, 20600, 20600, ?, 70, 70, 1, 1, 'EUR', ?, "
           "20610, 'reactivate', ?, '[]', 'u1@acme.example' FROM account WHERE source_key = ?")


class Force:
    """The stand-in Salesforce in a System's clothes."""
    connector = "salesforce"

    def __init__(self):
        self.org = salesforce.Org(FIRST)
        self.rows = {"users": [self.org.add("User", Name=f"U {i}", Email=f"u{i}@acme.example", IsActive=True) for i in (1, 2)],
                     "accounts": [self.org.add("Account", Name=f"Company {i}", Type="Customer") for i in range(30)]}

    def organisation(self, case, server, more):
        ids = {name: case.write(f"secrets/{name}", value + "\n") for name, value in (("id", salesforce.CLIENT), ("pass", salesforce.SECRET))}
        for path in ids.values():
            path.chmod(0o600)
        text = ORG.format(connector="salesforce", url=server.url, name="id", secret=ids["id"], folder=case.tmp / "out", more=more)
        case.org(text.replace(f'id: "file:{ids["id"]}"', f'id: "file:{ids["id"]}", pass: "file:{ids["pass"]}"')
                 .replace("    secrets:", "    config: { host: acme }\n    secrets:"))
        path = case.tmp / "config/connectors/salesforce.yaml"
        path.write_text(quick(path.read_text()).replace("https://{{config.host}}", server.url))


def tasks(system):
    """What the system has of ours: (account, subject, text, owner, day)."""
    if system.connector == "salesforce":
        return [(t["WhatId"], t["Subject"], t["Description"], t["OwnerId"], t["ActivityDate"]) for t in system.org.rows["Task"].values()]
    if system.connector == "hubspot":
        links = system.store.links.get(("tasks", "companies"), {})
        return [(next(iter(links[k])), p["hs_task_subject"], p["hs_task_body"], p.get("hubspot_owner_id"), int(p["hs_timestamp"]) // 86_400_000)
                for k, p in ((k, r["properties"]) for k, r in system.store.rows["tasks"].items())]
    if system.connector == "pipedrive":
        return [(str(r["org_id"]), r["subject"], r["note"], str(r.get("owner_id")), r["due_date"]) for r in system.rows["activities"].values() if "note" in r]
    return [(t["parentId"], t["name"], t["description"], t.get("assignedUserId"), t["dateEndDate"]) for t in system.tasks]


def settings(tasks_yaml="{ engines: [defense] }", is_enabled=True):
    return f"    write_back: {{ is_enabled: {str(is_enabled).lower()}, tasks: {tasks_yaml} }}\n"


def found(case, made, more=settings()):
    """An organisation whose first six accounts have findings: three open ones of defense, one of expansion, one snoozed, one closed."""
    shutil.rmtree(case.tmp / "state", ignore_errors=True)
    system = made()
    system.now = FIRST
    server = (crm.serve(system.store, token=SECRET, search_rate=0, other_rate=0) if made is Hubspot else
              salesforce.Salesforce(system.org) if made is Force else Vendor(case, system))
    if made in (Hubspot, Force):
        case.at_end(server.stop)
    if made is Force:
        system.unwilling = server.unwilling
        system.organisation(case, server, more)
    else:
        organisation(case, system.connector, server.url, more)
    for stream in (ACCOUNTS[system.connector], PEOPLE[system.connector]):
        pull(case, "--stream", stream, "--now", iso(FIRST))
    keys = [str(k) for k in system.rows[ACCOUNTS[system.connector]]][:6]
    for key, engine, state, closed, value in zip(keys, ("defense", "defense", "defense", "expansion", "defense", "defense"),
                                                 ("open", "open", "open", "open", "snoozed", "resolved"), (None,) * 5 + (20605,), (1, 3, 2, 9, 9, 9)):
        write(case, (FINDING, engine, "usage_decline", state, closed, value, "Use fell by <40> % & more", key))
    server.seen.clear()
    return system, server, keys


def posts(server):
    asked = [(s["method"], s["path"]) if isinstance(s, dict) else (s.method, s.path) for s in server.seen]
    return [r for r in asked if r[0] == "POST" and not r[1].endswith(("/search", "/token"))]


EVERY = (Hubspot, Pipedrive, Espocrm, Force)


def test_each_open_finding_gets_its_task_once(case):
    """Three open findings of the engine that was asked for become three tasks, most at stake first, with what to do, why, by when and
    for whom; a second run asks nothing; a finding that is new gets its own."""
    for made in EVERY:
        system, server, keys = found(case, made)
        told, _ = write_back(case)
        assert (told[0]["tasks"], told[0]["refused"], told[0]["requests"], told[0]["result"]) == (3, 0, 6, "ok"), (system.connector, told)
        have = tasks(system)
        assert [t[0] for t in have] == [keys[1], keys[2], keys[0]], have
        _, subject, text, owner, day = have[0]
        name = case.query("SELECT name FROM account WHERE source_key = ?", keys[1])[0][0]
        assert subject == f"Bring use back: {name}" and day in (20610, "2026-06-06"), have[0]
        escaped = "&lt;40&gt; % &amp; more" if system.connector in ("hubspot", "pipedrive") else "<40> % & more"
        assert text.startswith(f"Use fell by {escaped}") and "First step: Call the most active user" in text and "(retaind-" in text, text
        assert owner == case.query("SELECT source_key FROM owner WHERE email = 'u1@acme.example'")[0][0], have[0]
        server.seen.clear()
        told, _ = write_back(case)
        assert (told[0]["tasks"], server.seen, len(tasks(system))) == (0, [], 3), told
        write(case, (FINDING, "defense", "silent_champion", "open", None, 1, "Nobody writes", keys[0]))
        told, _ = write_back(case)
        assert told[0]["tasks"] == 1 and len({t[2] for t in tasks(system)}) == 4, told


def test_what_was_lost_from_the_database_is_found_in_the_system(case):
    """Without any memory of them the tasks are found again by their keys, and none is made twice."""
    for made in EVERY:
        system, server, _ = found(case, made)
        write_back(case)
        write(case, ("DELETE FROM task_written",))
        server.seen.clear()
        told, _ = write_back(case)
        assert (told[0]["tasks"], len(tasks(system)), posts(server)) == (0, 3, []), told
        assert case.query("SELECT count(remote_id) FROM task_written") == [(3,)]


def test_an_answer_that_is_lost_makes_no_second_task(case):
    """The connection breaks after a task was made: it is not asked again at once, nor while it may not be in the list yet, then it is
    found; one that never arrived is made then."""
    system, server, keys = found(case, Hubspot)
    server.fail(path="/objects/tasks$", cut=10)
    _, said = write_back(case, expect=75, *("--now", iso(FIRST)))
    assert "task of" in said and len(posts(server)) == 1 and len(tasks(system)) == 1, said
    hidden = system.store.rows["tasks"].popitem()
    server.seen.clear()
    told, _ = write_back(case, "--now", iso(FIRST + 60))
    assert told[0]["tasks"] == 2 and len(tasks(system)) == 2, told
    system.store.rows["tasks"]["9999999"] = {**hidden[1], "id": "9999999"}
    system.store.links["tasks", "companies"]["9999999"] = {keys[1]: "Primary"}
    system.store._order.clear()
    told, _ = write_back(case, "--now", iso(FIRST + 120))
    assert told[0]["tasks"] == 0 and case.query("SELECT count(remote_id) FROM task_written") == [(3,)], told
    system, server, keys = found(case, Hubspot)
    server.fail(path="/objects/tasks$", status=503)
    write_back(case, "--now", iso(FIRST), expect=75)
    told, _ = write_back(case, "--now", iso(FIRST + 60))
    assert told[0]["tasks"] == 2 and len(tasks(system)) == 2, told
    told, _ = write_back(case, "--now", iso(FIRST + 700))
    assert told[0]["tasks"] == 1 and sorted(t[0] for t in tasks(system)) == sorted(keys[:3]), told


def test_a_kill_in_between_makes_no_second_task(case):
    """kill -9 while the answer to a new task is on its way: the next runs make the others and find that one."""
    system, server, _ = found(case, Hubspot)
    server.fail(path="/objects/tasks$", after=1, slow=1.0)
    process = subprocess.Popen([BIN, "write-back", "--config", str(case.tmp / "config"), "--now", iso(FIRST)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(tasks(system)) == 2, what="the second task")
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and case.query("SELECT count(*), count(remote_id) FROM task_written") == [(2, 1)]
    write_back(case, "--now", iso(FIRST + 1))
    assert len(tasks(system)) == 3 and case.query("SELECT count(remote_id) FROM task_written") == [(3,)]


def test_a_task_that_is_refused_is_told_and_tried_again(case):
    """A refusal ends with 65 and the system's words, the others are made; it is tried again the next time."""
    for made in EVERY:
        system, _, keys = found(case, made)
        unwilling = system.store.poison if made is Hubspot else system.unwilling
        bad = int(keys[2]) if made is Pipedrive else keys[2]
        unwilling.update({bad: "x"} if made is Force else {bad})
        told, said = write_back(case, expect=65)
        assert (told[0]["tasks"], told[0]["refused"]) == (2, 1) and f"account={keys[2]} " in said and SECRET not in said, (told, said)
        unwilling.clear()
        told, _ = write_back(case)
        assert told[0]["tasks"] == 1 and len(tasks(system)) == 3, told


def test_a_run_makes_no_more_than_was_allowed(case):
    """`most:` bounds what a run makes; a dry run shows the tasks and sends nothing; what isn't enabled isn't made."""
    system, server, _ = found(case, Pipedrive, settings("{ most: 2 }"))
    (case.tmp / "key").rename(case.tmp / "away")
    shown, _ = write_back(case, "--dry-run")
    assert [(s["property"], s["becomes"].split(":")[0]) for s in shown] == [("task", "Bring use back")] * 2 and not server.seen, shown
    (case.tmp / "away").rename(case.tmp / "key")
    counts = [write_back(case)[0][0]["tasks"] for _ in range(3)]
    assert counts == [2, 2, 0] and len(tasks(system)) == 4, counts  # both engines
    system, server, _ = found(case, Pipedrive, settings(is_enabled=False))
    _, said = write_back(case, expect=78)
    assert "nothing is written into src" in said and not server.seen, said


def test_mistakes_of_tasks_are_told(case):
    """An engine that is none, a write_back without anything, and a system that has no tasks."""
    for connector, text, words in (("pipedrive", "{ tasks: { engines: [defence] } }", "`defence` is none"),
                                   ("pipedrive", "{ is_enabled: true }", "nothing to write"),
                                   ("redmine", "{ tasks: { most: 3 } }", "makes no tasks"), ("pipedrive", "{ tasks: { most: 0 } }", "most")):
        organisation(case, connector, "http://127.0.0.1:1", f"    write_back: {text}\n")
        result = case.retaind("check", expect=78)
        assert words in result.stdout + result.stderr, (words, result.stdout, result.stderr)


if __name__ == "__main__":
    run(globals())
