#include <string.h>

#include "common/clock.h"
#include "revenue_parts.h"

enum { SPARE_NAMES = 512, APART = 8, MOST_SPREAD = 1 << 20 };

uint16_t revenue_name(struct revenue_loading *l, const char *text)
{
	int id = l->names.n > MAX_NAMES - SPARE_NAMES ? names_find(&l->names, text) : names_id(&l->names, text);

	if (id == 0 && text && *text)
		id = names_id(&l->names, "(other)");
	return (uint16_t)id;
}

int32_t revenue_account_index(const struct revenue_loading *l, int64_t id)
{
	size_t low = 0, high = l->out->n_accounts;

	if (l->by_id)
		return id >= 0 && id < l->n_by_id ? l->by_id[id] : -1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->accounts[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->out->n_accounts && l->accounts[low].id == id ? (int32_t)low : -1;
}

/* A table from id to index; ids count up, so it is small. */
static void index_accounts(struct revenue_loading *l)
{
	size_t n = l->out->n_accounts;
	int64_t last = n ? l->accounts[n - 1].id : 0;
	int32_t *by_id;

	if (!n || l->accounts[0].id < 0 || last > (int64_t)n * APART + MOST_SPREAD)
		return;
	by_id = arena_array(l->scratch, (size_t)last + 1, sizeof *by_id);
	memset(by_id, -1, ((size_t)last + 1) * sizeof *by_id);
	for (size_t i = 0; i < n; i++)
		by_id[l->accounts[i].id] = (int32_t)i;
	l->by_id = by_id;
	l->n_by_id = last + 1;
}

/* One copy of each, as far as they come again and again. */
static const char *shared(struct revenue_loading *l, struct names *texts, const char *text)
{
	int id = names_id(texts, text);

	return id < 0 ? arena_strdup(l->arena, text) : texts->at[id];
}

/* The history of one account; asked for in the order of ids, so that nothing is searched for. */
static struct trait_history history_of(const struct trait_history *all, int64_t id, size_t *io_at)
{
	struct trait_history one;

	while (*io_at < all->n && all->rows[*io_at].id < id)
		(*io_at)++;
	one = (struct trait_history){ .rows = all->rows + *io_at };
	while (*io_at < all->n && all->rows[*io_at].id == id) {
		(*io_at)++;
		one.n++;
	}
	return one;
}

#define ACCOUNT_COLUMNS "id, source_key, name, segment, region, csm_email, am_email, plan, currency, seen_on"

struct reading { struct names texts; size_t n, most, history_at; };

static void make_room(struct revenue_loading *l, struct reading *r)
{
	names_init(&r->texts, l->arena);
	l->accounts = arena_array(l->arena, r->most, sizeof *l->accounts);
	l->currency = arena_array(l->scratch, r->most, sizeof *l->currency);
	l->seen_on = arena_array(l->scratch, r->most, sizeof *l->seen_on);
	l->has_contract = arena_array(l->scratch, r->most, sizeof *l->has_contract);
}

static void take_account(struct revenue_loading *l, struct stmt *q, struct reading *r)
{
	int64_t id = col_int(q, 0);
	const struct trait_history own = history_of(&l->traits, id, &r->history_at), *h = &own;
	struct revenue_trait currency = trait_of(h, id, "currency", col_text(q, 8));

	l->accounts[r->n] = (struct revenue_account){ .id = id, .parent = -1,
		.key = col_text_in(q, 1, l->arena), .name = col_text_in(q, 2, l->arena),
		.segment = trait_of(h, id, "segment", shared(l, &r->texts, col_text(q, 3))),
		.region = trait_of(h, id, "region", shared(l, &r->texts, col_text(q, 4))),
		.csm = trait_of(h, id, "csm_key", shared(l, &r->texts, col_text(q, 5))),
		.am = trait_of(h, id, "am_key", shared(l, &r->texts, col_text(q, 6))),
		.plan = trait_of(h, id, "plan", shared(l, &r->texts, col_text(q, 7))) };
	l->seen_on[r->n] = col_is_null(q, 9) ? REVENUE_BEGINNING : col_day(q, 9);
	l->currency[r->n++] = revenue_name(l, revenue_trait_on(&currency, l->query->as_of));
}

static int read_all(struct revenue_loading *l, struct reading *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(l->db, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE main_id IS NULL ORDER BY id");
	int64_t most = 0;
	int rc = 0;

	if (db_int(l->db, "SELECT count(*) FROM account WHERE main_id IS NULL", 0, &most, err) < 0)
		return -1;
	r->most = (size_t)most;
	make_room(l, r);
	while (r->n < r->most && (rc = stmt_step(q, err)) > 0)
		take_account(l, q, r);
	return rc < 0 ? -1 : 0;
}

static int read_some(struct revenue_loading *l, struct reading *r, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q =
		db_sql(l->db, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = :id AND main_id IS NULL");

	r->most = l->part->n;
	make_room(l, r);
	for (size_t i = 0; i < l->part->n; i++) {
		int rc;

		bind_int(q, ":id", l->part->accounts[i]);
		if ((rc = stmt_step(q, err)) > 0) {
			take_account(l, q, r);
			rc = stmt_run(q, err);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int read_accounts(struct revenue_loading *l, struct err *err)
{
	struct reading r = { 0 };

	if ((l->part ? read_some(l, &r, err) : read_all(l, &r, err)) < 0)
		return -1;
	l->out->accounts = l->accounts;
	l->out->n_accounts = r.n;
	return 0;
}

/* A company is as old as the oldest of its rows. */
static int note_other_names(struct revenue_loading *l, struct stmt *q, struct err *err)
{
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		int32_t at = revenue_account_index(l, col_int(q, 0));
		int32_t seen_on = col_is_null(q, 1) ? REVENUE_BEGINNING : col_day(q, 1);

		if (at >= 0 && seen_on < l->seen_on[at])
			l->seen_on[at] = seen_on;
	}
	return rc;
}

static int read_other_names(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *all =
		db_sql(l->db, "SELECT main_id, seen_on FROM account WHERE main_id IS NOT NULL");
	CLEANUP(stmt_donep) struct stmt *one = db_sql(l->db, "SELECT main_id, seen_on FROM account WHERE main_id = :id");

	if (!l->part)
		return note_other_names(l, all, err);
	for (size_t i = 0; i < l->part->n; i++) {
		bind_int(one, ":id", l->part->accounts[i]);
		if (note_other_names(l, one, err) < 0)
			return -1;
	}
	return 0;
}

static int read_parents(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db, "SELECT id, parent_id FROM account WHERE parent_id IS NOT NULL");
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		int32_t child = revenue_account_index(l, col_int(q, 0));

		if (child >= 0)
			l->accounts[child].parent = revenue_account_index(l, col_int(q, 1));
	}
	return rc;
}

/* Where the parent changed, the one that was known on the day, by its key. */
static int read_known_parents(struct revenue_loading *l, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *by_key = db_sql(l->db,
		"SELECT coalesce(p.main_id, p.id) FROM account c JOIN account p ON p.source_id = c.source_id "
		"AND p.source_key = :key WHERE c.id = :id");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < l->traits.n; i++) {
		const struct revenue_change *change = &l->traits.rows[i];
		struct revenue_trait t = { .changes = change, .n = 0 };
		int32_t child = revenue_account_index(l, change->id);

		if (child < 0 || strcmp(change->field, "parent_key") != 0)
			continue;
		for (; i < l->traits.n && l->traits.rows[i].id == change->id &&
		       strcmp(l->traits.rows[i].field, "parent_key") == 0; i++)
			t.n++;
		i--;
		bind_text(by_key, ":key", revenue_trait_on(&t, l->query->as_of));
		bind_int(by_key, ":id", change->id);
		rc = stmt_step(by_key, err);
		l->accounts[child].parent = rc > 0 ? revenue_account_index(l, col_int(by_key, 0)) : -1;
		if (rc > 0)
			rc = stmt_run(by_key, err);
	}
	return rc;
}

int revenue_load_accounts(struct revenue_loading *l, struct err *err)
{
	int rc = l->part ? trait_load_each(l->db, l->part->accounts, l->part->n, l->query->as_of, l->arena, &l->traits, err)
	                 : trait_load(l->db, "account", l->query->as_of, l->arena, &l->traits, err);

	if (rc < 0 || read_accounts(l, err) < 0)
		return -1;
	if (l->part)
		return read_other_names(l, err);
	index_accounts(l);
	return read_other_names(l, err) < 0 || read_parents(l, err) < 0 ? -1 : read_known_parents(l, err);
}
