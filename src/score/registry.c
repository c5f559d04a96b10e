#include <string.h>

#include "signal.h"

const char *const engine_names[N_ENGINES] = { "defense", "expansion" };
const char *const family_names[N_FAMILIES] = {
	"usage", "people", "relationship", "support", "sentiment", "commercial", "payment", "value",
};

#define MEASURED "measured on dated real accounts"
#define PUBLISHED "published threshold, until your own backtest judges it"

const struct signal signals[] = {
	{ "active_level", ENGINE_DEFENSE, FAMILY_USAGE, read_active_level, FACT_USAGE, true,
	  "active on {{days}} of the last 28 days; {{own}} in its best month, {{segment}} usual in its segment{{season}}",
	  MEASURED ": active-day rate, shrunk to the segment, against own peak and segment", NULL },
	{ "below_own_baseline", ENGINE_DEFENSE, FAMILY_USAGE, read_below_own_baseline, FACT_USAGE, true,
	  "use below half of its usual in {{weeks}} of the last 8 weeks; the last month at {{percent}} % of it",
	  MEASURED ": weeks below half of a baseline that halves every 90 days and leaves out the last 28", NULL },
	{ "silence", ENGINE_DEFENSE, FAMILY_USAGE, read_silence, FACT_USAGE, true,
	  "no activity for {{days}}; usually active on {{per_week}} days a week",
	  MEASURED ": silence against its own rhythm", NULL },
	{ "key_people_lost", ENGINE_DEFENSE, FAMILY_PEOPLE, read_key_people_lost, FACT_PERSON, false,
	  "{{lost}} of {{of}} key people gone or silent for 60 days: {{names}}",
	  MEASURED ": the three heaviest people of the past year and those marked as key", NULL },
	{ "active_people", ENGINE_DEFENSE, FAMILY_PEOPLE, read_active_people, FACT_PERSON, false,
	  "{{people}} active in 90 days, {{peak}} at its best", MEASURED ": people active in 90 days", NULL },
	{ "cooling_exchanges", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_cooling_exchanges, FACT_INTERACTION, true,
	  "{{exchanges}} in 8 weeks where {{expected}} are usual",
	  "own baseline with a half-life of 90 days; " PUBLISHED, NULL },
	{ "renewal_silence", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_renewal_silence, FACT_INTERACTION, true,
	  "renewal on {{renewal}}, {{left}}, and no message or meeting for {{days}}",
	  PUBLISHED ": last contact 30 to 90 days ago", NULL },
	{ "support_tension", ENGINE_DEFENSE, FAMILY_SUPPORT, read_support_tension, FACT_TICKET, true,
	  "{{tickets}} in 45 days{{severe}}{{open}}; usually {{usual}}",
	  PUBLISHED ": more than 5 to 10 tickets in 30 days, weighted by severity, against its own usual", NULL },
	{ "low_survey", ENGINE_DEFENSE, FAMILY_SENTIMENT, read_low_survey, FACT_SURVEY, false,
	  "{{kind}} {{score}} of {{most}} on {{on}}{{comment}}", PUBLISHED ": detractors answer 6 or less of 10", NULL },
	{ "dissatisfaction", ENGINE_DEFENSE, FAMILY_SENTIMENT, read_dissatisfaction, FACT_TICKET, false,
	  "{{texts}} with words of dissatisfaction, {{on}}: \"{{quote}}\"", "lexicon", NULL },
	{ "cancel_notice", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_cancel_notice, FACT_NOTICE, false,
	  "{{what}} on {{noticed}}{{effective}}{{quote}}", "a fact", "a cancellation notice" },
	{ "downgrade_request", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_downgrade_request, FACT_NOTICE, false,
	  "{{what}} on {{noticed}}{{effective}}{{quote}}", "a fact; a downgrade is deferred churn", "a downgrade request" },
	{ "cancel_talk", ENGINE_DEFENSE, FAMILY_COMMERCIAL, read_cancel_talk, FACT_TICKET, false,
	  "{{texts}} with words of leaving or shrinking, {{on}}: \"{{quote}}\"", "lexicon", NULL },
	{ "payment_trouble", ENGINE_DEFENSE, FAMILY_PAYMENT, read_payment_trouble, FACT_INVOICE, true,
	  "{{what}}{{late}}{{more}}",
	  PUBLISHED ": unpaid for more than 10 days, or a hard failure", NULL },
	{ "seat_use", ENGINE_DEFENSE, FAMILY_VALUE, read_seat_use, FACT_USAGE, true,
	  "{{people}} at work on {{seats}} paid seats",
	  PUBLISHED ": half of the seats used, a tenth after nine months", NULL },
	{ "near_limit", ENGINE_EXPANSION, FAMILY_VALUE, read_near_limit, FACT_USAGE, true,
	  "{{use}} of {{limit}} {{what}} ({{percent}} %){{rung}}",
	  PUBLISHED ": 80, 95 and 100 % of the limit, the middle of 14 days", NULL },
	{ "seat_growth", ENGINE_EXPANSION, FAMILY_PEOPLE, read_seat_growth, FACT_USAGE, true,
	  "{{now}} people a week for a month, {{before}} before: {{percent}} % more",
	  PUBLISHED ": growth sustained for two weeks and more", NULL },
	{ "new_teams", ENGINE_EXPANSION, FAMILY_PEOPLE, read_new_teams, FACT_USAGE, true, "{{teams}} at work: {{names}}",
	  PUBLISHED ": several teams, repeated use", NULL },
	{ "adjacent_need", ENGINE_EXPANSION, FAMILY_SUPPORT, read_adjacent_need, FACT_TICKET, false,
	  "asked for {{product}} in {{texts}}, {{on}}: \"{{quote}}\"", "lexicon", NULL },
	{ "adoption_depth", ENGINE_EXPANSION, FAMILY_USAGE, read_adoption_depth, FACT_USAGE, true,
	  "active on {{days}} of the last 28 days ({{normal}} usual in its segment){{features}}",
	  PUBLISHED ": adoption of what they have comes before more", NULL },
};
const size_t n_signals = ARRAY_LEN(signals);
_Static_assert(ARRAY_LEN(signals) <= MAX_SIGNALS, "MAX_SIGNALS");

bool score_knows_signal(const char *name)
{
	for (size_t i = 0; i < n_signals; i++)
		if (strcmp(signals[i].name, name) == 0)
			return true;
	return false;
}
