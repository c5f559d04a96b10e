#include <stddef.h>
#include <string.h>

#include "common/text.h"
#include "facts_parts.h"
#include "store/usage.h"
#include "usage_window.h"

static const char *text_at(struct loading *l, const struct history *h, int64_t id, const char *field,
                           const char *current)
{
	return loading_text(l, history_text(h, id, field, current));
}

/* The owner of that day: the key that history has, resolved as it is now; else the one resolved already. */
static int owner_at(struct loading *l, const struct history *h, int64_t id, const char *field, const char *current,
                    const char **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = NULL;
	const struct change *change = history_find(h, id, field);
	int rc;

	if (!change || !change->value || strchr(change->value, '@')) {
		*out = text_fold(l->arena, change ? change->value : current);
		return 0;
	}
	q = db_sql(l->db, "SELECT lower(o.email) FROM account a JOIN owner o ON o.source_id = a.source_id AND "
	                  "o.source_key = :key WHERE a.id = :id");
	bind_int(q, ":id", id);
	bind_text(q, ":key", change->value);
	rc = stmt_step(q, err);
	if (rc >= 0)
		*out = rc && !col_is_null(q, 0) ? col_text_in(q, 0, l->arena) : "";
	return rc < 0 ? -1 : 0;
}

int facts_load_accounts(struct loading *l, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(l->db, "SELECT id, source_key, name, domain, external_id, segment, plan, currency, "
	                               "csm_email, am_email, seats, arr_minor, "
	                               "renewal_on, created_on, customer_since_on, is_customer FROM account WHERE id "
	                               "BETWEEN :from AND :to ORDER BY id");
	struct history history;
	int rc;

	if (history_load(l->db, TRACKED_ACCOUNT, l->from_id, l->to_id, l->q->as_of, l->arena, &history, err) < 0)
		return -1;
	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	while ((rc = stmt_step(q, err)) > 0) {
		const struct history *h = &history;
		int64_t id = col_int(q, 0);
		ptrdiff_t place = loading_place(l, id);

		if (place < 0)
			continue;
		l->out[place] = (struct fact_account){
			.id = id,
			.key = col_text_in(q, 1, l->arena),
			.name = text_at(l, h, id, "name", col_text(q, 2)),
			.domain = text_at(l, h, id, "domain", col_text(q, 3)),
			.external_id = text_at(l, h, id, "external_id", col_text(q, 4)),
			.segment = text_at(l, h, id, "segment", col_text(q, 5)),
			.plan = text_at(l, h, id, "plan", col_text(q, 6)),
			.currency = text_at(l, h, id, "currency", col_text(q, 7)),
			.seats = history_int(h, id, "seats", col_int(q, 10), 0),
			.arr_minor = history_int(h, id, "arr_minor", col_int(q, 11), 0),
			.renewal_on = history_day(h, id, "renewal_on", col_day(q, 12)),
			.created_on = col_day(q, 13),
			.customer_since_on = loading_seen(l, col_day(q, 14)),
			.is_customer = history_int(h, id, "is_customer", col_int(q, 15), 0) != 0,
			.active = l->base->members[l->first + (size_t)place].active,
			.gone_days = l->base->members[l->first + (size_t)place].gone_days,
			.usage = arena_array(l->arena, l->base->n_metrics + 1, sizeof(struct fact_series *)),
		};
		if (owner_at(l, h, id, "csm_key", col_text(q, 8), &l->out[place].csm_email, err) < 0 ||
		    owner_at(l, h, id, "am_key", col_text(q, 9), &l->out[place].am_email, err) < 0)
			return err_in(err, "owners");
	}
	return rc < 0 ? err_in(err, "accounts") : 0;
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
			if (usage_window_series(window, l->db, l->out[i].id, is_copied, l->arena, l->out[i].usage, err) < 0)
				return err_in(err, "usage");
	}
	return 0;
}
