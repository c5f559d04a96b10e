#include "score/forecast.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "forecast_parts.h"

enum { LONG_AGO_MONTHS = 1200, YEAR = 12, QUARTER_DAYS = 91, FAR_DAYS = 36525 /* a day beyond is a mistake */ };
/* How much of what scores say of the level of all is believed beside what history says: as many events. */
static const double score_pseudo_events = 10;
static const double most_probable = 0.95, least_lean = 0.05;
static const double mean_month_days = 30.4375;

/* What is known of an account, with those that count under it. */
struct known {
	int32_t renewal_on, term_months;
	double risk, readiness;
};

struct making {
	const struct book *book;
	const struct forecast_query *query;
	struct forecast *out;
	struct arena *arena;
	int32_t marks[FORECAST_MAX_MONTHS + 1]; /* n_months + 1, the last is the book's day */
	double mean;
	struct known *known; /* by account */
	const uint32_t *notices; /* by account: bit by coming month, in which something ends that was given notice of */
	struct forecast_past *past;
	struct forecast_rates *rates;
	struct forecast_person *people;
	/* Of years that have begun by today: what all paid then, and of that what today's revenue would leave. */
	struct { int64_t start, end, kept; } years[YEARS_BEGUN];
	double *chance[N_STRAINS]; /* by person: what a score says, 0..1; below 0: nothing */
	size_t n_people;
};

/* Whole months from a day to another one, below 0 when it lies before. */
static int months_between(int32_t from, int32_t to)
{
	int months = (int)((to - from) / mean_month_days);

	while (day_add_months(from, months) > to)
		months--;
	while (day_add_months(from, months + 1) <= to)
		months++;
	return months;
}

/* what is known of accounts ---------------------------------------------------------------------------------------- */

/* The next renewal counts, else the last one. */
static bool is_nearer(int32_t day, int32_t than, int32_t today)
{
	if (than == DAY_NONE || day == DAY_NONE)
		return day != DAY_NONE;
	if ((day > today) != (than > today))
		return day > today;
	return day > today ? day < than : day > than;
}

/* The same hazard over a quarter. */
static double in_quarter(double chance, int64_t horizon_days)
{
	if (chance < 0 || chance >= 1)
		return chance;
	return -expm1(log1p(-chance) * QUARTER_DAYS / (double)horizon_days);
}

static void note_hint(struct making *m, int32_t account, const struct forecast_hint *hint)
{
	struct known *k = &m->known[book_top(m->book, account)];

	bool is_near = hint->renewal_on > m->out->on - FAR_DAYS && hint->renewal_on < m->out->on + FAR_DAYS;

	if (is_near && is_nearer(hint->renewal_on, k->renewal_on, m->out->on))
		k->renewal_on = hint->renewal_on;
	if (hint->term_months > k->term_months)
		k->term_months = hint->term_months;
	k->risk = fmax(k->risk, in_quarter(hint->risk, m->query->horizon_days));
	k->readiness = fmax(k->readiness, in_quarter(hint->readiness, m->query->horizon_days));
}

static void note_hints(struct making *m)
{
	const struct revenue *facts = m->book->facts;
	size_t at = 0;

	m->known = arena_array(m->arena, facts->n_accounts, sizeof *m->known);
	for (size_t i = 0; i < facts->n_accounts; i++)
		m->known[i] = (struct known){ .renewal_on = DAY_NONE, .risk = -1, .readiness = -1 };
	for (size_t i = 0; i < facts->n_accounts; i++) {
		while (at < m->query->n_hints && m->query->hints[at].account < facts->accounts[i].id)
			at++;
		if (at < m->query->n_hints && m->query->hints[at].account == facts->accounts[i].id)
			note_hint(m, (int32_t)i, &m->query->hints[at]);
	}
}

/* The coming month in which a day falls. */
static int month_of(const struct making *m, int32_t day)
{
	return months_between(m->out->on, day - 1);
}

/* An end that was asked for is certain; one that is only dated is where a term ends. */
static void note_ends(struct making *m)
{
	const struct revenue *facts = m->book->facts;
	int32_t today = m->out->on, horizon = day_add_months(today, MOST_STEPS);
	uint32_t *notices = arena_array(m->arena, facts->n_accounts, sizeof *notices);

	for (size_t i = 0; i < facts->n_lines; i++) {
		const struct revenue_line *line = &facts->lines[i];
		int32_t account = book_top(m->book, line->account), to = line->to;
		struct known *k = &m->known[account];

		if (!line->is_last || to == REVENUE_OPEN)
			continue;
		if (line->paid_until != DAY_NONE && line->paid_until > to && m->book->policy->churn_date == CHURN_AT_PERIOD_END)
			to = line->paid_until;
		if (to <= today || to > horizon)
			continue;
		if (line->notice_on != DAY_NONE && line->notice_on <= today)
			notices[account] |= 1u << month_of(m, to);
		else if (is_nearer(to, k->renewal_on, today))
			k->renewal_on = to;
	}
	m->notices = notices;
}

