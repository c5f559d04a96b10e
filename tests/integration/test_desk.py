#!/usr/bin/env python3
"""Redmine, EspoCRM and Freshdesk: recorded answers go through the engine, and lists that change while they are read lose nothing.

All recordings when they lie beside the tree, else the excerpts in tests/data/desk.
"""
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import desk  # noqa: E402
import replay  # noqa: E402
from harness import DATA, SHARED, run  # noqa: E402
from hubspot import number, pull, quick  # noqa: E402

WHOLE = {"redmine": "redmine-5.0.4-live__redmine", "espocrm": "espocrm-9.1.7-live__espocrm", "freshdesk": "grouparoo__freshdesk"}
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  desk:
    connector: {connector}
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ key: "file:{key}" }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


def organisation(case, connector, url, key=desk.KEY, more="", change=lambda text: text):
    secret = case.write("key", key + "\n")
    secret.chmod(0o600)
    case.org(ORG.format(connector=connector, url=url, key=secret, folder=case.tmp / "out", more=more))
    path = case.tmp / f"config/connectors/{connector}.yaml"
    path.write_text(change(quick(path.read_text()).replace("wait: 5s", "wait: 0s")))


def recordings(vendor):
    whole = SHARED / f"data/exchanges/{WHOLE[vendor]}.jsonl"
    return replay.load(whole if whole.exists() else DATA / f"desk/{vendor}.jsonl")


def serve(case, exchanges):
    server = replay.Replay([{**e, "query": e["query"] or {}} for e in exchanges]).start()
    case.at_end(server.stop)
    return server


def stand_in(case, rule, rows, **options):
    server = desk.Desk(rule, rows, **options)
    case.at_end(server.stop)
    return server


def row_of(text, stream):
    """How a connector itself reads a row of a stream."""
    return re.search(rf"\n  {stream}:\n((?:    (?:row|also):\n(?:      .*\n)+)+)", text)[1]


def streams(made):
    """The connector with other streams: its rules and rows, but requests as they were recorded. made: name -> (stream, lines)."""
    def build(text):
        head = re.sub(r"\ncheck:\n(  .*\n)+", "\n", text.split("\nstreams:\n")[0])
        return head + "\nstreams:\n" + "".join(
            f"  {name}:\n{row_of(text, stream)}    full:\n" + "".join(f"      {line}\n" for line in lines) for name, (stream, lines) in made.items())
    return build


def keys(case, table):
    return [k for k, in case.query(f"SELECT source_key FROM {table} WHERE deleted_on IS NULL ORDER BY source_key")]


def test_the_recorded_lists_are_followed_to_their_end(case):
    """Redmine's 130 issues come in 4 requests and EspoCRM's 249 accounts in 5, word for word as recorded: every id once."""
    for connector, stream, table, lines, n, n_pages in (
            ("redmine", "issues", "ticket", ['get: /issues.json', 'query: { status_id: "*", sort: updated_on, limit: 40, offset: "{{page.token}}" }',
                                             "records: issues", "page: { kind: offset, size: 40, total: total_count }"], 130, 4),
            ("espocrm", "accounts", "account", ["get: /api/v1/Account", 'query: { maxSize: 50, offset: "{{page.token}}", orderBy: modifiedAt, order: asc }',
                                                "records: list", "page: { kind: offset, size: 50, total: total }"], 249, 5)):
        exchanges = recordings(connector)
        server = serve(case, exchanges)
        organisation(case, connector, server.url, change=streams({"all": (stream, lines)}))
        results, _ = pull(case)
        rows = [r for e in exchanges if e["query"] and {"offset"} <= set(e["query"]) and e["path"] in lines[0]
                for r in e["body"].get("issues") or e["body"].get("list")]
        assert (number(results["all"], "rows"), number(results["all"], "pages")) == (n, n_pages), results
        assert keys(case, table) == sorted({str(r["id"]) for r in rows}) and len(keys(case, table)) == n == len(rows)
        assert not server.unmatched and number(results["all"], "set_aside") == 0, (server.unmatched, results)
        print(f"         {connector}: {n} rows in {n_pages} requests, {n} unique ids")
    at, created = case.query("SELECT modified_at, created_on FROM account WHERE source_key = '6b025c47e8d6a4a2e' OR name = 'Acme 52'")[0]
    assert time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) == "2026-11-22 03:06:47" and created == 20779, (at, created)


