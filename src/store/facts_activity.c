/* The days of activity of every account of the base, for what one account is compared with: a row of a block is walked
 * over as a whole, see usage_weeks.h. */
#include <endian.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "facts_parts.h"
#include "store/facts_walk.h"
#include "store/usage_ahead.h"
#include "usage_block.h"
#include "usage_weeks.h"

enum {
	REPORTED_WITHIN_DAYS = 90, RHYTHM_DAYS = 180,
	SIZE_SAMPLE = 2000, /* accounts are enough to know how big the days are */
	MANY_BLOCKS = 8,    /* fewer are walked over sooner than a further process is of use */
};

/* What is known of a block once it was walked over. */
struct walked {
	struct fact_days days; /* of late, on which any member reported */
	int32_t last_on;
	uint32_t n_reported;
};

/* Behind what all processes share lie, for each of them: the blocks, what their members used by metric and age, the
 * sizes of days by metric and age, the days of activity and the days gone by member. */
struct facts_walk {
	struct fact_member *members;
	size_t n_members, n_blocks, *firsts; /* firsts: of each block, by place; the last is behind the last member */
	void *shared; size_t len;
	atomic_size_t *next; /* the next block that nobody has taken */
	struct walked *blocks;
	double *used;
	struct fact_size *sizes;
	struct fact_days *active;
	int *gone;
};

/* One block of accounts. */
struct activity {
	uint16_t rows[WEEK_DAYS][USAGE_BLOCK];
	uint8_t weeks[FACTS_WEEKS][USAGE_BLOCK];  /* active days */
	uint16_t reported[USAGE_BLOCK];           /* of late: all bits of it */
	uint16_t members[USAGE_BLOCK];            /* all bits of those who are */
	int n;                                    /* places up to the last member */
	int stride;                               /* every so many accounts count for the sizes of days */
	int64_t block;
	int32_t as_of;
	struct walked *out;
};

static void note_reported(struct activity *x, const uint16_t *row, int32_t day, int age)
{
	if (age >= RHYTHM_DAYS && day <= x->out->last_on)
		return;
	if (age < REPORTED_WITHIN_DAYS)
		usage_row_join(row, (size_t)x->n, x->reported);
	if (!usage_row_bits(row, x->members, (size_t)x->n))
		return;
	if (age < RHYTHM_DAYS)
		fact_days_add(&x->out->days, age);
	if (day > x->out->last_on)
		x->out->last_on = day;
}

/* With some that cells can't hold. */
static int add_large(const struct activity *x, struct db *db, const uint16_t *row, int32_t day,
                     const struct fact_metric *metric, double *out, struct err *err)
{
	double scale = metric->scale > 0 ? metric->scale : 1;
	int64_t sum = 0;

	for (int i = 0; i < x->n; i++) {
		uint16_t cell = le16toh(row[i]);
		int64_t value = (int64_t)cell - 1;

		if (!cell || !x->members[i])
			continue;
		if (cell == USAGE_EXCEPTION) {
			if (usage_exception_get(db, metric->id, day, x->block * USAGE_BLOCK + i, &value, err) < 0)
				return -1;
			*out += (double)value / scale;
		} else {
			sum += value;
		}
	}
	*out += (double)sum / scale;
	return 0;
}

/* What the members of the block used that day. */
static int add_used(const struct activity *x, struct db *db, const uint16_t *row, int32_t day,
                    const struct fact_metric *metric, double *out, struct err *err)
{
	double scale = metric->scale > 0 ? metric->scale : 1;

	if (usage_row_is_large(row, x->members, (size_t)x->n))
		return add_large(x, db, row, day, metric, out, err);
	*out = (double)usage_row_sum(row, x->members, (size_t)x->n) / scale;
	return 0;
}

/* Eight times the logarithm to base 2, in whole steps: the place of the first bit and the three bits behind it. */
static int size_of(unsigned value)
{
	int place = 31 - __builtin_clz(value);

	return FACTS_SIZE_STEPS * place + (int)((place >= 3 ? value >> (place - 3) : value << (3 - place)) & 7);
}

