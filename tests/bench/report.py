"""What the bench measured as report.json and as a page of its own: targets met or missed, all figures, how they grow."""
import html
import json
import math
from pathlib import Path

# What is held against what: (line, what, unit, ours, theirs or None, how, bound). how: ratio (theirs / ours, at least), most
# (ours, at most), growth (against a tenth of the accounts, at most).
TARGETS = [
    (1, "workload scored, against tuned DuckDB", "s", "kernel", "duckdb tuned", "ratio", 15),
    (1, "workload scored, against straightforward DuckDB SQL", "s", "kernel", "duckdb plain", "ratio", 25),
    (1, "workload scored, against SQLite SQL", "s", "kernel", "sqlite", "ratio", 150),
    (1, "workload scored with cold caches, against tuned DuckDB", "s", "kernel cold", "duckdb cold", "ratio", 8),
    (1, "workload scored: peak memory of all processes", "MiB", "kernel", None, "most", 128),
    (2, "retaind score of a further day, against tuned DuckDB", "s", "score", "duckdb tuned", "ratio", 6),
    (2, "retaind score: peak memory of all processes", "MiB", "score", None, "most", 192),
    (2, "retaind score: growth from a tenth of the accounts", "s", "score", None, "growth", 11),
    (3, "a day's CSV, against DuckDB with its checkpoint", "s", "pull", "duckdb day", "ratio", 1.4),
    (3, "a day's CSV: bytes written for each byte of cells", "x", "pull written", None, "most", 2.5),
    (3, "a correction of one account's day: blocks rewritten", "blocks", "correction", None, "most", 1),
    (4, "backfill, against DuckDB's appender", "CPU s", "backfill", "duckdb backfill", "ratio", 5),
    (4, "backfill: peak memory", "MiB", "backfill", None, "most", 512),
    (4, "usage file, bytes for an account, metric and day", "B", "usage bytes", None, "most", 2.1),
    (4, "usage file, against DuckDB's", "MB", "usage file", "duckdb file", "ratio", 1),
    (5, "explain of one account", "s", "explain", None, "most", 0.06),
    (5, "accounts --owner", "s", "accounts --owner", None, "most", 0.05),
    (5, "digests of all owners, made and rendered", "s", "digests", None, "most", 10),
    (6, "once, a whole cycle of a typical organisation", "s", "once", None, "most", 1),
    (6, "first output of the slowest command that reads", "s", "first output", None, "most", 0.02),
]
COLUMN = {"s": "seconds", "MiB": "peak_mib", "CPU s": "cpu", "x": "x", "B": "bytes", "MB": "bytes", "blocks": "blocks"}
KINDS = ("seconds", "cpu", "peak_mib", "read_mb", "written_mb")
CELL_BYTES, METRICS, DAYS, TYPICAL, ROWS_MOST = 2, 3, 400, 2000, 100000

STYLE = """
:root { --ground: #fff; --ink: #1c2024; --soft: #60646c; --line: #d9dce0; --ours: #0b6bcb; --theirs: #8b8f98; --good: #18794e; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ground: #15171a; --ink: #eceef0; --soft: #a0a6ad; --line: #34383d; --ours: #6cb6ff;
  --theirs: #7d838b; --good: #5bd0a0; --bad: #ff8f82; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; } p, figcaption { color: var(--soft); margin: .3rem 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; } caption { text-align: left; color: var(--soft); }
th, td { text-align: left; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.met { color: var(--good); font-weight: 600; } .missed { color: var(--bad); font-weight: 600; }
figure { margin: 0 0 1.6rem; } svg { width: 100%; min-width: 760px; height: auto; display: block; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg .soft { fill: var(--soft); } svg .axis { stroke: var(--line); stroke-width: 1; }
.ground { fill: var(--ground); } .bar-ours { fill: var(--ours); } .bar-theirs { fill: var(--theirs); }
"""


def shown(value, unit=""):
    """Three digits that count."""
    if value is None:
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"
    return f"{text} {unit}".strip()


