/* One owner's digest of one day as plain data: composing makes it, renderers show it. Every text in it is clean for
 * people (valid UTF-8, no control, zero-width or bidi characters, of bounded length) but not escaped for any format. */
#ifndef DIGEST_DIGEST_H
#define DIGEST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/words.h"
#include "digest/worth.h"

enum digest_change {
	CHANGE_ENTERED, CHANGE_BACK, CHANGE_WORSE, CHANGE_CAUSE, CHANGE_BETTER, CHANGE_STANDING, /* to be handled */
	CHANGE_RESOLVED, CHANGE_LOST                                                             /* over */
};
/* entered back worse new_cause better standing resolved lost */
const char *digest_change_name(enum digest_change c);

enum { DIGEST_CHANGES = CHANGE_LOST + 1, DIGEST_EVIDENCE = 5 };

/* A link by which the reader says what became of a finding. The address is ours and made of harmless bytes. */
struct digest_answer {
	const char *purpose; /* done | snooze | not_a_risk | wrong_owner | lost (defense) | expanded (expansion) */
	const char *label;   /* "Not a risk", in the reader's language */
	const char *url;     /* https://HOST/a/ORGANISATION/TOKEN */
};

struct digest_item {
	const struct words *words; /* the digest's, as below */
	int64_t finding;
	enum digest_change change;
	const char *tag;         /* the change in words: "NEW", "WORSE, risk 71 (was 60)" */
	const char *account;
	const char *url, *host;  /* the link into the CRM and whose it is; NULL: none */
	const char *value, *act_by; /* "EUR 48,000 at stake", of growth with what is expected; "Act by Thu 5 Mar (..)" */
	const char *summary;     /* the cause in a sentence */
	const char *evidence[DIGEST_EVIDENCE];
	size_t n_evidence, n_more_evidence; /* more: there was no room for */
	const char *play, *first_step; /* NULL: none */
	const char *whose;       /* "With Anna Lind", "Handed over to you from Bo"; NULL: always the reader's own */
	const char *caveat;      /* when confidence is low; NULL */
	const struct digest_answer *answers;
	size_t n_answers;        /* 0 where answering by links is off */
	/* for programs */
	const char *engine, *cause, *currency, *act_by_date, *play_name;
	double score, confidence;
	int64_t value_minor, expected_minor; /* expected: times probability */
};

struct digest_section {
	const struct words *words;
	const char *engine, *title; /* "Slipping before renewal" */
	struct digest_item *items;
	size_t n_items, n_accounts; /* accounts: with the rest's; an account may have several items */
	size_t n_of[DIGEST_CHANGES]; /* by change, with the rest and all that ended */
	size_t n_due;        /* with the rest: to be acted on today, or before */
	size_t n_snoozed, n_acknowledged; /* not listed until they are due again */
	int32_t back_on;     /* when the first of the snoozed ones comes back; DAY_NONE */
	const char *rest;    /* "+37 more, worth EUR 1.2M"; NULL: all are here */
	size_t n_rest;
	struct digest_worth worth, rest_worth, expected; /* of the items, of the rest; of both times probability */
	const char **news;   /* "Resolved: Acme (EUR 12,000). ..." */
	size_t n_news;
};

struct digest_nrr {
	const char *title;   /* "Recurring revenue per month, 1 Mar 2025 to 1 Mar 2026" */
	struct {
		const char *what, *amount, *label; /* what: for programs; label: in the reader's language */
	} steps[8];          /* start, new, expansion, reactivation, contraction, churn, end; exchange where it counts */
	size_t n_steps;
	const char *ratios;  /* "NRR 104.2 %, GRR 93.0 %, logos kept 95.0 % (38 of 40)", or why there are none */
	const char *const *lines; /* sentences below: what to work on, what changed in closed months */
	size_t n_lines;
	/* for programs */
	const char *currency;
	int64_t minor[8];    /* of each step */
	bool has_ratios;
	double nrr, grr, logo;
};

/* Accounts that ask for no action today but for a manager's eye: a line each, the most valuable first. */
struct digest_list {
	const char *name;    /* for programs: watermelons | blind_spots */
	const char *title, *intro;
	const char **lines;  /* "Acme (EUR 48k a year, with Anna Lind): it hangs on one person" */
	size_t n_lines;
	const char *rest;    /* "+12 more, worth EUR 80k"; NULL: all are here */
};

struct digest {
	const struct words *words; /* of the reader's language; NULL: English */
	const char *org, *org_title;
	const char *owner_email, *owner_name;
	const char *kind;        /* csm | am | manager */
	int32_t local_on, as_of_on, judged_on; /* judged: of the scores, as_of or before */
	int64_t made_at;
	const char *day;         /* "Mon 2 Mar 2026" */
	const char *headline;    /* "5 accounts to handle, EUR 210k at stake" */
	const char *since;       /* "Since yesterday: 2 new, 1 worse." */
	bool is_old;             /* part of the data is older than it should be; its notes say what */
	bool is_quiet;           /* nothing to handle, nothing changed, and the data is as new as it should be */
	struct digest_section *sections;
	size_t n_sections;
	const struct digest_list *lists; /* for managers, but for what is held; none is empty */
	size_t n_lists;
	const struct digest_nrr *nrr; /* managers; NULL */
	const char *const *notes; /* missed digests, how old the data is where it is old */
	size_t n_notes;
};

#endif
