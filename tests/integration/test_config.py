#!/usr/bin/python3
"""Broken configurations: every mistake is told at once, with file, line, path, what is wrong and what would be "
"right."""
import http.server
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import BIN, ROOT, Skip, run  # noqa: E402

# A configuration without mistakes. The cases below change it.
GOOD = {
    "retaind.yaml": """\
state: /nonexistent/state
log_level: info
admin_channel: acme/desk
""",
    "signals.yaml": """\
bands: {watch: 2.5, at_risk: 5, emerging: 3, ready: 6, leave: 0.8, min_stay: 3}
family_cap: 4
base_risk: 5
horizon: 90d
signals:
  active_level: {weight: 2, low: 0.8, high: 0.2, text: "fewer people", play: reactivate}
  near_limit: {weight: 2.5, low: 0.8, high: 1, text: "nearly full", play: upgrade}
""",
    "plays.yaml": """\
plays:
  reactivate: {title: Call the sponsor, first_step: Ask what changed, lead_days: 5}
  upgrade: {title: Offer the next plan, first_step: Send the usage chart}
""",
    "lexicon/cancel.yaml": """\
kind: cancel
phrases: [cancel our contract, résilier]
""",
    "holidays/fr.yaml": """\
- 2026-01-01
- {day: 2026-05-01, name: Fête du travail}
- {from: 2026-12-24, to: 2027-01-02, name: closed}
""",
    "holidays/us.ics": """\
BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260704
DTEND;VALUE=DATE:20260705
SUMMARY:Independence
  Day
END:VEVENT
END:VCALENDAR
""",
    "orgs/acme.yaml": """\
title: Acme
zone: Europe/Paris
currency: EUR
holidays: [fr]
sources:
  exports:
    connector: csv
    folder: /
    files:
      usage:
        match: "usage*.csv"
        entity: usage
        account: {from: customer, by: domain}
        map: [{to: metric, from: metric}, {to: day, from: day}, {to: value, from: value}]
channels:
  desk:
    kind: file
    folder: /srv/digests
  mail:
    kind: email
    host: smtp.acme.example
    from: "Desk <desk@acme.example>"
owners:
  - email: ann@acme.example
    name: Ann
    role: csm
    channels: [desk]
  - email: bob@acme.example
    name: Bob
    role: manager
    channels: [mail]
    manages: [ann@acme.example]
""",
}

ORG = "orgs/acme.yaml"
KINDS = ", ".join(re.findall(r'\[CHANNEL_\w+\] = "(\w+)"', (ROOT / "src/deliver/channels.c").read_text()))

