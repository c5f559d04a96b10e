/* Tables as people, spreadsheets and programs get them. The command line itself: tests/integration/test_config.py. */
#include "cmocka_shim.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct table_column columns[] = { { "Account", false }, { "At stake", true }, { "why", false } };

/* What table_print writes to standard output. */
static const char *printed(struct arena *a, const struct table *t, enum cli_format format)
{
	FILE *to = tmpfile();
	char *text = arena_alloc(a, 4096);
	int saved = dup(STDOUT_FILENO);
	size_t n;

	assert_non_null(to);
	(void)fflush(stdout);
	assert_true(dup2(fileno(to), STDOUT_FILENO) >= 0);
	table_print(t, format);
	(void)fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	(void)close(saved);
	rewind(to);
	n = fread(text, 1, 4095, to);
	text[n] = '\0';
	(void)fclose(to);
	return text;
}

static struct table *sample(struct arena *a)
{
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));

	table_row(t, (const char *[]){ "Ébène", "1200", "no login, \"quiet\"" });
	table_row(t, (const char *[]){ "Bo", "12 %", NULL });
	table_row(t, (const char *[]){ "evil\x1b[2J\nname", "-3.50", "=1+1" });
	return t;
}

static void people_get_aligned_columns_by_letters_not_bytes(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(printed(a, sample(a), FORMAT_TABLE), "Account       At stake  why\n"
	                                                         "Ébène             1200  no login, \"quiet\"\n"
	                                                         "Bo                12 %  \n"
	                                                         "evil[2J name     -3.50  =1+1\n");
}

static void spreadsheets_get_quoted_fields(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(printed(a, sample(a), FORMAT_CSV), "Account,At stake,why\n"
	                                                       "Ébène,1200,\"no login, \"\"quiet\"\"\"\n"
	                                                       "Bo,12 %,\n"
	                                                       "evil[2J name,-3.50,'=1+1\n");
}

static void no_cell_is_a_formula_to_a_spreadsheet(void **state)
{
	static const char *const evil[][3] = {
		{ "=HYPERLINK(\"https://evil.example\";\"x\")", "-1", "+49 30 1234" },
		{ "@SUM(A1)", "-cmd|' /C calc'!A0", "-2" },
		{ "\t=1+1", "+1", "\r@x" }, { "a=b", "1e3", "1-2" },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(evil); i++)
		table_row(t, evil[i]);
	assert_string_equal(printed(a, t, FORMAT_CSV), "Account,At stake,why\n"
	                    "\"'=HYPERLINK(\"\"https://evil.example\"\";\"\"x\"\")\",-1,'+49 30 1234\n"
	                    "'@SUM(A1),'-cmd|' /C calc'!A0,'-2\n"
	                    "'=1+1,+1,'@x\n"
	                    "a=b,1e3,1-2\n");
}

static void programs_get_numbers_as_numbers_and_nothing_as_null(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(printed(a, sample(a), FORMAT_JSON),
	                    "[\n"
	                    "  {\"account\":\"Ébène\",\"at_stake\":1200,\"why\":\"no login, \\\"quiet\\\"\"},\n"
	                    "  {\"account\":\"Bo\",\"at_stake\":\"12 %\",\"why\":null},\n"
	                    "  {\"account\":\"evil[2J name\",\"at_stake\":-3.50,\"why\":\"=1+1\"}\n"
	                    "]\n");
}

static void what_is_no_json_number_stays_a_text(void **state)
{
	static const char *const cells[] = { "007", "1.",  ".5", "+1", "--1",  "1e5", "0x10",
	                                       "",    "nan", "-",  "0",  "-0.5", "1,5" };
	static const struct table_column one[] = { { "n", true } };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct table *t = table_new(a, one, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		table_row(t, &cells[i]);
	assert_string_equal(printed(a, t, FORMAT_JSON),
	                    "[\n  {\"n\":\"007\"},\n  {\"n\":\"1.\"},\n  {\"n\":\".5\"},\n  {\"n\":\"+1\"},\n  "
	                    "{\"n\":\"--1\"},\n"
	                    "  {\"n\":1e5},\n  {\"n\":\"0x10\"},\n  {\"n\":\"\"},\n  {\"n\":\"nan\"},\n  {\"n\":\"-\"},\n"
	                    "  {\"n\":0},\n  {\"n\":-0.5},\n  {\"n\":\"1,5\"}\n]\n");
}

static void an_empty_table_still_has_its_head(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct table *t = table_new(a, columns, ARRAY_LEN(columns));

	(void)state;
	assert_string_equal(printed(a, t, FORMAT_TABLE), "Account  At stake  why\n");
	assert_string_equal(printed(a, t, FORMAT_CSV), "Account,At stake,why\n");
	assert_string_equal(printed(a, t, FORMAT_JSON), "[\n]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_get_aligned_columns_by_letters_not_bytes),
		cmocka_unit_test(spreadsheets_get_quoted_fields),
		cmocka_unit_test(no_cell_is_a_formula_to_a_spreadsheet),
		cmocka_unit_test(programs_get_numbers_as_numbers_and_nothing_as_null),
		cmocka_unit_test(what_is_no_json_number_stays_a_text),
		cmocka_unit_test(an_empty_table_still_has_its_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
