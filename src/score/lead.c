#include <string.h>

#include "common/attr.h"
#include "signal.h"

/* The ground growth stands on and what there is to sell, never a reason to ask by itself; and that an account is young,
 * which by itself is nothing to act on. */
static const char *const grounds[] = {
	"adoption_depth", "steady_use", "sound_health", "worth_for_money", "renewal_near", "bought_more", "product_gap",
	"worth_at_renewal", "short_tenure",
};

bool is_ground(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(grounds); i++)
		if (*name == *grounds[i] && strcmp(name, grounds[i]) == 0)
			return true;
	return false;
}

static bool is_reason(const struct reading *r)
{
	return r->contribution > 0 && !r->is_ground;
}

/* Where use, people and exchanges fall off, a champion who went is why, not one sign more of it. */
static const struct reading *root_of(const struct verdict *v, const struct reading *lead)
{
	if (!lead || lead->is_hard ||
	    (lead->family != FAMILY_USAGE && lead->family != FAMILY_PEOPLE && lead->family != FAMILY_RELATIONSHIP))
		return lead;
	for (size_t i = 0; i < v->n_readings; i++)
		if (is_champion_lost(&v->readings[i]))
			return &v->readings[i];
	return lead;
}

/* Hard facts first, by what they say; else the strongest of the family that says most: a cause is what many signs point
 * to, not the loudest of them. Ties go to the first in the registry's order. */
const struct reading *verdict_lead(const struct verdict *v)
{
	LATER_SET const struct reading *reasons[MAX_SIGNALS];
	double families[N_FAMILIES] = { 0 };
	const struct reading *lead = NULL;
	size_t n = 0;

	for (size_t i = 0; i < v->n_readings; i++) {
		if (!is_reason(&v->readings[i]))
			continue;
		reasons[n++] = &v->readings[i];
		families[v->readings[i].family] += v->readings[i].is_hard ? 0 : v->readings[i].contribution;
	}
	for (size_t i = 0; i < n; i++) {
		const struct reading *r = reasons[i];
		double more;

		more = !lead || r->is_hard != lead->is_hard ? (double)(!lead || r->is_hard) - 0.5 :
		       r->is_hard || r->family == lead->family ? r->contribution - lead->contribution :
		                                                 families[r->family] - families[lead->family];
		if (more > 0)
			lead = r;
	}
	return root_of(v, lead);
}
