/* What became of the findings that each signal led: the table that a person tunes signals by. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "commands.h"
#include "score/score.h"
#include "store/precision.h"

/* A signal, and what is known of its findings. */
struct line {
	const char *engine, *signal, *family;
	double weight, suggested; /* weight: NAN of what is no signal; suggested: NAN where nothing is */
	bool is_fitted;           /* a curve stands in place of the weight, which is then the most that it adds */
	struct precision p;
	size_t place;             /* in the configuration */
};

static const struct table_column columns[] = {
	{ "engine", false },      { "signal", false },    { "family", false }, { "weight", true },      { "since", false },
	{ "findings", true },     { "open", true },       { "acted", true },   { "dismissed", true },
	{ "false_positive", true }, { "known", true },    { "seasonal", true }, { "data_wrong", true }, { "other", true },
	{ "resolved", true },     { "came_true", true },  { "judged", true },  { "precision", true },   { "low", true },
	{ "high", true },         { "suggested_weight", true }, { "note", false },
};
/* What fits a terminal. */
static const struct table_column few_columns[] = {
	{ "engine", false },   { "signal", false },   { "family", false },   { "weight", true },     { "since", false },
	{ "findings", true },  { "open", true },      { "acted", true },     { "dismissed", false }, { "resolved", true },
	{ "came_true", true }, { "precision", false }, { "note", false },
};

static double most_of(const struct signal_settings *s)
{
	double most = s->weight;

	for (int i = 0; i < s->curve.n; i++)
		most = i ? fmax(most, s->curve.logit[i]) : s->curve.logit[i];
	return most;
}

static const struct precision *precision_of(const struct precision *all, size_t n, const char *engine,
                                            const char *cause)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].engine, engine) == 0 && strcmp(all[i].cause, cause) == 0)
			return &all[i];
	return NULL;
}

static struct line line_of_signal(const struct signal_settings *s, const struct precision *all, size_t n, size_t place)
{
	int family = score_family_of(s->name);
	struct line line = { .engine = engine_names[score_engine_of(s->name)], .signal = s->name,
		.family = family_names[family], .weight = most_of(s), .suggested = (double)NAN, .is_fitted = s->curve.n > 0,
		.place = place };
	const struct precision *p = precision_of(all, n, line.engine, s->name);

	line.p = p ? *p : precision_total(NULL, 0, line.engine);
	if (line.p.is_poor && !line.is_fitted)
		line.suggested = precision_weight(&line.p, line.weight);
	return line;
}

