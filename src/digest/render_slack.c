#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "render_parts.h"

/* Slack allows 50 blocks, 3,000 characters a text, 150 a header; the total is not documented and was seen to fail above
 * 11,000. All of these count bytes, which are never fewer than characters. */
enum {
	MAX_BLOCKS = 46, MAX_TEXT = 7000, MAX_JSON = 32 * 1000, HEADER_BYTES = 150, SECTION_BYTES = 2900,
		SPOKEN_BYTES = 1500,
	FALLBACK_BYTES = 3800, MAX_PARTS = 5, BLOCKS_BYTES = 1 << 20,
	ACCOUNT_BYTES = 250, SUMMARY_BYTES = 600, EVIDENCE_BYTES = 180, PLAY_BYTES = 200, STEP_BYTES = 350, URL_BYTES = 255,
	WHOSE_BYTES = 100,
	LINE_BYTES = 400
};

/* Blocks that stay together in one message, and what a screen reader says for them. */
struct piece {
	const char *blocks; /* JSON objects with commas between; "" when only spoken */
	const char *spoken;
	size_t n_blocks, n_text;
};

struct pieces {
	struct arena *arena;
	struct piece *at;
	size_t n, room;
};

/* What one byte becomes in mrkdwn: & < > have entities, formatting characters can't be escaped and get look-alikes. */
static const char *in_mrkdwn(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '*':
		return "\u2217";
	case '_':
		return "\u02cd";
	case '~':
		return "\u223c";
	case '`':
		return "\u02cb";
	default:
		return NULL;
	}
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Foreign text as mrkdwn in at most max bytes, cut between characters and never inside an entity. */
static const char *mrkdwn(struct arena *a, const char *text, size_t max)
{
	static const char ellipsis[] = "\u2026";
	CLEANUP(buf_done) struct buf b;
	const char *start = text;
	size_t mark = 0; /* up to here there is room for an ellipsis */

	buf_init(&b, max);
	while (*text) {
		const char *instead = in_mrkdwn(*text);
		size_t len = 1;

		if (*text == '_' && text > start && is_word(text[-1]) && is_word(text[1]))
			instead = NULL; /* within a word it has no meaning: seats_used */
		while (((unsigned char)text[len] & 0xc0) == 0x80) /* the rest of the character */
			len++;
		buf_add(&b, instead ? instead : text, instead ? strlen(instead) : len);
		if (b.is_full) {
			buf_cut(&b, mark);
			b.is_full = false;
			buf_text(&b, ellipsis);
			break;
		}
		if (b.len + strlen(ellipsis) <= max)
			mark = b.len;
		text += len;
	}
	return arena_strndup(a, b.at, b.len);
}

/* The same for plain text, where nothing has a meaning. */
static const char *plain(struct arena *a, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max)
		return text;
	return arena_printf(a, "%s\u2026", arena_strndup(a, text, utf8_fit(text, max - 3)));
}

static void add_piece(struct pieces *p, const char *blocks, size_t n_blocks, size_t n_text, const char *spoken)
{
	if (p->n == p->room) {
		p->room = p->room ? 2 * p->room : 32;
		p->at = arena_grow(p->arena, p->at, p->n, p->room, sizeof *p->at);
	}
	p->at[p->n++] = (struct piece){ .blocks = blocks, .spoken = spoken, .n_blocks = n_blocks, .n_text = n_text };
}

/* One block of a type with a text object: {"type": type, "text": {..}}; contexts have it in a list. */
static const char *block(struct arena *a, const char *type, bool is_plain, const char *text)
{
	CLEANUP(buf_done) struct buf b;
	bool is_context = strcmp(type, "context") == 0;
	struct json_out o;

	buf_init(&b, BLOCKS_BYTES);
	o = json_out_to(&b);
	json_open_object(&o, NULL);
	json_put_text(&o, "type", type);
	if (is_context)
		json_open_array(&o, "elements");
	json_open_object(&o, is_context ? NULL : "text");
	json_put_text(&o, "type", is_plain ? "plain_text" : "mrkdwn");
	json_put_text(&o, "text", text);
	if (is_plain)
		json_put_bool(&o, "emoji", false);
	else
		json_put_bool(&o, "verbatim", true);
	json_close_object(&o);
	if (is_context)
		json_close_array(&o);
	json_close_object(&o);
	return arena_strndup(a, b.at, b.len);
}

static void add_block(struct pieces *p, const char *type, bool is_plain, const char *text, const char *spoken)
{
	add_piece(p, block(p->arena, type, is_plain, text), 1, strlen(text), spoken);
}

