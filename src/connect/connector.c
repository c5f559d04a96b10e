#include "connector.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "auth_choice.h"
#include "common/http.h"
#include "common/text.h"
#include "counting.h"
#include "each.h"
#include "fanout.h"
#include "for_each.h"
#include "fingerprint.h"
#include "request.h"
#include "writer.h"

enum { MAX_CONNECTOR_NAME = 60, MAX_WALK = 32 };

#define FIELD(key, kind, struct_name, member, extra, min, max) \
	{ key, kind, offsetof(struct struct_name, member), false, extra, min, max }
#define REQUIRED(key, kind, struct_name, member, extra) \
	{ key, kind, offsetof(struct struct_name, member), true, extra, 0, 0 }

static const struct yaml_field metric_fields[] = {
	REQUIRED("metric", YAML_TEXT, metric_settings, metric, NULL),
	REQUIRED("from", YAML_TEXT, metric_settings, from, NULL),
	FIELD("scale", YAML_REAL, metric_settings, scale, NULL, 0, 0),
};
static const struct yaml_table metric_table = {
	.size = sizeof(struct metric_settings), .fields = metric_fields, .n_fields = ARRAY_LEN(metric_fields),
	.check = NULL,
};

static const struct yaml_field stream_fields[] = {
	REQUIRED("row", YAML_NODE, stream_settings, row, NULL),
	FIELD("also", YAML_NODE, stream_settings, also, NULL, 0, 0),
	FIELD("properties", YAML_TEXT, stream_settings, properties, NULL, 0, 0),
	FIELD("full", YAML_STRUCT, stream_settings, full, &request_table, 0, 0),
	FIELD("incremental", YAML_STRUCT, stream_settings, incremental, &request_table, 0, 0),
	FIELD("gone", YAML_STRUCT, stream_settings, gone, &request_table, 0, 0),
	FIELD("link", YAML_STRUCT, stream_settings, link, &link_table, 0, 0),
	FIELD("each", YAML_STRUCT, stream_settings, each, &each_table, 0, 0),
	FIELD("for_each", YAML_TEXT, stream_settings, for_each, NULL, 0, 0),
	FIELD("since", YAML_DURATION, stream_settings, since_s, NULL, 3600, 3660 * 86400.0),
	FIELD("lag", YAML_DURATION, stream_settings, lag_s, NULL, 0, 30 * 86400),
	FIELD("full_every", YAML_DURATION, stream_settings, full_every_s, NULL, 60, 366 * 86400),
	FIELD("gone_every", YAML_DURATION, stream_settings, gone_every_s, NULL, 60, 366 * 86400),
	FIELD("retention", YAML_DURATION, stream_settings, retention_s, NULL, 3600, 366 * 86400),
	FIELD("full_diff", YAML_BOOL, stream_settings, full_diff, NULL, 0, 0),
	FIELD("cursor", YAML_STRUCT, stream_settings, cursor, &cursor_table, 0, 0),
	FIELD("step", YAML_DURATION, stream_settings, slice.step_s, NULL, 3600, 366 * 86400),
	FIELD("history", YAML_DURATION, stream_settings, slice.history_s, NULL, 3600, 3660 * 86400.0),
	FIELD("hold", YAML_DURATION, stream_settings, slice.hold_s, NULL, 0, 30 * 86400),
	FIELD("zone", YAML_TEXT, stream_settings, slice.zone_name, NULL, 0, 0),
};
static const struct yaml_table stream_table = {
	.size = sizeof(struct stream_settings), .fields = stream_fields, .n_fields = ARRAY_LEN(stream_fields),
	.check = NULL,
};

static const struct yaml_field check_fields[] = {
	REQUIRED("get", YAML_TEXT, check_settings, get, NULL),
	REQUIRED("path", YAML_TEXT, check_settings, path, NULL),
	REQUIRED("say", YAML_TEXT, check_settings, say, NULL),
};
static const struct yaml_table check_table = {
	.size = sizeof(struct check_settings), .fields = check_fields, .n_fields = ARRAY_LEN(check_fields), .check = NULL,
};

