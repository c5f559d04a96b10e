#include "task.h"

#include <stddef.h>
#include <string.h>

#include "common/sha256.h"
#include "common/text.h"
#include "request.h"
#include "store/tasks.h"

enum {
	TASK_BYTES = 64 << 20,
	KEY_CHARS = 20,
	SUBJECT_CHARS = 200,
	SETTLE_S = 600, /* what was sent so long ago is in every list and index, if it arrived */
	MOST_REFUSED_IN_A_ROW = 5
};

static void check_task(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct task_settings *t = item;

	if (!t->find.get == !t->find.post)
		mistake_at(m, where, "in `find:`, one of `get:` and `post:` must say the path");
}

static const struct yaml_field find_fields[] = {
	{ "get", YAML_TEXT, offsetof(struct task_find, get), false, NULL, 0, 0 },
	{ "post", YAML_TEXT, offsetof(struct task_find, post), false, NULL, 0, 0 },
	{ "query", YAML_NODE, offsetof(struct task_find, query), false, NULL, 0, 0 },
	{ "body", YAML_NODE, offsetof(struct task_find, body), false, NULL, 0, 0 },
	{ "records", YAML_TEXT, offsetof(struct task_find, records), true, NULL, 0, 0 },
	{ "field", YAML_TEXT, offsetof(struct task_find, field), true, NULL, 0, 0 },
	{ "id", YAML_TEXT, offsetof(struct task_find, id), true, NULL, 0, 0 },
};
static const struct yaml_table find_table = {
	.size = sizeof(struct task_find), .fields = find_fields, .n_fields = ARRAY_LEN(find_fields), .check = NULL,
};
static const struct yaml_field task_fields[] = {
	{ "post", YAML_TEXT, offsetof(struct task_settings, post), true, NULL, 0, 0 },
	{ "body", YAML_NODE, offsetof(struct task_settings, body), true, NULL, 0, 0 },
	{ "typed", YAML_BOOL, offsetof(struct task_settings, has_types), false, NULL, 0, 0 },
	{ "html", YAML_BOOL, offsetof(struct task_settings, is_html), false, NULL, 0, 0 },
	{ "id", YAML_TEXT, offsetof(struct task_settings, id), true, NULL, 0, 0 },
	{ "find", YAML_STRUCT, offsetof(struct task_settings, find), true, &find_table, 0, 0 },
};
const struct yaml_table task_table = {
	.size = sizeof(struct task_settings), .fields = task_fields, .n_fields = ARRAY_LEN(task_fields),
	.check = check_task,
};

/* words ------------------------------------------------------------------------------------------------------------ */

/* The same for the same finding, even of a database that was made anew. */
static const char *key_of(const struct write_task *t, struct arena *a)
{
	const char *text = arena_printf(a, "%s\n%s\n%s\n%d", t->account.key, t->engine, t->cause, t->opened_on);

	return arena_printf(a, "retaind-%.*s", KEY_CHARS, sha256_hex(a, text, strlen(text)));
}

const char *task_subject(const struct write_task *t, struct arena *a)
{
	return text_clean(a, arena_printf(a, "%s: %s", t->title, t->account.name), SUBJECT_CHARS);
}

/* What others wrote is no markup. */
static const char *as_html(const char *text, struct arena *a)
{
	const char *out = "";

	for (size_t n; *text; text += n) {
		n = strcspn(text, "&<>");
		out = arena_printf(a, "%s%.*s", out, (int)n, text);
		if (!text[n])
			break;
		out = arena_printf(a, "%s%s", out, text[n] == '&' ? "&amp;" : text[n] == '<' ? "&lt;" : "&gt;");
		n++;
	}
	return out;
}

static struct task_words words_of(const struct task_settings *s, const struct write_task *t, struct arena *a)
{
	const char *key = key_of(t, a), *text = arena_printf(a, "%s (%s)", t->text, key);
	int64_t noon = (int64_t)t->due_on * 86400 + 43200;

	return (struct task_words){ .subject = task_subject(t, a),
		                        .text = s->is_html ? as_html(text, a) : text,
		                        .key = key,
		                        .account = t->account.key,
		                        .owner = t->owner_key ? t->owner_key : "",
		                        .due = day_text(a, t->due_on),
		                        .due_ms = arena_printf(a, "%lld", (long long)noon * 1000) };
}

/* requests --------------------------------------------------------------------------------------------------------- */

struct making {
	struct client *client;
	const struct write_back *w;
	const struct task_settings *settings;
	struct write_counts *counts;
	int n_refused_in_a_row;
};

