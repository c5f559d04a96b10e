#!/usr/bin/python3
"""Folders of CSV files: loaded whole, loaded again without effect, edited, broken, killed while loading."""
import csv
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, DATA, HEAVY, SANITIZED, SHARED, Skip, run  # noqa: E402

NOW = "2025-01-10T08:00:00Z"
EXCERPT = DATA / "ravenstack"
WHOLE = SHARED / "data" / "usage" / "ravenstack"
# What a pull tells about itself: differs from run to run.
RUN_LOGS = {"pull_run", "file_loaded", "stream_cursor", "source", "migration", "sqlite_sequence"}  # stream_cursor: files not touched


def copy_set(case, origin, name="exports"):
    folder = case.tmp / name
    folder.mkdir(exist_ok=True)
    for f in origin.glob("ravenstack_*.csv"):
        shutil.copy(f, folder)
        os.chmod(folder / f.name, 0o600)
    return folder


def ravenstack(case, folder):
    text = (EXCERPT / "org.yaml").read_text()
    case.org(text.replace("@FOLDER@", str(folder)).replace("@DIGESTS@", str(case.tmp / "digests")))


def own_org(case, files_yaml, folder=None):
    case.org(f"""\
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  exports:
    connector: csv
    folder: "{folder or case.tmp / 'exports'}"
    files:
{files_yaml}
channels:
  files: {{ kind: file, folder: "{case.tmp / 'digests'}" }}
owners:
  - {{ email: clara@acme.example, name: Clara, role: csm, at: "08:00", channels: [files] }}
""")


def pull(case, *args, now=NOW, expect=0):
    """Runs a pull and returns its rows by stream."""
    result = case.retaind("pull", "--now", now, "--format", "csv", *args, expect=expect)
    return {r["stream"]: r for r in csv.DictReader(result.stdout.splitlines())}


def counts(row):
    return tuple(int(row[c]) for c in ("rows", "new", "changed", "deleted", "set aside"))


def digest(path):
    """Of every row of every table that isn't about runs."""
    h = hashlib.sha256()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
            if table in RUN_LOGS:
                continue
            for row in sorted(map(repr, db.execute(f'SELECT * FROM "{table}"'))):
                h.update(f"{table} {row}\n".encode())
    return h.hexdigest()


def rows_of(folder, name):
    with open(folder / f"ravenstack_{name}.csv", newline="") as f:
        return list(csv.DictReader(f))


def check_ravenstack(case, folder):
    """The database says what the files say, worked out here once more."""
    accounts, subscriptions = rows_of(folder, "accounts"), rows_of(folder, "subscriptions")
    usage, tickets = rows_of(folder, "feature_usage"), rows_of(folder, "support_tickets")
    got = pull(case)
    assert counts(got["accounts"]) == (len(accounts), len(accounts), 0, 0, 0), got["accounts"]
    assert counts(got["subscriptions"]) == (len(subscriptions), len(subscriptions), 0, 0, 0), got["subscriptions"]
    assert counts(got["tickets"]) == (len(tickets), len(tickets), 0, 0, 0), got["tickets"]
    assert case.query("SELECT count(*) FROM subscription WHERE account_id IS NULL") == [(0,)]
    assert case.query("SELECT count(*) FROM ticket WHERE account_id IS NULL OR closed_at < opened_at") == [(0,)]
    assert case.query("SELECT sum(mrr_minor), count(end_on) FROM subscription") == [
        (sum(int(s["mrr_amount"]) * 100 for s in subscriptions), sum(1 for s in subscriptions if s["end_date"]))]
    account_of = {s["subscription_id"]: s["account_id"] for s in subscriptions}
    for metric, column in (("feature_use", "usage_count"), ("errors", "error_count")):
        expected = defaultdict(int)
        for u in usage:
            expected[account_of[u["subscription_id"]], u["usage_date"]] += int(u[column])
        assert counts(got[metric]) == (len(usage), 0, len(expected), 0, 0), got[metric]
        stored = case.query("SELECT a.source_key, u.date, u.value FROM usage_daily u JOIN account a ON a.id = u.account_id "
                            "WHERE u.metric = ?", metric)
        assert {(k, d): v for k, d, v in stored} == dict(expected)
    opened, closed = case.query("SELECT opened_at, closed_at FROM ticket WHERE source_key = ?", tickets[0]["ticket_id"])[0]
    first = date.fromisoformat(tickets[0]["submitted_at"]).toordinal() - date(1970, 1, 1).toordinal()
    assert opened == first * 86400 and closed == opened + 3600 * int(tickets[0]["resolution_time_hours"])


