#include "restate_parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/money.h"

/* terms ------------------------------------------------------------------------------------------------------------ */

struct terms {
	const struct revenue_line *line;
	const struct revenue *facts;
	struct arena *arena;
};

static const char *amount_text(const struct terms *t)
{
	const char *currency = t->facts->names[t->line->currency];

	return arena_printf(t->arena, "%s a month", money_text(t->arena, t->line->minor, currency));
}

static const char *discount_text(const struct terms *t)
{
	const struct revenue_line *x = t->line;
	const char *amount;

	if (!x->discount_minor)
		return "no discount";
	amount = money_text(t->arena, x->discount_minor, t->facts->names[x->currency]);
	if (x->discount_until == REVENUE_OPEN)
		return arena_printf(t->arena, "a discount of %s a month for good", amount);
	return arena_printf(t->arena, "a discount of %s a month until %s", amount, day_text(t->arena, x->discount_until));
}

static const char *kind_text(const struct terms *t)
{
	static const char *const kinds[] = { [REVENUE_RECURRING] = "recurring revenue", [REVENUE_USAGE] = "usage",
		                                 [REVENUE_ONCE] = "a one-time charge" };

	return kinds[t->line->kind];
}

static const char *trial_text(const struct terms *t)
{
	return t->line->is_trial ? "a trial" : "no trial";
}

static const char *pause_text(const struct terms *t)
{
	return t->line->is_paused ? "paused" : "not paused";
}

static const char *name_text(const struct terms *t, const char *what, uint16_t name)
{
	const char *text = t->facts->names[name];

	return text ? arena_printf(t->arena, "%s %s", what, text) : arena_printf(t->arena, "no %s", what);
}

static const char *product_text(const struct terms *t)
{
	return name_text(t, "product", t->line->product);
}

static const char *plan_text(const struct terms *t)
{
	return name_text(t, "plan", t->line->plan);
}

static const char *notice_text(const struct terms *t)
{
	int32_t on = t->line->notice_on;

	return on == DAY_NONE ? "no notice" : arena_printf(t->arena, "notice given on %s", day_text(t->arena, on));
}

static const char *paid_text(const struct terms *t)
{
	int32_t until = t->line->paid_until;

	return until == DAY_NONE ? "paid to its end" : arena_printf(t->arena, "paid until %s", day_text(t->arena, until));
}

static const char *ending_text(const struct terms *t)
{
	return t->line->is_involuntary ? "an end for want of payment" : "an end for another reason than payment";
}

static const struct {
	enum restate_cause cause;
	const char *(*text)(const struct terms *t);
} term_table[] = {
	{ RESTATE_AMOUNT, amount_text }, { RESTATE_TERMS, kind_text },    { RESTATE_TERMS, trial_text },
	{ RESTATE_TERMS, pause_text },   { RESTATE_TERMS, discount_text }, { RESTATE_TERMS, product_text },
	{ RESTATE_TERMS, plan_text },    { RESTATE_END, notice_text },    { RESTATE_END, paid_text },
	{ RESTATE_END, ending_text },
};

static const char *since(struct arena *a, int32_t day)
{
	return day == REVENUE_BEGINNING ? "" : arena_printf(a, " from %s on", day_text(a, day));
}

/* The first of the terms in which two lines differ; false: in none. */
static bool terms_differ(const struct terms *was, const struct terms *is, int32_t from, struct restate_difference *out)
{
	for (size_t i = 0; i < ARRAY_LEN(term_table); i++) {
		const char *before = term_table[i].text(was), *after = term_table[i].text(is);

		if (strcmp(before, after) == 0)
			continue;
		out->cause = term_table[i].cause;
		out->words = arena_printf(is->arena, "%s%s instead of %s", after, since(is->arena, from), before);
		return true;
	}
	return false;
}

/* times ------------------------------------------------------------------------------------------------------------ */

static const struct revenue_line *line_on(const struct restate_run *r, int32_t day)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].from <= day && day < r->lines[i].to)
			return &r->lines[i];
	return NULL;
}

static int32_t first_day(const struct restate_run *r)
{
	return r->lines[0].from;
}

static int32_t end_day(const struct restate_run *r)
{
	int32_t end = r->lines[0].to;

	for (size_t i = 1; i < r->n; i++)
		end = r->lines[i].to > end ? r->lines[i].to : end;
	return end;
}

