#!/usr/bin/env python3
"""The daemon while its wall clock goes through what wall clocks go through: both changes of the year, downtimes, being set
forth and back, a suspended machine. Everything that it starts runs by the same clock (libfaketime)."""
import os
import signal
import statistics
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from faketime import Clock, instant
from harness import HEAVY, Skip, run, wait_for
from test_run import Daemon, rows

ORG = """title: Acme
zone: {zone}
currency: EUR
days: [mon, tue, wed, thu, fri, sat, sun]
schedule: {{ sync_lead: 60s }}
sources:
  files:
    connector: csv
    folder: "{tmp}/csv"
    files:
      accounts: {{ match: "accounts*.csv", entity: account, key: id, map: [{{ to: name, from: name }}] }}
channels:
  out: {{ kind: file, folder: "{tmp}/out" }}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "{at}", channels: [out], sends_when_quiet: true }}
"""
EPOCH = date(1970, 1, 1)


class World:
    """One organisation whose daemon runs by a clock of ours. Its ticks are short, so that tests are."""

    def __init__(self, case, now, zone="Europe/Paris", at="08:00"):
        self.case = case
        case.write("csv/accounts.csv", "id,name\n1,Umbra\n2,Penumbra\n")
        (case.tmp / "out").mkdir()
        self.configure(zone, at)
        self.clock = Clock(case, now)
        self.daemon = None

    def configure(self, zone, at="08:00"):
        self.case.org(ORG.format(tmp=self.case.tmp, zone=zone, at=at))

    def start(self, **more):
        self.daemon = Daemon(self.case, env={**self.clock.env, "WATCHDOG_USEC": "300000"}, **more)
        self.daemon.logged("event=started")

    def stop(self):
        assert self.daemon.stop()[0] == 0, self.daemon.text()

    def ledger(self):
        return [((EPOCH + timedelta(days=day)).isoformat(), state if state != "missed" else f"missed({reason})")
                for day, state, reason in rows(self.case, "SELECT local_on, state, reason FROM slot ORDER BY local_on")]

    def sent(self):
        """The days of the digests that are out, one for each time that it was sent."""
        return [(EPOCH + timedelta(days=day)).isoformat() for day, in rows(self.case, """
            SELECT d.local_on FROM delivery x JOIN outbox o ON o.id = x.outbox_id JOIN digest d ON d.id = o.digest_id
            WHERE x.outcome = 'sent' ORDER BY d.local_on""")]

    def looked(self):
        """The daemon has seen the clock as it is now: it says so in the ledger every minute, and asks at least that often."""
        now = self.clock.now()
        wait_for(lambda: rows(self.case, "SELECT 1 FROM schedule_state WHERE tick_at >= " + str(int(now) - 1)), 10,
                 f"a look at the clock:\n{self.daemon.text()}")

    def expect(self, *days):
        """These are out, each once, and nothing else."""
        wait_for(lambda: len(self.sent()) >= len(days) and not rows(self.case, "SELECT 1 FROM slot WHERE state = 'pending'"),
                 15, f"{days}, not {self.sent()}, {self.ledger()}:\n{self.daemon.text()}")
        assert self.sent() == list(days), (self.sent(), self.ledger())

    def quiet(self, now, *days):
        """At this instant, and a minute later, there is nothing more to send."""
        for at in (instant(now), instant(now) + 61):
            self.clock.set(at)
            self.looked()
        self.expect(*days)


