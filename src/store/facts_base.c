#include <string.h>

#include "common/text.h"
#include "facts_parts.h"
#include "store/base_kept.h"
#include "store/facts_walk.h"
#include "store/pulls.h"
#include "usage_window.h"

enum { FEW_ACCOUNTS = 5, MIN_GAPS = 2, DAY_S = 86400 };

/* Where a segment is found again: by far fewer than accounts, and mostly that of the account before. */
struct segments {
	struct arena *arena;
	const char **names;
	uint32_t n, cap, last, *places; /* places: by hash, n_places of them, a power of two; 0 is free */
	size_t n_places;
};

static uint32_t *segment_at(const struct segments *s, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t at;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
	for (at = (size_t)(hash ^ hash >> 32) & (s->n_places - 1); s->places[at];) {
		if (strcmp(s->names[s->places[at]], name) == 0)
			break;
		at = (at + 1) & (s->n_places - 1);
	}
	return &s->places[at];
}

static void segments_widen(struct segments *s)
{
	uint32_t n_before = s->n;

	s->cap = s->cap ? 2 * s->cap : 64;
	s->n_places = 2 * (size_t)s->cap;
	s->names = arena_grow(s->arena, s->names, s->n, s->cap, sizeof *s->names);
	s->places = arena_array(s->arena, s->n_places, sizeof *s->places);
	for (uint32_t i = 1; i < n_before; i++)
		*segment_at(s, s->names[i]) = i;
}

/* The first is "". */
static uint32_t segment_of(struct segments *s, const char *name)
{
	uint32_t *at;

	if (s->n && strcmp(s->names[s->last], name) == 0)
		return s->last;
	if (s->n == s->cap)
		segments_widen(s);
	if (!s->n)
		s->names[s->n++] = "";
	if (!*name)
		return s->last = 0;
	at = segment_at(s, name);
	if (!*at) {
		s->names[s->n] = arena_strdup(s->arena, name);
		*at = s->n++;
	}
	return s->last = *at;
}

static int load_members(struct db *db, int32_t as_of, struct arena *a, struct fact_member **out,
                        struct fact_base *io, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT id, segment FROM account WHERE (created_on IS NULL OR created_on <= :day) "
		"AND (deleted_on IS NULL OR deleted_on > :day) AND main_id IS NULL ORDER BY id");
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	struct segments segments = { .arena = a };
	struct fact_member *members;
	struct history history;
	int64_t most;
	size_t n = 0;
	int rc;

	if (history_load_segments(db, as_of, scratch, &history, err) < 0 ||
	    db_int(db, "SELECT count(*) FROM account", 0, &most, err) < 0)
		return -1;
	members = arena_array(a, (size_t)most + 1, sizeof *members);
	(void)segment_of(&segments, "");
	bind_day(q, ":day", as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		const char *segment;

		if (n == (size_t)most) /* one that came since they were counted: the next run has it */
			break;
		segment = history_text(&history, col_int(q, 0), "segment", col_text(q, 1));
		members[n++] = (struct fact_member){ col_int(q, 0), segment_of(&segments, segment ? segment : ""), 0 };
	}
	if (rc < 0)
		return err_in(err, "accounts");
	*out = members;
	io->members = members;
	io->n_members = n;
	io->segments = segments.names;
	return 0;
}

static bool is_listed(const struct fact_query *query, const char *name)
{
	for (size_t i = 0; i < query->n_key_metrics; i++)
		if (strcmp(query->key_metrics[i], name) == 0)
			return true;
	return false;
}

/* The metrics that have data in the window. What counts as activity: those listed; or those that no limit names (a
 * level such as the seats in use is not activity); or, when that leaves none, all. */
static int load_metrics(struct db *db, const struct fact_query *query, struct arena *a, struct fact_base *out,
                        struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT m.id, m.name, m.scale, EXISTS (SELECT 1 FROM account_limit l WHERE l.metric = m.name "
		"AND (l.from_on IS NULL OR l.from_on <= :day)) FROM metric m WHERE EXISTS (SELECT 1 FROM usage_block b "
		"WHERE b.id BETWEEN (m.id << 40) + (:from << 20) AND (m.id << 40) + (:day << 20) + 1048575) ORDER BY m.name");
	struct fact_metric *metrics = NULL;
	bool is_any = false;
	size_t n = 0, cap = 0;
	int rc;

	bind_int(q, ":day", query->as_of);
	bind_int(q, ":from", query->as_of - FACTS_DAYS + 1 > 0 ? query->as_of - FACTS_DAYS + 1 : 0);
	while ((rc = stmt_step(q, err)) > 0) {
		bool is_activity = query->n_key_metrics ? is_listed(query, col_text(q, 1)) : col_int(q, 3) == 0;

		if (n == cap) {
			cap = cap ? 2 * cap : 16;
			metrics = arena_grow(a, metrics, n, cap, sizeof *metrics);
		}
		metrics[n++] = (struct fact_metric){ .id = (int32_t)col_int(q, 0), .name = col_text_in(q, 1, a),
		                                     .scale = (double)col_int(q, 2), .is_activity = is_activity };
		is_any = is_any || is_activity;
	}
	if (rc < 0)
		return err_in(err, "metrics");
	for (size_t i = 0; i < n && !is_any && !query->n_key_metrics; i++)
		metrics[i].is_activity = true;
	out->metrics = metrics;
	out->n_metrics = n;
	return 0;
}

