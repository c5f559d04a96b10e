#include "usage_window.h"

#include <endian.h>
#include <string.h>

#include "common/heap.h"
#include "usage_block.h"
#include "usage_weeks.h"

enum { MAX_BYTES = 32 << 20 };

struct usage_window {
	struct arena *arena;
	int32_t as_of;
	const struct fact_metric *metrics;
	size_t n_metrics;
	int room, cap;   /* accounts: at most, and as allocated */
	int64_t first;
	int n;           /* accounts held */
	uint16_t *cells; /* by metric, age and account */
	uint32_t *weeks; /* by metric, week and account */
	struct turned *turned; /* by metric: of the accounts from `at` on, -1: of none */
	ptrdiff_t at;
};

/* What one metric comes to for accounts side by side. */
struct turned {
	struct fact_series series[USAGE_ABREAST];
	uint32_t bits[USAGE_ABREAST];
};

int usage_window_room(const struct usage_window *w)
{
	return w->room;
}

struct usage_window *usage_window_new(int32_t as_of, const struct fact_metric *metrics, size_t n, struct arena *a)
{
	struct usage_window *w = arena_alloc(a, sizeof *w);
	size_t each = n * (FACTS_DAYS * sizeof *w->cells + FACTS_WEEKS * sizeof *w->weeks);
	size_t walks = (each * USAGE_BLOCK + MAX_BYTES - 1) / MAX_BYTES;

	w->arena = a;
	w->as_of = as_of;
	w->metrics = metrics;
	w->n_metrics = n;
	w->turned = arena_array(a, n + 1, sizeof *w->turned);
	w->room = walks ? (int)((USAGE_BLOCK + walks - 1) / walks) : USAGE_BLOCK;
	return w;
}

static uint16_t *cells_of(const struct usage_window *w, size_t metric, int age)
{
	return w->cells + (metric * FACTS_DAYS + (size_t)age) * (size_t)w->n;
}

static uint32_t *weeks_of(const struct usage_window *w, size_t metric, int week)
{
	return w->weeks + (metric * FACTS_WEEKS + (size_t)week) * (size_t)w->n;
}

/* Returns 1 when there was such a block. */
static int read_day(struct usage_window *w, struct db *db, size_t metric, int age, struct err *err)
{
	uint16_t *cells = cells_of(w, metric, age);
	int64_t block = w->first / USAGE_BLOCK;
	int32_t id = w->metrics[metric].id, day = w->as_of - age;
	int rc = 0;

	if (day >= 0 && w->n == USAGE_BLOCK)
		rc = usage_block_load(db, id, day, block, (uint8_t *)cells, err);
	else if (day >= 0)
		rc = usage_block_load_part(db, id, day, block, (size_t)(w->first % USAGE_BLOCK), (size_t)w->n,
		                           (uint8_t *)cells, err);
	if (rc == 0)
		memset(cells, 0, (size_t)w->n * sizeof *cells);
	return rc < 0 ? -1 : rc > 0;
}

static int read_week(struct usage_window *w, struct db *db, size_t metric, int week, struct err *err)
{
	uint32_t *sums = weeks_of(w, metric, week);
	bool is_any = false;

	for (int d = 0; d < WEEK_DAYS; d++) {
		int rc = read_day(w, db, metric, week * WEEK_DAYS + d, err);

		if (rc < 0)
			return -1;
		is_any = is_any || rc;
	}
	if (is_any)
		usage_week_add_up(cells_of(w, metric, week * WEEK_DAYS), (size_t)w->n, (size_t)w->n, sums);
	else
		memset(sums, 0, (size_t)w->n * sizeof *sums);
	return 0;
}

