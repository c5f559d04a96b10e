/* Reads CSV (RFC 4180 with any one-byte delimiter and quote, LF or CRLF, UTF-8 with or without BOM) row by row. */
#ifndef COMMON_CSV_H
#define COMMON_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { CSV_MAX_FIELDS = 1024, CSV_MAX_ROW_BYTES = 1 << 20 };

struct csv;

struct csv_row {
	const char **fields; /* valid until the next row */
	const size_t *lens;  /* their bytes */
	size_t n;
	int64_t line; /* where the row begins, from 1 */
};

void csv_close(struct csv *c); /* accepts NULL */
void csv_closep(struct csv **c);
/* delimiter 0 means ','; quote 0 means '"'. */
int csv_open(const char *path, char delimiter, char quote, struct csv **out, struct err *err) MUST_USE;
/* The same from a file that is open, which it closes in the end; read from where it stands. */
int csv_open_fd(int fd, char delimiter, char quote, struct csv **out, struct err *err) MUST_USE;
/* The bytes from where it stands that are whole lines, as many as are at hand, out_len of them; NULL: none are, and
 * csv_next has to go on. For who knows what lines look like, and passes over those it took by csv_pass. They may be of
 * a row in quotes as well. */
const char *csv_lines(struct csv *c, size_t *out_len);
void csv_pass(struct csv *c, size_t len, int64_t n_lines);
/* Returns 1 with a row, 0 at the end, -1: ERR_INPUT for a row that can't be read (the next call goes on behind it, and
 * row->line says where it began), ERR_FATAL when the file can't be read. */
int csv_next(struct csv *c, struct csv_row *row, struct err *err) MUST_USE;

int64_t csv_offset(const struct csv *c); /* of what comes next, in bytes of the file */

#endif
