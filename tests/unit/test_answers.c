/* What people say of findings: what it makes of them, what it leaves behind, and how it is taken back. */
#include "cmocka_shim.h"

#include <string.h>

#include "store/answers.h"
#include "store/migrate.h"
#include "store/outcomes.h"

enum { DAY = 20514 };
static struct err err;
static struct arena *a;
static struct db *db;
static struct finding f;

static void run(const char *sql)
{
	ASSERT_OK(db_run(db, sql, &err));
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	run("INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv');"
	    "INSERT INTO account (id, source_id, source_key, name) VALUES (1, 1, 'k1', 'Acme'), (2, 1, 'k2', 'Bolt');"
	    "INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, score, worst_score, confidence,"
	    " value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email) VALUES"
	    " (1, 1, 'defense', 'silence', 'open', 20500, 20514, 60, 60, 0.9, 100, 'EUR', 60, 20530, '', 'S', '[]',"
	    " 'anna@a.example'),"
	    " (2, 2, 'expansion', 'near_limit', 'open', 20500, 20514, 60, 60, 0.9, 100, 'EUR', 60, 20530, '', 'S',"
	    " '[]', NULL);"
	    "INSERT INTO finding_event (finding_id, day, at, kind) VALUES (1, 20500, 1771200000, 'opened'),"
	    " (2, 20500, 1771200000, 'opened')");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

static enum answer_result take(struct answer x)
{
	enum answer_result result;

	x.today = x.today ? x.today : DAY;
	x.at = (int64_t)x.today * 86400 + 3600;
	x.who = "anna@a.example";
	x.via = "link";
	ASSERT_OK(answer_take(db, &x, a, &result, &f, &err));
	return result;
}

static int64_t number(const char *sql)
{
	int64_t n;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

static const char *last_event(int64_t finding)
{
	const struct answer_row *rows;
	size_t n;

	ASSERT_OK(answers_list(db, finding, 1, a, &rows, &n, &err));
	if (!n)
		return "";
	return arena_printf(a, "%s %s %s %s %s", rows[0].answer, rows[0].who, rows[0].via,
	                    rows[0].reason ? rows[0].reason : "-", rows[0].note ? rows[0].note : "-");
}

static void each_answer_makes_its_state_and_leaves_an_event(void **state)
{
	static const struct {
		struct answer x;
		enum finding_state state;
		bool is_closed;
		const char *event;
	} cases[] = {
		{ { .kind = ANSWER_DONE, .finding = 1, .note = "called" }, FINDING_ACKNOWLEDGED, false,
		  "done anna@a.example link - called" },
		{ { .kind = ANSWER_ACKNOWLEDGE, .finding = 1 }, FINDING_ACKNOWLEDGED, false,
		  "acknowledged anna@a.example link - -" },
		{ { .kind = ANSWER_SNOOZE, .finding = 1, .until = DAY + 7 }, FINDING_SNOOZED, false,
		  "snoozed anna@a.example link - 2026-03-09" },
		{ { .kind = ANSWER_NOT_A_RISK, .finding = 1, .reason = "seasonal", .note = "summer" }, FINDING_DISMISSED, true,
		  "dismissed anna@a.example link seasonal summer" },
		{ { .kind = ANSWER_WRONG_OWNER, .finding = 1, .to = "bo@a.example" }, FINDING_OPEN, false,
		  "wrong_owner anna@a.example link - bo@a.example" },
		{ { .kind = ANSWER_WRONG_OWNER, .finding = 1 }, FINDING_OPEN, false, "wrong_owner anna@a.example link - -" },
		{ { .kind = ANSWER_LOST, .finding = 1 }, FINDING_LOST, true, "lost anna@a.example link - -" },
		{ { .kind = ANSWER_EXPANDED, .finding = 2 }, FINDING_RESOLVED, true, "expanded anna@a.example link - -" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ASSERT_INT(take(cases[i].x), ANSWER_TAKEN);
		ASSERT_INT(f.state, cases[i].state);
		ASSERT_INT(f.closed_on != DAY_NONE, cases[i].is_closed);
		assert_string_equal(last_event(cases[i].x.finding), cases[i].event);
		/* and back */
		ASSERT_INT(take((struct answer){ .kind = ANSWER_REOPEN, .finding = cases[i].x.finding }), ANSWER_TAKEN);
		ASSERT_INT(f.state, FINDING_OPEN);
		ASSERT_INT(f.closed_on, DAY_NONE);
		ASSERT_INT(f.snoozed_until, DAY_NONE);
		if (cases[i].x.finding == 1)
			assert_string_equal(f.owner_email, "anna@a.example");
	}
	ASSERT_INT(number("SELECT count(*) FROM not_owner WHERE withdrawn_on IS NULL"), 0);
	ASSERT_INT(number("SELECT count(*) FROM told_outcome WHERE withdrawn_on IS NULL"), 0);
}

static void what_does_not_fit_changes_nothing(void **state)
{
	static const struct {
		const char *before;
		struct answer x;
		enum answer_result result;
	} cases[] = {
		{ "", { .kind = ANSWER_EXPANDED, .finding = 1 }, ANSWER_UNFIT },
		{ "", { .kind = ANSWER_LOST, .finding = 2 }, ANSWER_UNFIT },
		{ "", { .kind = ANSWER_WRONG_OWNER, .finding = 1, .to = "anna@a.example" }, ANSWER_UNFIT },
		{ "", { .kind = ANSWER_WRONG_OWNER, .finding = 2 }, ANSWER_UNFIT },
		{ "", { .kind = ANSWER_REOPEN, .finding = 1 }, ANSWER_UNFIT },
		{ "", { .kind = ANSWER_DONE, .finding = 77 }, ANSWER_UNKNOWN },
		{ "UPDATE finding SET state = 'resolved', closed_on = 20514;"
		  "INSERT INTO finding_event (finding_id, day, at, kind) VALUES (1, 20514, 1772409600, 'resolved')",
		  { .kind = ANSWER_SNOOZE, .finding = 1, .until = DAY + 1 }, ANSWER_CLOSED },
		{ "", { .kind = ANSWER_REOPEN, .finding = 1 }, ANSWER_CLOSED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t n;

		run(cases[i].before);
		n = number("SELECT count(*) FROM finding_event");
		ASSERT_INT(take(cases[i].x), cases[i].result);
		ASSERT_INT(number("SELECT count(*) FROM finding_event"), n);
		ASSERT_INT(number("SELECT count(*) FROM not_owner"), 0);
		ASSERT_INT(number("SELECT count(*) FROM told_outcome"), 0);
	}
}

static void a_link_works_once_and_only_where_it_did_something(void **state)
{
	const struct answer snooze = { .kind = ANSWER_SNOOZE, .finding = 1, .until = DAY + 7, .link = "L1",
		                           .link_expires_at = ((int64_t)DAY + 14) * 86400 };
	struct answer lost = snooze;

	(void)state;
	lost.kind = ANSWER_EXPANDED;
	ASSERT_INT(take(lost), ANSWER_UNFIT);
	ASSERT_INT(answer_link_is_used(db, "L1", &err), 0);
	ASSERT_INT(take(snooze), ANSWER_TAKEN);
	ASSERT_INT(answer_link_is_used(db, "L1", &err), 1);
	ASSERT_INT(number("SELECT count(*) FROM answer_link WHERE token_sha256 = 'L1'"), 0); /* its hash only */
	ASSERT_INT(take((struct answer){ .kind = ANSWER_REOPEN, .finding = 1 }), ANSWER_TAKEN);
	ASSERT_INT(take(snooze), ANSWER_USED);
	ASSERT_INT(f.state, FINDING_OPEN);
	/* What has expired need not be known any more. */
	lost = (struct answer){ .kind = ANSWER_DONE, .finding = 1, .link = "L2", .today = DAY + 30,
		                    .link_expires_at = ((int64_t)DAY + 40) * 86400 };
	ASSERT_INT(take(lost), ANSWER_TAKEN);
	ASSERT_INT(number("SELECT count(*) FROM answer_link"), 1);
}

static void what_was_replaced_is_not_opened_again(void **state)
{
	(void)state;
	ASSERT_INT(take((struct answer){ .kind = ANSWER_NOT_A_RISK, .finding = 1, .reason = "known" }), ANSWER_TAKEN);
	run("INSERT INTO finding SELECT 3, account_id, engine, 'cancel_notice', 'open', 20514, 20514, NULL, NULL, 90, 90,"
	    " 1, 1, 'EUR', 1, 20530, '', 'S', '[]', owner_email, NULL, NULL, 0 FROM finding WHERE id = 1");
	ASSERT_INT(take((struct answer){ .kind = ANSWER_REOPEN, .finding = 1 }), ANSWER_CLOSED);
	ASSERT_INT(f.state, FINDING_DISMISSED);
}

static void what_scoring_did_since_is_not_taken_back(void **state)
{
	(void)state;
	ASSERT_INT(take((struct answer){ .kind = ANSWER_SNOOZE, .finding = 1, .until = DAY + 1 }), ANSWER_TAKEN);
	run("UPDATE finding SET state = 'open', snoozed_until = NULL WHERE id = 1;"
	    "INSERT INTO finding_event (finding_id, day, at, kind, note) VALUES (1, 20515, 1772496000, 'opened',"
	    " 'its rest is over')");
	ASSERT_INT(take((struct answer){ .kind = ANSWER_REOPEN, .finding = 1 }), ANSWER_UNFIT);
	/* A score that only moved does not stand in between. */
	ASSERT_INT(take((struct answer){ .kind = ANSWER_DONE, .finding = 1 }), ANSWER_TAKEN);
	run("INSERT INTO finding_event (finding_id, day, at, kind) VALUES (1, 20516, 1772582400, 'worse')");
	ASSERT_INT(take((struct answer){ .kind = ANSWER_REOPEN, .finding = 1 }), ANSWER_TAKEN);
}

static size_t n_outcomes(int32_t known_on, enum outcome_kind kind)
{
	struct outcomes o;
	size_t n = 0;

	ASSERT_OK(outcomes_load(db, known_on, a, &o, &err));
	for (size_t i = 0; i < o.n_events; i++)
		n += o.events[i].kind == kind && o.events[i].on == DAY;
	return n;
}

static void what_owners_say_came_of_it_is_an_outcome(void **state)
{
	enum { LATER = DAY + OUTCOME_LASTING_DAYS };

	(void)state;
	ASSERT_INT(take((struct answer){ .kind = ANSWER_LOST, .finding = 1 }), ANSWER_TAKEN);
	ASSERT_INT(take((struct answer){ .kind = ANSWER_EXPANDED, .finding = 2 }), ANSWER_TAKEN);
	ASSERT_INT(n_outcomes(LATER, OUTCOME_CHURN), 1);
	ASSERT_INT(n_outcomes(LATER, OUTCOME_EXPANSION), 1);
	ASSERT_INT(n_outcomes(DAY - 1, OUTCOME_CHURN), 0);
	/* Taken back later, it was known in between. */
	ASSERT_INT(take((struct answer){ .kind = ANSWER_REOPEN, .finding = 1, .today = LATER + 1 }), ANSWER_TAKEN);
	ASSERT_INT(n_outcomes(LATER, OUTCOME_CHURN), 1);
	ASSERT_INT(n_outcomes(LATER + 1, OUTCOME_CHURN), 0);
}

static void contracts_say_it_better(void **state)
{
	(void)state;
	/* 1 goes on paying for a long time after; 2 buys on a day near: that is the one that was meant. */
	run("INSERT INTO subscription (source_id, source_key, account_id, currency, start_on, end_on, mrr_minor) VALUES"
	    " (1, 's1', 1, 'EUR', 19000, NULL, 1000), (1, 's2', 2, 'EUR', 19000, NULL, 1000), "
	    " (1, 's3', 2, 'EUR', 20520, NULL, 500)");
	ASSERT_INT(take((struct answer){ .kind = ANSWER_LOST, .finding = 1 }), ANSWER_TAKEN);
	ASSERT_INT(take((struct answer){ .kind = ANSWER_EXPANDED, .finding = 2 }), ANSWER_TAKEN);
	ASSERT_INT(n_outcomes(DAY + 120, OUTCOME_CHURN), 0);
	ASSERT_INT(n_outcomes(DAY + 120, OUTCOME_EXPANSION), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(each_answer_makes_its_state_and_leaves_an_event),
		CASE(what_does_not_fit_changes_nothing),
		CASE(a_link_works_once_and_only_where_it_did_something),
		CASE(what_was_replaced_is_not_opened_again),
		CASE(what_scoring_did_since_is_not_taken_back),
		CASE(what_owners_say_came_of_it_is_an_outcome),
		CASE(contracts_say_it_better),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
