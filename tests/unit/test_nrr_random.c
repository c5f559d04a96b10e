/* What must hold of retention whatever the book: ten thousand books at random, and the same figures by plain SQL. */
#include "cmocka_shim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "random_book.h"
#include "score/nrr.h"
#include "slow_nrr.h"
#include "store/migrate.h"

#ifdef RETAIND_FAULTS /* under sanitizers, three times as slow: those look for other mistakes than wrong sums */
enum { N_BOOKS = 1000 };
#else
enum { N_BOOKS = 10000 };
#endif
enum { ORDERED_EACH = 3, LEAST_MET = N_BOOKS / 100, SAME_KIND = 4 };

static struct db *db;
static struct arena *arena;

/* sums ------------------------------------------------------------------------------------------------------------- */

static void add_sums(struct nrr_sums *to, const struct nrr_sums *x)
{
	int64_t *left = (int64_t *)to;
	const int64_t *right = (const int64_t *)x;

	for (size_t i = 0; i < sizeof *to / sizeof *left; i++)
		left[i] += right[i];
}

#define SUM(name, member)                                                                                              \
	[offsetof(struct nrr_sums, member) / sizeof(int64_t)] = (name)
static const char *const names[] = {
	SUM("accounts", n_start), SUM("gone", n_churned), SUM("at the end", n_end), SUM("start", start_minor),
	SUM("new", added_minor), SUM("expansion", expansion_minor), SUM("back", reactivation_minor),
	SUM("contraction", contraction_minor), SUM("churn", churn_minor), SUM("fx", fx_minor), SUM("end", end_minor),
	SUM("cohort's end", cohort_end_minor), SUM("kept", kept_minor), SUM("cross-sell", cross_sell_minor),
	SUM("involuntary", involuntary_minor), SUM("returned", returned_minor), SUM("free", free_minor),
};
_Static_assert(sizeof(struct nrr_sums) == ARRAY_LEN(names) * sizeof(int64_t), "one name for each");

static const char *sums_text(struct arena *a, const struct nrr_sums *s)
{
	const int64_t *values = (const int64_t *)s;
	const char *text = "";

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (values[i])
			text = arena_printf(a, "%s%s%s %" PRId64, text, *text ? ", " : "", names[i], values[i]);
	return *text ? text : "nothing";
}

static int64_t residual(const struct nrr_sums *s)
{
	return s->start_minor + s->added_minor + s->expansion_minor + s->reactivation_minor - s->contraction_minor -
	       s->churn_minor + s->fx_minor - s->end_minor;
}

/* policies --------------------------------------------------------------------------------------------------------- */

/* A third of the books are counted by the default, a third by switches that SQL knows too, a third by any. */
enum kind { BY_DEFAULT, BY_SQL, BY_ANY, N_KINDS };

static enum kind kind_of(uint64_t number)
{
	return (enum kind)(number % N_KINDS);
}

#define ANY(seed, most) (random_upto(seed, (int)(most) + 1))

static struct nrr_policy policy_of(uint64_t number)
{
	static struct nrr_merge merges[] = { { "a0", "a1", 20400 }, { "a1", "a3", 20500 }, { "a2", "zz", 0 } };
	static const int64_t days[] = { 0, 0, 0, 5, 31, 120 };
	struct nrr_policy p = nrr_default_policy;
	uint64_t seed = number;

