"""Running a program and knowing what it took: time, CPU, memory of all its processes, bytes read and written."""
import json
import os
import statistics
import subprocess
import threading
import time


class Failed(Exception):
    """A program that had to work didn't."""


def children_of(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as listed:
                    found += [int(word) for word in listed.read().split()]
        except OSError:
            continue
    return found


def shared_out(pid):
    """KiB of the process, pages that several share divided among them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
            return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    except OSError:
        return 0


class Watch(threading.Thread):
    """The largest sum of the memory of a process and its children, looked at every few milliseconds."""

    def __init__(self, pid, every_s):
        super().__init__(daemon=True)
        self.pid, self.every_s, self.peak_kib, self.is_over = pid, every_s, 0, threading.Event()

    def run(self):
        while not self.is_over.wait(self.every_s):
            self.peak_kib = max(self.peak_kib, sum(shared_out(pid) for pid in children_of(self.pid)))


def run(words, cwd=None, watched=True, env=None, may_fail=False):
    """Runs it to its end; a dict of figures, with what it printed as `out`."""
    started = time.monotonic()
    with subprocess.Popen([str(w) for w in words], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=env) as child:
        watch = Watch(child.pid, 0.004)
        if watched:
            watch.start()
        told = []
        errors = threading.Thread(target=lambda: told.append(child.stderr.read()))
        errors.start()
        out = child.stdout.read()
        errors.join()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        watch.is_over.set()
    if child.returncode and not may_fail:
        raise Failed(f"{' '.join(map(str, words))[:200]}: {child.returncode}: {told[0].decode(errors='replace')[-600:]}")
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_mib": max(used.ru_maxrss, watch.peak_kib) / 1024,
            "read_mb": used.ru_inblock * 512 / 1e6, "written_mb": used.ru_oublock * 512 / 1e6, "out": out.decode(errors="replace"),
            "code": child.returncode}


def first_output(words):
    """What it took until the first byte came, and the CPU of the whole."""
    started = time.monotonic()
    with subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        first = child.stdout.read(1)
        seconds = time.monotonic() - started
        child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if not first or child.returncode:
        raise Failed(f"{' '.join(map(str, words))[:200]}: {child.returncode}, nothing came")
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime}


def said(result):
    """The last line of JSON that the program printed, with the figures of the run where it says none itself."""
    lines = [line for line in result["out"].splitlines() if line.startswith("{")]
    both = {**{k: v for k, v in result.items() if k != "out"}, **(json.loads(lines[-1]) if lines else {})}
    return {**both, "peak_mib": max(result["peak_mib"], both["peak_mib"])}  # it may know its own memory only


def median(runs, what="seconds"):
    return statistics.median(r[what] for r in runs)


def cool(paths):
    """What the files have in the page cache is let go: all of it as root, else as far as the kernel follows."""
    for path in paths:
        if path.exists():
            fd = os.open(path, os.O_RDONLY)
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
    if os.geteuid() == 0:
        os.sync()
        try:
            with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as control:
                control.write("3\n")
        except OSError:
            pass
