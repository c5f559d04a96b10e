#include "score/nrr_policy.h"

const struct nrr_policy nrr_default_policy = {
	.preset = "default", .past_due_days = 15, .rate_age_days = 31,
};
