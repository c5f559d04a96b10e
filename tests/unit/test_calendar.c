/* Which days the events of iCalendar files make free, and what is said of those that can't be read. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/config/calendar.h"
#include "common/clock.h"

enum { MAX_DAYS = 25000 };

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* The days of the years from..to as "2026-01-01 2026-12-25", or the first mistake. */
static const char *days_of(const char *ics, int from_year, int to_year)
{
	struct mistakes m = { .arena = arena };
	const struct day_range *ranges = NULL;
	size_t n = calendar_read(arena, "x.ics", ics, strlen(ics), &ranges, &m);
	const char *text = "";

	if (m.n)
		return m.lines[0];
	for (int32_t day = day_of(from_year, 1, 1); day < day_of(to_year + 1, 1, 1); day++)
		for (size_t i = 0; i < n; i++)
			if (ranges[i].from <= day && day < ranges[i].to) {
				text = arena_printf(arena, "%s%s%s", text, *text ? " " : "", day_text(arena, day));
				break;
			}
	return text;
}

/* Of one event with these lines. */
static const char *event(const char *lines)
{
	return arena_printf(arena, "BEGIN:VCALENDAR\nBEGIN:VEVENT\n%s\nEND:VEVENT\nEND:VCALENDAR\n", lines);
}

struct row {
	const char *lines, *expected;
};

static void check_rows(const struct row *rows, size_t n, int from_year, int to_year)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = days_of(event(rows[i].lines), from_year, to_year);

		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%s\nis %s\nnot %s", rows[i].lines, got, rows[i].expected);
	}
}

static void days_and_times_make_the_days_free_that_they_cover_wholly(void **state)
{
	static const struct row rows[] = {
		{ "DTSTART;VALUE=DATE:20260101", "2026-01-01" },
		{ "DTSTART:20260101", "2026-01-01" },
		{ "DTEND;VALUE=DATE:20260104\nDTSTART;VALUE=DATE:20260102", "2026-01-02 2026-01-03" },
		{ "DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260101", "2026-01-01" },
		{ "DTSTART;VALUE=DATE:20261231\nDTEND;VALUE=DATE:20270102", "2026-12-31 2027-01-01" },
		{ "DTSTART;VALUE=DATE:20260102\nDURATION:P2D", "2026-01-02 2026-01-03" },
		{ "DTSTART;VALUE=DATE:20260105\nDURATION:P1W",
		  "2026-01-05 2026-01-06 2026-01-07 2026-01-08 2026-01-09 2026-01-10 2026-01-11" },
		{ "DTSTART:20260101T000000\nDTEND:20260102T000000", "2026-01-01" },
		{ "DTSTART;TZID=\"Any: where\":20260101T000000\nDTEND;TZID=\"Any: where\":20260102T000000", "2026-01-01" },
		{ "DTSTART:20260101T000000\nDTEND:20260101T235959", "2026-01-01" },
		{ "DTSTART:20260101T120000\nDTEND:20260103T120000", "2026-01-02" },
		{ "DTSTART:20260101T000000\nDURATION:P1D", "2026-01-01" },
		{ "DTSTART;VALUE=DATE:20260101\nSTATUS:CANCELLED", "" },
		{ "DTSTART;VALUE=DATE:20260101\nSTATUS:CONFIRMED", "2026-01-01" },
		{ "DTSTART;VALUE=DA\r\n TE:2026\r\n\t0101\r\nDESCRIPTION:x\\n\r\n  END:VEVENT", "2026-01-01" },
		{ "DTSTART;VALUE=DATE:20260101\nBEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT5M\nEND:VALARM", "2026-01-01" },
		{ "DTSTART;VALUE=DATE:20260101\nRDATE;VALUE=DATE:20260601,20260602\nRDATE;VALUE=DATE:20260701",
		  "2026-01-01 2026-06-01 2026-06-02 2026-07-01" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), 2025, 2027);
}

