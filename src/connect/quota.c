#include "quota.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/text.h"

enum { DAY_S = 86400, MAX_RESET_MS = DAY_S * 1000, MAX_PER_MS = 3600 * 1000, MAX_WORD = 40 };

static const char *const reset_names[] = {
	[RESET_S] = "s", [RESET_MS] = "ms", [RESET_EPOCH] = "epoch", [RESET_EPOCH_MS] = "epoch_ms", NULL,
};

static const struct yaml_field fields[] = {
	{ "match", YAML_TEXT, offsetof(struct quota_settings, match), false, NULL, 0, 0 },
	{ "header", YAML_TEXT, offsetof(struct quota_settings, header), false, NULL, 0, 0 },
	{ "limit", YAML_TEXT, offsetof(struct quota_settings, limit), false, NULL, 0, 0 },
	{ "remaining", YAML_TEXT, offsetof(struct quota_settings, remaining), false, NULL, 0, 0 },
	{ "used", YAML_TEXT, offsetof(struct quota_settings, used), false, NULL, 0, 0 },
	{ "reset", YAML_TEXT, offsetof(struct quota_settings, reset), false, NULL, 0, 0 },
	{ "reset_as", YAML_ENUM, offsetof(struct quota_settings, reset_as), false, reset_names, 0, 0 },
	{ "per", YAML_DURATION, offsetof(struct quota_settings, per_s), false, NULL, 1, DAY_S },
	{ "per_ms", YAML_TEXT, offsetof(struct quota_settings, per_ms), false, NULL, 0, 0 },
};

static void check_quota(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct quota_settings *q = item;

	if (!q->limit && !q->remaining && !q->used)
		mistake_at(m, where,
		           "a quota's header needs `limit:`, `remaining:` or `used:`, the "
		           "name of what says it");
	if (q->remaining && q->used)
		mistake_at(m, where, "`remaining:` says what is left, `used:` what is gone; one of the two");
	if (q->reset_as != RESET_S && !q->reset)
		mistake_at(m, where, "`reset_as:` says how to read `reset:`, which is missing");
	if (!q->per_s && !q->per_ms && !q->reset)
		mistake_at(m, where,
		           "a quota's header needs `per:` (10s, 1m, 1d), `per_ms:` or `reset:`, or it is not known how long to "
		           "wait");
}

const struct yaml_table quota_table = {
	.size = sizeof(struct quota_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_quota,
};

static void release_regex(void *regex)
{
	regfree(regex);
}

void quota_compile(struct arena *a, struct quota_settings *list, size_t n, const struct yaml *where, struct mistakes *m)
{
	for (size_t i = 0; i < n; i++) {
		if (!list[i].match)
			continue;
		list[i].compiled = arena_alloc(a, sizeof *list[i].compiled);
		if (regcomp(list[i].compiled, list[i].match, REG_EXTENDED | REG_NOSUB) == 0) {
			arena_on_free(a, release_regex, list[i].compiled);
			continue;
		}
		mistake_at(m, where, "`%s` is no regular expression", list[i].match);
		list[i].compiled = NULL;
	}
}

bool quota_is_daily(const struct quota_settings *q)
{
	return q->per_s == DAY_S;
}

bool quota_fits(const struct quota_settings *q, const char *path)
{
	return !q->compiled || regexec(q->compiled, path, 0, NULL, 0) == 0;
}

/* The value behind NAME= in "a=1; b=2/3, c=4(d=5)". */
static const char *value_of(const char *pairs, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = pairs; *at; at++)
		if ((at == pairs || strchr(" ;,\t", at[-1])) && strncasecmp(at, name, n) == 0 && at[n] == '=')
			return at + n + 1;
	return NULL;
}

static const char *text_of(const struct quota_settings *q, const struct http_response *r, const char *name)
{
	const char *pairs = q->header ? http_header(r, q->header) : NULL;

	if (!name)
		return NULL;
	if (!q->header)
		return http_header(r, name);
	return pairs ? value_of(pairs, name) : NULL;
}

/* The number that a text begins with: "100", "100;w=60", "0.5", "17/250".
 * *rest: what stands behind it. */
static bool number_at(const char *text, double *out, const char **rest)
{
	size_t n = text ? strspn(text, "0123456789.") : 0;
	char word[MAX_WORD];

	if (n == 0 || n >= sizeof word || isalpha((unsigned char)text[n]))
		return false;
	memcpy(word, text, n);
	word[n] = '\0';
	*rest = text + n;
	return text_to_real(word, out);
}

static int64_t count_of(const char *text, const char **rest)
{
	double number;

	return number_at(text, &number, rest) && number < 1e15 ? (int64_t)number : -1;
}

static int64_t reset_of(const struct quota_settings *q, const char *text, int64_t now)
{
	const char *rest;
	double number;
	double ms;

	if (!number_at(text, &number, &rest))
		return -1;
	switch ((enum reset_form)q->reset_as) {
	case RESET_MS: ms = number; break;
	case RESET_EPOCH: ms = (number - (double)now) * 1000; break;
	case RESET_EPOCH_MS: ms = number - (double)now * 1000; break;
	case RESET_S:
	default: ms = number * 1000; break;
	}
	return ms >= 0 && ms <= MAX_RESET_MS ? (int64_t)ceil(ms) : -1;
}

static int64_t per_of(const struct quota_settings *q, const struct http_response *r)
{
	const char *rest;
	int64_t said = count_of(text_of(q, r, q->per_ms), &rest);

	if (said >= 1 && said <= MAX_PER_MS)
		return said;
	return q->per_s ? q->per_s * 1000 : -1;
}

bool quota_read(const struct quota_settings *q, const struct http_response *r, int64_t now, struct quota_reading *out)
{
	const char *rest = "", *unused;
	int64_t used = count_of(text_of(q, r, q->used), &rest),
			most = used >= 0 && *rest == '/' ? count_of(rest + 1, &unused) : -1;
	struct quota_reading is = {
		.limit = q->limit ? count_of(text_of(q, r, q->limit), &unused) : most,
		.remaining = count_of(text_of(q, r, q->remaining), &unused),
		.per_ms = per_of(q, r),
		.reset_ms = reset_of(q, text_of(q, r, q->reset), now),
	};

	if (is.limit == 0)
		is.limit = -1;
	if (used >= 0 && is.limit > 0)
		is.remaining = used < is.limit ? is.limit - used : 0;
	if (is.limit < 0 && is.remaining < 0)
		return false;
	*out = is;
	return true;
}
