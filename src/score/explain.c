#include "score/explain.h"

#include <math.h>
#include <string.h>

#include "common/money.h"
#include "common/text.h"
#include "signal.h"

enum { WIDTH = 100, LABEL = 16, TEXT = 64, MOST_RAISING = 5, MOST_LOWERING = 2, HISTORY_WEEKS = 26, MAX_NAMED = 3 };

static const double NEARLY_ALL = 0.9;
static const double WORTH_A_LINE = 0.1; /* logits; what says less is told together */

static const char *const titles[N_ENGINES] = { "RISK", "READINESS" };

/* How many bytes of text go on a line of so many columns: up to a blank, all of a word that is longer. */
static size_t line_length(const char *text, size_t columns)
{
	size_t last = 0, at = 0, n = 0;
	uint32_t code;

	for (; text[at]; n++) {
		if (text[at] == ' ')
			last = at;
		if (n >= columns && last)
			return last;
		at += utf8_next(text + at, strlen(text + at), &code);
	}
	return at;
}

/* "  label         text", the text broken into lines below one another. */
static void put_line(struct buf *out, const char *label, const char *text)
{
	buf_printf(out, "  %-*s", LABEL - 2, label);
	for (;;) {
		size_t len = line_length(text, WIDTH - LABEL);

		buf_add(out, text, len);
		buf_char(out, '\n');
		if (!text[len])
			return;
		text += len + 1;
		buf_printf(out, "%*s", LABEL, "");
	}
}

/* The same with numbers behind its first line. */
static void put_row(struct buf *out, const char *label, const char *text, double logits, const char *score)
{
	size_t len = line_length(text, TEXT);

	buf_printf(out, "  %-*s%.*s%*s%+8.2f %8s\n", LABEL - 2, label, (int)len, text,
	           (int)(TEXT - utf8_length(text) + utf8_length(text + len)), "", logits, score);
	while (text[len]) {
		text += len + 1;
		len = line_length(text, TEXT);
		buf_printf(out, "%*s%.*s\n", LABEL, "", (int)len, text);
	}
}

static const char *band_words(int engine, int band)
{
	return score_band_words((enum score_engine)engine, band);
}

static const char *readable(struct arena *a, const char *name)
{
	char *words = arena_strdup(a, name);

	for (char *at = words; *at; at++)
		if (*at == '_')
			*at = ' ';
	return words;
}

static const char *score_after(struct arena *a, double logit)
{
	return arena_printf(a, "%.1f", 100 / (1 + exp(-logit)));
}

/* The reading that raises (or lowers) the score most and is not yet told; NULL when no such one is worth a line. */
static const struct reading *next_told(const struct verdict *v, const bool *is_told, bool raises, size_t *out_at)
{
	const struct reading *best = NULL;

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];

		if (is_told[i] || !r->is_known || fabs(r->contribution) < WORTH_A_LINE || (r->contribution > 0) != raises)
			continue;
		if (!best || fabs(r->contribution) > fabs(best->contribution)) {
			best = r;
			*out_at = i;
		}
	}
	return best;
}

/* What is left of those that raise, or lower, it, in one line. Returns their sum. */
static double put_rest(const struct verdict *v, const bool *is_told, bool raises, double logit, struct arena *a,
                       struct buf *out)
{
	double sum = 0;
	int n = 0;

	for (size_t i = 0; i < v->n_readings; i++) {
		double said = v->readings[i].contribution;

		if (is_told[i] || (raises ? said <= 0 : said >= 0))
			continue;
		sum += said;
		n++;
	}
	if (n)
		put_row(out, "others",
		        arena_printf(a, "%s that %s%s it (-v names them)", counted(a, n, "lesser sign", "lesser signs"),
		                     raises ? "raise" : "lower", n == 1 ? "s" : ""),
		        sum, score_after(a, logit + sum));
	return sum;
}

