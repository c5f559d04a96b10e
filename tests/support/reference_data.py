"""The reference data sets, where they are at hand (../shared): mapped by YAML through the csv source into an organisation,
as anyone would map an export of their own. Evaluation only; no data is part of the project."""
import gzip
import shutil
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / "data"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "usage"
PANELS = DATA / "panels"
JUDGE = DATA.parents[1] / "tools" / "eval_scores.py"

ASFI = """
title: ASFI
zone: UTC
currency: EUR
sources:
  asfi:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: account_id
        map:
          - { to: name, from: account_id }
          - { to: created_on, from: start_date }
      contracts:
        match: accounts.csv
        entity: subscription
        key: account_id
        account: { from: account_id, by: key }
        map:
          - { to: mrr_minor, value: "1000" }
          - { to: currency, value: EUR }
          - { to: start_on, from: start_date }
          - { to: end_on, from: end_date }
          - { to: end_reason, from: end_type }
      commits:
        match: usage_daily.csv
        entity: usage
        account: { from: account_id, by: key }
        aggregate: sum
        map:
          - { to: metric, value: commits }
          - { to: day, from: day }
          - { to: value, from: commits }
          - { to: contact_key, from: user_id }
      exchanges:
        match: exchanges_daily.csv
        entity: interaction
        key: account_id+day+user_id
        account: { from: account_id, by: key }
        map:
          - { to: kind, value: email }
          - { to: direction, value: in }
          - { to: contact_key, from: user_id }
          - { to: at, from: day, format: "%%Y-%%m-%%d" }
"""

ESLINT = """
title: ESLint sponsors
zone: UTC
currency: USD
sources:
  ledger:
    connector: csv
    folder: "%s"
    files:
      accounts:
        match: subscriptions.csv
        entity: account
        key: account_id
        map:
          - { to: name, from: account_id }
      subscriptions:
        match: subscriptions.csv
        entity: subscription
        key: account_id+start_date
        account: { from: account_id, by: key }
        map:
          - { to: mrr_minor, from: mrr_cents, minor: true }
          - { to: currency, value: USD }
          - { to: start_on, from: start_date }
          - { to: end_on, from: end_date }
"""

# What tests/data/ravenstack/org.yaml maps and leaves out: whether an account left is what is to be told here.
RAVENSTACK_CHURN = """\
      churn:
        match: ravenstack_churn_events.csv
        entity: notice
        key: churn_event_id
        account: { from: account_id, by: key }
        map:
          - { to: kind, value: cancel }
          - { to: noticed_on, from: churn_date }
          - { to: text, from: feedback_text }
"""


def ravenstack(exports):
    text = (OWN / "ravenstack" / "org.yaml").read_text()
    return (text.replace("\nchannels:", f"{RAVENSTACK_CHURN}\nchannels:", 1).replace("@FOLDER@", str(exports))
            .replace("@DIGESTS@", str(exports)))


# name: the organisation given its folder of exports, the folder of the data, the files to copy or unpack
SETS = {
    "asfi": (ASFI.__mod__, "asfi_incubator/canonical", ("accounts.csv", "usage_daily.csv.gz", "exchanges_daily.csv.gz")),
    "eslint": (ESLINT.__mod__, "eslint_sponsors", ("subscriptions.csv",)),
    "ravenstack": (ravenstack, "ravenstack", tuple(f"ravenstack_{part}.csv" for part in (
        "accounts", "subscriptions", "feature_usage", "support_tickets", "churn_events"))),
}


def load(case, name):
    """Makes the organisation `name` of a harness case and pulls the data into it; returns what the pull printed."""
    organisation, folder, files = SETS[name]
    exports = case.tmp / f"exports-{name}"
    exports.mkdir()
    for file in files:
        if file.endswith(".gz"):
            with gzip.open(DATA / folder / file) as packed, open(exports / file[:-3], "wb") as plain:
                shutil.copyfileobj(packed, plain)
        else:
            shutil.copy(DATA / folder / file, exports)
    case.org(organisation(exports), name=name)
    return case.retaind("pull", "--org", name).stdout
