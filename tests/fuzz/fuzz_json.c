#include "replay.h"

#include "common/json.h"
#include "common/text.h"

static void check_value(struct arena *a, const struct json *j)
{
	const char *scalar = json_scalar(a, j);
	size_t n = 0;
	int64_t whole;
	double real;

	REQUIRE(!scalar || utf8_is_valid(scalar, strlen(scalar)));
	if (json_int(j, &whole))
		REQUIRE(json_real(j, &real) && whole >= -9007199254740992 && whole <= 9007199254740992);
	for (const struct json *item = json_first(j); item; item = json_next(item), n++) {
		REQUIRE((json_name(item) != NULL) == (json_type(j) == JSON_OBJECT));
		if (json_name(item))
			REQUIRE(json_member(j, json_name(item)) != NULL);
		check_value(a, item);
	}
	REQUIRE(n == json_count(j));
}

/* What is accepted prints as JSON that reads back as the same. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *small = arena_new(256 * 1024), *a = arena_new(0);
	const struct json *j = NULL, *again = NULL;
	const char *text;
	struct err err;

	if (json_parse(small, (const char *)data, size, &j, &err) < 0) {
		REQUIRE(err.kind == ERR_INPUT && err.text[0] && !j);
		return 0;
	}
	check_value(a, j);
	text = json_print(a, j);
	REQUIRE(json_parse(a, text, strlen(text), &again, &err) == 0);
	REQUIRE(strcmp(json_print(a, again), text) == 0);
	if (size && size < 200 && !memchr(data, 0, size))
		(void)json_at(j, arena_strndup(a, (const char *)data, size));
	return 0;
}
