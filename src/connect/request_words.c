#include "connector.h"

#include <stddef.h>

#define FIELD(key, kind, member, extra, min, max) \
	{ key, kind, offsetof(struct request_settings, member), false, extra, min, max }

static void check_request(void *item, const struct yaml *where, struct mistakes *m)
{
	struct request_settings *r = item;

	if (!r->get == !r->post)
		mistake_at(m, where, "one of `get:` and `post:` must say the path");
	if (r->get && r->body)
		mistake_at(m, where, "a `get:` carries no `body:`");
	decode_check(&r->decode, where, m);
	errors_check_status(&r->empty, where, m);
	if (r->headers && r->headers->type != YAML_MAPPING)
		mistake_at(m, r->headers, "is no mapping, expected name: value");
	if (r->first_query && (!page_begins_bare(&r->page) || r->first_query->type != YAML_MAPPING))
		mistake_at(m, where, "`first_query:` is a mapping, for a list whose first page has no token: cursor, last_id");
	if (!r->records && r->decode.format != DECODE_JSON)
		r->records = ".";
	if (!r->records)
		mistake_at(m, where, "`records:` is missing, the path of the list of rows in the answer");
	if (r->download_mb && r->decode.format == DECODE_JSON)
		mistake_at(m, where, "`download_mb:` goes with rows that come one by one: `decoder:` ndjson or csv");
}

static const struct yaml_field request_fields[] = {
	FIELD("get", YAML_TEXT, get, NULL, 0, 0),
	FIELD("post", YAML_TEXT, post, NULL, 0, 0),
	FIELD("query", YAML_NODE, query, NULL, 0, 0),
	FIELD("first_query", YAML_NODE, first_query, NULL, 0, 0),
	FIELD("headers", YAML_NODE, headers, NULL, 0, 0),
	FIELD("body", YAML_NODE, body, NULL, 0, 0),
	FIELD("records", YAML_TEXT, records, NULL, 0, 0),
	FIELD("optional_records", YAML_BOOL, has_optional_records, NULL, 0, 0),
	FIELD("page", YAML_STRUCT, page, &page_table, 0, 0),
	FIELD("decoder", YAML_TEXTS, decode.steps, NULL, 0, 0),
	FIELD("delimiter", YAML_TEXT, decode.delimiter_text, NULL, 0, 0),
	FIELD("quote", YAML_TEXT, decode.quote_text, NULL, 0, 0),
	FIELD("empty", YAML_TEXTS, empty, NULL, 0, 0),
	FIELD("proof", YAML_TEXT, proof, NULL, 0, 0),
	FIELD("download_mb", YAML_INT, download_mb, NULL, 1, 65536),
	FIELD("timeout", YAML_DURATION, timeout_s, NULL, 1, 3600),
	FIELD("job", YAML_STRUCT, job, &job_table, 0, 0),
};
const struct yaml_table request_table = {
	.size = sizeof(struct request_settings), .fields = request_fields, .n_fields = ARRAY_LEN(request_fields),
	.check = check_request,
};
