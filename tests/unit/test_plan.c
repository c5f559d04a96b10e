#include <string.h>

#include "cmocka_shim.h"

#include "schedule/plan.h"

enum {
	MON_FRI = 0x1f,
	MAX_OWNERS = 64,
	MAX_ROWS = 40000,
	HOUR = 3600,
	DAY = 86400,
	SYNC_TAKES_S = 60,
	DIGEST_TAKES_S = 2
};

static struct arena *zones, *work;
static struct err err;

static const struct schedule_settings settings = {
	.sync_every_s = 6 * HOUR, .sync_lead_s = 30 * 60, .sync_wait_s = 15 * 60, .catch_up_s = 6 * HOUR
};

struct row {
	size_t owner;
	int32_t local_on;
	int64_t due_at;
	char state[12], reason[16];
	int64_t sent_at; /* also the end of a digest that runs */
	int n_sent;
};

/* One organisation and its daemon, driven by the instants that the plan asks for. */
struct world {
	struct plan_owner owners[MAX_OWNERS];
	size_t n_owners;
	struct row *rows;
	size_t n_rows;
	int64_t now, tick_at;
	struct plan_sync sync;
	int64_t sync_ends_at;
	bool fails_syncs, hangs_syncs, fails_digests, is_synchronised, was_synchronised;
	int n_syncs, n_steps, n_held;
	int64_t awake_s;
};

static int set_up(void **state)
{
	(void)state;
	zones = arena_new(0);
	work = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(zones);
	arena_free(work);
	return 0;
}

static int64_t at(const char *text)
{
	int64_t instant = 0;

	assert_true(instant_parse(text, &instant));
	return instant;
}

static int32_t on(const char *text)
{
	int32_t day = 0;

	assert_true(day_parse(text, &day));
	return day;
}

static const struct zone *zone(const char *name)
{
	const struct zone *z;

	ASSERT_OK(zone_open(zones, name, &z, &err));
	return z;
}

static struct world *world_new(const char *now)
{
	struct world *w = test_calloc(1, sizeof *w);

	w->rows = test_calloc(MAX_ROWS, sizeof *w->rows);
	w->now = at(now);
	w->tick_at = w->sync.started_at = w->sync.ok_started_at = w->sync.retry_at = w->sync_ends_at = INSTANT_NONE;
	w->is_synchronised = w->was_synchronised = true;
	w->awake_s = -1;
	return w;
}

static void world_free(struct world *w)
{
	test_free(w->rows);
	test_free(w);
}

static struct plan_owner *add_owner(struct world *w, const char *zone_called, int at_minutes)
{
	struct plan_owner *o = &w->owners[w->n_owners];

	o->email = arena_printf(zones, "o%03zu@acme.example", w->n_owners);
	o->rules = (struct slot_rules){ zone(zone_called), at_minutes, MON_FRI, NULL, 0 };
	o->last_on = DAY_NONE;
	assert_true(++w->n_owners <= MAX_OWNERS);
	return o;
}

static struct row *row_of(struct world *w, size_t owner, int32_t day)
{
	for (size_t i = w->n_rows; i-- > 0;)
		if (w->rows[i].owner == owner && w->rows[i].local_on == day)
			return &w->rows[i];
	return NULL;
}

static struct row *row_for(struct world *w, const struct plan_action *action)
{
	size_t owner = 0;
	struct row *row;

	while (strcmp(w->owners[owner].email, action->owner_email) != 0)
		owner++;
	row = row_of(w, owner, action->local_on);
	if (row == NULL) {
		assert_true(w->n_rows < MAX_ROWS);
		row = &w->rows[w->n_rows++];
		*row = (struct row){
			.owner = owner, .local_on = action->local_on, .due_at = action->due_at, .sent_at = INSTANT_NONE
		};
		if (action->local_on > w->owners[owner].last_on)
			w->owners[owner].last_on = action->local_on;
	}
	return row;
}

