/* A report as one HTML page that holds all it needs: no script, font or picture is fetched. Light and dark, from 375 px
 * on; wide tables scroll by themselves and can be reached by keyboard. Pure: texts and pictures in, a page out. */
#ifndef SCORE_PAGE_H
#define SCORE_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"

struct page_column {
	const char *title;
	bool is_number;
};
/* The first column says what a row is about. */
struct page_table {
	const char *caption; /* its own on the page */
	const struct page_column *columns; size_t n_columns;
	const char *const *cells; size_t n_rows; /* n_columns of the first row ...; NULL: "-" */
};
struct page_part {
	const char *heading;
	const char *const *paragraphs; size_t n_paragraphs;
	const char *const *pictures; size_t n_pictures; /* SVG, taken as it is */
	const struct page_table *tables; size_t n_tables;
};
struct page {
	const char *title, *subtitle;
	const struct page_part *parts; size_t n_parts;
};
/* Texts are cleaned and escaped here. */
void page_write(const struct page *p, struct arena *a, struct buf *out);

#endif
