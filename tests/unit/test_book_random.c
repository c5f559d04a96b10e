/* Whatever the rules: books at random under policies at random leave no residual, add up, and don't depend on the order
 * of rows; switches that only class what happened change neither end of a window. */
#include "cmocka_shim.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "random_book.h"
#include "score/nrr.h"
#include "store/migrate.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { N_BOOKS = 500 };
#else
enum { N_BOOKS = 1500 };
#endif
enum { LEAST_MET = N_BOOKS / 100 };

static struct db *db;
static struct arena *arena;
static struct err err;
static uint64_t seed;
static uint64_t at_hand; /* the book; 0: all were done */
static int n_met[sizeof(struct nrr_sums) / sizeof(int64_t)]; /* in how many books each of the sums was something */

static int pick(int n)
{
	return random_upto(&seed, n);
}

/* Terms that the rows at random don't have: ends that were asked for and paid beyond, free plans, bills, rates. */
static void add_terms(const struct random_book *rows)
{
	int32_t first = rows->from[0];
	int due = pick(90) - 60, paid = 130 + pick(60), free_on = pick(200);

	ASSERT_OK(db_run(db, arena_printf(arena,
		"DELETE FROM invoice; DELETE FROM rate;"
		"UPDATE subscription SET paid_until_on = end_on + mrr_minor %% 70 WHERE mrr_minor %% 3 = 0;"
		"UPDATE subscription SET cancel_notice_on = end_on - 5 - mrr_minor %% 60 WHERE mrr_minor %% 4 = 0;"
		"UPDATE subscription SET end_reason = 'unpaid' WHERE mrr_minor %% 5 = 0;"
		"INSERT INTO subscription (source_id, source_key, account_id, mrr_minor, start_on) SELECT 1, 'f' || source_key, id,"
		" 0, %d FROM account WHERE substr(source_key, 2) %% 2 = 1;"
		"INSERT INTO invoice (source_id, source_key, account_id, due_on, paid_on) SELECT 1, 'p' || source_key, id, %d, %d"
		" FROM account;"
		"INSERT INTO invoice (source_id, source_key, account_id, due_on, paid_on) SELECT 1, 'q' || source_key, id,"
		" %d + 40 * substr(source_key, 2), CASE substr(source_key, 2) %% 2 WHEN 0 THEN %d END FROM account",
		first + free_on, first - 700, first - 701, first + due, first + paid), &err));
	for (int i = 0; i < 4; i++) {
		int dollar = 800000000 + pick(400000000), yen = 100000000 + pick(100000000);

		ASSERT_OK(db_run(db, arena_printf(arena,
			"INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano) VALUES"
			" (1, 'u%d', 'USD', 'EUR', %d, %d), (1, 'j%d', 'EUR', 'JPY', %d, %d000)", i, i ? first + 90 * i : -100000,
			dollar, i, i ? first + 60 * i : -100000, yen), &err));
	}
}

static void draw_merges(struct nrr_policy *p, int32_t day)
{
	static const char *const keys[] = { "a0", "a1", "a2", "a3", "a4" };
	struct nrr_merge *m = arena_array(arena, 2, sizeof *m);
	int n = pick(3);

	m[0] = (struct nrr_merge){ keys[0], keys[1 + pick(4)], day };
	m[1] = (struct nrr_merge){ keys[1], keys[2 + pick(3)], day + 1 };
	p->merges = (struct yaml_array){ .at = m, .n = (size_t)n };
}

static struct nrr_policy draw_policy(const struct random_book *rows)
{
	struct nrr_policy p = nrr_default_policy;

	p.method = (enum nrr_method)pick(2);
	p.new_and_gone = (enum nrr_new_and_gone)pick(2);
	p.back_in_cohort = (enum nrr_back_in_cohort)pick(2);
	p.back_outside = (enum nrr_back_outside)pick(2);
	p.back_after_days = pick(3) ? 0 : pick(60);
	p.back_within_days = pick(3) ? 0 : p.back_after_days + 1 + pick(200);
	p.churn_date = (enum nrr_churn_date)pick(3);
	p.past_due_days = pick(3) ? 10 * pick(12) : -1;
	p.fx = (enum nrr_fx)pick(3);
	p.discounts = (enum nrr_discounts)pick(3);
	p.credits = (enum nrr_credits)pick(2);
	p.free_plan = (enum nrr_free_plan)pick(2);
	p.addon = (enum nrr_addon)pick(2);
	p.paused = (enum nrr_paused)pick(2);
	p.usage = (enum nrr_usage)pick(3);
	p.segment = (enum nrr_segment)pick(2);
	p.parents = (enum nrr_parents)pick(2);
	p.group_days = pick(2) ? 0 : pick(40);
	p.rate_age_days = 200000;
	p.owner_book.assigned_before_end_days = pick(10);
	p.owner_book.min_hold_days = pick(2) ? pick(40) : 0;
	p.owner_book.drop_grace_days = pick(40);
	p.owner_book.unmanaged_grace_days = pick(120);
	draw_merges(&p, rows->as_of);
	return p;
}

