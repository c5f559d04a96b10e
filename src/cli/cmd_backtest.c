#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "common/fd.h"
#include "common/text.h"
#include "replay.h"
#include "score/backtest.h"

enum { MAX_HORIZON = 730, MAX_EVERY = 366, USUAL_EVERY = 30, MAX_DUMP = 512 << 20 };

static const double SCORE_SCALE = 1e9;
static const double LEAST_SCORE = -99; /* logits against the usual account, of one that was not there */

/* One backtest from its options to its report. */
struct testing {
	struct cli *cli;
	const struct session *session;
	enum score_engine engine;
	const char *panel_path;
	struct panel panel;
	struct samples samples;
	struct backtest_row *rows; /* by sample */
	const char **signals;
	size_t n_signals;
	struct texts notes;
	double last_base; /* probability of the usual account on the last day that had any */
	struct score_settings settings;
};

static int read_engine(const struct cli *c, enum score_engine *out, struct err *err)
{
	const char *name = cli_option(c, "engine");

	*out = ENGINE_DEFENSE;
	for (int e = 0; name && e < N_ENGINES; e++)
		if (strcmp(engine_names[e], name) == 0) {
			*out = (enum score_engine)e;
			return 0;
		}
	return name ? err_set(err, ERR_USAGE, "--engine %s: expected defense or expansion", name) : 0;
}

static void add_note(struct testing *t, const char *note)
{
	t->notes.at = arena_grow(t->cli->arena, t->notes.at, t->notes.n, t->notes.n + 1, sizeof *t->notes.at);
	t->notes.at[t->notes.n++] = note;
}

static int take_panel(struct testing *t, int64_t horizon_days, struct err *err)
{
	const struct cli *c = t->cli;

	if (cli_option(c, "from") || cli_option(c, "to") || cli_option(c, "every"))
		return err_set(err, ERR_USAGE, "--from, --to and --every are for the own history: a panel has its own days");
	if (panel_read(t->panel_path, c->arena, &t->panel, err) < 0 ||
	    samples_of_panel(t->session, &t->panel, horizon_days, false, c->arena, &t->samples, err) < 0)
		return -1;
	if (!t->samples.n)
		return err_set(err, ERR_INPUT, "%s has no rows for the test", t->panel_path);
	return 0;
}

static int take_history(struct testing *t, int64_t horizon_days, struct err *err)
{
	struct arena *a = t->cli->arena;
	struct history_query q = { .kinds = t->engine == ENGINE_DEFENSE ? OUTCOME_LOSSES : OUTCOME_GAINS,
		.from = DAY_NONE, .to = DAY_NONE, .every_days = USUAL_EVERY, .horizon_days = horizon_days };
	struct outcomes outcomes;
	int32_t known_on;

	if (cli_option_day(t->cli, "from", &q.from, err) < 0 || cli_option_day(t->cli, "to", &q.to, err) < 0 ||
	    cli_option_int(t->cli, "every", MAX_EVERY, &q.every_days, err) < 0 ||
	    outcomes_last_fact(t->session->db, t->session->as_of, &known_on, err) < 0 ||
	    outcomes_load(t->session->db, known_on == DAY_NONE ? t->session->as_of : known_on, a, &outcomes, err) < 0 ||
	    samples_of_history(&outcomes, &q, a, &t->samples, err) < 0)
		return -1;
	if (!t->samples.n)
		return err_set(err, ERR_INPUT, "no history to judge by: nothing dated says who was a customer more than %lld "
		                               "days ago", (long long)horizon_days + OUTCOME_LASTING_DAYS);
	if (t->samples.n_leaving)
		add_note(t, arena_printf(a, "%zu rows are left out: those accounts had given notice, and nothing was left to "
		                            "foresee", t->samples.n_leaving));
	return 0;
}

/* naive rules ------------------------------------------------------------------------------------------------------ */

static double activity(const struct fact_base *base, const struct fact_account *f, int from_age, int to_age)
{
	int64_t days[FACTS_DAYS];
	double sum = 0;

	for (size_t m = 0; m < base->n_metrics; m++) {
		if (!f->usage[m] || !base->metrics[m].is_activity)
			continue;
		fact_series_read(f->usage[m], from_age, to_age - from_age, days);
		for (int i = 0; i < to_age - from_age; i++)
			sum += days[i] > 0 ? (double)days[i] / base->metrics[m].scale : 0;
	}
	return sum;
}

