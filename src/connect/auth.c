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

/* The token comes with client_login. */
static int oauth_auth(const struct auth_settings *s, const struct scope *scope, struct arena *a,
                      struct credentials *out, struct err *err)
{
	return no_auth(s, scope, a, out, err);
}

enum { NO_AUTH, HEADER = 1 << 0, QUERY = 1 << 1, BASIC = 1 << 2, OAUTH2 = 1 << 3 };

static const struct {
	auth_fn *make;
	int flag;
} ways[] = {
	{ no_auth, NO_AUTH }, { header_auth, HEADER }, { query_auth, QUERY }, { basic_auth, BASIC }, { oauth_auth, OAUTH2 },
};

static const char *const kinds[] = { "none", "header", "query", "basic", "oauth2", NULL };
static const char *const grants[] = { [OAUTH_REFRESH] = "refresh", [OAUTH_CLIENT_CREDENTIALS] = "client_credentials",
	                                  [OAUTH_JWT_BEARER] = "jwt_bearer", NULL };
static const char *const client_auths[] = { [OAUTH_BODY] = "body", [OAUTH_BASIC] = "basic", NULL };

static const struct yaml_field store_fields[] = {
	{ "access", YAML_TEXT, offsetof(struct oauth_store, access), false, NULL, 0, 0 },
	{ "refresh", YAML_TEXT, offsetof(struct oauth_store, refresh), false, NULL, 0, 0 },
	{ "expires_in", YAML_TEXT, offsetof(struct oauth_store, expires_in), false, NULL, 0, 0 },
	{ "base_url", YAML_TEXT, offsetof(struct oauth_store, base_url), false, NULL, 0, 0 },
};
static const struct yaml_table store_table = {
	.size = sizeof(struct oauth_store), .fields = store_fields, .n_fields = ARRAY_LEN(store_fields), .check = NULL,
};

static const struct yaml_field fields[] = {
	{ "kind", YAML_ENUM, offsetof(struct auth_settings, kind), true, kinds, 0, 0 },
	{ "name", YAML_TEXT, offsetof(struct auth_settings, name), false, NULL, 0, 0 },
	{ "value", YAML_TEXT, offsetof(struct auth_settings, value), false, NULL, 0, 0 },
	{ "user", YAML_TEXT, offsetof(struct auth_settings, user), false, NULL, 0, 0 },
	{ "password", YAML_TEXT, offsetof(struct auth_settings, password), false, NULL, 0, 0 },
	{ "grant", YAML_ENUM, offsetof(struct auth_settings, oauth.grant), false, grants, 0, 0 },
	{ "token_url", YAML_TEXT, offsetof(struct auth_settings, oauth.token_url), false, NULL, 0, 0 },
	{ "fields", YAML_NODE, offsetof(struct auth_settings, oauth.fields), false, NULL, 0, 0 },
	{ "key", YAML_TEXT, offsetof(struct auth_settings, oauth.key), false, NULL, 0, 0 },
	{ "claims", YAML_NODE, offsetof(struct auth_settings, oauth.claims), false, NULL, 0, 0 },
	{ "client_auth", YAML_ENUM, offsetof(struct auth_settings, oauth.client_auth), false, client_auths, 0, 0 },
	{ "store", YAML_STRUCT, offsetof(struct auth_settings, oauth.store), false, &store_table, 0, 0 },
	{ "refresh_on", YAML_TEXTS, offsetof(struct auth_settings, oauth.refresh_on), false, NULL, 0, 0 },
	{ "rotate", YAML_BOOL, offsetof(struct auth_settings, oauth.rotates), false, NULL, 0, 0 },
	{ "header", YAML_TEXT, offsetof(struct auth_settings, oauth.header), false, NULL, 0, 0 },
	{ "scheme", YAML_TEXT, offsetof(struct auth_settings, oauth.scheme), false, NULL, 0, 0 },
	{ "base_url_hosts", YAML_TEXTS, offsetof(struct auth_settings, oauth.base_url_hosts), false, NULL, 0, 0 },
};

