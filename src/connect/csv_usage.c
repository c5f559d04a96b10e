#include "csv_usage.h"

#include <math.h>
#include <string.h>

#include "common/text.h"
#include "store/usage_batch.h"
#include "store/usage_gather.h"

enum {
	BATCH_CELLS = 10000,          /* of one transaction, by way of SQL */
	GATHERED_CELLS = 4 * 1000000, /* of one transaction, in order: a day's blocks of a million accounts at once */
	MAX_METRICS = 64,             /* kept; the others are looked up each time */
	MOST_DIGITS = 12,
	DAY_CHARS = 10,               /* 2026-02-12 */
	DAY_BEYOND = 84006,           /* 2200-01-01, as map_value.c has it */
	PLAIN_COLUMNS = 16,           /* of a file whose lines are taken as they stand */
	KEPT_DAYS = 64                /* a power of two */
};

/* So that sums of any number of rows that a day may have stay within an int64. */
static const double max_usage = 1e12;

struct metric {
	const char *name;
	size_t len;
	int32_t id;
	bool is_field; /* as it stands: without delimiters, quotes and ends of lines */
};

/* Where rows say what in the plainest way. */
struct columns {
	bool is_plain;
	size_t account, metric, day, value;
	const struct metric *fixed; /* the metric of all rows, once it is known; metric is no column then */
	bool has_fixed;
	double scale;               /* 0: as it is */
	size_t n;
	bool has_roles;             /* each column says one thing, or nothing, and they are few */
	enum role { ROLE_NONE, ROLE_ACCOUNT, ROLE_METRIC, ROLE_DAY, ROLE_VALUE } roles[PLAIN_COLUMNS];
};

struct csv_usage {
	struct db *db;
	const struct csv_stream *stream;
	struct arena *arena;
	struct account_keys *keys;
	struct usage_gather *gather; /* NULL: by way of SQL, which tells contacts and teams apart */
	struct columns columns;
	struct metric metrics[MAX_METRICS];
	size_t n_metrics, last_metric;
	struct kept_day {
		char text[DAY_CHARS + 1]; /* "": none yet */
		int32_t number;
	} days[KEPT_DAYS];
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

/* Where a column says two things lines aren't taken as they stand. */
static void find_roles(struct columns *c)
{
	const struct {
		size_t column;
		enum role role;
	} roles[] = { { c->account, ROLE_ACCOUNT }, { c->metric, ROLE_METRIC }, { c->day, ROLE_DAY },
		          { c->value, ROLE_VALUE } };

	c->has_roles = c->n <= PLAIN_COLUMNS;
	for (size_t i = 0; c->has_roles && i < ARRAY_LEN(roles); i++) {
		if (roles[i].column == c->n) /* nothing says it */
			continue;
		c->has_roles = c->roles[roles[i].column] == ROLE_NONE;
		c->roles[roles[i].column] = roles[i].role;
	}
}

static struct columns find_columns(const struct csv_rows *rows)
{
	const struct map *map = rows->stream->map;
	const size_t none = rows->n_columns;
	struct columns c = { .account = none, .metric = none, .day = none, .value = none, .n = none };

	if (map->key || map->when_from || map->deleted_from || map->account_by == ACCOUNT_BY_PARTICIPANTS)
		return c;
	c.account = csv_rows_column(rows, map->account);
	for (size_t i = 0; i < map->n_entries; i++)
		if (!read_entry(rows, &map->entries[i], &c))
			return c;
	c.is_plain = c.account < none && c.day < none && c.value < none && (c.metric < none) != c.has_fixed;
	find_roles(&c);
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

int csv_usage_new(struct db *db, struct account_keys *keys, const struct csv_rows *rows, struct csv_usage **out,
                  struct err *err)
{
	CLEANUP(csv_usage_freep) struct csv_usage *u = NULL;
	struct arena *a = arena_new(0);
	int fits;

