/* What they say, as signals: each kind its own, one text counted once, ours and automatic ones left out. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"
#include "common/err.h"
#include "score/lexicon.h"

static struct sample s;
static struct signal_settings talk[] = {
	{ .name = "champion_leaving", .low = 0, .high = 1, .weight = 1, .play = "act" },
	{ .name = "exit_questions", .low = 0, .high = 2, .weight = 1, .play = "act" },
	{ .name = "dissatisfaction", .low = 0, .high = 3, .weight = 1, .play = "act" },
	{ .name = "cancel_talk", .low = 0, .high = 2, .weight = 1, .play = "act" },
	{ .name = "downgrade_talk", .low = 0, .high = 3, .weight = 1, .play = "act" },
	{ .name = "competitor_named", .low = 0, .high = 2, .weight = 1, .play = "act" },
};
static const char *go[] = { "leaving the company" }, *out[] = { "notice period" }, *cross[] = { "unhappy" },
	*leave[] = { "may leave" }, *less[] = { "too expensive" }, *other[] = { "rivalsoft" }, *ask[] = { "please cancel" };
static struct lexicon_settings lexicons[] = {
	{ "champion_leaving", "champion_leaving", { go, 1 }, { NULL, 0 } },
	{ "exit_question", "exit_question", { out, 1 }, { NULL, 0 } },
	{ "dissatisfaction", "dissatisfaction", { cross, 1 }, { NULL, 0 } },
	{ "cancel", "cancel", { leave, 1 }, { NULL, 0 } },
	{ "downgrade", "downgrade", { less, 1 }, { NULL, 0 } },
	{ "competitor", "competitor", { other, 1 }, { NULL, 0 } },
	{ "cancel_request", "cancel_request", { ask, 1 }, { NULL, 0 } },
};

static int setup(void **state)
{
	struct arena *a = arena_new(0);
	struct err err;
	size_t wrong;

	sample_init(&s, a);
	s.settings.signals = (struct yaml_array){ talk, ARRAY_LEN(talk) };
	s.settings.lexicons = (struct yaml_array){ lexicons, ARRAY_LEN(lexicons) };
	ASSERT_OK(lexicon_index_new(a, s.settings.lexicons, &s.settings.index, &wrong, &err));
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct reading *said(const char *signal, const char *text, int age)
{
	struct fact_ticket ticket = { .priority = "low", .text = text, .opened_on = AS_OF - age, .closed_on = AS_OF,
		                          .satisfaction = -1 };

	s.account.tickets = &ticket;
	s.account.n_tickets = 1;
	sample_score(&s, NULL);
	s.account.n_tickets = 0;
	return sample_reading(&s, ENGINE_DEFENSE, signal);
}

static void each_kind_of_talk_is_a_signal_of_its_own(void **state)
{
	static const char *const texts[ARRAY_LEN(talk)] = {
		"I am leaving the company.", "What is the notice period?", "We are unhappy.",
		"We may leave.",             "It is too expensive.",       "Rivalsoft has it.",
	};

	for (size_t t = 0; t < ARRAY_LEN(talk); t++) {
		(void)said("cancel_talk", texts[t], 3);
		for (size_t i = 0; i < ARRAY_LEN(talk); i++) {
			const struct reading *r = sample_reading(&s, ENGINE_DEFENSE, talk[i].name);

			if (!r->is_known || (int)r->value != (i == t))
				fail_msg("%s of: %s", talk[i].name, texts[t]);
			if (i == t && !strstr(r->evidence, arena_strndup(*state, texts[t], strlen(texts[t]) - 1)))
				fail_msg("%s", r->evidence);
		}
	}
}

static void a_text_counts_once_and_for_sixty_days(void **state)
{
	static const char text[] = "We may leave. Yes, we may leave!\nWe may leave soon.";

	(void)state;
	ASSERT_INT(said("cancel_talk", text, 0)->value, 1);
	ASSERT_INT(said("cancel_talk", text, 59)->value, 1);
	ASSERT_INT(said("cancel_talk", text, 60)->value, 0);
}

static void talk_beside_a_plain_request_is_not_counted_again(void **state)
{
	(void)state;
	ASSERT_INT(said("cancel_talk", "We may leave. Please cancel.", 1)->value, 0);
	ASSERT_INT(said("competitor_named", "We take Rivalsoft. Please cancel.", 1)->value, 1);
}

static void the_latest_text_is_quoted_with_its_day_and_without_addresses_or_links(void **state)
{
	static const struct fact_interaction mails[] = {
		{ .kind = "email", .direction = "in", .person = "", .text = "We may leave at first.", .on = AS_OF - 9 },
		{ .kind = "email", .direction = "out", .person = "", .text = "You may leave.", .on = AS_OF - 1 },
		{ .kind = "note", .direction = "", .person = "", .text = "They may leave, jo@x.example says so: "
		  "https://x.example/a?token=1", .on = AS_OF - 5 },
	};
	const struct reading *r;

	(void)state;
	s.account.interactions = mails;
	s.account.n_interactions = ARRAY_LEN(mails);
	sample_score(&s, NULL);
	r = sample_reading(&s, ENGINE_DEFENSE, "cancel_talk");
	ASSERT_INT(r->value, 2);
	assert_string_equal(r->evidence, "2 texts with words of leaving, last on 2026-02-11: "
	                                 "\"They may leave, [e-mail] says so: [link]\"");
}

static void where_no_texts_come_through_nothing_is_known(void **state)
{
	static const enum fact_kind kinds[] = { FACT_TICKET, FACT_INTERACTION, FACT_SURVEY };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		s.base.sources[kinds[i]].is_stale = true;
	for (size_t i = 0; i < ARRAY_LEN(talk); i++)
		assert_false(said(talk[i].name, "We may leave.", 1)->is_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_kind_of_talk_is_a_signal_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(a_text_counts_once_and_for_sixty_days, setup, teardown),
		cmocka_unit_test_setup_teardown(talk_beside_a_plain_request_is_not_counted_again, setup, teardown),
		cmocka_unit_test_setup_teardown(the_latest_text_is_quoted_with_its_day_and_without_addresses_or_links, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(where_no_texts_come_through_nothing_is_known, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
