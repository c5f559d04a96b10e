"""A small machine with a real systemd: a Debian root file system, booted in a container with a network of its own.

Needs root, mmdebstrap and systemd-nspawn. The host's own init need not be systemd: the container gets a mount namespace, a
pure cgroup v2 tree and a cgroup of its own, and all three go with it.
"""
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from harness import ROOT, Skip, wait_for

PACKAGES = ["systemd", "systemd-sysv", "dbus", "libnss-systemd", "procps", "iproute2", "tzdata", "ca-certificates"]
BOOT = r"""
group=/sys/fs/cgroup/retaind-test-$$
umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit 90
mkdir "$group" && echo $$ > "$group/cgroup.procs"
systemd-nspawn --quiet --directory="$1" --register=no --keep-unit --private-network --resolv-conf=off --timezone=off \
    --link-journal=no --capability=all --system-call-filter="bpf @keyring" --boot --console=pipe
echo $$ > /sys/fs/cgroup/cgroup.procs
find "$group" -depth -type d -exec rmdir {} \;
"""


def need():
    if os.geteuid() != 0:
        raise Skip("only root can boot a container")
    for tool in ("mmdebstrap", "systemd-nspawn", "nsenter"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")


def libraries(binary):
    """The Debian packages whose shared libraries a binary needs."""
    needed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    paths = [os.path.realpath(line.split("=>")[1].split()[0]) for line in needed.splitlines() if "=> /" in line]
    found = set()
    for path in paths:
        for form in (path, path.removeprefix("/usr")):
            owner = subprocess.run(["dpkg", "-S", form], capture_output=True, text=True)
            if owner.returncode == 0:
                found.add(owner.stdout.split(":")[0])
                break
    return sorted(found)


def root_file_system(target, binary):
    """Unpacks the machine into target; what was built once is kept under build/."""
    release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release") if "=" in line)
    suite = release["VERSION_CODENAME"].strip('"')
    packages = ",".join(PACKAGES + libraries(binary))
    kept = ROOT / "build" / f"machine-{suite}-{hashlib.sha256(packages.encode()).hexdigest()[:8]}.tar"
    if not kept.exists():
        sources = [p for p in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")) + [Path("/etc/apt/sources.list")]
                   if p.exists() and p.stat().st_size]
        new = kept.with_name(f"{kept.stem}-{os.getpid()}.tar")
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io",
                               "--include=" + packages, suite, str(new), *map(str, sources[:1])],
                              capture_output=True, text=True, timeout=600)
        if done.returncode:
            new.unlink(missing_ok=True)
            raise Skip("a root file system can't be made here: " + done.stderr.strip()[-300:])
        new.rename(kept)
    target.mkdir()
    subprocess.run(["tar", "-xf", str(kept), "-C", str(target)], check=True)


class Machine:
    def __init__(self, root):
        self.root = root
        self.console = root.with_suffix(".console")
        start = time.monotonic()
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "bash", "-c", BOOT, "boot", str(root)],
                                            stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.leader = wait_for(self.find_leader, 30, "the container's init")
        wait_for(lambda: self.run("systemctl", "is-system-running", expect=None).stdout.strip() in ("running", "degraded"), 60, "boot")
        self.boot_seconds = time.monotonic() - start

    def find_leader(self):
        """The init of the container: a child named systemd of a descendant of ours named systemd-nspawn."""
        if self.process.poll() is not None:
            raise AssertionError(f"the container ended: {self.console.read_text(errors='replace')[-2000:]}")
        below = [self.process.pid]
        for pid in below:
            try:
                kids = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                if name == "systemd" and pid != self.process.pid:
                    return pid
            except FileNotFoundError:
                continue
            below += kids
        return None

    def run(self, *command, expect=0, timeout=60):
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", *command], capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
        if expect is not None and done.returncode != expect:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def show(self, unit, *names):
        """Properties of a unit."""
        out = self.run("systemctl", "show", unit, "--property=" + ",".join(names)).stdout
        return dict(line.split("=", 1) for line in out.splitlines())

    def stop(self):
        if self.process.poll() is None:
            self.run("systemctl", "poweroff", "--force", expect=None)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.kill(self.leader, 9)
                self.process.wait(timeout=20)
