#include "oauth.h"

#include <string.h>
#include <strings.h>

#include "client.h"
#include "common/clock.h"
#include "common/lock.h"
#include "common/sha256.h"
#include "common/text.h"
#include "jwt.h"

enum {
	MARGIN_S = 60,            /* before a token expires ... */
	MARGIN_SHARE = 4,         /* ... but never more than a quarter of its life */
	MAX_LIFE_S = 366 * 86400,
	MAX_ANSWER_BYTES = 64 << 10,
	MAX_TOKEN_BYTES = 16 << 10,
	MAX_ASKED = 3,
	MAX_WAIT_S = 30,
	LOCK_LOOK_MS = 50,
	LOCK_WAIT_MS = 180000,    /* longer than another process can need for its MAX_ASKED */
};

struct oauth {
	const struct oauth_settings *settings;
	struct arena *arena;      /* of the client */
	const char *path, *lock_path;
	const char *seed;
	struct token token;
	const char **seen;
	size_t n_seen;
};

const char *const *oauth_tokens(const struct oauth *o, size_t *n)
{
	*n = o->n_seen;
	return o->seen;
}

static void remember(struct oauth *o, const char *token)
{
	for (size_t i = 0; token && i < o->n_seen; i++)
		if (strcmp(o->seen[i], token) == 0)
			return;
	if (!token)
		return;
	o->seen = arena_grow(o->arena, o->seen, o->n_seen, o->n_seen + 1, sizeof *o->seen);
	o->seen[o->n_seen++] = token;
}

/* Both sorts of token are printable ASCII by the RFC; a blank or a line end has no place in a header. */
static bool is_token(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n > 0 && n <= MAX_TOKEN_BYTES;
}

static bool is_fresh(const struct client *c, const struct token *t)
{
	return t->access && (!t->fresh_until || client_now(c) < t->fresh_until);
}

/* the address that comes with a token ------------------------------------------------------------------------------ */

static bool ends_with_host(const char *host, const char *allowed)
{
	size_t n = strlen(host), m = strlen(allowed);

	if (allowed[0] != '.')
		return strcasecmp(host, allowed) == 0;
	return n > m && strcasecmp(host + n - m, allowed) == 0;
}

/* Our credentials go there, so it must be where the connector says that they may. */
static int check_base_url(const struct client *c, const char *url, struct arena *a, struct err *err)
{
	const struct oauth_settings *s = &c->connector->auth.oauth;
	const char *host = http_same_origin(url, url) ? http_host(a, url) : NULL;
	bool is_https = text_starts(url, "https://"), is_allowed = false;

	for (size_t i = 0; host && i < s->base_url_hosts.n; i++)
		is_allowed = is_allowed || ends_with_host(host, s->base_url_hosts.at[i]);
	if (is_allowed && !strchr(url, '?') && (is_https || c->connector->allows_http_loopback))
		return 0;
	return err_set(err, ERR_CONFIG, "the token's answer sends us to %s, which `base_url_hosts` doesn't allow",
	               http_redact(a, url));
}

/* Takes a token into use. */
static int use(struct client *c, const struct token *t, struct err *err)
{
	struct oauth *o = c->oauth;
	const struct oauth_settings *s = o->settings;
	const char *scheme = s->scheme ? s->scheme : "Bearer";
	struct http_header *h = arena_alloc(o->arena, sizeof *h);

	remember(o, t->access);
	remember(o, t->refresh);
	if (s->store.base_url) {
		if (!t->base_url || check_base_url(c, t->base_url, o->arena, err) < 0)
			return t->base_url ? -1 : err_set(err, ERR_CONFIG, "the token's answer has no `%s`", s->store.base_url);
		if (c->base_url && o->token.access && !http_same_origin(c->base_url, t->base_url))
			return err_set(err, ERR_RETRY, "the API has moved to %s; the next pull goes there",
			               http_redact(o->arena, t->base_url));
		c->base_url = t->base_url;
	}
	*h = (struct http_header){ s->header ? s->header : "Authorization",
		                       arena_printf(o->arena, "%s%s%s", scheme, *scheme ? " " : "", t->access) };
	c->credentials = (struct credentials){ .headers = h, .n_headers = 1 };
	o->token = *t;
	return 0;
}

/* asking ----------------------------------------------------------------------------------------------------------- */

static bool is_sent_apart(const struct oauth_settings *s, const char *name)
{
	return s->client_auth == OAUTH_BASIC && (strcmp(name, "client_id") == 0 || strcmp(name, "client_secret") == 0);
}

