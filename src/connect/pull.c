#include "connect/pull.h"

#include <string.h>

#include "books.h"
#include "client.h"
#include "common/http.h"
#include "common/lock.h"
#include "common/text.h"
#include "connector.h"
#include "for_each.h"
#include "request.h"
#include "rest.h"

/* What a source's `connector:` may be; any other name is a file of connectors/. */
static const struct {
	const char *connector;
	int (*pull)(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n, struct err *err);
} kinds[] = {
	{ "csv", csv_source_pull },
	{ "push", push_source_pull },
	{ NULL, rest_source_pull },
};

int pull_source(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n, struct err *err)
{
	CLEANUP(lock_release) int lock = -1;
	size_t i = 0;

	if (p->lock_path && lock_take(p->lock_path, &lock, err) < 0)
		return err_in(err, "another pull is at work");
	while (kinds[i].connector && strcmp(kinds[i].connector, p->source->connector) != 0)
		i++;
	return kinds[i].pull(p, a, out, out_n, err);
}

void pull_check(struct arena *a, const char *config_dir, const struct source_settings *s, struct mistakes *m)
{
	if (strcmp(s->connector, "csv") == 0)
		csv_source_check(a, s, m);
	else if (strcmp(s->connector, "push") == 0)
		push_source_check(a, s, m);
	else
		(void)connector_load(a, config_dir, s, m);
}

/* rest sources ----------------------------------------------------------------------------------------------------- */

static int open_secrets(const struct pull *p, struct arena *a, struct scope *out, struct err *err)
{
	const struct named_secret *references = p->source->secrets.at;
	struct named_value *values = arena_array(a, p->source->secrets.n + 1, sizeof *values);

	for (size_t i = 0; i < p->source->secrets.n; i++) {
		values[i].name = references[i].name;
		if (p->secret(a, references[i].reference, &values[i].value, err) < 0)
			return err_in(err, "secret %s", references[i].name);
	}
	*out = (struct scope){ .config = p->source->config, .secrets = values, .n_secrets = p->source->secrets.n,
	                       .currency = p->currency };
	return 0;
}

static struct http *open_http(const struct source_settings *s)
{
	const struct http_options options = {
		.allows_http_loopback = s->allows_http_loopback,
		.allows_private = s->base_url != NULL, /* a CRM in one's own network; links and redirects stay at its origin */
		.ca_file = s->ca_file,
		.user_agent = "retaind/" RETAIND_VERSION,
	};

	return http_new(&options);
}

/* Asks who we are, before lists that a wrong key would only make shorter. */
static int check_credentials(struct client *client, struct arena *a, struct err *err)
{
	const struct check_settings *check = &client->connector->check;
	const struct request_lists none = { 0 };
	struct answer x;
	const char *url;

	if (!check->get)
		return 0;
	if (request_url(client->base_url, check->get, NULL, &client->scope, &none, a, &url, err) < 0 ||
	    client_call(client, "GET", url, NULL, a, &x, err) < 0)
		return -1;
	if (x.is_empty || text_is_blank(json_scalar(a, json_at(x.body, check->path))))
		return err_set(err, ERR_CONFIG, "GET %s: the answer has no `%s`; %s", check->get, check->path, check->say);
	return 0;
}

static int note_clock(const struct pull *p, const struct client *c, int64_t source, struct err *err)
{
	return c->has_date ? books_clock(p, source, c->answered_at, c->answered_boot_ms, err) : 0;
}

/* What is wrong with the credentials is wrong for every stream: the source failed. */
static int note_refusal(const struct pull *p, const struct client *client, int64_t source, struct err *err)
{
	struct err broken = { 0 };

	if (note_clock(p, client, source, &broken) < 0 || books_close(p, source, err->text, &broken) < 0)
		*err = broken;
	return -1;
}

/* A stream that is walked for several goes by its own name, or by that of one of its walks. */
static bool is_wanted(const struct pull *p, const struct stream_settings *s, const struct stream_settings *walk)
{
	if (!p->only_stream)
		return !s->is_left_out;
	return strcmp(p->only_stream, s->name) == 0 || strcmp(p->only_stream, walk->name) == 0;
}

