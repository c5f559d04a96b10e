#include "connect/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "connector.h"
#include "explain_source.h"
#include "counting.h"

enum { MAX_WORDS = 4000, MAX_DEPTH = 32 };

struct telling {
	struct arena *arena;
	explain_fn *say;
	void *context;
	const struct connector *connector;
	const char *stream;
};

static void PRINTF(3, 4) tell(const struct telling *t, const char *about, const char *format, ...)
{
	char words[MAX_WORDS];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(words, sizeof words, format, args);
	va_end(args);
	t->say(t->context, t->stream, about, arena_strdup(t->arena, words));
}

/* A YAML node as it could be written on one line. */
static const char *as_text(struct arena *a, const struct yaml *node, int depth)
{
	bool is_mapping = node->type == YAML_MAPPING;
	const char *out = "";

	if (node->type == YAML_SCALAR)
		return node->text ? node->text : "~";
	if (depth > MAX_DEPTH)
		return "...";
	for (const struct yaml *n = node->first; n; n = n->next)
		out = arena_printf(a, "%s%s%s%s%s", out, *out ? ", " : "", is_mapping ? n->key : "", is_mapping ? ": " : "",
		                   as_text(a, n, depth + 1));
	return arena_printf(a, is_mapping ? "{ %s }" : "[%s]", out);
}

