#include "workload_rows.h"

enum { TILE = 128 };

/* Values are made by day and wanted by account: turned round a tile of accounts at a time. */
static void walk_usage(const struct workload *w, workload_row_fn *fn, void *context)
{
	static int32_t values[WORKLOAD_METRICS][WORKLOAD_DAYS][TILE];

	for (int first = 1; first <= w->n; first += TILE) {
		int n = w->n + 1 - first < TILE ? w->n + 1 - first : TILE;

		for (int m = 0; m < WORKLOAD_METRICS; m++)
			for (int day = 0; day < WORKLOAD_DAYS; day++)
				workload_values(w, m, day, first, n, values[m][day]);
		for (int i = 0; i < n; i++)
			for (int m = 0; m < WORKLOAD_METRICS; m++)
				for (int day = 0; day < WORKLOAD_DAYS; day++)
					if (values[m][day][i] >= 0)
						fn(context, (const int32_t[]){ first + i, m, day, values[m][day][i] });
	}
}

static void walk_accounts(const struct workload *w, workload_row_fn *fn, void *context)
{
	for (int account = 1; account <= w->n; account++)
		fn(context, (const int32_t[]){ account, (account - 1) / WORKLOAD_OWNED,
		                               (int32_t)workload_limit(w, account, 0), (int32_t)workload_limit(w, account, 1),
		                               (int32_t)workload_limit(w, account, 2) });
}

static void walk_users(const struct workload *w, workload_row_fn *fn, void *context)
{
	for (int account = 1; account <= w->n; account++)
		for (int n = 0; n < WORKLOAD_CONTACTS; n++) {
			struct workload_contact c = workload_contact(account, n);

			fn(context, (const int32_t[]){ account, c.last_seen < 0 ? WORKLOAD_NULL : c.last_seen,
			                               __builtin_popcount(c.days) });
		}
}

static void walk_tickets(const struct workload *w, workload_row_fn *fn, void *context)
{
	for (int account = 1; account <= w->n; account++)
		for (int n = 0; n < WORKLOAD_TICKETS; n++)
			fn(context, (const int32_t[]){ account, workload_ticket(account, n) });
}

static void walk_exchanges(const struct workload *w, workload_row_fn *fn, void *context)
{
	for (int account = 1; account <= w->n; account++)
		for (int n = 0; n < WORKLOAD_EXCHANGES; n++)
			fn(context, (const int32_t[]){ account, workload_exchange(account, n) });
}

static void walk_contracts(const struct workload *w, workload_row_fn *fn, void *context)
{
	for (int account = 1; account <= w->n; account++)
		for (int n = 0; n < WORKLOAD_SUBSCRIPTIONS; n++)
			fn(context, (const int32_t[]){ account, workload_contract(account, n).renewal });
}

const struct workload_table workload_tables[] = {
	{ "usage", { "account", "metric", "day", "value" }, "account, metric, day", walk_usage },
	{ "accounts", { "account", "owner", "l0", "l1", "l2" }, "account", walk_accounts },
	{ "users", { "account", "last_seen", "active28" }, NULL, walk_users },
	{ "tickets", { "account", "day" }, NULL, walk_tickets },
	{ "eng", { "account", "day" }, NULL, walk_exchanges },
	{ "subs", { "account", "renewal" }, NULL, walk_contracts },
	{ .name = NULL },
};

int workload_n_columns(const struct workload_table *t)
{
	int n = 0;

	while (t->columns[n])
		n++;
	return n;
}
