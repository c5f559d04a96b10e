#include "store/account_signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DIGITS = 20, MAX_REAL = 32, MAX_NUMBERS = 8 * MAX_REAL, MAX_PLAIN_DIGITS = 15 };

static const double ONE = 1000; /* numbers are kept in thousandths */

/* Behind the last digit. */
static char *put_int(char *at, int64_t n)
{
	LATER_SET char digits[MAX_DIGITS];
	size_t from = sizeof digits;
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do {
		digits[--from] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (n < 0)
		*at++ = '-';
	memcpy(at, digits + from, sizeof digits - from);
	return at + (sizeof digits - from);
}

/* A word that JSON would write as the same number is one. */
static bool is_number(const char *text)
{
	size_t n = 0;

	while (n <= MAX_PLAIN_DIGITS && text[n] >= '0' && text[n] <= '9')
		n++;
	return n && !text[n] && n <= MAX_PLAIN_DIGITS && (*text != '0' || n == 1);
}

static bool is_plain(char c)
{
	return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

static bool is_all_plain(const char *text, size_t len)
{
	bool all = true;

	for (size_t i = 0; i < len; i++)
		all &= is_plain(text[i]);
	return all;
}

/* A JSON string. */
static void put_text(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;
	char *whole = is_all_plain(text, len) ? buf_take(out, len + 2) : NULL;

	if (whole) {
		*whole = '"';
		memcpy(whole + 1, text, len);
		whole[len + 1] = '"';
		return;
	}
	buf_char(out, '"');
	for (const char *at = text;; at++) {
		if (at < end && is_plain(*at))
			continue;
		buf_add(out, text, (size_t)(at - text));
		if (at == end)
			break;
		buf_printf(out, "\\u%04x", (unsigned char)*at);
		text = at + 1;
	}
	buf_char(out, '"');
}

static void put_word(struct buf *out, const char *word)
{
	buf_char(out, ',');
	if (word && is_number(word))
		buf_text(out, word);
	else
		put_text(out, word ? word : "", word ? strlen(word) : 0);
}

static char *put_literal(char *at, const char *text)
{
	size_t len = strlen(text);

	memcpy(at, text, len);
	return at + len;
}

static char *put_number(char *at, double x)
{
	static const double most = 1e14;
	double scaled = x * ONE;

	*at++ = ',';
	if (fabs(scaled) < most)
		return put_int(at, llround(scaled));
	if (isnan(x))
		return put_literal(at, "null");
	if (isinf(scaled))
		return put_literal(at, x < 0 ? "-9e999" : "9e999");
	return at + snprintf(at, MAX_REAL, "%.17e", scaled);
}

void signal_said_text(struct buf *out, const struct signal_said *s, bool is_first)
{
	static const double least = 1e-3;
	LATER_SET char numbers[MAX_NUMBERS];
	char *at = put_literal(numbers, is_first ? "[[" : ",[");
	size_t n_words = s->n_words;

	at = put_int(at, (int64_t)s->place);
	at = put_number(at, s->value);
	at = put_number(at, s->baseline);
	at = put_number(at, s->strength > 0 && s->strength < least ? least : s->strength);
	at = put_number(at, s->contribution);
	*at++ = ',';
	at = s->age < 0 ? put_literal(at, "null") : put_int(at, s->age);
	buf_add(out, numbers, (size_t)(at - numbers));
	while (n_words && !(s->words[n_words - 1] && *s->words[n_words - 1]))
		n_words--;
	for (size_t i = 0; i < n_words; i++)
		put_word(out, s->words[i]);
	buf_char(out, ']');
}

size_t signal_marks(const char *text, struct signal_mark out[SIGNAL_MARKS])
{
	const char *open, *close;
	size_t n = 0;

	for (; n < SIGNAL_MARKS && (open = strstr(text, "{{")) && (close = strstr(open, "}}")); text = close + 2)
		out[n++] = (struct signal_mark){ open + 2, (size_t)(close - open - 2) };
	return n;
}

static void put_wording(struct buf *out, const char *text)
{
	struct signal_mark marks[SIGNAL_MARKS];
	size_t n = signal_marks(text, marks);

	buf_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		put_text(out, text, (size_t)(marks[i].name - 2 - text));
		buf_printf(out, ",%zu,", i);
		text = marks[i].name + marks[i].len + 2;
	}
	put_text(out, text, strlen(text));
	buf_char(out, ']');
}

void signal_sets_text(struct buf *out, const struct signal_set *sets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_char(out, i ? ',' : '[');
		buf_char(out, '[');
		put_text(out, sets[i].engine, strlen(sets[i].engine));
		buf_char(out, ',');
		put_text(out, sets[i].signal, strlen(sets[i].signal));
		buf_printf(out, ",%.17e,", sets[i].weight);
		put_wording(out, sets[i].text);
		buf_char(out, ']');
	}
	buf_text(out, n ? "]" : "[]");
}
