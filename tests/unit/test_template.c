#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/template.h"
#include "common/err.h"

static struct scope scope_of(struct arena *a)
{
	struct mistakes m = { .arena = a };
	static const char text[] = "portal: emea north\nempty: \"\"\n";
	struct named_value *secrets = arena_array(a, 1, sizeof *secrets);

	secrets[0] = (struct named_value){ "token", "pat & secret" };
	return (struct scope){ .config = yaml_parse(a, "org", text, strlen(text), &m), .secrets = secrets, .n_secrets = 1,
		                   .window_start = 1767225600, .window_end = 1767312000, .page_token = "NTI1Cg%3D%3D",
		                   .page_number = "3",
		                   .parent_id = "77", .properties = "a,b" };
}

struct template_case {
	const char *text, *raw, *url;
};

static const struct template_case good[] = {
	{ "plain", "plain", "plain" },
	{ "", "", "" },
	{ "Bearer {{secret.token}}", "Bearer pat & secret", "Bearer pat%20%26%20secret" },
	{ "/p/{{ config.portal }}/x", "/p/emea north/x", "/p/emea%20north/x" },
	{ "{{config.empty}}", "", "" },
	{ "{{window.start|ms}}-{{window.end|ms}}", "1767225600000-1767312000999", "1767225600000-1767312000999" },
	{ "{{window.start|s}}", "1767225600", "1767225600" },
	{ "{{window.start}}", "2026-01-01T00:00:00Z", "2026-01-01T00%3A00%3A00Z" },
	{ "{{window.start|iso}}", "2026-01-01T00:00:00Z", "2026-01-01T00%3A00%3A00Z" },
	{ "{{window.end | day}}", "2026-01-02", "2026-01-02" },
	{ "{{window.start|utc}}", "2026-01-01 00:00:00", "2026-01-01%2000%3A00%3A00" },
	{ "{{page.number}}", "3", "3" },
	{ "{{page.token}}", "NTI1Cg%3D%3D", "NTI1Cg%253D%253D" },
	{ "{{parent.id}}{{parent.id}}", "7777", "7777" },
	{ "{{properties}}", "a,b", "a%2Cb" },
	{ "one { brace }", "one { brace }", "one { brace }" },
};

static void names_are_replaced_by_their_values(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct scope s = scope_of(a);
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const char *out;

		assert_null(template_mistake(a, good[i].text, &s));
		ASSERT_OK(template_expand(a, good[i].text, &s, TEMPLATE_RAW, &out, &err));
		assert_string_equal(out, good[i].raw);
		ASSERT_OK(template_expand(a, good[i].text, &s, TEMPLATE_URL, &out, &err));
		assert_string_equal(out, good[i].url);
	}
}

static void what_is_not_known_is_a_mistake_that_says_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *say;
	} cases[] = {
		{ "{{secret.key}}", "no secret `key`" },         { "{{config.region}}", "no `region`" },
		{ "{{window.begin}}", "window.start" },          { "{{window.start|years}}", "|iso" },
		{ "{{page.token|ms}}", "is not known" },         { "{{page.token", "not closed" },
		{ "{{1 + 1}}", "is not known" },                 { "{{}}", "is not known" },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct scope s = scope_of(a);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *what = template_mistake(a, cases[i].text, &s), *out = "untouched";
		struct err err = { 0 };

		assert_non_null(what);
		if (!strstr(what, cases[i].say))
			fail_msg("%s: %s", cases[i].text, what);
		if (!strstr(cases[i].text, "}}"))
			continue;
		ASSERT_INT(template_expand(a, cases[i].text, &s, TEMPLATE_RAW, &out, &err), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		assert_string_equal(out, "untouched");
	}
}

static void a_whole_text_can_be_one_name(void **state)
{
	(void)state;
	assert_true(template_is("{{properties}}", "properties"));
	assert_true(template_is("{{ parents }}", "parents"));
	assert_false(template_is("x{{properties}}", "properties"));
	assert_false(template_is("{{properties}} ", "properties"));
	assert_false(template_is("properties", "properties"));
	assert_true(template_has_names("a{{b}}"));
	assert_false(template_has_names("a{b}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_replaced_by_their_values),
		cmocka_unit_test(what_is_not_known_is_a_mistake_that_says_what_would_be_right),
		cmocka_unit_test(a_whole_text_can_be_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
