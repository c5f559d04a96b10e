/* How a digest says that it or its data is late. */
#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "digest/compose.h"

enum { TODAY = 20514, HOUR = 3600 };
#define NOW (20514LL * 86400 + 7 * HOUR)

static struct arena *arena;
static const struct zone *paris;
static struct err err;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	ASSERT_OK(zone_open(arena, "Europe/Paris", &paris, &err));
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct digest_source sources[] = { { "crm", 3 * 86400 }, { "usage", 3 * 86400 } };

static struct digest_input input(void)
{
	return (struct digest_input){ .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		.local_on = TODAY, .as_of_on = TODAY, .before_on = TODAY - 1, .made_at = NOW, .zone = paris,
		.sources = sources, .n_sources = ARRAY_LEN(sources) };
}

static void data_that_is_fresh_needs_no_word(void **state)
{
	const struct digest_source_state states[] = { { "crm", NOW - HOUR, TODAY }, { "usage", NOW - HOUR, TODAY } };
	struct digest_input in = input();
	struct digest d;

	(void)state;
	in.states = states;
	in.n_states = ARRAY_LEN(states);
	in.syncing_since = NOW - 2 * HOUR; /* a newer one came through, by whatever command */
	digest_compose(&in, arena, &d);
	ASSERT_INT(d.n_notes, 0);
	assert_true(d.is_quiet);
	assert_string_equal(d.headline, "Nothing needs you today");
	ASSERT_INT(d.judged_on, TODAY);
}

static void a_sync_that_has_not_come_through_is_said_with_the_age_of_the_oldest_data(void **state)
{
	const struct digest_source_state states[] = { { "crm", NOW - 26 * HOUR, TODAY - 1 },
		{ "usage", NOW - 3 * HOUR, TODAY } };
	struct digest_input in = input();
	struct digest d;

	(void)state;
	in.states = states;
	in.n_states = ARRAY_LEN(states);
	in.syncing_since = NOW - HOUR / 2;
	digest_compose(&in, arena, &d);
	ASSERT_INT(d.n_notes, 1);
	assert_string_equal(d.notes[0], "The sync of Mon 2 Mar 07:30 had not come through when this was made: its data is "
	                                "of Sun 1 Mar 06:00, 26 hours old.");
	assert_false(d.is_quiet);
	assert_true(d.is_old);
	assert_string_equal(d.headline, "Nothing that is known needs you today");
	assert_string_equal(d.since, "Nothing changed since yesterday. Part of the data is old: see the notes at the end.");
}

static void old_scores_are_said_and_no_silence_is_an_all_clear(void **state)
{
	const struct digest_source_state states[] = { { "crm", NOW - HOUR, TODAY }, { "usage", NOW - HOUR, TODAY } };
	struct digest_input in = input();
	struct digest d;

	(void)state;
	in.states = states;
	in.n_states = ARRAY_LEN(states);
	in.scores_age_days = 3;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.notes[0], "No account was scored since Fri 27 Feb: what you read was judged then.");
	ASSERT_INT(d.judged_on, TODAY - 3);
	in.scores_age_days = 1; /* a digest just past midnight, of a sync just before it */
	in.synced_at = NOW - HOUR;
	digest_compose(&in, arena, &d);
	ASSERT_INT(d.n_notes, 0);
	assert_true(d.is_quiet);
	in.synced_at = NOW - 7 * HOUR;
	digest_compose(&in, arena, &d);
	ASSERT_INT(d.n_notes, 1);
	in.synced_at = 0;
	in.scores_age_days = 3;
	digest_compose(&in, arena, &d);
	assert_false(d.is_quiet);
	in.scores_age_days = -1;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.notes[0], "No account has been scored yet: an empty list says nothing.");
}

static void a_source_that_is_late_or_never_came_is_named(void **state)
{
	const struct digest_source_state states[] = { { "crm", NOW - 98 * HOUR, TODAY - 4 } };
	struct digest_input in = input();
	struct digest d;

	(void)state;
	in.states = states;
	in.n_states = ARRAY_LEN(states);
	digest_compose(&in, arena, &d);
	ASSERT_INT(d.n_notes, 2);
	assert_string_equal(d.notes[0], "Source crm last came through on Thu 26 Feb, 4 days ago: what depends on it may be "
	                                "old.");
	assert_string_equal(d.notes[1], "Source usage has never come through: what depends on it is not known.");
}

static void a_finding_that_was_not_judged_anew_says_of_when_it_is(void **state)
{
	struct digest_finding f = { .f = { .id = 1, .account = 1, .engine = "defense", .state = FINDING_OPEN,
		.opened_on = TODAY - 10, .updated_on = TODAY - 2, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE,
		.score = 60, .confidence = 0.9, .currency = "EUR", .act_by_on = TODAY + 5, .summary = "It is so." },
		.is_new = true, .score_before = (double)NAN, .answered_on = DAY_NONE };
	struct digest_input in = input();
	struct digest d;

	(void)state;
	in.n_sources = 0;
	in.findings = &f;
	in.n_findings = 1;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.sections[0].items[0].caveat, "As of Sat 28 Feb: what it stands on has not come in since.");
	in.scores_age_days = 2; /* the whole digest is of that day: said once, above */
	digest_compose(&in, arena, &d);
	assert_null(d.sections[0].items[0].caveat);
	in.scores_age_days = 0;
	f.f.updated_on = TODAY;
	f.f.confidence = 0.5;
	digest_compose(&in, arena, &d);
	assert_string_equal(d.sections[0].items[0].caveat, "Confidence 50 %: part of the data is missing or old.");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(data_that_is_fresh_needs_no_word),
		CASE(a_sync_that_has_not_come_through_is_said_with_the_age_of_the_oldest_data),
		CASE(old_scores_are_said_and_no_silence_is_an_all_clear),
		CASE(a_source_that_is_late_or_never_came_is_named),
		CASE(a_finding_that_was_not_judged_anew_says_of_when_it_is),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
