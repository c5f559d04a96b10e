/* One account on its way through the days of a span: what it paid, and what moved on which day. */
#ifndef MOVEMENTS_WALK_H
#define MOVEMENTS_WALK_H

#include "score/movements.h"

struct walk;
/* Lives in the arena, with room for the account with the most pieces. */
struct walk *walk_new(const struct book *b, struct arena *a);
/* Whether anything begins or ends within the span. */
bool walk_has_movements(struct walk *w, int32_t account, struct nrr_span span);
/* The movements of one account, good until the next walk; none of an account that comes and goes within the span
 * where the policy ignores those. */
int walk_account(struct walk *w, int32_t account, struct nrr_span span, const struct movement **out, size_t *n_out,
                 struct err *err) MUST_USE;
/* The same added up, as the account's part of a window by movements: 1, or 0 when there is nothing. The cohort's end
 * is what is paid by revenue that counts: of accounts that paid at the start or, where the policy credits them, came
 * back from before; once they leave and are taken for new, or the policy is strict, it counts no longer. Kept is the
 * start less all that was lost, however much was gained before; no account loses more than it began with. */
int walk_sums(struct walk *w, int32_t account, struct nrr_span span, struct nrr_sums *out, struct err *err) MUST_USE;
/* Of that account, one product's part (0: none is named). */
int walk_product(struct walk *w, uint16_t product, struct nrr_sums *out);

#endif
