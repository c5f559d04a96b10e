#include "store/score_day.h"

#include "score_blocks.h"

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

/* Bands that overrides held. */
static int forget_held(const struct score_day *d, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(d->db, "DELETE FROM score_held WHERE day = :day");

	bind_day(q, ":day", d->day);
	return stmt_run(q, err);
}

static int begin(struct score_day *d, const char *config_hash, int64_t now, struct err *err)
{
	if (number_config(d, config_hash, now, err) < 0 || forget_held(d, err) < 0)
		return -1;
	d->arena = arena_new(0);
	d->scores = score_blocks_begin(d->db, d->day, d->config, d->arena, err);
	return d->scores ? 0 : -1;
}

int score_day_begin(struct score_day *d, struct db *db, int32_t day, const char *config_hash, int64_t now,
                    struct err *err)
{
	*d = (struct score_day){ .db = db, .day = day };
	return begin(d, config_hash, now, err) < 0 ? err_in(err, "scores") : 0;
}

int score_day_put(struct score_day *d, const struct score_row *s, struct err *err)
{
	struct score_row row = *s;

	row.day = d->day;
	if (score_blocks_put(d->scores, &row, err) < 0)
		return err_in(err, "score of account %lld", (long long)s->account);
	return 0;
}

int score_day_end(struct score_day *d, struct err *err)
{
	return score_blocks_end(d->scores, err) < 0 ? err_in(err, "scores") : 0;
}

void score_day_done(struct score_day *d)
{
	arena_free(d->arena);
	d->arena = NULL;
}