static void yearly_rules_repeat_as_rfc_5545_has_it(void **state)
{
	static const struct row rows[] = {
		{ "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY", "2026-05-01 2027-05-01 2028-05-01" },
		{ "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY;INTERVAL=2", "2026-05-01 2028-05-01" },
		{ "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY;INTERVAL=5;WKST=MO", "" },
		{ "DTSTART;VALUE=DATE:16010101\nRRULE:FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1",
		  "2026-01-01 2027-01-01 2028-01-01" },
		{ "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY", "2028-02-29" }, /* leap days only */
		{ "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1",
		  "2026-02-28 2027-02-28 2028-02-29" },
		{ "DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "2026-11-26 2027-11-25 2028-11-23" },
		{ "DTSTART;VALUE=DATE:20260525\nRRULE:BYDAY=-1MO;BYMONTH=5;FREQ=YEARLY", "2026-05-25 2027-05-31 2028-05-29" },
		{ "DTSTART;VALUE=DATE:20260518\nRRULE:FREQ=YEARLY;BYDAY=20MO",
		  "2026-05-18 2027-05-17 2028-05-15" }, /* of the RFC */
		{ "DTSTART;VALUE=DATE:20261231\nRRULE:FREQ=YEARLY;BYDAY=-1TH", "2026-12-31 2027-12-30 2028-12-28" },
		/* The Tuesday after the first Monday of November (the RFC has it for elections). */
		{ "DTSTART;VALUE=DATE:20261103\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
		  "2026-11-03 2027-11-02 2028-11-07" },
		/* Victoria Day: the Monday before 25 May. */
		{ "DTSTART;VALUE=DATE:20260518\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=MO;BYMONTHDAY=18,19,20,21,22,23,24",
		  "2026-05-18 2027-05-24 2028-05-22" },
		{ "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=YEARLY;BYMONTH=1,6;BYDAY=1MO",
		  "2026-01-05 2026-06-01 2027-01-04 2027-06-07 2028-01-03 2028-06-05" },
		{ "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY;COUNT=2", "2026-05-01 2027-05-01" },
		{ "DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;COUNT=2", "2026-05-01" },
		{ "DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;UNTIL=20270501", "2026-05-01 2027-05-01" },
		{ "DTSTART;VALUE=DATE:20250501\nRRULE:FREQ=YEARLY;UNTIL=20270430", "2026-05-01" },
		{ "DTSTART;TZID=Europe/Paris:20250101T000000\nDURATION:P1D\nRRULE:FREQ=YEARLY;UNTIL=20261231T230000Z",
		  "2026-01-01 2027-01-01" },
		{ "DTSTART;VALUE=DATE:20251224\nDTEND;VALUE=DATE:20251227\nRRULE:FREQ=YEARLY;COUNT=2",
		  "2026-12-24 2026-12-25 2026-12-26" },
		{ "DTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20270501,20280501", "2026-05-01" },
		{ "DTSTART:20200501T000000\nDTEND:20200502T000000\nRRULE:FREQ=YEARLY\nEXDATE:20270501T000000\n"
		  "RDATE:20270503T000000",
		  "2026-05-01 2027-05-03 2028-05-01" },
		{ "DTSTART;VALUE=DATE:20260601\nRRULE:FREQ=YEARLY;BYMONTHDAY=1;BYMONTH=7", /* the start counts all the same */
		  "2026-06-01 2026-07-01 2027-07-01 2028-07-01" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), 2026, 2028);
}

static void rules_end_with_the_century(void **state)
{
	static const char *const ends[] = { "", ";UNTIL=20991231", ";UNTIL=21000101", ";UNTIL=21500101", ";COUNT=500" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *ics =
			event(arena_printf(arena, "DTSTART;VALUE=DATE:19000101\nRRULE:FREQ=YEARLY%s", ends[i]));
		struct mistakes m = { .arena = arena };
		const struct day_range *ranges;

		ASSERT_INT(calendar_read(arena, "x.ics", ics, strlen(ics), &ranges, &m), 130);
		ASSERT_INT(ranges[0].from, day_of(1970, 1, 1));
		ASSERT_INT(m.n, 0);
	}
}

static void an_event_may_stand_in_for_one_repetition_of_another(void **state)
{
	static const char first[] = "BEGIN:VEVENT\nUID:may\nDTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\nEND:VEVENT\n";
	static const char moved[] = "BEGIN:VEVENT\nUID:may\nRECURRENCE-ID;VALUE=DATE:20270501\n"
				    "DTSTART;VALUE=DATE:20270503\nEND:VEVENT\n";
	static const char gone[] = "BEGIN:VEVENT\nUID:may\nRECURRENCE-ID;VALUE=DATE:20280501\nSTATUS:CANCELLED\n"
				   "DTSTART;VALUE=DATE:20280501\nEND:VEVENT\n";
	static const char other[] = "BEGIN:VEVENT\nUID:june\nRECURRENCE-ID;VALUE=DATE:20260501\n"
				    "DTSTART;VALUE=DATE:20260601\nEND:VEVENT\n";
	const char *ics = arena_printf(arena, "BEGIN:VCALENDAR\n%s%s%s%sEND:VCALENDAR\n", moved, first, gone, other);

	(void)state;
	assert_string_equal(days_of(ics, 2026, 2028), "2026-05-01 2026-06-01 2027-05-03");
}

/* What the law says (5 U.S.C. 6103) against the days as they stand in config/holidays/us.yaml. */
static void the_rules_of_american_holidays_give_the_days_of_the_file_that_we_ship(void **state)
{
	static const struct {
		const char *name, *rule, *start;
	} holidays[] = {
		{ "Martin Luther King Jr. Day", "BYMONTH=1;BYDAY=3MO", "20000117" },
		{ "Washington's Birthday", "BYMONTH=2;BYDAY=3MO", "20000221" },
		{ "Memorial Day", "BYMONTH=5;BYDAY=-1MO", "20000529" },
		{ "Labor Day", "BYMONTH=9;BYDAY=1MO", "20000904" },
		{ "Columbus Day", "BYMONTH=10;BYDAY=2MO", "20001009" },
		{ "Thanksgiving Day", "BYMONTH=11;BYDAY=4TH", "20001123" },
	};
	char line[256];
	int n = 0;
	FILE *file = fopen("config/holidays/us.yaml", "r");

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		for (size_t i = 0; i < ARRAY_LEN(holidays); i++) {
			const char *lines, *days;

			if (!strstr(line, holidays[i].name))
				continue;
			lines = arena_printf(arena, "DTSTART;VALUE=DATE:%s\nRRULE:FREQ=YEARLY;%s", holidays[i].start,
			                     holidays[i].rule);
			days = days_of(event(lines), 2025, 2027);
			if (!strstr(days, arena_strndup(arena, strstr(line, "day: ") + 5, 10)))
				fail_msg("%s is not in %s", line, days);
			n++;
		}
	(void)fclose(file);
	ASSERT_INT(n, 18);
}

static void what_is_not_understood_is_a_mistake_with_its_line(void **state)
{
	static const char start[] = "DTSTART;VALUE=DATE:20260101\n";
	static const struct row rows[] = {
		{ "DTSTART:20260101T090000Z",
		  "x.ics:3: an event whose day depends on the time zone, expected a whole day such as "
		  "DTSTART;VALUE=DATE:20260101" },
		{ "SUMMARY:x\nDTSTART:20260101T090000\nDTEND:20260101T100000",
		  "x.ics:2: an event that covers no whole day, expected a whole day such as DTSTART;VALUE=DATE:20260101" },
		{ "DTSTART:20260101T000000",
		  "x.ics:2: an event that covers no whole day, expected a whole day such as DTSTART;VALUE=DATE:20260101" },
		{ "DTSTART:20260230", "x.ics:3: not a date, expected a whole day such as DTSTART;VALUE=DATE:20260101" },
		{ "DTSTART:20260101T250000", "x.ics:3: not a date, expected a whole day such as DTSTART;VALUE=DATE:20260101" },
		{ "DTSTART:2026-01-01", "x.ics:3: not a date, expected a whole day such as DTSTART;VALUE=DATE:20260101" },
		{ "SUMMARY:x", "x.ics:4: an event without a start, expected DTSTART;VALUE=DATE:20260101" },
		{ "DTSTART:20260101\nDTEND:20260101T100000",
		  "x.ics:5: an event of a day and a time, expected DTSTART and DTEND of the same kind" },
		{ "DTSTART:20260101\nDTEND:20260102\nDURATION:P1D",
		  "x.ics:6: an event with both DTEND and DURATION, expected one of them" },
		{ "DTSTART:20260102\nDTEND:20260101",
		  "x.ics:2: an event that ends before it begins, expected as its end the first day that is no holiday" },
		{ "DURATION:PT24H", "x.ics:3: an event of another length than whole days, expected a duration such as P1D" },
		{ "DURATION:P0D", "x.ics:3: an event of another length than whole days, expected a duration such as P1D" },
		{ "EXRULE:FREQ=YEARLY", "x.ics:3: an exception by a rule (EXRULE), expected EXDATE with the days" },
		{ "RDATE;VALUE=PERIOD:20260101T000000Z/P1D",
		  "x.ics:3: not a date, expected a whole day such as DTSTART;VALUE=DATE:20260101" },
	};
	static const struct row rules[] = {
		{ "FREQ=MONTHLY", "`FREQ=MONTHLY`" },
		{ "FREQ=WEEKLY;BYDAY=MO", "`FREQ=WEEKLY`" },
		{ "BYMONTH=1", "without FREQ" },
		{ "FREQ=YEARLY;BYSETPOS=-1", "`BYSETPOS=-1`" },
		{ "FREQ=YEARLY;BYYEARDAY=1", "`BYYEARDAY=1`" },
		{ "FREQ=YEARLY;BYEASTER=1", "`BYEASTER=1`" },
		{ "FREQ=YEARLY;BYMONTH=13", "`BYMONTH=13`" },
		{ "FREQ=YEARLY;BYMONTH=", "`BYMONTH=`" },
		{ "FREQ=YEARLY;BYMONTHDAY=", "`BYMONTHDAY=`" },
		{ "FREQ=YEARLY;BYDAY=", "`BYDAY=`" },
		{ "FREQ=YEARLY;BYMONTHDAY=32", "`BYMONTHDAY=32`" },
		{ "FREQ=YEARLY;BYMONTHDAY=0", "`BYMONTHDAY=0`" },
		{ "FREQ=YEARLY;BYDAY=XX", "`BYDAY=XX`" },
		{ "FREQ=YEARLY;BYDAY=54MO", "`BYDAY=54MO`" },
		{ "FREQ=YEARLY;INTERVAL=0", "`INTERVAL=0`" },
		{ "FREQ=YEARLY;INTERVAL=-1", "`INTERVAL=-1`" },
		{ "FREQ=YEARLY;COUNT=x", "`COUNT=x`" },
		{ "FREQ=YEARLY;COUNT=-1", "`COUNT=-1`" },
		{ "FREQ=YEARLY;COUNT=0", "`COUNT=0`" },
		{ "FREQ=YEARLY;UNTIL=tomorrow", "`UNTIL=tomorrow`" },
		{ "FREQ=YEARLY;FREQ=YEARLY", "`FREQ=YEARLY`" },
		{ "FREQ=YEARLY;COUNT=2;UNTIL=20300101", "both COUNT and UNTIL" },
		{ "FREQ=YEARLY;BYMONTH=5;BYDAY=6MO", "no month has" },
		{ "FREQ", "`FREQ`" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows), 2026, 2026);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const char *got = days_of(event(arena_printf(arena, "%sRRULE:%s", start, rules[i].lines)), 2026, 2026);

		if (!strstr(got, "x.ics:4: an event that repeats ") || !strstr(got, rules[i].expected))
			fail_msg("%s: %s", rules[i].lines, got);
	}
}

