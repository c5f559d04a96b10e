/* What a steady score may hide (a watermelon: green outside, red inside), and accounts that nobody looked at. Pure. */
#ifndef SCORE_PORTFOLIO_H
#define SCORE_PORTFOLIO_H

#include "common/words.h"
#include "store/facts.h"

/* Why a customer whose risk is steady may not be well: it hangs on one person, nothing was heard or measured of it for
 * 30 days, less than half of what should be known is, its renewal is within 90 days and they have not been heard of for
 * 30 (practice: a last meeting 30 to 90 days ago is poor), or the people at work are 30 % fewer than three months ago
 * while the seats stay. In words; NULL: none of it. confidence: of its risk. A source that broke proves nothing. */
const char *watermelon_of(const struct words *w, const struct fact_base *base, const struct fact_account *account,
                          double confidence, struct arena *a);
/* Why a customer counts as one that nobody looks at: nobody owns it, or in 90 days nobody of ours wrote, called, met or
 * noted anything and no list named it. NULL: somebody does, or it can't be known. was_listed: a finding on it was open
 * in that time. */
const char *blind_spot_of(const struct words *w, const struct fact_base *base, const struct fact_account *account,
                          bool was_listed, struct arena *a);

enum { BLIND_DAYS = 90 };

#endif
