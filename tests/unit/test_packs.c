/* Whether an account has a pack changes nothing of what is known of it, on no day, whatever became of its rows. */
#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/store/pack_cells.h"
#include "../../src/store/pack_load.h"
#include "../../src/store/pack_parts.h"
#include "random_book.h"
#include "store/facts.h"
#include "store/identity.h"
#include "store/migrate.h"
#include "store/packs.h"
#include "store/record.h"
#include "store/usage.h"

#ifdef RETAIND_FAULTS /* under sanitizers, several times as slow: those look for other mistakes */
enum { N_BOOKS = 5 };
#else
enum { N_BOOKS = 12 };
#endif
enum { D = 20000, N_ACCOUNTS = 6, N_ROWS = 60, N_DAYS = 12, N_LOOKS = 6 };
static struct err err;
static struct arena *a;
static struct db *db;
static const struct zone *zone;
static uint64_t seed;

static void run(const char *sql)
{
	ASSERT_OK(db_run(db, sql, &err));
}

static int64_t number(const char *sql)
{
	int64_t n = -1;

	ASSERT_OK(db_int(db, sql, -1, &n, &err));
	return n;
}

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	ASSERT_OK(zone_open(a, "Europe/Paris", &zone, &err));
	ASSERT_OK(db_open(":memory:", DB_WRITE, &db, &err));
	ASSERT_OK(migrate_run(db, 0, &err));
	run("INSERT INTO source (id, name, kind, last_ok_on) VALUES (1, 'crm', 'csv', 19000), (2, 'desk', 'csv', NULL)");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_closep(&db);
	arena_free(a);
	return 0;
}

/* What is told of an account, as a text ---------------------------------------------------------------------------- */

static void tell_days(struct buf *b, const struct fact_days *d)
{
	for (size_t i = 0; i < FACTS_DAYS / 64; i++)
		buf_printf(b, " %llx", (unsigned long long)d->words[i]);
	buf_text(b, "\n");
}

static void tell_contracts(struct buf *b, const struct fact_account *f)
{
	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];

		buf_printf(b, "subscription %s|%s|%s %lld %lld %d %d %d %d %d%d%d%d", s->product, s->plan, s->currency,
		           (long long)s->seats, (long long)s->mrr_minor, s->start_on, s->end_on, s->renewal_on,
		           s->cancel_notice_on, s->is_trial, s->is_active, s->renews_by_hand, s->was_switched_off);
		for (int m = 0; m < FACT_MARKS; m++)
			buf_printf(b, " %lld", (long long)s->mrr_was_minor[m]);
		buf_text(b, "\n");
	}
	for (size_t i = 0; i < f->n_limits; i++)
		buf_printf(b, "limit %s %lld %d\n", f->limits[i].metric, (long long)f->limits[i].value,
		           f->limits[i].period_days);
	for (size_t i = 0; i < f->n_opportunities; i++) {
		const struct fact_opportunity *o = &f->opportunities[i];

		buf_printf(b, "opportunity %s|%s|%s %lld %d %d %d%d\n", o->name, o->kind, o->currency,
		           (long long)o->amount_minor, o->created_on, o->close_on, o->is_closed, o->is_won);
	}
	for (size_t i = 0; i < f->n_invoices; i++) {
		const struct fact_invoice *v = &f->invoices[i];

		buf_printf(b, "invoice %lld %s %d %d %d %d %d\n", (long long)v->amount_minor, v->currency, v->issued_on,
		           v->due_on, v->paid_on, v->failed_on, v->disputed_on);
	}
	for (size_t i = 0; i < f->n_notices; i++) {
		const struct fact_notice *n = &f->notices[i];

		buf_printf(b, "notice %s|%s|%s %d %d %lld\n", n->kind, n->currency, n->text, n->noticed_on, n->effective_on,
		           (long long)n->amount_minor);
	}
}

