#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/client.h"
#include "../../src/connect/job.h"
#include "../../src/connect/request.h"

static struct err err;

/* Answers in turn, the last one again and again; what was asked, and how long was waited. */
struct oracle {
	struct arena *a;
	const char *answers[8], *asked[32], *body;
	int statuses[8]; /* 0: 200 */
	size_t n_answers, n;
	int64_t now_ms, slept_ms[32];
	size_t n_sleeps;
	struct connector connector;
	struct client client;
	struct http *http;
	struct job_settings settings;
	struct job job;
};

static int answer(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                  bool *out_was_sent, struct err *why)
{
	struct oracle *o = context;
	size_t at = o->n < o->n_answers ? o->n : o->n_answers - 1;

	(void)a, (void)why;
	*out_was_sent = true;
	if (o->n < ARRAY_LEN(o->asked))
		o->asked[o->n] = arena_printf(o->a, "%s %s", req->method, req->url);
	if (req->body)
		o->body = arena_strndup(o->a, req->body, req->body_len);
	o->n++;
	*out = (struct http_response){ .status = o->statuses[at] ? o->statuses[at] : 200, .body = o->answers[at],
	                               .body_len = strlen(o->answers[at]) };
	return 0;
}

static int64_t oracle_now(void *context)
{
	return ((struct oracle *)context)->now_ms;
}

static void oracle_sleep(void *context, int64_t ms)
{
	struct oracle *o = context;

	o->now_ms += ms;
	if (o->n_sleeps < ARRAY_LEN(o->slept_ms))
		o->slept_ms[o->n_sleeps++] = ms;
}

static const char words[] =
	"post: /jobs\nbody: { query: 'SELECT {{properties}} FROM Account' }\nid: id\npoll: /jobs/{{job.id}}\nstate: state\n"
	"done: [Done]\nfailed: [Failed]\nreason: why\ntotal: n\ndelete: /jobs/{{job.id}}\nfirst_wait: 0.2\nlongest_wait: 1\n"
	"within: 5s\n";

static void read_words(struct oracle *o, const char *text)
{
	struct mistakes m = { .arena = o->a };

	yaml_read(o->a, yaml_parse(o->a, "job", text, strlen(text), &m), &job_table, &o->settings, &m);
	ASSERT_INT(m.n, 0);
}

static struct oracle *oracle_new(void)
{
	struct arena *a = arena_new(0);
	struct oracle *o = arena_alloc(a, sizeof *o);
	const struct client_time time = { oracle_now, oracle_sleep, o };
	const struct scope scope = { 0 };

	o->a = a;
	o->connector = (struct connector){ .base_url = "https://api.example.com", .max_attempts = 1 };
	o->http = http_new_fake(answer, o);
	read_words(o, words);
	ASSERT_OK(client_init(&o->client, &o->connector, o->http, &scope, &time, 0, 0, a, &err));
	return o;
}

static void oracle_free(struct oracle *o)
{
	http_free(o->http);
	arena_free(o->a);
}

static void says(struct oracle *o, const char *body)
{
	o->answers[o->n_answers++] = body;
}

static int begin(struct oracle *o)
{
	static const char *names[] = { "Id", "Name" };
	const struct request_lists lists = { .properties = { names, 2 } };

	return job_begin(&o->job, &o->settings, &o->client, &o->client.scope, &lists, o->a, &err);
}

static int wait_for_it(struct oracle *o)
{
	return job_wait(&o->job, &o->settings, &o->client, &o->client.scope, &err);
}

static void a_job_is_asked_for_looked_at_and_cleared_away(void **state)
{
	struct oracle *o = oracle_new();

	(void)state;
	says(o, "{\"id\":\"7 50\"}");
	ASSERT_INT(begin(o), -1); /* a name with a blank could not be kept */
	says(o, "{\"id\":\"750/x\"}");
	ASSERT_OK(begin(o));
	assert_string_equal(o->body, "{\"query\":\"SELECT Id,Name FROM Account\"}");
	says(o, "{\"state\":\"New\"}");
	says(o, "{\"state\":\"Working\",\"n\":0}");
	says(o, "{\"state\":\"Done\",\"n\":4000}");
	ASSERT_OK(wait_for_it(o));
	ASSERT_INT(o->job.total, 4000);
	says(o, "{}");
	job_clear(&o->job, &o->settings, &o->client, &o->client.scope);
	ASSERT_INT(o->n, 6);
	assert_string_equal(o->asked[2], "GET https://api.example.com/jobs/750%2Fx");
	assert_string_equal(o->asked[5], "DELETE https://api.example.com/jobs/750%2Fx");
	oracle_free(o);
}

