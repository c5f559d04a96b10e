/* Findings over days: opened once, updated, rested, dismissed, resolved and lost; and how they are kept. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"
#include "../../src/score/signal.h"
#include "store/migrate.h"
#include "store/score_day.h"

static struct err err;
static struct db *db;
static struct sample s;
static struct fact_notice notice = { "cancel", "EUR", "we leave", AS_OF - 2, AS_OF + 60, 0 };

static int setup(void **state)
{
	struct arena *a = arena_new(0);

	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(
		db,
		"INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv'); INSERT INTO account (id, source_id, source_key, "
		"name) VALUES (1, 1, 'k1', 'Acme'), (2, 1, 'k2', 'Bolt')",
		&err));
	sample_init(&s, a);
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	db_closep(&db);
	arena_free(*state);
	return 0;
}

static void give_notice(bool is_given)
{
	s.account.notices = &notice;
	s.account.n_notices = is_given;
}

static void make_risky(bool is_risky)
{
	sample_use(&s, 0, 60, !is_risky);
	if (is_risky && !s.account.n_people)
		for (int i = 0; i < 3; i++)
			sample_person(&s, i == 0 ? "a" : i == 1 ? "b" : "c", 70, 300);
	if (!is_risky)
		s.account.n_people = 0;
}

/* What score does with one account on a day. Returns the number of changes. */
static size_t one_day(int32_t day)
{
	struct finding_change changes[8];
	struct finding *was;
	size_t n_was, n;

	s.base.as_of = day;
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s.base.sources[kind].fresh_on = day;
	sample_score(&s, NULL);
	ASSERT_OK(findings_of_accounts(db, 1, 1, day - FINDING_MEMORY_DAYS, s.arena, &was, &n_was, &err));
	n = findings_decide(&s.diagnosis, was, n_was, s.arena, changes);
	for (size_t i = 0; i < n; i++) {
		ASSERT_OK(finding_put(db, &changes[i].finding, &err));
		if (changes[i].cause_before)
			ASSERT_OK(finding_event_put(db, changes[i].finding.id, day, 0, "cause_changed", changes[i].cause_before,
			                            &err));
		if (changes[i].event)
			ASSERT_OK(finding_event_put(db, changes[i].finding.id, day, 0, changes[i].event, changes[i].note, &err));
	}
	return n;
}

static int64_t number(const char *sql)
{
	int64_t out;

	ASSERT_OK(db_int(db, sql, -1, &out, &err));
	return out;
}

static struct finding finding_of(int64_t id)
{
	struct finding f = { 0 };

	ASSERT_INT(finding_load(db, id, s.arena, &f, &err), 1);
	return f;
}

static void set_state(int64_t id, enum finding_state state, int32_t closed_on, int32_t until)
{
	struct finding f = finding_of(id);

	f.state = state;
	f.closed_on = closed_on;
	f.snoozed_until = until;
	ASSERT_OK(finding_put(db, &f, &err));
}

static void a_finding_is_opened_once_and_then_updated(void **state)
{
	struct finding f;

	(void)state;
	make_risky(true);
	ASSERT_INT(one_day(AS_OF), 1);
	ASSERT_INT(one_day(AS_OF), 1);
	ASSERT_INT(one_day(AS_OF + 1), 1);
	ASSERT_INT(number("SELECT count(*) FROM finding"), 1);
	ASSERT_INT(number("SELECT count(*) FROM finding_event"), 1);
	f = finding_of(1);
	ASSERT_INT(f.opened_on, AS_OF);
	ASSERT_INT(f.updated_on, AS_OF + 1);
	assert_string_equal(f.owner_email, "csm@x.example");
	assert_string_equal(f.account_name, "Acme");
	assert_true(f.evidence[0] == '[' && strlen(f.evidence) > 20);
	ASSERT_INT(f.value_minor, 1200000);
}

