#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "replay.h"
#include "score/calibrate.h"
#include "weights_file.h"

enum { EVERY_DAYS = 30, MAX_HORIZON_DAYS = 730 };

/* One engine's samples on their way into a matrix. */
struct gathering {
	enum score_engine engine;
	const struct samples *samples;
	const int64_t *accounts; /* ascending */
	size_t n_accounts;
	struct arena *arena;
	struct calibrate_row *rows;
	double *values;
	struct calibrate_input *in;
};

static int by_id(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

/* The accounts of the samples, each once. */
static size_t list_accounts(const struct samples *samples, struct arena *a, const int64_t **out)
{
	int64_t *ids = arena_array(a, samples->n + 1, sizeof *ids);
	size_t n = 0;

	for (size_t i = 0; i < samples->n; i++)
		ids[i] = samples->at[i].account;
	if (samples->n)
		qsort(ids, samples->n, sizeof *ids, by_id);
	for (size_t i = 0; i < samples->n; i++)
		if (!n || ids[n - 1] != ids[i])
			ids[n++] = ids[i];
	*out = ids;
	return n;
}

/* The signals of the engine, as the first diagnosis tells them: each tells the same in the same order. */
static void name_signals(struct gathering *g, const struct verdict *v)
{
	struct calibrate_signal *signals = arena_array(g->arena, v->n_readings + 1, sizeof *signals);

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];

		signals[i] = (struct calibrate_signal){ r->name, r->family, r->low, r->high, r->weight, r->relief };
	}
	g->in->signals = signals;
	g->in->n_signals = v->n_readings;
	g->values = arena_array(g->arena, g->samples->n * v->n_readings + 1, sizeof *g->values);
}

/* An account of which nothing was known that day, or that had left by then, teaches nothing. Whether it pays need not
 * be told: who is among the samples counts. */
static int gather(void *context, size_t sample, const struct diagnosing *day, const struct diagnosis *d,
                  struct err *err)
{
	struct gathering *g = context;
	const struct sample *s = &g->samples->at[sample];
	const struct verdict *v = d ? &d->verdicts[g->engine] : NULL;
	const int64_t *account;
	size_t row = g->in->n_rows;

	(void)day;
	(void)err;
	if (!d || d->account->was_customer || v->score < 0)
		return 0;
	if (!g->in->signals)
		name_signals(g, v);
	account = bsearch(&s->account, g->accounts, g->n_accounts, sizeof *g->accounts, by_id);
	g->rows[row] = (struct calibrate_row){ .account = (uint32_t)(account - g->accounts), .day = s->day,
		                                   .is_event = s->is_event, .base_logit = v->base_logit, .logit = v->logit };
	for (size_t i = 0; i < v->n_readings; i++)
		g->values[row * g->in->n_signals + i] = v->readings[i].is_known ? v->readings[i].value : NAN;
	g->in->n_rows++;
	return 0;
}

/* The settings without anything that was fitted: what a fit has to beat, and starts from. */
static struct score_settings priors_of(const struct score_settings *s, struct arena *a)
{
	struct score_settings out = *s;
	struct signal_settings *all = arena_memdup(a, s->signals.at, s->signals.n * sizeof *all);

	for (size_t i = 0; i < s->signals.n; i++)
		all[i].curve.n = 0;
	out.signals.at = all;
	out.weights = (struct weights_settings){ 0 };
	return out;
}

struct calibrating {
	struct cli *cli;
	const struct session *session;
	struct score_settings priors;
	struct calibrate_input in[N_ENGINES];
	struct calibration out[N_ENGINES];
	bool is_done[N_ENGINES];
	int64_t horizon_days;
};

static int calibrate_engine(struct calibrating *c, enum score_engine engine, const struct samples *samples,
                            struct err *err)
{
	struct arena *a = c->cli->arena;
	struct calibrate_input *in = &c->in[engine];
	struct gathering g = { .engine = engine, .samples = samples, .arena = a, .in = in };

	if (samples->n > CALIBRATE_MAX_ROWS)
		return err_set(err, ERR_INPUT, "%zu rows to fit to, more than %d: a greater --every takes fewer days",
		               samples->n, CALIBRATE_MAX_ROWS);
	*in = (struct calibrate_input){ .horizon_days = samples->horizon_days, .family_cap = c->priors.family_cap,
		                            .total_relief = c->priors.total_relief };
	g.n_accounts = list_accounts(samples, a, &g.accounts);
	g.rows = arena_array(a, samples->n + 1, sizeof *g.rows);
	if (replay(c->session, &c->priors, samples, gather, &g, err) < 0)
		return -1;
	in->rows = g.rows;
	in->values = g.values;
	in->n_accounts = g.n_accounts;
	calibrate_fit(in, a, &c->out[engine]);
	c->is_done[engine] = true;
	c->horizon_days = samples->horizon_days;
	return 0;
}