static const struct yaml_field connector_fields[] = {
	FIELD("base_url", YAML_TEXT, connector, base_url, NULL, 0, 0),
	FIELD("reason_header", YAML_TEXT, connector, reason_header, NULL, 0, 0),
	FIELD("check", YAML_STRUCT, connector, check, &check_table, 0, 0),
	FIELD("auth", YAML_STRUCT, connector, auth, &auth_table, 0, 0),
	FIELD("headers", YAML_NODE, connector, headers, NULL, 0, 0),
	FIELD("limits", YAML_LIST, connector, limits.rules, &limit_rule_table, 0, 0),
	FIELD("quota_headers", YAML_LIST, connector, limits.quotas, &quota_table, 0, 0),
	FIELD("errors", YAML_LIST, connector, errors, &error_rule_table, 0, 0),
	FIELD("attempts", YAML_INT, connector, max_attempts, NULL, 1, 50),
	FIELD("first_wait", YAML_REAL, connector, first_wait_s, NULL, 0.001, 600),
	FIELD("longest_wait", YAML_REAL, connector, longest_wait_s, NULL, 0.001, 3600),
	FIELD("timeout", YAML_DURATION, connector, timeout_s, NULL, 1, 3600),
	FIELD("streams", YAML_MAP, connector, streams, &stream_table, 0, 0),
	FIELD("write", YAML_STRUCT, connector, write, &writes_table, 0, 0),
};
static const struct yaml_table connector_table = {
	.size = sizeof(struct connector), .fields = connector_fields, .n_fields = ARRAY_LEN(connector_fields),
	.check = NULL,
};

/* What the organisation's file may say of a stream, besides a bare list of map entries. */
struct addition {
	const struct yaml *map, *also, *account;
	struct yaml_array usage, limits;
};

static const struct yaml_field addition_fields[] = {
	FIELD("map", YAML_NODE, addition, map, NULL, 0, 0),
	FIELD("also", YAML_NODE, addition, also, NULL, 0, 0),
	FIELD("account", YAML_NODE, addition, account, NULL, 0, 0),
	FIELD("usage", YAML_LIST, addition, usage, &metric_table, 0, 0),
	FIELD("limits", YAML_LIST, addition, limits, &metric_table, 0, 0),
};
static const struct yaml_table addition_table = {
	.size = sizeof(struct addition), .fields = addition_fields, .n_fields = ARRAY_LEN(addition_fields), .check = NULL,
};

struct reading {
	struct arena *arena;
	const struct source_settings *source;
	struct scope scope; /* with the names of secrets, without their values */
	struct mistakes *mistakes;
};

/* names in templates ----------------------------------------------------------------------------------------------- */

static void check_texts(const struct reading *r, const struct yaml *node, int depth)
{
	const char *what;

	if (!node || depth > MAX_WALK)
		return;
	if (node->type == YAML_SCALAR) {
		what = request_is_list(node->text) ? NULL : template_mistake(r->arena, node->text, &r->scope);
		if (what)
			mistake_at(r->mistakes, node, "%s", what);
		return;
	}
	for (const struct yaml *n = node->first; n; n = n->next)
		check_texts(r, n, depth + 1);
}

/* maps ------------------------------------------------------------------------------------------------------------- */

static void add_map(const struct reading *r, struct stream_settings *s, const struct yaml *node,
                    const struct yaml *more)
{
	const struct map *map = node ? map_read(r->arena, node, r->mistakes) : NULL;

	if (map && more)
		map = map_extend(r->arena, map, more, r->mistakes);
	if (!map)
		return;
	s->maps = arena_grow(r->arena, s->maps, s->n_maps, s->n_maps + 1, sizeof *s->maps);
	s->maps[s->n_maps++] = map;
}

static void add_also(const struct reading *r, struct stream_settings *s, const struct yaml *list)
{
	if (list && list->type != YAML_SEQUENCE) {
		mistake_at(r->mistakes, list, "`also:` is a list of { entity:, key:, account:, map: }");
		return;
	}
	for (const struct yaml *n = list ? list->first : NULL; n; n = n->next)
		add_map(r, s, n, NULL);
}

/* The rows belong to the account that the organisation's file names: of all that is counted, else of the first map. */
static void move_to_account(const struct reading *r, struct stream_settings *s, const struct yaml *account)
{
	for (size_t i = 0; i < s->n_maps; i++)
		if (i == 0 || counting_is_for(s->maps[i]))
			s->maps[i] = map_with_account(r->arena, s->maps[i], account, r->mistakes);
}

/* Whether slices.c walks it, and not rest.c. */
static bool is_sliced(const struct stream_settings *s)
{
	return s->slice.step_s || s->full.download_mb || (s->n_maps && counting_is_for(s->maps[0]));
}

static bool has_list_words(const struct stream_settings *s)
{
	return s->has_link || s->has_each || s->has_gone || s->cursor.from || s->for_each || s->since_s;
}