	u = arena_alloc(a, sizeof *u);
	*u = (struct csv_usage){ .db = db, .stream = rows->stream, .arena = a };
	fits = has_details(rows->stream->map) ? 0 : usage_gather_fits(db, err);
	if (fits < 0 || (!fits && usage_batch_begin(db, err) < 0))
		return -1;
	if (fits) {
		u->gather = usage_gather_new(db, rows->stream->merge);
		u->columns = find_columns(rows);
	}
	u->keys = keys;
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

static char delimiter_of(const struct csv_usage *u)
{
	return u->stream->delimiter ? u->stream->delimiter : ',';
}

static char quote_of(const struct csv_usage *u)
{
	return u->stream->quote ? u->stream->quote : '"';
}

static bool is_field(const struct csv_usage *u, const char *text)
{
	const char ends[] = { delimiter_of(u), quote_of(u), '\r', '\n', '\0' };

	return !strpbrk(text, ends);
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
	u->metrics[u->n_metrics] = (struct metric){ arena_strndup(u->arena, name, len), len, *out, is_field(u, name) };
	if (u->columns.has_fixed)
		u->columns.fixed = &u->metrics[u->n_metrics];
	u->n_metrics++;
	return 0;
}

/* plain rows ------------------------------------------------------------------------------------------------------- */

static bool read_day(struct csv_usage *u, const char *text, size_t len, int32_t *out)
{
	struct kept_day *kept, day = { 0 };

	if (len != DAY_CHARS)
		return false;
	kept = &u->days[(31u * (unsigned char)text[6] + 10u * (unsigned char)text[8] + (unsigned char)text[9]) % KEPT_DAYS];
	if (memcmp(text, kept->text, DAY_CHARS) != 0) {
		memcpy(day.text, text, DAY_CHARS);
		if (!day_parse(day.text, &day.number) || day.number < 0 || day.number >= DAY_BEYOND)
			return false;
		*kept = day;
	}
	*out = kept->number;
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

/* lines ------------------------------------------------------------------------------------------------------------ */

/* One line as it stands in the file, and how far it is read. */
struct line {
	const char *at, *end; /* end: of the lines at hand, the last of which ends there */
	char delimiter, quote;
	bool is_last; /* the column at hand is */
	struct usage_cell cell;
	uint32_t origin;
};

/* The bytes of the field at hand, when it has neither quotes nor an end that only a reader of rows knows. */
static bool measure(const struct line *l, size_t *out_len)
{
	const char *at = l->at;

	if (*at == l->quote)
		return false;
	while (*at != l->delimiter && *at != '\n' && *at != '\r' && *at)
		at++;
	*out_len = (size_t)(at - l->at);
	return true;
}

static bool is_end(const struct line *l, char c)
{
	return c == l->delimiter || c == '\n' || c == '\r';
}

/* Goes behind the field at hand and what must follow it. */
static bool pass_field(struct line *l, size_t len)
{
	l->at += len;
	if (!l->is_last)
		return *l->at++ == l->delimiter;
	if (*l->at == '\r')
		l->at++;
	return l->at < l->end && *l->at++ == '\n';
}

static bool pass_other(struct line *l)
{
	size_t len;

	return measure(l, &len) && pass_field(l, len);
}

static bool pass_account(struct csv_usage *u, struct line *l)
{
	const struct account_key *key = NULL;
	size_t len;

	if (*l->at == l->quote)
		return false;
	key = account_keys_at(u->keys, l->at, (size_t)(l->end - l->at), l->is_last ? '\n' : l->delimiter);
	if (key)
		len = key->len;
	else if (!measure(l, &len) || !len || !(key = account_keys_kept(u->keys, l->at, len)))
		return false;
	l->cell.account = key->account;
	l->origin = account_keys_number(u->keys, key);
	return key->account && pass_field(l, len);
}

/* Files have often an account's metrics in the same order, and some of them. */
static bool pass_metric(struct csv_usage *u, struct line *l)
{
	const size_t room = (size_t)(l->end - l->at);

	for (size_t i = 1; i <= u->n_metrics; i++) {
		size_t at = u->last_metric + i < u->n_metrics ? u->last_metric + i : u->last_metric + i - u->n_metrics;
		const struct metric *m = &u->metrics[at];

		if (!m->is_field || m->len >= room || memcmp(l->at, m->name, m->len) != 0 || !is_end(l, l->at[m->len]))
			continue;
		u->last_metric = at;
		l->cell.metric = m->id;
		return pass_field(l, m->len);
	}
	return false;
}

static bool pass_day(struct csv_usage *u, struct line *l)
{
	return l->end - l->at > DAY_CHARS && read_day(u, l->at, DAY_CHARS, &l->cell.day) && pass_field(l, DAY_CHARS);
}

static bool pass_value(struct line *l)
{
	int64_t n = 0;
	size_t len = 0;

	for (; len <= MOST_DIGITS && l->at[len] >= '0' && l->at[len] <= '9'; len++)
		n = n * 10 + (l->at[len] - '0');
	l->cell.value = n;
	return len > 0 && len <= MOST_DIGITS && pass_field(l, len);
}

static bool pass_column(struct csv_usage *u, struct line *l, enum role role)
{
	switch (role) {
	case ROLE_ACCOUNT: return pass_account(u, l);
	case ROLE_METRIC: return pass_metric(u, l);
	case ROLE_DAY: return pass_day(u, l);
	case ROLE_VALUE: return pass_value(l);
	case ROLE_NONE:
	default: return pass_other(l);
	}
}

static bool pass_line(struct csv_usage *u, struct line *l)
{
	const struct columns *c = &u->columns;

	for (size_t i = 0; i < c->n; i++) {
		l->is_last = i + 1 == c->n;
		if (!pass_column(u, l, c->roles[i]))
			return false;
	}
	return true;
}

static bool has_lines(const struct csv_usage *u, const struct line *l)
{
	const struct columns *c = &u->columns;

	return c->is_plain && c->has_roles && c->scale == 0 && (!c->has_fixed || c->fixed) &&
	       !strchr("0123456789-", l->delimiter) && !strchr("0123456789-", l->quote);
}

int64_t csv_usage_lines(struct csv_usage *u, const struct csv_rows *rows, int64_t most, struct err *err)
{
	struct line l = { .delimiter = delimiter_of(u), .quote = quote_of(u) };
	size_t len = 0;
	const char *from = has_lines(u, &l) ? csv_lines(rows->csv, &len) : NULL, *next = from;
	int64_t n = 0;

	if (!from)
		return 0;
	l.end = from + len;
	if (u->columns.fixed)
		l.cell.metric = u->columns.fixed->id;
	for (; next < l.end && n < most; n++, next = l.at) {
		l.at = next;
		if (!pass_line(u, &l))
			break;
		if (usage_gather_add(u->gather, &l.cell, l.origin, err) < 0)
			return -1;
	}
	csv_pass(rows->csv, (size_t)(next - from), n);
	return n;
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
