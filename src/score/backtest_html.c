#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/markup.h"
#include "score/backtest.h"

/* One page without scripts, fonts or pictures from anywhere. Colours have a contrast of 4.5 : 1 and more on white, and
 * lines differ in their dashes, too. */
enum { WIDTH = 420, HEIGHT = 300, LEFT = 46, BOTTOM = 40, TOP = 12, RIGHT = 12, MAX_POINTS = 200 };

static const char *const inks[1 + N_NAIVE] = { "#0b4f9e", "#8a4b00", "#5b6470", "#7a2d82" };
static const char *const dashes[1 + N_NAIVE] = { "", "7 3", "2 3", "9 3 2 3" };

static void cell(struct buf *b, double value, int decimals)
{
	if (isnan(value))
		buf_text(b, "<td>-");
	else
		buf_printf(b, "<td>%.*f", decimals, value);
}

static void interval_cell(struct buf *b, struct quality_interval in, int decimals)
{
	if (isnan(in.low))
		buf_text(b, "<td>-");
	else
		buf_printf(b, "<td>%.*f to %.*f", decimals, in.low, decimals, in.high);
}

/* charts ----------------------------------------------------------------------------------------------------------- */

/* x and y run from 0 to these. */
struct chart { struct buf *out; double x_max, y_max; };

static double x_of(const struct chart *c, double x)
{
	return LEFT + x / c->x_max * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct chart *c, double y)
{
	return HEIGHT - BOTTOM - y / c->y_max * (HEIGHT - BOTTOM - TOP);
}

static struct chart chart_open(struct buf *out, const char *title, const char *x_title, const char *y_title,
                               double x_max, double y_max)
{
	struct chart c = { out, x_max > 0 ? x_max : 1, y_max > 0 ? y_max : 1 };

	buf_printf(out, "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
	           title, WIDTH, HEIGHT, title);
	for (int i = 0; i <= 4; i++) {
		double x = c.x_max * i / 4, y = c.y_max * i / 4;

		buf_printf(out, "<path class=\"g\" d=\"M%.1f %.1fH%d\"/>", x_of(&c, 0), y_of(&c, y), WIDTH - RIGHT);
		buf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>", LEFT - 5, y_of(&c, y) + 4,
		           100 * y);
		if (x_title)
			buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>", x_of(&c, x),
			           HEIGHT - BOTTOM + 16, 100 * x);
	}
	if (x_title)
		buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s, %%</text>", (WIDTH + LEFT) / 2, HEIGHT - 6,
		           x_title);
	buf_printf(out, "<text transform=\"translate(11 %d) rotate(-90)\" text-anchor=\"middle\">%s, %%</text>",
	           (HEIGHT - BOTTOM) / 2, y_title);
	return c;
}

static void chart_close(const struct chart *c)
{
	buf_text(c->out, "</svg></figure>\n");
}

static void diagonal(const struct chart *c)
{
	buf_printf(c->out, "<path class=\"c\" d=\"M%.1f %.1fL%.1f %.1f\"/>", x_of(c, 0), y_of(c, 0), x_of(c, c->x_max),
	           y_of(c, c->y_max));
}

/* From the highest score down: the share of others (ROC) or of all rows (gains) against the share of events. */
static void ranking_path(const struct chart *c, const struct backtest_report *r, int k, bool is_roc)
{
	const struct quality_ranking *ranking = &r->rankers[k].ranking;
	size_t n = r->set.n, n_events = 0, n_rows = 0, next = 1;
	double n_others = (double)(n - r->n_events);

	buf_printf(c->out, "<path class=\"l\" stroke=\"%s\" stroke-dasharray=\"%s\" d=\"M%.1f %.1f", inks[k], dashes[k],
	           x_of(c, 0), y_of(c, 0));
	for (size_t i = n; i > 0; i--) {
		size_t row = ranking->order[i - 1];
		bool is_end = i == 1 || ranking->scores[ranking->order[i - 2]] < ranking->scores[row];

		n_events += r->set.rows[row].is_event;
		n_rows++;
		if (!is_end || (n_rows < next && i > 1))
			continue; /* equal scores are one step: their order says nothing */
		next = n_rows + n / MAX_POINTS + 1;
		buf_printf(c->out, "L%.1f %.1f",
		           x_of(c, is_roc ? (double)(n_rows - n_events) / n_others : (double)n_rows / (double)n),
		           y_of(c, (double)n_events / (double)r->n_events));
	}
	buf_text(c->out, "\"/>");
}

