/* Tells alerts to a person, beside the lanes: a sender process of its own, what is due at a time in one notice, over
 * another channel than the one that failed. */
#ifndef TELLER_H
#define TELLER_H

#include "sender.h"
#include "store/alerts.h"

/* Whether the channel is free; then it is taken. */
typedef bool teller_lend_fn(void *context, const struct channel_settings *channel);

struct teller {
	const struct deliver *d;
	teller_lend_fn *lend;
	void *context;
	const struct channel_settings *channel; /* of the notice under way */
	struct arena *arena; /* of the notice under way */
	struct sender sender;
	struct outbox_message message;
	struct alert_route route;
	struct alerts alerts;
	int64_t free_at_ms;
};

void teller_init(struct teller *t, const struct deliver *d, teller_lend_fn *lend, void *context);
void teller_done(struct teller *t);
/* Starts the next notice, if there is anything to tell. is_busy: others are at work, so that what comes within the next
 * seconds may go with it. Returns 1 started, 0 not. */
int teller_start(struct teller *t, int64_t now, int64_t now_ms, bool is_busy, struct err *err) MUST_USE;
/* Whether a notice is under way over the channel. */
bool teller_is_over(const struct teller *t, const struct channel_settings *channel);
/* Settles a notice that has come back. */
int teller_finish(struct teller *t, int64_t now, int64_t now_ms, struct err *err) MUST_USE;

#endif