/* months ----------------------------------------------------------------------------------------------------------- */

/* Since its first revenue, on the book's day. */
static int age_of(const struct making *m, int32_t account)
{
	const struct book *b = m->book;
	int32_t first = m->out->on;

	for (size_t i = b->first[account]; i < b->first[account + 1]; i++)
		if (b->pieces[i].minor > 0 && b->pieces[i].from < first)
			first = b->pieces[i].from;
	return first == REVENUE_BEGINNING ? LONG_AGO_MONTHS : months_between(first, m->out->on);
}

/* Whether a term ends in the month that begins so many months from today. */
static enum forecast_due due_in(const struct known *k, int renewed, int age, int month)
{
	int term = k->term_months > 0 ? k->term_months : YEAR;
	int since = (k->renewal_on == DAY_NONE ? age : renewed) + month + 1;
	bool is_due = age < LONG_AGO_MONTHS || k->renewal_on != DAY_NONE ? since % term == 0 : false;

	if (k->term_months == 1)
		return DUE_MONTHLY;
	if (k->term_months > 0 || k->renewal_on != DAY_NONE)
		return is_due ? DUE_TERM_ENDS : DUE_TERM_NO;
	return is_due ? DUE_ANNIVERSARY : DUE_NO;
}

/* What is paid less at the end of a month in which something ends that was given notice of. */
static int notice(struct making *m, int32_t account, struct forecast_person *p, struct err *err)
{
	for (int month = 0; m->notices[account] >> month; month++) {
		int64_t before, after;

		if (!(m->notices[account] >> month & 1))
			continue;
		if (nrr_paid_on(m->book, account, day_add_months(m->out->on, month), m->out->on, &before, err) < 0 ||
		    nrr_paid_on(m->book, account, day_add_months(m->out->on, month + 1), m->out->on, &after, err) < 0)
			return -1;
		if (after < before) {
			p->leaving[month] = before - after;
			p->notices |= 1u << month;
		}
	}
	return 0;
}

/* FNV-1a (Fowler, Noll, Vo) over the source's key. */
static uint64_t seed_of(const char *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; key && *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return hash;
}

/* What it paid a year before the end of each of the next quarters. */
static void add_years(struct making *m, const int64_t *paid, struct forecast_person *p)
{
	for (int i = 0; i < YEARS_BEGUN; i++) {
		int mark = m->out->n_months + 3 * (i + 1) - YEAR;
		int64_t then = mark < 0 ? 0 : paid[mark], now = paid[m->out->n_months];

		p->year[i] = then;
		m->years[i].start += then;
		m->years[i].end += then > 0 ? now : 0;
		m->years[i].kept += then < now ? then : now;
	}
}

static int add_account(struct making *m, int32_t account, struct err *err)
{
	int64_t paid[FORECAST_MAX_MONTHS + 1];
	uint8_t cells[FORECAST_MAX_MONTHS + 1];
	const struct known *k = &m->known[account];
	int n = m->out->n_months, age = age_of(m, account);
	int renewed = k->renewal_on == DAY_NONE ? 0 : months_between(k->renewal_on, m->out->on);
	struct forecast_person *p = &m->people[m->n_people];

	for (int i = 0; i <= n; i++) {
		int then = age - (n - i);

		if (nrr_paid_on(m->book, account, m->marks[i], m->out->on, &paid[i], err) < 0)
			return -1;
		cells[i] = (uint8_t)forecast_cell(then, paid[i], m->mean, due_in(k, renewed, age, i - n));
	}
	forecast_count(m->past, paid, cells);
	*p = (struct forecast_person){ .paid = paid[n], .seed = seed_of(m->book->facts->accounts[account].key),
		.lean = { 1, 1 } };
	add_years(m, paid, p);
	if (paid[n] == 0)
		return 0;
	for (int i = 0; i < 3 * m->out->n_quarters; i++)
		p->cells[i] = (uint8_t)forecast_cell(age + i, paid[n], m->mean, due_in(k, renewed, age, i));
	m->chance[STRAIN_LOSS][m->n_people] = k->risk;
	m->chance[STRAIN_GROWTH][m->n_people] = k->readiness;
	m->out->n_scored += k->risk >= 0;
	m->out->n_dated += k->renewal_on != DAY_NONE;
	m->n_people++;
	return notice(m, account, p, err);
}

