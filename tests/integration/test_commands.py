#!/usr/bin/env python3
"""Commands as people use and misuse them, over one small organisation."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, DATA, run  # noqa: E402

NOW = ("--now", "2024-12-20T09:00:00Z")
CSM = "clara@ravenstack.example"


def load(case, more_sources=""):
    text = (DATA / "ravenstack" / "org.yaml").read_text()
    text = text.replace("@FOLDER@", str(DATA / "ravenstack")).replace("@DIGESTS@", str(case.tmp / "digests"))
    case.org(text.replace("sources:\n", "sources:\n" + more_sources), name="raven")


def test_once_with_a_broken_source(case):
    """A source whose key can't be read is told with 78, and the cycle goes on with what the others brought."""
    load(case, "  crm: {connector: hubspot, secrets: {token: 'env:NO_SUCH_TOKEN'}}\n")
    result = case.retaind("once", *NOW, expect=78)
    assert "NO_SUCH_TOKEN" in result.stderr, result.stderr
    assert case.query("SELECT count(*) FROM score_day", name="raven")[0][0] > 0, result.stdout
    assert case.query("SELECT count(*) FROM digest", name="raven")[0][0] > 0, result.stdout


def test_once_without_a_configuration(case):
    """Where the configuration has mistakes or the command line is wrong, no stage is tried, and it is told once."""
    load(case)
    (case.tmp / "config/orgs/raven.yaml").write_text("zone: UTC\n")
    result = case.retaind("once", *NOW, expect=78)
    assert result.stderr.count("currency") == 1 and not result.stdout, result
    load(case)
    result = case.retaind("once", "--org", "rave", expect=64)
    assert result.stderr.count("no organisation `rave`") == 1 and not (case.tmp / "state").exists(), result


def test_wrong_uses(case):
    """A wrong command line ends with 64, says what is expected and where to read on, and changes nothing."""
    load(case)
    case.retaind("pull", "-q", *NOW)
    for words, says in (
            (["accounts", "--engine", "x"], "--engine is `x`, expected defense or expansion"),
            (["deliveries", "lst"], "no action `lst`, expected list, show, retry, cancel or audit"),
            (["deliveries", "--state", "pendin"], "--state is `pendin`, expected pending"),
            (["deliveries", "show"], "show takes the number of a delivery"),
            (["deliveries", "list", "3"], "list takes no number"),
            (["deliveries", "--limit", "0"], "--limit is `0`, expected 1 to 100000"),
            (["deliver", "--wait", "1h"], "--wait is `1h`, expected 1 to 86400"),
            (["digest", "--day", "monday"], "--day is `monday`, expected a day such as 2026-03-01"),
            (["digest", "--owner", "nobody@ravenstack.example"], "raven has no owner `nobody@ravenstack.example`"),
            (["digest", "--as-of", "2024-12-01"], "a digest says what is known today"),
            (["once", "--as-of", "2024-12-01"], "a cycle is of today"), (["next", "--zone", "Mars/X"], "no time zone 'Mars/X'"),
            (["preview"], "give --owner"),
            (["preview", "--owner", CSM, "--format", "pdf"], "--format is `pdf`, expected text"),
            (["score", "--from", "2024-12-20", "--to", "2024-12-01"], "expected days from --from up to --to"),
            (["pull", "--source", "crm"], "raven has no source `crm`"),
            (["pull", "--limit", "5"], "--limit goes with --dry-run only"),
            (["nrr", "--by", "moon"], "--by is `moon`, expected month"),
            (["nrr", "--currency", "EURO"], "--currency is `EURO`"),
            (["nrr", "--window", "0"], "--window is `0`, expected 1 to 120"),
            (["explain", "A-1", "--format", "csv"], "expected table or json"),
            (["snooze", "1"], "--until is missing"), (["snooze", "one", "--until", "2030-01-01"], "expected its number"),
            (["dismiss", "1"], "--reason is missing"), (["next"], "give either --owner or --zone"),
            (["backup", "--org", "rave"], "no organisation `rave`, expected one of raven"),
            (["migrate", "--org", "rave"], "no organisation `rave`"), (["check", "--org", "rave"], "no organisation `rave`"),
            (["run", "--org", "raven"], "--org, --now and --as-of go with the other")):
        result = case.retaind(*words, *NOW, expect=64)
        assert says in result.stderr, (words, result.stderr)
        assert f"Try `retaind help {words[0]}`." in result.stderr and not result.stdout, (words, result)


def test_quiet_check(case):
    """check -q says only what went wrong, and nothing when all is well."""
    load(case)
    assert case.retaind("check", "-q").stdout == ""
    load(case, "  crm: {connector: hubspot, secrets: {token: 'env:NO_SUCH_TOKEN'}}\n")
    lines = case.retaind("check", "-q", expect=78).stdout.splitlines()
    assert len(lines) == 2 and "NO_SUCH_TOKEN" in lines[1], lines


def test_amounts_in_a_currency_that_nobody_pays_in(case):
    """nrr in a currency without revenue shows zeros of that currency, not of another."""
    load(case)
    case.retaind("pull", "-q", *NOW)
    shown = case.retaind("nrr", "--currency", "JPY", *NOW).stdout
    assert "JPY 0" in shown and "USD" not in shown, shown


def test_full_disk_of_help(case):
    """Help and version that can't be written are no success either."""
    with open("/dev/full", "w") as full:
        for words in (["--version"], ["--help"], ["check", "--help"], ["help", "check"]):
            done = subprocess.run([BIN, *words], stdout=full, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 74, (words, done)


def test_help_is_whole(case):
    """Help of a command names each option once, and the manual page has every exit code that a command ends with."""
    listed = subprocess.run([BIN, "help"], capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"^  (\w+) ", listed, re.M):
        text = subprocess.run([BIN, "help", command], capture_output=True, text=True, check=True).stdout
        options = re.findall(r"^  --([\w-]+)", text, re.M)
        assert len(options) == len(set(options)), (command, options)
    page = subprocess.run([BIN, "help", "--man"], capture_output=True, text=True, check=True).stdout
    codes = re.findall(r"^\.B (\d+)$", page.split(".SH EXIT STATUS")[1], re.M)
    assert codes == ["0", "1", "64", "65", "70", "74", "75", "78"], codes


def test_an_owner_in_capitals(case):
    """An owner's address is found however it is written."""
    load(case)
    case.retaind("pull", "-q", *NOW)
    with open(case.tmp / "config/orgs/raven.yaml", "a") as f:
        f.write("score:\n  bands: {watch: 1, at_risk: 1.1, emerging: 1.1, ready: 2, leave: 0.9}\n"
                "  signals: {support_tension: {low: -2, high: 2}, seat_use: {low: 9, high: 0}}\n")
    case.retaind("score", "-q", "--from", "2024-12-10", "--to", "2024-12-20", *NOW)
    plain = case.retaind("accounts", "--owner", CSM, "--format", "csv", *NOW).stdout
    shouted = case.retaind("accounts", "--owner", CSM.upper(), "--format", "csv", *NOW).stdout
    assert plain.count("\n") > 1 and plain == shouted, plain


os.environ.pop("NO_SUCH_TOKEN", None)
run(globals())
