#include "store/outcomes.h"

#include <stdlib.h>
#include <string.h>

#include "outcomes_parts.h"

enum {
	FAILED_BEFORE_DAYS = 60, /* a payment that failed within these days before an end is why it ended */
	NOTICE_STANDS_DAYS = 90, /* a notice that names no day on which it takes effect */
	NOTICE_END_DAYS = 366,   /* an end within these days after a notice is the one it announced */
	TOLD_NEAR_DAYS = 90,     /* a movement within these days of an owner's word is the one that was meant */
	FIRST_ROOM = 16
};

const char *const outcome_names[N_OUTCOME_KINDS] = { "churn", "contraction", "involuntary", "expansion", "good_end" };

static void add_event(struct outcome_making *m, const struct outcome *event)
{
	if (event->on > m->until) {
		outcome_note(&m->parts, event->on + OUTCOME_LASTING_DAYS);
		return;
	}
	if (m->n_events == m->event_room) {
		m->event_room = m->event_room ? 2 * m->event_room : FIRST_ROOM;
		m->events = arena_grow(m->parts.arena, m->events, m->n_events, m->event_room, sizeof *m->events);
	}
	m->events[m->n_events++] = *event;
}

static void add_span(struct arena *a, struct outcome_span **spans, size_t *n, size_t *room, struct outcome_span span)
{
	if (*n == *room) {
		*room = *room ? 2 * *room : FIRST_ROOM;
		*spans = arena_grow(a, *spans, *n, *room, sizeof **spans);
	}
	(*spans)[(*n)++] = span;
}

/* ends ------------------------------------------------------------------------------------------------------------- */

static const struct { const char *reason; enum outcome_kind kind; } reasons[] = {
	{ "completed", OUTCOME_GOOD_END },     { "graduated", OUTCOME_GOOD_END }, { "moved", OUTCOME_GOOD_END },
	{ "involuntary", OUTCOME_INVOLUNTARY }, { "unpaid", OUTCOME_INVOLUNTARY },
};

static bool has_failed(const struct outcome_parts *p, int32_t end_on)
{
	for (size_t i = 0; i < p->n_failures; i++)
		if (p->failures[i].failed_on <= end_on && p->failures[i].failed_on >= end_on - FAILED_BEFORE_DAYS)
			return true;
	return false;
}

/* Why it left, by the lines that ended on that day: the first that says so. */
static enum outcome_kind end_kind(const struct outcome_parts *p, const struct outcome_piece *pieces, size_t n,
                                  int32_t end_on)
{
	const char *reason = NULL;

	for (size_t i = 0; i < n && !reason; i++)
		if (pieces[i].to == end_on)
			reason = pieces[i].reason;
	for (size_t i = 0; reason && i < ARRAY_LEN(reasons); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			return reasons[i].kind;
	return !reason && has_failed(p, end_on) ? OUTCOME_INVOLUNTARY : OUTCOME_CHURN;
}

/* amounts ---------------------------------------------------------------------------------------------------------- */

/* What is paid per month from a day on, until the next step. */
struct step { int32_t day; int64_t total; };

static int compare_steps(const void *left, const void *right)
{
	const struct step *a = left, *b = right;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	return (a->total > b->total) - (a->total < b->total);
}

static const char *first_currency(const struct outcome_piece *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].minor > 0)
			return pieces[i].currency ? pieces[i].currency : "";
	return NULL;
}

static bool is_in(const struct outcome_piece *piece, const char *currency)
{
	return strcmp(piece->currency ? piece->currency : "", currency) == 0;
}

/* The account's steps in a currency, one a day; returns their number. */
static size_t make_steps(const struct outcome_piece *pieces, size_t n, const char *currency, struct arena *a,
                         struct step **out)
{
	struct step *steps = arena_array(a, 2 * n + 1, sizeof *steps);
	size_t n_changes = 0, n_steps = 0;

	for (size_t i = 0; i < n; i++) {
		if (!pieces[i].minor || !is_in(&pieces[i], currency))
			continue;
		steps[n_changes++] = (struct step){ pieces[i].from, pieces[i].minor };
		if (pieces[i].to != OUTCOME_OPEN)
			steps[n_changes++] = (struct step){ pieces[i].to, -pieces[i].minor };
	}
	if (n_changes)
		qsort(steps, n_changes, sizeof *steps, compare_steps);
	for (size_t i = 0; i < n_changes; i++) {
		int64_t total = steps[i].total + (n_steps ? steps[n_steps - 1].total : 0);

		if (n_steps && steps[n_steps - 1].day == steps[i].day)
			steps[n_steps - 1].total = total;
		else
			steps[n_steps++] = (struct step){ steps[i].day, total };
	}
	*out = steps;
	return n_steps;
}