static const char *span(struct arena *a, int64_t s)
{
	static const struct {
		int64_t s;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	size_t i = 0;

	while (s % units[i].s)
		i++;
	return arena_printf(a, "%lld %s%s", (long long)(s / units[i].s), units[i].name, s == units[i].s ? "" : "s");
}

/* "every day", "every 7 days" */
static const char *every(struct arena *a, int64_t s)
{
	const char *words = span(a, s);

	return text_starts(words, "1 ") ? words + 2 : words;
}

/* pace ------------------------------------------------------------------------------------------------------------- */

static const char *rate_words(struct arena *a, const struct limit_rule *r)
{
	const char *per = span(a, r->per_s), *in = text_starts(per, "1 h") ? "an " : text_starts(per, "1 ") ? "a " : "in ";

	return arena_printf(a, "%g request%s %s%s", r->rate, r->rate == 1 ? "" : "s", in,
	                    text_starts(per, "1 ") ? per + 2 : per);
}

/* The words of the rules that count for a path, for all paths only where nothing narrower does; "" where none does. */
static const char *pace_of(const struct telling *t, const char *path)
{
	const struct limits *l = &t->connector->limits;
	const struct limit_rule *rules = l->rules.at;
	const char *out = "";
	bool is_narrow = false;

	for (size_t i = 0; i < l->rules.n; i++)
		is_narrow = is_narrow || (rules[i].match && limit_rule_fits(&rules[i], path));
	for (size_t i = 0; i < l->rules.n; i++)
		if (limit_rule_fits(&rules[i], path) && (rules[i].match || !is_narrow))
			out = arena_printf(t->arena, "%s%s at most %s", out, *out ? " and" : ",", rate_words(t->arena, &rules[i]));
	return out;
}

static void tell_quota(const struct telling *t, const struct quota_settings *q)
{
	const char *says = q->header ? q->header : q->remaining ? q->remaining : q->used ? q->used : q->limit;

	tell(t, "pace", "%s, as the header %s%s%s says",
	     quota_is_daily(q) ? "within the source's share (budget_percent) of what a day allows"
	                       : "slower where little is left",
	     says, q->match ? " of paths like " : "", q->match ? q->match : "");
}

static void tell_limits(const struct telling *t)
{
	const struct limits *l = &t->connector->limits;
	const struct limit_rule *rules = l->rules.at;

	for (size_t i = 0; i < l->rules.n; i++)
		tell(t, "pace", "at most %s%s%s", rate_words(t->arena, &rules[i]),
		     rules[i].match ? " to paths like " : (rules[0].match ? " in all" : ""),
		     rules[i].match ? rules[i].match : "");
	for (size_t i = 0; i < l->quotas.n; i++)
		tell_quota(t, (const struct quota_settings *)l->quotas.at + i);
	tell(t, "pace", "asks %lld times in all where the other side is unwell, after %g to %g seconds",
	     (long long)t->connector->max_attempts, t->connector->first_wait_s, t->connector->longest_wait_s);
	if (t->connector->timeout_s)
		tell(t, "pace", "waits %lld seconds for an answer", (long long)t->connector->timeout_s);
}

/* the connector ---------------------------------------------------------------------------------------------------- */

static const char *member_text(const struct yaml *node, const char *key, const char *otherwise)
{
	const struct yaml *member = yaml_member(node, key);

	return member && member->type == YAML_SCALAR && member->text ? member->text : otherwise;
}

/* One way to log in, from the file's own words: of a list only one is read. */
static void tell_way(const struct telling *t, const struct yaml *way, const char *before)
{
	const char *kind = member_text(way, "kind", "none"), *name = member_text(way, "name", NULL),
	           *user = member_text(way, "user", NULL);

	if (name)
		tell(t, "login", "%s%s %s: %s", before, kind, name, member_text(way, "value", ""));
	else if (user)
		tell(t, "login", "%s%s, user %s, password %s", before, kind, user, member_text(way, "password", ""));
	else if (yaml_member(way, "token_url"))
		tell(t, "login", "%s%s, %s, token from %s", before, kind, member_text(way, "grant", "refresh"),
		     member_text(way, "token_url", "?"));
	else
		tell(t, "login", "%s%s", before, kind);
}

static void tell_auth(const struct telling *t, const struct yaml *auth)
{
	if (!auth || auth->type != YAML_SEQUENCE)
		tell_way(t, auth, "");
	for (const struct yaml *way = auth && auth->type == YAML_SEQUENCE ? auth->first : NULL; way; way = way->next)
		tell_way(t, way, way == auth->first ? "" : "or ");
}

static const char *joined(struct arena *a, const struct texts *list)
{
	const char *out = "";

	for (size_t i = 0; i < list->n; i++)
		out = arena_printf(a, "%s%s%s", out, i ? ", " : "", list->at[i]);
	return out;
}

static void tell_errors(const struct telling *t, const struct yaml *file)
{
	static const char *const meanings[] = {
		[ACTION_RETRY] = "is tried again", [ACTION_RATE_LIMITED] = "is too fast: waits and tries again",
		[ACTION_EMPTY] = "means no rows",  [ACTION_FAIL_CONFIG] = "needs a person",
		[ACTION_FAIL] = "ends the stream", [ACTION_REFRESH_RETRY] = "is tried again with a new token",
		[ACTION_QUOTA_SPENT] = "ends the pull: no more today", [ACTION_ASK_LESS] = "is asked for in halves",
		[ACTION_OK] = "is an answer",
	};
	const struct error_rule *rules = t->connector->errors.at;
	const struct yaml *written = yaml_member(file, "errors");
	const struct yaml *node = written ? written->first : NULL;

	for (size_t i = 0; i < t->connector->errors.n && node; i++, node = node->next)
		tell(
			t, "errors", "HTTP %s%s%s %s%s%s", rules[i].status.n ? joined(t->arena, &rules[i].status) : "of any status",
			rules[i].matches ? " like " : "", rules[i].matches ? rules[i].matches : "",
			(size_t)rules[i].action < ARRAY_LEN(meanings) ? meanings[rules[i].action] : member_text(node, "action", ""),
			rules[i].say ? ": " : "", rules[i].say ? rules[i].say : "");
}

static void tell_writes(const struct telling *t)
{
	const struct write_settings *w = &t->connector->write.account;

	if (!w->path)
		tell(t, "writes", "nothing");
	else
		tell(t, "writes", "accounts, where the organisation asks for it: %s %s, %lld at a time", w->method, w->path,
		     (long long)w->batch);
	if (t->connector->write.task.post)
		tell(t, "writes", "a task for each open finding, where the organisation asks for it: POST %s",
		     t->connector->write.task.post);
}

/* requests --------------------------------------------------------------------------------------------------------- */

/* The number that asks for a full page, by the names that APIs give it. */
static const char *asked_size(const struct yaml *node, int depth)
{
	static const char *const names[] = { "limit",    "per_page",   "maxSize", "page_size",
		                                 "pageSize", "maxResults", "$top",    "top" };
	int64_t number;

	for (const struct yaml *n = node ? node->first : NULL; n && depth < MAX_DEPTH; n = n->next) {
		const char *inside = asked_size(n, depth + 1);

		for (size_t i = 0; i < ARRAY_LEN(names) && n->type == YAML_SCALAR && n->key; i++)
			if (strcmp(n->key, names[i]) == 0 && text_to_int(n->text, &number))
				return n->text;
		if (inside)
			return inside;
	}
	return NULL;
}

static const char *size_words(struct arena *a, const struct request_settings *q)
{
	const char *asked = asked_size(q->query, 0);

	if (!asked)
		asked = asked_size(q->body, 0);
	if (!asked && q->page.size)
		asked = arena_printf(a, "%lld", (long long)q->page.size);
	return asked ? arena_printf(a, ", %s a page", asked) : "";
}

static const char *cursor_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(a, "page by page with the token at %s", s->from);
}

