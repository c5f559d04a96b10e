/* Sources: Unicode CLDR 44 for plural classes, signs, names of days and months; French typography (a narrow no-break
 * space before ; ? ! and %, a no-break space before : and inside quotation marks, "1er" for the first of a month) by
 * the Lexique of the Imprimerie nationale. */
#include "words_language.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/figures.h"
#include "common/money.h"

#define NARROW "\u202f"
#define NO_BREAK "\u00a0"

enum { NUMBER_BYTES = 400 };

static int english_plural(uint64_t n, bool has_decimals)
{
	return n == 1 && !has_decimals ? 0 : 1;
}

/* Nothing and one are singular, and all between one and two. The class `many` (whole millions) asks for a "de" that
 * digits go without. */
static int french_plural(uint64_t n, bool has_decimals)
{
	(void)has_decimals;
	return n <= 1 ? 0 : 1;
}

static const struct language languages[] = {
	{ .name = "en", .n_plurals = 2, .plural = english_plural, .group = ",", .point = ".", .percent = " %",
	  .weekdays = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" },
	  .months = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" },
	  .full_months = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
	                   "November", "December" },
	  .first_of_month = "1", .thousands = { "", "k", "M", "bn" } },
	{ .name = "fr", .n_plurals = 2, .plural = french_plural, .group = NARROW, .point = ",", .percent = NARROW "%",
	  .weekdays = { "lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim." },
	  .months = { "janv.", "f\u00e9vr.", "mars", "avr.", "mai", "juin", "juil.", "ao\u00fbt", "sept.", "oct.", "nov.",
	              "d\u00e9c." },
	  .full_months = { "janvier", "f\u00e9vrier", "mars", "avril", "mai", "juin", "juillet", "ao\u00fbt", "septembre",
	                   "octobre", "novembre", "d\u00e9cembre" },
	  .first_of_month = "1er", .has_money_behind = true, .thousands = { "", "k", "M", "Md" }, .no_break = ";?!%",
	  .elides = true },
};

const struct language *language_of(const struct words *w)
{
	for (size_t i = 0; w && i < ARRAY_LEN(languages); i++)
		if (strcmp(languages[i].name, w->language) == 0)
			return &languages[i];
	return &languages[0];
}

/* What stands behind an amount; other currencies go by their code. */
static const char *currency_sign(const char *code)
{
	static const struct { const char *code, *sign; } signs[] = {
		{ "EUR", "\u20ac" }, { "USD", "$US" }, { "GBP", "\u00a3GB" },
	};

	for (size_t i = 0; code && i < ARRAY_LEN(signs); i++)
		if (strcmp(signs[i].code, code) == 0)
			return signs[i].sign;
	return code ? code : "";
}

/* Digits with a point, as printf writes them, in the language's way. */
static const char *in_groups(const struct language *l, struct arena *a, const char *digits)
{
	CLEANUP(buf_done) struct buf b;
	size_t whole = strcspn(digits, "."), from = *digits == '-';

	buf_init(&b, 8 * NUMBER_BYTES);
	for (size_t i = 0; i < whole; i++) {
		if (i > from && (whole - i) % 3 == 0)
			buf_text(&b, l->group);
		buf_char(&b, digits[i]);
	}
	if (digits[whole])
		buf_printf(&b, "%s%s", l->point, digits + whole + 1);
	return arena_strdup(a, b.at);
}

static const char *real(const struct language *l, struct arena *a, double value, int decimals)
{
	LATER_SET char digits[NUMBER_BYTES];

	figures_real(digits, sizeof digits, value, decimals);
	if (strspn(digits, "-0.") == strlen(digits) && *digits == '-') /* no number below zero is -0 */
		memmove(digits, digits + 1, strlen(digits));
	return isfinite(value) ? in_groups(l, a, digits) : "?";
}

