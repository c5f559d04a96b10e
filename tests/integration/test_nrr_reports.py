#!/usr/bin/env python3
"""What `retaind nrr` prints: every breakdown, who adds what and why, dated movements, cohorts, and by which rules."""
import csv
import io
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

ORG = """title: Acme
zone: UTC
currency: EUR
days: [mon, tue, wed, thu, fri]
{nrr}
sources:
  files:
    connector: csv
    folder: "{folder}"
    files:
      accounts:
        match: "accounts*.csv"
        entity: account
        key: id
        map:
          - {{ to: name, from: name }}
          - {{ to: segment, from: segment }}
          - {{ to: region, from: region }}
          - {{ to: csm_key, from: csm }}
      subscriptions:
        match: "subscriptions*.csv"
        entity: subscription
        key: id
        account: {{ from: account, by: key }}
        map:
          - {{ to: product, from: product }}
          - {{ to: plan, from: plan }}
          - {{ to: mrr_minor, from: mrr }}
          - {{ to: currency, from: currency }}
          - {{ to: kind, from: kind }}
          - {{ to: start_on, from: start, format: "%Y-%m-%d" }}
          - {{ to: end_on, from: end, format: "%Y-%m-%d" }}
          - {{ to: end_reason, from: reason }}
      rates:
        match: "rates*.csv"
        entity: rate
        key: currency+on
        map:
          - {{ to: currency, from: currency }}
          - {{ to: base, value: EUR }}
          - {{ to: rate_on, from: on, format: "%Y-%m-%d" }}
          - {{ to: rate_nano, from: rate }}
channels:
  files: {{ kind: file, folder: "{folder}/out" }}
owners:
  - {{ email: claire@acme.example, name: Claire, role: csm, at: "08:00", channels: [files] }}
"""

ACCOUNTS = """id,name,segment,region,csm
A,Alder,SMB,FR,claire@acme.example
B,Birch,SMB,DE,tom@acme.example
C,Cedar,Mid,FR,claire@acme.example
D,Dogwood,Mid,DE,
E,"Elm <b>, Sons",SMB,DE,tom@acme.example
F,Fir,Mid,FR,tom@acme.example
G,Ginkgo,Mid,FR,claire@acme.example
"""
# A grows, B shrinks, C stops paying, D is new, E stays, F buys a second product, G comes back.
SUBSCRIPTIONS = """id,account,product,plan,mrr,currency,kind,start,end,reason
a1,A,Core,Pro,100,EUR,recurring,2024-06-01,2025-07-01,
a2,A,Core,Max,150,EUR,recurring,2025-07-01,,
b1,B,Core,Max,200,EUR,recurring,2024-06-01,2025-04-01,
b2,B,Core,Pro,120,EUR,recurring,2025-04-01,,
c1,C,Core,Pro,50,EUR,recurring,2024-06-10,2025-08-20,unpaid
d1,D,Core,Pro,80,EUR,recurring,2025-03-15,,
e1,E,Core,Pro,30,EUR,recurring,2024-06-01,,
f1,F,Core,Pro,100,EUR,recurring,2024-07-01,,
f2,F,Insights,Pro,40,EUR,recurring,2025-09-01,,
g1,G,Core,Pro,60,EUR,recurring,2024-06-01,2024-09-01,
g2,G,Core,Pro,70,EUR,recurring,2025-05-10,,
"""
NOW = ("--now", "2026-01-01T09:00:00Z")
YEAR = {"start_mrr": 48000, "new_mrr": 8000, "expansion_mrr": 9000, "cross_sell_mrr": 4000, "upsell_mrr": 5000,
        "reactivation_mrr": 7000, "contraction_mrr": 8000, "churn_mrr": 5000, "involuntary_churn_mrr": 5000,
        "fx_mrr": 0, "end_mrr": 59000, "residual": 0, "start_accounts": 5, "churned_accounts": 1}


def company(case, subscriptions=SUBSCRIPTIONS, accounts=ACCOUNTS, nrr="", rates=""):
    case.write("csv/accounts.csv", accounts)
    case.write("csv/subscriptions.csv", subscriptions)
    case.write("csv/rates.csv", "currency,on,rate\n" + rates)
    case.org(ORG.format(folder=case.tmp / "csv", nrr=nrr))
    case.retaind("pull", *NOW)


