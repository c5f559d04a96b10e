#include "push.h"

#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "gzip.h"

enum { BURST_S = 2, FULL_RETRY_S = 300, BROKEN_RETRY_S = 30, BUSY_RETRY_S = 1 };

static const char prefix[] = "/push/", gzip[] = "gzip";

/* What may stand behind a source's address, as Segment's libraries put it there. */
static const struct {
	const char *path, *kind;
} kinds[] = {
	{ "", "" },
	{ "/v1/batch", "" },
	{ "/v1/import", "" },
	{ "/v1/track", "track" },
	{ "/v1/identify", "identify" },
	{ "/v1/group", "group" },
	{ "/v1/page", "page" },
	{ "/v1/screen", "screen" },
	{ "/v1/alias", "alias" },
};

static struct push_answer refuse(int status, const char *text)
{
	return (struct push_answer){ .status = status, .text = text };
}

static struct push_answer refuse_for(int status, const char *text, int retry_after_s)
{
	return (struct push_answer){ .status = status, .text = text, .retry_after_s = retry_after_s };
}

/* addresses -------------------------------------------------------------------------------------------------------- */

/* What of the path is behind "/push/ORG/NAME", NULL when it is another's. */
static const char *rest_of(const char *path, const struct web_source *s)
{
	size_t org = strlen(s->org), name = strlen(s->name);

	if (!text_starts(path, prefix))
		return NULL;
	path += strlen(prefix);
	if (strncmp(path, s->org, org) != 0 || path[org] != '/' || strncmp(path + org + 1, s->name, name) != 0)
		return NULL;
	path += org + 1 + name;
	return *path == '\0' || *path == '/' ? path : NULL;
}

static const char *kind_of(const char *path, const struct web_source *s)
{
	const char *rest = rest_of(path, s);

	for (size_t i = 0; rest && i < ARRAY_LEN(kinds); i++)
		if (strcmp(rest, kinds[i].path) == 0)
			return kinds[i].kind;
	return NULL;
}

/* rate ------------------------------------------------------------------------------------------------------------- */

static bool take_turn(struct push_target *t, int64_t now_ms)
{
	double most = t->source->per_second * BURST_S < 1 ? 1 : t->source->per_second * BURST_S;

	t->n_allowed += (double)(now_ms - t->allowed_ms) / 1000 * t->source->per_second;
	t->allowed_ms = now_ms;
	if (t->n_allowed > most)
		t->n_allowed = most;
	if (t->n_allowed < 1)
		return false;
	t->n_allowed -= 1;
	return true;
}

/* head ------------------------------------------------------------------------------------------------------------- */

/* Whether the body that is announced may come. */
static bool check_length(const struct web_source *s, const struct web_head *h, struct push_answer *out)
{
	const char *length = h->header(h->context, "Content-Length"),
			   *encoding = h->header(h->context, "Content-Encoding");
	int64_t n;

	/* what a signature is of, packed or not, is nowhere agreed on */
	if (encoding && !text_equal_fold(encoding, "identity") &&
	    (!text_equal_fold(encoding, gzip) || s->auth != WEB_AUTH_WRITE_KEY))
		*out = refuse(415, "send it without Content-Encoding");
	else if (length && (!text_to_int(length, &n) || n > WEB_MAX_BODY))
		*out = refuse(413, "at most 1 MiB a request");
	else
		return true;
	return false;
}

/* Senders are told no more than that they aren't known: not which organisations and sources there are. */
static struct push_answer refuse_stranger(void)
{
	return refuse(401, "who sends this is not known here");
}

static struct push_answer answer_other(const struct web_head *h)
{
	bool is_read = strcmp(h->method, "GET") == 0 || strcmp(h->method, "HEAD") == 0;

	if (strcmp(h->path, "/health") == 0)
		return is_read ? (struct push_answer){ .status = 200, .text = "" }
		               : (struct push_answer){ .status = 405, .text = "only GET", .allow = "GET, HEAD" };
	return text_starts(h->path, prefix) ? refuse_stranger() : refuse(404, "nothing is here");
}

bool push_head(struct push *p, const struct web_head *h, int64_t now_ms, struct arena *a,
               struct push_target **out_target, struct push_answer *out)
{
	struct push_target *t = NULL;

