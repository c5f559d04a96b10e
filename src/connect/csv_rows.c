#include "csv_rows.h"

#include <string.h>

#include "common/buf.h"
#include "common/text.h"

enum { RAW_BYTES = 4000, SHOWN_CHARS = 60, SHOWN_COLUMNS = 40 };

size_t csv_rows_column(const struct csv_rows *r, const char *name)
{
	size_t i = 0;

	while (i < r->n_columns && strcmp(r->columns[i], name) != 0)
		i++;
	return i;
}

static const char *all_columns(const struct csv_rows *r, struct arena *a)
{
	const char *all = "";

	for (size_t i = 0; i < r->n_columns && i < SHOWN_COLUMNS; i++)
		all = arena_printf(a, "%s%s%s", all, i ? ", " : "", text_clean(a, r->columns[i], SHOWN_CHARS));
	return all;
}

static int check_columns(const struct csv_rows *r, struct arena *a, struct err *err)
{
	struct texts wanted = csv_stream_columns(a, r->stream);

	for (size_t i = 0; i < wanted.n; i++) {
		size_t at = csv_rows_column(r, wanted.at[i]);

		if (at == r->n_columns)
			return err_set(err, ERR_INPUT, "no column `%s`; there are %s", wanted.at[i], all_columns(r, a));
		for (size_t next = at + 1; next < r->n_columns; next++)
			if (strcmp(r->columns[next], wanted.at[i]) == 0)
				return err_set(err, ERR_INPUT, "column `%s` is there twice", wanted.at[i]);
	}
	return 0;
}

int csv_rows_open(const char *path, const struct csv_stream *s, const struct zone *zone, struct arena *a,
                  struct csv_rows *out, struct err *err)
{
	CLEANUP(csv_rows_close) struct csv_rows r = { .stream = s, .zone = zone };
	int rc;

	if (csv_open(path, s->delimiter, s->quote, &r.csv, err) < 0)
		return -1;
	rc = csv_next(r.csv, &r.row, err);
	if (rc < 0)
		return err_in(err, "line %lld", (long long)r.row.line);
	if (rc == 0)
		return err_set(err, ERR_INPUT, "the file is empty, expected a row with the names of the columns");
	r.columns = arena_array(a, r.row.n, sizeof *r.columns);
	for (; r.n_columns < r.row.n; r.n_columns++)
		r.columns[r.n_columns] = text_trim(a, r.row.fields[r.n_columns]);
	if (check_columns(&r, a, err) < 0)
		return -1;
	*out = r;
	r.csv = NULL;
	return 0;
}

void csv_rows_close(struct csv_rows *r)
{
	csv_close(r->csv);
	r->csv = NULL;
}

static const char *get(const void *row, const char *from, struct arena *a)
{
	const struct csv_rows *r = row;
	size_t at = csv_rows_column(r, from);

	(void)a;
	return at < r->row.n ? r->row.fields[at] : NULL;
}

int csv_rows_read(struct csv_rows *r, struct err *why, struct err *err)
{
	int rc = csv_next(r->csv, &r->row, err);

	if (rc < 0) {
		r->row.n = 0;
		*why = *err;
		return err->kind == ERR_INPUT ? CSV_UNUSABLE : -1;
	}
	if (rc == 0)
		return CSV_END;
	if (r->row.n == r->n_columns)
		return CSV_RECORD;
	(void)err_set(why, ERR_INPUT, "%zu fields, and the header has %zu", r->row.n, r->n_columns);
	return CSV_UNUSABLE;
}

int csv_rows_map(const struct csv_rows *r, struct arena *a, struct record *out, struct err *why)
{
	static const enum csv_got answers[] = { CSV_LEFT_OUT, CSV_RECORD, CSV_DELETED };
	int rc = map_apply(r->stream->map, get, r, r->zone, a, out, why);

	return rc < 0 ? CSV_UNUSABLE : (int)answers[rc];
}

const char *csv_rows_raw(const struct csv_rows *r, struct arena *a)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, RAW_BYTES);
	for (size_t i = 0; i < r->row.n && !b.is_full; i++) {
		size_t len = strlen(r->row.fields[i]), room = RAW_BYTES - b.len - (i != 0);

		if (i)
			buf_char(&b, r->stream->delimiter ? r->stream->delimiter : ',');
		buf_add(&b, r->row.fields[i], len < room ? len : room);
	}
	return arena_strndup(a, b.at, b.len);
}
