/* Between the files of expansion: what presses, what grows, what is paid for it, and what could be sold. */
#ifndef EXPANSION_H
#define EXPANSION_H

#include "once.h"

enum { TREND_WEEKS = 26 };

/* The limit that is nearest to being reached. */
struct pressure {
	const char *what; /* "API calls", "seats used"; NULL: no limit and use of it known */
	double use, limit;
	bool is_seats;
};
struct pressure pressure_of(const struct context *c);
/* Its word `what`. */
void tell_limit(const struct context *c, const struct pressure *p, struct reading *out);

/* What makes an account ripe, read once for all signals that cross them. Strengths are 0..1, by lines wider than those
 * of the signals that look at one alone: a product of two needs room to tell. */
struct levers {
	bool is_read;
	bool has_growth, has_worth; /* use is known when pressure.what is, renewal when renewal_on is */
	struct pressure pressure;
	double growth;      /* of people or use, sustained, within a quarter: 0.2 = a fifth more */
	double worth;       /* what it uses for its money, times what is usual: 1 = as usual */
	int32_t renewal_on; /* DAY_NONE */
	double full, growing, worthwhile, renewing; /* strengths */
	bool is_use_read, has_use;
	double use[TREND_WEEKS]; /* see weekly_use */
	bool is_people_read, has_people;
	double people[TREND_WEEKS]; /* see weekly_people */
	bool is_at_work_read;
	double at_work; /* see people_at_work */
	struct revenue_now revenue; /* see yearly_revenue */
	struct contracts contracts; /* see contracts_of */
	struct exchanges exchanges; /* see exchanges_of */
	struct people_growth { bool is_read; double now, before, growth; } people_grown; /* see people_growth */
	bool is_use_grown_read;
	double use_grown; /* see use_growth */
};
const struct levers *levers_of(const struct context *c);

/* People at work in each of the last weeks, the latest first: from the metric that counts them, else by name. NULL when
 * not known. Worked out once per account. */
const double *weekly_people(const struct context *c);
/* Use in each of TREND_WEEKS as a share of what the whole base uses, over all metrics that count as activity, without
 * the season. NULL when nobody uses any. Worked out once per account. */
const double *weekly_use(const struct context *c);
/* Of its weekly people; worked out once per account. */
const struct people_growth *people_growth(const struct context *c, const double weeks[TREND_WEEKS]);
/* The last four weeks against the twelve before: sustained growth, 0 when there is none. */
double month_growth(const double weeks[TREND_WEEKS], double *out_now, double *out_before);
/* The last thirteen weeks without their best two against the thirteen before; never below 0. */
double quarter_growth(const double weeks[TREND_WEEKS]);
/* Of its weekly use, where that is known; worked out once per account. */
double use_growth(const struct context *c);

/* The money that an account pays in; NULL when it is not that of the market, so that nothing can be compared. */
const char *market_currency(const struct context *c);
/* Yearly price of a seat now; 0 when not known. */
double price_per_seat(const struct context *c);
/* What growth is worth a year; false: not known. *out_how says how it was reckoned. */
bool worth_of_seats(const struct context *c, double wanted, int64_t *out_minor, const char **out_how);
bool worth_of_next_plan(const struct context *c, int64_t *out_minor, const char **out_how);
bool worth_of_product(const struct context *c, const char *product, int64_t *out_minor, const char **out_how);
/* The product most others have and this account has not; NULL: none. *out_share: of paying accounts. */
const struct fact_product *missing_product(const struct context *c, double *out_share);
bool is_owned(const struct fact_account *f, const char *product);
/* How to deal with it by value and potential, in words; NULL: there is nothing to compare with. */
const char *posture_of(const struct context *c, const struct verdict *growth);
/* Of the last upsell or cross-sell that the account turned down lately; DAY_NONE. */
int32_t refused_on(const struct context *c);

#endif
