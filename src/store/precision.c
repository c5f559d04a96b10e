#include "store/precision.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "store/outcomes.h"

const char *const dismiss_reasons[N_DISMISS_REASONS] = {
	[DISMISS_FALSE_POSITIVE] = "false_positive", [DISMISS_KNOWN] = "known", [DISMISS_SEASONAL] = "seasonal",
	[DISMISS_DATA_WRONG] = "data_wrong", [DISMISS_OTHER] = "other",
};

static const double Z = 1.959964; /* of 95 % */

static size_t reason_of(const char *code)
{
	for (size_t i = 0; code && i < N_DISMISS_REASONS; i++)
		if (strcmp(code, dismiss_reasons[i]) == 0)
			return i;
	return DISMISS_OTHER;
}

bool dismiss_reason_known(const char *code)
{
	return code && strcmp(code, dismiss_reasons[reason_of(code)]) == 0;
}

void wilson_interval(int64_t right, int64_t n, double *out_low, double *out_high)
{
	double total = (double)n, share = (double)right / total, zz = Z * Z;
	double centre = share + zz / (2 * total);
	double spread = Z * sqrt(share * (1 - share) / total + zz / (4 * total * total));

	*out_low = fmax(0, (centre - spread) / (1 + zz / total));
	*out_high = fmin(1, (centre + spread) / (1 + zz / total));
}

double precision_weight(const struct precision *p, double weight)
{
	double share = ((double)p->n_right + 2) / ((double)p->n_judged + 4);

	return fmax(0, fmin(weight, weight + log(share / (1 - share))));
}

static void weigh(struct precision *p)
{
	p->share = p->low = p->high = (double)NAN;
	if (p->n_judged > 0) {
		p->share = (double)p->n_right / (double)p->n_judged;
		wilson_interval(p->n_right, p->n_judged, &p->low, &p->high);
	}
	p->has_enough = p->n_judged >= PRECISION_ENOUGH;
	p->is_poor = p->has_enough && p->high < 0.5;
}

/* A finding and the last thing that was answered to it, as known on the day. */
struct judged {
	int64_t account;
	const char *engine, *cause, *answer, *reason;
	int32_t opened_on;
	bool is_open, is_resolved, is_lost; /* lost: somebody said so, or its subscriptions ended while it stood */
};

static bool is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; text && i < n; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

static bool came_true(const struct judged *f, const struct outcomes *o, const struct precision_query *q)
{
	int64_t until = f->opened_on + q->horizon_days;
	unsigned kinds = strcmp(f->engine, "defense") == 0 ? OUTCOME_LOSSES : OUTCOME_GAINS;

	return outcomes_first(o, f->account, f->opened_on, until > q->as_of ? q->as_of : (int32_t)until, kinds) != NULL;
}

static void count(struct precision *p, const struct judged *f, bool came)
{
	static const char *const acts[] = { "acknowledged", "done", "expanded" };
	bool is_acted = is_one_of(f->answer, acts, ARRAY_LEN(acts));
	bool is_dismissed = f->answer && strcmp(f->answer, "dismissed") == 0;

	came = came || f->is_lost;
	p->n_findings++;
	p->n_open += f->is_open;
	p->n_acted += is_acted;
	p->n_dismissed += is_dismissed;
	p->n_by_reason[reason_of(f->reason)] += is_dismissed;
	p->n_resolved += f->is_resolved && !is_acted;
	p->n_came += came;
	p->n_right += came || is_acted;
	p->n_judged += came || is_acted || is_dismissed;
	if (p->since_on == DAY_NONE || f->opened_on < p->since_on)
		p->since_on = f->opened_on;
}

