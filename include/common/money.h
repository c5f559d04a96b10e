/* Amounts: int64 minor units with an ISO 4217 code. */
#ifndef COMMON_MONEY_H
#define COMMON_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

/* For products of amounts, which need more than 64 bits on the way. */
__extension__ typedef __int128 money_wide;

/* Decimal digits of a currency (EUR 2, JPY 0, KWD 3), or -1 when the code is unknown. Source: ISO 4217 list one. */
int money_digits(const char *currency);
/* Rounded to units. What is at stake is an estimate: cents would claim too much. */
int64_t money_whole(int64_t minor, const char *currency);
/* For people: "EUR 12,400" or "EUR 12,400.50" (no decimals when they are zero); "-EUR 5". */
char *money_text(struct arena *a, int64_t minor, const char *currency);
/* For people with little room: "EUR 12.4k", "EUR 1.2M". */
char *money_short(struct arena *a, int64_t minor, const char *currency);

#endif
