#include "score/movements.h"

#include <string.h>

#include "movements_walk.h"

const char *const movement_names[N_MOVEMENT_KINDS] = {
	"new", "upsell", "cross_sell", "contraction", "churn", "involuntary_churn", "reactivation", "fx",
};

/* Counts them, or puts them into `all` when it is given: twice over is less memory than an array that grows. */
static int walk_all(struct walk *w, const struct book *b, struct nrr_span span, struct movement *all, size_t *out_n,
                    struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < b->facts->n_accounts; i++) {
		const struct movement *some;
		size_t n_some;

		if (b->n_currencies <= 1 && !walk_has_movements(w, (int32_t)i, span))
			continue;
		if (walk_account(w, (int32_t)i, span, &some, &n_some, err) < 0)
			return -1;
		if (all && n_some)
			memcpy(all + n, some, n_some * sizeof *all);
		n += n_some;
	}
	*out_n = n;
	return 0;
}

int movements_make(const struct book *b, struct nrr_span span, struct arena *a, struct movement **out, size_t *n_out,
                   struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct walk *w = walk_new(b, scratch);
	struct movement *all;
	size_t n;

	if (walk_all(w, b, span, NULL, &n, err) < 0)
		return -1;
	if (n > arena_left(a) / sizeof *all)
		return err_set(err, ERR_INPUT, "%zu movements are more than fit into memory, expected a shorter window", n);
	all = arena_array(a, n, sizeof *all);
	if (walk_all(w, b, span, all, &n, err) < 0)
		return -1;
	*out = all;
	*n_out = n;
	return 0;
}
