#!/usr/bin/env python3
"""Events that are pushed to the daemon: who may, how much, and that each counts once whoever is killed when."""
import base64
import gzip
import hashlib
import hmac
import http.client
import json
import os
import random
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HEAVY, free_port, run, wait_for

KEY, SECOND_KEY, ESPO_SECRET = "wk_0123456789abcdef0123", "wk_fedcba98765432100000", "espo-secret-0123456789"
HOOK = b"0123456789abcdef0123456789abcdef"
PUSH = """  {name}:
    connector: push
    secrets: {{ {secrets} }}
    push: {{ auth: {auth}{more} }}
    events:
      reports:
        entity: usage
        when: {{ from: event, in: [Report Exported, Report Shared] }}
        account: {{ from: context.groupId | properties.account, by: external_id }}
        map:
          - {{ to: metric, value: reports }}
          - {{ to: day, from: timestamp | receivedAt }}
          - {{ to: value, value: "1" }}
          - {{ to: contact_key, from: userId }}
      seats:
        entity: usage
        when: {{ from: event, in: [Seats Counted] }}
        account: {{ from: context.groupId, by: external_id }}
        map:
          - {{ to: metric, from: properties.kind, values: {{ paid: seats_paid, used: seats_used }} }}
          - {{ to: day, from: timestamp }}
          - {{ to: value, from: properties.n }}
      notices:
        entity: notice
        when: {{ from: event, in: [Cancelled] }}
        key: messageId
        account: {{ from: context.groupId, by: external_id }}
        map:
          - {{ to: kind, value: cancel }}
          - {{ to: noticed_on, from: timestamp }}
"""
ORG = """title: Acme
zone: UTC
currency: EUR
sources:
  crm:
    connector: csv
    folder: "{tmp}/csv"
    files:
      accounts:
        match: "accounts*.csv"
        entity: account
        key: id
        map:
          - {{ to: name, from: name }}
          - {{ to: external_id, from: ext }}
{push}
channels:
  out: {{ kind: file, folder: "{tmp}/out" }}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "{at}", channels: [out] }}
"""


def secret(case, name, value):
    path = case.write(f"secrets/{name}", value if isinstance(value, str) else value.decode())
    path.chmod(0o600)
    return f"{name}: 'file:{path}'"


class Daemon:
    """The daemon with one push source of each kind; killed, it may be started again."""

    def __init__(self, case, more="", accounts="1,Umbra,u-1\n2,Penumbra,u-2\n"):
        self.case, self.port = case, free_port()
        case.write("csv/accounts.csv", f"id,name,ext\n{accounts}")
        (case.tmp / "out").mkdir(exist_ok=True)
        # a digest that is not due while the test runs
        at = time.strftime("%H:%M", time.gmtime(time.time() + 12 * 3600))
        hook = "whsec_" + base64.b64encode(HOOK).decode()
        push = PUSH.format(name="product", auth="write_key", more=more,
                           secrets=secret(case, "key", KEY) + ", " + secret(case, "second", SECOND_KEY))
        push += PUSH.format(name="hooks", auth="standard_webhooks", more="", secrets=secret(case, "hook", hook))
        push += PUSH.format(name="espo", auth="espocrm", more="", secrets=secret(case, "espo", ESPO_SECRET))
        self.org = ORG.format(tmp=case.tmp, push=push, at=at)
        case.org(self.org, daemon_yaml=f"web: {{ listen: '127.0.0.1:{self.port}' }}\n")
        self.log = case.tmp / "daemon.log"
        self.process = None
        case.at_end(self.kill)
        self.start()
        wait_for(lambda: "event=sync" in self.text(), 20, "the first sync")  # or it would read what a test pushes

    def start(self, **options):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BIN, "run", "-v", "--config", str(self.case.tmp / "config")], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, **options)
        wait_for(self.is_up, 20, f"the endpoint\n{self.text()}")

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(self.text())
        try:
            return self.call("GET", "/health")[0] == 200
        except OSError:
            return False

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def call(self, method, path, body=None, headers=None, timeout=10):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def push(self, events, key=KEY, path="/push/acme/product/v1/batch", **headers):
        body = json.dumps({"batch": events, "sentAt": "2026-01-01T00:00:00Z"})
        return self.call("POST", path, body, {"Authorization": basic(key), "Content-Type": "application/json", **headers})

    def pull(self, *args):
        """Pulls, waiting for a pull of the daemon's own to end. Returns (rows, changed, set aside) by source."""
        def done():
            result = self.case.retaind("pull", "--format", "json", *args, expect=None)
            if result.returncode == 75 and "another pull is at work" in result.stderr:
                return None
            assert result.returncode == 0, result.stderr
            return result.stdout
        rows = json.loads(wait_for(done, 30, "a pull"))
        return {r["source"]: (r["rows"], r["changed"], r["set_aside"]) for r in rows}

    def counts(self, metric="reports"):
        return dict(self.case.query("SELECT a.external_id, sum(u.value) FROM usage_daily u JOIN account a ON a.id = u.account_id "
                                    "WHERE u.metric = ? GROUP BY a.external_id", metric))