/* Days since it became a customer, a gap as long as that of a late renewal aside. */
static double tenure(const struct fact_account *f, int32_t as_of)
{
	int32_t since = f->customer_since_on != DAY_NONE ? f->customer_since_on : f->created_on, end = DAY_NONE;

	for (size_t i = 0; i < f->n_subscriptions; i++) {
		const struct fact_subscription *s = &f->subscriptions[i];

		if (s->is_trial || s->start_on == DAY_NONE)
			continue;
		if (end == DAY_NONE || s->start_on - end > OUTCOME_LASTING_DAYS)
			since = s->start_on;
		if (s->is_active)
			end = OUTCOME_OPEN - OUTCOME_LASTING_DAYS;
		else if (end == DAY_NONE || s->end_on > end)
			end = s->end_on;
	}
	return since == DAY_NONE ? 0 : as_of - since;
}

static void read_naive(const struct testing *t, const struct fact_base *base, const struct fact_account *f,
                       double out[N_NAIVE])
{
	double sign = t->engine == ENGINE_DEFENSE ? 1 : -1;
	int silent = fact_days_last(&f->active);
	double now = activity(base, f, 0, 30), before = activity(base, f, 30, 60);

	out[NAIVE_RECENCY] = sign * (silent < 0 ? FACTS_DAYS : silent);
	out[NAIVE_CHANGE] = sign * log((before + 1) / (now + 1));
	out[NAIVE_TENURE] = -sign * tenure(f, base->as_of);
}

/* rows ------------------------------------------------------------------------------------------------------------- */

static void keep_signals(struct testing *t, const struct verdict *v)
{
	t->signals = arena_array(t->cli->arena, v->n_readings + 1, sizeof *t->signals);
	for (size_t i = 0; i < v->n_readings; i++)
		t->signals[i] = v->readings[i].name;
	t->n_signals = v->n_readings;
}

static const float *strengths_of(struct testing *t, const struct verdict *v)
{
	float *out = arena_array(t->cli->arena, v->n_readings + 1, sizeof *out);

	for (size_t i = 0; i < v->n_readings; i++)
		out[i] = v->readings[i].is_known ? (float)v->readings[i].strength : NAN;
	return out;
}

static int take_row(void *context, size_t sample, const struct diagnosing *day, const struct diagnosis *d,
                    struct err *err)
{
	struct testing *t = context;
	const struct sample *s = &t->samples.at[sample];
	struct backtest_row *row = &t->rows[sample];
	const struct verdict *v = d ? &d->verdicts[t->engine] : NULL;

	(void)err;
	*row = (struct backtest_row){ .account = s->account, .account_key = s->key, .queue = s->queue, .day = s->day,
		.event_on = s->event_on, .is_event = s->is_event, .is_known = d != NULL, .segment = "", .owner = "",
		.score = LEAST_SCORE, .prob = t->last_base,
		.naive = { -FACTS_DAYS, -FACTS_DAYS, INT32_MIN } };
	if (!d)
		return 0;
	if (!t->signals)
		keep_signals(t, v);
	t->last_base = 1 / (1 + exp(-v->base_logit));
	/* As it is dumped: accounts that say the same are equal, whatever the last bits of their sums. */
	row->score = v->score < 0 ? 0 : round((v->logit - v->base_logit) * SCORE_SCALE) / SCORE_SCALE;
	row->prob = 1 / (1 + exp(-(v->base_logit + row->score)));
	row->segment = arena_strdup(t->cli->arena, d->account->segment);
	row->owner = t->engine == ENGINE_DEFENSE ? d->account->csm_email : d->account->am_email;
	row->owner = arena_strdup(t->cli->arena, row->owner);
	row->strengths = strengths_of(t, v);
	read_naive(t, &day->base, d->account, row->naive);
	return 0;
}

static int64_t capacity_of(const void *context, const char *owner)
{
	const struct owner_settings *found = org_owner(context, owner);

	return found ? found->capacity : 0;
}

/* output ----------------------------------------------------------------------------------------------------------- */

static int write_file(const char *path, const struct buf *text, struct err *err)
{
	CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, ERR_INPUT, "%s", path);
	if (text->is_full)
		return err_set(err, ERR_INPUT, "%s would take more than the ceiling of %zu bytes", path, text->limit);
	return fd_write(fd, text->at, text->len, err) < 0 ? err_in(err, "%s", path) : 0;
}

static void add_field(struct buf *b, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		buf_text(b, text);
		return;
	}
	buf_char(b, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_char(b, '"');
		buf_char(b, *text);
	}
	buf_char(b, '"');
}

