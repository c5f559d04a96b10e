/* The invariants of judgement, one test each, and properties that must hold whatever the facts. */
#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "../../src/score/evidence.h"
#include "accounts.h"
#include "common/buf.h"
#include "score/explain.h"

static struct sample s;

static int setup(void **state)
{
	struct arena *a = arena_new(0);

	sample_init(&s, a);
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct verdict *risk(void)
{
	return &s.diagnosis.verdicts[ENGINE_DEFENSE];
}

static const struct verdict *readiness(void)
{
	return &s.diagnosis.verdicts[ENGINE_EXPANSION];
}

static void fall_silent(int days)
{
	sample_use(&s, 0, days, 0);
}

static struct fact_notice notice = { "cancel", "EUR", "", AS_OF - 2, AS_OF + 60, 0 };

static void give_notice(const char *kind)
{
	notice.kind = kind;
	s.account.notices = &notice;
	s.account.n_notices = 1;
}

static void fill_seats(int64_t people)
{
	s.usage[1] = arena_array(s.arena, FACTS_DAYS, sizeof(int64_t));
	for (int age = 0; age < FACTS_DAYS; age++)
		s.usage[1][age] = people;
}

static void lose_key_people(void)
{
	for (int i = 0; i < 3; i++)
		sample_person(&s, i == 0 ? "a" : i == 1 ? "b" : "c", 70, 300);
}

static void a_settled_account_is_steady_and_says_what_it_knows(void **state)
{
	(void)state;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 0);
	assert_true(risk()->score > 0 && risk()->score < s.settings.base_risk); /* in better order than usual */
	assert_true(sample_reading(&s, ENGINE_DEFENSE, "active_level")->is_known);
	assert_true(risk()->confidence > 0.4 && risk()->confidence < 1);
}

static void one_family_alone_never_goes_above_watch(void **state)
{
	(void)state;
	s.settings.family_cap = 10; /* so that logits alone would do */
	fall_silent(90);
	sample_score(&s, NULL);
	assert_true(risk()->times >= s.settings.bands.at_risk);
	ASSERT_INT(risk()->n_families, 1);
	ASSERT_INT(risk()->band, 1);
	assert_non_null(strstr(risk()->band_why, "one family"));
	lose_key_people();
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 2);
}

static void one_family_alone_comes_in_no_higher_while_another_source_is_broken(void **state)
{
	struct score_row before = {
		.account = 1, .day = AS_OF - 1, .risk = 90, .risk_band = 1, .risk_band_since = AS_OF - 9
	};

	(void)state;
	s.settings.family_cap = 10;
	fall_silent(90);
	s.base.sources[FACT_TICKET] = (struct fact_source){ true, true, AS_OF - 30 };
	sample_score(&s, &before);
	assert_true(risk()->is_held && risk()->times >= s.settings.bands.at_risk);
	ASSERT_INT(risk()->band, 1);
	before.risk_band = 2; /* what was said with two stands */
	sample_score(&s, &before);
	ASSERT_INT(risk()->band, 2);
}

static void a_hard_fact_needs_no_second_family(void **state)
{
	static const char *const kinds[] = { "cancel", "non_renewal", "downgrade" };
	struct fact_invoice failed = { 10000, "EUR", AS_OF - 20, AS_OF - 10, DAY_NONE, AS_OF - 3, DAY_NONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		give_notice(kinds[i]);
		sample_score(&s, NULL);
		ASSERT_INT(risk()->band, 2);
	}
	s.account.n_notices = 0;
	s.account.invoices = &failed;
	s.account.n_invoices = 1;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 2);
	failed.paid_on = AS_OF;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 0);
}

static void trend_counts_over_level(void **state)
{
	double settled, fallen;

	(void)state;
	/* A quiet account that was always quiet, and a busy one that became as quiet. */
	for (int age = 0; age < 400; age++)
		sample_use(&s, age, age + 1, age % 7 == 0);
	sample_score(&s, NULL);
	settled = risk()->times;
	for (int age = 56; age < 400; age++)
		sample_use(&s, age, age + 1, age % 7 < 5);
	sample_score(&s, NULL);
	fallen = risk()->times;
	assert_true(fallen > 1.5 * settled);
	assert_true(settled < s.settings.bands.watch);
}