	for (size_t i = 0; i < p->n_targets && !t; i++)
		if (rest_of(h->path, p->targets[i].source))
			t = &p->targets[i];
	*out_target = t;
	if (!t)
		*out = answer_other(h);
	else if (!auth_head(t->source, h, a)) /* first: a stranger must not see by the answer what there is */
		*out = refuse_stranger();
	else if (strcmp(h->method, "POST") != 0)
		*out = (struct push_answer){ .status = 405, .text = "only POST", .allow = "POST" };
	else if (!kind_of(h->path, t->source))
		*out = refuse(404, "nothing is here");
	else if (!check_length(t->source, h, out))
		return true;
	else if (t->source->auth == WEB_AUTH_WRITE_KEY && !take_turn(t, now_ms))
		*out = refuse_for(429, "too many requests", BUSY_RETRY_S);
	else
		return false;
	return true;
}

/* body ------------------------------------------------------------------------------------------------------------- */

static bool are_objects(const struct json *list)
{
	for (const struct json *j = json_first(list); j; j = json_next(j))
		if (json_type(j) != JSON_OBJECT)
			return false;
	return json_count(list) <= WEB_MAX_EVENTS;
}

/* NULL when it is what we read: an event, a list of events, or { batch: [events] }. */
static const char *check_shape(struct arena *a, const char *body, size_t len)
{
	const struct json *json, *batch;
	struct err err;

	if (json_parse(a, body, len, &json, &err) < 0)
		return "expected JSON in UTF-8, at most 64 levels deep";
	if (json_type(json) == JSON_ARRAY)
		return are_objects(json) ? NULL : "expected a list of at most 5000 objects";
	if (json_type(json) != JSON_OBJECT)
		return "expected an object, or a list of objects";
	batch = json_member(json, "batch");
	if (batch && (json_type(batch) != JSON_ARRAY || !are_objects(batch)))
		return "batch: expected a list of at most 5000 objects";
	return NULL;
}

/* NULL when the body is, or has become, one that can be read. */
static const char *open_body(const struct web_head *h, struct arena *a, struct spool_entry *e)
{
	const char *encoding = h->header(h->context, "Content-Encoding");
	struct err err;

	if (encoding && text_equal_fold(encoding, gzip) &&
	    gzip_unpack(a, e->body, e->body_len, &e->body, &e->body_len, &err) < 0)
		return "expected gzip of at most 1 MiB";
	return check_shape(a, e->body, e->body_len);
}

/* Opened when first needed: a source that nobody pushes to has no folder. */
static int keep(struct push_target *t, const struct spool_entry *e, struct err *err)
{
	if (!t->is_open && spool_open(&t->spool, t->source->spool_folder, t->source->spool_bytes, err) < 0)
		return -1;
	t->is_open = true;
	return spool_append(&t->spool, e, err);
}

void push_body(struct push_target *t, const struct web_head *h, const char *body, size_t len, int64_t now,
               int64_t now_ms, struct arena *a, struct push_answer *out)
{
	struct spool_entry e = { .received_at = now, .kind = kind_of(h->path, t->source),
		                           .id = auth_id(t->source, h), .body = body, .body_len = len };
	const char *wrong;
	struct err err;
	int rc;

	if (!auth_body(t->source, h, body, len, now, a)) {
		*out = refuse_stranger();
		return;
	}
	if (t->source->auth != WEB_AUTH_WRITE_KEY && !take_turn(t, now_ms)) {
		*out = refuse_for(429, "too many requests", BUSY_RETRY_S);
		return;
	}
	wrong = open_body(h, a, &e);
	if (wrong) {
		*out = refuse(400, wrong);
		return;
	}
	rc = keep(t, &e, &err);
	if (rc < 0) {
		*out = refuse_for(503, "it can't be kept now", BROKEN_RETRY_S);
		out->why = arena_strdup(a, err.text);
	}
	if (rc > 0)
		*out = refuse_for(429, "no room until what came before has been read", FULL_RETRY_S);
	if (rc == 0)
		*out = (struct push_answer){ .status = 0, .text = "" };
}

void push_sync(struct push *p)
{
	for (size_t i = 0; i < p->n_targets; i++) {
		struct push_target *t = &p->targets[i];

		t->synced = (struct push_answer){ .status = 200, .text = "" };
		if (!t->is_open || spool_sync(&t->spool, &t->why) == 0)
			continue;
		t->synced = refuse_for(503, "it can't be kept now", BROKEN_RETRY_S);
		t->synced.why = t->why.text;
	}
}