/* From the usual account to this one: every line moves the score, and the last is the score. */
static void put_sum(const struct verdict *v, struct arena *a, struct buf *out)
{
	bool is_told[MAX_SIGNALS] = { false };
	double logit = v->base_logit;
	const struct reading *r;
	size_t at = 0;

	buf_printf(out, "  %-*s%8s %8s\n", LABEL - 2 + TEXT, "how it comes about", "log-odds", "so far");
	put_row(out, "usual", "the usual account of this organisation", v->base_logit, score_after(a, logit));
	for (int raises = 1; raises >= 0; raises--) {
		int most = raises ? MOST_RAISING : MOST_LOWERING;

		while (most-- > 0 && (r = next_told(v, is_told, raises, &at))) {
			is_told[at] = true;
			logit += r->contribution;
			put_row(out, family_names[r->family], r->is_hard ? arena_printf(a, "A FACT: %s", r->evidence) : r->evidence,
			        r->contribution, score_after(a, logit));
		}
		logit += put_rest(v, is_told, raises, logit, a, out);
	}
	if (v->is_held)
		put_row(out, "held", "the last score stands while a source does not come through",
		        log(v->score / (100 - v->score)) - logit, arena_printf(a, "%.1f", v->score));
}

/* The names of those that are not known for the same reason as the one at a place, which are told by it. */
static const char *unknown_names(const struct verdict *v, size_t at, bool *is_told, struct arena *a)
{
	const char *names = "";

	for (size_t i = at; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];

		if (r->is_known || is_told[i] || !r->why || strcmp(r->why, v->readings[at].why) != 0)
			continue;
		is_told[i] = true;
		names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", readable(a, r->name));
	}
	return names;
}

/* Those that nothing is known of, by what is missing; the first few reasons. */
static const char *unknown_words(const struct verdict *v, struct arena *a)
{
	bool is_told[MAX_SIGNALS] = { false };
	const char *words = "";
	int n = 0;

	for (size_t i = 0; i < v->n_readings; i++) {
		const struct reading *r = &v->readings[i];

		if (r->is_known || is_told[i] || !r->why)
			continue;
		if (n++ < MAX_NAMED)
			words = arena_printf(a, "%s%s%s (%s)", words, *words ? "; " : "", unknown_names(v, i, is_told, a), r->why);
		else
			(void)unknown_names(v, i, is_told, a);
	}
	return n > MAX_NAMED ? arena_printf(a, "%s; and for %d more reasons (-v)", words, n - MAX_NAMED) : words;
}

/* Where nearly all is known, how many are not is enough. */
static const char *known_words(const struct verdict *v, struct arena *a)
{
	const char *share = arena_printf(a, "%.0f %% of what counts", 100 * v->confidence), *unknown = unknown_words(v, a);
	int n = 0;

	for (size_t i = 0; i < v->n_readings; i++)
		n += !v->readings[i].is_known;
	if (n && v->confidence >= NEARLY_ALL)
		return arena_printf(a, "%s; %s not known (-v says why)", share, counted(a, n, "sign is", "signs are"));
	return *unknown ? arena_printf(a, "%s; not: %s", share, unknown) : share;
}

static const char *losses_words(const struct verdict *v, struct arena *a)
{
	static const char *const does[N_LOSSES] = { "leaves", "shrinks", "is lost over a payment" };
	const char *words = "";

	for (int k = 0; k < N_LOSSES; k++)
		words = arena_printf(a, "%s%s%s %.1f", words, k ? ", " : "", does[k], v->losses[k]);
	return words;
}

static const char *stake_words(const struct verdict *v, struct arena *a)
{
	if (v->value_minor <= 0)
		return v->value_how;
	return arena_printf(a, "%s a year (%s); weighted by the probability: %s",
	                    money_text(a, v->value_minor, v->currency ? v->currency : ""), v->value_how,
	                    money_short(a, v->expected_minor, v->currency ? v->currency : ""));
}

/* The score at the end of each of the last weeks, a dot where none was kept. */
static const char *weeks_words(const struct explain_more *more, int engine, const struct diagnosis *d, struct arena *a)
{
	static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	double weeks[HISTORY_WEEKS + 1], most = 10;
	const char *words = "";
	int n = 0;

	for (int w = 0; w <= HISTORY_WEEKS; w++)
		weeks[w] = -1;
	weeks[HISTORY_WEEKS] = d->verdicts[engine].score;
	for (size_t i = 0; i < more->n_history; i++) {
		const struct past_score *p = &more->history[i];
		int w = HISTORY_WEEKS - 1 - (d->as_of - 1 - p->day) / 7;

		if (w >= 0 && w < HISTORY_WEEKS)
			weeks[w] = engine == ENGINE_DEFENSE ? p->risk : p->readiness;
	}
	for (int w = 0; w <= HISTORY_WEEKS; w++) {
		most = fmax(most, weeks[w]);
		n += w < HISTORY_WEEKS && weeks[w] >= 0;
	}
	if (!n)
		return NULL;
	for (int w = 0; w <= HISTORY_WEEKS; w++)
		if (*words || weeks[w] >= 0)
			words = arena_printf(a, "%s%s", words, weeks[w] < 0 ? "·" : bars[(int)fmin(7, 8 * weeks[w] / most)]);
	return arena_printf(a, "%s by week; a full bar is %.0f", words, most);
}

