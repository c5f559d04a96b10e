"""A wall clock that a test sets for everything it starts: libfaketime (as installed, or unpacked from its Debian package
under build/), and whether the kernel vouches for that clock. Monotonic clocks stay real."""
import fcntl
import os
import shutil
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path

from harness import Skip
from packages import Packages

KERNEL = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

int adjtimex(struct timex *state)
{
    char answer = 'n';
    int fd = open(getenv("FAKE_KERNEL_FILE"), O_RDONLY);

    memset(state, 0, sizeof *state);
    if (fd >= 0 && read(fd, &answer, 1) == 1 && answer != 'y')
        state->status = STA_UNSYNC;
    if (fd >= 0)
        close(fd);
    return state->status ? TIME_ERROR : TIME_OK;
}
"""


def library():
    """libfaketime.so.1, fetched once where it isn't installed."""
    installed = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if installed:
        return installed[0]
    packages = Packages("faketime")
    packages.home.mkdir(parents=True, exist_ok=True)
    with open(packages.home / "lock", "w") as lock:  # test files run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        find = lambda: sorted(packages.root.glob("usr/lib/*/faketime/libfaketime.so.1"))
        if not find():
            packages.fetch("libfaketime")
        if not find():
            raise Skip("the package holds no libfaketime")
        return find()[0]


def kernel(folder):
    """Stands in for what the kernel says of the clock."""
    compiler = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
    if not compiler:
        raise Skip("there is no C compiler")
    source, target = folder / "kernel.c", folder / "kernel.so"
    source.write_text(KERNEL)
    subprocess.run([compiler, "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", target, source], check=True)
    return target


def instant(text):
    """"2026-03-02T08:00:00Z" in seconds."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()


class Clock:
    """One for a test; env goes to the processes. Not vouched for by the kernel unless told."""

    def __init__(self, case, now, is_synchronised=False):
        self.file, self.state = case.tmp / "clock", case.tmp / "kernel"
        self.env = {"LD_PRELOAD": f"{library()} {kernel(case.tmp)}", "FAKETIME_TIMESTAMP_FILE": str(self.file),
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "FAKE_KERNEL_FILE": str(self.state),
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.synchronise(is_synchronised)
        self.set(now)

    def synchronise(self, is_synchronised):
        self.state.write_text("y" if is_synchronised else "n")

    def set(self, now):
        """now: seconds, or a text as of instant()."""
        self.offset = (now if isinstance(now, (int, float)) else instant(now)) - time.time()
        new = self.file.with_suffix(".new")
        new.write_text(f"{self.offset:+.6f}\n")
        os.replace(new, self.file)

    def now(self):
        return time.time() + self.offset

    def real(self, at):
        """When the clock shows an instant, by the real one."""
        return (at if isinstance(at, (int, float)) else instant(at)) - self.offset
