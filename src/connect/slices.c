#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/text.h"
#include "counting.h"
#include "missing.h"
#include "rest_parts.h"
#include "store/pulls.h"
#include "store/usage_counted.h"

enum {
	PAGE_BYTES = 512 << 20, /* of a list that comes whole */
	BATCH_BYTES = 512 << 20, /* of a batch of rows and what becomes of them; most are small ... */
	FULL_BYTES = 16 << 20,   /* ... and large ones fill it sooner */
	BATCH_ROWS = 500,
	MANY_ROWS = 100,        /* that none of them fits the mapping is no accident */
	MAX_SET_ASIDE = 1000,   /* rows of one slice; more are only counted */
	MAX_ATTEMPTS = 3,       /* at a slice whose files come damaged */
	MAX_TRIED = 5,          /* slices of a dry run that wants some rows */
	HOUR_S = 3600
};

/* One slice being read. */
struct reading {
	struct run *run;
	struct walk walk;
	struct walk_state slice;
	struct counting counting;
	struct rows_to to;
	const char *name;       /* for the quarantine: "2026-03-01" */
	int64_t n_rows, n_aside;
	int64_t n_good, n_refused; /* refused: by the mapping */
	int64_t n_nameless;        /* what couldn't be read, or isn't what was asked for */
	bool is_counted;
	bool is_damaged;        /* what came couldn't be unpacked or read to its end */
};

/* A row as it came, or why it can't be used. */
struct item {
	const struct json *row;
	const char *why;
	int64_t place;
};

/* rows ------------------------------------------------------------------------------------------------------------- */

static int set_aside(struct reading *g, const struct item *i, const char *why, struct arena *a, struct err *err)
{
	CLEANUP(arena_freep) struct arena *own = arena_new(0); /* a row may be of many megabytes */
	const struct pull *p = g->run->pull;

	g->run->result->n_quarantined++;
	if (g->n_aside++ >= MAX_SET_ASIDE)
		return 0;
	return quarantine_put(p->db, g->run->source, g->run->stream->name,
	                      arena_printf(a, "%s:%lld", g->name, (long long)i->place), why,
	                      i->row ? json_print(own, i->row) : "", p->now, err);
}

/* Why what came is no row of the list; NULL: it is one. */
static const char *doubt_of(const struct reading *g, const struct item *i, struct arena *a)
{
	const struct map *m = g->run->stream->maps[0];
	const char *proof = g->walk.request->proof;

	if (!i->row)
		return i->why;
	if (!proof && g->is_counted && g->walk.request->decode.format == DECODE_CSV && !strstr(m->account, " | "))
		return json_at(i->row, m->account) ? NULL : arena_printf(a, "there is no column `%s`", m->account);
	return proof && json_is_null(json_at(i->row, proof)) ? arena_printf(a, "has no `%s`", proof) : NULL;
}

static int set_nameless(struct reading *g, const struct item *i, const char *why, struct arena *a, struct err *err)
{
	g->n_nameless++;
	return set_aside(g, i, why, a, err);
}

static int count_item(struct reading *g, const struct item *i, struct arena *a, struct err *err)
{
	const char *doubt = doubt_of(g, i, a);
	struct err why = { 0 };

	if (doubt)
		return set_nameless(g, i, doubt, a, err);
	if (counting_row(&g->counting, i->row, a, &why) == 0) {
		g->n_good++;
		return 0;
	}
	g->n_refused++;
	return why.kind == ERR_INPUT ? set_aside(g, i, why.text, a, err) : err_set(err, why.kind, "%s", why.text);
}

static int count_items(struct reading *g, const struct item *items, size_t n, struct arena *a, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		g->run->result->n_rows++;
		if (count_item(g, &items[i], a, err) < 0)
			return -1;
	}
	return 0;
}

