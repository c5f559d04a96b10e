#include "accounts.h"

#include <string.h>

#include "score/explain.h"
#include "score/lexicon.h"
#include "store/usage.h"

static struct signal_settings signals[] = {
	{ .name = "active_level", .low = -2, .high = 2, .weight = 0.5, .relief = 1, .play = "act" },
	{ .name = "below_own_baseline", .low = 0.1, .high = 0.9, .weight = 0.5, .relief = 0.4, .play = "act" },
	{ .name = "silence", .low = 1, .high = 10, .weight = 0.5, .relief = 0.1, .play = "act" },
	{ .name = "sudden_drop", .low = 2, .high = 4, .weight = 2, .play = "act" },
	{ .name = "long_decline", .low = 0.2, .high = 0.9, .weight = 0.2, .relief = 0.1, .play = "act" },
	{ .name = "features_dropped", .low = 0, .high = 0.6, .weight = 0.4, .play = "act" },
	{ .name = "short_tenure", .low = 0, .high = 1, .weight = 0.5, .play = "act" },
	{ .name = "stalled_adoption", .low = 0.4, .high = 0.9, .weight = 0.5, .play = "act" },
	{ .name = "key_people_lost", .low = 0, .high = 2, .weight = 0.95, .relief = 0.15, .play = "act" },
	{ .name = "active_people", .low = -1.5, .high = 3, .weight = 0.4, .relief = 0.6, .play = "act" },
	{ .name = "people_shrinking", .low = 0.4, .high = 1, .weight = 0.3, .relief = 0.15, .play = "act" },
	{ .name = "cooling_exchanges", .low = 0.7, .high = 0.1, .weight = 0.7, .relief = 0.2, .play = "act" },
	{ .name = "renewal_silence", .low = 21, .high = 60, .weight = 1, .relief = 0.2, .play = "act" },
	{ .name = "slow_replies", .low = 0.15, .high = 0.6, .weight = 0.5, .play = "act" },
	{ .name = "meetings_put_off", .low = 0.5, .high = 3, .weight = 0.6, .play = "act" },
	{ .name = "sponsor_silence", .low = 3, .high = 10, .weight = 0.7, .play = "act" },
	{ .name = "contact_change", .low = 4, .high = 12, .weight = 0.3, .play = "act" },
	{ .name = "repeated_topic", .low = 1, .high = 4, .weight = 0.5, .play = "act" },
	{ .name = "unanswered_tickets", .low = 3, .high = 21, .weight = 0.6, .play = "act" },
	{ .name = "slow_resolution", .low = 1.5, .high = 4, .weight = 0.4, .play = "act" },
	{ .name = "reopened_tickets", .low = 0, .high = 3, .weight = 0.5, .play = "act" },
	{ .name = "past_contraction", .low = 0.05, .high = 0.4, .weight = 0.9, .play = "act" },
	{ .name = "renews_by_hand", .low = 0, .high = 1, .weight = 1.4, .play = "act" },
	{ .name = "invoice_disputed", .low = 0, .high = 1, .weight = 1.4, .play = "act" },
	{ .name = "pays_later", .low = 5, .high = 30, .weight = 0.6, .play = "act" },
	{ .name = "renewal_unproven", .low = 0.2, .high = 1, .weight = 0.7, .play = "act" },
	{ .name = "support_tension", .low = 4, .high = 14, .weight = 1, .relief = 0, .play = "act" },
	{ .name = "falling_answers", .low = 0.2, .high = 0.8, .weight = 0.4, .play = "act" },
	{ .name = "low_survey", .low = 0.3, .high = 1, .weight = 0.8, .relief = 0, .play = "act" },
	{ .name = "dissatisfaction", .low = 0, .high = 3, .weight = 0.7, .relief = 0, .play = "act" },
	{ .name = "cancel_notice", .low = 0, .high = 1, .weight = 6, .relief = 0, .play = "act" },
	{ .name = "downgrade_request", .low = 0, .high = 1, .weight = 6, .relief = 0, .play = "act" },
	{ .name = "cancel_talk", .low = 0, .high = 2, .weight = 1.4, .relief = 0, .play = "act" },
	{ .name = "payment_trouble", .low = 5, .high = 30, .weight = 3, .relief = 0, .play = "act" },
	{ .name = "seat_use", .low = 0, .high = 1, .weight = 0.3, .relief = 0.2, .play = "act" },
	{ .name = "near_limit", .low = 0.7, .high = 0.95, .weight = 1.4, .relief = 0.4, .play = "act" },
	{ .name = "seat_growth", .low = 0.1, .high = 0.5, .weight = 0.8, .relief = 0.2, .play = "act" },
	{ .name = "new_teams", .low = 0, .high = 2, .weight = 1, .relief = 0, .play = "act" },
	{ .name = "adjacent_need", .low = 0, .high = 2, .weight = 1.4, .relief = 0, .play = "act" },
	{ .name = "adoption_depth", .low = 0.4, .high = 1, .weight = 0.6, .relief = 0.6, .play = "act" },
	{ .name = "use_growth", .low = 0.1, .high = 0.5, .weight = 0.5, .relief = 0.2, .play = "act" },
	{ .name = "open_upsell", .low = 0, .high = 1, .weight = 1.2, .relief = 0, .play = "act" },
	{ .name = "filling_up", .low = 0, .high = 0.6, .weight = 0.8, .relief = 0, .play = "act" },
	{ .name = "full_and_worth", .low = 0, .high = 0.8, .weight = 0.5, .relief = 0, .play = "act" },
	{ .name = "full_at_renewal", .low = 0, .high = 0.8, .weight = 0.6, .relief = 0, .play = "act" },
	{ .name = "growing_at_renewal", .low = 0, .high = 0.6, .weight = 0.5, .relief = 0, .play = "act" },
	{ .name = "growing_and_worth", .low = 0, .high = 0.6, .weight = 0.4, .relief = 0, .play = "act" },
	{ .name = "worth_at_renewal", .low = 0, .high = 0.8, .weight = 0.5, .relief = 0, .play = "act" },
	{ .name = "sound_health", .low = 1.5, .high = 0.5, .weight = 0.3, .relief = 0.8, .play = "act" },
	{ .name = "steady_use", .low = 2, .high = 8, .weight = 0.3, .relief = 0.3, .play = "act" },
	{ .name = "worth_for_money", .low = 0.8, .high = 2, .weight = 0.4, .relief = 0.2, .play = "act" },
	{ .name = "renewal_near", .low = 180, .high = 45, .weight = 0.3, .relief = 0, .play = "act" },
	{ .name = "bought_more", .low = 0, .high = 0.5, .weight = 0.4, .relief = 0, .play = "act" },
	{ .name = "product_gap", .low = 0.2, .high = 0.7, .weight = 0.4, .relief = 0, .play = "act" },
};
static struct play_settings plays[] = {
	{ .name = "act", .title = "Act", .first_step = "Call.", .lead_days = 7 },
	{ .name = "confirm_request", .title = "Confirm", .first_step = "Ask.", .lead_days = 2 },
};
static const char *api[] = { "api access", "un acces api" }, *leave[] = { "cancel our", "resilier" };
static const char *ask_leave[] = {
	"want to|would like to|please ... cancel|terminate .. subscription|contract|our account",
	"souhaitons|voulons|merci de ... resilier .. abonnement|contrat",
	"won't renew",
};
static const char *ask_less[] = {
	"want to|would like to ... downgrade ... plan",
	"souhaitons ... passer .. offre .. inferieure",
};
static const char *shrink[] = { "fewer seats" }, *anger[] = { "unacceptable" };
static struct lexicon_settings lexicons[] = {
	{ "api", "adjacent_need", { api, 2 }, { NULL, 0 } },
	{ "cancel", "cancel", { leave, 2 }, { NULL, 0 } },
	{ "downgrade", "downgrade", { shrink, 1 }, { NULL, 0 } },
	{ "dissatisfaction", "dissatisfaction", { anger, 1 }, { NULL, 0 } },
	{ "cancel_request", "cancel_request", { ask_leave, 3 }, { NULL, 0 } },
	{ "downgrade_request", "downgrade_request", { ask_less, 2 }, { NULL, 0 } },
};

