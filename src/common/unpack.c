#include "common/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/fd.h"

enum {
	PIECE_BYTES = 64 << 10,
	END_BYTES = 22,               /* of a zip: the record at its end, ... */
	COMMENT_BYTES = 65535,        /* ... which may have a comment behind it, ... */
	LOCATOR_BYTES = 20, WIDE_BYTES = 56, /* ... and two more records before it where 32 bits are too few */
	ENTRY_BYTES = 46, LOCAL_BYTES = 30,
	MAX_ENTRIES = 10000,
	MAX_DIRECTORY_BYTES = 8 << 20,
	MAX_RATIO = 250,              /* logs come to a tenth or a fiftieth; deflate can do a thousandth */
	FREE_BYTES = 64 << 20,        /* below this no ratio is too much */
	METHOD_STORED = 0, METHOD_DEFLATED = 8,
	WRAP_RAW = -15, WRAP_GZIP = 15 + 16
};

static const int64_t default_max_bytes = (int64_t)16 << 30;

/* One entry; a file that is no zip is one entry. */
struct entry {
	int64_t at, packed, unpacked; /* unpacked, crc: of a zip only */
	uint32_t crc;
	int method;
};

struct unpack {
	struct unpack_settings settings;
	int fd;
	int64_t size, n_out;
	struct entry *entries;
	size_t n, next;
};

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	free(u->entries);
	free(u);
}

void unpack_freep(struct unpack **u)
{
	unpack_free(*u);
	*u = NULL;
}

/* reading ---------------------------------------------------------------------------------------------------------- */

static int cut_short(struct err *err)
{
	return err_set(err, ERR_RETRY, "the packed file is cut short");
}

static int damaged(struct err *err)
{
	return err_set(err, ERR_RETRY, "the packed file is damaged");
}

