#include "cmocka_shim.h"

#include <string.h>

#include "../../src/web/auth.h"
#include "common/text.h"

/* Headers by name; ends with NULL. */
static const char *header(void *context, const char *name)
{
	for (const char *const *pair = context; *pair; pair += 2)
		if (text_equal_fold(pair[0], name))
			return pair[1];
	return NULL;
}

struct asked {
	enum web_auth auth;
	const char *secrets[2];
	const char *headers[8];
	const char *body;
	int64_t now;
};

static bool is_known(struct asked *q)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct web_source s = { .auth = q->auth, .secrets = q->secrets, .n_secrets = q->secrets[1] ? 2 : 1 };
	const struct web_head h = { .method = "POST", .path = "/", .header = header, .context = q->headers };

	return auth_head(&s, &h, a) && auth_body(&s, &h, q->body, strlen(q->body), q->now, a);
}

/* The example that Svix publishes for its signatures, which Standard Webhooks took over. */
static struct asked webhook(void)
{
	return (struct asked){
		.auth = WEB_AUTH_STANDARD_WEBHOOKS,
		.secrets = { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
		.headers = { "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
		             "webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" },
		.body = "{\"test\": 2432232314}",
		.now = 1614265330,
	};
}

static void a_published_signature_is_right_and_nothing_near_it(void **state)
{
	static const char *const wrong[] = { "", "v1,", "v1", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		                                 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=", "v1,AAAA",
		                                 "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" };
	struct asked q = webhook();

	(void)state;
	assert_true(is_known(&q));
	q.headers[5] = "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v9,x";
	assert_true(is_known(&q));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		q.headers[5] = wrong[i];
		assert_false(is_known(&q));
	}
	q = webhook();
	q.body = "{\"test\": 2432232315}";
	assert_false(is_known(&q));
	q = webhook();
	q.secrets[0] = "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	assert_false(is_known(&q));
	q.secrets[1] = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"; /* the old one still counts, with or without its prefix */
	assert_true(is_known(&q));
	q = webhook();
	q.headers[1] = "msg_other";
	assert_false(is_known(&q));
	q.headers[1] = "";
	assert_false(is_known(&q));
}

static void a_signature_is_good_for_five_minutes(void **state)
{
	static const struct {
		int64_t now;
		bool expected;
	} cases[] = { { 1614265030, true }, { 1614265630, true }, { 1614265029, false }, { 1614265631, false } };
	struct asked q = webhook();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		q.now = cases[i].now;
		assert_true(is_known(&q) == cases[i].expected);
	}
	q = webhook();
	for (size_t i = 0; i < 3; i++) {
		q.headers[3] = (const char *const[]){ "soon", "1614265330.0", "99999999999999999999" }[i];
		assert_false(is_known(&q));
	}
}

static void a_write_key_is_the_user_of_basic(void **state)
{
	struct asked q = { .auth = WEB_AUTH_WRITE_KEY, .secrets = { "wk_0123456789abcdef" }, .body = "" };
	static const struct {
		const char *value;
		bool expected;
	} cases[] = {
		{ "Basic d2tfMDEyMzQ1Njc4OWFiY2RlZjo=", true },  { "basic  d2tfMDEyMzQ1Njc4OWFiY2RlZjp4", true },
		{ "Basic d2tfMDEyMzQ1Njc4OWFiY2RlZg==", false }, { "Basic OndrXzAxMjM0NTY3ODlhYmNkZWY=", false },
		{ "Basic d2tfMDEyMzQ1Njc4OWFiY2RlOg==", false }, { "Basic", false },
		{ "Bearer d2tfMDEyMzQ1Njc4OWFiY2RlZjo=", false }, { "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		q.headers[0] = "authorization";
		q.headers[1] = cases[i].value;
		assert_true(is_known(&q) == cases[i].expected);
	}
	q.headers[0] = NULL;
	assert_false(is_known(&q));
}

static void espocrm_signs_the_body_in_hex_behind_the_webhooks_id(void **state)
{
	struct asked q = { .auth = WEB_AUTH_ESPOCRM,
		               .secrets = { "espo-secret-0123456789" },
		               .headers = { "Signature", "d2gxOmU4NzQxODMyMWJjY2JmZDZjYjc3NWU3MjQzMDkwNTJjNzkwYzYyZm"
		                                         "YxZjlmNWE2YjM4ZTQ2ZTA2ODdiY2ZiYzk=" },
		               .body = "[{\"id\":\"1\"}]" };

	(void)state;
	assert_true(is_known(&q));
	q.body = "[{\"id\":\"2\"}]";
	assert_false(is_known(&q));
	q.headers[1] = "not base64";
	assert_false(is_known(&q));
}

static void secrets_that_nobody_should_have_are_told(void **state)
{
	static const struct {
		enum web_auth auth;
		const char *secret;
		bool expected;
	} cases[] = {
		{ WEB_AUTH_WRITE_KEY, "0123456789abcdef", true },
		{ WEB_AUTH_WRITE_KEY, "0123456789abcde", false },
		{ WEB_AUTH_WRITE_KEY, "0123456789abcdef:", false },
		{ WEB_AUTH_STANDARD_WEBHOOKS, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true },
		{ WEB_AUTH_STANDARD_WEBHOOKS, "whsec_MfKQ9r8GKYqrTw==", false },
		{ WEB_AUTH_STANDARD_WEBHOOKS, "whsec_not-base-64-at-all-I-say", false },
		{ WEB_AUTH_ESPOCRM, "", false },
		{ WEB_AUTH_ESPOCRM, "0123456789abcdef", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(web_secret_is_usable(cases[i].auth, cases[i].secret) == cases[i].expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_published_signature_is_right_and_nothing_near_it),
		cmocka_unit_test(a_signature_is_good_for_five_minutes),
		cmocka_unit_test(a_write_key_is_the_user_of_basic),
		cmocka_unit_test(espocrm_signs_the_body_in_hex_behind_the_webhooks_id),
		cmocka_unit_test(secrets_that_nobody_should_have_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
