#include "picture_svg.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"

enum { HEIGHT = 260, LEFT = 50, RIGHT = PICTURE_WIDTH - 8, TOP = 50, BOTTOM = HEIGHT - 30 };
enum { MAX_MARKS = 24, MAX_TICKS = 6 };

enum line { LINE_NRR, LINE_GRR, N_LINES };
static const char *const line_names[N_LINES] = { "nrr", "grr" }, *const line_titles[N_LINES] = { "NRR", "GRR" };

struct scale {
	int32_t from, to;
	double low, high, step;
};

static double ratio_of(const struct picture_point *p, int line)
{
	return line == LINE_NRR ? p->nrr : p->grr;
}

static const struct picture_range *range_of(const struct picture_ahead *ahead, int line)
{
	return line == LINE_NRR ? &ahead->nrr : &ahead->grr;
}

/* The first step of 1, 2, 5, 10 ... points that needs few lines. */
static double step_for(double range)
{
	static const double factors[] = { 1, 2, 5 };

	for (double unit = 0.01;; unit *= 10)
		for (size_t i = 0; i < ARRAY_LEN(factors); i++)
			if (range / (unit * factors[i]) <= MAX_TICKS - 1 || unit > 1e12)
				return unit * factors[i];
}

static struct scale scale_of(const struct picture_trend *t)
{
	struct scale s = { .low = 1, .high = 1 };

	for (size_t i = 0; i < t->n; i++)
		if (t->points[i].is_known) {
			s.low = fmin(s.low, fmin(t->points[i].nrr, t->points[i].grr));
			s.high = fmax(s.high, fmax(t->points[i].nrr, t->points[i].grr));
		}
	for (size_t i = 0; i < t->n_ahead; i++)
		for (int line = 0; line < N_LINES; line++) {
			s.low = fmin(s.low, range_of(&t->ahead[i], line)->p10);
			s.high = fmax(s.high, range_of(&t->ahead[i], line)->p90);
		}
	s.step = step_for(s.high - s.low);
	s.low = floor(s.low / s.step + 1e-9) * s.step;
	s.high = fmax(ceil(s.high / s.step - 1e-9) * s.step, s.low + s.step);
	s.from = t->n ? t->points[0].on : t->n_ahead ? t->ahead[0].on : 0;
	s.to = t->n_ahead ? t->ahead[t->n_ahead - 1].on : t->n ? t->points[t->n - 1].on : 0;
	return s;
}

static double x_of(const struct scale *s, int32_t day)
{
	if (s->to == s->from)
		return (LEFT + RIGHT) / 2.0;
	return LEFT + (double)(day - s->from) / (double)(s->to - s->from) * (RIGHT - LEFT);
}

static double y_of(const struct scale *s, double ratio)
{
	return BOTTOM - (ratio - s->low) / (s->high - s->low) * (BOTTOM - TOP);
}

static const char *month_text(struct arena *a, int32_t day)
{
	int year, month, day_of_month;

	day_split(day, &year, &month, &day_of_month);
	return arena_printf(a, "%04d-%02d", year, month);
}

/* The last known point, or NULL. */
static const struct picture_point *latest(const struct picture_trend *t)
{
	for (size_t i = t->n; i > 0; i--)
		if (t->points[i - 1].is_known)
			return &t->points[i - 1];
	return NULL;
}

static const char *described(const struct picture_trend *t, struct arena *a)
{
	const struct picture_point *first = t->points, *last = latest(t);
	const char *text = "Nothing is known yet.";

	while (last && !first->is_known)
		first++;
	for (int line = 0; last && line < N_LINES; line++) {
		double low = INFINITY, high = -INFINITY;

		for (size_t i = 0; i < t->n; i++)
			if (t->points[i].is_known) {
				low = fmin(low, ratio_of(&t->points[i], line));
				high = fmax(high, ratio_of(&t->points[i], line));
			}
		text = arena_printf(a, "%s%s: %s on %s, %s on %s, between %s and %s.", line ? text : "",
		                    line ? " GRR" : "NRR", picture_percent(a, ratio_of(first, line), 1), day_text(a, first->on),
		                    picture_percent(a, ratio_of(last, line), 1), day_text(a, last->on),
		                    picture_percent(a, low, 1), picture_percent(a, high, 1));
	}
	for (size_t i = 0; i < t->n_ahead; i++)
		text = arena_printf(a, "%s Forecast for %s: NRR %s to %s, GRR %s to %s.", text, day_text(a, t->ahead[i].on),
		                    picture_percent(a, t->ahead[i].nrr.p10, 1), picture_percent(a, t->ahead[i].nrr.p90, 1),
		                    picture_percent(a, t->ahead[i].grr.p10, 1), picture_percent(a, t->ahead[i].grr.p90, 1));
	return text;
}

static void draw_axes(struct svg *s, const struct picture_trend *t, const struct scale *scale)
{
	int n = (int)lround((scale->high - scale->low) / scale->step);

	for (int i = 0; i <= n; i++) {
		double ratio = scale->low + scale->step * i, y = y_of(scale, ratio);

		svg_line(s, LEFT, y, RIGHT, y, fabs(ratio - 1) < scale->step / 4 ? "whole" : "grid");
		svg_text(s, LEFT - 5, y + 4.5, SVG_RIGHT, "m", picture_percent(s->arena, ratio, 0));
	}
	if (!t->n && !t->n_ahead)
		return;
	svg_text(s, LEFT, HEIGHT - 10, SVG_LEFT, "m", month_text(s->arena, scale->from));
	if (scale->to != scale->from)
		svg_text(s, RIGHT, HEIGHT - 10, SVG_RIGHT, "m", month_text(s->arena, scale->to));
	if (t->n && t->n_ahead && x_of(scale, t->points[t->n - 1].on) > LEFT + 100 &&
	    x_of(scale, t->points[t->n - 1].on) < RIGHT - 80) {
		double x = x_of(scale, t->points[t->n - 1].on);

		svg_line(s, x, TOP, x, BOTTOM + 4, "join");
		svg_text(s, x, HEIGHT - 10, SVG_MIDDLE, "m", month_text(s->arena, t->points[t->n - 1].on));
	}
}

