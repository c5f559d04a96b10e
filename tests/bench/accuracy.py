#!/usr/bin/env python3
"""How well scores rank and foretell real ends: loads the reference sets (../shared) through the csv source, and prints what
`retaind backtest --panel` says of each frozen panel, with the shipped priors and after `retaind calibrate --panel`, beside
the panel's stored models. Evaluation only; the data is no part of the project.  usage: accuracy.py [asfi|eslint ...]"""
import csv
import gzip
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import Case  # noqa: E402
from reference_data import DATA, PANELS, load  # noqa: E402

SETS = {
    "asfi": ("ASFI_retire_H_180_projects_unseen", "ASFI_retire_H_90_projects_unseen", "ASFI_retire_H_180_all_test",
             "ASFI_retire_H_90_all_test"),
    "eslint": ("ESLint_cancel_90d_accounts_unseen_in_train", "ESLint_cancel_90d_all"),
}


def auc(rows, column):
    order, ranks, i = sorted((float(row[column]), int(row["y"])) for row in rows), 0.0, 0
    while i < len(order):
        j = i
        while j < len(order) and order[j][0] == order[i][0]:
            j += 1
        ranks += (i + j + 1) / 2 * sum(y for _, y in order[i:j])
        i = j
    n = sum(y for _, y in order)
    return (ranks - n * (n + 1) / 2) / (n * (len(order) - n))


def tell(case, what, panel):
    r = json.loads(case.retaind("backtest", "--panel", panel, "--format", "json", timeout=900).stdout)
    ours = r["rankings"][0]
    print(f"  {what:8} AUC {ours['auc']:.3f} [{ours['auc_95'][0]:.3f}, {ours['auc_95'][1]:.3f}]  lift {ours['top_tenth']['lift']:.1f} "
          f"[{ours['lift_95'][0]:.1f}, {ours['lift_95'][1]:.1f}]  ECE {r['calibration_error']:.4f}  Brier {r['brier']:.4f}, base rate's "
          f"{r['brier_of_base_rate']:.4f}  ({r['weights']})")
    return r


def main(names):
    for name in names:
        for panel_name in SETS[name]:
            case = Case("accuracy")  # anew for each panel: weights belong to the horizon they were fitted for
            load(case, name)
            panel = str(PANELS / f"{panel_name}.csv.gz")
            with gzip.open(panel, "rt") as file:
                rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
            print(f"{panel_name}: {len(rows)} rows, {sum(int(row['y']) for row in rows)} events; stored models: "
                  + ", ".join(f"{column[2:]} {auc(rows, column):.3f}" for column in ("p_logit", "p_woe", "p_gb")))
            r = tell(case, "priors", panel)
            print("  naive    " + ", ".join(f"{rule['name']} {rule['auc']:.3f}" for rule in r["rankings"][1:]))
            told = case.retaind("calibrate", "--panel", panel, timeout=900).stdout
            print("  " + next((line for line in told.splitlines() if line.startswith("defense: ")), "?"))
            if "fitted" in told:
                tell(case, "fitted", panel)
            case.close()


if __name__ == "__main__":
    if not DATA.exists():
        sys.exit(f"{DATA} is not here")
    main(sys.argv[1:] or SETS)