def nrr(case, *args):
    return case.retaind("nrr", *NOW, *args).stdout


def as_json(case, *args):
    return json.loads(nrr(case, *args, "--format", "json"))


def as_csv(case, *args):
    return list(csv.DictReader(io.StringIO(nrr(case, *args, "--format", "csv"))))


def add_up(rows, names):
    return {name: sum(int(r[name]) for r in rows) for name in names}


def test_whole_window(case):
    """A year told as JSON has every amount, a residual of 0, and each ratio with its numerator and denominator"""
    company(case)
    report = as_json(case)
    w, = report["windows"]
    assert {k: w[k] for k in YEAR} == YEAR, w
    assert (w["from_date"], w["to_date"], w["window_months"]) == ("2025-01-01", "2026-01-01", 12)
    assert w["nrr_exact"] == {"numerator": 44000, "denominator": 48000}, w
    assert w["grr_exact"] == {"numerator": 35000, "denominator": 48000}, w
    assert w["logo_retention_exact"] == {"numerator": 4, "denominator": 5}, w
    assert w["quick_ratio_exact"] == {"numerator": 24000, "denominator": 13000}, w
    for name in ("nrr", "grr", "logo_retention", "quick_ratio"):
        exact = w[f"{name}_exact"]
        assert w[name] == exact["numerator"] / exact["denominator"], (name, w)  # every digit of a double
    assert report["currency"] == "EUR" and report["method"] == "point to point" and report["as_of"] == "2026-01-01"


def test_waterfall(case):
    """The waterfall for people has all steps, what is inside them, and a residual of 0"""
    company(case)
    out = nrr(case)
    for line in ("start", "new", "expansion", "reactivation", "contraction", "churn", "end"):
        assert f"\n  {line} " in out, out
    assert "EUR 480 " in out and "EUR 590 " in out and "\n  residual                 EUR 0\n" in out, out
    assert "of expansion: upsell EUR 50, cross-sell EUR 40" in out, out
    assert "of churn: EUR 50 for want of payment" in out, out
    assert "net retention (NRR) 91.7 %   gross retention (GRR) 72.9 %   logos kept 80.0 % (4 of 5)" in out, out
    assert "quick ratio 1.85" in out, out


def test_policy_everywhere(case):
    """Every report names the method, the policy, its hash and its rules, and the hash follows the rules"""
    company(case)
    policy = as_json(case, "--policy")["policy"]
    assert policy["preset"] == "default" and len(policy["hash"]) == 12 and len(policy["rules"]) > 15, policy
    plain = nrr(case, "--policy")
    assert policy["hash"] in plain and all(rule in plain for rule in policy["rules"]), plain
    for view in ([], ["--by", "month"], ["--by", "owner"], ["--accounts"], ["--movements"], ["--cohorts"], ["--steer"],
                 ["--forecast"], ["--forecast", "--check"]):
        out = nrr(case, *view)
        assert f"Policy default, hash {policy['hash']}\n" in out and "Method: point to point" in out, (view, out)
        assert all(rule in out for rule in policy["rules"]), (view, out)
        assert as_json(case, *view)["policy"] == policy, view
        told = case.retaind("nrr", *NOW, *view, "--format", "csv")
        assert policy["hash"] in told.stderr, (view, told.stderr)
        assert policy["hash"] not in case.retaind("nrr", *NOW, *view, "--format", "csv", "-q").stderr
    case.org(ORG.format(folder=case.tmp / "csv", nrr="nrr:\n  method: movement_sum"))
    report = as_json(case)
    assert report["method"] == "movement sum" and report["policy"]["hash"] != policy["hash"], report
    assert "Method: movement sum" in nrr(case)


