#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "digest/compose.h"

enum { MAX_NEWS = 10 };

static const char *const change_names[] = {
	[CHANGE_ENTERED] = "entered", [CHANGE_WORSE] = "worse",       [CHANGE_BETTER] = "better",
	[CHANGE_STANDING] = "standing", [CHANGE_RESOLVED] = "resolved", [CHANGE_LOST] = "lost",
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

/* What became of a finding since the last digest; false when there is nothing to tell about it. */
static bool change_of(const struct digest_finding *d, int32_t today, enum digest_change *out)
{
	int moved = isnan(d->score_before) ? 0 : finding_moved(d->score_before, d->f.score);
	bool is_worse = moved > 0;

	switch (d->f.state) {
	case FINDING_RESOLVED:
	case FINDING_LOST:
		*out = d->f.state == FINDING_LOST ? CHANGE_LOST : CHANGE_RESOLVED;
		return true;
	case FINDING_DISMISSED:
		return false;
	case FINDING_SNOOZED:
		if (d->f.snoozed_until != DAY_NONE && d->f.snoozed_until > today)
			return false;
		break;
	case FINDING_ACKNOWLEDGED: /* somebody is at it: only news of it getting worse */
		*out = CHANGE_WORSE;
		return is_worse;
	case FINDING_OPEN:
		break;
	}
	if (d->is_new)
		*out = CHANGE_ENTERED;
	else if (is_worse)
		*out = CHANGE_WORSE;
	else
		*out = moved < 0 ? CHANGE_BETTER : CHANGE_STANDING;
	return true;
}

/* Entered and worse stand side by side: both are there because something happened. */
static int order_of(enum digest_change c)
{
	return c == CHANGE_ENTERED ? CHANGE_WORSE : (int)c;
}

static int compare_chosen(const void *left, const void *right)
{
	const struct digest_chosen *a = left, *b = right;
	const struct finding *fa = &a->finding->f, *fb = &b->finding->f;

	if (order_of(a->change) != order_of(b->change))
		return order_of(a->change) < order_of(b->change) ? -1 : 1;
	if (a->finding->priority > b->finding->priority || a->finding->priority < b->finding->priority)
		return a->finding->priority > b->finding->priority ? -1 : 1;
	if (fa->act_by_on != fb->act_by_on)
		return fa->act_by_on < fb->act_by_on ? -1 : 1;
	return (fa->id > fb->id) - (fa->id < fb->id);
}

/* An account's value counts once, however many causes it has. */
static bool is_counted(const struct digest_chosen *items, size_t n, int64_t account)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].finding->f.account == account)
			return true;
	return false;
}

static void add_worth(const struct digest_chosen *items, size_t n, size_t capacity, struct digest_choice *c)
{
	for (size_t i = 0; i < n; i++) {
		const struct finding *f = &items[i].finding->f;

		if (is_counted(items, i, f->account))
			continue;
		c->n_accounts += i < capacity;
		if (f->value_minor > 0) /* not known is not zero */
			digest_worth_add(i < capacity ? &c->worth : &c->rest_worth, f->value_minor, f->currency);
	}
}

void digest_choose(const struct digest_finding *findings, size_t n, const char *engine, size_t capacity, int32_t today,
                   struct arena *a, struct digest_choice *out)
{
	struct digest_choice c = { .items = arena_array(a, n, sizeof *c.items), .news = arena_array(a, n, sizeof *c.news) };

	for (size_t i = 0; i < n; i++) {
		struct digest_chosen chosen = { .finding = &findings[i] };

		if (strcmp(findings[i].f.engine, engine) != 0 || !change_of(&findings[i], today, &chosen.change))
			continue;
		c.n_of[chosen.change]++;
		if (chosen.change >= CHANGE_RESOLVED)
			c.news[c.n_news++] = chosen;
		else
			c.items[c.n_items++] = chosen;
	}
	qsort(c.items, c.n_items, sizeof *c.items, compare_chosen);
	qsort(c.news, c.n_news, sizeof *c.news, compare_chosen);
	add_worth(c.items, c.n_items, capacity, &c);
	if (c.n_items > capacity) {
		c.n_rest = c.n_items - capacity;
		c.n_items = capacity;
	}
	if (c.n_news > MAX_NEWS) {
		c.n_rest_news = c.n_news - MAX_NEWS;
		c.n_news = MAX_NEWS;
	}
	*out = c;
}
