/* Whether every owner has days to work on: who has none gets no digest, and nobody would notice. */
#include "check.h"

#include "rules.h"

void check_days_of_owners(struct checking *c, const struct org_settings *org)
{
	const struct owner_settings *owners = org->owners.at;
	struct arena *a = c->cli->arena;

	for (size_t i = 0; i < org->owners.n; i++) {
		const char *what = arena_printf(a, "%s: %s", org->name, owners[i].email);
		struct slot_rules rules;
		struct err err;

		if (owner_rules(a, c->config, org, &owners[i], &rules, &err) < 0)
			check_outcome(c, "working days", what, -1, &err);
		else if (!owner_has_slot(&rules, c->cli->now))
			check_note(c, "working days", what, CHECK_WARNING,
			           "none within a year: every day of `days` is one of its holidays, and no digest is sent");
	}
}
