/* facts_base_load in three steps, so that the longest, the walk over the usage of all accounts, is shared by several
 * processes. begin in one of them, close its connection and fork the others; walk in each, by a connection of its own;
 * and when all have ended it well, end in the first. What comes of it does not depend on how many they were. All must
 * see the same database. */
#ifndef STORE_FACTS_WALK_H
#define STORE_FACTS_WALK_H

#include <sys/types.h>

#include "store/facts.h"

int facts_base_begin(struct db *db, const struct fact_query *q, struct arena *a, struct fact_base *out,
                     struct err *err) MUST_USE;
/* Between begin and the first walk, no connection open: a process that reads ahead of a long walk; to be given to
 * usage_ahead_end when all have ended. 0: there is none, as for a short one. score starts it where it works in several
 * processes. */
pid_t facts_base_ahead(const struct fact_base *base, const char *database);
/* Takes one block of accounts after the other that nobody has taken, until there is none. */
int facts_base_walk(struct db *db, const struct fact_base *base, struct err *err) MUST_USE;
int facts_base_end(struct db *db, const struct fact_query *q, struct arena *a, struct fact_base *io,
                   struct err *err) MUST_USE;

#endif
