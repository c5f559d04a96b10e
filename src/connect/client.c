#include "client.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "client_parts.h"
#include "common/clock.h"
#include "common/text.h"

enum {
	MAX_HOPS = 3,
	MAX_HEADERS = 16,
	SHOWN_CHARS = 200,
	MAX_REASON_BYTES = 64 << 10,
	SHORTEST_SECRET = 4, /* less is no secret, and would black out ordinary words */
};

static int64_t real_now_ms(void *context)
{
	(void)context;
	return clock_monotonic_ms();
}

static void real_sleep_ms(void *context, int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

	(void)context;
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

int client_init(struct client *c, const struct connector *connector, struct http *http, const struct scope *scope,
                const struct client_time *time, double budget_percent, int64_t now, struct arena *a, struct err *err)
{
	static const struct client_time real = { real_now_ms, real_sleep_ms, NULL };

	*c = (struct client){ .connector = connector, .http = http, .base_url = connector->base_url, .scope = *scope,
		                  .now = now };
	c->time = time ? *time : real;
	c->started_ms = c->time.now_ms(c->time.context);
	if (limiter_open(&c->limiter, &connector->limits, budget_percent, NULL, c->started_ms, a, err) < 0)
		return -1;
	return auth_make(&connector->auth, scope, a, &c->credentials, err);
}

int client_share_limits(struct client *c, const char *path, struct arena *a, struct err *err)
{
	return limiter_open(&c->limiter, &c->connector->limits, c->limiter.budget_percent, path, c->started_ms, a, err);
}

int client_login(struct client *c, const char *token_path, struct arena *a, struct err *err)
{
	return auth_is_oauth(&c->connector->auth) ? oauth_open(c, token_path, a, err) : 0;
}

int64_t client_now(const struct client *c)
{
	return c->now + (c->time.now_ms(c->time.context) - c->started_ms) / 1000;
}

/* texts for people ------------------------------------------------------------------------------------------------- */

static void black_out(char *text, const char *secret)
{
	size_t n = strlen(secret);
	char *at;

	if (n < SHORTEST_SECRET)
		return;
	while ((at = strstr(text, secret)) != NULL) {
		memset(at, '*', 3);
		memmove(at + 3, at + n, strlen(at + n) + 1);
	}
}

/* As it is, and as a URL writes it, in capitals and without. */
static void black_out_forms(char *text, const char *secret, struct arena *a)
{
	char *escaped = http_escape(a, secret);

	black_out(text, secret);
	black_out(text, escaped);
	for (char *c = escaped; (c = strchr(c, '%')) != NULL; c++)
		for (char *digit = c + 1; digit < c + 3; digit++)
			*digit = *digit >= 'A' && *digit <= 'F' ? (char)(*digit - 'A' + 'a') : *digit;
	black_out(text, escaped);
}

/* An API may say our own words back to us: the secrets, and what was made of them, with the scheme and without. */
static void hide_secrets(const struct client *c, char *text, struct arena *a)
{
	size_t n_tokens = 0;
	const char *const *tokens = c->oauth ? oauth_tokens(c->oauth, &n_tokens) : NULL;

	for (size_t i = 0; i < n_tokens; i++)
		black_out_forms(text, tokens[i], a);
	for (size_t i = 0; i < c->scope.n_secrets; i++)
		if (c->scope.secrets[i].value)
			black_out_forms(text, c->scope.secrets[i].value, a);
	for (size_t i = 0; i < c->credentials.n_headers; i++) {
		const char *value = c->credentials.headers[i].value, *space = strchr(value, ' ');

		black_out_forms(text, value, a);
		if (space)
			black_out_forms(text, space + 1, a);
	}
}

/* What the other side gives as its reason, cleaned and short. Secrets go before the text is cut: half a secret is none
 * that could still be found. */
static const char *reason_of(const struct client *c, const struct http_response *r, const struct json *body,
                             struct arena *a)
{
	static const char *const paths[] = { "message", "error.message", "error_description", "error", "errors[0].message",
	                                     "[0].message", "detail", "title", "errors[0]", "description" };
	const char *text = NULL;
	char *shown;

	for (size_t i = 0; i < ARRAY_LEN(paths) && !text; i++)
		text = json_text(json_at(body, paths[i]));
	if (c->connector->reason_header && http_header(r, c->connector->reason_header))
		text = http_header(r, c->connector->reason_header);
	if (!text && !body && r->body_len)
		text = "no JSON";
	if (!text)
		return NULL;
	shown = arena_strndup(a, text, strnlen(text, MAX_REASON_BYTES));
	hide_secrets(c, shown, a);
	return text_clean(a, shown, SHOWN_CHARS);
}

static int judged_bad(const struct client *c, const struct verdict *v, const struct http_response *r,
                      const struct json *body, int64_t n_attempts, struct arena *a, struct err *err)
{
	static const enum err_kind kinds[] = {
		[ACTION_RETRY] = ERR_RETRY,         [ACTION_RATE_LIMITED] = ERR_RETRY, [ACTION_EMPTY] = ERR_NONE,
		[ACTION_FAIL_CONFIG] = ERR_CONFIG,  [ACTION_FAIL] = ERR_INPUT,         [ACTION_OK] = ERR_NONE,
		[ACTION_REFRESH_RETRY] = ERR_CONFIG, [ACTION_QUOTA_SPENT] = ERR_RETRY,
		[ACTION_ASK_LESS] = ERR_INPUT,
	};
	const char *reason = reason_of(c, r, body, a);
	const char *times = n_attempts > 1 ? arena_printf(a, " (asked %lld times)", (long long)n_attempts) : "";

	return err_set(err, kinds[v->action], "HTTP %d%s%s%s%s%s", r->status, reason ? ": " : "", reason ? reason : "",
	               times, v->say ? "; " : "", v->say ? v->say : "");
}

/* waiting ---------------------------------------------------------------------------------------------------------- */

/* Between half and all of a wait that doubles each time: many clients that fell together don't rise together. */
static int64_t backoff_ms(const struct connector *c, int64_t attempt)
{
	double longest = fmin(c->first_wait_s * exp2((double)(attempt - 1)), c->longest_wait_s) * 1000;
	uint32_t dice = 0;

	if (getrandom(&dice, sizeof dice, GRND_NONBLOCK) != (ssize_t)sizeof dice)
		dice = UINT32_MAX;
	return (int64_t)(longest * (0.5 + 0.5 * (double)dice / UINT32_MAX));
}

static int64_t wait_ms(const struct client *c, const struct verdict *v, const struct http_response *r, int64_t attempt)
{
	int64_t wait = backoff_ms(c->connector, attempt), told = r ? http_retry_after_s(r, client_now(c)) * 1000 : -1;

	if (v->wait_s * 1000 > wait)
		wait = v->wait_s * 1000;
	return told > wait ? told : wait;
}

static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;

	return path ? path : "/";
}

