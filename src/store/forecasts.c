#include "store/forecasts.h"

#include <math.h>
#include <stdlib.h>

#include "common/text.h"
#include "store/record.h"

#include "scored_days.h"

enum { FIRST_ROOM = 256, YEAR = 12, SLACK_DAYS = 7 };

/* What sources call the time from one bill to the next, by how it begins. */
static const struct {
	const char *start;
	int32_t months;
} terms[] = { { "month", 1 }, { "quarter", 3 }, { "year", 12 }, { "annual", 12 } };

static int32_t term_months(const char *billing)
{
	for (size_t i = 0; billing && i < ARRAY_LEN(terms); i++)
		if (text_starts(billing, terms[i].start))
			return terms[i].months;
	return 0;
}

/* Of one contract, as known on the day. */
struct contract_hint {
	const char *billing;
	int32_t start_on, renewal_on;
	int32_t learnt_on; /* the renewal; DAY_NONE: with the first load */
};

static bool is_years_apart(int32_t from, int32_t to)
{
	for (int months = YEAR; months <= 10 * YEAR; months += YEAR)
		if (abs(day_add_months(from, months) - to) <= 1)
			return true;
	return false;
}

/* Who is billed by the month may have signed for a year: the next renewal then lies further off than the next bill.
 * Once it has come near, that shows by when it was learnt, else by whole years since the start. */
static bool is_signed_for_longer(const struct contract_hint *c, int32_t months, int32_t as_of)
{
	int32_t learnt_on = c->learnt_on == DAY_NONE ? as_of : c->learnt_on;

	if (months == 0 || months >= YEAR || c->renewal_on == DAY_NONE)
		return false;
	if (c->renewal_on > day_add_months(learnt_on, months) + SLACK_DAYS)
		return true;
	return c->learnt_on == DAY_NONE && c->start_on != DAY_NONE && is_years_apart(c->start_on, c->renewal_on);
}

/* The next renewal counts, else the last one; of terms the longest. */
static void add_contract(struct forecast_hint *h, const struct contract_hint *c, int32_t as_of)
{
	int32_t renewal_on = c->renewal_on, months = term_months(c->billing);
	bool is_ahead = renewal_on > as_of, was_ahead = h->renewal_on > as_of;

	if (is_signed_for_longer(c, months, as_of))
		months = YEAR;
	if (months > h->term_months)
		h->term_months = months;
	if (renewal_on == DAY_NONE)
		return;
	if (h->renewal_on == DAY_NONE || (is_ahead && !was_ahead) ||
	    (is_ahead == was_ahead && (is_ahead ? renewal_on < h->renewal_on : renewal_on > h->renewal_on)))
		h->renewal_on = renewal_on;
}

static double chance(struct stmt *q, int column)
{
	return col_is_null(q, column) ? -1 : fmin(fmax(col_real(q, column) / 100, 0), 1);
}

/* A field as it was known on the day: what changed is looked up in its history. */
#define HISTORY(entity, row, field) \
	"FROM history h WHERE h.entity = '" entity "' AND h.entity_id = " row ".id AND h.field = '" field "'"
#define KNOWN(entity, row, field) \
	"CASE WHEN EXISTS (SELECT 1 " HISTORY(entity, row, field) ") THEN (SELECT h.value " HISTORY(entity, row, field) \
	" AND h.known_on <= :as_of ORDER BY h.known_on DESC LIMIT 1) ELSE " row "." field " END"

static int32_t day_of_text(const char *text)
{
	int64_t day;

	if (!text || !text_to_int(text, &day) || day < INT32_MIN || day > INT32_MAX)
		return DAY_NONE;
	return (int32_t)day;
}