def test_every_recorded_list_of_freshdesk_is_mapped(case):
    """Each list of companies and contacts that was recorded from Freshdesk, a bare array, is mapped without loss."""
    exchanges = recordings("freshdesk")
    server = serve(case, exchanges)
    made = {f"s{i}": (e["path"].rsplit("/", 1)[1], [f"get: /rec/{i}{e['path']}", "records: .", "page: { kind: number, size: 100 }"])
            for i, e in enumerate(exchanges) if e["method"] == "GET" and isinstance(e["body"], list)}
    organisation(case, "freshdesk", server.url, change=streams(made))
    results, _ = pull(case)
    ids = {"companies": set(), "contacts": set()}
    for name, (stream, _) in made.items():
        rows = exchanges[int(name[1:])]["body"]
        assert (results[name]["result"], number(results[name], "rows"), number(results[name], "set_aside")) == ("ok", len(rows), 0), (name, results[name])
        ids[stream] |= {str(r["id"]) for r in rows}
    assert keys(case, "account") == sorted(ids["companies"]) and keys(case, "contact") == sorted(ids["contacts"])
    print(f"         {len(made)} lists, {len(ids['companies'])} companies, {len(ids['contacts'])} contacts")


def test_every_recorded_error_is_classed_right(case):
    """A refusal that a person must mend says so; one that is the list's own fails it; none is asked twice."""
    n = {}
    for connector, stream in (("redmine", "issues"), ("espocrm", "accounts")):
        exchanges = recordings(connector)
        server = serve(case, exchanges)
        bad = [i for i, e in enumerate(exchanges) if e["status"] >= 400]
        made = {f"e{i}": (stream, [f"get: /rec/{i}{exchanges[i]['path']}", "records: list", "page: { kind: none }"]) for i in bad}
        organisation(case, connector, server.url, change=streams(made))
        for i in bad:
            status, reason = exchanges[i]["status"], exchanges[i]["headers"].get("X-Status-Reason", "")
            is_config = status in (401, 403, 404) and not reason.startswith(("Max size", "Record "))
            results, said = pull(case, "--stream", f"e{i}", expect=None)
            result = case.retaind("pull", "--stream", f"e{i}", expect=78 if is_config else None)
            assert results[f"e{i}"]["result"] == "failed" and f"HTTP {status}" in said and reason in said, (i, said)
            assert (result.returncode == 78) == is_config and server.asked[str(i)] == 2, (i, result.returncode, server.asked)
            n[status] = n.get(status, 0) + 1
        assert desk.KEY not in said
    assert set(n) == {400, 401, 403, 404, 422}, n
    print(f"         {n}")


def issues(n, **more):
    return [{"id": i, "project": {"id": 1, "name": "Acme"}, "tracker": {"id": 1, "name": "Bug"}, "status": {"id": 1, "name": "New", "is_closed": False},
             "priority": {"id": 2, "name": "Normal"}, "subject": f"Ticket {i}", "description": None, "created_on": "2026-03-01T09:00:00Z",
             "updated_on": "2026-03-01T09:00:00Z", "closed_on": None, **more} for i in range(1, n + 1)]