static void write_item(struct buf *b, struct arena *a, const struct digest_item *item, size_t number)
{
	buf_printf(b, "*%zu. %s*\n%s\n*%s*  |  *%s*", number, mrkdwn(a, item->account, ACCOUNT_BYTES),
	           mrkdwn(a, item->tag, LINE_BYTES), mrkdwn(a, item->value, LINE_BYTES),
	           mrkdwn(a, item->act_by, LINE_BYTES));
	if (item->whose)
		buf_printf(b, "\n%s", mrkdwn(a, item->whose, WHOSE_BYTES));
	buf_printf(b, "\n%s", mrkdwn(a, item->summary, SUMMARY_BYTES));
	for (size_t i = 0; i < item->n_evidence; i++)
		buf_printf(b, "\n\u2022 %s", mrkdwn(a, item->evidence[i], EVIDENCE_BYTES));
	if (item->caveat)
		buf_printf(b, "\n%s", item->caveat);
	if (!text_is_blank(item->play))
		buf_printf(b, "\n*What to do:* %s", mrkdwn(a, item->play, PLAY_BYTES));
	if (!text_is_blank(item->first_step))
		buf_printf(b, "\n*First step:* %s", mrkdwn(a, item->first_step, STEP_BYTES));
	/* A link is whole or not there; composing let only harmless bytes through. */
	if (item->url && strlen(item->url) <= URL_BYTES)
		buf_printf(b, "\n<%s|Open in %s>", item->url, item->host);
}

static void add_item(struct pieces *p, const struct digest_item *item, size_t number)
{
	static const char divider[] = "{\"type\":\"divider\"},";
	CLEANUP(buf_done) struct buf b;
	struct arena *a = p->arena;

	buf_init(&b, SECTION_BYTES);
	write_item(&b, a, item, number);
	add_piece(p, arena_printf(a, "%s%s", divider, block(a, "section", false, b.at)), 2, b.len,
	          arena_printf(a, "%zu. %s: %s. %s. %s", number, plain(a, item->account, ACCOUNT_BYTES), item->value,
	                       item->act_by, plain(a, item->summary, SUMMARY_BYTES)));
}

static void add_section(struct pieces *p, const struct digest_section *s, size_t n_shown)
{
	struct arena *a = p->arena;
	const char *cut = digest_cut_text(a, s->n_items, n_shown);

	if (digest_section_is_empty(s))
		return;
	add_block(p, "section", false, arena_printf(a, "*%s*", mrkdwn(a, s->title, LINE_BYTES)), s->title);
	for (size_t i = 0; i < n_shown; i++)
		add_item(p, &s->items[i], i + 1);
	if (cut)
		add_block(p, "context", true, cut, cut);
	if (s->rest)
		add_block(p, "context", true, plain(a, s->rest, LINE_BYTES), plain(a, s->rest, LINE_BYTES));
	for (size_t i = 0; i < s->n_news; i++)
		add_block(p, "context", true, plain(a, s->news[i], SUMMARY_BYTES), plain(a, s->news[i], LINE_BYTES));
}

static void add_nrr(struct pieces *p, const struct digest_nrr *n)
{
	CLEANUP(buf_done) struct buf b;
	struct arena *a = p->arena;

	buf_init(&b, SECTION_BYTES);
	buf_printf(&b, "*%s*\n%s\n```", mrkdwn(a, n->title, LINE_BYTES), mrkdwn(a, n->ratios, LINE_BYTES));
	for (size_t i = 0; i < ARRAY_LEN(n->steps); i++)
		buf_printf(&b, "%s%-14s %20s", i ? "\n" : "", n->steps[i].what, mrkdwn(a, n->steps[i].amount, LINE_BYTES / 4));
	buf_text(&b, "```");
	add_block(p, "section", false, b.at, plain(a, n->ratios, LINE_BYTES));
}

static struct pieces make_pieces(struct arena *a, const struct digest *d, size_t n_items)
{
	struct pieces p = { .arena = a };

