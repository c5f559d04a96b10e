#!/usr/bin/env python3
"""`pull --dry-run --source S --stream T --limit 5` of every connector that there is a stand-in for: rows as they would be, nothing stored."""
import json
import re
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
import test_analytics as analytics  # noqa: E402
import test_cursors as cursors  # noqa: E402
import test_salesforce as force  # noqa: E402
import test_zoho as zoho  # noqa: E402
from harness import ROOT, run  # noqa: E402
from systems import SYSTEMS, iso  # noqa: E402
from test_increments import FIRST, Hubspot  # noqa: E402
from vendor import SECRET, Vendor, organisation  # noqa: E402

FIELDS = {"entity", "key", "account"}


def of_system(made):
    def start(case):
        system = made()
        system.now = FIRST
        server = Vendor(case, system)
        organisation(case, system.connector, server.url)
        return server
    return start


def hubspot(case):
    server = crm.serve(Hubspot().store, token=SECRET, search_rate=0, other_rate=0)
    case.at_end(server.stop)
    organisation(case, "hubspot", server.url)
    return server


def salesforce(case):
    server = force.stand_in(case)
    force.fill(server.org)
    force.organisation(case, server)
    return server


def counted(connector):
    def start(case):
        events = analytics.some(analytics.Events(), range(1, 11))
        return analytics.start(case, connector, events)
    return start


STARTS = {**{made.connector: of_system(made) for made in SYSTEMS}, "hubspot": hubspot, "salesforce": salesforce,
          **{name: counted(name) for name in analytics.RULES}, "zoho": lambda case: zoho.serve(case)[1],
          "zendesk": lambda case: cursors.zendesk(case)[1], "dataverse": lambda case: cursors.dataverse(case)[1]}


ASKED_EACH = {"conversation_parts"}  # five of each page, until there are five rows


# What the stand-in doesn't have.
MISSING = {("zoho", "calls"), ("zoho", "events")}


def streams_of(connector):
    text = (ROOT / f"config/connectors/{connector}.yaml").read_text()
    return re.findall(r"^  (\w+):$", text[text.index("\nstreams:\n"):], re.M)


def test_rows_are_shown_and_nothing_is_stored(case):
    """Five rows of each stream as JSON with entity, key and what is mapped; a page or two is asked for; the database stays empty."""
    n = 0
    for connector, start in STARTS.items():
        server = start(case)
        source = re.search(rf"^  (\w+):\n    connector: {connector}$", (case.tmp / "config/orgs/acme.yaml").read_text(), re.M)[1]
        for stream in streams_of(connector):
            if (connector, stream) in MISSING:
                continue
            server.seen.clear()
            result = case.retaind("pull", "--dry-run", "--source", source, "--stream", stream, "--limit", "5",
                                  "--now", "2026-03-11T22:00:00Z" if connector in analytics.RULES else iso(FIRST))
            lines = [line.split("\t") for line in result.stdout.splitlines() if line.startswith(source + "\t")]
            records = [json.loads(line[2]) for line in lines]
            assert {(line[0], line[1]) for line in lines} == {(source, stream)} and SECRET not in result.stdout, (connector, stream, result.stdout)
            assert 1 <= len({r["key"] for r in records}) <= 5 and all(set(r) - FIELDS for r in records), (connector, stream, records)
            most = 60 if stream in ASKED_EACH else 10 if connector == "salesforce" else 4  # whose first list is a job
            assert len(server.seen) <= most, (connector, stream, len(server.seen))
            n += 1
        with sqlite3.connect(case.database()) as db:
            tables = [t for t, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('migration', 'schedule_state')")]
            assert not {t for t in tables if db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]}, connector
        db.close()
    print(f"         {len(STARTS)} connectors, {n} streams")


def test_what_cannot_be_tried_is_told(case):
    """A stream or source that isn't there is named; sources without the stream that was asked for don't matter; and a limit goes with a
    dry run only."""
    STARTS["redmine"](case)
    assert "has no stream `isues`" in case.retaind("pull", "--dry-run", "--stream", "isues", expect=64).stderr
    path = case.tmp / "config/orgs/acme.yaml"
    people = "{ match: people.csv, entity: owner, key: id, map: [ { to: name, from: name } ] }"
    files = f"  files: {{ connector: csv, folder: '{case.tmp}', files: {{ people: {people} }} }}\n"
    path.write_text(path.read_text().replace("sources:\n", f"sources:\n{files}"))
    case.write("people.csv", "id,name\n1,Ana\n")
    assert case.retaind("pull", "--stream", "people").returncode == 0 and case.query("SELECT name FROM owner") == [("Ana",)]
    assert "has no source `crm`" in case.retaind("pull", "--dry-run", "--source", "crm", expect=64).stderr
    assert "--limit goes with --dry-run" in case.retaind("pull", "--limit", "5", expect=64).stderr


if __name__ == "__main__":
    run(globals())
