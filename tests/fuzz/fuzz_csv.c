#include "replay.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/csv.h"

/* The bytes as a file that has no place in any folder. */
static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("csv", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	while (size) {
		ssize_t n = write(fd, data, size);

		REQUIRE(n > 0);
		data += n;
		size -= (size_t)n;
	}
	return fd;
}

static void read_all(const char *path, char delimiter, char quote, size_t size)
{
	CLEANUP(csv_closep) struct csv *c = NULL;
	size_t n_rows = 0, n_bytes = 0;
	int64_t line = 0;
	struct csv_row row;
	struct err err;
	int rc;

	if (csv_open(path, delimiter, quote, &c, &err) < 0) {
		REQUIRE(err.kind != ERR_NONE && err.text[0] && !c); /* UTF-16 */
		return;
	}
	while ((rc = csv_next(c, &row, &err)) != 0) {
		REQUIRE(++n_rows <= size + 1); /* every row, good or bad, takes a byte at least */
		REQUIRE(row.line > line);
		line = row.line;
		if (rc < 0) {
			REQUIRE(err.kind == ERR_INPUT);
			continue;
		}
		REQUIRE(row.n >= 1 && row.n <= CSV_MAX_FIELDS);
		for (size_t i = 0; i < row.n; i++)
			n_bytes += strlen(row.fields[i]);
	}
	REQUIRE(n_bytes <= size);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	static const char delimiters[] = { 0, ';', '\t', '|' }, quotes[] = { 0, '\'' };
	char path[64];
	int fd;

	if (size < 1)
		return 0;
	fd = file_of(data + 1, size - 1);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	read_all(path, delimiters[data[0] & 3], quotes[data[0] >> 2 & 1], size);
	(void)close(fd);
	return 0;
}
