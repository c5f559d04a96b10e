/* Months that are closed a part of the accounts at a time are closed as if all were there: reports, every account's
 * part of them, books and reasons, to the byte; for random contracts, bills, rates, parents and rules, and changes of
 * them between one closing and the next. */
#include "cmocka_shim.h"

#include <stdio.h>
#include <string.h>

#include "../../src/cli/nrr_close.h"
#include "../../src/cli/nrr_parts.h"
#include "../support/random_book.h"
#include "../support/store_file.h"
#include "common/clock.h"
#include "config/config.h"
#include "store/record.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { N_BOOKS = 6 };
#else
enum { N_BOOKS = 16 };
#endif
enum { N_ACCOUNTS = 40, N_CONTRACTS = 110, N_CLOSINGS = 3, FIRST = 19800, LAST = 20300, AS_OF = 20320 };

static struct arena *arena;
static struct err err;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void put(struct db *db, const char *sql)
{
	if (db_run(db, sql, &err) < 0)
		fail_msg("%s: %s", sql, err.text);
}

#define ANY(n) random_upto(seed, n)
#define PUT(db, ...) put(db, arena_printf(arena, __VA_ARGS__))

static const char *any_currency(uint64_t *seed)
{
	static const char *const names[] = { "'EUR'", "NULL", "'EUR'", "'USD'", "'EUR'", "'GBP'" };

	return names[ANY(ARRAY_LEN(names))];
}

static int32_t any_day(uint64_t *seed)
{
	return FIRST + ANY(LAST - FIRST);
}

static const char *any_end(uint64_t *seed)
{
	return ANY(3) ? "NULL" : arena_printf(arena, "%d", (int)any_day(seed));
}

/* foreign: amounts in several currencies, rates for all days where the number is even. */
static void fill(struct db *db, uint64_t number, bool is_foreign)
{
	uint64_t own = number * 977 + 5, *seed = &own;

	put(db, "PRAGMA foreign_keys = OFF");
	put(db, "INSERT INTO source (id, name, kind, last_ok_on, last_ok_at) VALUES (1, 'crm', 'csv', 30000, 2600000000)");
	for (int i = 1; i <= N_ACCOUNTS; i++) {
		int parent = ANY(4) ? 0 : 1 + ANY(N_ACCOUNTS);

		PUT(db,
		    "INSERT INTO account (id, source_id, source_key, name, segment, csm_email, currency, parent_key, parent_id,"
		    " main_id, arr_minor, is_customer, customer_since_on) VALUES (%d, 1, 'k%d', 'Account %d', 's%d', %s, %s,"
		    " 'k%d', %s, %s, %s, 1, %d)",
		    i, i, i, i % 3, ANY(5) ? arena_printf(arena, "'o%d@example.org'", i % 7) : "NULL",
		    is_foreign ? any_currency(seed) : "NULL", parent,
		    parent < i && parent ? arena_printf(arena, "%d", parent) : "NULL", i % 13 == 12 ? "3" : "NULL",
		    ANY(6) ? "NULL" : "1200000", (int)any_day(seed));
	}
	for (int i = 1; i <= N_CONTRACTS; i++)
		PUT(db,
		    "INSERT INTO subscription (id, source_id, source_key, account_key, account_by, account_id, product, plan,"
		    " mrr_minor, currency, start_on, end_on, status) VALUES (%d, 1, 's%d', 'k%d', %d, %d, 'p%d', 'plan %d', %d,"
		    " %s, %d, %s, 'active')",
		    i, i, 1 + i * 7 % N_ACCOUNTS, ACCOUNT_BY_KEY, 1 + i * 7 % N_ACCOUNTS, ANY(4), ANY(3), ANY(9) * 1000,
		    is_foreign ? any_currency(seed) : "NULL", (int)any_day(seed), any_end(seed));
	for (int i = 1; i <= 30; i++)
		PUT(db,
		    "INSERT INTO invoice (source_id, source_key, account_id, issued_on, due_on, paid_on, amount_minor) VALUES"
		    " (1, 'i%d', %d, %d, %d, %s, 100)",
		    i, 1 + ANY(N_ACCOUNTS), (int)any_day(seed), (int)any_day(seed), any_end(seed));
	for (int day = FIRST - 500; is_foreign && number % 4 < 3 && day < AS_OF; day += 1 + ANY(20))
		PUT(db,
		    "INSERT INTO rate (source_id, source_key, currency, base, rate_on, rate_nano) VALUES (1, 'u%d', 'USD', 'EUR',"
		    " %d, %d), (1, 'g%d', 'GBP', 'EUR', %d, %d)",
		    day, day, 900000000 + ANY(9) * 1000000, day, day, 1150000000);
}