def basic(key):
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def event(n, account="u-1", name="Report Exported", day="2026-01-05", user="ann", **more):
    return {"type": "track", "event": name, "messageId": f"m-{n}", "timestamp": f"{day}T10:00:00Z", "userId": user,
            "context": {"groupId": account}, **more}


def test_counts(case):
    """Events are counted for their account and day, each once however often and in whatever batches it comes."""
    d = Daemon(case)
    assert d.push([event(i) for i in range(7)] + [event(100 + i, "u-2", day="2026-01-06", user="bob") for i in range(3)])[0] == 200
    status, headers, body = d.push([event(1), event(7)])
    assert (status, json.loads(body), headers["Content-Type"]) == (200, {"success": True}, "application/json")
    # one event at Segment's address for it, and without a type: the address says it
    single = event(8)
    del single["type"]
    assert d.call("POST", "/push/acme/product/v1/track", json.dumps(single), {"Authorization": basic(SECOND_KEY)})[0] == 200
    got = d.pull()
    assert got["product"] == (13, 2, 0), got
    assert d.counts() == {"u-1": 9, "u-2": 3}
    assert d.push([event(2), event(9)])[0] == 200
    d.pull()
    assert d.counts() == {"u-1": 10, "u-2": 3}
    assert case.query("SELECT contact_key, sum(value) FROM usage_detail GROUP BY 1 ORDER BY 1") == [("ann", 10), ("bob", 3)]
    # other metrics, other entities, what nobody asked for, and what can't be used
    assert d.push([event("s1", name="Seats Counted", properties={"kind": "used", "n": 12}),
                   event("s2", name="Seats Counted", properties={"kind": "lost", "n": 1}),
                   event("s3", name="Seats Counted", properties={"kind": "paid", "n": "many"}),
                   event("s4", day="2999-01-01"), event("c1", name="Cancelled"), event("x", name="Seen")])[0] == 200
    assert d.pull()["product"] == (6, 1, 3)
    assert d.counts("seats_used") == {"u-1": 12} and d.counts() == {"u-1": 10, "u-2": 3}
    assert case.query("SELECT kind, account_id IS NOT NULL FROM notice") == [("cancel", 1)]
    assert {r.split(":")[0] for (r,) in case.query("SELECT reason FROM quarantine")} == {"seats", "reports"}
    assert d.pull()["product"] == (0, 0, 0)


def test_waiting(case):
    """What is counted for an account that nobody knows yet is added to it once it comes, and not before."""
    d = Daemon(case)
    d.push([event(i, "u-9") for i in range(5)])
    d.pull()
    assert d.counts() == {} and case.query("SELECT sum(value) FROM usage_waiting") == [(5,)]
    d.push([event(i, "u-9") for i in range(3, 8)])
    d.pull()
    assert d.counts() == {} and case.query("SELECT sum(value) FROM usage_waiting") == [(8,)]
    shown = case.retaind("accounts", "--conflicts", "--format", "csv").stdout
    assert "waiting,product,u-9,,usage of 1 days waits for an account" in shown.replace('"', ""), shown
    case.write("csv/accounts.csv", "id,name,ext\n1,Umbra,u-1\n9,Nadir,u-9\n")
    d.pull()
    assert d.counts() == {"u-9": 8} and case.query("SELECT count(*) FROM usage_waiting") == [(0,)]


