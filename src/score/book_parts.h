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
	bool *is_used;            /* by name: a currency that pieces are in */
	bool *has_annual;         /* by account */
	int64_t total_minor;      /* of all pieces, whatever their currency or sign */
};

#endif
