#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_shim.h"

#include "common/clock.h"
#include "schedule/jobs.h"

static struct err err;
static char folder[] = "/tmp/test_jobs_XXXXXX";
static char program[64], out_path[64];

/* A stand-in for our own binary whose organisation says what it does. */
static const char script[] = "#!/bin/sh\n"
                             "case \"$5\" in\n"
                             "ok) exit 0;;\n"
                             "retry) exit 75;;\n"
                             "admin) exit 78;;\n"
                             "broken) exit 70;;\n"
                             "crash) kill -SEGV $$;;\n"
                             "hang*) exec sleep 100;;\n"
                             "stubborn) trap '' TERM; echo up > \"$3/up\"; while :; do sleep 0.05; done;;\n"
                             /* The mask first: around a fork the shell changes it of its own accord. */
                             "tell) while read -r l; do case $l in SigBlk*) m=$l;; esac; done < /proc/$$/status\n"
                             "{ echo \"$@\"; ls /proc/self/fd | wc -l; echo \"${NOTIFY_SOCKET-none}\"; "
                             "cut -d' ' -f5 /proc/$$/stat; echo $$; echo \"$m\"; } > \"$3/out\";;\n"
                             "esac\n";

static int set_up(void **state)
{
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(program, sizeof program, "%s/program", folder);
	(void)snprintf(out_path, sizeof out_path, "%s/out", folder);
	file = fopen(program, "we");
	assert_non_null(file);
	assert_true(fputs(script, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return chmod(program, 0700);
}

static int tear_down(void **state)
{
	char up[64];

	(void)state;
	(void)snprintf(up, sizeof up, "%s/up", folder);
	(void)unlink(up);
	(void)unlink(out_path);
	(void)unlink(program);
	return rmdir(folder);
}

static struct jobs jobs(void)
{
	return (struct jobs){ .program = program, .config_dir = folder, .log_option = "-vv" };
}

static int start(struct jobs *j, enum job_kind kind, const char *org)
{
	struct job job = { .kind = kind, .slots = "2026-02-16 ada@acme.example\n", .timeout_s = 100 };
	int rc;

	(void)snprintf(job.org, sizeof job.org, "%s", org);
	rc = jobs_start(j, &job, clock_monotonic_ms(), &err);
	ASSERT_OK(rc);
	return rc;
}

/* Waits for the next child and tells its result. */
static enum job_result finish(struct jobs *j)
{
	enum job_result result;
	struct job job;
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	ASSERT_INT(jobs_ended(j, pid, status, &job, &result), 1);
	ASSERT_INT(job.pid, pid);
	return result;
}

static void exit_codes_say_what_to_do(void **state)
{
	static const struct {
		const char *org;
		enum job_result result;
	} cases[] = { { "ok", JOB_OK },
		      { "retry", JOB_RETRY },
		      { "admin", JOB_ADMIN },
		      { "broken", JOB_FAILED },
		      { "crash", JOB_RETRY } };
	struct jobs j = jobs();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ASSERT_INT(start(&j, JOB_SCORE, cases[i].org), 1);
		ASSERT_INT(finish(&j), cases[i].result);
	}
	ASSERT_INT(j.n, 0);
}

static void a_program_that_cannot_be_executed_is_tried_again(void **state)
{
	struct jobs j = { .program = "/nowhere/retaind", .config_dir = folder };

	(void)state;
	ASSERT_INT(start(&j, JOB_PULL, "ok"), 1);
	ASSERT_INT(finish(&j), JOB_RETRY);
}

static void one_of_a_kind_per_organisation_and_places_for_each_kind(void **state)
{
	struct jobs j = jobs();
	int n = 4;

	(void)state;
	ASSERT_INT(start(&j, JOB_PULL, "hang"), 1);
	ASSERT_INT(start(&j, JOB_PULL, "hang"), 0);
	ASSERT_INT(start(&j, JOB_SCORE, "hang"), 1);
	ASSERT_INT(start(&j, JOB_PULL, "ok"), 0); /* two long ones run already */
	ASSERT_INT(start(&j, JOB_DIGEST, "hang"), 1);
	ASSERT_INT(start(&j, JOB_DELIVER, "hang"), 1);
	ASSERT_INT(start(&j, JOB_DELIVER, "hang"), 0);
	for (; n < 4 + JOBS_MAX_DELIVER - 1; n++) {
		char org[32];

		(void)snprintf(org, sizeof org, "hang%d", n);
		ASSERT_INT(start(&j, JOB_DELIVER, org), 1);
	}
	ASSERT_INT(start(&j, JOB_DELIVER, "ok"), 0);
	ASSERT_INT(start(&j, JOB_DIGEST, "crash"), 1); /* sinks that hang take no digest's place */
	n++;
	assert_non_null(jobs_find(&j, JOB_DIGEST, "hang"));
	assert_null(jobs_find(&j, JOB_DIGEST, "ok"));
	jobs_stop(&j, clock_monotonic_ms());
	for (int i = 0; i < n; i++)
		ASSERT_INT(finish(&j), JOB_RETRY);
	ASSERT_INT(j.n, 0);
}

static void what_takes_too_long_is_told_and_then_killed(void **state)
{
	struct jobs j = jobs();
	struct job job = { .kind = JOB_PULL, .org = "stubborn", .timeout_s = 60 };
	char up[64];
	int status;

	(void)state;
	(void)snprintf(up, sizeof up, "%s/up", folder);
	ASSERT_INT(jobs_start(&j, &job, 1000, &err), 1);
	while (access(up, F_OK) < 0) /* it ignores SIGTERM from here on */
		(void)usleep(5000);
	ASSERT_INT(jobs_enforce(&j, 1000), 60000);
	ASSERT_INT(jobs_enforce(&j, 60999), 1);
	ASSERT_INT(waitpid(j.running[0].pid, &status, WNOHANG), 0);
	ASSERT_INT(jobs_enforce(&j, 61000), JOB_GRACE_MS);
	ASSERT_INT(jobs_enforce(&j, 61001), JOB_GRACE_MS - 1);
	(void)usleep(50000);
	ASSERT_INT(waitpid(j.running[0].pid, &status, WNOHANG), 0);
	ASSERT_INT(jobs_enforce(&j, 66000), JOB_GRACE_MS);
	ASSERT_INT(finish(&j), JOB_RETRY);
	ASSERT_INT(jobs_enforce(&j, 67000), -1);
}

static void a_child_gets_its_arguments_and_nothing_of_us(void **state)
{
	struct jobs j = jobs();
	char text[1024] = "", expected[256];
	int fd = open("/dev/null", O_RDONLY); /* deliberately not close-on-exec */
	size_t n;
	long group, pid;
	FILE *file;
	sigset_t term, before;

	(void)state;
	assert_int_equal(setenv("NOTIFY_SOCKET", "/run/notify", 1), 0);
	(void)sigemptyset(&term);
	(void)sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, &before);
	ASSERT_INT(start(&j, JOB_DIGEST, "tell"), 1);
	ASSERT_INT(finish(&j), JOB_OK);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)close(fd);
	(void)unsetenv("NOTIFY_SOCKET");
	file = fopen(out_path, "re");
	assert_non_null(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	(void)snprintf(expected, sizeof expected,
	               "digest --config %s --org tell -vv --slots -\n4\nnone\n", folder);
	assert_memory_equal(text, expected, strlen(expected)); /* 0, 1, 2 and what ls opened */
	group = strtol(strchr(strstr(text, "none"), '\n') + 1, NULL, 10);
	pid = strtol(strchr(strchr(strstr(text, "none"), '\n') + 1, '\n') + 1, NULL, 10);
	ASSERT_INT(group, pid);
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
}

