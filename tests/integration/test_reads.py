#!/usr/bin/env python3
"""What is read of one account, or of one owner, is the same whether or not scoring left something behind to read it by."""
import contextlib
import datetime
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from csv_org import csv_source  # noqa: E402
from harness import BIN, HEAVY, run  # noqa: E402

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
DAYS = 360
ACCOUNTS = 400 if HEAVY else 120
FILES = {
    "accounts": ("account", None, ["name", "segment", "csm_key", "currency"]),
    "contracts": ("subscription", "key", ["product", "plan", "mrr_minor", "currency", "seats", "start_on", "end_on"]),
    "usage": ("usage", "key", ["metric", "day", "value"]),
}


def ago(days):
    return (TODAY - datetime.timedelta(days=days)).isoformat()


def make(case):
    """Accounts of three segments, some of which fade, some of which faded once, some of which left, one that is seldom seen, and one that never was."""
    chance = random.Random(5)
    accounts, contracts = ["id,name,segment,csm_key,currency"], ["id,account,product,plan,mrr_minor,currency,seats,start_on,end_on"]
    usage = ["account,metric,day,value"]
    for i in range(ACCOUNTS):
        accounts.append(f"k{i},Account {i},{'abc'[i % 3]},{'ann' if i % 4 else 'bob'}@acme.example,EUR")
        end = ago(20 + i) if i % 9 == 0 else ""
        contracts.append(f"s{i},k{i},p{i % 2},plan{i % 3},{10000 + 100 * i},EUR,{5 + i % 7},{ago(700)},{end}")
        quiet = {0: range(40), 1: range(148, 185)}.get(i % 5, ())
        for age in {7: range(31, DAYS, 45), 13: ()}.get(i, range(DAYS)):
            if i == 7 or chance.random() < (0.1 if age in quiet else 0.6):
                usage.append(f"k{i},{'actions' if i % 2 else 'exports'},{ago(age)},{chance.randrange(1, 40)}")
    for name, lines in (("accounts", accounts), ("contracts", contracts), ("usage", usage)):
        case.write(f"files/{name}.csv", "\n".join(lines) + "\n")
    case.org("title: Acme\nzone: UTC\ncurrency: EUR\nsources:\n" + csv_source("files", case.tmp / "files", FILES))
    case.retaind("pull")
    for day in (150, 0):
        case.retaind("score", "--as-of", ago(day))


def said(case):
    """The diagnosis of accounts in every band, as JSON and for people; who may not be well unseen; and reports of retention."""
    ids = [row[0] for row in case.query("SELECT account_id FROM score_day WHERE day = (SELECT max(day) FROM score_day) "
                                        "ORDER BY risk_band + readiness_band DESC, account_id LIMIT ?", 30 if HEAVY else 8)]
    asked = [("explain", str(i), "--format", f) for i in ids for f in ("json", "table")] + [("accounts", "--hidden", "--format", "csv")]
    asked += [("nrr", *view) for view in ((), ("--by", "plan"), ("--by", "month"), ("--movements", "--format", "csv"), ("--cohorts",),
                                          ("--format", "json"), ("--to", ago(100)))]
    return [case.retaind(*words, "--as-of", ago(0)).stdout for words in asked]


def change(case, sql):
    with contextlib.closing(sqlite3.connect(case.database())) as db, db:
        db.execute(sql)


def test_an_account_is_explained_the_same_with_and_without_the_base_that_scoring_kept(case):
    """explain says the same to the byte, similar accounts and all, from the base that was kept and from all accounts anew."""
    make(case)
    assert case.query("SELECT day = (SELECT max(day) FROM score_day), revenue IS NOT NULL FROM base_kept") == [(1, 1)]
    kept = said(case)
    assert any("looked like this" in text for text in kept), "nothing is said of similar accounts"
    hidden = case.retaind("accounts", "--hidden", "--format", "csv", "--as-of", ago(0)).stdout
    assert "for 31 days" in hidden and "nothing was ever heard" in hidden, hidden
    change(case, "DELETE FROM base_kept")
    assert said(case) == kept