struct range { int64_t low, high; };

/* What was paid on the days from..to-1, which begin at or behind the first step. */
static struct range paid(const struct step *steps, size_t n, size_t at, int32_t from, int32_t to)
{
	struct range r = { INT64_MAX, 0 };
	size_t first = at;

	while (first > 0 && steps[first].day > from)
		first--;
	for (size_t i = first; i < n && steps[i].day < to; i++) {
		if (i + 1 < n && steps[i + 1].day <= from)
			continue;
		if (steps[i].total < r.low)
			r.low = steps[i].total;
		if (steps[i].total > r.high)
			r.high = steps[i].total;
	}
	return r.low == INT64_MAX ? (struct range){ 0, 0 } : r;
}

/* Whether something in another currency begins or ends between two days: then what is paid in this one is not all. */
static bool is_exchanged(const struct outcome_piece *pieces, size_t n, const char *currency, int32_t begins,
                         int32_t ends)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].minor && !is_in(&pieces[i], currency) &&
		    ((pieces[i].from > begins && pieces[i].from < ends) || (pieces[i].to > begins && pieces[i].to < ends)))
			return true;
	return false;
}

/* A fall below all that was paid in the days before, or a rise above it, that lasts. */
static void add_movements(struct outcome_making *m, const struct outcome_span *span, const struct outcome_piece *pieces,
                          size_t n_pieces, const struct step *steps, size_t n, const char *currency)
{
	for (size_t i = 1; i < n; i++) {
		int32_t day = steps[i].day, begins = day - OUTCOME_LASTING_DAYS - 1, ends = day + OUTCOME_LASTING_DAYS + 1;
		struct outcome event = { .account = span->account, .on = day, .currency = *currency ? currency : NULL };
		struct range before, after;

		if (day <= span->from || day >= span->to)
			continue;
		before = paid(steps, n, i, begins > span->from ? begins : span->from, day);
		after = paid(steps, n, i, day, ends < span->to ? ends : span->to);
		if (before.low - after.high > before.low / 100) {
			event.kind = OUTCOME_CONTRACTION;
			event.minor = before.low - after.high;
		} else if (before.high > 0 && after.low - before.high > before.high / 100) {
			event.kind = OUTCOME_EXPANSION;
			event.minor = after.low - before.high;
		}
		if (event.minor && !is_exchanged(pieces, n_pieces, currency, begins, ends))
			add_event(m, &event);
	}
}

/* accounts --------------------------------------------------------------------------------------------------------- */

static int64_t paid_before(const struct step *steps, size_t n, int32_t day)
{
	int64_t minor = 0;

	for (size_t i = 0; i < n && steps[i].day < day; i++)
		minor = steps[i].total;
	return minor;
}

static void make_account(struct outcome_making *m, const struct outcome_piece *pieces, size_t n)
{
	const char *currency = first_currency(pieces, n);
	struct step *steps = NULL;
	size_t n_steps = currency ? make_steps(pieces, n, currency, m->scratch, &steps) : 0;

	for (size_t i = 0, end; i < n; i = end) {
		struct outcome_span span = { pieces[i].account, pieces[i].from, pieces[i].to };

		for (end = i + 1; end < n; end++) {
			if (span.to != OUTCOME_OPEN && (int64_t)pieces[end].from - span.to > OUTCOME_LASTING_DAYS)
				break;
			if (pieces[end].to > span.to)
				span.to = pieces[end].to;
		}
		add_span(m->parts.arena, &m->customers, &m->n_customers, &m->customer_room, span);
		if (n_steps)
			add_movements(m, &span, pieces, n, steps, n_steps, currency);
		if (span.to != OUTCOME_OPEN)
			add_event(m, &(struct outcome){ span.account, span.to, end_kind(&m->parts, pieces, n, span.to),
			                                paid_before(steps, n_steps, span.to),
			                                currency && *currency ? currency : NULL });
	}
	arena_reset(m->scratch);
}

/* Whether an account ends, by its contracts, soon enough around a notice to be what the notice was about. */
static bool has_end_near(const struct outcome *events, size_t n, int32_t day)
{
	for (size_t i = 0; i < n; i++)
		if ((1u << events[i].kind & OUTCOME_ENDS) && events[i].on >= day - OUTCOME_LASTING_DAYS &&
		    events[i].on <= day + NOTICE_END_DAYS)
			return true;
	return false;
}

/* Whether the account's contracts are known to go on for some days behind a day, and whether they say what is paid. */
static void read_contracts(struct outcome_parts *p, int32_t day, int32_t n_days, bool *out_goes_on,
                           bool *out_has_amounts)
{
	outcome_note(p, day + n_days);
	*out_goes_on = *out_has_amounts = false;
	for (size_t i = 0; i < p->n_pieces; i++) {
		*out_goes_on = *out_goes_on || (p->pieces[i].to > day + n_days && p->known_on >= day + n_days);
		*out_has_amounts = *out_has_amounts || p->pieces[i].minor > 0;
	}
}