def test_changes(case):
    """At half past two through both changes of the clocks: the hour that isn't there gets its digest, the one that is
    there twice gets one."""
    world = World(case, "2026-03-28T01:29:59Z", at="02:30")
    world.start()
    world.expect("2026-03-28")
    world.clock.set("2026-03-29T01:29:59Z")  # 02:30 doesn't exist: by the offset before, that is 03:30
    world.expect("2026-03-28", "2026-03-29")
    world.clock.set("2026-03-30T00:29:59Z")
    world.expect("2026-03-28", "2026-03-29", "2026-03-30")
    world.stop()
    case.retaind("next", "--zone", "Europe/Paris")  # the world goes on without a daemon
    for name in ("retaind.db", "retaind.db-wal", "retaind.db-shm"):
        case.database().with_name(name).unlink(missing_ok=True)
    world.clock.set("2026-10-24T00:29:59Z")
    world.start()
    world.expect("2026-10-24")
    world.clock.set("2026-10-25T00:29:59Z")
    world.expect("2026-10-24", "2026-10-25")
    world.quiet("2026-10-25T01:30:00Z", "2026-10-24", "2026-10-25")  # 02:30 again
    world.clock.set("2026-10-26T01:29:59Z")
    world.expect("2026-10-24", "2026-10-25", "2026-10-26")


def test_thirty_hours(case):
    """Down from Monday 07:00 to Tuesday 13:00: Monday is missed for that, Tuesday is made up at once, and once."""
    world = World(case, "2026-03-06T06:59:59Z")
    world.start()
    world.expect("2026-03-06")
    for day in ("2026-03-07", "2026-03-08"):
        world.clock.set(f"{day}T06:59:59Z")
        wait_for(lambda: day in world.sent(), 15, day)
    world.clock.set("2026-03-09T06:00:00Z")
    world.looked()
    world.stop()
    world.clock.set("2026-03-10T12:00:00Z")
    world.start()
    world.expect("2026-03-06", "2026-03-07", "2026-03-08", "2026-03-10")
    assert world.clock.now() - instant("2026-03-10T12:00:00Z") < 30
    assert world.ledger()[3:] == [("2026-03-09", "missed(downtime)"), ("2026-03-10", "done")], world.ledger()
    world.stop()
    world.clock.set("2026-03-20T05:00:00Z")  # ten days more, until before the slot
    world.start()
    wait_for(lambda: len(world.ledger()) >= 14, 10, "nine rows")
    assert world.ledger()[5:] == [(f"2026-03-{day}", "missed(downtime)") for day in range(11, 20)], world.ledger()
    world.clock.set("2026-03-20T06:00:00Z")
    world.looked()
    world.stop()
    world.clock.set("2026-03-20T08:00:00Z")  # down from 07:00 to 09:00
    world.start()
    wait_for(lambda: "2026-03-20" in world.sent(), 15, "the digest")
    assert world.clock.now() - instant("2026-03-20T08:00:00Z") < 30
    assert world.sent().count("2026-03-20") == 1


def test_set_back(case):
    """Set back by two hours, and by 25, right after a digest went out: nothing is repeated, and the next one comes."""
    world = World(case, "2026-03-02T06:59:59Z")
    world.start()
    world.expect("2026-03-02")
    world.clock.set("2026-03-02T05:00:00Z")
    world.quiet("2026-03-02T07:00:00Z", "2026-03-02")
    world.clock.set("2026-03-03T06:59:59Z")
    world.expect("2026-03-02", "2026-03-03")
    world.clock.set("2026-03-02T06:00:00Z")
    for now in ("2026-03-02T07:00:00Z", "2026-03-03T06:59:59Z"):
        world.quiet(now, "2026-03-02", "2026-03-03")
    world.clock.set("2026-03-04T06:59:59Z")
    world.expect("2026-03-02", "2026-03-03", "2026-03-04")


def test_set_forth(case):
    """Set forth by three days, or booted in 2098: nothing is sent and no day used up until it is corrected; then all is as
    ever, within a minute."""
    world = World(case, "2026-03-02T06:59:59Z")
    world.start()
    world.expect("2026-03-02")
    world.clock.set("2026-03-05T07:00:01Z")
    world.daemon.logged("clock_implausible")
    world.clock.set("2026-03-03T06:59:59Z")
    world.expect("2026-03-02", "2026-03-03")
    assert "clock_believed" in world.daemon.text()
    assert world.ledger() == [("2026-03-02", "done"), ("2026-03-03", "done")], world.ledger()
    world.stop()
    world.clock.set("2098-01-01T07:00:00Z")
    world.start()
    world.daemon.logged("clock_implausible")
    world.clock.set("2026-03-04T06:59:59Z")
    world.expect("2026-03-02", "2026-03-03", "2026-03-04")
    assert [day for day, _ in world.ledger()] == ["2026-03-02", "2026-03-03", "2026-03-04"], world.ledger()


