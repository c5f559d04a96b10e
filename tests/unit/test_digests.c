/* What a digest is made from, as the store tells it: against the last one that was delivered. */
#include "cmocka_shim.h"

#include <string.h>

#include "digest_sample.h"
#include "store/digests.h"

enum { MADE_AT = 1772175600, AFTER = MADE_AT + 3600 };

static struct arena *arena;
static struct db *db;
static struct err err;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	db = sample_open();
	return 0;
}

static int end(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(arena);
	return 0;
}

static void say(int64_t finding, int64_t at, const char *kind, const char *via)
{
	char sql[300];

	(void)snprintf(sql, sizeof sql, "INSERT INTO finding_event (finding_id, day, at, kind, via) VALUES (%lld, %d, %lld,"
	               " '%s', %s)", (long long)finding, (int)(at / 86400), (long long)at, kind, via ? via : "NULL");
	ASSERT_OK(db_run(db, sql, &err));
}

/* The finding as the digest of anna sees it; NULL when it does not. */
static const struct digest_finding *seen(const char *owner, const char *reader, const char *kind, int64_t id)
{
	struct digest_before before;
	struct digest_finding *f;
	size_t n;

	assert_true(digest_before_load(db, reader, kind, SAMPLE_TODAY, &before, &err) >= 0);
	ASSERT_OK(digest_findings_load(db, &before, owner, SAMPLE_TODAY, arena, &f, &n, &err));
	for (size_t i = 0; i < n; i++)
		if (f[i].f.id == id)
			return &f[i];
	return NULL;
}

static const struct digest_finding *annas(int64_t id)
{
	return seen("anna@lumendesk.example", "anna@lumendesk.example", "csm", id);
}

static const struct digest_finding *bos(int64_t id)
{
	return seen("bo@lumendesk.example", "bo@lumendesk.example", "am", id);
}

static void an_owner_gets_the_own_findings_and_everybodys_are_for_managers(void **state)
{
	(void)state;
	assert_non_null(annas(1));
	assert_null(annas(7));
	assert_null(bos(1));
	assert_non_null(seen(NULL, "mia@lumendesk.example", "manager", 1));
	assert_non_null(seen(NULL, "mia@lumendesk.example", "manager", 7));
	assert_non_null(seen("ANNA@lumendesk.example", "anna@lumendesk.example", "csm", 1));
}

static void what_was_opened_again_says_what_it_was_before(void **state)
{
	static const char *const kinds[] = { "snoozed", "resolved", "dismissed", "done" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		ASSERT_OK(db_run(db, "DELETE FROM finding_event", &err));
		say(3, MADE_AT - 90000, "opened", NULL);
		assert_null(annas(3)->back_from);
		assert_false(annas(3)->is_new);
		say(3, MADE_AT - 80000, kinds[i], "'cli'");
		say(3, AFTER, "opened", NULL);
		say(3, AFTER + 1, "worse", NULL);
		assert_true(annas(3)->is_new);
		assert_string_equal(annas(3)->back_from, kinds[i]);
	}
}

static void an_answer_counts_until_it_is_opened_again(void **state)
{
	(void)state;
	say(3, MADE_AT - 5 * 86400, "opened", NULL);
	say(3, MADE_AT - 4 * 86400, "snoozed", NULL); /* by scoring: nobody said so */
	ASSERT_INT(annas(3)->answered_on, DAY_NONE);
	say(3, MADE_AT - 3 * 86400, "acknowledged", "'link'");
	ASSERT_INT(annas(3)->answered_on, (MADE_AT - 3 * 86400) / 86400);
	assert_false(annas(3)->is_done);
	say(3, MADE_AT - 2 * 86400, "done", "'cli'");
	ASSERT_INT(annas(3)->answered_on, (MADE_AT - 2 * 86400) / 86400);
	assert_true(annas(3)->is_done);
	say(3, MADE_AT - 86400, "wrong_owner", "'cli'"); /* whose it is now has said nothing yet */
	ASSERT_INT(annas(3)->answered_on, DAY_NONE);
	say(3, AFTER, "opened", NULL);
	assert_false(annas(3)->is_done);
}

static void another_cause_is_news_once(void **state)
{
	(void)state;
	say(3, MADE_AT - 10, "cause_changed", NULL);
	assert_false(annas(3)->has_new_cause);
	say(3, AFTER, "cause_changed", NULL);
	assert_true(annas(3)->has_new_cause);
}

static void growth_that_gave_way_to_a_risk_is_told_as_waiting_not_as_settled(void **state)
{
	(void)state;
	ASSERT_OK(db_run(db, "UPDATE finding SET state = 'resolved', closed_on = 20514 WHERE id IN (8, 9)", &err));
	assert_false(bos(8)->is_defended);
	assert_true(bos(9)->is_defended);
}

