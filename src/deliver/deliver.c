#include "deliver/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sender.h"
#include "store/sink_health.h"
#include "teller.h"

enum { MAX_POLL_MS = 1000, DRAIN_MS = 4000, MS = 1000, BELIEVED_ATTEMPTS = 3, EXPIRE_EVERY_MS = 1000,
       SHORT_PAUSE_MS = 200, /* up to five a second no server counts */
       SETTLE_FOR_MS = 600 * 1000, SETTLE_EVERY_MS = 500 };

/* One sink: what it sends now, and when it may send again. */
struct lane {
	const struct channel_settings *channel;
	struct arena *arena; /* of the message in flight */
	struct outbox_message message;
	struct sender sender;
	int64_t free_at_ms;
	bool has_more; /* the last claim gave something */
};

struct run {
	const struct deliver *d;
	struct lane *lanes;
	size_t n_lanes;
	int64_t began_ms;
	struct teller teller;
	int64_t expire_at_ms;
	struct deliver_counts counts;
};

static volatile sig_atomic_t is_told_to_end;

static void note_signal(int signal)
{
	(void)signal;
	is_told_to_end = 1;
}

static int64_t elapsed_ms(const struct run *r)
{
	return clock_monotonic_ms() - r->began_ms;
}

static int64_t now_of(const struct run *r)
{
	return r->d->now + elapsed_ms(r) / MS;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int lock(const char *path, int *out, struct err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CLEANUP(close_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(err, ERR_FATAL, "%s", path);
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return err_set(err, ERR_RETRY, "another deliverer is at work (%s)", path);
		return err_errno(err, ERR_FATAL, "%s", path);
	}
	*out = fd;
	fd = -1;
	return 0;
}

/* Whether what may have arrived is sent again. */
static bool resends(const struct channel_settings *c)
{
	return c->on_ambiguous == AMBIGUOUS_RESEND || channel_types[c->kind]->is_repeatable;
}

static const char not_configured[] = "no channel of this name is configured";

static int disable(struct run *r, const char *sink, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (txn_begin(&txn, r->d->db, err) < 0 || sink_disable(r->d->db, sink, not_configured, r->d->now, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

/* A sink whose channel is gone stands still until the channel is back or its messages expire. */
static int match_sinks(struct run *r, struct arena *a, struct err *err)
{
	const char *const *names;
	size_t n;

	if (outbox_open_sinks(r->d->db, a, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct sink_state state;
		bool is_known = false, was_gone;

		for (size_t k = 0; k < r->n_lanes; k++)
			is_known = is_known || strcmp(r->lanes[k].channel->name, names[i]) == 0;
		if (sink_state_load(r->d->db, names[i], a, &state, err) < 0)
			return -1;
		was_gone = state.is_disabled && state.reason && strcmp(state.reason, not_configured) == 0;
		if (is_known && was_gone && sink_enable(r->d->db, names[i], err) < 0)
			return -1;
		if (!is_known && !state.is_disabled && disable(r, names[i], err) < 0)
			return -1;
	}
	return 0;
}

static int64_t pause_ms(const struct channel_settings *c)
{
	double per_second = c->per_second > 0 ? c->per_second : channel_types[c->kind]->per_second;

	return per_second > 0 ? (int64_t)(MS / per_second) : 0;
}

/* The rate holds over runs too: instants are cut to the second, so what began last may have begun late in it. */
static int keep_pace(struct run *r, struct lane *l, struct err *err)
{
	int64_t used_at, ago_ms;

	if (pause_ms(l->channel) < SHORT_PAUSE_MS)
		return 0;
	if (sink_last_used(r->d->db, l->channel->name, &used_at, err) < 0)
		return -1;
	if (used_at == INSTANT_NONE || used_at > r->d->now)
		return 0;
	ago_ms = (r->d->now - used_at - 1) * MS;
	l->free_at_ms = pause_ms(l->channel) > ago_ms ? pause_ms(l->channel) - ago_ms : 0;
	l->has_more = l->free_at_ms > 0; /* for all that is known */
	return 0;
}

/* What the last deliverer left behind. */
static int prepare(struct run *r, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	if (outbox_recover(r->d->db, r->d->now, err) < 0 || match_sinks(r, a, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n_lanes; i++) {
		const char *sink = r->lanes[i].channel->name;

		if (!resends(r->lanes[i].channel) && outbox_hold_ambiguous(r->d->db, sink, r->d->now, err) < 0)
			return -1;
		if (keep_pace(r, &r->lanes[i], err) < 0)
			return -1;
	}
	return 0;
}

static int64_t retry_at(const struct verdict *v, const struct outbox_message *m, int64_t now)
{
	int64_t wait_s = (retry_delay_ms(m->n_attempts, m->delivery_key) + MS - 1) / MS;

	if (v->outcome == DELIVERY_REFUSED)
		return now; /* the other body, at once */
	/* Never sooner than asked for (now is cut to the second); later, where one keeps asking for next to nothing. */
	if (v->wait_s >= 0 && (m->n_attempts <= BELIEVED_ATTEMPTS || v->wait_s >= wait_s))
		wait_s = v->wait_s + 1;
	return now + (wait_s < v->min_wait_s ? v->min_wait_s : wait_s);
}

static void count(struct deliver_counts *c, const char *state)
{
	if (strcmp(state, "sent") == 0 || strcmp(state, "accepted_unverified") == 0)
		c->n_sent++;
	else if (strcmp(state, "dead") == 0)
		c->n_dead++;
	else
		c->n_later++;
}

/* Whether it is the sink that failed, not this message: no whole answer, one of its own failures, a mail server that
 * closes for now. */
static bool is_sinks_failure(const struct verdict *v)
{
	return (v->outcome == DELIVERY_RETRY || v->outcome == DELIVERY_AMBIGUOUS) && !v->holds_sink &&
	       (v->status == 0 || v->status == 421 || v->status >= 500);
}

/* What the verdict means for the sink. */
static int settle_sink(struct run *r, const struct lane *l, const struct verdict *v, int64_t retry_at, int64_t now,
                       struct err *err)
{
	const char *sink = l->channel->name;
	bool has_answered = v->status > 0 || v->outcome == DELIVERY_SENT || v->outcome == DELIVERY_UNVERIFIED;
	int rc = is_sinks_failure(v) ? sink_failed(r->d->db, sink, v->detail, now, err)
	         : has_answered      ? sink_answered(r->d->db, sink, now, err)
	                             : 0;

	if (rc < 0 || (v->disables_sink && sink_disable(r->d->db, sink, v->detail, now, err) < 0))
		return -1;
	return v->holds_sink ? sink_hold(r->d->db, sink, retry_at, err) : 0;
}

static int settle_once(struct run *r, struct lane *l, const struct verdict *v, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int64_t now = now_of(r);
	const struct delivery_result result = { .outcome = v->outcome, .status = v->status,
	                                        .detail = *v->detail ? v->detail : NULL,
	                                        .provider_ref = *v->provider_ref ? v->provider_ref : NULL,
	                                        .retry_at = retry_at(v, &l->message, now),
	                                        .address = *v->address ? v->address : NULL,
	                                        .forgets_address = v->forgets_address };
	struct deliver_event event = { .message = &l->message, .result = &result, .sink_was_disabled = v->disables_sink };

	if (txn_begin(&txn, r->d->db, err) < 0 || settle_sink(r, l, v, result.retry_at, now, err) < 0 ||
	    outbox_settle(r->d->db, &l->message, &result, now, &event.state, err) < 0)
		return -1;
	if (v->outcome == DELIVERY_AMBIGUOUS && !resends(l->channel) &&
	    outbox_hold_ambiguous(r->d->db, l->channel->name, now, err) < 0)
		return -1;
	if (txn_commit(&txn, err) < 0)
		return -1;
	count(&r->counts, event.state);
	if (r->d->report)
		r->d->report(r->d->context, &event);
	return 0;
}

/* What the other side said is known only here. While the ledger takes nothing (another process holds it, no room on the
 * disk) it is offered again: given up, a message that has arrived would be sent once more. */
static int settle(struct run *r, struct lane *l, const struct verdict *v, struct err *err)
{
	int64_t until_ms = elapsed_ms(r) + SETTLE_FOR_MS;

	if (v->weight > 1)
		l->free_at_ms += (v->weight - 1) * pause_ms(l->channel);
	for (int n = 0; settle_once(r, l, v, err) < 0; n++) {
		if (is_told_to_end || elapsed_ms(r) >= until_ms)
			return -1;
		if (n == 0)
			log_event(LOG_LEVEL_ERROR, "ledger_waited_for", LOG_TEXT("org", r->d->org),
			          LOG_TEXT("sink", l->channel->name), LOG_TEXT("error", err->text));
		(void)poll(NULL, 0, SETTLE_EVERY_MS);
	}
	return 0;
}

/* Claims the lane's next message and starts its sender. */
static int start_next(struct run *r, struct lane *l, struct err *err)
{
	struct channel_job job = { .channel = l->channel, .message = &l->message, .secret = r->d->secret,
	                           .now = now_of(r) };
	int rc;

	arena_reset(l->arena);
	rc = outbox_claim(r->d->db, l->channel->name, resends(l->channel), job.now, l->arena, &l->message, err);
	l->has_more = rc > 0;
	if (rc <= 0)
		return rc;
	l->free_at_ms = elapsed_ms(r) + pause_ms(l->channel);
	if (sender_start(&l->sender, &job, elapsed_ms(r), err) < 0) {
		const struct verdict v = verdict_of(DELIVERY_RETRY, 0, err->text);

		return settle(r, l, &v, err);
	}
	return 1;
}

static int finish_ready(struct run *r, struct err *err)
{
	struct verdict v;

	if (teller_finish(&r->teller, now_of(r), elapsed_ms(r), err) < 0)
		return -1;
	for (size_t i = 0; i < r->n_lanes; i++) {
		struct lane *l = &r->lanes[i];

		if (l->sender.pid && sender_finish(&l->sender, elapsed_ms(r), &v) > 0 && settle(r, l, &v, err) < 0)
			return -1;
	}
	return 0;
}

static int start_free(struct run *r, struct err *err)
{
	for (size_t i = 0; i < r->n_lanes; i++) {
		struct lane *l = &r->lanes[i];

		if (!l->sender.pid && !teller_is_over(&r->teller, l->channel) && elapsed_ms(r) >= l->free_at_ms &&
		    start_next(r, l, err) < 0)
			return -1;
	}
	return 0;
}

static size_t n_at_work(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_lanes; i++)
		n += r->lanes[i].sender.pid != 0;
	return n;
}

/* Sleeps until a sender answers, a lane is free again, or at most until_ms. */
static void sleep_until(struct run *r, int64_t until_ms)
{
	struct pollfd fds[64];
	nfds_t n = 0;
	int64_t now_ms = elapsed_ms(r);

	if (r->teller.sender.pid)
		fds[n++] = (struct pollfd){ .fd = r->teller.sender.fd, .events = POLLIN };
	for (size_t i = 0; i < r->n_lanes; i++) {
		const struct lane *l = &r->lanes[i];

		if (l->sender.pid && n < ARRAY_LEN(fds))
			fds[n++] = (struct pollfd){ .fd = l->sender.fd, .events = POLLIN };
		if (l->sender.pid && sender_deadline_ms(&l->sender) < until_ms)
			until_ms = sender_deadline_ms(&l->sender);
		if (!l->sender.pid && l->has_more && l->free_at_ms < until_ms)
			until_ms = l->free_at_ms;
	}
	if (until_ms > now_ms)
		(void)poll(fds, n, (int)(until_ms - now_ms));
}

/* Whether to stay: something is at work, a lane only waits for its turn, or what is due later is within the wait. */
static int has_work(struct run *r, bool *out, struct err *err)
{
	int64_t due;

	*out = n_at_work(r) > 0 || r->teller.sender.pid;
	for (size_t i = 0; i < r->n_lanes; i++)
		*out = *out || r->lanes[i].has_more;
	if (*out || r->d->wait_s <= 0)
		return 0;
	if (outbox_next_due(r->d->db, &due, err) < 0)
		return -1;
	*out = due != INSTANT_NONE && due <= r->d->now + r->d->wait_s && elapsed_ms(r) < r->d->wait_s * MS;
	return 0;
}

/* Whether an alert may go over a channel now: one at a time there, at the channel's rate, as for all else. */
static bool lend(void *context, const struct channel_settings *channel)
{
	struct run *r = context;

	for (size_t i = 0; i < r->n_lanes; i++) {
		struct lane *l = &r->lanes[i];

		if (l->channel != channel)
			continue;
		if (l->sender.pid || elapsed_ms(r) < l->free_at_ms) {
			l->has_more = true; /* the alert */
			return false;
		}
		l->free_at_ms = elapsed_ms(r) + pause_ms(channel);
	}
	return true;
}

/* Returns how many. */
static int64_t expire(struct run *r, struct err *err)
{
	int64_t n = outbox_expire(r->d->db, now_of(r), err);

	r->expire_at_ms = elapsed_ms(r) + EXPIRE_EVERY_MS;
	r->counts.n_expired += n > 0 ? n : 0;
	return n;
}

static int work(struct run *r, struct err *err)
{
	for (bool goes_on = true; goes_on && !is_told_to_end;) {
		if ((elapsed_ms(r) >= r->expire_at_ms && expire(r, err) < 0) || start_free(r, err) < 0 ||
		    teller_start(&r->teller, now_of(r), elapsed_ms(r), n_at_work(r) > 0, err) < 0)
			return -1;
		if (has_work(r, &goes_on, err) < 0)
			return -1;
		if (!goes_on) { /* what was sent just now may have superseded something, which is to be told */
			int64_t n = expire(r, err);

			if (n < 0)
				return -1;
			goes_on = n > 0;
		}
		if (goes_on)
			sleep_until(r, elapsed_ms(r) + MAX_POLL_MS);
		if (finish_ready(r, err) < 0)
			return -1;
	}
	return 0;
}

/* Settles what is still in flight. Told to end we wait only a little: what has not come back then is ambiguous. */
static int drain(struct run *r, struct err *err)
{
	int64_t until_ms = elapsed_ms(r) + DRAIN_MS;

	while ((n_at_work(r) > 0 || r->teller.sender.pid) && (!is_told_to_end || elapsed_ms(r) < until_ms)) {
		sleep_until(r, elapsed_ms(r) + MAX_POLL_MS);
		if (finish_ready(r, err) < 0)
			return -1;
	}
	return 0;
}

static void lanes_done(struct run *r)
{
	for (size_t i = 0; i < r->n_lanes; i++)
		arena_free(r->lanes[i].arena);
	teller_done(&r->teller);
}

static void set_signals(struct sigaction old[2])
{
	const struct sigaction action = { .sa_handler = note_signal };

	is_told_to_end = 0;
	(void)sigaction(SIGTERM, &action, &old[0]);
	(void)sigaction(SIGINT, &action, &old[1]);
}

static void restore_signals(struct sigaction old[2])
{
	(void)sigaction(SIGTERM, &old[0], NULL);
	(void)sigaction(SIGINT, &old[1], NULL);
}

int deliver_run(const struct deliver *d, struct deliver_counts *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(close_fd) int lock_fd = -1;
	CLEANUP(lanes_done) struct run r = { .d = d, .began_ms = clock_monotonic_ms() };
	struct sigaction old[2];
	struct err second;
	int rc, drained;

	if (lock(d->lock_path, &lock_fd, err) < 0)
		return -1;
	r.lanes = arena_array(a, d->n_channels, sizeof *r.lanes);
	for (; r.n_lanes < d->n_channels; r.n_lanes++)
		r.lanes[r.n_lanes] = (struct lane){ .channel = &d->channels[r.n_lanes], .arena = arena_new(0) };
	teller_init(&r.teller, d, lend, &r);
	if (prepare(&r, err) < 0)
		return -1;
	set_signals(old);
	rc = work(&r, err);
	drained = drain(&r, rc < 0 ? &second : err);
	restore_signals(old);
	if (rc < 0 || drained < 0 || outbox_has_more(d->db, &r.counts.has_more, err) < 0)
		return -1;
	*out = r.counts;
	return 0;
}

int deliver_try(const struct channel_settings *c, deliver_secret_fn *secret, const struct deliver_trial *trial,
                struct arena *a, struct delivery_result *out, struct err *err)
{
	struct channel_settings to = *c;
	struct outbox_message m;
	struct channel_job job = { .channel = &to, .message = &m, .secret = secret, .now = trial->now };
	bool is_for_one = trial->recipient && channel_to(c->kind) == TO_OWNER;
	struct verdict v;

	if (is_for_one)
		to.reply_to = trial->recipient;
	if (notice_message(a, &to, trial->subject, trial->text, trial->now, &m, err) < 0)
		return -1;
	if (is_for_one)
		m.recipient = trial->recipient;
	channel_types[c->kind]->send(&job, a, &v);
	*out = (struct delivery_result){ .outcome = v.outcome, .status = v.status,
	                                 .detail = *v.detail ? arena_strdup(a, v.detail) : NULL,
	                                 .provider_ref = *v.provider_ref ? arena_strdup(a, v.provider_ref) : NULL,
	                                 .retry_at = v.wait_s >= 0 ? trial->now + v.wait_s : INSTANT_NONE };
	return 0;
}
