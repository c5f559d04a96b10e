#include <stddef.h>

#include "common/text.h"
#include "facts_told.h"
#include "store/usage.h"
#include "usage_window.h"

/* The owner: an address; or of whom a key that the account had on the day speaks now. */
static int tell_owner(const struct telling *t, int64_t word, bool is_key, const char **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	int rc;

	*out = told_word(t, word);
	if (!is_key)
		return 1;
	q = db_sql(t->l->db, "SELECT lower(o.email) FROM account a JOIN owner o ON o.source_id = a.source_id AND "
	                     "o.source_key = :key WHERE a.id = :id");
	bind_text(q, ":key", *out);
	bind_int(q, ":id", t->account);
	rc = stmt_step(q, err);
	if (rc >= 0)
		*out = rc && !col_is_null(q, 0) ? col_text_in(q, 0, t->l->arena) : "";
	return rc < 0 ? err_in(err, "owners") : 1;
}

int tell_account(struct telling *t, const struct fact_member *member, struct fact_account *f, struct err *err)
{
	const struct fact_base *base = t->l->base;
	size_t n;
	const int64_t *c = told_cells(t, PACK_ACCOUNT, &n);

	if (n != 1)
		return 1;
	if (!c)
		return 0;
	*f = (struct fact_account){
		.id = t->account,
		.key = told_word(t, c[ACCOUNT_KEY]),
		.name = told_word(t, c[ACCOUNT_NAME]),
		.domain = told_word(t, c[ACCOUNT_DOMAIN]),
		.external_id = told_word(t, c[ACCOUNT_EXTERNAL_ID]),
		.segment = told_word(t, c[ACCOUNT_SEGMENT]),
		.plan = told_word(t, c[ACCOUNT_PLAN]),
		.currency = told_word(t, c[ACCOUNT_CURRENCY]),
		.seats = c[ACCOUNT_SEATS],
		.arr_minor = c[ACCOUNT_ARR],
		.renewal_on = (int32_t)c[ACCOUNT_RENEWAL],
		.created_on = (int32_t)c[ACCOUNT_CREATED],
		.customer_since_on = told_day(t, c[ACCOUNT_SINCE], false),
		.is_customer = c[ACCOUNT_IS_CUSTOMER] != 0,
		.gone_days = member->gone_days,
		.usage = arena_array(t->l->arena, base->n_metrics + 1, sizeof(struct fact_series *)),
	};
	if (base->active)
		f->active = base->active[member - base->members];
	return tell_owner(t, c[ACCOUNT_CSM], c[ACCOUNT_CSM_IS_KEY], &f->csm_email, err) < 0 ||
	               tell_owner(t, c[ACCOUNT_AM], c[ACCOUNT_AM_IS_KEY], &f->am_email, err) < 0 ?
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
		int64_t first = l->out[at].id;

		for (end = at + 1; end < l->n && l->out[end].id / USAGE_BLOCK == first / USAGE_BLOCK &&
		     l->out[end].id - first < usage_window_room(window);)
			end++;
		is_copied = is_copied || end < l->n; /* the window moves on */
		if (usage_window_seek(window, l->db, first, l->out[end - 1].id, l->q->reads_ahead, err) < 0)
			return err_in(err, "usage");
		for (size_t i = at; i < end; i++)
			if (load_series(l, is_copied, &l->out[i], err) < 0)
				return err_in(err, "usage");
	}
	return 0;
}
