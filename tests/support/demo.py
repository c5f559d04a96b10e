#!/usr/bin/env python3
"""`make demo`: one small company, two mornings, the real binary end to end on this machine.

Starts a stand-in CRM (HubSpot-shaped REST), a Slack sink and a mail server on 127.0.0.1, writes a configuration folder and
a folder of CSV exports, and runs `retaind once` on two days. Only the addresses differ from production.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import demo_data as data  # noqa: E402
import crm  # noqa: E402
import demo_crm  # noqa: E402
import sinks  # noqa: E402
from harness import free_port  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "pat-demo-0000"
LINES = 78
UNDER = os.environ.get("RETAIND_UNDER", "").split()  # a checker to run the binary under


def heading(text):
    print(f"\n\033[1m== {text} {'=' * max(0, LINES - len(text) - 4)}\033[0m" if sys.stdout.isatty() else
          f"\n== {text} {'=' * max(0, LINES - len(text) - 4)}")


def write_secret(folder, name, value):
    path = folder / name
    path.write_text(value + "\n")
    path.chmod(0o600)
    return f"file:{path}"


def configure(home, crm_url, slack_url, smtp_port):
    config = home / "config"
    shutil.copytree(ROOT / "config", config)
    secrets = home / "secrets"
    secrets.mkdir(mode=0o700)
    template = (ROOT / "tests/data/demo/lumendesk.yaml").read_text()
    values = {"CRM_URL": crm_url, "TOKEN": write_secret(secrets, "hubspot-token", TOKEN),
              "SLACK": write_secret(secrets, "slack-webhook", slack_url), "SMTP_PORT": str(smtp_port),
              "SMTP_PASSWORD": write_secret(secrets, "smtp-password", "demo"), "EXPORTS": str(home / "exports"),
              "ANSWERS": write_secret(secrets, "answers", "demo-links-are-signed-with-this"),
              "DIGESTS": str(home / "digests"), "CA": str(home / "ca.pem")}
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    (config / "orgs").mkdir(exist_ok=True)
    for sample in (config / "orgs").glob("*.yaml"):
        sample.unlink()
    (config / "orgs/lumendesk.yaml").write_text(template)
    (config / "retaind.yaml").write_text(f"state: {home}/state\nweb: {{ listen: '127.0.0.1:{free_port()}' }}\n")
    for path in [config, *config.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return config


def once(binary, config, day):
    """One whole cycle as the daemon would run it that morning at 07:30 in Paris."""
    start = time.monotonic()
    command = [*UNDER, binary, "once", "--config", str(config), "--now", f"{day.isoformat()}T06:30:00Z"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print("$ retaind " + " ".join(["once", "--now", f"{day.isoformat()}T06:30:00Z"]))
    print(done.stdout.rstrip())
    if done.returncode:
        sys.exit(f"retaind once: exit {done.returncode}\n{done.stderr}")
    print(f"({time.monotonic() - start:.1f} s)")


def retaind(binary, config, command, *arguments):
    done = subprocess.run([*UNDER, binary, command, "--config", str(config), *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"retaind {command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def read_everything(binary, config, home):
    """Every command once more by itself: what `make valgrind` wants to see run."""
    day = ("--as-of", data.DAY_TWO.isoformat())
    now = ("--now", f"{data.DAY_TWO.isoformat()}T06:40:00Z")
    for command in (("check",), ("migrate",), ("accounts", *day), ("accounts", "--hidden", *day), ("explain", "Brasserie Maréchal", *day),
                    ("explain", "Atlas Robotics", "--format", "json", *day), ("nrr", "--by", "month", "--format", "csv", *day),
                    ("nrr", "--by", "segment", *day), ("next", "--owner", data.CSM, "--count", "5"),
                    ("preview", "--owner", data.MANAGER, *day), ("preview", "--owner", data.AM, "--format", "json", *day),
                    ("pull", "--full"), ("digest", *now), ("deliver", *now), ("deliveries", "list"), ("deliveries", "show", "1"),
                    ("deliveries", "audit"), ("deliveries", "retry", "1", "--force"), ("deliveries", "cancel", "1"),
                    ("ack", "1"), ("snooze", "2", "--until", "2100-01-01"), ("dismiss", "3", "--reason", "known"),
                    ("score", *day), ("backup", "--to", str(home / "backup.db"))):
        retaind(binary, config, *command)
        print("clean: retaind " + " ".join(command))


def plain_part(mail):
    return mail.get_body(("plain",)).get_content()


def main():
    binary, home = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
    shutil.rmtree(home, ignore_errors=True)
    (home / "exports").mkdir(parents=True)
    certificate = sinks.certificate(home)
    store = crm.Store(demo_crm.objects(data.DAY_ONE - timedelta(days=1)))
    server = crm.serve(store, token=TOKEN)
    slack = sinks.Slack().start()
    mail = sinks.Smtp(certificate=certificate, user="lumendesk", password="demo").start()
    config = configure(home, server.url, slack.url, mail.port)

    heading("Lumen Desk: 24 accounts in the CRM, usage and billing as CSV")
    counts = data.write_exports(home / "exports", data.DAY_ONE - timedelta(days=1))
    print(f"CRM on {server.url}: " + ", ".join(f"{len(v)} {k}" for k, v in store.objects().items()))
    print(f"CSV in {home}/exports: " + ", ".join(f"{n} {k}" for k, n in counts.items()))
    heading(f"Morning one, {data.DAY_ONE:%A %d %B %Y}: first diagnosis")
    once(binary, config, data.DAY_ONE)

    store.merge(demo_crm.objects(data.DAY_ONE))
    data.write_exports(home / "exports", data.DAY_ONE)
    heading(f"Morning two, {data.DAY_TWO:%A %d %B %Y}: what changed")
    once(binary, config, data.DAY_TWO)
    show(binary, config, home, slack, mail)
    if UNDER:
        heading(f"The other commands under {UNDER[0]}")
        read_everything(binary, config, home)
    server.stop()
    slack.stop()
    mail.stop()


def show(binary, config, home, slack, mail):
    received = [(m.recipient, message_from_bytes(m.data, policy=policy.SMTP)) for m in mail.messages]
    csm = [m for to, m in received if to == data.CSM]
    heading(f"What {data.CSM} got by mail this morning (CSM)")
    print(f"Subject: {csm[-1]['Subject']}\n\n{plain_part(csm[-1])}")
    heading("What #expansion got in Slack this morning (AM)")
    print(sinks.slack_text(json.loads(slack.messages[-1].body)))
    heading("Net revenue retention, trailing twelve months")
    print(retaind(binary, config, "nrr", "--as-of", data.DAY_TWO.isoformat()))
    html = home / "digest-csm.html"
    html.write_text(csm[-1].get_body(("html",)).get_content())
    heading("Look further")
    print(f"The HTML mail      {html}\nThe database       {home}/state/orgs/lumendesk/retaind.db\n"
          f"Why an account     {os.path.relpath(binary)} explain 'Brasserie Maréchal' --config {os.path.relpath(config)} --as-of {data.DAY_TWO}\n"
          f"All the accounts   {os.path.relpath(binary)} accounts --config {os.path.relpath(config)} --as-of {data.DAY_TWO}")


if __name__ == "__main__":
    main()
