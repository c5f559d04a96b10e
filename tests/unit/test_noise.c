/* What owners hear of accounts over half a year: little, and nothing twice. Two hundred accounts with noisy facts,
 * scored each day as score does, with owners who answer some of it; and the rules of noise control one by one. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/score/signal.h"
#include "accounts.h"
#include "store/usage.h"

#if defined(__SANITIZE_ADDRESS__)
enum { ACCOUNTS = 50 }; /* they look for other mistakes than noise */
#else
enum { ACCOUNTS = 200 };
#endif
enum {
	DAYS = 180, PAST = FACTS_DAYS, ALL_DAYS = PAST + DAYS, PEOPLE = 4, MAX_FINDINGS = 40,
	MAX_TICKETS = 8, MAX_TOLD = 512, MONTH = 30, FIRST = AS_OF - DAYS + 1
};
enum kind { STEADY, HOVERING, SLIPPING, FLAPPING, BROKEN_SOURCE, GROWING, N_KINDS };

/* One account's half year. */
struct life {
	enum kind kind;
	uint8_t use[ALL_DAYS], seats[ALL_DAYS]; /* by day, 0 is FACTS_DAYS before the first scored */
	uint8_t who[ALL_DAYS];                  /* people at work, a bit each */
	int32_t ticket_on[MAX_TICKETS];
	int n_tickets;
	struct finding findings[MAX_FINDINGS];
	size_t n;
	struct score_row before;
	bool has_before;
};

/* What was said of one finding on a day. */
struct told { int32_t day; int finding; const char *event; };

static struct sample s;
static struct arena *whole, *one;
static uint64_t seed;
static struct life life;
static struct told told[MAX_TOLD];
static size_t n_told;
static int n_by_kind[N_KINDS], n_opened_by_kind[N_KINDS], most_opened, most_told, n_answered;

static uint32_t upto(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % n;
}

static enum kind kind_of(int account)
{
	return account % 10 < 4 ? STEADY : account % 10 < 6 ? HOVERING : account % 10 < 7 ? SLIPPING :
	       account % 10 < 8 ? FLAPPING : account % 10 < 9 ? BROKEN_SOURCE : GROWING;
}

/* How busy it is on a day, in hundredths. */
static uint32_t level(int day)
{
	int scored = day - PAST;

	switch (life.kind) {
	case HOVERING: /* good weeks and bad ones, in no order */
		return 25 + (uint32_t)((day / 9 * 37 + (int)(seed >> 40)) % 40);
	case SLIPPING:
		return scored < 40 ? 80 : scored < 120 ? (uint32_t)(120 - scored) : 10;
	case GROWING:
		return scored < 60 ? 70 : 90;
	case STEADY:
	case FLAPPING:
	case BROKEN_SOURCE:
	case N_KINDS:
		break;
	}
	return 75;
}

static void make_use(void)
{
	for (int day = 0; day < ALL_DAYS; day++) {
		uint32_t busy = level(day);

		life.use[day] = life.who[day] = 0;
		life.seats[day] = (uint8_t)(life.kind == GROWING && day > PAST + 60 ? 17 + upto(4) : 10 + upto(4));
		if (day % 7 >= 5 || upto(100) >= busy + 15)
			continue;
		life.use[day] = (uint8_t)(1 + busy / 8 + upto(8));
		for (int p = 0; p < PEOPLE; p++)
			life.who[day] |= (uint8_t)((upto(100) < busy) << p);
	}
}

static void make_life(int account)
{
	life = (struct life){ .kind = kind_of(account) };
	seed = (uint64_t)account * 7919 + 1;
	make_use();
	life.n_tickets = life.kind == STEADY ? (int)upto(3) : (int)upto(MAX_TICKETS + 1);
	for (int i = 0; i < life.n_tickets; i++)
		life.ticket_on[i] = FIRST - 30 + (int32_t)upto(DAYS + 30);
}

static void set_use(int day)
{
	static struct fact_person people[PEOPLE];
	static const char *const keys[PEOPLE] = { "a", "b", "c", "d" };

	memset(&s.account.active, 0, sizeof s.account.active);
	for (int p = 0; p < PEOPLE; p++)
		people[p] = (struct fact_person){ .key = keys[p], .name = "", .role = "", .team = "", .is_key = p == 0,
			.left_on = DAY_NONE };
	for (int age = 0; age < FACTS_DAYS; age++) {
		int at = PAST + day - age;

		s.usage[0][age] = life.use[at] ? life.use[at] : USAGE_NONE;
		s.usage[1][age] = life.seats[at];
		if (life.use[at])
			fact_days_add(&s.account.active, age);
		for (int p = 0; p < PEOPLE; p++)
			if (life.who[at] >> p & 1)
				fact_days_add(&people[p].used, age);
	}
	s.active[0] = s.account.active;
	s.account.people = people;
	s.account.n_people = PEOPLE;
}

