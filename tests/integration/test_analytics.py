#!/usr/bin/env python3
"""Mixpanel, Amplitude and PostHog: events become daily usage of accounts, and after each pull the store says what they say."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import analytics  # noqa: E402
from analytics import Events  # noqa: E402
from harness import HEAVY, ROOT, run  # noqa: E402
from vendor import Vendor, pull, quick  # noqa: E402

ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  crm:
    connector: csv
    folder: "{tmp}/files"
    files:
      accounts: {{ match: accounts.csv, entity: account, key: id, map: [ {{ to: name, from: name }}, {{ to: external_id, from: ext }},
                   {{ to: domain, from: domain }} ] }}
  product:
    connector: {connector}
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ user: "file:{tmp}/user", key: "file:{tmp}/{key}", secret: "file:{tmp}/secret" }}
    config: {{ project: "4711", zone: {zone}, account: "$group_0" }}
{more}
channels:
  out: {{ kind: file, folder: "{tmp}/out" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""
RULES = {"mixpanel": (analytics.mixpanel, "America/New_York"), "amplitude": (analytics.amplitude, "UTC"), "posthog": (analytics.posthog, "UTC")}
STREAMS = {"mixpanel": ["events"], "amplitude": ["events"], "posthog": ["events", "active_users"]}


def accounts(case, *names):
    lines = [f"{i},{name},{name},{name}.example" for i, name in enumerate(names)]
    case.write("files/accounts.csv", "\n".join(["id,name,ext,domain", *lines]) + "\n")


def start(case, connector, events, more="", history="20d", known=("acme", "beta", "gamma"), change=lambda text: text):
    rule, zone = RULES[connector]
    server = Vendor(case, lambda request: rule(events, request))
    for name, text in (("user", analytics.USER), ("secret", analytics.SECRET)):
        case.write(name, text + "\n").chmod(0o600)
    accounts(case, *known)
    case.org(ORG.format(connector=connector, url=server.url, tmp=case.tmp, zone=zone, more=more, key="secret" if connector == "posthog" else "user"))
    text = quick((ROOT / f"config/connectors/{connector}.yaml").read_text()).replace("per: 1h", "per: 1s")
    (case.tmp / f"config/connectors/{connector}.yaml").write_text(
        change(text.replace("history: 365d", f"history: {history}") + "first_wait: 0.005\nlongest_wait: 0.02\nattempts: 3\n"))
    return server


def cells(case):
    return {(a, m, d): v for a, m, d, v in case.query(
        "SELECT a.external_id, u.metric, u.date, u.value FROM usage_daily u JOIN account a ON a.id = u.account_id")}


def day(n):
    return f"2026-03-{n:02}"


def some(events, days):
    for n in days:
        events.add(day(n), "acme", "u1", n=n % 4 + 1, hour=n % 20)
        events.add(day(n), "acme", "u2", hour=3)
        events.add(day(n), "beta", "u3", "Export", n=2, hour=13)
        events.add(day(n), None, "u9")
    return events


def test_a_first_pull_and_three_increments_leave_what_the_events_say(case):
    """Each system: events come late, are added, moved to another company and deleted between pulls; the store equals the events each time."""
    for connector in RULES:
        events = some(Events(), range(1, 11))
        server = start(case, connector, events)
        result, _ = pull(case, "--now", "2026-03-10T23:30:00Z")
        assert cells(case) == events.cells(), (connector, sorted(set(cells(case).items()) ^ set(events.cells().items())))
        assert all(result[s]["mode"] == "full" and int(result[s]["set_aside"]) == 0 for s in STREAMS[connector]), result
        first = len(server.seen)
        events.add(day(10), "gamma", "u5", n=70000 if HEAVY else 700)      # late, and more than a cell of two bytes holds
        events.add(day(11), "acme", "u1", n=3)
        pull(case, "--now", "2026-03-11T22:00:00Z")
        assert cells(case) == events.cells(), connector
        events.take_back(day=day(11), company="acme")                       # deleted
        for r in events.rows:
            if r["day"] == day(11 if connector != "amplitude" else 12) and r["company"] == "beta":
                r["company"] = "gamma"
        events.add(day(11), "beta", "u3")
        pull(case, "--now", "2026-03-11T23:00:00Z")
        assert cells(case) == events.cells() and ("acme", "events", day(11)) not in cells(case), connector
        some(events, range(12, 14))
        result, _ = pull(case, "--now", "2026-03-13T23:50:00Z")
        assert cells(case) == events.cells(), connector
        assert all(result[s]["mode"] == "incremental" for s in STREAMS[connector]), result
        assert len(server.seen) - first < 3 * first + 3
        result, _ = pull(case, "--now", "2026-03-13T23:55:00Z")
        assert all(int(result[s]["changed"]) == 0 for s in STREAMS[connector]) and cells(case) == events.cells(), result
        print(f"         {connector}: {first} requests for 20 days, {len(server.seen)} in all, {len(events.rows)} events, {len(cells(case))} cells")
        case.database().unlink()
        for f in case.database().parent.glob("retaind.db-*"):
            f.unlink()


def test_what_came_more_than_the_lag_ago_is_found_by_a_full_pull(case):
    """An event deleted weeks ago is seen by `pull --full`, and its cell goes; usage that another source wrote stays."""
    events = some(Events(), range(1, 11))
    start(case, "mixpanel", events, history="60d")
    case.write("files/usage.csv", "id,day,metric,n\n2,2026-03-02,seats,7\n")
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("  product:", '      usage: { match: usage.csv, entity: usage, account: { from: id, by: key }, map: '
                   '[ { to: day, from: day }, { to: metric, from: metric }, { to: value, from: n } ] }\n  product:'))
    pull(case, "--now", "2026-03-10T23:30:00Z")
    events.take_back(day=day(2))
    pull(case, "--now", "2026-03-20T23:30:00Z")
    assert ("acme", "events", day(2)) in cells(case)
    pull(case, "--full", "--now", "2026-03-20T23:40:00Z")
    assert cells(case) == {**events.cells(), ("gamma", "seats", day(2)): 7}


def test_a_days_bounds_are_those_of_the_projects_zone(case):
    """A day is asked for by its name in the project's zone, each once, over the switch to summer time, and today is the project's today."""
    events = some(Events(), range(5, 11))
    server = start(case, "mixpanel", events, history="6d")
    pull(case, "--now", "2026-03-11T02:00:00Z")  # it is the evening of the 10th in New York, where clocks changed on the 8th
    asked = [(r.query["from_date"], r.query["to_date"]) for r in server.seen]
    assert asked == [(day(n), day(n)) for n in range(4, 11)], asked
    assert cells(case) == events.cells()


def test_companies_that_are_not_known_yet_get_their_usage_when_they_come(case):
    """What is counted of a company that no account is known by waits, is said once, and goes to the account with the next pull."""
    events = some(Events(), range(1, 5))
    start(case, "amplitude", events, known=("acme",))
    result, _ = pull(case, "--now", "2026-03-04T23:00:00Z")
    assert int(result["events"]["set_aside"]) == 1, result
    assert {a for a, _, _ in cells(case)} == {"acme"}
    assert "1 accounts are not known" in case.query("SELECT reason FROM quarantine")[0][0]
    pull(case, "--now", "2026-03-19T23:00:00Z")
    assert "1 accounts are not known" in case.query("SELECT reason FROM quarantine")[0][0]
    accounts(case, "acme", "beta")
    pull(case, "--now", "2026-03-20T23:00:00Z")  # those days are not asked for any more
    assert cells(case) == events.cells(), set(cells(case).items()) ^ set(events.cells().items())
    assert case.query("SELECT count(*) FROM counted_waiting")[0][0] == 0 and case.query("SELECT count(*) FROM quarantine")[0][0] == 0
    events.take_back(day=day(3), company="beta")
    pull(case, "--full", "--now", "2026-03-20T23:10:00Z")
    assert cells(case) == events.cells()


def test_single_events_are_metrics_of_their_own_where_the_organisation_says_so(case):
    """The organisation's file names the account by its domain, and counts one event as a metric of its own."""
    events = Events()
    events.add(day(1), "acme.example", "u1", "Report Created", n=3)
    events.add(day(1), "acme.example", "u1", "Login", n=2)
    start(case, "mixpanel", events, history="3d", more="""    map:
      events:
        account: { from: properties.company_id, by: domain }
        also:
          - entity: usage
            aggregate: sum
            account: { from: properties.company_id, by: domain }
            when: { from: event, in: [Report Created] }
            map: [ { to: metric, value: reports }, { to: day, from: window.day }, { to: value, value: "1" } ]
""")
    pull(case, "--now", "2026-03-01T23:00:00Z")
    assert cells(case) == {("acme", "events", day(1)): 5, ("acme", "active_users", day(1)): 1, ("acme", "reports", day(1)): 3}, cells(case)


