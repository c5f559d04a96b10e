/* Reads the mapping words of a stream or file, whatever else stands beside them. */
#include "connect/map.h"

#include <stddef.h>
#include <string.h>

#include "common/nearest.h"
#include "common/text.h"

enum { MAX_ENTITIES = 16 };

struct map_words {
	const char *entity, *key, *ours;
	const struct yaml *account, *when, *deleted;
	int merge;
	struct yaml_array entries; /* struct entry_words */
};

struct entry_words {
	const char *to, *from, *value, *format, *fallback, *scale, *times, *over, *per, *sum, *unless;
	bool is_minor;
	int zone, as;
	const struct yaml *values;
	const struct yaml *node;
};

struct account_words {
	const char *from;
	int by;
};

struct when_words {
	const char *from;
	const struct yaml *in;
};

static const char *const zone_names[] = { "organisation", "utc", NULL };
static const char *const as_names[] = { "text", "address", "direction", "domain", NULL };
static const char *const account_by_names[] = {
	"key", "external_id", "domain", "name", "subscription", "contact", "participants", NULL,
};

static const char *const merge_names[] = { "last", "sum", "max", NULL }; /* in the order of enum usage_merge */

static void note_node(void *item, const struct yaml *where, struct mistakes *m)
{
	(void)m;
	((struct entry_words *)item)->node = where;
}

#define ENTRY(k, kind_, member, required)                                                                              \
	{                                                                                                                  \
		.key = (k), .kind = (kind_), .offset = offsetof(struct entry_words, member), .is_required = (required)         \
	}
static const struct yaml_field entry_fields[] = {
	ENTRY("to", YAML_TEXT, to, true),          ENTRY("from", YAML_TEXT, from, false),
	ENTRY("value", YAML_TEXT, value, false),   ENTRY("format", YAML_TEXT, format, false),
	ENTRY("default", YAML_TEXT, fallback, false), ENTRY("scale", YAML_TEXT, scale, false),
	ENTRY("times", YAML_TEXT, times, false),   ENTRY("over", YAML_TEXT, over, false),
	ENTRY("per", YAML_TEXT, per, false),       ENTRY("sum", YAML_TEXT, sum, false),
	ENTRY("unless", YAML_TEXT, unless, false),
	ENTRY("values", YAML_NODE, values, false), ENTRY("minor", YAML_BOOL, is_minor, false),
	{ .key = "zone", .kind = YAML_ENUM, .offset = offsetof(struct entry_words, zone), .extra = zone_names },
	{ .key = "as", .kind = YAML_ENUM, .offset = offsetof(struct entry_words, as), .extra = as_names },
};
static const struct yaml_table entry_table = { .size = sizeof(struct entry_words), .fields = entry_fields,
	                                           .n_fields = ARRAY_LEN(entry_fields), .check = note_node };

#define WORD(k, kind_, member, required, extra_)                                                                       \
	{                                                                                                                  \
		.key = (k), .kind = (kind_), .offset = offsetof(struct map_words, member), .is_required = (required),          \
		.extra = (extra_)                                                                                              \
	}
static const struct yaml_field map_fields[] = {
	WORD("entity", YAML_TEXT, entity, true, NULL),    WORD("key", YAML_TEXT, key, false, NULL),
	WORD("account", YAML_NODE, account, false, NULL), WORD("when", YAML_NODE, when, false, NULL),
	WORD("deleted", YAML_NODE, deleted, false, NULL), WORD("map", YAML_LIST, entries, true, &entry_table),
	WORD("ours", YAML_TEXT, ours, false, NULL),
	WORD("aggregate", YAML_ENUM, merge, false, merge_names),
};
static const struct yaml_table map_table = { .size = sizeof(struct map_words), .fields = map_fields,
	                                         .n_fields = ARRAY_LEN(map_fields) };

static const struct yaml_field account_fields[] = {
	{ .key = "from", .kind = YAML_TEXT, .offset = offsetof(struct account_words, from), .is_required = true },
	{ .key = "by", .kind = YAML_ENUM, .offset = offsetof(struct account_words, by), .extra = account_by_names },
};
static const struct yaml_table account_table = { .size = sizeof(struct account_words), .fields = account_fields,
	                                             .n_fields = ARRAY_LEN(account_fields) };

