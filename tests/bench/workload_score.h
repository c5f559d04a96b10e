/* Scores the workload over the product's own store: usage blocks, packs of dated rows. What is worked out is what the
 * peers' SQL says (workload_sql.py), in as many processes as there are processors. */
#ifndef BENCH_WORKLOAD_SCORE_H
#define BENCH_WORKLOAD_SCORE_H

#include "workload_answer.h"

/* Takes away what an earlier run has stored, and makes the packs of accounts that need it. */
void workload_score_prepare(const char *database);
/* Opens the database of an organisation of the workload, scores it as of its last day, ranks each owner's best, and
 * commits a row an account (table workload_score). Dies on failure. */
void workload_score(const char *database, int n_processes, struct workload_answer *out);

#endif