def test_strangers(case):
    """Who isn't known gets 401, the same for what exists and what doesn't; nothing of theirs is kept."""
    d = Daemon(case)
    bodies = set()
    for path in ("/push/acme/product", "/push/acme/nothing", "/push/nobody/product", "/push/acme/product2", "/push/acme"):
        for auth in ({}, {"Authorization": basic("wrong-wrong-wrong-wrong")}, {"Authorization": "Basic !"},
                     {"Authorization": f"Bearer {KEY}"}, {"Authorization": basic(KEY + "x")}, {"Authorization": basic("")}, {"Authorization": basic("\0")},
                     {"Authorization": basic(KEY + "\0")}):
            for method in ("POST", "GET", "PUT"):
                status, headers, body = d.call(method, path, json.dumps(event(1)), auth)
                assert status == 401 and "Basic" in headers["WWW-Authenticate"], (method, path, auth, status)
                bodies.add(body)
    assert len(bodies) == 1
    known = {"Authorization": basic(KEY)}
    for method, path, status in (("GET", "/push/acme/product", 405), ("PUT", "/push/acme/product", 405), ("GET", "/", 404),
                                 ("GET", "/../../etc/passwd", 404), ("POST", "/health", 405), ("HEAD", "/health", 200)):
        got = d.call(method, path, None, known)
        assert got[0] == status, (method, path, got)
        assert status != 405 or got[1]["Allow"]
    assert d.push([event(1)], path="/push/acme/product/v2/batch")[0] == 404
    assert not (case.tmp / "state/orgs/acme/push").exists()
    assert KEY not in d.text() and "wrong-wrong" not in d.text()


def test_ceilings(case):
    """Bodies over 1 MiB, announced or not, packed or not, too many events, what is no JSON: each is told, none is kept."""
    d = Daemon(case, more=", per_second: 1000")
    auth = {"Authorization": basic(KEY)}
    path = "/push/acme/product"
    big = json.dumps([{"event": "x" * (1 << 20)}])
    assert d.call("POST", path, big, auth)[0] == 413
    assert d.call("POST", path, iter([big[:700000].encode(), big[700000:].encode()]), auth)[0] == 413
    with socket.create_connection(("127.0.0.1", d.port), timeout=10) as s:  # refused before any of it has come
        s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(KEY)}\r\nContent-Length: 99999999\r\n\r\n".encode())
        assert s.recv(100).startswith(b"HTTP/1.1 413")
    assert d.call("POST", path, json.dumps([{}] * 5001), auth)[0] == 400
    for bad in ("", "{", "[1]", "17", "[" * 100 + "]" * 100, '{"batch": {}}', '{"batch": [1]}', '{"a": "\xff"}'.encode("latin-1")):
        assert d.call("POST", path, bad, auth)[0] == 400, bad
    assert d.call("POST", path, b"x", {**auth, "Content-Encoding": "br"})[0] == 415
    assert d.call("POST", path, b"x", {**auth, "Content-Encoding": "gzip, gzip"})[0] == 415
    good = gzip.compress(json.dumps([event("packed", "u-2")]).encode())
    bomb = gzip.compress(b"[" + b" " * (64 << 20) + b"]")
    for bad in (b"", b"\x1f\x8b", good[:-9], good[:20], b"{}", bomb, gzip.compress(b"{"), gzip.compress(b"\0" * 100)):
        assert d.call("POST", path, bad, {**auth, "Content-Encoding": "gzip"})[0] == 400, bad[:20]
    assert d.call("POST", path, good, {**auth, "Content-Encoding": "gzip"})[0] == 200
    assert webhook(d, good, headers={"Content-Encoding": "gzip"}) == 415
    d.pull()
    assert d.counts() == {"u-2": 1} and case.query("SELECT count(*) FROM quarantine") == [(0,)]


def test_rate(case):
    """Who sends too often is told to come again, alone, and what was accepted counts; strangers take nobody's turn."""
    d = Daemon(case, more=", per_second: 0.5")
    for _ in range(20):
        assert d.push([event("x")], key="wrong-wrong-wrong-wrong")[0] == 401
    answers = [d.push([event(i)]) for i in range(8)]
    statuses = [a[0] for a in answers]
    assert statuses[0] == 200 and 429 in statuses and not set(statuses) - {200, 429}, statuses
    assert all(a[1]["Retry-After"] == "1" for a in answers if a[0] == 429)
    assert webhook(d, json.dumps(event("hook", "u-2"))) == 200
    wait_for(lambda: d.push([event("last")])[0] == 200, 10, "a turn")
    d.pull()
    assert d.counts() == {"u-1": statuses.count(200) + 1, "u-2": 1}