static void set_tickets(int32_t today)
{
	static struct fact_ticket tickets[MAX_TICKETS];

	s.account.n_tickets = 0;
	s.account.tickets = tickets;
	for (int i = 0; i < life.n_tickets; i++)
		if (life.ticket_on[i] <= today)
			tickets[s.account.n_tickets++] = (struct fact_ticket){ .priority = "high", .text = "it fails again",
				.subject = "it fails again", .category = "", .opened_on = life.ticket_on[i],
				.closed_on = life.ticket_on[i] + 12 <= today ? life.ticket_on[i] + 12 : DAY_NONE,
				.replied_on = DAY_NONE, .satisfaction = -1 };
}

/* A bill that failed, which its source forgets and knows again every few days. */
static void set_invoice(int day)
{
	static const struct fact_invoice failed = { 10000, "EUR", FIRST - 20, FIRST - 10, DAY_NONE, FIRST - 3, DAY_NONE };

	s.account.invoices = &failed;
	s.account.n_invoices = life.kind == FLAPPING && day / 6 % 2 == 1;
}

/* Others are at work on every working day; a source that breaks does so for days on end, over and over. */
static void set_base(int day, int32_t today)
{
	bool is_stale = life.kind == BROKEN_SOURCE && day % 11 < 5;

	s.base.as_of = today;
	for (int i = 1; i <= N_OTHERS; i++) {
		s.active[i] = (struct fact_days){ 0 };
		for (int age = 0; age < FACTS_DAYS; age++)
			if ((PAST + day - age) % 7 < 5)
				fact_days_add(&s.active[i], age);
	}
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		s.base.sources[kind] = (struct fact_source){ true, false, today };
	if (is_stale)
		s.base.sources[FACT_USAGE] = s.base.sources[FACT_PERSON] =
			(struct fact_source){ true, true, today - 1 - day % 11 };
}

static void score(void)
{
	const struct verdict *v = s.diagnosis.verdicts;

	sample_series(s.usage, one, &s.account);
	score_account(judge_of(&s.settings, &s.base, norms_of(&s.base, one), one), &s.account,
	              life.has_before ? &life.before : NULL, WORDS_OF_BANDS, one, &s.diagnosis);
	life.before = (struct score_row){ .account = 1, .day = s.base.as_of, .risk = v[0].score, .readiness = v[1].score,
		.confidence = 1, .risk_band = v[0].computed_band, .readiness_band = v[1].computed_band,
		.risk_band_since = v[0].computed_since, .readiness_band_since = v[1].computed_since };
	life.has_before = true;
}

static void say(int32_t day, int finding, const char *event)
{
	assert_true(n_told < MAX_TOLD);
	told[n_told++] = (struct told){ day, finding, event };
}

/* Saves a change as the store does; the texts of a day go with it. */
static void save(const struct finding_change *c)
{
	struct finding f = c->finding;

	if (!f.id) {
		assert_true(life.n < MAX_FINDINGS);
		f.id = (int64_t)++life.n;
		f.first_cause = f.cause;
	}
	if (c->cause_before && !c->event) /* what is back is told once, whatever it is about now */
		say(s.base.as_of, (int)f.id, "cause_changed");
	if (c->event)
		say(s.base.as_of, (int)f.id, c->event);
	f.summary = f.evidence = f.play = f.currency = "";
	life.findings[f.id - 1] = f;
}

static void decide(void)
{
	struct finding was[MAX_FINDINGS];
	struct finding_change changes[MAX_FINDINGS + 2];
	size_t n = 0, n_changes;

	for (size_t i = 0; i < life.n; i++) {
		const struct finding *f = &life.findings[i];

		if (f->closed_on == DAY_NONE || ((f->state == FINDING_DISMISSED || f->state == FINDING_RESOLVED) &&
		                                 s.base.as_of - f->closed_on <= FINDING_MEMORY_DAYS))
			was[n++] = *f;
	}
	n_changes = findings_decide(&s.diagnosis, was, n, one, changes);
	for (size_t i = 0; i < n_changes; i++)
		save(&changes[i]);
}