def test_a_day_too_large_is_asked_for_in_halves(case):
    """Amplitude refuses more than so much at once: the day is halved down to an hour, no event is lost or counted twice; an hour too large fails."""
    events = Events()
    for hour in range(24):
        events.add(day(2), "acme", f"u{hour}", n=10, hour=hour)
    events.most = 35
    server = start(case, "amplitude", events, history="2d")
    pull(case, "--now", "2026-03-03T12:00:00Z")
    assert cells(case) == events.cells() == {("acme", "events", day(2)): 240, ("acme", "active_users", day(2)): 24}
    asked = [(r.query["start"][-2:], r.query["end"][-2:]) for r in server.seen if r.query["start"].startswith("20260302")]
    assert ("00", "23") in asked and ("00", "02") in asked and len(asked) == 15, asked
    events.most = 5
    result, said = pull(case, "--now", "2026-03-03T13:00:00Z", expect=None)
    assert result["events"]["result"] == "failed" and "in halves down to an hour" in said, (result, said)
    assert cells(case) == events.cells()


def test_an_export_that_breaks_off_counts_for_nothing(case):
    """A cut answer, a flipped byte, a server that gives up in the middle, that wants one to sign in or says an error with 200: asked for again,
    counted once; still broken, the day stays as it was."""
    for connector, ways in (("mixpanel", ["cut", "giving_up", "sign_in", "error"]), ("amplitude", ["cut", "flip", "error"])):
        for how in ways:
            events = some(Events(), range(1, 4))
            start(case, connector, events, history="4d")
            events.broken = [how]
            result, _ = pull(case, "--now", "2026-03-03T23:00:00Z")
            assert cells(case) == events.cells() and not events.broken, (connector, how, result)
            before = cells(case)
            events.add(day(3), "acme", "u7", n=40)
            events.broken = [how] * 50
            result, said = pull(case, "--now", "2026-03-03T23:10:00Z", expect=None)
            assert result["events"]["result"] == "failed" and cells(case) == before, (connector, how, result)
            assert analytics.SECRET not in said
            events.broken = []
            pull(case, "--now", "2026-03-03T23:20:00Z")
            assert cells(case) == events.cells(), (connector, how)
            for f in case.database().parent.glob("retaind.db*"):
                f.unlink()