def test_breakdowns_add_up(case):
    """Segments, regions, owners, plans, products and cohorts each add up to the whole, as JSON and as CSV"""
    company(case)
    amounts = [k for k in YEAR if k not in ("start_accounts", "churned_accounts")]
    flows = ("start_mrr", "end_mrr", "new_mrr", "churn_mrr", "residual")  # a product's gain is another's loss
    groups = {"segment": {"SMB", "Mid"}, "region": {"FR", "DE"}, "product": {"Core", "Insights"},
              "owner": {"claire@acme.example", "tom@acme.example", "(none)"}, "plan": {"Pro", "Max"},
              "cohort": {"2024-06", "2024-07", "2025-03"}}
    for by, expected in groups.items():
        report = as_json(case, "--by", by)
        assert report["by"] == by and {w["group"] for w in report["windows"]} == expected, (by, report["windows"])
        assert {k: report["whole"][k] for k in YEAR} == YEAR, by
        names = flows if by == "product" else amounts
        assert add_up(report["windows"], names) == {k: YEAR[k] for k in names}, (by, report["windows"])
        rows = as_csv(case, "--by", by)
        assert {r["group"] for r in rows} == expected, rows
        assert add_up(rows, ["start_mrr", "end_mrr"]) == {"start_mrr": 48000, "end_mrr": 59000}, rows
        assert "(all)" in nrr(case, "--by", by)
    core, insights = sorted(as_json(case, "--by", "product")["windows"], key=lambda w: w["group"])
    assert core["expansion_mrr"] == 5000 and insights["cross_sell_mrr"] == 4000, (core, insights)


def test_quick_ratio_everywhere(case):
    """The quick ratio, (new + expansion + reactivation) / (contraction + churn), stands beside each group, for people and on the page too"""
    company(case)
    page = case.tmp / "report.html"
    out = nrr(case, "--by", "region", "--html", str(page))
    # FR: A +50, C -50, F +40, G back with 70; DE: B -80, E the same; D is new with 80 and counts in DE.
    assert [x.split()[-1] for x in out.splitlines() if x[:3] in ("FR ", "DE ", "(al")] == ["1.00", "3.20", "1.85"], out
    assert [r["quick_ratio"] for r in as_csv(case, "--by", "region")] == ["1.000000", "3.200000"]
    text = page.read_text()
    assert "The quick ratio is 1.85: so much was gained for each unit lost." in text
    assert '<td class="n">3.20</td>' in text and '<td class="n">1.00</td>' in text


def test_rows_of_the_page_add_up(case):
    """On the page the steps of each group lead from its start to its end, exchange too where there are several currencies"""
    page = case.tmp / "report.html"
    for n_steps, lines, rates in ((5, "", ""), (6, "x1,E,Core,Pro,100,USD,recurring,2024-06-01,,\n",
                                               "USD,2025-01-01,0.90\nUSD,2026-01-01,0.80\nUSD,2025-06-01,0.85\n")):
        company(case, subscriptions=SUBSCRIPTIONS + lines, rates=rates)
        nrr(case, "--html", str(page))
        table = re.search(r"<caption>By region</caption>.*?</table>", page.read_text(), re.S).group(0)
        rows = re.findall(r'<tr><th scope="row">(\w+)</th>(.*?)</tr>', table)
        assert len(rows) == 2, table
        for group, cells in rows:
            minor = [int(x.replace("EUR ", "").replace(",", "")) for x in re.findall(r">(-?EUR [\d,]+)<", cells)]
            assert len(minor) == 2 + n_steps and sum(minor[:-1]) == minor[-1], (group, cells)


def test_no_start(case):
    """Without a start there is a reason and neither 0 nor NaN: whole windows, groups, months and cohorts"""
    company(case)
    row = next(w for w in as_json(case, "--by", "cohort")["windows"] if w["group"] == "2025-03")
    assert row["nrr"] is None and row["grr"] is None and row["logo_retention"] is None, row
    assert row["reason"].startswith("insufficient history: "), row
    row = next(r for r in as_csv(case, "--by", "cohort") if r["group"] == "2025-03")
    assert (row["nrr"], row["grr"], row["logo_retention"]) == ("", "", ""), row
    assert row["reason"].startswith("insufficient history: ") and row["new_mrr"] == "8000", row
    assert "1 of 3 have no ratio, the first: insufficient history: no recurring revenue on 2025-01-01" in \
        nrr(case, "--by", "cohort")
    early = ("--to", "2025-02-01")
    w, = as_json(case, *early)["windows"]
    assert w["nrr"] is None and "revenue is known from 2024-06-01 on, the window begins 2024-02-01" in w["reason"], w
    for view in (["--accounts"], ["--movements"], ["--forecast", "--check", "--as-of", "2024-02-01"]):
        day = () if "--check" in view else early
        told = case.retaind("nrr", *NOW, *view, *day, "--format", "csv")
        assert "insufficient history: " in told.stderr, (view, told)
        assert "insufficient history: " in nrr(case, *view, *day, "--format", "json"), view
    for view in ([], ["--accounts"], ["--by", "segment"], ["--movements"]):
        out = nrr(case, *view, *early)
        assert "insufficient history: revenue is known from 2024-06-01 on" in out, (view, out)
        assert "nan" not in out.lower() and "inf " not in out.lower(), (view, out)
    assert "insufficient history" in nrr(case, "--cohorts", "--to", "2020-01-01")
    assert as_json(case, "--cohorts", "--to", "2020-01-01")["reason"].startswith("insufficient history")
    told = case.retaind("nrr", *NOW, "--by", "month", "--to", "2020-01-01", "--format", "csv")
    assert len(told.stdout.splitlines()) == 1 and "insufficient history" in told.stderr, told
    assert "insufficient history" in nrr(case, "--by", "month", "--to", "2020-01-01")
    assert as_json(case, "--by", "month", "--to", "2020-01-01")["reason"].startswith("insufficient history")


