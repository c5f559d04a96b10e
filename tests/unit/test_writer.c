#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/writer.h"

static struct err err;

/* One answer, and what was asked for it. */
struct oracle {
	int status;
	const char *answer;
	const char *method, *url, *body;
	struct arena *a;
};

static int answer(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                  bool *out_was_sent, struct err *why)
{
	struct oracle *o = context;

	(void)a, (void)why;
	*out_was_sent = true;
	o->method = arena_strdup(o->a, req->method);
	o->url = arena_strdup(o->a, req->url);
	o->body = arena_strndup(o->a, req->body, req->body_len);
	*out = (struct http_response){ .status = o->status, .body = o->answer, .body_len = strlen(o->answer) };
	return 0;
}

static const struct yaml *node_of(struct arena *a, const char *text)
{
	struct mistakes m = { .arena = a };
	const struct yaml *node = yaml_parse(a, "t", text, strlen(text), &m);

	ASSERT_INT(m.n, 0);
	return node;
}

static int send_items(struct oracle *o, const struct write_settings *w, struct write_item *items, size_t n)
{
	CLEANUP(http_freep) struct http *http = http_new_fake(answer, o);
	const struct connector connector = { .base_url = "https://api.example.com", .max_attempts = 1 };
	const struct scope scope = { 0 };
	struct client client;

	ASSERT_OK(client_init(&client, &connector, http, &scope, NULL, 0, 0, o->a, &err));
	return writer_send(&client, w, items, n, o->a, &err);
}

static struct write_settings by_id(struct arena *a)
{
	return (struct write_settings){
		.method = "POST", .path = "/batch/update", .batch = 100,
		.body = node_of(a, "{ inputs: \"{{items}}\" }"),
		.element = node_of(a, "{ id: \"{{item.id}}\", properties: \"{{item.values}}\" }"),
		.results = "results", .correlate = CORRELATE_ID, .id = "id",
		.refused = "errors", .refused_id = "context.ids", .refused_reason = "message",
	};
}

static const struct named_value values[] = { { "r_risk", "70" }, { "r_cause", "" } };

static void a_batch_names_the_values_as_texts_and_nothing_else(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .status = 200, .answer = "{\"results\":[{\"id\":\"2\"},{\"id\":1}]}" };
	struct write_item items[] = { { .row = { .id = "1", .values = values, .n_values = 2 } },
		                          { .row = { .id = "2", .values = values, .n_values = 1 } } };
	const struct write_settings w = by_id(a);

	(void)state;
	ASSERT_OK(send_items(&o, &w, items, 2));
	assert_string_equal(o.method, "POST");
	assert_string_equal(o.url, "https://api.example.com/batch/update");
	assert_string_equal(o.body, "{\"inputs\":[{\"id\":\"1\",\"properties\":{\"r_risk\":\"70\",\"r_cause\":\"\"}},"
	                            "{\"id\":\"2\",\"properties\":{\"r_risk\":\"70\"}}]}");
	assert_null(items[0].refused);
	assert_null(items[1].refused);
}

static void what_is_refused_by_id_has_its_reason_and_what_is_not_mentioned_is_not_written(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .status = 207, .answer =
		"{\"results\":[{\"id\":\"1\"},{\"id\":\"77\"}],"
		"\"errors\":[{\"message\":\"gone\",\"context\":{\"ids\":[\"2\",\"3\"]}},"
		"{\"message\":\"odd\",\"context\":{\"ids\":\"4\"}},"
		"{\"context\":{\"ids\":[\"5\"]}},{\"message\":\"of nobody\"}]}" };
	struct write_item items[] = { { .row = { .id = "1" } }, { .row = { .id = "2" } }, { .row = { .id = "3" } },
		                          { .row = { .id = "4" } }, { .row = { .id = "5" } }, { .row = { .id = "6" } } };
	const struct write_settings w = by_id(a);

	(void)state;
	ASSERT_OK(send_items(&o, &w, items, 6));
	assert_null(items[0].refused);
	assert_string_equal(items[1].refused, "gone");
	assert_string_equal(items[2].refused, "gone");
	assert_string_equal(items[3].refused, "odd");
	assert_string_equal(items[4].refused, "refused without a reason");
	assert_string_equal(items[5].refused, "the answer does not say that it was written");
}