	add_block(&p, "header", true, plain(a, d->headline, HEADER_BYTES), plain(a, d->headline, LINE_BYTES));
	add_block(&p, "context", true, arena_printf(a, "%s  |  %s", plain(a, d->org_title, LINE_BYTES), d->day), NULL);
	if (strlen(d->headline) > HEADER_BYTES)
		add_block(&p, "section", true, plain(a, d->headline, SECTION_BYTES), NULL);
	for (size_t i = 0; i < d->n_sections; i++) {
		size_t n_shown = n_items < d->sections[i].n_items ? n_items : d->sections[i].n_items;

		add_section(&p, &d->sections[i], n_shown);
		n_items -= n_shown;
	}
	if (d->nrr)
		add_nrr(&p, d->nrr);
	for (size_t i = 0; i < d->n_notes; i++) {
		const char *note = arena_printf(a, "Note: %s", plain(a, d->notes[i], SECTION_BYTES - 10));

		add_block(&p, "context", true, note, plain(a, note, LINE_BYTES));
	}
	add_block(&p, "context", true, plain(a, digest_footer(a, d), SECTION_BYTES), NULL);
	return p;
}

/* The end of the message that begins with piece `from`: as many as fit. */
static size_t pack(const struct pieces *p, size_t from)
{
	size_t blocks = 0, text = 0, json = 0, i = from;

	for (; i < p->n; i++) {
		blocks += p->at[i].n_blocks;
		text += p->at[i].n_text;
		json += strlen(p->at[i].blocks) + 1;
		if (i > from && (blocks > MAX_BLOCKS || text > MAX_TEXT || json > MAX_JSON))
			break;
	}
	return i;
}

static size_t count_parts(const struct pieces *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i = pack(p, i))
		n++;
	return n;
}

/* What is said aloud and shown in notifications, as mrkdwn; what has no room is counted. */
static const char *spoken_text(struct arena *a, const struct pieces *p, size_t from, size_t to, const char *which,
                               size_t max)
{
	static const char more[] = "\n+ more below";
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, max);
	if (which)
		buf_text(&b, which);
	for (size_t i = from; i < to; i++) {
		const char *line = p->at[i].spoken ? mrkdwn(a, p->at[i].spoken, 2 * LINE_BYTES) : NULL;

		if (!line)
			continue;
		if (b.len + 1 + strlen(line) + sizeof more > max) {
			buf_text(&b, more);
			break;
		}
		buf_printf(&b, "%s%s", b.len ? "\n" : "", line);
	}
	return arena_strndup(a, b.at, b.len);
}

static const char *text_only(struct arena *a, const char *text)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, BLOCKS_BYTES);
	o = json_out_to(&b);
	json_open_object(&o, NULL);
	json_put_text(&o, "text", text);
	json_put_bool(&o, "unfurl_links", false);
	json_put_bool(&o, "unfurl_media", false);
	json_put_bool(&o, "link_names", false);
	json_close_object(&o);
	return arena_strndup(a, b.at, b.len);
}

static struct rendered_part make_part(struct arena *a, const struct pieces *p, size_t from, size_t to,
                                      const char *which)
{
	CLEANUP(buf_done) struct buf b;
	const char *head = text_only(a, spoken_text(a, p, from, to, which, SPOKEN_BYTES));
	const char *fallback = text_only(a, spoken_text(a, p, from, to, which, FALLBACK_BYTES));

	buf_init(&b, BLOCKS_BYTES);
	buf_add(&b, head, strlen(head) - 1);
	buf_text(&b, ",\"blocks\":[");
	if (which) {
		buf_text(&b, block(a, "context", true, which));
		buf_char(&b, ',');
	}
	for (size_t i = from; i < to; i++)
		buf_printf(&b, "%s%s", i > from ? "," : "", p->at[i].blocks);
	buf_text(&b, "]}");
	return (struct rendered_part){ .body = arena_strndup(a, b.at, b.len), .len = b.len, .fallback = fallback,
	                               .fallback_len = strlen(fallback) };
}

int render_slack(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err)
{
	size_t n_items = digest_n_items(d);
	struct pieces p = make_pieces(a, d, n_items);
	struct rendered r = { .content_type = "application/json" };
	size_t n_parts = count_parts(&p);

	(void)to;
	(void)err;
	while (n_parts > MAX_PARTS && n_items) {
		n_items = n_items * MAX_PARTS / n_parts;
		p = make_pieces(a, d, n_items);
		n_parts = count_parts(&p);
	}
	r.parts = arena_array(a, n_parts, sizeof *r.parts);
	for (size_t from = 0, end; from < p.n; from = end) {
		end = pack(&p, from);
		r.parts[r.n] = make_part(a, &p, from, end, n_parts > 1 ?
		                         arena_printf(a, "Part %zu of %zu", r.n + 1, n_parts) : NULL);
		r.n++;
	}
	*out = r;
	return 0;
}
