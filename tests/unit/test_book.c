/* What counts under which policy: a small book with one account for each case on which definitions disagree, and every
 * switch changes exactly the figures that it should. The window is the first half of 2026. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "score/nrr.h"

enum { MAX_ACCOUNTS = 32, MAX_LINES = 64, MAX_CHANGED = 4 };
/* Accounts by their places in the book; those that a test adds come behind. */
enum { STEADY = 0, ENDED = 3, USAGE = 16, PARENT = 20, BOUGHT = 23, ADDED = 24 };

/* What the lines are in: facts->names. */
enum { NONE, EUR, USD, SEATS, ADDON, N_NAMES };

static const char *const names[N_NAMES] = { NULL, "EUR", "USD", "Seats", "Add-on" };

static struct arena *arena;
static struct err err;
static struct revenue_account accounts[MAX_ACCOUNTS];
static struct revenue_line lines[MAX_LINES];
static struct revenue_due dues[MAX_ACCOUNTS];
static struct revenue_rate rates[4];
static struct revenue facts;

static int32_t on(const char *text)
{
	int32_t day;

	if (!text)
		return REVENUE_OPEN;
	assert_true(day_parse(text, &day));
	return day;
}

static struct revenue_account *account(const char *name)
{
	struct revenue_account *x = &accounts[facts.n_accounts++];

	assert_true(facts.n_accounts <= MAX_ACCOUNTS);
	*x = (struct revenue_account){ .id = (int64_t)facts.n_accounts, .key = name, .name = name, .parent = -1,
		.csm = { .now = "ann" } };
	return x;
}

/* A line of the newest account; further terms are set on what is returned. */
static struct revenue_line *line(int64_t contract, int64_t minor, const char *from, const char *to)
{
	struct revenue_line *l = &lines[facts.n_lines++];

	assert_true(facts.n_lines <= MAX_LINES);
	*l = (struct revenue_line){ .contract = 100 * (int64_t)facts.n_accounts + contract, .minor = minor,
		.account = (int32_t)facts.n_accounts - 1, .from = on(from), .to = on(to), .discount_until = REVENUE_OPEN,
		.notice_on = DAY_NONE, .paid_until = DAY_NONE, .product = SEATS, .currency = EUR, .is_last = true };
	return l;
}

static void due(const char *due_on, const char *paid_on)
{
	dues[facts.n_dues++] = (struct revenue_due){ (int32_t)facts.n_accounts - 1, on(due_on), on(paid_on) };
}

static void rate(const char *day, int64_t nano)
{
	rates[facts.n_rates++] = (struct revenue_rate){ USD, EUR, on(day), nano };
}

static struct revenue_trait moved(const char *before, const char *day, const char *after)
{
	struct revenue_change *changes = arena_array(arena, 2, sizeof *changes);

	changes[0] = (struct revenue_change){ .known_on = on("2025-01-01"), .value = before };
	changes[1] = (struct revenue_change){ .known_on = on(day), .value = after };
	return (struct revenue_trait){ .changes = changes, .n = 2 };
}

static void add_dates(void)
{
	struct revenue_line *l;

	account("steady");
	line(1, 100, "2025-01-01", NULL);
	line(2, 9, "2025-01-01", NULL)->is_trial = true;
	line(3, 9, "2025-01-01", NULL)->kind = REVENUE_ONCE;
	account("away for 45 days");
	line(1, 100, "2025-01-01", "2026-03-01");
	line(2, 80, "2026-04-15", NULL);
	account("back after 123 days");
	line(1, 70, "2025-01-01", "2025-10-01");
	line(2, 50, "2026-02-01", NULL);
	account("ended before what it paid for");
	l = line(1, 40, "2025-01-01", "2026-06-15");
	l->notice_on = on("2026-05-01");
	l->paid_until = on("2026-07-31");
	account("has asked for its end");
	line(1, 41, "2025-01-01", "2026-09-30")->notice_on = on("2026-06-01");
	account("owes since March");
	line(1, 30, "2025-01-01", NULL);
	due("2025-02-01", "2025-02-11");
	due("2026-03-01", NULL);
	account("owes for three weeks");
	line(1, 31, "2025-01-01", NULL);
	due("2026-06-10", NULL);
	account("came and went");
	line(1, 33, "2026-02-01", "2026-05-01");
	account("up and down");
	line(1, 100, "2025-01-01", "2026-02-01")->is_last = false;
	line(1, 150, "2026-02-01", "2026-04-01")->is_last = false;
	line(1, 120, "2026-04-01", NULL);
}

