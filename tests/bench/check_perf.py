#!/usr/bin/env python3
"""How many instructions score, ingest and map take on small inputs that are always the same, against tests/bench/baseline.

usage: tests/bench/check_perf.py BUILD           counts, and says what moved; exit 1 beyond 3 %
       tests/bench/check_perf.py BUILD --write   writes the baseline anew

Counted by callgrind, and only in functions of the program itself: what libc, SQLite or libyaml take depends on the machine and
its packages (libc chooses its copies by the processor at hand). What is left depends on the compiler, which the baseline
names: with another one there is nothing to compare, and the check says so and passes, as it does without valgrind.
"""
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "tests" / "bench" / "baseline"
LIMIT = 0.03
TOLD = 8           # functions that are named when a sum moved
KEPT = 0.003       # of the sum: smaller functions are not kept by name
HEAD = """\
# Instructions by function, as `make check-perf` counts them; `make perf-baseline` writes this file.
# A sum may move by 3 %. A change that makes one larger raises it here in its own commit, and says there what it is paid for:
# a number that was raised without a reason is how a program gets slow.
"""
NOW = "2026-02-16T08:00:00Z"
ACCOUNTS, TICKETS, DAYS, W_ACCOUNTS = 300, 2500, 60, 500
ORG = """\
title: Counted
zone: Europe/Paris
currency: EUR
sources:
  exports:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map: [ {to: name, from: name}, {to: plan, from: plan}, {to: seats, from: seats}, {to: segment, from: segment} ]
      subscriptions:
        match: subscriptions.csv
        entity: subscription
        key: id
        account: {from: account, by: key}
        map: [ {to: plan, from: plan}, {to: seats, from: seats}, {to: mrr_minor, from: mrr}, {to: currency, value: EUR},
               {to: start_on, from: start}, {to: renewal_on, from: renewal} ]
      tickets:
        match: tickets.csv
        entity: ticket
        key: id
        account: {from: account, by: key}
        map: [ {to: subject, from: subject}, {to: body, from: body}, {to: opened_at, from: opened}, {to: closed_at, from: closed},
               {to: priority, from: priority} ]
      usage:
        match: usage.csv
        entity: usage
        account: {from: account, by: key}
        map: [ {to: metric, from: metric}, {to: day, from: day}, {to: value, from: value} ]
"""
SAID = ["The report does not open any more", "How do I add a colleague?", "We are thinking about cancelling our contract at the end of "
        "the year", "Login is slow since Monday", "Thanks, that helped a lot", "Could you send us an offer for ten more seats?",
        "The export fails again and again", "Nobody answered our last three messages"]


def day(age):
    """The civil date so many days before the 16th of February 2026."""
    from datetime import date, timedelta
    return str(date(2026, 2, 16) - timedelta(days=age))


def rows():
    """The files of the CSV source, by name; plain arithmetic stands for chance."""
    yield "accounts.csv", ["id,name,plan,seats,segment"] + [
        f"a{i},Company {i},{'team' if i % 3 else 'solo'},{5 + i % 40},{('small', 'mid', 'large')[i % 3]}" for i in range(ACCOUNTS)]
    yield "subscriptions.csv", ["id,account,plan,seats,mrr,start,renewal"] + [
        f"s{i},a{i},{'team' if i % 3 else 'solo'},{5 + i % 40},{900 + 37 * i % 5000}.00,{day(400 + i % 300)},{day(-(i * 7 % 330))}"
        for i in range(ACCOUNTS)]
    yield "tickets.csv", ["id,account,subject,body,opened,closed,priority"] + [
        f"t{i},a{i * 31 % ACCOUNTS},\"{SAID[i % 8]}\",\"{SAID[i * 5 % 8]}. {SAID[i * 3 % 8]}\",{day(i * 13 % 300)}T09:{i % 60:02}:00Z,"
        f"{day(max(0, i * 13 % 300 - i % 20)) + 'T10:00:00Z' if i % 4 else ''},{('low', 'normal', 'high', 'urgent')[i % 4]}"
        for i in range(TICKETS)]
    yield "usage.csv", ["account,metric,day,value"] + [
        f"a{i},{metric},{day(age)},{1 + (i * 7 + age * 13 + number * 5) % (30 if i % 9 or age > 20 else 3)}"
        for i in range(ACCOUNTS) for number, metric in enumerate(("logins", "reports")) for age in range(DAYS)
        if (i * 5 + age * 3 + number) % 10 < 7]


def counted(path, program):
    """Instructions by function of that program, from callgrind's own file: what a function took itself."""
    counts, names, own, function, is_call = Counter(), {}, False, "", False
    for line in open(path, encoding="utf-8", errors="replace"):
        key, _, rest = line.rstrip("\n").partition("=")
        if key in ("ob", "cob", "fn", "cfn") and rest:
            number, _, name = rest.partition(" ")
            kind = key[-2:]
            if name:
                names[kind, number] = name
            if key == "ob":
                own = os.path.basename(names[kind, number]) == program
            elif key == "fn":
                function = re.split(r"[.']", names[kind, number])[0]
        elif key == "calls":
            is_call = True
        elif line[0] in "+-*0123456789":
            if own and not is_call:
                counts[function] += int(line.split()[1])
            is_call = False
    return counts