const char *client_path(const char *url, struct arena *a)
{
	const char *path = path_of(url);

	return arena_strndup(a, path, strcspn(path, "?"));
}

/* requests --------------------------------------------------------------------------------------------------------- */

static size_t add_headers(const struct client *c, const struct expected *expected, bool has_body,
                          struct http_header *out, struct arena *a, struct err *err)
{
	const struct yaml *more = c->connector->headers ? c->connector->headers->first : NULL;
	size_t n = 0;

	out[n++] = (struct http_header){ "Accept", "application/json" };
	if (expected->decode)
		out[n - 1].value = decode_accept(expected->decode);
	if (has_body)
		out[n++] = (struct http_header){ "Content-Type", "application/json" };
	for (size_t i = 0; i < c->credentials.n_headers; i++)
		out[n++] = c->credentials.headers[i];
	for (size_t i = 0; i < expected->n_headers && n < MAX_HEADERS; i++)
		out[n++] = expected->headers[i];
	for (; more && n < MAX_HEADERS; more = more->next) {
		const char *value = more->text ? more->text : "";

		if (template_expand(a, value, &c->scope, TEMPLATE_RAW, &value, err) < 0)
			return 0;
		out[n++] = (struct http_header){ more->key, value };
	}
	return n;
}

/* The other side's clock where its answer tells. */
static int64_t their_now(const struct client *c, const struct http_response *r)
{
	const char *date = http_header(r, "date");
	int64_t at;

	return date && instant_parse_http(date, &at) ? at : client_now(c);
}

