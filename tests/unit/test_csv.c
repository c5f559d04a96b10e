#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/csv.h"

static struct err err;
static char path[64];

static int make_file(void **state)
{
	int fd;

	(void)state;
	(void)snprintf(path, sizeof path, "/tmp/retaind-csv-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* "1:a|b 2:c|d" and "3!" for a row that can't be read. */
static const char *rows_of(struct arena *a, const char *text, size_t len, char delimiter, char quote)
{
	CLEANUP(csv_closep) struct csv *c = NULL;
	const char *all = "";
	struct csv_row row;
	int rc;

	write_file(text, len);
	ASSERT_OK(csv_open(path, delimiter, quote, &c, &err));
	while ((rc = csv_next(c, &row, &err)) != 0) {
		all = arena_printf(a, "%s%s%lld%s", all, *all ? " " : "", (long long)row.line, rc < 0 ? "!" : ":");
		if (rc < 0)
			assert_int_equal(err.kind, ERR_INPUT);
		for (size_t i = 0; rc == 1 && i < row.n; i++)
			all = arena_printf(a, "%s%s%s", all, i ? "|" : "", row.fields[i]);
	}
	return all;
}

static void rows_are_read_as_written(void **state)
{
	static const struct {
		const char *text;
		char delimiter, quote;
		const char *rows;
	} cases[] = {
		{ "", 0, 0, "" },
		{ "\n\n\r\n", 0, 0, "" },
		{ "a,b\nc,d\n", 0, 0, "1:a|b 2:c|d" },
		{ "a,b\r\nc,d", 0, 0, "1:a|b 2:c|d" },
		{ "\xEF\xBB\xBF" "a,b\n", 0, 0, "1:a|b" },
		{ "\xEF\xBB\xBF\"a,b\",c\n", 0, 0, "1:a,b|c" },
		{ "a;b,c;'x;''y'''\n", ';', '\'', "1:a|b,c|x;'y'" },
		{ "a\tb\n", '\t', 0, "1:a|b" },
		{ "a,\n,b\n,\n", 0, 0, "1:a| 2:|b 3:|" },
		{ "\"two\nlines\",b\nc,d\n", 0, 0, "1:two\nlines|b 3:c|d" },
		{ "\"crlf\r\nkept\",b\r\nc,d\r\n", 0, 0, "1:crlf\r\nkept|b 3:c|d" },
		{ "say \"hi\",b\n", 0, 0, "1:say \"hi\"|b" },
		{ "\"\",\"\"\"\"\n", 0, 0, "1:|\"" },
		{ "a\rb,c\n", 0, 0, "1:a\rb|c" },
		{ "\"last\"", 0, 0, "1:last" },
		{ "\n\na\n\nb\n", 0, 0, "3:a 5:b" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(rows_of(a, cases[i].text, strlen(cases[i].text), cases[i].delimiter, cases[i].quote),
		                    cases[i].rows);
	arena_free(a);
}

static void a_broken_row_costs_one_line(void **state)
{
	static const struct {
		const char *text;
		const char *rows;
	} cases[] = {
		{ "a,b\n\"never closed,x\nc,d\ne,f\n", "1:a|b 2! 3:c|d 4:e|f" },
		{ "a,\"b\"x,c\nd,e\n", "1! 2:d|e" },
		{ "\"a\nb\"x,c\nd,e\n", "1! 2:b\"x|c 3:d|e" }, /* its second line is a row then */
		{ "\"only", "1!" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (strcmp(rows_of(a, cases[i].text, strlen(cases[i].text), 0, 0), cases[i].rows) != 0)
			fail_msg("%s", rows_of(a, cases[i].text, strlen(cases[i].text), 0, 0));
	assert_string_equal(rows_of(a, "a,b\0c\nd,e\n", 10, 0, 0), "1! 2:d|e");
	arena_free(a);
}

static void sizes_have_ceilings(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	for (int i = 0; i < CSV_MAX_FIELDS; i++)
		buf_text(&b, "x,");
	buf_text(&b, "x\nc,d\n");
	assert_string_equal(rows_of(a, b.at, b.len, 0, 0), "1! 2:c|d");
	buf_reset(&b);
	for (int i = 0; i < CSV_MAX_ROW_BYTES; i++)
		buf_char(&b, 'x');
	buf_text(&b, "y\nc,d\n");
	assert_string_equal(rows_of(a, b.at, b.len, 0, 0), "1! 2:c|d");
	buf_reset(&b);
	buf_text(&b, "\"a\n");
	for (int i = 0; i < CSV_MAX_ROW_BYTES / 4; i++)
		buf_text(&b, "123,456\n");
	assert_true(strncmp(rows_of(a, b.at, 4000, 0, 0), "1! 2:123|456 3:123|456", 22) == 0);
	buf_done(&b);
	arena_free(a);
}

static void rows_across_the_read_buffer_stay_whole(void **state)
{
	CLEANUP(csv_closep) struct csv *c = NULL;
	struct csv_row row;
	char expected[64];
	struct buf b;
	int n = 0;

	(void)state;
	buf_init(&b, 1 << 24);
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "%d,\"quoted \"\"%d\"\"\",%d\r\n", i, i, i * 7);
	write_file(b.at, b.len);
	buf_done(&b);
	ASSERT_OK(csv_open(path, 0, 0, &c, &err));
	while (csv_next(c, &row, &err) == 1) {
		(void)snprintf(expected, sizeof expected, "quoted \"%d\"", n);
		ASSERT_INT(row.n, 3);
		assert_string_equal(row.fields[1], expected);
		ASSERT_INT(row.line, ++n);
	}
	ASSERT_INT(n, 20000);
}

static void what_is_no_csv_is_refused_at_once(void **state)
{
	struct csv *c = NULL;

	(void)state;
	write_file("\xFF\xFE" "a\0", 4);
	assert_int_equal(csv_open(path, 0, 0, &c, &err), -1);
	assert_int_equal(err.kind, ERR_INPUT);
	assert_non_null(strstr(err.text, "UTF-16"));
	assert_int_equal(csv_open("/nonexistent/file.csv", 0, 0, &c, &err), -1);
	assert_int_equal(err.kind, ERR_INPUT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rows_are_read_as_written),
		CASE(a_broken_row_costs_one_line),
		CASE(sizes_have_ceilings),
		CASE(rows_across_the_read_buffer_stay_whole),
		CASE(what_is_no_csv_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
