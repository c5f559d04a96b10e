#!/usr/bin/env python3
"""backtest: histories made for the purpose, with something to foresee and without; and the reference sets where they are."""
import csv
import datetime
import gzip
import html.parser
import json
import random
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import HEAVY, Skip, run  # noqa: E402
from reference_data import DATA, JUDGE, PANELS, load as load_reference  # noqa: E402

START, END = datetime.date(2024, 1, 1), datetime.date(2026, 1, 1)
ORG = """
title: "Made & co"
zone: UTC
currency: EUR
sources:
  made:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - { to: name, from: id }
          - { to: segment, from: segment }
          - { to: csm_key, from: csm }
          - { to: created_on, from: start }
      subscriptions:
        match: accounts.csv
        entity: subscription
        key: id
        account: { from: id, by: key }
        map:
          - { to: mrr_minor, value: "100" }
          - { to: currency, value: EUR }
          - { to: start_on, from: start }
          - { to: end_on, from: end }
          - { to: end_reason, from: reason }
      usage:
        match: usage.csv
        entity: usage
        account: { from: id, by: key }
        map:
          - { to: metric, value: sessions }
          - { to: day, from: day }
          - { to: value, from: n }
owners:
  - { email: ann@example.com, name: Ann, role: csm, channels: [disk], capacity: 2 }
  - { email: ben@example.com, name: Ben, role: csm, channels: [disk], capacity: 3 }
channels:
  disk: { kind: file, folder: "%s" }
"""


def make(case, fades, n=120, good_share=0.0, seed=7):
    """Accounts of which a half leaves; usage fades for two months before the end, or (fades False) at random times."""
    r = random.Random(seed)
    folder = case.tmp / "exports"
    folder.mkdir()
    ends = {}
    with open(folder / "accounts.csv", "w") as accounts, open(folder / "usage.csv", "w") as usage:
        accounts.write("id,segment,csm,start,end,reason\n")
        usage.write("id,day,n\n")
        for i in range(n):
            key, start = f"k{i:03}", START + datetime.timedelta(days=r.randrange(60))
            end = start + datetime.timedelta(days=30 + int(r.expovariate(1 / 900)))  # any day is as likely as any other
            leaves = end < END
            end = end if leaves else None
            reason = "completed" if leaves and r.random() < good_share else ""
            ends[key] = (end, reason)
            accounts.write(f"{key},{'smb' if i % 3 else 'large'},{'ann' if i % 2 else 'ben'}@example.com,{start},{end or ''},{reason}\n")
            fade = end - datetime.timedelta(days=60) if end and fades else START + datetime.timedelta(days=r.randrange(730))
            quiet_for = 60 if not fades else 10000
            rate = r.uniform(0.3, 0.8)
            for d in range((END - start).days):
                today = start + datetime.timedelta(days=d)
                if end and today >= end:
                    break
                is_quiet = (fades and end and today >= fade) or (not fades and 0 <= (today - fade).days < quiet_for)
                if today.weekday() < 5 and r.random() < rate * (0.15 if is_quiet else 1):
                    usage.write(f"{key},{today},{r.randrange(1, 9)}\n")
    case.org(ORG % (folder, case.tmp / "digests"))
    case.retaind("pull", "-q")
    return ends


def backtest(case, *options, as_of="2025-12-31"):
    return json.loads(case.retaind("backtest", "--as-of", as_of, "--format", "json", *options).stdout)


def rows_of(path):
    opened = gzip.open(path, "rt") if str(path).endswith(".gz") else open(path)
    with opened as file:
        return list(csv.DictReader(file))


def auc(labels, scores):
    order, ranks, i = sorted(zip(scores, labels)), 0.0, 0
    while i < len(order):
        j = i
        while j < len(order) and order[j][0] == order[i][0]:
            j += 1
        ranks += (i + j + 1) / 2 * sum(label for _, label in order[i:j])
        i = j
    n = sum(labels)
    return (ranks - n * (n + 1) / 2) / (n * (len(labels) - n))


