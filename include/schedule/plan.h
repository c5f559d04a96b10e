/* What is to be done now for one organisation's slots: a pure function of the ledger, the rules, the sync and the
 * clock. Exactly one digest per owner and nominal day; nothing is made up later than the catch-up window or on another
 * day; what was not done is recorded with a reason. */
#ifndef SCHEDULE_PLAN_H
#define SCHEDULE_PLAN_H

#include "schedule/settings.h"
#include "schedule/slots.h"

struct plan_owner {
	const char *email;
	struct slot_rules rules;
	int32_t last_on; /* the latest day in the ledger, of any state; DAY_NONE: none */
};

/* A slot that was due and isn't settled. */
struct plan_open {
	const char *owner_email;
	int32_t local_on;
	bool is_running;
	int64_t retry_at;    /* after a failure: not before; INSTANT_NONE */
	const char *failure; /* why it failed; NULL: it didn't yet */
};

/* Instants are INSTANT_NONE where there was none. */
struct plan_sync {
	bool is_running;
	bool has_data;         /* some source came through at some time; without any data there is no digest */
	int64_t started_at;    /* of the last one, whatever became of it */
	int64_t ok_started_at; /* of the last one that came through */
	int64_t retry_at;      /* the last one failed: again then */
};

/* The clock, and what was persisted when it was last believed. */
struct plan_clock {
	int64_t now;
	bool is_synchronised;  /* the kernel says so */
	int64_t tick_at;       /* INSTANT_NONE: never */
	bool was_synchronised; /* at the tick */
	int64_t awake_s; /* true seconds since the tick by the boot-time clock; -1: the tick is of an earlier process */
	bool knows_ahead;      /* some source has told the time */
	int64_t ahead_s;       /* before the clock of the source that agrees most with ours; below 0: behind it */
};

/* False while the wall clock can't be believed: more than 10 min off the clocks of all sources (half a day where the
 * kernel vouches for it) or, where none has told, more than 26 h past the tick without a reference. Where there never
 * is a reference, only a jump while we ran, or more than a year, is disbelieved. */
bool plan_clock_is_plausible(const struct plan_clock *c);

struct plan_input {
	int64_t now;
	int64_t tick_at;    /* until when the ledger is complete: the last tick before now; INSTANT_NONE */
	const struct schedule_settings *settings;
	const struct plan_owner *owners; /* ascending by email */
	size_t n_owners;
	const struct plan_open *open;
	size_t n_open;
	struct plan_sync sync;
};

enum plan_action_kind {
	PLAN_OPEN,   /* the slot is due: put it into the ledger as pending */
	PLAN_DIGEST, /* start the digest of an open slot */
	PLAN_MISSED, /* settle it as missed, with the reason; it may be open or not in the ledger */
	PLAN_SYNC    /* start pull, then score */
};

struct plan_action {
	enum plan_action_kind kind;
	const char *owner_email; /* NULL for PLAN_SYNC */
	int32_t local_on;
	int64_t due_at;
	const char *reason; /* of PLAN_MISSED: downtime | failed | no_data | not_scheduled | owner_removed */
};

struct plan {
	const struct plan_action *actions;
	size_t n;
	int64_t wake_at; /* look again then at the latest; INSTANT_NONE: nothing to wait for */
};

void plan_make(const struct plan_input *in, struct arena *a, struct plan *out);

#endif
