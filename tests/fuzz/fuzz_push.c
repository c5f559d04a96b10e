#include "replay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/web/auth.h"
#include "../../src/web/gzip.h"
#include "common/sha256.h"
#include "store/spool.h"

/* What a stranger sends: the first line is every header that we read, the rest the body. None of it may pass for known,
 * whatever it is; and what it is as a packed body, or as a file of a spool, is refused or read within its ends. */

enum { NOW = 1780300800 };

static const char *header(void *context, const char *name)
{
	(void)name;
	return context;
}

static void try_senders(struct arena *a, char *line, const char *body, size_t len)
{
	static const char *secrets[] = { "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" };
	struct web_head head = { .method = "POST", .path = "/", .header = header, .context = line };

	for (int kind = WEB_AUTH_WRITE_KEY; kind <= WEB_AUTH_ESPOCRM; kind++) {
		struct web_source s = { .auth = (enum web_auth)kind, .secrets = secrets, .n_secrets = 1 };

		REQUIRE(!auth_head(&s, &head, a) || (kind != WEB_AUTH_WRITE_KEY && !auth_body(&s, &head, body, len, NOW, a)));
	}
}

static void try_spool(struct arena *a, const uint8_t *data, size_t size)
{
	char folder[] = "/tmp/retaind-fuzz-push-XXXXXX";
	CLEANUP(spool_read_close) struct spool_reader r = { 0 };
	struct spool_entry e;
	struct err err;
	size_t n_bytes = 0;
	int fd, rc;

	REQUIRE(mkdtemp(folder));
	fd = open(arena_printf(a, "%s/0000000000000007.spool", folder), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
	REQUIRE(spool_read_open(&r, folder, NULL, a, &err) == 0);
	while ((rc = spool_read_next(&r, &e, &err)) == 1)
		n_bytes += e.body_len;
	REQUIRE(rc == 0 && n_bytes <= size);
	REQUIRE(spool_forget(folder, "8:0", &err) == 0 && rmdir(folder) == 0);
}

int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const uint8_t *end = memchr(data, '\n', size);
	size_t line_len = end ? (size_t)(end - data) : size;
	char *line = arena_strndup(a, (const char *)data, line_len);
	const char *body = arena_strndup(a, end ? (const char *)end + 1 : "", end ? size - line_len - 1 : 0), *out;
	size_t len = end ? size - line_len - 1 : 0, out_len;
	struct err err;

	try_senders(a, line, body, len);
	/* what a login holds once it is decoded */
	try_senders(a, arena_printf(a, "Basic %s", base64_text(a, data, size)), body, len);
	if (gzip_unpack(a, body, len, &out, &out_len, &err) == 0)
		REQUIRE(out_len <= WEB_MAX_BODY && out[out_len] == '\0');
	try_spool(a, data, size);
	return 0;
}
