#include "cmocka_shim.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define LEN(table) (sizeof(table) / sizeof((table)[0]))

static int make(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int drop(void **state)
{
	arena_free(*state);
	return 0;
}

static void integers_are_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "+7", true, 7 }, { "007", true, 7 },
		{ "9223372036854775807", true, INT64_MAX }, { "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 }, { "-9223372036854775809", false, 0 }, { "99999999999999999999", false, 0 },
		{ "", false, 0 }, { "-", false, 0 }, { "+", false, 0 }, { " 1", false, 0 }, { "1 ", false, 0 },
		{ "1.0", false, 0 },
		{ "0x10", false, 0 }, { "1e3", false, 0 }, { "--1", false, 0 }, { "+-1", false, 0 }, { "1,000", false, 0 },
		{ NULL, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t value = 42;

		if (text_to_int(cases[i].text, &value) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		ASSERT_INT(value, cases[i].ok ? cases[i].value : 42);
	}
}

static void reals_have_one_notation(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		double value;
	} cases[] = {
		{ "0", true, 0 }, { "-1.5", true, -1.5 }, { "+2", true, 2 }, { ".5", true, 0.5 }, { "5.", true, 5 },
		{ "1e3", true, 1000 }, { "1E-3", true, 0.001 }, { "1.7976931348623157e308", true, 1.7976931348623157e308 },
		{ "1e309", false, 0 }, { "1e-999", true, 0 }, { "nan", false, 0 }, { "inf", false, 0 },
		{ "-Infinity", false, 0 },
		{ "0x1p3", false, 0 }, { "1,5", false, 0 }, { "", false, 0 }, { ".", false, 0 }, { "-", false, 0 },
		{ "1e", false, 0 },
		{ "1e+", false, 0 }, { " 1", false, 0 }, { "1 ", false, 0 }, { "1.2.3", false, 0 }, { "e5", false, 0 },
		{ NULL, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		double value = 42;

		if (text_to_real(cases[i].text, &value) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		ASSERT_NEAR(value, cases[i].ok ? cases[i].value : 42, 0);
	}
}

static void amounts_are_rounded_half_away_from_zero(void **state)
{
	static const struct {
		const char *text;
		int digits;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "1234.565", 2, true, 123457 }, { "-1234.565", 2, true, -123457 }, { "1234.564999", 2, true, 123456 },
		{ "12", 2, true, 1200 }, { "12.", 2, true, 1200 }, { ".5", 2, true, 50 }, { "0.5", 0, true, 1 },
		{ "-0.5", 0, true, -1 },
		{ "0.49999999999999999999", 0, true, 0 }, { "1.0005", 3, true, 1001 }, { "1.0004", 3, true, 1000 },
		{ "+3.1", 1, true, 31 },
		{ "92233720368547758.07", 2, true, INT64_MAX }, { "-92233720368547758.08", 2, true, INT64_MIN },
		{ "92233720368547758.08", 2, false, 0 }, { "92233720368547758.075", 2, false, 0 },
		{ "-92233720368547758.085", 2, false, 0 }, { "1e3", 2, false, 0 }, { "1,000.00", 2, false, 0 },
		{ "1.5x", 0, false, 0 },
		{ "", 2, false, 0 }, { ".", 2, false, 0 }, { "-", 2, false, 0 }, { "-.", 2, false, 0 },
		{ "1.2.3", 2, false, 0 },
		{ "EUR 5", 2, false, 0 }, { NULL, 2, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t value = 42;

		if (text_to_minor(cases[i].text, cases[i].digits, &value) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		if (value != (cases[i].ok ? cases[i].value : 42))
			fail_msg("%s gives %lld", cases[i].text, (long long)value);
	}
}

static void durations_need_a_unit(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "90s", true, 90 }, { "15m", true, 900 }, { "2h", true, 7200 }, { "30d", true, 2592000 },
		{ "1w", true, 604800 },
		{ "0s", true, 0 }, { "90", false, 0 }, { "s", false, 0 }, { "-5m", false, 0 }, { "1.5h", false, 0 },
		{ "5 m", false, 0 },
		{ "5min", false, 0 }, { "5M", false, 0 }, { "15250284452471w", true, 9223372036854460800 },
		{ "15250284452472w", false, 0 }, { "99999999999999999999s", false, 0 }, { "", false, 0 }, { NULL, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t value = 42;

		if (text_to_duration(cases[i].text, &value) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		ASSERT_INT(value, cases[i].ok ? cases[i].value : 42);
	}
}

static void times_of_day_are_on_a_clock(void **state)
{
	static const struct {
		const char *text;
		int minutes; /* -1: not one */
	} cases[] = {
		{ "08:00", 480 }, { "00:00", 0 }, { "23:59", 1439 }, { "24:00", -1 }, { "12:60", -1 }, { "8:00", -1 },
		{ "08:00:00", -1 }, { "08-00", -1 }, { "0a:00", -1 }, { "", -1 }, { NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int minutes = -1;

		assert_true(text_to_time_of_day(cases[i].text, &minutes) == (cases[i].minutes >= 0));
		ASSERT_INT(minutes, cases[i].minutes);
	}
}

static void truth_has_six_words(void **state)
{
	static const char *const words[] = { "false", "TRUE", "no", "Yes", "0", "1" };
	bool value;

	(void)state;
	for (size_t i = 0; i < LEN(words); i++) {
		assert_true(text_to_bool(words[i], &value));
		ASSERT_INT(value, i % 2);
	}
	assert_false(text_to_bool("y", &value));
	assert_false(text_to_bool("", &value));
	assert_false(text_to_bool("true ", &value));
	assert_false(text_to_bool(NULL, &value));
}

static void ascii_case_is_ignored_and_nothing_else(void **state)
{
	(void)state;
	assert_true(text_equal_fold("HubSpot", "hubspot"));
	assert_false(text_equal_fold("hub", "hubspot"));
	assert_false(text_equal_fold("hubspot", "hub"));
	assert_false(text_equal_fold("É", "é"));
	assert_false(text_equal_fold("[", "{"));
	assert_true(text_equal_fold(NULL, NULL));
	assert_false(text_equal_fold(NULL, ""));
	assert_true(text_starts("https://x", "https://"));
	assert_false(text_starts("http", "https://"));
	assert_false(text_starts(NULL, ""));
}

static void blanks_of_any_script_are_blank(void **state)
{
	struct arena *a = *state;

	assert_true(text_is_blank(NULL));
	assert_true(text_is_blank(""));
	assert_true(text_is_blank(" \t\r\n\xC2\xA0\xE2\x80\xAF\xE3\x80\x80"));
	assert_false(text_is_blank(" . "));
	assert_false(text_is_blank("\xFF"));
	assert_string_equal(text_trim(a, "\xC2\xA0 a b \t\n"), "a b");
	assert_string_equal(text_trim(a, "é"), "é");
	assert_string_equal(text_trim(a, " \xE3\x80\x80"), "");
	assert_string_equal(text_trim(a, NULL), "");
}

static void folded_texts_compare_across_accents_case_and_spacing(void **state)
{
	static const struct {
		const char *text, *folded;
	} cases[] = {
		{ "Résilier l’Abonnement", "resilier l'abonnement" },
		{ "Cœur  de\tMÉTIER", "coeur de metier" },
		{ "STRAßE", "strasse" },
		{ "\xE1\xBA\x9E", "ss" },
		{ "Łódź Ærø Þór Đa", "lodz aero thor da" },
		{ "Ĳssel ŉ ŀ", "ijssel 'n l" },
		{ "Șțefan", "stefan" },
		{ "e\xCC\x81t\xC3\xA9", "ete" }, /* a combining accent */
		{ "ΑΒΓ ПРИВЕТ Ё", "αβγ привет ё" },
		{ "  a \xC2\xA0 b  ", "a b" },
		{ "pay\xE2\x80\x91" "as\xE2\x80\x93you", "pay-as-you" },
		{ "zero\xE2\x80\x8Bwidth", "zerowidth" },
		{ "3 × 4 ÷ 2", "3 × 4 ÷ 2" },
		{ "日本語 😀", "日本語 😀" },
		{ "bad\xFF", "bad\xEF\xBF\xBD" },
		{ "", "" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(cases); i++) {
		assert_string_equal(text_fold(a, cases[i].text), cases[i].folded);
		assert_string_equal(text_fold(a, cases[i].folded), cases[i].folded);
	}
	assert_string_equal(text_fold(a, NULL), "");
}

static void every_accented_latin_letter_folds_to_ascii(void **state)
{
	struct arena *a = *state;

	for (unsigned code = 0xC0; code < 0x180; code++) {
		char text[3] = { (char)(0xC0 | code >> 6), (char)(0x80 | (code & 0x3F)), '\0' };
		const char *folded = text_fold(a, text);

		if (code != 0xD7 && code != 0xF7) /* the signs of multiplication and division */
			assert_true((uint8_t)folded[0] < 0x80 && strlen(folded) <= 2);
	}
}

static void only_well_formed_utf8_is_valid(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "", true }, { "abc", true }, { "é", true }, { "日", true }, { "😀", true }, { "\xF4\x8F\xBF\xBF", true },
		{ "\xC0\x80", false }, { "\xC1\xBF", false }, /* overlong */
		{ "\xE0\x80\x80", false }, { "\xF0\x80\x80\x80", false },
		{ "\xED\xA0\x80", false }, { "\xED\xBF\xBF", false }, /* surrogates */
		{ "\xF4\x90\x80\x80", false }, { "\xF8\x88\x80\x80\x80", false }, { "\xFF", false }, { "\xFE", false },
		{ "\x80", false }, { "a\xBF", false }, { "\xC3", false }, { "\xE6\x97", false }, { "\xF0\x9F\x98", false },
		{ "\xC3(", false }, { "\xE6\x97(", false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		ASSERT_INT(utf8_is_valid(cases[i].text, strlen(cases[i].text)), cases[i].ok);
	assert_true(utf8_is_valid("a\0b", 3));
	ASSERT_INT(utf8_length("aé日😀"), 4);
	ASSERT_INT(utf8_length("a\xFF\xFE"), 3);
}

static void a_cut_never_splits_a_character(void **state)
{
	static const char text[] = "aé日😀z";
	static const size_t fits[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11 };

	(void)state;
	for (size_t max = 0; max < LEN(fits); max++)
		ASSERT_INT(utf8_fit(text, max), fits[max]);
	ASSERT_INT(utf8_fit(text, SIZE_MAX), 11);
	ASSERT_INT(utf8_fit("\x80\x80\x80\x80\x80\x80", 5), 5); /* what is bad already can't be split */
	ASSERT_INT(utf8_fit("\xF0\x9F\x98", 2), 2);
}

static void foreign_text_is_made_fit_for_people(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *clean;
	} cases[] = {
		{ "hello", 5, "hello" }, { "hello!", 5, "hell…" }, { "日本語です", 3, "日本…" }, { "ab", 1, "…" }, { "ab", 0, "" },
		{ "", 10, "" }, { NULL, 10, "" },
		{ "line\r\n\tnext\n", 20, "line next" }, { "\n\nfirst", 20, "first" }, { "ab\n", 2, "ab" },
		{ "ab\nc", 3, "ab…" },
		{ "a\x01\x1B[31mb\x7F", 20, "a[31mb" }, { "a\xC2\x9B" "b", 20, "ab" },
		{ "a\xE2\x80\xAE" "b\xE2\x81\xA6" "c\xE2\x80\x8B\xEF\xBB\xBF" "d\xC2\xAD", 20, "abcd" },
		{ "a\xF3\xA0\x81\x81" "b", 20, "ab" }, /* a tag character */
		{ "x\xFFy\xC3", 20, "x\xEF\xBF\xBDy\xEF\xBF\xBD" },
		{ "\xE2\x80\xA8q\xE2\x80\xA9r", 20, "q r" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(cases); i++)
		assert_string_equal(text_clean(a, cases[i].text, cases[i].max), cases[i].clean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_read_whole_or_not_at_all),
		cmocka_unit_test(reals_have_one_notation),
		cmocka_unit_test(amounts_are_rounded_half_away_from_zero),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(times_of_day_are_on_a_clock),
		cmocka_unit_test(truth_has_six_words),
		cmocka_unit_test(ascii_case_is_ignored_and_nothing_else),
		cmocka_unit_test(blanks_of_any_script_are_blank),
		cmocka_unit_test(folded_texts_compare_across_accents_case_and_spacing),
		cmocka_unit_test(every_accented_latin_letter_folds_to_ascii),
		cmocka_unit_test(only_well_formed_utf8_is_valid),
		cmocka_unit_test(a_cut_never_splits_a_character),
		cmocka_unit_test(foreign_text_is_made_fit_for_people),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
