/* A diagnosis in words: what it adds up to, what it was before, who looked like it, and what would change it. */
#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "../../src/score/signal.h"
#include "../../src/score/units.h"
#include "accounts.h"
#include "common/text.h"
#include "score/explain.h"

static struct sample s;
static struct buf text;
static struct explain_more more;
static struct fact_notice notice = { "downgrade", "EUR", "fewer of everything, please", AS_OF - 2, AS_OF + 60, 0 };

static int setup(void **state)
{
	struct arena *a = arena_new(0);

	sample_init(&s, a);
	buf_init(&text, 1 << 20);
	more = (struct explain_more){ .settings = &s.settings, .config_hash = "today" };
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	buf_done(&text);
	arena_free(*state);
	return 0;
}

static const struct verdict *risk(void)
{
	return &s.diagnosis.verdicts[ENGINE_DEFENSE];
}

static const char *words(void)
{
	buf_reset(&text);
	explain_text(&s.diagnosis, &more, s.arena, &text);
	return text.at;
}

static void make_risky(void)
{
	sample_use(&s, 0, 60, 0);
	for (int i = 0; i < 3; i++)
		sample_person(&s, i == 0 ? "a" : i == 1 ? "b" : "c", 70, 300);
}

/* The last number of the last line of the sum. */
static double sum_told(const char *told, const char *engine)
{
	const char *at = strstr(strstr(told, engine), "how it comes about"), *end = strstr(at, "  would change");
	double last = NAN;

	at = strchr(at, '\n') + 1;
	while (at && at < end) {
		const char *next = strchr(at, '\n');
		const char *number = next ? next : end;

		while (number > at && number[-1] != ' ')
			number--;
		if (number > at + 90) /* a line with numbers, not the end of a text */
			assert_true(text_to_real(arena_strndup(s.arena, number, (size_t)(next - number)), &last));
		at = next ? next + 1 : NULL;
	}
	return last;
}

static void the_lines_of_the_sum_end_at_the_score(void **state)
{
	(void)state;
	sample_score(&s, NULL);
	ASSERT_NEAR(sum_told(words(), "RISK"), risk()->score, 0.051);
	make_risky();
	sample_score(&s, NULL);
	assert_true(risk()->score > 10);
	ASSERT_NEAR(sum_told(words(), "RISK"), risk()->score, 0.051);
	s.account.notices = &notice;
	s.account.n_notices = 1;
	sample_score(&s, NULL);
	ASSERT_NEAR(sum_told(words(), "RISK"), risk()->score, 0.051);
	assert_non_null(strstr(text.at, "A FACT: asked for a downgrade"));
}

static void contributions_add_up_to_the_logit_and_kinds_to_the_risk(void **state)
{
	double logit, losses = 0;

	(void)state;
	make_risky();
	sample_score(&s, NULL);
	logit = risk()->base_logit;
	for (size_t i = 0; i < risk()->n_readings; i++)
		logit += risk()->readings[i].contribution;
	ASSERT_NEAR(logit, risk()->logit, 1e-9);
	for (int k = 0; k < N_LOSSES; k++)
		losses += risk()->losses[k];
	ASSERT_NEAR(losses, risk()->score, 1e-9);
}

static void no_line_is_wider_than_a_page(void **state)
{
	struct fact_ticket ticket = {
		.priority = "high", .opened_on = AS_OF - 1, .closed_on = DAY_NONE, .satisfaction = -1, .category = ""
	};

	(void)state;
	make_risky();
	ticket.subject = "";
	ticket.text = "It is really unacceptable, ça fait très très longtemps déjà que nous attendons une réponse à cette "
				  "question, et encore, et encore, et encore, und so weiter und so fort bis in alle Ewigkeit";
	s.account.tickets = &ticket;
	s.account.n_tickets = 1;
	sample_score(&s, NULL);
	(void)words();
	for (const char *at = text.at; *at;) {
		size_t len = strcspn(at, "\n");

		assert_true(utf8_length(arena_strndup(s.arena, at, len)) <= 100);
		at += len + (at[len] == '\n');
	}
}

