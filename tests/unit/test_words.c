/* Text as words: folded, parted where thoughts part, known by number. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/score/words.h"

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* The words of a text, each behind what parts it from the one before: , a clause, " a quotation, . a sentence. */
static const char *cut(struct arena *a, const char *text)
{
	struct cutter c = { .text = text, .len = strlen(text) };
	struct cut w;
	const char *all = "";

	while (cut_next(&c, &w))
		all = arena_printf(a, "%s%s%s%s %s", all, w.breaks & BREAK_CLAUSE ? "," : "",
		                   w.breaks & BREAK_QUOTE ? "\"" : "", w.breaks & BREAK_SENTENCE ? "." : "", w.folded);
	return all;
}

static void words_are_folded_and_parted_where_thoughts_part(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "" },
		{ "...", "" },
		{ "We CANCEL", " we cancel" },
		{ "R\xC3\x89SILIER, e\xCC\x81t\xC3\xA9", " resilier, ete" },
		{ "don't we'd can\xE2\x80\x99t cannot", " do n't we 'd ca n't cannot" },
		{ "n't 'd like", " n't 'd like" },
		{ "l'abonnement qu'il n\xE2\x80\x99" "est aujourd'hui", " l abonnement qu il n est aujourd hui" },
		{ "one. two? three; four\nfive", " one. two. three. four. five" },
		{ "2.1 and x.example", " 2 1 and x example" },
		{ "the \"stop it\" button", " the\" stop it\" button" },
		{ "le bouton \xC2\xAB Stop \xC2\xBB ici", " le bouton\" stop\" ici" },
		{ "single sign-on \xE2\x80\x94 now - yes", " single sign on, now, yes" },
		{ "a line that is long enough to have been wrapped by a\nmail program", /* no new sentence */
		  " a line that is long enough to have been wrapped by a mail program" },
		{ "short line\nnext", " short line. next" },
		{ "\xFF\xFE" "ab \xE2\x82", " ab" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (strcmp(cut(a, cases[i].text), cases[i].words) != 0)
			fail_msg("%s\ngives:%s", cases[i].text, cut(a, cases[i].text));
}

static void a_word_is_known_by_itself_by_each_of_its_stems_and_by_its_classes(void **state)
{
	struct vocabulary *v = vocabulary_new(*state);
	uint32_t cancel = vocabulary_add(v, "cancel", true, 1), cancellation = vocabulary_add(v, "cancella", true, 2),
	         word = vocabulary_add(v, "cancelled", false, 4), other = vocabulary_add(v, "canteen", true, 8);
	struct word w[4];

	ASSERT_INT(vocabulary_add(v, "cancel", true, 0), cancel);
	ASSERT_INT(words_read(v, "cancelled Cancellation cancels canada", 37, w, 4), 4);
	assert_true(word_is(v, &w[0], word) && word_is(v, &w[0], cancel) && !word_is(v, &w[0], cancellation));
	assert_true(word_is(v, &w[1], cancellation) && word_is(v, &w[1], cancel) && !word_is(v, &w[1], word));
	assert_true(word_is(v, &w[2], cancel) && !word_is(v, &w[2], other) && !word_is(v, &w[3], cancel));
	ASSERT_INT(word_classes(v, &w[0]), 5);
	ASSERT_INT(word_classes(v, &w[1]), 3);
	ASSERT_INT(word_classes(v, &w[3]), 0);
	assert_false(word_is(v, &w[3], 0));
}

static void a_vocabulary_of_thousands_of_words_finds_each(void **state)
{
	struct vocabulary *v = vocabulary_new(*state);
	uint32_t numbers[3000];
	struct word w;

	for (int i = 0; i < 3000; i++)
		numbers[i] = vocabulary_add(v, arena_printf(*state, "w%dx", i), i % 3 == 0, 0);
	for (int i = 0; i < 3000; i++) {
		const char *text = arena_printf(*state, "w%dx", i);

		ASSERT_INT(words_read(v, text, strlen(text), &w, 1), 1);
		if (!word_is(v, &w, numbers[i]))
			fail_msg("%s", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(words_are_folded_and_parted_where_thoughts_part, setup, teardown),
		cmocka_unit_test_setup_teardown(a_word_is_known_by_itself_by_each_of_its_stems_and_by_its_classes, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(a_vocabulary_of_thousands_of_words_finds_each, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
