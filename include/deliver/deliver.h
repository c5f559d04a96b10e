/* The last stage: takes what is due out of the outbox, hands it to its channel, settles what became of it. One sender
 * process a message in flight, at most one in flight a sink, so that a sink that hangs holds up no other. */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deliver/settings.h"
#include "store/outbox.h"

/* Resolves a secret reference (config/secret.h, handed in so that folders stay apart). */
typedef int deliver_secret_fn(struct arena *a, const char *reference, const char **out, struct err *err);

struct deliver_event { /* one attempt that was settled */
	const struct outbox_message *message;
	const struct delivery_result *result;
	const char *state;      /* of the message now */
	bool sink_was_disabled; /* by this attempt */
};

struct deliver {
	struct db *db;
	const struct channel_settings *channels;
	size_t n_channels;
	deliver_secret_fn *secret;
	int64_t now;           /* when it starts; time goes on from there */
	int64_t wait_s;        /* stays this long for what is due later; 0: sends only what is due */
	const char *lock_path; /* one deliverer at a time */
	const struct channel_settings *const *admins; /* what alerts are told over: the first, or another in its place */
	size_t n_admins;                              /* 0: nobody is told */
	const char *org;
	void (*report)(void *context, const struct deliver_event *e); /* may be NULL */
	void *context;
};

struct deliver_counts {
	int64_t n_sent, n_later, n_dead; /* attempts by how they ended */
	int64_t n_expired;
	bool has_more;                   /* something open will be tried again, by an enabled sink */
};

/* Returns 0 with the counts; -1 ERR_RETRY when another deliverer is at work, ERR_FATAL when the store fails (what was
 * in flight then is ambiguous at the next start). SIGTERM and SIGINT end it once what is in flight has come back. */
int deliver_run(const struct deliver *d, struct deliver_counts *out, struct err *err) MUST_USE;

/* A text that goes over a channel once, past the outbox. */
struct deliver_trial {
	const char *subject, *text;
	const char *recipient; /* where a message is for somebody: this one; NULL: whom notices go to */
	int64_t now;
};
/* What the other side made of it; texts in the arena, retry_at INSTANT_NONE where it asked for no time. */
int deliver_try(const struct channel_settings *c, deliver_secret_fn *secret, const struct deliver_trial *trial,
                struct arena *a, struct delivery_result *out, struct err *err) MUST_USE;

#endif