def test_full(case):
    """A spool that is full refuses with 429 until a pull has read it; what was acknowledged is all there."""
    d = Daemon(case, more=", per_second: 1000, spool_mb: 16")
    n = 0
    while True:
        status, headers, _ = d.push([event(n, properties={"text": "x" * 900000})])
        if status != 200:
            break
        n += 1
    assert status == 429 and int(headers["Retry-After"]) >= 60 and 15 <= n <= 18, (status, n)
    d.pull()
    assert d.counts() == {"u-1": n}
    assert d.push([event("after")])[0] == 200
    d.pull()
    assert d.counts() == {"u-1": n + 1}
    kept = sum(f.stat().st_size for f in (case.tmp / "state/orgs/acme/push/product").iterdir())
    assert kept <= 9 << 20, kept


def webhook(d, body, key=HOOK, at=None, msg="msg_1", path="/push/acme/hooks", extra="", headers=None):
    at = int(time.time()) if at is None else at
    text = body if isinstance(body, bytes) else body.encode()
    mac = base64.b64encode(hmac.new(key, f"{msg}.{at}.".encode() + text, hashlib.sha256).digest()).decode()
    return d.call("POST", path, text, {**(headers or {}), "webhook-id": msg, "webhook-timestamp": str(at), "webhook-signature": f"{extra}v1,{mac}"})[0]


def test_signatures(case):
    """Webhooks count when their signature is right: Standard Webhooks with a fresh time, and EspoCRM's; sent again they count once."""
    d = Daemon(case)
    body = json.dumps({k: v for k, v in event(1).items() if k != "messageId"})
    assert webhook(d, body) == 200 and webhook(d, body) == 200
    assert webhook(d, body, msg="msg_2") == 200
    assert webhook(d, body, msg="msg_3", extra="v1,AAAA v2,xyz ") == 200  # several, while a key is being replaced
    assert webhook(d, body, msg="msg_4", key=b"another-key-another-key") == 401
    for at in (int(time.time()) - 400, int(time.time()) + 400, 0):
        assert webhook(d, body, msg="msg_5", at=at) == 401
    now = int(time.time())
    mac = base64.b64encode(hmac.new(HOOK, f"msg_6.{now}.{body}".encode(), hashlib.sha256).digest()).decode()
    head = {"webhook-id": "msg_6", "webhook-timestamp": str(now), "webhook-signature": f"v1,{mac}"}
    assert d.call("POST", "/push/acme/hooks", body.replace("u-1", "u-2"), head)[0] == 401
    assert d.call("POST", "/push/acme/hooks", body, {**head, "webhook-id": "msg_7"})[0] == 401
    assert d.call("POST", "/push/acme/hooks", body, {k: v for k, v in head.items() if k != "webhook-signature"})[0] == 401
    assert d.call("POST", "/push/acme/hooks", body, {"Authorization": basic(KEY)})[0] == 401
    # EspoCRM: a list of records, no id: the same bytes are the same event
    batch = json.dumps([{**event("e1"), "messageId": None}, {**event("e2", "u-2"), "messageId": None}])
    mac = hmac.new(ESPO_SECRET.encode(), batch.encode(), hashlib.sha256).hexdigest()
    good = {"Signature": base64.b64encode(f"wh1:{mac}".encode()).decode()}
    assert d.call("POST", "/push/acme/espo", batch, good)[0] == 200 and d.call("POST", "/push/acme/espo", batch, good)[0] == 200
    for wrong in (mac[:-1] + ("0" if mac[-1] != "0" else "1"), "", mac.upper()):
        bad = {"Signature": base64.b64encode(f"wh1:{wrong}".encode()).decode()}
        assert d.call("POST", "/push/acme/espo", batch, bad)[0] == 401
    assert d.call("POST", "/push/acme/espo", batch, {"Signature": mac})[0] == 401
    d.pull()
    assert d.counts() == {"u-1": 4, "u-2": 1}


