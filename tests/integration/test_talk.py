#!/usr/bin/env python3
"""What customers write, through the real binary: which signals it becomes, whose words count, and how it is quoted."""
import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from harness import run  # noqa: E402

TODAY = datetime.date(2026, 3, 4)
NOW = f"{TODAY}T06:00:00Z"
ORG = """
title: Acme
zone: UTC
currency: EUR
sources:
  files:
    connector: csv
    folder: "@FOLDER@"
    files:
      accounts:
        match: accounts.csv
        entity: account
        key: id
        map:
          - { to: name, from: id }
          - { to: arr_minor, from: arr }
          - { to: currency, value: EUR }
      tickets:
        match: tickets.csv
        entity: ticket
        key: id
        account: { from: account, by: key }
        map:
          - { to: subject, from: subject }
          - { to: body, from: body }
          - { to: opened_at, from: at }
          - { to: closed_at, from: at }
      exchanges:
        match: exchanges.csv
        entity: interaction
        key: id
        account: { from: account, by: key }
        map:
          - { to: kind, from: kind }
          - { to: direction, from: direction }
          - { to: body, from: body }
          - { to: at, from: at }
"""
# account: ticket, the signal that it becomes (None: none)
TICKETS = {
    "leave_en": ("Please cancel our subscription at the end of the month.", "cancel_notice"),
    "leave_fr": ("Nous souhaitons résilier notre abonnement.", "cancel_notice"),
    "less_en": ("We would like to move to a smaller plan.", "downgrade_request"),
    "less_fr": ("Merci de réduire le nombre de licences de 40 à 25.", "downgrade_request"),
    "talk_en": ("Unless this is fixed we will have to cancel our contract.", "cancel_talk"),
    "talk_fr": ("Nous envisageons de résilier si rien ne change.", "cancel_talk"),
    "price_en": ("It has become too expensive for us.", "downgrade_talk"),
    "price_fr": ("C'est trop cher pour notre usage.", "downgrade_talk"),
    "exit_en": ("What is the notice period in our contract?", "exit_questions"),
    "exit_fr": ("Quelles sont les conditions de résiliation ?", "exit_questions"),
    "rival_en": ("We are comparing you with two other vendors.", "competitor_named"),
    "rival_fr": ("Nous étudions d'autres solutions du marché.", "competitor_named"),
    "cross_en": ("I am very disappointed with your support.", "dissatisfaction"),
    "cross_fr": ("C'est inadmissible, nous sommes très déçus.", "dissatisfaction"),
    "champion_en": ("I'm leaving the company at the end of May.", "champion_leaving"),
    "champion_fr": ("Je quitte l'entreprise à la fin du mois.", "champion_leaving"),
    "need": ("Do you have an API we could use?", "adjacent_need"),
    "denied": ("We are not cancelling, and we are not looking at other vendors.", None),
    "quoted": ("All sorted.\n\nOn 3 Mar 2026, Jo <jo@x.example> wrote:\n> Please cancel our subscription.", None),
    "theirs": ("One of our customers wants to cancel his subscription with us.", None),
    "button": ('The "Cancel our subscription" button does nothing.', None),
}
TALK = {"cancel_notice", "downgrade_request", "cancel_talk", "downgrade_talk", "exit_questions", "competitor_named", "dissatisfaction",
        "champion_leaving", "adjacent_need"}


def make(case, tickets, exchanges=()):
    case.org(ORG.replace("@FOLDER@", str(case.tmp / "files")))
    names = dict.fromkeys([account for account, *_ in (*tickets, *exchanges)])
    at = (TODAY - datetime.timedelta(days=3)).isoformat() + "T10:00:00Z"
    quote = lambda text: '"' + text.replace('"', '""') + '"'
    case.write("files/accounts.csv", "id,arr\n" + "".join(f"{name},10000\n" for name in names))
    case.write("files/tickets.csv", "id,account,subject,body,at\n" + "".join(
        f"{n},{account},{quote(subject)},{quote(body)},{at}\n" for n, (account, subject, body) in enumerate(tickets)))
    case.write("files/exchanges.csv", "id,account,kind,direction,body,at\n" + "".join(
        f"{n},{account},{kind},{direction},{quote(body)},{at}\n" for n, (account, kind, direction, body) in enumerate(exchanges)))
    case.retaind("pull", "-q", "--now", NOW)
    case.retaind("score", "-q", "--now", NOW)