struct result {
	struct book book;
	struct nrr_table tables[N_NRR_BY];
	struct nrr_sums whole[RANDOM_SPANS];
};

static void work_out(const struct random_book *rows, const struct nrr_policy *policy, struct result *r)
{
	struct nrr_policy *p = arena_memdup(arena, policy, sizeof *policy);
	struct revenue *facts = arena_alloc(arena, sizeof *facts);
	struct book_query query = { .currency = "EUR" };
	struct nrr_span spans[RANDOM_SPANS];

	for (int i = 0; i < RANDOM_SPANS; i++)
		spans[i] = (struct nrr_span){ rows->from[i], rows->to[i] };
	ASSERT_OK(revenue_load(db, &(struct revenue_query){ rows->as_of, "EUR" }, arena, facts, &err));
	ASSERT_OK(book_make(facts, p, &query, arena, &r->book, &err));
	ASSERT_OK(nrr_compute(&r->book, &(struct nrr_query){ spans, RANDOM_SPANS, (1u << N_NRR_BY) - 1 }, arena, r->tables,
	                      &err));
	for (int i = 0; i < RANDOM_SPANS; i++)
		r->whole[i] = r->tables[NRR_BY_ALL].rows[i].sums;
}

static bool is_same(const struct nrr_sums *a, const struct nrr_sums *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static void check_parts(const struct random_book *rows, const struct result *r, int span)
{
	struct nrr_contribution *parts;
	struct nrr_window sum = { 0 };
	size_t n;

	ASSERT_OK(nrr_contributions(&r->book, (struct nrr_span){ rows->from[span], rows->to[span] }, arena, &parts, &n,
	                            &err));
	for (size_t i = 0; i < n; i++)
		nrr_add(&sum, &(struct nrr_window){ .sums = parts[i].sums, .why_none = "" });
	assert_true(is_same(&sum.sums, &r->whole[span]));
}

/* Products move revenue between them, and a contract that is dropped may be churn of one and growth of another. */
static void check_products(const struct nrr_sums *s, const struct nrr_sums *whole)
{
	ASSERT_INT(s->start_minor, whole->start_minor);
	ASSERT_INT(s->end_minor, whole->end_minor);
	ASSERT_INT(s->added_minor, whole->added_minor);
	ASSERT_INT(s->reactivation_minor, whole->reactivation_minor);
	ASSERT_INT(s->fx_minor, whole->fx_minor);
	ASSERT_INT(s->cohort_end_minor, whole->cohort_end_minor);
	ASSERT_INT(s->expansion_minor - s->contraction_minor - s->churn_minor,
	           whole->expansion_minor - whole->contraction_minor - whole->churn_minor);
}

static void check_groups(const struct random_book *rows, const struct result *r, int span)
{
	for (int by = NRR_BY_SEGMENT; by < N_NRR_BY; by++) {
		struct nrr_window sum = { 0 };

		for (size_t i = 0; i < r->tables[by].n; i++)
			if (r->tables[by].rows[i].span.from == rows->from[span] && r->tables[by].rows[i].span.to == rows->to[span])
				nrr_add(&sum, &r->tables[by].rows[i]);
		if (by == NRR_BY_PRODUCT)
			check_products(&sum.sums, &r->whole[span]);
		else
			assert_true(is_same(&sum.sums, &r->whole[span]));
	}
}

static void check_window(const struct nrr_policy *p, const struct nrr_window *w)
{
	const struct nrr_sums *s = &w->sums;

	ASSERT_INT(s->start_minor + s->added_minor + s->expansion_minor + s->reactivation_minor - s->contraction_minor -
	           s->churn_minor + s->fx_minor, s->end_minor);
	assert_true(s->n_churned >= 0 && s->n_churned <= s->n_start);
	assert_true(s->free_minor >= 0 && s->churn_minor >= s->free_minor);
	assert_true(s->kept_minor >= 0 && s->kept_minor <= s->start_minor);
	assert_true((s->start_minor > 0) == !w->why_none);
	if (p->method == NRR_POINT_TO_POINT)
		assert_true(s->kept_minor <= s->cohort_end_minor && w->grr <= 1 && w->grr <= w->nrr);
}

/* Switches that only class what happened: both ends stay. */
enum rule {
	RULE_METHOD, RULE_GROUPS, RULE_IN_COHORT, RULE_OUTSIDE, RULE_WITHIN, RULE_FREE, RULE_ADDON, RULE_SEGMENT,
	RULE_OWNERS, RULE_FX, N_RULES
};

static void turn(struct nrr_policy *p, enum rule rule)
{
	const struct nrr_policy was = *p;

	p->method = rule == RULE_METHOD ? !was.method : was.method;
	p->new_and_gone = rule == RULE_GROUPS ? !was.new_and_gone : was.new_and_gone;
	p->group_days = rule == RULE_GROUPS ? 20 - was.group_days / 2 : was.group_days;
	p->back_in_cohort = rule == RULE_IN_COHORT ? !was.back_in_cohort : was.back_in_cohort;
	p->back_outside = rule == RULE_OUTSIDE ? !was.back_outside : was.back_outside;
	p->back_within_days = rule == RULE_WITHIN ? was.back_after_days + 30 : was.back_within_days;
	p->free_plan = rule == RULE_FREE ? !was.free_plan : was.free_plan;
	p->addon = rule == RULE_ADDON ? !was.addon : was.addon;
	p->segment = rule == RULE_SEGMENT ? !was.segment : was.segment;
	p->owner_book.min_hold_days += rule == RULE_OWNERS ? 10 : 0;
	if (rule == RULE_FX && was.fx != FX_PURCHASE)
		p->fx = was.fx == FX_SPOT ? FX_CONSTANT : FX_SPOT;
}

static void check_turned(const struct random_book *rows, const struct nrr_policy *policy, const struct result *r)
{
	struct nrr_policy turned = *policy;
	struct result other;
	enum rule rule = (enum rule)pick(N_RULES);

	turn(&turned, rule);
	work_out(rows, &turned, &other);
	for (int i = 0; i < RANDOM_SPANS; i++) {
		const struct nrr_sums *a = &r->whole[i], *b = &other.whole[i];

		ASSERT_INT(a->start_minor, b->start_minor);
		ASSERT_INT(a->end_minor, b->end_minor);
		ASSERT_INT(a->n_start, b->n_start);
		ASSERT_INT(a->n_end, b->n_end);
		if (rule == RULE_FREE || rule == RULE_ADDON)
			assert_true(a->cohort_end_minor == b->cohort_end_minor && a->kept_minor == b->kept_minor &&
			            a->churn_minor + a->contraction_minor == b->churn_minor + b->contraction_minor);
		if (rule == RULE_SEGMENT || rule == RULE_OWNERS)
			assert_true(is_same(a, b));
	}
}

static void note_met(const struct nrr_sums *s)
{
	for (size_t i = 0; i < ARRAY_LEN(n_met); i++)
		n_met[i] += ((const int64_t *)s)[i] != 0;
}

static void books_under_any_policy_leave_no_residual_and_add_up(void **state)
{
	(void)state;
	for (uint64_t number = 1; number <= N_BOOKS; number++) {
		struct random_book rows;
		struct nrr_policy policy;
		struct result r, other;
		uint64_t terms;

		arena_reset(arena);
		at_hand = number;
		seed = number * 7919;
		random_book_make(number, true, arena, &rows);
		policy = draw_policy(&rows);
		terms = seed;
		ASSERT_OK(random_book_put(&rows, 1 + random_next(&seed), db, arena, &err));
		seed = terms;
		add_terms(&rows);
		work_out(&rows, &policy, &other);
		ASSERT_OK(random_book_put(&rows, 0, db, arena, &err));
		seed = terms;
		add_terms(&rows);
		work_out(&rows, &policy, &r);
		for (int i = 0; i < RANDOM_SPANS; i++) {
			check_window(&policy, &r.tables[NRR_BY_ALL].rows[i]);
			check_parts(&rows, &r, i);
			check_groups(&rows, &r, i);
			assert_true(is_same(&r.whole[i], &other.whole[i]));
		}
		check_turned(&rows, &policy, &r);
		note_met(&r.whole[0]);
	}
	at_hand = 0;
	for (size_t i = 0; i < ARRAY_LEN(n_met); i++)
		if (n_met[i] < LEAST_MET)
			fail_msg("sum %zu is something in %d books only", i, n_met[i]);
}

static int open_store(void **state)
{
	(void)state;
	arena = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db, "PRAGMA foreign_keys = OFF", &err));
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	if (at_hand)
		print_message("           book %" PRIu64 "\n", at_hand);
	db_close(db);
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(books_under_any_policy_leave_no_residual_and_add_up, open_store, close_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