def test_nothing_known(case):
    """Of an organisation without revenue every report says so"""
    company(case, subscriptions=SUBSCRIPTIONS.splitlines()[0] + "\n")
    for view in ([], ["--by", "month"], ["--by", "region"], ["--accounts"], ["--movements"], ["--cohorts"]):
        out = nrr(case, *view)
        assert "insufficient history: " in out and "nan" not in out.lower(), (view, out)
        json.loads(nrr(case, *view, "--format", "json"))


def test_nothing_lost(case):
    """Where nothing was lost the quick ratio is none, and says so"""
    company(case, subscriptions="\n".join(SUBSCRIPTIONS.splitlines()[:3]) + "\n")
    assert "no quick ratio: nothing was lost" in nrr(case)
    assert as_json(case)["windows"][0]["quick_ratio_reason"] == "nothing was lost"
    line, = [x for x in nrr(case, "--by", "segment").splitlines() if x.startswith("SMB ")]
    assert line.split()[-1] == "-", line
    page = case.tmp / "report.html"
    nrr(case, "--html", str(page))
    assert "There is no quick ratio: nothing was lost." in page.read_text()
    w, = as_json(case)["windows"]
    assert w["quick_ratio"] is None and w["quick_ratio_exact"] == {"numerator": 5000, "denominator": 0}, w


def test_windows(case):
    """--window and --to choose the window; a day that is still to come is refused, and so is what there is not"""
    company(case)
    w, = as_json(case, "--window", "3", "--to", "2025-09-01")["windows"]
    assert (w["from_date"], w["to_date"]) == ("2025-06-01", "2025-09-01"), w
    assert (w["start_mrr"], w["end_mrr"], w["churn_mrr"], w["expansion_mrr"]) == (55000, 59000, 5000, 9000), w
    months = as_json(case, "--by", "month", "--window", "3")["windows"]
    assert all(m["window_months"] == 3 for m in months) and len(months) == 12, len(months)
    assert as_json(case, "--by", "month", "--window", "3", "--to", "2025-09-15")["windows"] == \
        [m for m in months if m["to_date"] <= "2025-09-01"]
    for args, said in ((["--to", "2026-01-02"], "--to is 2026-01-02, which is behind 2026-01-01"),
                       (["--by", "colour"], "month, segment, region, owner, plan, product or cohort"),
                       (["--by", "plan", "--accounts"], "--by and --accounts: one of them"),
                       (["--cohorts", "--accounts"], "one of them at a time"),
                       (["--month", "2025-12", "--cohorts"], "one of them at a time"),
                       (["--month", "2025-12", "--by", "plan"], "--by and --month"),
                       (["--check"], "--check goes with --forecast"), (["--restated", "--steer"], "one of them"),
                       (["--revenue", "both"], "expected committed or usage"), (["--window", "0"], "expected 1 to"),
                       (["--cohorts", "--window", "6"], "--window says nothing to --cohorts"),
                       (["--steer", "--window", "6"], "--window says nothing to --steer"),
                       (["--policy", "--currency", "USD"], "--currency says nothing to --policy"),
                       (["--month", "2025-12", "--html", "x.html"], "--html says nothing to --month"),
                       (["--restated", "--to", "2025-12-01"], "--to says nothing to --restated")):
        assert said in case.retaind("nrr", *NOW, *args, expect=64).stderr, args
    assert nrr(case, "--restated", "--month", "2025-12") == nrr(case, "--restated")


