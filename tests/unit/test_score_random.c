/* What must hold whatever the facts: some thousand accounts at random. */
#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "accounts.h"
#include "store/usage.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { ROUNDS = 700, IDLE_ROUNDS = 80 };
#else
enum { ROUNDS = 2000, IDLE_ROUNDS = 250 };
#endif
enum { MAX_FACTS = 12, HISTORY_DAYS = 340 };

static struct sample s, settled;
static struct arena *base_arena;
static uint32_t seed;

static uint32_t upto(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static const char *const priorities[] = { "low", "medium", "high", "urgent" };
static const char *const texts[] = { "all is well", "this is unacceptable", "fewer seats", "is there API access",
	                                 "We want to cancel our subscription" };
static struct fact_ticket tickets[MAX_FACTS];
static struct fact_interaction interactions[MAX_FACTS];
static struct fact_invoice invoices[MAX_FACTS];
static struct fact_survey survey;
static struct fact_limit limit;

static void add_texts(void)
{
	s.account.n_tickets = upto(MAX_FACTS);
	for (size_t i = 0; i < s.account.n_tickets; i++) {
		int32_t on = AS_OF - (int32_t)upto(200);

		tickets[i] = (struct fact_ticket){ .priority = priorities[upto(4)], .text = texts[upto(20) ? upto(4) : 4],
			                               .subject = "", .category = "", .opened_on = on,
			                               .closed_on = upto(2) ? DAY_NONE : on, .replied_on = DAY_NONE,
			                               .satisfaction = (int64_t)upto(7) - 1, .is_escalated = upto(5) == 0 };
	}
	s.account.n_interactions = upto(MAX_FACTS);
	for (size_t i = 0; i < s.account.n_interactions; i++)
		interactions[i] = (struct fact_interaction){ .kind = upto(2) ? "email" : "meeting",
			                                         .direction = upto(2) ? "in" : "out", .person = "p1",
			                                         .text = texts[upto(4)], .on = AS_OF - (int32_t)upto(300) };
	survey = (struct fact_survey){ upto(2) ? "nps" : "csat", "", upto(11), AS_OF - (int32_t)upto(200) };
	s.account.n_surveys = upto(2);
	s.account.tickets = tickets;
	s.account.interactions = interactions;
	s.account.surveys = &survey;
}

static void add_money(void)
{
	s.account.n_invoices = upto(4);
	for (size_t i = 0; i < s.account.n_invoices; i++) {
		int32_t on = AS_OF - (int32_t)upto(100);

		invoices[i] = (struct fact_invoice){ upto(1000), "EUR", on, on + (int32_t)upto(40), upto(3) ? AS_OF : DAY_NONE,
			                                 upto(8) ? DAY_NONE : on, upto(8) ? DAY_NONE : on };
	}
	s.account.invoices = invoices;
	s.account.renewal_on = upto(2) ? DAY_NONE : AS_OF + (int32_t)upto(200);
	s.subscription.seats = upto(60);
	s.subscription.mrr_minor = upto(3) ? (int64_t)upto(1000000) : upto(2) ? 0 : INT64_MAX / 7;
	limit = (struct fact_limit){ "actions", 1 + upto(20), 0 };
	s.account.limits = &limit;
	s.account.n_limits = upto(2);
}

/* An account whose days, people, texts and money are all at random; its last days are idle. */
static void make_account(uint32_t number, int idle)
{
	uint32_t share;

	seed = number * 2654435761u + 17;
	s = settled;
	s.usage[0] = arena_memdup(s.arena, settled.usage[0], FACTS_DAYS * sizeof(int64_t));
	s.base.members = s.members;
	s.base.active = s.active;
	s.base.metrics = s.metrics;
	s.account.subscriptions = &s.subscription;
	share = 5 + upto(96); /* often enough to have a rhythm */
	for (int age = 0; age < FACTS_DAYS; age++) {
		uint32_t day = (number * 31u + (uint32_t)(age - idle) * 2654435761u) >> 8;

		s.usage[0][age] = age >= idle && age < idle + HISTORY_DAYS && day % 100 < share ? 10 : USAGE_NONE;
	}
	sample_use(&s, 0, 0, 0);
	if (upto(2)) {
		s.usage[1] = arena_array(s.arena, FACTS_DAYS, sizeof(int64_t));
		for (int age = 0; age < FACTS_DAYS; age++)
			s.usage[1][age] = upto(40);
	}
	for (uint32_t n = upto(6); n > 0; n--) {
		struct fact_person *p = sample_person(&s, n % 2 ? "p1" : "p2", (int)upto(90), 90 + (int)upto(200));

		p->is_key = upto(2);
		p->left_on = upto(4) ? DAY_NONE : AS_OF - (int32_t)upto(90);
	}
	add_texts();
	add_money();
}

static int setup(void **state)
{
	(void)state;
	base_arena = arena_new(0);
	sample_init(&settled, base_arena);
	settled.arena = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(settled.arena);
	arena_free(base_arena);
	return 0;
}

static double risk_of(uint32_t number, int idle)
{
	arena_reset(settled.arena);
	make_account(number, idle);
	return sample_score(&s, NULL)->verdicts[ENGINE_DEFENSE].score;
}

static size_t known_readings(void)
{
	const struct verdict *v = &s.diagnosis.verdicts[ENGINE_DEFENSE];
	size_t n = 0;

	for (size_t i = 0; i < v->n_readings; i++)
		n += v->readings[i].is_known;
	return n;
}

/* But for what a base of thirty learns of its season from one more quiet account: half a point. A young account becomes
 * better known as the weeks go by, which may speak for it: as long as as much is known, more silence is never better.
 */
static void more_idle_weeks_never_lower_the_risk(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < IDLE_ROUNDS; round++) {
		double last = risk_of(round, 0);
		size_t known = known_readings();

		for (int idle = 7; idle <= 84; idle += 7) {
			double now = risk_of(round, idle);

			if (known_readings() == known && now < last - 0.5)
				fail_msg("account %u: %d idle days take the risk from %f to %f", round, idle, last, now);
			last = now;
			known = known_readings();
		}
	}
}

