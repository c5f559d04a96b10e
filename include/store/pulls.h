/* The book-keeping of pulls: runs, how each source stands, files that were loaded, rows that came right again.
 * Cursors and the quarantine itself are in store/record.h. */
#ifndef STORE_PULLS_H
#define STORE_PULLS_H

#include <stdbool.h>

#include "store/db.h"

struct pull_counts {
	int64_t n_pages, n_rows, n_changed, n_quarantined; /* changed: new and deleted ones too */
};

/* Notes that a stream is being pulled (mode: full | incremental) and gives the run's id. A run that a killed process
 * left behind is ended as failed. */
int pull_run_begin(struct db *db, int64_t source, const char *stream, const char *mode, int64_t now, int64_t *out_run,
                   struct err *err) MUST_USE;
/* error NULL: it came through. */
int pull_run_end(struct db *db, int64_t run, const struct pull_counts *counts, const char *error, int64_t now,
                 struct err *err) MUST_USE;
/* How many rows the last run of the stream in this mode had that came through; 0: there was none. */
int pull_run_expected(struct db *db, int64_t source, const char *stream, const char *mode, int64_t *out,
                      struct err *err) MUST_USE;

/* Every stream came through: last_ok_at and last_ok_on are set, last_error goes. */
int source_ok(struct db *db, int64_t source, int64_t now, int32_t today, struct err *err) MUST_USE;
/* Whether what depends on a source is old on a day: the one rule, for scores and for the notes of digests. In days, as
 * facts are dated by day; a part of a day counts as one. last_ok_on: DAY_NONE when it never came through. One that did
 * so later than the day brought what was there by then. */
bool source_is_stale(int32_t last_ok_on, int32_t day, int64_t stale_after_s);
int source_failed(struct db *db, int64_t source, const char *error, int64_t now, struct err *err) MUST_USE;

/* The row has come right: it leaves the quarantine. Returns 1 when it was there. */
int quarantine_clear(struct db *db, int64_t source, const char *stream, const char *key, struct err *err) MUST_USE;
/* Every row of the stream whose key begins with start leaves it (a file is read anew). Returns the number. */
int64_t quarantine_clear_starting(struct db *db, int64_t source, const char *stream, const char *start,
                                  struct err *err) MUST_USE;

/* 1 when the file was loaded with just these contents. */
int file_is_loaded(struct db *db, int64_t source, const char *stream, const char *path, const char *sha256,
                   struct err *err) MUST_USE;
/* 1 when it was loaded with any contents. */
int file_is_known(struct db *db, int64_t source, const char *stream, const char *path, struct err *err) MUST_USE;
int file_set_loaded(struct db *db, int64_t source, const char *stream, const char *path, const char *sha256,
                    int64_t size_bytes, int64_t now, struct err *err) MUST_USE;

#endif
