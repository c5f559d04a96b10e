/* Mail: which addresses may go into an envelope, which messages may leave, what a reply means. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/deliver/channel.h"
#include "common/email_address.h"

static void plain_addresses_are_valid(void **state)
{
	static const char *const good[] = {
		"ann@acme.example", "a@b.c", "ann.lee+digest@mail.acme-corp.example", "o'brien@acme.example",
		"!#$%&'*+-/=?^_`{|}~@acme.example", "x@localhost", "1@2.3.example",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl@acme.example",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!email_address_is_valid(good[i]))
			fail_msg("%s", good[i]);
}

static void whatever_could_break_out_of_an_envelope_is_not(void **state)
{
	static const char *const bad[] = {
		"", "@", "ann", "ann@", "@acme.example", "ann@@acme.example", "ann@acme..example", "ann@.acme.example",
		"ann@acme.example.", ".ann@acme.example", "ann.@acme.example", "an..n@acme.example", "ann@-acme.example",
		"ann@acme-.example", "ann@ac_me.example", "ann lee@acme.example", "ann@acme .example", " ann@acme.example",
		"ann@acme.example ", "ann@acme.example\r\nRCPT TO:<evil@z.z>", "ann@acme.example\n", "ann@acme.example\r",
		"v@x.y>\r\nRCPT TO:<evil@z.z", "<ann@acme.example>", "ann@acme.example>", "ann<x@acme.example",
		"ann@acme.example\x7f",
		"ann\x01@acme.example", "ann\t@acme.example", "\"ann lee\"@acme.example", "ann@[127.0.0.1]", "ann@[IPv6:::1]",
		"ann(comment)@acme.example", "ann@acme.example(comment)", "ann,bob@acme.example",
		"ann@acme.example,bob@acme.example",
		"ann;bob@acme.example", "ann:bob@acme.example", "ann\\@acme.example", "ann@acme\xc3\xa9.example",
		"ann\xe2\x80\xa8@acme.example", "ann\xc2\x85@acme.example", "ann@a@acme.example",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm@acme.example",
		"x@abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm0.example",
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (email_address_is_valid(bad[i]))
			fail_msg("%s", bad[i]);
	for (int c = 1; c < 0x21; c++) { /* every byte below 0x21, at both sides */
		snprintf(text, sizeof text, "a%cb@acme.example", c);
		assert_false(email_address_is_valid(text));
		snprintf(text, sizeof text, "ab@acme%c.example", c);
		assert_false(email_address_is_valid(text));
	}
	memset(text, 'a', sizeof text);
	memcpy(text + 60, "@", 1);
	text[300] = '\0';
	assert_false(email_address_is_valid(text));
}

static void the_address_of_a_from_line_is_the_one_in_brackets(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(email_address_of(a, "Retention desk <retaind@acme.example>"), "retaind@acme.example");
	assert_string_equal(email_address_of(a, "retaind@acme.example"), "retaind@acme.example");
	assert_null(email_address_of(a, "Retention desk <retaind@acme.example> x"));
	assert_null(email_address_of(a, "Retention desk retaind@acme.example"));
	assert_null(email_address_of(a, "Desk <>"));
	assert_null(email_address_of(a, "<"));
	assert_null(email_address_of(a, ""));
}

#define HEAD "Subject: x\r\n\r\n"

static const char *flaw(const char *message)
{
	return email_flaw(message, strlen(message));
}

static void a_sound_message_has_no_flaw(void **state)
{
	(void)state;
	assert_null(flaw(HEAD "Hello\r\n"));
	assert_null(flaw(HEAD ".\r\n..\r\n.x\r\n")); /* dots are libcurl's to double */
	assert_null(flaw(HEAD "Hello\r\n\r\n.\r\nMAIL FROM:<x@y>\r\n"));
}

