#include "page.h"

#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "page_parts.h"

enum { DEFAULT_MAX_PAGES = 10000, SEEN_AT_FIRST = 256, MAX_TOKEN_BYTES = 8192, MAX_BACKS = 12 };

/* hashes ----------------------------------------------------------------------------------------------------------- */

struct page_seen {
	uint64_t *slots; /* 0: free */
	size_t n, cap;
};

static uint64_t hash_of(char kind, const char *data, size_t len)
{
	uint64_t h = 14695981039346656037u ^ (unsigned char)kind;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)data[i]) * 1099511628211u;
	return h ? h : 1;
}

/* Puts it in; false when it was there. */
static bool insert(struct page_seen *s, uint64_t h)
{
	size_t at = (size_t)h & (s->cap - 1);

	for (; s->slots[at]; at = (at + 1) & (s->cap - 1))
		if (s->slots[at] == h)
			return false;
	s->slots[at] = h;
	s->n++;
	return true;
}

static bool is_new(struct pager *p, char kind, const char *data, size_t len)
{
	struct page_seen *s = p->seen;

	if (s->n * 2 >= s->cap) {
		struct page_seen larger = { arena_array(p->arena, s->cap * 2, sizeof *s->slots), 0, s->cap * 2 };

		for (size_t i = 0; i < s->cap; i++)
			if (s->slots[i])
				(void)insert(&larger, s->slots[i]);
		*s = larger;
	}
	return insert(s, hash_of(kind, data, len));
}

static struct page_seen nothing_seen(struct arena *a)
{
	return (struct page_seen){ arena_array(a, SEEN_AT_FIRST, sizeof(uint64_t)), 0, SEEN_AT_FIRST };
}

void page_forget_seen(struct pager *p)
{
	*p->seen = nothing_seen(p->arena);
}

/* pagers ----------------------------------------------------------------------------------------------------------- */

static bool says_more(const struct page_settings *s, const struct json *body)
{
	const struct json *more = s->more ? json_at(body, s->more) : NULL;
	bool flag;

	if (s->end && json_bool(json_at(body, s->end), &flag) && flag)
		return false;
	if (!s->more)
		return true;
	return !json_is_null(more) && (!json_bool(more, &flag) || flag);
}

static const char *text_from(const char *from, const struct page_view *v, struct arena *a)
{
	static const char header[] = "header:";

	if (text_starts(from, header))
		return http_header(v->response, from + strlen(header));
	return json_scalar(a, json_at(v->body, from));
}

static int next_none(struct pager *p, const struct page_view *v, struct arena *a, const char **out,
                     struct err *err)
{
	(void)p, (void)v, (void)a, (void)err;
	*out = NULL;
	return 0;
}

static int next_cursor(struct pager *p, const struct page_view *v, struct arena *a, const char **out,
                       struct err *err)
{
	const char *token = text_from(p->settings->from, v, a);

	(void)err;
	if (text_is_blank(token) || (p->settings->stop && strcmp(token, p->settings->stop) == 0))
		token = NULL;
	*out = token;
	return 0;
}

/* The target of `<...>; rel="next"` in a Link header. */
static const char *link_of(const char *header, const char *rel, struct arena *a)
{
	const char *want = arena_printf(a, "rel=\"%s\"", rel), *bare = arena_printf(a, "rel=%s", rel);

	for (const char *at = header; at && (at = strchr(at, '<')); ) {
		const char *close = strchr(at, '>'), *following = close ? strchr(close, '<') : NULL, *parameters;

		if (!close)
			return NULL;
		parameters = arena_strndup(a, close, following ? (size_t)(following - close) : strlen(close));
		if (strstr(parameters, want) || strstr(parameters, bare))
			return arena_strndup(a, at + 1, (size_t)(close - at - 1));
		at = following;
	}
	return NULL;
}

int page_next_url(struct pager *p, const struct page_view *v, struct arena *a, const char **out, struct err *err)
{
	const struct page_settings *s = p->settings;
	const char *link = s->link_rel ? link_of(http_header(v->response, "link"), s->link_rel, a)
	                               : text_from(s->from, v, a);

	if (text_is_blank(link)) {
		*out = NULL;
		return 0;
	}
	link = http_resolve(a, v->url, link);
	if (!link || !http_same_origin(p->base_url, link))
		return err_set(err, ERR_INPUT,
		               "the link to the next page leads to another place (%s), where our credentials don't go",
		               link ? http_redact(a, link) : "not a URL");
	*out = link;
	return 0;
}

