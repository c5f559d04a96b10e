/* The days of activity of every account of the base, for what one account is compared with: a row of a block is walked
 * over as a whole, see usage_weeks.h. */
#include <endian.h>
#include <string.h>

#include "facts_parts.h"
#include "usage_block.h"
#include "usage_weeks.h"

enum {
	REPORTED_WITHIN_DAYS = 90, RHYTHM_DAYS = 180,
	SIZE_SAMPLE = 2000, /* accounts are enough to know how big the days are */
};

/* One block of accounts. */
struct activity {
	uint16_t rows[WEEK_DAYS][USAGE_BLOCK];
	uint32_t weeks[FACTS_WEEKS][USAGE_BLOCK]; /* active days */
	uint16_t reported[USAGE_BLOCK];           /* of late: all bits of it */
	uint16_t members[USAGE_BLOCK];            /* all bits of those who are */
	int32_t last_on;
	int stride;                               /* every so many accounts count for the sizes of days */
	struct fact_days *days; /* on which any member of the base reported, of late */
};

static void note_reported(struct activity *x, const uint16_t *row, int32_t day, int age)
{
	if (age >= RHYTHM_DAYS && day <= x->last_on)
		return;
	if (age < REPORTED_WITHIN_DAYS)
		usage_row_join(row, USAGE_BLOCK, x->reported);
	if (!usage_row_bits(row, x->members, USAGE_BLOCK))
		return;
	if (age < RHYTHM_DAYS)
		fact_days_add(x->days, age);
	if (day > x->last_on)
		x->last_on = day;
}

/* With some that cells can't hold. */
static int add_large(const struct activity *x, struct db *db, const uint16_t *row, int32_t day, int64_t block,
                     struct fact_metric *metric, struct err *err)
{
	double scale = metric->scale > 0 ? metric->scale : 1;
	int64_t sum = 0;

	for (int i = 0; i < USAGE_BLOCK; i++) {
		uint16_t cell = le16toh(row[i]);
		int64_t value = (int64_t)cell - 1;

		if (!cell || !x->members[i])
			continue;
		if (cell == USAGE_EXCEPTION) {
			if (usage_exception_get(db, metric->id, day, block * USAGE_BLOCK + i, &value, err) < 0)
				return -1;
			metric->used += (double)value / scale;
		} else {
			sum += value;
		}
	}
	metric->used += (double)sum / scale;
	return 0;
}

/* What the members of the block used that day, into the metric's sum. */
static int add_used(const struct activity *x, struct db *db, const uint16_t *row, int32_t day, int64_t block,
                    struct fact_metric *metric, struct err *err)
{
	double scale = metric->scale > 0 ? metric->scale : 1;

	if (usage_row_bits(row, x->members, USAGE_BLOCK) == USAGE_EXCEPTION)
		return add_large(x, db, row, day, block, metric, err);
	metric->used += (double)usage_row_sum(row, x->members, USAGE_BLOCK) / scale;
	return 0;
}

/* Eight times the logarithm to base 2, in whole steps: the place of the first bit and the three bits behind it. */
static int size_of(unsigned value)
{
	int place = 31 - __builtin_clz(value);

	return FACTS_SIZE_STEPS * place + (int)((place >= 3 ? value >> (place - 3) : value << (3 - place)) & 7);
}