static int calibrate_panel(struct calibrating *c, const char *path, int64_t horizon_days, struct err *err)
{
	const char *name = cli_option(c->cli, "engine");
	enum score_engine engine = name && strcmp(name, "expansion") == 0 ? ENGINE_EXPANSION : ENGINE_DEFENSE;
	struct samples samples;
	struct panel panel;

	if (panel_read(path, c->cli->arena, &panel, err) < 0)
		return -1;
	if (samples_of_panel(c->session, &panel, horizon_days, true, c->cli->arena, &samples, err) < 0)
		return -1;
	if (!samples.n_trained && !panel.has_labels)
		return err_set(err, ERR_INPUT, "%s: no row has both y and split = train, there is nothing to fit to", path);
	if (samples.n_trained) { /* else the panel has no split and every row teaches */
		samples.at = arena_memdup(c->cli->arena, samples.trained, samples.n_trained * sizeof *samples.at);
		samples.n = samples.n_trained;
	}
	return calibrate_engine(c, engine, &samples, err);
}

static int calibrate_history(struct calibrating *c, int64_t horizon_days, int64_t every_days, struct err *err)
{
	static const unsigned kinds[N_ENGINES] = { OUTCOME_LOSSES, OUTCOME_GAINS };
	const char *only = cli_option(c->cli, "engine");
	struct outcomes outcomes;
	int32_t known_on;

	if (outcomes_last_fact(c->session->db, c->session->as_of, &known_on, err) < 0 ||
	    outcomes_load(c->session->db, known_on == DAY_NONE ? c->session->as_of : known_on, c->cli->arena, &outcomes,
	                  err) < 0)
		return -1;
	for (int engine = 0; engine < N_ENGINES; engine++) {
		struct history_query q = { .kinds = kinds[engine], .from = DAY_NONE, .to = DAY_NONE, .every_days = every_days,
			                       .horizon_days = horizon_days ? horizon_days : c->priors.horizon_days };
		struct samples samples;

		if (only && strcmp(only, engine_names[engine]) != 0)
			continue;
		if (samples_of_history(&outcomes, &q, c->cli->arena, &samples, err) < 0 ||
		    calibrate_engine(c, (enum score_engine)engine, &samples, err) < 0)
			return -1;
	}
	return 0;
}

/* An engine that was not looked at keeps what is in use for it. */
static void carry_over(struct calibrating *c, enum score_engine engine)
{
	const struct score_settings *s = &c->session->org->score;
	const struct fitted_settings *fitted = &s->weights.engines[engine];
	const struct signal_settings *all = s->signals.at;
	struct arena *a = c->cli->arena;
	struct calibrate_signal *signals = arena_array(a, s->signals.n + 1, sizeof *signals);
	struct calibration *out = &c->out[engine];

	*out = (struct calibration){ .is_fitted = true, .base = fitted->base, .family_cap = fitted->family_cap,
		                         .total_relief = fitted->total_relief, .from = DAY_NONE, .to = fitted->until,
		                         .judged_from = DAY_NONE,
		                         .curves = arena_array(a, s->signals.n + 1, sizeof *out->curves),
		                         .why = arena_printf(a, "as in %s", s->weights.version) };
	for (size_t i = 0; i < s->signals.n; i++)
		if (score_engine_of(all[i].name) == (int)engine) {
			signals[c->in[engine].n_signals] = (struct calibrate_signal){ .name = all[i].name };
			out->curves[c->in[engine].n_signals++] = all[i].curve;
		}
	c->in[engine].signals = signals;
}

static int save(struct calibrating *c, struct err *err)
{
	CLEANUP(buf_done) struct buf text;
	struct arena *a = c->cli->arena;
	const char *path;

	buf_init(&text, WEIGHTS_MAX_BYTES);
	buf_printf(&text,
	           "# Written by `retaind calibrate`: what each signal says, in logits by its value, fitted to this\n"
	           "# organisation's own history. The newest version is used, unless `score: {weights: }` in the\n"
	           "# organisation's file names another, or `priors`. before, after: out of sample, on later days and other\n"
	           "# accounts; gain: in log loss over the priors, with its 95 %% interval over accounts.\n"
	           "fitted_on: %s\nhorizon: %" PRId64 "d\n",
	           day_text(a, c->session->as_of), c->horizon_days);
	for (int engine = 0; engine < N_ENGINES; engine++) {
		if (!c->is_done[engine] && c->session->org->score.weights.engines[engine].is_fitted)
			carry_over(c, (enum score_engine)engine);
		if (c->is_done[engine] || c->out[engine].is_fitted)
			calibrate_write(&c->in[engine], &c->out[engine], (enum score_engine)engine, a, &text);
	}
	if (text.is_full)
		return err_set(err, ERR_INPUT, "the weights take more than %d bytes", WEIGHTS_MAX_BYTES);
	if (weights_file_put(c->session->org, text.at, text.len, a, &path, err) < 0)
		return -1;
	if (c->cli->format == FORMAT_TABLE && c->cli->verbosity >= 0)
		(void)printf("written: %s\n", path);
	return 0;
}

