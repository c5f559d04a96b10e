#include "teller.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"

enum { MOST_TOLD = 20, GAP_MS = 10 * 1000, GIVE_UP_S = 20 * 3600 };

void teller_init(struct teller *t, const struct deliver *d, teller_lend_fn *lend, void *context)
{
	*t = (struct teller){ .d = d, .lend = lend, .context = context, .arena = arena_new(0) };
}

void teller_done(struct teller *t)
{
	if (t->arena)
		arena_free(t->arena);
}

/* The name of an alert channel among the sinks that alerts can be about; NULL: it is of another organisation. */
static const char *own_name(const struct deliver *d, const struct channel_settings *c)
{
	return c >= d->channels && c < d->channels + d->n_channels ? c->name : NULL;
}

/* Three kinds of alerts: of the first channel that tells, of the second, of all else. */
enum { OF_FIRST, OF_SECOND, OF_OTHERS, N_ROUTES };

/* Returns whether there is such a kind. */
static bool route_of(const struct deliver *d, int kind, struct alert_route *out)
{
	const char *names[] = { d->n_admins > 0 ? own_name(d, d->admins[0]) : NULL,
		                    d->n_admins > 1 ? own_name(d, d->admins[1]) : NULL };

	*out = kind == OF_OTHERS ? (struct alert_route){ .but = { names[0], names[1] } }
	                         : (struct alert_route){ .sink = names[kind] };
	return kind == OF_OTHERS || names[kind];
}

static const char *text_of(struct arena *a, const struct alerts *alerts)
{
	const char *text = "";

	for (size_t i = 0; i < alerts->n; i++)
		text = arena_printf(a, "%s%s\n", text, alerts->texts[i]);
	if (alerts->n_all > (int64_t)alerts->n)
		text = arena_printf(a, "%sAnd %lld more.\n", text, (long long)alerts->n_all - (long long)alerts->n);
	return text;
}

/* No channel tells its own failures; where the first one takes nothing, the second takes turns with it. NULL: nobody is
 * there to be told. */
static const struct channel_settings *channel_for(const struct teller *t, int kind)
{
	const struct deliver *d = t->d;
	size_t place = kind == OF_FIRST ? 1 : kind == OF_OTHERS && d->n_admins > 1 ? (size_t)t->alerts.n_attempts % 2 : 0;

	return place < d->n_admins ? d->admins[place] : NULL;
}

static int settle(struct teller *t, bool is_told, int64_t now, struct err *err)
{
	int64_t delay_s = retry_delay_ms(t->alerts.n_attempts + 1, "alert") / 1000;

	return alerts_settle(t->d->db, &t->route, t->alerts.last_id, is_told, now + delay_s, now, err);
}

static void log_untold(const struct teller *t, const char *why)
{
	log_event(LOG_LEVEL_ERROR, "admin_not_told", LOG_TEXT("org", t->d->org), LOG_INT("alerts", t->alerts.n_all),
	          LOG_TEXT("error", why));
}

static int start(struct teller *t, const struct channel_settings *c, int64_t now, int64_t now_ms, struct err *err)
{
	const char *subject = arena_printf(t->arena, "retaind needs a person (%s)", t->d->org);
	struct channel_job job = { .channel = c, .message = &t->message, .secret = t->d->secret, .now = now };
	struct err why;

	if (alerts_begin(t->d->db, &t->route, t->alerts.last_id, now, err) < 0)
		return -1;
	t->free_at_ms = now_ms + GAP_MS;
	t->channel = c;
	if (notice_message(t->arena, c, subject, text_of(t->arena, &t->alerts), now, &t->message, &why) < 0 ||
	    sender_start(&t->sender, &job, now_ms, &why) < 0) {
		log_untold(t, why.text);
		return settle(t, false, now, err);
	}
	return 1;
}

/* Nobody is there to be told, or not any more: what happened stands in the log and in the ledger. */
static int give_up(struct teller *t, int64_t now, struct err *err)
{
	if (t->d->n_admins)
		log_untold(t, "no channel takes it");
	return settle(t, true, now, err);
}

int teller_start(struct teller *t, int64_t now, int64_t now_ms, bool is_busy, struct err *err)
{
	const struct deliver *d = t->d;

	if (t->sender.pid || (is_busy && now_ms < t->free_at_ms))
		return 0;
	for (int kind = 0; kind < N_ROUTES; kind++) {
		const struct channel_settings *channel;

		arena_reset(t->arena);
		if (!route_of(d, kind, &t->route))
			continue;
		if (alerts_due(d->db, &t->route, MOST_TOLD, now, t->arena, &t->alerts, err) < 0)
			return -1;
		if (t->alerts.n_all == 0)
			continue;
		channel = channel_for(t, kind);
		if (!channel || now - t->alerts.at > GIVE_UP_S)
			return give_up(t, now, err);
		if (t->lend(t->context, channel))
			return start(t, channel, now, now_ms, err);
	}
	return 0;
}

bool teller_is_over(const struct teller *t, const struct channel_settings *channel)
{
	return t->sender.pid && t->channel == channel;
}

int teller_finish(struct teller *t, int64_t now, int64_t now_ms, struct err *err)
{
	struct verdict v;
	bool is_told;

	if (!t->sender.pid || sender_finish(&t->sender, now_ms, &v) == 0)
		return 0;
	is_told = v.outcome == DELIVERY_SENT || v.outcome == DELIVERY_UNVERIFIED;
	if (!is_told)
		log_untold(t, v.detail);
	return settle(t, is_told, now, err);
}
