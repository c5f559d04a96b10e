#include "cmocka_shim.h"

#include <stdio.h>
#include <string.h>

#include "../../src/connect/client.h"

static struct err err; /* of the last call */
static const char token[] = "pat-na1-planted-secret";

/* What the other side will say, one after the other; the last goes on for ever. */
struct script {
	const char *urls[40]; /* that were asked for */
	const char *authorization[40];
	struct http_response answers[12];
	bool is_broken[12];   /* the connection is cut instead */
	size_t n_answers, n_asked;
	int64_t now_ms, slept_ms[40];
	size_t n_sleeps;
	struct arena *a;
};

static int play(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                bool *out_was_sent,
                struct err *why)
{
	struct script *s = context;
	size_t at = s->n_asked < s->n_answers ? s->n_asked : s->n_answers - 1;

	s->urls[s->n_asked] = arena_strdup(s->a, req->url);
	for (size_t i = 0; i < req->n_headers; i++)
		if (strcmp(req->headers[i].name, "Authorization") == 0)
			s->authorization[s->n_asked] = arena_strdup(s->a, req->headers[i].value);
	s->n_asked++;
	(void)a;
	*out_was_sent = true;
	if (s->is_broken[at])
		return err_set(why, ERR_RETRY, "%s: connection reset", http_redact(a, req->url));
	*out = s->answers[at];
	out->body_len = out->body ? strlen(out->body) : 0;
	return 0;
}

static int64_t script_now(void *context)
{
	return ((struct script *)context)->now_ms;
}

static void script_sleep(void *context, int64_t ms)
{
	struct script *s = context;

	s->slept_ms[s->n_sleeps++] = ms;
	s->now_ms += ms;
}

static const char rule_text[] = "errors: [ { status: [530], action: fail_config, say: make a new token }, "
                                "{ status: [429], action: rate_limited, wait: 1s } ]";

struct talk {
	struct arena *a;
	struct script script;
	struct connector connector;
	struct http *http;
	struct client client;
	struct answer answer;
};

static struct talk *talk_new(void)
{
	struct arena *a = arena_new(0);
	struct talk *t = arena_alloc(a, sizeof *t);
	struct mistakes m = { .arena = a };
	static const struct yaml_field fields[] = {
		{ "errors", YAML_LIST, offsetof(struct connector, errors), true, &error_rule_table, 0, 0 },
	};
	static const struct yaml_table table = { .size = sizeof(struct connector), .fields = fields, .n_fields = 1 };
	static const struct named_value secrets[] = { { "token", token } };
	const struct scope scope = { .secrets = secrets, .n_secrets = 1 };
	const struct client_time time = { script_now, script_sleep, &t->script };

	t->a = t->script.a = a;
	t->script.now_ms = 1000000;
	t->connector = (struct connector){ .name = "test", .base_url = "https://api.example.com", .max_attempts = 6,
		                               .first_wait_s = 1, .longest_wait_s = 8 };
	yaml_read(a, yaml_parse(a, "t", rule_text, strlen(rule_text), &m), &table, &t->connector, &m);
	ASSERT_INT(m.n, 0);
	t->connector.auth = (struct auth_settings){ .kind = 1, .name = "Authorization",
	                                            .value = "Bearer {{secret.token}}" };
	t->http = http_new_fake(play, &t->script);
	ASSERT_OK(client_init(&t->client, &t->connector, t->http, &scope, &time, 0, 1767225600, a, &err));
	return t;
}

static void talk_free(struct talk *t)
{
	http_free(t->http);
	arena_free(t->a);
}

static void says(struct talk *t, int status, const char *body)
{
	t->script.answers[t->script.n_answers++] = (struct http_response){ .status = status, .body = body };
}

static void says_with(struct talk *t, int status, const char *name, const char *value)
{
	struct http_header *h = arena_alloc(t->a, sizeof *h);

	*h = (struct http_header){ name, value };
	t->script.answers[t->script.n_answers++] =
		(struct http_response){ .status = status, .body = "{}", .headers = h, .n_headers = 1 };
}

static int get(struct talk *t)
{
	return client_call(&t->client, "GET", "https://api.example.com/v1/things?after=7", NULL, t->a, &t->answer, &err);
}

static void an_answer_is_parsed_and_carries_the_credentials(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says(t, 200, "{\"results\":[1]}");
	ASSERT_OK(get(t));
	ASSERT_INT(json_count(json_at(t->answer.body, "results")), 1);
	assert_string_equal(t->script.authorization[0], "Bearer pat-na1-planted-secret");
	ASSERT_INT(t->script.n_sleeps, 0);
	talk_free(t);
}

