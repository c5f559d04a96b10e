/* Where a stream stands between and within pulls: the text that store/record.h keeps as its cursor. */
#ifndef CONNECT_WINDOW_H
#define CONNECT_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

enum walk_kind { WALK_NONE, WALK_FULL, WALK_INCREMENTAL, WALK_GONE };

struct walk_state {
	enum walk_kind kind;
	int64_t start, end;  /* the window: [start, end]; a full list has no start */
	const char *token;   /* of the next page; NULL: from the beginning */
};

struct progress {
	int64_t until;       /* everything changed up to here has come; INSTANT_NONE: nothing yet */
	int64_t full_at;     /* the last full list began; INSTANT_NONE: never */
	int64_t gone_at;     /* the last list of deleted rows began */
	const char *cursor;  /* that the source gave to go on from; NULL: none */
	int64_t n_lists;     /* whole lists begun, of streams whose deletions are seen by them */
	const char *mapping; /* fingerprint of what the rows were mapped with; NULL: nothing yet */
	struct walk_state walk; /* one that was broken off, or is under way */
};

/* A text that is NULL or isn't ours reads as "nothing yet": the stream is then listed in full. */
struct progress progress_read(struct arena *a, const char *text);
const char *progress_write(struct arena *a, const struct progress *p);

/* Rows that were mapped otherwise must all be read anew. mapping is kept as it is. */
void progress_expect(struct progress *p, const char *mapping);

/* What a stream can do and is asked for. */
struct walk_wish {
	bool has_incremental, is_full; /* is_full: the person wants everything anew */
	int64_t lag_s, full_every_s;   /* full_every_s 0: once */
	int64_t retention_s;           /* 0: increments are told for ever */
	bool has_cursor;               /* increments go on from the source's own cursor */
};

/* The walk to make now: the one that was broken off, when it still makes sense, or a new one. */
struct walk_state window_plan(const struct progress *p, const struct walk_wish *wish, int64_t now);
/* The kept place that the next walk would have gone on from was refused: it is forgotten, a cut walk's before the
 * cursor. */
void progress_forget(struct progress *p);
/* Whether the list of deleted rows is due. */
bool window_gone_is_due(const struct progress *p, int64_t every_s, int64_t now);
/* Notes that the walk came to its end. ahead_s: by how much our clock runs before the source's, which stamps the
 * changes. */
void window_done(struct progress *p, const struct walk_state *walk, int64_t ahead_s);

#endif
