/* Slack's Web API: a direct message to the owner, found by e-mail address, or a fixed channel; the first part of a
 * digest stands there, the others are replies in its thread. Slack folds no repeats, but each message carries its
 * delivery key as metadata, so after doubt the conversation is read before anything is posted again. */
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "deliver/slack.h"
#include "slack_answers.h"

enum {
	ASK_MS = 8 * 1000, POST_MS = 15 * 1000, /* with LATEST_MS less than a sender may take */
	LATEST_MS = 25 * 1000, /* no call begins after that */
	MAX_ANSWER = 8 << 20, MAX_FORM = 4096, MAX_POST = 256 << 10, MAX_ID = 40,
	PAGE = 50, MAX_PAGES = 20,
	CLOCK_SLACK_S = 24 * 3600, /* how far Slack's clock and ours may differ: a zone taken for another, too */
	SETTLE_S = 10,        /* what was under way when we were cut off is to be seen after that */
	LOOK_UP_WEIGHT = 6    /* Slack allows 50 lookups a minute, and several hundred messages */
};

static const char form[] = "application/x-www-form-urlencoded", json_type_header[] = "application/json; charset=utf-8";
static const char event_type[] = "retaind_delivery";

/* One conversation with Slack, about one message. */
struct talk {
	const struct channel_job *job;
	struct arena *a;
	struct http *http;
	const char *base, *token;
	int64_t began_ms;
	bool has_looked_up;
};

struct said {
	struct http_response r;
	const struct json *body; /* of a success */
	enum slack_answer answer;
	const char *name;        /* of the error */
	bool was_sent;
};

/* Calls a method. 1: it was done; 0: Slack answered otherwise; -1: no whole answer came. */
static int call(struct talk *t, const char *method, const char *type, const struct buf *body, int64_t timeout_ms,
                struct said *out, struct err *err)
{
	const struct http_header headers[] = {
		{ "content-type", type }, { "authorization", arena_printf(t->a, "Bearer %s", t->token) },
	};
	const struct http_request request = { .method = "POST", .url = arena_printf(t->a, "%s/%s", t->base, method),
		.headers = headers, .n_headers = ARRAY_LEN(headers), .body = body->at, .body_len = body->len,
		.timeout_ms = timeout_ms };
	bool is_ok = false;
	struct err ignored;
	int rc;

	*out = (struct said){ .name = "" };
	if (clock_monotonic_ms() - t->began_ms > LATEST_MS)
		return err_set(err, ERR_RETRY, "Slack answers too slowly");
	rc = http_send(t->http, t->a, &request, &out->r, err);
	out->was_sent = http_was_sent(t->http);
	if (rc < 0)
		return err_in(err, "%s", method);
	if (out->r.status == 200 && json_parse(t->a, out->r.body, out->r.body_len, &out->body, &ignored) == 0 &&
	    json_bool(json_member(out->body, "ok"), &is_ok) && is_ok)
		return 1;
	out->name = slack_error_name(&out->r, t->a);
	out->answer = slack_answer_of(&out->r, out->name);
	return 0;
}

static void add_field(struct talk *t, struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s%s=%s", b->len ? "&" : "", name, http_escape(t->a, value));
}

/* An identifier as Slack makes them, not just any text: it becomes part of what we send and keep. */
static const char *id_of(const struct json *j, const char *letters)
{
	const char *id = json_text(j);
	size_t len = id ? strlen(id) : 0;

	return len && len <= MAX_ID && strspn(id, letters) == len ? id : NULL;
}

