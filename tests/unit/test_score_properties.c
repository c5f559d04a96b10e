/* What must hold of every account, whatever its facts: ten thousand at random, judged by the shipped signals.yaml. */
#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "../../src/score/signal.h"
#include "accounts.h"
#include "common/text.h"
#include "store/usage.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { ACCOUNTS = 2500 };
#else
enum { ACCOUNTS = 10000 };
#endif
enum { MAX_FACTS = 24, MAX_PEOPLE = 5 };

/* An account with all that it owns, so that a copy can be changed. */
struct made {
	struct fact_account account;
	int64_t use[2][FACTS_DAYS], *usage[2];
	struct fact_subscription subscription;
	struct fact_limit limit;
	struct fact_team team;
	struct fact_person people[MAX_PEOPLE];
	struct fact_ticket tickets[MAX_FACTS];
	struct fact_interaction exchanges[MAX_FACTS];
	struct fact_invoice invoices[MAX_FACTS];
	struct fact_survey surveys[2];
	struct fact_notice notice;
};

static struct sample settled;
static struct arena *whole, *one;
static const struct norms *norms;
static uint32_t seed;
static struct made first, second;

static uint32_t upto(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static double real_of(const struct yaml *entry, const char *key)
{
	const struct yaml *node = yaml_member(entry, key);
	double value = 0;

	assert_true(!node || text_to_real(node->text, &value));
	return value;
}

static void take_shipped_signals(void)
{
	struct mistakes m = { .arena = whole };
	const struct yaml *tree = yaml_load(whole, "config/signals.yaml", &m), *list = yaml_member(tree, "signals");
	struct signal_settings *all = arena_array(whole, 2 * MAX_SIGNALS, sizeof *all);
	size_t n = 0;

	assert_non_null(list);
	for (const struct yaml *entry = list->first; entry; entry = entry->next)
		all[n++] = (struct signal_settings){ .name = entry->key, .low = real_of(entry, "low"),
			.high = real_of(entry, "high"), .weight = real_of(entry, "weight"), .relief = real_of(entry, "relief"),
			.play = "act" };
	settled.settings.signals = (struct yaml_array){ .at = all, .n = n };
	settled.settings.family_cap = real_of(tree, "family_cap");
	settled.settings.total_relief = real_of(tree, "total_relief");
}

/* Points the account at its own rows. */
static void own(struct made *m)
{
	for (int i = 0; i < 2; i++)
		m->usage[i] = m->use[i];
	m->account.subscriptions = &m->subscription;
	m->account.limits = &m->limit;
	m->account.teams = &m->team;
	m->account.people = m->people;
	m->account.tickets = m->tickets;
	m->account.interactions = m->exchanges;
	m->account.invoices = m->invoices;
	m->account.surveys = m->surveys;
	m->account.notices = &m->notice;
}

static const char *const people[MAX_PEOPLE] = { "p0", "p1", "p2", "p3", "p4" };

/* Who used it or spoke goes by the exchanges and by named use. */
static void make_people(struct made *m)
{
	m->account.n_people = upto(MAX_PEOPLE + 1);
	for (size_t i = 0; i < m->account.n_people; i++) {
		struct fact_person *p = &m->people[i];
		uint32_t share = upto(60);

		*p = (struct fact_person){ .key = people[i], .name = i ? "" : "Ana", .role = "", .team = "",
			.is_key = upto(3) == 0, .left_on = upto(12) ? DAY_NONE : AS_OF - (int32_t)upto(90) };
		for (int age = 0; age < FACTS_DAYS; age++)
			if (upto(100) < share)
				fact_days_add(&p->used, age);
	}
}

static void tell_speech(struct made *m)
{
	for (size_t p = 0; p < m->account.n_people; p++) {
		m->people[p].spoke = (struct fact_days){ 0 };
		for (size_t i = 0; i < m->account.n_interactions; i++)
			if (is_from_them(&m->exchanges[i]) && strcmp(m->exchanges[i].person, m->people[p].key) == 0)
				fact_days_add(&m->people[p].spoke, AS_OF - m->exchanges[i].on);
	}
}

/* The next of so many days, spread up to the as-of day. */
static int32_t later(int32_t on, size_t n_left)
{
	int32_t room = 2 * (AS_OF - on) / ((int32_t)n_left + 1), step = (int32_t)upto((uint32_t)room + 1);

	return on + step < AS_OF ? on + step : AS_OF;
}

static void make_events(struct made *m)
{
	static const char *const priorities[] = { "low", "medium", "high", "urgent" };
	static const char *const subjects[] = { "", "Export to Excel fails", "Excel export", "Add a user" };
	static const char *const texts[] = { "all is well", "this is unacceptable", "fewer seats", "is there API access" };
	int32_t on = AS_OF - 300;

	m->account.n_tickets = upto(MAX_FACTS);
	for (size_t i = 0; i < m->account.n_tickets; i++) {
		int32_t opened = later(on, m->account.n_tickets - i), closed = opened + (int32_t)upto(20);

		m->tickets[i] = (struct fact_ticket){ .priority = priorities[upto(4)], .text = texts[upto(4)],
			.subject = subjects[upto(4)], .category = "how-to", .opened_on = opened,
			.closed_on = closed > AS_OF || upto(8) == 0 ? DAY_NONE : closed,
			.replied_on = upto(3) ? opened : DAY_NONE, .satisfaction = (int64_t)upto(7) - 1,
			.is_escalated = upto(9) == 0, .n_reopened = upto(9) == 0 };
		on = opened;
	}
	on = AS_OF - 320;
	m->account.n_interactions = upto(MAX_FACTS);
	for (size_t i = 0; i < m->account.n_interactions; i++) {
		on = later(on, m->account.n_interactions - i);
		m->exchanges[i] = (struct fact_interaction){ .kind = upto(3) ? "email" : "meeting",
			.direction = upto(2) ? "in" : "out", .person = people[upto(MAX_PEOPLE)], .text = "",
			.on = on };
		m->exchanges[i].was_put_off = strcmp(m->exchanges[i].kind, "meeting") == 0 && upto(5) == 0;
	}
	for (int i = 0; i < 2; i++)
		m->surveys[i] = (struct fact_survey){ upto(3) ? "nps" : "csat", "", upto(11),
			AS_OF - (i ? 0 : 200) - (int32_t)upto(200) };
	m->account.n_surveys = upto(3);
	m->notice = (struct fact_notice){ .kind = upto(2) ? "cancel" : "downgrade", .currency = "EUR", .text = "",
		.noticed_on = AS_OF - (int32_t)upto(99), .effective_on = DAY_NONE };
	m->account.n_notices = upto(12) == 0;
}

static void make_money(struct made *m)
{
	int32_t on = AS_OF - 280;

	m->account.n_invoices = upto(MAX_FACTS / 2);
	for (size_t i = 0; i < m->account.n_invoices; i++, on += (int32_t)upto(60)) {
		int32_t issued = on > AS_OF ? AS_OF : on, paid = issued + (int32_t)upto(80);

		m->invoices[i] = (struct fact_invoice){ 10000, "EUR", issued, issued + 30,
			paid > AS_OF || (upto(3) == 0 && AS_OF - issued < 120) ? DAY_NONE : paid, DAY_NONE, DAY_NONE };
	}
	m->account.renewal_on = upto(2) ? DAY_NONE : AS_OF + (int32_t)upto(200);
	m->subscription.seats = upto(60);
	m->subscription.mrr_minor = 1 + upto(1000000);
	for (int i = 0; i < FACT_MARKS; i++)
		m->subscription.mrr_was_minor[i] = upto(3) ? m->subscription.mrr_minor : upto(1000000);
	m->subscription.start_on = AS_OF - 30 - (int32_t)upto(900);
	m->limit = (struct fact_limit){ .metric = "actions", .value = 1 + upto(20) };
	m->account.n_limits = upto(2);
	m->team = (struct fact_team){ .name = "Sales" };
	fact_days_add(&m->team.used, (int)upto(40));
	m->account.n_teams = upto(2);
}

/* Use of every kind: daily, weekly, monthly, hardly any; growing or fading; with or without a count of people. */
static void make_use(struct made *m)
{
	static const uint32_t steps[] = { 1, 1, 1, 7, 30 };
	uint32_t step = steps[upto(5)], share = upto(101), fade = upto(3), history = 20 + upto(FACTS_DAYS - 20);
	uint32_t n_users = upto(40);
	bool has_users = upto(2);

	m->account.active = (struct fact_days){ 0 };
	for (uint32_t age = 0; age < FACTS_DAYS; age++) {
		uint32_t likely = fade == 0 ? share : fade == 1 ? share * age / FACTS_DAYS : share - share * age / FACTS_DAYS;
		bool is_used = age < history && age % step == 0 && upto(100) < likely;

		m->use[0][age] = is_used ? 1 + upto(30) : upto(10) ? USAGE_NONE : 0;
		m->use[1][age] = has_users && age < history ? n_users : USAGE_NONE;
		if (is_used)
			fact_days_add(&m->account.active, (int)age);
	}
}

static void make(struct made *m, uint32_t number)
{
	seed = number * 2654435761u + 17;
	*m = (struct made){ .account = settled.account, .subscription = settled.subscription };
	own(m);
	make_use(m);
	make_people(m);
	make_events(m);
	make_money(m);
	tell_speech(m);
}

static void copy(struct made *to, const struct made *from)
{
	*to = *from;
	own(to);
}

static void judge(const struct made *m, const struct score_row *before, struct diagnosis *out)
{
	struct fact_account *account = arena_memdup(one, &m->account, sizeof *account);

	sample_series(m->usage, one, account);
	score_account(judge_of(&settled.settings, &settled.base, norms, one), account, before, WORDS_ALL, one, out);
}

static double risk_of(const struct made *m)
{
	struct diagnosis d;

	judge(m, NULL, &d);
	return d.verdicts[ENGINE_DEFENSE].score;
}

static int setup(void **state)
{
	(void)state;
	whole = arena_new(0);
	one = arena_new(0);
	sample_init(&settled, whole);
	take_shipped_signals();
	norms = norms_of(&settled.base, whole);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(one);
	arena_free(whole);
	return 0;
}

static void clear_days(struct fact_days *d, int days)
{
	for (int age = 0; age < days; age++)
		d->words[age / 64] &= ~(UINT64_C(1) << (age % 64));
}

/* Takes away what they did and said in the last days; what we did stays. Four weeks at most: what is further back is
 * part of what is usual for them. */
static void silence(struct made *m, int days)
{
	size_t kept = 0;

	for (int age = 0; age < days; age++)
		m->use[0][age] = m->use[0][age] == USAGE_NONE ? USAGE_NONE : 0;
	clear_days(&m->account.active, days);
	clear_days(&m->team.used, days);
	for (size_t i = 0; i < m->account.n_people; i++)
		clear_days(&m->people[i].used, days);
	for (size_t i = 0; i < m->account.n_interactions; i++)
		if (!is_from_them(&m->exchanges[i]) || AS_OF - m->exchanges[i].on >= days)
			m->exchanges[kept++] = m->exchanges[i];
	m->account.n_interactions = kept;
	tell_speech(m);
}

static void tell_difference(const char *what, uint32_t number, int detail)
{
	struct diagnosis a, b;

	judge(&first, NULL, &a);
	judge(&second, NULL, &b);
	for (size_t i = 0; i < a.verdicts[ENGINE_DEFENSE].n_readings; i++) {
		const struct reading *r = &a.verdicts[ENGINE_DEFENSE].readings[i];
		const struct reading *s = &b.verdicts[ENGINE_DEFENSE].readings[i];

		if (fabs(r->contribution - s->contribution) > 1e-9)
			print_message("%s: %.4f %d -> %.4f %d, %.4f -> %.4f %s\n", r->name, r->value, r->is_known, s->value,
			              s->is_known, r->contribution, s->contribution, s->is_known ? "" : s->why);
	}
	fail_msg("account %u, %s %d: %f to %f", number, what, detail, a.verdicts[ENGINE_DEFENSE].score,
	         b.verdicts[ENGINE_DEFENSE].score);
}

static void more_silence_never_lowers_the_risk(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		int days;

		arena_reset(one);
		make(&first, number);
		days = 1 + (int)upto(28);
		copy(&second, &first);
		silence(&first, (int)upto((uint32_t)days));
		silence(&second, days);
		if (risk_of(&second) < risk_of(&first) - 1e-9)
			tell_difference("silent for", number, days);
	}
}

