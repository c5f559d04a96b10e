/* Dated movements of recurring revenue: what changed on which day, of which account. Pure: a book in, movements out. */
#ifndef SCORE_MOVEMENTS_H
#define SCORE_MOVEMENTS_H

#include "score/nrr.h"

enum movement_kind {
	MOVEMENT_NEW,
	MOVEMENT_UPSELL,       /* more of what the account had: price, plan, seats, or nobody can tell */
	MOVEMENT_CROSS_SELL,   /* products that it did not have, as far as it pays more in all */
	MOVEMENT_CONTRACTION,
	MOVEMENT_CHURN,        /* of the account, or of a contract while others go on where the policy says so */
	MOVEMENT_INVOLUNTARY,  /* churn for want of payment */
	MOVEMENT_REACTIVATION, /* it had paid before */
	MOVEMENT_FX,           /* what it pays on the span's last day, at that day's rates rather than the first's */
	N_MOVEMENT_KINDS
};
extern const char *const movement_names[N_MOVEMENT_KINDS]; /* "new", "upsell", "cross_sell" ... */

struct movement {
	int32_t account, on;
	enum movement_kind kind;
	int64_t minor;        /* in the book's currency; below 0 where revenue went */
	int64_t before_minor; /* what the account paid before and after all movements of that day */
	int64_t after_minor;
	uint16_t product;     /* into facts->names: the only one that moved; 0: several did, or it has no name */
};
/* Of the days from < on <= to, by account, day, kind. Changes of one day, or of so many days as the policy groups, are
 * netted and dated with the last of them. All but FX are in the rates of `from`, in which an account's add up to the
 * difference of its two ends; with FX they do so in the rates of each end. Accounts that come and go within the span
 * are left out where the policy ignores them. ERR_CONFIG naming currency and day when a rate is missing. */
int movements_make(const struct book *b, struct nrr_span span, struct arena *a, struct movement **out, size_t *n_out,
                   struct err *err) MUST_USE;

#endif
