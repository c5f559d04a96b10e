#include "auth_choice.h"

#include <string.h>

#include "connector.h"

enum { MAX_WALK = 8 };

/* The first name that the source doesn't give, in words; NULL: none. */
static const char *missing(struct arena *a, const struct yaml *node, const struct scope *names, int depth)
{
	const char *what = NULL;

	if (node->type == YAML_SCALAR)
		return template_mistake(a, node->text, names);
	for (const struct yaml *n = depth < MAX_WALK ? node->first : NULL; n && !what; n = n->next)
		what = missing(a, n, names, depth + 1);
	return what;
}

/* The mapping with another value for one of its entries. */
static const struct yaml *replaced(struct arena *a, const struct yaml *mapping, const struct yaml *old,
                                   const struct yaml *value)
{
	struct yaml *copy = arena_memdup(a, mapping, sizeof *mapping), **end = &copy->first;

	for (const struct yaml *n = mapping->first; n; n = n->next) {
		struct yaml *entry = arena_memdup(a, n == old ? value : n, sizeof *entry);

		entry->key = n->key;
		*end = entry;
		end = &entry->next;
	}
	*end = NULL;
	return copy;
}

const struct yaml *auth_choose(struct arena *a, const struct yaml *file, const struct scope *names, struct mistakes *m)
{
	const struct yaml *ways = yaml_member(file, "auth"), *chosen = NULL;
	const char *all = "";
	int n = 0;

	if (!ways || ways->type != YAML_SEQUENCE)
		return file;
	for (const struct yaml *way = ways->first; way; way = way->next) {
		const char *what = missing(a, way, names, 0);

		if (!what && !chosen) {
			chosen = way; /* read with the rest of the file */
			continue;
		}
		yaml_read(a, way, &auth_table, &(struct auth_settings){ 0 }, m);
		all = arena_printf(a, "%s%s(%d) %s", all, n ? ", " : "", n + 1, what ? what : "complete too");
		n++;
	}
	if (chosen)
		return replaced(a, file, ways, chosen);
	mistake_at(m, ways, "none of the ways to log in is complete: %s", n ? all : "the list is empty");
	return NULL;
}