def test_accounts(case):
    """Accounts are listed with cause and points, what moved the figure most first, and add up to it to the cent"""
    company(case)
    report = as_json(case, "--accounts")
    rows, whole = report["accounts"], report["whole"]
    assert [(r["account_key"], r["cause"]) for r in rows] == [
        ("B", "contraction"), ("A", "upsell"), ("C", "involuntary churn"), ("F", "cross-sell"), ("D", "new"),
        ("G", "reactivation"), ("E", "unchanged")], rows
    assert add_up(rows, YEAR) == {k: YEAR[k] for k in YEAR} == {k: whole[k] for k in YEAR}
    for name in ("nrr", "grr"):
        effect = sum(r[f"{name}_effect_exact"]["numerator"] for r in rows)
        assert effect == whole[f"{name}_exact"]["numerator"] - whole["start_mrr"], (name, rows)
    assert (rows[0]["segment"], rows[0]["owner"]) == ("SMB", "tom@acme.example"), rows[0]
    lines = as_csv(case, "--accounts")
    assert [r["account_key"] for r in lines] == [r["account_key"] for r in rows]
    assert add_up(lines, ["nrr_effect_mrr", "grr_effect_mrr"]) == {"nrr_effect_mrr": -4000, "grr_effect_mrr": -13000}
    assert abs(sum(float(r["nrr_points"]) for r in lines) - 100 * (whole["nrr"] - 1)) < 1e-5, lines
    out = nrr(case, "--accounts")
    assert "1 account pays the same at both ends" in out and "Elm" not in out, out
    assert "NRR 91.7 % = 100 % -8.33 points, GRR 72.9 % = 100 % -27.08 points; residual 0" in out, out


def test_accounts_by_thousands(case):
    """Nine thousand accounts are listed in CSV under one line of titles, and their sum is the figure"""
    n = 9000
    accounts = "id,name,segment,region,csm\n" + "".join(f"{i},Firm {i},SMB,FR,\n" for i in range(n))
    lines = "".join(f"s{i},{i},Core,Pro,{i % 97 + 1},EUR,recurring,2024-06-01,{'2025-06-01' if i % 7 == 0 else ''},\n"
                    for i in range(n))
    company(case, subscriptions=SUBSCRIPTIONS.splitlines()[0] + "\n" + lines, accounts=accounts)
    rows = as_csv(case, "--accounts")
    assert len(rows) == n and len({r["account_key"] for r in rows}) == n
    whole = as_json(case, "--accounts")
    assert len(whole["accounts"]) == n
    assert add_up(rows, ["start_mrr", "end_mrr"]) == {k: whole["whole"][k] for k in ("start_mrr", "end_mrr")}
    assert len(as_csv(case, "--movements")) == len(range(0, n, 7)) > 1000
    out = nrr(case, "--accounts")
    assert f"({len(range(0, n, 7)) - 200} others)" in out and "residual 0" in out and len(out.splitlines()) < 230, out
    out = nrr(case, "--movements")
    assert f"{len(range(0, n, 7)) - 1000} earlier ones are left out" in out and len(out.splitlines()) < 1040, out[:500]


def test_who_came_and_went(case):
    """Who came and went within the window is among the movements, or the report says that they are left out, as the policy has it"""
    lines = SUBSCRIPTIONS + "x1,E,Core,Pro,5,EUR,recurring,2024-06-01,,\nd0,D,Core,Pro,80,EUR,recurring,2025-01-10,2025-02-10,\n"
    company(case, subscriptions=lines.replace("d1,D,Core,Pro,80,EUR,recurring,2025-03-15,,\n", ""))
    out = nrr(case, "--movements")
    assert "Dogwood" not in out and "but for accounts that came and went within it." in out, out
    case.org(ORG.format(folder=case.tmp / "csv", nrr="nrr: {new_and_churned: both}"))
    out = nrr(case, "--movements")
    assert out.count("Dogwood") == 2 and "by whichever method windows are computed." in out, out