static void what_was_bought_on_the_day_of_the_last_digest_is_told_in_the_next(void **state)
{
	(void)state;
	ASSERT_OK(db_run(db, "UPDATE finding SET state = 'resolved', closed_on = 20511 WHERE id = 8", &err));
	say(8, MADE_AT - 1, "expanded", "'cli'");
	assert_null(bos(8)); /* it was told */
	ASSERT_OK(db_run(db, "UPDATE finding_event SET at = at + 2 WHERE finding_id = 8", &err));
	assert_non_null(bos(8));
	assert_true(bos(8)->has_expanded);
}

static void a_digest_that_no_channel_took_is_as_missed_as_one_that_was_not_made(void **state)
{
	struct digest_missed *missed;
	size_t n;

	(void)state;
	ASSERT_OK(db_run(db,
		"INSERT INTO digest (id, owner_email, local_on, kind, as_of_on, made_at, config_hash, content) VALUES"
		" (11, 'anna@lumendesk.example', 20512, 'csm', 20512, 1, 'x', '{}'),"
		" (12, 'anna@lumendesk.example', 20513, 'csm', 20513, 1, 'x', '{}');"
		"INSERT INTO outbox (digest_id, sink, kind, delivery_key, body, body_sha256, content_type, state, next_at,"
		" expires_at) VALUES (11, 'a', 'email', 'ka', 'x', 'x', 'x', 'dead', 0, 0),"
		" (11, 'b', 'email', 'kb', 'x', 'x', 'x', 'dead', 0, 0);"
		"DELETE FROM slot; INSERT INTO slot VALUES ('anna@lumendesk.example', 20510, 0, 'missed', 'downtime', 0),"
		" ('anna@lumendesk.example', 20509, 0, 'missed', 'not_scheduled', 0)", &err));
	/* The quiet one of the 13th had no message, nothing was lost with it. */
	ASSERT_OK(digest_missed_load(db, "anna@lumendesk.example", 20508, SAMPLE_TODAY, AFTER, arena, &missed, &n, &err));
	ASSERT_INT(n, 2);
	ASSERT_INT(missed[0].local_on, 20510);
	ASSERT_INT(missed[1].local_on, 20512);
	assert_string_equal(missed[1].reason, "undelivered");
	/* Waiting still, but it is too late for it, whether or not somebody wrote that down yet. */
	ASSERT_OK(db_run(db, "UPDATE outbox SET state = 'pending', expires_at = 2 WHERE sink = 'b'", &err));
	ASSERT_OK(digest_missed_load(db, "anna@lumendesk.example", 20508, SAMPLE_TODAY, 2, arena, &missed, &n, &err));
	ASSERT_INT(n, 2);
	assert_string_equal(missed[1].reason, "undelivered");
	ASSERT_OK(digest_missed_load(db, "anna@lumendesk.example", 20508, SAMPLE_TODAY, 1, arena, &missed, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_OK(db_run(db, "UPDATE outbox SET state = 'dead', reason = 'cancelled' WHERE digest_id = 11", &err));
	ASSERT_OK(digest_missed_load(db, "anna@lumendesk.example", 20508, SAMPLE_TODAY, AFTER, arena, &missed, &n, &err));
	ASSERT_INT(n, 2);
	assert_string_equal(missed[1].reason, "cancelled");
}

static void how_it_stood_when_the_last_digest_was_made_is_known(void **state)
{
	(void)state;
	say(3, MADE_AT - 90000, "opened", NULL);
	say(3, MADE_AT - 80000, "done", "'cli'");
	say(3, MADE_AT - 79999, "cause_changed", NULL);
	say(3, AFTER, "reopened", "'cli'");
	assert_string_equal(annas(3)->aside_before, "done");
	ASSERT_INT(annas(3)->aside_on, (MADE_AT - 80000) / 86400);
	ASSERT_INT(annas(3)->told_on, 20511);
	assert_null(seen(NULL, "new@lumendesk.example", "manager", 3)->aside_before);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(an_owner_gets_the_own_findings_and_everybodys_are_for_managers),
		CASE(what_was_opened_again_says_what_it_was_before),
		CASE(an_answer_counts_until_it_is_opened_again),
		CASE(another_cause_is_news_once),
		CASE(growth_that_gave_way_to_a_risk_is_told_as_waiting_not_as_settled),
		CASE(what_was_bought_on_the_day_of_the_last_digest_is_told_in_the_next),
		CASE(a_digest_that_no_channel_took_is_as_missed_as_one_that_was_not_made),
		CASE(how_it_stood_when_the_last_digest_was_made_is_known),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