def check_second_load(case):
    before = digest(case.database())
    for row in pull(case, now="2025-01-11T08:00:00Z").values():
        assert counts(row) == (0, 0, 0, 0, 0) and row["pages"] == "0", row
    for row in pull(case, "--full", now="2025-01-12T08:00:00Z").values():
        assert counts(row)[1:4] == (0, 0, 0) and int(row["rows"]) > 0, row
    assert digest(case.database()) == before


def test_excerpt_loads_whole_and_once(case):
    """RavenStack's excerpt is stored as its files say; a second load, and a full one, change nothing."""
    folder = copy_set(case, EXCERPT)
    ravenstack(case, folder)
    check_ravenstack(case, folder)
    check_second_load(case)


def test_whole_set_loads_whole_and_once(case):
    """All of RavenStack (500 accounts, 5,000 subscriptions, 25,000 usage rows, 2,000 tickets) likewise, nothing set aside."""
    if not WHOLE.exists():
        raise Skip("the whole set is not here")
    folder = copy_set(case, WHOLE)
    assert [len(rows_of(folder, n)) for n in ("accounts", "subscriptions", "feature_usage", "support_tickets")] == [
        500, 5000, 25000, 2000]
    ravenstack(case, folder)
    check_ravenstack(case, folder)
    check_second_load(case)


def test_edited_file_changes_its_rows(case):
    """An edited file changes just the rows that were edited, and what changed is in the history."""
    folder = copy_set(case, EXCERPT)
    ravenstack(case, folder)
    pull(case)
    file = folder / "ravenstack_accounts.csv"
    lines = file.read_text().splitlines()
    cells = lines[3].split(",")
    cells[7] = "999"
    lines[3] = ",".join(cells)
    lines.append("A-new,New Company,DevTools,FR,2025-01-02,other,Basic,3,FALSE,FALSE")
    file.write_text("\n".join(lines) + "\n")
    got = pull(case, now="2025-01-11T08:00:00Z")
    assert counts(got["accounts"]) == (21, 1, 1, 0, 0), got["accounts"]
    assert counts(got["tickets"]) == (0, 0, 0, 0, 0), got["tickets"]
    assert case.query("SELECT seats FROM account WHERE source_key = ?", cells[0]) == [(999,)]
    day = date(2025, 1, 11).toordinal() - date(1970, 1, 1).toordinal()
    assert case.query("SELECT field, known_on, value FROM history WHERE known_on > 0") == [("seats", day, "999")]
    assert case.query("SELECT count(*) FROM account") == [(21,)]


