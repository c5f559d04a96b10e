/* Whose book an account is in for a window, by the policy's membership rules, and why it is in nobody's. Pure. A CSM
 * goes before an account manager. Every account is in one book at most, so books add up to what is not left out. */
#ifndef SCORE_OWNER_BOOK_H
#define SCORE_OWNER_BOOK_H

#include "score/nrr.h"

enum owner_why { OWNER_COUNTS, OWNER_HELD_TOO_SHORT, OWNER_GAVE_AWAY, OWNER_NOBODY_BEFORE };

struct owner_place {
	const char *owner;  /* e-mail address of who would answer for it; NULL: nobody held it */
	enum owner_why why; /* it is left out; OWNER_COUNTS: it is not */
	int32_t on;         /* the day on which it was taken on, or given away */
	int32_t n_days;     /* held within the window */
};
/* In this order: who holds the account on the day that the rules name, long enough, and did not take it on from
 * nobody's hands within the window; else who gave it away too late to be rid of it; else nobody. */
struct owner_place owner_book_place(const struct revenue_account *account, const struct nrr_owner_book *rules,
                                    struct nrr_span span);
/* Why it is left out, in words; NULL: it is not. */
const char *owner_book_why(const struct owner_place *place, const struct nrr_owner_book *rules, struct arena *a);

#endif