def test_movements(case):
    """Movements are listed by day with what was paid before and after, and lead from start to end without a residual"""
    company(case)
    report = as_json(case, "--movements")
    assert [(m["date"], m["account_key"], m["movement"], m["change_mrr"]) for m in report["movements"]] == [
        ("2025-03-15", "D", "new", 8000), ("2025-04-01", "B", "contraction", -8000),
        ("2025-05-10", "G", "reactivation", 7000), ("2025-07-01", "A", "upsell", 5000),
        ("2025-08-20", "C", "involuntary_churn", -5000), ("2025-09-01", "F", "cross_sell", 4000)], report["movements"]
    assert (report["start_mrr"], report["end_mrr"], report["residual"]) == (48000, 59000, 0)
    assert sum(t["change_mrr"] for t in report["totals"].values()) == 11000
    f = report["movements"][-1]
    assert (f["before_mrr"], f["after_mrr"], f["product"]) == (10000, 14000, "Insights"), f
    assert [r["date"] for r in as_csv(case, "--movements")] == [m["date"] for m in report["movements"]]
    out = nrr(case, "--movements", "--window", "6")
    assert "after 2025-07-01 up to 2026-01-01" in out and "2025-08-20" in out and "2025-05-10" not in out, out
    assert "\nresidual" in out and "EUR 0" in out, out


def test_cohorts(case):
    """The triangle has a row per month of first revenue, each account on its own first day plus whole months"""
    company(case)
    rows = {c["cohort"]: c for c in as_json(case, "--cohorts")["cohorts"]}
    assert list(rows) == ["2024-06", "2024-07", "2025-03"], list(rows)
    june = rows["2024-06"]
    assert (june["accounts"], june["start_mrr"], len(june["months"])) == (5, 44000, 19), june
    assert [m["month"] for m in june["months"]] == list(range(19))
    assert june["months"][0]["nrr"] == june["months"][0]["logo_retention"] == 1
    assert june["months"][3]["nrr_exact"] == {"numerator": 38000, "denominator": 44000}  # G left on 2024-09-01
    assert june["months"][14]["nrr_exact"]["numerator"] == 15000 + 12000 + 5000 + 3000 + 7000  # C pays till the 20th
    assert june["months"][15]["grr_exact"]["numerator"] == 10000 + 12000 + 0 + 3000 + 6000
    assert june["months"][15]["logo_retention_exact"] == {"numerator": 4, "denominator": 5}
    lines = as_csv(case, "--cohorts")
    assert len(lines) == 19 + 19 + 10, len(lines)
    assert lines[3]["paid_mrr"] == "38000" and lines[3]["nrr"] == "0.863636", lines[3]
    out = nrr(case, "--cohorts")
    assert out.count("2024-06 (5)") == 3 and "Net retention (NRR)" in out and "Accounts kept" in out, out
    net = next(line for line in out.splitlines() if "2024-06 (5)" in line)
    assert net.replace("\u2591", "").split()[2:] == ["100", "100", "100", "86", "86", "86", "86", "86", "84", "84"], net


def test_as_of_past(case):
    """A report as of a past day, or with --to on it, has the months up to then and no more"""
    company(case)
    for args in (["--to", "2025-06-01"], ):
        cells = as_json(case, "--cohorts", *args)["cohorts"]
        assert max(len(c["months"]) for c in cells) == 12, cells
        assert as_json(case, *args)["windows"][0]["to_date"] == "2025-06-01"


def test_usage_apart(case):
    """Usage revenue stands apart from what was committed to, and can be asked for by itself"""
    usage = "u1,A,Calls,Metered,25,EUR,usage,2024-06-01,2025-06-01,\nu2,A,Calls,Metered,35,EUR,usage,2025-06-01,,\n"
    company(case, subscriptions=SUBSCRIPTIONS + usage)
    report = as_json(case)
    w, = report["windows"]
    assert {k: w[k] for k in YEAR} == YEAR, w
    assert (report["usage"]["start_mrr"], report["usage"]["nrr"]) == (2500, 1.4), report["usage"]
    report = as_json(case, "--revenue", "usage")
    w, = report["windows"]
    assert report["revenue"] == "usage" and (w["start_mrr"], w["end_mrr"], w["nrr"]) == (2500, 3500, 1.4), w
    out = nrr(case)
    assert "Usage revenue per month, which is not in the above" in out and "140.0 %" in out, out
    assert "which is not in the above" not in nrr(case, "--revenue", "usage")


