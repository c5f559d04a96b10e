#include "cmocka_shim.h"

#include <stdio.h>
#include <string.h>

#include "../../src/connect/client.h"

enum { N_CALLS = 6, MOST_ASKED = 60 };

static struct err err; /* of the last call */

#define ASSERT_FAILS(call, of_kind) \
	do { \
		assert_int_equal(call, -1); \
		ASSERT_INT(err.kind, of_kind); \
	} while (0)

/* Another side that counts how often each thing is asked for, and has a bad time when told to. */
struct side {
	int n_asked[N_CALLS], n, bad_status, n_bad; /* of thing 2, its first n_bad answers */
	const char *bad_header[2];
	char order[MOST_ASKED + 1];
	int64_t now_ms, n_slept_ms;
	bool is_cut; /* instead of bad_status */
};

static int play(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                bool *out_was_sent, struct err *why)
{
	struct side *s = context;
	int thing = strrchr(req->url, '/')[1] - '0';

	*out_was_sent = true;
	assert_true(s->n < MOST_ASKED && thing >= 0 && thing < N_CALLS);
	s->order[s->n++] = (char)('0' + thing);
	if (s->n_asked[thing]++ < s->n_bad && thing == 2) {
		struct http_header *h = arena_alloc(a, sizeof *h);

		if (s->is_cut)
			return err_set(why, ERR_RETRY, "connection reset");
		*h = (struct http_header){ s->bad_header[0], s->bad_header[1] };
		*out = (struct http_response){ .status = s->bad_status, .body = "{}", .body_len = 2, .headers = h,
			                           .n_headers = s->bad_header[0] != NULL };
		return 0;
	}
	out->body = arena_printf(a, "{\"thing\":%d}", thing);
	*out = (struct http_response){ .status = 200, .body = out->body, .body_len = strlen(out->body) };
	return 0;
}

static int64_t side_now(void *context)
{
	return ((struct side *)context)->now_ms;
}

static void side_sleep(void *context, int64_t ms)
{
	struct side *s = context;

	s->now_ms += ms;
	s->n_slept_ms += ms;
}

struct talk {
	struct arena *a;
	struct side side;
	struct connector connector;
	struct http *http;
	struct client client;
	struct call calls[N_CALLS];
	struct answer answers[N_CALLS];
};

static struct talk *talk_new(void)
{
	struct arena *a = arena_new(0);
	struct talk *t = arena_alloc(a, sizeof *t);
	const struct client_time time = { side_now, side_sleep, &t->side };
	const struct scope scope = { 0 };

	t->a = a;
	t->side.now_ms = 1000000;
	t->connector = (struct connector){ .name = "test", .base_url = "https://api.example.com", .max_attempts = 4,
		                               .first_wait_s = 1, .longest_wait_s = 8 };
	t->http = http_new_fake(play, &t->side);
	for (size_t i = 0; i < N_CALLS; i++)
		t->calls[i] = (struct call){ .method = "GET",
			                         .url = arena_printf(a, "https://api.example.com/things/%zu", i) };
	ASSERT_OK(client_init(&t->client, &t->connector, t->http, &scope, &time, 0, 1767225600, a, &err));
	return t;
}

static void talk_free(struct talk *t)
{
	http_free(t->http);
	arena_free(t->a);
}

static int ask_all(struct talk *t)
{
	return client_call_many(&t->client, t->calls, N_CALLS, 3, t->a, t->answers, &err);
}

static void all_came_in_order(const struct talk *t)
{
	for (int64_t i = 0; i < N_CALLS; i++) {
		int64_t thing = -1;

		assert_true(json_int(json_at(t->answers[i].body, "thing"), &thing));
		ASSERT_INT(thing, i);
	}
}

static void answers_come_in_the_order_of_the_calls(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	ASSERT_OK(ask_all(t));
	all_came_in_order(t);
	assert_string_equal(t->side.order, "012345");
	talk_free(t);
}

static void each_call_waits_for_its_place_in_the_queue(void **state)
{
	struct talk *t = talk_new();
	struct limit_rule rule = { .rate = 2, .per_s = 1, .burst = 1 };

	(void)state;
	t->connector.limits.rules = (struct yaml_array){ &rule, 1 };
	ASSERT_OK(limiter_open(&t->client.limiter, &t->connector.limits, 0, NULL, 1, t->a, &err));
	ASSERT_OK(ask_all(t));
	all_came_in_order(t);
	ASSERT_INT(t->side.n_slept_ms, 500 * (N_CALLS - 1) + 2); /* a place stays taken a millisecond longer */
	talk_free(t);
}