static void it_is_resolved_when_the_score_left_the_band_and_lost_when_the_account_left(void **state)
{
	(void)state;
	make_risky(true);
	one_day(AS_OF);
	make_risky(false);
	one_day(AS_OF + 1);
	ASSERT_INT(finding_of(1).state, FINDING_RESOLVED);
	ASSERT_INT(finding_of(1).closed_on, AS_OF + 1);
	make_risky(true);
	one_day(AS_OF + 1 + FINDING_COOL_DOWN_DAYS);
	ASSERT_INT(number("SELECT count(*) FROM finding WHERE closed_on IS NULL"), 1);
	s.account.is_customer = false;
	one_day(AS_OF + 2 + FINDING_COOL_DOWN_DAYS);
	ASSERT_INT(finding_of(2).state, FINDING_LOST);
	ASSERT_INT(number("SELECT count(*) FROM finding_event WHERE kind = 'lost'"), 1);
	ASSERT_INT(one_day(AS_OF + 3 + FINDING_COOL_DOWN_DAYS), 0);
}

static void what_comes_back_soon_is_the_same_finding(void **state)
{
	(void)state;
	make_risky(true);
	one_day(AS_OF);
	make_risky(false);
	one_day(AS_OF + 4);
	ASSERT_INT(finding_of(1).state, FINDING_RESOLVED);
	make_risky(true);
	ASSERT_INT(one_day(AS_OF + 3 + FINDING_COOL_DOWN_DAYS), 1); /* a day short of the cool-down */
	ASSERT_INT(number("SELECT count(*) FROM finding"), 1);
	ASSERT_INT(finding_of(1).state, FINDING_OPEN);
	ASSERT_INT(finding_of(1).opened_on, AS_OF);
	ASSERT_INT(finding_of(1).closed_on, DAY_NONE);
	ASSERT_INT(number("SELECT count(*) FROM finding_event WHERE kind = 'opened'"), 2);
	ASSERT_INT(one_day(AS_OF + 3 + FINDING_COOL_DOWN_DAYS), 1); /* the same day again: updated, no event */
	ASSERT_INT(number("SELECT count(*) FROM finding_event WHERE kind = 'opened'"), 2);
}

static void what_was_dismissed_stays_so_for_thirty_days_but_for_a_new_hard_fact(void **state)
{
	(void)state;
	make_risky(true);
	one_day(AS_OF);
	set_state(1, FINDING_DISMISSED, AS_OF, DAY_NONE);
	ASSERT_INT(one_day(AS_OF + 1), 0);
	ASSERT_INT(one_day(AS_OF + 29), 0);
	ASSERT_INT(one_day(AS_OF + 30), 1);
	set_state(2, FINDING_DISMISSED, AS_OF + 30, DAY_NONE);
	notice.noticed_on = AS_OF + 31;
	notice.effective_on = AS_OF + 90;
	give_notice(true);
	ASSERT_INT(one_day(AS_OF + 31), 1);
	assert_string_equal(finding_of(3).cause, "cancel_notice");
	set_state(3, FINDING_DISMISSED, AS_OF + 32, DAY_NONE); /* the very fact is what was dismissed */
	ASSERT_INT(one_day(AS_OF + 33), 0);
	notice.noticed_on = AS_OF + 34;
	ASSERT_INT(one_day(AS_OF + 34), 1);
	give_notice(false);
}

static void what_rests_is_judged_on_and_wakes_on_its_day(void **state)
{
	(void)state;
	make_risky(true);
	one_day(AS_OF);
	set_state(1, FINDING_SNOOZED, DAY_NONE, AS_OF + 5);
	one_day(AS_OF + 4);
	ASSERT_INT(finding_of(1).state, FINDING_SNOOZED);
	ASSERT_INT(finding_of(1).updated_on, AS_OF + 4);
	one_day(AS_OF + 5);
	ASSERT_INT(finding_of(1).state, FINDING_OPEN);
	set_state(1, FINDING_SNOOZED, DAY_NONE, AS_OF + 50);
	make_risky(false);
	one_day(AS_OF + 6);
	ASSERT_INT(finding_of(1).state, FINDING_RESOLVED);
}

