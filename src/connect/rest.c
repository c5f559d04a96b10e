#include "rest.h"

#include <string.h>

#include "books.h"
#include "common/http.h"
#include "common/text.h"
#include "each.h"
#include "fanout.h"
#include "missing.h"
#include "request.h"
#include "rest_parts.h"
#include "rows.h"
#include "store/record.h"

enum {
	PAGE_BYTES = 512 << 20,   /* of one page: a body of 32 MiB, its tree, some repetitions */
	PROPERTY_CHARS = 15000,   /* of property names in one URL */
	MAX_REQUEST_HEADERS = 8,
};

/* pages ------------------------------------------------------------------------------------------------------------ */

/* A whole list may have a start too, as far back as the stream says. */
static int64_t start_of(const struct run *r, const struct walk_state *state)
{
	bool is_open = state->start == INSTANT_NONE && r->stream->since_s;

	return is_open ? state->end - r->stream->since_s : state->start;
}

/* What a request says besides the connector's headers. */
static int request_headers(const struct request_settings *q, const struct scope *scope, struct arena *a,
                           struct expected *out, struct err *err)
{
	struct http_header *list = arena_array(a, MAX_REQUEST_HEADERS, sizeof *list);
	const char *value;

	out->headers = list;
	for (const struct yaml *h = q->headers ? q->headers->first : NULL; h; h = h->next) {
		if (h->type != YAML_SCALAR || out->n_headers == MAX_REQUEST_HEADERS)
			continue;
		if (template_expand(a, h->text, scope, TEMPLATE_RAW, &value, err) < 0)
			return -1;
		if (*value)
			list[out->n_headers++] = (struct http_header){ h->key, value };
	}
	return 0;
}

int rest_ask_page(const struct run *r, const struct walk *w, const struct texts *properties, struct arena *a,
                  struct answer *out, struct err *err)
{
	const struct request_settings *q = w->request;
	struct scope scope = r->client->scope;
	struct request_lists lists = { .properties = *properties };
	struct expected expected = { .decode = &q->decode, .empty = &q->empty, .download_fd = w->download_fd,
		                         .max_bytes = (size_t)q->download_mb << 20, .timeout_ms = q->timeout_s * 1000,
		                         .count = q->page.count, .records = q->records };
	const char *link = pager_url(&w->pager), *url = link, *body = NULL;

	scope.window_start = start_of(r, &w->state);
	scope.window_end = w->state.end;
	scope.zone = w->zone;
	scope.page_token = pager_word(&w->pager, a);
	scope.page_number = pager_number(&w->pager);
	scope.job_id = w->job.id;
	if (link && !http_same_origin(r->client->base_url, link)) /* kept before the API moved */
		return err_set(err, ERR_INPUT, "the place to go on from is not at %s", http_redact(a, r->client->base_url));
	if (!link && request_url(r->client->base_url, q->get ? q->get : q->post,
	                         w->pager.token || !q->first_query ? q->query : q->first_query, &scope, &lists, a, &url,
	                         err) < 0)
		return -1;
	if ((q->body && request_body(q->body, &scope, &lists, a, &body, err) < 0) ||
	    request_headers(q, &scope, a, &expected, err) < 0)
		return -1;
	return client_call_for(r->client, q->get ? "GET" : "POST", url, body, &expected, a, out, err);
}

int rest_list_of(const struct run *r, const struct walk *w, const struct answer *x, const struct json **out,
                 struct err *err)
{
	*out = NULL;
	if (x->is_empty)
		return 0;
	*out = json_at(x->body, w->request->records);
	if (json_is_null(*out) && (*out || w->request->has_optional_records)) /* some write an empty list so */
		return 0;
	if (!*out && w->state.kind == WALK_INCREMENTAL && r->stream->cursor.from && json_type(x->body) == JSON_OBJECT &&
	    !json_first(x->body)) /* "{}" is how some say that nothing changed */
		return 0;
	if (json_type(*out) != JSON_ARRAY)
		return err_set(err, ERR_INPUT, "the answer has no list `%s`: is this the API that connector %s is for?",
		               w->request->records, r->client->connector->name);
	return 0;
}

