/* What a digest says of bands that a person holds by hand. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "digest/compose.h"

enum { TODAY = 20514 /* 2026-03-02, a Monday */ };

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct digest_person people[] = { { "anna@b.example", "Anna Lind" } };

static struct digest_finding finding(int64_t account, double confidence)
{
	return (struct digest_finding){ .f = { .id = account, .account = account, .account_name = "Acme",
		.engine = "defense", .cause = "silence", .state = FINDING_OPEN, .opened_on = TODAY - 10, .updated_on = TODAY,
		.closed_on = DAY_NONE, .snoozed_until = DAY_NONE, .score = 60, .confidence = confidence, .value_minor = 1000,
		.currency = "EUR", .act_by_on = TODAY + 5, .summary = "It is so.", .evidence = "[]", .play = "" },
		.score_before = 60 };
}

static struct override_row held(int64_t account, int band, int computed_band, bool has_held)
{
	return (struct override_row){ .account = account, .account_name = "Bolt", .engine = "defense", .band = band,
		.who = "anna@b.example", .reason = "their CTO told me", .made_on = TODAY - 3, .until_on = TODAY + 7,
		.cleared_on = DAY_NONE, .computed_band = computed_band, .has_held = has_held };
}

static struct digest compose(const char *kind, const struct digest_finding *f, size_t n, const struct override_row *o,
                             size_t n_overrides)
{
	const struct digest_input in = { .org = "b", .owner_email = "x@b.example", .kind = kind, .capacity = 10,
		.local_on = TODAY, .as_of_on = TODAY, .before_on = TODAY - 1, .findings = f, .n_findings = n, .people = people,
		.n_people = 1, .overrides = o, .n_overrides = n_overrides };
	struct digest d;

	digest_compose(&in, arena, &d);
	return d;
}

static const struct digest_list *held_list(const struct digest *d)
{
	for (size_t i = 0; i < d->n_lists; i++)
		if (strcmp(d->lists[i].name, "held") == 0)
			return &d->lists[i];
	return NULL;
}

static void an_item_says_who_holds_it_until_when_and_why(void **state)
{
	struct digest_finding f[] = { finding(1, 0.9), finding(2, 0.9) };
	struct override_row o = held(1, 2, 0, true);
	struct digest d = compose("csm", f, 2, &o, 1);

	(void)state;
	assert_string_equal(d.sections[0].items[0].caveat,
	                    "Anna Lind holds it as at risk until Mon 9 Mar: their CTO told me");
	assert_null(d.sections[0].items[1].caveat);
	assert_null(held_list(&d)); /* the item says it */
	o.engine = "expansion"; /* of the other engine */
	d = compose("csm", f, 2, &o, 1);
	assert_null(d.sections[0].items[0].caveat);
}

static void what_stands_by_a_persons_word_alone_says_so_instead_of_a_cause(void **state)
{
	struct digest_finding f = finding(1, 0.9);
	struct override_row o = held(1, 2, 0, true);
	struct digest d;

	(void)state;
	f.f.cause = "override";
	d = compose("csm", &f, 1, &o, 1);
	assert_string_equal(d.sections[0].items[0].summary,
	                    "Anna Lind holds it as at risk until Mon 9 Mar: their CTO told me");
	assert_null(d.sections[0].items[0].caveat);
}

static void an_override_that_a_fact_goes_before_is_told_as_such_and_low_confidence_beside_it(void **state)
{
	struct digest_finding f = finding(1, 0.3);
	struct override_row o = held(1, 0, 2, false);
	struct digest d = compose("csm", &f, 1, &o, 1);
	const char *caveat = d.sections[0].items[0].caveat;

	(void)state;
	assert_non_null(strstr(caveat, "Anna Lind held it as steady until Mon 9 Mar (their CTO told me), but what came"));
	assert_non_null(strstr(caveat, "Confidence 30"));
	o.made_on = TODAY; /* no score has heard of it yet */
	d = compose("csm", &f, 1, &o, 1);
	assert_non_null(strstr(d.sections[0].items[0].caveat, "holds it as steady"));
}

static void what_is_held_lower_than_its_numbers_is_listed_for_everybody_it_concerns(void **state)
{
	static const char *const kinds[] = { "csm", "manager" };
	struct override_row o[8];
	const struct digest_list *list;
	struct digest d;

	(void)state;
	for (int i = 0; i < 8; i++)
		o[i] = held(i + 1, 0, 2, true);
	o[6] = held(7, 2, 0, true); /* higher: an item tells of it */
	o[7] = held(8, 0, 0, false); /* as its numbers */
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		d = compose(kinds[k], NULL, 0, o, 8);
		list = held_list(&d);
		assert_non_null(list);
		ASSERT_INT(list->n_lines, 5);
		assert_string_equal(list->lines[0],
		                    "Bolt: steady by Anna Lind until Mon 9 Mar, at risk by its numbers: their CTO told me");
		assert_string_equal(list->rest, "+1 more");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_item_says_who_holds_it_until_when_and_why, begin, end),
		cmocka_unit_test_setup_teardown(what_stands_by_a_persons_word_alone_says_so_instead_of_a_cause, begin, end),
		cmocka_unit_test_setup_teardown(
			an_override_that_a_fact_goes_before_is_told_as_such_and_low_confidence_beside_it, begin, end),
		cmocka_unit_test_setup_teardown(what_is_held_lower_than_its_numbers_is_listed_for_everybody_it_concerns, begin,
		                                end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
