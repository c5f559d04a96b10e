#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "score/forecast.h"
#include "score/forecast_check.h"
#include "store/migrate.h"

/* A book that is made line by line: today is the first of January 2026. */
enum { MOST_LINES = 20000, MOST_ACCOUNTS = 4000, EUR = 1, MONTHS_BACK = 36 };

static struct arena *arena;
static struct err err;
static struct revenue_account *accounts;
static struct revenue_line *lines;
static struct revenue facts;
static struct forecast_hint *hints;
static struct nrr_policy policy;
static int32_t today;

static int open_book(void **state)
{
	static const char *const names[] = { NULL, "EUR" };

	(void)state;
	arena = arena_new(0);
	today = day_of(2026, 1, 1);
	accounts = arena_array(arena, MOST_ACCOUNTS, sizeof *accounts);
	lines = arena_array(arena, MOST_LINES, sizeof *lines);
	hints = arena_array(arena, MOST_ACCOUNTS, sizeof *hints);
	facts = (struct revenue){ .accounts = accounts, .lines = lines, .names = names, .n_names = 2, .as_of = today };
	policy = nrr_default_policy;
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* The key is the account's name everywhere: ids may differ. */
static void add_account(const char *key)
{
	accounts[facts.n_accounts] = (struct revenue_account){ .id = (int64_t)facts.n_accounts + 1, .parent = -1,
		.key = arena_strdup(arena, key) };
	hints[facts.n_accounts] = (struct forecast_hint){ .account = (int64_t)facts.n_accounts + 1,
		.renewal_on = DAY_NONE, .risk = -1, .readiness = -1 };
	facts.n_accounts++;
}

/* Of the last account that was added; months from today, to exclusive. */
static struct revenue_line *add_line(int from, int to, int64_t minor)
{
	struct revenue_line *line = &lines[facts.n_lines++];

	assert_true(facts.n_lines <= MOST_LINES && facts.n_accounts <= MOST_ACCOUNTS);
	*line = (struct revenue_line){ .contract = (int64_t)facts.n_lines, .minor = minor, .account =
		(int32_t)facts.n_accounts - 1, .from = day_add_months(today, from),
		.to = to > 0 ? REVENUE_OPEN : day_add_months(today, to), .discount_until = REVENUE_OPEN,
		.notice_on = DAY_NONE, .paid_until = DAY_NONE, .currency = EUR, .is_last = true };
	return line;
}

static struct book book(void)
{
	struct book b;

	ASSERT_OK(book_make(&facts, &policy, &(struct book_query){ .currency = "EUR" }, arena, &b, &err));
	return b;
}

static struct forecast forecast_of(int n_quarters)
{
	struct book b = book();
	struct forecast f;
	struct forecast_query query = { .n_quarters = n_quarters, .hints = hints, .n_hints = facts.n_accounts,
		.horizon_days = 90 };

	ASSERT_OK(forecast_make(&b, &query, arena, &f, &err));
	return f;
}

static struct forecast forecast(void)
{
	return forecast_of(FORECAST_MAX_QUARTERS);
}

static double nrr(const struct forecast *f, int quarter, enum forecast_quantile p)
{
	return (double)f->quarters[quarter - 1].end_minor[p] / (double)f->start_minor;
}

static double grr(const struct forecast *f, int quarter, enum forecast_quantile p)
{
	return (double)f->quarters[quarter - 1].kept_minor[p] / (double)f->start_minor;
}

static uint64_t dice_state;

/* splitmix64. */
static double dice(void)
{
	uint64_t x = dice_state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

/* Accounts that began at any time within the last three years and leave at one rate a month. */
static void add_accounts(int n, double loss, int64_t minor)
{
	for (int i = 0; i < n; i++) {
		int from = -MONTHS_BACK + (int)(dice() * MONTHS_BACK), to = from + 1;

		while (to <= 0 && dice() >= loss)
			to++;
		add_account(arena_printf(arena, "a%d", i));
		add_line(from, to, minor);
	}
}

/* history ---------------------------------------------------------------------------------------------------------- */

static void two_months_of_history_are_too_few_and_the_reason_says_since_when(void **state)
{
	struct forecast f;

	(void)state;
	add_account("a");
	add_line(-2, 1, 1000);
	f = forecast();
	assert_non_null(f.why_none);
	assert_non_null(strstr(f.why_none, "insufficient history"));
	assert_non_null(strstr(f.why_none, "2025-11-01"));
}

static void nobody_who_pays_today_gives_a_reason(void **state)
{
	struct forecast f;

	(void)state;
	add_account("a");
	add_line(-12, -1, 1000);
	f = forecast();
	assert_non_null(strstr(f.why_none, "no recurring revenue on 2026-01-01"));
}

static void an_empty_book_gives_a_reason(void **state)
{
	struct forecast f;

	(void)state;
	f = forecast();
	assert_non_null(strstr(f.why_none, "insufficient history"));
}

static void accounts_that_leave_at_five_percent_a_month_keep_doing_so(void **state)
{
	struct forecast f;

	(void)state;
	dice_state = 1;
	add_accounts(2000, 0.05, 1000);
	f = forecast();
	assert_null(f.why_none);
	ASSERT_INT(f.n_months, 36);
	for (int quarter = 1; quarter <= FORECAST_MAX_QUARTERS; quarter++)
		ASSERT_NEAR(nrr(&f, quarter, FORECAST_P50), pow(0.95, 3 * quarter), 0.03);
	assert_true(f.n_lost > 500 && f.n_grown == 0 && f.n_shrunk == 0);
}

static void quantiles_are_in_order_and_gross_is_never_above_net_or_one(void **state)
{
	struct forecast f;

	(void)state;
	dice_state = 2;
	add_accounts(300, 0.03, 1000);
	for (int i = 0; i < 40; i++) {
		add_account(arena_printf(arena, "g%d", i));
		add_line(-20, -10 + i % 8, 1000);
		add_line(-10 + i % 8, 1, i % 3 ? 1500 : 400);
	}
	f = forecast();
	assert_true(f.n_grown > 0 && f.n_shrunk > 0);
	for (int quarter = 1; quarter <= FORECAST_MAX_QUARTERS; quarter++)
		for (enum forecast_quantile p = FORECAST_P10; p <= FORECAST_P90; p++) {
			const struct forecast_quarter *q = &f.quarters[quarter - 1];

			assert_true(grr(&f, quarter, p) <= 1 && grr(&f, quarter, p) <= nrr(&f, quarter, p));
			assert_true(q->has_total && q->total_minor[p] >= q->end_minor[p]);
			if (p > FORECAST_P10)
				assert_true(q->end_minor[p - 1] <= q->end_minor[p] && q->kept_minor[p - 1] <= q->kept_minor[p] &&
				            q->total_minor[p - 1] <= q->total_minor[p]);
		}
}

static void fill_backwards(bool is_backwards, int n)
{
	facts.n_accounts = facts.n_lines = 0;
	for (int k = 0; k < n; k++) {
		int i = is_backwards ? n - 1 - k : k;

		add_account(arena_printf(arena, "a%d", i));
		add_line(-30 + i % 20, i % 7 ? 1 : -9 + i % 9, 500 + 37 * i);
		if (i % 11 == 0)
			add_line(-5, 1, 800);
		hints[facts.n_accounts - 1].risk = i % 4 ? (i % 10) / 10.0 : -1;
	}
}

static void the_order_of_accounts_does_not_matter_and_the_same_book_gives_the_same_figures(void **state)
{
	struct forecast once, again, backwards;

	(void)state;
	fill_backwards(false, 150);
	once = forecast();
	again = forecast();
	fill_backwards(true, 150);
	backwards = forecast();
	assert_null(once.why_none);
	assert_memory_equal(once.quarters, again.quarters, sizeof once.quarters);
	for (int quarter = 1; quarter <= FORECAST_MAX_QUARTERS; quarter++)
		for (enum forecast_quantile p = FORECAST_P10; p <= FORECAST_P90; p++) {
			ASSERT_NEAR(nrr(&once, quarter, p), nrr(&backwards, quarter, p), 1e-9);
			ASSERT_NEAR(grr(&once, quarter, p), grr(&backwards, quarter, p), 1e-9);
		}
}

/* what is known of accounts ---------------------------------------------------------------------------------------- */

static void what_was_given_notice_of_goes_on_its_day_for_certain(void **state)
{
	struct revenue_line *line;
	struct forecast f;

	(void)state;
	dice_state = 3;
	add_accounts(200, 0.001, 1000);
	add_account("leaving");
	line = add_line(-24, 1, 100000);
	line->to = day_of(2026, 5, 15); /* in the second quarter */
	line->notice_on = day_of(2025, 12, 20);
	f = forecast();
	assert_true(nrr(&f, 1, FORECAST_P50) > 0.9);
	assert_true(nrr(&f, 2, FORECAST_P90) < 0.7);
}

static void every_notice_counts_on_its_own_day(void **state)
{
	struct forecast f;

	(void)state;
	dice_state = 3;
	add_accounts(200, 0.001, 1000);
	add_account("leaving");
	for (int month = 2; month <= 8; month += 6) { /* half as much as all others together, each */
		struct revenue_line *line = add_line(-24, 1, 100000);

		line->to = day_add_months(today, month);
		line->notice_on = day_of(2025, 12, 20);
	}
	f = forecast();
	ASSERT_NEAR(nrr(&f, 1, FORECAST_P50), 0.75, 0.02);
	ASSERT_NEAR(nrr(&f, 3, FORECAST_P50), 0.5, 0.02);
}

static void a_known_end_without_a_notice_is_where_a_term_ends(void **state)
{
	struct forecast open, ends;
	size_t first;

	(void)state;
	dice_state = 3;
	add_accounts(200, 0.001, 1000);
	first = facts.n_lines;
	for (int i = 0; i < 40; i++) {
		add_account(arena_printf(arena, "large%d", i));
		add_line(-26, 1, 10000);
	}
	open = forecast();
	for (size_t i = first; i < facts.n_lines; i++)
		lines[i].to = day_of(2026, 3, 1);
	ends = forecast();
	assert_true(nrr(&ends, 1, FORECAST_P50) < nrr(&open, 1, FORECAST_P50) - 0.01);
	assert_true(nrr(&ends, 1, FORECAST_P10) < nrr(&open, 1, FORECAST_P10) - 0.03);
	assert_true(nrr(&ends, 1, FORECAST_P50) > 0.9);
}

static void a_notice_that_is_given_later_is_not_known_yet(void **state)
{
	struct revenue_line *line;
	struct forecast f;

	(void)state;
	dice_state = 3;
	add_accounts(200, 0.001, 1000);
	add_account("leaving");
	line = add_line(-24, 1, 100000);
	line->to = day_of(2026, 5, 15);
	line->notice_on = day_of(2026, 1, 2);
	f = forecast();
	assert_true(nrr(&f, 2, FORECAST_P50) > 0.9);
}

/* Every yearly contract is given up with one chance in three, and never in between. */
static void add_yearly(int n, int starts_in)
{
	for (int i = 0; i < n; i++) {
		int from = -MONTHS_BACK + starts_in, to = from + 12;

		while (to <= 0 && dice() >= 1.0 / 3)
			to += 12;
		add_account(arena_printf(arena, "y%d-%d", starts_in, i));
		add_line(from, to, 1000);
	}
}

static void losses_are_expected_where_terms_end(void **state)
{
	struct forecast f;

	(void)state;
	dice_state = 4;
	for (int start = 0; start < 24; start++)
		if (start % 12 >= 6 && start % 12 < 9) /* terms end in July, August and September */
			add_yearly(100, start);
	f = forecast();
	assert_true(nrr(&f, 1, FORECAST_P50) > 0.97 && nrr(&f, 2, FORECAST_P50) > 0.85);
	assert_true(nrr(&f, 3, FORECAST_P50) < nrr(&f, 2, FORECAST_P50) - 0.1);
}

/* All yearly contracts renew on one day, on which one in seven is given up. */
static void a_year_s_losses_are_expected_on_the_one_day_of_renewals(void **state)
{
	struct forecast f;

	(void)state;
	for (int i = 0; i < 140; i++) {
		add_account(arena_printf(arena, "y%d", i));
		add_line(-33, i % 7 == 0 ? -9 : i % 7 == 1 ? -21 : 1, 1000); /* on the first of April */
		hints[i].term_months = 12;
		hints[i].renewal_on = day_of(2026, 4, 1);
	}
	f = forecast();
	ASSERT_NEAR(nrr(&f, 1, FORECAST_P50), 0.86, 0.04);
	ASSERT_NEAR(nrr(&f, 2, FORECAST_P50) / nrr(&f, 1, FORECAST_P50), 1, 0.02);
}

static void renewals_of_a_young_company_that_has_seen_none_are_no_certainty(void **state)
{
	struct forecast f;

	(void)state;
	for (int i = 0; i < 100; i++) {
		add_account(arena_printf(arena, "y%d", i));
		add_line(-10 + i % 2, 1, 1000);
		hints[i].term_months = 12;
		hints[i].renewal_on = day_of(2026, i % 2 ? 4 : 3, 1);
	}
	f = forecast();
	assert_true(nrr(&f, 1, FORECAST_P50) < 0.97 && nrr(&f, 1, FORECAST_P50) > 0.8);
}

/* Of the same share of losses. */
static void who_has_seen_few_losses_knows_their_rate_less(void **state)
{
	struct forecast few, many;

	(void)state;
	for (int i = 0; i < 800; i++) {
		add_account(arena_printf(arena, "a%d", i));
		add_line(-5, i % 16 == 0 ? -4 + i / 16 % 5 : 1, 1000);
		if (i == 79)
			few = forecast_of(1);
	}
	many = forecast_of(1);
	ASSERT_INT(few.n_lost * 10, many.n_lost);
	assert_true(few.loss_spread > 0.3 && many.loss_spread < 0.25);
}

static void a_known_renewal_day_says_when_a_term_ends(void **state)
{
	struct forecast soon, later;

	(void)state;
	dice_state = 4;
	for (int start = 0; start < 12; start++)
		add_yearly(60, start);
	for (size_t i = 0; i < facts.n_accounts; i++) /* as the anniversaries of its start */
		hints[i].renewal_on = lines[i].from;
	add_account("large");
	add_line(-30, 1, 400000);
	hints[facts.n_accounts - 1].renewal_on = day_of(2026, 2, 10);
	soon = forecast();
	hints[facts.n_accounts - 1].renewal_on = day_of(2026, 11, 10);
	later = forecast();
	ASSERT_INT(soon.n_dated, soon.n_start);
	assert_true(nrr(&soon, 1, FORECAST_P10) < nrr(&later, 1, FORECAST_P10) - 0.2);
}

static void a_score_says_who_is_likelier_to_leave(void **state)
{
	struct forecast large_at_risk, small_at_risk;

	(void)state;
	dice_state = 5;
	add_accounts(600, 0.03, 1000);
	add_account("large");
	add_line(-30, 1, 200000);
	for (size_t i = 0; i < facts.n_accounts; i++)
		hints[i].risk = 0.05;
	hints[0].risk = 0.9;
	small_at_risk = forecast();
	hints[0].risk = 0.05;
	hints[facts.n_accounts - 1].risk = 0.9;
	large_at_risk = forecast();
	ASSERT_INT(large_at_risk.n_scored, large_at_risk.n_start);
	assert_true(nrr(&large_at_risk, 1, FORECAST_P50) < nrr(&small_at_risk, 1, FORECAST_P50) - 0.2);
}

static void history_says_how_many_leave_whatever_the_level_of_scores(void **state)
{
	struct forecast modest, alarmed;

	(void)state;
	dice_state = 6;
	add_accounts(2000, 0.03, 1000);
	for (size_t i = 0; i < facts.n_accounts; i++)
		hints[i].risk = 0.1;
	modest = forecast();
	for (size_t i = 0; i < facts.n_accounts; i++)
		hints[i].risk = 0.5;
	alarmed = forecast();
	ASSERT_NEAR(nrr(&modest, 1, FORECAST_P50), nrr(&alarmed, 1, FORECAST_P50), 0.01);
}

static void readiness_says_who_grows(void **state)
{
	struct forecast unready, ready;

	(void)state;
	for (int i = 0; i < 200; i++) {
		add_account(arena_printf(arena, "g%d", i));
		add_line(-30, -20 + i % 20, 1000);
		add_line(-20 + i % 20, 1, i % 2 ? 2000 : 1000);
	}
	add_account("large");
	add_line(-30, 1, 30000);
	for (size_t i = 0; i < facts.n_accounts; i++)
		hints[i].readiness = 0.05;
	unready = forecast();
	hints[facts.n_accounts - 1].readiness = 0.9;
	ready = forecast();
	assert_true(nrr(&ready, 1, FORECAST_P90) > nrr(&unready, 1, FORECAST_P90) + 0.02);
}

static void who_leaves_does_not_come_back_under_a_strict_policy(void **state)
{
	struct forecast counted, strict;

	(void)state;
	for (int i = 0; i < 400; i++) { /* everybody pauses for a month once a year */
		add_account(arena_printf(arena, "p%d", i));
		for (int from = -30 + i % 12; from < 0; from += 12) {
			add_line(from, from + 11 < 0 ? from + 11 : 1, 1000);
			if (from + 12 >= 0 && from + 11 < 0)
				add_line(from + 12 > 0 ? 0 : from + 12, 1, 1000);
		}
	}
	counted = forecast();
	policy.back_in_cohort = BACK_STRICT;
	strict = forecast();
	assert_true(nrr(&strict, 4, FORECAST_P50) < nrr(&counted, 4, FORECAST_P50) - 0.1);
}

/* honesty ---------------------------------------------------------------------------------------------------------- */

/* Books whose rate of losses wanders from quarter to quarter by a third; a quarter further on is compared with what was
 * said. Four in five should lie within. */
static void p10_to_p90_of_books_that_stray_holds_what_happens_about_four_times_in_five(void **state)
{
	enum { BOOKS = 40, ACCOUNTS = 500, UNTIL = MONTHS_BACK + 4 }; /* months 37 to 39 are the quarter ahead */
	int within = 0;

	(void)state;
	for (int n = 0; n < BOOKS; n++) {
		double rate[UNTIL];
		int64_t kept = 0;
		struct forecast f;

		dice_state = (uint64_t)n + 100;
		for (int m = 0; m < UNTIL; m++) /* four dice have a standard deviation of 0.58 */
			rate[m] = m && m % 3 != 1 ? rate[m - 1] : 0.04 * exp(0.33 / 0.58 * (dice() + dice() + dice() + dice() - 2));
		facts.n_accounts = facts.n_lines = 0;
		for (int i = 0; i < ACCOUNTS; i++) {
			int from = (int)(dice() * MONTHS_BACK), to = from;
			int64_t minor = (int64_t)(100 * exp(3 * dice()));

			while (to < UNTIL && (to == from || dice() >= rate[to]))
				to++;
			add_account(arena_printf(arena, "b%d", i));
			add_line(from - MONTHS_BACK, to - MONTHS_BACK <= 0 ? to - MONTHS_BACK : 1, minor);
			kept += to == UNTIL ? minor : 0;
		}
		f = forecast_of(1);
		assert_null(f.why_none);
		within += f.quarters[0].end_minor[FORECAST_P10] <= kept && kept <= f.quarters[0].end_minor[FORECAST_P90];
	}
	assert_in_range(within, BOOKS * 65 / 100, BOOKS * 93 / 100);
}

static void a_steady_business_is_foretold_more_narrowly_than_one_that_strays(void **state)
{
	struct forecast steady, straying;

	(void)state;
	for (int is_straying = 0; is_straying < 2; is_straying++) {
		facts.n_accounts = facts.n_lines = 0;
		for (int i = 0; i < 3000; i++) {
			int leaves = -(i / 80); /* so many a month; or twice as many every other month */

			add_account(arena_printf(arena, "s%d", i));
			add_line(-36, is_straying && leaves < 0 ? leaves / 4 * 4 - 1 : leaves < 0 ? leaves : 1, 1000);
		}
		*(is_straying ? &straying : &steady) = forecast();
	}
	assert_true(straying.loss_spread > 1.5 * steady.loss_spread);
	assert_true(nrr(&straying, 1, FORECAST_P90) - nrr(&straying, 1, FORECAST_P10) >
	            1.3 * (nrr(&steady, 1, FORECAST_P90) - nrr(&steady, 1, FORECAST_P10)));
}

static void amounts_that_fill_63_bits_do_not_overflow(void **state)
{
	struct forecast f;

	(void)state;
	for (int i = 0; i < 60; i++) { /* all of them grow fourfold, each in its month */
		add_account(arena_printf(arena, "h%d", i));
		add_line(-36, -i % 30 - 1, INT64_MAX / 1000);
		add_line(-i % 30 - 1, 1, INT64_MAX / 250);
	}
	f = forecast();
	assert_null(f.why_none);
	for (int quarter = 1; quarter <= FORECAST_MAX_QUARTERS; quarter++)
		assert_true(f.quarters[quarter - 1].end_minor[FORECAST_P10] > 0 && grr(&f, quarter, FORECAST_P90) <= 1 &&
		            f.quarters[quarter - 1].end_minor[FORECAST_P90] > f.start_minor);
}

static void a_renewal_day_that_cannot_be_is_none(void **state)
{
	struct forecast f;

	(void)state;
	dice_state = 7;
	add_accounts(50, 0.02, 1000);
	hints[0].renewal_on = INT32_MAX - 5;
	hints[1].renewal_on = INT32_MIN + 5;
	for (size_t i = 2; i < 50; i++)
		hints[i].renewal_on = today + 30;
	f = forecast();
	assert_null(f.why_none);
	assert_true(f.n_dated < f.n_start || f.n_start < 49);
}

/* looking back ----------------------------------------------------------------------------------------------------- */

static void judging_counts_what_lay_within_and_weighs_the_misses(void **state)
{
	const struct forecast_case cases[] = {
		{ .said = { { 0.8, 0.9, 1.0 }, { 0.7, 0.8, 0.9 } }, .nrr = 0.9, .grr = 0.6, .has_naive = true,
		  .naive = { { 0.5, 0.5, 0.5 }, { 0.6, 0.6, 0.6 } } },
		{ .said = { { 0.8, 0.9, 1.0 }, { 0.7, 0.8, 0.9 } }, .nrr = 1.0, .grr = 0.7 },
	};
	struct forecast_quality q;

	(void)state;
	forecast_judge(cases, 2, &q);
	ASSERT_INT(q.n, 2);
	ASSERT_INT(q.n_nrr_within, 2); /* both ends belong to it */
	ASSERT_INT(q.n_grr_within, 1);
	ASSERT_INT(q.n_naive, 1);
	ASSERT_NEAR(q.nrr_loss, (0.1 * 0.1 + 0 + 0.1 * 0.1) / 3, 1e-12);
	ASSERT_NEAR(q.grr_loss, (0.9 * 0.1 + 0.5 * 0.2 + 0.1 * 0.3) / 3, 1e-12);
	ASSERT_NEAR(q.naive_nrr_loss, (0.1 + 0.5 + 0.9) * 0.4 / 3, 1e-12);
	ASSERT_NEAR(q.naive_grr_loss, 0, 1e-12);
}

static void the_naive_forecast_is_the_spread_of_past_windows_without_those_that_have_no_ratio(void **state)
{
	const struct nrr_window past[] = { { .nrr = 0.9, .grr = 0.8 }, { .nrr = 0.7, .grr = 0.7 },
		{ .why_none = "insufficient history" }, { .nrr = 1.1, .grr = 0.9 } };
	struct forecast_ratios r;

	(void)state;
	assert_true(forecast_naive(past, 4, arena, &r));
	ASSERT_NEAR(r.nrr[FORECAST_P50], 0.9, 1e-12);
	ASSERT_NEAR(r.nrr[FORECAST_P10], 0.74, 1e-12);
	ASSERT_NEAR(r.grr[FORECAST_P90], 0.88, 1e-12);
	assert_false(forecast_naive(&past[2], 1, arena, &r));
}

/* the store -------------------------------------------------------------------------------------------------------- */

static void what_was_said_first_of_a_day_stays(void **state)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct forecast_said said = { .on = 100, .to = 190, .quarters = 1, .policy_hash = "abc", .currency = "EUR",
		.start_minor = 1000, .end_minor = { 700, 800, 900 }, .kept_minor = { 650, 750, 850 } }, *back;
	size_t n;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(forecast_put(db, &said, &err));
	said.start_minor = 2000;
	ASSERT_OK(forecast_put(db, &said, &err));
	said.quarters = 2;
	ASSERT_OK(forecast_put(db, &said, &err));
	ASSERT_OK(forecasts_load(db, 1, 100, arena, &back, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_INT(back->start_minor, 1000);
	ASSERT_INT(back->end_minor[FORECAST_P90], 900);
	ASSERT_INT(back->kept_minor[FORECAST_P10], 650);
	assert_string_equal(back->policy_hash, "abc");
	ASSERT_OK(forecasts_load(db, 1, 99, arena, &back, &n, &err));
	ASSERT_INT(n, 0);
}

static void renewals_and_scores_are_those_that_were_known_on_the_day(void **state)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct forecast_hint *known;
	size_t n;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db,
		"INSERT INTO source (id, name, kind) VALUES (1, 'billing', 'csv');"
		"INSERT INTO account (id, source_id, source_key, renewal_on) VALUES (1, 1, 'A', NULL), (2, 1, 'B', NULL), "
		"(3, 1, 'C', 400);"
		"INSERT INTO subscription (id, source_id, source_key, account_id, start_on, renewal_on, billing) VALUES "
		"(1, 1, 's1', 1, 10, 500, 'annual'), (2, 1, 's2', 1, 10, 300, NULL), (3, 1, 's3', 1, 260, 270, 'yearly');"
		"INSERT INTO history (entity, entity_id, field, known_on, value) VALUES "
		"('subscription', 1, 'renewal_on', -2147483647, '280'), ('subscription', 1, 'renewal_on', 240, '500'), "
		"('subscription', 1, 'billing', -2147483647, 'quarterly'), ('subscription', 1, 'billing', 240, 'annual');"
		"INSERT INTO score_row (day, account_id, risk, readiness, confidence, risk_band, readiness_band, "
		"risk_band_since, readiness_band_since, config) VALUES (190, 1, 40, NULL, 1, 1, 0, 1, 1, 'c'), "
		"(250, 1, 90, 10, 1, 1, 0, 1, 1, 'c')", &err));
	ASSERT_OK(forecast_hints_load(db, 200, arena, &known, &n, &err));
	ASSERT_INT(n, 3);
	ASSERT_INT(known[2].renewal_on, 400); /* told of the account itself */
	ASSERT_INT(known[0].renewal_on, 280);
	ASSERT_INT(known[0].term_months, 3);
	ASSERT_NEAR(known[0].risk, 0.4, 1e-12);
	assert_true(known[0].readiness < 0);
	ASSERT_INT(known[1].renewal_on, DAY_NONE);
	assert_true(known[1].risk < 0);
	ASSERT_OK(forecast_hints_load(db, 250, arena, &known, &n, &err));
	ASSERT_INT(known[0].renewal_on, 300);
	ASSERT_INT(known[0].term_months, 12);
	ASSERT_NEAR(known[0].risk, 0.9, 1e-12);
	ASSERT_OK(forecast_hints_load(db, 262, arena, &known, &n, &err));
	ASSERT_INT(known[0].renewal_on, 270);
	ASSERT_OK(forecast_hints_load(db, 320, arena, &known, &n, &err));
	ASSERT_INT(known[0].renewal_on, 500);
	assert_true(known[0].risk < 0);
}

