#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/fanout.h"

static struct err err;

/* Answers in turn, and what was asked. */
struct oracle {
	const char *answers[8];
	const char *asked[8];
	size_t n;
	struct arena *a;
};

static int answer(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                  bool *out_was_sent, struct err *why)
{
	struct oracle *o = context;

	(void)a, (void)why;
	*out_was_sent = true;
	o->asked[o->n] = arena_strndup(o->a, req->body, req->body_len);
	*out = (struct http_response){ .status = 200, .body = o->answers[o->n], .body_len = strlen(o->answers[o->n]) };
	o->n++;
	return 0;
}

static int link_rows(struct oracle *o, struct linked *rows, size_t n, int64_t batch)
{
	CLEANUP(http_freep) struct http *http = http_new_fake(answer, o);
	const struct connector connector = { .base_url = "https://api.example.com", .max_attempts = 1 };
	static const char body[] = "{ inputs: \"{{parents}}\" }";
	static const char element[] = "{ id: \"{{parent.id}}\", after: \"{{page.token}}\" }";
	struct mistakes m = { .arena = o->a };
	const struct link_settings l = {
		.post = "/batch/read", .batch = batch, .records = "results",
		.body = yaml_parse(o->a, "b", body, strlen(body), &m),
		.element = yaml_parse(o->a, "e", element, strlen(element), &m),
		.from = "from.id", .to = "to", .key = "toObjectId",
		.labels = "associationTypes", .label = "label", .prefer = "Primary", .more = "paging.next.after",
		.none = "errors", .none_id = "context.fromObjectId[0]", .none_if = "subCategory", .none_is = "NONE_FOUND",
	};
	const struct scope scope = { 0 };
	struct client client;

	ASSERT_OK(client_init(&client, &connector, http, &scope, NULL, 0, 0, o->a, &err));
	return fanout_link(&client, &l, rows, n, o->a, &err);
}

static void the_preferred_account_wins_wherever_it_stands(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .answers = { "{\"results\":["
		"{\"from\":{\"id\":\"1\"},\"to\":[{\"toObjectId\":70,\"associationTypes\":[{\"label\":null}]},"
		"{\"toObjectId\":71,\"associationTypes\":[{\"label\":null},{\"label\":\"Primary\"}]},"
		"{\"toObjectId\":72,\"associationTypes\":[]}]},"
		"{\"from\":{\"id\":\"2\"},\"to\":[{\"toObjectId\":\"80\"},{\"toObjectId\":\"81\"}]},"
		"{\"from\":{\"id\":\"99\"},\"to\":[{\"toObjectId\":\"82\"}]}]}" } };
	struct linked rows[] = { { .id = "1" }, { .id = "2" }, { .id = "3" } };

	(void)state;
	ASSERT_OK(link_rows(&o, rows, 3, 100));
	assert_string_equal(rows[0].account, "71");
	assert_string_equal(rows[1].account, "80");
	assert_null(rows[2].account);
	assert_string_equal(o.asked[0], "{\"inputs\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"}]}");
}

static void rows_are_asked_for_in_batches(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .answers = { "{\"results\":[]}",
		"{\"results\":[{\"from\":{\"id\":\"3\"},\"to\":[{\"toObjectId\":5}]}]}" } };
	struct linked rows[] = { { .id = "1" }, { .id = "2" }, { .id = "3" } };

	(void)state;
	ASSERT_OK(link_rows(&o, rows, 3, 2));
	ASSERT_INT(o.n, 2);
	assert_string_equal(o.asked[1], "{\"inputs\":[{\"id\":\"3\"}]}");
	assert_string_equal(rows[2].account, "5");
}

static void more_accounts_are_asked_for_until_the_preferred_one_comes(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .answers = {
		"{\"results\":[{\"from\":{\"id\":\"1\"},\"to\":[{\"toObjectId\":7}],\"paging\":{\"next\":{\"after\":\"500\"}}}]}",
		"{\"results\":[{\"from\":{\"id\":\"1\"},\"to\":[{\"toObjectId\":8,\"associationTypes\":[{\"label\":\"Primary\"}]}],"
		"\"paging\":{\"next\":{\"after\":\"1000\"}}}]}" } };
	struct linked rows[] = { { .id = "1" }, { .id = "2" } };

	(void)state;
	ASSERT_OK(link_rows(&o, rows, 2, 100));
	ASSERT_INT(o.n, 2);
	assert_string_equal(o.asked[1], "{\"inputs\":[{\"id\":\"1\",\"after\":\"500\"}]}");
	assert_string_equal(rows[0].account, "8");
}

static void accounts_that_go_in_circles_and_answers_without_a_list_are_errors(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	static const char again[] = "{\"results\":[{\"from\":{\"id\":\"1\"},\"to\":[{\"toObjectId\":7}],"
	                            "\"paging\":{\"next\":{\"after\":\"5\"}}}]}";
	struct oracle o = { .a = a, .answers = { again, again, again } };
	struct linked rows[] = { { .id = "1" } };

	(void)state;
	ASSERT_INT(link_rows(&o, rows, 1, 100), -1);
	assert_non_null(strstr(err.text, "circles"));
	o = (struct oracle){ .a = a, .answers = { "{\"message\":\"ok\"}" } };
	rows[0].token = NULL;
	ASSERT_INT(link_rows(&o, rows, 1, 100), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
}

static void only_what_the_answer_says_is_without_an_account(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct oracle o = { .a = a, .answers = { "{\"results\":[{\"from\":{\"id\":\"1\"},\"to\":[]},"
		"{\"from\":{\"id\":\"2\"},\"to\":[{\"toObjectId\":7}]},{\"from\":{\"id\":\"6\"}}],\"errors\":["
		"{\"subCategory\":\"NONE_FOUND\",\"context\":{\"fromObjectId\":[\"3\"]}},"
		"{\"subCategory\":\"NOT_ALLOWED\",\"context\":{\"fromObjectId\":[\"4\"]}},"
		"{\"subCategory\":\"NONE_FOUND\",\"context\":{\"fromObjectId\":[\"2\"]}},{}]}" } };
	struct linked rows[] = { { .id = "1" }, { .id = "2" }, { .id = "3" }, { .id = "4" }, { .id = "5" }, { .id = "6" } };
	static const bool has_none[] = { true, false, true, false, false, false };

	(void)state;
	ASSERT_OK(link_rows(&o, rows, ARRAY_LEN(rows), 100));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ASSERT_INT(rows[i].has_none, has_none[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_preferred_account_wins_wherever_it_stands),
		cmocka_unit_test(rows_are_asked_for_in_batches),
		cmocka_unit_test(more_accounts_are_asked_for_until_the_preferred_one_comes),
		cmocka_unit_test(accounts_that_go_in_circles_and_answers_without_a_list_are_errors),
		cmocka_unit_test(only_what_the_answer_says_is_without_an_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
