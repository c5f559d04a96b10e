/* Panels: what is read of a file made elsewhere, and what is refused. */
#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cli/panel.h"

static struct err err;
static struct arena *a;
static struct panel panel;
static char path[] = "/tmp/retaind-panel-XXXXXX";

static int setup(void **state)
{
	int fd;

	(void)state;
	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	arena_free(a);
	return 0;
}

static int read_text(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return panel_read(path, a, &panel, &err);
}

static void a_panel_has_accounts_days_labels_and_events(void **state)
{
	(void)state;
	ASSERT_OK(read_text("acct,date,T,y,event_day,q,split,p_gb\n"
	                    "s1,2019-06-01,151,0,2557.0,2019-04-01,train,\n"
	                    "\"s,2\",2019-07-01,181,1,271.0,2019-07-01,test,0.5\n"
	                    "s3,2019-07-01,181,0,,,test,\n"));
	ASSERT_INT(panel.n, 3);
	ASSERT_INT(panel.n_train, 1);
	assert_true(panel.has_labels);
	ASSERT_INT(panel.horizon_days, 90);
	assert_string_equal(panel.rows[1].account, "s,2");
	ASSERT_INT(panel.rows[1].label, 1);
	ASSERT_INT(panel.rows[1].event_on, panel.rows[1].day + 90);
	assert_string_equal(panel.rows[1].queue, "2019-07-01");
	ASSERT_INT(panel.rows[2].event_on, DAY_NONE);
	assert_null(panel.rows[2].queue);
}

static void two_columns_are_enough(void **state)
{
	(void)state;
	ASSERT_OK(read_text("date,acct\n2019-06-01,a\n"));
	ASSERT_INT(panel.n, 1);
	assert_false(panel.has_labels);
	assert_false(panel.rows[0].is_train);
	ASSERT_INT(panel.rows[0].label, PANEL_NO_LABEL);
	ASSERT_INT(panel.horizon_days, 0);
}

static void what_is_no_panel_is_refused_with_the_line(void **state)
{
	static const struct { const char *text, *reason; } cases[] = {
		{ "", "is empty" },
		{ "acct,day\na,2019-06-01\n", "has no column date" },
		{ "acct,date\na,2019-06-01\nb,June\n", ":3: acct is \"b\", date is \"June\"" },
		{ "acct,date,y\na,2019-06-01,2\n", ":2: y is \"2\", expected 0 or 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ASSERT_INT(read_text(cases[i].text), -1);
		assert_non_null(strstr(err.text, cases[i].reason));
		ASSERT_INT(err.kind, ERR_INPUT);
	}
	ASSERT_INT(panel_read("/nowhere/panel.csv", a, &panel, &err), -1);
}

static void a_panel_has_a_ceiling_and_so_have_its_keys(void **state)
{
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	(void)fputs("acct,date\n", file);
	for (int i = 0; i <= PANEL_MAX_ROWS; i++)
		(void)fputs("a,2019-06-01\n", file);
	assert_int_equal(fclose(file), 0);
	ASSERT_INT(panel_read(path, a, &panel, &err), -1);
	assert_non_null(strstr(err.text, "has more than 500000 rows"));
	ASSERT_INT(read_text(arena_printf(a, "acct,date\n%0*d,2019-06-01\n", PANEL_MAX_KEY_BYTES + 1, 0)), -1);
	assert_non_null(strstr(err.text, ":2: acct is longer than"));
}

static void a_packed_panel_that_is_cut_short_is_no_panel(void **state)
{
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	assert_true(fwrite("\x1f\x8b\x08\0\0\0\0\0\0\x03KL", 1, 12, file) == 12);
	assert_int_equal(fclose(file), 0);
	ASSERT_INT(panel_read(path, a, &panel, &err), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(a_panel_has_accounts_days_labels_and_events),
		CASE(two_columns_are_enough),
		CASE(what_is_no_panel_is_refused_with_the_line),
		CASE(a_panel_has_a_ceiling_and_so_have_its_keys),
		CASE(a_packed_panel_that_is_cut_short_is_no_panel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
