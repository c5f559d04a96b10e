#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "digest/compose.h"

enum { MAX_NEWS = 10, ACKNOWLEDGED_DAYS = 7, DONE_DAYS = 14 }; /* [choice] */

static const char *const change_names[] = {
	[CHANGE_ENTERED] = "entered", [CHANGE_BACK] = "back",         [CHANGE_WORSE] = "worse",
	[CHANGE_CAUSE] = "new_cause", [CHANGE_BETTER] = "better",     [CHANGE_STANDING] = "standing",
	[CHANGE_RESOLVED] = "resolved", [CHANGE_LOST] = "lost",
};

const char *digest_change_name(enum digest_change c)
{
	return change_names[c];
}

void digest_worth_add(struct digest_worth *w, int64_t minor, const char *currency)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->of[i].currency, currency) == 0) {
			if (__builtin_add_overflow(w->of[i].minor, minor, &w->of[i].minor))
				w->of[i].minor = INT64_MAX;
			return;
		}
	}
	if (w->n == DIGEST_CURRENCIES) {
		w->n_further++;
		return;
	}
	w->of[w->n].currency = currency;
	w->of[w->n++].minor = minor;
}

/* Somebody is at it: left alone until the day to act by, a week at least, and two where the play was done. */
static bool is_at_rest(const struct digest_finding *d, int32_t today)
{
	int32_t rest_days = d->is_done ? DONE_DAYS : ACKNOWLEDGED_DAYS;

	if (d->f.state == FINDING_SNOOZED)
		return d->f.snoozed_until != DAY_NONE && d->f.snoozed_until > today;
	return d->f.state == FINDING_ACKNOWLEDGED &&
	       (d->f.act_by_on > today || (d->answered_on != DAY_NONE && today - d->answered_on < rest_days));
}

/* Whether the last digest did not list it, by what had been said of it until then. */
static bool was_at_rest(const struct digest_finding *d)
{
	bool is_done = d->aside_before && strcmp(d->aside_before, "done") == 0;

	if (!d->aside_before || d->told_on == DAY_NONE || strcmp(d->aside_before, "opened") == 0 ||
	    strcmp(d->aside_before, "reopened") == 0)
		return false;
	if (!is_done && strcmp(d->aside_before, "acknowledged") != 0)
		return true;
	return d->f.act_by_on > d->told_on || d->told_on - d->aside_on < (is_done ? DONE_DAYS : ACKNOWLEDGED_DAYS);
}

static enum digest_change change_of_open(const struct digest_finding *d, int32_t today)
{
	int moved = isnan(d->score_before) ? 0 : finding_moved(d->score_before, d->f.score);

	if (d->is_new)
		return d->back_from ? CHANGE_BACK : CHANGE_ENTERED;
	if (moved > 0)
		return CHANGE_WORSE;
	if (d->has_new_cause)
		return CHANGE_CAUSE;
	if (was_at_rest(d) && !is_at_rest(d, today)) /* what was set aside is listed again: so much more is at stake */
		return CHANGE_BACK;
	return moved < 0 ? CHANGE_BETTER : CHANGE_STANDING;
}

/* What became of a finding since the last digest; false when there is nothing to tell about it. */
static bool change_of(const struct digest_finding *d, int32_t today, enum digest_change *out)
{
	switch (d->f.state) {
	case FINDING_RESOLVED:
	case FINDING_LOST:
		*out = d->f.state == FINDING_LOST ? CHANGE_LOST : CHANGE_RESOLVED;
		return true;
	case FINDING_DISMISSED:
		return false;
	case FINDING_SNOOZED:
		*out = CHANGE_BACK;
		return !is_at_rest(d, today);
	case FINDING_ACKNOWLEDGED: /* of what is at rest, only that it got worse or is about something else */
		*out = change_of_open(d, today);
		if (is_at_rest(d, today))
			return *out == CHANGE_WORSE || *out == CHANGE_CAUSE;
		return true;
	case FINDING_OPEN:
		break;
	}
	*out = change_of_open(d, today);
	return true;
}

static int compare_ids(const struct digest_chosen *a, const struct digest_chosen *b)
{
	return (a->finding->f.id > b->finding->f.id) - (a->finding->f.id < b->finding->f.id);
}

static int compare_priority(const struct digest_chosen *a, const struct digest_chosen *b)
{
	const struct finding *fa = &a->finding->f, *fb = &b->finding->f;

	if (a->finding->priority > b->finding->priority || a->finding->priority < b->finding->priority)
		return a->finding->priority > b->finding->priority ? -1 : 1;
	if (fa->act_by_on != fb->act_by_on)
		return fa->act_by_on < fb->act_by_on ? -1 : 1;
	return compare_ids(a, b);
}

