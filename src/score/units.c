#include "units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "common/attr.h"

static const struct unit units[] = {
	{ "active_level", "active days lately", UNIT_HALVED_PERCENT, " of what is usual in its segment" },
	{ "below_own_baseline", "how far 8 weeks fall short of its usual", UNIT_PERCENT, "" },
	{ "silence", "active days missed by its own rhythm", UNIT_COUNT, "" },
	{ "sudden_drop", "its drop in spreads of its usual ups and downs", UNIT_COUNT, "" },
	{ "long_decline", "the fall since its best quarter", UNIT_PERCENT, "" },
	{ "features_dropped", "features given up", UNIT_PERCENT, " of those in regular use" },
	{ "short_tenure", "how young and unused it is", UNIT_PERCENT, "" },
	{ "stalled_adoption", "how far its best month stays below the usual", UNIT_PERCENT, "" },
	{ "key_people_lost", "key people gone or silent", UNIT_NONE, "" },
	{ "active_people", "people at work", UNIT_HALVED_FOUR, "" },
	{ "people_shrinking", "the fall of people at work since its best month", UNIT_PERCENT, "" },
	{ "cooling_exchanges", "messages and meetings", UNIT_PERCENT, " of its usual" },
	{ "renewal_silence", "silence before the renewal", UNIT_DAYS, "" },
	{ "slow_replies", "days on which our messages wait for an answer", UNIT_PERCENT, ", beyond its usual" },
	{ "meetings_put_off", "meetings put off", UNIT_COUNT, ", beyond its usual" },
	{ "sponsor_silence", "days of exchange missed by those who decide", UNIT_COUNT, "" },
	{ "contact_change", "days of exchange missed by whoever wrote most", UNIT_COUNT, "" },
	{ "support_tension", "weight of its tickets above its usual", UNIT_COUNT, "" },
	{ "repeated_topic", "tickets about the same, beyond its usual,", UNIT_COUNT, "" },
	{ "unanswered_tickets", "longest wait of a ticket", UNIT_DAYS, "" },
	{ "slow_resolution", "time that tickets take", UNIT_PLAIN, " times its usual" },
	{ "reopened_tickets", "tickets opened again", UNIT_COUNT, "" },
	{ "low_survey", "displeasure of the last survey", UNIT_PERCENT, "" },
	{ "falling_answers", "displeasure beyond their earlier answers", UNIT_PERCENT, "" },
	{ "dissatisfaction", "texts with words of dissatisfaction", UNIT_COUNT, "" },
	{ "cancel_talk", "texts with words of leaving", UNIT_COUNT, "" },
	{ "champion_leaving", "texts that say that a champion leaves", UNIT_COUNT, "" },
	{ "exit_questions", "texts that ask how to leave", UNIT_COUNT, "" },
	{ "downgrade_talk", "texts about the price or seats not needed", UNIT_COUNT, "" },
	{ "competitor_named", "texts that name a competitor", UNIT_COUNT, "" },
	{ "past_contraction", "revenue lost", UNIT_PERCENT, " of its highest" },
	{ "renews_by_hand", "nearness of an end that nobody has renewed", UNIT_PERCENT, "" },
	{ "pays_later", "delay of its last payments", UNIT_DAYS, ", beyond its usual" },
	{ "renewal_unproven", "what is missing for the renewal", UNIT_PERCENT, "" },
	{ "payment_trouble", "payment overdue", UNIT_DAYS, "" },
	{ "seat_use", "emptiness of its seats for its tenure", UNIT_PERCENT, "" },
	{ "near_limit", "use", UNIT_PERCENT, " of the limit" },
	{ "seat_growth", "growth of people at work", UNIT_PERCENT, "" },
	{ "use_growth", "growth of use in a quarter", UNIT_PERCENT, "" },
	{ "filling_up", "filling up", UNIT_NONE, "" },
	{ "full_and_worth", "full and worth it", UNIT_NONE, "" },
	{ "full_at_renewal", "full at the renewal", UNIT_NONE, "" },
	{ "growing_at_renewal", "growing at the renewal", UNIT_NONE, "" },
	{ "growing_and_worth", "growing and worth it", UNIT_NONE, "" },
	{ "worth_at_renewal", "worth it at the renewal", UNIT_NONE, "" },
	{ "sound_health", "health", UNIT_NONE, "" },
	{ "steady_use", "months of steady use", UNIT_COUNT, "" },
	{ "worth_for_money", "use for its money", UNIT_PLAIN, " times the usual" },
	{ "renewal_near", "days to its renewal", UNIT_COUNT, "" },
	{ "bought_more", "what it pays more than a year ago", UNIT_PERCENT, "" },
	{ "open_upsell", "an open offer", UNIT_NONE, "" },
	{ "product_gap", "accounts that have what it has not", UNIT_PERCENT, "" },
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

/* What people would count: halvings become what is left. */
static double shown_of(const struct unit *u, double value)
{
	return u->kind == UNIT_HALVED_PERCENT ? exp2(-value) : u->kind == UNIT_HALVED_FOUR ? 4 * exp2(-value) : value;
}

static double value_of(const struct unit *u, double shown)
{
	return u->kind == UNIT_HALVED_PERCENT ? -log2(shown) : u->kind == UNIT_HALVED_FOUR ? -log2(shown / 4) : shown;
}

double unit_round(const struct unit *u, double value, double from)
{
	bool is_whole = u->kind == UNIT_COUNT || u->kind == UNIT_DAYS || u->kind == UNIT_HALVED_FOUR;
	double step = is_whole ? 1 : 0.01, shown = shown_of(u, value), before = shown_of(u, from);

	/* A hair less, so that 0.3 does not become 0.31 for the sake of a last bit. */
	shown = shown > before ? step * ceil(shown / step - 1e-9) : step * floor(shown / step + 1e-9);
	if (shown <= 0 && (u->kind == UNIT_HALVED_PERCENT || u->kind == UNIT_HALVED_FOUR))
		return value; /* none are left however often it is halved */
	return value_of(u, shown);
}

const char *unit_text(const struct unit *u, double value, struct arena *a)
{
	double shown = shown_of(u, value);

	switch (u->kind) {
	case UNIT_DAYS:
		return arena_printf(a, "%.0f %s", shown, fabs(shown - 1) < 0.5 ? "day" : "days");
	case UNIT_COUNT:
	case UNIT_HALVED_FOUR:
		return arena_printf(a, fabs(shown - round(shown)) < 0.05 ? "%.0f" : "%.1f", shown);
	case UNIT_PERCENT:
	case UNIT_HALVED_PERCENT:
		return arena_printf(a, "%.0f %%", 100 * shown);
	case UNIT_PLAIN:
	case UNIT_NONE:
		break;
	}
	return arena_printf(a, "%.2f", shown);
}

size_t unit_count(void)
{
	return ARRAY_LEN(units);
}

const char *unit_signal(size_t i)
{
	return units[i].signal;
}
