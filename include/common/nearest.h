/* Which known word somebody probably meant: for unknown keys, options and commands. */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/* The word of the list with the fewest slips (a letter missing, added, wrong or swapped with its neighbour), or NULL
 * when none is near enough to be meant: a third of its letters at most. NULLs in the list are passed over. */
const char *nearest_word(const char *word, const char *const *words, size_t n);

#endif
