#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "store/migrate.h"
#include "store/pulls.h"
#include "store/record.h"
#include "store/revenue.h"

static struct db *db;
static struct arena *arena;
static struct err err;
static int64_t crm;
static struct revenue facts;

static int open_store(void **state)
{
	(void)state;
	arena = arena_new(0);
	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0 ||
	    source_id(db, "crm", "csv", &crm, &err) < 0)
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

static int32_t on(const char *text)
{
	int32_t day = DAY_NONE;

	if (text && !day_parse(text, &day))
		fail_msg("%s is no day", text);
	return day;
}

/* "name=Acme segment=smb": each a field of the entity, days as days, "-" for empty. */
static void set_fields(struct record *r, const char *fields)
{
	char *rest = arena_strdup(arena, fields), *word;

	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');
		int at;

		assert_non_null(value);
		*value++ = '\0';
		at = entity_field_index(r->entity, word);
		if (at < 0)
			fail_msg("%s has no %s", r->entity->name, word);
		r->values[at] = (struct value){ .is_set = true, .text = value, .is_null = strcmp(value, "-") == 0,
			.number = strlen(value) == 10 && value[4] == '-' ? on(value) : strtoll(value, NULL, 10),
			.real = strtod(value, NULL) };
	}
}

/* A pull on a day brings one row. */
static void pull(const char *day, const char *entity, const char *key, const char *fields)
{
	struct record r = { .entity = entity_find(entity), .key = key, .account_by = ACCOUNT_BY_KEY };

	r.account_key = r.entity->has_account ? "acme" : NULL;
	set_fields(&r, fields);
	ASSERT_OK(record_put(db, crm, &r, on(day), &err));
	ASSERT_OK((int)record_resolve_links(db, &err));
}

static void gone(const char *day, const char *key)
{
	assert_int_equal(record_delete(db, crm, entity_find("subscription"), key, on(day), &err), 1);
}

/* All that was there at first is in. */
static void first_load_is_over(const char *day)
{
	ASSERT_OK(source_ok(db, crm, 0, on(day), &err));
}

static const char *day_or(int32_t day)
{
	return day == REVENUE_BEGINNING ? "..." : day == REVENUE_OPEN ? "..." : day_text(arena, day);
}

/* The lines as they were known on a day: "2025-01-01 2025-03-01 100 pro; ..." and what is special of each. */
static const char *lines(const char *as_of)
{
	char *all = arena_strdup(arena, "");

	if (revenue_load(db, &(struct revenue_query){ on(as_of), "EUR" }, arena, &facts, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < facts.n_lines; i++) {
		const struct revenue_line *l = &facts.lines[i];

		all = arena_printf(arena, "%s%s%s %s %lld", all, i ? "; " : "", day_or(l->from), day_or(l->to),
		                   (long long)l->minor);
		if (l->discount_minor)
			all = arena_printf(arena, "%s-%lld<%s", all, (long long)l->discount_minor, day_or(l->discount_until));
		if (l->plan)
			all = arena_printf(arena, "%s %s", all, facts.names[l->plan]);
		if (l->notice_on != DAY_NONE)
			all = arena_printf(arena, "%s notice %s", all, day_text(arena, l->notice_on));
		if (l->paid_until != DAY_NONE)
			all = arena_printf(arena, "%s paid %s", all, day_text(arena, l->paid_until));
		all = arena_printf(arena, "%s%s%s%s%s%s", all, l->is_trial ? " trial" : "", l->is_paused ? " paused" : "",
		                   l->is_last ? "" : " on", l->is_involuntary ? " unpaid" : "",
		                   l->kind == REVENUE_USAGE ? " usage" : l->kind == REVENUE_ONCE ? " once" : "");
	}
	return all;
}

static void expect(const char *as_of, const char *expected)
{
	const char *told = lines(as_of);

	if (strcmp(told, expected) != 0)
		fail_msg("as of %s:\n%s\nexpected\n%s", as_of, told, expected);
}

static void put_acme(void)
{
	pull("2025-01-01", "account", "acme", "name=Acme currency=EUR");
}

static void a_contract_that_is_dated_back_does_not_exist_before_the_day_of_its_pull(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "old", "mrr_minor=100 start_on=2024-06-01");
	first_load_is_over("2025-01-10");
	pull("2025-03-15", "subscription", "late", "mrr_minor=50 start_on=2025-02-01");
	expect("2025-01-05", "2024-06-01 ... 100"); /* what comes with the first load is all of the past */
	expect("2025-03-01", "2024-06-01 ... 100");
	expect("2025-03-14", "2024-06-01 ... 100");
	expect("2025-03-15", "2024-06-01 ... 100; 2025-02-01 ... 50");
}