const char *page_second_part(const char *token)
{
	const char *at = token ? strchr(token, '@') : NULL;

	return at ? at + 1 : NULL;
}

const char *page_first_part(const char *token, struct arena *a)
{
	return token ? arena_strndup(a, token, strcspn(token, "@")) : NULL;
}

static const char *mark_of(const struct page_settings *s, const struct json *row, struct arena *a)
{
	const char *id = json_scalar(a, json_at(row, s->field));

	return id ? arena_printf(a, "%016llx", (unsigned long long)hash_of('k', id, strlen(id))) : "";
}

/* Whether rows have slipped away since the page before: none of those that must come again does. */
static bool is_torn(const struct pager *p, const struct page_view *v, struct arena *a)
{
	const char *marks = page_second_part(p->token);

	for (const struct json *row = marks ? json_first(v->rows) : NULL; row; row = json_next(row)) {
		const char *mark = mark_of(p->settings, row, a);

		if (*mark && strstr(marks, mark))
			return false;
	}
	return marks != NULL;
}

/* Goes back, further each time, to where rows that were read come again; what is read twice is stored once. */
static int step_back(struct pager *p, int64_t at, struct arena *a, const char **out, struct err *err)
{
	int64_t back = p->settings->size << p->n_backs;

	if (p->n_backs++ == MAX_BACKS)
		return err_set(err, ERR_RETRY, "rows leave the list faster than it can be read");
	page_forget_seen(p);
	*out = at > back ? arena_printf(a, "%lld@%s", (long long)(at - back), page_second_part(p->token)) : "0";
	return 0;
}

/* The place behind a page, less the overlap, with the marks of the rows that must come again. */
static const char *place_behind(const struct pager *p, const struct page_view *v, int64_t end, struct arena *a)
{
	const struct page_settings *s = p->settings;
	int64_t n = 0, n_rows = (int64_t)v->n_rows;
	const char *marks = "";

	if (!s->overlap || n_rows <= s->overlap)
		return arena_printf(a, "%lld", (long long)end);
	for (const struct json *row = json_first(v->rows); row; row = json_next(row))
		if (n++ >= n_rows - s->overlap)
			marks = arena_printf(a, "%s%s%s", marks, *marks ? "," : "", mark_of(s, row, a));
	return arena_printf(a, "%lld@%s", (long long)(end - s->overlap), marks);
}

static int next_offset(struct pager *p, const struct page_view *v, struct arena *a, const char **out, struct err *err)
{
	const struct page_settings *s = p->settings;
	int64_t at = 0, end, total = -1;

	*out = NULL;
	if (p->token && !text_to_int(page_first_part(p->token, a), &at))
		at = 0;
	if (is_torn(p, v, a))
		return step_back(p, at, a, out, err);
	end = at + (int64_t)v->n_rows;
	if (s->total && !json_int(json_at(v->body, s->total), &total))
		total = -1;
	/* A page may be shorter than asked for: some APIs cut what is asked for silently. The total doesn't lie. */
	if (total >= 0 ? end >= total : (int64_t)v->n_rows < s->size)
		return 0;
	if (v->n_rows == 0)
		return err_set(err, ERR_RETRY, "the list ends after %lld rows, but says that it has %lld", (long long)at,
		               (long long)total);
	*out = place_behind(p, v, end, a);
	return 0;
}

/* Some lists have numbers for their first pages and tokens ("@token" here) for what comes behind. */
static int next_number(struct pager *p, const struct page_view *v, struct arena *a, const char **out,
                       struct err *err)
{
	const struct page_settings *s = p->settings;
	const char *token = s->from ? json_scalar(a, json_at(v->body, s->from)) : NULL;
	int64_t at = 1;

	*out = NULL;
	if (s->more ? !says_more(s, v->body) : (int64_t)v->n_rows < s->size)
		return 0;
	if (!text_is_blank(token)) {
		*out = arena_printf(a, "@%s", token);
		return 0;
	}
	if (!v->n_rows)
		return err_set(err, ERR_RETRY, "the page is empty, but the answer says that there is more (`%s`)", s->more);
	if (!text_to_int(p->token, &at) || (s->cap && at >= s->cap))
		return err_set(err, ERR_INPUT, "the list goes on behind page %s, but its answer has no `%s` to go on with",
		               p->token, s->from ? s->from : "number");
	*out = arena_printf(a, "%lld", (long long)at + 1);
	return 0;
}

