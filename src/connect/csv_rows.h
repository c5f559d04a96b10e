/* One CSV file, row by row, as records. */
#ifndef CONNECT_CSV_ROWS_H
#define CONNECT_CSV_ROWS_H

#include "common/csv.h"
#include "csv_files.h"

struct csv_rows {
	struct csv *csv;
	const struct csv_stream *stream;
	const struct zone *zone;
	const char **columns; /* of the header */
	size_t n_columns;
	struct csv_row row;   /* the one at hand */
};

/* Opens it and reads the header; the columns live in the arena. ERR_INPUT names columns that are missing. */
int csv_rows_open(const char *path, const struct csv_stream *s, const struct zone *zone, struct arena *a,
                  struct csv_rows *out, struct err *err) MUST_USE;
void csv_rows_close(struct csv_rows *r); /* for CLEANUP */

enum csv_got { CSV_END, CSV_RECORD, CSV_DELETED, CSV_LEFT_OUT, CSV_UNUSABLE };

/* Goes to the next row: CSV_RECORD (it is at hand), CSV_END, or CSV_UNUSABLE: *why says what is wrong. -1 only when
 * the file can't be read any further. */
int csv_rows_read(struct csv_rows *r, struct err *why, struct err *err) MUST_USE;
/* What the row at hand becomes, other than CSV_END; the record's texts live in the arena and until the next row. */
int csv_rows_map(const struct csv_rows *r, struct arena *a, struct record *out, struct err *why) MUST_USE;
/* The number of a column; n_columns when there is none of the name. */
size_t csv_rows_column(const struct csv_rows *r, const char *name);
/* The row as it came, for the quarantine; "" when it could not even be read. */
const char *csv_rows_raw(const struct csv_rows *r, struct arena *a);

#endif
