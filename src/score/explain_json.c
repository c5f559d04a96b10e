#include "common/json.h"
#include "score/explain.h"

enum { DECIMALS = 6, LOGIT_DECIMALS = 12 };

static void put_real(struct json_out *o, const char *key, double value)
{
	json_put_real(o, key, value, DECIMALS);
}

/* So that base and contributions add up to the logit for whoever adds them. */
static void put_logit(struct json_out *o, const char *key, double value)
{
	json_put_real(o, key, value, LOGIT_DECIMALS);
}

static void put_score(struct json_out *o, const char *key, double score)
{
	if (score < 0)
		json_put_null(o, key);
	else
		put_real(o, key, score);
}

static void put_day(struct json_out *o, struct arena *a, const char *key, int32_t day)
{
	json_put_text(o, key, day == DAY_NONE ? NULL : day_text(a, day));
}

static void put_curve(const struct curve *c, struct json_out *o)
{
	json_open_array(o, "curve");
	for (int i = 0; i < c->n; i++) {
		json_open_object(o, NULL);
		put_real(o, "value", c->at[i]);
		put_logit(o, "logit", c->logit[i]);
		json_close_object(o);
	}
	json_close_array(o);
}

static void put_reading(const struct reading *r, struct arena *a, struct json_out *o)
{
	json_open_object(o, NULL);
	json_put_text(o, "signal", r->name);
	json_put_text(o, "family", family_names[r->family]);
	json_put_text(o, "loss", r->loss == LOSS_ANY ? NULL : loss_names[r->loss]);
	json_put_bool(o, "known", r->is_known);
	json_put_bool(o, "hard", r->is_hard);
	json_put_text(o, "why_unknown", r->is_known ? NULL : r->why);
	put_real(o, "value", r->value);
	put_real(o, "baseline", r->baseline);
	put_real(o, "low", r->low);
	put_real(o, "high", r->high);
	put_real(o, "strength", r->strength);
	put_real(o, "weight", r->weight);
	put_real(o, "relief", r->relief);
	if (r->curve)
		put_curve(r->curve, o);
	put_logit(o, "said", r->said);
	put_logit(o, "contribution", r->contribution);
	json_put_text(o, "evidence", r->is_known ? r->evidence : NULL);
	put_day(o, a, "fresh_on", r->fresh_on);
	json_put_text(o, "source", r->source);
	json_close_object(o);
}

static void put_history(const struct explain_more *more, int engine, struct arena *a, struct json_out *o)
{
	json_open_array(o, "history");
	for (size_t i = 0; i < more->n_history; i++) {
		const struct past_score *p = &more->history[i];

		json_open_object(o, NULL);
		put_day(o, a, "day", p->day);
		put_score(o, "score", engine == ENGINE_DEFENSE ? p->risk : p->readiness);
		json_put_text(o, "band", score_band_name((enum score_engine)engine,
		                                         engine == ENGINE_DEFENSE ? p->risk_band : p->readiness_band));
		json_put_text(o, "config", p->config_hash);
		json_close_object(o);
	}
	json_close_array(o);
}

static void put_similar(const struct similar_accounts *s, struct arena *a, struct json_out *o)
{
	json_open_array(o, "similar");
	for (int i = 0; i < s->n; i++) {
		const struct similar *one = &s->at[i];

		json_open_object(o, NULL);
		json_put_int(o, "account", one->account);
		json_put_text(o, "name", one->name);
		put_day(o, a, "day", one->day);
		put_real(o, "likeness", one->likeness);
		json_put_text(o, "became", one->became ? outcome_names[one->became->kind] : NULL);
		put_day(o, a, "became_on", one->became ? one->became->on : DAY_NONE);
		json_close_object(o);
	}
	json_close_array(o);
}

static void put_stake(const struct verdict *v, struct arena *a, struct json_out *o)
{
	json_put_text(o, "cause", v->lead ? v->lead->name : NULL);
	json_put_int(o, "value_minor", v->value_minor);
	json_put_int(o, "expected_minor", v->expected_minor);
	json_put_text(o, "currency", v->currency);
	json_put_text(o, "value_how", v->value_how);
	json_put_text(o, "posture", v->posture);
	put_day(o, a, "act_by", v->band > 0 ? v->act_by_on : DAY_NONE);
	json_put_text(o, "play", v->play && v->band > 0 ? v->play->name : NULL);
}

static void put_override(const struct verdict *v, int engine, struct arena *a, struct json_out *o)
{
	json_put_text(o, "computed_band", score_band_name((enum score_engine)engine, v->computed_band));
	if (!v->override)
		return;
	json_open_object(o, "override");
	json_put_text(o, "band", score_band_name((enum score_engine)engine, v->override->band));
	json_put_text(o, "who", v->override->who);
	json_put_text(o, "reason", v->override->reason);
	put_day(o, a, "made_on", v->override->made_on);
	put_day(o, a, "until", v->override->until_on);
	json_put_text(o, "overruled_by", v->overruled_by);
	json_close_object(o);
}

static void put_verdict(const struct diagnosis *d, const struct explain_more *more, int engine, struct arena *a,
                        struct json_out *o)
{
	const struct verdict *v = &d->verdicts[engine];

	json_open_object(o, engine_names[engine]);
	put_score(o, "score", v->score);
	put_logit(o, "base_logit", v->base_logit);
	put_logit(o, "logit", v->logit);
	put_real(o, "times", v->times);
	put_real(o, "confidence", v->confidence);
	json_put_text(o, "band", score_band_name((enum score_engine)engine, v->band));
	put_day(o, a, "band_since", v->band_since);
	json_put_text(o, "band_why", v->band_why);
	put_override(v, engine, a, o);
	json_put_bool(o, "blocked", v->is_blocked);
	json_put_bool(o, "held", v->is_held);
	json_put_text(o, "would_change", v->change);
	put_stake(v, a, o);
	if (engine == ENGINE_DEFENSE) {
		json_open_object(o, "losses");
		for (int k = 0; k < N_LOSSES; k++)
			put_real(o, loss_names[k], v->losses[k]);
		json_close_object(o);
	}
	json_open_object(o, "families");
	for (int f = 0; f < N_FAMILIES; f++)
		put_logit(o, family_names[f], v->families[f]);
	json_close_object(o);
	json_open_array(o, "signals");
	for (size_t i = 0; i < v->n_readings; i++)
		put_reading(&v->readings[i], a, o);
	json_close_array(o);
	put_similar(&more->similar[engine], a, o);
	put_history(more, engine, a, o);
	json_close_object(o);
}

void explain_json(const struct diagnosis *d, const struct explain_more *more, struct arena *a, struct buf *out)
{
	const struct fact_account *f = d->account;
	struct json_out o = json_out_to(out);

	json_open_object(&o, NULL);
	json_put_int(&o, "account", f->id);
	json_put_text(&o, "key", f->key);
	json_put_text(&o, "name", f->name);
	put_day(&o, a, "as_of", d->as_of);
	json_put_text(&o, "segment", f->segment);
	json_put_text(&o, "plan", f->plan);
	json_put_text(&o, "csm", f->csm_email);
	json_put_text(&o, "am", f->am_email);
	json_put_bool(&o, "is_customer", f->is_customer);
	json_put_text(&o, "config", more->config_hash);
	json_put_text(&o, "weights", more->settings->weights.version);
	for (int engine = 0; engine < N_ENGINES; engine++)
		put_verdict(d, more, engine, a, &o);
	json_close_object(&o);
}
