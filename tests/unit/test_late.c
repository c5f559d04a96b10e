/* Libraries that are loaded when they are first needed. */
#include "cmocka_shim.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/http.h"
#include "common/late.h"
#include "common/sign.h"
#include "web/web.h"

static void a_function_is_the_one_of_its_library(void **state)
{
	struct late_library math = { .name = "libm.so.6" };
	struct err err;

	(void)state;
	assert_true(LATE(math, ldexp)(3, 2) == 12);
	assert_non_null(math.handle);
	assert_int_equal(late_load(&math, &err), 0);
}

static void a_library_that_is_missing_is_named(void **state)
{
	struct late_library none = { .name = "libnone.so.1" };
	struct err err;

	(void)state;
	assert_int_equal(late_load(&none, &err), -1);
	assert_int_equal(err.kind, ERR_FATAL);
	assert_non_null(strstr(err.text, "libnone.so.1"));
}

/* What came on standard error of a process that asked for it, which did not outlive that. */
static void ask_in_vain(struct late_library *l, const char *function, char *said, size_t size)
{
	int pair[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(pair[1], STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL); /* the test program's own would tell of it */
		(void)late_find(l, function);
		_exit(0);
	}
	(void)close(pair[1]);
	while ((n = read(pair[0], said + len, size - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(pair[0]);
	said[len] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_function_that_is_missing_ends_the_program_and_is_named(void **state)
{
	struct late_library math = { .name = "libm.so.6" }, none = { .name = "libnone.so.1" };
	char said[500];

	(void)state;
	ask_in_vain(&math, "no_such_function", said, sizeof said);
	assert_non_null(strstr(said, "no_such_function"));
	ask_in_vain(&none, "no_such_function", said, sizeof said);
	assert_non_null(strstr(said, "libnone.so.1"));
}

static void those_that_it_was_built_with_are_there(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(http_load(&err), 0);
	assert_int_equal(sign_load(&err), 0);
	assert_int_equal(web_load(&err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_the_one_of_its_library),
		cmocka_unit_test(a_library_that_is_missing_is_named),
		cmocka_unit_test(a_function_that_is_missing_ends_the_program_and_is_named),
		cmocka_unit_test(those_that_it_was_built_with_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
