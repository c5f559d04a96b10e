#include "score/norms_kept.h"

#include "norms.h"

/* A field that comes to one of these has to come here. */
_Static_assert(sizeof(struct norms) == 8 * (SEASON_DAYS + 7 + 1 + 1 + NORM_WEEKS + 4 + N_TENURES + 2 + 1 +
                                     2 * (NORM_WEEKS + 1) + SEASON_DAYS + 1) &&
               sizeof(struct segment_norm) == 32, "what is kept of norms is all of them that is not worked out again");

#define KEEP(p, field) parcel_bytes(p, &(field), sizeof(field))

static void segments_parcel(struct parcel *p, struct norms *n)
{
	struct segment_norm *all = parcel_list(p, n->segments, &n->n_segments, sizeof *all, sizeof all->n);

	for (size_t i = 0; i < n->n_segments; i++) {
		parcel_text(p, &all[i].name);
		KEEP(p, all[i].usual);
		KEEP(p, all[i].active_28);
		KEEP(p, all[i].n);
		p->is_bad = p->is_bad || !all[i].name;
	}
	n->segments = all;
}

void norms_parcel(struct parcel *p, size_t n_metrics, const struct norms **io)
{
	struct norms *n = parcel_is_read(p) ? arena_alloc(p->arena, sizeof *n) : arena_memdup(p->arena, *io, sizeof *n);
	size_t n_volumes = n_metrics;

	KEEP(p, n->season);
	KEEP(p, n->weekday);
	n->volume = parcel_array(p, n->volume, &n_volumes, sizeof *n->volume);
	p->is_bad = p->is_bad || n_volumes != n_metrics;
	KEEP(p, n->half_life);
	KEEP(p, n->weights);
	KEEP(p, n->mean_rate);
	KEEP(p, n->prior_days);
	KEEP(p, n->usual);
	KEEP(p, n->active_28);
	KEEP(p, n->tenures);
	segments_parcel(p, n);
	if (parcel_is_read(p) && !p->is_bad)
		norms_add_up(n, n_metrics, p->arena);
	*io = n;
}
