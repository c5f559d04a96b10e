#!/usr/bin/env python3
"""Answers recorded from HubSpot go through the engine over HTTP: rows without loss, errors in their class.

All of them when the recordings lie beside the tree, else the excerpt in tests/data/hubspot.
"""
import re
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import replay  # noqa: E402
from harness import DATA, SHARED, run  # noqa: E402
from hubspot import TOKEN, number, organisation, pull, quick  # noqa: E402

STREAMS_AT_ONCE = 150  # a connector's file has at most 20,000 values
# Companies and contacts go through hubspot.yaml's own maps, with what the organisation's file would add; objects of their own kind
# are no stream of hubspot.yaml.
OWN = {"COMPANY": ("companies", "account", "[ { to: url, from: properties.website }, { to: plan, from: properties.twitterhandle } ]"),
       "CONTACT": ("contacts", "contact", "[ { to: title, from: properties.text_field }, { to: team, from: properties.number_field } ]")}
CUSTOM = "{ entity: opportunity, key: id, deleted: archived, map: [ { to: name, from: properties.grouparoo_object_property }, " \
         "{ to: stage, from: properties.text_field }, { to: owner_key, from: properties.first_name + properties.last_name } ] }"
COLUMNS = {"account": "name, domain, url, plan, created_on, modified_at, stage, is_customer, csm_key",
           "contact": "name, email, title, team, created_on, modified_at, role", "opportunity": "name, stage, owner_key"}


def recordings():
    whole = SHARED / "data/exchanges/grouparoo__hubspot.jsonl"
    return replay.load(whole if whole.exists() else DATA / "hubspot/exchanges.jsonl")


def kind_of(path):
    """COMPANY, CONTACT or None for objects of their own kind and for what is no search."""
    return next((k for k in OWN if f"/objects/{k}" in path), None)


def entity_of(path):
    return OWN[kind_of(path)][1] if kind_of(path) else "opportunity"


def row_of(text, stream):
    """How hubspot.yaml itself reads a row of a stream."""
    return re.search(rf"\n  {stream}:\n(    row:\n(?:      .*\n)+)", text)[1] + "    properties: properties.\n"


def recorded_connector(plan):
    """A connector with one stream per recorded answer; its rules, pager and rows are those of hubspot.yaml."""
    def build(text):
        # Recorded headers say how much was left then: that isn't waited for now.
        head, streams = re.sub(r"\nquota_headers:\n((?:  .*)?\n)+?(?=\S)", "\n\n", quick(text)).split("\nstreams:\n")[0], []
        for name, (numbers, exchange) in plan.items():
            kind = kind_of(exchange["path"])
            how = f"post: /rec/{numbers}{exchange['path']}\n      body: {{ limit: 100 }}" if exchange["method"] == "POST" \
                else f"get: /rec/{numbers}/profile"
            row = row_of(text, OWN[kind][0]) if kind else f"    row: {CUSTOM}\n"
            streams.append(f"  {name}:\n{row}    full:\n      {how}\n      records: results\n"
                           "      page: { kind: cursor, from: paging.next.after }\n")
        return head + "\nstreams:\n" + "".join(streams)
    return build


def additions(plan):
    """What the organisation's file says of the streams."""
    lines = [f"      {name}: {OWN[kind_of(e['path'])][2]}\n" for name, (_, e) in plan.items() if kind_of(e["path"])]
    return "    map:\n" + "".join(lines) if lines else ""


def plan_recordings(exchanges):
    """Streams: each search answer; each 429 followed by the next good answer to the same path; each 400 and 404."""
    plan = {}
    for i, e in enumerate(exchanges):
        is_search = re.fullmatch(r"/crm/v3/objects/[^/]+/search", e["path"])
        if is_search and e["status"] == 200:
            plan[f"s{i:04d}"] = (str(i), e)
        elif is_search and e["status"] == 429:
            good = next(j for j in [*range(i, len(exchanges)), *range(i)] if exchanges[j]["path"] == e["path"] and exchanges[j]["status"] == 200)
            plan[f"l{i:04d}"] = (f"{i},{good}", e)
        elif e["status"] in (400, 404) and not is_search:
            plan[f"e{i:04d}"] = (str(i), e)
    return plan


def day_and_second(created, modified):
    """As the store has them: the day in the organisation's zone, the instant in seconds."""
    day = datetime.fromisoformat(created.replace("Z", "+00:00")).astimezone(ZoneInfo("Europe/Paris")).date()
    return (day - date(1970, 1, 1)).days, int(datetime.fromisoformat(modified.replace("Z", "+00:00")).timestamp())


def expected_value(row, entity):
    p = row["properties"]

    def text(*names):
        return " ".join(p[n] for n in names if p.get(n)) or None
    if entity == "account":
        return text("name"), text("domain"), text("website"), text("twitterhandle"), \
            *day_and_second(p["createdate"], p["hs_lastmodifieddate"]), None, None, None
    if entity == "contact":
        return text("firstname", "lastname"), text("email"), text("text_field"), text("number_field"), \
            *day_and_second(p["createdate"], p["lastmodifieddate"]), None
    return text("grouparoo_object_property"), text("text_field"), text("first_name", "last_name")


def test_every_recorded_answer_goes_through(case):
    """Every recorded object search is mapped without loss, companies and contacts by hubspot.yaml's own maps;
    every 429 waits and goes on; every 400 and 404 is refused once."""
    exchanges = recordings()
    plan = plan_recordings(exchanges)
    server = replay.Replay(exchanges).start()
    case.at_end(server.stop)
    results, errors = {}, ""
    for i in range(0, len(plan), STREAMS_AT_ONCE):
        part = dict(list(plan.items())[i:i + STREAMS_AT_ONCE])
        organisation(case, server.url, more=additions(part), connector=recorded_connector(part))
        some, said = pull(case, expect=75 if any(n[0] == "e" for n in part) else 0)
        results, errors = results | some, errors + said
    last, n_rows, counts = {}, 0, {"s": 0, "l": 0, "e": 0}
    for name, (numbers, exchange) in plan.items():
        result = results[name]
        counts[name[0]] += 1
        if name[0] == "e":
            assert result["result"] == "failed" and server.asked[numbers] == 1, (result, server.asked[numbers])
            said = re.search(rf"stream={name} .*HTTP {exchange['status']}: ([^\n]*)", errors)
            assert said and exchange["body"]["message"] in said[1], (name, said)
            continue
        good = exchanges[int(numbers.split(",")[-1])]
        assert result["result"] == "ok" and number(result, "rows") == len(good["body"]["results"]), (name, result)
        assert number(result, "set_aside") == 0 and server.asked[numbers] == (2 if name[0] == "l" else 1), (name, result)
        entity = entity_of(exchange["path"])
        for row in good["body"]["results"]:
            last[entity, row["id"]] = expected_value(row, entity)
            n_rows += 1
    for (entity, key), value in last.items():
        stored = case.query(f"SELECT {COLUMNS[entity]} FROM {entity} WHERE source_key = ?", key)
        assert stored == [value], (entity, key, stored, value)
    assert sum(case.query(f"SELECT count(*) FROM {t}")[0][0] for t in COLUMNS) == len(last)
    if len(exchanges) > 900:
        assert counts == {"s": 405, "l": 69, "e": 94} and n_rows >= 516, (counts, n_rows)
    assert not server.unmatched and TOKEN not in errors
    print(f"         {counts['s']} searches, {counts['l']} limits, {counts['e']} refusals; {n_rows} rows, {len(last)} records, 0 lost")


run(globals())
