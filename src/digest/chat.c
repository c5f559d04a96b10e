/* Packs the blocks of an outline into messages. */
#include <string.h>

#include "common/text.h"
#include "outline.h"
#include "render_parts.h"

enum { MORE_CHARS = 80 };

struct chat {
	const struct chat_format *format;
	struct arena *arena;
	struct outline outline;
	const char **written; /* one a block */
	size_t n_parts;
};

/* The end of the message that begins with block `from`: as many as fit. */
static size_t pack(const struct chat *c, size_t from)
{
	size_t size = 0, i = from;

	for (; i < c->outline.n; i++) {
		size += c->format->size(c->written[i]) + 1;
		if (i > from && size > c->format->room)
			break;
	}
	return i;
}

/* A block that no message has room for, which composing does not make, ends earlier. */
static const char *write_block(const struct chat *c, struct outline_block *b)
{
	const char *written = c->format->write(c->arena, b);

	while (b->n > 1 && c->format->size(written) > c->format->room) {
		b->n--;
		written = c->format->write(c->arena, b);
	}
	return written;
}

static void write_blocks(struct chat *c, const struct digest *d, size_t n_items)
{
	outline_make(d, n_items, c->arena, &c->outline);
	c->written = arena_array(c->arena, c->outline.n, sizeof *c->written);
	for (size_t i = 0; i < c->outline.n; i++)
		c->written[i] = write_block(c, &c->outline.blocks[i]);
	c->n_parts = 0;
	for (size_t i = 0; i < c->outline.n; i = pack(c, i))
		c->n_parts++;
}

/* A line a block; what has no room is counted. */
static void say(const struct chat *c, const struct words *words, size_t from, size_t to, struct chat_message *m)
{
	const char **lines = arena_array(c->arena, to - from + 1, sizeof *lines);
	size_t left = c->format->plain - MORE_CHARS, n_left = 0;

	m->spoken = lines;
	for (size_t i = from; i < to; i++) {
		const char *line = c->outline.blocks[i].spoken ?
			c->format->write_plain(c->arena, c->outline.blocks[i].spoken) : NULL;
		size_t size = line ? c->format->size(line) + 1 : 0;

		if (!line)
			continue;
		if (n_left || size > left) {
			n_left++;
			continue;
		}
		left -= size;
		lines[m->n_spoken++] = line;
	}
	if (n_left)
		lines[m->n_spoken++] = c->format->write_plain(c->arena, SAY(words, c->arena, "digest.rest.lines",
		                                                            W_INT("n", n_left)));
}

void chat_render(const struct digest *d, const struct render_to *to, const struct chat_format *f, struct arena *a,
                 struct rendered *out)
{
	struct chat c = { .format = f, .arena = a };
	struct rendered r = { .content_type = "application/json" };
	size_t n_items = digest_n_items(d);

	write_blocks(&c, d, n_items);
	while (c.n_parts > MAX_CHAT_PARTS && n_items) {
		n_items = n_items * MAX_CHAT_PARTS / c.n_parts;
		write_blocks(&c, d, n_items);
	}
	r.parts = arena_array(a, c.n_parts, sizeof *r.parts);
	for (size_t from = 0, end; from < c.outline.n; from = end) {
		struct chat_message m = { .digest = d, .to = to, .blocks = c.outline.blocks + from,
			.written = c.written + from };
		const char *body, *plain;

		end = pack(&c, from);
		m.n = end - from;
		if (c.n_parts > 1)
			m.which = SAY(d->words, a, "digest.part", W_INT("i", r.n + 1), W_INT("n", c.n_parts));
		say(&c, d->words, from, end, &m);
		body = f->wrap(a, &m);
		plain = f->wrap_plain(a, &m);
		r.parts[r.n++] = (struct rendered_part){ .body = body, .len = strlen(body), .fallback = plain,
		                                         .fallback_len = strlen(plain) };
	}
	*out = r;
}
