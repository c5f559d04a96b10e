/* The generic webhook: Standard Webhooks signatures, and what an answer means. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/deliver/channel.h"

enum { NOW = 1614265330 };

static const char vector_secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char vector_id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char vector_body[] = "{\"test\": 2432232314}";
static const char vector_signature[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

static struct err err;

/* A receiver: answers as told and keeps what came. */
struct receiver {
	int status;
	bool drops, drops_unsent;
	int n;
	char id[64], timestamp[32], signature[256], body[64];
};

static int receive(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                   bool *out_was_sent, struct err *e)
{
	struct receiver *r = context;

	(void)a;
	r->n++;
	for (size_t i = 0; i < req->n_headers; i++) {
		const struct http_header *h = &req->headers[i];

		if (strcmp(h->name, "webhook-id") == 0)
			snprintf(r->id, sizeof r->id, "%s", h->value);
		if (strcmp(h->name, "webhook-timestamp") == 0)
			snprintf(r->timestamp, sizeof r->timestamp, "%s", h->value);
		if (strcmp(h->name, "webhook-signature") == 0)
			snprintf(r->signature, sizeof r->signature, "%s", h->value);
	}
	snprintf(r->body, sizeof r->body, "%.*s", (int)req->body_len, (const char *)req->body);
	*out_was_sent = r->drops;
	if (r->drops || r->drops_unsent)
		return err_set(e, ERR_RETRY, "dropped");
	*out = (struct http_response){ .status = r->status, .body = "" };
	return 0;
}

static int secret_of(struct arena *a, const char *reference, const char **out, struct err *e)
{
	if (strcmp(reference, "env:NONE") == 0)
		return err_set(e, ERR_CONFIG, "env:NONE is not set");
	*out = arena_strdup(a, strcmp(reference, "env:OLD") == 0 ? "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" :
	                                                           vector_secret);
	return 0;
}

static struct verdict send_to(struct receiver *r, const struct channel_settings *c, const struct outbox_message *m)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(http_freep) struct http *http = http_new_fake(receive, r);
	struct channel_job job = { .channel = c, .message = m, .secret = secret_of, .now = NOW, .http = http };
	struct verdict v;

	webhook_channel.send(&job, a, &v);
	return v;
}

static const struct channel_settings channel = { .name = "hook", .kind = CHANNEL_WEBHOOK,
	                                             .url = "https://example.com/x", .secret = "env:NEW" };

static struct outbox_message message(void)
{
	return (struct outbox_message){ .delivery_key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	                                .body = vector_body, .body_len = strlen(vector_body),
	                                .content_type = "application/json" };
}

static void the_standard_webhooks_vector_is_reproduced(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *secrets[] = { vector_secret }, *signature;

	(void)state;
	ASSERT_OK(webhook_signature(a, secrets, 1, vector_id, NOW, vector_body, strlen(vector_body), &signature, &err));
	assert_string_equal(signature, vector_signature);
}

static void there_are_two_signatures_while_the_secret_changes(void **state)
{
	struct receiver r = { .status = 204 };
	struct channel_settings both = channel;
	struct outbox_message m = message();

	(void)state;
	both.old_secret = "env:OLD";
	ASSERT_INT(send_to(&r, &channel, &m).outcome, DELIVERY_SENT);
	assert_null(strchr(r.signature, ' '));
	ASSERT_INT(send_to(&r, &both, &m).outcome, DELIVERY_SENT);
	assert_non_null(strchr(r.signature, ' '));
	assert_int_equal(strncmp(strchr(r.signature, ' '), " v1,", 4), 0);
}

static void a_secret_of_another_shape_is_refused(void **state)
{
	static const char *const wrong[] = { "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=",
		"whsec_!!!!",
		"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *signature;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		ASSERT_INT(webhook_signature(a, &wrong[i], 1, "id", NOW, "x", 1, &signature, &err), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		if (*wrong[i])
			assert_null(strstr(err.text, wrong[i] + 6 < wrong[i] + strlen(wrong[i]) ? wrong[i] + 6 : "\x01"));
	}
}

