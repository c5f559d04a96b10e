/* texts/LANGUAGE.yaml: single texts that an installation words in its own way; and the `language:` of who reads. */
#include <string.h>

#include "common/text.h"
#include "load.h"

static struct texts known_languages(struct arena *a)
{
	struct texts known = { 0 };

	while (words_built_in[known.n].language)
		known.n++;
	known.at = arena_array(a, known.n, sizeof *known.at);
	for (size_t i = 0; i < known.n; i++)
		known.at[i] = words_built_in[i].language;
	return known;
}

void check_language(const struct yaml *where, const char *language, struct mistakes *m)
{
	if (!words_of(language))
		refuse_unknown(where, language, "language", known_languages(m->arena), m);
}

/* Who copied all of config/ has the built-in texts in a file, too: they replace nothing. */
static bool is_built_in(const struct words *w, const struct config_file *f)
{
	return f->len == strlen(w->source) && memcmp(f->text, w->source, f->len) == 0;
}

/* Brings in what a file says of its language, once. */
static void read_texts(struct loading *l, const struct words *w)
{
	const struct config_file **file = &l->texts[w - words_built_in], *f = *file;
	const struct yaml *tree;

	*file = NULL;
	tree = f && !is_built_in(w, f) ? yaml_parse(l->arena, f->path, f->text, f->len, l->mistakes) : NULL;
	if (tree)
		l->words[w - words_built_in] = words_replace(l->arena, w, tree, l->mistakes);
}

static void read_language(struct loading *l, const char *name)
{
	const struct config_file *f = config_file(l, name, "texts (key: \"text\")");
	const struct words *w = words_of(config_stem(l->arena, name));
	struct yaml where = { .path = "", .line = 1 };

	if (!f)
		return;
	where.file = f->path;
	check_language(&where, config_stem(l->arena, name), l->mistakes);
	if (!w)
		return;
	l->texts[w - words_built_in] = f;
	if (!l->checks->is_brief)
		read_texts(l, w);
}

void read_languages(struct loading *l)
{
	static const char *const endings[] = { ".yaml" };
	struct texts names = config_list(l, "texts", endings, ARRAY_LEN(endings));
	size_t n = known_languages(l->arena).n;

	l->words = arena_array(l->arena, n, sizeof *l->words);
	l->texts = arena_array(l->arena, n, sizeof *l->texts);
	for (size_t i = 0; i < n; i++)
		l->words[i] = &words_built_in[i];
	for (size_t i = 0; i < names.n; i++)
		read_language(l, names.at[i]);
}

const struct words *read_words(struct loading *l, const struct yaml *where, const char *language)
{
	const struct words *w = words_of(language);

	if (w) {
		read_texts(l, w);
		return l->words[w - words_built_in];
	}
	if (language)
		check_language(yaml_member(where, "language"), language, l->mistakes);
	return NULL;
}