/* The wall clock itself, whatever the time is that the pull is of. An answer may come out of a cache, with an old Date:
 * the one nearest to now says most. */
static void learn_date(struct client *c, int64_t at)
{
	int64_t off_s = clock_now() - at;

	off_s = off_s < 0 ? -off_s : off_s;
	if (c->has_date && off_s > c->off_s)
		return;
	c->has_date = true;
	c->off_s = off_s;
	c->answered_at = at;
	c->answered_boot_ms = clock_boottime_ms();
}

static void learn_clock(struct client *c, const struct http_response *r)
{
	const char *date = http_header(r, "date");
	int64_t at;

	if (!date || !instant_parse_http(date, &at))
		return;
	if (client_now(c) - at > c->ahead_s)
		c->ahead_s = client_now(c) - at;
	learn_date(c, at);
}

int client_prepare(struct client *c, const struct call *call, struct arena *a, struct http_request *out,
                   struct err *err)
{
	struct http_header *headers = arena_array(a, MAX_HEADERS, sizeof *headers);
	struct http_request req = { .method = call->method, .url = call->url, .body = call->body, .headers = headers,
		                        .timeout_ms = c->connector->timeout_s * 1000, .is_repeatable = !call->is_once,
		                        .download_fd = call->expected.download_fd,
		                        .max_body_bytes = call->expected.max_bytes,
		                        .silence_ms = call->expected.timeout_ms };

	if (call->expected.timeout_ms)
		req.timeout_ms = call->expected.timeout_ms;
	if (c->is_spent)
		return err_set(err, ERR_RETRY, "the other side's quota is used up, as it said; goes on with a later pull");
	if (!http_same_origin(c->base_url, call->url))
		return err_set(err, ERR_CONFIG, "%s is not at %s, where our credentials belong", http_redact(a, call->url),
		               http_redact(a, c->base_url));
	req.body_len = call->body ? strlen(call->body) : 0;
	req.n_headers = add_headers(c, &call->expected, call->body != NULL, headers, a, err);
	if (req.n_headers == 0)
		return -1;
	if (c->credentials.query)
		req.url = arena_printf(a, "%s%c%s", call->url, strchr(call->url, '?') ? '&' : '?', c->credentials.query);
	*out = req;
	return 0;
}

void client_unsent(struct client *c, const struct http_request *req, struct arena *a, struct err *err)
{
	c->n_unanswered++;
	if (c->credentials.query) /* a shortened URL keeps its end, and that is the end of a secret here */
		black_out(err->text, http_redact(a, req->url));
}

void client_learn(struct client *c, const char *path, const struct http_response *r)
{
	c->n_answers++;
	limiter_learn(&c->limiter, path, r, c->time.now_ms(c->time.context), their_now(c, r));
	learn_clock(c, r);
}

/* Other processes may be quicker to take the place that was waited for. */
static int wait_turn(struct client *c, const char *path, struct limit_ticket *out, struct err *err)
{
	int64_t wait;

	while ((wait = limiter_take_ms(&c->limiter, path, c->time.now_ms(c->time.context), out, err)) > 0)
		c->time.sleep_ms(c->time.context, wait);
	return (int)wait;
}

/* One exchange, at the pace allowed. */
static int exchange(struct client *c, const struct call *call, struct arena *a, struct http_response *out,
                    struct err *err)
{
	const char *path = client_path(call->url, a);
	struct limit_ticket ticket;
	struct http_request req;
	int rc;

	if (client_prepare(c, call, a, &req, err) < 0 || wait_turn(c, path, &ticket, err) < 0)
		return -1;
	rc = http_send(c->http, a, &req, out, err);
	limiter_give(&c->limiter, &ticket, c->time.now_ms(c->time.context));
	if (rc < 0) {
		client_unsent(c, &req, a, err);
		return -1;
	}
	client_learn(c, path, out);
	return 0;
}

bool client_is_redirect(const struct http_response *r)
{
	return r->status >= 301 && r->status <= 308 && r->status != 304 && http_header(r, "location");
}

