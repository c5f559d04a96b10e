/* Hashes of the files of a folder, worked out by processes beside this one while it does something else. */
#ifndef CONNECT_CSV_HASHES_H
#define CONNECT_CSV_HASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

struct csv_hashes;

/* One file of a folder. */
struct csv_file {
	const char *name, *path;
	int64_t size_bytes; /* as the folder says it */
	const char *stamp;  /* see csv_stamp */
	bool is_untouched;  /* it was loaded, and is what it was: nobody reads it */
	bool is_loaded;
};

void csv_hashes_free(struct csv_hashes *h); /* accepts NULL; ends what still runs */
void csv_hashes_freep(struct csv_hashes **h); /* for CLEANUP */
/* Begins; files are few bytes: nothing does. What is given must live as long as this, which lives in the arena. */
struct csv_hashes *csv_hashes_new(struct arena *a, const struct csv_file *files, size_t n, const char *before);
/* Waits for the hash of one, as file_hash has it; each that is not untouched is asked for once and in their order. */
int csv_hashes_next(struct csv_hashes *h, struct arena *a, const char **out_hex, int64_t *out_bytes,
                    struct err *err) MUST_USE;

#endif
