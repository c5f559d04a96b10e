#include "units.h"

#include <math.h>
#include <string.h>

#include "common/attr.h"

static const struct unit units[] = {
	{ "active_level", "active days in a month", UNIT_PERCENT, " of its usual" },
	{ "below_own_baseline", "weeks below half of its usual", UNIT_COUNT, " of 8" },
	{ "silence", "active days missed by its own rhythm", UNIT_COUNT, "" },
	{ "key_people_lost", "key people gone or silent", UNIT_PERCENT, " of them" },
	{ "active_people", "people at work", UNIT_PERCENT, " of its best" },
	{ "cooling_exchanges", "messages and meetings", UNIT_PERCENT, " of its usual" },
	{ "renewal_silence", "silence before the renewal", UNIT_DAYS, "" },
	{ "support_tension", "weight of its tickets above its usual", UNIT_COUNT, "" },
	{ "dissatisfaction", "texts with words of dissatisfaction", UNIT_COUNT, "" },
	{ "cancel_talk", "texts with words of leaving", UNIT_COUNT, "" },
	{ "payment_trouble", "payment overdue", UNIT_DAYS, "" },
	{ "seat_use", "people at work", UNIT_PERCENT, " of the seats paid" },
	{ "near_limit", "use", UNIT_PERCENT, " of the limit" },
	{ "seat_growth", "growth of people at work", UNIT_PERCENT, "" },
	{ "new_teams", "new teams at work", UNIT_COUNT, "" },
	{ "adjacent_need", "texts that ask for a product they don't have", UNIT_COUNT, "" },
	{ "adoption_depth", "depth of use", UNIT_PERCENT, " of its segment's" },
};

struct unit unit_of(const char *signal, struct arena *a)
{
	char *name;

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(units[i].signal, signal) == 0)
			return units[i];
	name = arena_strdup(a, signal);
	for (char *at = name; *at; at++)
		if (*at == '_')
			*at = ' ';
	return (struct unit){ signal, name, UNIT_PLAIN, "" };
}

double unit_round(const struct unit *u, double value, double from)
{
	double step = u->kind == UNIT_COUNT || u->kind == UNIT_DAYS ? 1 : 0.01;

	/* A hair less, so that 0.3 does not become 0.31 for the sake of a last bit. */
	return value > from ? step * ceil(value / step - 1e-9) : step * floor(value / step + 1e-9);
}

const char *unit_text(const struct unit *u, double value, struct arena *a)
{
	switch (u->kind) {
	case UNIT_DAYS:
		return arena_printf(a, "%.0f %s", value, fabs(value - 1) < 0.5 ? "day" : "days");
	case UNIT_COUNT:
		return arena_printf(a, fabs(value - round(value)) < 0.05 ? "%.0f" : "%.1f", value);
	case UNIT_PERCENT:
		return arena_printf(a, "%.0f %%", 100 * value);
	case UNIT_PLAIN:
		break;
	}
	return arena_printf(a, "%.2f", value);
}

size_t unit_count(void)
{
	return ARRAY_LEN(units);
}

const char *unit_signal(size_t i)
{
	return units[i].signal;
}
