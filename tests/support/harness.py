"""What the integration tests share: finding the binary, temporary organisations, running commands, reporting.

A test file defines functions test_*(case) whose docstring is the sentence that they show, and ends with `run(globals())`.
A failed check raises; Skip says why a test can't be done here. The last line printed is the count that tests/run adds up.
"""
import contextlib
import os
import random
import socket
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = os.environ.get("RETAIND_BIN", str(ROOT / "build" / "release" / "retaind"))
DATA = ROOT / "tests" / "data"
SHARED = ROOT.parent / "shared"
HEAVY = os.environ.get("RETAIND_HEAVY") == "1"
SANITIZED = "/asan/" in BIN  # two to three times as slow: samples may be smaller, as release tests them too
BUSY = 1 if HEAVY else 8  # seconds that hold on a quiet machine may be as many times longer where others work beside
os.umask(0o022)  # configuration that others may write is refused


class Skip(Exception):
    """Raised to say why a test can't be done on this machine."""


class Case:
    """One test's own folder and what it starts."""

    def __init__(self, name):
        self.tmp = Path(tempfile.mkdtemp(prefix=f"retaind-{name}-"))
        self._at_end = []

    def at_end(self, function):
        self._at_end.append(function)

    def close(self):
        for function in reversed(self._at_end):
            function()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def write(self, path, text):
        target = self.tmp / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def org(self, org_yaml, name="acme", daemon_yaml=""):
        """A configuration folder with the shipped signals, plays, lexicon and connectors and one organisation."""
        config = self.tmp / "config"
        shutil.copytree(ROOT / "config", config, dirs_exist_ok=True)
        for path in config.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(config / "orgs", ignore_errors=True)
        self.write("config/retaind.yaml", f"state: {self.tmp}/state\n{daemon_yaml}")
        self.write(f"config/orgs/{name}.yaml", org_yaml)
        return config

    def database(self, name="acme"):
        return self.tmp / "state" / "orgs" / name / "retaind.db"

    def query(self, sql, *args, name="acme"):
        with contextlib.closing(sqlite3.connect(f"file:{self.database(name)}?mode=ro", uri=True)) as db:
            return db.execute(sql, args).fetchall()

    def retaind(self, *args, expect=0, env=None, timeout=120, config=None):
        """Runs a command; returns its result. expect None accepts any exit code."""
        command = [BIN, args[0], "--config", str(config or self.tmp / "config"), *args[1:]]
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                                env={**os.environ, **(env or {})})
        if expect is not None and result.returncode != expect:
            raise AssertionError(f"{' '.join(map(str, command))}\nexit {result.returncode}, not {expect}\n"
                                 f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
        return result


def wait_for(condition, seconds=10.0, what="condition"):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def free_port():
    """A port for a server that listens in a moment: none of those that the system hands out to whoever asks for any."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def run(scope):
    """Runs the tests of the file that is the program; of one that another file imports, none."""
    if scope["__name__"] != "__main__":
        return
    names = [n for n in scope if n.startswith("test_") and (len(sys.argv) < 2 or any(a in n for a in sys.argv[1:]))]
    passed = failed = skipped = 0
    for name in names:
        case = Case(name[5:40])
        sentence = " ".join((scope[name].__doc__ or name).split())
        start = time.monotonic()
        try:
            scope[name](case)
            passed += 1
            print(f"ok       {sentence} ({time.monotonic() - start:.1f} s)", flush=True)
        except Skip as why:
            skipped += 1
            print(f"skipped  {sentence}: {why}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED   {sentence}\n{traceback.format_exc()}", flush=True)
        finally:
            case.close()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
