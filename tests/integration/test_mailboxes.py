#!/usr/bin/env python3
"""Gmail, Outlook and Google Calendar: who wrote to or met whom and when, for each mailbox or calendar that the organisation names, and
never a body."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, run  # noqa: E402
from mail import ACCESS, BODY, SUBJECT, Gmail, GoogleCalendar, Outlook, iso  # noqa: E402
from vendor import Vendor, pull, quick  # noqa: E402

DAY_S = 86400
NOW = 1_767_225_600 + 200 * DAY_S
# The accounts and contacts that addresses lead to come from another source.
CRM = """
auth: { kind: none }
streams:
  accounts:
    row: { entity: account, key: id, map: [ { to: name, from: name }, { to: domain, from: domain } ] }
    full: { get: /accounts, records: . }
  contacts:
    row: { entity: contact, key: id, account: of, map: [ { to: email, from: email } ] }
    full: { get: /contacts, records: . }
"""
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  crm: {{ connector: people, base_url: "{crm}", allows_http_loopback: true }}
  mail:
    connector: {connector}
    base_url: "{url}"
    allows_http_loopback: true
    config: {{ our_domains: "acme.example, acme-labs.example", {config} }}
    secrets: {{ {secrets} }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


def serve(case, connector, api, config="user: ana@acme.example", secrets=("id", "pass", "refresh"), more=""):
    crm = Vendor(case, lambda r: (200, [{"id": i, "name": f"C{i}", "domain": f"c{i}.example"} for i in range(1, 6)] if r.path == "/accounts" else [
        {"id": 1, "of": 1, "email": "Eve@Private.Example"}, {"id": 2, "of": 3, "email": "consultant@c2.example"}]))
    server = Vendor(case, api)
    api.url = server.url
    for name in secrets:
        case.write(f"mail.{name}", f"planted-{name}-0c9e\n").chmod(0o600)
    listed = ", ".join(f'{n}: "file:{case.tmp}/mail.{n}"' for n in secrets)
    case.org(ORG.format(crm=crm.url, connector=connector, url=server.url, config=config, secrets=listed, more=more, folder=case.tmp / "out"))
    case.write("config/connectors/people.yaml", CRM)
    shipped = quick((ROOT / f"config/connectors/{connector}.yaml").read_text())
    (case.tmp / f"config/connectors/{connector}.yaml").write_text(re.sub(r"token_url: .*", f"token_url: {server.url}/token", shipped))
    return server


def at(case, now, *options, expect=0):
    results, said = pull(case, "--now", iso(now), *options, expect=expect)
    return results, said


def rows(case):
    return {k: rest for k, *rest in case.query(
        "SELECT i.source_key, a.source_key, i.kind, i.direction, i.at FROM interaction i LEFT JOIN account a ON a.id = i.account_id "
        "WHERE i.deleted_on IS NULL")}


def nothing_said(case):
    """No word of a body or subject, and no token, is anywhere in what retaind keeps."""
    for path in (case.tmp / "state").rglob("*"):
        if path.is_file() and path.parent.name != "tokens":
            data = path.read_bytes()
            assert BODY.encode() not in data and SUBJECT.encode() not in data and ACCESS.encode() not in data, path


# Gmail ----------------------------------------------------------------------------------------------------------------

def message(i, at_s, **more):
    """Who a message is from by its number: a customer, one of ours to a customer, a customer's private address."""
    kinds = ({"from": f'"Client, {i} (x@c5.example)" <Bob@C{i % 5 + 1}.Example>', "to": "Ana <ana@acme.example>"},
             {"from": "ana@acme.example", "to": f"Team <all@acme.example>, bob@c{i % 5 + 1}.example, consultant@elsewhere.example"},
             {"from": "eve@private.example", "to": "ana@acme.example", "cc": "x@c4.example"})
    return {"at": at_s, "message_id": f"<m{i}@mail.example>", **kinds[i % 3], **more}


def expected(api):
    want = {}
    for m in api.messages.values():
        i = int(re.search(r"m(\d+)", m["message_id"])[1])
        if "DRAFT" not in m.get("labels", []):
            want[m["message_id"]] = [("1" if i % 3 == 2 else str(i % 5 + 1)), "email", "out" if i % 3 == 1 else "in", m["at"]]
    return want


