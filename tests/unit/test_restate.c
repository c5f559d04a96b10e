#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "score/restate.h"

enum { MAX_LINES = 16, N_ACCOUNTS = 4, MANY = 12 };

static struct arena *arena;
static struct err err;
static struct nrr_policy policy;

/* Names of both days differ in their order, as those of two loads may. */
static const char *const names_then[] = { NULL, "core", "Basic", "Pro", "EUR", "USD" };
static const char *const names_now[] = { NULL, "USD", "EUR", "Pro", "Basic", "core" };

enum { CORE = 1, BASIC, PRO, EUR, USD, N_NAMES };

static const uint16_t name_now[N_NAMES] = { 0, 5, 4, 3, 2, 1 };

/* What one of the two days knew. */
struct day {
	struct revenue facts;
	struct revenue_account accounts[N_ACCOUNTS];
	struct revenue_line lines[MAX_LINES];
	struct revenue_due dues[4];
	struct revenue_rate rates[4];
	struct book book;
};

static struct day then, now;

static int32_t on(const char *text)
{
	int32_t day;

	assert_true(day_parse(text, &day));
	return day;
}

static void empty(struct day *d, const char *as_of, const char *const *names)
{
	static const char *const keys[N_ACCOUNTS] = { "Acme", "Borealis", "Cygnus", "Dorado" };

	*d = (struct day){ 0 };
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		d->accounts[i] = (struct revenue_account){ .id = 10 * ((int64_t)i + 1), .key = keys[i], .name = keys[i],
			.parent = -1 };
	d->facts = (struct revenue){ .accounts = d->accounts, .n_accounts = N_ACCOUNTS, .lines = d->lines, .dues = d->dues,
		.rates = d->rates, .names = names, .n_names = N_NAMES, .as_of = on(as_of) };
}

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	policy = nrr_default_policy;
	policy.parents = PARENTS_ROLLED_UP;
	empty(&then, "2026-03-01", names_then);
	empty(&now, "2026-03-20", names_now);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* A line that both days know, in the names of either. */
static struct revenue_line *put(struct day *d, int32_t account, int64_t contract, const char *from, const char *to,
                                int64_t minor)
{
	struct revenue_line *x = &d->lines[d->facts.n_lines++];

	*x = (struct revenue_line){ .contract = contract, .minor = minor, .account = account,
		.from = from ? on(from) : REVENUE_BEGINNING, .to = to ? on(to) : REVENUE_OPEN, .discount_until = REVENUE_OPEN,
		.notice_on = DAY_NONE, .paid_until = DAY_NONE, .product = CORE, .plan = BASIC, .currency = EUR,
		.is_last = !to };
	return x;
}

static void put_both(int32_t account, int64_t contract, const char *from, const char *to, int64_t minor)
{
	put(&then, account, contract, from, to, minor);
	put(&now, account, contract, from, to, minor);
}

static void make_book(struct day *d)
{
	struct book_query query = { .currency = "EUR" };

	for (size_t i = 0; d == &now && i < d->facts.n_lines; i++) {
		struct revenue_line *x = &d->lines[i];

		x->product = name_now[x->product];
		x->plan = name_now[x->plan];
		x->currency = name_now[x->currency];
	}
	ASSERT_OK(book_make(&d->facts, &policy, &query, arena, &d->book, &err));
}

static size_t explain_all(int64_t last_contract, struct restate_reason **out)
{
	static const int64_t ids[N_ACCOUNTS] = { 10, 20, 30, 40 };
	struct restate_query q = { .span = { on("2026-02-01"), on("2026-03-01") }, .last_contract = last_contract,
		.accounts = ids, .n = N_ACCOUNTS };
	size_t n;

	make_book(&then);
	make_book(&now);
	q.before = restate_index_new(&then.book, arena);
	q.after = restate_index_new(&now.book, arena);
	restate_explain(&q, arena, out, &n);
	return n;
}