def test_suspended(case):
    """A machine that slept from 07:30 to 09:40 sends right after it wakes up, and once."""
    world = World(case, "2026-03-02T06:30:00Z")
    world.start()
    world.looked()
    world.clock.set("2026-03-02T08:40:00Z")
    world.expect("2026-03-02")
    assert world.clock.now() - instant("2026-03-02T08:40:00Z") < 30
    world.quiet("2026-03-02T09:00:00Z", "2026-03-02")


def test_moves(case):
    """Whose zone changes after the day's digest gets no second one for that day, and the next day's by the new wall clock;
    over the date line, west and east."""
    world = World(case, "2026-03-03T22:59:59Z", zone="Asia/Tokyo")
    world.start()
    world.expect("2026-03-04")
    world.configure("America/Los_Angeles")
    world.daemon.process.send_signal(signal.SIGHUP)
    world.daemon.logged("reloaded")
    world.quiet("2026-03-04T16:00:00Z", "2026-03-04")  # Wednesday 08:00 there, too
    world.clock.set("2026-03-05T15:59:59Z")
    world.expect("2026-03-04", "2026-03-05")
    world.configure("Pacific/Auckland")
    world.daemon.process.send_signal(signal.SIGHUP)
    world.daemon.logged("event=reloaded", 2)
    world.clock.set("2026-03-05T18:59:59Z")
    world.expect("2026-03-04", "2026-03-05", "2026-03-06")


def test_new_rules(case):
    """A time zone whose file is exchanged while the daemon runs is in force by its new rules without a restart; while the
    file is damaged, by its old ones."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        raise Skip("no file systems of our own here")
    zones = case.tmp / "zoneinfo"
    subprocess.run(["cp", "-rL", "/usr/share/zoneinfo", zones], check=True)
    world = World(case, "2026-03-02T05:00:00Z")
    world.start(under=("unshare", "-m", "sh", "-c", f'mount --bind {zones} /usr/share/zoneinfo && exec "$0" "$@"'))
    world.looked()

    def exchange(content):
        new = zones / "new"
        new.write_bytes(content)
        os.replace(new, zones / "Europe/Paris")

    exchange((zones / "Europe/Paris").read_bytes()[:300])
    world.daemon.logged("zones_refused")
    assert not world.sent()
    exchange((zones / "Europe/Helsinki").read_bytes())  # an hour earlier
    world.daemon.logged("zones_updated")
    world.clock.set("2026-03-02T05:59:59Z")
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
    n = 100 if HEAVY else 3
    world.start()
    late = []
    for i in range(n):
        due = instant("2026-03-02T07:00:00Z") + i * 86400
        day = (date(2026, 3, 2) + timedelta(days=i)).isoformat()
        if day > "2026-03-28":
            due -= 3600
        world.clock.set(due - 1)
        sent = case.tmp / "out" / f"{day}-csm-ada@acme.example.html"
        wait_for(sent.exists, 15, f"{day}:\n{world.daemon.text()}")
        late.append(sent.stat().st_mtime - world.clock.real(due))
        wait_for(lambda: len(world.sent()) > i, 10, "the ledger")
    assert min(late) >= -0.01, late  # never before
    worst = sorted(late)[max(0, n * 99 // 100 - 1)]
    print(f"    {n} digests: median {statistics.median(late):.2f} s, p99 {worst:.2f} s after the slot")
    assert worst <= 5, late


run(globals())