static void rankings_chart(const struct backtest_report *r, struct buf *out, bool is_roc)
{
	struct chart c = is_roc ? chart_open(out, "ROC: accounts told apart", "others listed", "events listed", 1, 1)
	                        : chart_open(out, "Lift: what a list catches", "accounts listed", "events caught", 1, 1);

	diagonal(&c);
	for (int k = N_NAIVE; k >= 0; k--)
		ranking_path(&c, r, k, is_roc);
	chart_close(&c);
}

static void calibration_chart(const struct backtest_report *r, struct buf *out)
{
	double most = 0;
	struct chart c;

	for (size_t i = 0; i < r->n_bins; i++)
		most = fmax(most, fmax(r->bins[i].mean, (double)r->bins[i].n_events / (double)r->bins[i].n));
	most = fmin(1, most * 1.05);
	c = chart_open(out, "Calibration: said and happened", "said", "happened", most, most);
	diagonal(&c);
	buf_printf(out, "<path class=\"l\" stroke=\"%s\" d=\"", inks[0]);
	for (size_t i = 0; i < r->n_bins; i++)
		buf_printf(out, "%c%.1f %.1f", i ? 'L' : 'M', x_of(&c, r->bins[i].mean),
		           y_of(&c, (double)r->bins[i].n_events / (double)r->bins[i].n));
	buf_text(out, "\"/>");
	for (size_t i = 0; i < r->n_bins; i++)
		buf_printf(out, "<circle r=\"3.5\" fill=\"%s\" cx=\"%.1f\" cy=\"%.1f\"/>", inks[0], x_of(&c, r->bins[i].mean),
		           y_of(&c, (double)r->bins[i].n_events / (double)r->bins[i].n));
	chart_close(&c);
}

/* What was said on average and what happened, period by period. */
static void time_chart(const struct backtest_report *r, struct buf *out)
{
	double most = 0, width;
	struct chart c;

	for (size_t i = 0; i < r->n_periods; i++)
		most = fmax(most, fmax(r->periods[i].mean_prob, (double)r->periods[i].n_events / (double)r->periods[i].n));
	c = chart_open(out, "Over time: said (outline) and happened (bars)", NULL, "share of accounts", 1, most * 1.1);
	width = 1.0 / (double)r->n_periods;
	for (size_t i = 0; i < r->n_periods; i++) {
		const struct backtest_group *p = &r->periods[i];
		double x = x_of(&c, (double)i * width), bar = x_of(&c, width) - LEFT - 4;
		double share = (double)p->n_events / (double)p->n;

		buf_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#8fb4dd\"/>", x + 2,
		           y_of(&c, share), bar, y_of(&c, 0) - y_of(&c, share));
		buf_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"%s\"/>",
		           x + 2, y_of(&c, p->mean_prob), bar, y_of(&c, 0) - y_of(&c, p->mean_prob), inks[1]);
		if (i % (r->n_periods / 6 + 1) == 0) {
			buf_printf(out, "<text x=\"%.1f\" y=\"%d\">", x + 2, HEIGHT - BOTTOM + 16);
			markup_text(out, p->name);
			buf_text(out, "</text>");
		}
	}
	chart_close(&c);
}

/* tables ----------------------------------------------------------------------------------------------------------- */

