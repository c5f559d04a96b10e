/* Between the files of scores: the days that have any. */
#ifndef SCORED_DAYS_H
#define SCORED_DAYS_H

/* Before a SELECT from `scored (day)`: those from :oldest and before :before, latest first, and a last NULL. Scores lie
 * by day, so that an account's are looked up day by day, and each day is found from the one after it. */
#define SCORED_DAYS \
	"WITH RECURSIVE scored (day) AS (SELECT max(day) FROM score_day WHERE day >= :oldest AND day < :before UNION ALL " \
	"SELECT (SELECT max(d.day) FROM score_day d WHERE d.day >= :oldest AND d.day < scored.day) FROM scored " \
	"WHERE scored.day IS NOT NULL) "

#endif
