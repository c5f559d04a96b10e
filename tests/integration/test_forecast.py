#!/usr/bin/env python3
"""`retaind nrr --forecast`: what it says, that it knows nothing of what came later, and how good it was."""
import csv
import io
import json
import random
import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import DATA, SHARED, Skip, run  # noqa: E402

ORG = """title: Foretold
zone: UTC
currency: USD
{nrr}sources:
  ledger:
    connector: csv
    folder: "{folder}"
    files:
      accounts:
        match: "subscriptions.csv"
        entity: account
        key: account
        map:
          - {{ to: name, from: account }}
      spans:
        match: "subscriptions.csv"
        entity: subscription
        key: key
        account: {{ from: account, by: key }}
        map:
          - {{ to: mrr_minor, from: minor, minor: true }}
          - {{ to: currency, value: USD }}
          - {{ to: start_on, from: start, format: "%Y-%m-%d" }}
          - {{ to: end_on, from: end, format: "%Y-%m-%d" }}
          - {{ to: billing, from: billing }}
          - {{ to: renewal_on, from: renewal, format: "%Y-%m-%d" }}
          - {{ to: cancel_notice_on, from: notice, format: "%Y-%m-%d" }}
"""
COLUMNS = ["key", "account", "start", "end", "minor", "billing", "renewal", "notice"]


class Books:
    """An organisation whose contracts are one file."""

    def __init__(self, case, name, nrr=""):
        self.case, self.name, self.folder = case, name, case.tmp / f"{name}-exports"
        self.folder.mkdir()
        text = ORG.format(folder=self.folder, nrr=nrr)
        if (case.tmp / "config").exists():
            case.write(f"config/orgs/{name}.yaml", text)
        else:
            case.org(text, name=name)

    def pull(self, rows, *args):
        with (self.folder / "subscriptions.csv").open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(COLUMNS)
            out.writerows(r + [""] * (len(COLUMNS) - len(r)) for r in rows)
        self.case.retaind("pull", "-q", "--full", "--org", self.name, *args)

    def nrr(self, *args, **more):
        return self.case.retaind("nrr", "--org", self.name, *args, **more)

    def json(self, *args):
        return json.loads(self.nrr(*args, "--format", "json").stdout)


def mapped(case, name, dataset):
    """A real set with its own mapping."""
    folder = SHARED / "data" / "usage" / dataset
    if not (folder / "subscriptions.csv").exists():
        raise Skip("the set is not on this machine")
    text = (DATA / name / "org.yaml").read_text()
    case.org(text.replace("@FOLDER@", str(folder)).replace("@DIGESTS@", str(case.tmp / "digests")), name=name)
    case.retaind("pull", "-q")
    check = json.loads(case.retaind("nrr", "--forecast", "--check", "--format", "json").stdout)
    return check, case.retaind("nrr", "--forecast", "--check").stdout


def known_on(rows, day):
    """The file as it was on a day: nothing that began later, no end that was still to come."""
    return [[*r[:3], r[3] if r[3] and r[3] <= day else "", *r[4:]] for r in rows if r[2] <= day]


def made_up(seed, n=400, until=date(2026, 6, 1)):
    """Accounts that came at any time since 2023, leave at three percent a month and grow now and then."""
    dice, rows = random.Random(seed), []
    for i in range(n):
        start = date(2023, 1, 1) + timedelta(days=dice.randrange(1150))
        end = start + timedelta(days=1 + int(dice.expovariate(1 / 1000)))
        minor, changed = int(10 ** dice.uniform(3, 5)), start + (end - start) / 2
        if dice.random() < 0.4 and start < changed < until:
            rows.append([f"a{i}-1", f"a{i}", start, changed, minor, ""])
            start, minor = changed, int(minor * dice.choice([0.6, 1.2, 1.5]))
        rows.append([f"a{i}-2", f"a{i}", start, end if end < until else "", minor, ""])
    return [[str(x) for x in r] for r in rows]


def assert_honest(check, least):
    assert check["windows"] >= least, check
    for which in ("nrr", "grr"):
        share = check[f"{which}_within"] / check["windows"]
        assert 0.7 <= share <= 0.9, (which, share)
        assert check[f"{which}_loss"] < check[f"naive_{which}_loss"], check


def test_sponsors(case):
    """Seven years of real sponsorships: p10..p90 held 70 to 90 % of the past quarters, and beat the ratios of the year before"""
    check, text = mapped(case, "eslint", "eslint_sponsors")
    assert_honest(check, 24)
    assert not check["windows_overlap"] and {f["said"] for f in check["forecasts"]} == {"as would have been said"}
    line = [x for x in text.splitlines() if x.startswith("p10..p90 held what happened in ")]
    assert len(line) == 1 and f"{check['nrr_within']} of {check['windows']} windows" in line[0], text
    assert "Pinball loss" in text and "Policy default, hash" in text, text


def test_mavenflix(case):
    """A year of a young business, by rolling quarters and saying so: p10..p90 held 70 to 90 % of them"""
    check, text = mapped(case, "mavenflix", "mavenflix")
    assert_honest(check, 7)
    assert check["windows_overlap"] and "they begin month by month and overlap" in text, text


