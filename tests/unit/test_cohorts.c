#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "score/cohorts.h"
#include "score/nrr.h"

enum { MAX_PIECES = 64, N_BOOKS = 2000, EUR = 1, USD = 2 };

static struct arena *arena;
static struct err err;
static struct nrr_policy policy;
static struct revenue facts;
static struct book_piece pieces[MAX_PIECES];
static size_t first[MAX_PIECES + 1];
static size_t n_pieces;

static const char *const names[] = { NULL, "EUR", "USD" };

static int open_book(void **state)
{
	(void)state;
	arena = arena_new(0);
	policy = nrr_default_policy;
	facts = (struct revenue){ .names = names, .n_names = ARRAY_LEN(names) };
	n_pieces = 0;
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int32_t on(const char *text)
{
	int32_t day = REVENUE_OPEN;

	assert_true(!text || day_parse(text, &day));
	return day;
}

static void put_piece(int32_t account, int32_t from, int32_t to, int64_t minor)
{
	assert_true(n_pieces < MAX_PIECES);
	pieces[n_pieces++] = (struct book_piece){ .account = account, .from = from, .to = to, .minor = minor,
		.currency = EUR };
	if ((size_t)account >= facts.n_accounts)
		facts.n_accounts = (size_t)account + 1;
}

/* Accounts are numbered from 0 and come in order. */
static void put(int32_t account, const char *from, const char *to, int64_t minor)
{
	put_piece(account, on(from), on(to), minor);
}

static struct book the_book(int32_t as_of)
{
	struct revenue_account *accounts = arena_array(arena, facts.n_accounts + 1, sizeof *accounts);
	size_t at = 0;

	for (size_t i = 0; i < facts.n_accounts; i++) {
		accounts[i] = (struct revenue_account){ .id = (int64_t)i + 1, .key = "k", .name = "n", .parent = -1 };
		first[i] = at;
		while (at < n_pieces && pieces[at].account == (int32_t)i)
			at++;
	}
	first[facts.n_accounts] = at;
	assert_int_equal(at, n_pieces);
	facts.accounts = accounts;
	facts.as_of = as_of;
	return (struct book){ .facts = &facts, .policy = &policy, .pieces = pieces, .n_pieces = n_pieces, .first = first,
		.currency = "EUR", .currency_name = EUR, .n_currencies = 2 };
}

static struct cohorts triangle_on(const char *as_of)
{
	struct book b = the_book(on(as_of));
	struct cohorts out;

	ASSERT_OK(cohorts_make(&b, on(as_of), arena, &out, &err));
	return out;
}

static void an_account_is_looked_at_on_its_first_day_plus_whole_months(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-10", "2025-02-10", 100);
	put(0, "2025-02-10", "2025-04-09", 150);
	put(0, "2025-04-09", NULL, 40);
	c = triangle_on("2025-04-10");
	ASSERT_INT(c.n, 1);
	assert_string_equal(c.rows[0].name, "2025-01");
	ASSERT_INT(c.rows[0].month, on("2025-01-01"));
	ASSERT_INT(c.rows[0].n_cells, 4);
	ASSERT_INT(c.rows[0].start_minor, 100);
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 150);
	ASSERT_INT(c.rows[0].cells[1].kept_minor, 100);
	ASSERT_INT(c.rows[0].cells[3].paid_minor, 40);
	ASSERT_NEAR(cohort_nrr(&c.rows[0], 2), 1.5, 1e-12);
	ASSERT_NEAR(cohort_grr(&c.rows[0], 3), 0.4, 1e-12);
}

static void who_leaves_within_the_first_month_is_not_hidden(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-02", "2025-01-30", 100);
	put(1, "2025-01-01", "2025-02-01", 100);
	put(2, "2025-01-15", NULL, 200);
	c = triangle_on("2025-03-01");
	ASSERT_INT(c.rows[0].n_accounts, 3);
	ASSERT_INT(c.rows[0].start_minor, 400);
	ASSERT_INT(c.rows[0].cells[0].n_logos, 3);
	ASSERT_INT(c.rows[0].cells[1].n_logos, 1);
	ASSERT_NEAR(cohort_logos(&c.rows[0], 1), 1.0 / 3, 1e-12);
	ASSERT_NEAR(cohort_nrr(&c.rows[0], 1), 0.5, 1e-12);
}

static void a_cell_is_there_once_the_youngest_account_is_that_old(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-05", NULL, 100);
	put(1, "2025-01-31", NULL, 100);
	c = triangle_on("2025-02-27");
	ASSERT_INT(c.rows[0].n_cells, 1);
	c = triangle_on("2025-02-28"); /* where the 31st falls in February */
	ASSERT_INT(c.rows[0].n_cells, 2);
	c = triangle_on("2025-03-10");
	ASSERT_INT(c.rows[0].n_cells, 2);
	c = triangle_on("2025-03-31");
	ASSERT_INT(c.rows[0].n_cells, 3);
	ASSERT_INT(c.most_cells, 3);
}