static void the_history_marks_bands_and_settings(void **state)
{
	static const struct past_score past[] = {
		{ AS_OF - 30, 3, 5, 0, 0, "old" },
		{ AS_OF - 20, 3, 5, 0, 0, "today" },
		{ AS_OF - 10, 12, 5, 1, 0, "today" },
		{ AS_OF - 1, 40, 5, 2, 0, "today" },
	};

	(void)state;
	make_risky();
	sample_score(&s, NULL);
	ASSERT_INT(risk()->band, 2);
	assert_null(strstr(words(), "  history "));
	more.history = past;
	more.n_history = ARRAY_LEN(past);
	(void)words();
	assert_non_null(strstr(text.at, "by week; a full bar is"));
	assert_non_null(strstr(text.at, arena_printf(s.arena, "since %s at risk", day_text(s.arena, AS_OF - 1))));
	assert_non_null(strstr(text.at, "watch"));
	assert_non_null(strstr(text.at, "settings changed"));
}

static const struct past_signal silent[] = {
	{ "active_level", 1 }, { "silence", 1 }, { "below_own_baseline", 1 }, { "sudden_drop", 1 }
};
static const struct past_signal angry[] = { { "low_survey", 1 } };

static void alike_is_who_had_the_same_reasons(void **state)
{
	static const struct past_moment twin = { 2, "Twin", AS_OF - 200, 40, silent, ARRAY_LEN(silent) },
									other = { 3, "Other", AS_OF - 200, 40, angry, ARRAY_LEN(angry) };
	double alike;

	(void)state;
	sample_use(&s, 0, 60, 0);
	sample_score(&s, NULL);
	alike = similar_likeness(risk(), &twin);
	assert_true(alike > 0.5 && alike <= 1);
	ASSERT_NEAR(similar_likeness(risk(), &other), 0, 1e-9);
	/* The very same, reading by reading, is 1. */
	{
		struct past_signal same[MAX_SIGNALS];
		struct past_moment self = { 4, "Self", AS_OF - 200, 40, same, 0 };

		for (size_t i = 0; i < risk()->n_readings; i++)
			if (risk()->readings[i].strength > 0)
				same[self.n_signals++] =
					(struct past_signal){ risk()->readings[i].name, risk()->readings[i].strength };
		ASSERT_NEAR(similar_likeness(risk(), &self), 1, 1e-12);
	}
}

static void of_each_account_one_moment_counts_and_only_with_its_end_known(void **state)
{
	static const struct past_moment moments[] = {
		{ 2, "Twin", AS_OF - 230, 40, silent, 1 }, { 2, "Twin", AS_OF - 200, 40, silent, 4 },
		{ 3, "Late", AS_OF - 50, 40, silent, 4 },  { 4, "Calm", AS_OF - 200, 40, silent, 4 },
		{ 5, "Other", AS_OF - 200, 40, angry, 1 },
	};
	static const struct outcome ends[] = { { 2, AS_OF - 150, OUTCOME_CHURN, 0, NULL },
		                                   { 3, AS_OF - 40, OUTCOME_CHURN, 0, NULL },
		                                   { 4, AS_OF - 10, OUTCOME_CHURN, 0, NULL } };
	static const struct outcomes outcomes = { .from = AS_OF - 900, .until = AS_OF, .events = ends, .n_events = 3 };

	(void)state;
	sample_use(&s, 0, 60, 0);
	sample_score(&s, NULL);
	more.similar[ENGINE_DEFENSE] =
		similar_find(risk(), moments, ARRAY_LEN(moments), outcomes.until, 90, s.arena);
	for (int i = 0; i < more.similar[ENGINE_DEFENSE].n; i++)
		similar_tell(&more.similar[ENGINE_DEFENSE].at[i], &outcomes, OUTCOME_LOSSES, 90);
	similar_count(&more.similar[ENGINE_DEFENSE]);
	ASSERT_INT(more.similar[0].n, 2);
	ASSERT_INT(more.similar[0].n_became, 1);
	ASSERT_INT(more.similar[0].middle_days, 50);
	ASSERT_INT(more.similar[0].at[0].day, AS_OF - 200);
	(void)words();
	assert_non_null(strstr(text.at, arena_printf(s.arena, "Twin (as of %s) left 50 days later; Calm",
	                                             day_text(s.arena, AS_OF - 200))));
	assert_non_null(strstr(text.at, "stayed\n"));
}

