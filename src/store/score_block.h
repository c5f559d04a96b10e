/* Between the files of scores: the bytes of the rows of score_block (see migration 0044). */
#ifndef SCORE_BLOCK_H
#define SCORE_BLOCK_H

#include "common/buf.h"
#include "store/findings.h"

enum { SCORE_BLOCK = 256, SCORE_BYTES = 29, SCORE_POINTS = 101, SCORE_NEAR_BYTES = 13 };
enum { SCORE_NUMBER = 8, SCORE_CURRENCY = 3 };

/* Ids of accounts that blocks have room for. */
#define SCORE_MAX_ACCOUNT ((INT64_C(1) << 39) - 1)

/* The row of a day's accounts from SCORE_BLOCK * block on. */
int64_t score_block_id(int32_t day, int64_t block);
/* The row of a day's accounts in a band of an engine, with a score of so many whole points. */
int64_t score_near_id(int32_t day, bool is_expansion, int points);

/* Accounts of one block on their way into it. */
struct score_packing {
	size_t n, n_confidences, n_currencies;
	uint8_t scores[SCORE_BLOCK * SCORE_BYTES];
	uint8_t confidences[SCORE_BLOCK * SCORE_NUMBER];
	uint8_t currencies[SCORE_BLOCK * SCORE_CURRENCY]; /* the first at the end */
};
/* s: of a larger account than before, in the same block. False: it can't be packed and is to be a row. */
bool score_pack_add(struct score_packing *p, const struct score_row *s);
/* Adds the bytes of the block. */
void score_pack_end(const struct score_packing *p, struct buf *out);
/* Adds an account to those near a score, which score_pack_add took. */
void score_near_add(struct buf *out, double score, int64_t account);

/* A row: its bytes, and whose they are. */
struct score_block { int64_t id, n, config; const uint8_t *data; size_t len; };
int64_t score_block_sum(const struct score_block *b);
/* For people: what it holds. */
const char *score_block_name(int64_t id, struct arena *a);
/* Whether the bytes are those that were written, and can be read. */
bool score_block_is_whole(const struct score_block *b, int64_t sum);
int64_t score_block_account(const struct score_block *b, size_t i);
/* Which of them the account is, or the first one behind it. */
size_t score_block_from(const struct score_block *b, int64_t account);
/* The i-th score, without its configuration and currency. Returns where the three letters of that are; NULL: none. */
const char *score_block_get(const struct score_block *b, size_t i, struct score_row *out);
/* The i-th account near a score. */
int64_t score_near_get(const struct score_block *b, size_t i, double *out_score);

#endif
