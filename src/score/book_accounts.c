#include <stdlib.h>
#include <string.h>

#include "book_parts.h"

enum { MAX_STEPS = 64 };

/* One account by its source's key. */
struct keyed { const char *key; int32_t account; };

static int compare_keyed(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;
	int order = strcmp(a->key, b->key);

	return order ? order : (a->account > b->account) - (a->account < b->account);
}

/* The keys that merges name, sorted; their accounts are not known yet. */
static struct keyed *merged_keys(struct making *m, size_t *out_n)
{
	const struct nrr_merge *all = m->book->policy->merges.at;
	size_t n_merges = m->book->policy->merges.n;
	struct keyed *keys = arena_array(m->arena, 2 * n_merges, sizeof *keys);

	for (size_t i = 0; i < n_merges; i++) {
		keys[2 * i] = (struct keyed){ all[i].account, -1 };
		keys[2 * i + 1] = (struct keyed){ all[i].into, -1 };
	}
	qsort(keys, 2 * n_merges, sizeof *keys, compare_keyed);
	*out_n = 0;
	for (size_t i = 0; i < 2 * n_merges; i++)
		if (i == 0 || strcmp(keys[i].key, keys[*out_n - 1].key) != 0)
			keys[(*out_n)++] = keys[i];
	return keys;
}

static struct keyed *find_key(struct keyed *keys, size_t n, const char *key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(keys[middle].key, key);

		if (order == 0)
			return &keys[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* into[i]: the account that i has become part of by the facts' day; -1: none. NULL when there is no merge at all. Of
 * several accounts with one key the first stands for it. */
static const int32_t *merged_into(struct making *m)
{
	const struct nrr_merge *all = m->book->policy->merges.at;
	const struct revenue *facts = m->book->facts;
	size_t n;
	struct keyed *keys;
	int32_t *into;

	if (!m->book->policy->merges.n)
		return NULL;
	keys = merged_keys(m, &n);
	into = arena_array(m->arena, facts->n_accounts, sizeof *into);
	for (size_t i = 0; i < facts->n_accounts; i++) {
		struct keyed *key = facts->accounts[i].key ? find_key(keys, n, facts->accounts[i].key) : NULL;

		into[i] = -1;
		if (key && key->account < 0)
			key->account = (int32_t)i;
	}
	for (size_t i = 0; i < m->book->policy->merges.n; i++) {
		int32_t from = find_key(keys, n, all[i].account)->account, to = find_key(keys, n, all[i].into)->account;

		if (from < 0 || to < 0)
			m->book->n_unknown_merges++;
		else if (all[i].on <= facts->as_of)
			into[from] = to;
	}
	return into;
}

void book_find_tops(struct making *m)
{
	const struct revenue *facts = m->book->facts;
	bool is_rolled_up = m->book->policy->parents == PARENTS_ROLLED_UP && !m->query->whole;
	const int32_t *into = m->query->whole ? NULL : merged_into(m);
	int32_t *top = arena_array(m->arena, facts->n_accounts, sizeof *top);

	for (size_t i = 0; i < facts->n_accounts; i++) {
		top[i] = (int32_t)i;
		for (int k = 0; k < MAX_STEPS; k++) { /* a ring of parents ends somewhere instead of nowhere */
			int32_t at = top[i], next = is_rolled_up ? facts->accounts[at].parent : -1;

			if (into && into[at] >= 0)
				next = into[at];
			if (next < 0)
				break;
			top[i] = next;
		}
	}
	m->book->tops = m->query->whole && m->query->whole->tops ? m->query->whole->tops : top;
}

int32_t book_top(const struct book *b, int32_t account)
{
	return b->tops[account];
}

bool book_is_free_on(const struct book *b, int32_t account, int32_t day)
{
	for (size_t i = b->first[account]; i < b->first[account + 1]; i++)
		if (b->pieces[i].is_free && b->pieces[i].from <= day && day < b->pieces[i].to)
			return true;
	return false;
}
