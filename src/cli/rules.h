/* An owner's slot rules from what was configured: for the daemon and for `next`. */
#ifndef RULES_H
#define RULES_H

#include "config/config.h"
#include "schedule/slots.h"

/* All of it lives in the arena. */
int owner_rules(struct arena *a, const struct config *config, const struct org_settings *org,
		const struct owner_settings *owner, struct slot_rules *out, struct err *err) MUST_USE;
/* Whether there is a slot within the year: without one nobody would notice that digests don't come. */
bool owner_has_slot(const struct slot_rules *rules, int64_t now);

#endif
