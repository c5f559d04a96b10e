#!/usr/bin/env python3
"""Streams whose rows are asked for one by one: what each row of a list says in full, or a list of its own, several at a time."""
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402
from vendor import SECRET, Vendor, organisation, pull  # noqa: E402

CONNECTOR = """
auth: {{ kind: header, name: Authorization, value: "Bearer {{{{secret.token}}}}" }}
limits:
  - {{ rate: {rate}, per: 1s }}
attempts: 4
first_wait: 0.01
longest_wait: 0.05
streams:
  teams:
    row: {{ entity: account, key: id, map: [ {{ to: name, from: name }} ] }}
    full: {{ get: /teams, records: items }}
  people:
    row:
      entity: contact
      key: id
      account: team
      map: [ {{ to: name, from: name }}, {{ to: title, from: listed_as }}, {{ to: modified_at, from: at }} ]
    full:
      get: /people
      query: {{ page: "{{{{page.token}}}}" }}
      records: items
      page: {{ kind: cursor, from: next }}
    incremental:
      get: /people
      query: {{ since: "{{{{window.start|s}}}}", page: "{{{{page.token}}}}" }}
      records: items
      page: {{ kind: cursor, from: next }}
    each: {{ get: "/people/{{{{parent.id}}}}", row: person, empty: [404, 410], concurrent: {concurrent} }}
  talks:
    row:
      entity: interaction
      key: "'talk'+parent.id+n"
      account: parent.team
      map: [ {{ to: at, from: at }}, {{ to: kind, value: note }}, {{ to: body, from: text }} ]
    full:
      get: /people
      query: {{ page: "{{{{page.token}}}}" }}
      records: items
      page: {{ kind: cursor, from: next }}
    each:
      get: /people/{{{{parent.id}}}}/talks
      query: {{ page: "{{{{page.token}}}}", size: 3 }}
      records: talks
      page: {{ kind: number, size: 3 }}
      concurrent: {concurrent}
"""
T0 = 1_767_225_600
SIZE = 20


class Api:
    """People in pages of 20 by id, each by itself, and each one's talks in pages of 3; counts what is under way at the same time."""

    def __init__(self, n):
        self.people = {i: {"id": i, "team": i % 7, "name": f"Person {i}", "at": T0 + i} for i in range(n)}
        self.talks = {i: [{"n": k, "at": T0 + k, "text": f"{i}/{k}"} for k in range(i % 8)] for i in range(n)}
        self.lock, self.now, self.most, self.delay_s, self.trouble = threading.Lock(), 0, 0, 0.0, {}
        self.arrivals = []

    def __call__(self, request):
        if request.headers["Authorization"] != f"Bearer {SECRET}":
            return 401, {"error": "who are you?"}
        with self.lock:
            self.arrivals.append(time.monotonic())
            self.now += 1
            self.most = max(self.most, self.now)
            trouble = self.trouble.get(request.path)
            answer = trouble.pop(0) if trouble else None
        time.sleep(self.delay_s)
        with self.lock:
            self.now -= 1
        return answer or self.answer(request.path.split("/")[1:], request.query)

    def answer(self, path, query):
        if path == ["teams"]:
            return 200, {"items": [{"id": i, "name": f"Team {i}"} for i in range(7)]}
        if path == ["people"] and set(query) <= {"page", "since"}:
            rows = [p for p in self.people.values() if p["at"] >= int(query.get("since", 0))]
            at = int(query.get("page") or 0)
            listed = [{"id": p["id"], "team": p["team"], "listed_as": f"No {p['id']}"} for p in rows[at:at + SIZE]]
            return 200, {"items": listed, "next": str(at + SIZE) if at + SIZE < len(rows) else None}
        person = int(path[1])
        if path[0] != "people" or person not in self.people:
            return 404, {"error": "no such person"}
        if path[2:] == ["talks"] and set(query) == {"page", "size"} and query["size"] == "3":
            page = int(query["page"])
            return 200, {"talks": self.talks[person][3 * page - 3:3 * page]}
        return (400, {"error": "refused"}) if path[2:] or query else (200, {"person": self.people[person]})


def serve(case, n=50, rate=10000, concurrent=4, change=lambda text: text):
    api = Api(n)
    server = Vendor(case, api)
    organisation(case, "pipedrive", server.url)
    (case.tmp / "config/connectors/team.yaml").write_text(change(CONNECTOR.format(rate=rate, concurrent=concurrent)))
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("connector: pipedrive", "connector: team"))
    return api, server


