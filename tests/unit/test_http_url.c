#include "cmocka_shim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "../../src/common/http_parts.h"
#include "common/clock.h"
#include "common/http.h"

struct origin_case {
	const char *base, *url;
	bool is_same;
};

static const char api[] = "https://api.example.com";

/* What a `next` link, a Location or a Link header may try. */
static const struct origin_case origin_cases[] = {
	{ api, "https://api.example.com/v3/next?after=2", true },
	{ api, "https://API.EXAMPLE.COM/v3", true },
	{ api, "HTTPS://api.example.com/v3", true },
	{ api, "https://api.example.com:443/v3", true },
	{ "https://api.example.com:443", "https://api.example.com/v3", true },
	{ "https://api.example.com/crm/v3?x=1", "https://api.example.com/other", true },
	{ "http://127.0.0.1:8080", "http://127.0.0.1:8080/next", true },
	{ "https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/x", true },
	{ api, "http://api.example.com/v3", false },
	{ api, "https://api.example.com:8443/v3", false },
	{ api, "https://api.example.com:80/v3", false },
	{ api, "https://api.example.com@evil.test/", false },
	{ api, "https://user@api.example.com/", false },
	{ api, "https://user:secret@api.example.com/", false },
	{ api, "https://:@api.example.com/", false },
	{ api, "//evil.test/v3", false },
	{ api, "\\\\evil.test\\v3", false },
	{ api, "https:\\\\api.example.com\\v3", false },
	{ api, "https://api.example.com\\@evil.test/", false },
	{ api, "https://evil.test\\.api.example.com/", false },
	{ api, "https://api.example.com.evil.test/", false },
	{ api, "https://evil-api.example.com/", false },
	{ api, "https://example.com/", false },
	{ api, "https://api.example.com./", false },
	{ api, "https://\xd0\xb0pi.example.com/", false }, /* a Cyrillic a */
	{ api, "https://xn--pi-6kc.example.com/", false },
	{ api, "https://api.example.com/v3#part", false },
	{ api, "https://api.example.com/v3#", false },
	{ api, "https://api.example.com#@evil.test/", false },
	{ api, "https://api.example.com/ v3", false },
	{ api, "https://api.example.com/\r\nX-Header: 1", false },
	{ api, "https://evil.test?api.example.com", false },
	{ api, "file:///etc/hostname", false },
	{ api, "ftp://api.example.com/v3", false },
	{ api, "javascript:alert(1)", false },
	{ api, "/v3/next", false },
	{ api, "", false },
	{ "http://127.0.0.1:8080", "http://localhost:8080/", false },
	{ "http://127.0.0.1:8080", "http://127.0.0.1:8081/", false },
	{ "https://2130706433", "https://2130706434/", false },
};

static void only_the_same_scheme_host_and_port_are_the_same_origin(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(origin_cases); i++)
		if (http_same_origin(origin_cases[i].base, origin_cases[i].url) != origin_cases[i].is_same)
			fail_msg("%s and %s: expected %d", origin_cases[i].base, origin_cases[i].url, origin_cases[i].is_same);
}

