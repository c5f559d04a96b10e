#include "recurrence.h"

#include <string.h>

#include "calendar.h"
#include "common/clock.h"
#include "common/text.h"

enum { MAX_INTERVAL = 100, MAX_COUNT = 10000, YEAR_WEEKS = 53, MONTH_WEEKS = 5, FARTHEST_EAST_S = 14 * 3600 };

static const char *const expected = "expected FREQ=YEARLY with INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY or BYDAY";

/* The next text of a list; NULL at its end. */
static const char *next_of(struct arena *a, const char **list, const char *separator)
{
	size_t len = strcspn(*list, separator);
	const char *part;

	if (!**list)
		return NULL;
	part = arena_strndup(a, *list, len);
	*list += len + ((*list)[len] != '\0');
	return part;
}

/* A number with or without its sign, within -max..max and not 0. */
static bool signed_number(const char *text, int64_t max, int64_t *out)
{
	int64_t value;

	if (!text_to_int(text[0] == '+' ? text + 1 : text, &value) || value == 0 || value > max || value < -max)
		return false;
	*out = value;
	return true;
}

static bool take_frequency(struct arena *a, const char *value, struct recurrence *r)
{
	(void)a;
	(void)r;
	return text_equal_fold(value, "YEARLY");
}

static bool take_interval(struct arena *a, const char *value, struct recurrence *r)
{
	(void)a;
	return signed_number(value, MAX_INTERVAL, &r->interval) && r->interval > 0;
}

static bool take_count(struct arena *a, const char *value, struct recurrence *r)
{
	(void)a;
	return signed_number(value, MAX_COUNT, &r->count) && r->count > 0;
}

/* An end in UTC is that of the rule's own wall time, wherever that is: the farthest one east counts. */
static bool take_until(struct arena *a, const char *value, struct recurrence *r)
{
	struct moment m;

	(void)a;
	if (!moment_read(value, &m))
		return false;
	r->until_on = m.is_utc && m.second + FARTHEST_EAST_S >= 86400 ? m.day + 1 : m.day;
	return true;
}

static bool take_months(struct arena *a, const char *value, struct recurrence *r)
{
	const char *part;
	int64_t month;

	while ((part = next_of(a, &value, ",")) != NULL) {
		if (!signed_number(part, 12, &month) || month < 0)
			return false;
		r->months |= 1U << month;
	}
	return r->months != 0;
}

static bool take_month_days(struct arena *a, const char *value, struct recurrence *r)
{
	const char *part;

	while ((part = next_of(a, &value, ",")) != NULL)
		if (r->n_month_days == RECURRENCE_PARTS_MAX || !signed_number(part, 31, &r->month_days[r->n_month_days++]))
			return false;
	return r->n_month_days > 0;
}

/* "MO", "1MO", "-1FR" */
static bool take_weekdays(struct arena *a, const char *value, struct recurrence *r)
{
	static const char *const names[] = { "MO", "TU", "WE", "TH", "FR", "SA", "SU" };
	const char *part;

	while ((part = next_of(a, &value, ",")) != NULL) {
		size_t len = strlen(part), at = 0;

		while (at < ARRAY_LEN(names) && (len < 2 || !text_equal_fold(part + len - 2, names[at])))
			at++;
		if (at == ARRAY_LEN(names) || r->n_weekdays == RECURRENCE_PARTS_MAX)
			return false;
		if (len > 2 && !signed_number(arena_strndup(a, part, len - 2), YEAR_WEEKS, &r->ordinals[r->n_weekdays]))
			return false;
		r->weekdays[r->n_weekdays++] = (unsigned)at;
	}
	return r->n_weekdays > 0;
}

/* The first day of the week has no bearing on the parts that we know. */
static bool take_week_start(struct arena *a, const char *value, struct recurrence *r)
{
	(void)a;
	(void)r;
	return strlen(value) == 2;
}

static const struct {
	const char *name;
	bool (*take)(struct arena *a, const char *value, struct recurrence *r);
} parts[] = {
	{ "FREQ", take_frequency }, { "INTERVAL", take_interval },     { "COUNT", take_count },
	{ "UNTIL", take_until },    { "BYMONTH", take_months },        { "BYMONTHDAY", take_month_days },
	{ "BYDAY", take_weekdays }, { "WKST", take_week_start },
};