def stored(case):
    return case.query("SELECT source_key, name, title, account_key FROM contact WHERE deleted_on IS NULL ORDER BY CAST(source_key AS INTEGER)")


def people(api):
    return [(str(i), p["name"], f"No {i}", str(p["team"])) for i, p in sorted(api.people.items())]


def talks(api):
    return sorted((f"talk+{i}+{t['n']}", t["text"], str(api.people[i]["team"])) for i in api.people for t in api.talks[i])


def test_each_row_is_asked_for_and_each_has_a_list_of_its_own(case):
    """50 people listed 20 at a time are read one by one, and the pages of each one's talks to their end: all there, in order, none twice."""
    api, server = serve(case)
    results, said = pull(case)
    assert stored(case) == people(api), said
    said_of = case.query("SELECT source_key, body, account_key FROM interaction ORDER BY source_key")
    assert sorted(said_of) == talks(api) and (results["talks"]["rows"], results["talks"]["new"]) == (len(said_of), len(said_of)), results
    assert case.query("SELECT count(*) FROM contact WHERE account_id IS NULL")[0][0] == 0
    ids = [r for r, in case.query("SELECT CAST(source_key AS INTEGER) FROM contact ORDER BY id")]
    assert ids == sorted(ids), "stored in the order of the list, whatever order the answers came in"
    details = [r.path for r in server.seen if r.path.startswith("/people/") and not r.path.endswith("talks")]
    assert len(details) == len(set(details)) == 50


def test_three_increments_leave_what_the_server_has(case):
    """After the first pull three increments, with rows changed, added and gone between them: the store is what the server has."""
    api, server = serve(case)
    now = T0 + 1000
    pull(case, "--stream", "people", "--now", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))
    for step in range(1, 4):
        now += 1000
        for i in range(step, 50, 11):
            if i in api.people:
                api.people[i].update(name=f"Changed {step}", at=now - 10)
        api.people[100 + step] = {"id": 100 + step, "team": 1, "name": "New", "at": now - 5}
        # One is in the list when it is asked for, and gone when it is asked about.
        gone = 5 * step
        api.people[gone]["at"] = now - 5
        api.trouble[f"/people/{gone}"] = [(404 if step < 3 else 410, {"error": "gone"})]
        server.seen.clear()
        results, _ = pull(case, "--stream", "people", "--now", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)))
        del api.people[gone]
        assert results["people"]["mode"] == "incremental" and results["people"]["deleted"] == 1, results
        assert stored(case) == people(api)
        asked = [r for r in server.seen if r.path.startswith("/people/")]
        assert len(asked) == results["people"]["rows"] < 20, len(asked)


def test_no_more_than_allowed_are_asked_for_at_the_same_time(case):
    """`concurrent: 4`: four requests under way at the same time, never five; with 1, one after the other."""
    for most in (4, 1):
        api, _ = serve(case, n=24, concurrent=most)
        api.delay_s = 0.02
        pull(case, "--full")
        assert api.most == most, api.most
        assert stored(case) == people(api)


def test_several_at_a_time_keep_the_pace_of_one(case):
    """40 requests a second allowed, 8 at a time, 100 ms each: never more than allowed within a second, and twice as many at least as one
    at a time could make."""
    api, _ = serve(case, n=60, rate=40, concurrent=8)
    api.delay_s = 0.1
    pull(case, "--stream", "people")
    at = api.arrivals
    worst = max(sum(1 for x in at if start <= x < start + 1) for start in at)
    rate = (len(at) - 1) / (at[-1] - at[0])
    assert worst <= 40 and rate > 20, (worst, rate)
    print(f"         {len(at)} requests, {rate:.1f} a second, at most {worst} in any second")


PASSING = {"429 without Retry-After": (429, {"error": "slow"}), "429 with it": (429, {"error": "slow"}, {"Retry-After": "0"}),
           "429 as text": (429, b"slow down", {"Content-Type": "text/plain"}), "500": (500, {}), "503": (503, b""), "504": (504, b"<html>"),
           "half an answer": (200, b'{"person": {"id": 3'), "no answer": (200, b""), "a page for people": (200, b"<html><p>Log in</p></html>")}
LASTING = {"400": (400, {"error": "no"}, 75), "401": (401, {"error": "who?"}, 78), "403": (403, {"error": "no"}, 78),
           "204": (204, b"", 75), "another shape": (200, {"people": []}, 75), "a list": (200, [1], 75)}