	if (kind_of(number) == BY_DEFAULT)
		return p;
	p.back_in_cohort = (enum nrr_back_in_cohort)ANY(&seed, BACK_STRICT);
	p.back_outside = (enum nrr_back_outside)ANY(&seed, BACK_CREDITED);
	p.fx = (enum nrr_fx)ANY(&seed, FX_SPOT);
	p.discounts = (enum nrr_discounts)ANY(&seed, DISCOUNTS_GROSS);
	p.free_plan = (enum nrr_free_plan)ANY(&seed, FREE_IS_CANCELLED);
	p.paused = (enum nrr_paused)ANY(&seed, PAUSED_KEEPS);
	p.usage = (enum nrr_usage)ANY(&seed, USAGE_EXCLUDED);
	p.segment = (enum nrr_segment)ANY(&seed, SEGMENT_AT_END);
	p.parents = (enum nrr_parents)ANY(&seed, PARENTS_ROLLED_UP);
	p.past_due_days = ANY(&seed, 120) - 1;
	if (ANY(&seed, 2) == 0)
		p.merges = (struct yaml_array){ .at = merges, .n = 1 + (size_t)ANY(&seed, ARRAY_LEN(merges) - 1) };
	if (kind_of(number) == BY_SQL)
		return p;
	p.method = (enum nrr_method)ANY(&seed, NRR_MOVEMENT_SUM);
	p.new_and_gone = (enum nrr_new_and_gone)ANY(&seed, NEW_AND_GONE_BOTH);
	p.back_after_days = days[ANY(&seed, ARRAY_LEN(days) - 1)];
	p.back_within_days = days[ANY(&seed, ARRAY_LEN(days) - 1)];
	p.churn_date = (enum nrr_churn_date)ANY(&seed, CHURN_AT_NOTICE);
	p.credits = (enum nrr_credits)ANY(&seed, CREDITS_NEGATIVE);
	p.addon = (enum nrr_addon)ANY(&seed, ADDON_IS_CHURN);
	p.group_days = days[ANY(&seed, ARRAY_LEN(days) - 1)];
	return p;
}

/* one book --------------------------------------------------------------------------------------------------------- */

struct trial {
	const struct random_book *rows;
	const struct nrr_policy *policy;
	struct nrr_span spans[RANDOM_SPANS];
	struct revenue revenue;
	struct book book;
	struct nrr_table tables[N_NRR_BY];
	struct nrr_contribution *parts[RANDOM_SPANS];
	size_t n_parts[RANDOM_SPANS];
};

/* Without rates only one of several currencies can be told. */
static const char *only_of(const struct random_book *rows)
{
	return rows->is_mixed && !rows->has_rates ? "EUR" : NULL;
}

/* NULL, or what went wrong. */
static const char *work_out(const struct random_book *rows, const struct nrr_policy *policy, uint64_t order,
                            struct trial *t)
{
	struct revenue_query query = { .as_of = rows->as_of, .default_currency = "EUR" };
	struct book_query committed = { .currency = "EUR", .only = only_of(rows) };
	struct nrr_query all = { t->spans, RANDOM_SPANS, (1u << N_NRR_BY) - 1 };
	struct err err;

	*t = (struct trial){ .rows = rows, .policy = policy };
	for (int i = 0; i < RANDOM_SPANS; i++)
		t->spans[i] = (struct nrr_span){ rows->from[i], rows->to[i] };
	if (random_book_put(rows, order, db, arena, &err) < 0 || revenue_load(db, &query, arena, &t->revenue, &err) < 0 ||
	    book_make(&t->revenue, policy, &committed, arena, &t->book, &err) < 0 ||
	    nrr_compute(&t->book, &all, arena, t->tables, &err) < 0)
		return arena_strdup(arena, err.text);
	for (int i = 0; i < RANDOM_SPANS; i++)
		if (nrr_contributions(&t->book, t->spans[i], arena, &t->parts[i], &t->n_parts[i], &err) < 0)
			return arena_strdup(arena, err.text);
	return NULL;
}

/* The rows of one span, of which the whole has one. */
static size_t rows_of(const struct trial *t, enum nrr_by by, int span, const struct nrr_window **out)
{
	const struct nrr_table *table = &t->tables[by];
	size_t first = 0, n;

	while (first < table->n && memcmp(&table->rows[first].span, &t->spans[span], sizeof t->spans[span]) != 0)
		first++;
	for (n = first; n < table->n && memcmp(&table->rows[n].span, &t->spans[span], sizeof t->spans[span]) == 0;)
		n++;
	*out = &table->rows[first];
	return n - first;
}

static const struct nrr_window *whole(const struct trial *t, int span)
{
	const struct nrr_window *w;
	size_t n = rows_of(t, NRR_BY_ALL, span, &w);

	return n == 1 ? w : NULL;
}

/* what must hold --------------------------------------------------------------------------------------------------- */

