#include "request.h"

#include <string.h>

#include "common/buf.h"
#include "common/http.h"
#include "common/json.h"
#include "common/text.h"

enum { MAX_BODY_BYTES = 4 << 20, MAX_URL_BYTES = 32 << 10 };

static const char *joined(struct arena *a, const struct texts *t)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, MAX_BODY_BYTES);
	for (size_t i = 0; i < t->n; i++) {
		buf_text(&b, i ? "," : "");
		buf_text(&b, t->at[i]);
	}
	return arena_strndup(a, b.at, b.len);
}

static int add_parameter(struct buf *url, const char *name, const char *text, const struct scope *scope,
                         struct arena *a, struct err *err)
{
	const char *value;

	if (template_expand(a, text, scope, TEMPLATE_RAW, &value, err) < 0)
		return -1;
	if (!*value && template_has_names(text))
		return 0;
	buf_printf(url, "%c%s=%s", strchr(url->at, '?') ? '&' : '?', http_escape(a, name), http_escape(a, value));
	return 0;
}

/* In a list, {{properties}} stands for a parameter each. */
static int add_repeated(struct buf *url, const char *name, const char *text, const struct scope *scope,
                        const struct request_lists *lists, struct arena *a, struct err *err)
{
	if (!template_is(text, "properties"))
		return add_parameter(url, name, text, scope, a, err);
	for (size_t i = 0; i < lists->properties.n; i++)
		if (add_parameter(url, name, lists->properties.at[i], scope, a, err) < 0)
			return -1;
	return 0;
}

int request_url(const char *base_url, const char *path, const struct yaml *query, const struct scope *scope,
                const struct request_lists *lists, struct arena *a, const char **out, struct err *err)
{
	CLEANUP(buf_done) struct buf url;
	struct scope with = *scope;
	const char *expanded;
	size_t base_len = strlen(base_url);

	buf_init(&url, MAX_URL_BYTES);
	with.properties = joined(a, &lists->properties);
	if (template_expand(a, path, &with, TEMPLATE_URL, &expanded, err) < 0)
		return -1;
	while (base_len && base_url[base_len - 1] == '/')
		base_len--;
	buf_add(&url, base_url, base_len);
	buf_text(&url, expanded);
	for (const struct yaml *q = query ? query->first : NULL; q; q = q->next) {
		if (q->type == YAML_SCALAR && add_parameter(&url, q->key, q->text, &with, a, err) < 0)
			return -1;
		for (const struct yaml *e = q->first; e; e = e->next)
			if (e->type == YAML_SCALAR && add_repeated(&url, q->key, e->text, &with, lists, a, err) < 0)
				return -1;
	}
	if (url.is_full)
		return err_set(err, ERR_CONFIG, "the URL of %s becomes longer than %d bytes", path, MAX_URL_BYTES);
	*out = arena_strndup(a, url.at, url.len);
	return 0;
}

/* bodies ----------------------------------------------------------------------------------------------------------- */

struct writing {
	struct json_out *out;
	const struct scope *scope;
	const struct request_lists *lists;
	const struct parent *item; /* the one that is being written; NULL: none */
	struct arena *arena;
	struct err *err;
};

static int write_node(const struct writing *w, const struct yaml *node, const char *key);

static int write_parents(const struct writing *w, const char *key)
{
	json_open_array(w->out, key);
	for (size_t i = 0; i < w->lists->n_parents; i++) {
		struct scope one = *w->scope;
		struct writing inner = *w;

		one.parent_id = w->lists->parents[i].id;
		one.page_token = w->lists->parents[i].token;
		inner.scope = &one;
		inner.item = &w->lists->parents[i];
		if (write_node(&inner, w->lists->element, NULL) < 0)
			return -1;
	}
	json_close_array(w->out);
	return 0;
}

static void write_properties(const struct writing *w, const char *key)
{
	json_open_array(w->out, key);
	for (size_t i = 0; i < w->lists->properties.n; i++)
		json_put_text(w->out, NULL, w->lists->properties.at[i]);
	json_close_array(w->out);
}