static void tell_events(struct buf *b, const struct fact_account *f)
{
	for (size_t i = 0; i < f->n_tickets; i++) {
		const struct fact_ticket *t = &f->tickets[i];

		buf_printf(b, "ticket %s|%s|%s|%s %d %d %d %lld %d %d\n", t->priority, t->category, t->subject, t->text,
		           t->opened_on, t->closed_on, t->replied_on, (long long)t->satisfaction, t->is_escalated,
		           t->n_reopened);
	}
	for (size_t i = 0; i < f->n_interactions; i++) {
		const struct fact_interaction *x = &f->interactions[i];

		buf_printf(b, "interaction %s|%s|%s|%s %d %d\n", x->kind, x->direction, x->person, x->text, x->on,
		           x->was_put_off);
	}
	for (size_t i = 0; i < f->n_surveys; i++)
		buf_printf(b, "survey %s|%s %lld %d\n", f->surveys[i].kind, f->surveys[i].comment,
		           (long long)f->surveys[i].score, f->surveys[i].on);
	buf_text(b, "moved");
	tell_days(b, &f->moved);
}

static const char *told(const struct fact_account *f)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, 1 << 24);
	buf_printf(&b, "account %lld %s|%s|%s|%s|%s|%s|%s|%s|%s %lld %lld %d %d %d %d %d %d\n", (long long)f->id, f->key,
	           f->name, f->domain, f->external_id, f->segment, f->plan, f->currency, f->csm_email, f->am_email,
	           (long long)f->seats, (long long)f->arr_minor, f->renewal_on, f->created_on, f->customer_since_on,
	           f->is_customer, f->was_customer, f->heard_on);
	tell_contracts(&b, f);
	tell_events(&b, f);
	for (size_t i = 0; i < f->n_people; i++) {
		const struct fact_person *p = &f->people[i];

		buf_printf(&b, "person %s|%s|%s|%s %d %d used", p->key, p->name, p->role, p->team, p->is_key, p->left_on);
		tell_days(&b, &p->used);
		buf_text(&b, "spoke");
		tell_days(&b, &p->spoke);
	}
	for (size_t i = 0; i < f->n_teams; i++) {
		buf_printf(&b, "team %s", f->teams[i].name);
		tell_days(&b, &f->teams[i].used);
	}
	assert_false(b.is_full);
	return arena_strdup(a, b.at);
}

/* Rows at random --------------------------------------------------------------------------------------------------- */

/* One word in four is none. */
static const char *any_of(const char *const *words, int n)
{
	int i = random_upto(&seed, n + n / 3 + 1);

	return i < n ? words[i] : NULL;
}

static int32_t any_day(void)
{
	return D - 700 + random_upto(&seed, 760);
}

static const char *any_text(const char *field)
{
	static const struct { const char *field; const char *words[6]; } texts[] = {
		{ "kind", { "meeting", "email", "call", "renewal", "cancel", "nps" } },
		{ "direction", { "in", "out", "in", "out", "in", "out" } },
		{ "contact_key", { "p1", "p2", "p3", "a@x.example", "p4", "b@x.example" } },
		{ "email", { "a@x.example", "b@x.example", "p1", "c@x.example", "p9", "d@x.example" } },
		{ "outcome", { "held", "Cancelled", "no_show", "moved", "done", "declined" } },
		{ "status", { "open", "paid", "void", "draft", "paid", "sent" } },
		{ "role", { "champion", "user", "sponsor", "admin", "user", "decision_maker" } },
		{ "csm_key", { "o1", "o2", "Z@x.example", "o3", "y@x.example", "o1" } },
		{ "period", { "month", "week", "level", "fortnight", "", "day" } },
	};
	static const char *const any[] = { "", "alpha", "beta", "gamma", "EUR", "USD", "delta" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].field, field) == 0)
			return any_of(texts[i].words, (int)ARRAY_LEN(texts[i].words));
	return any_of(any, (int)ARRAY_LEN(any));
}

static int64_t any_number(enum value_type type)
{
	switch (random_upto(&seed, 12)) {
	case 0: return INT64_MAX;
	case 1: return INT64_MIN;
	case 2: return DAY_NONE;
	default: return type == VALUE_BOOL ? random_upto(&seed, 2) : random_upto(&seed, 3000) - 20;
	}
}

