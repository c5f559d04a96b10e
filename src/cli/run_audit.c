/* When the daemon looks over a day. */
#include "run.h"
#include "store/ledger.h"

enum { AFTER_S = 3600, NOON_S = 12 * 3600 };

/* On a day without any slot it is noon in the organisation's zone: the dead man's switch waits for us every day. */
static int end_of_day(const struct run_org *o, const struct zone *zone, int32_t day, int64_t *out)
{
	struct slot slot;
	int64_t last = INSTANT_NONE;

	for (size_t i = 0; i < o->n_owners; i++)
		if (slot_of_day(&o->owners[i].rules, day, &slot) && slot.due_at > last)
			last = slot.due_at;
	if (last == INSTANT_NONE && zone_instant(zone, day, NOON_S, &last) == WALL_SKIPPED_DAY)
		return 0;
	*out = last + AFTER_S;
	return 1;
}

/* Whether any slot was ever settled: what comes before the first one is nobody's gap. */
static bool is_new(const struct run_org *o)
{
	for (size_t i = 0; i < o->n_owners; i++)
		if (o->owners[i].last_on != DAY_NONE)
			return false;
	return true;
}

int run_audit_read(struct run_org *o, struct db *db, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct zone *zone;
	int32_t last, today;
	int second;

	o->s.audit_at = INSTANT_NONE;
	if (zone_open(a, o->settings->zone, &zone, err) < 0 || ledger_last_looked_over(db, &last, err) < 0)
		return -1;
	today = zone_day(zone, now, &second);
	o->s.audit_on = last >= today - 1 ? last + 1 : is_new(o) ? today : today - 1;
	if (end_of_day(o, zone, o->s.audit_on, &o->s.audit_at) && o->s.audit_not_before_at > o->s.audit_at)
		o->s.audit_at = o->s.audit_not_before_at;
	return 0;
}