static uint64_t magnitude(int64_t n)
{
	return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

static uint64_t unit_of(const char *currency)
{
	uint64_t unit = 1;
	int digits = money_digits(currency);

	for (int i = digits < 0 ? 2 : digits; i > 0; i--)
		unit *= 10;
	return unit;
}

static const char *money_behind(const struct language *l, struct arena *a, int64_t minor, const char *currency)
{
	uint64_t unit = unit_of(currency), whole = magnitude(minor) / unit, rest = magnitude(minor) % unit;
	const char *sign = minor < 0 ? "-" : "", *digits = arena_printf(a, "%" PRIu64, whole);
	int n = money_digits(currency);

	if (rest)
		digits = arena_printf(a, "%s.%0*" PRIu64, digits, n < 0 ? 2 : n, rest);
	return arena_printf(a, "%s%s" NO_BREAK "%s", sign, in_groups(l, a, digits), currency_sign(currency));
}

/* As money_short rounds, with the suffix before the sign, and apart from a code: "1,5 M JPY". */
static const char *money_behind_short(const struct language *l, struct arena *a, int64_t minor, const char *currency)
{
	uint64_t unit = unit_of(currency), amount = magnitude(minor), whole, tenths;
	size_t i = 0;
	const char *digits, *name = currency_sign(currency);

	while (i + 1 < ARRAY_LEN(l->thousands) && (amount + unit / 2) / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	whole = (amount + unit / 2) / unit;
	tenths = i ? (amount + unit / 20) / (unit / 10) : 0;
	digits = arena_printf(a, "%" PRIu64, i && tenths < 1000 ? tenths / 10 : whole);
	if (i && tenths < 1000 && tenths % 10)
		digits = arena_printf(a, "%s.%" PRIu64, digits, tenths % 10);
	return arena_printf(a, "%s%s" NO_BREAK "%s%s%s", minor < 0 && (whole || tenths) ? "-" : "", in_groups(l, a, digits),
	                    l->thousands[i], i && *name >= 'A' && *name <= 'Z' ? NO_BREAK : "", name);
}

static const char *money(const struct language *l, struct arena *a, const struct word *arg)
{
	bool is_short = arg->kind == WORD_MONEY_SHORT;

	if (!l->has_money_behind)
		return (is_short ? money_short : money_text)(a, arg->number, arg->text);
	return (is_short ? money_behind_short : money_behind)(l, a, arg->number, arg->text);
}

static const char *day(const struct language *l, struct arena *a, int32_t on, bool has_year)
{
	int year, month, day_of_month;
	const char *text;

	day_split(on, &year, &month, &day_of_month);
	text = day_of_month == 1 ? l->first_of_month : arena_printf(a, "%d", day_of_month);
	text = arena_printf(a, "%s %s %s", l->weekdays[day_weekday(on)], text, l->months[month - 1]);
	return has_year ? arena_printf(a, "%s %d", text, year) : text;
}

static const char *month(const struct language *l, struct arena *a, int32_t on)
{
	int year, month, day_of_month;

	day_split(on, &year, &month, &day_of_month);
	return arena_printf(a, "%s %d", l->full_months[month - 1], year);
}

static bool is_other_year(int32_t on, int32_t said_on)
{
	int year, said_year, month, day_of_month;

	day_split(on, &year, &month, &day_of_month);
	day_split(said_on, &said_year, &month, &day_of_month);
	return year != said_year;
}

/* Of two figures at most, which no language groups. */
static const char *small_number(struct arena *a, int n)
{
	char digits[] = { (char)('0' + n / 10), (char)('0' + n % 10) };

	return n < 10 ? arena_strndup(a, digits + 1, 1) : arena_strndup(a, digits, 2);
}

const char *language_argument(const struct language *l, struct arena *a, const struct word *arg)
{
	int32_t on = (int32_t)arg->number;

	switch (arg->kind) {
	case WORD_TEXT:
		break;
	case WORD_INT:
		if (arg->number >= 0 && arg->number < 100)
			return small_number(a, (int)arg->number);
		return in_groups(l, a, arena_printf(a, "%" PRId64, arg->number));
	case WORD_REAL:
		return real(l, a, arg->real, arg->decimals);
	case WORD_PERCENT:
		return arena_printf(a, "%s%s", real(l, a, 100 * arg->real, arg->decimals), l->percent);
	case WORD_DAY:
		return day(l, a, on, is_other_year(on, arg->said_on));
	case WORD_DATE:
		return day(l, a, on, true);
	case WORD_MONTH:
		return month(l, a, on);
	case WORD_MONEY:
	case WORD_MONEY_SHORT:
		return money(l, a, arg);
	}
	return arg->text ? arg->text : "";
}
