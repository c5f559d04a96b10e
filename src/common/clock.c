#include "common/clock.h"

#include <sys/timex.h>
#include <time.h>

int64_t clock_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		die("the wall clock can't be read");
	return now.tv_sec;
}

static int64_t milliseconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		die("the monotonic clock can't be read");
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

int64_t clock_boottime_ms(void)
{
	return milliseconds(CLOCK_BOOTTIME);
}

bool clock_is_synchronised(void)
{
	struct timex state = { 0 };

	return adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
}

/* Years begin in March here, so that the leap day is the last of its year; 400 years repeat exactly. */
int32_t day_of(int year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (int32_t)(era * 146097 + day_of_era - 719468);
}

void day_split(int32_t day, int *year, int *month, int *day_of_month)
{
	int64_t z = (int64_t)day + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*day_of_month = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

int day_weekday(int32_t day)
{
	int64_t from_monday = ((int64_t)day + 3) % 7; /* 1970-01-01 was a Thursday */

	return (int)(from_monday < 0 ? from_monday + 7 : from_monday);
}

int day_month_length(int year, int month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return lengths[month - 1] + (month == 2 && is_leap);
}

int32_t day_add_months(int32_t day, int months)
{
	int year, month, day_of_month, length;
	int64_t count;

	day_split(day, &year, &month, &day_of_month);
	count = (int64_t)year * 12 + (month - 1) + months;
	year = (int)((count >= 0 ? count : count - 11) / 12);
	month = (int)(count - (int64_t)year * 12) + 1;
	length = day_month_length(year, month);
	return day_of(year, month, day_of_month < length ? day_of_month : length);
}

/* n digits, and nothing else, as a number; -1 when they aren't. */
static int digits(const char *text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

bool day_parse(const char *text, int32_t *out)
{
	int year, month, day;

	if ((year = digits(text, 4)) < 0 || text[4] != '-' || (month = digits(text + 5, 2)) < 1 || month > 12 ||
	    text[7] != '-' || (day = digits(text + 8, 2)) < 1 || day > day_month_length(year, month) || text[10] != '\0')
		return false;
	*out = day_of(year, month, day);
	return true;
}

static void put_figures(char *to, int n, int number)
{
	for (; n > 0; number /= 10)
		to[--n] = (char)('0' + number % 10);
}

const char *day_text(struct arena *a, int32_t day)
{
	char text[] = "0000-00-00"; /* without printf: evidence is full of days */
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	if (year < 0 || year > 9999)
		return arena_printf(a, "%04d-%02d-%02d", year, month, day_of_month);
	put_figures(text, 4, year);
	put_figures(text + 5, 2, month);
	put_figures(text + 8, 2, day_of_month);
	return arena_strndup(a, text, sizeof text - 1);
}

int32_t day_of_instant(int64_t at)
{
	return (int32_t)((at >= 0 ? at : at - 86399) / 86400);
}