static int keep_items(struct reading *g, const struct item *items, size_t n, struct arena *a, struct err *err)
{
	const struct stream_settings *s = g->run->stream;
	struct row *rows = arena_array(a, n + 1, sizeof *rows);
	size_t n_rows = 0;

	for (size_t i = 0; i < n; i++) {
		const char *doubt = doubt_of(g, &items[i], a);
		struct row *row = &rows[n_rows];

		*row = (struct row){ .main = items[i].row, .stream = s, .currency = g->run->pull->currency };
		row->id = doubt ? NULL : rows_id(row, s->maps[0]->key, a);
		if (!text_is_blank(row->id)) {
			n_rows++;
			continue;
		}
		g->run->result->n_rows++;
		if (set_nameless(g, &items[i], doubt ? doubt : arena_printf(a, "has no `%s`", s->maps[0]->key), a, err) < 0)
			return -1;
	}
	g->n_good += (int64_t)n_rows;
	return rows_put(&g->to, rows, n_rows, a, err);
}

static int show_items(struct reading *g, const struct item *items, size_t n, struct arena *a, struct err *err)
{
	for (size_t i = 0; i < n && !rest_has_enough(g->run); i++) {
		struct row row = { .main = items[i].row, .stream = g->run->stream, .currency = g->run->pull->currency };

		if (!items[i].row) {
			g->run->result->n_rows++;
			g->run->result->n_quarantined++;
		} else if (!g->is_counted) {
			if (rows_show(&g->to, &row, 1, a, err) < 0)
				return -1;
		} else {
			g->run->result->n_rows++;
			if (counting_show(&g->counting, items[i].row, a, err) < 0) {
				if (err->kind != ERR_INPUT)
					return -1;
				g->run->result->n_quarantined++;
			}
		}
	}
	return 0;
}

