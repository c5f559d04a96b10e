#!/usr/bin/env python3
"""Files over HTTPS: CSV and lines of JSON, plain and packed, become rows and usage as the organisation's file says."""
import gzip
import io
import json
import random
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HEAVY, run, wait_for  # noqa: E402
from vendor import Handler, Vendor, pull, quick  # noqa: E402

WORD = "Bearer planted-files-word-c0de"
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  src:
    connector: web_files
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ authorization: "file:{secret}" }}
    streams:
{streams}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""
ACCOUNTS = """      accounts:
        row: { entity: account, key: "No.", deleted: gone, map: [ { to: name, from: Name }, { to: plan, from: "Plan [now]" } ] }
        full: { get: /a.csv, decoder: csv, delimiter: ";", download_mb: 64 }
        full_diff: true
"""
USAGE = """      usage:
        row: { entity: usage, aggregate: sum, account: id, map: [ { to: day, from: day }, { to: metric, from: m }, { to: value, from: n } ] }
        full: { get: /u, decoder: [zip, gzip, ndjson], download_mb: 4096 }
"""


class Files:
    """What is served: path -> bytes; strict in what it wants."""

    def __init__(self, case):
        self.at, self.cut = {}, 0
        self.server = Vendor(case, self.answer)

    def answer(self, request):
        if request.headers.get("Authorization") != WORD:
            return 401, b"who are you?", {"Content-Type": "text/plain"}
        if request.method != "GET" or request.raw_query:
            return 400, b"no such question", {"Content-Type": "text/plain"}
        if request.path not in self.at:
            return 404, b"no such file", {"Content-Type": "text/plain"}
        data = self.at[request.path]
        if self.cut:
            self.cut -= 1
            data = data[:len(data) // 2]
        return 200, data, {"Content-Type": "application/octet-stream"}


def start(case, streams):
    files = Files(case)
    secret = case.write("word", WORD + "\n")
    secret.chmod(0o600)
    case.org(ORG.format(url=files.server.url, secret=secret, folder=case.tmp / "out", streams=streams))
    path = case.tmp / "config/connectors/web_files.yaml"
    path.write_text(quick(path.read_text()) + "first_wait: 0.005\nlongest_wait: 0.02\nattempts: 3\n")
    return files


def accounts_csv(rows):
    return ("No.;Name;Plan [now];gone\r\n" + "".join(f'{k};"{n}";{p};{g}\r\n' for k, (n, p, g) in rows.items())).encode()


def stored(case):
    return {k: (n, p) for k, n, p in case.query("SELECT source_key, name, plan FROM account WHERE deleted_on IS NULL")}


def expected(rows):
    return {k: (n.replace('""', '"'), p) for k, (n, p, g) in rows.items() if g != "true"}


def ndjson(rows):
    return "".join(json.dumps({"id": a, "day": d, "m": m, "n": n}) + "\n" for a, d, m, n in rows).encode()


def zipped(*parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("folder/", b"")
        z.writestr("__MACOSX/._part0", b"\x00\x05\x16\x07")
        for i, part in enumerate(parts):
            z.writestr(f"folder/part{i}.json.gz", gzip.compress(part, mtime=0))
    return out.getvalue()


def cells(case):
    return {(a, m, d): v for a, m, d, v in case.query(
        "SELECT a.source_key, u.metric, u.date, u.value FROM usage_daily u JOIN account a ON a.id = u.account_id")}


def sums(rows):
    out = {}
    for a, d, m, n in rows:
        out[a, m, d] = out.get((a, m, d), 0) + n
    return out


def test_a_file_of_accounts_and_three_increments(case):
    """A CSV of accounts: changes, rows that are added, marked as gone or simply no longer there; the store equals the file each time."""
    files = start(case, ACCOUNTS)
    rows = {f"A{i}": (f'Company ""{i}""; Ltd', "gold" if i % 3 else "free", "false") for i in range(3000)}
    for step in range(4):
        files.at["/a.csv"] = accounts_csv(rows)
        result, _ = pull(case, "--now", f"2026-03-0{step + 1}T08:00:00Z")
        assert stored(case) == expected(rows) and int(result["accounts"]["set_aside"]) == 0, (step, result)
        if step:
            assert int(result["accounts"]["changed"]) == 20 and int(result["accounts"]["new"]) == 30 and int(result["accounts"]["deleted"]) == 12, result
        for i in range(20):
            rows[f"A{100 * step + i}"] = ("Renamed", "gold", "false")
        for i in range(30):
            rows[f"N{step}-{i}"] = (f"New {i}", "free", "false")
        for i in range(5):
            rows[f"A{100 * step + 30 + i}"] = (*rows[f"A{100 * step + 30 + i}"][:2], "true")
        for i in range(7):
            del rows[f"A{100 * step + 40 + i}"]


def test_a_row_that_cannot_be_read_is_set_aside_and_deletes_nothing(case):
    """A line with a quote that is not closed and one with fields missing: set aside with their lines, the rest stored, nothing deleted; mended, all is well."""
    files = start(case, ACCOUNTS)
    rows = {f"A{i}": (f"Company {i}", "gold", "false") for i in range(10)}
    files.at["/a.csv"] = accounts_csv(rows)
    pull(case)
    good = files.at["/a.csv"]
    files.at["/a.csv"] = good.replace(b'A3;"Company 3";gold;false', b'A3;"Company 3;gold;false').replace(b'A5;"Company 5";gold;false', b'A5;"Company 5"')
    result, said = pull(case, expect=None)
    assert stored(case) == expected(rows) and int(result["accounts"]["set_aside"]) == 2, result
    assert "not deleted" in result["accounts"]["result"] + said, (result, said)
    reasons = [r for r, in case.query("SELECT reason FROM quarantine ORDER BY source_key")]
    assert "line 5" in reasons[0] and "line 7: 2 fields, and the header has 4" in reasons[1], reasons
    files.at["/a.csv"] = good
    result, _ = pull(case)
    assert case.query("SELECT count(*) FROM quarantine") == [(0,)] and stored(case) == expected(rows)


def test_usage_in_packed_files_replaces_the_days_it_has(case):
    """A zip of packed lines: summed by account, metric and day; the days of a newer file replace what they had, earlier days stay."""
    files = start(case, ACCOUNTS.replace("full_diff: true", "full_diff: false") + USAGE)
    files.at["/a.csv"] = accounts_csv({f"A{i}": (f"Company {i}", "gold", "false") for i in range(20)})
    dice = random.Random(7)
    rows = [(f"A{dice.randrange(20)}", f"2026-03-{dice.randrange(1, 11):02}", dice.choice(["logins", "reports"]), dice.randrange(90000)) for _ in range(5000)]
    files.at["/u"] = zipped(ndjson(rows[:2000]), b"", ndjson(rows[2000:]))
    pull(case)
    pull(case)
    assert cells(case) == sums(rows)
    for step in range(3):
        low = 4 + step * 2
        late = [r for r in rows if r[1] >= f"2026-03-{low:02}" and dice.random() < 0.8]
        late += [("A1", f"2026-03-{low:02}", "logins", 5), ("A2", "2026-03-11", "reports", step)]
        rows = [r for r in rows if r[1] < f"2026-03-{low:02}"] + late
        files.at["/u"] = zipped(ndjson(late))
        pull(case)
        assert cells(case) == sums(rows), step


def test_a_file_that_is_not_whole_changes_nothing(case):
    """A file that stops in its middle, once: asked for again. Always: the stream fails, nothing is stored or deleted of it, the next pull mends it."""
    files = start(case, ACCOUNTS + USAGE)
    rows = {f"A{i}": (f"Company {i}", "gold", "false") for i in range(50)}
    usage = [(f"A{i % 50}", "2026-03-01", "logins", i) for i in range(1000)]
    files.at = {"/a.csv": accounts_csv(rows), "/u": zipped(ndjson(usage))}
    pull(case)
    assert cells(case) == sums(usage)
    files.at["/u"] = zipped(ndjson(usage + usage[:300]))
    files.cut = 0
    whole = files.answer
    turns = []

    def cut_usage(request):
        turns.append(request.path)
        files.cut = 1 if request.path == "/u" and len(turns) < stop[0] else 0
        return whole(request)
    files.server.answer = cut_usage
    stop = [1000]
    result, said = pull(case, expect=None)
    assert result["usage"]["result"] == "failed" and cells(case) == sums(usage) and result["accounts"]["result"] == "ok", (result, said)
    assert "cut short" in said and turns.count("/u") == 3, (said, turns)
    turns.clear()
    stop[0] = 3
    pull(case)
    assert cells(case) == sums(usage + usage[:300])


class Cutting(Handler):
    """Hangs up after so many bytes of the next answer about usage."""

    def handle_request(self):
        super().handle_request()
        if self.server.hang_up:
            self.close_connection, self.server.hang_up = True, False


def test_a_connection_cut_after_any_byte_is_asked_again(case):
    """The connection ends after N bytes of a packed file, for many N (all with RETAIND_HEAVY): asked once more, counted once, nothing lost."""
    files = start(case, ACCOUNTS.replace("full_diff: true", "full_diff: false") + USAGE.replace("zip, gzip", "gzip"))
    rows = {f"A{i}": (f"Company {i}", "gold", "false") for i in range(9)}
    files.at["/a.csv"] = accounts_csv(rows)
    files.server.RequestHandlerClass = Cutting
    whole, at = files.answer, [None]

    def cut(request):
        status, data, headers = whole(request)
        files.server.hang_up = request.path == "/u" and at[0] is not None
        if files.server.hang_up:
            headers, data, at[0] = {**headers, "Content-Length": len(data)}, data[:at[0]], None
        return status, data, headers
    files.server.answer, files.server.hang_up = cut, False
    for n in range(0, 512, 1 if HEAVY else 17):
        usage = [(f"A{i % 9}", f"2026-03-{i % 28 + 1:02}", "logins", i + n) for i in range(100)]
        files.at["/u"] = gzip.compress(ndjson(usage), mtime=0)
        at[0] = n
        before = len(files.server.seen)
        pull(case, "--stream", "usage") if n else pull(case)
        assert cells(case) == sums(usage) and at[0] is None and len(files.server.seen) - before == (2 if n else 3), (n, len(files.server.seen) - before)
    assert len(files.at["/u"]) > 512


def test_what_is_no_such_file_counts_for_nothing(case):
    """A page to sign in, with 200, where usage was; a file whose columns have other names; a mapping that fits no row: usage stays as it was."""
    streams = ACCOUNTS.replace("full_diff: true", "full_diff: false") + """      usage:
        row: { entity: usage, aggregate: sum, account: id, map: [ { to: day, from: window.day }, { to: metric, value: logins }, { to: value, from: n } ] }
        full: { get: "/u/{{window.start|day}}.csv", decoder: csv, download_mb: 64, empty: [404] }
        step: 1d
        history: 3d
        lag: 3d
"""
    files = start(case, streams)
    files.at["/a.csv"] = accounts_csv({f"A{i}": (f"Company {i}", "gold", "false") for i in range(9)})
    good = b"id,n\n" + b"".join(b"A%d,%d\n" % (i % 9, i) for i in range(200))
    files.at["/u/2026-03-02.csv"] = good
    pull(case, "--now", "2026-03-03T10:00:00Z")
    before = cells(case)
    assert len(before) == 9
    for bad, says in ((b"<!doctype html>\n<title>Sign in</title>\n<p>Please, sign in\n", "none of 2 rows is what was asked for"),
                      (good.replace(b"id,n", b"account,n"), "none of 200 rows is what was asked for"),
                      (good.replace(b"id,n", b"id,m"), "the mapping fits none of 200 rows")):
        files.at["/u/2026-03-02.csv"] = bad
        result, said = pull(case, "--now", "2026-03-03T10:00:00Z", expect=None)
        assert result["usage"]["result"] == "failed" and says in said and cells(case) == before, (says, said, result)
    del files.at["/u/2026-03-02.csv"]
    pull(case, "--now", "2026-03-03T10:00:00Z")
    assert cells(case) == {}


def test_wrong_words_end_with_what_to_do(case):
    """A wrong Authorization, a file that isn't there, a decoder that doesn't fit: each ends with a reason, the secret in none of them."""
    files = start(case, ACCOUNTS)
    result = case.retaind("pull", expect=78)
    assert "there is no such file" in result.stderr
    files.at["/a.csv"] = gzip.compress(accounts_csv({"A1": ("One", "gold", "false")}))
    result, said = pull(case, expect=None)
    assert result["accounts"]["result"] == "failed", result
    (case.tmp / "word").write_text("Bearer of-yesterday-77\n")
    result = case.retaind("pull", expect=78)
    assert "refuses the credentials" in result.stderr and "of-yesterday" not in result.stderr + result.stdout


def test_a_kill_in_the_middle_loses_and_doubles_nothing(case):
    """kill -9 at random moments of a count over many days: the next pull goes on behind the last whole day and ends with the same cells."""
    streams = ACCOUNTS.replace("full_diff: true", "full_diff: false") + """      usage:
        row: { entity: usage, aggregate: sum, account: id, map: [ { to: day, from: window.day }, { to: metric, from: m }, { to: value, from: n } ] }
        full: { get: "/u/{{window.start|day}}", decoder: [gzip, ndjson], download_mb: 64, empty: [404] }
        step: 1d
        history: 40d
        lag: 2d
        zone: Europe/Paris
"""
    files = start(case, streams)
    files.at["/a.csv"] = accounts_csv({f"A{i}": (f"Company {i}", "gold", "false") for i in range(20)})
    rows = []
    for n in range(1, 31):
        of_day = [(f"A{i % 20}", f"2026-03-{n:02}", "logins", i) for i in range(2000 if HEAVY else 600)]
        files.at[f"/u/2026-03-{n:02}"] = gzip.compress(ndjson(of_day))
        rows += of_day
    files.server.handle_error = lambda *_: None  # a child that is killed hangs up
    dice, kills = random.Random(3), 0
    command = [BIN, "pull", "--config", str(case.tmp / "config"), "--now", "2026-03-30T20:00:00Z"]
    for _ in range(100 if HEAVY else 12):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(dice.random() * 0.09)
        kills += child.poll() is None
        child.kill()
        child.wait()
    pull(case, "--now", "2026-03-30T20:00:00Z")
    assert cells(case) == sums(rows) and kills > 3, kills
    left = [p.name for p in case.database().parent.iterdir() if "part" in p.name]
    assert not left, left
    print(f"         {kills} kills, {len(files.server.seen)} requests")


def test_a_large_file_takes_disk_and_not_memory(case):
    """An export far larger than the child may be: read row by row, the child stays small."""
    files = start(case, ACCOUNTS.replace("full_diff: true", "full_diff: false") + USAGE)
    n = 2_000_000 if HEAVY else 150_000
    files.at["/a.csv"] = accounts_csv({f"A{i}": (f"Company {i}", "gold", "false") for i in range(100)})
    filling = random.Random(1).randbytes(150).hex()
    part = "".join(
        f'{{"id": "A{i % 100}", "day": "2026-03-{i % 28 + 1:02}", "m": "logins", "n": 1, "f": "{filling[i % 150:]}{i * 7919}"}}\n'
        for i in range(50_000)).encode()
    files.at["/u"] = zipped(*[part] * (n // 50_000))
    start_at = time.monotonic()
    child = subprocess.Popen([BIN, "pull", "--config", str(case.tmp / "config")], stdout=subprocess.DEVNULL)
    most = 0
    while child.poll() is None:  # what wait4 says has this program's own size in it
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{child.pid}/status").read_text())
        most = max(most, int(peak[1]) if peak else 0)
        time.sleep(0.02)
    took = time.monotonic() - start_at
    assert child.returncode == 0 and sum(cells(case).values()) == n, child.returncode
    print(f"         {n} rows, {n // 50_000 * len(part) >> 20} MiB unpacked, {took:.1f} s, {n / took:.0f} rows/s, child {most >> 10} MiB")
    assert "asan" in BIN or 0 < most <= 32 << 10, most


def test_lines_of_many_megabytes_that_fit_no_mapping(case):
    """Lines of 15 MB whose values can't be counted are set aside like small ones, and the rest is counted."""
    usage = USAGE.replace("{ to: day, from: day }", "{ to: day, from: day }, { to: contact_key, from: f }").replace("[zip, gzip, ndjson]", "ndjson")
    files = start(case, ACCOUNTS.replace("full_diff: true", "full_diff: false") + usage)
    files.at["/a.csv"] = accounts_csv({"A1": ("Company", "gold", "false")})
    large = json.dumps({"id": "A1", "day": "2026-03-01", "m": "logins", "n": -1, "f": "x" * (15 << 20)}).encode() + b"\n"
    files.at["/u"] = 6 * large + ndjson([("A1", "2026-03-01", "logins", 5)])
    results, said = pull(case)
    assert (results["usage"]["rows"], results["usage"]["set_aside"]) == (7, 6) and sum(cells(case).values()) == 5, (results, said)


def test_a_dry_run_takes_disk_as_well(case):
    """What a dry run and `check --online` download lies on the disk, too, without a name: an export may be larger than the memory."""
    files = start(case, ACCOUNTS.replace("full_diff: true", "full_diff: false") + USAGE)
    files.at["/a.csv"] = accounts_csv({"A1": ("Company", "gold", "false")})
    files.at["/u"] = zipped(ndjson([("A1", "2026-03-01", "logins", 5)]))
    pull(case)
    for command in (["pull", "--dry-run", "--stream", "usage", "--limit", "5"], ["check", "--online"]):
        opened, children = [], []

        def look(request):
            wait_for(lambda: children, 5, "the child's number")
            opened.extend(p.resolve() for p in Path(f"/proc/{children[0].pid}/fd").iterdir())
            return files.answer(request)

        files.server.answer = look
        children.append(subprocess.Popen([BIN, *command, "--config", str(case.tmp / "config")], stdout=subprocess.DEVNULL))
        assert children[0].wait(20) == 0, command
        names = [str(p) for p in opened if "(deleted)" in str(p)]
        assert names and all(n.startswith(str(case.database().parent)) for n in names), (command, names)


run(globals())