def test_gmail(case):
    """Gmail: 430 messages of half a year, each asked for by itself, then three increments: store equals mailbox; whose message it is by
    the sender's or recipient's address; drafts, what is older and what is said among ourselves are left out; no body, subject or snippet."""
    api = Gmail()
    server = serve(case, "gmail", api)
    for i in range(430):
        api.messages[f"g{i}"] = message(i, NOW - 170 * DAY_S + i * 3000)
    api.messages["old"] = message(9000, NOW - 300 * DAY_S)
    api.messages["draft"] = message(9001, NOW - DAY_S, labels=["DRAFT"])
    api.messages["ours"] = message(9002, NOW - DAY_S, **{"from": "ana@acme.example", "to": "Bob <bob@eu.acme-labs.example>", "cc": None})
    hidden = {"<m9000@mail.example>", "<m9001@mail.example>", "<m9002@mail.example>"}
    now = NOW
    for step in range(4):
        if step:
            now += DAY_S
            for i in range(500 + step * 10, 503 + step * 10):
                api.messages[f"g{i}"] = message(i, now - 7200 if i % 2 else now - DAY_S - 600)  # one comes late
        server.seen.clear()
        results, said = at(case, now)
        want = {k: v for k, v in expected(api).items() if k not in hidden}
        assert rows(case) == want, (said, len(rows(case)), len(want))
        assert results["messages"]["mode"] == ("incremental" if step else "full")
        asked = [r for r in server.seen if re.search(r"/messages/", r.path)]
        assert len(asked) == (len(want) + 1 if not step else results["messages"]["rows"]) and (not step or len(asked) < 8), (step, len(asked))
    assert {tuple(sorted(re.findall(r"metadataHeaders=([\w-]+)", r.raw_query))) for r in asked} == {("Cc", "From", "Message-ID", "To")}
    nothing_said(case)
    contact, = case.query("SELECT contact_key FROM interaction WHERE source_key = '<m0@mail.example>'")
    assert contact == ("bob@c1.example",), contact


def test_a_subject_comes_only_when_it_is_asked_for(case):
    """With `subject` in the organisation's map, and only then, the header is asked for and kept."""
    api = Gmail()
    serve(case, "gmail", api, more='    map: { messages: [ { to: subject, from: "payload.headers[name=Subject].value" } ] }\n')
    api.messages["g"] = message(0, NOW - DAY_S)
    at(case, NOW)
    assert case.query("SELECT subject, body FROM interaction") == [(SUBJECT, None)]


def test_gmail_goes_on_after_trouble(case):
    """A message that is gone when it is asked for, too many requests in Google's words, a token that dies half-way: nothing is lost, and
    a missing permission is told."""
    api = Gmail()
    server = serve(case, "gmail", api)
    for i in range(90):
        api.messages[f"g{i}"] = message(i, NOW - DAY_S + i)
    answer = api.one
    api.one = lambda key, q: answer(None if key == "g7" else key, q)
    api.calls_left = 0
    at(case, NOW, "--stream", "messages", "--source", "mail")
    assert len(case.query("SELECT 1 FROM interaction")) == 89
    api.failures = [(403, {"error": {"errors": [{"reason": "userRateLimitExceeded"}], "message": "slow"}}), (429, {}), (503, b"")]
    api.calls_left = 30
    n = api.n_tokens
    at(case, NOW, "--full", "--source", "mail")
    assert api.n_tokens == n + 1 and len(case.query("SELECT 1 FROM interaction")) == 89
    api.failures = [(403, {"error": {"errors": [{"reason": "insufficientPermissions"}], "message": "no"}})]
    _, said = at(case, NOW + 60, "--source", "mail", expect=78)
    assert "gmail.readonly" in said and "planted-" not in said and ACCESS not in said, said
    assert server.seen


# Outlook --------------------------------------------------------------------------------------------------------------

def address(a):
    return {"emailAddress": {"name": "x", "address": a}}


def letter(i, at_s, who, **more):
    ours, theirs = who, f"bob@c{i % 5 + 1}.example"
    sender, to = (theirs, [ours]) if i % 2 else (ours, ["all@acme.example", theirs])
    return {"id": f"AAMk{who}{i}", "internetMessageId": f"<o{i}@mail.example>", "isDraft": False, "from": address(sender), "subject": SUBJECT,
            "toRecipients": [address(a) for a in to], "ccRecipients": [], "sentDateTime": iso(at_s - 2), "receivedDateTime": iso(at_s),
            "body": {"content": BODY}, "bodyPreview": BODY, **more}