static void a_cause_stays_while_it_speaks_and_yields_to_a_hard_fact(void **state)
{
	(void)state;
	make_risky(true);
	one_day(AS_OF);
	notice.noticed_on = AS_OF;
	notice.effective_on = AS_OF + 90;
	give_notice(true);
	ASSERT_INT(one_day(AS_OF + 1), 1);
	ASSERT_INT(number("SELECT count(*) FROM finding"), 1);
	ASSERT_INT(finding_of(1).state, FINDING_OPEN);
	assert_string_equal(finding_of(1).cause, "cancel_notice");
	assert_string_not_equal(finding_of(1).first_cause, "cancel_notice");
	ASSERT_INT(finding_of(1).cause_since, AS_OF + 1);
	ASSERT_INT(number("SELECT count(*) FROM finding_event e JOIN finding f ON f.id = e.finding_id "
	                  "WHERE e.kind = 'cause_changed' AND e.note = f.first_cause"), 1);
	give_notice(false);
}

static void nothing_opens_on_what_is_not_known(void **state)
{
	(void)state;
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s.base.sources[kind].is_known = false;
	s.settings.base_risk = 90;
	ASSERT_INT(one_day(AS_OF), 0);
	s.account.n_subscriptions = 0;
	ASSERT_INT(one_day(AS_OF), 0);
}

static void a_broken_source_leaves_a_finding_as_it_was(void **state)
{
	struct score_row before = { .account = 1, .day = AS_OF, .risk = 80, .risk_band = 2, .risk_band_since = AS_OF };
	struct finding_change changes[4];
	struct finding *was;
	size_t n_was;

	(void)state;
	make_risky(true);
	one_day(AS_OF);
	s.base.as_of = AS_OF + 9;
	s.base.sources[FACT_USAGE] = s.base.sources[FACT_PERSON] = (struct fact_source){ true, true, AS_OF };
	sample_score(&s, &before);
	ASSERT_OK(findings_of_accounts(db, 1, 1, AS_OF, s.arena, &was, &n_was, &err));
	ASSERT_INT(n_was, 1);
	ASSERT_INT(findings_decide(&s.diagnosis, was, n_was, s.arena, changes), 0);
}

static void a_broken_source_settles_nothing_however_long_it_lasts(void **state)
{
	struct finding_change changes[4];
	struct finding *was;
	size_t n_was;

	(void)state;
	make_risky(true);
	one_day(AS_OF);
	/* No score for two months, so no score before; and what the finding is about has not come through since. */
	s.base.as_of = AS_OF + 60;
	s.base.sources[FACT_USAGE] = s.base.sources[FACT_PERSON] = (struct fact_source){ true, true, AS_OF };
	sample_score(&s, NULL);
	assert_true(s.diagnosis.verdicts[ENGINE_DEFENSE].band == 0);
	ASSERT_OK(findings_of_accounts(db, 1, 1, AS_OF, s.arena, &was, &n_was, &err));
	ASSERT_INT(findings_decide(&s.diagnosis, was, n_was, s.arena, changes), 0);
	/* Once it comes through again and says that all is well, it is over. */
	s.base.sources[FACT_USAGE] = s.base.sources[FACT_PERSON] = (struct fact_source){ true, false, AS_OF + 60 };
	make_risky(false);
	sample_score(&s, NULL);
	ASSERT_INT(findings_decide(&s.diagnosis, was, n_was, s.arena, changes), 1);
	ASSERT_INT(changes[0].finding.state, FINDING_RESOLVED);
}

static void the_cause_is_of_the_family_that_says_most(void **state)
{
	struct reading readings[3] = {
		{ .name = "payment_trouble", .family = FAMILY_PAYMENT, .is_known = true, .contribution = 0.9 },
		{ .name = "silence", .family = FAMILY_USAGE, .is_known = true, .contribution = 0.5 },
		{ .name = "active_level", .family = FAMILY_USAGE, .is_known = true, .contribution = 0.6 },
	};
	struct verdict v = { .readings = readings, .n_readings = 3 };

	(void)state;
	assert_string_equal(verdict_lead(&v)->name, "active_level");
	readings[0].is_hard = true; /* a hard fact goes before whatever points elsewhere */
	assert_string_equal(verdict_lead(&v)->name, "payment_trouble");
	readings[0].is_hard = false;
	readings[2].contribution = -0.6; /* what speaks for the account is no cause of its loss */
	assert_string_equal(verdict_lead(&v)->name, "payment_trouble");
	v.n_readings = 0;
	assert_null(verdict_lead(&v));
}

