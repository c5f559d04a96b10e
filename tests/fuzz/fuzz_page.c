#include "replay.h"

#include "../../src/connect/page.h"
#include "common/text.h"

enum { MAX_PAGES = 20 };

/* One connector's page settings for each pager. */
static const char *const settings_texts[] = {
	"kind: cursor\nfrom: paging.next.after\nstop: end\n",
	"kind: next_url\nfrom: paging.next.link\n",
	"kind: next_url\nlink: next\n",
	"kind: offset\nsize: 2\ntotal: total\n",
	"kind: number\nsize: 2\nmore: has_more\n",
	"kind: last_id\nfield: id\nascending: true\nempty_page_stops: true\n",
	"kind: none\n",
	"kind: keyset\nfield: id\nfrom: paging.next.link\ntotal: total\nsize: 2\n",
};

static void read_settings(struct arena *a, const char *text, struct page_settings *out)
{
	struct mistakes m = { .arena = a };
	const struct yaml *root = yaml_parse(a, "page.yaml", text, strlen(text), &m);

	if (root)
		yaml_read(a, root, &page_table, out, &m);
	if (m.n)
		(void)fprintf(stderr, "%s\n", m.lines[0]);
	REQUIRE(m.n == 0);
	out->max_pages = MAX_PAGES;
}

/* The same answer again and again: the walk must end by itself, and never lead to another origin. */
static void walk(struct arena *a, const struct page_settings *s, const char *link, const struct json *body)
{
	static const char base[] = "https://api.example.com/crm/v3/objects";
	const struct http_header header = { "link", link };
	const struct http_response response = { .status = 200, .headers = &header, .n_headers = 1 };
	struct page_view view = { .body = body, .rows = json_at(body, "results"), .response = &response, .url = base };
	struct pager p;
	struct err err;
	int n = 0, rc;

	view.n_rows = json_type(view.rows) == JSON_ARRAY ? json_count(view.rows) : 0;
	pager_init(&p, s, base, NULL, a);
	while ((rc = pager_next(&p, &view, a, &err)) > 0) {
		REQUIRE(++n <= MAX_PAGES && p.token);
		if (pager_url(&p)) {
			REQUIRE(http_same_origin(base, pager_url(&p)));
			view.url = pager_url(&p);
		}
	}
	REQUIRE(rc == 0 || (err.kind == ERR_INPUT && err.text[0]));
}

/* The first byte chooses the pager, the first line is the Link header, the rest the body. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct page_settings settings = { 0 };
	const struct json *body = NULL;
	char *link, *rest;
	struct err err;

	if (size < 1)
		return 0;
	link = arena_strndup(a, (const char *)data + 1, size - 1);
	rest = strchr(link, '\n');
	if (rest)
		*rest++ = '\0';
	if (!rest || json_parse(a, rest, strlen(rest), &body, &err) < 0)
		body = NULL;
	read_settings(a, settings_texts[data[0] % ARRAY_LEN(settings_texts)], &settings);
	walk(a, &settings, link, body);
	return 0;
}
