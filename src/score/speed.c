#include "score/speed.h"

#include <stdlib.h>
#include <string.h>

struct loss { const char *cause; int32_t days; };

static int by_cause(const void *left, const void *right)
{
	const struct loss *l = left, *r = right;
	int order = strcmp(l->cause, r->cause);

	return order ? order : l->days < r->days ? -1 : l->days > r->days;
}

static int by_days(const void *left, const void *right)
{
	const struct loss *l = left, *r = right;

	return l->days < r->days ? -1 : l->days > r->days;
}

/* The day by which a quarter of them were gone. */
static void add(const struct loss *sorted, size_t n, const char *cause, struct fact_speed *out, size_t *n_out)
{
	if (n >= (size_t)(cause ? SPEED_MIN : SPEED_MIN_ANY))
		out[(*n_out)++] = (struct fact_speed){ cause, (int)n, sorted[(n - 1) / 4].days };
}

size_t speed_measure(const struct past_finding *findings, size_t n, const struct outcomes *outcomes,
                     int32_t horizon_days, struct arena *a, const struct fact_speed **out)
{
	struct loss *losses = arena_array(a, n + 1, sizeof *losses);
	struct fact_speed *speeds = arena_array(a, n / SPEED_MIN + 2, sizeof *speeds);
	size_t n_losses = 0, n_speeds = 0;

	for (size_t i = 0; i < n; i++) {
		const struct past_finding *f = &findings[i];
		const struct outcome *lost =
			outcomes_first(outcomes, f->account, f->opened_on, f->opened_on + horizon_days, OUTCOME_LOSSES);

		if (lost)
			losses[n_losses++] = (struct loss){ f->cause, lost->on - f->opened_on };
	}
	qsort(losses, n_losses, sizeof *losses, by_days);
	add(losses, n_losses, NULL, speeds, &n_speeds);
	qsort(losses, n_losses, sizeof *losses, by_cause);
	for (size_t from = 0, to; from < n_losses; from = to) {
		for (to = from; to < n_losses && strcmp(losses[to].cause, losses[from].cause) == 0; to++)
			;
		add(losses + from, to - from, losses[from].cause, speeds, &n_speeds);
	}
	*out = speeds;
	return n_speeds;
}

const struct fact_speed *speed_of(const struct fact_speed *speeds, size_t n, const char *cause)
{
	for (size_t i = 0; i < n; i++)
		if (speeds[i].cause && strcmp(speeds[i].cause, cause) == 0)
			return &speeds[i];
	return n && !speeds[0].cause ? &speeds[0] : NULL;
}
