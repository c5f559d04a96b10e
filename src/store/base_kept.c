#include "store/base_kept.h"

#include <string.h>

#include "common/sha256.h"
#include "facts_parts.h"
#include "usage_window.h"

/* A field that comes to one of these has to come here. */
_Static_assert(sizeof(struct fact_metric) == 48 && sizeof(struct fact_plan) == 48, "all of it is kept");
_Static_assert(sizeof(struct fact_product) == 32 && sizeof(struct fact_market) == 80, "the same");
_Static_assert(sizeof(struct fact_speed) == 16 && sizeof(struct fact_reports) == 72, "the same");

#define KEEP(p, field) parcel_bytes(p, &(field), sizeof(field))

static void metrics_parcel(struct parcel *p, struct fact_base *b)
{
	struct fact_metric *all = parcel_list(p, b->metrics, &b->n_metrics, sizeof *all, sizeof *all->sizes);

	for (size_t i = 0; i < b->n_metrics; i++) {
		size_t n_sizes = all[i].sizes ? FACTS_SIZE_DAYS : 0;

		KEEP(p, all[i].id);
		parcel_text(p, &all[i].name);
		KEEP(p, all[i].scale);
		KEEP(p, all[i].is_activity);
		KEEP(p, all[i].used);
		all[i].sizes = parcel_array(p, all[i].sizes, &n_sizes, sizeof *all[i].sizes);
		p->is_bad = p->is_bad || n_sizes != FACTS_SIZE_DAYS || !all[i].name;
	}
	b->metrics = all;
}

static void plans_parcel(struct parcel *p, struct fact_market *m)
{
	struct fact_plan *all = parcel_list(p, m->plans, &m->n_plans, sizeof *all, sizeof all->n);

	for (size_t i = 0; i < m->n_plans; i++) {
		parcel_text(p, &all[i].product);
		parcel_text(p, &all[i].plan);
		parcel_text(p, &all[i].currency);
		KEEP(p, all[i].n);
		KEEP(p, all[i].mrr_minor);
		KEEP(p, all[i].seat_minor);
		p->is_bad = p->is_bad || !all[i].product || !all[i].plan || !all[i].currency;
	}
	m->plans = all;
}

static void products_parcel(struct parcel *p, struct fact_market *m)
{
	struct fact_product *all = parcel_list(p, m->products, &m->n_products, sizeof *all, sizeof all->n);

	for (size_t i = 0; i < m->n_products; i++) {
		parcel_text(p, &all[i].product);
		parcel_text(p, &all[i].currency);
		KEEP(p, all[i].n);
		KEEP(p, all[i].share);
		p->is_bad = p->is_bad || !all[i].product || !all[i].currency;
	}
	m->products = all;
}

void base_speeds_parcel(struct parcel *p, const struct fact_speed **io, size_t *io_n)
{
	struct fact_speed *all = parcel_list(p, *io, io_n, sizeof *all, sizeof all->n);

	for (size_t i = 0; i < *io_n; i++) {
		parcel_text(p, &all[i].cause);
		KEEP(p, all[i].n);
		KEEP(p, all[i].days);
	}
	*io = all;
}

void base_parcel(struct parcel *p, struct fact_base *io)
{
	struct fact_market *m = &io->market;
	uint64_t n_members = io->n_members;

	KEEP(p, io->as_of);
	KEEP(p, n_members);
	io->n_members = (size_t)n_members;
	KEEP(p, io->reports);
	KEEP(p, io->loss_rate);
	KEEP(p, io->growth_rate);
	metrics_parcel(p, io);
	plans_parcel(p, m);
	products_parcel(p, m);
	KEEP(p, m->n_accounts);
	parcel_text(p, &m->currency);
	KEEP(p, m->n_sampled);
	KEEP(p, m->mrr_mean_minor);
	KEEP(p, m->mrr_high_minor);
	KEEP(p, m->seat_minor);
	base_speeds_parcel(p, &io->speeds, &io->n_speeds);
	io->payers = parcel_array(p, io->payers, &io->n_payers, sizeof *io->payers);
}

int base_kept_put(struct db *db, int32_t day, const char *maker, const void *data, size_t len, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "INSERT INTO base_kept (id, day, maker, data, sha256) VALUES (1, :day, :maker, :data, :sha256)");
	CLEANUP(stmt_donep) struct stmt *old = db_sql(db, "DELETE FROM base_kept");
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	bind_day(q, ":day", day);
	bind_text(q, ":maker", maker);
	bind_blob(q, ":data", data, len);
	bind_text(q, ":sha256", sha256_hex(a, data, len));
	return stmt_run(old, err) < 0 || stmt_run(q, err) < 0 ? err_in(err, "base of the day") : 0;
}

int base_kept_get(struct db *db, int32_t day, const char *maker, struct arena *a, const void **out, size_t *out_len,
                  struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT data, sha256 FROM base_kept WHERE day = :day AND maker = :maker");
	int rc;

	bind_day(q, ":day", day);
	bind_text(q, ":maker", maker);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc < 0 ? err_in(err, "base of the day") : 0;
	*out = col_blob(q, 0, out_len);
	*out = arena_memdup(a, *out, *out_len);
	return strcmp(sha256_hex(a, *out, *out_len), col_text(q, 1)) == 0;
}

/* The days on which some activity of the account is above zero, as the base's members have them. */
static int load_active(struct db *db, const struct fact_base *base, struct usage_window *window, int64_t id,
                       struct arena *a, struct fact_days *out, struct err *err)
{
	const struct fact_series **series = arena_array(a, base->n_metrics + 1, sizeof *series);

	if (usage_window_seek(window, db, id, id, id, err) < 0 ||
	    usage_window_series(window, db, id, false, a, series, err) < 0)
		return -1;
	for (size_t m = 0; m < base->n_metrics; m++)
		for (size_t w = 0; base->metrics[m].is_activity && series[m] && w < ARRAY_LEN(out->words); w++)
			out->words[w] |= series[m]->active.words[w];
	return 0;
}

/* Of who was not active within the window: since when, back to twice the window. */
static int find_gone(struct db *db, const struct fact_base *base, struct fact_member *io, struct arena *a,
                     struct err *err)
{
	struct usage_window *earlier = usage_window_new(base->as_of - FACTS_DAYS, base->metrics, base->n_metrics, a);
	struct fact_days active = { 0 };
	int last;

	if (load_active(db, base, earlier, io->id, a, &active, err) < 0)
		return -1;
	last = fact_days_last(&active);
	io->gone_days = last < 0 ? 0 : FACTS_DAYS + last;
	return 0;
}

static int load_member(struct db *db, struct fact_base *io, int64_t id, struct arena *a, struct err *err)
{
	static const char *const unknown[] = { "" };
	struct fact_member *member = arena_alloc(a, sizeof *member);
	struct fact_days *active = arena_alloc(a, sizeof *active);

	member->id = id;
	if (load_active(db, io, io->window, id, a, active, err) < 0 ||
	    (fact_days_last(active) < 0 && find_gone(db, io, member, a, err) < 0))
		return -1;
	io->members = member;
	io->active = active;
	io->segments = unknown;
	return 0;
}

int base_kept_complete(struct db *db, const struct fact_query *q, int64_t account, struct arena *a,
                       struct fact_base *io, struct err *err)
{
	io->window = usage_window_new(io->as_of, io->metrics, io->n_metrics, a);
	if (facts_load_sources(db, q, io, err) < 0 || load_member(db, io, account, a, err) < 0)
		return err_in(err, "facts of the base");
	return 0;
}