static void rankers_table(const struct backtest_report *r, struct buf *out)
{
	buf_text(out, "<h2>Rankings</h2><table><tr><th>ranking<th>AUC<th>95 %<th>average precision<th>precision, top tenth"
	              "<th>recall<th>lift<th>95 %\n");
	for (int k = 0; k <= N_NAIVE; k++) {
		const struct backtest_ranker *ranker = &r->rankers[k];

		buf_printf(out, "<tr><th><svg class=\"k\" viewBox=\"0 0 30 8\"><path class=\"l\" stroke=\"%s\" "
		                "stroke-dasharray=\"%s\" d=\"M0 4H30\"/></svg> %s", inks[k], dashes[k], ranker->name);
		cell(out, ranker->auc, 3);
		interval_cell(out, ranker->auc_in, 3);
		cell(out, ranker->average_precision, 3);
		cell(out, ranker->top.precision, 3);
		cell(out, ranker->top.recall, 3);
		cell(out, ranker->top.lift, 1);
		interval_cell(out, ranker->lift_in, 1);
		buf_char(out, '\n');
	}
	if (r->has_owners) {
		buf_printf(out, "<tr><th>%s, at the owners' own capacity (%.0f listed)<td>-<td>-<td>-", r->rankers[0].name,
		           r->owners.n_listed);
		cell(out, r->owners.precision, 3);
		cell(out, r->owners.recall, 3);
		cell(out, r->owners.lift, 1);
		buf_text(out, "<td>-\n");
	}
	buf_text(out, "</table>\n");
}

static void leads_table(const struct backtest_report *r, struct buf *out)
{
	if (!r->n_leads)
		return;
	buf_text(out, "<h2>Seen ahead</h2><table><tr><th>on the last list at least<th>events<th>seen<th>by chance\n");
	for (size_t i = 0; i < r->n_leads; i++) {
		const struct quality_ahead *seen = &r->leads[i].seen;

		buf_printf(out, "<tr><th>%d days before<td>%zu<td>%.2f<td>%.2f\n", r->leads[i].days, seen->n_events,
		           (double)seen->n_seen / (double)seen->n_events, seen->chance);
	}
	buf_text(out, "</table>\n");
}

static void calibration_table(const struct backtest_report *r, struct buf *out)
{
	buf_printf(out, "<h2>Probabilities</h2><p>Brier score %.4f, that of the base rate %.4f; mean distance between said "
	                "and happened %.4f.</p><table><tr><th>said, %%<th>on mean<th>happened<th>rows\n", r->brier,
	           r->brier_base, r->calibration_error);
	for (size_t i = 0; i < r->n_bins; i++) {
		const struct quality_bin *b = &r->bins[i];

		buf_printf(out, "<tr><th>%.1f to %.1f<td>%.1f<td>%.1f<td>%zu\n", 100 * b->low, 100 * b->high, 100 * b->mean,
		           100 * (double)b->n_events / (double)b->n, b->n);
	}
	buf_text(out, "</table>\n");
}

static void signals_table(const struct backtest_report *r, struct buf *out)
{
	buf_text(out, "<h2>Signals</h2><table><tr><th>signal<th>known, %<th>speaks, %<th>precision<th>lift<th>AUC\n");
	for (size_t i = 0; i < r->n_signals; i++) {
		const struct backtest_signal *s = &r->signals[i];

		buf_printf(out, "<tr><th>%s", s->name);
		cell(out, 100 * (double)s->n_known / (double)r->in->n, 1);
		cell(out, 100 * (double)s->n_speaks / (double)s->n_known, 1);
		cell(out, s->precision, 3);
		cell(out, s->lift, 1);
		cell(out, s->auc, 3);
		buf_char(out, '\n');
	}
	buf_text(out, "</table>\n");
}