static const char *channel_id(const struct json *j)
{
	return id_of(j, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}

static const char *stamp(const struct json *j)
{
	return id_of(j, "0123456789.");
}

static bool is_fixed(const struct talk *t)
{
	return t->job->channel->channel != NULL;
}

/* "missing_scope (im:history)" */
static const char *with_scope(struct talk *t, const struct said *s)
{
	const struct json *j;
	struct err ignored;
	const char *needed;

	if (strcmp(s->name, "missing_scope") != 0 || json_parse(t->a, s->r.body, s->r.body_len, &j, &ignored) < 0)
		return s->name;
	needed = id_of(json_member(j, "needed"), "abcdefghijklmnopqrstuvwxyz:._,");
	return needed ? arena_printf(t->a, "%s (%s)", s->name, needed) : s->name;
}

static struct verdict refusal(struct talk *t, const struct said *s)
{
	struct verdict v = slack_answer_verdict(s->answer, with_scope(t, s), &s->r, t->a, t->job->now);

	if (s->answer == SLACK_NOBODY && !is_fixed(t))
		v.disables_sink = false;
	return v;
}

/* A call failed before anything was posted this time: again, and in doubt still. rc: of call. */
static struct verdict not_asked(struct talk *t, int rc, const struct said *s, const struct err *err)
{
	struct verdict v = rc < 0 ? verdict_of_failure(false, err) : refusal(t, s);

	if (v.outcome == DELIVERY_AMBIGUOUS)
		v.outcome = DELIVERY_RETRY;
	if (v.outcome == DELIVERY_REFUSED)
		v.outcome = DELIVERY_DEAD;
	if (v.outcome == DELIVERY_RETRY && t->job->message->was_ambiguous)
		v.outcome = DELIVERY_AMBIGUOUS;
	return v;
}

static int look_up(struct talk *t, const char *email, struct said *s, const char **out, struct err *err)
{
	CLEANUP(buf_done) struct buf body;
	int rc;

	t->has_looked_up = true;
	buf_init(&body, MAX_FORM);
	add_field(t, &body, "email", email);
	if ((rc = call(t, "users.lookupByEmail", form, &body, ASK_MS, s, err)) <= 0)
		return rc;
	*out = channel_id(json_at(s->body, "user.id"));
	return *out ? 1 : err_set(err, ERR_RETRY, "users.lookupByEmail: an answer without a user");
}

static int open_conversation(struct talk *t, const char *user, struct said *s, const char **out, struct err *err)
{
	CLEANUP(buf_done) struct buf body;
	int rc;

	buf_init(&body, MAX_FORM);
	add_field(t, &body, "users", user);
	if ((rc = call(t, "conversations.open", form, &body, ASK_MS, s, err)) <= 0)
		return rc;
	*out = channel_id(json_at(s->body, "channel.id"));
	return *out ? 1 : err_set(err, ERR_RETRY, "conversations.open: an answer without a conversation");
}

/* The direct conversation with the owner. 1: found; 0: not, with the verdict. */
static int find_owner(struct talk *t, const char **out, struct verdict *v)
{
	struct said s = { .name = "" };
	const char *user;
	struct err err;
	int rc;

	if (!t->job->message->recipient) {
		*v = verdict_of(DELIVERY_DEAD, 0, "a message to nobody in particular needs a fixed `channel`");
		return 0;
	}
	if ((rc = look_up(t, t->job->message->recipient, &s, &user, &err)) > 0)
		rc = open_conversation(t, user, &s, out, &err);
	if (rc <= 0) {
		*v = not_asked(t, rc, &s, &err);
		return 0;
	}
	return 1;
}

/* The first message of a page that carries our key; NULL. */
static const char *stamp_of_ours(const struct json *page, const char *key)
{
	for (const struct json *m = json_first(json_member(page, "messages")); m; m = json_next(m)) {
		const char *type = json_text(json_at(m, "metadata.event_type"));
		const char *id = json_text(json_at(m, "metadata.event_payload.id"));

		if (type && id && strcmp(type, event_type) == 0 && strcmp(id, key) == 0)
			return stamp(json_member(m, "ts"));
	}
	return NULL;
}

/* Whether the message is there already. 1: with its stamp; 0: no; -1: not known, with the verdict. */
static int find_posted(struct talk *t, const char *channel, const char *thread, const char **out, struct verdict *v)
{
	const struct outbox_message *m = t->job->message;
	const char *method = thread ? "conversations.replies" : "conversations.history", *cursor = "";
	struct said s;
	struct err err;

	for (int page = 0; page < MAX_PAGES && cursor; page++) {
		CLEANUP(buf_done) struct buf body;
		int rc;

		buf_init(&body, MAX_FORM);
		add_field(t, &body, "channel", channel);
		if (thread)
			add_field(t, &body, "ts", thread);
		add_field(t, &body, "include_all_metadata", "true");
		add_field(t, &body, "oldest", arena_printf(t->a, "%lld.000000", (long long)m->unsure_since_at - CLOCK_SLACK_S));
		add_field(t, &body, "limit", arena_printf(t->a, "%d", PAGE));
		if (*cursor)
			add_field(t, &body, "cursor", cursor);
		rc = call(t, method, form, &body, ASK_MS, &s, &err);
		if (rc == 0 && (s.answer == SLACK_NOBODY || strcmp(s.name, "thread_not_found") == 0))
			return 0; /* posting there will say the same */
		if (rc <= 0) {
			*v = not_asked(t, rc, &s, &err);
			return -1;
		}
		if ((*out = stamp_of_ours(s.body, m->delivery_key)))
			return 1;
		cursor = json_text(json_at(s.body, "response_metadata.next_cursor"));
		cursor = text_is_blank(cursor) ? NULL : cursor;
	}
	return 0;
}

/* The frozen body, with where it goes and what it is found by put in front. */
static int post(struct talk *t, const char *channel, const char *thread, struct said *s, struct err *err)
{
	CLEANUP(buf_done) struct buf body;
	struct json_out o;
	size_t len;
	const char *frozen = channel_body(t->job->message, &len);

	buf_init(&body, MAX_POST);
	o = json_out_to(&body);
	json_open_object(&o, NULL);
	json_put_text(&o, "channel", channel);
	if (thread)
		json_put_text(&o, "thread_ts", thread);
	json_open_object(&o, "metadata");
	json_put_text(&o, "event_type", event_type);
	json_open_object(&o, "event_payload");
	json_put_text(&o, "id", t->job->message->delivery_key);
	json_close_object(&o);
	json_close_object(&o);
	buf_char(&body, ',');
	if (len < 2 || frozen[0] != '{')
		return err_set(err, ERR_INPUT, "the body is no JSON object");
	buf_add(&body, frozen + 1, len - 1);
	return call(t, "chat.postMessage", json_type_header, &body, POST_MS, s, err);
}

static struct verdict posted(struct talk *t, const char *channel, const char *ts)
{
	struct verdict v = verdict_of(DELIVERY_SENT, 200, NULL);
	const char *ref = arena_printf(t->a, "%s/%s", channel, ts);

	memcpy(v.provider_ref, ref, strlen(ref));
	return v;
}

/* What a post that came to nothing, or to a success without a name, means. */
static struct verdict not_posted(struct talk *t, int rc, const struct said *s, const struct err *err)
{
	struct verdict v;

	if (rc < 0)
		v = verdict_of_failure(s->was_sent, err);
	else if (rc > 0)
		v = verdict_of(DELIVERY_AMBIGUOUS, s->r.status, "a success without the message's name");
	else
		v = refusal(t, s);
	if (rc == 0 && s->r.status >= 500 && v.outcome == DELIVERY_RETRY)
		v.outcome = DELIVERY_AMBIGUOUS; /* to ask first costs little */
	if (v.outcome == DELIVERY_AMBIGUOUS)
		v.min_wait_s = SETTLE_S;
	return v;
}

/* Posts it unless it is there; where what we remembered of the owner is no longer true, finds them again, once. An
 * attempt that was cut off may have found them, too, without our knowing: so it is looked for there as well. */
static struct verdict deliver_to(struct talk *t, const char *channel, const char *thread, bool is_remembered)
{
	struct said s = { .name = "" };
	const char *ts, *again;
	struct verdict v;
	struct err err;
	int rc = t->job->message->was_ambiguous ? find_posted(t, channel, thread, &ts, &v) : 0;

	if (rc != 0)
		return rc > 0 ? posted(t, channel, ts) : v;
	rc = post(t, channel, thread, &s, &err);

	if (rc == 0 && s.answer == SLACK_NOBODY && is_remembered) {
		if (!find_owner(t, &again, &v)) {
			v.forgets_address = v.outcome == DELIVERY_DEAD;
			return v;
		}
		v = deliver_to(t, again, thread, false);
		memcpy(v.address, again, strlen(again));
		return v;
	}
	ts = rc > 0 ? stamp(json_member(s.body, "ts")) : NULL;
	return ts ? posted(t, channel, ts) : not_posted(t, rc, &s, &err);
}

/* "C024BE91L/1503435956.000247" -> both. */
static bool read_ref(struct arena *a, const char *ref, const char **out_channel, const char **out_ts)
{
	const char *slash = ref ? strchr(ref, '/') : NULL;

	if (!slash)
		return false;
	*out_channel = arena_strndup(a, ref, (size_t)(slash - ref));
	*out_ts = slash + 1;
	return true;
}

/* Too soon after an attempt that may still be under way: to be asked later. */
static struct verdict unsettled(void)
{
	struct verdict v = verdict_of(DELIVERY_AMBIGUOUS, 0, "an attempt before may still be under way");

	v.min_wait_s = SETTLE_S;
	return v;
}

static struct verdict send_in(struct talk *t)
{
	const struct outbox_message *m = t->job->message;
	const char *channel = is_fixed(t) ? t->job->channel->channel : m->address, *thread = NULL, *found = NULL;
	bool is_remembered = !is_fixed(t) && channel && m->part == 1;
	struct verdict v;

	if (m->part > 1 && !read_ref(t->a, m->first_ref, &channel, &thread))
		return verdict_of(DELIVERY_DEAD, 0, "its first part was not delivered, so there is no thread to reply in");
	if (m->was_ambiguous && t->job->now - m->unsure_last_at < SETTLE_S)
		return unsettled();
	if (!channel) {
		if (!find_owner(t, &found, &v))
			return v;
		channel = found;
	}
	v = deliver_to(t, channel, thread, is_remembered);
	if (found)
		memcpy(v.address, found, strlen(found));
	return v;
}

static int begin(const struct channel_job *job, struct arena *a, struct talk *out, struct err *err)
{
	*out = (struct talk){ .job = job, .a = a, .http = job->http, .began_ms = clock_monotonic_ms(),
	                      .base = job->channel->url ? job->channel->url : "https://slack.com/api" };
	if (job->secret(a, job->channel->token, &out->token, err) < 0)
		return -1;
	if (text_is_blank(out->token) || out->token[strcspn(out->token, " \r\n")])
		return err_set(err, ERR_CONFIG, "the token is none: expected one line such as xoxb-...");
	return 0;
}

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	CLEANUP(http_freep) struct http *own = job->http ? NULL : channel_http(job->channel, MAX_ANSWER);
	struct talk t;
	struct err err;

	if (begin(job, a, &t, &err) < 0) {
		*out = verdict_of_failure(false, &err);
		return;
	}
	t.http = job->http ? job->http : own;
	*out = send_in(&t);
	out->weight = t.has_looked_up ? LOOK_UP_WEIGHT : 1;
}