static void add_amounts(void)
{
	struct revenue_line *l;

	account("pays in dollars");
	line(1, 110, "2025-06-01", NULL)->currency = USD;
	account("20 off until April");
	l = line(1, 100, "2025-01-01", NULL);
	l->discount_minor = 20;
	l->discount_until = on("2026-04-01");
	account("10 off forever");
	line(1, 90, "2025-01-01", NULL)->discount_minor = 10;
	account("has a credit");
	line(1, 100, "2025-01-01", NULL);
	line(2, -30, "2026-02-01", NULL);
	account("goes on for free");
	line(1, 60, "2025-01-01", "2026-05-01")->is_last = false;
	line(1, 0, "2026-05-01", NULL);
	account("drops an add-on");
	line(1, 50, "2025-01-01", NULL);
	line(2, 25, "2025-01-01", "2026-05-01")->product = ADDON;
	account("pauses");
	line(1, 70, "2025-01-01", "2026-06-01")->is_last = false;
	line(1, 70, "2026-06-01", NULL)->is_paused = true;
	account("has usage");
	line(1, 10, "2025-01-01", NULL);
	line(2, 15, "2025-01-01", "2026-04-01")->kind = REVENUE_USAGE;
	line(3, 25, "2026-04-01", NULL)->kind = REVENUE_USAGE;
}

static void add_companies(void)
{
	account("moves to Enterprise")->segment = moved("SMB", "2026-03-01", "Enterprise");
	line(1, 12, "2025-01-01", NULL);
	account("moves to EMEA")->region = moved("APAC", "2026-03-01", "EMEA");
	line(1, 13, "2025-01-01", NULL);
	account("changes hands")->csm = moved("ann", "2026-03-01", "bob");
	line(1, 14, "2025-01-01", NULL);
	account("parent");
	line(1, 20, "2025-01-01", NULL);
	account("child")->parent = PARENT;
	line(1, 5, "2025-01-01", "2026-05-01");
	account("buyer");
	line(1, 200, "2025-01-01", NULL);
	account("bought");
	line(1, 100, "2025-01-01", "2026-04-01");
}

static int make_facts(void **state)
{
	(void)state;
	arena = arena_new(0);
	facts = (struct revenue){ .accounts = accounts, .lines = lines, .dues = dues, .rates = rates, .names = names,
		.n_names = N_NAMES, .as_of = on("2026-07-01") };
	add_dates();
	add_amounts();
	add_companies();
	rate("2025-06-01", 800000000);
	rate("2025-12-20", 900000000);
	rate("2026-07-01", 1000000000);
	return 0;
}

static int free_facts(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* The policy lives in the arena, for the book points at it. */
static const struct nrr_policy *policy_of(const char *switches)
{
	const char *text = arena_printf(arena, "nrr:\n  %s\n", switches);
	struct nrr_policy *p = arena_alloc(arena, sizeof *p);
	struct mistakes m = { .arena = arena };

	nrr_policy_read(arena, yaml_member(yaml_parse(arena, "o.yaml", text, strlen(text), &m), "nrr"), p, &m);
	if (m.n)
		fail_msg("%s", m.lines[0]);
	return p;
}

static struct book book_of(const char *switches, enum book_revenue revenue)
{
	struct book_query query = { .revenue = revenue, .currency = "EUR" };
	struct book b;

	ASSERT_OK(book_make(&facts, policy_of(switches), &query, arena, &b, &err));
	return b;
}

static struct nrr_span half_year(void)
{
	return (struct nrr_span){ on("2026-01-01"), on("2026-07-01") };
}

/* "start 100, churn 100": what is not 0. */
static const char *sums_text(const struct nrr_sums *s)
{
	const struct { const char *name; int64_t value; } all[] = {
		{ "start", s->start_minor }, { "new", s->added_minor }, { "expansion", s->expansion_minor },
		{ "reactivation", s->reactivation_minor }, { "contraction", s->contraction_minor },
		{ "churn", s->churn_minor }, { "fx", s->fx_minor }, { "end", s->end_minor }, { "net", s->cohort_end_minor },
		{ "kept", s->kept_minor }, { "involuntary", s->involuntary_minor }, { "returned", s->returned_minor },
		{ "free", s->free_minor }, { "logos", s->n_start }, { "left", s->n_churned },
	};
	const char *text = "";

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value)
			text = arena_printf(arena, "%s%s%s %lld", text, *text ? ", " : "", all[i].name, (long long)all[i].value);
	return *text ? text : "nothing";
}

