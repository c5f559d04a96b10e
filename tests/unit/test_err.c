#include "cmocka_shim.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/err.h"

static void a_failure_is_one_line_with_its_places_in_front(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, ERR_RETRY, "HTTP %d, retry after %d s", 503, 30), -1);
	assert_int_equal(err_in(&err, "page %d", 3), -1);
	assert_int_equal(err_in(&err, "pull %s", "deals"), -1);
	assert_string_equal(err.text, "pull deals: page 3: HTTP 503, retry after 30 s");
	assert_int_equal(err.kind, ERR_RETRY);
}

static void the_system_says_why(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&err, ERR_CONFIG, "open %s", "x"), -1);
	assert_string_equal(err.text, "open x: No such file or directory");
	assert_int_equal(err.kind, ERR_CONFIG);
}

static void texts_that_are_too_long_keep_their_beginning(void **state)
{
	struct err err;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	(void)err_set(&err, ERR_INPUT, "reason %s", text);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	(void)err_in(&err, "place");
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, "place: reason xx", 16);
	for (int i = 0; i < 5; i++)
		(void)err_in(&err, "%s", text);
	assert_true(strlen(err.text) < sizeof err.text);
	(void)err_set(&err, ERR_INPUT, "%s", "");
	(void)err_in(&err, "place");
	assert_string_equal(err.text, "place: ");
}

static void each_kind_has_its_exit_code(void **state)
{
	(void)state;
	assert_int_equal(err_exit_code(ERR_NONE), EX_OK);
	assert_int_equal(err_exit_code(ERR_RETRY), EX_TEMPFAIL);
	assert_int_equal(err_exit_code(ERR_INPUT), EX_DATAERR);
	assert_int_equal(err_exit_code(ERR_CONFIG), EX_CONFIG);
	assert_int_equal(err_exit_code(ERR_FATAL), EX_SOFTWARE);
	assert_int_equal(err_exit_code(ERR_USAGE), EX_USAGE);
}

static void our_own_bugs_end_the_process_with_one_line(void **state)
{
	int status = 0, out[2];
	char line[100] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL);
		(void)dup2(out[1], STDERR_FILENO);
		die("%d is no answer", 41);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(out[0], line, sizeof line - 1) > 0);
	assert_string_equal(line, "retaind: 41 is no answer\n");
	(void)close(out[0]);
	(void)close(out[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_one_line_with_its_places_in_front),
		cmocka_unit_test(the_system_says_why),
		cmocka_unit_test(texts_that_are_too_long_keep_their_beginning),
		cmocka_unit_test(each_kind_has_its_exit_code),
		cmocka_unit_test(our_own_bugs_end_the_process_with_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