static void note(struct db *db, int id, const char *field, const char *was, const char *is, int32_t day)
{
	PUT(db, "INSERT OR IGNORE INTO history VALUES ('subscription', %d, '%s', -2147483647, %s)", id, field, was);
	PUT(db, "INSERT OR REPLACE INTO history VALUES ('subscription', %d, '%s', %d, %s)", id, field, (int)day, is);
}

/* Told to the store on the day; or only later, so that the closing looks back over it. */
static void move(struct db *db, int id, int to, int32_t day)
{
	note(db, id, "account_key", arena_printf(arena, "'k%d'", 1 + id * 7 % N_ACCOUNTS), arena_printf(arena, "'k%d'", to),
	     day);
	PUT(db,
	    "UPDATE subscription SET account_key = 'k%d', account_id = (SELECT coalesce(main_id, id) FROM account"
	    " WHERE id = %d) WHERE id = %d",
	    to, to, id);
}

/* What is learnt before the next closing. */
static void change(struct db *db, uint64_t number, int step, int32_t day)
{
	uint64_t own = number * 31 + (uint64_t)step, *seed = &own;

	for (int i = 0; i < 12; i++) {
		int id = 1 + ANY(N_CONTRACTS), to = 1 + ANY(N_ACCOUNTS);
		const char *amount = arena_printf(arena, "'%d'", 500 + ANY(9) * 1000);

		switch (ANY(5)) {
		case 0:
			note(db, id, "mrr_minor", "'4000'", amount, day);
			PUT(db, "UPDATE subscription SET mrr_minor = %s, amount_from_on = %d WHERE id = %d", amount,
			    (int)any_day(seed), id);
			break;
		case 1:
			move(db, id, to, ANY(2) ? day : day + 30);
			break;
		case 2: PUT(db, "UPDATE subscription SET end_on = %d WHERE id = %d", (int)any_day(seed), id); break;
		case 3: PUT(db, "UPDATE account SET main_id = %d WHERE id = %d AND id > %d", 1 + ANY(3), to, 30); break;
		default:
			PUT(db,
			    "INSERT INTO subscription (source_id, source_key, account_id, mrr_minor, start_on, seen_on) VALUES (1,"
			    " 'n%d-%d', %d, 7000, %d, %d)",
			    step, i, to, (int)any_day(seed), (int)day);
			break;
		}
	}
	put(db, "UPDATE subscription SET account_id = (SELECT coalesce(a.main_id, a.id) FROM account a"
	        " WHERE a.id = subscription.account_id)");
	if (step == 2)
		put(db, "UPDATE account SET csm_email = 'new@example.org' WHERE id % 4 = 0");
}

static struct nrr_policy any_policy(uint64_t number, int step)
{
	static struct nrr_merge merges[] = { { "k5", "k31", 20100 }, { "k9", "k2", 20400 }, { "k20", "unknown", 1 } };
	uint64_t own = number * 13 + 1, *seed = &own;
	struct nrr_policy p = nrr_default_policy;

	p.method = ANY(2) ? NRR_MOVEMENT_SUM : NRR_POINT_TO_POINT;
	p.fx = (enum nrr_fx)ANY(3);
	p.parents = ANY(2) ? PARENTS_ROLLED_UP : PARENTS_SEPARATE;
	p.addon = (enum nrr_addon)ANY(2);
	p.past_due_days = ANY(2) ? 30 : -1;
	p.rate_age_days = ANY(3) ? 40 : 12; /* of which some are missing */
	if (ANY(2))
		p.merges = (struct yaml_array){ .at = merges, .n = ARRAY_LEN(merges) };
	if (step == 2 && ANY(2))
		p.credits = p.credits == CREDITS_NEGATIVE ? CREDITS_EXCLUDED : CREDITS_NEGATIVE;
	return p;
}