/* The one reason that there is. */
static void assert_reason(enum restate_cause cause, const char *words)
{
	struct restate_reason *r;
	size_t n = explain_all(1000, &r);

	if (n != 1)
		fail_msg("%zu reasons: %s | %s", n, n ? r[0].words : "", n > 1 ? r[1].words : "");
	assert_string_equal(r[0].words, words);
	assert_string_equal(restate_cause_names[r[0].cause], restate_cause_names[cause]);
}

static void what_both_days_know_alike_is_no_reason(void **state)
{
	struct restate_reason *r;

	(void)state;
	put_both(0, 1, "2025-01-01", NULL, 10000);
	put_both(1, 2, "2025-01-01", "2026-02-10", 10000);
	ASSERT_INT(explain_all(1000, &r), 0);
}

static void a_contract_that_was_not_known(void **state)
{
	(void)state;
	put(&now, 0, 7, "2026-02-10", NULL, 2500);
	assert_reason(RESTATE_BACKDATED, "EUR 25 a month from 2026-02-10 on was not known");
}

static void a_contract_that_was_not_known_and_is_over(void **state)
{
	(void)state;
	put(&now, 0, 7, NULL, "2026-02-20", 2500);
	assert_reason(RESTATE_BACKDATED, "EUR 25 a month to 2026-02-20 was not known");
}

static void a_contract_whose_source_was_loaded_later_is_one_that_was_not_known(void **state)
{
	struct restate_reason *r;

	(void)state;
	put_both(0, 7, "2026-02-10", NULL, 2500);
	ASSERT_INT(explain_all(6, &r), 1);
	assert_string_equal(r[0].words, "EUR 25 a month from 2026-02-10 on was not known");
	ASSERT_INT(r[0].contract, 7);
}

static void a_contract_that_is_no_longer_there(void **state)
{
	(void)state;
	put(&then, 1, 7, "2025-01-01", "2026-06-01", 9900);
	assert_reason(RESTATE_GONE, "EUR 99 a month from 2025-01-01 to 2026-06-01 is no longer there");
}

static void an_amount_that_was_corrected(void **state)
{
	(void)state;
	put(&then, 0, 1, "2025-01-01", NULL, 10000);
	put(&now, 0, 1, "2025-01-01", "2026-02-15", 10000);
	put(&now, 0, 1, "2026-02-15", NULL, 12000);
	assert_reason(RESTATE_AMOUNT, "EUR 120 a month from 2026-02-15 on instead of EUR 100 a month");
}

static void an_amount_in_another_currency(void **state)
{
	(void)state;
	put(&then, 0, 1, NULL, NULL, 10000);
	put(&now, 0, 1, NULL, NULL, 10000)->currency = USD;
	now.rates[0] = (struct revenue_rate){ name_now[USD], name_now[EUR], on("2026-01-31"), 900000000 };
	now.facts.n_rates = 1;
	assert_reason(RESTATE_AMOUNT, "USD 100 a month instead of EUR 100 a month");
}

static void an_earlier_start(void **state)
{
	(void)state;
	put(&then, 0, 1, "2026-02-20", NULL, 10000);
	put(&now, 0, 1, "2026-02-01", NULL, 10000);
	assert_reason(RESTATE_START, "it began on 2026-02-01, not on 2026-02-20");
}

static void an_end_that_was_not_known(void **state)
{
	(void)state;
	put(&then, 0, 1, "2025-01-01", NULL, 10000);
	put(&now, 0, 1, "2025-01-01", "2026-02-20", 10000);
	assert_reason(RESTATE_END, "it ended on 2026-02-20, which was not known");
}

static void an_end_that_was_another(void **state)
{
	(void)state;
	put(&then, 0, 1, "2025-01-01", "2026-02-25", 10000);
	put(&now, 0, 1, "2025-01-01", "2026-02-05", 10000);
	assert_reason(RESTATE_END, "it ended on 2026-02-05, not on 2026-02-25");
}

