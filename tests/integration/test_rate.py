#!/usr/bin/env python3
"""The pace at which an API is asked: as much as it permits, never more in any second, from however many processes, and what a kill
costs. RETAIND_HEAVY=1: 100,000 companies and 100 kills."""
import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HEAVY, run  # noqa: E402
from hubspot import TOKEN, organisation, quick  # noqa: E402

ALONE = True  # it counts requests a second

SEED = int(os.environ.get("RETAIND_SEED", time.time_ns() % 1_000_000))
PAGE, DAILY = 100, 250_000
LATENCY_S = 0.05
MOST_RSS_KB = 64 << 10
IS_ASAN = "asan" in BIN  # what a sanitizer needs besides is not ours


ONE_BY_ONE = """
auth: { kind: header, name: Authorization, value: "Bearer {{secret.token}}" }
limits:
  - { rate: 40, per: 1s, burst: 40 }
streams:
  things:
    row: { entity: account, key: id, map: [ { to: name, from: name } ] }
    full: { get: /things, records: things }
    each: { get: "/things/{{parent.id}}", row: thing, concurrent: 8 }
"""


class Api(ThreadingHTTPServer):
    """Lists n companies a hundred a page, answers after latency_s, and counts what arrives within any second, somewhere on that way:
    more than `rate` are refused as HubSpot refuses them, without Retry-After."""
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, case, n, rate=10, latency_s=LATENCY_S, headers=True, daily_used=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.n, self.rate, self.latency_s, self.headers, self.daily_used = n, rate, latency_s, headers, daily_used
        self.lock, self.arrivals, self.pages, self.n_refused, self.more = threading.Lock(), [], [], 0, {}
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        case.at_end(lambda: (self.shutdown(), self.server_close()))

    def handle_error(self, *_):
        pass  # the other side was killed

    def arrive(self):
        """How many arrived within the last second, this one with them."""
        with self.lock:
            now = time.monotonic()
            self.arrivals.append(now)
            within = sum(t > now - 1 for t in self.arrivals[-200:])
            self.n_refused += bool(self.rate and within > self.rate)
            return within

    def most_in_a_second(self):
        times, most, at = sorted(self.arrivals), 0, 0
        for i, t in enumerate(times):
            while t - times[at] >= 1:
                at += 1
            most = max(most, i - at + 1)
        return most

    def used_percent(self):
        times = sorted(self.arrivals)
        return (len(times) - 1) / (times[-1] - times[0]) / self.rate * 100


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        api = self.server
        way = random.uniform(0, api.latency_s)
        time.sleep(way)
        within = api.arrive()
        time.sleep(api.latency_s - way)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"status": "error", "message": "Authentication credentials not found."}, within)
        if api.rate and within > api.rate:
            return self.answer(429, {"status": "error", "message": "You have reached your secondly limit.", "errorType": "RATE_LIMIT",
                                     "policyName": "SECONDLY"}, within)
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/things":
            return self.answer(200, {"things": [{"id": i} for i in range(api.n)]}, within)
        if parts.path.startswith("/things/"):
            return self.answer(200, {"thing": {"id": int(parts.path[8:]), "name": f"Thing {parts.path[8:]}"}}, within)
        if parts.path != "/crm/v3/objects/companies" or query.get("limit") != str(PAGE) or "archived" not in query:
            return self.answer(400, {"status": "error", "message": f"Invalid request {self.path}"}, within)
        return self.answer(200, self.page(query), within)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def page(self, query):
        api, at = self.server, int(query.get("after", "0"))
        if query["archived"] == "true":
            return {"results": []}
        with api.lock:
            api.pages.append(at)
        rows = [{"id": str(i), "createdAt": "2024-03-01T09:00:00Z", "updatedAt": "2024-03-01T09:00:00Z", "archived": False,
                 "properties": {"name": f"Company {i}", "domain": f"c{i}.example", "industry": "COMPUTER_SOFTWARE", "country": "France",
                                "hs_object_id": str(i), "lifecyclestage": "customer", **api.more}} for i in range(at + 1, min(at + PAGE, api.n) + 1)]
        out = {"results": rows}
        if at + PAGE < api.n:
            out["paging"] = {"next": {"after": str(at + PAGE), "link": "x"}}
        return out

    def answer(self, status, body, within):
        api, data = self.server, json.dumps(body).encode()
        head = {"Content-Type": "application/json;charset=utf-8", "Content-Length": len(data)}
        if api.headers:
            used = api.daily_used + len(api.arrivals)
            head |= {"X-HubSpot-RateLimit-Max": api.rate * 10, "X-HubSpot-RateLimit-Interval-Milliseconds": 10000,
                     "X-HubSpot-RateLimit-Remaining": max(0, api.rate * 10 - sum(t > time.monotonic() - 10 for t in api.arrivals[-300:])),
                     "X-HubSpot-RateLimit-Secondly": api.rate, "X-HubSpot-RateLimit-Secondly-Remaining": max(0, api.rate - within),
                     "X-HubSpot-RateLimit-Daily": DAILY, "X-HubSpot-RateLimit-Daily-Remaining": DAILY - used}
        try:
            self.wfile.write((f"HTTP/1.1 {status} Answered\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n").encode() + data)
        except OSError:
            pass  # the other side was killed


