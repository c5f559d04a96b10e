/* Reading one page of a CRM (100 records of 40 properties): json_parse, with its checks of UTF-8, depth and grammar,
 * against cJSON alone with the C library's memory. */
#include "bench.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"

enum { RECORDS = 100, PROPERTIES = 40, PAGES = 50, ROUNDS = 7 };

struct page {
	struct arena *arena;
	const char *text;
	size_t len;
	size_t n_records; /* seen by the last reader, so that no work can be left out */
};

static void write_record(struct json_out *o, int n)
{
	char name[32], value[64];

	json_open_object(o, NULL);
	(void)snprintf(value, sizeof value, "%d", 100000 + n);
	json_put_text(o, "id", value);
	json_open_object(o, "properties");
	for (int i = 0; i < PROPERTIES; i++) {
		(void)snprintf(name, sizeof name, "hs_custom_property_%d", i);
		(void)snprintf(value, sizeof value, i % 3 ? "value %d of \"record\" %d" : "%d.%d", n * i, i);
		json_put_text(o, name, i % 7 ? value : NULL);
	}
	json_close_object(o);
	json_put_text(o, "createdAt", "2024-03-01T08:00:00.000Z");
	json_put_text(o, "updatedAt", "2025-11-30T17:45:12.123Z");
	json_put_bool(o, "archived", false);
	json_close_object(o);
}

static void write_page(struct buf *to)
{
	struct json_out o = json_out_to(to);

	json_open_object(&o, NULL);
	json_open_array(&o, "results");
	for (int n = 0; n < RECORDS; n++)
		write_record(&o, n);
	json_close_array(&o);
	json_open_object(&o, "paging");
	json_open_object(&o, "next");
	json_put_text(&o, "after", "100100");
	json_close_object(&o);
	json_close_object(&o);
	json_close_object(&o);
}

static void read_with_ours(void *context)
{
	struct page *p = context;
	const struct json *j;
	struct err err;

	for (int i = 0; i < PAGES; i++) {
		REQUIRE_OK(json_parse(p->arena, p->text, p->len, &j, &err));
		p->n_records = json_count(json_member(j, "results"));
		arena_reset(p->arena);
	}
}

static void read_with_cjson(void *context)
{
	struct page *p = context;

	cJSON_InitHooks(NULL);
	for (int i = 0; i < PAGES; i++) {
		cJSON *j = cJSON_ParseWithLength(p->text, p->len);

		p->n_records = (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(j, "results"));
		cJSON_Delete(j);
	}
}

int main(void)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf text;
	struct page page = { .arena = a };
	double ours, theirs;

	buf_init(&text, 1 << 24);
	write_page(&text);
	page.text = text.at;
	page.len = text.len;
	ours = best_of(ROUNDS, read_with_ours, &page) / PAGES;
	if (page.n_records != RECORDS)
		die("%zu records", page.n_records);
	theirs = best_of(ROUNDS, read_with_cjson, &page) / PAGES;
	if (page.n_records != RECORDS)
		die("%zu records", page.n_records);
	print_ratio("json_parse of a page of 100 records", "ms", ours * 1e3, "cJSON alone", theirs * 1e3);
	return 0;
}
