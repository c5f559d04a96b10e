/* What a manager is told of accounts that no finding is about: green ones that may be red inside, ones nobody saw. */
#ifndef CLI_PORTFOLIO_H
#define CLI_PORTFOLIO_H

#include "cli/cli.h"
#include "digest/compose.h"

struct portfolio {
	struct digest_account *watermelons, *blind_spots; /* by value a year, the most first */
	size_t n_watermelons, n_blind_spots;
};

/* Of the customers whose owner is wanted, as of the session's day; reasons are in these words. Everything lives in the
 * arena. */
int portfolio_look(const struct session *s, bool (*wants)(const void *which, const char *owner_email),
                   const void *which, const struct words *words, struct arena *a, struct portfolio *out,
                   struct err *err) MUST_USE;

#endif
