#include "channel.h"

#include <string.h>

#include "common/text.h"

enum { MAX_ADDRESS = 254, MAX_LOCAL = 64, MAX_LABEL = 63, MAX_LINE = 998 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Parts of the given characters, joined by single dots. */
static bool is_dotted(const char *text, size_t len, const char *allowed, size_t max_part)
{
	size_t part = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && part == 0)
			return false;
		part = text[i] == '.' ? 0 : part + 1;
		if (part > max_part || (text[i] != '.' && !strchr(allowed, text[i])))
			return false;
	}
	return part > 0;
}

static bool is_domain(const char *text, size_t len)
{
	if (!is_dotted(text, len, LETTERS "-", MAX_LABEL))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_edge = i == 0 || i + 1 == len || text[i - 1] == '.' || text[i + 1] == '.';

		if (text[i] == '-' && is_edge)
			return false;
	}
	return true;
}

bool email_address_is_valid(const char *address)
{
	size_t len = strlen(address);
	const char *at = strrchr(address, '@');
	size_t local;

	if (!at || len > MAX_ADDRESS)
		return false;
	local = (size_t)(at - address);
	return local <= MAX_LOCAL && is_dotted(address, local, LETTERS "!#$%&'*+-/=?^_`{|}~", MAX_LOCAL) &&
	       is_domain(at + 1, len - local - 1);
}

const char *email_address_of(struct arena *a, const char *from)
{
	const char *open = strrchr(from, '<'), *address = from;
	size_t len = strlen(from);

	if (open) {
		if (from[len - 1] != '>')
			return NULL;
		address = arena_strndup(a, open + 1, len - (size_t)(open - from) - 2);
	}
	return email_address_is_valid(address) ? arena_strdup(a, address) : NULL;
}

/* A server that ends lines at a bare CR or LF may take a bare "LF . LF" for the end of the message and what follows for
 * commands; so such bytes never leave, and a dot that begins a line is doubled by libcurl. */
const char *email_flaw(const char *message, size_t len)
{
	size_t line = 0;

	if (len < 4 || memcmp(message + len - 2, "\r\n", 2) != 0)
		return "the message does not end with a line end";
	if (!memmem(message, len, "\r\n\r\n", 4) || message[0] == '\r')
		return "the message has no header";
	for (size_t i = 0; i < len; i++) {
		if (message[i] == '\0')
			return "the message holds a NUL";
		if (message[i] == '\r' && (i + 1 == len || message[i + 1] != '\n'))
			return "the message holds a bare CR";
		if (message[i] == '\n' && (i == 0 || message[i - 1] != '\r'))
			return "the message holds a bare LF";
		line = message[i] == '\n' ? 0 : line + 1;
		if (line > MAX_LINE + 1) /* the CR counts here, not in the limit */
			return "the message has a line of more than 998 bytes";
	}
	return NULL;
}
