#include "score/owner_book.h"

#include <string.h>

#include "common/clock.h"
#include "common/text.h"

static const char *holder_on(const struct revenue_account *x, int32_t day)
{
	const char *csm = revenue_trait_on(&x->csm, day), *am;

	if (!text_is_blank(csm))
		return csm;
	am = revenue_trait_on(&x->am, day);
	return text_is_blank(am) ? NULL : am;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The newest change on a day or earlier, or what was found before it. The first entry of a history only says what was
 * there when it was first seen, so it is none. */
static int32_t newest_change(const struct revenue_trait *t, int32_t day, int32_t found)
{
	for (size_t i = 1; i < t->n; i++)
		if (t->changes[i].known_on <= day && t->changes[i].known_on > found)
			found = t->changes[i].known_on;
	return found;
}

/* Since when the account has been in the hands that it is in on a day; DAY_NONE: for as long as is known. */
static int32_t held_since(const struct revenue_account *x, int32_t day)
{
	const char *holder = holder_on(x, day);

	for (;;) {
		int32_t change = newest_change(&x->am, day, newest_change(&x->csm, day, DAY_NONE));

		if (change == DAY_NONE || !is_same(holder_on(x, change - 1), holder))
			return change;
		day = change - 1;
	}
}

/* One holder after the other, from the last day of a window back to its first. */
struct tenure {
	const char *holder;
	int32_t from, to; /* within the window */
};

/* The tenure that ends on a day; false before the window. */
static bool tenure_before(const struct revenue_account *x, int32_t first, int32_t end, struct tenure *out)
{
	int32_t since;

	if (end <= first)
		return false;
	since = held_since(x, end - 1);
	*out = (struct tenure){ .holder = holder_on(x, end - 1), .from = since > first ? since : first, .to = end };
	return true;
}

static int32_t days_held(const struct revenue_account *x, const char *holder, struct nrr_span span)
{
	struct tenure t;
	int32_t days = 0;

	for (int32_t end = span.to; tenure_before(x, span.from, end, &t); end = t.from)
		if (is_same(t.holder, holder))
			days += t.to - t.from;
	return days;
}

/* Who of others than its holder on a day had it last within the window, and until when; NULL: nobody. */
static const char *last_to_give(const struct revenue_account *x, const char *holder, int32_t first, int32_t day,
                                int32_t *out_on)
{
	struct tenure t;

	for (int32_t end = day + 1; tenure_before(x, first, end, &t); end = t.from) {
		if (t.holder && !is_same(t.holder, holder)) {
			*out_on = t.to;
			return t.holder;
		}
	}
	return NULL;
}

/* Nobody looked after it for so long before it was taken on within the window. */
static bool was_unmanaged(const struct revenue_account *x, int32_t since, int64_t grace_days, int32_t from)
{
	int32_t free_since;

	if (!grace_days || since == DAY_NONE || since <= from || holder_on(x, since - 1))
		return false;
	free_since = held_since(x, since - 1);
	return free_since == DAY_NONE || since - free_since >= grace_days;
}

struct owner_place owner_book_place(const struct revenue_account *x, const struct nrr_owner_book *rules,
                                    struct nrr_span span)
{
	int32_t day = rules->assigned_before_end_days ? span.to - (int32_t)rules->assigned_before_end_days : span.from;
	struct owner_place p = { .on = day > span.from ? day : span.from };
	const char *giver;
	int32_t given_on;

	p.owner = holder_on(x, p.on);
	if (!rules->assigned_before_end_days && !rules->min_hold_days)
		return p;
	p.n_days = p.owner ? days_held(x, p.owner, span) : 0;
	if (p.owner && p.n_days >= rules->min_hold_days) {
		int32_t since = held_since(x, p.on);

		if (was_unmanaged(x, since, rules->unmanaged_grace_days, span.from))
			return (struct owner_place){ p.owner, OWNER_NOBODY_BEFORE, since, p.n_days };
		return p;
	}
	giver = last_to_give(x, p.owner, span.from, p.on, &given_on);
	if (giver && rules->drop_grace_days && given_on - span.from > rules->drop_grace_days &&
	    days_held(x, giver, span) >= rules->min_hold_days)
		return (struct owner_place){ .owner = giver, .on = given_on };
	if (p.owner)
		p.why = OWNER_HELD_TOO_SHORT;
	else if (giver)
		p = (struct owner_place){ .owner = giver, .why = OWNER_GAVE_AWAY, .on = given_on };
	return p;
}

const char *owner_book_why(const struct owner_place *p, const struct nrr_owner_book *rules, struct arena *a)
{
	switch (p->why) {
	case OWNER_COUNTS:
		break;
	case OWNER_HELD_TOO_SHORT:
		return arena_printf(a, "held for %d days of the window, %lld are needed", p->n_days,
		                    (long long)rules->min_hold_days);
	case OWNER_GAVE_AWAY:
		return arena_printf(a, "given away on %s, by who does not answer for it any more", day_text(a, p->on));
	case OWNER_NOBODY_BEFORE:
		return arena_printf(a, "taken on on %s after %lld days or more with nobody", day_text(a, p->on),
		                    (long long)rules->unmanaged_grace_days);
	}
	return NULL;
}