void sample_use(struct sample *s, int from_age, int to_age, int is_active)
{
	memset(&s->account.active, 0, sizeof s->account.active);
	for (int age = 0; age < FACTS_DAYS; age++) {
		if (age >= from_age && age < to_age)
			s->usage[0][age] = is_active ? 10 : USAGE_NONE;
		if (s->usage[0][age] != USAGE_NONE)
			fact_days_add(&s->account.active, age);
	}
	s->active[0] = s->account.active;
}

void sample_use_all(struct sample *s, int from_age, int to_age, int is_active)
{
	sample_use(s, from_age, to_age, is_active);
	for (int i = 1; i <= N_OTHERS; i++) {
		struct fact_days days = { 0 };

		for (int age = 0; age < FACTS_DAYS; age++) {
			bool is_in = age >= from_age && age < to_age;

			if (is_in ? is_active : fact_days_count(&s->active[i], age, age + 1))
				fact_days_add(&days, age);
		}
		s->active[i] = days;
	}
}

void sample_init(struct sample *s, struct arena *a)
{
	static const char *const segments[] = { "smb" };
	struct err err;
	size_t wrong;

	*s = (struct sample){ .arena = a };
	s->settings = (struct score_settings){
		.signals = { signals, ARRAY_LEN(signals) },
		.plays = { plays, ARRAY_LEN(plays) },
		.lexicons = { lexicons, ARRAY_LEN(lexicons) },
		.bands = { 2.5, 5, 2.5, 5, 0.8, 3 },
		.family_cap = 2.2,
		.total_relief = 1,
		.base_risk = 3,
		.losses = { 60, 30, 10 },
		.base_readiness = 5,
		.horizon_days = 90,
		.stale_days = 3,
		.attach_share = 0.2,
		.users_metric = "users",
	};
	if (lexicon_index_new(a, s->settings.lexicons, &s->settings.index, &wrong, &err) < 0)
		die("%s", err.text);
	s->metrics[0] = (struct fact_metric){ .id = 1, .name = "actions", .scale = 1, .is_activity = true };
	s->metrics[1] = (struct fact_metric){ .id = 2, .name = "users", .scale = 1, .is_activity = false };
	s->usage[0] = arena_array(a, FACTS_DAYS, sizeof(int64_t));
	for (int i = 0; i <= N_OTHERS; i++)
		s->members[i] = (struct fact_member){ .id = i + 1 };
	s->base = (struct fact_base){
		.as_of = AS_OF, .members = s->members, .n_members = N_OTHERS + 1, .active = s->active, .segments = segments,
		.metrics = s->metrics, .n_metrics = 2,
		.loss_rate = -1, .growth_rate = -1,
	};
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s->base.sources[kind] = (struct fact_source){ true, false, AS_OF };
	s->subscription = (struct fact_subscription){
		.product = "core", .plan = "pro", .currency = "EUR", .seats = 20, .mrr_minor = 100000,
		.start_on = AS_OF - 500, .end_on = DAY_NONE, .renewal_on = DAY_NONE, .cancel_notice_on = DAY_NONE,
		.is_active = true, .mrr_was_minor = { 100000, 100000, 100000, 100000 },
	};
	s->account = (struct fact_account){
		.id = 1,
		.key = "k1",
		.name = "Acme",
		.domain = "",
		.external_id = "",
		.segment = "smb",
		.plan = "pro",
		.currency = "EUR",
		.csm_email = "csm@x.example",
		.am_email = "am@x.example",
		.renewal_on = DAY_NONE,
		.heard_on = DAY_NONE,
		.created_on = AS_OF - 500,
		.customer_since_on = DAY_NONE,
		.is_customer = true,
		.subscriptions = &s->subscription,
		.n_subscriptions = 1,
	};
	for (int age = 0; age < FACTS_DAYS; age++)
		s->usage[0][age] = USAGE_NONE;
	for (int age = 0; age < 400; age++)
		if (age % 7 < 5)
			sample_use_all(s, age, age + 1, 1);
}

