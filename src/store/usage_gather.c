#include "store/usage_gather.h"

#include <string.h>
#include <unistd.h>

#include "usage_runs.h"

enum {
	FIRST_ROWS = 1 << 14,
	FEW_RUNS = 32,
	FEW_ROWS = 1 << 17,   /* gathered in memory, next to the processor, while runs are few */
	RUN_ROWS = 1 << 20,   /* gathered in memory once they are many */
	MAX_RUNS = 1 << 14,
	MEMORY_BYTES = 48 << 20, /* of runs; a day of some millions of accounts never gets to a disk */
	DIGIT_BITS = 11,
	FEW_ORIGINS = 256,    /* of one place, that are compared with one another */
	CELLS = 1 << 15       /* handed to the store at once, and up to a block more */
};

static const uint64_t account_mask = (1u << ACCOUNT_BITS) - 1, origin_mask = (1u << ORIGIN_BITS) - 1;
static const uint64_t most_value = (1ull << 40) - 1;
static const int64_t most_total = 1000000000000000000; /* as sums of usage end everywhere */

struct usage_gather {
	struct db *db;
	enum usage_merge merge;
	struct arena *self, *memory; /* memory: of the rows */
	struct gathered *rows, *room; /* room: to sort them */
	size_t n, cap, n_room;
	struct runs_file files[2]; /* the runs: in memory while they are few, then on disk */
	struct run_part *parts;
	size_t n_runs;
	bool is_storing;
	struct run *runs;
	size_t at;            /* in rows: what is stored already */
	int64_t n_gathered, n_taken; /* rows of different places or origins, of a run each; how many of them are stored */
};

int usage_gather_fits(struct db *db, struct err *err)
{
	int64_t last;

	return db_int(db, "SELECT max(id) FROM account", 0, &last, err) < 0 ? -1 : last < GATHER_ACCOUNTS;
}

void usage_gather_free(struct usage_gather *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < ARRAY_LEN(g->files); i++)
		if (g->files[i].fd >= 0)
			(void)close(g->files[i].fd);
	arena_free(g->memory);
	arena_free(g->self);
}

void usage_gather_freep(struct usage_gather **g)
{
	usage_gather_free(*g);
}

static void set_cap(struct usage_gather *g, size_t cap)
{
	struct arena *memory = arena_new(0);
	struct gathered *rows = arena_array(memory, cap, sizeof *rows);

	if (g->n)
		memcpy(rows, g->rows, g->n * sizeof *rows);
	arena_free(g->memory);
	g->memory = memory;
	g->rows = rows;
	g->cap = cap;
	g->n_room = 0;
}

struct usage_gather *usage_gather_new(struct db *db, enum usage_merge merge)
{
	struct arena *self = arena_new(0);
	struct usage_gather *g = arena_alloc(self, sizeof *g);

	*g = (struct usage_gather){ .db = db, .merge = merge, .self = self, .files = { { .fd = -1 }, { .fd = -1 } } };
	set_cap(g, FIRST_ROWS);
	return g;
}

/* order ------------------------------------------------------------------------------------------------------------ */

