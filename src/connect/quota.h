/* What an answer's headers say of a quota: how much may be asked, how much is left, until when. Every API spells it in
 * its own way. */
#ifndef CONNECT_QUOTA_H
#define CONNECT_QUOTA_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/http.h"
#include "common/yaml.h"

enum reset_form { RESET_S, RESET_MS, RESET_EPOCH, RESET_EPOCH_MS };

/* `{ limit: x-ratelimit-limit, remaining: x-ratelimit-remaining, reset: x-ratelimit-reset, reset_as: epoch, per: 10s
 * }`. With `header:` the others are names within that header: `{ header: sforce-limit-info, used: api-usage, per: 1d }`
 * reads "api-usage=8666/15000", `{ header: zendesk-ratelimit-incremental-exports, limit: total, remaining: remaining,
 * reset: resets, per: 1m, match: "/incremental/" }` reads "total=10; remaining=9; resets=42". */
struct quota_settings {
	const char *match;            /* regular expression on the path of what was asked; NULL: every path */
	const char *header;
	const char *limit, *remaining;
	const char *used;             /* instead of remaining; "8666/15000" says the limit too */
	const char *reset;            /* when all is there again ... */
	int reset_as;                 /* ... in one of these forms */
	const char *per_ms;           /* name of what says how long the limit's window is, in ms; wins over ... */
	int64_t per_s;                /* ... what we know of it. A day: the source's budget_percent counts */
	regex_t *compiled;
};

/* -1: not said. */
struct quota_reading {
	int64_t limit, remaining, per_ms, reset_ms; /* reset_ms: from now */
};

extern const struct yaml_table quota_table;
/* Notes mistakes at where. */
void quota_compile(struct arena *a, struct quota_settings *list, size_t n, const struct yaml *where,
                   struct mistakes *m);
bool quota_is_daily(const struct quota_settings *q);
/* Whether it counts what is asked of this path. */
bool quota_fits(const struct quota_settings *q, const char *path);
/* now: by the other side's clock where its answer tells (Date), else ours. Returns false when the answer says nothing
 * of it, or nothing that makes sense. */
bool quota_read(const struct quota_settings *q, const struct http_response *r, int64_t now, struct quota_reading *out);

#endif
