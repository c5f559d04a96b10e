/* Between reading what outcomes are made of, making them, and keeping them. */
#ifndef OUTCOMES_PARTS_H
#define OUTCOMES_PARTS_H

#include "store/outcomes.h"
#include "trait.h"

/* A line of a contract as long as its amount stays. */
struct outcome_piece {
	int64_t account;
	int32_t from, to;     /* to: not included, OUTCOME_OPEN when no end is known */
	int64_t minor;        /* per month, 0 when not known */
	const char *currency; /* NULL when not known */
	const char *reason;   /* of the end, NULL when not known */
};
/* Rows, whatever is known of them on a day. gone_on: withdrawn or deleted; days may be DAY_NONE. */
struct outcome_line {
	int64_t account;
	bool is_subscription;
	int32_t from, known_on, seen_on, gone_on; /* known_on: when it began to be known, if it was seen by then */
	struct revenue_trait amount, gate, end; /* gate: is_trial of a subscription, is_customer of an account */
	const char *currency, *reason;
};
struct outcome_failure { int64_t account; int32_t failed_on, paid_on, gone_on; };
/* What an owner said became of the account. */
struct outcome_told { int64_t account; int32_t said_on, gone_on; bool is_gain; };
struct outcome_notice {
	int64_t account;
	int32_t noticed_on, effective_on; /* effective_on: DAY_NONE when not said */
	int32_t gone_on;
	int64_t minor;
	const char *currency;
	bool is_downgrade;
};

/* Rows of one kind, which begin with their account, by account; from first up to end are those of the one that is
 * looked at. */
struct outcome_list { char *at; size_t size, n, room, first, end; };
struct outcome_rows {
	struct arena *arena;
	struct outcome_list subscriptions, annual; /* struct outcome_line */
	struct outcome_list failures, notices, told;
};

/* What is known of one account on a day, each by day. */
struct outcome_parts {
	struct arena *arena;
	int32_t known_on;
	int32_t next_on; /* until the day before it the same rows say the same, see outcome_note */
	struct outcome_piece *pieces; size_t n_pieces, piece_room;
	struct outcome_failure *failures; size_t n_failures, failure_room; /* payments that failed, never made good */
	struct outcome_notice *notices; size_t n_notices, notice_room;
	struct outcome_told *told; size_t n_told, told_room;
};

/* Of accounts from_id to to_id, all that is known up to last_known_on. Lives in a, which rows and parts may share. */
int outcome_rows_load(struct db *db, int64_t from_id, int64_t to_id, int32_t last_known_on, struct arena *a,
                      struct outcome_rows *out, struct err *err) MUST_USE;
/* Goes to the first or next account that has any rows; false behind the last. */
bool outcome_rows_next(struct outcome_rows *rows);
/* Of the account that is looked at, by what is known on the day, which is not behind last_known_on. */
void outcome_parts_tell(const struct outcome_rows *rows, int32_t known_on, struct outcome_parts *io);
/* A day of a row: when it lies behind known_on, what the row says may be another thing from then on. */
void outcome_note(struct outcome_parts *p, int32_t day);

/* What became of one account after the other: go on with outcome_rows_next, then make it for any days. */
struct outcome_making {
	struct outcome_rows rows;
	struct outcome_parts parts;
	struct arena *scratch;
	int32_t until, from; /* from: the account's first dated contract, DAY_NONE when there is none */
	struct outcome *events; size_t n_events, event_room;
	struct outcome_span *customers; size_t n_customers, customer_room;
	struct outcome_span *leaving; size_t n_leaving, leaving_room;
};
int outcome_making_begin(struct outcome_making *m, struct db *db, int64_t from_id, int64_t to_id,
                         int32_t last_known_on, struct arena *a, struct arena *scratch, struct err *err) MUST_USE;
/* Of the account that rows look at, as known on a day; parts.next_on says how long. */
void outcome_make(struct outcome_making *m, int32_t known_on);

/* Of accounts from_id to to_id. */
int outcomes_load_range(struct db *db, int32_t known_on, int64_t from_id, int64_t to_id, struct arena *a,
                        struct outcomes *out, struct err *err) MUST_USE;

#endif
