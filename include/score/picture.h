/* Pictures of retention, as SVG and for the terminal. Pure: figures in, text out.
 * An SVG stands alone or within a page, asks for nothing from anywhere, has no script, names and describes itself, and
 * follows light and dark (prefers-color-scheme). Nothing is said by colour alone: gains are filled and have a plus,
 * losses are hatched and have a minus, lines differ in dashes and marks, cells hold their number. Texts are 12 px and
 * more from PICTURE_WIDTH on, which is what a telephone of 375 px leaves between two margins. */
#ifndef SCORE_PICTURE_H
#define SCORE_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"

enum { PICTURE_WIDTH = 343, PICTURE_MAX_COLUMNS = 11, PICTURE_MAX_ROWS = 36 };

/* What every picture has: an id that is its own on a page (letters only), and what it shows, in two lines of at most 44
 * characters. */
struct picture_head { const char *id, *title, *subtitle; };

/* A level stands on the ground (start, end), other steps go up or down from where the one before ended. */
struct picture_step {
	const char *label;
	int64_t minor;
	bool is_level;
};
struct picture_waterfall {
	struct picture_head head;
	const char *currency;
	const struct picture_step *steps; size_t n;
};
void picture_waterfall(const struct picture_waterfall *w, struct arena *a, struct buf *out);

/* The windows that end on a day: ratios, 1 is 100 %; unknown ones are a gap in the line. */
struct picture_point {
	int32_t on;
	bool is_known;
	double nrr, grr;
};
struct picture_range { double p10, p50, p90; };
struct picture_ahead { int32_t on; struct picture_range nrr, grr; };
struct picture_trend {
	struct picture_head head;
	const struct picture_point *points; size_t n; /* by day */
	const struct picture_ahead *ahead; size_t n_ahead; /* the forecast, by day, behind the points */
	const char *why_none; /* no point is known, and why */
};
void picture_trend(const struct picture_trend *t, struct arena *a, struct buf *out);

/* Ratios of rows (cohorts) and columns (months since); NAN: not known yet. At most PICTURE_MAX_COLUMNS columns and the
 * last PICTURE_MAX_ROWS rows are drawn; what is left out is said. */
struct picture_heat {
	struct picture_head head;
	const char *row_title, *column_title;
	const char *const *rows; size_t n_rows;
	const char *const *columns; size_t n_columns;
	const double *cells; /* n_columns of the first row, then of the next ... */
};
void picture_heat(const struct picture_heat *h, struct arena *a, struct buf *out);

/* Instead of a picture for which there are no figures: why. */
void picture_none(const struct picture_head *head, const char *why, struct arena *a, struct buf *out);

/* For the terminal. A character for each value, from the least to the most of them; a blank for NAN. */
const char *picture_spark(struct arena *a, const double *values, size_t n);
/* Two lines, NRR and GRR: the spark, the range and the latest. "" when nothing is known. */
void picture_trend_text(const struct picture_trend *t, struct arena *a, struct buf *out);
/* A line a row; percents, and behind each how full it is: "104+", " 97 ", " 88\u2591", " 61\u2592", " 30\u2593". */
void picture_heat_text(const struct picture_heat *h, struct arena *a, struct buf *out);

#endif
