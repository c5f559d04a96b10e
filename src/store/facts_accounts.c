#include <stddef.h>

#include "common/text.h"
#include "facts_told.h"
#include "store/usage.h"
#include "usage_window.h"

/* An owner who is a key: the address of whom a key that the account had on the day speaks now. */
static int tell_owner(const struct telling *t, bool is_key, const char **io, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	int rc;

	if (!is_key)
		return 1;
	q = db_sql(t->l->db, "SELECT lower(o.email) FROM account a JOIN owner o ON o.source_id = a.source_id AND "
	                     "o.source_key = :key WHERE a.id = :id");
	bind_text(q, ":key", *io);
	bind_int(q, ":id", t->account);
	rc = stmt_step(q, err);
	if (rc >= 0)
		*io = rc && !col_is_null(q, 0) ? col_text_in(q, 0, t->l->arena) : "";
	return rc < 0 ? err_in(err, "owners") : 1;
}

int tell_account(struct telling *t, const struct fact_member *member, struct fact_account *f, struct err *err)
{
	static const struct pack_field fields[] = {
		{ ACCOUNT_KEY, PACK_AS_WORD, offsetof(struct fact_account, key) },
		{ ACCOUNT_NAME, PACK_AS_WORD, offsetof(struct fact_account, name) },
		{ ACCOUNT_DOMAIN, PACK_AS_WORD, offsetof(struct fact_account, domain) },
		{ ACCOUNT_EXTERNAL_ID, PACK_AS_WORD, offsetof(struct fact_account, external_id) },
		{ ACCOUNT_SEGMENT, PACK_AS_WORD, offsetof(struct fact_account, segment) },
		{ ACCOUNT_PLAN, PACK_AS_WORD, offsetof(struct fact_account, plan) },
		{ ACCOUNT_CURRENCY, PACK_AS_WORD, offsetof(struct fact_account, currency) },
		{ ACCOUNT_CSM, PACK_AS_WORD, offsetof(struct fact_account, csm_email) },
		{ ACCOUNT_AM, PACK_AS_WORD, offsetof(struct fact_account, am_email) },
		{ ACCOUNT_SEATS, PACK_AS_NUMBER, offsetof(struct fact_account, seats) },
		{ ACCOUNT_ARR, PACK_AS_NUMBER, offsetof(struct fact_account, arr_minor) },
		{ ACCOUNT_RENEWAL, PACK_AS_DAY, offsetof(struct fact_account, renewal_on) },
		{ ACCOUNT_CREATED, PACK_AS_DAY, offsetof(struct fact_account, created_on) },
		{ ACCOUNT_SINCE, PACK_AS_DAY, offsetof(struct fact_account, customer_since_on) },
		{ ACCOUNT_IS_CUSTOMER, PACK_AS_TRUTH, offsetof(struct fact_account, is_customer) },
		{ ACCOUNT_HEARD, PACK_AS_DAY, offsetof(struct fact_account, heard_on) },
	};
	const struct fact_base *base = t->l->base;
	int rc = told_open(t, PACK_ACCOUNT);

	t->heard_on = DAY_NONE;
	if (rc <= 0 || t->n_cells != 1)
		return rc >= 0;
	told_rows(t, fields, ARRAY_LEN(fields), f, sizeof *f);
	f->id = t->account;
	f->customer_since_on = told_day(t, f->customer_since_on, false);
	f->gone_days = member->gone_days;
	f->usage = arena_array(t->l->arena, base->n_metrics + 1, sizeof(struct fact_series *));
	t->heard_on = f->heard_on;
	if (base->active)
		f->active = base->active[member - base->members];
	return tell_owner(t, *told_cells(t, 0, ACCOUNT_CSM_IS_KEY), &f->csm_email, err) < 0 ||
	               tell_owner(t, *told_cells(t, 0, ACCOUNT_AM_IS_KEY), &f->am_email, err) < 0 ?
	           -1 :
	           1;
}

static int load_series(const struct loading *l, bool is_copied, struct fact_account *io, struct err *err)
{
	const struct fact_base *base = l->base;

	if (usage_window_series(base->window, l->db, io->id, is_copied, l->arena, io->usage, err) < 0)
		return -1;
	for (size_t m = 0; m < base->n_metrics && !base->active; m++)
		for (size_t w = 0; base->metrics[m].is_activity && io->usage[m] && w < ARRAY_LEN(io->active.words); w++)
			io->active.words[w] |= io->usage[m]->active.words[w];
	return 0;
}

/* The accounts of one block, or as many as the window has room for. */
int facts_load_usage(struct loading *l, struct err *err)
{
	struct usage_window *window = l->base->window;
	bool is_copied = !l->q->reads_ahead;

	for (size_t at = 0, end; at < l->n; at = end) {
		int64_t first = l->out[at].id, last, until;

		for (end = at + 1; end < l->n && l->out[end].id / USAGE_BLOCK == first / USAGE_BLOCK &&
		     l->out[end].id - first < usage_window_room(window);)
			end++;
		is_copied = is_copied || end < l->n; /* the window moves on */
		last = l->out[end - 1].id;
		until = l->q->reads_ahead ? l->base->members[l->base->n_members - 1].id : last;
		if (usage_window_seek(window, l->db, first, last, until, err) < 0)
			return err_in(err, "usage");
		for (size_t i = at; i < end; i++)
			if (load_series(l, is_copied, &l->out[i], err) < 0)
				return err_in(err, "usage");
	}
	return 0;
}
