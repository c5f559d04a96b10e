/* Between the files that read packs: the columns of a section as they lie, and how their cells become the fields of
 * structs, a loop a column. */
#ifndef PACK_CELLS_H
#define PACK_CELLS_H

#include "store/pack.h"

struct pack_cells {
	const unsigned char *at;
	int64_t base;  /* added to each cell */
	uint8_t width; /* by its number in pack_widths */
	bool has_none; /* a cell of 0 stands for PACK_NONE */
};
/* The first columns of a section that has rows. False where the bytes make no sense. */
bool pack_cells(const struct pack *p, enum pack_section section, int n_columns, struct pack_cells *out) MUST_USE;

enum pack_kind {
	PACK_AS_DAY,    /* int32_t; and any other number that fits */
	PACK_AS_NUMBER, /* int64_t */
	PACK_AS_TRUTH,  /* bool: other than 0 */
	PACK_AS_WORD    /* const char *, "" for a number that is none of a word */
};
struct pack_words { const char *const *at; size_t n; }; /* by number */
/* Where n words are that lie one after the other in len bytes, the last of which is a NUL; "" where they are fewer. */
void pack_words_of(const char *text, size_t len, size_t n, const char **out);
/* A field of the structs that rows become. */
struct pack_field {
	uint8_t column;
	enum pack_kind kind;
	size_t offset;
};
/* Sets fields of n structs of size bytes each, which are zeroed, by the cells of a section's columns. */
void pack_rows(const struct pack_cells *cells, size_t n, const struct pack_field *fields, size_t n_fields,
               const struct pack_words *words, void *to, size_t size);
/* A column's n cells. */
void pack_numbers(const struct pack_cells *c, size_t n, int64_t *out);

#endif