static void a_champion_who_went_is_why_use_and_exchanges_fall_off(void **state)
{
	struct reading readings[3] = {
		{ .name = "sudden_drop", .family = FAMILY_USAGE, .is_known = true, .contribution = 2 },
		{ .name = "key_people_lost", .family = FAMILY_PEOPLE, .is_known = true, .contribution = 0.5, .value = 1.25 },
		{ .name = "low_survey", .family = FAMILY_SENTIMENT, .is_known = true, .contribution = 0.8 },
	};
	struct verdict v = { .readings = readings, .n_readings = 3 };

	(void)state;
	assert_string_equal(verdict_lead(&v)->name, "key_people_lost");
	readings[1].value = 1; /* all heavy users, no champion among them: a sign like the others */
	assert_string_equal(verdict_lead(&v)->name, "sudden_drop");
	readings[1].value = 2; /* nobody is left: it is not the champion in particular */
	assert_string_equal(verdict_lead(&v)->name, "sudden_drop");
	readings[1].value = 1.25;
	readings[2].contribution = 3; /* who is cross is not so because of that */
	assert_string_equal(verdict_lead(&v)->name, "low_survey");
	readings[0].is_hard = true;
	assert_string_equal(verdict_lead(&v)->name, "sudden_drop");
}

static void a_break_stays_found_while_it_speaks_whatever_leads(void **state)
{
	struct reading readings[2] = {
		{ .name = "sudden_drop", .family = FAMILY_USAGE, .is_known = true, .contribution = 0.9, .evidence = "fell" },
		{ .name = "low_survey", .family = FAMILY_SENTIMENT, .is_known = true, .contribution = 1, .evidence = "cross" },
	};
	struct finding was = { .id = 1, .account = 1, .engine = "defense", .cause = "sudden_drop", .state = FINDING_OPEN,
		.opened_on = AS_OF - 9, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE, .score = 30 };
	struct diagnosis d = { .account = &s.account, .as_of = AS_OF };
	struct verdict *v = &d.verdicts[ENGINE_DEFENSE];
	struct finding_change changes[4];

	(void)state;
	*v = (struct verdict){ .readings = readings, .n_readings = 2, .band = 1, .score = 30, .band_why = "",
		.lead = &readings[1] };
	d.verdicts[ENGINE_EXPANSION] = (struct verdict){ .score = 1, .band_why = "" };
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 1);
	ASSERT_INT(changes[0].finding.state, FINDING_OPEN);
	readings[0].contribution = 0;
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 1);
	ASSERT_INT(changes[0].finding.state, FINDING_RESOLVED);
	v->band = 2;
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 1); /* the same finding, led by another cause */
	ASSERT_INT(changes[0].finding.id, 1);
	assert_string_equal(changes[0].finding.cause, "low_survey");
	assert_string_equal(changes[0].cause_before, "sudden_drop");
	v->is_dwelling = true; /* a band that only stays for its least time opens none for what is left */
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 1);
	ASSERT_INT(changes[0].finding.state, FINDING_RESOLVED);
}