/* One digit of the origin, or of the place; stable. */
static void sort_digit(const struct gathered *from, struct gathered *to, size_t n, bool is_origin, int shift)
{
	size_t places[1 << DIGIT_BITS] = { 0 }, sum = 0;
	const uint64_t mask = (1u << DIGIT_BITS) - 1, origin = is_origin ? origin_mask : 0, place = is_origin ? 0 : ~0ull;

	for (size_t i = 0; i < n; i++)
		places[((from[i].place & place) | (from[i].value & origin)) >> shift & mask]++;
	for (size_t i = 0; i <= mask; i++) {
		size_t count = places[i];

		places[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[places[((from[i].place & place) | (from[i].value & origin)) >> shift & mask]++] = from[i];
}

static void need_room(struct usage_gather *g)
{
	if (g->n_room >= g->n)
		return;
	g->room = arena_array(g->memory, g->cap, sizeof *g->room);
	g->n_room = g->cap;
}

/* By those digits of the place, from shift on, in which rows differ. */
static void sort_by(struct usage_gather *g, uint64_t differs)
{
	while (differs) {
		int shift = __builtin_ctzll(differs);
		struct gathered *sorted = g->room;

		sort_digit(g->rows, sorted, g->n, false, shift);
		g->room = g->rows;
		g->rows = sorted;
		differs = shift + DIGIT_BITS < 64 ? differs >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS) : 0;
	}
}

/* In which bits of their places rows differ; 0 also where they are in order. */
static uint64_t find_differences(const struct usage_gather *g)
{
	uint64_t differs = 0;
	bool is_sorted = true;

	for (size_t i = 1; i < g->n; i++) {
		differs |= g->rows[i].place ^ g->rows[0].place;
		is_sorted = is_sorted && g->rows[i - 1].place <= g->rows[i].place;
	}
	return is_sorted ? 0 : differs;
}

/* By place; rows of one place stay in the order in which they came. A file has often its accounts in order, and each
 * with all that is known of it: then metrics and days put apart are in order. */
static void sort_rows(struct usage_gather *g)
{
	uint64_t differs = find_differences(g);

	if (!differs)
		return;
	need_room(g);
	sort_by(g, differs & ~account_mask);
	if (find_differences(g))
		sort_by(g, differs);
}

/* merging ---------------------------------------------------------------------------------------------------------- */

/* What two rows of one place and origin become. Returns false when that would be too large for one row. */
static bool merge_rows(enum usage_merge merge, struct gathered *kept, const struct gathered *later)
{
	uint64_t a = kept->value >> ORIGIN_BITS, b = later->value >> ORIGIN_BITS;

	if (merge == USAGE_LAST)
		a = b;
	else if (merge == USAGE_LARGEST)
		a = a > b ? a : b;
	else
		a += b;
	if (a > most_value)
		return false;
	kept->value = a << ORIGIN_BITS | (kept->value & origin_mask);
	return true;
}

/* Rows of one place by origin; those of one origin stay in the order in which they came. */
static void sort_origins(struct usage_gather *g, size_t from, size_t n)
{
	need_room(g);
	for (int shift = 0; shift < ORIGIN_BITS; shift += DIGIT_BITS) {
		sort_digit(g->rows + from, g->room, n, true, shift);
		memcpy(g->rows + from, g->room, n * sizeof *g->rows);
	}
}

/* The rows of one place, from and behind, become as few as they can at *io_out. */
static void merge_place(struct usage_gather *g, size_t from, size_t end, size_t *io_out)
{
	const size_t first = *io_out;
	const bool is_sorted = end - from > FEW_ORIGINS;

	if (is_sorted)
		sort_origins(g, from, end - from);
	for (size_t i = from; i < end; i++) {
		const struct gathered row = g->rows[i];
		size_t j = is_sorted && *io_out > first ? *io_out - 1 : first;

		for (; j < *io_out; j++)
			if (((g->rows[j].value ^ row.value) & origin_mask) == 0 && merge_rows(g->merge, &g->rows[j], &row))
				break;
		if (j == *io_out)
			g->rows[(*io_out)++] = row;
	}
}

/* One row for each place and origin, in place. */
static void merge_sorted(struct usage_gather *g)
{
	size_t out = 0, end;

	for (size_t i = 0; i < g->n; i = end) {
		for (end = i + 1; end < g->n && g->rows[end].place == g->rows[i].place; end++)
			;
		merge_place(g, i, end, &out);
	}
	g->n = out;
}

static void settle(struct usage_gather *g)
{
	sort_rows(g);
	merge_sorted(g);
}

/* adding ----------------------------------------------------------------------------------------------------------- */

/* Where the next run goes. */
static int open_file(struct usage_gather *g, struct runs_file **out, struct err *err)
{
	size_t i = g->files[0].end >= MEMORY_BYTES;

	*out = &g->files[i];
	if (g->files[i].fd >= 0)
		return 0;
	return i ? runs_on_disk(g->self, db_path(g->db), &g->files[i].fd, err) : runs_in_memory(&g->files[i].fd, err);
}

/* What is in memory becomes a run. */
static int spill(struct usage_gather *g, struct err *err)
{
	struct runs_file *to;
	off_t start;

	if (g->n_runs == MAX_RUNS)
		return err_set(err, ERR_INPUT, "has too many rows of usage for one file");
	if (!g->parts)
		g->parts = arena_array(g->self, MAX_RUNS, sizeof *g->parts);
	if (open_file(g, &to, err) < 0)
		return -1;
	start = to->end;
	settle(g);
	if (run_write(to->fd, g->rows, g->n, &to->end, err) < 0)
		return -1;
	g->parts[g->n_runs++] = (struct run_part){ to->fd, start, to->end };
	g->n_gathered += (int64_t)g->n;
	g->n = 0;
	return 0;
}

static int append(struct usage_gather *g, const struct gathered *row, struct err *err)
{
	if (g->n >= (g->n_runs < FEW_RUNS ? FEW_ROWS : RUN_ROWS) && !g->is_storing && spill(g, err) < 0)
		return -1;
	if (g->n == g->cap) {
		if (g->is_storing)
			settle(g); /* several runs may have rows of one place and origin */
		if (g->n > g->cap / 2)
			set_cap(g, 2 * g->cap);
	}
	g->rows[g->n++] = *row;
	return 0;
}

int usage_gather_add(struct usage_gather *g, const struct usage_cell *cell, uint32_t origin, struct err *err)
{
	const struct gathered row = {
		(uint64_t)cell->metric << (DAY_BITS + ACCOUNT_BITS) | (uint64_t)cell->day << ACCOUNT_BITS |
			(uint64_t)cell->account,
		(uint64_t)cell->value << ORIGIN_BITS | origin,
	};

	if (cell->account >= GATHER_ACCOUNTS || origin >= GATHER_ACCOUNTS || (uint64_t)cell->value > most_value ||
	    cell->day < 0 || cell->day >= 1 << DAY_BITS || cell->metric <= 0)
		die("usage of account %lld on day %d can't be gathered", (long long)cell->account, cell->day);
	return append(g, &row, err);
}

/* storing ---------------------------------------------------------------------------------------------------------- */

/* Behind the last place of the block that a place is in. */
static uint64_t block_end(uint64_t place)
{
	uint64_t end = ((place & account_mask) / USAGE_BLOCK + 1) * USAGE_BLOCK;

	return (place & ~account_mask) + (end <= account_mask ? end : account_mask + 1);
}

static int open_runs(struct usage_gather *g, struct err *err)
{
	if (g->n && spill(g, err) < 0)
		return -1;
	g->runs = arena_array(g->self, g->n_runs, sizeof *g->runs);
	for (size_t i = 0; i < g->n_runs; i++)
		if (run_open(&g->runs[i], &g->parts[i], g->self, err) < 0)
			return -1;
	return 0;
}

static int start_storing(struct usage_gather *g, struct err *err)
{
	if (g->n_runs && open_runs(g, err) < 0)
		return -1;
	if (!g->n_runs) {
		settle(g);
		g->n_gathered = (int64_t)g->n;
	}
	g->is_storing = true;
	return 0;
}

/* What a run has of the places before end. */
static int take_from(struct usage_gather *g, struct run *r, uint64_t end, struct err *err)
{
	for (; !r->is_over && r->now.place < end; g->n_taken++)
		if (append(g, &r->now, err) < 0 || run_next(r, err) < 0)
			return -1;
	return 0;
}

/* The rows of the next blocks of the runs, CELLS of them and up to a block more. */
static int take_blocks(struct usage_gather *g, struct err *err)
{
	g->n = g->at = 0;
	while (g->n < CELLS) {
		uint64_t first = UINT64_MAX;

		for (size_t i = 0; i < g->n_runs; i++)
			if (!g->runs[i].is_over && g->runs[i].now.place < first)
				first = g->runs[i].now.place;
		if (first == UINT64_MAX)
			break;
		for (size_t i = 0; i < g->n_runs; i++)
			if (take_from(g, &g->runs[i], block_end(first), err) < 0)
				return -1;
	}
	settle(g);
	return 0;
}

static void add_cell(struct usage_cell *cells, size_t *io_n, const struct gathered *row)
{
	struct usage_cell cell = { .metric = (int32_t)(row->place >> (DAY_BITS + ACCOUNT_BITS)),
		                       .day = (int32_t)(row->place >> ACCOUNT_BITS & ((1u << DAY_BITS) - 1)),
		                       .account = (int64_t)(row->place & account_mask),
		                       .value = (int64_t)(row->value >> ORIGIN_BITS) };
	struct usage_cell *last = *io_n ? &cells[*io_n - 1] : NULL;

	if (last && last->account == cell.account && last->day == cell.day && last->metric == cell.metric)
		last->value = last->value > most_total - cell.value ? most_total : last->value + cell.value;
	else
		cells[(*io_n)++] = cell;
}

/* The cells of whole blocks from g->at on. */
static size_t read_cells(struct usage_gather *g, struct usage_cell *cells)
{
	size_t n = 0;

	while (g->at < g->n && n < CELLS) {
		uint64_t end = block_end(g->rows[g->at].place);

		for (; g->at < g->n && g->rows[g->at].place < end; g->at++)
			add_cell(cells, &n, &g->rows[g->at]);
	}
	return n;
}

int usage_gather_store(struct usage_gather *g, size_t max_cells, int64_t *io_changed, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct usage_cell *cells = arena_array(a, CELLS + USAGE_BLOCK, sizeof *cells);
	size_t done = 0, n = 1;

	if (!g->is_storing && start_storing(g, err) < 0)
		return -1;
	while (done < max_cells && n) {
		int64_t changed;

		if (g->at == g->n && g->n_runs && take_blocks(g, err) < 0)
			return -1;
		n = read_cells(g, cells);
		if (!g->n_runs)
			g->n_taken = (int64_t)g->at;
		changed = n ? usage_put(g->db, cells, n, err) : 0;
		if (changed < 0)
			return -1;
		*io_changed += changed;
		done += n;
	}
	return n > 0;
}

double usage_gather_stored(const struct usage_gather *g)
{
	return g->n_gathered ? (double)g->n_taken / (double)g->n_gathered : 1;
}
