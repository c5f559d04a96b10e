#include <string.h>

#include "cmocka_shim.h"

#include "common/clock.h"
#include "../../src/common/zone.h"

static struct arena *arena;
static struct err err;

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

static const struct zone *zone(const char *name)
{
	const struct zone *z;

	ASSERT_OK(zone_open(arena, name, &z, &err));
	return z;
}

static const char *const kinds[] = { "normal", "gap", "overlap", "skipped_day" };

/* One row of the vectors: zone, "2026-03-29T02:30", kind, instant or "". */
static void check(const struct zone *z, const char *local, const char *kind, const char *utc)
{
	char day_part[11] = "";
	int32_t day;
	int64_t at = INSTANT_NONE;
	int second =
		(local[11] - '0') * 36000 + (local[12] - '0') * 3600 + (local[14] - '0') * 600 + (local[15] - '0') * 60;
	enum wall_kind got;

	memcpy(day_part, local, 10);
	assert_true(day_parse(day_part, &day));
	got = zone_instant(z, day, second, &at);
	if (strcmp(kinds[got], kind) != 0)
		fail_msg("%s %s is %s, not %s", zone_name(z), local, kinds[got], kind);
	if (*utc == '\0')
		ASSERT_INT(at, INSTANT_NONE);
	else if (strcmp(instant_text(arena, at), utc) != 0)
		fail_msg("%s %s is %s, not %s", zone_name(z), local, instant_text(arena, at), utc);
}

