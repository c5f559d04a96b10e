#include "each.h"

#include <stddef.h>
#include <string.h>

#include "common/text.h"
#include "request.h"

enum { DEFAULT_CONCURRENT = 4, MAX_WALK = 32 };

/* settings --------------------------------------------------------------------------------------------------------- */

#define FIELD(key, kind, member, extra, min, max) \
	{ key, kind, offsetof(struct each_settings, member), false, extra, min, max }

static const char *const of_names[] = { [EACH_ROWS] = "rows", [EACH_CHANGES] = "changes", NULL };

static const struct yaml_field fields[] = {
	FIELD("get", YAML_TEXT, request.get, NULL, 0, 0),
	FIELD("post", YAML_TEXT, request.post, NULL, 0, 0),
	FIELD("query", YAML_NODE, request.query, NULL, 0, 0),
	FIELD("body", YAML_NODE, request.body, NULL, 0, 0),
	FIELD("records", YAML_TEXT, request.records, NULL, 0, 0),
	FIELD("page", YAML_STRUCT, request.page, &page_table, 0, 0),
	FIELD("empty", YAML_TEXTS, request.empty, NULL, 0, 0),
	FIELD("id", YAML_TEXT, id, NULL, 0, 0),
	FIELD("row", YAML_TEXT, row, NULL, 0, 0),
	FIELD("of", YAML_ENUM, of, of_names, 0, 0),
	FIELD("concurrent", YAML_INT, concurrent, NULL, 1, HTTP_MOST_AT_ONCE),
};

/* Recursion: YAML is at most 32 deep. */
static bool names_parent(const struct yaml *node, int depth)
{
	bool is_there = node && node->type == YAML_SCALAR && strstr(node->text, "parent.id");

	for (const struct yaml *n = node ? node->first : NULL; n && !is_there && depth < MAX_WALK; n = n->next)
		is_there = names_parent(n, depth + 1);
	return is_there;
}

static void check_path(const struct request_settings *q, const struct yaml *where, struct mistakes *m)
{
	const char *path = q->get ? q->get : q->post;

	if (!q->get == !q->post)
		mistake_at(m, where, "one of `get:` and `post:` must say the path");
	if (q->get && q->body)
		mistake_at(m, where, "a `get:` carries no `body:`");
	if (path && !strstr(path, "parent.id") && !names_parent(q->query, 0) && !names_parent(q->body, 0))
		mistake_at(m, where, "asks the same for every row: {{parent.id}} belongs into its path, `query:` or `body:`");
}

static void check_each(void *item, const struct yaml *where, struct mistakes *m)
{
	struct each_settings *s = item;
	const struct request_settings *q = &s->request;

	check_path(q, where, m);
	if (!q->records && yaml_member(where, "page"))
		mistake_at(m, where, "`page:` goes with `records:`, the list in the answer; without it the answer is one row");
	if (q->records && s->row)
		mistake_at(m, where, "`row:` is where the row stands in an answer that has no `records:`; one of the two");
	if (q->records && s->of == EACH_CHANGES)
		mistake_at(m, where, "`of: changes` reads a row anew by itself; `records:` is a list");
	errors_check_status(&q->empty, where, m);
	if (!s->id)
		s->id = "id";
	if (!s->row)
		s->row = ".";
	if (!s->concurrent)
		s->concurrent = DEFAULT_CONCURRENT;
}

