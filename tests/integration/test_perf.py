#!/usr/bin/env python3
"""How `make check-perf` counts and judges, on files as callgrind writes them."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from check_perf import compare, counted, read_baseline, write_baseline  # noqa: E402
from harness import run  # noqa: E402

# Two functions of ours, one of them inlined in pieces and one that calls into a library; what a call took in all stands
# behind its line, and names are told once, wherever that is.
PROFILE = """\
# callgrind format
events: Ir

ob=(1) /usr/lib/libc.so.6
fn=(1) memcpy
10 5000
cfi=(2) src/score/score.c
cob=(2) /somewhere/build/release/retaind
cfn=(2) measure
calls=3 40
12 900
+2 70

ob=(2)
fl=(2)
fn=(2)
20 100
fi=(3) src/score/lead.c
+5 30
cob=(1)
cfn=(1)
calls=7 10
* 5000
-3 7
fn=(3) tell.part.0
8 11
fn=(4) tell'2
9 2
"""


def test_only_functions_of_the_program_are_counted(case):
    """What libraries take, and what is taken by way of a call, is not the function's own."""
    path = case.write("out.callgrind", PROFILE)
    assert counted(path, "retaind") == {"measure": 137, "tell": 13}
    assert counted(path, "libc.so.6") == {"memcpy": 5070}


def test_more_than_three_per_cent_is_refused_and_said(case):
    """A sum that moved fails, up or down, and the functions that did it are named; a little passes."""
    before = {"": 1000, "measure": 600, "tell": 400}
    assert compare(before, {"measure": 600, "tell": 400})[0]
    assert compare(before, {"measure": 629, "tell": 400})[0]
    fits, lines = compare(before, {"measure": 600, "tell": 380, "judge": 60})
    assert not fits and "+4.0 %" in lines[0]
    assert "judge: +60" in lines[1] and "tell: -20" in lines[2]
    assert not compare(before, {"measure": 560, "tell": 400})[0]


def test_a_baseline_says_what_it_was_told(case):
    """Sums and functions come back as they were written, with the compiler; small functions count in the sum alone."""
    path = case.tmp / "baseline"
    write_baseline(path, "GCC: (Debian) 12.2.0", {"score": {"measure": 9990, "tell": 10}, "map": {"map_apply": 5}})
    assert read_baseline(path) == ("GCC: (Debian) 12.2.0", {"score": {"": 10000, "measure": 9990}, "map": {"": 5, "map_apply": 5}})


run(globals())
