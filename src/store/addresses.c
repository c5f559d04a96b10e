#include "store/addresses.h"

static int keep(struct db *db, const struct outbox_message *m, const char *address, int64_t now, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO channel_address (sink, recipient, address, found_at) VALUES (:sink, :recipient, :address, :now)"
		" ON CONFLICT (sink, recipient) DO UPDATE SET address = excluded.address, found_at = excluded.found_at");

	bind_text(q, ":sink", m->sink);
	bind_text(q, ":recipient", m->recipient);
	bind_text(q, ":address", address);
	bind_int(q, ":now", now);
	return stmt_run(q, err);
}

static int forget(struct db *db, const struct outbox_message *m, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"DELETE FROM channel_address WHERE sink = :sink AND recipient = :recipient");

	bind_text(q, ":sink", m->sink);
	bind_text(q, ":recipient", m->recipient);
	return stmt_run(q, err);
}

int address_settle(struct db *db, const struct outbox_message *m, const struct delivery_result *r, int64_t now,
                   struct err *err)
{
	if (!m->recipient)
		return 0;
	if (r->address)
		return keep(db, m, r->address, now, err);
	return r->forgets_address ? forget(db, m, err) : 0;
}
