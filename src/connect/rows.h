/* From the rows of one page to records, and into the store. */
#ifndef CONNECT_ROWS_H
#define CONNECT_ROWS_H

#include "common/json.h"
#include "connect/pull.h"
#include "connector.h"

/* One row as it came: properties that didn't fit one URL come in several answers, all of the same row. */
struct row {
	const char *id;
	const struct json *main;
	const struct json *parent; /* the row of the list that it was asked about by; NULL: none */
	const struct json **more;
	size_t n_more;
	const char *account;  /* from the stream's link; NULL: not known */
	bool has_no_account;  /* the link says so */
	bool is_gone;         /* asked about by itself, it was not there */
	const struct stream_settings *stream;
	const char *currency; /* where the row says none; NULL: none */
};

struct rows_to {
	const struct pull *pull;
	const struct stream_settings *stream;
	int64_t source;
	struct pull_result *result; /* counts are added */
	int64_t list;               /* number of the whole list that they belong to or follow on */
};

/* What a path says of a row (struct row), for map_apply: alternatives and sums included. */
const char *rows_get(const void *row, const char *from, struct arena *a);
/* The text of a key ("id", "id+date") in a row, NULL when a part of it is not there. */
const char *rows_id(const struct row *row, const char *key, struct arena *a);
/* Stores them; what can't be used goes to the quarantine. Runs in the caller's transaction. */
int rows_put(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err) MUST_USE;
/* The rows are gone at the source, but for those that say themselves that they aren't. */
int rows_delete(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err) MUST_USE;
/* Shows what they would become instead (dry run). */
int rows_show(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err) MUST_USE;

#endif
