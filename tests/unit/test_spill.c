#include "cmocka_shim.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/fd.h"
#include "store/spill.h"

static void check_pieces(size_t n_bytes, size_t piece)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spill_done) struct spill s;
	struct err err;
	const void *all;
	char *put = arena_alloc(a, n_bytes + piece);
	uint32_t seed = 1;

	for (size_t i = 0; i < n_bytes + piece; i++)
		put[i] = (char)((seed = seed * 1664525U + 1013904223U) >> 24);
	spill_init(&s, "build/none.db", n_bytes + piece);
	for (size_t at = 0; at < n_bytes; at += piece) {
		assert_int_equal(spill_add(&s, put + at, piece, &err), 0);
		if (at % 7 == 0) { /* reading between two pieces changes nothing */
			assert_int_equal(spill_read(&s, a, &all, &err), 0);
			assert_memory_equal(all, put, s.len);
		}
	}
	assert_true(s.len >= n_bytes);
	assert_int_equal(spill_read(&s, a, &all, &err), 0);
	assert_memory_equal(all, put, s.len);
}

static void pieces_come_back_as_they_were_put(void **state)
{
	(void)state;
	check_pieces(1, 1);
	check_pieces(1000, 7);
	check_pieces(200000, 997);
	check_pieces(300000, 32 * 1024);
	check_pieces(300000, 100000);
}

static void nothing_put_is_nothing_read(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spill_done) struct spill s;
	struct err err;
	const void *all;

	(void)state;
	spill_init(&s, "none.db", 10);
	assert_int_equal(spill_read(&s, a, &all, &err), 0);
	assert_int_equal(s.len, 0);
}

static void the_limit_is_told_and_keeps_what_is_there(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spill_done) struct spill s;
	struct err err;
	const void *all;

	(void)state;
	spill_init(&s, "none.db", 5);
	assert_int_equal(spill_add(&s, "abc", 3, &err), 0);
	assert_int_equal(spill_add(&s, "def", 3, &err), -1);
	assert_int_equal(err.kind, ERR_INPUT);
	assert_int_equal(spill_read(&s, a, &all, &err), 0);
	assert_memory_equal(all, "abc", 3);
	assert_int_equal(s.len, 3);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
	CLEANUP(spill_done) struct spill s;
	struct err err;
	char piece[20000] = { 0 };

	(void)state;
	spill_init(&s, "/nowhere/at/all.db", 100000);
	assert_int_equal(spill_add(&s, piece, sizeof piece, &err), 0);
	assert_int_equal(spill_add(&s, piece, sizeof piece, &err), -1);
	assert_non_null(strstr(err.text, "/nowhere/at"));
}

static void the_folder_of_a_file_is_told_wherever_it_lies(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(folder_holding(a, "/var/lib/x.db"), "/var/lib");
	assert_string_equal(folder_holding(a, "/x.db"), "/");
	assert_string_equal(folder_holding(a, "x.db"), ".");
	assert_string_equal(folder_holding(a, "build/x.db"), "build");
}

/* As after a disk that lost some of it. */
static void what_is_not_all_there_is_told_as_that(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(spill_done) struct spill s;
	struct err err;
	char piece[20000] = { 0 };
	const void *all;

	(void)state;
	spill_init(&s, "build/none.db", 100000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(spill_add(&s, piece, sizeof piece, &err), 0);
	assert_int_equal(ftruncate(s.fd, 10000), 0);
	errno = EINVAL; /* of some call long ago */
	assert_int_equal(spill_read(&s, a, &all, &err), -1);
	assert_int_equal(err.kind, ERR_FATAL);
	assert_non_null(strstr(err.text, "not all there"));
	assert_null(strstr(err.text, strerror(EINVAL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_back_as_they_were_put),
		cmocka_unit_test(nothing_put_is_nothing_read),
		cmocka_unit_test(the_limit_is_told_and_keeps_what_is_there),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
		cmocka_unit_test(the_folder_of_a_file_is_told_wherever_it_lies),
		cmocka_unit_test(what_is_not_all_there_is_told_as_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