def test_broken_rows_are_set_aside(case):
    """Rows that can't be used go to the quarantine with line and reason, the others are loaded, and a mended one leaves it."""
    (case.tmp / "exports").mkdir()
    case.write("exports/subs.csv", "id,customer,start,mrr,seats\n"
               "s1,a1,2024-01-01,100.50,3\n"
               "s2,a1,01/02/2024,100,3\n"          # a date in another format
               "s3,a1,2024-01-01,12 EUR,3\n"
               "s4,a1,2024-01-01,100,3,surplus\n"
               ",a1,2024-01-01,100,3\n"
               "s6,a1,2024-01-01,100,2.5\n"
               "s7,a1,,100,3\n"
               "\"s8,a1,2024-01-01,100,3\n"        # a quote that is never closed
               "s9,a1,2024-02-30,100,3\n"
               "s10,a1,2024-01-01,99999999999999999999,3\n"
               "s11,a1,2024-03-01,7,1\n")
    case.write("exports/accounts.csv", "id,name\na1,Acme\n")
    case.write("exports/usage.csv", "customer,metric,day,value\n"
               "a1,logins,2024-01-01,5\n"
               "a1,logins,2024-01-02,-5\n"
               "a2,logins,2024-01-01,5\n"
               "a1,,2024-01-01,5\n"
               "a1,logins,1969-01-01,5\n"
               "a1,logins,2024-01-03,70000\n")
    own_org(case, """\
      accounts: { match: accounts.csv, entity: account, key: id, map: [ { to: name, from: name } ] }
      subs:
        match: "subs*.csv"
        entity: subscription
        key: id
        account: customer
        map:
          - { to: start_on, from: start, format: "%Y-%m-%d" }
          - { to: mrr_minor, from: mrr }
          - { to: currency, value: eur }
          - { to: seats, from: seats }
      usage:
        match: "usage*.csv"
        entity: usage
        account: { from: customer, by: key }
        map:
          - { to: metric, from: metric }
          - { to: day, from: day }
          - { to: value, from: value }
""")
    got = pull(case)
    assert counts(got["subs"]) == (11, 2, 0, 0, 9), got["subs"]
    assert counts(got["usage"]) == (6, 0, 2, 0, 4), got["usage"]
    assert case.query("SELECT source_key, mrr_minor, currency FROM subscription ORDER BY id") == [
        ("s1", 10050, "EUR"), ("s11", 700, "EUR")]
    reasons = dict(case.query("SELECT source_key, reason FROM quarantine"))
    for key, part in {"subs.csv:3": "start_on: `01/02/2024`, expected a day like %Y-%m-%d",
                      "subs.csv:4": "mrr_minor: `12 EUR`, expected an amount", "subs.csv:5": "6 fields",
                      "subs.csv:6": "id: is empty", "subs.csv:7": "seats: `2.5`", "subs.csv:8": "start_on: is empty",
                      "subs.csv:9": "quote is not closed", "subs.csv:10": "start_on: `2024-02-30`",
                      "subs.csv:11": "mrr_minor", "usage.csv:3": "negative", "usage.csv:4": "no account is known by `a2`",
                      "usage.csv:5": "metric: is empty", "usage.csv:6": "before 1970"}.items():
        assert part in reasons[key], (key, reasons[key])
        assert f"line {key.split(':')[1]}" in reasons[key]
    assert len(reasons) == 13
    assert case.query("SELECT date, value FROM usage_daily") == [("2024-01-01", 5), ("2024-01-03", 70000)]
    # mended, and the account that was missing comes: its usage is loaded although its file is as it was
    text = (case.tmp / "exports/subs.csv").read_text().replace("01/02/2024", "2024-02-01")
    case.write("exports/subs.csv", text)
    case.write("exports/accounts.csv", "id,name\na1,Acme\na2,Beta\n")
    got = pull(case, now="2025-01-11T08:00:00Z")
    assert counts(got["subs"]) == (11, 1, 0, 0, 8), got["subs"]
    assert counts(got["usage"]) == (6, 0, 1, 0, 3), got["usage"]
    assert case.query("SELECT count(*) FROM quarantine") == [(11,)]
    assert counts(pull(case)["usage"]) == (0, 0, 0, 0, 0)


