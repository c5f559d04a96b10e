#include "push_events.h"

#include <stddef.h>
#include <string.h>

#include "common/nearest.h"
#include "connect/pull.h"

enum { MAX_MAPS = 64 };

static const char *const words[] = { "entity", "key", "account", "map", "when", "deleted" };

static void check_words(const struct yaml *node, struct mistakes *m)
{
	for (const struct yaml *entry = node->first; entry; entry = entry->next) {
		bool is_known = false;
		const char *near;

		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			is_known = is_known || strcmp(entry->key, words[i]) == 0;
		near = is_known ? NULL : nearest_word(entry->key, words, ARRAY_LEN(words));
		if (near)
			mistake_at(m, entry, "unknown key, did you mean `%s`?", near);
		else if (!is_known)
			mistake_at(m, entry, "unknown key, expected one of entity, key, account, map, when, deleted");
	}
}

/* What the sender calls it is turned into a name of ours, or whoever has the key could make metrics without end. */
static void check_metric(const struct map *map, const struct yaml *node, struct mistakes *m)
{
	int metric = entity_field_index(map->entity, "metric");

	for (size_t i = 0; i < map->n_entries; i++)
		if (map->entries[i].field == metric && map->entries[i].from && !map->entries[i].values)
			mistake_at(m, yaml_member(node, "map"),
			           "metric: comes as the sender names it, expected `value:`, or `from:` with `values:` that say which "
			           "metric it becomes");
}

static void read_one(struct arena *a, const struct yaml *node, struct push_event_map *out, struct mistakes *m)
{
	if (node->type != YAML_MAPPING) {
		mistake_at(m, node, "is no mapping, expected entity:, when:, account:, map: ...");
		return;
	}
	check_words(node, m);
	*out = (struct push_event_map){ .name = node->key, .map = map_read(a, node, m) };
	if (!out->map)
		return;
	if (out->map->entity->has_account && !out->map->account)
		mistake_at(m, node, "`account` is missing, expected the path of what names the account");
	if (!out->map->entity->table)
		check_metric(out->map, node, m);
}

const struct push_event_map *push_events_read(struct arena *a, const struct source_settings *s, size_t *out_n,
                                              struct mistakes *m)
{
	struct push_event_map *maps = arena_array(a, MAX_MAPS, sizeof *maps);
	size_t before = m->n, n = 0;

	if (!s->events || s->events->type != YAML_MAPPING || !s->events->first)
		mistake_at(m, s->events, "source %s: `events` names nothing, expected name: { entity:, when:, account:, map: }",
		           s->name);
	for (const struct yaml *node = m->n == before ? s->events->first : NULL; node; node = node->next) {
		if (n == MAX_MAPS) {
			mistake_at(m, node, "more than %d entries, expected fewer", MAX_MAPS);
			break;
		}
		read_one(a, node, &maps[n++], m);
	}
	*out_n = n;
	return m->n == before ? maps : NULL;
}

void push_source_check(struct arena *a, const struct source_settings *s, struct mistakes *m)
{
	size_t n;

	(void)push_events_read(a, s, &n, m);
}
