"""An organisation that pulls from HubSpot, or from what stands in for it: shared by the connector's tests."""
import json
import re

import crm

TOKEN = "pat-eu1-planted-token-8d1c"
CREATED = "2024-03-01T09:00:00Z"
ORG = """
title: Acme
zone: Europe/Paris
currency: EUR
sources:
  crm:
    connector: hubspot
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ token: "file:{token}" }}
{more}
channels:
  out: {{ kind: file, folder: "{folder}" }}
owners:
  - {{ email: ana@acme.example, name: Ana, role: csm, channels: [out] }}
"""


def quick(text):
    """The connector as shipped but for its pace: tests don't wait."""
    text = re.sub(r"rate: [\d.]+, per", "rate: 10000, per", text)
    text = text.replace("status: [429], action: rate_limited, wait: 1s", "status: [429], action: rate_limited")
    return text.replace("first_wait: 1\n", "first_wait: 0.005\n").replace("longest_wait: 60\n", "longest_wait: 0.05\n")


def organisation(case, url, token=TOKEN, more="", connector=quick):
    secret = case.write("token", token + "\n")
    secret.chmod(0o600)
    case.org(ORG.format(url=url, token=secret, folder=case.tmp / "out", more=more))
    path = case.tmp / "config/connectors/hubspot.yaml"
    path.write_text(connector(path.read_text()))


def stand_in(case, objects, **options):
    store = crm.Store(objects, index_lag=options.pop("index_lag", 0.0))
    server = crm.serve(store, token=TOKEN, **{"search_rate": 0, "other_rate": 0, **options})
    case.at_end(server.stop)
    return store, server


def companies(n, first=1000):
    return [{"id": str(first + i), "properties": {"name": f"Company {i}", "domain": f"c{i}.example"}, "createdAt": CREATED,
             "updatedAt": CREATED} for i in range(n)]


def pull(case, *options, expect=0):
    result = case.retaind("pull", "--format", "json", *options, expect=expect)
    return {r["stream"]: r for r in json.loads(result.stdout)} if result.stdout.strip() else {}, result.stderr


def number(row, name):
    return int(row[name])