static void write_value(const struct writing *w, const struct named_value *v)
{
	int64_t number;

	if (w->lists->has_types && !*v->value)
		json_put_null(w->out, v->name);
	else if (w->lists->has_types && text_to_int(v->value, &number))
		json_put_int(w->out, v->name, number);
	else
		json_put_text(w->out, v->name, v->value);
}

/* A member `"*": "{{item.values}}"` stands for the values beside the other members, not for an object of them. */
static void write_values(const struct writing *w, const char *key)
{
	bool is_beside = key && strcmp(key, "*") == 0;

	if (!is_beside)
		json_open_object(w->out, key);
	for (size_t i = 0; w->item && i < w->item->n_values; i++)
		write_value(w, &w->item->values[i]);
	if (!is_beside)
		json_close_object(w->out);
}

bool request_is_list(const char *text)
{
	return template_is(text, "parents") || template_is(text, "items") || template_is(text, "item.values");
}

static void write_literal(const struct writing *w, const struct yaml *node, const char *key)
{
	int64_t number;

	if (node->is_quoted)
		json_put_text(w->out, key, node->text);
	else if (text_to_int(node->text, &number))
		json_put_int(w->out, key, number);
	else if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
		json_put_bool(w->out, key, node->text[0] == 't');
	else if (strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0)
		json_put_null(w->out, key);
	else
		json_put_text(w->out, key, node->text);
}

static int write_scalar(const struct writing *w, const struct yaml *node, const char *key)
{
	const char *value;
	int64_t number;

	if (template_is(node->text, "parents") || template_is(node->text, "items"))
		return write_parents(w, key);
	if (template_is(node->text, "item.values")) {
		write_values(w, key);
		return 0;
	}
	if (template_is(node->text, "properties")) {
		write_properties(w, key);
		return 0;
	}
	if (!template_has_names(node->text)) {
		write_literal(w, node, key);
		return 0;
	}
	if (template_expand(w->arena, node->text, w->scope, TEMPLATE_RAW, &value, w->err) < 0)
		return -1;
	if (w->lists->has_types && w->scope->task && template_is_name(node->text) && text_to_int(value, &number))
		json_put_int(w->out, key, number);
	else if (*value || !key)
		json_put_text(w->out, key, value);
	return 0;
}

/* Recursion: YAML is at most 32 deep. */
static int write_node(const struct writing *w, const struct yaml *node, const char *key)
{
	if (node->type == YAML_SCALAR)
		return write_scalar(w, node, key);
	if (node->type == YAML_MAPPING)
		json_open_object(w->out, key);
	else
		json_open_array(w->out, key);
	for (const struct yaml *n = node->first; n; n = n->next)
		if (write_node(w, n, node->type == YAML_MAPPING ? n->key : NULL) < 0)
			return -1;
	if (node->type == YAML_MAPPING)
		json_close_object(w->out);
	else
		json_close_array(w->out);
	return 0;
}

int request_body(const struct yaml *node, const struct scope *scope, const struct request_lists *lists, struct arena *a,
                 const char **out, struct err *err)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;
	struct scope with = *scope;
	struct writing w = { .out = &o, .scope = &with, .lists = lists, .arena = a, .err = err };

	with.properties = joined(a, &lists->properties);
	w.item = lists->n_parents == 1 ? lists->parents : NULL;
	buf_init(&b, MAX_BODY_BYTES);
	o = json_out_to(&b);
	if (write_node(&w, node, NULL) < 0)
		return -1;
	if (b.is_full)
		return err_set(err, ERR_CONFIG, "the body of the request becomes longer than %d bytes", MAX_BODY_BYTES);
	*out = arena_strndup(a, b.at, b.len);
	return 0;
}

size_t request_chunks(struct arena *a, const struct texts *names, size_t max_chars, const struct texts **out)
{
	struct texts *chunks = arena_array(a, names->n + 1, sizeof *chunks);
	size_t n = 0, chars = 0;

	chunks[0].at = names->at;
	for (size_t i = 0; i < names->n; i++) {
		size_t len = strlen(http_escape(a, names->at[i])) + strlen("%2C");

		if (chunks[n].n && chars + len > max_chars) {
			chunks[++n].at = names->at + i;
			chars = 0;
		}
		chunks[n].n++;
		chars += len;
	}
	*out = chunks;
	return n + 1;
}