/* Days since 1970-01-01: 365 is a year after 0. */
static void who_is_billed_by_the_month_but_renews_by_the_year_has_a_term_of_a_year(void **state)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct forecast_hint *known;
	size_t n;

	(void)state;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db,
		"INSERT INTO source (id, name, kind) VALUES (1, 'billing', 'csv');"
		"INSERT INTO account (id, source_id, source_key) VALUES (1, 1, 'A'), (2, 1, 'B'), (3, 1, 'C'), (4, 1, 'D');"
		"INSERT INTO subscription (id, source_id, source_key, account_id, start_on, seen_on, renewal_on, billing) VALUES "
		"(1, 1, 's1', 1, 0, NULL, 365, 'month'), (2, 1, 's2', 2, 10, NULL, 365, 'month'), "
		"(3, 1, 's3', 3, 20, 20, 365, 'month'), (4, 1, 's4', 4, 10, NULL, 365, 'month');"
		"INSERT INTO history (entity, entity_id, field, known_on, value) VALUES "
		"('subscription', 4, 'renewal_on', -2147483647, '306'), ('subscription', 4, 'renewal_on', 334, '365')", &err));
	ASSERT_OK(forecast_hints_load(db, 350, arena, &known, &n, &err));
	ASSERT_INT(n, 4);
	ASSERT_INT(known[0].term_months, 12); /* a year after its start */
	ASSERT_INT(known[1].term_months, 1);  /* nothing tells it from a monthly one */
	ASSERT_INT(known[2].term_months, 12); /* known long before */
	ASSERT_INT(known[3].term_months, 1);  /* renews month by month */
	ASSERT_OK(forecast_hints_load(db, 200, arena, &known, &n, &err));
	ASSERT_INT(known[1].term_months, 12); /* far off */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(two_months_of_history_are_too_few_and_the_reason_says_since_when),
		CASE(nobody_who_pays_today_gives_a_reason),
		CASE(an_empty_book_gives_a_reason),
		CASE(accounts_that_leave_at_five_percent_a_month_keep_doing_so),
		CASE(quantiles_are_in_order_and_gross_is_never_above_net_or_one),
		CASE(the_order_of_accounts_does_not_matter_and_the_same_book_gives_the_same_figures),
		CASE(what_was_given_notice_of_goes_on_its_day_for_certain),
		CASE(every_notice_counts_on_its_own_day),
		CASE(a_known_end_without_a_notice_is_where_a_term_ends),
		CASE(a_notice_that_is_given_later_is_not_known_yet),
		CASE(losses_are_expected_where_terms_end),
		CASE(a_year_s_losses_are_expected_on_the_one_day_of_renewals),
		CASE(renewals_of_a_young_company_that_has_seen_none_are_no_certainty),
		CASE(who_has_seen_few_losses_knows_their_rate_less),
		CASE(a_known_renewal_day_says_when_a_term_ends),
		CASE(a_score_says_who_is_likelier_to_leave),
		CASE(history_says_how_many_leave_whatever_the_level_of_scores),
		CASE(readiness_says_who_grows),
		CASE(who_leaves_does_not_come_back_under_a_strict_policy),
		CASE(p10_to_p90_of_books_that_stray_holds_what_happens_about_four_times_in_five),
		CASE(amounts_that_fill_63_bits_do_not_overflow),
		CASE(a_renewal_day_that_cannot_be_is_none),
		CASE(a_steady_business_is_foretold_more_narrowly_than_one_that_strays),
		CASE(judging_counts_what_lay_within_and_weighs_the_misses),
		CASE(the_naive_forecast_is_the_spread_of_past_windows_without_those_that_have_no_ratio),
		CASE(what_was_said_first_of_a_day_stays),
		CASE(renewals_and_scores_are_those_that_were_known_on_the_day),
		CASE(who_is_billed_by_the_month_but_renews_by_the_year_has_a_term_of_a_year),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
