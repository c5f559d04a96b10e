"""Stands in for Gmail, for mail and calendars of Microsoft Graph, and for Google Calendar. Each message and event has a subject and a
body with planted words; who asks for them, or for more than he may, is refused, and what is not asked for by name is not given."""
import json
import re
from urllib.parse import parse_qs

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
BODY, SUBJECT = "planted-body-words-77c1", "planted-subject-words-77c2"
ACCESS = "planted-access-4b1d"


def iso(at):
    import time
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def google_error(status, reason):
    return status, {"error": {"code": status, "message": reason, "errors": [{"domain": "global", "reason": reason}]}}


class Login:
    """The token endpoint and the login of each call."""
    grants = ("refresh_token",)

    def __init__(self):
        self.failures, self.n_tokens, self.calls_left = [], 0, 10_000

    def __call__(self, request):
        if request.path == "/token":
            form = parse_qs((request.body or b"").decode())
            if form.get("grant_type", [""])[0] not in self.grants:
                return 400, {"error": "unsupported_grant_type"}
            self.n_tokens, self.calls_left = self.n_tokens + 1, 10_000
            return 200, {"access_token": f"{ACCESS}{self.n_tokens}", "expires_in": 3599, "token_type": "Bearer"}
        if request.headers["Authorization"] != f"Bearer {ACCESS}{self.n_tokens}" or self.calls_left <= 0:
            return google_error(401, "authError")
        self.calls_left -= 1
        if self.failures:
            return self.failures.pop(0)
        return self.answer(request, parse_qs(request.raw_query, keep_blank_values=True))


class Gmail(Login):
    """messages: id -> {at, from, to, cc, message_id[, labels]}"""

    def __init__(self):
        super().__init__()
        self.messages = {}

    def answer(self, request, q):
        path = re.fullmatch(r"/gmail/v1/users/me/messages(?:/(\w+))?", request.path)
        if not path:
            return google_error(404, "notFound")
        return self.one(path[1], q) if path[1] else self.list(q)

    def list(self, q):
        words = re.fullmatch(r"after:(\d+) before:(\d+) -in:drafts -in:chats", q.get("q", [""])[0])
        if set(q) - {"q", "maxResults", "pageToken"} or not words or not 1 <= int(q.get("maxResults", ["100"])[0]) <= 500:
            return google_error(400, "invalidArgument")
        ids = [i for i, m in self.messages.items() if int(words[1]) <= m["at"] <= int(words[2]) and "DRAFT" not in m.get("labels", [])]
        ids.sort(key=lambda i: -self.messages[i]["at"])
        at, n = int(q.get("pageToken", ["0"])[0]), int(q.get("maxResults", ["100"])[0])
        answer = {"resultSizeEstimate": len(ids)}
        if ids[at:at + n]:
            answer["messages"] = [{"id": i, "threadId": i} for i in ids[at:at + n]]
        if at + n < len(ids):
            answer["nextPageToken"] = str(at + n)
        return 200, answer

    def one(self, key, q):
        m = self.messages.get(key)
        if q.get("format") != ["metadata"] or set(q) - {"format", "metadataHeaders", "fields"}:
            return google_error(403, "insufficientPermissions")
        if not m:
            return google_error(404, "notFound")
        headers = {"From": m["from"], "To": m["to"], "Cc": m.get("cc"), "Message-Id": m["message_id"], "Subject": SUBJECT, "Received": "by mx"}
        asked = {h.lower() for h in q.get("metadataHeaders", [])}
        whole = {"id": key, "threadId": key, "labelIds": m.get("labels", ["INBOX"]), "snippet": BODY, "internalDate": str(m["at"] * 1000),
                 "sizeEstimate": 900,
                 "payload": {"mimeType": "text/plain", "headers": [{"name": k, "value": v} for k, v in headers.items() if v and k.lower() in asked]}}
        fields = q["fields"][0].replace("payload/headers", "payload").split(",") if "fields" in q else list(whole)
        return 200, {k: v for k, v in whole.items() if k in fields}


