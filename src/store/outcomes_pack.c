/* Outcomes of many accounts, as they are kept (outcomes_keep.c) and, where they are not, as the rows tell them. */
#include "outcomes_kept.h"
#include "pack_parts.h"

enum { BLOCKS_AT_ONCE = 16 /* read from rows together where none of them is kept */, FIRST_ROOM = 256 };

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

/* blocks ----------------------------------------------------------------------------------------------------------- */

struct outcome_block outcome_block_read(struct stmt *q)
{
	struct outcome_block b = { .block = col_int(q, 0), .known_on = col_day(q, 1), .until_on = col_day(q, 2) };

	b.data = col_blob(q, 3, &b.len);
	return b;
}

/* Another program may see another thing in the same rows. */
uint32_t outcome_block_mark(void)
{
	return (uint32_t)pack_checksum((const unsigned char *)RETAIND_VERSION, strlen(RETAIND_VERSION));
}

uint64_t outcome_block_sum(const struct outcome_block *b)
{
	uint64_t row[] = { htole64((uint64_t)b->block), htole64((uint64_t)b->known_on), htole64((uint64_t)b->until_on) };

	return pack_checksum((const unsigned char *)row, sizeof row) ^
	       pack_checksum((const unsigned char *)b->data + OUTCOME_SUM_BYTES, b->len - OUTCOME_SUM_BYTES);
}

bool outcome_block_is_whole(const struct outcome_block *b)
{
	return b->len >= OUTCOME_HEAD_BYTES && pack_load_8((const unsigned char *)b->data) == outcome_block_sum(b);
}

bool outcome_block_is_good(const struct outcome_block *b)
{
	return outcome_block_is_whole(b) &&
	       pack_load_4((const unsigned char *)b->data + OUTCOME_SUM_BYTES) == outcome_block_mark();
}

int outcome_blocks_count(struct db *db, int64_t *out, struct err *err)
{
	int64_t last;

	if (db_int(db, "SELECT max(id) FROM account", -1, &last, err) < 0)
		return -1;
	*out = last / OUTCOME_BLOCK + 1;
	return 0;
}

/* The records of a block one after the other, those that hold on a day. */
struct records {
	const char *at;
	int64_t first_account;
	int32_t day; /* behind the block's */
};

/* Reads how the next record begins. Whether it holds; then its account and kind, else it is passed over. */
static bool begin_record(struct records *r, size_t bytes, int64_t *out_account, int *out_kind)
{
	const unsigned char *head = (const unsigned char *)r->at;
	unsigned who = pack_load_2(head);

	if (r->day < head[OUTCOME_WHO_BYTES] || r->day >= head[OUTCOME_WHO_BYTES + 1]) {
		r->at += bytes;
		return false;
	}
	*out_account = r->first_account + who % OUTCOME_BLOCK;
	*out_kind = (int)(who >> OUTCOME_KIND_SHIFT);
	r->at += OUTCOME_WHO_BYTES + OUTCOME_WHEN_BYTES;
	return true;
}

static void get_firsts(struct kept *k, struct records *r, size_t n)
{
	int64_t account;
	int kind;

	for (size_t i = 0; i < n; i++)
		if (begin_record(r, OUTCOME_FIRST_BYTES, &account, &kind))
			note_from(k, (int32_t)outcome_get(&r->at, 4));
}

static size_t get_spans(struct records *r, struct outcome_span *spans, size_t n)
{
	size_t n_spans = 0;
	int kind;

	for (size_t i = 0; i < n; i++) {
		struct outcome_span *span = &spans[n_spans];

		if (!begin_record(r, OUTCOME_SPAN_BYTES, &span->account, &kind))
			continue;
		span->from = (int32_t)outcome_get(&r->at, 4);
		span->to = (int32_t)outcome_get(&r->at, 4);
		n_spans++;
	}
	return n_spans;
}

static void get_events(struct kept *k, struct records *r, size_t n)
{
	int kind;

	for (size_t i = 0; i < n; i++) {
		struct outcome *e = &k->events[k->n_events];

		if (!begin_record(r, OUTCOME_EVENT_BYTES, &e->account, &kind))
			continue;
		e->kind = (enum outcome_kind)kind;
		e->on = (int32_t)outcome_get(&r->at, 4);
		e->minor = outcome_get(&r->at, 8);
		e->currency = same_currency(k, *r->at ? r->at : NULL);
		r->at += OUTCOME_CURRENCY_BYTES;
		k->n_events++;
	}
}

/* What a good block says on a day on which it holds. False when it makes no sense. */
static bool unpack(struct kept *k, const struct outcome_block *b, int32_t known_on)
{
	const char *at = b->data + OUTCOME_SUM_BYTES + 4;
	size_t n_firsts = (uint32_t)outcome_get(&at, 4), n_customers = (uint32_t)outcome_get(&at, 4);
	size_t n_leaving = (uint32_t)outcome_get(&at, 4), n_events = (uint32_t)outcome_get(&at, 4);
	struct records r = { at, b->block * OUTCOME_BLOCK, known_on - b->known_on };

	if (b->len != OUTCOME_HEAD_BYTES + OUTCOME_FIRST_BYTES * n_firsts + OUTCOME_EVENT_BYTES * n_events +
	              OUTCOME_SPAN_BYTES * (n_customers + n_leaving))
		return false;
	make_room(k, n_events, n_customers, n_leaving);
	get_firsts(k, &r, n_firsts);
	k->n_customers += get_spans(&r, k->customers + k->n_customers, n_customers);
	k->n_leaving += get_spans(&r, k->leaving + k->n_leaving, n_leaving);
	get_events(k, &r, n_events);
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

		next = end - from < BLOCKS_AT_ONCE ? end : from + BLOCKS_AT_ONCE;
		if (outcomes_load_range(db, known_on, from * OUTCOME_BLOCK, next * OUTCOME_BLOCK - 1, scratch, &some, err) < 0)
			return -1;
		add(k, &some);
		settle(k);
		arena_reset(scratch);
	}
	return 0;
}

static int load(struct kept *k, struct db *db, int32_t known_on, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"SELECT block, known_on, until_on, data FROM outcome_pack WHERE known_on <= :known AND until_on > :known "
		"ORDER BY block");
	int64_t n_blocks, next = 0;
	int rc;

	bind_day(q, ":known", known_on);
	if (outcome_blocks_count(db, &n_blocks, err) < 0)
		return -1;
	while ((rc = stmt_step(q, err)) > 0) {
		struct outcome_block b = outcome_block_read(q);

		if (!outcome_block_is_good(&b))
			continue;
		if (add_from_rows(k, db, known_on, next, b.block, err) < 0)
			return -1;
		if (!unpack(k, &b, known_on))
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