static int read_rows(const struct run *r, const struct json *list, bool is_asked_about, struct arena *a,
                     struct row **out, size_t *out_n, struct err *err)
{
	const char *key = is_asked_about ? r->stream->each.id : r->stream->maps[0]->key;
	size_t n = 0;

	*out = arena_array(a, json_count(list) + 1, sizeof **out);
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		struct row row = { .main = j, .stream = r->stream, .currency = r->pull->currency };

		row.id = rows_id(&row, key, a);
		if (!row.id)
			return err_set(err, ERR_INPUT, "a row has no `%s`", key);
		(*out)[n++] = row;
	}
	*out_n = n;
	return 0;
}

static bool uses_properties_in_url(const struct request_settings *q)
{
	for (const struct yaml *n = q->query ? q->query->first : NULL; n; n = n->next)
		if (n->type == YAML_SCALAR && template_is(n->text, "properties"))
			return true;
	return false;
}

/* Adds the other properties of the same rows. The list may have moved between two requests: then the page is not
 * whole. */
static int add_chunk(const struct json *list, struct row *rows, size_t n, size_t n_chunks, const char *key,
                     struct arena *a, struct err *err)
{
	size_t i = 0;

	for (const struct json *j = json_first(list); j; j = json_next(j), i++) {
		const char *id = json_scalar(a, json_at(j, key));

		if (i >= n || !id || strcmp(id, rows[i].id) != 0)
			break;
		if (!rows[i].more)
			rows[i].more = arena_array(a, n_chunks, sizeof(*rows[i].more));
		rows[i].more[rows[i].n_more++] = j;
	}
	if (i != n || i != json_count(list))
		return err_set(err, ERR_RETRY,
		               "the list changed while its properties were read; the next pull reads the page again");
	return 0;
}

/* Whether the rows of its pages are only those to ask about. */
static bool is_expanded(const struct run *r, const struct walk *w)
{
	if (r->stream->each.of == EACH_CHANGES)
		return w->state.kind == WALK_INCREMENTAL;
	return r->stream->has_each && w->state.kind != WALK_GONE;
}

/* Asks for a page, all its properties, and splits it into rows. */
static int get_page(const struct run *r, const struct walk *w, struct arena *a, struct answer *x,
                    const struct json **list, struct row **rows, size_t *n_rows, struct err *err)
{
	const struct texts *chunks;
	size_t n_chunks = request_chunks(a, &r->stream->wanted,
	                                 uses_properties_in_url(w->request) ? PROPERTY_CHARS : SIZE_MAX, &chunks);

	if (rest_ask_page(r, w, &chunks[0], a, x, err) < 0 || rest_list_of(r, w, x, list, err) < 0 ||
	    read_rows(r, *list, is_expanded(r, w), a, rows, n_rows, err) < 0)
		return -1;
	for (size_t i = 1; i < n_chunks && *n_rows; i++) {
		const struct json *more;
		struct answer y;

		if (rest_ask_page(r, w, &chunks[i], a, &y, err) < 0 || rest_list_of(r, w, &y, &more, err) < 0 ||
		    add_chunk(more, *rows, *n_rows, n_chunks, r->stream->maps[0]->key, a, err) < 0)
			return -1;
	}
	return 0;
}

/* The same; where the link to a page is refused, from behind the last row. */
static int get_page_somehow(const struct run *r, struct walk *w, struct arena *a, struct answer *x,
                            const struct json **list, struct row **rows, size_t *n_rows, struct err *err)
{
	if (get_page(r, w, a, x, list, rows, n_rows, err) == 0)
		return 0;
	if (err->kind != ERR_INPUT || !pager_leave_link(&w->pager))
		return -1;
	return get_page(r, w, a, x, list, rows, n_rows, err);
}

static int expand_page(const struct run *r, const struct walk *w, struct row **rows, size_t *n, struct arena *a,
                       struct err *err)
{
	struct scope scope = r->client->scope;
	size_t n_parents = *n;

