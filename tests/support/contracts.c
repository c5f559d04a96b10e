#include "contracts.h"

#include "cmocka_shim.h"
#include "common/clock.h"
#include "store/migrate.h"

static struct err err;

struct db *contracts_open(void)
{
	struct db *db;

	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0)
		fail_msg("%s", err.text);
	ASSERT_OK(db_run(db, "INSERT INTO source (id, name, kind) VALUES (1, 'billing', 'csv')", &err));
	return db;
}

int32_t contracts_day(const char *text)
{
	int32_t day = DAY_NONE;

	assert_true(!text || day_parse(text, &day));
	return day;
}

void contracts_account(struct db *db, const char *account, const char *segment)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT OR IGNORE INTO account (source_id, source_key, name,"
		" segment) VALUES (1, :name, :name, :segment)");

	bind_text(q, ":name", account);
	bind_text(q, ":segment", segment);
	ASSERT_OK(stmt_run(q, &err));
}

int64_t contracts_account_id(struct db *db, const char *account)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT id FROM account WHERE source_key = :name");

	bind_text(q, ":name", account);
	ASSERT_INT(stmt_step(q, &err), 1);
	return col_int(q, 0);
}

int64_t contracts_put(struct db *db, const struct contract *c)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO subscription (source_id, source_key, account_id, mrr_minor, currency, product, plan, start_on,"
		" end_on, end_reason, cancel_notice_on, paid_until_on) SELECT 1, (SELECT count(*) FROM subscription), id, :minor,"
		" :currency, :product, :plan, :from, :to, :reason, :notice, :paid_until FROM account WHERE source_key = :account");

	contracts_account(db, c->account, NULL);
	bind_int(q, ":minor", c->minor);
	bind_text(q, ":currency", c->currency ? c->currency : "EUR");
	bind_text(q, ":product", c->product);
	bind_text(q, ":plan", c->plan);
	bind_day(q, ":from", contracts_day(c->from));
	bind_day(q, ":to", contracts_day(c->to));
	bind_text(q, ":reason", c->end_reason);
	bind_day(q, ":notice", contracts_day(c->notice_on));
	bind_day(q, ":paid_until", contracts_day(c->paid_until));
	bind_text(q, ":account", c->account);
	ASSERT_OK(stmt_run(q, &err));
	return db_last_id(db);
}

void contracts_past(struct db *db, const char *entity, int64_t id, const char *field, const char *from,
                    const char *value)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO history (entity, entity_id, field, known_on, value)"
		" VALUES (:entity, :id, :field, :known_on, :value)");

	bind_text(q, ":entity", entity);
	bind_int(q, ":id", id);
	bind_text(q, ":field", field);
	bind_int(q, ":known_on", from ? contracts_day(from) : REVENUE_BEGINNING);
	bind_text(q, ":value", value);
	ASSERT_OK(stmt_run(q, &err));
}

void contracts_rate(struct db *db, const char *currency, const char *base, const char *on, int64_t nano)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO rate (source_id, source_key, currency, base, rate_on,"
		" rate_nano) VALUES (1, (SELECT count(*) FROM rate), :currency, :base, :on, :nano)");

	bind_text(q, ":currency", currency);
	bind_text(q, ":base", base);
	bind_day(q, ":on", contracts_day(on));
	bind_int(q, ":nano", nano);
	ASSERT_OK(stmt_run(q, &err));
}

struct book contracts_book(struct db *db, const char *as_of, const struct nrr_policy *policy, const char *currency,
                           struct arena *a)
{
	struct revenue_query query = { .as_of = contracts_day(as_of), .default_currency = "EUR" };
	struct revenue *facts = arena_alloc(a, sizeof *facts);
	struct book_query of = { .revenue = BOOK_COMMITTED, .currency = currency };
	struct book b;

	ASSERT_OK(revenue_load(db, &query, a, facts, &err));
	ASSERT_OK(book_make(facts, policy, &of, a, &b, &err));
	return b;
}
