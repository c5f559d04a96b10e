/* Rows in the order of an id: by links while they live, else by a new query behind the last row. A query says how many
 * rows it has: one that gives fewer is not at its end, whatever else it says. */
#include <string.h>

#include "common/text.h"
#include "page_parts.h"

enum { MAX_QUERIES_AGAIN = 3 };

/* Rows are missing between those that came: the query is made once more, from where it began. */
static int query_again(struct pager *p, const char **out, struct err *err)
{
	if (p->n_backs++ == MAX_QUERIES_AGAIN)
		return err_set(err, ERR_RETRY, "rows are missing within the list, however often it is asked for");
	page_forget_seen(p);
	p->keyset.awaited = 0;
	*out = p->keyset.from;
	return 0;
}

/* Begins to count; false where it has fewer rows than those before left to it. */
static bool begins_whole(struct pager *p, int64_t total)
{
	if (total >= 0 && p->keyset.awaited > total)
		return false;
	p->keyset = (struct keyset){ .from = p->token ? p->token : "", .total = total };
	return true;
}

static void await_rest(struct keyset *k)
{
	k->awaited = k->total > k->n ? k->total - k->n : 0;
}

static int64_t total_of(const struct page_settings *s, const struct page_view *v)
{
	int64_t total = -1;

	return s->total && json_int(json_at(v->body, s->total), &total) ? total : -1;
}

int page_next_keyset(struct pager *p, const struct page_view *v, struct arena *a, const char **out, struct err *err)
{
	const struct page_settings *s = p->settings;
	const char *last = page_first_part(p->token, a), *link = NULL;
	struct keyset *k = &p->keyset;

	*out = NULL;
	if (!page_second_part(p->token) && !begins_whole(p, total_of(s, v)))
		return query_again(p, out, err);
	if (page_last_of(s, v, true, a, &last, &k->n, err) < 0 || (s->from && page_next_url(p, v, a, &link, err) < 0))
		return -1;
	if (last && strpbrk(last, "@'\"\\"))
		return err_set(err, ERR_INPUT, "a row's `%s` is no id that a query can hold", s->field);
	if (link) {
		*out = arena_printf(a, "%s@%s", last ? last : "", link);
		return 0;
	}
	if (k->n >= k->total && !(s->size && (int64_t)v->n_rows >= s->size))
		return 0;
	if (v->n_rows == 0 && k->n == 0)
		return err_set(err, ERR_RETRY, "the list is empty, but says that it has %lld rows", (long long)k->total);
	await_rest(k);
	*out = last;
	return 0;
}

bool pager_leave_link(struct pager *p)
{
	if (!pager_has_place(p) || !page_second_part(p->token))
		return false;
	p->token = page_first_part(p->token, p->arena);
	await_rest(&p->keyset);
	return true;
}
