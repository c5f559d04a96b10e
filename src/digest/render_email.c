#include <string.h>

#include "common/clock.h"
#include "common/email_address.h"
#include "common/sha256.h"
#include "common/text.h"
#include "render_parts.h"

enum { MESSAGE_BYTES = 8 << 20, LINE = 76, NAME_CHARS = 100, SUBJECT_CHARS = 150,
       WORD_BYTES = 39 /* of an encoded word: 52 characters of base64 and its frame fit into a folded line */ };

struct mailbox {
	const char *name;    /* "" when there is none */
	const char *address; /* only harmless ASCII, one @ */
	const char *domain;
};

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "local@domain" or, where a name may be given, "Name <local@domain>". */
static int read_mailbox(const char *what, const char *text, bool may_have_name, struct arena *a, struct mailbox *out,
                        struct err *err)
{
	const char *open = text && may_have_name ? strrchr(text, '<') : NULL;
	const char *address = text && (open || email_address_is_valid(text)) ? email_address_of(a, text) : NULL;
	const char *domain = address ? strchr(address, '@') + 1 : "";

	if (!strchr(domain, '.')) /* a host's name alone makes no Message-ID that is the only one in the world */
		return err_set(err, ERR_CONFIG, "%s is not a mail address that can be used: `%s`", what,
		               text_clean(a, text ? text : "", NAME_CHARS));
	*out = (struct mailbox){ .name = "", .address = address, .domain = domain };
	if (open)
		out->name = text_trim(a, text_clean(a, arena_strndup(a, text, (size_t)(open - text)), NAME_CHARS));
	return 0;
}

