/* Pictures: what they say, that they say it without colour, and that odd figures leave no broken markup behind. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "score/picture.h"

static struct arena *arena;
static struct buf out;

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void assert_has(const char *what)
{
	if (!strstr(out.at, what))
		fail_msg("no `%s` in:\n%s", what, out.at);
}

/* Behind the style, whose colours and names are not figures. */
static const char *drawing(void)
{
	const char *at = strstr(out.at, "</style>");

	assert_non_null(at);
	return at;
}

/* Every element that is opened is closed, in order, and nothing but numbers stands where coordinates stand. */
static void assert_sound(void)
{
	const char *open[16];
	int depth = 0;

	for (const char *at = strchr(out.at, '<'); at; at = strchr(at + 1, '<')) {
		const char *end = strchr(at, '>');

		assert_non_null(end);
		if (at[1] == '/') {
			assert_true(depth > 0);
			assert_memory_equal(at + 2, open[--depth], (size_t)(end - at) - 2);
		} else if (end[-1] != '/') {
			assert_true(depth < (int)ARRAY_LEN(open));
			open[depth++] = at + 1;
		}
	}
	ASSERT_INT(depth, 0);
	ASSERT_INT(count(out.at, "<title "), 1);
	ASSERT_INT(count(out.at, "<desc "), 1);
	assert_has("role=\"img\"");
	assert_null(strstr(drawing(), "nan"));
	assert_null(strstr(drawing(), "inf"));
	assert_null(strstr(out.at, "<script"));
	assert_false(out.is_full);
}

static void waterfall(const struct picture_step *steps, size_t n)
{
	struct picture_waterfall w = { { "waterfall", "A & <B>", "2025-03-01 to 2026-03-01" }, "EUR", steps, n };

	buf_reset(&out);
	picture_waterfall(&w, arena, &out);
	assert_sound();
}

static void a_waterfall_says_gains_and_losses_by_sign_and_pattern(void **state)
{
	static const struct picture_step steps[] = {
		{ "start", 38000, true }, { "new", 8000, false }, { "expansion", 25000, false }, { "reactivation", 0, false },
		{ "contraction", -8000, false }, { "churn", -5000, false }, { "end", 58000, true },
	};

	(void)state;
	waterfall(steps, ARRAY_LEN(steps));
	assert_has("<title id=\"waterfall-title\">A &amp; &lt;B&gt;, 2025-03-01 to 2026-03-01</title>");
	assert_has("start EUR 380; new EUR 80; expansion EUR 250; reactivation EUR 0; contraction -EUR 80; churn -EUR 50; "
	           "end EUR 580");
	assert_has(">+EUR 250<");
	assert_has(">-EUR 80<");
	ASSERT_INT(count(out.at, "<rect class=\"rp-up\""), 2);
	ASSERT_INT(count(out.at, "fill=\"url(#waterfall-hatch)\""), 2);
	ASSERT_INT(count(out.at, "<rect class=\"rp-level\""), 2);
	assert_null(strstr(drawing(), "class=\"rp-cut\""));
}

static void bars_that_hardly_move_are_cut_and_that_is_said(void **state)
{
	static const struct picture_step steps[] = {
		{ "start", 1000000, true }, { "expansion", 10000, false }, { "churn", -20000, false }, { "end", 990000, true },
	};

	(void)state;
	waterfall(steps, ARRAY_LEN(steps));
	ASSERT_INT(count(drawing(), "class=\"rp-cut\""), 2);
	assert_has("Bars begin at EUR 9.9k, where they are cut.");
}

static void a_waterfall_of_nothing_or_below_nothing_is_drawn(void **state)
{
	static const struct picture_step nothing[] = { { "start", 0, true }, { "churn", 0, false }, { "end", 0, true } };
	static const struct picture_step below[] = { { "start", 100, true }, { "fx", -300, false }, { "end", -200, true } };
	static const struct picture_step most[] = { { "start", INT64_MAX, true }, { "end", INT64_MAX, true } };

	(void)state;
	waterfall(nothing, ARRAY_LEN(nothing));
	ASSERT_INT(count(out.at, "<rect"), 0);
	waterfall(below, ARRAY_LEN(below));
	waterfall(most, ARRAY_LEN(most));
	waterfall(NULL, 0);
}