/* Owners answer some of what is new, a day later. */
static void answer(void)
{
	for (size_t i = 0; i < life.n; i++) {
		struct finding *f = &life.findings[i];

		if (f->state != FINDING_OPEN || upto(12))
			continue;
		n_answered++;
		switch (upto(3)) {
		case 0:
			f->state = FINDING_ACKNOWLEDGED;
			break;
		case 1:
			f->state = FINDING_SNOOZED;
			f->snoozed_until = s.base.as_of + 7 + (int32_t)upto(20);
			say(s.base.as_of, (int)f->id, "snoozed");
			break;
		default:
			f->state = FINDING_DISMISSED;
			f->closed_on = s.base.as_of;
			say(s.base.as_of, (int)f->id, "dismissed");
		}
	}
}

static void live(int account)
{
	make_life(account);
	n_told = 0;
	for (int day = 0; day < DAYS; day++) {
		int32_t today = FIRST + day;

		set_base(day, today);
		set_use(day);
		set_tickets(today);
		set_invoice(day);
		score();
		decide();
		answer();
		arena_reset(one);
	}
}

static bool is(const struct told *t, const char *event)
{
	return strcmp(t->event, event) == 0;
}

/* What was said last of the same finding; only_turns: of where it stands, not of its score and cause. */
static const struct told *last_of(size_t at, bool only_turns)
{
	for (size_t i = at; i-- > 0;)
		if (told[i].finding == told[at].finding &&
		    (!only_turns || is(&told[i], "opened") || is(&told[i], "resolved") || is(&told[i], "snoozed") ||
		     is(&told[i], "dismissed")))
			return &told[i];
	return NULL;
}

/* New when it never was, back when it was over or put aside, anything else only while it stands. */
static bool is_news(const struct told *t, const struct told *turn)
{
	if (is(t, "opened"))
		return !turn || is(turn, "resolved") || is(turn, "snoozed");
	if (is(t, "snoozed"))
		return turn && !is(turn, "dismissed");
	return turn && !is(turn, "resolved") && !is(turn, "dismissed");
}

static void check_told(int account)
{
	for (size_t i = 0; i < n_told; i++) {
		const struct told *t = &told[i], *last = last_of(i, false), *turn = last_of(i, true);

		if (!is_news(t, turn))
			fail_msg("account %d: finding %d is %s after it was %s", account, t->finding, t->event,
			         turn ? turn->event : "not there");
		if (last && last->day == t->day && !is(t, "dismissed") && !is(t, "snoozed") && !is(last, "cause_changed"))
			fail_msg("account %d: finding %d is told %s and %s on one day", account, t->finding, last->event,
			         t->event);
		if (is(t, "cause_changed") && last && is(last, "cause_changed") && t->day - last->day < FINDING_CAUSE_DAYS)
			fail_msg("account %d: finding %d changes its cause after %d days", account, t->finding, t->day - last->day);
	}
}

static void check_dismissed(int account)
{
	for (size_t i = 0; i < life.n; i++)
		for (size_t j = i + 1; j < life.n; j++)
			if (life.findings[i].state == FINDING_DISMISSED &&
			    strcmp(life.findings[i].engine, life.findings[j].engine) == 0 &&
			    life.findings[j].opened_on - life.findings[i].closed_on < FINDING_DISMISSED_DAYS)
				fail_msg("account %d: brought up %d days after it was dismissed", account,
				         life.findings[j].opened_on - life.findings[i].closed_on);
}

/* What owners said themselves is no news to them. */
static bool is_heard(const struct told *t)
{
	return !is(t, "dismissed") && !is(t, "snoozed");
}

/* The most that was said in any thirty days: all of it, or what is new or back. */
static int most_in_a_month(bool only_opened)
{
	int most = 0;

	for (size_t i = 0; i < n_told; i++) {
		int n = 0;

		for (size_t j = i; j < n_told && told[j].day - told[i].day < MONTH; j++)
			n += is_heard(&told[j]) && (!only_opened || is(&told[j], "opened"));
		most = n > most ? n : most;
	}
	return most;
}

static void count(void)
{
	int opened = most_in_a_month(true), all = most_in_a_month(false);

	for (size_t i = 0; i < n_told; i++) {
		n_by_kind[life.kind] += is_heard(&told[i]);
		n_opened_by_kind[life.kind] += is(&told[i], "opened");
	}
	most_opened = opened > most_opened ? opened : most_opened;
	most_told = all > most_told ? all : most_told;
}

