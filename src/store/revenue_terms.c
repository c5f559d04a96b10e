#include "revenue_terms.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/money.h"
#include "store/record.h"

enum { FIRST_ROOM = 64, MONTHS = 12 };

/* what was known --------------------------------------------------------------------------------------------------- */

void contract_note(struct contract *c, enum term term, int32_t known_on, int64_t value)
{
	if (c->n_changes == c->room) {
		c->room = c->room ? 2 * c->room : FIRST_ROOM;
		c->changes = arena_grow(c->arena, c->changes, c->n_changes, c->room, sizeof *c->changes);
	}
	if (!c->n[term])
		c->first[term] = c->n_changes;
	c->n[term]++;
	c->changes[c->n_changes++] = (struct term_change){ .value = value, .known_on = known_on };
}

int64_t contract_on(const struct contract *c, enum term term, int32_t day)
{
	const struct term_change *changes = c->changes + c->first[term];
	size_t low = 1, high = c->n[term]; /* the first change that is not known yet */

	if (!high)
		return c->now[term];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (changes[middle].known_on <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return changes[low - 1].value;
}

static int32_t day_on(const struct contract *c, enum term term, int32_t day)
{
	int64_t value = contract_on(c, term, day);

	return value == TERM_NONE || value <= INT32_MIN || value >= INT32_MAX ? DAY_NONE : (int32_t)value;
}

static int compare_days(const void *left, const void *right)
{
	const int32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The days on which terms in time, or since when they hold, became known to be others. */
static void find_days(struct contract *c)
{
	size_t n = 0;

	for (int term = 0; term < N_TERMS; term++)
		for (size_t i = 1; i < c->n[term] && (term < N_TERMS_IN_TIME || term == TERM_AMOUNT_FROM); i++)
			c->days[n++] = c->changes[c->first[term] + i].known_on;
	if (n)
		qsort(c->days, n, sizeof *c->days, compare_days);
	c->n_days = 0;
	for (size_t i = 0; i < n; i++)
		if (!i || c->days[i] != c->days[i - 1])
			c->days[c->n_days++] = c->days[i];
}

/* terms over time -------------------------------------------------------------------------------------------------- */

static bool is_same(const struct term_span *a, const struct term_span *b, int first, int end)
{
	return memcmp(a->value + first, b->value + first, (size_t)(end - first) * sizeof *a->value) == 0;
}

/* From `from` on the terms are these, whatever was thought before. */
static void put_span(struct term_span *spans, size_t *n, const struct term_span *span, int32_t from)
{
	while (*n > 1 && spans[*n - 1].from >= from)
		(*n)--;
	if (from <= spans[0].from) { /* it was always so */
		*n = 0;
		from = spans[0].from;
	}
	spans[*n] = *span;
	spans[(*n)++].from = from;
}

/* The last that is known of since when the price holds that became known on days[i], before it is another one. */
static int32_t holds_since(const struct contract *c, size_t i, const struct term_span *price, int32_t as_of)
{
	int32_t until = as_of;

	for (size_t k = i + 1; k < c->n_days; k++) {
		struct term_span later;

		for (int term = 0; term < N_PRICE_TERMS; term++)
			later.value[term] = contract_on(c, (enum term)term, c->days[k]);
		if (!is_same(&later, price, 0, N_PRICE_TERMS)) {
			until = c->days[k] - 1;
			break;
		}
	}
	return day_on(c, TERM_AMOUNT_FROM, until);
}

/* Goes through the days on which something became known; what became known last says how it was from its day on. */
static void find_spans(struct contract *c, int32_t as_of)
{
	struct term_span before = { .from = REVENUE_BEGINNING };
	bool is_dated = c->n[TERM_AMOUNT_FROM] || c->now[TERM_AMOUNT_FROM] != TERM_NONE;

	for (int term = 0; term < N_TERMS_IN_TIME; term++)
		before.value[term] = contract_on(c, (enum term)term, HISTORY_BEGINNING);
	c->prices[0] = c->uses[0] = before;
	c->n_prices = c->n_uses = 1;
	for (size_t i = 0; i < c->n_days; i++) {
		struct term_span now = { .from = c->days[i] };
		int32_t since = DAY_NONE;

		for (int term = 0; term < N_TERMS_IN_TIME; term++)
			now.value[term] = contract_on(c, (enum term)term, c->days[i]);
		if (!is_same(&now, &before, 0, N_PRICE_TERMS)) {
			if (is_dated)
				since = holds_since(c, i, &now, as_of);
			if (since == DAY_NONE || since <= as_of)
				put_span(c->prices, &c->n_prices, &now, since == DAY_NONE ? c->days[i] : since);
		}
		if (!is_same(&now, &before, N_PRICE_TERMS, N_TERMS_IN_TIME) && (since == DAY_NONE || since <= as_of))
			put_span(c->uses, &c->n_uses, &now, since == DAY_NONE ? c->days[i] : since);
		before = now;
	}
}

/* pauses ----------------------------------------------------------------------------------------------------------- */

static void add_pause(struct contract *c, int32_t from, int32_t to, int32_t as_of)
{
	if (from < to && from <= as_of)
		c->pauses[c->n_pauses++] = (struct pause){ from, to };
}

static int compare_pauses(const void *left, const void *right)
{
	const struct pause *a = left, *b = right;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->to > b->to) - (a->to < b->to);
}

/* The i-th thing that was known of a term, from when to when. */
struct knowledge {
	int64_t value, next; /* next: what was known after it, or TERM_NONE */
	int32_t from, until;
};

static struct knowledge knowledge_of(const struct contract *c, enum term term, size_t i)
{
	const struct term_change *change = c->changes + c->first[term] + i;
	bool has_next = i + 1 < c->n[term];

	if (!c->n[term])
		return (struct knowledge){ c->now[term], TERM_NONE, REVENUE_BEGINNING, REVENUE_OPEN };
	return (struct knowledge){ change->value, has_next ? change[1].value : TERM_NONE,
		i ? change->known_on : REVENUE_BEGINNING, has_next ? change[1].known_on : REVENUE_OPEN };
}

/* Those that a term tells of: each from its own day, or since it was known, until it was known to be over, or until the
 * day of which was said that it is. Another day in its place, and none on which it was over, corrects it. */
static void find_told(struct contract *c, enum term term, int32_t as_of)
{
	for (size_t i = 0; i == 0 || i < c->n[term]; i++) {
		struct knowledge k = knowledge_of(c, term, i);
		int32_t resumes = day_on(c, TERM_RESUMES_ON, k.until == REVENUE_OPEN ? as_of : k.until - 1);
		int32_t from = term == TERM_PAUSED ? k.from : (int32_t)k.value;
		bool is_over = resumes != DAY_NONE && resumes > from && resumes < k.until;

		if (k.value == TERM_NONE || k.value == 0 ||
		    (term == TERM_PAUSED_ON && k.next != TERM_NONE && resumes == DAY_NONE))
			continue;
		add_pause(c, from, is_over ? resumes : k.until, as_of);
	}
}

static void find_pauses(struct contract *c, int32_t as_of)
{
	size_t n = 0;

	c->n_pauses = 0;
	find_told(c, c->n[TERM_PAUSED_ON] || c->now[TERM_PAUSED_ON] != TERM_NONE ? TERM_PAUSED_ON : TERM_PAUSED, as_of);
	if (c->n_pauses > 1)
		qsort(c->pauses, c->n_pauses, sizeof *c->pauses, compare_pauses);
	for (size_t i = 0; i < c->n_pauses; i++) {
		if (n && c->pauses[i].from <= c->pauses[n - 1].to)
			c->pauses[n - 1].to = c->pauses[i].to > c->pauses[n - 1].to ? c->pauses[i].to : c->pauses[n - 1].to;
		else
			c->pauses[n++] = c->pauses[i];
	}
	c->n_pauses = n;
}

/* lines ------------------------------------------------------------------------------------------------------------ */

static int64_t rounded(money_wide value, int64_t divisor)
{
	money_wide half = value < 0 ? -(money_wide)(divisor / 2) : divisor / 2;
	money_wide result = (value + half) / divisor;

	return result > INT64_MAX ? INT64_MAX : result <= INT64_MIN ? INT64_MIN + 1 : (int64_t)result;
}

/* A discount in percent counts where there is none as an amount. */
static void set_price(const struct term_span *s, bool is_annual, struct revenue_line *line)
{
	int64_t percent = s->value[TERM_PERCENT], end = s->value[TERM_DISCOUNT_END];

	line->minor = is_annual ? rounded(s->value[TERM_AMOUNT], MONTHS) : s->value[TERM_AMOUNT];
	line->discount_minor = s->value[TERM_DISCOUNT] == TERM_NONE ? 0 : s->value[TERM_DISCOUNT];
	if (percent != TERM_NONE && line->discount_minor == 0)
		line->discount_minor = rounded((money_wide)line->minor * percent, INT64_C(100) * PERCENT_SCALE);
	line->discount_until = end == TERM_NONE || end >= REVENUE_OPEN ? REVENUE_OPEN : (int32_t)end;
	line->currency = (uint16_t)s->value[TERM_CURRENCY];
}

/* Writes the line and returns whether there is one: nothing is known where there is no amount; an account that is no
 * customer, or pays nothing a year, has no contract. */
static bool set_line(const struct contract *c, const struct term_span *price, const struct term_span *use,
                     struct revenue_line *line)
{
	if (price->value[TERM_AMOUNT] == TERM_NONE ||
	    (c->is_annual && (price->value[TERM_AMOUNT] == 0 || use->value[TERM_CUSTOMER] == 0)))
		return false;
	set_price(price, c->is_annual, line);
	line->product = (uint16_t)use->value[TERM_PRODUCT];
	line->plan = (uint16_t)use->value[TERM_PLAN];
	line->kind = use->value[TERM_KIND] == TERM_NONE ? REVENUE_RECURRING : (uint8_t)use->value[TERM_KIND];
	line->is_trial = use->value[TERM_TRIAL] == 1;
	return true;
}

/* Where the first of spans that begins behind a day does. */
static int32_t next_of(const struct term_span *spans, size_t n, size_t at)
{
	return at + 1 < n ? spans[at + 1].from : REVENUE_OPEN;
}

static int32_t earlier(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

/* Cuts from..to at every change of terms, and where pauses begin and end. */
static void cut(const struct contract *c, const struct revenue_line *whole, contract_line_fn *add, void *context)
{
	size_t price = 0, use = 0, pause = 0;

	for (int32_t day = whole->from; day < whole->to;) {
		struct revenue_line line = *whole;

		while (next_of(c->prices, c->n_prices, price) <= day)
			price++;
		while (next_of(c->uses, c->n_uses, use) <= day)
			use++;
		while (pause < c->n_pauses && c->pauses[pause].to <= day)
			pause++;
		line.from = day;
		line.to = earlier(next_of(c->prices, c->n_prices, price), next_of(c->uses, c->n_uses, use));
		line.to = earlier(line.to, whole->to);
		line.is_paused = pause < c->n_pauses && c->pauses[pause].from <= day;
		if (pause < c->n_pauses)
			line.to = earlier(line.to, line.is_paused ? c->pauses[pause].to : c->pauses[pause].from);
		line.is_last = line.to == whole->to;
		if (set_line(c, &c->prices[price], &c->uses[use], &line))
			add(context, &line);
		day = line.to;
	}
}

/* The end as it was known: one in the future counts only when history says since when it was known, or when it had been
 * asked for by then. */
static int32_t known_end(const struct contract *c, int32_t as_of)
{
	int32_t end = day_on(c, TERM_END, as_of), notice = day_on(c, TERM_NOTICE, as_of);
	bool was_asked_for = notice != DAY_NONE && notice <= as_of;
	bool is_dated = c->n[TERM_END] > 1 || c->seen_on != DAY_NONE; /* else it is what was there when it was first seen */

	return end == DAY_NONE || (end > as_of && !is_dated && !was_asked_for) ? REVENUE_OPEN : end;
}

/* What its source deleted was paid for until then: to forget it would turn churn into a smaller past. */
static int32_t known_deletion(const struct contract *c, int32_t as_of)
{
	int32_t now = c->now[TERM_DELETED] == TERM_NONE ? DAY_NONE : (int32_t)c->now[TERM_DELETED];
	int32_t then = c->n[TERM_DELETED] ? day_on(c, TERM_DELETED, as_of) : DAY_NONE; /* of one that came back */

	if (now != DAY_NONE && now <= as_of)
		return now;
	return then == DAY_NONE || then > as_of ? REVENUE_OPEN : then;
}

static void make_room(struct contract *c)
{
	size_t most = c->n_changes + 1;

	if (most <= c->spans_room)
		return;
	c->spans_room = 2 * most;
	c->days = arena_array(c->arena, c->spans_room, sizeof *c->days);
	c->prices = arena_array(c->arena, c->spans_room, sizeof *c->prices);
	c->uses = arena_array(c->arena, c->spans_room, sizeof *c->uses);
	c->pauses = arena_array(c->arena, c->spans_room, sizeof *c->pauses);
}

void contract_lines(struct contract *c, int32_t as_of, contract_line_fn *add, void *context)
{
	int32_t from = day_on(c, TERM_START, as_of), deleted = known_deletion(c, as_of), end = known_end(c, as_of);
	int32_t notice = day_on(c, TERM_NOTICE, as_of);
	struct revenue_line whole = { .contract = c->id, .account = c->account, .notice_on = DAY_NONE,
		.paid_until = DAY_NONE, .from = from == DAY_NONE ? REVENUE_BEGINNING : from, .to = earlier(end, deleted),
		.is_involuntary = contract_on(c, TERM_INVOLUNTARY, as_of) == 1 };

	if ((from != DAY_NONE && from > as_of) || (c->seen_on != DAY_NONE && c->seen_on > as_of))
		return;
	if (notice != DAY_NONE && notice <= as_of)
		whole.notice_on = notice;
	if (whole.to == end && end != REVENUE_OPEN && !whole.is_involuntary)
		whole.paid_until = day_on(c, TERM_PAID_UNTIL, as_of);
	make_room(c);
	find_days(c);
	find_spans(c, as_of);
	find_pauses(c, as_of);
	cut(c, &whole, add, context);
}
