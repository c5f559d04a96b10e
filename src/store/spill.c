#include "store/spill.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/fd.h"

enum { TAIL_BYTES = 32 * 1024 };

void spill_init(struct spill *s, const char *database, size_t limit_bytes)
{
	*s = (struct spill){ .database = database, .fd = -1, .limit = limit_bytes };
	buf_init(&s->tail, limit_bytes);
}

void spill_done(struct spill *s)
{
	fd_closep(&s->fd);
	buf_done(&s->tail);
}

static int begin(struct spill *s, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);

	s->fd = fd_nameless(folder_holding(a, s->database), err);
	return s->fd < 0 ? -1 : 0;
}

int spill_add(struct spill *s, const void *data, size_t len, struct err *err)
{
	if (len > s->limit - s->len)
		return err_set(err, ERR_INPUT, "more than %zu MiB of them", s->limit >> 20);
	if (s->tail.len && s->tail.len + len > TAIL_BYTES) {
		if ((s->fd < 0 && begin(s, err) < 0) || fd_write(s->fd, s->tail.at, s->tail.len, err) < 0)
			return -1;
		buf_reset(&s->tail);
	}
	buf_add(&s->tail, data, len);
	s->len += len;
	return 0;
}

int spill_read(struct spill *s, struct arena *a, const void **out, struct err *err)
{
	size_t n_written = s->len - s->tail.len, done = 0;
	char *all;

	*out = s->tail.at;
	if (!n_written)
		return 0;
	all = arena_alloc(a, s->len + 1);
	while (done < n_written) {
		ssize_t n = pread(s->fd, all + done, n_written - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			return err_set(err, ERR_FATAL, "what was put aside beside %s is not all there any more", s->database);
		if (n < 0)
			return err_errno(err, ERR_FATAL, "what was put aside beside %s can't be read", s->database);
		done += (size_t)n;
	}
	memcpy(all + done, s->tail.at, s->tail.len);
	*out = all;
	return 0;
}