/* Ids that are numbers too long for a machine's: compared by length, then by digits. */
static bool is_greater(const char *id, const char *than)
{
	size_t n = strlen(id), m = strlen(than);

	return n != m ? n > m : strcmp(id, than) > 0;
}

int page_last_of(const struct page_settings *s, const struct page_view *v, bool is_ascending, struct arena *a,
                 const char **out, int64_t *n_new, struct err *err)
{
	const char *last = *out;

	for (const struct json *row = json_first(v->rows); row; row = json_next(row)) {
		const char *id = json_scalar(a, json_at(row, s->field));

		if (text_is_blank(id))
			return err_set(err, ERR_INPUT, "a row has no `%s`, so the place to go on from is not known", s->field);
		if (is_ascending && last && is_greater(last, id)) /* a row that comes twice is harmless */
			return err_set(err, ERR_INPUT, "rows come out of order (%s behind %s): some could be lost", id, last);
		*n_new += !last || strcmp(last, id) != 0;
		last = id;
	}
	*out = last;
	return 0;
}

static int next_last_id(struct pager *p, const struct page_view *v, struct arena *a, const char **out,
                        struct err *err)
{
	const struct page_settings *s = p->settings;
	const char *last = p->token;
	int64_t n_new = 0;

	*out = NULL;
	if (page_last_of(s, v, s->ascending, a, &last, &n_new, err) < 0)
		return -1;
	if (!v->n_rows && s->more && says_more(s, v->body))
		return err_set(err, ERR_RETRY, "the page is empty, but the answer says that there is more (`%s`)", s->more);
	if (v->n_rows)
		*out = last;
	return 0;
}

/* The times of a page's first and last row; they must not fall. */
static int read_times(const struct page_settings *s, const struct page_view *v, struct arena *a, int64_t *first,
                      int64_t *last, struct err *err)
{
	bool is_first = true;

	for (const struct json *row = json_first(v->rows); row; row = json_next(row)) {
		const char *text = json_scalar(a, json_at(row, s->field));
		int64_t at;

		if (!text || !instant_parse(text, &at))
			return err_set(err, ERR_INPUT, "a row's `%s` is no time, so the place to go on from is not known",
			               s->field);
		if (!is_first && at < *last)
			return err_set(err, ERR_INPUT, "rows come out of order (%s behind a later one): some could be lost", text);
		if (is_first)
			*first = at;
		*last = at;
		is_first = false;
	}
	return 0;
}

/* Begins a new query at each page, a second before its last row: neither an edit during the walk, which moves a row to
 * the end, nor a limit of pages loses one. Only where a second has more rows than a page are pages counted. */
static int next_last_time(struct pager *p, const struct page_view *v, struct arena *a, const char **out,
                          struct err *err)
{
	const struct page_settings *s = p->settings;
	int64_t since = INSTANT_NONE, number, first = 0, last = 0;
	const char *word = page_first_part(p->token, a);

	*out = NULL;
	if (word && !instant_parse(word, &since))
		since = INSTANT_NONE;
	if (!text_to_int(pager_number(p), &number))
		number = 1;
	if (read_times(s, v, a, &first, &last, err) < 0)
		return -1;
	/* The query began a second before a row that was read: even if it has moved since, it is still behind there. */
	if (p->n_pages > 1 && !v->n_rows && number == 1)
		return err_set(err, ERR_INPUT, "the list is empty from %s on, where it had rows a moment ago", word);
	if ((int64_t)v->n_rows < s->size)
		return 0;
	if (last - 1 > since) {
		since = last - 1;
		number = first == last ? 2 : 1;
	} else if (++number > s->cap && s->cap) {
		return err_set(err, ERR_INPUT, "more rows changed within one second (%s) than the API lists: %lld pages", word,
		               (long long)s->cap);
	}
	*out = arena_printf(a, "%s@%lld", instant_text(a, since), (long long)number);
	return 0;
}

static const struct {
	const char *name;
	page_next_fn *next;
	const char *first; /* token of the first page */
	bool needs_from, needs_field, needs_size;
} pagers[] = {
	{ "none", next_none, NULL, false, false, false },
	{ "cursor", next_cursor, NULL, true, false, false },
	{ "next_url", page_next_url, NULL, true, false, false },
	{ "offset", next_offset, "0", false, false, true },
	{ "number", next_number, "1", false, false, true },
	{ "last_id", next_last_id, NULL, false, true, false },
	{ "last_time", next_last_time, NULL, false, true, true },
	{ "keyset", page_next_keyset, NULL, false, true, false },
};

