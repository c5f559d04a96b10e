#include "replay.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "store/facts.h"

enum {
	CHUNK = 1000,     /* accounts that are loaded together */
	FEW = 8,          /* where less than one in so many is wanted, they are loaded one by one */
	PRIOR_ROWS = 100, /* the configured base rate counts as so many rows of a panel */
};

struct replaying {
	const struct session *session;
	struct score_settings settings;
	const struct samples *samples;
	replay_fn take;
	void *context;
	struct diagnosing day;
	struct arena *of_day, *of_chunk;
	bool has_ended;                  /* the training rows; what the store said then */
	double loss_then, growth_then;
};

/* What a panel's training rows say whose horizon had passed by the day: events a day and account; below 0: nothing. */
static double trained_rate(const struct replaying *r, int32_t day)
{
	const struct samples *s = r->samples;
	double prior, horizon = (double)s->horizon_days, rows = 0, events = 0;

	for (size_t i = 0; i < s->n_trained && s->trained[i].day + s->horizon_days <= day; i++) {
		rows++;
		events += s->trained[i].is_event;
	}
	if (rows <= 0)
		return -1;
	prior = 1 - pow(1 - r->settings.base_risk / 100, horizon / BASE_DAYS);
	return -log1p(-(events + PRIOR_ROWS * prior) / (rows + PRIOR_ROWS)) / horizon;
}

/* By how much a rate moved since the training rows ended. */
static double moved(double now, double then)
{
	return now > 0 && then > 0 ? now / then : 1;
}

static int read_then(struct replaying *r, int32_t day, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct diagnosing then;

	if (diagnose_day(r->session, day, a, &then, err) < 0)
		return -1;
	r->loss_then = then.base.loss_rate;
	r->growth_then = then.base.growth_rate;
	r->has_ended = true;
	return 0;
}

/* Training rows say how often the event of the panel is, the store how losses and growth went on from there. */
static int set_rates(struct replaying *r, int32_t day, struct err *err)
{
	struct fact_base *base = &r->day.base;
	double rate = trained_rate(r, day);
	int64_t ended = r->samples->n_trained ? r->samples->trained[r->samples->n_trained - 1].day : day;

	if (rate < 0)
		return 0;
	ended += r->samples->horizon_days;
	if (ended >= day) {
		base->loss_rate = base->growth_rate = rate;
		return 0;
	}
	if (!r->has_ended && read_then(r, (int32_t)ended, err) < 0)
		return -1;
	base->loss_rate = rate * moved(base->loss_rate, r->loss_then);
	base->growth_rate = rate * moved(base->growth_rate, r->growth_then);
	return 0;
}

/* Its place among the members of the day, or n_members. */
static size_t member_of(const struct fact_base *base, int64_t account)
{
	size_t low = 0, high = base->n_members;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (base->members[middle].id < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low < base->n_members && base->members[low].id == account ? low : base->n_members;
}

/* Diagnoses the samples first..end-1, whose accounts are members from..from+n-1 or not there. */
static int take_some(struct replaying *r, size_t first, size_t end, size_t from, size_t n, struct err *err)
{
	struct fact_account *facts = arena_array(r->of_chunk, n + 1, sizeof *facts);
	struct diagnosis d;
	size_t judged = n;

	if (facts_load(r->session->db, &r->day.query, &r->day.base, from, n, r->of_chunk, facts, err) < 0)
		return -1;
	for (size_t i = first; i < end; i++) {
		size_t place = member_of(&r->day.base, r->samples->at[i].account);

		if (place >= from && place - from < n && place - from != judged) {
			judged = place - from;
			score_account(r->day.judge, &facts[judged], NULL, WORDS_NONE, r->of_chunk, &d);
		}
		if (r->take(r->context, i, &r->day, place >= from && place - from < n ? &d : NULL, err) < 0)
			return -1;
	}
	arena_reset(r->of_chunk);
	return 0;
}

/* The samples first..end-1 are those of one day, by account. */
static int take_day(struct replaying *r, size_t first, size_t end, struct err *err)
{
	const struct sample *samples = r->samples->at;
	const struct fact_base *base = &r->day.base;

	if (diagnose_day(r->session, samples[first].day, r->of_day, &r->day, err) < 0 ||
	    set_rates(r, samples[first].day, err) < 0)
		return -1;
	r->day.judge = judge_of(&r->settings, base, r->day.norms, r->of_day);
	r->day.query.reads_ahead = (end - first) * FEW >= base->n_members;
	for (size_t at = first, next; at < end; at = next) {
		size_t from = member_of(base, samples[at].account), to = from;
		size_t most = r->day.query.reads_ahead ? CHUNK : 1;

		for (next = at; next < end; next++) {
			size_t place = member_of(base, samples[next].account);

			if (place == base->n_members)
				continue; /* not there: taken along */
			if (from == base->n_members)
				from = place;
			if (place - from >= most)
				break;
			to = place + 1;
		}
		if (take_some(r, at, next, from, to > from ? to - from : 0, err) < 0)
			return -1;
	}
	arena_reset(r->of_day);
	return 0;
}

static void show_progress(const struct replaying *r, size_t done)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\rreplayed %zu of %zu rows%s", done, r->samples->n, done < r->samples->n ? "" : "\n");
}

int replay(const struct session *s, const struct score_settings *settings, const struct samples *samples,
           replay_fn take, void *context, struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_day = arena_new(0), *of_chunk = NULL;
	struct replaying r = { .session = s, .settings = *settings, .samples = samples, .take = take, .context = context };

	of_chunk = arena_new(0);
	r.of_day = of_day;
	r.of_chunk = of_chunk;
	r.settings.horizon_days = samples->horizon_days;
	for (size_t first = 0, end; first < samples->n; first = end) {
		for (end = first + 1; end < samples->n && samples->at[end].day == samples->at[first].day; end++)
			;
		if (take_day(&r, first, end, err) < 0)
			return err_in(err, "replay %s", day_text(of_day, samples->at[first].day));
		show_progress(&r, end);
	}
	return 0;
}