/* What a notice tells that contracts don't. One whose day has come while the account went on paying came to nothing;
 * one that names no day is all there is to know, until the account went on for longer than a notice runs. */
static void make_notice(struct outcome_making *m, const struct outcome_notice *notice, size_t n_contract_events)
{
	bool has_day = notice->effective_on != DAY_NONE, goes_on, has_amounts;
	int32_t on = has_day ? notice->effective_on : notice->noticed_on;
	struct outcome event = { notice->account, on, notice->is_downgrade ? OUTCOME_CONTRACTION : OUTCOME_CHURN,
		                     notice->minor, notice->currency };
	const struct outcome *last = m->n_events > n_contract_events ? &m->events[m->n_events - 1] : NULL;

	if (!notice->is_downgrade)
		add_span(m->parts.arena, &m->leaving, &m->n_leaving, &m->leaving_room,
		         (struct outcome_span){ notice->account, notice->noticed_on,
		                                has_day ? on : on + NOTICE_STANDS_DAYS });
	read_contracts(&m->parts, on, has_day ? OUTCOME_LASTING_DAYS : NOTICE_END_DAYS, &goes_on, &has_amounts);
	if (goes_on || (notice->is_downgrade && has_amounts) ||
	    has_end_near(m->events, n_contract_events, on))
		return;
	if (last && last->kind == event.kind && on - last->on <= OUTCOME_LASTING_DAYS)
		return; /* said twice */
	add_event(m, &event);
}

/* Whether contracts or notices show a movement of the kind about then. */
static bool is_shown(const struct outcome *events, size_t n, const struct outcome_told *t, unsigned kinds)
{
	for (size_t i = 0; i < n; i++)
		if ((1u << events[i].kind & kinds) && events[i].on >= t->said_on - TOLD_NEAR_DAYS &&
		    events[i].on <= t->said_on + TOLD_NEAR_DAYS)
			return true;
	return false;
}

/* What an owner said, where nothing else tells it: a loss unless the account went on paying, as of a notice; growth of
 * an amount that is not known. */
static void make_told(struct outcome_making *m, const struct outcome_told *told, size_t n_events_before)
{
	struct outcome event = { told->account, told->said_on, told->is_gain ? OUTCOME_EXPANSION : OUTCOME_CHURN, 0, NULL };
	bool goes_on = false, has_amounts;

	if (!told->is_gain)
		read_contracts(&m->parts, told->said_on, NOTICE_STANDS_DAYS, &goes_on, &has_amounts);
	if (!goes_on && !is_shown(m->events, n_events_before, told, told->is_gain ? OUTCOME_GAINS : OUTCOME_ENDS))
		add_event(m, &event);
}

static int compare_events(const void *left, const void *right)
{
	const struct outcome *a = left, *b = right;

	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	if (a->on != b->on)
		return a->on < b->on ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->minor > b->minor) - (a->minor < b->minor);
}

static int32_t first_day(const struct outcome_parts *p)
{
	int32_t first = DAY_NONE;

	for (size_t i = 0; i < p->n_pieces; i++)
		if (p->pieces[i].from != OUTCOME_BEGINNING && (first == DAY_NONE || p->pieces[i].from < first))
			first = p->pieces[i].from;
	return first;
}

int32_t outcomes_until(int32_t known_on)
{
	return known_on - OUTCOME_LASTING_DAYS;
}

int outcome_making_begin(struct outcome_making *m, struct db *db, int64_t from_id, int64_t to_id,
                         int32_t last_known_on, struct arena *a, struct arena *scratch, struct err *err)
{
	*m = (struct outcome_making){ .parts = { .arena = a }, .scratch = scratch };
	return outcome_rows_load(db, from_id, to_id, last_known_on, a, &m->rows, err);
}

void outcome_make(struct outcome_making *m, int32_t known_on)
{
	struct outcome_parts *p = &m->parts;
	size_t n_before;

	m->until = outcomes_until(known_on);
	m->n_events = m->n_customers = m->n_leaving = 0;
	outcome_parts_tell(&m->rows, known_on, p);
	if (p->n_pieces)
		make_account(m, p->pieces, p->n_pieces);
	n_before = m->n_events;
	for (size_t i = 0; i < p->n_notices; i++)
		make_notice(m, &p->notices[i], n_before);
	n_before = m->n_events;
	for (size_t i = 0; i < p->n_told; i++)
		make_told(m, &p->told[i], n_before);
	if (m->n_events > 1)
		qsort(m->events, m->n_events, sizeof *m->events, compare_events);
	m->from = first_day(p);
}

