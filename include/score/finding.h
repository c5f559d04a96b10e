/* Diagnoses -> findings: what opens, goes on, rests, comes back or is over. Pure. */
#ifndef SCORE_FINDING_H
#define SCORE_FINDING_H

#include "score/score.h"

/* What becomes of an account's findings: was = those not closed and those closed in the last FINDING_MEMORY_DAYS; out
 * has room for n_was + 2; event: NULL or what to note. Returns the number that changed or are new.
 *
 * An account has one finding of an engine at most. When another cause takes the lead it goes on as the same finding
 * (`cause_changed`): at once where a hard fact came or went, else once the cause before has fallen silent and led for
 * FINDING_CAUSE_DAYS. What was resolved and comes back within FINDING_COOL_DOWN_DAYS is the same finding, opened again
 * (still at rest where it was snoozed beyond that day), but for a new hard fact; and each time it came back it has to
 * be out of its band for FINDING_FLAP_DAYS more, MAX_FLAPS times at most, before it is believed to be over. What was
 * dismissed stays silent for FINDING_DISMISSED_DAYS, and up to FINDING_MEMORY_DAYS while nothing changes: same cause,
 * same band all along, odds not doubled. A hard fact that is newer, or another, breaks that silence. */
enum { FINDING_DISMISSED_DAYS = 30, FINDING_MEMORY_DAYS = 90, FINDING_COOL_DOWN_DAYS = 14, FINDING_CAUSE_DAYS = 7,
	FINDING_FLAP_DAYS = 7, MAX_FLAPS = 4,
	FINDING_TOLD_LOST_DAYS = 90, FINDING_TOLD_GROWN_DAYS = 30 /* nothing new after an owner said so */ };
struct finding_change {
	struct finding finding;
	const char *event, *note;
	const char *cause_before; /* another one led: an event by itself, before the other; NULL */
};
size_t findings_decide(const struct diagnosis *d, const struct finding *was, size_t n_was, struct arena *a,
                       struct finding_change *out);

#endif