static const char *link_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(a, "page by page by the link %s%s%s", s->link_rel ? "that the Link header calls " : "at ",
	                    s->link_rel ? s->link_rel : s->from, ", within the same origin");
}

static const char *offset_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(
		a, "by counting rows%s%s%s", s->order_by ? " in the order of " : "", s->order_by ? s->order_by : "",
		s->overlap ? arena_printf(a, ", %lld of them twice, so that none slips by", (long long)s->overlap) : "");
}

static const char *number_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(a, "by page number%s%s%s%s", s->order_by ? " in the order of " : "",
	                    s->order_by ? s->order_by : "", s->from ? ", or the token at " : "", s->from ? s->from : "");
}

static const char *last_id_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(a, "from behind the last row's %s", s->field);
}

static const char *last_time_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(a, "with a new query at each page, from a second before the last row's %s", s->field);
}

static const char *keyset_words(struct arena *a, const struct page_settings *s)
{
	return arena_printf(a, "in the order of %s%s%s, from behind the last row where that ends early", s->field,
	                    s->from ? ", by the link at " : "", s->from ? s->from : "");
}

static const char *none_words(struct arena *a, const struct page_settings *s)
{
	(void)a, (void)s;
	return "in one piece";
}

static const struct {
	const char *kind;
	const char *(*words)(struct arena *a, const struct page_settings *s);
} page_kinds[] = {
	{ "none", none_words },           { "cursor", cursor_words }, { "next_url", link_words },
	{ "offset", offset_words },       { "number", number_words }, { "last_id", last_id_words },
	{ "last_time", last_time_words }, { "keyset", keyset_words },
};

static const char *page_words(struct arena *a, const struct request_settings *q)
{
	const char *kind = page_kind(&q->page);

	for (size_t i = 0; i < ARRAY_LEN(page_kinds); i++)
		if (strcmp(page_kinds[i].kind, kind) == 0)
			return page_kinds[i].words(a, &q->page);
	return arena_printf(a, "page by page (%s)", kind);
}

static const char *request_words(const struct telling *t, const struct request_settings *q)
{
	const char *path = q->get ? q->get : q->post;

	return arena_printf(t->arena, "walks %s %s %s%s%s; rows in %s", q->get ? "GET" : "POST", path,
	                    page_words(t->arena, q), size_words(t->arena, q), pace_of(t, path), q->records);
}

/* streams ---------------------------------------------------------------------------------------------------------- */

static void tell_source_cursor(const struct telling *t, const struct stream_settings *s)
{
	tell(t, "changes", "%s",
	     s->cursor.kind == CURSOR_DELTA_URL ? "asks by the link that the last page of the walk before gave for them"
	                                        : "goes on with the same walk from where the source said that it ended");
	tell(t, "cursor", "keeps the source's own, %s; where it is refused, everything is walked again", s->cursor.from);
}

static void tell_retention(const struct telling *t, const struct stream_settings *s)
{
	if (s->retention_s)
		tell(t, "anew", "everything, when the last pull is %s ago: then the source has forgotten what changed",
		     span(t->arena, s->retention_s));
	if (s->full_every_s)
		tell(t, "anew", "everything again every %s, and when the mapping changes", every(t->arena, s->full_every_s));
}

static void tell_slices(const struct telling *t, const struct stream_settings *s)
{
	struct arena *a = t->arena;

	tell(t, "changes", "the same in slices of %s, from %s ago at first, then from %s before the last pull on",
	     span(a, s->slice.step_s), span(a, s->slice.history_s), span(a, s->lag_s));
	tell(t, "cursor", "keeps the end of the last whole slice%s%s%s", s->slice.hold_s ? "; what is younger than " : "",
	     s->slice.hold_s ? span(a, s->slice.hold_s) : "", s->slice.hold_s ? " isn't asked for" : "");
}

