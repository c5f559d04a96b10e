/* What is usual over the base, as bytes and back: part of a base that is kept (store/base_kept.h). */
#ifndef SCORE_NORMS_KEPT_H
#define SCORE_NORMS_KEPT_H

#include "common/parcel.h"

struct norms;

/* Into a parcel, or out of it: then *io is set to norms in its arena. Of a base with so many metrics. */
void norms_parcel(struct parcel *p, size_t n_metrics, const struct norms **io);

#endif
