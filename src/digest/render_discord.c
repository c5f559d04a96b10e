/* Discord: Markdown in embeds, every sign of markup in foreign text behind a backslash; mentions are switched off. */
#include <string.h>

#include "common/json.h"
#include "outline.h"
#include "render_parts.h"

/* Discord takes 2,000 characters of content, 4,096 of an embed's description and 6,000 of all embeds of a message, and
 * counts in UTF-16. */
enum { CONTENT = 1900, DESCRIPTION = 4000, EMBEDS = 5600, BUFFER_BYTES = 1 << 20, MAX_EMBEDS = 10 };

/* Markup anywhere, and what is some only where a line begins. */
static const char marks[] = "\\*_~`<[]@", first_marks[] = "-+#>";

static void add_escaped(struct buf *b, const char *text, bool begins_line)
{
	size_t digits = strspn(text, "0123456789");

	for (const char *t = text; *t; t++) {
		bool is_first = begins_line && t == text;
		bool is_mark = strchr(marks, *t) || (*t == ':' && t[1] && t[1] != ' ') || (*t == '|' && t[1] != ' ') ||
			(is_first && strchr(first_marks, *t)) || (begins_line && digits && t == text + digits && *t == '.');

		if (is_mark)
			buf_char(b, '\\');
		buf_char(b, *t);
	}
}

static void add_bold(struct buf *b, const char *text)
{
	buf_text(b, "**");
	add_escaped(b, text, false);
	buf_text(b, "**");
}

static void add_line(struct buf *b, const struct outline_line *line, bool follows_link)
{
	bool is_bold = line->role == LINE_HEADLINE || line->role == LINE_TITLE || line->role == LINE_NAME ||
		line->role == LINE_STRONG;

	if (b->len)
		buf_text(b, follows_link ? "  |  " : "\n");
	if (line->role == LINE_BULLET)
		buf_text(b, "- ");
	if (line->role == LINE_LINK) {
		buf_char(b, '[');
		add_escaped(b, line->text, false);
		buf_printf(b, "](%s)", line->url);
		return;
	}
	if (line->label) {
		add_bold(b, line->label);
		buf_char(b, ' ');
	}
	if (is_bold)
		add_bold(b, line->text);
	else
		add_escaped(b, line->text, !line->label);
}

static const char *write_block(struct arena *a, const struct outline_block *b)
{
	CLEANUP(buf_done) struct buf to;

	buf_init(&to, BUFFER_BYTES);
	for (size_t i = 0; i < b->n; i++)
		add_line(&to, &b->lines[i], i && b->lines[i - 1].role == LINE_LINK);
	return arena_strndup(a, to.at, to.len);
}

static const char *write_plain(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf to;

	buf_init(&to, BUFFER_BYTES);
	add_escaped(&to, text, true);
	return arena_strndup(a, to.at, to.len);
}

struct embeds {
	struct arena *arena;
	struct buf text; /* of the one that is being filled */
	size_t units, n;
	const char *done[MAX_EMBEDS];
};

static void embeds_done(struct embeds *e)
{
	buf_done(&e->text);
}

static void end_embed(struct embeds *e)
{
	if (e->units && e->n < MAX_EMBEDS)
		e->done[e->n++] = arena_strndup(e->arena, e->text.at, e->text.len);
	buf_reset(&e->text);
	e->units = 0;
}

static void add_text(struct embeds *e, const char *glue, const char *text)
{
	size_t units = outline_utf16_length(text);

	if (e->units && e->units + strlen(glue) + units > DESCRIPTION)
		end_embed(e);
	if (e->units) {
		buf_text(&e->text, glue);
		e->units += strlen(glue);
	}
	buf_text(&e->text, text);
	e->units += units;
}

/* A block goes whole into an embed; one that is larger than any goes line by line. */
static void add_block(struct embeds *e, const char *written, bool is_apart)
{
	const char *glue = is_apart ? "\n\n" : "\n";

	if (outline_utf16_length(written) <= DESCRIPTION) {
		add_text(e, glue, written);
		return;
	}
	while (*written) {
		size_t len = strcspn(written, "\n");

		add_text(e, glue, arena_strndup(e->arena, written, len));
		written += len + (written[len] == '\n');
		glue = "\n";
	}
}

static const char *message(struct arena *a, const char *content, const struct embeds *e)
{
	CLEANUP(buf_done) struct buf to;
	struct json_out o;

	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	json_open_object(&o, NULL);
	json_put_text(&o, "content", content);
	json_open_object(&o, "allowed_mentions");
	json_open_array(&o, "parse");
	json_close_array(&o);
	json_close_object(&o);
	if (e->n)
		json_open_array(&o, "embeds");
	for (size_t i = 0; i < e->n; i++) {
		json_open_object(&o, NULL);
		json_put_text(&o, "description", e->done[i]);
		json_close_object(&o);
	}
	if (e->n)
		json_close_array(&o);
	json_close_object(&o);
	return arena_strndup(a, to.at, to.len);
}

/* The headline is what notifications show, so it stands in front of the embeds. */
static const char *wrap(struct arena *a, const struct chat_message *m)
{
	CLEANUP(embeds_done) struct embeds e = { .arena = a };
	bool is_first = m->blocks[0].lines[0].role == LINE_HEADLINE;
	const char *content = is_first ? m->written[0] : m->which;

	buf_init(&e.text, BUFFER_BYTES);
	if (is_first && m->which)
		content = arena_printf(a, "%s\n%s", content, m->which);
	if (outline_utf16_length(content) > CONTENT) {
		content = arena_printf(a, "%s", m->digest->day);
		is_first = false;
	}
	for (size_t i = is_first; i < m->n; i++)
		add_block(&e, m->written[i], m->blocks[i].is_apart);
	end_embed(&e);
	return message(a, content, &e);
}

static const char *wrap_plain(struct arena *a, const struct chat_message *m)
{
	static const struct embeds none;
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, BUFFER_BYTES);
	if (m->which)
		buf_text(&text, m->which);
	for (size_t i = 0; i < m->n_spoken; i++)
		buf_printf(&text, "%s%s", text.len ? "\n" : "", m->spoken[i]);
	return message(a, text.at, &none);
}

static const struct chat_format discord = {
	.room = EMBEDS, .plain = CONTENT - 40, .size = outline_utf16_length, .write = write_block,
	.write_plain = write_plain, .wrap = wrap, .wrap_plain = wrap_plain,
};

int render_discord(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                   struct err *err)
{
	(void)err;
	chat_render(d, to, &discord, a, out);
	return 0;
}
