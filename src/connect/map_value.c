#include "map_value.h"

#include <math.h>
#include <string.h>

#include "common/money.h"
#include "common/text.h"

enum {
	SHOWN_CHARS = 60,
	DAY_S = 86400,
	FIRST_DAY = -25567, /* 1900-01-01: what lies before is a filler of some system, not a date */
	LAST_DAY = 84006,   /* 2200-01-01 */
	NANO_DIGITS = 9
};

static const double largest_exact = 9e13; /* with cents: a double holds no more digits */
/* Epochs begin in 1973, so that a day written 20240131 is not taken for one; from 1e11 on they are milliseconds. */
static const int64_t first_epoch_s = 100000000, first_epoch_ms = 100000000000;

static int refuse(const struct map_value_of *of, const char *text, const char *expected, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: `%s`, expected %s", of->entry->to, text_clean(of->arena, text, SHOWN_CHARS),
	               expected);
}

static bool is_plausible(int64_t at)
{
	return at >= (int64_t)FIRST_DAY * DAY_S && at < (int64_t)LAST_DAY * DAY_S;
}

static bool read_epoch(const char *text, int64_t *out)
{
	int64_t n;

	if (!text_to_int(text, &n) || n < first_epoch_s)
		return false;
	*out = n >= first_epoch_ms ? n / 1000 : n;
	return true;
}

static const struct zone *wall_zone(const struct map_value_of *of)
{
	return of->entry->is_utc ? NULL : of->zone;
}

/* A wall time without an offset, as most exports write it. */
static bool read_wall(const struct map_value_of *of, const char *text, int64_t *out)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
		                                   "%Y-%m-%dT%H:%M" };
	bool has_time;

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (instant_parse_format(text, formats[i], wall_zone(of), out, &has_time))
			return true;
	return false;
}

static int read_instant(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	const char *format = of->entry->format;
	bool has_time;
	int64_t at;
	int32_t day;

	if (format) {
		if (!instant_parse_format(text, format, wall_zone(of), &at, &has_time))
			return refuse(of, text, arena_printf(of->arena, "a time like %s", format), err);
	} else if (day_parse(text, &day)) {
		if (zone_instant(of->zone, day, 0, &at) == WALL_SKIPPED_DAY)
			return refuse(of, text, "a day that exists in the organisation's zone", err);
	} else if (!instant_parse(text, &at) && !read_wall(of, text, &at) && !read_epoch(text, &at)) {
		return refuse(of, text, "a time like 2026-03-01T08:00:00Z, or a `format:`", err);
	}
	if (!is_plausible(at))
		return refuse(of, text, "a time between 1900 and 2200", err);
	out->number = at;
	return 0;
}

/* The day of an instant: midnight UTC is how many systems write a bare date, everything else is seen from the zone. */
static int32_t day_at(const struct zone *zone, int64_t at)
{
	int second;

	return at % DAY_S == 0 ? day_of_instant(at) : zone_day(zone, at, &second);
}

static bool read_day_format(const struct map_value_of *of, const char *text, int32_t *out)
{
	bool has_time;
	int64_t at;
	int second;

	if (!instant_parse_format(text, of->entry->format, NULL, &at, &has_time) || !is_plausible(at))
		return false;
	if (!has_time) {
		*out = day_of_instant(at);
		return true;
	}
	if (!instant_parse_format(text, of->entry->format, wall_zone(of), &at, &has_time))
		return false;
	*out = zone_day(of->zone, at, &second);
	return true;
}

static int read_day(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	const char *format = of->entry->format;
	int32_t day = DAY_NONE;
	int64_t at;

	if (format) {
		if (!read_day_format(of, text, &day))
			return refuse(of, text, arena_printf(of->arena, "a day like %s", format), err);
	} else if (!day_parse(text, &day)) {
		if ((instant_parse(text, &at) || read_epoch(text, &at)) && is_plausible(at))
			day = day_at(of->zone, at);
		else if (read_wall(of, text, &at) && is_plausible(at))
			day = zone_day(of->zone, at, &(int){ 0 });
	}
	if (day < FIRST_DAY || day >= LAST_DAY)
		return refuse(of, text, "a day like 2026-03-01, between 1900 and 2200, or a `format:`", err);
	out->number = day;
	return 0;
}

