/* What pagers are made of: page.c, page_keyset.c. */
#ifndef PAGE_PARTS_H
#define PAGE_PARTS_H

#include "page.h"

/* Sets *out to the next token, NULL at the end. */
typedef int page_next_fn(struct pager *p, const struct page_view *v, struct arena *a, const char **out,
                         struct err *err);

page_next_fn page_next_url, page_next_keyset;

/* Tokens of two parts: "195@hash,hash,hash" (offset: and the rows seen last), "2026-03-01T08:00:00Z@2" (last_time: and
 * the page), "0014S@https://..." (keyset: and the link). */
const char *page_first_part(const char *token, struct arena *a);
const char *page_second_part(const char *token);
/* Sets *out, the id before the page, to that of its last row, and counts the rows that come for the first time; ids
 * must not fall where that counts. */
int page_last_of(const struct page_settings *s, const struct page_view *v, bool is_ascending, struct arena *a,
                 const char **out, int64_t *n_new, struct err *err) MUST_USE;
/* What was read comes again, rightly: the guard begins anew. */
void page_forget_seen(struct pager *p);

#endif
