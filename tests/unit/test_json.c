#include "cmocka_shim.h"

#include <stdint.h>
#include <string.h>

#include "common/json.h"

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

static const struct json *parsed(struct arena *a, const char *text)
{
	const struct json *j = NULL;
	struct err err;

	if (json_parse(a, text, strlen(text), &j, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return j;
}

static void one_whole_value_is_read(void **state)
{
	static const char *const good[] = {
		"null", "true", " false ", "0", "-0", "1.5e-3", "\"\"", "[]", "{}", "[[],{}]", "\t{\"a\" : [1 , 2]}\r\n",
		"{\"a\":1,\"a\":2}", "\"\\u00e9\\ud83d\\ude00\\/\\b\"", "\xEF\xBB\xBF[1]", "[1e400]", "\"\x7F\"",
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(good); i++)
		assert_non_null(parsed(a, good[i]));
}

static void everything_else_is_their_mistake(void **state)
{
	static const char *const bad[] = {
		"", " ", "nul", "nulll", "1 2", "{} x", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}",
		"[", "{",
		"]", "[}", "\"", "\"a", "'a'", "01", "-", "-a", "1.", ".5", "+1", "1e", "1e+", "0x10", "NaN", "Infinity",
		"-Infinity",
		"\"\n\"", "\"\x01\"", "\"\\x\"", "\"\\\"", "\"\\u12\"", "\"\\u12g4\"", "\"\xFF\"", "\"\xC0\x80\"",
		"\"\xED\xA0\x80\"",
		"\xFF", "[1]\x0B", "\x0C[1]", "// note\n1", "\"abc\\", "\"abc\\u",
		"1234567890123456789012345678901234567890123456789012345678901234", "[1]]", "\"a\"\"b\"",
	};
	struct arena *a = *state;
	const struct json *j = (const void *)&bad;
	struct err err;

	for (size_t i = 0; i < LEN(bad); i++) {
		if (json_parse(a, bad[i], strlen(bad[i]), &j, &err) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.kind, ERR_INPUT);
		if (!strstr(err.text, "offset"))
			fail_msg("%s: %s", bad[i], err.text);
		assert_ptr_equal(j, &bad);
	}
	assert_int_equal(json_parse(a, "[1]\0", 4, &j, &err), -1);
	assert_int_equal(json_parse(a, "\"a\0b\"", 5, &j, &err), -1);
	assert_int_equal(json_parse(a, "[1]garbage", 3, &j, &err), 0); /* the length counts, not the NUL */
}

static void depth_is_limited_before_it_can_hurt(void **state)
{
	enum { DEEP = 1000000 };
	struct arena *a = *state;
	char *text = arena_alloc(a, DEEP + 1);
	const struct json *j;
	struct err err;

	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_int_equal(json_parse(a, text, 2 * JSON_MAX_DEPTH, &j, &err), 0);
	assert_string_equal(json_print(a, j), text);
	memset(text, '[', DEEP);
	assert_int_equal(json_parse(a, text, DEEP, &j, &err), -1);
	assert_string_equal(err.text, "JSON: offset 64: nested too deep");
	assert_int_equal(err.kind, ERR_INPUT);
	text = arena_printf(a, "\"%.*s\"", 1000, text); /* brackets in a string nest nothing */
	assert_non_null(parsed(a, text));
}

static void escapes_for_no_character_become_the_replacement_character(void **state)
{
	static const char *const cases[][2] = {
		{ "\"a\\u0000b\"", "a\xEF\xBF\xBD" "b" },
		{ "\"\\ud83d\"", "\xEF\xBF\xBD" },
		{ "\"\\ud83dx\"", "\xEF\xBF\xBDx" },
		{ "\"\\ude00\"", "\xEF\xBF\xBD" },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xEF\xBF\xBD\xF0\x9F\x98\x80" },
		{ "\"\\ud83d\\n\"", "\xEF\xBF\xBD\n" },
		{ "\"\\uD83D\\u0041\"", "\xEF\xBF\xBD" "A" },
		{ "\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(cases); i++)
		assert_string_equal(json_text(parsed(a, cases[i][0])), cases[i][1]);
}

static void input_is_never_written_to(void **state)
{
	static const char text[] = "[\"\\ud83d\"]"; /* in read-only memory */
	struct arena *a = *state;

	assert_string_equal(json_text(json_at(parsed(a, text), "[0]")), "\xEF\xBF\xBD");
	assert_string_equal(text, "[\"\\ud83d\"]");
}

static void more_than_the_arena_may_hold_is_an_error_not_the_end(void **state)
{
	CLEANUP(arena_freep) struct arena *small = arena_new(100000);
	const struct json *j;
	struct err err;
	char text[20001];

	(void)state;
	memset(text, ',', 20000);
	for (size_t i = 1; i < 20000; i += 2)
		text[i] = '1';
	text[0] = '[';
	text[20000] = ']';
	text[19999] = '1';
	assert_int_equal(json_parse(small, text, sizeof text, &j, &err), -1);
	assert_int_equal(err.kind, ERR_INPUT);
	assert_non_null(strstr(err.text, "too large"));
	assert_true(arena_left(small) >= 40000);
	arena_reset(small);
	assert_int_equal(json_parse(small, "[1,2]", 5, &j, &err), 0);
}

static void paths_lead_to_values(void **state)
{
	struct arena *a = *state;
	const struct json *j = parsed(a, "{\"paging\":{\"next\":{\"after\":\"10\"}},\"pages\":[{\"id\":1},[2,3]],"
	                                 "\"a.b\":4,\"\":5,\"x\":null}");
	static const struct {
		const char *path, *text; /* NULL: not there */
	} cases[] = {
		{ "paging.next.after", "10" }, { "pages[0].id", "1" }, { "pages[1][1]", "3" }, { "pages[1][0]", "2" },
		{ "pages[2]", NULL }, { "pages[99999999999999999999]", NULL }, { "pages[-1]", NULL }, { "pages[]", NULL },
		{ "pages[0", NULL },
		{ "pages.id", NULL }, { "paging[0]", NULL }, { "paging.nex", NULL }, { "paging.nextt", NULL },
		{ "paging.next.after.x", NULL },
		{ "a.b", "4" }, { "a.c", NULL }, { "nope", NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		const struct json *found = json_at(j, cases[i].path);

		if ((found != NULL) != (cases[i].text != NULL))
			fail_msg("%s", cases[i].path);
		if (found)
			assert_string_equal(json_scalar(a, found), cases[i].text);
	}
	assert_ptr_equal(json_at(j, "."), j);
	assert_ptr_equal(json_at(j, ""), j);
	assert_string_equal(json_scalar(a, json_member(j, "a.b")), "4");
	assert_string_equal(json_scalar(a, json_member(j, "")), "5");
	assert_true(json_is_null(json_member(j, "x")));
	assert_null(json_member(json_member(j, "pages"), "id"));
	assert_string_equal(json_scalar(a, json_at(parsed(a, "[{\"id\":7}]"), "[0].id")), "7");
}

static void nothing_there_is_answered_everywhere(void **state)
{
	struct arena *a = *state;
	int64_t whole;
	double real;
	bool truth;

	assert_int_equal(json_type(NULL), JSON_NULL);
	assert_true(json_is_null(NULL));
	assert_null(json_at(NULL, "a.b"));
	assert_null(json_at(NULL, "."));
	assert_null(json_member(NULL, "a"));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_name(NULL));
	assert_null(json_text(NULL));
	assert_null(json_scalar(a, NULL));
	assert_false(json_int(NULL, &whole));
	assert_false(json_real(NULL, &real));
	assert_false(json_bool(NULL, &truth));
	assert_string_equal(json_print(a, NULL), "null");
}

static void children_are_walked_in_order(void **state)
{
	struct arena *a = *state;
	const struct json *j = parsed(a, "{\"b\":1,\"a\":[true,null],\"c\":\"x\"}"), *member = json_first(j);

	assert_int_equal(json_count(j), 3);
	assert_string_equal(json_name(member), "b");
	member = json_next(member);
	assert_string_equal(json_name(member), "a");
	assert_int_equal(json_count(member), 2);
	assert_int_equal(json_type(member), JSON_ARRAY);
	assert_int_equal(json_type(json_first(member)), JSON_BOOL);
	assert_null(json_name(json_first(member)));
	assert_null(json_next(json_next(json_first(member))));
	member = json_next(member);
	assert_string_equal(json_text(member), "x");
	assert_null(json_next(member));
	assert_int_equal(json_count(parsed(a, "5")), 0);
}

static void integers_end_where_doubles_lose_them(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 }, { "-0", true, 0 }, { "17", true, 17 }, { "17.0", true, 17 }, { "1.7e1", true, 17 },
		{ "9007199254740992", true, 9007199254740992 }, { "-9007199254740992", true, -9007199254740992 },
		{ "9007199254740993", false, 0 }, { "-9007199254740993", false, 0 },
		{ "9007199254740991.0", true, 9007199254740991 },
		{ "12.00000000000000000000", true, 12 }, { "1e16", false, 0 }, { "1.5", false, 0 }, { "1e400", false, 0 },
		{ "\"17\"", false, 0 }, { "true", false, 0 }, { "null", false, 0 },
		{ "123456789012345678901234567890", false, 0 },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t value = 42;

		if (json_int(parsed(a, cases[i].text), &value) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		ASSERT_INT(value, cases[i].ok ? cases[i].value : 42);
	}
}

static void infinity_is_no_number(void **state)
{
	struct arena *a = *state;
	const struct json *j = parsed(a, "[1e400,-1e400,1e308]");
	double value = 42;

	assert_int_equal(json_type(json_first(j)), JSON_NUMBER);
	assert_false(json_real(json_first(j), &value));
	assert_null(json_scalar(a, json_first(j)));
	assert_true(json_real(json_at(j, "[2]"), &value));
	assert_string_equal(json_print(a, j), "[null,null,1e+308]");
}

static void scalars_are_texts_without_loss(void **state)
{
	static const char *const cases[][2] = {
		{ "17", "17" }, { "-17", "-17" }, { "1.5", "1.5" }, { "0.1", "0.1" }, { "1e3", "1000" }, { "1.50", "1.5" },
		{ "true", "true" }, { "false", "false" }, { "\"a b\"", "a b" }, { "\"\"", "" }, { "null", NULL },
		{ "[]", NULL },
		{ "{}", NULL }, { "12345678901234567890", "12345678901234567890" }, { "9007199254740993", "9007199254740993" },
		{ "-1234567890123456.78", "-1234567890123456.78" }, { "0.30000000000000004", "0.30000000000000004" },
		{ "2.5e-10", "2.5e-10" }, { "1e22", "1e+22" }, { "5.0", "5" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(cases); i++) {
		const char *text = json_scalar(a, parsed(a, cases[i][0]));

		if (!cases[i][1])
			assert_null(text);
		else
			assert_string_equal(text, cases[i][1]);
	}
}

static void long_numbers_stay_with_their_own_values(void **state)
{
	struct arena *a = *state;
	const char *text = "{\"9999999999999999999\":[1,\"88888888888888888888\\\"\",77777777777777777777,{\"x\":2}],"
	                   "\"b\":66666666666666666666}";
	const struct json *j = parsed(a, text);

	assert_string_equal(json_scalar(a, json_at(json_first(j), "[2]")), "77777777777777777777");
	assert_string_equal(json_scalar(a, json_at(json_first(j), "[3].x")), "2");
	assert_string_equal(json_scalar(a, json_member(j, "b")), "66666666666666666666");
	assert_string_equal(json_print(a, j), text);
}

static void what_is_printed_reads_back_the_same(void **state)
{
	static const char *const cases[] = {
		"null", "[]", "{}", "{\"a\":[1,2.5,{\"b\":null}],\"a\":\"x\"}", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"",
		"\"é日😀/\"", "[[[],[]],{}]",
		"{\"\":\"\",\"a\\nb\":true}",
	};
	struct arena *a = *state;

	for (size_t i = 0; i < LEN(cases); i++)
		assert_string_equal(json_print(a, parsed(a, cases[i])), cases[i]);
}

static void commas_and_escapes_are_written_for_the_caller(void **state)
{
	CLEANUP(buf_done) struct buf text;
	struct json_out o = json_out_to(&text);

	(void)state;
	buf_init(&text, 10000);
	json_open_object(&o, NULL);
	json_put_text(&o, "t", "a\"b\\\n\x01\xFF\xC3\xA9");
	json_put_text(&o, "none", NULL);
	json_open_array(&o, "list");
	json_put_int(&o, NULL, INT64_MIN);
	json_open_object(&o, NULL);
	json_close_object(&o);
	json_open_array(&o, NULL);
	json_close_array(&o);
	json_put_bool(&o, NULL, true);
	json_close_array(&o);
	json_put_null(&o, "n");
	json_put_raw(&o, "r", "{\"x\":1}");
	json_close_object(&o);
	assert_string_equal(text.at, "{\"t\":\"a\\\"b\\\\\\n\\u0001\xEF\xBF\xBD\xC3\xA9\",\"none\":null,"
	                             "\"list\":[-9223372036854775808,{},[],true],\"n\":null,\"r\":{\"x\":1}}");
	buf_char(&text, '\n');
	json_put_int(&o, NULL, 2); /* a further value on its own line has no comma */
	assert_string_equal(strchr(text.at, '\n') + 1, "2");
}

/* Plain characters are copied in runs; whatever ends one does so wherever it stands. */
static void a_text_reads_back_the_same_wherever_a_character_to_escape_stands_in_it(void **state)
{
	struct arena *a = *state;

	for (int c = 1; c < 0x80; c++) {
		for (size_t at = 0; at < 20; at++) {
			char text[] = "abcdefghijklmnopqrst", again[] = { (char)c, '\0' };
			CLEANUP(buf_done) struct buf out;
			struct json_out o = json_out_to(&out);
			bool is_plain = c >= 0x20 && c != '"' && c != '\\';

			text[at] = (char)c;
			buf_init(&out, 1000);
			json_open_object(&o, NULL);
			json_put_text(&o, text, text);
			json_put_text(&o, again, text + at);
			json_close_object(&o);
			assert_string_equal(json_text(json_first(parsed(a, out.at))), text);
			assert_string_equal(json_text(json_member(parsed(a, out.at), text)), text);
			assert_string_equal(json_text(json_member(parsed(a, out.at), again)), text + at);
			assert_true(!is_plain || !strchr(out.at, '\\'));
		}
		arena_reset(a);
	}
}

static void reals_are_written_as_json_can_read_them(void **state)
{
	static const struct {
		double value;
		int decimals;
		const char *text;
	} cases[] = {
		{ 1.005, 1, "1.0" }, { 2.0 / 3.0, 6, "0.666667" }, { -0.0, 2, "0.00" }, { -0.001, 2, "0.00" },
		{ -0.006, 2, "-0.01" },
		{ 5, 0, "5" }, { (double)NAN, 2, "null" }, { (double)INFINITY, 2, "null" }, { -(double)INFINITY, 2, "null" },
		{ 1e20, 1, "100000000000000000000.0" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		CLEANUP(buf_done) struct buf text;
		struct json_out o = json_out_to(&text);

		buf_init(&text, 1000);
		json_put_real(&o, NULL, cases[i].value, cases[i].decimals);
		assert_string_equal(text.at, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_whole_value_is_read),
		cmocka_unit_test(everything_else_is_their_mistake),
		cmocka_unit_test(depth_is_limited_before_it_can_hurt),
		cmocka_unit_test(escapes_for_no_character_become_the_replacement_character),
		cmocka_unit_test(input_is_never_written_to),
		cmocka_unit_test(more_than_the_arena_may_hold_is_an_error_not_the_end),
		cmocka_unit_test(paths_lead_to_values),
		cmocka_unit_test(nothing_there_is_answered_everywhere),
		cmocka_unit_test(children_are_walked_in_order),
		cmocka_unit_test(integers_end_where_doubles_lose_them),
		cmocka_unit_test(infinity_is_no_number),
		cmocka_unit_test(scalars_are_texts_without_loss),
		cmocka_unit_test(long_numbers_stay_with_their_own_values),
		cmocka_unit_test(what_is_printed_reads_back_the_same),
		cmocka_unit_test(commas_and_escapes_are_written_for_the_caller),
		cmocka_unit_test(a_text_reads_back_the_same_wherever_a_character_to_escape_stands_in_it),
		cmocka_unit_test(reals_are_written_as_json_can_read_them),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
