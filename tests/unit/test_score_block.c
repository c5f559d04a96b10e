/* Scores in blocks: they come back to the bit, whoever asks for them, and damage is noticed. */
#include "cmocka_shim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "store/migrate.h"
#include "store/past.h"
#include "store/score_check.h"
#include "store/score_day.h"

enum { DAY = 20500, N_ACCOUNTS = 1500, SPAN = 3, MOST = 40 };

static struct err err;
static struct db *db;
static uint64_t state_of_chance;

static uint64_t any(uint64_t n)
{
	state_of_chance = state_of_chance * 6364136223846793005u + 1442695040888963407u;
	return (state_of_chance >> 33) % n;
}

static int setup(void **state)
{
	state_of_chance = 7;
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'crm', 'csv')", &err));
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	db_closep(&db);
	arena_free(*state);
	return 0;
}

static int64_t number(const char *sql)
{
	int64_t n;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

static double any_score(void)
{
	static const double unusual[] = { 0, 100, -1, 99.99999999999999, 1e-9, 1e-300, 0.1 };

	return any(8) ? (double)any(1u << 30) * 100 / (1u << 30) : unusual[any(ARRAY_LEN(unusual))];
}

/* Some as no block can take them. */
static struct score_row any_row(int64_t account)
{
	static const char *const currencies[] = { "EUR", "USD", "EUR", NULL, "GOLD", "" };
	struct score_row row = { .account = account, .day = DAY, .risk = any_score(), .readiness = any_score(),
		.confidence = any(4) ? 0.8 + (double)any(40) / 999 : (double)any(1000) / 999,
		.risk_band = (int)any(3), .readiness_band = (int)any(3), .risk_band_since = DAY - (int32_t)any(400),
		.readiness_band_since = DAY - (int32_t)any(9), .value_minor = (int64_t)any(1u << 30),
		.currency = currencies[any(ARRAY_LEN(currencies))] };

	if (any(20) == 0)
		row.value_minor = any(2) ? -5 : INT64_MAX;
	if (any(50) == 0)
		row.risk_band_since = any(2) ? 3 : -60000;
	return row;
}

static void tell(const struct score_row *rows, size_t n, const char *config)
{
	CLEANUP(score_day_done) struct score_day day;

	ASSERT_OK(score_day_begin(&day, db, DAY, config, 0, &err));
	for (size_t i = 0; i < n; i++)
		ASSERT_OK(score_day_put(&day, &rows[i], &err));
	ASSERT_OK(score_day_end(&day, &err));
}

static bool is_score(double kept, double told)
{
	return told < 0 ? kept < 0 : memcmp(&kept, &told, sizeof kept) == 0;
}

static void assert_rows(const struct score_row *told, size_t n, int64_t from, int64_t to, struct arena *a)
{
	const struct score_row *kept;
	size_t n_kept, at = 0;

	ASSERT_OK(scores_before(db, from, to, DAY - 1, DAY + 1, a, &kept, &n_kept, &err));
	for (size_t i = 0; i < n; i++) {
		const struct score_row *w = &told[i], *k = &kept[at];

		if (w->account < from || w->account > to)
			continue;
		assert_true(at++ < n_kept);
		ASSERT_INT(k->account, w->account);
		ASSERT_INT(k->day, DAY);
		assert_true(is_score(k->risk, w->risk) && is_score(k->readiness, w->readiness));
		assert_true(is_score(k->confidence, w->confidence));
		assert_true(k->risk_band == w->risk_band && k->readiness_band == w->readiness_band);
		assert_true(k->risk_band_since == w->risk_band_since && k->readiness_band_since == w->readiness_band_since);
		ASSERT_INT(k->value_minor, w->value_minor);
		assert_true(w->currency ? k->currency && strcmp(k->currency, w->currency) == 0 : !k->currency);
		assert_string_equal(k->config_hash, "h");
	}
	ASSERT_INT(at, n_kept);
}

/* The view, the table for one account and day, and what is at hand in C say the same. */
static void what_was_told_comes_back_to_the_bit_whoever_asks(void **state)
{
	static struct score_row told[N_ACCOUNTS];
	size_t n = 0;

	for (int64_t id = 0; id < SPAN * N_ACCOUNTS && n < N_ACCOUNTS; id += 1 + (int64_t)any(SPAN))
		told[n++] = any_row(id);
	tell(told, n, "h");
	assert_in_range(number("SELECT count(*) FROM score_row"), 10, N_ACCOUNTS / 2);
	assert_rows(told, n, 0, SPAN * N_ACCOUNTS, *state);
	assert_rows(told, n, 255, 256, *state);
	assert_rows(told, n, 700, 827, *state);
	ASSERT_INT(number("SELECT count(*) FROM score_day"), (int64_t)n);
	ASSERT_INT(number("SELECT count(*) FROM score_day d JOIN scores s ON s.day = d.day AND s.account_id = d.account_id "
	                  "WHERE d.risk IS s.risk AND d.readiness IS s.readiness AND d.confidence = s.confidence AND "
	                  "d.risk_band = s.risk_band AND d.readiness_band = s.readiness_band AND d.risk_band_since = "
	                  "s.risk_band_since AND d.readiness_band_since = s.readiness_band_since AND d.value_minor = "
	                  "s.value_minor AND d.currency IS s.currency AND d.config = s.config AND typeof(d.value_minor) = "
	                  "'integer'"), (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct score_row *one;

		ASSERT_OK(score_before(db, told[i].account, DAY - 5, DAY + 1, *state, &one, &err));
		assert_true(one && is_score(one->risk, told[i].risk) && one->value_minor == told[i].value_minor);
	}
	ASSERT_INT(number("SELECT count(*) FROM scores WHERE day = 20500 AND account_id = 123456789"), 0);
	ASSERT_INT(number("SELECT count(*) FROM scores WHERE day = NULL AND account_id = 1"), 0);
	tell(told, 3, "h");
	assert_rows(told, 3, 0, SPAN * N_ACCOUNTS, *state);
	ASSERT_INT(number("SELECT count(*) FROM score_day"), 3);
	told[0] = (struct score_row){ .account = 0, .day = DAY, .confidence = 0.5, .risk_band_since = DAY,
		                          .readiness_band_since = DAY };
	tell(told, 1, "h"); /* in no band */
	ASSERT_INT(number("SELECT count(*) FROM score_block"), 1);
}

/* Ids as no database has them, but as anybody may ask for: behind the blocks of accounts lie those of who is near. */
static void accounts_that_no_block_has_room_for_are_rows(void **state)
{
	struct score_row told[2] = { { .account = 5, .day = DAY, .risk = 50, .readiness = -1, .confidence = 0.5,
		                           .risk_band = 1, .risk_band_since = DAY, .readiness_band_since = DAY } };

	told[1] = told[0];
	told[1].account = (INT64_C(1) << 39) + 7;
	tell(told, 2, "h");
	ASSERT_INT(number("SELECT count(*) FROM score_row WHERE account_id = (1 << 39) + 7"), 1);
	assert_rows(told, 2, 0, INT64_MAX, *state);
	ASSERT_INT(number("SELECT count(*) FROM scores WHERE day = 20500 AND account_id = (1 << 39) + 7"), 1);
	/* Where the block of those with 50 points would be, were it one of accounts. */
	ASSERT_INT(number("SELECT count(*) FROM scores WHERE day = 20500 AND account_id = ((1 << 31) + 50) * 256"), 0);
}

/* The same by looking at all there is. */
static void assert_near(struct past_query *query, struct arena *a)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, query->is_expansion ?
		"SELECT account_id FROM score_day WHERE readiness_band > 0 AND readiness IS NOT NULL AND account_id <> :account "
		"ORDER BY abs(readiness - :score), account_id LIMIT :most" :
		"SELECT account_id FROM score_day WHERE risk_band > 0 AND risk IS NOT NULL AND account_id <> :account "
		"ORDER BY abs(risk - :score), account_id LIMIT :most");
	const struct past_moment *moments;
	size_t n, at = 0;

	bind_int(q, ":account", query->account);
	bind_real(q, ":score", query->score);
	bind_int(q, ":most", query->most);
	ASSERT_OK(past_moments(db, query, a, &moments, &n, &err));
	while (stmt_step(q, &err) > 0) {
		assert_true(at < n);
		ASSERT_INT(moments[at++].account, col_int(q, 0));
	}
	ASSERT_INT(at, n);
}