def meeting(i, at_s, who, **more):
    return {"id": f"EV{who}{i}", "iCalUId": f"uid-{i}", "isCancelled": False, "organizer": address(who), "subject": SUBJECT, "bodyPreview": BODY,
            "attendees": [{**address(a), "type": "required"} for a in (who, f"bob@c{i % 5 + 1}.example")],
            "start": {"dateTime": iso(at_s)[:-1] + ".0000000", "timeZone": "UTC"}, "end": {"dateTime": iso(at_s + 1800)[:-1], "timeZone": "UTC"}, **more}


ANA, BOB = "ana@acme.example", "bob@acme.example"
OUTLOOK = {"config": f"tenant: acme, mailboxes: [{ANA}, {BOB}]", "secrets": ("id", "pass")}


def in_outlook(api):
    want = {}
    for who, box in api.mailboxes.items():
        for m in box["messages"]:
            i = int(m["id"][len("AAMk" + who):])
            if not m["isDraft"]:
                want[m["internetMessageId"] or m["id"]] = [str(i % 5 + 1), "email", "in" if i % 2 else "out", m["at"]]
        for e in box["events"]:
            i = int(e["iCalUId"][4:])
            if not e["isCancelled"]:
                want[e["iCalUId"]] = [str(i % 5 + 1), "meeting", None, e["at"]]
    return want


def grow(api, first, n, at_s):
    for i in range(first, first + n):
        for who in (ANA, BOB) if i % 10 == 0 else ((ANA, BOB)[i % 2],):  # every tenth is in both mailboxes
            letter_at, meeting_at = at_s + i * 60, at_s + i * 60 + 30
            api.mailboxes[who]["messages"].append({**letter(i, letter_at, who), "at": letter_at - 2})
            api.mailboxes[who]["events"].append({**meeting(i, meeting_at, who), "at": meeting_at})


def test_outlook(case):
    """Outlook: two mailboxes, over 1,000 messages in pages by the link, meetings by the calendar's view, then three increments: new
    messages, a meeting moved, one cancelled; what is in both counts once; each mailbox has a cursor of its own; no body, no subject."""
    api = Outlook()
    api.mailboxes = {ANA: {"messages": [], "events": []}, BOB: {"messages": [], "events": []}}
    server = serve(case, "outlook", api, **OUTLOOK)
    grow(api, 0, 1200, NOW - 5 * DAY_S)
    api.mailboxes[ANA]["messages"].append({**letter(9000, NOW - 3600, ANA, isDraft=True), "at": 0})
    api.mailboxes[ANA]["messages"].append({**letter(9001, NOW - 3600, ANA, internetMessageId=None), "at": NOW - 3602})
    now = NOW
    for step in range(4):
        if step:
            now += DAY_S
            grow(api, 2000 + 10 * step, 5, now - 20 * 3600 - 2000 * 60)
            moved, cancelled = api.mailboxes[ANA]["events"][-step], api.mailboxes[BOB]["events"][-step - 5]
            moved["at"] += 600
            moved["start"]["dateTime"] = iso(moved["at"])[:-1] + ".0000000"
            for box in api.mailboxes.values():
                for e in box["events"]:
                    if e["iCalUId"] == cancelled["iCalUId"]:
                        e["isCancelled"] = True
                    if e["iCalUId"] == moved["iCalUId"]:
                        e.update(at=moved["at"], start=moved["start"])
        server.seen.clear()
        results, said = at(case, now)
        want = in_outlook(api)
        have = rows(case)
        wrong = {k: (want.get(k), have.get(k)) for k in want.keys() | have.keys() if want.get(k) != have.get(k)}
        assert not wrong, (step, said, len(wrong), list(wrong.items())[:3])
        names = {f"{s} {m}" for s in ("messages", "meetings") for m in (ANA, BOB)}
        assert names <= set(results) and all(results[n]["mode"] == ("incremental" if step else "full") for n in names), results
    assert all("body" not in r.raw_query.lower() and "subject" not in r.raw_query for r in server.seen if "$select" in r.raw_query)
    assert len(want) > 2000
    nothing_said(case)
    assert case.query("SELECT count(*) FROM stream_cursor WHERE stream LIKE 'messages %'") == [(2,)]


