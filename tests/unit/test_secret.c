/* Secrets: read by reference only, from places that nobody else can read, and gone with their arena. */
#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/secret.h"

static char folder[] = "/tmp/retaind-secret-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/s", folder);
	(void)unlink(path);
	return rmdir(folder);
}

/* Writes the one file of these tests and returns "file:PATH". */
static const char *put(struct arena *a, const void *data, size_t len, mode_t mode)
{
	const char *path = arena_printf(a, "%s/s", folder);
	int fd;

	(void)unlink(path); /* the one before may be one that even its owner can't write */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
	return arena_printf(a, "file:%s", path);
}

static void expect_refusal(const char *reference, const char *why)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *value = "untouched";
	struct err err = { 0 };

	assert_int_equal(secret_read(a, reference, &value, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (!strstr(err.text, why))
		fail_msg("%s does not say: %s", err.text, why);
	assert_string_equal(value, "untouched");
}

static void a_private_file_is_read_without_its_line_end(void **state)
{
	static const char *const texts[] = { "s3cret", "s3cret\n", "s3cret\r\n" };
	const char *value;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);

		ASSERT_OK(secret_read(a, put(a, texts[i], strlen(texts[i]), 0600), &value, &err));
		assert_string_equal(value, "s3cret");
	}
}

static void a_file_that_others_can_read_is_refused(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	expect_refusal(put(a, "x", 1, 0640), "has mode 0640, expected 0600 or stricter");
	expect_refusal(put(a, "x", 1, 0604), "has mode 0604, expected 0600 or stricter");
}

static void a_file_of_somebody_else_is_refused(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *reference = put(a, "x", 1, 0600);

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(reference + strlen("file:"), 1, 1), 0);
	expect_refusal(reference, "belongs to user 1, expected 0");
	(void)unlink(reference + strlen("file:"));
}

static void what_is_no_value_is_refused(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *large = arena_alloc(a, 65537);

	(void)state;
	memset(large, 'x', 65537);
	expect_refusal(put(a, "\n", 1, 0600), "is empty");
	expect_refusal(put(a, "a\0b", 3, 0600), "has a NUL character in it");
	expect_refusal(put(a, large, 65537, 0600), "is larger than 64 KiB");
	expect_refusal("file:/nonexistent", "secret file:/nonexistent: can't be read: No such file");
	expect_refusal("file:relative", "is a relative path");
	expect_refusal(arena_printf(a, "file:%s", folder), "is not a file");
	expect_refusal("env:RETAIND_TEST_UNSET", "is not set");
}

static void credentials_come_from_the_folder_of_systemd(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *value;
	struct err err;

	(void)state;
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	expect_refusal("credential:s", "expected systemd's LoadCredential=s:PATH");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	(void)put(a, "token\n", 6, 0440);
	ASSERT_OK(secret_read(a, "credential:s", &value, &err));
	assert_string_equal(value, "token");
	expect_refusal("credential:../s", "is not a name");
	expect_refusal("credential:a/b", "is not a name");
}

static void a_variable_is_read(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *value;
	struct err err;

	(void)state;
	assert_int_equal(setenv("RETAIND_TEST_SECRET", "from env", 1), 0);
	ASSERT_OK(secret_read(a, "env:RETAIND_TEST_SECRET", &value, &err));
	assert_string_equal(value, "from env");
	assert_string_equal(environment("RETAIND_TEST_SECRET"), "from env");
	assert_null(environment("RETAIND_TEST_UNSET"));
}

static void a_literal_is_refused_and_never_shown(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *value;
	struct err err;

	(void)state;
	assert_false(secret_is_reference("pat-eu1-1234"));
	assert_false(secret_is_reference("file:"));
	assert_false(secret_is_reference(NULL));
	assert_true(secret_is_reference("credential:x"));
	assert_int_equal(secret_read(a, "pat-eu1-1234", &value, &err), -1);
	assert_null(strstr(err.text, "1234"));
}

static const char *seen;

static void look(void *thing)
{
	(void)thing;
	for (size_t i = 0; i < strlen("s3cret"); i++)
		assert_int_equal(seen[i], 0);
}

/* Called before the memory goes and after the wipe, since the last to come is the first to be released. */
static void a_value_is_wiped_when_its_arena_goes(void **state)
{
	struct arena *a = arena_new(0);
	struct err err;

	(void)state;
	arena_on_free(a, look, NULL);
	ASSERT_OK(secret_read(a, put(a, "s3cret", 6, 0600), &seen, &err));
	assert_string_equal(seen, "s3cret");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_private_file_is_read_without_its_line_end),
		cmocka_unit_test(a_file_that_others_can_read_is_refused),
		cmocka_unit_test(a_file_of_somebody_else_is_refused),
		cmocka_unit_test(what_is_no_value_is_refused),
		cmocka_unit_test(credentials_come_from_the_folder_of_systemd),
		cmocka_unit_test(a_variable_is_read),
		cmocka_unit_test(a_literal_is_refused_and_never_shown),
		cmocka_unit_test(a_value_is_wiped_when_its_arena_goes),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