const struct yaml_table each_table = {
	.size = sizeof(struct each_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_each,
};

/* asking ----------------------------------------------------------------------------------------------------------- */

/* A row that is asked about, and what came. */
struct asked {
	const struct row *parent;
	struct pager pager;
	bool is_over;
	const struct json *whole;  /* without `records:`; NULL: it is gone */
	const struct json **lists; /* with it, one per page */
	size_t n_lists;
};

struct expansion {
	struct client *client;
	const struct stream_settings *stream;
	const struct each_settings *each;
	const struct scope *scope;
	struct asked *asked;
	size_t n;
	struct arena *arena;
};

static int make_call(const struct expansion *x, const struct asked *one, struct call *out, struct err *err)
{
	const struct request_settings *q = &x->each->request;
	const struct request_lists lists = { .properties = x->stream->wanted };
	struct scope scope = *x->scope;
	struct call call = { .method = q->get ? "GET" : "POST", .url = pager_url(&one->pager),
		                 .expected = { .empty = &q->empty } };

	scope.parent_id = one->parent->id;
	scope.page_token = pager_word(&one->pager, x->arena);
	scope.page_number = pager_number(&one->pager);
	if (!call.url &&
	    request_url(x->client->base_url, q->get ? q->get : q->post, q->query, &scope, &lists, x->arena, &call.url,
	                err) < 0)
		return -1;
	if (q->body && request_body(q->body, &scope, &lists, x->arena, &call.body, err) < 0)
		return -1;
	*out = call;
	return 0;
}

static int take_whole(const struct expansion *x, struct asked *one, const struct answer *answer, struct err *err)
{
	bool is_gone = errors_status_fits(&x->each->request.empty, answer->http.status);

	one->is_over = true;
	one->whole = is_gone ? NULL : json_at(answer->body, x->each->row);
	if (!is_gone && json_type(one->whole) != JSON_OBJECT) /* no answer at all says nothing of the row either */
		return err_set(err, ERR_INPUT, "the answer has no row at `%s`", x->each->row);
	return 0;
}

static int take_list(const struct expansion *x, struct asked *one, const struct answer *answer, struct err *err)
{
	const struct json *list = json_at(answer->body, x->each->request.records);
	const struct page_view view = { .body = answer->body, .rows = list, .n_rows = json_count(list),
		                            .response = &answer->http, .url = answer->url };
	int more;

	one->is_over = true;
	if (answer->is_empty)
		return 0;
	if (json_type(list) != JSON_ARRAY)
		return err_set(err, ERR_INPUT, "the answer has no list `%s`", x->each->request.records);
	more = pager_next(&one->pager, &view, x->arena, err);
	if (more < 0)
		return -1;
	one->lists = arena_grow(x->arena, one->lists, one->n_lists, one->n_lists + 1, sizeof *one->lists);
	one->lists[one->n_lists++] = list;
	one->is_over = more == 0;
	return 0;
}

/* One call for each row that has something left to say. Returns how many were made. */
static int ask_round(const struct expansion *x, struct err *err)
{
	struct call *calls = arena_array(x->arena, x->n + 1, sizeof *calls);
	struct answer *answers = arena_array(x->arena, x->n + 1, sizeof *answers);
	struct asked **who = arena_array(x->arena, x->n + 1, sizeof(*who));
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		if (x->asked[i].is_over)
			continue;
		if (make_call(x, &x->asked[i], &calls[n], err) < 0)
			return -1;
		who[n++] = &x->asked[i];
	}
	if (n && client_call_many(x->client, calls, n, (size_t)x->each->concurrent, x->arena, answers, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if ((x->each->request.records ? take_list : take_whole)(x, who[i], &answers[i], err) < 0)
			return err_in(err, "row %s", who[i]->parent->id);
	return n > 0;
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static int add_row(const struct expansion *x, const struct row *row, struct row *out, size_t *n, struct err *err)
{
	const char *key = x->stream->maps[0]->key, *id = rows_id(row, key, x->arena);

	if (!id)
		return err_set(err, ERR_INPUT, "a row has no `%s`", key);
	out[*n] = *row;
	out[(*n)++].id = id;
	return 0;
}

/* A row that was only named stands for itself: what named it says nothing of it. */
static int add_named(const struct expansion *x, const struct asked *one, struct row *out, size_t *n, struct err *err)
{
	struct row row = *one->parent;

	row.main = one->whole;
	row.is_gone = !one->whole;
	if (one->whole)
		return add_row(x, &row, out, n, err);
	out[(*n)++] = row;
	return 0;
}

static int add_rows(const struct expansion *x, const struct asked *one, struct row *out, size_t *n, struct err *err)
{
	struct row row = *one->parent;

	if (x->each->of == EACH_CHANGES)
		return add_named(x, one, out, n, err);
	row.parent = one->parent->main;
	if (!x->each->request.records) {
		row.is_gone = !one->whole;
		row.main = one->whole ? one->whole : row.parent;
		row.more = arena_memdup(x->arena, &row.parent, sizeof(*row.more));
		row.n_more = 1;
		return add_row(x, &row, out, n, err);
	}
	for (size_t i = 0; i < one->n_lists; i++)
		for (row.main = json_first(one->lists[i]); row.main; row.main = json_next(row.main))
			if (add_row(x, &row, out, n, err) < 0)
				return -1;
	return 0;
}

/* The same may be named several times. */
static size_t keep_once(struct asked *asked, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_there = false;

		for (size_t j = 0; j < kept && !is_there; j++)
			is_there = strcmp(asked[j].parent->id, asked[i].parent->id) == 0;
		if (!is_there)
			asked[kept++] = asked[i];
	}
	return kept;
}

int each_expand(struct client *c, const struct stream_settings *s, const struct scope *scope, const struct row *parents,
                size_t n, struct arena *a, struct row **out, size_t *out_n, struct err *err)
{
	struct expansion x = { .client = c, .stream = s, .each = &s->each, .scope = scope, .arena = a };
	size_t n_rows = n, n_out = 0;
	struct row *rows;
	int rc;

	x.asked = arena_array(a, n + 1, sizeof *x.asked);
	for (size_t i = 0; i < n; i++) {
		x.asked[i].parent = &parents[i];
		pager_init(&x.asked[i].pager, &s->each.request.page, c->base_url, NULL, a);
	}
	x.n = s->each.of == EACH_CHANGES ? keep_once(x.asked, n) : n;
	while ((rc = ask_round(&x, err)) == 1)
		continue;
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < x.n; i++)
		for (size_t j = 0; j < x.asked[i].n_lists; j++)
			n_rows += json_count(x.asked[i].lists[j]);
	rows = arena_array(a, n_rows + 1, sizeof *rows);
	for (size_t i = 0; i < x.n; i++)
		if (add_rows(&x, &x.asked[i], rows, &n_out, err) < 0)
			return err_in(err, "row %s", x.asked[i].parent->id);
	*out = rows;
	*out_n = n_out;
	return 0;
}
