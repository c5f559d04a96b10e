#include "store/usage_bulk.h"

#include <stdlib.h>
#include <string.h>

#include "usage_block.h"

enum {
	CHUNK_WORDS = 61, /* a chunk is 256 bytes */
	SLAB_BYTES = 1 << 20,
	MIN_BYTES = 16 << 20,
	DEFAULT_BYTES = 256 << 20,
	FIRST_CAP = 1 << 12 /* of the table; a power of two */
};

/* Cells of one block in the order in which they came: place << 16 | cell; after a cell that is USAGE_EXCEPTION two
 * words with the value, the lower half first. */
struct chunk {
	struct chunk *next;
	uint32_t n, words[CHUNK_WORDS];
};
enum { SLAB_CHUNKS = SLAB_BYTES / (int)sizeof(struct chunk) };
_Static_assert(SLAB_BYTES % sizeof(struct chunk) == 0, "whole chunks");

struct slot {
	int64_t id; /* of the block; 0: free */
	struct chunk *first, *last;
};

struct usage_bulk {
	struct arena *arena; /* everything here, this struct too */
	struct db *db;
	size_t limit;
	struct chunk **slabs;
	size_t n_slabs, n_chunks; /* slabs: there are; chunks: in use */
	struct slot *slots;       /* by hash of the id */
	size_t n, cap;
	int64_t n_changed;
};

void usage_bulk_free(struct usage_bulk *b)
{
	if (b)
		arena_free(b->arena);
}

void usage_bulk_freep(struct usage_bulk **b)
{
	usage_bulk_free(*b);
}

struct usage_bulk *usage_bulk_new(struct db *db, size_t memory_bytes)
{
	size_t limit = memory_bytes == 0 ? DEFAULT_BYTES : memory_bytes < MIN_BYTES ? MIN_BYTES : memory_bytes;
	struct arena *a = arena_new(2 * limit);
	struct usage_bulk *b = arena_alloc(a, sizeof *b);

	b->arena = a;
	b->db = db;
	b->limit = limit;
	b->slabs = arena_array(a, limit / SLAB_BYTES, sizeof *b->slabs);
	b->cap = FIRST_CAP;
	b->slots = arena_array(a, b->cap, sizeof *b->slots);
	return b;
}

/* gathering -------------------------------------------------------------------------------------------------------- */

static struct slot *place_of(struct slot *slots, size_t cap, int64_t id)
{
	size_t i = (size_t)((uint64_t)id * 0x9E3779B97F4A7C15u >> 32) & (cap - 1);

	while (slots[i].id && slots[i].id != id)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static void widen_table(struct usage_bulk *b)
{
	size_t cap = 2 * b->cap;
	struct slot *slots = arena_array(b->arena, cap, sizeof *slots);

	for (size_t i = 0; i < b->cap; i++)
		if (b->slots[i].id)
			*place_of(slots, cap, b->slots[i].id) = b->slots[i];
	b->slots = slots;
	b->cap = cap;
}

static struct chunk *new_chunk(struct usage_bulk *b)
{
	size_t slab = b->n_chunks / SLAB_CHUNKS;
	struct chunk *c;

	if (slab == b->n_slabs)
		b->slabs[b->n_slabs++] = arena_array(b->arena, SLAB_CHUNKS, sizeof **b->slabs);
	c = &b->slabs[slab][b->n_chunks++ % SLAB_CHUNKS];
	c->next = NULL;
	c->n = 0;
	return c;
}

/* A table that becomes twice as large leaves the ones before behind: together as much again. */
static bool is_full(const struct usage_bulk *b)
{
	size_t table = 4 * b->cap * sizeof *b->slots;

	return (b->n_chunks / SLAB_CHUNKS + 2) * SLAB_BYTES + table > b->limit;
}

static struct slot *slot_of(struct usage_bulk *b, int64_t id)
{
	struct slot *s = place_of(b->slots, b->cap, id);

