/* Facts -> strength and evidence, a table per family. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"

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

/* strength below 0: not known, for the reason given. */
static void expect(enum score_engine engine, const char *name, double strength, const char *words)
{
	const struct reading *r;
	const char *told;

	sample_score(&s, NULL);
	r = sample_reading(&s, engine, name);
	told = r->is_known ? r->evidence : r->why;
	if (r->is_known != (strength >= 0) || !strstr(told, words) ||
	    (r->is_known && (r->strength > strength + 0.02 || r->strength < strength - 0.02)))
		fail_msg("%s: %d %.3f %s; expected %.3f %s", name, r->is_known, r->strength, told, strength, words);
}

static void risk(const char *name, double strength, const char *words)
{
	expect(ENGINE_DEFENSE, name, strength, words);
}

static void usage_against_its_own_past(void **state)
{
	static const struct {
		int idle;
		double level, below, silence, drop;
		const char *level_words, *below_words, *silence_words, *drop_words;
	} cases[] = {
		{ 0, 0.5, 0, 0, 0, "active on 20 of the last 28 days; 20.0 usual", "holds its usual level", "nothing unusual",
		  "no drop beyond" },
		{ 7, 0.56, 0.03, 0.44, 1, "active on 15 of", "in 1 of the last 8 weeks; the last month at 75 %",
		  "no activity for 7 days",
		  "fell by 100 % in the last week" },
		{ 28, 0.74, 0.5, 1, 1, "active on 0 of", "in 4 of the last 8 weeks; the last month at 0 %",
		  "active on 5.0 days", "fell by 100 % in the last week" },
		{ 56, 0.91, 1, 1, 1, "active on 0 of", "in all of the last 8 weeks", "no activity for 56 days",
		  "fell by 100 %" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		sample_use(&s, 0, cases[i].idle, 0);
		risk("active_level", cases[i].level, cases[i].level_words);
		risk("below_own_baseline", cases[i].below, cases[i].below_words);
		risk("silence", cases[i].silence, cases[i].silence_words);
		risk("sudden_drop", cases[i].drop, cases[i].drop_words);
	}
	sample_use(&s, 0, FACTS_DAYS, 0);
	sample_use(&s, 0, 20, 1);
	risk("active_level", -1, "less than 28 days");
	risk("below_own_baseline", -1, "less than 12 weeks");
	risk("silence", -1, "less than 28 days");
	risk("sudden_drop", -1, "less than 12 weeks");
}

static void people_who_go(void **state)
{
	struct fact_person *ana;

	(void)state;
	risk("key_people_lost", -1, "no key people");
	ana = sample_person(&s, "a", 70, 300);
	ana->name = "Ana";
	ana->role = "champion";
	ana->is_key = true;
	sample_person(&s, "b", 0, 300);
	sample_person(&s, "c", 0, 300);
	sample_person(&s, "d", 0, 300);
	risk("key_people_lost", 0.625, "1 of 4 key people gone or silent for 60 days: Ana (champion)");
	risk("active_people", 0.33, "4 people active in 90 days, 4 at its best");
	risk("people_shrinking", 0, "as many people");
	/* A champion who was regular and is gone speaks, though three of four are there. */
	assert_true(sample_reading(&s, ENGINE_DEFENSE, "key_people_lost")->contribution > 0.3);
	s.base.sources[FACT_PERSON].is_stale = true; /* they may be at work unseen */
	risk("key_people_lost", 0, "all key people are there");
	assert_true(sample_reading(&s, ENGINE_DEFENSE, "key_people_lost")->is_stale);
	risk("active_people", -1, "not known");
}

static void exchanges_that_cool(void **state)
{
	struct fact_interaction weekly[40];
	int shift;

	(void)state;
	risk("renewal_silence", -1, "no renewal date");
	s.account.renewal_on = AS_OF + 40;
	risk("renewal_silence", -1, "never heard of");
	s.account.interactions = weekly;
	s.account.n_interactions = ARRAY_LEN(weekly);
	for (shift = 0; shift <= 1; shift++) {
		for (int i = 0; i < 40; i++)
			weekly[i] = (struct fact_interaction){ .kind = "email", .direction = "in", .person = "", .text = "",
				                                   .on = AS_OF - 7 * i - 49 * shift };
		risk("cooling_exchanges", shift ? 0.96 : 0,
		     shift ? "1 message or meeting in 8 weeks" : "8 messages or meetings");
		risk("renewal_silence", shift ? 0.72 : 0,
		     shift ? ", in 40 days, and no message or meeting for 49 days" : "the last message or meeting was on");
	}
	s.account.renewal_on = AS_OF + 200; /* not yet near */
	risk("renewal_silence", 0, "the last message or meeting was on");
}

static void support_above_its_usual(void **state)
{
	struct fact_ticket tickets[4];

	(void)state;
	risk("support_tension", 0, "0 tickets in 45 days, nothing unusual");
	for (int i = 0; i < 4; i++)
		tickets[i] = (struct fact_ticket){ .priority = "urgent", .text = "", .subject = "", .category = "",
			                               .opened_on = AS_OF - 20, .closed_on = DAY_NONE, .replied_on = DAY_NONE,
			                               .satisfaction = -1 };
	s.account.tickets = tickets;
	s.account.n_tickets = 1;
	risk("support_tension", 0, "1 ticket in 45 days, nothing unusual");
	s.account.n_tickets = 3;
	risk("support_tension", 0.8,
	     "3 tickets in 45 days, 3 of them high, urgent or escalated, 3 still open; usually there are hardly any");
	tickets[3].opened_on = AS_OF - 100; /* long ago: their usual, an eighth of it for 45 days */
	s.account.n_tickets = 4;
	risk("support_tension", 0.72, "3 tickets");
}

static void answers_to_surveys(void **state)
{
	static const struct {
		const char *kind;
		int64_t score;
		int days;
		double strength;
		const char *words;
	} cases[] = {
		{ "nps", 9, 10, 0, "NPS 9 of 10 on" },  { "nps", 6, 10, 0.29, "NPS 6 of 10" },
		{ "nps", 0, 10, 1, "NPS 0 of 10" },     { "csat", 3, 10, 0.29, "CSAT 3 of 5" },
		{ "csat", 1, 119, 1, "CSAT 1 of 5" },   { "nps", 0, 120, -1, "no answer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_survey survey = { cases[i].kind, "", cases[i].score, AS_OF - cases[i].days };

		s.account.surveys = &survey;
		s.account.n_surveys = 1;
		risk("low_survey", cases[i].strength, cases[i].words);
	}
}

static void payments(void **state)
{
	enum { NO = DAY_NONE };
	static const struct {
		int32_t due, paid, failed, disputed;
		double strength;
		bool is_hard;
		const char *words;
	} cases[] = {
		{ AS_OF + 5, NO, NO, NO, 0, false, "nothing is owed" },
		{ AS_OF - 3, NO, NO, NO, 0, false, "not long enough to worry" },
		{ AS_OF - 10, NO, NO, NO, 0.2, false, "invoice of EUR 100 due on 2026-02-06 and not paid, 10 days late" },
		{ AS_OF - 10, AS_OF, AS_OF - 9, NO, 0, false, "nothing is owed" },
		{ AS_OF + 5, NO, NO, AS_OF - 1, 0, false, "nothing is owed" }, /* a dispute is a signal of its own */
		{ AS_OF - 1, NO, AS_OF - 2, NO, 1, true, "payment of EUR 100 failed on 2026-02-14, 1 day late" },
		{ AS_OF + 5, NO, AS_OF - 45, NO, 0, false, "nothing is owed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_invoice v = { 10000,           "EUR",          AS_OF - 60, cases[i].due, cases[i].paid,
			                      cases[i].failed, cases[i].disputed };

		s.account.invoices = &v;
		s.account.n_invoices = 1;
		risk("payment_trouble", cases[i].strength, cases[i].words);
		ASSERT_INT(sample_reading(&s, ENGINE_DEFENSE, "payment_trouble")->is_hard, cases[i].is_hard);
	}
}

static void notices(void **state)
{
	struct fact_notice two[2] = { { "cancel", "EUR", "we leave", AS_OF - 9, DAY_NONE, 0 },
		                          { "non_renewal", "EUR", "", AS_OF - 5, AS_OF + 30, 0 } };

	(void)state;
	risk("cancel_notice", 0, "no notice stands");
	s.account.notices = two;
	s.account.n_notices = 1;
	risk("cancel_notice", 1, "gave notice of cancellation on 2026-02-07: \"we leave\"");
	s.account.n_notices = 2; /* the one with a date presses */
	risk("cancel_notice", 1, "gave notice of non-renewal on 2026-02-11, effective 2026-03-18");
	two[0].kind = two[1].kind = "downgrade";
	risk("cancel_notice", 0, "no notice stands");
	risk("downgrade_request", 1, "asked for a downgrade on 2026-02-11");
	two[0].noticed_on = AS_OF - 91;
	two[1].effective_on = AS_OF - 1;
	risk("downgrade_request", 0, "no notice stands");
	s.subscription.cancel_notice_on = AS_OF - 4;
	risk("cancel_notice", 1, "gave notice of cancellation on 2026-02-12");
}

static void seats_and_limits(void **state)
{
	static const struct {
		int64_t use;
		double idle, full;
		const char *idle_words, *full_words;
	} cases[] = {
		{ 1, 1, 0, "1 person at work on 20 paid seats (5 %)", "1 of 20 seats used (5 %)" },
		{ 16, 0, 0.4, "80 % of 20 paid seats in use", "16 of 20 seats used (80 %), near the limit" },
		{ 19, 0, 1, "95 % of", "19 of 20 seats used (95 %), urgent" },
		{ 20, 0, 1, "100 % of", "20 of 20 seats used (100 %), at the limit" },
		{ 21, 0, 1, "105 % of", "21 of 20 seats used (105 %), over the limit" },
	};
	struct fact_limit calls = { "api_calls", 22000, 0 };

	(void)state;
	risk("seat_use", -1, "people at work are not known");
	s.usage[1] = arena_array(s.arena, FACTS_DAYS, sizeof(int64_t));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int age = 0; age < FACTS_DAYS; age++)
			s.usage[1][age] = cases[i].use;
		risk("seat_use", cases[i].idle, cases[i].idle_words);
		expect(ENGINE_EXPANSION, "near_limit", cases[i].full, cases[i].full_words);
	}
	for (int age = 0; age < FACTS_DAYS; age++)
		s.usage[1][age] = 1;
	for (int age = 0; age < FACTS_DAYS; age++)
		s.usage[0][age] = 21220;
	s.metrics[0].name = "api_calls";
	s.account.limits = &calls;
	s.account.n_limits = 1;
	expect(ENGINE_EXPANSION, "near_limit", 1, "21,220 of 22,000 API calls (96 %), urgent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(usage_against_its_own_past, setup, teardown),
		cmocka_unit_test_setup_teardown(people_who_go, setup, teardown),
		cmocka_unit_test_setup_teardown(exchanges_that_cool, setup, teardown),
		cmocka_unit_test_setup_teardown(support_above_its_usual, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_to_surveys, setup, teardown),
		cmocka_unit_test_setup_teardown(payments, setup, teardown),
		cmocka_unit_test_setup_teardown(notices, setup, teardown),
		cmocka_unit_test_setup_teardown(seats_and_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