static void set_value(const struct entity_field *f, struct value *v)
{
	*v = (struct value){ .is_set = f->is_required || random_upto(&seed, 3) > 0 };
	v->is_null = !f->is_required && random_upto(&seed, 4) == 0;
	if (f->type == VALUE_TEXT) {
		v->text = f->words ? f->words[0] : any_text(f->name);
		if (f->is_required && !v->text)
			v->text = "some";
	} else if (f->type == VALUE_DAY) {
		v->number = v->is_null ? DAY_NONE : any_day();
	} else if (f->type == VALUE_INSTANT) {
		v->number = v->is_null ? INSTANT_NONE : (int64_t)any_day() * 86400 + random_upto(&seed, 86400);
	} else if (f->type == VALUE_BOOL) {
		v->number = random_upto(&seed, 2);
	} else {
		v->number = any_number(f->type);
	}
}

static void put_one(const struct entity *e, int32_t known_on)
{
	struct record r = { .entity = e };
	bool is_account = strcmp(e->name, "account") == 0;
	int64_t source = is_account ? 1 : 1 + random_upto(&seed, 2);

	r.key = arena_printf(a, "%c%d", e->name[0], random_upto(&seed, is_account ? N_ACCOUNTS : N_ROWS / 8));
	if (strcmp(e->name, "contact") == 0)
		r.key = arena_printf(a, "p%d", random_upto(&seed, 8));
	if (random_upto(&seed, 12) == 0 && !is_account) {
		assert_int_not_equal(record_delete(db, source, e, r.key, known_on, &err), -1);
		return;
	}
	if (e->has_account && random_upto(&seed, 8) > 0) {
		r.account_key = arena_printf(a, "a%d", random_upto(&seed, N_ACCOUNTS));
		r.account_by = source == 1 ? ACCOUNT_BY_KEY : ACCOUNT_BY_EXTERNAL_ID;
	}
	for (int i = 0; i < e->n_fields; i++)
		set_value(&e->fields[i], &r.values[i]);
	if (is_account) {
		r.values[entity_field_index(e, "external_id")] = (struct value){ .is_set = true, .text = r.key };
		r.values[entity_field_index(e, "merged_into")] = (struct value){
			.is_set = true, .text = random_upto(&seed, 12) == 0 ? "a0" : NULL };
		r.values[entity_field_index(e, "merged_keys")] = (struct value){ .is_set = true };
	}
	assert_int_not_equal(record_put(db, source, &r, known_on, &err), -1);
}

static void put_use(void)
{
	static const char *const people[] = { "p1", "p2", "a@x.example", "p7", "q" };
	static const char *const teams[] = { "alpha", "beta", "north" };
	const char *person = any_of(people, (int)ARRAY_LEN(people)), *team = any_of(teams, (int)ARRAY_LEN(teams));

	run(arena_printf(a, "INSERT INTO usage_detail SELECT id, %d, %d, '%s', '%s', %d FROM account WHERE id = %d "
	                 "ON CONFLICT DO UPDATE SET value = excluded.value", any_day(), 1 + random_upto(&seed, 2),
	                 person ? person : "", team ? team : "", random_upto(&seed, 3),
	                 1 + random_upto(&seed, N_ACCOUNTS)));
}

/* What a day brings. */
static void put_some(int32_t known_on, int n)
{
	struct txn txn = { 0 };

	ASSERT_OK(txn_begin(&txn, db, &err));
	for (int i = 0; i < n; i++) {
		const struct entity *e = &entities[random_upto(&seed, 11)]; /* without rates and usage */

		put_one(e, known_on);
		if (random_upto(&seed, 3) == 0)
			put_use();
	}
	if (random_upto(&seed, 3) > 0)
		assert_true(record_resolve_links(db, &err) >= 0);
	ASSERT_OK(txn_commit(&txn, &err));
}

/* Comparing -------------------------------------------------------------------------------------------------------- */

static void load(int32_t as_of, struct fact_base *base, struct fact_account *out)
{
	const struct fact_query q = { .as_of = as_of, .zone = zone, .stale_days = 3 };

	ASSERT_OK(facts_base_load(db, &q, a, base, &err));
	ASSERT_OK(facts_load(db, &q, base, 0, base->n_members, a, out, &err));
}

