/* Turns text into numbers and back, and handles foreign text; nothing else in the program does. Locale-free.
 * The text_to_* functions take the whole text (no blanks around) or return false and touch nothing. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

bool text_to_int(const char *text, int64_t *out);
bool text_to_real(const char *text, double *out);
bool text_to_bool(const char *text, bool *out); /* true false yes no 1 0, any case */
/* "1234.565" with 2 digits -> 123457 (half away from zero). Accepts a sign and an exponent-free decimal only. */
bool text_to_minor(const char *text, int digits, int64_t *out);
bool text_to_duration(const char *text, int64_t *out_s); /* "90s" "15m" "2h" "30d" "1w" -> seconds */
bool text_to_time_of_day(const char *text, int *out_minutes); /* "08:00" -> 480 */

bool text_equal_fold(const char *a, const char *b); /* ASCII case folded; NULL equals only NULL */
bool text_is_blank(const char *text); /* NULL, empty or white space */
bool text_starts(const char *text, const char *start);
/* text_trim, text_fold and text_clean return "" for NULL. White space is Unicode's, the no-break spaces included. */
char *text_trim(struct arena *a, const char *text);
/* Lower case, Latin accents removed, apostrophes and dashes in their ASCII form, white space runs as one blank and none
 * at the ends: what lexicons and names are compared in. */
char *text_fold(struct arena *a, const char *text);
/* Writes one code point as folded text has it, at most 4 bytes; returns behind it. */
char *text_put_folded(char *to, uint32_t code);

/* Reads the code point at the start of len > 0 bytes. Returns its bytes, or 0 with U+FFFD when they begin with none. */
size_t utf8_next(const char *text, size_t len, uint32_t *out);
bool utf8_is_valid(const char *text, size_t len);
size_t utf8_length(const char *text); /* code points */
/* The longest start of at most max_bytes bytes that does not cut a code point. */
size_t utf8_fit(const char *text, size_t max_bytes);
/* Valid UTF-8 for people: bad bytes become U+FFFD; control characters, zero-width and bidi overrides go (a run of
 * line ends and tabs becomes one blank); at most max_chars code points, cut with an ellipsis. */
char *text_clean(struct arena *a, const char *text, size_t max_chars);
/* The same, beginning with a capital: of ASCII, or from \u00e0 to \u00fe. */
char *text_sentence(struct arena *a, const char *text, size_t max_chars);

#endif
