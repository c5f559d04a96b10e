#include <string.h>

#include "common/text.h"
#include "render_parts.h"

enum { TEXT_BYTES = 4 << 20, LINE_CHARS = 76 };

/* A text in lines of at most LINE_CHARS, each behind its indent; the first behind lead. Words are never cut. */
static void write_wrapped(struct buf *b, const char *lead, const char *indent, const char *text)
{
	size_t column = utf8_length(lead);
	bool is_fresh = true;

	buf_text(b, lead);
	while (*text) {
		size_t len = strcspn(text, " "), chars;
		char word[4 * LINE_CHARS + 1] = "";

		memcpy(word, text, len < sizeof word ? len : sizeof word - 1);
		chars = len < sizeof word ? utf8_length(word) : LINE_CHARS;
		if (!is_fresh && column + 1 + chars > LINE_CHARS) {
			buf_char(b, '\n');
			buf_text(b, indent);
			column = utf8_length(indent);
			is_fresh = true;
		}
		if (!is_fresh) {
			buf_char(b, ' ');
			column++;
		}
		buf_add(b, text, len);
		column += chars;
		is_fresh = false;
		text += len;
		text += strspn(text, " ");
	}
	buf_char(b, '\n');
}

static void write_labelled(struct buf *b, struct arena *a, const char *label, const char *text)
{
	write_wrapped(b, arena_printf(a, "    %s ", label), "    ", text);
}

static void write_item(struct buf *b, struct arena *a, const struct digest_item *item, size_t number)
{
	bool is_brief = digest_item_is_brief(item);
	const char *more = digest_item_more(a, item);

	write_wrapped(b, arena_printf(a, "%2zu. ", number), "    ", item->account);
	write_wrapped(b, "    ", "    ", item->tag);
	write_wrapped(b, "    ", "    ", arena_printf(a, "%s  |  %s", item->value, item->act_by));
	if (item->whose)
		write_wrapped(b, "    ", "    ", item->whose);
	write_wrapped(b, "    ", "    ", item->summary);
	for (size_t i = 0; i < digest_item_n_evidence(item); i++)
		write_wrapped(b, "    - ", "      ", item->evidence[i]);
	if (more)
		write_wrapped(b, "    - ", "      ", more);
	if (item->caveat && !is_brief)
		write_wrapped(b, "    ", "    ", item->caveat);
	if (!text_is_blank(item->play))
		write_labelled(b, a, words_text(item->words, a, "digest.play"), item->play);
	if (!text_is_blank(item->first_step) && !is_brief)
		write_labelled(b, a, words_text(item->words, a, "digest.first_step"), item->first_step);
	if (item->url) {
		buf_text(b, "    ");
		buf_text(b, item->url);
		buf_char(b, '\n');
	}
	for (size_t i = 0; i < item->n_answers; i++)
		buf_printf(b, "    %s\n", SAY(item->words, a, "digest.step", W_TEXT("label", item->answers[i].label),
		                              W_TEXT("amount", item->answers[i].url)));
	buf_char(b, '\n');
}

static void write_news(struct buf *b, const struct digest_section *s)
{
	for (size_t i = 0; i < s->n_news; i++)
		write_wrapped(b, "  * ", "    ", s->news[i]);
	buf_char(b, '\n');
}

static void write_section(struct buf *b, struct arena *a, const struct digest_section *s, size_t n_shown)
{
	const char *cut = digest_cut_text(a, s, n_shown);

	if (digest_section_is_empty(s))
		return;
	buf_printf(b, "%s\n", s->title);
	for (size_t i = utf8_length(s->title); i > 0; i--)
		buf_char(b, '-');
	buf_text(b, "\n\n");
	for (size_t i = 0; i <= n_shown; i++) {
		if (digest_news_come(s, i, n_shown))
			write_news(b, s);
		if (i == n_shown)
			break;
		if (digest_group_title(a, s, i))
			buf_printf(b, "%s\n\n", SAY(s->words, a, "digest.group", W_TEXT("title", digest_group_title(a, s, i))));
		write_item(b, a, &s->items[i], i + 1);
	}
	if (cut)
		write_wrapped(b, "    ", "    ", cut);
	if (s->rest)
		write_wrapped(b, "    ", "    ", s->rest);
	if (cut || s->rest)
		buf_char(b, '\n');
}

static void write_list(struct buf *b, const struct digest_list *l)
{
	buf_printf(b, "%s\n", l->title);
	for (size_t i = utf8_length(l->title); i > 0; i--)
		buf_char(b, '-');
	buf_text(b, "\n\n");
	write_wrapped(b, "    ", "    ", l->intro);
	for (size_t i = 0; i < l->n_lines; i++)
		write_wrapped(b, "  * ", "    ", l->lines[i]);
	if (l->rest)
		write_wrapped(b, "    ", "    ", l->rest);
	buf_char(b, '\n');
}

static void write_nrr(struct buf *b, struct arena *a, const struct digest_nrr *n)
{
	write_wrapped(b, "", "", n->title);
	buf_char(b, '\n');
	for (size_t i = 0; i < n->n_steps && !digest_nrr_is_empty(n); i++)
		buf_printf(b, "    %s%s\n", digest_step_line(a, n, i), i + 1 < n->n_steps ? "" : "\n");
	write_wrapped(b, "    ", "    ", n->ratios);
	for (size_t i = 0; i < n->n_lines; i++)
		write_wrapped(b, "    ", "    ", n->lines[i]);
	buf_char(b, '\n');
}

void digest_write_text(struct buf *b, struct arena *a, const struct digest *d, size_t n_items)
{
	buf_printf(b, "%s  |  %s\n", d->org_title, d->day);
	write_wrapped(b, "", "", d->headline);
	write_wrapped(b, "", "", d->since);
	buf_char(b, '\n');
	for (size_t i = 0; i < d->n_sections; i++)
		write_section(b, a, &d->sections[i], digest_take_items(&d->sections[i], &n_items));
	for (size_t i = 0; i < d->n_lists; i++)
		write_list(b, &d->lists[i]);
	if (d->nrr)
		write_nrr(b, a, d->nrr);
	for (size_t i = 0; i < d->n_notes; i++)
		write_wrapped(b, arena_printf(a, "%s ", words_text(d->words, a, "digest.note")), "  ", d->notes[i]);
	if (d->n_notes)
		buf_char(b, '\n');
	write_wrapped(b, "", "", digest_footer(a, d));
}

int render_text(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                struct err *err)
{
	CLEANUP(buf_done) struct buf b;

	(void)to;
	(void)err;
	buf_init(&b, TEXT_BYTES);
	digest_write_text(&b, a, d, digest_n_items(d));
	*out = rendered_one(a, "text/plain; charset=utf-8", arena_strndup(a, b.at, b.len), b.len);
	return 0;
}
