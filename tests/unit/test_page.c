#include "cmocka_shim.h"

#include <string.h>

#include "../../src/connect/page.h"

static const char base[] = "https://api.example.com";

/* A pager at work on answers written out here. */
struct book {
	struct arena *a;
	struct page_settings settings;
	struct pager pager;
	struct err err;
};

static struct book *open_book(const char *yaml, const char *token)
{
	struct arena *a = arena_new(0);
	struct book *b = arena_alloc(a, sizeof *b);
	struct mistakes m = { .arena = a };
	const struct yaml *node = yaml_parse(a, "page", yaml, strlen(yaml), &m);

	b->a = a;
	assert_non_null(node);
	yaml_read(a, node, &page_table, &b->settings, &m);
	if (m.n)
		fail_msg("%s", m.lines[0]);
	pager_init(&b->pager, &b->settings, base, token, a);
	return b;
}

static int turn_with(struct book *b, const char *body, const struct http_header *headers, size_t n_headers)
{
	struct http_response r = { .status = 200, .body = body, .body_len = strlen(body), .headers = headers,
	                           .n_headers = n_headers };
	struct page_view v = { .response = &r, .url = "https://api.example.com/v1/things?limit=2" };

	ASSERT_INT(json_parse(b->a, body, strlen(body), &v.body, &b->err), 0);
	v.rows = json_at(v.body, "rows");
	v.n_rows = json_count(v.rows);
	return pager_next(&b->pager, &v, b->a, &b->err);
}

static int turn(struct book *b, const char *body)
{
	return turn_with(b, body, NULL, 0);
}

static void a_cursor_is_followed_to_its_end(void **state)
{
	struct book *b = open_book("{ kind: cursor, from: paging.next.after }", NULL);

	(void)state;
	assert_null(b->pager.token);
	ASSERT_INT(turn(b, "{\"rows\":[1,2],\"paging\":{\"next\":{\"after\":\"NTI1Cg%3D%3D\"}}}"), 1);
	assert_string_equal(b->pager.token, "NTI1Cg%3D%3D");
	ASSERT_INT(turn(b, "{\"rows\":[3,4],\"paging\":{\"next\":{\"after\":200}}}"), 1);
	assert_string_equal(b->pager.token, "200");
	ASSERT_INT(turn(b, "{\"rows\":[5]}"), 0);
	ASSERT_INT(b->pager.n_pages, 3);
	ASSERT_INT(b->pager.n_rows, 5);
	arena_free(b->a);
}

static void a_cursor_may_end_by_a_word_a_flag_or_a_header(void **state)
{
	struct book *b = open_book("{ kind: cursor, from: \"header:sforce-locator\", stop: \"null\" }", NULL);
	struct http_header locator = { "sforce-locator", "MTAw" }, end = { "sforce-locator", "null" };

	(void)state;
	ASSERT_INT(turn_with(b, "{\"rows\":[1]}", &locator, 1), 1);
	assert_string_equal(b->pager.token, "MTAw");
	ASSERT_INT(turn_with(b, "{\"rows\":[2]}", &end, 1), 0);
	arena_free(b->a);

	b = open_book("{ kind: cursor, from: meta.after, more: meta.has_more }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[1],\"meta\":{\"after\":\"x\",\"has_more\":true}}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[2],\"meta\":{\"after\":\"y\",\"has_more\":false}}"), 0);
	arena_free(b->a);

	b = open_book("{ kind: cursor, from: after_cursor, end: end_of_stream }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[1],\"after_cursor\":\"x\",\"end_of_stream\":false}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[2],\"after_cursor\":\"y\",\"end_of_stream\":true}"), 0);
	arena_free(b->a);

	b = open_book("{ kind: cursor, from: next, empty_page_stops: true }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[1],\"next\":\"a\"}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[],\"next\":\"b\"}"), 0);
	arena_free(b->a);
}

static void a_token_that_comes_again_is_an_error(void **state)
{
	struct book *b = open_book("{ kind: cursor, from: next }", NULL);

	(void)state;
	ASSERT_INT(turn(b, "{\"rows\":[1],\"next\":\"a\"}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[2],\"next\":\"b\"}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[3],\"next\":\"a\"}"), -1);
	ASSERT_INT(b->err.kind, ERR_INPUT);
	assert_non_null(strstr(b->err.text, "circles"));
	arena_free(b->a);

	b = open_book("{ kind: cursor, from: next }", "kept");
	ASSERT_INT(turn(b, "{\"rows\":[1],\"next\":\"kept\"}"), -1);
	arena_free(b->a);
}