/* Each makes one thing worse; false: there is nothing of the kind. */
static bool late(struct made *m)
{
	int32_t days = 1 + (int32_t)upto(40);
	bool is_owed = false;

	for (size_t i = 0; i < m->account.n_invoices; i++)
		if (m->invoices[i].paid_on == DAY_NONE) {
			m->invoices[i].due_on -= days;
			is_owed = true;
		}
	return is_owed;
}

static bool disputed(struct made *m)
{
	for (size_t i = 0; i < m->account.n_invoices; i++)
		if (m->invoices[i].paid_on == DAY_NONE) {
			m->invoices[i].disputed_on = AS_OF - 3;
			return true;
		}
	return false;
}

static bool failed(struct made *m)
{
	for (size_t i = 0; i < m->account.n_invoices; i++)
		if (m->invoices[i].paid_on == DAY_NONE) {
			m->invoices[i].failed_on = AS_OF - 3;
			return true;
		}
	return false;
}

static struct fact_ticket *recent_ticket(struct made *m)
{
	for (size_t i = 0; i < m->account.n_tickets; i++)
		if (AS_OF - m->tickets[i].opened_on < 45)
			return &m->tickets[i];
	return NULL;
}

static bool urgent(struct made *m)
{
	struct fact_ticket *t = recent_ticket(m);

	if (t)
		t->priority = "urgent";
	return t != NULL;
}