static void who_was_near_a_score_is_who_it_is_among_all(void **state)
{
	static const double scores[] = { 0, 0.5, 33.3333, 50, 99.5, 100 };
	static struct score_row told[N_ACCOUNTS];

	for (int64_t i = 0; i < N_ACCOUNTS; i++) {
		told[i] = any_row(i + 1);
		if (any(3)) /* many that are the same */
			told[i].risk = floor(told[i].risk);
	}
	ASSERT_OK(db_run(db, "WITH RECURSIVE i (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM i WHERE id < 1500) "
	                     "INSERT INTO account (id, source_id, source_key) SELECT id, 1, id FROM i", &err));
	tell(told, N_ACCOUNTS, "h");
	for (size_t i = 0; i < 2 * ARRAY_LEN(scores); i++)
		for (int64_t most = 1; most <= MOST; most += 13) {
			struct past_query query = { i % 2, 7, DAY + 3, scores[i / 2], most };

			assert_near(&query, *state);
			query.most = N_ACCOUNTS;
			assert_near(&query, *state);
		}
}

static void a_bit_that_changed_is_an_error(void **state)
{
	struct score_row told[2] = { any_row(1), any_row(2) };
	struct past_query query = { .on = DAY, .score = 1, .most = 3 };
	const struct past_moment *moments;
	const struct score_row *rows;
	size_t n;
	int64_t count;

	told[0].currency = told[1].currency = "EUR";
	told[0].value_minor = 1;
	told[0].risk_band = 1;
	told[0].risk = 50;
	told[0].readiness = 0;
	told[0].risk_band_since = DAY;
	tell(told, 2, "h");
	ASSERT_OK(db_run(db, "UPDATE score_block SET data = CAST(substr(data, 1, 9) || x'77' || "
	                     "substr(data, 11) AS BLOB)", &err));
	ASSERT_INT(scores_before(db, 0, 9, DAY, DAY + 1, *state, &rows, &n, &err), -1);
	ASSERT_INT(err.kind, ERR_FATAL);
	ASSERT_INT(past_moments(db, &query, *state, &moments, &n, &err), -1);
	ASSERT_INT(db_int(db, "SELECT risk FROM scores WHERE day = 20500 AND account_id = 1", 0, &count, &err), -1);
	tell(told, 2, "h");
	assert_rows(told, 2, 0, 9, *state);
}