def test_reload(case):
    """A reload takes over keys and sources while it serves on; secrets that can't be read close their source alone."""
    d = Daemon(case)
    assert d.push([event(1)])[0] == 200
    (case.tmp / "secrets/key").write_text("wk_a-new-key-a-new-key")
    (case.tmp / "secrets/hook").unlink()
    inode = d.push([event(2)])
    assert inode[0] == 200
    d.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded" in d.text(), 10, "the reload")
    assert d.push([event(3)])[0] == 401 and d.push([event(3)], key="wk_a-new-key-a-new-key")[0] == 200
    assert webhook(d, json.dumps(event(4))) == 401 and "event=push_closed" in d.text()
    (case.tmp / "config/retaind.yaml").write_text(f"state: {case.tmp}/state\n")
    case.write("config/orgs/acme.yaml", d.org[:d.org.index("  product:")] + d.org[d.org.index("channels:"):])
    d.process.send_signal(signal.SIGHUP)
    wait_for(lambda: d.text().count("event=reloaded") == 2, 10, "the reload")
    try:
        d.call("GET", "/health")
        raise AssertionError("it listens still")
    except ConnectionRefusedError:
        pass
    d.process.send_signal(signal.SIGTERM)
    assert d.process.wait(10) == 0, d.text()


def test_address(case):
    """Nothing listens unless the configuration says where; an address that others reach must be asked for by name."""
    d = Daemon(case)
    with open(f"/proc/{d.process.pid}/net/tcp") as f:
        lines = [line.split() for line in f if f":{d.port:04X}" in line.split()[1] and line.split()[3] == "0A"]
    assert [line[1] for line in lines] == [f"0100007F:{d.port:04X}"], lines
    for listen, says in (("0.0.0.0:8642", "allows_public"), ("localhost:8642", "expected a number"), ("127.0.0.1", "ADDRESS:PORT"),
                         ("127.0.0.1:99999", "ADDRESS:PORT"), ("::1:8642", "[::1]:8642")):
        case.write("config/retaind.yaml", f"state: {case.tmp}/state\nweb: {{ listen: '{listen}' }}\n")
        assert says in case.retaind("check", expect=78).stderr, listen
    case.write("config/retaind.yaml", f"state: {case.tmp}/state\n")
    assert "nothing listens" in case.retaind("check", expect=78).stderr


def test_check(case):
    """`check` tells of secrets that senders can't have, and --online reads what waits."""
    d = Daemon(case)
    d.push([event(1)])
    shown = case.retaind("check", "--online", "--format", "csv").stdout
    assert shown.count("source,acme: ") == 4 and ",failed," not in shown, shown
    d.pull()
    assert d.counts() == {"u-1": 1}
    (case.tmp / "secrets/key").write_text("short")
    (case.tmp / "secrets/hook").write_text("whsec_not-base-64-at-all!")
    shown = case.retaind("check", "--format", "csv", expect=78).stdout
    assert "expected 16 bytes or more, without" in shown and "in base64, as in whsec_" in shown, shown
    assert "short" not in shown and "not-base" not in shown


def test_broken_configuration(case):
    """What a push source's settings get wrong is told with what would be right."""
    d = Daemon(case)
    for old, new, says in (
            ("auth: write_key", "auth: password", "push.auth"),
            ("secrets: { key:", "secret: { key:", "did you mean `secrets`"),
            ("entity: usage\n", "entity: usage\n        matches: x\n", "expected one of entity, key, account"),
            ("{ to: metric, from: properties.kind, values: { paid: seats_paid, used: seats_used } }",
             "{ to: metric, from: event }", "comes as the sender names it"),
            ("        account: { from: context.groupId | properties.account, by: external_id }\n", "", "`account` is missing"),
            ("    push: { auth: write_key }\n", "", "`push` is missing"),
            ("    push: { auth: write_key }\n", "    push: { auth: write_key }\n    base_url: https://x.example\n",
             "base_url: is not used with connector `push`"),
            ("    push: { auth: write_key }\n", "    push: { auth: write_key, spool_mb: 1 }\n", "spool_mb")):
        assert old in d.org, old
        case.write("config/orgs/acme.yaml", d.org.replace(old, new, 1))
        said = case.retaind("check", expect=78).stderr
        assert says in said, (new, said)