static void apply(struct world *w, const struct plan_action *action)
{
	struct row *row;

	if (action->kind == PLAN_SYNC) {
		assert_false(w->sync.is_running);
		w->sync.is_running = true;
		w->sync.started_at = w->now;
		w->sync.retry_at = INSTANT_NONE;
		w->sync_ends_at = w->now + SYNC_TAKES_S;
		w->n_syncs++;
		return;
	}
	row = row_for(w, action);
	if (action->kind == PLAN_OPEN) {
		assert_string_equal(row->state, "");
		strcpy(row->state, "pending");
	} else if (action->kind == PLAN_DIGEST) {
		assert_string_equal(row->state, "pending");
		strcpy(row->state, "running");
		row->sent_at = w->now + DIGEST_TAKES_S;
	} else {
		assert_true(row->state[0] == '\0' || strcmp(row->state, "pending") == 0);
		strcpy(row->state, "missed");
		(void)snprintf(row->reason, sizeof row->reason, "%s", action->reason);
	}
}

/* Children that ended meanwhile. Only the tail of the rows can be unsettled. */
static void finish_children(struct world *w)
{
	if (w->sync.is_running && !w->hangs_syncs && w->now >= w->sync_ends_at) {
		w->sync.is_running = false;
		if (w->fails_syncs)
			w->sync.retry_at = w->now + 300;
		else
			w->sync.ok_started_at = w->sync.started_at, w->sync.has_data = true;
	}
	for (size_t i = w->n_rows; i-- > 0 && i + 4 * MAX_OWNERS > w->n_rows;)
		if (strcmp(w->rows[i].state, "running") == 0 && w->now >= w->rows[i].sent_at) {
			if (w->fails_digests) {
				strcpy(w->rows[i].state, "pending");
				continue;
			}
			strcpy(w->rows[i].state, "done");
			w->rows[i].n_sent++;
		}
}

static size_t open_rows(struct world *w, struct plan_open *out)
{
	size_t n = 0, first = w->n_rows > 4 * MAX_OWNERS ? w->n_rows - 4 * MAX_OWNERS : 0;

	for (size_t i = first; i < w->n_rows; i++) {
		const struct row *r = &w->rows[i];

		if (strcmp(r->state, "pending") != 0 && strcmp(r->state, "running") != 0)
			continue;
		out[n++] = (struct plan_open){ .owner_email = w->owners[r->owner].email, .local_on = r->local_on,
			                       .is_running = r->state[0] == 'r', .retry_at = INSTANT_NONE,
			                       .failure = w->fails_digests ? "exit 70" : NULL };
		if (w->fails_digests)
			out[n - 1].retry_at = r->sent_at + 900;
	}
	return n;
}

/* Looks once, does what the plan says, and returns when to look again. */
static int64_t step(struct world *w)
{
	struct plan_open open[4 * MAX_OWNERS];
	struct plan_input in = { .now = w->now, .tick_at = w->tick_at, .settings = &settings,
		                 .owners = w->owners, .n_owners = w->n_owners, .open = open };
	const struct plan_clock clock = { w->now, w->is_synchronised, w->tick_at, w->was_synchronised, w->awake_s,
		                          false, 0 };
	struct plan plan;
	int64_t next;

	w->n_steps++;
	if (!plan_clock_is_plausible(&clock)) {
		w->n_held++;
		return w->now + 60;
	}
	finish_children(w);
	in.n_open = open_rows(w, open);
	in.sync = w->sync;
	arena_reset(work);
	plan_make(&in, work, &plan);
	for (size_t i = 0; i < plan.n; i++)
		apply(w, &plan.actions[i]);
	w->tick_at = w->now;
	w->was_synchronised = w->is_synchronised;
	next = plan.wake_at;
	if (w->sync.is_running && !w->hangs_syncs && (next == INSTANT_NONE || w->sync_ends_at < next))
		next = w->sync_ends_at;
	for (size_t i = w->n_rows; i-- > 0 && i + 4 * MAX_OWNERS > w->n_rows;)
		if (strcmp(w->rows[i].state, "running") == 0 && w->rows[i].sent_at < next)
			next = w->rows[i].sent_at;
	assert_true(next == INSTANT_NONE || next > w->now);
	return next;
}

