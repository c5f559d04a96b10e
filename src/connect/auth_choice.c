#include "auth_choice.h"

#include <string.h>

#include "common/http.h"
#include "common/text.h"

enum { MAX_WALK = 8 };

/* The first name that the source doesn't give, in words; NULL: none. */
static const char *missing(struct arena *a, const struct yaml *node, const struct scope *names, int depth)
{
	const char *what = NULL;

	if (node->type == YAML_SCALAR)
		return template_mistake(a, node->text, names);
	for (const struct yaml *n = depth < MAX_WALK ? node->first : NULL; n && !what; n = n->next)
		what = missing(a, n, names, depth + 1);
	return what;
}

/* The mapping with another value for one of its entries. */
static const struct yaml *replaced(struct arena *a, const struct yaml *mapping, const struct yaml *old,
                                   const struct yaml *value)
{
	struct yaml *copy = arena_memdup(a, mapping, sizeof *mapping), **end = &copy->first;

	for (const struct yaml *n = mapping->first; n; n = n->next) {
		struct yaml *entry = arena_memdup(a, n == old ? value : n, sizeof *entry);

		entry->key = n->key;
		*end = entry;
		end = &entry->next;
	}
	*end = NULL;
	return copy;
}

const struct yaml *auth_choose(struct arena *a, const struct yaml *file, const struct scope *names, struct mistakes *m)
{
	const struct yaml *ways = yaml_member(file, "auth"), *chosen = NULL;
	const char *all = "";
	int n = 0;

	if (!ways || ways->type != YAML_SEQUENCE)
		return file;
	for (const struct yaml *way = ways->first; way; way = way->next) {
		const char *what = missing(a, way, names, 0);

		if (!what && !chosen) {
			chosen = way; /* read with the rest of the file */
			continue;
		}
		yaml_read(a, way, &auth_table, &(struct auth_settings){ 0 }, m);
		all = arena_printf(a, "%s%s(%d) %s", all, n ? ", " : "", n + 1, what ? what : "complete too");
		n++;
	}
	if (chosen)
		return replaced(a, file, ways, chosen);
	mistake_at(m, ways, "none of the ways to log in is complete: %s", n ? all : "the list is empty");
	return NULL;
}

/* The statuses of `refresh_on:` become rules behind the connector's own. */
static void add_refresh_rules(struct arena *a, struct connector *c)
{
	static const char *const usual[] = { "401" };
	const struct texts *on = &c->auth.oauth.refresh_on;
	size_t n = on->n ? on->n : 1, old_n = c->errors.n;
	struct error_rule *rules = arena_grow(a, c->errors.at, old_n, old_n + 1, sizeof *rules);

	rules[old_n].status.at = arena_memdup(a, on->n ? on->at : usual, n * sizeof *on->at);
	rules[old_n].status.n = n;
	rules[old_n].action = ACTION_REFRESH_RETRY;
	c->errors = (struct yaml_array){ rules, old_n + 1 };
}

/* Secrets in a URL would stand in every message about it. */
static void finish_token_url(struct arena *a, struct oauth_settings *s, const struct source_settings *source,
                             const struct yaml *where, struct mistakes *m)
{
	struct scope scope = { .config = source->config };
	struct err err;

	if (!s->token_url || template_expand(a, s->token_url, &scope, TEMPLATE_URL, &s->token_url, &err) < 0) {
		if (s->token_url)
			mistake_at(m, where, "`token_url`: %s", err.text);
		return;
	}
	if (!http_same_origin(s->token_url, s->token_url) ||
	    (!text_starts(s->token_url, "https://") && !source->allows_http_loopback))
		mistake_at(m, where, "`token_url` is `%s`; write https://host/path, without user, password or #", s->token_url);
}

/* Of a connector with several ways to log in, the rules fit those whose tokens expire; with the others a person must
 * act. */
static void without_tokens(struct connector *c, const struct yaml *where, struct mistakes *m)
{
	struct error_rule *rules = c->errors.at;

	for (size_t i = 0; i < c->errors.n; i++) {
		if (rules[i].action != ACTION_REFRESH_RETRY)
			continue;
		if (c->auth.is_one_of_several)
			rules[i].action = ACTION_FAIL_CONFIG;
		else
			mistake_at(m, where, "`action: refresh_retry` goes with `auth: { kind: oauth2 }`");
	}
}

void auth_finish(struct arena *a, struct connector *c, const struct source_settings *source, const struct yaml *where,
                 struct mistakes *m)
{
	if (!auth_is_oauth(&c->auth)) {
		without_tokens(c, where, m);
		return;
	}
	finish_token_url(a, &c->auth.oauth, source, where, m);
	add_refresh_rules(a, c);
	c->allows_http_loopback = source->allows_http_loopback;
	if (source->base_url) /* a person's word stands before the token's */
		c->auth.oauth.store.base_url = NULL;
}
