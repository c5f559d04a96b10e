/* HTML as plain text: paragraphs parted, quotes and what nobody sees left out, plain text untouched. */
#include "cmocka_shim.h"

#include <string.h>

#include "../../src/score/html.h"

static void tags_go_blocks_part_quotes_and_hidden_things_are_left_out(void **state)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "no tags & none & 1 < 2", "no tags & none & 1 < 2" },
		{ "On 3 March, Jo <jo@x.example> wrote:\n> a", "On 3 March, Jo <jo@x.example> wrote:\n> a" },
		{ "<p>We <b>leave</b></p>", "\n\nWe leave\n\n" },
		{ "one<br>two<BR/>three", "one\n\ntwo\n\nthree" },
		{ "<div class=\"x\">a\nb</div>", "\n\na b\n\n" },
		{ "mine<blockquote type=cite>theirs <blockquote>older</blockquote> x</blockquote>below",
		  "mine\n> \n\n\n\nbelow" },
		{ "<style>p { color: red }</style>text", "\n\ntext" },
		{ "<i>don&#39;t &amp; l&rsquo;abonnement &eacute;t&#xe9; &euro; &#8364; &nope; &#xyz;</i>",
		  "don't & l'abonnement \xC3\xA9t\xC3\xA9 EUR \xE2\x82\xAC &nope; &#xyz;" },
		{ "<b>x</b> <unknown> </blockquote>y <p", "x <unknown> \n\ny <p" },
		{ "<b></b><blockquote>never closed", "\n> \n\n" },
	};
	struct arena *a = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (strcmp(html_plain(a, cases[i].text), cases[i].plain) != 0)
			fail_msg("%s\ngives: %s", cases[i].text, html_plain(a, cases[i].text));
	assert_ptr_equal(html_plain(a, cases[1].text), cases[1].text);
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
		cmocka_unit_test_setup_teardown(tags_go_blocks_part_quotes_and_hidden_things_are_left_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