static int setup(void **state)
{
	(void)state;
	whole = arena_new(0);
	one = arena_new(0);
	sample_init(&s, whole);
	s.usage[1] = arena_array(whole, FACTS_DAYS, sizeof(int64_t));
	s.settings.bands = (struct band_settings){ 1.8, 2.8, 2, 3, 0.8, 3 }; /* as shipped */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(one);
	arena_free(whole);
	return 0;
}

static void half_a_year_of_noise_is_told_in_few_words_and_nothing_twice(void **state)
{
	static const char *const names[N_KINDS] = { "steady", "hovering", "slipping", "flapping", "broken source",
		                                      "growing" };
	double months = (double)DAYS / MONTH, all = 0;
	int n_of_kind[N_KINDS] = { 0 };

	(void)state;
	for (int account = 0; account < ACCOUNTS; account++) {
		live(account);
		check_told(account);
		check_dismissed(account);
		count();
		n_of_kind[life.kind]++;
	}
	for (int k = 0; k < N_KINDS; k++) {
		print_message("%s: %.2f told and %.2f new or back per account and month\n", names[k],
		              n_by_kind[k] / months / n_of_kind[k], n_opened_by_kind[k] / months / n_of_kind[k]);
		all += n_by_kind[k];
	}
	print_message("all: %.2f told per account and month; at most %d told and %d new or back in 30 days; %d answers\n",
	              all / months / ACCOUNTS, most_told, most_opened, n_answered);
	assert_true(all / months / ACCOUNTS > 0.1); /* there was something to tell */
	assert_true(n_answered > ACCOUNTS / 4);
	assert_true(all / months / ACCOUNTS < 0.5);
	assert_true(n_by_kind[STEADY] / months / n_of_kind[STEADY] < 0.1);
	/* It flaps two and a half times a month. */
	assert_true(n_opened_by_kind[FLAPPING] / months / n_of_kind[FLAPPING] < 0.8);
	assert_true(n_by_kind[BROKEN_SOURCE] / months / n_of_kind[BROKEN_SOURCE] < 0.1);
	assert_true(most_told <= 8);
	assert_true(most_opened <= 3);
}

/* The rules, one by one: a verdict made by hand, and the finding that stands. */

static struct reading two[2];
static struct diagnosis d;
static struct finding was[2];
static size_t n_was;
static struct finding_change changes[8];

static struct verdict *risk(void)
{
	return &d.verdicts[ENGINE_DEFENSE];
}

/* At risk since ten days, led by the first of two signals of degree. */
static void begin(int32_t today)
{
	two[0] = (struct reading){ .name = "silence", .family = FAMILY_USAGE, .is_known = true, .contribution = 1,
		.evidence = "they fell silent", .play = "call" };
	two[1] = (struct reading){ .name = "low_survey", .family = FAMILY_SENTIMENT, .is_known = true, .contribution = 0.8,
		.evidence = "they are cross", .play = "write" };
	d = (struct diagnosis){ .account = &s.account, .as_of = today };
	*risk() = (struct verdict){ .readings = two, .n_readings = 2, .band = 2, .computed_band = 2, .score = 30,
		.band_since = today - 10, .computed_since = today - 10, .band_why = "", .lead = &two[0] };
	d.verdicts[ENGINE_EXPANSION] = (struct verdict){ .score = 1, .band_why = "" };
	was[0] = (struct finding){ .id = 7, .account = 1, .engine = "defense", .cause = "silence", .first_cause = "silence",
		.state = FINDING_OPEN, .opened_on = today - 10, .cause_since = today - 10, .closed_on = DAY_NONE,
		.snoozed_until = DAY_NONE, .score = 30, .summary = "", .evidence = "[]", .play = "", .currency = "EUR" };
	n_was = 1;
}

static void lead_is(int which, double other)
{
	risk()->lead = &two[which];
	two[which].contribution = 1;
	two[1 - which].contribution = other;
}

static size_t go(void)
{
	return findings_decide(&d, was, n_was, one, changes);
}

/* The change is one of the finding that stood. */
static const struct finding *same(const char *event)
{
	ASSERT_INT(go(), 1);
	ASSERT_INT(changes[0].finding.id, 7);
	if (event)
		assert_string_equal(changes[0].event, event);
	else
		assert_null(changes[0].event);
	return &changes[0].finding;
}

