/* What several signals ask of an account's contracts and exchanges, worked out once per account. */
#ifndef ONCE_H
#define ONCE_H

#include "signal.h"

/* Of the active contracts that are no trial. */
struct contracts {
	bool is_read;
	int32_t renewal_on;                    /* see next_renewal */
	int64_t seats;                         /* see active_seats */
	const struct fact_subscription *main; /* the line that costs most; NULL: none costs anything */
};
const struct contracts *contracts_of(const struct context *c);

/* Of each exchange. FROM_THEM: see is_from_them. */
enum { EXCHANGE_FROM_THEM = 1, EXCHANGE_FROM_US = 2 /* what we sent, no meeting */, EXCHANGE_MEETING = 4 };
const uint8_t *exchanges_of(const struct context *c);
bool has_put_off(const struct context *c); /* any of them */

#endif