def test_messages_to_a_thousand_people(case):
    """A page of messages to a thousand people each is read like any other: what they take of memory grows with their number, not its
    square."""
    api = Outlook()
    api.mailboxes = {ANA: {"messages": [], "events": []}, BOB: {"messages": [], "events": []}}
    everybody = [{"emailAddress": {"name": f"P {i}", "address": f"somebody.{i}@unknown{i}.example"}} for i in range(1000)]
    api.mailboxes[ANA]["messages"] = [{**letter(i, NOW - DAY_S + i, ANA), "toRecipients": everybody, "at": 0} for i in range(80)]
    serve(case, "outlook", api, **OUTLOOK)
    results, said = at(case, NOW)
    assert results[f"messages {ANA}"]["result"] == "ok" and len(case.query("SELECT 1 FROM interaction")) == 80, said


def test_one_mailbox_that_is_gone_stops_no_other(case):
    """A mailbox that there is not fails with its name and needs a person; the others are read, and go on from where they were."""
    api = Outlook()
    api.mailboxes = {BOB: {"messages": [], "events": []}}
    grow_only = [{**letter(i, NOW - DAY_S + i, BOB), "at": 0} for i in range(10)]
    api.mailboxes[BOB]["messages"] = grow_only
    serve(case, "outlook", api, **OUTLOOK)
    results, said = at(case, NOW, expect=78)
    assert results[f"messages {ANA}"]["result"] == "failed" and results[f"messages {BOB}"]["result"] == "ok" and "no such mailbox" in said, said
    assert len(case.query("SELECT 1 FROM interaction")) == 10
    results, _ = at(case, NOW + 60, "--source", "mail", "--stream", f"messages {BOB}")
    assert set(results) == {f"messages {BOB}"}, results


# Google Calendar ------------------------------------------------------------------------------------------------------

def test_google_calendar(case):
    """Google Calendar: two calendars, 660 events in pages by token, then three increments: new ones, one moved, one cancelled; a meeting
    in both counts once; one among ourselves is left out; no title, no description."""
    api = GoogleCalendar()
    api.calendars = {ANA: [], BOB: []}

    def event(i, at_s, who, **more):
        return {"id": f"ev{i}", "status": "confirmed", "summary": SUBJECT, "description": BODY, "organizer": {"email": who}, "at": at_s,
                "start": {"dateTime": iso(at_s)}, "attendees": [{"email": who}, {"email": f"Bob@c{i % 5 + 1}.example"}], **more}
    for i in range(600):
        for who in (ANA, BOB) if i % 10 == 0 else ((ANA, BOB)[i % 2],):  # every tenth is in both
            api.calendars[who].append(event(i, NOW - 12 * DAY_S + i * 1500, who))
    api.calendars[ANA].append(event(9000, NOW - 3600, ANA, attendees=[{"email": "bob@acme.example"}]))
    server = serve(case, "google_calendar", api, config=f"user: {ANA}, calendars: [{ANA}, {BOB}]")
    now = NOW
    for step in range(4):
        if step:
            now += DAY_S
            api.calendars[BOB] += [event(1000 + 10 * step + k, now - 3600 * k - 60, BOB) for k in range(3)]
            api.calendars[BOB][-4]["status"] = "cancelled"
            api.calendars[BOB][-3].update(at=now - 120, start={"dateTime": iso(now - 120)})
        results, said = at(case, now)
        want = {e["id"]: [str(int(e["id"][2:]) % 5 + 1), "meeting", None, e["at"]] for c in api.calendars.values() for e in c
                if e["status"] == "confirmed" and e["id"] != "ev9000"}
        assert rows(case) == want, (step, said, len(rows(case)), len(want))
    assert all("summary" not in r.raw_query and "description" not in r.raw_query for r in server.seen)
    assert "Bob" in api.calendars[ANA][0]["attendees"][1]["email"] and any("pageToken" in r.query for r in server.seen)
    nothing_said(case)


# words ----------------------------------------------------------------------------------------------------------------

