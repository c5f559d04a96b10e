#include "random_book.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"

enum {
	MAX_ROWS = 200, MAX_SUBSCRIPTIONS = 40, LONG_BEFORE = 420, SHORT_AFTER = 70, BEGINNING = -2147483647,
	N_RICH = 2, ID_SLOTS = 97 /* a prime: ids are multiples of a number modulo it */
};

struct making {
	uint64_t seed;
	struct arena *arena;
	struct random_book *book;
	int n_accounts, n_subscriptions, n_bills;
};

uint64_t random_next(uint64_t *seed)
{
	uint64_t z = *seed += 0x9E3779B97F4A7C15u; /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

int random_upto(uint64_t *seed, int n)
{
	return (int)(random_next(seed) % (uint64_t)n);
}

static int upto(struct making *m, int n)
{
	return random_upto(&m->seed, n);
}

static bool one_in(struct making *m, int n)
{
	return upto(m, n) == 0;
}

/* One of the words, NULL among them. */
#define PICK(m, words) ((words)[upto(m, (int)ARRAY_LEN(words))])

static const char *quoted(struct making *m, const char *text)
{
	return text ? arena_printf(m->arena, "'%s'", text) : "NULL";
}

static void add_row(struct making *m, const char *sql)
{
	if (m->book->n_rows < MAX_ROWS)
		m->book->rows[m->book->n_rows++] = sql;
}

/* days ------------------------------------------------------------------------------------------------------------- */

static int32_t some_day(struct making *m)
{
	const struct random_book *b = m->book;
	int span = upto(m, RANDOM_SPANS);
	int32_t end = one_in(m, 2) ? b->from[span] : b->to[span];

	switch (upto(m, 6)) {
	case 0:
		return end;
	case 1:
		return end + upto(m, 3) - 1;
	case 2:
		return day_add_months(end, upto(m, 25) - 18);
	default:
		return b->from[0] - LONG_BEFORE + upto(m, b->as_of - b->from[0] + LONG_BEFORE + SHORT_AFTER);
	}
}

static const char *day_or_null(struct making *m, int null_in)
{
	return one_in(m, null_in) ? "NULL" : arena_printf(m->arena, "%" PRId32, some_day(m));
}

/* Of two days the earlier, so that there is something at the start of a window. */
static const char *early_day(struct making *m)
{
	int32_t a = some_day(m), b = some_day(m);

	return arena_printf(m->arena, "%" PRId32, a < b ? a : b);
}

static const char *late_day(struct making *m)
{
	int32_t a = some_day(m), b = some_day(m);

	return arena_printf(m->arena, "%" PRId32, a > b ? a : b);
}

/* Windows of a month, a quarter, a year, or anything. */
static void draw_spans(struct making *m)
{
	static const int months[] = { 1, 1, 3, 12, 12 };
	struct random_book *b = m->book;
	int32_t first = day_add_months(day_of(2025, 1, 1), upto(m, 14));

	first -= upto(m, 2);
	for (int i = 0; i < RANDOM_SPANS; i++) {
		b->from[i] = first + i + (one_in(m, 3) ? RANDOM_SPANS * upto(m, 20) : 0); /* no two are the same */
		b->to[i] = one_in(m, 4) ? b->from[i] + 1 + upto(m, 300) : day_add_months(b->from[i], PICK(m, months));
	}
	b->as_of = b->to[0];
	for (int i = 1; i < RANDOM_SPANS; i++)
		b->as_of = b->to[i] > b->as_of ? b->to[i] : b->as_of;
	if (one_in(m, 3))
		b->as_of += upto(m, 40);
}

/* history ---------------------------------------------------------------------------------------------------------- */

typedef const char *draw_fn(struct making *m); /* gives a value as SQL text: 'x', '12' or NULL */

/* What a tracked field was, and is now: as the store keeps it, from the beginning on or not at all. */
static const char *changing(struct making *m, const char *entity, char id, int number, const char *field, draw_fn *draw,
                            int changes_in)
{
	const char *value = draw(m), *all = "";
	int32_t day = BEGINNING;

	if (!changes_in || !one_in(m, changes_in))
		return value;
	for (int n = 1 + upto(m, 3);; n--) {
		all = arena_printf(m->arena, "%s%s('%s', #%c%d#, '%s', %" PRId32 ", CAST(%s AS TEXT))", all, *all ? ", " : "",
		                   entity, id, number, field, day, value);
		if (n == 0)
			break;
		day = day == BEGINNING ? some_day(m) : day + 1 + upto(m, 90);
		value = draw(m);
	}
	add_row(m, arena_printf(m->arena, "INSERT INTO history (entity, entity_id, field, known_on, value) VALUES %s",
	                        all));
	return value;
}

/* values ----------------------------------------------------------------------------------------------------------- */

static const char *some_amount(struct making *m)
{
	static const int64_t amounts[] = { 100, 100, 200, 250, 1, 0, 999, 12345, 3333333, 40000000000000 };
	int n = (int)ARRAY_LEN(amounts) - m->book->is_mixed; /* what SQL can exchange in 64 bits */
	int64_t minor = one_in(m, 40) ? -150 : amounts[upto(m, n)];

	return one_in(m, 60) ? "NULL" : arena_printf(m->arena, "%" PRId64, one_in(m, 3) ? minor + upto(m, 50) : minor);
}

static const char *some_plan(struct making *m)
{
	static const char *const plans[] = { NULL, "Basic", "Pro", "Team" };

	return quoted(m, PICK(m, plans));
}

static const char *some_product(struct making *m)
{
	static const char *const products[] = { NULL, "core", "core", "chat", "vault" };

	return quoted(m, PICK(m, products));
}

static const char *some_segment(struct making *m)
{
	static const char *const segments[] = { NULL, "", "SMB", "Mid", "Enterprise" };

	return quoted(m, PICK(m, segments));
}

static const char *some_region(struct making *m)
{
	static const char *const regions[] = { NULL, "EU", "US", "APAC" };

	return quoted(m, PICK(m, regions));
}

static const char *some_owner(struct making *m)
{
	static const char *const owners[] = { NULL, "ada@x.example", "bob@x.example", "cyd@x.example" };

	return quoted(m, PICK(m, owners));
}

static const char *some_parent(struct making *m)
{
	return one_in(m, 3) ? "NULL" : arena_printf(m->arena, "'a%d'", upto(m, m->n_accounts));
}

static const char *some_truth(struct making *m)
{
	return one_in(m, 3) ? "1" : one_in(m, 3) ? "NULL" : "0";
}

static const char *some_currency(struct making *m)
{
	static const char *const currencies[] = { NULL, "EUR", "EUR", "USD", "JPY" };

	return m->book->is_mixed ? quoted(m, PICK(m, currencies)) : one_in(m, 2) ? "NULL" : "'EUR'";
}

static const char *some_end(struct making *m)
{
	return one_in(m, 2) ? "NULL" : one_in(m, 3) ? day_or_null(m, 9) : late_day(m);
}

static const char *some_kind(struct making *m)
{
	static const char *const kinds[] = { NULL, "recurring", "usage", "one_time", "service" };

	return quoted(m, PICK(m, kinds));
}

static const char *some_discount(struct making *m)
{
	static const int64_t amounts[] = { 10, 50, 100, 300, -20 };

	return one_in(m, 3) ? "NULL" : arena_printf(m->arena, "%" PRId64, PICK(m, amounts));
}

static const char *some_percent(struct making *m)
{
	static const char *const percents[] = { "NULL", "10", "12.5", "33.333333", "100" };

	return PICK(m, percents);
}

static const char *some_or_no_day(struct making *m)
{
	return day_or_null(m, 3);
}

static const char *some_status(struct making *m)
{
	return one_in(m, 3) ? "'paused'" : "'active'";
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static void add_account(struct making *m, int number)
{
	const char *segment = changing(m, "account", 'A', number, "segment", some_segment, 3);
	const char *region = changing(m, "account", 'A', number, "region", some_region, 4);
	const char *csm = changing(m, "account", 'A', number, "csm_key", some_owner, 3);
	const char *am = changing(m, "account", 'A', number, "am_key", some_owner, 4);
	const char *plan = changing(m, "account", 'A', number, "plan", some_plan, 5);
	const char *parent = one_in(m, 3) ? changing(m, "account", 'A', number, "parent_key", some_parent, 3) : "NULL";
	const char *arr = one_in(m, 3) ? changing(m, "account", 'A', number, "arr_minor", some_amount, 3) : "NULL";
	const char *is_customer = one_in(m, 3) ? changing(m, "account", 'A', number, "is_customer", some_truth, 3) : "NULL";
	const char *currency = some_currency(m), *created = day_or_null(m, 3), *since = day_or_null(m, 2);
	const char *deleted = one_in(m, 10) ? late_day(m) : "NULL";

	add_row(m, arena_printf(m->arena, "INSERT INTO account (id, source_id, source_key, name, segment, region, csm_key,"
		" csm_email, am_key, am_email, plan, parent_key, parent_id, arr_minor, is_customer, currency, created_on,"
		" customer_since_on, deleted_on) VALUES (#A%d#, 1, 'a%d', 'a%d', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,"
		" %s, %s, %s)", number, number, number, segment, region, csm, csm, am, am, plan, parent,
		strcmp(parent, "NULL") == 0 ? parent : arena_printf(m->arena, "#A%c#", parent[2]), arr, is_customer,
		currency, created, since, deleted));
}

static const char *some_reason(struct making *m)
{
	static const char *const reasons[] = { NULL, "unpaid", "involuntary", "competitor" };

	return quoted(m, PICK(m, reasons));
}

/* Of one contract in a few: what it has beyond an amount. */
static void add_terms(struct making *m, int number)
{
	static const struct {
		const char *field;
		draw_fn *draw;
		int in, changes_in;
	} terms[] = {
		{ "kind", some_kind, 10, 4 }, { "discount_minor", some_discount, 8, 2 },
		{ "discount_percent", some_percent, 12, 3 }, { "discount_ends_on", some_or_no_day, 6, 4 },
		{ "paused_on", some_or_no_day, 10, 2 }, { "resumes_on", some_or_no_day, 10, 2 },
		{ "status", some_status, 10, 2 }, { "amount_from_on", some_or_no_day, 5, 2 },
		{ "seen_on", some_or_no_day, 10, 0 },
		{ "end_reason", some_reason, 3, 4 },
		/* rich */
		{ "paid_until_on", some_or_no_day, 3, 4 }, { "cancel_notice_on", some_or_no_day, 3, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(terms) - (m->book->is_rich ? 0 : N_RICH); i++) {
		const char *value;

		if (!one_in(m, terms[i].in))
			continue;
		value = changing(m, "subscription", 'S', number, terms[i].field, terms[i].draw, terms[i].changes_in);
		add_row(m, arena_printf(m->arena, "UPDATE subscription SET %s = %s WHERE id = #S%d#", terms[i].field, value,
		                        number));
	}
}

static void add_subscription(struct making *m, int account, const char *start, const char *end)
{
	int number = m->n_subscriptions++;
	const char *amount = changing(m, "subscription", 'S', number, "mrr_minor", some_amount, 3);
	const char *plan = changing(m, "subscription", 'S', number, "plan", some_plan, 4);
	const char *product = changing(m, "subscription", 'S', number, "product", some_product, 8);
	const char *is_trial = one_in(m, 4) ? changing(m, "subscription", 'S', number, "is_trial", some_truth, 2) : "NULL";
	const char *ending = end ? end : changing(m, "subscription", 'S', number, "end_on", some_end, 4);
	const char *currency = some_currency(m), *deleted = one_in(m, 12) ? late_day(m) : "NULL";

	add_terms(m, number);
	add_row(m, arena_printf(m->arena, "INSERT INTO subscription (id, source_id, source_key, account_id, mrr_minor,"
		" plan, product, is_trial, start_on, end_on, currency, deleted_on) VALUES (#S%d#, 1, 's%d', #A%d#, %s, %s, %s,"
		" %s, %s, %s, %s, %s)", number, number, account, amount, plan, product, is_trial, start, ending,
		currency, deleted));
}

/* Most have one or two lines, some go and come back, some swap one for another on one day. */
static void add_lines(struct making *m, int account)
{
	for (int n = upto(m, 5); n > 0; n--) {
		const char *start = one_in(m, 12) ? "NULL" : one_in(m, 4) ? day_or_null(m, 20) : early_day(m), *turn;

		if (m->n_subscriptions + 2 > MAX_SUBSCRIPTIONS)
			return;
		if (!one_in(m, 4)) {
			add_subscription(m, account, start, NULL);
			continue;
		}
		turn = arena_printf(m->arena, "%" PRId32, some_day(m));
		add_subscription(m, account, start, turn);
		add_subscription(m, account, one_in(m, 2) ? turn : day_or_null(m, 20), NULL);
	}
}

/* Some are paid late, some never. */
static void add_bill(struct making *m, int account)
{
	int32_t due = some_day(m), paid = due - 10 + upto(m, 150);
	int number = m->n_bills++;

	add_row(m, arena_printf(m->arena, "INSERT INTO invoice (source_id, source_key, account_id, amount_minor, issued_on,"
		" due_on, paid_on) VALUES (1, 'b%d', #A%d#, 100, %" PRId32 ", %" PRId32 ", %s)", number, account,
		due - 14, due, one_in(m, 3) ? "NULL" : arena_printf(m->arena, "%" PRId32, paid)));
}

/* Rates whose inverses are decimals too, told this way or that; some are older, some are told both ways. */
static void add_rates(struct making *m)
{
	static const struct {
		const char *currency;
		int64_t nano[4], inverse[4];
	} rates[] = {
		{ "USD", { 800000000, 1250000000, 625000000, 1000000000 }, { 1250000000, 800000000, 1600000000, 1000000000 } },
		{ "JPY", { 6250000, 8000000, 5000000, 10000000 }, { 160000000000, 125000000000, 200000000000, 100000000000 } },
	};
	const struct random_book *b = m->book;

	for (int i = 0; i < 2 * RANDOM_SPANS; i++)
		for (size_t k = 0; k < ARRAY_LEN(rates); k++) {
			int32_t day = (i % 2 ? b->from[i / 2] : b->to[i / 2]) - upto(m, 32);
			bool is_inverse = one_in(m, 3);
			int which = (day + is_inverse) % 4; /* a day that comes twice has one rate */

			add_row(m, arena_printf(m->arena, "INSERT OR IGNORE INTO rate (source_id, source_key, currency, base,"
				" rate_on, rate_nano) VALUES (1, '%s%s%" PRId32 "', '%s', '%s', %" PRId32 ", %" PRId64 ")",
				rates[k].currency, is_inverse ? "/" : "", day, is_inverse ? "EUR" : rates[k].currency,
				is_inverse ? rates[k].currency : "EUR", day,
				is_inverse ? rates[k].inverse[which] : rates[k].nano[which]));
		}
}

void random_book_make(uint64_t number, bool is_rich, struct arena *a, struct random_book *out)
{
	struct making m = { .seed = number * 0x2545F4914F6CDD1Du + 1, .arena = a, .book = out };

	*out = (struct random_book){ .number = number, .is_rich = is_rich,
		.rows = arena_array(a, MAX_ROWS, sizeof *out->rows),
		.is_left_out = arena_array(a, MAX_ROWS, sizeof *out->is_left_out) };
	draw_spans(&m);
	out->is_mixed = one_in(&m, 3);
	out->has_rates = out->is_mixed && !one_in(&m, 3);
	if (out->has_rates)
		add_rates(&m);
	m.n_accounts = 1 + upto(&m, RANDOM_ACCOUNTS);
	for (int i = 0; i < m.n_accounts; i++) {
		add_account(&m, i);
		add_lines(&m, i);
		for (int n = is_rich || one_in(&m, 3) ? upto(&m, 4) : 0; n > 0; n--)
			add_bill(&m, i);
	}
}

/* the store -------------------------------------------------------------------------------------------------------- */

/* "#A3#" becomes the id that account 3 has under this order. */
static const char *with_ids(const char *row, uint64_t order, struct arena *a)
{
	uint64_t factor = 1 + order % (ID_SLOTS - 1);
	const char *at;

	while ((at = strchr(row, '#'))) {
		uint64_t number = (uint64_t)(at[2] - '0');
		size_t n = 3;

		if (at[n] != '#')
			number = number * 10 + (uint64_t)(at[n++] - '0');
		row = arena_printf(a, "%.*s%" PRIu64 "%s", (int)(at - row), row, (number + 1) * factor % ID_SLOTS, at + n + 1);
	}
	return row;
}

/* By statements that stay prepared: a book is smaller than the work to parse them. */
static int empty(struct db *db, struct err *err)
{
	static const char *const statements[] = { "DELETE FROM history", "DELETE FROM subscription", "DELETE FROM account",
		"DELETE FROM rate", "DELETE FROM invoice",
		"INSERT OR IGNORE INTO source (id, name, kind) VALUES (1, 'billing', 'csv')" };

	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		CLEANUP(stmt_donep) struct stmt *q = db_sql(db, statements[i]);

		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

int random_book_put(const struct random_book *b, uint64_t order, struct db *db, struct arena *a, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	size_t *places = arena_array(a, b->n_rows, sizeof *places);
	uint64_t seed = order;

	for (size_t i = 0; i < b->n_rows; i++) {
		size_t j = order ? (size_t)random_upto(&seed, (int)i + 1) : i;

		places[i] = places[j];
		places[j] = i;
	}
	if (txn_begin(&txn, db, err) < 0 || empty(db, err) < 0)
		return -1;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < b->n_rows; i++) {
			const char *row = b->rows[places[i]];

			if (b->is_left_out[places[i]] || (*row == 'U') != pass)
				continue;
			if (db_run(db, with_ids(row, order, a), err) < 0)
				return -1;
		}
	return txn_commit(&txn, err);
}
