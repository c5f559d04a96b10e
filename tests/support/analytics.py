"""Stands in for Mixpanel, Amplitude and PostHog: their exports by their rules, over events that a test changes between pulls.

Each refuses what the real one refuses, in its own words; `broken` is a list of what to do wrong next: "cut" (the answer ends in the
middle), "flip" (a byte of it is another), "bomb" (it unpacks to far more than it is), "giving_up" (a last line that is no event), "elsewhere" (a server that
knows nothing of exports, for ever).
"""
import base64
import datetime
import gzip
import io
import json
import re
import zipfile

USER, SECRET, PROJECT = "svc.9f31", "planted-export-secret-77ab", "4711"


ODD = {"sign_in": b"<!doctype html>\n<title>Sign in</title>\n<p>Please sign in to continue</p>\n", "error": b'{"error": "try again later"}\n'}


class Events:
    """day, hour (UTC, of arrival), company, user, name."""

    def __init__(self):
        self.rows, self.broken, self.most = [], [], 10 ** 9

    def add(self, day, company, user="u1", name="Login", n=1, hour=9):
        self.rows += [{"day": day, "hour": hour, "company": company, "user": user, "name": name} for _ in range(n)]

    def take_back(self, **like):
        self.rows = [r for r in self.rows if any(r[k] != v for k, v in like.items())]

    def cells(self):
        """What the store should say, as {(company, metric, day): value}."""
        out, users = {}, {}
        for r in self.rows:
            if r["company"]:
                out[r["company"], "events", r["day"]] = out.get((r["company"], "events", r["day"]), 0) + 1
                users.setdefault((r["company"], "active_users", r["day"]), set()).add(r["user"])
        return {**out, **{k: len(v) for k, v in users.items()}}

    def breaks(self):
        return self.broken.pop(0) if self.broken else None