static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	out->recipient = c->reply_to; /* whom a trial names */
	if (!c->channel && !out->recipient)
		return err_set(err, ERR_CONFIG, "%s writes to each owner directly: without one (--owner) it takes a fixed "
		               "`channel`", c->name);
	return slack_webhook_channel.notice(a, c, n, body, out, err);
}

static const struct channel_key keys[] = {
	{ "token", true, true },         { "channel", false, false },        { "url", false, false },
	{ "ca_file", false, false },     { "allows_private", false, false }, { "allows_http_loopback", false, false },
	{ NULL, false, false },
};

const struct channel_type slack_api_channel = {
	.keys = keys, .per_second = 4, /* of a workspace; a fixed channel takes 1 */ .to = TO_OWNER,
	.is_repeatable = true, .send = send_one, .notice = notice,
};

/* A scope is there, or one of those that are as good. */
static bool has_scope(const char *granted, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *at = granted; (at = strstr(at, wanted)); at += len)
		if ((at == granted || strchr(", ", at[-1])) && (!at[len] || strchr(", ", at[len])))
			return true;
	return false;
}

/* Those that are missing, with commas between; "" when all are there. */
static const char *missing_scopes(struct arena *a, const char *granted, bool is_direct)
{
	static const char *const direct[] = { "chat:write", "users:read.email", "im:write", "im:history" };
	const char *missing = "";

	for (size_t i = 0; i < (is_direct ? ARRAY_LEN(direct) : 1); i++)
		if (!has_scope(granted, direct[i]))
			missing = arena_printf(a, "%s%s%s", missing, *missing ? ", " : "", direct[i]);
	if (!is_direct && !has_scope(granted, "channels:history") && !has_scope(granted, "groups:history"))
		missing = arena_printf(a, "%s%schannels:history (groups:history in a private channel)", missing,
		                       *missing ? ", " : "");
	return missing;
}

