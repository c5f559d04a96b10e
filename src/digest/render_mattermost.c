/* Mattermost: Markdown in one text. Its server finds mentions in text whose backslashes are already gone, so a word
 * joiner, which shows nothing, parts the sign from its name; signs of markup stand behind a backslash. */
#include <string.h>

#include "common/json.h"
#include "outline.h"
#include "render_parts.h"

/* A post has 16,383 characters; on servers whose database is from before version 5, 4,000. */
enum { POST = 15800, PLAIN = 3800, BUFFER_BYTES = 1 << 20, MOST_BLANKS = 3 };

#define JOINER "\u2060"

/* What stands for a sign of markup in foreign text. A joiner is put behind a sign that means something only together
 * with what follows: @all, ~channel, #hashtag, https://, :smile: and a backslash. */
static const struct {
	char sign;
	const char *written;
} written_as[] = {
	{ '\\', "\\" JOINER }, { '*', "\\*" }, { '_', "\\_" }, { '`', "\\`" },      { '[', "\\[" },      { ']', "\\]" },
	{ '|', "\\|" },        { '!', "\\!" }, { '<', "&lt;" }, { '&', "&amp;" },   { '$', "&#36;" },    { '=', "&#61;" },
	{ '@', "@" JOINER },   { '~', "~" JOINER },             { '#', "\\#" JOINER }, { ':', ":" JOINER }, { '.', "\\." },
};

static const char *special(const char *at, bool begins_line)
{
	bool is_last = !at[1] || at[1] == ' ';

	if (begins_line && strchr("-+>", *at))
		return *at == '-' ? "\\-" : *at == '+' ? "\\+" : "\\>";
	if (is_last && strchr(":.!", *at))
		return NULL; /* punctuation */
	for (size_t i = 0; i < ARRAY_LEN(written_as); i++)
		if (written_as[i].sign == *at)
			return written_as[i].written;
	return NULL;
}

static void add_escaped(struct buf *b, const char *text, bool begins_line)
{
	size_t blanks = begins_line ? strspn(text, " ") : 0; /* four of them would be code */
	size_t digits = strspn(text + blanks, "0123456789");

	for (const char *t = text + (blanks > MOST_BLANKS ? blanks - MOST_BLANKS : 0); *t; t++) {
		bool ends_number = begins_line && digits && t == text + blanks + digits && *t == '.';
		const char *written = ends_number ? "\\." : special(t, begins_line && t == text + blanks);

		if (written)
			buf_text(b, written);
		else
			buf_char(b, *t);
	}
}

static void add_bold(struct buf *b, const char *text)
{
	buf_text(b, "**");
	add_escaped(b, text, false);
	buf_text(b, "**");
}

static bool is_bold(enum line_role role)
{
	return role == LINE_HEADLINE || role == LINE_TITLE || role == LINE_NAME || role == LINE_STRONG;
}

/* Between two lines: links follow each other in one, and a line next to a list would else belong to its last point. */
static const char *glue_of(enum line_role before, enum line_role role)
{
	if (before == LINE_LINK)
		return "  \\|  ";
	return (before == LINE_BULLET) != (role == LINE_BULLET) ? "\n\n" : "\n";
}

static void add_line(struct buf *b, const struct outline_line *line)
{
	if (line->role == LINE_BULLET)
		buf_text(b, "- ");
	if (line->role == LINE_LINK) {
		buf_char(b, '[');
		add_escaped(b, line->text, false);
		buf_printf(b, "](%s)", line->url);
		return;
	}
	if (line->label)
		add_bold(b, line->label);
	if (is_bold(line->role))
		add_bold(b, line->text);
	else
		add_escaped(b, line->text, !line->label);
}

static const char *write_block(struct arena *a, const struct outline_block *block)
{
	CLEANUP(buf_done) struct buf to;

	buf_init(&to, BUFFER_BYTES);
	for (size_t i = 0; i < block->n; i++) {
		if (i)
			buf_text(&to, glue_of(block->lines[i - 1].role, block->lines[i].role));
		add_line(&to, &block->lines[i]);
	}
	return arena_strndup(a, to.at, to.len);
}

static const char *write_plain(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf to;

	buf_init(&to, BUFFER_BYTES);
	add_escaped(&to, text, true);
	return arena_strndup(a, to.at, to.len);
}

static const char *post_of(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf to;
	struct json_out o;

	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	json_open_object(&o, NULL);
	json_put_text(&o, "text", text);
	json_close_object(&o);
	return arena_strndup(a, to.at, to.len);
}

static const char *wrap(struct arena *a, const struct chat_message *m)
{
	CLEANUP(buf_done) struct buf to;

	buf_init(&to, BUFFER_BYTES);
	if (m->which)
		add_escaped(&to, m->which, true);
	for (size_t i = 0; i < m->n; i++)
		buf_printf(&to, "%s%s", to.len ? "\n\n" : "", m->written[i]);
	return post_of(a, to.at);
}

static const char *wrap_plain(struct arena *a, const struct chat_message *m)
{
	CLEANUP(buf_done) struct buf to;

	buf_init(&to, BUFFER_BYTES);
	if (m->which)
		add_escaped(&to, m->which, true);
	for (size_t i = 0; i < m->n_spoken; i++)
		buf_printf(&to, "%s%s", to.len ? "\n" : "", m->spoken[i]);
	return post_of(a, to.at);
}

static size_t with_glue(const char *written)
{
	return outline_utf16_length(written) + 2;
}

static const struct chat_format mattermost = {
	.room = POST, .plain = PLAIN, .size = with_glue, .write = write_block, .write_plain = write_plain, .wrap = wrap,
	.wrap_plain = wrap_plain,
};

int render_mattermost(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                      struct err *err)
{
	(void)err;
	chat_render(d, to, &mattermost, a, out);
	return 0;
}
