"""One organisation whose daemon runs by a clock that the test sets (see faketime.py)."""
import contextlib
import socket
from datetime import date, timedelta

from daemon import Daemon, rows
from faketime import Clock, instant
from harness import wait_for

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
{more}channels:
  out: {{ kind: file, folder: "{tmp}/out" }}
owners:
  - {{ email: ada@acme.example, name: Ada, role: csm, at: "{at}", channels: [out], sends_when_quiet: true }}
"""
OWNER = """  - {{ email: {name}@acme.example, name: {name}, role: csm, at: "{at}", zone: {zone}, channels: [out], sends_when_quiet: true }}
"""
EPOCH = date(1970, 1, 1)


class World:
    """One organisation whose daemon runs by a clock of ours. Its ticks are short, so that tests are."""

    def __init__(self, case, now, zone="Europe/Paris", at="08:00", more=""):
        self.case, self.more = case, more
        case.write("csv/accounts.csv", "id,name\n1,Umbra\n2,Penumbra\n")
        (case.tmp / "out").mkdir()
        self.configure(zone, at)
        self.clock = Clock(case, now)
        self.daemon = None
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # is told of each look at the clock
        self.manager.bind(str(case.tmp / "notify"))
        self.manager.settimeout(10)
        case.at_end(self.manager.close)

    def configure(self, zone, at="08:00"):
        self.case.org(ORG.format(tmp=self.case.tmp, zone=zone, at=at, more=self.more))

    def start(self, **more):
        self.daemon = Daemon(self.case, env={**self.clock.env, "WATCHDOG_USEC": "300000",
                                            "NOTIFY_SOCKET": str(self.case.tmp / "notify")}, **more)
        self.daemon.logged("event=started")

    def stop(self):
        assert self.daemon.stop()[0] == 0, self.daemon.text()

    def digest(self, day):
        """The digest of a day as it was sent."""
        return (self.case.tmp / "out" / f"{day}-csm-ada@acme.example.html").read_text()

    def ledger(self):
        return [((EPOCH + timedelta(days=day)).isoformat(), state if state != "missed" else f"missed({reason})")
                for day, state, reason in rows(self.case, "SELECT local_on, state, reason FROM slot ORDER BY local_on")]

    def forget(self):
        """As if it had never run."""
        for path in self.case.database().parent.glob("retaind.db*"):
            path.unlink()

    def sent(self):
        """The days of the digests that are out, one for each time that it was sent."""
        return [(EPOCH + timedelta(days=day)).isoformat() for day, in rows(self.case, """
            SELECT d.local_on FROM delivery x JOIN outbox o ON o.id = x.outbox_id JOIN digest d ON d.id = o.digest_id
            WHERE x.outcome = 'sent' ORDER BY d.local_on""")]

    def looked(self):
        """The daemon has seen the clock as it is now: it says so in the ledger every minute, and asks at least that often."""
        now = self.clock.now()
        wait_for(lambda: rows(self.case, f"SELECT 1 FROM schedule_state WHERE abs(tick_at - {now}) <= 10"), 10,
                 f"a look at the clock:\n{self.daemon.text()}")

    def beats(self, n):
        """The daemon has been awake so many times more."""
        self.manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self.manager.recv(512):
                pass
        self.manager.settimeout(10)
        while n > 0:
            n -= b"WATCHDOG=1" in self.manager.recv(512)

    def expect(self, *days):
        """These are out, each once, and nothing else."""
        wait_for(lambda: len(self.sent()) >= len(days) and not rows(self.case, "SELECT 1 FROM slot WHERE state = 'pending'"),
                 40, f"{days}, not {self.sent()}, {self.ledger()}:\n{self.daemon.text()}")
        assert self.sent() == list(days), (self.sent(), self.ledger())

    def quiet(self, now, *days):
        """At this instant, and a minute later, there is nothing more to send."""
        for at in (instant(now), instant(now) + 61):
            self.clock.set(at)
            self.looked()
        self.expect(*days)
