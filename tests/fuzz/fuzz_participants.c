#include "replay.h"

#include <string.h>

#include "../../src/connect/participants.c"

/* Header lines of a message: whatever stands there, what comes out are addresses, each once, and a key that is JSON. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *text = arena_strndup(a, (const char *)data, size), *key;
	const struct texts found = participants_read(a, text);
	const struct json *list;
	struct err err;

	REQUIRE(found.n <= MAX_PARTICIPANTS);
	for (size_t i = 0; i < found.n; i++) {
		REQUIRE(is_address(found.at[i]) && strspn(found.at[i], address_chars) == strlen(found.at[i]));
		for (size_t j = 0; j < i; j++)
			REQUIRE(strcmp(found.at[i], found.at[j]) != 0);
		REQUIRE(participants_is_ours(found.at[i], found.at[i]));
		REQUIRE(participants_is_ours(strchr(found.at[i], '@') + 1, found.at[i]));
	}
	key = participants_key(a, text, "acme.example");
	REQUIRE(!key || (json_parse(a, key, strlen(key), &list, &err) == 0 && json_count(list) <= found.n));
	(void)participants_is_ours(text, "ana@acme.example");
	return 0;
}
