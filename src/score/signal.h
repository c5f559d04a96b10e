/* Between the families of signals: what a signal gets, and what they share. */
#ifndef SIGNAL_H
#define SIGNAL_H

#include "norms.h"
#include "score/score.h"

struct context {
	const struct score_settings *settings;
	const struct fact_base *base;
	const struct norms *norms;
	const struct judge *judge;
	const struct fact_account *account;
	struct arena *arena;
	int32_t as_of;
	bool is_brief; /* signals are read without words */
	bool puts_off; /* evidence is put together when somebody asks for it */
	bool speaks;   /* the signal is known to say something: nobody asks why it does not */
	struct heard **heard; /* what its texts say, once somebody asked; NULL: not kept */
	const struct verdict *defense; /* for the signals of growth; NULL before it is there */
	struct levers *levers;         /* what they cross, see expansion.h */
	struct pace *pace; /* see pace_of */
};

struct mention { const char *sentence, *lexicon; int32_t on; int n; };

/* Sets value, words and whatever else it knows; the curve, the weight and the rest are the caller's. Returns whether it
 * is known; if not, why says why. */
typedef bool signal_fn(const struct context *c, struct reading *out);

struct signal {
	const char *name;
	enum score_engine engine;
	enum score_family family;
	signal_fn *read;
	enum fact_kind needs; /* a kind that is stale makes it unknown, unless it is a hard fact */
	bool needs_one;       /* false: it decides for itself what it needs */
	const char *source;
	const char *fact;     /* what it is called where it is a fact, which is there or not; NULL: a matter of degree */
	enum score_loss loss; /* the one kind of loss that it speaks for; LOSS_ANY: for none in particular */
};
struct signal_table { const struct signal *at; size_t n; };
/* Each family's file has its own. registry.c puts them in order. */
extern const struct signal_table usage_signals, people_signals, relationship_signals, reply_signals,
	counterpart_signals, support_signals, care_signals, sentiment_signals, commercial_signals, revenue_signals,
	payment_signals, seat_signals, limit_signals, growth_signals, talk_signals, potential_signals, crossed_signals,
	adoption_signals;
/* All signals in the order of the registry, from {0} on; NULL behind the last. */
struct signal_place { size_t table, i; };
const struct signal *signal_next(struct signal_place *p);
size_t signals_of(enum score_engine engine);
/* Its evidence with {{words}} in English, when the configuration gives none. */
const char *signal_text(struct arena *a, const char *name);

/* Where a signal's formula and threshold come from. */
#define MEASURED "measured on dated real accounts"
#define PUBLISHED "published threshold, until your own backtest judges it"

/* What they use. */
static inline bool reading_unknown(struct reading *out, const char *why)
{
	out->why = why;
	return false;
}
/* Why it says nothing, as printf writes it, where that may be asked. */
#define READING_WHY(c, out, ...) ((out)->why = (c)->speaks ? NULL : arena_printf((c)->arena, __VA_ARGS__))
static inline void reading_value(struct reading *out, double value, double baseline)
{
	out->value = value;
	out->baseline = baseline;
}
void reading_word(struct reading *out, const char *name, const char *text);
void reading_number(const struct context *c, struct reading *out, const char *name, double value, int decimals);
/* texts, on and quote of what was said. */
void reading_mention(const struct context *c, struct reading *out, const struct mention *m);
/* A metric's name as people say it: "api_calls" is API calls. */
const char *metric_words(struct arena *a, const char *name);
const char *counted(struct arena *a, int n, const char *one, const char *many);
/* The next renewal on or after the day: of the active subscriptions, else of the account; DAY_NONE. */
int32_t next_renewal(const struct fact_account *f, int32_t as_of);
int64_t active_seats(const struct fact_account *f); /* bought, 0 when not known */
int metric_index(const struct fact_base *base, const char *name); /* -1: none */
/* People at work in 28 days: from the metric that counts them (the middle of its days), else by name. -1: not known, as
 * when usage never said who. */
double people_at_work(const struct context *c);
/* Amounts from outside meet a ceiling instead of overflowing. */
int64_t yearly(int64_t monthly_minor);
static inline int64_t added(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
int64_t minor_of(double minor); /* in whole units, never below 0 */
/* Recurring revenue per year. */
struct revenue_now {
	bool is_read;
	int64_t minor;
	const char *currency; /* NULL when not known */
	bool is_left_out;     /* some was in another currency */
};
const struct revenue_now *yearly_revenue(const struct context *c); /* worked out once per account */
void values_sort(int64_t *values, size_t n);
bool is_active_between(const struct fact_person *p, int from_age, int to_age);
int people_between(const struct fact_account *f, int from_age, int to_age);
bool has_named_use(const struct fact_account *f); /* usage ever said who */
/* Whether an inbound exchange, or a meeting. */
bool is_from_them(const struct fact_interaction *x);

/* Whether tickets, exchanges or surveys come through. */
bool has_fresh_texts(const struct context *c);
/* What was said in tickets, exchanges and surveys of the last days by lexicons of a kind: the latest, and how many
 * texts. For a kind of request only what the customer wrote counts. skip: products that are not of interest; may be
 * NULL. */
struct mention lexicon_mentions(const struct context *c, const char *kind, int days,
                                bool (*skip)(const struct fact_account *f, const char *name));

/* What a person's override makes of a verdict with its band; whether it decides the band; and the cause of a band that
 * is there by it alone. */
void override_apply(const struct context *c, enum score_engine engine, struct verdict *v);
bool override_decides(const struct verdict *v);
void override_lead(const struct context *c, enum score_engine engine, struct verdict *v);
/* The play of that name, NULL when none is configured (or name is NULL). */
const struct play_settings *play_named(const struct score_settings *s, const char *name);
/* value at stake, date to act by, play */
void verdict_stake(const struct context *c, enum score_engine engine, struct verdict *v);
/* Sets strength and logits of a reading from its value. */
void reading_weigh(struct reading *r);
double curve_at(const struct curve *c, double value);
/* base + what the readings say, in logits; sets each family's sum and each contribution. */
double verdict_sum(const struct score_settings *s, double base_logit, struct reading *readings, size_t n,
                   double families[N_FAMILIES]);
/* The strength from which a signal of growth is a demand; why growth is not talked of while none has it. */
extern const double DEMAND_FROM;
extern const char *const NO_DEMAND;
/* Whether a signal is no reason for anything by itself: neither to talk of growth nor to worry. */
bool is_ground(const char *name);
/* Whether somebody marked as key (champion, sponsor, decision-maker) is gone, and not everybody with them. */
bool is_champion_lost(const struct reading *r);
/* The signal to name first; NULL when nothing raises the score. */
const struct reading *verdict_lead(const struct verdict *v);
/* Whether two families speak, or a hard fact does. */
bool verdict_converges(const struct reading *readings, size_t n, const double families[N_FAMILIES], int *out_families);
/* The band by thresholds alone, given the odds against the usual account (1: as usual) and the band before. */
int band_of(const struct band_settings *b, enum score_engine engine, double times, int before);
double band_entry(const struct band_settings *b, enum score_engine engine, int band);

#endif