/* Words that belong to slices of time and to rows that are counted. */
static void finish_slices(const struct reading *r, struct stream_settings *s, const struct yaml *where)
{
	slice_check(&s->slice, &r->scope, r->arena, where, r->mistakes);
	counting_check(s, where, r->mistakes);
	if (s->full_diff && (s->slice.step_s || (s->n_maps && counting_is_for(s->maps[0]))))
		mistake_at(r->mistakes, where,
		           "`full_diff:` is for whole lists of rows that are kept, not for slices of time or usage");
	if ((s->full.job.post || s->incremental.job.post) && is_sliced(s))
		mistake_at(r->mistakes, where,
		           "`job:` prepares a list of rows that are kept, not slices of time, files or usage");
	if (is_sliced(s) && has_list_words(s))
		mistake_at(r->mistakes, where,
		           "`link:`, `each:`, `gone:`, `cursor:`, `for_each:` and `since:` go with lists, not with slices of time, "
		           "files or usage");
	if (!s->slice.step_s || s->has_incremental)
		return;
	s->incremental = s->full; /* the slice says from when to when */
	s->has_incremental = true;
}

static void read_addition(const struct reading *r, const struct yaml *node, struct addition *out)
{
	if (!node || node->type == YAML_SCALAR)
		return;
	if (node->type == YAML_SEQUENCE)
		out->map = node;
	else
		yaml_read(r->arena, node, &addition_table, out, r->mistakes);
}

static bool says_skip(const struct reading *r, const struct yaml *node)
{
	if (!node || node->type != YAML_SCALAR)
		return false;
	if (!text_equal_fold(node->text, "skip"))
		mistake_at(r->mistakes, node, "`%s` is neither a list of entries nor `skip`", node->text);
	return true;
}

static bool is_map_for_accounts(const struct stream_settings *s)
{
	return s->n_maps && strcmp(s->maps[0]->entity->name, "account") == 0;
}

/* The property that a path is of; NULL: none. */
static const char *property_of(struct arena *a, const char *start, const char *path)
{
	if (!start || *path == '\'' || text_starts(path, "parent.") || strcmp(path, "for_each") == 0)
		return NULL;
	if (strcmp(start, ".") == 0)
		return arena_strndup(a, path, strcspn(path, ".["));
	if (!text_starts(path, start))
		return NULL;
	path += strlen(start); /* "headers[name=" is a start too */
	return strchr(start, '[') ? arena_strndup(a, path, strcspn(path, "]")) : path;
}

/* Notes the property that a path needs; "a + b" and "a | b" need two. */
static void want(const struct reading *r, struct stream_settings *s, const char *path)
{
	const char *bar = path ? strstr(path, " | ") : NULL, *plus = bar ? bar : path ? strstr(path, " + ") : NULL, *name;

	if (plus) {
		want(r, s, plus + 3);
		path = arena_strndup(r->arena, path, (size_t)(plus - path));
	}
	if (!path || template_has_names(path) || !(name = property_of(r->arena, s->properties, path)))
		return;
	for (size_t i = 0; i < s->wanted.n; i++)
		if (strcmp(s->wanted.at[i], name) == 0)
			return;
	s->wanted.at = arena_grow(r->arena, s->wanted.at, s->wanted.n, s->wanted.n + 1, sizeof *s->wanted.at);
	s->wanted.at[s->wanted.n++] = name;
}

static void want_metrics(const struct reading *r, struct stream_settings *s, const struct yaml_array *metrics)
{
	const struct metric_settings *m = metrics->at;

	for (size_t i = 0; i < metrics->n; i++)
		want(r, s, m[i].from);
}

static void note_currency(const struct reading *r, struct stream_settings *s, const struct map *m,
                          const struct map_entry *e)
{
	if (!e->from || e->field != entity_field_index(m->entity, "currency"))
		return;
	s->currencies.at = arena_grow(r->arena, s->currencies.at, s->currencies.n, s->currencies.n + 1,
	                              sizeof *s->currencies.at);
	s->currencies.at[s->currencies.n++] = e->from;
}

static void want_all(const struct reading *r, struct stream_settings *s)
{
	for (size_t i = 0; i < s->n_maps; i++) {
		const struct map *m = s->maps[i];

		want(r, s, m->key);
		want(r, s, m->account);
		want(r, s, m->when_from);
		want(r, s, m->deleted_from);
		for (size_t j = 0; j < m->n_entries; j++) {
			want(r, s, m->entries[j].from);
			want(r, s, m->entries[j].times);
			want(r, s, m->entries[j].over);
			note_currency(r, s, m, &m->entries[j]);
		}
	}
	want_metrics(r, s, &s->usage);
	want_metrics(r, s, &s->limits);
}

