#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/errors.h"

struct rules {
	struct arena *a;
	struct yaml_array list;
	size_t n_mistakes;
	const char *first_mistake;
};

static struct rules rules_of(const char *yaml)
{
	struct rules r = { .a = arena_new(0) };
	struct mistakes m = { .arena = r.a };
	struct holder {
		struct yaml_array list;
	} h = { 0 };
	static const struct yaml_field fields[] = { { "errors", YAML_LIST, 0, true, &error_rule_table, 0, 0 } };
	static const struct yaml_table table = { .size = sizeof h, .fields = fields, .n_fields = 1 };
	const struct yaml *node = yaml_parse(r.a, "rules", yaml, strlen(yaml), &m);

	if (node) {
		yaml_read(r.a, node, &table, &h, &m);
		errors_compile(r.a, h.list.at, h.list.n, node, &m);
	}
	r.list = h.list;
	r.n_mistakes = m.n;
	r.first_mistake = m.n_kept ? m.lines[0] : "";
	return r;
}

static struct verdict judge(const struct rules *r, int status, const char *body)
{
	struct http_response response = { .status = status, .body = body, .body_len = strlen(body) };
	const struct json *json = NULL;
	struct err err;

	if (*body && json_parse(r->a, body, strlen(body), &json, &err) < 0)
		json = NULL;
	return errors_judge(r->list.at, r->list.n, &response, json);
}

static void each_status_has_a_meaning_of_its_own(void **state)
{
	static const struct {
		int status;
		enum action action;
	} cases[] = {
		{ 200, ACTION_OK },          { 201, ACTION_OK },    { 204, ACTION_OK },    { 207, ACTION_OK },
		{ 301, ACTION_FAIL },        { 304, ACTION_FAIL },  { 400, ACTION_FAIL },  { 401, ACTION_FAIL_CONFIG },
		{ 403, ACTION_FAIL_CONFIG }, { 404, ACTION_FAIL },  { 408, ACTION_RETRY }, { 409, ACTION_RETRY },
		{ 410, ACTION_FAIL },        { 415, ACTION_FAIL },  { 422, ACTION_FAIL },  { 425, ACTION_RETRY },
		{ 429, ACTION_RATE_LIMITED }, { 500, ACTION_RETRY }, { 501, ACTION_FAIL }, { 502, ACTION_RETRY },
		{ 503, ACTION_RETRY },       { 504, ACTION_RETRY }, { 505, ACTION_FAIL },  { 520, ACTION_RETRY },
		{ 524, ACTION_RETRY },       { 530, ACTION_RETRY },
	};
	struct rules r = rules_of("errors: []");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (judge(&r, cases[i].status, "").action != cases[i].action)
			fail_msg("%d is taken for %d", cases[i].status, (int)judge(&r, cases[i].status, "").action);
	arena_free(r.a);
}

static void the_first_rule_that_fits_decides(void **state)
{
	struct rules r = rules_of("errors:\n"
	                          "  - { status: [530, 401], action: fail_config, say: \"make a new token\" }\n"
	                          "  - { status: [403], path: category, matches: \"^RATE_\", action: rate_limited, wait: 10s }\n"
	                          "  - { status: [4xx], path: \"errors[0].code\", matches: LOCKED, action: retry }\n"
	                          "  - { status: [404], matches: \"data files were not found\", action: empty }\n"
	                          "  - { path: status, matches: \"^error$\", action: fail }\n");

	(void)state;
	ASSERT_INT(r.n_mistakes, 0);
	ASSERT_INT(judge(&r, 530, "").action, ACTION_FAIL_CONFIG);
	assert_string_equal(judge(&r, 401, "{}").say, "make a new token");
	ASSERT_INT(judge(&r, 403, "{\"category\":\"RATE_LIMITS\"}").action, ACTION_RATE_LIMITED);
	ASSERT_INT(judge(&r, 403, "{\"category\":\"RATE_LIMITS\"}").wait_s, 10);
	ASSERT_INT(judge(&r, 403, "{\"category\":\"MISSING_SCOPES\"}").action, ACTION_FAIL_CONFIG);
	ASSERT_INT(judge(&r, 400, "{\"errors\":[{\"code\":\"ROW_LOCKED\"}]}").action, ACTION_RETRY);
	ASSERT_INT(judge(&r, 404, "Raw data files were not found.").action, ACTION_EMPTY);
	ASSERT_INT(judge(&r, 404, "nothing here").action, ACTION_FAIL);
	ASSERT_INT(judge(&r, 200, "{\"status\":\"error\"}").action, ACTION_FAIL);
	ASSERT_INT(judge(&r, 200, "{\"status\":\"ok\"}").action, ACTION_OK);
	arena_free(r.a);
}

static void a_header_can_say_what_is_wrong(void **state)
{
	struct rules r = rules_of("errors: [ { status: [403], header: X-Status-Reason, matches: '^Max size', "
	                          "action: fail } ]");
	const struct http_header size = { "x-status-reason", "Max size should not exceed 200." };
	const struct http_header other = { "x-status-reason", "No read access: Max size" };
	struct http_response response = { .status = 403, .body = "Max size", .body_len = 8, .headers = &size,
	                                  .n_headers = 1 };

	(void)state;
	ASSERT_INT(r.n_mistakes, 0);
	ASSERT_INT(errors_judge(r.list.at, r.list.n, &response, NULL).action, ACTION_FAIL);
	response.headers = &other;
	ASSERT_INT(errors_judge(r.list.at, r.list.n, &response, NULL).action, ACTION_FAIL_CONFIG);
	response.n_headers = 0;
	ASSERT_INT(errors_judge(r.list.at, r.list.n, &response, NULL).action, ACTION_FAIL_CONFIG);
	arena_free(r.a);
	r = rules_of("errors: [ { status: [403], header: A, path: b, matches: c, action: fail } ]");
	ASSERT_INT(r.n_mistakes, 1);
	arena_free(r.a);
}

static void a_rule_that_can_not_be_meant_is_a_mistake(void **state)
{
	static const char *const bad[] = {
		"errors: [ { action: retry } ]",
		"errors: [ { status: [404], path: category, action: retry } ]",
		"errors: [ { status: [40], action: retry } ]",
		"errors: [ { status: [teapot], action: retry } ]",
		"errors: [ { status: [404], action: ignore } ]",
		"errors: [ { status: [404] } ]",
		"errors: [ { matches: \"(\", action: retry } ]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rules r = rules_of(bad[i]);

		if (r.n_mistakes == 0)
			fail_msg("%s is taken", bad[i]);
		arena_free(r.a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_status_has_a_meaning_of_its_own),
		cmocka_unit_test(the_first_rule_that_fits_decides),
		cmocka_unit_test(a_header_can_say_what_is_wrong),
		cmocka_unit_test(a_rule_that_can_not_be_meant_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
