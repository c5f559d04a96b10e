/* The days of activity of every account of the base, for what one account is compared with. No value is looked at, only
 * whether there is one: 64 accounts of a day at once, by the bits of their packed cells. */
#include <endian.h>
#include <string.h>

#include "facts_parts.h"
#include "usage_block.h"

enum {
	REPORTED_WITHIN_DAYS = 90, RHYTHM_DAYS = 180,
	GROUP = 64, /* accounts in a word */
	N_GROUPS = USAGE_BLOCK / GROUP,
	GROUP_BYTES = GROUP * USAGE_CELL_BYTES,
	SIZE_SAMPLE = 2000, /* accounts are enough to know how big the days are */
};
_Static_assert(USAGE_BLOCK % GROUP == 0, "whole words");
_Static_assert(FACTS_DAYS % GROUP == 0, "whole words");

/* One block of accounts. */
struct activity {
	uint64_t active[FACTS_DAYS][N_GROUPS]; /* by age: a bit each account */
	uint64_t reported[N_GROUPS];           /* of late */
	uint64_t members[N_GROUPS];
	int32_t last_on;
	int stride;                            /* every so many accounts count for the sizes of days */
	struct fact_days *days; /* on which any member of the base reported, of late */
	uint8_t cells[USAGE_BLOCK_BYTES];
};

/* One bit for each of four cells that has a bit of mask. */
static uint64_t four_bits(const uint8_t *cells, uint64_t mask)
{
	static const uint64_t low = 0x7FFF7FFF7FFF7FFF, top = 0x8000800080008000;
	uint64_t four;

	memcpy(&four, cells, sizeof four);
	four = le64toh(four) & mask;
	four = (((four & low) + low) | four) & top; /* the top bit of each that is not zero */
	/* Bits 0, 16, 32 and 48 side by side: no two products of this meet, so nothing is carried. */
	return (four >> 15) * (UINT64_C(1) << 60 | UINT64_C(1) << 45 | UINT64_C(1) << 30 | UINT64_C(1) << 15) >> 60;
}

static uint64_t group_bits(const uint8_t *cells, uint64_t mask)
{
	uint64_t word = 0;

	for (int i = 0; i < GROUP; i += 4)
		word |= four_bits(cells + (size_t)i * USAGE_CELL_BYTES, mask) << i;
	return word;
}

static void note_reported(struct activity *x, int32_t day, int age)
{
	static const uint64_t any_bit = UINT64_MAX;
	bool has_any = false;

	if (age >= RHYTHM_DAYS && day <= x->last_on)
		return;
	for (int g = 0; g < N_GROUPS; g++) {
		uint64_t word = group_bits(x->cells + (size_t)g * GROUP_BYTES, any_bit) & x->members[g];

		has_any = has_any || word;
		if (age < REPORTED_WITHIN_DAYS)
			x->reported[g] |= word;
	}
	if (has_any && age < RHYTHM_DAYS)
		fact_days_add(x->days, age);
	if (has_any && day > x->last_on)
		x->last_on = day;
}

static void note_active(struct activity *x, int age)
{
	static const uint64_t above_zero = 0xFFFEFFFEFFFEFFFE; /* a cell is 0 when not reported, and value + 1 */

	for (int g = 0; g < N_GROUPS; g++)
		x->active[age][g] |= group_bits(x->cells + (size_t)g * GROUP_BYTES, above_zero);
}

/* What the members of the block used that day, into the metric's sum. */
static int add_used(const struct activity *x, struct db *db, int32_t day, int64_t block, struct fact_metric *metric,
                    struct err *err)
{
	double scale = metric->scale > 0 ? metric->scale : 1;
	int64_t sum = 0;

