#!/usr/bin/env python3
"""calibrate: what is learnt from an organisation's own history, when the priors stay, and that what was written is used."""
import datetime
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

TODAY = datetime.date(2026, 3, 2)
DAYS = 1000
NOW = f"{TODAY}T08:00:00Z"

ORG = """
title: Acme
zone: UTC
currency: EUR
sources:
  files:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - { to: name, from: id }
      contracts:
        match: contracts.csv
        entity: subscription
        key: id
        account: { from: id, by: key }
        map:
          - { to: mrr_minor, value: "10000" }
          - { to: currency, value: EUR }
          - { to: start_on, from: start }
          - { to: end_on, from: end }
      usage:
        match: usage.csv
        entity: usage
        account: { from: id, by: key }
        map:
          - { to: metric, value: logins }
          - { to: day, from: day }
          - { to: value, from: logins }
%s
"""


def world(case, n_accounts, loss_a_month, quiet_before_loss, seed=1, score="", is_paid=True):
    """Accounts that come and go over a thousand days. Everybody has lean months that mean nothing; who is lost falls all
    but silent for eight weeks before, if quiet_before_loss. Nothing says that they pay without is_paid. Returns the
    first and last day of each."""
    exports, rng = case.tmp / "exports", random.Random(seed)
    exports.mkdir()
    accounts, contracts, usage, spans = ["id"], ["id,start,end"], ["id,day,logins"], {}
    for number in range(n_accounts):
        name, start = f"a{number:03}", rng.randrange(0, 400)
        end = next((day for day in range(start + 120, DAYS - 5, 30) if rng.random() < loss_a_month), None)
        accounts.append(name)
        begin = TODAY - datetime.timedelta(days=DAYS - start)
        over = "" if end is None else str(TODAY - datetime.timedelta(days=DAYS - end))
        if is_paid:
            contracts.append(f"{name},{begin},{over}")
        spans[name] = (start, end)
        rate = 0.5
        for day in range(start, end or DAYS):
            if (day - start) % 60 == 0:
                rate = rng.choice([0.15, 0.5, 0.7, 0.7])
            quiet = quiet_before_loss and end and day > end - 56
            if rng.random() < (0.02 if quiet else rate):
                usage.append(f"{name},{TODAY - datetime.timedelta(days=DAYS - day)},{rng.randrange(1, 9)}")
    for file, lines in (("accounts", accounts), ("contracts", contracts), ("usage", usage)):
        (exports / f"{file}.csv").write_text("\n".join(lines) + "\n")
    case.org(ORG % (exports, score))
    case.retaind("pull", "--now", NOW)
    return spans


def weights(case):
    return sorted((case.tmp / "state" / "orgs" / "acme" / "weights").glob("*"))


def calibrate(case, *args):
    return case.retaind("calibrate", "--now", NOW, *args).stdout


def risks(case):
    case.retaind("score", "--now", NOW, "-q")
    return case.query("SELECT account_id, risk FROM score_day ORDER BY account_id"), \
        case.query("SELECT DISTINCT hash FROM score_day JOIN config_seen ON id = config")[0][0]


def test_learnt(case):
    """A history is learnt where that is better out of sample: the weights are a file with their quality inside, score and
    explain use it, the version of the configuration is another, and `weights: priors` goes back to the same bytes."""
    world(case, 160, 0.03, True)
    before = risks(case)
    told = json.loads(calibrate(case, "--engine", "defense", "--dry-run", "--format", "json"))
    assert told[0]["kept"] == "fitted" and float(told[0]["log_loss_fit"]) < float(told[0]["log_loss_priors"]), told
    assert not weights(case)
    said = calibrate(case, "--engine", "defense")
    assert "defense: fitted:" in said and "written:" in said, said
    file, = weights(case)
    assert file.name == "0001.yaml" and file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    for part in ("fitted_on: 2026-03-02", "judged_events:", "before:", "after:", "gain:", "silence:", "logit:"):
        assert part in text, (part, text)
    after = risks(case)
    assert after[0] != before[0] and after[1] != before[1]
    assert "figures of days up to then are too good" in case.retaind("backtest", "--now", NOW).stdout.replace("\n", " ")
    calibrate(case, "--engine", "defense")
    second = weights(case)[1]
    assert second.name == "0002.yaml" and second.read_text() == text
    org = case.tmp / "config" / "orgs" / "acme.yaml"
    with open(org, "a") as out:
        out.write("score: { weights: priors }\n")
    assert risks(case)[0] == before[0]
    org.write_text(org.read_text().replace("weights: priors", "weights: '0001'"))
    assert risks(case)[0] == after[0]


def test_few(case):
    """With few losses nothing is fitted and nothing written, and it says why."""
    world(case, 30, 0.004, True)
    said = calibrate(case, "--engine", "defense")
    assert "the priors stay" in said and "too few to learn from" in said, said
    assert not weights(case)


def test_noise(case):
    """Where nothing tells accounts apart, the priors stay."""
    world(case, 160, 0.03, False)
    said = calibrate(case, "--engine", "defense")
    assert "the priors stay" in said and "log loss" in said, said
    assert not weights(case)


