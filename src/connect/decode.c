#include "decode.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/csv.h"
#include "common/fd.h"
#include "common/text.h"

enum { MAX_STEPS = 3, READ_BYTES = 64 << 10, MAX_LINE_BYTES = 16 << 20, MIN_LEFT_BYTES = 64 << 20 };

/* words ------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	enum decode_format format;
	const char *accept;
} formats[] = {
	{ "json", DECODE_JSON, "application/json" },
	{ "ndjson", DECODE_NDJSON, "*/*" },
	{ "csv", DECODE_CSV, "text/csv" },
};

/* Where a step may stand: zip before gzip before the format. Returns its place, -1 for an unknown one. */
static int place_of(struct decode_settings *s, const char *step)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(step, formats[i].name) == 0) {
			s->format = formats[i].format;
			return 2;
		}
	if (strcmp(step, "zip") == 0) {
		s->unpack.is_zip = true;
		return 0;
	}
	if (strcmp(step, "gzip") == 0) {
		s->unpack.is_gzip = true;
		return 1;
	}
	return -1;
}

/* One byte, "\t" and "tab" included. */
static char read_byte(const char *key, const char *text, const struct yaml *where, struct mistakes *m)
{
	if (!text)
		return 0;
	if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
		return '\t';
	if (strlen(text) == 1 && *text != '\n' && *text != '\r')
		return *text;
	mistake_at(m, where, "`%s` is `%s`, expected one character, or tab", key, text_clean(m->arena, text, 60));
	return 0;
}

void decode_check(struct decode_settings *s, const struct yaml *where, struct mistakes *m)
{
	int last = -1;

	for (size_t i = 0; i < s->steps.n; i++) {
		int place = place_of(s, s->steps.at[i]);

		if (place < 0)
			mistake_at(m, where,
			           "`decoder: %s` is not known; there are zip, gzip and one of json, ndjson, csv, outermost first",
			           text_clean(m->arena, s->steps.at[i], 60));
		else if (place <= last)
			mistake_at(m, where,
			           "`decoder:` names what is outermost first: zip, then gzip, then one of json, ndjson, csv");
		last = place;
	}
	s->delimiter = read_byte("delimiter", s->delimiter_text, where, m);
	s->quote = read_byte("quote", s->quote_text, where, m);
	if ((s->delimiter || s->quote) && s->format != DECODE_CSV)
		mistake_at(m, where, "`delimiter:` and `quote:` go with `decoder: csv`");
}

bool decode_is_plain(const struct decode_settings *s)
{
	return s->format == DECODE_JSON && !s->unpack.is_zip && !s->unpack.is_gzip;
}

const char *decode_accept(const struct decode_settings *s)
{
	return s->unpack.is_zip || s->unpack.is_gzip ? "*/*" : formats[s->format].accept;
}

/* rows ------------------------------------------------------------------------------------------------------------- */

struct decoding {
	const struct decode_settings *settings;
	struct arena *arena;
	struct unpack *unpack; /* NULL: nothing is packed */
	int given, own;        /* files; own: what is unpacked, -1 none */
	bool has_entry;
	int64_t line, lines_before; /* of the row at hand, over all entries; of the entries before */
	/* ndjson */
	struct buf text;       /* what was read; the line at hand begins at `at` */
	size_t at;
	bool is_at_end;
	/* csv */
	struct csv *csv;
	const char **columns;
	size_t n_columns;
};

void decode_close(struct decoding *d)
{
	if (!d)
		return;
	csv_close(d->csv);
	buf_done(&d->text);
	unpack_free(d->unpack);
	fd_closep(&d->own);
}

void decode_closep(struct decoding **d)
{
	decode_close(*d);
	*d = NULL;
}

int64_t decode_line(const struct decoding *d)
{
	return d->line;
}

static int file_of(const struct decoding *d)
{
	return d->own >= 0 ? d->own : d->given;
}

/* lines of JSON ---------------------------------------------------------------------------------------------------- */

