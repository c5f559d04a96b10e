/* How the memory that malloc gives comes from the kernel. */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

#include "common/arena.h"

/* For a program that reads much, once, and ends: memory comes by 2 MiB. A page of 4 KiB costs 1.6 us when it is first
 * written to, and a command that reads touches hundreds of them, which was a third of its time; pages of 2 MiB cost an
 * eighth for as much. What was freed stays with the program. Called before much else; where the kernel has no such
 * pages nothing changes. */
void heap_by_large_pages(void);
/* As arena_array, for what is large and soon written to as a whole: that comes by 2 MiB in any program, and the arena's
 * limit does not hold for it. */
void *heap_array(struct arena *a, size_t n, size_t size);

#endif