static void what_is_told_is_the_cause_for_as_long_as_it_speaks(void **state)
{
	(void)state;
	begin(AS_OF);
	lead_is(1, 0.2);
	assert_string_equal(same(NULL)->summary, "they fell silent");
	assert_string_equal(changes[0].finding.play, "call");
	assert_string_equal(changes[0].finding.cause, "silence");
}

static void a_day_to_act_by_that_has_passed_is_not_put_off_by_what_is_not_told(void **state)
{
	(void)state;
	begin(AS_OF);
	was[0].act_by_on = AS_OF - 3;
	lead_is(1, 0.2); /* the other leads, but the sentence and the play stay */
	risk()->act_by_on = AS_OF + 5;
	ASSERT_INT(same(NULL)->act_by_on, AS_OF - 3);
	lead_is(0, 0.2);
	ASSERT_INT(same(NULL)->act_by_on, AS_OF + 5);
}

static void a_cause_that_fell_silent_gives_way_after_a_week_and_is_the_same_finding(void **state)
{
	(void)state;
	begin(AS_OF);
	was[0].cause_since = AS_OF - FINDING_CAUSE_DAYS + 1;
	lead_is(1, 0);
	assert_string_equal(same(NULL)->cause, "silence");
	assert_string_equal(changes[0].finding.summary, "they are cross");
	was[0].cause_since = AS_OF - FINDING_CAUSE_DAYS;
	assert_string_equal(same(NULL)->cause, "low_survey");
	assert_string_equal(changes[0].cause_before, "silence");
	assert_string_equal(changes[0].finding.first_cause, "silence");
	ASSERT_INT(changes[0].finding.cause_since, AS_OF);
	ASSERT_INT(changes[0].finding.opened_on, AS_OF - 10);
}

static void two_causes_that_flicker_by_turns_change_it_once_a_week_at_most(void **state)
{
	int n_changed = 0;

	(void)state;
	begin(AS_OF);
	for (int day = 0; day < 28; day++) {
		d.as_of = AS_OF + day;
		lead_is(day % 2, 0);
		ASSERT_INT(go(), 1);
		n_changed += changes[0].cause_before != NULL;
		was[0] = changes[0].finding;
	}
	assert_true(n_changed >= 1 && n_changed <= 4);
}

static void a_hard_fact_takes_the_lead_at_once_and_wakes_what_was_put_aside(void **state)
{
	static const enum finding_state states[] = { FINDING_ACKNOWLEDGED, FINDING_SNOOZED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		begin(AS_OF);
		was[0].state = states[i];
		was[0].snoozed_until = states[i] == FINDING_SNOOZED ? AS_OF + 30 : DAY_NONE;
		was[0].cause_since = AS_OF;
		two[1].is_hard = true;
		two[1].fact = "a cancellation notice";
		lead_is(1, 0.9);
		ASSERT_INT(same(NULL)->state, FINDING_OPEN);
		assert_string_equal(changes[0].cause_before, "silence");
		ASSERT_INT(changes[0].finding.snoozed_until, DAY_NONE);
	}
	was[0] = changes[0].finding; /* it was taken back: what else there is leads the same day */
	two[1].is_hard = false;
	lead_is(0, 0);
	assert_string_equal(same(NULL)->cause, "silence");
}

static void each_time_it_came_back_it_is_believed_to_be_over_a_week_later(void **state)
{
	(void)state;
	for (int back = 0; back <= MAX_FLAPS + 2; back++) {
		int days = (back > MAX_FLAPS ? MAX_FLAPS : back) * FINDING_FLAP_DAYS;

		begin(AS_OF);
		was[0].n_back = back;
		risk()->band = risk()->computed_band = 0;
		risk()->score = 28;
		risk()->band_since = AS_OF - days;
		ASSERT_INT(same("resolved")->state, FINDING_RESOLVED);
		if (!days)
			continue;
		risk()->band_since = AS_OF - days + 1;
		ASSERT_INT(same(NULL)->state, FINDING_OPEN);
		risk()->score = 3;
		ASSERT_NEAR(same(NULL)->score, 30, 1e-9); /* neither better now nor worse tomorrow */
		ASSERT_INT(changes[0].finding.updated_on, AS_OF);
	}
}