def test_truth(case):
    """What a check says happened is what the report of that window says, to the last digit"""
    books = Books(case, "made")
    books.pull(made_up(1), "--now", "2026-06-01T06:00:00Z")
    check = books.json("--forecast", "--check", "--now", "2026-06-01T07:00:00Z")
    assert check["windows"] >= 10
    for f in check["forecasts"]:
        window = books.json("--window", "3", "--to", f["to_date"], "--now", "2026-06-01T07:00:00Z")["windows"][0]
        assert (window["from_date"], window["nrr"], window["grr"]) == (f["on_date"], f["nrr"], f["grr"]), (window, f)


def test_other_rules(case):
    """Under rules that add movements up or credit who comes back, a forecast and its truth still compare both ends, and say so"""
    rows, at = made_up(6), ("--now", "2026-06-01T06:00:00Z")
    usual, other = Books(case, "usual"), Books(case, "other", "nrr: { preset: chartmogul, parents: separate }\n")
    for books in (usual, other):
        books.pull(rows, *at)
    checks = [b.json("--forecast", "--check", *at) for b in (usual, other)]
    assert checks[0]["forecasts"] == checks[1]["forecasts"] and checks[0]["policy"]["hash"] != checks[1]["policy"]["hash"]
    assert any("compares each account with itself" in note for note in checks[1]["notes"]), checks[1]["notes"]


def test_years(case):
    """The years up to each coming quarter begin with what the reports of their past part begin with; strict rules have none"""
    books, strict = Books(case, "years"), Books(case, "strict", "nrr: { reactivated_in_cohort: strict }\n")
    at = ("--as-of", "2026-05-01", "--now", "2026-06-01T06:00:00Z")
    for b in (books, strict):
        b.pull(made_up(7), "--now", "2026-06-01T05:00:00Z")
    quarters = books.json("--forecast", *at)["quarters"]
    for months, q in zip((9, 6, 3), quarters):
        window = books.json("--window", str(months), *at)["windows"][0]
        assert q["year"]["start_mrr"] == window["start_mrr"] > 0, (q, window)
        assert q["year"]["p10"]["nrr"] < q["year"]["p90"]["nrr"] and q["year"]["p90"]["grr"] <= window["grr"], (q, window)
    assert quarters[3]["year"]["p50"]["nrr"] == quarters[3]["p50"]["nrr"]
    assert [q["year"] is None for q in strict.json("--forecast", *at)["quarters"]] == [True, True, True, False]
    text = books.nrr("--forecast", *at).stdout
    assert "The twelve months up to then" in text, text


def test_leak(case):
    """A forecast as of a past day is to the byte what that day's data give, and so are the forecasts of a check"""
    rows, day = made_up(2), "2025-10-01"
    full, cut = Books(case, "full"), Books(case, "cut")
    full.pull(rows, "--now", "2026-06-01T06:00:00Z")
    cut.pull(known_on(rows, day), "--now", "2026-06-01T06:00:00Z")
    said = [b.nrr("--forecast", "--as-of", day, "--format", "csv", "--now", "2026-06-01T06:00:00Z").stdout for b in (full, cut)]
    assert said[0] == said[1] and len(said[0].splitlines()) == 5, said
    first = next(csv.DictReader(io.StringIO(said[0])))
    checked = [f for f in full.json("--forecast", "--check", "--now", "2026-06-01T06:00:00Z")["forecasts"] if f["on_date"] == day]
    assert len(checked) == 1 and "%.6f" % checked[0]["nrr_forecast"]["p10"] == first["nrr_p10"], (checked, first)


def test_order(case):
    """The order of rows changes nothing, and the same command says the same twice"""
    rows = made_up(3)
    once, backwards = Books(case, "once"), Books(case, "backwards")
    once.pull(rows)
    backwards.pull(rows[::-1])
    args = ("--forecast", "--as-of", "2026-05-01", "--format", "csv")
    assert once.nrr(*args).stdout == backwards.nrr(*args).stdout == once.nrr(*args).stdout


def test_bounds(case):
    """Quantiles rise, gross is never above net or 1, and amounts and ratios agree"""
    books = Books(case, "bounds")
    books.pull(made_up(4))
    out = books.json("--forecast", "--as-of", "2026-05-01")
    assert [q["to_date"] for q in out["quarters"]] == ["2026-08-01", "2026-11-01", "2027-02-01", "2027-05-01"]
    for q in out["quarters"]:
        for p in ("p10", "p50", "p90"):
            x = q[p]
            assert x["nrr_exact"] == {"numerator": x["end_mrr"], "denominator": out["start_mrr"]}
            assert x["grr"] <= min(1, x["nrr"]) and x["total_mrr"] >= x["end_mrr"], q
        for name in ("end_mrr", "kept_mrr", "total_mrr"):
            assert q["p10"][name] <= q["p50"][name] <= q["p90"][name], q
    assert len(books.json("--forecast", "--quarters", "2", "--as-of", "2026-05-01")["quarters"]) == 2