static void an_end_that_was_taken_back(void **state)
{
	(void)state;
	put(&then, 0, 1, "2025-01-01", "2026-02-25", 10000);
	put(&now, 0, 1, "2025-01-01", NULL, 10000);
	assert_reason(RESTATE_END, "it goes on and did not end on 2026-02-25");
}

static void an_interruption(void **state)
{
	(void)state;
	put(&then, 0, 1, "2025-01-01", NULL, 10000);
	put(&now, 0, 1, "2025-01-01", "2026-02-05", 10000);
	put(&now, 0, 1, "2026-02-10", NULL, 10000);
	assert_reason(RESTATE_TERMS, "it was interrupted from 2026-02-05 on");
}

static void each_term_that_was_corrected_is_named(void **state)
{
	static const struct {
		enum restate_cause cause;
		const char *words;
	} cases[] = {
		{ RESTATE_TERMS, "a one-time charge from 2025-01-01 on instead of recurring revenue" },
		{ RESTATE_TERMS, "a trial from 2025-01-01 on instead of no trial" },
		{ RESTATE_TERMS, "paused from 2025-01-01 on instead of not paused" },
		{ RESTATE_TERMS, "a discount of EUR 10 a month for good from 2025-01-01 on instead of no discount" },
		{ RESTATE_TERMS, "no product from 2025-01-01 on instead of product core" },
		{ RESTATE_TERMS, "plan Pro from 2025-01-01 on instead of plan Basic" },
		{ RESTATE_END, "notice given on 2026-02-03 from 2025-01-01 on instead of no notice" },
		{ RESTATE_END, "paid until 2026-02-03 from 2025-01-01 on instead of paid to its end" },
		{ RESTATE_END,
		  "an end for want of payment from 2025-01-01 on instead of an end for another reason than payment" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct revenue_line *x;

		empty(&then, "2026-03-01", names_then);
		empty(&now, "2026-03-20", names_now);
		put(&then, 0, 1, "2025-01-01", NULL, 10000);
		x = put(&now, 0, 1, "2025-01-01", NULL, 10000);
		x->kind = i == 0 ? REVENUE_ONCE : REVENUE_RECURRING;
		x->is_trial = i == 1;
		x->is_paused = i == 2;
		x->discount_minor = i == 3 ? 1000 : 0;
		x->product = i == 4 ? 0 : CORE;
		x->plan = i == 5 ? PRO : BASIC;
		x->notice_on = i == 6 ? on("2026-02-03") : DAY_NONE;
		x->paid_until = i == 7 ? on("2026-02-03") : DAY_NONE;
		x->is_involuntary = i == 8;
		assert_reason(cases[i].cause, cases[i].words);
	}
}

static void a_contract_that_is_another_accounts_is_a_reason_for_both(void **state)
{
	struct restate_reason *r;

	(void)state;
	put(&then, 0, 1, "2025-01-01", NULL, 10000);
	put(&now, 1, 1, "2025-01-01", NULL, 10000);
	ASSERT_INT(explain_all(1000, &r), 2);
	for (size_t i = 0; i < 2; i++) {
		ASSERT_INT(r[i].account, i);
		ASSERT_INT(r[i].cause, RESTATE_MOVED);
		assert_string_equal(r[i].words, "it is Borealis's, not Acme's");
	}
}

static void an_account_that_became_part_of_another_is_told_once_for_both(void **state)
{
	struct restate_reason *r;

	(void)state;
	put_both(0, 1, "2025-01-01", NULL, 10000);
	put_both(0, 2, "2025-01-01", NULL, 5000);
	now.accounts[0].parent = 2;
	ASSERT_INT(explain_all(1000, &r), 2);
	ASSERT_INT(r[0].account, 0);
	ASSERT_INT(r[1].account, 2);
	for (size_t i = 0; i < 2; i++) {
		ASSERT_INT(r[i].cause, RESTATE_MERGED);
		ASSERT_INT(r[i].contract, 0);
		assert_string_equal(r[i].words, "Acme is counted under Cygnus");
	}
}

static void a_childs_contract_says_whose_it_is(void **state)
{
	(void)state;
	then.accounts[1].parent = now.accounts[1].parent = 0;
	put(&now, 1, 7, "2026-02-10", NULL, 2500);
	assert_reason(RESTATE_BACKDATED, "EUR 25 a month from 2026-02-10 on was not known (Borealis)");
}

static void a_rate_that_was_corrected(void **state)
{
	(void)state;
	put(&then, 0, 1, "2025-01-01", NULL, 10000)->currency = USD;
	put(&then, 1, 2, "2025-01-01", NULL, 10000);
	put(&now, 0, 1, "2025-01-01", NULL, 10000)->currency = USD;
	put(&now, 1, 2, "2025-01-01", NULL, 10000);
	then.rates[0] = (struct revenue_rate){ USD, EUR, on("2026-02-01"), 900000000 };
	now.rates[0] = (struct revenue_rate){ name_now[USD], name_now[EUR], on("2026-02-01"), 910000000 };
	then.rates[1] = (struct revenue_rate){ USD, EUR, on("2026-02-20"), 920000000 };
	now.rates[1] = (struct revenue_rate){ name_now[USD], name_now[EUR], on("2026-02-20"), 920000000 };
	then.facts.n_rates = now.facts.n_rates = 2;
	assert_reason(RESTATE_RATE, "the rate from USD to EUR for 2026-02-01 was corrected");
}

static void put_due(struct day *d, int32_t paid_on)
{
	d->dues[d->facts.n_dues++] = (struct revenue_due){ 0, on("2026-02-10"), paid_on };
}

static void a_bill_that_stayed_unpaid(void **state)
{
	(void)state;
	policy.past_due_days = 30;
	put_both(0, 1, "2025-01-01", NULL, 10000);
	put_due(&then, REVENUE_OPEN);
	put_due(&now, REVENUE_OPEN);
	now.facts.as_of = on("2026-03-20");
	assert_reason(RESTATE_BILL, "the bill due on 2026-02-10 stayed unpaid for more than 30 days");
}

static void a_bill_that_was_paid_after_all(void **state)
{
	(void)state;
	policy.past_due_days = 5;
	put_both(0, 1, "2025-01-01", NULL, 10000);
	put_due(&then, REVENUE_OPEN);
	put_due(&now, on("2026-03-15"));
	assert_reason(RESTATE_BILL, "the bill due on 2026-02-10 was paid on 2026-03-15");
}

static void what_lies_before_the_window_is_told_when_nothing_in_it_differs(void **state)
{
	struct restate_reason *r;

	(void)state;
	put(&now, 0, 7, "2024-01-01", "2024-06-01", 2500);
	ASSERT_INT(explain_all(1000, &r), 1);
	assert_string_equal(r[0].words, "EUR 25 a month from 2024-01-01 to 2024-06-01 was not known");
	now.lines[0].product = CORE; /* as they were before the book was made */
	now.lines[0].plan = BASIC;
	now.lines[0].currency = EUR;
	put(&now, 0, 8, "2026-02-10", NULL, 3000);
	ASSERT_INT(explain_all(1000, &r), 1);
	assert_string_equal(r[0].words, "EUR 30 a month from 2026-02-10 on was not known");
}

static void what_lies_behind_the_window_is_no_reason(void **state)
{
	struct restate_reason *r;

	(void)state;
	put(&then, 0, 1, "2025-01-01", NULL, 10000);
	put(&now, 0, 1, "2025-01-01", "2026-03-02", 10000);
	put(&now, 0, 2, "2026-03-02", NULL, 10000);
	ASSERT_INT(explain_all(1000, &r), 0);
}

static void of_many_contracts_the_first_are_told_and_the_others_counted(void **state)
{
	struct restate_reason *r;
	size_t n;

	(void)state;
	for (int64_t i = 0; i < MANY; i++)
		put(&now, 0, 100 + i, "2026-02-10", NULL, 1000);
	n = explain_all(1000, &r);
	ASSERT_INT(n, 9);
	ASSERT_INT(r[0].contract, 100);
	assert_string_equal(r[8].words, "and 4 more of its contracts differ");
}

static struct nrr_snapshot_account kept(int64_t id, int64_t start, int64_t at_end)
{
	struct nrr_snapshot_account x = { .id = id, .owner = at_end ? "new" : "old" };

	x.sums[SNAPSHOT_START] = start;
	x.sums[SNAPSHOT_END] = at_end;
	return x;
}

static void accounts_that_differ_come_by_how_far_they_moved(void **state)
{
	const struct nrr_snapshot_account was[] = { kept(1, 5, 5), kept(2, 100, 0), kept(3, 7, 7) };
	const struct nrr_snapshot_account is[] = { kept(1, 5, 8), kept(3, 7, 7), kept(4, 0, 50) };
	struct restate_change *c;

	(void)state;
	ASSERT_INT(restate_changes((struct restate_accounts){ was, 3 }, (struct restate_accounts){ is, 3 }, arena, &c), 3);
	ASSERT_INT(c[0].account, 2);
	assert_string_equal(c[0].owner, "old");
	ASSERT_INT(c[0].before[SNAPSHOT_START], 100);
	ASSERT_INT(c[0].after[SNAPSHOT_START], 0);
	ASSERT_INT(c[1].account, 4);
	ASSERT_INT(c[2].account, 1);
	ASSERT_INT(c[2].after[SNAPSHOT_END], 8);
	ASSERT_INT(restate_changes((struct restate_accounts){ was, 3 }, (struct restate_accounts){ was, 3 }, arena, &c), 0);
	ASSERT_INT(restate_changes((struct restate_accounts){ NULL, 0 }, (struct restate_accounts){ is, 1 }, arena, &c), 1);
}

static void the_rules_that_changed_are_named_with_what_they_were(void **state)
{
	(void)state;
	assert_null(restate_policy_words("fx: constant\npaused: zero\n", "fx: constant\npaused: zero\n", arena));
	assert_string_equal(restate_policy_words("fx: constant\npaused: zero\n", "fx: spot\npaused: zero\nnew: 1\n", arena),
	                    "fx: spot instead of constant; new: 1");
	assert_string_equal(restate_policy_words("", "fx: spot\n", arena), "fx: spot");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(what_both_days_know_alike_is_no_reason),
		CASE(a_contract_that_was_not_known),
		CASE(a_contract_that_was_not_known_and_is_over),
		CASE(a_contract_whose_source_was_loaded_later_is_one_that_was_not_known),
		CASE(a_contract_that_is_no_longer_there),
		CASE(an_amount_that_was_corrected),
		CASE(an_amount_in_another_currency),
		CASE(an_earlier_start),
		CASE(an_end_that_was_not_known),
		CASE(an_end_that_was_another),
		CASE(an_end_that_was_taken_back),
		CASE(an_interruption),
		CASE(each_term_that_was_corrected_is_named),
		CASE(a_contract_that_is_another_accounts_is_a_reason_for_both),
		CASE(an_account_that_became_part_of_another_is_told_once_for_both),
		CASE(a_childs_contract_says_whose_it_is),
		CASE(a_rate_that_was_corrected),
		CASE(a_bill_that_stayed_unpaid),
		CASE(a_bill_that_was_paid_after_all),
		CASE(what_lies_before_the_window_is_told_when_nothing_in_it_differs),
		CASE(what_lies_behind_the_window_is_no_reason),
		CASE(of_many_contracts_the_first_are_told_and_the_others_counted),
		CASE(accounts_that_differ_come_by_how_far_they_moved),
		CASE(the_rules_that_changed_are_named_with_what_they_were),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