def test_an_address_finds_its_account_when_that_comes(case):
    """A message of someone unknown waits without an account; when the CRM has the contact, or the domain, it belongs there."""
    api = Gmail()
    serve(case, "gmail", api)
    api.messages["g"] = {"at": NOW - DAY_S, "message_id": "<a@b>", "from": "zoe@new.example", "to": ANA}
    at(case, NOW)
    assert rows(case) == {"<a@b>": [None, "email", "in", NOW - DAY_S]}
    crm = Vendor(case, lambda r: (200, [{"id": 9, "name": "New", "domain": "new.example"}] if r.path == "/accounts" else []))
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(re.sub(r'people, base_url: "[^"]+"', f'people, base_url: "{crm.url}"', org.read_text()))
    at(case, NOW + 60)
    assert rows(case) == {"<a@b>": ["9", "email", "in", NOW - DAY_S]}


def test_mistakes_are_told(case):
    """Mailboxes that are not named, no list, or named twice, and words that need our own domains, are refused with a sentence."""
    for config, said in (("tenant: acme", "names no `mailboxes`; give them under its `config:` as a list"),
                         ("tenant: acme, mailboxes: ana@acme.example", "names no `mailboxes`"),
                         ("tenant: acme, mailboxes: [a@b.c, a@b.c]", "stands in the list twice"),
                         ("tenant: acme, mailboxes: []", "names no `mailboxes`")):
        serve(case, "outlook", Outlook(), config=config, secrets=("id", "pass"))
        result = case.retaind("check", expect=78)
        assert said in result.stdout + result.stderr, (config, result.stdout, result.stderr)
    for old, new, said in (("    for_each: mailboxes\n", "", "{{for_each}} is known where `for_each:` names a list"),
                           ("{{for_each}}", "me", "asks the same for every element"),
                           ("    since: 180d\n", "    step: 1d\n    history: 180d\n    since: 180d\n", "go with lists, not with slices")):
        serve(case, "outlook", Outlook(), **OUTLOOK)
        path = case.tmp / "config/connectors/outlook.yaml"
        assert old in path.read_text(), old
        path.write_text(path.read_text().replace(old, new))
        result = case.retaind("check", expect=78)
        assert said in result.stdout + result.stderr, (new, result.stdout, result.stderr)
    for old, new, said in (('      ours: "{{config.our_domains}}"\n', "", "need `ours:`, our own domains"),
                           ("{{config.our_domains}}", "{{config.domains}}", "the source says no `domains`"),
                           ("as: direction", "as: sender", "as"), ("from: internalDate }", "from: internalDate, as: address }", "only texts take")):
        serve(case, "gmail", Gmail())
        path = case.tmp / "config/connectors/gmail.yaml"
        assert old in path.read_text(), old
        path.write_text(path.read_text().replace(old, new))
        result = case.retaind("check", expect=78)
        assert said in result.stdout + result.stderr, (new, result.stdout, result.stderr)


def test_a_dry_run_shows_five(case):
    """`pull --dry-run --limit 5` shows five mapped messages or meetings, asks for no more of them, and stores nothing."""
    gmail, outlook = Gmail(), Outlook()
    gmail.messages = {f"g{i}": message(i, NOW - DAY_S + i) for i in range(90)}
    outlook.mailboxes = {ANA: {"messages": [], "events": []}, BOB: {"messages": [], "events": []}}
    grow(outlook, 1, 40, NOW - DAY_S)
    for connector, api, stream, options, most in (("gmail", gmail, "messages", {}, 7), ("outlook", outlook, "messages", OUTLOOK, 3),
                                                  ("outlook", outlook, "meetings", OUTLOOK, 3)):
        server = serve(case, connector, api, **options)
        result = case.retaind("pull", "--dry-run", "--source", "mail", "--stream", stream, "--limit", "5", "--now", iso(NOW))
        lines = [line.split("\t") for line in result.stdout.splitlines() if line.startswith("mail\t")]
        walks = 2 if options else 1
        assert len(lines) == 5 * walks and len(server.seen) <= most and '"direction"' in lines[0][2] or stream == "meetings", result.stdout
        assert not case.query("SELECT 1 FROM interaction") and SUBJECT not in result.stdout


if __name__ == "__main__":
    run(globals())