/* Reads more behind what is there. Returns 1, 0 at the end of the file. */
static int read_more(struct decoding *d, struct err *err)
{
	char piece[READ_BYTES];
	ssize_t n;

	do
		n = read(file_of(d), piece, sizeof piece);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, ERR_FATAL, "what was unpacked can't be read");
	if (d->at) {
		size_t rest = d->text.len - d->at;

		memmove(d->text.at, d->text.at + d->at, rest);
		buf_cut(&d->text, rest);
		d->at = 0;
	}
	buf_add(&d->text, piece, (size_t)n);
	if (d->text.is_full)
		return err_set(err, ERR_INPUT, "line %lld: longer than %d bytes", (long long)d->line, MAX_LINE_BYTES);
	return n > 0;
}

/* The next line, without its end: 1, 0 when there is none. *out_is_ended: its end came too. */
static int next_line(struct decoding *d, const char **out, size_t *out_len, bool *out_is_ended, struct err *err)
{
	const char *end = NULL;
	size_t searched = 0;
	int rc = 1;

	d->line++;
	while (rc == 1) {
		size_t left = d->text.len - d->at;

		end = left > searched ? memchr(d->text.at + d->at + searched, '\n', left - searched) : NULL;
		if (end)
			break;
		searched = left;
		rc = read_more(d, err);
	}
	if (rc < 0)
		return -1;
	*out = d->text.at + d->at;
	*out_len = end ? (size_t)(end - *out) : d->text.len - d->at;
	*out_is_ended = end != NULL;
	d->at += *out_len + (end != NULL);
	return end || *out_len;
}

static int next_ndjson(struct decoding *d, struct arena *a, const struct json **out, struct err *err)
{
	const char *line;
	size_t len;
	bool is_ended;
	int rc;

	while ((rc = next_line(d, &line, &len, &is_ended, err)) == 1) {
		struct err why = { 0 };

		if (strspn(line, " \t\r") >= len)
			continue;
		if (json_parse(a, line, len, out, &why) == 0)
			return 1;
		/* What has no end of line behind it and is no JSON was cut, or is what a server says when it gives up. */
		if (!is_ended)
			return err_set(err, ERR_RETRY, "line %lld: cut short", (long long)d->line);
		(void)err_set(err, ERR_INPUT, "line %lld: %s", (long long)d->line, why.text);
		return 2;
	}
	return rc;
}

/* csv -------------------------------------------------------------------------------------------------------------- */

static int read_header(struct decoding *d, struct err *err)
{
	struct csv_row row;
	int rc = csv_next(d->csv, &row, err);

	if (rc < 0)
		return err_in(err, "line %lld", (long long)row.line);
	if (rc == 0)
		return err_set(err, ERR_INPUT, "no CSV: it is empty, expected a row with the names of the columns");
	d->columns = arena_array(d->arena, row.n, sizeof *d->columns);
	d->n_columns = row.n;
	for (size_t i = 0; i < row.n; i++)
		d->columns[i] = text_trim(d->arena, row.fields[i]);
	return 0;
}

