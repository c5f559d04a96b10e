#include "explain_source.h"

#include <string.h>

#include "common/text.h"

enum { MAX_DEPTH = 32 };

/* What the names {{secret.X}} or {{config.X}} of the file are. */
struct names {
	struct arena *arena;
	const char *prefix;
	struct texts found;
};

static void note_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->found.n; i++)
		if (strcmp(names->found.at[i], name) == 0)
			return;
	names->found.at =
		arena_grow(names->arena, names->found.at, names->found.n, names->found.n + 1, sizeof *names->found.at);
	names->found.at[names->found.n++] = name;
}

static void find_names(struct names *names, const struct yaml *node, int depth)
{
	size_t len = strlen(names->prefix);

	for (const char *at = node->type == YAML_SCALAR ? node->text : NULL; at && (at = strstr(at, "{{")) != NULL;
	     at += 2) {
		const char *word = at + 2 + strspn(at + 2, " ");

		if (text_starts(word, names->prefix))
			note_name(names, arena_strndup(names->arena, word + len, strcspn(word + len, " |}")));
	}
	for (const struct yaml *n = node->first; n && depth < MAX_DEPTH; n = n->next)
		find_names(names, n, depth + 1);
}

struct texts explain_names(struct arena *a, const struct yaml *file, const char *prefix)
{
	struct names names = { .arena = a, .prefix = prefix };

	find_names(&names, file, 0);
	return names.found;
}

struct texts explain_lists(struct arena *a, const struct yaml *file)
{
	struct names names = { .arena = a };
	const struct yaml *streams = yaml_member(file, "streams");

	for (const struct yaml *s = streams ? streams->first : NULL; s; s = s->next) {
		const struct yaml *list = yaml_member(s, "for_each");

		if (list && list->type == YAML_SCALAR)
			note_name(&names, list->text);
	}
	return names.found;
}

/* The lists, each of one element, at the end of the mapping. */
static void add_lists(struct arena *a, const struct yaml *file, struct yaml **end)
{
	struct texts lists = explain_lists(a, file);

	for (size_t i = 0; i < lists.n; i++) {
		const struct yaml element = { .type = YAML_SCALAR, .text = lists.at[i], .file = file->file, .path = "config" };

		*end = arena_alloc(a, sizeof **end);
		**end = (struct yaml){ .type = YAML_SEQUENCE, .key = lists.at[i], .file = file->file, .path = "config" };
		(*end)->first = arena_memdup(a, &element, sizeof element);
		end = &(*end)->next;
	}
}

/* A source that says all that the file asks for, each thing by its own name. */
struct source_settings explain_source(struct arena *a, const char *name, const struct yaml *file)
{
	struct texts secrets = explain_names(a, file, "secret."), config = explain_names(a, file, "config.");
	struct named_secret *references = arena_array(a, secrets.n + 1, sizeof *references);
	struct yaml *mapping = arena_alloc(a, sizeof *mapping), **end = &mapping->first, *streams = NULL;
	const struct yaml *auth = yaml_member(file, "auth");
	const struct yaml *store = yaml_member(auth && auth->type == YAML_SEQUENCE ? auth->first : auth, "store");
	bool has_url = yaml_member(file, "base_url") || yaml_member(store, "base_url");

	*mapping = (struct yaml){ .type = YAML_MAPPING, .file = file->file, .path = "config" };
	for (size_t i = 0; i < config.n; i++) {
		*end = arena_alloc(a, sizeof **end);
		**end = (struct yaml){
			.type = YAML_SCALAR, .key = config.at[i], .text = config.at[i], .file = file->file, .path = "config"
		};
		if (strcmp(config.at[i], "zone") == 0) /* must be one that there is */
			(*end)->text = "UTC";
		end = &(*end)->next;
	}
	add_lists(a, file, end);
	for (size_t i = 0; i < secrets.n; i++)
		references[i].name = secrets.at[i];
	if (!yaml_member(file, "streams")) {
		streams = arena_alloc(a, sizeof *streams);
		*streams = (struct yaml){ .type = YAML_MAPPING, .file = file->file, .path = "streams" };
	}
	return (struct source_settings){ .name = name,
		                             .connector = name,
		                             .streams = streams,
		                             .config = mapping,
		                             .secrets = { references, secrets.n },
		                             .base_url = has_url ? NULL : "https://address.of.the.source" };
}
