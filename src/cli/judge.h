/* What is to be written of the accounts of a base on one day: judged chunk by chunk, in any process that has the base,
 * and packed for the one that writes (see score_write.h). */
#ifndef JUDGE_H
#define JUDGE_H

#include "common/buf.h"
#include "diagnose.h"

struct judging {
	struct session session;  /* its db: a connection of the process that judges */
	struct diagnosing day;
	bool keeps_findings;     /* no later day was scored: findings go forward only */
	struct arena *of_chunk;
};

/* Loads the day's base into of_day; j->session is set. */
int judge_begin(struct judging *j, int32_t as_of, struct arena *of_day, struct err *err) MUST_USE;
/* The same by connections of its own, in two processes or more: nothing of the database may be open in this one. */
int judge_begin_apart(struct judging *j, int32_t as_of, int n_processes, struct arena *of_day,
                      struct err *err) MUST_USE;
/* Which members a unit of work has: those of one block of usage, or fewer where there are not many. */
struct judge_units { size_t n; const size_t *firsts; /* n + 1: the last is behind the last member */ };
void judge_units_of(const struct fact_base *base, int n_processes, struct arena *a, struct judge_units *out);
/* How many members from first on are judged at once, at most up to end. */
size_t judge_chunk(size_t first, size_t end);
/* Judges members first .. first + n - 1 and adds what is to be written; what lies between them and their neighbours,
 * findings of accounts that are no more, comes with them. */
int judge_some(struct judging *j, size_t first, size_t n, struct buf *out, struct err *err) MUST_USE;

#endif