static void groups_table(const char *title, const struct backtest_group *groups, size_t n, struct buf *out)
{
	if (n < 2)
		return;
	buf_printf(out, "<h2>By %s</h2><table><tr><th>%s<th>rows<th>events, %%<th>said on mean, %%<th>AUC<th>95 %%"
	                "<th>lift\n", title, title);
	for (size_t i = 0; i < n; i++) {
		buf_text(out, "<tr><th>");
		markup_text(out, groups[i].name);
		buf_printf(out, "<td>%zu", groups[i].n);
		cell(out, 100 * (double)groups[i].n_events / (double)groups[i].n, 1);
		cell(out, 100 * groups[i].mean_prob, 1);
		cell(out, groups[i].auc, 3);
		interval_cell(out, groups[i].auc_in, 3);
		cell(out, groups[i].lift, 1);
		buf_char(out, '\n');
	}
	buf_text(out, "</table>\n");
}

static void head(const struct backtest_report *r, const char *title, struct arena *a, struct buf *out)
{
	buf_text(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	              "content=\"width=device-width\"><title>Backtest</title><style>\n"
	              "body{font:15px/1.5 system-ui,sans-serif;color:#1c2126;max-width:920px;margin:2em auto;padding:0 1em}\n"
	              "h1{font-size:1.5em}h2{font-size:1.1em;margin:2em 0 .4em}.v{border-left:4px solid #0b4f9e;"
	              "padding:.2em 1em;font-size:1.1em}table{border-collapse:collapse}"
	              "td,th{padding:.2em .8em;border-bottom:1px solid #d5dbe1;"
	              "text-align:right;font-weight:normal}th:first-child{text-align:left}tr:first-child th{font-weight:600}\n"
	              ".f{display:flex;flex-wrap:wrap;gap:1em}figure{margin:0;flex:1 1 400px;max-width:450px}"
	              "figcaption{font-weight:600}svg text{font-size:11px;fill:#3d4650}.g{stroke:#e3e8ed}"
	              ".c{stroke:#5b6470;stroke-dasharray:4 4}.l{fill:none;stroke-width:2}.k{width:30px;height:8px}\n"
	              "</style></head><body>\n<h1>");
	markup_text(out, title);
	buf_printf(out, ": %s, replayed</h1>\n<p>%s to %s: %zu rows of %zu accounts on %zu days. Within %lld days %zu rows "
	                "(%.1f %%) of %zu accounts had the event. Scores by %s.</p>\n", r->rankers[0].name,
	           day_text(a, r->from), day_text(a, r->to), r->in->n, r->n_accounts, r->n_days,
	           (long long)r->in->horizon_days, r->n_events, 100 * r->base_rate, r->n_event_accounts, r->in->weights);
	for (size_t i = 0; i < r->in->n_notes; i++) {
		buf_text(out, "<p>");
		markup_text(out, r->in->notes[i]);
		buf_text(out, ".</p>\n");
	}
	buf_text(out, "<p class=\"v\">");
	markup_text(out, r->verdict);
	buf_text(out, "</p>\n");
}

void backtest_html(const struct backtest_report *r, const char *title, struct arena *a, struct buf *out)
{
	head(r, title, a, out);
	buf_text(out, "<div class=\"f\">\n");
	if (r->n_events && r->n_events < r->set.n) {
		rankings_chart(r, out, true);
		rankings_chart(r, out, false);
	}
	calibration_chart(r, out);
	time_chart(r, out);
	buf_text(out, "</div>\n");
	rankers_table(r, out);
	leads_table(r, out);
	calibration_table(r, out);
	signals_table(r, out);
	groups_table("segment", r->segments, r->n_segments, out);
	groups_table("time", r->periods, r->n_periods, out);
	buf_text(out, "<p>AUC: how often of two accounts, one that had the event and one that had not, the first is ranked "
	              "higher; 0.5 is chance, the dashed diagonal. Intervals hold 95 % of samples of the accounts. Lift: how "
	              "many times the usual share. A signal speaks at half its strength.</p></body></html>\n");
}