static bool escalated(struct made *m)
{
	struct fact_ticket *t = recent_ticket(m);

	if (t)
		t->is_escalated = true;
	return t != NULL;
}

static bool reopened(struct made *m)
{
	struct fact_ticket *t = recent_ticket(m);

	if (t) {
		t->closed_on = DAY_NONE;
		t->n_reopened++;
	}
	return t != NULL;
}

static bool put_off(struct made *m)
{
	for (size_t i = 0; i < m->account.n_interactions; i++) {
		struct fact_interaction *x = &m->exchanges[i];

		if (strcmp(x->kind, "meeting") != 0 || AS_OF - x->on >= 56 || x->was_put_off)
			continue;
		x->was_put_off = true;
		tell_speech(m);
		return true;
	}
	return false;
}

static bool unhappy(struct made *m)
{
	struct fact_survey *last = m->account.n_surveys ? &m->surveys[m->account.n_surveys - 1] : NULL;

	if (last)
		last->score -= last->score > 0;
	return last != NULL;
}

static bool gives_notice(struct made *m)
{
	m->notice = (struct fact_notice){ "cancel", "EUR", "", AS_OF, DAY_NONE, 0 };
	m->account.n_notices = 1;
	return true;
}

static bool pays_less(struct made *m)
{
	m->subscription.mrr_minor = m->subscription.mrr_minor * 2 / 3;
	return true;
}

