/* Rows from an answer that is no JSON document: lines of JSON, or CSV; packed or not. A row of CSV becomes an object of
 * texts, `{ "Id": "001...", "Owner.Name": "Ana" }`; json_at finds a name with dots in it as it stands. */
#ifndef DECODE_H
#define DECODE_H

#include "common/json.h"
#include "common/unpack.h"
#include "common/yaml.h"

enum decode_format { DECODE_JSON, DECODE_NDJSON, DECODE_CSV };

/* `decoder: csv`, `decoder: [zip, gzip, ndjson]`: outermost first; `delimiter: ";"`, `quote: "'"` of csv. */
struct decode_settings {
	struct texts steps; /* none: json */
	const char *delimiter_text, *quote_text;
	/* made by decode_check */
	enum decode_format format;
	struct unpack_settings unpack;
	char delimiter, quote; /* 0: the usual ones */
};

/* Understands the words and notes mistakes. */
void decode_check(struct decode_settings *s, const struct yaml *where, struct mistakes *m);
/* Whether the body is a JSON document as it comes. */
bool decode_is_plain(const struct decode_settings *s);
/* What to say in Accept. */
const char *decode_accept(const struct decode_settings *s);

/* A whole body at once: an array of its rows, or the document (format json). A row that can't be read fails it.
 * ERR_RETRY: cut short; ERR_INPUT: malformed, or beyond a ceiling. */
int decode_list(const struct decode_settings *s, const char *body, size_t len, struct arena *a,
                const struct json **out, struct err *err) MUST_USE;

/* Row by row from a file, for answers that don't fit into memory: ndjson and csv. */
struct decoding;

void decode_close(struct decoding *d); /* accepts NULL */
void decode_closep(struct decoding **d);
/* fd is read from its beginning, stays the caller's and must outlive it. folder: where packed files are unpacked; NULL:
 * in memory. The decoding lives in a, and must be closed before it goes. */
int decode_open(const struct decode_settings *s, int fd, const char *folder, struct arena *a, struct decoding **out,
                struct err *err) MUST_USE;
/* Returns 1 with a row in the arena, 2 when this one cannot be used (err says why: go on), 0 at the end, -1 as above or
 * ERR_FATAL. */
int decode_next(struct decoding *d, struct arena *a, const struct json **out, struct err *err) MUST_USE;
/* The line of the row at hand, counted over all entries. */
int64_t decode_line(const struct decoding *d);

#endif
