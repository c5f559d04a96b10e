/* Closes the months that are over: keeps their reports of retention, and makes a further revision of those that are
 * changed by what was learnt since, with the reasons of the accounts that moved. */
#ifndef NRR_CLOSE_H
#define NRR_CLOSE_H

#include "cli/cli.h"

enum { NRR_CLOSED_MONTHS = 13 }; /* that are still looked at: both ends of a year are among them */

/* As known on the day; a second time changes nothing. Reports only go forward: nothing is done for a day before the
 * latest one of which there is a report. ERR_CONFIG naming currency and day when a rate of exchange is missing. */
int nrr_close(const struct session *s, int32_t day, struct err *err) MUST_USE;
/* The same with no more than so many contracts in memory, but those of accounts that are one. */
int nrr_close_by(const struct session *s, int32_t day, size_t most, struct err *err) MUST_USE;

/* The sums of a kept report or account as the engine's. */
struct nrr_sums;
void nrr_kept_sums(const int64_t *kept, struct nrr_sums *out);
/* The first day of the month that a day is in. */
int32_t nrr_month_of(int32_t day);

#endif