static void a_reference_is_resolved_against_its_base(void **state)
{
	static const struct {
		const char *reference, *want;
	} cases[] = {
		{ "https://other.example/x", "https://other.example/x" },
		{ "/crm/v4?x=%2F", "https://api.example.com/crm/v4?x=%2F" },
		{ "?after=2", "https://api.example.com/crm/v3?after=2" },
		{ "accounts?%24skiptoken=100", "https://api.example.com/crm/accounts?%24skiptoken=100" },
		{ "../up", "https://api.example.com/up" },
		{ "//evil.test/x", "https://evil.test/x" },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(http_resolve(a, "https://api.example.com/crm/v3?limit=1", cases[i].reference),
		                    cases[i].want);
	assert_null(http_resolve(a, "https://api.example.com", "\\\\evil.test"));
	assert_null(http_resolve(a, "https://api.example.com", "/a b"));
	assert_null(http_resolve(a, "https://api.example.com", ""));
	assert_null(http_resolve(a, "api.example.com/no-scheme\n", "/x"));
}

static void escapes_leave_unreserved_characters_alone(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(http_escape(a, "aZ0-._~"), "aZ0-._~");
	assert_string_equal(http_escape(a, "[\"1\",\"é\"] &=+%3D/"), "%5B%221%22%2C%22%C3%A9%22%5D%20%26%3D%2B%253D%2F");
	assert_string_equal(http_escape(a, ""), "");
}

static void a_secret_url_shows_its_host_and_four_characters(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(http_redact(a, "https://hooks.slack.com/services/T000/B000/abcdefghwxyz"),
	                    "https://hooks.slack.com/…wxyz");
	assert_string_equal(http_redact(a, "https://h.example/short"), "https://h.example/…");
	assert_string_equal(http_redact(a, "https://user:pw@h.example/aaaaaaaaaaaaaaaaaaaaaaaa"),
	                    "https://h.example/…aaaa");
	assert_string_equal(http_redact(a, "not a url"), "(a malformed URL)");
}

static int64_t wait_of(const char *value)
{
	struct http_header h = { "retry-after", value };
	struct http_response r = { .headers = &h, .n_headers = value ? 1 : 0 };

	return http_retry_after_s(&r, 1767225600); /* Thu, 01 Jan 2026 00:00:00 GMT */
}

static void retry_after_is_read_in_both_forms(void **state)
{
	(void)state;
	ASSERT_INT(wait_of("27"), 27);
	ASSERT_INT(wait_of("0"), 0);
	ASSERT_INT(wait_of("86400"), 3600);
	ASSERT_INT(wait_of("Thu, 01 Jan 2026 00:01:30 GMT"), 90);
	ASSERT_INT(wait_of("Wed, 31 Dec 2025 23:00:00 GMT"), 0);
	ASSERT_INT(wait_of("Fri, 02 Jan 2026 00:00:00 GMT"), 3600);
	ASSERT_INT(wait_of(NULL), -1);
	ASSERT_INT(wait_of("-5"), -1);
	ASSERT_INT(wait_of("soon"), -1);
	ASSERT_INT(wait_of("1.5"), -1);
	ASSERT_INT(wait_of(""), -1);
}

static void retry_after_is_counted_from_the_clock_of_the_answer(void **state)
{
	struct http_header headers[] = { { "retry-after", "Thu, 01 Jan 2026 02:00:30 GMT" },
		                             { "date", "Thu, 01 Jan 2026 02:00:00 GMT" } };
	struct http_response r = { .headers = headers, .n_headers = 2 };

	(void)state;
	ASSERT_INT(http_retry_after_s(&r, 1767225600), 30); /* two hours behind */
	ASSERT_INT(http_retry_after_s(&r, 1767240000), 30); /* two hours ahead */
}

struct address_case {
	const char *text;
	enum address_kind kind;
};

static const struct address_case address_cases[] = {
	{ "8.8.8.8", ADDRESS_PUBLIC },           { "104.16.1.1", ADDRESS_PUBLIC },     { "9.255.255.255", ADDRESS_PUBLIC },
	{ "11.0.0.0", ADDRESS_PUBLIC },          { "172.15.255.255", ADDRESS_PUBLIC }, { "172.32.0.0", ADDRESS_PUBLIC },
	{ "100.63.255.255", ADDRESS_PUBLIC },    { "100.128.0.0", ADDRESS_PUBLIC },    { "198.17.255.255", ADDRESS_PUBLIC },
	{ "198.20.0.0", ADDRESS_PUBLIC },        { "223.255.255.255", ADDRESS_PUBLIC },
	{ "127.0.0.1", ADDRESS_LOOPBACK },       { "127.255.255.254", ADDRESS_LOOPBACK },
	{ "0.0.0.0", ADDRESS_PRIVATE },          { "0.1.2.3", ADDRESS_PRIVATE },       { "10.0.0.1", ADDRESS_PRIVATE },
	{ "172.16.0.1", ADDRESS_PRIVATE },       { "172.31.255.255", ADDRESS_PRIVATE }, { "192.168.1.1", ADDRESS_PRIVATE },
	{ "169.254.169.254", ADDRESS_PRIVATE },  { "100.64.0.1", ADDRESS_PRIVATE },    { "192.0.0.8", ADDRESS_PRIVATE },
	{ "192.0.2.1", ADDRESS_PRIVATE },        { "192.88.99.1", ADDRESS_PRIVATE },   { "198.18.0.1", ADDRESS_PRIVATE },
	{ "198.19.255.255", ADDRESS_PRIVATE },   { "198.51.100.1", ADDRESS_PRIVATE },  { "203.0.113.1", ADDRESS_PRIVATE },
	{ "224.0.0.1", ADDRESS_PRIVATE },        { "240.0.0.1", ADDRESS_PRIVATE },
		    { "255.255.255.255", ADDRESS_PRIVATE },
	{ "2606:4700::1", ADDRESS_PUBLIC },      { "2a00:1450::1", ADDRESS_PUBLIC },   { "::ffff:8.8.8.8", ADDRESS_PUBLIC },
	{ "::1", ADDRESS_LOOPBACK },             { "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
	{ "::", ADDRESS_PRIVATE },               { "::ffff:10.0.0.1", ADDRESS_PRIVATE }, { "::127.0.0.1", ADDRESS_PRIVATE },
	{ "::ffff:169.254.169.254", ADDRESS_PRIVATE }, { "64:ff9b::a9fe:a9fe", ADDRESS_PRIVATE },
	{ "64:ff9b:1::1", ADDRESS_PRIVATE },     { "100::1", ADDRESS_PRIVATE },        { "2001:db8::1", ADDRESS_PRIVATE },
	{ "2002:7f00:1::", ADDRESS_PRIVATE },    { "3fff:fff::1", ADDRESS_PRIVATE },   { "5f00::1", ADDRESS_PRIVATE },
	{ "fc00::1", ADDRESS_PRIVATE },          { "fdff::1", ADDRESS_PRIVATE },       { "fe80::1", ADDRESS_PRIVATE },
	{ "febf::1", ADDRESS_PRIVATE },          { "ff02::1", ADDRESS_PRIVATE },       { "2001::1", ADDRESS_PRIVATE },
};

static void addresses_of_no_public_service_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(address_cases); i++) {
		struct sockaddr_in in4 = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		const struct sockaddr *address = (const struct sockaddr *)&in4;

		if (inet_pton(AF_INET, address_cases[i].text, &in4.sin_addr) != 1) {
			ASSERT_INT(inet_pton(AF_INET6, address_cases[i].text, &in6.sin6_addr), 1);
			address = (const struct sockaddr *)&in6;
		}
		if (http_address_kind(address) != address_cases[i].kind)
			fail_msg("%s is taken for kind %d", address_cases[i].text, (int)http_address_kind(address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_same_scheme_host_and_port_are_the_same_origin),
		cmocka_unit_test(a_reference_is_resolved_against_its_base),
		cmocka_unit_test(escapes_leave_unreserved_characters_alone),
		cmocka_unit_test(a_secret_url_shows_its_host_and_four_characters),
		cmocka_unit_test(retry_after_is_read_in_both_forms),
		cmocka_unit_test(retry_after_is_counted_from_the_clock_of_the_answer),
		cmocka_unit_test(addresses_of_no_public_service_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