/* Some rows in one transaction. The place to go on from moves only when the slice is whole. */
static int take_items(struct reading *g, const struct item *items, size_t n, struct arena *a, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (g->run->pull->is_dry_run)
		return show_items(g, items, n, a, err);
	if (txn_begin(&txn, g->run->pull->db, err) < 0)
		return -1;
	if (g->is_counted ? count_items(g, items, n, a, err) < 0 : keep_items(g, items, n, a, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

/* pages ------------------------------------------------------------------------------------------------------------ */

/* The folder of the organisation, where there is room for what is read, also by a dry run; memory where none is yet. */
static const char *folder_of(const struct pull *p, struct arena *a)
{
	const char *beside = p->lock_path ? p->lock_path : p->limits_path, *slash = beside ? strrchr(beside, '/') : NULL;
	const char *folder = slash ? arena_strndup(a, beside, (size_t)(slash - beside)) : NULL;

	return folder && access(folder, W_OK | X_OK) == 0 ? folder : NULL;
}

/* Reads some rows. Returns 1 when there are more. */
static int read_items(struct decoding *d, struct item *items, size_t *out_n, struct arena *a, struct err *err)
{
	int rc = 1;

	for (*out_n = 0; *out_n < BATCH_ROWS && rc > 0 && arena_left(a) > BATCH_BYTES - FULL_BYTES; ) {
		struct item *i = &items[*out_n];

		*i = (struct item){ 0 };
		rc = decode_next(d, a, &i->row, err);
		if (rc <= 0)
			break;
		i->place = decode_line(d);
		if (rc == 2)
			*i = (struct item){ .why = arena_strdup(a, err->text), .place = i->place };
		(*out_n)++;
	}
	return rc > 0 ? 1 : rc;
}

static int read_file(struct reading *g, int fd, size_t *out_n, struct err *err)
{
	CLEANUP(arena_freep) struct arena *of_file = arena_new(0), *a = arena_new(BATCH_BYTES);
	CLEANUP(decode_closep) struct decoding *d = NULL;
	struct item *items = arena_array(of_file, BATCH_ROWS, sizeof *items);
	int rc;

	*out_n = 0;
	if (decode_open(&g->walk.request->decode, fd, folder_of(g->run->pull, of_file), of_file, &d, err) < 0)
		return err->kind == ERR_RETRY ? g->is_damaged = true, -1 : -1;
	do {
		size_t n;

		arena_reset(a);
		rc = read_items(d, items, &n, a, err);
		g->is_damaged = g->is_damaged || (rc < 0 && err->kind == ERR_RETRY);
		if (rc < 0 || take_items(g, items, n, a, err) < 0)
			return -1;
		*out_n += n;
		if (g->run->pull->progress)
			g->run->pull->progress(g->run->pull->context, g->run->result);
	} while (rc > 0 && !rest_has_enough(g->run));
	return 0;
}

static int read_list(struct reading *g, const struct json *list, struct arena *a, size_t *out_n, struct err *err)
{
	struct item *items = arena_array(a, json_count(list) + 1, sizeof *items);
	size_t n = 0;

	*out_n = 0;
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		++*out_n;
		++g->n_rows;
		if (!pager_begins_behind(&g->walk.pager, j, a)) /* twice in the list, it would count twice */
			items[n++] = (struct item){ .row = j, .place = g->n_rows };
	}
	return take_items(g, items, n, a, err);
}

/* One page: a file, or a list. Returns 1 when there is a further one. */
static int read_page(struct reading *g, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(PAGE_BYTES);
	CLEANUP(fd_closep) int fd = -1;
	const struct texts none = { 0 };
	const struct json *list = NULL;
	struct page_view view;
	struct answer x = { 0 };
	size_t n = 0;
	int more;

	if (g->walk.request->download_mb) {
		fd = fd_nameless(folder_of(g->run->pull, a), err);
		if (fd < 0)
			return -1;
		g->walk.download_fd = fd;
	}
	if (rest_ask_page(g->run, &g->walk, &none, a, &x, err) < 0)
		return -1;
	if (fd >= 0 ? !x.is_empty && read_file(g, fd, &n, err) < 0
	            : rest_list_of(g->run, &g->walk, &x, &list, err) < 0 || read_list(g, list, a, &n, err) < 0)
		return -1;
	g->run->result->n_pages++;
	g->run->result->n_requests = g->run->client->limiter.n_requests - g->run->n_requests_before;
	view = (struct page_view){ .body = x.body, .rows = list, .n_rows = n, .response = &x.http, .url = x.url };
	more = pager_next(&g->walk.pager, &view, a, err);
	return more < 0 ? -1 : more && !rest_has_enough(g->run);
}

/* slices ----------------------------------------------------------------------------------------------------------- */

/* All pages of a slice, or of a part of it. */
static int read_pages(struct reading *g, int64_t start, int64_t end, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct walk_state part = g->slice;
	int64_t page = 1;
	int rc;

	part.start = start;
	part.end = end - 1; /* a slice's window ends with its last second */
	if (rest_walk_begin(g->run, &g->walk, &part, a, err) < 0)
		return -1;
	while ((rc = read_page(g, err)) == 1)
		page++;
	return rc < 0 ? err_in(err, "%s: page %lld", g->name, (long long)page) : 0;
}

/* Recursion: a day has 24 hours, and less than one is not asked for. */
static int read_part(struct reading *g, int64_t start, int64_t end, struct err *err)
{
	int64_t n_pages = g->run->result->n_pages, half = start == INSTANT_NONE ? 0 : (end - start) / 2 / HOUR_S * HOUR_S;

	g->run->client->wants_less = false;
	if (read_pages(g, start, end, err) == 0)
		return 0;
	if (!g->run->client->wants_less || half < HOUR_S || g->run->result->n_pages != n_pages)
		return -1;
	return read_part(g, start, start + half, err) < 0 || read_part(g, start + half, end, err) < 0 ? -1 : 0;
}

static int note_unknown(struct reading *g, const struct counted_result *counted, struct arena *a,
                        struct err *err)
{
	const struct pull *p = g->run->pull;

	if (!counted->n_unknown)
		return 0;
	g->run->result->n_quarantined += !g->run->has_unknown;
	g->run->has_unknown = true;
	return quarantine_put(p->db, g->run->source, g->run->stream->name, "accounts",
	                      arena_printf(a,
	                                   "%lld accounts are not known by these keys, for example `%s`; what was counted of "
	                                   "them waits for them",
	                                   (long long)counted->n_unknown, text_clean(a, counted->example, 60)),
	                      "", p->now, err);
}

/* What a whole file no longer has is gone, but where a row in it couldn't be read, which may be the one. Returns 1 when
 * the file is in doubt, with err. */
static int find_missing(const struct reading *g, struct arena *a, struct row **out, size_t *out_n, struct err *err)
{
	if (!g->run->stream->full_diff || g->is_counted || g->slice.kind != WALK_FULL)
		return 0;
	if (g->n_nameless) {
		(void)err_set(err, ERR_INPUT, "%lld rows can't be read: what the file no longer has is not deleted",
		              (long long)g->n_nameless);
		return 1;
	}
	return missing_find(&g->to, a, out, out_n, err);
}

/* What was counted replaces what the days had, and the stream goes on behind the slice: both or neither. */
static int end_slice(struct reading *g, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };
	const struct pull *p = g->run->pull;
	const struct counted_days days = { g->run->source, g->run->stream->name,
		                               g->counting.day == DAY_NONE ? 1 : g->counting.day,
		                               g->counting.day == DAY_NONE ? 0 : g->counting.last_day };
	struct counted_result counted = { 0 };
	struct progress next = g->run->progress;
	struct err doubt = { 0 };
	struct row *gone = NULL;
	size_t n_gone = 0;
	int rc;

	if (p->is_dry_run)
		return 0;
	next.until = g->slice.end;
	next.walk = (struct walk_state){ .kind = WALK_NONE };
	if (g->slice.kind == WALK_FULL)
		next.full_at = g->slice.end;
	rc = find_missing(g, a, &gone, &n_gone, &doubt);
	*err = doubt;
	if (rc < 0 || txn_begin(&txn, p->db, err) < 0 || missing_settle(&g->to, gone, n_gone, a, err) < 0 ||
	    (g->is_counted && (counted_store(p->db, &days, a, &counted, err) < 0 || note_unknown(g, &counted, a, err) < 0)))
		return -1;
	if (cursor_set(p->db, g->run->source, g->run->stream->name, progress_write(a, &next), p->now, err) < 0 ||
	    txn_commit(&txn, err) < 0)
		return -1;
	g->run->progress = next;
	g->run->result->n_changed += counted.n_changed;
	if (p->progress)
		p->progress(p->context, g->run->result);
	return rc > 0 ? -1 : 0;
}

static int begin_slice(struct reading *g, struct arena *a, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	const struct pull *p = g->run->pull;

	g->n_rows = g->n_aside = g->n_good = g->n_refused = g->n_nameless = 0;
	g->is_damaged = false;
	if (p->is_dry_run)
		return 0;
	if (txn_begin(&txn, p->db, err) < 0 || (g->is_counted && counted_begin(p->db, err) < 0) ||
	    quarantine_clear_starting(p->db, g->run->source, g->run->stream->name, arena_printf(a, "%s:", g->name),
	                              err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

/* Neither a page that says "please sign in" nor a mapping that fits nothing must pass for a day without events. */
static int check_rows(struct reading *g, struct err *err)
{
	if (g->n_good || (!g->n_nameless && g->n_refused < MANY_ROWS) || g->run->pull->is_dry_run)
		return 0;
	if (!g->n_nameless)
		return err_set(err, ERR_INPUT, "%s: the mapping fits none of %lld rows", g->name, (long long)g->n_refused);
	g->is_damaged = true;
	return err_set(err, ERR_RETRY, "%s: none of %lld rows is what was asked for", g->name,
	               (long long)(g->n_nameless + g->n_refused));
}

/* A file that came damaged is asked for again, and the slice counted from its beginning. */
static int read_slice(struct run *r, const struct walk_state *slice, const struct zone *zone, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	bool is_sliced = r->stream->slice.step_s > 0;
	struct reading g = { .run = r, .walk = { .zone = zone }, .slice = *slice,
		                 .is_counted = counting_is_for(r->stream->maps[0]),
		                 .to = { r->pull, r->stream, r->source, r->result, r->progress.n_lists } };
	int second;

	g.counting = (struct counting){ &g.to, zone, DAY_NONE, DAY_NONE, NULL };
	g.name = is_sliced ? day_text(a, zone_day(zone, slice->start, &second)) : "file";
	if (is_sliced) {
		g.counting.day = zone_day(zone, slice->start, &second);
		g.counting.last_day = zone_day(zone, slice->end - 1, &second);
		g.counting.day_text = g.name;
		if (r->stream->slice.step_s % (24 * HOUR_S) != 0)
			g.name = instant_text(a, slice->start);
	}
	for (int attempt = 1;; attempt++) {
		const struct pull_result before = *r->result;

		if (begin_slice(&g, a, err) < 0)
			return -1;
		if (read_part(&g, slice->start, slice->end, err) == 0 && check_rows(&g, err) == 0)
			return end_slice(&g, err);
		if (!g.is_damaged || attempt == MAX_ATTEMPTS)
			return -1;
		*r->result = before;
	}
}

static int settle(struct run *r, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	int64_t n_waiting;

	if (r->pull->is_dry_run || !counting_is_for(r->stream->maps[0]))
		return 0;
	if (txn_begin(&txn, r->pull->db, err) < 0)
		return -1;
	n_waiting = counted_settle(r->pull->db, r->source, r->stream->name, &r->result->n_changed, err);
	if (n_waiting < 0 ||
	    (n_waiting == 0 && quarantine_clear(r->pull->db, r->source, r->stream->name, "accounts", err) < 0))
		return -1;
	return txn_commit(&txn, err);
}

bool slices_are_for(const struct stream_settings *s)
{
	return s->slice.step_s || s->full.download_mb || (s->n_maps && counting_is_for(s->maps[0]));
}

/* The newest slices, until enough rows were shown: a year of empty days says nothing to who tries out a mapping. */
static int show_newest(struct run *r, const struct walk_state *whole, const struct zone *zone, int64_t last,
                       struct err *err)
{
	const struct slice_settings *s = &r->stream->slice;
	struct walk_state slice = *whole;

	slice.end = last;
	for (int i = 0; i < MAX_TRIED && !rest_has_enough(r); i++) {
		slice.start = slice_begin(s, zone, slice.end - 1);
		if (read_slice(r, &slice, zone, err) < 0)
			return -1;
		slice.end = slice.start;
	}
	return 0;
}

int slices_pull(struct run *r, const struct walk_state *whole, struct err *err)
{
	const struct slice_settings *s = &r->stream->slice;
	const struct zone *zone = s->zone ? s->zone : r->pull->zone;
	struct walk_state slice = *whole;
	int64_t last = r->pull->now - s->hold_s;

	slice.token = NULL;
	if (settle(r, err) < 0)
		return -1;
	r->progress.n_lists += r->stream->full_diff;
	if (!s->step_s)
		return read_slice(r, &slice, zone, err);
	if (r->pull->is_dry_run && r->pull->limit_rows)
		return show_newest(r, &slice, zone, last, err);
	if (slice.start == INSTANT_NONE)
		slice.start = r->pull->now - s->history_s;
	slice.start = slice_begin(s, zone, slice.start);
	for (; slice.start < last && !rest_has_enough(r); slice.start = slice.end) {
		slice.end = slice_end(s, zone, slice.start);
		if (slice.end > last)
			slice.end = last;
		if (read_slice(r, &slice, zone, err) < 0)
			return -1;
	}
	return 0;
}