static int add_accounts(struct making *m, struct err *err)
{
	const struct book *b = m->book;

	m->past = arena_alloc(m->arena, sizeof *m->past);
	m->past->n_months = m->out->n_months;
	m->past->mean = m->mean;
	m->people = arena_array(m->arena, (size_t)m->out->n_start + 1, sizeof *m->people);
	for (int strain = 0; strain < N_STRAINS; strain++)
		m->chance[strain] = arena_array(m->arena, (size_t)m->out->n_start + 1, sizeof **m->chance);
	for (size_t i = 0; i < b->facts->n_accounts; i++)
		if (b->first[i] < b->first[i + 1] && add_account(m, (int32_t)i, err) < 0)
			return -1;
	return 0;
}

/* scores ----------------------------------------------------------------------------------------------------------- */

/* The hazard of a strain in the first quarter. */
static double hazard_of(const struct making *m, const struct forecast_person *p, enum forecast_strain strain)
{
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		if (strain == STRAIN_GROWTH)
			sum += m->rates->hazard[CHANGE_GROWN][p->cells[i]];
		else
			sum += m->rates->hazard[CHANGE_LOST][p->cells[i]] + m->rates->hazard[CHANGE_SHRUNK][p->cells[i]];
	}
	return sum;
}

/* Scores say who, history says how many: all chances are scaled so that together they come to what history expects of
 * these very accounts, the more so the more events it has. */
static void lean(struct making *m, enum forecast_strain strain, int64_t n_events)
{
	double said = 0, learnt = 0, scale;

	for (size_t i = 0; i < m->n_people; i++)
		if (m->chance[strain][i] >= 0) {
			said += m->chance[strain][i];
			learnt -= expm1(-hazard_of(m, &m->people[i], strain));
		}
	if (said <= 0)
		return;
	scale = ((double)n_events * learnt / said + score_pseudo_events) / ((double)n_events + score_pseudo_events);
	for (size_t i = 0; i < m->n_people; i++) {
		double chance = fmin(m->chance[strain][i] * scale, most_probable);

		if (m->chance[strain][i] >= 0)
			m->people[i].lean[strain] = fmax(-log1p(-chance) / hazard_of(m, &m->people[i], strain), least_lean);
	}
}

/* result ----------------------------------------------------------------------------------------------------------- */

/* Those who come or come back within the window pay what they did in one window of the last year, drawn by its end. */
static void add_arrivals(const struct making *m, struct forecast_quarter *q, int quarters, const int64_t *ends, int n)
{
	int64_t *totals = arena_array(m->arena, (size_t)n, sizeof *totals);
	int windows = m->out->n_months - 3 * quarters + 1;
	uint64_t state = (uint64_t)quarters;

	if (windows < 1)
		return;
	windows = windows < YEAR ? windows : YEAR;
	for (int i = 0; i < n; i++)
		if (__builtin_add_overflow(ends[i], m->past->arrived[quarters - 1][(int)(forecast_uniform(&state) * windows)],
		                           &totals[i]))
			totals[i] = INT64_MAX;
	forecast_quantiles(totals, n, q->total_minor);
	q->has_total = true;
}

/* The last year begins today. */
static void add_year(struct making *m, const struct forecast_lives *l, int quarter)
{
	struct forecast_quarter *q = &m->out->quarters[quarter];
	int64_t *ends = &l->year_end[quarter * l->n_draws], *kept = &l->year_kept[quarter * l->n_draws];

	if (quarter == YEARS_BEGUN) {
		q->has_year = true;
		q->year_start_minor = m->out->start_minor;
		memcpy(q->year_end_minor, q->end_minor, sizeof q->year_end_minor);
		memcpy(q->year_kept_minor, q->kept_minor, sizeof q->year_kept_minor);
		return;
	}
	if (m->years[quarter].start == 0 || m->book->policy->back_in_cohort == BACK_STRICT)
		return;
	for (int draw = 0; draw < l->n_draws; draw++) {
		ends[draw] += m->years[quarter].end;
		kept[draw] += m->years[quarter].kept;
	}
	q->has_year = true;
	q->year_start_minor = m->years[quarter].start;
	forecast_quantiles(ends, l->n_draws, q->year_end_minor);
	forecast_quantiles(kept, l->n_draws, q->year_kept_minor);
}

