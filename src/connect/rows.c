#include "rows.h"

#include <math.h>
#include <string.h>

#include "common/buf.h"
#include "common/text.h"
#include "record_show.h"
#include "store/listed.h"
#include "store/identity.h"
#include "store/pulls.h"
#include "store/record.h"
#include "store/usage.h"

enum { MAX_LIST_BYTES = 256 << 10 }; /* of one text made of a list's elements; what is beyond is left out */

/* values ----------------------------------------------------------------------------------------------------------- */

/* "to[*].address": those of all elements, with a blank between. Recursion: one level for each [*] of the path. */
static void add_path(const struct json *j, const char *path, struct arena *a, struct buf *to)
{
	const char *star = strstr(path, "[*]"), *rest = star ? star + 3 : NULL, *one;

	if (!star) {
		one = json_scalar(a, json_at(j, path));
		if (!text_is_blank(one))
			buf_printf(to, "%s%s", to->len ? " " : "", one);
		return;
	}
	j = json_at(j, arena_strndup(a, path, (size_t)(star - path)));
	for (j = json_type(j) == JSON_ARRAY ? json_first(j) : NULL; j; j = json_next(j))
		add_path(j, *rest == '.' ? rest + 1 : rest, a, to);
}

static const char *get_path(const struct json *j, const char *path, struct arena *a)
{
	CLEANUP(buf_done) struct buf all = { 0 };

	if (!strstr(path, "[*]"))
		return json_scalar(a, json_at(j, path));
	buf_init(&all, MAX_LIST_BYTES);
	add_path(j, path, a, &all);
	return all.len ? arena_strndup(a, all.at, all.len) : NULL;
}

static const char *get_one(const struct row *row, const char *path, struct arena *a)
{
	static const char parent[] = "parent.";
	size_t len = strlen(path);
	const char *text;

	if (len > 2 && path[0] == '\'' && path[len - 1] == '\'') /* a text, in a key that is not alone in its entity */
		return arena_strndup(a, path + 1, len - 2);
	if (row->parent && text_starts(path, parent))
		return get_path(row->parent, path + strlen(parent), a);
	if (strcmp(path, "for_each") == 0)
		return row->stream->element;
	text = get_path(row->main, path, a);
	for (size_t i = 0; i < row->n_more && !text; i++)
		text = get_path(row->more[i], path, a);
	for (size_t i = 0; i < row->stream->currencies.n && !text; i++)
		if (strcmp(row->stream->currencies.at[i], path) == 0)
			text = row->currency;
	return text;
}

/* "properties.firstname + properties.lastname": what is there, with a blank between. */
static const char *get_sum(const struct row *context, const char *from, struct arena *a)
{
	const char *plus = strstr(from, " + "), *left, *right;

	if (!plus)
		return get_one(context, from, a);
	left = get_one(context, arena_strndup(a, from, (size_t)(plus - from)), a);
	right = get_sum(context, plus + 3, a);
	if (text_is_blank(left) || text_is_blank(right))
		return text_is_blank(left) ? right : left;
	return arena_printf(a, "%s %s", left, right);
}

/* "company | first_name + last_name": the first of these that is there. */
const char *rows_get(const void *context, const char *from, struct arena *a)
{
	const char *bar, *text;

	while ((bar = strstr(from, " | "))) {
		text = get_sum(context, arena_strndup(a, from, (size_t)(bar - from)), a);
		if (!text_is_blank(text))
			return text;
		from = bar + 3;
	}
	return get_sum(context, from, a);
}

const char *rows_id(const struct row *row, const char *key, struct arena *a)
{
	const char *id = NULL, *path;
	bool may_be_empty;

	while ((path = map_key_part(a, &key, &may_be_empty))) {
		const char *part = rows_get(row, path, a);

		if (text_is_blank(part) && !may_be_empty)
			return NULL;
		if (text_is_blank(part))
			part = "";
		id = id ? arena_printf(a, "%s+%s", id, part) : part;
	}
	return text_is_blank(id) ? NULL : id;
}

/* usage and limits ------------------------------------------------------------------------------------------------- */

static bool metric_value(const struct row *row, const struct metric_settings *m, struct arena *a, int64_t *out)
{
	const char *text = rows_get(row, m->from, a);
	double value;

	if (text_is_blank(text) || !text_to_real(text, &value))
		return false;
	value *= m->scale > 0 ? m->scale : 1;
	if (!(value >= 0) || value > 9e15)
		return false;
	*out = llround(value);
	return true;
}

/* What the rows of a page say of usage: written at once, as many of them share a block. */
struct cells {
	struct usage_cell *at;
	size_t n;
};

