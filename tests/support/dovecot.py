"""Dovecot for one test, over a maildir that another server fills: mail read back as a person's program reads it, over IMAP. Fetched as
Debian packages, unpacked under build/ and run from there."""
import fcntl
import grp
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

from harness import free_port, wait_for
from packages import Packages

MODULES = b"/usr/lib/dovecot/modules\0"
CONFIGURATION = """\
base_dir = {dir}/run
state_dir = {dir}/run
libexec_dir = {dir}/lib
mail_plugin_dir = {dir}/lib/modules
import_environment = LD_LIBRARY_PATH
log_path = {dir}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
mail_location = maildir:{maildir}
first_valid_uid = 1
passdb {{
  driver = static
  args = password=open-sesame
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


def unpack():
    packages = Packages("dovecot")
    packages.home.mkdir(parents=True, exist_ok=True)
    with open(packages.home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for program in ("imap", "auth"):
            packages.unpack(["dovecot-core", "dovecot-imapd"], f"usr/lib/dovecot/{program}")
    return packages


class Dovecot:
    """Runs as nobody when we are root, as ourselves otherwise; stops with the case."""

    def __init__(self, case, maildir):
        packages = unpack()
        self.dir = case.tmp / "dovecot"
        self.dir.mkdir()
        self.port = free_port()
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        shutil.copytree(packages.root / "usr/lib/dovecot", self.dir / "lib", symlinks=True)
        for program in ("bin/doveconf", "sbin/dovecot"):
            shutil.copy(packages.root / "usr" / program, self.dir / "lib")
        for folder in packages.libraries().split(":"):  # who runs it may not see our folder
            if "/usr/lib/dovecot" not in folder:
                for library in Path(folder).glob("*.so*"):
                    shutil.copyfile(library, self.dir / "lib" / library.name)
        # Where its modules are is compiled in; our copy looks for them where it is started.
        for library in self.dir.glob("lib/*.so.0.0.0"):
            library.write_bytes(library.read_bytes().replace(MODULES, b"modules".ljust(len(MODULES), b"\0")))
        for folder in ("run", "run/login", "run/token-login", "run/empty"):
            (self.dir / folder).mkdir()
            (self.dir / folder / "modules").symlink_to(self.dir / "lib/modules")
        configuration = self.dir / "dovecot.conf"
        configuration.write_text(CONFIGURATION.format(dir=self.dir, maildir=maildir, port=self.port, user=user.pw_name,
                                                      group=grp.getgrgid(user.pw_gid).gr_name))
        if os.getuid() == 0:
            for path in [self.dir, *self.dir.rglob("*")]:
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        libraries = [self.dir / "lib", self.dir / "lib/modules", self.dir / "lib/modules/old-stats"]
        self.process = subprocess.Popen([self.dir / "lib/doveconf", "-f", "service=master", "-c", configuration, "-m", "master", "-e",
                                         self.dir / "lib/dovecot", "-F", "-c", configuration], cwd=self.dir / "run",
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(map(str, libraries))},
                                        **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}))
        case.at_end(self.stop)
        wait_for(self.is_up, 15, "dovecot")

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"dovecot ended: {self.log()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            return True
        except OSError:
            return False

    def log(self):
        return (self.dir / "log").read_text() if (self.dir / "log").exists() else ""

    def read(self):
        """Each mail as (its bytes, what Dovecot's own parser says of its structure and envelope)."""
        box = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        box.login("anybody", "open-sesame")
        assert box.select("INBOX", readonly=True)[0] == "OK", self.log()
        mails = []
        for number in box.search(None, "ALL")[1][0].split():
            raw = box.fetch(number, "(RFC822)")[1][0][1]
            told = b" ".join(p if isinstance(p, bytes) else b" ".join(p) for p in box.fetch(number, "(ENVELOPE BODYSTRUCTURE)")[1])
            mails.append((raw, told.decode()))
        box.logout()
        return mails

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
