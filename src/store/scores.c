#include <string.h>

#include "store/findings.h"

#include "scored_days.h"

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
	"value_minor, currency, coalesce((SELECT hash FROM config_seen WHERE id = config), config)"

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
