"""More families for the table of faults: exports that are downloads, a slice of time each, and lists of mailboxes and calendars.

They answer by the rules of tests/support/analytics.py and mail.py; the pages are cut here, behind the last row's number, so that rows
may come and go during a walk.
"""
import base64
import csv
import gzip
import hashlib
import io
import json
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import analytics
import mail
from lists import BORN, PAGE, SECRET, Family, Refused, Reply, intercom, only

DAY_S = 86400


def day(row):
    """Slices have as many rows as a page has; the first is the day four days before the pull."""
    return time.strftime("%Y-%m-%d", time.gmtime(BORN - 3 * DAY_S + (row.n - 1) // PAGE * DAY_S))


def end_of(n):
    """Of the n-th slice."""
    return BORN + (n - 3) * DAY_S


def known(request, want, **as_if):
    """The request as the stand-in of the same vendor knows it, whose secrets are others."""
    if request.headers["Authorization"] != want:
        raise Refused(401, {"error": "who are you?"})
    return replace(request, headers={"Authorization": as_if["login"]})


def basic(user, secret):
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def events_of(server):
    events = analytics.Events()
    for row in server.rows:
        events.add(day(row), f"c{row.n:05d}", f"u{row.n}")
    return events


def export(rule, first, last):
    """One day, of which nothing is left out, is a page."""
    def answer(server, request):
        request = known(request, basic(SECRET, SECRET), login=basic(analytics.USER, analytics.SECRET))
        status, body, headers = rule(events_of(server), request)
        if status not in (200, 404):
            raise Refused(status, body, **headers)
        low, high = (request.query[name].replace("-", "")[:8] for name in (first, last))
        return Reply(status, body, headers, rows=[r for r in server.rows if low <= day(r).replace("-", "") <= high])
    return answer


def posthog(server, request):
    request = known(request, f"Bearer {SECRET}", login=f"Bearer {analytics.SECRET}")
    status, body = analytics.posthog(events_of(server), request)
    if status != 200:
        raise Refused(status, body)
    return Reply(200, body, rows=[r for row in body["results"] for r in server.rows if row[2] == f"c{r.n:05d}"])


def web_files(server, request):
    if request.headers["Authorization"] != SECRET:
        raise Refused(401, b"who are you?")
    only(request.query)
    rows = [r for r in server.rows if request.path == f"/exports/{day(r)}.csv.gz"]
    if not rows:
        return Reply(404, b"no such file", {"Content-Type": "text/plain"}, rows=[])
    out = io.StringIO()
    noise = lambda r: hashlib.sha512(r.name.encode()).hexdigest()  # a file of some size in spite of the packing
    csv.writer(out).writerows([("id", "name", "noise"), *((f"w{r.n:05d}", r.name, noise(r)) for r in rows)])
    return Reply(200, gzip.compress(out.getvalue().encode(), mtime=0), {"Content-Type": "application/gzip"}, rows=rows)


# mailboxes and calendars ----------------------------------------------------------------------------------------------

def login(server, request, grant):
    if request.path == "/token":
        if request.body["grant_type"] != grant or request.body["client_secret"] != SECRET:
            raise Refused(400, {"error": "invalid_client"})
        server.n_tokens += 1
        server.token = f"{SECRET}-access-{server.n_tokens}"
        return Reply(200, {"access_token": server.token, "token_type": "Bearer", "expires_in": 3599})
    if request.headers["Authorization"] != f"Bearer {server.token}":
        raise Refused(401, {"error": {"code": 401, "message": "authError", "errors": [{"reason": "authError"}]}})
    return None


def asked(status, body):
    if status != 200:
        raise Refused(status, body)
    return body


def cut(server, entries, number, after):
    """The page behind that row, its rows, and the token of the next page."""
    entries = sorted((e for e in entries if number(e) > after), key=number)
    page = entries[:PAGE]
    return page, [r for e in page for r in server.rows if r.n == number(e)], str(number(page[-1])) if len(entries) > PAGE else None


def gmail(server, request):
    token, q = login(server, request, "refresh_token"), parse_qs(request.raw_query, keep_blank_values=True)
    if token:
        return token
    api = mail.Gmail()
    api.messages = {f"g{r.n}": {"at": r.at, "from": f"Eve <p{r.n}@x.example>", "to": "ana@acme.example", "message_id": f"<m{r.n}@x.example>"}
                    for r in server.rows}
    after = int(q.pop("pageToken", ["0"])[0])
    body = asked(*api.answer(request, {**q, "maxResults": ["500"]} if "maxResults" in q else q))
    if request.path != "/gmail/v1/users/me/messages":
        return Reply(200, body)
    page, rows, token = cut(server, body.get("messages", []), lambda m: int(m["id"][1:]), after)
    return Reply(200, {**({"messages": page} if page else {}), **({"nextPageToken": token} if token else {}), "resultSizeEstimate": 9},
                 rows=rows, token=token)


def outlook(server, request):
    token, q = login(server, request, "client_credentials"), parse_qs(request.raw_query)
    if token:
        return token
    who = lambda address: {"emailAddress": {"address": address}}
    api, after = mail.Outlook(), 0
    api.mailboxes["ana@acme.example"] = {"messages": [
        {"id": f"o{r.n}", "internetMessageId": f"<m{r.n}@x.example>", "isDraft": False, "from": who(f"p{r.n}@x.example"), "subject": mail.SUBJECT,
         "toRecipients": [who("ana@acme.example")], "ccRecipients": [], "sentDateTime": mail.iso(r.at), "receivedDateTime": mail.iso(r.at)}
        for r in server.rows], "events": []}
    if "$skiptoken" in q:
        after, q = json.loads(bytes.fromhex(q["$skiptoken"][0]))
    body = asked(*api.answer(request, {**q, "$top": ["1000"]}))
    page, rows, last = cut(server, body["value"], lambda m: int(m["id"][1:]), after)
    link = f"{server.url}{request.path}?" + urlencode({"$skiptoken": json.dumps([int(last), q]).encode().hex()}) if last else None
    return Reply(200, {"value": page, **({"@odata.nextLink": link} if link else {})}, rows=rows, token=link)


def google_calendar(server, request):
    token, q = login(server, request, "refresh_token"), parse_qs(request.raw_query)
    if token:
        return token
    api = mail.GoogleCalendar()
    api.calendars["ana@acme.example"] = [
        {"id": f"k{r.n}", "status": "confirmed", "summary": mail.SUBJECT, "organizer": {"email": "ana@acme.example"},
         "attendees": [{"email": f"p{r.n}@x.example"}], "start": {"dateTime": mail.iso(r.at)}} for r in server.rows]
    after = int(q.pop("pageToken", ["0"])[0])
    page, rows, token = cut(server, asked(*api.answer(request, {**q, "maxResults": ["2500"]}))["items"], lambda e: int(e["id"][1:]), after)
    return Reply(200, {"items": page, **({"nextPageToken": token} if token else {})}, rows=rows, token=token)


def conversations(server, request):
    """Intercom: a list of conversations, and what was said in each by itself."""
    if request.path == "/conversations/search":
        reply = intercom(server, replace(request, path="/contacts/search"))
        return replace(reply, body={"type": "conversation.list", "conversations": reply.body["data"], "pages": reply.body["pages"]})
    one = [r for r in server.rows if request.path == f"/conversations/i{r.n:05d}"]
    if not one or request.query != {"display_as": "plaintext"}:
        return intercom(server, request)
    part = {"id": f"p{one[0].n:05d}", "part_type": "comment", "body": one[0].name, "author": {"type": "user"}, "created_at": one[0].born,
            "updated_at": one[0].at}
    return Reply(200, {"id": f"i{one[0].n:05d}", "contacts": {"contacts": []}, "conversation_parts": {"conversation_parts": [part]}})


FILES = """    streams:
      accounts:
        row: { entity: account, key: id, map: [ { to: name, from: name } ] }
        full: { get: "/exports/{{window.start|day}}.csv.gz", decoder: [gzip, csv], download_mb: 64, empty: [404] }
        step: 1d
        history: 4d
        lag: 3d
        zone: UTC
"""
DAYS = dict(is_csv=True, is_slices=True, has_increment=False)
MAIL = dict(is_oauth=True, has_edits=False)
MINE = "our_domains: acme.example, user: ana@acme.example, account: a"
SLICES = [
    Family("mixpanel", "mixpanel", "events", "usage", export(analytics.mixpanel, "from_date", "to_date"), "c{:05d}",
           config=f"project: '{analytics.PROJECT}', zone: UTC", n_anew=5, **DAYS),
    Family("amplitude", "amplitude", "events", "usage", export(analytics.amplitude, "start", "end"), "c{:05d}", n_anew=1, **DAYS),
    Family("posthog", "posthog", "events", "usage", posthog, "c{:05d}", has_increment=False, is_whole=True, empty="the end",
           config=f"project: '{analytics.PROJECT}', zone: UTC, account: '$group_0'"),
    Family("web_files", "web_files", "accounts", "account", web_files, "w{:05d}", more=FILES, n_anew=3, **DAYS),
    Family("gmail", "gmail", "messages", "interaction", gmail, "<m{}@x.example>", config=MINE, left_out=("key",),
           path="/gmail/v1/users/me/messages", **MAIL),
    Family("outlook", "outlook", "messages", "interaction", outlook, "<m{}@x.example>", has_links=True,
           config="our_domains: acme.example, tenant: t1, mailboxes: [ana@acme.example]", **MAIL),
    Family("google calendar", "google_calendar", "meetings", "interaction", google_calendar, "k{}", left_out=("key",),
           config=MINE + ", calendars: [ana@acme.example]", **MAIL),
    Family("intercom parts", "intercom", "conversation_parts", "interaction", conversations, "p{:05d}", path="/conversations/search"),
]
