#include "connect/pull.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "books.h"
#include "common/text.h"
#include "csv_files.h"
#include "csv_hashes.h"
#include "csv_rows.h"
#include "csv_stamps.h"
#include "csv_usage.h"
#include "record_show.h"
#include "store/pulls.h"
#include "store/record.h"

enum {
	BATCH_ROWS = 10000,
	MAX_FILES = 100000,
	LARGE_BYTES = 8 << 20 /* a file of usage that names more accounts than are worth being looked up one by one */
};

struct loading {
	const struct pull *pull;
	const struct csv_stream *stream;
	int64_t source;
	struct arena *arena;      /* of the whole pull */
	struct pull_result *result;
	struct csv_file *files;       /* of the stream */
	size_t n_files;
	struct csv_hashes *hashes;
	struct account_keys *keys;    /* read ahead, for the next file of usage; NULL: not */
	/* the file at hand */
	const char *name, *path, *hash;
	int64_t size_bytes;
	struct csv_rows rows;
	struct csv_usage *usage; /* NULL: it has none, or nothing is stored */
	bool is_waiting; /* some row's account isn't known yet: the file is read again next time */
};

/* files ------------------------------------------------------------------------------------------------------------ */

static int compare_names(const void *left, const void *right)
{
	const struct csv_file *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static void close_folder(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static int list_files(struct arena *a, const char *folder, const char *match, struct csv_file **out, size_t *out_n,
                      struct err *err)
{
	CLEANUP(close_folder) DIR *d = opendir(folder);
	size_t room = 16, n = 0;
	struct csv_file *files = arena_array(a, room, sizeof *files);
	struct dirent *entry;

	if (!d)
		return err_errno(err, ERR_INPUT, "%s", folder);
	while ((entry = readdir(d))) {
		struct stat st;

		if (fnmatch(match, entry->d_name, FNM_PERIOD) != 0 || fstatat(dirfd(d), entry->d_name, &st, 0) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (n == MAX_FILES)
			return err_set(err, ERR_INPUT, "%s: more than %d files are like %s", folder, MAX_FILES, match);
		if (n == room) {
			files = arena_grow(a, files, n, room * 2, sizeof *files);
			room *= 2;
		}
		files[n++] = (struct csv_file){ .name = arena_strdup(a, entry->d_name), .size_bytes = st.st_size,
			                            .path = arena_printf(a, "%s/%s", folder, entry->d_name),
			                            .stamp = csv_stamp(a, entry->d_name, &st) };
	}
	if (n == 0)
		return err_set(err, ERR_INPUT, "%s: no file is like %s", folder, match);
	qsort(files, n, sizeof *files, compare_names);
	*out = files;
	*out_n = n;
	return 0;
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static int set_aside(struct loading *l, const char *why, struct arena *a, struct err *err)
{
	l->result->n_quarantined++;
	return quarantine_put(l->pull->db, l->source, l->stream->name,
	                      arena_printf(a, "%s:%lld", l->name, (long long)l->rows.row.line),
	                      arena_printf(a, "%s: line %lld: %s", l->name, (long long)l->rows.row.line, why),
	                      csv_rows_raw(&l->rows, a), l->pull->now, err);
}

static int put_usage(struct loading *l, const struct record *r, struct arena *a, struct err *err)
{
	const char *why;
	int rc = csv_usage_put(l->usage, r, a, &why, err);

	if (rc == USAGE_WAITS)
		l->is_waiting = true;
	return rc > USAGE_TAKEN ? set_aside(l, why, a, err) : rc;
}

static int put_record(struct loading *l, const struct record *r, struct err *err)
{
	int rc = record_put(l->pull->db, l->source, r, l->pull->today, err);

	if (rc < 0)
		return -1;
	l->result->n_new += rc == 1;
	l->result->n_changed += rc == 2;
	return 0;
}

static int delete_record(struct loading *l, const struct record *r, struct err *err)
{
	int rc = record_delete(l->pull->db, l->source, r->entity, r->key, l->pull->today, err);

	if (rc < 0)
		return -1;
	l->result->n_deleted += rc;
	return 0;
}

static void show(struct loading *l, const struct record *r, struct arena *a)
{
	if (l->pull->show_row)
		l->pull->show_row(l->pull->context, l->stream->name, record_show(r, NULL, a));
}

static int try_row(struct loading *l, int got, struct arena *a)
{
	struct record r = { 0 };
	struct err why;

	if (got == CSV_RECORD)
		got = csv_rows_map(&l->rows, a, &r, &why);
	l->result->n_quarantined += got == CSV_UNUSABLE;
	if (got == CSV_RECORD)
		show(l, &r, a);
	return !l->pull->limit_rows || l->result->n_rows < l->pull->limit_rows;
}

/* The row at hand into the store, by way of its mapping. */
static int store_row(struct loading *l, struct arena *a, struct err *err)
{
	struct record r = { 0 };
	struct err why;

	switch (csv_rows_map(&l->rows, a, &r, &why)) {
	case CSV_UNUSABLE: return set_aside(l, why.text, a, err);
	case CSV_RECORD: return r.entity->table ? put_record(l, &r, err) : put_usage(l, &r, a, err);
	case CSV_DELETED: return r.entity->table ? delete_record(l, &r, err) : 0;
	default: return 0;
	}
}

/* Returns 1 when there may be more rows, 0 at the end. */
static int load_row(struct loading *l, struct arena *a, struct err *err)
{
	struct err why;
	int got = csv_rows_read(&l->rows, &why, err), rc;

	if (got <= CSV_END)
		return got;
	l->result->n_rows++;
	if (l->pull->is_dry_run)
		return try_row(l, got, a);
	if (got == CSV_RECORD && l->usage) {
		rc = csv_usage_take(l->usage, &l->rows.row, err);
		if (rc)
			return rc;
	}
	rc = got == CSV_RECORD ? store_row(l, a, err) : set_aside(l, why.text, a, err);
	arena_reset(a);
	return rc < 0 ? -1 : 1;
}

/* Many plain lines of usage, of most at most, or one row. */
static int load_next(struct loading *l, int64_t most, struct arena *a, struct err *err)
{
	int64_t n = l->usage ? csv_usage_lines(l->usage, &l->rows, most, err) : 0;

	l->result->n_rows += n > 0 ? n : 0;
	return n < 0 ? -1 : n > 0 ? 1 : load_row(l, a, err);
}

/* one file --------------------------------------------------------------------------------------------------------- */

static bool is_usage(const struct loading *l)
{
	return !l->stream->map->entity->table;
}

static int mark_loaded(struct loading *l, struct err *err)
{
	if (l->is_waiting)
		return 0;
	return file_set_loaded(l->pull->db, l->source, l->stream->name, l->name, l->hash, l->size_bytes, l->pull->now, err);
}

/* What an earlier reading of this file left. */
static int begin_file(struct loading *l, struct err *err)
{
	if (quarantine_clear_starting(l->pull->db, l->source, l->stream->name, arena_printf(l->arena, "%s:", l->name),
	                              err) < 0)
		return -1;
	if (!is_usage(l))
		return 0;
	if (!l->keys)
		l->keys = account_keys_new(l->pull->db, l->source, l->stream->map->account_by);
	if (csv_usage_new(l->pull->db, l->keys, &l->rows, &l->usage, err) < 0)
		return -1;
	l->keys = NULL;
	return 0;
}

/* Up to BATCH_ROWS rows in one transaction; the last one marks the file. Returns 1 when there are more. */
static int load_batch(struct loading *l, bool is_first, struct arena *a, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int rc = 1;

	if (txn_begin(&txn, l->pull->db, err) < 0 || (is_first && begin_file(l, err) < 0))
		return -1;
	for (int64_t end = l->result->n_rows + BATCH_ROWS; l->result->n_rows < end && rc == 1;)
		rc = load_next(l, end - l->result->n_rows, a, err);
	if (rc < 0 || (rc == 0 && !is_usage(l) && mark_loaded(l, err) < 0) || txn_commit(&txn, err) < 0)
		return -1;
	return rc;
}

/* Reading usage takes most of its time, storing it the rest. */
static void tell_progress(const struct loading *l, bool is_stored)
{
	const double reading = is_usage(l) ? 0.8 : 1;
	double part_read = l->size_bytes ? (double)csv_offset(l->rows.csv) / (double)l->size_bytes : 1;

	l->result->done = is_stored ? reading + (1 - reading) * csv_usage_stored(l->usage) : reading * part_read;
	if (l->pull->progress)
		l->pull->progress(l->pull->context, l->result);
}

static int store_usage(struct loading *l, struct err *err)
{
	int rc = 1;

	while (rc == 1) {
		CLEANUP(txn_end) struct txn txn = { 0 };

		if (txn_begin(&txn, l->pull->db, err) < 0)
			return -1;
		rc = csv_usage_store(l->usage, &l->result->n_changed, err);
		if (rc < 0 || (rc == 0 && mark_loaded(l, err) < 0) || txn_commit(&txn, err) < 0)
			return -1;
		tell_progress(l, true);
	}
	return 0;
}

static int load_rows(struct loading *l, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int rc = 1;

	if (l->pull->is_dry_run) {
		while ((rc = load_row(l, a, err)) == 1)
			arena_reset(a);
		return rc;
	}
	for (bool is_first = true; rc == 1; is_first = false) {
		rc = load_batch(l, is_first, a, err);
		tell_progress(l, false);
	}
	return rc < 0 ? -1 : is_usage(l) ? store_usage(l, err) : 0;
}

static int load_file(struct loading *l, struct csv_file *file, struct err *err)
{
	const char *name = file->name;
	int rc;

	l->name = name;
	l->path = file->path;
	l->is_waiting = false;
	if (csv_hashes_next(l->hashes, l->arena, &l->hash, &l->size_bytes, err) < 0)
		return -1;
	if (!l->pull->is_full && !l->pull->is_dry_run) {
		rc = file_is_loaded(l->pull->db, l->source, l->stream->name, name, l->hash, err);
		file->is_loaded = rc > 0;
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	if (csv_rows_open(l->path, l->stream, l->pull->zone, l->arena, &l->rows, err) < 0)
		return err_in(err, "%s", name);
	l->result->n_pages++;
	rc = load_rows(l, err);
	csv_rows_close(&l->rows);
	csv_usage_free(l->usage);
	l->usage = NULL;
	file->is_loaded = rc == 0 && !l->is_waiting;
	return rc < 0 ? err_in(err, "%s", name) : 0;
}

/* one stream ------------------------------------------------------------------------------------------------------- */

/* Where a large file of usage is new, it names accounts in any case: they are read while files are hashed. */
static int read_keys(struct loading *l, struct err *err)
{
	bool is_new = false;

	for (size_t i = 0; i < l->n_files && is_usage(l) && !l->pull->is_dry_run && !is_new; i++) {
		int rc = l->files[i].size_bytes < LARGE_BYTES
		             ? 1 : file_is_known(l->pull->db, l->source, l->stream->name, l->files[i].name, err);

		if (rc < 0)
			return -1;
		is_new = rc == 0;
	}
	if (!is_new)
		return 0;
	l->keys = account_keys_new(l->pull->db, l->source, l->stream->map->account_by);
	return account_keys_read_all(l->keys, err) < 0 ? -1 : 0;
}

/* A file that can't be read fails the stream, and the others are loaded all the same; our own store ends it. */
static int load_listed(struct loading *l, struct err *err)
{
	for (size_t i = 0; i < l->n_files; i++) {
		if (l->files[i].is_untouched || load_file(l, &l->files[i], err) == 0)
			continue;
		if (err->kind != ERR_INPUT)
			return -1;
		l->result->is_failed = true;
		l->result->kind = err->kind;
		if (!l->result->error)
			l->result->error = arena_strdup(l->arena, err->text);
	}
	return 0;
}

/* Files that nobody has to read to know that they are loaded. */
static int find_untouched(struct loading *l, struct csv_stamps *stamps, struct err *err)
{
	for (size_t i = 0; i < l->n_files; i++) {
		struct csv_file *file = &l->files[i];
		int rc = csv_stamps_have(stamps, file) && !l->pull->is_full
		             ? file_is_known(l->pull->db, l->source, l->stream->name, file->name, err) : 0;

		if (rc < 0)
			return -1;
		file->is_untouched = file->is_loaded = rc;
	}
	return 0;
}

/* Those of the list, which is there. */
static int load_changed(struct loading *l, struct err *err)
{
	CLEANUP(csv_hashes_freep) struct csv_hashes *hashes = NULL;
	int rc;

	/* of the mapping too, so that a new one reads them anew */
	hashes = csv_hashes_new(l->arena, l->files, l->n_files, l->stream->fingerprint);
	l->hashes = hashes;
	rc = read_keys(l, err) < 0 ? -1 : load_listed(l, err);
	account_keys_free(l->keys);
	l->keys = NULL;
	return rc;
}

static int load_files(struct loading *l, struct err *err)
{
	struct csv_stamps *stamps;

	if (list_files(l->arena, l->pull->source->folder, l->stream->match, &l->files, &l->n_files, err) < 0) {
		l->result->is_failed = true;
		l->result->kind = err->kind;
		l->result->error = arena_strdup(l->arena, err->text);
		return 0;
	}
	if (l->pull->is_dry_run)
		return load_changed(l, err);
	if (csv_stamps_get(l->pull->db, l->source, l->stream->name, l->stream->fingerprint, l->arena, &stamps, err) < 0 ||
	    find_untouched(l, stamps, err) < 0 || load_changed(l, err) < 0)
		return -1;
	return csv_stamps_set(stamps, l->files, l->n_files, l->pull->now, err);
}

/* Usage of later streams looks for its accounts. */
static int link_rows(const struct loading *l, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (l->pull->is_dry_run || is_usage(l))
		return 0;
	if (txn_begin(&txn, l->pull->db, err) < 0 || record_resolve_links_due(l->pull->db, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

static int load_stream(struct loading *l, struct err *err)
{
	int64_t run = 0;

	*l->result = (struct pull_result){ .stream = l->stream->name, .mode = l->pull->is_full ? "full" : "incremental" };
	if (books_begin(l->pull, l->source, l->result, &run, err) < 0 || load_files(l, err) < 0 ||
	    link_rows(l, err) < 0)
		return -1;
	return books_end(l->pull, run, l->result, l->result->error, err);
}

/* the source ------------------------------------------------------------------------------------------------------- */

int csv_source_pull(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                    struct err *err)
{
	struct mistakes mistakes = { .arena = a };
	size_t n_streams = 0, n = 0;
	const struct csv_stream *streams = csv_files_read(a, p->source, &n_streams, &mistakes);
	struct pull_result *results = arena_array(a, n_streams + 1, sizeof *results);
	struct loading l = { .pull = p, .arena = a };
	const char *error = NULL;

	if (!streams)
		return err_set(err, ERR_CONFIG, "%s",
		               mistakes.n_kept ? mistakes.lines[0] : "the files of the source can't be read");
	if (books_source(p, &l.source, err) < 0)
		return -1;
	for (size_t i = 0; i < n_streams; i++) {
		if (p->only_stream && strcmp(p->only_stream, streams[i].name) != 0)
			continue;
		l.stream = &streams[i];
		l.result = &results[n++];
		if (load_stream(&l, err) < 0)
			return err_in(err, "%s", streams[i].name);
		if (l.result->is_failed && !error)
			error = arena_printf(a, "%s: %s", l.result->stream, l.result->error);
	}
	if (n == 0 && p->only_stream)
		return PULL_NO_STREAM;
	if (books_close(p, l.source, error, err) < 0)
		return -1;
	*out = results;
	*out_n = n;
	return error != NULL;
}