/* Up and running until an instant. */
static void run_until(struct world *w, const char *until)
{
	int64_t end = at(until);

	while (w->now < end) {
		int64_t next = step(w);

		w->now = next == INSTANT_NONE || next > end ? end : next;
	}
}

/* Down: whatever ran is lost, and the next process knows only what was persisted. */
static void down_until(struct world *w, const char *until)
{
	for (size_t i = 0; i < w->n_rows; i++)
		if (strcmp(w->rows[i].state, "running") == 0)
			strcpy(w->rows[i].state, "pending");
	w->sync.is_running = false;
	w->now = at(until);
	w->awake_s = -1;
}

static void expect(struct world *w, size_t owner, const char *day, const char *state, const char *reason)
{
	const struct row *row = row_of(w, owner, on(day));

	if (row == NULL)
		fail_msg("%s has no row", day);
	else if (strcmp(row->state, state) != 0 || strcmp(row->reason, reason) != 0)
		fail_msg("%s is %s(%s), not %s(%s)", day, row->state, row->reason, state, reason);
}

static const char *sent(struct world *w, size_t owner, const char *day)
{
	const struct row *row = row_of(w, owner, on(day));

	assert_non_null(row);
	ASSERT_INT(row->n_sent, 1);
	return instant_text(work, row->sent_at);
}

static void a_slot_is_sent_on_time_with_data_synced_before(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z"); /* a Monday */

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-03T00:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-02"), "2026-03-02T07:00:02Z");
	ASSERT_INT(w->n_rows, 1);
	ASSERT_INT(w->n_syncs, 4); /* 00:00, 06:00 (which is fresh enough for 07:00), 12:00, 18:00 */
	world_free(w);
}

static void a_digest_waits_for_the_sync_and_then_goes_with_stale_data(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-02T05:00:00Z");
	w->hangs_syncs = true;
	run_until(w, "2026-03-02T08:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-02"), "2026-03-02T07:15:02Z");
	world_free(w);
}

static void a_digest_does_not_wait_for_a_sync_that_has_failed_for_good(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-02T05:00:00Z");
	w->fails_syncs = true; /* from 06:30 on every six minutes; the one after 07:12 would be too late */
	run_until(w, "2026-03-02T08:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-02"), "2026-03-02T07:13:02Z");
	world_free(w);
}

static void without_any_data_there_is_no_digest_but_a_row_that_says_so(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	w->fails_syncs = true;
	run_until(w, "2026-03-02T14:00:00Z");
	expect(w, 0, "2026-03-02", "missed", "no_data");
	w->fails_syncs = false;
	run_until(w, "2026-03-03T14:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-03"), "2026-03-03T07:00:02Z");
	world_free(w);
}

static void a_digest_that_keeps_failing_is_missed_when_its_window_ends(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	w->fails_digests = true;
	run_until(w, "2026-03-02T12:59:00Z");
	expect(w, 0, "2026-03-02", "pending", "");
	run_until(w, "2026-03-02T13:20:00Z");
	expect(w, 0, "2026-03-02", "missed", "failed");
	world_free(w);
}

static void a_daemon_first_started_after_the_slot_makes_it_up_within_the_window(void **state)
{
	struct world *w = world_new("2026-03-02T10:00:00Z"), *late = world_new("2026-03-02T14:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-02T12:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-02"), "2026-03-02T10:01:02Z"); /* after its first sync */
	add_owner(late, "Europe/Paris", 480);
	run_until(late, "2026-03-03T12:00:00Z");
	assert_null(row_of(late, 0, on("2026-03-02"))); /* it was not asked for then */
	assert_string_equal(sent(late, 0, "2026-03-03"), "2026-03-03T07:00:02Z");
	world_free(w);
	world_free(late);
}

