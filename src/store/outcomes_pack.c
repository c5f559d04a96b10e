/* Outcomes of many accounts, kept from day to day: those of a block of accounts stay what they are until one of its
 * rows changes (triggers take the block away) or a day comes that one of its rows names.
 *
 * checksum of the row and all that follows (8) | mark of the program that made it (4) | from (4) | how many events,
 * spans as a customer, spans of leaving (4 each) | the spans | the events. */
#include <endian.h>
#include <string.h>

#include "outcomes_parts.h"
#include "pack_parts.h"

enum {
	BLOCK_BITS = 6, BLOCK = 1 << BLOCK_BITS, /* accounts; as the triggers have it */
	BLOCKS_AT_ONCE = 64,  /* read from rows together where none of them is kept */
	BLOCKS_SAVED = 512,   /* in one transaction */
	SUM_BYTES = 8, HEAD_BYTES = SUM_BYTES + 20, SPAN_BYTES = 12, EVENT_BYTES = 24, CURRENCY_BYTES = 8, FIRST_ROOM = 256
};

/* What is made of each block while one after the other comes. */
struct counting {
	struct arena *arena;
	const int64_t *accounts; size_t n_accounts, at; /* at: the next whose losses come */
	struct outcome_counts *counts;
	struct outcome *losses; size_t n_losses, loss_room;
};

struct kept {
	struct arena *arena;
	struct counting *counting; /* NULL: all is kept */
	int32_t from;
	struct outcome *events; size_t n_events, event_room;
	struct outcome_span *customers; size_t n_customers, customer_room;
	struct outcome_span *leaving; size_t n_leaving, leaving_room;
	const char *currency; /* of the last event: mostly the next one's */
};

static void *more(struct arena *a, void *at, size_t n, size_t more_n, size_t *room, size_t size)
{
	if (n + more_n <= *room)
		return at;
	*room = 2 * *room > n + more_n ? 2 * *room : n + more_n + FIRST_ROOM;
	return arena_grow(a, at, n, *room, size);
}

static void make_room(struct kept *k, size_t n_events, size_t n_customers, size_t n_leaving)
{
	k->events = more(k->arena, k->events, k->n_events, n_events, &k->event_room, sizeof *k->events);
	k->customers = more(k->arena, k->customers, k->n_customers, n_customers, &k->customer_room, sizeof *k->customers);
	k->leaving = more(k->arena, k->leaving, k->n_leaving, n_leaving, &k->leaving_room, sizeof *k->leaving);
}

static const char *same_currency(struct kept *k, const char *currency)
{
	if (currency && (!k->currency || strcmp(k->currency, currency) != 0))
		k->currency = arena_strdup(k->arena, currency);
	return currency ? k->currency : NULL;
}

static void note_from(struct kept *k, int32_t from)
{
	if (from != DAY_NONE && (k->from == DAY_NONE || from < k->from))
		k->from = from;
}

/* A row of the table. */
struct kept_block {
	int64_t block;
	int32_t known_on, until_on;
	const char *data;
	size_t len;
};

/* packing ---------------------------------------------------------------------------------------------------------- */

static void put_int(char **at, int64_t value, size_t size)
{
	uint64_t bytes = htole64((uint64_t)value);

	memcpy(*at, &bytes, size);
	*at += size;
}

static int64_t get_int(const char **at, size_t size)
{
	uint64_t bytes = 0;

	memcpy(&bytes, *at, size);
	*at += size;
	bytes = le64toh(bytes);
	return size == sizeof(int32_t) ? (int32_t)bytes : (int64_t)bytes;
}

static void put_spans(char **at, const struct outcome_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_int(at, spans[i].account % BLOCK, 4);
		put_int(at, spans[i].from, 4);
		put_int(at, spans[i].to, 4);
	}
}

/* False where a currency has no room: then the block is not kept. */
static bool put_events(char **at, const struct outcome *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *currency = events[i].currency;

		if (currency && (!*currency || strlen(currency) >= CURRENCY_BYTES))
			return false;
		put_int(at, events[i].account % BLOCK | (int64_t)events[i].kind << BLOCK_BITS, 4);
		put_int(at, events[i].on, 4);
		put_int(at, events[i].minor, 8);
		(void)strncpy(*at, currency ? currency : "", CURRENCY_BYTES); /* padded with zeros */
		*at += CURRENCY_BYTES;
	}
	return true;
}

