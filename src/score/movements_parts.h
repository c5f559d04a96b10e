/* One account's walk while it is under way: its pieces and what is paid (movements_walk), what moved (movements_class),
 * what it adds to a window (movements_sums). */
#ifndef MOVEMENTS_PARTS_H
#define MOVEMENTS_PARTS_H

#include "movements_walk.h"

/* A piece begins or ends. */
struct event {
	int32_t on;
	uint32_t piece; /* of the account's */
	bool is_end;
};

/* What is paid for one product in one currency. */
struct cell {
	int64_t minor, worth; /* in its currency, and in the book's at the rates of the span's first day */
	size_t product;       /* into products */
	uint16_t name, currency;
};

struct product {
	int64_t now;
	int64_t before, ended; /* within the group that touched it last: before it, and of contracts that ended in it */
	size_t group;
	struct nrr_sums sums;
	int64_t lost;        /* within the span */
	int64_t last_churn; size_t churned_in; /* of the account, and its group */
	uint16_t name;
};

/* Changes of one account that are one movement: those of one day, or of several where the policy says so. */
struct group {
	size_t number;                /* 0: none yet */
	int32_t first_on, last_on;
	int64_t before;               /* what the account paid before the first of them */
	size_t n_touched;
	bool is_open;
	bool has_begun;               /* a contract */
	bool is_unpaid;               /* something that ended last did so for want of payment */
	bool had_named;               /* a product by name was paid for before */
};

struct walk {
	const struct book *book;
	struct { int32_t day; int64_t *at; } rates[2]; /* by currency, at both ends of the span; 0: not asked yet */
	int64_t most_minor;  /* that one cell may come to, so that all fit together */
	struct event *events; size_t n_events;
	struct cell *cells; size_t n_cells;
	struct cell **cell_of; /* by piece */
	struct product *products; size_t n_products;
	size_t *touched;     /* into products: by the open group */
	struct movement *out; size_t n_out;
	/* of the account at hand */
	struct nrr_span span;
	const struct book_piece *pieces; size_t n_pieces;
	bool has_credits;    /* some of them are below 0 */
	int32_t account, gone_on; /* when it last stopped paying; DAY_NONE: it never paid */
	int64_t total;       /* of what is paid now, credits taken off: may be below 0 */
	int64_t start, spot; /* spot: the end at the rates of the last day */
	int64_t lost;        /* within the span */
	size_t n_named;      /* products by name that are paid for now */
	bool is_counted;     /* in the ratios, what is paid now */
	bool has_gap;        /* it left and came back */
	bool is_taken_for_new;
	size_t churned_in;   /* the group in which it last stopped paying */
	bool is_free;        /* it stopped paying, and is still there */
	bool is_left_out;    /* it came and went, which the policy ignores */
	struct group group;
};

/* What the account pays now. */
int64_t walk_paid(const struct walk *w);
void walk_open(struct walk *w, int32_t on);
/* Puts the movements of the open group, if there is one, to the others, and its parts to the products. */
void walk_close(struct walk *w);
/* Of the open group, or the one closed last. */
void walk_move(struct walk *w, enum movement_kind kind, int64_t minor, int64_t after, uint16_t product);

#endif
