/* Young accounts: the hazard of the first year, and use that never took off. */
#include <math.h>

#include "norms.h"
#include "evidence.h"
#include "store/usage.h"

enum {
	YOUNG_DAYS = 365,
	ONBOARDED_DAYS = 30,  /* before, nobody can be late */
	SETTLING_DAYS = 270,  /* after nine months it is no longer a matter of onboarding */
	MONTH = 28,
	BACK_AFTER_DAYS = 31, /* a customer without a contract for longer had left */
};

/* Since when it is a customer; DAY_NONE when nothing says so. Who left and came back begins anew: a gap of more than a
 * late renewal's. */
static int32_t customer_since(const struct fact_account *f)
{
	int32_t since = f->customer_since_on, end = DAY_NONE;

	for (size_t i = 0; i < f->n_subscriptions; i++) { /* by their start */
		const struct fact_subscription *s = &f->subscriptions[i];

		if (s->is_trial || s->start_on == DAY_NONE)
			continue;
		if (since == DAY_NONE || (end != DAY_NONE && s->start_on - end > BACK_AFTER_DAYS))
			since = s->start_on;
		if (s->is_active)
			return since;
		if (end == DAY_NONE || s->end_on > end)
			end = s->end_on;
	}
	return since;
}

/* How much of what is usual they use, 0..1; 0 when nothing is known of their use: nothing speaks for them then. */
static double share_of_usual(const struct context *c)
{
	int first = fact_days_first(&c->account->active);
	double usual = norm_usual(c->norms, c->account->segment, first);
	double share = first >= 0 && usual > 0 ? norm_level(c->norms, &c->account->active) / usual : 0;

	return share < 1 ? share : 1;
}

static bool read_short_tenure(const struct context *c, struct reading *out)
{
	const struct fact_source *usage = &c->base->sources[FACT_USAGE];
	int32_t since = customer_since(c->account);
	int days = since == DAY_NONE ? 0 : c->as_of - since;

	if (since == DAY_NONE || days < 0)
		return reading_unknown(out, "not known since when it is a customer");
	if (days < YOUNG_DAYS && usage->is_known && usage->is_stale) { /* not its doing */
		out->is_stale = true;
		return reading_unknown(out, "a young account, whose use does not come through");
	}
	reading_value(out, days < YOUNG_DAYS ? (1 - days / (double)YOUNG_DAYS) * (1 - share_of_usual(c)) : 0, 0);
	if (out->is_brief)
		return true;
	READING_SAY(c, out, "days", "days", W_INT("n", days));
	reading_phrase(c, out, "use", fact_days_first(&c->account->active) < 0 ? "use_unseen" : "use_low");
	out->why = days < YOUNG_DAYS ? "a young account, well in use" : "a customer for more than a year";
	return true;
}

/* Whether use was reported at all, if only that there was none. */
static bool has_report(const struct context *c)
{
	for (size_t m = 0; m < c->base->n_metrics; m++)
		if (c->account->usage[m])
			return true;
	return false;
}

/* Active days of its best four weeks since it is a customer. */
static int best_month(const struct fact_days *active, int days)
{
	int best = 0;

	for (int age = 0; age + MONTH <= FACTS_DAYS && age < days; age += 7) {
		int n = fact_days_count(active, age, age + MONTH);

		best = n > best ? n : best;
	}
	return best;
}

static bool read_stalled_adoption(const struct context *c, struct reading *out)
{
	const struct fact_days *active = &c->account->active;
	int32_t since = customer_since(c->account);
	int days = since == DAY_NONE ? 0 : c->as_of - since, best = 0;
	bool is_settling = days >= ONBOARDED_DAYS && days < SETTLING_DAYS;
	double usual = segment_active_28(c->norms, c->account->segment);

	if (since == DAY_NONE || days < 0)
		return reading_unknown(out, "not known since when it is a customer");
	if (fact_days_last(active) < 0 && !has_report(c))
		return reading_unknown(out, "no usage seen");
	if (usual <= 0)
		return reading_unknown(out, "no usage to compare with");
	if (is_settling || !out->is_brief)
		best = best_month(active, days);
	reading_value(out, is_settling && best < usual ? 1 - best / usual : 0, 0);
	if (out->is_brief)
		return true;
	READING_SAY(c, out, "days", "days", W_INT("n", days));
	reading_number(c, out, "best", best, 0);
	reading_number(c, out, "usual", usual, 0);
	out->why = days < ONBOARDED_DAYS   ? "in its first month"
	           : days >= SETTLING_DAYS ? "past its first nine months"
	                                   : "its use took off";
	return true;
}

static const struct signal signals[] = {
	{ "short_tenure", ENGINE_DEFENSE, FAMILY_USAGE, read_short_tenure, FACT_SUBSCRIPTION, false,
	  "the first year's hazard, measured on one base only, less by as much as it is in use", NULL, LOSS_CHURN },
	{ "stalled_adoption", ENGINE_DEFENSE, FAMILY_VALUE, read_stalled_adoption, FACT_USAGE, true,
	  PUBLISHED ": never activated after onboarding", NULL, LOSS_ANY },
};
const struct signal_table adoption_signals = { signals, ARRAY_LEN(signals) };
