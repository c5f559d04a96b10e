#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/participants.h"
#include "common/clock.h"

static const char *joined(struct arena *a, const struct texts *t)
{
	const char *all = "";

	for (size_t i = 0; i < t->n; i++)
		all = arena_printf(a, "%s%s%s", all, i ? " " : "", t->at[i]);
	return all;
}

static void addresses_are_found_in_what_header_lines_hold(void **state)
{
	static const struct {
		const char *text, *addresses;
	} table[] = {
		{ "ana@a.example", "ana@a.example" },
		{ "Ana <Ana@A.Example>", "ana@a.example" },
		{ "\"Doe, Ana (at@work.example)\" <ana@a.example>, bob@b.example", "ana@a.example bob@b.example" },
		{ "\"a \\\" <x@y.example>\" <ana@a.example>", "ana@a.example" },
		{ "ana@a.example (home x@y.example)", "ana@a.example" },
		{ "O\"Brien <ob@a.example>", "ob@a.example" },
		{ "ana@a.example; ANA@a.example", "ana@a.example" },
		{ "undisclosed-recipients:;", "" },
		{ "", "" },
		{ "@", "" },
		{ "a@b", "" },
		{ "a@@b.example", "" },
		{ "a@b..example", "" },
		{ "a@.example", "" },
		{ "see ana@a.example.", "ana@a.example" },
		{ "first.last+tag@sub.a.example", "first.last+tag@sub.a.example" },
		{ "Zo\xc3\xab <zoe@a.example>", "zoe@a.example" },
		{ "\"never closed <ana@a.example>", "ana@a.example" },
		{ "(((", "" },
		{ "\\", "" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct texts found = participants_read(a, table[i].text);

		assert_string_equal(joined(a, &found), table[i].addresses);
	}
	ASSERT_INT(participants_read(a, NULL).n, 0);
	arena_free(a);
}

static void no_more_than_fifty_are_kept(void **state)
{
	struct arena *a = arena_new(0);
	const char *text = "";

	(void)state;
	for (int i = 0; i < 200; i++)
		text = arena_printf(a, "%sp%d@a.example, ", text, i);
	ASSERT_INT(participants_read(a, text).n, 50);
	arena_free(a);
}

static void what_is_never_closed_is_no_work_without_end(void **state)
{
	enum { LEN = 1 << 20 };
	struct arena *a = arena_new(0);
	char *text = arena_alloc(a, LEN + 1);
	int64_t began = clock_monotonic_ms();

	(void)state;
	memset(text, '(', LEN);
	memcpy(text + LEN - 20, "\" a@b.example       ", 20);
	ASSERT_INT(participants_read(a, text).n, 1);
	assert_true(clock_monotonic_ms() - began < 5000);
	arena_free(a);
}

static void ours_are_addresses_and_domains_with_those_below(void **state)
{
	static const struct {
		const char *ours, *address;
		bool is_ours;
	} table[] = {
		{ "acme.example", "ana@acme.example", true },
		{ "acme.example", "ana@eu.acme.example", true },
		{ "Acme.Example, labs.example", "ana@labs.example", true },
		{ "acme.example", "ana@notacme.example", false },
		{ "acme.example", "acme.example@other.example", false },
		{ "ana@acme.example", "ana@acme.example", true },
		{ "ana@acme.example", "bob@acme.example", false },
		{ "", "ana@acme.example", false },
		{ NULL, "ana@acme.example", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		ASSERT_INT(participants_is_ours(table[i].ours, table[i].address), table[i].is_ours);
}

static void the_key_has_the_others_in_their_order(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(participants_key(a, "Ana <ana@us.example>, Z <z@c.example> a@b.example", "us.example"),
	                    "[\"z@c.example\",\"a@b.example\"]");
	assert_null(participants_key(a, "ana@us.example bob@us.example", "us.example"));
	assert_null(participants_key(a, "nobody", "us.example"));
	assert_null(participants_key(a, NULL, "us.example"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found_in_what_header_lines_hold),
		cmocka_unit_test(no_more_than_fifty_are_kept),
		cmocka_unit_test(what_is_never_closed_is_no_work_without_end),
		cmocka_unit_test(ours_are_addresses_and_domains_with_those_below),
		cmocka_unit_test(the_key_has_the_others_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