def test_a_wrong_key_is_found_out_before_redmine_shows_a_part(case):
    """Redmine answers a stranger with what everybody may see: the first question finds out, a person is asked, no row is stored."""
    rows = issues(30)
    rows[7]["is_private"] = True
    server = stand_in(case, desk.redmine, rows)
    organisation(case, "redmine", server.url, key="of-another-redmine")
    _, said = pull(case, expect=78)
    assert "API key" in said and [p for p, _, _ in server.seen] == ["/users/current.json"] and "of-another" not in said, said
    assert not case.query("SELECT * FROM ticket") and case.query("SELECT last_ok_at FROM source")[0][0] is None


ONLY_ISSUES = "    map: { projects: skip }\n"


def test_rows_that_slip_to_an_earlier_page_are_read(case):
    """While 1,000 issues are walked 100 a page, others are deleted, edited, closed and created: the next pull has all, each once."""
    server = stand_in(case, desk.redmine, issues(1000))

    def change(n):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        del server.rows[:3 * (n < 8)], server.rows[20:20 + 40 * (n == 4)]
        for row in server.rows[n::50]:
            row.update(subject=f"edited {n}", updated_on=now)
        server.rows[5].update(status={"id": 5, "name": "Closed", "is_closed": True}, closed_on=now, updated_on=now)
        server.rows.append({**server.rows[-1], "id": server.rows[-1]["id"] + 1, "subject": "new", "created_on": now, "updated_on": now})
    server.between = change
    organisation(case, "redmine", server.url, more=ONLY_ISSUES)
    pull(case)
    n_first = len(server.seen)
    living = {str(r["id"]) for r in server.rows}
    server.between = None
    results, _ = pull(case)
    stored = dict(case.query("SELECT source_key, subject || '/' || status || '/' || (closed_at IS NOT NULL) FROM ticket"))
    want = {str(r["id"]): f"{r['subject']}/{r['status']['name']}/{int(r['closed_on'] is not None)}" for r in server.rows}
    lost = [k for k in want if stored.get(k) != want[k]]
    assert results["issues"]["mode"] == "incremental" and living <= set(stored) and not lost, (lost[:5], len(stored))
    assert len(stored) == case.query("SELECT count(DISTINCT source_key) FROM ticket")[0][0] and n_first > 12, n_first
    print(f"         {len(want)} living, 0 lost, {n_first - 1} pages in the first walk")


def test_a_list_that_lacks_rows_is_no_whole_list(case):
    """A page that ends before the total it says is an error that is tried again, and a limit cut silently loses nothing."""
    rows = issues(250)
    server = stand_in(case, desk.redmine, rows)
    organisation(case, "redmine", server.url, more=ONLY_ISSUES, change=lambda t: t.replace("limit: 100", "limit: 500").replace("size: 100", "size: 500"))
    results, _ = pull(case)
    assert len(keys(case, "ticket")) == 250, results

    def short(*args):
        status, headers, body = desk.redmine(*args)
        if isinstance(body, dict) and int(body.get("offset", 0)) > 150:
            body["issues"] = []
        return status, headers, body
    server.rule = short
    organisation(case, "redmine", server.url, more=ONLY_ISSUES, change=lambda t: t.replace(", overlap: 5", "").replace(
        "full_every: 1d\n    full_diff: true\n", "full_every: 1d\n"))
    _, said = pull(case, "--full", expect=75)
    assert "says that it has 250" in said, said


