#include "slice.h"

enum { DAY_S = 86400, HOUR_S = 3600 };

void slice_check(struct slice_settings *s, const struct scope *scope, struct arena *a, const struct yaml *where,
                 struct mistakes *m)
{
	struct err err = { 0 };
	const char *name;

	if (s->step_s && s->step_s % DAY_S != 0 && (s->step_s % HOUR_S != 0 || DAY_S % s->step_s != 0))
		mistake_at(m, where, "`step:` must be whole days, or hours that divide a day: 1d, 7d, 6h, 1h");
	if (s->step_s && !s->history_s)
		mistake_at(m, where, "`step:` needs `history:`, how far back the first pull goes: 365d");
	if ((s->hold_s || s->history_s) && !s->step_s)
		mistake_at(m, where, "`history:` and `hold:` go with `step:`, the length of a slice of time");
	if (!s->zone_name)
		return;
	if (template_expand(a, s->zone_name, scope, TEMPLATE_RAW, &name, &err) < 0 ||
	    zone_open(a, name, &s->zone, &err) < 0)
		mistake_at(m, where, "`zone:` %s", err.text);
}

/* The midnight that begins a day, or where the clock was put on over it, the next instant there is. */
static int64_t midnight(const struct zone *zone, int32_t day)
{
	int64_t at = 0;

	while (zone_instant(zone, day, 0, &at) == WALL_SKIPPED_DAY)
		day++;
	return at;
}

int64_t slice_begin(const struct slice_settings *s, const struct zone *zone, int64_t at)
{
	int32_t n = (int32_t)(s->step_s / DAY_S), day;
	int second;

	if (s->step_s % DAY_S != 0)
		return at - at % s->step_s;
	day = zone_day(zone, at, &second);
	return midnight(zone, day - day % n);
}

int64_t slice_end(const struct slice_settings *s, const struct zone *zone, int64_t begin)
{
	int second;

	if (s->step_s % DAY_S != 0)
		return begin + s->step_s;
	return midnight(zone, zone_day(zone, begin, &second) + (int32_t)(s->step_s / DAY_S));
}