static void id_and_body_stay_over_retries(void **state)
{
	struct receiver first = { .status = 500 }, second = { .status = 200 };
	struct outbox_message m = message();

	(void)state;
	ASSERT_INT(send_to(&first, &channel, &m).outcome, DELIVERY_RETRY);
	m.n_attempts++;
	ASSERT_INT(send_to(&second, &channel, &m).outcome, DELIVERY_SENT);
	assert_string_equal(first.id, second.id);
	assert_string_equal(first.body, second.body);
	assert_string_equal(first.id, "msg_0123456789abcdef0123456789abcdef");
}

static void only_2xx_is_success_and_410_switches_the_sink_off(void **state)
{
	struct outbox_message m = message();
	static const struct {
		int status;
		enum delivery_outcome outcome;
		bool disables, holds;
	} rows[] = {
		{ 200, DELIVERY_SENT, false, false },
		{ 202, DELIVERY_SENT, false, false },
		{ 204, DELIVERY_SENT, false, false },
		{ 301, DELIVERY_RETRY, false, false },
		{ 302, DELIVERY_RETRY, false, false },
		{ 400, DELIVERY_RETRY, false, false },
		{ 401, DELIVERY_RETRY, false, false },
		{ 404, DELIVERY_RETRY, false, false },
		{ 410, DELIVERY_DEAD, true, false },
		{ 413, DELIVERY_REFUSED, false, false },
		{ 429, DELIVERY_RETRY, false, true },
		{ 500, DELIVERY_RETRY, false, false },
		{ 503, DELIVERY_RETRY, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct receiver r = { .status = rows[i].status };
		struct verdict v = send_to(&r, &channel, &m);

		ASSERT_INT(v.outcome, rows[i].outcome);
		ASSERT_INT(v.disables_sink, rows[i].disables);
		ASSERT_INT(v.holds_sink, rows[i].holds);
		ASSERT_INT(r.n, 1);
	}
}

static void a_lost_answer_is_ambiguous_and_a_request_that_never_left_is_not(void **state)
{
	struct receiver lost = { .drops = true }, unsent = { .drops_unsent = true };
	struct outbox_message m = message();

	(void)state;
	ASSERT_INT(send_to(&lost, &channel, &m).outcome, DELIVERY_AMBIGUOUS);
	ASSERT_INT(send_to(&unsent, &channel, &m).outcome, DELIVERY_RETRY);
}

static void more_than_20_kb_goes_as_the_thin_payload(void **state)
{
	static char large[20 * 1024 + 1];
	struct receiver r = { .status = 200 };
	struct outbox_message m = message();

	(void)state;
	memset(large, 'x', sizeof large);
	m.body = large;
	m.body_len = sizeof large;
	m.fallback = "thin";
	m.fallback_len = 4;
	ASSERT_INT(send_to(&r, &channel, &m).outcome, DELIVERY_REFUSED);
	ASSERT_INT(r.n, 0);
	m.uses_fallback = true;
	ASSERT_INT(send_to(&r, &channel, &m).outcome, DELIVERY_SENT);
	assert_string_equal(r.body, "thin");
	m.uses_fallback = false;
	m.body_len--;
	ASSERT_INT(send_to(&r, &channel, &m).outcome, DELIVERY_SENT);
}

static void a_secret_that_is_not_there_sends_nothing_and_is_tried_again(void **state)
{
	struct channel_settings broken = channel;
	struct receiver r = { .status = 200 };
	struct outbox_message m = message();

	(void)state;
	broken.secret = "env:NONE";
	ASSERT_INT(send_to(&r, &broken, &m).outcome, DELIVERY_RETRY);
	ASSERT_INT(r.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standard_webhooks_vector_is_reproduced),
		cmocka_unit_test(there_are_two_signatures_while_the_secret_changes),
		cmocka_unit_test(a_secret_of_another_shape_is_refused),
		cmocka_unit_test(id_and_body_stay_over_retries),
		cmocka_unit_test(only_2xx_is_success_and_410_switches_the_sink_off),
		cmocka_unit_test(a_lost_answer_is_ambiguous_and_a_request_that_never_left_is_not),
		cmocka_unit_test(more_than_20_kb_goes_as_the_thin_payload),
		cmocka_unit_test(a_secret_that_is_not_there_sends_nothing_and_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
