#include "csv_usage.h"

#include <math.h>
#include <string.h>

#include "common/text.h"
#include "store/account_keys.h"
#include "store/usage_batch.h"
#include "store/usage_gather.h"

enum {
	BATCH_CELLS = 10000,          /* of one transaction, by way of SQL */
	GATHERED_CELLS = 4 * 1000000, /* of one transaction, in order: a day's blocks of a million accounts at once */
	MAX_METRICS = 64,             /* kept; the others are looked up each time */
	MOST_DIGITS = 12,
	DAY_CHARS = 10,               /* 2026-02-12 */
	DAY_BEYOND = 84006            /* 2200-01-01, as map_value.c has it */
};

/* So that sums of any number of rows that a day may have stay within an int64. */
static const double max_usage = 1e12;

struct metric {
	const char *name;
	size_t len;
	int32_t id;
};

/* Where rows say what in the plainest way. */
struct columns {
	bool is_plain;
	size_t account, metric, day, value;
	const struct metric *fixed; /* the metric of all rows, once it is known; metric is no column then */
	bool has_fixed;
	double scale;               /* 0: as it is */
};

struct csv_usage {
	struct db *db;
	int64_t source;
	const struct csv_stream *stream;
	struct arena *arena;
	struct account_keys *keys;
	struct usage_gather *gather; /* NULL: by way of SQL, which tells contacts and teams apart */
	struct columns columns;
	struct metric metrics[MAX_METRICS];
	size_t n_metrics, last_metric;
	char last_day[DAY_CHARS + 1]; /* "": none yet */
	int32_t last_day_number;
};

/* life ------------------------------------------------------------------------------------------------------------- */

void csv_usage_free(struct csv_usage *u)
{
	if (!u)
		return;
	usage_gather_free(u->gather);
	account_keys_free(u->keys);
	arena_free(u->arena);
}

void csv_usage_freep(struct csv_usage **u)
{
	csv_usage_free(*u);
}

static bool is_said_plainly(const struct map_entry *e)
{
	return e->from && !e->format && !e->values && !e->times && !e->over && !e->per && !e->sum && !e->unless &&
	       e->as == MAP_AS_TEXT;
}

static bool read_entry(const struct csv_rows *rows, const struct map_entry *e, struct columns *c)
{
	if (strcmp(e->to, "metric") == 0 && !e->from && e->value) {
		c->has_fixed = true;
		return true;
	}
	if (!is_said_plainly(e) || (e->scale != 0 && strcmp(e->to, "value") != 0))
		return false;
	if (strcmp(e->to, "metric") == 0)
		c->metric = csv_rows_column(rows, e->from);
	else if (strcmp(e->to, "day") == 0)
		c->day = csv_rows_column(rows, e->from);
	else if (strcmp(e->to, "value") == 0)
		c->value = csv_rows_column(rows, e->from);
	else
		return false;
	if (strcmp(e->to, "value") == 0)
		c->scale = e->scale;
	return true;
}

static struct columns find_columns(const struct csv_rows *rows)
{
	const struct map *map = rows->stream->map;
	const size_t none = rows->n_columns;
	struct columns c = { .account = none, .metric = none, .day = none, .value = none };

	if (map->key || map->when_from || map->deleted_from || map->account_by == ACCOUNT_BY_PARTICIPANTS)
		return c;
	c.account = csv_rows_column(rows, map->account);
	for (size_t i = 0; i < map->n_entries; i++)
		if (!read_entry(rows, &map->entries[i], &c))
			return c;
	c.is_plain = c.account < none && c.day < none && c.value < none && (c.metric < none) != c.has_fixed;
	return c;
}

/* Rows that say who or where are kept apart by that too. */
static bool has_details(const struct map *map)
{
	for (size_t i = 0; i < map->n_entries; i++)
		if (strcmp(map->entries[i].to, "contact_key") == 0 || strcmp(map->entries[i].to, "team") == 0)
			return true;
	return false;
}

int csv_usage_new(struct db *db, int64_t source, const struct csv_rows *rows, struct csv_usage **out, struct err *err)
{
	CLEANUP(csv_usage_freep) struct csv_usage *u = NULL;
	struct arena *a = arena_new(0);
	int fits;

	u = arena_alloc(a, sizeof *u);
	*u = (struct csv_usage){ .db = db, .source = source, .stream = rows->stream, .arena = a,
		                     .keys = account_keys_new(db, source, rows->stream->map->account_by) };
	fits = has_details(rows->stream->map) ? 0 : usage_gather_fits(db, err);
	if (fits < 0 || (!fits && usage_batch_begin(db, err) < 0))
		return -1;
	if (fits) {
		u->gather = usage_gather_new(db, rows->stream->merge);
		u->columns = find_columns(rows);
	}
	*out = u;
	u = NULL;
	return 0;
}

/* metrics ---------------------------------------------------------------------------------------------------------- */

static const struct metric *kept_metric(struct csv_usage *u, const char *name, size_t len)
{
	for (size_t i = 0; i < u->n_metrics; i++) {
		size_t at = u->last_metric + i < u->n_metrics ? u->last_metric + i : u->last_metric + i - u->n_metrics;

		if (u->metrics[at].len == len && memcmp(u->metrics[at].name, name, len) == 0) {
			u->last_metric = at;
			return &u->metrics[at];
		}
	}
	return NULL;
}