static int ask(const struct making *m, const char *path, const struct yaml *query, const struct yaml *body,
               const struct task_words *words, struct arena *a, const char **url, const char **text, struct err *err)
{
	const struct request_lists lists = { .has_types = m->settings->has_types };
	struct scope scope = m->client->scope;

	scope.task = words;
	*text = NULL;
	if (request_url(m->client->base_url, path, query, &scope, &lists, a, url, err) < 0)
		return -1;
	return body ? request_body(body, &scope, &lists, a, text, err) : 0;
}

/* Returns 1 with the id of the task that has the key, 0 when there is none. */
static int find(const struct making *m, const struct task_words *words, struct arena *a, const char **out,
                struct err *err)
{
	const struct task_find *f = &m->settings->find;
	const char *url, *body;
	const struct json *list;
	struct answer x;

	if (ask(m, f->get ? f->get : f->post, f->query, f->body, words, a, &url, &body, err) < 0 ||
	    client_call(m->client, f->get ? "GET" : "POST", url, body, a, &x, err) < 0)
		return -1;
	list = x.is_empty ? NULL : json_at(x.body, f->records);
	if (!x.is_empty && json_type(list) != JSON_ARRAY && !json_is_null(list))
		return err_set(err, ERR_RETRY, "%s: the answer has no list `%s`", f->get ? f->get : f->post, f->records);
	for (const struct json *row = json_first(list); row; row = json_next(row)) {
		const char *text = json_scalar(a, json_at(row, f->field)), *id = json_scalar(a, json_at(row, f->id));

		if (text && id && strstr(text, words->key)) {
			*out = id;
			return 1;
		}
	}
	return 0;
}

static int make(const struct making *m, const struct task_words *words, struct arena *a, const char **out,
                struct err *err)
{
	const char *url, *body;
	struct answer x;

	if (ask(m, m->settings->post, NULL, m->settings->body, words, a, &url, &body, err) < 0 ||
	    client_call_once(m->client, "POST", url, body, a, &x, err) < 0)
		return -1;
	*out = x.is_empty ? NULL : json_scalar(a, json_at(x.body, m->settings->id));
	if (text_is_blank(*out))
		return err_set(err, ERR_RETRY, "%s: the answer has no `%s`", m->settings->post, m->settings->id);
	return 0;
}

/* tasks ------------------------------------------------------------------------------------------------------------ */

static struct task_wanted row_of(const struct write_task *t)
{
	return (struct task_wanted){ .source = t->account.source, .finding = t->finding };
}

/* One account's task is refused and the others go on, until it is plain that it isn't the account. */
static int refuse(struct making *m, const struct write_task *t, struct err *err)
{
	const struct task_wanted row = row_of(t);
	struct err broken = { 0 };

	if (err->kind == ERR_RETRY) /* nobody knows: the row says so */
		return -1;
	if (task_forget(m->w->db, &row, &broken) < 0) {
		*err = broken;
		return -1;
	}
	if (err->kind != ERR_INPUT || ++m->n_refused_in_a_row == MOST_REFUSED_IN_A_ROW)
		return -1;
	m->w->refused(m->w->context, &t->account, err->text);
	m->counts->n_refused++;
	return 0;
}

/* It is noted before it is sent: what ends in between is looked for, once lists must show it, and only then made. */
static int make_one(struct making *m, const struct write_task *t, struct arena *a, struct err *err)
{
	const struct task_words words = words_of(m->settings, t, a);
	const struct task_wanted row = row_of(t);
	const char *id = NULL;
	int rc;

	m->counts->n_requests++;
	rc = find(m, &words, a, &id, err);
	if (rc < 0)
		return t->sent_at == INSTANT_NONE ? refuse(m, t, err) : -1;
	if (rc == 0 && t->sent_at != INSTANT_NONE && m->w->now - t->sent_at < SETTLE_S)
		return 0;
	if (rc == 0) {
		m->counts->n_requests++;
		if (task_note(m->w->db, &row, words.key, NULL, m->w->now, err) < 0)
			return -1;
		if (make(m, &words, a, &id, err) < 0)
			return refuse(m, t, err);
		m->counts->n_tasks++;
	}
	m->n_refused_in_a_row = 0;
	return task_note(m->w->db, &row, words.key, id, m->w->now, err);
}

int task_make_all(struct client *c, const struct write_back *w, struct write_counts *out, struct err *err)
{
	struct making m = { .client = c, .w = w, .settings = &c->connector->write.task, .counts = out };

	for (size_t i = 0; i < w->n_tasks; i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(TASK_BYTES);

		if (make_one(&m, &w->tasks[i], a, err) < 0)
			return err_in(err, "task of %s", w->tasks[i].account.key);
	}
	return 0;
}