static void one_that_is_refused_for_a_while_is_asked_again_and_the_others_once(void **state)
{
	static const int statuses[] = { 429, 500, 503 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct talk *t = talk_new();

		t->side.bad_status = statuses[i];
		t->side.n_bad = 2;
		ASSERT_OK(ask_all(t));
		all_came_in_order(t);
		assert_string_equal(t->side.order, "01222345");
		talk_free(t);
	}
}

static void a_connection_that_is_cut_is_tried_as_often_as_one_alone(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	t->side.is_cut = true;
	t->side.n_bad = 99;
	ASSERT_FAILS(ask_all(t), ERR_RETRY);
	ASSERT_INT(t->side.n_asked[2], t->connector.max_attempts);
	assert_non_null(strstr(err.text, "GET /things/2"));
	ASSERT_INT(t->side.n_asked[3], 0);
	talk_free(t);
}

static void the_wait_that_is_told_is_kept(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	t->side.bad_status = 429;
	t->side.n_bad = 1;
	t->side.bad_header[0] = "retry-after";
	t->side.bad_header[1] = "17";
	ASSERT_OK(ask_all(t));
	ASSERT_INT(t->side.n_slept_ms, 17000);
	talk_free(t);
}

static void a_refusal_fails_all_and_says_which(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	t->side.bad_status = 403;
	t->side.n_bad = 99;
	ASSERT_FAILS(ask_all(t), ERR_CONFIG);
	assert_non_null(strstr(err.text, "GET /things/2: HTTP 403"));
	assert_string_equal(t->side.order, "012");
	talk_free(t);
}

static void what_is_gone_is_no_error_where_the_call_says_so(void **state)
{
	struct talk *t = talk_new();
	const char *statuses[] = { "404", "410" };
	const struct texts gone = { statuses, 2 };

	(void)state;
	t->side.bad_status = 410;
	t->side.n_bad = 99;
	ASSERT_FAILS(ask_all(t), ERR_INPUT);
	t->calls[2].expected.empty = &gone;
	ASSERT_OK(ask_all(t));
	assert_true(t->answers[2].is_empty && !t->answers[1].is_empty);
	talk_free(t);
}

static void a_redirect_is_followed_within_the_origin_only(void **state)
{
	static const struct {
		const char *to;
		bool is_followed;
	} table[] = {
		{ "/things/4", true }, { "https://api.example.com/things/4", true },
		{ "https://evil.example/things/4", false }, { "http://api.example.com/things/4", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct talk *t = talk_new();
		int64_t thing = -1;
		int rc;

		t->side.bad_status = 302;
		t->side.n_bad = 99;
		t->side.bad_header[0] = "location";
		t->side.bad_header[1] = table[i].to;
		rc = ask_all(t);
		if (!table[i].is_followed) {
			ASSERT_FAILS(rc, ERR_CONFIG);
		} else {
			ASSERT_OK(rc);
			assert_true(json_int(json_at(t->answers[2].body, "thing"), &thing) && thing == 4);
		}
		talk_free(t);
	}
}

static void a_call_to_another_place_is_never_made(void **state)
{
	struct talk *t = talk_new();

	(void)state;
	t->calls[1].url = "https://evil.example/things/1";
	ASSERT_FAILS(ask_all(t), ERR_CONFIG);
	assert_string_equal(t->side.order, "0");
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_the_order_of_the_calls),
		cmocka_unit_test(each_call_waits_for_its_place_in_the_queue),
		cmocka_unit_test(one_that_is_refused_for_a_while_is_asked_again_and_the_others_once),
		cmocka_unit_test(a_connection_that_is_cut_is_tried_as_often_as_one_alone),
		cmocka_unit_test(the_wait_that_is_told_is_kept),
		cmocka_unit_test(a_refusal_fails_all_and_says_which),
		cmocka_unit_test(what_is_gone_is_no_error_where_the_call_says_so),
		cmocka_unit_test(a_redirect_is_followed_within_the_origin_only),
		cmocka_unit_test(a_call_to_another_place_is_never_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
