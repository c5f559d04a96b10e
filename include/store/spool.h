/* What was pushed to us, on the disk until a pull has stored it: a folder of numbered segments that the daemon alone
 * appends to and pulls read. Torn ends (a kill, a full disk) were never acknowledged and are passed over. */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

enum { SPOOL_PATH_BYTES = 512, SPOOL_MAX_BODY = 4 << 20, SPOOL_MAX_TEXT = 1024 };

/* One request. */
struct spool_entry {
	int64_t received_at;
	const char *kind; /* what its address says that it is ("track"), "" when nothing */
	const char *id;   /* the request's own id, "" when it has none */
	const char *body; /* body_len bytes and a NUL */
	size_t body_len;
};

/* The writing side: one at a time for a folder. */
struct spool {
	char folder[SPOOL_PATH_BYTES];
	int64_t limit_bytes;
	int fd; /* off limits from here */
	int64_t segment, size_bytes, total_bytes, opened_at;
	bool is_unsynced, is_lost; /* something that was appended since the last time */
};

/* Makes the folder where it is missing (0700). Nothing is written before the first entry. */
int spool_open(struct spool *s, const char *folder, int64_t limit_bytes, struct err *err) MUST_USE;
void spool_close(struct spool *s);
/* 1: nothing is kept as the folder is full until a pull has been there. */
int spool_append(struct spool *s, const struct spool_entry *e, struct err *err) MUST_USE;
/* All that was appended is on the disk when it returns 0; -1: of what came since the last time nobody knows, so nobody
 * may be told that it is kept. */
int spool_sync(struct spool *s, struct err *err) MUST_USE;

/* The reading side. */
struct spool_reader {
	const char *folder, *start;
	struct arena *arena;  /* of the segment at hand; off limits from here */
	int64_t *segments;
	size_t n_segments, at;
	const char *data;
	size_t len, offset;
};

/* Reads on behind a position (NULL: from the beginning), up to what is there now. The list lives in the arena. */
int spool_read_open(struct spool_reader *r, const char *folder, const char *position, struct arena *a,
                    struct err *err) MUST_USE;
void spool_read_close(struct spool_reader *r); /* for CLEANUP */
/* 1 with an entry that lives until the next call, 0 when that was all. */
int spool_read_next(struct spool_reader *r, struct spool_entry *out, struct err *err) MUST_USE;
/* Behind the last entry that was read. */
const char *spool_read_position(const struct spool_reader *r, struct arena *a);
/* Removes the segments that lie wholly before a position. */
int spool_forget(const char *folder, const char *position, struct err *err) MUST_USE;

#endif
