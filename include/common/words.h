/* What people read, in their language: texts by key from config/texts/LANGUAGE.yaml, which are built in and of which a
 * configuration may replace single ones. A text holds {{name}} where an argument goes, written in the way of the
 * language, and {{name|account|accounts}} where the plural form follows it: forms in the order of the language's
 * plural classes (Unicode CLDR; en and fr: one, other). A blank before a sign that wants a no-break one in the language
 * becomes one. NULL for a `struct words` is English. Pure, and the same on every machine. */
#ifndef COMMON_WORDS_H
#define COMMON_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/yaml.h"

struct word {
	const char *name;
	enum word_kind {
		WORD_TEXT,        /* text as it is */
		WORD_INT,         /* number: "12,400" */
		WORD_REAL,        /* real with so many decimals */
		WORD_PERCENT,     /* real, a share of 1: "93.1 %" */
		WORD_DAY,         /* day, the year only where it is another than that of said_on: "Mon 2 Mar" */
		WORD_DATE,        /* day with its year: "Mon 2 Mar 2026" */
		WORD_MONTH,       /* that of a day, in full, with its year: "March 2026" */
		WORD_MONEY,       /* minor units: "EUR 48,000", "48 000 \u20ac" */
		WORD_MONEY_SHORT  /* "EUR 48k", "48 k\u20ac" */
	} kind;
	const char *text;     /* the text, or the currency's code */
	int64_t number;       /* of int, day and money */
	double real;
	int32_t said_on;
	int decimals;
};

#define W_TEXT(called, t) { .name = (called), .kind = WORD_TEXT, .text = (t) }
#define W_INT(called, n) { .name = (called), .kind = WORD_INT, .number = (int64_t)(n) }
#define W_REAL(called, r, places) { .name = (called), .kind = WORD_REAL, .real = (r), .decimals = (places) }
#define W_PERCENT(called, share, places) \
	{ .name = (called), .kind = WORD_PERCENT, .real = (share), .decimals = (places) }
#define W_DAY(called, d, on) { .name = (called), .kind = WORD_DAY, .number = (d), .said_on = (on) }
#define W_DATE(called, d) { .name = (called), .kind = WORD_DATE, .number = (d) }
#define W_MONTH(called, d) { .name = (called), .kind = WORD_MONTH, .number = (d) }
#define W_MONEY(called, minor, code) { .name = (called), .kind = WORD_MONEY, .number = (minor), .text = (code) }
#define W_MONEY_SHORT(called, minor, code) \
	{ .name = (called), .kind = WORD_MONEY_SHORT, .number = (minor), .text = (code) }

struct words_entry {
	const char *key, *text;
};

struct words {
	const char *language;              /* "en": as the lang attribute of HTML wants it */
	const struct words_entry *entries; /* by key, ascending */
	size_t n;
	const struct words *base;          /* whose texts these replace; NULL: none */
	const char *source;                /* built-in ones: the file with these texts, to the byte */
};

/* The built-in ones; ends with language NULL. */
extern const struct words words_built_in[];
/* Those of a language, NULL: there are none. */
const struct words *words_of(const char *language);
/* Base with some texts replaced by a mapping `key: text`. A key that base does not have, an argument that its text does
 * not have and a missing plural form are mistakes. */
const struct words *words_replace(struct arena *a, const struct words *base, const struct yaml *mapping,
                                  struct mistakes *m);
/* The same texts, living in the arena; the built-in ones live for ever. NULL for NULL. */
const struct words *words_copy(struct arena *a, const struct words *w);
const char *words_language(const struct words *w);
/* The text as it is written, in English where the language lacks it; NULL: no such key. */
const char *words_find(const struct words *w, const char *key);

/* The text with its arguments. A key or an argument that is not there is a bug of ours and ends the process. */
const char *words_say(const struct words *w, struct arena *a, const char *key, const struct word *args, size_t n);
/* The same for a text at hand. */
const char *words_fill(const struct words *w, struct arena *a, const char *text, const struct word *args, size_t n);
/* A text without arguments at hand, whatever stands in it. */
const char *words_literal(const struct words *w, struct arena *a, const char *text);
/* Whether all that a text asks for is there. */
bool words_can_fill(const char *text, const struct word *args, size_t n);
/* A text without arguments. */
const char *words_text(const struct words *w, struct arena *a, const char *key);
#define SAY(w, a, key, ...) \
	words_say((w), (a), (key), (const struct word[]){ __VA_ARGS__ }, ARRAY_LEN(((const struct word[]){ __VA_ARGS__ })))

/* A day as an argument: with its year in the language's way, YYYY-MM-DD for NULL, as the command line has it. */
struct word words_day(const struct words *w, struct arena *a, const char *name, int32_t day);
/* One argument alone. */
const char *words_one(const struct words *w, struct arena *a, const struct word *arg);
/* "a", "a and b", "a, b and c"; "" for none. */
const char *words_list(const struct words *w, struct arena *a, const char *const *texts, size_t n);

#endif
