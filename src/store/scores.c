#include <math.h>
#include <string.h>

#include "store/findings.h"

static void bind_number(struct stmt *q, const char *name, double value)
{
	if (isnan(value))
		bind_null(q, name);
	else
		bind_real(q, name, value);
}

static int put_signal(struct db *db, const struct score_row *s, const struct score_signal_row *r, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT INTO score_signal (account_id, day, engine, signal, value, baseline, strength, "
	                            "weight, contribution, evidence, "
	                            "fresh_on) VALUES (:account, :day, :engine, :signal, :value, :baseline, :strength, "
	                            ":weight, :contribution, :evidence, :fresh)");

	bind_int(q, ":account", s->account);
	bind_day(q, ":day", s->day);
	bind_text(q, ":engine", r->engine);
	bind_text(q, ":signal", r->signal);
	bind_number(q, ":value", r->value);
	bind_number(q, ":baseline", r->baseline);
	bind_real(q, ":strength", r->strength);
	bind_real(q, ":weight", r->weight);
	bind_real(q, ":contribution", r->contribution);
	bind_text(q, ":evidence", r->evidence);
	bind_day(q, ":fresh", r->fresh_on);
	return stmt_run(q, err);
}

static int clear_signals(struct db *db, const struct score_row *s, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "DELETE FROM score_signal WHERE account_id = :account AND day = :day");

	bind_int(q, ":account", s->account);
	bind_day(q, ":day", s->day);
	return stmt_run(q, err);
}

int score_put(struct db *db, const struct score_row *s, const struct score_signal_row *signals, size_t n,
              struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(
		db,
		"INSERT OR REPLACE INTO score_day (day, account_id, risk, readiness, confidence, risk_band, readiness_band, "
		"risk_band_since, readiness_band_since, value_minor, currency, config_hash) VALUES (:day, :account, :risk, "
	    ":readiness, "
		":confidence, :risk_band, :readiness_band, :risk_since, :readiness_since, :value, :currency, :hash)");

	bind_day(q, ":day", s->day);
	bind_int(q, ":account", s->account);
	bind_number(q, ":risk", s->risk < 0 ? NAN : s->risk);
	bind_number(q, ":readiness", s->readiness < 0 ? NAN : s->readiness);
	bind_real(q, ":confidence", s->confidence);
	bind_int(q, ":risk_band", s->risk_band);
	bind_int(q, ":readiness_band", s->readiness_band);
	bind_day(q, ":risk_since", s->risk_band_since);
	bind_day(q, ":readiness_since", s->readiness_band_since);
	bind_int(q, ":value", s->value_minor);
	bind_text(q, ":currency", s->currency);
	bind_text(q, ":hash", s->config_hash);
	if (stmt_run(q, err) < 0 || clear_signals(db, s, err) < 0)
		return err_in(err, "score of account %lld", (long long)s->account);
	for (size_t i = 0; i < n; i++)
		if (put_signal(db, s, &signals[i], err) < 0)
			return err_in(err, "score of account %lld: %s", (long long)s->account, signals[i].signal);
	return 0;
}

/* The columns of score_row, in the order of the statement below. */
static int read_scores(struct stmt *q, struct arena *a, const struct score_row **out, size_t *out_n, struct err *err)
{
	struct score_row *rows = NULL;
	size_t n = 0, cap = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			rows = arena_grow(a, rows, n, cap, sizeof *rows);
		}
		rows[n++] = (struct score_row){
			.account = col_int(q, 0), .day = col_day(q, 1),
			.risk = col_is_null(q, 2) ? -1 : col_real(q, 2), .readiness = col_is_null(q, 3) ? -1 : col_real(q, 3),
			.confidence = col_real(q, 4), .risk_band = (int)col_int(q, 5), .readiness_band = (int)col_int(q, 6),
			.risk_band_since = col_day(q, 7), .readiness_band_since = col_day(q, 8), .value_minor = col_int(q, 9),
			.currency = col_text_in(q, 10, a), .config_hash = col_text_in(q, 11, a),
		};
	}
	if (rc < 0)
		return err_in(err, "scores");
	*out = rows;
	*out_n = n;
	return 0;
}

int scores_before(struct db *db, int64_t from_account, int64_t to_account, int32_t oldest, int32_t before,
                  struct arena *a, const struct score_row **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q =
		db_sql(db, "SELECT s.account_id, s.day, s.risk, s.readiness, s.confidence, s.risk_band, s.readiness_band, "
	               "s.risk_band_since, "
	               "s.readiness_band_since, s.value_minor, s.currency, s.config_hash FROM account a JOIN score_day s "
	               "ON s.account_id = a.id "
	               "AND s.day = (SELECT max(l.day) FROM score_day l WHERE l.account_id = a.id AND l.day < :before) "
	               "WHERE a.id BETWEEN :from AND :to AND s.day >= :oldest ORDER BY a.id");

	bind_int(q, ":from", from_account);
	bind_int(q, ":to", to_account);
	bind_day(q, ":oldest", oldest);
	bind_day(q, ":before", before);
	return read_scores(q, a, out, out_n, err);
}

int scores_last_day(struct db *db, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT max(day) FROM score_day");

	if (stmt_step(q, err) < 0)
		return err_in(err, "scores");
	*out = col_day(q, 0);
	return 0;
}

int scores_clear(struct db *db, int64_t account, int32_t day, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "DELETE FROM score_day WHERE account_id = :account AND day = :day");
	struct score_row row = { .account = account, .day = day };

	bind_int(q, ":account", account);
	bind_day(q, ":day", day);
	return stmt_run(q, err) < 0 || clear_signals(db, &row, err) < 0 ? err_in(err, "scores") : 0;
}

int config_seen_put(struct db *db, const char *hash, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT OR IGNORE INTO config_seen (hash, first_at) VALUES (:hash, :at)");

	bind_text(q, ":hash", hash);
	bind_instant(q, ":at", now);
	return stmt_run(q, err);
}