static void the_named_changes_are_told_by_the_rule_of_rfc_5545(void **state)
{
	static const char *const rows[][4] = {
		{ "Europe/Berlin", "2026-03-29T02:30", "gap", "2026-03-29T01:30:00Z" },
		{ "Europe/Berlin", "2026-03-29T08:00", "normal", "2026-03-29T06:00:00Z" },
		{ "Europe/Berlin", "2026-10-25T02:30", "overlap", "2026-10-25T00:30:00Z" },
		{ "America/New_York", "2026-03-08T02:30", "gap", "2026-03-08T07:30:00Z" },
		{ "America/New_York", "2026-11-01T01:30", "overlap", "2026-11-01T05:30:00Z" },
		{ "Africa/Cairo", "2026-04-24T00:30", "gap", "2026-04-23T22:30:00Z" },
		{ "America/Havana", "2026-03-08T00:30", "gap", "2026-03-08T05:30:00Z" },
		{ "Australia/Lord_Howe", "2026-10-04T02:15", "gap", "2026-10-03T15:45:00Z" },
		{ "Pacific/Apia", "2011-12-30T08:00", "skipped_day", "" },
		{ "Pacific/Apia", "2011-12-30T00:00", "skipped_day", "" },
		{ "Pacific/Apia", "2011-12-30T23:59", "skipped_day", "" },
		{ "Pacific/Apia", "2011-12-29T23:59", "normal", "2011-12-30T09:59:00Z" },
		{ "Pacific/Apia", "2011-12-31T00:00", "normal", "2011-12-30T10:00:00Z" },
		{ "UTC", "2026-03-29T02:30", "normal", "2026-03-29T02:30:00Z" },
		{ "Europe/Berlin", "2099-03-29T02:30", "gap", "2099-03-29T01:30:00Z" },
		{ "Europe/Berlin", "2099-07-01T08:00", "normal", "2099-07-01T06:00:00Z" },
		{ "Europe/Berlin", "1893-04-01T00:03", "gap", "1893-03-31T23:09:32Z" }, /* local mean time +0:53:28 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(zone(rows[i][0]), rows[i][1], rows[i][2], rows[i][3]);
}

/* Checks a file of vectors; returns how many rows of each kind it had. */
static void check_file(const char *path, size_t counts[4])
{
	char line[256], last[64] = "";
	const struct zone *z = NULL;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		char *rest = line, *name = strsep(&rest, ","), *local = strsep(&rest, ","), *kind = strsep(&rest, ",");
		char *utc = strsep(&rest, ",");

		if (line[0] == '#' || utc == NULL || strcmp(name, "zone") == 0)
			continue;
		if (strcmp(name, last) != 0) {
			arena_reset(arena);
			z = zone(name);
			(void)snprintf(last, sizeof last, "%s", name);
		}
		check(z, local, kind, utc);
		for (size_t k = 0; k < 4; k++)
			counts[k] += strcmp(kind, kinds[k]) == 0;
	}
	(void)fclose(file);
}

static void every_row_of_the_excerpt_is_equal(void **state)
{
	size_t counts[4] = { 0 };

	(void)state;
	check_file("tests/data/schedule_vectors.csv", counts);
	ASSERT_INT(counts[0] + counts[1] + counts[2] + counts[3], 410);
	for (size_t k = 0; k < 4; k++)
		assert_true(counts[k] > 0);
}

static void every_row_of_the_whole_table_is_equal_where_it_is_at_hand(void **state)
{
	static const char path[] = "../shared/data/schedule_vectors.csv";
	size_t counts[4] = { 0 };
	FILE *file = fopen(path, "r");

	(void)state;
	if (file == NULL)
		skip();
	(void)fclose(file);
	check_file(path, counts);
	print_message("%zu normal, %zu gap, %zu overlap, %zu skipped\n", counts[0], counts[1], counts[2], counts[3]);
	assert_true(counts[0] + counts[1] + counts[2] + counts[3] > 11000);
}

static void wall_and_instant_are_each_others_inverse(void **state)
{
	static const char *const names[] = { "Europe/Paris", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca",
		                             "Asia/Kathmandu", "Pacific/Apia", "Antarctica/Troll", "America/Nuuk" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct zone *z = zone(names[i]);

		for (int64_t at = 1300000000; at < 4000000000; at += 40000) {
			int second;
			int32_t day = zone_day(z, at, &second);
			int64_t back;
			enum wall_kind kind = zone_instant(z, day, second, &back);

			if (kind == WALL_NORMAL ? back != at : kind != WALL_OVERLAP || back > at || back < at - 4 * 3600)
				fail_msg("%s %lld came back as %lld (%s)", names[i], (long long)at, (long long)back, kinds[kind]);
		}
	}
}

static void an_unknown_or_hostile_name_is_an_error_and_never_utc(void **state)
{
	static const char *const names[] = {
		"",       "Europe/Pariss", "../../etc/passwd", "/etc/passwd",   "Europe/../Europe/Paris",
		"Europe", "zone1970.tab",  "Europe/Paris ",    "Europe\nParis", "EST5EDT,M3.2.0,M11.1.0"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct zone *z = NULL;

		ASSERT_INT(zone_open(arena, names[i], &z, &err), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		assert_null(z);
	}
}

/* A version 2 file with the given 64-bit transitions (types alternate 1, 0, 1 ...), two types and a footer. */
static size_t build(unsigned char *out, const int64_t *transitions, unsigned char n, int first_s, int second_s,
		    const char *footer)
{
	unsigned char *at = out;
	const int offsets[] = { first_s, second_s };

	memset(out, 0, 88);
	memcpy(at, "TZif2", 5);
	at[39] = 1; /* the block of version 1 has one type and one letter */
	at[43] = 1;
	at += 44;
	memset(at, 0, 7);
	at += 7;
	memset(at, 0, 44);
	memcpy(at, "TZif2", 5);
	at[35] = n;
	at[39] = 2;
	at[43] = 1;
	at += 44;
	for (unsigned char i = 0; i < n; i++)
		for (int shift = 56; shift >= 0; shift -= 8)
			*at++ = (unsigned char)((uint64_t)transitions[i] >> shift);
	for (unsigned char i = 0; i < n; i++)
		*at++ = i % 2 == 0;
	for (int i = 0; i < 2; i++) {
		for (int shift = 24; shift >= 0; shift -= 8)
			*at++ = (unsigned char)((uint32_t)offsets[i] >> shift);
		*at++ = (unsigned char)i;
		*at++ = 0;
	}
	*at++ = '\0';
	at += snprintf((char *)at, 128, "\n%s\n", footer);
	return (size_t)(at - out);
}

static struct zone *made(const char *footer)
{
	unsigned char bytes[512];
	struct zone *z;
	size_t len = build(bytes, NULL, 0, 0, 0, footer);

	ASSERT_OK(zone_parse(arena, "made", bytes, len, &z, &err));
	return z;
}

static int offset_on(const struct zone *z, const char *instant)
{
	int64_t at;

	assert_true(instant_parse(instant, &at));
	return zone_offset(z, at);
}

static void every_form_of_the_footer_is_understood(void **state)
{
	static const struct {
		const char *footer, *instant;
		int offset_s;
	} cases[] = {
		{ "UTC0", "2026-07-01T00:00:00Z", 0 },
		{ "<-03>3", "2026-07-01T00:00:00Z", -10800 },
		{ "<+0545>-5:45", "2026-07-01T00:00:00Z", 20700 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T05:59:59Z", -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18000 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-15T00:00:00Z", 39600 }, /* the south: over the new year */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-15T00:00:00Z", 36000 },
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-15T00:00:00Z", 39600 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-15T00:00:00Z", 0 }, /* negative daylight saving */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-15T00:00:00Z", 3600 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200 }, /* the eve of the day */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600 },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 7200 }, /* Saturday 02:00, told from Thursday */
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 10800 },
		{ "AAA3BBB,J60,J300", "2028-03-01T04:59:59Z", -10800 }, /* 1 March, leap year or not */
		{ "AAA3BBB,J60,J300", "2028-03-01T05:00:00Z", -7200 },
		{ "AAA3BBB,J60,J300", "2026-03-01T05:00:00Z", -7200 },
		{ "AAA3BBB,59,300", "2028-02-29T05:00:00Z", -7200 },
		{ "AAA3BBB,59,300", "2026-03-01T05:00:00Z", -7200 },
		{ "XXX3EDT4,0/0,J365/23", "2026-01-01T03:00:00Z", -14400 }, /* daylight saving all the year (RFC 9636) */
		{ "XXX3EDT4,0/0,J365/23", "2026-07-01T03:00:00Z", -14400 },
		{ "XXX3EDT4,0/0,J365/23", "2026-12-31T23:59:59Z", -14400 },
		{ "AAA-1BBB-2:30:15,M3.5.0,M10.5.0", "2026-07-01T00:00:00Z", 9015 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ASSERT_INT(offset_on(made(cases[i].footer), cases[i].instant), cases[i].offset_s);
}

static void a_bad_footer_is_refused(void **state)
{
	static const char *const footers[] = { "E5",
					       "EST",
					       "EST5EDT",
					       "EST25",
					       "EST5:60",
					       "EST5EDT,M13.1.0,M11.1.0",
					       "EST5EDT,M3.6.0,M11.1.0",
					       "EST5EDT,M3.1.7,M11.1.0",
					       "EST5EDT,M3.1.0",
					       "EST5EDT,M3.1.0,M11.1.0x",
					       "EST5EDT,J0,J300",
					       "EST5EDT,M3.1.0/168,M11.1.0",
					       "<ES",
					       "EST5EDT,366,1",
					       "EST1234" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(footers); i++) {
		unsigned char bytes[512];
		struct zone *z;
		size_t len = build(bytes, NULL, 0, 0, 0, footers[i]);

		if (zone_parse(arena, "made", bytes, len, &z, &err) == 0)
			fail_msg("%s was accepted", footers[i]);
		ASSERT_INT(err.kind, ERR_CONFIG);
	}
}

static void a_file_without_rule_keeps_its_last_offset(void **state)
{
	const int64_t transitions[] = { 1000000000, 1100000000, 1200000000 };
	unsigned char bytes[512];
	struct zone *z;

	(void)state;
	ASSERT_OK(zone_parse(arena, "made", bytes, build(bytes, transitions, 3, 3600, 7200, ""), &z, &err));
	ASSERT_INT(zone_offset(z, INT64_MIN), 3600);
	ASSERT_INT(zone_offset(z, 999999999), 3600);
	ASSERT_INT(zone_offset(z, 1000000000), 7200);
	ASSERT_INT(zone_offset(z, 1100000000), 3600);
	ASSERT_INT(zone_offset(z, INT64_MAX), 7200);
}

static void damaged_bytes_are_refused_at_any_length(void **state)
{
	const int64_t good[] = { 1000000000, 1100000000 }, falling[] = { 1100000000, 1000000000 };
	unsigned char bytes[512];
	size_t len = build(bytes, good, 2, 3600, 7200, "EST5EDT,M3.2.0,M11.1.0");
	struct zone *z;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		unsigned char *exact = test_malloc(cut + 1);

		memcpy(exact, bytes, cut);
		ASSERT_INT(zone_parse(arena, "made", exact, cut, &z, &err), -1);
		test_free(exact);
	}
	len = build(bytes, falling, 2, 3600, 7200, "");
	ASSERT_INT(zone_parse(arena, "made", bytes, len, &z, &err), -1);
	len = build(bytes, good, 2, 3600, 100000, "");
	ASSERT_INT(zone_parse(arena, "made", bytes, len, &z, &err), -1);
	len = build(bytes, good, 2, 3600, 7200, "");
	bytes[4] = '\0'; /* version 1 */
	ASSERT_INT(zone_parse(arena, "made", bytes, len, &z, &err), -1);
}

static void a_zone_knows_whether_its_file_is_still_the_one_that_was_read(void **state)
{
	struct zone z = *zone("Europe/Paris"), other = z, gone = z;

	(void)state;
	assert_true(zone_is_current(&z));
	assert_true(zone_is_current(zone_utc()));
	z.read.st_mtim.tv_nsec++;
	assert_false(zone_is_current(&z));
	other.path = "/usr/share/zoneinfo/Europe/Berlin";
	assert_false(zone_is_current(&other));
	gone.path = "/usr/share/zoneinfo/Europe/Pariss";
	assert_false(zone_is_current(&gone));
}

static void the_ends_of_time_are_survived(void **state)
{
	const struct zone *z = zone("Europe/Berlin");
	int64_t at = 0;

	(void)state;
	ASSERT_INT(zone_instant(z, INT32_MAX, 86399, &at), WALL_NORMAL);
	ASSERT_INT(zone_instant(z, INT32_MIN + 1, 0, &at), WALL_NORMAL);
	assert_true(zone_offset(z, INT64_MAX) == 3600 && zone_offset(z, INT64_MIN) == 3208);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_named_changes_are_told_by_the_rule_of_rfc_5545),
		cmocka_unit_test(every_row_of_the_excerpt_is_equal),
		cmocka_unit_test(every_row_of_the_whole_table_is_equal_where_it_is_at_hand),
		cmocka_unit_test(wall_and_instant_are_each_others_inverse),
		cmocka_unit_test(an_unknown_or_hostile_name_is_an_error_and_never_utc),
		cmocka_unit_test(every_form_of_the_footer_is_understood),
		cmocka_unit_test(a_bad_footer_is_refused),
		cmocka_unit_test(a_file_without_rule_keeps_its_last_offset),
		cmocka_unit_test(damaged_bytes_are_refused_at_any_length),
		cmocka_unit_test(a_zone_knows_whether_its_file_is_still_the_one_that_was_read),
		cmocka_unit_test(the_ends_of_time_are_survived),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