static void a_short_downtime_is_made_up_at_once(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-03T06:00:00Z"); /* 07:00 in Paris */
	down_until(w, "2026-03-03T08:00:00Z");
	run_until(w, "2026-03-03T12:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-03"), "2026-03-03T08:00:02Z");
	world_free(w);
}

static void after_thirty_hours_down_the_first_day_is_missed_and_the_second_made_up(void **state)
{
	struct world *w = world_new("2026-03-06T12:00:00Z"); /* Friday */

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-09T06:00:00Z"); /* Monday 07:00 */
	down_until(w, "2026-03-10T12:00:00Z"); /* Tuesday 13:00 */
	run_until(w, "2026-03-11T00:00:00Z");
	expect(w, 0, "2026-03-09", "missed", "downtime");
	assert_string_equal(sent(w, 0, "2026-03-10"), "2026-03-10T12:00:02Z");
	world_free(w);
}

static void ten_days_down_leave_ten_rows_and_one_digest_in_a_few_steps(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");
	int steps;

	(void)state;
	add_owner(w, "Europe/Paris", 480)->rules.working_days = 0x7f;
	run_until(w, "2026-03-02T12:00:00Z");
	ASSERT_INT(w->n_rows, 1);
	down_until(w, "2026-03-12T12:00:00Z");
	steps = w->n_steps;
	run_until(w, "2026-03-12T13:00:00Z");
	ASSERT_INT(w->n_rows, 11);
	for (int i = 1; i <= 9; i++)
		assert_string_equal(w->rows[i].state, "missed");
	assert_string_equal(w->rows[10].state, "done");
	assert_true(w->n_steps - steps < 10);
	world_free(w);
}

static void a_kill_between_opening_and_sending_makes_it_up_once(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-02T07:00:01Z");
	expect(w, 0, "2026-03-02", "running", "");
	down_until(w, "2026-03-02T07:10:00Z");
	run_until(w, "2026-03-02T12:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-02"), "2026-03-02T07:10:02Z");
	world_free(w);
}

/* Without sync_every, only before the slots; but who has no data yet doesn't wait for one. */
static void the_first_sync_of_all_is_made_at_once(void **state)
{
	static const struct schedule_settings only_before_slots = { .sync_lead_s = 30 * 60, .sync_wait_s = 15 * 60,
		                                                        .catch_up_s = 6 * HOUR };
	struct world *w = world_new("2026-03-02T00:00:00Z");
	struct plan_input in = { .now = w->now, .tick_at = w->now - 60, .settings = &only_before_slots,
		                     .owners = w->owners, .n_owners = 1, .sync = w->sync };
	struct plan plan;

	(void)state;
	add_owner(w, "Europe/Paris", 480)->last_on = on("2026-03-01");
	arena_reset(work);
	plan_make(&in, work, &plan);
	ASSERT_INT(plan.n, 1);
	ASSERT_INT(plan.actions[0].kind, PLAN_SYNC);
	in.sync.has_data = true;
	plan_make(&in, work, &plan);
	ASSERT_INT(plan.n, 0);
	ASSERT_INT(plan.wake_at, at("2026-03-02T06:30:00Z"));
	in.sync.started_at = in.sync.ok_started_at = at("2026-03-01T06:30:00Z");
	in.now = plan.wake_at;
	plan_make(&in, work, &plan);
	ASSERT_INT(plan.n, 1);
	ASSERT_INT(plan.actions[0].kind, PLAN_SYNC);
	world_free(w);
}

