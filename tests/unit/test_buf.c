#include "cmocka_shim.h"

#include <stdint.h>
#include <string.h>

#include "common/buf.h"

static void an_empty_buffer_is_an_empty_text(void **state)
{
	CLEANUP(buf_done) struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(b.at, "");
	buf_add(&b, NULL, 0);
	buf_text(&b, "");
	buf_printf(&b, "%s", "");
	buf_cut(&b, 0);
	buf_reset(&b);
	assert_string_equal(b.at, "");
	assert_int_equal(b.len, 0);
	assert_false(b.is_full);
}

static void what_is_appended_is_there_in_order(void **state)
{
	CLEANUP(buf_done) struct buf b;

	(void)state;
	buf_init(&b, 1000000);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%04d%c", i, '\n');
	assert_int_equal(b.len, 50000);
	assert_int_equal(strlen(b.at), 50000);
	assert_memory_equal(b.at + 5 * 1234, "1234\n", 5);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 50003);
	assert_memory_equal(b.at + 50000, "a\0b\0", 4);
	buf_cut(&b, 4);
	assert_string_equal(b.at, "0000");
	buf_cut(&b, 100);
	assert_string_equal(b.at, "0000");
	buf_char(&b, '!');
	buf_text(&b, "?");
	assert_string_equal(b.at, "0000!?");
}

static void what_passes_the_ceiling_is_dropped_and_told(void **state)
{
	CLEANUP(buf_done) struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_text(&b, "12345678");
	assert_false(b.is_full);
	buf_char(&b, '9');
	assert_true(b.is_full);
	assert_string_equal(b.at, "12345678");
	buf_reset(&b);
	assert_false(b.is_full);
	buf_text(&b, "123");
	buf_printf(&b, "%d", 456789);
	assert_true(b.is_full);
	assert_string_equal(b.at, "123");
	buf_add(&b, "x", SIZE_MAX);
	assert_string_equal(b.at, "123");
	buf_done(&b);
	buf_text(&b, "again");
	assert_string_equal(b.at, "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(what_is_appended_is_there_in_order),
		cmocka_unit_test(what_passes_the_ceiling_is_dropped_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