/* The accounts of a day, with the packs that there are and without any. */
static void look(int32_t as_of)
{
	static struct fact_account packed[N_ACCOUNTS + 1], rows[N_ACCOUNTS + 1];
	struct fact_base base;

	load(as_of, &base, packed);
	run("CREATE TEMP TABLE kept AS SELECT * FROM account_pack; DELETE FROM account_pack");
	load(as_of, &base, rows);
	run("INSERT INTO account_pack SELECT * FROM kept; DROP TABLE kept");
	for (size_t i = 0; i < base.n_members; i++)
		assert_string_equal(told(&packed[i]), told(&rows[i]));
}

static void a_pack_tells_of_every_day_what_the_rows_tell(void **state)
{
	int64_t n_read = 0;

	(void)state;
	for (int book = 1; book <= N_BOOKS; book++) {
		int32_t day = D - 60 + random_upto(&seed, 60);

		assert_int_equal(teardown(NULL), 0);
		assert_int_equal(setup(NULL), 0);
		seed = (uint64_t)book * 7919;
		put_some(day, N_ROWS * 3);
		for (int i = 0; i < N_DAYS; i++) {
			if (random_upto(&seed, 2))
				assert_true(packs_refresh(db, zone, day, &err) >= 0);
			n_read += number("SELECT count(*) FROM account_pack WHERE account_id NOT IN "
			                 "(SELECT account_id FROM pack_stale)");
			for (int k = 0; k < N_LOOKS; k++)
				look(day + 40 - random_upto(&seed, 100));
			day += random_upto(&seed, 20);
			put_some(day, random_upto(&seed, 6));
		}
	}
	assert_true(n_read > N_BOOKS * N_DAYS);
}

/* Single cases ----------------------------------------------------------------------------------------------------- */

static void put_acme(void)
{
	run("INSERT INTO account (id, source_id, source_key, name) VALUES (1, 1, 'a1', 'Acme'), (2, 1, 'a2', 'Bolt');"
	    "INSERT INTO interaction (id, source_id, source_key, account_id, kind, direction, at) VALUES "
	    "(1, 1, 'i1', 1, 'email', 'in', 19300 * 86400), (2, 1, 'i2', 1, 'meeting', NULL, 19400 * 86400), "
	    "(3, 1, 'i3', 1, 'email', 'out', 19900 * 86400)");
}

static void what_was_deleted_lately_was_heard_until_then_though_it_lies_before_what_a_pack_holds(void **state)
{
	(void)state;
	put_acme();
	run("UPDATE interaction SET deleted_on = 20005 WHERE id = 2");
	assert_int_equal(packs_refresh(db, zone, D + 10, &err), 2);
	for (int32_t day = D; day < D + 10; day++)
		look(day);
}

static void a_meeting_of_long_ago_that_was_moved_lately_is_told_of_as_it_was(void **state)
{
	(void)state;
	put_acme();
	run("INSERT INTO history VALUES ('interaction', 2, 'at', -2147483647, 20030 * 86400), "
	    "('interaction', 2, 'at', 19990, 20060 * 86400), ('interaction', 2, 'at', 20005, 19400 * 86400)");
	assert_int_equal(packs_refresh(db, zone, D + 10, &err), 2);
	for (int32_t day = D - 15; day < D + 10; day++)
		look(day);
}

