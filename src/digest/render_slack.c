#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "render_parts.h"

/* Slack allows 50 blocks, 3,000 characters a text, 150 a header; the total is not documented and was seen to fail above
 * 11,000. All of these count bytes, which are never fewer than characters. An item is never split and never cut: what
 * composing leaves of its texts fits into a message. */
enum {
	MAX_BLOCKS = 46, MAX_TEXT = 7000, MAX_JSON = 32 * 1000, HEADER_BYTES = 150, SECTION_BYTES = 2900,
	SPOKEN_BYTES = 1500, FALLBACK_BYTES = 3800, LINE_BYTES = 400, MAX_PARTS = 5, BLOCKS_BYTES = 1 << 20
};

/* Blocks that stay together in one message, and what a screen reader says for them. */
struct piece {
	const char *blocks; /* JSON objects with commas between; "" when only spoken */
	const char *spoken;
	size_t n_blocks, n_text;
};

struct pieces {
	struct arena *arena;
	const struct words *words;
	struct piece *at;
	size_t n, room;
};

/* Text in at most max bytes, cut between characters; where it is cut an ellipsis says so. */
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

/* One block of plain text: {"type": type, "text": {..}}; contexts have it in a list. */
static const char *block(struct arena *a, const char *type, const char *text)
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
	json_put_text(&o, "type", "plain_text");
	json_put_text(&o, "text", text);
	json_put_bool(&o, "emoji", false);
	json_close_object(&o);
	if (is_context)
		json_close_array(&o);
	json_close_object(&o);
	return arena_strndup(a, b.at, b.len);
}

static void add_block(struct pieces *p, const char *type, const char *text, const char *spoken)
{
	add_piece(p, block(p->arena, type, text), 1, strlen(text), spoken);
}

/* A block of rich text: its texts are only ever shown, so foreign ones need no escape and get no look-alikes. */
struct rich {
	struct buf b;
	struct json_out o;
	size_t n_text;
	bool is_in_lines; /* a section of lines is open */
};

static void rich_done(struct rich *r)
{
	buf_done(&r->b);
}

static void rich_init(struct rich *r)
{
	*r = (struct rich){ .n_text = 0 };
	buf_init(&r->b, BLOCKS_BYTES);
	r->o = json_out_to(&r->b);
	json_open_object(&r->o, NULL);
	json_put_text(&r->o, "type", "rich_text");
	json_open_array(&r->o, "elements");
}

static void open_part(struct rich *r, const char *type)
{
	json_open_object(&r->o, NULL);
	json_put_text(&r->o, "type", type);
	if (strcmp(type, "rich_text_list") == 0)
		json_put_text(&r->o, "style", "bullet");
	json_open_array(&r->o, "elements");
}

static void close_part(struct rich *r)
{
	json_close_array(&r->o);
	json_close_object(&r->o);
}

static void write_run(struct rich *r, const char *text, bool is_bold)
{
	if (!*text)
		return;
	json_open_object(&r->o, NULL);
	json_put_text(&r->o, "type", "text");
	json_put_text(&r->o, "text", text);
	if (is_bold) {
		json_open_object(&r->o, "style");
		json_put_bool(&r->o, "bold", true);
		json_close_object(&r->o);
	}
	json_close_object(&r->o);
	r->n_text += strlen(text);
}

static void write_link(struct rich *r, const char *url, const char *text)
{
	json_open_object(&r->o, NULL);
	json_put_text(&r->o, "type", "link");
	json_put_text(&r->o, "url", url);
	json_put_text(&r->o, "text", text);
	json_close_object(&r->o);
	r->n_text += strlen(url) + strlen(text);
}

/* Lines follow each other in one section, which begins with the first: an empty one would be refused. */
static void begin_line(struct rich *r)
{
	if (r->is_in_lines)
		write_run(r, "\n", false);
	else
		open_part(r, "rich_text_section");
	r->is_in_lines = true;
}

static void write_line(struct rich *r, const char *label, const char *text, bool is_bold)
{
	if (text_is_blank(text))
		return;
	begin_line(r);
	write_run(r, label, true);
	write_run(r, text, is_bold);
}