static void what_would_change_it_is_said_in_the_units_of_the_signal(void **state)
{
	(void)state;
	sample_score(&s, NULL);
	sample_use(&s, 0, 30, 0);
	sample_score(&s, NULL);
	assert_non_null(strstr(risk()->change, " instead of "));
	assert_null(strstr(risk()->change, "_"));
	s.account.notices = &notice;
	s.account.n_notices = 1;
	sample_score(&s, NULL);
	assert_non_null(strstr(risk()->change, "without a downgrade request"));
}

static void values_are_rounded_to_the_far_side(void **state)
{
	struct unit days = { "x", "x", UNIT_DAYS, "" }, share = { "x", "x", UNIT_PERCENT, "" };
	struct unit halved = { "x", "x", UNIT_HALVED_FOUR, "" }, left = { "x", "x", UNIT_HALVED_PERCENT, "" };

	(void)state;
	ASSERT_NEAR(unit_round(&halved, 0.4, 2), 0, 1e-9); /* from one of four to more than three: four */
	ASSERT_NEAR(unit_round(&halved, 1.2, 0), 2, 1e-9); /* from four to less than two: one */
	assert_string_equal(unit_text(&halved, 1, s.arena), "2");
	assert_string_equal(unit_text(&left, 1, s.arena), "50 %");
	ASSERT_NEAR(unit_round(&left, 9, 0), 9, 1e-9);
	ASSERT_NEAR(unit_round(&days, 2.4, 0), 3, 1e-9);
	ASSERT_NEAR(unit_round(&days, 2.4, 9), 2, 1e-9);
	ASSERT_NEAR(unit_round(&share, 0.305, 0), 0.31, 1e-9);
	ASSERT_NEAR(unit_round(&share, 0.30, 1), 0.30, 1e-9);
	assert_string_equal(unit_text(&days, 1, s.arena), "1 day");
	assert_string_equal(unit_text(&share, 0.305, s.arena), "30 %");
	assert_string_equal(unit_of("never_heard_of", s.arena).what, "never heard of");
}

static void every_unit_is_of_a_signal(void **state)
{
	(void)state;
	for (size_t i = 0; i < unit_count(); i++)
		assert_true(score_knows_signal(unit_signal(i)));
}

static void programs_get_all_of_it(void **state)
{
	(void)state;
	make_risky();
	sample_score(&s, NULL);
	explain_json(&s.diagnosis, &more, s.arena, &text);
	for (size_t i = 0; i < risk()->n_readings; i++)
		assert_non_null(strstr(text.at, arena_printf(s.arena, "\"signal\":\"%s\"", risk()->readings[i].name)));
	assert_non_null(strstr(text.at, arena_printf(s.arena, "\"logit\":%.12f", risk()->logit)));
	buf_reset(&text);
	explain_table(&s.diagnosis, s.arena, &text);
	assert_non_null(strstr(text.at, "not known: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_lines_of_the_sum_end_at_the_score, setup, teardown),
		cmocka_unit_test_setup_teardown(contributions_add_up_to_the_logit_and_kinds_to_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(no_line_is_wider_than_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(the_history_marks_bands_and_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(alike_is_who_had_the_same_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(of_each_account_one_moment_counts_and_only_with_its_end_known, setup, teardown),
		cmocka_unit_test_setup_teardown(what_would_change_it_is_said_in_the_units_of_the_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(values_are_rounded_to_the_far_side, setup, teardown),
		cmocka_unit_test_setup_teardown(every_unit_is_of_a_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(programs_get_all_of_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
