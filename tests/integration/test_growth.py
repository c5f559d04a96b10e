#!/usr/bin/env python3
"""Readiness against a planted truth that is no sum of single readings, through the real binary."""
import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import growth  # noqa: E402
from harness import HEAVY, run  # noqa: E402

CROSSED = ("filling_up", "full_and_worth", "full_at_renewal", "growing_at_renewal", "growing_and_worth", "worth_at_renewal")
ALONE = "  signals: {" + ", ".join(f"{name}: {{weight: 0}}" for name in CROSSED) + "}\n"


def judge(case, name, more):
    """AUC of readiness on the panel's test rows; where it is asked for all of it, once more after calibrate on its other rows.
    And what the shipped priors said of each row, beside what came of it."""
    panel, horizon, out, said = case.tmp / "panel.csv", str(growth.HORIZON), [], []
    case.org(growth.ORG % (case.tmp / "exports", case.tmp / "digests", more), name=name)
    with open(panel) as file:
        labels = {(row["acct"], row["date"]): int(row["y"]) for row in csv.DictReader(file) if row["split"] == "test"}
    case.retaind("pull", "-q", "--org", name)
    for fits in (False, True) if HEAVY else (False,):
        if fits:
            case.retaind("calibrate", "--org", name, "--panel", panel, "--engine", "expansion", "--horizon", horizon, "-q")
        dump = case.tmp / "dump.csv"
        case.retaind("backtest", "--org", name, "--panel", panel, "--engine", "expansion", "--horizon", horizon, "--dump", dump)
        with open(dump) as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(labels), (len(rows), len(labels))
        said = said or sorted((float(row["prob"]), labels[row["acct"], row["date"]]) for row in rows)
        out.append(growth.auc([(float(row["score"]), labels[row["acct"], row["date"]]) for row in rows]))
    return out, said


def hold_against(said):
    """What was said happens about as often: better than who says the base rate of everybody, and no boast in the upper tenth."""
    n, usual, top = len(said), sum(y for _, y in said) / len(said), said[-(len(said) // 10):]
    brier = sum((p - y) ** 2 for p, y in said) / n
    told, happened = sum(p for p, _ in top) / len(top), sum(y for _, y in top) / len(top)
    print(f"    Brier {brier:.4f}, the base rate's {usual * (1 - usual):.4f}; of the upper tenth {told:.2f} said, {happened:.2f} happened")
    assert brier < usual * (1 - usual), brier
    assert told < 1.5 * happened, (told, happened)


def test_crossed_readings_beat_their_sum(case):
    """Where growth takes two things at once, crossed readings rank it better than their sum, and what they say comes true."""
    for seed in (11, 12, 13, 14, 15) if HEAVY else (11,):
        n = growth.write(case.tmp / "exports", case.tmp / "panel.csv", 600, seed)
        (crossed, said), (alone, _) = judge(case, f"crossed{seed}", ""), judge(case, f"alone{seed}", ALONE)
        print(f"  seed {seed}: {n} bought more; AUC {crossed[0]:.3f}, without crossing {alone[0]:.3f}")
        if HEAVY:
            print(f"    calibrated {crossed[1]:.3f}, without crossing {alone[1]:.3f}")
        hold_against(said)
        assert crossed[0] > alone[0] + 0.01, (crossed, alone)


run(globals())