static void end_lines(struct rich *r)
{
	if (r->is_in_lines)
		close_part(r);
	r->is_in_lines = false;
}

static const char *label(const struct words *w, struct arena *a, const char *key)
{
	return arena_printf(a, "%s ", words_text(w, a, key));
}

static void write_bullet(struct rich *r, const char *text)
{
	write_line(r, "", text, false);
	end_lines(r);
}

/* The block's JSON. */
static const char *rich_end(struct rich *r, struct arena *a)
{
	json_close_array(&r->o);
	json_close_object(&r->o);
	return arena_strndup(a, r->b.at, r->b.len);
}

static void write_evidence(struct rich *r, struct arena *a, const struct digest_item *item)
{
	const char *more = digest_item_more(a, item);

	if (!digest_item_n_evidence(item))
		return;
	end_lines(r);
	open_part(r, "rich_text_list");
	for (size_t i = 0; i < digest_item_n_evidence(item); i++)
		write_bullet(r, item->evidence[i]);
	if (more)
		write_bullet(r, more);
	close_part(r);
}

static void write_answers(struct rich *r, const struct digest_item *item)
{
	if (item->n_answers)
		begin_line(r);
	for (size_t i = 0; i < item->n_answers; i++) {
		write_run(r, i ? "  |  " : "", false);
		write_link(r, item->answers[i].url, item->answers[i].label);
	}
}

static void write_item(struct rich *r, struct arena *a, const struct digest_item *item, size_t number)
{
	bool is_brief = digest_item_is_brief(item);

	write_line(r, "", arena_printf(a, "%zu. %s", number, item->account), true);
	write_line(r, "", item->tag, false);
	write_line(r, "", arena_printf(a, "%s  |  %s", item->value, item->act_by), true);
	write_line(r, "", item->whose, false);
	write_line(r, "", item->summary, false);
	write_evidence(r, a, item);
	write_line(r, "", is_brief ? NULL : item->caveat, false);
	write_line(r, label(item->words, a, "digest.play"), item->play, false);
	write_line(r, label(item->words, a, "digest.first_step"), is_brief ? NULL : item->first_step, false);
	if (item->url) {
		begin_line(r);
		write_link(r, item->url, SAY(item->words, a, "digest.open_in", W_TEXT("host", item->host)));
	}
	write_answers(r, item);
	end_lines(r);
}

static void add_item(struct pieces *p, const struct digest_item *item, size_t number)
{
	static const char divider[] = "{\"type\":\"divider\"},";
	CLEANUP(rich_done) struct rich r;
	struct arena *a = p->arena;

	rich_init(&r);
	write_item(&r, a, item, number);
	add_piece(p, arena_printf(a, "%s%s", divider, rich_end(&r, a)), 2, r.n_text,
	          digest_spoken(a, item, number));
}

typedef void add_item_fn(struct pieces *p, const struct digest_item *item, size_t number);

/* An item in two lines, for a message whose thread has the rest. */
static void add_short_item(struct pieces *p, const struct digest_item *item, size_t number)
{
	CLEANUP(rich_done) struct rich r;
	struct arena *a = p->arena;
	const char *name = arena_printf(a, "%zu. ", number), *tag = item->tag ? item->tag : "";

	rich_init(&r);
	write_line(&r, "", arena_printf(a, "%s%s", name, item->account), true);
	write_run(&r, arena_printf(a, "%s%s  |  %s  |  %s", *tag ? "  |  " : "", tag, item->value, item->act_by), false);
	write_line(&r, "", item->summary, false);
	if (item->url) {
		write_run(&r, "  ", false);
		write_link(&r, item->url, SAY(item->words, a, "digest.open_in", W_TEXT("host", item->host)));
	}
	end_lines(&r);
	add_piece(p, rich_end(&r, a), 1, r.n_text,
	          arena_printf(a, "%s%s: %s. %s. %s", name, item->account, item->value, item->act_by, item->summary));
}

static void add_title(struct pieces *p, const char *title, const char *spoken)
{
	CLEANUP(rich_done) struct rich r;

	rich_init(&r);
	write_line(&r, "", title, true);
	end_lines(&r);
	add_piece(p, rich_end(&r, p->arena), 1, r.n_text, spoken);
}

