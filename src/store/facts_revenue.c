#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "facts_parts.h"

/* What the history of a subscription says; one that never changed has none. */
struct past_amount {
	int64_t id, minor[FACT_MARKS];
	bool has_amounts;   /* else the amount never changed */
	bool renewed_itself; /* at some time up to the day */
};
struct past_revenue {
	const struct past_amount *amounts; /* ascending by id */
	size_t n;
};

static void add_change(struct past_amount *p, const char *field, const char *text, int64_t known_on, int32_t as_of)
{
	int64_t value = 0;

	if (!text || !text_to_int(text, &value))
		value = 0;
	if (strcmp(field, "is_auto_renew") == 0) {
		p->renewed_itself = p->renewed_itself || value == 1;
		return;
	}
	p->has_amounts = true;
	for (int m = 0; m < FACT_MARKS; m++)
		if (known_on <= as_of - (m + 1) * FACT_MARK_DAYS)
			p->minor[m] = value;
}

int past_revenue_load(const struct loading *l, const struct past_revenue **out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT entity_id, known_on, field, value FROM history WHERE entity = 'subscription' "
		"AND field IN ('mrr_minor', 'is_auto_renew') "
		"AND entity_id IN (SELECT id FROM subscription WHERE account_id BETWEEN :from AND :to) AND known_on <= :day "
		"ORDER BY entity_id, known_on");
	struct past_revenue *past = arena_alloc(l->arena, sizeof *past);
	struct past_amount *amounts = NULL;
	size_t n = 0, cap = 0;
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	bind_day(q, ":day", l->q->as_of);
	while ((rc = stmt_step(q, err)) > 0) {
		if (!n || amounts[n - 1].id != col_int(q, 0)) {
			if (n == cap) {
				cap = cap ? 2 * cap : 64;
				amounts = arena_grow(l->arena, amounts, n, cap, sizeof *amounts);
			}
			amounts[n++] = (struct past_amount){ .id = col_int(q, 0) };
		}
		add_change(&amounts[n - 1], col_text(q, 2), col_text(q, 3), col_int(q, 1), l->q->as_of);
	}
	if (rc < 0)
		return err_in(err, "revenue of the past");
	past->amounts = amounts;
	past->n = n;
	*out = past;
	return 0;
}

static int by_id(const void *left, const void *right)
{
	const struct past_amount *l = left, *r = right;

	return l->id < r->id ? -1 : l->id > r->id;
}

void past_revenue_tell(const struct past_revenue *p, int64_t id, int32_t as_of, struct fact_subscription *s)
{
	const struct past_amount key = { .id = id };
	const struct past_amount *found = p->n ? bsearch(&key, p->amounts, p->n, sizeof key, by_id) : NULL;

	s->was_switched_off = s->renews_by_hand && found && found->renewed_itself;
	for (int m = 0; m < FACT_MARKS; m++) {
		int32_t on = as_of - (m + 1) * FACT_MARK_DAYS;
		bool was_active = s->start_on <= on && (s->end_on == DAY_NONE || s->end_on > on) && !s->is_trial;

		s->mrr_was_minor[m] = !was_active ? 0 : found && found->has_amounts ? found->minor[m] : s->mrr_minor;
	}
}
