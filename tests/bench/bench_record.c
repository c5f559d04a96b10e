/* 200,000 tickets into the store in transactions of 10,000: new, the same again, and with another status, whose change
 * goes to the history. The peer is one prepared upsert into the same table, without comparison or history. */
#include "bench.h"

#include <string.h>

#include "store/migrate.h"
#include "store/record.h"

enum { ROWS = 200000, BATCH = 10000 };

static struct err err;

struct run {
	struct db *db;
	int64_t source;
	int round; /* 0 new, 1 the same, 2 another status */
};

static void set(struct record *r, const char *field, struct value v)
{
	v.is_set = true;
	r->values[entity_field_index(r->entity, field)] = v;
}

static const char *status_of(const struct run *run)
{
	return run->round == 2 ? "closed" : "open";
}

static void put_ours(struct run *run, int i)
{
	struct record r = { .entity = entity_find("ticket"), .account_key = "1" };
	char key[16];

	(void)snprintf(key, sizeof key, "t%07d", i);
	r.key = key;
	set(&r, "subject", (struct value){ .text = "It does not work as it did yesterday" });
	set(&r, "opened_at", (struct value){ .number = 1700000000 + i });
	set(&r, "priority", (struct value){ .text = "high" });
	set(&r, "status", (struct value){ .text = status_of(run) });
	REQUIRE_OK(record_put(run->db, run->source, &r, 20000 + run->round, &err));
}

static void put_plain(struct run *run, int i)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(run->db, "INSERT INTO ticket (source_id, source_key, account_key, subject, opened_at, priority, status) "
	                    "VALUES (:source, :key, '1', :subject, :opened, :priority, :status) "
	                    "ON CONFLICT (source_id, source_key) DO UPDATE SET account_key = excluded.account_key, "
	                    "subject = excluded.subject, opened_at = excluded.opened_at, priority = excluded.priority, "
	                    "status = excluded.status");
	char key[16];

	(void)snprintf(key, sizeof key, "t%07d", i);
	bind_int(q, ":source", run->source);
	bind_text(q, ":key", key);
	bind_text(q, ":subject", "It does not work as it did yesterday");
	bind_int(q, ":opened", 1700000000 + i);
	bind_text(q, ":priority", "high");
	bind_text(q, ":status", status_of(run));
	REQUIRE_OK(stmt_run(q, &err));
}

static double time_of(struct run *run, void (*put)(struct run *run, int i))
{
	double start = seconds_now();

	for (int at = 0; at < ROWS; at += BATCH) {
		struct txn txn = { 0 };

		REQUIRE_OK(txn_begin(&txn, run->db, &err));
		for (int i = at; i < at + BATCH; i++)
			put(run, i);
		REQUIRE_OK(txn_commit(&txn, &err));
	}
	return seconds_now() - start;
}

int main(void)
{
	static const char *const whats[] = { "record_put_new", "record_put_same", "record_put_changed" };
	struct run ours = { 0 }, plain = { 0 };
	struct run *both[] = { &ours, &plain };

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		REQUIRE_OK(db_open(":memory:", DB_WRITE, &both[i]->db, &err));
		REQUIRE_OK(migrate_run(both[i]->db, 0, &err));
		REQUIRE_OK(source_id(both[i]->db, "bench", "csv", &both[i]->source, &err));
	}
	for (int round = 0; round < 3; round++) {
		ours.round = plain.round = round;
		print_ratio(whats[round], "s", time_of(&ours, put_ours), "one upsert statement", time_of(&plain, put_plain));
	}
	db_close(ours.db);
	db_close(plain.db);
	return 0;
}
