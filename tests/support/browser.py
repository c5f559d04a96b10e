"""Headless Chromium where it is there, driven by playwright-core; axe-core judges what it shows."""
import json
import shutil
import subprocess

import npm
from harness import ROOT, Skip

PACKAGES = ("playwright-core@1", "axe-core@4")


def need():
    """The browser's program and the folder with node_modules; or the test is skipped."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        raise Skip("chromium is not there")
    return program, npm.need("browser", *PACKAGES)


def look(*files):
    """What is wrong with pages and pictures, by tests/support/look.mjs; screenshots stay in build/looks."""
    program, home = need()
    looks = ROOT / "build/looks"
    looks.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["node", str(ROOT / "tests/support/look.mjs"), program, str(home), str(looks), *map(str, files)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=150)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
