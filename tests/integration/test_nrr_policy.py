#!/usr/bin/env python3
"""The rules of retention of an organisation's file, from pulled rows to the figure: presets, switches, mistakes."""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, run  # noqa: E402

ORG = """title: Acme
zone: UTC
currency: EUR
{nrr}
sources:
  files:
    connector: csv
    folder: "{folder}"
    files:
      accounts: {{match: "accounts.csv", entity: account, key: id, map: [{{to: name, from: name}}]}}
      subscriptions:
        match: "subscriptions.csv"
        entity: subscription
        key: id
        account: {{from: account, by: key}}
        map:
          - {{to: mrr_minor, from: mrr}}
          - {{to: currency, value: EUR}}
          - {{to: kind, from: kind}}
          - {{to: start_on, from: start}}
          - {{to: end_on, from: end}}
          - {{to: paid_until_on, from: paid_until}}
          - {{to: cancel_notice_on, from: notice}}
          - {{to: discount_minor, from: discount}}
          - {{to: discount_ends_on, from: discount_ends}}
          - {{to: paused_on, from: paused}}
      invoices:
        match: "invoices.csv"
        entity: invoice
        key: id
        account: {{from: account, by: key}}
        map:
          - {{to: amount_minor, from: amount}}
          - {{to: currency, value: EUR}}
          - {{to: issued_on, from: issued}}
          - {{to: due_on, from: due}}
          - {{to: paid_on, from: paid}}
"""
SUBSCRIPTIONS = """id,account,mrr,kind,start,end,paid_until,notice,discount,discount_ends,paused
s1,stays,100,,2024-06-01,,,,,,
s2,asks,200,,2024-06-01,,,2025-11-10,,,
s3,paid_ahead,300,,2024-06-01,2025-12-10,2026-01-31,,,,
s4,owes,400,,2024-06-01,,,,,,
s5,discount,110,,2024-06-01,,,,20,2025-06-30,
s6,pauses,70,,2024-06-01,,,,,,2025-12-01
s7,free,60,,2024-06-01,2025-09-30,,,,,
s8,free,0,,2025-09-30,,,,,,
s9,sold,500,,2024-06-01,2025-10-01,,,,,
u1,uses,90,usage,2024-06-01,,,,,,
"""
INVOICES = """id,account,amount,issued,due,paid
i1,owes,400,2025-05-01,2025-06-01,2025-05-28
i2,owes,400,2025-06-01,2025-07-01,
"""
NAMES = ("stays", "asks", "paid_ahead", "owes", "discount", "pauses", "free", "sold", "uses")
NOW = ("--now", "2026-01-01T09:00:00Z")
# What each pays a month on 2025-01-01 and on 2026-01-01 by the default; then what a preset says otherwise.
USUAL = {"stays": (100, 100), "asks": (200, 200), "paid_ahead": (300, 300), "owes": (400, 0), "discount": (90, 110),
         "pauses": (70, 0), "free": (60, 0), "sold": (500, 0)}
PRESETS = {
    "default": {},
    "10k_cohort": {"owes": (400, 400)},
    "chartmogul": {"owes": (400, 400), "paid_ahead": (300, 0), "pauses": (70, 70), "uses": (90, 90)},
    "profitwell": {"uses": (90, 90)},
    "stripe": {"owes": (400, 400), "asks": (200, 0), "paid_ahead": (300, 0), "discount": (110, 110),
               "pauses": (70, 70)},
    "posthog_owner_book": {"asks": (200, 0), "paid_ahead": (300, 0), "discount": (110, 110), "uses": (90, 90)},
}


def rules(case, nrr=""):
    case.org(ORG.format(folder=case.tmp / "csv", nrr=nrr))


def company(case):
    case.write("csv/accounts.csv", "id,name\n" + "".join(f"{n},{n}\n" for n in NAMES))
    case.write("csv/subscriptions.csv", SUBSCRIPTIONS)
    case.write("csv/invoices.csv", INVOICES)
    rules(case)
    case.retaind("pull", *NOW)


def report(case):
    return json.loads(case.retaind("nrr", "--accounts", *NOW, "--format", "json").stdout)


