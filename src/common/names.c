#include "common/names.h"

#include <string.h>

enum { FIRST_SLOTS = 64 };

void names_init(struct names *n, struct arena *a)
{
	*n = (struct names){ .arena = a, .n = 1, .room = FIRST_SLOTS, .n_slots = FIRST_SLOTS };
	n->at = arena_array(a, n->room, sizeof *n->at);
	n->slots = arena_array(a, n->n_slots, sizeof *n->slots);
}

/* FNV-1a. */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

/* Where the name is, or belongs. */
static size_t slot_of(const struct names *n, const char *text)
{
	size_t slot = hash_of(text) & (n->n_slots - 1);

	while (n->slots[slot] && strcmp(n->at[n->slots[slot]], text) != 0)
		slot = (slot + 1) & (n->n_slots - 1);
	return slot;
}

static void grow(struct names *n)
{
	n->at = arena_grow(n->arena, n->at, n->n, 2 * n->room, sizeof *n->at);
	n->room *= 2;
	n->n_slots = 2 * n->room;
	n->slots = arena_array(n->arena, n->n_slots, sizeof *n->slots);
	for (size_t i = 1; i < n->n; i++)
		n->slots[slot_of(n, n->at[i])] = (uint32_t)i;
}

int names_find(const struct names *n, const char *text)
{
	return text && *text ? (int)n->slots[slot_of(n, text)] : 0;
}

int names_id(struct names *n, const char *text)
{
	int id = names_find(n, text);

	if (id || !text || !*text)
		return id;
	if (n->n > MAX_NAMES)
		return -1;
	if (2 * n->n >= n->room)
		grow(n);
	n->at[n->n] = arena_strdup(n->arena, text);
	n->slots[slot_of(n, text)] = (uint32_t)n->n;
	return (int)n->n++;
}
