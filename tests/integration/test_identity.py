#!/usr/bin/env python3
"""One company in several systems: a CRM, billing and usage by declared keys, and companies that are merged in the CRM."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402
import salesforce  # noqa: E402
from hubspot import CREATED, organisation, quick, stand_in  # noqa: E402

ORG = """
title: Acme
zone: UTC
currency: EUR
sources:
  crm:
    connector: salesforce
    allows_http_loopback: true
    config: {{ host: "127.0.0.1" }}
    secrets: {{ {secrets} }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""

BILLING = """  billing:
    connector: csv
    folder: "{folder}"
    files:
      customers:
        match: "customers*.csv"
        entity: account
        key: id
        map:
          - {{ to: name, from: name }}
          - {{ to: domain, from: domain }}
          - {{ to: external_id, from: crm_id }}
      subscriptions:
        match: "subscriptions*.csv"
        entity: subscription
        key: id
        account: customer
        map:
          - {{ to: start_on, from: start }}
          - {{ to: mrr_minor, from: mrr }}
          - {{ to: currency, value: EUR }}
      logins:
        match: "logins*.csv"
        entity: usage
        account: customer
        map:
          - {{ to: metric, value: logins }}
          - {{ to: day, from: day }}
          - {{ to: value, from: n }}
"""
IDENTITY = """identity:
  main: crm
  sources: { billing: [main_key, domain] }
"""


def company(i, name, **properties):
    return {"id": str(i), "properties": {"name": name, "domain": f"{name.lower()}.example", **properties}, "createdAt": CREATED,
            "updatedAt": CREATED}


def acme(case, identity=IDENTITY):
    """Three companies; billing knows one by the CRM's id, one by domain, and its own keys for all."""
    case.write("csv/customers.csv", "id,name,domain,crm_id\ncus_1,Umbra SA,,1001\ncus_2,Penumbra GmbH,PENUMBRA.example,\n"
                                    "cus_2b,Penumbra Labs,penumbra.example,1002\ncus_9,Nobody,nobody.example,\n")
    case.write("csv/subscriptions.csv", "id,customer,start,mrr\ns1,cus_1,2025-01-01,100\ns2,cus_2,2025-01-01,200\n"
                                        "s2b,cus_2b,2025-01-01,50\ns9,cus_9,2025-01-01,9\n")
    case.write("csv/logins.csv", "customer,day,n\ncus_1,2026-01-05,3\ncus_2,2026-01-05,4\ncus_9,2026-01-05,1\n")
    store, server = stand_in(case, {"companies": [company(1001, "Umbra"), company(1002, "Penumbra"), company(1003, "Antumbra")]})
    organisation(case, server.url, more=BILLING.format(folder=case.tmp / "csv") + identity)
    return store


def revenue(case):
    """Monthly amounts by the account that they count for."""
    return dict(case.query("SELECT s.name || '/' || a.source_key, sum(x.mrr_minor) FROM subscription x "
                           "JOIN account a ON a.id = x.account_id JOIN source s ON s.id = a.source_id GROUP BY 1"))


def logins(case):
    return dict(case.query("SELECT a.source_key, sum(u.value) FROM usage_daily u JOIN account a ON a.id = u.account_id GROUP BY 1"))


def retention(case):
    """What must not change when two accounts become one."""
    (row,) = json.loads(case.retaind("nrr", "--format", "json").stdout)["windows"]
    return tuple(row[k] for k in ("churned_accounts", "start_mrr", "end_mrr", "nrr", "grr"))


def told(case):
    return [(r["kind"], r["source"], r["account"].strip("\"'"), r["reason"]) for r in
            json.loads(case.retaind("accounts", "--conflicts", "--format", "json").stdout)]


def test_keys(case):
    """What billing knows of a company counts for the CRM's account that every declared key leads to; who leads nowhere stays."""
    acme(case)
    case.retaind("pull")
    assert revenue(case) == {"crm/1001": 10000, "crm/1002": 25000, "billing/cus_9": 900}, revenue(case)
    case.retaind("pull")
    assert logins(case) == {"1001": 3, "1002": 4, "cus_9": 1}, logins(case)
    assert told(case) == []
    # judged once: the CRM's three and the one that only billing knows
    case.retaind("score")
    assert case.query("SELECT a.source_key FROM score_day d JOIN account a ON a.id = d.account_id ORDER BY 1") == [
        ("1001",), ("1002",), ("cus_9",)]
    assert "Umbra" in case.retaind("explain", "cus_1").stdout.splitlines()[0]


def test_conflicts(case):
    """Keys that disagree, or lead to several accounts, are told and settle nothing; mended, they do."""
    store = acme(case)
    customers = (case.tmp / "csv/customers.csv").read_text()
    case.write("csv/customers.csv", customers.replace("PENUMBRA.example,", "umbra.example,1002"))
    store.edit("companies", "1003", {"domain": "penumbra.example"})
    result = case.retaind("pull")
    assert "event=identity_conflicts" in result.stderr and "accounts=2" in result.stderr, result.stderr
    assert [(k, s, a) for k, s, a, _ in told(case)] == [("conflict", "billing", "cus_2"), ("conflict", "billing", "cus_2b")]
    reasons = [r for _, _, _, r in told(case)]
    assert "main_key leads to account" in reasons[0] and "domain leads to account" in reasons[0], reasons
    assert "domain leads to 2 accounts" in reasons[1], reasons
    assert revenue(case) == {"crm/1001": 10000, "billing/cus_2": 20000, "billing/cus_2b": 5000, "billing/cus_9": 900}
    case.write("csv/customers.csv", customers)
    store.edit("companies", "1003", {"domain": "antumbra.example"})
    assert "identity_conflicts" not in case.retaind("pull").stderr
    assert told(case) == [] and revenue(case)["crm/1002"] == 25000


def test_rules_come_and_go(case):
    """Rules that are added join what was apart, usage included; rules that are taken away part the rows again."""
    acme(case, identity="")
    case.retaind("pull")
    case.retaind("pull")
    assert revenue(case) == {"billing/cus_1": 10000, "billing/cus_2": 20000, "billing/cus_2b": 5000, "billing/cus_9": 900}
    assert logins(case) == {"cus_1": 3, "cus_2": 4, "cus_9": 1}
    org = case.tmp / "config/orgs/acme.yaml"
    text = org.read_text()
    org.write_text(text.replace("\nchannels:", "\n" + IDENTITY + "channels:"))
    case.retaind("pull")
    assert revenue(case) == {"crm/1001": 10000, "crm/1002": 25000, "billing/cus_9": 900}
    assert logins(case) == {"1001": 3, "1002": 4, "cus_9": 1}
    org.write_text(text)
    case.retaind("pull")
    assert revenue(case)["billing/cus_1"] == 10000 and "crm/1001" not in revenue(case)


def test_merges(case):
    """Companies merged in the CRM: what belonged to the one that is gone belongs to the survivor, and nothing churns."""
    store = acme(case)
    case.retaind("pull")
    case.retaind("pull")
    case.retaind("score")
    before = retention(case)
    store.edit("companies", "1002", {"hs_merged_object_ids": "1001;777"})
    store.archive("companies", "1001")
    case.retaind("pull", "--full")
    assert revenue(case) == {"crm/1002": 35000, "billing/cus_9": 900}, revenue(case)
    assert logins(case) == {"1002": 7, "cus_9": 1}, logins(case)
    assert told(case) == []
    assert retention(case) == before == (0, 35900, 35900, 1.0, 1.0), (retention(case), before)
    case.retaind("score")
    assert "Penumbra" in case.retaind("explain", "cus_1").stdout.splitlines()[0]
    # merged on: the survivor into a third
    store.edit("companies", "1003", {"hs_merged_object_ids": "1002"})
    store.archive("companies", "1002")
    case.retaind("pull", "--full")
    assert revenue(case) == {"crm/1003": 35000, "billing/cus_9": 900} and logins(case) == {"1003": 7, "cus_9": 1}


def test_salesforce_merges(case):
    """Salesforce deletes what it merges and says into which: what is billed to the old id counts for the survivor."""
    org = salesforce.Org(1_780_000_000)
    server = salesforce.Salesforce(org)
    case.at_end(server.stop)
    ids = [org.add("Account", Name=n, Type="Customer") for n in ("Umbra", "Penumbra", "Antumbra")]
    ids = [i if isinstance(i, str) else i["Id"] for i in ids]
    case.write("csv/customers.csv", "id,name,domain,crm_id\n" + "".join(f"cus_{i},N{i},,{k}\n" for i, k in enumerate(ids)))
    case.write("csv/subscriptions.csv", "id,customer,start,mrr\n" + "".join(f"s{i},cus_{i},2025-01-01,10\n" for i in range(3)))
    case.write("csv/logins.csv", "customer,day,n\ncus_0,2026-01-05,3\n")
    secrets = {}
    for name, value in (("id", salesforce.CLIENT), ("pass", salesforce.SECRET)):
        secrets[name] = case.write(f"secrets/{name}", value + "\n")
        secrets[name].chmod(0o600)
    text = ORG.format(secrets=", ".join(f'{k}: "file:{v}"' for k, v in secrets.items()), folder=case.tmp / "out",
                      more=BILLING.format(folder=case.tmp / "csv") + IDENTITY)
    case.org(text)
    path = case.tmp / "config/connectors/salesforce.yaml"
    path.write_text(quick(path.read_text()).replace("https://{{config.host}}", f"http://{{{{config.host}}}}:{server.server_port}")
                    .replace("[.salesforce.com]", '["127.0.0.1"]'))
    case.retaind("pull", "--now", "2026-06-01T08:00:00Z")
    assert revenue(case) == {f"crm/{k}": 1000 for k in ids}, revenue(case)
    org.now = 1_780_300_800
    org.edit("Account", ids[0], IsDeleted=True, MasterRecordId=ids[1])
    org.edit("Account", ids[1], Name="Penumbra & Umbra")
    case.retaind("pull", "--now", "2026-06-01T09:00:00Z")
    assert revenue(case) == {f"crm/{ids[1]}": 2000, f"crm/{ids[2]}": 1000}, revenue(case)
    assert case.query("SELECT count(*) FROM account WHERE deleted_on IS NULL AND main_id IS NULL") == [(2,)]


def test_broken_configuration(case):
    """What the rules of identity get wrong is told with what would be right."""
    acme(case)
    org = case.tmp / "config/orgs/acme.yaml"
    text = org.read_text()
    for new, says in (("  main: crn\n  sources: { billing: [domain] }", "no source `crn`, did you mean `crm`?"),
                      ("  main: crm\n  sources: { biling: [domain] }", "no source `biling`, did you mean `billing`?"),
                      ("  main: crm\n  sources: { billing: [domian] }", "no key `domian`, did you mean `domain`?"),
                      ("  main: crm\n  sources: { crm: [domain] }", "is the main source"),
                      ("  sources: { billing: [domain] }", "`main` is missing"),
                      ("  main: crm", "`sources` is missing"), ("  main: crm\n  source: {}", "did you mean `sources`?")):
        org.write_text(text.replace(IDENTITY, f"identity:\n{new}\n"))
        said = case.retaind("check", expect=78).stderr
        assert says in said, (new, said)


run(globals())