static void what_comes_back_soon_by_another_cause_is_the_same_but_for_a_hard_fact(void **state)
{
	(void)state;
	begin(AS_OF);
	was[0].state = FINDING_RESOLVED;
	was[0].closed_on = AS_OF - FINDING_COOL_DOWN_DAYS + 1;
	lead_is(1, 0);
	ASSERT_INT(same("opened")->n_back, 1);
	assert_string_equal(changes[0].cause_before, "silence");
	assert_string_equal(changes[0].finding.cause, "low_survey");
	was[1] = was[0]; /* of two, the one by the same cause */
	was[1].id = 8;
	was[1].cause = "low_survey";
	n_was = 2;
	ASSERT_INT(go(), 1);
	ASSERT_INT(changes[0].finding.id, 8);
	n_was = 1;
	two[1].is_hard = true;
	ASSERT_INT(go(), 1);
	ASSERT_INT(changes[0].finding.id, 0);
	two[1].is_hard = false;
	was[0].closed_on = AS_OF - FINDING_COOL_DOWN_DAYS; /* long enough ago to be another one */
	ASSERT_INT(go(), 1);
	ASSERT_INT(changes[0].finding.id, 0);
}

static void what_was_put_aside_is_left_alone_though_it_was_over_for_a_while(void **state)
{
	(void)state;
	begin(AS_OF);
	was[0].state = FINDING_RESOLVED;
	was[0].closed_on = AS_OF - 3;
	was[0].snoozed_until = AS_OF + 1;
	ASSERT_INT(same("snoozed")->state, FINDING_SNOOZED);
	ASSERT_INT(changes[0].finding.snoozed_until, AS_OF + 1);
	was[0].snoozed_until = AS_OF;
	ASSERT_INT(same("opened")->state, FINDING_OPEN);
	ASSERT_INT(changes[0].finding.snoozed_until, DAY_NONE);
}

static void a_rest_ends_on_its_day_though_nothing_is_known_or_believed_to_be_over(void **state)
{
	(void)state;
	begin(AS_OF);
	was[0].state = FINDING_SNOOZED;
	was[0].snoozed_until = AS_OF + 1;
	risk()->is_held = true;
	ASSERT_INT(go(), 0);
	was[0].snoozed_until = AS_OF;
	ASSERT_INT(same("opened")->state, FINDING_OPEN);
	ASSERT_INT(changes[0].finding.updated_on, was[0].updated_on); /* it was not judged */
	was[0] = changes[0].finding;
	ASSERT_INT(go(), 0); /* once */
	risk()->is_held = false;
	risk()->band = risk()->computed_band = 0;
	was[0].n_back = 4;
	was[0].state = FINDING_SNOOZED;
	was[0].snoozed_until = AS_OF;
	ASSERT_INT(same("opened")->state, FINDING_OPEN);
}

static void what_was_dismissed_is_silent_for_ninety_days_while_nothing_changes(void **state)
{
	static const struct {
		int32_t days, band_since;
		double score;
		int lead, n;
	} cases[] = {
		{ 29, -40, 99, 1, 0 },  /* whatever happens */
		{ 30, -40, 30, 0, 0 },  /* the same cause, band and odds */
		{ 89, -200, 30, 0, 0 },
		{ 90, -200, 30, 0, 1 },
		{ 30, -40, 60, 0, 1 },  /* its odds doubled */
		{ 30, -40, 5, 0, 0 },   /* it got better */
		{ 30, -40, 30, 1, 1 },  /* another cause */
		{ 30, -29, 30, 0, 1 },  /* the band was left in between */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(AS_OF);
		was[0].state = FINDING_DISMISSED;
		was[0].closed_on = AS_OF - cases[i].days;
		risk()->band_since = AS_OF + cases[i].band_since;
		risk()->score = cases[i].score;
		lead_is(cases[i].lead, 0.5);
		if (go() != (size_t)cases[i].n)
			fail_msg("case %zu", i);
	}
}

static struct fact_override held;

static void hold(int band, int32_t made_on)
{
	held = (struct fact_override){ "defense", "Anna", "they told me", band, made_on, AS_OF + 20 };
	risk()->override = &held;
	risk()->band = band;
	risk()->band_why = "held";
}

static void a_person_decides_whatever_is_known_or_dwells(void **state)
{
	(void)state;
	begin(AS_OF);
	hold(0, AS_OF - 1);
	risk()->is_held = true; /* a source does not come through */
	was[0].n_back = 3;
	ASSERT_INT(same("resolved")->state, FINDING_RESOLVED);
	assert_string_equal(changes[0].note, "held");
	risk()->overruled_by = "a notice came after"; /* then it does not decide, and nothing is known */
	ASSERT_INT(go(), 0);
}

