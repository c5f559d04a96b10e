#include "replay.h"

#include "../../src/connect/limits.h"

enum { NOW = 1772438400, NOW_MS = 5000000, HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* Every way to read one header. */
static struct quota_settings readers[] = {
	{ .limit = "q", .remaining = "q", .reset = "q", .per_s = 10 },
	{ .remaining = "q", .reset = "q", .reset_as = RESET_EPOCH },
	{ .used = "q", .reset = "q", .reset_as = RESET_MS, .per_s = 60 },
	{ .header = "q", .limit = "total", .remaining = "remaining", .reset = "resets", .per_s = 60 },
	{ .header = "q", .used = "api-usage", .per_s = 86400 },
	{ .limit = "q", .per_ms = "q", .reset = "q", .reset_as = RESET_EPOCH_MS },
};

static void check_reading(const struct quota_settings *q, const struct http_response *r)
{
	struct quota_reading is;

	if (!quota_read(q, r, NOW, &is))
		return;
	REQUIRE(is.limit >= 0 || is.remaining >= 0);
	REQUIRE(is.limit != 0 && is.limit >= -1 && is.remaining >= -1);
	REQUIRE(is.reset_ms >= -1 && is.reset_ms <= DAY_MS);
	REQUIRE(is.per_ms == -1 || (is.per_ms >= 1 && is.per_ms <= DAY_MS));
}

/* Whatever an answer says, nobody waits for longer than an hour, or is let through faster than configured. */
static void check_limiter(struct arena *a, const struct http_response *r)
{
	struct limit_rule rule = { .rate = 5, .per_s = 1, .burst = 5 };
	struct limits limits = { { &rule, 1 }, { readers, ARRAY_LEN(readers) } };
	struct limit_ticket ticket;
	struct limiter l;
	struct err err;
	int64_t now = NOW_MS, wait;
	int n = 0;

	REQUIRE(limiter_open(&l, &limits, 80, NULL, now, a, &err) == 0);
	while (now < NOW_MS + 900) {
		wait = limiter_take_ms(&l, "/x", now, &ticket, &err);
		REQUIRE(wait >= -1 && wait <= HOUR_MS);
		if (wait < 0)
			return;
		now += wait;
		if (wait > 0)
			continue;
		n++;
		limiter_give(&l, &ticket, now);
		limiter_learn(&l, "/x", r, now, NOW);
	}
	REQUIRE(n <= 5);
}

/* The value of a header. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct http_header header = { "q", arena_strndup(a, (const char *)data, size) };
	const struct http_response response = { .status = 200, .headers = &header, .n_headers = 1 };

	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		check_reading(&readers[i], &response);
	check_limiter(a, &response);
	return 0;
}
