#include "replay.h"

#include "common/http.h"
#include "common/text.h"

static void check_escape(struct arena *a, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%";
	const char *escaped = http_escape(a, text);

	REQUIRE(strspn(escaped, plain) == strlen(escaped));
}

/* The first line is a base, the second a reference: what comes of them stays within one line and one origin. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *base = arena_strndup(a, (const char *)data, size), *reference = strchr(base, '\n');
	const char *url;

	check_escape(a, base);
	(void)http_redact(a, base);
	if (!reference)
		return 0;
	*reference++ = '\0';
	(void)http_same_origin(base, reference);
	url = http_resolve(a, base, reference);
	if (url) {
		REQUIRE(!strpbrk(url, "\r\n"));
		(void)http_same_origin(base, url);
	}
	return 0;
}
