#include "picture_svg.h"

#include <math.h>
#include <string.h>

#include "common/text.h"

static const char *const eighths[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };

struct range { double low, high, last; size_t n; };

static struct range range_of(const double *values, size_t n)
{
	struct range r = { .low = INFINITY, .high = -INFINITY };

	for (size_t i = 0; i < n; i++)
		if (!isnan(values[i])) {
			r.low = fmin(r.low, values[i]);
			r.high = fmax(r.high, values[i]);
			r.last = values[i];
			r.n++;
		}
	return r;
}

const char *picture_spark(struct arena *a, const double *values, size_t n)
{
	struct range r = range_of(values, n);
	char *text = arena_alloc(a, 3 * n + 1), *to = text;

	for (size_t i = 0; i < n; i++) {
		double share = r.high > r.low ? (values[i] - r.low) / (r.high - r.low) : 0.5;

		to = stpcpy(to, isnan(values[i]) ? " " : eighths[(size_t)fmin(share * ARRAY_LEN(eighths),
		                                                               ARRAY_LEN(eighths) - 1)]);
	}
	return text;
}

void picture_trend_text(const struct picture_trend *t, struct arena *a, struct buf *out)
{
	double *values = arena_array(a, t->n + 1, sizeof *values);

	for (int line = 0; line < 2; line++) {
		struct range r;

		for (size_t i = 0; i < t->n; i++)
			values[i] = !t->points[i].is_known ? NAN : line ? t->points[i].grr : t->points[i].nrr;
		r = range_of(values, t->n);
		if (r.n)
			buf_printf(out, "  %s  %s  %s to %s, now %s\n", line ? "GRR" : "NRR", picture_spark(a, values, t->n),
			           picture_percent(a, r.low, 1), picture_percent(a, r.high, 1), picture_percent(a, r.last, 1));
	}
}

/* The same in shades: the emptier the cell, the darker. */
static const char *shade_of(double ratio)
{
	static const struct { double below; const char *as; } shades[] = {
		{ 0.5, "\u2593" }, { 0.75, "\u2592" }, { 0.95, "\u2591" }, { 1.005, " " },
	};

	for (size_t i = 0; i < ARRAY_LEN(shades); i++)
		if (ratio < shades[i].below)
			return shades[i].as;
	return "+";
}

static void put_right(struct buf *out, size_t width, const char *text)
{
	size_t length = utf8_length(text);

	buf_printf(out, "%*s%s", (int)(width > length ? width - length : 0), "", text);
}

void picture_heat_text(const struct picture_heat *h, struct arena *a, struct buf *out)
{
	size_t label = utf8_length(h->row_title);

	for (size_t i = 0; i < h->n_rows; i++)
		label = utf8_length(h->rows[i]) > label ? utf8_length(h->rows[i]) : label;
	buf_printf(out, "  %*s  %s\n  ", (int)label, "", h->column_title);
	buf_printf(out, "%s%*s", h->row_title, (int)(label - utf8_length(h->row_title)), "");
	for (size_t k = 0; k < h->n_columns; k++) {
		put_right(out, 5, h->columns[k]);
		buf_char(out, ' ');
	}
	for (size_t i = 0; i < h->n_rows; i++) {
		buf_printf(out, "\n  %s%*s", h->rows[i], (int)(label - utf8_length(h->rows[i])), "");
		for (size_t k = 0; k < h->n_columns; k++) {
			double ratio = h->cells[i * h->n_columns + k];

			put_right(out, 5, isnan(ratio) ? "." : picture_cell(a, ratio));
			buf_text(out, isnan(ratio) ? " " : shade_of(ratio));
		}
	}
	buf_char(out, '\n');
}