/* streams ---------------------------------------------------------------------------------------------------------- */

static const struct yaml *source_map(const struct reading *r, const char *stream)
{
	return r->source->map ? yaml_member(r->source->map, stream) : NULL;
}

/* All that says what a row becomes. */
static const char *mapping_of(const struct reading *r, const struct stream_settings *s, const struct yaml *where)
{
	const struct yaml *const nodes[] = { s->row, s->also, yaml_member(where, "link"), source_map(r, s->name),
	                                     yaml_member(where, "each") };

	return fingerprint_of(r->arena, nodes, ARRAY_LEN(nodes));
}

/* order ------------------------------------------------------------------------------------------------------------ */

static bool stands_still(const struct stream_settings *s, const char *path)
{
	static const char *const births[] = { "created_on", "opened_at", "at", "issued_on" };
	const struct map *m = s->maps[0];

	for (const char *part = m->key, *end; part; part = *end ? end + 1 : NULL) {
		end = part + strcspn(part, "+");
		if (strlen(path) == (size_t)(end - part) && text_starts(part, path))
			return true;
	}
	for (size_t i = 0; i < m->n_entries; i++)
		for (size_t j = 0; j < ARRAY_LEN(births); j++)
			if (m->entries[i].from && strcmp(m->entries[i].from, path) == 0 && strcmp(m->entries[i].to, births[j]) == 0)
				return true;
	return false;
}

static bool asks_for(const struct request_settings *q, const char *order)
{
	for (const struct yaml *n = q->query ? q->query->first : NULL; n; n = n->next)
		if (n->type == YAML_SCALAR && text_starts(n->text, order))
			return true;
	return q->body != NULL;
}

/* A list that is walked by counting loses a row at each change that moves one behind what was read. A stream that is
 * listed anew at every pull may do without an order. */
static void check_order(const struct reading *r, const struct stream_settings *s, const struct request_settings *q,
                        const struct yaml *where)
{
	const char *order = q->page.order_by;

	if (!(q->get || q->post) || !page_counts_rows(&q->page) || !s->n_maps || !s->maps[0]->key)
		return;
	if (!order && s->has_incremental && q != &s->gone) /* rows only ever come to the list of those that are gone */
		mistake_at(r->mistakes, where,
		           "a list walked by counting rows needs `order_by:` in its `page:`, the path of what it is sorted by");
	if (order && !stands_still(s, order))
		mistake_at(r->mistakes, where,
		           "sorted by `%s`, which can change: rows that move during the walk would be lost; sort by the key or by "
		           "when it was created, or use last_time", order);
	if (order && !asks_for(q, order))
		mistake_at(r->mistakes, where, "`order_by: %s` stands in `page:`, but nothing in `query:` asks for it", order);
}

/* The first page says what all say, and its own. */
static void join_first_query(const struct reading *r, struct request_settings *q)
{
	struct yaml *all = q->first_query ? arena_memdup(r->arena, q->first_query, sizeof *all) : NULL;

	for (const struct yaml *n = all && q->query ? q->query->first : NULL; n; n = n->next) {
		struct yaml *copy = arena_memdup(r->arena, n, sizeof *copy);

		copy->next = all->first;
		all->first = copy;
	}
	q->first_query = all;
}

static void check_full_diff(const struct reading *r, const struct stream_settings *s, const struct yaml *where)
{
	if (s->full_diff && !page_shows_all(&s->full.page) && s->each.of != EACH_CHANGES)
		mistake_at(r->mistakes, where,
		           "`full_diff:` takes rows that a list lacks for deleted, so none may slip by: a list walked by counting "
		           "rows needs `kind: offset` with `order_by:`, `total:` and `overlap:`, or `each: { of: changes }`");
	if (s->full_diff && s->for_each)
		mistake_at(r->mistakes, where,
		           "`full_diff:` takes rows that a list lacks for deleted, and with `for_each:` they may be in another's list");
}