static void add_row(struct table *t, struct arena *a, enum score_engine engine, const struct calibration *c)
{
	bool is_judged = c->judged_from != DAY_NONE;
	const char *cells[] = {
		engine_names[engine],
		cell_int(a, c->n_rows),
		cell_int(a, c->n_events),
		cell_int(a, c->n_lost),
		is_judged ? cell_int(a, c->n_judged_events) : NULL,
		is_judged ? arena_printf(a, "%.3f", c->before.auc) : NULL,
		is_judged ? arena_printf(a, "%.3f", c->after.auc) : NULL,
		is_judged ? arena_printf(a, "%.4f", c->before.log_loss) : NULL,
		is_judged ? arena_printf(a, "%.4f", c->after.log_loss) : NULL,
		is_judged ? arena_printf(a, "%.3f", c->before.ece) : NULL,
		is_judged ? arena_printf(a, "%.3f", c->after.ece) : NULL,
		c->is_fitted ? "fitted" : "priors",
	};

	table_row(t, cells);
}

static void tell(const struct calibrating *c)
{
	static const struct table_column columns[] = {
		{ "engine", false },         { "rows", true },           { "events", true },        { "accounts_lost", true },
		{ "judged_events", true },   { "auc_priors", true },     { "auc_fit", true },       { "log_loss_priors", true },
		{ "log_loss_fit", true },    { "ece_priors", true },     { "ece_fit", true },       { "kept", false },
	};
	struct table *t = table_new(c->cli->arena, columns, ARRAY_LEN(columns));

	for (int engine = 0; engine < N_ENGINES; engine++)
		if (c->is_done[engine])
			add_row(t, c->cli->arena, (enum score_engine)engine, &c->out[engine]);
	table_print(t, c->cli->format);
	for (int engine = 0; c->cli->format == FORMAT_TABLE && engine < N_ENGINES; engine++) {
		const struct calibration *one = &c->out[engine];

		if (c->is_done[engine])
			(void)printf("%s: %s: %s\n", engine_names[engine], one->is_fitted ? "fitted" : "the priors stay", one->why);
		if (c->is_done[engine] && one->judged_from != DAY_NONE)
			(void)printf("  log loss better by %.4f [%.4f, %.4f], in %.0f %% of draws of the accounts\n",
			             one->gain.mean, one->gain.low, one->gain.high, 100 * one->gain.share);
	}
}

/* A file is written when something was fitted, or when what was fitted before does not hold any more. */
static bool is_news(const struct calibrating *c)
{
	for (int engine = 0; engine < N_ENGINES; engine++)
		if (c->is_done[engine] &&
		    (c->out[engine].is_fitted || (c->session->org->score.weights.engines[engine].is_fitted &&
		                                  c->out[engine].judged_from != DAY_NONE)))
			return true;
	return false;
}

int cmd_calibrate(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	struct calibrating calibrating = { .cli = c, .session = &session };
	const char *panel = cli_option(c, "panel"), *engine = cli_option(c, "engine");
	int64_t horizon_days = 0, every_days = EVERY_DAYS;
	int rc;

	if (engine && strcmp(engine, "defense") != 0 && strcmp(engine, "expansion") != 0)
		return err_set(err, ERR_USAGE, "--engine %s: expected defense or expansion", engine);
	if (cli_option_int(c, "horizon", MAX_HORIZON_DAYS, &horizon_days, err) < 0 ||
	    cli_option_int(c, "every", MAX_HORIZON_DAYS, &every_days, err) < 0 ||
	    session_open(c, DB_READ, &session, err) < 0)
		return -1;
	calibrating.priors = priors_of(&session.org->score, c->arena);
	if (horizon_days)
		calibrating.priors.horizon_days = horizon_days;
	rc = panel ? calibrate_panel(&calibrating, panel, horizon_days, err) :
	             calibrate_history(&calibrating, horizon_days, every_days, err);
	if (rc < 0)
		return err_in(err, "calibrate %s", session.org->name);
	if (c->verbosity >= 0)
		tell(&calibrating);
	if (cli_option(c, "dry-run") || !is_news(&calibrating))
		return 0;
	return save(&calibrating, err);
}
