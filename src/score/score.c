#include "score/score.h"

#include <math.h>
#include <string.h>

#include "evidence.h"
#include "expansion.h"
#include "judge.h"
#include "pace.h"

enum { MIN_FAMILIES = 2 };

static const double FAMILY_SPEAKS = 0.1; /* logits from which a family counts for convergence */

const double DEMAND_FROM = 0.25;
const char *const NO_DEMAND = "no demand: nothing says that they need more";
static const double HEALTH_CONFIDENCE = 0.2;

static inline double strength_of(double value, double low, double high)
{
	double over = value - low, all = high - low, strength;

	if (low == high)
		return value >= high;
	if (all > 0 && (over <= 0 || over >= all)) /* most are, and dividing takes longest */
		return over > 0;
	strength = over / all;
	return strength < 0 ? 0 : strength > 1 ? 1 : strength;
}

double curve_at(const struct curve *c, double value)
{
	int i = 1;

	if (value <= c->at[0])
		return c->logit[0];
	while (i < c->n && value > c->at[i])
		i++;
	if (i == c->n)
		return c->logit[c->n - 1];
	return c->logit[i - 1] +
	       (c->logit[i] - c->logit[i - 1]) * (value - c->at[i - 1]) / (c->at[i] - c->at[i - 1]);
}

static inline void weigh(struct reading *r)
{
	r->strength = strength_of(r->value, r->low, r->high);
	r->said = r->curve ? curve_at(r->curve, r->value) : r->strength * (r->weight + r->relief) - r->relief;
}

void reading_weigh(struct reading *r)
{
	weigh(r);
}

static void tell(const struct context *c, const struct judged_signal *j, struct reading *out)
{
	out->is_worded = !j->is_own_text && !(out->strength <= 0 && out->why);
	out->evidence = out->why;
	if (!out->is_worded && !j->is_own_text)
		return;
	out->text = j->text;
	out->evidence = NULL;
	if (!c->puts_off)
		out->evidence = reading_evidence(c->arena, out);
}

/* Reads one signal into its blank: known or not, strength; without words. Returns whether it is known. */
static inline bool take_value(const struct context *c, const struct judged_signal *j, struct reading *out)
{
	out->is_brief = c->is_brief;
	if (out->why || !j->read(c, out))
		return false;
	if (j->stale && !out->is_hard) {
		out->is_stale = true;
		out->value = out->baseline = NAN;
		out->why = j->stale;
		return false;
	}
	out->is_known = true;
	weigh(out);
	if (out->strength <= 0)
		out->is_hard = false;
	return true;
}

/* The same with its evidence. */
static bool take_reading(const struct context *c, const struct judged_signal *j, struct reading *out)
{
	out->words = arena_array(c->arena, MAX_WORDS, sizeof *out->words);
	if (!take_value(c, j, out))
		return false;
	tell(c, j, out);
	return true;
}

/* How far families may go: what was fitted together is not cut off by what the priors allow. */
struct ends { double family_cap, total_relief; };

static struct ends ends_of(const struct score_settings *s, enum score_engine engine)
{
	const struct fitted_settings *fitted = &s->weights.engines[engine];

	return fitted->is_fitted ? (struct ends){ fitted->family_cap, fitted->total_relief } :
	                           (struct ends){ s->family_cap, s->total_relief };
}

/* By how much what a reading says is scaled: a family adds family_cap at most, and all families that are in good order
 * take total_relief off at most; nothing beside a hard fact, as good use does not make a notice any better. */
static double scale_of(const struct ends *s, double family, double all_relief, bool has_hard)
{
	if (family >= 0)
		return family > s->family_cap ? s->family_cap / family : 1;
	if (has_hard)
		return 0;
	return all_relief > s->total_relief ? s->total_relief / all_relief : 1;
}

/* places: of the readings that are known, as others say nothing; NULL: all of n. */
static inline double sum_up(const struct ends *ends, double base_logit, struct reading *readings, const uint8_t *places,
                            size_t n, double families[N_FAMILIES])
{
	double soft[N_FAMILIES] = { 0 }, scales[N_FAMILIES], logit = base_logit, all_relief = 0;
	bool has_hard = false;

	memset(families, 0, N_FAMILIES * sizeof *families);
	for (size_t i = 0; i < n; i++) {
		const struct reading *r = &readings[places ? places[i] : i];

		has_hard |= r->is_hard;
		soft[r->family] += r->is_hard ? 0 : r->said;
	}
	for (int f = 0; f < N_FAMILIES; f++)
		all_relief += soft[f] < 0 ? -soft[f] : 0;
	for (int f = 0; f < N_FAMILIES; f++)
		scales[f] = scale_of(ends, soft[f], all_relief, has_hard);
	for (size_t i = 0; i < n; i++) {
		struct reading *r = &readings[places ? places[i] : i];

		r->contribution = r->is_hard ? r->said : r->said * scales[r->family];
		families[r->family] += r->contribution;
	}
	for (int f = 0; f < N_FAMILIES; f++)
		logit += families[f];
	return logit;
}

