#!/usr/bin/env python3
"""`make pictures`: what README.md shows. The demo's second morning as its readers see it (Slack, mail) and the page behind a link of
it, served by the daemon; into tests/data/pictures."""
import base64
import hashlib
import hmac
import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

import browser
import demo_data as data
import slack_view
from harness import ROOT, wait_for

PICTURES = ROOT / "tests/data/pictures"


def sent(db, kind, owner):
    """Bodies of the parts that an owner got on the second morning."""
    day = (data.DAY_TWO - date(1970, 1, 1)).days
    return [bytes(b) for (b,) in db.execute("SELECT body FROM outbox o JOIN digest d ON d.id = o.digest_id WHERE o.kind = ? AND d.owner_email = ? "
                                            "AND d.local_on = ? AND o.state = 'sent' ORDER BY part", (kind, owner, day))]


def link(secret, finding, owner):
    """A snooze link of today, as src/web takes it: those in the demo's mails are of the demo's days and over."""
    now = int(time.time())
    fields = (bytes([1]) + finding.to_bytes(5, "big") + (now + 3600).to_bytes(4, "big") + (now // 86400).to_bytes(2, "big") +
              hashlib.sha256(owner.encode()).digest()[:5])
    mac = hmac.new(secret.encode(), b"retaind link 1\0lumendesk\0" + fields, hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(fields + mac).decode().rstrip("=")


def is_up(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    except OSError:
        return False


def main():
    binary, home = Path(sys.argv[1]).resolve(), ROOT / "build/pictures"
    program, modules = browser.need()
    subprocess.run([sys.executable, ROOT / "tests/support/demo.py", binary, home], check=True, stdout=subprocess.DEVNULL)
    PICTURES.mkdir(exist_ok=True)
    with sqlite3.connect(home / "state/orgs/lumendesk/retaind.db") as db:
        mail = message_from_bytes(sent(db, "email", data.CSM)[-1], policy=policy.default).get_body(("html",)).get_content()
        slack = slack_view.page([json.loads(b) for b in sent(db, "slack_webhook", data.AM)], "8:15 AM")
        [finding] = db.execute("SELECT finding_id FROM digest_item JOIN digest d ON d.id = digest_id WHERE owner_email = ? "
                               "ORDER BY digest_id DESC, place LIMIT 1", (data.CSM,)).fetchone()
    for name, page in (("mail", mail), ("slack", slack)):
        (home / f"{name}.html").write_text(page)
    port = int(re.search(r"127\.0\.0\.1:(\d+)", (home / "config/retaind.yaml").read_text())[1])
    token = link((home / "secrets/answers").read_text().strip(), finding, data.CSM)
    pages = [{"url": f"file://{home}/mail.html", "to": f"{PICTURES}/mail.png", "width": 680, "height": 900},
             {"url": f"file://{home}/mail.html", "to": f"{PICTURES}/mail-phone.png", "width": 375, "height": 812},
             {"url": f"file://{home}/mail.html", "to": f"{PICTURES}/mail-dark.png", "width": 680, "height": 900, "dark": True},
             {"url": f"file://{home}/slack.html", "to": f"{PICTURES}/slack.png", "width": 720, "height": 760},
             {"url": f"http://127.0.0.1:{port}/a/lumendesk/{token}", "to": f"{PICTURES}/answer.png", "width": 480, "height": 640}]
    daemon = subprocess.Popen([binary, "run", "--config", home / "config"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_up(port), 20, "the daemon's endpoint")
        subprocess.run(["node", ROOT / "tests/support/shot.mjs", program, modules], input=json.dumps(pages), text=True, check=True)
    finally:
        daemon.terminate()
        daemon.wait()
    print("\n".join(f"{p.relative_to(ROOT)}: {p.stat().st_size} bytes" for p in sorted(PICTURES.glob("*.png"))))


main()