class Page(html.parser.HTMLParser):
    """Notes what a page would fetch, and its elements."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.tags, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_data(self, data):
        self.text += data


def test_own_history(case):
    """Usage that fades before the end is foreseen: better than chance, intervals, lists, lead, Brier below the base rate's."""
    make(case, fades=True)
    r = backtest(case)
    ours = r["rankings"][0]
    assert r["beats_chance"] and ours["auc"] > 0.7 and ours["auc_95"][0] > 0.6, ours
    assert ours["auc_95"][0] < ours["auc"] < ours["auc_95"][1]
    assert ours["top_tenth"]["lift"] > 2, ours
    assert r["brier"] < r["brier_of_base_rate"], (r["brier"], r["brier_of_base_rate"])
    assert sum(b["rows"] for b in r["calibration"]) == r["rows"] and sum(b["events"] for b in r["calibration"]) == r["events"]
    seen = {lead["days"]: lead["seen"] / lead["events"] for lead in r["seen_ahead"]}
    assert set(seen) == {14, 28, 60, 90} and seen[14] > 0.3 > seen[90], seen
    assert 0 < r["at_owners_capacity"]["listed"] <= 5 * r["rows"] / 20, r["at_owners_capacity"]
    assert {s["name"] for s in r["segments"]} == {"smb", "large"}
    level = next(s for s in r["signals"] if s["name"] == "active_level")
    assert level["known"] > r["rows"] * 0.9 and level["auc"] > 0.7, level


def test_nothing_to_foresee(case):
    """Where usage has nothing to do with who leaves, it says that nothing beats chance, in words."""
    make(case, fades=False)
    r = backtest(case)
    assert not r["beats_chance"] and not r["beats_naive"], r["rankings"][0]
    told = case.retaind("backtest", "--as-of", "2025-12-31").stdout
    assert "\nNothing beats chance here" in told and "Don't act on these scores" in told, told[:600]


def test_good_ends(case):
    """An end that was a good one (end_reason: completed) is no loss, and its account is in the rows until then."""
    ends = make(case, fades=True, good_share=0.5)
    everything = rows_and_events(case)
    bad = sum(1 for end, reason in ends.values() if end and not reason)
    good = sum(1 for end, reason in ends.values() if end and reason)
    assert bad > 5 and good > 5
    case.write("exports/accounts.csv", (case.tmp / "exports" / "accounts.csv").read_text().replace(",completed", ",too dear"))
    case.retaind("pull", "-q")
    after = rows_and_events(case)
    assert everything[0] == after[0] and everything[1] < after[1], (everything, after)


def rows_and_events(case):
    r = backtest(case)
    return r["rows"], r["accounts_with_event"]


def write_panel(case, ends, name="panel.csv", days=("2025-03-01", "2025-06-01")):
    """Shuffled rows, one of them of nobody."""
    rows = []
    for key, (end, _) in ends.items():
        for text in days:
            day = datetime.date.fromisoformat(text)
            if end and end <= day:
                continue
            rows.append((key, text, int(bool(end) and end <= day + datetime.timedelta(days=90)), end or "",
                         "train" if text == "2024-06-01" else "test"))
    rows.append(("nobody", days[-1], 0, "", "test"))
    random.Random(1).shuffle(rows)
    text = "acct,date,y,event_day,split\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    return case.write(name, text), [row for row in rows if row[4] == "test"]


