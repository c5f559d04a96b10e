#include "schedule/slots.h"

#include "common/text.h"

enum { LOOK_AHEAD_DAYS = 800 };

unsigned slot_weekday(const char *name)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (text_equal_fold(name, names[i]))
			return 1U << i;
	return 0;
}

static bool has_day(const struct day_set *s, int32_t day)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->days[middle] < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n && s->days[low] == day;
}

static bool is_working_day(const struct slot_rules *r, int32_t day)
{
	if (!(r->working_days & 1U << day_weekday(day)))
		return false;
	for (size_t i = 0; i < r->n_holidays; i++)
		if (has_day(&r->holidays[i], day))
			return false;
	return true;
}

int slot_of_day(const struct slot_rules *r, int32_t day, struct slot *out)
{
	struct slot slot = { .local_on = day };

	if (!is_working_day(r, day))
		return 0;
	slot.kind = zone_instant(r->zone, day, r->at_minutes * 60, &slot.due_at);
	if (slot.kind == WALL_SKIPPED_DAY)
		return 0;
	*out = slot;
	return 1;
}

int slot_next(const struct slot_rules *r, int64_t after, struct slot *out)
{
	int second;
	int32_t today = zone_day(r->zone, after, &second);
	struct slot slot;

	/* From yesterday on: a slot that its zone moved over midnight belongs to the day before. */
	for (int32_t day = today - 1; day < today + LOOK_AHEAD_DAYS; day++)
		if (slot_of_day(r, day, &slot) && slot.due_at > after) {
			*out = slot;
			return 1;
		}
	return 0;
}
