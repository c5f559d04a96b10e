#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/request.h"

static struct err err;

static const struct yaml *node_of(struct arena *a, const char *text)
{
	struct mistakes m = { .arena = a };
	const struct yaml *node = yaml_parse(a, "test", text, strlen(text), &m);

	if (!node)
		fail_msg("%s", m.lines[0]);
	return node;
}

static const char *const names[] = { "name", "a b", "c,d" };
static const struct request_lists lists = { .properties = { .at = (const char **)(uintptr_t)names, .n = 3 } };

static void a_url_is_made_of_base_path_and_query(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct scope scope = { .page_token = "x=&y", .parent_id = "7/8" };
	const struct yaml *query = node_of(a, "limit: 100\nafter: \"{{page.token}}\"\nids: [1, \"{{parent.id}}\"]\n"
	                                      "p: \"{{properties}}\"\n");
	const char *url;

	(void)state;
	ASSERT_OK(request_url("https://api.example.com/", "/v1/{{parent.id}}/x", query, &scope, &lists, a, &url, &err));
	assert_string_equal(url, "https://api.example.com/v1/7%2F8/x?limit=100&after=x%3D%26y&ids=1&ids=7%2F8"
	                         "&p=name%2Ca%20b%2Cc%2Cd");
}

static void what_becomes_empty_is_left_out(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct scope scope = { 0 };
	const struct request_lists none = { 0 };
	const char *text;

	(void)state;
	ASSERT_OK(request_url("https://api.example.com", "/v1", node_of(a, "after: \"{{page.token}}\"\nq: \"\"\n"), &scope,
	                      &none, a, &text, &err));
	assert_string_equal(text, "https://api.example.com/v1?q=");
	ASSERT_OK(request_body(node_of(a, "{ id: \"{{parent.id}}\", after: \"{{page.token}}\", q: \"\" }"), &scope, &none,
	                       a, &text, &err));
	assert_string_equal(text, "{\"q\":\"\"}");
}

static void a_body_is_json_with_the_types_that_the_yaml_shows(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct scope scope = { .page_token = "a\"b" };
	const char *body;

	(void)state;
	ASSERT_OK(request_body(node_of(a, "n: 100\ns: \"100\"\nt: true\nf: \"true\"\nz: ~\nx: 1e3\n"
	                                  "list: [a, 2, { b: \"{{page.token}}\" }]\ne: {}\nprops: \"{{properties}}\"\n"),
	                       &scope, &lists, a, &body, &err));
	assert_string_equal(body, "{\"n\":100,\"s\":\"100\",\"t\":true,\"f\":\"true\",\"z\":null,\"x\":\"1e3\","
	                          "\"list\":[\"a\",2,{\"b\":\"a\\\"b\"}],\"e\":{},\"props\":[\"name\",\"a b\",\"c,d\"]}");
}

static void parents_become_one_element_each(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const struct parent parents[] = { { .id = "1" }, { .id = "2", .token = "more" } };
	const struct scope scope = { .page_token = "of the page" };
	const struct request_lists with = { .parents = parents, .n_parents = 2,
		                                .element = node_of(a, "{ id: \"{{parent.id}}\", after: \"{{page.token}}\" }") };
	const char *body;

	(void)state;
	ASSERT_OK(request_body(node_of(a, "{ inputs: \"{{parents}}\" }"), &scope, &with, a, &body, &err));
	assert_string_equal(body, "{\"inputs\":[{\"id\":\"1\"},{\"id\":\"2\",\"after\":\"more\"}]}");
}

static void names_are_split_so_that_no_url_is_too_long(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *many[500];
	const struct texts all = { many, ARRAY_LEN(many) }, none = { 0 };
	const struct texts *chunks;
	size_t n, seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = arena_printf(a, "property_%zu", i);
	n = request_chunks(a, &all, 1000, &chunks);
	assert_true(n > 5);
	for (size_t i = 0; i < n; i++) {
		size_t chars = 0;

		assert_true(chunks[i].n > 0);
		for (size_t j = 0; j < chunks[i].n; j++, seen++) {
			assert_ptr_equal(chunks[i].at[j], many[seen]);
			chars += strlen(many[seen]) + 3;
		}
		assert_true(chars <= 1000);
	}
	ASSERT_INT(seen, ARRAY_LEN(many));
	ASSERT_INT(request_chunks(a, &all, SIZE_MAX, &chunks), 1);
	ASSERT_INT(request_chunks(a, &none, 1000, &chunks), 1);
	ASSERT_INT(chunks[0].n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_made_of_base_path_and_query),
		cmocka_unit_test(what_becomes_empty_is_left_out),
		cmocka_unit_test(a_body_is_json_with_the_types_that_the_yaml_shows),
		cmocka_unit_test(parents_become_one_element_each),
		cmocka_unit_test(names_are_split_so_that_no_url_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