static void a_body_that_comes_again_is_an_error(void **state)
{
	struct book *b = open_book("{ kind: number, size: 1 }", NULL);

	(void)state;
	assert_string_equal(b->pager.token, "1");
	ASSERT_INT(turn(b, "{\"rows\":[1]}"), 1);
	assert_string_equal(b->pager.token, "2");
	ASSERT_INT(turn(b, "{\"rows\":[1]}"), -1);
	assert_non_null(strstr(b->err.text, "same"));
	arena_free(b->a);
}

static void a_list_without_an_end_is_an_error(void **state)
{
	struct book *b = open_book("{ kind: cursor, from: next, max_pages: 1000 }", NULL);
	int rc = 1;

	(void)state;
	for (int i = 0; rc == 1 && i < 2000; i++) {
		char body[64];

		(void)snprintf(body, sizeof body, "{\"rows\":[%d],\"next\":\"%d\"}", i, i);
		rc = turn(b, body);
	}
	ASSERT_INT(rc, -1);
	ASSERT_INT(b->pager.n_pages, 1000);
	arena_free(b->a);
}

static void offsets_and_numbers_end_at_a_short_page_or_the_total(void **state)
{
	struct book *b = open_book("{ kind: offset, size: 2, total: total }", NULL);

	(void)state;
	assert_string_equal(b->pager.token, "0");
	ASSERT_INT(turn(b, "{\"rows\":[1,2],\"total\":5}"), 1);
	assert_string_equal(b->pager.token, "2");
	ASSERT_INT(turn(b, "{\"rows\":[3,4],\"total\":5}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[5],\"total\":5}"), 0);
	arena_free(b->a);

	b = open_book("{ kind: offset, size: 2, total: total }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[1,2],\"total\":2}"), 0);
	arena_free(b->a);

	b = open_book("{ kind: number, size: 2, first: \"0\" }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[1,2]}"), 1);
	assert_string_equal(b->pager.token, "1");
	ASSERT_INT(turn(b, "{\"rows\":[]}"), 0);
	arena_free(b->a);
}

static void the_last_id_carries_on_and_must_rise(void **state)
{
	static const char keyset[] = "{ kind: last_id, field: id, first: \"0\", more: paging.next.after, ascending: true }";
	struct book *b = open_book(keyset, NULL);

	(void)state;
	assert_string_equal(b->pager.token, "0");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"9\"},{\"id\":\"10\"}],\"paging\":{\"next\":{\"after\":\"2\"}}}"), 1);
	assert_string_equal(b->pager.token, "10");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"9007199254740993\"}]}"), 0);
	arena_free(b->a);

	b = open_book(keyset, NULL);
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"10\"},{\"id\":\"9\"}],\"paging\":{\"next\":{\"after\":\"2\"}}}"), -1);
	assert_non_null(strstr(b->err.text, "order"));
	arena_free(b->a);

	b = open_book(keyset, "500");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"499\"}]}"), -1);
	arena_free(b->a);

	b = open_book(keyset, "500"); /* a row that comes twice is harmless */
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"500\"},{\"id\":\"501\"}]}"), 0);
	arena_free(b->a);

	b = open_book(keyset, NULL);
	ASSERT_INT(turn(b, "{\"rows\":[{\"name\":\"no id\"}]}"), -1);
	arena_free(b->a);

	b = open_book(keyset, NULL);
	ASSERT_INT(turn(b, "{\"rows\":[]}"), 0);
	arena_free(b->a);
}

static void an_empty_page_is_not_the_end_where_more_is_promised(void **state)
{
	struct book *b = open_book("{ kind: last_id, field: id, more: has_more }", NULL);

	(void)state;
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"9\"}],\"has_more\":true}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[],\"has_more\":true}"), -1);
	ASSERT_INT(b->err.kind, ERR_RETRY);
	assert_string_equal(b->pager.token, "9");
	ASSERT_INT(turn(b, "{\"rows\":[],\"has_more\":false}"), 0);
	arena_free(b->a);

	b = open_book("{ kind: number, from: next, more: more, size: 2 }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[],\"more\":true,\"next\":\"x\"}"), 1);
	assert_string_equal(b->pager.token, "@x");
	ASSERT_INT(turn(b, "{\"rows\":[],\"more\":true}"), -1);
	ASSERT_INT(b->err.kind, ERR_RETRY);
	ASSERT_INT(turn(b, "{\"rows\":[],\"more\":false}"), 0);
	arena_free(b->a);

	b = open_book("{ kind: last_time, field: t, size: 2, first: \"2026-03-01T00:00:00Z\" }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:00:00Z\"},{\"t\":\"2026-03-02T00:00:09Z\"}]}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[]}"), -1);
	ASSERT_INT(b->err.kind, ERR_INPUT);
	arena_free(b->a);
}