static int begin_csv(struct decoding *d, struct err *err)
{
	int fd = fcntl(file_of(d), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(err, ERR_FATAL, "what was unpacked can't be read");
	csv_close(d->csv);
	d->csv = NULL;
	if (csv_open_fd(fd, d->settings->delimiter, d->settings->quote, &d->csv, err) < 0)
		return -1;
	return read_header(d, err);
}

static int next_csv(struct decoding *d, struct arena *a, const struct json **out, struct err *err)
{
	struct csv_row row;
	int rc = csv_next(d->csv, &row, err);

	d->line = d->lines_before + row.line;
	if (rc < 0)
		return err->kind == ERR_INPUT ? (void)err_in(err, "line %lld", (long long)d->line), 2 : -1;
	if (rc == 0)
		return 0;
	if (row.n != d->n_columns) {
		(void)err_set(err, ERR_INPUT, "line %lld: %zu fields, and the header has %zu", (long long)d->line, row.n,
		              d->n_columns);
		return 2;
	}
	*out = json_row(a, d->columns, row.fields, row.n);
	return 1;
}

/* entries ---------------------------------------------------------------------------------------------------------- */

int decode_open(const struct decode_settings *s, int fd, const char *folder, struct arena *a, struct decoding **out,
                struct err *err)
{
	CLEANUP(decode_closep) struct decoding *d = arena_alloc(a, sizeof *d);

	d->settings = s;
	d->arena = a;
	d->given = fd;
	d->own = -1;
	buf_init(&d->text, MAX_LINE_BYTES);
	if (s->format == DECODE_JSON)
		die("a JSON document has no rows of its own");
	if (s->unpack.is_zip || s->unpack.is_gzip) {
		d->own = fd_nameless(folder, err);
		if (d->own < 0 || unpack_open(&s->unpack, fd, &d->unpack, err) < 0)
			return -1;
	}
	*out = d;
	d = NULL;
	return 0;
}

/* Returns 1, 0 when there is no further entry. */
static int begin_entry(struct decoding *d, struct err *err)
{
	int rc = d->unpack ? unpack_next(d->unpack, d->own, err) : d->lines_before == 0 && d->line == 0;

	if (rc <= 0)
		return rc;
	if (!d->unpack && fd_rewind(d->given, false, err) < 0)
		return -1;
	d->lines_before = d->line;
	buf_reset(&d->text);
	d->at = 0;
	return d->settings->format == DECODE_CSV && begin_csv(d, err) < 0 ? -1 : 1;
}

int decode_next(struct decoding *d, struct arena *a, const struct json **out, struct err *err)
{
	for (;;) {
		int rc;

		if (!d->has_entry) {
			rc = begin_entry(d, err);
			if (rc <= 0)
				return rc;
			d->has_entry = true;
		}
		rc = d->settings->format == DECODE_CSV ? next_csv(d, a, out, err) : next_ndjson(d, a, out, err);
		if (rc != 0)
			return rc;
		d->has_entry = false;
		d->line += !d->line; /* an empty file is done as well */
	}
}

/* a whole body ----------------------------------------------------------------------------------------------------- */

/* A JSON document that was packed. */
static int read_document(const struct decode_settings *s, int packed, struct arena *a, const struct json **out,
                         struct err *err)
{
	CLEANUP(unpack_freep) struct unpack *u = NULL;
	CLEANUP(fd_closep) int fd = fd_nameless(NULL, err);
	CLEANUP(buf_done) struct buf text;
	char piece[READ_BYTES];
	ssize_t n;
	int rc;

	buf_init(&text, arena_left(a) / 2);
	if (fd < 0 || unpack_open(&s->unpack, packed, &u, err) < 0)
		return -1;
	rc = unpack_next(u, fd, err);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_INPUT, "the zip is empty");
	while ((n = read(fd, piece, sizeof piece)) > 0)
		buf_add(&text, piece, (size_t)n);
	if (n < 0)
		return err_errno(err, ERR_FATAL, "what was unpacked can't be read");
	if (text.is_full)
		return err_set(err, ERR_INPUT, "unpacks to more than the memory allowed");
	return json_parse(a, text.at, text.len, out, err);
}

static int read_rows(const struct decode_settings *s, int fd, struct arena *a, const struct json **out, struct err *err)
{
	CLEANUP(decode_closep) struct decoding *d = NULL;
	struct json *list = json_list(a);
	const struct json *row;
	int rc;

	if (decode_open(s, fd, NULL, a, &d, err) < 0)
		return -1;
	while ((rc = decode_next(d, a, &row, err)) == 1) {
		if (arena_left(a) < MIN_LEFT_BYTES)
			return err_set(err, ERR_INPUT, "the rows are too many for the memory allowed");
		json_list_add(list, row);
	}
	*out = list;
	return rc ? -1 : 0;
}

int decode_list(const struct decode_settings *s, const char *body, size_t len, struct arena *a, const struct json **out,
                struct err *err)
{
	struct decode_settings in_memory = *s;
	CLEANUP(fd_closep) int fd = -1;

	if (decode_is_plain(s))
		return json_parse(a, body, len, out, err);
	in_memory.unpack.max_bytes = (int64_t)(arena_left(a) / 2); /* its file is memory, too */
	fd = fd_nameless(NULL, err);
	if (fd < 0 || fd_write(fd, body, len, err) < 0)
		return -1;
	return s->format == DECODE_JSON ? read_document(&in_memory, fd, a, out, err)
	                                : read_rows(&in_memory, fd, a, out, err);
}
