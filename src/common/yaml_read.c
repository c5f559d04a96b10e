/* Turns a tree into structs by tables. One function reads each kind of value; it either sets the field or notes what
 * is wrong and what would be right. */
#include "common/yaml.h"

#include <string.h>

#include "common/clock.h"
#include "common/nearest.h"
#include "common/text.h"

enum { SHOWN_CHARS = 60 };

struct reader {
	struct arena *arena;
	struct mistakes *mistakes;
};

static const char *const expected[] = {
	[YAML_TEXT] = "a text",
	[YAML_INT] = "a whole number",
	[YAML_REAL] = "a number",
	[YAML_BOOL] = "true or false",
	[YAML_DURATION] = "a duration such as 90s, 15m, 2h or 30d",
	[YAML_TIME] = "a time of day such as 08:00",
	[YAML_DAY] = "a day such as 2026-03-01",
	[YAML_ENUM] = "a word of a list",
	[YAML_TEXTS] = "a list of texts",
	[YAML_STRUCT] = "a mapping (key: value)",
	[YAML_LIST] = "a list",
	[YAML_MAP] = "a mapping (name: ...)",
	[YAML_NODE] = "a value",
};

bool yaml_is_null(const struct yaml *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	if (!node)
		return true;
	if (node->type != YAML_SCALAR || node->is_quoted)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
		if (strcmp(node->text, nulls[i]) == 0)
			return true;
	return false;
}

/* "one of csm, am, manager" */
static const char *joined(struct arena *a, const char *const *words, size_t n)
{
	const char *all = "one of ";
	size_t n_shown = 0;

	for (size_t i = 0; i < n; i++)
		if (words[i])
			all = arena_printf(a, "%s%s%s", all, n_shown++ ? ", " : "", words[i]);
	return all;
}

static const char *expectation(const struct reader *r, const struct yaml_field *f)
{
	const char *const *names = f->extra;
	size_t n = 0;

	if (f->kind != YAML_ENUM)
		return expected[f->kind];
	while (names[n])
		n++;
	return joined(r->arena, names, n);
}

static const char *shown(const struct reader *r, const struct yaml *node)
{
	static const char *const types[] = { [YAML_SEQUENCE] = "a list", [YAML_MAPPING] = "a mapping" };

	if (node->type != YAML_SCALAR)
		return types[node->type];
	if (yaml_is_null(node))
		return "nothing";
	return arena_printf(r->arena, "`%s`", text_clean(r->arena, node->text, SHOWN_CHARS));
}

static void refuse(const struct reader *r, const struct yaml *node, const struct yaml_field *f)
{
	mistake_at(r->mistakes, node, "is %s, expected %s", shown(r, node), expectation(r, f));
}

static bool is_unlimited(const struct yaml_field *f)
{
	return f->min == 0 && f->max == 0;
}

/* NaN is within no limits. */
static bool is_within(const struct reader *r, const struct yaml *node, const struct yaml_field *f, double value)
{
	if (is_unlimited(f) || (value >= f->min && value <= f->max))
		return true;
	mistake_at(r->mistakes, node, "is %s, expected %.15g to %.15g", shown(r, node), f->min, f->max);
	return false;
}

static const char *duration_text(struct arena *a, double seconds)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' } };
	int64_t s = (int64_t)seconds;

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (s && s % units[i].seconds == 0)
			return arena_printf(a, "%lld%c", (long long)(s / units[i].seconds), units[i].letter);
	return arena_printf(a, "%llds", (long long)s);
}

typedef void read_fn(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to);

static bool is_plain(const struct yaml *node)
{
	return node->type == YAML_SCALAR && !node->is_quoted;
}

static void read_text(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	if (node->type == YAML_SCALAR)
		*(const char **)to = node->text;
	else
		refuse(r, node, f);
}

static void read_int(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	int64_t value;

	if (!is_plain(node) || !text_to_int(node->text, &value))
		refuse(r, node, f);
	else if (is_within(r, node, f, (double)value))
		*(int64_t *)to = value;
}

static void read_real(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	double value;

	if (!is_plain(node) || !text_to_real(node->text, &value))
		refuse(r, node, f);
	else if (is_within(r, node, f, value))
		*(double *)to = value;
}

static void read_bool(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	bool value;

	if (!is_plain(node) || strcmp(node->text, "0") == 0 || strcmp(node->text, "1") == 0 ||
	    !text_to_bool(node->text, &value))
		refuse(r, node, f);
	else
		*(bool *)to = value;
}

static void read_duration(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	int64_t value;

	if (node->type != YAML_SCALAR || !text_to_duration(node->text, &value))
		refuse(r, node, f);
	else if (!is_unlimited(f) && ((double)value < f->min || (double)value > f->max))
		mistake_at(r->mistakes, node, "is %s, expected %s to %s", shown(r, node), duration_text(r->arena, f->min),
		           duration_text(r->arena, f->max));
	else
		*(int64_t *)to = value;
}

static void read_time(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	int value;

	if (node->type != YAML_SCALAR || !text_to_time_of_day(node->text, &value))
		refuse(r, node, f);
	else
		*(int *)to = value;
}

static void read_day(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	int32_t value;

	if (node->type != YAML_SCALAR || !day_parse(node->text, &value))
		refuse(r, node, f);
	else
		*(int32_t *)to = value;
}