static void tell_increments(const struct telling *t, const struct stream_settings *s)
{
	struct arena *a = t->arena;

	if (!s->has_incremental) {
		tell(t, "changes", "the API doesn't list them: everything is walked at each pull");
		return;
	}
	if (s->cursor.from) {
		tell_source_cursor(t, s);
		tell_retention(t, s);
		return;
	}
	if (s->slice.step_s) {
		tell_slices(t, s);
		return;
	}
	tell(t, "changes", "%s", request_words(t, &s->incremental));
	tell(t, "cursor",
	     "keeps until when all changes have come%s%s%s; a walk that was broken "
	     "off goes on at its next page",
	     s->lag_s ? ", and reads " : "", s->lag_s ? span(a, s->lag_s) : "", s->lag_s ? " before that again" : "");
	tell_retention(t, s);
}

static void tell_deletes(const struct telling *t, const struct stream_settings *s)
{
	const char *path = s->n_maps ? s->maps[0]->deleted_from : NULL;

	if (s->has_gone)
		tell(t, "deletes", "every %s %s", every(t->arena, s->gone_every_s), request_words(t, &s->gone));
	if (path)
		tell(t, "deletes", "a row whose %s is %s is gone", path,
		     s->maps[0]->deleted_in ? as_text(t->arena, s->maps[0]->deleted_in, 0) : "true");
	if (s->full_diff)
		tell(t, "deletes", "rows that a whole list no longer has are gone, unless that is most of them");
	if (s->n_maps && counting_is_for(s->maps[0]))
		tell(t, "deletes", "a day that is counted again replaces what was counted of it before");
	else if (!s->has_gone && !path && !s->full_diff)
		tell(t, "deletes", "not told by the lists: what was read stays");
}

static const char *account_words(struct arena *a, const struct map *m)
{
	static const char *const by[] = {
		[ACCOUNT_BY_KEY] = "key",   [ACCOUNT_BY_EXTERNAL_ID] = "external id",   [ACCOUNT_BY_DOMAIN] = "domain",
		[ACCOUNT_BY_NAME] = "name", [ACCOUNT_BY_SUBSCRIPTION] = "subscription", [ACCOUNT_BY_CONTACT] = "contact",
		[ACCOUNT_BY_PARTICIPANTS] = "participants",
	};
	const char *how = (size_t)m->account_by < ARRAY_LEN(by) ? by[m->account_by] : NULL;

	return m->account ? arena_printf(a, " of the account whose %s is %s", how ? how : "word", m->account) : "";
}

static void tell_each(const struct telling *t, const struct stream_settings *s)
{
	const char *of = s->each.of == EACH_ROWS ? "each row"
	                 : s->has_incremental   ? "each row that the changes name or a whole list no longer has"
	                                        : "each row that a whole list no longer has";
	const struct request_settings *q = &s->each.request;
	const char *path = q->get ? q->get : q->post;

	tell(t, "each", "asks %s %s about %s (%s), %lld at the same time%s: %s%s", q->get ? "GET" : "POST", path,
	     of, s->each.id, (long long)s->each.concurrent, pace_of(t, path),
	     q->records ? "the rows are those of its " : "the answer is the row", q->records ? q->records : "");
}

static void tell_map(const struct telling *t, const struct map *m)
{
	struct arena *a = t->arena;
	const char *when =
		m->when_from ? arena_printf(a, " whose %s is one of %s", m->when_from, as_text(a, m->when_in, 0)) : "";
	const char *out = arena_printf(a, "each row%s becomes %s%s%s%s:", when, m->entity->name, m->key ? " " : "",
	                               m->key ? m->key : "", account_words(a, m));

	for (size_t i = 0; i < m->n_entries; i++) {
		const struct map_entry *e = &m->entries[i];

		out = arena_printf(a, "%s%s %s = %s%s%s", out, i ? "," : "", e->to,
		                   e->from ? e->from : arena_printf(a, "\"%s\"", e->value), e->values ? " " : "",
		                   e->values ? as_text(a, e->values, 0) : "");
		if (e->times)
			out = arena_printf(a, "%s x %s", out, e->times);
		if (e->over)
			out = arena_printf(a, "%s / %s", out, e->over);
		if (e->per)
			out = arena_printf(a, "%s per %s, by the month", out, e->per);
		if (e->sum)
			out = arena_printf(a, "%s, summed over %s", out, e->sum);
		if (e->unless)
			out = arena_printf(a, "%s unless %s", out, e->unless);
		if (e->scale != 0)
			out = arena_printf(a, "%s x %.6g", out, e->scale);
	}
	tell(t, "maps", "%s", out);
}

/* What this file has no sentence for is shown as it is written: nothing of a connector is kept quiet. told: the keys
 * that sentences are made of, NULL at their end. */
