/* Two things at once: full and growing is more than full, and growing. On labelled expansions what adds up the single
 * readings loses to what crosses them (see "What predicts" in the documentation); as a product is a reading of its own,
 * the model stays a sum that can be explained. */
#include <math.h>

#include "evidence.h"
#include "expansion.h"

static const char UNKNOWN_LIMIT[] = "no limit and use of it known", UNKNOWN_GROWTH[] = "growth is not known",
				  UNKNOWN_WORTH[] = "what it uses for its money is not known",
				  UNKNOWN_RENEWAL[] = "no renewal date known";

static void tell_full(const struct context *c, const struct levers *l, struct reading *out)
{
	reading_number(c, out, "percent", 100 * l->pressure.use / l->pressure.limit, 0);
	tell_limit(c, &l->pressure, out);
}

static void tell_growth(const struct context *c, const struct levers *l, struct reading *out)
{
	reading_number(c, out, "growth", 100 * l->growth, 0);
}

static void tell_worth(const struct context *c, const struct levers *l, struct reading *out)
{
	reading_number(c, out, "worth", l->worth, 1);
}

static void tell_renewal(const struct context *c, const struct levers *l, struct reading *out)
{
	int left = l->renewal_on - c->as_of;

	READING_SAY(c, out, "left", left ? "in_days" : "today", W_INT("n", left));
	reading_day(c, out, "renewal", l->renewal_on);
}

/* More of what is full: as many seats as growth asks for, or the next plan. */
static void stake_full(const struct context *c, const struct levers *l, struct reading *out)
{
	if (out->value <= 0)
		return;
	if (l->pressure.is_seats)
		(void)worth_of_seats(c, (1 + l->growth) * l->pressure.use, &out->stake_minor, &out->stake_how);
	else
		(void)worth_of_next_plan(c, &out->stake_minor, &out->stake_how);
}

static bool read_filling_up(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);
	double room;

	if (!l->pressure.what || !l->has_growth)
		return reading_unknown(out, l->pressure.what ? UNKNOWN_GROWTH : UNKNOWN_LIMIT);
	reading_value(out, l->full * l->growing, 0);
	if (c->is_brief)
		return true;
	tell_full(c, l, out);
	tell_growth(c, l, out);
	room = l->pressure.limit / (l->pressure.use > 0 ? l->pressure.use : 1);
	if (room <= 1 || l->growth <= 0)
		reading_word(out, "when", "");
	else
		READING_SAY(c, out, "when", "full_in", W_REAL("n", 91 * log(room) / log1p(l->growth), 0));
	out->why = "not full, or not growing";
	stake_full(c, l, out);
	return true;
}

static bool read_full_at_renewal(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (!l->pressure.what || l->renewal_on == DAY_NONE)
		return reading_unknown(out, l->pressure.what ? UNKNOWN_RENEWAL : UNKNOWN_LIMIT);
	reading_value(out, l->full * l->renewing, 0);
	if (c->is_brief)
		return true;
	tell_full(c, l, out);
	tell_renewal(c, l, out);
	out->why = "not full, or its renewal is far off";
	stake_full(c, l, out);
	return true;
}

static bool read_full_and_worth(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (!l->pressure.what || !l->has_worth)
		return reading_unknown(out, l->pressure.what ? UNKNOWN_WORTH : UNKNOWN_LIMIT);
	reading_value(out, l->full * l->worthwhile, 0);
	if (c->is_brief)
		return true;
	tell_full(c, l, out);
	tell_worth(c, l, out);
	out->why = "not full, or it gets little for its money";
	stake_full(c, l, out);
	return true;
}

static bool read_growing_at_renewal(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (!l->has_growth || l->renewal_on == DAY_NONE)
		return reading_unknown(out, l->has_growth ? UNKNOWN_RENEWAL : UNKNOWN_GROWTH);
	reading_value(out, l->growing * l->renewing, 0);
	if (c->is_brief)
		return true;
	tell_growth(c, l, out);
	tell_renewal(c, l, out);
	out->why = "not growing, or its renewal is far off";
	return true;
}

static bool read_growing_and_worth(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (!l->has_growth || !l->has_worth)
		return reading_unknown(out, l->has_growth ? UNKNOWN_WORTH : UNKNOWN_GROWTH);
	reading_value(out, l->growing * l->worthwhile, 0);
	if (c->is_brief)
		return true;
	tell_growth(c, l, out);
	tell_worth(c, l, out);
	out->why = "not growing, or it gets little for its money";
	return true;
}

static bool read_worth_at_renewal(const struct context *c, struct reading *out)
{
	const struct levers *l = levers_of(c);

	if (!l->has_worth || l->renewal_on == DAY_NONE)
		return reading_unknown(out, l->has_worth ? UNKNOWN_RENEWAL : UNKNOWN_WORTH);
	reading_value(out, l->worthwhile * l->renewing, 0);
	if (c->is_brief)
		return true;
	tell_worth(c, l, out);
	tell_renewal(c, l, out);
	out->why = "it gets little for its money, or its renewal is far off";
	return true;
}

#define CROSSED "product of two readings; that products tell more than sums was measured on labelled expansions"

static const struct signal signals[] = {
	{ "filling_up", ENGINE_EXPANSION, FAMILY_VALUE, read_filling_up, FACT_USAGE, true, CROSSED, NULL, LOSS_ANY },
	{ "full_and_worth", ENGINE_EXPANSION, FAMILY_VALUE, read_full_and_worth, FACT_USAGE, true,
	  CROSSED, NULL, LOSS_ANY },
	{ "full_at_renewal", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_full_at_renewal, FACT_USAGE, true,
	  CROSSED, NULL, LOSS_ANY },
	{ "growing_at_renewal", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_growing_at_renewal, FACT_USAGE, true,
	  CROSSED, NULL, LOSS_ANY },
	{ "worth_at_renewal", ENGINE_EXPANSION, FAMILY_COMMERCIAL, read_worth_at_renewal, FACT_USAGE, true,
	  CROSSED, NULL, LOSS_ANY },
	{ "growing_and_worth", ENGINE_EXPANSION, FAMILY_USAGE, read_growing_and_worth, FACT_USAGE, true,
	  CROSSED, NULL, LOSS_ANY },
};
const struct signal_table crossed_signals = { signals, ARRAY_LEN(signals) };