static void add_quarters(struct making *m, struct forecast_lives *l)
{
	struct forecast *f = m->out;

	f->n_draws = l->n_draws;
	for (int i = 0; i < f->n_quarters; i++) {
		struct forecast_quarter *q = &f->quarters[i];
		int64_t *ends = &l->end[i * l->n_draws], *kept = &l->kept[i * l->n_draws];

		q->to = day_add_months(f->on, 3 * (i + 1));
		for (int draw = 0; draw < l->n_draws; draw++) {
			ends[draw] += f->start_minor;
			kept[draw] += f->start_minor;
		}
		add_arrivals(m, q, i + 1, ends, l->n_draws);
		forecast_quantiles(ends, l->n_draws, q->end_minor);
		forecast_quantiles(kept, l->n_draws, q->kept_minor);
		add_year(m, l, i);
	}
}

static void draw(struct making *m)
{
	struct forecast_lives lives;

	forecast_learn(m->past, m->rates);
	if (m->book->policy->back_in_cohort == BACK_STRICT)
		memset(m->rates->back, 0, sizeof m->rates->back);
	lean(m, STRAIN_LOSS, m->past->n_changed[CHANGE_LOST] + m->past->n_changed[CHANGE_SHRUNK]);
	lean(m, STRAIN_GROWTH, m->past->n_changed[CHANGE_GROWN]);
	forecast_lives_begin(&lives, m->rates,
	                     &(struct forecast_start){ m->out->n_start, m->out->start_minor, m->mean }, m->out->n_quarters,
	                     m->arena);
	for (size_t i = 0; i < m->n_people; i++)
		forecast_live(&lives, &m->people[i]);
	add_quarters(m, &lives);
	m->out->n_lost = m->past->n_changed[CHANGE_LOST];
	m->out->n_shrunk = m->past->n_changed[CHANGE_SHRUNK];
	m->out->n_grown = m->past->n_changed[CHANGE_GROWN];
	m->out->loss_spread = m->rates->spread[STRAIN_LOSS];
	m->out->growth_spread = m->rates->spread[STRAIN_GROWTH];
}

static int start(struct making *m, struct err *err)
{
	for (size_t i = 0; i < m->book->facts->n_accounts; i++) {
		int64_t paid;

		if (nrr_paid_on(m->book, (int32_t)i, m->out->on, m->out->on, &paid, err) < 0)
			return -1;
		m->out->start_minor += paid;
		m->out->n_start += paid > 0;
	}
	m->mean = m->out->n_start ? (double)m->out->start_minor / (double)m->out->n_start : 0;
	return 0;
}

static const char *why_none(const struct book *b, const struct forecast *f, struct arena *a)
{
	if (!b->n_pieces || b->first_on == DAY_NONE)
		return "insufficient history: no dated recurring revenue is known";
	if (f->n_start == 0)
		return arena_printf(a, "insufficient history: no recurring revenue on %s", day_text(a, f->on));
	if (f->n_months < FORECAST_MIN_MONTHS)
		return arena_printf(a, "insufficient history: a forecast needs %d months of revenue, it is known from %s on",
		                    FORECAST_MIN_MONTHS, day_text(a, b->first_on));
	return NULL;
}

int forecast_make(const struct book *b, const struct forecast_query *query, struct arena *a, struct forecast *out,
                  struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct forecast f = { .on = b->facts->as_of, .n_quarters = query->n_quarters };
	struct making m = { .book = b, .query = query, .out = &f, .arena = scratch };

	if (b->first_on != DAY_NONE && b->first_on <= f.on)
		f.n_months = months_between(b->first_on, f.on);
	if (f.n_months > FORECAST_MAX_MONTHS)
		f.n_months = FORECAST_MAX_MONTHS;
	if (start(&m, err) < 0)
		return -1;
	f.why_none = why_none(b, &f, a);
	if (!f.why_none) {
		for (int i = 0; i <= f.n_months; i++)
			m.marks[i] = day_add_months(f.on, i - f.n_months);
		m.rates = arena_alloc(scratch, sizeof *m.rates);
		note_hints(&m);
		note_ends(&m);
		if (add_accounts(&m, err) < 0)
			return -1;
		draw(&m);
	}
	*out = f;
	return 0;
}
