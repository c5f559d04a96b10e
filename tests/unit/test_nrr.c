#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "score/nrr.h"
#include "store/migrate.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { N_BOOKS = 700 };
#else
enum { N_BOOKS = 2000 };
#endif

static struct db *db;
static struct arena *arena;
static struct err err;

static int open_book(void **state)
{
	(void)state;
	arena = arena_new(0);
	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0)
		fail_msg("%s", err.text);
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'billing', 'csv')", &err));
	return 0;
}

static int close_book(void **state)
{
	(void)state;
	db_close(db);
	arena_free(arena);
	return 0;
}

static int32_t on(const char *text)
{
	int32_t day = DAY_NONE;

	assert_true(!text || day_parse(text, &day));
	return day;
}

/* The account's number is made from its first letter: A 1, B 2, ... */
static int64_t account_id(const char *name)
{
	return name[0] - 'A' + 1;
}

static void put_account(const char *name, const char *segment, const char *owner, int64_t parent)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
	                                            "INSERT OR IGNORE INTO account (id, source_id, source_key, name, segment,"
		" csm_email, parent_id) VALUES (:id, 1, :name, :name, :segment, :owner, :parent)");

	bind_int(q, ":id", account_id(name));
	bind_text(q, ":name", name);
	bind_text(q, ":segment", segment);
	bind_text(q, ":owner", owner);
	if (parent)
		bind_int(q, ":parent", parent);
	else
		bind_null(q, ":parent");
	ASSERT_OK(stmt_run(q, &err));
}

static void put_priced(const char *account, const char *from, const char *to, int64_t minor, const char *currency,
                       const char *plan)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
	                                            "INSERT INTO subscription (source_id, source_key, account_id, mrr_minor,"
		" currency, plan, start_on, end_on) VALUES (1, hex(randomblob(8)), :account, :minor, :currency, :plan, :from, :to)");

	put_account(account, NULL, NULL, 0);
	bind_int(q, ":account", account_id(account));
	bind_int(q, ":minor", minor);
	bind_text(q, ":currency", currency);
	bind_text(q, ":plan", plan);
	bind_day(q, ":from", on(from));
	bind_day(q, ":to", on(to));
	ASSERT_OK(stmt_run(q, &err));
}

static void put(const char *account, const char *from, const char *to, int64_t minor)
{
	put_priced(account, from, to, minor, "EUR", NULL);
}

/* A line that pays `start` until the middle of the year and `end` from then on. */
static void put_change(const char *account, int64_t start, int64_t end)
{
	put_account(account, NULL, NULL, 0);
	if (start)
		put(account, "2024-06-01", "2025-07-01", start);
	if (end)
		put(account, "2025-07-01", NULL, end);
}

static void put_history(const char *entity, int64_t id, const char *field, int64_t known_on, const char *value)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO history (entity, entity_id, field, known_on, value)"
		" VALUES (:entity, :id, :field, :known_on, :value)");

	bind_text(q, ":entity", entity);
	bind_int(q, ":id", id);
	bind_text(q, ":field", field);
	bind_int(q, ":known_on", known_on);
	bind_text(q, ":value", value);
	ASSERT_OK(stmt_run(q, &err));
}

static struct nrr_policy policy;

static int make_book(int32_t as_of, const struct book_query *query, struct book *out)
{
	struct revenue *facts = arena_alloc(arena, sizeof *facts);

	ASSERT_OK(revenue_load(db, &(struct revenue_query){ as_of, "EUR" }, arena, facts, &err));
	return book_make(facts, &policy, query, arena, out, &err);
}

static struct book book_as_of(int32_t as_of, bool rolls_up)
{
	struct book b;

	policy = nrr_default_policy;
	policy.parents = rolls_up ? PARENTS_ROLLED_UP : PARENTS_SEPARATE;
	ASSERT_OK(make_book(as_of, &(struct book_query){ .currency = "EUR" }, &b));
	return b;
}