	if (s->id)
		return s;
	if (2 * ++b->n > b->cap) {
		widen_table(b);
		s = place_of(b->slots, b->cap, id);
	}
	s->id = id;
	s->first = s->last = new_chunk(b);
	return s;
}

static void add_word(struct usage_bulk *b, struct slot *s, uint32_t word)
{
	if (s->last->n == CHUNK_WORDS) {
		s->last->next = new_chunk(b);
		s->last = s->last->next;
	}
	s->last->words[s->last->n++] = word;
}

static void add_cell(struct usage_bulk *b, struct slot *s, const struct usage_cell *c)
{
	uint32_t place = (uint32_t)(c->account % USAGE_BLOCK) << 16;

	if (c->value <= USAGE_MAX) {
		add_word(b, s, place | (c->value == USAGE_NONE ? 0 : (uint32_t)c->value + 1));
		return;
	}
	add_word(b, s, place | USAGE_EXCEPTION);
	add_word(b, s, (uint32_t)c->value);
	add_word(b, s, (uint32_t)((uint64_t)c->value >> 32));
}

int usage_bulk_add(struct usage_bulk *b, const struct usage_cell *cells, size_t n, struct err *err)
{
	struct slot *s = NULL;

	for (size_t i = 0; i < n; i++) {
		int64_t id = usage_block_id(cells[i].metric, cells[i].day, cells[i].account / USAGE_BLOCK);

		if (usage_cell_check(&cells[i], err) < 0)
			return -1;
		if (is_full(b)) {
			if (usage_bulk_flush(b, err) < 0)
				return -1;
			s = NULL;
		}
		if (!s || s->id != id)
			s = slot_of(b, id);
		add_cell(b, s, &cells[i]);
	}
	return 0;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

/* Reads the words of a block one after the other. */
struct words {
	const struct chunk *chunk;
	uint32_t at;
};

static bool next_word(struct words *w, uint32_t *out)
{
	while (w->chunk && w->at == w->chunk->n)
		*w = (struct words){ w->chunk->next, 0 };
	if (!w->chunk)
		return false;
	*out = w->chunk->words[w->at++];
	return true;
}

static int64_t large_value(struct words *w)
{
	uint32_t low = 0, high = 0;

	if (!next_word(w, &low) || !next_word(w, &high))
		die("usage in bulk: a large value is cut off");
	return (int64_t)((uint64_t)high << 32 | low);
}

static int64_t count_changed(const uint8_t *before, const uint8_t *after)
{
	int64_t n = 0;

	for (int i = 0; i < USAGE_BLOCK; i++)
		n += usage_cell_at(before, i) != usage_cell_at(after, i);
	return n;
}

/* Returns how many exceptions got another value: their cells look the same before and after. */
static int64_t apply(struct usage_bulk *b, const struct slot *s, uint8_t *block, struct err *err)
{
	int64_t account = (s->id & USAGE_MAX_BLOCK) * USAGE_BLOCK, n = 0;
	struct words words = { s->first, 0 };
	uint32_t word;

	while (next_word(&words, &word)) {
		struct usage_cell c = { (int32_t)(s->id >> 40), (int32_t)(s->id >> 20 & USAGE_MAX_DAY), 0, 0 };
		unsigned cell = word & USAGE_EXCEPTION, old = usage_cell_at(block, (int)(word >> 16));
		int rc;

		if (cell != USAGE_EXCEPTION && old != USAGE_EXCEPTION) {
			usage_cell_set(block, (int)(word >> 16), cell);
			continue;
		}
		c.account = account + (word >> 16);
		c.value = cell == USAGE_EXCEPTION ? large_value(&words) : cell ? (int64_t)cell - 1 : USAGE_NONE;
		rc = usage_cell_put(b->db, block, &c, err);
		if (rc < 0)
			return -1;
		n += rc && cell == old;
	}
	return n;
}

static int write_slot(struct usage_bulk *b, const struct slot *s, struct err *err)
{
	int32_t metric = (int32_t)(s->id >> 40), day = (int32_t)(s->id >> 20 & USAGE_MAX_DAY);
	uint8_t before[USAGE_BLOCK_BYTES] = { 0 }, block[USAGE_BLOCK_BYTES];
	int64_t number = s->id & USAGE_MAX_BLOCK, n;

	if (usage_block_load(b->db, metric, day, number, before, err) < 0)
		return -1;
	memcpy(block, before, sizeof block);
	n = apply(b, s, block, err);
	if (n < 0)
		return -1;
	n += count_changed(before, block);
	b->n_changed += n;
	return n ? usage_block_save(b->db, metric, day, number, block, err) : 0;
}

static int compare_slots(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

int64_t usage_bulk_flush(struct usage_bulk *b, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < b->cap; i++)
		if (b->slots[i].id)
			b->slots[n++] = b->slots[i];
	qsort(b->slots, n, sizeof *b->slots, compare_slots);
	for (size_t i = 0; i < n; i++)
		if (write_slot(b, &b->slots[i], err) < 0)
			return -1;
	memset(b->slots, 0, b->cap * sizeof *b->slots);
	b->n = b->n_chunks = 0;
	return b->n_changed;
}