static const char *field(const struct client *c, const char *name, struct arena *a, struct err *err)
{
	const struct yaml *node = yaml_member(c->oauth->settings->fields, name);
	const char *value = NULL;

	if (!node || template_expand(a, node->text, &c->scope, TEMPLATE_RAW, &value, err) < 0)
		return NULL;
	return value;
}

static const char *const grant_types[] = {
	[OAUTH_REFRESH] = "refresh_token",
	[OAUTH_CLIENT_CREDENTIALS] = "client_credentials",
	[OAUTH_JWT_BEARER] = "urn:ietf:params:oauth:grant-type:jwt-bearer",
};

static const struct yaml *first_field(const struct oauth_settings *s)
{
	return s->fields ? s->fields->first : NULL;
}

/* The form, without what goes into the Authorization header. A kept refresh token stands before the secret's. */
static int write_form(const struct client *c, const struct token *t, struct arena *a, const char **out, struct err *err)
{
	const struct oauth_settings *s = c->oauth->settings;
	const char *form = arena_printf(a, "grant_type=%s", http_escape(a, grant_types[s->grant])), *assertion;

	if (s->grant == OAUTH_JWT_BEARER) {
		if (jwt_make(s, &c->scope, client_now(c), a, &assertion, err) < 0)
			return -1;
		form = arena_printf(a, "%s&assertion=%s", form, assertion);
	}
	for (const struct yaml *f = first_field(s); f; f = f->next) {
		const char *value;

		if (is_sent_apart(s, f->key))
			continue;
		if (template_expand(a, f->text, &c->scope, TEMPLATE_RAW, &value, err) < 0)
			return -1;
		if (t->refresh && strcmp(f->key, "refresh_token") == 0)
			value = t->refresh;
		form = arena_printf(a, "%s&%s=%s", form, http_escape(a, f->key), http_escape(a, value));
	}
	*out = form;
	return 0;
}

static int ask_once(const struct client *c, const char *form, struct arena *a, struct http_response *out,
                    struct err *err)
{
	const struct oauth_settings *s = c->oauth->settings;
	struct http_header headers[3] = { { "Accept", "application/json" },
		                              { "Content-Type", "application/x-www-form-urlencoded" } };
	struct http_request req = { .method = "POST", .url = s->token_url, .headers = headers, .n_headers = 2, .body = form,
	                            .body_len = strlen(form), .max_body_bytes = MAX_ANSWER_BYTES };

	if (s->client_auth == OAUTH_BASIC) {
		const char *id = field(c, "client_id", a, err), *secret = id ? field(c, "client_secret", a, err) : NULL, *pair;

		if (!secret)
			return -1;
		pair = arena_printf(a, "%s:%s", http_escape(a, id), http_escape(a, secret));
		headers[req.n_headers++] = (struct http_header){
			"Authorization", arena_printf(a, "Basic %s", base64_text(a, pair, strlen(pair)))
		};
	}
	return http_send(c->http, a, &req, out, err);
}