/* By account, of all accounts. */
static const char **contributions(const char *switches, enum book_revenue revenue)
{
	const char **texts = arena_array(arena, facts.n_accounts, sizeof *texts);
	struct book b = book_of(switches, revenue);
	struct nrr_contribution *all;
	struct nrr_sums sum = { 0 };
	struct nrr_span span = half_year();
	struct nrr_table tables[N_NRR_BY];
	size_t n;

	for (size_t i = 0; i < facts.n_accounts; i++)
		texts[i] = "nothing";
	ASSERT_OK(nrr_contributions(&b, span, arena, &all, &n, &err));
	for (size_t i = 0; i < n; i++) {
		texts[all[i].account] = sums_text(&all[i].sums);
		sum.start_minor += all[i].sums.start_minor;
		sum.end_minor += all[i].sums.end_minor;
	}
	ASSERT_OK(nrr_compute(&b, &(struct nrr_query){ &span, 1, 1u << NRR_BY_ALL }, arena, tables, &err));
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.start_minor, sum.start_minor);
	ASSERT_INT(tables[NRR_BY_ALL].rows[0].sums.end_minor, sum.end_minor);
	return texts;
}

static const struct {
	const char *account, *sums;
} usual[] = {
	{ "steady", "start 100, end 100, net 100, kept 100, logos 1" },
	{ "away for 45 days", "start 100, contraction 20, end 80, net 80, kept 80, returned 80, logos 1" },
	{ "back after 123 days", "reactivation 50, end 50" },
	{ "ended before what it paid for", "start 40, end 40, net 40, kept 40, logos 1" },
	{ "has asked for its end", "start 41, end 41, net 41, kept 41, logos 1" },
	{ "owes since March", "start 30, churn 30, involuntary 30, logos 1, left 1" },
	{ "owes for three weeks", "start 31, end 31, net 31, kept 31, logos 1" },
	{ "came and went", "nothing" },
	{ "up and down", "start 100, expansion 20, end 120, net 120, kept 100, logos 1" },
	{ "pays in dollars", "start 99, fx 11, end 110, net 99, kept 99, logos 1" },
	{ "20 off until April", "start 80, expansion 20, end 100, net 100, kept 80, logos 1" },
	{ "10 off forever", "start 80, end 80, net 80, kept 80, logos 1" },
	{ "has a credit", "start 100, end 100, net 100, kept 100, logos 1" },
	{ "goes on for free", "start 60, churn 60, free 60, logos 1" },
	{ "drops an add-on", "start 75, contraction 25, end 50, net 50, kept 50, logos 1" },
	{ "pauses", "start 70, churn 70, logos 1, left 1" },
	{ "has usage", "start 10, end 10, net 10, kept 10, logos 1" },
	{ "moves to Enterprise", "start 12, end 12, net 12, kept 12, logos 1" },
	{ "moves to EMEA", "start 13, end 13, net 13, kept 13, logos 1" },
	{ "changes hands", "start 14, end 14, net 14, kept 14, logos 1" },
	{ "parent", "start 25, contraction 5, end 20, net 20, kept 20, logos 1" },
	{ "child", "nothing" },
	{ "buyer", "start 200, end 200, net 200, kept 200, logos 1" },
	{ "bought", "start 100, churn 100, logos 1, left 1" },
};