def asked(server):
    return {path: sum(1 for r in server.seen if r.path == path) for path in {r.path for r in server.seen}}


def test_one_that_fails_is_asked_again(case):
    """Nine kinds of trouble with one of 30: it is asked for again, each other once, and nothing is lost."""
    for name, bad in PASSING.items():
        api, server = serve(case, n=30)
        api.trouble["/people/3"] = [bad]
        pull(case, "--full", "--stream", "people")
        n = asked(server)
        assert stored(case) == people(api) and n.pop("/people/3") == 2 and n.pop("/people") == 2 and set(n.values()) == {1}, (name, n)


def test_no_page_is_stored_without_all_of_its_rows(case):
    """Trouble that doesn't pass, of nine kinds that are asked for four times and six that are asked for once: of that page nothing is
    stored and no row taken for gone; the next pull goes on at that page and has all."""
    for name, bad in {**PASSING, **LASTING}.items():
        api, server = serve(case, n=30)
        case.database().unlink(missing_ok=True)
        answer, code = (bad, 75) if name in PASSING else (bad[:2], bad[2])
        api.trouble["/people/23"] = [answer] * 4
        _, said = pull(case, "--stream", "people", expect=code)
        n = asked(server)
        assert n["/people/23"] == (4 if name in PASSING else 1) and "23" in said and SECRET not in said, (name, n, said)
        assert stored(case) == people(api)[:20], name
        api.trouble.clear()
        server.seen.clear()
        results, _ = pull(case, "--stream", "people")
        assert stored(case) == people(api) and results["people"]["pages"] == 1 and "/people/3" not in asked(server), name


def test_a_refusal_ends_it_and_is_told(case):
    """A row that may not be read fails the stream with its address; a list that has another shape too; nothing is asked twice."""
    api, server = serve(case, n=30)
    api.trouble["/people/7"] = [(403, {"error": "not yours"})]
    _, said = pull(case, "--stream", "people", expect=78)
    assert "GET /people/7: HTTP 403: not yours" in said and SECRET not in said and not stored(case), said
    assert sum(1 for r in server.seen if r.path == "/people/7") == 1
    api.trouble["/people/7"] = [(200, {"someone": {}})]
    _, said = pull(case, "--stream", "people", expect=None)
    assert "row 7: the answer has no row at `person`" in said, said
    api.trouble["/people/7/talks"] = [(200, {"talks": [{"n": 1, "at": T0}] * 3})] * 2
    _, said = pull(case, "--stream", "talks", expect=None)
    assert "goes in circles" in said, said


def test_a_dry_run_asks_only_for_what_it_shows(case):
    """`pull --dry-run --limit 5` asks about five rows, and stores none."""
    api, server = serve(case)
    result = case.retaind("pull", "--dry-run", "--source", "src", "--stream", "people", "--limit", "5")
    assert result.stdout.count("Person ") == 5, result.stdout
    assert sum(1 for r in server.seen if r.path.startswith("/people/")) == 5


def test_words_that_make_no_sense_are_refused(case):
    """`each:` that asks the same for every row, pages an answer that is one row, or names no path is refused with a sentence."""
    good = 'each: { get: "/people/{{parent.id}}", row: person, empty: [404, 410], concurrent: 4 }'
    for bad, said in (('each: { get: /people/7, row: person }', "asks the same for every row"),
                      ('each: { row: person }', "must say the path"),
                      ('each: { get: "/p/{{parent.id}}", page: { kind: none } }', "`page:` goes with `records:`"),
                      ('each: { get: "/p/{{parent.id}}", records: a, row: b }', "one of the two"),
                      ('each: { get: "/p/{{parent.id}}", body: { a: b } }', "carries no `body:`"),
                      ('each: { get: "/p/{{parent.id}}", empty: [soon] }', "is no status"),
                      ('each: { get: "/p/{{parent.id}}", concurrent: 17 }', "concurrent"),
                      ('each: { get: "/p/{{parent.id}}", concurent: 2 }', "did you mean `concurrent`")):
        def change(text, bad=bad):
            assert good in text
            return text.replace(good, bad)
        serve(case, change=change)
        result = case.retaind("check", expect=78)
        assert said in result.stdout + result.stderr, (bad, result.stdout, result.stderr)


if __name__ == "__main__":
    run(globals())
