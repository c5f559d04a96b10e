#include "shape.h"

#include <string.h>

#include "common/text.h"

size_t shape_units(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) == 0x80 ? 0u : (unsigned char)*text >= 0xf0 ? 2u : 1u;
	return n;
}

static bool is_one_of(const char *text, const char *const *values)
{
	while (*values && strcmp(*values, text) != 0)
		values++;
	return *values != NULL;
}

static const struct shape_member *member_of(const struct shape *s, const char *name)
{
	const struct shape_member *m = s->members;

	while (m->name && strcmp(m->name, name) != 0)
		m++;
	return m->name ? m : NULL;
}

/* The shape that an object says it has. */
static const struct shape *shape_of(const struct shape *const *of, const struct json *j)
{
	const char *type = json_text(json_member(j, "type"));

	for (; *of; of++)
		if (!(*of)->type || (type && strcmp((*of)->type, type) == 0))
			return *of;
	return NULL;
}

static const char *text_flaw(struct arena *a, const struct json *j, const struct shape_member *m)
{
	const char *text = json_text(j);

	if (m->max && (!*text || shape_units(text) > m->max))
		return arena_printf(a, ": of 1 to %zu characters", m->max);
	if (m->values && !is_one_of(text, m->values))
		return ": a value that is not known";
	return NULL;
}

static const char *value_flaw(struct arena *a, const struct json *j, const struct shape_member *m);

/* Behind the name of the object: ".text: is missing". */
static const char *object_flaw(struct arena *a, const struct json *j, const struct shape *s)
{
	if (!s || json_type(j) != JSON_OBJECT)
		return ": of no known type";
	for (const struct shape_member *m = s->members; m->name; m++)
		if (m->is_needed && !json_member(j, m->name))
			return arena_printf(a, ".%s: is missing", m->name);
	for (const struct json *c = json_first(j); c; c = json_next(c)) {
		const struct shape_member *m = member_of(s, json_name(c));
		const char *flaw = m ? value_flaw(a, c, m) : ": is not known";

		if (flaw)
			return arena_printf(a, ".%s%s", json_name(c), flaw);
	}
	return NULL;
}

static const char *value_flaw(struct arena *a, const struct json *j, const struct shape_member *m)
{
	size_t i = 0;

	if (json_type(j) != m->type)
		return ": of another type";
	if (m->type == JSON_TEXT)
		return text_flaw(a, j, m);
	if (m->type == JSON_OBJECT && m->of)
		return object_flaw(a, j, shape_of(m->of, j));
	if (m->type != JSON_ARRAY)
		return NULL;
	if (m->max && json_count(j) > m->max)
		return arena_printf(a, ": more than %zu", m->max);
	for (const struct json *e = json_first(j); e && m->of; e = json_next(e), i++) {
		const char *flaw = object_flaw(a, e, shape_of(m->of, e));

		if (flaw)
			return arena_printf(a, "[%zu]%s", i, flaw);
	}
	return NULL;
}

const char *shape_flaw(struct arena *a, const struct json *j, const struct shape *s)
{
	const char *flaw = object_flaw(a, j, s);

	return flaw ? flaw + strspn(flaw, ".: ") : NULL; /* the whole has no name */
}
