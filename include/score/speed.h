/* How fast accounts were lost before, by cause: it says how soon to act. Pure. */
#ifndef SCORE_SPEED_H
#define SCORE_SPEED_H

#include "store/facts.h"
#include "store/outcomes.h"
#include "store/past.h"

enum { SPEED_MIN = 5, SPEED_MIN_ANY = 20 }; /* losses of one cause, of any: fewer say nothing of their speed */

/* The speeds of the causes by name, that of any cause first. A finding counts when its account was lost within the
 * horizon after it was opened; outcomes are as they were known on the day. Returns their number. */
size_t speed_measure(const struct past_finding *findings, size_t n, const struct outcomes *outcomes,
                     int32_t horizon_days, struct arena *a, const struct fact_speed **out);
/* That of a cause, else that of any; NULL when there is none. */
const struct fact_speed *speed_of(const struct fact_speed *speeds, size_t n, const char *cause);

#endif