static const char *ratios_are_sound(const struct trial *t, const struct nrr_window *w)
{
	const char *name = w->group ? w->group : "the whole";

	if (!w->why_none != (w->sums.start_minor > 0))
		return arena_printf(arena, "%s: ratios %s with a start of %" PRId64, name, w->why_none ? "missing" : "shown",
		                    w->sums.start_minor);
	if (w->why_none ? w->nrr != 0 || w->grr != 0 || w->logo != 0
	                : !isfinite(w->nrr) || w->grr < 0 || w->logo < 0 || w->logo > 1)
		return arena_printf(arena, "%s: ratios %g %g %g", name, w->nrr, w->grr, w->logo);
	if (t->policy->method == NRR_POINT_TO_POINT && (w->grr > 1 || w->grr > w->nrr))
		return arena_printf(arena, "%s: GRR %.17g is above NRR %.17g or 1", name, w->grr, w->nrr);
	return NULL;
}

static const char *is_sound(const struct trial *t, const struct nrr_window *w)
{
	const struct nrr_sums *s = &w->sums;
	const int64_t parts[] = { s->n_start, s->n_churned, s->start_minor, s->added_minor, s->expansion_minor,
		s->reactivation_minor, s->contraction_minor, s->churn_minor, s->end_minor, s->cross_sell_minor,
		s->involuntary_minor, s->returned_minor, s->free_minor, s->kept_minor, s->n_start - s->n_churned,
		s->expansion_minor - s->cross_sell_minor, s->churn_minor - s->involuntary_minor,
		s->churn_minor - s->free_minor, s->start_minor - s->kept_minor, s->cohort_end_minor - s->kept_minor };
	const char *name = w->group ? w->group : "the whole";

	if (residual(s) != 0)
		return arena_printf(arena, "%s: residual %" PRId64 ": %s", name, residual(s), sums_text(arena, s));
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i] < 0)
			return arena_printf(arena, "%s: %zu is below nothing: %s", name, i, sums_text(arena, s));
	return ratios_are_sound(t, w);
}

static const char *every_row_is_sound(const struct trial *t)
{
	const char *wrong = NULL;

	for (int by = 0; by < N_NRR_BY && !wrong; by++) {
		if (by == NRR_BY_PRODUCT && t->policy->credits == CREDITS_NEGATIVE)
			continue; /* one product may owe what the account pays for another */
		for (size_t i = 0; i < t->tables[by].n && !wrong; i++)
			wrong = is_sound(t, &t->tables[by].rows[i]);
	}
	for (int i = 0; i < RANDOM_SPANS && !wrong; i++)
		if (!whole(t, i))
			wrong = arena_printf(arena, "span %d has not exactly one whole", i);
	return wrong;
}

static const char *contributions_add_up(const struct trial *t)
{
	for (int i = 0; i < RANDOM_SPANS; i++) {
		struct nrr_sums sum = { 0 };

		for (size_t k = 0; k < t->n_parts[i]; k++)
			add_sums(&sum, &t->parts[i][k].sums);
		if (memcmp(&sum, &whole(t, i)->sums, sizeof sum) != 0)
			return arena_printf(arena, "span %d: contributions give %s, the whole %s", i, sums_text(arena, &sum),
			                    sums_text(arena, &whole(t, i)->sums));
	}
	return NULL;
}

/* What an account moves from one product to another is no movement of the whole; nor is an add-on that ended, to who
 * calls it churn, as far as others grew. */
static void forget_moves(const struct nrr_policy *p, struct nrr_sums *s)
{
	s->expansion_minor -= s->contraction_minor;
	if (p->addon == ADDON_IS_CHURN) {
		s->expansion_minor -= s->churn_minor;
		s->churn_minor = s->involuntary_minor = 0;
	}
	s->contraction_minor = s->cross_sell_minor = s->kept_minor = s->returned_minor = 0;
	s->n_start = s->n_churned = s->n_end = 0;
}