static bool take_part(struct arena *a, const char *part, unsigned *seen, struct recurrence *r)
{
	size_t name = strcspn(part, "=");

	for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
		if (!part[name] || !text_equal_fold(arena_strndup(a, part, name), parts[i].name))
			continue;
		if (*seen & 1U << i)
			return false;
		*seen |= 1U << i;
		return parts[i].take(a, part + name + 1, r);
	}
	return false;
}

static bool has_ordinals_beyond_a_month(const struct recurrence *r)
{
	for (size_t i = 0; r->months && i < r->n_weekdays; i++)
		if (r->ordinals[i] > MONTH_WEEKS || r->ordinals[i] < -MONTH_WEEKS)
			return true;
	return false;
}

const char *recurrence_read(struct arena *a, const char *text, struct recurrence *out)
{
	struct recurrence r = { .is_there = true, .interval = 1, .until_on = DAY_NONE };
	unsigned seen = 0;
	const char *part;

	while ((part = next_of(a, &text, ";")) != NULL)
		if (!take_part(a, part, &seen, &r))
			return arena_printf(a, "repeats by `%s`, %s", text_clean(a, part, 60), expected);
	if (!(seen & 1U)) /* FREQ is the first of the parts */
		return arena_printf(a, "repeats without FREQ, %s", expected);
	if (r.count && r.until_on != DAY_NONE)
		return "repeats with both COUNT and UNTIL, expected one of them";
	if (has_ordinals_beyond_a_month(&r))
		return "repeats on a weekday that no month has, expected 1 to 5 or -1 to -5 with BYMONTH";
	*out = r;
	return NULL;
}

/* Days ------------------------------------------------------------------------------------------------------------- */

/* A day's place in its month or, where no month is named, in its year: from the start and from the end, in weeks. */
static bool is_ordinal(int64_t ordinal, int place, int length)
{
	return ordinal == 0 || ordinal == place / 7 + 1 || ordinal == -((length - 1 - place) / 7 + 1);
}

static bool has_weekday(const struct recurrence *r, int32_t day, int year, int month, int day_of_month)
{
	int place = r->months ? day_of_month - 1 : day - day_of(year, 1, 1);
	int length = r->months ? day_month_length(year, month) : day_of(year + 1, 1, 1) - day_of(year, 1, 1);

	for (size_t i = 0; i < r->n_weekdays; i++)
		if (r->weekdays[i] == (unsigned)day_weekday(day) && is_ordinal(r->ordinals[i], place, length))
			return true;
	return false;
}

static bool has_month_day(const struct recurrence *r, int year, int month, int day_of_month)
{
	int from_end = day_of_month - day_month_length(year, month) - 1;

	for (size_t i = 0; i < r->n_month_days; i++)
		if (r->month_days[i] == day_of_month || r->month_days[i] == from_end)
			return true;
	return false;
}

/* The start is always one. The parts that are there narrow the days of the year; it stands in for those that aren't. */
static bool is_of_rule(const struct recurrence *r, int32_t start, int32_t day)
{
	int start_year, start_month, start_day, year, month, day_of_month;

	if (day == start)
		return true;
	day_split(start, &start_year, &start_month, &start_day);
	day_split(day, &year, &month, &day_of_month);
	if (r->months && !(r->months & 1U << month))
		return false;
	if (r->n_month_days && !has_month_day(r, year, month, day_of_month))
		return false;
	if (r->n_weekdays)
		return has_weekday(r, day, year, month, day_of_month);
	return r->n_month_days || (day_of_month == start_day && (r->months || month == start_month));
}

size_t recurrence_days(const struct recurrence *r, int32_t start, int32_t from, int32_t before, int32_t *out,
                       size_t room)
{
	int32_t end = r->until_on != DAY_NONE && r->until_on < before ? r->until_on + 1 : before;
	int year, month, day_of_month;
	int64_t n_seen = 0;
	size_t n = 0;

	day_split(start, &year, &month, &day_of_month);
	for (int y = year; day_of(y, 1, 1) < end; y += (int)r->interval) {
		int32_t day = day_of(y, 1, 1), next_year = day_of(y + 1, 1, 1);

		if (!r->count && next_year <= from && y > year)
			continue;
		for (day = day < start ? start : day; day < next_year && day < end; day++) {
			if (!is_of_rule(r, start, day))
				continue;
			if (n == room || (r->count && n_seen == r->count))
				return n;
			n_seen++;
			if (day >= from)
				out[n++] = day;
		}
	}
	return n;
}
