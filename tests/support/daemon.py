"""The daemon as a test starts, watches and ends it."""
import os
import sqlite3
import subprocess
import time

from harness import BIN, wait_for


class Daemon:
    def __init__(self, case, env=None, under=()):
        self.case = case
        self.log = case.tmp / f"log-{time.monotonic_ns()}"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*under, BIN, "run", "-v", "--config", str(case.tmp / "config")], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True, env={**os.environ, **(env or {})})
        case.at_end(self.kill)

    def text(self):
        return self.log.read_text(errors="replace")

    def logged(self, word, n=1, seconds=20):
        return wait_for(lambda: self.text().count(word) >= n, seconds, f"'{word}' in the log:\n{self.text()}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self):
        start = time.monotonic()
        self.process.terminate()
        code = self.process.wait(timeout=20)
        return code, time.monotonic() - start


def rows(case, sql):
    """What the database says, or nothing while it isn't there."""
    try:
        return case.query(sql)
    except sqlite3.OperationalError:
        return []
