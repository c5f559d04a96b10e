#include "cmocka_shim.h"

#include "common/names.h"

static void a_name_keeps_its_number_and_nothing_has_none(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct names n;

	(void)state;
	names_init(&n, a);
	ASSERT_INT(names_id(&n, "EUR"), 1);
	ASSERT_INT(names_id(&n, "USD"), 2);
	ASSERT_INT(names_id(&n, "EUR"), 1);
	ASSERT_INT(names_find(&n, "USD"), 2);
	ASSERT_INT(names_find(&n, "GBP"), 0);
	ASSERT_INT(names_id(&n, NULL), 0);
	ASSERT_INT(names_id(&n, ""), 0);
	assert_null(n.at[0]);
	assert_string_equal(n.at[2], "USD");
}

static void there_are_65535_names_and_no_more(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0), *scratch = arena_new(0);
	struct names n;

	(void)state;
	names_init(&n, a);
	for (int i = 1; i <= MAX_NAMES; i++)
		ASSERT_INT(names_id(&n, arena_printf(scratch, "name %d", i)), i);
	ASSERT_INT(names_id(&n, "one more"), -1);
	ASSERT_INT(names_find(&n, "name 40000"), 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_keeps_its_number_and_nothing_has_none),
		cmocka_unit_test(there_are_65535_names_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
