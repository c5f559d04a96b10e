/* Every installed time zone through 2026 to 2030 at half past midnight, half past two and eight: each working day of an
 * owner gets exactly one digest, at its wall time. A sample of zones and the first year unless RETAIND_HEAVY is set. */
#include "cmocka_shim.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "schedule/plan.h"

#define ZONES "/usr/share/zoneinfo"

enum { MAX_ZONES = 2000, MAX_DAYS = 5 * 366, SAMPLE = 12, DIGEST_S = 2, LEAD_S = 1800 };

static struct arena *names_arena, *work;
static struct err err;
static const char *names[MAX_ZONES];
static size_t n_names;

static const struct schedule_settings settings = { .sync_lead_s = LEAD_S, .sync_wait_s = 900, .catch_up_s = 21600 };

static bool is_heavy(void)
{
	const char *heavy = getenv("RETAIND_HEAVY");

	return heavy && strcmp(heavy, "1") == 0;
}

static bool is_zone_file(const char *path)
{
	char start[4] = "";
	FILE *file = fopen(path, "rb");
	bool is_zone = file && fread(start, 1, 4, file) == 4 && memcmp(start, "TZif", 4) == 0;

	if (file)
		(void)fclose(file);
	return is_zone;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, "posix") != 0 && strcmp(entry->d_name, "right") != 0;
}

/* Every zone of a folder, "" or "America/": the names as they are configured. */
static void add_names(const char *folder)
{
	struct dirent **entries;
	int n = scandir(arena_printf(names_arena, ZONES "/%s", folder), &entries, is_name, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = arena_printf(names_arena, "%s%s", folder, entries[i]->d_name);
		const char *path = arena_printf(names_arena, ZONES "/%s", name);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			add_names(arena_printf(names_arena, "%s/", name));
		else if (n_names < MAX_ZONES && is_zone_file(path))
			names[n_names++] = name;
		free(entries[i]);
	}
	free(n < 0 ? NULL : entries);
}

static int set_up(void **state)
{
	(void)state;
	names_arena = arena_new(0);
	work = arena_new(0);
	add_names("");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(names_arena);
	arena_free(work);
	return 0;
}

/* One owner's ledger, driven by the instants that the plan asks for and by looks that nothing asks for. */
struct world {
	struct plan_owner owner;
	int32_t first_on; /* of the days below */
	unsigned char opened[MAX_DAYS + 8], sent[MAX_DAYS + 8];
	int32_t open_on; /* DAY_NONE: nothing is open */
	bool is_running;
	int64_t now, tick_at, ends_at;
	uint64_t dice;
	size_t n_looks, n_missed;
};

static void apply(struct world *w, const struct plan_action *action)
{
	size_t at = (size_t)(action->local_on - w->first_on);

	if (action->kind == PLAN_SYNC)
		return;
	if (action->local_on < w->first_on || at >= ARRAY_LEN(w->opened))
		fail_msg("%s: a slot on %s", zone_name(w->owner.rules.zone), day_text(work, action->local_on));
	if (action->kind == PLAN_OPEN) {
		w->opened[at]++;
		w->open_on = w->owner.last_on = action->local_on;
		w->is_running = false;
	} else if (action->kind == PLAN_DIGEST) {
		int second;
		int32_t day = zone_day(w->owner.rules.zone, action->due_at, &second);
		int64_t off = ((int64_t)day - action->local_on) * 86400 + second - w->owner.rules.at_minutes * 60;

		bool is_late = w->now - action->due_at > 1 && action->local_on >= w->first_on + 3; /* a new one is made up */

		/* Its wall time, or up to two hours later where that doesn't exist; and not a second before it is due. */
		if (off < 0 || off > 7200 || action->due_at > w->now || is_late)
			fail_msg("%s %s: off by %lld s", zone_name(w->owner.rules.zone), day_text(work, action->local_on),
			         (long long)off);
		w->sent[at]++;
		w->is_running = true;
		w->ends_at = w->now + DIGEST_S;
	} else {
		w->n_missed++;
		w->open_on = DAY_NONE;
	}
}

static int64_t look(struct world *w)
{
	const struct plan_open open = { w->owner.email, w->open_on, w->is_running, INSTANT_NONE, NULL };
	const struct plan_input in = { .now = w->now, .tick_at = w->tick_at, .settings = &settings, .owners = &w->owner,
		                           .n_owners = 1, .open = &open, .n_open = w->open_on != DAY_NONE,
		                           .sync = { false, true, w->now, w->now, INSTANT_NONE } };
	struct plan plan;

	w->n_looks++;
	arena_reset(work);
	plan_make(&in, work, &plan);
	for (size_t i = 0; i < plan.n; i++)
		apply(w, &plan.actions[i]);
	w->tick_at = w->now;
	return plan.wake_at;
}

static void run(struct world *w, int64_t end)
{
	while (w->now < end) {
		int64_t next = look(w), stray;

		if (w->is_running && w->ends_at < next)
			next = w->ends_at;
		w->dice = w->dice * 6364136223846793005u + 1442695040888963407u;
		stray = w->now + 1 + (int64_t)((w->dice >> 33) % 86400);
		w->now = stray < next ? stray : next;
		if (w->is_running && w->now >= w->ends_at) {
			w->is_running = false;
			w->open_on = DAY_NONE;
		}
	}
}

/* Returns the number of working days, each of which had one digest. */
static size_t check_zone(struct world *w, const char *name, int at_minutes, unsigned working_days, int n_years)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int32_t first = day_of(2026, 1, 1), end = day_of(2026 + n_years, 1, 1);
	const struct zone *zone;
	size_t n = 0;

	ASSERT_OK(zone_open(a, name, &zone, &err));
	*w = (struct world){ .owner = { "o@acme.example", { zone, at_minutes, working_days, NULL, 0 }, DAY_NONE },
		                 .first_on = first - 3, .open_on = DAY_NONE, .now = ((int64_t)first - 2) * 86400,
		                 .tick_at = INSTANT_NONE, .dice = (uint64_t)at_minutes };
	run(w, ((int64_t)end + 2) * 86400);
	for (int32_t day = first; day < end; day++) {
		bool is_working = working_days & 1u << day_weekday(day);
		size_t at = (size_t)(day - w->first_on);

		if (w->sent[at] != is_working || w->opened[at] != is_working)
			fail_msg("%s %s at %d: %d digests", name, day_text(work, day), at_minutes, w->sent[at]);
		n += is_working;
	}
	if (w->n_missed)
		fail_msg("%s at %d: %zu missed", name, at_minutes, w->n_missed);
	return n;
}

static void every_working_day_in_every_zone_has_exactly_one_digest(void **state)
{
	static const int times[] = { 30, 150, 480 };
	static const unsigned weeks[] = { 0x1f, 0x4f, 0x6f }; /* without Sat-Sun, Fri-Sat, and Fri alone */
	size_t step = is_heavy() ? 1 : n_names / SAMPLE + 1, n = 0, n_digests = 0, n_looks = 0;
	struct world *w = test_calloc(1, sizeof *w);

	(void)state;
	if (n_names < 300)
		skip();
	for (size_t i = 0; i < n_names; i += step, n++)
		for (size_t t = 0; t < ARRAY_LEN(times); t++) {
			n_digests += check_zone(w, names[i], times[t], weeks[(i + t) % ARRAY_LEN(weeks)], is_heavy() ? 5 : 1);
			n_looks += w->n_looks;
		}
	print_message("%zu of %zu zones, %zu digests, %zu looks\n", n, n_names, n_digests, n_looks);
	test_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_working_day_in_every_zone_has_exactly_one_digest),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
