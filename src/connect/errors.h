/* What an HTTP answer means: the connector's ordered rules, then a table built in. */
#ifndef CONNECT_ERRORS_H
#define CONNECT_ERRORS_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/http.h"
#include "common/json.h"
#include "common/yaml.h"

enum action {
	ACTION_RETRY,        /* the other side is unwell: wait and ask again */
	ACTION_RATE_LIMITED, /* we ask too much: wait longer and ask again */
	ACTION_EMPTY,        /* not an error: no rows */
	ACTION_FAIL_CONFIG,  /* a person must act */
	ACTION_FAIL,         /* this stream can't go on now */
	ACTION_REFRESH_RETRY, /* the token is stale: renew it and ask once more; then a person must act */
	ACTION_QUOTA_SPENT,  /* nothing more for hours: this pull asks no more */
	ACTION_ASK_LESS,     /* too much at once: a slice of time is asked for in halves, anything else fails */
	ACTION_OK            /* an answer to be read; not to be said in a rule */
};

/* `{ status: [530], path: category, matches: "^RATE", action: retry, wait: 10s, say: "..." }`; what is left out always
 * fits. */
struct error_rule {
	struct texts status;  /* "429", "5xx" */
	const char *path;     /* in the JSON body ... */
	const char *header;   /* ... or this header ... */
	const char *matches;  /* ... an extended regular expression; without both: on the body's text */
	int action;
	int64_t wait_s;       /* at least so long; 0: as the back-off says */
	const char *say;      /* what a person should do */
	regex_t *compiled;    /* NULL without `matches` */
};

extern const struct yaml_table error_rule_table;

struct verdict {
	enum action action;
	int64_t wait_s;
	const char *say;      /* may be NULL */
};

struct verdict errors_judge(const struct error_rule *rules, size_t n_rules, const struct http_response *r,
                            const struct json *body);
/* Notes what is no status. */
void errors_check_status(const struct texts *status, const struct yaml *where, struct mistakes *m);
/* Whether one of the statuses ("429", "5xx") fits. */
bool errors_status_fits(const struct texts *status, int of);
/* Makes the regular expressions ready; they go with the arena. */
void errors_compile(struct arena *a, struct error_rule *rules, size_t n_rules, const struct yaml *where,
                    struct mistakes *m);

#endif
