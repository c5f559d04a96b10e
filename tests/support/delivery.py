"""What the delivery tests share: an organisation with channels, digests put straight into its outbox, its ledger."""
import hashlib
import sqlite3
from datetime import datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage

NOW = 1772434800  # 2026-03-02T07:00:00Z, a Monday
DAY = NOW // 86400
HOUR = 3600
ENV = {"HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "HOOK_OLD": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
       "MAIL_PASSWORD": "open sesame"}


def instant(at):
    """For --now."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def organisation(case, channels, daemon_yaml=""):
    """channels: name -> YAML flow mapping, as text. Makes the configuration and an empty database."""
    names = ", ".join(channels)
    lines = "".join(f"  {name}: {text}\n" for name, text in channels.items())
    case.org(f"zone: Europe/Paris\ncurrency: EUR\nowners:\n  - {{email: ann@acme.example, name: Ann, role: csm, "
             f"channels: [{names}]}}\nchannels:\n{lines}", daemon_yaml=daemon_yaml)
    deliver(case)


def deliver(case, at=NOW, expect=0, wait=None, timeout=120):
    """One run as of an instant; at None is the real clock."""
    options = (["--now", instant(at)] if at is not None else []) + (["--wait", str(wait)] if wait else [])
    return case.retaind("deliver", *options, expect=expect, env=case.env, timeout=timeout)


def put(case, sink, kind, body, recipient=None, owner="ann@acme.example", day=DAY, digest_kind="csm", part=1, at=NOW,
        life=20 * HOUR, fallback=None, content_type="application/json"):
    """A digest and its message, as the digest stage would commit them. Returns the message's id."""
    body = body.encode() if isinstance(body, str) else body
    fallback = fallback.encode() if isinstance(fallback, str) else fallback
    key = hashlib.sha256(f"{owner}/{day}/{digest_kind}/{sink}/{part}".encode()).hexdigest()
    with sqlite3.connect(case.database(), timeout=10) as db:
        db.execute("INSERT OR IGNORE INTO digest (owner_email, local_on, kind, as_of_on, made_at, config_hash, content) "
                   "VALUES (?, ?, ?, ?, ?, 'h', '{}')", (owner, day, digest_kind, day, at))
        digest = db.execute("SELECT id FROM digest WHERE owner_email = ? AND local_on = ? AND kind = ?",
                            (owner, day, digest_kind)).fetchone()[0]
        message = db.execute("INSERT INTO outbox (digest_id, sink, kind, recipient, delivery_key, part, body, body_sha256, "
                             "content_type, fallback, state, next_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                             "'pending', ?, ?)",
                             (digest, sink, kind, recipient, key, part, body, hashlib.sha256(body).hexdigest(), content_type,
                              fallback, at, at + life)).lastrowid
    return message


def change(case, sql, *args):
    with sqlite3.connect(case.database(), timeout=10) as db:
        db.execute(sql, args)


def state(case, message):
    """(state, attempts, reason) of a message."""
    return case.query("SELECT state, n_attempts, reason FROM outbox WHERE id = ?", message)[0]


def next_at(case, message):
    return case.query("SELECT next_at FROM outbox WHERE id = ?", message)[0][0]


def mail(to, subject="Digest", text="Hello.\n.\n..\n.hidden\n"):
    """A message as the digest stage freezes it: CRLF, Date and Message-ID of its own."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Retention desk <retaind@acme.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Mon, 02 Mar 2026 07:00:00 +0000"
    message["Message-ID"] = f"<{hashlib.sha256(to.encode()).hexdigest()[:32]}@acme.example>"
    message.set_content(text)
    message.add_alternative(f"<html lang=\"en\"><body><h1>{subject}</h1></body></html>", subtype="html")
    message.set_boundary("part-of-" + hashlib.sha256(to.encode()).hexdigest()[:16])
    return bytes(message)


N_CUSTOMERS = 40
COMPANY = """\
zone: Europe/Paris
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
sources:
  exports:
    connector: csv
    folder: "{folder}"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - {{to: name, from: name}}
          - {{to: csm_key, from: csm}}
          - {{to: am_key, from: am}}
          - {{to: renewal_on, from: renews}}
      subscriptions:
        match: subscriptions.csv
        entity: subscription
        key: id
        account: {{from: account, by: key}}
        map:
          - {{to: mrr_minor, from: mrr}}
          - {{to: currency, value: EUR}}
          - {{to: start_on, from: start}}
      notices:
        match: notices.csv
        entity: notice
        key: id
        account: {{from: account, by: key}}
        map:
          - {{to: kind, from: kind}}
          - {{to: noticed_on, from: noticed}}
owners:
{owners}
channels:
{channels}"""


def company(case, owners, first, channels_yaml, channels):
    """A small company as CSV, of whose customers one gives notice each day from the day before `first`. owners: e-mail ->
    role, of which there is a csm and an am; each gets every digest over all of the channels."""
    folder = case.tmp / "exports"
    folder.mkdir()
    by_role = {role: email for email, role in owners.items()}
    with open(folder / "accounts.csv", "w") as accounts, open(folder / "subscriptions.csv", "w") as subscriptions, \
            open(folder / "notices.csv", "w") as notices:
        accounts.write("id,name,csm,am,renews\n")
        subscriptions.write("id,account,mrr,start\n")
        notices.write("id,account,kind,noticed\n")
        for n in range(N_CUSTOMERS):
            accounts.write(f"a{n},Société n° {n} <b>,{by_role['csm']},{by_role['am']},{first + timedelta(days=30 + n)}\n")
            subscriptions.write(f"s{n},a{n},{500 + 10 * n},2024-01-01\n")
            notices.write(f"n{n},a{n},cancel,{first + timedelta(days=n - 1)}\n")
    lines = "".join(f"  - {{email: {email}, name: X, role: {role}, channels: [{channels}], sends_when_quiet: true}}\n"
                    for email, role in owners.items())
    case.org(COMPANY.format(folder=folder, owners=lines.rstrip("\n"), channels=channels_yaml))
