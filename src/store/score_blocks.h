/* Between the files of scores: those of one day on their way into blocks. */
#ifndef SCORE_BLOCKS_H
#define SCORE_BLOCKS_H

#include "store/findings.h"

struct score_blocks;

/* Scores of the day from when each was a row go at once; the arena is to live as long. */
struct score_blocks *score_blocks_begin(struct db *db, int32_t day, int64_t config, struct arena *a, struct err *err);
/* s: of the day, and of a larger account than before. */
int score_blocks_put(struct score_blocks *b, const struct score_row *s, struct err *err) MUST_USE;
/* Writes what is left, and takes back what was not told again. */
int score_blocks_end(struct score_blocks *b, struct err *err) MUST_USE;

#endif