def start(case, *options, command="pull"):
    return subprocess.Popen([BIN, command, "--config", case.tmp / "config", "--quiet", *options], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def peak_kb(pid):
    try:
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
    except (OSError, TypeError):  # it has ended
        return 0


def accounts(case):
    return case.query("SELECT source_key, name, domain, industry, is_customer, deleted_on IS NULL FROM account ORDER BY source_key")


def pull_measured(case, stream="companies"):
    """Pulls one stream; returns the most memory that it had."""
    process, peak = start(case, "--stream", stream), 0
    while process.poll() is None:
        peak = max(peak, peak_kb(process.pid))
        time.sleep(0.02)
    said = process.stderr.read().decode()
    assert process.returncode == 0, said
    return peak


def test_rate_is_used_and_kept(case):
    """Against 10 requests a second and 50 ms, a first list of companies uses 90 % of the rate and more, never exceeds it in any second,
    and takes no more than 64 MiB."""
    n = 100_000 if HEAVY else 3_000
    api = Api(case, n)
    organisation(case, api.url, connector=lambda text: text)
    peak = pull_measured(case)
    assert case.query("SELECT count(*), count(DISTINCT source_key) FROM account") == [(n, n)]
    assert len(api.pages) == n // PAGE == len(set(api.pages)), len(api.pages)
    most, used = api.most_in_a_second(), api.used_percent()
    print(f"         {len(api.arrivals)} requests, {used:.1f} % of the rate, at most {most} in any second, {peak >> 10} MiB")
    assert api.n_refused == 0 and most <= api.rate and used >= (90 if HEAVY else 85), (api.n_refused, most, used)
    assert IS_ASAN or 0 < peak <= MOST_RSS_KB, peak


def test_memory_of_large_pages(case):
    """Pages of two megabytes, 100 rows of 40 properties of 500 bytes each, take no more than 64 MiB either."""
    api = Api(case, 2_000, rate=0, latency_s=0, headers=False)
    api.more = {f"custom_{i}": "x" * 500 for i in range(40)}
    organisation(case, api.url, connector=quick)
    peak = pull_measured(case)
    print(f"         {peak >> 10} MiB")
    assert case.query("SELECT count(*) FROM account") == [(2_000,)]
    assert IS_ASAN or 0 < peak <= MOST_RSS_KB, peak


def test_processes_share_the_rate(case):
    """Three processes that ask the same source at the same time, two of them killed and started again, stay within the rate
    together."""
    api = Api(case, 900)
    organisation(case, api.url, connector=lambda text: text)
    dice = random.Random(SEED)
    dry = ("--dry-run", "--stream", "companies")
    main, others = start(case, "--stream", "companies"), [start(case, *dry) for _ in range(2)]
    while main.poll() is None:
        time.sleep(dice.uniform(0.05, 0.1))
        if dice.random() < 0.2:
            at = dice.randrange(2)
            others[at].send_signal(signal.SIGKILL)
            others[at].communicate()
            others[at] = start(case, *dry)
    for process in others:
        process.kill()
        process.communicate()
    assert main.returncode == 0, main.stderr.read().decode()
    main.stderr.close()
    most = api.most_in_a_second()
    print(f"         {len(api.arrivals)} requests of three processes, at most {most} in any second, {api.used_percent():.1f} % of the rate")
    assert api.n_refused == 0 and most <= api.rate, (api.n_refused, most, f"seed {SEED}")
    assert len(accounts(case)) == 900


def test_side_by_side(case):
    """Two processes that ask eight things at a time each, of an API that takes its time, stay within the rate together and use more
    than half of it."""
    api = Api(case, 40, rate=40, latency_s=0.25, headers=False)
    organisation(case, api.url, connector=lambda _: ONE_BY_ONE)
    other = start(case, "--dry-run")
    pull_measured(case, stream="things")
    assert other.wait(timeout=60) == 0, other.stderr.read().decode()
    other.stderr.close()
    most, used = api.most_in_a_second(), api.used_percent()
    print(f"         {len(api.arrivals)} requests, at most {most} in any second, {used:.1f} % of the rate")
    assert len(api.arrivals) == 2 * 41 and api.n_refused == 0 and most <= api.rate and used > 50, (len(api.arrivals), most, used)
    assert case.query("SELECT count(*) FROM account WHERE name LIKE 'Thing %'") == [(40,)]


def test_answers_without_headers(case):
    """An API that says nothing of its limits is asked no faster than configured, and one that says less than configured no faster
    than that."""
    silent = Api(case, 1_200, headers=False)
    organisation(case, silent.url, connector=lambda text: text)
    pull_measured(case)
    assert silent.most_in_a_second() <= 10 and silent.n_refused == 0
    slow = Api(case, 900, rate=5, latency_s=0.01)
    organisation(case, slow.url, connector=lambda text: text)
    case.retaind("pull", "--stream", "companies", "--full", "--quiet")
    most, used = slow.most_in_a_second(), slow.used_percent()
    print(f"         told 5 a second where 10 are configured: at most {most} in any second, {slow.n_refused} refused, {used:.1f} % of the rate")
    assert most <= 6 and slow.n_refused <= 1, (most, slow.n_refused)  # the first answer tells


def test_kill_costs_at_most_a_page(case):
    """Killed at random moments and started again, a first list ends with the same rows as an undisturbed one, and no kill has more than
    one page fetched twice."""
    n, n_kills, rate = (100_000, 100, 10) if HEAVY else (6_000, 12, 60)
    dice = random.Random(SEED)
    api = Api(case, n, rate=rate, latency_s=LATENCY_S if HEAVY else 0.005)
    pace = str if HEAVY else lambda text: text.replace("rate: 10, per", f"rate: {rate}, per")
    organisation(case, api.url, connector=pace)
    expected = [(str(i), f"Company {i}", f"c{i}.example", "COMPUTER_SOFTWARE", 1, 1) for i in range(1, n + 1)]
    done, span = 0, n / PAGE / rate / (n_kills + 1)
    for _ in range(n_kills):
        process = start(case, "--stream", "companies")
        time.sleep(dice.uniform(0, 1.8 * span))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            done += 1
        process.communicate()
    case.retaind("pull", "--stream", "companies", "--quiet")
    n_again = len(api.pages) - n // PAGE
    print(f"         {done} kills, {len(api.pages)} pages of {n // PAGE} fetched, at most {api.most_in_a_second()} in any second (seed {SEED})")
    assert done >= n_kills // 2 and n_again <= done, (done, n_again, f"seed {SEED}")
    assert sorted(accounts(case)) == sorted(expected), f"seed {SEED}"
    assert api.n_refused == 0 and api.most_in_a_second() <= rate, f"seed {SEED}"


def shown_on_terminal(case, *options):
    """What a pull writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BIN, "pull", "--config", case.tmp / "config", *options], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the terminal's other end is closed
            break
        shown += piece
    os.close(ours)
    assert process.wait(timeout=10) == 0, shown
    return shown.decode()


def test_progress_is_shown(case):
    """On a terminal a pull that takes its time shows rows, rate and requests, and how long it will take where the last list tells."""
    api = Api(case, 1_600, rate=1000, latency_s=0.2)  # 3 s: the rate is shown from the first second on
    organisation(case, api.url, connector=quick)
    first = shown_on_terminal(case, "--stream", "companies")
    assert re.search(r"crm companies: \d+ rows, \d+ a second, \d+ requests", first) and "left" not in first, first
    again = shown_on_terminal(case, "--stream", "companies", "--full")
    shown = re.findall(r"crm companies: (\d+) of 1600 rows, (\d+) a second, (\d+) requests, 0:(\d\d) left", again)
    assert shown, again
    for rows, rate, requests, left in ([int(x) for x in line] for line in shown):
        assert requests == rows // PAGE and 100 <= rate <= 540 and left <= 10, shown
    assert again.endswith("\r\x1b[K"), again[-200:]


def test_daily_budget_is_shared(case):
    """With the source's share of the daily quota used up, a process asks once to see whether the day has ended, and no more."""
    api = Api(case, 1_000, rate=1000, daily_used=DAILY * 8 // 10 - 3)
    organisation(case, api.url, connector=quick)
    case.retaind("pull", "--stream", "companies", expect=75)
    assert len(api.arrivals) == 3, len(api.arrivals)
    said = case.retaind("pull", "--stream", "companies", expect=75).stderr
    assert len(api.arrivals) == 4 and "80 %" in said and "goes on tomorrow" in said, (len(api.arrivals), said)
    api.daily_used = 0
    case.retaind("pull", "--stream", "companies")
    assert len(set(api.pages)) == len(api.pages) == 10, api.pages


run(globals())
