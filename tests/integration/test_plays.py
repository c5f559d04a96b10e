#!/usr/bin/env python3
"""What to do: every cause has a play that a person can follow, and every play has a cause."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, run  # noqa: E402

SIGNALS, PLAYS = (ROOT / "config/signals.yaml").read_text(), (ROOT / "config/plays.yaml").read_text()


def entries(text):
    """The blocks of a mapping two columns deep, by name."""
    return dict(re.findall(r"^  ([a-z_]+):\n((?:    .*\n|\s*\n|  *#.*\n)*)", text, re.M))


def test_every_signal_has_a_play_and_every_play_a_signal(case):
    """Every signal that is shipped names a play that is shipped, and no play stands there for nothing."""
    del case
    named = {name: re.search(r"^    play: (\w+)", block, re.M) for name, block in entries(SIGNALS[SIGNALS.index("\nsignals:"):]).items()}
    missing = [name for name, play in named.items() if not play]
    assert len(named) > 15 and not missing, missing
    plays = set(entries(PLAYS))
    of_program = set(re.findall(r'_PLAY\[\] = "(\w+)"', "".join(p.read_text() for p in (ROOT / "src/score").glob("*.c"))))
    used = {play.group(1) for play in named.values()} | of_program
    assert used == plays, f"without a play: {used - plays}; without a cause: {plays - used}"


def test_every_play_is_a_step_that_a_person_can_take(case):
    """Every play has a title, a whole sentence for its first step, and days that are not a quarter away."""
    del case
    for name, block in entries(PLAYS).items():
        title, step, days = (re.search(rf"^    {key}: (.*)", block, re.M) for key in ("title", "first_step", "lead_days"))
        assert title and step and days, name
        text = step.group(1).strip('"')
        assert 30 <= len(text) <= 200 and text[0].isupper() and text[-1] in ".?", (name, text)
        assert 1 <= int(days.group(1)) <= 60, name


if __name__ == "__main__":
    run(globals())
