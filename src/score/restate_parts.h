/* What differs between the lines of one contract as they were known on two days. */
#ifndef RESTATE_PARTS_H
#define RESTATE_PARTS_H

#include "score/restate.h"

/* The lines of one contract, by from; none: it was not known. */
struct restate_run {
	const struct revenue *facts;
	const struct revenue_line *lines;
	size_t n;
};

struct restate_difference {
	enum restate_cause cause;
	const char *words;
	bool is_within; /* the window; else before it */
};

/* Returns false when they are the same up to the window's end. */
bool restate_lines(const struct restate_run *before, const struct restate_run *after, struct nrr_span span,
                   struct arena *a, struct restate_difference *out);

#endif