static void a_file_that_is_cut_or_no_calendar_is_a_mistake(void **state)
{
	(void)state;
	assert_string_equal(days_of("hello\n", 2026, 2026),
	                    "x.ics:1: not a calendar, expected it to begin with BEGIN:VCALENDAR");
	assert_string_equal(days_of("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\n", 2026, 2026),
	                    "x.ics:3: the file ends within an event, expected END:VEVENT");
	assert_string_equal(days_of("\xef\xbb\xbf" "BEGIN:VCALENDAR\nEND:VCALENDAR", 2026, 2026), "");
}

/* More days than a file may have are not cut off in silence. */
static void too_many_days_stay_too_many(void **state)
{
	static const char lines[] = "DTSTART;VALUE=DATE:19700101\nRRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU";
	struct mistakes m = { .arena = arena };
	const struct day_range *ranges;
	const char *ics = event(lines);

	(void)state;
	ASSERT_INT(calendar_read(arena, "x.ics", ics, strlen(ics), &ranges, &m), 20001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_and_times_make_the_days_free_that_they_cover_wholly),
		cmocka_unit_test(yearly_rules_repeat_as_rfc_5545_has_it),
		cmocka_unit_test(rules_end_with_the_century),
		cmocka_unit_test(an_event_may_stand_in_for_one_repetition_of_another),
		cmocka_unit_test(the_rules_of_american_holidays_give_the_days_of_the_file_that_we_ship),
		cmocka_unit_test(what_is_not_understood_is_a_mistake_with_its_line),
		cmocka_unit_test(a_file_that_is_cut_or_no_calendar_is_a_mistake),
		cmocka_unit_test(too_many_days_stay_too_many),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
