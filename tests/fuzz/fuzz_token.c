#include "replay.h"

#include "common/token.h"

enum { NOW = 1772434800 };

/* The last piece of a path. Whatever it is, what is taken for a token is one that the key made, written in its only
 * way. */
int fuzz_one(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "0123456789abcdef", "fedcba9876543210" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *text = arena_strndup(a, (const char *)data, size), *key;
	struct token t;

	if (token_read(text, keys, ARRAY_LEN(keys), "acme", NOW, &t, &key) == TOKEN_NONE)
		return 0;
	REQUIRE(strcmp(token_make(a, key, "acme", &t), text) == 0);
	REQUIRE(token_is_same(token_form(a, key, "acme", text), token_form(a, key, "acme", text)));
	return 0;
}