def test_dry_run(case):
    """A dry run shows what events would become, and leaves them to be read."""
    d = Daemon(case)
    d.push([event(i) for i in range(10)])
    shown = case.retaind("pull", "--dry-run", "--source", "product", "--limit", "3").stdout
    assert shown.count('"metric":"reports"') == 3, shown
    d.pull()
    assert d.counts() == {"u-1": 10}


class Sender(threading.Thread):
    """Sends events of its own, each batch until it is acknowledged, as the vendors' libraries do."""

    def __init__(self, daemon, name, n):
        super().__init__(daemon=True)
        self.daemon_, self.id, self.n, self.sent, self.rng = daemon, name, n, 0, random.Random(name)
        self.retries = 0

    def run(self):
        while self.sent < self.n:
            batch = [event(f"{self.id}-{i}", f"u-{1 + i % 2}", user=f"user{i % 5}") for i in
                     range(self.sent, min(self.n, self.sent + self.rng.randint(1, 20)))]
            while True:
                try:
                    if self.daemon_.push(batch)[0] == 200:
                        break
                except (OSError, http.client.HTTPException):
                    pass
                self.retries += 1
                time.sleep(0.02)
            self.sent += len(batch)


def test_kills(case):
    """Daemon and pulls are killed again and again while senders send and repeat: in the end each event counted once."""
    d = Daemon(case, more=", per_second: 1000")
    n, rng = (40000 if HEAVY else 2400), random.Random(7)
    d.pull()
    senders = [Sender(d, f"s{i}", n) for i in range(3)]
    for s in senders:
        s.start()
    n_kills = 0
    while any(s.is_alive() for s in senders):
        time.sleep(rng.uniform(0.01, 0.15) if not HEAVY else rng.uniform(0.01, 0.4))
        pull = subprocess.Popen([BIN, "pull", "-q", "--source", "product", "--config", str(case.tmp / "config")],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, 0.06))
        pull.kill()
        pull.wait()
        if n_kills < (60 if HEAVY else 8):
            d.kill()
            n_kills += 1
            d.start()
    for s in senders:
        s.join()
    d.pull()
    assert d.counts() == {"u-1": 3 * n // 2, "u-2": 3 * n // 2}, (d.counts(), n_kills)
    assert case.query("SELECT sum(value) FROM usage_detail") == [(3 * n,)]
    assert case.query("SELECT count(*) FROM push_seen") == [(3 * n,)]
    assert case.query("SELECT count(*) FROM quarantine") == [(0,)]
    print(f"    {n_kills} kills of the daemon, {sum(s.retries for s in senders)} requests sent again", flush=True)


def test_torn(case):
    """Whatever a crash leaves of the last request is passed over; what was acknowledged before it is read."""
    d = Daemon(case)
    for i in range(3):
        assert d.push([event(i)])[0] == 200
    d.kill()
    spool = next((case.tmp / "state/orgs/acme/push/product").glob("*.spool"))
    whole = spool.read_bytes()
    one = len(whole) // 3
    for cut in list(range(2 * one, 3 * one, 37)) + [3 * one - 1]:
        for tail in (b"", b"\0" * 100):
            (case.tmp / "state/orgs/acme/retaind.db").unlink(missing_ok=True)
            for extra in ("-wal", "-shm"):
                Path(str(case.database()) + extra).unlink(missing_ok=True)
            spool.write_bytes(whole[:cut] + tail)
            if cut % 5 and not HEAVY:
                continue
            d.pull()
            assert d.counts() == {"u-1": 2}, (cut, d.counts())
    d.start()
    assert d.push([event(7)])[0] == 200
    d.pull()
    assert d.counts() == {"u-1": 3}


def test_disk(case):
    """A disk that takes no more, or half of a request, is told with 503 and in the log; all that was acknowledged counts."""
    d = Daemon(case)
    d.kill()
    d.start(restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)))
    statuses = [d.push([event(i, properties={"text": "x" * 90_000})]) for i in range(10)]
    codes = [s[0] for s in statuses]
    assert set(codes) == {200, 503} and codes[:3] == [200, 200, 200] and codes[-1] == 200, codes
    assert all(int(s[1]["Retry-After"]) > 0 for s in statuses if s[0] == 503)
    assert "event=push_refused" in d.text() and "File too large" in d.text(), d.text()
    for i in (i for i, c in enumerate(codes) if c == 503):
        wait_for(lambda i=i: d.push([event(i, properties={"text": "x" * 90_000})])[0] == 200, 10, "another file")
    d.pull()
    assert d.counts() == {"u-1": 10}
    spool = case.tmp / "state/orgs/acme/push"
    spool.rename(case.tmp / "elsewhere")
    spool.write_text("not a folder")
    d.kill()
    d.start()
    assert d.push([event("n")])[0] == 503 and d.call("GET", "/health")[0] == 200
    spool.unlink()
    (case.tmp / "elsewhere").rename(spool)
    assert d.push([event("n")])[0] == 200
    d.pull()
    assert d.counts() == {"u-1": 11}


