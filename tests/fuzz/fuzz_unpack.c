#include "replay.h"

#include <unistd.h>

#include "../../src/connect/decode.h"
#include "common/fd.h"

enum { MOST_BYTES = 1 << 20 };

/* Everything that is said fits the ceilings, and every row takes a byte at least. */
static void read_all(const struct decode_settings *s, int fd)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0), *of_row = arena_new(0);
	CLEANUP(decode_closep) struct decoding *d = NULL;
	const struct json *row = NULL;
	struct err err = { 0 };
	int64_t n = 0;
	int rc;

	if (decode_open(s, fd, NULL, a, &d, &err) < 0) {
		REQUIRE(!d && err.text[0] && (err.kind == ERR_INPUT || err.kind == ERR_RETRY));
		return;
	}
	while ((rc = decode_next(d, of_row, &row, &err)) > 0) {
		REQUIRE(++n <= MOST_BYTES + 1);
		REQUIRE(rc == 2 ? err.kind == ERR_INPUT : json_count(row) <= MOST_BYTES);
		REQUIRE(decode_line(d) > 0);
		arena_reset(of_row);
	}
	if (rc < 0)
		REQUIRE(err.text[0] && (err.kind == ERR_INPUT || err.kind == ERR_RETRY));
}

int fuzz_one(const uint8_t *data, size_t size)
{
	struct decode_settings s = { 0 };
	struct err err;
	int fd;

	if (size < 1)
		return 0;
	s.unpack = (struct unpack_settings){ data[0] & 1, data[0] & 2, MOST_BYTES };
	s.format = data[0] & 4 ? DECODE_CSV : DECODE_NDJSON;
	fd = fd_nameless(NULL, &err);
	REQUIRE(fd >= 0 && fd_write(fd, data + 1, size - 1, &err) == 0);
	read_all(&s, fd);
	(void)close(fd);
	return 0;
}
