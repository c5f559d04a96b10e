#!/usr/bin/env python3
"""Every request that the connectors of HubSpot, Chargebee, Pipedrive, Intercom and Stripe make is one that the published OpenAPI
documents (../shared/data/specs) allow, as Prism judges."""
import http.client
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import prism  # noqa: E402
import vendor  # noqa: E402
from harness import run, wait_for  # noqa: E402
from hubspot import organisation, pull, quick  # noqa: E402

RELEASE_ONLY = True
# The first that fits.
ROUTES = [
    (r"/crm/v3/objects/companies", "Companies-v3-companies.json"),
    (r"/crm/v3/objects/contacts", "Contacts-v3-contacts.json"),
    (r"/crm/v3/objects/tickets", "Tickets-v3-tickets.json"),
    (r"/crm/v3/objects/", "Objects-v3-objects.json"),
    (r"/crm/v3/owners", "Crm_Owners-v3-crmOwners.json"),
    (r"/crm/v4/associations/", "Associations-v4-associations.json"),
]
# The document of deals names them by their number, 0-3; the API takes both. So requests for deals are judged twice: as any object,
# and as these.
ALSO = ("/crm/v3/objects/deals", "/crm/v3/objects/0-3", "Deals-v3-deals.json")


def cut_paging(content):
    for part in [content, *content.get("results", [])]:
        part.pop("paging", None)


def test_every_request_is_accepted_by_the_published_documents(case):
    """Prism accepts every list, search, owner and association request: no 4xx, no violation."""
    prism.need()
    proxy = prism.Proxy(case, ROUTES, ALSO, cut_paging)
    organisation(case, proxy.url, more="    map:\n      companies:\n        - { to: plan, from: properties.plan }\n", connector=quick)
    results, _ = pull(case)
    prism.accepted(proxy)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 86400))
    again, _ = pull(case, "--now", later)
    prism.accepted(proxy)
    assert all(r["result"] == "ok" for r in [*results.values(), *again.values()]), (results, again)
    made = prism.kinds(proxy)
    for kind in ("companies", "contacts", "deals", "0-3", "tickets", "calls", "emails", "meetings", "notes"):
        assert ("POST", f"/crm/v3/objects/{kind}/search", "after,filterGroups,limit,properties,sorts") in made, (kind, made)
        assert ("GET", f"/crm/v3/objects/{kind}", "archived,limit,properties") in made, (kind, made)
        assert ("GET", f"/crm/v3/objects/{kind}", "archived,limit") in made, (kind, made)
        if kind not in ("companies", "0-3"):
            assert ("POST", f"/crm/v4/associations/{kind}/companies/batch/read", "inputs") in made, (kind, made)
    assert ("GET", "/crm/v3/owners", "archived,limit") in made

    # A list that never ends: the second page is asked for with Prism's odd token, and then there is an end.
    proxy.keeps_paging, n_before = True, len(proxy.seen)
    _, errors = pull(case, "--stream", "companies", "--full", expect=75)
    assert "circles" in errors and len(proxy.seen) - n_before == 2, (errors, len(proxy.seen) - n_before)
    prism.accepted(proxy)
    assert "after=NTI1Cg%253D%253D" in proxy.seen[-1]["path"], proxy.seen[-1]["path"]
    print(f"         {len(proxy.seen)} requests of {len(made)} kinds, 0 refused, 0 violations")


def test_prism_would_refuse_a_wrong_request(case):
    """The judge is awake: a search without its required members is refused."""
    prism.need()
    port, process = prism.start_prism(case, "Companies-v3-companies.json")
    wait_for(lambda: prism.is_up(port, process), 60, "prism")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/crm/v3/objects/companies/search", json.dumps({"limit": 100}),
                       {"Authorization": "Bearer x", "Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 422, (answer.status, answer.read()[:500])


# What each of the others is judged by, and where its lists say how they go on.
CHARGEBEE = [(r"/api/v2/", "chargebee_v1.prism-ready.json", "/")]
PIPEDRIVE = [(r"/api/v2/", "pipedrive-v2.yaml", "/"), (r"/v1/", "pipedrive-v1.yaml", "/")]


def judged(case, connector, routes, cut, expected):
    """A first pull and an increment, all requests accepted; expected: (method, path, names) that must be among them."""
    prism.need()
    proxy = prism.Proxy(case, routes, cut=cut)
    vendor.organisation(case, connector, proxy.url)
    results, said = vendor.pull(case)
    prism.accepted(proxy)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 86400))
    again, _ = vendor.pull(case, "--now", later)
    prism.accepted(proxy)
    assert all(r["result"] == "ok" for r in [*results.values(), *again.values()]), (results, again, said)
    made = prism.kinds(proxy)
    missing = expected - made
    assert not missing, (missing, made)
    print(f"         {connector}: {len(proxy.seen)} requests of {len(made)} kinds, 0 refused, 0 violations")
    return proxy


def second_pages(case, proxy, go_on, expected):
    """Lists that don't end, in a first pull and in an increment: their second pages are accepted, too. expected: as with judged."""
    proxy.cut, n_before = go_on, len(proxy.seen)
    for options in (["--full"], ["--now", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4 * 86400))]):
        _, said = vendor.pull(case, *options, expect=75)
        assert "circles" in said, said
    prism.accepted(proxy)
    proxy.seen = proxy.seen[n_before:]
    missing = expected - prism.kinds(proxy)
    assert not missing, (missing, prism.kinds(proxy))
    print(f"         second pages: {len(proxy.seen)} requests, 0 refused, 0 violations")