/* Another program may see another thing in the same rows. */
static uint32_t maker_mark(void)
{
	return (uint32_t)pack_checksum((const unsigned char *)RETAIND_VERSION, strlen(RETAIND_VERSION));
}

static uint64_t sum_of(const struct kept_block *b)
{
	uint64_t row[] = { htole64((uint64_t)b->block), htole64((uint64_t)b->known_on), htole64((uint64_t)b->until_on) };

	return pack_checksum((const unsigned char *)row, sizeof row) ^
	       pack_checksum((const unsigned char *)b->data + SUM_BYTES, b->len - SUM_BYTES);
}

static bool is_whole(const struct kept_block *b)
{
	return b->len >= HEAD_BYTES && pack_load_8((const unsigned char *)b->data) == sum_of(b);
}

static bool is_good(const struct kept_block *b)
{
	return is_whole(b) && pack_load_4((const unsigned char *)b->data + SUM_BYTES) == maker_mark();
}

/* False where it can't be packed. io has all but the data. */
static bool pack(const struct outcomes *o, struct arena *a, struct kept_block *io)
{
	char *data, *at;

	io->len = HEAD_BYTES + EVENT_BYTES * o->n_events + SPAN_BYTES * (o->n_customers + o->n_leaving);
	io->data = data = arena_alloc(a, io->len);
	at = data + SUM_BYTES;
	put_int(&at, maker_mark(), 4);
	put_int(&at, o->from, 4);
	put_int(&at, (int64_t)o->n_events, 4);
	put_int(&at, (int64_t)o->n_customers, 4);
	put_int(&at, (int64_t)o->n_leaving, 4);
	put_spans(&at, o->customers, o->n_customers);
	put_spans(&at, o->leaving, o->n_leaving);
	if (!put_events(&at, o->events, o->n_events))
		return false;
	put_int(&data, (int64_t)sum_of(io), SUM_BYTES);
	return true;
}

static void get_spans(const char **at, int64_t first, struct outcome_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		spans[i].account = first + get_int(at, 4);
		spans[i].from = (int32_t)get_int(at, 4);
		spans[i].to = (int32_t)get_int(at, 4);
	}
}

static void get_events(struct kept *k, const char **at, int64_t first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct outcome *e = &k->events[k->n_events++];
		int64_t which = get_int(at, 4);

		e->account = first + which % BLOCK;
		e->kind = (enum outcome_kind)(which >> BLOCK_BITS);
		e->on = (int32_t)get_int(at, 4);
		e->minor = get_int(at, 8);
		e->currency = same_currency(k, **at ? *at : NULL);
		*at += CURRENCY_BYTES;
	}
}

/* False when it is damaged, or of another program. */
static bool unpack(struct kept *k, const struct kept_block *b)
{
	const char *at = b->data + SUM_BYTES + 4;
	size_t n_events, n_customers, n_leaving;
	int64_t first = b->block * BLOCK;
	int32_t from;

	if (!is_good(b))
		return false;
	from = (int32_t)get_int(&at, 4);
	n_events = (uint32_t)get_int(&at, 4);
	n_customers = (uint32_t)get_int(&at, 4);
	n_leaving = (uint32_t)get_int(&at, 4);
	if (b->len != HEAD_BYTES + EVENT_BYTES * n_events + SPAN_BYTES * (n_customers + n_leaving))
		return false;
	make_room(k, n_events, n_customers, n_leaving);
	note_from(k, from);
	get_spans(&at, first, k->customers + k->n_customers, n_customers);
	get_spans(&at, first, k->leaving + k->n_leaving, n_leaving);
	k->n_customers += n_customers;
	k->n_leaving += n_leaving;
	get_events(k, &at, first, n_events);
	return true;
}

/* loading ---------------------------------------------------------------------------------------------------------- */