double verdict_sum(const struct score_settings *s, double base_logit, struct reading *readings, size_t n,
                   double families[N_FAMILIES])
{
	struct ends ends = ends_of(s, n ? readings[0].engine : ENGINE_DEFENSE);

	return sum_up(&ends, base_logit, readings, NULL, n, families);
}

double band_entry(const struct band_settings *b, enum score_engine engine, int band)
{
	if (engine == ENGINE_DEFENSE)
		return band == 2 ? b->at_risk : b->watch;
	return band == 2 ? b->ready : b->emerging;
}

int band_of(const struct band_settings *b, enum score_engine engine, double times, int before)
{
	for (int band = 2; band > 0; band--)
		if (times >= band_entry(b, engine, band) * (before >= band ? b->leave : 1))
			return band;
	return 0;
}

bool verdict_converges(const struct reading *readings, size_t n, const double families[N_FAMILIES], int *out_families)
{
	bool has_hard = false;

	*out_families = 0;
	for (int f = 0; f < N_FAMILIES; f++)
		*out_families += families[f] >= FAMILY_SPEAKS;
	for (size_t i = 0; i < n; i++)
		has_hard = has_hard || readings[i].is_hard;
	return has_hard || *out_families >= MIN_FAMILIES;
}

static double risk_of(double logit)
{
	return 100 / (1 + exp(-logit));
}

/* The score by kind of loss: prior shares, moved by the signals that speak for one kind. */
static void split_losses(const struct loss_shares *prior, struct verdict *v)
{
	double shares[N_LOSSES] = { prior->churn, prior->contraction, prior->involuntary }, sum = 0;

	for (size_t i = 0; i < v->n_readings; i++)
		if (v->readings[i].loss != LOSS_ANY && v->readings[i].contribution != 0)
			shares[v->readings[i].loss] *= exp(v->readings[i].contribution);
	for (int k = 0; k < N_LOSSES; k++)
		sum += shares[k];
	for (int k = 0; k < N_LOSSES; k++)
		v->losses[k] = sum > 0 && v->score > 0 ? v->score * shares[k] / sum : 0;
}

/* Reads the signals of an engine that may be known. Returns how many are, and which; adds up their weights. */
static inline size_t take_all(const struct context *c, const struct bench *bench, struct reading *readings,
                              uint8_t known[MAX_SIGNALS], double *io_weight)
{
	size_t n = 0;

	for (size_t i = 0; i < bench->n_open && c->is_brief; i++) {
		struct reading *r = &readings[bench->open[i]];

		if (!take_value(c, &bench->signals[bench->open[i]], r))
			continue;
		known[n++] = bench->open[i];
		*io_weight += r->weight;
	}
	for (size_t i = 0; i < bench->n_open && !c->is_brief; i++) {
		struct reading *r = &readings[bench->open[i]];

		if (!take_reading(c, &bench->signals[bench->open[i]], r))
			continue;
		known[n++] = bench->open[i];
		*io_weight += r->weight;
	}
	return n;
}

/* Reads the signals of an engine and sums them up; no band yet. */
static void measure(const struct context *c, enum score_engine engine, struct verdict *v)
{
	const struct bench *bench = &c->judge->benches[engine];
	struct reading *readings = arena_memdup(c->arena, bench->blanks, bench->n * sizeof *readings);
	struct ends ends = ends_of(c->settings, engine);
	LATER_SET uint8_t places[MAX_SIGNALS];
	double known = 0;
	size_t n = take_all(c, bench, readings, places, &known);

	*v = (struct verdict){
		.score = -1, .times = 1, .band_before = -1, .band_since = c->as_of, .readings = readings,
		.n_readings = bench->n, .band_why = "", .change = "", .pressing_on = DAY_NONE, .base_logit = bench->base_logit,
	};
	v->logit = sum_up(&ends, v->base_logit, readings, places, n, v->families);
	if (known > 0) {
		v->score = risk_of(v->logit);
		v->times = exp(v->logit - v->base_logit);
	}
	v->confidence = bench->wanted > 0 ? known / bench->wanted : 0;
	v->lead = verdict_lead(v);
}