static void next_links_are_followed_within_the_origin_only(void **state)
{
	static const struct {
		const char *link, *want;
	} cases[] = {
		{ "https://api.example.com/v1/things?page=2", "https://api.example.com/v1/things?page=2" },
		{ "/v1/things?page=2", "https://api.example.com/v1/things?page=2" },
		{ "things?%24skiptoken=100", "https://api.example.com/v1/things?%24skiptoken=100" },
		{ "https://evil.test/v1", NULL },
		{ "//evil.test/v1", NULL },
		{ "http://api.example.com/v1", NULL },
		{ "https://api.example.com:8443/v1", NULL },
		{ "https://api.example.com@evil.test/", NULL },
		{ "\\\\\\\\evil.test", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct book *b = open_book("{ kind: next_url, from: next }", NULL);
		char body[200];

		(void)snprintf(body, sizeof body, "{\"rows\":[1],\"next\":\"%s\"}", cases[i].link);
		ASSERT_INT(turn(b, body), cases[i].want ? 1 : -1);
		if (cases[i].want) {
			assert_string_equal(b->pager.token, cases[i].want);
			assert_non_null(pager_url(&b->pager));
		}
		arena_free(b->a);
	}
}

static void a_link_header_names_the_next_page(void **state)
{
	struct book *b = open_book("{ kind: next_url, link: next }", NULL);
	struct http_header both = { "link", "<https://api.example.com/p?n=0>; rel=\"prev\", </p?n=2>; rel=\"next\"" };
	struct http_header last = { "link", "<https://api.example.com/p?n=1>; rel=\"prev\"" };

	(void)state;
	ASSERT_INT(turn_with(b, "{\"rows\":[1]}", &both, 1), 1);
	assert_string_equal(b->pager.token, "https://api.example.com/p?n=2");
	ASSERT_INT(turn_with(b, "{\"rows\":[2]}", &last, 1), 0);
	arena_free(b->a);
}

static void a_keyset_goes_by_links_and_without_them_behind_the_last_row(void **state)
{
	struct book *b = open_book("{ kind: keyset, field: id, from: next, total: n, first: '000' }", NULL);

	(void)state;
	assert_string_equal(pager_word(&b->pager, b->a), "000");
	assert_null(pager_url(&b->pager));
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"001\"},{\"id\":\"00A\"}],\"n\":5,\"next\":\"/v1/more/1\"}"), 1);
	assert_string_equal(pager_url(&b->pager), "https://api.example.com/v1/more/1");
	assert_string_equal(pager_word(&b->pager, b->a), "00A");
	/* One comes twice, one is missing. */
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"00B\"},{\"id\":\"00a\"},{\"id\":\"00a\"}],\"n\":5}"), 1);
	assert_null(pager_url(&b->pager));
	assert_string_equal(pager_word(&b->pager, b->a), "00a");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"00b\"}],\"n\":2,\"next\":\"/v1/more/2\"}"), 1);
	assert_true(pager_leave_link(&b->pager));
	assert_false(pager_leave_link(&b->pager));
	assert_string_equal(pager_word(&b->pager, b->a), "00b");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"00c\"}],\"n\":1}"), 0);
	arena_free(b->a);
}

static void a_keyset_whose_rows_are_missing_within_is_asked_for_again(void **state)
{
	struct book *b = open_book("{ kind: keyset, field: id, from: next, total: n, first: '000' }", NULL);

	(void)state;
	for (int i = 0; i < 4; i++) {
		ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"001\"}],\"n\":4,\"next\":\"/v1/more/1\"}"), 1);
		ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"003\"}],\"n\":4,\"next\":\"/v1/more/2\"}"), 1); /* 002 is missing */
		ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"004\"}],\"n\":4}"), 1);
		assert_string_equal(pager_word(&b->pager, b->a), "004");
		ASSERT_INT(turn(b, "{\"rows\":[],\"n\":0}"), i < 3 ? 1 : -1);
		assert_string_equal(pager_word(&b->pager, b->a), i < 3 ? "000" : "004");
	}
	ASSERT_INT(b->err.kind, ERR_RETRY);
	arena_free(b->a);
	b = open_book("{ kind: keyset, field: id, from: next, total: n, first: '000' }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"001\"}],\"n\":3,\"next\":\"/v1/more/1\"}"), 1);
	assert_true(pager_leave_link(&b->pager));
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"003\"}],\"n\":1}"), 1); /* one was deleted meanwhile, or is missing */
	assert_string_equal(pager_word(&b->pager, b->a), "000");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"001\"},{\"id\":\"003\"}],\"n\":2}"), 0);
	arena_free(b->a);
}

