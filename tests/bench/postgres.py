"""PostgreSQL 15 as a peer: what the machine has, or its Debian package unpacked under build/; never installed, run as an
ordinary user, reached by a socket in its own folder."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Failed

TABLES = {"usage": "account int, metric int, day int, value int", "accounts": "account int, owner int, l0 int, l1 int, l2 int",
          "users": "account int, last_seen int, active28 int", "tickets": "account int, day int", "eng": "account int, day int",
          "subs": "account int, renewal int"}
SETTINGS = {"listen_addresses": "''", "shared_buffers": "2GB", "work_mem": "512MB", "max_wal_size": "16GB", "wal_level": "minimal",
            "max_wal_senders": "0", "synchronous_commit": "off", "autovacuum": "off", "max_parallel_workers_per_gather": "2"}
HOME = Path("/usr/lib/postgresql/15/bin")


class Missing(Exception):
    """Why it can't be had here."""


def binaries():
    """The folder of its programs and the libraries that they need."""
    if (HOME / "postgres").exists():
        return HOME, ""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
    from harness import Skip  # pylint: disable=import-outside-toplevel
    from packages import Packages  # pylint: disable=import-outside-toplevel
    try:
        packages = Packages("postgresql")
        packages.fetch("postgresql-client-15")
        at = packages.unpack(["postgresql-15", "postgresql-client-15"], "usr/lib/postgresql/15/bin/postgres")
        return at.parent, packages.libraries()
    except Skip as why:
        raise Missing(str(why)) from why


class Server:
    """One server and its data, gone at the end."""

    def __init__(self, folder):
        self.bin, libraries = binaries()
        self.home = Path(tempfile.mkdtemp(prefix="retaind-postgres-"))
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PGHOST": str(self.home), "PGDATABASE": "postgres", "PGUSER": "bench",
                    **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
        self.user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.folder, self.process = folder, None

    def call(self, program, *words, **more):
        done = subprocess.run([self.bin / program, *map(str, words)], env=self.env, cwd="/", capture_output=True, check=False,
                              **self.user, **more)
        if done.returncode:
            raise Failed(f"{program}: {done.stderr.decode(errors='replace')[-400:]}")
        return done.stdout.decode()

    def __enter__(self):
        self.call("initdb", "-D", self.home / "data", "-U", "bench", "-A", "trust", "-N")
        settings = [word for k, v in SETTINGS.items() for word in ("-c", f"{k}={v.strip(chr(39))}")]
        with open(self.home / "log", "wb") as log:
            # It lives as long as the with-statement of who uses it.
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [self.bin / "postgres", "-D", self.home / "data", "-k", self.home, *settings], env=self.env, cwd="/", stdout=log,
                stderr=log, stdin=subprocess.DEVNULL, **self.user)
        for _ in range(100):
            if subprocess.run([self.bin / "pg_isready", "-q"], env=self.env, cwd="/", check=False).returncode == 0:
                return self
            time.sleep(0.1)
        raise Missing(f"it does not start: {(self.home / 'log').read_text()[-300:]}")

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def version(self):
        return self.call("psql", "-AtX", "-c", "SHOW server_version").strip()

    def fill(self, peer, accounts):
        """The workload's tables, by COPY."""
        for name, columns in TABLES.items():
            self.call("psql", "-qX", "-c", f"CREATE TABLE {name} ({columns})")
            with subprocess.Popen([peer, "rows", name, str(accounts)], stdout=subprocess.PIPE) as rows:
                self.call("psql", "-qX", "-c", f"\\copy {name} FROM STDIN", stdin=rows.stdout)
        self.call("psql", "-qX", "-c", "VACUUM ANALYZE")

    def score(self, sql):
        """Scores and sums, timed; then the ranking, not timed, hashed as the others'."""
        scores, sums, ranked = sql.split("\n--SPLIT\n")
        self.call("psql", "-qX", "-c", "DROP TABLE IF EXISTS score")
        started = time.monotonic()
        told = self.call("psql", "-AtqX", "-F", " ", "-c", scores, "-c", sums).split()
        seconds = time.monotonic() - started
        ranking, top = 0, 0.0
        for line in self.call("psql", "-AtqX", "-F", " ", "-c", ranked).splitlines():
            owner, account, churn = line.split()
            ranking = mixed(ranking, int(owner), int(account))
            top += float(churn)
        return {"seconds": seconds, "total": float(told[2]), "top": top, "ranking": f"{ranking:016x}"}


def mixed(ranking, owner, account):
    """As workload_rank has it."""
    x = (ranking ^ (owner << 32 | account)) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return x ^ x >> 29