static void a_changed_amount_counts_from_the_day_of_the_pull_that_saw_it(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "s", "mrr_minor=100 start_on=2024-06-01 plan=pro");
	pull("2025-03-15", "subscription", "s", "mrr_minor=150");
	pull("2025-04-02", "subscription", "s", "plan=max");
	expect("2025-03-14", "2024-06-01 ... 100 pro");
	expect("2025-03-15", "2024-06-01 2025-03-15 100 pro on; 2025-03-15 ... 150 pro");
	expect("2025-05-01", "2024-06-01 2025-03-15 100 pro on; 2025-03-15 2025-04-02 150 pro on; 2025-04-02 ... 150 max");
}

static void a_correction_counts_since_the_day_on_which_the_amount_holds(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "s", "mrr_minor=100 start_on=2024-06-01 amount_from_on=2024-06-01 plan=pro");
	pull("2025-03-15", "subscription", "s", "mrr_minor=150 amount_from_on=2025-02-01 plan=max");
	expect("2025-02-10", "2024-06-01 ... 100 pro");
	expect("2025-03-14", "2024-06-01 ... 100 pro");
	/* the plan that came with it, too */
	expect("2025-03-15", "2024-06-01 2025-02-01 100 pro on; 2025-02-01 ... 150 max");
	pull("2025-05-01", "subscription", "s", "mrr_minor=120 amount_from_on=2025-01-01"); /* it was never 150 */
	expect("2025-04-30", "2024-06-01 2025-02-01 100 pro on; 2025-02-01 ... 150 max");
	expect("2025-05-01", "2024-06-01 2025-01-01 100 pro on; 2025-01-01 2025-02-01 120 pro on; 2025-02-01 ... 120 max");
	pull("2025-05-03", "subscription", "s", "mrr_minor=130 amount_from_on=2024-06-01"); /* since ever */
	expect("2025-05-03", "2024-06-01 2025-02-01 130 pro on; 2025-02-01 ... 130 max");
}

static void a_new_day_since_which_the_amount_holds_moves_its_change(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "s", "mrr_minor=100 start_on=2024-06-01");
	pull("2025-03-15", "subscription", "s", "mrr_minor=150 amount_from_on=2025-02-01");
	pull("2025-04-01", "subscription", "s", "amount_from_on=2025-02-20");
	expect("2025-03-20", "2024-06-01 2025-02-01 100 on; 2025-02-01 ... 150");
	expect("2025-04-01", "2024-06-01 2025-02-20 100 on; 2025-02-20 ... 150");
	pull("2025-05-01", "subscription", "s", "mrr_minor=170 amount_from_on=2025-06-01"); /* agreed, but not yet */
	expect("2025-05-31", "2024-06-01 2025-02-20 100 on; 2025-02-20 ... 150");
	expect("2025-06-01", "2024-06-01 2025-02-20 100 on; 2025-02-20 2025-06-01 150 on; 2025-06-01 ... 170");
	pull("2025-06-10", "subscription", "s", "mrr_minor=180 amount_from_on=-");
	expect("2025-06-10", "2024-06-01 2025-02-20 100 on; 2025-02-20 2025-06-01 150 on; "
	                     "2025-06-01 2025-06-10 170 on; 2025-06-10 ... 180");
}

