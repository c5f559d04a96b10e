#include "rules.h"

#include <string.h>

enum { YEAR_S = 366 * 86400 };

static const struct holiday_set *holiday_set(const struct config *config, const char *name)
{
	const struct holiday_set *sets = config->holidays.at;

	for (size_t i = 0; i < config->holidays.n; i++)
		if (strcmp(sets[i].name, name) == 0)
			return &sets[i];
	return NULL;
}

int owner_rules(struct arena *a, const struct config *config, const struct org_settings *org,
		const struct owner_settings *owner, struct slot_rules *out, struct err *err)
{
	const struct texts *days = owner->days.n > 0 ? &owner->days : &org->days;
	const struct texts *holidays = owner->holidays.n > 0 ? &owner->holidays : &org->holidays;
	struct slot_rules rules = { .at_minutes = owner->at_minutes, .n_holidays = holidays->n };
	struct day_set *sets = arena_array(a, holidays->n, sizeof *sets);

	for (size_t i = 0; i < days->n; i++)
		rules.working_days |= slot_weekday(days->at[i]);
	for (size_t i = 0; i < holidays->n; i++) {
		const struct holiday_set *set = holiday_set(config, holidays->at[i]);

		if (set == NULL)
			return err_set(err, ERR_CONFIG, "owner %s: no holidays file '%s'", owner->email, holidays->at[i]);
		sets[i] = (struct day_set){ set->days, set->n };
	}
	rules.holidays = sets;
	if (zone_open(a, owner->zone ? owner->zone : org->zone, &rules.zone, err) < 0)
		return err_in(err, "owner %s", owner->email);
	*out = rules;
	return 0;
}

bool owner_has_slot(const struct slot_rules *rules, int64_t now)
{
	struct slot slot;

	return slot_next(rules, now, &slot) && slot.due_at <= now + YEAR_S;
}
