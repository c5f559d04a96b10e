/* Digests as they were said: what one is made from (findings against the last digest that was delivered, missed slots,
 * how sources stand), and the digest with its messages, kept in one transaction. */
#ifndef STORE_DIGESTS_H
#define STORE_DIGESTS_H

#include "store/findings.h"
#include "store/outbox.h"
#include "store/slots.h"

/* The last digest of an owner and kind that was delivered before a day. */
struct digest_before {
	int64_t id; /* 0: there is none */
	int32_t local_on, as_of_on;
	int64_t made_at;
};
int digest_before_load(struct db *db, const char *owner_email, const char *kind, int32_t local_on,
                       struct digest_before *out, struct err *err) MUST_USE;

struct digest_finding {
	struct finding f;
	const char *account_url;
	bool is_new;         /* opened since that digest; all are when there is none */
	const char *back_from; /* opened again, was: snoozed acknowledged dismissed resolved lost; NULL */
	int32_t answered_on; /* a person said something of it since it was opened; DAY_NONE: nobody did */
	bool is_done;        /* that it was acted on, among others */
	bool has_expanded;   /* closed, as they bought */
	bool has_new_cause;  /* since that digest */
	const char *given_by; /* who said last that it was not theirs and so gave it to whose it is; NULL: nobody did */
	bool is_defended;    /* growth of an account that is being defended now */
	double score_before; /* then; NAN: not known */
	int32_t told_on;     /* the day that digest was about; DAY_NONE: there is none */
	const char *aside_before; /* what had been said of it last by then, as back_from, opened or expanded; NULL */
	int32_t aside_on;    /* and when */
	double priority;     /* value x probability x urgency */
};
/* What is open, and what was resolved or lost since that digest (only what stood then). An account with an open defense
 * finding has no open expansion finding here. owner: whose; NULL: everybody's. */
int digest_findings_load(struct db *db, const struct digest_before *before, const char *owner, int32_t today,
                         struct arena *a, struct digest_finding **out, size_t *out_n, struct err *err) MUST_USE;

struct digest_missed {
	int32_t local_on;
	const char *reason; /* or NULL */
};
/* Digests that did not reach the owner after a day and before another (after DAY_NONE: in the last 14 days): their slot
 * was missed, no channel took them while they were good (reason undelivered), or they were cancelled. */
int digest_missed_load(struct db *db, const char *owner_email, int32_t after_on, int32_t before_on, int64_t now,
                       struct arena *a, struct digest_missed **out, size_t *out_n, struct err *err) MUST_USE;

struct digest_source_state {
	const char *name;
	int64_t last_ok_at; /* INSTANT_NONE: never */
	int32_t last_ok_on;
};
int digest_sources_load(struct db *db, struct arena *a, struct digest_source_state **out, size_t *out_n,
                        struct err *err) MUST_USE;

struct digest_row {
	const char *owner_email, *kind, *config_hash, *content; /* content: the digest as JSON */
	int32_t local_on, as_of_on;
	int64_t made_at;
};

struct digest_item_row {
	int64_t finding;
	const char *change;
	double score;
	int64_t value_minor;
};

/* 1 when there is a digest of this owner, day and kind. */
int digest_exists(struct db *db, const char *owner_email, int32_t local_on, const char *kind, struct err *err) MUST_USE;
/* The digest, its items in order, its messages (digest_id is set here) and the slot that it fills (NULL: none), all or
 * nothing. Returns 1; 0 and nothing is written when it is there already. */
int digest_save(struct db *db, const struct digest_row *d, const struct digest_item_row *items, size_t n_items,
                struct outbox_message *messages, size_t n_messages, const struct slot_row *slot,
                struct err *err) MUST_USE;

#endif
