#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "common/text.h"
#include "digest/render.h"
#include "digest_sample.h"

enum { N_DIGESTS = 400, N_HEAVY = 10000 };

static struct arena *arena;
static struct err err;
static struct db *db;

static const struct render_to to = { .from = "Lumendesk <digest@lumendesk.example>", .message_key = "key",
	.offset_s = 3600,
                                     .unsubscribe_url = "https://lumendesk.example/u" };

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	db = sample_open();
	return 0;
}

static int end(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

static const char *render(const struct digest *d, const struct render_to *where)
{
	struct rendered out;

	ASSERT_OK(renderer_of("email")->render(d, where, arena, &out, &err));
	ASSERT_INT(out.n, 1);
	ASSERT_INT(strlen(out.parts[0].body), out.parts[0].len);
	return out.parts[0].body;
}

static const char *html(const struct digest *d)
{
	struct rendered out;

	ASSERT_OK(renderer_of("html")->render(d, &to, arena, &out, &err));
	return out.parts[0].body;
}

/* Seven bits, CRLF only, lines of at most 76 but for what can't be folded, no line that SMTP or a mailbox may
 * misread. */
static void check_lines(const char *mail)
{
	while (*mail) {
		const char *line_end = strstr(mail, "\r\n");
		size_t len;

		assert_non_null(line_end);
		len = (size_t)(line_end - mail);
		if (len > 76 && strncmp(mail, "Message-ID: ", 12) != 0)
			fail_msg("a line of %zu: %.100s", len, mail);
		assert_true(mail[0] != '.' && strncmp(mail, "From ", 5) != 0);
		for (size_t i = 0; i < len; i++)
			if ((mail[i] < 0x20 && mail[i] != '\t') || mail[i] > 0x7e)
				fail_msg("byte %02x in: %.*s", (unsigned)(unsigned char)mail[i], (int)len, mail);
		mail = line_end + 2;
	}
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* The names of the header's fields in order, with commas. */
static const char *field_names(const char *mail)
{
	const char *names = "";

	for (const char *line = mail; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2)
		if (*line != ' ')
			names = arena_printf(arena, "%s%.*s,", names, (int)strcspn(line, ":"), line);
	return names;
}

static const char fields[] = "From,To,Subject,Date,Message-ID,MIME-Version,Auto-Submitted,"
                             "X-Auto-Response-Suppress,List-ID,"
                             "List-Unsubscribe,List-Unsubscribe-Post,Content-Type,";

static void a_mail_has_each_header_once(void **state)
{
	struct digest d;
	const char *mail;

	(void)state;
	sample_digest(db, "csm", 5, arena, &d);
	mail = render(&d, &to);
	assert_string_equal(field_names(mail), fields);
	assert_non_null(strstr(mail, "Date: Mon, 02 Mar 2026 08:00:00 +0100\r\n"));
	/* sha256 of "key" */
	assert_non_null(strstr(mail, "Message-ID: "
	                             "<2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683@lumendesk.example>"));
	assert_non_null(strstr(mail, "To: \"Anna Lind\"\r\n <anna@lumendesk.example>\r\n"));
	assert_non_null(strstr(mail, "List-ID: <digest.lumendesk.lumendesk.example>\r\n"));
	assert_true(strstr(mail, "text/plain") < strstr(mail, "text/html"));
	check_lines(mail);
}

static void the_same_digest_gives_the_same_bytes(void **state)
{
	struct digest d;

	(void)state;
	sample_digest(db, "manager", 5, arena, &d);
	assert_string_equal(render(&d, &to), render(&d, &to));
}

static void without_an_https_address_there_is_no_one_click(void **state)
{
	static const char *const urls[] = { NULL, "http://a.example/", "https://a.example/ x",
		"https://a.example/>,<mailto:b@c.d" };
	struct digest d;

	(void)state;
	sample_digest(db, "csm", 5, arena, &d);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct render_to where = to;

		where.unsubscribe_url = urls[i];
		assert_null(strstr(render(&d, &where), "List-Unsubscribe-Post"));
		assert_non_null(strstr(render(&d, &where),
		                       "List-Unsubscribe: <mailto:digest@lumendesk.example?subject=unsubscribe>\r\n"));
	}
}

/* What may be tried in any field that ends up in a header. */
static const char *const injections[] = {
	"x\rBcc: evil@evil.example", "x\nBcc: evil@evil.example", "x\r\nBcc: evil@evil.example", "x\r\n\r\nbody",
	"x\xe2\x80\xa8" "Bcc: evil@evil.example", "x\xc2\x85" "Bcc: evil@evil.example", "x\r",
		"=?UTF-8?Q?=0D=0ABcc:_evil@evil.example?=",
	"\"quoted\" <evil@evil.example>", "a, evil@evil.example", "x\\", "\x7f\x01\x1b[31m",
};

static void nothing_in_a_name_makes_a_header_or_a_recipient(void **state)
{
	char *long_name = arena_alloc(arena, 5001);

	(void)state;
	memset(long_name, 'n', 5000);
	for (size_t i = 0; i <= ARRAY_LEN(injections); i++) {
		const char *bad = i < ARRAY_LEN(injections) ? injections[i] : long_name;
		struct render_to where = to;
		struct digest d;
		const char *mail;

		sample_digest(db, "csm", 5, arena, &d);
		d.owner_name = d.org_title = text_clean(arena, bad, 120);
		d.headline = text_clean(arena, bad, 400);
		where.from = arena_printf(arena, "%s <digest@lumendesk.example>", bad);
		mail = render(&d, &where);
		assert_string_equal(field_names(mail), fields);
		ASSERT_INT(count(mail, "\r\nBcc"), 0);
		check_lines(mail);
	}
}

static void addresses_that_are_more_than_one_address_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "a", "@b.example", "a@", "a@b", "a b@c.example", "a@b.example>\r\nRCPT TO:<e@e.example", "a@b.example\n",
			"a\r@b.example",
		"<a@b.example>,<c@d.example>", "a@b.example, c@d.example", "a@[127.0.0.1]", "a@-b.example", "a@b-.example", "a@b..example",
		".a@b.example", "a.@b.example", "a..b@c.example", "\"a\"@b.example", "a@b@c.example", "a\x7f@b.example", "a<@b.example",
		"\xc3\xa9@b.example", "a@\xc3\xa9.example", "a(c)@b.example", "a@b.example(c)", "a;b@c.example",
			"a@b.example.", "a\t@b.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.example",
	};
	struct digest d;
	struct rendered out;

	(void)state;
	sample_digest(db, "csm", 5, arena, &d);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct render_to where = to;

		d.owner_email = bad[i];
		if (renderer_of("email")->render(&d, &where, arena, &out, &err) != -1)
			fail_msg("accepted as an owner's address: %s", bad[i]);
		ASSERT_INT(err.kind, ERR_CONFIG);
		d.owner_email = "anna@lumendesk.example";
		where.from = bad[i];
		if (strchr(bad[i], '<') != bad[i] && renderer_of("email")->render(&d, &where, arena, &out, &err) != -1)
			fail_msg("accepted as a sender: %s", bad[i]);
	}
}

