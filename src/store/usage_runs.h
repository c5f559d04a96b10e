/* Between the files of gathering usage: rows in order, packed into a nameless file. */
#ifndef USAGE_RUNS_H
#define USAGE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/err.h"

/* place: metric, day and account, high to low, so that their order is that of the blocks; value: above the origin. */
struct gathered {
	uint64_t place, value;
};
enum { ACCOUNT_BITS = 24, DAY_BITS = 20, ORIGIN_BITS = 24 };

struct runs_file {
	int fd;
	off_t end;
};
/* Files that nobody else can open: in memory, and in the folder of a file. */
int runs_in_memory(int *out_fd, struct err *err) MUST_USE;
int runs_on_disk(struct arena *a, const char *beside, int *out_fd, struct err *err) MUST_USE;
/* Appends rows, which are in order, from *io_end on. */
int run_write(int fd, const struct gathered *rows, size_t n, off_t *io_end, struct err *err) MUST_USE;

enum { RUN_READ_BYTES = 32 * 1024 };

/* One run: where it is, and how far it is read. */
struct run_part {
	int fd;
	off_t at, end;          /* what isn't read yet */
};
struct run {
	struct run_part left;
	struct gathered now;    /* the row at hand */
	bool is_over;
	const uint8_t *next, *limit; /* of the bytes that are read */
	uint8_t *bytes;         /* RUN_READ_BYTES of them */
};
/* Goes to the first row. */
int run_open(struct run *r, const struct run_part *part, struct arena *a, struct err *err) MUST_USE;
int run_next(struct run *r, struct err *err) MUST_USE;

#endif