int forecast_hints_load(struct db *db, int32_t as_of, struct arena *a, struct forecast_hint **out, size_t *n_out,
                        struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT a.id, d.risk, d.readiness, " KNOWN("subscription", "s", "billing") ", "
		KNOWN("subscription", "s", "renewal_on") ", " KNOWN("account", "a", "renewal_on") ", s.start_on, "
		"coalesce((SELECT max(h.known_on) " HISTORY("subscription", "s", "renewal_on") " AND h.known_on <= :as_of "
		"AND h.known_on > :beginning), s.seen_on) FROM account a "
		"LEFT JOIN subscription s ON s.account_id = a.id AND (s.start_on IS NULL OR s.start_on <= :as_of) "
		"AND (s.seen_on IS NULL OR s.seen_on <= :as_of) AND (s.deleted_on IS NULL OR s.deleted_on > :as_of) "
		"LEFT JOIN scores d ON d.account_id = a.id AND d.day = "
		LAST_SCORED(":oldest", ":as_of + 1") " "
		"WHERE a.main_id IS NULL ORDER BY a.id");
	struct forecast_hint *hints = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_day(q, ":as_of", as_of);
	bind_int(q, ":beginning", HISTORY_BEGINNING);
	bind_day(q, ":oldest", as_of - FORECAST_SCORE_DAYS);
	while ((rc = stmt_step(q, err)) > 0) {
		int64_t account = col_int(q, 0);

		if (n == 0 || hints[n - 1].account != account) {
			if (n == room) {
				room = room ? 2 * room : FIRST_ROOM;
				hints = arena_grow(a, hints, n, room, sizeof *hints);
			}
			hints[n++] = (struct forecast_hint){ .account = account, .renewal_on = day_of_text(col_text(q, 5)),
				.risk = chance(q, 1), .readiness = chance(q, 2) };
		}
		add_contract(&hints[n - 1],
		             &(struct contract_hint){ .billing = col_text(q, 3), .renewal_on = day_of_text(col_text(q, 4)),
		                                      .start_on = col_day(q, 6), .learnt_on = col_day(q, 7) },
		             as_of);
	}
	if (rc < 0)
		return err_in(err, "what is known of accounts");
	*out = hints;
	*n_out = n;
	return 0;
}

int forecast_put(struct db *db, const struct forecast_said *s, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO nrr_forecast (on_day, quarters, to_day, policy_hash, currency, start_minor, end_p10, end_p50, "
		"end_p90, kept_p10, kept_p50, kept_p90) VALUES (:on, :quarters, :to, :policy, :currency, :start, :end10, :end50, "
		":end90, :kept10, :kept50, :kept90) ON CONFLICT DO NOTHING");

	bind_day(q, ":on", s->on);
	bind_int(q, ":quarters", s->quarters);
	bind_day(q, ":to", s->to);
	bind_text(q, ":policy", s->policy_hash);
	bind_text(q, ":currency", s->currency);
	bind_int(q, ":start", s->start_minor);
	bind_int(q, ":end10", s->end_minor[FORECAST_P10]);
	bind_int(q, ":end50", s->end_minor[FORECAST_P50]);
	bind_int(q, ":end90", s->end_minor[FORECAST_P90]);
	bind_int(q, ":kept10", s->kept_minor[FORECAST_P10]);
	bind_int(q, ":kept50", s->kept_minor[FORECAST_P50]);
	bind_int(q, ":kept90", s->kept_minor[FORECAST_P90]);
	if (stmt_run(q, err) < 0)
		return err_in(err, "store forecast");
	return 0;
}

int forecast_is_said(struct db *db, int32_t on, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT 1 FROM nrr_forecast WHERE on_day = :on");
	int rc;

	bind_day(q, ":on", on);
	if ((rc = stmt_step(q, err)) < 0)
		return err_in(err, "stored forecasts");
	*out = rc > 0;
	return 0;
}

int forecasts_load(struct db *db, int32_t quarters, int32_t as_of, struct arena *a, struct forecast_said **out,
                   size_t *n_out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT on_day, to_day, quarters, policy_hash, currency, start_minor, end_p10, end_p50, end_p90, kept_p10, "
		"kept_p50, kept_p90 FROM nrr_forecast WHERE quarters = :quarters AND on_day <= :as_of ORDER BY on_day");
	struct forecast_said *said = NULL;
	size_t n = 0, room = 0;
	int rc;

	bind_int(q, ":quarters", quarters);
	bind_day(q, ":as_of", as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		struct forecast_said *s;

		if (n == room) {
			room = room ? 2 * room : FIRST_ROOM;
			said = arena_grow(a, said, n, room, sizeof *said);
		}
		s = &said[n++];
		*s = (struct forecast_said){ .on = col_day(q, 0), .to = col_day(q, 1), .quarters = (int32_t)col_int(q, 2),
			.policy_hash = col_text_in(q, 3, a), .currency = col_text_in(q, 4, a), .start_minor = col_int(q, 5) };
		for (int i = 0; i < N_FORECAST_QUANTILES; i++) {
			s->end_minor[i] = col_int(q, 6 + i);
			s->kept_minor[i] = col_int(q, 9 + i);
		}
	}
	if (rc < 0)
		return err_in(err, "stored forecasts");
	*out = said;
	*n_out = n;
	return 0;
}