static bool renews_by_hand(struct made *m)
{
	m->subscription.renews_by_hand = true;
	return true;
}

static bool switches_off(struct made *m)
{
	m->subscription.renews_by_hand = m->subscription.was_switched_off = true;
	return true;
}

static bool fewer_people(struct made *m)
{
	for (int age = 0; age < 28; age++)
		m->use[1][age] /= m->use[1][age] == USAGE_NONE ? 1 : 2;
	return m->use[1][0] != USAGE_NONE;
}

static bool leaves(struct made *m)
{
	for (size_t i = 0; i < m->account.n_people; i++)
		if (m->people[i].is_key && m->people[i].left_on == DAY_NONE) {
			m->people[i].left_on = AS_OF - 1;
			return true;
		}
	return false;
}

static bool (*const worse[])(struct made *m) = { late, disputed, failed, urgent, escalated, reopened, put_off, unhappy,
	gives_notice, pays_less, renews_by_hand, switches_off, fewer_people, leaves };

static void what_gets_worse_never_lowers_the_risk(void **state)
{
	size_t n[ARRAY_LEN(worse)] = { 0 };

	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		size_t which = number % ARRAY_LEN(worse);

		arena_reset(one);
		make(&first, number);
		copy(&second, &first);
		if (!worse[which](&second))
			continue;
		n[which]++;
		if (risk_of(&second) < risk_of(&first) - 1e-9)
			tell_difference("made worse in way", number, (int)which);
	}
	for (size_t i = 0; i < ARRAY_LEN(worse); i++)
		if (n[i] < ACCOUNTS / 100)
			fail_msg("way %zu was tried on %zu accounts only", i, n[i]);
}