def test_panel(case):
    """A panel is scored row by row in its order, and the figures are what anyone would compute from the dump."""
    ends = make(case, fades=True)
    panel, rows = write_panel(case, ends, days=("2024-06-01", "2025-03-01", "2025-06-01"))
    dump = case.tmp / "scores.csv"
    r = backtest(case, "--panel", str(panel), "--dump", str(dump))
    scored = rows_of(dump)
    assert [(s["acct"], s["date"]) for s in scored] == [(row[0], row[1]) for row in rows]
    assert r["rows"] == len(rows) and r["horizon_days"] == 90 and r["rows_not_in_store"] == 1
    labels, scores, probs = [row[2] for row in rows], [float(s["score"]) for s in scored], [float(s["prob"]) for s in scored]
    assert min(scores) == next(float(s["score"]) for s in scored if s["acct"] == "nobody")
    assert abs(r["rankings"][0]["auc"] - auc(labels, scores)) < 1e-6
    assert abs(r["brier"] - sum((p - y) ** 2 for p, y in zip(probs, labels)) / len(rows)) < 1e-6
    packed = case.tmp / "panel.csv.gz"
    packed.write_bytes(gzip.compress(panel.read_bytes()))
    assert backtest(case, "--panel", str(packed)) == r
    unlabelled = case.write("days.csv", "acct,date\nk000,2025-03-01\n")
    told = case.retaind("backtest", "--panel", str(unlabelled), "--dump", str(dump)).stdout
    assert "1 rows scored" in told and len(rows_of(dump)) == 1, told


def test_nothing_later_leaks_in(case):
    """What is dated after the last day of a panel changes no byte of its scores, nor does a training row before its horizon
    is over; two runs give the same bytes."""
    ends = make(case, fades=True)
    panel, _ = write_panel(case, ends)
    first, second = case.tmp / "first.csv", case.tmp / "second.csv"
    case.retaind("backtest", "--panel", str(panel), "--dump", str(first), "-q")
    case.retaind("backtest", "--panel", str(panel), "--dump", str(second), "-q", env={"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kolkata"})
    assert first.read_bytes() == second.read_bytes()
    exports = case.tmp / "exports"
    accounts, usage = rows_of(exports / "accounts.csv"), rows_of(exports / "usage.csv")
    with open(exports / "accounts.csv", "w") as file:
        out = csv.DictWriter(file, accounts[0].keys())
        out.writeheader()
        out.writerows({**a, **({"end": "", "reason": ""} if a["end"] > "2025-06-01" else {})} for a in accounts)
    with open(exports / "usage.csv", "w") as file:
        out = csv.DictWriter(file, usage[0].keys())
        out.writeheader()
        out.writerows(u for u in usage if u["day"] <= "2025-06-01")
    for path in (case.tmp / "state" / "orgs" / "acme").iterdir():
        if path.is_file():
            path.unlink()
    case.retaind("pull", "-q")
    case.retaind("backtest", "--panel", str(panel), "--dump", str(second), "-q")
    assert first.read_bytes() == second.read_bytes()
    for trained, is_over in (("2025-03-04", False), ("2025-03-03", True)):
        for label, dump in enumerate((first, second)):
            text = "acct,date,y,split\nk000,2025-06-01,0,test\n" + f"k001,{trained},{label},train\n" * 50
            case.retaind("backtest", "--panel", str(case.write("trained.csv", text)), "--horizon", "90", "--dump", str(dump), "-q")
        assert (first.read_bytes() != second.read_bytes()) == is_over, trained


def test_page(case):
    """The page fetches nothing, has the four curves, the verdict and every table, and text of ours and theirs is escaped."""
    make(case, fades=True)
    path = case.tmp / "report.html"
    told = case.retaind("backtest", "--as-of", "2025-12-31", "--html", str(path)).stdout
    text = path.read_text()
    page = Page(text)
    assert not page.fetched and "script" not in page.tags and "http" not in text, page.fetched
    assert text.count("<figure>") == 4 and page.tags.count("table") >= 6
    assert "Made &amp; co" in text and "Made & co: risk, replayed" in page.text
    verdict = told.split("\n\n")[1].strip()
    assert verdict and verdict in page.text, verdict


