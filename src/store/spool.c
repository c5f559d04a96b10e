#include "store/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fd.h"
#include "common/sha256.h"
#include "common/text.h"

enum {
	MAGIC = 0x31707352,
	SEGMENT_BYTES = 8 << 20,
	SEGMENT_AGE_S = 3600, /* what people did isn't kept longer than it must be, however few they are */
	MAX_SEGMENTS = 100000,
	HASH_BYTES = 16,
	NAME_DIGITS = 16
};

/* What stands before each entry. Read on the machine that wrote it, so numbers are its own. */
struct head {
	uint32_t magic, body_len;
	uint16_t kind_len, id_len;
	uint32_t zero;
	int64_t received_at;
	uint8_t hash[HASH_BYTES]; /* the start of the SHA-256 of all of the entry, with this empty */
};

static void hash_entry(const struct head *head, const char *payload, size_t len, uint8_t out[HASH_BYTES])
{
	struct head bare = *head;
	uint8_t digest[SHA256_BYTES];
	struct sha256 s;

	memset(bare.hash, 0, sizeof bare.hash);
	sha256_init(&s);
	sha256_add(&s, &bare, sizeof bare);
	sha256_add(&s, payload, len);
	sha256_end(&s, digest);
	memcpy(out, digest, HASH_BYTES);
}

/* segments --------------------------------------------------------------------------------------------------------- */

static const char *segment_path(struct arena *a, const char *folder, int64_t segment)
{
	return arena_printf(a, "%s/%0*lld.spool", folder, NAME_DIGITS, (long long)segment);
}

static bool segment_of(struct arena *a, const char *name, int64_t *out)
{
	const char *dot = strchr(name, '.');

	return dot && strcmp(dot, ".spool") == 0 && text_to_int(arena_strndup(a, name, (size_t)(dot - name)), out);
}