/* An increment is what `incremental:` asks for, or the whole list's request from the cursor on. */
static void finish_cursor(const struct reading *r, struct stream_settings *s, const struct yaml *where)
{
	if (s->cursor.from && s->has_incremental)
		mistake_at(r->mistakes, where, "`cursor:` goes on with the request of `full:`; it takes no `incremental:`");
	if (s->cursor.from && page_has_urls(&s->full.page) != (s->cursor.kind == CURSOR_DELTA_URL))
		mistake_at(r->mistakes, where, "a delta_url goes with pages of kind next_url, an opaque cursor with others");
	if (s->retention_s && !s->has_incremental && !s->cursor.from)
		mistake_at(r->mistakes, where, "`retention:` says how long changes are told; the stream asks for none");
	if (s->each.of == EACH_CHANGES && !s->has_incremental && !s->full_diff)
		mistake_at(r->mistakes, where, "`each: of: changes` goes with `incremental:` or `full_diff:`, which name them");
	check_full_diff(r, s, where);
	s->has_incremental = s->has_incremental || s->cursor.from;
	join_first_query(r, &s->full);
	join_first_query(r, &s->incremental);
	join_first_query(r, &s->gone);
}

/* Names in what maps say themselves. */
static void maps_expand(const struct scope *scope, struct arena *a, struct stream_settings *s)
{
	for (size_t i = 0; i < s->n_maps; i++) {
		struct map *map = s->maps[i]->ours ? arena_memdup(a, s->maps[i], sizeof *map) : NULL;
		struct err unused;

		if (map && template_expand(a, map->ours, scope, TEMPLATE_RAW, &map->ours, &unused) == 0)
			s->maps[i] = map;
	}
}

static void finish_stream(const struct reading *r, struct stream_settings *s, const struct yaml *where)
{
	const struct yaml *more = source_map(r, s->name);
	struct addition add = { 0 };
	struct reading stream = *r;
	size_t n_before = r->mistakes->n;

	s->has_full = s->full.get || s->full.post;
	s->has_incremental = s->incremental.get || s->incremental.post;
	s->has_gone = s->gone.get || s->gone.post;
	s->has_link = s->link.post != NULL;
	finish_cursor(r, s, where);
	s->has_each = s->each.request.get || s->each.request.post;
	s->is_left_out = says_skip(r, more);
	if (!s->has_full)
		mistake_at(r->mistakes, where, "a stream needs `full:`, the request that lists everything");
	if (!s->link.batch)
		s->link.batch = 100;
	if (!s->gone_every_s)
		s->gone_every_s = 86400;
	read_addition(r, more, &add);
	add_map(r, s, s->row, add.map);
	add_also(r, s, s->also);
	if (add.account)
		move_to_account(r, s, add.account);
	add_also(r, s, add.also);
	s->usage = add.usage;
	s->limits = add.limits;
	if ((add.usage.n || add.limits.n) && !is_map_for_accounts(s))
		mistake_at(r->mistakes, more, "`usage:` and `limits:` belong to a stream of accounts");
	finish_slices(r, s, where);
	check_order(r, s, &s->full, yaml_member(where, "full"));
	check_order(r, s, &s->incremental, yaml_member(where, "incremental"));
	check_order(r, s, &s->gone, yaml_member(where, "gone"));
	want_all(r, s);
	s->mapping = mapping_of(r, s, where);
	for_each_check(s, r->source->config, where, r->mistakes);
	stream.scope.for_each = s->for_each; /* any text will do */
	check_texts(&stream, where, 0);
	if (r->mistakes->n == n_before)
		maps_expand(&stream.scope, r->arena, s);
}