/* All that is made of an account behind all that was made of others. */
struct gathering {
	struct arena *arena;
	struct outcomes all;
	struct outcome *events; size_t event_room;
	struct outcome_span *customers; size_t customer_room;
	struct outcome_span *leaving; size_t leaving_room;
};

static void *append(struct arena *a, void *to, size_t *n, size_t *room, const void *more, size_t n_more, size_t size)
{
	if (*n + n_more > *room) {
		*room = 2 * (*n + n_more);
		to = arena_grow(a, to, *n, *room, size);
	}
	if (n_more)
		memcpy((char *)to + *n * size, more, n_more * size);
	*n += n_more;
	return to;
}

static void gather(struct gathering *g, const struct outcome_making *m)
{
	struct outcomes *o = &g->all;

	if (m->from != DAY_NONE && (o->from == DAY_NONE || m->from < o->from))
		o->from = m->from;
	o->events = g->events = append(g->arena, g->events, &o->n_events, &g->event_room, m->events, m->n_events,
	                               sizeof *g->events);
	o->customers = g->customers = append(g->arena, g->customers, &o->n_customers, &g->customer_room, m->customers,
	                                     m->n_customers, sizeof *g->customers);
	o->leaving = g->leaving = append(g->arena, g->leaving, &o->n_leaving, &g->leaving_room, m->leaving, m->n_leaving,
	                                 sizeof *g->leaving);
}

int outcomes_load_range(struct db *db, int32_t known_on, int64_t from_id, int64_t to_id, struct arena *a,
                        struct outcomes *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct gathering g = { .arena = a, .all = { .from = DAY_NONE, .until = outcomes_until(known_on) } };
	struct outcome_making m;

	if (outcome_making_begin(&m, db, from_id, to_id, known_on, a, scratch, err) < 0)
		return err_in(err, "outcomes");
	while (outcome_rows_next(&m.rows)) {
		outcome_make(&m, known_on);
		gather(&g, &m);
	}
	*out = g.all;
	return 0;
}

int outcomes_load_of(struct db *db, int32_t known_on, int64_t account, struct arena *a, struct outcomes *out,
                     struct err *err)
{
	return outcomes_load_range(db, known_on, account, account, a, out, err);
}

/* questions -------------------------------------------------------------------------------------------------------- */

/* The first place of an account in rows that begin with its id. */
static size_t place_of(const void *rows, size_t n, size_t size, int64_t account)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int64_t id;

		memcpy(&id, (const char *)rows + middle * size, sizeof id);
		if (id < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct outcome *outcomes_first(const struct outcomes *o, int64_t account, int32_t after, int32_t until,
                                     unsigned kinds)
{
	for (size_t i = place_of(o->events, o->n_events, sizeof *o->events, account);
	     i < o->n_events && o->events[i].account == account && o->events[i].on <= until; i++)
		if (o->events[i].on > after && (1u << o->events[i].kind & kinds))
			return &o->events[i];
	return NULL;
}

static bool is_within(const struct outcome_span *spans, size_t n, int64_t account, int32_t day)
{
	for (size_t i = place_of(spans, n, sizeof *spans, account); i < n && spans[i].account == account; i++)
		if (spans[i].from <= day && day < spans[i].to)
			return true;
	return false;
}

bool outcomes_is_customer(const struct outcomes *o, int64_t account, int32_t day)
{
	return is_within(o->customers, o->n_customers, account, day);
}

bool outcomes_is_leaving(const struct outcomes *o, int64_t account, int32_t day)
{
	return is_within(o->leaving, o->n_leaving, account, day);
}

double outcomes_rate(const struct outcomes *o, unsigned kinds, double prior)
{
	int32_t from = o->until - OUTCOME_RATE_DAYS + 1;
	int64_t n_events = 0, n_days = 0;

	if (o->from == DAY_NONE)
		return -1;
	if (o->from > from)
		from = o->from;
	for (size_t i = 0; i < o->n_customers; i++) {
		int32_t begin = o->customers[i].from > from ? o->customers[i].from : from;
		int32_t end = o->customers[i].to <= o->until ? o->customers[i].to : o->until + 1;

		if (begin < end)
			n_days += end - begin;
	}
	if (!n_days)
		return -1;
	for (size_t i = 0; i < o->n_events; i++)
		n_events += o->events[i].on >= from && (1u << o->events[i].kind & kinds) != 0 &&
		            outcomes_is_customer(o, o->events[i].account, o->events[i].on - 1);
	if (!n_events)
		return -1;
	return (prior * OUTCOME_RATE_WEIGHT + (double)n_events) / (double)(OUTCOME_RATE_WEIGHT + n_days);
}
