#include "picture_svg.h"

#include <math.h>

#include "common/money.h"

/* Steps lie below each other: a name on the left, a bar, the amount on the right. */
enum { BARS_LEFT = 92, BARS_RIGHT = PICTURE_WIDTH - 90, ROW = 28, BAR = 16, TOP = 6, NOTE = 22 };

/* Bars are cut at their foot when what moved is less than a third of what stands. */
static const double least_share = 1.0 / 3, foot_share = 0.25;

struct scale {
	double foot, top;
	bool is_cut;
};

static const char *signed_amount(const struct picture_waterfall *w, const struct picture_step *step, struct arena *a)
{
	return arena_printf(a, "%s%s", step->is_level || step->minor <= 0 ? "" : "+",
	                    money_short(a, step->minor, w->currency));
}

static const char *described(const struct picture_waterfall *w, struct arena *a)
{
	const char *text = "";

	for (size_t i = 0; i < w->n; i++)
		text = arena_printf(a, "%s%s%s %s", text, i ? "; " : "", w->steps[i].label,
		                    money_text(a, w->steps[i].minor, w->currency));
	return text;
}

/* From the lowest to the highest that the tops of the bars come to. */
static struct scale scale_of(const struct picture_waterfall *w)
{
	double low = INFINITY, high = 0, at = 0;

	for (size_t i = 0; i < w->n; i++) {
		at = w->steps[i].is_level ? (double)w->steps[i].minor : at + (double)w->steps[i].minor;
		low = fmin(low, at);
		high = fmax(high, at);
	}
	if (!(high > 0))
		return (struct scale){ .top = 1 };
	if (low > 0 && high - low < least_share * high)
		return (struct scale){ .foot = fmax(0, low - foot_share * fmax(high - low, high / 100)), .top = high,
			                   .is_cut = true };
	return (struct scale){ .foot = fmin(0, low), .top = high };
}

static double x_of(const struct scale *scale, double minor)
{
	return BARS_LEFT + (minor - scale->foot) / (scale->top - scale->foot) * (BARS_RIGHT - BARS_LEFT);
}

static void draw_step(struct svg *s, const struct picture_waterfall *w, const struct scale *scale, size_t i,
                      double from)
{
	const struct picture_step *step = &w->steps[i];
	double y = TOP + ROW * (double)i, x0 = x_of(scale, from);
	double x1 = x_of(scale, from + (double)step->minor), left = fmin(x0, x1);

	if (step->is_level) {
		left = BARS_LEFT;
		x1 = x_of(scale, (double)step->minor);
		x0 = left;
	}
	svg_text(s, 0, y + ROW * 0.64, SVG_LEFT, step->is_level ? "b" : "", step->label);
	if (step->minor)
		svg_box(s, left, y + (ROW - BAR) * 0.5, fmax(fabs(x1 - x0), 1.5), BAR,
		        step->is_level ? "level" : step->minor > 0 ? "up" : "down");
	else if (i)
		svg_line(s, x1, y + (ROW - BAR) * 0.5, x1, y + (ROW + BAR) * 0.5, "join");
	if (step->is_level && scale->is_cut && step->minor)
		svg_line(s, left + 9, y + (ROW - BAR) * 0.5 + BAR + 2, left + 15, y + (ROW - BAR) * 0.5 - 2, "cut");
	if (i + 1 < w->n)
		svg_line(s, x1, y + (ROW + BAR) * 0.5, x1, y + ROW + (ROW - BAR) * 0.5, "join");
	svg_text(s, PICTURE_WIDTH - 3, y + ROW * 0.64, SVG_RIGHT, step->is_level ? "b" : "",
	         signed_amount(w, step, s->arena));
}

void picture_waterfall(const struct picture_waterfall *w, struct arena *a, struct buf *out)
{
	struct scale scale = scale_of(w);
	int height = 2 * TOP + ROW * (int)w->n + (scale.is_cut ? NOTE : 0);
	struct svg s = svg_open(out, a, &w->head, described(w, a), height);
	double at = 0;

	for (size_t i = 0; i < w->n; i++) {
		draw_step(&s, w, &scale, i, at);
		at = w->steps[i].is_level ? (double)w->steps[i].minor : at + (double)w->steps[i].minor;
	}
	if (scale.is_cut)
		svg_text(&s, 0, height - TOP - 2, SVG_LEFT, "m",
		         arena_printf(a, "Bars begin at %s, where they are cut.",
		                      money_short(a, (int64_t)scale.foot, w->currency)));
	svg_close(&s);
}
