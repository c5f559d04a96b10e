/* Value x potential: how much of one's time an account is worth, and for what. */
#include "expansion.h"

enum { ENOUGH_ACCOUNTS = 10 };
static const double ROOM = 0.1; /* of what it pays: less is no potential worth a talk */

/* What there is to sell: what is asked for, the next plan, or what others have. */
static int64_t room_of(const struct context *c, const struct verdict *growth)
{
	double share;
	const struct fact_product *missing = missing_product(c, &share);
	int64_t most = growth->value_minor, minor;
	const char *how;

	if (worth_of_next_plan(c, &minor, &how) && minor > most)
		most = minor;
	if (missing && worth_of_product(c, missing->product, &minor, &how) && minor > most)
		most = minor;
	return most;
}

const char *posture_of(const struct context *c, const struct verdict *growth)
{
	const struct fact_market *market = &c->base->market;
	int64_t revenue = yearly_revenue(c)->minor;
	bool is_high, has_room;

	if (!market_currency(c) || revenue <= 0 || market->n_accounts < ENOUGH_ACCOUNTS)
		return NULL;
	is_high = revenue >= yearly(market->mrr_high_minor);
	has_room = (double)room_of(c, growth) >= ROOM * (double)revenue;
	if (is_high)
		return has_room ? "plan together: among the fifth that pay most, with room to grow" :
		                  "defend, do not prospect: among the fifth that pay most, with little room to grow";
	return has_room ? "develop: modest in value, with room to grow" :
	                  "keep simple: modest in value, with little room to grow";
}