static void compute(const struct book *b, int32_t from, int32_t to, enum nrr_by by, struct nrr_window **out, size_t *n)
{
	struct nrr_table tables[N_NRR_BY];
	struct nrr_span span = { from, to };

	ASSERT_OK(nrr_compute(b, &(struct nrr_query){ &span, 1, 1u << by }, arena, tables, &err));
	*out = tables[by].rows;
	*n = tables[by].n;
}

static int64_t paid_on(const struct book *b, int32_t account, int32_t day)
{
	int64_t minor;

	ASSERT_OK(nrr_paid_on(b, account, day, day, &minor, &err));
	return minor;
}

static struct nrr_window window_of(const char *from, const char *to)
{
	struct book r = book_as_of(on(to), false);
	struct nrr_window *windows;
	size_t n;

	compute(&r, on(from), on(to), NRR_BY_ALL, &windows, &n);
	ASSERT_INT(n, 1);
	return windows[0];
}

static struct nrr_window year(void)
{
	return window_of("2025-01-01", "2026-01-01");
}

static const struct nrr_window *group_of(const struct nrr_window *windows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(windows[i].group, name) == 0)
			return &windows[i];
	fail_msg("no group %s", name);
	return NULL;
}

static void amounts_in_several_currencies_are_told_in_one_or_not_at_all(void **state)
{
	struct book b;

	(void)state;
	put_change("A", 10000, 10000);
	ASSERT_NEAR(year().nrr, 1.0, 1e-12);
	put_priced("B", "2024-06-01", NULL, 11000, "USD", NULL);
	policy = nrr_default_policy;
	ASSERT_INT(make_book(on("2026-01-01"), &(struct book_query){ 0 }, &b), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "EUR"));
	assert_non_null(strstr(err.text, "USD"));
	ASSERT_OK(make_book(on("2026-01-01"), &(struct book_query){ .only = "EUR" }, &b));
	ASSERT_INT(paid_on(&b, 0, on("2025-01-01")), 10000);
	ASSERT_INT(paid_on(&b, 1, on("2025-01-01")), 0);
}

static void a_quick_ratio_without_losses_is_not_a_number_to_show(void **state)
{
	struct nrr_sums w = { .added_minor = 5 };
	double ratio = 7;

	(void)state;
	assert_false(nrr_quick_ratio(&w, &ratio));
	ASSERT_NEAR(ratio, 7, 0);
}

static void nothing_at_the_start_says_why_and_gives_no_number(void **state)
{
	struct nrr_window w;

	(void)state;
	w = year();
	assert_string_equal(w.why_none, "insufficient history: no recurring revenue is known");
	put("A", "2025-05-01", NULL, 100);
	w = year();
	assert_string_equal(w.why_none,
	                    "insufficient history: revenue is known from 2025-05-01 on, the window begins 2025-01-01");
	ASSERT_INT(w.sums.added_minor, 100);
	put("B", "2024-01-01", "2024-02-01", 100);
	w = year();
	assert_string_equal(w.why_none, "insufficient history: no recurring revenue on 2025-01-01");
	ASSERT_NEAR(w.nrr, 0, 0);
}

static void a_new_price_counts_from_the_day_it_was_known(void **state)
{
	struct nrr_window w;

	(void)state;
	put("A", "2024-06-01", NULL, 150);
	put_history("subscription", 1, "mrr_minor", REVENUE_BEGINNING, "100");
	put_history("subscription", 1, "mrr_minor", on("2025-09-01"), "150");
	w = year();
	ASSERT_INT(w.sums.start_minor, 100);
	ASSERT_INT(w.sums.expansion_minor, 50);
	ASSERT_INT(window_of("2025-01-01", "2025-08-31").sums.expansion_minor, 0);
}

static void trials_and_deleted_lines_do_not_count(void **state)
{
	struct nrr_window w;

	(void)state;
	put("A", "2024-06-01", NULL, 100);
	put("B", "2024-06-01", NULL, 1000);
	put("C", "2024-06-01", NULL, 5000);
	ASSERT_OK(db_run(db, "UPDATE subscription SET is_trial = 1 WHERE id = 2", &err));
	ASSERT_OK(db_run(db, "UPDATE subscription SET deleted_on = 20000 WHERE id = 3", &err));
	w = year();
	ASSERT_INT(w.sums.start_minor, 100);
	ASSERT_INT(w.sums.n_start, 1);
	put_history("subscription", 2, "is_trial", REVENUE_BEGINNING, "1");
	put_history("subscription", 2, "is_trial", on("2025-06-01"), "0");
	ASSERT_INT(year().sums.added_minor, 1000);
}