def test_files_as_spreadsheets_write_them(case):
    """BOM, CRLF, semicolons, tabs, dates day first, epochs, money without decimals, words to values, scale."""
    (case.tmp / "exports").mkdir()
    case.write("exports/clients-1.csv", "\ufeffNuméro;Nom;Créé le;Palier\r\n1;\"Société; \"\"Générale\"\"\";31/12/2023;gold\r\n"
               "2;Ümläut;1/2/2024;\r\n")
    case.write("exports/clients-2.csv", "Numéro;Nom;Créé le;Palier\r\n3;Three;29.02.2024;bronze\r\n\r\n")
    case.write("exports/deals.tsv", "key\tco\tamount\tcur\tyearly\tclose\tgone\n"
               "d1\tsociete; \"generale\"\t1000\tJPY\t\t1704067200000\tno\nd2\tUMLAUT\t1200.55\tUSD\t\t2024-03-31T23:30:00Z\tno\n"
               "d3\tUMLAUT\t1\tUSD\t\t\tyes\n")
    own_org(case, """\
      clients:
        match: "clients-*.csv"
        delimiter: ";"
        entity: account
        key: Numéro
        map:
          - { to: name, from: Nom }
          - { to: created_on, from: Créé le, format: "%d/%m/%Y" }
          - { to: segment, from: Palier, values: { gold: enterprise, "*": small }, default: unknown }
      deals:
        match: "*.tsv"
        delimiter: tab
        entity: opportunity
        key: key + co
        account: { from: co, by: name }
        deleted: gone
        map:
          - { to: amount_minor, from: amount, scale: 1/10 }
          - { to: currency, from: cur }
          - { to: close_on, from: close }
""")
    got = pull(case)
    assert counts(got["clients"]) == (3, 2, 0, 0, 1), got["clients"]  # 29.02.2024 is no %d/%m/%Y
    assert case.query("SELECT source_key, name, date(created_on * 86400, 'unixepoch'), segment FROM account ORDER BY id") == [
        ("1", 'Société; "Générale"', "2023-12-31", "enterprise"), ("2", "Ümläut", "2024-02-01", "unknown")]
    assert counts(got["deals"]) == (3, 2, 0, 0, 0), got["deals"]
    # midnight UTC is a bare date; an instant late in the evening is the next day in Paris
    assert case.query("SELECT amount_minor, currency, date(close_on * 86400, 'unixepoch'), account_id FROM opportunity "
                      "ORDER BY id") == [(100, "JPY", "2024-01-01", 1), (12006, "USD", "2024-04-01", 2)]
    case.write("exports/deals.tsv", "key\tco\tamount\tcur\tyearly\tclose\tgone\nd2\tUMLAUT\t1200.55\tUSD\t\t\ttrue\n")
    assert counts(pull(case)["deals"]) == (1, 0, 0, 1, 0)
    assert case.query("SELECT count(*) FROM opportunity WHERE deleted_on IS NOT NULL") == [(1,)]


def test_usage_by_person_adds_up(case):
    """Usage with contact and team goes to both: the total per account, and who did what; aggregate says how rows meet."""
    (case.tmp / "exports").mkdir()
    case.write("exports/accounts.csv", "id\na\nb\n")
    case.write("exports/u.csv", "id,day,who,team,n\na,2024-01-01,ada,x,2\na,2024-01-01,bob,y,3\na,2024-01-01,ada,x,4\n"
               "b,2024-01-01,,,1.6\n")
    usage = """\
      {name}:
        match: u.csv
        entity: usage
        account: id
        aggregate: {how}
        map:
          - {{ to: metric, value: {name} }}
          - {{ to: day, from: day }}
          - {{ to: value, from: n, scale: 10 }}
          - {{ to: contact_key, from: who }}
          - {{ to: team, from: team }}
"""
    own_org(case, "      accounts: { match: accounts.csv, entity: account, key: id, map: [ { to: name, from: id } ] }\n" +
            "".join(usage.format(name=n, how=n) for n in ("sum", "max", "last")))
    pull(case)
    assert case.query("SELECT metric, account_id, value FROM usage_daily ORDER BY 1, 2") == [
        ("last", 1, 70), ("last", 2, 16), ("max", 1, 70), ("max", 2, 16), ("sum", 1, 90), ("sum", 2, 16)]
    assert case.query("SELECT contact_key, team, value FROM usage_detail d JOIN metric m ON m.id = d.metric_id "
                      "WHERE m.name = 'sum' ORDER BY 1") == [("ada", "x", 60), ("bob", "y", 30)]


