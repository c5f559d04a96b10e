#include "cmocka_shim.h"

#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/fd.h"
#include "common/unpack.h"

static struct err err;

/* made files ------------------------------------------------------------------------------------------------------- */

static void add_packed(struct buf *to, const char *text, size_t len, int wrap)
{
	unsigned char out[1 << 16];
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, wrap, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (z_const Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)len;
	do {
		z.next_out = out;
		z.avail_out = sizeof out;
		(void)deflate(&z, Z_FINISH);
		buf_add(to, out, sizeof out - z.avail_out);
	} while (z.avail_out == 0);
	(void)deflateEnd(&z);
}

static void add_gzip(struct buf *to, const char *text)
{
	add_packed(to, text, strlen(text), 15 + 16);
}

static void number(struct buf *to, uint64_t value, int n_bytes)
{
	while (n_bytes--) {
		buf_char(to, (char)(value & 255));
		value >>= 8;
	}
}

struct part {
	const char *name, *data;
	size_t len;
	bool is_deflated, is_wide, is_encrypted;
	uint32_t wrong_crc;
};

static void add_entry_head(struct buf *to, const struct part *p, size_t packed, uint32_t crc)
{
	number(to, 20, 2);
	number(to, p->is_encrypted, 2);
	number(to, p->is_deflated ? 8 : 0, 2);
	number(to, 0, 4);
	number(to, crc, 4);
	number(to, p->is_wide ? UINT32_MAX : packed, 4);
	number(to, p->is_wide ? UINT32_MAX : p->len, 4);
	number(to, strlen(p->name), 2);
}

/* A zip; is_wide: with the records of zip64. */
static void add_zip(struct buf *to, const struct part *parts, size_t n, bool is_wide)
{
	CLEANUP(buf_done) struct buf directory;
	size_t at;

	buf_init(&directory, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		const struct part *p = &parts[i];
		CLEANUP(buf_done) struct buf packed;
		uint32_t crc = (uint32_t)crc32(0, (const Bytef *)p->data, (uInt)p->len) ^ p->wrong_crc;

		buf_init(&packed, 1 << 24);
		if (p->is_deflated)
			add_packed(&packed, p->data, p->len, -15);
		else
			buf_add(&packed, p->data, p->len);
		buf_text(&directory, "PK\1\2");
		number(&directory, 20, 2);
		add_entry_head(&directory, p, packed.len, crc);
		number(&directory, p->is_wide ? 28 : 0, 2);
		number(&directory, 0, 10);
		number(&directory, p->is_wide ? UINT32_MAX : to->len, 4);
		buf_text(&directory, p->name);
		if (p->is_wide) {
			number(&directory, 1, 2);
			number(&directory, 24, 2);
			number(&directory, p->len, 8);
			number(&directory, packed.len, 8);
			number(&directory, to->len, 8);
		}
		buf_text(to, "PK\3\4");
		add_entry_head(to, p, packed.len, crc);
		number(to, 0, 2);
		buf_text(to, p->name);
		buf_add(to, packed.at, packed.len);
	}
	at = to->len;
	buf_add(to, directory.at, directory.len);
	if (is_wide) {
		size_t wide_at = to->len;

		buf_text(to, "PK\6\6");
		number(to, 44, 8);
		number(to, 0, 12);
		number(to, n, 8);
		number(to, n, 8);
		number(to, directory.len, 8);
		number(to, at, 8);
		buf_text(to, "PK\6\7");
		number(to, 0, 4);
		number(to, wide_at, 8);
		number(to, 1, 4);
	}
	buf_text(to, "PK\5\6");
	number(to, 0, 4);
	number(to, is_wide ? 65535 : n, 2);
	number(to, is_wide ? 65535 : n, 2);
	number(to, is_wide ? UINT32_MAX : directory.len, 4);
	number(to, is_wide ? UINT32_MAX : at, 4);
	number(to, 0, 2);
}

/* "a|bc|" for the entries a and bc; "retry" or "input" where it can't go on. */
static const char *entries_of(struct arena *a, const struct buf *file, bool is_zip, bool is_gzip, int64_t most)
{
	const struct unpack_settings s = { is_zip, is_gzip, most };
	CLEANUP(unpack_freep) struct unpack *u = NULL;
	CLEANUP(fd_closep) int from = fd_nameless(NULL, &err);
	CLEANUP(fd_closep) int to = fd_nameless(NULL, &err);
	const char *all = "";
	int rc;

	ASSERT_OK(fd_write(from, file->at, file->len, &err));
	rc = unpack_open(&s, from, &u, &err) < 0 ? -1 : 1;
	while (rc == 1 && (rc = unpack_next(u, to, &err)) == 1) {
		char text[4096];
		ssize_t n = read(to, text, sizeof text - 1);

		assert_true(n >= 0);
		text[n] = '\0';
		all = arena_printf(a, "%s%s|", all, text);
	}
	if (rc < 0)
		assert_true(err.text[0] && (err.kind == ERR_RETRY || err.kind == ERR_INPUT));
	return rc == 0 ? all : arena_printf(a, "%s%s", all, err.kind == ERR_RETRY ? "retry" : "input");
}

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