static void what_is_deleted_later_was_paid_for_until_then(void **state)
{
	struct nrr_window before, after;

	(void)state;
	put("A", "2024-06-01", NULL, 100);
	put("B", "2024-06-01", NULL, 300);
	ASSERT_OK(db_run(db, "INSERT INTO account (id, source_id, source_key, name, arr_minor, customer_since_on) VALUES"
	                 " (3, 1, 'C', 'C', 1200, 19000)", &err));
	before = year();
	ASSERT_INT(before.sums.end_minor, 500);
	ASSERT_OK(db_run(db, "UPDATE subscription SET deleted_on = 20455 WHERE id = 2;" /* 2026-01-02 */
	                 "UPDATE account SET deleted_on = 20455 WHERE id = 3", &err));
	after = year();
	assert_memory_equal(&before, &after, sizeof before);
	ASSERT_OK(db_run(db, "UPDATE subscription SET deleted_on = 20400 WHERE id = 2;"
	                 "UPDATE account SET deleted_on = 20400 WHERE id = 3", &err));
	after = year();
	ASSERT_INT(after.sums.start_minor, 500);
	ASSERT_INT(after.sums.churn_minor, 400);
	ASSERT_INT(after.sums.n_churned, 2);
}

static void the_owner_of_a_day_is_not_undone_by_a_later_change(void **state)
{
	struct nrr_window *windows;
	struct book r;
	size_t n;

	(void)state;
	put_account("A", NULL, NULL, 0); /* the CSM has gone since; the account manager stays */
	ASSERT_OK(db_run(db, "UPDATE account SET am_email = 'tom@acme.example'", &err));
	put_change("A", 100, 100);
	put_history("account", 1, "csm_key", REVENUE_BEGINNING, "Ann@acme.example");
	put_history("account", 1, "csm_key", on("2026-02-01"), NULL);
	r = book_as_of(on("2026-01-01"), false);
	compute(&r, on("2025-01-01"), on("2026-01-01"), NRR_BY_OWNER, &windows, &n);
	ASSERT_INT(n, 1);
	assert_string_equal(windows[0].group, "ann@acme.example");
	r = book_as_of(on("2026-03-01"), false);
	compute(&r, on("2026-02-02"), on("2026-03-01"), NRR_BY_OWNER, &windows, &n);
	assert_string_equal(windows[0].group, "tom@acme.example");
}

static void an_end_in_the_future_is_not_seen_before_it_was_known(void **state)
{
	struct book r;

	(void)state;
	put("A", "2024-06-01", "2025-06-01", 100);
	r = book_as_of(on("2025-01-01"), false);
	ASSERT_INT(r.pieces[0].to, REVENUE_OPEN);
	r = book_as_of(on("2025-06-01"), false);
	ASSERT_INT(r.pieces[0].to, on("2025-06-01"));
	put_history("subscription", 1, "end_on", REVENUE_BEGINNING, NULL);
	put_history("subscription", 1, "end_on", on("2024-12-01"), "20240");
	r = book_as_of(on("2025-01-01"), false);
	ASSERT_INT(r.pieces[0].to, 20240);
}

static void facts_later_than_the_day_change_nothing(void **state)
{
	struct nrr_window before, after;

	(void)state;
	put("A", "2024-06-01", "2026-03-01", 100);
	put("A", "2025-06-01", NULL, 70);
	put_history("subscription", 2, "mrr_minor", REVENUE_BEGINNING, "50");
	put_history("subscription", 2, "mrr_minor", on("2026-02-01"), "70");
	put("B", "2026-02-01", NULL, 40);
	before = year();
	ASSERT_OK(db_run(db, "DELETE FROM subscription WHERE start_on > 20454; DELETE FROM history WHERE known_on > 20454;"
	                 "UPDATE subscription SET end_on = NULL WHERE end_on > 20454", &err));
	after = year();
	ASSERT_INT(before.sums.end_minor, 150);
	assert_memory_equal(&before, &after, sizeof before);
}

