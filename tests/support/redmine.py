"""Redmine for one test: fetched as Debian packages, unpacked under build/ and run from there, never installed.

It runs in a root of its own, made of the unpacked packages and of this machine's for all else (/host), within a user namespace: no
right is needed, and nothing outside its folder can be written.
"""
import json
import os
import pwd
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

from harness import ROOT, Skip, wait_for

PACKAGES = ("redmine", "redmine-sqlite", "ruby-sqlite3", "puma")
HOME = ROOT / "build/redmine"
TREE, SEED = HOME / "root", HOME / "seed"
N_ISSUES = 300
DATABASE = "production: { adapter: sqlite3, database: /state/lib/redmine.db, encoding: utf8, timeout: 20000 }\n"
# What Debian's scripts would ask and do, and a project with issues.
PREPARE = """
Setting.rest_api_enabled = '1'
Setting.notified_events = []
project = Project.create!(name: 'Acme', identifier: 'acme', trackers: Tracker.all)
admin = User.find_by_login('admin')
File.write('/state/lib/key', admin.api_key)
Issue.transaction do
  1.upto(%d) { |i| Issue.create!(project: project, tracker: Tracker.first, author: admin, subject: "Issue #{i}", priority: IssuePriority.first) }
end
""" % N_ISSUES


def fetch():
    """All packages that this machine lacks for it; apt-get only says which."""
    for tool in ("apt-get", "dpkg-deb", "unshare", "chroot"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            raise Skip(f"there is no {tool}")
    planned = subprocess.run(["apt-get", "install", "-s", "--no-install-recommends", "-y", *PACKAGES], capture_output=True, text=True, timeout=60)
    names = [line.split()[1] for line in planned.stdout.splitlines() if line.startswith("Inst ")]
    if planned.returncode or "redmine" not in names:
        raise Skip("apt-get knows no redmine, or it is installed")
    folder = HOME / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["apt-get", "download", *names], cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Skip(f"redmine's packages can't be downloaded: {done.stderr.strip().splitlines()[-1:]}")
    shutil.rmtree(TREE, ignore_errors=True)
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, TREE], check=True)


def link(path, target):
    path = TREE / path
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def furnish():
    """What the tree needs of this machine and of its state."""
    for name in ("host", "state", "tmp", "lib64"):
        (TREE / name).mkdir(exist_ok=True)
    for loader in Path("/lib64").glob("ld-linux*"):
        shutil.copy(loader, TREE / "lib64" / loader.name)
    for path, target in (("bin", "host/usr/bin"), ("dev", "host/dev"), ("proc", "host/proc"), ("usr/bin/env", "/host/usr/bin/env"),
                         ("usr/share/zoneinfo", "/host/usr/share/zoneinfo"), ("etc/redmine", "/state/etc"), ("var/lib/redmine", "/state/lib"),
                         ("var/log/redmine", "/state/log"), ("var/cache/redmine", "/state/cache")):
        link(path, target)


def lay_out(state):
    for name in ("etc/default", "lib/default/files", "log/default", "cache/default/tmp", "tmp"):
        (state / name).mkdir(parents=True)
    (state / "etc/default/database.yml").write_text(DATABASE)
    (state / "etc/default/secret_key.txt").write_text("0123456789abcdef" * 2)
    (state / "prepare.rb").write_text(PREPARE)
    for name, target in (("config", "/state/etc/default"), ("log", "/state/log/default"), ("tmp", "/state/cache/default/tmp")):
        (state / "lib/default" / name).symlink_to(target)


def inside(state, command):
    """The command line and keywords that start a command within; as nobody when we are root."""
    libraries = [f.parent for f in TREE.glob("usr/lib/*/libruby-3*.so*")][0].relative_to(TREE)
    # Debian's own Bundler knows where Debian's gems are; the one that comes with Ruby, and is newer since 3.1.7, would fetch them.
    bundler = [f.stem.removeprefix("bundler-") for f in TREE.glob("usr/share/rubygems-integration/all/specifications/bundler-*.gemspec")]
    env = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": "/tmp", "LANG": "C.UTF-8", "RAILS_ENV": "production", "X_DEBIAN_SITEID": "default", "REDMINE_LANG": "en",
           "SCHEMA": "/dev/null", "LD_LIBRARY_PATH": f"/{libraries}:/host/{libraries}",
           **({"BUNDLER_VERSION": bundler[0]} if bundler else {})}
    mounts = "mount --rbind / $R/host && mount --bind $S $R/state && mount --bind $S/tmp $R/tmp && exec chroot $R /bin/sh -c 'cd /usr/share/redmine && "
    line = ["unshare", "-Urm", "sh", "-c", f"{mounts}{command}'"]
    user = {}
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for path in [state, *state.rglob("*")]:
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return line, {"env": {**env, "R": str(TREE), "S": str(state)}, "stdin": subprocess.DEVNULL, **user}


def prepare():
    """The tree, and a database with its defaults and issues; kept for the next time."""
    if not (TREE / "usr/share/redmine/config.ru").exists():
        fetch()
    furnish()
    if (SEED / "lib/key").exists():
        return
    shutil.rmtree(SEED, ignore_errors=True)
    lay_out(SEED)
    for command in ("true", "bundle install --local --quiet", "bundle exec rake db:migrate", "bundle exec rake redmine:load_default_data",
                    "bundle exec rails runner /state/prepare.rb"):
        line, keywords = inside(SEED, command)
        done = subprocess.run(line, capture_output=True, text=True, timeout=120, **keywords)
        if done.returncode and command == "true":
            raise Skip(f"no user namespace with mounts here: {done.stderr.strip()[-200:]}")
        if done.returncode:
            raise AssertionError(f"{command}: {done.stdout[-1000:]}\n{done.stderr[-1000:]}")


class Redmine:
    def __init__(self, case):
        prepare()
        case.tmp.chmod(0o711)
        self.state = case.tmp / "redmine"
        shutil.copytree(SEED, self.state, symlinks=True)
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = (self.state / "lib/key").read_text()
        line, keywords = inside(self.state, f"exec puma -q -t 1:4 -b tcp://127.0.0.1:{self.port} config.ru")
        self.said = open(case.tmp / "redmine.said", "wb")
        self.process = subprocess.Popen(line, stdout=self.said, stderr=self.said, **keywords)
        case.at_end(self.stop)
        wait_for(self.is_up, 60, "redmine")

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"redmine ended: {Path(self.said.name).read_text()[-2000:]}")
        try:
            return self.ask("GET", "/users/current.json")
        except OSError:
            return False

    def ask(self, method, path, body=None, headers=None):
        """The answer's body as it came."""
        request = urllib.request.Request(self.url + path, method=method, data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json", "X-Redmine-API-Key": self.key, **(headers or {})})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def issues(self):
        out = []
        while True:
            page = json.loads(self.ask("GET", f"/issues.json?status_id=*&sort=id&limit=100&offset={len(out)}"))
            out += page["issues"]
            if len(out) >= page["total_count"]:
                return out

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.said.close()
