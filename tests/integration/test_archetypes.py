#!/usr/bin/env python3
"""Five accounts that everybody in the trade has met, from CSV files to `retaind explain`."""
import json
import shutil
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import archetypes  # noqa: E402
from harness import BIN, run  # noqa: E402

AS_OF = archetypes.DAY.isoformat()
CHAMPION, PAYMENT, DOWNGRADE, SEATS, WELL = [name for name, _ in archetypes.ARCHETYPES]
built = {}  # made once, copied for each test


def fernhill(case):
    """Fernhill's configuration folder, and its database, of this test's own."""
    if not built:
        home = case.tmp / "built"
        archetypes.build(BIN, home)
        built["files"] = home
        built["state"] = shutil.copytree(home / "state", Path(case.tmp).parent / f"{case.tmp.name}-state")
    config = archetypes.configure(case.tmp, built["files"])
    shutil.copytree(built["state"], case.tmp / "state", dirs_exist_ok=True)
    return config


def explain(config, name, *more):
    return archetypes.command(BIN, config, "explain", name, "--as-of", AS_OF, *more)


def diagnosis(config, name):
    return json.loads(explain(config, name, "--format", "json"))


def write(case, sql, *args):
    with sqlite3.connect(case.tmp / "state/orgs/fernhill/retaind.db") as db:
        db.execute(sql, args)


def test_each_of_the_five_is_known_for_what_it_is(case):
    """The champion who left, the failed payment, the downgrade, the full seats and the one that is well are told apart."""
    config = fernhill(case)
    told = {name: diagnosis(config, name) for name, _ in archetypes.ARCHETYPES}
    risk = {name: d["defense"] for name, d in told.items()}
    growth = {name: d["expansion"] for name, d in told.items()}
    assert [risk[n]["band"] for n in told] == ["at_risk", "at_risk", "at_risk", "steady", "steady"], {n: r["band"] for n, r in risk.items()}
    families = {s["family"] for s in risk[CHAMPION]["signals"] if s["contribution"] > 0}
    assert {"usage", "relationship"} <= families and not any(s["hard"] for s in risk[CHAMPION]["signals"]), families
    for name, kind in ((PAYMENT, "involuntary"), (DOWNGRADE, "contraction")):
        assert max(risk[name]["losses"], key=risk[name]["losses"].get) == kind, risk[name]["losses"]
        lead = [s for s in risk[name]["signals"] if s["signal"] == risk[name]["cause"]][0]
        assert lead["hard"], lead
        assert growth[name]["blocked"]
    assert "half of the seats are enough" in explain(config, DOWNGRADE)
    assert growth[SEATS]["band"] in ("emerging", "ready") and not growth[SEATS]["blocked"] and growth[SEATS]["value_minor"] > 0
    assert growth[WELL]["band"] == "not_yet" and "no demand" in explain(config, WELL)


def test_contributions_add_up_for_every_account(case):
    """Base and contributions add up to the logit, the logit is the score, and the kinds of loss add up to the risk."""
    import math
    config = fernhill(case)
    names = [a.name for a in archetypes.accounts()][:15]
    for name in names:
        told = diagnosis(config, name)
        for engine in ("defense", "expansion"):
            d = told[engine]
            total = d["base_logit"] + sum(s["contribution"] or 0 for s in d["signals"])
            assert abs(total - d["logit"]) < 1e-9, (name, engine, total, d["logit"])
            assert abs(100 / (1 + math.exp(-d["logit"])) - d["score"]) < 1e-5 or d["held"], (name, engine)
        assert abs(sum(told["defense"]["losses"].values()) - told["defense"]["score"]) < 1e-4


