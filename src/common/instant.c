#include <string.h>
#include <strings.h>

#include "common/clock.h"

static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};
static const char *const weekdays[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* What has been read so far; a field that its text did not have keeps its start value. */
struct reading {
	const char *at; /* where in the text we are */
	int year, month, day, hour, minute, second;
	int offset_s;
	bool has_offset, has_hour;
	int64_t epoch_s;
	bool has_epoch;
};

static bool read_digits(struct reading *r, int least, int most, int *out)
{
	int n = 0, value = 0;

	while (n < most && r->at[n] >= '0' && r->at[n] <= '9')
		value = value * 10 + (r->at[n++] - '0');
	if (n < least)
		return false;
	r->at += n;
	*out = value;
	return true;
}

static bool read_char(struct reading *r, const char *any_of)
{
	if (*r->at == '\0' || strchr(any_of, *r->at) == NULL)
		return false;
	r->at++;
	return true;
}

/* The place of the three letters at hand in names, or -1. */
static int read_name(struct reading *r, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strncasecmp(r->at, names[i], 3) == 0) {
			r->at += 3;
			return i;
		}
	return -1;
}

static void skip_fraction(struct reading *r)
{
	if ((*r->at == '.' || *r->at == ',') && r->at[1] >= '0' && r->at[1] <= '9')
		for (r->at++; *r->at >= '0' && *r->at <= '9';)
			r->at++;
}

/* Z, +HH:MM, +HHMM or +HH. */
static bool read_offset(struct reading *r)
{
	int sign = *r->at == '-' ? -1 : 1, hours, minutes = 0;

	r->has_offset = true;
	if (read_char(r, "Zz")) {
		r->offset_s = 0;
		return true;
	}
	if (!read_char(r, "+-") || !read_digits(r, 2, 2, &hours) || hours > 23)
		return false;
	if (read_char(r, ":") ? !read_digits(r, 2, 2, &minutes)
			      : *r->at >= '0' && *r->at <= '9' && !read_digits(r, 2, 2, &minutes))
		return false;
	r->offset_s = sign * (hours * 3600 + minutes * 60);
	return minutes <= 59;
}

/* Seconds since 1970 on the wall clock, when the fields make a civil time. A leap second is the first of the next
 * minute. */
static bool wall_seconds(const struct reading *r, int32_t *out_day, int *out_second_of_day)
{
	if (r->month < 1 || r->month > 12 || r->day < 1 || r->day > day_month_length(r->year, r->month) || r->hour > 23 ||
	    r->minute > 59 || r->second > 60)
		return false;
	*out_day = day_of(r->year, r->month, r->day);
	*out_second_of_day = r->hour * 3600 + r->minute * 60 + r->second;
	return true;
}

bool instant_parse(const char *text, int64_t *out)
{
	struct reading r = { .at = text };
	int32_t day;
	int second;

	if (!read_digits(&r, 4, 4, &r.year) || !read_char(&r, "-") || !read_digits(&r, 2, 2, &r.month) ||
	    !read_char(&r, "-") || !read_digits(&r, 2, 2, &r.day) || !read_char(&r, "Tt ") ||
	    !read_digits(&r, 2, 2, &r.hour) || !read_char(&r, ":") || !read_digits(&r, 2, 2, &r.minute))
		return false;
	if (read_char(&r, ":")) {
		if (!read_digits(&r, 2, 2, &r.second))
			return false;
		skip_fraction(&r);
	}
	if (!read_offset(&r) || *r.at != '\0' || !wall_seconds(&r, &day, &second))
		return false;
	*out = (int64_t)day * 86400 + second - r.offset_s;
	return true;
}

/* 08:49:37 */
static bool read_clock(struct reading *r)
{
	return read_digits(r, 2, 2, &r->hour) && read_char(r, ":") && read_digits(r, 2, 2, &r->minute) &&
	       read_char(r, ":") && read_digits(r, 2, 2, &r->second);
}

