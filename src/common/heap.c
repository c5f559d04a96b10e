#include "common/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LARGE_PAGE = 2 << 20, HEAP_BYTES = 24 << 20, HEADER_BYTES = 2 * sizeof(size_t) };

void heap_by_large_pages(void)
{
	static void *gap; /* lies before the first large page and is never used */
	uintptr_t at;
	void *whole;

	/* All but the largest pieces in the heap, and none of the heap given back. */
	if (!mallopt(M_MMAP_THRESHOLD, 32 << 20) || !mallopt(M_TRIM_THRESHOLD, 2 * HEAP_BYTES))
		return;
	whole = malloc(HEAP_BYTES + LARGE_PAGE);
	at = (uintptr_t)whole;
	free(whole);
	gap = malloc(LARGE_PAGE - at % LARGE_PAGE - HEADER_BYTES);
	if (gap && (uintptr_t)gap == at)
		(void)madvise((char *)gap + (LARGE_PAGE - at % LARGE_PAGE), HEAP_BYTES, MADV_HUGEPAGE);
}
