/* Gathers from the book of recurring revenue and the open findings what steering is worked out from. */
#ifndef CLI_NRR_STEER_H
#define CLI_NRR_STEER_H

#include "cli/cli.h"
#include "score/steer.h"

struct nrr_scope {
	const struct session *session;
	const struct book *book;
	int32_t on;    /* the day it is asked for, at the latest the book's */
	bool (*sees)(const void *which, const char *owner_email); /* whose books count; NULL: all */
	const void *which;
	bool is_usage; /* a book of usage revenue: findings are about what was committed to */
};

/* nrr_compute of spans in the order of time. Those at the front for which a rate of exchange is missing are left out:
 * they look back farther than anybody asked. *first: the first that is in the tables; n when none is. */
int nrr_compute_back(const struct book *b, const struct nrr_span *spans, size_t n, unsigned by, struct arena *a,
                     struct nrr_table tables[N_NRR_BY], size_t *first, struct err *err) MUST_USE;

enum { NRR_STEER_YEARS = 5 }; /* windows of twelve months: up to the day, and up to each quarter before for a year */

/* is_whole: segments, cohorts and standing revenue too, of everything; it takes longer. */
int nrr_steer_load(const struct nrr_scope *scope, bool is_whole, struct arena *a, struct steer_input *out,
                   struct err *err) MUST_USE;

#endif
