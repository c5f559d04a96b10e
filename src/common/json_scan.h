/* A strict look over JSON text before cJSON reads it: what cJSON would let through, cut short or run too deep on. */
#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/err.h"

/* Checks UTF-8, depth, strings and numbers (the rest of the grammar is left to cJSON). *text moves to a corrected copy
 * in the arena when an escape stands for no character: half a surrogate pair, or NUL, is read as U+FFFD. Sets
 * *out_n_long to how many numbers a double can't hold digit by digit. */
int json_scan(struct arena *a, const char **text, size_t len, size_t *out_n_long, struct err *err) MUST_USE;
/* The next number at or behind *at of text that passed json_scan: returns its length, *at is its start; 0 when none is
 * left. */
size_t json_scan_number(const char **at, const char *end);
/* Whether a double can't hold a number (as written, len bytes) digit by digit. */
bool json_scan_is_long(const char *number, size_t len);

#endif
