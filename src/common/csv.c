#include "common/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"

enum { READ_BYTES = 128 * 1024, END = -1, BROKEN = -2 };

struct csv {
	int fd;
	char delimiter, quote;
	unsigned char input[READ_BYTES];
	size_t at, len;        /* of input */
	int64_t offset;        /* of input[0] in the file */
	int64_t line;          /* where we are, from 1 */
	int64_t resume, resume_line; /* behind the first line of this row; 0: none yet */
	struct buf text;       /* the row's fields, each with its NUL */
	size_t starts[CSV_MAX_FIELDS], lens[CSV_MAX_FIELDS];
	const char *fields[CSV_MAX_FIELDS];
	size_t n;
};

void csv_close(struct csv *c)
{
	if (!c)
		return;
	(void)close(c->fd);
	buf_done(&c->text);
	free(c);
}

void csv_closep(struct csv **c)
{
	csv_close(*c);
}

/* input ------------------------------------------------------------------------------------------------------------ */

/* Makes the next byte available: 1, 0 at the end, -1 when the file can't be read. */
static int fill(struct csv *c)
{
	ssize_t n;

	if (c->at < c->len)
		return 1;
	c->offset += (int64_t)c->len;
	c->at = c->len = 0;
	do
		n = read(c->fd, c->input, sizeof c->input);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		c->len = (size_t)n;
	return n > 0 ? 1 : (int)n;
}

static int peek(struct csv *c)
{
	int rc = fill(c);

	return rc == 1 ? c->input[c->at] : rc == 0 ? END : BROKEN;
}

static int take(struct csv *c)
{
	int ch = peek(c);

	if (ch < 0)
		return ch;
	c->at++;
	if (ch == '\n') {
		c->line++;
		if (!c->resume) {
			c->resume = c->offset + (int64_t)c->at;
			c->resume_line = c->line;
		}
	}
	return ch;
}

static int read_failed(struct err *err)
{
	return err_errno(err, ERR_FATAL, "the file can't be read");
}

/* Goes on behind the first line of a row that could not be read: a quote that is never closed costs one line, not the
 * rest of the file. */
static void skip_line(struct csv *c)
{
	int ch = 0;

	while (!c->resume && ch >= 0)
		ch = take(c);
	if (!c->resume || lseek(c->fd, (off_t)c->resume, SEEK_SET) < 0)
		return;
	c->offset = c->resume;
	c->line = c->resume_line;
	c->at = c->len = 0;
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static int refuse(struct csv *c, struct err *err, const char *why)
{
	skip_line(c);
	return err_set(err, ERR_INPUT, "%s", why);
}

static void end_field(struct csv *c)
{
	buf_char(&c->text, '\0');
	c->n++;
}

static bool is_crlf(struct csv *c, int ch)
{
	return ch == '\r' && peek(c) == '\n';
}

/* Reads a field in quotes, the first of them taken. Returns what comes behind the last one. */
static int read_quoted(struct csv *c)
{
	for (;;) {
		int ch = take(c);

		if (ch < 0)
			return ch;
		if (ch != (unsigned char)c->quote) {
			buf_char(&c->text, (char)ch);
			if (c->text.is_full)
				return END;
		} else if (peek(c) == (unsigned char)c->quote) {
			buf_char(&c->text, (char)take(c));
		} else {
			return 0;
		}
	}
}

/* Reads up to the end of one field; returns the byte that ended it: delimiter, '\n' or END. */
static int read_plain(struct csv *c)
{
	for (;;) {
		int ch = take(c);

		if (ch < 0 || ch == '\n' || ch == (unsigned char)c->delimiter)
			return ch;
		if (is_crlf(c, ch))
			continue;
		buf_char(&c->text, (char)ch);
		if (c->text.is_full)
			return '\n';
	}
}

/* Returns 1 when the row goes on behind this field, 0 when it ends, -1. */
static int read_field(struct csv *c, struct err *err)
{
	int ch;

	if (c->n == CSV_MAX_FIELDS)
		return refuse(c, err, "more than 1024 fields");
	c->starts[c->n] = c->text.len;
	if (peek(c) == (unsigned char)c->quote) {
		(void)take(c);
		ch = read_quoted(c);
		if (ch == BROKEN)
			return read_failed(err);
		if (ch == END)
			return refuse(c, err,
			              c->text.is_full ? "the row is longer than 1 MiB; is a quote not closed?"
			                              : "a quote is not closed");
		ch = take(c);
		if (is_crlf(c, ch))
			ch = take(c);
		if (ch >= 0 && ch != '\n' && ch != (unsigned char)c->delimiter)
			return refuse(c, err, "text behind a closing quote");
	} else {
		ch = read_plain(c);
		if (c->text.is_full)
			return refuse(c, err, "the row is longer than 1 MiB");
	}
	if (ch == BROKEN)
		return read_failed(err);
	end_field(c);
	return ch == (unsigned char)c->delimiter;
}

/* Passes over empty lines. Returns 0 at the end of the file. */
static int find_row(struct csv *c, struct err *err)
{
	for (;;) {
		int ch = peek(c);

		if (ch == '\n' || ch == '\r') {
			(void)take(c);
			continue;
		}
		if (ch == BROKEN)
			return read_failed(err);
		return ch != END;
	}
}

static int read_row(struct csv *c, struct err *err)
{
	int rc;

	c->n = 0;
	c->resume = 0;
	buf_reset(&c->text);
	do
		rc = read_field(c, err);
	while (rc == 1);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		c->fields[i] = c->text.at + c->starts[i];
		c->lens[i] = (i + 1 < c->n ? c->starts[i + 1] : c->text.len) - c->starts[i] - 1;
		if (strlen(c->fields[i]) != c->lens[i])
			return err_set(err, ERR_INPUT, "a NUL byte");
	}
	return 0;
}