static void read_enum(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	const char *const *names = f->extra;
	const char *near;
	size_t n = 0;

	if (node->type != YAML_SCALAR) {
		refuse(r, node, f);
		return;
	}
	for (; names[n]; n++) {
		if (strcmp(names[n], node->text) == 0) {
			*(int *)to = (int)n;
			return;
		}
	}
	near = nearest_word(node->text, names, n);
	if (near)
		mistake_at(r->mistakes, node, "is %s, did you mean `%s`? (%s)", shown(r, node), near, expectation(r, f));
	else
		refuse(r, node, f);
}

static size_t count(const struct yaml *node)
{
	size_t n = 0;

	for (const struct yaml *entry = node->first; entry; entry = entry->next)
		n++;
	return n;
}

static void read_texts(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	struct texts texts = { 0 };

	if (node->type == YAML_MAPPING) {
		refuse(r, node, f);
		return;
	}
	texts.at = arena_array(r->arena, node->type == YAML_SCALAR ? 1 : count(node), sizeof *texts.at);
	if (node->type == YAML_SCALAR)
		texts.at[texts.n++] = node->text;
	for (const struct yaml *item = node->first; item; item = item->next) {
		if (item->type == YAML_SCALAR && !yaml_is_null(item))
			texts.at[texts.n++] = item->text;
		else
			mistake_at(r->mistakes, item, "is %s, expected a text", shown(r, item));
	}
	*(struct texts *)to = texts;
}

static void read_struct(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	yaml_read(r->arena, node, f->extra, to, r->mistakes);
}

static void read_field(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *struct_at);

/* `name: value` instead of `name: {key: value}`. */
static bool is_bare(const struct yaml_table *t)
{
	return t->n_fields == 1 && !*t->fields[0].key;
}

static void read_entry(const struct reader *r, const struct yaml *entry, const struct yaml_table *t, void *element)
{
	if (!is_bare(t)) {
		yaml_read(r->arena, entry, t, element, r->mistakes);
		return;
	}
	read_field(r, entry, &t->fields[0], element);
	if (t->check)
		t->check(element, entry, r->mistakes);
}

static void read_array(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	enum yaml_type wanted = f->kind == YAML_MAP ? YAML_MAPPING : YAML_SEQUENCE;
	const struct yaml_table *t = f->extra;
	struct yaml_array array = { 0 };

	if (node->type != wanted) {
		refuse(r, node, f);
		return;
	}
	array.at = arena_array(r->arena, count(node), t->size);
	for (const struct yaml *entry = node->first; entry; entry = entry->next) {
		char *element = (char *)array.at + array.n++ * t->size;

		if (t->defaults)
			memcpy(element, t->defaults, t->size);
		if (f->kind == YAML_MAP)
			*(const char **)(void *)element = entry->key;
		read_entry(r, entry, t, element);
	}
	*(struct yaml_array *)to = array;
}

static void read_node(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *to)
{
	(void)r;
	(void)f;
	*(const struct yaml **)to = node;
}

static read_fn *const readers[] = {
	[YAML_TEXT] = read_text,         [YAML_INT] = read_int,       [YAML_REAL] = read_real, [YAML_BOOL] = read_bool,
	[YAML_DURATION] = read_duration, [YAML_TIME] = read_time,     [YAML_DAY] = read_day,   [YAML_ENUM] = read_enum,
	[YAML_TEXTS] = read_texts,       [YAML_STRUCT] = read_struct, [YAML_LIST] = read_array, [YAML_MAP] = read_array,
	[YAML_NODE] = read_node,
};

static void read_field(const struct reader *r, const struct yaml *node, const struct yaml_field *f, void *struct_at)
{
	if (!yaml_is_null(node))
		readers[f->kind](r, node, f, (char *)struct_at + f->offset);
	else if (f->is_required)
		mistake_at(r->mistakes, node, "is empty, expected %s", expectation(r, f));
}

static const struct yaml_field *field_of(const struct yaml_table *t, const char *key)
{
	for (size_t i = 0; i < t->n_fields; i++)
		if (strcmp(t->fields[i].key, key) == 0)
			return &t->fields[i];
	return NULL;
}

static void refuse_key(const struct reader *r, const struct yaml *entry, const struct yaml_table *t)
{
	const char **keys = arena_array(r->arena, t->n_fields, sizeof *keys), *near;

	for (size_t i = 0; i < t->n_fields; i++)
		keys[i] = t->fields[i].key;
	near = nearest_word(entry->key, keys, t->n_fields);
	if (near)
		mistake_at(r->mistakes, entry, "unknown key `%s`, did you mean `%s`?", entry->key, near);
	else
		mistake_at(r->mistakes, entry, "unknown key `%s`, expected %s", entry->key,
		           joined(r->arena, keys, t->n_fields));
}

void yaml_read(struct arena *a, const struct yaml *mapping, const struct yaml_table *table, void *out,
               struct mistakes *m)
{
	struct reader r = { .arena = a, .mistakes = m };

	if (mapping->type != YAML_MAPPING && !yaml_is_null(mapping)) {
		mistake_at(m, mapping, "is %s, expected a mapping (key: value)", shown(&r, mapping));
		return;
	}
	for (const struct yaml *entry = mapping->first; entry; entry = entry->next) {
		const struct yaml_field *f = field_of(table, entry->key);

		if (f)
			read_field(&r, entry, f, out);
		else
			refuse_key(&r, entry, table);
	}
	for (size_t i = 0; i < table->n_fields; i++)
		if (table->fields[i].is_required && !yaml_member(mapping, table->fields[i].key))
			mistake_at(m, mapping, "`%s` is missing, expected %s", table->fields[i].key,
			           expectation(&r, &table->fields[i]));
	if (table->check)
		table->check(out, mapping, m);
}