	scope.window_start = start_of(r, &w->state);
	scope.window_end = w->state.end;
	if (r->pull->is_dry_run && r->pull->limit_rows && n_parents > (size_t)r->pull->limit_rows)
		n_parents = (size_t)r->pull->limit_rows;
	return each_expand(r->client, r->stream, &scope, *rows, n_parents, a, rows, n, err);
}

static int link_page(const struct run *r, struct row *rows, size_t n, struct arena *a, struct err *err)
{
	struct linked *linked = arena_array(a, n + 1, sizeof *linked);

	for (size_t i = 0; i < n; i++)
		linked[i].id = rows[i].id;
	if (fanout_link(r->client, &r->stream->link, linked, n, a, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		rows[i].account = linked[i].account;
		rows[i].has_no_account = linked[i].has_none;
	}
	return 0;
}

/* Asks for what the list itself does not say of its rows. */
static int complete_rows(const struct run *r, const struct walk *w, struct row **rows, size_t *n, struct arena *a,
                         struct err *err)
{
	if (is_expanded(r, w) && expand_page(r, w, rows, n, a, err) < 0)
		return -1;
	return r->stream->has_link && w->state.kind != WALK_GONE && *n ? link_page(r, *rows, *n, a, err) : 0;
}

static void note_end(const struct run *r, const struct walk *w, struct progress *next)
{
	window_done(next, &w->state, r->client->ahead_s);
	if (w->cursor || w->state.kind == WALK_FULL)
		next->cursor = w->cursor ? arena_strdup(r->arena, w->cursor) : NULL;
}

/* Page, rows and cursor in one transaction; the network has been asked before it begins. */
static int store_page(struct run *r, const struct walk *w, const struct row *rows, size_t n, bool is_last,
                      struct arena *a, struct err *err)
{
	const struct rows_to to = { r->pull, r->stream, r->source, r->result, r->progress.n_lists };
	struct progress next = r->progress;
	CLEANUP(txn_end) struct txn txn = { 0 };
	int rc;

	next.walk = w->state;
	next.walk.token = rest_job_place(w, a);
	if (is_last)
		note_end(r, w, &next);
	if (txn_begin(&txn, r->pull->db, err) < 0)
		return -1;
	rc = w->state.kind == WALK_GONE ? rows_delete(&to, rows, n, a, err) : rows_put(&to, rows, n, a, err);
	if (rc < 0 || cursor_set(r->pull->db, r->source, r->stream->name, progress_write(a, &next), r->pull->now,
	                         err) < 0 ||
	    txn_commit(&txn, err) < 0)
		return -1;
	r->progress = next;
	r->progress.walk.token = NULL; /* lived in the page's arena or the walk's; not read again in this process */
	return 0;
}

/* What a whole list no longer has: those that a question by itself finds are living after all. */
static int find_missing(const struct run *r, const struct walk *w, const struct rows_to *to, struct row **rows,
                        size_t *n, struct arena *a, struct err *err)
{
	int rc = missing_find(to, a, rows, n, err);

	if (rc || !*n || r->stream->each.of != EACH_CHANGES)
		return rc;
	return expand_page(r, w, rows, n, a, err);
}

/* The end of a whole list, all of which is stored: what it no longer has is gone. A list in doubt doesn't count as the
 * one that is due. */
static int end_list(struct run *r, const struct walk *w, struct arena *a, struct err *err)
{
	const struct rows_to to = { r->pull, r->stream, r->source, r->result, r->progress.n_lists };
	struct progress next = r->progress;
	struct err doubt = { 0 };
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct row *rows = NULL;
	size_t n = 0;
	int rc = find_missing(r, w, &to, &rows, &n, a, &doubt);

	*err = doubt;
	note_end(r, w, &next);
	if (rc > 0)
		next.full_at = r->progress.full_at;
	if (rc < 0 || txn_begin(&txn, r->pull->db, err) < 0 || missing_settle(&to, rows, n, a, err) < 0 ||
	    cursor_set(r->pull->db, r->source, r->stream->name, progress_write(a, &next), r->pull->now, err) < 0 ||
	    txn_commit(&txn, err) < 0)
		return -1;
	r->progress = next;
	return rc > 0 ? -1 : 0;
}

static int keep_page(struct run *r, const struct walk *w, const struct row *rows, size_t n, bool is_last,
                     struct arena *a, struct err *err)
{
	const struct rows_to to = { r->pull, r->stream, r->source, r->result, 0 };
	bool must_compare = is_last && r->stream->full_diff && w->state.kind == WALK_FULL && w->is_proper_end;

	if (r->pull->is_dry_run)
		return w->state.kind == WALK_GONE ? 0 : rows_show(&to, rows, n, a, err);
	if (store_page(r, w, rows, n, is_last && !must_compare, a, err) < 0)
		return -1;
	return must_compare ? end_list(r, w, a, err) : 0;
}

bool rest_has_enough(const struct run *r)
{
	return r->pull->is_dry_run && r->pull->limit_rows && r->result->n_rows >= r->pull->limit_rows;
}

/* Notes the source's own cursor, where the page says one. A list that ends without it, or with a status or a null that
 * stands for no rows, may have been cut short. */
static int see_cursor(const struct run *r, struct walk *w, const struct answer *x, const struct json *list,
                      struct arena *a, struct err *err)
{
	const char *cursor = NULL;

	if (w->state.kind == WALK_GONE ||
	    cursor_see(&r->stream->cursor, x->body, x->url, r->client->base_url, a, &cursor, err) < 0)
		return w->state.kind == WALK_GONE ? 0 : -1;
	if (cursor)
		w->cursor = arena_strdup(w->pager.arena, cursor);
	w->is_proper_end = json_type(list) == JSON_ARRAY && (!r->stream->cursor.from || w->cursor);
	return 0;
}

/* What people are shown while it goes on. */
static void note_pace(struct run *r, const struct walk *w, const struct answer *x)
{
	int64_t total;

	r->result->n_requests = r->client->limiter.n_requests - r->n_requests_before;
	if (w->page.total && json_int(json_at(x->body, w->page.total), &total) && total > 0)
		r->result->n_expected = total;
}

/* One page. Returns 1 when there is a further one. */
static int walk_page(struct run *r, struct walk *w, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(PAGE_BYTES);
	const struct json *list;
	struct page_view view;
	struct answer x = { 0 };
	struct row *rows = NULL;
	size_t n = 0;
	int more;

	if (get_page_somehow(r, w, a, &x, &list, &rows, &n, err) < 0 || see_cursor(r, w, &x, list, a, err) < 0)
		return -1;
	view = (struct page_view){ .body = x.body, .rows = list, .n_rows = n, .response = &x.http, .url = x.url };
	more = pager_next(&w->pager, &view, a, err);
	if (more == 0 && rest_job_check(r, w, err) < 0)
		return -1;
	if (more < 0 || complete_rows(r, w, &rows, &n, a, err) < 0 || keep_page(r, w, rows, n, more == 0, a, err) < 0)
		return -1;
	r->result->n_pages++;
	note_pace(r, w, &x);
	if (r->pull->progress)
		r->pull->progress(r->pull->context, r->result);
	return more && !rest_has_enough(r);
}

/* walks ------------------------------------------------------------------------------------------------------------ */

static const struct request_settings *request_of(const struct stream_settings *s, enum walk_kind kind)
{
	switch (kind) {
	case WALK_INCREMENTAL: return s->cursor.from ? &s->full : &s->incremental;
	case WALK_GONE: return &s->gone;
	case WALK_NONE:
	case WALK_FULL: return &s->full;
	}
	return &s->full;
}

int rest_walk_begin(const struct run *r, struct walk *w, const struct walk_state *state, struct arena *a,
                    struct err *err)
{
	struct scope scope = r->client->scope;

	w->request = request_of(r->stream, state->kind);
	w->state = *state;
	w->page = w->request->page;
	if (r->stream->cursor.kind == CURSOR_OPAQUE && r->stream->cursor.from)
		w->cursor = state->token;
	scope.window_start = start_of(r, state);
	scope.window_end = state->end;
	scope.zone = w->zone;
	if (w->page.first && template_expand(a, w->page.first, &scope, TEMPLATE_RAW, &w->page.first, err) < 0)
		return -1;
	pager_init(&w->pager, &w->page, r->client->base_url, state->token, a);
	return 0;
}

static int walk_list(struct run *r, const struct walk_state *state, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct walk w = { 0 };
	int64_t page = 1;
	int rc;

	if (r->stream->full_diff && state->kind == WALK_FULL && !state->token)
		r->progress.n_lists++;
	if (rest_walk_begin(r, &w, state, a, err) < 0 || rest_job_open(r, &w, a, err) < 0)
		return -1;
	while ((rc = walk_page(r, &w, err)) == 1)
		page++;
	if (rc == 0)
		rest_job_close(r, &w);
	return rc < 0 ? err_in(err, "page %lld", (long long)page) : 0;
}

static const char *mode_of(const struct walk_state *state)
{
	return state->kind == WALK_INCREMENTAL ? "incremental" : "full";
}

/* A walk that goes on from a kept place, which is refused by now, begins anew: from the place before, or with all. */
static int walk_from(struct run *r, struct walk_state *state, const struct walk_wish *wish, struct err *err)
{
	int64_t n_pages = r->result->n_pages;

	while (walk_list(r, state, err) < 0) {
		if (!state->token || err->kind != ERR_INPUT || r->result->n_pages != n_pages)
			return -1;
		progress_forget(&r->progress);
		*state = window_plan(&r->progress, wish, r->pull->now);
		r->result->mode = mode_of(state);
	}
	return 0;
}

static int pull_lists(struct run *r, struct walk_state *main_walk, const struct walk_wish *wish, struct err *err)
{
	struct walk_state gone = { .kind = WALK_GONE, .start = INSTANT_NONE, .end = r->pull->now };

	if (slices_are_for(r->stream))
		return slices_pull(r, main_walk, err);
	if (walk_from(r, main_walk, wish, err) < 0)
		return -1;
	if (!r->stream->has_gone || r->pull->is_dry_run ||
	    !(main_walk->kind == WALK_FULL || window_gone_is_due(&r->progress, r->stream->gone_every_s, r->pull->now)))
		return 0;
	return walk_list(r, &gone, err) < 0 ? err_in(err, "deleted rows") : 0;
}

int rest_stream(const struct pull *p, struct client *client, int64_t source, const struct stream_settings *s,
                struct pull_result *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct run r = { .pull = p, .client = client, .stream = s, .arena = a, .source = source, .result = out };
	struct walk_wish wish = { .has_incremental = s->has_incremental, .is_full = p->is_full, .lag_s = s->lag_s,
		                      .full_every_s = s->full_every_s, .retention_s = s->retention_s,
		                      .has_cursor = s->cursor.from != NULL };
	struct walk_state walk;
	const char *cursor = NULL;
	struct err broken = { 0 };
	int64_t id = 0;
	int rc;

	r.n_requests_before = client->limiter.n_requests;
	*out = (struct pull_result){ .stream = s->name, .mode = "full" };
	if (cursor_get(p->db, source, s->name, a, &cursor, err) < 0)
		return -1;
	r.progress = progress_read(a, cursor);
	progress_expect(&r.progress, s->mapping);
	walk = window_plan(&r.progress, &wish, p->now);
	out->mode = mode_of(&walk);
	if (books_expected(p, source, out, err) < 0 || books_begin(p, source, out, &id, err) < 0)
		return -1;
	rc = pull_lists(&r, &walk, &wish, err);
	if (books_end(p, id, out, rc < 0 ? err->text : NULL, &broken) < 0) {
		*err = broken;
		return -1;
	}
	return rc;
}