static bool is_passing(int status)
{
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* An answer that a repetition doesn't change. *is_doubtful: some request may have been granted without our knowing. */
static int ask(const struct client *c, const char *form, struct arena *a, struct http_response *out, bool *is_doubtful,
               struct err *err)
{
	double wait_s = c->connector->first_wait_s;

	for (int asked = 1;; asked++, wait_s *= 2) {
		int rc = ask_once(c, form, a, out, err);
		int64_t told = rc == 0 ? http_retry_after_s(out, client_now(c)) : -1;

		if (rc == 0 && !is_passing(out->status))
			return 0;
		*is_doubtful = *is_doubtful || (rc < 0 ? http_was_sent(c->http) : out->status >= 500);
		if (rc == 0)
			(void)err_set(err, ERR_RETRY, "HTTP %d", out->status);
		if (err->kind != ERR_RETRY || asked == MAX_ASKED || told > MAX_WAIT_S)
			return -1;
		c->time.sleep_ms(c->time.context, told > 0 ? told * 1000 : (int64_t)(wait_s * 1000));
	}
}

/* The words that RFC 6749 has for a refusal, and what to do. Nothing else of an answer is ever shown. */
static const struct {
	const char *code, *say;
} refusals[] = {
	{ "invalid_grant", "the grant was revoked, has expired or was used elsewhere: a person must authorise retaind "
	                   "again and give the source the new secrets" },
	{ "invalid_client", "the client's id or secret is wrong: correct the source's secrets" },
	{ "unauthorized_client", "the client may not ask for tokens this way: allow it where the app was registered" },
	{ "unsupported_grant_type", "the app doesn't offer this way of asking: allow it where the app was registered" },
	{ "invalid_scope", "the scope is more than was granted: authorise again with the scopes of the connector" },
	{ "invalid_request", "the endpoint doesn't understand the request: check the source's secrets and config" },
	{ "access_denied", "the access was denied: a person must authorise retaind again" },
};

/* What the connector's file says of this refusal: rules that look at the description. NULL: nothing. */
static const struct error_rule *rule_for(const struct client *c, const struct http_response *r,
                                         const struct json *body)
{
	const struct error_rule *rules = c->connector->errors.at;

	for (size_t i = 0; i < c->connector->errors.n; i++)
		if (rules[i].say && rules[i].path && strcmp(rules[i].path, "error_description") == 0 &&
		    errors_judge(&rules[i], 1, r, body).say == rules[i].say)
			return &rules[i];
	return NULL;
}

/* lost_at: when a renewal was asked for whose answer never came; 0: none. */
static int refused(const struct client *c, const struct http_response *r, const struct json *body, int64_t lost_at,
                   struct arena *a, struct err *err)
{
	const struct error_rule *rule = rule_for(c, r, body);
	const char *code = json_text(json_at(body, "error")), *lost = "";

	if (rule && rule->action == ACTION_RATE_LIMITED)
		return err_set(err, ERR_RETRY, "HTTP %d: %s", r->status, rule->say);
	for (size_t i = 0; code && i < ARRAY_LEN(refusals); i++) {
		if (strcmp(code, refusals[i].code) != 0)
			continue;
		if (i == 0 && lost_at)
			lost = arena_printf(a, " (the answer to a renewal begun at %s never reached the token file: what it "
			                       "replaced is lost)", instant_text(a, lost_at));
		return err_set(err, ERR_CONFIG, "%s: %s%s", code, rule ? rule->say : refusals[i].say, lost);
	}
	return err_set(err, ERR_CONFIG, "HTTP %d: %s", r->status,
	               rule ? rule->say : "the endpoint gives no token: check the source's secrets and `token_url`");
}

static int64_t life_of(const struct json *value, struct arena *a)
{
	const char *text = json_scalar(a, value); /* some write "3600" */
	int64_t life;

	return text && text_to_int(text, &life) && life > 0 ? (life < MAX_LIFE_S ? life : MAX_LIFE_S) : 0;
}

static int read_answer(const struct oauth *o, const struct json *body, int64_t asked_at, struct arena *a,
                       struct token *t, struct err *err)
{
	const struct oauth_store *s = &o->settings->store;
	const char *access = json_text(json_at(body, s->access ? s->access : "access_token"));
	const char *refresh = json_text(json_at(body, s->refresh ? s->refresh : "refresh_token"));
	const char *base_url = s->base_url ? json_text(json_at(body, s->base_url)) : NULL;
	int64_t life = life_of(json_at(body, s->expires_in ? s->expires_in : "expires_in"), a);
	int64_t margin = life / MARGIN_SHARE < MARGIN_S ? life / MARGIN_SHARE : MARGIN_S;

	if (!access || !is_token(access) || (refresh && !is_token(refresh)))
		return err_set(err, ERR_CONFIG, "the answer holds no token at `%s`", s->access ? s->access : "access_token");
	t->access = arena_strdup(o->arena, access);
	if (refresh && o->settings->rotates)
		t->refresh = arena_strdup(o->arena, refresh);
	if (base_url)
		t->base_url = arena_strdup(o->arena, base_url);
	t->fresh_until = life ? asked_at + life - margin : 0;
	t->asked_at = 0;
	return 0;
}

static int ask_and_read(const struct client *c, const struct token *old, struct token *next, bool *is_doubtful,
                        struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct oauth *o = c->oauth;
	const struct json *body = NULL;
	int64_t now = client_now(c);
	struct http_response r;
	const char *form;
	struct err ignored;

	if (write_form(c, old, a, &form, err) < 0 || ask(c, form, a, &r, is_doubtful, err) < 0)
		return -1;
	if (r.body_len > MAX_ANSWER_BYTES || json_parse(a, r.body, r.body_len, &body, &ignored) < 0)
		body = NULL;
	if (r.status != 200 || !body || json_text(json_at(body, "error"))) /* some refuse with 200 */
		return refused(c, &r, body, *is_doubtful && o->settings->rotates ? next->asked_at : old->asked_at, a, err);
	return read_answer(o, body, now, a, next, err);
}

/* Asks for a new token and keeps it. What the other side may replace is noted before it is asked: should the answer be
 * lost, the next process can say why its refresh token is refused. */
static int renew(struct client *c, const struct token *old, struct err *err)
{
	const struct oauth *o = c->oauth;
	struct token next = *old;
	bool is_doubtful = false;
	struct err unsaved;

	next.asked_at = old->asked_at ? old->asked_at : client_now(c);
	if (o->settings->rotates && token_save(o->path, &next, err) < 0)
		return -1;
	if (ask_and_read(c, old, &next, &is_doubtful, err) < 0) {
		if (o->settings->rotates && !is_doubtful && token_save(o->path, old, &unsaved) < 0)
			*err = unsaved;
		return err_in(err, "token endpoint");
	}
	return token_save(o->path, &next, err) < 0 ? -1 : use(c, &next, err);
}

/* one at a time ---------------------------------------------------------------------------------------------------- */

static int lock_wait(const struct client *c, const char *path, int *lock, struct err *err)
{
	for (int64_t waited = 0; lock_take(path, lock, err) < 0; waited += LOCK_LOOK_MS) {
		if (err->kind != ERR_RETRY || waited >= LOCK_WAIT_MS)
			return -1;
		c->time.sleep_ms(c->time.context, LOCK_LOOK_MS);
	}
	return 0;
}

/* Secrets that a person has replaced make a new beginning. */
static int read_kept(const struct client *c, struct token *out, struct err *err)
{
	const struct oauth *o = c->oauth;
	struct token t = { 0 };

	if (token_load(o->path, o->arena, &t, err) < 0)
		return -1;
	if (!t.seed || strcmp(t.seed, o->seed) != 0)
		t = (struct token){ .seed = o->seed };
	*out = t;
	return 0;
}

/* Renews, unless another process has kept a token by now that is fresh and not the stale one. */
static int renew_alone(struct client *c, const char *stale, struct err *err)
{
	CLEANUP(lock_release) int lock = -1;
	const struct oauth *o = c->oauth;
	struct token kept;

	if (token_folder(o->path, err) < 0 || lock_wait(c, o->lock_path, &lock, err) < 0 || read_kept(c, &kept, err) < 0)
		return -1;
	if (is_fresh(c, &kept) && (!stale || strcmp(kept.access, stale) != 0))
		return use(c, &kept, err);
	return renew(c, &kept, err);
}

/* The refresh token as it was given, or all that a client says of itself. */
static int make_seed(const struct client *c, struct arena *a, const char **out, struct err *err)
{
	const struct oauth_settings *s = c->oauth->settings;
	const char *all = s->token_url, *claim;

	for (const struct yaml *f = first_field(s); f; f = f->next) {
		const char *value = NULL;

		if (s->grant == OAUTH_REFRESH && strcmp(f->key, "refresh_token") != 0)
			continue;
		value = field(c, f->key, a, err);
		if (!value)
			return -1;
		all = arena_printf(a, "%s\n%s=%s", all, f->key, value);
	}
	for (const struct yaml *f = s->claims ? s->claims->first : NULL; f; f = f->next) {
		if (template_expand(a, f->text, &c->scope, TEMPLATE_RAW, &claim, err) < 0)
			return -1;
		all = arena_printf(a, "%s\n%s=%s", all, f->key, claim);
	}
	*out = sha256_hex(a, all, strlen(all));
	return 0;
}

int oauth_open(struct client *c, const char *path, struct arena *a, struct err *err)
{
	struct oauth *o = arena_alloc(a, sizeof *o);
	struct token kept;

	if (!path)
		return err_set(err, ERR_CONFIG, "there is no place to keep tokens in");
	*o = (struct oauth){ .settings = &c->connector->auth.oauth, .arena = a, .path = path };
	o->lock_path = arena_printf(a, "%s.lock", path);
	c->oauth = o;
	if (make_seed(c, a, &o->seed, err) < 0 || read_kept(c, &kept, err) < 0)
		return -1;
	return is_fresh(c, &kept) ? use(c, &kept, err) : renew_alone(c, NULL, err);
}

int oauth_keep_fresh(struct client *c, struct err *err)
{
	return is_fresh(c, &c->oauth->token) ? 0 : renew_alone(c, NULL, err);
}

int oauth_refused(struct client *c, struct err *err)
{
	return renew_alone(c, c->oauth->token.access, err);
}