def is_basic(request, user=USER, secret=SECRET):
    return request.headers.get("Authorization") == "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def spoil(how, data):
    if how == "cut":
        return data[:len(data) * 2 // 3]
    if how == "flip":
        return data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 0x55]) + data[len(data) // 2 + 1:]
    return data


def mixpanel(events, request):
    text = {"Content-Type": "text/plain"}
    if not is_basic(request):
        return 400, b"Unable to authenticate request\n", text
    if request.method != "GET" or request.path != "/api/2.0/export":
        return 404, b"Not found\n", text
    if set(request.query) != {"project_id", "from_date", "to_date"} or request.query["project_id"] != PROJECT:
        return 400, b"Missing or unknown parameter\n", text
    try:
        first, last = (datetime.date.fromisoformat(request.query[k]) for k in ("from_date", "to_date"))
    except ValueError:
        return 400, b"from_date: not a date\n", text
    if last < first or (last - first).days > 99:
        return 400, b"to_date cannot be before from_date, nor 100 days behind it\n", text
    rows = [r for r in events.rows if first.isoformat() <= r["day"] <= last.isoformat()]
    lines = [json.dumps({"event": r["name"], "properties": {"time": 1600000000 + i, "distinct_id": r["user"], "$insert_id": f"i{i}",
                                                             **({"company_id": r["company"]} if r["company"] else {})}})
             for i, r in enumerate(rows)]
    how = events.breaks()
    if how in ODD:
        return 200, ODD[how], text
    data = "".join(line + "\n" for line in lines).encode()
    if how == "giving_up":
        return 200, b"".join(data.splitlines(True)[:len(lines) // 2]) + b"terminated early", text
    return 200, spoil(how, data), text


def packed(rows, instead=None):
    """A zip of one gzip for each hour, as Amplitude names them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for hour in sorted({(r["day"], r["hour"]) for r in rows}):
            lines = [json.dumps({"event_type": r["name"], "user_id": r["user"], "server_upload_time": f"{r['day']} {r['hour']:02}:10:00.000000",
                                 "groups": {"company": [r["company"]]} if r["company"] else {}}) + "\n"
                     for r in rows if (r["day"], r["hour"]) == hour]
            z.writestr(f"{PROJECT}/{PROJECT}_{hour[0]}_{hour[1]}#0.json.gz", gzip.compress(instead or "".join(lines).encode(), mtime=0))
    return out.getvalue()


def amplitude(events, request):
    if not is_basic(request):
        return 403, b"Forbidden", {"Content-Type": "text/html"}
    if request.method != "GET" or request.path != "/api/2/export" or set(request.query) != {"start", "end"}:
        return 400, b"start and end are required", {"Content-Type": "text/html"}
    if not all(re.fullmatch(r"\d{8}T([01]\d|2[0-3])", request.query[k]) for k in ("start", "end")) or request.query["end"] < request.query["start"]:
        return 400, b"Invalid start or end", {"Content-Type": "text/html"}
    stamp = lambda r: f"{r['day'].replace('-', '')}T{r['hour']:02}"
    rows = [r for r in events.rows if request.query["start"] <= stamp(r) <= request.query["end"]]
    if not rows:
        return 404, b"Raw data files were not found.", {"Content-Type": "text/html"}
    if events.broken[:1] == ["elsewhere"]:
        return 404, ODD["sign_in"], {"Content-Type": "text/html"}
    if len(rows) > events.most:
        return 400, b"The file size of the exported data is too large.", {"Content-Type": "text/html"}
    how = events.breaks()
    if how == "error":
        return 200, packed(rows, ODD["error"]), {"Content-Type": "application/zip"}
    if how == "bomb":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("bomb.json.gz", b" " * (200 << 20))
        return 200, out.getvalue(), {"Content-Type": "application/zip"}
    return 200, spoil(how, packed(rows)), {"Content-Type": "application/zip"}


KEYSET = (r"SELECT concat\('k', toString\(toDate\(timestamp\)\), ' ', toString\(\$group_0\)(?P<by_event>, ' ', event)?\) AS row_key, .* FROM events "
          r"WHERE timestamp >= toDateTime\(\{since\}\) AND timestamp < toDateTime\(\{until\}\) \+ toIntervalSecond\(1\) AND "
          r"notEmpty\(toString\(\$group_0\)\) GROUP BY row_key, day, account(, event)? HAVING row_key > \{after\} ORDER BY row_key LIMIT (?P<limit>\d+)")


def posthog(events, request):
    def refuse(status, detail, code="invalid_input"):
        return status, {"type": "validation_error", "code": code, "detail": detail, "attr": None}
    if request.headers.get("Authorization") != f"Bearer {SECRET}":
        return refuse(401, "Invalid access token.", "authentication_failed")
    if request.path != f"/api/projects/{PROJECT}/query/":
        return refuse(404, "Project not found.", "not_found")
    query = (request.body or {}).get("query", {})
    if request.method != "POST" or set(request.body) != {"query", "refresh"} or set(query) != {"kind", "query", "values"} or query["kind"] != "HogQLQuery":
        return refuse(400, "query: not a HogQLQuery")
    if request.body["refresh"] != "force_blocking":
        return refuse(400, "refresh: what was asked before is answered from a cache")
    match = re.fullmatch(KEYSET, query["query"])
    if not match or int(match["limit"]) > 50000 or set(query["values"]) != {"since", "until", "after"}:
        return refuse(400, "Unable to resolve the query")
    since, until = (datetime.datetime.fromisoformat(query["values"][k].replace("Z", "+00:00")) for k in ("since", "until"))
    groups = {}
    for r in events.rows:
        at = datetime.datetime.fromisoformat(f"{r['day']}T{r['hour']:02}:00:00+00:00")
        if r["company"] and since <= at < until + datetime.timedelta(seconds=1):
            key = (r["day"], r["company"], r["name"]) if match["by_event"] else (r["day"], r["company"])
            groups.setdefault(key, []).append(r["user"])
    rows = [["k" + " ".join(key), *key, len(users) if match["by_event"] else len(set(users))] for key, users in groups.items()]
    rows = sorted(r for r in rows if r[0] > query["values"]["after"])[:min(int(match["limit"]), events.most)]
    return 200, {"results": rows, "columns": ["row_key", "day", "account", "event", "n"] if match["by_event"] else ["row_key", "day", "account", "n"],
                 "types": [], "hasMore": False}
