#include "job.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "client.h"
#include "common/text.h"
#include "request.h"

enum { SHOWN_CHARS = 200, MAX_ID_BYTES = 200, USUAL_WITHIN_S = 2 * 3600 };
static const double usual_first_wait_s = 0.2, usual_longest_wait_s = 300;

#define FIELD(key, kind, member, is_required, min, max) \
	{ key, kind, offsetof(struct job_settings, member), is_required, NULL, min, max }

static const struct yaml_field fields[] = {
	FIELD("post", YAML_TEXT, post, true, 0, 0),
	FIELD("body", YAML_NODE, body, true, 0, 0),
	FIELD("id", YAML_TEXT, id, true, 0, 0),
	FIELD("poll", YAML_TEXT, poll, true, 0, 0),
	FIELD("state", YAML_TEXT, state, true, 0, 0),
	FIELD("done", YAML_TEXTS, done, true, 0, 0),
	FIELD("failed", YAML_TEXTS, failed, true, 0, 0),
	FIELD("reason", YAML_TEXT, reason, false, 0, 0),
	FIELD("total", YAML_TEXT, total, false, 0, 0),
	FIELD("delete", YAML_TEXT, delete_path, false, 0, 0),
	FIELD("first_wait", YAML_REAL, first_wait_s, false, 0.001, 600),
	FIELD("longest_wait", YAML_REAL, longest_wait_s, false, 0.001, 3600),
	FIELD("within", YAML_DURATION, within_s, false, 1, 86400),
};

static bool is_among(const struct texts *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->at[i], text) == 0)
			return true;
	return false;
}

static void check_job(void *item, const struct yaml *where, struct mistakes *m)
{
	struct job_settings *s = item;

	if (s->poll && !strstr(s->poll, "job.id"))
		mistake_at(m, where, "`poll:` asks for one job, and must name it: {{job.id}}");
	for (size_t i = 0; i < s->done.n; i++)
		if (is_among(&s->failed, s->done.at[i]))
			mistake_at(m, where, "`%s` stands under `done:` and `failed:`", s->done.at[i]);
	if (s->first_wait_s <= 0)
		s->first_wait_s = usual_first_wait_s;
	if (s->longest_wait_s <= 0)
		s->longest_wait_s = usual_longest_wait_s;
	if (!s->within_s)
		s->within_s = USUAL_WITHIN_S;
}

const struct yaml_table job_table = {
	.size = sizeof(struct job_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check_job,
};

/* places: "750xx 4000 MTAwMDA", the token being all that follows --------------------------------------------------- */

const char *job_place(const struct job *job, const char *token, struct arena *a)
{
	return arena_printf(a, "%s %lld %s", job->id, (long long)job->n_rows, token ? token : "");
}

void job_from_place(struct job *job, const char *place, struct arena *a, const char **token)
{
	const char *blank = place ? strchr(place, ' ') : NULL, *second = blank ? strchr(blank + 1, ' ') : NULL;
	int64_t n_rows;

	*job = (struct job){ .total = -1 };
	*token = NULL;
	if (!second || blank == place ||
	    !text_to_int(arena_strndup(a, blank + 1, (size_t)(second - blank - 1)), &n_rows) || n_rows < 0)
		return;
	job->id = arena_strndup(a, place, (size_t)(blank - place));
	job->n_rows = n_rows;
	*token = second[1] ? second + 1 : NULL;
}

/* asking ----------------------------------------------------------------------------------------------------------- */

static bool is_name(const char *id)
{
	return *id && strlen(id) <= MAX_ID_BYTES && !strpbrk(id, " \t\r\n");
}

int job_begin(struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope,
              const struct request_lists *lists, struct arena *a, struct err *err)
{
	CLEANUP(arena_freep) struct arena *own = arena_new(0);
	const char *url, *body, *id;
	struct answer x;

	if (request_url(c->base_url, s->post, NULL, scope, lists, own, &url, err) < 0 ||
	    request_body(s->body, scope, lists, own, &body, err) < 0 ||
	    client_call(c, "POST", url, body, own, &x, err) < 0)
		return -1;
	id = json_scalar(own, json_at(x.body, s->id));
	if (!id || !is_name(id))
		return err_set(err, ERR_INPUT, "POST %s: the answer names no job at `%s`", s->post, s->id);
	*job = (struct job){ .id = arena_strdup(a, id), .total = -1 };
	return 0;
}

/* Returns 1 when it is done, 0 when not yet. */
static int look(struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope,
                struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct request_lists none = { 0 };
	const char *url, *state, *reason;
	struct answer x;

	if (request_url(c->base_url, s->poll, NULL, scope, &none, a, &url, err) < 0 ||
	    client_call(c, "GET", url, NULL, a, &x, err) < 0)
		return -1;
	state = json_scalar(a, json_at(x.body, s->state));
	if (!state)
		return err_set(err, ERR_INPUT, "GET %s: the answer has no `%s`", s->poll, s->state);
	reason = s->reason ? json_scalar(a, json_at(x.body, s->reason)) : NULL;
	if (is_among(&s->failed, state))
		return err_set(err, ERR_INPUT, "the job ended as %s%s%s", text_clean(a, state, SHOWN_CHARS), reason ? ": " : "",
		               text_clean(a, reason, SHOWN_CHARS));
	if (s->total && !json_int(json_at(x.body, s->total), &job->total))
		job->total = -1;
	return is_among(&s->done, state);
}

int job_wait(struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope,
             struct err *err)
{
	struct scope with = *scope;
	double wait_s = s->first_wait_s, waited_s = 0;
	int rc;

	with.job_id = job->id;
	while ((rc = look(job, s, c, &with, err)) == 0) {
		if (waited_s + wait_s > (double)s->within_s)
			return err_set(err, ERR_RETRY, "the job isn't done after %.0f s; the next pull looks again", waited_s);
		c->time.sleep_ms(c->time.context, (int64_t)ceil(wait_s * 1000));
		waited_s += wait_s;
		wait_s = fmin(wait_s * 2, s->longest_wait_s);
	}
	return rc < 0 ? -1 : 0;
}

void job_clear(const struct job *job, const struct job_settings *s, struct client *c, const struct scope *scope)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct request_lists none = { 0 };
	struct scope with = *scope;
	struct answer x;
	struct err ignored;
	const char *url;

	with.job_id = job->id;
	if (s->delete_path && request_url(c->base_url, s->delete_path, NULL, &with, &none, a, &url, &ignored) == 0)
		(void)(client_call(c, "DELETE", url, NULL, a, &x, &ignored) == 0);
}
