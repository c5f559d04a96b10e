#!/usr/bin/env python3
"""The daemon by a clock of ours (libfaketime): days and data. Owners who move, rules of zones and holidays that change, data
that are late, sources whose own clocks differ."""
import os
import signal
import socket
import statistics
import subprocess
import sys
from datetime import date, timedelta
from email.utils import formatdate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import crm
from faketime import instant
from harness import HEAVY, Skip, run, wait_for
from hubspot import TOKEN, companies, quick, stand_in
from wall import World


def test_moves(case):
    """Whose zone changes after the day's digest gets no second one for that day, and the next day's by the new wall clock;
    over the date line, west and east."""
    world = World(case, "2026-03-03T23:00:00Z", zone="Asia/Tokyo")
    world.start()
    world.expect("2026-03-04")
    world.configure("America/Los_Angeles")
    world.daemon.process.send_signal(signal.SIGHUP)
    world.daemon.logged("reloaded")
    world.quiet("2026-03-04T16:00:00Z", "2026-03-04")  # Wednesday 08:00 there, too
    world.clock.set("2026-03-05T16:00:00Z")
    world.expect("2026-03-04", "2026-03-05")
    world.configure("Pacific/Auckland")
    world.daemon.process.send_signal(signal.SIGHUP)
    world.daemon.logged("event=reloaded", 2)
    world.clock.set("2026-03-05T19:00:00Z")
    world.expect("2026-03-04", "2026-03-05", "2026-03-06")


def test_new_rules(case):
    """A time zone whose file is exchanged while the daemon runs is in force by its new rules without a restart; while the
    file is damaged, by its old ones."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("no file systems of our own here")
    zones = case.tmp / "zoneinfo"
    (zones / "Europe").mkdir(parents=True)
    for name in ("UTC", "Europe/Paris", "Europe/Helsinki"):
        (zones / name).write_bytes(Path("/usr/share/zoneinfo", name).read_bytes())
    world = World(case, "2026-03-02T05:00:00Z")
    world.start(under=("unshare", "-m", "sh", "-c", f'mount --bind {zones} /usr/share/zoneinfo && exec "$0" "$@"'))
    world.daemon.logged("event=synced")

    def exchange(content):
        new = zones / "new"
        new.write_bytes(content)
        os.replace(new, zones / "Europe/Paris")

    exchange((zones / "Europe/Paris").read_bytes()[:300])
    world.daemon.logged("zones_refused")
    assert not world.sent()
    exchange((zones / "Europe/Helsinki").read_bytes())  # an hour earlier
    world.daemon.logged("zones_updated")
    world.clock.set("2026-03-02T06:00:00Z")
    world.expect("2026-03-02")


def test_holiday_moves(case):
    """A holiday that moves after the configuration was loaded is kept where it is now; the leap day and the turn of the year
    are days like others."""
    world = World(case, "2028-02-29T06:59:59Z")
    org = (case.tmp / "config/orgs/acme.yaml").read_text() + "holidays: [feast]\n"
    feast = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20200302\n{}END:VEVENT\nEND:VCALENDAR\n"

    def configure(ics):
        case.write("config/orgs/acme.yaml", org)
        case.write("config/holidays/feast.ics", feast.format(ics))

    configure("RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1\n")
    world.start()
    world.expect("2028-02-29")
    configure("RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=2\n")
    world.daemon.process.send_signal(signal.SIGHUP)
    world.daemon.logged("event=reloaded")
    world.clock.set("2028-03-01T06:59:59Z")
    world.expect("2028-02-29", "2028-03-01")
    world.quiet("2028-03-02T07:00:00Z", "2028-02-29", "2028-03-01")
    world.stop()
    assert world.ledger() == [("2028-02-29", "done"), ("2028-03-01", "done")]


def test_punctual(case):
    """With its data there, a digest is on its way at most five seconds after its slot."""
    world = World(case, "2026-03-02T06:59:57Z")
    n = 100 if HEAVY else 2
    world.start()
    late = []
    for i in range(n):
        due = instant("2026-03-02T07:00:00Z") + i * 86400
        day = (date(2026, 3, 2) + timedelta(days=i)).isoformat()
        if day > "2026-03-28":
            due -= 3600
        world.clock.set(due - 1)
        sent = case.tmp / "out" / f"{day}-csm-ada@acme.example.html"  # in one piece, by a rename
        wait_for(sent.exists, 15, f"{day}:\n{world.daemon.text()}")
        late.append(sent.stat().st_mtime - world.clock.real(due))
        wait_for(lambda: len(world.sent()) > i, 10, "the ledger")
    assert min(late) >= -0.01, late  # never before
    worst = sorted(late)[max(0, n * 99 // 100 - 1)]
    print(f"    {n} digests: median {statistics.median(late):.2f} s, p99 {worst:.2f} s after the slot")
    assert worst <= 5, late


CRM = """  crm:
    connector: hubspot
    base_url: "{url}"
    allows_http_loopback: true
    secrets: {{ token: "file:{tmp}/token" }}
