#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The source itself: a test can't be the journal, but it can hold the other end of its socket. */
#include "../../src/common/log.c"

static char text[200000];

/* What lands on standard error while one event is logged. */
static const char *stderr_of(enum log_level level, const char *event, const struct log_field *fields, int n_fields)
{
	int saved = dup(STDERR_FILENO), out[2];
	ssize_t n;

	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	assert_true(dup2(out[1], STDERR_FILENO) >= 0);
	log_fields(level, event, fields, n_fields);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(out[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	(void)close(out[0]);
	(void)close(out[1]);
	(void)close(saved);
	return text;
}

/* Without the time in front. */
static const char *line_of(const struct log_field *fields, int n_fields)
{
	const char *line = stderr_of(LOG_LEVEL_INFO, "pull_done", fields, n_fields), *blank = strchr(line, ' ');

	assert_non_null(blank);
	assert_int_equal(blank - line, strlen("2026-03-01T08:00:00Z"));
	return blank + 1;
}

static void an_event_is_one_line_of_keys_and_values(void **state)
{
	const struct log_field fields[] = { LOG_TEXT("org", "acme"), LOG_INT("rows", -12),
		                            LOG_TEXT("error", "HTTP 503, retry") };

	(void)state;
	log_open(LOG_LEVEL_INFO, false);
	assert_string_equal(line_of(fields, 3), "level=info event=pull_done org=acme rows=-12 error=\"HTTP 503, retry\"\n");
	assert_string_equal(line_of(NULL, 0), "level=info event=pull_done\n");
}

static void values_cannot_forge_a_line_or_a_key(void **state)
{
	static const char *const cases[][2] = {
		{ "a\nlevel=error event=forged", "\"a level=error event=forged\"" },
		{ "say \"hi\" \\", "\"say \\\"hi\\\" \\\\\"" },
		{ "", "\"\"" },
		{ NULL, "\"\"" },
		{ "\x1B[31mred", "[31mred" },
		{ "a=b", "\"a=b\"" },
		{ "bad\xFF", "bad\xEF\xBF\xBD" },
	};
	char wanted[200];

	(void)state;
	log_open(LOG_LEVEL_INFO, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct log_field field = LOG_TEXT("v", cases[i][0]);

		(void)snprintf(wanted, sizeof wanted, "level=info event=pull_done v=%s\n", cases[i][1]);
		assert_string_equal(line_of(&field, 1), wanted);
	}
}

static void long_values_are_cut(void **state)
{
	char long_text[5000] = "";
	const struct log_field field = LOG_TEXT("v", long_text);

	(void)state;
	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_true(strlen(line_of(&field, 1)) < 600);
}

static void lesser_levels_are_silent(void **state)
{
	(void)state;
	log_open(LOG_LEVEL_WARNING, false);
	assert_string_equal(stderr_of(LOG_LEVEL_INFO, "e", NULL, 0), "");
	assert_string_not_equal(stderr_of(LOG_LEVEL_WARNING, "e", NULL, 0), "");
	assert_non_null(strstr(stderr_of(LOG_LEVEL_ERROR, "e", NULL, 0), "level=error event=e\n"));
	log_open(LOG_LEVEL_DEBUG, false);
	assert_string_not_equal(stderr_of(LOG_LEVEL_DEBUG, "e", NULL, 0), "");
}

static void a_service_hands_its_fields_to_the_journal(void **state)
{
	const struct log_field fields[] = { LOG_TEXT("org", "acme\nPRIORITY=0"), LOG_INT("n_rows", 3) };
	int ends[2];
	ssize_t n;

	(void)state;
	log_open(LOG_LEVEL_INFO, false);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	journal_fd = ends[0];
	assert_string_equal(stderr_of(LOG_LEVEL_WARNING, "pull_failed", fields, 2), "");
	n = recv(ends[1], text, sizeof text - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "MESSAGE=pull_failed org=\"acme PRIORITY=0\" n_rows=3\n"
	                          "PRIORITY=4\nSYSLOG_IDENTIFIER=retaind\nLEVEL=warning\nEVENT=pull_failed\n"
	                          "RETAIND_ORG=acme PRIORITY=0\nRETAIND_N_ROWS=3\n");
	(void)close(ends[1]); /* a journal that is gone: the line is not lost */
	assert_non_null(strstr(stderr_of(LOG_LEVEL_INFO, "pull_done", fields, 2), "level=info event=pull_done org="));
	log_open(LOG_LEVEL_INFO, false);
}

static void only_the_stream_of_systemd_counts_as_the_journal(void **state)
{
	(void)state;
	log_open(LOG_LEVEL_INFO, true); /* standard error of a test is no socket of systemd */
	assert_int_equal(journal_fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_one_line_of_keys_and_values),
		cmocka_unit_test(values_cannot_forge_a_line_or_a_key),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(lesser_levels_are_silent),
		cmocka_unit_test(a_service_hands_its_fields_to_the_journal),
		cmocka_unit_test(only_the_stream_of_systemd_counts_as_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
