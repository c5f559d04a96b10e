#include "fanout.h"

#include <stddef.h>
#include <string.h>

#include "request.h"

enum { MAX_ROUNDS = 200 };

static const struct yaml_field link_fields[] = {
	{ "post", YAML_TEXT, offsetof(struct link_settings, post), true, NULL, 0, 0 },
	{ "query", YAML_NODE, offsetof(struct link_settings, query), false, NULL, 0, 0 },
	{ "body", YAML_NODE, offsetof(struct link_settings, body), true, NULL, 0, 0 },
	{ "element", YAML_NODE, offsetof(struct link_settings, element), true, NULL, 0, 0 },
	{ "batch", YAML_INT, offsetof(struct link_settings, batch), false, NULL, 1, 10000 },
	{ "records", YAML_TEXT, offsetof(struct link_settings, records), true, NULL, 0, 0 },
	{ "from", YAML_TEXT, offsetof(struct link_settings, from), true, NULL, 0, 0 },
	{ "to", YAML_TEXT, offsetof(struct link_settings, to), true, NULL, 0, 0 },
	{ "key", YAML_TEXT, offsetof(struct link_settings, key), true, NULL, 0, 0 },
	{ "labels", YAML_TEXT, offsetof(struct link_settings, labels), false, NULL, 0, 0 },
	{ "label", YAML_TEXT, offsetof(struct link_settings, label), false, NULL, 0, 0 },
	{ "prefer", YAML_TEXT, offsetof(struct link_settings, prefer), false, NULL, 0, 0 },
	{ "more", YAML_TEXT, offsetof(struct link_settings, more), false, NULL, 0, 0 },
	{ "none", YAML_TEXT, offsetof(struct link_settings, none), false, NULL, 0, 0 },
	{ "none_id", YAML_TEXT, offsetof(struct link_settings, none_id), false, NULL, 0, 0 },
	{ "none_if", YAML_TEXT, offsetof(struct link_settings, none_if), false, NULL, 0, 0 },
	{ "none_is", YAML_TEXT, offsetof(struct link_settings, none_is), false, NULL, 0, 0 },
};

static void check_link(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct link_settings *l = item;

	if (!l->none != !l->none_id || !l->none != !l->none_if || !l->none != !l->none_is)
		mistake_at(m, where, "`none:`, `none_id:`, `none_if:` and `none_is:` go together");
}

const struct yaml_table link_table = {
	.size = sizeof(struct link_settings), .fields = link_fields, .n_fields = ARRAY_LEN(link_fields),
	.check = check_link,
};

static struct linked *row_of(struct linked *rows, size_t n_rows, const char *id)
{
	for (size_t i = 0; id && i < n_rows; i++)
		if (strcmp(rows[i].id, id) == 0)
			return &rows[i];
	return NULL;
}

/* A row whose list of accounts is there and empty has none. */
static bool is_empty_list(const struct json *list)
{
	return json_type(list) == JSON_ARRAY && json_count(list) == 0;
}

static bool is_preferred(const struct link_settings *l, const struct json *account)
{
	const struct json *labels = l->labels && l->prefer ? json_at(account, l->labels) : NULL;

	for (const struct json *one = json_first(labels); one; one = json_next(one)) {
		const char *name = json_text(l->label ? json_at(one, l->label) : one);

		if (name && strcmp(name, l->prefer) == 0)
			return true;
	}
	return false;
}

/* The preferred account wins, else the first. */
static void take_accounts(const struct link_settings *l, const struct json *element, struct linked *row,
                          struct arena *a)
{
	for (const struct json *account = json_first(json_at(element, l->to)); account; account = json_next(account)) {
		const char *key = json_scalar(a, json_at(account, l->key));
		bool wins = is_preferred(l, account);

		if (!key || row->is_preferred || (row->account && !wins))
			continue;
		row->account = key;
		row->is_preferred = wins;
	}
}

/* Whom to ask about next. */
struct queue {
	struct parent *at;
	size_t n;
};

static int ask(struct client *c, const struct link_settings *l, const struct parent *parents, size_t n, struct arena *a,
               struct answer *out, struct err *err)
{
	struct request_lists lists = { .parents = parents, .n_parents = n, .element = l->element };
	const char *url, *body;

	if (request_url(c->base_url, l->post, l->query, &c->scope, &lists, a, &url, err) < 0 ||
	    request_body(l->body, &c->scope, &lists, a, &body, err) < 0)
		return -1;
	return client_call(c, "POST", url, body, a, out, err);
}

/* Rows that the answer says have no account. */
static void read_none(const struct link_settings *l, const struct answer *x, struct linked *rows, size_t n_rows,
                      struct arena *a)
{
	const struct json *list = l->none ? json_at(x->body, l->none) : NULL;

	for (const struct json *one = json_first(list); one; one = json_next(one)) {
		const char *what = json_text(json_at(one, l->none_if));
		struct linked *row = row_of(rows, n_rows, json_scalar(a, json_at(one, l->none_id)));

		if (row && what && strcmp(what, l->none_is) == 0)
			row->has_none = !row->account;
	}
}

static int read_answer(const struct link_settings *l, const struct answer *x, struct linked *rows, size_t n_rows,
                       struct queue *later, struct arena *a, struct err *err)
{
	const struct json *list = json_at(x->body, l->records);

	if (x->is_empty)
		return 0;
	if (json_type(list) != JSON_ARRAY)
		return err_set(err, ERR_INPUT, "%s: the answer has no list `%s`", l->post, l->records);
	for (const struct json *element = json_first(list); element; element = json_next(element)) {
		struct linked *row = row_of(rows, n_rows, json_scalar(a, json_at(element, l->from)));
		const char *more = l->more ? json_scalar(a, json_at(element, l->more)) : NULL;

		if (!row)
			continue;
		take_accounts(l, element, row, a);
		row->has_none = !row->account && !more && is_empty_list(json_at(element, l->to));
		if (!more || !l->prefer || row->is_preferred || later->n == n_rows)
			continue;
		if (row->token && strcmp(row->token, more) == 0)
			return err_set(err, ERR_INPUT, "%s: the accounts of a row go in circles", l->post);
		row->token = more;
		later->at[later->n++] = (struct parent){ .id = row->id, .token = more };
	}
	read_none(l, x, rows, n_rows, a);
	return 0;
}

int fanout_link(struct client *c, const struct link_settings *l, struct linked *rows, size_t n_rows, struct arena *a,
                struct err *err)
{
	struct queue now = { arena_array(a, n_rows + 1, sizeof *now.at), 0 };

	for (size_t i = 0; i < n_rows; i++)
		now.at[now.n++] = (struct parent){ .id = rows[i].id };
	for (int round = 0; now.n; round++) {
		struct queue later = { arena_array(a, n_rows + 1, sizeof *later.at), 0 };

		if (round == MAX_ROUNDS)
			return err_set(err, ERR_INPUT, "%s: a row has more than %d pages of accounts", l->post, MAX_ROUNDS);
		for (size_t i = 0; i < now.n; i += (size_t)l->batch) {
			size_t n = now.n - i < (size_t)l->batch ? now.n - i : (size_t)l->batch;
			struct answer x;

			if (ask(c, l, now.at + i, n, a, &x, err) < 0 || read_answer(l, &x, rows, n_rows, &later, a, err) < 0)
				return -1;
		}
		now = later;
	}
	return 0;
}