static void a_clock_set_back_repeats_nothing(void **state)
{
	static const int64_t back[] = { 2 * HOUR, 25 * HOUR };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(back); i++) {
		struct world *w = world_new("2026-03-02T00:00:00Z");

		add_owner(w, "Europe/Paris", 480);
		run_until(w, "2026-03-04T07:05:00Z");
		ASSERT_INT(w->n_rows, 3);
		w->now -= back[i];
		run_until(w, "2026-03-04T12:00:00Z");
		ASSERT_INT(w->n_rows, 3);
		for (size_t r = 0; r < 3; r++)
			ASSERT_INT(w->rows[r].n_sent, 1);
		run_until(w, "2026-03-05T12:00:00Z");
		assert_string_equal(sent(w, 0, "2026-03-05"), "2026-03-05T07:00:02Z");
		world_free(w);
	}
}

static void an_implausible_clock_sends_nothing_and_uses_up_no_day(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-03T12:00:00Z");
	ASSERT_INT(w->n_rows, 2);
	w->is_synchronised = false;
	w->now += 3 * DAY;
	run_until(w, "2026-03-06T14:00:00Z");
	ASSERT_INT(w->n_rows, 2);
	assert_true(w->n_held > 100);
	w->now -= 3 * DAY; /* corrected */
	w->is_synchronised = true;
	run_until(w, "2026-03-04T12:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-04"), "2026-03-04T07:00:02Z");
	ASSERT_INT(w->n_rows, 3);
	world_free(w);
}

static void the_clock_is_judged_by_what_the_machine_usually_knows(void **state)
{
	const int64_t tick = at("2026-03-02T00:00:00Z");
	const struct {
		struct plan_clock clock;
		bool is_plausible;
	} cases[] = {
		{ { tick, false, INSTANT_NONE, false, -1, false, 0 }, true },   /* the very first look */
		{ { tick - 30 * DAY, false, tick, true, -1, false, 0 }, true }, /* back: no day can be repeated */
		{ { tick + 26 * HOUR, false, tick, true, -1, false, 0 }, true },
		{ { tick + 26 * HOUR + 1, false, tick, true, -1, false, 0 }, false },
		{ { tick + 10 * DAY, true, tick, true, -1, false, 0 }, true },   /* down for ten days */
		{ { tick + 10 * DAY, false, tick, false, -1, false, 0 }, true }, /* the same where nothing sets the clock */
		{ { tick + 72 * 365 * (int64_t)DAY, false, tick, false, -1, false, 0 }, false }, /* a boot in 2098 */
		{ { tick + 3 * DAY, false, tick, false, 60, false, 0 }, false },                 /* a jump while we ran */
		{ { tick + 3 * DAY, false, tick, false, 3 * DAY, false, 0 }, true },             /* a suspended machine */
		{ { tick + 60, false, tick, true, 60, true, 600 }, true },             /* the sources' clocks agree */
		{ { tick + 60, false, tick, true, 60, true, 601 }, false },
		{ { tick + 60, false, tick, true, 60, true, -601 }, false },
		{ { tick + 60, false, INSTANT_NONE, true, 60, true, 3 * DAY }, false },
		{ { tick + 60, true, tick, true, 60, true, 601 }, true }, /* the kernel vouches: the sources are wrong */
		{ { tick + 60, true, tick, true, 60, true, 12 * HOUR + 1 }, false },
		{ { tick + 10 * DAY, false, tick, true, -1, true, 0 }, true }, /* down for ten days, and a source agrees */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (plan_clock_is_plausible(&cases[i].clock) != cases[i].is_plausible)
			fail_msg("case %zu", i);
}

static void a_suspended_machine_sends_right_after_it_resumes(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "Europe/Paris", 480);
	run_until(w, "2026-03-03T06:30:00Z");
	w->now = at("2026-03-03T08:40:00Z");
	run_until(w, "2026-03-03T12:00:00Z");
	assert_string_equal(sent(w, 0, "2026-03-03"), "2026-03-03T08:40:02Z");
	world_free(w);
}

