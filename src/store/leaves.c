#include "leaves.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* The format of the file: https://www.sqlite.org/fileformat2.html */
enum {
	HEADER_BYTES = 100, PAGE_SIZE_AT = 16, MIN_PAGE = 512, MAX_PAGE = 65536,
	INTERIOR = 5, LEAF = 13, N_CELLS_AT = 3, LAST_CHILD_AT = 8, CELLS_AT = 12, CHILD_BYTES = 4, MAX_VARINT = 9,
	DEEPEST = 8 /* no tree of SQLite's is deeper that fits into a file */
};

struct page { uint32_t number; uint8_t *bytes; };

struct leaves {
	int fd;
	size_t page_bytes;
	uint32_t root; /* whose height that is */
	int height;    /* levels of interior pages */
	struct page path[DEEPEST]; /* by level, the one that was read last */
};

/* What is being looked for, and the run of pages that was found last. */
struct search {
	struct leaves *l;
	int64_t from, to;
	leaves_fn *fn;
	void *context;
	uint32_t first, n;
};

static uint32_t number_at(const uint8_t *at, int bytes)
{
	uint32_t n = 0;

	for (int i = 0; i < bytes; i++)
		n = n << 8 | at[i];
	return n;
}

struct leaves *leaves_open(const char *path, struct arena *a)
{
	struct leaves *l = arena_alloc(a, sizeof *l);
	uint8_t header[HEADER_BYTES];

	l->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (l->fd < 0)
		return NULL;
	if (pread(l->fd, header, sizeof header, 0) == HEADER_BYTES)
		l->page_bytes = number_at(header + PAGE_SIZE_AT, 2);
	l->page_bytes = l->page_bytes == 1 ? MAX_PAGE : l->page_bytes;
	if (l->page_bytes < MIN_PAGE || (l->page_bytes & (l->page_bytes - 1))) {
		(void)close(l->fd);
		return NULL;
	}
	for (int i = 0; i < DEEPEST; i++)
		l->path[i].bytes = arena_alloc(a, l->page_bytes);
	return l;
}

void leaves_close(struct leaves *l)
{
	if (l)
		(void)close(l->fd);
}

int leaves_fd(const struct leaves *l)
{
	return l->fd;
}

static off_t place_of(const struct leaves *l, uint32_t page)
{
	return (off_t)(page - 1) * (off_t)l->page_bytes;
}

static const uint8_t *read_page(struct leaves *l, int level, uint32_t number)
{
	struct page *p = &l->path[level];

	if (p->number != number) {
		p->number = 0;
		if (number < 2 || pread(l->fd, p->bytes, l->page_bytes, place_of(l, number)) != (ssize_t)l->page_bytes)
			return NULL;
		p->number = number;
	}
	return p->bytes;
}

static int n_cells_of(const struct leaves *l, const uint8_t *page)
{
	int n = (int)number_at(page + N_CELLS_AT, 2);

	return CELLS_AT + 2 * (size_t)n <= l->page_bytes ? n : 0;
}

/* The i-th child, and the last of the rows below it. */
static uint32_t child_at(const struct leaves *l, const uint8_t *page, int i, int64_t *out_last)
{
	size_t at = number_at(page + CELLS_AT + 2 * i, 2);
	uint64_t key = 0;

	*out_last = INT64_MAX;
	if (i == n_cells_of(l, page))
		return number_at(page + LAST_CHILD_AT, CHILD_BYTES);
	if (at + CHILD_BYTES >= l->page_bytes)
		return 0;
	for (size_t k = 0; k < MAX_VARINT && at + CHILD_BYTES + k < l->page_bytes; k++) {
		uint8_t byte = page[at + CHILD_BYTES + k];

		key = k == MAX_VARINT - 1 ? key << 8 | byte : key << 7 | (byte & 0x7f);
		if (!(byte & 0x80))
			break;
	}
	*out_last = (int64_t)key;
	return number_at(page + at, CHILD_BYTES);
}

/* All leaves of a tree are equally deep. Below 0: this is no tree of a table. */
static int height_of(struct leaves *l, uint32_t root)
{
	uint32_t number = root;

	for (int level = 0; level < DEEPEST; level++) {
		const uint8_t *page = read_page(l, level, number);
		int64_t last;

		if (!page || (page[0] != INTERIOR && page[0] != LEAF))
			return -1;
		if (page[0] == LEAF)
			return level;
		number = child_at(l, page, 0, &last);
	}
	return -1;
}

static void end_run(struct search *s)
{
	if (s->n)
		s->fn(s->context, place_of(s->l, s->first), (off_t)s->n * (off_t)s->l->page_bytes);
	s->n = 0;
}

static void found(struct search *s, uint32_t page)
{
	if (s->n && page == s->first + s->n) {
		s->n++;
		return;
	}
	end_run(s);
	s->first = page;
	s->n = page > 1;
}

/* The first child whose rows don't all come before. */
static int first_child(const struct leaves *l, const uint8_t *page, int64_t from)
{
	int low = 0, high = n_cells_of(l, page);

	while (low < high) {
		int middle = (low + high) / 2;
		int64_t last;

		(void)child_at(l, page, middle, &last);
		if (last < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void look(struct search *s, int level, uint32_t number)
{
	const uint8_t *page = read_page(s->l, level, number);
	int64_t last = INT64_MIN;

	if (!page || page[0] != INTERIOR)
		return;
	for (int i = first_child(s->l, page, s->from); i <= n_cells_of(s->l, page) && last < s->to; i++) {
		uint32_t child = child_at(s->l, page, i, &last);

		if (level + 1 < s->l->height)
			look(s, level + 1, child);
		else
			found(s, child);
	}
}

void leaves_of(struct leaves *l, uint32_t root, int64_t from, int64_t to, leaves_fn *fn, void *context)
{
	struct search s = { .l = l, .from = from, .to = to, .fn = fn, .context = context };

	if (l->root != root)
		l->height = height_of(l, root);
	l->root = root;
	if (l->height > 0 && from <= to)
		look(&s, 0, root);
	end_run(&s);
}
