#include "missing.h"

#include "store/listed.h"

enum {
	FEW = 10,            /* so many may be more than half of a short list */
	MOST_ASKED = 1000
};

/* A list that is empty, or has lost more than half, looks like a right that was taken away. */
static bool is_doubtful(int64_t n_all, int64_t n_missing)
{
	return n_missing == n_all || (n_missing > FEW && n_missing > n_all / 2);
}

int missing_find(const struct rows_to *to, struct arena *a, struct row **out, size_t *out_n, struct err *err)
{
	const struct pull *p = to->pull;
	const char *const *keys;
	int64_t n_all, n_missing;

	if (listed_count(p->db, to->source, to->stream->name, to->list, &n_all, &n_missing, err) < 0)
		return -1;
	if (n_missing && is_doubtful(n_all, n_missing) && !p->accepts_gone) {
		(void)err_set(err, ERR_CONFIG,
		              "%lld of %lld rows are no longer listed: is something hidden from us? None is taken for deleted; if "
		              "they are, say so: retaind pull --source %s --stream %s --full --accept-gone",
		              (long long)n_missing, (long long)n_all, p->source->name, to->stream->name);
		return 1;
	}
	if (to->stream->each.of == EACH_CHANGES && n_missing > MOST_ASKED)
		n_missing = MOST_ASKED;
	if (listed_missing(p->db, to->source, to->stream->name, to->list, (size_t)n_missing, a, &keys, out_n, err) < 0)
		return -1;
	*out = arena_array(a, *out_n + 1, sizeof **out);
	for (size_t i = 0; i < *out_n; i++)
		(*out)[i] = (struct row){ .id = keys[i], .is_gone = true, .stream = to->stream, .currency = p->currency };
	return 0;
}

int missing_settle(const struct rows_to *to, const struct row *rows, size_t n, struct arena *a, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if ((rows[i].is_gone ? rows_delete : rows_put)(to, &rows[i], 1, a, err) < 0)
			return -1;
	return 0;
}
