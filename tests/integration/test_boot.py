#!/usr/bin/env python3
"""The installed service under a real systemd: ready, private, watched, restarted, and still one digest."""
import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, HEAVY, ROOT, Skip, run, wait_for
from machine import Machine, need, root_file_system

KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
ORG = """title: Acme
zone: UTC
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
sources:
  files:
    connector: csv
    folder: /srv/data
    files:
      accounts:
        match: "accounts*.csv"
        entity: account
        key: id
        map:
          - {{ to: name, from: name }}
          - {{ to: csm_key, value: ada@acme.example }}
  product:
    connector: push
    secrets: {{ key: "credential:hook" }}
    push: {{ auth: write_key }}
    events:
      reports: {{ entity: usage, account: accountId, map: [ {{ to: metric, value: reports }}, {{ to: day, from: timestamp }}, {{ to: value, value: "1" }} ] }}
channels:
  out: {{ kind: file, folder: /var/lib/retaind/out }}
  hook: {{ kind: webhook, url: "http://127.0.0.1:8099/hook", secret: "credential:hook", allows_http_loopback: true }}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "{at}", channels: [out, hook], sends_when_quiet: true }}
"""
RECEIVER = r"""
import http.server, json, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open(sys.argv[1], "a") as out:
            out.write(json.dumps([dict((k.lower(), v) for k, v in self.headers.items()), body.decode()]) + "\n")
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8099), Hook).serve_forever()
"""

# One event to the endpoint, from within the machine: what GET /health and the push are answered with.
SENDER = r"""
import json, sys, urllib.request
def status(path, body=None):
    head = {"Authorization": sys.argv[1], "Content-Type": "application/json"} if body else {}
    return urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8642" + path, body, head), timeout=10).status
event = {"type": "track", "messageId": "m1", "userId": "u1", "accountId": "1", "event": "x", "timestamp": "2026-03-01T09:00:00Z"}
print(status("/health"), status("/push/acme/product/v1/track", json.dumps(event).encode()))
"""


def install(root):
    """As an administrator would: make install, then the configuration and a credential."""
    subprocess.run(["make", "-C", str(ROOT), "-o", "build/release/retaind", "install", f"DESTDIR={root}", "PREFIX=/usr"],
                   check=True, capture_output=True, timeout=120)
    shutil.copy(BIN, root / "usr/bin/retaind")
    at = datetime.now(timezone.utc).strftime("%H:%M")
    (root / "etc/retaind/orgs/acme.yaml").write_text(ORG.format(at=at))
    with open(root / "etc/retaind/retaind.yaml", "a") as daemon:
        daemon.write("web: { listen: 127.0.0.1:8642 }\n")
    (root / "srv/data").mkdir(parents=True)
    (root / "srv/data/accounts.csv").write_text("id,name\n1,Umbra\n")
    secrets = root / "etc/retaind.secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "hook").write_text(f"whsec_{KEY}\n")
    (secrets / "hook").chmod(0o600)
    drop_in = root / "etc/systemd/system/retaind.service.d"
    drop_in.mkdir(parents=True)
    (drop_in / "test.conf").write_text("[Service]\nLoadCredential=hook:/etc/retaind.secrets/hook\nWatchdogSec=3\n")


def main_pid(machine):
    return int(machine.show("retaind", "MainPID")["MainPID"])


def restarts(machine):
    return int(machine.show("retaind", "NRestarts")["NRestarts"])


def is_back(machine, n):
    shown = machine.show("retaind", "ActiveState", "NRestarts", "MainPID")
    return shown["ActiveState"] == "active" and int(shown["NRestarts"]) >= n and int(shown["MainPID"]) > 0


def signed_well(headers, body):
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    digest = base64.b64encode(hmac.new(base64.b64decode(KEY), message, hashlib.sha256).digest()).decode()
    return f"v1,{digest}" in headers["webhook-signature"].split()


def sandbox(machine):
    """What the service's own process may do, tried from inside its namespaces."""
    pid = main_pid(machine)
    status = machine.run("cat", f"/proc/{pid}/status").stdout
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert fields["CapEff"].strip() == fields["CapBnd"].strip() == "0" * 16, fields["CapBnd"]
    assert fields["NoNewPrivs"].strip() == "1" and fields["Seccomp"].strip() == "2"
    limits = machine.run("cat", f"/proc/{pid}/limits").stdout
    assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core")] == ["0"]


