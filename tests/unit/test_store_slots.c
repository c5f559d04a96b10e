#include "cmocka_shim.h"

#include "common/clock.h"
#include "store/migrate.h"
#include "store/slots.h"

static struct err err;

struct fixture {
	struct db *db;
	struct arena *arena;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .arena = arena_new(0) };
	ASSERT_OK(db_open(":memory:", DB_WRITE, &f.db, &err));
	ASSERT_OK(migrate_run(f.db, 1, &err));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	db_close(f->db);
	arena_free(f->arena);
	return 0;
}

static size_t pending(struct fixture *f, const struct slot_row **out)
{
	size_t n = 0;

	ASSERT_OK(slots_pending(f->db, f->arena, out, &n, &err));
	return n;
}

static void a_slot_is_opened_once(void **state)
{
	struct fixture *f = *state;
	const struct slot_row *rows;

	ASSERT_INT(slots_open(f->db, "ada@acme.example", 20500, 1771200000, &err), 1);
	ASSERT_INT(slots_open(f->db, "ada@acme.example", 20500, 1771200999, &err), 0);
	ASSERT_INT(pending(f, &rows), 1);
	assert_string_equal(rows[0].owner_email, "ada@acme.example");
	ASSERT_INT(rows[0].local_on, 20500);
	ASSERT_INT(rows[0].due_at, 1771200000);
	assert_string_equal(rows[0].state, "pending");
	assert_null(rows[0].reason);
}

static void what_is_settled_stays_settled(void **state)
{
	struct fixture *f = *state;
	const struct slot_row done = { "ada@acme.example", 20500, 1771200000, "done", NULL };
	const struct slot_row missed = { "ada@acme.example", 20500, 1771200000, "missed", "downtime" };
	const struct slot_row *rows;
	int64_t n;

	ASSERT_INT(slots_open(f->db, "ada@acme.example", 20500, 1771200000, &err), 1);
	ASSERT_OK(slots_settle(f->db, &done, 1771200005, &err));
	ASSERT_OK(slots_settle(f->db, &missed, 1771200009, &err));
	ASSERT_INT(pending(f, &rows), 0);
	ASSERT_INT(slots_open(f->db, "ada@acme.example", 20500, 1771200000, &err), 0);
	ASSERT_OK(db_int(
		f->db, "SELECT count(*) FROM slot WHERE state = 'done' AND reason IS NULL AND settled_at = 1771200005",
		0, &n, &err));
	ASSERT_INT(n, 1);
}

static void a_missed_slot_needs_not_have_been_opened(void **state)
{
	struct fixture *f = *state;
	const struct slot_row missed = { "bob@acme.example", 20501, 1771286400, "missed", "downtime" };
	int64_t n;

	ASSERT_OK(slots_settle(f->db, &missed, 1771300000, &err));
	ASSERT_OK(db_int(f->db, "SELECT count(*) FROM slot WHERE state = 'missed' AND reason = 'downtime'", 0, &n, &err));
	ASSERT_INT(n, 1);
}

static void the_latest_day_of_each_owner_is_told(void **state)
{
	struct fixture *f = *state;
	const struct slot_row *rows;
	size_t n;

	for (int32_t day = 20500; day < 20505; day++)
		ASSERT_INT(slots_open(f->db, "ada@acme.example", day, 1, &err), 1);
	ASSERT_INT(slots_open(f->db, "bob@acme.example", 20400, 1, &err), 1);
	ASSERT_OK(slots_latest(f->db, f->arena, &rows, &n, &err));
	ASSERT_INT(n, 2);
	assert_string_equal(rows[0].owner_email, "ada@acme.example");
	ASSERT_INT(rows[0].local_on, 20504);
	ASSERT_INT(rows[1].local_on, 20400);
	ASSERT_INT(pending(f, &rows), 6);
}

static void the_state_of_the_schedule_comes_back(void **state)
{
	struct fixture *f = *state;
	const struct schedule_state first = { 1771200000, true, 1771190000, INSTANT_NONE };
	const struct schedule_state second = { 1771200060, false, 1771190000, 1771190000 };
	struct schedule_state got;

	ASSERT_INT(schedule_state_load(f->db, &got, &err), 0);
	assert_true(got.tick_at == INSTANT_NONE && got.sync_started_at == INSTANT_NONE &&
		    got.sync_ok_started_at == INSTANT_NONE);
	ASSERT_OK(schedule_state_save(f->db, &first, &err));
	ASSERT_INT(schedule_state_load(f->db, &got, &err), 1);
	assert_true(got.tick_at == 1771200000 && got.is_synchronised && got.sync_started_at == 1771190000);
	ASSERT_INT(got.sync_ok_started_at, INSTANT_NONE);
	ASSERT_OK(schedule_state_save(f->db, &second, &err));
	ASSERT_INT(schedule_state_load(f->db, &got, &err), 1);
	assert_true(got.tick_at == 1771200060 && !got.is_synchronised && got.sync_ok_started_at == 1771190000);
}

static void the_last_pull_of_any_source_is_known(void **state)
{
	struct fixture *f = *state;
	int64_t at;

	ASSERT_OK(schedule_pulled_at(f->db, &at, &err));
	ASSERT_INT(at, INSTANT_NONE);
	ASSERT_OK(db_run(f->db, "INSERT INTO source (name, kind) VALUES ('a', 'csv')", &err));
	ASSERT_OK(schedule_pulled_at(f->db, &at, &err));
	ASSERT_INT(at, INSTANT_NONE);
	ASSERT_OK(db_run(f->db, "INSERT INTO source (name, kind, last_ok_at) VALUES ('b', 'csv', 77), ('c', 'csv', 99)",
			 &err));
	ASSERT_OK(schedule_pulled_at(f->db, &at, &err));
	ASSERT_INT(at, 99);
}

static int64_t look_ms(struct fixture *f)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		int64_t began = clock_monotonic_ms(), took;
		const struct slot_row *rows;
		size_t n;

		for (int k = 0; k < 10; k++) {
			ASSERT_OK(slots_latest(f->db, f->arena, &rows, &n, &err));
			ASSERT_INT(n, 100);
			ASSERT_INT(rows[99].local_on, 4000);
			assert_string_equal(rows[99].owner_email, "o99");
			ASSERT_INT(pending(f, &rows), 0);
		}
		took = clock_monotonic_ms() - began;
		least = took < least ? took : least;
	}
	return least;
}

static void a_look_costs_no_more_for_the_days_that_were(void **state)
{
	struct fixture *f = *state;
	struct stmt *q = db_sql(f->db,
		"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 400099)"
		" INSERT INTO slot SELECT printf('o%02d', i % 100), i / 100, 0, 'done', NULL, 0 FROM n");

	ASSERT_OK(stmt_run(q, &err));
	stmt_donep(&q);
	assert_in_range(look_ms(f), 0, 100); /* for ten; reading them all takes ten times as long */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_slot_is_opened_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_settled_stays_settled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_missed_slot_needs_not_have_been_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_latest_day_of_each_owner_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_look_costs_no_more_for_the_days_that_were, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_state_of_the_schedule_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_pull_of_any_source_is_known, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
