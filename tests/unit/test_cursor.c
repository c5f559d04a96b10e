#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/cursor.h"

static const char base[] = "https://crm.example";
static const char page[] = "https://crm.example/api/data/v9.2/accounts?$select=name";

static int see(struct arena *a, int kind, const char *text, const char **out, struct err *err)
{
	const struct cursor_settings s = { .kind = kind, .from = "next" };
	const char *json = arena_printf(a, "{\"next\":%s}", text);
	const struct json *body;

	ASSERT_INT(json_parse(a, json, strlen(json), &body, err), 0);
	return cursor_see(&s, body, page, base, a, out, err);
}

static void a_cursor_is_taken_as_it_is_and_kept_where_a_page_says_none(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *cursor = "before";
	struct err err = { 0 };

	(void)state;
	ASSERT_INT(see(a, CURSOR_OPAQUE, "null", &cursor, &err), 0);
	assert_string_equal(cursor, "before");
	ASSERT_INT(see(a, CURSOR_OPAQUE, "\"\"", &cursor, &err), 0);
	assert_string_equal(cursor, "before");
	ASSERT_INT(see(a, CURSOR_OPAQUE, "\"MTU3||x//http:\"", &cursor, &err), 0);
	assert_string_equal(cursor, "MTU3||x//http:");
	ASSERT_INT(see(a, CURSOR_OPAQUE, "17", &cursor, &err), 0);
	assert_string_equal(cursor, "17");
}

static void a_delta_link_leads_to_where_the_credentials_belong(void **state)
{
	static const struct {
		const char *text, *becomes;
	} good[] = {
		{ "\"https://crm.example/d?$deltatoken=1%212\"", "https://crm.example/d?$deltatoken=1%212" },
		{ "\"accounts?$deltatoken=3\"", "https://crm.example/api/data/v9.2/accounts?$deltatoken=3" },
		{ "\"/d?x=1\"", "https://crm.example/d?x=1" },
	};
	static const char *const bad[] = {
		"\"https://evil.example/d\"",         "\"http://crm.example/d\"",      "\"https://crm.example:8443/d\"",
		"\"https://u:p@crm.example/d\"",      "\"//evil.example/d\"",          "\"https://crm.example.evil.example/d\"",
		"\"javascript:alert(1)\"",            "\"https://crm.example@evil.example/\"",
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *cursor = NULL;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ASSERT_INT(see(a, CURSOR_DELTA_URL, good[i].text, &cursor, &err), 0);
		assert_string_equal(cursor, good[i].becomes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cursor = "kept";
		if (see(a, CURSOR_DELTA_URL, bad[i], &cursor, &err) != -1)
			fail_msg("%s was taken", bad[i]);
		ASSERT_INT(err.kind, ERR_INPUT);
		assert_string_equal(cursor, "kept");
	}
}

static void a_cursor_has_a_ceiling(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *long_text = arena_alloc(a, 9001);
	const char *cursor = NULL;
	struct err err = { 0 };

	(void)state;
	memset(long_text, 'x', 9000);
	long_text[0] = long_text[8999] = '"';
	ASSERT_INT(see(a, CURSOR_OPAQUE, long_text, &cursor, &err), -1);
	assert_null(cursor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_is_taken_as_it_is_and_kept_where_a_page_says_none),
		cmocka_unit_test(a_delta_link_leads_to_where_the_credentials_belong),
		cmocka_unit_test(a_cursor_has_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
