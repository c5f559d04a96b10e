/* The ledger of slots: which owner's digest was due on which nominal day, and what became of it. */
#ifndef STORE_SLOTS_H
#define STORE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "store/db.h"

struct slot_row {
	const char *owner_email;
	int32_t local_on;
	int64_t due_at;
	const char *state;  /* pending | done | missed */
	const char *reason; /* of a missed one: downtime | failed | no_data | not_scheduled | owner_removed | silenced */
};

/* What is pending, in order of owner and day. */
int slots_pending(struct db *db, struct arena *a, const struct slot_row **out, size_t *out_n, struct err *err) MUST_USE;
/* Each owner's latest day, of any state: only owner_email and local_on are set. */
int slots_latest(struct db *db, struct arena *a, const struct slot_row **out, size_t *out_n, struct err *err) MUST_USE;
/* Puts a due slot as pending; nothing happens where its row is there already. Returns 1 new, 0 there. */
int slots_open(struct db *db, const char *owner_email, int32_t local_on, int64_t due_at, struct err *err) MUST_USE;
/* Settles a slot as done or missed, whether it is in the ledger or not; one that is settled stays as it is. */
int slots_settle(struct db *db, const struct slot_row *row, int64_t now, struct err *err) MUST_USE;

/* What the daemon persisted last; instants are INSTANT_NONE where there was none. */
struct schedule_state {
	int64_t tick_at;
	bool is_synchronised;
	int64_t sync_started_at, sync_ok_started_at;
};
/* Returns 1, or 0 when nothing was persisted yet (all INSTANT_NONE). */
int schedule_state_load(struct db *db, struct schedule_state *out, struct err *err) MUST_USE;
/* When a source last came through, by whatever command; INSTANT_NONE: never. */
int schedule_pulled_at(struct db *db, int64_t *out, struct err *err) MUST_USE;
int schedule_state_save(struct db *db, const struct schedule_state *s, struct err *err) MUST_USE;

#endif