/* When the band or the settings changed, latest first. */
static const char *turns_words(const struct explain_more *more, int engine, const struct diagnosis *d, struct arena *a)
{
	const char *hash = more->config_hash, *words = "";
	int band = d->verdicts[engine].computed_band, n = 0;
	int32_t on = d->as_of;

	for (size_t i = more->n_history; i-- && n < MAX_NAMED;) {
		const struct past_score *p = &more->history[i];
		int was = engine == ENGINE_DEFENSE ? p->risk_band : p->readiness_band;
		bool is_other = strcmp(p->config_hash, hash) != 0;

		if (was != band || is_other) {
			words = arena_printf(a, "%s%s%s %s%s", words, n++ ? "; " : "", day_text(a, on),
			                     was == band ? "" : band_words(engine, band),
			                     !is_other ? "" : was == band ? "settings changed" : ", with other settings");
		}
		band = was;
		hash = p->config_hash;
		on = p->day;
	}
	return n ? words : NULL;
}

static void put_history(const struct diagnosis *d, const struct explain_more *more, int engine, struct arena *a,
                        struct buf *out)
{
	const char *weeks = weeks_words(more, engine, d, a), *turns = weeks ? turns_words(more, engine, d, a) : NULL;

	if (weeks)
		put_line(out, "history", turns ? arena_printf(a, "%s; since %s", weeks, turns) : weeks);
}

/* "left 10 days later" */
static const char *became_words(const struct similar *s, int engine, struct arena *a)
{
	static const char *const did[N_OUTCOME_KINDS] = {
		[OUTCOME_CHURN] = "left",
		[OUTCOME_CONTRACTION] = "shrank",
		[OUTCOME_INVOLUNTARY] = "was lost over a payment",
		[OUTCOME_EXPANSION] = "grew",
		[OUTCOME_GOOD_END] = "ended well",
	};

	if (!s->became)
		return engine == ENGINE_DEFENSE ? "stayed" : "did not grow";
	return arena_printf(a, "%s %s later", did[s->became->kind], counted(a, s->became->on - s->day, "day", "days"));
}

static void put_similar(const struct similar_accounts *s, int engine, int64_t horizon_days, struct arena *a,
                        struct buf *out)
{
	const char *words = "";

	if (!s->n)
		return;
	if (s->n >= MAX_NAMED)
		words = arena_printf(a, "of %d accounts that looked like this, %d %s within %lld days%s; ", s->n, s->n_became,
		                     engine == ENGINE_DEFENSE ? "left or shrank" : "grew", (long long)horizon_days,
		                     s->n_became > 1 ? arena_printf(a, ", half of them within %s",
		                                                       counted(a, s->middle_days, "day", "days")) : "");
	for (int i = 0; i < s->n && i < MAX_NAMED; i++)
		words = arena_printf(a, "%s%s%s (as of %s) %s", words, i ? "; " : "",
		                     evidence_quote(a, s->at[i].name, 40), day_text(a, s->at[i].day),
		                     became_words(&s->at[i], engine, a));
	put_line(out, "like it", words);
}

/* Why by that day. */
static const char *haste_words(const struct diagnosis *d, const struct verdict *v, struct arena *a)
{
	const char *day = day_text(a, v->act_by_on), *late = v->act_by_on == d->as_of ? ", which is today" : "";

	if (v->speed)
		return arena_printf(a, "%s%s: a quarter of the %d lost %s before were gone within %s", day, late, v->speed->n,
		                    v->speed->cause ? "by this cause" : "here", counted(a, v->speed->days, "day", "days"));
	if (v->pressing_on >= d->as_of)
		return arena_printf(a, "%s%s, to be ahead of %s on %s", day, late,
		                    v->lead->is_hard && v->lead->due_on != DAY_NONE ? "the end" : "the renewal",
		                    day_text(a, v->pressing_on));
	return arena_printf(a, "%s%s", day, late);
}