/* How big the day was, over a sample of the members; beyond what a cell holds counts as the most that it holds. */
static void add_sizes(const struct activity *x, const uint16_t *row, struct fact_size *io)
{
	struct fact_size size = { 0, 0 };

	for (int i = 0; i < x->n; i += x->stride) {
		unsigned cell = le16toh(row[i]);

		if (cell < 2 || !x->members[i])
			continue;
		size.sum += size_of(cell - 1);
		size.n++;
	}
	(void)__atomic_fetch_add(&io->sum, size.sum, __ATOMIC_RELAXED);
	(void)__atomic_fetch_add(&io->n, size.n, __ATOMIC_RELAXED);
}

/* A day into its row; returns 1 when there is a block of it. */
static int read_row(struct activity *x, struct db *db, int32_t metric, int32_t day, int64_t block, uint16_t *row,
                    struct err *err)
{
	int len = day < 0 ? 0 : usage_block_load(db, metric, day, block, (uint8_t *)row, err);

	if (len == 0)
		memset(row, 0, sizeof x->rows[0]);
	return len < 0 ? -1 : len > 0;
}

static int read_day(struct activity *x, struct db *db, int age, const struct fact_metric *metric,
                    struct fact_size *sizes, double *used, struct err *err)
{
	uint16_t *row = x->rows[age % WEEK_DAYS];
	int32_t day = x->as_of - age;
	int rc = read_row(x, db, metric->id, day, x->block, row, err);

	if (rc <= 0)
		return rc;
	note_reported(x, row, day, age);
	if (age < FACTS_SIZE_DAYS)
		add_sizes(x, row, &sizes[age]);
	if (age < FACT_SHARE_DAYS && add_used(x, db, row, day, metric, &used[age], err) < 0)
		return -1;
	return 1;
}

static int read_metric(struct activity *x, struct db *db, const struct fact_metric *metric, struct fact_size *sizes,
                       double *used, struct err *err)
{
	for (int week = 0; week < FACTS_WEEKS; week++) {
		bool is_any = false;

		for (int age = week * WEEK_DAYS; age < (week + 1) * WEEK_DAYS; age++) {
			int rc = read_day(x, db, age, metric, sizes, used, err);

			if (rc < 0)
				return -1;
			is_any = is_any || rc;
		}
		if (is_any && metric->is_activity)
			usage_week_join(x->rows[0], USAGE_BLOCK, (size_t)x->n, x->weeks[week]);
	}
	return 0;
}

static int is_told_before(struct db *db, int32_t metric, int32_t from, int32_t to, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT 1 FROM usage_block WHERE id BETWEEN (:metric << 40) + "
	                                                "(:from << 20) AND (:metric << 40) + (:to << 20) + 1048575 LIMIT 1");

	bind_int(q, ":metric", metric);
	bind_int(q, ":from", from > 0 ? from : 0);
	bind_int(q, ":to", to > 0 ? to : 0);
	return stmt_step(q, err);
}

/* Since when those are gone of whom the window shows nothing: who was in use once has fallen silent, who never was is
 * not known. One metric at a time, back to twice the window. */
static int find_gone(struct activity *x, struct db *db, int32_t metric, const struct facts_walk *w, size_t from,
                     size_t end, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	size_t *missed = arena_array(a, end - from, sizeof *missed), n_missed = 0, n_left;
	const uint16_t *row = x->rows[0];

	for (size_t i = from; i < end; i++)
		if (fact_days_last(&w->active[i]) < 0)
			missed[n_missed++] = i;
	for (int age = FACTS_DAYS; age < 2 * FACTS_DAYS && age <= x->as_of && n_missed; age++) {
		int rc = read_row(x, db, metric, x->as_of - age, x->block, x->rows[0], err);

		if (rc < 0)
			return -1;
		n_left = 0;
		for (size_t k = 0; k < n_missed; k++) {
			size_t i = missed[k];

			if (le16toh(row[w->members[i].id % USAGE_BLOCK]) < 2)
				missed[n_left++] = i;
			else if (!w->gone[i] || age < w->gone[i])
				w->gone[i] = age;
		}
		n_missed = n_left;
	}
	return 0;
}