/* Rounded half away from zero; false when it is no int64. */
static bool to_int(double value, int64_t *out)
{
	if (!(fabs(value) < 9e18))
		return false;
	*out = llround(value);
	return true;
}

static int read_int(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	double real;

	if (!of->is_scaled && text_to_int(text, &out->number))
		return 0;
	if (!text_to_real(text, &real) || (!of->is_scaled && real != trunc(real)) ||
	    !to_int(of->is_scaled ? real * of->scale : real, &out->number))
		return refuse(of, text, "a whole number", err);
	return 0;
}

static int read_real(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	if (!text_to_real(text, &out->real))
		return refuse(of, text, "a number", err);
	if (of->is_scaled)
		out->real *= of->scale;
	return isfinite(out->real) ? 0 : refuse(of, text, "a smaller number", err);
}

static int read_bool(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	bool is_true;

	if (!text_to_bool(text, &is_true))
		return refuse(of, text, "true, false, yes, no, 1 or 0", err);
	out->number = is_true;
	return 0;
}

/* "3.5E8" as some exports write what is large: with the digits of the currency. */
static const char *without_exponent(const struct map_value_of *of, const char *text, int digits)
{
	double real;

	if (!strpbrk(text, "eE") || !text_to_real(text, &real) || !(fabs(real) < largest_exact))
		return text;
	return arena_printf(of->arena, "%.*f", digits, real);
}

static int read_money(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	int digits;

	if (!of->currency)
		return refuse(of, text, "a currency in the same row", err);
	digits = money_digits(of->currency);
	if (digits < 0)
		return refuse(of, of->currency, "an ISO 4217 currency", err);
	if (!text_to_minor(of->entry->is_minor ? text : without_exponent(of, text, digits),
	                   of->entry->is_minor ? 0 : digits, &out->number))
		return refuse(of, text, of->entry->is_minor ? "an amount in cents like 123450" : "an amount like 1234.50", err);
	if (of->is_scaled && !to_int((double)out->number * of->scale, &out->number))
		return refuse(of, text, "a smaller amount", err);
	return 0;
}

static int read_text(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	const char *all = "";

	for (const char *const *word = of->words; word && *word; word++) {
		if (strcmp(text, *word) == 0)
			break;
		all = arena_printf(of->arena, "%s%s%s", all, *all ? ", " : "", *word);
		if (!word[1])
			return refuse(of, text, arena_printf(of->arena, "one of %s", all), err);
	}
	out->text = text;
	return 0;
}

/* Rates of exchange: exact up to nine digits behind the point, rounded beyond. */
static int read_nano(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	if (!text_to_minor(without_exponent(of, text, NANO_DIGITS), NANO_DIGITS, &out->number) ||
	    (of->is_scaled && !to_int((double)out->number * of->scale, &out->number)) || out->number <= 0)
		return refuse(of, text, "a number above 0, like 1.0812", err);
	return 0;
}

int map_value_read(const struct map_value_of *of, const char *text, struct value *out, struct err *err)
{
	typedef int read_fn(const struct map_value_of *of, const char *text, struct value *out, struct err *err);
	static read_fn *const readers[] = {
		[VALUE_TEXT] = read_text,   [VALUE_INT] = read_int,   [VALUE_REAL] = read_real, [VALUE_BOOL] = read_bool,
		[VALUE_MONEY] = read_money, [VALUE_NANO] = read_nano, [VALUE_DAY] = read_day,   [VALUE_INSTANT] = read_instant,
	};

	return readers[of->type](of, text, out, err);
}