static bool has_stale(const struct verdict *v)
{
	for (size_t i = 0; i < v->n_readings; i++)
		if (v->readings[i].is_stale)
			return true;
	return false;
}

/* The band by thresholds, the one before and the minimum stay. */
static void place_in_band(const struct context *c, enum score_engine engine, int before, int32_t since,
                          struct verdict *v)
{
	const struct band_settings *b = &c->settings->bands;
	int entered = band_of(b, engine, v->times, 0);

	v->band_before = before;
	v->band = band_of(b, engine, v->times, before);
	if (before >= 0 && v->band < before && c->as_of - since < b->min_stay_days) {
		v->band = before;
		v->is_dwelling = true;
		v->band_why = arena_printf(c->arena, "stays %lld days at least", (long long)b->min_stay_days);
	} else if (v->band > entered) {
		v->band_why = arena_printf(c->arena, "left only below %.1f times",
		                           band_entry(b, engine, v->band) * b->leave);
	} else if (v->band > 0) {
		v->band_why = arena_printf(c->arena, "entered at %.1f times", band_entry(b, engine, v->band));
	}
}

static void settle_since(const struct context *c, int before, int32_t since, struct verdict *v)
{
	v->band_since = before == v->band ? since : c->as_of;
}

/* What thresholds alone must not say: to come in it takes two families, and more than being young; and what was said
 * stands while a source does not come through. stays: its minimum stay is not over. */
static void restrain(struct verdict *v, int was, bool stays, bool converges)
{
	if (v->band > 1 && !converges && !(was > 1 && stays)) {
		v->band = 1;
		v->band_why = "held at watch: one family alone and no hard fact";
	}
	if (v->band > 0 && !v->lead && !(was > 0 && stays)) {
		v->band = 0;
		v->band_why = "a young account, and nothing else speaks against it";
	}
	if (v->is_held && was >= v->band) {
		v->band = was;
		v->band_why = "held while a source does not come through";
	}
}

static void judge_defense(const struct context *c, const struct score_row *before, struct verdict *v)
{
	int was = before ? before->risk_band : -1;
	bool converges, stays = before && c->as_of - before->risk_band_since < c->settings->bands.min_stay_days;

	measure(c, ENGINE_DEFENSE, v);
	converges = verdict_converges(v->readings, v->n_readings, v->families, &v->n_families);
	if (before && before->risk > v->score && has_stale(v)) {
		/* A source that broke says nothing, so nothing got better. */
		v->score = before->risk;
		v->is_held = true;
	}
	place_in_band(c, ENGINE_DEFENSE, was, before ? before->risk_band_since : c->as_of, v);
	restrain(v, was, stays, converges);
	split_losses(&c->settings->losses, v);
	settle_since(c, was, before ? before->risk_band_since : c->as_of, v);
	override_apply(c, ENGINE_DEFENSE, v);
}

static const struct reading *reading_of(const struct verdict *v, const char *name)
{
	for (size_t i = 0; i < v->n_readings; i++)
		if (*v->readings[i].name == *name && strcmp(v->readings[i].name, name) == 0)
			return &v->readings[i];
	return NULL;
}

static bool has_demand(const struct verdict *v)
{
	for (size_t i = 0; i < v->n_readings; i++)
		if (v->readings[i].strength >= DEMAND_FROM && !v->readings[i].is_ground)
			return true;
	return false;
}

/* Why growth is not to be talked about with this account now; NULL when nothing stands against it. */
static const char *objection(const struct context *c, const struct verdict *defense, const struct verdict *v)
{
	const struct reading *payment = reading_of(defense, "payment_trouble");
	const struct fact_source *usage = &c->base->sources[FACT_USAGE];
	int32_t refused = refused_on(c);

	if (defense->band > 0)
		return "defense first: its risk is at watch or above";
	if (defense->score < 0 || defense->confidence < HEALTH_CONFIDENCE || (usage->is_known && usage->is_stale))
		return "its health is not known well enough";
	if (!has_demand(v))
		return NO_DEMAND;
	if (!c->account->is_customer || yearly_revenue(c)->minor <= 0)
		return "no capacity: it does not pay yet";
	if (payment && payment->strength > 0)
		return "no capacity: a payment is late";
	if (refused != DAY_NONE)
		return arena_printf(c->arena, "asked before: it turned an offer down on %s", day_text(c->arena, refused));
	return NULL;
}

