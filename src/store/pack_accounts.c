#include <string.h>

#include "common/text.h"
#include "pack_load.h"

/* Who owns the account: an address; or the source's key of that day's owner, whose address is to be looked up. */
static void set_owner(const struct packing *p, struct pack_draft *d, int64_t *row, const struct change *change,
                      const char *current, enum pack_account column, enum pack_account is_key)
{
	if (change && change->value && !strchr(change->value, '@')) {
		row[column] = pack_word(d, change->value);
		row[is_key] = 1;
		return;
	}
	row[column] = pack_word(d, text_fold(p->arena, change ? change->value : current));
}

static void set_texts(struct pack_draft *d, int64_t *row, const struct history *h, int64_t id, struct stmt *q)
{
	static const struct { enum pack_account column; const char *field; } texts[] = {
		{ ACCOUNT_NAME, "name" },       { ACCOUNT_DOMAIN, "domain" }, { ACCOUNT_EXTERNAL_ID, "external_id" },
		{ ACCOUNT_SEGMENT, "segment" }, { ACCOUNT_PLAN, "plan" },     { ACCOUNT_CURRENCY, "currency" },
	};

	row[ACCOUNT_KEY] = pack_word(d, col_text(q, 1));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		row[texts[i].column] = pack_word(d, history_text(h, id, texts[i].field, col_text(q, (int)i + 2)));
}

int packing_load_accounts(struct packing *p, struct err *err)
{
	CLEANUP(stmt_donep)
	struct stmt *q = db_sql(p->db, "SELECT id, source_key, name, domain, external_id, segment, plan, currency, "
	                               "csm_email, am_email, seats, arr_minor, "
	                               "renewal_on, created_on, customer_since_on, is_customer FROM account WHERE id "
	                               "BETWEEN :from AND :to ORDER BY id");
	struct history history;
	const struct history *h = &history;
	size_t place;
	int rc;

	if (packing_history(p, TRACKED_ACCOUNT, &history, err) < 0)
		return -1;
	packing_bind(q, p);
	while ((rc = packing_next(p, q, &place, err)) > 0) {
		struct pack_draft *d = &p->drafts[place];
		int64_t id = col_int(q, 0), *row = pack_row(d, PACK_ACCOUNT);

		packing_note(p, place, h, id);
		set_texts(d, row, h, id, q);
		set_owner(p, d, row, history_find(h, id, "csm_key"), col_text(q, 8), ACCOUNT_CSM, ACCOUNT_CSM_IS_KEY);
		set_owner(p, d, row, history_find(h, id, "am_key"), col_text(q, 9), ACCOUNT_AM, ACCOUNT_AM_IS_KEY);
		row[ACCOUNT_SEATS] = history_int(h, id, "seats", col_int(q, 10), 0);
		row[ACCOUNT_ARR] = history_int(h, id, "arr_minor", col_int(q, 11), 0);
		row[ACCOUNT_RENEWAL] = history_day(h, id, "renewal_on", col_day(q, 12));
		row[ACCOUNT_CREATED] = col_day(q, 13);
		row[ACCOUNT_SINCE] = col_day(q, 14);
		row[ACCOUNT_IS_CUSTOMER] = history_int(h, id, "is_customer", col_int(q, 15), 0) != 0;
		row[ACCOUNT_HEARD] = PACK_NONE;
	}
	return rc < 0 ? err_in(err, "accounts") : 0;
}