static void a_pause_of_the_whole_base_is_no_signal(void **state)
{
	double alone, together;

	(void)state;
	sample_use(&s, 0, 14, 0);
	sample_score(&s, NULL);
	alone = risk()->times;
	sample_use_all(&s, 0, 14, 0);
	s.base.sources[FACT_USAGE].fresh_on = AS_OF;
	sample_score(&s, NULL);
	together = risk()->times;
	assert_true(alone > 1.5);
	assert_true(together < alone / 2);
}

static void no_data_is_not_zero(void **state)
{
	struct score_row before = {
		.account = 1, .day = AS_OF - 1, .risk = 70, .risk_band = 2, .risk_band_since = AS_OF - 9
	};
	double known;

	(void)state;
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s.base.sources[kind].is_known = false;
	s.account.n_subscriptions = 0;
	sample_score(&s, NULL);
	assert_true(risk()->score < 0); /* nothing is known: nothing is said */
	ASSERT_NEAR(risk()->confidence, 0, 1e-9);
	ASSERT_INT(risk()->band, 0);

	sample_init(&s, s.arena);
	fall_silent(30);
	sample_score(&s, NULL);
	known = risk()->score;
	assert_true(risk()->times > 2);
	/* A kind of fact that isn't connected changes neither the score nor what it is made of. */
	s.base.sources[FACT_TICKET].is_known = false;
	s.base.sources[FACT_SURVEY].is_known = false;
	sample_score(&s, NULL);
	ASSERT_NEAR(risk()->score, known, 1e-9);
	/* Silence of a broken source is no silence, of a young account neither, and what was known before stands. */
	s.base.sources[FACT_USAGE] = (struct fact_source){ true, true, AS_OF - 30 };
	s.subscription.start_on = AS_OF - 70;
	sample_score(&s, NULL);
	ASSERT_NEAR(risk()->times, 1, 1e-9);
	s.subscription.start_on = AS_OF - 500;
	sample_score(&s, NULL);
	assert_false(sample_reading(&s, ENGINE_DEFENSE, "silence")->is_known);
	ASSERT_NEAR(risk()->times, 1, 1e-9);
	sample_score(&s, &before);
	ASSERT_NEAR(risk()->score, 70, 1e-9);
	ASSERT_INT(risk()->band, 2);
}

static void a_downgrade_is_as_urgent_as_a_departure(void **state)
{
	double cancel;
	int32_t act_by;

	(void)state;
	give_notice("cancel");
	sample_score(&s, NULL);
	cancel = risk()->score;
	act_by = risk()->act_by_on;
	give_notice("downgrade");
	sample_score(&s, NULL);
	ASSERT_NEAR(risk()->score, cancel, 1e-9);
	ASSERT_INT(risk()->act_by_on, act_by);
	ASSERT_INT(risk()->band, 2);
}

static void both_engines_never_speak_of_one_account(void **state)
{
	struct finding standing = { .id = 7, .account = 1, .engine = "defense", .cause = "silence", .opened_on = AS_OF - 9,
	                            .closed_on = DAY_NONE, .score = 70, .worst_score = 70 };
	struct finding_change changes[8];
	size_t n;

	(void)state;
	fill_seats(20);
	sample_score(&s, NULL);
	assert_true(readiness()->band >= 1);
	assert_false(readiness()->is_blocked);
	give_notice("cancel");
	sample_score(&s, NULL);
	ASSERT_INT(readiness()->band, 0);
	assert_true(readiness()->is_blocked);
	n = findings_decide(&s.diagnosis, NULL, 0, s.arena, changes);
	ASSERT_INT(n, 1);
	assert_string_equal(changes[0].finding.engine, "defense");
	/* A finding that is still held open vetoes by itself, whatever the band. */
	s.account.n_notices = 0;
	sample_score(&s, NULL);
	s.diagnosis.verdicts[ENGINE_DEFENSE].is_held = true;
	ASSERT_INT(findings_decide(&s.diagnosis, &standing, 1, s.arena, changes), 0);
	standing.closed_on = AS_OF - 1;
	s.diagnosis.verdicts[ENGINE_DEFENSE].is_held = false;
	ASSERT_INT(findings_decide(&s.diagnosis, &standing, 1, s.arena, changes), 1);
	assert_string_equal(changes[0].finding.engine, "expansion");
}

