/* The rules of retention: presets, what an organisation's file changes of them, what it may not, and their hash. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "score/nrr_policy.h"

static struct arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct nrr_policy *read_policy(const char *text, struct mistakes *m)
{
	struct nrr_policy *p = arena_alloc(arena, sizeof *p);
	const struct yaml *tree;

	*m = (struct mistakes){ .arena = arena };
	tree = yaml_parse(arena, "o.yaml", text, strlen(text), m);
	assert_non_null(tree);
	nrr_policy_read(arena, yaml_member(tree, "nrr"), p, m);
	return p;
}

static const struct nrr_policy *policy(const char *text)
{
	struct mistakes m;
	const struct nrr_policy *p = read_policy(text, &m);

	if (m.n)
		fail_msg("%s", m.lines[0]);
	return p;
}

static const char *lines_of(const struct nrr_policy *p)
{
	const char *all = "", *line;

	for (size_t i = 0; (line = nrr_policy_line(p, i, arena)); i++)
		all = arena_printf(arena, "%s%s\n", all, line);
	return all;
}

static void nothing_said_is_the_default_of_the_table(void **state)
{
	(void)state;
	assert_string_equal(lines_of(policy("zone: UTC\n")), lines_of(&nrr_default_policy));
	assert_string_equal(lines_of(policy("nrr:\n")),
		"method: point_to_point\n"
		"new_and_churned: ignored\n"
		"reactivated_in_cohort: counted\n"
		"reactivated_outside_cohort: excluded\n"
		"reactivated_after_days: 0\n"
		"reactivated_within_days: 0\n"
		"churn_date: period_end\n"
		"past_due_days: 90\n"
		"fx: constant\n"
		"discounts: net\n"
		"credits: excluded\n"
		"free_plan: active\n"
		"cancelled_addon: contraction\n"
		"paused: zero\n"
		"usage: separate\n"
		"segment: at_start\n"
		"parents: rolled_up\n"
		"group_days: 0\n"
		"rate_age_days: 31\n"
		"owner_book.assigned_before_end_days: 0\n"
		"owner_book.min_hold_days: 0\n"
		"owner_book.drop_grace_days: 0\n"
		"owner_book.unmanaged_grace_days: 0\n");
}

/* What a preset sets otherwise than the default, as its source has it. */
static const struct {
	const char *preset, *lines;
} presets[] = {
	{ "default", "" },
	{ "10k_cohort", "past_due_days: -1\nusage: excluded\n" },
	{ "chartmogul", "method: movement_sum\nnew_and_churned: both\nreactivated_outside_cohort: credited\n"
	                "churn_date: billing_end\npast_due_days: -1\npaused: keeps\nusage: included\nparents: separate\n" },
	{ "profitwell", "method: movement_sum\npast_due_days: 15\nfx: purchase\ncredits: negative\n"
	                "free_plan: cancelled\nusage: included\nparents: separate\n" },
	{ "stripe", "method: movement_sum\nnew_and_churned: both\nchurn_date: notice\npast_due_days: -1\nfx: spot\n"
	            "discounts: forever_only\nfree_plan: cancelled\npaused: keeps\nusage: excluded\nparents: separate\n" },
	{ "posthog_owner_book", "churn_date: notice\npast_due_days: 14\ndiscounts: gross\nusage: included\n"
	                        "owner_book.assigned_before_end_days: 2\nowner_book.min_hold_days: 30\n"
	                        "owner_book.drop_grace_days: 30\nowner_book.unmanaged_grace_days: 90\n" },
};

/* The lines of a policy that are not the default's. */
static const char *differing(const struct nrr_policy *p)
{
	const char *all = "", *line;

	for (size_t i = 0; (line = nrr_policy_line(p, i, arena)); i++) {
		const char *usual = nrr_policy_line(&nrr_default_policy, i, arena);

		if (!usual || strcmp(line, usual) != 0)
			all = arena_printf(arena, "%s%s\n", all, line);
	}
	return all;
}

static void each_preset_differs_from_the_default_where_its_source_says_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
		const struct nrr_policy *p = policy(arena_printf(arena, "nrr: {preset: %s}\n", presets[i].preset));

		assert_string_equal(differing(p), presets[i].lines);
		assert_string_equal(p->preset, presets[i].preset);
		assert_string_equal(lines_of(p), lines_of(nrr_preset(presets[i].preset)));
	}
	assert_null(nrr_preset("baremetrics"));
}

