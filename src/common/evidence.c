#include "common/evidence.h"

#include <string.h>

enum { MAX_ARGS = 12 };

/* Who is told, and when. */
struct teller {
	const struct words *words;
	struct arena *arena;
	int32_t said_on;
};

/* A text, {"int": 3}, {"real": 0.5, "decimals": 1}, {"day": 20514} or {"minor": 4800000, "currency": "EUR"}. */
static bool read_argument(const struct teller *t, const struct json *j, const char *name, struct word *out)
{
	int64_t n, decimals;
	double real;

	if (json_text(j))
		*out = (struct word)W_TEXT(name, json_text(j));
	else if (json_int(json_member(j, "int"), &n))
		*out = (struct word)W_INT(name, n);
	else if (json_int(json_member(j, "day"), &n) && n > INT32_MIN && n < INT32_MAX)
		*out = (struct word)W_DAY(name, (int32_t)n, t->said_on);
	else if (json_int(json_member(j, "minor"), &n) && json_text(json_member(j, "currency")))
		*out = (struct word)W_MONEY(name, n, json_text(json_member(j, "currency")));
	else if (json_real(json_member(j, "real"), &real) && json_int(json_member(j, "decimals"), &decimals) &&
	         decimals >= 0 && decimals <= 9)
		*out = (struct word)W_REAL(name, real, (int)decimals);
	else
		return false;
	return true;
}

/* The text of a key with these members as its arguments; NULL when there is none, or not all that it wants. */
static const char *say(const struct teller *t, const char *key, const struct word *args, size_t n)
{
	const char *text = words_find(t->words, key);

	return text && words_can_fill(text, args, n) ? words_say(t->words, t->arena, key, args, n) : NULL;
}

/* {"say": KEY, its arguments ..}; NULL: can't be said. */
static const char *say_word(const struct teller *t, const struct json *j)
{
	const char *key = json_text(json_member(j, "say"));
	struct word args[MAX_ARGS];
	size_t n = 0;

	for (const struct json *m = json_first(j); key && m; m = json_next(m)) {
		if (strcmp(json_name(m), "say") == 0)
			continue;
		if (n == MAX_ARGS || !read_argument(t, m, json_name(m), &args[n++]))
			return NULL;
	}
	return key ? say(t, arena_printf(t->arena, "evidence.%s", key), args, n) : NULL;
}

/* One word of the evidence, a list as "a, b"; false: can't be said. */
static bool read_word(const struct teller *t, const struct json *j, struct word *out)
{
	const char *name = json_name(j), *text = "";

	if (json_type(j) != JSON_ARRAY && read_argument(t, j, name, out))
		return true;
	for (const struct json *item = json_type(j) == JSON_ARRAY ? json_first(j) : j; item; item = json_next(item)) {
		const char *one = json_text(item) ? json_text(item) : say_word(t, item);

		if (!one)
			return false;
		text = *text ? arena_printf(t->arena, "%s, %s", text, one) : one;
		if (item == j)
			break;
	}
	*out = (struct word)W_TEXT(name, text);
	return true;
}

const struct json *evidence_list(struct arena *a, const char *evidence)
{
	const struct json *list;
	struct err err;

	return evidence && json_parse(a, evidence, strlen(evidence), &list, &err) == 0 ? list : NULL;
}

const char *evidence_text(const struct words *w, int32_t said_on, struct arena *a, const struct json *item)
{
	const struct teller t = { w, a, said_on };
	const char *english = json_text(item) ? json_text(item) : json_text(json_member(item, "text"));
	const char *signal = json_text(json_member(item, "signal")), *text = NULL;
	const struct json *words = json_member(item, "words");
	struct word args[MAX_ARGS];
	size_t n = 0;

	if (json_type(words) != JSON_OBJECT)
		signal = NULL;
	for (const struct json *j = json_first(words); signal && j; j = json_next(j))
		if (n == MAX_ARGS || !read_word(&t, j, &args[n++]))
			signal = NULL;
	if (signal)
		text = say(&t, arena_printf(a, "signal.%s", signal), args, n);
	return text ? text : english;
}

const char *evidence_cause(const struct words *w, int32_t said_on, struct arena *a, const struct json *evidence,
                           const char *summary)
{
	for (const struct json *j = json_first(evidence); j && summary; j = json_next(j)) {
		const char *english = json_text(json_member(j, "text"));

		if (english && strcmp(english, summary) == 0)
			return evidence_text(w, said_on, a, j);
	}
	return summary;
}