static int find_metric(struct csv_usage *u, const char *name, int32_t *out, struct err *err)
{
	size_t len = strlen(name);
	const struct metric *kept = kept_metric(u, name, len);

	if (kept) {
		*out = kept->id;
		return 0;
	}
	if (metric_id(u->db, name, out, err) < 0)
		return -1;
	if (u->n_metrics == MAX_METRICS)
		return 0;
	u->metrics[u->n_metrics] = (struct metric){ arena_strndup(u->arena, name, len), len, *out };
	if (u->columns.has_fixed)
		u->columns.fixed = &u->metrics[u->n_metrics];
	u->n_metrics++;
	return 0;
}

/* plain rows ------------------------------------------------------------------------------------------------------- */

static bool read_day(struct csv_usage *u, const char *text, size_t len, int32_t *out)
{
	if (len != DAY_CHARS)
		return false;
	if (memcmp(text, u->last_day, DAY_CHARS) == 0) {
		*out = u->last_day_number;
		return true;
	}
	if (!day_parse(text, out) || *out < 0 || *out >= DAY_BEYOND)
		return false;
	memcpy(u->last_day, text, DAY_CHARS);
	u->last_day_number = *out;
	return true;
}

static bool read_value(const struct columns *c, const char *text, size_t len, int64_t *out)
{
	int64_t n = 0;
	size_t i = 0;
	double real;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		if (i < MOST_DIGITS)
			n = n * 10 + (text[i] - '0');
	if (i == len && len > 0 && len <= MOST_DIGITS && c->scale == 0) {
		*out = n;
		return true;
	}
	if (!text_to_real(text, &real))
		return false;
	if (c->scale != 0)
		real *= c->scale;
	if (!(real >= 0 && real <= max_usage))
		return false;
	*out = llround(real);
	return true;
}

int csv_usage_take(struct csv_usage *u, const struct csv_row *row, struct err *err)
{
	const struct columns *c = &u->columns;
	const struct account_key *key;
	const struct metric *metric;
	struct usage_cell cell;

	if (!c->is_plain || !row->lens[c->account])
		return 0;
	key = account_keys_kept(u->keys, row->fields[c->account], row->lens[c->account]);
	metric = c->has_fixed ? c->fixed : kept_metric(u, row->fields[c->metric], row->lens[c->metric]);
	if (!key || !key->account || !metric ||
	    !read_day(u, row->fields[c->day], row->lens[c->day], &cell.day) ||
	    !read_value(c, row->fields[c->value], row->lens[c->value], &cell.value))
		return 0;
	cell.metric = metric->id;
	cell.account = key->account;
	return usage_gather_add(u->gather, &cell, account_keys_number(u->keys, key), err) < 0 ? -1 : 1;
}

/* mapped rows ------------------------------------------------------------------------------------------------------ */

static const struct value *value_of(const struct record *r, const char *field)
{
	return &r->values[entity_field_index(r->entity, field)];
}

static const char *text_or_empty(const struct value *v)
{
	return v->is_set && !v->is_null && v->text ? v->text : "";
}

/* What is wrong with the row whatever the store says; NULL: nothing. */
static const char *fault_of(const struct csv_usage *u, const struct record *r, struct arena *a)
{
	double value = value_of(r, "value")->real;

	if (!(value >= 0 && value <= max_usage))
		return value < 0 ? "value: is negative, expected 0 or more" : "value: is more than 1e12";
	if (value_of(r, "day")->number < 0)
		return "day: is before 1970";
	return r->account_key ? NULL : arena_printf(a, "%s: is empty, expected an account", u->stream->map->account);
}

static int keep(struct csv_usage *u, const struct record *r, const struct account_key *key, int32_t metric,
                struct err *err)
{
	const struct usage_cell cell = { .metric = metric, .day = (int32_t)value_of(r, "day")->number,
		                             .account = key->account, .value = llround(value_of(r, "value")->real) };
	const struct usage_row row = { .metric = metric, .day = cell.day, .account = cell.account, .value = cell.value,
		                           .contact_key = text_or_empty(value_of(r, "contact_key")),
		                           .team = text_or_empty(value_of(r, "team")), .origin = r->account_key };

	return u->gather ? usage_gather_add(u->gather, &cell, account_keys_number(u->keys, key), err)
	                 : usage_batch_add(u->db, u->stream->merge, &row, err);
}

int csv_usage_put(struct csv_usage *u, const struct record *r, struct arena *a, const char **why, struct err *err)
{
	const struct account_key *key;
	struct err metric_err = { 0 };
	int32_t metric;

	*why = fault_of(u, r, a);
	if (*why)
		return USAGE_REFUSED;
	if (account_keys_find(u->keys, r->account_key, &key, err) < 0)
		return -1;
	if (!key->account) {
		*why = arena_printf(a, "%s: no account is known by `%s` yet", u->stream->map->account,
		                    text_clean(a, r->account_key, 60));
		return USAGE_WAITS;
	}
	if (find_metric(u, value_of(r, "metric")->text, &metric, &metric_err) < 0) {
		*err = metric_err;
		*why = arena_strdup(a, metric_err.text);
		return metric_err.kind == ERR_INPUT ? USAGE_REFUSED : -1;
	}
	return keep(u, r, key, metric, err) < 0 ? -1 : USAGE_TAKEN;
}

int csv_usage_store(struct csv_usage *u, int64_t *io_changed, struct err *err)
{
	return u->gather ? usage_gather_store(u->gather, GATHERED_CELLS, io_changed, err)
	                 : usage_batch_store(u->db, BATCH_CELLS, io_changed, err);
}

double csv_usage_stored(const struct csv_usage *u)
{
	return u->gather ? usage_gather_stored(u->gather) : 0;
}