static void what_may_pass_is_asked_again_with_growing_waits(void **state)
{
	struct talk *t = talk_new();
	static const int64_t most[] = { 1000, 2000, 4000, 8000 };

	(void)state;
	says(t, 502, "<html>");
	t->script.is_broken[1] = true;
	says(t, 0, NULL);
	says(t, 500, "{}");
	says(t, 200, "{\"results\":[");
	says(t, 200, "{\"results\":[]}");
	ASSERT_OK(get(t));
	ASSERT_INT(t->script.n_asked, 5);
	ASSERT_INT(t->script.n_sleeps, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(t->script.slept_ms[i] >= most[i] / 2 && t->script.slept_ms[i] <= most[i]);
	talk_free(t);
}

static void a_limit_without_retry_after_waits_and_goes_on(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	for (int i = 0; i < 4; i++)
		says(t, 429,
		     "{\"status\":\"error\",\"message\":\"You have reached your secondly limit.\",\"category\":\"RATE_LIMITS\"}");
	says(t, 200, "{\"results\":[]}");
	ASSERT_OK(get(t));
	ASSERT_INT(t->script.n_sleeps, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(t->script.slept_ms[i] >= 1000);
	talk_free(t);
}

static void retry_after_is_obeyed(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says_with(t, 429, "retry-after", "27");
	says_with(t, 503, "retry-after", "Thu, 01 Jan 2026 00:01:27 GMT"); /* 60 s after the first wait */
	says(t, 200, "{\"results\":[]}");
	ASSERT_OK(get(t));
	ASSERT_INT(t->script.slept_ms[0], 27000);
	ASSERT_INT(t->script.slept_ms[1], 60000);
	talk_free(t);
}

static void what_stays_unwell_is_given_up_as_transient(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says(t, 503, "{\"message\":\"down\"}");
	ASSERT_INT(get(t), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	ASSERT_INT(t->script.n_asked, 6);
	assert_string_equal(err.text, "GET /v1/things: HTTP 503: down (asked 6 times)");
	talk_free(t);
}

static void half_an_answer_is_never_a_short_list(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says(t, 200, "");
	ASSERT_INT(get(t), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	talk_free(t);
	t = talk_new();
	says(t, 204, "");
	ASSERT_OK(get(t));
	assert_true(t->answer.is_empty);
	talk_free(t);
}

static void a_refused_token_is_for_a_person_and_is_not_asked_again(void **state)
{
	static const int statuses[] = { 401, 403, 530 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct talk *t = talk_new();

		says(t, statuses[i], "{\"message\":\"who are you, pat-na1-planted-secret?\"}");
		ASSERT_INT(get(t), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		ASSERT_INT(t->script.n_asked, 1);
		assert_null(strstr(err.text, "planted"));
		assert_non_null(strstr(err.text, "who are you, ***?"));
		talk_free(t);
	}
}

static void a_refused_request_is_not_asked_again(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says(t, 400, "{\"message\":\"Invalid \\u001b[31mlimit\\n\"}");
	ASSERT_INT(get(t), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
	ASSERT_INT(t->script.n_asked, 1);
	assert_null(strchr(err.text, 27));
	talk_free(t);
}

static void redirects_are_followed_within_the_origin_and_three_times(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says_with(t, 302, "location", "/v2/things");
	says_with(t, 307, "location", "https://api.example.com/v3/things");
	says(t, 200, "{\"results\":[]}");
	ASSERT_OK(get(t));
	assert_string_equal(t->script.urls[2], "https://api.example.com/v3/things");
	talk_free(t);

	t = talk_new();
	says_with(t, 302, "location", "/round");
	ASSERT_INT(get(t), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
	ASSERT_INT(t->script.n_asked, 4);
	talk_free(t);
}

static void a_secret_that_is_said_back_is_hidden_however_long_the_text(void **state)
{
	struct talk *t = talk_new();
	char body[400];

	(void)state;
	for (int before = 150; before < 210; before++) {
		(void)snprintf(body, sizeof body, "{\"message\":\"%0*d pat-na1-planted-secret pat-na1-planted-secret\"}",
		               before, 0);
		t->script.n_answers = t->script.n_asked = 0;
		says(t, 400, body);
		ASSERT_INT(get(t), -1);
		assert_null(strstr(err.text, "pat-"));
	}
	talk_free(t);

	t = talk_new();
	ASSERT_OK(auth_make(&(struct auth_settings){ .kind = 3, .user = "u", .password = "{{secret.token}}" },
	                    &t->client.scope, t->a, &t->client.credentials, &err));
	says(t, 400, arena_printf(t->a, "{\"message\":\"got %s\"}", t->client.credentials.headers[0].value));
	ASSERT_INT(get(t), -1);
	assert_non_null(strstr(err.text, "got ***"));
	talk_free(t);
}

static void when_the_daily_budget_is_used_up_nothing_more_is_asked(void **state)
{
	struct talk *t = talk_new();
	static const struct http_header spent[] = { { "x-daily", "100" }, { "x-left", "20" } };
	struct quota_settings daily = { .limit = "x-daily", .remaining = "x-left", .per_s = 86400 };

	(void)state;
	t->connector.limits.quotas = (struct yaml_array){ &daily, 1 };
	t->client.limiter.budget_percent = 80;
	says(t, 200, "{\"results\":[]}");
	t->script.answers[0].headers = spent;
	t->script.answers[0].n_headers = ARRAY_LEN(spent);
	ASSERT_OK(get(t)); /* what was paid for is used */
	ASSERT_INT(get(t), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, "goes on tomorrow"));
	ASSERT_INT(t->script.n_asked, 1);
	ASSERT_INT(t->script.n_sleeps, 0);
	talk_free(t);
}

static void credentials_go_to_no_other_origin(void **state)
{
	static const char *const places[] = { "https://evil.test/", "http://api.example.com/", "//evil.test/x",
		                                  "https://api.example.com:444/", "https://api.example.com@evil.test/" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct talk *t = talk_new();

		says_with(t, 302, "location", places[i]);
		ASSERT_INT(get(t), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		ASSERT_INT(t->script.n_asked, 1);
		talk_free(t);
		if (places[i][0] == '/')
			continue;
		t = talk_new();
		says(t, 200, "{}");
		ASSERT_INT(client_call(&t->client, "GET", places[i], NULL, t->a, &t->answer, &err), -1);
		ASSERT_INT(t->script.n_asked, 0);
		talk_free(t);
	}
}

static void a_post_is_not_sent_on(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	says_with(t, 307, "location", "/elsewhere");
	ASSERT_INT(client_call(&t->client, "POST", "https://api.example.com/search", "{}", t->a, &t->answer, &err), -1);
	ASSERT_INT(t->script.n_asked, 1);
	talk_free(t);
}

static void credentials_may_stand_in_the_query_or_be_basic(void **state)
{
	struct talk *t = talk_new();
	struct credentials c;

	(void)state;
	ASSERT_OK(auth_make(&(struct auth_settings){ .kind = 2, .name = "api key", .value = "{{secret.token}}/&" },
	                    &t->client.scope, t->a, &c, &err));
	assert_string_equal(c.query, "api%20key=pat-na1-planted-secret%2F%26");
	t->client.credentials = c;
	says(t, 200, "{}");
	ASSERT_OK(get(t));
	assert_string_equal(t->script.urls[0],
	                    "https://api.example.com/v1/things?after=7&api%20key=pat-na1-planted-secret%2F%26");
	t->script.is_broken[0] = true;
	t->script.n_asked = 0;
	t->connector.max_attempts = 1;
	ASSERT_INT(get(t), -1);
	assert_string_equal(err.text, "GET /v1/things: ***: connection reset");
	ASSERT_OK(auth_make(&(struct auth_settings){ .kind = 3, .user = "Aladdin", .password = "open sesame" },
	                    &t->client.scope, t->a, &c, &err));
	assert_string_equal(c.headers[0].value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	ASSERT_OK(auth_make(&(struct auth_settings){ .kind = 0 }, &t->client.scope, t->a, &c, &err));
	ASSERT_INT(c.n_headers, 0);
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_parsed_and_carries_the_credentials),
		cmocka_unit_test(what_may_pass_is_asked_again_with_growing_waits),
		cmocka_unit_test(a_limit_without_retry_after_waits_and_goes_on),
		cmocka_unit_test(retry_after_is_obeyed),
		cmocka_unit_test(what_stays_unwell_is_given_up_as_transient),
		cmocka_unit_test(half_an_answer_is_never_a_short_list),
		cmocka_unit_test(a_refused_token_is_for_a_person_and_is_not_asked_again),
		cmocka_unit_test(a_refused_request_is_not_asked_again),
		cmocka_unit_test(redirects_are_followed_within_the_origin_and_three_times),
		cmocka_unit_test(a_secret_that_is_said_back_is_hidden_however_long_the_text),
		cmocka_unit_test(when_the_daily_budget_is_used_up_nothing_more_is_asked),
		cmocka_unit_test(credentials_go_to_no_other_origin),
		cmocka_unit_test(a_post_is_not_sent_on),
		cmocka_unit_test(credentials_may_stand_in_the_query_or_be_basic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
