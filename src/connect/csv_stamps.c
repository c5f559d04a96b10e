#include "csv_stamps.h"

#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "store/record.h"

enum {
	LARGE_BYTES = 1 << 20,   /* smaller ones are hashed in less than a millisecond */
	SETTLED_S = 2,           /* no file system has a coarser clock */
	MOST_BYTES = 16 << 20    /* of all stamps */
};

struct csv_stamps {
	struct db *db;
	int64_t source;
	const char *key, *fingerprint;
	const char *noted, *next; /* lines, each of a file; next: the one to look at */
};

const char *csv_stamp(struct arena *a, const char *name, const struct stat *st)
{
	int64_t settled = clock_now() - SETTLED_S;

	if (st->st_size < LARGE_BYTES || st->st_ctim.tv_sec >= settled || st->st_mtim.tv_sec >= settled ||
	    strpbrk(name, "\t\n"))
		return NULL;
	return arena_printf(a, "%s\t%lld %llu %llu %lld.%09ld %lld.%09ld\n", name, (long long)st->st_size,
	                    (unsigned long long)st->st_dev, (unsigned long long)st->st_ino, (long long)st->st_mtim.tv_sec,
	                    st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

int csv_stamps_get(struct db *db, int64_t source, const char *stream, const char *fingerprint, struct arena *a,
                   struct csv_stamps **out, struct err *err)
{
	struct csv_stamps *s = arena_alloc(a, sizeof *s);
	size_t len = strlen(fingerprint);

	*s = (struct csv_stamps){ .db = db, .source = source, .key = arena_printf(a, "files of %s", stream),
		                      .fingerprint = fingerprint };
	if (cursor_get(db, source, s->key, a, &s->noted, err) < 0)
		return -1;
	if (!s->noted)
		s->noted = "";
	s->next = strncmp(s->noted, fingerprint, len) == 0 && s->noted[len] == '\n' ? s->noted + len + 1 : "";
	*out = s;
	return 0;
}

/* Of a line's file and another. */
static int compare_names(const char *line, const char *name)
{
	size_t len = strcspn(line, "\t\n");
	int order = strncmp(line, name, len);

	return order ? order : name[len] ? -1 : 0;
}

bool csv_stamps_have(struct csv_stamps *s, const struct csv_file *file)
{
	for (; *s->next; s->next += strcspn(s->next, "\n"), s->next += *s->next == '\n') {
		int order = compare_names(s->next, file->name);

		if (order >= 0)
			return order == 0 && file->stamp && strncmp(s->next, file->stamp, strlen(file->stamp)) == 0;
	}
	return false;
}

int csv_stamps_set(const struct csv_stamps *s, const struct csv_file *files, size_t n, int64_t now, struct err *err)
{
	CLEANUP(buf_done) struct buf lines;
	CLEANUP(txn_end) struct txn txn = { 0 };

	buf_init(&lines, MOST_BYTES);
	buf_printf(&lines, "%s\n", s->fingerprint);
	for (size_t i = 0; i < n; i++)
		if (files[i].is_loaded && files[i].stamp && lines.len + strlen(files[i].stamp) < MOST_BYTES)
			buf_text(&lines, files[i].stamp);
	if (strcmp(lines.at, s->noted) == 0 || (!*s->noted && strlen(lines.at) == strlen(s->fingerprint) + 1))
		return 0;
	if (txn_begin(&txn, s->db, err) < 0 || cursor_set(s->db, s->source, s->key, lines.at, now, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}