/* In the order of the panel: one row for each of its test rows. */
static int dump(const struct testing *t, const char *path, struct err *err)
{
	CLEANUP(buf_done) struct buf text;
	size_t n_places = t->panel.n ? t->panel.n : t->samples.n;
	size_t *by_place = arena_array(t->cli->arena, n_places + 1, sizeof *by_place);

	buf_init(&text, MAX_DUMP);
	for (size_t i = 0; i < t->samples.n; i++)
		by_place[t->samples.at[i].place] = i + 1;
	buf_text(&text, "acct,date,score,prob\n");
	for (size_t place = 0; place < n_places; place++) {
		const struct backtest_row *row;

		if (!by_place[place])
			continue;
		row = &t->rows[by_place[place] - 1];
		add_field(&text, row->account_key);
		buf_printf(&text, ",%s,%.9f,%.9f\n", day_text(t->cli->arena, row->day), row->score, row->prob);
	}
	return write_file(path, &text, err);
}

static int print_report(const struct testing *t, const struct backtest_report *report, struct err *err)
{
	CLEANUP(buf_done) struct buf text;
	const char *path = cli_option(t->cli, "html");

	buf_init(&text, BACKTEST_MAX_BYTES);
	if (path) {
		backtest_html(report, t->session->org->title, t->cli->arena, &text);
		if (write_file(path, &text, err) < 0)
			return -1;
		buf_reset(&text);
	}
	if (t->cli->format == FORMAT_JSON)
		backtest_json(report, t->cli->arena, &text);
	else
		backtest_text(report, t->cli->arena, &text);
	if (t->cli->verbosity >= 0)
		(void)printf("%s%s", text.at, t->cli->format == FORMAT_JSON ? "\n" : "");
	return 0;
}

static bool has_labels(const struct testing *t)
{
	for (size_t i = 0; i < t->panel.n; i++)
		if (!t->panel.rows[i].is_train && t->panel.rows[i].label == PANEL_NO_LABEL)
			return false;
	return true;
}

/* A fit knows the days that it was fitted to; a panel says itself which rows were for that. */
static void note_fitted_days(struct testing *t)
{
	const struct fitted_settings *fitted = &t->settings.weights.engines[t->engine];

	if (!t->panel_path && fitted->is_fitted && t->samples.n && t->samples.at[0].day <= fitted->until)
		add_note(t, arena_printf(t->cli->arena, "the weights were fitted to days up to %s, so figures of days up to "
		                                        "then are too good: their file says how good they were out of sample",
		                         day_text(t->cli->arena, fitted->until)));
}

static int run(struct testing *t, struct err *err)
{
	struct arena *a = t->cli->arena;
	const char *dump_path = cli_option(t->cli, "dump");
	struct backtest_report report;
	struct backtest_input in;
	const char *weights;

	t->rows = arena_array(a, t->samples.n + 1, sizeof *t->rows);
	t->last_base = (t->engine == ENGINE_DEFENSE ? t->settings.base_risk : t->settings.base_readiness) / 100;
	if (replay(t->session, &t->settings, &t->samples, take_row, t, err) < 0 ||
	    (dump_path && dump(t, dump_path, err) < 0))
		return -1;
	if (!has_labels(t)) {
		if (t->cli->verbosity >= 0)
			(void)printf("%zu rows scored; without labels (y) there is nothing to judge them by\n", t->samples.n);
		return 0;
	}
	note_fitted_days(t);
	weights = t->settings.weights.engines[t->engine].is_fitted
		? arena_printf(a, "weights %s of %s", t->settings.weights.version, day_text(a, t->settings.weights.fitted_on))
		: "the shipped priors";
	in = (struct backtest_input){ .engine = t->engine, .rows = t->rows, .n = t->samples.n, .signals = t->signals,
		.n_signals = t->n_signals, .horizon_days = t->samples.horizon_days, .weights = weights,
		.capacity = capacity_of, .capacity_context = t->session->org, .notes = t->notes.at, .n_notes = t->notes.n };
	backtest_judge(&in, a, &report);
	return print_report(t, &report, err);
}

int cmd_backtest(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	struct testing t = { .cli = c, .panel_path = cli_option(c, "panel") };
	int64_t horizon_days = 0;

	if (c->format == FORMAT_CSV)
		return err_set(err, ERR_USAGE, "--format csv: a report is no table, expected table or json; --dump writes CSV");
	if (read_engine(c, &t.engine, err) < 0 || cli_option_int(c, "horizon", MAX_HORIZON, &horizon_days, err) < 0 ||
	    session_open(c, DB_READ, &session, err) < 0)
		return -1;
	t.session = &session;
	t.settings = session.org->score;
	if (t.panel_path ? take_panel(&t, horizon_days, err) < 0
	                 : take_history(&t, horizon_days ? horizon_days : t.settings.horizon_days, err) < 0)
		return -1;
	return run(&t, err);
}