def test_currencies(case):
    """Amounts in a currency without a rate are an error that names the currency and the day; one currency is told"""
    company(case, subscriptions=SUBSCRIPTIONS + "x1,D,Core,Pro,500,USD,recurring,2024-06-01,,\n")
    told = case.retaind("nrr", *NOW, expect=78).stderr
    assert "USD" in told and "2025-01-01" in told, told
    report = as_json(case, "--currency", "USD")
    assert report["currency"] == "USD" and report["windows"][0]["start_mrr"] == 50000, report
    assert any("other currencies than USD" in note for note in report["notes"]), report["notes"]
    assert "other currencies than EUR is left out" in nrr(case, "--currency", "EUR")


def test_usage_without_a_rate(case):
    """Usage revenue in a currency without a rate is the same error, and nothing is printed before it"""
    company(case, subscriptions=SUBSCRIPTIONS + "x1,D,Core,Pro,5,USD,usage,2024-06-01,,\n"
            "x2,E,Core,Pro,5,EUR,usage,2024-06-01,,\n")
    told = case.retaind("nrr", *NOW, expect=78)
    assert told.stdout == "" and "usage revenue: no rate from USD to EUR for 2025-01-01" in told.stderr, told
    assert "EUR 480" in nrr(case, "--currency", "EUR")


def test_exchange(case):
    """Rates of the window's start leave no trace in the ratios; what they moved since stands on a line of its own"""
    rates = "USD,2024-12-31,0.90\nUSD,2025-12-31,0.80\nUSD,2025-12-01,0.85\n"
    lines = "id,account,product,plan,mrr,currency,kind,start,end,reason\n" \
            "a1,A,Core,Pro,100,EUR,recurring,2024-06-01,,\nb1,B,Core,Pro,100,USD,recurring,2024-06-01,,\n"
    company(case, subscriptions=lines, rates=rates)
    w, = as_json(case)["windows"]
    assert (w["start_mrr"], w["end_mrr"], w["fx_mrr"], w["residual"], w["nrr"]) == (19000, 18000, -1000, 0, 1), w
    out = nrr(case)
    assert "\n  exchange               -EUR 10" in out and "Amounts in 2 currencies are told in EUR." in out, out
    assert "exchange" in nrr(case, "--by", "region") and "exchange" not in nrr(case, "--by", "region", "--currency", "EUR")
    moved, = as_json(case, "--movements")["movements"]
    assert (moved["movement"], moved["change_mrr"], moved["date"]) == ("fx", -1000, "2026-01-01"), moved
    b = as_json(case, "--accounts")["accounts"][0]
    assert (b["account_key"], b["cause"], b["nrr_effect"]) == ("B", "exchange", 0), b
    case.org(ORG.format(folder=case.tmp / "csv", nrr="nrr: {fx: spot}"))
    w, = as_json(case)["windows"]
    assert w["nrr_exact"] == {"numerator": 18000, "denominator": 19000} and w["residual"] == 0, w
    case.org(ORG.format(folder=case.tmp / "csv", nrr="nrr: {rate_age_days: 10}"))
    told = case.retaind("nrr", *NOW, "--to", "2025-06-01", expect=78).stderr
    assert "USD" in told and "2024-06-01" in told, told


