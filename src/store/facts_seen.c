/* When each account was last active, by blocks of the youngest days until all were: far fewer than the walk over the
 * base reads, and less is done with each. */
#include <endian.h>

#include "facts_parts.h"
#include "usage_block.h"

/* The members of a block that no day showed active so far. */
struct unseen {
	const struct fact_member *members;
	struct fact_days *active;
	size_t *places, n;
	uint16_t row[USAGE_BLOCK];
};

static void look_at_row(struct unseen *u, int age)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n; i++) {
		size_t place = u->places[i];

		if (le16toh(u->row[u->members[place].id % USAGE_BLOCK]) > 1) /* 1: a nought was reported */
			fact_days_add(&u->active[place], age);
		else
			u->places[n++] = place;
	}
	u->n = n;
}

static int look_at_block(struct db *db, const struct fact_base *base, int64_t block, struct unseen *u, struct err *err)
{
	for (int age = 0; age < FACTS_DAYS && age <= base->as_of && u->n; age++)
		for (size_t m = 0; m < base->n_metrics && u->n; m++) {
			int rc;

			if (!base->metrics[m].is_activity)
				continue;
			rc = usage_block_load(db, base->metrics[m].id, base->as_of - age, block, (uint8_t *)u->row, err);
			if (rc < 0)
				return -1;
			if (rc > 0)
				look_at_row(u, age);
		}
	return 0;
}

int facts_load_seen(struct db *db, const struct fact_base *base, struct fact_days *out, struct err *err)
{
	CLEANUP(arena_freep) struct arena *own = arena_new(0);
	struct unseen *u = arena_alloc(own, sizeof *u);

	u->members = base->members;
	u->active = out;
	u->places = arena_array(own, USAGE_BLOCK, sizeof *u->places);
	for (size_t at = 0; at < base->n_members;) {
		int64_t block = base->members[at].id / USAGE_BLOCK;

		for (u->n = 0; at < base->n_members && base->members[at].id / USAGE_BLOCK == block; at++)
			u->places[u->n++] = at;
		if (look_at_block(db, base, block, u, err) < 0)
			return err_in(err, "usage");
	}
	return 0;
}