static const char *dump(struct db *db)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT to_on || ' ' || months || ' ' || revision || ' ' || from_on || ' ' || as_of_on || policy_hash || currency ||"
		" quote(why_none) || quote(why_restated) || last_contract || ' ' || n_start || ' ' || n_churned || ' ' ||"
		" n_end || ' ' || start_minor || ' ' || added_minor || ' ' || expansion_minor || ' ' || contraction_minor || ' ' ||"
		" churn_minor"
		" || ' ' || fx_minor || ' ' || end_minor || ' ' || cohort_end_minor || ' ' || kept_minor || sums_hash || hex(accounts)"
		" || hex(owners) || coalesce((SELECT group_concat(account_id || cause || words) FROM (SELECT * FROM nrr_restatement"
		" WHERE report_id = r.id ORDER BY place)), '') FROM nrr_report r ORDER BY to_on, months, revision");
	const char *all = "";
	int rc;

	while ((rc = stmt_step(q, &err)) > 0)
		all = arena_printf(arena, "%s%s\n", all, col_text(q, 0));
	assert_int_equal(rc, 0);
	return all;
}

/* All closings of a book with so many contracts at once: what is kept of them, and what failed. */
static const char *close_all(uint64_t number, size_t most, int64_t *io_reasons)
{
	char path[STORE_PATH];
	struct db *db = store_file_open(path);
	struct org_settings org = { .currency = "EUR", .hash = "h" };
	struct session s = { .org = &org };
	const char *errors = "", *kept;
	int64_t n;

	fill(db, number, number % 2);
	s.db = db;
	for (int step = 0; step < N_CLOSINGS; step++) {
		int32_t day = AS_OF + 20 * step;

		org.nrr = any_policy(number, step);
		if (step)
			change(db, number, step, day - 3);
		if (nrr_close_by(&s, day, most, &err) < 0)
			errors = arena_printf(arena, "%s%s\n", errors, err.text);
	}
	kept = dump(db);
	ASSERT_OK(db_int(db, "SELECT count(*) FROM nrr_restatement", 0, &n, &err));
	*io_reasons += n;
	store_file_close(db, path);
	return arena_printf(arena, "%s%s", kept, errors);
}

static void closing_in_parts_is_closing_at_once(void **state)
{
	int64_t n_reasons = 0, ignored = 0;
	size_t n_bytes = 0;

	(void)state;
	for (uint64_t number = 0; number < N_BOOKS; number++) {
		const char *whole = close_all(number, SIZE_MAX / 8, &n_reasons);

		n_bytes += strlen(whole);
		for (size_t most = 1; most < 60; most = 3 * most + 4) {
			const char *parts = close_all(number, most, &ignored);
			size_t at = 0;

			while (whole[at] && whole[at] == parts[at])
				at++;
			if (whole[at] || parts[at])
				fail_msg("book %d, %zu contracts at once, from %zu on:\n%.300s\nnot\n%.300s", (int)number, most, at,
				         parts + (at < 100 ? 0 : at - 100), whole + (at < 100 ? 0 : at - 100));
		}
		arena_reset(arena);
	}
	assert_true(n_reasons > 20 * N_BOOKS && n_bytes > 4000 * (size_t)N_BOOKS);
}

static int add_up(void *context, const struct nrr_part *part, struct err *failed)
{
	int64_t *sum = context;

	(void)failed;
	for (size_t i = 0; i < part->book.n_pieces; i++)
		*sum += part->book.pieces[i].minor * (part->facts.accounts[part->book.pieces[i].account].id + 1);
	return 0;
}

/* Accounts become one and contracts change hands while a pull runs beside a closing that takes long. */
static void parts_do_not_see_what_is_written_meanwhile(void **state)
{
	char path[STORE_PATH];
	struct db *db = store_file_open(path);
	struct nrr_policy rolled_up = nrr_default_policy;
	struct org_settings org = { .currency = "EUR", .hash = "h" };
	struct session s = { .org = &org, .db = db };
	struct nrr_parts parts;
	int64_t before = 0, after = 0;

	(void)state;
	rolled_up.parents = PARENTS_ROLLED_UP;
	org.nrr = rolled_up;
	fill(db, 2, false);
	ASSERT_OK(nrr_parts_open(&s, AS_OF, 7, &parts, &err));
	ASSERT_OK(nrr_parts_walk(&parts, add_up, &before, &err));
	put(db, "UPDATE account SET main_id = 1 WHERE id BETWEEN 2 AND 20");
	put(db, "UPDATE subscription SET account_id = 1, mrr_minor = 77 WHERE account_id BETWEEN 2 AND 20");
	ASSERT_OK(nrr_parts_walk(&parts, add_up, &after, &err));
	assert_true(!parts.is_one && before != 0 && before == after);
	nrr_parts_close(&parts);
	store_file_close(db, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_in_parts_is_closing_at_once),
		cmocka_unit_test(parts_do_not_see_what_is_written_meanwhile),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