/* As calibrate makes them: knots around where the signal is, in its direction. */
static struct curve random_curve(const struct reading *r)
{
	double wide = fabs(r->high - r->low), at = fmin(r->low, r->high) - wide / 2, logit = -1;
	struct curve c = { .n = 1 + (int)upto(7) };

	for (int i = 0; i < c.n; i++) {
		c.at[i] = at += wide * (1 + upto(50)) / 100;
		c.logit[i] = logit += upto(100) / 100.0;
	}
	for (int i = 0; i < c.n && r->high < r->low; i++)
		c.logit[i] *= -1;
	return c;
}

/* Whatever a signal reads: the further its value lies towards the bad end, the higher the risk, all else the same. */
static void a_reading_that_gets_worse_never_lowers_the_risk(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		const struct verdict *v;
		struct reading *copies;
		double families[N_FAMILIES], before, after;
		struct curve fitted;
		struct diagnosis d;
		size_t at;

		arena_reset(one);
		make(&first, number);
		judge(&first, NULL, &d);
		v = &d.verdicts[number % N_ENGINES];
		copies = arena_memdup(one, v->readings, v->n_readings * sizeof *copies);
		at = upto((uint32_t)v->n_readings);
		if (!copies[at].is_known)
			continue;
		fitted = random_curve(&copies[at]);
		copies[at].curve = upto(2) ? &fitted : NULL;
		reading_weigh(&copies[at]);
		before = verdict_sum(&settled.settings, v->base_logit, copies, v->n_readings, families);
		copies[at].value += (copies[at].high - copies[at].low) * (1 + upto(100)) / 100;
		reading_weigh(&copies[at]);
		after = verdict_sum(&settled.settings, v->base_logit, copies, v->n_readings, families);
		if (after < before - 1e-12)
			fail_msg("account %u: %s at %f takes the logit from %f to %f", number, copies[at].name, copies[at].value,
			         before, after);
	}
}

/* No family outvotes the others, but by a hard fact, and good order takes off so much and no more. */
static void check_ends(uint32_t number, const struct verdict *v)
{
	double families[N_FAMILIES] = { 0 }, relief = 0;
	bool has_hard = false;

	for (size_t i = 0; i < v->n_readings; i++) {
		has_hard = has_hard || v->readings[i].is_hard;
		families[v->readings[i].family] += v->readings[i].is_hard ? 0 : v->readings[i].contribution;
	}
	for (int f = 0; f < N_FAMILIES; f++) {
		relief += families[f] < 0 ? -families[f] : 0;
		if (families[f] > settled.settings.family_cap + 1e-9)
			fail_msg("account %u: family %s adds %f", number, family_names[f], families[f]);
	}
	if (relief > settled.settings.total_relief + 1e-9 || (has_hard && relief > 0))
		fail_msg("account %u: %f is taken off", number, relief);
}

