/* Words that speak for something: found whole, in both languages, not when negated, never with addresses in them. */
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

static double mentions(const char *signal, enum score_engine engine, const char *text)
{
	struct fact_ticket ticket = { .priority = "low", .text = text, .subject = "", .category = "", .satisfaction = -1,
		                          .opened_on = AS_OF - 1, .closed_on = AS_OF, .replied_on = DAY_NONE };

	s.account.tickets = &ticket;
	s.account.n_tickets = 1;
	sample_score(&s, NULL);
	s.account.n_tickets = 0;
	return sample_reading(&s, engine, signal)->value;
}

static void a_phrase_counts_unless_it_is_denied_or_only_part_of_a_word(void **state)
{
	static const struct {
		const char *text;
		int n;
	} cases[] = {
		{ "We will cancel our contract.", 1 },
		{ "Il faut R\xc3\x89SILIER", 1 },
		{ "We do not want to cancel our contract.", 0 },
		{ "Nous ne voulons pas r\xc3\xa9silier.", 0 },
		{ "It is not urgent. We will cancel our contract.", 1 }, /* the "not" is of another sentence */
		{ "We are not happy, and we will cancel our contract.", 1 }, /* nor does it cross a comma or an \"and\" */
		{ "This is not urgent\nWe cancel our contract", 1 },
		{ "cancel ourselves", 0 },
		{ "> All is well. We cancel our contract\nThanks", 0 },
		{ "All is well\nOn Monday, Jo <jo@x.example> wrote:\nWe cancel our contract", 0 },
		{ "Le 3 mars, Jo a \xc3\xa9" "crit :\nr\xc3\xa9silier", 0 },
		{ "> we cancel our contract\nThanks, all is well", 0 }, /* quoted from an older message */
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if ((int)mentions("cancel_talk", ENGINE_DEFENSE, cases[i].text) != cases[i].n)
			fail_msg("%s", cases[i].text);
}

static void a_request_has_will_verb_and_object_and_no_not_or_if(void **state)
{
	static const struct {
		const char *text, *signal; /* NULL: no request */
	} cases[] = {
		{ "We would like to downgrade to the Business plan at renewal, half of the seats are enough.",
		  "downgrade_request" },
		{ "Bonjour, nous souhaitons r\xc3\xa9silier notre abonnement maintenant.",
		  "cancel_notice" },
		{ "Merci de r\xc3\xa9silier le contrat", "cancel_notice" },
		{ "Please, as agreed with Jo, terminate our yearly subscription", "cancel_notice" },
		{ "After long talks with our board and the people who use it we would\nlike to cancel the contract",
		  "cancel_notice" },
		{ "We are not happy, please cancel our subscription", "cancel_notice" },
		{ "We won't renew", "cancel_notice" },
		{ "Nous souhaitons passer \xc3\xa0 une offre inf\xc3\xa9rieure", "downgrade_request" },
		{ "We do not want to cancel our subscription", NULL },
		{ "Please do not cancel our subscription", NULL },
		{ "Nous ne souhaitons pas r\xc3\xa9silier notre abonnement", NULL },
		{ "Nous ne voulons plus r\xc3\xa9silier notre abonnement", NULL },
		{ "If this goes on we want to cancel our subscription", NULL },
		{ "What happens to our data if we want to terminate the contract?", NULL },
		{ "We want to cancel an invoice on our old contract", NULL },
		{ "Please cancel our contract review on Monday", NULL },
		{ "We would like to downgrade the library", NULL },
		{ "How can we cancel our subscription?", NULL }, /* talk */
		{ "> please cancel our subscription\nThis was by mistake", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		double cancel = mentions("cancel_notice", ENGINE_DEFENSE, cases[i].text);
		double less = sample_reading(&s, ENGINE_DEFENSE, "downgrade_request")->value;
		const char *found = cancel > 0 ? "cancel_notice" : less > 0 ? "downgrade_request" : NULL;

		if ((found == NULL) != (cases[i].signal == NULL) || (found && strcmp(found, cases[i].signal) != 0))
			fail_msg("%s: %s", cases[i].text, found ? found : "no request");
	}
}

static void a_request_counts_only_where_the_customer_wrote_it(void **state)
{
	static const struct {
		const char *kind, *direction;
		bool is_theirs;
	} cases[] = { { "email", "in", true },  { "call", "in", true }, { "email", "out", false },
		          { "email", "", false },   { "note", "", false },  { "note", "in", false } };
	struct fact_survey survey = { "nps", "We want to cancel our subscription", 9, AS_OF - 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fact_interaction x = { .kind = cases[i].kind, .direction = cases[i].direction, .person = "",
			                          .text = survey.comment, .on = AS_OF };

		s.account.interactions = &x;
		s.account.n_interactions = 1;
		sample_score(&s, NULL);
		ASSERT_INT(sample_reading(&s, ENGINE_DEFENSE, "cancel_notice")->is_hard, cases[i].is_theirs);
	}
	s.account.n_interactions = 0;
	s.account.surveys = &survey;
	s.account.n_surveys = 1;
	sample_score(&s, NULL);
	assert_true(sample_reading(&s, ENGINE_DEFENSE, "cancel_notice")->is_hard);
}

static void a_request_puts_at_risk_alone_and_is_to_be_confirmed(void **state)
{
	static const char text[] = "We would like to downgrade to the small plan, call +33 6 12 34 56 78";
	struct fact_ticket ticket = { .priority = "low", .text = text, .subject = "", .category = "", .satisfaction = -1,
		                          .opened_on = AS_OF - 59, .closed_on = AS_OF, .replied_on = DAY_NONE };
	struct fact_notice notice = { "downgrade", "EUR", "", AS_OF - 1, AS_OF + 90, 20000 };
	const struct verdict *v = &s.diagnosis.verdicts[ENGINE_DEFENSE];
	const struct reading *r;

	(void)state;
	s.base.sources[FACT_NOTICE].is_known = false;
	s.account.tickets = &ticket;
	s.account.n_tickets = 1;
	s.account.renewal_on = AS_OF + 70;
	sample_score(&s, NULL);
	r = sample_reading(&s, ENGINE_DEFENSE, "downgrade_request");
	ASSERT_INT(v->band, 2);
	assert_true(v->lead == r && r->is_hard);
	assert_string_equal(v->play->name, "confirm_request");
	ASSERT_INT(v->act_by_on, AS_OF + 2); /* not only when the renewal presses */
	ASSERT_INT(v->value_minor, 1200000);
	ASSERT_INT(r->fresh_on, AS_OF - 59);
	ASSERT_NEAR(sample_reading(&s, ENGINE_DEFENSE, "cancel_talk")->strength, 0, 1e-9); /* said once, counted once */
	assert_non_null(strstr(r->evidence, "asked for a downgrade on 2025-"));
	assert_non_null(strstr(r->evidence, "[phone]"));
	s.base.sources[FACT_TICKET].is_stale = true; /* what they said stays said */
	sample_score(&s, NULL);
	ASSERT_INT(v->band, 2);
	s.account.notices = &notice; /* the notice itself weighs more, and knows the amount */
	s.account.n_notices = 1;
	sample_score(&s, NULL);
	ASSERT_NEAR(v->lead->strength, 1, 1e-9);
	ASSERT_INT(v->value_minor, 240000);
	notice.currency = "USD"; /* not to be added up with what they pay */
	sample_score(&s, NULL);
	ASSERT_INT(v->value_minor, 1200000);
	s.account.n_notices = 0;
	ticket.opened_on = AS_OF - 60;
	sample_score(&s, NULL);
	ASSERT_INT(v->band, 0);
}

static void requests_are_known_to_be_none_where_texts_come_through(void **state)
{
	(void)state;
	s.base.sources[FACT_NOTICE].is_known = false;
	sample_score(&s, NULL);
	assert_true(sample_reading(&s, ENGINE_DEFENSE, "downgrade_request")->is_known);
	s.base.sources[FACT_TICKET].is_known = s.base.sources[FACT_INTERACTION].is_known = false;
	s.base.sources[FACT_SURVEY].is_known = false;
	sample_score(&s, NULL);
	assert_false(sample_reading(&s, ENGINE_DEFENSE, "downgrade_request")->is_known);
}

static void a_need_is_no_need_when_they_have_the_product(void **state)
{
	(void)state;
	ASSERT_INT(mentions("adjacent_need", ENGINE_EXPANSION, "Is there API access for us?"), 1);
	s.subscription.product = "API";
	ASSERT_INT(mentions("adjacent_need", ENGINE_EXPANSION, "Is there API access for us?"), 0);
}

static void quotes_carry_no_addresses_and_no_numbers_to_call(void **state)
{
	struct arena *a = *state;

	assert_string_equal(evidence_quote(a, "ask jo.doe+x@mail.example or +33 6 12 34 56 78 today", 200),
	                    "ask [e-mail] or [phone] today");
	assert_string_equal(evidence_quote(a, "since 2026-03-01 we pay 1200", 200), "since 2026-03-01 we pay 1200");
	assert_true(strlen(evidence_quote(a, "a very long text that goes on and on", 10)) <= 13);
}

static void a_template_takes_its_words_and_leaves_theirs(void **state)
{
	const struct evidence_word words[] = { { "days", "{{n}}", NULL }, { "n", "4", NULL } };

	assert_string_equal(evidence_render(*state, "{{days}} of {{n}}{{gone}} {{", words, 2), "{{n}} of 4 {{");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_phrase_counts_unless_it_is_denied_or_only_part_of_a_word, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_has_will_verb_and_object_and_no_not_or_if, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_counts_only_where_the_customer_wrote_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_puts_at_risk_alone_and_is_to_be_confirmed, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_are_known_to_be_none_where_texts_come_through, setup, teardown),
		cmocka_unit_test_setup_teardown(a_need_is_no_need_when_they_have_the_product, setup, teardown),
		cmocka_unit_test_setup_teardown(quotes_carry_no_addresses_and_no_numbers_to_call, setup, teardown),
		cmocka_unit_test_setup_teardown(a_template_takes_its_words_and_leaves_theirs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
