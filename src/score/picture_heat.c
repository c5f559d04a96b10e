#include "picture_svg.h"

#include <math.h>

/* A cell is a number on a tint, and below it a bar as long as the number, full at 100 % and thick above. */
enum { LEFT = 62, TOP = 42, ROW = 25, BOTTOM = 26, MAX_CELL_WIDTH = 48, MAX_DESCRIBED = 32768 };

/* The tints by the ratio below which they end. */
static const double tint_ends[] = { 0.5, 0.7, 0.85, 0.97, 1.03, 1.2 };

static int tint_of(double ratio)
{
	int i = 0;

	while (i < (int)ARRAY_LEN(tint_ends) && ratio >= tint_ends[i])
		i++;
	return i;
}

/* What is drawn of a heat map that is too large. */
struct shown { size_t first_row, n_rows, n_columns; };

static struct shown shown_of(const struct picture_heat *h)
{
	struct shown s = { 0, h->n_rows, h->n_columns };

	if (s.n_rows > PICTURE_MAX_ROWS) {
		s.first_row = s.n_rows - PICTURE_MAX_ROWS;
		s.n_rows = PICTURE_MAX_ROWS;
	}
	if (s.n_columns > PICTURE_MAX_COLUMNS)
		s.n_columns = PICTURE_MAX_COLUMNS;
	return s;
}

const char *picture_cell(struct arena *a, double ratio)
{
	return ratio >= 9.995 ? arena_printf(a, "%.0fx", fmin(ratio, 99)) : arena_printf(a, "%.0f", 100 * ratio);
}

static const char *described(const struct picture_heat *h, const struct shown *shown, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;

	buf_init(&text, MAX_DESCRIBED);
	buf_printf(&text, "Percent of what each began with, by %s and %s.", h->row_title, h->column_title);
	for (size_t i = shown->first_row; i < h->n_rows; i++) {
		const char *between = ": ";

		buf_printf(&text, " %s", h->rows[i]);
		for (size_t k = 0; k < shown->n_columns; k++) {
			double ratio = h->cells[i * h->n_columns + k];

			if (isnan(ratio))
				continue;
			buf_printf(&text, "%s%s %s", between, h->columns[k], picture_cell(a, ratio));
			between = ", ";
		}
		buf_char(&text, '.');
	}
	return arena_strdup(a, text.at);
}

static void draw_cell(struct svg *s, double x, double y, double width, double ratio)
{
	double full = width - 8;

	if (isnan(ratio)) {
		svg_box(s, x + 1, y + 1, width - 2, ROW - 2, "none");
		return;
	}
	svg_box(s, x, y, width - 1, ROW - 1, arena_printf(s->arena, "h%d", tint_of(ratio)));
	svg_text(s, x + width / 2, y + 14.5, SVG_MIDDLE, "", picture_cell(s->arena, ratio));
	svg_box(s, x + 3.5, y + (ratio > 1 ? 18 : 19.5), fmax(0, full * fmin(ratio, 1)), ratio > 1 ? 4.5 : 2, "bar");
}

void picture_heat(const struct picture_heat *h, struct arena *a, struct buf *out)
{
	struct shown shown = shown_of(h);
	double width = fmin(MAX_CELL_WIDTH, (PICTURE_WIDTH - LEFT) / (double)(shown.n_columns ? shown.n_columns : 1));
	int height = TOP + ROW * (int)shown.n_rows + BOTTOM + (shown.first_row ? BOTTOM - 8 : 0);
	struct svg s = svg_open(out, a, &h->head, described(h, &shown, a), height);

	svg_text(&s, 0, 34, SVG_LEFT, "m", h->row_title);
	svg_text(&s, LEFT, 14, SVG_LEFT, "m", h->column_title);
	for (size_t k = 0; k < shown.n_columns; k++)
		svg_text(&s, LEFT + width * ((double)k + 0.5), 34, SVG_MIDDLE, "b", h->columns[k]);
	for (size_t i = 0; i < shown.n_rows; i++) {
		double y = TOP + ROW * (double)i;
		size_t row = shown.first_row + i;

		svg_text(&s, 0, y + 16, SVG_LEFT, "b", h->rows[row]);
		for (size_t k = 0; k < shown.n_columns; k++)
			draw_cell(&s, LEFT + width * (double)k, y, width, h->cells[row * h->n_columns + k]);
	}
	svg_text(&s, 0, TOP + ROW * (double)shown.n_rows + 18, SVG_LEFT, "m",
	         "Percent; a full bar is 100, a thick one more");
	if (shown.first_row)
		svg_text(&s, 0, TOP + ROW * (double)shown.n_rows + 36, SVG_LEFT, "m",
		         arena_printf(a, "%zu earlier ones are not shown", shown.first_row));
	svg_close(&s);
}
