/* From one page of a list to the next: a table of pagers, all of them guarded against lists that never end. */
#ifndef CONNECT_PAGE_H
#define CONNECT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http.h"
#include "common/json.h"
#include "common/yaml.h"

struct page_settings {
	int kind;              /* index into the table of pagers */
	const char *from;      /* cursor, next_url, keyset: JSON path of the token or link; "header:NAME". number: of a
	                        * token that goes before the next number */
	const char *link_rel;  /* next_url: relation in the Link header instead of from */
	const char *stop;      /* cursor: this token means the end */
	const char *more;      /* JSON path; null, false or absent there means the end */
	const char *end;       /* JSON path; true there means the end, whatever token comes along */
	const char *field;     /* last_id, keyset, offset: path of the id within a row; last_time: of the time it is
	                          sorted by */
	const char *total;     /* offset, keyset: path of the number of rows in all */
	const char *count;     /* header that says how many rows the page has; then it must */
	const char *first;     /* token of the first page, {{names}} expanded; cursor, last_id: none */
	const char *order_by;  /* offset, number: path of what the list is sorted by; must not change while it is walked */
	int64_t size;          /* offset, number, last_time: rows of a full page; a shorter one is the last */
	int64_t overlap;       /* offset: rows read twice, by which it is seen that none slipped through between pages */
	int64_t cap;           /* last_time: pages that the API gives of one query; number: with a number; 0: no limit */
	int64_t max_pages;     /* of a walk */
	bool ascending;        /* last_id: each row's id must be greater than the one before, or rows could be lost */
	bool empty_page_stops;
};

extern const struct yaml_table page_table;

struct page_seen; /* hashes of tokens and bodies */

/* A query that is under way. */
struct keyset {
	const char *from;      /* the token that it began with */
	int64_t n, total;      /* rows that came, and that it said it has; -1: it didn't */
	int64_t awaited;       /* rows that a query which goes on behind the last one must have */
};

struct pager {
	const struct page_settings *settings;
	struct arena *arena;   /* of the walk: tokens live here */
	const char *base_url;  /* next_url: where links may lead */
	const char *token;     /* of the page to ask for; NULL: the first, which has none */
	int64_t n_pages, n_rows, n_backs;
	struct keyset keyset;
	struct page_seen *seen;
};

/* What a page was. */
struct page_view {
	const struct json *body, *rows;
	size_t n_rows;
	const struct http_response *response;
	const char *url;       /* that it was asked for with */
};

/* token: where to go on, or NULL to begin. */
void pager_init(struct pager *p, const struct page_settings *s, const char *base_url, const char *token,
                struct arena *walk);
/* Returns 1 when there is a further page (p->token is its token), 0 when this was the last, -1 (ERR_INPUT) when the
 * list goes in circles, has too many pages, comes out of order or leads elsewhere; ERR_RETRY when it lacks rows that
 * it says it has, or changes faster than it can be read. */
int pager_next(struct pager *p, const struct page_view *v, struct arena *a, struct err *err) MUST_USE;
/* last_id: whether this is the row that the page was asked to begin behind. */
bool pager_begins_behind(const struct pager *p, const struct json *row, struct arena *a);
/* What the page's request says: {{page.token}} and {{page.number}}. */
const char *pager_word(const struct pager *p, struct arena *a);
const char *pager_number(const struct pager *p);
/* Its kind as the file says it. */
const char *page_kind(const struct page_settings *s);
/* Whether tokens are URLs. */
bool page_has_urls(const struct page_settings *s);
/* Whether the first page is asked for without a token. */
bool page_begins_bare(const struct page_settings *s);
/* Whether a walk that came to its end has shown every row that was there all the while. */
bool page_shows_all(const struct page_settings *s);
/* Whether the list is walked by counting rows: then its order must stand still. */
bool page_counts_rows(const struct page_settings *s);
/* The URL of the page where its token is one or holds one; NULL: it is made from the request's words. */
const char *pager_url(const struct pager *p);
/* Whether the place in the list is known without a link. */
bool pager_has_place(const struct pager *p);
/* Where a link to the next page is refused and the place is known without it: goes there. */
bool pager_leave_link(struct pager *p);

#endif