/* No tag and no entity is cut, and there are none but those that are written for a page. */
static void check_markup(const char *page)
{
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&nbsp;" };

	for (const char *c = page; *c; c++) {
		size_t i = 0;

		if (*c == '<' && (!strchr("abdhlmpstu/!", c[1]) || c[1 + strcspn(c + 1, "<>")] != '>'))
			fail_msg("no tag of ours: %.60s", c);
		if (*c != '&')
			continue;
		while (i < ARRAY_LEN(entities) && !text_starts(c, entities[i]))
			i++;
		if (i == ARRAY_LEN(entities))
			fail_msg("no entity: %.60s", c);
	}
}

/* Each encoded word of the header is whole characters, by itself. */
static size_t check_words(const char *mail)
{
	const char *end = strstr(mail, "\r\n\r\n"), *at = mail;
	size_t n = 0, len;

	for (; (at = strstr(at, "=?UTF-8?B?")) && at < end; n++) {
		const char *word = at + 10;
		const void *bytes = base64_bytes(arena, arena_strndup(arena, word, strcspn(word, "?")), &len);

		assert_true(bytes && len && utf8_is_valid(bytes, len));
		at = word + strcspn(word, "?");
		assert_true(text_starts(at, "?=") && at - word + 12 <= 75);
	}
	return n;
}

