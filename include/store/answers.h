/* What people say of findings, by link or command: the only place where a person changes what becomes of one. Each
 * answer is an event with who, when, by which way and why, in the transaction that changes the finding. */
#ifndef STORE_ANSWERS_H
#define STORE_ANSWERS_H

#include "store/findings.h"

/* Their numbers stand in links that are on their way: never renumber them. */
enum answer_kind {
	ANSWER_DONE,        /* acted on: acknowledged, until its score leaves the band */
	ANSWER_SNOOZE,      /* left alone until a day */
	ANSWER_NOT_A_RISK,  /* dismissed: it was no finding */
	ANSWER_WRONG_OWNER, /* goes to somebody else, or to nobody; so do later ones of the account and engine, for as long
	                     * as its source names the same person */
	ANSWER_LOST,        /* defense: they leave. An outcome from that day on, where contracts do not say otherwise */
	ANSWER_EXPANDED,    /* expansion: they bought. An outcome as well */
	ANSWER_ACKNOWLEDGE, /* somebody is at it */
	ANSWER_REOPEN,      /* takes the last answer back */
	N_ANSWERS
};
extern const char *const answer_names[N_ANSWERS + 1]; /* "done" .. "reopen", ends with NULL; those of links */
/* Whether it can be said of findings of that engine. */
bool answer_fits(enum answer_kind kind, const char *engine);

enum { ANSWER_SNOOZE_DAYS = 7, ANSWER_MAX_SNOOZE_DAYS = 366, ANSWER_NOTE_CHARS = 500 };

struct answer {
	enum answer_kind kind;
	int64_t finding;
	const char *who;     /* e-mail of whom the link was sent to, or who used the command */
	const char *via;     /* link | cli */
	const char *reason;  /* not_a_risk: a code; NULL */
	const char *note;    /* free text, clean; NULL */
	const char *to;      /* wrong_owner: lower-case e-mail; NULL: nobody */
	int32_t until, today; /* until: snooze, the day it is open again */
	int64_t at;
	const char *link;    /* the token that is used up by it; NULL: none */
	int64_t link_expires_at;
};

enum answer_result {
	ANSWER_TAKEN,
	ANSWER_USED,     /* the link was used before */
	ANSWER_UNKNOWN,  /* there is no such finding */
	ANSWER_CLOSED,   /* it is over: nothing can be said of it any more */
	ANSWER_UNFIT     /* not of this engine; to whose it is already; or there is no last answer that can be taken back */
};
/* Anything but ANSWER_TAKEN (0) changes nothing. *out is the finding as it stands then, unless it is unknown. */
int answer_take(struct db *db, const struct answer *x, struct arena *a, enum answer_result *out_result,
                struct finding *out, struct err *err) MUST_USE;
/* 1 when the link was used, 0 when not. */
int answer_link_is_used(struct db *db, const char *link, struct err *err) MUST_USE;

struct answer_row {
	int64_t finding, at;
	int32_t day;
	const char *account, *engine, *answer; /* answer: the event's kind: acknowledged done snoozed dismissed ... */
	const char *who, *via, *reason, *note; /* NULL where there is none */
};
/* The latest first, at most limit; finding 0: of all. */
int answers_list(struct db *db, int64_t finding, int64_t limit, struct arena *a, const struct answer_row **out,
                 size_t *out_n, struct err *err) MUST_USE;

#endif