/* Moves the owner between zones at an instant; every nominal day keeps one digest at most. */
static void move(const char *from, const char *to, const char *when, const char *day, const char *expected)
{
	struct world *w = world_new("2026-03-01T00:00:00Z");

	add_owner(w, from, 480);
	run_until(w, when);
	w->owners[0].rules.zone = zone(to);
	run_until(w, "2026-03-08T00:00:00Z");
	assert_string_equal(sent(w, 0, day), expected);
	for (size_t i = 0; i < w->n_rows; i++)
		assert_true(w->rows[i].n_sent <= 1);
	world_free(w);
}

static void an_owner_who_moves_gets_one_digest_for_each_nominal_day(void **state)
{
	(void)state;
	/* After Wednesday's digest in Tokyo (Tuesday 23:00 UTC): none for Wednesday in Los Angeles, then Thursday's. */
	move("Asia/Tokyo", "America/Los_Angeles", "2026-03-04T01:00:00Z", "2026-03-04", "2026-03-03T23:00:02Z");
	move("Asia/Tokyo", "America/Los_Angeles", "2026-03-04T01:00:00Z", "2026-03-05", "2026-03-05T16:00:02Z");
	/* Before it: Wednesday's comes at the new local time. */
	move("Asia/Tokyo", "America/Los_Angeles", "2026-03-03T22:00:00Z", "2026-03-04", "2026-03-04T16:00:02Z");
	/* East, after Wednesday's in Los Angeles (16:00 UTC): Thursday's in Tokyo is next. */
	move("America/Los_Angeles", "Asia/Tokyo", "2026-03-04T17:00:00Z", "2026-03-04", "2026-03-04T16:00:02Z");
	move("America/Los_Angeles", "Asia/Tokyo", "2026-03-04T17:00:00Z", "2026-03-05", "2026-03-04T23:00:02Z");
	/* East, before it, while it is Wednesday in both: at once, within the window. */
	move("America/Los_Angeles", "Asia/Tokyo", "2026-03-04T10:00:00Z", "2026-03-05", "2026-03-04T23:00:02Z");
	move("Pacific/Auckland", "Pacific/Honolulu", "2026-03-03T20:00:00Z", "2026-03-04", "2026-03-03T19:00:02Z");
	move("Pacific/Auckland", "Pacific/Honolulu", "2026-03-03T20:00:00Z", "2026-03-05", "2026-03-05T18:00:02Z");
	move("Pacific/Honolulu", "Pacific/Auckland", "2026-03-04T19:00:00Z", "2026-03-06", "2026-03-05T19:00:02Z");
}

static void a_day_that_a_move_made_impossible_is_recorded(void **state)
{
	struct world *w = world_new("2026-03-01T00:00:00Z");

	(void)state;
	add_owner(w, "America/Los_Angeles", 480);
	run_until(w, "2026-03-04T15:30:00Z"); /* Wednesday 07:30 there, Thursday 00:30 in Tokyo */
	w->owners[0].rules.zone = zone("Asia/Tokyo");
	run_until(w, "2026-03-05T00:00:00Z");
	expect(w, 0, "2026-03-04", "missed", "not_scheduled");
	assert_string_equal(sent(w, 0, "2026-03-05"), "2026-03-04T23:00:02Z");
	world_free(w);
}