static void what_is_deleted_was_paid_for_until_then_and_what_comes_back_was_never_gone(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "s", "mrr_minor=100 start_on=2024-06-01");
	gone("2025-03-01", "s");
	expect("2025-02-28", "2024-06-01 ... 100");
	expect("2025-03-01", "2024-06-01 2025-03-01 100");
	pull("2025-03-20", "subscription", "s", "mrr_minor=100");
	expect("2025-03-19", "2024-06-01 2025-03-01 100"); /* as it was thought then */
	expect("2025-03-20", "2024-06-01 ... 100");
	gone("2025-06-01", "s");
	expect("2025-03-19", "2024-06-01 2025-03-01 100");
	expect("2025-05-01", "2024-06-01 ... 100");
	expect("2025-07-01", "2024-06-01 2025-06-01 100");
}

static void starts_and_ends_are_what_was_known_of_them(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "s", "mrr_minor=100 start_on=2024-06-01 end_on=2025-12-31");
	pull("2025-02-01", "subscription", "s", "start_on=2024-05-01");
	pull("2025-03-01", "subscription", "s", "end_on=2025-09-30 cancel_notice_on=2025-02-27 paid_until_on=2025-10-15");
	pull("2025-10-20", "subscription", "s", "end_reason=unpaid");
	expect("2025-01-15", "2024-06-01 ... 100"); /* nobody knows since when that end was there */
	expect("2025-02-01", "2024-05-01 ... 100");
	expect("2025-03-01", "2024-05-01 2025-09-30 100 notice 2025-02-27 paid 2025-10-15");
	expect("2025-10-20", "2024-05-01 2025-09-30 100 notice 2025-02-27 unpaid");
	first_load_is_over("2025-10-20");
	pull("2025-11-01", "subscription", "t", "mrr_minor=7 start_on=2025-10-01 end_on=2026-10-01");
	expect("2025-11-01", "2024-05-01 2025-09-30 100 notice 2025-02-27 unpaid; 2025-10-01 2026-10-01 7");
}

static void trials_kinds_and_free_plans_are_told_apart(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "a", "mrr_minor=100 start_on=2025-01-05 is_trial=1");
	pull("2025-02-10", "subscription", "a", "is_trial=0");
	pull("2025-01-10", "subscription", "b", "mrr_minor=30 start_on=2025-01-05 kind=usage");
	pull("2025-01-10", "subscription", "c", "mrr_minor=40 start_on=2025-01-05 kind=service");
	pull("2025-01-10", "subscription", "d", "mrr_minor=0 start_on=2025-01-05 plan=free");
	pull("2025-01-10", "subscription", "e", "start_on=2025-01-05 plan=unknown");
	expect("2025-03-01", "2025-01-05 2025-02-10 100 trial on; 2025-02-10 ... 100; 2025-01-05 ... 30 usage; "
	                     "2025-01-05 ... 40 once; 2025-01-05 ... 0 free");
}

static void a_discount_is_an_amount_or_a_share_and_has_an_end(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "a", "mrr_minor=1001 start_on=2025-01-05 discount_percent=12.5");
	pull("2025-01-10", "subscription", "b",
	     "mrr_minor=500 start_on=2025-01-05 discount_minor=60 discount_ends_on=2025-06-01");
	pull("2025-04-10", "subscription", "b", "discount_minor=70 discount_ends_on=2025-08-01");
	pull("2025-08-10", "subscription", "b", "discount_minor=- discount_ends_on=-");
	expect("2025-09-01", "2025-01-05 ... 1001-125<...; 2025-01-05 2025-04-10 500-60<2025-06-01 on; "
	                     "2025-04-10 2025-08-10 500-70<2025-08-01 on; 2025-08-10 ... 500");
}

