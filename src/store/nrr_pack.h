/* What the accounts of a report added to it, as bytes: numbers in groups of seven bits, low ones first, the top bit set
 * on all but the last. An account is how far its id is behind the one before, then 1 + its amount when it paid the same
 * at both ends, else 0, a bit for each sum that isn't 0 and those sums (0, -1, 1, -2 ... as 0, 1, 2, 3 ...). Owners are
 * their number, each one's length and letters, and for each account 0 or which one. */
#ifndef NRR_PACK_H
#define NRR_PACK_H

#include "common/buf.h"
#include "store/nrr_snapshots.h"

enum { NRR_PACKED_BYTES = 10 * (3 + N_SNAPSHOT_SUMS) }; /* that one account may take: ten for each number */

/* The names lie in the arena, the rest where it is. */
void nrr_unpacking_begin(struct nrr_unpacking *u, struct packed sums, struct packed owners, struct arena *a);
/* last_id: of the account before, or 0. Returns the number of bytes. */
size_t nrr_pack_account(const struct nrr_snapshot_account *x, int64_t last_id, uint8_t to[NRR_PACKED_BYTES]);

/* owners: of each account, or NULL. */
void nrr_pack_owners(const char *const *owners, size_t n, struct arena *a, struct buf *to);
/* ERR_FATAL when they are not what the two above made. */
int nrr_unpack(struct packed sums, struct packed owners, struct arena *a, struct nrr_snapshot_account **out,
               size_t *n_out, struct err *err) MUST_USE;

#endif
