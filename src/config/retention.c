/* `retention:` of an organisation: how long things are kept. */
#include "load.h"

enum { DAY_S = 86400 };
#define MAX_S (36525.0 * DAY_S)
#define PART(name) \
	{ .key = #name, .kind = YAML_DURATION, .offset = offsetof(struct retention_settings, name##_s), .max = MAX_S }

static const struct yaml_field fields[] = {
	PART(usage), PART(texts), PART(scores), PART(signals), PART(digests), PART(runs),
};

static void check_least(const struct yaml *where, const char *key, int64_t seconds, int least_days, const char *why,
                        struct mistakes *m)
{
	if (seconds != 0 && seconds < (int64_t)least_days * DAY_S)
		mistake_at(m, yaml_member(where, key), "is too short, expected at least %dd (%s), or 0d to keep it for ever",
		           least_days, why);
}

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct retention_settings *r = item;

	check_least(where, "usage", r->usage_s, 900, "a year is compared with the one before", m);
	check_least(where, "texts", r->texts_s, 92, "signals read the last 90 days", m);
	check_least(where, "scores", r->scores_s, 200, "explain shows half a year", m);
	check_least(where, "signals", r->signals_s, 30, "findings remember a month", m);
	check_least(where, "digests", r->digests_s, 92, "deliveries are audited over a quarter", m);
	check_least(where, "runs", r->runs_s, 7, "a week of pulls tells what is wrong", m);
}

const struct yaml_table retention_table = { .size = sizeof(struct retention_settings), .fields = fields,
	                                        .n_fields = ARRAY_LEN(fields), .check = check };