static int find_gone_by_all(struct activity *x, struct db *db, const struct fact_base *base, size_t from, size_t end,
                            struct err *err)
{
	for (size_t m = 0; m < base->n_metrics; m++) {
		int32_t metric = base->metrics[m].id, to = base->as_of - FACTS_DAYS;
		int rc;

		if (!base->metrics[m].is_activity)
			continue;
		rc = is_told_before(db, metric, to - FACTS_DAYS + 1, to, err);
		if (rc < 0 || (rc > 0 && find_gone(x, db, metric, base->walk, from, end, err) < 0))
			return err_in(err, "usage of earlier");
	}
	return 0;
}

static uint32_t n_reported(const struct activity *x)
{
	uint32_t n = 0;

	for (int i = 0; i < x->n; i++)
		n += (x->reported[i] & x->members[i]) != 0;
	return n;
}

static void note_active(const struct activity *x, const struct fact_member *members, size_t from, size_t end,
                        struct fact_days *out)
{
	struct fact_days some[USAGE_ABREAST];
	int64_t turned = -1;

	for (size_t i = from; i < end; i++) {
		int64_t place = members[i].id % USAGE_BLOCK, lane = place % USAGE_ABREAST;

		if (place - lane != turned)
			usage_weeks_days(&x->weeks[0][place - lane], USAGE_BLOCK, some);
		turned = place - lane;
		out[i] = some[lane];
	}
}

static int walk_block(struct activity *x, struct db *db, const struct fact_base *base, size_t which, struct err *err)
{
	const struct facts_walk *w = base->walk;
	size_t from = w->firsts[which], end = w->firsts[which + 1];

	memset(x, 0, sizeof *x);
	x->stride = 1 + (int)(base->n_members / SIZE_SAMPLE);
	x->block = w->members[from].id / USAGE_BLOCK;
	x->n = (int)(w->members[end - 1].id % USAGE_BLOCK) + 1;
	x->as_of = base->as_of;
	x->out = &w->blocks[which];
	x->out->last_on = DAY_NONE;
	for (size_t i = from; i < end; i++)
		x->members[w->members[i].id % USAGE_BLOCK] = UINT16_MAX;
	for (size_t m = 0; m < base->n_metrics; m++)
		if (read_metric(x, db, &base->metrics[m], w->sizes + m * FACTS_SIZE_DAYS,
		                w->used + (which * base->n_metrics + m) * FACT_SHARE_DAYS, err) < 0)
			return err_in(err, "usage");
	note_active(x, w->members, from, end, w->active);
	x->out->n_reported = n_reported(x);
	return find_gone_by_all(x, db, base, from, end, err);
}

pid_t facts_base_ahead(const struct fact_base *base, const char *database)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct facts_walk *w = base->walk;
	int64_t *blocks = arena_array(a, w->n_blocks + 1, sizeof *blocks);
	int32_t *metrics = arena_array(a, base->n_metrics + 1, sizeof *metrics);
	const struct usage_ahead plan = { .database = database, .metrics = metrics, .n_metrics = base->n_metrics,
		.from = base->as_of - FACTS_DAYS + 1, .to = base->as_of, .blocks = blocks, .n_blocks = w->n_blocks,
		.next = w->next };

	if (w->n_blocks < MANY_BLOCKS)
		return 0;
	for (size_t i = 0; i < w->n_blocks; i++)
		blocks[i] = w->members[w->firsts[i]].id / USAGE_BLOCK;
	for (size_t m = 0; m < base->n_metrics; m++)
		metrics[m] = base->metrics[m].id;
	return usage_ahead_start(&plan);
}

int facts_base_walk(struct db *db, const struct fact_base *base, struct err *err)
{
	CLEANUP(arena_freep) struct arena *own = arena_new(0);
	struct activity *x = arena_alloc(own, sizeof *x);
	size_t which;

	while ((which = atomic_fetch_add(base->walk->next, 1)) < base->walk->n_blocks)
		if (walk_block(x, db, base, which, err) < 0)
			return err_in(err, "facts of the base");
	return 0;
}