static const struct yaml_field when_fields[] = {
	{ .key = "from", .kind = YAML_TEXT, .offset = offsetof(struct when_words, from), .is_required = true },
	{ .key = "in", .kind = YAML_NODE, .offset = offsetof(struct when_words, in), .is_required = true },
};
static const struct yaml_table when_table = { .size = sizeof(struct when_words), .fields = when_fields,
	                                          .n_fields = ARRAY_LEN(when_fields) };

/* entries ---------------------------------------------------------------------------------------------------------- */

static void refuse_field(struct arena *a, const struct entity *e, const struct entry_words *w, struct mistakes *m)
{
	const char **names = arena_array(a, (size_t)e->n_fields, sizeof *names), *near, *all = "";

	for (int i = 0; i < e->n_fields; i++) {
		names[i] = e->fields[i].name;
		all = arena_printf(a, "%s%s%s", all, i ? ", " : "", names[i]);
	}
	near = nearest_word(w->to, names, (size_t)e->n_fields);
	if (near)
		mistake_at(m, w->node, "to: `%s` is no field of %s, did you mean `%s`?", text_clean(a, w->to, 60), e->name,
		           near);
	else
		mistake_at(m, w->node, "to: `%s` is no field of %s, expected one of %s", text_clean(a, w->to, 60), e->name,
		           all);
}

/* "0.5" or "1/12" */
static bool read_scale(struct arena *a, const char *text, double *out)
{
	const char *slash = strchr(text, '/');
	double divisor = 1;

	if (slash && (!text_to_real(slash + 1, &divisor) || divisor == 0))
		return false;
	if (!text_to_real(slash ? arena_strndup(a, text, (size_t)(slash - text)) : text, out))
		return false;
	*out /= divisor;
	return *out != 0;
}

static bool takes_format(enum value_type type)
{
	return type == VALUE_DAY || type == VALUE_INSTANT;
}

static bool takes_scale(enum value_type type)
{
	return type == VALUE_INT || type == VALUE_REAL || type == VALUE_MONEY ||
	       type == VALUE_NANO;
}

static void check_product(const struct entry_words *w, enum value_type type, struct mistakes *m)
{
	if ((w->times || w->over || w->per) && !takes_scale(type))
		mistake_at(m, w->node, "%s: has `times:`, `over:` or `per:`, which only numbers and amounts take", w->to);
	if (w->sum && ((type != VALUE_MONEY && type != VALUE_INT) || !w->from || w->values || w->fallback))
		mistake_at(m, w->node, "%s: has `sum:`, which adds up amounts or whole numbers, and goes with `from:`, without "
		                       "`values:` or `default:`", w->to);
	if (w->unless && !w->sum)
		mistake_at(m, w->node, "%s: has `unless:`, which goes with `sum:`", w->to);
}

/* Words that not every type takes. */
static void check_words(const struct entry_words *w, enum value_type type, struct mistakes *m)
{
	if (w->zone && !takes_format(type))
		mistake_at(m, w->node, "%s: has `zone:`, which only days and times take", w->to);
	if (w->format && !takes_format(type))
		mistake_at(m, w->node, "%s: has `format:`, which only days and times take", w->to);
	if (w->as && type != VALUE_TEXT)
		mistake_at(m, w->node, "%s: has `as:`, which only texts take", w->to);
	if (w->is_minor && type != VALUE_MONEY)
		mistake_at(m, w->node, "%s: has `minor:`, which only amounts take", w->to);
}

/* Returns false when the entry can't be used. */
static bool read_entry(struct arena *a, const struct entity *e, const struct entry_words *w, struct map_entry *out,
                       struct mistakes *m)
{
	size_t before = m->n;
	enum value_type type;

