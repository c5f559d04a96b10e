/* Pages: texts are escaped wherever they stand, tables have captions and heads, nothing is fetched. */
#include "cmocka_shim.h"

#include <string.h>

#include "score/page.h"

static void texts_are_escaped_and_tables_are_labelled(void **state)
{
	static const struct page_column columns[] = { { "account", false }, { "end", true } };
	static const char *const cells[] = { "<script>alert(1)</script>", "1", "B\x01 & \"C\"", NULL };
	static const struct page_table table = { "By <account>", columns, 2, cells, 2 };
	static const char *const paragraphs[] = { "a < b" }, *const pictures[] = { "<svg></svg>\n" };
	static const struct page_part part = { "Where & why", paragraphs, 1, pictures, 1, &table, 1 };
	static const struct page page = { "O'Neil & <Sons>", "as of 2026-03-01", &part, 1 };
	struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	page_write(&page, a, &b);
	assert_non_null(strstr(b.at, "<title>O&#39;Neil &amp; &lt;Sons&gt;</title>"));
	assert_non_null(strstr(b.at, "<h2>Where &amp; why</h2>"));
	assert_non_null(strstr(b.at, "<p>a &lt; b</p>"));
	assert_non_null(strstr(b.at, "aria-label=\"By &lt;account&gt;\""));
	assert_non_null(strstr(b.at, "<th scope=\"col\" class=\"n\">end</th>"));
	assert_non_null(strstr(b.at, "<th scope=\"row\">&lt;script&gt;alert(1)&lt;/script&gt;</th><td class=\"n\">1</td>"));
	assert_non_null(strstr(b.at, "<th scope=\"row\">B &amp; &quot;C&quot;</th><td class=\"n\">-</td>"));
	assert_non_null(strstr(b.at, "<svg></svg>"));
	assert_null(strstr(b.at, "<script"));
	assert_null(strstr(b.at, "http"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_escaped_and_tables_are_labelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