/* The streams of one source, one after another. */
struct streams {
	const struct pull *pull;
	struct client *client;
	int64_t source;
	struct arena *arena;
	struct pull_result *results;
	size_t n;
	const char *error; /* of the first that failed */
	bool is_silent;    /* a stream asked all its attempts and got no answer to any: the others aren't asked */
};

static bool got_no_answer(const struct client *c, const struct client *before)
{
	return c->n_answers == before->n_answers && c->n_unanswered > before->n_unanswered;
}

/* One stream, for one element where it has several. */
static int pull_stream(struct streams *x, const struct stream_settings *s, struct err *err)
{
	struct pull_result *r = &x->results[x->n++];
	const struct client before = *x->client;

	if (x->is_silent) {
		*r = (struct pull_result){ .stream = s->name, .mode = "none", .is_failed = true, .kind = ERR_RETRY,
			                       .error = "not asked: the source doesn't answer" };
		return 0;
	}
	x->client->scope.for_each = s->element;
	if (rest_stream(x->pull, x->client, x->source, s, r, err) == 0)
		return 0;
	if (err->kind == ERR_FATAL)
		return -1;
	x->is_silent = err->kind == ERR_RETRY && got_no_answer(x->client, &before);
	r->is_failed = true;
	r->kind = err->kind;
	r->error = arena_strdup(x->arena, err->text);
	if (!x->error)
		x->error = arena_printf(x->arena, "%s: %s", r->stream, r->error);
	return 0;
}

/* Every stream is tried while the source answers; what our own store refuses ends the pull. */
static int pull_streams(struct streams *x, struct err *err)
{
	const struct pull *p = x->pull;
	const struct connector *c = x->client->connector;
	const struct stream_settings *streams = c->streams.at;

	for (size_t i = 0; i < c->streams.n; i++) {
		size_t n_walks = for_each_count(&streams[i], p->source->config);

		for (size_t k = 0; k < n_walks; k++) {
			const struct stream_settings *s = for_each_stream(&streams[i], p->source->config, k, x->arena);

			if (is_wanted(p, &streams[i], s) && pull_stream(x, s, err) < 0)
				return -1;
		}
	}
	return 0;
}

static size_t count_walks(const struct pull *p, const struct connector *c, struct arena *a)
{
	const struct stream_settings *streams = c->streams.at;
	size_t n = 0;

	for (size_t i = 0; i < c->streams.n; i++)
		for (size_t k = 0; k < for_each_count(&streams[i], p->source->config); k++)
			n += is_wanted(p, &streams[i], for_each_stream(&streams[i], p->source->config, k, a));
	return n;
}

int rest_source_open(const struct pull *p, struct arena *a, struct http **out_http, struct client *out,
                     struct err *err)
{
	struct mistakes mistakes = { .arena = a };
	const struct connector *c = connector_load(a, p->config_dir, p->source, &mistakes);
	struct scope scope;

	if (!c)
		return err_set(err, ERR_CONFIG, "%s", mistakes.n_kept ? mistakes.lines[0] : "the connector can't be read");
	if (open_secrets(p, a, &scope, err) < 0)
		return -1;
	*out_http = open_http(p->source);
	if (client_init(out, c, *out_http, &scope, NULL, p->source->budget_percent, p->now, a, err) < 0)
		return -1;
	return p->limits_path ? client_share_limits(out, p->limits_path, a, err) : 0;
}

int rest_source_pull(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                     struct err *err)
{
	CLEANUP(http_freep) struct http *http = NULL;
	struct client client;
	struct streams streams = { .pull = p, .client = &client, .arena = a };
	size_t n;

	if (rest_source_open(p, a, &http, &client, err) < 0)
		return -1;
	n = count_walks(p, client.connector, a);
	if (n == 0)
		return p->only_stream ? PULL_NO_STREAM
		                      : err_set(err, ERR_CONFIG, "every stream is left out: take the source away");
	if (books_source(p, &streams.source, err) < 0)
		return -1;
	if (client_login(&client, p->token_path, a, err) < 0 || check_credentials(&client, a, err) < 0)
		return note_refusal(p, &client, streams.source, err);
	streams.results = arena_array(a, n, sizeof *streams.results);
	if (pull_streams(&streams, err) < 0 || note_clock(p, &client, streams.source, err) < 0 ||
	    books_close(p, streams.source, streams.error, err) < 0)
		return -1;
	*out = streams.results;
	*out_n = streams.n;
	return streams.error != NULL;
}
