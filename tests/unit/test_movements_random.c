/* What must hold of movements, and of windows that add them up, whatever the book and the policy. */
#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "random_book.h"
#include "score/movements.h"
#include "store/migrate.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { N_BOOKS = 500 };
#else
enum { N_BOOKS = 1500 };
#endif
enum { N_HEAVY = 60000, N_ORDERED = 300 };

static struct db *db;
static struct arena *arena;
static uint64_t number; /* of the book at hand */
static struct err err;

#define HOLDS(left, right)                                                                                             \
	do {                                                                                                           \
		long long left_ = (long long)(left), right_ = (long long)(right);                                          \
		if (left_ != right_)                                                                                       \
			fail_msg("book %llu: %s is %lld, not %lld", (unsigned long long)number, #left, left_, right_);         \
	} while (0)

static int open_store(void **state)
{
	(void)state;
	arena = arena_new(0);
	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0 ||
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

static bool one_in(uint64_t *seed, int n)
{
	return random_upto(seed, n) == 0;
}

static struct nrr_policy policy_of(uint64_t *seed)
{
	static const char *const presets[] = { "default", "chartmogul", "profitwell", "stripe" };
	struct nrr_policy p = *nrr_preset(presets[random_upto(seed, (int)ARRAY_LEN(presets))]);

	p.method = NRR_MOVEMENT_SUM;
	p.rate_age_days = 1000000;
	p.new_and_gone = one_in(seed, 2) ? NEW_AND_GONE_BOTH : NEW_AND_GONE_IGNORED;
	p.back_in_cohort = one_in(seed, 3) ? BACK_STRICT : BACK_COUNTED;
	p.back_outside = one_in(seed, 3) ? BACK_CREDITED : BACK_EXCLUDED;
	p.back_after_days = one_in(seed, 4) ? random_upto(seed, 40) : 0;
	p.back_within_days = one_in(seed, 3) ? random_upto(seed, 90) : 0;
	p.churn_date = (enum nrr_churn_date)random_upto(seed, 3);
	p.past_due_days = random_upto(seed, 60) - 1;
	p.fx = (enum nrr_fx)random_upto(seed, 3);
	p.credits = one_in(seed, 3) ? CREDITS_NEGATIVE : CREDITS_EXCLUDED;
	p.free_plan = one_in(seed, 2) ? FREE_IS_CANCELLED : FREE_IS_ACTIVE;
	p.addon = one_in(seed, 2) ? ADDON_IS_CHURN : ADDON_IS_CONTRACTION;
	p.paused = one_in(seed, 2) ? PAUSED_KEEPS : PAUSED_IS_ZERO;
	p.parents = one_in(seed, 2) ? PARENTS_ROLLED_UP : PARENTS_SEPARATE;
	p.group_days = one_in(seed, 4) ? random_upto(seed, 10) : 0;
	return p;
}

/* Rates between all that random books are in, that move. */
static void put_rates(uint64_t *seed, int32_t first, int32_t last)
{
	static const char *const currencies[] = { "USD", "GBP", "JPY" };
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO rate (source_id, source_key, currency, base, rate_on,"
		" rate_nano) VALUES (1, (SELECT count(*) FROM rate), 'EUR', :currency, :on, :nano)");

	ASSERT_OK(db_run(db, "DELETE FROM rate", &err));
	for (size_t i = 0; i < ARRAY_LEN(currencies); i++)
		for (int32_t day = first - 4000; day <= last; day = day < first - 50 ? first - 50 : day + 25) {
			bind_text(q, ":currency", currencies[i]);
			bind_day(q, ":on", day);
			bind_int(q, ":nano", 900000000 + random_upto(seed, 400000000));
			ASSERT_OK(stmt_run(q, &err));
		}
}

/* One book with one policy, whole. */
struct trial {
	struct revenue revenue;
	struct nrr_policy policy;
	struct book book;
	struct nrr_span spans[RANDOM_SPANS];
	struct nrr_table moves[N_NRR_BY], points[N_NRR_BY];
	struct movement *list[RANDOM_SPANS]; size_t n[RANDOM_SPANS];
};

/* False where amounts are too huge to be told in another currency. */
static bool work_out(const struct random_book *rows, uint64_t order, struct trial *t)
{
	struct revenue_query query = { .as_of = rows->as_of, .default_currency = "EUR" };
	struct book_query committed = { .currency = "EUR" };
	struct nrr_query all = { t->spans, RANDOM_SPANS, (1u << N_NRR_BY) - 1 };
	uint64_t seed = rows->number;

	*t = (struct trial){ .policy = policy_of(&seed) };
	ASSERT_OK(random_book_put(rows, order, db, arena, &err));
	put_rates(&seed, rows->from[0], rows->as_of);
	for (int i = 0; i < RANDOM_SPANS; i++)
		t->spans[i] = (struct nrr_span){ rows->from[i], rows->to[i] };
	ASSERT_OK(revenue_load(db, &query, arena, &t->revenue, &err));
	ASSERT_OK(book_make(&t->revenue, &t->policy, &committed, arena, &t->book, &err));
	if (nrr_compute(&t->book, &all, arena, t->moves, &err) < 0) {
		assert_true(err.kind == ERR_INPUT && t->book.n_currencies > 1);
		return false;
	}
	for (int i = 0; i < RANDOM_SPANS; i++)
		ASSERT_OK(movements_make(&t->book, t->spans[i], arena, &t->list[i], &t->n[i], &err));
	t->policy.method = NRR_POINT_TO_POINT;
	ASSERT_OK(nrr_compute(&t->book, &all, arena, t->points, &err));
	t->policy.method = NRR_MOVEMENT_SUM;
	return true;
}

static int64_t moved(const struct trial *t, int span, enum movement_kind kind)
{
	int64_t minor = 0;

	for (size_t i = 0; i < t->n[span]; i++)
		minor += t->list[span][i].kind == kind ? t->list[span][i].minor : 0;
	return minor;
}

static void the_list_comes_to_the_window(const struct trial *t, int span)
{
	const struct nrr_sums *s = &t->moves[NRR_BY_ALL].rows[span].sums;
	int64_t churn = -moved(t, span, MOVEMENT_CHURN), unpaid = -moved(t, span, MOVEMENT_INVOLUNTARY);

	HOLDS(s->added_minor, moved(t, span, MOVEMENT_NEW));
	HOLDS(s->reactivation_minor, moved(t, span, MOVEMENT_REACTIVATION));
	HOLDS(s->cross_sell_minor, moved(t, span, MOVEMENT_CROSS_SELL));
	HOLDS(s->expansion_minor, s->cross_sell_minor + moved(t, span, MOVEMENT_UPSELL));
	HOLDS(s->contraction_minor, -moved(t, span, MOVEMENT_CONTRACTION));
	HOLDS(s->involuntary_minor, unpaid);
	HOLDS(s->churn_minor, churn + unpaid);
	HOLDS(s->fx_minor, moved(t, span, MOVEMENT_FX));
}

/* And what is said to have been before each, and behind it, joins without a gap. */
static void movements_of_an_account_follow_each_other(const struct trial *t, int span)
{
	for (size_t i = 0; i < t->n[span]; ) {
		const struct movement *m = &t->list[span][i];
		int64_t start, end, paid;

		ASSERT_OK(nrr_paid_on(&t->book, m->account, t->spans[span].from, t->spans[span].from, &start, &err));
		ASSERT_OK(nrr_paid_on(&t->book, m->account, t->spans[span].to, t->spans[span].from, &end, &err));
		if (end) /* who is at nothing, credits taken off, is not brought back by rates */
			ASSERT_OK(nrr_paid_on(&t->book, m->account, t->spans[span].to, t->spans[span].to, &end, &err));
		for (paid = start; i < t->n[span] && t->list[span][i].account == m->account; ) {
			const struct movement *day = &t->list[span][i];

			HOLDS(day->before_minor, paid);
			for (; i < t->n[span] && t->list[span][i].account == m->account && t->list[span][i].on == day->on &&
			       (t->list[span][i].kind == MOVEMENT_FX) == (day->kind == MOVEMENT_FX); i++)
				paid += t->list[span][i].minor;
			HOLDS(day->after_minor, paid);
			HOLDS(day->on > t->spans[span].from && day->on <= t->spans[span].to, true);
		}
		HOLDS(paid, end);
	}
}

/* Products but for what moves from one to another. */
static void groups_add_up(const struct trial *t, int span)
{
	for (int by = NRR_BY_SEGMENT; by < N_NRR_BY; by++) {
		struct nrr_sums all = t->moves[NRR_BY_ALL].rows[span].sums;
		struct nrr_window sum = { .span = t->spans[span] };

		for (size_t i = 0; i < t->moves[by].n; i++)
			if (memcmp(&t->moves[by].rows[i].span, &t->spans[span], sizeof t->spans[span]) == 0)
				nrr_add(&sum, &t->moves[by].rows[i]);
		HOLDS(sum.sums.start_minor, all.start_minor);
		HOLDS(sum.sums.end_minor, all.end_minor);
		HOLDS(sum.sums.cohort_end_minor, all.cohort_end_minor);
		HOLDS(sum.sums.added_minor, all.added_minor);
		HOLDS(sum.sums.churn_minor, all.churn_minor);
		HOLDS(sum.sums.free_minor, all.free_minor);
		HOLDS(sum.sums.expansion_minor - sum.sums.contraction_minor, all.expansion_minor - all.contraction_minor);
		if (by != NRR_BY_PRODUCT)
			assert_memory_equal(&sum.sums, &all, sizeof all);
	}
}

static void contributions_add_up(const struct trial *t, int span)
{
	struct nrr_window sum = { 0 };
	struct nrr_contribution *parts;
	size_t n;

	ASSERT_OK(nrr_contributions(&t->book, t->spans[span], arena, &parts, &n, &err));
	for (size_t i = 0; i < n; i++)
		nrr_add(&sum, &(struct nrr_window){ .sums = parts[i].sums });
	assert_memory_equal(&sum.sums, &t->moves[NRR_BY_ALL].rows[span].sums, sizeof sum.sums);
}

/* Whatever happened between, the cohort ends with what it pays: only what is kept depends on the method. */
static void both_methods_agree_on_nrr(const struct trial *t, int span)
{
	const struct nrr_sums *moves = &t->moves[NRR_BY_ALL].rows[span].sums;
	const struct nrr_sums *points = &t->points[NRR_BY_ALL].rows[span].sums;

	HOLDS(moves->start_minor, points->start_minor);
	HOLDS(moves->end_minor, points->end_minor);
	HOLDS(moves->fx_minor, points->fx_minor);
	HOLDS(moves->n_end, points->n_end);
	HOLDS(moves->kept_minor >= 0 && moves->kept_minor <= moves->start_minor, true);
	if (t->policy.credits == CREDITS_NEGATIVE || t->policy.back_outside == BACK_CREDITED)
		return;
	HOLDS(moves->kept_minor <= moves->cohort_end_minor, true);
	if (t->policy.back_within_days || t->policy.group_days)
		return;
	HOLDS(moves->cohort_end_minor, points->cohort_end_minor);
	HOLDS(moves->n_churned, points->n_churned);
	HOLDS(moves->returned_minor, points->returned_minor);
	HOLDS(moves->free_minor > 0, points->free_minor > 0);
	HOLDS(moves->kept_minor <= points->kept_minor, true);
}

static void books_at_random_keep_every_rule_of_movements(void **state)
{
	const char *only = getenv("RETAIND_BOOK");
	uint64_t n_books = getenv("RETAIND_HEAVY") || only ? N_HEAVY : N_BOOKS;
	size_t n = 0;

	(void)state;
	for (number = 1; number <= n_books; number++) {
		struct random_book rows;
		struct trial t;
		bool is_told;

		if (only && number != strtoull(only, NULL, 10))
			continue;
		arena_reset(arena);
		random_book_make(number, true, arena, &rows);
		is_told = work_out(&rows, 0, &t);
		for (int span = 0; is_told && span < RANDOM_SPANS; span++) {
			the_list_comes_to_the_window(&t, span);
			movements_of_an_account_follow_each_other(&t, span);
			groups_add_up(&t, span);
			contributions_add_up(&t, span);
			both_methods_agree_on_nrr(&t, span);
			n += t.n[span];
		}
	}
	assert_true(only || n > 5 * N_BOOKS);
}

/* Two windows that join say what one over both does, where nothing depends on the window's ends. */
static void windows_that_join_list_the_same_movements_as_one_over_both(void **state)
{
	(void)state;
	for (number = 1; number <= N_ORDERED; number++) {
		struct movement *whole, *parts[2];
		struct random_book rows;
		struct nrr_span span;
		size_t n, n_parts[2];
		int32_t middle;
		struct trial t;

		arena_reset(arena);
		random_book_make(number, true, arena, &rows);
		if (!work_out(&rows, 0, &t))
			continue;
		t.policy.new_and_gone = NEW_AND_GONE_BOTH;
		t.policy.group_days = 0;
		if (t.policy.credits == CREDITS_NEGATIVE || t.book.n_currencies > 1)
			continue;
		span = t.spans[0];
		middle = span.from + (span.to - span.from) / 2;
		ASSERT_OK(movements_make(&t.book, span, arena, &whole, &n, &err));
		ASSERT_OK(movements_make(&t.book, (struct nrr_span){ span.from, middle }, arena, &parts[0], &n_parts[0], &err));
		ASSERT_OK(movements_make(&t.book, (struct nrr_span){ middle, span.to }, arena, &parts[1], &n_parts[1], &err));
		HOLDS(n, n_parts[0] + n_parts[1]);
		for (size_t i = 0, next[2] = { 0 }; i < n; i++) {
			int part = whole[i].on > middle;

			assert_memory_equal(&whole[i], &parts[part][next[part]], sizeof *whole);
			next[part]++;
		}
	}
}

/* Of the account's source key, for ids differ. */
static int compare_movements(const struct trial *left, const struct movement *a, const struct trial *right,
                             const struct movement *b)
{
	int order = strcmp(left->revenue.accounts[a->account].key, right->revenue.accounts[b->account].key);

	if (order == 0)
		order = (a->on > b->on) - (a->on < b->on);
	if (order == 0)
		order = (int)a->kind - (int)b->kind;
	return order ? order : (a->minor > b->minor) - (a->minor < b->minor);
}

static bool has(const struct trial *t, int span, const struct trial *other, const struct movement *m)
{
	for (size_t i = 0; i < t->n[span]; i++)
		if (compare_movements(t, &t->list[span][i], other, m) == 0)
			return true;
	return false;
}

static void the_order_of_rows_moves_nothing(void **state)
{
	(void)state;
	for (number = 1; number <= N_ORDERED; number++) {
		struct random_book rows;
		struct trial t, other;

		arena_reset(arena);
		random_book_make(number, true, arena, &rows);
		if (!work_out(&rows, 0, &t) || !work_out(&rows, 7, &other))
			continue;
		for (int span = 0; span < RANDOM_SPANS; span++) {
			assert_memory_equal(&t.moves[NRR_BY_ALL].rows[span].sums, &other.moves[NRR_BY_ALL].rows[span].sums,
			                    sizeof(struct nrr_sums));
			HOLDS(t.n[span], other.n[span]);
			for (size_t i = 0; i < t.n[span]; i++)
				HOLDS(has(&other, span, &t, &t.list[span][i]), true);
		}
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
		CASE(books_at_random_keep_every_rule_of_movements),
		CASE(windows_that_join_list_the_same_movements_as_one_over_both),
		CASE(the_order_of_rows_moves_nothing),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
