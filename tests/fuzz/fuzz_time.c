#include "replay.h"

#include "common/clock.h"
#include "common/http.h"

/* Reads back as itself, unless its offset took it out of the years of four digits. */
static void check_text_of(struct arena *a, int64_t at)
{
	static const int64_t first = INT64_C(-62167219200), last = INT64_C(253402300799);
	int64_t again;

	if (at >= first && at <= last)
		REQUIRE(instant_parse(instant_text(a, at), &again) && again == at);
}

static void check_instant(struct arena *a, const char *text)
{
	int64_t at;
	int32_t day;

	if (instant_parse(text, &at))
		check_text_of(a, at);
	if (instant_parse_http(text, &at))
		check_text_of(a, at);
	if (day_parse(text, &day))
		REQUIRE(strcmp(day_text(a, day), text) == 0);
}

static void check_retry_after(const char *text)
{
	const struct http_header header = { "retry-after", text };
	const struct http_response response = { .status = 429, .headers = &header, .n_headers = 1 };
	int64_t wait_s = http_retry_after_s(&response, 1772438400);

	REQUIRE(wait_s >= -1 && wait_s <= 3600);
}

/* The first line is a text, the rest the format that it may be in. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *text = arena_strndup(a, (const char *)data, size), *format = strchr(text, '\n');
	bool has_time = false;
	int64_t at;

	if (format)
		*format++ = '\0';
	check_instant(a, text);
	check_retry_after(text);
	if (format && instant_parse_format(text, format, zone_utc(), &at, &has_time) && !has_time)
		REQUIRE(at % 86400 == 0 || strchr(format, 'z') || strchr(format, 's') || strchr(format, 'L') ||
		        strchr(format, 'M') || strchr(format, 'S'));
	return 0;
}
