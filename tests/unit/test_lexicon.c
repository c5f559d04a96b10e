/* The shipped lexicons on 300 labelled messages of tests/data/lexicon: precision and recall by kind. With an argument
 * (tune, held, more) it lists what of that part is heard wrongly. */
#include "cmocka_shim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "score/lexicon.h"

enum { MAX_CASES = 800, MAX_FILE = 1 << 20, N_KINDS = 11 };

static const char *const kinds[N_KINDS] = {
	"cancel_request", "cancel", "downgrade_request", "downgrade", "exit_question", "competitor", "dissatisfaction",
	"champion_leaving", "adjacent_need:analytics", "adjacent_need:api", "adjacent_need:security",
};

struct labelled { const char *part, *lang, *kinds, *text; };
struct tally { int right, wrong, missed; };

static struct arena *arena;
static struct labelled messages[MAX_CASES];
static size_t n_messages, n_first; /* of them from sentences.tsv */
static const struct score_settings *score;

static char *file_text(const char *path)
{
	char *text = arena_alloc(arena, MAX_FILE + 1);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, MAX_FILE, file)] = '\0';
	(void)fclose(file);
	return text;
}

/* "\n" in the file is a line end in the message. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (text[0] == '\\' && text[1] == 'n') {
			*to++ = '\n';
			text++;
		} else {
			*to++ = *text;
		}
	*to = '\0';
}

/* The shipped configuration with an organisation, as links in a folder of its own. */
static const struct config *shipped(void)
{
	static const char *const shared[] = { "retaind.yaml", "signals.yaml", "plays.yaml", "lexicon", "connectors" };
	static const struct config_checks checks = { .index_lexicons = lexicon_index_new };
	char folder[] = "/tmp/retaind-lexicon-XXXXXX";
	const char *here = arena_printf(arena, "%s/config", getcwd(arena_alloc(arena, 4096), 4096)), *org;
	struct mistakes m = { .arena = arena };
	const struct config *config;
	FILE *file;

	assert_non_null(mkdtemp(folder));
	org = arena_printf(arena, "%s/orgs/acme.yaml", folder);
	ASSERT_INT(mkdir(arena_printf(arena, "%s/orgs", folder), 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		ASSERT_INT(symlink(arena_printf(arena, "%s/%s", here, shared[i]),
		                   arena_printf(arena, "%s/%s", folder, shared[i])), 0);
	file = fopen(org, "w");
	assert_non_null(file);
	assert_true(fputs("zone: UTC\ncurrency: EUR\n", file) >= 0 && fclose(file) == 0);
	config = config_load(arena, folder, &checks, &m);
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		(void)unlink(arena_printf(arena, "%s/%s", folder, shared[i]));
	(void)unlink(org);
	(void)rmdir(arena_printf(arena, "%s/orgs", folder));
	(void)rmdir(folder);
	if (!config)
		fail_msg("%s", m.lines[0]);
	return config;
}

static void load_messages(const char *path)
{
	char *rest = strchr(file_text(path), '\n') + 1, *line;

	while ((line = strsep(&rest, "\n")) != NULL && *line && n_messages < MAX_CASES) {
		struct labelled *c = &messages[n_messages++];

		c->part = strsep(&line, "\t");
		c->lang = strsep(&line, "\t");
		c->kinds = strsep(&line, "\t");
		c->text = line;
		unescape(line);
	}
}

static int load(void **state)
{
	(void)state;
	arena = arena_new(0);
	score = &config_org(shipped(), "acme")->score;
	load_messages("tests/data/lexicon/sentences.tsv");
	n_first = n_messages;
	load_messages("tests/data/lexicon/paraphrases.tsv");
	return 0;
}
static int unload(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* Whether a list of kinds, parted by commas, has one. */
static bool has_kind(const char *list, const char *kind)
{
	size_t len = strlen(kind);

	for (const char *at = list; (at = strstr(at, kind)) != NULL; at += len)
		if ((at == list || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
			return true;
	return false;
}

/* The kinds that are heard in a text, parted by commas. */
static const char *heard_in(const char *text)
{
	const struct lexicon_settings *all = score->lexicons.at;
	struct lexicon_hit hits[MAX_LEXICONS];
	size_t n = lexicon_hear(score->index, text, arena, hits);
	const char *list = "";

	for (size_t i = 0; i < n; i++) {
		const struct lexicon_settings *l = &all[hits[i].lexicon];
		bool is_need = strcmp(l->kind, "adjacent_need") == 0;

		list = arena_printf(arena, "%s%s%s%s%s", list, *list ? "," : "", l->kind, is_need ? ":" : "",
		                    is_need ? l->name : "");
	}
	return list;
}

/* A request is talk of the same, too: that counts neither for nor against. */
static bool is_implied(const char *labels, const char *kind)
{
	return (strcmp(kind, "cancel") == 0 && has_kind(labels, "cancel_request")) ||
	       (strcmp(kind, "downgrade") == 0 && has_kind(labels, "downgrade_request"));
}

static void count(const char *part, bool is_listed, struct tally tallies[N_KINDS])
{
	for (size_t i = 0; i < n_messages; i++) {
		const struct labelled *c = &messages[i];
		const char *heard = strcmp(c->part, part) == 0 ? heard_in(c->text) : NULL;

		for (int k = 0; heard && k < N_KINDS; k++) {
			bool is = has_kind(c->kinds, kinds[k]), says = has_kind(heard, kinds[k]);

			if (is == says || (says && is_implied(c->kinds, kinds[k]))) {
				tallies[k].right += is;
				continue;
			}
			tallies[k].missed += is;
			tallies[k].wrong += says;
			if (is_listed)
				(void)printf("%s %s (%s): %s\n", is ? "MISSED" : "WRONG ", kinds[k], c->kinds, c->text);
		}
	}
}

static double share(int n, int of)
{
	return of ? (double)n / of : 1;
}

static void show(const char *part, const struct tally tallies[N_KINDS], struct tally *all)
{
	(void)printf("%-24s precision recall  right wrong missed\n", part);
	*all = (struct tally){ 0, 0, 0 };
	for (int k = 0; k <= N_KINDS; k++) {
		const struct tally *t = k < N_KINDS ? &tallies[k] : all;

		(void)printf("%-24s %9.3f %6.3f %6d %5d %6d\n", k < N_KINDS ? kinds[k] : "all",
		             share(t->right, t->right + t->wrong), share(t->right, t->right + t->missed), t->right, t->wrong,
		             t->missed);
		if (k < N_KINDS) {
			all->right += t->right;
			all->wrong += t->wrong;
			all->missed += t->missed;
		}
	}
}

static void nine_of_ten_that_are_heard_are_meant_in_every_kind_and_held_back_too(void **state)
{
	struct tally both[N_KINDS] = { 0 }, held[N_KINDS] = { 0 }, all;

	(void)state;
	ASSERT_INT(n_first, 300);
	count("held", false, held);
	show("held back", held, &all);
	assert_true(share(all.right, all.right + all.wrong) >= 0.9);
	memcpy(both, held, sizeof both);
	count("tune", false, both);
	show("all 300", both, &all);
	assert_true(share(all.right, all.right + all.wrong) >= 0.9);
	assert_true(share(all.right, all.right + all.missed) >= 0.7);
	for (int k = 0; k < N_KINDS; k++)
		if (share(both[k].right, both[k].right + both[k].wrong) < 0.9)
			fail_msg("%s: %d of %d are not meant", kinds[k], both[k].wrong, both[k].right + both[k].wrong);
}

/* An index of one lexicon of a kind. */
static const struct lexicon_index *index_of(const char *kind, const char *phrase, const char *set, struct err *err)
{
	const char *phrases[] = { phrase };
	struct word_set sets[] = { { "x", set } };
	struct lexicon_settings l = { "one", kind, { phrases, 1 }, { sets, set ? 1 : 0 } };
	const struct lexicon_index *index;
	size_t wrong;

	return lexicon_index_new(arena, (struct yaml_array){ &l, 1 }, &index, &wrong, err) < 0 ? NULL : index;
}

static bool is_heard(const char *kind, const char *phrase, const char *text)
{
	struct lexicon_hit hits[MAX_LEXICONS];
	struct err err;
	const struct lexicon_index *index = index_of(kind, phrase, "two words|fewe*", &err);

	if (!index)
		fail_msg("%s: %s", phrase, err.text);
	return lexicon_hear(index, text, arena, hits) == 1;
}

static void a_phrase_is_words_gaps_stems_ends_and_sets(void **state)
{
	static const struct {
		const char *phrase, *text;
		bool is_heard;
	} cases[] = {
		{ "stop", "Please STOP it", true },        { "stop", "stopping", false },
		{ "stop*", "stopping", true },             { "a b|c d", "x c d y", true },
		{ "a b|c d", "a d", false },               { "a .. b", "a 1 2 b", true },
		{ "a .. b", "a 1 2 3 b", false },          { "a ... b", "a 1 2 3 4 b", true },
		{ "a ... b", "a 1 2 3 4 5 b", false },     { "a .... b", "a 1 2 3 4 5 6 7 8 b", true },
		{ "a .... b", "a 1 2 3 4 5 6 7 8 9 b", false }, { "a + b", "a b", true },
		{ "a + b", "a 1 b", false },               { "a .. b .. c", "a b 1 b 2 3 c", true }, /* tries again */
		{ "a .. b", "a. b", false },               { "a b", "a, b", false },
		{ "a .. b", "a, b", true },                { "^a b", "so, a b", true },
		{ "^a b", "so a b", false },               { "a b$", "a b, c", true },
		{ "a b$", "a b c", false },                { "<x> .. b", "two words b", true },
		{ "<x>", "fewer", true },                  { "a|<x> + b", "fewer b", true },
		{ "r\xC3\xA9silier l\xE2\x80\x99" "abo", "Resilier l'abo", true },
		{ "a .. b", "a not b", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (is_heard("competitor", cases[i].phrase, cases[i].text) != cases[i].is_heard)
			fail_msg("%s in: %s", cases[i].phrase, cases[i].text);
}

static void what_is_denied_supposed_quoted_or_of_others_is_not_meant(void **state)
{
	static const struct {
		const char *kind, *text;
		bool is_heard;
	} cases[] = {
		{ "cancel", "we leave", true },
		{ "cancel", "we do not leave", false },
		{ "cancel", "we don't want them to leave", false },
		{ "cancel", "not urgent, but we leave", true },
		{ "cancel", "this is not good and we leave", true },
		{ "cancel", "I am not sure we leave", true },       /* a doubt, no denial */
		{ "cancel", "nous ne voulons pas leave", false },
		{ "cancel", "on leave pas", false },
		{ "cancel", "what if we leave", false },
		{ "cancel", "if it stays so for another week, we leave", true },         /* a threat is talk ... */
		{ "cancel_request", "if it stays so for another week, we leave", false }, /* ... and no request */
		{ "cancel", "the \"leave\" button", false },
		{ "cancel", "the \"stay\" and the \"leave\" button", false },
		{ "cancel", "\"stay\" is what they say, we leave", true },
		{ "cancel", "one of our customers wants to leave", false },
		{ "cancel", "the customer wants to leave", true },  /* our own note on the account */
		{ "cancel", "we leave with another company", false },
		{ "cancel_request", "we leave to your weekly newsletter", false },
		{ "cancel_request", "we leave to our regret, the newsletter is fine", true },
		{ "cancel_request", "we leave tickets", false },
		{ "cancel", "we leave with immediate effect", true },
		{ "cancel", "Automatic reply: away.\nWe leave", false },
		{ "champion_leaving", "Automatic reply: away.\nWe leave", true },
		{ "unheard_of", "we leave", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (is_heard(cases[i].kind, "leave", cases[i].text) != cases[i].is_heard)
			fail_msg("%s: %s", cases[i].kind, cases[i].text);
}

static void a_phrase_that_cannot_be_read_is_told(void **state)
{
	static const struct {
		const char *phrase, *set, *why;
	} cases[] = {
		{ "a||b", NULL, "nothing stands beside a |" },   { "abc*", NULL, "`abc*` is too short" },
		{ "<y>", "a", "no words are called <y>" },       { "<x>", "a|<x>", "<x> stands in itself" },
		{ "<x>", "a .. b", "<x> has more than words" },  { "a <x>", "a", "<...> stands beside a word" },
		{ "a .. ", NULL, "nothing stands beside a |" },  { "a+b+c+d+e+f+g", NULL, "too many parts" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (index_of("cancel", cases[i].phrase, cases[i].set, &err))
			fail_msg("%s is read", cases[i].phrase);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].phrase, err.text);
	}
}

static void the_quote_begins_shortly_before_the_phrase_and_ends_with_the_sentence(void **state)
{
	struct lexicon_hit hits[MAX_LEXICONS];
	struct err err;
	const struct lexicon_index *index = index_of("cancel", "leave", NULL, &err);
	char *text = arena_alloc(arena, 700);

	(void)state;
	for (int i = 0; i < 300; i += 3)
		memcpy(text + i, "so ", 3);
	strncat(text, "we leave you soon. Bye", 300);
	ASSERT_INT(lexicon_hear(index, text, arena, hits), 1);
	assert_true(strncmp(hits[0].sentence, "\xE2\x80\xA6 so so", 9) == 0);
	assert_true(strlen(hits[0].sentence) < 130);
	assert_non_null(strstr(hits[0].sentence, "we leave you soon"));
	assert_null(strstr(hits[0].sentence, "Bye"));
}

/* A text made to be slow: nearly every phrase begins at every word. It costs no more than twenty times plain words. */
static void no_text_takes_long(void **state)
{
	static const char *const texts[] = { "we would like to please want to ", "lorem ipsum dolor sit amet cum " };
	struct lexicon_hit hits[MAX_LEXICONS];
	clock_t took[2];

	(void)state;
	for (int t = 0; t < 2; t++) {
		size_t len = strlen(texts[t]);
		char *text = arena_alloc(arena, 200000);
		clock_t start = clock();

		for (size_t i = 0; i + len < 199999; i += len)
			memcpy(text + i, texts[t], len);
		for (int i = 0; i < 50; i++)
			(void)lexicon_hear(score->index, text, arena, hits);
		took[t] = clock() - start;
	}
	if (took[0] > 20 * took[1] + CLOCKS_PER_SEC / 10)
		fail_msg("%ld against %ld clocks", (long)took[0], (long)took[1]);
}

static void other_ways_to_say_it_are_heard_and_everyday_requests_are_not(void **state)
{
	struct tally more[N_KINDS] = { 0 }, all;

	(void)state;
	count("more", false, more);
	show("paraphrases", more, &all);
	assert_true(all.right >= 150);
	assert_true(share(all.right, all.right + all.wrong) >= 0.95);
	assert_true(share(all.right, all.right + all.missed) >= 0.9);
}

static void a_wish_for_more_is_no_wish_for_less(void **state)
{
	static const struct {
		const char *text;
		bool is_less;
	} cases[] = {
		{ "We would like to go from 25 to 60 seats next month.", false },
		{ "We would like to go from 60 to 25 seats next month.", true },
		{ "We want to get from twelve to forty seats before summer.", false },
		{ "Can we switch to 80 licences instead of 50?", false },
		{ "Can we switch to 50 licences instead of 80?", true },
		{ "Nous souhaitons passer de 25 \xC3\xA0 60 licences.", false },
		{ "Nous souhaitons passer de 60 \xC3\xA0 25 licences.", true },
		{ "Nous souhaitons passer \xC3\xA0 60 licences au lieu de 25.", false },
		{ "We'd like to switch from the basic plan to Enterprise.", false },
		{ "We'd like to switch from Enterprise to the basic plan.", true },
		{ "Nous voulons passer de la version de base \xC3\xA0 la version Pro.", false },
		{ "Nous voulons repasser de la version Pro \xC3\xA0 la version de base.", true },
		{ "Please remove 5 of our 40 licences.", true },
		{ "Can you remove Tom Becker from our seats and give his licence to Lena?", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (has_kind(heard_in(cases[i].text), "downgrade_request") != cases[i].is_less)
			fail_msg("%s", cases[i].text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phrase_is_words_gaps_stems_ends_and_sets),
		cmocka_unit_test(what_is_denied_supposed_quoted_or_of_others_is_not_meant),
		cmocka_unit_test(a_wish_for_more_is_no_wish_for_less),
		cmocka_unit_test(a_phrase_that_cannot_be_read_is_told),
		cmocka_unit_test(the_quote_begins_shortly_before_the_phrase_and_ends_with_the_sentence),
		cmocka_unit_test(no_text_takes_long),
		cmocka_unit_test(nine_of_ten_that_are_heard_are_meant_in_every_kind_and_held_back_too),
		cmocka_unit_test(other_ways_to_say_it_are_heard_and_everyday_requests_are_not),
	};

	if (argc > 1) {
		struct tally tallies[N_KINDS] = { 0 }, all;

		(void)load(NULL);
		count(argv[1], true, tallies);
		show(argv[1], tallies, &all);
		return unload(NULL);
	}
	return cmocka_run_group_tests(tests, load, unload);
}
