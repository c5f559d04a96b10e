#include "replay.h"

#include "../../src/config/calendar.h"
#include "common/clock.h"

/* Whatever the text: an amount of days that has an end, each after its start, or a mistake that names file and line. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	const struct day_range *ranges = NULL;
	const char *text = arena_strndup(a, (const char *)data, size);
	size_t n = calendar_read(a, "fuzz.ics", text, size, &ranges, &m);

	REQUIRE(n <= 20001);
	REQUIRE(n == 0 || ranges);
	for (size_t i = 0; i < n; i++) {
		REQUIRE(ranges[i].from < ranges[i].to);
		REQUIRE(ranges[i].from >= day_of(0, 1, 1) && ranges[i].from < day_of(10000, 1, 2));
		REQUIRE(ranges[i].line >= 1 && (size_t)ranges[i].line <= size + 1);
	}
	for (size_t i = 0; i < m.n_kept; i++)
		REQUIRE(strncmp(m.lines[i], "fuzz.ics:", 9) == 0 && strstr(m.lines[i], ", expected "));
	return 0;
}