def test_what_changed_since_is_seen_and_another_configuration_gets_no_base_of_this_one(case):
    """A contract that changes in the source changes the diagnosis at once; other weights are judged by at once, and give way again."""
    make(case)
    kept = said(case)
    path = case.tmp / "files/contracts.csv"
    path.write_text(path.read_text().replace(",10", ",90"))
    case.retaind("pull")
    assert case.query("SELECT count(*) FROM base_kept") == [(0,)]
    changed = said(case)
    assert changed != kept
    case.retaind("score", "--as-of", ago(0))
    assert case.query("SELECT count(*) FROM base_kept") == [(1,)]
    again = said(case)
    signals = case.tmp / "config/signals.yaml"
    shipped = signals.read_text()
    signals.write_text(shipped.replace("base_risk: 3", "base_risk: 9"))
    assert signals.read_text() != shipped and said(case) != again
    signals.write_text(shipped)
    assert said(case) == again


def test_an_owner_sees_her_accounts_in_the_order_of_all(case):
    """accounts --owner lists what the list of all has of that owner, in its order, whatever the case of the address."""
    make(case)
    columns = ("accounts", "--as-of", ago(0), "--format", "csv")
    title, *everything = case.retaind(*columns).stdout.splitlines()
    place = title.split(",").index("owner")

    def of(lines, owner=None):
        return [line.split(",", 1)[1] for line in lines if owner is None or line.split(",")[place] == owner]

    assert len(everything) > 5
    for owner in ("ann@acme.example", "bob@acme.example"):
        assert of(case.retaind(*columns, "--owner", owner.upper()).stdout.splitlines()[1:]) == of(everything, owner), owner
    assert len(of(everything, "ann@acme.example")) + len(of(everything, "bob@acme.example")) == len(everything)


def test_who_reads_loads_no_library_that_sends(case):
    """Commands that read load none of the libraries that talk to others, whatever sources and channels there are; who sends has them."""
    make(case)
    with open(case.tmp / "config/orgs/acme.yaml", "a", encoding="utf-8") as file:
        file.write("channels:\n  hook: {kind: webhook, url: 'file:/nowhere', secret: 'file:/nowhere'}\n")

    def loaded(*words, expect=0):
        told = case.retaind(*words, expect=expect, env={"LD_DEBUG": "files"}).stderr
        return {name for name in ("libsqlite3", "libcurl", "libmicrohttpd", "libcrypto") if f"file={name}.so" in told}

    for words in (("accounts",), ("explain", "k3"), ("nrr",), ("answers",), ("deliveries",), ("signals",), ("sql", "SELECT 1")):
        assert loaded(*words) == {"libsqlite3"}, (words, loaded(*words))
    assert "libcurl" in loaded("deliver", expect=None)


def test_a_library_that_is_missing_is_told_and_not_fatal_to_who_needs_none(case):
    """Where a library is missing that only some commands need, these say which and end with 70; the others work as ever."""
    make(case)
    with open(case.tmp / "config/retaind.yaml", "a", encoding="utf-8") as file:
        file.write("web: { listen: '127.0.0.1:0' }\n")
    for library, command in ((b"libcurl.so.", "pull"), (b"libcrypto.so.", "pull"), (b"libmicrohttpd.so.", "run")):
        other = case.tmp / "retaind"
        none = library.replace(b"lib", b"non")
        other.write_bytes(Path(BIN).read_bytes().replace(library, none))
        other.chmod(0o700)

        def told(*words):
            return subprocess.run([other, *words, "--config", case.tmp / "config"], capture_output=True, text=True, timeout=20, check=False)
        failed = told(command)
        assert failed.returncode == 70 and none.decode() in failed.stderr, (library, failed)
        assert told("accounts").returncode == 0


run(globals())