static int add_usage(const struct rows_to *to, const struct row *row, const char *key, struct arena *a,
                     struct cells *out, struct err *err)
{
	const struct metric_settings *metrics = to->stream->usage.at;
	int64_t account;
	int rc;

	if (!to->stream->usage.n)
		return 0;
	rc = record_find_account(to->pull->db, to->source, ACCOUNT_BY_KEY, key, &account, err);
	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < to->stream->usage.n; i++) {
		struct usage_cell cell = { .day = to->pull->today, .account = account };

		if (!metric_value(row, &metrics[i], a, &cell.value))
			continue;
		if (metric_id(to->pull->db, metrics[i].metric, &cell.metric, err) < 0)
			return -1;
		out->at[out->n++] = cell;
	}
	return 0;
}

static void set_field(struct record *r, const char *name, struct value v)
{
	int at = entity_field_index(r->entity, name);

	v.is_set = true;
	if (at >= 0)
		r->values[at] = v;
}

static int put_limits(const struct rows_to *to, const struct row *row, const char *key, struct arena *a,
                      struct err *err)
{
	const struct metric_settings *metrics = to->stream->limits.at;

	for (size_t i = 0; i < to->stream->limits.n; i++) {
		struct record r = { .entity = entity_find("limit"), .key = arena_printf(a, "%s/%s", key, metrics[i].metric),
		                    .account_key = key, .account_by = ACCOUNT_BY_KEY };
		int64_t value;

		if (text_is_blank(rows_get(row, metrics[i].from, a))) {
			if (record_delete(to->pull->db, to->source, r.entity, r.key, to->pull->today, err) < 0)
				return -1;
			continue;
		}
		if (!metric_value(row, &metrics[i], a, &value))
			continue;
		set_field(&r, "metric", (struct value){ .text = metrics[i].metric });
		set_field(&r, "value", (struct value){ .number = value });
		if (record_put(to->pull->db, to->source, &r, to->pull->today, err) < 0)
			return -1;
	}
	return 0;
}

/* rows ------------------------------------------------------------------------------------------------------------- */

/* Each map of a row has a place of its own in the quarantine. */
static const char *quarantine_key(const struct row *row, size_t map, struct arena *a)
{
	return map ? arena_printf(a, "%s#%zu", row->id, map + 1) : row->id;
}

static int set_aside(const struct rows_to *to, const struct row *row, size_t map, const char *why, struct arena *a,
                     struct err *err)
{
	CLEANUP(arena_freep) struct arena *own = arena_new(0); /* a row may be of many megabytes */

	to->result->n_quarantined++;
	return quarantine_put(to->pull->db, to->source, to->stream->name, quarantine_key(row, map, a), why,
	                      json_print(own, row->main), to->pull->now, err);
}

static int delete_record(const struct rows_to *to, const struct map *map, const char *key, struct err *err)
{
	int rc = record_delete(to->pull->db, to->source, map->entity, key, to->pull->today, err);

	if (rc > 0)
		to->result->n_deleted++;
	return rc < 0 ? -1 : 0;
}

/* A row that is gone may say which one took it in. */
static int note_merge(const struct rows_to *to, const struct row *row, const struct map *m, const char *key,
                      struct arena *a, struct err *err)
{
	for (size_t i = 0; i < m->n_entries; i++) {
		const char *into = m->entries[i].from && strcmp(m->entries[i].to, "merged_into") == 0
		                       ? rows_get(row, m->entries[i].from, a) : NULL;

		if (!text_is_blank(into))
			return identity_note_merge(to->pull->db, to->source, key, into, err);
	}
	return 0;
}

static int store_record(const struct rows_to *to, const struct record *r, struct err *err)
{
	int rc = record_put(to->pull->db, to->source, r, to->pull->today, err);

	if (rc == 1)
		to->result->n_new++;
	if (rc == 2)
		to->result->n_changed++;
	return rc < 0 ? -1 : 0;
}

/* Stores a record with its account: what the map says, else what the link says, which may be that there is none. */
static int store_linked(const struct rows_to *to, const struct row *row, const struct map *m, struct record *r,
                        struct err *err)
{
	bool is_linked = !m->account && r->entity->has_account;
	int rc;

	if (is_linked && row->account) {
		r->account_key = row->account;
		r->account_by = ACCOUNT_BY_KEY;
	}
	if (store_record(to, r, err) < 0)
		return -1;
	if (!is_linked || !row->has_no_account)
		return 0;
	rc = record_link(to->pull->db, to->source, r->entity, r->key, NULL, err);
	if (rc == 1)
		to->result->n_changed++;
	return rc < 0 ? -1 : 0;
}