static char *decoded(const char *from, const char *end)
{
	char *text = arena_alloc(arena, (size_t)(end - from) + 1), *put = text;
	static const char digits[] = "0123456789ABCDEF";

	for (; from < end; from++) {
		if (*from == '\r')
			continue;
		if (*from != '=') {
			*put++ = *from;
		} else if (from[1] == '\r') {
			from += 2;
		} else {
			assert_true(strchr(digits, from[1]) && strchr(digits, from[2]));
			*put++ = (char)((strchr(digits, from[1]) - digits) * 16 + (strchr(digits, from[2]) - digits));
			from += 2;
		}
	}
	*put = '\0';
	return text;
}

/* The HTML part is the page, the text part whole characters and every account of the page. */
static void check_parts(const char *mail, const char *page, const struct digest *d)
{
	const char *text = strstr(mail, "Content-Type: text/plain"), *next = strstr(text, "\r\n--=_");
	const char *html_part = strstr(next, "\r\n\r\n") + 4, *end = strstr(html_part, "\r\n--=_"), *plain;

	assert_string_equal(decoded(html_part, end + 2), page);
	plain = decoded(strstr(text, "\r\n\r\n") + 4, next + 2);
	assert_true(utf8_is_valid(plain, strlen(plain)));
	ASSERT_INT(count(page, " href="), count(plain, "https://crm.example/a/"));
	assert_non_null(strstr(plain, d->day));
}

static void a_page_stays_below_90_kb_and_says_what_it_left_out(void **state)
{
	const uint64_t n_digests = getenv("RETAIND_HEAVY") ? N_HEAVY : N_DIGESTS;
	size_t n_cut = 0, n_words = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= n_digests; seed++) {
		struct digest d;
		const char *page;

		sample_random(seed, seed % 20 == 0 ? 500 : 60, arena, &d);
		page = html(&d);
		assert_true(strlen(page) <= 90 * 1000);
		assert_true(utf8_is_valid(page, strlen(page)));
		ASSERT_INT(count(page, "<h1 "), 1);
		ASSERT_INT(count(page, "<script") + count(page, "<img") + count(page, "<form") + count(page, "<link"), 0);
		/* Every link is one of ours. */
		ASSERT_INT(count(page, " href="), count(page, "<a href=\"https://crm.example/a/"));
		n_cut += strstr(page, "for which there is no room here") != NULL;
		check_markup(page);
		if (seed % 4 == 0 || n_digests == N_HEAVY) {
			const char *mail = render(&d, &to);

			check_lines(mail);
			n_words += check_words(mail);
			check_parts(mail, page, &d);
		}
		arena_reset(arena);
	}
	assert_true(n_cut > 3 && n_words > N_DIGESTS / 4);
}

static void a_webhook_gets_at_most_20_kb(void **state)
{
	size_t n_thin = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= N_DIGESTS; seed++) {
		struct digest d;
		struct rendered out;

		sample_random(seed, seed % 10 == 0 ? 500 : 12, arena, &d);
		ASSERT_OK(renderer_of("json")->render(&d, &to, arena, &out, &err));
		assert_true(out.parts[0].len <= 20 * 1000);
		n_thin += strstr(out.parts[0].body, "\"is_full\":false") != NULL;
		arena_reset(arena);
	}
	assert_true(n_thin > 10 && n_thin < N_DIGESTS);
}

static void plain_text_holds_no_control_bytes(void **state)
{
	const uint64_t n_digests = getenv("RETAIND_HEAVY") ? N_HEAVY : N_DIGESTS;

	(void)state;
	for (uint64_t seed = 1; seed <= n_digests; seed++) {
		struct digest d;
		struct rendered out;

		sample_random(seed, seed % 20 == 0 ? 500 : 60, arena, &d);
		ASSERT_OK(renderer_of("text")->render(&d, &to, arena, &out, &err));
		assert_true(utf8_is_valid(out.parts[0].body, out.parts[0].len));
		for (const char *c = out.parts[0].body; *c; c++)
			assert_true((unsigned char)*c >= 0x20 || *c == '\n');
		arena_reset(arena);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(a_mail_has_each_header_once),
		CASE(the_same_digest_gives_the_same_bytes),
		CASE(without_an_https_address_there_is_no_one_click),
		CASE(nothing_in_a_name_makes_a_header_or_a_recipient),
		CASE(addresses_that_are_more_than_one_address_are_refused),
		CASE(a_page_stays_below_90_kb_and_says_what_it_left_out),
		CASE(a_webhook_gets_at_most_20_kb),
		CASE(plain_text_holds_no_control_bytes),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
