#include "common/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "json_scan.h"

static const double largest_int = 9007199254740992.0; /* 2^53: from here on doubles leave integers out */

/* cJSON asks for memory without context: the arena that is parsed into, and what it may still take. The program has one
 * thread and a parse runs to its end. */
static struct arena *arena_in_use;
static size_t bytes_left;
static bool has_run_out;

static void *take(size_t size)
{
	size_t cost = size + 16;

	if (cost < size || cost > bytes_left) {
		has_run_out = true;
		return NULL;
	}
	bytes_left -= cost;
	return arena_alloc(arena_in_use, size);
}

/* It goes with the arena. */
static void give_back(void *thing)
{
	(void)thing;
}

static const cJSON *of(const struct json *j)
{
	return (const cJSON *)j;
}

static const struct json *to_json(const cJSON *item)
{
	return (const struct json *)item;
}

/* Hangs the digits of numbers that a double can't hold at their values; document order on both sides. */
static const char *keep_long_numbers(struct arena *a, cJSON *item, const char *at, const char *end)
{
	for (; item; item = item->next) {
		if (cJSON_IsNumber(item)) {
			size_t len = json_scan_number(&at, end);

			if (json_scan_is_long(at, len))
				item->valuestring = arena_strndup(a, at, len);
			at += len;
		}
		at = keep_long_numbers(a, item->child, at, end);
	}
	return at;
}

/* What a long number's digits may cost in the arena. */
enum { LONG_NUMBER_BYTES = 80 };

/* Reads text that passed json_scan. Returns NULL with *stop where it went wrong. */
static cJSON *read_scanned(struct arena *a, const char *text, size_t len, const char **stop)
{
	cJSON_Hooks hooks = { .malloc_fn = take, .free_fn = give_back };
	cJSON *item;

	has_run_out = false;
	arena_in_use = a;
	cJSON_InitHooks(&hooks);
	item = cJSON_ParseWithLengthOpts(text, len, stop, 0);
	arena_in_use = NULL;
	return item;
}

int json_parse(struct arena *a, const char *text, size_t len, const struct json **out, struct err *err)
{
	const char *at = text, *stop = text;
	cJSON *item = NULL;
	size_t n_long;

	if (json_scan(a, &at, len, &n_long, err) < 0)
		return -1;
	bytes_left = arena_left(a) / 2; /* the caller needs room for what it makes of it */
	has_run_out = n_long > bytes_left / LONG_NUMBER_BYTES;
	if (!has_run_out) {
		bytes_left -= n_long * LONG_NUMBER_BYTES;
		item = read_scanned(a, at, len, &stop);
	}
	if (has_run_out)
		return err_set(err, ERR_INPUT, "JSON: %zu bytes are too large for the memory allowed", len);
	if (!item)
		return err_set(err, ERR_INPUT, "JSON: offset %zu: malformed", (size_t)(stop - at));
	while (stop < at + len && *stop && strchr(" \t\r\n", *stop))
		stop++;
	if (stop < at + len)
		return err_set(err, ERR_INPUT, "JSON: offset %zu: more than one value", (size_t)(stop - at));
	if (n_long)
		(void)keep_long_numbers(a, item, at, at + len);
	*out = to_json(item);
	return 0;
}

enum json_type json_type(const struct json *j)
{
	static const struct {
		int theirs;
		enum json_type ours;
	} types[] = { { cJSON_NULL, JSON_NULL },     { cJSON_False, JSON_BOOL },  { cJSON_True, JSON_BOOL },
		          { cJSON_Number, JSON_NUMBER }, { cJSON_String, JSON_TEXT }, { cJSON_Array, JSON_ARRAY },
		          { cJSON_Object, JSON_OBJECT } };

	for (size_t i = 0; j && i < ARRAY_LEN(types); i++) {
		if (of(j)->type == types[i].theirs)
			return types[i].ours;
	}
	return JSON_NULL;
}

bool json_is_null(const struct json *j)
{
	return json_type(j) == JSON_NULL;
}

static const struct json *member_of(const struct json *j, const char *name, size_t len)
{
	const struct json *member = json_type(j) == JSON_OBJECT ? json_first(j) : NULL;

	for (; member; member = json_next(member)) {
		if (strncmp(json_name(member), name, len) == 0 && json_name(member)[len] == '\0')
			return member;
	}
	return NULL;
}

const struct json *json_member(const struct json *j, const char *name)
{
	return member_of(j, name, strlen(name));
}

/* The element that "12]" names, or NULL. */
static const struct json *element_at(const struct json *j, const char *digits, size_t len)
{
	const struct json *element = json_type(j) == JSON_ARRAY ? json_first(j) : NULL;
	size_t index = 0;

	if (len == 0 || len > 9)
		return NULL;
	for (size_t i = 0; i < len; i++)
		index = index * 10 + (size_t)(digits[i] - '0');
	while (element && index--)
		element = json_next(element);
	return element;
}