static const char *const pager_names[] = { "none", "cursor", "next_url", "offset", "number", "last_id", "last_time",
	                                       "keyset", NULL };
enum { PAGER_NEXT_URL = 2, PAGER_OFFSET, PAGER_NUMBER, PAGER_LAST_TIME = 6, PAGER_KEYSET };

static const struct yaml_field fields[] = {
	{ "kind", YAML_ENUM, offsetof(struct page_settings, kind), true, pager_names, 0, 0 },
	{ "from", YAML_TEXT, offsetof(struct page_settings, from), false, NULL, 0, 0 },
	{ "link", YAML_TEXT, offsetof(struct page_settings, link_rel), false, NULL, 0, 0 },
	{ "stop", YAML_TEXT, offsetof(struct page_settings, stop), false, NULL, 0, 0 },
	{ "more", YAML_TEXT, offsetof(struct page_settings, more), false, NULL, 0, 0 },
	{ "end", YAML_TEXT, offsetof(struct page_settings, end), false, NULL, 0, 0 },
	{ "field", YAML_TEXT, offsetof(struct page_settings, field), false, NULL, 0, 0 },
	{ "total", YAML_TEXT, offsetof(struct page_settings, total), false, NULL, 0, 0 },
	{ "count", YAML_TEXT, offsetof(struct page_settings, count), false, NULL, 0, 0 },
	{ "first", YAML_TEXT, offsetof(struct page_settings, first), false, NULL, 0, 0 },
	{ "order_by", YAML_TEXT, offsetof(struct page_settings, order_by), false, NULL, 0, 0 },
	{ "size", YAML_INT, offsetof(struct page_settings, size), false, NULL, 1, 100000 },
	{ "overlap", YAML_INT, offsetof(struct page_settings, overlap), false, NULL, 1, 100 },
	{ "cap", YAML_INT, offsetof(struct page_settings, cap), false, NULL, 1, 100000 },
	{ "max_pages", YAML_INT, offsetof(struct page_settings, max_pages), false, NULL, 1, 10000000 },
	{ "ascending", YAML_BOOL, offsetof(struct page_settings, ascending), false, NULL, 0, 0 },
	{ "empty_page_stops", YAML_BOOL, offsetof(struct page_settings, empty_page_stops), false, NULL, 0, 0 },
};

static void check_overlap(const struct page_settings *s, const struct yaml *where, struct mistakes *m)
{
	if (s->overlap && (s->kind != PAGER_OFFSET || !s->field || s->overlap >= s->size))
		mistake_at(m, where,
		           "`overlap:` is for offset, less than `size:`, and needs `field:`, the path of the id in a row");
}

/* Whether pages have a number at first, and a token later. */
static bool has_tokens(const struct page_settings *s)
{
	return s->kind == PAGER_NUMBER && s->from;
}

static void check_cap(const struct page_settings *s, const struct yaml *where, struct mistakes *m)
{
	if (s->cap && s->kind != PAGER_LAST_TIME && !has_tokens(s))
		mistake_at(m, where,
		           "`cap:` is for last_time, and number with `from:`; `max_pages:` ends a walk that has too many pages");
}

static void check_page(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct page_settings *s = item;

	if (pagers[s->kind].needs_from && !s->from && !(s->kind == PAGER_NEXT_URL && s->link_rel))
		mistake_at(m, where, "a %s needs `from:`, the path of the token in the answer", pagers[s->kind].name);
	if (pagers[s->kind].needs_field && !s->field)
		mistake_at(m, where, "%s needs `field:`, the path of %s in a row", pagers[s->kind].name,
		           s->kind == PAGER_LAST_TIME ? "the time" : "the id");
	if (pagers[s->kind].needs_size && !s->size)
		mistake_at(m, where, "%s needs `size:`, the rows of a full page", pagers[s->kind].name);
	check_overlap(s, where, m);
	if (s->kind == PAGER_KEYSET && !s->total && !s->size)
		mistake_at(m, where,
		           "keyset needs `total:`, the path of the number of rows, or `size:`, the rows of a full page");
	check_cap(s, where, m);
}

