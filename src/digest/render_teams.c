/* Microsoft Teams: one Adaptive Card 1.5 as the attachment of a message, as the workflow "when a Teams webhook request
 * is received" takes it. Foreign text stands in runs of rich text only, which know no markup; a card without an
 * `msteams` entity cannot mention anybody. */
#include <string.h>

#include "common/json.h"
#include "outline.h"
#include "render_parts.h"

/* Teams takes 28 KB; ours stay below 24. */
enum { CARD_BYTES = 21 * 1000, PLAIN_BYTES = 12 * 1000, BUFFER_BYTES = 1 << 20 };

/* How a role looks: the card's own words. NULL: as the card's text is. */
static const struct look {
	const char *size, *weight, *spacing;
	bool is_subtle;
} looks[] = {
	[LINE_HEADLINE] = { "Large", "Bolder", NULL, false },
	[LINE_TITLE] = { "Medium", "Bolder", "Medium", false },
	[LINE_NAME] = { NULL, "Bolder", "Medium", false },
	[LINE_STRONG] = { NULL, "Bolder", "Small", false },
	[LINE_TEXT] = { NULL, NULL, "Small", false },
	[LINE_SUBTLE] = { NULL, NULL, "None", true },
	[LINE_BULLET] = { NULL, NULL, "None", false },
};

/* Even there {{DATE(...)}} and {{TIME(...)}} are read: a pair of braces is taken apart. */
static const char *literal(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, BUFFER_BYTES);
	if (!strstr(text, "{{"))
		return text;
	for (; *text; text++) {
		buf_char(&b, *text);
		if (text[0] == '{' && text[1] == '{')
			buf_char(&b, ' ');
	}
	return arena_strndup(a, b.at, b.len);
}

static void put_run(struct json_out *o, struct arena *a, const char *text, const struct look *look, bool is_bold)
{
	json_open_object(o, NULL);
	json_put_text(o, "type", "TextRun");
	json_put_text(o, "text", literal(a, text));
	if (look->size)
		json_put_text(o, "size", look->size);
	if (look->weight || is_bold)
		json_put_text(o, "weight", "Bolder");
	if (look->is_subtle)
		json_put_bool(o, "isSubtle", true);
	json_close_object(o);
}

static void put_line(struct json_out *o, struct arena *a, const struct outline_line *line)
{
	const struct look *look = &looks[line->role];
	const char *label = line->role == LINE_BULLET ? "\u2022 " :
		line->label ? arena_printf(a, "%s ", line->label) : NULL;

	json_open_object(o, NULL);
	json_put_text(o, "type", "RichTextBlock");
	if (look->spacing)
		json_put_text(o, "spacing", look->spacing);
	json_open_array(o, "inlines");
	if (label)
		put_run(o, a, label, look, line->label != NULL);
	put_run(o, a, line->text, look, false);
	json_close_array(o);
	json_close_object(o);
}

static void put_links(struct json_out *o, const struct outline_line *lines, size_t n)
{
	json_open_object(o, NULL);
	json_put_text(o, "type", "ActionSet");
	json_open_array(o, "actions");
	for (size_t i = 0; i < n; i++) {
		json_open_object(o, NULL);
		json_put_text(o, "type", "Action.OpenUrl");
		json_put_text(o, "title", lines[i].text);
		json_put_text(o, "url", lines[i].url);
		json_close_object(o);
	}
	json_close_array(o);
	json_close_object(o);
}

static const char *write_block(struct arena *a, const struct outline_block *b)
{
	CLEANUP(buf_done) struct buf to;
	struct json_out o;
	size_t n_text = 0;

	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	while (n_text < b->n && b->lines[n_text].role != LINE_LINK)
		n_text++;
	json_open_object(&o, NULL);
	json_put_text(&o, "type", "Container");
	if (b->is_apart)
		json_put_bool(&o, "separator", true);
	json_open_array(&o, "items");
	for (size_t i = 0; i < n_text; i++)
		put_line(&o, a, &b->lines[i]);
	if (n_text < b->n)
		put_links(&o, b->lines + n_text, b->n - n_text);
	json_close_array(&o);
	json_close_object(&o);
	return arena_strndup(a, to.at, to.len);
}

static const char *write_plain(struct arena *a, const char *text)
{
	const struct outline_line line = { .role = LINE_TEXT, .text = text };
	CLEANUP(buf_done) struct buf to;
	struct json_out o;

	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	put_line(&o, a, &line);
	return arena_strndup(a, to.at, to.len);
}

/* {"type": "message", "attachments": [{.. "content": card}]} */
static const char *message(struct arena *a, const struct chat_message *m, const char *const *written, size_t n)
{
	CLEANUP(buf_done) struct buf to;
	struct json_out o;

	buf_init(&to, BUFFER_BYTES);
	o = json_out_to(&to);
	json_open_object(&o, NULL);
	json_put_text(&o, "type", "message");
	json_open_array(&o, "attachments");
	json_open_object(&o, NULL);
	json_put_text(&o, "contentType", "application/vnd.microsoft.card.adaptive");
	json_put_null(&o, "contentUrl");
	json_open_object(&o, "content");
	json_put_text(&o, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
	json_put_text(&o, "type", "AdaptiveCard");
	json_put_text(&o, "version", "1.5");
	json_put_text(&o, "lang", words_language(m->digest->words));
	json_put_text(&o, "fallbackText", outline_fit(a, m->digest->headline));
	json_open_object(&o, "msteams");
	json_put_text(&o, "width", "full");
	json_close_object(&o);
	json_open_array(&o, "body");
	if (m->which)
		json_put_raw(&o, NULL, write_plain(a, m->which));
	for (size_t i = 0; i < n; i++)
		json_put_raw(&o, NULL, written[i]);
	json_close_array(&o);
	json_close_object(&o);
	json_close_object(&o);
	json_close_array(&o);
	json_close_object(&o);
	return arena_strndup(a, to.at, to.len);
}

static const char *wrap(struct arena *a, const struct chat_message *m)
{
	return message(a, m, m->written, m->n);
}

static const char *wrap_plain(struct arena *a, const struct chat_message *m)
{
	return message(a, m, m->spoken, m->n_spoken);
}

static const struct chat_format teams = {
	.room = CARD_BYTES, .plain = PLAIN_BYTES, .size = strlen, .write = write_block, .write_plain = write_plain,
	.wrap = wrap, .wrap_plain = wrap_plain,
};

int render_teams(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err)
{
	(void)err;
	chat_render(d, to, &teams, a, out);
	return 0;
}
