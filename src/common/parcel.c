#include "common/parcel.h"

#include <stdint.h>
#include <string.h>

bool parcel_is_read(const struct parcel *p)
{
	return !p->out;
}

static size_t left(const struct parcel *p)
{
	return p->is_bad ? 0 : (size_t)(p->end - p->at);
}

void parcel_bytes(struct parcel *p, void *at, size_t size)
{
	if (p->out) {
		buf_add(p->out, at, size);
		return;
	}
	if (size > left(p)) {
		p->is_bad = true;
		memset(at, 0, size);
		return;
	}
	memcpy(at, p->at, size);
	p->at += size;
}

void parcel_text(struct parcel *p, const char **io)
{
	uint32_t len = p->out && *io ? (uint32_t)strlen(*io) + 1 : 0; /* 0: NULL */

	parcel_bytes(p, &len, sizeof len);
	if (p->out) {
		buf_add(p->out, *io, len ? len - 1 : 0);
		return;
	}
	*io = NULL;
	if (!len)
		return;
	if (len - 1 > left(p)) {
		p->is_bad = true;
		return;
	}
	*io = arena_strndup(p->arena, p->at, len - 1);
	p->at += len - 1;
}

void *parcel_list(struct parcel *p, const void *list, size_t *n, size_t size, size_t each)
{
	uint64_t count = *n;

	parcel_bytes(p, &count, sizeof count);
	if (p->out)
		return arena_memdup(p->arena, list, *n * size);
	if (count > left(p) / each) {
		p->is_bad = true;
		count = 0;
	}
	*n = (size_t)count;
	return arena_array(p->arena, *n + 1, size);
}

void *parcel_array(struct parcel *p, const void *list, size_t *n, size_t size)
{
	void *at = parcel_list(p, list, n, size, size);

	parcel_bytes(p, at, *n * size);
	return at;
}

bool parcel_is_whole(const struct parcel *p)
{
	return !p->is_bad && p->at == p->end;
}
