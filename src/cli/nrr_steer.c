#include "nrr_steer.h"

#include <string.h>

#include "common/clock.h"
#include "store/findings.h"

enum { MONTHS_OF_QUARTER = 3, MONTHS_OF_YEAR = 12 };

int nrr_compute_back(const struct book *b, const struct nrr_span *spans, size_t n, unsigned by, struct arena *a,
                     struct nrr_table tables[N_NRR_BY], size_t *first, struct err *err)
{
	size_t i = 0;

	for (; i < n; i++) {
		if (nrr_compute(b, &(struct nrr_query){ spans + i, n - i, by }, a, tables, err) == 0)
			break;
		if (err->kind != ERR_CONFIG)
			return -1;
	}
	*first = i;
	return 0;
}

static bool sees(const struct nrr_scope *scope, const char *owner)
{
	return !scope->sees || scope->sees(scope->which, owner);
}

/* Of each span one window: everything, or all owners together whose books count. */
static int whole_windows(const struct nrr_scope *g, struct arena *a, const struct nrr_span *spans, size_t n,
                         struct nrr_window *out, struct err *err)
{
	enum nrr_by by = g->sees ? NRR_BY_OWNER : NRR_BY_ALL;
	struct nrr_table tables[N_NRR_BY];
	size_t first;

	if (nrr_compute_back(g->book, spans, n, 1u << by, a, tables, &first, err) < 0)
		return -1;
	if (first == n)
		return -1; /* the latest has no rate either: err says which */
	for (size_t i = 0; i < n; i++)
		out[i] = (struct nrr_window){ .span = spans[i],
			.why_none = "insufficient history: no recurring revenue, or no rate of exchange, is known" };
	for (size_t i = 0, span = first; i < tables[by].n; i++) {
		const struct nrr_window *row = &tables[by].rows[i];

		while (row->span.from != spans[span].from || row->span.to != spans[span].to)
			span++;
		if (by == NRR_BY_ALL)
			out[span] = *row;
		else if (sees(g, row->group))
			nrr_add(&out[span], row);
	}
	return 0;
}

static int32_t quarter_begins(int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return day_of(year, month - (month - 1) % MONTHS_OF_QUARTER, 1);
}

static int load_quarters(const struct nrr_scope *g, struct arena *a, struct steer_input *out, struct err *err)
{
	int32_t on = g->on;
	struct nrr_span spans[STEER_QUARTERS + 1];
	struct nrr_window *windows = arena_array(a, ARRAY_LEN(spans), sizeof *windows);

	for (int i = 0; i < STEER_QUARTERS; i++)
		spans[i] = (struct nrr_span){ day_add_months(on, (i - STEER_QUARTERS) * MONTHS_OF_QUARTER),
			                          day_add_months(on, (i + 1 - STEER_QUARTERS) * MONTHS_OF_QUARTER) };
	spans[STEER_QUARTERS] = (struct nrr_span){ quarter_begins(on), on };
	if (whole_windows(g, a, spans, ARRAY_LEN(spans), windows, err) < 0)
		return -1;
	out->quarters = windows;
	out->n_quarters = STEER_QUARTERS;
	out->so_far = &windows[STEER_QUARTERS];
	out->quarter_ends_on = day_add_months(quarter_begins(on), MONTHS_OF_QUARTER) - 1;
	return 0;
}