static void the_default_counts_as_the_table_of_cases_says(void **state)
{
	const char **got = contributions("preset: default", BOOK_COMMITTED);

	(void)state;
	ASSERT_INT(facts.n_accounts, ARRAY_LEN(usual));
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		assert_string_equal(accounts[i].name, usual[i].account);
		if (strcmp(got[i], usual[i].sums) != 0)
			fail_msg("%s: %s, not %s", usual[i].account, got[i], usual[i].sums);
	}
}

struct switch_case {
	const char *switches;
	struct { const char *account, *sums; } changed[MAX_CHANGED];
};

static const struct switch_case cases[] = {
	{ "method: movement_sum",
	  { { "up and down", "start 100, expansion 50, contraction 30, end 120, net 120, kept 70, logos 1" },
	    { "away for 45 days", "start 100, reactivation 80, churn 100, end 80, net 80, returned 80, logos 1" } } },
	{ "new_and_churned: both", { { 0 } } },
	{ "group_days: 30", { { 0 } } },
	{ "segment: at_end", { { 0 } } },
	{ "usage: excluded", { { 0 } } },
	{ "owner_book: {assigned_before_end_days: 2, min_hold_days: 30}", { { 0 } } },
	{ "reactivated_in_cohort: strict",
	  { { "away for 45 days", "start 100, reactivation 80, churn 100, end 80, logos 1, left 1" } } },
	{ "reactivated_outside_cohort: credited", { { "back after 123 days", "reactivation 50, end 50, net 50" } } },
	{ "reactivated_after_days: 45", { { 0 } } },
	{ "reactivated_after_days: 46",
	  { { "away for 45 days", "start 100, contraction 20, end 80, net 80, kept 80, logos 1" } } },
	{ "reactivated_within_days: 122", { { "back after 123 days", "new 50, end 50" } } },
	{ "reactivated_within_days: 123", { { 0 } } },
	{ "reactivated_within_days: 45", { { "back after 123 days", "new 50, end 50" } } },
	{ "reactivated_within_days: 44",
	  { { "away for 45 days", "start 100, new 80, churn 100, end 80, logos 1, left 1" },
	    { "back after 123 days", "new 50, end 50" } } },
	{ "churn_date: billing_end", { { "ended before what it paid for", "start 40, churn 40, logos 1, left 1" } } },
	{ "churn_date: notice", { { "ended before what it paid for", "start 40, churn 40, logos 1, left 1" },
	                          { "has asked for its end", "start 41, churn 41, logos 1, left 1" } } },
	{ "past_due_days: -1", { { "owes since March", "start 30, end 30, net 30, kept 30, logos 1" } } },
	{ "past_due_days: 122", { { "owes since March", "start 30, end 30, net 30, kept 30, logos 1" } } },
	{ "past_due_days: 121", { { 0 } } },
	{ "past_due_days: 20",
	  { { "owes for three weeks", "start 31, churn 31, involuntary 31, logos 1, left 1" } } },
	{ "fx: spot", { { "pays in dollars", "start 99, fx 11, end 110, net 110, kept 99, logos 1" } } },
	{ "fx: purchase", { { "pays in dollars", "start 88, end 88, net 88, kept 88, logos 1" } } },
	{ "discounts: forever_only",
	  { { "20 off until April", "start 100, end 100, net 100, kept 100, logos 1" } } },
	{ "discounts: gross", { { "20 off until April", "start 100, end 100, net 100, kept 100, logos 1" },
	                        { "10 off forever", "start 90, end 90, net 90, kept 90, logos 1" } } },
	{ "credits: negative",
	  { { "has a credit", "start 100, contraction 30, end 70, net 70, kept 70, logos 1" } } },
	{ "free_plan: cancelled", { { "goes on for free", "start 60, churn 60, logos 1, left 1" } } },
	{ "cancelled_addon: churn", { { "drops an add-on", "start 75, churn 25, end 50, net 50, kept 50, logos 1" },
	                              { "parent", "start 25, churn 5, end 20, net 20, kept 20, logos 1" } } },
	{ "paused: keeps", { { "pauses", "start 70, end 70, net 70, kept 70, logos 1" } } },
	{ "usage: included", { { "has usage", "start 25, expansion 10, end 35, net 35, kept 25, logos 1" } } },
	{ "parents: separate", { { "parent", "start 20, end 20, net 20, kept 20, logos 1" },
	                         { "child", "start 5, churn 5, logos 1, left 1" } } },
	{ "merges: [{account: bought, into: buyer, on: 2026-07-01}]",
	  { { "buyer", "start 300, contraction 100, end 200, net 200, kept 200, logos 1" }, { "bought", "nothing" } } },
	{ "merges: [{account: bought, into: buyer, on: 2026-07-02}]", { { 0 } } },
};