def both_ends(told):
    return {a["account_key"]: (a["start_mrr"] // 100, a["end_mrr"] // 100) for a in told["accounts"]}


def test_presets(case):
    """Each preset gives the figures that can be worked out by hand from the same rows, under a hash of its own"""
    company(case)
    hashes = set()
    for preset, other in PRESETS.items():
        rules(case, f"nrr: {{preset: {preset}}}")
        told, expected = report(case), {**USUAL, **other}
        assert both_ends(told) == expected, (preset, both_ends(told))
        start, end = (100 * sum(ends[i] for ends in expected.values()) for i in (0, 1))
        assert told["whole"]["start_mrr"] == start, (preset, told["whole"])
        assert told["whole"]["nrr_exact"]["numerator"] == end, (preset, told["whole"])
        assert abs(told["whole"]["nrr"] - end / start) < 1e-12 and told["whole"]["residual"] == 0, (preset, told["whole"])
        assert told["policy"]["preset"] == preset, told["policy"]
        hashes.add(told["policy"]["hash"])
    assert len(hashes) == len(PRESETS), hashes


def test_switches_over_a_preset(case):
    """A switch over a preset changes its rule alone, the rules written out have the preset's hash, both are printed"""
    company(case)
    rules(case, "nrr: {preset: stripe}")
    stripe = report(case)
    rules(case, "nrr:\n  preset: stripe\n  churn_date: period_end")
    told = report(case)
    ends, usual = both_ends(told), both_ends(stripe)
    assert ends["paid_ahead"] == (300, 300) and ends["asks"] == (200, 200), ends
    assert {k: v for k, v in ends.items() if k not in ("paid_ahead", "asks")} == \
        {k: v for k, v in usual.items() if k not in ("paid_ahead", "asks")}
    changed = set(told["policy"]["rules"]) ^ set(stripe["policy"]["rules"])
    assert changed == {"churn_date: period_end", "churn_date: notice"}, changed
    assert told["policy"]["hash"] != stripe["policy"]["hash"]
    flat = [r for r in stripe["policy"]["rules"] if not r.startswith("owner_book")]
    rules(case, "nrr:\n" + "".join(f"  {r}\n" for r in flat))
    assert report(case)["policy"]["hash"] == stripe["policy"]["hash"]


def test_merges(case):
    """A company that became part of another is one with it at both ends, from its day on; an unknown one is told"""
    company(case)
    for day, ends, left in (("2026-01-02", (100, 100), 3), ("2026-01-01", (600, 100), 2)):
        rules(case, f"nrr: {{merges: [{{account: sold, into: stays, on: {day}}}]}}")
        told = report(case)
        assert both_ends(told)["stays"] == ends and ("sold" in both_ends(told)) == (ends[0] == 100), both_ends(told)
        assert told["whole"]["churned_accounts"] == left, told["whole"]
        assert told["whole"]["start_mrr"] == 172000, told["whole"]
    rules(case, "nrr: {merges: [{account: sold, into: nobody, on: 2026-01-01}]}")
    assert "1 merges of the policy name an account that is not known" in case.retaind("nrr", *NOW).stdout


def test_an_open_bill(case):
    """A bill that stays open is churn for want of payment on its due date; the next one that is paid takes that back"""
    company(case)
    owes = [a for a in report(case)["accounts"] if a["account_key"] == "owes"][0]
    assert owes["cause"] == "involuntary churn" and owes["involuntary_churn_mrr"] == 40000, owes
    moved = json.loads(case.retaind("nrr", "--movements", *NOW, "--format", "json").stdout)["movements"]
    assert [(m["date"], m["change_mrr"]) for m in moved if m["account_key"] == "owes"] == [("2025-07-01", -40000)], moved
    for days, end in ((183, 0), (184, 400), (-1, 400)):
        rules(case, f"nrr: {{past_due_days: {days}}}")
        assert both_ends(report(case))["owes"] == (400, end), days
    rules(case)
    case.write("csv/invoices.csv", INVOICES + "i3,owes,400,2025-07-01,2025-08-01,2025-07-30\n")
    case.retaind("pull", "--now", "2026-01-02T09:00:00Z")
    later = json.loads(case.retaind("nrr", "--accounts", "--now", "2026-01-02T09:00:00Z", "--format", "json").stdout)
    assert both_ends(later)["owes"] == (400, 400), both_ends(later)
    assert both_ends(json.loads(case.retaind("nrr", "--accounts", "--as-of", "2026-01-01", "--now",
                                             "2026-01-02T09:00:00Z", "--format", "json").stdout))["owes"] == (400, 0)


def test_retention_md_has_every_rule(case):
    """config/retention.md names every switch with its default, and every preset with what it sets"""
    del case
    source, part = (ROOT / "src/score/nrr_policy.c").read_text(), (ROOT / "config/retention.md").read_text()
    keys = re.findall(r'\.key = "([a-z_]+)"', source)
    assert len(keys) > 25 and all(f"`{k}" in part or f"{k}:" in part for k in keys if k != "rolls_up_to_parent"), \
        [k for k in keys if f"`{k}" not in part and f"{k}:" not in part]
    assert all(f"`{preset}`" in part for preset in PRESETS if preset != "default"), part


run(globals())