/* Room for n of a kind behind what is there already; returns where. */
static size_t room_for(size_t *len, size_t n, size_t size)
{
	size_t at = *len;

	*len = (at + n * size + 63) / 64 * 64;
	return at;
}

static int share(struct facts_walk *w, size_t n_metrics, struct err *err)
{
	size_t len = 0, next = room_for(&len, 1, sizeof *w->next), blocks = room_for(&len, w->n_blocks, sizeof *w->blocks);
	size_t used = room_for(&len, w->n_blocks * n_metrics * FACT_SHARE_DAYS, sizeof *w->used);
	size_t sizes = room_for(&len, n_metrics * FACTS_SIZE_DAYS, sizeof *w->sizes);
	size_t active = room_for(&len, w->n_members + 1, sizeof *w->active);
	size_t gone = room_for(&len, w->n_members + 1, sizeof *w->gone);
	char *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return err_errno(err, ERR_RETRY, "shared memory");
	w->shared = at;
	w->len = len;
	w->next = (atomic_size_t *)(void *)(at + next);
	w->blocks = (struct walked *)(void *)(at + blocks);
	w->used = (double *)(void *)(at + used);
	w->sizes = (struct fact_size *)(void *)(at + sizes);
	w->active = (struct fact_days *)(void *)(at + active);
	w->gone = (int *)(void *)(at + gone);
	return 0;
}

void facts_walk_free(struct facts_walk *w)
{
	if (w && w->shared)
		(void)munmap(w->shared, w->len);
	if (w)
		w->shared = NULL;
}

static void free_walk(void *walk)
{
	facts_walk_free(walk);
}

int facts_walk_begin(struct fact_base *io, struct fact_member *members, struct arena *a, struct err *err)
{
	struct facts_walk *w = arena_alloc(a, sizeof *w);
	size_t n = 0;

	*w = (struct facts_walk){ .members = members, .n_members = io->n_members };
	for (size_t i = 0; i < io->n_members; i++)
		n += !i || members[i].id / USAGE_BLOCK != members[i - 1].id / USAGE_BLOCK;
	w->firsts = arena_array(a, n + 1, sizeof *w->firsts);
	for (size_t i = 0; i < io->n_members; i++)
		if (!i || members[i].id / USAGE_BLOCK != members[i - 1].id / USAGE_BLOCK)
			w->firsts[w->n_blocks++] = i;
	w->firsts[w->n_blocks] = io->n_members;
	io->walk = w;
	arena_on_free(a, free_walk, w);
	return share(w, io->n_metrics, err);
}

void facts_walk_end(struct fact_base *io, struct arena *a)
{
	struct fact_metric *metrics = arena_memdup(a, io->metrics, io->n_metrics * sizeof *metrics);
	const struct facts_walk *w = io->walk;

	io->reports.last_on = DAY_NONE;
	for (size_t b = 0; b < w->n_blocks; b++) {
		const struct walked *block = &w->blocks[b];

		if (block->last_on > io->reports.last_on)
			io->reports.last_on = block->last_on;
		for (size_t i = 0; i < ARRAY_LEN(block->days.words); i++)
			io->reports.days.words[i] |= block->days.words[i];
		io->reports.n += block->n_reported;
		for (size_t m = 0; m < io->n_metrics; m++)
			for (size_t age = 0; age < FACT_SHARE_DAYS; age++)
				metrics[m].used += w->used[(b * io->n_metrics + m) * FACT_SHARE_DAYS + age];
	}
	for (size_t m = 0; m < io->n_metrics; m++)
		metrics[m].sizes = arena_memdup(a, w->sizes + m * FACTS_SIZE_DAYS, FACTS_SIZE_DAYS * sizeof *w->sizes);
	for (size_t i = 0; i < io->n_members; i++)
		w->members[i].gone_days = w->gone[i];
	io->metrics = metrics;
	io->active = w->active;
}