/* How big the day was, over a sample of the members; beyond what a cell holds counts as the most that it holds. */
static void add_sizes(const struct activity *x, const uint16_t *row, struct fact_size *size)
{
	for (int i = 0; i < USAGE_BLOCK; i += x->stride) {
		unsigned cell = le16toh(row[i]);

		if (cell < 2 || !x->members[i])
			continue;
		size->sum += size_of(cell - 1);
		size->n++;
	}
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

static int read_day(struct activity *x, struct db *db, int32_t day, int age, int64_t block, struct fact_metric *metric,
                    struct err *err)
{
	uint16_t *row = x->rows[age % WEEK_DAYS];
	int rc = read_row(x, db, metric->id, day, block, row, err);

	if (rc <= 0)
		return rc;
	note_reported(x, row, day, age);
	if (age < FACTS_SIZE_DAYS)
		add_sizes(x, row, &metric->sizes[age]);
	if (age < FACT_SHARE_DAYS && add_used(x, db, row, day, block, metric, err) < 0)
		return -1;
	return 1;
}

static int read_metric(struct activity *x, struct db *db, int32_t as_of, int64_t block, struct fact_metric *metric,
                       struct err *err)
{
	for (int week = 0; week < FACTS_WEEKS; week++) {
		bool is_any = false;

		for (int age = week * WEEK_DAYS; age < (week + 1) * WEEK_DAYS; age++) {
			int rc = read_day(x, db, as_of - age, age, block, metric, err);

			if (rc < 0)
				return -1;
			is_any = is_any || rc;
		}
		if (is_any && metric->is_activity)
			usage_week_join(x->rows[0], USAGE_BLOCK, USAGE_BLOCK, x->weeks[week]);
	}
	return 0;
}

static void hand_out(const struct activity *x, const struct fact_member *members, size_t n, struct fact_days *out)
{
	for (size_t i = 0; i < n; i++)
		usage_weeks_days(&x->weeks[0][members[i].id % USAGE_BLOCK], USAGE_BLOCK, &out[i]);
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
static int find_gone(struct activity *x, struct db *db, int32_t metric, int32_t as_of, int64_t block,
                     struct fact_member *members, const struct fact_days *active, size_t n, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct fact_member **missed = arena_array(a, n, sizeof *missed);
	const uint16_t *row = x->rows[0];
	size_t n_missed = 0, n_left;

	for (size_t i = 0; i < n; i++)
		if (fact_days_last(&active[i]) < 0)
			missed[n_missed++] = &members[i];
	for (int age = FACTS_DAYS; age < 2 * FACTS_DAYS && age <= as_of && n_missed; age++) {
		int rc = read_row(x, db, metric, as_of - age, block, x->rows[0], err);

		if (rc < 0)
			return -1;
		n_left = 0;
		for (size_t i = 0; i < n_missed; i++) {
			struct fact_member *member = missed[i];

			if (le16toh(row[member->id % USAGE_BLOCK]) < 2)
				missed[n_left++] = member;
			else if (!member->gone_days || age < member->gone_days)
				member->gone_days = age;
		}
		n_missed = n_left;
	}
	return 0;
}

static int find_gone_by_all(struct activity *x, struct db *db, const struct fact_base *base, int64_t block,
                            struct fact_member *members, const struct fact_days *active, size_t n, struct err *err)
{
	for (size_t m = 0; m < base->n_metrics; m++) {
		int32_t metric = base->metrics[m].id, to = base->as_of - FACTS_DAYS;
		int rc;

		if (!base->metrics[m].is_activity)
			continue;
		rc = is_told_before(db, metric, to - FACTS_DAYS + 1, to, err);
		if (rc < 0 || (rc > 0 && find_gone(x, db, metric, base->as_of, block, members, active, n, err) < 0))
			return err_in(err, "usage of earlier");
	}
	return 0;
}

static size_t n_reported(const struct activity *x)
{
	size_t n = 0;

	for (int i = 0; i < USAGE_BLOCK; i++)
		n += (x->reported[i] & x->members[i]) != 0;
	return n;
}

int facts_load_activity(struct db *db, struct fact_base *base, struct fact_member *members, struct arena *a,
                        int32_t *out_last_on, struct fact_days *out_days, size_t *out_n, struct err *err)
{
	struct fact_metric *metrics = arena_memdup(a, base->metrics, base->n_metrics * sizeof *metrics);
	CLEANUP(arena_freep) struct arena *own = arena_new(0);
	struct activity *x = arena_alloc(own, sizeof *x);
	struct fact_days *active = arena_array(base->of_days, base->n_members + 1, sizeof *active);
	int32_t last_on = DAY_NONE;
	size_t n = 0;

	for (size_t m = 0; m < base->n_metrics; m++)
		metrics[m].sizes = arena_array(a, FACTS_SIZE_DAYS, sizeof *metrics[m].sizes);
	for (size_t at = 0, end; at < base->n_members; at = end) {
		int64_t block = members[at].id / USAGE_BLOCK;

		memset(x, 0, sizeof *x);
		x->last_on = last_on;
		x->stride = 1 + (int)(base->n_members / SIZE_SAMPLE);
		x->days = out_days;
		for (end = at; end < base->n_members && members[end].id / USAGE_BLOCK == block; end++)
			x->members[members[end].id % USAGE_BLOCK] = UINT16_MAX;
		for (size_t m = 0; m < base->n_metrics; m++)
			if (read_metric(x, db, base->as_of, block, &metrics[m], err) < 0)
				return err_in(err, "usage");
		hand_out(x, members + at, end - at, active + at);
		if (find_gone_by_all(x, db, base, block, members + at, active + at, end - at, err) < 0)
			return -1;
		last_on = x->last_on;
		n += n_reported(x);
	}
	base->metrics = metrics;
	base->active = active;
	*out_last_on = last_on;
	*out_n = n;
	return 0;
}