static void growth_needs_health_demand_and_capacity(void **state)
{
	struct fact_invoice late = { 10000, "EUR", AS_OF - 40, AS_OF - 8, DAY_NONE, DAY_NONE, DAY_NONE };

	(void)state;
	sample_score(&s, NULL);
	assert_non_null(strstr(readiness()->band_why, "no demand"));
	fill_seats(20);
	sample_score(&s, NULL);
	assert_true(readiness()->band >= 1);
	s.account.invoices = &late;
	s.account.n_invoices = 1;
	sample_score(&s, NULL);
	assert_non_null(strstr(readiness()->band_why, "no capacity"));
	s.account.n_invoices = 0;
	s.base.sources[FACT_USAGE].is_stale = true;
	sample_score(&s, NULL);
	assert_non_null(strstr(readiness()->band_why, "health"));
}

static void a_spike_of_one_day_is_no_growth(void **state)
{
	(void)state;
	fill_seats(10);
	s.usage[1][1] = 60;
	sample_score(&s, NULL);
	ASSERT_NEAR(sample_reading(&s, ENGINE_EXPANSION, "seat_growth")->strength, 0, 1e-9);
	ASSERT_NEAR(sample_reading(&s, ENGINE_EXPANSION, "near_limit")->strength, 0, 1e-9);
	for (int age = 0; age < 28; age++)
		s.usage[1][age] = 18;
	sample_score(&s, NULL);
	assert_true(sample_reading(&s, ENGINE_EXPANSION, "seat_growth")->strength > 0.9);
	assert_true(sample_reading(&s, ENGINE_EXPANSION, "near_limit")->strength > 0.5);
}

static void rank_is_value_times_probability_times_urgency(void **state)
{
	struct finding small_urgent = { .expected_minor = 100, .act_by_on = AS_OF },
				   large = { .expected_minor = 300, .act_by_on = AS_OF + 200 };
	struct finding middle = { .expected_minor = 160, .act_by_on = AS_OF - 5 };

	(void)state;
	assert_true(finding_priority(&large, AS_OF) > finding_priority(&small_urgent, AS_OF));
	assert_true(finding_priority(&middle, AS_OF) > finding_priority(&large, AS_OF));
	give_notice("cancel");
	sample_score(&s, NULL);
	ASSERT_INT(risk()->value_minor, 1200000); /* 1,000.00 a month */
	ASSERT_INT(risk()->expected_minor, llround(12000 * risk()->score));
	assert_true(risk()->score > 75);
}

static void the_same_facts_give_the_same_bytes(void **state)
{
	CLEANUP(buf_done) struct buf first, second;
	struct explain_more more = { .settings = &s.settings, .config_hash = "c" };

	(void)state;
	buf_init(&first, 1 << 20);
	buf_init(&second, 1 << 20);
	fall_silent(40);
	lose_key_people();
	explain_text(sample_score(&s, NULL), &more, s.arena, &first);
	explain_json(sample_score(&s, NULL), &more, s.arena, &first);
	explain_table(sample_score(&s, NULL), s.arena, &first);
	explain_text(sample_score(&s, NULL), &more, s.arena, &second);
	explain_json(sample_score(&s, NULL), &more, s.arena, &second);
	explain_table(sample_score(&s, NULL), s.arena, &second);
	assert_true(first.len > 1000);
	assert_string_equal(first.at, second.at);
}

