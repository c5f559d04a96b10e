/* The statements over one entity's table, written once from the static table of entities. */
#ifndef STORE_RECORD_SQL_H
#define STORE_RECORD_SQL_H

#include "store/record.h"

enum { RECORD_N_ENTITIES = 16 };

struct record_sql {
	char select[2048]; /* id, deleted_on, account_key, account_by, the fields */
	char insert[4096];
	char update[4096]; /* the fields whose bit is set in :mask */
	char erase[256], link[384];
	char params[RECORD_MAX_FIELDS][40]; /* ":name" */
};

/* Column of the first field in select. */
enum { RECORD_FIRST_COLUMN = 4 };

const struct record_sql *record_sql(const struct entity *e);

#endif
