#include "books.h"

#include <string.h>

#include "store/pulls.h"
#include "store/record.h"
#include "store/source_clock.h"

int books_source(const struct pull *p, int64_t *out, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (txn_begin(&txn, p->db, err) < 0 || source_id(p->db, p->source->name, p->source->connector, out, err) < 0)
		return -1;
	return p->is_dry_run ? 0 : txn_commit(&txn, err);
}

int books_expected(const struct pull *p, int64_t source, struct pull_result *r, struct err *err)
{
	if (strcmp(r->mode, "full") != 0)
		return 0;
	return pull_run_expected(p->db, source, r->stream, r->mode, &r->n_expected, err);
}

int books_begin(const struct pull *p, int64_t source, const struct pull_result *r, int64_t *out_run, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (p->is_dry_run)
		return 0;
	if (txn_begin(&txn, p->db, err) < 0 ||
	    pull_run_begin(p->db, source, r->stream, r->mode, p->now, out_run, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

int books_end(const struct pull *p, int64_t run, const struct pull_result *r, const char *error, struct err *err)
{
	const struct pull_counts counts = { .n_pages = r->n_pages, .n_rows = r->n_rows,
		                                .n_changed = r->n_new + r->n_changed + r->n_deleted,
		                                .n_quarantined = r->n_quarantined };
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (p->is_dry_run)
		return 0;
	if (txn_begin(&txn, p->db, err) < 0 || pull_run_end(p->db, run, &counts, error, p->now, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

int books_clock(const struct pull *p, int64_t source, int64_t answered_at, int64_t boot_ms, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (!p->notes_clock)
		return 0;
	if (txn_begin(&txn, p->db, err) < 0 || source_clock_note(p->db, source, answered_at, boot_ms, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

int books_close(const struct pull *p, int64_t source, const char *error, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (p->is_dry_run)
		return 0;
	if (txn_begin(&txn, p->db, err) < 0 || record_resolve_links_due(p->db, err) < 0)
		return -1;
	if (error && source_failed(p->db, source, error, p->now, err) < 0)
		return -1;
	/* One stream says nothing of the others: the source is as fresh as its last whole pull. */
	if (!error && !p->only_stream && source_ok(p->db, source, p->now, p->today, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}