static void children_are_counted_with_their_parent_where_configured(void **state)
{
	struct nrr_window *windows;
	struct book r;
	size_t n;

	(void)state;
	put_account("A", "Enterprise", NULL, 0);
	put_account("B", "SMB", NULL, 1);
	put_change("A", 100, 20);
	put_change("B", 0, 80);
	r = book_as_of(on("2026-01-01"), true);
	compute(&r, on("2025-01-01"), on("2026-01-01"), NRR_BY_SEGMENT, &windows, &n);
	ASSERT_INT(n, 1);
	assert_string_equal(windows[0].group, "Enterprise");
	ASSERT_NEAR(windows[0].nrr, 1.0, 1e-12);
	ASSERT_NEAR(windows[0].grr, 1.0, 1e-12);
	ASSERT_INT(year().sums.added_minor, 80);
}

static void a_ring_of_parents_ends(void **state)
{
	struct book r;

	(void)state;
	put_account("A", NULL, NULL, 0);
	put_account("B", NULL, NULL, 1);
	ASSERT_OK(db_run(db, "UPDATE account SET parent_id = 2 WHERE id = 1", &err));
	put_change("A", 100, 20);
	r = book_as_of(on("2026-01-01"), true);
	ASSERT_INT(paid_on(&r, 0, on("2025-01-01")) + paid_on(&r, 1, on("2025-01-01")), 100);
}

static void plans_split_the_book_and_a_swap_is_no_churn(void **state)
{
	struct nrr_window *windows;
	struct book r;
	size_t n;

	(void)state;
	put_priced("A", "2024-06-01", "2025-06-01", 100, "EUR", "Basic");
	put_priced("A", "2025-06-01", NULL, 300, "EUR", "Pro");
	put_priced("B", "2025-06-01", NULL, 50, "EUR", "Pro");
	r = book_as_of(on("2026-01-01"), false);
	compute(&r, on("2025-01-01"), on("2026-01-01"), NRR_BY_PLAN, &windows, &n);
	ASSERT_INT(n, 2);
	ASSERT_INT(group_of(windows, n, "Basic")->sums.expansion_minor, 200);
	ASSERT_INT(group_of(windows, n, "Pro")->sums.added_minor, 50);
}

static void who_pays_for_no_named_plan_is_on_the_one_that_its_account_is_on(void **state)
{
	struct nrr_window *windows;
	struct book r;
	size_t n;

	(void)state;
	put("A", "2024-06-01", NULL, 100);
	ASSERT_OK(db_run(db, "UPDATE account SET plan = 'Pro' WHERE id = 1", &err));
	put_history("account", 1, "plan", REVENUE_BEGINNING, "Basic");
	put_history("account", 1, "plan", on("2025-07-01"), "Pro");
	r = book_as_of(on("2026-01-01"), false);
	compute(&r, on("2025-01-01"), on("2026-01-01"), NRR_BY_PLAN, &windows, &n);
	ASSERT_INT(n, 1);
	assert_string_equal(windows[0].group, "Basic");
	compute(&r, on("2025-08-01"), on("2026-01-01"), NRR_BY_PLAN, &windows, &n);
	assert_string_equal(windows[0].group, "Pro");
}