static void judge_expansion(const struct context *c, const struct score_row *before, const struct verdict *defense,
                            struct verdict *v)
{
	int was = before ? before->readiness_band : -1;
	const char *why;

	measure(c, ENGINE_EXPANSION, v);
	(void)verdict_converges(v->readings, v->n_readings, v->families, &v->n_families);
	place_in_band(c, ENGINE_EXPANSION, was, before ? before->readiness_band_since : c->as_of, v);
	why = objection(c, defense, v);
	if (why) {
		v->is_blocked = true;
		v->band = 0;
		v->band_why = why;
	}
	settle_since(c, was, before ? before->readiness_band_since : c->as_of, v);
	override_apply(c, ENGINE_EXPANSION, v);
}

static bool has_band(const struct verdict *v)
{
	return v->band > 0 || v->computed_band > 0;
}

/* The words of what contributes, which was read without them, and what is at stake by it. */
static void tell_verdict(struct context *c, enum score_engine engine, struct verdict *v)
{
	const struct bench *bench = &c->judge->benches[engine];
	struct reading *all = arena_memdup(c->arena, v->readings, v->n_readings * sizeof *all);

	c->is_brief = false;
	c->puts_off = true;
	for (size_t i = 0; i < v->n_readings; i++) {
		LATER_SET struct reading told;

		if (all[i].strength <= 0 && all[i].contribution <= 0)
			continue;
		told = bench->blanks[i];
		c->speaks = all[i].strength > 0;
		take_reading(c, &bench->signals[i], &told);
		all[i].evidence = told.evidence;
		all[i].text = told.text;
		all[i].is_worded = told.is_worded;
		all[i].n_words = told.n_words;
		all[i].words = told.words;
		all[i].due_on = told.due_on;
		all[i].play = told.play;
		all[i].stake_minor = told.stake_minor;
		all[i].stake_how = told.stake_how;
	}
	v->lead = v->lead ? all + (v->lead - v->readings) : NULL;
	v->readings = all;
}

void score_account(const struct judge *j, const struct fact_account *account, const struct score_row *before,
                   enum score_words words, struct arena *a, struct diagnosis *out)
{
	struct pace pace = { .is_read = false };
	struct heard *heard = NULL;
	struct context c = {
		.settings = j->settings, .base = j->base, .norms = j->norms, .judge = j, .account = account, .arena = a,
		.as_of = j->base->as_of, .is_brief = words != WORDS_ALL, .heard = &heard,
		.levers = arena_alloc(a, sizeof *c.levers), .pace = &pace,
	};
	struct verdict *defense = &out->verdicts[ENGINE_DEFENSE], *expansion = &out->verdicts[ENGINE_EXPANSION];

	out->account = account;
	out->as_of = c.as_of;
	judge_defense(&c, before, defense);
	c.defense = defense;
	judge_expansion(&c, before, defense, expansion);
	for (int engine = 0; engine < N_ENGINES; engine++) {
		if (words == WORDS_OF_BANDS && (has_band(defense) || has_band(expansion)))
			tell_verdict(&c, (enum score_engine)engine, &out->verdicts[engine]);
		override_lead(&c, (enum score_engine)engine, &out->verdicts[engine]);
		/* What growth would be worth nobody asks of one who is not to grow; of risk each score says it. */
		if (words != WORDS_OF_BANDS || engine == ENGINE_DEFENSE || has_band(expansion))
			verdict_stake(&c, (enum score_engine)engine, &out->verdicts[engine]);
	}
	if (words == WORDS_ALL)
		expansion->posture = posture_of(&c, expansion);
}

const char *score_band_name(enum score_engine engine, int band)
{
	static const char *const names[N_ENGINES][3] = { { "steady", "watch", "at_risk" },
		                                             { "not_yet", "emerging", "ready" } };

	return names[engine][band < 0 ? 0 : band > 2 ? 2 : band];
}

const char *score_band_words(enum score_engine engine, int band)
{
	static const char *const words[N_ENGINES][3] = { { "steady", "watch", "at risk" },
		                                             { "not yet", "emerging", "ready" } };

	return words[engine][band < 0 ? 0 : band > 2 ? 2 : band];
}