static void tell_rest(const struct telling *t, const struct yaml *node, const char *const *told, const char *within)
{
	for (const struct yaml *n = node ? node->first : NULL; n; n = n->next) {
		bool is_told = false;

		for (size_t i = 0; told[i]; i++)
			is_told = is_told || strcmp(n->key, told[i]) == 0;
		if (!is_told)
			tell(t, within ? within : n->key, "%s%s%s", within ? n->key : "", within ? ": " : "",
			     as_text(t->arena, n, 0));
	}
}

static void tell_span(const struct telling *t, const struct stream_settings *s)
{
	if (s->for_each)
		tell(t, "for each", "of %s, one after the other, each with a cursor of its own", s->for_each);
	if (s->since_s)
		tell(t, "since", "a whole list goes back %s", span(t->arena, s->since_s));
}

static void tell_stream(const struct telling *all, const struct stream_settings *s, const struct yaml *node)
{
	static const char *const told[] = { "row",  "also", "properties", "full",       "incremental", "gone",
		                                "link", "lag",  "full_every", "gone_every", "cursor",      "retention",
		                                "full_diff", "step", "history", "hold",       "each",        "for_each",
		                                "since",     NULL };
	static const char *const requests[] = { "full", "incremental", "gone" };
	static const char *const request_told[] = { "get", "post", "query", "body", "records", "page", NULL };
	struct telling t = *all;

	t.stream = s->name;
	tell(&t, "full", "%s", request_words(&t, &s->full));
	tell_increments(&t, s);
	tell_deletes(&t, s);
	if (s->has_link)
		tell(&t, "account", "asks for it by POST %s, %lld rows at a time%s", s->link.post, (long long)s->link.batch,
		     s->link.prefer ? arena_printf(t.arena, "; the one labelled %s wins", s->link.prefer) : "");
	if (s->has_each)
		tell_each(&t, s);
	for (size_t i = 0; i < s->n_maps; i++)
		tell_map(&t, s->maps[i]);
	tell_span(&t, s);
	tell_rest(&t, node, told, NULL);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		tell_rest(&t, yaml_member(node, requests[i]), request_told, requests[i]);
}

/* all of it -------------------------------------------------------------------------------------------------------- */

static void tell_needs(const struct telling *t, const struct yaml *file, const struct source_settings *s)
{
	struct texts secrets = explain_names(t->arena, file, "secret."), config = explain_names(t->arena, file, "config.");
	struct texts lists = explain_lists(t->arena, file);

	tell(t, "address", "%s%s", t->connector->base_url ? t->connector->base_url : "comes with the token",
	     s->base_url ? " (the source's base_url)" : "");
	if (secrets.n)
		tell(t, "needs", "secrets: %s", joined(t->arena, &secrets));
	if (config.n)
		tell(t, "needs", "config: %s", joined(t->arena, &config));
	if (lists.n)
		tell(t, "needs", "config, as a list: %s", joined(t->arena, &lists));
	if (t->connector->check.get)
		tell(t, "first", "asks GET %s who we are: the answer must have %s", t->connector->check.get,
		     t->connector->check.path);
}

void connector_explain(struct arena *a, const char *config_dir, const char *connector, explain_fn *say, void *context,
                       struct mistakes *m)
{
	static const char *const told[] = { "base_url", "check",      "auth",         "limits",  "quota_headers", "errors",
		                                "attempts", "first_wait", "longest_wait", "timeout", "streams",       "write",
		                                NULL };
	const char *slash = strrchr(connector, '/'), *name = slash ? slash + 1 : connector;
	bool is_path = strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".yaml") == 0;
	const char *path = is_path ? connector : arena_printf(a, "%s/connectors/%s.yaml", config_dir, connector);
	const struct yaml *file = yaml_load(a, path, m), *streams, *node;
	struct telling t = { .arena = a, .say = say, .context = context };
	struct source_settings source;

	if (!file)
		return;
	source = explain_source(a, is_path ? arena_strndup(a, name, strlen(name) - 5) : name, file);
	t.connector = connector_read(a, file, &source, m);
	if (!t.connector)
		return;
	tell_needs(&t, file, &source);
	tell_auth(&t, yaml_member(file, "auth"));
	tell_limits(&t);
	tell_errors(&t, file);
	tell_writes(&t);
	tell_rest(&t, file, told, NULL);
	streams = yaml_member(file, "streams");
	node = streams ? streams->first : NULL;
	for (size_t i = 0; i < t.connector->streams.n && node; i++, node = node->next)
		tell_stream(&t, (const struct stream_settings *)t.connector->streams.at + i, node);
}