static void a_damaged_pack_is_counted_and_the_rows_are_read_instead(void **state)
{
	int64_t n, damaged, len;

	(void)state;
	put_acme();
	assert_int_equal(packs_refresh(db, zone, D, &err), 2);
	len = number("SELECT length(data) FROM account_pack WHERE account_id = 1");
	for (int64_t at = 0; at < len; at++) {
		run("DROP TABLE IF EXISTS temp.whole; CREATE TEMP TABLE whole AS SELECT * FROM account_pack");
		run(arena_printf(a, "UPDATE account_pack SET data = CAST(substr(data, 1, %lld) || "
		                 "CASE WHEN substr(data, %lld, 1) = x'2a' THEN x'2b' ELSE x'2a' END || substr(data, %lld) "
		                 "AS BLOB) WHERE account_id = 1", (long long)at, (long long)at + 1, (long long)at + 2));
		ASSERT_INT(number("SELECT length(data) FROM account_pack WHERE account_id = 1"), len);
		ASSERT_OK(packs_check(db, &n, &damaged, &err));
		ASSERT_INT(n, 2);
		ASSERT_INT(damaged, 1);
		if (at % 7 == 0)
			look(D);
		run("UPDATE account_pack SET data = (SELECT data FROM temp.whole w "
		    "WHERE w.account_id = account_pack.account_id)");
	}
	run("UPDATE account_pack SET data = substr(data, 1, 5) WHERE account_id = 2");
	ASSERT_OK(packs_check(db, &n, &damaged, &err));
	ASSERT_INT(damaged, 1);
	look(D);
}

static void packs_are_made_anew_for_another_zone_and_only_where_something_changed(void **state)
{
	(void)state;
	put_acme();
	assert_int_equal(packs_refresh(db, zone, D, &err), 2);
	assert_int_equal(packs_refresh(db, zone, D, &err), 0);
	run("UPDATE interaction SET account_id = 2 WHERE id = 3");
	assert_int_equal(packs_refresh(db, zone, D, &err), 2);
	run("UPDATE account SET name = 'Acme & Co' WHERE id = 1");
	assert_int_equal(packs_refresh(db, zone, D, &err), 1);
	assert_int_equal(packs_refresh(db, zone_utc(), D, &err), 2);
	look(D); /* in the other zone: the packs are none of its own */
}

static void what_is_no_longer_kept_leaves_packs_as_they_are(void **state)
{
	(void)state;
	put_acme();
	run("INSERT INTO usage_detail VALUES (1, 18000, 1, 'p', '', 5), (1, 19990, 1, 'p', '', 5);"
	    "UPDATE interaction SET subject = 'S', body = 'B' WHERE id = 3");
	assert_int_equal(packs_refresh(db, zone, D, &err), 2);
	run("DELETE FROM usage_detail WHERE day < 19000; UPDATE interaction SET subject = NULL, body = NULL");
	assert_int_equal(packs_refresh(db, zone, D, &err), 0);
	look(D);
	run("UPDATE interaction SET body = 'once more' WHERE id = 3");
	assert_int_equal(packs_refresh(db, zone, D, &err), 1);
	look(D);
	run("DELETE FROM usage_detail");
	assert_int_equal(packs_refresh(db, zone, D, &err), 1);
	look(D);
	assert_int_equal(packs_refresh(db, zone, D + 182, &err), 0);
	assert_int_equal(packs_refresh(db, zone, D + 183, &err), 2); /* half a year later they hold less */
	assert_int_equal(packs_refresh(db, zone, D - 900, &err), 0);
	ASSERT_INT(number("SELECT since_on FROM pack_made"), D - 900 - 479);
}

static void ten_users_a_day(int64_t account, int days)
{
	run(arena_printf(a, "INSERT INTO usage_detail WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
	                    "WHERE i < %d) SELECT %d, i / 10, 1, 'user' || (i %% 10), '', 1 FROM n",
	                 10 * days - 1, (int)account));
}

static void accounts_with_very_many_rows_are_not_in_memory_together(void **state)
{
	static const int64_t accounts[] = { 1, 2, 3 };
	size_t fit = 3;

	(void)state;
	run("INSERT INTO account (id, source_id, source_key) VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c')");
	ten_users_a_day(1, 3);
	ASSERT_OK(packing_fit(db, accounts, 3, &fit, &err));
	ASSERT_INT(fit, 3);
	ten_users_a_day(2, 11000);
	ten_users_a_day(3, 11000);
	ASSERT_OK(packing_fit(db, accounts, 3, &fit, &err));
	ASSERT_INT(fit, 1);
	ASSERT_OK(packing_fit(db, accounts, 3, &fit, &err)); /* once more of them, as far as that goes */
	ASSERT_INT(fit, 2);
	ASSERT_OK(packing_fit(db, accounts + 1, 2, &fit, &err));
	ASSERT_INT(fit, 1);
	assert_int_equal(packs_refresh(db, zone, D, &err), 3);
	ASSERT_INT(number("SELECT count(*) FROM account_pack"), 3);
}