static void add_section(struct pieces *p, const struct digest_section *s, size_t n_shown, add_item_fn *add)
{
	const char *cut = digest_cut_text(p->arena, s, n_shown);

	if (digest_section_is_empty(s))
		return;
	add_title(p, s->title, s->title);
	for (size_t i = 0; i <= n_shown; i++) {
		for (size_t k = 0; k < s->n_news && digest_news_come(s, i, n_shown); k++)
			add_block(p, "context", plain(p->arena, s->news[k], SECTION_BYTES), s->news[k]);
		if (i == n_shown)
			break;
		if (digest_group_title(p->arena, s, i))
			add_block(p, "context", digest_group_title(p->arena, s, i), NULL);
		add(p, &s->items[i], i + 1);
	}
	if (cut)
		add_block(p, "context", cut, cut);
	if (s->rest)
		add_block(p, "context", s->rest, s->rest);
}

static void add_list(struct pieces *p, const struct digest_list *l)
{
	add_title(p, l->title, l->title);
	add_block(p, "context", l->intro, NULL);
	for (size_t i = 0; i < l->n_lines; i++)
		add_block(p, "context", plain(p->arena, l->lines[i], SECTION_BYTES), l->lines[i]);
	if (l->rest)
		add_block(p, "context", l->rest, l->rest);
}

static void add_nrr(struct pieces *p, const struct digest_nrr *n)
{
	CLEANUP(rich_done) struct rich r;
	struct arena *a = p->arena;

	rich_init(&r);
	write_line(&r, "", n->title, true);
	write_line(&r, "", n->ratios, false);
	end_lines(&r);
	if (!digest_nrr_is_empty(n)) {
		open_part(&r, "rich_text_preformatted");
		for (size_t i = 0; i < n->n_steps; i++)
			write_run(&r, arena_printf(a, "%s%s", i ? "\n" : "", digest_step_line(a, n, i)), false);
		close_part(&r);
	}
	add_piece(p, rich_end(&r, a), 1, r.n_text, n->ratios);
	for (size_t i = 0; i < n->n_lines; i++)
		add_block(p, "context", plain(a, n->lines[i], SECTION_BYTES), n->lines[i]);
}

static struct pieces make_pieces(struct arena *a, const struct digest *d, size_t n_items, add_item_fn *add)
{
	struct pieces p = { .arena = a, .words = d->words };
	size_t n_all = n_items;

