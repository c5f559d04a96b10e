/* Facts -> signals -> risk and readiness -> what to say of an account. Pure: facts, settings, the day and the score
 * before in, a diagnosis out; the same in gives the same out, to the byte.
 *
 * logit = base + sum over families of min(sum of c, family_cap) - at most total_relief + sum of c of hard facts
 * score = 100 / (1 + exp(-logit)): the probability, in 100, of loss (growth) within the horizon
 *
 * c is what one signal says, in logits: -relief at strength 0, +weight at strength 1, a straight line between; or a
 * curve that was fitted to the organisation's own history. A signal that is not known says 0. base is the logit of the
 * base rate: the organisation's own where its history shows one. A monotone scorecard of this form is not worse than
 * boosting on the data we have (see "What predicts" in the documentation). Hard facts (notice of cancellation or
 * non-renewal, downgrade request, hard payment failure) stand outside the caps, need no second family, and no relief
 * counts beside them: good use does not make a notice any better. */
#ifndef SCORE_SCORE_H
#define SCORE_SCORE_H

#include "common/buf.h"
#include "score/settings.h"
#include "store/facts.h"
#include "store/findings.h"

enum score_engine { ENGINE_DEFENSE, ENGINE_EXPANSION, N_ENGINES };
enum score_family {
	FAMILY_USAGE, FAMILY_PEOPLE, FAMILY_RELATIONSHIP, FAMILY_SUPPORT, FAMILY_SENTIMENT, FAMILY_COMMERCIAL,
	FAMILY_PAYMENT, FAMILY_VALUE, N_FAMILIES
};
enum score_loss { LOSS_CHURN, LOSS_CONTRACTION, LOSS_INVOLUNTARY, N_LOSSES, LOSS_ANY = N_LOSSES };
extern const char *const engine_names[N_ENGINES], *const family_names[N_FAMILIES], *const loss_names[N_LOSSES];

enum { MAX_SIGNALS = 96, MAX_WORDS = 10 };
/* Which words of evidence are made: all; those for what contributes in a band above the lowest; none. A reading is
 * worth the same without them. */
enum score_words { WORDS_ALL, WORDS_OF_BANDS, WORDS_NONE };
struct said; /* what a word is made of, for other languages */
struct evidence_word { const char *name, *text; const struct said *said; }; /* said: NULL: a text in no language */

/* What one signal says of one account. */
struct reading {
	const char *name;
	enum score_engine engine;
	enum score_family family;
	enum score_loss loss;
	bool is_known, is_hard;  /* not known: nothing below but why; hard: a hard fact */
	bool is_stale, is_ground; /* not known because its source does not come through; no reason by itself */
	const char *why;         /* why it is not known */
	double value, baseline;  /* NAN: none */
	double low, high, strength; /* where strength is 0 and 1; it, 0..1 */
	double weight, relief;   /* see struct signal_settings */
	const struct curve *curve; /* NULL: none was fitted */
	double said;             /* logits, before the family's cap */
	double contribution;     /* logits, after it: base and all contributions add up to the logit */
	const char *evidence, *text, *play, *source; /* text: see reading_evidence; source: of formula and threshold */
	int32_t fresh_on;        /* DAY_NONE: does not age */
	int32_t due_on;          /* a date that presses, DAY_NONE */
	int64_t stake_minor;     /* what is at stake by it, -1: the engine's usual */
	const char *stake_how, *fact; /* fact: "a cancellation notice": there or not, no matter of degree; NULL otherwise */
	struct evidence_word *words; /* what a template may say, MAX_WORDS at most; NULL while none are wanted */
	int n_words;
	bool is_brief;           /* no words are wanted */
	bool is_worded;          /* its evidence is the signal's own template with these words */
};

/* What one engine says of one account. */
struct verdict {
	double score;            /* 0..100, below 0: not enough data to say */
	double base_logit, logit;
	double times;            /* odds against the usual account: exp(logit - base_logit) */
	double losses[N_LOSSES]; /* defense: the score by kind of loss; they add up to it */
	double confidence;       /* share of the wanted weight that was known and fresh */
	int band, band_before;   /* 0 1 2; before: -1 when there is none */
	int32_t band_since;
	const char *band_why;
	int computed_band;       /* by its numbers alone: band is what an override makes of it */
	int32_t computed_since;
	const struct fact_override *override; /* that holds, NULL */
	const char *overruled_by; /* why it does not decide the band all the same, NULL */
	bool is_blocked;         /* expansion: not to be shown */
	bool is_held, is_dwelling; /* the score before stands, as a source broke; it left the band, which stays a while */
	const struct reading *readings;
	size_t n_readings;
	double families[N_FAMILIES]; /* logits, after the cap */
	int n_families;          /* with something to say */
	const struct reading *lead; /* NULL: nothing contributes */
	int64_t value_minor, expected_minor;
	const char *value_how, *currency, *posture; /* posture: value x potential; of growth, where words were asked for */
	int32_t act_by_on;
	int32_t pressing_on;          /* the date that decides act_by_on, DAY_NONE */
	const struct fact_speed *speed; /* the losses of before that decide it, NULL */
	const struct play_settings *play; /* NULL: none configured */
	const char *change;      /* the smallest single change that would move the band, once score_changes has told it */
};

struct diagnosis {
	const struct fact_account *account;
	int32_t as_of;
	struct verdict verdicts[N_ENGINES];
};

/* What the whole base is like: the season and each segment's normal. */
struct norms;
const struct norms *norms_of(const struct fact_base *base, struct arena *a);
/* What is the same for all accounts of a run; keeps settings, base and norms, which must not change meanwhile. */
struct judge;
const struct judge *judge_of(const struct score_settings *settings, const struct fact_base *base,
                             const struct norms *norms, struct arena *a);
/* before: the latest score before that day, or NULL. */
void score_account(const struct judge *j, const struct fact_account *account, const struct score_row *before,
                   enum score_words words, struct arena *a, struct diagnosis *out);
const char *score_band_name(enum score_engine engine, int band);  /* "at_risk" */
const char *score_band_words(enum score_engine engine, int band); /* "at risk" */
int score_engine_named(const char *name); /* "defense", "expansion"; -1 */
bool score_knows_signal(const char *name);
int score_engine_of(const char *name); /* the engine of a signal; -1: there is no such signal */
int score_family_of(const char *name); /* its family; -1 */

/* Replaces {{name}} in a template. A name that is not there leaves nothing; one that is there twice is a list. */
const char *evidence_render(struct arena *a, const char *template, const struct evidence_word *words, int n);
/* Text from outside for people: cleaned, cut, e-mail addresses, phone numbers and links masked. */
const char *evidence_quote(struct arena *a, const char *text, size_t max_chars);

#endif
