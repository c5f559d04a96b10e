#include "slack_answers.h"

#include <string.h>

#include "common/json.h"

enum { LONG_WAIT_S = 3600, MAX_NAME = 64 };

/* Slack's error names, of chat.postMessage, of what comes before it and of incoming webhooks; one that ends with *
 * stands for all that begin so. */
static const struct {
	const char *name;
	enum slack_answer answer;
} answers[] = {
	{ "internal_error", SLACK_UNSURE },
	{ "fatal_error", SLACK_UNSURE },
	{ "service_unavailable", SLACK_RETRY },
	{ "request_timeout", SLACK_RETRY },
	{ "rollup_error", SLACK_RETRY },
	{ "team_added_to_org", SLACK_RETRY },
	{ "org_login_required", SLACK_RETRY },
	{ "external_channel_migrating", SLACK_RETRY },
	{ "ratelimited", SLACK_RATE },
	{ "rate_limited", SLACK_RATE },
	{ "message_limit_exceeded", SLACK_RATE_LONG },
	{ "invalid_blocks", SLACK_FIX },
	{ "invalid_blocks_format", SLACK_FIX },
	{ "invalid_attachments", SLACK_FIX },
	{ "msg_blocks_too_long", SLACK_FIX },
	{ "msg_too_long", SLACK_FIX },
	{ "no_text", SLACK_FIX },
	{ "invalid_payload", SLACK_FIX },
	{ "invalid_json", SLACK_FIX },
	{ "too_many_attachments", SLACK_FIX },
	{ "attachment_payload_limit_exceeded", SLACK_FIX },
	{ "metadata_too_large", SLACK_FIX },
	{ "invalid_metadata_*", SLACK_FIX },
	{ "channel_not_found", SLACK_NOBODY },
	{ "channel_is_archived", SLACK_NOBODY },
	{ "is_archived", SLACK_NOBODY },
	{ "user_not_found", SLACK_NOBODY },
	{ "users_not_found", SLACK_NOBODY },
	{ "user_not_visible", SLACK_NOBODY },
	{ "user_disabled", SLACK_NOBODY },
	{ "cannot_dm_bot", SLACK_NOBODY },
	{ "not_in_channel", SLACK_NOBODY },
	{ "no_service", SLACK_DEAD_SINK },
	{ "no_service_id", SLACK_DEAD_SINK },
	{ "no_active_hooks", SLACK_DEAD_SINK },
	{ "no_team", SLACK_DEAD_SINK },
	{ "team_disabled", SLACK_DEAD_SINK },
	{ "team_not_found", SLACK_DEAD_SINK },
	{ "action_prohibited", SLACK_DEAD_SINK },
	{ "posting_to_general_channel_denied", SLACK_DEAD_SINK },
	{ "restricted_action*", SLACK_DEAD_SINK },
	{ "messages_tab_disabled", SLACK_DEAD_SINK },
	{ "not_authed", SLACK_DEAD_SINK },
	{ "invalid_auth", SLACK_DEAD_SINK },
	{ "invalid_token", SLACK_DEAD_SINK },
	{ "token_revoked", SLACK_DEAD_SINK },
	{ "token_expired", SLACK_DEAD_SINK },
	{ "account_inactive", SLACK_DEAD_SINK },
	{ "missing_scope", SLACK_DEAD_SINK },
	{ "not_allowed_token_type", SLACK_DEAD_SINK },
	{ "no_permission", SLACK_DEAD_SINK },
	{ "access_denied", SLACK_DEAD_SINK },
	{ "accesslimited", SLACK_DEAD_SINK },
	{ "app_access_restricted", SLACK_DEAD_SINK },
	{ "team_access_not_granted", SLACK_DEAD_SINK },
	{ "enterprise_is_restricted", SLACK_DEAD_SINK },
	{ "deprecated_endpoint", SLACK_DEAD_SINK },
	{ "method_deprecated", SLACK_DEAD_SINK },
	{ "two_factor_setup_required", SLACK_DEAD_SINK },
	{ "ekm_access_denied", SLACK_DEAD_SINK },
};

static bool is_named(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

const char *slack_error_name(const struct http_response *r, struct arena *a)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	const char *name = r->body, *ends = " :\r\n";
	const struct json *j;
	struct err ignored;
	size_t len;

	if (r->body_len && r->body[0] == '{' && json_parse(a, r->body, r->body_len, &j, &ignored) == 0) {
		name = json_text(json_member(j, "error"));
		ends = "";
	}
	len = name ? strspn(name, letters) : 0;
	return len && len <= MAX_NAME && strchr(ends, name[len]) ? arena_strndup(a, name, len) : "";
}

enum slack_answer slack_answer_of(const struct http_response *r, const char *name)
{
	if (r->status == 429)
		return SLACK_RATE;
	for (size_t i = 0; *name && i < ARRAY_LEN(answers); i++)
		if (is_named(answers[i].name, name))
			return answers[i].answer;
	if (r->status == 410)
		return SLACK_DEAD_SINK;
	if (r->status == 504)
		return SLACK_UNSURE; /* a gateway gave up waiting for what may have been done */
	if (r->status >= 500 || r->status == 408 || (r->status >= 300 && r->status < 400))
		return SLACK_RETRY;
	if (r->status >= 200 && r->status < 300 && (!*name || r->body[0] != '{'))
		return SLACK_UNSURE; /* somebody said yes, but not Slack */
	return SLACK_DEAD;
}

struct verdict slack_answer_verdict(enum slack_answer answer, const char *name, const struct http_response *r,
                                    struct arena *a, int64_t now)
{
	static const enum delivery_outcome outcomes[] = {
		[SLACK_RETRY] = DELIVERY_RETRY,     [SLACK_UNSURE] = DELIVERY_AMBIGUOUS, [SLACK_RATE] = DELIVERY_RETRY,
		[SLACK_RATE_LONG] = DELIVERY_RETRY, [SLACK_FIX] = DELIVERY_REFUSED,      [SLACK_DEAD_SINK] = DELIVERY_DEAD,
		[SLACK_NOBODY] = DELIVERY_DEAD,     [SLACK_DEAD] = DELIVERY_DEAD,
	};
	struct verdict v = verdict_of(outcomes[answer], r->status, *name ? name : arena_printf(a, "HTTP %d", r->status));

	v.disables_sink = answer == SLACK_DEAD_SINK || answer == SLACK_NOBODY;
	v.holds_sink = answer == SLACK_RATE || answer == SLACK_RATE_LONG;
	v.wait_s = http_retry_after_s(r, now);
	if (answer == SLACK_RATE_LONG && v.wait_s < 0)
		v.wait_s = LONG_WAIT_S;
	return v;
}