/* What shows only where movements are added up. */
static const struct switch_case movement_cases[] = {
	{ "new_and_churned: both", { { "came and went", "new 33, churn 33" } } },
	{ "group_days: 44", { { 0 } } },
	{ "group_days: 58",
	  { { "away for 45 days", "start 100, contraction 20, end 80, net 80, kept 80, logos 1" } } },
	{ "group_days: 59",
	  { { "up and down", "start 100, expansion 20, end 120, net 120, kept 100, logos 1" },
	    { "away for 45 days", "start 100, contraction 20, end 80, net 80, kept 80, logos 1" } } },
	{ "reactivated_in_cohort: strict",
	  { { "away for 45 days", "start 100, reactivation 80, churn 100, end 80, logos 1, left 1" } } },
	{ "reactivated_outside_cohort: credited", { { "back after 123 days", "reactivation 50, end 50, net 50" } } },
	{ "reactivated_within_days: 122", { { "back after 123 days", "new 50, end 50" } } },
	{ "free_plan: cancelled", { { "goes on for free", "start 60, churn 60, logos 1, left 1" } } },
	{ "cancelled_addon: churn", { { "drops an add-on", "start 75, churn 25, end 50, net 50, kept 50, logos 1" },
	                              { "parent", "start 25, churn 5, end 20, net 20, kept 20, logos 1" } } },
	{ "fx: spot", { { "pays in dollars", "start 99, fx 11, end 110, net 110, kept 99, logos 1" } } },
};

static const char *changed_sums(const struct switch_case *c, const char *name)
{
	for (size_t i = 0; i < MAX_CHANGED && c->changed[i].account; i++)
		if (strcmp(c->changed[i].account, name) == 0)
			return c->changed[i].sums;
	return NULL;
}

/* base: what the accounts come to without the switch. */
static void check_case(const struct switch_case *c, const char *also, const char **base)
{
	const char **got = contributions(arena_printf(arena, "%s\n  %s", also, c->switches), BOOK_COMMITTED);

	for (size_t i = 0; i < facts.n_accounts; i++) {
		const char *changed = changed_sums(c, accounts[i].name), *expected = changed ? changed : base[i];

		if (strcmp(got[i], expected) != 0)
			fail_msg("%s: %s: %s, not %s", c->switches, accounts[i].name, got[i], expected);
		assert_true(!changed || strcmp(changed, base[i]) != 0);
	}
}

static void every_switch_changes_the_accounts_of_its_case_and_no_other(void **state)
{
	const char **base = contributions("preset: default", BOOK_COMMITTED);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_case(&cases[i], "preset: default", base);
}

static void so_do_switches_that_show_only_where_movements_are_added_up(void **state)
{
	const char **base = contributions("method: movement_sum", BOOK_COMMITTED);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(movement_cases); i++)
		check_case(&movement_cases[i], "method: movement_sum", base);
}

static const char *group_starts(const char *switches, enum nrr_by by)
{
	struct book b = book_of(switches, BOOK_COMMITTED);
	struct nrr_span span = half_year();
	struct nrr_table tables[N_NRR_BY];
	const char *text = "";

	ASSERT_OK(nrr_compute(&b, &(struct nrr_query){ &span, 1, 1u << by }, arena, tables, &err));
	for (size_t i = 0; i < tables[by].n; i++)
		text = arena_printf(arena, "%s%s %lld; ", text, tables[by].rows[i].group,
		                    (long long)tables[by].rows[i].sums.start_minor);
	return text;
}

