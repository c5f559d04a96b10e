#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmocka_shim.h"

#include "schedule/notify.h"

/* A stand-in for the service manager: a datagram socket at a path, or abstract. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, path, strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
			 0);
	return fd;
}

static void check_told(const char *path)
{
	int manager = listen_at(path);
	struct notify n;
	char text[64] = "";

	notify_open(&n, path);
	assert_true(n.fd >= 0);
	notify_send(&n, "READY=1\nSTATUS=%d organisations", 3);
	assert_true(recv(manager, text, sizeof text - 1, 0) > 0);
	assert_string_equal(text, "READY=1\nSTATUS=3 organisations");
	notify_close(&n);
	assert_int_equal(n.fd, -1);
	(void)close(manager);
}

static void the_manager_is_told_over_a_path_or_an_abstract_name(void **state)
{
	char folder[] = "/tmp/test_notify_XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/notify", folder);
	check_told(path);
	(void)unlink(path);
	(void)rmdir(folder);
	(void)snprintf(path, sizeof path, "@retaind-test-%d", (int)getpid());
	check_told(path);
}

static void without_a_manager_nothing_happens(void **state)
{
	static const char *const none[] = { NULL, "", "x", "relative/path", "/nowhere/at/all" };
	char long_path[200];
	struct notify n;

	(void)state;
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[0] = '/';
	long_path[sizeof long_path - 1] = '\0';
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		notify_open(&n, none[i]);
		assert_int_equal(n.fd, -1);
		notify_send(&n, "READY=1");
		notify_close(&n);
	}
	notify_open(&n, long_path);
	assert_int_equal(n.fd, -1);
}

static void a_manager_that_does_not_read_does_not_block_us(void **state)
{
	char path[64];
	struct notify n;
	int manager;

	(void)state;
	(void)snprintf(path, sizeof path, "@retaind-test-full-%d", (int)getpid());
	manager = listen_at(path);
	notify_open(&n, path);
	for (int i = 0; i < 10000; i++)
		notify_send(&n, "WATCHDOG=1");
	notify_close(&n);
	(void)close(manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_is_told_over_a_path_or_an_abstract_name),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(a_manager_that_does_not_read_does_not_block_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
