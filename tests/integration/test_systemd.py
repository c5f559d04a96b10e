#!/usr/bin/env python3
"""The service's files as systemd's own checkers see them, without booting anything."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import ROOT, Skip, run


def unit(case):
    """The unit as `make install` writes it, with a program that is there."""
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not installed")
    program = case.write("bin/retaind", "#!/bin/sh\n")
    program.chmod(0o755)
    text = (ROOT / "systemd/retaind.service").read_text()
    assert "@BINDIR@" in text
    return case.write("retaind.service", text.replace("@BINDIR@", str(program.parent)))


def test_verify(case):
    """systemd-analyze verify has nothing to say about the unit."""
    done = subprocess.run(["systemd-analyze", "verify", str(unit(case))], capture_output=True, text=True, timeout=60)
    # What this machine's own units get wrong is not ours.
    said = [line for line in (done.stdout + done.stderr).splitlines() if "retaind" in line]
    assert done.returncode == 0 and not said, said


def test_exposure(case):
    """The service is exposed no more than 1.5 on systemd's scale of 10."""
    path = unit(case)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", str(path)],
                          capture_output=True, text=True, timeout=60)
    level = re.search(r"Overall exposure level for retaind.service: ([0-9.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    print(f"    {level[1]}")
    assert done.returncode == 0 and float(level[1]) <= 1.5


def test_promises(case):
    """What the daemon relies on is in the unit: notify, watchdog, private state, no restart on a broken configuration."""
    lines = (ROOT / "systemd/retaind.service").read_text().splitlines()
    for line in ["Type=notify", "NotifyAccess=main", "WatchdogSec=30", "Restart=on-failure", "RestartPreventExitStatus=78",
                 "StateDirectory=retaind", "StateDirectoryMode=0700", "LimitCORE=0", "User=retaind"]:
        assert line in lines, line


def test_sysusers(case):
    """The user and the folders are made as the unit expects them."""
    if not shutil.which("systemd-sysusers") or not shutil.which("systemd-tmpfiles"):
        raise Skip("systemd-sysusers or systemd-tmpfiles is not installed")
    root = case.tmp / "root"
    (root / "etc/retaind").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    for tool, kind in (("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")):
        command = [tool, f"--root={root}"] + (["--create"] if kind == "tmpfiles" else [])
        done = subprocess.run([*command, str(ROOT / f"systemd/retaind.{kind}.conf")], capture_output=True, text=True, timeout=60)
        if done.returncode and "ermission denied" in done.stderr + done.stdout:
            raise Skip("only root may")
        assert done.returncode == 0, done.stderr
    entry = next(line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("retaind:"))
    uid, gid = (int(x) for x in entry.split(":")[2:4])
    assert 0 < uid < 1000
    state, config = (root / "var/lib/retaind").stat(), (root / "etc/retaind").stat()
    assert (state.st_mode & 0o777, state.st_uid, state.st_gid) == (0o700, uid, gid)
    assert (config.st_mode & 0o777, config.st_uid, config.st_gid) == (0o750, 0, gid)


run(globals())
