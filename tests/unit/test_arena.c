#include "cmocka_shim.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	unsigned char *pieces[2000];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 2000; i++) {
			size_t size = i * 37 % 9000; /* small ones, and ones with a block of their own */

			pieces[i] = arena_alloc(a, size);
			assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
			for (size_t k = 0; k < size; k++)
				assert_int_equal(pieces[i][k], 0);
			memset(pieces[i], (int)(i % 251) + 1, size);
		}
		for (size_t i = 0; i < 2000; i++) {
			for (size_t k = 0; k < i * 37 % 9000; k++)
				assert_int_equal(pieces[i][k], i % 251 + 1);
		}
		arena_reset(a);
	}
}

static void emptying_gives_the_whole_limit_back(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(1000);

	(void)state;
	assert_int_equal(arena_left(a), 1000);
	(void)arena_alloc(a, 500);
	assert_true(arena_left(a) <= 500);
	arena_reset(a);
	assert_int_equal(arena_left(a), 1000);
	assert_non_null(arena_alloc(a, 992));
}

static void texts_are_copies(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char text[] = "hello";
	char *copy = arena_strdup(a, text);
	int *grown, two[2] = { 1, 2 };

	(void)state;
	text[0] = 'J';
	assert_string_equal(copy, "hello");
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strndup(a, "hello", 3), "hel");
	assert_string_equal(arena_strndup(a, "", 0), "");
	assert_string_equal(arena_printf(a, "%d-%s", 5, "x"), "5-x");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	assert_int_equal(strlen(arena_printf(a, "%050000d", 7)), 50000);
	assert_memory_equal(arena_memdup(a, "a\0b", 3), "a\0b", 3);
	assert_non_null(arena_memdup(a, NULL, 0));
	grown = arena_grow(a, two, 2, 4, sizeof two[0]);
	assert_int_equal(grown[0] + grown[1], 3);
	assert_int_equal(grown[2] + grown[3], 0);
	assert_non_null(arena_grow(a, NULL, 0, 1, 8));
}

static char order[16];

static void note(void *thing)
{
	(void)strncat(order, thing, 1);
}

static void things_are_released_last_come_first_served(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	order[0] = '\0';
	arena_on_free(a, note, arena_strdup(a, "1"));
	arena_on_free(a, note, arena_strdup(a, "2"));
	arena_reset(a);
	assert_string_equal(order, "21");
	arena_on_free(a, note, arena_strdup(a, "3"));
	arena_free(a);
	assert_string_equal(order, "213");
	arena_free(NULL);
}

static void past_the_limit(void)
{
	(void)arena_alloc(arena_new(100), 101);
}

static void past_the_limit_bit_by_bit(void)
{
	struct arena *a = arena_new(100);

	for (int i = 0; i < 101; i++)
		(void)arena_alloc(a, 1);
}

static void past_all_sizes(void)
{
	(void)arena_alloc(arena_new(SIZE_MAX), SIZE_MAX);
}

static void a_product_that_overflows(void)
{
	(void)arena_array(arena_new(0), SIZE_MAX / 2, 3);
}

static void a_length_that_overflows(void)
{
	(void)arena_strndup(arena_new(0), "", SIZE_MAX);
}

/* Runs fn in a child and returns the signal that ended it. */
static int ending_of(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		fn();
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void asking_for_too_much_ends_the_process(void **state)
{
	static void (*const cases[])(void) = { past_the_limit, past_the_limit_bit_by_bit, past_all_sizes,
		                               a_product_that_overflows, a_length_that_overflows };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(ending_of(cases[i]), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(emptying_gives_the_whole_limit_back),
		cmocka_unit_test(texts_are_copies),
		cmocka_unit_test(things_are_released_last_come_first_served),
		cmocka_unit_test(asking_for_too_much_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
