/* Whose words stand in a message: the writer's own are kept, older mail, other people's and signatures are not. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/score/message.h"
#include "common/arena.h"

/* The pieces that are kept, parted by "|". */
static const char *own(struct arena *a, const char *text)
{
	struct message m;
	const char *all = "";

	message_read(text, strlen(text), &m);
	for (size_t i = 0; i < m.n; i++)
		all = arena_printf(a, "%s%s%s", all, i ? "|" : "",
		                   arena_strndup(a, text + m.pieces[i].at, m.pieces[i].end - m.pieces[i].at));
	return all;
}

static void only_the_writers_own_words_are_kept(void **state)
{
	static const struct {
		const char *text, *own;
	} cases[] = {
		{ "", "" },
		{ " \n\t\n", "" },
		{ "One line", "One line" },
		{ "One\n\n  Two\r\n", "One\n\n  Two" },
		{ "> theirs\nmine", "mine" },
		{ "mine\n> theirs\n>> older\nmine again", "mine|mine again" },
		{ "mine\nOn 3 Mar 2026, Jo <jo@x.example> wrote:\ntheirs", "mine" },
		{ "mine\nOn 3 Mar 2026, Jo <jo@x.example>\nwrote:\n> theirs\nbelow", "mine|below" },
		{ "mine\nOn 3 Mar, Jo wrote:\n\n> theirs\n\nbelow", "mine|below" },
		{ "As I wrote: all is well", "As I wrote: all is well" },
		{ "This is what Jo wrote:\nall is well", "This is what Jo wrote:\nall is well" }, /* neither date nor address */
		{ "Oui\nLe 3 mars 2026 \xC3\xA0 10:12, Jo a \xC3\xA9" "crit :\nleurs mots", "Oui" },
		{ "mine\n-----Original Message-----\ntheirs", "mine" },
		{ "mine\n---------- Forwarded message ---------\nFrom: x", "mine" },
		{ "Begin forwarded message:\n\ntheirs", "" },
		{ "mine\nFrom: Jo\nSent: Monday\nTo: me\n\ntheirs", "mine" },
		{ "mine\nDe : Jo\nEnvoy\xC3\xA9 : lundi\n\nleurs", "mine" },
		{ "From: here on it is easy\nto read", "From: here on it is easy\nto read" },
		{ "mine\n--\nJo Doe\nCancellations", "mine" },
		{ "mine\n-- \nJo Doe", "mine" },
		{ "mine\nKind regards,\n\nJo Doe\nHead of x", "mine" },
		{ "mine\nCordialement\nJeanne", "mine" },
		{ "Thanks\nJo", "Thanks\nJo" }, /* nothing stands above it */
		{ "mine\nThanks\nwe go on writing", "mine\nThanks\nwe go on writing" },
		{ "mine\nRegards,\nJo\nPS: one more thing", "mine|PS: one more thing" },
		{ "mine\nSent from my iPhone\nslogan", "mine" },
		{ "Re: your renewal.\nmine", "mine" },
		{ "TR : contrat.\nmine", "mine" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (strcmp(own(a, cases[i].text), cases[i].own) != 0)
			fail_msg("%s\ngives: %s", cases[i].text, own(a, cases[i].text));
}

static void automatic_answers_are_known_by_their_first_lines(void **state)
{
	static const struct {
		const char *text;
		bool is_automatic;
	} cases[] = {
		{ "Automatic reply: Re: offer.\nI am away", true },
		{ "R\xC3\xA9ponse automatique : offre.\nabsent", true },
		{ "Re: offer.\nOut of office until Monday", true },
		{ "Offer.\nFine.\nYour out of office answer reached me", false },
		{ "Offer.\nFine", false },
	};
	struct message m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		message_read(cases[i].text, strlen(cases[i].text), &m);
		if (m.is_automatic != cases[i].is_automatic)
			fail_msg("%s", cases[i].text);
	}
}

static void a_message_of_nothing_but_line_changes_keeps_its_ceiling(void **state)
{
	struct arena *a = *state;
	char *text = arena_alloc(a, 4001);
	struct message m;

	for (int i = 0; i < 4000; i += 4)
		memcpy(text + i, i % 8 ? ">b\n\n" : "a.\n\n", 4);
	message_read(text, 4000, &m);
	ASSERT_INT(m.n, MAX_PIECES);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_writers_own_words_are_kept, setup, teardown),
		cmocka_unit_test(automatic_answers_are_known_by_their_first_lines),
		cmocka_unit_test_setup_teardown(a_message_of_nothing_but_line_changes_keeps_its_ceiling, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