/* What is paid by those whose revenue has not changed. */
static int still_paid(const struct book *b, struct nrr_span span, int64_t *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct nrr_contribution *all;
	size_t n;

	if (nrr_contributions(b, span, a, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!all[i].sums.expansion_minor && !all[i].sums.contraction_minor && !all[i].sums.churn_minor)
			*out += all[i].sums.start_minor;
	return 0;
}

static int load_years(const struct nrr_scope *g, struct arena *a, struct steer_input *out, struct err *err)
{
	int32_t on = g->on;
	struct nrr_span spans[NRR_STEER_YEARS];
	struct nrr_table tables[N_NRR_BY];
	size_t first;

	for (int i = 0; i < NRR_STEER_YEARS; i++) {
		int32_t to = day_add_months(on, (i + 1 - NRR_STEER_YEARS) * MONTHS_OF_QUARTER);

		spans[i] = (struct nrr_span){ day_add_months(to, -MONTHS_OF_YEAR), to };
	}
	if (nrr_compute_back(g->book, spans, ARRAY_LEN(spans), 1u << NRR_BY_ALL | 1u << NRR_BY_SEGMENT |
	                     1u << NRR_BY_COHORT, a, tables, &first, err) < 0)
		return -1;
	if (first == ARRAY_LEN(spans))
		return 0;
	out->years = tables[NRR_BY_ALL].rows;
	out->n_years = tables[NRR_BY_ALL].n;
	out->segments = tables[NRR_BY_SEGMENT];
	out->cohorts = tables[NRR_BY_COHORT];
	return still_paid(g->book, spans[NRR_STEER_YEARS - 1], &out->still_minor, err);
}

/* The account's place in the book, or -1. */
static int32_t place_of(const struct revenue *facts, int64_t account)
{
	size_t low = 0, high = facts->n_accounts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (facts->accounts[middle].id < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low < facts->n_accounts && facts->accounts[low].id == account ? (int32_t)low : -1;
}

/* In the book's currency at the rates of a day; 0: there is no rate, or no amount in that currency. */
static int64_t in_currency(const struct book *b, int64_t minor, const char *currency, int32_t day)
{
	const struct revenue *facts = b->facts;
	struct err no_rate;
	int64_t nano;

	if (!currency || !*currency || strcmp(currency, b->currency) == 0)
		return minor;
	for (size_t i = 1; i < facts->n_names; i++)
		if (strcmp(facts->names[i], currency) == 0)
			return book_rate(b, (uint16_t)i, day, &nano, &no_rate) < 0 ? 0 : book_exchange(minor, nano);
	return 0;
}

static int load_finding(const struct nrr_scope *g, const struct finding *f, int32_t from, struct steer_finding *out,
                        struct err *err)
{
	int32_t place = place_of(g->book->facts, f->account);

	*out = (struct steer_finding){ .account = place, .is_defense = strcmp(f->engine, "defense") == 0,
		.act_by_on = f->act_by_on,
		.expected_minor = in_currency(g->book, f->expected_minor, f->currency, from) / MONTHS_OF_YEAR };
	return place < 0 ? 0 : nrr_paid_on(g->book, book_top(g->book, place), from, from, &out->paid_minor, err);
}

static int load_findings(const struct nrr_scope *g, struct arena *a, struct steer_input *out, struct err *err)
{
	const struct session *s = g->session;
	struct finding_query query = { .today = g->on, .wants_settled = true };
	struct steer_finding *findings;
	struct finding *all;
	int32_t scored_on;
	size_t n;

	if (g->is_usage) {
		out->why_no_findings = "Findings are about committed revenue";
		return 0;
	}
	if (scores_last_day(s->db, &scored_on, err) < 0)
		return -1;
	if (scored_on == DAY_NONE || scored_on > g->on) {
		out->why_no_findings = scored_on == DAY_NONE ? "No account has been scored yet"
		                                             : arena_printf(a, "Findings are known as of %s only",
		                                                            day_text(a, scored_on));
		return 0;
	}
	if (findings_list(s->db, &query, a, &all, &n, err) < 0)
		return -1;
	findings = arena_array(a, n + 1, sizeof *findings);
	for (size_t i = 0; i < n; i++) {
		if (!sees(g, all[i].owner_email))
			continue;
		if (load_finding(g, &all[i], out->so_far->span.from, &findings[out->n_findings], err) < 0)
			return -1;
		out->n_findings++;
	}
	out->findings = findings;
	return 0;
}

int nrr_steer_load(const struct nrr_scope *scope, bool is_whole, struct arena *a, struct steer_input *out,
                   struct err *err)
{
	*out = (struct steer_input){ .currency = scope->book->currency };
	if (load_quarters(scope, a, out, err) < 0 || load_findings(scope, a, out, err) < 0 ||
	    (is_whole && load_years(scope, a, out, err) < 0))
		return err_in(err, "steering");
	return 0;
}