/* Follows at most three redirects of a GET within the origin. */
static int exchange_with_hops(struct client *c, const struct call *call, struct arena *a, struct answer *out,
                              struct err *err)
{
	struct call now = *call;

	out->url = call->url;
	for (int hop = 0;; hop++) {
		const char *next;

		if (exchange(c, &now, a, &out->http, err) < 0)
			return -1;
		if (!client_is_redirect(&out->http))
			return 0;
		next = http_resolve(a, out->url, http_header(&out->http, "location"));
		if (strcmp(call->method, "GET") != 0 || !next || !http_same_origin(c->base_url, next))
			return err_set(err, ERR_CONFIG, "HTTP %d leads to %s, where our credentials don't go; correct base_url",
			               out->http.status, next ? http_redact(a, next) : "no URL");
		if (hop == MAX_HOPS)
			return err_set(err, ERR_INPUT, "more than %d redirects", MAX_HOPS);
		out->url = now.url = next;
	}
}

static bool is_decoded(const struct answer *x)
{
	return x->expected.decode && !decode_is_plain(x->expected.decode) && x->http.status < 300 &&
	       x->expected.download_fd <= 0;
}

/* An answer that was cut short on its way may still look whole, rows of CSV most of all. */
static int check_count(const struct answer *x, struct err *err)
{
	const char *text = x->expected.count && x->http.status < 300 ? http_header(&x->http, x->expected.count) : NULL;
	size_t n_rows = text ? json_count(json_at(x->body, x->expected.records)) : 0;
	int64_t n;

	if (!x->expected.count || x->http.status >= 300)
		return 0;
	if (!text || !text_to_int(text, &n))
		return err_set(err, ERR_RETRY, "`%s` doesn't say how many rows it has", x->expected.count);
	if (n == (int64_t)n_rows)
		return 0;
	return err_set(err, ERR_RETRY, "it has %zu rows, but says that it has %lld", n_rows, (long long)n);
}

/* Reads the body: as JSON where it may be an error's, whatever was asked for. */
static void read_body(struct answer *x, struct arena *a, struct err *broken)
{
	int rc = 0;

	x->body = NULL;
	if (is_decoded(x) && x->http.status != 204)
		rc = decode_list(x->expected.decode, x->http.body, x->http.body_len, a, &x->body, broken);
	else if (x->http.body_len)
		rc = json_parse(a, x->http.body, x->http.body_len, &x->body, broken);
	if (rc < 0 || (x->body && check_count(x, broken) < 0))
		x->body = NULL;
}

/* A page for people where rows were asked for: CSV would take its first line for a header. */
static bool is_web_page(const struct answer *x)
{
	const char *type = http_header(&x->http, "content-type");

	return x->expected.decode && !decode_is_plain(x->expected.decode) && type &&
	       strncasecmp(type, "text/html", strlen("text/html")) == 0;
}

/* By the call's own words, then by the connector's. */
static struct verdict judge(const struct client *c, const struct answer *x)
{
	if (x->expected.empty && errors_status_fits(x->expected.empty, x->http.status))
		return (struct verdict){ .action = ACTION_EMPTY };
	return errors_judge(c->connector->errors.at, c->connector->errors.n, &x->http, x->body);
}

/* Says so and returns 1: ask again. */
static int unreadable(const struct answer *x, const struct err *why, struct err *err)
{
	const char *what = is_web_page(x) ? "is a page in HTML" : is_decoded(x) ? "can't be read" : "is no JSON";

	(void)err_set(err, ERR_RETRY, "HTTP %d: the answer %s%s%s", x->http.status, what,
	              why->text[0] && !is_web_page(x) ? ": " : "", is_web_page(x) ? "" : why->text);
	return 1;
}

