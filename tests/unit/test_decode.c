#include "cmocka_shim.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../../src/connect/decode.h"
#include "common/fd.h"

static struct err err;

static int with_arena(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int without_arena(void **state)
{
	arena_free(*state);
	return 0;
}

static struct decode_settings settings(struct arena *a, const char *yaml, const char *expected_mistake)
{
	struct mistakes m = { .arena = a };
	struct yaml where = { .file = "x.yaml", .path = "full" };
	struct decode_settings s = { 0 };
	char *words = arena_strdup(a, yaml), *next;

	s.steps.at = arena_array(a, 8, sizeof *s.steps.at);
	for (char *at = words; *at; at = next) {
		next = at + strcspn(at, " ");
		if (*next)
			*next++ = '\0';
		s.steps.at[s.steps.n++] = at;
	}
	decode_check(&s, &where, &m);
	if (expected_mistake)
		assert_non_null(strstr(m.n ? m.lines[0] : "", expected_mistake));
	else
		assert_int_equal(m.n, 0);
	return s;
}

/* "2:{...} 3! end", row by row; "retry" or "input" where it can't go on. */
static const char *rows_of(struct arena *a, const struct decode_settings *s, const char *text, size_t len)
{
	CLEANUP(decode_closep) struct decoding *d = NULL;
	CLEANUP(fd_closep) int fd = fd_nameless(NULL, &err);
	const char *all = "";
	const struct json *row;
	int rc;

	ASSERT_OK(fd_write(fd, text, len, &err));
	ASSERT_OK(decode_open(s, fd, NULL, a, &d, &err));
	while ((rc = decode_next(d, a, &row, &err)) > 0)
		all = arena_printf(a, "%s%lld%s%s ", all, (long long)decode_line(d), rc == 1 ? ":" : "!",
		                   rc == 1 ? json_print(a, row) : "");
	return arena_printf(a, "%s%s", all, rc == 0 ? "end" : err.kind == ERR_RETRY ? "retry" : "input");
}

static void lines_of_json_are_rows(void **state)
{
	static const struct {
		const char *text, *rows;
	} cases[] = {
		{ "", "end" },
		{ "\n\n", "end" },
		{ "{\"a\":1}\n", "1:{\"a\":1} end" },
		{ "{\"a\":1}\r\n\n{\"a\":2}", "1:{\"a\":1} 3:{\"a\":2} end" },
		{ "{\"a\":1}\n{\"a\":\n{\"a\":3}\n", "1:{\"a\":1} 2! 3:{\"a\":3} end" },
		{ "{\"a\":1}\n{\"a\":2", "1:{\"a\":1} retry" },
		{ "{\"a\":1}\nterminated early", "1:{\"a\":1} retry" },
	};
	struct decode_settings s = settings(*state, "ndjson", NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(rows_of(*state, &s, cases[i].text, strlen(cases[i].text)), cases[i].rows);
}

static void a_row_of_csv_is_an_object_of_texts(void **state)
{
	static const struct {
		const char *text, *rows;
	} cases[] = {
		{ "", "input" },
		{ "Id,Owner.Name\n", "end" },
		{ "Id, Owner.Name\n1,\"Ana \"\"A\"\"\"\n", "2:{\"Id\":\"1\",\"Owner.Name\":\"Ana \\\"A\\\"\"} end" },
		{ "Id,Name\n1\n2,b\n", "2! 3:{\"Id\":\"2\",\"Name\":\"b\"} end" },
		{ "Id,Name\n\"1,b\n2,c", "2! 3:{\"Id\":\"2\",\"Name\":\"c\"} end" },
	};
	struct decode_settings s = settings(*state, "csv", NULL);
	const struct json *list;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(rows_of(*state, &s, cases[i].text, strlen(cases[i].text)), cases[i].rows);
	ASSERT_OK(decode_list(&s, "Id,Owner.Name\n1,Ana\n2,Bo\n", 25, *state, &list, &err));
	assert_int_equal(json_count(list), 2);
	assert_string_equal(json_text(json_at(list, "[1].Id")), "2");
	assert_string_equal(json_text(json_at(json_first(list), "Owner.Name")), "Ana");
	assert_int_equal(decode_list(&s, "Id,Owner.Name\n1\n", 16, *state, &list, &err), -1);
}

/* gzip of so many empty lines, which is a thousandth of them. */
static size_t pack_empty_lines(unsigned char *out, size_t room, size_t n)
{
	static unsigned char lines[1 << 20];
	z_stream z = { .next_out = out, .avail_out = (uInt)room };

	memset(lines, '\n', sizeof lines);
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	for (; n; n -= sizeof lines) {
		z.next_in = lines;
		z.avail_in = sizeof lines;
		assert_int_equal(deflate(&z, n == sizeof lines ? Z_FINISH : Z_NO_FLUSH),
		                 n == sizeof lines ? Z_STREAM_END : Z_OK);
	}
	assert_int_equal(deflateEnd(&z), Z_OK);
	return room - z.avail_out;
}

static void what_unpacks_to_more_than_memory_is_refused(void **state)
{
	static unsigned char packed[1 << 20];
	CLEANUP(arena_freep) struct arena *little = arena_new(80 << 20);
	struct decode_settings s = settings(*state, "gzip ndjson", NULL);
	const struct json *list;
	size_t len = pack_empty_lines(packed, sizeof packed, 30 << 20);

	ASSERT_OK(decode_list(&s, (const char *)packed, len, little, &list, &err));
	len = pack_empty_lines(packed, sizeof packed, 50 << 20);
	assert_int_equal(decode_list(&s, (const char *)packed, len, little, &list, &err), -1);
	assert_non_null(strstr(err.text, "unpacks to more than"));
}

static void the_words_say_what_is_outermost_first(void **state)
{
	assert_true(settings(*state, "zip gzip ndjson", NULL).unpack.is_gzip);
	assert_true(settings(*state, "gzip csv", NULL).format == DECODE_CSV);
	(void)settings(*state, "gzip zip csv", "outermost first");
	(void)settings(*state, "csv ndjson", "outermost first");
	(void)settings(*state, "xml", "there are zip, gzip and one of json, ndjson, csv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_of_json_are_rows, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(a_row_of_csv_is_an_object_of_texts, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(what_unpacks_to_more_than_memory_is_refused, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(the_words_say_what_is_outermost_first, with_arena, without_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
