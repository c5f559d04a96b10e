#include "store/past.h"

#include "past_near.h"
#include "scored_days.h"

static double score_of(struct stmt *q, int column)
{
	return col_is_null(q, column) ? -1 : col_real(q, column);
}

int past_scores(struct db *db, int64_t account, int32_t from, int32_t before, struct arena *a,
                const struct past_score **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, SCORED_DAYS
	                        "SELECT day, risk, readiness, risk_band, readiness_band, coalesce((SELECT hash FROM config_seen "
	                        "WHERE id = config), config) FROM scored CROSS JOIN scores USING (day) WHERE account_id = :account "
	                        "ORDER BY day");
	struct past_score *rows = NULL;
	size_t n = 0, cap = 0;
	int rc;

	bind_int(q, ":account", account);
	bind_day(q, ":oldest", from);
	bind_day(q, ":before", before);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			rows = arena_grow(a, rows, n, cap, sizeof *rows);
		}
		rows[n++] = (struct past_score){ col_day(q, 0),      score_of(q, 1),      score_of(q, 2),
			                             (int)col_int(q, 3), (int)col_int(q, 4), col_text_in(q, 5, a) };
	}
	if (rc < 0)
		return err_in(err, "earlier scores of account %lld", (long long)account);
	*out = rows;
	*out_n = n;
	return 0;
}

static int load_signals(struct db *db, const char *engine, struct past_moment *m, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT signal, strength FROM score_signal WHERE account_id = :account AND day = :day "
	                            "AND engine = :engine AND strength > 0 ORDER BY signal");
	struct past_signal *signals = NULL;
	size_t n = 0, cap = 0;
	int rc;

	bind_int(q, ":account", m->account);
	bind_day(q, ":day", m->day);
	bind_text(q, ":engine", engine);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 8;
			signals = arena_grow(a, signals, n, cap, sizeof *signals);
		}
		signals[n++] = (struct past_signal){ col_text_in(q, 0, a), col_real(q, 1) };
	}
	m->signals = signals;
	m->n_signals = n;
	return rc < 0 ? err_in(err, "earlier signals of account %lld", (long long)m->account) : 0;
}

/* The last day up to q->on that was scored, DAY_NONE when there is none within reach. */
static int scored_day(struct db *db, const struct past_query *query, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT " LAST_SCORED(":from", ":to + 1"));

	bind_day(q, ":from", query->on - PAST_REACH_DAYS);
	bind_day(q, ":to", query->on);
	if (stmt_step(q, err) < 0)
		return err_in(err, "earlier scores");
	*out = col_day(q, 0);
	return 0;
}

/* 0: there is no such account any more. */
static int load_name(struct db *db, struct past_moment *m, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT COALESCE(name, source_key) FROM account WHERE id = :id");
	int rc;

	bind_int(q, ":id", m->account);
	rc = stmt_step(q, err);
	if (rc > 0)
		m->name = col_text_in(q, 0, a);
	return rc;
}

static int nearest_on(struct db *db, const struct past_query *query, int32_t day, struct arena *a,
                      struct past_moment **out, size_t *out_n, struct err *err)
{
	const struct near_score *near;
	struct past_moment *moments;
	size_t n_near, n = 0;

	if (past_near(db, query, day, a, &near, &n_near, err) < 0)
		return err_in(err, "earlier scores");
	moments = arena_array(a, n_near + 1, sizeof *moments);
	for (size_t i = 0; i < n_near; i++) {
		int rc;

		moments[n] = (struct past_moment){ .account = near[i].account, .day = day, .score = near[i].score };
		rc = load_name(db, &moments[n], a, err);
		if (rc < 0)
			return err_in(err, "earlier scores");
		n += (size_t)rc;
	}
	*out = moments;
	*out_n = n;
	return 0;
}

int past_moments(struct db *db, const struct past_query *query, struct arena *a, const struct past_moment **out,
                 size_t *out_n, struct err *err)
{
	struct past_moment *moments = NULL;
	size_t n = 0;
	int32_t day;

	if (scored_day(db, query, &day, err) < 0 ||
	    (day != DAY_NONE && nearest_on(db, query, day, a, &moments, &n, err) < 0))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (load_signals(db, query->is_expansion ? "expansion" : "defense", &moments[i], a, err) < 0)
			return -1;
	*out = moments;
	*out_n = n;
	return 0;
}

int past_findings(struct db *db, int32_t until, struct arena *a, const struct past_finding **out, size_t *out_n,
                  struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT account_id, first_cause, opened_on FROM finding WHERE engine = 'defense' AND "
	                            "opened_on <= :until ORDER BY id");
	struct past_finding *rows = NULL;
	size_t n = 0, cap = 0;
	int rc;

	bind_day(q, ":until", until);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			rows = arena_grow(a, rows, n, cap, sizeof *rows);
		}
		rows[n++] = (struct past_finding){ col_int(q, 0), col_text_in(q, 1, a), col_day(q, 2) };
	}
	if (rc < 0)
		return err_in(err, "earlier findings");
	*out = rows;
	*out_n = n;
	return 0;
}