static int compare_numbers(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Ascending. A folder that isn't there has none. */
static int list_segments(struct arena *a, const char *folder, int64_t **out, size_t *out_n, int64_t *out_bytes,
                         struct err *err)
{
	CLEANUP(folder_closep) DIR *d = opendir(folder);
	size_t n = 0, room = 16;
	int64_t *list = arena_array(a, room, sizeof *list);
	struct dirent *entry;
	struct stat st;

	*out_n = 0;
	*out_bytes = 0;
	*out = list;
	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, ERR_FATAL, "%s", folder);
	while ((entry = readdir(d))) {
		if (n == MAX_SEGMENTS)
			return err_set(err, ERR_FATAL, "%s: more than %d files", folder, MAX_SEGMENTS);
		if (n == room) {
			list = arena_grow(a, list, n, room * 2, sizeof *list);
			room *= 2;
		}
		if (!segment_of(a, entry->d_name, &list[n]) || fstatat(dirfd(d), entry->d_name, &st, 0) < 0)
			continue;
		n++;
		*out_bytes += st.st_size;
	}
	qsort(list, n, sizeof *list, compare_numbers);
	*out = list;
	*out_n = n;
	return 0;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

static int make_folder(const char *folder, struct err *err)
{
	char path[SPOOL_PATH_BYTES];

	(void)snprintf(path, sizeof path, "%s", folder);
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_errno(err, ERR_CONFIG, "make %s", path);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int spool_open(struct spool *s, const char *folder, int64_t limit_bytes, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct spool new = { .limit_bytes = limit_bytes, .fd = -1 };
	int64_t *segments;
	size_t n;

	if (strlen(folder) >= sizeof new.folder)
		return err_set(err, ERR_CONFIG, "%s: is longer than %zu bytes", folder, sizeof new.folder - 1);
	memcpy(new.folder, folder, strlen(folder) + 1);
	if (make_folder(folder, err) < 0 || list_segments(a, folder, &segments, &n, &new.total_bytes, err) < 0)
		return -1;
	new.segment = n ? segments[n - 1] : 0;
	*s = new;
	return 0;
}

void spool_close(struct spool *s)
{
	fd_closep(&s->fd);
	s->fd = -1;
}

/* What is behind a torn entry would never be read, and what a failed writing has left is unknown: on in a new file. */
static void give_up_segment(struct spool *s)
{
	s->is_lost = s->is_lost || s->is_unsynced;
	s->is_unsynced = false;
	spool_close(s);
}

static int sync_segment(struct spool *s, struct err *err)
{
	if (s->is_unsynced && fdatasync(s->fd) < 0) {
		(void)err_errno(err, ERR_RETRY, "write %s", s->folder);
		give_up_segment(s);
		return -1;
	}
	s->is_unsynced = false;
	return 0;
}

int spool_sync(struct spool *s, struct err *err)
{
	bool was_lost = s->is_lost;
	int rc = sync_segment(s, err);

	s->is_lost = false;
	return was_lost && rc == 0 ? err_set(err, ERR_RETRY, "write %s: some of it is lost", s->folder) : rc;
}

/* Numbers go by the clock, and up whatever the clock does: a position of old stays behind what comes, even where
 * somebody has emptied the folder. */
static int begin_segment(struct spool *s, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(fd_closep) int folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t segment = now > s->segment ? now : s->segment + 1;

	if (sync_segment(s, err) < 0)
		return -1;
	spool_close(s);
	s->fd = open(segment_path(a, s->folder, segment), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (folder < 0 || s->fd < 0 || fsync(folder) < 0) {
		(void)err_errno(err, ERR_RETRY, "begin %s", s->folder);
		spool_close(s);
		return -1;
	}
	s->segment = segment;
	s->size_bytes = 0;
	s->opened_at = now;
	return 0;
}

static int write_whole(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Pulls remove what they have stored, and nobody tells us. */
static int has_room(struct spool *s, int64_t len, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = NULL;
	int64_t *segments;
	size_t n;

	if (s->total_bytes + len <= s->limit_bytes)
		return 1;
	a = arena_new(0);
	if (list_segments(a, s->folder, &segments, &n, &s->total_bytes, err) < 0)
		return -1;
	return s->total_bytes + len <= s->limit_bytes;
}

int spool_append(struct spool *s, const struct spool_entry *e, struct err *err)
{
	CLEANUP(buf_done) struct buf b;
	struct head head = { .magic = MAGIC, .body_len = (uint32_t)e->body_len, .kind_len = (uint16_t)strlen(e->kind),
		                 .id_len = (uint16_t)strlen(e->id), .received_at = e->received_at };
	int64_t now = e->received_at;
	int rc;

	buf_init(&b, sizeof head + SPOOL_MAX_BODY + 2 * SPOOL_MAX_TEXT);
	if (e->body_len > SPOOL_MAX_BODY || strlen(e->kind) > SPOOL_MAX_TEXT || strlen(e->id) > SPOOL_MAX_TEXT)
		return err_set(err, ERR_INPUT, "is too large to keep");
	buf_add(&b, &head, sizeof head);
	buf_text(&b, e->kind);
	buf_text(&b, e->id);
	buf_add(&b, e->body, e->body_len);
	hash_entry(&head, b.at + sizeof head, b.len - sizeof head, head.hash);
	memcpy(b.at, &head, sizeof head);
	rc = has_room(s, (int64_t)b.len, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	if ((s->fd < 0 || s->size_bytes + (int64_t)b.len > SEGMENT_BYTES || now - s->opened_at > SEGMENT_AGE_S) &&
	    begin_segment(s, now, err) < 0)
		return -1;
	if (write_whole(s->fd, b.at, b.len) < 0) {
		(void)err_errno(err, ERR_RETRY, "write %s", s->folder);
		give_up_segment(s);
		return -1;
	}
	s->is_unsynced = true;
	s->size_bytes += (int64_t)b.len;
	s->total_bytes += (int64_t)b.len;
	return 0;
}

/* reading ---------------------------------------------------------------------------------------------------------- */

static bool read_position(struct arena *a, const char *position, int64_t *out_segment, int64_t *out_offset)
{
	const char *colon = strchr(position, ':');

	return colon && text_to_int(arena_strndup(a, position, (size_t)(colon - position)), out_segment) &&
	       text_to_int(colon + 1, out_offset) && *out_offset >= 0;
}

static int load_segment(struct spool_reader *r, struct err *err)
{
	const char *path;
	CLEANUP(fd_closep) int fd = -1;
	struct stat st;
	char *data;
	ssize_t n;

	arena_reset(r->arena);
	path = segment_path(r->arena, r->folder, r->segments[r->at]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, ERR_FATAL, "%s", path);
	if (st.st_size > 2 * SEGMENT_BYTES)
		return err_set(err, ERR_FATAL, "%s: is larger than any that we write", path);
	data = arena_alloc(r->arena, (size_t)st.st_size + 1);
	for (r->len = 0; r->len < (size_t)st.st_size; r->len += (size_t)n) {
		n = read(fd, data + r->len, (size_t)st.st_size - r->len);
		if (n < 0)
			return err_errno(err, ERR_FATAL, "%s", path);
		if (n == 0)
			break;
	}
	r->data = data;
	return 0;
}

int spool_read_open(struct spool_reader *r, const char *folder, const char *position, struct arena *a,
                    struct err *err)
{
	struct spool_reader new = { .folder = folder, .start = position ? position : "0:0" };
	int64_t segment = 0, offset = 0, bytes;

	if (position && !read_position(a, position, &segment, &offset))
		return err_set(err, ERR_FATAL, "`%s` is no position in %s", position, folder);
	if (list_segments(a, folder, &new.segments, &new.n_segments, &bytes, err) < 0)
		return -1;
	while (new.at < new.n_segments && new.segments[new.at] < segment)
		new.at++;
	if (new.at < new.n_segments && new.segments[new.at] == segment)
		new.offset = (size_t)offset;
	new.arena = arena_new(0);
	*r = new;
	return 0;
}

void spool_read_close(struct spool_reader *r)
{
	arena_freep(&r->arena);
}

/* Whether a whole entry stands at the offset. */
static bool read_entry(struct spool_reader *r, struct spool_entry *out)
{
	const char *payload = r->data + r->offset + sizeof(struct head);
	uint8_t hash[HASH_BYTES];
	struct head head;
	size_t len;

	if (r->offset > r->len || r->len - r->offset < sizeof head)
		return false;
	memcpy(&head, r->data + r->offset, sizeof head);
	len = (size_t)head.kind_len + head.id_len + head.body_len;
	if (head.magic != MAGIC || head.body_len > SPOOL_MAX_BODY || r->len - r->offset - sizeof head < len)
		return false;
	hash_entry(&head, payload, len, hash);
	if (memcmp(hash, head.hash, sizeof hash) != 0)
		return false;
	*out = (struct spool_entry){
		.received_at = head.received_at,
		.kind = arena_strndup(r->arena, payload, head.kind_len),
		.id = arena_strndup(r->arena, payload + head.kind_len, head.id_len),
		.body = arena_strndup(r->arena, payload + head.kind_len + head.id_len, head.body_len),
		.body_len = head.body_len,
	};
	r->offset += sizeof head + len;
	return true;
}

int spool_read_next(struct spool_reader *r, struct spool_entry *out, struct err *err)
{
	for (; r->at < r->n_segments; r->at++, r->offset = 0, r->data = NULL) {
		if (!r->data && load_segment(r, err) < 0)
			return -1;
		if (read_entry(r, out))
			return 1;
		/* the last one may still grow, so its position is kept; behind a torn end of the others there is nothing */
		if (r->at + 1 == r->n_segments)
			return 0;
	}
	return 0;
}

const char *spool_read_position(const struct spool_reader *r, struct arena *a)
{
	if (r->at == r->n_segments)
		return arena_strdup(a, r->start);
	return arena_printf(a, "%lld:%zu", (long long)r->segments[r->at], r->offset);
}

int spool_forget(const char *folder, const char *position, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int64_t segment, offset, bytes, *segments;
	size_t n;

	if (!read_position(a, position, &segment, &offset))
		return err_set(err, ERR_FATAL, "`%s` is no position in %s", position, folder);
	if (list_segments(a, folder, &segments, &n, &bytes, err) < 0)
		return -1;
	for (size_t i = 0; i < n && segments[i] < segment; i++) {
		const char *path = segment_path(a, folder, segments[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(err, ERR_FATAL, "remove %s", path);
	}
	return 0;
}
