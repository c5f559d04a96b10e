/* Keeps outcomes of blocks of accounts: what the rows say today and, as long as none of them changes (triggers take the
 * block away), on the days to come. So time that passes needs no rows: each day it is another few blocks whose days are
 * used up. */
#include "outcomes_kept.h"
#include "pack_parts.h"

enum {
	BLOCKS_SAVED = 512, /* in one transaction */
	/* For how many days a block is made: by its number, so that those made on one day don't end on one day. For fewer
	 * where it is new or its rows changed: as likely as not they soon do again, and days made for nothing cost too. */
	FEW_DAYS = 16, MANY_DAYS = 64,
	FIRST_ROOM_BYTES = 4096, LAYOUT_ITEMS = 4
};

/* Records of one kind, each of so many bytes. */
struct list { char *at; size_t n, bytes, room_bytes; };

struct packing {
	struct arena *arena;
	int32_t known_on, n_days;
	struct list firsts, customers, leaving, events;
	struct list now; /* what one account comes to on a day, of one kind */
	int32_t from[2 * MANY_DAYS]; /* by day */
	bool is_impossible; /* a currency has no room: the block is not kept */
};

/* A place for a record in front of the one at index i; zeros. */
static char *insert(struct packing *p, struct list *l, size_t i)
{
	size_t len = l->n * l->bytes;
	char *at;

	if (len + l->bytes > l->room_bytes) {
		l->room_bytes = l->room_bytes ? 2 * l->room_bytes : FIRST_ROOM_BYTES;
		l->at = arena_grow(p->arena, l->at, len, l->room_bytes, 1);
	}
	at = l->at + i * l->bytes;
	memmove(at + l->bytes, at, len - i * l->bytes);
	l->n++;
	memset(at, 0, l->bytes);
	return at;
}

/* days ------------------------------------------------------------------------------------------------------------- */

/* Days behind known_on. */
struct days { int32_t since, until; };

static int32_t end_of(const char *record)
{
	return (unsigned char)record[OUTCOME_WHO_BYTES + 1];
}

static bool says_same(const char *a, const char *b, size_t bytes)
{
	size_t head = OUTCOME_WHO_BYTES + OUTCOME_WHEN_BYTES;

	return memcmp(a, b, OUTCOME_WHO_BYTES) == 0 && memcmp(a + head, b + head, bytes - head) == 0;
}

static void set_end(char *record, int32_t until)
{
	record[OUTCOME_WHO_BYTES + 1] = (char)until;
}

/* What one account comes to from a day on, behind what it came to before: from index first on, where what held up to
 * that day ends with it. What begins and ends as it did goes on; what is between ends, and the new is put there. So
 * those that hold on a day are in the order in which they were given. */
static void add_days(struct packing *p, struct list *l, size_t first, struct days days)
{
	size_t i = first, k = l->n, begin = 0, end = p->now.n, bytes = l->bytes;

	for (; i < k && begin < end; i++) {
		char *at = l->at + i * bytes;

		if (end_of(at) != days.since || days.since == 0)
			continue;
		if (!says_same(at, p->now.at + begin * bytes, bytes))
			break;
		set_end(at, days.until);
		begin++;
	}
	for (; k > i && end > begin; k--) {
		char *at = l->at + (k - 1) * bytes;

		if (end_of(at) != days.since || days.since == 0)
			continue;
		if (!says_same(at, p->now.at + (end - 1) * bytes, bytes))
			break;
		set_end(at, days.until);
		end--;
	}
	for (; begin < end; begin++, i++) {
		char *at = insert(p, l, i);

		memcpy(at, p->now.at + begin * bytes, bytes);
		at[OUTCOME_WHO_BYTES] = (char)days.since;
		set_end(at, days.until);
	}
}

static void add_spans(struct packing *p, struct list *l, size_t first, const struct outcome_span *spans, size_t n,
                      struct days days)
{
	p->now.n = 0;
	p->now.bytes = l->bytes;
	for (size_t i = 0; i < n; i++) {
		char *at = insert(p, &p->now, i);

		outcome_put(&at, spans[i].account % OUTCOME_BLOCK, OUTCOME_WHO_BYTES);
		at += OUTCOME_WHEN_BYTES;
		outcome_put(&at, spans[i].from, 4);
		outcome_put(&at, spans[i].to, 4);
	}
	add_days(p, l, first, days);
}