def test_a_managers_digest_tells_the_same(case):
    """A manager's digest has the figures of the report, with exchange on a line, by which policy; without a rate it names currency and day"""
    rates = "USD,2024-12-31,0.90\nUSD,2025-09-30,0.85\nUSD,2025-12-31,0.80\n"
    lines = "id,account,product,plan,mrr,currency,kind,start,end,reason\n" \
            "a1,A,Core,Pro,100,EUR,recurring,2024-06-01,,\nb1,B,Core,Pro,100,USD,recurring,2024-06-01,,\n"
    company(case, subscriptions=lines, rates=rates)
    config = ORG.format(folder=case.tmp / "csv", nrr="") + \
        "  - { email: max@acme.example, name: Max, role: manager, at: \"08:00\", channels: [files] }\n"
    case.org(config)
    case.retaind("score", "-q", *NOW)

    def told():
        out = case.retaind("preview", "--owner", "max@acme.example", *NOW).stdout
        return " ".join(out.split())
    digest, w = told(), as_json(case)["windows"][0]
    assert (w["start_mrr"], w["fx_mrr"], w["end_mrr"]) == (19000, -1000, 18000), w
    for part in ("start EUR 190 ", "exchange -EUR 10 ", "end EUR 180 ", "NRR 100.0 %, GRR 100.0 %, logos kept 100.0 % (2 of 2)",
                 f"Policy default, hash {as_json(case)['policy']['hash']}: "):
        assert part in digest, (part, digest)
    case.org(config.replace("days: [mon", "nrr: {rate_age_days: 0}\ndays: [mon"))
    digest = told()
    assert "start EUR 100 " in digest and "exchange" not in digest.split("NRR")[0], digest
    assert "revenue in other currencies is left out (no rate from USD to EUR for 2025-01-01 or the 0 days before it)" in digest, digest
    case.org(config.replace("days: [mon", "nrr: {rate_age_days: 0}\nlanguage: fr\ndays: [mon"))
    digest = told()
    assert "début 100 €" in digest and "faute d’un taux de change" in digest and "rate" not in digest, digest


def test_movement_sum(case):
    """Up and down within a window: 100 % kept point to point, 70 % by movements, and each says which it is"""
    lines = "id,account,product,plan,mrr,currency,kind,start,end,reason\n" \
            "a1,A,Core,Pro,100,EUR,recurring,2024-06-01,2025-04-01,\na2,A,Core,Pro,150,EUR,recurring,2025-04-01,2025-08-01,\n" \
            "a3,A,Core,Pro,120,EUR,recurring,2025-08-01,,\n"
    company(case, subscriptions=lines)
    report = as_json(case)
    assert (report["method"], report["windows"][0]["nrr"], report["windows"][0]["grr"]) == ("point to point", 1.2, 1)
    case.org(ORG.format(folder=case.tmp / "csv", nrr="nrr: {method: movement_sum}"))
    report = as_json(case)
    w, = report["windows"]
    assert (report["method"], w["nrr"], w["grr"], w["residual"]) == ("movement sum", 1.2, 0.7, 0), w
    a, = as_json(case, "--accounts")["accounts"]
    assert "compares each account with its first day" in nrr(case, "--cohorts")
    assert (a["cause"], a["nrr_effect_exact"]["numerator"], a["grr_effect_exact"]["numerator"]) == \
        ("upsell + contraction", 2000, -3000), a
    assert "residual 0\n" in nrr(case, "--accounts")


def test_owner_books(case):
    """Whom the rules of owner books leave out is listed with the reason, and books and they add up to the whole"""
    company(case, nrr="nrr: {preset: posthog_owner_book}")
    later = ("--now", "2026-06-20T09:00:00Z")
    case.write("csv/accounts.csv", ACCOUNTS.replace("D,Dogwood,Mid,DE,", "D,Dogwood,Mid,DE,claire@acme.example"))
    case.retaind("pull", *later)
    quarter = ("nrr", "--by", "owner", "--window", "3", "--now", "2026-07-01T09:00:00Z")
    report = json.loads(case.retaind(*quarter, "--format", "json").stdout)
    assert {w["group"] for w in report["windows"]} == {"(excluded)", "claire@acme.example", "tom@acme.example"}, report
    left, = report["excluded"]
    assert (left["account_key"], left["owner"], left["start_mrr"]) == ("D", "claire@acme.example", 8000), left
    assert left["reason"] == "held for 11 days of the window, 30 are needed", left
    assert sum(w["start_mrr"] for w in report["windows"]) == report["whole"]["start_mrr"] == 59000, report
    out = case.retaind(*quarter).stdout
    assert "In nobody's book (1):" in out and "held for 11 days of the window" in out, out
    rows = csv.DictReader(io.StringIO(case.retaind("nrr", "--accounts", *quarter[3:], "--format", "csv").stdout))
    assert {r["account_key"]: r["owner_reason"] for r in rows}["D"].startswith("held for 11 days")
    assert as_json(case, "--by", "owner")["policy"]["preset"] == "posthog_owner_book"


run(globals())