/* The cause that led on the day: the note of the next change tells it, where the row has a later one. */
static struct stmt *findings_as_known(struct db *db, const struct precision_query *query)
{
	struct stmt *q = db_sql(db,
		"SELECT f.engine,"
		" coalesce((SELECT e.note FROM finding_event e WHERE e.finding_id = f.id AND e.kind = 'cause_changed'"
		"  AND e.day > :as_of ORDER BY e.id LIMIT 1), f.cause) AS led_by,"
		" f.account_id, f.opened_on, f.closed_on IS NULL OR f.closed_on > :as_of, f.state = 'resolved', e.kind, e.reason,"
		" EXISTS (SELECT 1 FROM finding_event x WHERE x.finding_id = f.id AND x.kind = 'lost' AND x.day <= :as_of"
		"  AND x.day <= f.opened_on + :horizon AND x.id > coalesce((SELECT max(r.id) FROM finding_event r"
		"   WHERE r.finding_id = f.id AND r.kind = 'reopened' AND r.day <= :as_of), 0))"
		" FROM finding f LEFT JOIN finding_event e ON e.id = (SELECT max(l.id) FROM finding_event l"
		"  WHERE l.finding_id = f.id AND l.day <= :as_of"
		"  AND l.kind IN ('acknowledged', 'done', 'expanded', 'dismissed', 'reopened'))"
		" WHERE f.opened_on BETWEEN :from AND :as_of"
		" ORDER BY f.engine, led_by, f.id");

	bind_int(q, ":from", query->from == DAY_NONE ? INT32_MIN : query->from);
	bind_day(q, ":as_of", query->as_of);
	bind_int(q, ":horizon", query->horizon_days);
	return q;
}

static struct judged read_judged(struct stmt *q, struct arena *a)
{
	return (struct judged){
		.engine = col_text_in(q, 0, a), .cause = col_text_in(q, 1, a), .account = col_int(q, 2),
		.opened_on = col_day(q, 3), .is_open = col_int(q, 4) != 0, .is_resolved = !col_int(q, 4) && col_int(q, 5),
		.answer = col_text_in(q, 6, a), .reason = col_text_in(q, 7, a),
		.is_lost = col_int(q, 8) != 0,
	};
}

int precision_load(struct db *db, const struct precision_query *query, struct arena *a, struct precision **out,
                   size_t *out_n, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	struct precision *rows = NULL;
	struct outcomes outcomes;
	size_t n = 0, room = 0;
	int rc;

	if (outcomes_load(db, query->as_of, scratch, &outcomes, err) < 0)
		return -1;
	q = findings_as_known(db, query);
	while ((rc = stmt_step(q, err)) > 0) {
		struct judged f = read_judged(q, scratch);

		if (!n || strcmp(rows[n - 1].engine, f.engine) != 0 || strcmp(rows[n - 1].cause, f.cause) != 0) {
			if (n == room) {
				room = room ? 2 * room : 32;
				rows = arena_grow(a, rows, n, room, sizeof *rows);
			}
			rows[n++] = (struct precision){ .engine = arena_strdup(a, f.engine), .cause = arena_strdup(a, f.cause),
				.since_on = DAY_NONE };
		}
		count(&rows[n - 1], &f, came_true(&f, &outcomes, query));
	}
	if (rc < 0)
		return err_in(err, "precision of findings");
	for (size_t i = 0; i < n; i++)
		weigh(&rows[i]);
	*out = rows;
	*out_n = n;
	return 0;
}

struct precision precision_total(const struct precision *all, size_t n, const char *engine)
{
	struct precision sum = { .engine = engine, .since_on = DAY_NONE };

	for (size_t i = 0; i < n; i++) {
		const struct precision *p = &all[i];

		if (strcmp(p->engine, engine) != 0)
			continue;
		sum.n_findings += p->n_findings;
		sum.n_open += p->n_open;
		sum.n_acted += p->n_acted;
		sum.n_dismissed += p->n_dismissed;
		for (size_t r = 0; r < N_DISMISS_REASONS; r++)
			sum.n_by_reason[r] += p->n_by_reason[r];
		sum.n_resolved += p->n_resolved;
		sum.n_came += p->n_came;
		sum.n_right += p->n_right;
		sum.n_judged += p->n_judged;
		if (sum.since_on == DAY_NONE || p->since_on < sum.since_on)
			sum.since_on = p->since_on;
	}
	weigh(&sum);
	return sum;
}