static void who_left_and_days_that_became_free_are_settled(void **state)
{
	static const int32_t free_day[] = { 20515 }; /* 2026-03-03 */
	static const struct day_set free_days[] = { { free_day, 1 } };
	struct world *w = world_new("2026-03-03T06:59:00Z");
	struct plan_open open[3] = { { "gone@acme.example", 20514, false, INSTANT_NONE, NULL },
		                     { "o000@acme.example", 20515, false, INSTANT_NONE, NULL },
		                     { "zoe@acme.example", 20514, false, INSTANT_NONE, NULL } };
	struct plan_input in = { .now = w->now,
				 .tick_at = w->now - 60,
				 .settings = &settings,
				 .owners = w->owners,
				 .n_owners = 1,
				 .open = open,
				 .n_open = 3,
				 .sync = { false, true, w->now, w->now, INSTANT_NONE } };
	struct plan plan;

	(void)state;
	ASSERT_INT(on("2026-03-03"), free_day[0]);
	add_owner(w, "Europe/Paris", 480)->last_on = 20515;
	w->owners[0].rules.holidays = free_days;
	w->owners[0].rules.n_holidays = 1;
	arena_reset(work);
	plan_make(&in, work, &plan);
	ASSERT_INT(plan.n, 3);
	ASSERT_INT(plan.actions[0].kind, PLAN_MISSED);
	assert_string_equal(plan.actions[0].reason, "owner_removed");
	assert_string_equal(plan.actions[2].reason, "owner_removed");
	ASSERT_INT(plan.actions[1].kind, PLAN_MISSED);
	assert_string_equal(plan.actions[1].reason, "not_scheduled");
	world_free(w);
}

static void a_slot_just_before_midnight_is_not_lost_to_waiting(void **state)
{
	struct world *w = world_new("2026-03-02T00:00:00Z");

	(void)state;
	add_owner(w, "UTC", 23 * 60 + 55);
	run_until(w, "2026-03-02T20:00:00Z");
	w->hangs_syncs = true;
	run_until(w, "2026-03-04T00:30:00Z");
	assert_string_equal(sent(w, 0, "2026-03-02"), "2026-03-02T23:58:02Z");
	assert_string_equal(sent(w, 0, "2026-03-03"), "2026-03-03T23:58:02Z");
	w->owners[0].rules.at_minutes = 23 * 60 + 58;
	run_until(w, "2026-03-05T00:30:00Z");
	assert_string_equal(sent(w, 0, "2026-03-04"), "2026-03-05T00:01:02Z"); /* it keeps five minutes of its own */
	world_free(w);
}

/* What one look settles of an owner who is down for days on end. */
static size_t count_missed(struct world *w, int32_t last_on, int64_t tick_at)
{
	struct plan_input in = { .now = w->now, .tick_at = tick_at, .settings = &settings, .owners = w->owners,
		                     .n_owners = 1, .sync = { false, true, w->now, w->now, INSTANT_NONE } };
	struct plan plan;
	size_t n = 0;

	w->owners[0].last_on = last_on;
	arena_reset(work);
	plan_make(&in, work, &plan);
	for (size_t i = 0; i < plan.n; i++)
		n += plan.actions[i].kind == PLAN_MISSED;
	return n;
}

static void days_are_settled_since_the_last_look_and_for_a_year_at_most(void **state)
{
	struct world *w = world_new("2026-03-12T12:00:00Z");

	(void)state;
	add_owner(w, "UTC", 60)->rules.working_days = 0x7f;
	ASSERT_INT(count_missed(w, on("2026-03-09"), at("2026-03-09T12:00:00Z")), 3);
	ASSERT_INT(count_missed(w, on("2024-03-09"), at("2024-03-09T12:00:00Z")), 367);
	ASSERT_INT(count_missed(w, DAY_NONE, at("2026-03-10T00:00:00Z")), 3); /* new, and the daemon was down */
	ASSERT_INT(count_missed(w, DAY_NONE, INSTANT_NONE), 0);               /* as new as the daemon */
	world_free(w);
}

static const char *const fifty[] = {
	"UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi",
	"America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Chicago", "America/Denver", "America/Halifax",
	"America/Havana", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Nuuk", "America/Phoenix",
	"America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "America/Toronto", "Antarctica/Troll",
	"Asia/Beirut", "Asia/Dubai", "Asia/Gaza", "Asia/Hong_Kong", "Asia/Jerusalem", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Seoul",
	"Asia/Shanghai", "Asia/Singapore", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores", "Australia/Adelaide", "Australia/Lord_Howe",
	"Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/Lisbon", "Europe/London", "Europe/Paris", "Pacific/Auckland",
	"Pacific/Chatham", "Pacific/Honolulu", "Pacific/Kiritimati",
};