static void the_plan_of_an_account_is_what_is_worth_most_and_large_amounts_are_exchanged(void **state)
{
	struct nrr_window *windows;
	struct book r;
	size_t n;

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano) VALUES"
	                     " (1, 'a', 'JPY', 'EUR', 20089, 6250000), (1, 'b', 'JPY', 'EUR', 20450, 6250000),"
	                     " (1, 'c', 'USD', 'EUR', 20089, 800000000), (1, 'd', 'USD', 'EUR', 20450, 800000000)", &err));
	put_priced("A", "2024-06-01", NULL, 10000, "EUR", "Basic"); /* 100 euros */
	put_priced("A", "2024-06-01", NULL, 12000, "JPY", "Pro");   /* 75 */
	put_priced("B", "2024-06-01", NULL, 3000000000000000, "USD", "Pro");
	r = book_as_of(on("2026-01-01"), false);
	compute(&r, on("2025-01-01"), on("2026-01-01"), NRR_BY_PLAN, &windows, &n);
	ASSERT_INT(n, 2);
	ASSERT_INT(group_of(windows, n, "Basic")->sums.start_minor, 17500);
	ASSERT_INT(group_of(windows, n, "Pro")->sums.start_minor, 2400000000000000);
	policy.method = NRR_MOVEMENT_SUM;
	compute(&r, on("2025-01-01"), on("2026-01-01"), NRR_BY_ALL, &windows, &n);
	ASSERT_INT(windows[0].sums.end_minor, 2400000000017500);
}

static void amounts_too_large_to_add_are_refused(void **state)
{
	struct book b;

	(void)state;
	put("A", "2024-06-01", NULL, INT64_MAX - 5);
	put("B", "2024-06-01", NULL, 6);
	ASSERT_INT(make_book(on("2026-01-01"), &(struct book_query){ .currency = "EUR" }, &b), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
}

static void amounts_too_large_once_exchanged_are_refused_wherever_they_are_asked_for(void **state)
{
	struct nrr_table tables[N_NRR_BY];
	struct nrr_span year = { on("2025-01-01"), on("2026-01-01") };
	int64_t paid;
	struct book r;

	(void)state;
	ASSERT_OK(db_run(db, "INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano) VALUES"
	                     " (1, 'a', 'USD', 'EUR', 20089, 1000000000000),"
	                     " (1, 'b', 'USD', 'EUR', 20450, 1000000000000)", &err));
	put_priced("A", "2024-06-01", NULL, 10000, "EUR", NULL);
	put_priced("A", "2024-06-01", NULL, 9000000000000000, "USD", NULL);
	r = book_as_of(on("2026-01-01"), false);
	ASSERT_INT(nrr_compute(&r, &(struct nrr_query){ &year, 1, 1u << NRR_BY_ALL }, arena, tables, &err), -1);
	assert_non_null(strstr(err.text, "recurring revenue in USD does not fit into 64 bits"));
	ASSERT_INT(nrr_paid_on(&r, 0, year.from, year.from, &paid, &err), -1);
	assert_non_null(strstr(err.text, "recurring revenue in USD does not fit into 64 bits"));
}

static void months_run_from_the_first_after_revenue_begins_to_the_first_after_its_last_change(void **state)
{
	struct book r;
	int32_t *months;

	(void)state;
	put("A", "2023-01-09", "2023-03-31", 100);
	r = book_as_of(on("2026-01-01"), false);
	ASSERT_INT(nrr_months(&r, arena, &months), 3);
	ASSERT_INT(months[0], on("2023-02-01"));
	ASSERT_INT(months[2], on("2023-04-01"));
	r = book_as_of(on("2023-03-31"), false);
	ASSERT_INT(nrr_months(&r, arena, &months), 2);
	put("B", "2023-01-01", NULL, 100); /* the first day of all is the first of a month */
	r = book_as_of(on("2026-01-01"), false);
	ASSERT_INT(nrr_months(&r, arena, &months), 3);
	ASSERT_INT(months[0], on("2023-02-01"));
	put("C", NULL, NULL, 100); /* was there before */
	r = book_as_of(on("2026-01-01"), false);
	ASSERT_INT(nrr_months(&r, arena, &months), 4);
	ASSERT_INT(months[0], on("2023-01-01"));
}

/* An independent, slow way to the same numbers: plain SQL over spans, as in the published convention. */
static const char slow_sql[] =
	"WITH RECURSIVE mark(k, d) AS (SELECT 0, :from UNION ALL"
	"  SELECT k + 1, CAST(strftime('%s', :from * 86400, 'unixepoch', '-' || (k + 1) || ' months') AS INTEGER) / 86400"
	"  FROM mark WHERE k < 40),"
	" s AS (SELECT account a, sum(minor) m FROM span WHERE from_on <= :from AND to_on > :from GROUP BY 1 HAVING sum(minor) > 0),"
	" e AS (SELECT account a, sum(minor) m FROM span WHERE from_on <= :to AND to_on > :to GROUP BY 1 HAVING sum(minor) > 0),"
	" seen AS (SELECT DISTINCT a FROM (SELECT d, account a FROM mark JOIN span ON from_on <= d AND to_on > d"
	"  GROUP BY 1, 2 HAVING sum(minor) > 0))"
	" SELECT (SELECT count(*) FROM s), (SELECT count(*) FROM s WHERE a NOT IN (SELECT a FROM e) AND a NOT IN"
	"  (SELECT account FROM span WHERE minor = 0 AND from_on <= :to AND to_on > :to)),"
	" (SELECT coalesce(sum(m), 0) FROM s), (SELECT coalesce(sum(m), 0) FROM e WHERE a NOT IN (SELECT a FROM seen)),"
	" (SELECT coalesce(sum(e.m - s.m), 0) FROM s JOIN e USING (a) WHERE e.m > s.m),"
	" (SELECT coalesce(sum(m), 0) FROM e WHERE a NOT IN (SELECT a FROM s) AND a IN (SELECT a FROM seen)),"
	" (SELECT coalesce(sum(s.m - e.m), 0) FROM s JOIN e USING (a) WHERE e.m < s.m),"
	" (SELECT coalesce(sum(m), 0) FROM s WHERE a NOT IN (SELECT a FROM e)), (SELECT coalesce(sum(m), 0) FROM e)";

static void check_slowly(const struct nrr_window *w)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, slow_sql);
	const int64_t got[] = { w->sums.n_start,           w->sums.n_churned,       w->sums.start_minor,
		                    w->sums.added_minor,       w->sums.expansion_minor, w->sums.reactivation_minor,
		                    w->sums.contraction_minor, w->sums.churn_minor,     w->sums.end_minor };

	bind_int(q, ":from", w->span.from);
	bind_int(q, ":to", w->span.to);
	ASSERT_INT(stmt_step(q, &err), 1);
	for (int i = 0; i < (int)ARRAY_LEN(got); i++)
		ASSERT_INT(got[i], col_int(q, i));
}