static void text_from_outside_stays_data(void **state)
{
	struct fact_ticket ticket = {
		.priority = "high",
		.text = "Ignore {{days}} and <b>cancel our\x1b[31m contract</b>, call +33 6 12 34 56 78 or joe@x.example now",
		.subject = "",
		.category = "",
		.opened_on = AS_OF - 1,
		.closed_on = DAY_NONE,
		.replied_on = DAY_NONE,
		.satisfaction = -1,
	};
	const struct reading *r;

	(void)state;
	s.account.tickets = &ticket;
	s.account.n_tickets = 1;
	sample_score(&s, NULL);
	r = sample_reading(&s, ENGINE_DEFENSE, "cancel_talk");
	assert_true(r->strength > 0);
	assert_null(strstr(r->evidence, "joe@"));
	assert_null(strstr(r->evidence, "12 34"));
	assert_null(strchr(r->evidence, '\x1b'));
	assert_non_null(strstr(r->evidence, "{{days}}")); /* not a template */
}

static void more_idle_days_never_lower_the_risk(void **state)
{
	double last = 0, first;

	(void)state;
	sample_score(&s, NULL);
	first = risk()->score;
	for (int days = 0; days < 200; days += 3) {
		fall_silent(days);
		sample_score(&s, NULL);
		assert_true(risk()->score >= last - 1e-9);
		last = risk()->score;
	}
	assert_true(last > 5 * first);
}

static void scores_stay_within_bounds(void **state)
{
	uint32_t random = 7;

	(void)state;
	for (int round = 0; round < 200; round++) {
		sample_init(&s, s.arena);
		for (int age = 0; age < FACTS_DAYS; age++) {
			random = random * 1664525 + 1013904223;
			if ((random >> 16) % 100 < (unsigned)round)
				sample_use(&s, age, age + 1, (random >> 8) & 1);
		}
		if (round % 5 == 0)
			give_notice("cancel");
		if (round % 3 == 0)
			lose_key_people();
		sample_score(&s, NULL);
		for (int engine = 0; engine < N_ENGINES; engine++) {
			const struct verdict *v = &s.diagnosis.verdicts[engine];

			assert_true(v->score <= 100 && (v->score >= 0 || v->score == -1));
			assert_true(v->confidence >= 0 && v->confidence <= 1);
			for (size_t i = 0; i < v->n_readings; i++)
				assert_true(v->readings[i].strength >= 0 && v->readings[i].strength <= 1);
		}
		if (round % 20 == 0)
			arena_reset(s.arena);
	}
}

/* Takes the account's odds to so many times the usual ones by weighing that one reading. */
static void weigh_support(double times)
{
	struct signal_settings *all = arena_memdup(s.arena, s.settings.signals.at, s.settings.signals.n * sizeof *all);
	static struct fact_ticket tickets[20];

	for (size_t i = 0; i < ARRAY_LEN(tickets); i++)
		tickets[i] = (struct fact_ticket){
			.priority = "urgent", .text = "", .subject = "", .category = "", .opened_on = AS_OF - 1,
			.closed_on = AS_OF - 1, .satisfaction = -1, .replied_on = DAY_NONE
		};
	s.account.tickets = tickets;
	s.account.n_tickets = ARRAY_LEN(tickets);
	for (size_t i = 0; i < s.settings.signals.n; i++) {
		all[i].relief = 0;
		all[i].weight = strcmp(all[i].name, "support_tension") == 0 ? log(times) : 0;
	}
	s.settings.signals.at = all;
}

static void a_band_is_left_later_than_it_is_entered(void **state)
{
	struct score_row before = {
		.account = 1, .day = AS_OF - 1, .risk = 8, .risk_band = 1, .risk_band_since = AS_OF - 30
	};

	(void)state;
	weigh_support(2.1);
	sample_score(&s, NULL);
	ASSERT_NEAR(risk()->times, 2.1, 1e-9);
	ASSERT_INT(risk()->band, 0);
	sample_score(&s, &before);
	ASSERT_INT(risk()->band, 1); /* 2.1 is not below 2.5 x 0.8 */
	ASSERT_INT(risk()->band_since, AS_OF - 30);
	weigh_support(1.9);
	sample_score(&s, &before);
	ASSERT_INT(risk()->band, 0);
	before.risk_band_since = AS_OF - 2; /* not yet three days in */
	sample_score(&s, &before);
	ASSERT_INT(risk()->band, 1);
	weigh_support(2.5 + 1e-9); /* the entry is inclusive */
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 1);
}