/* Which kinds have a key, and which of them need it. */
static const struct {
	const char *key;
	int belongs_to, is_needed_by;
} keys[] = {
	{ "name", HEADER | QUERY, HEADER | QUERY },
	{ "value", HEADER | QUERY, HEADER | QUERY },
	{ "user", BASIC, BASIC },
	{ "password", BASIC, BASIC },
	{ "grant", OAUTH2, OAUTH2 },
	{ "token_url", OAUTH2, OAUTH2 },
	{ "fields", OAUTH2, 0 },
	{ "key", OAUTH2, 0 },
	{ "claims", OAUTH2, 0 },
	{ "client_auth", OAUTH2, 0 },
	{ "store", OAUTH2, 0 },
	{ "refresh_on", OAUTH2, 0 },
	{ "rotate", OAUTH2, 0 },
	{ "header", OAUTH2, 0 },
	{ "scheme", OAUTH2, 0 },
	{ "base_url_hosts", OAUTH2, 0 },
};

static void check_field(const struct oauth_settings *s, const char *name, const struct yaml *where, struct mistakes *m)
{
	const struct yaml *node = yaml_member(s->fields, name);

	if (!node || node->type != YAML_SCALAR)
		mistake_at(m, where, "`fields:` needs `%s:`, a text", name);
}

/* Whether it is a mapping of texts. */
static bool is_of_texts(const struct yaml *node, struct mistakes *m)
{
	if (!node || node->type != YAML_MAPPING)
		return false;
	for (const struct yaml *f = node->first; f; f = f->next)
		if (f->type != YAML_SCALAR)
			mistake_at(m, f, "is sent as a text, and must be one");
	return true;
}

static void check_jwt(const struct oauth_settings *s, const struct yaml *where, struct mistakes *m)
{
	bool is_jwt = s->grant == OAUTH_JWT_BEARER;

	if (is_jwt != (s->key != NULL) || is_jwt != (s->claims != NULL))
		mistake_at(m, where, "`grant: jwt_bearer` goes with `key:`, the private key, and `claims:`, what it signs");
	if (s->claims && !is_of_texts(s->claims, m))
		mistake_at(m, where, "`claims:` is a mapping of texts, such as { iss: ..., sub: ..., aud: ... }");
}

static void check_oauth(const struct oauth_settings *s, const struct yaml *where, struct mistakes *m)
{
	check_jwt(s, where, m);
	if (!(s->fields ? is_of_texts(s->fields, m) : s->grant == OAUTH_JWT_BEARER)) {
		mistake_at(m, where, "`fields:` is a mapping of what the token endpoint is sent");
		return;
	}
	for (size_t i = 0; i < s->refresh_on.n; i++)
		if (strlen(s->refresh_on.at[i]) != 3 || !strchr("45", s->refresh_on.at[i][0]))
			mistake_at(m, where, "`refresh_on: %s` is no status; a code in the body is a rule of `errors:`",
			           s->refresh_on.at[i]);
	if (s->grant == OAUTH_REFRESH)
		check_field(s, "refresh_token", where, m);
	else if (s->rotates)
		mistake_at(m, where, "`rotate:` goes with `grant: refresh`");
	if (s->client_auth == OAUTH_BASIC) {
		check_field(s, "client_id", where, m);
		check_field(s, "client_secret", where, m);
	}
	if (!s->store.base_url != !s->base_url_hosts.n)
		mistake_at(m, where, "`store: { base_url: }` and `base_url_hosts:` go together");
}

static void check_auth(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct auth_settings *s = item;
	size_t n_before = m->n;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		bool is_there = !yaml_is_null(yaml_member(where, keys[i].key));

		if (!is_there && (keys[i].is_needed_by & ways[s->kind].flag))
			mistake_at(m, where, "%s needs `%s:`", kinds[s->kind], keys[i].key);
		if (is_there && !(keys[i].belongs_to & ways[s->kind].flag))
			mistake_at(m, where, "%s has no `%s:`", kinds[s->kind], keys[i].key);
	}
	if (auth_is_oauth(s) && m->n == n_before)
		check_oauth(&s->oauth, where, m);
}

bool auth_is_oauth(const struct auth_settings *s)
{
	return ways[s->kind].flag == OAUTH2;
}

const struct yaml_table auth_table = {
	.size = sizeof(struct auth_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_auth,
};

int auth_make(const struct auth_settings *s, const struct scope *scope, struct arena *a, struct credentials *out,
              struct err *err)
{
	return ways[s->kind].make(s, scope, a, out, err);
}