static uint64_t seed;

static int pick(int below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int)((seed >> 33) % (uint64_t)below);
}

struct span {
	int account, from, to, minor;
};

static size_t random_spans(struct span *spans, int32_t first)
{
	size_t n = (size_t)pick(24);

	for (size_t i = 0; i < n; i++) {
		int from = first + pick(900);

		spans[i] = (struct span){ 1 + pick(7), from, pick(3) ? from + pick(500) : 30000, pick(12) - 1 };
	}
	return n;
}

/* order: in which the rows come. Half of the lines carry their price in history. */
static void put_spans(const struct span *spans, size_t n, bool is_reversed)
{
	ASSERT_OK(db_run(db, "DELETE FROM subscription; DELETE FROM history; DELETE FROM account; DELETE FROM span", &err));
	for (int i = 1; i <= 7; i++)
		put_account((char[]){ (char)('A' + i - 1), '\0' }, i % 3 == 0 ? NULL : i % 3 == 1 ? "SMB" : "Enterprise",
		            NULL, 0);
	for (size_t k = 0; k < n; k++) {
		const struct span *s = &spans[is_reversed ? n - 1 - k : k];
		CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		                                            "INSERT INTO subscription (source_id, source_key, account_id, mrr_minor,"
			" currency, start_on, end_on) VALUES (1, :key, :account, :minor, 'EUR', :from, :to)");
		CLEANUP(stmt_donep) struct stmt *slow = db_sql(db, "INSERT INTO span VALUES (:account, :from, :to, :minor)");

		bind_int(q, ":key", (int64_t)k);
		bind_int(q, ":account", s->account);
		bind_int(q, ":minor", s->minor);
		bind_int(q, ":from", s->from);
		bind_day(q, ":to", s->to == 30000 ? DAY_NONE : s->to);
		ASSERT_OK(stmt_run(q, &err));
		bind_int(slow, ":account", s->account);
		bind_int(slow, ":minor", s->minor);
		bind_int(slow, ":from", s->from);
		bind_int(slow, ":to", s->to);
		ASSERT_OK(stmt_run(slow, &err));
	}
}