static void trend(const struct picture_point *points, size_t n, const struct picture_ahead *ahead, size_t n_ahead)
{
	struct picture_trend t = { { "trend", "NRR and GRR", "of twelve months" }, points, n, ahead, n_ahead, NULL };

	buf_reset(&out);
	picture_trend(&t, arena, &out);
	assert_sound();
}

static const struct picture_ahead ahead[] = { { 20181, { 0.97, 1.0, 1.04 }, { 0.88, 0.9, 0.92 } } };

/* How often the pen of NRR's line is put down, the key aside. */
static size_t pieces_of_line(void)
{
	const char *at = strstr(drawing(), "class=\"rp-nrr\" d=\"M0 0");
	size_t n = 0;

	assert_non_null(at);
	for (at = strchr(at, 'M') + 1; *at != '/'; at++)
		n += *at == 'M';
	return n;
}

static void a_trend_tells_its_lines_apart_by_dash_and_mark_and_leaves_gaps(void **state)
{
	struct picture_point points[] = {
		{ 20000, true, 1.04, 0.93 }, { 20030, true, 1.05, 0.91 }, { 20061, false, 0, 0 }, { 20091, true, 0.984, 0.9 },
	};

	(void)state;
	trend(points, ARRAY_LEN(points), ahead, 1);
	assert_has("NRR: 104.0 % on 2024-10-04, 98.4 % on 2025-01-03, between 98.4 % and 105.0 %.");
	assert_has("Forecast for 2025-04-03: NRR 97.0 % to 104.0 %, GRR 88.0 % to 92.0 %.");
	ASSERT_INT(count(drawing(), "<circle"), 3 + 1);
	ASSERT_INT(count(drawing(), "<rect class=\"rp-grr-mark\""), 3 + 1);
	assert_has(">NRR 98.4 %<");
	assert_has("fill=\"url(#trend-nrr-dots)\"");
	ASSERT_INT(pieces_of_line(), 2);
	points[2].is_known = true;
	trend(points, ARRAY_LEN(points), NULL, 0);
	ASSERT_INT(pieces_of_line(), 1);
	assert_null(strstr(drawing(), "url(#"));
}

static void a_picture_without_figures_says_why_within_its_frame(void **state)
{
	static const char why[] = "insufficient history: revenue is known from 2024-01-01 on, the window begins 2023-02-15";
	const struct picture_trend t = { .head = { "trend", "NRR and GRR", "of twelve months" }, .why_none = why };

	(void)state;
	buf_reset(&out);
	picture_trend(&t, arena, &out);
	assert_sound();
	assert_has(why); /* in one piece for those who do not see it */
	assert_has(">insufficient history: revenue is known from<");
	assert_has(">2024-01-01 on, the window begins 2023-02-15<");
	assert_null(strstr(drawing(), "<circle"));
}

static void a_trend_of_nothing_of_one_day_and_of_huge_ratios_is_drawn(void **state)
{
	static const struct picture_point unknown[] = { { 20000, false, 0, 0 }, { 20030, false, 0, 0 } };
	static const struct picture_point one[] = { { 20000, true, 1, 1 } };
	static const struct picture_point huge[] = { { 20000, true, 1e15, 0 }, { 20001, true, 0, 0 } };

	(void)state;
	trend(NULL, 0, NULL, 0);
	assert_has("Nothing is known yet");
	trend(unknown, 2, NULL, 0);
	trend(one, 1, NULL, 0);
	assert_has(">NRR 100.0 %<");
	trend(one, 1, ahead, 1);
	assert_has(">NRR 97 to 104 %<");
	trend(huge, 2, NULL, 0);
	assert_has(">NRR 0.0 %<");
}

static const char *const names[] = { "2025-01", "2025-02", "2025-03" };
static const char *const months[] = { "3", "6" };
static const double cells[] = { 1.04, 0.97, 0.61, NAN, 12.4, NAN };
static const struct picture_heat heat = { { "heat", "NRR by cohort", "of the first month" }, "began in",
	"months since", names, 3, months, 2, cells };

