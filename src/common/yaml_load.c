/* Builds the tree of common/yaml.h from libyaml's events. What libyaml would let through and no configuration needs
 * (anchors, tags, several documents, keys that are not texts, the same key twice) is a mistake here. */
#include "common/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "common/buf.h"
#include "common/fd.h"
#include "common/text.h"

enum {
	FILE_MAX_BYTES = 1 << 20,
	DEPTH_MAX = 32,
	NODES_MAX = 100000,
	KEY_MAX_BYTES = 128, /* keeps the paths of all nodes together within bounds */
	KEPT_MAX = 100,
	LINE_MAX_CHARS = 1500
};

struct builder {
	struct arena *arena;
	struct mistakes *mistakes;
	const char *file;
	struct yaml *root;
	struct {
		struct yaml *node, *last;
		const char *key; /* waits for its value */
		int key_line;
		size_t n;
	} open[DEPTH_MAX];
	int depth;
	size_t n_nodes;
	bool has_document;
};

static void note(struct mistakes *m, const char *line)
{
	if (!m->lines)
		m->lines = arena_array(m->arena, KEPT_MAX, sizeof *m->lines);
	if (m->n_kept < KEPT_MAX)
		m->lines[m->n_kept++] = text_clean(m->arena, line, LINE_MAX_CHARS);
	m->n++;
}

void mistake_at(struct mistakes *m, const struct yaml *where, const char *format, ...)
{
	char what[2048];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (!where)
		note(m, what);
	else if (!where->path || !*where->path)
		note(m, arena_printf(m->arena, "%s:%d: %s", where->file, where->line, what));
	else
		note(m, arena_printf(m->arena, "%s:%d: %s: %s", where->file, where->line, where->path, what));
}

static struct yaml place(const char *file, size_t line_from_0)
{
	return (struct yaml){ .file = file, .path = "", .line = (int)line_from_0 + 1 };
}

/* "parent.key"; every value has one, so it is put together by hand. */
static const char *member_path(struct arena *a, const char *parent, const char *key)
{
	size_t n = strlen(parent), n_key = strlen(key);
	char *path;

	if (!n)
		return key;
	path = arena_alloc(a, n + 1 + n_key + 1);
	memcpy(path, parent, n);
	path[n] = '.';
	memcpy(path + n + 1, key, n_key);
	return path;
}

static const char *path_of(const struct builder *b)
{
	int top = b->depth - 1;
	const char *parent = top < 0 ? "" : b->open[top].node->path;

	if (top < 0)
		return "";
	if (b->open[top].node->type == YAML_SEQUENCE)
		return arena_printf(b->arena, "%s[%zu]", parent, b->open[top].n);
	return member_path(b->arena, parent, b->open[top].key);
}

/* A new node under what is open; NULL when there are too many. */
static struct yaml *add(struct builder *b, enum yaml_type type, const yaml_event_t *e)
{
	struct yaml *node = arena_alloc(b->arena, sizeof *node);
	int top = b->depth - 1;

	node->type = type;
	node->file = b->file;
	node->line = (int)e->start_mark.line + 1;
	node->path = path_of(b);
	if (++b->n_nodes > NODES_MAX) {
		mistake_at(b->mistakes, node, "more than %d values, expected a smaller file", NODES_MAX);
		return NULL;
	}
	if (top < 0) {
		b->root = node;
		return node;
	}
	if (b->open[top].node->type == YAML_MAPPING) {
		node->key = b->open[top].key;
		node->line = b->open[top].key_line;
	}
	if (b->open[top].last)
		b->open[top].last->next = node;
	else
		b->open[top].node->first = node;
	b->open[top].last = node;
	b->open[top].key = NULL;
	b->open[top].n++;
	return node;
}

static bool is_key_next(const struct builder *b)
{
	return b->depth > 0 && b->open[b->depth - 1].node->type == YAML_MAPPING && !b->open[b->depth - 1].key;
}

