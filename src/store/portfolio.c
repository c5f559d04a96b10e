#include "store/portfolio.h"

int portfolio_listed(struct db *db, int32_t from, int32_t to, struct arena *a, int64_t **out, size_t *out_n,
                     struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT DISTINCT account_id FROM finding WHERE opened_on <= :to AND (closed_on IS NULL OR closed_on >= :from) "
		"ORDER BY account_id");
	int64_t *ids = NULL;
	size_t n = 0, cap = 0;
	int rc;

	bind_day(q, ":from", from);
	bind_day(q, ":to", to);
	while ((rc = stmt_step(q, err)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			ids = arena_grow(a, ids, n, cap, sizeof *ids);
		}
		ids[n++] = col_int(q, 0);
	}
	if (rc < 0)
		return err_in(err, "accounts with findings");
	*out = ids;
	*out_n = n;
	return 0;
}