static void add_events(struct packing *p, size_t first, const struct outcome *events, size_t n, struct days days)
{
	p->now.n = 0;
	p->now.bytes = p->events.bytes;
	for (size_t i = 0; i < n; i++) {
		const char *currency = events[i].currency;
		char *at = insert(p, &p->now, i);

		if (currency && (!*currency || strlen(currency) >= OUTCOME_CURRENCY_BYTES))
			p->is_impossible = true;
		outcome_put(&at, events[i].account % OUTCOME_BLOCK | (int64_t)events[i].kind << OUTCOME_KIND_SHIFT,
		            OUTCOME_WHO_BYTES);
		at += OUTCOME_WHEN_BYTES;
		outcome_put(&at, events[i].on, 4);
		outcome_put(&at, events[i].minor, 8);
		(void)strncpy(at, currency ? currency : "", OUTCOME_CURRENCY_BYTES); /* padded with zeros */
	}
	add_days(p, &p->events, first, days);
}

/* The account that rows look at, on all days. */
static void add_account(struct packing *p, struct outcome_making *m)
{
	size_t customers = p->customers.n, leaving = p->leaving.n, events = p->events.n;

	for (struct days days = { 0 }; days.since < p->n_days; days.since = days.until) {
		int64_t next;

		outcome_make(m, p->known_on + days.since);
		next = (int64_t)m->parts.next_on - p->known_on;
		days.until = next < p->n_days ? (int32_t)next : p->n_days;
		add_spans(p, &p->customers, customers, m->customers, m->n_customers, days);
		add_spans(p, &p->leaving, leaving, m->leaving, m->n_leaving, days);
		add_events(p, events, m->events, m->n_events, days);
		for (int32_t i = days.since; i < days.until && m->from != DAY_NONE; i++)
			if (p->from[i] == DAY_NONE || m->from < p->from[i])
				p->from[i] = m->from;
	}
}

static void add_firsts(struct packing *p)
{
	for (int32_t i = 0, end; i < p->n_days; i = end) {
		char *at;

		for (end = i + 1; end < p->n_days && p->from[end] == p->from[i]; end++)
			;
		if (p->from[i] == DAY_NONE)
			continue;
		at = insert(p, &p->firsts, p->firsts.n);
		at[OUTCOME_WHO_BYTES] = (char)i;
		set_end(at, end);
		at += OUTCOME_WHO_BYTES + OUTCOME_WHEN_BYTES;
		outcome_put(&at, p->from[i], 4);
	}
}

/* blocks ----------------------------------------------------------------------------------------------------------- */

/* io has all but the data. */
static void put_together(const struct packing *p, struct outcome_block *io)
{
	const struct list *lists[LAYOUT_ITEMS] = { &p->firsts, &p->customers, &p->leaving, &p->events };
	char *data, *at;

	io->len = OUTCOME_HEAD_BYTES;
	for (size_t i = 0; i < LAYOUT_ITEMS; i++)
		io->len += lists[i]->n * lists[i]->bytes;
	io->data = data = arena_alloc(p->arena, io->len);
	at = data + OUTCOME_SUM_BYTES;
	outcome_put(&at, outcome_block_mark(), 4);
	for (size_t i = 0; i < LAYOUT_ITEMS; i++)
		outcome_put(&at, (int64_t)lists[i]->n, 4);
	for (size_t i = 0; i < LAYOUT_ITEMS; i++) {
		size_t len = lists[i]->n * lists[i]->bytes;

		if (len)
			memcpy(at, lists[i]->at, len);
		at += len;
	}
	outcome_put(&data, (int64_t)outcome_block_sum(io), OUTCOME_SUM_BYTES);
}

static int save(struct db *db, const struct outcome_block *b, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT OR REPLACE INTO outcome_pack (block, known_on, until_on, data) VALUES (:block, :known, :until, :data)");

	bind_int(q, ":block", b->block);
	bind_day(q, ":known", b->known_on);
	bind_day(q, ":until", b->until_on);
	bind_blob(q, ":data", b->data, b->len);
	return stmt_run(q, err);
}