def test_espocrm_is_walked_by_creation_and_read_again_by_change(case):
    """EspoCRM: 700 accounts, some deleted during the walk; increments ask in UTC without a zone, 200 a page, and find each change."""
    rows = [{"id": f"6b{i:015x}", "name": f"A{i}", "deleted": False, "website": f"a{i}.test", "type": "Customer" if i % 2 else None,
             "createdAt": "2026-11-22 03:06:46", "modifiedAt": "2026-11-22 03:06:46"} for i in range(700)]
    server = stand_in(case, desk.espocrm, rows)
    server.between = lambda n: server.rows.__delitem__(slice(0, 30 if n < 3 else 0))
    organisation(case, "espocrm", server.url)
    pull(case, "--now", "2026-11-22T04:00:00Z")
    assert {r["id"] for r in server.rows} <= set(keys(case, "account")) and len(server.rows) == 640
    server.between = None
    server.rows[9].update(name="changed", modifiedAt="2026-11-22 04:00:00")
    results, _ = pull(case, "--now", "2026-11-22T05:00:00Z")
    assert (results["accounts"]["mode"], number(results["accounts"], "rows")) == ("incremental", 1), results
    asked = [q["where[0][value]"] for p, q, _ in server.seen if p == "/api/v1/Account" and "where[0][value]" in q]
    assert len(asked) == 1 and asked[0] <= "2026-11-22 03:55:00", asked
    assert case.query("SELECT name, is_customer FROM account WHERE source_key = ?", server.rows[9]["id"]) == [("changed", 1)]
    assert all(s == 200 for _, _, s in server.seen)


def tickets(n, at):
    return [{"id": i, "subject": f"T{i}", "status": 2, "priority": 1, "company_id": None, "requester_id": 9, "created_at": "2026-03-01T09:00:00Z",
             "updated_at": at(i), "stats": {"resolved_at": None}} for i in range(1, n + 1)]


def test_freshdesk_loses_nothing_at_its_limit_of_pages(case):
    """Freshdesk: 1,500 tickets behind a limit of 5 pages a query, 250 of them of one second, edited during the walk: each is read."""
    def at(i):
        i = min(i, 600) if i < 850 else i
        return f"2026-05-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}Z"
    server = stand_in(case, desk.freshdesk, tickets(1500, at), most_pages=5)

    def edit(n):
        for row in (server.rows[n * 7], server.rows[1400 - n]):
            row.update(status=4, updated_at=f"2026-06-01T01:{n:02}:00Z", stats={"resolved_at": "2026-06-01T00:00:00Z"})
    server.between = edit
    organisation(case, "freshdesk", server.url)
    results, _ = pull(case, "--now", "2026-06-01T01:00:00Z")
    stored = dict(case.query("SELECT source_key, status || (closed_at IS NOT NULL) FROM ticket"))
    server.between = None
    assert set(stored) == {str(r["id"]) for r in server.rows} and number(results["tickets"], "rows") < 2000, results
    results, _ = pull(case, "--now", "2026-06-01T02:00:00Z")
    stored = dict(case.query("SELECT source_key, status || (closed_at IS NOT NULL) FROM ticket"))
    assert stored == {str(r["id"]): "resolved1" if r["status"] == 4 else "open0" for r in server.rows}
    assert results["tickets"]["mode"] == "incremental" and all(s == 200 for _, _, s in server.seen)
    assert all("updated_since" in q for p, q, _ in server.seen if p.endswith("/tickets"))


def test_a_walk_by_count_over_what_changes_is_refused(case):
    """A connector that counts rows of a list sorted by what can change, or by nothing, is refused, and so is one without address."""
    for old, new, said in (("sort: id, limit: 100", "sort: updated_on, limit: 100", "nothing in `query:` asks for it"),
                           ("order_by: id", "order_by: updated_on", "sorted by `updated_on`, which can change"),
                           ("order_by: id, ", "", "needs `order_by:`"),
                           ("overlap: 5, field: id", "overlap: 5", "`overlap:` is for offset")):
        organisation(case, "redmine", "http://127.0.0.1:1", change=lambda t, old=old, new=new: t.replace(old, new))
        result = case.retaind("check", expect=78)
        assert said in result.stdout + result.stderr, (said, result.stdout, result.stderr)
    organisation(case, "redmine", "http://127.0.0.1:1")
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(re.sub(r"    base_url: .*\n", "", org.read_text()))
    result = case.retaind("check", expect=78)
    assert "every redmine has its own address" in result.stdout + result.stderr, result.stdout + result.stderr


run(globals())