/* Every switch with a value that is not the default's. */
static const char *const switches[] = {
	"method: movement_sum", "new_and_churned: both", "reactivated_in_cohort: strict",
	"reactivated_outside_cohort: credited", "reactivated_after_days: 30", "reactivated_within_days: 90",
	"churn_date: billing_end", "churn_date: notice", "past_due_days: -1", "fx: spot", "fx: purchase",
	"discounts: forever_only", "discounts: gross", "credits: negative", "free_plan: cancelled",
	"cancelled_addon: churn", "paused: keeps", "usage: included", "usage: excluded", "segment: at_end",
	"parents: separate", "group_days: 3", "rate_age_days: 7",
};

static void each_switch_changes_its_line_and_the_hash_and_nothing_else(void **state)
{
	const char *usual = nrr_policy_hash(&nrr_default_policy, arena);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		const struct nrr_policy *p = policy(arena_printf(arena, "nrr:\n  %s\n", switches[i]));

		assert_string_equal(differing(p), arena_printf(arena, "%s\n", switches[i]));
		assert_string_not_equal(nrr_policy_hash(p, arena), usual);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(nrr_policy_hash(p, arena), nrr_policy_hash(policy(arena_printf(arena,
			                        "nrr:\n  %s\n", switches[k])), arena));
	}
}

static void a_switch_overrides_the_preset_wherever_it_stands(void **state)
{
	const struct nrr_policy *p = policy("nrr:\n  fx: constant\n  preset: stripe\n  usage: included\n");

	(void)state;
	ASSERT_INT(p->fx, FX_CONSTANT);
	ASSERT_INT(p->usage, USAGE_INCLUDED);
	ASSERT_INT(p->method, NRR_MOVEMENT_SUM);
	ASSERT_INT(p->churn_date, CHURN_AT_NOTICE);
	assert_string_equal(p->preset, "stripe");
}

static void the_hash_is_of_the_rules_and_not_of_how_they_are_written(void **state)
{
	(void)state;
	assert_string_equal(nrr_policy_hash(policy("nrr: {preset: 10k_cohort}\n"), arena),
	                    nrr_policy_hash(policy("nrr:\n  usage: excluded\n  past_due_days: -1\n"), arena));
	/* Printed in reports that are kept: printf '%s\n' "$lines" | sha256sum. */
	assert_string_equal(nrr_policy_hash(&nrr_default_policy, arena), "6a184263be76");
}

static void merges_and_owner_books_are_rules_like_any_other(void **state)
{
	const struct nrr_policy *p = policy("nrr:\n  owner_book: {assigned_before_end_days: 2, min_hold_days: 30}\n"
		"  merges:\n    - {account: A1, into: B7, on: 2026-02-01}\n    - {account: B7, into: C2, on: 2026-03-01}\n");

	(void)state;
	assert_string_equal(differing(p), "owner_book.assigned_before_end_days: 2\nowner_book.min_hold_days: 30\n"
	                    "merges: A1 into B7 on 2026-02-01\nmerges: B7 into C2 on 2026-03-01\n");
	ASSERT_INT(((const struct nrr_merge *)p->merges.at)[1].on, day_of(2026, 3, 1));
}

static void the_older_word_for_parents_still_works(void **state)
{
	(void)state;
	ASSERT_INT(policy("nrr: {rolls_up_to_parent: no}\n")->parents, PARENTS_SEPARATE);
	ASSERT_INT(policy("nrr: {preset: stripe, rolls_up_to_parent: yes}\n")->parents, PARENTS_ROLLED_UP);
	ASSERT_INT(policy("nrr: {preset: stripe, rolls_up_to_parent: }\n")->parents, PARENTS_SEPARATE);
}

