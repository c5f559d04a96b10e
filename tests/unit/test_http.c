#include "cmocka_shim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/http.h"

/* A server for one connection: reads until the blank line (and `body_len` bytes behind it), writes its answer,
 * closes. */
struct server {
	pid_t pid;
	char url[64];
};

static void serve(int listener, const char *answer, size_t len, size_t body_len)
{
	int fd = accept(listener, NULL, NULL);
	char seen[65536];
	size_t n = 0;
	const char *end = NULL;

	while (fd >= 0 && n < sizeof seen - 1) {
		ssize_t got = read(fd, seen + n, sizeof seen - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
		seen[n] = '\0';
		end = strstr(seen, "\r\n\r\n");
		if (end && (size_t)(seen + n - end - 4) >= body_len)
			break;
	}
	for (size_t at = 0; at < len;) {
		ssize_t put = write(fd, answer + at, len - at);

		if (put <= 0)
			break;
		at += (size_t)put;
	}
	shutdown(fd, SHUT_WR);
	_exit(0);
}

static struct server start(const char *answer, size_t len, size_t body_len)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct server s;

	ASSERT_INT(bind(listener, (const struct sockaddr *)&address, size), 0);
	ASSERT_INT(listen(listener, 5), 0);
	ASSERT_INT(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(s.url, sizeof s.url, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
	s.pid = fork();
	if (s.pid == 0)
		serve(listener, answer, len, body_len);
	close(listener);
	return s;
}

static const struct http_options local = { .allows_http_loopback = true, .timeout_ms = 5000, .max_body_bytes = 1000 };

struct exchange {
	struct arena *a;
	struct http_response r;
	struct err err;
	int rc;
	bool was_sent;
};

static struct exchange ask_bytes(const char *answer, size_t len)
{
	struct server s = start(answer, len, 0);
	CLEANUP(http_freep) struct http *h = http_new(&local);
	struct exchange x = { .a = arena_new(0) };
	struct http_header accept = { "Accept", "application/json" };

	x.rc = http_send(h, x.a, &(struct http_request){ .method = "GET", .url = s.url, .headers = &accept,
	                                                 .n_headers = 1 },
	                 &x.r, &x.err);
	x.was_sent = http_was_sent(h);
	waitpid(s.pid, NULL, 0);
	return x;
}

static struct exchange ask(const char *answer)
{
	return ask_bytes(answer, strlen(answer));
}

static void an_answer_comes_with_its_status_headers_and_body(void **state)
{
	struct exchange x = ask("HTTP/1.1 404 Not Found\r\nX-Odd:  two words \r\nContent-Length: 5\r\n\r\nhello");

	(void)state;
	ASSERT_INT(x.rc, 0);
	ASSERT_INT(x.r.status, 404);
	assert_string_equal(x.r.body, "hello");
	ASSERT_INT(x.r.body_len, 5);
	assert_string_equal(http_header(&x.r, "x-odd"), "two words");
	assert_null(http_header(&x.r, "x-other"));
	assert_true(x.was_sent);
	arena_free(x.a);
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
	struct exchange x = ask("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");

	(void)state;
	ASSERT_INT(x.rc, 0);
	ASSERT_INT(x.r.status, 302);
	arena_free(x.a);
}

static void a_body_that_was_cut_is_no_answer(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"results\":[",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhel",
		"HTTP/1.1 200 OK\r\nContent-Le",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct exchange x = ask(answers[i]);

		ASSERT_INT(x.rc, -1);
		ASSERT_INT(x.err.kind, ERR_RETRY);
		assert_true(x.was_sent);
		arena_free(x.a);
	}
}

static void an_answer_above_a_ceiling_is_refused(void **state)
{
	char big[200000] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n";
	size_t n;
	struct exchange x;

	(void)state;
	memset(big + strlen(big), 'x', 2000);
	x = ask(big);
	ASSERT_INT(x.rc, -1);
	ASSERT_INT(x.err.kind, ERR_INPUT);
	assert_non_null(strstr(x.err.text, "body"));
	arena_free(x.a);

	n = (size_t)snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 201; i++)
		n += (size_t)snprintf(big + n, sizeof big - n, "X-%d: 1\r\n", i);
	(void)snprintf(big + n, sizeof big - n, "Content-Length: 0\r\n\r\n");
	x = ask(big);
	ASSERT_INT(x.rc, -1);
	ASSERT_INT(x.err.kind, ERR_INPUT);
	assert_non_null(strstr(x.err.text, "headers"));
	arena_free(x.a);

	n = (size_t)snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\nX: ");
	memset(big + n, 'y', 70000);
	(void)snprintf(big + n + 70000, sizeof big - n - 70000, "\r\nContent-Length: 0\r\n\r\n");
	x = ask(big);
	ASSERT_INT(x.rc, -1);
	ASSERT_INT(x.err.kind, ERR_INPUT);
	arena_free(x.a);
}