static void what_is_hidden_keeps_its_finding_though_another_signal_leads(void **state)
{
	struct reading readings[2] = {
		{ .name = "sudden_drop", .family = FAMILY_USAGE, .is_stale = true, .why = "stale" },
		{ .name = "low_survey", .family = FAMILY_SENTIMENT, .is_known = true, .contribution = 2, .evidence = "e" },
	};
	struct finding was = { .id = 1, .account = 1, .engine = "defense", .cause = "sudden_drop", .state = FINDING_OPEN,
		.opened_on = AS_OF - 60, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE, .score = 30 };
	struct diagnosis d = { .account = &s.account, .as_of = AS_OF };
	struct finding_change changes[4];

	(void)state;
	d.verdicts[ENGINE_DEFENSE] = (struct verdict){ .readings = readings, .n_readings = 2, .band = 2, .score = 30,
		.band_why = "", .lead = &readings[1] };
	d.verdicts[ENGINE_EXPANSION] = (struct verdict){ .score = 1, .band_why = "" };
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 1);
	ASSERT_INT(changes[0].finding.id, 1);
	ASSERT_INT(changes[0].finding.state, FINDING_OPEN);
}

static void growth_is_not_settled_by_a_source_that_broke(void **state)
{
	struct reading reading = { .name = "near_limit", .engine = ENGINE_EXPANSION, .is_stale = true, .why = "stale" };
	struct finding was = { .id = 1, .account = 1, .engine = "expansion", .cause = "near_limit", .state = FINDING_OPEN,
		.opened_on = AS_OF - 9, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE, .score = 30 };
	struct diagnosis d = { .account = &s.account, .as_of = AS_OF };
	struct finding_change changes[4];

	(void)state;
	d.verdicts[ENGINE_DEFENSE] = (struct verdict){ .score = 1, .band_why = "" };
	d.verdicts[ENGINE_EXPANSION] = (struct verdict){ .readings = &reading, .n_readings = 1, .score = 1,
		.is_blocked = true, .band_why = "its health is not known well enough" };
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 0);
	d.verdicts[ENGINE_DEFENSE].band = 1; /* but it gives way to a defense */
	ASSERT_INT(findings_decide(&d, &was, 1, s.arena, changes), 1);
	ASSERT_INT(changes[0].finding.state, FINDING_RESOLVED);
}

