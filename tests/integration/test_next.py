#!/usr/bin/env python3
"""Slots as the program tells them, against vectors computed elsewhere and against zdump."""
import csv
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, DATA, HEAVY, SHARED, Skip, run

ZONEINFO = Path("/usr/share/zoneinfo")


def slots(zone, at, first, days, expect=0):
    """Rows of `next --zone` as a list of (local, kind, utc)."""
    done = subprocess.run([BIN, "next", "--zone", zone, "--at", at, "--from", str(first), "--days", str(days), "--format", "csv"],
                          capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == expect, f"{zone}: exit {done.returncode}: {done.stderr}"
    rows = [tuple(row) for row in csv.reader(done.stdout.splitlines())]
    assert expect or rows.pop(0) == ("local", "kind", "utc")
    return rows


def vectors(path):
    with open(path) as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [(row["zone"], row["local"], row["kind"], row["utc"]) for row in rows]


def runs(rows):
    """Groups rows by zone and time of day into stretches of days that are less than a year apart: one process each."""
    groups = {}
    for zone, local, kind, utc in rows:
        groups.setdefault((zone, local[11:]), []).append((date.fromisoformat(local[:10]), local, kind, utc))
    for (zone, at), group in sorted(groups.items()):
        group.sort()
        stretch = []
        for row in group:
            if stretch and (row[0] - stretch[-1][0]).days > 5000:
                yield zone, at, stretch
                stretch = []
            stretch.append(row)
        yield zone, at, stretch


def compare(path):
    rows = vectors(path)
    processes = compared = 0
    for zone, at, stretch in runs(rows):
        got = {row[0]: row for row in slots(zone, at, stretch[0][0], (stretch[-1][0] - stretch[0][0]).days + 1)}
        processes += 1
        for _, local, kind, utc in stretch:
            assert got[local] == (local, kind, utc), f"{zone}: {got[local]}, not {(local, kind, utc)}"
            compared += 1
    assert compared == len(rows)
    return f"{compared} rows by {processes} processes"


def test_vectors(case):
    """Every row of the excerpt of wall times is told as computed elsewhere."""
    print("   ", compare(DATA / "schedule_vectors.csv"))


def test_all_vectors(case):
    """Every row of the whole table of wall times is told as computed elsewhere."""
    whole = SHARED / "data" / "schedule_vectors.csv"
    if not whole.exists():
        raise Skip("the whole table is not here")
    print("   ", compare(whole))


def test_refusals(case):
    """Unknown zones, bad times, bad days and missing choices end with an error, never with UTC."""
    for zone in ["Europe/Pariss", "", "../../etc/passwd", "Europe"]:
        slots(zone, "08:00", "2026-01-01", 1, expect=64)
    slots("UTC", "25:00", "2026-01-01", 1, expect=64)
    slots("UTC", "08:00", "2026-02-30", 1, expect=64)
    slots("UTC", "08:00", "2026-01-01", 0, expect=64)
    done = subprocess.run([BIN, "next"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 64 and "--owner" in done.stderr, done.stderr


ORG = """title: Acme
zone: Europe/Paris
currency: EUR
holidays: [closed]
channels:
  out: {{ kind: file, folder: "{tmp}" }}
sources:
  files: {{ connector: csv, folder: "{tmp}", files: {{ a: {{ match: "*.csv", entity: account, key: id, map: [{{ to: name, from: name }}] }} }} }}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "02:30", channels: [out] }}
  - {{ email: bob@acme.example, name: Bob, role: am, at: "08:00", zone: Asia/Riyadh, days: [sun, mon, tue, wed, thu], channels: [out] }}
"""


def test_owner(case):
    """An owner's coming slots leave out weekends of that owner and holidays of the organisation."""
    case.org(ORG.format(tmp=case.tmp))
    case.write("config/holidays/closed.yaml", "- 2026-03-31\n")
    command = ["next", "--now", "2026-03-27T00:00:00Z", "--format", "csv", "--owner"]
    rows = case.retaind(*command, "ada@acme.example", "--count", "4").stdout.splitlines()
    assert rows == ["local,kind,utc", "2026-03-27T02:30,normal,2026-03-27T01:30:00Z", "2026-03-30T02:30,normal,2026-03-30T00:30:00Z",
                    "2026-04-01T02:30,normal,2026-04-01T00:30:00Z", "2026-04-02T02:30,normal,2026-04-02T00:30:00Z"], rows
    rows = case.retaind(*command, "bob@acme.example", "--count", "2").stdout.splitlines()
    assert rows[1:] == ["2026-03-29T08:00,normal,2026-03-29T05:00:00Z", "2026-03-30T08:00,normal,2026-03-30T05:00:00Z"], rows
    case.retaind(*command, "eve@acme.example", expect=64)
    told = case.retaind("next", "--owner", "ada@acme.example", "--count", "10", "--at", "2026-03-27T01:30:00Z", "--format", "csv")
    days = [row[:10] for row in told.stdout.splitlines()[1:]]
    assert days == [f"2026-{d}" for d in "03-30 04-01 04-02 04-03 04-06 04-07 04-08 04-09 04-10 04-13".split()], days
    assert "expected with --owner an instant" in case.retaind("next", "--owner", "ada@acme.example", "--at", "08:00", expect=64).stderr


def transitions(zone):
    """[(instant, offset from then on)] from 1970 to 2100 as zdump tells them."""
    out = subprocess.run(["zdump", "-v", "-c", "1969,2101", zone], capture_output=True, text=True, check=True).stdout
    found = []
    for line in out.splitlines():
        words = line.split()
        if len(words) != 16 or words[6] not in ("UT", "UTC", "GMT"):
            continue  # the ends of time that zdump prints as NULL
        at = datetime.strptime(" ".join(words[2:6]), "%b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)
        found.append((int(at.timestamp()), int(words[15].removeprefix("gmtoff="))))
    return found


def wall_to_instant(changes, wall):
    """RFC 5545 over zdump's offsets: the first instant with this wall time, else by the offset before the gap."""
    i = max((i for i, change in enumerate(changes) if change[0] <= wall - 200000), default=0)
    while i + 1 < len(changes) and wall - changes[i][1] >= changes[i + 1][0]:
        i += 1
    start, offset = changes[i]
    return wall - offset if wall - offset >= start else wall - changes[i - 1][1]


def test_zdump(case):
    """The days around every change of every installed zone from 1970 to 2100 agree with zdump."""
    if not HEAVY:
        raise Skip("RETAIND_HEAVY is not set")
    if not shutil.which("zdump"):
        raise Skip("zdump is not installed")
    seen, zones, compared = set(), 0, 0
    for path in sorted(ZONEINFO.rglob("*")):
        name = str(path.relative_to(ZONEINFO))
        if not path.is_file() or name.startswith(("posix/", "right/")) or path.read_bytes()[:4] != b"TZif":
            continue
        if path.read_bytes() in seen:
            continue  # another name of a zone that was compared
        seen.add(path.read_bytes())
        zones += 1
        changes = transitions(str(path))
        if not changes:
            continue
        first = date(1970, 1, 2)
        for at in ("00:30", "02:30", "12:00"):
            told = slots(name, at, first, 47800)
            days = {(datetime.fromtimestamp(c[0], timezone.utc).date() + timedelta(days=d)) for c in changes for d in (-2, -1, 0, 1, 2)}
            for day in days:
                index = (day - first).days
                if not 0 <= index < len(told):
                    continue
                local, kind, utc = told[index]
                if kind == "skipped_day":
                    continue
                wall = int(datetime.fromisoformat(local).replace(tzinfo=timezone.utc).timestamp())
                if wall < changes[0][0] + 200000:
                    continue  # before the first change zdump says no offset
                expected = wall_to_instant(changes, wall)
                got = int(datetime.strptime(utc, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp())
                assert got == expected, f"{name} {local}: {got}, zdump says {expected}"
                compared += 1
    print(f"    {zones} zones, {compared} wall times")
    assert zones > 200 and compared > 100000


run(globals())