def test_trouble_with_files_fails_the_stream(case):
    """A file that is missing, empty, in UTF-16 or without a mapped column fails its stream and no other; the source says so."""
    (case.tmp / "exports").mkdir()
    case.write("exports/a.csv", "id,label\n1,Acme\n")
    case.write("exports/b.csv", "id,name\nc1,Ada\n")
    case.write("exports/c.csv", "")
    (case.tmp / "exports/d.csv").write_bytes("id,name\n".encode("utf-16"))
    own_org(case, "".join(f"      {n}: {{ match: {n}.csv, entity: {e}, key: id, {a} map: [ {{ to: name, from: name }} ] }}\n"
                          for n, e, a in (("a", "account", ""), ("b", "contact", "account: id,"), ("c", "contact", "account: id,"),
                                          ("d", "contact", "account: id,"), ("e", "contact", "account: id,"))))
    result = case.retaind("pull", "--now", NOW, "--format", "csv", expect=None)
    assert result.returncode != 0
    got = {r["stream"]: r["result"] for r in csv.DictReader(result.stdout.splitlines())}
    assert got == {"a": "failed", "b": "ok", "c": "failed", "d": "failed", "e": "failed"}, got
    for part in ("no column `name`; there are id, label", "the file is empty", "UTF-16", "no file is like e.csv"):
        assert part in result.stderr, result.stderr
    assert case.query("SELECT count(*) FROM contact WHERE name = 'Ada'") == [(1,)]
    assert case.query("SELECT last_ok_at IS NULL AND last_error LIKE 'a: %' FROM source") == [(1,)]


def test_new_mapping_reads_the_same_files(case):
    """Files that did not change are read again when their mapping did."""
    folder = copy_set(case, EXCERPT)
    ravenstack(case, folder)
    pull(case)
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace("{ to: segment, from: industry }", "{ to: segment, from: referral_source }"))
    got = pull(case)
    assert counts(got["accounts"])[:3] == (20, 0, 20), got["accounts"]
    assert counts(got["tickets"]) == (0, 0, 0, 0, 0), got["tickets"]


def test_dry_run_shows_and_stores_nothing(case):
    """A dry run shows mapped rows as JSON and leaves no row behind."""
    folder = copy_set(case, EXCERPT)
    ravenstack(case, folder)
    result = case.retaind("pull", "--dry-run", "--limit", "2", "--stream", "subscriptions", "--now", NOW)
    assert result.stdout.count('"entity":"subscription"') == 2 and '"currency":"USD"' in result.stdout, result.stdout
    assert case.query("SELECT (SELECT count(*) FROM subscription) + (SELECT count(*) FROM source)") == [(0,)]


def big_folder(case, n_accounts, n_days):
    """Enough rows for several transactions."""
    folder = case.tmp / "exports"
    folder.mkdir()
    dice = random.Random(7)
    with open(folder / "accounts.csv", "w") as f:
        f.write("id,name,seats\n" + "".join(f"a{i},Account {i},{dice.randrange(100)}\n" for i in range(n_accounts)))
    with open(folder / "tickets.csv", "w") as f:
        f.write("id,account,at\n" + "".join(f"t{i},a{i % n_accounts},2024-05-{1 + i % 28:02d}T08:00:00Z\n"
                                           for i in range(n_accounts * 3)))
    with open(folder / "usage.csv", "w") as f:
        f.write("account,day,n\n")
        for d in range(n_days):
            for i in range(n_accounts):
                f.write(f"a{i},2024-01-{1 + d:02d},{dice.randrange(80000)}\n")
    os.chmod(folder / "accounts.csv", 0o600)
    own_org(case, """\
      accounts:
        { match: accounts.csv, entity: account, key: id, map: [ { to: name, from: name }, { to: seats, from: seats } ] }
      tickets: { match: tickets.csv, entity: ticket, key: id, account: account, map: [ { to: opened_at, from: at } ] }
      usage:
        match: usage.csv
        entity: usage
        account: account
        aggregate: sum
        map: [ { to: metric, value: logins }, { to: day, from: day }, { to: value, from: n } ]
""")


