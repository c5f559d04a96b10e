/* What a csv source's `files:` say, in the order to load them. */
#ifndef CONNECT_CSV_FILES_H
#define CONNECT_CSV_FILES_H

#include "connect/map.h"
#include "connect/settings.h"
#include "store/usage_batch.h"

struct csv_stream {
	const char *name;
	const char *match;       /* fnmatch(3) on the names in the source's folder */
	char delimiter, quote;   /* 0: the usual ones */
	enum usage_merge merge;
	const struct map *map;
	const char *fingerprint; /* changes with the mapping: its files are then read anew */
};

/* Returns NULL exactly when there were mistakes. */
const struct csv_stream *csv_files_read(struct arena *a, const struct source_settings *s, size_t *out_n,
                                        struct mistakes *m);
/* The column names that a stream asks for, each once. */
struct texts csv_stream_columns(struct arena *a, const struct csv_stream *s);

#endif
