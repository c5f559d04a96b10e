#include "common/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/err.h"

enum { LARGE_PAGE = 2 << 20, HEAP_BYTES = 24 << 20, HEADER_BYTES = 2 * sizeof(size_t) };

static void by_large_pages(void *at, size_t len)
{
	(void)madvise(at, len, MADV_HUGEPAGE);
}

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
		by_large_pages((char *)gap + (LARGE_PAGE - at % LARGE_PAGE), HEAP_BYTES);
}

/* A mapping of its own, and where it begins. */
struct mapping {
	void *at;
	size_t len;
};

static void unmap(void *mapping)
{
	const struct mapping *m = mapping;

	(void)munmap(m->at, m->len);
}

void *heap_array(struct arena *a, size_t n, size_t size)
{
	struct mapping *m;
	size_t bytes, whole;
	char *at;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes < 2 * (size_t)LARGE_PAGE)
		return arena_array(a, n, size);
	m = arena_alloc(a, sizeof *m);
	m->len = bytes + LARGE_PAGE;
	m->at = mmap(NULL, m->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->at == MAP_FAILED)
		die("out of memory (%zu bytes)", bytes);
	arena_on_free(a, unmap, m);
	at = (char *)m->at + (LARGE_PAGE - (uintptr_t)m->at % LARGE_PAGE);
	whole = bytes / LARGE_PAGE * LARGE_PAGE;
	by_large_pages(at, whole);
	return at;
}
