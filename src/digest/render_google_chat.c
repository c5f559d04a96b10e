/* Google Chat: a card of version 2. Its paragraphs know a little HTML, so foreign text in them is escaped as in HTML;
 * links are buttons, mentions do not exist in cards. The parts of a digest are one thread. */
#include <string.h>

#include "common/json.h"
#include "outline.h"
#include "render_parts.h"

/* Chat takes 32,000 bytes a message and shows 100 widgets of a card; ours stay below 30,000. A block is at most two
 * widgets and of more than 160 bytes, so a card never has more than 100 unless MOST_WIDGETS is what bounds it. */
enum { CARD_BYTES = 27 * 1000, PLAIN_BYTES = 4000, BUFFER_BYTES = 1 << 20, WIDGET_BYTES = CARD_BYTES / 48 };

static void add_escaped(struct buf *b, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;

		if (entity)
			buf_text(b, entity);
		else
			buf_char(b, *text);
	}
}

static bool is_bold(enum line_role role)
{
	return role == LINE_HEADLINE || role == LINE_TITLE || role == LINE_NAME || role == LINE_STRONG;
}

static void add_line(struct buf *b, const struct outline_line *line)
{
	const char *bold = is_bold(line->role) ? "<b>" : "", *end = is_bold(line->role) ? "</b>" : "";

	if (b->len)
		buf_text(b, "<br>");
	if (line->role == LINE_BULLET)
		buf_text(b, "\u2022 ");
	if (line->label) {
		buf_text(b, "<b>");
		add_escaped(b, line->label);
		buf_text(b, "</b> ");
	}
	buf_text(b, bold);
	add_escaped(b, line->text);
	buf_text(b, end);
}

static void put_paragraph(struct json_out *o, const char *html)
{
	json_open_object(o, NULL);
	json_open_object(o, "textParagraph");
	json_put_text(o, "text", html);
	json_close_object(o);
	json_close_object(o);
}

static void put_buttons(struct json_out *o, const struct outline_line *lines, size_t n)
{
	json_open_object(o, NULL);
	json_open_object(o, "buttonList");
	json_open_array(o, "buttons");
	for (size_t i = 0; i < n; i++) {
		json_open_object(o, NULL);
		json_put_text(o, "text", lines[i].text);
		json_open_object(o, "onClick");
		json_open_object(o, "openLink");
		json_put_text(o, "url", lines[i].url);
		json_close_object(o);
		json_close_object(o);
		json_close_object(o);
	}
	json_close_array(o);
	json_close_object(o);
	json_close_object(o);
}

/* Its widgets, with commas between. */
static const char *write_block(struct arena *a, const struct outline_block *b)
{
	CLEANUP(buf_done) struct buf html;
	CLEANUP(buf_done) struct buf to;
	struct json_out o;
	size_t n_text = 0;

	buf_init(&html, BUFFER_BYTES);
	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	for (; n_text < b->n && b->lines[n_text].role != LINE_LINK; n_text++)
		add_line(&html, &b->lines[n_text]);
	json_open_array(&o, NULL);
	if (n_text)
		put_paragraph(&o, html.at);
	if (n_text < b->n)
		put_buttons(&o, b->lines + n_text, b->n - n_text);
	json_close_array(&o);
	return arena_strndup(a, to.at + 1, to.len - 2);
}

static size_t size(const char *written)
{
	size_t len = strlen(written);

	return len < WIDGET_BYTES ? WIDGET_BYTES : len;
}

/* The plain form is text, where signs of markup cannot be escaped: they are left out. */
static const char *write_plain(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, BUFFER_BYTES);
	for (; *text; text++)
		if (!strchr("*_~`<>", *text))
			buf_char(&b, *text);
	return arena_strndup(a, b.at, b.len);
}

static void put_thread(struct json_out *o, const struct chat_message *m)
{
	json_open_object(o, "thread");
	json_put_text(o, "threadKey", m->to->message_key);
	json_close_object(o);
}

/* What is apart begins a section, between which Chat draws a line. */
static void put_sections(struct json_out *o, const struct chat_message *m)
{
	json_open_array(o, "sections");
	for (size_t i = 0; i < m->n; i++) {
		bool begins = i == 0 || m->blocks[i].is_apart, ends = i + 1 == m->n || m->blocks[i + 1].is_apart;

		if (begins) {
			json_open_object(o, NULL);
			json_open_array(o, "widgets");
			if (i == 0 && m->which)
				put_paragraph(o, m->which);
		}
		json_put_raw(o, NULL, m->written[i]);
		if (ends) {
			json_close_array(o);
			json_close_object(o);
		}
	}
	json_close_array(o);
}

static const char *wrap(struct arena *a, const struct chat_message *m)
{
	CLEANUP(buf_done) struct buf to;
	struct json_out o;

	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	json_open_object(&o, NULL);
	put_thread(&o, m);
	json_put_text(&o, "fallbackText", write_plain(a, outline_fit(a, m->digest->headline)));
	json_open_array(&o, "cardsV2");
	json_open_object(&o, NULL);
	json_put_text(&o, "cardId", "digest");
	json_open_object(&o, "card");
	put_sections(&o, m);
	json_close_object(&o);
	json_close_object(&o);
	json_close_array(&o);
	json_close_object(&o);
	return arena_strndup(a, to.at, to.len);
}

static const char *wrap_plain(struct arena *a, const struct chat_message *m)
{
	CLEANUP(buf_done) struct buf text;
	CLEANUP(buf_done) struct buf to;
	struct json_out o;

	buf_init(&text, BUFFER_BYTES);
	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	if (m->which)
		buf_text(&text, m->which);
	for (size_t i = 0; i < m->n_spoken; i++)
		buf_printf(&text, "%s%s", text.len ? "\n" : "", m->spoken[i]);
	json_open_object(&o, NULL);
	put_thread(&o, m);
	json_put_text(&o, "text", text.at);
	json_close_object(&o);
	return arena_strndup(a, to.at, to.len);
}

static const struct chat_format google_chat = {
	.room = CARD_BYTES, .plain = PLAIN_BYTES, .size = size, .write = write_block, .write_plain = write_plain,
	.wrap = wrap, .wrap_plain = wrap_plain,
};

int render_google_chat(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                       struct err *err)
{
	(void)err;
	chat_render(d, to, &google_chat, a, out);
	return 0;
}