# What is broken; the edits (file, what is there, what stands there instead; None: the whole file); the lines told.
CASES = [
    ("an unknown key near a known one",
     [(ORG, "title:", "titel:")],
     ['orgs/acme.yaml:1: titel: unknown key `titel`, did you mean `title`?']),
    ("an unknown key near none",
     [(ORG, "title: Acme", "colour: red")],
     ['orgs/acme.yaml:1: colour: unknown key `colour`, expected one of title, zone, currency, language, '
      'ping_url, account_url, days, holidays, sources, owners, channels, schedule, identity, retention, answers, score, nrr']),
    ("an unknown key of an owner and one of a channel",
     [(ORG, "    name: Ann", "    nmae: Ann"),
      (ORG, "    host:", "    hots:")],
     ['orgs/acme.yaml:21: channels.mail.hots: unknown key `hots`, did you mean `host`?',
      'orgs/acme.yaml:19: channels.mail: `host` is missing, kind `email` needs it',
      'orgs/acme.yaml:25: owners[0].nmae: unknown key `nmae`, did you mean `name`?',
      'orgs/acme.yaml:24: owners[0]: `name` is missing, expected a text']),
    ("an unknown key in every file",
     [("retaind.yaml", "log_level", "loglevel"),
      ("signals.yaml", "family_cap", "familycap"),
      ("signals.yaml", "weight: 2.5", "wieght: 2.5"),
      ("plays.yaml", "lead_days", "leaddays"),
      ("lexicon/cancel.yaml", "phrases", "phrase"),
      ("holidays/fr.yaml", "{day: 2026-05-01, name", "{day: 2026-05-01, nme")],
     ['retaind.yaml:2: loglevel: unknown key `loglevel`, did you mean `log_level`?',
      'holidays/fr.yaml:2: [1].nme: unknown key `nme`, did you mean `name`?',
      'signals.yaml:2: familycap: unknown key `familycap`, did you mean `family_cap`?',
      'plays.yaml:2: plays.reactivate.leaddays: unknown key `leaddays`, did you mean `lead_days`?',
      'lexicon/cancel.yaml:2: phrase: unknown key `phrase`, did you mean `phrases`?',
      'lexicon/cancel.yaml:1: `phrases` is missing, expected a list of texts',
      'signals.yaml:7: signals.near_limit.wieght: unknown key `wieght`, did you mean `weight`?']),
    ("an unknown key of schedule, score and nrr",
     [(ORG, "owners:", "schedule: {sync_evry: 4h}\nscore: {key_metric: [a]}\nnrr: {rolls_up: true}\nowners:")],
     ['orgs/acme.yaml:23: schedule.sync_evry: unknown key `sync_evry`, did you mean `sync_every`?',
      'orgs/acme.yaml:25: nrr.rolls_up: unknown key `rolls_up`, expected one of method, new_and_churned, '
      'reactivated_in_cohort, reactivated_outside_cohort, reactivated_after_days, reactivated_within_days, churn_date, '
      'past_due_days, fx, discounts, credits, free_plan, cancelled_addon, paused, usage, segment, parents, group_days, '
      'rate_age_days, owner_book, merges, preset, rolls_up_to_parent',
      'orgs/acme.yaml:24: score.key_metric: unknown key `key_metric`, did you mean `key_metrics`?']),
    ("rules of retention that don't exist, or contradict one another",
     [(ORG, "owners:", """nrr:
  preset: chartmogol
  churn_date: at_notice
  reactivated_after_days: 90
  reactivated_within_days: 60
  owner_book: {unmanaged_grace_days: 90}
  merges: [{account: A1, into: A1, on: 2026-01-01}]
owners:""")],
     ['orgs/acme.yaml:24: nrr.preset: is `chartmogol`, did you mean `chartmogul`? (one of default, 10k_cohort, '
      'chartmogul, profitwell, stripe, posthog_owner_book)',
      'orgs/acme.yaml:25: nrr.churn_date: is `at_notice`, expected one of period_end, billing_end, notice',
      'orgs/acme.yaml:28: nrr.owner_book: who holds an account on the first day answers for it, so drop_grace_days and '
      'unmanaged_grace_days say nothing, expected assigned_before_end_days above 0 with them',
      'orgs/acme.yaml:27: nrr.reactivated_within_days: reactivated_within_days is 60 and reactivated_after_days 90, so '
      'nobody ever is, expected the first above the second, or 0 for no limit',
      'orgs/acme.yaml:29: nrr.merges[0]: `A1` becomes part of itself, expected merges that end with another account']),
    ("required keys that are missing",
     [(ORG, "zone: Europe/Paris\n", ""),
      (ORG, "currency: EUR\n", ""),
      (ORG, "    role: csm\n", ""),
      (ORG, "    kind: file\n", "")],
     [f'orgs/acme.yaml:14: channels.desk: `kind` is missing, expected one of {KINDS}',
      'orgs/acme.yaml:21: owners[0]: `role` is missing, expected one of csm, am, manager',
      'orgs/acme.yaml:1: `zone` is missing, expected a text',
      'orgs/acme.yaml:1: `currency` is missing, expected a text']),
    ("a required key without a value",
     [(ORG, "zone: Europe/Paris", "zone:")],
     ['orgs/acme.yaml:2: zone: is empty, expected a text']),
    ("a zone that is not there",
     [(ORG, "zone: Europe/Paris", "zone: Europe/Pariss")],
     ['orgs/acme.yaml:2: zone: no time zone `Europe/Pariss`, expected one such as Europe/Paris or UTC']),
    ("a zone that climbs out of the zones",
     [(ORG, "zone: Europe/Paris", "zone: ../../etc/passwd")],
     ['orgs/acme.yaml:2: zone: no time zone `../../etc/passwd`, expected one such as Europe/Paris or UTC']),
    ("an owner's zone and time",
     [(ORG, "    name: Ann", "    name: Ann\n    zone: Mars/Base\n    at: 8am")],
     ['orgs/acme.yaml:27: owners[0].at: is `8am`, expected a time of day such as 08:00',
      'orgs/acme.yaml:26: owners[0].zone: no time zone `Mars/Base`, expected one such as Europe/Paris or UTC']),
    ("a time of day that no clock shows",
     [(ORG, "    name: Ann", "    name: Ann\n    at: \"24:30\"")],
     ['orgs/acme.yaml:26: owners[0].at: is `24:30`, expected a time of day such as 08:00']),
    ("an unknown currency",
     [(ORG, "currency: EUR", "currency: EURO")],
     ['orgs/acme.yaml:3: currency: no currency `EURO`, expected a code of ISO 4217 such as EUR']),
    ("e-mails that are none",
     [(ORG, "  - email: ann@acme.example", "  - email: ann at acme"),
      (ORG, "- email: bob@acme.example", "- email: bob@localhost"),
      (ORG, "manages: [ann@acme.example]", "manages: []")],
     ['orgs/acme.yaml:24: owners[0].email: is `ann at acme`, expected an e-mail address such as ann@acme.example',
      'orgs/acme.yaml:28: owners[1].email: is `bob@localhost`, expected an e-mail address such as ann@acme.example']),
    ("an owner who is there twice, in another case",
     [(ORG, "- email: bob@acme.example", "- email: Ann@Acme.example")],
     ['orgs/acme.yaml:28: owners[1].email: `ann@acme.example` is there twice (owners[0]), expected once']),
    ("a channel that is not there",
     [(ORG, "channels: [desk]", "channels: [dekс, desk2]")],
     ['orgs/acme.yaml:27: owners[0].channels[0]: no channel `dekс`, expected one of desk, mail',
      'orgs/acme.yaml:27: owners[0].channels[1]: no channel `desk2`, did you mean `desk`?']),
    ("an owner without a channel",
     [(ORG, "channels: [desk]", "channels: []")],
     ['orgs/acme.yaml:27: owners[0].channels: is empty, expected at least one channel']),
    ("holidays that are not there",
     [(ORG, "holidays: [fr]", "holidays: [fr, de]")],
     ['orgs/acme.yaml:4: holidays[1]: no holidays `de`, expected one of fr, us']),
    ("weekdays that are none and an owner without a working day",
     [(ORG, "zone:", "days: [mon, tues, freitag]\nzone:"),
      (ORG, "    name: Ann", "    name: Ann\n    days: []")],
     ['orgs/acme.yaml:27: owners[0].days: has no working day, expected at least one of mon, tue, wed, thu, fri, '
      'sat, sun',
      'orgs/acme.yaml:2: days[1]: no weekday `tues`, did you mean `tue`?',
      'orgs/acme.yaml:2: days[2]: no weekday `freitag`, expected one of mon, tue, wed, thu, fri, sat, sun']),
    ("an unknown role",
     [(ORG, "role: manager", "role: boss")],
     ['orgs/acme.yaml:30: owners[1].role: is `boss`, expected one of csm, am, manager']),
    ("a role near a known one",
     [(ORG, "role: manager", "role: manger")],
     ['orgs/acme.yaml:30: owners[1].role: is `manger`, did you mean `manager`? (one of csm, am, manager)']),
    ("books of owners who are not there",
     [(ORG, "manages: [ann@acme.example]", "manages: [amn@acme.example, zoe@acme.example]")],
     ['orgs/acme.yaml:32: owners[1].manages[0]: no owner `amn@acme.example`, did you mean `ann@acme.example`?',
      'orgs/acme.yaml:32: owners[1].manages[1]: no owner `zoe@acme.example`, did you mean `bob@acme.example`?']),
    ("a book of somebody who manages nobody",
     [(ORG, "    role: csm", "    role: csm\n    manages: [bob@acme.example]")],
     ['orgs/acme.yaml:27: owners[0].manages: is not used with role `csm`, expected it only with `manager`']),
    ("a capacity out of range and one that is no number",
     [(ORG, "    name: Ann", "    name: Ann\n    capacity: 0"),
      (ORG, "    name: Bob", "    name: Bob\n    capacity: seven")],
     ['orgs/acme.yaml:26: owners[0].capacity: is `0`, expected 1 to 50',
      'orgs/acme.yaml:31: owners[1].capacity: is `seven`, expected a whole number']),
    ("a password and a webhook written out",
     [(ORG, "    host:", "    user: desk\n    password: hunter2\n    host:"),
      (ORG, "  mail:", "  slack:\n    kind: slack_webhook\n    url: https://hooks.slack.com/services/T0/B0/xyz\n "
       " mail:")],
     ['orgs/acme.yaml:21: channels.slack.url: a secret written out, expected a reference: credential:NAME, '
      'file:PATH or env:NAME',
      'orgs/acme.yaml:25: channels.mail.password: a secret written out, expected a reference: credential:NAME, '
      'file:PATH or env:NAME']),
    ("a token written out",
     [(ORG, "  exports:", "  crm:\n    connector: csv\n    secrets: {token: pat-eu1-123}\n  exports:")],
     ['orgs/acme.yaml:8: sources.crm.secrets.token: a secret written out, expected a reference: credential:NAME, '
      'file:PATH or env:NAME',
      'orgs/acme.yaml:6: sources.crm: `folder` is missing, connector `csv` needs it',
      'orgs/acme.yaml:6: sources.crm: `files` is missing, connector `csv` needs it',
      'orgs/acme.yaml:8: sources.crm.secrets: is not used with connector `csv`, expected it only with other '
      'connectors than `csv`']),
    ("a webhook without secret and over plain http",
     [(ORG, "  mail:", "  hook:\n    kind: webhook\n    url: http://intranet.acme.example/x\n  mail:")],
     ['orgs/acme.yaml:19: channels.hook: `secret` is missing, kind `webhook` needs it',
      'orgs/acme.yaml:21: channels.hook.url: plain http, expected https:// (http:// goes to this machine only)']),
    ("plain http to this machine without leave",
     [(ORG, "  mail:", "  hook:\n    kind: webhook\n    url: http://127.0.0.1:8080/x\n    secret: env:HOOK\n  "
      "mail:")],
     ['orgs/acme.yaml:21: channels.hook.url: plain http, expected https:// (or `allows_http_loopback: true`, for '
      'tests on this machine)']),
    ("URLs that are none or hold a user",
     [(ORG, "  mail:", "  hook:\n    kind: webhook\n    url: ftp://acme.example\n    secret: env:HOOK\n  "
      "hook2:\n    kind: webhook\n" "    url: https://me:pw@acme.example/\n    secret: env:HOOK\n  mail:")],
     ['orgs/acme.yaml:21: channels.hook.url: not a URL, expected https://HOST/...',
      'orgs/acme.yaml:25: channels.hook2.url: a URL with a user in it, expected one without (secrets have keys of '
      'their own)']),
    ("keys of another kind of channel",
     [(ORG, "    folder: /srv/digests", "    folder: /srv/digests\n    port: 25\n    url: env:X")],
     ['orgs/acme.yaml:20: channels.desk.url: is not used with kind `file`, expected it left out',
      'orgs/acme.yaml:19: channels.desk.port: is not used with kind `file`, expected it left out']),
    ("a relative folder",
     [(ORG, "    folder: /srv/digests", "    folder: digests"),
      (ORG, "    folder: /\n", "    folder: ./in\n")],
     ['orgs/acme.yaml:8: sources.exports.folder: is the relative path `./in`, expected one from /',
      'orgs/acme.yaml:18: channels.desk.folder: is the relative path `digests`, expected one from /']),
    ("mail without TLS to another machine",
     [(ORG, "    host:", "    tls: none_loopback\n    host:"),
      (ORG, 'from: "Desk <desk@acme.example>"', 'from: "Desk desk@acme"')],
     ['orgs/acme.yaml:21: channels.mail.tls: mail without TLS to `smtp.acme.example`, expected starttls or implicit',
      'orgs/acme.yaml:23: channels.mail.from: is `Desk desk@acme`, expected `ann@acme.example` or `Ann '
      '<ann@acme.example>`']),
    ("a port out of range and a user without password",
     [(ORG, "    host:", "    port: 70000\n    user: desk\n    host:")],
     ['orgs/acme.yaml:21: channels.mail.port: is `70000`, expected 1 to 65535',
      'orgs/acme.yaml:19: channels.mail: `password` is missing, expected both `user` and `password` or none']),
    ("a connector that is not there",
     [(ORG, "connector: csv", "connector: cvs")],
     ['orgs/acme.yaml:7: sources.exports.connector: no connector `cvs`, did you mean `csv`?']),
    ("a csv source without its files",
     [(ORG, "    folder: /\n", ""),
      (ORG, "    files:\n      usage:", "    map:\n      usage:")],
     ['orgs/acme.yaml:6: sources.exports: `folder` is missing, connector `csv` needs it',
      'orgs/acme.yaml:6: sources.exports: `files` is missing, connector `csv` needs it',
      'orgs/acme.yaml:8: sources.exports.map: is not used with connector `csv`, expected it only with other '
      'connectors than `csv`']),
    ("a base URL in a csv source",
     [(ORG, "    folder: /\n", "    folder: /\n    base_url: https://api.acme.example\n")],
     ['orgs/acme.yaml:9: sources.exports.base_url: is not used with connector `csv`, expected it only with other '
      'connectors than `csv`']),
    ("a budget and an age out of range",
     [(ORG, "    folder: /\n", "    folder: /\n    budget_percent: 120\n    stale_after: 5m\n")],
     ['orgs/acme.yaml:9: sources.exports.budget_percent: is `120`, expected 1 to 100',
      'orgs/acme.yaml:10: sources.exports.stale_after: is `5m`, expected 1h to 90d']),
    ("durations that are none",
     [(ORG, "owners:", "schedule: {sync_every: 4, catch_up: 3d, sync_wait: soon}\nowners:")],
     ['orgs/acme.yaml:23: schedule.sync_every: is `4`, expected a duration such as 90s, 15m, 2h or 30d',
      'orgs/acme.yaml:23: schedule.catch_up: is `3d`, expected 0s to 1d',
      'orgs/acme.yaml:23: schedule.sync_wait: is `soon`, expected a duration such as 90s, 15m, 2h or 30d']),
    ("a digest that waits for too long",
     [(ORG, "owners:", "schedule: {sync_wait: 16m}\nowners:")],
     ['orgs/acme.yaml:23: schedule.sync_wait: is `16m`, expected 0s to 15m']),
    ("bands in the wrong order",
     [("signals.yaml", "at_risk: 5", "at_risk: 2"),
      ("signals.yaml", "ready: 6", "ready: 3")],
     ['signals.yaml:1: bands: watch is 2.5 and at_risk 2, expected watch below at_risk',
      'signals.yaml:1: bands: emerging is 3 and ready 3, expected emerging below ready']),
    ("a weight below zero and a flat curve",
     [("signals.yaml", "weight: 2,", "weight: -1,"),
      ("signals.yaml", "low: 0.8, high: 1,", "low: 1, high: 1,")],
     ['signals.yaml:6: signals.active_level.weight: is `-1`, expected 0 to 10',
      'signals.yaml:7: signals.near_limit: low and high are both 1, expected the readings of strength 0 and 1']),
    ("a play that is not there",
     [("signals.yaml", "play: upgrade", "play: upgarde"),
      ("signals.yaml", "play: reactivate", "play: dance")],
     ['signals.yaml:6: signals.active_level.play: no play `dance`, expected one of reactivate, upgrade',
      'signals.yaml:7: signals.near_limit.play: no play `upgarde`, did you mean `upgrade`?']),
    ("a play without its words",
     [("plays.yaml", "title: Call the sponsor, first_step: Ask what changed, ", "")],
     ['plays.yaml:2: plays.reactivate: `title` is missing, expected a text',
      'plays.yaml:2: plays.reactivate: `first_step` is missing, expected a text']),
    ("an organisation's signal that is not there",
     [(ORG, "owners:", "score:\n  signals:\n    near_limt: {weight: 3}\n    active_level: {play: nothing}\nowners:")],
     ['orgs/acme.yaml:25: score.signals.near_limt: no signal `near_limt`, did you mean `near_limit`?',
      'orgs/acme.yaml:26: score.signals.active_level.play: no play `nothing`, expected one of reactivate, upgrade']),
    ("a lexicon of unknown kind and without phrases",
     [("lexicon/cancel.yaml", "kind: cancel", "kind: cancle"),
      ("lexicon/cancel.yaml", "[cancel our contract, résilier]", "[]")],
     ['lexicon/cancel.yaml:1: kind: is `cancle`, did you mean `cancel`? (one of adjacent_need, cancel, downgrade, '
      'dissatisfaction, cancel_request, downgrade_request, exit_question, competitor, champion_leaving)',
      'lexicon/cancel.yaml:2: phrases: is empty, expected at least one phrase']),
    ("days that are none",
     [("holidays/fr.yaml", "- 2026-01-01", "- 2026-02-30"),
      ("holidays/fr.yaml", "to: 2027-01-02", "to: 2026-12-24")],
     ['holidays/fr.yaml:1: [0]: expected a day (2026-01-01), {day: , name: } or {from: , to: , name: }',
      'holidays/fr.yaml:3: [2]: ends before it begins, expected an end (the first day that is no holiday) 1 to 400 '
      'days after its start']),
    ("languages that are not there, and texts that can't be right",
     [(ORG, "currency: EUR", "currency: EUR\nlanguage: de"),
      (ORG, "    name: Ann", "    name: Ann\n    language: fra"),
      ("texts/fr.yaml", None, 'list.lest: "x"\nlist.last: "{{list}} & {{lst}}"\n'),
      ("texts/de.yaml", None, 'list.last: "x"\n')],
     ['texts/de.yaml:1: no language `de`, expected one of en, fr',
      'texts/fr.yaml:1: list.lest: is no text of ours, expected a key of texts/fr.yaml as it comes with retaind',
      'texts/fr.yaml:2: list.last: has {{lst}}, expected only what is in: {{list}} et {{last}}',
      'orgs/acme.yaml:4: language: no language `de`, expected one of en, fr',
      'orgs/acme.yaml:27: owners[0].language: no language `fra`, did you mean `fr`?']),
    ("holidays that are a mapping",
     [("holidays/fr.yaml", None, "days: [2026-01-01]\n")],
     ['holidays/fr.yaml:1: expected a list of days (- 2026-01-01)']),
    ("an event with a time of day",
     [("holidays/us.ics", "DTSTART;VALUE=DATE:20260704", "DTSTART:20260704T090000Z")],
     ['holidays/us.ics:3: an event whose day depends on the time zone, expected a whole day such as '
      'DTSTART;VALUE=DATE:20260101']),
    ("an event that repeats every week and one without a start",
     [("holidays/us.ics", "SUMMARY:", "RRULE:FREQ=WEEKLY\nSUMMARY:"),
      ("holidays/us.ics", "END:VCALENDAR", "BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR")],
     ['holidays/us.ics:5: an event that repeats by `FREQ=WEEKLY`, expected FREQ=YEARLY with INTERVAL, COUNT, UNTIL, '
      'BYMONTH, BYMONTHDAY or BYDAY',
      'holidays/us.ics:11: an event without a start, expected DTSTART;VALUE=DATE:20260101']),
    ("a calendar that is none and the same holidays twice",
     [("holidays/us.ics", None, "hello\n"),
      ("holidays/us.yaml", None, "- 2026-07-04\n")],
     ['holidays/us.ics:1: not a calendar, expected it to begin with BEGIN:VCALENDAR',
      'holidays/us.yaml:1: holidays `us` are there as .ics and as .yaml, expected one of them']),
    ("broken YAML",
     [(ORG, "holidays: [fr]", "holidays: [fr")],
     ["orgs/acme.yaml:5: not YAML: did not find expected ',' or ']' while parsing a flow sequence"]),
    ("a tab for an indent",
     [(ORG, "  exports:", "\texports:")],
     ['orgs/acme.yaml:6: not YAML: found character that cannot start any token while scanning for the next token']),
    ("a key that is there twice",
     [(ORG, "currency: EUR", "currency: EUR\nzone: UTC")],
     ['orgs/acme.yaml:4: zone: key `zone` is already on line 2, expected once']),
    ("anchors, aliases and tags",
     [(ORG, "title: Acme", "title: &a Acme\naccount_url: *a"),
      (ORG, "currency: EUR", "currency: !!str EUR")],
     ['orgs/acme.yaml:1: title: anchor `&a`, expected the value written out where it is used',
      'orgs/acme.yaml:2: account_url: alias `*a`, expected the value written out',
      'orgs/acme.yaml:4: currency: tag `tag:yaml.org,2002:str`, expected the value without a tag']),
    ("two documents in a file",
     [("plays.yaml", "plays:", "---\nplays: {}\n---\nplays:")],
     ['plays.yaml:3: a second document begins here, expected one in a file']),
    ("bytes that are not UTF-8",
     [("plays.yaml", None, b"plays:\n  a: {title: caf\xe9}\n")],
     ['plays.yaml:2: not YAML: invalid trailing UTF-8 octet']),
    ("a list where a mapping belongs",
     [(ORG, "channels:\n  desk:", "channels:\n  - desk:"),
      ("plays.yaml", None, "- plays\n")],
     ['plays.yaml:1: is a list, expected a mapping (key: value)',
      "orgs/acme.yaml:19: not YAML: did not find expected '-' indicator while parsing a block collection"]),
    ("an owner that is a text",
     [(ORG, "owners:\n", "owners:\n  - ann@acme.example\n")],
     ['orgs/acme.yaml:24: owners[0]: is `ann@acme.example`, expected a mapping (key: value)']),
    ("an account link without its key",
     [(ORG, "zone:", "account_url: https://crm.acme.example/x\nzone:")],
     ["orgs/acme.yaml:2: account_url: has no {{key}}, expected it where the account's key belongs"]),
    ("an admin channel that is not there",
     [("retaind.yaml", "acme/desk", "acme/desc")],
     ['retaind.yaml:3: admin_channel: no channel `acme/desc`, expected ORGANISATION/CHANNEL as they are in orgs/']),
    ("a state folder that is relative and a level that is unknown",
     [("retaind.yaml", "/nonexistent/state", "var"),
      ("retaind.yaml", "info", "loud"),
      ("retaind.yaml", "acme/desk", "desk")],
     ['retaind.yaml:2: log_level: is `loud`, expected one of error, warning, info, debug',
      'retaind.yaml:1: state: is the relative path `var`, expected one from /',
      'retaind.yaml:3: admin_channel: is `desk`, expected ORGANISATION/CHANNEL']),
    ("files that are missing",
     [("signals.yaml", None, None),
      ("plays.yaml", None, None),
      ("retaind.yaml", None, None)],
     ["retaind.yaml:1: can't be read (No such file or directory), expected the daemon's settings (state, log_level, "
      "admin_channel)",
      "signals.yaml:1: can't be read (No such file or directory), expected signals and bands (signals: NAME: "
      "low, high, weight, relief ...)",
      "plays.yaml:1: can't be read (No such file or directory), expected the plays (plays: NAME: title, first_step, "
      "lead_days)"]),
    ("no organisation",
     [(ORG, None, None)],
     ['orgs:1: no organisation, expected at least one file NAME.yaml']),
    ("an organisation whose name goes nowhere",
     [("orgs/Acme Corp.yaml", None, GOOD[ORG])],
     ['orgs/Acme Corp.yaml:1: the name `Acme Corp`, expected 1 to 64 of a-z, 0-9, _ and -']),
    ("an empty file",
     [(ORG, None, "# nothing yet\n"),
      ("retaind.yaml", "admin_channel: acme/desk\n", "")],
     ['orgs/acme.yaml:1: `zone` is missing, expected a text',
      'orgs/acme.yaml:1: `currency` is missing, expected a text']),
    ("a mapping of files with words that are none",
     [(ORG, "{to: day, from: day}", "{to: dya, form: day}")],
     ['orgs/acme.yaml:14: sources.exports.files.usage.map[1].form: unknown key `form`, did you mean `from`?',
      'orgs/acme.yaml:14: sources.exports.files.usage.map[1]: to: `dya` is no field of usage, did you mean `day`?']),
    ("a mapping of files without its entity",
     [(ORG, "        entity: usage", "        entty: usage")],
     ['orgs/acme.yaml:12: sources.exports.files.usage.entty: unknown key `entty`, did you mean `entity`?',
      'orgs/acme.yaml:10: sources.exports.files.usage: `entity` is missing, expected a text']),
    ("a connector with words that are none",
     [("connectors/crm.yaml", None, "titel: CRM\n"),
      (ORG, "  exports:", "  crm:\n    connector: crm\n  exports:")],
     ['connectors/crm.yaml:1: titel: unknown key `titel`, expected one of base_url, reason_header, check, auth, '
      'headers, limits, quota_headers, errors, attempts, first_wait, longest_wait, timeout, streams, write',
      'connectors/crm.yaml:1: connector crm leaves its streams to you: source crm needs `streams:`',
      'connectors/crm.yaml:1: every crm has its own address: source crm needs `base_url: https://host`']),
    ("a connector that waits for ever",
     [("connectors/crm.yaml", None, "timeout: 0s\nbase_url: https://crm.example\nstreams: {}\n"),
      (ORG, "  exports:", "  crm:\n    connector: crm\n  exports:")],
     ['connectors/crm.yaml:1: timeout: is `0s`, expected 1s to 1h']),
    ("headers of a quota that say nothing",
     [("connectors/crm.yaml", None, "base_url: https://crm.example\nquota_headers:\n  - { remaining: x-left, reset_as: epoch }\n"
       "  - { per: 1d, unit: s }\nlimits:\n  - { match: '(', rate: 0, per: 1s }\nstreams: {}\n"),
      (ORG, "  exports:", "  crm:\n    connector: crm\n  exports:")],
     ['connectors/crm.yaml:3: quota_headers[0]: `reset_as:` says how to read `reset:`, which is missing',
      'connectors/crm.yaml:3: quota_headers[0]: a quota\'s header needs `per:` (10s, 1m, 1d), `per_ms:` or `reset:`, or it '
      'is not known how long to wait',
      'connectors/crm.yaml:4: quota_headers[1].unit: unknown key `unit`, expected one of match, header, limit, remaining, '
      'used, reset, reset_as, per, per_ms',
      'connectors/crm.yaml:4: quota_headers[1]: a quota\'s header needs `limit:`, `remaining:` or `used:`, the name of what '
      'says it',
      'connectors/crm.yaml:6: limits[0].rate: is `0`, expected 0.01 to 100000',
      'connectors/crm.yaml:1: `(` is no regular expression']),
    ("a connector with answers and slices of time that are none",
     [("connectors/crm.yaml", None, "base_url: https://crm.example\nstreams:\n  events:\n    step: 36h\n    full_diff: true\n"
       "    row: { entity: usage, account: a, map: [ { to: metric, from: m }, { to: day, from: d }, { to: value, from: v } ] }\n"
       "    full: { get: /a, decoder: [csv, gzip], delimiter: tabs, empty: [4040], download_mb: 9 }\n"
       "  more:\n    hold: 2h\n    gone: { get: /gone, records: a }\n"
       "    row: { entity: contact, aggregate: sum, key: id, map: [ { to: name, from: n } ] }\n"
       "    full: { get: /b, decoder: json, quote: x, download_mb: 9 }\n"),
      (ORG, "  exports:", "  crm:\n    connector: crm\n  exports:")],
     ['connectors/crm.yaml:7: streams.events.full: `decoder:` names what is outermost first: zip, then gzip, then one of json, ndjson, csv',
      'connectors/crm.yaml:7: streams.events.full: `delimiter` is `tabs`, expected one character, or tab',
      'connectors/crm.yaml:7: streams.events.full: `4040` is no status; write 404 or 5xx',
      'connectors/crm.yaml:12: streams.more.full: `delimiter:` and `quote:` go with `decoder: csv`',
      'connectors/crm.yaml:12: streams.more.full: `records:` is missing, the path of the list of rows in the answer',
      'connectors/crm.yaml:12: streams.more.full: `download_mb:` goes with rows that come one by one: `decoder:` ndjson or csv',
      'connectors/crm.yaml:3: streams.events: `step:` must be whole days, or hours that divide a day: 1d, 7d, 6h, 1h',
      'connectors/crm.yaml:3: streams.events: `step:` needs `history:`, how far back the first pull goes: 365d',
      'connectors/crm.yaml:3: streams.events: usage is counted a day at a time: `step:` must be whole days',
      'connectors/crm.yaml:3: streams.events: `full_diff:` is for whole lists of rows that are kept, not for slices of time or usage',
      'connectors/crm.yaml:11: streams.more.row.aggregate: stands with contact, expected only with usage',
      'connectors/crm.yaml:8: streams.more: `history:` and `hold:` go with `step:`, the length of a slice of time',
      'connectors/crm.yaml:8: streams.more: `link:`, `each:`, `gone:`, `cursor:`, `for_each:` and `since:` go with lists, not with '
      'slices of time, files or usage']),
    ("streams of a connector that has its own",
     [("connectors/crm.yaml", None, "base_url: https://crm.example\nstreams: {}\n"),
      (ORG, "  exports:", "  crm:\n    connector: crm\n    streams: {}\n  exports:")],
     ['orgs/acme.yaml:8: sources.crm.streams: connector crm has streams of its own; say more of them under `map:`']),
    ("mistakes in three files at once",
     [("retaind.yaml", "info", "inf"),
      ("signals.yaml", "family_cap: 4", "family_cap: 40"),
      (ORG, "currency: EUR", "currency: XXQ"),
      (ORG, "kind: email", "kind: mail")],
     ['retaind.yaml:2: log_level: is `inf`, did you mean `info`? (one of error, warning, info, debug)',
      'signals.yaml:2: family_cap: is `40`, expected 0 to 10',
      'orgs/acme.yaml:20: channels.mail.kind: is `mail`, did you mean `email`? (one of '
      f'{KINDS})',
      'orgs/acme.yaml:3: currency: no currency `XXQ`, expected a code of ISO 4217 such as EUR']),
]


