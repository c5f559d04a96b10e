#include "cmocka_shim.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "common/heap.h"

enum { LARGE = 9 << 20, LARGE_PAGE = 2 << 20, SMALL = 100 };

static void what_is_large_comes_by_large_pages_and_goes_with_its_arena(void **state)
{
	struct arena *a = arena_new(0);
	size_t left = arena_left(a);
	unsigned char *small = heap_array(a, SMALL, 1);
	unsigned char all = 0;

	(void)state;
	assert_true(arena_left(a) <= left - SMALL); /* a piece of the arena */
	for (int round = 0; round < 3; round++) {
		unsigned char *large = heap_array(a, LARGE / 8, 8);

		assert_true((uintptr_t)large % LARGE_PAGE == 0);
		for (size_t i = 0; i < LARGE; i++)
			all |= large[i];
		ASSERT_INT(all, 0);
		memset(large, 1, LARGE);
		if (round == 0)
			memset(small, 1, SMALL);
		arena_reset(a);
		assert_int_equal(msync(large, LARGE, MS_ASYNC), -1); /* nothing lies there any more */
		assert_int_equal(errno, ENOMEM);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_large_comes_by_large_pages_and_goes_with_its_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
