/* A source that pushes: what the daemon has put on the disk becomes records and counts, each event once. */
#include <math.h>
#include <string.h>

#include "books.h"
#include "common/sha256.h"
#include "common/text.h"
#include "connect/pull.h"
#include "push_events.h"
#include "record_show.h"
#include "rows.h"
#include "store/push.h"
#include "store/spool.h"
#include "store/usage.h"

enum {
	BATCH_ROWS = 5000, BATCH_REQUESTS = 500, /* of a transaction */
	MAX_CELLS = 10000,
	MAX_KEY_BYTES = 512,
	MAX_SET_ASIDE = 10000, /* of a pull; what is beyond is counted only */
	MAX_WAITING = 1000000, /* counts of accounts that nobody knows: whoever has the key must not fill the disk */
	WAITING_DAYS = 400, /* longer than any signal looks back */
	DAY_S = 86400
};

static const char stream[] = "events";

/* So that sums of any number of events that a day may have stay within an int64. */
static const double max_value = 1e12;

struct reading {
	const struct pull *pull;
	const struct push_event_map *maps;
	size_t n_maps;
	int64_t source, n_waiting;
	struct pull_result *result;
	struct spool_reader spool;
	struct arena *arena; /* of the request at hand */
	/* the event at hand */
	struct row row;
	const char *id; /* hex of its hash */
};

/* one event -------------------------------------------------------------------------------------------------------- */

static int set_aside(const struct reading *r, size_t map, const char *why, struct err *err)
{
	if (r->result->n_quarantined++ >= MAX_SET_ASIDE)
		return 0;
	return quarantine_put(r->pull->db, r->source, stream,
	                      arena_printf(r->arena, "%s#%s", r->id, r->maps[map].name),
	                      arena_printf(r->arena, "%s: %s", r->maps[map].name, why), json_print(r->arena, r->row.main),
	                      r->pull->now, err);
}

static const struct value *value_of(const struct record *record, const char *field)
{
	return &record->values[entity_field_index(record->entity, field)];
}

static const char *text_or_empty(const struct value *v)
{
	return v->is_set && !v->is_null && v->text ? v->text : "";
}

/* NULL when it can be counted. */
static const char *what_is_wrong(const struct reading *r, const struct record *record, const struct usage_row *row)
{
	double value = value_of(record, "value")->real;

	if (!(value >= 0 && value <= max_value))
		return "value: expected a number from 0 to 1e12";
	if (row->day < 0)
		return "day: is before 1970";
	if (row->day > r->pull->today + 1)
		return "day: has yet to come";
	if (!record->account_key)
		return "account: is empty, expected what names it";
	if (strlen(record->account_key) > MAX_KEY_BYTES || strlen(row->contact_key) > MAX_KEY_BYTES ||
	    strlen(row->team) > MAX_KEY_BYTES)
		return "account, contact_key or team: is longer than 512 bytes";
	return NULL;
}

/* Counted for its account, or kept until that is known: it won't come again. */
static int put_usage(struct reading *r, const struct record *record, size_t map, struct err *err)
{
	struct usage_row row = { .day = (int32_t)value_of(record, "day")->number,
		                     .contact_key = text_or_empty(value_of(record, "contact_key")),
		                     .team = text_or_empty(value_of(record, "team")) };
	const char *wrong = what_is_wrong(r, record, &row);
	int rc;

	if (wrong)
		return set_aside(r, map, wrong, err);
	row.value = llround(value_of(record, "value")->real);
	if (metric_id(r->pull->db, value_of(record, "metric")->text, &row.metric, err) < 0)
		return -1;
	rc = record_find_account(r->pull->db, r->source, record->account_by, record->account_key, &row.account, err);
	if (rc < 0)
		return -1;
	if (rc == 0 && r->n_waiting >= MAX_WAITING)
		return set_aside(r, map, "account: isn't known, and too many others aren't", err);
	r->n_waiting += rc == 0;
	return rc ? usage_batch_add(r->pull->db, USAGE_SUM, &row, err)
	          : usage_waiting_add(r->pull->db, r->source, record->account_by, record->account_key, &row, err);
}

static int put_record(const struct reading *r, const struct record *record, struct err *err)
{
	int rc = record_put(r->pull->db, r->source, record, r->pull->today, err);

	r->result->n_new += rc == 1;
	r->result->n_changed += rc == 2;
	return rc < 0 ? -1 : 0;
}