static void a_keyset_that_was_broken_off_goes_on_without_its_link(void **state)
{
	struct book *b = open_book("{ kind: keyset, field: id, size: 2 }", "00A@https://api.example.com/v1/more/1");

	(void)state;
	assert_null(pager_url(&b->pager));
	assert_string_equal(pager_word(&b->pager, b->a), "00A");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"00B\"},{\"id\":\"00C\"}]}"), 1);
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":\"00D\"}]}"), 0);
	arena_free(b->a);
}

static void a_keyset_out_of_order_or_short_of_rows_is_an_error(void **state)
{
	static const struct {
		const char *body;
		enum err_kind kind;
	} cases[] = {
		{ "{\"rows\":[{\"id\":\"00B\"},{\"id\":\"00A\"}],\"n\":2}", ERR_INPUT },
		{ "{\"rows\":[{\"id\":\"001\"},{}],\"n\":2}", ERR_INPUT },
		{ "{\"rows\":[{\"id\":\"0' OR 1\"}],\"n\":1}", ERR_INPUT },
		{ "{\"rows\":[{\"id\":\"001\"}],\"n\":2,\"next\":\"https://evil.test/\"}", ERR_INPUT },
		{ "{\"rows\":[],\"n\":3}", ERR_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct book *b = open_book("{ kind: keyset, field: id, from: next, total: n }", NULL);

		ASSERT_INT(turn(b, cases[i].body), -1);
		ASSERT_INT(b->err.kind, cases[i].kind);
		arena_free(b->a);
	}
}

static const char *word_of(const struct book *b)
{
	return pager_word(&b->pager, b->a);
}

static void rows_that_slip_to_an_earlier_page_are_read_again(void **state)
{
	struct book *b = open_book("{ kind: offset, size: 4, total: total, overlap: 2, field: id }", NULL);
	char kept[100];

	(void)state;
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}],\"total\":9}"), 1);
	assert_string_equal(word_of(b), "2");
	/* One row went: the overlap shows that nothing slipped through. */
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":4},{\"id\":5},{\"id\":6},{\"id\":7}],\"total\":8}"), 1);
	assert_string_equal(word_of(b), "4");
	assert_true(strlen(b->pager.token) < sizeof kept);
	memcpy(kept, b->pager.token, strlen(b->pager.token) + 1);
	/* Four went: none of the last two comes again, so it goes back, here to the beginning. */
	ASSERT_INT(turn(b, "{\"rows\":[],\"total\":4}"), 1);
	assert_string_equal(word_of(b), "0");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":6},{\"id\":7},{\"id\":8},{\"id\":9}],\"total\":4}"), 0);
	arena_free(b->a);

	/* A walk that goes on from a kept token knows the rows that it read. */
	b = open_book("{ kind: offset, size: 4, total: total, overlap: 2, field: id }", kept);
	assert_string_equal(word_of(b), "4");
	ASSERT_INT(turn(b, "{\"rows\":[{\"id\":6},{\"id\":7},{\"id\":8},{\"id\":9}],\"total\":8}"), 0);
	arena_free(b->a);
}

static void a_list_that_always_runs_away_is_given_up(void **state)
{
	struct book *b = open_book("{ kind: offset, size: 4, overlap: 2, field: id }", "4000000@0000000000000001");
	int rc = 1;

	(void)state;
	for (int i = 0; i < 20 && rc == 1 && strcmp(word_of(b), "0") != 0; i++)
		rc = turn(b, "{\"rows\":[{\"id\":1},{\"id\":2},{\"id\":3},{\"id\":4}]}");
	ASSERT_INT(rc, -1);
	ASSERT_INT(b->err.kind, ERR_RETRY);
	arena_free(b->a);
}

static void a_list_that_ends_before_its_total_is_an_error(void **state)
{
	struct book *b = open_book("{ kind: offset, size: 4, total: total }", NULL);

	(void)state;
	/* Cut to two rows without a word: the total says that there are more. */
	ASSERT_INT(turn(b, "{\"rows\":[1,2],\"total\":5}"), 1);
	assert_string_equal(word_of(b), "2");
	ASSERT_INT(turn(b, "{\"rows\":[],\"total\":5}"), -1);
	ASSERT_INT(b->err.kind, ERR_RETRY);
	arena_free(b->a);

	b = open_book("{ kind: offset, size: 4, total: total }", NULL);
	ASSERT_INT(turn(b, "{\"rows\":[1,2],\"total\":-1}"), 0);
	arena_free(b->a);
}

