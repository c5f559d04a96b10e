#include "nrr_draft.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>

#include "common/fd.h"
#include "common/money.h"

struct draft *draft_part(struct writing *w, const char *heading)
{
	struct draft *d = arena_alloc(w->arena, sizeof *d);

	d->heading = heading;
	return w->drafts[w->n_drafts++] = d;
}

void draft_say(struct draft *d, const char *text)
{
	if (text && d->n_texts < NRR_MAX_TEXTS)
		d->texts[d->n_texts++] = text;
}

void draft_draw(struct writing *w, struct draft *d, struct buf *svg)
{
	d->pictures[d->n_pictures++] = arena_strdup(w->arena, svg->at);
	buf_reset(svg);
}

const char **draft_table(struct writing *w, struct draft *d, const char *caption, const struct page_column *columns,
                            size_t n_columns, size_t n_rows)
{
	const char **cells = arena_array(w->arena, n_columns * n_rows + 1, sizeof *cells);

	d->tables[d->n_tables++] = (struct page_table){ caption, columns, n_columns, cells, n_rows };
	return cells;
}

const struct nrr_window *draft_whole(const struct writing *w)
{
	return &w->by[NRR_BY_ALL].rows[0];
}

const char *draft_money(const struct writing *w, int64_t minor)
{
	return money_text(w->arena, minor, w->book->currency);
}

const char *draft_count(const struct writing *w, int64_t n)
{
	return arena_printf(w->arena, "%" PRId64, n);
}

const char *draft_percent(const struct writing *w, bool is_known, double ratio)
{
	return is_known ? arena_printf(w->arena, "%.1f %%", 100 * ratio) : NULL;
}

const char *draft_points(const struct writing *w, double n)
{
	if (isnan(n))
		return NULL;
	return fabs(n) < 0.05 ? "0.0" : arena_printf(w->arena, "%+.1f", n);
}

int draft_write_file(const char *path, const struct buf *text, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;

	if (text->is_full) /* what is there stays */
		return err_set(err, ERR_INPUT, "%s would take more than the ceiling of %zu bytes", path, text->limit);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, ERR_INPUT, "%s", path);
	return fd_write(fd, text->at, text->len, err) < 0 ? err_in(err, "%s", path) : 0;
}
