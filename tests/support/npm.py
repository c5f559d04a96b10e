"""Packages of npm that judge what we make: installed under build/, once, and never asked for where npm is not."""
import fcntl
import functools
import shutil
import subprocess

from harness import ROOT, Skip

INSTALL_S = 60


def install(home, packages):
    """None, or the reason why it can't be done."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not there"
    # What was begun and not finished is not there: it comes into its place whole.
    coming = home.with_name(home.name + ".coming")
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(parents=True)
    try:
        done = subprocess.run(["npm", "install", "--prefix", str(coming), "--no-audit", "--no-fund", "--fetch-retries=0", *packages],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        return f"npm doesn't install {', '.join(packages)} within {INSTALL_S} s"
    if done.returncode:
        return f"npm can't install {', '.join(packages)}: {done.stderr.strip()[-300:]}"
    shutil.rmtree(home, ignore_errors=True)
    coming.rename(home)
    return None


@functools.cache
def why_not(name, *packages):
    """None when all are under build/NAME/node_modules, installed now if need be; else the reason. Asked once."""
    home = ROOT / "build" / name
    home.parent.mkdir(exist_ok=True)
    with open(home.with_name(name + ".lock"), "w") as lock:  # test files run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = all((home / "node_modules" / p.rpartition("@")[0]).is_dir() for p in packages)
        return None if there else install(home, packages)


def need(name, *packages):
    """The folder that has node_modules with the packages, each with its version (html-validate@11); or the test is skipped."""
    if why_not(name, *packages):
        raise Skip(why_not(name, *packages))
    return ROOT / "build" / name
