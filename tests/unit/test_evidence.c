#include "cmocka_shim.h"

#include <stdint.h>
#include <string.h>

#include "../../src/score/evidence.h"
#include "common/clock.h"
#include "common/evidence.h"

enum { SAID_ON = 20515 /* 2026-03-03 */ };

static struct arena *a;

static int setup(void **state)
{
	(void)state;
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static const char *told(const char *language, const char *json)
{
	const struct json *item;
	struct err err;

	ASSERT_OK(json_parse(a, json, strlen(json), &item, &err));
	return evidence_text(words_of(language), SAID_ON, a, item);
}

static void evidence_is_told_in_the_language_of_who_reads(void **state)
{
	static const struct { const char *json, *en, *fr; } cases[] = {
		{ "{\"text\":\"x\",\"signal\":\"renewal_silence\",\"words\":{\"days\":{\"say\":\"days\",\"n\":{\"int\":57}},"
		  "\"left\":{\"say\":\"in_days\",\"n\":{\"int\":1}},\"renewal\":{\"day\":20581}}}",
		  "renewal on Fri 8 May, in 1 day, and no message or meeting for 57 days",
		  "renouvellement le ven. 8 mai, dans 1 jour, et ni message ni r\u00e9union depuis 57 jours" },
		{ "{\"text\":\"x\",\"signal\":\"past_contraction\",\"words\":{\"now\":{\"minor\":120000,\"currency\":\"EUR\"},"
		  "\"was\":{\"minor\":480000,\"currency\":\"EUR\"},\"percent\":{\"real\":75,\"decimals\":0}}}",
		  "pays EUR 1,200 a month, EUR 4,800 at its highest in the last year (75 % less)",
		  "paie 1\u202f200\u00a0\u20ac par mois, contre 4\u202f800\u00a0\u20ac au plus haut de l\u2019ann\u00e9e "
		  "pass\u00e9e (75\u202f% de moins)" },
		{ "{\"text\":\"x\",\"signal\":\"key_people_lost\",\"words\":{\"lost\":{\"real\":1,\"decimals\":0},"
		  "\"of\":{\"real\":3,\"decimals\":0},\"names\":[\"Anna {{x}}\",{\"say\":\"heavy_user\"}]}}",
		  "1 of 3 key people gone or silent for 60 days: Anna {{x}}, a heavy user",
		  "1 personne cl\u00e9 sur 3 partie ou muette depuis 60 jours\u00a0: Anna {{x}}, un utilisateur tr\u00e8s "
		  "actif" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(told("en", cases[i].json), cases[i].en);
		assert_string_equal(told("fr", cases[i].json), cases[i].fr);
	}
}

static void what_cannot_be_said_in_a_language_stays_as_it_was_told(void **state)
{
	static const char *const cases[] = {
		"\"as it was\"",
		"{\"text\":\"as it was\"}",
		"{\"text\":\"as it was\",\"signal\":\"no_such_signal\",\"words\":{}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":{\"say\":\"no_such_word\"}}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":{\"say\":\"term_ends\"}}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":{\"day\":\"soon\"}}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":{\"day\":9007199254740991}}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":{\"real\":1,\"decimals\":99}}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":{\"minor\":1}}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":{\"renewal\":null}}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":[{\"day\":1}]}",
		"{\"text\":\"as it was\",\"signal\":\"renewal_near\",\"words\":7}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(told("fr", cases[i]), "as it was");
	assert_null(told("fr", "17"));
	assert_null(told("fr", "{\"signal\":\"renewal_near\"}"));
}

/* As a scorer tells it, through what is kept of it, to who reads. */
static void what_a_signal_tells_comes_through(void **state)
{
	CLEANUP(buf_done) struct buf b;
	struct context c = { .arena = a };
	struct evidence_word heard[MAX_WORDS];
	struct reading r = { .name = "unanswered_tickets", .is_worded = true, .words = heard };
	struct json_out o;

	(void)state;
	reading_phrase(&c, &r, "what", "ticket.open");
	reading_day(&c, &r, "since", day_of(2025, 12, 1));
	reading_quoted(&c, &r, "about", "Call +33 1 23 45 67 89 \"now\"", 80);
	READING_SAY(&c, &r, "more", "waiting", W_INT("n", 3));
	r.evidence = evidence_render(a, signal_text(a, r.name), r.words, r.n_words);
	assert_string_equal(r.evidence, "a ticket is open since 2025-12-01: \"Call [phone] \"now\"\"; 3 wait in all");
	buf_init(&b, 4096);
	o = json_out_to(&b);
	evidence_put(&o, &r, a);
	assert_string_equal(told("en", b.at),
	                    "a ticket is open since Mon 1 Dec 2025: \"Call [phone] \"now\"\"; 3 wait in all");
	assert_string_equal(told("fr", b.at), "un ticket est ouvert depuis le lun. 1er d\u00e9c. 2025\u00a0: \u00ab\u00a0"
	                                      "Call [phone] \"now\"\u00a0\u00bb\u202f; 3 attendent en tout");
	buf_reset(&b);
	r.is_worded = false;
	evidence_put(&o, &r, a);
	assert_string_equal(told("fr", strchr(b.at, '"')), r.evidence);
}

static void every_signal_has_its_evidence_in_every_language(void **state)
{
	struct signal_place place = { 0 };
	const struct signal *signal;
	size_t n = 0;

	(void)state;
	for (; (signal = signal_next(&place)); n++)
		for (const struct words *w = words_built_in; w->language; w++) {
			const char *key = arena_printf(a, "signal.%s", signal->name), *found = NULL;

			for (size_t i = 0; i < w->n; i++)
				found = strcmp(w->entries[i].key, key) == 0 ? w->entries[i].text : found;
			if (!found)
				fail_msg("%s has no %s", w->language, key);
		}
	assert_true(n > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_is_told_in_the_language_of_who_reads),
		cmocka_unit_test(what_cannot_be_said_in_a_language_stays_as_it_was_told),
		cmocka_unit_test(what_a_signal_tells_comes_through),
		cmocka_unit_test(every_signal_has_its_evidence_in_every_language),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
