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
	struct fact_ticket ticket = { "low", text, AS_OF - 1, AS_OF, -1, false };

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
		{ "We want to cancel our contract.", 1 },
		{ "Nous voulons R\xc3\x89SILIER le contrat", 1 },
		{ "We do not want to cancel our contract.", 0 },
		{ "Nous ne voulons pas r\xc3\xa9silier.", 0 },
		{ "It is not urgent. We will cancel our contract.", 1 }, /* the "not" is of another sentence */
		{ "cancel ourselves", 0 },
		{ "> we cancel our contract\nThanks, all is well", 0 }, /* quoted from an older message */
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if ((int)mentions("cancel_talk", ENGINE_DEFENSE, cases[i].text) != cases[i].n)
			fail_msg("%s", cases[i].text);
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
	const struct evidence_word words[] = { { "days", "{{n}}" }, { "n", "4" } };

	assert_string_equal(evidence_render(*state, "{{days}} of {{n}}{{gone}} {{", words, 2), "{{n}} of 4 {{");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_phrase_counts_unless_it_is_denied_or_only_part_of_a_word, setup, teardown),
		cmocka_unit_test_setup_teardown(a_need_is_no_need_when_they_have_the_product, setup, teardown),
		cmocka_unit_test_setup_teardown(quotes_carry_no_addresses_and_no_numbers_to_call, setup, teardown),
		cmocka_unit_test_setup_teardown(a_template_takes_its_words_and_leaves_theirs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