	if (!w->to)
		return false;
	*out = (struct map_entry){ .to = w->to,
		                       .from = w->from,
		                       .value = w->value,
		                       .format = w->format,
		                       .fallback = w->fallback,
		                       .times = w->times,
		                       .over = w->over,
		                       .per = w->per,
		                       .sum = w->sum,
		                       .unless = w->unless,
		                       .values = w->values,
		                       .is_minor = w->is_minor,
		                       .is_utc = w->zone == 1,
		                       .as = w->as,
		                       .field = entity_field_index(e, w->to),
		                       .line = w->node->line };
	if (out->field < 0) {
		refuse_field(a, e, w, m);
		return false;
	}
	type = e->fields[out->field].type;
	if (!w->from == !w->value)
		mistake_at(m, w->node, "%s: has %s, expected `from:` (a column or path) or `value:` (always the same)", w->to,
		           w->from ? "`from:` and `value:`" : "neither `from:` nor `value:`");
	check_words(w, type, m);
	check_product(w, type, m);
	if (w->scale && !takes_scale(type))
		mistake_at(m, w->node, "%s: has `scale:`, which only numbers and amounts take", w->to);
	else if (w->scale && !read_scale(a, w->scale, &out->scale))
		mistake_at(m, w->node, "%s: scale is `%s`, expected a number such as 100 or 1/12", w->to,
		           text_clean(a, w->scale, 60));
	if (w->values && w->values->type != YAML_MAPPING)
		mistake_at(m, w->values, "is no mapping, expected what comes: what is kept");
	return m->n == before;
}

static struct map_entry *entry_of(struct map_entry *entries, size_t n, int field)
{
	for (size_t i = 0; i < n; i++)
		if (entries[i].field == field)
			return &entries[i];
	return NULL;
}

/* Adds entries to those of a map, in place of those with the same `to`. */
static void add_entries(struct arena *a, struct map *map, const struct yaml_array *list, struct mistakes *m)
{
	const struct entry_words *w = list->at;
	struct map_entry *entries = arena_grow(a, map->entries, map->n_entries, map->n_entries + list->n, sizeof *entries);
	size_t n = map->n_entries, n_base = n;

	for (size_t i = 0; i < list->n; i++) {
		struct map_entry entry, *same;

		if (!read_entry(a, map->entity, &w[i], &entry, m))
			continue;
		same = entry_of(entries, n, entry.field);
		if (!same)
			entries[n++] = entry;
		else if (same < entries + n_base)
			*same = entry;
		else
			mistake_at(m, w[i].node, "to: `%s` is mapped on line %d already, expected once", entry.to, same->line);
	}
	map->entries = entries;
	map->n_entries = n;
}

/* Who is ours must be said where it makes a difference. */
static void check_ours(const struct map *map, const struct yaml *node, struct mistakes *m)
{
	bool is_needed = map->account_by == ACCOUNT_BY_PARTICIPANTS;

	for (size_t i = 0; i < map->n_entries; i++)
		is_needed = is_needed || map->entries[i].as == MAP_AS_DIRECTION;
	if (is_needed && !map->ours)
		mistake_at(m, node, "`by: participants` and `as: direction` need `ours:`, our own domains");
}

static void check_whole(const struct map *map, const struct yaml *node, struct mistakes *m)
{
	const struct entity *e = map->entity;
	int currency = entity_field_index(e, "currency");
	bool has_currency = false;

	for (size_t i = 0; i < map->n_entries; i++)
		has_currency = has_currency || map->entries[i].field == currency;
	for (size_t i = 0; i < map->n_entries && !has_currency; i++)
		if (e->fields[map->entries[i].field].type == VALUE_MONEY) {
			mistake_at(
				m, node,
				"`%s` is mapped without `currency`, expected { to: currency, from: ... } or { to: currency, value: EUR }",
				map->entries[i].to);
			break;
		}
	for (int field = 0; field < e->n_fields; field++) {
		bool is_mapped = false;

		for (size_t i = 0; i < map->n_entries; i++)
			is_mapped = is_mapped || map->entries[i].field == field;
		if (e->fields[field].is_required && !is_mapped)
			mistake_at(m, node, "`%s` isn't mapped, and %s can't be used without it", e->fields[field].name, e->name);
	}
	check_ours(map, node, m);
}

/* the rest --------------------------------------------------------------------------------------------------------- */

/* The node with nothing but our words, for yaml_read. */
static const struct yaml *only_ours(struct arena *a, const struct yaml *node)
{
	struct yaml *copy = arena_memdup(a, node, sizeof *node), **end = &copy->first;

	copy->first = NULL;
	for (const struct yaml *entry = node->first; entry; entry = entry->next)
		for (size_t i = 0; i < ARRAY_LEN(map_fields); i++)
			if (strcmp(entry->key, map_fields[i].key) == 0) {
				*end = arena_memdup(a, entry, sizeof *entry);
				(*end)->next = NULL;
				end = &(*end)->next;
			}
	return copy;
}