static void bands_do_not_move_with_the_base_rate(void **state)
{
	double score, times;

	(void)state;
	fall_silent(40);
	sample_score(&s, NULL);
	score = risk()->score;
	times = risk()->times;
	s.base.loss_rate = 0.001; /* 8.6 in 100 within 90 days */
	sample_score(&s, NULL);
	assert_true(risk()->score > 1.5 * score);
	ASSERT_NEAR(risk()->times, times, 1e-9);
	ASSERT_NEAR(risk()->base_logit, log(1 / exp(-0.09) - 1), 1e-9);
	s.settings.horizon_days = 180;
	sample_score(&s, NULL);
	ASSERT_NEAR(risk()->base_logit, log(1 / exp(-0.18) - 1), 1e-9);
}

static double losses(void)
{
	return risk()->losses[LOSS_CHURN] + risk()->losses[LOSS_CONTRACTION] + risk()->losses[LOSS_INVOLUNTARY];
}

static void kinds_of_loss_add_up_to_the_risk_and_follow_what_speaks_for_them(void **state)
{
	struct fact_invoice failed = { 10000, "EUR", AS_OF - 20, AS_OF - 10, DAY_NONE, AS_OF - 3, DAY_NONE };

	(void)state;
	sample_score(&s, NULL);
	ASSERT_NEAR(losses(), risk()->score, 1e-9);
	assert_true(risk()->losses[LOSS_CHURN] > risk()->losses[LOSS_CONTRACTION]);
	give_notice("downgrade");
	sample_score(&s, NULL);
	ASSERT_NEAR(losses(), risk()->score, 1e-9);
	assert_true(risk()->losses[LOSS_CONTRACTION] > 0.9 * risk()->score);
	s.account.n_notices = 0;
	s.account.invoices = &failed;
	s.account.n_invoices = 1;
	sample_score(&s, NULL);
	assert_true(risk()->losses[LOSS_INVOLUNTARY] > 0.6 * risk()->score);
}

static void a_fitted_curve_takes_the_place_of_the_weight(void **state)
{
	struct signal_settings *all = arena_memdup(s.arena, s.settings.signals.at, s.settings.signals.n * sizeof *all);
	const struct reading *r;

	(void)state;
	fall_silent(60);
	sample_score(&s, NULL);
	r = sample_reading(&s, ENGINE_DEFENSE, "below_own_baseline");
	ASSERT_NEAR(r->value, 1, 1e-9);
	for (size_t i = 0; i < s.settings.signals.n; i++)
		if (strcmp(all[i].name, "below_own_baseline") == 0)
			all[i].curve = (struct curve){ 3, { 0, 0.5, 1.5 }, { -1, 0, 1 } };
	s.settings.signals.at = all;
	s.settings.family_cap = 10;
	sample_score(&s, NULL);
	ASSERT_NEAR(sample_reading(&s, ENGINE_DEFENSE, "below_own_baseline")->contribution, 0.5, 1e-9);
}

static void the_smallest_change_is_one_that_moves_the_band(void **state)
{
	static const struct fact_survey survey = { "nps", "", 0, AS_OF - 5 };
	static struct fact_ticket angry[3];

	(void)state;
	fall_silent(60);
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 1);
	assert_non_null(strstr(risk()->change, "would make the band"));
	for (size_t i = 0; i < ARRAY_LEN(angry); i++) /* two families, each with more than one witness */
		angry[i] = (struct fact_ticket){
			.priority = "low", .text = "this is unacceptable", .subject = "", .category = "", .opened_on = AS_OF - 1,
			.closed_on = AS_OF - 1, .satisfaction = -1, .replied_on = AS_OF - 1
		};
	s.account.tickets = angry;
	s.account.n_tickets = ARRAY_LEN(angry);
	s.account.surveys = &survey;
	s.account.n_surveys = 1;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 2);
	assert_non_null(strstr(risk()->change, "no single signal; all of"));
	assert_non_null(strstr(risk()->change, "would make the band watch"));
	give_notice("cancel");
	sample_score(&s, NULL);
	assert_non_null(strstr(risk()->change, "no single signal; all of"));
	assert_non_null(strstr(risk()->change, " and commercial as usual"));
}

