/* What became of every message: lists, attempts, a person's retry and cancel, the audit that nothing went missing. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "store/db.h"

struct ledger_row {
	int64_t id;
	const char *owner_email, *digest_kind;
	int32_t local_on;
	const char *sink, *kind, *recipient;
	int part, n_attempts;
	const char *state, *reason, *provider_ref, *delivery_key, *body_sha256;
	int64_t next_at, expires_at, settled_at; /* settled_at: INSTANT_NONE while open */
};

struct ledger_attempt {
	int attempt, status;          /* status 0: none came */
	int64_t started_at, ended_at; /* ended_at: INSTANT_NONE while in flight */
	const char *outcome, *detail;
};

/* Newest first, at most limit; state NULL: all. */
int ledger_list(struct db *db, const char *state, int64_t limit, struct arena *a, const struct ledger_row **out,
                size_t *out_n, struct err *err) MUST_USE;
/* Returns 1 found, 0 no such row. */
int ledger_load(struct db *db, int64_t id, struct arena *a, struct ledger_row *out, struct err *err) MUST_USE;
int ledger_attempts(struct db *db, int64_t id, struct arena *a, const struct ledger_attempt **out, size_t *out_n,
                    struct err *err) MUST_USE;

/* Makes a settled or waiting message due now, with at least 20 hours to live, and enables its sink. ERR_INPUT when it
 * is in flight, or was sent (or accepted) and this is not forced. Returns 1, or 0 no such row. */
int ledger_retry(struct db *db, int64_t id, bool is_forced, int64_t now, struct err *err) MUST_USE;
/* Ends an open message as dead(cancelled). ERR_INPUT when it is settled or in flight. Returns 1, or 0 no such row. */
int ledger_cancel(struct db *db, int64_t id, int64_t now, struct err *err) MUST_USE;

struct ledger_gap {
	const char *problem;       /* missed | no digest | no delivery | overdue | not delivered | not looked after */
	const char *owner_email, *digest_kind; /* kind NULL: there is no digest */
	int32_t local_on;
	const char *sink, *reason; /* NULL where there is none */
	int64_t outbox_id;         /* 0: none */
};

/* Of nominal days from since_on to until_on: slots that were missed (but by a person's word) or are open an hour after
 * they were due, digests without any message (quiet ones aside), messages still open an hour after their digest was
 * made, and messages that ended undelivered (not those that a person cancelled). n 0: every slot has its digest, and
 * every digest its end at every sink. */
int ledger_audit(struct db *db, int32_t since_on, int32_t until_on, int64_t now, struct arena *a,
                 const struct ledger_gap **out, size_t *out_n, struct err *err) MUST_USE;

/* A day was looked over: how many gaps it had, and whether the dead man's switch heard of it. What is older than
 * 400 days of that, and of alerts that were told, is forgotten. */
int ledger_looked_over(struct db *db, int32_t local_on, size_t n_gaps, bool is_pinged, int64_t now,
                       struct err *err) MUST_USE;
/* The last day that was; DAY_NONE: none. */
int ledger_last_looked_over(struct db *db, int32_t *out, struct err *err) MUST_USE;

#endif
