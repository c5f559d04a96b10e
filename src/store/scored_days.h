/* Between the files of scores: the days that have any. */
#ifndef SCORED_DAYS_H
#define SCORED_DAYS_H

/* The last day from one on and before another that has scores, or NULL. */
#define LAST_SCORED(from, before) \
	"nullif(max(coalesce((SELECT max(id) >> 32 FROM score_block WHERE id >= (" from ") << 32 AND id < (" before ") " \
	"<< 32), -1), coalesce((SELECT max(day) FROM score_row WHERE day >= " from " AND day < " before "), -1)), -1)"

/* Before a SELECT from `scored (day)`: those from :oldest and before :before, latest first, and a last NULL. Scores lie
 * by day, so that an account's are looked up day by day, and each day is found from the one after it. */
#define SCORED_DAYS \
	"WITH RECURSIVE scored (day) AS (SELECT " LAST_SCORED(":oldest", ":before") " UNION ALL " \
	"SELECT " LAST_SCORED(":oldest", "scored.day") " FROM scored WHERE scored.day IS NOT NULL) "

#endif