def kill_after(case, seconds):
    """Starts a pull and kills it; says whether it was still running."""
    p = subprocess.Popen([BIN, "pull", "--config", str(case.tmp / "config"), "--now", NOW, "-q"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        p.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGKILL)
        p.wait()
        return True


def test_kill_while_loading(case):
    """A pull that is killed at any moment and run again gives the same database as one that was not."""
    big_folder(case, 6000, 6)
    start = time.monotonic()
    pull(case)
    whole = time.monotonic() - start
    expected = digest(case.database())
    dice = random.Random(11)
    n_killed = n_rounds = 0
    # A busy moment makes a pull look long, and then it is over before the kill: the fastest one counts.
    while n_rounds < (40 if HEAVY else 3 if SANITIZED else 6) or (n_killed < 3 and n_rounds < 60):
        n_rounds += 1
        shutil.rmtree(case.tmp / "state")
        while kill_after(case, dice.uniform(0.02, whole)) and n_killed < 400:
            n_killed += 1
            if not case.database().exists():
                continue  # killed before it was made
            with sqlite3.connect(case.database()) as db:  # what the killed one left is recovered by who opens it
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if dice.random() < 0.6:
                break
        start = time.monotonic()
        pull(case)
        whole = min(whole, max(0.05, time.monotonic() - start))
        assert digest(case.database()) == expected
        assert case.query("SELECT count(*) FROM pull_run WHERE state = 'running'") == [(0,)]
    assert n_killed >= 3, n_killed


def test_backup_and_migrate(case):
    """`migrate` makes the database private; `backup` copies it while a writer works, whole, private, replacing the older one."""
    folder = copy_set(case, EXCERPT)
    ravenstack(case, folder)
    assert "acme" in case.retaind("migrate").stdout
    assert case.database().stat().st_mode & 0o777 == 0o600 and case.database().parent.stat().st_mode & 0o777 == 0o700
    case.retaind("migrate")
    pull(case)
    target = case.tmp / "copy" / "backup.db"
    writer = sqlite3.connect(case.database(), isolation_level=None)
    case.at_end(writer.close)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM ticket")
    for _ in range(2):
        case.retaind("backup", "--to", str(target))
        assert target.stat().st_mode & 0o777 == 0o600 and [p.name for p in target.parent.iterdir()] == ["backup.db"]
    writer.execute("ROLLBACK")
    assert digest(target) == digest(case.database())
    with sqlite3.connect(f"file:{target}?mode=ro", uri=True) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    case.retaind("backup", "--now", NOW)
    assert (case.database().parent / "backups" / "2025-01-10.db").exists()
    before = digest(case.database())
    case.retaind("backup", "--to", str(case.database()), expect=65)
    assert digest(case.database()) == before
    case.retaind("backup", "--to", "/proc/nowhere/backup.db", expect=78)
    # restored: the copy serves as the database
    shutil.copy(target, case.database())
    for name in ("retaind.db-wal", "retaind.db-shm"):
        (case.database().parent / name).unlink(missing_ok=True)
    assert counts(pull(case)["tickets"]) == (0, 0, 0, 0, 0)
    # a database of a newer program
    with sqlite3.connect(case.database()) as db:
        db.execute("PRAGMA user_version = 9999")
    assert "9999" in case.retaind("migrate", expect=78).stderr
    assert "9999" in case.retaind("pull", "--now", NOW, expect=78).stderr


run(globals())
