#include "facts_told.h"
#include "pack_load.h"
#include "store/packs.h"

enum { MAX_PACK_BYTES = 1 << 30 };

/* Of a load: which accounts are told of. */
struct told {
	struct telling telling;
	bool is_all;              /* else: subscriptions alone */
	bool *is_done, *is_stale; /* by place */
};

/* The words of a pack, which the facts then point to. */
static void take_words(struct telling *t, const struct pack *p)
{
	const char *text = arena_memdup(t->l->arena, p->words, p->words_len);

	if (p->n_words > t->cap_words) {
		t->cap_words = 2 * p->n_words;
		t->word_list = arena_array(t->l->arena, t->cap_words, sizeof *t->word_list);
	}
	pack_words_of(text, p->words_len, p->n_words, t->word_list);
	t->words = (struct pack_words){ t->word_list, p->n_words };
}

/* Returns 1, 0 when the bytes make no sense, -1 failed. */
static int tell(struct told *told, const struct pack *p, size_t place, struct err *err)
{
	struct telling *t = &told->telling;
	const struct fact_member *member = &t->l->base->members[t->l->first + place];
	struct fact_account *f = &t->l->out[place];
	int rc;

	t->pack = p;
	t->account = member->id;
	take_words(t, p);
	if (!told->is_all)
		return tell_subscriptions(t, f);
	rc = tell_account(t, member, f, err);
	rc = rc > 0 ? tell_contracts(t, f, err) : rc;
	rc = rc > 0 ? tell_events(t, f, err) : rc;
	return rc > 0 ? tell_people(t, f) : rc;
}

static int load_stale(struct told *told, struct err *err)
{
	const struct loading *l = told->telling.l;
	CLEANUP(stmt_donep) struct stmt *q = db_sql(l->db,
		"SELECT account_id FROM pack_stale WHERE account_id BETWEEN :from AND :to");
	int rc;

	bind_int(q, ":from", l->from_id);
	bind_int(q, ":to", l->to_id);
	while ((rc = stmt_step(q, err)) > 0) {
		ptrdiff_t place = loading_place(l, col_int(q, 0));

		if (place >= 0)
			told->is_stale[place] = true;
	}
	return rc;
}

static int tell_packed(struct told *told, struct err *err)
{
	const struct loading *l = told->telling.l;
	CLEANUP(stmt_donep) struct stmt *q = packs_of(l->db, l->from_id, l->to_id);
	uint32_t zone = zone_mark(l->q->zone);
	struct pack p;
	int64_t account;
	int rc;

	while ((rc = packs_next(q, &account, &p, err)) > 0) {
		ptrdiff_t place = loading_place(l, account);
		struct fact_account before;
		int is_told;

		if (place < 0 || told->is_stale[place] || p.since > l->q->as_of || p.zone != zone)
			continue;
		before = l->out[place];
		is_told = tell(told, &p, (size_t)place, err);
		if (is_told < 0)
			return -1;
		told->is_done[place] = is_told > 0;
		if (!is_told)
			l->out[place] = before;
	}
	return rc;
}

/* From the rows of n accounts from a place on, or of fewer where they have very many. *io_fit: how many it were. */
static int tell_from_rows(struct told *told, size_t first, size_t n, size_t *io_fit, struct err *err)
{
	const struct loading *l = told->telling.l;
	CLEANUP(arena_freep) struct arena *scratch = arena_new(MAX_PACK_BYTES);
	CLEANUP(buf_done) struct buf bytes;
	int64_t *accounts = arena_array(scratch, n, sizeof *accounts);
	struct packing packing = { .db = l->db, .accounts = accounts, .arena = scratch };

	buf_init(&bytes, MAX_PACK_BYTES);
	for (size_t i = 0; i < n; i++)
		accounts[i] = l->base->members[l->first + first + i].id;
	packing_for_day(&packing, l->q);
	if (packing_fit(l->db, accounts, n, io_fit, err) < 0)
		return -1;
	packing.n = *io_fit;
	if (packing_load(&packing, told->is_all, err) < 0)
		return -1;
	for (size_t i = 0; i < packing.n; i++) {
		struct pack p;
		int rc;

		buf_reset(&bytes);
		pack_write(&packing.drafts[i], 0, &bytes);
		rc = pack_open(bytes.at, bytes.len, &p) ? tell(told, &p, first + i, err) : 0;
		if (rc <= 0)
			return rc < 0 ? -1 : err_set(err, ERR_FATAL, "the rows of account %lld can't be told",
			                             (long long)accounts[i]);
	}
	return 0;
}

static int load(struct loading *l, bool is_all, struct err *err)
{
	struct told told = { .telling = { .l = l }, .is_all = is_all };
	size_t fit = l->n;

	told.is_done = arena_array(l->arena, l->n, sizeof *told.is_done);
	told.is_stale = arena_array(l->arena, l->n, sizeof *told.is_stale);
	told_events_of(&told.telling, false);
	if (load_stale(&told, err) < 0 || tell_packed(&told, err) < 0)
		return -1;
	told_events_of(&told.telling, true);
	for (size_t i = 0, n; i < l->n; i += n ? fit : 1) {
		for (n = 0; i + n < l->n && !told.is_done[i + n];)
			n++;
		if (n && tell_from_rows(&told, i, n, &fit, err) < 0)
			return -1;
	}
	return 0;
}

int facts_load_rows(struct loading *l, struct err *err)
{
	return load(l, true, err);
}

int facts_load_subscriptions(struct loading *l, struct err *err)
{
	return load(l, false, err);
}