static void add(struct kept *k, const struct outcomes *o)
{
	make_room(k, o->n_events, o->n_customers, o->n_leaving);
	note_from(k, o->from);
	for (size_t i = 0; i < o->n_events; i++) {
		k->events[k->n_events] = o->events[i];
		k->events[k->n_events++].currency = same_currency(k, o->events[i].currency);
	}
	for (size_t i = 0; i < o->n_customers; i++)
		k->customers[k->n_customers++] = o->customers[i];
	for (size_t i = 0; i < o->n_leaving; i++)
		k->leaving[k->n_leaving++] = o->leaving[i];
}

static void count_customers(struct outcome_counts *c, const struct outcome_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int32_t begin = spans[i].from > c->since ? spans[i].from : c->since;
		int32_t end = spans[i].to <= c->until ? spans[i].to : c->until + 1;

		if (begin >= end)
			continue;
		c->come[begin - c->since]++;
		c->come[end - c->since]--;
	}
}

static void count_event(struct counting *c, const struct outcomes *o, const struct outcome *e)
{
	if (e->on >= c->counts->since && e->on <= c->counts->until && outcomes_is_customer(o, e->account, e->on - 1))
		c->counts->events[e->kind][e->on - c->counts->since]++;
	if (!(1u << e->kind & OUTCOME_LOSSES))
		return;
	while (c->at < c->n_accounts && c->accounts[c->at] < e->account)
		c->at++;
	if (c->at == c->n_accounts || c->accounts[c->at] != e->account)
		return;
	c->losses = more(c->arena, c->losses, c->n_losses, 1, &c->loss_room, sizeof *c->losses);
	c->losses[c->n_losses++] = *e;
}

/* Some blocks have come: where they are only counted, nothing stays of them. */
static void settle(struct kept *k)
{
	const struct outcomes o = { .customers = k->customers, .n_customers = k->n_customers };

	if (!k->counting)
		return;
	count_customers(k->counting->counts, k->customers, k->n_customers);
	for (size_t i = 0; i < k->n_events; i++)
		count_event(k->counting, &o, &k->events[i]);
	k->n_events = k->n_customers = k->n_leaving = 0;
}

/* Blocks from to end - 1 from their rows. */
static int add_from_rows(struct kept *k, struct db *db, int32_t known_on, int64_t from, int64_t end, struct err *err)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(0);

	for (int64_t next; from < end; from = next) {
		struct outcomes some;
		int32_t next_on;

		next = end - from < BLOCKS_AT_ONCE ? end : from + BLOCKS_AT_ONCE;
		if (outcomes_load_range(db, known_on, from * BLOCK, next * BLOCK - 1, scratch, &some, &next_on, err) < 0)
			return -1;
		add(k, &some);
		settle(k);
		arena_reset(scratch);
	}
	return 0;
}

/* How many blocks there are. */
static int count_blocks(struct db *db, int64_t *out, struct err *err)
{
	int64_t last;

	if (db_int(db, "SELECT max(id) FROM account", -1, &last, err) < 0)
		return -1;
	*out = last / BLOCK + 1;
	return 0;
}

static struct kept_block read_block(struct stmt *q)
{
	struct kept_block b = { .block = col_int(q, 0), .known_on = col_day(q, 1), .until_on = col_day(q, 2) };

	b.data = col_blob(q, 3, &b.len);
	return b;
}

static int load(struct kept *k, struct db *db, int32_t known_on, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT block, known_on, until_on, data FROM outcome_pack WHERE known_on <= :known AND until_on > :known "
		"ORDER BY block");
	int64_t n_blocks, next = 0;
	int rc;

	bind_day(q, ":known", known_on);
	if (count_blocks(db, &n_blocks, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		struct kept_block b = read_block(q);

		if (!is_good(&b))
			continue;
		if (add_from_rows(k, db, known_on, next, b.block, err) < 0)
			return -1;
		if (!unpack(k, &b))
			return err_set(err, ERR_FATAL, "kept outcomes of block %lld make no sense", (long long)b.block);
		settle(k);
		next = b.block + 1;
	}
	return rc < 0 || add_from_rows(k, db, known_on, next, n_blocks, err) < 0 ? err_in(err, "outcomes") : 0;
}

