/* Whose book an account is in: the rules of membership, one by one, over the first quarter of 2026. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "score/owner_book.h"

enum { MAX_CHANGES = 6 };

static struct arena *arena;

/* Who held it since when; the first entry says who held it when the account was first seen. */
struct holding { const char *on, *who; };

static int32_t on(const char *text)
{
	int32_t day;

	assert_true(day_parse(text, &day));
	return day;
}

static struct revenue_trait trait(const struct holding *all)
{
	struct revenue_change *changes = arena_array(arena, MAX_CHANGES, sizeof *changes);
	struct revenue_trait t = { .changes = changes };

	for (; t.n < MAX_CHANGES && all[t.n].on; t.n++)
		changes[t.n] = (struct revenue_change){ .known_on = on(all[t.n].on), .value = all[t.n].who };
	return t;
}

static const struct nrr_owner_book *posthog(void)
{
	return &nrr_preset("posthog_owner_book")->owner_book;
}

static void expect(const struct nrr_owner_book *rules, const struct holding *csm, const char *owner, const char *why)
{
	struct revenue_account x = { .csm = trait(csm) };
	struct nrr_span span = { on("2026-01-01"), on("2026-04-01") };
	struct owner_place got = owner_book_place(&x, rules, span);
	const char *left_out = owner_book_why(&got, rules, arena);

	assert_string_equal(got.owner ? got.owner : "nobody", owner ? owner : "nobody");
	assert_string_equal(left_out ? left_out : "counts", why ? why : "counts");
}

static const struct {
	const char *name;
	struct holding csm[MAX_CHANGES];
	const char *owner, *why;
} cases[] = {
	{ "held all along", { { "2025-01-01", "ann" } }, "ann", NULL },
	{ "nobody's", { { "2025-01-01", NULL } }, NULL, NULL },
	{ "known since a day of the window only, and held by the same for all that is known",
	  { { "2026-02-20", "ann" } }, "ann", NULL },
	{ "taken over in January", { { "2025-01-01", "ann" }, { "2026-01-20", "bob" } }, "bob", NULL },
	{ "held on the second-to-last day, not on the last",
	  { { "2025-01-01", "ann" }, { "2026-03-31", "bob" } }, "ann", NULL },
	{ "no longer held on the second-to-last day, and given away too late to be rid of it",
	  { { "2025-01-01", "ann" }, { "2026-03-30", "bob" } }, "ann", NULL },
	{ "held for exactly thirty days", { { "2025-01-01", "ann" }, { "2026-03-02", "bob" } }, "bob", NULL },
	{ "held for a day less, so it stays with who had it", { { "2025-01-01", "ann" }, { "2026-03-03", "bob" } },
	  "ann", NULL },
	{ "taken on in the last month from nobody", { { "2025-01-01", "ann" }, { "2025-12-15", NULL },
	                                              { "2026-03-10", "bob" } },
	  "bob", "held for 22 days of the window, 30 are needed" },
	{ "given away in the first month", { { "2025-01-01", "ann" }, { "2026-01-31", NULL } },
	  "ann", "given away on 2026-01-31, by who does not answer for it any more" },
	{ "given away after the first month", { { "2025-01-01", "ann" }, { "2026-02-02", NULL } }, "ann", NULL },
	{ "given away in February, taken over for good", { { "2025-01-01", "ann" }, { "2026-02-20", "bob" } }, "bob",
	  NULL },
	{ "held for thirty days in two parts", { { "2025-01-01", "bob" }, { "2026-01-16", "ann" },
	                                         { "2026-03-17", "bob" } }, "bob", NULL },
	{ "with nobody for ninety days before", { { "2025-01-01", "ann" }, { "2025-10-10", NULL },
	                                          { "2026-01-08", "bob" } },
	  "bob", "taken on on 2026-01-08 after 90 days or more with nobody" },
	{ "with nobody for eighty-nine days before", { { "2025-01-01", "ann" }, { "2025-10-11", NULL },
	                                               { "2026-01-08", "bob" } }, "bob", NULL },
	{ "with nobody for as long as is known", { { "2025-01-01", NULL }, { "2026-01-08", "bob" } },
	  "bob", "taken on on 2026-01-08 after 90 days or more with nobody" },
	{ "taken on from nobody in the quarter before", { { "2025-01-01", NULL }, { "2025-12-31", "bob" } }, "bob", NULL },
};

static void membership_follows_the_published_rules(void **state)
{
	(void)state;
	arena = arena_new(0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("           %s\n", cases[i].name);
		expect(posthog(), cases[i].csm, cases[i].owner, cases[i].why);
	}
	arena_free(arena);
}

static void without_rules_the_first_day_decides(void **state)
{
	(void)state;
	arena = arena_new(0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct revenue_account x = { .csm = trait(cases[i].csm) };

		expect(&nrr_default_policy.owner_book, cases[i].csm, revenue_trait_on(&x.csm, on("2026-01-01")), NULL);
	}
	arena_free(arena);
}

static void an_account_manager_answers_where_there_is_no_csm(void **state)
{
	static const struct holding csm[] = { { "2025-01-01", "ann" }, { "2026-01-10", "" }, { 0 } };
	static const struct holding am[] = { { "2025-01-01", "amy" }, { 0 } };
	struct nrr_span span = { on("2026-01-01"), on("2026-04-01") };
	struct revenue_account x;

	(void)state;
	arena = arena_new(0);
	x = (struct revenue_account){ .csm = trait(csm), .am = trait(am) };
	assert_string_equal(owner_book_place(&x, posthog(), span).owner, "amy");
	assert_string_equal(owner_book_place(&x, &nrr_default_policy.owner_book, span).owner, "ann");
	arena_free(arena);
}

static void a_hold_is_counted_in_days_of_the_window_only(void **state)
{
	static const struct nrr_owner_book rules = { .min_hold_days = 91 };
	static const struct holding longer[] = { { "2020-01-01", "ann" }, { "2026-03-31", "bob" }, { 0 } };

	(void)state;
	arena = arena_new(0);
	expect(&rules, longer, "ann", "held for 89 days of the window, 91 are needed");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(membership_follows_the_published_rules),
		cmocka_unit_test(without_rules_the_first_day_decides),
		cmocka_unit_test(an_account_manager_answers_where_there_is_no_csm),
		cmocka_unit_test(a_hold_is_counted_in_days_of_the_window_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