static void a_child_does_not_outlive_its_daemon(void **state)
{
	int ends[2];
	pid_t daemon, child = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	daemon = fork();
	if (daemon == 0) {
		struct jobs j = jobs();

		(void)start(&j, JOB_PULL, "hang");
		(void)!write(ends[1], &j.running[0].pid, sizeof(pid_t));
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
	assert_int_equal(kill(child, 0), 0);
	assert_int_equal(kill(daemon, SIGKILL), 0);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	for (int i = 0; i < 400; i++) {
		char path[64], line[256] = "";
		FILE *file;

		(void)snprintf(path, sizeof path, "/proc/%d/stat", child);
		file = fopen(path, "re");
		if (file == NULL)
			break;
		(void)!fgets(line, sizeof line, file);
		(void)fclose(file);
		if (strstr(line, ") Z ") != NULL) /* dead; somebody else has to bury it */
			break;
		assert_true(i < 399);
		(void)usleep(5000);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void a_stranger_that_ends_is_no_job(void **state)
{
	struct jobs j = jobs();
	enum job_result result;
	struct job job;

	(void)state;
	ASSERT_INT(jobs_ended(&j, 12345, 0, &job, &result), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes_say_what_to_do),
		cmocka_unit_test(a_program_that_cannot_be_executed_is_tried_again),
		cmocka_unit_test(one_of_a_kind_per_organisation_and_places_for_each_kind),
		cmocka_unit_test(what_takes_too_long_is_told_and_then_killed),
		cmocka_unit_test(a_child_gets_its_arguments_and_nothing_of_us),
		cmocka_unit_test(a_child_does_not_outlive_its_daemon),
		cmocka_unit_test(a_stranger_that_ends_is_no_job),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