int outcomes_load(struct db *db, int32_t known_on, struct arena *a, struct outcomes *out, struct err *err)
{
	struct kept k = { .arena = a, .from = DAY_NONE };

	if (load(&k, db, known_on, err) < 0)
		return -1;
	*out = (struct outcomes){ .from = k.from, .until = outcomes_until(known_on), .events = k.events,
		.n_events = k.n_events, .customers = k.customers, .n_customers = k.n_customers, .leaving = k.leaving,
		.n_leaving = k.n_leaving };
	return 0;
}

int outcomes_count(struct db *db, int32_t known_on, const int64_t *accounts, size_t n, struct arena *a,
                   struct outcome_counts *out, struct outcomes *out_losses, struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_block = arena_new(0);
	struct counting c = { .arena = a, .accounts = accounts, .n_accounts = n, .counts = out };
	struct kept k = { .arena = of_block, .from = DAY_NONE, .counting = &c };

	*out = (struct outcome_counts){ .until = outcomes_until(known_on) };
	out->since = out->until - OUTCOME_RATE_DAYS + 1;
	if (load(&k, db, known_on, err) < 0)
		return -1;
	for (size_t i = 0; i < c.n_losses; i++)
		c.losses[i].currency = NULL;
	out->from = k.from;
	*out_losses = (struct outcomes){ .from = k.from, .until = out->until, .events = c.losses, .n_events = c.n_losses };
	return 0;
}

double outcome_counts_rate(const struct outcome_counts *c, unsigned kinds, double prior)
{
	int64_t n_events = 0, n_days = 0, n_customers = 0;

	if (c->from == DAY_NONE)
		return -1;
	for (int32_t day = c->since; day <= c->until; day++) {
		n_customers += c->come[day - c->since];
		if (day < c->from)
			continue;
		n_days += n_customers;
		for (int kind = 0; kind < N_OUTCOME_KINDS; kind++)
			n_events += 1u << kind & kinds ? c->events[kind][day - c->since] : 0;
	}
	if (!n_days || !n_events)
		return -1;
	return (prior * OUTCOME_RATE_WEIGHT + (double)n_events) / (double)(OUTCOME_RATE_WEIGHT + n_days);
}

/* keeping ---------------------------------------------------------------------------------------------------------- */

static int keep(struct db *db, int32_t known_on, int64_t block, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT OR REPLACE INTO outcome_pack (block, known_on, until_on, data) VALUES (:block, :known, :until, :data)");
	struct kept_block b = { .block = block, .known_on = known_on };
	struct outcomes o;

	if (outcomes_load_range(db, known_on, block * BLOCK, block * BLOCK + BLOCK - 1, a, &o, &b.until_on, err) < 0)
		return -1;
	if (!pack(&o, a, &b))
		return 0;
	bind_int(q, ":block", block);
	bind_day(q, ":known", known_on);
	bind_day(q, ":until", b.until_on);
	bind_blob(q, ":data", b.data, b.len);
	return stmt_run(q, err);
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
		struct kept_block b = read_block(q);

		for (; next < n_blocks && (next < b.block || (next == b.block && !is_good(&b))); next++)
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
	CLEANUP(arena_freep) struct arena *a = arena_new(0), *of_block = NULL;
	int64_t *stale, n_blocks;
	size_t n;

	of_block = arena_new(0);
	if (count_blocks(db, &n_blocks, err) < 0 || find_stale(db, known_on, n_blocks, a, &stale, &n, err) < 0)
		return err_in(err, "outcomes");
	for (size_t i = 0; i < n;) {
		CLEANUP(txn_end) struct txn txn = { 0 };

		if (txn_begin(&txn, db, err) < 0)
			return -1;
		for (size_t end = n - i < BLOCKS_SAVED ? n : i + BLOCKS_SAVED; i < end; i++) {
			if (keep(db, known_on, stale[i], of_block, err) < 0)
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
		struct kept_block b = read_block(q);

		++*out_n;
		*out_damaged += !is_whole(&b);
	}
	return rc < 0 ? err_in(err, "outcomes") : 0;
}
