/* Small numbers for names that come again and again (products, currencies, owners), so that they are compared and kept
 * as numbers. 0 is no name at all; numbers count up in the order in which names were first asked for. */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include <stdint.h>

#include "common/arena.h"

enum { MAX_NAMES = 65535 };

struct names {
	struct arena *arena;   /* copies of the names live here */
	const char **at;       /* by number; the first is NULL */
	size_t n, room;
	uint32_t *slots; size_t n_slots;
};

void names_init(struct names *n, struct arena *a);
/* The number of a name, made when it is new. NULL and "" give 0; -1: there are too many. */
int names_id(struct names *n, const char *text);
/* The number of a name that is there, or 0. */
int names_find(const struct names *n, const char *text);

#endif
