/* Facts -> strength and evidence: replies, counterparts, support, revenue, payment habits, seats by tenure. */
#include "cmocka_shim.h"

#include <string.h>

#include "accounts.h"

enum { MAX_FACTS = 200 };

static struct sample s;
static struct fact_interaction exchanges[MAX_FACTS];
static struct fact_ticket tickets[MAX_FACTS];
static struct fact_invoice invoices[MAX_FACTS];

static int setup(void **state)
{
	struct arena *a = arena_new(0);

	sample_init(&s, a);
	s.account.interactions = exchanges;
	s.account.tickets = tickets;
	s.account.invoices = invoices;
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* strength below 0: not known, for the reason given. */
static void risk(const char *name, double strength, const char *words)
{
	const struct reading *r;
	const char *told;

	sample_score(&s, NULL);
	r = sample_reading(&s, ENGINE_DEFENSE, name);
	told = r->is_known ? r->evidence : r->why;
	if (r->is_known != (strength >= 0) || !strstr(told, words) ||
	    (r->is_known && (r->strength > strength + 0.02 || r->strength < strength - 0.02)))
		fail_msg("%s: %d %.3f (%.3f) %s; expected %.3f %s", name, r->is_known, r->strength, r->value, told, strength,
		         words);
}

static struct fact_interaction *say(const char *kind, const char *direction, int age)
{
	struct fact_interaction *x = &exchanges[s.account.n_interactions++];

	*x = (struct fact_interaction){ .kind = kind, .direction = direction, .person = "", .text = "", .on = AS_OF - age };
	return x;
}

static struct fact_ticket *ask(const char *subject, const char *category, int age, int closed_age)
{
	struct fact_ticket *t = &tickets[s.account.n_tickets++];

	*t = (struct fact_ticket){ .priority = "low", .text = "", .subject = subject, .category = category,
		.opened_on = AS_OF - age, .closed_on = closed_age < 0 ? DAY_NONE : AS_OF - closed_age, .replied_on = DAY_NONE,
		.satisfaction = -1 };
	return t;
}

static void bill(int due_age, int paid_late)
{
	invoices[s.account.n_invoices++] = (struct fact_invoice){ 10000, "EUR", AS_OF - due_age - 30, AS_OF - due_age,
		paid_late < 0 ? DAY_NONE : AS_OF - due_age + paid_late, DAY_NONE, DAY_NONE };
}

/* A message of ours each week, answered two days later; the answers to those younger than silent_from stay away. */
static void write_weekly(int silent_from)
{
	s.account.n_interactions = 0;
	for (int age = 300; age >= 0; age -= 7) {
		say("email", "out", age);
		if (age - 2 >= silent_from)
			say("email", "in", age - 2);
	}
}

static void replies_that_stay_away(void **state)
{
	(void)state;
	risk("slow_replies", -1, "too few messages");
	write_weekly(0);
	risk("slow_replies", 0, "waited for an answer on 8 of the last 56 days, which is usual");
	write_weekly(28);
	risk("slow_replies", 0.6, "on 31 of the last 56 days where 8 are usual; none since our message of");
	write_weekly(56);
	risk("slow_replies", 1, "waited for an answer on 55 of the last 56 days where 8 are usual");
	say("meeting", "", 0); /* they came: that is an answer */
	risk("slow_replies", 1, "waited for an answer on 54 of the last 56 days where 8 are usual");
}

static void meetings_that_are_put_off(void **state)
{
	(void)state;
	risk("meetings_put_off", 0, "no meeting was put off in 60 days");
	say("meeting", "", 10)->was_put_off = true;
	risk("meetings_put_off", 0.2, "1 meeting cancelled, moved, declined or missed in 60 days, last on 2026-02-06");
	say("meeting", "", 5)->was_put_off = true;
	say("meeting", "", 2)->was_put_off = true;
	risk("meetings_put_off", 1, "3 meetings cancelled, moved, declined or missed in 60 days, last on 2026-02-14");
	s.account.n_interactions = 1;
	fact_days_add(&s.account.moved, 4);
	risk("meetings_put_off", 0.6, "2 meetings cancelled, moved, declined or missed in 60 days, last on 2026-02-12");
	s.account.moved = (struct fact_days){ 0 };
	for (int i = 0; i < 9; i++) /* as often as ever */
		say("meeting", "", 70 + 15 * i)->was_put_off = true;
	risk("meetings_put_off", 0, "no more meetings are put off than usual");
}

static struct fact_person *speaker(const char *key, int from_age, int to_age, int step)
{
	struct fact_person *p = sample_person(&s, key, 0, 0);

	for (int age = from_age; age < to_age; age += step)
		fact_days_add(&p->spoke, age);
	return p;
}

static void those_who_decide_fall_silent(void **state)
{
	struct fact_person *boss;

	(void)state;
	risk("sponsor_silence", -1, "no decision-maker is known");
	speaker("u1", 3, 300, 5);
	risk("sponsor_silence", -1, "no decision-maker is known");
	boss = speaker("d", 10, 300, 10);
	boss->role = "sponsor";
	boss->is_key = true;
	risk("sponsor_silence", 0, "a decision-maker was last heard of on 2026-02-06, which is nothing unusual");
	memset(&boss->spoke, 0, sizeof boss->spoke);
	for (int age = 70; age < 300; age += 10)
		fact_days_add(&boss->spoke, age);
	risk("sponsor_silence", 0.57,
	     "who decide (sponsor) for 70 days, 7 exchanges missed by their own rhythm; 1 other still writes");
}

static void the_main_contact_changes(void **state)
{
	(void)state;
	risk("contact_change", -1, "nobody in particular speaks for them");
	speaker("a", 5, 300, 7)->name = "Ana";
	risk("contact_change", 0, "their main contact was last heard of on 2026-02-11");
	s.account.n_people = 0;
	speaker("a", 60, 300, 7)->name = "Ana";
	speaker("b", 1, 30, 7);
	risk("contact_change", 0.57, "main contact (Ana) has not been heard of since 2025-12-18; 1 other still writes");
	s.account.n_people = 0;
	for (int i = 0; i < 3; i++)
		speaker(i ? i == 1 ? "b" : "c" : "a", 60, 300, 7);
	risk("contact_change", -1, "nobody in particular");
}

static void the_same_topic_again_and_again(void **state)
{
	(void)state;
	risk("repeated_topic", 0, "no topic comes again");
	ask("Export to Excel fails", "Question", 50, 49);
	ask("How do I add a user?", "Question", 40, 39);
	ask("Invoice address", "Question", 30, 29);
	risk("repeated_topic", 0, "no topic comes again"); /* a heading alone is no topic */
	ask("Re: export to Excel", "Question", 20, 19);
	risk("repeated_topic", 0.33, "2 tickets about the same in 60 days: \"Re: export to Excel\"");
	ask("EXPORT (Excel) fails again", "Question", 5, -1);
	risk("repeated_topic", 0.67, "3 tickets about the same in 60 days: \"EXPORT (Excel) fails again\"");
	ask("Excel export fails", "Question", 70, 65);
	ask("Excel export fails", "Question", 75, 65);
	risk("repeated_topic", 0, "no topic comes again"); /* that is what they write every month */
}

static void without_subjects_the_heading_is_the_topic(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		ask("", i ? "export" : "Export", 10 + i, 9 + i);
	risk("repeated_topic", 0.67, "3 tickets about the same in 60 days: \"");
}

static void tickets_that_wait(void **state)
{
	(void)state;
	risk("unanswered_tickets", 0, "no ticket waits");
	ask("Old", "", 60, 50)->replied_on = AS_OF - 59;
	ask("Where is my data?", "", 12, -1);
	risk("unanswered_tickets", 0.5, "a ticket is unanswered since 2026-02-04: \"Where is my data?\"");
	tickets[1].replied_on = AS_OF - 11;
	risk("unanswered_tickets", 0.11, "a ticket is open since 2026-02-04");
	tickets[0].replied_on = tickets[1].replied_on = DAY_NONE; /* whether it was answered is not told */
	ask("Second", "", 30, -1);
	risk("unanswered_tickets", 1, "a ticket is open since 2026-01-17: \"Second\"; 2 wait in all");
	tickets[2].opened_on = AS_OF - 90; /* that is a shelf, not a queue */
	risk("unanswered_tickets", 0.11, "a ticket is open since 2026-02-04");
}

static void tickets_that_take_longer_or_come_back(void **state)
{
	(void)state;
	risk("slow_resolution", -1, "too few tickets");
	risk("reopened_tickets", 0, "no ticket was opened again");
	for (int i = 0; i < 4; i++)
		ask("", "", 100 + 20 * i, 98 + 20 * i);
	ask("", "", 40, 38);
	ask("", "", 20, 18);
	risk("slow_resolution", 0, "tickets take 2 days, as they used to");
	tickets[4].closed_on = AS_OF - 34;
	tickets[5].closed_on = AS_OF - 14;
	risk("slow_resolution", 0.6, "tickets of the last 60 days take 6 days where 2 were usual");
	tickets[5].closed_on = DAY_NONE; /* one still open counts with its age */
	risk("slow_resolution", 1, "take 13 days");
	tickets[5].n_reopened = 1;
	risk("reopened_tickets", 0.33, "tickets were opened again once in 90 days");
	tickets[4].n_reopened = 2;
	risk("reopened_tickets", 1, "opened again 3 times");
}

static void revenue_that_shrank(void **state)
{
	(void)state;
	risk("past_contraction", 0, "it pays no less than in the last year");
	s.subscription.mrr_minor = 75000;
	risk("past_contraction", 0.57, "pays EUR 750 a month, EUR 1,000 at its highest in the last year (25 % less)");
	s.subscription.currency = "USD"; /* never across currencies: all of it is in the same one still */
	risk("past_contraction", 0.57, "pays USD 750 a month");
	s.subscription.mrr_minor = 150000;
	risk("past_contraction", 0, "no less");
	s.account.n_subscriptions = 0;
	risk("past_contraction", -1, "no subscription with an amount");
}

static void renewals_by_hand(void **state)
{
	(void)state;
	risk("renews_by_hand", 0, "no contract that has to be renewed by hand ends soon");
	s.subscription.renews_by_hand = true;
	s.subscription.renewal_on = AS_OF + 200;
	risk("renews_by_hand", 0, "ends soon");
	s.subscription.renewal_on = AS_OF + 30;
	risk("renews_by_hand", 0.3, "the contract has to be renewed by hand; its term ends on 2026-03-18");
	s.subscription.was_switched_off = true;
	s.subscription.renewal_on = AS_OF + 200;
	risk("renews_by_hand", 1, "automatic renewal was switched off; its term ends on 2026-09-04");
	ASSERT_INT(sample_reading(&s, ENGINE_DEFENSE, "renews_by_hand")->due_on, AS_OF + 200);
}

static void a_habit_of_paying_late_is_no_trouble(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		bill(300 - 30 * i, 18);
	bill(25, -1);
	risk("payment_trouble", 0.08, "25 days late where 18 are usual");
	risk("pays_later", 0, "it pays 18 days late, as it used to");
	for (int i = 0; i < 6; i++)
		invoices[i].paid_on = invoices[i].due_on - 5;
	risk("payment_trouble", 0.8, "25 days late");
	for (int i = 3; i < 6; i++)
		invoices[i].paid_on = invoices[i].due_on + 20;
	risk("pays_later", 0.6, "the last three invoices were paid 20 days late where 0 are usual");
	s.account.n_invoices = 5;
	risk("pays_later", -1, "too few paid invoices");
}

static void a_dispute_is_told_until_it_is_paid(void **state)
{
	(void)state;
	risk("invoice_disputed", 0, "no invoice is in dispute");
	bill(-5, -1);
	invoices[0].disputed_on = AS_OF - 1;
	risk("invoice_disputed", 1, "invoice of EUR 100 in dispute since 2026-02-15");
	risk("payment_trouble", 0, "nothing is owed");
	invoices[0].paid_on = AS_OF;
	risk("invoice_disputed", 0, "no invoice is in dispute");
}

/* The published grid, all its cells: GitLab's licence utilisation by tenure. */
static void seats_in_use_by_tenure(void **state)
{
	static const struct {
		int64_t people; /* of 100 seats */
		double by_month[3]; /* 3, 7 and 12 */
	} cells[] = {
		{ 9, { 1, 1, 1 } },     { 10, { 0.5, 1, 1 } }, { 50, { 0.5, 1, 1 } }, { 51, { 0, 0.5, 1 } },
		{ 75, { 0, 0.5, 1 } }, { 76, { 0, 0, 0 } },   { 100, { 0, 0, 0 } },
	};
	static const int months[3] = { 3, 7, 12 };

	(void)state;
	s.usage[1] = arena_array(s.arena, FACTS_DAYS, sizeof(int64_t));
	s.subscription.seats = 100;
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		for (size_t m = 0; m < ARRAY_LEN(months); m++) {
			for (int age = 0; age < FACTS_DAYS; age++)
				s.usage[1][age] = cells[i].people;
			s.subscription.start_on = AS_OF - 30 * months[m];
			s.account.customer_since_on = DAY_NONE;
			risk("seat_use", cells[i].by_month[m], arena_printf(s.arena, "%d %%", (int)cells[i].people));
		}
	s.subscription.start_on = AS_OF - 59;
	risk("seat_use", -1, "in its first two months");
}

static void a_renewal_without_proof_of_its_worth(void **state)
{
	(void)state;
	risk("renewal_unproven", -1, "no renewal date known");
	s.account.renewal_on = AS_OF + 60;
	risk("renewal_unproven", 0, "its renewal is near, and its use speaks for it");
	say("meeting", "", 120);
	risk("renewal_unproven", 0.37, "renewal on 2026-04-17 without a meeting in 90 days");
	say("meeting", "", 80);
	risk("renewal_unproven", 0, "its use speaks for it");
	exchanges[1].was_put_off = true;
	sample_use(&s, 0, 20, 0);
	risk("renewal_unproven", 1, "without use that holds, a meeting in 90 days");
	s.account.renewal_on = AS_OF + 91;
	risk("renewal_unproven", 0, "its renewal is not near");
}

static void answers_that_fall(void **state)
{
	struct fact_survey answers[3] = { { "nps", "", 10, AS_OF - 300 }, { "csat", "", 1, AS_OF - 100 },
		{ "nps", "", 7, AS_OF - 10 } };

	(void)state;
	risk("falling_answers", -1, "no answer to a survey");
	s.account.surveys = answers + 2;
	s.account.n_surveys = 1;
	risk("falling_answers", -1, "no earlier answer");
	s.account.surveys = answers;
	s.account.n_surveys = 3;
	risk("falling_answers", 0.22, "NPS 7 on 2026-02-06 where 10.0 was usual");
	answers[2].score = 9;
	risk("falling_answers", 0, "they answer no worse than they used to");
	answers[2].score = 2;
	risk("falling_answers", 1, "NPS 2 on 2026-02-06 where 10.0 was usual");
	answers[0].on = AS_OF - 376;
	risk("falling_answers", -1, "no earlier answer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replies_that_stay_away, setup, teardown),
		cmocka_unit_test_setup_teardown(meetings_that_are_put_off, setup, teardown),
		cmocka_unit_test_setup_teardown(those_who_decide_fall_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(the_main_contact_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_topic_again_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(without_subjects_the_heading_is_the_topic, setup, teardown),
		cmocka_unit_test_setup_teardown(tickets_that_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(tickets_that_take_longer_or_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(revenue_that_shrank, setup, teardown),
		cmocka_unit_test_setup_teardown(renewals_by_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(a_habit_of_paying_late_is_no_trouble, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dispute_is_told_until_it_is_paid, setup, teardown),
		cmocka_unit_test_setup_teardown(seats_in_use_by_tenure, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_that_fall, setup, teardown),
		cmocka_unit_test_setup_teardown(a_renewal_without_proof_of_its_worth, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
