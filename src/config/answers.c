/* `answers:` of an organisation: whether findings may be answered by links, and what those are signed with. */
#include <string.h>

#include "load.h"

enum { DAY_S = 86400, MAX_DAYS = 90, MAX_URL = 200 };

static const struct yaml_field fields[] = {
	{ .key = "url", .kind = YAML_TEXT, .offset = offsetof(struct answers_settings, url), .is_required = true },
	{ .key = "secret", .kind = YAML_TEXT, .offset = offsetof(struct answers_settings, secret), .is_required = true },
	{ .key = "old_secret", .kind = YAML_TEXT, .offset = offsetof(struct answers_settings, old_secret) },
	{ .key = "expires_after", .kind = YAML_DURATION, .offset = offsetof(struct answers_settings, expires_after_s),
	  .min = DAY_S, .max = (double)MAX_DAYS * DAY_S },
};

/* Links go behind it: what it ends with is ours to add. */
static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	struct answers_settings *s = item;
	size_t len = s->url ? strlen(s->url) : 0;

	check_url(where, "url", s->url, true, m);
	check_reference(where, "secret", s->secret, m);
	check_reference(where, "old_secret", s->old_secret, m);
	if (s->url && (len > MAX_URL || s->url[strcspn(s->url, "?#'\"<>()|\\^`{}")] || s->url[len - (len > 0)] == '/'))
		mistake_at(m, yaml_member(where, "url"), "is `%.80s`, expected https://HOST or https://HOST/PATH without / at "
		           "its end, at most %d bytes", s->url, MAX_URL);
}

const struct yaml_table answers_table = { .size = sizeof(struct answers_settings), .fields = fields,
	                                      .n_fields = ARRAY_LEN(fields), .check = check };

void check_answers(struct loading *l, const struct org_settings *o, const struct yaml *where)
{
	if (o->answers.url && !l->config->web.listen)
		mistake_at(l->mistakes, where, "needs the daemon's endpoint, expected `web: {listen: 127.0.0.1:8642}` in "
		           "retaind.yaml");
}
