#include "store/score_day.h"

#include <math.h>
#include <string.h>

static void bind_score(struct stmt *q, const char *name, double score)
{
	if (score < 0 || isnan(score))
		bind_null(q, name);
	else
		bind_real(q, name, score);
}

static bool is_score(struct stmt *q, int column, double score)
{
	return score < 0 || isnan(score) ? col_is_null(q, column) : !col_is_null(q, column) && col_real(q, column) == score;
}

static bool is_text(struct stmt *q, int column, const char *text)
{
	const char *kept = col_text(q, column);

	return kept && text ? strcmp(kept, text) == 0 : kept == text;
}

/* Whether what was told of the account is what is told now. */
static bool is_same(const struct score_day *d, const struct score_row *s)
{
	struct stmt *q = d->scores;

	return is_score(q, 1, s->risk) && is_score(q, 2, s->readiness) && col_real(q, 3) == s->confidence &&
	       col_int(q, 4) == s->risk_band && col_int(q, 5) == s->readiness_band && col_day(q, 6) == s->risk_band_since &&
	       col_day(q, 7) == s->readiness_band_since && col_int(q, 8) == s->value_minor && is_text(q, 9, s->currency) &&
	       col_int(q, 10);
}

#define SCORE_VALUES \
	" INTO score_day (day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since, " \
	"readiness_band_since, value_minor, currency, config) VALUES (:day, :account, :risk, :readiness, :confidence, " \
	":risk_band, :readiness_band, :risk_since, :readiness_since, :value, :currency, :config)"

static int write_score(const struct score_day *d, const struct score_row *s, bool is_new, struct err *err)
{
	static const char insert[] = "INSERT" SCORE_VALUES, replace[] = "REPLACE" SCORE_VALUES;
	CLEANUP(stmt_donep) struct stmt *q = db_sql(d->db, is_new ? insert : replace);

	bind_day(q, ":day", d->day);
	bind_int(q, ":account", s->account);
	bind_score(q, ":risk", s->risk);
	bind_score(q, ":readiness", s->readiness);
	bind_real(q, ":confidence", s->confidence);
	bind_int(q, ":risk_band", s->risk_band);
	bind_int(q, ":readiness_band", s->readiness_band);
	bind_day(q, ":risk_since", s->risk_band_since);
	bind_day(q, ":readiness_since", s->readiness_band_since);
	bind_int(q, ":value", s->value_minor);
	bind_text(q, ":currency", s->currency);
	bind_int(q, ":config", d->config);
	return stmt_run(q, err);
}

/* text: NUL behind its end. */
static int write_signals(const struct score_day *d, int64_t account, const char *text, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(d->db, "INSERT INTO account_signals (day, account_id, data) VALUES (:day, :account, "
	                               ":data)");

	bind_day(q, ":day", d->day);
	bind_int(q, ":account", account);
	bind_text(q, ":data", text);
	return stmt_run(q, err);
}

static int change_signals(const struct score_day *d, int64_t id, const char *text, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(d->db, "UPDATE account_signals SET data = :data WHERE id = :id");

	bind_int(q, ":id", id);
	bind_text(q, ":data", text);
	return stmt_run(q, err);
}

static int drop_score(const struct score_day *d, int64_t account, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(d->db, "DELETE FROM score_day WHERE day = :day AND account_id = :account");

	bind_day(q, ":day", d->day);
	bind_int(q, ":account", account);
	return stmt_run(q, err);
}

static int drop_signals(const struct score_day *d, int64_t id, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(d->db, "DELETE FROM account_signals WHERE id = :id");

	bind_int(q, ":id", id);
	return stmt_run(q, err);
}

/* The next account that was told before; INT64_MAX at the end. What lies before it may be written then, not what the
 * statement stands on: that could come again. */
static int next(struct stmt **q, int64_t *out_account, struct err *err)
{
	int rc = *q ? stmt_step(*q, err) : 0;

	if (rc > 0) {
		*out_account = col_int(*q, 0);
		return 0;
	}
	stmt_donep(q);
	*q = NULL;
	*out_account = INT64_MAX;
	return rc;
}

static int next_score(struct score_day *d, struct err *err)
{
	return next(&d->scores, &d->score_account, err);
}

