#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/lock.h"

static struct err err;

static void a_lock_is_held_once_and_names_its_holder(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char folder[] = "/tmp/retaind-lock-XXXXXX";
	const char *path = arena_printf(a, "%s/x.lock", mkdtemp(folder));
	CLEANUP(lock_release) int first = -1;
	CLEANUP(lock_release) int second = -1;
	struct stat st;

	(void)state;
	ASSERT_OK(lock_take(path, &first, &err));
	ASSERT_OK(stat(path, &st));
	ASSERT_INT(st.st_mode & 0777, 0600);
	ASSERT_INT(lock_take(path, &second, &err), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	assert_non_null(strstr(err.text, arena_printf(a, "process %d holds", (int)getpid())));
	ASSERT_INT(second, -1);
	lock_release(&first);
	ASSERT_OK(lock_take(path, &second, &err));
	ASSERT_OK(unlink(path));
	ASSERT_INT(lock_take(arena_printf(a, "%s/no/x.lock", folder), &first, &err), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	ASSERT_OK(symlink("/tmp", path));
	ASSERT_INT(lock_take(path, &first, &err), -1);
	ASSERT_OK(unlink(path));
	ASSERT_OK(rmdir(folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_is_held_once_and_names_its_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