/* One that is there has stood for all its days: no row of it has changed. */
static int count_days(struct db *db, int64_t block, int32_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT 1 FROM outcome_pack WHERE block = :block");
	int rc;

	bind_int(q, ":block", block);
	rc = stmt_step(q, err);
	if (rc < 0)
		return -1;
	*out = rc > 0 ? MANY_DAYS + (int32_t)(block % MANY_DAYS) : FEW_DAYS + (int32_t)(block % FEW_DAYS);
	return 0;
}

static int keep(struct db *db, int32_t known_on, int64_t block, struct arena *a, struct arena *scratch, struct err *err)
{
	struct packing p = { .arena = a, .known_on = known_on,
		.firsts.bytes = OUTCOME_FIRST_BYTES, .customers.bytes = OUTCOME_SPAN_BYTES,
		.leaving.bytes = OUTCOME_SPAN_BYTES, .events.bytes = OUTCOME_EVENT_BYTES };
	struct outcome_block b = { .block = block, .known_on = known_on };
	int64_t first = block * OUTCOME_BLOCK;
	struct outcome_making m;

	if (count_days(db, block, &p.n_days, err) < 0)
		return -1;
	b.until_on = known_on + p.n_days;
	if (outcome_making_begin(&m, db, first, first + OUTCOME_BLOCK - 1, b.until_on - 1, a, scratch, err) < 0)
		return -1;
	for (int32_t i = 0; i < p.n_days; i++)
		p.from[i] = DAY_NONE;
	while (outcome_rows_next(&m.rows))
		add_account(&p, &m);
	if (p.is_impossible)
		return 0;
	add_firsts(&p);
	put_together(&p, &b);
	return save(db, &b, err);
}

/* The blocks of which nothing is kept that holds on the day or will from a later one on. */
static int find_stale(struct db *db, int32_t known_on, int64_t n_blocks, struct arena *a, int64_t **out, size_t *out_n,
                      struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT block, known_on, until_on, data FROM outcome_pack WHERE until_on > :known ORDER BY block");
	int64_t *stale = arena_array(a, (size_t)n_blocks + 1, sizeof *stale), next = 0;
	size_t n = 0;
	int rc;

	bind_day(q, ":known", known_on);
	while ((rc = stmt_step(q, err)) > 0) {
		struct outcome_block b = outcome_block_read(q);

		for (; next < n_blocks && (next < b.block || (next == b.block && !outcome_block_is_good(&b))); next++)
			stale[n++] = next;
		next = b.block + 1;
	}
	for (; next < n_blocks; next++)
		stale[n++] = next;
	*out = stale;
	*out_n = n;
	return rc;
}

int outcomes_keep(struct db *db, int32_t known_on, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0), *of_block = NULL, *scratch = NULL;
	int64_t *stale, n_blocks;
	size_t n;

	of_block = arena_new(0);
	scratch = arena_new(0);
	if (outcome_blocks_count(db, &n_blocks, err) < 0 || find_stale(db, known_on, n_blocks, a, &stale, &n, err) < 0)
		return err_in(err, "outcomes");
	for (size_t i = 0; i < n;) {
		CLEANUP(txn_end) struct txn txn = { 0 };

		if (txn_begin(&txn, db, err) < 0)
			return -1;
		for (size_t end = n - i < BLOCKS_SAVED ? n : i + BLOCKS_SAVED; i < end; i++) {
			if (keep(db, known_on, stale[i], of_block, scratch, err) < 0)
				return err_in(err, "outcomes");
			arena_reset(of_block);
		}
		if (txn_commit(&txn, err) < 0)
			return -1;
	}
	return 0;
}

int outcomes_check(struct db *db, int64_t *out_n, int64_t *out_damaged, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT block, known_on, until_on, data FROM outcome_pack");
	int rc;

	*out_n = *out_damaged = 0;
	while ((rc = stmt_step(q, err)) > 0) {
		struct outcome_block b = outcome_block_read(q);

		++*out_n;
		*out_damaged += !outcome_block_is_whole(&b);
	}
	return rc < 0 ? err_in(err, "outcomes") : 0;
}