static int delete_record(const struct reading *r, const struct record *record, struct err *err)
{
	int rc = record_delete(r->pull->db, r->source, record->entity, record->key, r->pull->today, err);

	r->result->n_deleted += rc > 0;
	return rc < 0 ? -1 : 0;
}

static void show(const struct reading *r, const struct record *record)
{
	if (r->pull->show_row)
		r->pull->show_row(r->pull->context, r->maps->name, record_show(record, NULL, r->arena));
}

static int put_event(struct reading *r, size_t map, struct err *err)
{
	struct record record = { 0 };
	struct err why = { 0 };
	int rc = map_apply(r->maps[map].map, rows_get, &r->row, r->pull->zone, r->arena, &record, &why);

	if (rc < 0 && why.kind != ERR_INPUT)
		return err_set(err, why.kind, "%s", why.text);
	if (r->pull->is_dry_run) {
		r->result->n_quarantined += rc < 0;
		if (rc == 1)
			show(r, &record);
		return 0;
	}
	if (rc < 0)
		return set_aside(r, map, why.text, err);
	if (rc == 0)
		return 0;
	if (!record.entity->table)
		return rc == 1 ? put_usage(r, &record, map, err) : 0;
	return rc == 1 ? put_record(r, &record, err) : delete_record(r, &record, err);
}

/* ids -------------------------------------------------------------------------------------------------------------- */

static void hash_text(const char *text, uint8_t out[PUSH_HASH_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, text, strlen(text));
	sha256_end(&s, digest);
	memcpy(out, digest, PUSH_HASH_BYTES);
}

/* What an event is known by: its own id, else its place in a request that has one, else its bytes. */
static const char *name_event(const struct reading *r, const struct spool_entry *e, const struct json *event, size_t at)
{
	const char *own = json_scalar(r->arena, json_member(event, "messageId"));

	if (!text_is_blank(own))
		return arena_printf(r->arena, "message %s", own);
	if (*e->id)
		return arena_printf(r->arena, "request %s %zu", e->id, at);
	return arena_printf(r->arena, "bytes %s %s", e->kind, json_print(r->arena, event));
}

/* Returns 1 when the event has not been here before. */
static int is_new(struct reading *r, const struct spool_entry *e, const struct json *event, size_t at, struct err *err)
{
	uint8_t hash[PUSH_HASH_BYTES];

	hash_text(name_event(r, e, event, at), hash);
	r->id = hex_text(r->arena, hash, sizeof hash);
	if (r->pull->is_dry_run)
		return 1;
	return push_seen_add(r->pull->db, r->source, hash, day_of_instant(e->received_at), err);
}

/* one request ------------------------------------------------------------------------------------------------------ */

static int read_event(struct reading *r, const struct spool_entry *e, const struct json *event, size_t at,
                      struct err *err)
{
	int rc;

	if (r->pull->is_dry_run && r->pull->limit_rows && r->result->n_rows >= r->pull->limit_rows)
		return 0;
	r->result->n_rows++;
	rc = is_new(r, e, event, at, err);
	if (rc <= 0)
		return rc;
	r->row.id = r->id;
	r->row.main = event;
	for (size_t i = 0; i < r->n_maps; i++)
		if (put_event(r, i, err) < 0)
			return -1;
	return 0;
}

/* What an event may leave to its address, its request and to us. */
static int read_surroundings(struct reading *r, const struct spool_entry *e, const struct json *envelope,
                             struct err *err)
{
	static const struct stream_settings none;
	const struct json **more = arena_array(r->arena, 2, sizeof *more);
	const char *type = *e->kind ? arena_printf(r->arena, "\"type\":\"%s\",", e->kind) : "";
	const char *own = arena_printf(r->arena, "{%s\"receivedAt\":\"%s\"}", type, instant_text(r->arena, e->received_at));

	if (json_parse(r->arena, own, strlen(own), &more[0], err) < 0)
		return -1;
	more[1] = envelope;
	r->row = (struct row){ .stream = &none, .more = more, .n_more = envelope ? 2 : 1 };
	return 0;
}

static int read_request(struct reading *r, const struct spool_entry *e, struct err *err)
{
	const struct json *body, *list;
	size_t at = 0;

	r->result->n_pages++;
	if (json_parse(r->arena, e->body, e->body_len, &body, err) < 0)
		return err_set(err, ERR_FATAL, "what was pushed and found good can't be read any more");
	list = json_type(body) == JSON_ARRAY ? body : json_member(body, "batch");
	if (read_surroundings(r, e, list && list != body ? body : NULL, err) < 0)
		return -1;
	if (!list)
		return read_event(r, e, body, 0, err);
	for (const struct json *event = json_first(list); event; event = json_next(event))
		if (read_event(r, e, event, at++, err) < 0)
			return -1;
	return 0;
}

