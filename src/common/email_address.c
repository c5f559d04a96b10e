#include "common/email_address.h"

#include <string.h>

enum { MAX_ADDRESS = 254, MAX_LOCAL = 64, MAX_LABEL = 63 };

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

char *email_address_of(struct arena *a, const char *from)
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