/* The end of the line that begins where we are, once it lies in the input whole; NULL: it doesn't. */
static unsigned char *end_of_line(struct csv *c)
{
	unsigned char *end = memchr(c->input + c->at, '\n', c->len - c->at);
	ssize_t n;

	if (end || c->at == 0)
		return end;
	memmove(c->input, c->input + c->at, c->len - c->at);
	c->offset += (int64_t)c->at;
	c->len -= c->at;
	c->at = 0;
	n = read(c->fd, c->input + c->len, sizeof c->input - c->len);
	if (n <= 0) /* the slow way meets it again */
		return NULL;
	c->len += (size_t)n;
	return memchr(c->input, '\n', c->len);
}

/* Most rows: a line without quotes, whose fields end in place. Returns false when it must be read byte by byte. */
static bool split_line(struct csv *c)
{
	const unsigned char *newline = end_of_line(c), *at = c->input + c->at, *end = newline;
	const unsigned char delimiter = (unsigned char)c->delimiter, quote = (unsigned char)c->quote;
	size_t n = 0;

	if (!newline)
		return false;
	if (newline > at && newline[-1] == '\r')
		end--;
	for (;; at++) {
		if (n == CSV_MAX_FIELDS || *at == quote)
			return false;
		c->starts[n] = (size_t)(at - c->input);
		while (at < end && *at != delimiter && *at != '\r' && *at)
			at++;
		if (at < end && *at != delimiter)
			return false;
		c->lens[n] = (size_t)(at - c->input) - c->starts[n];
		n++;
		if (at == end)
			break;
	}
	for (size_t i = 0; i < n; i++) {
		c->input[c->starts[i] + c->lens[i]] = '\0';
		c->fields[i] = (const char *)c->input + c->starts[i];
	}
	c->n = n;
	c->at = (size_t)(newline - c->input) + 1;
	c->line++;
	return true;
}

const char *csv_lines(struct csv *c, size_t *out_len)
{
	const unsigned char *last;

	if (fill(c) != 1 || !end_of_line(c))
		return NULL;
	last = memrchr(c->input + c->at, '\n', c->len - c->at);
	*out_len = (size_t)(last - (c->input + c->at)) + 1;
	return (const char *)c->input + c->at;
}

void csv_pass(struct csv *c, size_t len, int64_t n_lines)
{
	c->at += len;
	c->line += n_lines;
}

int csv_next(struct csv *c, struct csv_row *row, struct err *err)
{
	int rc = find_row(c, err);

	row->line = c->line;
	if (rc <= 0)
		return rc;
	if (!split_line(c) && read_row(c, err) < 0)
		return -1;
	row->fields = c->fields;
	row->lens = c->lens;
	row->n = c->n;
	return 1;
}

int64_t csv_offset(const struct csv *c)
{
	return c->offset + (int64_t)c->at;
}

/* opening ---------------------------------------------------------------------------------------------------------- */

static int skip_mark(struct csv *c, struct err *err)
{
	if (fill(c) < 0)
		return read_failed(err);
	if (c->len >= 3 && memcmp(c->input, "\xEF\xBB\xBF", 3) == 0)
		c->at = 3;
	if (c->len >= 2 && (memcmp(c->input, "\xFF\xFE", 2) == 0 || memcmp(c->input, "\xFE\xFF", 2) == 0))
		return err_set(err, ERR_INPUT, "the file is UTF-16; it must be saved as UTF-8");
	return 0;
}

int csv_open_fd(int fd, char delimiter, char quote, struct csv **out, struct err *err)
{
	CLEANUP(csv_closep) struct csv *c = calloc(1, sizeof *c);

	if (!c)
		die("out of memory");
	c->fd = fd;
	c->delimiter = delimiter ? delimiter : ',';
	c->quote = quote ? quote : '"';
	c->line = 1;
	buf_init(&c->text, CSV_MAX_ROW_BYTES);
	if (skip_mark(c, err) < 0)
		return -1;
	*out = c;
	c = NULL;
	return 0;
}

int csv_open(const char *path, char delimiter, char quote, struct csv **out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, ERR_INPUT, "%s", path);
	return csv_open_fd(fd, delimiter, quote, out, err) < 0 ? err_in(err, "%s", path) : 0;
}
