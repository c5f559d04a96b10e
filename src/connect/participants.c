#include "participants.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/text.h"

enum { MAX_PARTICIPANTS = 50, MAX_ADDRESS_BYTES = 254, MAX_KEY_BYTES = 16 << 10 };

static const char address_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "!#$%&'*+-/=?^_`{|}~.@";

/* Behind a name in quotes or a comment, whose @ are no addresses'; the same place where none begins. What is never
 * closed is looked for once: is_open has a place for each of the two. */
static const char *skip_words(const char *at, bool is_open[2])
{
	char close = *at == '"' ? '"' : *at == '(' ? ')' : '\0';
	const char *end = close && !is_open[close == ')'] ? at + 1 : NULL;

	while (end && *end && *end != close)
		end += end[0] == '\\' && end[1] ? 2 : 1;
	if (end && !*end)
		is_open[close == ')'] = true;
	return end && *end ? end + 1 : at;
}

static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at && at > text && !strchr(at + 1, '@') && strchr(at + 1, '.') && at[1] != '.' && at[1] != '-' &&
	       !strstr(at, "..") && strlen(text) <= MAX_ADDRESS_BYTES;
}

static bool is_among(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->at[i], text) == 0)
			return true;
	return false;
}

static char *lower(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_strndup(a, text, len);

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

struct texts participants_read(struct arena *a, const char *text)
{
	struct texts out = { .at = arena_array(a, MAX_PARTICIPANTS, sizeof *out.at) };
	bool is_open[2] = { false, false };

	for (const char *at = text ? text : ""; *at && out.n < MAX_PARTICIPANTS;) {
		const char *behind = skip_words(at, is_open);
		size_t len = behind == at ? strspn(at, address_chars) : 0, kept = len;
		const char *word;

		while (kept && at[kept - 1] == '.') /* the end of a sentence */
			kept--;
		word = lower(a, at, kept);
		if (is_address(word) && !is_among(&out, word))
			out.at[out.n++] = word;
		at = behind == at ? at + (len ? len : 1) : behind;
	}
	return out;
}

/* Whether a domain is another, or lies below it. */
static bool is_within(const char *domain, const char *other)
{
	size_t n = strlen(domain), m = strlen(other);

	return n >= m && text_equal_fold(domain + (n - m), other) && (n == m || domain[n - m - 1] == '.');
}

bool participants_is_ours(const char *ours, const char *address)
{
	static const char separators[] = ", ;\t\n";
	const char *domain = strchr(address, '@');
	char one[MAX_ADDRESS_BYTES + 1];

	for (const char *at = ours ? ours : ""; *at;) {
		size_t len = strcspn(at, separators);

		if (len && len < sizeof one) {
			memcpy(one, at, len);
			one[len] = '\0';
			if (strchr(one, '@') ? text_equal_fold(one, address) : domain && is_within(domain + 1, one))
				return true;
		}
		at += len + strspn(at + len, separators);
	}
	return false;
}

const char *participants_key(struct arena *a, const char *text, const char *ours)
{
	const struct texts all = participants_read(a, text);
	CLEANUP(buf_done) struct buf b;
	struct json_out o;
	size_t n = 0;

	buf_init(&b, MAX_KEY_BYTES);
	o = json_out_to(&b);
	json_open_array(&o, NULL);
	for (size_t i = 0; i < all.n; i++) {
		if (participants_is_ours(ours, all.at[i]))
			continue;
		json_put_text(&o, NULL, all.at[i]);
		n++;
	}
	json_close_array(&o);
	return n ? arena_strndup(a, b.at, b.len) : NULL;
}
