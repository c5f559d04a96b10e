#!/usr/bin/env python3
"""A system that nobody thought of is read and written by one file of less than sixty lines, without a line of C."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import DATA, run  # noqa: E402
from systems import DAY_S, Kind, Refused, System, iso, nth, only  # noqa: E402
from test_increments import FIRST, STEP, equals, disturb  # noqa: E402
from test_write_back import DAY, settings, write, write_back  # noqa: E402
from vendor import SECRET, Vendor, pull, quick  # noqa: E402

FILE = DATA / "sixteenth/lumen.yaml"
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  src:
    connector: lumen
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ key: "file:{secret}" }}
    config: {{ region: eu }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


class Lumen(System):
    """Lists whose token goes in the body and ends with the word END, times in milliseconds, a flag on what was wiped; people by the Link
    header; 420 where others say 429; rows of an update each with a state of its own."""
    connector = "lumen"
    kinds = {
        "customers": Kind("account", "name", lambda i: {"site": f"c{i}.example", "tier": "gold", "contract": {
            "starts": "01.01.2026", "ends": "31.12.2026", "yearly": {"cents": 120000, "iso": "EUR"}}}, "title", tells_deletes=True, page=200),
        "people": Kind("contact", "name", lambda i: {"given": f"G{i}", "mail": f"p{i}@c{nth(i)}.example", "site": f"c{nth(i)}.example"}, "family",
                       lambda i: f"customers{nth(i):06d}", lists_changes=False, page=200),
    }

    def key(self, name, i):
        return f"{name}{i:06d}"

    def stamp(self, row, at, is_new):
        row.update(uid=row.get("id", row.get("uid")), changed_ms=at * 1000)
        row.setdefault("wiped", False)

    def delete(self, name, key, at):
        super().delete(name, key, at)
        self.gone[name][key]["wiped"] = True

    def expected(self, name):
        rows = super().expected(name)
        return rows if name == "customers" else {k: (f"G{self.numbers[name][k]} {t}", a) for k, (t, a) in rows.items()}

    def refuse(self, status, code, message):
        raise Refused(status, {"fault": {"code": code}, "message": message})

    def answer(self, request):
        if request.headers["X-Lumen-Key"] != SECRET:
            self.refuse(401, "NO_KEY", "no such key")
        if request.path == "/v3/me":
            return 200, {"me": {"uid": "u1"}}
        if (request.method, request.path) == ("GET", "/v3/people"):
            return self.people(request.query)
        if (request.method, request.path) == ("POST", "/v3/customers/patch"):
            return self.patch(request.body)
        if (request.method, request.path) != ("POST", "/v3/query/customers"):
            self.refuse(404, "NOWHERE", "there is nothing here")
        return self.customers(request.body)

    def customers(self, body):
        changed = body.get("changed", {})
        if set(body) - {"size", "from", "changed"} or not isinstance(body["size"], int) or body["size"] > 200 or set(changed) - {"after", "until"}:
            self.refuse(400, "BAD_QUERY", "that is no query")
        rows = sorted([*self.rows["customers"].values(), *self.gone["customers"].values()], key=lambda r: r["uid"])
        rows = [r for r in rows if r["uid"] > body.get("from", "") and int(changed.get("after", 0)) <= r["changed_ms"] <= int(changed.get("until", 1 << 62))]
        page = rows[:body["size"]]
        return 200, {"payload": {"items": page, "next": page[-1]["uid"] if len(rows) > len(page) else "END"}}

    def people(self, q):
        if only(q, "size", "cursor") or int(q["size"]) > 200:
            self.refuse(400, "BAD_QUERY", "that is no query")
        rows = [r for k, r in sorted(self.rows["people"].items()) if k > q.get("cursor", "")]
        page = rows[:int(q["size"])]
        link = {"Link": f'</v3/people>; rel="first", </v3/people?size={q["size"]}&cursor={page[-1]["uid"]}>; rel="next"'} if len(rows) > len(page) else {}
        return 200, page, link

    def patch(self, body):
        if len(body["rows"]) > 50 or not all(isinstance(r["set"].get("risk", 0), int) for r in body["rows"]):
            self.refuse(400, "BAD_QUERY", "that is no change")
        answers = []
        for row in body["rows"]:
            there = self.rows["customers"].get(row["uid"])
            answers.append({"uid": row["uid"], "state": "done"} if there else {"uid": row["uid"], "state": "no", "why": "wiped long ago"})
            if there:
                there.update(row["set"])
        return 200, {"rows": answers[::-1]}


def organisation(case, system, more=""):
    server = Vendor(case, system)
    key = case.write("key", SECRET + "\n")
    key.chmod(0o600)
    case.org(ORG.format(url=server.url, secret=key, folder=case.tmp / "out", more=more))
    case.write("config/connectors/lumen.yaml", quick(FILE.read_text()).replace("\nstreams:\n", "\nfirst_wait: 0.005\nlongest_wait: 0.05\nstreams:\n"))
    return server


def test_a_new_system_needs_one_short_file(case):
    """Under 60 lines: a first sync and three increments; the store equals the system, limits and a warming server are waited for."""
    assert len(FILE.read_text().splitlines()) < 60
    system = Lumen()
    server = organisation(case, system)
    for n in range(4):
        system.now = FIRST + n * STEP
        if n:
            disturb(system, n, system.now - STEP)
        system.failures = [(420, {"fault": {"code": "CALM"}}), (400, {"fault": {"code": "WARMING_UP"}, "message": "soon"})] * (n == 1)
        results, _ = pull(case, "--now", iso(system.now))
        assert {r["result"] for r in results.values()} == {"ok"} and int(results["customers"]["rows"]) <= (40 if n else 430), results
        equals(case, system)
    assert results["customers"]["mode"] == "incremental" and len(server.seen) > 12
    assert case.query("SELECT plan, mrr_minor, currency, end_on FROM subscription WHERE source_key = 'customers000001'") == [("gold", 10000, "EUR", 20818)]
    system.failures = [(401, {"message": "no such key"})]
    _, said = pull(case, expect=78)
    assert "Lumen refuses the key" in said and SECRET not in said, said


def test_it_is_written_to_and_explained_as_well(case):
    """The same file writes back in batches with a word for each row, and `check --connector` tells it all."""
    system = Lumen()
    server = organisation(case, system, settings(names={"risk": "risk", "cause": "cause"}))
    pull(case, "--stream", "customers", "--now", iso(FIRST))
    write(case, (f"INSERT INTO score_row SELECT {DAY}, id, id % 100, NULL, 80, 2, 0, {DAY}, {DAY}, NULL, NULL, 'x' FROM account WHERE id <= 120",))
    system.delete("customers", "customers000050", FIRST + DAY_S)
    server.seen.clear()
    told, said = write_back(case, expect=65)
    assert (told[0]["written"], told[0]["refused"], told[0]["requests"]) == (119, 1, 3) and "wiped long ago" in said, (told, said)
    assert system.rows["customers"]["customers000007"]["risk"] == 7
    shown = json.loads(case.retaind("check", "--connector", "lumen", "--format", "json").stdout)
    words = {(r["stream"] or "", r["about"]): r["in_words"] for r in shown}
    assert words["people", "full"].startswith("walks GET /v3/people page by page by the link that the Link header calls next"), words
    assert "10 minutes" in words["customers", "cursor"] and words["", "needs"] == "config: region", words


if __name__ == "__main__":
    run(globals())
