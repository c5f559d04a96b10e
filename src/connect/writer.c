#include "writer.h"

#include <string.h>

#include "common/text.h"
#include "task.h"

enum { SHOWN_CHARS = 200 };

static const char *const correlations[] = { [CORRELATE_ID] = "id", [CORRELATE_INDEX] = "index", NULL };
static const char *const methods[] = { "POST", "PUT", "PATCH" };

static void check_write(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct write_settings *w = item;
	bool is_known = !w->method; /* that it is missing was told already */

	for (size_t i = 0; !is_known && i < ARRAY_LEN(methods); i++)
		is_known = strcmp(w->method, methods[i]) == 0;
	if (!is_known)
		mistake_at(m, where, "`method: %s` does not write; expected POST, PUT or PATCH", w->method);
	if (!w->element && w->batch != 1)
		mistake_at(m, where, "without `element:`, what {{items}} is made of, `batch:` must be 1");
	if (w->results && w->correlate == CORRELATE_ID && !w->id)
		mistake_at(m, where, "`id:` must say where a result has its id, or `correlate: index` that they are in order");
	if (!w->ok != !w->ok_is)
		mistake_at(m, where, "`ok:` and `ok_is:` go together");
	if (!w->refused != !w->refused_id)
		mistake_at(m, where, "`refused:` and `refused_id:` go together");
}

#define FIELD(key, kind, member, is_required, extra, max) \
	{ key, kind, offsetof(struct write_settings, member), is_required, extra, (max) > 0, max }

static const struct yaml_field write_fields[] = {
	FIELD("method", YAML_TEXT, method, true, NULL, 0),
	FIELD("path", YAML_TEXT, path, true, NULL, 0),
	FIELD("batch", YAML_INT, batch, true, NULL, 10000),
	FIELD("body", YAML_NODE, body, true, NULL, 0),
	FIELD("element", YAML_NODE, element, false, NULL, 0),
	FIELD("typed", YAML_BOOL, has_types, false, NULL, 0),
	FIELD("results", YAML_TEXT, results, false, NULL, 0),
	FIELD("correlate", YAML_ENUM, correlate, false, correlations, 0),
	FIELD("id", YAML_TEXT, id, false, NULL, 0),
	FIELD("ok", YAML_TEXT, ok, false, NULL, 0),
	FIELD("ok_is", YAML_TEXT, ok_is, false, NULL, 0),
	FIELD("reason", YAML_TEXT, reason, false, NULL, 0),
	FIELD("refused", YAML_TEXT, refused, false, NULL, 0),
	FIELD("refused_id", YAML_TEXT, refused_id, false, NULL, 0),
	FIELD("refused_reason", YAML_TEXT, refused_reason, false, NULL, 0),
};
static const struct yaml_table write_table = {
	.size = sizeof(struct write_settings), .fields = write_fields, .n_fields = ARRAY_LEN(write_fields),
	.check = check_write,
};
static const struct yaml_field writes_fields[] = {
	{ .key = "account", .kind = YAML_STRUCT, .offset = offsetof(struct writes, account), .extra = &write_table },
	{ .key = "task", .kind = YAML_STRUCT, .offset = offsetof(struct writes, task), .extra = &task_table },
};
const struct yaml_table writes_table = {
	.size = sizeof(struct writes), .fields = writes_fields, .n_fields = ARRAY_LEN(writes_fields),
};

/* Whether the property is one of the names in a path ("custom_fields.8d1f.value", "a + b"). */
static bool is_in(const char *path, const char *property)
{
	size_t len = strlen(property);

	while (path && *path) {
		size_t n = strcspn(path, ".[ ");

		if (n == len && memcmp(path, property, n) == 0)
			return true;
		path += n + (path[n] != '\0');
	}
	return false;
}

static bool is_mapped(const struct stream_settings *s, const char *property)
{
	for (size_t i = 0; i < s->n_maps; i++)
		for (size_t j = 0; j < s->maps[i]->n_entries; j++)
			if (is_in(s->maps[i]->entries[j].from, property) || is_in(s->maps[i]->entries[j].times, property) ||
			    is_in(s->maps[i]->entries[j].over, property))
				return true;
	for (size_t i = 0; i < s->wanted.n; i++)
		if (strcmp(s->wanted.at[i], property) == 0)
			return true;
	return false;
}

/* What retaind writes it must not take for a fact, and what the connector reads belongs to somebody else. */
static bool is_read(const struct connector *c, const char *property)
{
	const struct stream_settings *streams = c->streams.at;

	for (size_t i = 0; i < c->streams.n; i++)
		if (streams[i].n_maps && strcmp(streams[i].maps[0]->entity->name, "account") == 0 &&
		    is_mapped(&streams[i], property))
			return true;
	return false;
}

