#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/window.h"
#include "common/clock.h"

enum { HOUR = 3600, DAY = 24 * HOUR };
static const int64_t now = 1767225600;
static const struct walk_wish wish = { .has_incremental = true, .lag_s = HOUR, .full_every_s = 7 * DAY };

static void nothing_yet_means_a_full_list(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const char *const texts[] = { NULL, "", "{}", "not json", "[1]", "{\"until\":\"x\"}",
	                                     "{\"walk\":{\"kind\":\"full\"}}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct progress p = progress_read(a, texts[i]);
		struct walk_state w = window_plan(&p, &wish, now);

		ASSERT_INT(w.kind, WALK_FULL);
		assert_true(w.start == INSTANT_NONE);
		ASSERT_INT(w.end, now);
		assert_null(w.token);
	}
}

static void a_full_list_leads_to_increments_that_overlap_by_the_lag(void **state)
{
	struct progress p = { .until = INSTANT_NONE, .full_at = INSTANT_NONE, .gone_at = INSTANT_NONE };
	struct walk_state w = window_plan(&p, &wish, now);

	(void)state;
	window_done(&p, &w, 0);
	ASSERT_INT(p.until, now);
	ASSERT_INT(p.full_at, now);
	w = window_plan(&p, &wish, now + DAY);
	ASSERT_INT(w.kind, WALK_INCREMENTAL);
	ASSERT_INT(w.start, now - HOUR);
	ASSERT_INT(w.end, now + DAY);
	window_done(&p, &w, 0);
	ASSERT_INT(p.until, now + DAY);
	ASSERT_INT(p.full_at, now);
	w = window_plan(&p, &wish, now + 2 * DAY);
	ASSERT_INT(w.start, now + DAY - HOUR);
}

static void a_full_list_is_made_again_in_time_on_wish_and_where_there_is_nothing_else(void **state)
{
	struct progress p = { .until = now, .full_at = now, .gone_at = now };
	struct walk_wish all = wish, list_only = { .has_incremental = false };

	(void)state;
	ASSERT_INT(window_plan(&p, &wish, now + 7 * DAY - 1).kind, WALK_INCREMENTAL);
	ASSERT_INT(window_plan(&p, &wish, now + 7 * DAY).kind, WALK_FULL);
	all.is_full = true;
	ASSERT_INT(window_plan(&p, &all, now + 1).kind, WALK_FULL);
	ASSERT_INT(window_plan(&p, &list_only, now + 1).kind, WALK_FULL);
}

static void a_walk_that_was_broken_off_goes_on_where_it_was(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct progress p = { .until = now, .full_at = now, .gone_at = INSTANT_NONE,
		                  .walk = { WALK_INCREMENTAL, now - HOUR, now + DAY, "12\"3" } };
	struct progress read = progress_read(a, progress_write(a, &p));
	struct walk_state w = window_plan(&read, &wish, now + DAY + 60);
	struct walk_wish all = wish;

	(void)state;
	ASSERT_INT(w.kind, WALK_INCREMENTAL);
	ASSERT_INT(w.start, now - HOUR);
	ASSERT_INT(w.end, now + DAY); /* the window that it began with, not a later one */
	assert_string_equal(w.token, "12\"3");
	assert_true(read.gone_at == INSTANT_NONE);

	assert_string_equal(window_plan(&read, &wish, now + 2 * DAY).token, "12\"3"); /* the quota of a day was used up */
	read.full_at = now + 2 * DAY;
	w = window_plan(&read, &wish, now + 8 * DAY - 1);
	assert_string_equal(w.token, "12\"3");
	w = window_plan(&read, &wish, now + 8 * DAY);
	assert_null(w.token); /* tokens grow old */
	ASSERT_INT(w.start, now - HOUR);
	ASSERT_INT(w.end, now + 8 * DAY);
	all.is_full = true;
	assert_null(window_plan(&read, &all, now + DAY + 60).token);
}

static void a_full_list_that_was_broken_off_keeps_its_first_instant(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct progress p = { .until = INSTANT_NONE, .full_at = INSTANT_NONE, .gone_at = INSTANT_NONE,
		                  .walk = { WALK_FULL, INSTANT_NONE, now, "100" } };
	struct progress read = progress_read(a, progress_write(a, &p));
	struct walk_state w = window_plan(&read, &wish, now + HOUR);

	(void)state;
	ASSERT_INT(w.kind, WALK_FULL);
	ASSERT_INT(w.end, now);
	assert_string_equal(w.token, "100");
	window_done(&read, &w, 0);
	ASSERT_INT(read.until, now); /* what changed since comes with the first increment */
	ASSERT_INT(read.walk.kind, WALK_NONE);
}

static void a_clock_that_was_set_back_makes_no_window_upside_down(void **state)
{
	struct progress p = { .until = now, .full_at = now, .gone_at = now };
	struct walk_state w = window_plan(&p, &wish, now - 10 * DAY);

	(void)state;
	ASSERT_INT(w.kind, WALK_INCREMENTAL);
	assert_true(w.start < w.end);
	p.until = 10;
	w = window_plan(&p, &wish, now);
	ASSERT_INT(w.start, 1);
}

