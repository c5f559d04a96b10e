#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "store/account.h"
#include "store/facts.h"

/* How long ago a replay of history begins without --from. */
enum { LONGEST_DAYS = 730, LEAST_HISTORY_DAYS = 90, FIRST_ROOM = 1024 };

static int compare_samples(const void *left, const void *right)
{
	const struct sample *a = left, *b = right;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

/* The account that goes by a key: of several the one that was there first. */
static int64_t account_of(const struct account_key *keys, size_t n, const char *key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(keys[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && strcmp(keys[low].key, key) == 0 ? keys[low].account : REPLAY_UNKNOWN;
}

int samples_of_panel(const struct session *s, const struct panel *panel, int64_t horizon_days, bool wants_train,
                     struct arena *a, struct samples *out, struct err *err)
{
	struct samples all = { .horizon_days = horizon_days };
	struct sample *trained = arena_array(a, panel->n_train + 1, sizeof *trained);
	const struct account_key *keys;
	size_t n_keys;

	if (account_keys_load(s->db, a, &keys, &n_keys, err) < 0)
		return -1;
	if (!all.horizon_days)
		all.horizon_days = panel->horizon_days ? panel->horizon_days : s->org->score.horizon_days;
	all.at = arena_array(a, panel->n + 1, sizeof *all.at);
	for (size_t i = 0; i < panel->n; i++) {
		const struct panel_row *row = &panel->rows[i];
		const struct sample sample = { account_of(keys, n_keys, row->account), row->account, row->queue, row->day,
			                           row->event_on, row->label == 1, row->is_train, i };

		if (row->is_train && row->label != PANEL_NO_LABEL)
			trained[all.n_trained++] = sample;
		if (!row->is_train || wants_train)
			all.at[all.n++] = sample;
	}
	if (all.n)
		qsort(all.at, all.n, sizeof *all.at, compare_samples);
	if (all.n_trained)
		qsort(trained, all.n_trained, sizeof *trained, compare_samples);
	all.trained = trained;
	*out = all;
	return 0;
}

/* The customers of one day that were not leaving. Returns -1 when they are too many. */
static int add_day(const struct outcomes *o, const struct history_query *q, int32_t day, struct arena *a, size_t *room,
                   struct samples *io)
{
	for (size_t i = 0; i < o->n_customers; i++) {
		const struct outcome_span *span = &o->customers[i];
		const struct outcome *event;

		if (day < span->from || day >= span->to)
			continue;
		if (outcomes_is_leaving(o, span->account, day)) {
			io->n_leaving++;
			continue;
		}
		if (io->n == SAMPLES_MAX)
			return -1;
		if (io->n == *room) {
			*room = *room ? 2 * *room : FIRST_ROOM;
			io->at = arena_grow(a, io->at, io->n, *room, sizeof *io->at);
		}
		event = outcomes_first(o, span->account, day, o->until, q->kinds);
		io->at[io->n] = (struct sample){ .account = span->account, .day = day, .place = io->n,
			.key = arena_printf(a, "%lld", (long long)span->account), .event_on = event ? event->on : DAY_NONE,
			.is_event = event && event->on <= day + q->horizon_days };
		io->n++;
	}
	return 0;
}

static int check_from(const struct history_query *q, int64_t last, struct arena *a, struct err *err)
{
	if (q->from == DAY_NONE)
		return 0;
	if (q->to != DAY_NONE && q->from > q->to)
		return err_set(err, ERR_USAGE, "--from is later than --to");
	if (q->from > last)
		return err_set(err, ERR_INPUT, "what happened within %lld days is known for days up to %s, --from is later",
		               (long long)q->horizon_days, day_text(a, (int32_t)last));
	return 0;
}

int samples_of_history(const struct outcomes *o, const struct history_query *q, struct arena *a, struct samples *out,
                       struct err *err)
{
	struct samples all = { .horizon_days = q->horizon_days };
	int64_t last = o->until - q->horizon_days, to = q->to == DAY_NONE || q->to > last ? last : q->to, from = q->from;
	size_t room = 0;

	if (check_from(q, last, a, err) < 0)
		return -1;
	if (o->from == DAY_NONE) {
		*out = all;
		return 0;
	}
	if (from == DAY_NONE)
		from = to - LONGEST_DAYS > o->from + LEAST_HISTORY_DAYS ? to - LONGEST_DAYS : o->from + LEAST_HISTORY_DAYS;
	if (from < o->from)
		from = o->from;
	for (int64_t day = to - (to - from) / q->every_days * q->every_days; day <= to && from <= to; day += q->every_days)
		if (add_day(o, q, (int32_t)day, a, &room, &all) < 0)
			return err_set(err, ERR_INPUT, "more than %d rows (customers by days): a greater --every takes fewer days",
			               SAMPLES_MAX);
	if (all.n)
		qsort(all.at, all.n, sizeof *all.at, compare_samples);
	*out = all;
	return 0;
}
