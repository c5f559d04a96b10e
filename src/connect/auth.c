#include "auth.h"

#include <stddef.h>
#include <string.h>

#include "common/sha256.h"

typedef int auth_fn(const struct auth_settings *s, const struct scope *scope, struct arena *a, struct credentials *out,
                    struct err *err);

static int no_auth(const struct auth_settings *s, const struct scope *scope, struct arena *a, struct credentials *out,
                   struct err *err)
{
	(void)s, (void)scope, (void)a, (void)err;
	*out = (struct credentials){ 0 };
	return 0;
}

static void one_header(struct arena *a, const char *name, const char *value, struct credentials *out)
{
	struct http_header *h = arena_alloc(a, sizeof *h);

	*h = (struct http_header){ name, value };
	*out = (struct credentials){ .headers = h, .n_headers = 1 };
}

static int header_auth(const struct auth_settings *s, const struct scope *scope, struct arena *a,
                       struct credentials *out, struct err *err)
{
	const char *value;

	if (template_expand(a, s->value, scope, TEMPLATE_RAW, &value, err) < 0)
		return -1;
	one_header(a, s->name, value, out);
	return 0;
}

static int query_auth(const struct auth_settings *s, const struct scope *scope, struct arena *a,
                      struct credentials *out, struct err *err)
{
	const char *value;

	if (template_expand(a, s->value, scope, TEMPLATE_RAW, &value, err) < 0)
		return -1;
	*out = (struct credentials){ .query = arena_printf(a, "%s=%s", http_escape(a, s->name), http_escape(a, value)) };
	return 0;
}

static int basic_auth(const struct auth_settings *s, const struct scope *scope, struct arena *a,
                      struct credentials *out, struct err *err)
{
	const char *user, *password, *pair;

	if (template_expand(a, s->user, scope, TEMPLATE_RAW, &user, err) < 0 ||
	    template_expand(a, s->password, scope, TEMPLATE_RAW, &password, err) < 0)
		return -1;
	pair = arena_printf(a, "%s:%s", user, password);
	one_header(a, "Authorization", arena_printf(a, "Basic %s", base64_text(a, pair, strlen(pair))), out);
	return 0;
}

static const struct {
	auth_fn *make;
	bool needs_name, needs_user;
} ways[] = {
	{ no_auth, false, false },
	{ header_auth, true, false },
	{ query_auth, true, false },
	{ basic_auth, false, true },
};

static const char *const kinds[] = { "none", "header", "query", "basic", NULL };

static const struct yaml_field fields[] = {
	{ "kind", YAML_ENUM, offsetof(struct auth_settings, kind), true, kinds, 0, 0 },
	{ "name", YAML_TEXT, offsetof(struct auth_settings, name), false, NULL, 0, 0 },
	{ "value", YAML_TEXT, offsetof(struct auth_settings, value), false, NULL, 0, 0 },
	{ "user", YAML_TEXT, offsetof(struct auth_settings, user), false, NULL, 0, 0 },
	{ "password", YAML_TEXT, offsetof(struct auth_settings, password), false, NULL, 0, 0 },
};

static void check_auth(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct auth_settings *s = item;

	if (ways[s->kind].needs_name && (!s->name || !s->value))
		mistake_at(m, where, "%s needs `name:` and `value:`", kinds[s->kind]);
	if (ways[s->kind].needs_user && (!s->user || !s->password))
		mistake_at(m, where, "basic needs `user:` and `password:`");
}

const struct yaml_table auth_table = {
	.size = sizeof(struct auth_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_auth,
};

int auth_make(const struct auth_settings *s, const struct scope *scope, struct arena *a, struct credentials *out,
              struct err *err)
{
	return ways[s->kind].make(s, scope, a, out, err);
}