const struct yaml_table page_table = {
	.size = sizeof(struct page_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_page,
};

void pager_init(struct pager *p, const struct page_settings *s, const char *base_url, const char *token,
                struct arena *walk)
{
	struct page_seen *seen = arena_alloc(walk, sizeof *seen);

	*seen = nothing_seen(walk);
	*p = (struct pager){ .settings = s, .arena = walk, .base_url = base_url, .token = token, .seen = seen };
	if (p->token && s->kind == PAGER_KEYSET) /* a link that was kept for a day may live no more; the place does */
		p->token = page_first_part(p->token, walk);
	if (!p->token)
		p->token = s->first ? s->first : pagers[s->kind].first;
}

const char *pager_word(const struct pager *p, struct arena *a)
{
	bool has_parts = p->settings->kind == PAGER_OFFSET || p->settings->kind == PAGER_LAST_TIME ||
	                 p->settings->kind == PAGER_KEYSET;

	if (has_tokens(p->settings))
		return page_second_part(p->token);
	return has_parts ? page_first_part(p->token, a) : p->token;
}

const char *pager_number(const struct pager *p)
{
	const char *number = p->settings->kind == PAGER_LAST_TIME ? page_second_part(p->token) : NULL;

	if (has_tokens(p->settings))
		return page_second_part(p->token) ? NULL : p->token;
	return number ? number : "1";
}

const char *page_kind(const struct page_settings *s)
{
	return pager_names[s->kind];
}

bool page_has_urls(const struct page_settings *s)
{
	return s->kind == PAGER_NEXT_URL;
}

bool page_begins_bare(const struct page_settings *s)
{
	return !s->first && !pagers[s->kind].first && (s->from || s->field);
}

bool page_counts_rows(const struct page_settings *s)
{
	return s->kind == PAGER_OFFSET || s->kind == PAGER_NUMBER;
}

bool page_shows_all(const struct page_settings *s)
{
	return !page_counts_rows(s) || (s->kind == PAGER_OFFSET && s->order_by && s->total && s->overlap);
}

const char *pager_url(const struct pager *p)
{
	if (p->settings->kind == PAGER_KEYSET)
		return page_second_part(p->token);
	return page_has_urls(p->settings) ? p->token : NULL;
}

bool pager_has_place(const struct pager *p)
{
	return p->settings->kind == PAGER_KEYSET;
}

static int guard(struct pager *p, const struct page_view *v, const char *token, struct err *err)
{
	int64_t most = p->settings->max_pages ? p->settings->max_pages : DEFAULT_MAX_PAGES;

	/* A page that went to a file has no body here. */
	if (v->n_rows && v->body && !is_new(p, 'b', v->response->body, v->response->body_len))
		return err_set(err, ERR_INPUT, "page %lld is the very same as one before: the list goes in circles",
		               (long long)p->n_pages);
	if (!token)
		return 0;
	if (strlen(token) > MAX_TOKEN_BYTES)
		return err_set(err, ERR_INPUT, "the token of the next page is longer than %d bytes", MAX_TOKEN_BYTES);
	if (!is_new(p, 't', token, strlen(token)))
		return err_set(err, ERR_INPUT, "page %lld points to a page that was read already: the list goes in circles",
		               (long long)p->n_pages);
	if (p->n_pages >= most)
		return err_set(err, ERR_INPUT, "the list has more than %lld pages; raise `max_pages:` if that is right",
		               (long long)most);
	return 0;
}

int pager_next(struct pager *p, const struct page_view *v, struct arena *a, struct err *err)
{
	const char *token = NULL;
	int64_t n_backs = p->n_backs;

	if (p->n_pages == 0 && p->token)
		(void)is_new(p, 't', p->token, strlen(p->token));
	p->n_pages++;
	p->n_rows += (int64_t)v->n_rows;
	if (pagers[p->settings->kind].next(p, v, a, &token, err) < 0)
		return -1;
	if (!says_more(p->settings, v->body) || (p->settings->empty_page_stops && v->n_rows == 0))
		token = NULL;
	/* What is read before a step back comes again, rightly; steps back have a limit of their own. */
	if (p->n_backs == n_backs && guard(p, v, token, err) < 0)
		return -1;
	if (token)
		p->token = arena_strdup(p->arena, token);
	return token != NULL;
}

bool pager_begins_behind(const struct pager *p, const struct json *row, struct arena *a)
{
	const char *id;

	if (!p->token || pagers[p->settings->kind].next != next_last_id)
		return false;
	id = json_scalar(a, json_at(row, p->settings->field));
	return id && strcmp(id, p->token) == 0;
}