static bool is_told(const int64_t *series)
{
	for (int age = 0; age < FACTS_DAYS; age++)
		if (series[age] != USAGE_NONE)
			return true;
	return false;
}

void sample_series(int64_t *const usage[2], struct arena *a, struct fact_account *out)
{
	out->usage = arena_array(a, 2, sizeof *out->usage);
	for (size_t m = 0; m < 2; m++)
		if (usage[m] && is_told(usage[m]))
			out->usage[m] = fact_series_make(usage[m], a);
}

const struct diagnosis *sample_score(struct sample *s, const struct score_row *before)
{
	sample_series(s->usage, s->arena, &s->account);
	score_account(judge_of(&s->settings, &s->base, norms_of(&s->base, s->arena), s->arena), &s->account, before,
	              WORDS_ALL, s->arena, &s->diagnosis);
	score_changes(&s->settings, s->arena, &s->diagnosis);
	return &s->diagnosis;
}

const struct reading *sample_reading(const struct sample *s, enum score_engine engine, const char *name)
{
	const struct verdict *v = &s->diagnosis.verdicts[engine];

	for (size_t i = 0; i < v->n_readings; i++)
		if (strcmp(v->readings[i].name, name) == 0)
			return &v->readings[i];
	return NULL;
}

struct fact_person *sample_person(struct sample *s, const char *key, int from_age, int to_age)
{
	struct fact_person *people =
		arena_grow(s->arena, s->account.people, s->account.n_people, s->account.n_people + 1, sizeof *people);
	struct fact_person *p = &people[s->account.n_people++];

	*p = (struct fact_person){ .key = key, .name = "", .role = "", .team = "", .left_on = DAY_NONE };
	for (int age = from_age; age < to_age; age++)
		fact_days_add(&p->used, age);
	s->account.people = people;
	return p;
}