static void make_room(struct usage_window *w, int n)
{
	if (n > w->cap) {
		w->cells = heap_array(w->arena, (size_t)n * w->n_metrics * FACTS_DAYS, sizeof *w->cells);
		w->weeks = heap_array(w->arena, (size_t)n * w->n_metrics * FACTS_WEEKS + USAGE_ABREAST, sizeof *w->weeks);
	}
	w->cap = n > w->cap ? n : w->cap;
}

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int usage_window_seek(struct usage_window *w, struct db *db, int64_t first, int64_t last, int64_t until,
                      struct err *err)
{
	int64_t block = first - first % USAGE_BLOCK;

	if (last >= block + USAGE_BLOCK || last - first >= w->room)
		die("usage of accounts %lld to %lld at once", (long long)first, (long long)last);
	if (first >= w->first && last < w->first + w->n)
		return 0;
	if (until > last) {
		first = w->room == USAGE_BLOCK ? block : first;
		last = least_of(least_of(until, block + USAGE_BLOCK - 1), first + w->room - 1);
	}
	make_room(w, (int)(last - first + 1));
	w->first = first;
	w->n = (int)(last - first + 1);
	w->at = -1;
	for (size_t m = 0; m < w->n_metrics; m++)
		for (int week = 0; week < FACTS_WEEKS; week++)
			if (read_week(w, db, m, week, err) < 0) {
				w->n = 0;
				return -1;
			}
	return 0;
}

/* With values that cells can't hold. */
static int read_large(const struct usage_window *w, struct db *db, size_t metric, int64_t account, struct arena *a,
                      const struct fact_series **out, struct err *err)
{
	const uint16_t *cells = cells_of(w, metric, 0) + (account - w->first);
	int64_t *values = arena_array(a, FACTS_DAYS, sizeof *values);

	for (int age = 0; age < FACTS_DAYS; age++) {
		uint16_t cell = le16toh(cells[(size_t)age * (size_t)w->n]);

		values[age] = cell ? (int64_t)cell - 1 : USAGE_NONE;
		if (cell == USAGE_EXCEPTION &&
		    usage_exception_get(db, w->metrics[metric].id, w->as_of - age, account, &values[age], err) < 0)
			return -1;
	}
	*out = fact_series_make(values, a);
	return 0;
}

static const uint16_t *copied(const uint16_t *cells, size_t step, struct arena *a)
{
	uint16_t *copy = arena_array(a, FACTS_DAYS, sizeof *copy);

	for (size_t age = 0; age < FACTS_DAYS; age++)
		copy[age] = cells[age * step];
	return copy;
}

/* The accounts around place: whoever comes next has been turned with it. Some may lie behind the last one: what comes
 * of them nobody asks for. */
static void turn(struct usage_window *w, size_t place)
{
	size_t at = place - place % USAGE_ABREAST;

	if (w->at == (ptrdiff_t)at)
		return;
	for (size_t m = 0; m < w->n_metrics; m++)
		usage_weeks_turn(weeks_of(w, m, 0) + at, (size_t)w->n, w->turned[m].series, w->turned[m].bits);
	w->at = (ptrdiff_t)at;
}

int usage_window_series(struct usage_window *w, struct db *db, int64_t account, bool is_copied, struct arena *a,
                        const struct fact_series **out, struct err *err)
{
	size_t place = (size_t)(account - w->first), step = (size_t)w->n, lane = place % USAGE_ABREAST;

	turn(w, place);
	for (size_t m = 0; m < w->n_metrics; m++) {
		const uint16_t *cells = cells_of(w, m, 0) + place;
		uint32_t bits = w->turned[m].bits[lane];
		struct fact_series *series;

		if (!bits)
			continue;
		if (bits & WEEK_IS_LARGE) {
			if (read_large(w, db, m, account, a, &out[m], err) < 0)
				return -1;
			continue;
		}
		series = arena_memdup(a, &w->turned[m].series[lane], sizeof *series);
		series->cells = is_copied ? copied(cells, step, a) : cells;
		series->step = is_copied ? 1 : step;
		out[m] = series;
	}
	return 0;
}
