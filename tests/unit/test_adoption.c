/* Since when an account is a customer: the hazard of the first year begins again with who comes back. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"

enum { MOST_SUBSCRIPTIONS = 4 };

static struct arena *arena;
static struct sample s;
static struct fact_subscription subscriptions[MOST_SUBSCRIPTIONS];

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	sample_init(&s, arena);
	s.account.subscriptions = subscriptions;
	s.account.n_subscriptions = 0;
	s.account.customer_since_on = DAY_NONE;
	sample_use(&s, 0, 448, 0); /* nothing known of its use: tenure speaks alone */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* Both ages in days, oldest first; to_age below 0: it goes on. */
static void subscribe(int from_age, int to_age)
{
	subscriptions[s.account.n_subscriptions++] = (struct fact_subscription){
		.product = "base", .currency = "EUR", .mrr_minor = 1000, .start_on = AS_OF - from_age,
		.end_on = to_age < 0 ? DAY_NONE : AS_OF - to_age, .renewal_on = DAY_NONE, .cancel_notice_on = DAY_NONE,
		.is_active = to_age < 0,
	};
}

static double tenure_value(void)
{
	const struct reading *r;

	(void)sample_score(&s, NULL);
	r = sample_reading(&s, ENGINE_DEFENSE, "short_tenure");
	return r->is_known ? r->value : -1;
}

static double value_of_days(int days)
{
	return 1 - days / 365.0;
}

static void who_came_back_after_a_gap_is_new(void **state)
{
	(void)state;
	subscribe(900, 400);
	subscribe(73, -1);
	ASSERT_NEAR(tenure_value(), value_of_days(73), 1e-9);
}

static void a_late_renewal_and_a_new_plan_are_no_gap(void **state)
{
	(void)state;
	subscribe(200, 100);
	subscribe(120, 51);
	subscribe(20, -1);
	ASSERT_NEAR(tenure_value(), value_of_days(200), 1e-9);
}

static void a_second_product_does_not_make_it_young(void **state)
{
	(void)state;
	subscribe(300, -1);
	subscribe(10, -1);
	ASSERT_NEAR(tenure_value(), value_of_days(300), 1e-9);
}

static void the_account_s_own_word_goes_further_back_but_not_over_a_gap(void **state)
{
	(void)state;
	s.account.customer_since_on = AS_OF - 292;
	subscribe(73, -1);
	ASSERT_NEAR(tenure_value(), value_of_days(292), 1e-9);
	s.account.n_subscriptions = 0;
	subscribe(290, 200);
	subscribe(73, -1);
	ASSERT_NEAR(tenure_value(), value_of_days(73), 1e-9);
}

static void being_young_alone_is_nothing_to_act_on(void **state)
{
	struct signal_settings *all = arena_memdup(arena, s.settings.signals.at, s.settings.signals.n * sizeof *all);
	static struct fact_ticket ticket = { .priority = "low", .text = "", .subject = "", .category = "",
		.closed_on = DAY_NONE, .replied_on = DAY_NONE, .opened_on = AS_OF - 12, .satisfaction = -1 };
	const struct verdict *v = &s.diagnosis.verdicts[ENGINE_DEFENSE];
	const struct reading *r;

	(void)state;
	for (size_t i = 0; i < s.settings.signals.n; i++)
		if (strcmp(all[i].name, "short_tenure") == 0)
			all[i].weight = 1.2;
	s.settings.signals.at = all;
	s.settings.total_relief = 0;
	subscribe(3, -1);
	(void)sample_score(&s, NULL);
	assert_true(v->times > s.settings.bands.watch);
	ASSERT_INT(v->band, 0);
	assert_non_null(strstr(v->band_why, "young"));
	assert_null(strstr(v->change, "young")); /* no more of it would make it another band */
	r = sample_reading(&s, ENGINE_DEFENSE, "short_tenure");
	assert_non_null(strstr(r->evidence, "3 days only, and nothing is seen of its use"));
	s.account.tickets = &ticket; /* something else speaks, if only a little */
	s.account.n_tickets = 1;
	(void)sample_score(&s, NULL);
	ASSERT_INT(v->band, 1);
	assert_ptr_not_equal(v->lead, sample_reading(&s, ENGINE_DEFENSE, "short_tenure"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_came_back_after_a_gap_is_new, setup, teardown),
		cmocka_unit_test_setup_teardown(a_late_renewal_and_a_new_plan_are_no_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_product_does_not_make_it_young, setup, teardown),
		cmocka_unit_test_setup_teardown(being_young_alone_is_nothing_to_act_on, setup, teardown),
		cmocka_unit_test_setup_teardown(the_account_s_own_word_goes_further_back_but_not_over_a_gap, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