static void waits_double_up_to_the_longest_and_end(void **state)
{
	static const int64_t want[] = { 200, 400, 800, 1000, 1000, 1000 };
	struct oracle *o = oracle_new();

	(void)state;
	o->job = (struct job){ .id = "750", .total = -1 };
	says(o, "{\"state\":\"Working\"}");
	ASSERT_INT(wait_for_it(o), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	ASSERT_INT(o->n_sleeps, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		ASSERT_INT(o->slept_ms[i], want[i]);
	oracle_free(o);
}

static void a_job_that_comes_to_nothing_is_told(void **state)
{
	static const struct {
		int status;
		const char *body, *says;
		enum err_kind kind;
	} cases[] = {
		{ 200, "{\"state\":\"Failed\",\"why\":\"too\\nlarge\"}", "the job ended as Failed: too large", ERR_INPUT },
		{ 200, "{\"state\":\"Failed\"}", "the job ended as Failed", ERR_INPUT },
		{ 200, "{}", "has no `state`", ERR_INPUT },
		{ 404, "{\"message\":\"no such job\"}", "no such job", ERR_INPUT },
		{ 503, "{}", "HTTP 503", ERR_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct oracle *o = oracle_new();

		o->job = (struct job){ .id = "750", .total = -1 };
		o->statuses[0] = cases[i].status;
		says(o, cases[i].body);
		ASSERT_INT(wait_for_it(o), -1);
		ASSERT_INT(err.kind, cases[i].kind);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s", err.text);
		oracle_free(o);
	}
}

static void places_go_there_and_back(void **state)
{
	static const struct {
		const char *place, *id, *token;
		int64_t n_rows;
	} cases[] = {
		{ "750 4000 MTAw MDA", "750", "MTAw MDA", 4000 }, { "750 0 ", "750", NULL, 0 }, { NULL, NULL, NULL, 0 },
		{ "", NULL, NULL, 0 }, { "750", NULL, NULL, 0 }, { "750 4000", NULL, NULL, 0 }, { " 1 x", NULL, NULL, 0 },
		{ "750 -1 x", NULL, NULL, 0 }, { "750 x y", NULL, NULL, 0 },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct job job;
		const char *token;

		job_from_place(&job, cases[i].place, a, &token);
		ASSERT_INT(job.n_rows, cases[i].n_rows);
		assert_true(!job.id == !cases[i].id && !token == !cases[i].token);
		if (!job.id)
			continue;
		assert_string_equal(job.id, cases[i].id);
		if (token)
			assert_string_equal(token, cases[i].token);
		assert_string_equal(job_place(&job, token, a), cases[i].place);
	}
}

static void waits_that_are_not_said_are_the_usual_ones(void **state)
{
	struct oracle *o = oracle_new();

	(void)state;
	o->settings = (struct job_settings){ 0 };
	read_words(o, "post: /jobs\nbody: { q: x }\nid: id\npoll: /jobs/{{job.id}}\nstate: s\ndone: [D]\nfailed: [F]\n");
	ASSERT_NEAR(o->settings.first_wait_s, 0.2, 1e-9);
	ASSERT_NEAR(o->settings.longest_wait_s, 300, 1e-9);
	ASSERT_INT(o->settings.within_s, 7200);
	oracle_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_asked_for_looked_at_and_cleared_away),
		cmocka_unit_test(waits_double_up_to_the_longest_and_end),
		cmocka_unit_test(a_job_that_comes_to_nothing_is_told),
		cmocka_unit_test(places_go_there_and_back),
		cmocka_unit_test(waits_that_are_not_said_are_the_usual_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