def write(case, edits):
    """The good configuration with the edits of a case."""
    files = dict(GOOD)
    for path, old, new in edits:
        if old is None:
            files[path] = new
        else:
            assert old in files[path], f"{path} has no {old!r}"
            files[path] = files[path].replace(old, new, 1)
    for path, text in files.items():
        if text is None:
            continue
        target = case.tmp / "config" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        target.chmod(0o644)


def told(case, expect=78):
    """What `check` says is wrong, without the folder in front."""
    result = case.retaind("check", expect=expect)
    return [line.replace(f"{case.tmp}/config/", "") for line in result.stderr.splitlines()]


def test_good(case):
    """A configuration without mistakes passes."""
    write(case, [])
    result = case.retaind("check", "--format", "csv")
    assert result.stderr == "", result.stderr
    assert "configuration,acme,ok," in result.stdout, result.stdout


def test_broken(case):
    """More than 40 broken configurations: each line told is the right one, and all are told at once, exit code 78."""
    assert len(CASES) >= 40
    for what, edits, lines in CASES:
        shutil.rmtree(case.tmp / "config", ignore_errors=True)
        write(case, edits)
        got = told(case)
        assert got == lines, what + ":\n" + "\n".join(got) + "\nand not\n" + "\n".join(lines)


def test_no_working_day(case):
    """An owner whose every working day is a holiday is warned of, and one whose holidays leave a day is not."""
    every_day = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYDAY={}\nEND:VEVENT\nEND:VCALENDAR\n"
    for days, warned in (("MO,TU,WE,TH,FR", True), ("MO,TU,WE,TH", False)):
        write(case, [("holidays/us.ics", None, every_day.format(days)), (ORG, "holidays: [fr]", "holidays: [us]")])
        result = case.retaind("check", "--format", "csv", expect=None)
        assert ("working days" in result.stdout) == warned, result.stdout