static void months_without_a_new_account_have_no_row(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-05", NULL, 100);
	put(1, "2025-04-01", NULL, 70);
	c = triangle_on("2025-06-01");
	ASSERT_INT(c.n, 2);
	assert_string_equal(c.rows[1].name, "2025-04");
	ASSERT_INT(c.rows[1].n_cells, 3);
	ASSERT_INT(c.most_cells, 5);
}

static void who_comes_back_counts_and_not_under_the_strict_rule(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-01", "2025-02-01", 100);
	put(0, "2025-03-01", NULL, 80);
	c = triangle_on("2025-03-01");
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 0);
	ASSERT_INT(c.rows[0].cells[2].paid_minor, 80);
	policy.back_in_cohort = BACK_STRICT;
	c = triangle_on("2025-03-01");
	ASSERT_INT(c.rows[0].cells[0].paid_minor, 100);
	ASSERT_INT(c.rows[0].cells[2].paid_minor, 0);
	ASSERT_INT(c.rows[0].cells[2].n_logos, 0);
}

static void who_was_away_for_too_long_is_not_of_its_cohort_any_more(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-01", "2025-02-01", 100);
	put(0, "2025-03-01", NULL, 80);
	policy.back_within_days = 28;
	c = triangle_on("2025-03-01");
	ASSERT_INT(c.rows[0].cells[2].paid_minor, 80);
	policy.back_within_days = 27;
	c = triangle_on("2025-03-01");
	ASSERT_INT(c.rows[0].cells[2].paid_minor, 0);
	ASSERT_INT(c.rows[0].cells[2].n_logos, 0);
}

static void the_strict_rule_sees_a_gap_between_two_marks(void **state)
{
	struct cohorts c;

	(void)state;
	policy.back_in_cohort = BACK_STRICT;
	put(0, "2025-01-01", "2025-01-10", 100);
	put(0, "2025-01-20", NULL, 100);
	c = triangle_on("2025-02-01");
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 0);
}

static void a_free_plan_keeps_the_logo_where_it_is_active_and_no_revenue(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-01", "2025-02-01", 100);
	put(0, "2025-02-01", NULL, 0);
	pieces[n_pieces - 1].is_free = true;
	policy.free_plan = FREE_IS_ACTIVE;
	c = triangle_on("2025-02-01");
	ASSERT_INT(c.rows[0].cells[1].n_logos, 1);
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 0);
	policy.free_plan = FREE_IS_CANCELLED;
	c = triangle_on("2025-02-01");
	ASSERT_INT(c.rows[0].cells[1].n_logos, 0);
}

static void accounts_without_a_first_day_are_counted_apart_and_future_ones_not_at_all(void **state)
{
	struct cohorts c;

	(void)state;
	put_piece(0, REVENUE_BEGINNING, REVENUE_OPEN, 100);
	put(1, "2025-07-01", NULL, 100);
	put(2, "1950-01-01", NULL, 100);
	put(3, "2025-01-01", "2025-02-01", 0);
	put(4, "2025-05-01", NULL, 100);
	c = triangle_on("2025-06-30");
	ASSERT_INT(c.n, 1);
	ASSERT_INT(c.rows[0].n_accounts, 1);
	ASSERT_INT(c.n_undated, 2);
}

static void an_empty_book_has_no_rows(void **state)
{
	struct cohorts c;

	(void)state;
	c = triangle_on("2025-06-30");
	ASSERT_INT(c.n, 0);
	ASSERT_INT(c.most_cells, 0);
}

static void a_credit_that_eats_all_moves_the_first_day(void **state)
{
	struct cohorts c;

	(void)state;
	put(0, "2025-01-01", "2025-02-15", -100);
	put(0, "2025-01-01", NULL, 100);
	c = triangle_on("2025-03-15");
	ASSERT_INT(c.n, 1);
	assert_string_equal(c.rows[0].name, "2025-02");
	ASSERT_INT(c.rows[0].start_minor, 100);
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 100);
}

static void amounts_in_another_currency_keep_the_rate_of_the_first_day_or_not(void **state)
{
	static const struct revenue_rate rates[] = {
		{ USD, EUR, 0, 1100000000 }, { USD, EUR, 0, 1000000000 },
	};
	struct revenue_rate dated[ARRAY_LEN(rates)];
	struct cohorts c;

	(void)state;
	memcpy(dated, rates, sizeof dated);
	dated[0].on = on("2025-01-01");
	dated[1].on = on("2025-01-20");
	facts.rates = dated;
	facts.n_rates = ARRAY_LEN(dated);
	put(0, "2025-01-01", NULL, 100);
	pieces[0].currency = USD;
	c = triangle_on("2025-02-01");
	ASSERT_INT(c.rows[0].start_minor, 110);
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 110);
	policy.fx = FX_SPOT;
	policy.rate_age_days = 60;
	c = triangle_on("2025-02-01");
	ASSERT_INT(c.rows[0].start_minor, 110);
	ASSERT_INT(c.rows[0].cells[1].paid_minor, 100);
}