/* Which sources gave facts of a kind by the end of the day, and when each last came through. */
static const char *const source_statements[N_FACT_KINDS] = {
	[FACT_CONTACT] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM contact t WHERE t.source_id = s.id "
		"AND (t.created_on IS NULL OR t.created_on <= :day) AND :end IS NOT NULL)",
	[FACT_TICKET] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM ticket t WHERE t.source_id = s.id AND t.opened_at < :end AND :day IS NOT NULL)",
	[FACT_INTERACTION] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM interaction t WHERE t.source_id = s.id AND t.at < :end AND :day IS NOT NULL)",
	[FACT_INVOICE] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM invoice t WHERE t.source_id = s.id AND t.issued_on <= :day AND :end IS NOT NULL)",
	[FACT_SURVEY] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM survey t WHERE t.source_id = s.id AND t.at < :end AND :day IS NOT NULL)",
	[FACT_SUBSCRIPTION] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM subscription t WHERE t.source_id = s.id AND t.start_on <= :day AND :end IS NOT NULL)",
	[FACT_NOTICE] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM notice t WHERE t.source_id = s.id AND t.noticed_on <= :day AND :end IS NOT NULL)",
	[FACT_OPPORTUNITY] = "SELECT s.last_ok_on, s.name FROM source s WHERE EXISTS "
		"(SELECT 1 FROM opportunity t WHERE t.source_id = s.id AND t.created_on <= :day AND :end IS NOT NULL)",
};

static int64_t patience_with(const struct fact_query *query, const char *source)
{
	for (size_t i = 0; i < query->n_patience; i++)
		if (strcmp(query->patience[i].source, source) == 0)
			return query->patience[i].stale_after_s;
	return query->stale_days * DAY_S;
}

static int load_source(struct db *db, const struct fact_query *query, const char *sql, struct fact_source *out,
                       struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql);
	struct fact_source source = { .fresh_on = DAY_NONE, .is_stale = true };
	int rc;

	bind_day(q, ":day", query->as_of);
	bind_int(q, ":end", facts_day_start(query->zone, query->as_of + 1));
	while ((rc = stmt_step(q, err)) > 0) {
		/* One that came through later brought what was there on that day. */
		int32_t fresh_on = col_day(q, 0) < query->as_of ? col_day(q, 0) : query->as_of;

		source.is_known = true;
		source.is_stale = source.is_stale &&
		                  source_is_stale(fresh_on, query->as_of, patience_with(query, col_text(q, 1)));
		if (fresh_on > source.fresh_on)
			source.fresh_on = fresh_on;
	}
	if (rc < 0)
		return err_in(err, "sources");
	*out = source;
	return 0;
}

/* After how many days without a report usage is stale: stale_days, and as many more as reports are usually apart (the
 * upper quarter of the gaps of late): who reports by the week or month is not broken in between. */
static int64_t usage_patience(const struct fact_days *reported, int64_t stale_days)
{
	int gaps[FACTS_DAYS], n = 0, last = -1;

	for (int age = 0; age < FACTS_DAYS; age++) {
		int at;

		if (!fact_days_count(reported, age, age + 1))
			continue;
		if (last >= 0) {
			for (at = n++; at > 0 && gaps[at - 1] > age - last; at--)
				gaps[at] = gaps[at - 1];
			gaps[at] = age - last;
		}
		last = age;
	}
	return n < MIN_GAPS ? stale_days : stale_days + gaps[3 * n / 4] - 1;
}

/* Usage does not say which source it came from. With enough accounts the data speaks for itself: the last day on which
 * anybody reported. With a few, a quiet day proves nothing, and a source that came through counts. */
