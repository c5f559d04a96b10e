#include "client.h"

#include <string.h>

#include "client_parts.h"

struct one {
	struct tried tried;
	struct err err;         /* of the last attempt */
	const char *path;
	struct http_request req;
	struct limit_ticket ticket;
	bool is_done, is_in_trouble, is_redirected;
};

struct many {
	struct client *client;
	const struct call *calls;
	struct one *ones;
	size_t n, at;           /* the next to be sent */
	size_t *given, n_given; /* of this round: which call, in the order they were sent */
	bool has_trouble;       /* what is under way still comes in, no more is sent */
	struct arena *arena;
	struct answer *out;
};

static int in_trouble(struct many *m, struct one *one, int rc)
{
	one->tried.rc = rc;
	one->tried.n = one->tried.n ? one->tried.n : 1;
	one->is_in_trouble = m->has_trouble = true;
	return -1;
}

static int next(void *context, struct http_request *out, int64_t *out_wait_ms)
{
	struct many *m = context;
	struct client *c = m->client;
	const struct call *call;
	struct one *one;

	while (m->at < m->n && m->ones[m->at].is_done)
		m->at++;
	if (m->at == m->n || m->has_trouble)
		return -1;
	call = &m->calls[m->at];
	one = &m->ones[m->at];
	one->path = client_path(call->url, m->arena);
	if (c->oauth && oauth_keep_fresh(c, &one->err) < 0)
		return in_trouble(m, one, -1);
	*out_wait_ms = limiter_take_ms(&c->limiter, one->path, c->time.now_ms(c->time.context), &one->ticket, &one->err);
	if (*out_wait_ms != 0)
		return *out_wait_ms < 0 ? in_trouble(m, one, -1) : 0;
	if (client_prepare(c, call, m->arena, &one->req, &one->err) < 0) {
		limiter_give(&c->limiter, &one->ticket, c->time.now_ms(c->time.context));
		return in_trouble(m, one, -1);
	}
	one->req.max_body_bytes = CALL_MANY_BODY_BYTES;
	*out = one->req;
	m->given[m->n_given++] = m->at++;
	return 1;
}

/* A redirect, or a token that has expired, is for client_insist, which begins anew. */
static void come_back(struct many *m, struct one *one, const struct http_response *r)
{
	struct client *c = m->client;
	struct tried *t = &one->tried;

	limiter_give(&c->limiter, &one->ticket, c->time.now_ms(c->time.context));
	t->n++;
	t->v = (struct verdict){ .action = ACTION_RETRY };
	t->is_answered = r != NULL;
	if (!r) {
		client_unsent(c, &one->req, m->arena, &one->err);
		t->rc = one->err.kind == ERR_RETRY ? 1 : -1;
		return;
	}
	t->x.http = *r;
	client_learn(c, one->path, r);
	one->is_redirected = client_is_redirect(r);
	t->rc = one->is_redirected ? 1 : client_understand(c, &t->x, m->arena, &t->v, &one->err);
	if (one->is_redirected || t->v.action == ACTION_REFRESH_RETRY)
		*t = (struct tried){ .rc = 1 };
}

static void done(void *context, size_t place, const struct http_response *r, struct err *err)
{
	struct many *m = context;
	size_t at = m->given[place];
	struct one *one = &m->ones[at];

	one->err = *err;
	one->tried.x.url = m->calls[at].url;
	one->tried.x.expected = m->calls[at].expected;
	come_back(m, one, r);
	one->is_done = one->tried.n > 0 && one->tried.rc == 0;
	one->is_in_trouble = !one->is_done;
	m->has_trouble = m->has_trouble || one->is_in_trouble;
	if (one->is_done)
		m->out[at] = one->tried.x;
}

static void wait_a_while(void *context, int64_t ms)
{
	struct client *c = ((struct many *)context)->client;

	c->time.sleep_ms(c->time.context, ms);
}

/* The first call that came to nothing is asked again until it is answered; by then the other side is well, and the
 * others go again with the next round. */
static int help_out(struct many *m, struct err *err)
{
	bool has_helped = false;

	for (size_t i = 0; i < m->n; i++) {
		const struct call *call = &m->calls[i];
		struct one *one = &m->ones[i];

		if (!one->is_in_trouble)
			continue;
		one->is_in_trouble = false;
		if (has_helped && !one->is_redirected && one->tried.rc > 0 &&
		    one->tried.n < m->client->connector->max_attempts)
			continue;
		*err = one->err;
		if (client_insist(m->client, call, &one->tried, m->arena, &m->out[i], err) < 0)
			return -1;
		one->is_done = has_helped = true;
	}
	return 0;
}

int client_call_many(struct client *c, const struct call *calls, size_t n, size_t most, struct arena *a,
                     struct answer *out, struct err *err)
{
	struct many m = { .client = c, .calls = calls, .n = n, .arena = a, .out = out };
	const struct http_many rounds = { .most = most, .next = next, .done = done, .wait = wait_a_while, .context = &m };

	m.ones = arena_array(a, n + 1, sizeof *m.ones);
	m.given = arena_array(a, n + 1, sizeof *m.given);
	do {
		m.at = m.n_given = 0;
		m.has_trouble = false;
		http_send_many(c->http, a, &rounds);
		if (help_out(&m, err) < 0)
			return -1;
	} while (m.has_trouble);
	return 0;
}