/* All of len bytes at a place in the file. */
static int read_at(const struct unpack *u, int64_t at, void *out, size_t len, struct err *err)
{
	char *to = out;

	if (at < 0 || at > u->size || (int64_t)len > u->size - at)
		return cut_short(err);
	while (len) {
		ssize_t n = pread(u->fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_FATAL, "the packed file can't be read");
		if (n == 0)
			return cut_short(err);
		to += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static uint64_t number(const unsigned char *at, int n_bytes)
{
	uint64_t value = 0;

	while (n_bytes--)
		value = value << 8 | at[n_bytes];
	return value;
}

/* the directory of a zip ------------------------------------------------------------------------------------------- */

struct directory {
	uint64_t n, size, at;
};

/* Where 32 bits are too few, two more records stand before the last one. */
static int read_wide(const struct unpack *u, int64_t end_at, struct directory *out, struct err *err)
{
	unsigned char record[WIDE_BYTES];

	if (end_at < LOCATOR_BYTES)
		return 0;
	if (read_at(u, end_at - LOCATOR_BYTES, record, LOCATOR_BYTES, err) < 0)
		return -1;
	if (memcmp(record, "PK\6\7", 4) != 0)
		return 0;
	if (number(record + 8, 8) > (uint64_t)u->size)
		return cut_short(err);
	if (read_at(u, (int64_t)number(record + 8, 8), record, WIDE_BYTES, err) < 0)
		return -1;
	if (memcmp(record, "PK\6\6", 4) != 0)
		return damaged(err);
	*out = (struct directory){ number(record + 32, 8), number(record + 40, 8), number(record + 48, 8) };
	return 0;
}

static int find_directory(const struct unpack *u, struct directory *out, struct err *err)
{
	static unsigned char tail[END_BYTES + COMMENT_BYTES];
	int64_t len = u->size < (int64_t)sizeof tail ? u->size : (int64_t)sizeof tail;
	unsigned char magic[4];

	if (u->size < (int64_t)sizeof magic || read_at(u, 0, magic, sizeof magic, err) < 0 ||
	    memcmp(magic, "PK", 2) != 0)
		return err_set(err, ERR_INPUT, "the file is no zip");
	if (read_at(u, u->size - len, tail, (size_t)len, err) < 0)
		return -1;
	for (int64_t i = len - END_BYTES; i >= 0; i--) {
		if (memcmp(tail + i, "PK\5\6", 4) != 0)
			continue;
		*out = (struct directory){ number(tail + i + 10, 2), number(tail + i + 12, 4), number(tail + i + 16, 4) };
		return read_wide(u, u->size - len + i, out, err);
	}
	return cut_short(err);
}

/* The sizes that don't fit 32 bits stand in a field of their own, in this order. */
static void read_extra(const unsigned char *extra, size_t len, uint64_t *unpacked, uint64_t *packed, uint64_t *at)
{
	uint64_t *const wide[] = { unpacked, packed, at };

	for (size_t i = 0; i + 4 <= len; i += 4 + (size_t)number(extra + i + 2, 2)) {
		size_t place = i + 4, end = place + (size_t)number(extra + i + 2, 2);

		if (number(extra + i, 2) != 1 || end > len)
			continue;
		for (size_t k = 0; k < ARRAY_LEN(wide); k++)
			if (*wide[k] == UINT32_MAX && place + 8 <= end) {
				*wide[k] = number(extra + place, 8);
				place += 8;
			}
	}
}

static bool is_file(const char *name, size_t len)
{
	static const char of_mac[] = "__MACOSX/"; /* what a Mac adds beside each file */

	return len && name[len - 1] != '/' && !(len > strlen(of_mac) && memcmp(name, of_mac, strlen(of_mac)) == 0);
}

/* One entry of the directory. Returns its length, 0 when it isn't whole. */
static size_t read_entry(struct unpack *u, const unsigned char *at, size_t left, struct err *err)
{
	struct entry *e = &u->entries[u->n];
	uint64_t unpacked, packed, local;
	size_t name_len, extra_len, len;

	if (left < ENTRY_BYTES || memcmp(at, "PK\1\2", 4) != 0)
		return (void)damaged(err), 0;
	name_len = (size_t)number(at + 28, 2);
	extra_len = (size_t)number(at + 30, 2);
	len = ENTRY_BYTES + name_len + extra_len + (size_t)number(at + 32, 2);
	if (left < len)
		return (void)damaged(err), 0;
	packed = number(at + 20, 4);
	unpacked = number(at + 24, 4);
	local = number(at + 42, 4);
	read_extra(at + ENTRY_BYTES + name_len, extra_len, &unpacked, &packed, &local);
	if (packed > (uint64_t)u->size || local > (uint64_t)u->size || unpacked > INT64_MAX)
		return (void)cut_short(err), 0;
	*e = (struct entry){ (int64_t)local, (int64_t)packed, (int64_t)unpacked, (uint32_t)number(at + 16, 4),
		                 (int)number(at + 10, 2) };
	if ((number(at + 8, 2) & 1) || (e->method != METHOD_STORED && e->method != METHOD_DEFLATED))
		return (void)err_set(err, ERR_INPUT, "the zip is encrypted or packed in a way we don't know"), 0;
	u->n += is_file((const char *)at + ENTRY_BYTES, name_len);
	return len;
}

static int read_directory(struct unpack *u, struct err *err)
{
	CLEANUP(buf_done) struct buf room;
	struct directory d = { 0 };
	size_t at = 0;

	buf_init(&room, MAX_DIRECTORY_BYTES);
	if (find_directory(u, &d, err) < 0)
		return -1;
	if (d.n > MAX_ENTRIES || d.size > MAX_DIRECTORY_BYTES)
		return err_set(err, ERR_INPUT, "the zip has more than %d entries", MAX_ENTRIES);
	if (d.at > (uint64_t)u->size || d.size > (uint64_t)u->size - d.at)
		return cut_short(err);
	while (room.len < d.size) {
		char piece[4096];
		size_t n = d.size - room.len < sizeof piece ? (size_t)d.size - room.len : sizeof piece;

		if (read_at(u, (int64_t)d.at + (int64_t)room.len, piece, n, err) < 0)
			return -1;
		buf_add(&room, piece, n);
	}
	u->entries = calloc((size_t)d.n + 1, sizeof *u->entries);
	if (!u->entries)
		die("out of memory");
	for (uint64_t i = 0; i < d.n; i++) {
		size_t len = read_entry(u, (const unsigned char *)room.at + at, room.len - at, err);

		if (!len)
			return -1;
		at += len;
	}
	return 0;
}

/* Where the bytes of an entry begin: behind a head of its own. */
static int find_data(const struct unpack *u, const struct entry *e, int64_t *out, struct err *err)
{
	unsigned char head[LOCAL_BYTES];

	*out = e->at;
	if (!u->settings.is_zip)
		return 0;
	if (read_at(u, e->at, head, sizeof head, err) < 0)
		return -1;
	if (memcmp(head, "PK\3\4", 4) != 0)
		return damaged(err);
	*out = e->at + LOCAL_BYTES + (int64_t)number(head + 26, 2) + (int64_t)number(head + 28, 2);
	return 0;
}

/* unpacking -------------------------------------------------------------------------------------------------------- */

struct layer {
	z_stream z;
	bool is_on, is_whole; /* whole: between two members, or at the end */
};

/* What an entry's bytes go through: the zip's deflate, then gzip, each where there is one. */
struct flow {
	struct unpack *u;
	struct layer zip, gzip;
	unsigned char first[2]; /* of what may be gzip */
	size_t n_first;
	bool is_plain;          /* ... and isn't */
	int64_t n_entry;        /* bytes that came out of the zip's layer */
	uint32_t crc;
	int to;
};

static void layer_on(struct layer *l, int wrap)
{
	if (inflateInit2(&l->z, wrap) != Z_OK)
		die("out of memory");
	l->is_on = true;
}

static void flow_done(struct flow *f)
{
	if (f->zip.is_on)
		(void)inflateEnd(&f->zip.z);
	if (f->gzip.is_on)
		(void)inflateEnd(&f->gzip.z);
}

static int put_out(struct flow *f, const void *data, size_t len, struct err *err)
{
	struct unpack *u = f->u;
	int64_t most = u->settings.max_bytes ? u->settings.max_bytes : default_max_bytes;

	u->n_out += (int64_t)len;
	if (u->n_out > most)
		return err_set(err, ERR_INPUT, "unpacks to more than %lld bytes", (long long)most);
	if (u->n_out > FREE_BYTES && u->n_out / MAX_RATIO > u->size)
		return err_set(err, ERR_INPUT, "unpacks to more than %d times its size", MAX_RATIO);
	return fd_write(f->to, data, len, err);
}

typedef int flow_fn(struct flow *f, const void *data, size_t len, struct err *err);

/* Returns how much of the data was used up to the end of what is packed, or all; -1. */
static int64_t inflate_into(struct flow *f, struct layer *l, const unsigned char *data, size_t len, flow_fn *next,
                            struct err *err)
{
	unsigned char out[PIECE_BYTES];

	l->is_whole = false;
	l->z.next_in = (z_const Bytef *)(uintptr_t)data;
	l->z.avail_in = (uInt)len;
	do {
		int rc;

		l->z.next_out = out;
		l->z.avail_out = sizeof out;
		rc = inflate(&l->z, Z_NO_FLUSH);
		if (rc == Z_MEM_ERROR)
			die("out of memory");
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return damaged(err);
		if (next(f, out, sizeof out - l->z.avail_out, err) < 0)
			return -1;
		l->is_whole = rc == Z_STREAM_END;
	} while (!l->is_whole && (l->z.avail_in || l->z.avail_out == 0));
	return (int64_t)(len - l->z.avail_in);
}

/* gzip may be several, one behind the other; what follows the last of them and is none is filling. */
static int unpack_gzip(struct flow *f, const void *data, size_t len, struct err *err)
{
	const unsigned char *at = data;

	while (len) {
		int64_t used;

		if (f->gzip.is_whole && *at != 0x1f)
			return 0;
		if (f->gzip.is_whole)
			(void)inflateReset(&f->gzip.z);
		used = inflate_into(f, &f->gzip, at, len, put_out, err);
		if (used < 0)
			return -1;
		at += used;
		len -= (size_t)used;
	}
	return 0;
}

static int put_inner(struct flow *f, const void *data, size_t len, struct err *err)
{
	const unsigned char *at = data;

	if (!f->u->settings.is_gzip || f->is_plain)
		return put_out(f, data, len, err);
	if (f->gzip.is_on)
		return unpack_gzip(f, data, len, err);
	while (len && f->n_first < sizeof f->first) {
		f->first[f->n_first++] = *at++;
		len--;
	}
	if (f->n_first < sizeof f->first)
		return 0;
	f->is_plain = f->first[0] != 0x1f || f->first[1] != 0x8b;
	if (!f->is_plain)
		layer_on(&f->gzip, WRAP_GZIP);
	return put_inner(f, f->first, sizeof f->first, err) < 0 ? -1 : put_inner(f, at, len, err);
}

static int put_entry(struct flow *f, const void *data, size_t len, struct err *err)
{
	f->n_entry += (int64_t)len;
	f->crc = (uint32_t)crc32(f->crc, data, (uInt)len);
	return put_inner(f, data, len, err);
}

static int put_packed(struct flow *f, const unsigned char *data, size_t len, struct err *err)
{
	if (!f->zip.is_on)
		return put_entry(f, data, len, err);
	return f->zip.is_whole ? 0 : inflate_into(f, &f->zip, data, len, put_entry, err) < 0 ? -1 : 0;
}

/* Whether all of it came, and as it was. */
static int end_flow(struct flow *f, const struct entry *e, struct err *err)
{
	if (f->n_first && f->n_first < sizeof f->first && put_out(f, f->first, f->n_first, err) < 0)
		return -1;
	if ((f->zip.is_on && !f->zip.is_whole) || (f->gzip.is_on && !f->gzip.is_whole))
		return cut_short(err);
	if (f->u->settings.is_zip && (f->n_entry != e->unpacked || f->crc != e->crc))
		return damaged(err);
	return 0;
}

int unpack_next(struct unpack *u, int to, struct err *err)
{
	const struct entry *e = &u->entries[u->next];
	CLEANUP(flow_done) struct flow f = { .u = u, .to = to };
	unsigned char piece[PIECE_BYTES];
	int64_t at, end;

	if (u->next == u->n)
		return 0;
	u->next++;
	if (find_data(u, e, &at, err) < 0 || fd_rewind(to, true, err) < 0)
		return -1;
	if (e->method == METHOD_DEFLATED)
		layer_on(&f.zip, WRAP_RAW);
	for (end = at + e->packed; at < end; ) {
		size_t n = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;

		if (read_at(u, at, piece, n, err) < 0 || put_packed(&f, piece, n, err) < 0)
			return -1;
		at += (int64_t)n;
	}
	return end_flow(&f, e, err) < 0 || fd_rewind(to, false, err) < 0 ? -1 : 1;
}

int unpack_open(const struct unpack_settings *s, int fd, struct unpack **out, struct err *err)
{
	CLEANUP(unpack_freep) struct unpack *u = calloc(1, sizeof *u);
	struct stat st;

	if (!u)
		die("out of memory");
	if (fstat(fd, &st) < 0)
		return err_errno(err, ERR_FATAL, "the packed file can't be read");
	u->settings = *s;
	u->fd = fd;
	u->size = st.st_size;
	if (s->is_zip && read_directory(u, err) < 0)
		return -1;
	if (!s->is_zip) {
		u->entries = calloc(1, sizeof *u->entries);
		if (!u->entries)
			die("out of memory");
		*u->entries = (struct entry){ .packed = u->size };
		u->n = 1;
	}
	*out = u;
	u = NULL;
	return 0;
}