/* cases ------------------------------------------------------------------------------------------------------------ */

static void gzip_is_unpacked_member_by_member(void **state)
{
	CLEANUP(buf_done) struct buf file;

	buf_init(&file, 1 << 20);
	add_gzip(&file, "one ");
	add_gzip(&file, "two");
	assert_string_equal(entries_of(*state, &file, false, true, 0), "one two|");
	buf_add(&file, "\0\0\0\0", 4);
	assert_string_equal(entries_of(*state, &file, false, true, 0), "one two|");
	buf_reset(&file);
	buf_text(&file, "id,name\n");
	assert_string_equal(entries_of(*state, &file, false, true, 0), "id,name\n|"); /* unpacked on the way */
	buf_reset(&file);
	buf_text(&file, "\x1f");
	assert_string_equal(entries_of(*state, &file, false, true, 0), "\x1f|");
	buf_reset(&file);
	assert_string_equal(entries_of(*state, &file, false, true, 0), "|");
}

static void the_entries_of_a_zip_come_one_by_one(void **state)
{
	const struct part parts[] = {
		{ "folder/", "", 0, false, false, false, 0 },
		{ "a", "first", 5, true, false, false, 0 },
		{ "__MACOSX/._a", "xyz", 3, false, false, false, 0 },
		{ "b", "", 0, false, false, false, 0 },
		{ "c", "third", 5, false, true, false, 0 },
	};

	for (int is_wide = 0; is_wide < 2; is_wide++) {
		CLEANUP(buf_done) struct buf file;

		buf_init(&file, 1 << 20);
		add_zip(&file, parts, ARRAY_LEN(parts), is_wide);
		assert_string_equal(entries_of(*state, &file, true, false, 0), "first||third|");
	}
}

static void what_is_cut_or_altered_is_noticed_wherever(void **state)
{
	CLEANUP(buf_done) struct buf inner, whole;
	struct part parts[2];
	size_t n_noticed = 0;

	buf_init(&inner, 1 << 20);
	buf_init(&whole, 1 << 20);
	add_gzip(&inner, "the text that is in there, twice: the text that is in there");
	parts[0] = parts[1] = (struct part){ "a.gz", inner.at, inner.len, false, false, false, 0 };
	add_zip(&whole, parts, 2, false);
	for (size_t len = 0; len < whole.len; len++) {
		CLEANUP(buf_done) struct buf cut;
		const char *got;

		buf_init(&cut, 1 << 20);
		buf_add(&cut, whole.at, len);
		got = entries_of(*state, &cut, true, true, 0);
		assert_non_null(strstr(got, len < 4 ? "input" : "retry"));
	}
	for (size_t at = 0; at < whole.len; at++) {
		CLEANUP(buf_done) struct buf altered;
		const char *got;

		buf_init(&altered, 1 << 20);
		buf_add(&altered, whole.at, whole.len);
		altered.at[at] ^= 0x10;
		got = entries_of(*state, &altered, true, true, 0);
		n_noticed += strstr(got, "retry") || strstr(got, "input");
		/* what isn't noticed is a byte that nobody reads, such as one of a time */
		assert_true(strstr(got, "retry") || strstr(got, "input") || strstr(got, "in there|"));
	}
	assert_true(n_noticed > inner.len * 2);
}

static void what_lies_about_itself_is_refused(void **state)
{
	static const struct part wrong_crc = { "a", "first", 5, true, false, false, 1 },
	                         encrypted = { "a", "first", 5, true, false, true, 0 };
	CLEANUP(buf_done) struct buf file;

	buf_init(&file, 1 << 20);
	add_zip(&file, &wrong_crc, 1, false);
	assert_string_equal(entries_of(*state, &file, true, false, 0), "retry");
	buf_reset(&file);
	add_zip(&file, &encrypted, 1, false);
	assert_string_equal(entries_of(*state, &file, true, false, 0), "input");
	buf_reset(&file);
	buf_text(&file, "<html>no zip</html>");
	assert_string_equal(entries_of(*state, &file, true, false, 0), "input");
}

static void what_becomes_too_large_is_refused(void **state)
{
	CLEANUP(buf_done) struct buf plain, file;

	buf_init(&plain, 80 << 20);
	buf_init(&file, 1 << 20);
	for (int i = 0; i < (70 << 20) / 64; i++)
		buf_text(&plain, "0000000000000000000000000000000000000000000000000000000000000000");
	add_packed(&file, plain.at, plain.len, 15 + 16);
	assert_string_equal(entries_of(*state, &file, false, true, 0), "input");
	assert_non_null(strstr(err.text, "times its size"));
	assert_string_equal(entries_of(*state, &file, false, true, 1 << 20), "input");
	assert_non_null(strstr(err.text, "more than 1048576 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(gzip_is_unpacked_member_by_member, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(the_entries_of_a_zip_come_one_by_one, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(what_is_cut_or_altered_is_noticed_wherever, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(what_lies_about_itself_is_refused, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(what_becomes_too_large_is_refused, with_arena, without_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
