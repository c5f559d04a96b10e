#include "commands.h"

#include <string.h>

const struct command commands[] = {
	{ .name = "help",
	  .arguments = "[COMMAND]",
	  .summary = "how the program or one command is used",
	  .options = { "man: the manual page, as roff" },
	  .help = "Lists the commands, or tells all about one of them.",
	  .max_args = 1,
	  .run = cmd_help },
	{ .name = "check",
	  .summary = "configuration, secrets, databases, disk, and with --online the hosts",
	  .options = { "online: also ask every source for a row and every channel's host whether it is there",
	               "connector=F: only say in words what connector F does; F is its name, or the path of its file",
	               "drop-damaged: instead, remove blocks of usage and scores whose checksum doesn't fit" },
	  .help = "Reads the whole configuration and prints every mistake in it as `file:line: path: what is wrong, what "
	          "would be right`; then lists what was looked at and how it went. Sends nothing. Ends with 0 when "
	          "nothing failed and with 78 when a person must act.\n\nEvery block of usage (one metric, one day, 8,128 accounts), "
	          "and each value too large for its cell, is held against its checksum. One that is damaged, by a disk or by another "
	          "program, is named, and whatever "
	          "needs it ends with the same words instead of judging wrong numbers. Put the last backup in the database's "
	          "place; or, where the sources still have those days, `retaind check --drop-damaged` and then `retaind pull "
	          "--full`: until then these accounts count as not measured on that day. Look after the disk either way.\n\n"
	          "Blocks of scores (256 accounts of a day, and who had so many points) are held against theirs too; those that are "
	          "removed count as not scored on that day."
	          "\n\n--connector needs no organisation: it reads one "
	          "file of connectors/ (or one that is just being written), tells every mistake in it, and else what it "
	          "asks for, how fast, which pages, what it keeps, how deleted rows are noticed and what becomes of a row.",
	  .run = cmd_check },
	{ .name = "score",
	  .summary = "judge every account on both engines",
	  .options = { "from=DAY: the first of several days (backfill)", "to=DAY: the last of them" },
	  .help = "Reads the facts that were known on the day, turns them into signals, risk and readiness, and opens, "
	          "updates or closes findings. A second run of a day changes nothing. Findings only go forward: a day "
	          "before the last scored one gets its scores, and leaves findings as they are.",
	  .run = cmd_score },
	{ .name = "accounts",
	  .summary = "the accounts to handle, most pressing first",
	  .options = { "engine=ENGINE: defense or expansion", "owner=EMAIL: of this owner; empty: of nobody",
	               "all: also what was acknowledged or snoozed",
	               "hidden: instead, steady accounts that may not be well, and those that nobody looked at",
	               "conflicts: instead, accounts that the keys of identity don't settle, and usage of unknown ones" },
	  .help = "Lists what is open, ranked by value at stake times probability times urgency: urgency is 1 when 90 "
	          "days or more are left to act and 2 on the last day.\n\n--hidden lists watermelons (green outside: the "
	          "risk is steady, but the account hangs on one person, nothing was heard or measured of it for 30 days, "
	          "less than half of what should be known is, its renewal is within 90 days and they have been silent for "
	          "30, or 30 % fewer people are at work than three months ago on the same seats) and blind spots (nobody "
	          "owns it; or in 90 days nobody of ours was in touch and no finding named it). Managers get the most "
	          "valuable of both in their digest.",
	  .is_brief = true,
	  .run = cmd_accounts },
	{ .name = "calibrate",
	  .summary = "fit the weights of the signals to what became of accounts",
	  .options = { "panel=F: the training rows of a panel (CSV: acct, date, y, split) instead of own history",
	               "horizon=D: days within which an outcome counts; default: the panel's, or horizon of signals.yaml",
	               "every=N: days from one as-of day to the next, 30 without it (own history)",
	               "engine=ENGINE: defense or expansion only; of a panel defense without it",
	               "dry-run: only say how good a fit would be" },
	  .help = "Replays as-of days, takes each signal's value on them and whether the account was lost or shrank (grew) "
	          "within the horizon, and fits a curve per signal: monotone in the signal's direction, pulled to the "
	          "shipped priors, put together by a logistic with no negative weight. It is judged on later days and "
	          "on accounts that it was not fitted to. Where that is better than the priors in four of five draws "
	          "of the accounts, and better than chance in nine of ten, it is written to weights/NNNN.yaml beside the "
	          "database with its quality inside, and used from then on by score, explain and backtest; else the "
	          "priors stay, and it says why. Below 30 rows before an event, or 10 accounts among them, nothing is "
	          "fitted. `score: {weights: priors}` or `weights: \"0001\"` in the organisation's file goes back.",
	  .run = cmd_calibrate },
	{ .name = "explain",
	  .arguments = "ACCOUNT",
	  .summary = "the whole diagnosis of one account",
	  .help = "ACCOUNT is its id, source key, external id, domain or name. Says the risk and the readiness and how they "
	          "come about, from the usual account to this one: each line adds log-odds, and the last number is the "
	          "score. Then the smallest single change that would move the band, accounts of the past that looked like "
	          "it and what became of them within the horizon, the score of half a year with changes of band and of "
	          "settings, what is at stake, by when to act and what to do.\n\n-v adds every signal with value, usual, "
	          "strength, log-odds before and after the cap of its family, curve, freshness and source; --format json "
	          "has all of it. Everything is recomputed from what was known that day: the same database, configuration "
	          "and day give the same bytes.",
	  .min_args = 1,
	  .max_args = 1,
	  .is_brief = true,
	  .run = cmd_explain },
	{ .name = "ack",
	  .arguments = "FINDING",
	  .summary = "somebody takes care of a finding",
	  .help = "It stays until its score leaves the band, and is no longer listed as open.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_ack },
	{ .name = "snooze",
	  .arguments = "FINDING",
	  .summary = "leave a finding alone until a day",
	  .options = { "until=DAY: when it is open again" },
	  .help = "It is judged on every day all the same, and resolved when its score leaves the band.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_snooze },
	{ .name = "done",
	  .arguments = "FINDING",
	  .summary = "a finding was acted on",
	  .options = { "note=TEXT: what was done" },
	  .help = "Like ack, and counted as acted on: it stays until its score leaves the band, and is no longer listed as "
	          "open unless it gets worse.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_done },
	{ .name = "dismiss",
	  .arguments = "FINDING",
	  .summary = "this was no finding",
	  .options = { "reason=CODE: false_positive, known, seasonal, data_wrong or other; other words are kept as other",
	               "note=TEXT: more about it" },
	  .help = "The account is not brought up again by the same engine for 30 days (90 where nothing changes: same "
	          "cause, same band, odds not doubled), unless a new hard fact comes: notice of cancellation or "
	          "non-renewal, downgrade request, failed payment. It counts against the signal that led: see retaind "
	          "signals.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_dismiss },
	{ .name = "wrong-owner",
	  .arguments = "FINDING",
	  .summary = "the account belongs to somebody else",
	  .options = { "to=EMAIL: the owner it goes to; without it nobody, and managers are told" },
	  .help = "The finding, and later ones of the account by the same engine, go there for as long as the source names "
	          "the same owner as now: the next pull does not hand it back. When the source names another one, that one "
	          "has it.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_wrong_owner },
	{ .name = "lost",
	  .arguments = "FINDING",
	  .summary = "the account is lost: what a finding of defense was about came true",
	  .options = { "note=TEXT: more about it" },
	  .help = "Closes it. Backtest and calibrate count the account as churned on this day, unless its contracts go on; "
	          "it is not brought up again by defense for 90 days.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_lost },
	{ .name = "expanded",
	  .arguments = "FINDING",
	  .summary = "they bought: what a finding of expansion was about came true",
	  .options = { "note=TEXT: more about it" },
	  .help = "Closes it. Backtest and calibrate count an expansion on this day, unless contracts show one about then; "
	          "it is not brought up again by expansion for 30 days.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_expanded },
	{ .name = "reopen",
	  .arguments = "FINDING",
	  .summary = "take the last answer to a finding back",
	  .options = { "note=TEXT: why" },
	  .help = "It is open again as if nothing had been said: with its owner, and with no outcome told. What its score "
	          "closed can't be opened.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_reopen },
	{ .name = "answers",
	  .arguments = "[FINDING]",
	  .summary = "what people said of findings: who, when, by link or command, why",
	  .options = { "limit=N: at most so many, the latest (default 50)" },
	  .help = "Lists every answer, those that were taken back too. Links in digests answer as these commands do: see "
	          "`answers:` in the organisation's file.",
	  .max_args = 1,
	  .is_brief = true,
	  .run = cmd_answers },
	{ .name = "override",
	  .arguments = "[ACCOUNT]",
	  .summary = "hold an account's band by hand, with a reason, for a while",
	  .options = { "engine=ENGINE: defense or expansion", "band=BAND: steady, watch or at_risk; not_yet, emerging or "
	               "ready", "reason=TEXT: why; it stands beside the band", "until=DAY: the first day on which it does "
	               "not hold any more; 30 days ahead without it, 365 at most", "by=WHO: in whose name; the login name "
	               "without it", "clear: take it back instead", "all: with the list, those that are over, too" },
	  .help = "The band is what you say from the next score on, and is said to be: in explain, in the digest, in the "
	          "list that the command prints without ACCOUNT. The score is computed as ever, and on the day of --until "
	          "the band follows it again. Raising it opens a finding; lowering it ends the one that stands. A hard "
	          "fact (notice of cancellation or non-renewal, downgrade request, failed payment) that comes after an "
	          "override goes before it; one that stood already is named beside it. No account is in both lists: one "
	          "whose risk is at watch or above is not held ready. A past day is judged by what held then.",
	  .max_args = 1,
	  .run = cmd_override },
	{ .name = "signals",
	  .summary = "what became of the findings that each signal led",
	  .options = { "from=DAY: only findings that were opened on that day and after" },
	  .help = "For each signal: its weight, the findings that it led (the last signal that did counts), how many of them "
	          "were acted on (acknowledged, done, expanded), dismissed and by which reason, resolved by themselves, "
	          "and how many accounts were lost or shrank (grew) within the horizon. Right is what was acted on or came "
	          "true, be it dismissed; wrong is what was dismissed; the rest is not judged. Precision is right of "
	          "judged with Wilson's interval of 95 %, and below 10 judged it says too few. A signal whose interval lies "
	          "below one half gets a suggestion: its weight plus the log-odds of what was right, 0 at least; to follow "
	          "it, set it under score: {signals: ...} in the organisation's file. Weights that were fitted learn by "
	          "retaind calibrate. --as-of tells what was known then.",
	  .is_brief = true,
	  .run = cmd_signals },
	{ .name = "pull",
	  .summary = "read the sources into the store",
	  .options = { "source=S: only this source", "stream=T: only this stream", "full: everything anew, not only what "
	               "changed",
	               "dry-run: store nothing, print the rows as JSON", "limit=N: with --dry-run: at most so many rows a "
	               "stream", "accept-gone: what the whole list no longer has is deleted, be it most of it",
	               "clock: only ask what time it is by the sources' clocks" },
	  .help = "Reads each stream of each source from where the last pull stopped: a page, its rows and the place to "
	          "go on from are stored together, so a pull may be ended at any moment and goes on from there. Rows that "
	          "can't be used are set aside with the reason (quarantine) and counted. A stream that fails does not "
	          "stop the others. Ends with 0 when all came through, 75 when trying again later may help, 78 when a "
	          "person must act.",
	  .run = cmd_pull },
	{ .name = "write-back",
	  .summary = "tell the CRM risk, readiness, band, cause and tasks, where the organisation asked for it",
	  .options = { "dry-run: send nothing, show what would change", "source=S: only this source",
	               "full: also what was written before just so" },
	  .help = "Writes how each account stands on the last scored day into the properties that the source's write_back: "
	          "names, and into no others; only what differs from what was written last, in batches. as_of is the day of "
	          "the scores that were written: a new day alone writes nothing. Where there is nothing to say any more the "
	          "property is emptied. With `tasks:` it also makes a task in the CRM for each open finding, never a "
	          "second one. Accounts of other sources are left alone. What somebody changed in the CRM stays until "
	          "we have something new to say, or --full.\n\nNothing is sent unless the source says write_back: "
	          "is_enabled: true; look at --dry-run first. Ends with 0 when all is written, 65 when the CRM refused some "
	          "accounts (they are tried again the next time), 75 when trying again later may help, 78 when a person "
	          "must act.",
	  .run = cmd_write_back },
	{ .name = "nrr",
	  .summary = "net and gross revenue retention, and where revenue came and went",
	  .options = { "by=WHAT: month, segment, region, owner, plan, product or cohort",
	               "window=MONTHS: length of the window (default 12)",
	               "to=DAY: the window's last day (default: the day of the report)",
	               "accounts: what each account adds to the figures, and why",
	               "movements: every dated change of the window",
	               "cohorts: month of first revenue by months since, as NRR, GRR and logos",
	               "steer: which engine of retention to work on first, and what open findings are worth to it",
	               "forecast: NRR and GRR of the coming quarters (see also --check)",
	               "quarters=N: with --forecast: so many (default 4); with --check: windows so long (default 1)",
	               "check: with --forecast: what was said in the past against what happened",
	               "policy: the rules in force, one by one",
	               "revenue=KIND: committed (default) or usage",
	               "currency=CODE: only amounts in this currency", "html=FILE: also write the whole report as one page",
	               "svg=DIR: also write its pictures there",
	               "month=M: a closed month such as 2026-02 as its reports were kept, with --by owner its frozen books",
	               "restated: the closed months that later data changed, account by account, and why" },
	  .help = "Compares what each account pays per month at both ends of a window (point to point; or adds up its "
	          "movements where the organisation's policy says so). Every report ends with the policy and its hash. "
	          "Segment, region and owner are those that the policy names, by default of the window's first day; the "
	          "plan is the one most was paid for, else the account's; a cohort is the month of first revenue. An "
	          "account counts in each of its products, and what moves from one to another is lost here and gained "
	          "there: by product, gains and losses may be more than the whole's and come to the same. An account that paid nothing "
	          "on the first day but did on an earlier monthly mark comes back (reactivation) instead of being new; "
	          "neither lifts NRR, unless the policy credits who comes back. The residual is what the steps of the "
	          "waterfall don't explain: 0.\n\nWithout --by: the window that ends today (or --as-of, or --to). --by "
	          "month: all windows of one and of twelve months between firsts of months, from the first behind the day "
	          "on which revenue begins to the first behind the last change in the data. --by owner lists accounts that "
	          "the policy counts in nobody's book, with the reason.\n\n"
	          "--accounts, --movements and --cohorts show what the figures are made of. The cohort triangle looks at "
	          "each account on its own first day plus whole months, and shows a month once the youngest account of "
	          "the cohort is that old.\n\n--forecast tells where the revenue of today's accounts will stand after each "
	          "of the coming quarters: p10, p50 and p90 of NRR and GRR, and of the twelve months up to then, as reports "
	          "will have them. It learns from the months up to that day how "
	          "often accounts leave, shrink and grow by age, size and renewal, and how far all of them stray together; "
	          "scores say who is likelier to. The same data give the same figures. --forecast --check holds the "
	          "forecasts of past firsts of months (as stored when the month began, else as they would have been "
	          "said; the latest 40) against what happened, beside the ratios of the year before.\n\n"
	          "--format csv without --by gives the "
	          "months, amounts in minor units and ratios with six decimals; windows without a start are left out. "
	          "--format json has every amount, each "
	          "ratio with its numerator and denominator, and the policy. Where there is no start there is no ratio but "
	          "`insufficient history` and the reason.\n\nAmounts in several currencies are told in the "
	          "organisation's, at the rates that the policy names; one that is missing is an error that names "
	          "currency and day. --currency takes only those in one.\n\n--steer compares churn, involuntary churn, "
	          "contraction and expansion of the last three months with those of the quarters before, in points of NRR: "
	          "a good quarter is the better quartile of the own past, and what it would give back says where to begin. "
	          "Open findings count with value x probability, those to act on within this quarter. --html and --svg "
	          "hold pictures that follow light and dark and need no colour to be read: waterfall, trend, cohorts and "
	          "forecast.\n\n"
	          "A month is closed by the first score after it: its report, and that of the year up to its end, are kept "
	          "with what every account added and whose book it was in. When what is learnt later changes one of the "
	          "last 13, a further revision is made and the old one stays: --restated shows both and why each account "
	          "differs. Books of closed months are frozen: an account stays in the book that it was in.",
	  .is_brief = true,
	  .run = cmd_nrr },
	{ .name = "backtest",
	  .summary = "how good the scores would have been",
	  .options = { "panel=F: judge the test rows of this panel (CSV, gzip or not) instead of the own history",
	               "dump=F: write the scores as CSV: acct,date,score,prob (acct of own history: our id)",
	               "html=F: write the report as a page",
	               "engine=ENGINE: defense (default) or expansion", "from=DAY: the first as-of day of the own history",
	               "to=DAY: the last of them", "every=N: an as-of day every so many days (default 30)",
	               "horizon=DAYS: what happens within so many days (default: the panel's, or the configured)" },
	  .help = "Says again what would have been said of every account on past days, from what was known then, and "
	          "compares it with what happened after: churn, contraction and involuntary loss (expansion: growth) from "
	          "subscriptions, revenue, unpaid invoices and notices; an end whose end_reason is completed, graduated or "
	          "moved is none of them. Tells the ranking (AUC) beside naive rules, what an owner's list would have "
	          "caught and how long ahead, whether probabilities came true, and each signal's worth, with intervals over "
	          "the accounts; and says so when nothing beats chance. Writes nothing to the database.\n\n"
	          "A panel has the columns acct (the source's key of the account) and date, and where there are any y (0 or "
	          "1), split (train or test), q (which rows share a list), event_day and T. Only its test rows are scored; "
	          "its training rows give the base rate as far as their horizon had passed.",
	  .run = cmd_backtest },
	{ .name = "run",
	  .summary = "the daemon: keeps time and runs the stages",
	  .options = { NULL },
	  .help = "Pulls and scores before each owner's slot, makes the digest at the slot and delivers it, each stage as "
	          "a child process with a time limit. After each scoring it writes back where a source says write_back: "
	          "is_enabled: true. One daemon runs on a state folder: a second one ends with 75. "
	          "SIGHUP reads the configuration again (one with mistakes is refused and the old one stays), SIGTERM "
	          "ends within five seconds. Under systemd it tells when it is ready and keeps the watchdog quiet.",
	  .run = cmd_run },
	{ .name = "once",
	  .summary = "one whole cycle now: pull, score, digest, deliver, write-back",
	  .options = { NULL },
	  .help = "Runs the stages one after another, each the very command of its name, for one organisation; write-back "
	          "only where a source of it says write_back: is_enabled: true. A "
	          "stage that fails is told and the next ones work on what is there; the exit code is that of the first "
	          "that failed, or 78 when a person must act.",
	  .run = cmd_once },
	{ .name = "next",
	  .summary = "when the coming digests are due",
	  .options = { "owner=EMAIL: of this owner, working days only", "count=N: how many (default 10)",
	               "zone=ZONE: of a time zone, every civil day",
	               "at=HH:MM: the wall time there (default 08:00); with --owner the instant to look from (default now)",
	               "from=DAY: the first day (default today)", "days=N: how many days (default 14)" },
	  .help = "Lists slots as wall time, kind and instant. A time that does not exist because clocks go forward (gap) "
	          "is told with the offset before the change, one that exists twice (overlap) is its first, and a civil "
	          "day that a zone left out (skipped_day) has no slot (RFC 5545). One on which the owner is to get no digest "
	          "(retaind silence) is silenced. --zone needs no configuration.",
	  .is_brief = true,
	  .run = cmd_next },
	{ .name = "deliver",
	  .summary = "send what is due",
	  .options = { "dry-run: only list what is due", "wait=SECONDS: stay that long for what is to be tried again" },
	  .help = "Sends every message that is due over its channel, one at a time a channel, and notes what became of "
	          "it. What was under way when an earlier run was killed may have arrived; it is sent again unless the "
	          "channel says on_ambiguous: hold and could show it twice. A channel that answers that nothing will get "
	          "through (410, no_service, token_revoked, a refused password) is switched off; `deliveries retry` "
	          "switches it on again. Ends with 0, or 75 when something will be tried again.",
	  .run = cmd_deliver },
	{ .name = "deliveries",
	  .arguments = "[list|show|retry|cancel|audit] [ID]",
	  .summary = "what became of every message",
	  .options = { "state=S: list: pending, inflight, ambiguous, sent, accepted_unverified or dead",
	               "limit=N: list: at most so many, newest first (default 50)", "force: retry: also what was sent "
	               "already",
	               "days=N: audit: of so many days up to today (default 7)", "day=DAY: audit: of this day alone",
	               "ping: audit: tell the dead man's switch of the organisation's file how it went" },
	  .help = "list shows messages, show one of them with its attempts, retry makes one due now (and switches its "
	          "channel on again), cancel ends one. audit lists slots that were missed or that nobody looked after, "
	          "digests that have no message, messages that are still "
	          "open an hour after their digest was made, and messages that were not delivered; it ends with 1 when "
	          "there is any. With --ping (the daemon does so for each day, an hour after its last slot) a person is told "
	          "of what is overdue, and ping_url is asked, with /fail behind it when something was found.",
	  .max_args = 2,
	  .is_brief = true,
	  .run = cmd_deliveries },
	{ .name = "silence",
	  .arguments = "[OWNER]",
	  .summary = "send an owner no digest for a while",
	  .options = { "until=DAY: the first day with a digest again", "reason=TEXT: why, as managers read it",
	               "end: from now on there are digests again" },
	  .help = "Days in between are accounted for as silenced, the manager's digest and `next` say so, and the first "
	          "digest afterwards says what changed since the last one that was delivered. What is in the outbox "
	          "already goes out; `deliveries cancel` ends that. Without OWNER it lists who is silenced.",
	  .max_args = 1,
	  .run = cmd_silence },
	{ .name = "test-sink",
	  .arguments = "CHANNEL",
	  .summary = "send a test message over a channel and show what the other side said",
	  .options = { "owner=EMAIL: to this owner, over a channel that writes to persons" },
	  .help = "Sends one real message, past the outbox and its limits, and keeps nothing. Ends with 0 when it was "
	          "taken, 75 when it may go another time, 78 when a person must act.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_test_sink },
	{ .name = "digest",
	  .summary = "make the digests of a day and put them into the outbox",
	  .options = { "owner=EMAIL: only this owner", "day=DAY: of this nominal day (default: the owner's today)",
	               "slots=FILE: those of FILE, a line DAY EMAIL for each; -: of standard input" },
	  .help = "Says what changed since the last digest that was delivered to the owner, then what stands, by value at "
	          "stake x probability x urgency and within the owner's capacity; what was left out is counted. The "
	          "digest and its messages are kept in one transaction: run again, it writes nothing. On a quiet day "
	          "nothing is sent unless the owner wants it, but the day is accounted for.",
	  .run = cmd_digest },
	{ .name = "preview",
	  .summary = "show an owner's digest as it would be sent now",
	  .options = { "owner=EMAIL: whose",
	               "format=FORMAT: text, slack, slack_thread, html, json, email, teams, google_chat, discord or "
	               "mattermost (default text)" },
	  .help = "Renders the digest of today from what is in the database and stores nothing.",
	  .is_brief = true,
	  .run = cmd_preview },
	{ .name = "migrate",
	  .summary = "bring the databases to this program's schema",
	  .help = "Makes a database that is missing. Each step is one transaction: a kill leaves the older or the newer "
	          "schema. A database that is newer than the program is refused (78). Commands that write do the same by "
	          "themselves.",
	  .run = cmd_migrate },
	{ .name = "sql",
	  .arguments = "STATEMENT",
	  .summary = "ask the database in SQL, to read only",
	  .options = { "rows=N: at most so many rows, 10000 without it", "seconds=N: at most so long, 60 without it" },
	  .help = "STATEMENT is one select in SQLite's SQL; nothing can be changed by it. All tables are there (`select "
	          "name from sqlite_schema`); days count from 1970-01-01 (`date(day * 86400, 'unixepoch')`), amounts are in "
	          "minor units. Usage, which is stored packed, is the table usage(account, metric, day, date, value), account "
	          "being account.id and value as it was reported times metric.scale: fast where account, metric, and day or "
	          "date are limited by =, <, >, BETWEEN, IN or a join.\n\nretaind sql \"select date, value from usage where "
	          "account = 17 and metric = 'logins' and date between '2026-01-01' and '2026-01-31'\"\n\nIn the shell sqlite3 "
	          "the view usage_daily(account_id, metric, day, date, value) says the same, at some microseconds a cell. "
	          "Scores, packed too, are the view score_day and, where day and account_id are given by = or a join, the "
	          "table scores with the same columns, at once.",
	  .min_args = 1,
	  .max_args = 1,
	  .is_brief = true,
	  .run = cmd_sql },
	{ .name = "compact",
	  .summary = "let go of what is kept no longer, and pack the database anew",
	  .help = "What `retention:` of the organisation's file keeps no longer goes a piece at a time before each day's "
	          "score, and the room it leaves in the file is used again: a steady organisation's file stops growing by "
	          "itself. This does all of it at once and gives the room back to the disk, after a large source or many "
	          "years went. Packing is all or nothing: when it is stopped halfway the file is as it was. Takes as much "
	          "room again on the disk meanwhile, and pulls and scores wait for it.",
	  .run = cmd_compact },
	{ .name = "backup",
	  .summary = "copy the databases, whole and checked, while others write",
	  .options = { "to=FILE: where to (default STATE/orgs/ORG/backups/DAY.db)" },
	  .help = "Writes a draft beside FILE, checks its integrity, brings it to the disk and puts it in FILE's place, "
	          "readable by us alone. What was there before stays when anything fails. To restore, stop the daemon, "
	          "remove retaind.db-wal and retaind.db-shm, and copy the file over retaind.db.",
	  .run = cmd_backup },
	{ .name = NULL },
};

const struct command *command_of(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
