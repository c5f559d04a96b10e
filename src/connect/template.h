/* {{names}} within a connector's texts: config.X, secret.X, window.start|ms, window.end|iso, page.token, page.number,
 * parent.id, job.id, org.currency, properties. There is no expression language. */
#ifndef CONNECT_TEMPLATE_H
#define CONNECT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/yaml.h"

struct named_value {
	const char *name, *value;
};

/* What a task says: {{task.subject}} ... */
struct task_words {
	const char *subject, *text, *key;
	const char *account, *owner;  /* keys in the system; owner "": not one of its people */
	const char *due, *due_ms;     /* "2026-06-01"; noon of it in UTC, in milliseconds */
};

/* What the names stand for at the moment. */
struct scope {
	const struct yaml *config;         /* mapping; NULL: none */
	const struct named_value *secrets; /* values NULL while only checking */
	size_t n_secrets;
	int64_t window_start, window_end;
	const struct zone *zone;           /* of days and hours; NULL: UTC */
	const char *page_token;            /* NULL stands for nothing */
	const char *page_number;           /* likewise */
	const char *parent_id;
	const char *for_each;              /* the element of a list in `config:` that a stream is walked for */
	const char *job_id;                /* likewise */
	const char *currency;              /* the organisation's; likewise */
	const char *properties;            /* joined with commas */
	const struct task_words *task;     /* NULL: its names stand for nothing */
};

/* Escaped for a URL: the values of names, not the text around them. */
enum template_escape { TEMPLATE_RAW, TEMPLATE_URL };

int template_expand(struct arena *a, const char *text, const struct scope *s, enum template_escape escape,
                    const char **out, struct err *err) MUST_USE;
/* NULL when every name in the text is known, else what is wrong with it. */
const char *template_mistake(struct arena *a, const char *text, const struct scope *s);
bool template_has_names(const char *text);
/* Whether the whole text is one name, whichever. */
bool template_is_name(const char *text);
/* Whether the whole text is one name ("{{properties}}"). */
bool template_is(const char *text, const char *name);

#endif