static void the_last_time_begins_a_new_query_and_counts_pages_within_a_second(void **state)
{
	static const char yaml[] = "{ kind: last_time, field: t, size: 2, cap: 3, first: \"2026-03-01T00:00:00Z\" }";
	struct book *b = open_book(yaml, NULL);

	(void)state;
	assert_string_equal(word_of(b), "2026-03-01T00:00:00Z");
	assert_string_equal(pager_number(&b->pager), "1");
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:00:00Z\"},{\"t\":\"2026-03-02T00:00:09Z\"}]}"), 1);
	assert_string_equal(word_of(b), "2026-03-02T00:00:08Z");
	assert_string_equal(pager_number(&b->pager), "1");
	/* The whole page is of one second: what is behind it stands on the next page of the same question. */
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:00:09Z\",\"n\":1},{\"t\":\"2026-03-02T00:00:09Z\"}]}"), 1);
	assert_string_equal(word_of(b), "2026-03-02T00:00:08Z");
	assert_string_equal(pager_number(&b->pager), "2");
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:00:09Z\",\"n\":2},{\"t\":\"2026-03-02T00:01:00Z\"}]}"), 1);
	assert_string_equal(word_of(b), "2026-03-02T00:00:59Z");
	assert_string_equal(pager_number(&b->pager), "1");
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:01:00Z\"}]}"), 0);
	arena_free(b->a);

	b = open_book(yaml, "2026-03-02T00:00:08Z@3");
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:00:09Z\"},{\"t\":\"2026-03-02T00:00:09Z\"}]}"), -1);
	assert_non_null(strstr(b->err.text, "within one second"));
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"2026-03-02T00:00:09Z\"},{\"t\":\"2026-03-02T00:00:08Z\"}]}"), -1);
	assert_non_null(strstr(b->err.text, "out of order"));
	ASSERT_INT(turn(b, "{\"rows\":[{\"t\":\"soon\"}]}"), -1);
	arena_free(b->a);
}

static void a_pager_that_lacks_what_it_needs_is_a_mistake(void **state)
{
	static const char *const bad[] = { "{ kind: cursor }", "{ kind: next_url }", "{ kind: offset }", "{ kind: number }",
		                               "{ kind: last_id }", "{ kind: sideways }", "{ from: x }",
		                                "{ kind: none, pages: 3 }" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);
		struct mistakes m = { .arena = a };
		struct page_settings s = { 0 };

		yaml_read(a, yaml_parse(a, "page", bad[i], strlen(bad[i]), &m), &page_table, &s, &m);
		if (m.n == 0)
			fail_msg("%s is taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_is_followed_to_its_end),
		cmocka_unit_test(a_cursor_may_end_by_a_word_a_flag_or_a_header),
		cmocka_unit_test(a_token_that_comes_again_is_an_error),
		cmocka_unit_test(a_body_that_comes_again_is_an_error),
		cmocka_unit_test(a_list_without_an_end_is_an_error),
		cmocka_unit_test(offsets_and_numbers_end_at_a_short_page_or_the_total),
		cmocka_unit_test(the_last_id_carries_on_and_must_rise),
		cmocka_unit_test(an_empty_page_is_not_the_end_where_more_is_promised),
		cmocka_unit_test(next_links_are_followed_within_the_origin_only),
		cmocka_unit_test(a_link_header_names_the_next_page),
		cmocka_unit_test(a_keyset_goes_by_links_and_without_them_behind_the_last_row),
		cmocka_unit_test(a_keyset_whose_rows_are_missing_within_is_asked_for_again),
		cmocka_unit_test(a_keyset_that_was_broken_off_goes_on_without_its_link),
		cmocka_unit_test(a_keyset_out_of_order_or_short_of_rows_is_an_error),
		cmocka_unit_test(rows_that_slip_to_an_earlier_page_are_read_again),
		cmocka_unit_test(a_list_that_always_runs_away_is_given_up),
		cmocka_unit_test(a_list_that_ends_before_its_total_is_an_error),
		cmocka_unit_test(the_last_time_begins_a_new_query_and_counts_pages_within_a_second),
		cmocka_unit_test(a_pager_that_lacks_what_it_needs_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