/* From the eve of the year, both changes of the clocks included: whoever was due was told, once, within a minute and a
 * half. */
static void a_year_of_fifty_zones(int at_minutes)
{
	struct world *w = world_new("2025-12-28T00:00:00Z");
	int32_t first = on("2026-01-01"), last = on("2026-12-31");
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fifty); i++)
		add_owner(w, fifty[i], at_minutes);
	run_until(w, "2027-01-02T00:00:00Z");
	for (size_t r = 0; r < w->n_rows; r++) {
		const struct row *row = &w->rows[r];

		if (row->local_on < first || row->local_on > last)
			continue;
		n++;
		if (strcmp(row->state, "done") != 0 || row->n_sent != 1 || row->sent_at - row->due_at > 90)
			fail_msg("%s %s: %s, %d sent", fifty[row->owner], day_text(work, row->local_on), row->state, row->n_sent);
		for (size_t other = r + 1; other < w->n_rows && other < r + 200; other++)
			assert_false(w->rows[other].owner == row->owner && w->rows[other].local_on == row->local_on);
	}
	ASSERT_INT(n, 50 * 261);
	print_message("%zu digests, %d syncs, %d looks\n", n, w->n_syncs, w->n_steps);
	world_free(w);
}

static void a_year_of_half_past_midnight(void **state)
{
	(void)state;
	a_year_of_fifty_zones(30);
}

static void a_year_of_half_past_two(void **state)
{
	(void)state;
	a_year_of_fifty_zones(150);
}

static void a_year_of_eight_o_clock(void **state)
{
	(void)state;
	a_year_of_fifty_zones(480);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_is_sent_on_time_with_data_synced_before),
		cmocka_unit_test(a_digest_waits_for_the_sync_and_then_goes_with_stale_data),
		cmocka_unit_test(a_digest_does_not_wait_for_a_sync_that_has_failed_for_good),
		cmocka_unit_test(without_any_data_there_is_no_digest_but_a_row_that_says_so),
		cmocka_unit_test(a_digest_that_keeps_failing_is_missed_when_its_window_ends),
		cmocka_unit_test(a_daemon_first_started_after_the_slot_makes_it_up_within_the_window),
		cmocka_unit_test(a_short_downtime_is_made_up_at_once),
		cmocka_unit_test(after_thirty_hours_down_the_first_day_is_missed_and_the_second_made_up),
		cmocka_unit_test(ten_days_down_leave_ten_rows_and_one_digest_in_a_few_steps),
		cmocka_unit_test(a_kill_between_opening_and_sending_makes_it_up_once),
		cmocka_unit_test(the_first_sync_of_all_is_made_at_once),
		cmocka_unit_test(a_clock_set_back_repeats_nothing),
		cmocka_unit_test(an_implausible_clock_sends_nothing_and_uses_up_no_day),
		cmocka_unit_test(the_clock_is_judged_by_what_the_machine_usually_knows),
		cmocka_unit_test(a_suspended_machine_sends_right_after_it_resumes),
		cmocka_unit_test(an_owner_who_moves_gets_one_digest_for_each_nominal_day),
		cmocka_unit_test(a_day_that_a_move_made_impossible_is_recorded),
		cmocka_unit_test(who_left_and_days_that_became_free_are_settled),
		cmocka_unit_test(a_slot_just_before_midnight_is_not_lost_to_waiting),
		cmocka_unit_test(days_are_settled_since_the_last_look_and_for_a_year_at_most),
		cmocka_unit_test(a_year_of_half_past_midnight),
		cmocka_unit_test(a_year_of_half_past_two),
		cmocka_unit_test(a_year_of_eight_o_clock),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
