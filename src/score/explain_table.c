#include <math.h>

#include "score/explain.h"

static const char *number(struct arena *a, double value)
{
	return isnan(value) ? "-" : arena_printf(a, "%.2f", value);
}

static void put_reading(const struct reading *r, struct arena *a, struct buf *out)
{
	if (!r->is_known) {
		buf_printf(out, "  %-20s %-12s %8s %8s %8s %8s %8s  not known: %s\n", r->name, family_names[r->family], "-",
		           "-", "-", "-", "0", r->why ? r->why : "");
		return;
	}
	buf_printf(out, "  %-20s %-12s %8s %8s %8.2f %+8.3f %+8.3f  %s%s\n", r->name, family_names[r->family],
	           number(a, r->value), number(a, r->baseline), r->strength, r->said, r->contribution,
	           r->is_hard ? "A FACT: " : "", r->evidence);
	buf_printf(out, "  %-20s ", "");
	if (r->curve)
		for (int i = 0; i < r->curve->n; i++)
			buf_printf(out, "%s%+.2f at %g", i ? ", " : "fitted: ", r->curve->logit[i], r->curve->at[i]);
	else
		buf_printf(out, "%+.2f at %g, %+.2f at %g", -r->relief, r->low, r->weight, r->high);
	buf_printf(out, "; fresh on %s; %s\n", r->fresh_on == DAY_NONE ? "-" : day_text(a, r->fresh_on), r->source);
}

void explain_table(const struct diagnosis *d, struct arena *a, struct buf *out)
{
	for (int engine = 0; engine < N_ENGINES; engine++) {
		const struct verdict *v = &d->verdicts[engine];

		buf_printf(out, "\n%s: base %+.6f, logit %+.6f\n", engine_names[engine], v->base_logit, v->logit);
		buf_text(out, "  families      ");
		for (int f = 0; f < N_FAMILIES; f++)
			buf_printf(out, "%s %+.3f%s", family_names[f], v->families[f], f + 1 < N_FAMILIES ? ", " : "\n");
		buf_printf(out, "  %-20s %-12s %8s %8s %8s %8s %8s  %s\n", "signal", "family", "value", "usual", "strength",
		           "says", "counts", "evidence");
		for (size_t i = 0; i < v->n_readings; i++)
			put_reading(&v->readings[i], a, out);
	}
}
