/* One account at all days that a computation looks at, and what it adds to a window. */
#ifndef NRR_ACCOUNT_H
#define NRR_ACCOUNT_H

#include "movements_walk.h"
#include "score/nrr.h"

/* What all accounts of one computation share. */
struct nrr_frame {
	const struct book *book;
	const struct nrr_span *spans; size_t n_spans;
	const int32_t *days; size_t n_days; /* both ends of all spans, ascending */
	const size_t *from_at, *to_at;      /* by span: their places in days */
	const uint32_t *place; size_t n_places; /* by day - days[0]: the first of days that is no earlier */
	int64_t *rates;                     /* by currency, then day; 0: not asked yet */
	uint32_t *row_of;                   /* by product: its first row of the account at hand, counted from 1 */
	int64_t most_minor;                 /* that one row may come to in the book's currency, so that all fit together */
	struct arena *scratch;              /* of the account at hand */
	struct walk *walk;                  /* where windows are sums of movements; else NULL */
};

/* What is paid for one product in one currency, by day of the frame. */
struct nrr_row {
	uint16_t product, currency;
	bool is_head;  /* the first of its product */
	uint32_t next; /* of the same product, counted from 1; 0: none */
	int64_t *at;
};

struct nrr_view {
	const struct nrr_frame *frame;
	int32_t account;
	const struct book_piece *pieces; size_t n_pieces;
	struct nrr_row *rows; size_t n_rows;
	int64_t *total;           /* by day, where all is in the book's currency; else NULL */
	const struct nrr_contracts *contracts; /* where what ends while others go on is churn; else NULL */
	const struct nrr_span *runs; size_t n_runs; /* days with revenue, to exclusive; they don't touch */
};

int nrr_frame_make(const struct book *b, const struct nrr_span *spans, size_t n_spans, struct arena *a,
                   struct arena *scratch, struct nrr_frame *out, struct err *err) MUST_USE;
/* The place of a day among the frame's: the first that is no earlier, n_days when it lies behind all. */
size_t nrr_place(const struct nrr_frame *f, int32_t day);
/* Empties the frame's scratch; the view is good until the next. */
void nrr_view_make(struct nrr_frame *f, int32_t account, struct nrr_view *out);
/* What the account adds to a span: 1, or 0 when it pays at neither end, nor between where the policy counts that. */
int nrr_view_sums(const struct nrr_view *v, size_t span, struct nrr_sums *out, struct err *err) MUST_USE;
/* The same of one product, by its head row; whole: the account's, of the span asked last. */
int nrr_view_product(const struct nrr_view *v, size_t span, const struct nrr_row *first, const struct nrr_sums *whole,
                     struct nrr_sums *out, struct err *err) MUST_USE;
/* What a piece comes to in the book's currency, at the rates of a day of the frame. */
int nrr_view_worth(const struct nrr_view *v, const struct book_piece *p, size_t day, int64_t *out,
                   struct err *err) MUST_USE;
/* An initialiser would be slower: of so many bytes that are known to the compiler it makes a string instruction. */
void nrr_sums_clear(struct nrr_sums *sums, size_t n);
const struct nrr_contracts *nrr_contracts_make(const struct nrr_view *v, struct arena *a);
/* Whether a contract ended by `to` while others went on over that day, and none took its place on it. */
bool nrr_ended_alone(const struct nrr_view *v, int32_t contract, int32_t to);
void nrr_sums_add(struct nrr_sums *sum, const struct nrr_sums *part);
/* Works out the ratios; why_none must be set. */
void nrr_work_out(struct nrr_window *w);

#endif