def compiler_of(program):
    return " ".join(sorted(set(re.findall(r"(?:GCC: \([^)]*\)|clang version) [\d.]+", Path(program).read_bytes().decode("latin-1")))))


def read_baseline(path):
    """The compiler, and counts by task; those of a task as a whole under ''."""
    compiler, tasks = "", {}
    for line in path.read_text().splitlines():
        words = line.split("\t")
        if line.startswith("compiler\t"):
            compiler = words[1]
        elif line and not line.startswith("#"):
            tasks.setdefault(words[0], {})["" if words[1] == "all" else words[1]] = int(words[2])
    return compiler, tasks


def write_baseline(path, compiler, results):
    lines = [f"compiler\t{compiler}"]
    for task, counts in results.items():
        whole = sum(counts.values())
        lines.append(f"{task}\tall\t{whole}")
        lines += [f"{task}\t{name}\t{n}" for name, n in Counter(counts).most_common() if n > KEPT * whole]
    path.write_text(HEAD + "\n".join(lines) + "\n")


def compare(before, counts):
    """Whether it is within the limit, and lines that say so: the sum, and the functions that moved most."""
    whole, was = sum(counts.values()), before[""]
    share = whole / was - 1
    lines = [f"{whole:,} instructions, {was:,} in the baseline: {100 * share:+.1f} %"]
    if abs(share) > LIMIT / 3:
        moved = {name: counts.get(name, 0) - n for name, n in before.items() if name}
        moved.update({name: n for name, n in counts.items() if name not in before and n > 2 * KEPT * whole})
        for name, by in sorted(moved.items(), key=lambda item: -abs(item[1]))[:TOLD]:
            lines.append(f"    {name}: {by:+,} ({100 * by / was:+.1f} % of all)")
    return abs(share) <= LIMIT, lines


def call(words, **how):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}, **how)
    if done.returncode:
        sys.exit(f"{' '.join(str(word) for word in words)}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")


def organisation(folder):
    """An organisation that pulls from CSV files, nothing pulled yet."""
    shutil.copytree(ROOT / "config", folder / "config")
    for path in [folder / "config", *(folder / "config").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(folder / "config" / "orgs")
    (folder / "config" / "orgs").mkdir()
    (folder / "files").mkdir()
    for name, lines in rows():
        (folder / "files" / name).write_text("\n".join(lines) + "\n")
        (folder / "files" / name).chmod(0o600)
    (folder / "config" / "retaind.yaml").write_text(f"state: {folder}/state\n")
    (folder / "config" / "orgs" / "counted.yaml").write_text(ORG % (folder / "files"))


def measure(build):
    folder = ROOT / "build" / "perf"
    retaind, makes = build / "retaind", build / "bench" / "bench_workload"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "w").mkdir(parents=True)
    os.umask(0o022)
    organisation(folder)
    call([makes, "make", folder / "w", W_ACCOUNTS], cwd=ROOT)
    score = [retaind, "score", "--config", folder / "w" / "config", "--as-of"]
    call([*score, "2026-02-13", "-q"])

    def count(name, words):
        out = folder / f"{name}.callgrind"
        call(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *words])
        return counted(out, os.path.basename(words[0]))

    def ingest():
        found = count("ingest", [retaind, "pull", "--config", folder / "config", "--now", NOW, "-q"])
        return found, count("texts", [retaind, "score", "--config", folder / "config", "--as-of", "2026-02-16", "-q"])

    with ThreadPoolExecutor(3) as pool:
        scored = pool.submit(count, "score", [*score, "2026-02-16", "-q"])
        pulled = pool.submit(ingest)
        mapped = pool.submit(count, "map", [build / "bench" / "bench_map", "4000"])
        return {"score": scored.result(), "score of texts": pulled.result()[1], "ingest": pulled.result()[0],
                "map": mapped.result()}


def main():
    build, is_writing = (ROOT / sys.argv[1]).resolve(), "--write" in sys.argv
    compiler = compiler_of(build / "retaind")
    if not shutil.which("valgrind"):
        print("check-perf: skipped: valgrind is not installed")
        return 0
    if not is_writing and not BASELINE.exists():
        print("check-perf: there is no baseline: make perf-baseline")
        return 1
    known, tasks = read_baseline(BASELINE) if not is_writing else (compiler, {})
    if known != compiler:
        print(f"check-perf: skipped: the baseline is {known or 'of no compiler'}'s, this build {compiler}'s")
        return 0
    results = measure(build)
    if is_writing:
        write_baseline(BASELINE, compiler, results)
        print(f"check-perf: wrote {BASELINE.relative_to(ROOT)}: " +
              ", ".join(f"{task} {sum(counts.values()):,}" for task, counts in results.items()))
        return 0
    is_fine = True
    for task, counts in results.items():
        fits, lines = compare(tasks.get(task, {"": 1}), counts)
        is_fine = is_fine and fits
        print(f"check-perf: {task}: {'ok' if fits else 'MOVED'}: " + "\n".join(lines))
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