def test_findings_say_what_explain_says(case):
    """What score writes into findings for the digests is what explain says: cause, value at stake, day to act by, play."""
    config = fernhill(case)
    with sqlite3.connect(case.tmp / "state/orgs/fernhill/retaind.db") as db:
        found = db.execute("""SELECT a.name, f.engine, f.cause, f.value_minor, f.expected_minor, date(f.act_by_on * 86400, 'unixepoch'),
            f.play FROM finding f JOIN account a ON a.id = f.account_id WHERE f.closed_on IS NULL ORDER BY f.id""").fetchall()
    assert {CHAMPION, PAYMENT, DOWNGRADE, SEATS} <= {f[0] for f in found}, found
    for name, engine, cause, *rest in found:
        d = diagnosis(config, name)[engine]
        if d["cause"] == cause:  # else an earlier cause still speaks, and the finding keeps it
            if rest[2] < AS_OF and d["act_by"] == AS_OF:  # should have been acted on by then: the finding is overdue, explain says today
                rest[2] = AS_OF
            assert rest == [d[k] for k in ("value_minor", "expected_minor", "act_by", "play")], (name, rest, d)
            assert d["value_minor"] > 0, (name, d["value_how"])


def test_what_would_change_it_does_change_it(case):
    """What explain says would move the band moves it, once it is made true."""
    config = fernhill(case)
    write(case, "DELETE FROM score_block")  # a band is left after its minimum stay only, which is not the point here
    assert "without a downgrade request" in diagnosis(config, DOWNGRADE)["defense"]["would_change"]
    write(case, "DELETE FROM ticket WHERE subject = 'Plan change'")
    assert diagnosis(config, DOWNGRADE)["defense"]["band"] == "steady"
    assert "without a failed payment" in diagnosis(config, PAYMENT)["defense"]["would_change"]
    write(case, "UPDATE invoice SET paid_on = failed_on WHERE failed_on IS NOT NULL AND paid_on IS NULL")
    assert diagnosis(config, PAYMENT)["defense"]["band"] == "steady"


def test_a_change_of_settings_is_marked_in_the_history(case):
    """A step of the score that other settings made is told as that; without one, nothing is said of settings."""
    config = fernhill(case)
    assert "settings" not in explain(config, CHAMPION)
    org = config / "orgs/fernhill.yaml"
    org.write_text(org.read_text() + "score:\n  signals: {cooling_exchanges: {weight: 3}}\n")
    assert f"{AS_OF} settings changed" in " ".join(explain(config, CHAMPION).split())


def test_similar_accounts_are_of_the_past_and_their_ends_are_true(case):
    """Accounts that looked like it before are named with what became of them by then, and nothing later counts."""
    config = fernhill(case)
    ended = {a.name: a.end for a in archetypes.accounts() if a.end}
    similar = diagnosis(config, CHAMPION)["defense"]["similar"]
    assert similar, "somebody lost a champion before"
    for s in similar:
        assert s["day"] < AS_OF and (s["became_on"] or "") < AS_OF
        if s["became"] == "churn":
            assert s["became_on"] == ended[s["name"]].isoformat(), s
    assert any(s["became"] for s in similar), similar


def test_explain_says_the_same_twice_and_in_full_where_asked(case):
    """explain says the same bytes twice, and with -v every signal, those that say nothing too."""
    config = fernhill(case)
    assert explain(config, CHAMPION) == explain(config, CHAMPION)
    full, signals = explain(config, CHAMPION, "-v"), diagnosis(config, CHAMPION)["defense"]["signals"]
    assert full.startswith(explain(config, CHAMPION))
    assert all(s["signal"] in full for s in signals) and len(signals) > 10


def test_the_readme_shows_what_the_program_prints(case):
    """What README.md shows of the five is what the program prints (make readme writes it anew)."""
    config = fernhill(case)
    readme = (archetypes.ROOT / "README.md").read_text()
    shown = readme[readme.index(archetypes.BEGIN):readme.index(archetypes.END) + len(archetypes.END)]
    assert shown == archetypes.readme_part(BIN, config), "README.md is behind: make readme"


try:
    run(globals())
finally:
    if built:
        shutil.rmtree(built["state"], ignore_errors=True)
