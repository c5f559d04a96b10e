#include "usage_runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/fd.h"

enum {
	MAX_ROW_BYTES = 3 * 10, /* three numbers of 64 bits, 7 bits a byte */
	WRITE_BYTES = 64 * 1024,
	ORIGIN_MASK = (1 << ORIGIN_BITS) - 1
};

int runs_in_memory(int *out_fd, struct err *err)
{
	int fd = memfd_create("gathered", MFD_CLOEXEC);

	if (fd < 0)
		return err_errno(err, ERR_FATAL, "usage can't be gathered in memory");
	*out_fd = fd;
	return 0;
}

int runs_on_disk(struct arena *a, const char *beside, int *out_fd, struct err *err)
{
	const char *folder = folder_holding(a, beside);
	char *name = arena_printf(a, "%s/gathered-XXXXXX", folder);
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) { /* a file system without nameless files */
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(name);
	}
	if (fd < 0)
		return err_errno(err, ERR_FATAL, "%s: usage can't be gathered there", folder);
	*out_fd = fd;
	return 0;
}

/* packing: differences to the row before, which are small ---------------------------------------------------------- */

static uint8_t *put_number(uint8_t *to, uint64_t n)
{
	for (; n >= 128; n >>= 7)
		*to++ = (uint8_t)(n | 128);
	*to++ = (uint8_t)n;
	return to;
}

/* Small differences of either sign are small numbers. */
static uint64_t fold(int64_t n)
{
	return n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1;
}

static int64_t unfold(uint64_t n)
{
	return (int64_t)(n & 1 ? ~(n >> 1) : n >> 1);
}

static int64_t origin_of(const struct gathered *g)
{
	return (int64_t)(g->value & ORIGIN_MASK);
}

static int write_all(int fd, const uint8_t *data, size_t len, off_t *io_end, struct err *err)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, *io_end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_FATAL, "gathered usage can't be written");
		data += n;
		len -= (size_t)n;
		*io_end += n;
	}
	return 0;
}

int run_write(int fd, const struct gathered *rows, size_t n, off_t *io_end, struct err *err)
{
	uint8_t bytes[WRITE_BYTES], *at = bytes;
	struct gathered before = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (at > bytes + WRITE_BYTES - MAX_ROW_BYTES) {
			if (write_all(fd, bytes, (size_t)(at - bytes), io_end, err) < 0)
				return -1;
			at = bytes;
		}
		at = put_number(at, rows[i].place - before.place);
		at = put_number(at, fold(origin_of(&rows[i]) - origin_of(&before)));
		at = put_number(at, rows[i].value >> ORIGIN_BITS);
		before = rows[i];
	}
	return write_all(fd, bytes, (size_t)(at - bytes), io_end, err);
}

/* reading ---------------------------------------------------------------------------------------------------------- */

static uint64_t take_number(const uint8_t **io_at)
{
	const uint8_t *at = *io_at;
	uint64_t n = 0;

	for (int shift = 0;; shift += 7) {
		n |= (uint64_t)(*at & 127) << shift;
		if (*at++ < 128)
			break;
	}
	*io_at = at;
	return n;
}

/* Keeps at least one whole row at hand, but at the end. */
static int fill(struct run *r, struct err *err)
{
	size_t left = (size_t)(r->limit - r->next), room = RUN_READ_BYTES - left;
	ssize_t n;

	memmove(r->bytes, r->next, left);
	r->next = r->bytes;
	if ((off_t)room > r->left.end - r->left.at)
		room = (size_t)(r->left.end - r->left.at);
	for (size_t done = 0; done < room; done += (size_t)n) {
		n = pread(r->left.fd, r->bytes + left + done, room - done, r->left.at + (off_t)done);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return err_errno(err, ERR_FATAL, "gathered usage can't be read");
	}
	r->left.at += (off_t)room;
	r->limit = r->bytes + left + room;
	return 0;
}

int run_next(struct run *r, struct err *err)
{
	uint64_t origin;

	if (r->limit - r->next < MAX_ROW_BYTES && r->left.at < r->left.end && fill(r, err) < 0)
		return -1;
	if (r->next == r->limit) {
		r->is_over = true;
		return 0;
	}
	r->now.place += take_number(&r->next);
	origin = (uint64_t)(origin_of(&r->now) + unfold(take_number(&r->next)));
	r->now.value = take_number(&r->next) << ORIGIN_BITS | (origin & ORIGIN_MASK);
	return 0;
}

int run_open(struct run *r, const struct run_part *part, struct arena *a, struct err *err)
{
	*r = (struct run){ .left = *part, .bytes = arena_alloc(a, RUN_READ_BYTES) };
	r->next = r->limit = r->bytes;
	return run_next(r, err);
}