static void the_day_to_act_is_never_in_the_past(void **state)
{
	(void)state;
	give_notice("cancel");
	notice.effective_on = AS_OF + 1;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->act_by_on, AS_OF);
	notice.effective_on = AS_OF + 60;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->act_by_on, AS_OF + 7); /* within the play's days */
	notice.effective_on = AS_OF + 10;
	sample_score(&s, NULL);
	ASSERT_INT(risk()->act_by_on, AS_OF + 3); /* or so many before the date that presses, whichever comes first */
}

/* The account in all ways, against the diagnosis that was made with all words. */
static void compare_words(enum score_words words)
{
	struct diagnosis brief;

	sample_score(&s, NULL);
	score_account(judge_of(&s.settings, &s.base, norms_of(&s.base, s.arena), s.arena), &s.account, NULL, words, s.arena,
	              &brief);
	for (int engine = 0; engine < N_ENGINES; engine++) {
		const struct verdict *full = &s.diagnosis.verdicts[engine], *v = &brief.verdicts[engine];

		assert_true(v->n_readings == full->n_readings && v->band == full->band);
		assert_true(memcmp(&v->logit, &full->logit, sizeof v->logit) == 0);
		assert_true((v->lead != NULL) == (full->lead != NULL));
		if (v->lead)
			assert_string_equal(v->lead->name, full->lead->name);
		for (size_t i = 0; i < v->n_readings; i++) {
			bool is_told = words == WORDS_OF_BANDS && (risk()->band > 0 || readiness()->band > 0) &&
			               (full->readings[i].strength > 0 || full->readings[i].contribution > 0);

			assert_true((reading_evidence(s.arena, &v->readings[i]) != NULL) == is_told);
			if (is_told)
				assert_string_equal(reading_evidence(s.arena, &v->readings[i]), full->readings[i].evidence);
		}
	}
}

static void a_score_is_the_same_without_words_and_bands_get_theirs(void **state)
{
	(void)state;
	compare_words(WORDS_NONE);
	compare_words(WORDS_OF_BANDS); /* a steady account: none */
	ASSERT_INT(risk()->band, 0);
	sample_use_all(&s, 0, 40, 1);
	sample_use(&s, 0, 25, 0);
	give_notice("cancel");
	compare_words(WORDS_NONE);
	compare_words(WORDS_OF_BANDS);
	assert_true(risk()->band > 0 && reading_evidence(s.arena, risk()->lead));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_settled_account_is_steady_and_says_what_it_knows, setup, teardown),
		cmocka_unit_test_setup_teardown(one_family_alone_never_goes_above_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(one_family_alone_comes_in_no_higher_while_another_source_is_broken, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_hard_fact_needs_no_second_family, setup, teardown),
		cmocka_unit_test_setup_teardown(trend_counts_over_level, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pause_of_the_whole_base_is_no_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(no_data_is_not_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(a_downgrade_is_as_urgent_as_a_departure, setup, teardown),
		cmocka_unit_test_setup_teardown(both_engines_never_speak_of_one_account, setup, teardown),
		cmocka_unit_test_setup_teardown(growth_needs_health_demand_and_capacity, setup, teardown),
		cmocka_unit_test_setup_teardown(a_spike_of_one_day_is_no_growth, setup, teardown),
		cmocka_unit_test_setup_teardown(rank_is_value_times_probability_times_urgency, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_facts_give_the_same_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(text_from_outside_stays_data, setup, teardown),
		cmocka_unit_test_setup_teardown(more_idle_days_never_lower_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(scores_stay_within_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(a_band_is_left_later_than_it_is_entered, setup, teardown),
		cmocka_unit_test_setup_teardown(bands_do_not_move_with_the_base_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(kinds_of_loss_add_up_to_the_risk_and_follow_what_speaks_for_them, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_fitted_curve_takes_the_place_of_the_weight, setup, teardown),
		cmocka_unit_test_setup_teardown(the_smallest_change_is_one_that_moves_the_band, setup, teardown),
		cmocka_unit_test_setup_teardown(the_day_to_act_is_never_in_the_past, setup, teardown),
		cmocka_unit_test_setup_teardown(a_score_is_the_same_without_words_and_bands_get_theirs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
