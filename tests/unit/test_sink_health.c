/* A sink that fails: when it is held back, when it is told of, what goes once it answers. */
#include "cmocka_shim.h"

#include "common/clock.h"
#include "store/alerts.h"
#include "store/migrate.h"
#include "store/outbox.h"
#include "store/silences.h"
#include "store/sink_health.h"

enum { NOW = 1773300000 };

static struct err err;
static struct arena *a;
static struct db *db;

static int open_database(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, NOW, &err));
	ASSERT_OK(db_run(db, "INSERT INTO digest (id, owner_email, local_on, kind, as_of_on, made_at, config_hash, content)"
	                     " VALUES (1, 'ann@acme.example', 20000, 'csm', 20000, 0, 'h', '{}')", &err));
	return 0;
}

static int close_database(void **state)
{
	(void)state;
	db_close(db);
	arena_free(a);
	return 0;
}

static int64_t held_for(const char *sink, int64_t now)
{
	struct sink_state s;

	ASSERT_OK(sink_state_load(db, sink, a, &s, &err));
	return s.not_before_at == INSTANT_NONE ? 0 : s.not_before_at - now;
}

static int64_t n_alerts(void)
{
	int64_t n;

	ASSERT_OK(db_int(db, "SELECT count(*) FROM alert", 0, &n, &err));
	return n;
}

static void failing(const char *sink, int n, int64_t now)
{
	while (n-- > 0)
		ASSERT_OK(sink_failed(db, sink, "HTTP 503", now, &err));
}

static void from_the_fifth_failure_in_a_row_on_it_is_held_longer_and_longer(void **state)
{
	static const int64_t holds[] = { 5, 30, 120, 300, 300 };
	int64_t now = NOW;

	(void)state;
	failing("hook", 4, now);
	ASSERT_INT(held_for("hook", now), 0);
	for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
		failing("hook", 1, now);
		ASSERT_INT(held_for("hook", now), holds[i]);
		ASSERT_INT(held_for("other", now), 0);
		now += holds[i];
	}
}

static void an_answer_in_between_starts_the_count_again(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		failing("hook", 4, NOW);
		ASSERT_OK(sink_answered(db, "hook", NOW, &err));
	}
	ASSERT_INT(held_for("hook", NOW), 0);
	ASSERT_OK(sink_answered(db, "unheard", NOW, &err));
}

static void a_quarter_of_an_hour_without_an_answer_is_told_once(void **state)
{
	(void)state;
	failing("hook", 1, NOW);
	failing("hook", 1, NOW + 899);
	ASSERT_INT(n_alerts(), 0);
	failing("hook", 3, NOW + 900);
	ASSERT_INT(n_alerts(), 1);
	ASSERT_OK(sink_answered(db, "hook", NOW + 1000, &err));
	failing("hook", 1, NOW + 1000);
	failing("hook", 1, NOW + 1900); /* another time */
	ASSERT_INT(n_alerts(), 2);
}

/* A message that was tried and waits for an hour; status 0: no answer came. */
static void put(int id, const char *sink, int status)
{
	CLEANUP(stmt_donep) struct stmt *message = db_sql(db,
		"INSERT INTO outbox (id, digest_id, sink, kind, delivery_key, body, body_sha256, content_type, state, n_attempts,"
		" next_at, expires_at) VALUES (:id, 1, :sink, 'webhook', :id, 'b', 'h', 't', 'pending', 2, :next, :expires)");
	CLEANUP(stmt_donep) struct stmt *attempt = db_sql(db,
		"INSERT INTO delivery (outbox_id, attempt, started_at, outcome, status) VALUES (:id, 2, 0, 'retry', :status)");

	bind_int(message, ":id", id);
	bind_text(message, ":sink", sink);
	bind_int(message, ":next", NOW + 3600);
	bind_int(message, ":expires", NOW + 7200);
	bind_int(attempt, ":id", id);
	if (status)
		bind_int(attempt, ":status", status);
	else
		bind_null(attempt, ":status");
	ASSERT_OK(stmt_run(message, &err));
	ASSERT_OK(stmt_run(attempt, &err));
}

static void once_it_answers_goes_what_waited_because_of_it_and_nothing_else(void **state)
{
	int64_t due;

	(void)state;
	put(1, "hook", 503);
	put(2, "hook", 0);
	put(3, "hook", 429);
	put(4, "hook", 421);
	put(5, "other", 503);
	failing("hook", 4, NOW);
	ASSERT_OK(sink_answered(db, "hook", NOW, &err));
	ASSERT_OK(db_int(db, "SELECT count(*) FROM outbox WHERE next_at = 1773300000", 0, &due, &err));
	ASSERT_INT(due, 0); /* it was not held: each waits its own time */
	failing("hook", 5, NOW);
	ASSERT_OK(sink_answered(db, "hook", NOW, &err));
	ASSERT_OK(db_int(db, "SELECT group_concat(id, '') FROM (SELECT id FROM outbox WHERE next_at = 1773300000"
	                     " ORDER BY id)", 0, &due, &err));
	ASSERT_INT(due, 12);
}

static void a_silence_holds_up_to_its_day_and_may_be_ended(void **state)
{
	struct silence s = { .owner_email = "ann@acme.example", .until_on = 20010, .reason = "leave", .said_at = NOW };
	const struct silence *all;
	size_t n;

	(void)state;
	ASSERT_OK(silence_put(db, &s, &err));
	s.until_on = 20005;
	ASSERT_OK(silence_put(db, &s, &err));
	ASSERT_INT(silence_load(db, "ann@acme.example", 20004, a, &s, &err), 1);
	assert_string_equal(s.reason, "leave");
	ASSERT_INT(silence_load(db, "ann@acme.example", 20005, a, &s, &err), 0);
	ASSERT_INT(silence_load(db, "bob@acme.example", 20000, a, &s, &err), 0);
	ASSERT_OK(silences_load(db, 20004, a, &all, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_INT(silence_end(db, "ann@acme.example", &err), 1);
	ASSERT_INT(silence_end(db, "ann@acme.example", &err), 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_database, close_database)
	const struct CMUnitTest tests[] = {
		CASE(from_the_fifth_failure_in_a_row_on_it_is_held_longer_and_longer),
		CASE(an_answer_in_between_starts_the_count_again),
		CASE(a_quarter_of_an_hour_without_an_answer_is_told_once),
		CASE(once_it_answers_goes_what_waited_because_of_it_and_nothing_else),
		CASE(a_silence_holds_up_to_its_day_and_may_be_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