static void contributions_add_up_to_the_logit_and_losses_to_the_risk(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		struct diagnosis d;

		arena_reset(one);
		make(&first, number);
		judge(&first, NULL, &d);
		for (int engine = 0; engine < N_ENGINES; engine++) {
			const struct verdict *v = &d.verdicts[engine];
			double logit = v->base_logit, losses = 0;

			check_ends(number, v);
			for (size_t i = 0; i < v->n_readings; i++)
				logit += v->readings[i].contribution;
			for (int k = 0; k < N_LOSSES; k++)
				losses += v->losses[k];
			assert_true(v->score >= 0 && v->score <= 100);
			if (fabs(logit - v->logit) > 1e-9 || fabs(v->score - 100 / (1 + exp(-logit))) > 1e-9 ||
			    (engine == ENGINE_DEFENSE && fabs(losses - v->score) > 1e-9))
				fail_msg("account %u, %s: %.12f is not %.12f; losses %f of %f", number, engine_names[engine], logit,
				         v->logit, losses, v->score);
		}
	}
}

static void forget_use(struct made *m)
{
	for (int age = 0; age < FACTS_DAYS; age++)
		m->use[0][age] = m->use[1][age] = USAGE_NONE;
	m->account.active = m->team.used = (struct fact_days){ 0 };
	for (size_t i = 0; i < m->account.n_people; i++)
		m->people[i].used = (struct fact_days){ 0 };
}

/* Takes all facts of a kind away from an account, as if it had none. */
static void forget(struct made *m, enum fact_kind kind)
{
	switch (kind) {
	case FACT_TICKET: m->account.n_tickets = 0; break;
	case FACT_INTERACTION: m->account.n_interactions = 0; break;
	case FACT_INVOICE: m->account.n_invoices = 0; break;
	case FACT_SURVEY: m->account.n_surveys = 0; break;
	case FACT_NOTICE: m->account.n_notices = 0; break;
	case FACT_USAGE: forget_use(m); break;
	case FACT_PERSON:
	case FACT_CONTACT:
	case FACT_OPPORTUNITY:
	case FACT_SUBSCRIPTION:
	case N_FACT_KINDS: break;
	}
	tell_speech(m);
}

static void a_family_that_is_missing_never_changes_the_risk_by_itself(void **state)
{
	static const enum fact_kind kinds[] = { FACT_TICKET, FACT_INTERACTION, FACT_INVOICE, FACT_SURVEY, FACT_NOTICE,
		                                    FACT_USAGE };

	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		enum fact_kind kind = kinds[number % ARRAY_LEN(kinds)];
		struct fact_source *source = &settled.base.sources[kind], was = *source;
		struct diagnosis with, without;

		arena_reset(one);
		make(&first, number);
		forget(&first, kind);
		judge(&first, NULL, &with);
		*source = (struct fact_source){ .is_stale = true, .fresh_on = DAY_NONE };
		judge(&first, NULL, &without);
		*source = was;
		for (int engine = 0; engine < N_ENGINES; engine++) {
			const struct verdict *v = &without.verdicts[engine];

			if (fabs(with.verdicts[engine].score - v->score) > 1e-9)
				fail_msg("account %u without a source of kind %d: %f, with one that is silent %f", number, kind,
				         v->score, with.verdicts[engine].score);
			for (size_t i = 0; i < v->n_readings; i++)
				assert_true(v->readings[i].is_known || fabs(v->readings[i].contribution) <= 0);
		}
	}
}

static struct score_row any_before(void)
{
	return (struct score_row){ .account = 1, .day = AS_OF - 1 - (int32_t)upto(3), .risk = upto(101),
		.readiness = upto(101), .confidence = 0.8, .risk_band = (int)upto(3), .readiness_band = (int)upto(3),
		.risk_band_since = AS_OF - 1 - (int32_t)upto(8), .readiness_band_since = AS_OF - 1 - (int32_t)upto(8),
		.currency = "EUR", .config_hash = "x" };
}

