/* Accounts made by hand for the scorers: one account in a base of thirty that all use the product on working days. */
#ifndef SUPPORT_ACCOUNTS_H
#define SUPPORT_ACCOUNTS_H

#include "score/finding.h"

enum { AS_OF = 20500, N_OTHERS = 30 };

/* A settled, paying account: active five days a week for 400 days; every source known and fresh. */
struct sample {
	struct arena *arena;
	struct score_settings settings;
	struct fact_base base;
	struct fact_account account;
	struct fact_subscription subscription;
	struct fact_metric metrics[2];
	int64_t *usage[2]; /* of the account, by age: see sample_series */
	struct fact_member members[N_OTHERS + 1];
	struct fact_days active[N_OTHERS + 1]; /* of each */
	struct diagnosis diagnosis;
};

/* Gives an account what values by age say of two metrics; sample_score does it for the sample's. */
void sample_series(int64_t *const usage[2], struct arena *a, struct fact_account *out);
void sample_init(struct sample *s, struct arena *a);
/* Activity of the account on the days of an age range. is_active 0 takes it away. */
void sample_use(struct sample *s, int from_age, int to_age, int is_active);
/* For everybody, the account included. */
void sample_use_all(struct sample *s, int from_age, int to_age, int is_active);
const struct diagnosis *sample_score(struct sample *s, const struct score_row *before);
const struct reading *sample_reading(const struct sample *s, enum score_engine engine, const char *name);
struct fact_person *sample_person(struct sample *s, const char *key, int from_age, int to_age);

#endif
