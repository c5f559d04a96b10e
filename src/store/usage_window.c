#include "usage_window.h"

#include <string.h>

#include "usage_block.h"

enum {
	MAX_BYTES = 32 << 20, /* of cells turned around */
	TILE = 32,            /* days turned at once: what is read for them stays in the processor's cache */
	ROW_BYTES = USAGE_BLOCK_BYTES + 64, /* rows a power of two apart would all want the same place there */
};
_Static_assert(FACTS_DAYS % TILE == 0, "whole tiles");

struct usage_window {
	struct arena *arena;
	int32_t as_of;
	const struct fact_metric *metrics;
	size_t n_metrics;
	int room, cap;   /* accounts: at most, and as allocated */
	int64_t first;
	int n;           /* accounts held */
	uint16_t *cells; /* by account, metric and age */
	uint8_t *tile;   /* TILE rows of a block each */
};

int usage_window_room(const struct usage_window *w)
{
	return w->room;
}

struct usage_window *usage_window_new(int32_t as_of, const struct fact_metric *metrics, size_t n, struct arena *a)
{
	struct usage_window *w = arena_alloc(a, sizeof *w);
	size_t each = n * FACTS_DAYS * sizeof *w->cells;
	size_t walks = (each * USAGE_BLOCK + MAX_BYTES - 1) / MAX_BYTES;

	w->arena = a;
	w->as_of = as_of;
	w->metrics = metrics;
	w->n_metrics = n;
	w->room = walks ? (int)((USAGE_BLOCK + walks - 1) / walks) : USAGE_BLOCK;
	return w;
}

static uint16_t *cells_of(const struct usage_window *w, int account, size_t metric)
{
	return w->cells + ((size_t)account * w->n_metrics + metric) * FACTS_DAYS;
}

static void turn_tile(struct usage_window *w, size_t metric, int age)
{
	int place = (int)(w->first % USAGE_BLOCK);

	for (int i = 0; i < w->n; i++) {
		uint16_t *to = cells_of(w, i, metric) + age;

		for (int d = 0; d < TILE; d++)
			to[d] = (uint16_t)usage_cell_at(w->tile + (size_t)d * ROW_BYTES, place + i);
	}
}

static int read_metric(struct usage_window *w, struct db *db, size_t metric, struct err *err)
{
	for (int age = 0; age < FACTS_DAYS; age += TILE) {
		for (int d = 0; d < TILE; d++) {
			uint8_t *to = w->tile + (size_t)d * ROW_BYTES;
			int32_t day = w->as_of - age - d;
			int len = day < 0 ? 0 :
				usage_block_load(db, w->metrics[metric].id, day, w->first / USAGE_BLOCK, to, err);

			if (len < 0)
				return -1;
			if (len == 0)
				memset(to, 0, USAGE_BLOCK_BYTES);
		}
		turn_tile(w, metric, age);
	}
	return 0;
}

static void make_room(struct usage_window *w, int n)
{
	if (!w->tile)
		w->tile = arena_array(w->arena, TILE, ROW_BYTES);
	if (n > w->cap)
		w->cells = arena_array(w->arena, (size_t)n * w->n_metrics * FACTS_DAYS, sizeof *w->cells);
	w->cap = n > w->cap ? n : w->cap;
}

int usage_window_seek(struct usage_window *w, struct db *db, int64_t first, int64_t last, bool reads_ahead,
                      struct err *err)
{
	int64_t end = (first / USAGE_BLOCK + 1) * USAGE_BLOCK; /* of the block */

	if (last >= end || last - first >= w->room)
		die("usage of accounts %lld to %lld at once", (long long)first, (long long)last);
	if (first >= w->first && last < w->first + w->n)
		return 0;
	w->n = 0;
	last = !reads_ahead ? last : end - first < w->room ? end - 1 : first + w->room - 1;
	make_room(w, (int)(last - first + 1));
	w->first = first;
	w->n = (int)(last - first + 1);
	for (size_t m = 0; m < w->n_metrics; m++)
		if (read_metric(w, db, m, err) < 0) {
			w->n = 0;
			return -1;
		}
	return 0;
}

/* The bits of all cells: none when nothing was reported, all when one may be an exception. */
static unsigned bits_of(const uint16_t *cells)
{
	uint16_t bits = 0;

	for (int age = 0; age < FACTS_DAYS; age++)
		bits |= cells[age];
	return bits;
}

int usage_window_series(const struct usage_window *w, struct db *db, int64_t account, struct arena *a, int64_t **out,
                        struct err *err)
{
	for (size_t m = 0; m < w->n_metrics; m++) {
		const uint16_t *cells = cells_of(w, (int)(account - w->first), m);
		unsigned bits = bits_of(cells);
		int64_t *series;

		if (!bits)
			continue;
		series = arena_array(a, FACTS_DAYS, sizeof *series);
		for (int age = 0; age < FACTS_DAYS; age++)
			series[age] = cells[age] ? (int64_t)cells[age] - 1 : USAGE_NONE;
		for (int age = 0; age < FACTS_DAYS && bits == USAGE_EXCEPTION; age++)
			if (cells[age] == USAGE_EXCEPTION &&
			    usage_exception_get(db, w->metrics[m].id, w->as_of - age, account, &series[age], err) < 0)
				return -1;
		out[m] = series;
	}
	return 0;
}