def test_shipped(case):
    """What is shipped is without mistakes, the sample of an organisation included; only its secrets are not there."""
    shutil.copytree(ROOT / "config", case.tmp / "config")
    shutil.copy(ROOT / "config/orgs/example.yaml.sample", case.tmp / "config/orgs/example.yaml")
    for path in case.tmp.rglob("*.yaml"):
        path.chmod(0o644)
    result = case.retaind("check", "--format", "csv", expect=78)
    assert result.stderr == "", result.stderr
    failed = [line for line in result.stdout.splitlines() if ",failed," in line]
    assert failed and all(line.startswith(("secret,", "folder,")) for line in failed), failed


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        pass


class Greeter(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"220 mail.acme.example ESMTP\r\n")


def serve(case, kind, handler):
    """A server on a free port of this machine until the case ends."""
    server = kind(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    case.at_end(server.server_close)
    case.at_end(server.shutdown)
    return server.server_address[1]


def test_online(case):
    """check --online asks each source for a row and each channel's host, and says which does not answer."""
    web, mail = serve(case, http.server.HTTPServer, Answer), serve(case, socketserver.TCPServer, Greeter)
    (case.tmp / "in").mkdir()
    (case.tmp / "in/usage-1.csv").write_text("customer,metric,day,value\nacme.example,logins,2026-03-01,3\n")
    edits = [(ORG, "    folder: /\n", f"    folder: {case.tmp}/in\n"), (ORG, "/srv/digests", f"{case.tmp}"),
             (ORG, "    host: smtp.acme.example", f"    host: localhost\n    port: {mail}\n    allows_private: true"),
             (ORG, "  mail:", f"  hook:\n    kind: webhook\n    url: http://127.0.0.1:{web}/x?key=1\n"
              "    allows_http_loopback: true\n    allows_private: true\n    secret: env:HOOK\n  mail:")]
    edits += [(ORG, "  mail:", f"  later:\n    kind: file\n    folder: {case.tmp}/not/yet\n  mail:")]
    write(case, edits)
    result = case.retaind("check", "--online", "--format", "csv", env={"HOOK": "whsec_x"})
    for line in ("source,acme: exports,ok,1 streams answer", "channel,acme: hook,ok,the host answers",
                 "channel,acme: mail,ok,the mail server greets", "channel,acme: desk,ok,the folder can be written",
                 "channel,acme: later,ok,the first delivery makes the folder"):
        assert line in result.stdout, (line, result.stdout)
    assert not (case.tmp / "not").exists()
    write(case, [*edits[:2], (ORG, f"    folder: {case.tmp}\n", f"    folder: {case.tmp}/in/usage-1.csv/x\n")])
    result = case.retaind("check", "--online", "--format", "csv", expect=None, env={"HOOK": "whsec_x"})
    assert "usage-1.csv is not a folder" in result.stdout, result.stdout
    with socket.create_server(("127.0.0.1", 0)) as quiet:
        nobody = quiet.getsockname()[1]
    write(case, [*edits[:2], (ORG, "    host: smtp.acme.example", f"    host: localhost\n    port: {nobody}"),
                 (ORG, "  mail:", f"  hook:\n    kind: webhook\n    url: https://127.0.0.1:{nobody}/x\n"
                  "    allows_private: true\n    secret: env:HOOK\n  mail:")])
    result = case.retaind("check", "--online", "--format", "csv", expect=75, env={"HOOK": "whsec_x"})
    for channel in ("mail", "hook"):
        assert f"channel,acme: {channel},failed," in result.stdout, result.stdout
    assert not (case.tmp / "state").exists()


def test_every_stage_refuses(case):
    """No command works with a broken configuration, whatever it would have done."""
    write(case, [(ORG, "currency: EUR", "currency: EURO")])
    for words in (["next", "--owner", "ann@acme.example"], ["nrr"], ["deliver"]):
        result = case.retaind(*words, expect=78)
        assert f"{ORG}:3: currency: no currency `EURO`" in result.stderr, result.stderr
        assert result.stdout == "", result.stdout


def test_others_may_not_write(case):
    """A file that others may write to is refused."""
    write(case, [])
    (case.tmp / "config" / ORG).chmod(0o664)
    (case.tmp / "config/signals.yaml").chmod(0o646)
    assert told(case) == [
        "signals.yaml:1: others may write to it (mode 0646), expected 0644 or stricter: chmod go-w",
        "orgs/acme.yaml:1: others may write to it (mode 0664), expected 0644 or stricter: chmod go-w"]


def test_odd_files(case):
    """A folder in the place of a file, a file above 1 MiB and a pipe are refused, and the pipe holds nothing up."""
    write(case, [("plays.yaml", None, None), ("holidays/us.ics", None, None),
                 ("lexicon/cancel.yaml", None, "#" * (1 << 20) + "\n")])
    (case.tmp / "config/plays.yaml").mkdir()
    os.mkfifo(case.tmp / "config/holidays/us.ics", 0o644)
    assert told(case) == ["holidays/us.ics:1: not a file, expected one", "plays.yaml:1: not a file, expected one",
                          "lexicon/cancel.yaml:1: more than 1 MiB, expected a smaller file"]


def test_no_folder(case):
    """A configuration folder that is not there is one mistake."""
    result = case.retaind("check", expect=78, config="/nonexistent/retaind")
    assert result.stderr == ("/nonexistent/retaind:1: no such folder, expected the configuration "
                             "(retaind.yaml, orgs/, signals.yaml ...)\n"), result.stderr


def test_many(case):
    """Of very many mistakes a hundred are shown and the rest is counted."""
    write(case, [(ORG, "title: Acme", "".join(f"x{i}: 1\n" for i in range(250)))])
    lines = told(case)
    assert len(lines) == 101 and lines[-1] == "... and 150 more", lines[-1]


def test_secrets_stay_hidden(case):
    """A secret that stands in the configuration is refused and never shown."""
    write(case, [(ORG, "    host:", "    user: desk\n    password: hunter2\n    host:"),
                 (ORG, "  mail:", "  s:\n    kind: slack_webhook\n    url: "
                  "https://hooks.slack.com/services/T0/B0/xyzzy\n  mail:")])
    result = case.retaind("check", expect=78)
    assert "hunter2" not in result.stderr + result.stdout and "xyzzy" not in result.stderr + result.stdout


def test_secrets_are_read(case):
    """Each secret is tried where it lies; what can't be read is named, and the code is 78."""
    write(case, [(ORG, "    host:", "    user: desk\n    password: env:SMTP_PASSWORD\n    host:"),
                 (ORG, "  mail:", f"  hook:\n    kind: webhook\n    url: https://acme.example/x\n    secret: "
                  f"file:{case.tmp}/key\n  mail:")])
    result = case.retaind("check", "--format", "csv", expect=78)
    assert "secret,acme: mail: password,failed,secret env:SMTP_PASSWORD: is not set" in result.stdout, result.stdout
    (case.tmp / "key").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    (case.tmp / "key").chmod(0o640)
    result = case.retaind("check", "--format", "csv", expect=78, env={"SMTP_PASSWORD": "hunter2"})
    assert "has mode 0640, expected 0600 or stricter" in result.stdout, result.stdout
    (case.tmp / "key").chmod(0o600)
    result = case.retaind("check", "--format", "csv", env={"SMTP_PASSWORD": "hunter2"})
    assert "hunter2" not in result.stdout and "whsec" not in result.stdout, result.stdout


def test_session(case):
    """A command says which organisation it wants, that a day has not come yet, that there is no database yet."""
    write(case, [("orgs/zeta.yaml", None, "zone: UTC\ncurrency: USD\n"),
                 ("retaind.yaml", "/nonexistent/state", f"{case.tmp}/state")])
    for words, says, code in (([], "several organisations, choose one with --org: acme, zeta", 64),
                              (["--org", "acmee"], "no organisation `acmee`, expected one of acme, zeta", 64),
                              (["--org", "zeta", "--now", "2026-03-01T12:00:00Z", "--as-of", "2026-03-02"],
                               "--as-of 2026-03-02 is after today, 2026-03-01", 64),
                              (["--org", "zeta"], "retaind.db is not there yet", 78)):
        result = case.retaind("accounts", *words, expect=code)
        assert says in result.stderr and not result.stdout, result
    case.retaind("migrate", "--org", "zeta")
    assert case.retaind("accounts", "--org", "zeta", "--format", "csv").stdout.count("\n") == 1
    os.chmod(case.database("zeta"), 0o600)
    result = case.retaind("check", "--org", "zeta", "--format", "csv")
    assert "database,zeta,ok," in result.stdout and "acme" not in result.stdout, result.stdout


def test_command_line(case):
    """An unknown command or option is exit code 64 with what may have been meant; help and version are 0."""
    for words, says in ((["chekc"], "unknown command `chekc`, did you mean `check`?"),
                        (["check", "--onlien"], "unknown option `--onlien`, did you mean `--online`?"),
                        (["check", "--format", "xml"], "--format is `xml`, expected table, json or csv"),
                        (["check", "--as-of", "2026-02-30"], "--as-of is `2026-02-30`"),
                        (["check", "--now", "noon"], "--now is `noon`"), (["check", "--config"], "needs a value"),
                        (["check", "--online=yes"], "takes no value"), (["check", "twice"], "unexpected "
                         "argument `twice`"),
                        ([], "no command given")):
        result = subprocess.run([BIN, *words], capture_output=True, text=True)
        assert result.returncode == 64 and says in result.stderr, (words, result)
        assert result.stdout == "", result.stdout
    for words in (["help"], ["help", "check"], ["check", "--help"], ["--version"], ["help", "--man"]):
        result = subprocess.run([BIN, *words], capture_output=True, text=True)
        assert result.returncode == 0 and result.stdout and not result.stderr, (words, result)
    assert "  --at HH:MM " in subprocess.run([BIN, "help", "next"], capture_output=True, text=True).stdout
    assert subprocess.run([BIN, "help", "preview"], capture_output=True, text=True).stdout.count("--format") == 1


def test_sample_has_every_key(case):
    """Every key that an organisation's file may have stands in the sample, in use or behind a #."""
    del case
    sample = (ROOT / "config/orgs/example.yaml.sample").read_text()
    for name in ("config/org", "config/sources", "config/channels", "config/owners", "score/nrr_policy"):
        keys = re.findall(r'\.key = "([a-z_]+)"', (ROOT / f"src/{name}.c").read_text())
        assert len(keys) > 8 and not [k for k in keys if not re.search(rf"\b{k}:", sample)], \
            (name, [k for k in keys if not re.search(rf"\b{k}:", sample)])


def test_full_disk(case):
    """Output that can't be written is no success."""
    with open("/dev/full", "w") as full:
        result = subprocess.run([BIN, "help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 74, result


def test_manual(case):
    """The manual page names every command and option and passes groff without a warning."""
    page = subprocess.run([BIN, "help", "--man"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  (\w+) ", subprocess.run([BIN, "help"], capture_output=True, text=True).stdout, re.M)
    assert "check" in commands, commands
    for command in commands:
        assert f".SS retaind {command}" in page, command
    if not shutil.which("groff"):
        raise Skip("groff is not here")
    result = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=page, capture_output=True, text=True,
     check=True)
    assert result.stderr == "", result.stderr


run(globals())
