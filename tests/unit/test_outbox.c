/* The outbox: what is claimed, settled, recovered, expired, and in which order. */
#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "store/ledger.h"
#include "store/migrate.h"
#include "store/outbox.h"

enum { NOW = 1773300000, HOUR = 3600 };

static struct err err;

struct box {
	struct arena *a;
	struct db *db;
};

static int open_box(void **state)
{
	static struct box box;

	box.a = arena_new(0);
	ASSERT_OK(db_open(":memory:", DB_WRITE, &box.db, &err));
	ASSERT_OK(migrate_run(box.db, NOW, &err));
	*state = &box;
	return 0;
}

static int close_box(void **state)
{
	struct box *box = *state;

	db_close(box->db);
	arena_free(box->a);
	return 0;
}

static int64_t put_digest_of(struct box *box, const char *owner, int32_t day, const char *content)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(box->db,
		"INSERT INTO digest (owner_email, local_on, kind, as_of_on, made_at, config_hash, content)"
		" VALUES (:owner, :day, 'csm', :day, :now, 'h', :content)");

	bind_text(q, ":owner", owner);
	bind_int(q, ":day", day);
	bind_int(q, ":now", NOW);
	bind_text(q, ":content", content);
	ASSERT_OK(stmt_run(q, &err));
	return db_last_id(box->db);
}

static int64_t put_digest(struct box *box, const char *owner, int32_t day)
{
	return put_digest_of(box, owner, day, "{\"data\":{\"is_quiet\":false}}");
}

static struct outbox_message message(struct box *box, int64_t digest, const char *sink, int part)
{
	return (struct outbox_message){
		.digest_id = digest, .sink = sink, .kind = "webhook", .part = part, .body = "body", .body_len = 4,
		.content_type = "application/json", .next_at = NOW, .expires_at = NOW + 20 * HOUR,
		.delivery_key = arena_printf(box->a, "%lld/%s/%d", (long long)digest, sink, part),
	};
}

static void put(struct box *box, int64_t digest, const char *sink, int part)
{
	struct outbox_message m = message(box, digest, sink, part);

	ASSERT_INT(outbox_put(box->db, &m, &err), 1);
}

static int claim(struct box *box, const char *sink, int64_t now, struct outbox_message *out)
{
	int rc = outbox_claim(box->db, sink, true, now, box->a, out, &err);

	ASSERT_OK(rc);
	return rc;
}

static const char *settle(struct box *box, const struct outbox_message *m, enum delivery_outcome outcome,
                          int64_t retry_at)
{
	const char *state;
	struct delivery_result r = { .outcome = outcome, .status = 200, .detail = "because", .retry_at = retry_at };

	ASSERT_OK(outbox_settle(box->db, m, &r, NOW, &state, &err));
	return state;
}

static void the_same_delivery_key_is_put_once(void **state)
{
	struct box *box = *state;
	int64_t digest = put_digest(box, "ann@acme.example", 20000);
	struct outbox_message m = message(box, digest, "hook", 1);

	ASSERT_INT(outbox_put(box->db, &m, &err), 1);
	m.body = "other";
	ASSERT_INT(outbox_put(box->db, &m, &err), 0);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	assert_memory_equal(m.body, "body", 4);
}

static void a_delivery_key_differs_by_each_of_its_parts(void **state)
{
	struct box *box = *state;
	const char *keys[] = {
		outbox_key(box->a, "o", "ann@x", 1, "csm", "s", 1), outbox_key(box->a, "p", "ann@x", 1, "csm", "s", 1),
		outbox_key(box->a, "o", "bob@x", 1, "csm", "s", 1), outbox_key(box->a, "o", "ann@x", 2, "csm", "s", 1),
		outbox_key(box->a, "o", "ann@x", 1, "am", "s", 1),  outbox_key(box->a, "o", "ann@x", 1, "csm", "t", 1),
		outbox_key(box->a, "o", "ann@x", 1, "csm", "s", 2), outbox_key(box->a, "oann", "@x", 1, "csm", "s", 1),
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		ASSERT_INT(strlen(keys[i]), 64);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
	}
	assert_string_equal(keys[0], outbox_key(box->a, "o", "ann@x", 1, "csm", "s", 1));
}