static void the_list_is_ranked_and_nobodys_accounts_are_listed_too(void **state)
{
	struct finding f = { .account = 1,
		                 .engine = "defense",
		                 .cause = "silence",
		                 .opened_on = AS_OF,
		                 .updated_on = AS_OF,
		                 .closed_on = DAY_NONE,
		                 .snoozed_until = DAY_NONE,
		                 .score = 70,
		                 .worst_score = 70,
		                 .currency = "EUR",
		                 .expected_minor = 100,
		                 .act_by_on = AS_OF + 10,
		                 .play = "",
		                 .summary = "",
		                 .evidence = "[]",
		                 .owner_email = "csm@x.example" };
	struct finding_query q = { .today = AS_OF };
	struct finding *list;
	size_t n;

	(void)state;
	ASSERT_OK(finding_put(db, &f, &err));
	f.id = 0;
	f.account = 2;
	f.expected_minor = 500;
	f.owner_email = NULL;
	ASSERT_OK(finding_put(db, &f, &err));
	ASSERT_OK(findings_list(db, &q, s.arena, &list, &n, &err));
	ASSERT_INT(n, 2);
	ASSERT_INT(list[0].account, 2);
	q.owner = "";
	ASSERT_OK(findings_list(db, &q, s.arena, &list, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_INT(list[0].account, 2);
	q.owner = NULL;
	q.engine = "expansion";
	ASSERT_OK(findings_list(db, &q, s.arena, &list, &n, &err));
	ASSERT_INT(n, 0);
	set_state(1, FINDING_ACKNOWLEDGED, DAY_NONE, DAY_NONE);
	q.engine = NULL;
	ASSERT_OK(findings_list(db, &q, s.arena, &list, &n, &err));
	ASSERT_INT(n, 1);
}

static void the_score_before_is_found_however_many_days_it_is_back(void **state)
{
	struct score_row row = { .risk_band_since = AS_OF, .readiness_band_since = AS_OF };
	const struct score_row *rows, *one;
	bool is_any;
	size_t n;

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO account (id, source_id, source_key) VALUES (3, 1, 'third')", &err));
	for (int age = 1; age < 20; age += 2) {
		CLEANUP(score_day_done) struct score_day day;

		ASSERT_OK(score_day_begin(&day, db, AS_OF - age, "h", 0, &err));
		for (row.account = 1; row.account < (age > 5 ? 4 : 2); row.account++) {
			row.risk = (double)(100 * row.account + age);
			ASSERT_OK(score_day_put(&day, &row, &err));
		}
		ASSERT_OK(score_day_end(&day, &err));
	}
	ASSERT_OK(scores_before(db, 1, 3, AS_OF - 30, AS_OF, s.arena, &rows, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_NEAR(rows[0].risk, 101, 1e-9);
	ASSERT_OK(score_before(db, 2, AS_OF - 30, AS_OF, s.arena, &one, &err));
	ASSERT_NEAR(one->risk, 207, 1e-9);
	ASSERT_OK(score_before(db, 3, AS_OF - 30, AS_OF - 7, s.arena, &one, &err));
	ASSERT_NEAR(one->risk, 309, 1e-9);
	ASSERT_OK(score_before(db, 2, AS_OF - 6, AS_OF, s.arena, &one, &err));
	assert_null(one);
	ASSERT_OK(score_before(db, 4, AS_OF - 30, AS_OF, s.arena, &one, &err));
	assert_null(one);
	ASSERT_OK(scores_any(db, AS_OF - 19, AS_OF - 18, &is_any, &err)); /* the oldest day there is */
	assert_true(is_any);
	ASSERT_OK(scores_any(db, AS_OF - 30, AS_OF - 19, &is_any, &err)); /* the days before it */
	assert_false(is_any);
	ASSERT_OK(scores_any(db, AS_OF, AS_OF + 1, &is_any, &err));
	assert_false(is_any);
}

static void whoever_takes_an_account_over_sees_what_the_owner_before_had_settled(void **state)
{
	static const enum finding_state settled[] = { FINDING_ACKNOWLEDGED, FINDING_SNOOZED };

	(void)state;
	make_risky(true);
	ASSERT_INT(one_day(AS_OF), 1);
	for (int i = 0; i < 2; i++) {
		set_state(1, settled[i], DAY_NONE, settled[i] == FINDING_SNOOZED ? AS_OF + 90 : DAY_NONE);
		ASSERT_INT(one_day(AS_OF + 1 + i), 1);
		ASSERT_INT(finding_of(1).state, settled[i]);
		s.account.csm_email = i ? "third@x.example" : "next@x.example";
		ASSERT_INT(one_day(AS_OF + 1 + i), 1);
		ASSERT_INT(finding_of(1).state, FINDING_OPEN);
		assert_string_equal(finding_of(1).owner_email, s.account.csm_email);
		ASSERT_INT(one_day(AS_OF + 1 + i), 1);
	}
	ASSERT_INT(number("SELECT count(*) FROM finding_event WHERE note = 'its owner changed'"), 2);
}

static void a_settled_defense_finding_still_keeps_growth_away(void **state)
{
	static const enum finding_state states[] = { FINDING_OPEN, FINDING_ACKNOWLEDGED, FINDING_SNOOZED };
	struct finding_change changes[4];
	struct finding *was;
	size_t n_was;

	(void)state;
	make_risky(true);
	ASSERT_INT(one_day(AS_OF), 1);
	make_risky(false);
	s.usage[1] = arena_array(s.arena, FACTS_DAYS, sizeof(int64_t));
	for (int age = 0; age < FACTS_DAYS; age++)
		s.usage[1][age] = 20; /* all its seats */
	sample_score(&s, NULL);
	assert_true(s.diagnosis.verdicts[ENGINE_EXPANSION].band >= 1);
	s.diagnosis.verdicts[ENGINE_DEFENSE].is_held = true; /* so that the defense finding stands */
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		set_state(1, states[i], DAY_NONE, states[i] == FINDING_SNOOZED ? AS_OF + 90 : DAY_NONE);
		ASSERT_OK(findings_of_accounts(db, 1, 1, AS_OF - 30, s.arena, &was, &n_was, &err));
		ASSERT_INT(findings_decide(&s.diagnosis, was, n_was, s.arena, changes), 0);
	}
}

static void a_day_to_act_by_that_has_passed_stays_so_that_it_is_overdue(void **state)
{
	static const struct {
		int32_t says, stands; /* what is said on the day, and what the finding has then; days from AS_OF */
	} days[] = { { 1, 1 }, { 1, 1 }, { 2, 1 }, { 3, 1 }, { 9, 9 } /* another reason presses later */, { 9, 9 } };
	struct finding_change changes[8];
	struct finding *was;
	size_t n_was;

	(void)state;
	give_notice(true);
	(void)one_day(AS_OF);
	for (int32_t i = 0; i < (int32_t)ARRAY_LEN(days); i++) {
		s.base.as_of = AS_OF + i;
		sample_score(&s, NULL);
		s.diagnosis.verdicts[ENGINE_DEFENSE].act_by_on = AS_OF + days[i].says;
		ASSERT_OK(findings_of_accounts(db, 1, 1, AS_OF, s.arena, &was, &n_was, &err));
		ASSERT_INT(findings_decide(&s.diagnosis, was, n_was, s.arena, changes), 1);
		ASSERT_OK(finding_put(db, &changes[0].finding, &err));
		ASSERT_INT(changes[0].finding.act_by_on, AS_OF + days[i].stands);
	}
}

static void a_dismissed_payment_failure_stays_so_until_another_fails(void **state)
{
	struct fact_invoice failed = { 10000, "EUR", AS_OF - 20, AS_OF - 10, DAY_NONE, AS_OF - 3, DAY_NONE };

	(void)state;
	s.account.invoices = &failed;
	s.account.n_invoices = 1;
	ASSERT_INT(one_day(AS_OF), 1);
	set_state(1, FINDING_DISMISSED, AS_OF, DAY_NONE);
	ASSERT_INT(one_day(AS_OF + 1), 0);
	ASSERT_INT(one_day(AS_OF + 5), 0);
	failed.failed_on = AS_OF + 6;
	ASSERT_INT(one_day(AS_OF + 6), 1);
}

static void no_finding_opens_on_what_is_not_known(void **state)
{
	(void)state;
	make_risky(true);
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s.base.sources[kind].is_stale = true;
	ASSERT_INT(one_day(AS_OF), 0);
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s.base.sources[kind] = (struct fact_source){ false, false, DAY_NONE };
	ASSERT_INT(one_day(AS_OF + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whoever_takes_an_account_over_sees_what_the_owner_before_had_settled, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_settled_defense_finding_still_keeps_growth_away, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dismissed_payment_failure_stays_so_until_another_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(no_finding_opens_on_what_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_finding_is_opened_once_and_then_updated, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_resolved_when_the_score_left_the_band_and_lost_when_the_account_left,
		                                setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_back_soon_is_the_same_finding, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_dismissed_stays_so_for_thirty_days_but_for_a_new_hard_fact, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_rests_is_judged_on_and_wakes_on_its_day, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cause_stays_while_it_speaks_and_yields_to_a_hard_fact, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_opens_on_what_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_source_leaves_a_finding_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_source_settles_nothing_however_long_it_lasts, setup, teardown),
		cmocka_unit_test_setup_teardown(the_cause_is_of_the_family_that_says_most, setup, teardown),
		cmocka_unit_test_setup_teardown(a_champion_who_went_is_why_use_and_exchanges_fall_off, setup, teardown),
		cmocka_unit_test_setup_teardown(a_break_stays_found_while_it_speaks_whatever_leads, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_hidden_keeps_its_finding_though_another_signal_leads, setup, teardown),
		cmocka_unit_test_setup_teardown(growth_is_not_settled_by_a_source_that_broke, setup, teardown),
		cmocka_unit_test_setup_teardown(the_list_is_ranked_and_nobodys_accounts_are_listed_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_to_act_by_that_has_passed_stays_so_that_it_is_overdue, setup, teardown),
		cmocka_unit_test_setup_teardown(the_score_before_is_found_however_many_days_it_is_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
