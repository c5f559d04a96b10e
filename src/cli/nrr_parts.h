/* Recurring revenue as it was known on a day, under the organisation's rules of today: all of it where it fits, else
 * some accounts at a time, those that count as one together. */
#ifndef NRR_PARTS_H
#define NRR_PARTS_H

#include "cli/cli.h"
#include "score/nrr.h"
#include "store/revenue_part.h"

enum { NRR_CONTRACTS_AT_ONCE = 200000 }; /* about 33 MiB; of an account that has more, all of its own */

struct nrr_part {
	struct arena *arena; /* NULL: it lies in that of its parts */
	struct revenue facts;
	struct book book;
};
void nrr_part_done(struct nrr_part *p);

struct nrr_parts {
	const struct session *session;
	struct db *db;                     /* the session's; of several parts their own */
	struct db *own; struct txn snapshot;
	struct arena *arena;
	int32_t as_of;
	const char *currency; /* of all figures */
	bool is_one;          /* there is one part, which is kept */
	struct nrr_part one;
	/* of several */
	struct revenue_groups groups;
	struct revenue_common common;
	const size_t *ends; size_t n; /* where parts end, in the order of groups */
	struct book_query wanted;
	struct book_whole whole;
};
/* most: contracts at once. To be closed when it fails, too. ERR_CONFIG naming currency and day when a rate of exchange
 * is missing that no window can do without. */
int nrr_parts_open(const struct session *s, int32_t day, size_t most, struct nrr_parts *out, struct err *err) MUST_USE;
void nrr_parts_close(struct nrr_parts *p); /* accepts what was never opened */

/* Part after part; the accounts that revenue counts under rise from one to the next. */
typedef int nrr_part_fn(void *context, const struct nrr_part *part, struct err *err);
int nrr_parts_walk(struct nrr_parts *p, nrr_part_fn *each, void *context, struct err *err) MUST_USE;

/* Ids to which those are added that are one with the first n_asked, which rise, or whose contracts were theirs. */
struct nrr_family { struct arena *arena; int64_t *ids; size_t n, room; };
void nrr_parts_join(const struct nrr_parts *p, struct nrr_family *io, size_t n_asked);
/* The accounts of a family, which lists what they count under too. */
int nrr_parts_some(struct nrr_parts *p, const struct nrr_family *family, struct nrr_part *out,
                   struct err *err) MUST_USE;

#endif