static void put_action(const struct diagnosis *d, const struct verdict *v, struct arena *a, struct buf *out)
{
	if (!v->lead || v->band == 0)
		return;
	put_line(out, "cause", arena_printf(a, "%s: %s", readable(a, v->lead->name), v->lead->evidence));
	put_line(out, "at stake", stake_words(v, a));
	put_line(out, "act by", haste_words(d, v, a));
	if (v->play)
		put_line(out, "what to do",
		         arena_printf(a, "%s. %s", v->play->title, v->play->first_step ? v->play->first_step : ""));
}

static void put_headline(const struct verdict *v, int engine, const struct explain_more *more, struct buf *out)
{
	const char *what = engine == ENGINE_DEFENSE ? "leave or shrink" : "grow";

	if (v->score < 0) {
		buf_printf(out, "\n%s not known: not enough data to say\n", titles[engine]);
		return;
	}
	buf_printf(out, "\n%s %.1f: of 1000 accounts like this, about %.0f %s within %lld days; usual here: %.0f\n",
	           titles[engine], v->score, 10 * v->score, what, (long long)more->settings->horizon_days,
	           1000 / (1 + exp(-v->base_logit)));
}

/* Who says what signals weigh. */
static const char *weights_words(const struct score_settings *s, int engine, struct arena *a)
{
	const struct fitted_settings *fitted = &s->weights.engines[engine];

	if (!s->weights.version || !fitted->is_fitted)
		return "the shipped weights, until retaind calibrate fits your own history";
	return arena_printf(a, "weights %s, fitted to your own history on %s%s%s", s->weights.version,
	                    day_text(a, s->weights.fitted_on), fitted->quality ? ": " : "",
	                    fitted->quality ? fitted->quality : "");
}

static void put_verdict(const struct diagnosis *d, const struct explain_more *more, int engine, struct arena *a,
                        struct buf *out)
{
	const struct verdict *v = &d->verdicts[engine];

	put_headline(v, engine, more, out);
	put_line(out, "band", arena_printf(a, "%s since %s, %.1f times the usual odds%s%s", band_words(engine, v->band),
	                                   day_text(a, v->band_since), v->times, *v->band_why ? ": " : "", v->band_why));
	if (v->posture)
		put_line(out, "posture", v->posture);
	put_action(d, v, a, out);
	if (engine == ENGINE_DEFENSE && v->band > 0)
		put_line(out, "of which", losses_words(v, a));
	if (v->band == 0 && d->verdicts[engine == ENGINE_DEFENSE ? ENGINE_EXPANSION : ENGINE_DEFENSE].band > 0)
		return; /* it is the other one that matters now; -v has all of it */
	if (v->score >= 0)
		put_sum(v, a, out);
	put_line(out, "would change", v->change);
	put_similar(&more->similar[engine], engine, more->settings->horizon_days, a, out);
	put_history(d, more, engine, a, out);
	put_line(out, "judged by", weights_words(more->settings, engine, a));
	put_line(out, "known", known_words(v, a));
}

void explain_text(const struct diagnosis *d, const struct explain_more *more, struct arena *a, struct buf *out)
{
	const struct fact_account *f = d->account;
	const char *owner = *f->csm_email ? f->csm_email : "-";
	bool grows = d->verdicts[ENGINE_EXPANSION].band > 0;

	buf_printf(out, "%s (%s) as of %s\n", evidence_quote(a, f->name, 80), evidence_quote(a, f->key, 80),
	           day_text(a, d->as_of));
	buf_printf(out, "segment %s, plan %s; CSM %s, AM %s%s\n", *f->segment ? evidence_quote(a, f->segment, 40) : "-",
	           *f->plan ? evidence_quote(a, f->plan, 40) : "-", owner, *f->am_email ? f->am_email : "-",
	           f->is_customer  ? "" :
	           f->was_customer ? "; its subscriptions have ended" :
	                             "; not a customer");
	/* What there is to act on comes first. */
	put_verdict(d, more, grows ? ENGINE_EXPANSION : ENGINE_DEFENSE, a, out);
	put_verdict(d, more, grows ? ENGINE_DEFENSE : ENGINE_EXPANSION, a, out);
}