static struct nrr_window check_book(int32_t from, int32_t to)
{
	struct book r;
	struct nrr_window *all, *parts, sum = { .span = { from, to } };
	size_t n;

	policy = nrr_default_policy;
	policy.credits = CREDITS_NEGATIVE; /* as the slow way has them */
	ASSERT_OK(make_book(to, &(struct book_query){ .currency = "EUR" }, &r));
	compute(&r, from, to, NRR_BY_ALL, &all, &n);
	check_slowly(all);
	ASSERT_INT(all->sums.start_minor + all->sums.added_minor + all->sums.expansion_minor +
	               all->sums.reactivation_minor - all->sums.contraction_minor - all->sums.churn_minor -
	               all->sums.end_minor,
	           0);
	assert_true(all->grr <= 1 && all->grr <= all->nrr && all->grr >= 0 && all->logo >= 0 && all->logo <= 1);
	assert_true((all->sums.start_minor == 0) == (all->why_none != NULL));
	compute(&r, from, to, NRR_BY_SEGMENT, &parts, &n);
	for (size_t i = 0; i < n; i++)
		nrr_add(&sum, &parts[i]);
	sum.why_none = all->why_none;
	assert_memory_equal(&sum, all, sizeof sum);
	sum.why_none = NULL;
	return sum;
}

static void two_thousand_random_books_agree_with_plain_sql_and_leave_no_residual(void **state)
{
	int32_t first = on("2023-01-01");

	(void)state;
	ASSERT_OK(db_run(db, "CREATE TABLE span (account INT, from_on INT, to_on INT, minor INT)", &err));
	for (int book = 0; book < N_BOOKS; book++) {
		struct span spans[24];
		size_t n;
		int32_t from = day_add_months(first, 1 + pick(24)), to;
		struct nrr_window one, other;

		seed = (uint64_t)book + 1;
		n = random_spans(spans, first);
		to = day_add_months(from, pick(2) ? 12 : 1);
		put_spans(spans, n, false);
		one = check_book(from, to);
		put_spans(spans, n, true);
		other = check_book(from, to);
		assert_memory_equal(&one, &other, sizeof one);
		arena_reset(arena);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)
	const struct CMUnitTest tests[] = {
		CASE(amounts_in_several_currencies_are_told_in_one_or_not_at_all),
		CASE(a_quick_ratio_without_losses_is_not_a_number_to_show),
		CASE(nothing_at_the_start_says_why_and_gives_no_number),
		CASE(a_new_price_counts_from_the_day_it_was_known),
		CASE(trials_and_deleted_lines_do_not_count),
		CASE(what_is_deleted_later_was_paid_for_until_then),
		CASE(the_owner_of_a_day_is_not_undone_by_a_later_change),
		CASE(an_end_in_the_future_is_not_seen_before_it_was_known),
		CASE(facts_later_than_the_day_change_nothing),
		CASE(children_are_counted_with_their_parent_where_configured),
		CASE(a_ring_of_parents_ends),
		CASE(plans_split_the_book_and_a_swap_is_no_churn),
		CASE(who_pays_for_no_named_plan_is_on_the_one_that_its_account_is_on),
		CASE(the_plan_of_an_account_is_what_is_worth_most_and_large_amounts_are_exchanged),
		CASE(amounts_too_large_to_add_are_refused),
		CASE(amounts_too_large_once_exchanged_are_refused_wherever_they_are_asked_for),
		CASE(months_run_from_the_first_after_revenue_begins_to_the_first_after_its_last_change),
		CASE(two_thousand_random_books_agree_with_plain_sql_and_leave_no_residual),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
