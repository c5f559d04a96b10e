#include "past_near.h"

#include <math.h>
#include <string.h>

#include "score_block.h"

/* The nearest so far, the nearest first. */
struct nearest {
	const struct past_query *query;
	struct near_score *at;
	size_t n, most;
};

static double apart(const struct nearest *x, double score)
{
	return fabs(score - x->query->score);
}

static bool is_nearer(const struct nearest *x, const struct near_score *one, const struct near_score *other)
{
	double a = apart(x, one->score), b = apart(x, other->score);

	return a < b || (a == b && one->account < other->account);
}

static void add(struct nearest *x, struct near_score s)
{
	size_t i = x->n;

	if (s.account == x->query->account || (i == x->most && (i == 0 || !is_nearer(x, &s, &x->at[i - 1]))))
		return;
	if (i == x->most)
		i--;
	else
		x->n++;
	for (; i > 0 && is_nearer(x, &s, &x->at[i - 1]); i--)
		x->at[i] = x->at[i - 1];
	x->at[i] = s;
}

/* From when each score was a row: from the score on, up and down, by the index of the day's accounts in a band. */
#define ONE_WAY(score, band, way, order) \
	"SELECT * FROM (SELECT account_id, " score " FROM score_row WHERE day = :day AND " band " > 0 " \
	"AND account_id <> :account AND " score " " way " :score ORDER BY " order ", account_id LIMIT :most)"
#define BOTH_WAYS(score, band) ONE_WAY(score, band, ">=", score) " UNION ALL " ONE_WAY(score, band, "<", score " DESC")

static int add_rows(struct db *db, struct nearest *x, int32_t day, struct err *err)
{
	static const char *const statements[2] = { BOTH_WAYS("risk", "risk_band"),
		                                       BOTH_WAYS("readiness", "readiness_band") };
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, statements[x->query->is_expansion]);
	int rc;

	bind_day(q, ":day", day);
	bind_int(q, ":account", x->query->account);
	bind_real(q, ":score", x->query->score);
	bind_int(q, ":most", x->query->most);
	while ((rc = stmt_step(q, err)) > 0)
		add(x, (struct near_score){ col_int(q, 0), col_real(q, 1) });
	return rc;
}

/* All with so many whole points. */
static int add_points(struct db *db, struct nearest *x, int32_t day, int points, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT n, data, sum, config FROM score_block WHERE id = :id");
	struct score_block b = { .id = score_near_id(day, x->query->is_expansion, points) };
	struct near_score s;
	int rc;

	if (points < 0 || points >= SCORE_POINTS)
		return 0;
	bind_int(q, ":id", b.id);
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	b.n = col_int(q, 0);
	b.config = col_int(q, 3);
	b.data = col_blob(q, 1, &b.len);
	if (!score_block_is_whole(&b, col_int(q, 2)))
		return err_set(err, ERR_FATAL, "block %lld is damaged", (long long)b.id);
	for (size_t i = 0; i < (size_t)b.n; i++) {
		s.account = score_near_get(&b, i, &s.score);
		add(x, s);
	}
	return 0;
}

int past_near(struct db *db, const struct past_query *query, int32_t day, struct arena *a,
              const struct near_score **out, size_t *out_n, struct err *err)
{
	struct nearest x = { .query = query, .most = (size_t)query->most };
	double whole = fmin(fmax(floor(query->score), 0), SCORE_POINTS - 1);

	x.at = arena_array(a, x.most + 1, sizeof *x.at);
	if (add_rows(db, &x, day, err) < 0)
		return -1;
	for (int way = 0; way < SCORE_POINTS; way++) {
		/* All that is further away lies at least that far off. */
		if (x.n == x.most && (x.n == 0 || apart(&x, x.at[x.n - 1].score) < way - 1))
			break;
		if (add_points(db, &x, day, (int)whole + way, err) < 0 ||
		    (way > 0 && add_points(db, &x, day, (int)whole - way, err) < 0))
			return -1;
	}
	*out = x.at;
	*out_n = x.n;
	return 0;
}
