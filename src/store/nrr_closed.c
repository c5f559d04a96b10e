#include "store/nrr_closed.h"

int nrr_closed_holds(struct db *db, int32_t day, const char *rules, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT EXISTS (SELECT 1 FROM nrr_closed WHERE day <= :day AND until_on > :day AND rules = :rules)");

	bind_day(q, ":day", day);
	bind_text(q, ":rules", rules);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0) != 0;
	return 0;
}

int nrr_closed_begin(struct db *db, struct err *err)
{
	return db_run(db, "INSERT OR REPLACE INTO nrr_closed (id) VALUES (1)", err);
}

/* The first day behind a day that some row names, as a number or as a date. */
#define AHEAD(column) "min(CASE WHEN " column " > :day THEN " column " END)"
#define DAY_OF_TEXT \
	"CASE WHEN value GLOB '[0-9]*-[0-9]*-[0-9]*' THEN CAST(julianday(substr(value, 1, 10)) - 2440587.5 AS INTEGER)" \
	" ELSE CAST(value AS INTEGER) END"

int nrr_closed_end(struct db *db, int32_t day, const char *rules, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"UPDATE nrr_closed SET day = :day, rules = :rules, until_on = CASE WHEN EXISTS (SELECT 1 FROM invoice)"
		" THEN :day + 1 ELSE coalesce((SELECT min(x) FROM ("
		"SELECT min(coalesce(" AHEAD("start_on") ", 1e9), coalesce(" AHEAD("end_on") ", 1e9),"
		" coalesce(" AHEAD("seen_on") ", 1e9), coalesce(" AHEAD("cancel_notice_on") ", 1e9),"
		" coalesce(" AHEAD("deleted_on") ", 1e9), coalesce(" AHEAD("discount_ends_on") ", 1e9),"
		" coalesce(" AHEAD("paid_until_on") ", 1e9), coalesce(" AHEAD("paused_on") ", 1e9),"
		" coalesce(" AHEAD("resumes_on") ", 1e9), coalesce(" AHEAD("amount_from_on") ", 1e9)) AS x FROM subscription"
		" UNION ALL SELECT min(coalesce(" AHEAD("created_on") ", 1e9), coalesce(" AHEAD("customer_since_on") ", 1e9),"
		" coalesce(" AHEAD("deleted_on") ", 1e9), coalesce(" AHEAD("seen_on") ", 1e9)) FROM account"
		" UNION ALL SELECT min(coalesce(" AHEAD("rate_on") ", 1e9), coalesce(" AHEAD("seen_on") ", 1e9),"
		" coalesce(" AHEAD("deleted_on") ", 1e9)) FROM rate"
		" UNION ALL SELECT min(known_on) FROM history WHERE known_on > :day"
		" UNION ALL SELECT min(" DAY_OF_TEXT ") FROM history WHERE field LIKE '%_on' AND " DAY_OF_TEXT " > :day"
		")), 1e9) END WHERE id = 1 AND day IS NULL");

	bind_day(q, ":day", day);
	bind_text(q, ":rules", rules);
	return stmt_run(q, err);
}