static void a_heat_map_holds_its_numbers_and_says_what_is_not_known(void **state)
{
	(void)state;
	buf_reset(&out);
	picture_heat(&heat, arena, &out);
	assert_sound();
	assert_has("by began in and months since. 2025-01: 3 104, 6 97. 2025-02: 3 61. 2025-03: 3 12x.");
	ASSERT_INT(count(out.at, "<rect class=\"rp-none\""), 2);
	ASSERT_INT(count(out.at, "<rect class=\"rp-bar\""), 4);
	assert_has(">104<");
	assert_has(">12x<");
}

static void a_heat_map_that_is_too_large_says_what_is_left_out(void **state)
{
	enum { ROWS = PICTURE_MAX_ROWS + 5, COLUMNS = PICTURE_MAX_COLUMNS + 3 };
	const char *rows[ROWS], *columns[COLUMNS];
	double many[ROWS * COLUMNS];
	struct picture_heat h = heat;

	(void)state;
	for (int i = 0; i < ROWS; i++)
		rows[i] = arena_printf(arena, "row%d", i);
	for (int i = 0; i < COLUMNS; i++)
		columns[i] = arena_printf(arena, "column%d", i);
	for (int i = 0; i < ROWS * COLUMNS; i++)
		many[i] = 1;
	h.rows = rows;
	h.n_rows = ROWS;
	h.columns = columns;
	h.n_columns = COLUMNS;
	h.cells = many;
	buf_reset(&out);
	picture_heat(&h, arena, &out);
	assert_sound();
	assert_has("5 earlier ones are not shown");
	assert_null(strstr(out.at, ">row4<"));
	assert_has(">row5<");
	ASSERT_INT(count(out.at, "<rect class=\"rp-bar\""), PICTURE_MAX_ROWS * PICTURE_MAX_COLUMNS);
	h.n_rows = h.n_columns = 0;
	buf_reset(&out);
	picture_heat(&h, arena, &out);
	assert_sound();
}

static void the_terminal_shows_the_same(void **state)
{
	static const double values[] = { 1, NAN, 4, 9 }, same[] = { 1, 1 };
	static const struct picture_point points[] = { { 20000, true, 1.1, 0.9 }, { 20030, true, 1.0, 0.8 } };
	struct picture_trend t = { { "trend", "", "" }, points, 2, NULL, 0, NULL };

	(void)state;
	assert_string_equal(picture_spark(arena, values, 4), "\u2581 \u2584\u2588");
	assert_string_equal(picture_spark(arena, same, 2), "\u2585\u2585");
	assert_string_equal(picture_spark(arena, NULL, 0), "");
	buf_reset(&out);
	picture_trend_text(&t, arena, &out);
	assert_string_equal(out.at, "  NRR  \u2588\u2581  100.0 % to 110.0 %, now 100.0 %\n"
	                            "  GRR  \u2588\u2581  80.0 % to 90.0 %, now 80.0 %\n");
	buf_reset(&out);
	picture_heat_text(&heat, arena, &out);
	assert_string_equal(out.at, "            months since\n  began in    3     6 \n  2025-01   104+   97 \n"
	                            "  2025-02    61\u2592    . \n  2025-03   12x+    . \n");
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	buf_init(&out, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	buf_done(&out);
	return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_waterfall_says_gains_and_losses_by_sign_and_pattern),
		CASE(bars_that_hardly_move_are_cut_and_that_is_said),
		CASE(a_waterfall_of_nothing_or_below_nothing_is_drawn),
		CASE(a_trend_tells_its_lines_apart_by_dash_and_mark_and_leaves_gaps),
		CASE(a_trend_of_nothing_of_one_day_and_of_huge_ratios_is_drawn),
		CASE(a_picture_without_figures_says_why_within_its_frame),
		CASE(a_heat_map_holds_its_numbers_and_says_what_is_not_known),
		CASE(a_heat_map_that_is_too_large_says_what_is_left_out),
		CASE(the_terminal_shows_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