def test_garbage(case):
    """Whatever comes over the wire, cut, mangled or endless: the daemon serves on, in little memory, and keeps nothing of it."""
    d = Daemon(case, more=", per_second: 1000")
    rng = random.Random(3)
    head = f"POST /push/acme/product HTTP/1.1\r\nHost: x\r\nAuthorization: {basic(KEY)}\r\n".encode()
    whole = head + b"Content-Length: 2\r\n\r\n{}"
    crafted = [b"\0" * 5000, b"\r\n" * 5000, b"GET / HTTP/9.9\r\n\r\n", b"A" * 200_000, head + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
               head + b"Content-Length: -5\r\n\r\n{}", head + b"Content-Length: 2\r\nContent-Length: 99\r\n\r\n{}x",
               head + b"Content-Length: 99999999999999999999\r\n\r\n", head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
               head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", head + b"Transfer-Encoding: gzip\r\n\r\n{}",
               head + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n{]}", head * 3 + b"\r\n", b"POST http://[::1 HTTP/1.1\r\n\r\n",
               head.replace(b"product", b"%00product") + b"\r\n", head.replace(b"product", b"..%2fproduct") + b"\r\n",
               head.replace(b"Basic", b"Basic" + b" " * 3000) + b"Content-Length: 3\r\n\r\n{]}"]
    for _ in range(1000 if HEAVY else 150):
        mangled = bytearray(whole[:-2] + b"{]")
        for _ in range(rng.randint(1, 6)):
            mangled[rng.randrange(len(mangled))] = rng.randrange(256)
        crafted.append(bytes(mangled[:rng.randint(1, len(mangled))]))
    for data in crafted:
        with socket.create_connection(("127.0.0.1", d.port), timeout=5) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    with socket.create_connection(("127.0.0.1", d.port), timeout=5) as s:  # one behind the other without waiting
        s.sendall(b"".join(head + f"Content-Length: {len(b)}\r\n\r\n".encode() + b for b in
                           (json.dumps(event(i)).encode() for i in range(20))))
        got = b""
        while got.count(b"HTTP/1.1 200") < 20:
            more = s.recv(65536)
            assert more, got
            got += more
    assert d.call("GET", "/health")[0] == 200
    status = Path(f"/proc/{d.process.pid}/status").read_text()
    if "asan" not in BIN:
        assert int(status.split("VmHWM:")[1].split()[0]) < 64 << 10, status
    d.pull()
    assert d.counts() == {"u-1": 20} and case.query("SELECT count(*) FROM quarantine") == [(0,)]


def test_slow(case):
    """Connections that send nothing, or a byte now and then, or only hold on, keep nobody else out for long."""
    d = Daemon(case)
    open_ones = [socket.create_connection(("127.0.0.1", d.port), timeout=5) for _ in range(16)]
    for s in open_ones:
        s.sendall(b"POST /push/acme/product HTTP/1.1\r\nHost: x\r\n")
    assert d.push([event(1)])[0] == 200
    if not HEAVY:
        return
    more = [socket.create_connection(("127.0.0.1", d.port), timeout=5) for _ in range(16)]
    start = time.monotonic()
    while time.monotonic() - start < 45:
        for s in open_ones + more:
            try:
                s.sendall(b"X")
            except OSError:
                pass
        time.sleep(0.1)
        try:
            if time.monotonic() - start > 5 and d.push([event(2)], timeout=1)[0] == 200:
                break
        except (OSError, TypeError):
            pass
    else:
        raise AssertionError("slow senders keep the others out")
    print(f"    {time.monotonic() - start:.0f} s", flush=True)


run(globals())