def test_stored(case):
    """The first score of a month stores what is said of it; a check judges that, whatever was learnt since, and says so"""
    books, rows = Books(case, "stored"), made_up(5)
    said = {}
    for day in ("2026-02-01", "2026-02-02", "2026-03-03"):
        books.pull(known_on(rows, day), "--now", f"{day}T05:00:00Z")
        case.retaind("score", "-q", "--now", f"{day}T06:00:00Z")
        said[day] = books.json("--forecast", "--now", f"{day}T06:00:00Z")
    stored = case.query("SELECT date(on_day * 86400, 'unixepoch'), quarters, start_minor, end_p10, kept_p90 FROM nrr_forecast"
                        " ORDER BY on_day, quarters", name="stored")
    assert [r[:2] for r in stored] == [(d, q) for d in ("2026-02-01", "2026-03-01") for q in (1, 2, 3, 4)], stored
    first = said["2026-02-01"]
    assert stored[0][2:] == (first["start_mrr"], first["quarters"][0]["p10"]["end_mrr"], first["quarters"][0]["p90"]["kept_mrr"])
    late = [["late", "a-late", "2025-06-01", "", "5000000", ""]]
    books.pull(rows + late, "--now", "2026-06-01T05:00:00Z")
    case.retaind("score", "-q", "--from", "2026-04-01", "--to", "2026-04-02", "--now", "2026-06-01T05:30:00Z")
    assert len(case.query("SELECT 1 FROM nrr_forecast", name="stored")) == 8, "a month that is over is not foretold any more"
    check = books.json("--forecast", "--check", "--now", "2026-06-01T06:00:00Z")
    by_day = {f["on_date"]: f for f in check["forecasts"]}
    assert by_day["2026-02-01"]["said"] == by_day["2026-03-01"]["said"] == "as stored", by_day
    assert by_day["2026-01-01"]["said"] == "as would have been said"
    p50 = first["quarters"][0]["p50"]
    assert by_day["2026-02-01"]["nrr_forecast"]["p50"] == p50["end_mrr"] / first["start_mrr"]


def test_notices(case):
    """Notices that came with the first load count like those that a later pull brings, each on its own day"""
    rows = made_up(8)
    before = [["b1", "big", "2024-01-01", "", "5000000", "", "", ""], ["b2", "big", "2024-01-01", "", "5000000", "", "", ""]]
    after = [[*before[0][:3], "2026-08-15", *before[0][4:7], "2026-05-10"], [*before[1][:3], "2026-11-15", *before[1][4:7], "2026-05-10"]]
    fresh, told = Books(case, "fresh"), Books(case, "told")
    fresh.pull(rows + after, "--now", "2026-06-01T06:00:00Z")
    told.pull(rows + before, "--now", "2026-05-01T06:00:00Z")
    told.pull(rows + after, "--now", "2026-06-01T06:00:00Z")
    said = [b.nrr("--forecast", "--format", "csv", "--now", "2026-06-01T07:00:00Z").stdout for b in (fresh, told)]
    assert said[0] == said[1], said
    first, second = list(csv.DictReader(io.StringIO(said[0])))[:2]
    share = 5000000 / int(first["start_mrr"])
    assert float(first["nrr_p90"]) < 1.05 - share and float(second["nrr_p90"]) < 1.1 - 2 * share, (share, said)


def test_many_windows(case):
    """A check of a long history judges the latest forty windows and says that earlier ones are left out"""
    books = Books(case, "long")
    books.pull([[f"k{i}", f"a{i}", f"{2010 + i % 14}-{1 + i % 12:02}-05", f"{2025 + i % 2}-0{1 + i % 5}-09", "1000"] for i in range(40)])
    at = ("--forecast", "--check", "--now", "2026-06-01T06:00:00Z")
    check = books.json(*at)
    assert check["windows"] == 40 and check["earlier_windows_left_out"] and check["forecasts"][-1]["to_date"] >= "2026-02-01", check
    assert "Earlier windows than the latest 40 are left out" in books.nrr(*at).stdout


def test_short_history(case):
    """Too little history is a reason in every format, never a figure; a quarter too many is a mistake of the command"""
    books = Books(case, "short")
    books.pull([["s1", "a", "2026-03-20", "", "1000", ""]])
    at = ("--now", "2026-05-01T06:00:00Z")
    for args in (("--forecast",), ("--forecast", "--check")):
        text = books.nrr(*args, *at)
        assert "insufficient history" in text.stdout and "nan" not in text.stdout.lower(), text.stdout
        books.nrr(*args, "--format", "csv", *at)
    out = books.json("--forecast", *at)
    assert out["quarters"] == [] and out["reason"].startswith("insufficient history: a forecast needs 3 months"), out
    assert books.json("--forecast", "--check", *at)["windows"] == 0
    for wrong in (("--forecast", "--quarters", "5"), ("--forecast", "--to", "2026-04-01"), ("--forecast", "--window", "3"), ("--check",)):
        books.nrr(*wrong, *at, expect=64)


run(globals())