	add_block(&p, "header", plain(a, d->headline, HEADER_BYTES), d->headline);
	if (strlen(d->headline) > HEADER_BYTES)
		add_block(&p, "section", plain(a, d->headline, SECTION_BYTES), NULL);
	add_block(&p, "section", plain(a, d->since, SECTION_BYTES), d->since);
	add_block(&p, "context", arena_printf(a, "%s  |  %s", plain(a, d->org_title, LINE_BYTES), d->day), NULL);
	for (size_t i = 0; i < d->n_sections; i++)
		add_section(&p, &d->sections[i], digest_take_items(&d->sections[i], &n_items), add);
	for (size_t i = 0; i < d->n_lists; i++)
		add_list(&p, &d->lists[i]);
	if (d->nrr)
		add_nrr(&p, d->nrr);
	for (size_t i = 0; i < d->n_notes; i++) {
		const char *note = arena_printf(a, "%s%s", label(d->words, a, "digest.note"),
		                                plain(a, d->notes[i], SECTION_BYTES - 40));

		add_block(&p, "context", note, note);
	}
	if (add == add_short_item && n_all)
		add_block(&p, "context", words_text(d->words, a, "digest.in_thread"), NULL);
	add_block(&p, "context", plain(a, digest_footer(a, d), SECTION_BYTES), NULL);
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

/* Text for the member "text": there < and > would begin a link or call a whole channel. In at most max bytes, never cut
 * inside a character or an entity; where it is cut an ellipsis says so. */
static const char *escaped(struct arena *a, const char *text, size_t max)
{
	static const char ellipsis[] = "\u2026";
	CLEANUP(buf_done) struct buf b;
	size_t mark = 0; /* up to here there is room for an ellipsis */

	buf_init(&b, max);
	while (*text) {
		const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
		size_t len = 1;

		while (((unsigned char)text[len] & 0xc0) == 0x80) /* the rest of the character */
			len++;
		buf_add(&b, entity ? entity : text, entity ? strlen(entity) : len);
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

/* What is said aloud and shown in notifications, a line a piece; what has no room is counted. */
static const char *spoken_text(struct arena *a, const struct pieces *p, size_t from, size_t to, const char *which,
                               size_t max)
{
	enum { MORE_BYTES = 32 };
	CLEANUP(buf_done) struct buf b;
	size_t n_left = 0;

	buf_init(&b, max);
	if (which)
		buf_text(&b, which);
	for (size_t i = from; i < to; i++) {
		const char *line = p->at[i].spoken ? escaped(a, p->at[i].spoken, 2 * LINE_BYTES) : NULL;

		if (line && (n_left || b.len + 1 + strlen(line) + MORE_BYTES > max))
			n_left++;
		else if (line)
			buf_printf(&b, "%s%s", b.len ? "\n" : "", line);
	}
	if (n_left)
		buf_printf(&b, "\n%s", SAY(p->words, a, "digest.rest.lines", W_INT("n", n_left)));
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
	json_put_bool(&o, "mrkdwn", false);
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
		buf_text(&b, block(a, "context", which));
		buf_char(&b, ',');
	}
	for (size_t i = from; i < to; i++)
		buf_printf(&b, "%s%s", i > from ? "," : "", p->at[i].blocks);
	buf_text(&b, "]}");
	return (struct rendered_part){ .body = arena_strndup(a, b.at, b.len), .len = b.len, .fallback = fallback,
	                               .fallback_len = strlen(fallback) };
}

static void add_parts(struct arena *a, const struct pieces *p, bool is_numbered, struct rendered *r)
{
	size_t n = count_parts(p), i = 0;

	for (size_t from = 0, end; from < p->n; from = end) {
		const char *which = NULL;

		end = pack(p, from);
		if (is_numbered && n > 1)
			which = SAY(p->words, a, "digest.part", W_INT("i", ++i), W_INT("n", n));
		r->parts[r->n++] = make_part(a, p, from, end, which);
	}
}

int render_slack(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err)
{
	size_t n_items = digest_n_items(d);
	struct pieces p = make_pieces(a, d, n_items, add_item);
	struct rendered r = { .content_type = "application/json" };
	size_t n_parts = count_parts(&p);

	(void)to;
	(void)err;
	while (n_parts > MAX_PARTS && n_items) {
		n_items = n_items * MAX_PARTS / n_parts;
		p = make_pieces(a, d, n_items, add_item);
		n_parts = count_parts(&p);
	}
	r.parts = arena_array(a, n_parts, sizeof *r.parts);
	add_parts(a, &p, true, &r);
	*out = r;
	return 0;
}

/* The items in full, as many as are to be told. */
static struct pieces make_details(struct arena *a, const struct digest *d, size_t n_items)
{
	struct pieces p = { .arena = a, .words = d->words };

	for (size_t i = 0; i < d->n_sections; i++) {
		const struct digest_section *s = &d->sections[i];
		size_t n = digest_take_items(s, &n_items);

		if (n && d->n_sections > 1)
			add_title(&p, s->title, s->title);
		for (size_t k = 0; k < n; k++)
			add_item(&p, &s->items[k], k + 1);
	}
	return p;
}

int render_slack_thread(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                        struct err *err)
{
	size_t n_items = digest_n_items(d), n_parts;
	struct pieces p = make_pieces(a, d, n_items, add_short_item), details = make_details(a, d, n_items);
	struct rendered r = { .content_type = "application/json" };

	(void)to;
	(void)err;
	while (n_items && (pack(&p, 0) < p.n || count_parts(&details) >= MAX_PARTS)) {
		n_items -= 1 + n_items / 16;
		p = make_pieces(a, d, n_items, add_short_item);
		details = make_details(a, d, n_items);
	}
	n_parts = count_parts(&p) + count_parts(&details);
	r.parts = arena_array(a, n_parts, sizeof *r.parts);
	add_parts(a, &p, true, &r);
	add_parts(a, &details, false, &r);
	*out = r;
	return 0;
}