/* A fixed channel is one that we may read: we are a member of it. */
static int ask_channel(struct talk *t, const char *channel, struct err *err)
{
	CLEANUP(buf_done) struct buf body;
	struct said s;
	int rc;

	buf_init(&body, MAX_FORM);
	add_field(t, &body, "channel", channel);
	add_field(t, &body, "limit", "1");
	if ((rc = call(t, "conversations.history", form, &body, ASK_MS, &s, err)) != 0)
		return rc;
	return err_set(err, s.answer == SLACK_DEAD_SINK || s.answer == SLACK_NOBODY ? ERR_CONFIG : ERR_RETRY,
	               "%s: %s: is the app a member of it?", channel, *s.name ? with_scope(t, &s) : "no answer of Slack's");
}

int slack_api_ask(const struct channel_settings *c, deliver_secret_fn *secret, struct arena *a, const char **out,
                  struct err *err)
{
	CLEANUP(http_freep) struct http *http = channel_http(c, MAX_ANSWER);
	CLEANUP(buf_done) struct buf body;
	const struct channel_job job = { .channel = c, .secret = secret, .http = http };
	const char *granted, *missing, *team, *user;
	struct talk t;
	struct said s;
	int rc;

	buf_init(&body, MAX_FORM);
	if (begin(&job, a, &t, err) < 0 || (rc = call(&t, "auth.test", form, &body, ASK_MS, &s, err)) < 0)
		return -1;
	if (rc == 0)
		return err_set(err, s.answer == SLACK_DEAD_SINK ? ERR_CONFIG : ERR_RETRY, "auth.test: %s",
		               *s.name ? s.name : arena_printf(a, "HTTP %d", s.r.status));
	granted = http_header(&s.r, "x-oauth-scopes");
	team = text_clean(a, json_text(json_member(s.body, "team")), MAX_ID);
	user = text_clean(a, json_text(json_member(s.body, "user")), MAX_ID);
	if (granted && *(missing = missing_scopes(a, granted, !c->channel)))
		return err_set(err, ERR_CONFIG, "the token has not the scopes %s", missing);
	if (c->channel && ask_channel(&t, c->channel, err) < 0)
		return -1;
	*out = arena_printf(a, "Slack's workspace %s knows us as %s, with the scopes %s", team, user,
	                    granted ? text_clean(a, granted, MAX_FORM) : "it does not tell");
	return 0;
}