static void what_could_end_a_message_early_never_leaves(void **state)
{
	char line[1100] = HEAD;
	size_t head = strlen(HEAD);
	static const char *const smuggled[] = {
		HEAD "a\n.\nMAIL FROM:<x@y.z>\r\n", HEAD "a\r.\rMAIL FROM:<x@y.z>\r\n", HEAD "a\n.\r\nMAIL FROM:<x@y.z>\r\n",
		HEAD "a\r.\r\nMAIL FROM:<x@y.z>\r\n", HEAD "a\r\n.\nMAIL FROM:<x@y.z>\r\n",
		HEAD "a\r\n.\rMAIL FROM:<x@y.z>\r\n",
		HEAD "a\r\r\n", HEAD "a\n\r\n", "\nSubject: x\r\n\r\na\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(smuggled); i++)
		assert_non_null(flaw(smuggled[i]));
	assert_non_null(flaw(HEAD "no end"));
	assert_non_null(flaw(HEAD "half an end\r"));
	assert_non_null(flaw("no header at all\r\n"));
	assert_non_null(flaw(""));
	assert_non_null(flaw("\r\n\r\n"));
	assert_non_null(email_flaw(HEAD "a\0b\r\n", head + 5));
	memset(line + head, 'x', 998);
	memcpy(line + head + 998, "\r\n", 3);
	assert_null(flaw(line));
	memcpy(line + head + 998, "x\r\n", 4);
	assert_non_null(flaw(line));
}

static void replies_are_in_their_classes(void **state)
{
	static const struct {
		enum smtp_end end;
		int code;
		bool handed_over;
		enum delivery_outcome outcome;
		bool disables;
		int64_t min_wait_s;
	} rows[] = {
		{ SMTP_DONE, 250, true, DELIVERY_SENT, false, 0 },
		{ SMTP_REFUSED, 451, false, DELIVERY_RETRY, false, 300 },
		{ SMTP_REFUSED, 421, false, DELIVERY_RETRY, false, 300 },
		{ SMTP_BROKEN, 452, true, DELIVERY_RETRY, false, 300 },
		{ SMTP_REFUSED, 550, false, DELIVERY_DEAD, false, 0 },
		{ SMTP_REFUSED, 552, true, DELIVERY_DEAD, false, 0 },
		{ SMTP_REFUSED, 553, false, DELIVERY_DEAD, false, 0 },
		{ SMTP_REFUSED, 554, true, DELIVERY_DEAD, false, 0 },
		{ SMTP_REFUSED, 530, false, DELIVERY_DEAD, true, 0 },
		{ SMTP_LOGIN_REFUSED, 535, false, DELIVERY_DEAD, true, 0 },
		{ SMTP_LOGIN_REFUSED, 454, false, DELIVERY_RETRY, false, 300 },
		{ SMTP_NOT_SECURE, 220, false, DELIVERY_RETRY, false, 0 },
		{ SMTP_BROKEN, 0, false, DELIVERY_RETRY, false, 0 },
		{ SMTP_BROKEN, 354, false, DELIVERY_RETRY, false, 0 },
		{ SMTP_BROKEN, 354, true, DELIVERY_AMBIGUOUS, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v = smtp_verdict(rows[i].end, rows[i].code, rows[i].handed_over, "said so");

		if (v.outcome != rows[i].outcome || v.disables_sink != rows[i].disables || v.min_wait_s < rows[i].min_wait_s)
			fail_msg("row %zu: outcome %u", i, v.outcome);
	}
}

static int no_secret(struct arena *a, const char *reference, const char **out, struct err *err)
{
	(void)a;
	(void)out;
	return err_set(err, ERR_CONFIG, "%s: none", reference);
}

/* The host is on no network: an attempt to connect would be a retry, not a death. */
static void a_bad_recipient_or_message_is_dead_before_anything_is_sent(void **state)
{
	static const struct channel_settings channel = { .name = "mail", .kind = CHANNEL_EMAIL, .host = "mail.invalid",
		                                             .port = 25, .from = "Desk <desk@acme.example>" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct outbox_message m = { .recipient = "v@x.y>\r\nRCPT TO:<evil@z.z", .body = HEAD "a\r\n", .body_len = 17 };
	struct channel_job job = { .channel = &channel, .message = &m, .secret = no_secret };
	struct verdict v;

	(void)state;
	email_channel.send(&job, a, &v);
	ASSERT_INT(v.outcome, DELIVERY_DEAD);
	m.recipient = NULL;
	email_channel.send(&job, a, &v);
	ASSERT_INT(v.outcome, DELIVERY_DEAD);
	m.recipient = "ann@acme.example";
	m.body = HEAD "a\n.\n";
	m.body_len = strlen(m.body);
	email_channel.send(&job, a, &v);
	ASSERT_INT(v.outcome, DELIVERY_DEAD);
	m.body = HEAD "a\r\n";
	m.body_len = strlen(m.body);
	email_channel.send(&job, a, &v);
	ASSERT_INT(v.outcome, DELIVERY_RETRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_addresses_are_valid),
		cmocka_unit_test(whatever_could_break_out_of_an_envelope_is_not),
		cmocka_unit_test(the_address_of_a_from_line_is_the_one_in_brackets),
		cmocka_unit_test(a_sound_message_has_no_flaw),
		cmocka_unit_test(what_could_end_a_message_early_never_leaves),
		cmocka_unit_test(replies_are_in_their_classes),
		cmocka_unit_test(a_bad_recipient_or_message_is_dead_before_anything_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
