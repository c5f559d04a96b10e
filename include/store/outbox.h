/* The transactional outbox: frozen messages, their attempts, the state of each sink. A message is claimed (committed
 * with synchronous=FULL) before its first byte leaves, and settled after the answer; what was in flight when a
 * deliverer died is ambiguous and goes through the channel's own rule. Listing and audit are in store/ledger.h. */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "store/db.h"

struct outbox_message {
	int64_t id;                /* given by outbox_put */
	int64_t digest_id;
	const char *sink;          /* the channel's name in the organisation's file */
	const char *kind;          /* slack_webhook | email | webhook | file */
	const char *recipient;     /* e-mail address, file name; NULL: the sink's own */
	const char *delivery_key;  /* see outbox_key */
	int part;                  /* from 1; part n+1 never leaves before part n is settled */
	const void *body;
	size_t body_len;
	const char *content_type;
	const void *fallback;      /* a plainer body for when the first is refused as invalid; NULL: none */
	size_t fallback_len;
	int64_t next_at, expires_at; /* first due; from expires_at on it is never sent */
	/* read only: outbox_put ignores these */
	int n_attempts;            /* with the one that was claimed */
	bool uses_fallback;        /* the body was refused: the fallback is to be sent */
	bool was_ambiguous;        /* an attempt since it was last known to be sent may have arrived */
	int64_t unsure_since_at, unsure_last_at; /* when the first and the last of these began */
	const char *first_ref;     /* provider_ref of the digest's part 1 there; NULL: it is that, or was not sent */
	const char *address;       /* what the sink calls the recipient, as an earlier message learned; NULL */
	int64_t delivery_id;       /* of the attempt that was claimed */
};

/* 64 hex digits of SHA-256 over (org, owner, local date, digest kind, sink, part). */
const char *outbox_key(struct arena *a, const char *org, const char *owner_email, int32_t local_on,
                       const char *digest_kind, const char *sink, int part);
/* Puts a message, in the caller's transaction together with its digest. Returns 1 new, 0 already there (by its key). */
int outbox_put(struct db *db, const struct outbox_message *m, struct err *err) MUST_USE;

/* Names of the sinks that have something open (pending or ambiguous), in the arena. */
int outbox_open_sinks(struct db *db, struct arena *a, const char *const **out, size_t *out_n, struct err *err) MUST_USE;
/* Takes the sink's next due message into flight with a row for the attempt, committed when it returns 1. 0: nothing is
 * due, one is in flight already, or the sink is disabled or held back. Ambiguous ones are taken only when resends. */
int outbox_claim(struct db *db, const char *sink, bool resends, int64_t now, struct arena *a,
                 struct outbox_message *out, struct err *err) MUST_USE;

enum delivery_outcome {
	DELIVERY_SENT,
	DELIVERY_UNVERIFIED, /* accepted, but the other side doesn't say that it was delivered */
	DELIVERY_RETRY,      /* surely not delivered: again at retry_at */
	DELIVERY_REFUSED,    /* the body is invalid there: the fallback at retry_at; dead without one or when it was that */
	DELIVERY_DEAD,
	DELIVERY_AMBIGUOUS   /* may have arrived: again at retry_at, if the channel resends */
};

struct delivery_result {
	enum delivery_outcome outcome;
	int status;               /* HTTP or SMTP code; 0: none came */
	const char *detail;       /* one line for people, without secrets */
	const char *provider_ref; /* the other side's name for it; NULL */
	int64_t retry_at;
	const char *address;      /* of the recipient, to be remembered; NULL: nothing new */
	bool forgets_address;
};

/* In the caller's transaction: ends a claimed attempt. Whatever is to be tried again at or after its expires_at becomes
 * dead, which is an alert (store/alerts.h). *out_state (may be NULL) gets the message's state. */
int outbox_settle(struct db *db, const struct outbox_message *m, const struct delivery_result *r, int64_t now,
                  const char **out_state, struct err *err) MUST_USE;
/* On start, when no live deliverer holds the lock: what is in flight becomes ambiguous, due now. Returns how many. What
 * waits for longer than anything asks for (the clock was set back) is due now too. */
int64_t outbox_recover(struct db *db, int64_t now, struct err *err) MUST_USE;
/* Ends what may no more be sent: dead(expired), and dead(superseded) when a later digest of that owner and kind has
 * gone (or may have gone) to the sink. Each is an alert. Returns how many. */
int64_t outbox_expire(struct db *db, int64_t now, struct err *err) MUST_USE;
/* The sink's ambiguous messages are not to be sent again: they wait for a person, who is told, until they expire. */
int outbox_hold_ambiguous(struct db *db, const char *sink, int64_t now, struct err *err) MUST_USE;
/* When the next open message is due, of a disabled sink when it expires: INSTANT_NONE when nothing is open. */
int outbox_next_due(struct db *db, int64_t *out, struct err *err) MUST_USE;

/* Whether something will be tried again without a person: open, not held, its sink enabled. */
int outbox_has_more(struct db *db, bool *out, struct err *err) MUST_USE;

/* A sink that a person must look at is disabled; one that asked for time (429) is held until not_before_at. */
struct sink_state {
	bool is_disabled;
	const char *reason;    /* in the arena; NULL */
	int64_t since_at, not_before_at; /* INSTANT_NONE: not */
};
/* Returns 1 known, 0 never heard of (all clear in *out). */
int sink_state_load(struct db *db, const char *sink, struct arena *a, struct sink_state *out, struct err *err) MUST_USE;
/* In the caller's transaction, with an alert. */
int sink_disable(struct db *db, const char *sink, const char *reason, int64_t now, struct err *err) MUST_USE;
/* Clears the hold too, and what failed; 1 when it was disabled. */
int sink_enable(struct db *db, const char *sink, struct err *err) MUST_USE;
/* Never shortens a hold. */
int sink_hold(struct db *db, const char *sink, int64_t not_before_at, struct err *err) MUST_USE;

#endif