bool instant_parse_http(const char *text, int64_t *out)
{
	struct reading r = { .at = text };
	int32_t day;
	int second;

	if (read_name(&r, weekdays, 7) < 0 || !read_char(&r, ",") || !read_char(&r, " ") ||
	    !read_digits(&r, 2, 2, &r.day) || !read_char(&r, " ") || (r.month = read_name(&r, months, 12) + 1) < 1 ||
	    !read_char(&r, " ") || !read_digits(&r, 4, 4, &r.year) || !read_char(&r, " ") || !read_clock(&r) ||
	    strcmp(r.at, " GMT") != 0 || !wall_seconds(&r, &day, &second))
		return false;
	*out = (int64_t)day * 86400 + second;
	return true;
}

/* %s and %L: up to 15 digits, which is past the year 9999 in either unit. */
static bool read_epoch(struct reading *r, int64_t unit)
{
	bool is_before = read_char(r, "-");
	int64_t value = 0;
	int n = 0;

	for (; *r->at >= '0' && *r->at <= '9'; r->at++, n++) {
		if (n == 15)
			return false;
		value = value * 10 + (*r->at - '0');
	}
	if (is_before)
		value = -(value + unit - 1);
	r->epoch_s = value / unit;
	r->has_epoch = true;
	return n > 0;
}

static bool read_short_year(struct reading *r)
{
	if (!read_digits(r, 2, 2, &r->year))
		return false;
	r->year += r->year < 69 ? 2000 : 1900; /* the POSIX pivot */
	return true;
}

static bool read_second(struct reading *r)
{
	if (!read_digits(r, 1, 2, &r->second))
		return false;
	skip_fraction(r);
	return true;
}

static bool read_field(struct reading *r, char field)
{
	switch (field) {
	case 'Y': return read_digits(r, 4, 4, &r->year);
	case 'y': return read_short_year(r);
	case 'm': return read_digits(r, 1, 2, &r->month);
	case 'b': return (r->month = read_name(r, months, 12) + 1) > 0;
	case 'd': return read_digits(r, 1, 2, &r->day);
	case 'H': return r->has_hour = read_digits(r, 1, 2, &r->hour);
	case 'M': return read_digits(r, 1, 2, &r->minute);
	case 'S': return read_second(r);
	case 'z': return read_offset(r);
	case 's': return read_epoch(r, 1);
	case 'L': return read_epoch(r, 1000);
	default: return field == '%' && read_char(r, "%");
	}
}

bool instant_parse_format(const char *text, const char *format, const struct zone *zone, int64_t *out,
			  bool *out_has_time)
{
	struct reading r = { .at = text, .month = 1, .day = 1 };
	int32_t day;
	int second;

	for (const char *f = format; *f != '\0'; f++)
		if (*f == '%' ? !read_field(&r, *++f) : *r.at++ != *f)
			return false;
	if (*r.at != '\0' || (!r.has_epoch && !wall_seconds(&r, &day, &second)))
		return false;
	if (r.has_epoch)
		*out = r.epoch_s;
	else if (r.has_offset || zone == NULL)
		*out = (int64_t)day * 86400 + second - r.offset_s;
	else if (zone_instant(zone, day, second, out) == WALL_SKIPPED_DAY)
		return false;
	*out_has_time = r.has_hour || r.has_epoch;
	return true;
}

const char *instant_text(struct arena *a, int64_t at)
{
	int32_t day = day_of_instant(at);
	int second = (int)(at - (int64_t)day * 86400);

	return arena_printf(a, "%sT%02d:%02d:%02dZ", day_text(a, day), second / 3600, second / 60 % 60, second % 60);
}

const char *instant_mail_text(struct arena *a, int64_t at, int offset_s)
{
	int minutes = offset_s / 60, year, month, day_of_month;
	int64_t local = at + minutes * 60; /* the offset is told in minutes, so the time is too */
	int32_t day = day_of_instant(local);
	int second = (int)(local - (int64_t)day * 86400), size = minutes < 0 ? -minutes : minutes;

	day_split(day, &year, &month, &day_of_month);
	return arena_printf(a, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", weekdays[day_weekday(day)], day_of_month,
	                    months[month - 1], year, second / 3600, second / 60 % 60, second % 60, minutes < 0 ? '-' : '+',
	                    size / 60, size % 60);
}
