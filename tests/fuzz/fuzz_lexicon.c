#include "replay.h"

#include <string.h>

#include "../../src/score/html.h"
#include "../../src/score/message.h"
#include "../../src/score/words.h"
#include "common/text.h"
#include "score/lexicon.h"

enum { MAX_HEARD = 400 };

static const char *const kinds[] = { "cancel_request", "cancel", "exit_question", "champion_leaving", "adjacent_need" };

/* Pieces ascend within the text and don't overlap. */
static void check_message(const char *text, size_t len)
{
	struct message m;
	size_t end = 0;

	message_read(text, len, &m);
	REQUIRE(m.n <= MAX_PIECES);
	for (size_t i = 0; i < m.n; i++) {
		REQUIRE(m.pieces[i].at >= end && m.pieces[i].end > m.pieces[i].at && m.pieces[i].end <= len);
		end = m.pieces[i].end;
	}
}

static void check_words(const char *text, size_t len)
{
	struct cutter c = { .text = text, .len = len };
	struct cut w;
	size_t end = 0;

	while (cut_next(&c, &w)) {
		REQUIRE(w.at >= end && w.end > w.at && w.end <= len && c.at >= w.end);
		REQUIRE(strlen(w.folded) <= WORD_BYTES);
		end = w.end;
	}
}

static void hear(struct arena *a, const struct lexicon_settings *all, const char *text)
{
	const struct lexicon_index *index;
	struct lexicon_hit hits[MAX_LEXICONS];
	struct err err;
	size_t wrong, n;

	if (lexicon_index_new(a, (struct yaml_array){ (void *)(uintptr_t)all, ARRAY_LEN(kinds) }, &index, &wrong, &err) < 0)
		return;
	n = lexicon_hear(index, text, a, hits);
	REQUIRE(n <= ARRAY_LEN(kinds));
	for (size_t i = 0; i < n; i++) {
		REQUIRE(hits[i].lexicon < ARRAY_LEN(kinds) && (i == 0 || hits[i].lexicon > hits[i - 1].lexicon));
		REQUIRE(*hits[i].sentence && strlen(hits[i].sentence) <= MAX_HEARD * 2);
		REQUIRE(!utf8_is_valid(text, strlen(text)) || utf8_is_valid(hits[i].sentence, strlen(hits[i].sentence)));
	}
}

/* A phrase in the first line and a text behind it: whatever stands there, what comes out lies in the text. The text is
 * looked through with phrases of ours, too. */
int fuzz_one(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *text = arena_strndup(a, (const char *)data, size), *phrase = strsep(&text, "\n");
	const char *theirs[] = { phrase }, *ours[] = { "we|you ... leave*|stop + it|all", "^go|now$" };
	struct word_set set = { "x", "we|they|leav*" };
	struct lexicon_settings all[ARRAY_LEN(kinds)];

	text = text ? text : phrase;
	check_message((const char *)data, size);
	REQUIRE(strlen(html_plain(a, text)) <= 2 * strlen(text));
	check_words((const char *)data, size);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		all[i] = (struct lexicon_settings){ kinds[i], kinds[i], { ours, ARRAY_LEN(ours) }, { &set, 1 } };
	hear(a, all, text);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		all[i].phrases = (struct texts){ theirs, 1 };
	hear(a, all, text);
	return 0;
}