def figures(b):
    """Derived ones beside those that were measured: {(name, accounts): {column: value}}."""
    at = {k: dict(v) for k, v in b.medians.items()}
    for r in b.results:
        if "bytes" in r:
            at[r["name"], r["accounts"]] = {"bytes": r["bytes"] / 1e6}
            if r["name"] == "usage file":
                at["usage bytes", r["accounts"]] = {"bytes": r["bytes"] / (r["accounts"] * METRICS * DAYS)}
    for (name, n), value in list(at.items()):
        if name == "pull":
            at["pull written", n] = {"x": value["written_mb"] * 1e6 / (n * METRICS * CELL_BYTES)}
        if name == "duckdb backfill" and ("walk", n) in at:
            value["cpu"] -= at["walk", n]["cpu"]  # both made the same points, which is not what is compared
    return at


def size_of(sizes, target):
    """The accounts that a target is held against: the most there are, and for SQLite the most that it is filled with."""
    line, _, _, _, theirs, _, _ = target
    if line == 6:
        return TYPICAL
    return max((n for n in sizes if n <= ROWS_MOST), default=None) if theirs == "sqlite" else sizes[-1]


def judge(at, sizes, target):
    """One line of the table; None where it was not measured."""
    line, what, unit, ours, theirs, how, bound = target
    column, n = COLUMN[unit], size_of(sizes, target)
    if column not in at.get((ours, n), {}) or (theirs and column not in at.get((theirs, n), {})):
        return None
    mine, other = at[ours, n][column], at[theirs, n][column] if theirs else None
    value = mine
    if how == "ratio":
        value = other / mine if mine else math.inf
    elif how == "growth":
        before = at.get((ours, n // 10), {}).get(column)
        if not before:
            return None
        value, other = mine / before, before
    return {"line": line, "what": what, "accounts": n, "unit": unit, "ours": mine, "theirs": other, "how": how, "value": value,
            "bound": bound, "met": value >= bound if how == "ratio" else value <= bound,
            "cpu_ratio": at[theirs, n]["cpu"] / at[ours, n]["cpu"] if unit == "s" and theirs and at[ours, n].get("cpu") and at[theirs, n].get("cpu")
            else None}


# pictures ---------------------------------------------------------------------------------------------------------------

def wide(name):
    """What is scrolled where the window is narrow, by the keyboard too."""
    return f"<div class='wide' role='region' tabindex='0' aria-label='{html.escape(name)}'>"


def picture(title, what, width, tall):
    """The beginning of one."""
    mark = "p" + "".join(c for c in title.lower() if c.isalnum())
    return (f"<figure>{wide(title)}<svg class='rp' viewBox='0 0 {width} {tall}' role='img' aria-labelledby='{mark}t {mark}d'>"
            f"<title id='{mark}t'>{html.escape(title)}</title><desc id='{mark}d'>{what}; the figures are in the table of all figures</desc>"
            f"<rect class='ground' width='{width}' height='{tall}'/>")


def bars(title, rows, unit):
    """Bars on a scale of powers of ten: (name, value, ours?)."""
    rows = [r for r in rows if r[1]]
    if not rows:
        return ""
    low, high = math.floor(math.log10(min(r[1] for r in rows))), math.ceil(math.log10(max(r[1] for r in rows)) + 0.001)
    width, left, step = 760, 250, 26
    place = lambda v: left + (math.log10(v) - low) / max(high - low, 1) * (width - left - 90)  # noqa: E731
    parts = [picture(title, f"{len(rows)} bars", width, step * len(rows) + 28)]
    for power in range(low, high + 1):
        parts.append(f"<line class='axis' x1='{place(10 ** power):.0f}' x2='{place(10 ** power):.0f}' y1='0' y2='{step * len(rows)}'/>"
                     f"<text class='soft' x='{place(10 ** power):.0f}' y='{step * len(rows) + 18}' text-anchor='middle'>"
                     f"{shown(10.0 ** power)}</text>")
    for i, (name, value, is_ours) in enumerate(rows):
        parts.append(f"<text x='{left - 8}' y='{i * step + 17}' text-anchor='end'>{html.escape(name)}</text>"
                     f"<rect class='bar-{'ours' if is_ours else 'theirs'}' x='{left}' y='{i * step + 4}' height='{step - 9}' "
                     f"width='{max(place(value) - left, 2):.1f}' rx='2'/>"
                     f"<text x='{max(place(value), left + 2) + 6:.1f}' y='{i * step + 17}'>{shown(value, unit)}</text>")
    return "".join(parts) + f"</svg></div><figcaption>{html.escape(title)}; the scale goes by powers of ten</figcaption></figure>"


def growth(at, sizes, names):
    """Time by accounts, both by powers of ten."""
    lines = [(label, is_ours, [(n, at[name, n]["seconds"]) for n in sizes if "seconds" in at.get((name, n), {})])
             for name, label, is_ours in names]
    lines = [line for line in lines if len(line[2]) > 1]
    if not lines:
        return ""
    values = [v for line in lines for _, v in line[2]]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 0.001)
    width, tall, left, right = 760, 340, 60, 280
    across = lambda n: left + math.log10(n / sizes[0]) / math.log10(sizes[-1] / sizes[0]) * (width - left - right)  # noqa: E731
    down = lambda v: 10 + (high - math.log10(v)) / max(high - low, 1) * (tall - 45)  # noqa: E731
    parts = [picture("Seconds by number of accounts", f"{len(lines)} lines", width, tall)]
    for power in range(low, high + 1):
        parts.append(f"<line class='axis' x1='{left}' x2='{width - right}' y1='{down(10 ** power):.0f}' y2='{down(10 ** power):.0f}'/>"
                     f"<text class='soft' x='{left - 8}' y='{down(10 ** power) + 4:.0f}' text-anchor='end'>{shown(10.0 ** power, 's')}</text>")
    for n in sizes:
        parts.append(f"<text class='soft' x='{across(n):.0f}' y='{tall - 8}' text-anchor='middle'>{n:,}</text>")
    taken = []
    for label, is_ours, points in sorted(lines, key=lambda line: -line[2][-1][1]):
        path = " ".join(f"{across(n):.0f},{down(v):.1f}" for n, v in points)
        color = "var(--ours)" if is_ours else "var(--theirs)"
        y = max(down(points[-1][1]) + 4, taken[-1] + 16 if taken else 0)
        taken.append(y)
        parts.append(f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='2.5'/>")
        parts += [f"<circle cx='{across(n):.0f}' cy='{down(v):.1f}' r='3.5' fill='{color}'/>" for n, v in points]
        parts.append(f"<text x='{across(points[-1][0]) + 10:.0f}' y='{y:.1f}'>{html.escape(label)} {shown(points[-1][1], 's')}</text>")
    return "".join(parts) + "</svg></div><figcaption>Seconds by number of accounts, both by powers of ten</figcaption></figure>"


# the page ---------------------------------------------------------------------------------------------------------------

def bound_of(how, bound, unit):
    return f"at least {shown(bound)}x" if how == "ratio" else f"at most {shown(bound, 'x' if how == 'growth' else unit)}"


def table_of_targets(judged):
    """Each target: met, missed or not measured."""
    rows, told = [], {(j["line"], j["what"]): j for j in judged}
    for line, what, unit, _, _, how, bound in TARGETS:
        j = told.get((line, what))
        if not j:
            rows.append(f"<tr><td class='n'>{line}</td><td>{html.escape(what)}</td>{'<td></td>' * 5}"
                        f"<td class='n'>{bound_of(how, bound, unit)}</td><td class='missed'>not measured</td></tr>")
            continue
        value = shown(j["value"], "x") if j["how"] in ("ratio", "growth") else shown(j["value"], j["unit"])
        rows.append(f"<tr><td class='n'>{j['line']}</td><td>{html.escape(j['what'])}</td><td class='n'>{j['accounts']:,}</td>"
                    f"<td class='n'>{shown(j['ours'], j['unit'])}</td><td class='n'>{shown(j['theirs'], j['unit']) if j['theirs'] else ''}</td>"
                    f"<td class='n'>{value}</td><td class='n'>{shown(j['cpu_ratio'], 'x') if j['cpu_ratio'] else ''}</td>"
                    f"<td class='n'>{bound_of(how, bound, unit)}</td>"
                    f"<td class='{'met' if j['met'] else 'missed'}'>{'met' if j['met'] else 'missed'}</td></tr>")
    return (wide("Targets") + "<table><tr><th class='n'>#</th><th>What</th><th class='n'>Accounts</th><th class='n'>Ours</th>"
            "<th class='n'>Theirs</th><th class='n'>Result</th><th class='n'>by CPU</th><th class='n'>Target</th><th>Met</th></tr>"
            + "".join(rows) + "</table></div>")


def table_of_all(results):
    rows = []
    for r in results:
        if "seconds" in r:
            rows.append(f"<tr><td>{html.escape(r['name'])}</td><td class='n'>{r['accounts']:,}</td><td class='n'>{r['n']}</td>"
                        + "".join(f"<td class='n'>{shown(r[k]) if k in r else ''}</td>" for k in KINDS) + "</tr>")
        else:
            rows.append(f"<tr><td>{html.escape(r['name'])}</td><td class='n'>{r['accounts']:,}</td><td></td><td></td><td></td><td></td><td></td>"
                        f"<td class='n'>{shown(r['bytes'] / 1e6)} in all</td></tr>")
    return (wide("All figures") + "<table><tr><th>What</th><th class='n'>Accounts</th><th class='n'>Runs</th><th class='n'>Seconds</th>"
            "<th class='n'>CPU s</th><th class='n'>Peak MiB</th><th class='n'>MB read</th><th class='n'>MB written</th></tr>"
            + "".join(rows) + "</table></div>")


NAMES = [("kernel", "the score on retaind's store", True), ("score", "retaind score, all signals", True), ("pull", "retaind pull of a day", True),
         ("duckdb tuned", "DuckDB, tuned", False), ("duckdb plain", "DuckDB, straightforward", False), ("duckdb day", "DuckDB, a day's CSV", False),
         ("postgresql", "PostgreSQL", False), ("sqlite", "SQLite SQL", False)]


METHOD = [
    "The workload's score is the same sum in SQL for the peers and, for retaind, a program of the bench on retaind's store and its file; "
    "`retaind score` is the command as it is shipped, which says far more of each account. In the clock of the workload's score: open, read, "
    "score, rank, commit the scores on disk. Not in it: what both sides have beforehand, DuckDB, SQLite and PostgreSQL their filled tables "
    "and indexes, retaind its packs of dated rows (made at the first score, and by each day's score for the accounts that changed; `first "
    "score` has making all of them). DuckDB's scores go to a temporary table and are not written. retaind's commands are timed as whole "
    "processes, start and end included; so is a day's CSV in DuckDB.",
    "Warm: files as the run before left them in the system's memory. Cold: the system's caches are emptied just before. Both use all "
    "cores. DuckDB keeps to its default limit of memory (80 % of the machine); with 1 GB it took a sixth longer when tried, so the pictures of memory "
    "are no ratio. Peak memory is the sum over all processes, shared pages counted once; the system's cache of files is nobody's.",
    "DuckDB has its rows by account, in which order it scores faster. In the order in which days come its file is smaller (`duckdb file, "
    "rows by day`), and may be smaller than retaind's. `explain` is of listed accounts, right after a score; when data came since, the "
    "whole base is looked at (`explain, data changed since the score`).",
    "Targets are made for 1,000,000 accounts (SQLite's for 100,000, those of line 6 for 2,000) and held against the most that this run had; "
    "with fewer, start-up and the least that a transaction writes weigh more.",
]


def told_of_answers(b):
    """Who said the same."""
    told = [f"{n:,} accounts: {', '.join(who)}" for n, who in b.agreed.items() if len(who) > 1]
    if not told:
        return "No answers were held against others: only one side ran."
    return "The same generated data on all sides; sums and the ranking of every owner's best 20 are equal at " + "; ".join(told) + "."


def page(b, judged, at, took):
    """The whole of report.html."""
    n = b.sizes[-1]
    chart = lambda size, column, unit, title: bars(  # noqa: E731
        title, [(label, at.get((name, size), {}).get(column), is_ours) for name, label, is_ours in NAMES], unit)
    rows = max((s for s in b.sizes if ("sqlite", s) in at), default=None)
    met, missing = sum(j["met"] for j in judged), len(TARGETS) - len(judged)
    parts = [f"<h1>{n:,} accounts, {METRICS} metrics, {DAYS} days: {met} of {len(judged)} targets met"
             f"{f', {missing} not measured' if missing else ''}{f', {len(b.failed)} of its parts failed' if b.failed else ''}</h1>",
             *(f"<p class='missed'>Failed: {html.escape(why)}</p>" for why in b.failed),
             f"<p>Medians, of as many runs as the table of all figures says, on {b.versions.get('cores')} cores in {took / 60:.0f} minutes. Wall "
             "time; the ratio by CPU stands beside it, for machines that had other work.</p>",
             f"<p>{html.escape(told_of_answers(b))}</p>", *(f"<p>{html.escape(text)}</p>" for text in METHOD),
             f"<p>{html.escape(', '.join(f'{k} {v}' for k, v in b.versions.items() if k != 'cores'))}</p>",
             "<h2>Targets</h2>", table_of_targets(judged), "<h2>Time</h2>", chart(n, "seconds", "s", f"Seconds at {n:,} accounts")]
    if rows and rows != n:
        parts.append(chart(rows, "seconds", "s", f"Seconds at {rows:,} accounts, with the peers that keep rows"))
    parts += ["<h2>Memory</h2>", chart(n, "peak_mib", "MiB", f"Peak memory at {n:,} accounts, all processes"),
              "<h2>Growth</h2>", growth(at, b.sizes, NAMES[:6]) or "<p>Only one size was measured.</p>", "<h2>All figures</h2>", table_of_all(b.results)]
    if b.notes:
        parts += ["<h2>Notes</h2>", "".join(f"<p>{html.escape(note)}</p>" for note in b.notes)]
    return ("<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<title>Bench of retaind</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n")


def make(b, took):
    """Writes both files; returns the targets with what became of them."""
    at = figures(b)
    judged = [j for j in (judge(at, b.sizes, target) for target in TARGETS) if j]
    to = Path(b.options.to)
    to.mkdir(parents=True, exist_ok=True)
    (to / "report.json").write_text(json.dumps({"accounts": b.sizes, "seconds": round(took, 1), "versions": b.versions, "targets": judged,
                                                "results": b.results, "agreed": {n: sorted(who) for n, who in b.agreed.items()},
                                                "notes": b.notes,
                                                "failed": b.failed}, indent=1) + "\n", encoding="utf-8")
    (to / "report.html").write_text(page(b, judged, at, took), encoding="utf-8")
    return judged


def tell(b, judged, took):
    """The same for a terminal."""
    for j in judged:
        print(f"{'met   ' if j['met'] else 'MISSED'} L{j['line']} {j['what']} ({j['accounts']:,}): {shown(j['ours'], j['unit'])}"
              + (f" against {shown(j['theirs'], j['unit'])}" if j["theirs"] else "")
              + f" = {shown(j['value'])}, {'at least' if j['how'] == 'ratio' else 'at most'} {shown(j['bound'])}"
              + (f"; by CPU {shown(j['cpu_ratio'])}" if j["cpu_ratio"] else ""))
    told = {(j["line"], j["what"]) for j in judged}
    for line, what, *_ in TARGETS:
        if (line, what) not in told:
            print(f"NOT MEASURED L{line} {what}")
    for why in b.failed:
        print(f"FAILED {why}")
    to = Path(b.options.to)
    print(f"{to}/report.html, {to}/report.json: {sum(j['met'] for j in judged)} of {len(judged)} targets met, "
          f"{len(TARGETS) - len(judged)} not measured, in {took / 60:.1f} min")
