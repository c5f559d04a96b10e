#include "replay.h"

#include "../../src/web/answer_parts.h"
#include "common/text.h"

/* The body of a form. A field that is found is text that fits into what was sent, and asking again gives the same. */
int fuzz_one(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "confirm", "days", "note", "to", "reason", "" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = form_field(a, (const char *)data, size, names[i]);

		if (!text)
			continue;
		REQUIRE(strlen(text) <= size && utf8_is_valid(text, strlen(text)));
		REQUIRE(strcmp(form_field(a, (const char *)data, size, names[i]), text) == 0);
	}
	return 0;
}
