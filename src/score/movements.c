#include "score/movements.h"

#include <string.h>

#include "movements_walk.h"

enum { FIRST_ROOM = 64 };

const char *const movement_names[N_MOVEMENT_KINDS] = {
	"new", "upsell", "cross_sell", "contraction", "churn", "involuntary_churn", "reactivation", "fx",
};

int movements_make(const struct book *b, struct nrr_span span, struct arena *a, struct movement **out, size_t *n_out,
                   struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct walk *w = walk_new(b, scratch);
	struct movement *all = NULL;
	size_t n = 0, room = 0;

	for (size_t i = 0; i < b->facts->n_accounts; i++) {
		const struct movement *some;
		size_t n_some;

		if (b->n_currencies <= 1 && !walk_has_movements(w, (int32_t)i, span))
			continue;
		if (walk_account(w, (int32_t)i, span, &some, &n_some, err) < 0)
			return -1;
		if (n + n_some > room) {
			size_t more = 2 * (n + n_some) + FIRST_ROOM;

			all = arena_grow(a, all, n, more, sizeof *all);
			room = more;
		}
		if (n_some)
			memcpy(all + n, some, n_some * sizeof *all);
		n += n_some;
	}
	*out = all;
	*n_out = n;
	return 0;
}