static const struct {
	const char *nrr, *line;
} refused[] = {
	{ "nrr: {preset: defualt}", "o.yaml:1: nrr.preset: is `defualt`, did you mean `default`? (one of default, "
	  "10k_cohort, chartmogul, profitwell, stripe, posthog_owner_book)" },
	{ "nrr: {preset: [stripe]}", "o.yaml:1: nrr.preset: is a list, expected one of default, 10k_cohort, chartmogul, "
	  "profitwell, stripe, posthog_owner_book" },
	{ "nrr:\n  metod: movement_sum", "o.yaml:2: nrr.metod: unknown key `metod`, did you mean `method`?" },
	{ "nrr:\n  fx: daily", "o.yaml:2: nrr.fx: is `daily`, expected one of constant, spot, purchase" },
	{ "nrr:\n\n  past_due_days: -2", "o.yaml:3: nrr.past_due_days: is `-2`, expected -1 to 3660" },
	{ "nrr: {rate_age_days: a week}", "o.yaml:1: nrr.rate_age_days: is `a week`, expected a whole number" },
	{ "nrr: default", "o.yaml:1: nrr: is `default`, expected a mapping (key: value)" },
	{ "nrr:\n  reactivated_within_days: 30\n  reactivated_after_days: 30",
	  "o.yaml:2: nrr.reactivated_within_days: reactivated_within_days is 30 and reactivated_after_days 30, so nobody "
	  "ever is, expected the first above the second, or 0 for no limit" },
	{ "nrr:\n  parents: separate\n  rolls_up_to_parent: true",
	  "o.yaml:3: nrr.rolls_up_to_parent: says what `parents` says too, expected `parents: separate` alone" },
	{ "nrr:\n  owner_book:\n    drop_grace_days: 30",
	  "o.yaml:2: nrr.owner_book: who holds an account on the first day answers for it, so drop_grace_days and "
	  "unmanaged_grace_days say nothing, expected assigned_before_end_days above 0 with them" },
	{ "nrr:\n  merges:\n    - {account: A, into: B}",
	  "o.yaml:3: nrr.merges[0]: `on` is missing, expected a day such as 2026-03-01" },
	{ "nrr:\n  merges:\n    - {account: A, into: A, on: 2026-01-01}",
	  "o.yaml:3: nrr.merges[0]: `A` becomes part of itself, expected merges that end with another account" },
	{ "nrr:\n  merges:\n    - {account: A, into: B, on: 2026-01-01}\n    - {account: A, into: C, on: 2026-01-01}",
	  "o.yaml:4: nrr.merges[1]: `A` becomes part of another for the second time, expected once" },
	{ "nrr:\n  merges:\n    - {account: A, into: B, on: 2026-01-01}\n    - {account: B, into: C, on: 2026-01-01}\n"
	  "    - {account: C, into: A, on: 2026-01-01}",
	  "o.yaml:3: nrr.merges[0]: `A` becomes part of itself, expected merges that end with another account" },
};

static void what_is_wrong_is_told_with_line_and_what_would_be_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct mistakes m;

		(void)read_policy(refused[i].nrr, &m);
		assert_true(m.n > 0);
		assert_string_equal(m.lines[0], refused[i].line);
	}
}

static void odd_shapes_are_refused_and_do_no_harm(void **state)
{
	static const char *const odd[] = {
		"nrr: [1, 2]", "nrr: {preset: {a: b}}", "nrr: {preset: ''}", "nrr: {merges: {a: b}}", "nrr: {merges: [1]}",
		"nrr: {merges: [{account: , into: B, on: 2026-01-01}, {account: B, into: , on: 2026-01-01}]}",
		"nrr: {merges: [{account: A, into: [], on: 2026-01-01}]}", "nrr: {owner_book: 3}", "nrr: {fx: [spot]}",
		"nrr: {owner_book: {min_hold_days: 99999999999999999999}}", "nrr: {past_due_days: 1.5}", "nrr: {fx: 0}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct mistakes m;

		(void)lines_of(read_policy(odd[i], &m));
		assert_true(m.n > 0);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)
	const struct CMUnitTest tests[] = {
		CASE(nothing_said_is_the_default_of_the_table),
		CASE(each_preset_differs_from_the_default_where_its_source_says_so),
		CASE(each_switch_changes_its_line_and_the_hash_and_nothing_else),
		CASE(a_switch_overrides_the_preset_wherever_it_stands),
		CASE(the_hash_is_of_the_rules_and_not_of_how_they_are_written),
		CASE(merges_and_owner_books_are_rules_like_any_other),
		CASE(the_older_word_for_parents_still_works),
		CASE(odd_shapes_are_refused_and_do_no_harm),
		CASE(what_is_wrong_is_told_with_line_and_what_would_be_right),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
