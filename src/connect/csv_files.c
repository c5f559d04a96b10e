#include "csv_files.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "connect/pull.h"
#include "fingerprint.h"

enum { MAX_STREAMS = 256 };

struct file_words {
	const char *match, *delimiter, *quote;
	int merge;
	const struct yaml *entity, *key, *account, *map, *when, *deleted; /* read by map_read */
};

static const char *const merge_names[] = { "last", "sum", "max", NULL }; /* in the order of enum usage_merge */

#define WORD(k, kind_, member) { .key = (k), .kind = (kind_), .offset = offsetof(struct file_words, member) }
static const struct yaml_field file_fields[] = {
	{ .key = "match", .kind = YAML_TEXT, .offset = offsetof(struct file_words, match), .is_required = true },
	WORD("delimiter", YAML_TEXT, delimiter),
	WORD("quote", YAML_TEXT, quote),
	{ .key = "aggregate", .kind = YAML_ENUM, .offset = offsetof(struct file_words, merge), .extra = merge_names },
	WORD("entity", YAML_NODE, entity),
	WORD("key", YAML_NODE, key),
	WORD("account", YAML_NODE, account),
	WORD("map", YAML_NODE, map),
	WORD("when", YAML_NODE, when),
	WORD("deleted", YAML_NODE, deleted),
};
static const struct yaml_table file_table = { .size = sizeof(struct file_words), .fields = file_fields,
	                                          .n_fields = ARRAY_LEN(file_fields) };

/* One byte, "\t" and "tab" included. */
static char read_byte(const struct yaml *node, const char *key, const char *text, struct mistakes *m)
{
	if (!text)
		return 0;
	if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
		return '\t';
	if (strlen(text) == 1 && *text != '\n' && *text != '\r')
		return *text;
	mistake_at(m, yaml_member(node, key), "is `%s`, expected one character, or tab", text_clean(m->arena, text, 60));
	return 0;
}

static bool names_a_path(const char *match)
{
	return strchr(match, '/') != NULL;
}

static void read_stream(struct arena *a, const struct yaml *node, struct csv_stream *out, struct mistakes *m)
{
	struct file_words words = { 0 };

	if (node->type != YAML_MAPPING) {
		mistake_at(m, node, "is no mapping, expected match:, entity:, key:, map: ...");
		return;
	}
	yaml_read(a, node, &file_table, &words, m);
	*out = (struct csv_stream){ .name = node->key,
		                        .match = words.match,
		                        .delimiter = read_byte(node, "delimiter", words.delimiter, m),
		                        .quote = read_byte(node, "quote", words.quote, m),
		                        .merge = (enum usage_merge)words.merge,
		                        .map = map_read(a, node, m),
		                        .fingerprint = fingerprint_of(a, &node, 1) };
	if (words.match && names_a_path(words.match))
		mistake_at(m, yaml_member(node, "match"),
		           "has a `/`, expected the name of a file in the source's folder, such as usage*.csv");
	if (out->map && out->map->entity->has_account && !out->map->account)
		mistake_at(m, node, "`account` is missing, expected the column that names the account");
}

/* By what refers to what, then by name. */
static int compare_streams(const void *left, const void *right)
{
	const struct csv_stream *a = left, *b = right;

	if (a->map->entity != b->map->entity)
		return a->map->entity < b->map->entity ? -1 : 1;
	return strcmp(a->name, b->name);
}

const struct csv_stream *csv_files_read(struct arena *a, const struct source_settings *s, size_t *out_n,
                                        struct mistakes *m)
{
	struct csv_stream *streams = arena_array(a, MAX_STREAMS, sizeof *streams);
	size_t before = m->n, n = 0;

	if (!s->folder)
		mistake_at(m, s->files, "source %s: `folder` is missing, expected where the files are", s->name);
	if (!s->files || s->files->type != YAML_MAPPING) {
		mistake_at(m, s->files, "source %s: `files` is no mapping, expected name: { match:, entity:, key:, map: }",
		           s->name);
		return NULL;
	}
	for (const struct yaml *node = s->files->first; node; node = node->next) {
		if (n == MAX_STREAMS) {
			mistake_at(m, node, "more than %d entries, expected fewer", MAX_STREAMS);
			break;
		}
		read_stream(a, node, &streams[n++], m);
	}
	if (m->n != before)
		return NULL;
	qsort(streams, n, sizeof *streams, compare_streams);
	*out_n = n;
	return streams;
}

void csv_source_check(struct arena *a, const struct source_settings *s, struct mistakes *m)
{
	size_t n;

	(void)csv_files_read(a, s, &n, m);
}

static void add_column(struct texts *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (strcmp(columns->at[i], name) == 0)
			return;
	columns->at[columns->n++] = name;
}

static void add_key_columns(struct arena *a, struct texts *columns, const char *key)
{
	const char *column;
	bool may_be_empty;

	while ((column = map_key_part(a, &key, &may_be_empty)))
		add_column(columns, column);
}

struct texts csv_stream_columns(struct arena *a, const struct csv_stream *s)
{
	const struct map *map = s->map;
	size_t n_key_parts = 1;
	struct texts columns = { 0 };

	for (const char *c = map->key; c && *c; c++)
		n_key_parts += *c == '+';
	columns.at = arena_array(a, n_key_parts + map->n_entries + 3, sizeof *columns.at);
	if (map->key)
		add_key_columns(a, &columns, map->key);
	if (map->account)
		add_column(&columns, map->account);
	if (map->when_from)
		add_column(&columns, map->when_from);
	if (map->deleted_from)
		add_column(&columns, map->deleted_from);
	for (size_t i = 0; i < map->n_entries; i++) {
		const char *const from[] = { map->entries[i].from, map->entries[i].times, map->entries[i].over };

		for (size_t j = 0; j < ARRAY_LEN(from); j++)
			if (from[j])
				add_column(&columns, from[j]);
	}
	return columns;
}
