/* What the whole base pays for what, as known on one day: the prices that an account is compared with. */
#ifndef STORE_MARKET_H
#define STORE_MARKET_H

#include <stddef.h>
#include <stdint.h>

/* What paying accounts have; of a large base, of a sample of it. Amounts are per month. */
struct fact_plan {
	const char *product, *plan, *currency;
	int n;                       /* accounts that have it */
	int64_t mrr_minor, seat_minor; /* medians: an account's; and a seat's, 0 when sold without seats */
};
struct fact_product {
	const char *product, *currency;
	int n;
	double share; /* median of what it costs relative to all else an account pays; 0: nobody has it beside others */
};
struct fact_market {
	const struct fact_plan *plans; size_t n_plans;          /* by product, plan, currency */
	const struct fact_product *products; size_t n_products; /* by product, currency */
	int n_accounts;       /* that pay in the currency most of them pay in */
	const char *currency; /* NULL when none pays */
	int n_sampled;        /* accounts looked at, whether they pay or not */
	double mrr_mean_minor; /* of those that pay */
	int64_t mrr_high_minor; /* four of five of them pay less */
	int64_t seat_minor;    /* the median of what they pay for a seat; 0 when nothing is sold by seats */
};

#endif
