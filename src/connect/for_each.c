#include "for_each.h"

#include <string.h>

enum { MAX_ELEMENTS = 1000, MAX_ELEMENT_BYTES = 254, MAX_WALK = 32 };

static const struct yaml *list_of(const struct stream_settings *s, const struct yaml *config)
{
	return s->for_each && config ? yaml_member(config, s->for_each) : NULL;
}

static void check_element(const struct yaml *element, struct mistakes *m)
{
	if (element->type != YAML_SCALAR || yaml_is_null(element) || strlen(element->text) > MAX_ELEMENT_BYTES)
		mistake_at(m, element, "expected a text of at most %d bytes", MAX_ELEMENT_BYTES);
	for (const struct yaml *n = element->next; n && element->type == YAML_SCALAR; n = n->next)
		if (n->type == YAML_SCALAR && strcmp(n->text, element->text) == 0)
			mistake_at(m, n, "stands in the list twice");
}

/* Recursion: YAML is at most 32 deep. */
static bool is_named(const struct yaml *node, int depth)
{
	bool is_there = node && node->type == YAML_SCALAR && strstr(node->text, "{{for_each}}");

	for (const struct yaml *n = node ? node->first : NULL; n && !is_there && depth < MAX_WALK; n = n->next)
		is_there = is_named(n, depth + 1);
	return is_there;
}

void for_each_check(const struct stream_settings *s, const struct yaml *config, const struct yaml *where,
                    struct mistakes *m)
{
	const struct yaml *list = list_of(s, config);
	size_t n = 0;

	if (!s->for_each != !is_named(where, 0))
		mistake_at(m, where, s->for_each ? "asks the same for every element: {{for_each}} belongs into its requests"
		                                 : "{{for_each}} is known where `for_each:` names a list of `config:`");
	if (!s->for_each || s->is_left_out)
		return;
	if (!list || list->type != YAML_SEQUENCE || !list->first) {
		mistake_at(m, list ? list : where, "the source names no `%s`; give them under its `config:` as a list",
		           s->for_each);
		return;
	}
	for (const struct yaml *element = list->first; element; element = element->next, n++)
		check_element(element, m);
	if (n > MAX_ELEMENTS)
		mistake_at(m, list, "names %zu, and at most %d are walked", n, MAX_ELEMENTS);
}

size_t for_each_count(const struct stream_settings *s, const struct yaml *config)
{
	const struct yaml *list = list_of(s, config);
	size_t n = 0;

	for (const struct yaml *element = list ? list->first : NULL; element; element = element->next)
		n++;
	return s->for_each ? n : 1;
}

const struct stream_settings *for_each_stream(const struct stream_settings *s, const struct yaml *config, size_t i,
                                              struct arena *a)
{
	const struct yaml *element = s->for_each ? list_of(s, config)->first : NULL;
	struct stream_settings *one;

	if (!element)
		return s;
	while (i--)
		element = element->next;
	one = arena_memdup(a, s, sizeof *one);
	one->element = element->text;
	one->name = arena_printf(a, "%s %s", s->name, element->text);
	return one;
}