/* Which are taken: of what entered, got worse or changed its cause the most pressing, then of the others. */
static int compare_pressing(const void *left, const void *right)
{
	const struct digest_chosen *a = left, *b = right;
	int late_a = a->change >= CHANGE_BETTER, late_b = b->change >= CHANGE_BETTER;

	return late_a != late_b ? late_a - late_b : compare_priority(a, b);
}

static int compare_expected(const void *left, const void *right)
{
	const struct digest_chosen *a = left, *b = right;
	const struct finding *fa = &a->finding->f, *fb = &b->finding->f;

	if (fa->expected_minor != fb->expected_minor)
		return fa->expected_minor > fb->expected_minor ? -1 : 1;
	return compare_priority(a, b);
}

static int group_of(enum digest_change c)
{
	return c < CHANGE_BETTER ? CHANGE_ENTERED : (int)c;
}

/* How what was taken is shown; what ended, too. */
static int compare_shown(const void *left, const void *right)
{
	const struct digest_chosen *a = left, *b = right;

	if (group_of(a->change) != group_of(b->change))
		return group_of(a->change) < group_of(b->change) ? -1 : 1;
	if (a->change == CHANGE_STANDING && a->finding->f.opened_on != b->finding->f.opened_on)
		return a->finding->f.opened_on < b->finding->f.opened_on ? -1 : 1;
	return compare_priority(a, b);
}

/* An account's value counts once, however many causes it has. */
static bool is_counted(const struct digest_chosen *items, size_t n, int64_t account)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].finding->f.account == account)
			return true;
	return false;
}

static void add_worth(const struct digest_chosen *items, size_t n, size_t capacity, int32_t today,
                      struct digest_choice *c)
{
	for (size_t i = 0; i < n; i++) {
		const struct finding *f = &items[i].finding->f;

		c->n_due += f->act_by_on <= today;
		if (is_counted(items, i, f->account))
			continue;
		c->n_accounts++;
		if (f->value_minor <= 0) /* not known is not zero */
			continue;
		digest_worth_add(i < capacity ? &c->worth : &c->rest_worth, f->value_minor, f->currency);
		if (f->expected_minor > 0)
			digest_worth_add(&c->expected, f->expected_minor, f->currency);
	}
}

static void count_resting(const struct digest_finding *d, int32_t today, struct digest_choice *c)
{
	if (!is_at_rest(d, today))
		return;
	if (d->f.state == FINDING_ACKNOWLEDGED) {
		c->n_acknowledged++;
		return;
	}
	c->n_snoozed++;
	if (c->back_on == DAY_NONE || d->f.snoozed_until < c->back_on)
		c->back_on = d->f.snoozed_until;
}

static void collect(const struct digest_finding *findings, size_t n, const char *engine, int32_t today,
                    struct digest_choice *c)
{
	for (size_t i = 0; i < n; i++) {
		struct digest_chosen chosen = { .finding = &findings[i] };

		if (strcmp(findings[i].f.engine, engine) != 0)
			continue;
		if (!change_of(&findings[i], today, &chosen.change)) {
			count_resting(&findings[i], today, c);
			continue;
		}
		c->n_of[chosen.change]++;
		if (chosen.change >= CHANGE_RESOLVED)
			c->news[c->n_news++] = chosen;
		else
			c->items[c->n_items++] = chosen;
	}
}

void digest_choose(const struct digest_finding *findings, size_t n, const char *engine, size_t capacity, int32_t today,
                   struct arena *a, struct digest_choice *out)
{
	struct digest_choice c = { .items = arena_array(a, n, sizeof *c.items), .news = arena_array(a, n, sizeof *c.news),
		.back_on = DAY_NONE };
	bool is_ranked = strcmp(engine, "expansion") == 0;

	collect(findings, n, engine, today, &c);
	qsort(c.items, c.n_items, sizeof *c.items, is_ranked ? compare_expected : compare_pressing);
	qsort(c.news, c.n_news, sizeof *c.news, compare_shown);
	add_worth(c.items, c.n_items, capacity, today, &c);
	if (c.n_items > capacity) {
		c.n_rest = c.n_items - capacity;
		c.n_items = capacity;
	}
	if (!is_ranked)
		qsort(c.items, c.n_items, sizeof *c.items, compare_shown);
	if (c.n_news > MAX_NEWS) {
		c.n_rest_news = c.n_news - MAX_NEWS;
		c.n_news = MAX_NEWS;
	}
	*out = c;
}