def test_mistakes(case):
    """What can't be judged is refused with the reason: no history, no panel, days beside a panel, another engine."""
    case.org(ORG % (case.tmp, case.tmp))
    case.retaind("migrate")
    told = case.retaind("backtest", expect=65).stderr
    assert "no history to judge by" in told, told
    assert "bad.csv:2: acct is" in case.retaind("backtest", "--panel", str(case.write("bad.csv", "acct,date\nk,x\n")), expect=65).stderr
    good = str(case.write("good.csv", "acct,date\nk,2025-01-01\n"))
    assert "--every" in case.retaind("backtest", "--panel", good, "--every", "7", expect=64).stderr
    assert "expected defense or expansion" in case.retaind("backtest", "--engine", "nrr", expect=64).stderr
    assert "expected table or json" in case.retaind("backtest", "--format", "csv", expect=64).stderr


def judge(case, name, panel, least_auc, lead):
    """The project's own figures and the reference judge's on one panel."""
    dump = case.tmp / "scores.csv"
    start = time.monotonic()
    r = json.loads(case.retaind("backtest", "--panel", str(PANELS / panel), "--dump", str(dump), "--format", "json", timeout=600).stdout)
    seconds = time.monotonic() - start
    ours = r["rankings"][0]
    print(f"  {panel}: AUC {ours['auc']:.3f} [{ours['auc_95'][0]:.3f}, {ours['auc_95'][1]:.3f}], lift {ours['top_tenth']['lift']:.1f}, "
          f"ECE {r['calibration_error']:.3f}, Brier {r['brier']:.4f} ({r['brier_of_base_rate']:.4f}), {seconds:.0f} s")
    test = [row for row in rows_of(PANELS / panel) if row["split"] == "test"]
    assert len(rows_of(dump)) == len(test) and r["rows_not_in_store"] == 0
    assert abs(ours["auc"] - auc([int(row["y"]) for row in test], [float(s["score"]) for s in rows_of(dump)])) < 1e-6
    told = subprocess.run(["/usr/bin/python3", str(JUDGE), str(PANELS / panel), str(dump), str(lead)], capture_output=True, text=True)
    if told.returncode == 0:
        print("  " + told.stdout.splitlines()[1].strip())
    assert ours["auc"] >= least_auc, f"{name}: AUC {ours['auc']:.3f}, not {least_auc}"
    return r, seconds


def test_reference_asfi(case):
    """Projects unseen (ASFI, real): the shipped priors, untrained, rank as well as boosting trained there."""
    if not HEAVY or not DATA.exists():
        raise Skip("RETAIND_HEAVY is not set, or the data is not here")
    load_reference(case, "asfi")
    far, seconds = judge(case, "ASFI, 180 days", "ASFI_retire_H_180_projects_unseen.csv.gz", 0.845, 180)
    near, _ = judge(case, "ASFI, 90 days", "ASFI_retire_H_90_projects_unseen.csv.gz", 0.865, 90)
    assert far["brier"] < far["brier_of_base_rate"] and near["brier"] < near["brier_of_base_rate"]
    assert seconds < 60, seconds


def test_reference_eslint(case):
    """ESLint's sponsors (real revenue, no usage), accounts unseen: no worse than the naive rule that beats the learners there."""
    if not DATA.exists():
        raise Skip("the data is not here")
    load_reference(case, "eslint")
    r, _ = judge(case, "ESLint, 90 days", "ESLint_cancel_90d_accounts_unseen_in_train.csv.gz", 0.65, 90)
    assert r["beats_chance"] and r["brier"] < r["brier_of_base_rate"], r["verdict"]
    assert r["auc_above_best_naive_95"][1] > 0, r["verdict"]


def test_reference_ravenstack(case):
    """RavenStack (synthetic, nothing in it): backtest says that nothing beats chance."""
    if not DATA.exists():
        raise Skip("the data is not here")
    load_reference(case, "ravenstack")
    r = json.loads(case.retaind("backtest", "--format", "json").stdout)
    assert not r["beats_chance"] and r["verdict"].startswith("Nothing beats chance here."), r["verdict"]


run(globals())