static void a_clock_that_runs_ahead_of_the_source_makes_the_next_window_begin_earlier(void **state)
{
	struct progress p = { .until = INSTANT_NONE, .full_at = INSTANT_NONE, .gone_at = INSTANT_NONE };
	struct walk_state w = window_plan(&p, &wish, now);

	(void)state;
	window_done(&p, &w, 2 * HOUR);
	w = window_plan(&p, &wish, now + DAY);
	ASSERT_INT(w.start, now - 3 * HOUR);
	window_done(&p, &w, -5);
	ASSERT_INT(p.until, now + DAY);
}

static void another_mapping_means_a_full_list(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct progress p = { .until = now, .full_at = now, .gone_at = now, .mapping = "one" };

	(void)state;
	p = progress_read(a, progress_write(a, &p));
	progress_expect(&p, "one");
	ASSERT_INT(window_plan(&p, &wish, now + 1).kind, WALK_INCREMENTAL);
	p.walk = (struct walk_state){ WALK_FULL, INSTANT_NONE, now, "77" };
	progress_expect(&p, "two");
	ASSERT_INT(window_plan(&p, &wish, now + 1).kind, WALK_FULL);
	assert_null(window_plan(&p, &wish, now + 1).token);
	/* Broken off: it isn't finished by an increment of what was there before. */
	p.walk = (struct walk_state){ WALK_FULL, INSTANT_NONE, now + 1, "50" };
	p = progress_read(a, progress_write(a, &p));
	progress_expect(&p, "two");
	assert_string_equal(window_plan(&p, &wish, now + DAY).token, "50");
	ASSERT_INT(window_plan(&p, &wish, now + 30 * DAY).kind, WALK_FULL);
	ASSERT_INT(p.gone_at, now);
}

static void deleted_rows_are_listed_once_in_a_while(void **state)
{
	struct progress p = { .until = now, .full_at = now, .gone_at = INSTANT_NONE };
	struct walk_state gone = { .kind = WALK_GONE, .start = INSTANT_NONE, .end = now };

	(void)state;
	assert_true(window_gone_is_due(&p, DAY, now));
	window_done(&p, &gone, 0);
	ASSERT_INT(p.gone_at, now);
	ASSERT_INT(p.until, now);
	assert_false(window_gone_is_due(&p, DAY, now + DAY - 1));
	assert_true(window_gone_is_due(&p, DAY, now + DAY));
	assert_true(window_gone_is_due(&p, DAY, now - 5));
}

static void an_increment_goes_on_from_the_cursor_that_the_source_gave(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct walk_wish with = { .has_incremental = true, .has_cursor = true };
	struct progress p = { .until = now, .full_at = now, .gone_at = now };

	(void)state;
	ASSERT_INT(window_plan(&p, &with, now + DAY).kind, WALK_FULL);
	p.cursor = "after";
	p.n_lists = 3;
	p = progress_read(a, progress_write(a, &p));
	ASSERT_INT(p.n_lists, 3);
	ASSERT_INT(window_plan(&p, &with, now + DAY).kind, WALK_INCREMENTAL);
	assert_string_equal(window_plan(&p, &with, now + DAY).token, "after");
	p.walk = (struct walk_state){ WALK_INCREMENTAL, now, now + DAY, "further" };
	assert_string_equal(window_plan(&p, &with, now + DAY).token, "further");
	progress_forget(&p); /* the cut walk's place was refused */
	assert_string_equal(window_plan(&p, &with, now + DAY).token, "after");
	progress_forget(&p); /* the cursor, too */
	ASSERT_INT(window_plan(&p, &with, now + DAY).kind, WALK_FULL);
	assert_null(window_plan(&p, &with, now + DAY).token);
}

static void what_the_source_has_forgotten_is_listed_in_full(void **state)
{
	struct walk_wish with = { .has_incremental = true, .lag_s = HOUR, .retention_s = 6 * DAY };
	struct progress p = { .until = now, .full_at = now, .gone_at = now };

	(void)state;
	ASSERT_INT(window_plan(&p, &with, now + 6 * DAY - HOUR - 1).kind, WALK_INCREMENTAL);
	ASSERT_INT(window_plan(&p, &with, now + 6 * DAY - HOUR).kind, WALK_FULL);
	p.walk = (struct walk_state){ WALK_INCREMENTAL, now - HOUR, now + DAY, "kept" };
	assert_string_equal(window_plan(&p, &with, now + 2 * DAY).token, "kept");
	ASSERT_INT(window_plan(&p, &with, now + 6 * DAY).kind, WALK_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_yet_means_a_full_list),
		cmocka_unit_test(a_full_list_leads_to_increments_that_overlap_by_the_lag),
		cmocka_unit_test(a_full_list_is_made_again_in_time_on_wish_and_where_there_is_nothing_else),
		cmocka_unit_test(a_walk_that_was_broken_off_goes_on_where_it_was),
		cmocka_unit_test(a_full_list_that_was_broken_off_keeps_its_first_instant),
		cmocka_unit_test(a_clock_that_was_set_back_makes_no_window_upside_down),
		cmocka_unit_test(a_clock_that_runs_ahead_of_the_source_makes_the_next_window_begin_earlier),
		cmocka_unit_test(another_mapping_means_a_full_list),
		cmocka_unit_test(deleted_rows_are_listed_once_in_a_while),
		cmocka_unit_test(an_increment_goes_on_from_the_cursor_that_the_source_gave),
		cmocka_unit_test(what_the_source_has_forgotten_is_listed_in_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