def test_only_amplitudes_own_words_mean_a_day_without_events(case):
    """A 404 of another server, or of a gateway before it, is no day without events: the counted days stay, and a person is asked."""
    events = some(Events(), range(1, 4))
    start(case, "amplitude", events, history="4d")
    pull(case, "--now", "2026-03-03T23:00:00Z")
    assert cells(case) == events.cells() and cells(case)
    before, events.broken = cells(case), ["elsewhere"]
    result, said = pull(case, "--now", "2026-03-03T23:10:00Z", expect=78)
    assert result["events"]["result"] == "failed" and "base_url" in said and cells(case) == before, (result, said)


def test_a_zip_that_unpacks_to_far_more_fails_and_fills_nothing(case):
    """200 MiB from a few hundred kilobytes: the stream fails with the reason; no file stays behind."""
    events = some(Events(), range(1, 2))
    events.broken = ["bomb"] * 9
    start(case, "amplitude", events, history="1d")
    result, said = pull(case, "--now", "2026-03-01T23:00:00Z", expect=None)
    assert result["events"]["result"] == "failed" and "times its size" in said, said
    left = [p.name for p in case.database().parent.iterdir()]
    assert not [n for n in left if "part" in n], left


def test_refused_credentials_say_what_a_person_must_do(case):
    """A wrong secret ends with 78 and a sentence, though Mixpanel calls it 400 and answers no JSON; the secret is not printed."""
    for connector in RULES:
        start(case, connector, Events(), history="2d")
        wrong = case.write("secret", "of-another-project\n")
        wrong.chmod(0o600)
        result = case.retaind("pull", "--source", "product", "--now", "2026-03-01T23:00:00Z", expect=78)
        assert "refuses" in result.stderr and "anew" in result.stderr or "scope query:read" in result.stderr, result.stderr
        assert "of-another-project" not in result.stdout + result.stderr
        for f in case.database().parent.glob("retaind.db*"):
            f.unlink()


def test_a_dry_run_shows_what_would_be_counted(case):
    """A dry run prints the newest rows as usage and stores nothing; so does check --online, in some requests, not in one for each day of a year."""
    events = some(Events(), range(1, 4))
    server = start(case, "mixpanel", events, history="365d")
    pull(case, "--source", "crm")
    result = case.retaind("pull", "--dry-run", "--source", "product", "--stream", "events", "--limit", "2", "--now", "2026-03-05T23:00:00Z")
    assert '"metric":"events"' in result.stdout and '"day":"2026-03-03"' in result.stdout, result.stdout
    assert cells(case) == {} and len(server.seen) == 3, len(server.seen)
    result = case.retaind("check", "--online", expect=None)
    assert "product" in result.stdout and len(server.seen) <= 8, (result.stdout, result.stderr, len(server.seen))


def test_long_keysets_are_walked_to_their_end(case):
    """PostHog gives so many rows of one answer: the walk goes on behind the last key, every group once, whatever is in its name."""
    events = Events()
    names = [f"Event {i:03}" for i in range(40)] + ["it's 100% \\ \"quoted\"", "ünï ☃"]
    for name in names:
        events.add(day(1), "acme", "u1", name, n=2)
        events.add(day(2), "beta", "u2", name)
    events.most = 7
    server = start(case, "posthog", events, history="3d")
    result, _ = pull(case, "--now", "2026-03-02T23:00:00Z")
    assert cells(case) == events.cells(), (cells(case), result)
    assert int(result["events"]["rows"]) == 84 and len(server.seen) == 13 + 2, (result, len(server.seen))


run(globals())
