#include "common/json.h"

#include <cjson/cJSON.h>

static cJSON *node(struct arena *a, int type)
{
	cJSON *item = arena_alloc(a, sizeof *item);

	item->type = type;
	return item;
}

/* As cJSON links them: the first one's prev is the last. */
static void append(cJSON *to, cJSON *child)
{
	if (!to->child) {
		to->child = child;
	} else {
		to->child->prev->next = child;
		child->prev = to->child->prev;
	}
	to->child->prev = child;
}

const struct json *json_row(struct arena *a, const char *const *names, const char *const *values, size_t n)
{
	cJSON *row = node(a, cJSON_Object);

	for (size_t i = 0; i < n; i++) {
		cJSON *field = node(a, cJSON_String);

		field->string = arena_strdup(a, names[i]);
		field->valuestring = arena_strdup(a, values[i]);
		append(row, field);
	}
	return (const struct json *)row;
}

struct json *json_list(struct arena *a)
{
	return (struct json *)node(a, cJSON_Array);
}

void json_list_add(struct json *list, const struct json *item)
{
	append((cJSON *)list, (cJSON *)(uintptr_t)item);
}
