#!/usr/bin/env python3
"""Mail all the way: digests go to Exim over STARTTLS with a login, and are read back over IMAP from Dovecot."""
import hashlib
import json
import re
import socket
import sqlite3
import sys
import threading
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from delivery import ENV, HOUR, NOW, company, deliver, instant, next_at, state  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from exim import Exim  # noqa: E402
from harness import DATA, SHARED, run, wait_for  # noqa: E402

MAIL = ("{kind: email, host: localhost, port: %d, tls: starttls, from: 'Retention desk <retaind@acme.example>', ca_file: %s, user: u, "
        "password: 'env:MAIL_PASSWORD', per_second: 100}")
OWNERS = {"ann@example.test": "csm", "tom@example.test": "am", "ines@example.test": "manager"}
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "List-ID", "Content-Type")


class Cut:
    """A proxy in front of a mail server that ends a connection in the middle of a message, or after the server has taken it and before
    the sender hears so. How much the sender says before its message ends is not seen (TLS), but its bytes are counted."""

    def __init__(self, case, port):
        self.port_behind, self.cut_at, self.swallow_at, self.n_cuts = port, None, None, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        case.at_end(self.server.close)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client, socket.create_connection(("127.0.0.1", self.port_behind))), daemon=True).start()

    def relay(self, client, server):
        said = [0]

        def end():
            for s in (client, server):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        def back():
            try:
                while data := server.recv(65536):
                    if self.swallow_at and said[0] >= self.swallow_at:
                        self.swallow_at, self.n_cuts = None, self.n_cuts + 1
                        break
                    client.sendall(data)
            except OSError:
                pass
            end()

        threading.Thread(target=back, daemon=True).start()
        try:
            while data := client.recv(4096):
                said[0] += len(data)
                if self.cut_at and said[0] >= self.cut_at:
                    self.cut_at, self.n_cuts = None, self.n_cuts + 1
                    break
                server.sendall(data)
        except OSError:
            pass
        end()


def start(case, owners=OWNERS, through=None):
    """Exim and Dovecot over one maildir, and an organisation whose digests are made."""
    exim = Exim(case)
    case.env = dict(ENV)
    company(case, owners, date(2026, 3, 2), f"  mail: {MAIL % ((through or (lambda port: port))(exim.port), exim.ca)}\n", "mail")
    for stage in ("pull", "score", "digest"):
        case.retaind(stage, "--now", instant(NOW), env=case.env)
    return exim


def mailbox(case, exim, n):
    wait_for(lambda: len(exim.mails()) >= n, what=f"{n} mails: {exim.log()}")
    return Dovecot(case, exim.dir / "Maildir").read()


def test_read_back(case):
    """each owner's digest is read back over IMAP byte for byte as it was frozen; two parsers that share no code find text first, HTML last,
    both quoted-printable UTF-8, each header once, one recipient, no line above 76, no defect"""
    exim = start(case)
    deliver(case)
    mails = mailbox(case, exim, 3)
    frozen = {to: (bytes(body), key) for to, body, key in case.query("SELECT recipient, body, delivery_key FROM outbox")}
    assert len(mails) == len(frozen) == 3
    for raw, told in mails:
        message = message_from_bytes(raw, policy=policy.strict)
        assert not any(p.defects for p in message.walk()) and not any(h.defects for p in message.walk() for h in p.values())
        [address] = message["To"].addresses
        body, key = frozen.pop(address.addr_spec)
        assert raw.endswith(body), raw[-300:]
        assert all(len(message.get_all(name)) == 1 for name in ONCE), message.keys()
        assert message["Message-ID"].startswith(f"<{hashlib.sha256(key.encode()).hexdigest()}@") and message["Auto-Submitted"] == "auto-generated"
        assert all(len(line) <= 76 or line.startswith(b"Message-ID:") for line in body.split(b"\r\n")) and b"\n" not in body.replace(b"\r\n", b"")
        parts = re.findall(r'\("text" "(plain|html)" \("charset" "utf-8"\) NIL NIL "quoted-printable"', told)
        assert parts == ["plain", "html"] and '"alternative"' in told, told
        local, host = address.addr_spec.split("@")
        assert told.count(f'"{local}" "{host}"') == 1 and "Bcc" not in message and "Cc" not in message, told


def test_every_attempt_is_the_same(case):
    """451 waits five minutes or more and is tried twice in the first hour; a connection cut in the middle of DATA, and one cut after the
    server took the mail, are sent again: what arrives twice has one Message-ID, one Date and the same bytes"""
    proxies = []

    def through(port):
        proxies.append(Cut(case, port))
        return proxies[0].port
    exim = start(case, {"ann@example.test": "csm", "tom@example.test": "am"}, through)
    [cut] = proxies
    with sqlite3.connect(case.database()) as db:
        db.execute("UPDATE outbox SET recipient = 'grey@example.test' WHERE recipient = 'tom@example.test'")
    ann, grey = (case.query("SELECT id FROM outbox WHERE recipient = ?", to)[0][0] for to in ("ann@example.test", "grey@example.test"))
    size = case.query("SELECT length(body) FROM outbox WHERE id = ?", ann)[0][0]
    assert size > 5000, size
    cut.cut_at = 4000
    deliver(case, expect=75)
    assert cut.n_cuts == 1 and state(case, ann)[:2] == ("ambiguous", 1) and state(case, grey)[:2] == ("pending", 1), state(case, ann)
    assert not exim.mails() and next_at(case, grey) - NOW >= 300
    cut.swallow_at = size
    deliver(case, next_at(case, ann), expect=75)
    assert cut.n_cuts == 2 and state(case, ann)[:2] == ("ambiguous", 2), state(case, ann)
    tried, at = 1, next_at(case, grey)
    while at <= NOW + HOUR:
        deliver(case, at, expect=75)
        tried, at = tried + 1, next_at(case, grey)
    assert tried >= 2 and state(case, ann)[0] == "sent" and state(case, grey)[1] == tried, (tried, state(case, grey))
    mails = [raw for raw, _ in mailbox(case, exim, 2)]
    frozen = bytes(case.query("SELECT body FROM outbox WHERE id = ?", ann)[0][0])
    assert len(mails) == 2 and all(raw.endswith(frozen) for raw in mails)
    heads = [message_from_bytes(raw, policy=policy.default) for raw in mails]
    assert len({(m["Message-ID"], m["Date"]) for m in heads}) == 1
    assert sorted(m["Envelope-To"] for m in heads) == ["ann@example.test"] * 2


