#include "missing.h"

#include "store/listed.h"

enum { FEW = 10 }; /* so many may be more than half of a short list */

/* A list that is empty, or has lost more than half, looks like a right that was taken away. */
static bool is_doubtful(int64_t n_all, int64_t n_missing)
{
	return n_missing == n_all || (n_missing > FEW && n_missing > n_all / 2);
}

int missing_delete(const struct rows_to *to, struct arena *a, struct err *err)
{
	const struct pull *p = to->pull;
	const char *const *keys;
	int64_t n_all, n_missing;
	size_t n;

	if (listed_count(p->db, to->source, to->stream->name, to->list, &n_all, &n_missing, err) < 0)
		return -1;
	if (n_missing && is_doubtful(n_all, n_missing) && !p->accepts_gone) {
		(void)err_set(err, ERR_CONFIG,
		              "%lld of %lld rows are no longer listed: is something hidden from us? None is taken for deleted; if "
		              "they are, say so: retaind pull --source %s --stream %s --full --accept-gone",
		              (long long)n_missing, (long long)n_all, p->source->name, to->stream->name);
		return 1;
	}
	if (listed_missing(p->db, to->source, to->stream->name, to->list, SIZE_MAX >> 1, a, &keys, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct row row = { .id = keys[i], .stream = to->stream };

		if (rows_delete(to, &row, 1, a, err) < 0)
			return -1;
	}
	return 0;
}
