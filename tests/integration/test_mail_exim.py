#!/usr/bin/env python3
"""Mail through a real server: Exim with STARTTLS, AUTH and a maildir."""
import sys
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from delivery import ENV, NOW, company, deliver, instant, mail, organisation, put, state  # noqa: E402
from exim import Exim  # noqa: E402
from harness import run, wait_for  # noqa: E402

MAIL = ("{kind: email, host: %s, port: %d, tls: %s, from: 'Retention desk <retaind@acme.example>', ca_file: %s, user: u, "
        "password: 'env:MAIL_PASSWORD', per_second: 100}")


def send(case, sink, to, **more):
    return put(case, sink, "email", mail(to, **more), to, owner=to, content_type="message/rfc822")


def test_exim_delivers(case):
    """mail arrives over STARTTLS and over TLS from the first byte, logged in, exactly as it was frozen, without a defect"""
    exim = Exim(case)
    case.env = dict(ENV)
    organisation(case, {"starttls": MAIL % ("localhost", exim.port, "starttls", exim.ca),
                        "implicit": MAIL % ("localhost", exim.tls_port, "implicit", exim.ca)})
    text = "Bonjour,\n.\n..\n.hidden\nÀ bientôt \U0001f600\n"
    ids = [send(case, "starttls", "ann@example.test", text=text, subject="Résumé du lundi"),
           send(case, "implicit", "bob@example.test", text=text)]
    deliver(case)
    assert [state(case, m)[0] for m in ids] == ["sent", "sent"], [state(case, m) for m in ids]
    wait_for(lambda: len(exim.mails()) == 2, what=f"two mails: {exim.log()}")
    received = {m["To"]: (m, raw) for raw in exim.mails() for m in [message_from_bytes(raw, policy=policy.strict)]}
    assert set(received) == {"ann@example.test", "bob@example.test"}
    for to, (message, raw) in received.items():
        assert not message.defects and not any(p.defects for p in message.walk())
        frozen = mail(to, text=text, **({"subject": "Résumé du lundi"} if to.startswith("ann") else {}))
        assert raw.replace(b"\n", b"\r\n").endswith(frozen), raw
        assert message.get_body(("plain",)).get_content().strip() == text.strip()
    assert exim.log().count("A=plain:u") + exim.log().count("A=login:u") == 2 and exim.log().count("X=TLS1.") == 2


def test_exim_digests(case):
    """the digests of three owners, made by the stages themselves, arrive as they were frozen: text and HTML, no defect"""
    exim = Exim(case)
    case.env = dict(ENV)
    owners = {"ann@example.test": "csm", "tom@example.test": "am", "ines@example.test": "manager"}
    company(case, owners, date(2026, 3, 2), f"  mail: {MAIL % ('localhost', exim.port, 'starttls', exim.ca)}\n", "mail")
    for stage in ("pull", "score", "digest"):
        case.retaind(stage, "--now", instant(NOW), env=case.env)
    deliver(case)
    wait_for(lambda: len(exim.mails()) == 3, what=f"three mails: {exim.log()}")
    frozen = {to: body for to, body in case.query("SELECT recipient, body FROM outbox")}
    for raw in exim.mails():
        message = message_from_bytes(raw, policy=policy.strict)
        assert not any(p.defects for p in message.walk()) and not any(h.defects for p in message.walk() for h in p.values())
        to = message["To"].addresses[0].addr_spec
        assert raw.replace(b"\n", b"\r\n").endswith(frozen.pop(to))
        assert [p.get_content_type() for p in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
        for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
            assert len(message.get_all(name)) == 1, name
        if to == "ann@example.test":
            assert "Société n° 0" in message.get_body(("plain",)).get_content()
            assert "&lt;b&gt;" in message.get_body(("html",)).get_content()
    assert not frozen


def test_exim_refuses(case):
    """a grey-listed recipient comes back later, an unknown one is dead, and neither keeps the others from theirs"""
    exim = Exim(case)
    case.env = dict(ENV)
    organisation(case, {"mail": MAIL % ("localhost", exim.port, "starttls", exim.ca)})
    grey, rejected, far, good = (send(case, "mail", to) for to in
                                 ("grey@example.test", "reject@example.test", "x@elsewhere.test", "ann@example.test"))
    deliver(case, expect=75)
    assert [state(case, m)[0] for m in (grey, rejected, far, good)] == ["pending", "dead", "dead", "sent"]
    assert "no such user" in state(case, rejected)[2] and "relay" in state(case, far)[2]
    wait_for(lambda: len(exim.mails()) == 1, what="the one mail")


def test_exim_password(case):
    """a wrong password sends nothing and switches the channel off"""
    exim = Exim(case)
    case.env = {**ENV, "MAIL_PASSWORD": "wrong"}
    organisation(case, {"mail": MAIL % ("localhost", exim.port, "starttls", exim.ca)})
    message = send(case, "mail", "ann@example.test")
    deliver(case)
    assert state(case, message)[0] == "dead" and not exim.mails()
    assert case.query("SELECT is_disabled FROM sink_state WHERE sink = 'mail'") == [(1,)]
    assert "plain authenticator failed" in exim.log() and "<=" not in exim.log()


def test_exim_certificate(case):
    """a certificate of another name or of an unknown authority is refused before anything is said"""
    exim = Exim(case, "mail.elsewhere.test")
    case.env = dict(ENV)
    organisation(case, {"name": MAIL % ("localhost", exim.port, "starttls", exim.ca),
                        "implicit": MAIL % ("localhost", exim.tls_port, "implicit", exim.ca),
                        "authority": MAIL % ("localhost", exim.port, "starttls", "/etc/ssl/certs/ca-certificates.crt")})
    ids = [send(case, sink, "ann@example.test") for sink in ("name", "implicit", "authority")]
    deliver(case, expect=75)
    assert [state(case, m)[0] for m in ids] == ["pending"] * 3 and not exim.mails()
    assert "A=" not in exim.log() and "<=" not in exim.log()


def test_exim_without_tls(case):
    """a server that offers no STARTTLS (or whose offer was taken away on the wire) gets neither the password nor the mail"""
    exim = Exim(case, offers_tls=False)
    case.env = dict(ENV)
    organisation(case, {"mail": MAIL % ("localhost", exim.port, "starttls", exim.ca)})
    message = send(case, "mail", "ann@example.test")
    deliver(case, expect=75)
    assert state(case, message)[0] == "pending" and not exim.mails()
    assert "authenticator" not in exim.log() and "<=" not in exim.log()


run(globals())