def test_service_not_available(case):
    """421 in the middle of a session is tried again, 550 is not, and neither keeps the third from its mail"""
    exim = start(case)
    names = {"ann@example.test": "busy@example.test", "tom@example.test": "reject@example.test"}
    with sqlite3.connect(case.database()) as db:
        for old, new in names.items():
            db.execute("UPDATE outbox SET recipient = ? WHERE recipient = ?", (new, old))
    deliver(case, expect=75)
    told = dict(case.query("SELECT recipient, state FROM outbox"))
    assert told == {"busy@example.test": "pending", "reject@example.test": "dead", "ines@example.test": "sent"}, told
    assert [to for raw, _ in mailbox(case, exim, 1) for to in [message_from_bytes(raw)["Envelope-To"]]] == ["ines@example.test"]


EVIL = {"CR": "\r", "LF": "\n", "CRLF": "\r\n", "NUL": "\0", "U+2028": "\u2028", "U+0085": "\x85", "bare CR in a word": "a\rb", "5,000 chars": "x" * 5000,
        "an encoded word": "=?utf-8?q?=0D=0ABcc:=20evil=40example.test?=", "an ended encoded word": "?=\r\nBcc: evil@example.test\r\n =?utf-8?q?"}


def test_nothing_makes_a_header(case):
    """in each field that comes into a header or an envelope, each of ten ways to break out of it: no header more, no recipient more, and
    the mail is read back whole, or the configuration is refused"""
    exim = start(case)
    headers = None
    path = case.tmp / "config/orgs/acme.yaml"
    plain = path.read_text()
    sent = refused = 0
    for evil in EVIL.values():
        for field in ("name: X", "title", "from", "recipient"):
            quoted = json.dumps(f"Ann{evil}Bcc: evil@example.test")
            text = {"name: X": plain.replace("name: X", f"name: {quoted}"), "title": f"title: {quoted}\n" + plain,
                    "from": plain.replace("'Retention desk <retaind@acme.example>'", json.dumps(f"Desk{evil}Bcc: e@example.test <d@acme.example>")),
                    "recipient": plain.replace("ann@example.test", json.dumps(f"ann{evil}@example.test"))}[field]
            assert text != plain
            path.write_text(text)
            at = NOW + (1 + sent) * 24 * HOUR
            done = case.retaind("digest", "--now", instant(at), "--owner", "ines@example.test", expect=None, env=case.env)
            assert done.returncode in (0, 78), (field, evil, done.stderr)
            if done.returncode:
                refused += 1
            else:
                sent += 1
                deliver(case, at, expect=None)
            path.write_text(plain)
    mails = mailbox(case, exim, sent)
    for raw, _ in mails:
        message = message_from_bytes(raw, policy=policy.default)
        names = [k for k in message.keys() if k not in ("Return-path", "Envelope-to", "Delivery-date", "Received")]
        headers = headers or sorted(names)
        assert sorted(names) == headers and message["Envelope-To"] in OWNERS, (names, headers)
        assert len(list(message.walk())) == 3 and not any(p.defects for p in message.walk())
    assert sent + refused == 4 * len(EVIL) and sent and refused and not [m for m in mails if b"Envelope-to: evil" in m[0]]
    assert exim.log().count(" => ") == len(mails) and "evil@" not in re.sub(r"(?m)^.*Subject.*$", "", exim.log())
    print(f"         {sent} mails, {refused} configurations refused: 0 headers more, 0 recipients more")


def test_addresses(case):
    """of the 164 addresses of the isemail vectors none that its authors call an error is accepted for an owner"""
    vectors = SHARED / "data/pii/vectors/isemail_tests.jsonl"
    rows = [json.loads(line) for line in (vectors if vectors.exists() else DATA / "isemail/addresses.jsonl").read_text().splitlines()]
    errors = [r["address"] for r in rows if r["category"] == "ISEMAIL_ERR"]
    assert len(rows) == 164 and len(errors) == 66
    exim_less = {"ann@example.test": "csm", "tom@example.test": "am"}
    company(case, exim_less, date(2026, 3, 2), f"  mail: {MAIL % (25, '/etc/ssl/certs/ca-certificates.crt')}\n", "mail")
    path = case.tmp / "config/orgs/acme.yaml"
    plain = path.read_text()
    for address in errors:
        path.write_text(plain.replace("email: ann@example.test", f"email: {json.dumps(address)}"))
        done = case.retaind("accounts", expect=None, env=ENV)
        assert done.returncode == 78 and "owners" in done.stderr, (address, done.stderr)
    path.write_text(plain)


run(globals())
