#!/usr/bin/env python3
"""Answers recorded from Pipedrive and Intercom go through the engine over HTTP: rows without loss, errors in their class.

All of them when the recordings lie beside the tree, else the excerpts in tests/data. What was recorded is often a single row and, of
Pipedrive, version 1, which names some things otherwise: each connector's own map is used, with those names changed.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import replay  # noqa: E402
from harness import DATA, SHARED, run  # noqa: E402
from vendor import SECRET, organisation, pull, quick  # noqa: E402

STREAMS_AT_ONCE = 120  # a connector's file has at most 20,000 values
LISTED = "    row: {{ entity: owner, key: {key}, map: [ {{ to: name, from: name }} ] }}\n"


def recordings(vendor):
    whole = SHARED / f"data/exchanges/grouparoo__{vendor}.jsonl"
    return replay.load(whole if whole.exists() else DATA / vendor / "exchanges.jsonl")


def row_of(text, stream, *changes):
    """How the shipped file maps a row of a stream, with the names that the recording has."""
    row = re.search(rf"\n  {stream}:\n(    row:\n(?:      .*\n)+)", text)[1]
    for old, new in changes:
        assert old in row, (stream, old)
        row = row.replace(old, new)
    return row


def head_of(text):
    """The shipped file up to its streams."""
    return quick(text).split("\nstreams:\n")[0] + "\nstreams:\n"


def go_through(case, vendor, exchanges, plan):
    """Each recorded answer by a stream of its own; plan: name -> (number of the exchange, row, path of the list, rows expected or None
    for an error). Returns the results, what was said, and how often each was asked for."""
    server = replay.Replay(exchanges).start()
    case.at_end(server.stop)
    results, errors = {}, ""
    for i in range(0, len(plan), STREAMS_AT_ONCE):
        part = dict(list(plan.items())[i:i + STREAMS_AT_ONCE])
        streams = "".join(f"  {name}:\n{row}    full: {{ get: /rec/{number}/x, records: {records} }}\n"
                          for name, (number, row, records, _) in part.items())
        organisation(case, vendor, server.url, change=lambda text: head_of(text) + streams)
        some, said = pull(case, expect=75 if any(p[3] is None for p in part.values()) else 0)
        results, errors = results | some, errors + said
    for name, (number, _, _, rows) in plan.items():
        if rows is not None:
            assert results[name]["result"] == "ok" and int(results[name]["rows"]) == rows, (name, results[name])
            assert int(results[name]["set_aside"]) == 0 and server.asked[str(number)] == 1, (name, results[name])
    assert SECRET not in errors
    return results, errors, server.asked


def as_list(exchange, path):
    """The recorded answer with its single row made a list of one, so that it can be read as a list."""
    return {**exchange, "body": {**exchange["body"], path: [exchange["body"][path]]}}


def test_every_recorded_row_of_pipedrive_goes_through(case):
    """Every organization, person, search result, field and filter recorded from Pipedrive is mapped, none lost."""
    exchanges, plan, last = recordings("pipedrive"), {}, {}
    text = (Path(__file__).resolve().parents[2] / "config/connectors/pipedrive.yaml").read_text()
    owner = ("from: owner_id }", "from: owner_id.value }")
    own = {"organizations": row_of(text, "organizations", owner, ("      deleted: is_deleted\n", ""), ("address.country", "address_country")),
           "persons": row_of(text, "persons", ("emails[0]", "email[0]"), ("      deleted: is_deleted\n", ""), ("org_id", "org_id.value"))}
    found = {"organizations": "    row: { entity: account, key: item.id, map: [ { to: name, from: item.name } ] }\n",
             "persons": "    row: { entity: contact, key: item.id, account: item.organization.id, map: [ { to: name, from: item.name }, "
                        "{ to: email, from: \"item.emails[0]\" } ] }\n"}
    for i, e in enumerate(exchanges):
        data, kind = e["body"].get("data"), e["path"].split("/")[2]
        if isinstance(data, dict) and "items" in data:
            plan[f"f{i:04d}"] = (i, found[kind], "data.items", len(data["items"]))
        elif isinstance(data, list) and e["method"] == "GET":
            plan[f"l{i:04d}"] = (i, LISTED.format(key="key" if "Fields" in kind else "id"), "data", len(data))
        elif isinstance(data, dict) and kind in own and "name" in data:
            exchanges[i] = as_list(e, "data")
            plan[f"r{i:04d}"] = (i, own[kind], "data", 1)
        for row in [x["item"] for x in data["items"]] if isinstance(data, dict) and "items" in data else [data]:
            if kind in own and isinstance(row, dict) and "name" in row:
                last[kind, str(row["id"])] = row["name"]
    go_through(case, "pipedrive", exchanges, plan)
    for (kind, key), name in last.items():
        stored = case.query(f"SELECT name FROM {'account' if kind == 'organizations' else 'contact'} WHERE source_key = ?", key)
        assert stored == [(name,)], (kind, key, stored, name)
    if len(exchanges) > 100:
        assert len(plan) > 80, len(plan)
    print(f"         {len(plan)} answers, {sum(p[3] for p in plan.values())} rows, {len(last)} organizations and persons, 0 lost")


def test_every_recorded_answer_of_intercom_goes_through(case):
    """Every contact recorded from Intercom, by itself, listed or searched for, is mapped, none lost; 500 is tried again, and 400, 404
    and 409 are refused once, with what Intercom says."""
    exchanges, plan, last = recordings("intercom"), {}, {}
    own = row_of((Path(__file__).resolve().parents[2] / "config/connectors/intercom.yaml").read_text(), "contacts")
    for i, e in enumerate(exchanges):
        body = e["body"] if isinstance(e["body"], dict) else {}
        if e["status"] >= 400:
            plan[f"e{i:04d}"] = (i, own, "data", None)
            continue
        if body.get("type") == "contact" and "email" in body:
            exchanges[i] = {**e, "body": {"data": [body]}}
        elif not (e["path"].startswith("/contacts") and e["path"].count("/") < 3 and body.get("type") == "list"):
            continue
        rows = exchanges[i]["body"]["data"]
        plan[f"r{i:04d}"] = (i, own, "data", len(rows))
        for row in rows:
            last[row["id"]] = (row["name"], row["email"], row["updated_at"])
    _, errors, asked = go_through(case, "intercom", exchanges, plan)
    for name, (number, _, _, rows) in plan.items():
        if rows is None:
            e = exchanges[number]
            said = re.search(rf"stream={name} .*HTTP {e['status']}: ([^\n]*)", errors)
            assert said and e["body"]["errors"][0]["message"][:40] in said[1], (name, said, e["body"])
            assert asked[str(number)] == (9 if e["status"] == 500 else 1), (name, e["status"], asked[str(number)])
    for key, value in last.items():
        stored = case.query("SELECT name, email, modified_at FROM contact WHERE source_key = ?", key)
        assert stored == [tuple(v or None for v in value)], (key, stored, value)
    n_errors = sum(p[3] is None for p in plan.values())
    if len(exchanges) > 300:
        assert n_errors == 23 and len(plan) > 200, (n_errors, len(plan))
    print(f"         {len(plan) - n_errors} answers, {sum(p[3] or 0 for p in plan.values())} rows, {len(last)} contacts, {n_errors} errors; 0 lost")


run(globals())