static void pauses_have_days_or_count_while_they_were_seen(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "a", "mrr_minor=100 start_on=2024-06-01 status=active");
	pull("2025-03-10", "subscription", "a", "status=paused paused_on=2025-03-01 resumes_on=2025-06-01");
	expect("2025-03-09", "2024-06-01 ... 100");
	expect("2025-03-10", "2024-06-01 2025-03-01 100 on; 2025-03-01 2025-06-01 100 paused on; 2025-06-01 ... 100");
	pull("2025-04-20", "subscription", "a", "status=active paused_on=- resumes_on=-"); /* sooner than was said */
	expect("2025-05-01", "2024-06-01 2025-03-01 100 on; 2025-03-01 2025-04-20 100 paused on; 2025-04-20 ... 100");
	pull("2025-07-10", "subscription", "a", "paused_on=2025-07-01");
	pull("2025-07-12", "subscription", "a", "paused_on=2025-07-05"); /* a correction */
	expect("2025-07-12", "2024-06-01 2025-03-01 100 on; 2025-03-01 2025-04-20 100 paused on; "
	                     "2025-04-20 2025-07-05 100 on; 2025-07-05 ... 100 paused");
}

static void a_pause_without_a_day_lasts_as_long_as_it_was_seen(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "subscription", "a", "mrr_minor=100 start_on=2024-06-01 status=active");
	pull("2025-03-10", "subscription", "a", "status=paused");
	pull("2025-04-20", "subscription", "a", "status=active mrr_minor=90");
	expect("2025-05-01", "2024-06-01 2025-03-10 100 on; 2025-03-10 2025-04-20 100 paused on; 2025-04-20 ... 90");
}

static void an_account_without_a_contract_counts_with_a_twelfth_of_its_year(void **state)
{
	(void)state;
	pull("2025-01-01", "account", "acme", "arr_minor=1207 currency=EUR customer_since_on=2024-02-01 plan=pro");
	pull("2025-03-01", "account", "acme", "arr_minor=2400 plan=max");
	pull("2025-04-01", "account", "acme", "is_customer=0");
	first_load_is_over("2025-04-01");
	expect("2025-02-01", "2024-02-01 ... 101 pro");
	expect("2025-05-01", "2024-02-01 2025-03-01 101 pro on; 2025-03-01 2025-04-01 200 max on");
	assert_true(facts.lines[0].contract < 0);
	pull("2025-05-10", "subscription", "s", "mrr_minor=5 start_on=2024-02-01");
	expect("2025-05-09", "2024-02-01 2025-03-01 101 pro on; 2025-03-01 2025-04-01 200 max on");
	expect("2025-05-10", "2024-02-01 ... 5");
}

static void currencies_are_the_lines_own_its_accounts_or_the_default(void **state)
{
	static const char *const expected[] = { "USD", "GBP", "EUR" };

	(void)state;
	pull("2025-01-01", "account", "acme", "currency=GBP");
	pull("2025-01-01", "subscription", "a", "mrr_minor=1 currency=USD start_on=2025-01-01");
	pull("2025-01-01", "subscription", "b", "mrr_minor=2 start_on=2025-01-01");
	(void)lines("2025-02-01");
	for (size_t i = 0; i < facts.n_lines; i++)
		assert_string_equal(facts.names[facts.lines[i].currency], expected[i]);
	pull("2025-03-01", "account", "acme", "currency=-");
	pull("2025-03-01", "subscription", "a", "currency=CHF");
	(void)lines("2025-03-01");
	assert_int_equal(facts.n_lines, 3);
	assert_string_equal(facts.names[facts.lines[0].currency], "USD");
	assert_string_equal(facts.names[facts.lines[1].currency], "CHF");
	assert_string_equal(facts.names[facts.lines[2].currency], "EUR");
}

static void regions_and_parents_are_those_of_the_day(void **state)
{
	(void)state;
	pull("2025-01-01", "account", "parent", "name=Parent");
	pull("2025-01-01", "account", "other", "name=Other");
	pull("2025-01-01", "account", "acme", "region=DE parent_key=parent");
	pull("2025-03-01", "account", "acme", "region=FR parent_key=other");
	(void)lines("2025-02-01");
	assert_int_equal(facts.n_accounts, 3);
	assert_string_equal(facts.accounts[2].key, "acme");
	assert_string_equal(revenue_trait_on(&facts.accounts[2].region, on("2025-02-01")), "DE");
	assert_int_equal(facts.accounts[2].parent, 0);
	(void)lines("2025-03-01");
	assert_string_equal(revenue_trait_on(&facts.accounts[2].region, on("2025-02-28")), "DE");
	assert_string_equal(revenue_trait_on(&facts.accounts[2].region, on("2025-03-01")), "FR");
	assert_int_equal(facts.accounts[2].parent, 1);
}

