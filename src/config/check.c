/* Checks that several parts of the configuration share. */
#include <string.h>

#include "common/clock.h"
#include "common/email_address.h"
#include "common/nearest.h"
#include "common/text.h"
#include "config/secret.h"
#include "load.h"

enum { SHOWN_CHARS = 60, SHOWN_NAMES = 20, NAME_MAX_BYTES = 64 };

/* The entry with this key, or the mapping when it has none. */
static const struct yaml *spot(const struct yaml *where, const char *key)
{
	const struct yaml *entry = yaml_member(where, key);

	return entry ? entry : where;
}

static const char *shown(struct mistakes *m, const char *text)
{
	return text_clean(m->arena, text, SHOWN_CHARS);
}

void check_absolute(const struct yaml *where, const char *key, const char *path, struct mistakes *m)
{
	if (path && path[0] != '/')
		mistake_at(m, spot(where, key), "is the relative path `%s`, expected one from /", shown(m, path));
}

/* The value is not shown: it may be the secret. */
void check_reference(const struct yaml *where, const char *key, const char *text, struct mistakes *m)
{
	if (text && !secret_is_reference(text))
		mistake_at(m, spot(where, key),
		           "a secret written out, expected a reference: credential:NAME, file:PATH or env:NAME");
}

bool is_loopback(const char *host)
{
	static const char *const names[] = { "localhost", "::1", "[::1]" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_equal_fold(host, names[i]))
			return true;
	return text_starts(host, "127.") && strspn(host, "0123456789.") == strlen(host);
}

/* The host of what follows "https://", in brackets when it is an IPv6 address; NULL when there is none. */
static const char *host_of(struct arena *a, const char *rest)
{
	size_t len = rest[0] == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/?#");

	if (len == 0 || len > strlen(rest) || len > 255)
		return NULL;
	return arena_strndup(a, rest, len);
}

static bool has_control_or_blank(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return true;
	return false;
}

/* The URL itself is not shown: it may hold a token. */
static const char *what_is_wrong_with(struct arena *a, const char *url, bool allows_http)
{
	bool is_http = text_starts(url, "http://");
	const char *rest = url + strlen(is_http ? "http://" : "https://"), *host;

	if ((!is_http && !text_starts(url, "https://")) || has_control_or_blank(url))
		return "not a URL, expected https://HOST/...";
	host = host_of(a, rest);
	if (!host)
		return "a URL without a host, expected https://HOST/...";
	if (memchr(rest, '@', strcspn(rest, "/?#")))
		return "a URL with a user in it, expected one without (secrets have keys of their own)";
	if (is_http && !is_loopback(host))
		return "plain http, expected https:// (http:// goes to this machine only)";
	if (is_http && !allows_http)
		return "plain http, expected https:// (or `allows_http_loopback: true`, for tests on this machine)";
	return NULL;
}

void check_url(const struct yaml *where, const char *key, const char *url, bool allows_http, struct mistakes *m)
{
	const char *wrong = url ? what_is_wrong_with(m->arena, url, allows_http) : NULL;

	if (wrong)
		mistake_at(m, spot(where, key), "%s", wrong);
}

/* What mail can go to; the domain must have a dot, as a person who leaves it out most likely mistyped. */
static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');

	return email_address_is_valid(text) && strchr(at, '.');
}

void check_email(const struct yaml *where, const char *key, const char *email, struct mistakes *m)
{
	if (email && !is_email(email))
		mistake_at(m, spot(where, key), "is `%s`, expected an e-mail address such as ann@acme.example",
		           shown(m, email));
}

void check_mailbox(const struct yaml *where, const char *key, const char *mailbox, struct mistakes *m)
{
	const char *open = mailbox ? strrchr(mailbox, '<') : NULL;
	size_t len = open ? strlen(open) : 0;
	bool is_right;

	if (!mailbox)
		return;
	is_right = open ? open[len - 1] == '>' && is_email(arena_strndup(m->arena, open + 1, len - 2)) : is_email(mailbox);
	if (!is_right || strpbrk(mailbox, "\r\n"))
		mistake_at(m, spot(where, key), "is `%s`, expected `ann@acme.example` or `Ann <ann@acme.example>`",
		           shown(m, mailbox));
}

void check_zone(const struct yaml *where, const char *key, const char *zone, struct mistakes *m)
{
	const struct zone *found;
	struct err err;

	if (zone && zone_open(m->arena, zone, &found, &err) < 0)
		mistake_at(m, spot(where, key), "no time zone `%s`, expected one such as Europe/Paris or UTC", shown(m, zone));
}

/* The texts of a list, or the one text that stands for a list. */
static const struct yaml *first_of(const struct yaml *list)
{
	return list->type == YAML_SEQUENCE ? list->first : list;
}

static const struct yaml *next_of(const struct yaml *list, const struct yaml *item)
{
	return list->type == YAML_SEQUENCE ? item->next : NULL;
}

struct texts names_of(struct arena *a, struct yaml_array array, size_t size)
{
	struct texts names = { .at = arena_array(a, array.n, sizeof *names.at), .n = array.n };

	for (size_t i = 0; i < array.n; i++)
		memcpy(&names.at[i], (const char *)array.at + i * size, sizeof *names.at);
	return names;
}

void refuse_unknown(const struct yaml *entry, const char *text, const char *what, struct texts known,
                    struct mistakes *m)
{
	const char *near = nearest_word(text, known.at, known.n), *all = "";

	if (near) {
		mistake_at(m, entry, "no %s `%s`, did you mean `%s`?", what, shown(m, text), near);
		return;
	}
	for (size_t i = 0; i < known.n && i < SHOWN_NAMES; i++)
		all = arena_printf(m->arena, "%s%s%s", all, i ? ", " : "", known.at[i] ? known.at[i] : "");
	if (known.n)
		mistake_at(m, entry, "no %s `%s`, expected one of %s", what, shown(m, text), all);
	else
		mistake_at(m, entry, "no %s `%s`, there are none", what, shown(m, text));
}

void check_known(const struct yaml *where, const char *key, const char *what, struct texts known, struct mistakes *m)
{
	const struct yaml *list = yaml_member(where, key);

	if (yaml_is_null(list) || list->type == YAML_MAPPING)
		return;
	for (const struct yaml *item = first_of(list); item; item = next_of(list, item)) {
		bool is_known = item->type != YAML_SCALAR || yaml_is_null(item); /* already told */

		for (size_t i = 0; i < known.n && !is_known; i++)
			is_known = known.at[i] && text_equal_fold(known.at[i], item->text);
		if (!is_known)
			refuse_unknown(item, item->text, what, known, m);
	}
}

void check_days(const struct yaml *where, const char *key, struct mistakes *m)
{
	static const char *names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	const struct yaml *list = yaml_member(where, key);

	if (list && list->type == YAML_SEQUENCE && !list->first)
		mistake_at(m, list, "has no working day, expected at least one of mon, tue, wed, thu, fri, sat, sun");
	check_known(where, key, "weekday", (struct texts){ .at = names, .n = ARRAY_LEN(names) }, m);
}

void check_name(const struct yaml *where, const char *name, struct mistakes *m)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_BYTES || name[0] == '-' || strspn(name, allowed) != len)
		mistake_at(m, where, "the name `%s`, expected 1 to %d of a-z, 0-9, _ and -", shown(m, name), NAME_MAX_BYTES);
}
