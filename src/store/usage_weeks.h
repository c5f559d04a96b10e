/* The arithmetic of packed usage: plain loops over the accounts of a block, which the compiler turns into vectors. A
 * row is a day's cells of all accounts as they are stored; seven rows become one word for each account. */
#ifndef USAGE_WEEKS_H
#define USAGE_WEEKS_H

#include "store/fact_series.h"

/* A week of an account: a bit for each day above zero, the youngest first; then whether a value may be too large for
 * its cell, and whether anything was reported; above these the sum. */
enum { WEEK_DAYS = 7, WEEK_ACTIVE = 127, WEEK_IS_LARGE = 128, WEEK_IS_TOLD = 256, WEEK_SUM_AT = 9 };

/* Seven rows, each `stride` cells behind the younger one. */
void usage_week_add_up(const uint16_t *rows, size_t stride, size_t n, uint32_t *restrict out);
/* Only the bits of active days, added to those that are there. */
void usage_week_join(const uint16_t *rows, size_t stride, size_t n, uint8_t *restrict io);

/* Accounts that are turned together, from words or bytes of all weeks, each `stride` behind the younger one, to what
 * each of them used. */
enum { USAGE_ABREAST = 8 };
/* The sums of the weeks and the days above zero; bits: those of all its words. */
void usage_weeks_turn(const uint32_t *weeks, size_t stride, struct fact_series *restrict out, uint32_t *restrict bits);
void usage_weeks_days(const uint8_t *weeks, size_t stride, struct fact_days *restrict out);

/* The bits of all cells of a row under their masks: 0 when none of them has a value. */
unsigned usage_row_bits(const uint16_t *row, const uint16_t *masks, size_t n);
/* Whether one of them has a value that is too large for its cell. */
bool usage_row_is_large(const uint16_t *row, const uint16_t *masks, size_t n);
/* Their values added up, where none is large; at most a block's. */
uint32_t usage_row_sum(const uint16_t *row, const uint16_t *masks, size_t n);
/* Adds the bits of its cells to those that are there. */
void usage_row_join(const uint16_t *row, size_t n, uint16_t *restrict io);

#endif