/* 4,000 zero bytes, gzipped. */
static const unsigned char small_bomb[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00,
	0x00, 0xc2, 0xa0, 0xf5, 0x4f, 0x6d, 0x0c, 0x1f, 0xa0, 0x00, 0x00, 0x00, 0x80, 0xb7, 0x01, 0xbe,
	0x93, 0x8b, 0x3a, 0xa0, 0x0f, 0x00, 0x00,
};

static void the_ceiling_counts_what_comes_out_of_compression(void **state)
{
	char answer[1000];
	int head = snprintf(answer, sizeof answer,
	                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
	                    sizeof small_bomb);
	struct exchange x;

	(void)state;
	memcpy(answer + head, small_bomb, sizeof small_bomb);
	x = ask_bytes(answer, (size_t)head + sizeof small_bomb);
	ASSERT_INT(x.rc, -1);
	ASSERT_INT(x.err.kind, ERR_INPUT);
	arena_free(x.a);
}

static struct err refused(const struct http_options *options, const char *url)
{
	CLEANUP(http_freep) struct http *h = http_new(options);
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct http_response r;
	struct err err = { 0 };

	ASSERT_INT(http_send(h, a, &(struct http_request){ .method = "POST", .url = url, .body = "x", .body_len = 1 }, &r,
	                     &err), -1);
	assert_false(http_was_sent(h));
	return err;
}

static void private_addresses_are_refused_however_they_are_spelled(void **state)
{
	static const char *const urls[] = {
		"https://127.0.0.1/",  "https://2130706433/", "https://0x7f.1/",          "https://127.1/",
			          "https://0/",
		"https://[::1]/",      "https://10.0.0.1/",   "https://169.254.169.254/", "https://192.168.0.1/",
			    "https://localhost/",
		"https://[::ffff:127.0.0.1]/",                "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/",
	};
	static const struct http_options strict = { .timeout_ms = 3000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct err err = refused(&strict, urls[i]);

		if (err.kind != ERR_CONFIG || !strstr(err.text, "private"))
			fail_msg("%s: kind %d, %s", urls[i], (int)err.kind, err.text);
	}
}

static void plain_http_needs_the_flag_and_goes_to_this_machine_only(void **state)
{
	static const struct http_options strict = { .allows_private = true, .timeout_ms = 3000 };

	(void)state;
	ASSERT_INT(refused(&strict, "http://127.0.0.1:1/").kind, ERR_CONFIG);
	ASSERT_INT(refused(&local, "http://10.255.255.1/").kind, ERR_CONFIG);
	ASSERT_INT(refused(&local, "file:///etc/hostname").kind, ERR_CONFIG);
	ASSERT_INT(refused(&local, "ftp://127.0.0.1/").kind, ERR_CONFIG);
	ASSERT_INT(refused(&local, "127.0.0.1/").kind, ERR_CONFIG);
	ASSERT_INT(refused(&local, "http://127.0.0.1:1/").kind, ERR_RETRY); /* nobody listens */
}

static void a_header_can_not_smuggle_another(void **state)
{
	CLEANUP(http_freep) struct http *h = http_new(&local);
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct http_header evil = { "Authorization", "Bearer x\r\nHost: evil.test" };
	struct http_response r;
	struct err err;

	(void)state;
	ASSERT_INT(http_send(h, a, &(struct http_request){ .method = "GET", .url = "http://127.0.0.1:1/", .headers = &evil,
	                                                   .n_headers = 1 }, &r, &err), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_null(strstr(err.text, "Bearer"));
}

static void the_environment_brings_no_proxy(void **state)
{
	struct exchange x;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	x = ask("HTTP/1.1 204 No Content\r\n\r\n");
	ASSERT_INT(x.rc, 0);
	ASSERT_INT(x.r.status, 204);
	arena_free(x.a);
}

static void a_request_that_got_no_answer_was_sent_all_the_same(void **state)
{
	struct server s = start("", 0, 5);
	CLEANUP(http_freep) struct http *h = http_new(&local);
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct http_response r;
	struct err err;

	(void)state;
	ASSERT_INT(http_send(h, a, &(struct http_request){ .method = "POST", .url = s.url, .body = "hello", .body_len = 5 },
	                     &r, &err), -1);
	waitpid(s.pid, NULL, 0);
	ASSERT_INT(err.kind, ERR_RETRY);
	assert_true(http_was_sent(h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_with_its_status_headers_and_body),
		cmocka_unit_test(a_redirect_is_an_answer_and_is_not_followed),
		cmocka_unit_test(a_body_that_was_cut_is_no_answer),
		cmocka_unit_test(an_answer_above_a_ceiling_is_refused),
		cmocka_unit_test(the_ceiling_counts_what_comes_out_of_compression),
		cmocka_unit_test(private_addresses_are_refused_however_they_are_spelled),
		cmocka_unit_test(plain_http_needs_the_flag_and_goes_to_this_machine_only),
		cmocka_unit_test(a_header_can_not_smuggle_another),
		cmocka_unit_test(the_environment_brings_no_proxy),
		cmocka_unit_test(a_request_that_got_no_answer_was_sent_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