/* Where an event belongs, for messages. */
static struct yaml place_of(const struct builder *b, const yaml_event_t *e)
{
	struct yaml where = place(b->file, e->start_mark.line);

	where.path = is_key_next(b) ? b->open[b->depth - 1].node->path : path_of(b);
	return where;
}

static void refuse_marks(struct builder *b, const yaml_event_t *e, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct yaml where;

	if (!anchor && !tag)
		return;
	where = place_of(b, e);
	if (anchor)
		mistake_at(b->mistakes, &where, "anchor `&%s`, expected the value written out where it is used",
		           (const char *)anchor);
	if (tag)
		mistake_at(b->mistakes, &where, "tag `%s`, expected the value without a tag", (const char *)tag);
}

static bool take_key(struct builder *b, const char *text, const yaml_event_t *e)
{
	const struct yaml *mapping = b->open[b->depth - 1].node, *same;
	struct yaml where = place(b->file, e->start_mark.line);

	where.path = mapping->path;
	if (++b->n_nodes > NODES_MAX) {
		mistake_at(b->mistakes, &where, "more than %d values, expected a smaller file", NODES_MAX);
		return false;
	}
	if (!*text || strlen(text) > KEY_MAX_BYTES) {
		mistake_at(b->mistakes, &where, "a key of %zu bytes, expected 1 to %d", strlen(text), KEY_MAX_BYTES);
		return false;
	}
	b->open[b->depth - 1].key = text;
	b->open[b->depth - 1].key_line = where.line;
	same = yaml_member(mapping, text);
	if (same) {
		where.path = path_of(b);
		mistake_at(b->mistakes, &where, "key `%s` is already on line %d, expected once", text, same->line);
	}
	return true;
}

static bool take_scalar(struct builder *b, const yaml_event_t *e)
{
	const char *text = arena_strndup(b->arena, (const char *)e->data.scalar.value, e->data.scalar.length);
	struct yaml *node;

	refuse_marks(b, e, e->data.scalar.anchor, e->data.scalar.tag);
	if (strlen(text) != e->data.scalar.length) {
		struct yaml where = place_of(b, e);

		mistake_at(b->mistakes, &where, "a text with a NUL character, expected one without");
		return false;
	}
	if (is_key_next(b))
		return take_key(b, text, e);
	node = add(b, YAML_SCALAR, e);
	if (!node)
		return false;
	node->text = text;
	node->is_quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return true;
}

/* What an alias stands for is not looked up: the value is null, and the mistake says what to do. */
static bool take_alias(struct builder *b, const yaml_event_t *e)
{
	struct yaml where = place_of(b, e);
	struct yaml *node;

	mistake_at(b->mistakes, &where, "alias `*%s`, expected the value written out", (const char *)e->data.alias.anchor);
	if (is_key_next(b))
		return false;
	node = add(b, YAML_SCALAR, e);
	if (node)
		node->text = "";
	return node != NULL;
}

static bool open_node(struct builder *b, enum yaml_type type, const yaml_event_t *e)
{
	struct yaml *node;

	if (is_key_next(b)) {
		struct yaml where = place_of(b, e);

		mistake_at(b->mistakes, &where, "a list or mapping as a key, expected a text");
		return false;
	}
	if (b->depth == DEPTH_MAX) {
		struct yaml where = place_of(b, e);

		mistake_at(b->mistakes, &where, "nested more than %d deep, expected less", DEPTH_MAX);
		return false;
	}
	node = add(b, type, e);
	if (!node)
		return false;
	memset(&b->open[b->depth], 0, sizeof b->open[b->depth]);
	b->open[b->depth++].node = node;
	return true;
}

