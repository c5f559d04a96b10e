#!/usr/bin/env python3
"""Every stream of eight connectors: a first sync and three increments against a strict stand-in; in between rows are changed, made and
deleted. After each pull the store has what the system has, each row once; deletions that no list tells stay, and only those."""
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm  # noqa: E402
from harness import ROOT, run  # noqa: E402
from systems import DAY_S, SYSTEMS, T0, Chargebee, Espocrm, Freshdesk, Intercom, Kind, Pipedrive, Redmine, Stripe, System, iso, nth  # noqa: E402
from vendor import SECRET, Vendor, organisation, pull, quick  # noqa: E402

FIRST = T0 + 20 * DAY_S
STEP = 25 * 3600
MOST_ROWS = 60  # of an increment: what was changed, and what the overlap has again


def streams_of(connector):
    text = (ROOT / f"config/connectors/{connector}.yaml").read_text()
    return re.findall(r"^  (\w+):$", text[text.index("\nstreams:\n"):], re.M)


def only_these(connector, names):
    """The streams that are shown elsewhere are left out."""
    others = [s for s in streams_of(connector) if s not in names]
    return "    map: { " + ", ".join(f"{s}: skip" for s in others) + " }\n" if others else ""


def stored(case, kind):
    """What the store has of a table, by key."""
    account = "a.source_key" if kind.table not in ("account", "owner") else "NULL"
    join = "LEFT JOIN account a ON a.id = t.account_id" if kind.table not in ("account", "owner") else ""
    column = "coalesce(t.subject, t.body)" if kind.table == "interaction" else f"t.{kind.column}"  # a note has no subject
    return {k: (text, a) for k, text, a in case.query(
        f"SELECT t.source_key, {column}, {account} FROM {kind.table} t {join} WHERE t.deleted_on IS NULL")}