static void segments_and_regions_are_of_the_start_or_the_end_and_owners_by_their_own_rules(void **state)
{
	static const char rules[] = "owner_book: {assigned_before_end_days: 2, min_hold_days: 30}";

	(void)state;
	assert_string_equal(group_starts("preset: default", NRR_BY_SEGMENT), "(none) 1368; SMB 12; ");
	assert_string_equal(group_starts("segment: at_end", NRR_BY_SEGMENT), "(none) 1368; Enterprise 12; ");
	assert_string_equal(group_starts("preset: default", NRR_BY_REGION), "(none) 1367; APAC 13; ");
	assert_string_equal(group_starts("segment: at_end", NRR_BY_REGION), "(none) 1367; EMEA 13; ");
	assert_string_equal(group_starts("preset: default", NRR_BY_OWNER), "ann 1380; ");
	assert_string_equal(group_starts("segment: at_end", NRR_BY_OWNER), "ann 1380; ");
	assert_string_equal(group_starts(rules, NRR_BY_OWNER), "ann 1366; bob 14; ");
	assert_string_equal(group_starts(rules, NRR_BY_SEGMENT), "(none) 1368; SMB 12; ");
	assert_string_equal(group_starts("owner_book: {assigned_before_end_days: 2, min_hold_days: 123}", NRR_BY_OWNER),
	                    "(excluded) 14; ann 1366; ");
}

static void usage_has_a_book_of_its_own_unless_it_is_part_of_the_other_or_of_none(void **state)
{
	(void)state;
	assert_string_equal(contributions("usage: separate", BOOK_USAGE)[USAGE],
	                    "start 15, expansion 10, end 25, net 25, kept 15, logos 1");
	ASSERT_INT(book_of("usage: included", BOOK_USAGE).n_pieces, 0);
	ASSERT_INT(book_of("usage: excluded", BOOK_USAGE).n_pieces, 0);
}

static void a_rate_that_is_too_old_names_currency_and_day(void **state)
{
	struct book b = book_of("rate_age_days: 11", BOOK_COMMITTED);
	struct nrr_contribution *all;
	size_t n;

	(void)state;
	ASSERT_INT(nrr_contributions(&b, half_year(), arena, &all, &n, &err), -1);
	assert_non_null(strstr(err.text, "USD"));
	assert_non_null(strstr(err.text, "2026-01-01"));
	b = book_of("rate_age_days: 12", BOOK_COMMITTED);
	ASSERT_OK(nrr_contributions(&b, half_year(), arena, &all, &n, &err));
}

static void merges_that_name_an_unknown_account_are_counted(void **state)
{
	(void)state;
	ASSERT_INT(book_of("merges: [{account: gone, into: buyer, on: 2026-01-01}, {account: bought, into: lost, "
	                   "on: 2027-01-01}]", BOOK_COMMITTED).n_unknown_merges, 2);
	ASSERT_INT(book_of("merges: [{account: bought, into: buyer, on: 2026-01-01}]", BOOK_COMMITTED).n_unknown_merges, 0);
}

static void merges_go_over_several_steps_and_then_up_to_the_parent(void **state)
{
	const char **got = contributions("merges: [{account: bought, into: child, on: 2026-01-01}, {account: steady, "
	                                 "into: bought, on: 2026-01-01}]", BOOK_COMMITTED);

	(void)state;
	assert_string_equal(got[PARENT], "start 225, contraction 105, end 120, net 120, kept 120, logos 1");
	assert_string_equal(got[STEADY], "nothing");
	assert_string_equal(got[BOUGHT], "nothing");
}

static int64_t paid(const struct book *b, int32_t account, const char *day)
{
	int64_t minor;

	ASSERT_OK(nrr_paid_on(b, account, on(day), on("2026-01-01"), &minor, &err));
	return minor;
}

static void churn_has_the_day_that_the_policy_says(void **state)
{
	struct book b = book_of("churn_date: period_end", BOOK_COMMITTED);

	(void)state;
	ASSERT_INT(paid(&b, ENDED, "2026-07-30"), 40);
	ASSERT_INT(paid(&b, ENDED, "2026-07-31"), 0);
	b = book_of("churn_date: billing_end", BOOK_COMMITTED);
	ASSERT_INT(paid(&b, ENDED, "2026-06-14"), 40);
	ASSERT_INT(paid(&b, ENDED, "2026-06-15"), 0);
	b = book_of("churn_date: notice", BOOK_COMMITTED);
	ASSERT_INT(paid(&b, ENDED, "2026-04-30"), 40);
	ASSERT_INT(paid(&b, ENDED, "2026-05-01"), 0);
}