void writer_check(const struct connector *c, const struct source_settings *source, const struct yaml *file,
                  struct mistakes *m)
{
	const char *const *names = source->write_back.account.at;
	size_t n = 0;

	for (size_t i = 0; i < N_WRITE_FIELDS; i++) {
		n += names[i] != NULL;
		if (names[i] && is_read(c, names[i]))
			mistake_at(m, file, "source %s: write_back names `%s`, which is read from there; write into properties of "
			           "retaind's own", source->name, names[i]);
	}
	if (n && !c->write.account.path)
		mistake_at(m, file, "source %s: connector %s does not write; leave write_back out", source->name, c->name);
	if (source->write_back.tasks.is_wanted && !c->write.task.post)
		mistake_at(m, file, "source %s: connector %s makes no tasks; leave `tasks:` out of write_back", source->name,
		           c->name);
}

/* answers ---------------------------------------------------------------------------------------------------------- */

static struct write_item *item_of(struct write_item *items, size_t n, const char *id)
{
	for (size_t i = 0; id && i < n; i++)
		if (strcmp(items[i].row.id, id) == 0)
			return &items[i];
	return NULL;
}

static const char *reason_at(const struct json *j, const char *path, struct arena *a)
{
	const char *text = path ? json_scalar(a, json_at(j, path)) : NULL;

	return text_is_blank(text) ? "refused without a reason" : text_clean(a, text, SHOWN_CHARS);
}

static void read_results(const struct write_settings *w, const struct json *list, struct write_item *items, size_t n,
                         struct arena *a)
{
	size_t i = 0;

	for (const struct json *one = json_first(list); one; one = json_next(one), i++) {
		const char *id = w->correlate == CORRELATE_ID ? json_scalar(a, json_at(one, w->id)) : NULL;
		const char *said = w->ok ? json_scalar(a, json_at(one, w->ok)) : NULL;
		struct write_item *item = w->correlate == CORRELATE_ID ? item_of(items, n, id) : i < n ? &items[i] : NULL;

		if (item)
			item->refused = !w->ok || (said && strcmp(said, w->ok_is) == 0) ? NULL : reason_at(one, w->reason, a);
	}
}

static void refuse(struct write_item *items, size_t n, const char *id, const char *reason)
{
	struct write_item *item = item_of(items, n, id);

	if (item)
		item->refused = reason;
}

static void read_refused(const struct write_settings *w, const struct json *list, struct write_item *items, size_t n,
                         struct arena *a)
{
	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		const struct json *ids = json_at(one, w->refused_id);
		const char *reason = reason_at(one, w->refused_reason, a);

		refuse(items, n, json_scalar(a, ids), reason);
		for (const struct json *id = json_type(ids) == JSON_ARRAY ? json_first(ids) : NULL; id; id = json_next(id))
			refuse(items, n, json_scalar(a, id), reason);
	}
}

static int read_answer(const struct write_settings *w, const struct answer *x, struct write_item *items, size_t n,
                       struct arena *a, struct err *err)
{
	const struct json *list = w->results && !x->is_empty ? json_at(x->body, w->results) : NULL;

	for (size_t i = 0; i < n; i++)
		items[i].refused = w->results ? "the answer does not say that it was written" : NULL;
	if (w->results && json_type(list) != JSON_ARRAY)
		return err_set(err, ERR_RETRY, "%s: the answer has no list `%s`", w->path, w->results);
	read_results(w, list, items, n, a);
	if (w->refused)
		read_refused(w, json_at(x->body, w->refused), items, n, a);
	return 0;
}

int writer_send(struct client *c, const struct write_settings *w, struct write_item *items, size_t n, struct arena *a,
                struct err *err)
{
	struct parent *rows = arena_array(a, n, sizeof *rows);
	struct request_lists lists = { .parents = rows, .n_parents = n, .element = w->element,
	                               .has_types = w->has_types };
	struct scope scope = c->scope;
	const char *url, *body;
	struct answer x;

	for (size_t i = 0; i < n; i++)
		rows[i] = items[i].row;
	scope.parent_id = n == 1 ? rows[0].id : NULL;
	if (request_url(c->base_url, w->path, NULL, &scope, &lists, a, &url, err) < 0 ||
	    request_body(w->body, &scope, &lists, a, &body, err) < 0 ||
	    client_call(c, w->method, url, body, a, &x, err) < 0)
		return -1;
	return read_answer(w, &x, items, n, a, err);
}
