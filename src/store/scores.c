#include <math.h>
#include <string.h>

#include "store/findings.h"

#include "scored_days.h"

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
	struct stmt *q = db_sql(db, "INSERT INTO score_signal (day, account_id, engine, signal, value, baseline, strength, "
	                            "weight, contribution, evidence, fresh_on) VALUES (:day, :account, :engine, :signal, "
	                            ":value, :baseline, :strength, :weight, :contribution, :evidence, :fresh)");

	bind_day(q, ":day", s->day);
	bind_int(q, ":account", s->account);
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

int score_put(struct db *db, const struct score_row *s, const struct score_signal_row *signals, size_t n,
              struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(
		db,
		"INSERT INTO score_day (day, account_id, risk, readiness, confidence, risk_band, readiness_band, "
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
	if (stmt_run(q, err) < 0)
		return err_in(err, "score of account %lld", (long long)s->account);
	for (size_t i = 0; i < n; i++)
		if (put_signal(db, s, &signals[i], err) < 0)
			return err_in(err, "score of account %lld: %s", (long long)s->account, signals[i].signal);
	return 0;
}

/* The configuration is the same for nearly all. */
static const char *same_text(const char *before, struct stmt *q, int column, struct arena *a)
{
	const char *text = col_text(q, column);

	return before && text && strcmp(before, text) == 0 ? before : arena_strdup(a, text);
}

/* The columns of score_row, in the order of SCORE_COLUMNS. */
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
		rows[n] = (struct score_row){
			.account = col_int(q, 0), .day = col_day(q, 1),
			.risk = col_is_null(q, 2) ? -1 : col_real(q, 2), .readiness = col_is_null(q, 3) ? -1 : col_real(q, 3),
			.confidence = col_real(q, 4), .risk_band = (int)col_int(q, 5), .readiness_band = (int)col_int(q, 6),
			.risk_band_since = col_day(q, 7), .readiness_band_since = col_day(q, 8), .value_minor = col_int(q, 9),
			.currency = same_text(n ? rows[n - 1].currency : NULL, q, 10, a),
			.config_hash = same_text(n ? rows[n - 1].config_hash : NULL, q, 11, a),
		};
		n++;
	}
	if (rc < 0)
		return err_in(err, "scores");
	*out = rows;
	*out_n = n;
	return 0;
}

#define SCORE_COLUMNS \
	"account_id, day, risk, readiness, confidence, risk_band, readiness_band, risk_band_since, readiness_band_since, " \
	"value_minor, currency, config_hash"

int scores_before(struct db *db, int64_t from_account, int64_t to_account, int32_t oldest, int32_t before,
                  struct arena *a, const struct score_row **out, size_t *out_n, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT " SCORE_COLUMNS " FROM score_day WHERE day = (SELECT max(day) FROM score_day WHERE day >= :oldest "
		"AND day < :before) AND account_id BETWEEN :from AND :to ORDER BY account_id");

	bind_day(q, ":oldest", oldest);
	bind_day(q, ":before", before);
	bind_int(q, ":from", from_account);
	bind_int(q, ":to", to_account);
	return read_scores(q, a, out, out_n, err);
}

int score_before(struct db *db, int64_t account, int32_t oldest, int32_t before, struct arena *a,
                 const struct score_row **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		SCORED_DAYS "SELECT " SCORE_COLUMNS " FROM scored CROSS JOIN score_day USING (day) WHERE account_id = :account "
		"LIMIT 1");
	size_t n;

	bind_day(q, ":oldest", oldest);
	bind_day(q, ":before", before);
	bind_int(q, ":account", account);
	if (read_scores(q, a, out, &n, err) < 0)
		return -1;
	*out = n ? *out : NULL;
	return 0;
}

int scores_last_day(struct db *db, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT max(day) FROM score_day");

	if (stmt_step(q, err) < 0)
		return err_in(err, "scores");
	*out = col_day(q, 0);
	return 0;
}

int scores_any(struct db *db, int32_t oldest, int32_t before, bool *out, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "SELECT EXISTS (SELECT 1 FROM score_day WHERE day >= :oldest AND day < :before)");

	bind_day(q, ":oldest", oldest);
	bind_day(q, ":before", before);
	if (stmt_step(q, err) < 0)
		return err_in(err, "scores");
	*out = col_int(q, 0) != 0;
	return 0;
}

int scores_clear(struct db *db, int64_t from_account, int64_t to_account, int32_t day, struct err *err)
{
	static const char *const statements[] = {
		"DELETE FROM score_day WHERE day = :day AND account_id BETWEEN :from AND :to",
		"DELETE FROM score_signal WHERE day = :day AND account_id BETWEEN :from AND :to",
		"DELETE FROM score_held WHERE day = :day AND account_id BETWEEN :from AND :to",
	};

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(db, statements[i]);

		bind_day(q, ":day", day);
		bind_int(q, ":from", from_account);
		bind_int(q, ":to", to_account);
		if (stmt_run(q, err) < 0)
			return err_in(err, "scores");
	}
	return 0;
}

int config_seen_put(struct db *db, const char *hash, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(db, "INSERT OR IGNORE INTO config_seen (hash, first_at) VALUES (:hash, :at)");

	bind_text(q, ":hash", hash);
	bind_instant(q, ":at", now);
	return stmt_run(q, err);
}