/* The first element in which the member "name=text]" names has that text; the case of letters doesn't count. */
static const struct json *element_where(const struct json *j, const char *name, size_t len)
{
	const char *equals = memchr(name, '=', len);
	const struct json *element = equals && json_type(j) == JSON_ARRAY ? json_first(j) : NULL;
	size_t name_len = equals ? (size_t)(equals - name) : 0, text_len = len - name_len - 1;

	for (; element; element = json_next(element)) {
		const char *text = json_text(member_of(element, name, name_len));

		if (text && strlen(text) == text_len && strncasecmp(text, equals + 1, text_len) == 0)
			return element;
	}
	return NULL;
}

const struct json *json_at(const struct json *j, const char *path)
{
	const struct json *whole = j;
	const char *from = path;

	if (strcmp(path, ".") == 0)
		return j;
	while (j && *path) {
		size_t len;

		if (*path == '[') {
			bool is_index = path[1] >= '0' && path[1] <= '9';

			len = is_index ? strspn(++path, "0123456789") : strcspn(++path, "]");
			if (path[len] != ']')
				return json_member(whole, from);
			j = is_index ? element_at(j, path, len) : element_where(j, path, len);
			path += len + 1;
		} else {
			len = strcspn(path, ".[");
			j = member_of(j, path, len);
			path += len;
		}
		if (*path == '.')
			path++;
	}
	return j ? j : json_member(whole, from);
}

size_t json_count(const struct json *j)
{
	size_t n = 0;

	for (j = json_first(j); j; j = json_next(j))
		n++;
	return n;
}

const struct json *json_first(const struct json *j)
{
	return j ? to_json(of(j)->child) : NULL;
}

const struct json *json_next(const struct json *j)
{
	return j ? to_json(of(j)->next) : NULL;
}

const char *json_name(const struct json *j)
{
	return j ? of(j)->string : NULL;
}

const char *json_text(const struct json *j)
{
	return json_type(j) == JSON_TEXT ? of(j)->valuestring : NULL;
}

/* A number as written that is integral. */
static bool whole_number(const char *digits, int64_t *out)
{
	const char *point = strchr(digits, '.');

	return (!point || point[1 + strspn(point + 1, "0")] == '\0') && text_to_minor(digits, 0, out);
}

bool json_int(const struct json *j, int64_t *out)
{
	double value;
	int64_t exact;

	if (!json_real(j, &value) || fabs(value) > largest_int || trunc(value) != value)
		return false;
	exact = (int64_t)value;
	if (of(j)->valuestring && (!whole_number(of(j)->valuestring, &exact) || llabs(exact) > (int64_t)largest_int))
		return false;
	*out = exact;
	return true;
}

bool json_real(const struct json *j, double *out)
{
	if (json_type(j) != JSON_NUMBER || !isfinite(of(j)->valuedouble))
		return false;
	*out = of(j)->valuedouble;
	return true;
}

bool json_bool(const struct json *j, bool *out)
{
	if (json_type(j) != JSON_BOOL)
		return false;
	*out = cJSON_IsTrue(of(j));
	return true;
}

/* The fewest digits that read back as the same number; as written when a double can't hold it. NULL: infinite. */
static const char *number_text(struct arena *a, const struct json *j)
{
	char text[32];
	double value, again;
	int64_t whole;

	if (of(j)->valuestring)
		return of(j)->valuestring;
	if (json_int(j, &whole))
		return arena_printf(a, "%" PRId64, whole);
	if (!json_real(j, &value))
		return NULL;
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, value);
		if (text_to_real(text, &again) && again >= value && again <= value)
			break;
	}
	return arena_strdup(a, text);
}

const char *json_scalar(struct arena *a, const struct json *j)
{
	switch (json_type(j)) {
	case JSON_TEXT: return json_text(j);
	case JSON_NUMBER: return number_text(a, j);
	case JSON_BOOL: return cJSON_IsTrue(of(j)) ? "true" : "false";
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT: return NULL;
	}
	return NULL;
}

/* Depth is bounded by json_parse. */
static void print_value(struct arena *a, const struct json *j, const char *name, struct json_out *o)
{
	const char *text = json_scalar(a, j);
	bool is_object = json_type(j) == JSON_OBJECT;

	if (json_type(j) == JSON_TEXT) {
		json_put_text(o, name, text);
	} else if (!is_object && json_type(j) != JSON_ARRAY) {
		json_put_raw(o, name, text ? text : "null");
	} else {
		if (is_object)
			json_open_object(o, name);
		else
			json_open_array(o, name);
		for (const struct json *item = json_first(j); item; item = json_next(item))
			print_value(a, item, is_object ? json_name(item) : NULL, o);
		if (is_object)
			json_close_object(o);
		else
			json_close_array(o);
	}
}

char *json_print(struct arena *a, const struct json *j)
{
	CLEANUP(buf_done) struct buf text;
	struct json_out o = json_out_to(&text);

	buf_init(&text, SIZE_MAX / 4);
	print_value(a, j, NULL, &o);
	return arena_strndup(a, text.at, text.len);
}