/* A contract that was known on one of the days only. */
static const char *whole_words(struct arena *a, const struct restate_run *r, const char *what)
{
	const struct terms first = { r->lines, r->facts, a };
	int32_t end = end_day(r);
	const char *until = end == REVENUE_OPEN ? "" : arena_printf(a, " to %s", day_text(a, end));

	if (first_day(r) == REVENUE_BEGINNING)
		return arena_printf(a, "%s%s %s", amount_text(&first), until, what);
	return arena_printf(a, "%s from %s%s %s", amount_text(&first), day_text(a, first_day(r)),
	                    *until ? until : " on", what);
}

static const char *begin_words(struct arena *a, const struct restate_run *before, const struct restate_run *after)
{
	if (first_day(after) == REVENUE_BEGINNING)
		return arena_printf(a, "it began earlier than on %s", day_text(a, first_day(before)));
	if (first_day(before) == REVENUE_BEGINNING)
		return arena_printf(a, "it began on %s, which was not known", day_text(a, first_day(after)));
	return arena_printf(a, "it began on %s, not on %s", day_text(a, first_day(after)), day_text(a, first_day(before)));
}

static const char *end_words(struct arena *a, const struct restate_run *before, const struct restate_run *after)
{
	int32_t was = end_day(before), is = end_day(after);

	if (is == REVENUE_OPEN)
		return arena_printf(a, "it goes on and did not end on %s", day_text(a, was));
	if (was == REVENUE_OPEN)
		return arena_printf(a, "it ended on %s, which was not known", day_text(a, is));
	return arena_printf(a, "it ended on %s, not on %s", day_text(a, is), day_text(a, was));
}

/* One of the days knew a line from `from` on, the other did not. */
static void presence_differs(const struct restate_run *before, const struct restate_run *after, int32_t from,
                             bool is_there, struct arena *a, struct restate_difference *out)
{
	const struct restate_run *lacking = is_there ? before : after;

	if (!lacking->n) {
		out->cause = is_there ? RESTATE_BACKDATED : RESTATE_GONE;
		out->words = is_there ? whole_words(a, after, "was not known") : whole_words(a, before, "is no longer there");
	} else if (from < first_day(lacking)) {
		out->cause = RESTATE_START;
		out->words = begin_words(a, before, after);
	} else if (from >= end_day(lacking)) {
		out->cause = RESTATE_END;
		out->words = end_words(a, before, after);
	} else {
		out->cause = RESTATE_TERMS;
		out->words = arena_printf(a, is_there ? "it ran on%s" : "it was interrupted%s", since(a, from));
	}
}

static int compare_days(const void *left, const void *right)
{
	int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

	return (a > b) - (a < b);
}

/* The days on which either of them begins or ends a line, up to the window's end, and the day behind it. */
static size_t days_of(const struct restate_run *before, const struct restate_run *after, int32_t to, struct arena *a,
                      int32_t **out)
{
	const struct restate_run *const runs[] = { before, after };
	int32_t *days = arena_array(a, 2 * (before->n + after->n) + 1, sizeof *days);
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_LEN(runs); k++)
		for (size_t i = 0; i < runs[k]->n; i++) {
			if (runs[k]->lines[i].from <= to)
				days[n++] = runs[k]->lines[i].from;
			if (runs[k]->lines[i].to <= to)
				days[n++] = runs[k]->lines[i].to;
		}
	days[n++] = to + 1;
	qsort(days, n, sizeof *days, compare_days);
	*out = days;
	return n;
}

static bool differs_on(const struct restate_run *before, const struct restate_run *after, int32_t day, struct arena *a,
                       struct restate_difference *out)
{
	const struct terms was = { line_on(before, day), before->facts, a }, is = { line_on(after, day), after->facts, a };

	if (!was.line && !is.line)
		return false;
	if (was.line && is.line)
		return terms_differ(&was, &is, day, out);
	presence_differs(before, after, day, is.line != NULL, a, out);
	return true;
}

bool restate_lines(const struct restate_run *before, const struct restate_run *after, struct nrr_span span,
                   struct arena *a, struct restate_difference *out)
{
	int32_t *days;
	size_t n = days_of(before, after, span.to, a, &days);
	bool is_found = false;

	for (size_t i = 0; i + 1 < n; i++) {
		struct restate_difference d = { 0 };

		d.is_within = days[i + 1] > span.from;
		if (days[i] == days[i + 1] || (is_found && !d.is_within) || !differs_on(before, after, days[i], a, &d))
			continue;
		*out = d;
		is_found = true;
		if (d.is_within)
			return true;
	}
	return is_found;
}
