#!/usr/bin/env python3
"""The daemon while its wall clock goes through what wall clocks go through: both changes of the year, downtimes, being set
forth and back, a suspended machine. Everything that it starts runs by the same clock (libfaketime)."""
import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from faketime import instant
from harness import HEAVY, Skip, run, wait_for
from wall import EPOCH, OWNER, World

ZONES = ("Africa/Cairo", "America/Havana", "America/Los_Angeles", "America/New_York", "America/St_Johns", "Asia/Kolkata",
         "Australia/Lord_Howe", "Europe/Dublin", "Europe/Paris", "Pacific/Apia", "Pacific/Auckland", "Pacific/Kiritimati")


def test_changes(case):
    """At half past two through both changes of the clocks: the hour that isn't there gets its digest, the one that is
    there twice gets one."""
    world = World(case, "2026-03-28T01:30:00Z", at="02:30")
    world.start()
    world.expect("2026-03-28")
    world.clock.set("2026-03-29T01:30:00Z")  # 02:30 doesn't exist: by the offset before, that is 03:30
    world.expect("2026-03-28", "2026-03-29")
    world.clock.set("2026-03-30T00:30:00Z")
    world.expect("2026-03-28", "2026-03-29", "2026-03-30")
    world.stop()
    world.forget()
    world.clock.set("2026-10-24T00:30:00Z")
    world.start()
    world.expect("2026-10-24")
    world.clock.set("2026-10-25T00:30:00Z")
    world.expect("2026-10-24", "2026-10-25")
    world.quiet("2026-10-25T01:30:00Z", "2026-10-24", "2026-10-25")  # 02:30 again
    world.clock.set("2026-10-26T01:30:00Z")
    world.expect("2026-10-24", "2026-10-25", "2026-10-26")


def test_thirty_hours(case):
    """Down from Monday 07:00 to Tuesday 13:00: Monday is missed for that, Tuesday is made up at once, and once."""
    world = World(case, "2026-03-06T07:00:00Z")
    world.start()
    world.expect("2026-03-06")
    for day in ("2026-03-07", "2026-03-08"):
        world.clock.set(f"{day}T07:00:00Z")
        wait_for(lambda: day in world.sent(), 15, day)
    world.clock.set("2026-03-09T06:00:00Z")
    world.looked()
    world.stop()
    world.clock.set("2026-03-10T12:00:00Z")
    world.start()
    world.expect("2026-03-06", "2026-03-07", "2026-03-08", "2026-03-10")
    assert world.clock.now() - instant("2026-03-10T12:00:00Z") < 30
    assert "Mon 9 Mar" in world.digest("2026-03-10"), "that Monday's wasn't sent is not said"
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
    world = World(case, "2026-03-02T07:00:00Z")
    world.start()
    world.expect("2026-03-02")
    world.clock.set("2026-03-02T05:00:00Z")
    world.quiet("2026-03-02T07:00:00Z", "2026-03-02")
    world.clock.set("2026-03-03T07:00:00Z")
    world.expect("2026-03-02", "2026-03-03")
    world.clock.set("2026-03-02T06:00:00Z")
    for now in ("2026-03-02T07:00:00Z", "2026-03-03T07:00:00Z"):
        world.quiet(now, "2026-03-02", "2026-03-03")
    world.clock.set("2026-03-04T07:00:00Z")
    world.expect("2026-03-02", "2026-03-03", "2026-03-04")


def test_set_forth(case):
    """Set forth by three days, or booted in 2098: nothing is sent and no day used up until it is corrected; then all is as
    ever, within a minute."""
    world = World(case, "2026-03-02T07:00:00Z")
    world.start()
    world.expect("2026-03-02")
    world.clock.set("2026-03-05T07:00:01Z")
    world.daemon.logged("clock_implausible")
    world.clock.set("2026-03-03T07:00:00Z")
    world.expect("2026-03-02", "2026-03-03")
    assert "clock_believed" in world.daemon.text()
    assert world.ledger() == [("2026-03-02", "done"), ("2026-03-03", "done")], world.ledger()
    world.stop()
    world.clock.set("2098-01-01T07:00:00Z")
    world.start()
    world.daemon.logged("clock_implausible")
    world.clock.set("2026-03-04T07:00:00Z")
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


def test_weeks(case):
    """Five days around each change of the clocks in America and Europe, the clock going on in steps of 20 minutes: owners in
    twelve zones at half past midnight, half past two and eight get one digest for each day."""
    if not HEAVY:
        raise Skip("RETAIND_HEAVY is not set")
    world = World(case, "2026-03-05T12:00:00Z")
    owners = [(f"o{i:02}-{at.replace(':', '')}", zone, at) for i, zone in enumerate(ZONES) for at in ("00:30", "02:30", "08:00")]
    path = case.tmp / "config/orgs/acme.yaml"
    path.write_text(path.read_text() + "".join(OWNER.format(name=name, zone=zone, at=at) for name, zone, at in owners))
    n = 0
    for change in (date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)):
        now = instant(f"{change - timedelta(days=3)}T12:00:00Z")
        world.clock.set(now)
        world.start()
        for _ in range(5 * 72):
            now += 1200
            world.clock.set(now)
            world.beats(3)
        wait_for(lambda: not case.query("SELECT 1 FROM slot WHERE state = 'pending' UNION ALL SELECT 1 FROM outbox WHERE state <> 'sent'"),
                 60, "the last digests")
        world.stop()
        sent = case.query("""SELECT d.owner_email, d.local_on FROM delivery x JOIN outbox o ON o.id = x.outbox_id
                             JOIN digest d ON d.id = o.digest_id WHERE x.outcome = 'sent'""")
        assert len(sent) == len(set(sent)), "something was sent twice"
        days = range((change - EPOCH).days - 1, (change - EPOCH).days + 2)
        missed = case.query("SELECT * FROM slot WHERE state <> 'done' AND local_on >= ?", days[0])
        assert not missed, missed
        for name, _, _ in owners:
            for day in days:
                assert (f"{name}@acme.example", day) in sent, (name, EPOCH + timedelta(days=day))
        n += len(sent)
        world.forget()
    print(f"    {n} digests, none missing, none twice")


run(globals())
