/* What the parts of the page of `retaind nrr` are put together with. */
#ifndef CLI_NRR_DRAFT_H
#define CLI_NRR_DRAFT_H

#include "nrr_forecast.h"
#include "nrr_report.h"
#include "score/page.h"

enum { NRR_MAX_PAGE = 16 << 20, NRR_MAX_PARTS = 12, NRR_MAX_TEXTS = 64, NRR_MAX_PICTURES = 2, NRR_MAX_TABLES = 6,
	   NRR_MAX_ROWS = 40 };

/* A part of the page while it is put together. */
struct draft {
	const char *heading;
	const char *texts[NRR_MAX_TEXTS]; size_t n_texts;
	const char *pictures[NRR_MAX_PICTURES]; size_t n_pictures;
	struct page_table tables[NRR_MAX_TABLES]; size_t n_tables;
};

struct writing {
	const struct nrr_report *report;
	const struct book *book;
	struct nrr_span span;
	struct arena *arena;
	struct nrr_table by[N_NRR_BY]; /* of the span */
	struct forecast forecast;      /* of the span's end, where that is the book's day */
	struct draft *drafts[NRR_MAX_PARTS]; size_t n_drafts;
};

struct draft *draft_part(struct writing *w, const char *heading);
/* NULL: there is nothing to say. */
void draft_say(struct draft *d, const char *text);
/* Takes what was drawn, and empties it. */
void draft_draw(struct writing *w, struct draft *d, struct buf *svg);
/* Returns the cells, which the caller fills row by row. */
const char **draft_table(struct writing *w, struct draft *d, const char *caption, const struct page_column *columns,
                            size_t n_columns, size_t n_rows);

const struct nrr_window *draft_whole(const struct writing *w);
const char *draft_money(const struct writing *w, int64_t minor);
const char *draft_count(const struct writing *w, int64_t n);
const char *draft_percent(const struct writing *w, bool is_known, double ratio); /* "98.0 %", or NULL */
const char *draft_points(const struct writing *w, double n);                   /* "+1.2"; NULL for NAN */

/* As of the book's day; a window that ended before has its own end to look at. */
int nrr_foretell_span(const struct nrr_report *r, struct forecast *out, struct err *err) MUST_USE;
/* What lies beside the window: the coming quarters, and closed months that changed. */
void nrr_add_forecast(struct writing *w);
int nrr_add_restated(struct writing *w, struct err *err) MUST_USE;

int draft_write_file(const char *path, const struct buf *text, struct err *err) MUST_USE;

#endif