static void a_contract_that_goes_to_another_account_was_always_there_for_those_who_look_later(void **state)
{
	struct record r = { .entity = entity_find("subscription"), .key = "s", .account_by = ACCOUNT_BY_KEY };

	(void)state;
	put_acme();
	pull("2025-01-01", "account", "other", "name=Other");
	pull("2025-01-10", "subscription", "s", "mrr_minor=100 start_on=2024-06-01");
	r.account_key = "other";
	ASSERT_OK(record_put(db, crm, &r, on("2025-03-01"), &err));
	ASSERT_OK((int)record_resolve_links(db, &err));
	expect("2025-02-28", "2024-06-01 ... 100");
	assert_string_equal(facts.accounts[facts.lines[0].account].key, "acme");
	expect("2025-03-01", "2024-06-01 ... 100");
	assert_string_equal(facts.accounts[facts.lines[0].account].key, "other");
}

static const char *dues(const char *as_of)
{
	const char *all = "";

	(void)lines(as_of);
	for (size_t i = 0; i < facts.n_dues; i++)
		all = arena_printf(arena, "%s%s%s %s", all, i ? "; " : "", day_or(facts.dues[i].due_on),
		                   day_or(facts.dues[i].paid_on));
	return all;
}

/* A bill that nobody ever pays, of a customer who pays the next ones: disputed, lost or written off. */
static void a_bill_that_stays_open_ends_with_the_next_one_that_is_paid(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "invoice", "open", "issued_on=2025-01-01 due_on=2025-01-31 status=open");
	pull("2025-01-10", "invoice", "before", "issued_on=2025-01-01 due_on=2025-01-30 status=open");
	pull("2025-02-10", "invoice", "next", "issued_on=2025-02-01 due_on=2025-02-28 status=open");
	pull("2025-02-15", "invoice", "before", "paid_on=2025-02-14 status=paid");
	pull("2025-02-28", "invoice", "next", "paid_on=2025-02-27 status=paid");
	assert_string_equal(dues("2025-02-27"), "2025-01-30 2025-02-14; 2025-01-31 ...");
	assert_string_equal(dues("2025-02-28"), "2025-01-30 2025-02-14; 2025-01-31 2025-02-27");
}

static void a_bill_is_due_from_its_day_until_its_payment_was_known(void **state)
{
	(void)state;
	put_acme();
	pull("2025-01-10", "invoice", "paid", "issued_on=2025-01-01 due_on=2025-01-14 status=open");
	pull("2025-01-20", "invoice", "paid", "paid_on=2025-01-13 status=paid");
	pull("2025-01-10", "invoice", "late", "issued_on=2025-01-01 due_on=2025-01-15 status=open");
	pull("2025-03-03", "invoice", "late", "paid_on=2025-03-01 status=paid");
	pull("2025-02-10", "invoice", "void", "issued_on=2025-02-01 due_on=2025-02-05 status=open");
	pull("2025-02-20", "invoice", "void", "status=void");
	pull("2025-03-10", "invoice", "told", "issued_on=2025-03-01 due_on=2025-03-12 status=open");
	pull("2025-03-25", "invoice", "told", "paid_on=2025-03-11 status=paid"); /* in time, but nobody knew */
	first_load_is_over("2025-04-01");
	pull("2025-04-02", "invoice", "after", "issued_on=2025-02-01 due_on=2025-02-02 status=open");
	assert_string_equal(dues("2025-01-16"), ""); /* no payment was told yet: silence says nothing */
	assert_string_equal(dues("2025-01-25"), "2025-01-15 ...");
	assert_string_equal(dues("2025-02-15"), "2025-01-15 ...; 2025-02-05 ...");
	assert_string_equal(dues("2025-03-02"), "2025-01-15 ...");
	assert_string_equal(dues("2025-03-20"), "2025-01-15 2025-03-01; 2025-03-12 ...");
	assert_string_equal(dues("2025-04-01"), "2025-01-15 2025-03-01");
	assert_string_equal(dues("2025-04-05"), "2025-01-15 2025-03-01; 2025-02-02 2025-03-11");
}