/* A kind that is not connected has no facts; that it is not connected changes no score. */
static void what_is_not_known_never_changes_the_score(void **state)
{
	static const struct {
		enum fact_kind kind;
		size_t *n;
	} kinds[] = { { FACT_TICKET, &s.account.n_tickets },
		          { FACT_INTERACTION, &s.account.n_interactions },
		          { FACT_INVOICE, &s.account.n_invoices },
		          { FACT_SURVEY, &s.account.n_surveys },
		          { FACT_NOTICE, &s.account.n_notices } };

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			double connected[N_ENGINES], confidence;

			(void)risk_of(round, 0);
			*kinds[k].n = 0;
			sample_score(&s, NULL);
			for (int e = 0; e < N_ENGINES; e++)
				connected[e] = s.diagnosis.verdicts[e].score;
			confidence = s.diagnosis.verdicts[ENGINE_DEFENSE].confidence;
			s.base.sources[kinds[k].kind] = (struct fact_source){ false, true, DAY_NONE };
			sample_score(&s, NULL);
			for (int e = 0; e < N_ENGINES; e++)
				if (fabs(s.diagnosis.verdicts[e].score - connected[e]) > 1e-9)
					fail_msg("account %u, kind %d, engine %d", round, kinds[k].kind, e);
			assert_true(s.diagnosis.verdicts[ENGINE_DEFENSE].confidence <= confidence + 1e-9);
		}
}

static void check_reading(const struct reading *r)
{
	assert_true(r->strength >= 0 && r->strength <= 1 && r->contribution >= -r->relief - 1e-9);
	assert_true(r->is_known ? r->evidence && *r->evidence && !isnan(r->value) : r->why && *r->why);
	assert_true(r->is_known || (r->contribution <= 0 && r->contribution >= 0));
}

static void check_verdict(const struct verdict *v)
{
	double logit = v->base_logit;

	assert_true(v->score <= 100 && v->score >= 0 && v->value_minor >= 0);
	assert_true(v->act_by_on >= AS_OF && v->confidence >= 0 && v->confidence <= 1);
	for (size_t i = 0; i < v->n_readings; i++) {
		check_reading(&v->readings[i]);
		logit += v->readings[i].contribution;
	}
	ASSERT_NEAR(v->logit, logit, 1e-9); /* the contributions explain the score */
	ASSERT_NEAR(v->score, v->score < 0 ? -1 : 100 / (1 + exp(-logit)), 1e-9);
}

static void every_verdict_keeps_its_bounds_and_no_account_is_in_both_lists(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct verdict *v = s.diagnosis.verdicts;

		(void)risk_of(round, (int)(round % 60));
		assert_true(v[ENGINE_DEFENSE].band == 0 || v[ENGINE_EXPANSION].band == 0);
		check_verdict(&v[ENGINE_DEFENSE]);
		check_verdict(&v[ENGINE_EXPANSION]);
		assert_true(v[ENGINE_DEFENSE].band < 2 || v[ENGINE_DEFENSE].n_families >= 2 || v[ENGINE_DEFENSE].lead->is_hard);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(more_idle_weeks_never_lower_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_known_never_changes_the_score, setup, teardown),
		cmocka_unit_test_setup_teardown(every_verdict_keeps_its_bounds_and_no_account_is_in_both_lists, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
