#include "connect/write_back.h"

#include <string.h>

#include "common/http.h"
#include "common/lock.h"
#include "rest.h"
#include "store/written.h"
#include "task.h"
#include "writer.h"

enum {
	BATCH_BYTES = 128 << 20,
	MOST_REFUSED_IN_A_ROW = 20 /* requests for one account each: then it isn't the accounts */
};

/* An account with something to write. */
struct change {
	const struct write_account *account;
	struct named_value values[N_WRITE_FIELDS]; /* by the system's names */
	size_t n_values;
};

struct plan {
	struct change *at;
	size_t n;
};

struct sending {
	const struct write_back *w;
	struct client client;
	struct write_counts *counts;
	int n_refused_in_a_row;
};

/* what to write ---------------------------------------------------------------------------------------------------- */

struct difference {
	const char *was[N_WRITE_FIELDS]; /* "" where nothing was */
	bool is_there[N_WRITE_FIELDS];
	bool is_any;
};

static int compare(const struct write_back *w, const struct write_account *x, struct arena *a, struct difference *out,
                   struct err *err)
{
	*out = (struct difference){ 0 };
	for (size_t i = 0; i < N_WRITE_FIELDS; i++) {
		const char *property = w->source->write_back.account.at[i];

		out->was[i] = "";
		if (!property)
			continue;
		if (written_get(w->db, x->source, x->id, property, a, &out->was[i], err) < 0)
			return -1;
		out->is_there[i] = strcmp(out->was[i], x->values[i]) != 0 || (w->is_full && *x->values[i]);
		out->is_any = out->is_any || (out->is_there[i] && i != WRITE_AS_OF);
	}
	return 0;
}

static void add_values(const struct write_back *w, const struct difference *d, struct change *out)
{
	for (size_t i = 0; i < N_WRITE_FIELDS; i++) {
		const char *property = w->source->write_back.account.at[i];
		struct write_change shown = { out->account, property, d->was[i], out->account->values[i] };

		if (!d->is_there[i])
			continue;
		out->values[out->n_values++] = (struct named_value){ property, out->account->values[i] };
		if (w->is_dry_run)
			w->show(w->context, &shown);
	}
}

static int make_plan(const struct write_back *w, struct arena *a, struct plan *out, struct err *err)
{
	*out = (struct plan){ .at = arena_array(a, w->n_accounts + 1, sizeof *out->at) };
	for (size_t i = 0; i < w->n_accounts; i++) {
		struct change *change = &out->at[out->n];
		struct difference d;

		if (compare(w, &w->accounts[i], a, &d, err) < 0)
			return -1;
		if (!d.is_any)
			continue;
		change->account = &w->accounts[i];
		add_values(w, &d, change);
		out->n++;
	}
	return 0;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

static int note(const struct sending *s, const struct change *change, struct err *err)
{
	const struct write_account *x = change->account;

	for (size_t i = 0; i < change->n_values; i++)
		if (written_put(s->w->db, x->source, x->id, change->values[i].name, change->values[i].value, s->w->now,
		                err) < 0)
			return -1;
	return 0;
}

/* What was taken is noted, what was refused is told. */
static int settle(const struct sending *s, const struct change *changes, const struct write_item *items, size_t n,
                  struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (txn_begin(&txn, s->w->db, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!items[i].refused && note(s, &changes[i], err) < 0)
			return -1;
	if (txn_commit(&txn, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (items[i].refused)
			s->w->refused(s->w->context, changes[i].account, items[i].refused);
		*(items[i].refused ? &s->counts->n_refused : &s->counts->n_written) += 1;
	}
	return 0;
}

/* A batch that is refused whole is halved until those that spoil it stand alone: seven levels for a hundred. */
static int send_batch(struct sending *s, const struct change *changes, size_t n, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(BATCH_BYTES);
	struct write_item *items = arena_array(a, n, sizeof *items);
	size_t half = n / 2;

	for (size_t i = 0; i < n; i++)
		items[i].row = (struct parent){ .id = changes[i].account->key, .values = changes[i].values,
			                            .n_values = changes[i].n_values };
	s->counts->n_requests++;
	if (writer_send(&s->client, &s->client.connector->write.account, items, n, a, err) == 0) {
		s->n_refused_in_a_row = 0;
		return settle(s, changes, items, n, err);
	}
	if (err->kind != ERR_INPUT || (n == 1 && ++s->n_refused_in_a_row == MOST_REFUSED_IN_A_ROW))
		return -1;
	if (n > 1)
		return send_batch(s, changes, half, err) < 0 ? -1 : send_batch(s, changes + half, n - half, err);
	items[0].refused = arena_strdup(a, err->text);
	return settle(s, changes, items, n, err);
}

static int send_all(struct sending *s, const struct plan *plan, struct err *err)
{
	size_t batch = (size_t)s->client.connector->write.account.batch;

	for (size_t i = 0; i < plan->n; i += batch)
		if (send_batch(s, plan->at + i, plan->n - i < batch ? plan->n - i : batch, err) < 0)
			return -1;
	return 0;
}

static void show_tasks(const struct write_back *w, struct arena *a)
{
	for (size_t i = 0; i < w->n_tasks; i++) {
		struct write_change shown = { &w->tasks[i].account, "task", "", task_subject(&w->tasks[i], a) };

		w->show(w->context, &shown);
	}
}

int write_back_source(const struct write_back *w, struct arena *a, struct write_counts *out, struct err *err)
{
	const struct pull as_pull = { .config_dir = w->config_dir, .source = w->source, .now = w->now,
		                          .secret = w->secret, .token_path = w->token_path,
		                          .limits_path = w->limits_path };
	CLEANUP(http_freep) struct http *http = NULL;
	CLEANUP(lock_release) int lock = -1;
	struct sending s = { .w = w, .counts = out };
	struct plan plan;

	*out = (struct write_counts){ 0 };
	if (w->lock_path && lock_take(w->lock_path, &lock, err) < 0)
		return err_in(err, "another write-back is at work");
	if (make_plan(w, a, &plan, err) < 0)
		return -1;
	out->n_same = (int64_t)(w->n_accounts - plan.n);
	if (w->is_dry_run)
		show_tasks(w, a);
	if (w->is_dry_run || plan.n + w->n_tasks == 0)
		return 0;
	if (rest_source_open(&as_pull, a, &http, &s.client, err) < 0 ||
	    client_login(&s.client, w->token_path, a, err) < 0)
		return -1;
	return send_all(&s, &plan, err) < 0 ? -1 : task_make_all(&s.client, w, out, err);
}