static void rates_are_those_that_were_known_one_of_each_pair_and_day(void **state)
{
	int64_t bank;

	(void)state;
	pull("2025-01-02", "rate", "1", "currency=EUR base=USD rate_on=2025-01-02 rate_nano=1030000000");
	pull("2025-01-02", "rate", "2", "currency=eur base=usd rate_on=2025-01-01 rate_nano=1020000000");
	first_load_is_over("2025-01-02");
	pull("2025-01-06", "rate", "3", "currency=EUR base=USD rate_on=2025-01-03 rate_nano=1040000000");
	pull("2025-01-08", "rate", "3", "rate_nano=1050000000");
	ASSERT_OK(source_id(db, "bank", "csv", &bank, &err));
	ASSERT_OK(db_run(db, "INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano)"
		" VALUES (2, 'x', 'EUR', 'USD', 20090, 7)", &err)); /* 2025-01-02 */
	(void)lines("2025-01-05");
	assert_int_equal(facts.n_rates, 2);
	assert_int_equal(facts.rates[0].on, on("2025-01-01"));
	ASSERT_INT(facts.rates[1].nano, 1030000000);
	(void)lines("2025-01-07");
	assert_int_equal(facts.n_rates, 3);
	ASSERT_INT(facts.rates[2].nano, 1040000000);
	(void)lines("2025-01-08");
	ASSERT_INT(facts.rates[2].nano, 1050000000);
	assert_string_equal(facts.names[facts.rates[2].currency], "EUR");
	assert_string_equal(facts.names[facts.rates[2].base], "USD");
}

static void more_plans_than_there_are_numbers_share_one(void **state)
{
	(void)state;
	put_acme();
	ASSERT_OK(db_run(db, "INSERT INTO subscription (source_id, source_key, account_id, mrr_minor, plan, start_on)"
		" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"
		" SELECT 1, i, 1, 1, 'plan ' || i, 20000 FROM n", &err));
	ASSERT_OK(revenue_load(db, &(struct revenue_query){ on("2025-01-01"), "EUR" }, arena, &facts, &err));
	assert_int_equal(facts.n_lines, 70000);
	assert_string_equal(facts.names[facts.lines[0].plan], "plan 1");
	assert_string_equal(facts.names[facts.lines[69999].plan], "(other)");
	assert_true(facts.n_names <= UINT16_MAX);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_contract_that_is_dated_back_does_not_exist_before_the_day_of_its_pull),
		CASE(a_changed_amount_counts_from_the_day_of_the_pull_that_saw_it),
		CASE(a_correction_counts_since_the_day_on_which_the_amount_holds),
		CASE(a_new_day_since_which_the_amount_holds_moves_its_change),
		CASE(what_is_deleted_was_paid_for_until_then_and_what_comes_back_was_never_gone),
		CASE(starts_and_ends_are_what_was_known_of_them),
		CASE(trials_kinds_and_free_plans_are_told_apart),
		CASE(a_discount_is_an_amount_or_a_share_and_has_an_end),
		CASE(pauses_have_days_or_count_while_they_were_seen),
		CASE(a_pause_without_a_day_lasts_as_long_as_it_was_seen),
		CASE(an_account_without_a_contract_counts_with_a_twelfth_of_its_year),
		CASE(currencies_are_the_lines_own_its_accounts_or_the_default),
		CASE(regions_and_parents_are_those_of_the_day),
		CASE(a_bill_that_stays_open_ends_with_the_next_one_that_is_paid),
		CASE(a_contract_that_goes_to_another_account_was_always_there_for_those_who_look_later),
		CASE(a_bill_is_due_from_its_day_until_its_payment_was_known),
		CASE(rates_are_those_that_were_known_one_of_each_pair_and_day),
		CASE(more_plans_than_there_are_numbers_share_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
