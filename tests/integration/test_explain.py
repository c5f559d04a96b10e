#!/usr/bin/env python3
"""`retaind check --connector F` says in words what a connector does, from nothing but its file."""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, run  # noqa: E402

CONNECTORS = sorted(p.stem for p in (ROOT / "config/connectors").glob("*.yaml"))


def streams_of(text):
    return re.findall(r"^  (\w+):$", text.partition("\nstreams:\n")[2], re.M)  # one connector leaves them to the organisation


def explain(case, connector, expect=0):
    result = case.retaind("check", "--connector", connector, "--format", "json", expect=expect, config=ROOT / "config")
    return json.loads(result.stdout) if result.stdout.strip() else [], result.stderr


def said(rows, stream, about):
    return [r["in_words"] for r in rows if (r["stream"] or "") == stream and r["about"] == about]


def test_every_connector_is_explained(case):
    """Each shipped connector is told without an organisation: each stream's list, changes, deletions and records, each secret it needs."""
    n = 0
    for connector in CONNECTORS:
        text = (ROOT / f"config/connectors/{connector}.yaml").read_text()
        rows, _ = explain(case, connector)
        told = list(dict.fromkeys(r["stream"] for r in rows if r["stream"]))
        assert told == streams_of(text), (connector, told)
        for stream in told:
            for about in ("full", "changes", "deletes", "maps"):
                assert said(rows, stream, about), (connector, stream, about)
        assert said(rows, "", "address") and said(rows, "", "login") and said(rows, "", "pace") and said(rows, "", "writes"), connector
        named = set(re.findall(r"\{\{ *secret\.(\w+)", text))
        assert named == set("".join(said(rows, "", "needs")[:1]).removeprefix("secrets: ").split(", ")) - {""}, (connector, named)
        n += len(told)
    print(f"         {len(CONNECTORS)} connectors, {n} streams")


def test_the_words_are_those_of_the_file(case):
    """HubSpot's companies: path, pager, page size and pace of the list and of the search, lag, cursor, deletions, link and mapping."""
    rows, _ = explain(case, "hubspot")
    searches, others = re.findall(r"^  - \{.*rate: (\d+), per: 1s", (ROOT / "config/connectors/hubspot.yaml").read_text(), re.M)
    assert said(rows, "companies", "full") == ["walks GET /crm/v3/objects/companies page by page with the token at paging.next.after, 100 a page, "
                                               f"at most {others} requests a second; rows in results"], said(rows, "companies", "full")
    assert said(rows, "companies", "changes") == ["walks POST /crm/v3/objects/companies/search from behind the last row's id, 100 a page, "
                                                  f"at most {searches} requests a second; rows in results"], said(rows, "companies", "changes")
    assert "reads 1 hour before that again" in said(rows, "companies", "cursor")[0]
    assert said(rows, "companies", "anew") == ["everything again every 7 days, and when the mapping changes"]
    assert said(rows, "companies", "deletes")[0].startswith("every day walks GET /crm/v3/objects/companies page by page")
    assert said(rows, "companies", "deletes")[1] == "a row whose archived is true is gone"
    maps = said(rows, "companies", "maps")[0]
    assert maps.startswith("each row becomes account id: name = properties.name,") and "{ customer: yes, evangelist: yes, *: no }" in maps, maps
    assert "/crm/v4/associations/contacts/companies/batch/read" in said(rows, "contacts", "account")[0]
    assert said(rows, "", "login") == ["header Authorization: Bearer {{secret.token}}",
                                       "or oauth2, refresh, token from https://api.hubapi.com/oauth/v1/token"]
    assert "POST /crm/v3/objects/companies/batch/update, 100 at a time" in said(rows, "", "writes")[0]
    rows, _ = explain(case, "redmine")
    assert "by counting rows in the order of id, 5 of them twice" in said(rows, "issues", "full")[0]
    assert "asks GET /users/current.json who we are" in said(rows, "", "first")[0]
    assert "of the account whose name is project.name" in said(rows, "issues", "maps")[0]


NEW = """
auth: { kind: header, name: X-Key, value: "{{secret.key}}" }
limits: [ { rate: 30, per: 1m } ]
streams:
  things:
    row: { entity: account, key: id, map: [ { to: name, from: name } ] }
    full: { get: "/v1/{{config.tenant}}/things", query: { per_page: 50, page: "{{page.token}}" }, records: items, page: { kind: number, size: 50 } }
"""


def test_a_file_that_is_being_written_is_explained_or_its_mistakes_told(case):
    """A path is as good as a name; a file with a mistake is told with line and hint and ends with 78; so does one that isn't there."""
    path = case.write("mine.yaml", NEW)
    rows, _ = explain(case, str(path))
    assert said(rows, "things", "full") == ["walks GET /v1/{{config.tenant}}/things by page number, 50 a page, at most 30 requests a minute; "
                                            "rows in items"], said(rows, "things", "full")
    assert said(rows, "", "needs") == ["secrets: key", "config: tenant"] and "source's base_url" in said(rows, "", "address")[0]
    for old, new, words in (("records:", "recrods:", "did you mean `records`"), ("{{secret.key}}", "{{secrets.key}}", "is not known"),
                            ("kind: number, size: 50", "kind: number", "needs `size:`"), ("to: name", "to: nmae", "did you mean `name`"),
                            ("per: 1m", "per: 1 minute", "per"), ("entity: account", "entity: accounts", "did you mean `account`")):
        path.write_text(NEW.replace(old, new))
        rows, errors = explain(case, str(path), expect=78)
        assert not rows and words in errors and re.search(r"mine\.yaml:\d+: ", errors), (new, errors)
    _, errors = explain(case, "hubspt", expect=78)
    assert "hubspt.yaml" in errors, errors


if __name__ == "__main__":
    run(globals())