static int put_row(const struct rows_to *to, const struct row *row, size_t map, struct arena *a, struct cells *usage,
                   struct err *err)
{
	const struct map *m = to->stream->maps[map];
	struct record r = { 0 };
	struct err why = { 0 };
	int rc = map_apply(m, rows_get, row, to->pull->zone, a, &r, &why);

	if (rc < 0)
		return why.kind == ERR_INPUT ? set_aside(to, row, map, why.text, a, err)
		                             : err_set(err, why.kind, "%s", why.text);
	if (rc == 0)
		return 0;
	if (rc == 2)
		return delete_record(to, m, r.key, err) < 0 ? -1 : note_merge(to, row, m, r.key, a, err);
	if (store_linked(to, row, m, &r, err) < 0 ||
	    quarantine_clear(to->pull->db, to->source, to->stream->name, quarantine_key(row, map, a), err) < 0)
		return -1;
	if (map > 0)
		return 0;
	return add_usage(to, row, r.key, a, usage, err) < 0 || put_limits(to, row, r.key, a, err) < 0 ? -1 : 0;
}

/* Whether the row says of itself that it is gone or, as is_gone has it, that it isn't. */
static bool says_it_is(const struct row *row, const struct map *m, bool is_gone, struct arena *a)
{
	const char *text = m->deleted_from ? rows_get(row, m->deleted_from, a) : NULL;
	bool deleted;
	struct err unused;

	return text && map_reads_deleted(m, text, a, &deleted, &unused) == 0 && deleted == is_gone;
}

/* For streams whose deletions are seen by what whole lists no longer have. */
static int note_listed(const struct rows_to *to, const struct row *row, struct arena *a, struct err *err)
{
	const struct stream_settings *s = to->stream;

	if (!s->full_diff)
		return 0;
	if (says_it_is(row, s->maps[0], true, a))
		return listed_drop(to->pull->db, to->source, s->name, row->id, err);
	return listed_put(to->pull->db, to->source, s->name, row->id, to->list, err);
}

/* A further map's records have the row's key only where the map says the same path. */
int rows_delete(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err)
{
	const struct stream_settings *s = to->stream;

	for (size_t i = 0; i < n; i++) {
		if (says_it_is(&rows[i], s->maps[0], false, a))
			continue;
		if (s->full_diff && listed_drop(to->pull->db, to->source, s->name, rows[i].id, err) < 0)
			return -1;
		for (size_t map = 0; map < s->n_maps; map++)
			if (strcmp(s->maps[map]->key, s->maps[0]->key) == 0 && delete_record(to, s->maps[map], rows[i].id, err) < 0)
				return -1;
	}
	return 0;
}

/* What each map makes of a row. */
static int put_maps(const struct rows_to *to, const struct row *row, struct arena *a, struct cells *usage,
                    struct err *err)
{
	if (note_listed(to, row, a, err) < 0)
		return -1;
	for (size_t map = 0; map < to->stream->n_maps; map++)
		if (put_row(to, row, map, a, usage, err) < 0)
			return -1;
	return 0;
}

int rows_put(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err)
{
	struct cells usage = { arena_array(a, n * to->stream->usage.n + 1, sizeof *usage.at), 0 };

	for (size_t i = 0; i < n; i++) {
		int rc = rows[i].is_gone ? rows_delete(to, &rows[i], 1, a, err) : put_maps(to, &rows[i], a, &usage, err);

		to->result->n_rows++;
		if (rc < 0)
			return err_in(err, "row %s", rows[i].id);
	}
	return usage.n && usage_put(to->pull->db, usage.at, usage.n, err) < 0 ? -1 : 0;
}

/* dry run ---------------------------------------------------------------------------------------------------------- */

int rows_show(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err)
{
	const struct pull *p = to->pull;

	for (size_t i = 0; i < n; i++) {
		if (p->limit_rows && to->result->n_rows >= p->limit_rows)
			return 0;
		to->result->n_rows++;
		for (size_t map = 0; !rows[i].is_gone && map < to->stream->n_maps; map++) {
			struct record r = { 0 };
			int rc = map_apply(to->stream->maps[map], rows_get, &rows[i], p->zone, a, &r, err);

			if (rc < 0 && err->kind != ERR_INPUT)
				return -1;
			if (rc < 0)
				to->result->n_quarantined++;
			if (p->show_row && rc == 1)
				p->show_row(p->context, to->stream->name, record_show(&r, rows[i].account, a));
		}
	}
	return 0;
}