static void every_block_that_changed_is_named_and_may_be_removed(void **state)
{
	static const char *const changes[] = {
		"UPDATE score_block SET config = config + 1 WHERE id = 20500 << 32 | 1",
		"UPDATE score_block SET n = n - 1 WHERE id = 20500 << 32 | 1",
		"UPDATE score_block SET id = id + 40 WHERE id = 20500 << 32 | 1",
		"UPDATE score_block SET sum = sum + 1 WHERE id = 20500 << 32 | 1",
		"UPDATE score_block SET data = data || x'00' WHERE id = 20500 << 32 | 1",
	};
	static struct score_row told[N_ACCOUNTS];
	struct scores_checked found;
	const struct score_row *one;

	for (int64_t i = 0; i < N_ACCOUNTS; i++)
		told[i] = (struct score_row){ .account = i, .day = DAY, .risk = 50, .readiness = -1, .confidence = 0.5,
			                          .risk_band = 1, .risk_band_since = DAY, .readiness_band_since = DAY };
	tell(told, N_ACCOUNTS, "h");
	ASSERT_OK(scores_check(db, *state, &found, &err));
	assert_true(found.n_blocks == N_ACCOUNTS / 256 + 2 && found.n_damaged == 0);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		ASSERT_OK(db_run(db, changes[i], &err));
		ASSERT_OK(scores_check(db, *state, &found, &err));
		assert_true(found.n_damaged == 1 && found.n_named == 1);
		tell(told, N_ACCOUNTS, "h");
	}
	ASSERT_OK(db_run(db, "UPDATE score_block SET config = 77 WHERE id IN (20500 << 32 | 1, (20500 << 32) + (1 << 31) + "
	                     "50)", &err));
	ASSERT_INT(score_before(db, 300, DAY, DAY + 1, *state, &one, &err), -1);
	ASSERT_OK(scores_check(db, *state, &found, &err));
	ASSERT_INT(found.n_damaged, 2);
	assert_string_equal(found.damaged[0], "scores of 2026-02-16, accounts 256 to 511 (block 88046829568001)");
	assert_string_equal(found.damaged[1], "who had 50 points of defense on 2026-02-16 (block 88048977051698)");
	ASSERT_INT(scores_drop_damaged(db, &err), 2);
	ASSERT_INT(number("SELECT count(*) FROM score_day"), N_ACCOUNTS - 256);
	ASSERT_INT(scores_drop_damaged(db, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_told_comes_back_to_the_bit_whoever_asks, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts_that_no_block_has_room_for_are_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(who_was_near_a_score_is_who_it_is_among_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bit_that_changed_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(every_block_that_changed_is_named_and_may_be_removed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
