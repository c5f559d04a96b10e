/* Reads JSON (through cJSON) and writes it. Values read belong to the arena they were parsed into. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"

struct json; /* one value, read-only */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

enum { JSON_MAX_DEPTH = 64 };

/* The whole text must be one JSON value in valid UTF-8, nested at most JSON_MAX_DEPTH deep, that takes at most half
 * of what the arena has left; else ERR_INPUT, with the offset. \u0000 and half a surrogate pair are read as U+FFFD. */
int json_parse(struct arena *a, const char *text, size_t len, const struct json **out, struct err *err) MUST_USE;

/* All of these accept NULL (nothing there). */
enum json_type json_type(const struct json *j); /* NULL is JSON_NULL */
bool json_is_null(const struct json *j);
/* "paging.next.after", "pages[0].id", "headers[name=From].value" (the first that has it, case aside), or one member
 * that is named just so; "." or "" is the value itself; NULL when not there. */
const struct json *json_at(const struct json *j, const char *path);
/* One member whose name is taken literally, dots included. */
const struct json *json_member(const struct json *j, const char *name);
size_t json_count(const struct json *j); /* elements or members */
const struct json *json_first(const struct json *j); /* element or member */
const struct json *json_next(const struct json *j);
const char *json_name(const struct json *j); /* of a member */
const char *json_text(const struct json *j); /* NULL unless JSON_TEXT */
bool json_int(const struct json *j, int64_t *out); /* an integral number within +-2^53 */
bool json_real(const struct json *j, double *out);
bool json_bool(const struct json *j, bool *out);
/* A scalar as text: the text itself, 17, 1.5, true; NULL for null, arrays, objects and numbers past a double's range. A
 * number that a double can't hold digit by digit comes as it was written (long ids). */
const char *json_scalar(struct arena *a, const struct json *j);
/* Compact JSON of any value. */
char *json_print(struct arena *a, const struct json *j);

/* Values that are made: an object of texts (copied; names that are literal), and an array that takes values which stand
 * in no other and live as long. */
const struct json *json_row(struct arena *a, const char *const *names, const char *const *values, size_t n);
struct json *json_list(struct arena *a);
void json_list_add(struct json *list, const struct json *item);

/* Writing: compact, members in the order given, commas and escapes done here. key is NULL in arrays and at the top. */
struct json_out {
	struct buf *to;
	int depth; /* off limits */
	bool needs_comma;
};

struct json_out json_out_to(struct buf *to);
void json_open_object(struct json_out *o, const char *key);
void json_close_object(struct json_out *o);
void json_open_array(struct json_out *o, const char *key);
void json_close_array(struct json_out *o);
/* NULL writes null; bad UTF-8 becomes U+FFFD. */
void json_put_text(struct json_out *o, const char *key, const char *text);
void json_put_int(struct json_out *o, const char *key, int64_t value);
/* NaN and infinity write null; at most 20 decimals. */
void json_put_real(struct json_out *o, const char *key, double value, int decimals);
void json_put_bool(struct json_out *o, const char *key, bool value);
void json_put_null(struct json_out *o, const char *key);
void json_put_raw(struct json_out *o, const char *key, const char *json); /* already JSON */

#endif