static const struct entity *read_entity(struct arena *a, const struct yaml *node, const char *name, struct mistakes *m)
{
	const struct entity *e = entity_find(name);
	const char *names[MAX_ENTITIES], *near, *all = "";
	size_t n = 0;

	if (e)
		return e;
	for (const struct entity *known = entities; known->name && n < MAX_ENTITIES; known++) {
		all = arena_printf(a, "%s%s%s", all, n ? ", " : "", known->name);
		names[n++] = known->name;
	}
	near = nearest_word(name, names, n);
	mistake_at(m, yaml_member(node, "entity"), near ? "is `%s`, did you mean `%s`?" : "is `%s`, expected one of %s",
	           text_clean(a, name, 60), near ? near : all);
	return NULL;
}

static void read_account(struct arena *a, const struct yaml *node, struct map *map, struct mistakes *m)
{
	struct account_words words = { 0 };

	if (!map->entity->has_account) {
		mistake_at(m, node, "stands with %s, which belongs to no account", map->entity->name);
		return;
	}
	if (node->type == YAML_SCALAR)
		words.from = node->text;
	else
		yaml_read(a, node, &account_table, &words, m);
	map->account = words.from;
	map->account_by = (enum account_by)words.by;
}

static void read_values(struct arena *a, const struct yaml *node, const char **from, const struct yaml **in,
                        struct mistakes *m)
{
	struct when_words words = { 0 };

	yaml_read(a, node, &when_table, &words, m);
	if (words.in && words.in->type != YAML_SEQUENCE)
		mistake_at(m, words.in, "is no list, expected the values that count");
	*from = words.from;
	*in = words.in;
}

static void check_entity(const struct map *map, const struct yaml *node, struct mistakes *m)
{
	if (map->entity->table && yaml_member(node, "aggregate"))
		mistake_at(m, yaml_member(node, "aggregate"), "stands with %s, expected only with usage", map->entity->name);
	if (map->entity->table && !map->key)
		mistake_at(m, node, "`key` is missing, expected the column or path of the row's own id");
}

const struct map *map_read(struct arena *a, const struct yaml *node, struct mistakes *m)
{
	struct map *map = arena_alloc(a, sizeof *map);
	struct map_words words = { 0 };
	size_t before = m->n;

	if (!node || node->type != YAML_MAPPING) {
		mistake_at(m, node, "is no mapping, expected entity:, key:, map: ...");
		return NULL;
	}
	yaml_read(a, only_ours(a, node), &map_table, &words, m);
	map->entity = words.entity ? read_entity(a, node, words.entity, m) : NULL;
	if (!map->entity)
		return NULL;
	map->key = words.key;
	map->merge = (enum usage_merge)words.merge;
	check_entity(map, node, m);
	if (words.account)
		read_account(a, words.account, map, m);
	if (words.when)
		read_values(a, words.when, &map->when_from, &map->when_in, m);
	if (words.deleted && words.deleted->type == YAML_SCALAR)
		map->deleted_from = words.deleted->text;
	else if (words.deleted)
		read_values(a, words.deleted, &map->deleted_from, &map->deleted_in, m);
	map->ours = words.ours;
	add_entries(a, map, &words.entries, m);
	if (m->n == before)
		check_whole(map, node, m);
	return m->n == before ? map : NULL;
}

const struct map *map_extend(struct arena *a, const struct map *base, const struct yaml *more, struct mistakes *m)
{
	static const struct yaml_field list_field[] = { { .key = "map", .kind = YAML_LIST, .extra = &entry_table } };
	static const struct yaml_table list_table = { .size = sizeof(struct yaml_array),
		                                          .fields = list_field,
		                                          .n_fields = 1 };
	struct yaml entry = *more,
				holder = { .type = YAML_MAPPING, .file = more->file, .path = more->path, .line = more->line };
	struct map *map = arena_memdup(a, base, sizeof *base);
	struct yaml_array list = { 0 };
	size_t before = m->n;

	entry.key = "map";
	entry.next = NULL;
	holder.first = &entry;
	yaml_read(a, &holder, &list_table, &list, m);
	add_entries(a, map, &list, m);
	if (m->n == before)
		check_whole(map, more, m);
	return m->n == before ? map : NULL;
}

const struct map *map_with_account(struct arena *a, const struct map *base, const struct yaml *account,
                                   struct mistakes *m)
{
	struct map *map = arena_memdup(a, base, sizeof *base);

	read_account(a, account, map, m);
	return map;
}