def push(machine):
    """An event comes through the unit's walls, and is on the disk."""
    login = "Basic " + base64.b64encode(f"whsec_{KEY}:".encode()).decode()
    said = subprocess.run(["nsenter", "-t", str(machine.leader), "-n", sys.executable, "-c", SENDER, login], capture_output=True,
                          text=True, timeout=30)
    assert said.stdout.split() == ["200", "200"], (said.stdout, said.stderr[-1000:], journal(machine))
    assert machine.run("grep", "-rl", "--text", '"messageId": "m1"', "/var/lib/retaind/orgs/acme/push").stdout


def test_boot(case):
    """Installed and started under systemd: ready, credential read, state private, watchdog and kill restart it, one digest; what is
    pushed comes through."""
    if not HEAVY:
        raise Skip("RETAIND_HEAVY is not set")
    need()
    start = time.monotonic()
    root = case.tmp / "root"
    root_file_system(root, BIN)
    install(root)
    made = time.monotonic() - start
    machine = Machine(root)
    case.at_end(machine.stop)
    hooks = case.tmp / "hooks"
    receiver = subprocess.Popen(["nsenter", "-t", str(machine.leader), "-n", sys.executable, "-c", RECEIVER, str(hooks)],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.at_end(receiver.wait)
    case.at_end(receiver.kill)

    machine.run("systemd-sysusers")
    machine.run("systemd-tmpfiles", "--create", expect=None)
    machine.run("systemctl", "daemon-reload")
    start = time.monotonic()
    machine.run("systemctl", "start", "retaind")
    ready = time.monotonic() - start
    shown = machine.show("retaind", "ActiveState", "SubState", "Type", "StatusText")
    assert (shown["ActiveState"], shown["SubState"], shown["Type"]) == ("active", "running", "notify"), shown
    assert "1 organisations" in shown["StatusText"], shown
    sandbox(machine)
    push(machine)

    # The credential: the webhook's signature can only be made with it.
    wait_for(lambda: hooks.exists() and hooks.read_text().strip(), 30, "the digest at the webhook:\n" + journal(machine))
    headers, body = json.loads(hooks.read_text().splitlines()[0])
    assert signed_well(headers, body), headers
    digest = time.monotonic() - start

    mode, owner = machine.run("stat", "-c", "%a %U", "/var/lib/retaind").stdout.split()
    assert (mode, owner) == ("700", "retaind")
    denied = machine.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", "/var/lib/retaind", expect=None)
    assert denied.returncode != 0
    loose = machine.run("find", "/var/lib/retaind", "-perm", "/077").stdout
    assert not loose, loose

    # A hang: the watchdog ends it within its limit and systemd starts it again.
    before, start = restarts(machine), time.monotonic()
    machine.run("kill", "-STOP", str(main_pid(machine)))
    wait_for(lambda: is_back(machine, before + 1), 60, "restart after a hang")
    hang = time.monotonic() - start
    assert "Watchdog timeout" in journal(machine), journal(machine)
    before, start = restarts(machine), time.monotonic()
    machine.run("kill", "-KILL", str(main_pid(machine)))
    wait_for(lambda: is_back(machine, before + 1), 30, "restart after a kill")
    kill = time.monotonic() - start

    fields = machine.run("journalctl", "--unit=retaind", "--output=json", "--no-pager").stdout
    assert any('"RETAIND_ORG":"acme"' in line for line in fields.splitlines()), fields[-2000:]
    start = time.monotonic()
    machine.run("systemctl", "stop", "retaind")
    stop = time.monotonic() - start
    assert stop < 5 and machine.show("retaind", "Result")["Result"] == "success"
    assert len(hooks.read_text().splitlines()) == 1, "the digest came again"
    assert KEY not in journal(machine)
    print(f"    made {made:.1f} s, boot {machine.boot_seconds:.1f} s, ready {ready:.2f} s, digest {digest:.1f} s, "
          f"hang to restart {hang:.1f} s, kill to restart {kill:.1f} s, stop {stop:.2f} s")


def journal(machine):
    return machine.run("journalctl", "--unit=retaind", "--no-pager", "--lines=60").stdout


run(globals())
