#!/usr/bin/env python3
"""Writes what the bench measured into a page, between its marks: a table by number of accounts, and what follows from it.

Usage: scale.py REPORT_JSON PAGE"""
import json
import re
import sys
from pathlib import Path

from report import shown

MARKS = ("<!-- measured -->", "<!-- end of measured -->")
# (words, name of the result, column, unit)
ROWS = [
    ("scoring a day, all signals", "score", "seconds", "s"),
    ("its CPU, all processes", "score", "cpu", "s"),
    ("its peak memory, all processes", "score", "peak_mib", "MiB"),
    ("the first score of a new database", "first score", "seconds", "s"),
    ("a day's usage by CSV", "pull", "seconds", "s"),
    ("bytes written by it", "pull", "written_mb", "MB"),
    ("explain of one account", "explain", "seconds", "s"),
    ("list of one owner", "accounts --owner", "seconds", "s"),
    ("digests of all owners (200 accounts each)", "digests", "seconds", "s"),
    ("the database", "database", "bytes", "MB"),
    ("usage in it", "usage file", "bytes", "MB"),
]
SCORE_TIMEOUT_S, PULL_TIMEOUT_S, DISK, MEMORY_MIB = 900, 1800, 500e9, 4096


def by_size(report):
    return {(r["name"], r["accounts"]): {**r, "bytes": r.get("bytes", 0) / 1e6} for r in report["results"]}


def table(report):
    sizes, at = report["accounts"], by_size(report)
    lines = ["| | " + " | ".join(f"{n:,} accounts" for n in sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    for words, name, column, unit in ROWS:
        cells = [shown(at[name, n][column], unit) if (name, n) in at else "" for n in sizes]
        if any(cells):
            lines.append(f"| {words} | " + " | ".join(cells) + " |")
    return lines


def rounded(n):
    """Two digits that count: more would say more than is known."""
    digits = 10 ** (len(str(int(n))) - 2)
    return f"{int(n // digits * digits):,}"


def limits(report):
    """The number of accounts at which each of the bounds would be reached, going on as from the last size but one."""
    sizes, at = report["accounts"], by_size(report)
    found = []
    for words, name, column, bound in [
            ("a day is scored within `score_timeout` (15 minutes)", "score", "seconds", SCORE_TIMEOUT_S),
            ("a day's CSV is read within `pull_timeout` (30 minutes)", "pull", "seconds", PULL_TIMEOUT_S),
            ("scoring needs at most 4 GiB of memory", "score", "peak_mib", MEMORY_MIB),
            ("the database fits into half of a terabyte", "database", "bytes", DISK / 1e6)]:
        if (name, sizes[-1]) in at and len(sizes) > 1 and (name, sizes[-2]) in at:
            low, high = at[name, sizes[-2]][column], at[name, sizes[-1]][column]
            each = (high - low) / (sizes[-1] - sizes[-2])
            if each > 0:
                found.append(((bound - high) / each + sizes[-1], words))
    return [f"- up to about {rounded(n)} accounts {words}" for n, words in sorted(found)]


def main(report_path, page_path):
    report, page = json.loads(Path(report_path).read_text(encoding="utf-8")), Path(page_path)
    versions = ", ".join(f"{k} {v}" for k, v in report["versions"].items() if k in ("cores", "SQLite"))
    measured = [*table(report), "", f"(`make bench`, medians; {versions})", "", "Going on in a straight line from the last two sizes:", "",
                *limits(report)]
    text = page.read_text(encoding="utf-8")
    between = re.escape(MARKS[0]) + ".*" + re.escape(MARKS[1])
    if not re.search(between, text, re.S):
        sys.exit(f"{page}: has no place for it")
    page.write_text(re.sub(between, lambda _: "\n".join([MARKS[0], *measured, MARKS[1]]), text, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