def test_requests_to_chargebee_are_accepted(case):
    """Prism accepts every request of chargebee.yaml; the document is of version 1, whose lists know fewer parameters."""
    names, since = "include_deleted,limit,sort_by%5Basc%5D", "include_deleted,limit,sort_by%5Basc%5D,updated_at%5Bbetween%5D"
    kinds = ("customers", "subscriptions", "invoices")
    proxy = judged(case, "chargebee", CHARGEBEE, lambda content: content.pop("next_offset", None),
                   {("GET", f"/{kind}", n) for kind in kinds for n in (names, since)})
    second_pages(case, proxy, lambda content: content.update(next_offset='["1781856312000","343554222"]'),
                 {("GET", f"/{kind}", n.replace("limit,", "limit,offset,")) for kind in kinds for n in (names, since)})


def test_requests_to_pipedrive_are_accepted(case):
    """Prism accepts every request of pipedrive.yaml, on the documents of versions 2 and 1."""
    names = {"cursor": "limit,sort_by,sort_direction", "since": "limit,sort_by,sort_direction,updated_since"}
    expected = {("GET", f"/{kind}", n) for kind in ("organizations", "persons", "deals", "activities") for n in names.values()}
    proxy = judged(case, "pipedrive", PIPEDRIVE, lambda content: content.pop("additional_data", None),
                   expected | {("GET", "/users", ""), ("GET", "/leads", "limit,sort,start"), ("GET", "/notes", "limit,sort,start"),
                               ("GET", "/leads", "limit,sort,start,updated_since"), ("GET", "/notes", "limit,sort,start,updated_since"),
                               ("GET", "/deals", "limit,sort_by,sort_direction,status")})
    assert case.query("SELECT name, url, region FROM account") == [("Organization Name", "https://www.company.com", "USA")]
    assert case.query("SELECT count(*) FROM opportunity WHERE account_id IS NOT NULL AND amount_minor = 20000") == [(1,)]
    second_pages(case, proxy, lambda content: content.update(additional_data={"next_cursor": "eyJmaWVsZCI6ImlkIn0="}),
                 {("GET", f"/{kind}", f"cursor,{n}") for kind in ("organizations", "persons", "deals", "activities") for n in names.values()})


def test_requests_to_intercom_are_accepted(case):
    """Prism accepts every request of intercom.yaml."""
    names = {"pagination,query"}
    expected = {("POST", f"/{kind}/search", n) for kind in ("contacts", "conversations", "tickets") for n in names}
    proxy = judged(case, "intercom", [(r"/", "intercom-2.14.yaml")], lambda content: content.pop("pages", None),
                   expected | {("GET", "/admins", ""), ("POST", "/companies/list", "order,page,per_page"),
                               ("GET", "/conversations/515", "display_as")})
    searches = [json.loads(s["body"]) for s in proxy.seen if s["path"] == "/tickets/search"]
    assert [s["query"]["field"] for s in searches] == ["created_at", "updated_at"], searches
    assert case.query("SELECT count(*) FROM ticket")[0][0] == 2
    second_pages(case, proxy, lambda content: content.update(pages={"type": "pages", "next": {"page": 2, "starting_after": "WzE3MDd="}}),
                 {e for e in expected if e[0] == "POST"})
    tokens = {(s["path"], json.loads(s["body"])["query"]["field"]) for s in proxy.seen if "WzE3MDd=" in s["body"]}
    assert tokens == {(f"/{kind}/search", field) for kind in ("contacts", "conversations", "tickets") for field in ("created_at", "updated_at")}, tokens


# Single invoices are not in the document: who asks for one is judged as if it were a subscription.
STRIPE = [(r"/v1/invoices/(?=\w)", "stripe-pruned-prism-ready.json", "/v1/subscriptions/"), (r"/", "stripe-pruned-prism-ready.json")]


def cut_stripe(content):
    if isinstance(content.get("data"), list):
        content["has_more"] = False
        for event in content["data"]:
            if event["object"] == "event":
                event.update(id="evt_1", data={"object": {"id": "named_1"}})


def test_requests_to_stripe_are_accepted(case):
    """Prism accepts every request of stripe.yaml."""
    expected = {("GET", "/v1/customers", "limit"), ("GET", "/v1/subscriptions", "limit,status"), ("GET", "/v1/invoices", "limit")}
    one = {("GET", f"/v1/{kind}/named_1", "") for kind in ("customers", "subscriptions")}
    proxy = judged(case, "stripe", STRIPE, cut_stripe, expected | one)
    events = {k[2].replace(",types%5B%5D", "") for k in prism.kinds(proxy) if k[1] == "/v1/events"}
    assert events == {"created%5Bgte%5D,limit"} and "types%5B%5D=customer.deleted" in "".join(s["path"] for s in proxy.seen), events
    second_pages(case, proxy, lambda content: (cut_stripe(content), content.update(has_more=True)),
                 {("GET", f"/v1/{kind}", "limit,starting_after" if kind != "subscriptions" else "limit,starting_after,status")
                  for kind in ("customers", "subscriptions")})
    assert "starting_after=evt_1" in "".join(s["path"] for s in proxy.seen), proxy.seen
    # Prism can't make an invoice, but it does judge who asks for one.
    connection = http.client.HTTPConnection("127.0.0.1", *proxy.ports.values(), timeout=20)
    connection.request("GET", "/v1/invoices?limit=many", headers={"Authorization": "Bearer x"})
    answer = connection.getresponse()
    assert answer.status == 422, (answer.status, answer.read()[:500])


run(globals())