class Outlook(Login):
    """mailboxes: address -> {"messages": [...], "events": [...]} as Graph has them."""
    grants = ("client_credentials",)
    readable = {"messages": {"id", "internetMessageId", "isDraft", "from", "toRecipients", "ccRecipients", "sentDateTime", "receivedDateTime", "subject"},
                "events": {"id", "iCalUId", "isCancelled", "organizer", "attendees", "start", "end", "subject"}}

    def __init__(self):
        super().__init__()
        self.url, self.mailboxes = "", {}

    def refuse(self, status, code):
        return status, {"error": {"code": code, "message": "told by Graph"}}

    def answer(self, request, q):
        path = re.fullmatch(r"/v1\.0/users/([^/]+)/(messages|calendarView)", request.path)
        mailbox = path and self.mailboxes.get(path[1].replace("%40", "@"))
        if not path or mailbox is None:
            return self.refuse(404, "ErrorInvalidUser")
        if "$skiptoken" in q:
            q = {**json.loads(bytes.fromhex(q["$skiptoken"][0])), "at": q["$skiptoken"]}
        kind = "messages" if path[2] == "messages" else "events"
        select = q.get("$select", [""])[0].split(",")
        if set(select) - self.readable[kind] or not select[0]:
            return self.refuse(403, "ErrorAccessDenied")
        rows = self.mail(mailbox, q) if kind == "messages" else self.events(mailbox, q)
        if rows is None:
            return self.refuse(400, "ErrorInvalidUrlQuery")
        return self.page(request.path, kind, rows, select, q)

    def mail(self, mailbox, q):
        window = re.fullmatch(rf"receivedDateTime ge ({ISO}) and receivedDateTime le ({ISO})", q.get("$filter", [""])[0])
        if not window or q.get("$orderby") != ["receivedDateTime asc"] or set(q) - {"$select", "$filter", "$orderby", "$top", "skip", "at"}:
            return None
        return sorted((m for m in mailbox["messages"] if window[1] <= m["receivedDateTime"] <= window[2]), key=lambda m: m["receivedDateTime"])

    def events(self, mailbox, q):
        start, end = q.get("startDateTime", [""])[0], q.get("endDateTime", [""])[0]
        if not re.fullmatch(ISO, start) or not re.fullmatch(ISO, end) or set(q) - {"$select", "startDateTime", "endDateTime", "$top", "skip", "at"}:
            return None
        return [e for e in mailbox["events"] if start <= e["start"]["dateTime"][:19] + "Z" <= end]

    def page(self, path, kind, rows, select, q):
        at, n = q.get("skip", 0), int(q.get("$top", ["10"])[0])
        if not 1 <= n <= 1000:
            return self.refuse(400, "ErrorInvalidUrlQuery")
        answer = {"@odata.context": f"{self.url}/v1.0/$metadata#{kind}",
                  "value": [{"@odata.etag": 'W/"1"', **{k: v for k, v in r.items() if k in select or k == "id"}} for r in rows[at:at + n]]}
        if at + n < len(rows):
            token = json.dumps({**{k: v for k, v in q.items() if k != "at"}, "skip": at + n}).encode().hex()
            answer["@odata.nextLink"] = f"{self.url}{path}?$skiptoken={token}"
        return 200, answer


class GoogleCalendar(Login):
    """calendars: id -> events as Google has them. An event that was cancelled has little more than its id."""

    def __init__(self):
        super().__init__()
        self.calendars = {}

    def answer(self, request, q):
        path = re.fullmatch(r"/calendar/v3/calendars/([^/]+)/events", request.path)
        events = path and self.calendars.get(path[1].replace("%40", "@"))
        if events is None:
            return google_error(404, "notFound")
        low, high = q.get("timeMin", [""])[0], q.get("timeMax", [""])[0]
        fields = re.fullmatch(r"nextPageToken,items\(([\w,]+)\)", q.get("fields", [""])[0])
        if (set(q) - {"timeMin", "timeMax", "singleEvents", "showDeleted", "maxResults", "fields", "pageToken"} or not re.fullmatch(ISO, low)
                or not re.fullmatch(ISO, high) or q.get("singleEvents") != ["true"] or int(q.get("maxResults", ["250"])[0]) > 2500 or not fields):
            return google_error(400, "badRequest")
        rows = [e for e in events if low <= e["start"]["dateTime"] <= high]
        shown = []
        for e in rows:
            if e["status"] == "cancelled":
                e = {"id": e["id"], "status": "cancelled", "start": e["start"], "originalStartTime": e["start"]}
            shown.append({k: v for k, v in e.items() if k in fields[1].split(",")})
        at, n = int(q.get("pageToken", ["0"])[0]), int(q.get("maxResults", ["250"])[0])
        return 200, {"items": shown[at:at + n], **({"nextPageToken": str(at + n)} if at + n < len(shown) else {})}