static void what_took_the_place_of_a_contract_is_not_counted_beside_its_paid_rest(void **state)
{
	struct book b;

	(void)state;
	account("swaps");
	line(1, 50, "2025-01-01", "2026-03-10")->paid_until = on("2026-04-01");
	line(2, 80, "2026-03-10", NULL);
	account("comes back before its paid time is over");
	line(1, 50, "2025-01-01", "2026-03-10")->paid_until = on("2026-04-01");
	line(2, 80, "2026-03-20", NULL);
	account("has usage in its paid time");
	line(1, 50, "2025-01-01", "2026-03-10")->paid_until = on("2026-04-01");
	line(2, 7, "2026-03-15", NULL)->kind = REVENUE_USAGE;
	b = book_of("churn_date: period_end", BOOK_COMMITTED);
	ASSERT_INT(paid(&b, ADDED, "2026-03-09"), 50);
	ASSERT_INT(paid(&b, ADDED, "2026-03-10"), 80);
	ASSERT_INT(paid(&b, ADDED + 1, "2026-03-19"), 50);
	ASSERT_INT(paid(&b, ADDED + 1, "2026-03-20"), 80);
	ASSERT_INT(paid(&b, ADDED + 2, "2026-03-31"), 50);
	ASSERT_INT(paid(&b, ADDED + 2, "2026-04-01"), 0);
	b = book_of("usage: included", BOOK_COMMITTED);
	ASSERT_INT(paid(&b, ADDED + 2, "2026-03-31"), 7);
}

static void a_bill_that_is_paid_at_last_brings_the_account_back_on_that_day(void **state)
{
	struct book b;

	(void)state;
	account("pays after five months");
	line(1, 50, "2025-01-01", NULL);
	due("2025-10-01", "2026-03-01");
	due("2025-11-01", "2026-03-05");
	b = book_of("past_due_days: 90", BOOK_COMMITTED);
	ASSERT_INT(paid(&b, ADDED, "2025-09-30"), 50);
	ASSERT_INT(paid(&b, ADDED, "2025-10-01"), 0);
	ASSERT_INT(paid(&b, ADDED, "2026-03-04"), 0);
	ASSERT_INT(paid(&b, ADDED, "2026-03-05"), 50);
	assert_string_equal(contributions("past_due_days: 90", BOOK_COMMITTED)[ADDED], "reactivation 50, end 50");
}

static void a_discount_that_takes_all_is_a_free_plan_and_none_takes_more(void **state)
{
	(void)state;
	account("all off since May");
	line(1, 50, "2025-01-01", "2026-05-01")->is_last = false;
	line(1, 50, "2026-05-01", NULL)->discount_minor = 60;
	assert_string_equal(contributions("preset: default", BOOK_COMMITTED)[ADDED],
	                    "start 50, churn 50, free 50, logos 1");
	assert_string_equal(contributions("discounts: gross", BOOK_COMMITTED)[ADDED],
	                    "start 50, end 50, net 50, kept 50, logos 1");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_facts, free_facts)
	const struct CMUnitTest tests[] = {
		CASE(the_default_counts_as_the_table_of_cases_says),
		CASE(every_switch_changes_the_accounts_of_its_case_and_no_other),
		CASE(so_do_switches_that_show_only_where_movements_are_added_up),
		CASE(segments_and_regions_are_of_the_start_or_the_end_and_owners_by_their_own_rules),
		CASE(usage_has_a_book_of_its_own_unless_it_is_part_of_the_other_or_of_none),
		CASE(a_rate_that_is_too_old_names_currency_and_day),
		CASE(merges_that_name_an_unknown_account_are_counted),
		CASE(merges_go_over_several_steps_and_then_up_to_the_parent),
		CASE(churn_has_the_day_that_the_policy_says),
		CASE(what_took_the_place_of_a_contract_is_not_counted_beside_its_paid_rest),
		CASE(a_bill_that_is_paid_at_last_brings_the_account_back_on_that_day),
		CASE(a_discount_that_takes_all_is_a_free_plan_and_none_takes_more),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