static void nothing_is_left_of_an_account_that_is_erased(void **state)
{
	(void)state;
	put_acme();
	assert_int_equal(packs_refresh(db, zone, D, &err), 2);
	ASSERT_OK(packs_erase(db, 1, &err));
	ASSERT_INT(number("SELECT count(*) FROM account_pack"), 1);
	run("DELETE FROM account WHERE id = 2");
	ASSERT_INT(number("SELECT count(*) FROM account_pack"), 0);
	run("UPDATE account SET name = 'A' WHERE id = 1; PRAGMA foreign_keys = OFF; DELETE FROM account");
	ASSERT_INT(number("SELECT count(*) FROM pack_stale"), 0);
	run("INSERT INTO pack_stale VALUES (1)"); /* its rows went after it */
	assert_true(packs_refresh(db, zone, D, &err) >= 0);
	ASSERT_INT(number("SELECT count(*) FROM account_pack"), 0);
}

static int64_t edge(void)
{
	static const int64_t edges[] = { 0, 1, -1, 127, 128, 255, 256, 65535, 65536, -128, -129, -32769, INT32_MAX,
		PACK_NONE, PACK_NONE, PACK_NONE + 1, INT64_MAX, INT64_MIN, INT64_MIN + 1, 20000, 20001, 20002 };

	return edges[random_upto(&seed, (int)ARRAY_LEN(edges))];
}

static void numbers_of_any_size_come_out_of_a_pack_as_they_went_in(void **state)
{
	(void)state;
	seed = 5;
	for (int round = 0; round < 3000; round++) {
		CLEANUP(buf_done) struct buf bytes;
		struct pack_draft d = { .arena = a, .since = D };
		int64_t cells[MOVE_GONE + 1][40], out[40];
		size_t n = 1 + (size_t)random_upto(&seed, 40);
		struct pack p;

		for (size_t i = 0; i < n; i++) {
			int64_t *row = pack_row(&d, PACK_MOVE);

			row[MOVE_KNOWN] = cells[MOVE_KNOWN][i] = round % 3 ? edge() : D + random_upto(&seed, 1 << (round % 20));
			row[MOVE_GONE] = cells[MOVE_GONE][i] = round % 5 ? PACK_NONE : edge();
		}
		buf_init(&bytes, 1 << 20);
		pack_write(&d, 7, &bytes);
		assert_true(pack_open(bytes.at, bytes.len, &p));
		ASSERT_INT(p.n[PACK_MOVE], n);
		ASSERT_INT(p.since, D);
		assert_true(pack_column(&p, PACK_MOVE, MOVE_KNOWN, out));
		assert_memory_equal(out, cells[MOVE_KNOWN], n * sizeof *out);
		assert_true(pack_column(&p, PACK_MOVE, MOVE_GONE, out));
		assert_memory_equal(out, cells[MOVE_GONE], n * sizeof *out);
	}
}

static void cells_of_a_width_that_there_is_not_are_no_pack(void **state)
{
	CLEANUP(buf_done) struct buf bytes;
	struct pack_draft d = { .arena = a };
	struct pack_cells cells;
	unsigned char *code;
	struct pack p;

	(void)state;
	pack_row(&d, PACK_MOVE)[MOVE_KNOWN] = D;
	buf_init(&bytes, 1 << 20);
	pack_write(&d, 7, &bytes);
	assert_true(pack_open(bytes.at, bytes.len, &p));
	code = (unsigned char *)bytes.at + (p.sections[PACK_MOVE].at - (const unsigned char *)bytes.at);
	assert_true(pack_cells(&p, PACK_MOVE, 1, &cells));
	ASSERT_INT(cells.width, 0); /* one row: its base alone */
	for (int width = N_PACK_WIDTHS; width <= PACK_WIDTH_MASK; width++) {
		*code = (unsigned char)((*code & ~PACK_WIDTH_MASK) | width);
		assert_false(pack_cells(&p, PACK_MOVE, 1, &cells));
	}
}