static int next_signals(struct score_day *d, struct err *err)
{
	if (next(&d->signals, &d->signal_account, err) < 0)
		return -1;
	d->signal_id = d->signals ? col_int(d->signals, 1) : 0;
	return 0;
}

/* Accounts before this one were not told again. */
static int drop_before(struct score_day *d, int64_t account, struct err *err)
{
	while (d->score_account < account) {
		int64_t gone = d->score_account;

		if (next_score(d, err) < 0 || drop_score(d, gone, err) < 0)
			return -1;
	}
	while (d->signal_account < account) {
		int64_t gone = d->signal_id;

		if (next_signals(d, err) < 0 || drop_signals(d, gone, err) < 0)
			return -1;
	}
	return 0;
}

static int number_config(struct score_day *d, const char *hash, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(d->db, "INSERT OR IGNORE INTO config_seen (hash, first_at) VALUES (:hash, :at)");
	CLEANUP(stmt_donep) struct stmt *number = db_sql(d->db, "SELECT id FROM config_seen WHERE hash = :hash");

	bind_text(q, ":hash", hash);
	bind_instant(q, ":at", now);
	bind_text(number, ":hash", hash);
	if (stmt_run(q, err) < 0 || stmt_step(number, err) < 0)
		return -1;
	d->config = col_int(number, 0);
	return 0;
}

/* Bands that overrides held, and signals from when each was a row. */
static int forget_rows(const struct score_day *d, struct err *err)
{
	static const char *const statements[] = {
		"DELETE FROM score_signal_row WHERE day = :day",
		"DELETE FROM score_held WHERE day = :day",
	};

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(d->db, statements[i]);

		bind_day(q, ":day", d->day);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

static int begin(struct score_day *d, const char *config_hash, int64_t now, struct err *err)
{
	if (number_config(d, config_hash, now, err) < 0 || forget_rows(d, err) < 0)
		return -1;
	d->scores = db_sql(d->db, "SELECT account_id, risk, readiness, confidence, risk_band, readiness_band, "
	                          "risk_band_since, readiness_band_since, value_minor, currency, config = :config FROM "
	                          "score_day WHERE day = :day ORDER BY account_id");
	d->signals = db_sql(d->db, "SELECT account_id, id, data FROM account_signals WHERE day = :day ORDER BY account_id");
	bind_day(d->scores, ":day", d->day);
	bind_int(d->scores, ":config", d->config);
	bind_day(d->signals, ":day", d->day);
	return next_score(d, err) < 0 || next_signals(d, err) < 0 ? -1 : 0;
}

int score_day_begin(struct score_day *d, struct db *db, int32_t day, const char *config_hash, int64_t now,
                    struct err *err)
{
	*d = (struct score_day){ .db = db, .day = day };
	return begin(d, config_hash, now, err) < 0 ? err_in(err, "scores") : 0;
}

static int put_score(struct score_day *d, const struct score_row *s, struct err *err)
{
	bool is_kept;

	if (d->score_account != s->account)
		return write_score(d, s, true, err);
	is_kept = is_same(d, s);
	if (next_score(d, err) < 0)
		return -1;
	return is_kept ? 0 : write_score(d, s, false, err);
}

static int put_signals(struct score_day *d, int64_t account, const char *text, size_t len, struct err *err)
{
	int64_t id = d->signal_id;
	bool is_kept;

	if (d->signal_account != account)
		return len ? write_signals(d, account, text, err) : 0;
	is_kept = len && is_text(d->signals, 2, text);
	if (next_signals(d, err) < 0)
		return -1;
	if (is_kept)
		return 0;
	return len ? change_signals(d, id, text, err) : drop_signals(d, id, err);
}

int score_day_put(struct score_day *d, const struct score_row *s, const char *signals, size_t n_signals,
                  struct err *err)
{
	if (drop_before(d, s->account, err) < 0 || put_score(d, s, err) < 0 ||
	    put_signals(d, s->account, signals, n_signals, err) < 0)
		return err_in(err, "score of account %lld", (long long)s->account);
	return 0;
}

int score_day_end(struct score_day *d, struct err *err)
{
	return drop_before(d, INT64_MAX, err) < 0 ? err_in(err, "scores") : 0;
}

void score_day_done(struct score_day *d)
{
	stmt_donep(&d->scores);
	stmt_donep(&d->signals);
	d->scores = d->signals = NULL;
}