"""


def with_crm(case, now, url):
    case.write("token", TOKEN + "\n").chmod(0o600)
    world = World(case, now, more=CRM.format(url=url, tmp=case.tmp))
    connector = case.tmp / "config/connectors/hubspot.yaml"
    connector.write_text(quick(connector.read_text()))
    return world


def test_late_data(case):
    """A source that doesn't answer holds its owner's digest up for a quarter of an hour and no second longer."""
    silent = socket.create_server(("127.0.0.1", 0))
    case.at_end(silent.close)
    world = with_crm(case, "2026-03-02T06:59:59Z", f"http://127.0.0.1:{silent.getsockname()[1]}")
    world.start()
    wait_for(world.ledger, 10, "the slot")
    world.clock.set("2026-03-02T07:14:55Z")
    world.looked()
    assert not world.sent() and world.ledger() == [("2026-03-02", "pending")], world.ledger()
    world.clock.set("2026-03-02T07:14:59Z")
    world.expect("2026-03-02")
    assert world.clock.now() - instant("2026-03-02T07:15:00Z") < 15
    assert "Source crm has never come through" in world.digest("2026-03-02")


def test_late_sync(case):
    """Data that are late for the first time: the digest goes with what is there and says of when that is."""
    _, server = stand_in(case, {"companies": companies(3)})
    silent = socket.create_server(("127.0.0.1", 0))
    case.at_end(silent.close)
    crm.formatdate = lambda usegmt: formatdate(world.clock.now(), usegmt=usegmt)
    case.at_end(lambda: setattr(crm, "formatdate", formatdate))
    world = with_crm(case, "2026-03-02T06:59:59Z", server.url)
    world.start()
    world.expect("2026-03-02")
    assert "had not come through" not in world.digest("2026-03-02")
    world.stop()
    org = case.tmp / "config/orgs/acme.yaml"
    org.write_text(org.read_text().replace(server.url, f"http://127.0.0.1:{silent.getsockname()[1]}"))
    world.clock.set("2026-03-03T06:59:59Z")
    world.start()
    wait_for(lambda: len(world.ledger()) > 1, 10, "the slot")
    world.clock.set("2026-03-03T07:14:59Z")
    world.expect("2026-03-02", "2026-03-03")
    said = world.digest("2026-03-03")
    assert "had not come through" in said and "24 hours old" in said, said


def test_sources_clocks(case):
    """A clock that no source agrees with sends nothing, pulls nothing and uses up no day, whatever it shows, until it is set
    right; then all is as ever."""
    _, server = stand_in(case, {"companies": companies(3)})
    world = with_crm(case, "2026-03-02T06:59:30Z", server.url)
    true = {"ahead": 3 * 86400}
    case.at_end(lambda: setattr(crm, "formatdate", formatdate))
    crm.formatdate = lambda usegmt: formatdate(world.clock.now() - true["ahead"], usegmt=usegmt)
    world.start()
    world.daemon.logged("clock_implausible")
    world.daemon.logged("job=pull", 2)  # the second one asks for the time only
    for now in ("2026-03-02T07:00:01Z", "2026-03-03T07:00:01Z"):
        true["ahead"] += instant(now) - world.clock.now()
        world.clock.set(now)
        world.beats(4)
        assert not world.sent() and not world.ledger(), world.ledger()
    world.clock.set(world.clock.now() - true["ahead"])  # seen by the boot-time clock, without asking
    true["ahead"] = 0
    world.daemon.logged("clock_believed")
    world.clock.set("2026-02-27T07:00:01Z")
    world.expect("2026-02-27")
    assert world.ledger() == [("2026-02-27", "done")], world.ledger()


run(globals())