/* From the last known point to p10 and p90 of every day, and p50 in the middle. */
static void draw_ahead(struct svg *s, const struct picture_trend *t, const struct scale *scale, int line)
{
	const struct picture_point *last = latest(t);
	char joint = 'M';

	if (!t->n_ahead)
		return;
	buf_printf(s->out, "<path class=\"rp-%s-band\" fill=\"url(#%s-%s-dots)\" d=\"", line_names[line], s->id,
	           line_names[line]);
	if (last)
		buf_printf(s->out, "M%.1f %.1f", x_of(scale, last->on), y_of(scale, ratio_of(last, line)));
	for (size_t i = 0; i < t->n_ahead; i++)
		buf_printf(s->out, "%c%.1f %.1f", i || last ? 'L' : 'M', x_of(scale, t->ahead[i].on),
		           y_of(scale, range_of(&t->ahead[i], line)->p90));
	for (size_t i = t->n_ahead; i > 0; i--)
		buf_printf(s->out, "L%.1f %.1f", x_of(scale, t->ahead[i - 1].on),
		           y_of(scale, range_of(&t->ahead[i - 1], line)->p10));
	buf_printf(s->out, "z\"/>\n<path class=\"rp-%s rp-mid\" d=\"", line_names[line]);
	if (last) {
		buf_printf(s->out, "M%.1f %.1f", x_of(scale, last->on), y_of(scale, ratio_of(last, line)));
		joint = 'L';
	}
	for (size_t i = 0; i < t->n_ahead; i++, joint = 'L')
		buf_printf(s->out, "%c%.1f %.1f", joint, x_of(scale, t->ahead[i].on),
		           y_of(scale, range_of(&t->ahead[i], line)->p50));
	buf_text(s->out, "\"/>\n");
}

static void draw_mark(struct svg *s, double x, double y, int line)
{
	if (line == LINE_NRR)
		buf_printf(s->out, "<circle class=\"rp-nrr-mark\" r=\"3.2\" cx=\"%.1f\" cy=\"%.1f\"/>\n", x, y);
	else
		buf_printf(s->out, "<rect class=\"rp-grr-mark\" x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\"/>\n", x - 3,
		           y - 3);
}

static void draw_line(struct svg *s, const struct picture_trend *t, const struct scale *scale, int line)
{
	bool is_on = false;

	buf_printf(s->out, "<path class=\"rp-%s\" d=\"M0 0", line_names[line]);
	for (size_t i = 0; i < t->n; i++) {
		const struct picture_point *p = &t->points[i];

		if (p->is_known)
			buf_printf(s->out, "%c%.1f %.1f", is_on ? 'L' : 'M', x_of(scale, p->on), y_of(scale, ratio_of(p, line)));
		is_on = p->is_known;
	}
	buf_text(s->out, "\"/>\n");
	for (size_t i = 0; i < t->n && t->n <= MAX_MARKS; i++)
		if (t->points[i].is_known)
			draw_mark(s, x_of(scale, t->points[i].on), y_of(scale, ratio_of(&t->points[i], line)), line);
}

/* A line that is known for a day only says nothing yet: where the forecast ends does. */
static const char *key_text(const struct picture_trend *t, int line, struct arena *a)
{
	const struct picture_point *last = latest(t);

	if (t->n < 2 && t->n_ahead) {
		const struct picture_range *r = range_of(&t->ahead[t->n_ahead - 1], line);

		return arena_printf(a, "%s %.0f to %.0f %%", line_titles[line], 100 * r->p10, 100 * r->p90);
	}
	return last ? arena_printf(a, "%s %s", line_titles[line], picture_percent(a, ratio_of(last, line), 1))
	            : line_titles[line];
}

/* Above the picture: what each line looks like, and where it ends. */
static void draw_key(struct svg *s, const struct picture_trend *t)
{
	const struct picture_point *last = latest(t);

	for (int line = 0; line < N_LINES; line++) {
		double x = line ? 178 : 0;

		buf_printf(s->out, "<path class=\"rp-%s\" d=\"M%.0f 12h26\"/>\n", line_names[line], x);
		draw_mark(s, x + 13, 12, line);
		svg_text(s, x + 32, 16.5, SVG_LEFT, "b", key_text(t, line, s->arena));
	}
	svg_text(s, 0, 36, SVG_LEFT, "m", t->n_ahead ? "Dotted: forecast, 8 of 10 cases lie within it" :
	                                               last ? "Solid line at 100 %: as much as at the start" :
	                                                      "Nothing is known yet");
}

void picture_trend(const struct picture_trend *t, struct arena *a, struct buf *out)
{
	struct scale scale;
	struct svg s;

	if (t->why_none && !t->n_ahead) {
		picture_none(&t->head, t->why_none, a, out);
		return;
	}
	scale = scale_of(t);
	s = svg_open(out, a, &t->head, described(t, a), HEIGHT);
	draw_key(&s, t);
	draw_axes(&s, t, &scale);
	for (int line = N_LINES - 1; line >= 0; line--)
		draw_ahead(&s, t, &scale, line);
	for (int line = N_LINES - 1; line >= 0; line--)
		draw_line(&s, t, &scale, line);
	svg_close(&s);
}
