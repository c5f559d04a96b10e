#include "outline.h"

#include <string.h>

#include "common/text.h"
#include "render_parts.h"

struct outline_room {
	struct arena *arena;
	struct outline *to;
	size_t n_lines_room, n_room;
};

const char *outline_fit(struct arena *a, const char *text)
{
	size_t n = 0, len = strlen(text), at = 0, keep = 0;
	uint32_t code;

	while (at < len && n < LINE_CHARS) {
		if (++n == LINE_CHARS)
			keep = at;
		at += utf8_next(text + at, len - at, &code);
	}
	return at == len ? text : arena_printf(a, "%s\u2026", arena_strndup(a, text, keep));
}

static void begin_block(struct outline_room *o, bool is_apart, const char *spoken)
{
	struct outline *to = o->to;

	if (to->n && !to->blocks[to->n - 1].n) /* had nothing to say */
		to->n--;
	if (to->n == o->n_room) {
		o->n_room = o->n_room ? 2 * o->n_room : 32;
		to->blocks = arena_grow(o->arena, to->blocks, to->n, o->n_room, sizeof *to->blocks);
	}
	to->blocks[to->n++] = (struct outline_block){ .is_apart = is_apart,
		                                             .spoken = spoken ? outline_fit(o->arena, spoken) : NULL };
	o->n_lines_room = 0;
}

static void add(struct outline_room *o, enum line_role role, const char *label, const char *text, const char *url)
{
	struct outline_block *b = &o->to->blocks[o->to->n - 1];

	if (text_is_blank(text))
		return;
	if (b->n == o->n_lines_room) {
		o->n_lines_room = o->n_lines_room ? 2 * o->n_lines_room : 16;
		b->lines = arena_grow(o->arena, b->lines, b->n, o->n_lines_room, sizeof *b->lines);
	}
	b->lines[b->n++] = (struct outline_line){ .role = role, .label = label, .text = outline_fit(o->arena, text),
	                                          .url = url };
}

static void add_line(struct outline_room *o, enum line_role role, const char *text, bool is_apart)
{
	begin_block(o, is_apart, text);
	add(o, role, NULL, text, NULL);
}

static void add_item(struct outline_room *o, const struct digest_item *item, size_t number, bool is_apart)
{
	struct arena *a = o->arena;
	bool is_brief = digest_item_is_brief(item);

	begin_block(o, is_apart, digest_spoken(a, item, number));
	add(o, LINE_NAME, NULL, arena_printf(a, "%zu. %s", number, item->account), NULL);
	add(o, LINE_SUBTLE, NULL, item->tag, NULL);
	add(o, LINE_STRONG, NULL, arena_printf(a, "%s  |  %s", item->value, item->act_by), NULL);
	add(o, LINE_TEXT, NULL, item->whose, NULL);
	add(o, LINE_TEXT, NULL, item->summary, NULL);
	for (size_t i = 0; i < digest_item_n_evidence(item); i++)
		add(o, LINE_BULLET, NULL, item->evidence[i], NULL);
	if (digest_item_n_evidence(item))
		add(o, LINE_BULLET, NULL, digest_item_more(a, item), NULL);
	add(o, LINE_SUBTLE, NULL, is_brief ? NULL : item->caveat, NULL);
	add(o, LINE_TEXT, words_text(item->words, a, "digest.play"), item->play, NULL);
	if (!is_brief)
		add(o, LINE_TEXT, words_text(item->words, a, "digest.first_step"), item->first_step, NULL);
	if (item->url)
		add(o, LINE_LINK, NULL, SAY(item->words, a, "digest.open_in", W_TEXT("host", item->host)), item->url);
	for (size_t i = 0; i < item->n_answers; i++)
		add(o, LINE_LINK, NULL, item->answers[i].label, item->answers[i].url);
}

static bool follows_title(const struct outline_room *o)
{
	const struct outline_block *last = &o->to->blocks[o->to->n - 1];

	return last->n && last->lines[0].role == LINE_TITLE;
}

