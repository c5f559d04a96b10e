"""Exim for one test: fetched as a Debian package, unpacked under build/ and run from there, never installed."""
import grp
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

import sinks
from harness import ROOT, free_port, wait_for
from packages import Packages


def unpack():
    packages = Packages("exim")
    return packages, packages.unpack(["exim4-daemon-light"], "usr/sbin/exim4", skips=("exim4-base",))


class Exim:
    """Runs as nobody when we are root, as ourselves otherwise; stops with the case."""

    def __init__(self, case, certificate_name="localhost", offers_tls=True):
        packages, binary = unpack()
        self.dir = case.tmp / "exim"
        self.dir.mkdir()
        case.tmp.chmod(0o711)
        self.port, self.tls_port = free_port(), free_port()
        sinks.certificate(self.dir, certificate_name)
        self.ca = self.dir / "ca.pem"
        # Debian's Exim looks up its own user and group at start, which an uninstalled one doesn't have. Our copy looks up one
        # that every Debian has; what it runs as is in its configuration.
        (self.dir / "exim4").write_bytes(binary.read_bytes().replace(b"Debian-exim\0", b"daemon".ljust(12, b"\0")))
        (self.dir / "exim4").chmod(0o755)
        (self.dir / "lib").mkdir()
        for folder in filter(None, packages.libraries().split(":")):
            for f in Path(folder).glob("*.so*"):
                shutil.copyfile(f, self.dir / "lib" / f.name)
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        template = (ROOT / "tests/support/exim.conf.in").read_text()
        for name, value in {"DIR": self.dir, "USER": user.pw_name, "GROUP": grp.getgrgid(user.pw_gid).gr_name,
                            "PORT": self.port, "TLS_PORT": self.tls_port}.items():
            template = template.replace(f"@{name}@", str(value))
        if not offers_tls:
            template = template.replace("tls_advertise_hosts = *", "tls_advertise_hosts =")
            template = template.replace("auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}", "auth_advertise_hosts = *")
        (self.dir / "exim.conf").write_text(template)
        (self.dir / "exim.conf").chmod(0o644)
        if os.getuid() == 0:
            for path in [self.dir, *self.dir.rglob("*")]:
                os.chown(path, user.pw_uid, user.pw_gid)
            os.chown(self.dir / "exim.conf", 0, 0)
        self.said = open(self.dir / "said", "ab")  # without privileges of its own it logs to its standard error
        self.process = subprocess.Popen([self.dir / "exim4", "-C", self.dir / "exim.conf", "-bdf", "-q5s"], cwd=self.dir,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.said,
                                        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(self.dir / "lib")},
                                        **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
                                           if os.getuid() == 0 else {}))
        case.at_end(self.stop)
        wait_for(self.is_up, 15, "exim")

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"exim ended: {self.log()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            return True
        except OSError:
            return False

    def log(self):
        return "".join(f.read_text() for f in (self.dir / "said", self.dir / "mainlog") if f.exists())

    def mails(self):
        return [f.read_bytes() for f in sorted((self.dir / "Maildir/new").glob("*"))]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.said.close()