static bool take_sequence(struct builder *b, const yaml_event_t *e)
{
	refuse_marks(b, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
	return open_node(b, YAML_SEQUENCE, e);
}

static bool take_mapping(struct builder *b, const yaml_event_t *e)
{
	refuse_marks(b, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
	return open_node(b, YAML_MAPPING, e);
}

static bool take_end(struct builder *b, const yaml_event_t *e)
{
	(void)e;
	b->depth--;
	return true;
}

static bool take_document(struct builder *b, const yaml_event_t *e)
{
	struct yaml where = place(b->file, e->start_mark.line);

	if (b->has_document)
		mistake_at(b->mistakes, &where, "a second document begins here, expected one in a file");
	if (b->has_document)
		return false;
	b->has_document = true;
	return true;
}

typedef bool take_fn(struct builder *b, const yaml_event_t *e);

static take_fn *const takers[] = {
	[YAML_DOCUMENT_START_EVENT] = take_document, [YAML_ALIAS_EVENT] = take_alias,
	[YAML_SCALAR_EVENT] = take_scalar,           [YAML_SEQUENCE_START_EVENT] = take_sequence,
	[YAML_SEQUENCE_END_EVENT] = take_end,        [YAML_MAPPING_START_EVENT] = take_mapping,
	[YAML_MAPPING_END_EVENT] = take_end,
};

/* libyaml knows only the offset of bytes that are not UTF-8. */
static size_t line_at(const char *text, size_t len, size_t offset)
{
	size_t n = 0;

	for (size_t i = 0; i < len && i < offset; i++)
		n += text[i] == '\n';
	return n;
}

static void note_broken(struct builder *b, const yaml_parser_t *p, const char *text, size_t len)
{
	bool is_bytes = p->error == YAML_READER_ERROR;
	struct yaml where = place(b->file, is_bytes ? line_at(text, len, p->problem_offset) : p->problem_mark.line);

	mistake_at(b->mistakes, &where, "not YAML: %s%s%s", p->problem ? p->problem : "can't be read",
	           p->context ? " " : "", p->context ? p->context : "");
}

static void parser_done(yaml_parser_t *p)
{
	yaml_parser_delete(p);
}

const struct yaml *yaml_parse(struct arena *a, const char *name, const char *text, size_t len, struct mistakes *m)
{
	CLEANUP(parser_done) yaml_parser_t parser = { 0 };
	struct builder b = { .arena = a, .mistakes = m, .file = arena_strdup(a, name) };
	size_t n_before = m->n;

	if (!yaml_parser_initialize(&parser))
		die("out of memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	for (bool goes_on = true; goes_on;) {
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			note_broken(&b, &parser, text, len);
			break;
		}
		goes_on = e.type != YAML_STREAM_END_EVENT;
		if ((size_t)e.type < ARRAY_LEN(takers) && takers[e.type])
			goes_on = takers[e.type](&b, &e);
		yaml_event_delete(&e);
	}
	if (m->n != n_before)
		return NULL;
	if (!b.root) { /* nothing but comments: no keys */
		b.root = arena_alloc(a, sizeof *b.root);
		*b.root = place(b.file, 0);
		b.root->type = YAML_MAPPING;
	}
	return b.root;
}

const struct yaml *yaml_load(struct arena *a, const char *path, struct mistakes *m)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP(buf_done) struct buf text;
	struct yaml where = place(path, 0);
	char piece[8192];
	struct stat st;
	ssize_t n = 0;

	buf_init(&text, FILE_MAX_BYTES);
	if (fd < 0 || fstat(fd, &st) < 0) {
		mistake_at(m, &where, "can't be read (%s), expected a YAML file", strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		mistake_at(m, &where, "not a file, expected a YAML file");
		return NULL;
	}
	while (!text.is_full && (n = read(fd, piece, sizeof piece)) > 0)
		buf_add(&text, piece, (size_t)n);
	if (n < 0) {
		mistake_at(m, &where, "can't be read (%s)", strerror(errno));
		return NULL;
	}
	if (text.is_full) {
		mistake_at(m, &where, "more than 1 MiB, expected a smaller file");
		return NULL;
	}
	return yaml_parse(a, path, text.at, text.len, m);
}

const struct yaml *yaml_member(const struct yaml *mapping, const char *key)
{
	if (!mapping || mapping->type != YAML_MAPPING)
		return NULL;
	for (const struct yaml *n = mapping->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}