static const char *groups_add_up(const struct trial *t)
{
	for (int by = NRR_BY_SEGMENT; by < N_NRR_BY; by++)
		for (int i = 0; i < RANDOM_SPANS; i++) {
			const struct nrr_window *w;
			size_t n = rows_of(t, (enum nrr_by)by, i, &w);
			struct nrr_window sum = { .span = t->spans[i] };
			struct nrr_sums parts, all = whole(t, i)->sums;

			for (size_t k = 0; k < n; k++) {
				if (k && strcmp(w[k - 1].group, w[k].group) >= 0)
					return arena_printf(arena, "%s: %s comes after %s", nrr_by_names[by], w[k].group, w[k - 1].group);
				nrr_add(&sum, &w[k]);
			}
			parts = sum.sums;
			if (by == NRR_BY_PRODUCT) {
				forget_moves(t->policy, &parts);
				forget_moves(t->policy, &all);
			}
			if (memcmp(&parts, &all, sizeof parts) != 0)
				return arena_printf(arena, "span %d: by %s %s, the whole %s", i, nrr_by_names[by],
				                    sums_text(arena, &parts), sums_text(arena, &all));
			if (n && by != NRR_BY_PRODUCT && memcmp(&sum.nrr, &whole(t, i)->nrr, 3 * sizeof sum.nrr) != 0)
				return arena_printf(arena, "span %d: by %s the ratios of the sum are others", i, nrr_by_names[by]);
		}
	return NULL;
}

static const struct nrr_sums *part_of(const struct trial *t, int span, const char *key)
{
	for (size_t k = 0; k < t->n_parts[span]; k++)
		if (strcmp(t->revenue.accounts[t->parts[span][k].account].key, key) == 0)
			return &t->parts[span][k].sums;
	return NULL;
}

static const char *are_same(const struct trial *t, const struct trial *other)
{
	for (int by = 0; by < N_NRR_BY; by++) {
		if (t->tables[by].n != other->tables[by].n)
			return arena_printf(arena, "by %s: %zu rows, in another order %zu", nrr_by_names[by], t->tables[by].n,
			                    other->tables[by].n);
		for (size_t i = 0; i < t->tables[by].n; i++) {
			const struct nrr_window *x = &t->tables[by].rows[i], *y = &other->tables[by].rows[i];

			if ((x->group && strcmp(x->group, y->group) != 0) || memcmp(&x->sums, &y->sums, sizeof x->sums) != 0)
				return arena_printf(arena, "by %s: %s %s, in another order %s %s", nrr_by_names[by],
				                    x->group ? x->group : "", sums_text(arena, &x->sums), y->group ? y->group : "",
				                    sums_text(arena, &y->sums));
		}
	}
	for (int i = 0; i < RANDOM_SPANS; i++)
		for (size_t k = 0; k < t->n_parts[i]; k++) {
			const char *key = t->revenue.accounts[t->parts[i][k].account].key;
			const struct nrr_sums *y = part_of(other, i, key);

			if (t->n_parts[i] != other->n_parts[i] || !y || memcmp(&t->parts[i][k].sums, y, sizeof *y) != 0)
				return arena_printf(arena, "%s adds %s, in another order %s", key,
				                    sums_text(arena, &t->parts[i][k].sums), y ? sums_text(arena, y) : "nothing");
		}
	return NULL;
}

static const char *same_by_sql(const struct trial *t, int span, enum nrr_by by)
{
	const struct nrr_window *w;
	size_t n = rows_of(t, by, span, &w), n_slow;
	struct slow_row *slow;
	struct err err;

	if (slow_nrr(db, by, arena, &slow, &n_slow, &err) < 0)
		return arena_strdup(arena, err.text);
	if (by == NRR_BY_ALL && !n_slow)
		return n == 1 && !w->sums.start_minor && !w->sums.end_minor ? NULL : "SQL finds nobody";
	for (size_t i = 0; i < n || i < n_slow; i++) {
		if (i >= n || i >= n_slow)
			return arena_printf(arena, "by %s: %zu groups, by SQL %zu", nrr_by_names[by], n, n_slow);
		if ((by != NRR_BY_ALL && strcmp(w[i].group, slow[i].group) != 0) ||
		    memcmp(&w[i].sums, &slow[i].sums, sizeof slow[i].sums) != 0)
			return arena_printf(arena, "span %d by %s: %s %s, by SQL %s %s", span, nrr_by_names[by],
			                    w[i].group ? w[i].group : "", sums_text(arena, &w[i].sums), slow[i].group,
			                    sums_text(arena, &slow[i].sums));
	}
	return NULL;
}

/* the search ------------------------------------------------------------------------------------------------------- */