static void results_in_the_order_of_the_request_are_matched_by_place(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .status = 200, .answer =
		"[{\"success\":true},{\"success\":false,\"errors\":[{\"message\":\"required field\"}]}]" };
	struct write_item items[] = { { .row = { .id = "1" } }, { .row = { .id = "2" } }, { .row = { .id = "3" } } };
	struct write_settings w = by_id(a);

	(void)state;
	w.method = "PATCH";
	w.results = ".";
	w.correlate = CORRELATE_INDEX;
	w.id = w.refused = NULL;
	w.ok = "success";
	w.ok_is = "true";
	w.reason = "errors[0].message";
	ASSERT_OK(send_items(&o, &w, items, 3));
	assert_string_equal(o.method, "PATCH");
	assert_null(items[0].refused);
	assert_string_equal(items[1].refused, "required field");
	assert_string_equal(items[2].refused, "the answer does not say that it was written");
}

static void one_row_at_a_time_goes_to_its_own_path(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .status = 204, .answer = "" };
	struct write_item item = { .row = { .id = "a/b", .values = values, .n_values = 1 } };
	const struct write_settings w = { .method = "PUT", .path = "/Account/{{item.id}}", .batch = 1,
		                              .body = node_of(a, "\"{{item.values}}\"") };

	(void)state;
	ASSERT_OK(send_items(&o, &w, &item, 1));
	assert_string_equal(o.url, "https://api.example.com/Account/a%2Fb");
	assert_string_equal(o.body, "{\"r_risk\":\"70\"}");
	assert_null(item.refused);
}

static void a_system_that_knows_types_gets_numbers_and_null(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const struct named_value typed[] = { { "r_risk", "70" }, { "r_cause", "usage" }, { "r_band", "" } };
	struct oracle o = { .a = a, .status = 204, .answer = "" };
	struct write_item item = { .row = { .id = "7", .values = typed, .n_values = 3 } };
	const struct write_settings w = { .method = "PATCH", .path = "/x", .batch = 1, .has_types = true,
		                              .body = node_of(a, "{ records: \"{{items}}\" }"),
		                              .element = node_of(a, "{ t: T, '*': '{{item.values}}', id: '{{item.id}}' }") };

	(void)state;
	ASSERT_OK(send_items(&o, &w, &item, 1));
	assert_string_equal(o.body, "{\"records\":[{\"t\":\"T\",\"r_risk\":70,\"r_cause\":\"usage\",\"r_band\":null,"
	                            "\"id\":\"7\"}]}");
}

static void an_answer_without_the_list_or_with_an_error_is_none(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .status = 200, .answer = "{\"status\":\"PENDING\"}" };
	struct write_item item = { .row = { .id = "1" } };
	const struct write_settings w = by_id(a);

	(void)state;
	ASSERT_INT(send_items(&o, &w, &item, 1), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	o.status = 400;
	o.answer = "{\"message\":\"not valid\"}";
	ASSERT_INT(send_items(&o, &w, &item, 1), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
	assert_non_null(strstr(err.text, "not valid"));
}

static void mistakes_of_a_connector_that_writes_are_told(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "{ account: { method: GET, path: /x, batch: 1, body: {} } }", "does not write" },
		{ "{ account: { method: PUT, path: /x, batch: 5, body: {} } }", "must be 1" },
		{ "{ account: { method: PUT, path: /x, batch: 0, body: {}, element: {} } }", "batch" },
		{ "{ account: { method: PUT, path: /x, batch: 1, body: {}, results: r } }", "`id:` must say" },
		{ "{ account: { method: PUT, path: /x, batch: 1, body: {}, ok: r } }", "`ok_is:` go together" },
		{ "{ account: { method: PUT, path: /x, batch: 1, body: {}, refused: r } }", "`refused_id:` go together" },
		{ "{ account: { method: PUT, path: /x, batch: 1, body: {}, per_item: r } }", "per_item" },
		{ "{ account: { path: /x, batch: 1, body: {} } }", "method" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);
		struct mistakes m = { .arena = a };
		struct writes out = { 0 };

		yaml_read(a, node_of(a, cases[i].text), &writes_table, &out, &m);
		ASSERT_INT(m.n, 1);
		assert_non_null(strstr(m.lines[0], cases[i].words));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_names_the_values_as_texts_and_nothing_else),
		cmocka_unit_test(what_is_refused_by_id_has_its_reason_and_what_is_not_mentioned_is_not_written),
		cmocka_unit_test(results_in_the_order_of_the_request_are_matched_by_place),
		cmocka_unit_test(one_row_at_a_time_goes_to_its_own_path),
		cmocka_unit_test(a_system_that_knows_types_gets_numbers_and_null),
		cmocka_unit_test(an_answer_without_the_list_or_with_an_error_is_none),
		cmocka_unit_test(mistakes_of_a_connector_that_writes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
