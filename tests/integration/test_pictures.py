#!/usr/bin/env python3
"""The report of retention as a page and as pictures, looked at in headless Chromium where it is there, and steering."""
import contextlib
import csv
import datetime
import json
import re
import shutil
import sqlite3
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from browser import look  # noqa: E402
from harness import DATA, run  # noqa: E402

AS_OF = ("--as-of", "2024-12-31")


def pulled(case, title="RavenStack"):
    shutil.copytree(DATA / "ravenstack", case.tmp / "csv")
    text = (DATA / "ravenstack" / "org.yaml").read_text().replace("title: RavenStack", f"title: {title}")
    case.org(text.replace("@FOLDER@", str(case.tmp / "csv")).replace("@DIGESTS@", str(case.tmp / "digests")), name="raven")
    case.retaind("pull")


def written(case):
    """The page and the pictures of the excerpt."""
    page, folder = case.tmp / "report.html", case.tmp / "pictures"
    case.retaind("nrr", *AS_OF, "--html", str(page), "--svg", str(folder))
    return page, folder


def test_page_holds_everything(case):
    """The page says the figures, breakdowns, cohorts, accounts and rules, is markup without a mistake, and fetches nothing"""
    pulled(case, "'<b>Raven</b> & \"Stack\"'")
    page, folder = written(case)
    text = page.read_text()
    assert "<h1>&lt;b&gt;Raven&lt;/b&gt; &amp; &quot;Stack&quot;: net revenue retention</h1>" in text
    for heading in ("What came and what went", "Where to work first", "Who and what it came from", "Cohorts",
                    "Accounts that moved it most", "What the coming quarters may bring", "Closed months that later data changed",
                    "The rules it was computed by"):
        assert f"<h2>{heading}</h2>" in text, heading
    assert '<th scope="row">residual</th><td class="n">USD 0</td>' in text
    for caption in ("By segment", "By plan", "By owner", "Up", "Switches"):
        assert f"<caption>{caption}</caption>" in text, caption
    assert "point_to_point" in text and re.search(r"hash [0-9a-f]{12}:", text)
    summary = case.retaind("nrr", *AS_OF).stdout
    for name in ("NRR", "GRR"):
        ratio = re.search(rf"\({name}\)(?: is)? ([\d.]+) %", summary).group(1)
        assert re.search(rf"\({name}\)(?: is)? {ratio} %", text), (name, ratio)
    assert not re.search(r"<script|<link|<img|@import|src=|url\((?!#)", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    body = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    assert not re.search(r"\b(nan|inf|NaN|Infinity)\b", body)
    xml.fromstring(re.sub(r"<(meta[^>]*)>", r"<\1/>", body.removeprefix("<!doctype html>\n")))
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["cohorts.svg", "forecast.svg", "trend.svg", "waterfall.svg"], names
    for path in folder.iterdir():
        root = xml.parse(path).getroot()
        assert root.get("role") == "img" and len(root.findall("{http://www.w3.org/2000/svg}title")) == 1
        assert len(root.find("{http://www.w3.org/2000/svg}desc").text) > 40, path


def test_page_lists_whom_the_policy_credits(case):
    """Who comes back and is credited moves NRR, so the page lists them among those that moved it"""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import test_nrr_reports as reports
    reports.company(case, nrr="nrr: {preset: chartmogul}")
    page = case.tmp / "report.html"
    report = reports.as_json(case, "--accounts", "--html", str(page))
    moved = {a["account"] for a in report["accounts"] if a["nrr_effect"]}
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>', page.read_text().split("Accounts that moved it most")[1].split("<h2>")[0])
    assert "Ginkgo" in moved and set(rows) == moved, (moved, rows)


def test_page_without_history(case):
    """With no history the page and the steering give the reason, and no figure that is none"""
    pulled(case)
    page, folder = case.tmp / "report.html", case.tmp / "pictures"
    early = ("--as-of", "2022-12-31")
    case.retaind("nrr", *early, "--html", str(page), "--svg", str(folder))
    assert "insufficient history" in page.read_text()
    out = case.retaind("nrr", *early, "--steer").stdout
    assert "insufficient history" in out and "nan" not in out.lower(), out
    report = json.loads(case.retaind("nrr", *early, "--steer", "--format", "json").stdout)
    assert report["engines"] == [] and report["reason"].startswith("insufficient history"), report
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["cohorts.svg", "forecast.svg", "trend.svg", "waterfall.svg"], names
    for path in folder.iterdir():
        root = xml.parse(path).getroot()
        said = root.find("{http://www.w3.org/2000/svg}desc").text
        assert path.name == "waterfall.svg" or said.startswith("insufficient history: "), (path.name, said)
    told = case.retaind("nrr", *early, "--steer", "--format", "csv")
    assert len(told.stdout.splitlines()) == 1 and "insufficient history" in told.stderr, told


def test_page_tells_closed_months(case):
    """A closed month that later data changed stands on the page with both figures and the account's reason"""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from test_restated import Books
    books, page = Books(case), case.tmp / "report.html"
    books.live("2026-03-01")
    books.nrr("2026-03-01", "--html", str(page))
    assert "<p>None so far.</p>" in page.read_text()
    books.put("subscription", "s-b", mrr_minor="80", amount_from_on="2026-02-10")
    books.live("2026-03-10")
    books.nrr("2026-03-10", "--html", str(page))
    text = page.read_text()
    restated = books.restated("2026-03-10")
    words = [r["words"] for report in restated for a in report["accounts"] for r in a["reasons"]]
    assert len(restated) == 2 and words, restated
    for report in restated:
        row = rf"<th scope=\"row\">2026-02</th><td class=\"n\">{report['window_months']}</td><td>2026-03-10</td>"
        assert re.search(row + r"<td class=\"n\">96.0 %, was 100.0 %</td>", text), (row, text[-6000:])
    assert "<caption>Why accounts differ</caption>" in text and "<td>Borealis</td>" in text
    for said in words:
        assert f"<td>{said}</td>" in text, said


def test_usage_stands_apart(case):
    """Usage revenue is no part of the figures and is told in a sentence of its own; by itself it has neither findings nor closed months"""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from test_restated import FIELDS, Books
    FIELDS["subscription"] += " kind"
    books, page = Books(case), case.tmp / "report.html"
    books.put("subscription", "u", account="a", product="calls", mrr_minor="1000", currency="EUR", start_on="2024-01-01", kind="usage")
    books.live("2026-03-01")
    books.nrr("2026-03-01", "--html", str(page))
    assert "Usage revenue is apart: its NRR is 100.0 %, its GRR 100.0 % (EUR 1,000 a month at the start)." in page.read_text()
    assert ">EUR 500<" in page.read_text()
    out = books.nrr("2026-03-01", "--revenue", "usage", "--steer", "--html", str(page))
    closed = "Months are closed for all committed revenue, in the organisation&#39;s currency, only."
    assert "Findings are about committed revenue." in out and closed in page.read_text(), out
    books.nrr("2026-03-01", "--currency", "EUR", "--html", str(page))
    assert closed in page.read_text()


def test_rates_that_reach_back_a_year(case):
    """Where rates of exchange are known for the last year only, the report has what they allow; with none it names currency and day"""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from test_restated import Books
    books, page = Books(case), case.tmp / "report.html"
    books.put("subscription", "s-e", mrr_minor="100", currency="USD")
    books.pull("2026-03-01")
    for args in (("--steer",), ("--html", str(page))):
        done = case.retaind("nrr", *args, "--now", "2026-03-01T08:00:00Z", expect=78)
        assert re.search("no rate from USD to EUR for 202[56]-", done.stderr), done.stderr
    for month in range(1, 16):
        on = f"{2024 + (month + 10) // 12}-{(month + 10) % 12 + 1:02}-20"
        books.put("rate", on, currency="USD", base="EUR", rate_on=on, rate_nano="0.9")
    books.pull("2026-03-01")
    report = json.loads(books.nrr("2026-03-01", "--steer", "--format", "json"))
    assert report["reason"] is None and "4 earlier quarters are wanted; there are 3." in report["sentences"][0], report
    assert all(e["usual_points"] is None and e["points"] == 0 for e in report["engines"]), report
    books.nrr("2026-03-01", "--html", str(page))
    text = page.read_text()
    assert "Net retention (NRR) is 100.0 %" in text and "no rate" in text.lower(), re.findall("<p>.*?</p>", text)


def test_same_bytes(case):
    """The same database and day give the same bytes; a folder that can't be written is told and ends with 65"""
    pulled(case)
    page, folder = written(case)
    first = {p.name: p.read_bytes() for p in [page, *folder.iterdir()]}
    page, folder = written(case)
    assert {p.name: p.read_bytes() for p in [page, *folder.iterdir()]} == first
    for option in ("--html", "--svg"):
        done = case.retaind("nrr", *AS_OF, option, str(case.tmp / "none" / "x" / "y"), expect=65)
        assert "none/x/y" in done.stderr, done.stderr


def test_steering(case):
    """Steering names the first engine in words and figures, and its groups' pulls add up to nothing"""
    pulled(case)
    report = json.loads(case.retaind("nrr", *AS_OF, "--steer", "--format", "json").stdout)
    assert report["reason"] is None and len(report["engines"]) == 4 and report["sentences"], report
    assert {e["engine"] for e in report["engines"]} == {"churn", "involuntary churn", "contraction", "expansion"}
    for by in ("segment", "cohort"):
        pulls = [g["pull_points"] for g in report["groups"] if g["by"] == by]
        assert pulls and abs(sum(pulls)) < 1e-5 and pulls == sorted(pulls), pulls
    out = case.retaind("nrr", *AS_OF, "--steer").stdout
    assert report["engines"][0]["engine"] in out and "NRR so far" in out, out
    rows = case.retaind("nrr", *AS_OF, "--steer", "--format", "csv").stdout.splitlines()
    assert rows[0] == "engine,from_date,to_date,mrr,points,usual_points,good_points,to_gain_points,currency" and len(rows) == 5, rows
    for row, engine in zip(csv.DictReader(rows), report["engines"]):
        assert int(row["mrr"]) == engine["minor"] and float(row["points"]) == engine["points"], (row, engine)


def put_findings(case, rows):
    """Rows of (account key, engine, cause, expected a year, act by)."""
    with contextlib.closing(sqlite3.connect(case.database("raven"))) as db, db:
        for key, engine, cause, expected, by in rows:
            db.execute("INSERT INTO finding (account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence,"
                       " value_minor, currency, expected_minor, act_by_on, play, summary, evidence) SELECT id, ?, ?, 'open', ?, ?, 50,"
                       " 50, 1, ?, 'USD', ?, ?, 'x', 'x', '[]' FROM account WHERE source_key = ?",
                       (engine, cause, ON, ON, 2 * expected, expected, by, key))


ON = (datetime.date(2024, 11, 20) - datetime.date(1970, 1, 1)).days


def test_findings_are_worth(case):
    """What open findings are worth to the quarter is value x probability of those to act on in it, and managers read it"""
    pulled(case)
    day = ("--as-of", "2024-11-20")
    case.retaind("score", *day)
    with contextlib.closing(sqlite3.connect(case.database("raven"))) as db, db:
        db.execute("DELETE FROM finding_event")
        db.execute("DELETE FROM finding")
    october = """SELECT a.source_key, sum(s.mrr_minor) FROM subscription s JOIN account a ON a.id = s.account_id
                 WHERE s.start_on <= ?1 AND (s.end_on IS NULL OR s.end_on > ?1) GROUP BY 1 ORDER BY 2 DESC, 1"""
    paid = case.query(october, ON - 50, name="raven")
    (big, most), (second, _) = paid[:2]
    put_findings(case, [(big, "defense", "a", 1200, ON + 10), (big, "defense", "b", 600, ON + 5),
                        (second, "defense", "a", 10 ** 12, ON + 41), (big, "expansion", "c", 2400, ON + 42)])
    report = json.loads(case.retaind("nrr", *day, "--steer", "--format", "json").stdout)
    quarter = report["quarter"]
    assert (quarter["from"], quarter["to"]) == ("2024-10-01", "2024-12-31"), quarter
    start = sum(minor for _, minor in paid)
    expected = {"defense": {"findings": 2, "points": 100 * (100 + paid[1][1]) / start, "later_findings": 0, "later_points": 0},
                "expansion": {"findings": 0, "points": 0, "later_findings": 1, "later_points": 100 * 200 / start}}
    for engine, of in expected.items():
        for name, value in of.items():
            assert abs(quarter[engine][name] - value) < 2e-6, (engine, name, quarter, value)
    out = case.retaind("preview", "--owner", "mara@ravenstack.example", "--now", "2024-11-20T12:00:00Z").stdout
    said = " ".join(out.split())
    advice = report["sentences"][0].replace("2024-11-20", "Wed 20 Nov 2024")  # digests name days as people do
    assert advice in said and f"NRR so far {100 * quarter['nrr_so_far']:.1f} %. Open findings: 2 accounts" in said, out
    early = " ".join(case.retaind("nrr", "--as-of", "2024-10-15", "--steer").stdout.split())
    assert "Findings are known as of 2024-11-20 only." in early, early


def test_looked_at(case):
    """Headless Chromium finds nothing amiss in page and pictures, light and dark, 375 and 1200 px wide; axe neither"""
    pulled(case)
    page, folder = written(case)
    none, empty = case.tmp / "none.html", case.tmp / "none"
    case.retaind("nrr", "--as-of", "2022-12-31", "--html", str(none), "--svg", str(empty))
    for path in empty.iterdir():
        path.rename(empty / f"none-{path.name}")
    result = look(page, none, *sorted(folder.iterdir()), *sorted(empty.iterdir()))
    assert result["said"] == [], "\n".join(result["said"][:20])
    print(f"         {result['n_looks']} looks, nothing amiss")


def test_the_look_is_awake(case):
    """A page with small, pale or cut texts, a script or an unlabelled table does not pass"""
    pulled(case)
    page, folder = written(case)
    bad = case.tmp / "bad.html"
    svg = (folder / "waterfall.svg").read_text().replace("font:12.5px", "font:9px").replace(".rp text{fill:#e8ebef}", ".rp text{fill:#20262d}")
    bad.write_text(f"<!doctype html><html><body>{svg}<script>1</script><p style='font-size:9px'>x</body></html>")
    cut = case.tmp / "cut.svg"
    cut.write_text((folder / "waterfall.svg").read_text().replace('text-anchor="end"', 'text-anchor="start"'))
    said = "\n".join(look(bad, cut)["said"])
    for what in ("px", "has a contrast of", "fetched or run", "axe: html-has-lang", "P in 9px", "is cut at the edge"):
        assert what in said, (what, said[:3000])


run(globals())