static void what_is_in_flight_is_claimed_by_nobody_else_and_its_sink_waits(void **state)
{
	struct box *box = *state;
	struct outbox_message m, other;
	int64_t digest = put_digest(box, "ann@acme.example", 20000);

	put(box, digest, "hook", 1);
	put(box, put_digest(box, "bob@acme.example", 20000), "hook", 1);
	put(box, digest, "mail", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	ASSERT_INT(m.n_attempts, 1);
	ASSERT_INT(claim(box, "hook", NOW, &other), 0);
	ASSERT_INT(claim(box, "mail", NOW, &other), 1);
	assert_string_equal(settle(box, &m, DELIVERY_SENT, 0), "sent");
	ASSERT_INT(claim(box, "hook", NOW, &other), 1);
	assert_int_not_equal(other.id, m.id);
}

static void a_failed_message_is_tried_again_later_and_counts_its_attempts(void **state)
{
	struct box *box = *state;
	struct outbox_message m;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	assert_string_equal(settle(box, &m, DELIVERY_RETRY, NOW + 5), "pending");
	ASSERT_INT(claim(box, "hook", NOW + 4, &m), 0);
	ASSERT_INT(claim(box, "hook", NOW + 5, &m), 1);
	ASSERT_INT(m.n_attempts, 2);
	assert_false(m.was_ambiguous);
}

static void a_retry_that_would_come_too_late_is_dead_as_expired(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	int64_t state_of;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	assert_string_equal(settle(box, &m, DELIVERY_RETRY, m.expires_at), "dead");
	ASSERT_OK(db_int(box->db,
	                 "SELECT count(*) FROM outbox WHERE reason = 'expired: because' AND settled_at IS NOT NULL", 0,
	                 &state_of, &err));
	ASSERT_INT(state_of, 1);
}

static void what_was_never_sent_in_time_expires(void **state)
{
	struct box *box = *state;
	struct outbox_message m;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(outbox_expire(box->db, NOW + 20 * HOUR - 1, &err), 0);
	ASSERT_INT(claim(box, "hook", NOW + 20 * HOUR, &m), 0);
	ASSERT_INT(outbox_expire(box->db, NOW + 20 * HOUR, &err), 1);
	ASSERT_INT(outbox_expire(box->db, NOW + 20 * HOUR, &err), 0);
}

static void what_was_in_flight_at_a_crash_is_ambiguous_and_resent_only_where_allowed(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	int64_t open_attempts;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	ASSERT_INT(outbox_recover(box->db, NOW + 60, &err), 1);
	ASSERT_INT(outbox_recover(box->db, NOW + 60, &err), 0);
	ASSERT_OK(db_int(box->db, "SELECT count(*) FROM delivery WHERE outcome IS NULL", 0, &open_attempts, &err));
	ASSERT_INT(open_attempts, 0);
	ASSERT_INT(outbox_claim(box->db, "hook", false, NOW + 60, box->a, &m, &err), 0);
	ASSERT_INT(claim(box, "hook", NOW + 60, &m), 1);
	assert_true(m.was_ambiguous);
	ASSERT_INT(m.n_attempts, 2);
}

static void a_clock_that_was_set_back_holds_nothing_up(void **state)
{
	struct box *box = *state;
	struct outbox_message m;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_OK(sink_hold(box->db, "hook", NOW + HOUR, &err));
	ASSERT_INT(outbox_recover(box->db, NOW - 5 * HOUR, &err), 0); /* as long as a schedule may ask for */
	ASSERT_INT(claim(box, "hook", NOW - 1, &m), 0);
	ASSERT_INT(outbox_recover(box->db, NOW - 24 * HOUR, &err), 0);
	ASSERT_INT(claim(box, "hook", NOW - 24 * HOUR, &m), 1);
	assert_string_equal(settle(box, &m, DELIVERY_SENT, NOW - 24 * HOUR), "sent");
	ASSERT_INT(outbox_recover(box->db, NOW - 48 * HOUR, &err), 0);
	ASSERT_INT(claim(box, "hook", NOW - 48 * HOUR, &m), 0); /* what was sent stays sent */
}

static void a_held_ambiguous_message_waits_until_it_expires(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	int64_t due;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	assert_string_equal(settle(box, &m, DELIVERY_AMBIGUOUS, NOW), "ambiguous");
	ASSERT_OK(outbox_hold_ambiguous(box->db, "hook", NOW, &err));
	ASSERT_OK(outbox_next_due(box->db, &due, &err));
	ASSERT_INT(due, m.expires_at);
	ASSERT_INT(outbox_expire(box->db, m.expires_at, &err), 1);
}

static void parts_go_in_order_and_the_next_waits_for_the_one_before(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	int64_t digest = put_digest(box, "ann@acme.example", 20000);

	put(box, digest, "hook", 2);
	put(box, digest, "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	ASSERT_INT(m.part, 1);
	settle(box, &m, DELIVERY_RETRY, NOW + 30);
	ASSERT_INT(claim(box, "hook", NOW + 1, &m), 0);
	ASSERT_INT(claim(box, "hook", NOW + 30, &m), 1);
	ASSERT_INT(m.part, 1);
	settle(box, &m, DELIVERY_DEAD, 0);
	ASSERT_INT(claim(box, "hook", NOW + 31, &m), 1);
	ASSERT_INT(m.part, 2);
}

static void what_is_in_a_thread_waits_for_the_first_messages_of_all_and_else_a_digest_stays_together(void **state)
{
	static const struct { const char *kind, *order; } rows[] = { { "slack_api", "1 1 2 2" }, { "webhook", "1 2 1 2" } };
	struct box *box = *state;

	for (int32_t r = 0; r < 2; r++) {
		const int64_t digests[] = { put_digest(box, "ann@acme.example", 20000 + r),
			                    put_digest(box, "tom@acme.example", 20000 + r) };
		const char *order = "";
		struct outbox_message m;

		for (int i = 0; i < 4; i++) {
			m = message(box, digests[i / 2], rows[r].kind, 1 + i % 2);
			m.kind = rows[r].kind;
			ASSERT_INT(outbox_put(box->db, &m, &err), 1);
		}
		while (claim(box, rows[r].kind, NOW, &m) > 0) {
			order = arena_printf(box->a, "%s%s%d", order, *order ? " " : "", m.part);
			settle(box, &m, DELIVERY_SENT, 0);
		}
		assert_string_equal(order, rows[r].order);
	}
}

static void a_stale_digest_is_never_sent_after_its_successor(void **state)
{
	struct box *box = *state;
	struct outbox_message m, late;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &late), 1);
	settle(box, &late, DELIVERY_RETRY, NOW + 2 * HOUR);
	put(box, put_digest(box, "ann@acme.example", 20001), "hook", 1);
	put(box, put_digest(box, "bob@acme.example", 19999), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW + HOUR, &m), 1); /* bob's, of the earlier day */
	settle(box, &m, DELIVERY_SENT, 0);
	ASSERT_INT(claim(box, "hook", NOW + HOUR, &m), 1); /* ann's new one */
	assert_int_not_equal(m.id, late.id);
	settle(box, &m, DELIVERY_AMBIGUOUS, NOW + 3 * HOUR);
	ASSERT_INT(claim(box, "hook", NOW + 2 * HOUR, &m), 0); /* the new one may have arrived: the old one stays */
	ASSERT_INT(outbox_expire(box->db, NOW + 2 * HOUR, &err), 1);
	ASSERT_INT(claim(box, "hook", NOW + 3 * HOUR, &m), 1);
}