static bool is_file_name(const char *name)
{
	return *name && strlen(name) <= MAX_CONNECTOR_NAME &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

static void check_source_maps(const struct reading *r, const struct connector *c)
{
	const struct stream_settings *streams = c->streams.at;

	if (!r->source->map)
		return;
	for (const struct yaml *n = r->source->map->first; n; n = n->next) {
		bool is_known = false;

		for (size_t i = 0; i < c->streams.n; i++)
			is_known = is_known || strcmp(streams[i].name, n->key) == 0;
		if (!is_known)
			mistake_at(r->mistakes, n, "connector %s has no stream `%s`", c->name, n->key);
	}
}

/* The organisation's own wins; else what the connector says, with the names of `config:` in it. */
static void finish_base_url(const struct reading *r, struct connector *c, const struct yaml *where)
{
	struct err err = { 0 };

	if (r->source->base_url)
		c->base_url = r->source->base_url;
	else if (c->base_url && template_expand(r->arena, c->base_url, &r->scope, TEMPLATE_URL, &c->base_url, &err) < 0)
		mistake_at(r->mistakes, where, "%s", err.text);
}

static void finish_auth(const struct reading *r, struct connector *c, const struct yaml *file)
{
	const struct yaml *where = yaml_member(file, "auth");

	check_texts(r, where, 0);
	auth_finish(r->arena, c, r->source, where ? where : file, r->mistakes);
}

/* The connector's own, or, where it leaves them to the organisation, those of its file. */
static const struct yaml *streams_of(const struct reading *r, struct connector *c, const struct yaml *file)
{
	static const struct yaml_field field[] = { REQUIRED("streams", YAML_MAP, connector, streams, &stream_table) };
	static const struct yaml_table table = { .size = sizeof(struct connector), .fields = field, .n_fields = 1,
		                                     .check = NULL };
	const struct yaml *own = yaml_member(file, "streams"), *given = r->source->streams;
	struct yaml entry, holder;

	if (own && given)
		mistake_at(r->mistakes, given, "connector %s has streams of its own; say more of them under `map:`", c->name);
	if (!own && !given)
		mistake_at(r->mistakes, file, "connector %s leaves its streams to you: source %s needs `streams:`", c->name,
		           r->source->name);
	if (own || !given)
		return own;
	entry = *given;
	entry.key = "streams";
	entry.next = NULL;
	holder = (struct yaml){ .type = YAML_MAPPING, .file = given->file, .path = given->path, .line = given->line,
		                    .first = &entry };
	yaml_read(r->arena, &holder, &table, c, r->mistakes);
	return given;
}

static void finish(const struct reading *r, struct connector *c, const struct yaml *file)
{
	const struct yaml *streams = streams_of(r, c, file);
	struct stream_settings *all = c->streams.at;
	size_t n = 0;

	for (const struct yaml *node = streams ? streams->first : NULL; node && n < c->streams.n; node = node->next)
		finish_stream(r, &all[n++], node);
	finish_auth(r, c, file);
	check_texts(r, c->headers, 0);
	check_texts(r, yaml_member(file, "check"), 0);
	limits_compile(r->arena, &c->limits, file, r->mistakes);
	errors_compile(r->arena, c->errors.at, c->errors.n, file, r->mistakes);
	check_source_maps(r, c);
	check_texts(r, yaml_member(file, "write"), 0);
	writer_check(c, r->source, file, r->mistakes);
	finish_base_url(r, c, yaml_member(file, "base_url"));
	if (!c->base_url && !c->auth.oauth.store.base_url)
		mistake_at(r->mistakes, file, "every %s has its own address: source %s needs `base_url: https://host`", c->name,
		           r->source->name);
	if (c->base_url && !http_same_origin(c->base_url, c->base_url))
		mistake_at(r->mistakes, file, "`base_url` is `%s`; write https://host, without user, password or #",
		           c->base_url);
}

const struct connector *connector_read(struct arena *a, const struct yaml *file, const struct source_settings *source,
                                       struct mistakes *m)
{
	struct connector *c = arena_alloc(a, sizeof *c);
	struct named_value *secrets = arena_array(a, source->secrets.n, sizeof *secrets);
	const struct named_secret *references = source->secrets.at;
	struct reading r = { .arena = a, .source = source, .mistakes = m };
	size_t n_before = m->n;
	const struct yaml *whole = file;

	for (size_t i = 0; i < source->secrets.n; i++)
		secrets[i].name = references[i].name;
	r.scope = (struct scope){ .config = source->config, .secrets = secrets, .n_secrets = source->secrets.n };
	*c = (struct connector){ .name = source->connector, .max_attempts = 8, .first_wait_s = 1, .longest_wait_s = 60 };
	file = auth_choose(a, file, &r.scope, m);
	if (!file)
		return NULL;
	yaml_read(a, file, &connector_table, c, m);
	c->auth.is_one_of_several = file != whole;
	finish(&r, c, file);
	return m->n == n_before ? c : NULL;
}

const struct connector *connector_load(struct arena *a, const char *config_dir, const struct source_settings *source,
                                       struct mistakes *m)
{
	const struct yaml *file;

	if (!is_file_name(source->connector)) {
		mistake_at(m, &(struct yaml){ .file = source->name, .path = "connector" },
		           "`%s` is no connector; name a file of connectors/ without .yaml, or csv", source->connector);
		return NULL;
	}
	file = yaml_load(a, arena_printf(a, "%s/connectors/%s.yaml", config_dir, source->connector), m);
	return file ? connector_read(a, file, source, m) : NULL;
}