/* batches ---------------------------------------------------------------------------------------------------------- */

static int add_up(const struct reading *r, struct err *err)
{
	int rc = 1;

	while (rc == 1)
		rc = usage_batch_add_up(r->pull->db, MAX_CELLS, &r->result->n_changed, err);
	return rc;
}

/* Returns 1 when there are more. */
static int read_requests(struct reading *r, struct err *err)
{
	int64_t first = r->result->n_rows;
	struct spool_entry e;
	int rc = 1;

	for (int i = 0; i < BATCH_REQUESTS && r->result->n_rows - first < BATCH_ROWS && rc == 1; i++) {
		arena_reset(r->arena);
		rc = spool_read_next(&r->spool, &e, err);
		if (rc == 1 && read_request(r, &e, err) < 0)
			return -1;
		if (r->pull->limit_rows && r->result->n_rows >= r->pull->limit_rows)
			return 0;
	}
	return rc;
}

/* The counts, what was seen and the place to read on from are one transaction: each event counts once. */
static int read_batch(struct reading *r, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };
	const char *position;
	int rc;

	if (r->pull->is_dry_run)
		return read_requests(r, err);
	if (txn_begin(&txn, r->pull->db, err) < 0 || usage_batch_begin(r->pull->db, err) < 0)
		return -1;
	rc = read_requests(r, err);
	position = spool_read_position(&r->spool, a);
	if (rc < 0 || add_up(r, err) < 0 ||
	    cursor_set(r->pull->db, r->source, stream, position, r->pull->now, err) < 0 || txn_commit(&txn, err) < 0)
		return -1;
	return spool_forget(r->spool.folder, position, err) < 0 ? -1 : rc;
}

/* What has waited for its account, and what need not be remembered any more. */
static int settle(const struct reading *r, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int32_t forgotten = r->pull->today - 1 - (int32_t)(r->pull->source->push.remember_s / DAY_S);

	if (r->pull->is_dry_run)
		return 0;
	if (txn_begin(&txn, r->pull->db, err) < 0 || record_resolve_links_due(r->pull->db, err) < 0 ||
	    usage_batch_begin(r->pull->db, err) < 0 ||
	    usage_waiting_settle(r->pull->db, r->source, r->pull->today - WAITING_DAYS, err) < 0 || add_up(r, err) < 0 ||
	    push_seen_forget(r->pull->db, r->source, forgotten, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

static int read_all(struct reading *r, struct arena *a, struct err *err)
{
	const char *position;
	int rc = 1;

	if (cursor_get(r->pull->db, r->source, stream, a, &position, err) < 0 ||
	    spool_read_open(&r->spool, r->pull->spool_folder, position, a, err) < 0)
		return -1;
	if (usage_waiting_count(r->pull->db, r->source, &r->n_waiting, err) < 0)
		return -1;
	while (rc == 1) {
		rc = read_batch(r, err);
		if (r->pull->progress && !r->pull->is_dry_run)
			r->pull->progress(r->pull->context, r->result);
	}
	return rc < 0 ? -1 : settle(r, err);
}

static void reading_done(struct reading *r)
{
	spool_read_close(&r->spool);
	arena_free(r->arena);
}

int push_source_pull(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                     struct err *err)
{
	CLEANUP(reading_done) struct reading r = { .pull = p, .result = arena_alloc(a, sizeof *r.result) };
	struct mistakes mistakes = { .arena = a };
	int64_t run = 0;

	r.arena = arena_new(0);
	*r.result = (struct pull_result){ .stream = stream, .mode = "incremental" };
	r.maps = push_events_read(a, p->source, &r.n_maps, &mistakes);
	if (!r.maps)
		return err_set(err, ERR_CONFIG, "%s", mistakes.n_kept ? mistakes.lines[0] : "`events` can't be read");
	if (p->only_stream && strcmp(p->only_stream, stream) != 0)
		return PULL_NO_STREAM;
	if (books_source(p, &r.source, err) < 0 || books_begin(p, r.source, r.result, &run, err) < 0 ||
	    read_all(&r, a, err) < 0 || books_end(p, run, r.result, NULL, err) < 0 ||
	    books_close(p, r.source, NULL, err) < 0)
		return -1;
	*out = r.result;
	*out_n = 1;
	return 0;
}