def disturb(system, n, before):
    """Of each list: rows that are changed (one of them at the very second of the last pull, one a minute before, as lists trail behind),
    one that belongs to another account now, two new ones and one deleted."""
    for name, kind in system.kinds.items():
        keys = [k for k, i in system.numbers[name].items() if k in system.rows[name] and i > 20]
        text = system.texts[name][n % 4].lower() if name in getattr(system, "texts", {}) else f"changed {n} of {name}"
        for key, at in ((keys[0], before - 60), (keys[len(keys) // 2], before), (keys[-1], before + 5)):
            system.change(name, key, text, at)
        for _ in range(2):
            system.add(name, system.now - 30)
        system.delete(name, keys[n], system.now - 20)
        if name in system.links:
            system.move(name, keys[5 + n], n + 7, system.now - 15)


def equals(case, system):
    tables = {}
    for name, kind in system.kinds.items():
        tables.setdefault(kind.table, (kind, {}))[1].update(system.expected(name))
    for table, (kind, want) in tables.items():
        have = stored(case, kind)
        wrong = {k: (want.get(k), have.get(k)) for k in want.keys() | have.keys() if want.get(k) != have.get(k)}
        assert not wrong, f"{table}: {len(wrong)} of {len(want)}, such as {list(wrong.items())[:3]}"


def go_through(case, system, server, options=()):
    n_rows = 0
    for n in range(4):
        now = FIRST + n * STEP
        system.now = now
        if n:
            disturb(system, n, now - STEP)
        results, _ = pull(case, "--now", iso(now))
        assert set(results) == set(system.kinds), (set(results), set(system.kinds))
        for name, kind in system.kinds.items():
            r = results[name]
            is_increment = n > 0 and kind.lists_changes
            assert (r["result"], int(r["set_aside"])) == ("ok", 0), (n, name, r)
            assert r["mode"] == ("incremental" if is_increment else "full"), (n, name, r)
            assert not is_increment or 3 <= int(r["rows"]) <= MOST_ROWS, (n, name, r)
            n_rows += int(r["rows"])
        equals(case, system)
    if any(getattr(kind, "shows_deletes", False) for kind in system.kinds.values()):  # the next whole list
        system.now, system.is_after_whole_list = FIRST + 40 * DAY_S, True
        pull(case, "--now", iso(system.now))
        equals(case, system)
    print(f"         {system.connector}: {len(system.kinds)} streams, {n_rows} rows in {len(server.seen)} requests, 0 lost")


def shown(case, made):
    system = made()
    server = Vendor(case, system)
    # Increments are looked at for three days: meanwhile no whole list comes between.
    organisation(case, system.connector, server.url, only_these(system.connector, system.kinds),
                 lambda text: quick(text).replace("full_every: 1d", "full_every: 30d"))
    go_through(case, system, server)


def test_chargebee(case):
    """Chargebee: customers, subscriptions and invoices by updated_at, deleted ones with a flag."""
    shown(case, Chargebee)


def test_pipedrive(case):
    """Pipedrive: organizations, persons, deals and activities by updated_since, users whole; deleted deals by their list."""
    shown(case, Pipedrive)


def test_intercom(case):
    """Intercom: contacts (by days), conversations and tickets by search, admins and companies whole."""
    shown(case, Intercom)


def test_stripe(case):
    """Stripe: customers, subscriptions and invoices whole, the newest first."""
    shown(case, Stripe)


def test_redmine(case):
    """Redmine: issues, open and closed, by updated_on; projects whole."""
    shown(case, Redmine)


def test_espocrm(case):
    """EspoCRM: accounts, contacts, opportunities and cases by modifiedAt, users whole."""
    shown(case, Espocrm)


def test_freshdesk(case):
    """Freshdesk: tickets by updated_since, deleted ones by their list; agents, companies and contacts whole."""
    shown(case, Freshdesk)


TYPES = {"companies": ("account", "name", "name"), "contacts": ("contact", "name", "lastname"), "deals": ("opportunity", "name", "dealname"),
         "tickets": ("ticket", "subject", "subject"), "calls": ("interaction", "subject", "hs_call_title"),
         "emails": ("interaction", "subject", "hs_email_subject"), "meetings": ("interaction", "subject", "hs_meeting_title"),
         "notes": ("interaction", "body", "hs_note_body")}


class Hubspot(System):
    """The stand-in CRM in a System's clothes: its own store has the rows."""
    connector, links = "hubspot", dict.fromkeys(("contacts", "deals", "tickets", "calls", "emails", "meetings", "notes"), "")
    kinds = {"owners": Kind("owner", "name", None, "", lists_changes=False, tells_deletes=True),
             **{name: Kind(table, column, None, text, None if table == "account" else lambda i: str(nth(i)), tells_deletes=True)
                for name, (table, column, text) in TYPES.items()}}

    def __init__(self):
        self.store = crm.Store({})
        super().__init__()

    def add(self, name, at):
        i = len(self.numbers[name]) + 1
        key = str(i if name == "companies" else 100_000 * (1 + list(self.kinds).index(name)) + i)
        self.numbers[name][key], self.rows[name][key] = i, f"{name} {i}"
        if name == "owners":
            self.store.merge({"owners": [{"id": key, "email": f"u{i}@acme.example", "firstName": self.rows[name][key]}]})
            return key
        extra = {"hs_timestamp": iso(T0)} if TYPES[name][0] == "interaction" else {"amount": "5", "deal_currency_code": "EUR"} if name == "deals" else {}
        self.store.merge({name: [{"id": key, "properties": {TYPES[name][2]: self.rows[name][key], **extra}, "createdAt": iso(at), "updatedAt": iso(at)}]})
        if name != "companies":
            self.store.merge({"associations": [(name, key, "companies", str(nth(i)))]})
        return key

    def change(self, name, key, text, at):
        self.rows[name][key] = text
        if name == "owners":
            self.store.owners[key]["firstName"] = text
        else:
            self.store.edit(name, key, {TYPES[name][2]: text}, at_ms=at * 1000)

    def move(self, name, key, n, at):
        """HubSpot doesn't call it a change of the row: one comes with it."""
        self.numbers[name][key] = i = 100 + n - 1
        self.store.links[name, "companies"][key] = {str(nth(i)): "Primary"}
        self.change(name, key, self.rows[name][key] + " moved", at)

    def delete(self, name, key, at):
        del self.rows[name][key]
        if name == "owners":
            self.store.owners[key]["archived"] = True
        else:
            self.store.archive(name, key)

    def expected(self, name):
        account = self.kinds[name].account
        return {k: (text, account and account(self.numbers[name][k])) for k, text in self.rows[name].items()}


def test_hubspot(case):
    """HubSpot: eight objects by list and then by search, owners whole; archived ones by their list, companies by the associations."""
    system = Hubspot()
    server = crm.serve(system.store, token=SECRET, search_rate=0, other_rate=0)
    case.at_end(server.stop)
    organisation(case, "hubspot", server.url, only_these("hubspot", system.kinds))
    go_through(case, system, server)


# Of a connector: list, place in a row, what comes there, and the field and value that the store has of it.
KEPT = {Pipedrive: (("organizations", "owner_id", 2, "csm_key", "2"), ("deals", "stage_id", 4, "stage", "4")),
        Espocrm: (("accounts", "assignedUserId", "users000000002", "csm_key", "users000000002"),
                  ("opportunities", "stage", "Negotiation", "stage", "Negotiation")),
        Chargebee: (("subscriptions", "plan_id", "platinum", "plan", "platinum"),
                    ("subscriptions", "current_term_end", T0 + 400 * DAY_S, "renewal_on", str(T0 // DAY_S + 400)))}


def test_what_was_said_before_is_kept(case):
    """Owner, stage, plan and renewal date that change between two pulls are in the history from the day on that the change came."""
    for made, changes in KEPT.items():
        system = made()
        server = Vendor(case, system)
        organisation(case, system.connector, server.url, only_these(system.connector, system.kinds))
        system.now = FIRST
        pull(case, "--now", iso(FIRST))
        for i, (name, place, value, _, _) in enumerate(changes):
            key = list(system.rows[name])[30 + i]
            system.rows[name][key][place] = value
            system.stamp(system.rows[name][key], FIRST + 60, False)
        pull(case, "--now", iso(FIRST + STEP))
        kept = case.query("SELECT field, known_on, value FROM history WHERE known_on > ?", FIRST // DAY_S)
        want = {(field, (FIRST + STEP) // DAY_S, value) for *_, field, value in changes}
        assert {k for k in kept if k[0] != "am_key"} == want, (system.connector, kept)  # an owner is both
        shutil.rmtree(case.tmp / "state")


def test_the_table_is_of_streams_that_there_are(case):
    """Each stream of these tables is one of the shipped connector."""
    for system in (*SYSTEMS, Hubspot):
        assert set(system.kinds) <= set(streams_of(system.connector)), system.connector


if __name__ == "__main__":
    run(globals())