static void a_refused_body_gives_way_to_the_fallback_once(void **state)
{
	struct box *box = *state;
	struct outbox_message m = message(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);

	m.fallback = "plain";
	m.fallback_len = 5;
	ASSERT_INT(outbox_put(box->db, &m, &err), 1);
	put(box, put_digest(box, "bob@acme.example", 20000), "other", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	assert_false(m.uses_fallback);
	assert_string_equal(settle(box, &m, DELIVERY_REFUSED, NOW), "pending");
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	assert_true(m.uses_fallback);
	assert_memory_equal(m.fallback, "plain", 5);
	assert_string_equal(settle(box, &m, DELIVERY_REFUSED, NOW), "dead");
	ASSERT_INT(claim(box, "other", NOW, &m), 1);
	assert_string_equal(settle(box, &m, DELIVERY_REFUSED, NOW), "dead");
}

static void a_disabled_or_held_sink_sends_nothing_and_others_do(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	struct sink_state sink;
	int64_t digest = put_digest(box, "ann@acme.example", 20000), due;

	put(box, digest, "hook", 1);
	put(box, digest, "mail", 1);
	ASSERT_OK(sink_disable(box->db, "hook", "410", NOW, &err));
	ASSERT_OK(sink_hold(box->db, "mail", NOW + 7, &err));
	ASSERT_OK(sink_hold(box->db, "mail", NOW + 3, &err));
	ASSERT_INT(claim(box, "hook", NOW, &m), 0);
	ASSERT_INT(claim(box, "mail", NOW + 6, &m), 0);
	ASSERT_OK(outbox_next_due(box->db, &due, &err));
	ASSERT_INT(due, NOW + 7);
	ASSERT_INT(claim(box, "mail", NOW + 7, &m), 1);
	ASSERT_INT(sink_state_load(box->db, "hook", box->a, &sink, &err), 1);
	assert_true(sink.is_disabled);
	assert_string_equal(sink.reason, "410");
	ASSERT_INT(sink_enable(box->db, "hook", &err), 1);
	ASSERT_INT(sink_enable(box->db, "hook", &err), 0);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	ASSERT_INT(sink_state_load(box->db, "unheard", box->a, &sink, &err), 0);
	assert_false(sink.is_disabled);
}

static void nothing_open_is_never_due(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	int64_t due;

	ASSERT_OK(outbox_next_due(box->db, &due, &err));
	assert_true(due == INSTANT_NONE);
	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	settle(box, &m, DELIVERY_SENT, 0);
	ASSERT_OK(outbox_next_due(box->db, &due, &err));
	assert_true(due == INSTANT_NONE);
}

/* ledger */

static void a_sent_message_is_queued_again_only_by_force(void **state)
{
	struct box *box = *state;
	struct outbox_message m;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	ASSERT_INT(ledger_retry(box->db, m.id, false, NOW, &err), -1);
	settle(box, &m, DELIVERY_SENT, 0);
	ASSERT_INT(ledger_retry(box->db, m.id, false, NOW, &err), -1);
	ASSERT_INT(err.kind, ERR_INPUT);
	ASSERT_INT(ledger_retry(box->db, m.id, true, NOW, &err), 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	ASSERT_INT(ledger_retry(box->db, 4711, false, NOW, &err), 0);
}

static void a_dead_message_that_is_retried_enables_its_sink_and_lives_longer(void **state)
{
	struct box *box = *state;
	struct outbox_message m;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_OK(sink_disable(box->db, "hook", "410", NOW, &err));
	ASSERT_INT(outbox_expire(box->db, NOW + 21 * HOUR, &err), 1);
	ASSERT_INT(ledger_retry(box->db, 1, false, NOW + 21 * HOUR, &err), 1);
	ASSERT_INT(claim(box, "hook", NOW + 21 * HOUR, &m), 1);
	assert_true(m.expires_at > NOW + 21 * HOUR);
}

static void a_cancelled_message_is_never_sent(void **state)
{
	struct box *box = *state;
	struct outbox_message m;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	ASSERT_INT(ledger_cancel(box->db, 1, NOW, &err), 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 0);
	ASSERT_INT(ledger_cancel(box->db, 1, NOW, &err), -1);
	ASSERT_INT(ledger_cancel(box->db, 2, NOW, &err), 0);
}

static size_t audit(struct box *box, const char *problem, int64_t now)
{
	const struct ledger_gap *gaps;
	size_t n, found = 0;

	ASSERT_OK(ledger_audit(box->db, 19990, 20400, now, box->a, &gaps, &n, &err));
	for (size_t i = 0; i < n; i++)
		found += strcmp(gaps[i].problem, problem) == 0;
	return found;
}

static void the_audit_names_what_has_no_end_and_what_was_not_delivered(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	const struct ledger_gap *gaps;
	size_t n;

	put_digest(box, "none@acme.example", 20000);
	put_digest_of(box, "quiet@acme.example", 20000, "{\"data\":{\"is_quiet\":true}}");
	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	put(box, put_digest(box, "bob@acme.example", 20000), "mail", 1);
	put(box, put_digest(box, "eve@acme.example", 20000), "file", 1);
	put(box, put_digest(box, "old@acme.example", 19000), "file", 1);
	ASSERT_INT(claim(box, "mail", NOW, &m), 1);
	settle(box, &m, DELIVERY_DEAD, 0);
	ASSERT_INT(ledger_cancel(box->db, 3, NOW, &err), 1);
	ASSERT_INT(audit(box, "no delivery", NOW), 1);
	ASSERT_INT(audit(box, "not delivered", NOW), 1);
	ASSERT_INT(audit(box, "overdue", NOW + HOUR), 0);
	ASSERT_INT(audit(box, "overdue", NOW + HOUR + 1), 1);
	ASSERT_OK(ledger_audit(box->db, 19990, 20400, NOW + HOUR + 1, box->a, &gaps, &n, &err));
	ASSERT_INT(n, 3);
	ASSERT_OK(db_run(box->db, "UPDATE outbox SET reason = NULL WHERE state = 'dead' AND reason <> 'cancelled'", &err));
	ASSERT_INT(audit(box, "not delivered", NOW), 1); /* whether a reason is known or not */
}

static void the_ledger_lists_messages_and_their_attempts(void **state)
{
	struct box *box = *state;
	struct outbox_message m;
	const struct ledger_row *rows;
	const struct ledger_attempt *attempts;
	size_t n;

	put(box, put_digest(box, "ann@acme.example", 20000), "hook", 1);
	put(box, put_digest(box, "bob@acme.example", 20001), "mail", 1);
	ASSERT_INT(claim(box, "hook", NOW, &m), 1);
	settle(box, &m, DELIVERY_RETRY, NOW + 5);
	ASSERT_INT(claim(box, "hook", NOW + 5, &m), 1);
	settle(box, &m, DELIVERY_SENT, 0);
	ASSERT_OK(ledger_list(box->db, NULL, 100, box->a, &rows, &n, &err));
	ASSERT_INT(n, 2);
	assert_string_equal(rows[0].owner_email, "bob@acme.example"); /* newest first */
	ASSERT_OK(ledger_list(box->db, "sent", 100, box->a, &rows, &n, &err));
	ASSERT_INT(n, 1);
	ASSERT_INT(rows[0].n_attempts, 2);
	ASSERT_OK(ledger_attempts(box->db, rows[0].id, box->a, &attempts, &n, &err));
	ASSERT_INT(n, 2);
	assert_string_equal(attempts[0].outcome, "retry");
	assert_string_equal(attempts[0].detail, "because");
	assert_string_equal(attempts[1].outcome, "sent");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_box, close_box)
	const struct CMUnitTest tests[] = {
		CASE(the_same_delivery_key_is_put_once),
		CASE(a_delivery_key_differs_by_each_of_its_parts),
		CASE(what_is_in_flight_is_claimed_by_nobody_else_and_its_sink_waits),
		CASE(a_failed_message_is_tried_again_later_and_counts_its_attempts),
		CASE(a_retry_that_would_come_too_late_is_dead_as_expired),
		CASE(what_was_never_sent_in_time_expires),
		CASE(what_was_in_flight_at_a_crash_is_ambiguous_and_resent_only_where_allowed),
		CASE(a_clock_that_was_set_back_holds_nothing_up),
		CASE(a_held_ambiguous_message_waits_until_it_expires),
		CASE(parts_go_in_order_and_the_next_waits_for_the_one_before),
		CASE(what_is_in_a_thread_waits_for_the_first_messages_of_all_and_else_a_digest_stays_together),
		CASE(a_stale_digest_is_never_sent_after_its_successor),
		CASE(a_refused_body_gives_way_to_the_fallback_once),
		CASE(a_disabled_or_held_sink_sends_nothing_and_others_do),
		CASE(nothing_open_is_never_due),
		CASE(a_sent_message_is_queued_again_only_by_force),
		CASE(a_dead_message_that_is_retried_enables_its_sink_and_lives_longer),
		CASE(a_cancelled_message_is_never_sent),
		CASE(the_audit_names_what_has_no_end_and_what_was_not_delivered),
		CASE(the_ledger_lists_messages_and_their_attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