def heard(case, account):
    """The signals of talk that say something of an account, with their evidence."""
    said = json.loads(case.retaind("explain", account, "--format", "json", "--now", NOW).stdout)
    found = {}

    def walk(node):
        if isinstance(node, dict):
            if node.get("signal") in TALK and node.get("strength", 0) and node["strength"] > 0:
                found[node["signal"]] = node["evidence"]
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(said)
    return found


def test_each_kind_is_heard_in_both_languages(case):
    """Each kind of talk becomes its signal, in English and in French; what is denied, quoted, of others or a button becomes none."""
    make(case, [(account, "Hello", body) for account, (body, _) in TICKETS.items()])
    for account, (body, signal) in TICKETS.items():
        found = heard(case, account)
        assert set(found) == ({signal} if signal else set()), (account, body, found)
        if signal:
            assert body.rstrip(".?").strip() in found[signal], found


def test_whose_words_count(case):
    """A request counts only in what the customer wrote; our own mail says nothing, a note of ours is talk; the subject of an answer isn't theirs."""
    words = "They want to cancel our contract."
    make(case,
         [("subject", "Please cancel our subscription", "See above"), ("answer", "Re: Please cancel our subscription", "That was solved")],
         [("ours", "email", "out", words), ("note", "note", "", words), ("mail", "email", "in", "We want to cancel our contract."),
          ("html", "email", "in", "<p>Hi,</p><p>We&#39;d like to <b>cancel</b> our&nbsp;subscription.</p><blockquote>I want to leave</blockquote>")])
    assert set(heard(case, "subject")) == {"cancel_notice"}
    assert heard(case, "answer") == {} and heard(case, "ours") == {}
    assert set(heard(case, "note")) == {"cancel_talk"}
    assert set(heard(case, "mail")) == {"cancel_notice"}
    assert heard(case, "html") == {"cancel_notice": 'asked to cancel on 2026-03-01: "We\'d like to cancel our subscription"'}


def test_quotes_are_masked(case):
    """A quote carries no address, no number to call and no link, and one long sentence is quoted around what it is about."""
    make(case, [("a", "x", "Please cancel our subscription, or call +33 6 12 34 56 78, jo@x.example, https://x.example/?token=1 today"),
                ("b", "x", "so " * 120 + "please cancel our subscription now. Bye")])
    (evidence,) = heard(case, "a").values()
    assert "[phone], [e-mail], [link] today" in evidence, evidence
    (evidence,) = heard(case, "b").values()
    assert "please cancel our subscription now" in evidence and "Bye" not in evidence, evidence


def test_own_words(case):
    """An organisation's own competitor is heard once its name stands in the lexicon; a phrase with a mistake is told at its file."""
    make(case, [("a", "x", "We had a look at Quarzolith.")])
    path = case.tmp / "config/lexicon/competitor.yaml"
    assert heard(case, "a") == {}
    path.write_text(path.read_text().replace('rival: "rivalsoft', 'rival: "quarzolith'))
    assert set(heard(case, "a")) == {"competitor_named"}
    path.write_text(path.read_text().replace('"<rival>"', '"<rivals>"'))
    for command in (["score"], ["explain", "a"]):
        told = case.retaind(*command, "--now", NOW, expect=78).stderr
        assert "lexicon/competitor.yaml:" in told and ": no words are called <rivals>" in told, told


if __name__ == "__main__":
    run(globals())