static int by_findings(const void *left, const void *right)
{
	const struct line *a = left, *b = right;
	int order = strcmp(a->engine, b->engine);

	if (order)
		return order;
	if (a->p.n_findings != b->p.n_findings)
		return a->p.n_findings > b->p.n_findings ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

/* Every signal of the configuration, and whatever else led a finding: an override, a signal that is no more. */
static size_t make_lines(const struct score_settings *score, const struct precision *all, size_t n, struct arena *a,
                         struct line **out)
{
	const struct signal_settings *signals = score->signals.at;
	struct line *lines = arena_array(a, score->signals.n + n + 1, sizeof *lines);
	size_t n_lines = 0;

	for (size_t i = 0; i < score->signals.n; i++)
		lines[n_lines++] = line_of_signal(&signals[i], all, n, i);
	for (size_t i = 0; i < n; i++)
		if (score_engine_of(all[i].cause) < 0)
			lines[n_lines++] = (struct line){ .engine = all[i].engine, .signal = all[i].cause, .family = "",
				.weight = (double)NAN, .suggested = (double)NAN, .p = all[i], .place = score->signals.n + i };
	qsort(lines, n_lines, sizeof *lines, by_findings);
	*out = lines;
	return n_lines;
}

static const char *number(struct arena *a, double value, int decimals)
{
	return isnan(value) ? NULL : arena_printf(a, "%.*f", decimals, value);
}

static const char *note_of(const struct line *l, struct arena *a)
{
	if (l->p.is_poor && l->is_fitted)
		return "more often wrong than right: retaind calibrate learns from it";
	if (!isnan(l->suggested))
		return arena_printf(a, "more often wrong than right: weight %.2f would fit", l->suggested);
	return l->p.n_findings && !l->p.has_enough ? "too few" : "";
}

static void add_line(struct table *t, const struct line *l, struct arena *a)
{
	const struct precision *p = &l->p;
	const char *cells[ARRAY_LEN(columns)] = {
		l->engine, l->signal, l->family, number(a, l->weight, 2),
		p->since_on == DAY_NONE ? NULL : day_text(a, p->since_on), cell_int(a, p->n_findings), cell_int(a, p->n_open),
		cell_int(a, p->n_acted), cell_int(a, p->n_dismissed), cell_int(a, p->n_by_reason[DISMISS_FALSE_POSITIVE]),
		cell_int(a, p->n_by_reason[DISMISS_KNOWN]), cell_int(a, p->n_by_reason[DISMISS_SEASONAL]),
		cell_int(a, p->n_by_reason[DISMISS_DATA_WRONG]), cell_int(a, p->n_by_reason[DISMISS_OTHER]),
		cell_int(a, p->n_resolved), cell_int(a, p->n_came), cell_int(a, p->n_judged), number(a, p->share, 3),
		number(a, p->low, 3), number(a, p->high, 3), number(a, l->suggested, 2), note_of(l, a),
	};

	table_row(t, cells);
}

/* "3 (2 false_positive, 1 known)" */
static const char *dismissed_words(const struct precision *p, struct arena *a)
{
	const char *words = "";

	for (size_t i = 0; i < N_DISMISS_REASONS; i++)
		if (p->n_by_reason[i])
			words = arena_printf(a, "%s%s%" PRId64 " %s", words, *words ? ", " : "", p->n_by_reason[i],
			                     dismiss_reasons[i]);
	return p->n_dismissed ? arena_printf(a, "%" PRId64 " (%s)", p->n_dismissed, words) : "0";
}

static const char *precision_words(const struct precision *p, struct arena *a)
{
	if (!p->n_judged)
		return "";
	if (!p->has_enough)
		return arena_printf(a, "%" PRId64 " of %" PRId64, p->n_right, p->n_judged);
	return arena_printf(a, "%.0f %% of %" PRId64 " (%.0f to %.0f)", 100 * p->share, p->n_judged, 100 * p->low,
	                    100 * p->high);
}

static void add_few(struct table *t, const struct line *l, struct arena *a)
{
	const struct precision *p = &l->p;
	const char *cells[ARRAY_LEN(few_columns)] = {
		l->engine, l->signal, l->family, number(a, l->weight, 2),
		p->since_on == DAY_NONE ? NULL : day_text(a, p->since_on), cell_int(a, p->n_findings), cell_int(a, p->n_open),
		cell_int(a, p->n_acted), dismissed_words(p, a), cell_int(a, p->n_resolved), cell_int(a, p->n_came),
		precision_words(p, a), note_of(l, a),
	};

	table_row(t, cells);
}

static void print(struct cli *c, const struct line *lines, size_t n, const struct precision *all, size_t n_all)
{
	bool is_table = c->format == FORMAT_TABLE;
	struct table *t = is_table ? table_new(c->arena, few_columns, ARRAY_LEN(few_columns)) :
	                             table_new(c->arena, columns, ARRAY_LEN(columns));

	for (size_t i = 0; i < n; i++) {
		if (!is_table)
			add_line(t, &lines[i], c->arena);
		else
			add_few(t, &lines[i], c->arena);
	}
	for (int engine = 0; engine < N_ENGINES && is_table; engine++) {
		struct line sum = { .engine = engine_names[engine], .signal = "(all together)", .family = "",
			.weight = (double)NAN, .suggested = (double)NAN };

		sum.p = precision_total(all, n_all, sum.engine);
		sum.p.is_poor = false; /* no weight goes with it */
		add_few(t, &sum, c->arena);
	}
	table_print(t, c->format);
}

int cmd_signals(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	struct precision_query query = { .from = DAY_NONE };
	struct precision *all;
	struct line *lines;
	size_t n_all, n;

	if (session_open(c, DB_READ, &session, err) < 0 || cli_option_day(c, "from", &query.from, err) < 0)
		return -1;
	query.as_of = session.as_of;
	query.horizon_days = session.org->score.horizon_days;
	if (precision_load(session.db, &query, c->arena, &all, &n_all, err) < 0)
		return -1;
	n = make_lines(&session.org->score, all, n_all, c->arena, &lines);
	print(c, lines, n, all, n_all);
	return 0;
}
