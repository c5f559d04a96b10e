#include "store/revenue_kept.h"

#include <endian.h>
#include <string.h>

#include "common/parcel.h"
#include "pack_parts.h"
#include "revenue_parts.h"

enum {
	LAYOUT = 1,               /* another number for other lines of the same rows */
	MAX_CONTRACTS = 100000, MAX_BYTES = 16 << 20, /* with more it would cost each day more than it saves a reader */
	SUM_BYTES = 8
};

_Static_assert(sizeof(struct revenue_line) == 64, "another size is another LAYOUT");

/* What numbers in the lines stand for: names by their numbers, and accounts, which are told by what they were. */
struct kept_lines {
	uint64_t accounts; /* a sum over their ids */
	size_t n_names, n_lines;
	const char **names;
	struct revenue_line *lines;
};

static const char *maker(const struct revenue_query *q, struct arena *a)
{
	return arena_printf(a, "%s %d %d %s", RETAIND_VERSION, LAYOUT, BYTE_ORDER,
	                    q->default_currency ? q->default_currency : "");
}

static uint64_t sum_of_accounts(const struct revenue_loading *l)
{
	uint64_t sum = l->out->n_accounts;

	for (size_t i = 0; i < l->out->n_accounts; i++)
		sum = (sum ^ (uint64_t)l->accounts[i].id) * 0x100000001b3u;
	return sum;
}

static void parcel_lines(struct parcel *p, struct kept_lines *io)
{
	parcel_bytes(p, &io->accounts, sizeof io->accounts);
	io->names = parcel_list(p, io->names, &io->n_names, sizeof *io->names, sizeof(uint32_t));
	for (size_t i = 0; i < io->n_names; i++)
		parcel_text(p, &io->names[i]);
	io->lines = parcel_array(p, io->lines, &io->n_lines, sizeof *io->lines);
}

/* keeping ---------------------------------------------------------------------------------------------------------- */

/* Whether there is a base to keep them beside, and few enough of them. */
static int is_wanted(struct db *db, int32_t day, bool *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT EXISTS (SELECT 1 FROM base_kept WHERE day = :day) AND"
		" (SELECT count(*) FROM (SELECT 1 FROM subscription LIMIT :most + 1)) <= :most");

	bind_day(q, ":day", day);
	bind_int(q, ":most", MAX_CONTRACTS);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0) != 0;
	return 0;
}

static int put(struct db *db, const struct revenue_query *query, const struct buf *b, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(db, "UPDATE base_kept SET revenue_maker = :maker, revenue = :data WHERE day = :day");

	bind_text(q, ":maker", maker(query, a));
	bind_blob(q, ":data", b->at, b->len);
	bind_day(q, ":day", query->as_of);
	return stmt_run(q, err);
}

static void pack(const struct revenue_loading *l, struct arena *a, struct buf *out)
{
	struct kept_lines kept = { sum_of_accounts(l), l->names.n, l->n_lines, l->names.at, l->lines };
	struct parcel p = { .out = out, .arena = a };
	uint64_t sum = 0;

	buf_add(out, &sum, sizeof sum);
	parcel_lines(&p, &kept);
	sum = pack_checksum((const unsigned char *)out->at + SUM_BYTES, out->len - SUM_BYTES);
	memcpy(out->at, &sum, sizeof sum);
}

int revenue_keep(struct db *db, const struct revenue_query *query, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf data = { 0 };
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct revenue r = { .as_of = query->as_of };
	struct revenue_loading l = { .out = &r };
	bool wanted;

	if (txn_begin(&txn, db, err) < 0 || is_wanted(db, query->as_of, &wanted, err) < 0)
		return err_in(err, "recurring revenue of the day");
	if (!wanted)
		return 0;
	revenue_loading_init(&l, db, query, a, a);
	if (revenue_load_accounts(&l, err) < 0 || revenue_load_lines(&l, err) < 0)
		return err_in(err, "recurring revenue of the day");
	buf_init(&data, MAX_BYTES);
	pack(&l, a, &data);
	if (!data.is_full && put(db, query, &data, a, err) < 0)
		return err_in(err, "recurring revenue of the day");
	return txn_commit(&txn, err);
}

/* reading ---------------------------------------------------------------------------------------------------------- */

/* The same names by the same numbers: of what the accounts brought along, and of what the lines added. */
static bool take_names(struct revenue_loading *l, const struct kept_lines *kept)
{
	if (kept->n_names < l->names.n)
		return false;
	for (size_t i = 1; i < l->names.n; i++)
		if (!kept->names[i] || strcmp(kept->names[i], l->names.at[i]) != 0)
			return false;
	for (size_t i = l->names.n; i < kept->n_names; i++)
		if (names_id(&l->names, kept->names[i]) != (int)i)
			return false;
	return true;
}

static bool unpack(struct revenue_loading *l, const unsigned char *data, size_t len)
{
	struct parcel p = { .arena = l->arena };
	struct kept_lines kept = { 0 };
	uint64_t sum;

	if (len < SUM_BYTES)
		return false;
	memcpy(&sum, data, sizeof sum);
	p.at = (const char *)data + SUM_BYTES;
	p.end = (const char *)data + len;
	if (sum != pack_checksum(data + SUM_BYTES, len - SUM_BYTES))
		return false;
	parcel_lines(&p, &kept);
	if (!parcel_is_whole(&p) || kept.accounts != sum_of_accounts(l) || !take_names(l, &kept))
		return false;
	l->out->lines = l->lines = kept.lines;
	l->out->n_lines = l->n_lines = kept.n_lines;
	return true;
}

int revenue_kept_lines(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(l->db, "SELECT revenue FROM base_kept WHERE day = :day AND revenue_maker = :maker");
	const unsigned char *data;
	size_t len;
	int rc;

	bind_day(q, ":day", l->query->as_of);
	bind_text(q, ":maker", maker(l->query, l->scratch));
	rc = stmt_step(q, err);
	if (rc <= 0)
		return rc;
	data = col_blob(q, 0, &len);
	return data && unpack(l, data, len);
}