/* In how many books each of the sums was something. */
static int n_met[ARRAY_LEN(names)];

static void note_met(const struct trial *t)
{
	const int64_t *values = (const int64_t *)&whole(t, 0)->sums;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		n_met[i] += values[i] != 0;
}

static const char *wrong_with(const struct random_book *rows, const struct nrr_policy *policy)
{
	bool is_ordered = rows->number % ORDERED_EACH == 0;
	struct trial t, other;
	const char *wrong;
	uint64_t seed = rows->number;
	struct err err;
	int span;

	if ((is_ordered && (wrong = work_out(rows, policy, 1 + random_next(&seed), &other))) ||
	    (wrong = work_out(rows, policy, 0, &t)) || (wrong = every_row_is_sound(&t)) ||
	    (wrong = contributions_add_up(&t)) || (wrong = groups_add_up(&t)) ||
	    (is_ordered && (wrong = are_same(&t, &other))))
		return wrong;
	span = random_upto(&seed, RANDOM_SPANS);
	if (slow_nrr_prepare(db, &(struct slow_query){ policy, rows->as_of, "EUR", only_of(rows),
	                                               t.spans[span] }, &err) < 0)
		return arena_strdup(arena, err.text);
	note_met(&t);
	if (kind_of(rows->number) == BY_ANY)
		return NULL;
	for (int by = 0; by < N_NRR_BY && !wrong; by++)
		wrong = same_by_sql(&t, span, (enum nrr_by)by);
	return wrong;
}

/* Leaves out every row without which the same kind of thing is still wrong, so that a person can read what is left. */
static const char *made_small(struct random_book *rows, const struct nrr_policy *policy, const char *wrong)
{
	bool is_smaller = true;

	while (is_smaller) {
		is_smaller = false;
		for (size_t i = 0; i < rows->n_rows; i++) {
			const char *still;

			if (rows->is_left_out[i])
				continue;
			rows->is_left_out[i] = true;
			still = wrong_with(rows, policy);
			if (still && strncmp(still, wrong, SAME_KIND) == 0) {
				wrong = still;
				is_smaller = true;
			} else {
				rows->is_left_out[i] = false;
			}
		}
	}
	return wrong;
}

static void tell(struct random_book *rows, const struct nrr_policy *policy, const char *wrong)
{
	const char *line;

	wrong = made_small(rows, policy, wrong);
	(void)printf("book %" PRIu64 ": %s\n", rows->number, wrong);
	for (size_t i = 0; i < rows->n_rows; i++)
		if (!rows->is_left_out[i])
			(void)printf("  %s\n", rows->rows[i]);
	for (int i = 0; i < RANDOM_SPANS; i++)
		(void)printf("  span %d: %s to %s\n", i, day_text(arena, rows->from[i]), day_text(arena, rows->to[i]));
	(void)printf("  as of %s\n", day_text(arena, rows->as_of));
	for (size_t i = 0; (line = nrr_policy_line(policy, i, arena)); i++)
		(void)printf("  %s\n", line);
	fail_msg("book %" PRIu64 ": %s", rows->number, wrong);
}

static int open_store(void **state)
{
	struct err err;

	(void)state;
	arena = arena_new(0);
	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0 || slow_nrr_open(db, &err) < 0 ||
	    db_run(db, "PRAGMA foreign_keys = OFF", &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

static void books_at_random_keep_every_rule_and_agree_with_plain_sql(void **state)
{
	const char *only = getenv("RETAIND_BOOK");

	(void)state;
	for (uint64_t number = 1; number <= N_BOOKS; number++) {
		const struct nrr_policy policy = policy_of(number);
		struct random_book rows;
		const char *wrong;

		if (only && number != strtoull(only, NULL, 10))
			continue;
		arena_reset(arena);
		random_book_make(number, kind_of(number) == BY_ANY, arena, &rows);
		wrong = wrong_with(&rows, &policy);
		if (wrong)
			tell(&rows, &policy, wrong);
	}
	for (size_t i = 0; !only && i < ARRAY_LEN(names); i++)
		if (n_met[i] < LEAST_MET)
			fail_msg("%s in %d books only", names[i], n_met[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(books_at_random_keep_every_rule_and_agree_with_plain_sql, open_store,
		                                close_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