	for (int i = 0; i < USAGE_BLOCK; i++) {
		unsigned cell = usage_cell_at(x->cells, i);
		int64_t value = (int64_t)cell - 1;

		if (!cell || !(x->members[i / GROUP] >> i % GROUP & 1))
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

/* Eight times the logarithm to base 2, in whole steps: the place of the first bit and the three bits behind it. */
static int size_of(unsigned value)
{
	int place = 31 - __builtin_clz(value);

	return FACTS_SIZE_STEPS * place + (int)((place >= 3 ? value >> (place - 3) : value << (3 - place)) & 7);
}

/* How big the day was, over a sample of the members; beyond what a cell holds counts as the most that it holds. */
static void add_sizes(const struct activity *x, struct fact_size *size)
{
	for (int i = 0; i < USAGE_BLOCK; i += x->stride) {
		unsigned cell = usage_cell_at(x->cells, i);

		if (cell < 2 || !(x->members[i / GROUP] >> i % GROUP & 1))
			continue;
		size->sum += size_of(cell - 1);
		size->n++;
	}
}

static int read_metric(struct activity *x, struct db *db, int32_t as_of, int64_t block, struct fact_metric *metric,
                       struct err *err)
{
	for (int age = 0; age < FACTS_DAYS && age <= as_of; age++) {
		int len = usage_block_load(db, metric->id, as_of - age, block, x->cells, err);

		if (len < 0)
			return -1;
		if (len == 0)
			continue;
		note_reported(x, as_of - age, age);
		if (metric->is_activity)
			note_active(x, age);
		if (age < FACTS_SIZE_DAYS)
			add_sizes(x, &metric->sizes[age]);
		if (age < FACT_SHARE_DAYS && add_used(x, db, as_of - age, block, metric, err) < 0)
			return -1;
	}
	return 0;
}

/* Turns 64 words of 64 bits around: bit j of word i becomes bit i of word j. Swaps ever smaller squares. */
static void turn(uint64_t words[GROUP])
{
	uint64_t mask = 0x00000000FFFFFFFF;

	for (int size = GROUP / 2; size; size /= 2, mask ^= mask << size)
		for (int i = 0; i < GROUP; i = ((i | size) + 1) & ~size) {
			uint64_t swapped = (words[i] >> size ^ words[i | size]) & mask;

			words[i] ^= swapped << size;
			words[i | size] ^= swapped;
		}
}

static void hand_out(const struct activity *x, struct fact_member *members, size_t n)
{
	uint64_t words[GROUP];

	for (size_t at = 0, end; at < n; at = end) {
		int group = (int)(members[at].id % USAGE_BLOCK) / GROUP;

		for (end = at + 1; end < n && (int)(members[end].id % USAGE_BLOCK) / GROUP == group;)
			end++;
		for (int w = 0; w < FACTS_DAYS / GROUP; w++) {
			for (int i = 0; i < GROUP; i++)
				words[i] = x->active[w * GROUP + i][group];
			turn(words);
			for (size_t i = at; i < end; i++)
				members[i].active.words[w] = words[members[i].id % GROUP];
		}
	}
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
                     struct fact_member *members, size_t n, struct err *err)
{
	uint64_t missed[N_GROUPS] = { 0 }, n_missed = 0;

	for (size_t i = 0; i < n; i++)
		if (fact_days_last(&members[i].active) < 0) {
			missed[members[i].id % USAGE_BLOCK / GROUP] |= UINT64_C(1) << members[i].id % GROUP;
			n_missed++;
		}
	for (int age = FACTS_DAYS; age < 2 * FACTS_DAYS && age <= as_of && n_missed; age++) {
		int len = usage_block_load(db, metric, as_of - age, block, x->cells, err);

		if (len < 0)
			return -1;
		if (len == 0)
			continue;
		note_active(x, 0);
		for (size_t i = 0; i < n; i++) {
			uint64_t *word = &missed[members[i].id % USAGE_BLOCK / GROUP], bit = UINT64_C(1) << members[i].id % GROUP;

			if (!(*word & x->active[0][members[i].id % USAGE_BLOCK / GROUP] & bit))
				continue;
			if (!members[i].gone_days || age < members[i].gone_days)
				members[i].gone_days = age;
			*word &= ~bit;
			n_missed--;
		}
	}
	return 0;
}

static int find_gone_by_all(struct activity *x, struct db *db, const struct fact_base *base, int64_t block,
                            struct fact_member *members, size_t n, struct err *err)
{
	for (size_t m = 0; m < base->n_metrics; m++) {
		int32_t metric = base->metrics[m].id, to = base->as_of - FACTS_DAYS;
		int rc;

		if (!base->metrics[m].is_activity)
			continue;
		memset(x->active[0], 0, sizeof x->active[0]);
		rc = is_told_before(db, metric, to - FACTS_DAYS + 1, to, err);
		if (rc < 0 || (rc > 0 && find_gone(x, db, metric, base->as_of, block, members, n, err) < 0))
			return err_in(err, "usage of earlier");
	}
	return 0;
}

static size_t n_reported(const struct activity *x)
{
	size_t n = 0;

	for (int g = 0; g < N_GROUPS; g++)
		n += (size_t)__builtin_popcountll(x->reported[g]);
	return n;
}

int facts_load_activity(struct db *db, struct fact_base *base, struct fact_member *members, struct arena *a,
                        int32_t *out_last_on, struct fact_days *out_days, size_t *out_n, struct err *err)
{
	struct fact_metric *metrics = arena_memdup(a, base->metrics, base->n_metrics * sizeof *metrics);
	CLEANUP(arena_freep) struct arena *own = arena_new(0);
	struct activity *x = arena_alloc(own, sizeof *x);
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
			x->members[members[end].id % USAGE_BLOCK / GROUP] |= UINT64_C(1) << members[end].id % GROUP;
		for (size_t m = 0; m < base->n_metrics; m++)
			if (read_metric(x, db, base->as_of, block, &metrics[m], err) < 0)
				return err_in(err, "usage");
		hand_out(x, members + at, end - at);
		if (find_gone_by_all(x, db, base, block, members + at, end - at, err) < 0)
			return -1;
		last_on = x->last_on;
		n += n_reported(x);
	}
	base->metrics = metrics;
	*out_last_on = last_on;
	*out_n = n;
	return 0;
}