static void no_account_is_in_both_lists(void **state)
{
	size_t n_defense = 0, n_expansion = 0;

	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		bool is_open[N_ENGINES] = { false };
		struct finding_change changes[4];
		struct score_row before;
		struct diagnosis d;
		struct finding was;
		size_t n, n_was;

		arena_reset(one);
		make(&first, number);
		before = any_before();
		judge(&first, upto(2) ? &before : NULL, &d);
		assert_true(d.verdicts[ENGINE_DEFENSE].band == 0 || d.verdicts[ENGINE_EXPANSION].band == 0);
		n_was = upto(2);
		was = (struct finding){ .id = 7, .account = 1, .engine = engine_names[upto(2)], .cause = "near_limit",
			.state = FINDING_OPEN, .opened_on = AS_OF - 9, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE,
			.play = "act", .currency = "EUR", .summary = "", .evidence = "[]" };
		n = findings_decide(&d, &was, n_was, one, changes);
		for (int engine = 0; engine < N_ENGINES; engine++) {
			is_open[engine] = n_was && strcmp(was.engine, engine_names[engine]) == 0;
			for (size_t i = 0; i < n; i++)
				if (strcmp(changes[i].finding.engine, engine_names[engine]) == 0)
					is_open[engine] = changes[i].finding.closed_on == DAY_NONE;
		}
		if (is_open[ENGINE_DEFENSE] && is_open[ENGINE_EXPANSION])
			fail_msg("account %u has findings of both engines", number);
		n_defense += is_open[ENGINE_DEFENSE];
		n_expansion += is_open[ENGINE_EXPANSION];
	}
	if (n_defense < ACCOUNTS / 100 || n_expansion < ACCOUNTS / 500)
		fail_msg("only %zu and %zu findings among the accounts", n_defense, n_expansion);
}

static void check_band(uint32_t number, enum score_engine engine, const struct verdict *v, int was, int32_t since)
{
	const struct band_settings *b = &settled.settings.bands;
	bool is_over = AS_OF - since >= b->min_stay_days;

	if (v->is_blocked || v->is_held) {
		assert_true(v->is_held || v->band == 0); /* blocked: not to be shown, at once */
		return;
	}
	if (v->band > was && v->times < band_entry(b, engine, v->band))
		fail_msg("account %u: %s band %d entered at %f", number, engine_names[engine], v->band, v->times);
	if (v->band < was && !is_over)
		fail_msg("account %u: %s band %d left for %d after %d days", number, engine_names[engine], was, v->band,
		         AS_OF - since);
	if (v->band < was && v->times >= band_entry(b, engine, was) * b->leave &&
	    !(was == 2 && v->n_families < 2) && (engine == ENGINE_EXPANSION || v->lead))
		fail_msg("account %u: %s band %d left at %f", number, engine_names[engine], was, v->times);
	ASSERT_INT(v->band_since, v->band == was ? since : AS_OF);
}

static void bands_are_entered_high_left_low_and_kept_for_their_time(void **state)
{
	size_t n_left = 0, n_kept = 0;

	(void)state;
	for (uint32_t number = 0; number < ACCOUNTS; number++) {
		struct score_row before;
		struct diagnosis d;

		arena_reset(one);
		make(&first, number);
		before = any_before();
		judge(&first, &before, &d);
		check_band(number, ENGINE_DEFENSE, &d.verdicts[ENGINE_DEFENSE], before.risk_band, before.risk_band_since);
		check_band(number, ENGINE_EXPANSION, &d.verdicts[ENGINE_EXPANSION], before.readiness_band,
		           before.readiness_band_since);
		n_left += d.verdicts[ENGINE_DEFENSE].band < before.risk_band;
		n_kept += d.verdicts[ENGINE_DEFENSE].band >
		          band_of(&settled.settings.bands, ENGINE_DEFENSE, d.verdicts[ENGINE_DEFENSE].times, 0);
	}
	assert_true(n_left > ACCOUNTS / 100 && n_kept > ACCOUNTS / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(more_silence_never_lowers_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(what_gets_worse_never_lowers_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reading_that_gets_worse_never_lowers_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(contributions_add_up_to_the_logit_and_losses_to_the_risk, setup, teardown),
		cmocka_unit_test_setup_teardown(a_family_that_is_missing_never_changes_the_risk_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(no_account_is_in_both_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(bands_are_entered_high_left_low_and_kept_for_their_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