static void raised_by_hand_it_opens_on_nothing_known_until_it_is_dismissed(void **state)
{
	struct reading said = { .name = "override", .evidence = "Anna says so" };

	(void)state;
	begin(AS_OF);
	risk()->computed_band = 0;
	risk()->score = -1;
	risk()->lead = &said;
	hold(2, AS_OF - 5);
	was[0].state = FINDING_DISMISSED;
	was[0].closed_on = AS_OF - 6; /* before she said so */
	ASSERT_INT(go(), 1);
	ASSERT_INT(changes[0].finding.id, 0);
	assert_string_equal(changes[0].finding.cause, "override");
	assert_string_equal(changes[0].finding.summary, "Anna says so");
	ASSERT_NEAR(changes[0].finding.score, 0, 1e-9);
	was[0].closed_on = AS_OF - 4; /* after it */
	ASSERT_INT(go(), 0);
}

static struct verdict judged(int band, int32_t made_on, const struct fact_notice *notice)
{
	held = (struct fact_override){ "defense", "Anna", "they told me", band, made_on, AS_OF + 20 };
	sample_init(&s, whole);
	s.account.overrides = &held;
	s.account.n_overrides = band >= 0;
	s.account.notices = notice;
	s.account.n_notices = notice != NULL;
	sample_score(&s, NULL);
	return s.diagnosis.verdicts[ENGINE_DEFENSE];
}

static void an_override_changes_the_band_and_no_digit_of_the_score(void **state)
{
	static const struct fact_notice notice = { "cancel", "EUR", "we leave", AS_OF - 2, AS_OF + 60, 0 };
	struct verdict computed = judged(-1, 0, NULL), v = judged(2, AS_OF - 5, NULL);

	(void)state;
	ASSERT_INT(computed.band, 0);
	ASSERT_INT(v.band, 2);
	ASSERT_INT(v.computed_band, 0);
	assert_memory_equal(&v.score, &computed.score, sizeof v.score);
	assert_memory_equal(&v.logit, &computed.logit, sizeof v.logit);
	assert_string_equal(v.lead->name, "override");
	ASSERT_INT(s.diagnosis.verdicts[ENGINE_EXPANSION].band, 0);
	assert_true(s.diagnosis.verdicts[ENGINE_EXPANSION].is_blocked);
	assert_non_null(strstr(v.band_why, "held at risk by Anna until"));
	v = judged(0, AS_OF - 1, &notice); /* she knew of it: it is named */
	ASSERT_INT(v.band, 0);
	ASSERT_INT(v.computed_band, 2);
	assert_non_null(strstr(v.band_why, "stands all the same"));
	v = judged(0, AS_OF - 3, &notice); /* it came after */
	ASSERT_INT(v.band, 2);
	assert_non_null(strstr(v.band_why, "came after"));
	assert_string_equal(v.lead->name, "cancel_notice");
	v = judged(2, AS_OF - 3, &notice); /* it says the same */
	assert_null(v.overruled_by);
	assert_string_equal(v.lead->name, "cancel_notice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(half_a_year_of_noise_is_told_in_few_words_and_nothing_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_told_is_the_cause_for_as_long_as_it_speaks, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_to_act_by_that_has_passed_is_not_put_off_by_what_is_not_told, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_cause_that_fell_silent_gives_way_after_a_week_and_is_the_same_finding, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(two_causes_that_flicker_by_turns_change_it_once_a_week_at_most, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_hard_fact_takes_the_lead_at_once_and_wakes_what_was_put_aside, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(each_time_it_came_back_it_is_believed_to_be_over_a_week_later, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_comes_back_soon_by_another_cause_is_the_same_but_for_a_hard_fact, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_was_put_aside_is_left_alone_though_it_was_over_for_a_while, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_rest_ends_on_its_day_though_nothing_is_known_or_believed_to_be_over, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_was_dismissed_is_silent_for_ninety_days_while_nothing_changes, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_person_decides_whatever_is_known_or_dwells, setup, teardown),
		cmocka_unit_test_setup_teardown(raised_by_hand_it_opens_on_nothing_known_until_it_is_dismissed, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(an_override_changes_the_band_and_no_digit_of_the_score, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
