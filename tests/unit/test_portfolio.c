/* What a steady score may hide, whom nobody looked at, and how a manager is told. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"
#include "common/buf.h"
#include "digest/compose.h"
#include "score/portfolio.h"

static struct arena *a;
static struct sample s;
static struct fact_interaction exchanges[3];

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	sample_init(&s, a);
	s.account.interactions = exchanges;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void exchange(const char *kind, const char *direction, int age)
{
	exchanges[s.account.n_interactions++] = (struct fact_interaction){
		.kind = kind, .direction = direction, .person = "", .text = "", .on = AS_OF - age,
	};
}

static const char *hidden(void)
{
	return watermelon_of(NULL, &s.base, &s.account, 0.9, a);
}

static void expect(const char *told, const char *part)
{
	if (!part ? told != NULL : !told || !strstr(told, part))
		fail_msg("told %s, expected %s", told ? told : "nothing", part ? part : "nothing");
}

static void two_people_are_enough_and_one_is_not(void **state)
{
	(void)state;
	expect(hidden(), NULL); /* people are not known */
	sample_person(&s, "p1", 0, 90)->name = "Ana Duarte";
	expect(hidden(), "it hangs on one person, Ana Duarte");
	s.base.sources[FACT_PERSON].is_stale = true;
	expect(hidden(), NULL);
	s.base.sources[FACT_PERSON].is_stale = false;
	sample_person(&s, "p2", 100, 200);
	expect(hidden(), "it hangs on one person");
	sample_person(&s, "p3", 80, 200);
	expect(hidden(), NULL);
	s.account.n_people = 1;
	s.subscription.seats = 2; /* who bought two seats hangs on few by nature */
	expect(hidden(), NULL);
}

static void people_who_all_went_quiet_are_told(void **state)
{
	(void)state;
	sample_person(&s, "p1", 95, 200);
	sample_person(&s, "p2", 120, 200);
	expect(hidden(), "nobody known there has used it or spoken for 90 days");
}

static void a_silent_renewal_shows_at_thirty_days_of_silence(void **state)
{
	(void)state;
	s.account.renewal_on = AS_OF + 90;
	exchange("email", "in", 29);
	expect(hidden(), NULL);
	exchanges[0].on = AS_OF - 30;
	expect(hidden(), "its renewal is on ");
	exchange("email", "out", 3); /* our own words are no answer */
	expect(hidden(), "its renewal is on ");
	exchange("meeting", "", 3);
	expect(hidden(), NULL);
	exchanges[2].was_put_off = true;
	expect(hidden(), "the last message or meeting was on ");
	s.account.renewal_on = AS_OF + 91;
	expect(hidden(), NULL);
}

static void an_account_without_news_is_stale_and_one_hardly_known_too(void **state)
{
	(void)state;
	expect(watermelon_of(NULL, &s.base, &s.account, 0.4, a), "only 40 % of what should be known of it is");
	sample_use(&s, 0, 30, 0);
	expect(hidden(), "nothing was heard or measured of it for 30 days");
	exchange("note", "", 10);
	expect(hidden(), NULL);
	s.base.sources[FACT_INTERACTION] = s.base.sources[FACT_USAGE] = (struct fact_source){ true, true, AS_OF - 40 };
	s.account.n_interactions = 0;
	expect(hidden(), NULL); /* a broken source proves nothing */
}

static void fewer_people_on_the_same_seats_are_told(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		sample_person(&s, arena_printf(a, "p%d", i), i < 8 ? 0 : 50, 300);
	expect(hidden(), NULL); /* 8 of 10 */
	s.account.n_people = 0;
	for (int i = 0; i < 10; i++)
		sample_person(&s, arena_printf(a, "p%d", i), i < 7 ? 0 : 50, 300);
	expect(hidden(), "7 people are at work where 10 were three months ago, on the same 20 seats");
}

static void an_account_is_seen_by_a_list_a_message_of_ours_or_a_meeting(void **state)
{
	(void)state;
	expect(blind_spot_of(NULL, &s.base, &s.account, false, a),
	       "nobody of ours is known to have written, called or met");
	expect(blind_spot_of(NULL, &s.base, &s.account, true, a), NULL);
	exchange("email", "out", 90);
	expect(blind_spot_of(NULL, &s.base, &s.account, false, a), "nobody of ours wrote, called or met since ");
	exchange("email", "in", 2);
	expect(blind_spot_of(NULL, &s.base, &s.account, false, a), "nobody of ours wrote, called or met since ");
	exchanges[0].on = AS_OF - 89;
	expect(blind_spot_of(NULL, &s.base, &s.account, false, a), NULL);
	exchanges[0].on = AS_OF - 200;
	s.base.sources[FACT_INTERACTION].is_stale = true;
	expect(blind_spot_of(NULL, &s.base, &s.account, false, a), NULL);
	s.account.csm_email = s.account.am_email = "";
	expect(blind_spot_of(NULL, &s.base, &s.account, true, a), "nobody owns it");
}

static void a_manager_gets_the_most_valuable_and_the_number_of_the_others(void **state)
{
	static const struct digest_person people[] = { { "anna@x.example", "Anna Lind" } };
	struct digest_account accounts[7];
	struct digest_input in = { .org = "x", .owner_email = "m@x.example", .kind = "manager", .local_on = AS_OF,
		.as_of_on = AS_OF, .before_on = DAY_NONE, .people = people, .n_people = 1, .watermelons = accounts };
	struct digest d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
		accounts[i] = (struct digest_account){ .name = i ? "Acme" : "", .key = "k7",
			.owner_email = i ? "anna@x.example" : "", .currency = i ? "EUR" : NULL, .reason = "it hangs on one person",
			.value_minor = i ? 4800000 : 0 };
	digest_compose(&in, a, &d);
	ASSERT_INT(d.n_lists, 0);
	in.n_watermelons = ARRAY_LEN(accounts);
	digest_compose(&in, a, &d);
	ASSERT_INT(d.n_lists, 1);
	ASSERT_INT(d.lists[0].n_lines, 5);
	assert_string_equal(d.lists[0].title, "Green, but look inside (7 accounts)");
	assert_string_equal(d.lists[0].lines[0], "Account k7 (value not known, with nobody): it hangs on one person");
	assert_string_equal(d.lists[0].lines[1], "Acme (EUR 48k a year, with Anna Lind): it hangs on one person");
	assert_string_equal(d.lists[0].rest, "+2 more, worth EUR 96k a year");
	assert_true(d.is_quiet); /* it is no reason to be woken */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_people_are_enough_and_one_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(people_who_all_went_quiet_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_silent_renewal_shows_at_thirty_days_of_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(an_account_without_news_is_stale_and_one_hardly_known_too, setup, teardown),
		cmocka_unit_test_setup_teardown(fewer_people_on_the_same_seats_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(an_account_is_seen_by_a_list_a_message_of_ours_or_a_meeting, setup, teardown),
		cmocka_unit_test_setup_teardown(a_manager_gets_the_most_valuable_and_the_number_of_the_others, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
