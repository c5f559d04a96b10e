#include "cmocka_shim.h"

#include <string.h>

#include "common/clock.h"
#include "common/words.h"

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

static const struct words *french(void)
{
	return words_of("fr");
}

#define FILLED(w, text, ...) \
	words_fill((w), a, (text), (const struct word[]){ __VA_ARGS__ }, ARRAY_LEN(((const struct word[]){ __VA_ARGS__ })))
#define ONE(w, ...) words_one((w), a, &(const struct word)__VA_ARGS__)

static void a_text_takes_its_arguments_by_name(void **state)
{
	(void)state;
	assert_string_equal(FILLED(NULL, "{{b}} before {{a}}, {{b}}", W_TEXT("a", "x"), W_TEXT("b", "y")), "y before x, y");
	assert_string_equal(FILLED(NULL, "{{open", W_TEXT("a", "x")), "{{open");
	/* What is filled in is no text of ours: nothing in it counts as an argument. */
	assert_string_equal(FILLED(NULL, "{{a}}", W_TEXT("a", "{{a}} ?")), "{{a}} ?");
	assert_string_equal(FILLED(french(), "{{a}} ?", W_TEXT("a", "Yahoo !")), "Yahoo !\u202f?");
}

static void plural_forms_follow_the_language(void **state)
{
	static const struct { int64_t n; const char *en, *fr; } cases[] = {
		{ 0, "0 accounts", "0 compte" },      { 1, "1 account", "1 compte" },
		{ 2, "2 accounts", "2 comptes" },     { -1, "-1 account", "-1 compte" },
		{ 1234, "1,234 accounts", "1\u202f234 comptes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(FILLED(NULL, "{{n}} {{n|account|accounts}}", W_INT("n", cases[i].n)), cases[i].en);
		assert_string_equal(FILLED(french(), "{{n}} {{n|compte|comptes}}", W_INT("n", cases[i].n)), cases[i].fr);
	}
}

static void plural_forms_follow_what_is_written(void **state)
{
	static const struct { double n; int decimals; const char *en, *fr; } cases[] = {
		{ 1, 0, "1 day", "1 jour" },       { 0.6, 0, "1 day", "1 jour" },      { 1.5, 1, "1.5 days", "1,5 jour" },
		{ 1, 1, "1.0 days", "1,0 jour" },  { 2, 1, "2.0 days", "2,0 jours" },  { -3, 0, "-3 days", "-3 jours" },
		{ 0, 0, "0 days", "0 jour" },      { 1.94, 1, "1.9 days", "1,9 jour" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(FILLED(NULL, "{{n}} {{n|day|days}}", W_REAL("n", cases[i].n, cases[i].decimals)),
		                    cases[i].en);
		assert_string_equal(FILLED(french(), "{{n}} {{n|jour|jours}}", W_REAL("n", cases[i].n, cases[i].decimals)),
		                    cases[i].fr);
	}
	assert_string_equal(FILLED(french(), "{{n}} {{n|jour|jours}}", W_TEXT("n", "quelques")), "quelques jours");
}

static void french_signs_keep_to_their_word(void **state)
{
	(void)state;
	assert_string_equal(FILLED(french(), "Quoi ? Vite ! Un ; deux : \u00ab {{a}} \u00bb, {{a}} %.", W_TEXT("a", "3")),
	                    "Quoi\u202f? Vite\u202f! Un\u202f; deux\u00a0: \u00ab\u00a03\u00a0\u00bb, 3\u202f%.");
	assert_string_equal(FILLED(NULL, "What ? {{a}} : x", W_TEXT("a", "3")), "What ? 3 : x");
}

static void french_de_and_que_lose_their_vowel_before_another(void **state)
{
	static const struct { const char *value, *text; } cases[] = {
		{ "Anna", "Compte d\u2019Anna" }, { "\u00c9milie", "Compte d\u2019\u00c9milie" }, { "Bo", "Compte de Bo" },
		{ "3", "Compte de 3" },           { "", "Compte de " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(FILLED(french(), "Compte de {{a}}", W_TEXT("a", cases[i].value)), cases[i].text);
	assert_string_equal(FILLED(french(), "plus que {{a}}", W_TEXT("a", "un")), "plus qu\u2019un");
	assert_string_equal(FILLED(french(), "aide {{a}}", W_TEXT("a", "Anna")), "aide Anna");
	assert_string_equal(FILLED(NULL, "de {{a}}", W_TEXT("a", "Anna")), "de Anna");
}

static void numbers_and_shares_are_written_in_the_language(void **state)
{
	(void)state;
	assert_string_equal(ONE(NULL, W_INT("n", -1234567)), "-1,234,567");
	assert_string_equal(ONE(french(), W_INT("n", INT64_MIN)),
	                    "-9\u202f223\u202f372\u202f036\u202f854\u202f775\u202f808");
	assert_string_equal(ONE(NULL, W_REAL("n", 1234.56, 1)), "1,234.6");
	assert_string_equal(ONE(french(), W_REAL("n", 1234.56, 1)), "1\u202f234,6");
	assert_string_equal(ONE(NULL, W_REAL("n", -0.04, 1)), "0.0");
	assert_string_equal(ONE(NULL, W_PERCENT("n", 0.9315, 1)), "93.2 %");
	assert_string_equal(ONE(french(), W_PERCENT("n", 1.0425, 1)), "104,2\u202f%");
	assert_string_equal(ONE(french(), W_REAL("n", 1e300 * 1e300, 1)), "?");
}

static void money_is_written_in_the_language(void **state)
{
	static const struct { int64_t minor; const char *currency, *en, *fr, *short_fr; } cases[] = {
		{ 4800000, "EUR", "EUR 48,000", "48\u202f000\u00a0\u20ac", "48\u00a0k\u20ac" },
		{ 120050, "EUR", "EUR 1,200.50", "1\u202f200,50\u00a0\u20ac", "1,2\u00a0k\u20ac" },
		{ -500, "USD", "-USD 5", "-5\u00a0$US", "-5\u00a0$US" },
		{ 0, "GBP", "GBP 0", "0\u00a0\u00a3GB", "0\u00a0\u00a3GB" },
		{ 123456789, "JPY", "JPY 123,456,789", "123\u202f456\u202f789\u00a0JPY", "123\u00a0M\u00a0JPY" },
		{ 1234567, "KWD", "KWD 1,234.567", "1\u202f234,567\u00a0KWD", "1,2\u00a0k\u00a0KWD" },
		{ 99995000, "CHF", "CHF 999,950", "999\u202f950\u00a0CHF", "1\u00a0M\u00a0CHF" },
		{ 120000000000, "EUR", "EUR 1,200,000,000", "1\u202f200\u202f000\u202f000\u00a0\u20ac", "1,2\u00a0Md\u20ac" },
		{ INT64_MIN, "EUR", NULL, "-92\u202f233\u202f720\u202f368\u202f547\u202f758,08\u00a0\u20ac", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(ONE(french(), W_MONEY("m", cases[i].minor, cases[i].currency)), cases[i].fr);
		if (cases[i].short_fr)
			assert_string_equal(ONE(french(), W_MONEY_SHORT("m", cases[i].minor, cases[i].currency)),
			                    cases[i].short_fr);
		if (cases[i].en)
			assert_string_equal(ONE(NULL, W_MONEY("m", cases[i].minor, cases[i].currency)), cases[i].en);
	}
	assert_string_equal(ONE(NULL, W_MONEY_SHORT("m", 4850000, "EUR")), "EUR 48.5k");
}

static void days_are_written_in_the_language(void **state)
{
	int32_t first = day_of(2026, 3, 1), other = day_of(2027, 8, 16);

	(void)state;
	assert_string_equal(ONE(NULL, W_DAY("d", first, first)), "Sun 1 Mar");
	assert_string_equal(ONE(french(), W_DAY("d", first, first)), "dim. 1er mars");
	assert_string_equal(ONE(french(), W_DAY("d", other, first)), "lun. 16 ao\u00fbt 2027");
	assert_string_equal(ONE(french(), W_DATE("d", day_of(2026, 3, 2))), "lun. 2 mars 2026");
	assert_string_equal(ONE(NULL, W_DATE("d", day_of(2026, 3, 2))), "Mon 2 Mar 2026");
}

static void a_list_ends_with_and(void **state)
{
	static const char *const texts[] = { "x", "y", "z" };

	(void)state;
	assert_string_equal(words_list(NULL, a, texts, 0), "");
	assert_string_equal(words_list(NULL, a, texts, 1), "x");
	assert_string_equal(words_list(NULL, a, texts, 3), "x, y and z");
	assert_string_equal(words_list(french(), a, texts, 2), "x et y");
}

static const struct words *replaced(const char *yaml, struct mistakes *m)
{
	*m = (struct mistakes){ .arena = a };
	return words_replace(a, french(), yaml_parse(a, "texts/fr.yaml", yaml, strlen(yaml), m), m);
}

static void a_configuration_replaces_single_texts(void **state)
{
	static const char *const texts[] = { "x", "y" };
	struct mistakes m;
	const struct words *w = replaced("list.last: \"{{list}} ainsi que {{last}}\"\n", &m);

	(void)state;
	ASSERT_INT(m.n, 0);
	assert_string_equal(words_list(w, a, texts, 2), "x ainsi que y");
	assert_string_equal(words_language(w), "fr");
	assert_string_equal(ONE(w, W_MONEY("m", 100, "EUR")), "1\u00a0\u20ac");
}

static void a_text_that_cannot_replace_is_a_mistake_with_its_place(void **state)
{
	static const struct { const char *yaml, *mistake; } cases[] = {
		{ "list.lst: x\n", "texts/fr.yaml:1: list.lst: is no text of ours, expected a key of texts/fr.yaml as it comes "
		                   "with retaind" },
		{ "list.last: \"{{list}} {{who}}\"\n",
		  "texts/fr.yaml:1: list.last: has {{who}}, expected only what is in: {{list}} et {{last}}" },
		{ "list.last: \"{{list|x}}\"\n", "texts/fr.yaml:1: list.last: has 1 plural forms for list, expected 2" },
		{ "list.last: [x]\n", "texts/fr.yaml:1: list.last: is no text of at most 2000 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mistakes m;

		replaced(cases[i].yaml, &m);
		ASSERT_INT(m.n, 1);
		assert_string_equal(m.lines[0], cases[i].mistake);
	}
}

/* The arguments of a text in the order of their names, each once. */
static const char *arguments(const char *text)
{
	const char *names[40];
	size_t n = 0;
	const char *all = "";

	for (const char *open = strstr(text, "{{"); open; open = strstr(open + 2, "{{")) {
		const char *name = arena_strndup(a, open + 2, strcspn(open + 2, "|}"));
		size_t at = 0;

		while (at < n && strcmp(names[at], name) < 0)
			at++;
		if (at < n && strcmp(names[at], name) == 0)
			continue;
		memmove(names + at + 1, names + at, (n - at) * sizeof *names);
		names[at] = name;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		all = arena_printf(a, "%s %s", all, names[i]);
	return all;
}

static void every_language_has_the_same_keys_and_arguments(void **state)
{
	const struct words *en = &words_built_in[0];

	(void)state;
	assert_string_equal(en->language, "en");
	for (const struct words *w = en; w->language; w++) {
		for (size_t i = 0; i < (w->n < en->n ? w->n : en->n); i++) {
			assert_string_equal(w->entries[i].key, en->entries[i].key);
			assert_string_equal(arguments(w->entries[i].text), arguments(en->entries[i].text));
		}
		ASSERT_INT(w->n, en->n);
	}
}

/* {{n|a|b}} has one form a plural class, and braces come in pairs. */
static void every_text_is_well_formed(void **state)
{
	(void)state;
	for (const struct words *w = words_built_in; w->language; w++) {
		for (size_t i = 0; i < w->n; i++) {
			struct mistakes m = { .arena = a };
			struct yaml text = { .type = YAML_SCALAR, .key = w->entries[i].key, .text = w->entries[i].text };
			struct yaml mapping = { .type = YAML_MAPPING, .first = &text };
			size_t n_open = 0, n_close = 0;

			words_replace(a, w, &mapping, &m);
			if (m.n)
				fail_msg("%s: %s", w->entries[i].key, m.lines[0]);
			for (const char *c = w->entries[i].text; *c; c++) {
				n_open += *c == '{';
				n_close += *c == '}';
			}
			ASSERT_INT(n_open, n_close);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_takes_its_arguments_by_name),
		cmocka_unit_test(plural_forms_follow_the_language),
		cmocka_unit_test(plural_forms_follow_what_is_written),
		cmocka_unit_test(french_signs_keep_to_their_word),
		cmocka_unit_test(french_de_and_que_lose_their_vowel_before_another),
		cmocka_unit_test(numbers_and_shares_are_written_in_the_language),
		cmocka_unit_test(money_is_written_in_the_language),
		cmocka_unit_test(days_are_written_in_the_language),
		cmocka_unit_test(a_list_ends_with_and),
		cmocka_unit_test(a_configuration_replaces_single_texts),
		cmocka_unit_test(a_text_that_cannot_replace_is_a_mistake_with_its_place),
		cmocka_unit_test(every_language_has_the_same_keys_and_arguments),
		cmocka_unit_test(every_text_is_well_formed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
