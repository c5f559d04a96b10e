/* What every connection knows of scores on top of plain SQL: the table scores, with the columns of score_day, for one
 * day and account at a time (day = ... AND account_id = ...), wherever that score lies. */
#ifndef DB_SCORES_H
#define DB_SCORES_H

#include <sqlite3.h>

/* Gives it to a connection; an SQLite result. */
int db_scores_register(sqlite3 *handle);

#endif
