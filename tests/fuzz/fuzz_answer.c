/* What a chat answers, from whoever holds its address now. */
#include "replay.h"

#include "../../src/deliver/chat.h"
#include "common/text.h"

enum { NOW = 1772438400, HOUR_S = 3600 };

static void check_verdict(const struct verdict *v)
{
	REQUIRE(v->wait_s >= -1 && v->wait_s <= HOUR_S);
	REQUIRE(memchr(v->detail, '\0', sizeof v->detail) && utf8_is_valid(v->detail, strlen(v->detail)));
	REQUIRE(memchr(v->provider_ref, '\0', sizeof v->provider_ref));
	REQUIRE(utf8_is_valid(v->provider_ref, strlen(v->provider_ref)));
	REQUIRE(!strpbrk(v->detail, "\r\n\x1b") && !strpbrk(v->provider_ref, "\r\n\x1b"));
	/* Whoever answers may repeat our secret address. */
	REQUIRE(!strstr(v->detail, "://"));
	REQUIRE(!v->disables_sink || v->outcome == DELIVERY_DEAD);
	REQUIRE(v->status != 429 || v->outcome == DELIVERY_RETRY); /* never final */
}

/* The body, under statuses that mean something else each; what is also a header's value. */
int fuzz_one(const uint8_t *data, size_t size)
{
	static const struct chat_rules *const services[] = { &teams_rules, &google_chat_rules, &discord_rules };
	static const int statuses[] = { 200, 202, 302, 400, 401, 403, 404, 409, 410, 413, 418, 429, 500, 502 };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *body = arena_strndup(a, (const char *)data, size);
	const struct http_header header = { "retry-after", body };

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		const struct http_response r = { .status = statuses[i], .body = body, .body_len = strlen(body),
			.headers = &header, .n_headers = 1 };

		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			struct verdict v = services[k]->verdict(&r, a, NOW);

			check_verdict(&v);
		}
		for (size_t k = 0; i == 0 && k < ARRAY_LEN(services); k++) {
			const char *flaw = chat_flaw(services[k], body, strlen(body), a);

			REQUIRE(!flaw || *flaw);
		}
	}
	return 0;
}
