#include "common/nearest.h"

#include <stdbool.h>
#include <string.h>

enum { WORD_MAX = 40 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Slips between two words of at most WORD_MAX bytes (optimal string alignment, three rows). */
static size_t slips(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], a_len = strlen(a), b_len = strlen(b);
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		before[j] = above[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

const char *nearest_word(const char *word, const char *const *words, size_t n)
{
	size_t best = WORD_MAX, len = strlen(word);
	const char *found = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t n_slips;

		if (!words[i] || strlen(words[i]) > WORD_MAX)
			continue;
		n_slips = slips(word, words[i]);
		if (n_slips < best && n_slips * 3 <= strlen(words[i]) + 1) {
			best = n_slips;
			found = words[i];
		}
	}
	return found;
}
