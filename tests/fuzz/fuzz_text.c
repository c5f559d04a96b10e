#include "replay.h"

#include <inttypes.h>
#include <math.h>

#include "common/json.h"
#include "common/text.h"

static void check_cuts(const char *text, size_t max)
{
	size_t n = utf8_fit(text, max), len = strlen(text);
	uint32_t code;

	REQUIRE(n <= max && n <= len);
	if (!utf8_is_valid(text, len))
		return;
	REQUIRE(utf8_is_valid(text, n));
	REQUIRE(n == len || n + utf8_next(text + n, len - n, &code) > max);
}

static void check_clean(struct arena *a, const char *text, size_t max)
{
	const char *clean = text_clean(a, text, max);

	REQUIRE(utf8_is_valid(clean, strlen(clean)));
	REQUIRE(utf8_length(clean) <= max);
	for (const char *c = clean; *c; c++)
		REQUIRE((uint8_t)*c >= 0x20 && *c != 0x7F);
	REQUIRE(strcmp(text_clean(a, clean, max), clean) == 0);
	REQUIRE(!strstr(clean, "\xE2\x80\xAE") && !strstr(clean, "\xE2\x80\x8B"));
}

static void check_fold(struct arena *a, const char *text)
{
	const char *folded = text_fold(a, text), *trimmed = text_trim(a, text);

	REQUIRE(utf8_is_valid(folded, strlen(folded)));
	REQUIRE(strcmp(text_fold(a, folded), folded) == 0);
	REQUIRE(strcmp(text_fold(a, trimmed), folded) == 0);
	REQUIRE(!strstr(folded, "  "));
	REQUIRE(strcmp(text_trim(a, trimmed), trimmed) == 0);
	REQUIRE(text_is_blank(text) == (*trimmed == '\0'));
}

static void check_numbers(struct arena *a, const char *text)
{
	int64_t whole = 0, minor = 0, seconds = 0;
	double real = 0, again = 0;
	int minutes = 0;

	if (text_to_int(text, &whole)) {
		REQUIRE(text_to_int(arena_printf(a, "%" PRId64, whole), &seconds) && seconds == whole);
		REQUIRE(text_to_minor(text, 0, &minor) && minor == whole);
	}
	if (text_to_real(text, &real)) {
		REQUIRE(isfinite(real));
		REQUIRE(text_to_real(arena_printf(a, "%.17g", real), &again) && again >= real && again <= real);
	}
	if (text_to_minor(text, 2, &minor)) {
		REQUIRE(text_to_real(text, &real));
		REQUIRE(fabs((double)minor - real * 100) <= 0.5000001 + fabs(real) * 1e-13);
	}
	if (text_to_duration(text, &seconds))
		REQUIRE(seconds >= 0);
	if (text_to_time_of_day(text, &minutes))
		REQUIRE(minutes >= 0 && minutes < 1440);
}

/* Any text becomes a JSON text, and comes back whole when it was valid. */
static void check_json(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf out;
	struct json_out o = json_out_to(&out);
	const struct json *j;
	struct err err;

	buf_init(&out, 1 << 24);
	json_put_text(&o, NULL, text);
	REQUIRE(json_parse(a, out.at, out.len, &j, &err) == 0);
	if (utf8_is_valid(text, strlen(text)))
		REQUIRE(strcmp(json_text(j), text) == 0);
}

/* The first byte is a ceiling, the rest is text up to a NUL. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *text;

	if (size < 1)
		return 0;
	text = arena_strndup(a, (const char *)data + 1, size - 1);
	check_cuts(text, data[0]);
	check_clean(a, text, data[0]);
	check_fold(a, text);
	check_numbers(a, text);
	check_json(a, text);
	return 0;
}