static bool is_plain_ascii(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* Base64 words of RFC 2047 from text, one a line; no character is split over two. */
static void write_encoded_words(struct buf *b, struct arena *a, const char *text)
{
	for (bool is_first = true; *text; is_first = false) {
		size_t len = utf8_fit(text, WORD_BYTES);

		buf_printf(b, "%s=?UTF-8?B?%s?=", is_first ? "" : "\r\n ", base64_text(a, text, len));
		text += len;
	}
}

/* "Name: " text, folded at blanks; encoded where it is not plain ASCII, too long to fold, or looks encoded itself. */
static void write_text_header(struct buf *b, struct arena *a, const char *name, const char *text)
{
	buf_printf(b, "%s: ", name);
	if (is_plain_ascii(text) && strlen(name) + 2 + strlen(text) <= LINE && !strstr(text, "=?"))
		buf_text(b, text);
	else
		write_encoded_words(b, a, text);
	buf_text(b, "\r\n");
}

static void write_mailbox(struct buf *b, struct arena *a, const char *name, const struct mailbox *box)
{
	bool is_quotable = is_plain_ascii(box->name) && !strpbrk(box->name, "\"\\") && !strstr(box->name, "=?") &&
	                   strlen(box->name) < LINE / 2;

	buf_printf(b, "%s: ", name);
	if (*box->name) {
		if (is_quotable)
			buf_printf(b, "\"%s\"", box->name);
		else
			write_encoded_words(b, a, box->name);
		buf_printf(b, "\r\n <%s>\r\n", box->address);
	} else {
		buf_printf(b, "%s\r\n", box->address);
	}
}

/* Whether a character of quoted-printable text stands for itself at this column. */
static bool is_itself(char c, bool ends_line, size_t column)
{
	if (c < 0x20 || c > 0x7e || c == '=' || (c == ' ' && ends_line))
		return false;
	return column > 0 || (c != '.' && c != 'F');
}

/* Quoted-printable of text with \n line ends: CRLF only, lines of at most 76, nothing that a relay could take for
 * its own (a dot or "From " at the start of a line, blanks at its end). */
static void write_quoted_printable(struct buf *b, const char *text)
{
	size_t column = 0;

	for (; *text; text++) {
		bool ends_line = text[1] == '\n' || text[1] == '\0';

		if (*text == '\n') {
			buf_text(b, "\r\n");
			column = 0;
			continue;
		}
		if (column + (is_itself(*text, ends_line, column) ? 1 : 3) > LINE - 1) {
			buf_text(b, "=\r\n");
			column = 0;
		}
		if (is_itself(*text, ends_line, column)) {
			buf_char(b, *text);
			column++;
		} else {
			buf_printf(b, "=%02X", (unsigned)(unsigned char)*text);
			column += 3;
		}
	}
	if (column)
		buf_text(b, "\r\n");
}

static bool is_usable_url(const char *url)
{
	if (!url || !text_starts(url, "https://") || strlen(url) > 900)
		return false;
	for (; *url; url++)
		if (*url <= 0x20 || *url > 0x7e || strchr("<>\"\\,", *url))
			return false;
	return true;
}

struct envelope {
	struct mailbox from, to, reply_to;
	const char *key_hash; /* hex */
};

static int read_envelope(const struct digest *d, const struct render_to *to, struct arena *a, struct envelope *out,
                         struct err *err)
{
	if (read_mailbox("the channel's `from`", to->from, true, a, &out->from, err) < 0 ||
	    read_mailbox("the owner's address", d->owner_email, false, a, &out->to, err) < 0 ||
	    (to->reply_to && read_mailbox("the channel's `reply_to`", to->reply_to, true, a, &out->reply_to, err) < 0))
		return -1;
	if (strcmp(d->owner_name, d->owner_email) != 0)
		out->to.name = d->owner_name;
	out->key_hash = sha256_hex(a, to->message_key, strlen(to->message_key));
	return 0;
}

static void write_list_headers(struct buf *b, const struct digest *d, const struct render_to *to,
                               const struct envelope *e)
{
	buf_text(b, "List-ID: <digest.");
	for (const char *c = d->org; *c; c++)
		buf_char(b, is_letter_or_digit(*c) ? *c : '-');
	buf_printf(b, ".%s>\r\nList-Unsubscribe:", e->from.domain);
	if (is_usable_url(to->unsubscribe_url))
		buf_printf(b, " <%s>,\r\n", to->unsubscribe_url);
	buf_printf(b, " <mailto:%s?subject=unsubscribe>\r\n", (to->reply_to ? e->reply_to : e->from).address);
	if (is_usable_url(to->unsubscribe_url))
		buf_text(b, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

static void write_headers(struct buf *b, struct arena *a, const struct digest *d, const struct render_to *to,
                          const struct envelope *e)
{
	write_mailbox(b, a, "From", &e->from);
	write_mailbox(b, a, "To", &e->to);
	if (to->reply_to)
		write_mailbox(b, a, "Reply-To", &e->reply_to);
	write_text_header(b, a, "Subject",
	                  text_clean(a, SAY(d->words, a, "digest.subject", W_TEXT("day", d->day),
	                                    W_TEXT("headline", d->headline), W_TEXT("since", d->since)), SUBJECT_CHARS));
	buf_printf(b, "Date: %s\r\n", instant_mail_text(a, d->made_at, to->offset_s));
	buf_printf(b, "Message-ID: <%s@%s>\r\n", e->key_hash, e->from.domain);
	buf_text(b, "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n");
	write_list_headers(b, d, to, e);
}

static void write_body(struct buf *b, struct arena *a, const struct digest *d, const struct envelope *e)
{
	static const char kinds[2][32] = { "text/plain", "text/html" };
	static void (*const writers[2])(struct buf *, struct arena *, const struct digest *, size_t) = {
		digest_write_text, digest_write_html
	};
	size_t n_items = digest_html_fit(a, d);
	/* "=_" can't come up in quoted-printable. */
	const char *boundary = arena_printf(a, "=_%.32s", e->key_hash);

	buf_printf(b, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n", boundary);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(buf_done) struct buf part;

		buf_init(&part, MESSAGE_BYTES / 4);
		writers[i](&part, a, d, n_items);
		buf_printf(b, "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
		           boundary, kinds[i]);
		write_quoted_printable(b, part.at);
	}
	buf_printf(b, "--%s--\r\n", boundary);
}

int render_email(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err)
{
	CLEANUP(buf_done) struct buf b;
	struct envelope e = { .key_hash = NULL };

	buf_init(&b, MESSAGE_BYTES);
	if (read_envelope(d, to, a, &e, err) < 0)
		return -1;
	write_headers(&b, a, d, to, &e);
	write_body(&b, a, d, &e);
	*out = rendered_one(a, "message/rfc822", arena_strndup(a, b.at, b.len), b.len);
	return 0;
}
