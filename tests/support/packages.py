"""Debian packages for one server of a test: fetched, unpacked under build/ and run from there, never installed."""
import re
import shutil
import subprocess

from harness import ROOT, Skip


class Packages:
    """What was unpacked for a server, and its libraries."""

    def __init__(self, name):
        self.name, self.home = name, ROOT / "build" / name
        self.root = self.home / "root"
        for tool in ("apt-get", "dpkg-deb", "ldd"):
            if not shutil.which(tool):
                raise Skip(f"there is no {tool}")

    def fetch(self, package):
        """Unpacks one; returns the names of what it depends on."""
        folder = self.home / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["apt-get", "download", package], cwd=folder, capture_output=True, text=True, timeout=120)
        files = sorted(folder.glob(f"{package}_*.deb"))
        if done.returncode or not files:
            raise Skip(f"{package} can't be downloaded: {done.stderr.strip().splitlines()[-1:] or 'no file'}")
        subprocess.run(["dpkg-deb", "-x", files[0], self.root], check=True)
        depends = subprocess.run(["dpkg-deb", "-f", files[0], "Depends"], check=True, capture_output=True, text=True).stdout
        return [re.split(r"[ :(|]", d.strip())[0] for d in depends.split(",") if d.strip()]

    def libraries(self):
        return ":".join(sorted({str(f.parent) for f in self.root.rglob("*.so*")}))

    def misses_libraries(self, binary):
        listed = subprocess.run(["ldd", binary], capture_output=True, text=True, env={"LD_LIBRARY_PATH": self.libraries()})
        return "not found" in listed.stdout

    def unpack(self, packages, path, skips=()):
        """The binary at a path, with the libraries that this machine lacks; kept for the next time."""
        binary = self.root / path
        wanted = [] if binary.exists() and not self.misses_libraries(binary) else list(packages)
        seen = {"libc6", "debconf", "libgcc-s1", *skips}
        while wanted:
            further = []
            for package in wanted:
                if package not in seen:
                    seen.add(package)
                    further += self.fetch(package)
            wanted = [p for p in further if p.startswith("lib")] if self.misses_libraries(binary) else []
        if self.misses_libraries(binary):
            raise Skip(f"{self.name} lacks libraries here")
        return binary
