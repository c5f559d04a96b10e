/* A digest as lines, for chats: what is said in which order and what stays together is the same in all of them, only
 * how a line is written differs. chat_render packs written blocks into messages that a chat takes. */
#ifndef DIGEST_OUTLINE_H
#define DIGEST_OUTLINE_H

#include "common/buf.h"
#include "digest/render.h"

enum line_role {
	LINE_HEADLINE, /* of the digest */
	LINE_TITLE,    /* of a section: only words of ours */
	LINE_NAME,     /* of an account, with its number */
	LINE_STRONG,
	LINE_TEXT,
	LINE_SUBTLE,
	LINE_BULLET,
	LINE_LINK      /* lines of links follow each other and end their block */
};

struct outline_line {
	enum line_role role;
	const char *label; /* "First step:", said before the text; NULL: none */
	const char *text;  /* clean, not escaped; never blank, at most LINE_CHARS */
	const char *url;   /* of LINE_LINK: https and harmless */
};

/* Lines that stay in one message. */
struct outline_block {
	struct outline_line *lines;
	size_t n;
	bool is_apart;      /* begins something new: an item, a section */
	const char *spoken; /* the block in a line, for the plain form of a message; NULL: nothing */
};

struct outline {
	struct outline_block *blocks;
	size_t n;
};

enum { LINE_CHARS = 600 };

/* The first n_items items of all sections in order; what is beyond is counted. */
void outline_make(const struct digest *d, size_t n_items, struct arena *a, struct outline *out);

/* One message while it is put together. */
struct chat_message {
	const struct digest *digest;
	const struct render_to *to;
	const struct outline_block *blocks;
	const char *const *written; /* by chat_format.write, one a block */
	size_t n;
	const char *which;          /* "Part 2 of 3"; NULL: the only one */
	const char *const *spoken;  /* the plain form: lines that together fit chat_format.plain */
	size_t n_spoken;
};

struct chat_format {
	size_t room;  /* of a message, in what `size` counts, without its frame */
	size_t plain; /* of the plain form, likewise */
	size_t (*size)(const char *written);
	/* A block in the format. */
	const char *(*write)(struct arena *a, const struct outline_block *b);
	/* A line of the plain form. */
	const char *(*write_plain)(struct arena *a, const char *text);
	/* The message, and the plain form that is sent where the first is refused. */
	const char *(*wrap)(struct arena *a, const struct chat_message *m);
	const char *(*wrap_plain)(struct arena *a, const struct chat_message *m);
};

/* A digest in at most MAX_CHAT_PARTS messages as JSON: items that have no room are counted, blocks are never split. */
enum { MAX_CHAT_PARTS = 5 };
void chat_render(const struct digest *d, const struct render_to *to, const struct chat_format *f, struct arena *a,
                 struct rendered *out);

/* Text of at most LINE_CHARS; where it is cut an ellipsis says so. */
const char *outline_fit(struct arena *a, const char *text);
/* How many UTF-16 code units a text takes, which is what some chats count. */
size_t outline_utf16_length(const char *text);

#endif
