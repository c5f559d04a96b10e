#!/usr/bin/env python3
"""The stand-in CRM answers in the very shape of the real one's recorded answers: members, types, error bodies, headers."""
import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
import replay  # noqa: E402
from harness import DATA, SHARED, run  # noqa: E402

TOKEN = "pat-shape"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(?!000)\d{1,3})?Z")
# What the connection and the network in front say, not the API.
FOREIGN_HEADERS = {"connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive", "strict-transport-security", "cf-ray",
                   "set-cookie", "report-to", "nel", "expect-ct", "alt-svc", "x-trace", "x-content-type-options", "cf-request-id",
                   "__cfduid", "server-timing", "x-robots-tag", "access-control-allow-origin"}


def recordings():
    whole = SHARED / "data/exchanges/grouparoo__hubspot.jsonl"
    return replay.load(whole if whole.exists() else DATA / "hubspot/exchanges.jsonl")


def shape(value):
    """The value with every text, number and date replaced by its type."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return "instant"
    return type(value).__name__


def header_names(headers):
    return {k.lower() for k in headers} - FOREIGN_HEADERS


def ask(server, method, path, body=None, token=TOKEN):
    request = urllib.request.Request(server.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.loads(error.read())


def stand_in(case, **options):
    rows = [{"id": str(7945028643 + i), "properties": {"name": f"Company {i}", "domain": f"c{i}.example", "website": None, "date_field": None},
             "createdAt": "2022-02-17T18:54:22.300Z", "updatedAt": "2022-02-17T18:54:26.270Z"} for i in range(5)]
    server = crm.serve(crm.Store({"owners": [], "companies": rows}), token=TOKEN, **options)
    case.at_end(server.stop)
    return server


def search_body(*values):
    return {"filterGroups": [{"filters": [{"propertyName": "domain", "operator": "EQ", "value": v}]} for v in values],
            "properties": ["name", "website", "domain"], "limit": 100}


def test_a_search_answer_has_the_recorded_shape(case):
    """A search answer has the members, the types and the absent ones of every recorded search answer."""
    server = stand_in(case)
    found = [r for r in recordings() if r["path"].endswith("/search") and r["status"] == 200]
    _, _, one = ask(server, "POST", "/crm/v3/objects/companies/search", search_body("c1.example"))
    _, _, none = ask(server, "POST", "/crm/v3/objects/companies/search", search_body("nobody.example"))
    assert found and one["total"] == 1 and none == {"total": 0, "results": []}, (one, none)
    ours = shape(one["results"][0])
    assert {type(v) for v in one["results"][0]["properties"].values()} == {str, type(None)}
    for recorded in found:
        assert set(recorded["body"]) == set(one), recorded["body"].keys()
        for row in recorded["body"]["results"]:
            theirs = shape(row)
            assert {**theirs, "properties": 0} == {**ours, "properties": 0}, (theirs, ours)
            assert set(theirs["properties"].values()) <= {"str", "NoneType", "instant"}, theirs
            # The three standard properties always come, and nothing that was not asked for.
            standard = {"hs_createdate" if "/2-" in recorded["path"] else "createdate", "hs_object_id",
                        "lastmodifieddate" if "CONTACT" in recorded["path"] else "hs_lastmodifieddate"}
            assert standard <= set(row["properties"]) <= standard | set(recorded["req"]["properties"]), row
    assert set(one["results"][0]["properties"]) == {"name", "website", "domain", "createdate", "hs_object_id", "hs_lastmodifieddate"}


def test_a_search_says_nothing_of_its_limit(case):
    """A search answer carries no interval headers and a 429 no Retry-After, as in every recording."""
    server = stand_in(case, search_rate=1)
    searches = [r for r in recordings() if r["path"].endswith("/search")]
    limited = [r for r in searches if r["status"] == 429]
    answers = [ask(server, "POST", "/crm/v3/objects/companies/search", search_body("c1.example")) for _ in range(3)]
    ours = next(a for a in answers if a[0] == 429)
    assert limited
    for recorded in limited:
        assert shape(recorded["body"]) == shape(ours[2]), (recorded["body"], ours[2])
        assert recorded["body"]["category"] == ours[2]["category"] and recorded["body"]["message"] == ours[2]["message"]
    for names in [header_names(r["headers"]) for r in searches] + [header_names(a[1]) for a in answers]:
        assert "retry-after" not in names and not any("interval" in n or "secondly" in n for n in names), names
    union, common = set(), None
    for recorded in searches:
        names = header_names(recorded["headers"])
        union, common = union | names, names if common is None else common & names
    for status, headers, _ in answers:
        assert header_names(headers) <= union, (status, header_names(headers) - union)
        assert common <= header_names(headers), (status, common - header_names(headers))


def test_other_answers_do_say_it(case):
    """All other answers carry the interval headers that recorded ones carry."""
    server = stand_in(case)
    _, headers, _ = ask(server, "GET", "/crm/v3/objects/companies?limit=2")
    theirs = [header_names(r["headers"]) for r in recordings() if not r["path"].endswith("/search") and r["status"] in (200, 400, 404)]
    limits = {n for names in theirs for n in names if "ratelimit" in n}
    assert {n for n in header_names(headers) if "ratelimit" in n} == limits, (headers, limits)


def test_errors_have_the_recorded_words(case):
    """Error bodies have the members of the recorded errors."""
    server = stand_in(case)
    theirs = [r["body"] for r in recordings() if r["status"] in (400, 404, 429)]
    always = {"status", "message", "correlationId"}
    for body in theirs:
        assert always <= set(body) and body["status"] == "error", body
    bad = [ask(server, "GET", "/crm/v3/objects/companies?limit=0"), ask(server, "GET", "/crm/v3/objects/companies?limit=abc"),
           ask(server, "GET", "/crm/v3/objects/unicorns"), ask(server, "GET", "/crm/v3/objects/companies", token="pat-wrong"),
           ask(server, "POST", "/crm/v3/objects/companies/search", {**search_body("x"), "limit": 201}),
           ask(server, "POST", "/crm/v3/objects/companies/search", {**search_body("x"), "after": "9950"}),
           ask(server, "POST", "/crm/v3/objects/companies/search", {**search_body("x"), "colour": 1}),
           ask(server, "POST", "/crm/v4/associations/contacts/companies/batch/read", {"inputs": [{"id": 5}]})]
    assert [a[0] for a in bad] == [400, 400, 404, 401, 400, 400, 400, 400], [a[0] for a in bad]
    for _, _, body in bad:
        assert set(body) == always | {"category"} and all(isinstance(v, str) for v in body.values()), body


def test_one_query_ends_at_ten_thousand(case):
    """A search gives ten thousand rows and refuses the next; a list has no such end."""
    rows = [{"id": str(i), "properties": {"name": str(i)}, "createdAt": "2022-02-17T18:54:22.300Z"} for i in range(1, 10301)]
    server = crm.serve(crm.Store({"companies": rows}), token=TOKEN, search_rate=0, other_rate=0)
    case.at_end(server.stop)
    body = {"filterGroups": [], "properties": [], "limit": 200, "after": "9800"}
    status, _, last = ask(server, "POST", "/crm/v3/objects/companies/search", body)
    assert status == 200 and last["total"] == 10300 and last["paging"]["next"]["after"] == "10000", last["paging"]
    status, _, refused = ask(server, "POST", "/crm/v3/objects/companies/search", {**body, "after": "10000"})
    assert status == 400 and "10000" in refused["message"]
    status, _, listed = ask(server, "GET", "/crm/v3/objects/companies?limit=100&after=10200")
    assert status == 200 and len(listed["results"]) == 100 and "paging" not in listed


run(globals())
