/* While a book is made. */
#ifndef BOOK_PARTS_H
#define BOOK_PARTS_H

#include "score/book.h"

struct making {
	struct book *book;
	const struct book_query *query;
	struct arena *arena;
	uint16_t only;            /* of query->only; 0: no amount is in it */
	struct book_piece *pieces; size_t n;
	size_t room;              /* of pieces */
	bool *is_used;            /* by name: a currency that pieces are in */
	bool *has_annual;         /* by account */
	int32_t contract;         /* of the line at hand */
	size_t next_due;          /* the first bill of the account at hand, or of one behind it */
	int32_t *starts; size_t n_starts; /* days on which lines of an account begin, ascending; NULL: of none yet */
	int32_t starts_of;
	int64_t total_minor;      /* of all pieces, whatever their currency or sign */
};

/* Works out book->tops. */
void book_find_tops(struct making *m);
/* Whether a line is recurring revenue of the kind that the book is of: no trial, committed or usage. */
bool book_is_of(const struct making *m, const struct revenue_line *line);
/* Until when a line counts, by the policy's date of churn. Lines are asked for in their order. */
int32_t book_end_of(struct making *m, size_t line);
/* Adds a piece of a line without the days on which its account had been past due for too long. */
int book_add_paid(struct making *m, const struct revenue_line *line, const struct book_piece *piece,
                  struct err *err) MUST_USE;
int book_add_piece(struct making *m, const struct revenue_line *line, const struct book_piece *piece,
                   struct err *err) MUST_USE;
/* Closes gaps of an account that are too short to be one, in sorted pieces. */
void book_bridge_gaps(struct making *m, struct book_piece *pieces, const size_t *first);
int book_compare_pieces(const void *left, const void *right);

#endif
