/* Between loading what outcomes are made of and making them. */
#ifndef OUTCOMES_PARTS_H
#define OUTCOMES_PARTS_H

#include "store/outcomes.h"

/* A line of a contract as long as its amount stays. */
struct outcome_piece {
	int64_t account;
	int32_t from, to;     /* to: not included, OUTCOME_OPEN when no end is known */
	int64_t minor;        /* per month, 0 when not known */
	const char *currency; /* NULL when not known */
	const char *reason;   /* of the end, NULL when not known */
};
struct outcome_failure { int64_t account; int32_t failed_on; };
/* What an owner said became of the account. */
struct outcome_told { int64_t account; int32_t said_on; bool is_gain; };
struct outcome_notice {
	int64_t account;
	int32_t noticed_on, effective_on; /* effective_on: DAY_NONE when not said */
	int64_t minor;
	const char *currency;
	bool is_downgrade;
};

/* All by account, then day. */
struct outcome_parts {
	struct arena *arena;
	int32_t known_on;
	int64_t from_id, to_id; /* accounts */
	int32_t next_on; /* until the day before it the same rows say the same, see outcome_note */
	struct outcome_piece *pieces; size_t n_pieces, room;
	struct outcome_failure *failures; size_t n_failures; /* payments that failed and were never made good */
	struct outcome_notice *notices; size_t n_notices;
	struct outcome_told *told; size_t n_told;
};
/* A day of a row: when it lies behind known_on, what the row says may be another thing from then on. */
void outcome_note(struct outcome_parts *p, int32_t day);
/* Of accounts from_id to to_id; out_next: the first day on which the same rows may say something else. */
int outcomes_load_range(struct db *db, int32_t known_on, int64_t from_id, int64_t to_id, struct arena *a,
                        struct outcomes *out, int32_t *out_next, struct err *err) MUST_USE;
int outcomes_load_parts(struct db *db, struct outcome_parts *io, struct err *err) MUST_USE;

#endif