int client_understand(struct client *c, struct answer *x, struct arena *a, struct verdict *v, struct err *err)
{
	struct err broken = { 0 };

	read_body(x, a, &broken);
	*v = judge(c, x);
	x->is_empty = v->action == ACTION_EMPTY || (v->action == ACTION_OK && x->http.status == 204);
	if (x->is_empty)
		return 0;
	if (v->action == ACTION_OK) {
		if (!is_web_page(x) && (x->body || x->expected.download_fd > 0))
			return 0;
		/* Half an answer must never be taken for a short list. */
		*v = (struct verdict){ .action = ACTION_RETRY };
		return unreadable(x, &broken, err);
	}
	if (v->action == ACTION_REFRESH_RETRY && !v->say)
		v->say = "refused with a fresh token too: authorise retaind again, or check what it may read";
	(void)judged_bad(c, v, &x->http, x->body, 1, a, err);
	c->is_spent = c->is_spent || v->action == ACTION_QUOTA_SPENT;
	return v->action == ACTION_RETRY || v->action == ACTION_RATE_LIMITED ? 1 : -1;
}

/* One attempt, as client_understand says it; with another token where the first was refused. *is_answered: x is
 * whole. */
static int attempt_call(struct client *c, const struct call *call, struct arena *a, struct answer *x,
                        struct verdict *v, bool *is_answered, struct err *err)
{
	bool has_renewed = false;

	for (;;) {
		int rc;

		*v = (struct verdict){ .action = ACTION_RETRY };
		*is_answered = false;
		if (c->oauth && oauth_keep_fresh(c, err) < 0)
			return -1;
		if (exchange_with_hops(c, call, a, x, err) < 0)
			return err->kind == ERR_RETRY ? 1 : -1;
		*is_answered = true;
		rc = client_understand(c, x, a, v, err);
		if (rc >= 0 || v->action != ACTION_REFRESH_RETRY || has_renewed)
			return rc;
		if (oauth_refused(c, err) < 0)
			return -1;
		has_renewed = true;
	}
}

/* Who asks too fast is told so for all: the source's other processes wait as well. */
static void rest_before(struct client *c, const struct tried *t, const char *path)
{
	int64_t ms = wait_ms(c, &t->v, t->is_answered ? &t->x.http : NULL, t->n);

	if (t->v.action == ACTION_RATE_LIMITED)
		limiter_hold(&c->limiter, path, ms, c->time.now_ms(c->time.context));
	c->time.sleep_ms(c->time.context, ms);
}

int client_insist(struct client *c, const struct call *call, struct tried *t, struct arena *a, struct answer *out,
                  struct err *err)
{
	int64_t most = call->is_once ? 1 : c->connector->max_attempts;

	t->x.expected = call->expected;
	while (t->n == 0 || (t->rc > 0 && t->n < most && !limiter_is_spent(&c->limiter) && !c->is_spent)) {
		if (t->n > 0)
			rest_before(c, t, client_path(call->url, a));
		t->rc = attempt_call(c, call, a, &t->x, &t->v, &t->is_answered, err);
		t->n++;
	}
	if (t->rc == 0) {
		*out = t->x;
		return 0;
	}
	if (t->is_answered && t->rc > 0 && t->v.action != ACTION_OK &&
	    !(t->x.http.status >= 200 && t->x.http.status < 300))
		(void)judged_bad(c, &t->v, &t->x.http, t->x.body, t->n, a, err);
	c->wants_less = t->is_answered && t->v.action == ACTION_ASK_LESS;
	(void)err_in(err, "%s %s", call->method, client_path(call->url, a));
	hide_secrets(c, err->text, a);
	return -1;
}

int client_call_once(struct client *c, const char *method, const char *url, const char *body, struct arena *a,
                     struct answer *out, struct err *err)
{
	const struct call call = { .method = method, .url = url, .body = body, .is_once = true };
	struct tried t = { 0 };

	return client_insist(c, &call, &t, a, out, err);
}

int client_call_for(struct client *c, const char *method, const char *url, const char *body,
                    const struct expected *expected, struct arena *a, struct answer *out, struct err *err)
{
	const struct call call = { .method = method, .url = url, .body = body, .expected = *expected };
	struct tried t = { 0 };

	return client_insist(c, &call, &t, a, out, err);
}

int client_call(struct client *c, const char *method, const char *url, const char *body, struct arena *a,
                struct answer *out, struct err *err)
{
	return client_call_for(c, method, url, body, &(struct expected){ 0 }, a, out, err);
}