static void add_title(struct outline_room *o, const char *title)
{
	begin_block(o, true, title);
	add(o, LINE_TITLE, NULL, title, NULL);
}

static void add_section(struct outline_room *o, const struct digest_section *s, size_t n_shown)
{
	const char *cut = digest_cut_text(o->arena, s, n_shown);

	if (digest_section_is_empty(s))
		return;
	add_title(o, s->title);
	for (size_t i = 0; i <= n_shown; i++) {
		const char *group = i < n_shown ? digest_group_title(o->arena, s, i) : NULL;

		for (size_t k = 0; k < s->n_news && digest_news_come(s, i, n_shown); k++)
			add_line(o, LINE_BULLET, s->news[k], k == 0 && !follows_title(o));
		if (group) {
			begin_block(o, !follows_title(o), NULL);
			add(o, LINE_SUBTLE, NULL, group, NULL);
		}
		if (i < n_shown)
			add_item(o, &s->items[i], i + 1, !group && !follows_title(o));
	}
	if (cut)
		add_line(o, LINE_STRONG, cut, true);
	if (s->rest)
		add_line(o, LINE_STRONG, s->rest, true);
}

static void add_list(struct outline_room *o, const struct digest_list *l)
{
	add_title(o, l->title);
	begin_block(o, false, NULL);
	add(o, LINE_SUBTLE, NULL, l->intro, NULL);
	for (size_t i = 0; i < l->n_lines; i++)
		add_line(o, LINE_BULLET, l->lines[i], false);
	if (l->rest)
		add_line(o, LINE_STRONG, l->rest, false);
}

static void add_nrr(struct outline_room *o, const struct words *w, const struct digest_nrr *n)
{
	add_title(o, n->title);
	begin_block(o, false, n->ratios);
	add(o, LINE_STRONG, NULL, n->ratios, NULL);
	for (size_t i = 0; i < n->n_steps && !digest_nrr_is_empty(n); i++)
		add(o, LINE_BULLET, NULL, SAY(w, o->arena, "digest.step", W_TEXT("label", n->steps[i].label),
		                                W_TEXT("amount", n->steps[i].amount)), NULL);
	for (size_t i = 0; i < n->n_lines; i++)
		add_line(o, LINE_TEXT, n->lines[i], i == 0);
}

void outline_make(const struct digest *d, size_t n_items, struct arena *a, struct outline *out)
{
	struct outline_room o = { .arena = a, .to = out };

	*out = (struct outline){ .n = 0 };
	begin_block(&o, true, arena_printf(a, "%s. %s", d->headline, d->since));
	add(&o, LINE_HEADLINE, NULL, d->headline, NULL);
	add(&o, LINE_TEXT, NULL, d->since, NULL);
	add(&o, LINE_SUBTLE, NULL, arena_printf(a, "%s  |  %s", d->org_title, d->day), NULL);
	for (size_t i = 0; i < d->n_sections; i++)
		add_section(&o, &d->sections[i], digest_take_items(&d->sections[i], &n_items));
	for (size_t i = 0; i < d->n_lists; i++)
		add_list(&o, &d->lists[i]);
	if (d->nrr)
		add_nrr(&o, d->words, d->nrr);
	for (size_t i = 0; i < d->n_notes; i++)
		add_line(&o, LINE_TEXT, arena_printf(a, "%s %s", words_text(d->words, a, "digest.note"), d->notes[i]), i == 0);
	begin_block(&o, true, NULL);
	add(&o, LINE_SUBTLE, NULL, digest_footer(a, d), NULL);
}

size_t outline_utf16_length(const char *text)
{
	size_t n = 0;

	/* One unit for each character, and one more for those outside the basic plane. */
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) == 0x80 ? 0u : (unsigned char)*text >= 0xf0 ? 2u : 1u;
	return n;
}