def test_panel_of_unpaid(case):
    """A panel's accounts teach though nothing says that they pay: neither a subscription, nor ARR, nor is_customer."""
    spans, lines = world(case, 160, 0.03, True, is_paid=False), ["acct,date,y"]
    for day in range(150, DAYS - 90, 30):
        for name, (start, end) in spans.items():
            if start < day and (end is None or day < end):
                date = TODAY - datetime.timedelta(days=DAYS - day)
                lines.append(f"{name},{date},{int(end is not None and end <= day + 90)}")
    panel = case.tmp / "panel.csv"
    panel.write_text("\n".join(lines) + "\n")
    told = json.loads(calibrate(case, "--panel", str(panel), "--horizon", "90", "--dry-run", "--format", "json"))
    assert told[0]["rows"] > 0.9 * len(lines) and told[0]["kept"] == "fitted", (len(lines), told)


def test_carried_over(case):
    """What was fitted for one engine stays when only the other is fitted anew."""
    world(case, 160, 0.03, True)
    calibrate(case, "--engine", "defense")
    folder = weights(case)[0].parent
    expansion = "expansion:\n  fitted: true\n  base: -0.25\n  signals:\n    seat_growth:\n      at: [ 0.1, 0.5 ]\n" \
                "      logit: [ -0.5, 1.25 ]\n"
    (folder / "0002.yaml").write_text(weights(case)[0].read_text() + expansion)
    (folder / "0002.yaml").chmod(0o600)
    calibrate(case, "--engine", "defense")
    text = (folder / "0003.yaml").read_text()
    for part in ("as in 0002", "base: -0.25", "seat_growth:", "[ -0.5, 1.25 ]"):
        assert part in text, (part, text)


def test_used(case):
    """A fitted curve takes the place of low, high and weight, and a fitted base is added to the organisation's."""
    world(case, 3, 0, False)
    before = json.loads(case.retaind("explain", "a001", "--now", NOW, "--format", "json").stdout)["defense"]
    folder = case.tmp / "state" / "orgs" / "acme" / "weights"
    folder.mkdir(mode=0o700)
    file = folder / "0001.yaml"
    file.write_text("fitted_on: 2026-01-01\ndefense:\n  fitted: true\n  base: 0.5\n  signals:\n"
                    "    silence: { at: [ 0, 1000 ], logit: [ 0.75, 0.75 ] }\n")
    file.chmod(0o600)
    after = json.loads(case.retaind("explain", "a001", "--now", NOW, "--format", "json").stdout)["defense"]
    assert abs(after["base_logit"] - before["base_logit"] - 0.5) < 1e-9, (before["base_logit"], after["base_logit"])
    said, = [signal["said"] for signal in after["signals"] if signal["signal"] == "silence"]
    assert said == 0.75, said


def test_mistakes(case):
    """Weights that can't be read are mistakes with file and line, and so is a version that is none; a signal that this
    program does not know is left aside."""
    world(case, 3, 0, False)
    folder = case.tmp / "state" / "orgs" / "acme" / "weights"
    folder.mkdir(mode=0o700)
    file, org = folder / "0001.yaml", case.tmp / "config" / "orgs" / "acme.yaml"
    good = "fitted_on: 2026-01-01\ndefense:\n  fitted: true\n  signals:\n    %s: { at: [ %s ], logit: [ 0, 1 ] }\n"
    for name, at, right in (("silence", "2, 1", False), ("silence", "1", False), ("silence", "1, x", False),
                            ("silence", "1, 2", True), ("of_a_later_day", "1, 2", True)):
        file.write_text(good % (name, at))
        file.chmod(0o600)
        result = case.retaind("score", "--now", NOW, expect=0 if right else 78)
        assert right or f"{file}:" in result.stderr and "ascending" in result.stderr, result.stderr
        assert right or f"{file}:5: " in result.stderr, result.stderr
    for name, logit, says in (("silence", "1, 0", "only rises"), ("cooling_exchanges", "0, 1", "only falls"), ("silence", "0, nan", "numbers"),
                              ("silence", "0, .inf", "numbers")):
        file.write_text((good % (name, "1, 2")).replace("[ 0, 1 ]", f"[ {logit} ]"))
        error = case.retaind("score", "--now", NOW, expect=78).stderr
        assert f"{file}:5: " in error and says in error, (logit, error)
    for text, says in (("fitted_on: 2026-01-01\ndefense:\n  fitted: tr", "fitted"), ("fitted_on: 2026-01-01\ndefense:\n  signals: {", ":"),
                       ("{", ":"), ("", "fitted_on"), ("fitted_on: 2026-01-01\nversion: 9\n", "version")):
        file.write_text(text)
        error = case.retaind("score", "--now", NOW, expect=78).stderr
        assert f"{file}:" in error and says in error, (text, error)
    file.unlink()
    own = org.read_text()
    for version, message in (("newest", "expected priors or a version like 0001"), ("'0007'", "can't be read")):
        org.write_text(own + f"score: {{ weights: {version} }}\n")
        assert message in case.retaind("score", "--now", NOW, expect=78).stderr


run(globals())
