#include "errors.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { MAX_MATCHED_BYTES = 64 << 10 };

static const char *const action_names[] = {
	[ACTION_RETRY] = "retry",
	[ACTION_RATE_LIMITED] = "rate_limited",
	[ACTION_EMPTY] = "empty",
	[ACTION_FAIL_CONFIG] = "fail_config",
	[ACTION_FAIL] = "fail",
	[ACTION_REFRESH_RETRY] = "refresh_retry",
	[ACTION_QUOTA_SPENT] = "quota_spent",
	[ACTION_ASK_LESS] = "ask_less",
	NULL,
};

static const struct yaml_field fields[] = {
	{ "status", YAML_TEXTS, offsetof(struct error_rule, status), false, NULL, 0, 0 },
	{ "path", YAML_TEXT, offsetof(struct error_rule, path), false, NULL, 0, 0 },
	{ "header", YAML_TEXT, offsetof(struct error_rule, header), false, NULL, 0, 0 },
	{ "matches", YAML_TEXT, offsetof(struct error_rule, matches), false, NULL, 0, 0 },
	{ "action", YAML_ENUM, offsetof(struct error_rule, action), true, action_names, 0, 0 },
	{ "wait", YAML_DURATION, offsetof(struct error_rule, wait_s), false, NULL, 0, 3600 },
	{ "say", YAML_TEXT, offsetof(struct error_rule, say), false, NULL, 0, 0 },
};

void errors_check_status(const struct texts *status, const struct yaml *where, struct mistakes *m)
{
	for (size_t i = 0; i < status->n; i++)
		if (strlen(status->at[i]) != 3 || !strchr("2345", status->at[i][0]))
			mistake_at(m, where, "`%s` is no status; write 404 or 5xx", status->at[i]);
}

static void check_rule(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct error_rule *r = item;

	if (r->status.n == 0 && !r->matches)
		mistake_at(m, where, "a rule needs `status:` or `matches:`, or it would fit every answer");
	if ((r->path || r->header) && !r->matches)
		mistake_at(m, where, "`path:` and `header:` say where to look; `matches:` must say for what");
	if (r->path && r->header)
		mistake_at(m, where, "`path:` looks in the body, `header:` beside it; one of the two");
	errors_check_status(&r->status, where, m);
}

const struct yaml_table error_rule_table = {
	.size = sizeof(struct error_rule), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_rule,
};

static void release_regex(void *regex)
{
	regfree(regex);
}

void errors_compile(struct arena *a, struct error_rule *rules, size_t n_rules, const struct yaml *where,
                    struct mistakes *m)
{
	for (size_t i = 0; i < n_rules; i++) {
		char why[200];
		int rc;

		if (!rules[i].matches)
			continue;
		rules[i].compiled = arena_alloc(a, sizeof *rules[i].compiled);
		rc = regcomp(rules[i].compiled, rules[i].matches, REG_EXTENDED | REG_NOSUB);
		if (rc == 0) {
			arena_on_free(a, release_regex, rules[i].compiled);
			continue;
		}
		(void)regerror(rc, rules[i].compiled, why, sizeof why);
		mistake_at(m, where, "`%s` is no regular expression: %s", rules[i].matches, why);
		rules[i].compiled = NULL;
	}
}

/* What a status means where the connector says nothing. The first that fits. */
static const struct {
	const char *status;
	enum action action;
	const char *say;
} defaults[] = {
	{ "2xx", ACTION_OK, NULL },
	{ "401", ACTION_FAIL_CONFIG, "the credentials were refused: check the source's secrets" },
	{ "403", ACTION_FAIL_CONFIG, "the credentials may not read this: give them the right, or leave the stream out" },
	{ "408", ACTION_RETRY, NULL },
	{ "409", ACTION_RETRY, NULL },
	{ "425", ACTION_RETRY, NULL },
	{ "429", ACTION_RATE_LIMITED, NULL },
	{ "501", ACTION_FAIL, NULL },
	{ "505", ACTION_FAIL, NULL },
	{ "5xx", ACTION_RETRY, NULL },
};

static bool status_fits(const char *pattern, int status)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%d", status);
	return strcmp(pattern, text) == 0 || (strcmp(pattern + 1, "xx") == 0 && pattern[0] == text[0]);
}

static bool text_fits(const struct error_rule *rule, const struct http_response *r, const struct json *body)
{
	const char *text = rule->header ? http_header(r, rule->header)
	                   : rule->path ? json_text(json_at(body, rule->path)) : r->body;

	/* A body that goes on for megabytes is no error message. */
	return text && strnlen(text, MAX_MATCHED_BYTES) < MAX_MATCHED_BYTES &&
	       regexec(rule->compiled, text, 0, NULL, 0) == 0;
}

bool errors_status_fits(const struct texts *status, int of)
{
	for (size_t i = 0; i < status->n; i++)
		if (status_fits(status->at[i], of))
			return true;
	return false;
}

static bool rule_fits(const struct error_rule *rule, const struct http_response *r, const struct json *body)
{
	bool fits = rule->status.n == 0 || errors_status_fits(&rule->status, r->status);

	return fits && (!rule->compiled || text_fits(rule, r, body));
}

struct verdict errors_judge(const struct error_rule *rules, size_t n_rules, const struct http_response *r,
                            const struct json *body)
{
	for (size_t i = 0; i < n_rules; i++)
		if (rule_fits(&rules[i], r, body))
			return (struct verdict){ (enum action)rules[i].action, rules[i].wait_s, rules[i].say };
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (status_fits(defaults[i].status, r->status))
			return (struct verdict){ defaults[i].action, 0, defaults[i].say };
	return (struct verdict){ ACTION_FAIL, 0, NULL };
}
