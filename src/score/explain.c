#include <math.h>
#include <string.h>

#include "common/json.h"
#include "common/money.h"
#include "score/score.h"

static const char *number(struct arena *a, double value)
{
	return isnan(value) ? "-" : arena_printf(a, "%.2f", value);
}

static void stake_text(const struct verdict *v, struct arena *a, struct buf *out)
{
	const char *currency = v->currency ? v->currency : "";

	if (v->value_minor > 0)
		buf_printf(out, "  at stake      %s a year (%s); times probability %s\n",
		           money_text(a, v->value_minor, currency), v->value_how, money_text(a, v->expected_minor, currency));
	else
		buf_printf(out, "  at stake      %s\n", v->value_how);
}

static void reading_text(const struct reading *r, struct arena *a, struct buf *out)
{
	if (!r->is_known) {
		buf_printf(out, "  %-20s %-12s %8s %8s %8s %6.1f %6s  not known: %s\n", r->name, family_names[r->family], "-",
		           "-", "-", r->weight, "-", r->why ? r->why : "");
		return;
	}
	buf_printf(out, "  %-20s %-12s %8s %8s %8.2f %6.1f %+6.2f  %s%s\n", r->name, family_names[r->family],
	           number(a, r->value), number(a, r->baseline), r->strength, r->weight, r->contribution,
	           r->is_hard ? "HARD FACT: " : "", r->evidence);
	buf_printf(out, "  %-20s 0 at %g, 1 at %g; fresh on %s; %s\n", "", r->low, r->high,
	           r->fresh_on == DAY_NONE ? "-" : day_text(a, r->fresh_on), r->source);
}

static void verdict_text(const struct diagnosis *d, int engine, struct arena *a, struct buf *out)
{
	const struct verdict *v = &d->verdicts[engine];
	const char *word = engine == ENGINE_DEFENSE ? "risk" : "readiness";

	if (v->score < 0)
		buf_printf(out, "\n%s: %s not known, not enough data to say\n", engine_names[engine], word);
	else
		buf_printf(out, "\n%s: %s %.1f of 100 (100 = most likely to %s), confidence %.0f %%\n", engine_names[engine],
		           word, v->score, engine == ENGINE_DEFENSE ? "leave or shrink" : "grow", 100 * v->confidence);
	buf_printf(out, "  band          %s since %s%s%s\n", score_band_name((enum score_engine)engine, v->band),
	           day_text(a, v->band_since), *v->band_why ? ": " : "", v->band_why);
	buf_printf(out, "  would change  %s\n", v->change);
	if (v->lead && v->band > 0) {
		buf_printf(out, "  cause         %s: %s\n", v->lead->name, v->lead->evidence);
		stake_text(v, a, out);
		buf_printf(out, "  act by        %s\n", day_text(a, v->act_by_on));
		if (v->play)
			buf_printf(out, "  play          %s. %s\n", v->play->title, v->play->first_step ? v->play->first_step : "");
	}
	buf_text(out, "  families      ");
	for (int f = 0; f < N_FAMILIES; f++)
		buf_printf(out, "%s %.1f%s", family_names[f], v->families[f], f + 1 < N_FAMILIES ? ", " : "\n");
	buf_printf(out, "  %-20s %-12s %8s %8s %8s %6s %6s  %s\n", "signal", "family", "value", "usual", "strength",
	           "weight", "logits", "evidence");
	for (size_t i = 0; i < v->n_readings; i++)
		reading_text(&v->readings[i], a, out);
}

void explain_text(const struct diagnosis *d, struct arena *a, struct buf *out)
{
	const struct fact_account *f = d->account;

	buf_printf(out, "%s (account %lld, key %s)\n", evidence_quote(a, f->name, 80), (long long)f->id,
	           evidence_quote(a, f->key, 80));
	buf_printf(out, "as of %s; segment %s, plan %s; CSM %s, AM %s%s\n", day_text(a, d->as_of),
	           *f->segment ? evidence_quote(a, f->segment, 40) : "-", *f->plan ? evidence_quote(a, f->plan, 40) : "-",
	           *f->csm_email ? f->csm_email : "-", *f->am_email ? f->am_email : "-",
	           f->is_customer  ? "" :
	           f->was_customer ? "; its subscriptions have ended" :
	                             "; not a customer");
	for (int engine = 0; engine < N_ENGINES; engine++)
		verdict_text(d, engine, a, out);
}

static void put_real(struct json_out *o, const char *key, double value)
{
	json_put_real(o, key, value, 6);
}

static void put_day(struct json_out *o, struct arena *a, const char *key, int32_t day)
{
	json_put_text(o, key, day == DAY_NONE ? NULL : day_text(a, day));
}

static void reading_json(const struct reading *r, struct arena *a, struct json_out *o)
{
	json_open_object(o, NULL);
	json_put_text(o, "signal", r->name);
	json_put_text(o, "family", family_names[r->family]);
	json_put_bool(o, "known", r->is_known);
	json_put_bool(o, "hard", r->is_hard);
	json_put_text(o, "why_unknown", r->is_known ? NULL : r->why);
	put_real(o, "value", r->value);
	put_real(o, "baseline", r->baseline);
	put_real(o, "low", r->low);
	put_real(o, "high", r->high);
	put_real(o, "strength", r->strength);
	put_real(o, "weight", r->weight);
	put_real(o, "contribution", r->contribution);
	json_put_text(o, "evidence", r->is_known ? r->evidence : NULL);
	put_day(o, a, "fresh_on", r->fresh_on);
	json_put_text(o, "source", r->source);
	json_close_object(o);
}

static void verdict_json(const struct diagnosis *d, int engine, struct arena *a, struct json_out *o)
{
	const struct verdict *v = &d->verdicts[engine];

	json_open_object(o, engine_names[engine]);
	if (v->score < 0)
		json_put_null(o, "score");
	else
		put_real(o, "score", v->score);
	put_real(o, "confidence", v->confidence);
	json_put_text(o, "band", score_band_name((enum score_engine)engine, v->band));
	put_day(o, a, "band_since", v->band_since);
	json_put_text(o, "band_why", v->band_why);
	json_put_bool(o, "blocked", v->is_blocked);
	json_put_text(o, "would_change", v->change);
	json_put_text(o, "cause", v->lead ? v->lead->name : NULL);
	json_put_int(o, "value_minor", v->value_minor);
	json_put_int(o, "expected_minor", v->expected_minor);
	json_put_text(o, "currency", v->currency);
	json_put_text(o, "value_how", v->value_how);
	put_day(o, a, "act_by", v->band > 0 ? v->act_by_on : DAY_NONE);
	json_put_text(o, "play", v->play && v->band > 0 ? v->play->name : NULL);
	json_open_object(o, "families");
	for (int f = 0; f < N_FAMILIES; f++)
		put_real(o, family_names[f], v->families[f]);
	json_close_object(o);
	json_open_array(o, "signals");
	for (size_t i = 0; i < v->n_readings; i++)
		reading_json(&v->readings[i], a, o);
	json_close_array(o);
	json_close_object(o);
}

void explain_json(const struct diagnosis *d, struct arena *a, struct buf *out)
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
	for (int engine = 0; engine < N_ENGINES; engine++)
		verdict_json(d, engine, a, &o);
	json_close_object(&o);
}