static void a_missing_rate_names_currency_and_day(void **state)
{
	struct cohorts c;
	struct book b;

	(void)state;
	put(0, "2025-01-01", NULL, 100);
	pieces[0].currency = USD;
	b = the_book(on("2025-02-01"));
	ASSERT_INT(cohorts_make(&b, on("2025-02-01"), arena, &c, &err), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "USD"));
	assert_non_null(strstr(err.text, "2025-01-01"));
}

static uint64_t seed = 20260301;

static int32_t pick(int32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int32_t)((seed >> 33) % (uint64_t)n);
}

/* Pieces of two currencies and two products, in the order of a book. */
static void put_random_book(int32_t base)
{
	facts.n_accounts = 0;
	n_pieces = 0;
	for (int32_t account = 0; account < 6; account++) {
		int32_t from = base + pick(200);

		for (int32_t i = pick(5); i > 0; i--) {
			put_piece(account, from, pick(3) ? from + 1 + pick(120) : REVENUE_OPEN, pick(8) ? pick(500) : -pick(200));
			pieces[n_pieces - 1].currency = pick(2) ? EUR : USD;
			pieces[n_pieces - 1].product = (uint16_t)pick(2);
			from += pick(90);
		}
	}
	facts.n_accounts = 6;
}

/* One cell from the accounts up, day by day. */
static struct cohort_cell slow_cell(const struct book *b, int32_t base, int32_t as_of, const struct cohort *c, size_t k,
                                    int64_t *out_start)
{
	struct cohort_cell cell = { 0 };

	*out_start = 0;
	for (int32_t i = 0; i < (int32_t)facts.n_accounts; i++) {
		int64_t start = 0, paid;
		int32_t day = base;

		for (; day <= as_of && start == 0; day++)
			ASSERT_OK(nrr_paid_on(b, i, day, day, &start, &err));
		day--;
		if (start == 0 || day < c->month || day >= day_add_months(c->month, 1))
			continue;
		ASSERT_OK(nrr_paid_on(b, i, day_add_months(day, (int)k), day, &paid, &err));
		*out_start += start;
		cell.n_logos += paid > 0;
		cell.paid_minor += paid;
		cell.kept_minor += paid < start ? paid : start;
	}
	return cell;
}

static void every_cell_of_random_books_equals_the_slow_sum(void **state)
{
	int32_t base = on("2024-01-15"), as_of = on("2024-12-20");
	struct revenue_rate rate = { USD, EUR, base, 917300000 };
	size_t n_cells = 0;

	(void)state;
	facts.rates = &rate;
	facts.n_rates = 1;
	policy.rate_age_days = 1000;
	for (int i = 0; i < N_BOOKS; i++) {
		struct book b;
		struct cohorts c;

		arena_reset(arena);
		put_random_book(base);
		b = the_book(as_of);
		ASSERT_OK(cohorts_make(&b, as_of, arena, &c, &err));
		for (size_t row = 0; row < c.n; row++)
			for (size_t k = 0; k < c.rows[row].n_cells; k++, n_cells++) {
				int64_t start;
				struct cohort_cell slow = slow_cell(&b, base, as_of, &c.rows[row], k, &start);

				ASSERT_INT(c.rows[row].start_minor, start);
				ASSERT_INT(c.rows[row].cells[k].n_logos, slow.n_logos);
				ASSERT_INT(c.rows[row].cells[k].paid_minor, slow.paid_minor);
				ASSERT_INT(c.rows[row].cells[k].kept_minor, slow.kept_minor);
			}
	}
	assert_true(n_cells > 20 * N_BOOKS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_account_is_looked_at_on_its_first_day_plus_whole_months),
		TEST(who_leaves_within_the_first_month_is_not_hidden),
		TEST(a_cell_is_there_once_the_youngest_account_is_that_old),
		TEST(months_without_a_new_account_have_no_row),
		TEST(who_comes_back_counts_and_not_under_the_strict_rule),
		TEST(who_was_away_for_too_long_is_not_of_its_cohort_any_more),
		TEST(the_strict_rule_sees_a_gap_between_two_marks),
		TEST(a_free_plan_keeps_the_logo_where_it_is_active_and_no_revenue),
		TEST(accounts_without_a_first_day_are_counted_apart_and_future_ones_not_at_all),
		TEST(an_empty_book_has_no_rows),
		TEST(a_credit_that_eats_all_moves_the_first_day),
		TEST(amounts_in_another_currency_keep_the_rate_of_the_first_day_or_not),
		TEST(a_missing_rate_names_currency_and_day),
		TEST(every_cell_of_random_books_equals_the_slow_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