static int load_usage_source(struct db *db, const struct fact_query *query, struct fact_base *base, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *persons = db_sql(db,
		"SELECT EXISTS (SELECT 1 FROM usage_detail WHERE day <= :day AND contact_key <> '')");
	struct fact_source *usage = &base->sources[FACT_USAGE], any = { .fresh_on = DAY_NONE };

	usage->fresh_on = base->reports.last_on;
	usage->is_known = usage->fresh_on != DAY_NONE;
	usage->is_stale = source_is_stale(usage->fresh_on, query->as_of,
	                                  usage_patience(&base->reports.days, query->stale_days) * DAY_S);
	if (base->reports.n < FEW_ACCOUNTS) {
		if (load_source(db, query, "SELECT last_ok_on, name FROM source WHERE :day IS NOT NULL AND :end IS NOT NULL",
		                &any, err) < 0)
			return -1;
		if (any.fresh_on > usage->fresh_on)
			usage->fresh_on = any.fresh_on;
		usage->is_stale = usage->is_stale && any.is_stale;
	}
	bind_day(persons, ":day", query->as_of);
	if (stmt_step(persons, err) < 0)
		return -1;
	base->sources[FACT_PERSON] = *usage;
	base->sources[FACT_PERSON].is_known = col_int(persons, 0) != 0;
	return 0;
}

int facts_load_sources(struct db *db, const struct fact_query *query, struct fact_base *io, struct err *err)
{
	if (load_usage_source(db, query, io, err) < 0)
		return -1;
	for (int kind = 0; kind < N_FACT_KINDS; kind++)
		if (source_statements[kind] && load_source(db, query, source_statements[kind], &io->sources[kind], err) < 0)
			return -1;
	return 0;
}

/* Sources which say when some invoice was paid. One that never does would make every account look late. */
static int load_payers(struct db *db, int32_t as_of, struct arena *a, struct fact_base *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT s.id FROM source s WHERE EXISTS (SELECT 1 FROM invoice t WHERE t.source_id = s.id "
		"AND t.paid_on <= :day) ORDER BY s.id");
	int64_t *ids = NULL;
	size_t n = 0;
	int rc;

	bind_day(q, ":day", as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		ids = arena_grow(a, ids, n, n + 1, sizeof *ids);
		ids[n++] = col_int(q, 0);
	}
	if (rc < 0)
		return err_in(err, "sources of payments");
	out->payers = ids;
	out->n_payers = n;
	return 0;
}

void facts_forget_days(struct fact_base *io)
{
	facts_walk_free(io->walk);
	io->active = NULL;
}

int facts_base_begin(struct db *db, const struct fact_query *query, struct arena *a, struct fact_base *out,
                     struct err *err)
{
	struct fact_base base = { .as_of = query->as_of, .loss_rate = -1, .growth_rate = -1 };
	struct fact_member *members;

	if (load_members(db, query->as_of, a, &members, &base, err) < 0 || load_metrics(db, query, a, &base, err) < 0 ||
	    facts_walk_begin(&base, members, a, err) < 0)
		return err_in(err, "facts of the base");
	*out = base;
	return 0;
}

int facts_base_end(struct db *db, const struct fact_query *query, struct arena *a, struct fact_base *io,
                   struct err *err)
{
	facts_walk_end(io, a);
	if (facts_load_sources(db, query, io, err) < 0 || load_payers(db, query->as_of, a, io, err) < 0)
		return err_in(err, "facts of the base");
	if (!query->skips_judging && facts_load_market(db, query, io, a, &io->market, err) < 0)
		return err_in(err, "what the base pays");
	io->window = usage_window_new(io->as_of, io->metrics, io->n_metrics, a);
	return 0;
}

int facts_base_load(struct db *db, const struct fact_query *query, struct arena *a, struct fact_base *out,
                    struct err *err)
{
	return facts_base_begin(db, query, a, out, err) < 0 || facts_base_walk(db, out, err) < 0 ? -1 :
	       facts_base_end(db, query, a, out, err);
}

int facts_base_seen(struct db *db, const struct fact_query *query, struct arena *a, struct fact_base *io,
                    struct err *err)
{
	struct fact_member *members;
	struct fact_days *active;

	if (load_members(db, query->as_of, a, &members, io, err) < 0)
		return err_in(err, "facts of the base");
	active = arena_array(a, io->n_members + 1, sizeof *active);
	if (facts_load_seen(db, io, active, err) < 0 || facts_load_sources(db, query, io, err) < 0 ||
	    load_payers(db, query->as_of, a, io, err) < 0)
		return err_in(err, "facts of the base");
	io->active = active;
	io->window = usage_window_new(io->as_of, io->metrics, io->n_metrics, a);
	return 0;
}