static void words_have_numbers_in_their_order(void **state)
{
	CLEANUP(buf_done) struct buf bytes;
	struct pack_draft d = { .arena = a };
	int64_t *row = pack_row(&d, PACK_USE), out[1];
	const char *words[16];
	struct pack p;

	(void)state;
	row[USE_TEAM] = pack_word(&d, "north");
	row[USE_PERSON] = pack_word(&d, "ann");
	ASSERT_INT(pack_word(&d, "north"), row[USE_TEAM]);
	ASSERT_INT(pack_word(&d, NULL), 0);
	buf_init(&bytes, 1 << 20);
	pack_write(&d, 7, &bytes);
	assert_true(pack_open(bytes.at, bytes.len, &p));
	ASSERT_INT(p.n_words, 3);
	assert_memory_equal(p.words, "\0ann\0north", 11);
	pack_words_of(p.words, p.words_len, 3, words);
	assert_string_equal(words[0], "");
	assert_string_equal(words[1], "ann");
	assert_string_equal(words[2], "north");
	assert_true(pack_column(&p, PACK_USE, USE_PERSON, out));
	ASSERT_INT(out[0], 1);
	assert_true(pack_column(&p, PACK_USE, USE_TEAM, out));
	ASSERT_INT(out[0], 2);
}

static void words_of_any_length_come_out_of_a_pack_as_they_went_in(void **state)
{
	static const size_t lengths[] = { 1, 2, 253, 254, 255, 256, 257, 511, 65535, 65536, 100000 };
	CLEANUP(buf_done) struct buf bytes;
	struct pack_draft d = { .arena = a };
	const char **words;
	size_t n_words;
	struct pack p;

	(void)state;
	pack_row(&d, PACK_USE)[USE_DAY] = D; /* other bytes than 0 follow the words */
	for (size_t i = 0; i < 2 * ARRAY_LEN(lengths); i++) {
		char *word = arena_alloc(a, lengths[i / 2] + 1);

		memset(word, i % 2 ? 'x' : 255, lengths[i / 2]);
		(void)pack_word(&d, word);
	}
	buf_init(&bytes, 1 << 20);
	pack_write(&d, 7, &bytes);
	assert_true(pack_open(bytes.at, bytes.len, &p));
	n_words = 2 * ARRAY_LEN(lengths) + 1;
	ASSERT_INT(p.n_words, n_words);
	words = arena_array(a, p.words_len + 1, sizeof *words);
	pack_words_of(p.words, p.words_len, n_words + 2, words);
	for (size_t i = 1; i < n_words; i++) { /* ascending: those of x first, the shorter before the longer */
		size_t length = lengths[(i - 1) % ARRAY_LEN(lengths)];

		ASSERT_INT(strlen(words[i]), length);
		assert_int_equal((unsigned char)words[i][length - 1], i <= ARRAY_LEN(lengths) ? 'x' : 255);
	}
	assert_string_equal(words[0], "");
	assert_string_equal(words[n_words], "");
	assert_string_equal(words[n_words + 1], "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pack_tells_of_every_day_what_the_rows_tell, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_deleted_lately_was_heard_until_then_though_it_lies_before_what_a_pack_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(a_meeting_of_long_ago_that_was_moved_lately_is_told_of_as_it_was, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_damaged_pack_is_counted_and_the_rows_are_read_instead, setup, teardown),
		cmocka_unit_test_setup_teardown(packs_are_made_anew_for_another_zone_and_only_where_something_changed, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(what_is_no_longer_kept_leaves_packs_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(accounts_with_very_many_rows_are_not_in_memory_together, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_left_of_an_account_that_is_erased, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_of_any_size_come_out_of_a_pack_as_they_went_in, setup, teardown),
		cmocka_unit_test_setup_teardown(cells_of_a_width_that_there_is_not_are_no_pack, setup, teardown),
		cmocka_unit_test_setup_teardown(words_have_numbers_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(words_of_any_length_come_out_of_a_pack_as_they_went_in, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
