/* JSON of the retention reports: amounts in minor units, ratios with all their digits and as the two integers they are
 * made of, so that whoever reads them can check each figure to the cent. */
#include <inttypes.h>
#include <stdio.h>

#include "nrr_report.h"

enum { ROOM_BYTES = 4 << 20 }; /* between two flushes: a row, or the rules with every merge */

void nrr_json_policy(struct json_out *o, const struct nrr_policy *p, struct arena *a)
{
	const char *line;

	json_open_object(o, "policy");
	json_put_text(o, "preset", p->preset);
	json_put_text(o, "hash", nrr_policy_hash(p, a));
	json_open_array(o, "rules");
	for (size_t i = 0; (line = nrr_policy_line(p, i, a)); i++)
		json_put_text(o, NULL, line);
	json_close_array(o);
	json_close_object(o);
}

void nrr_json_open(struct nrr_json *j, const struct nrr_report *r, const char *report)
{
	struct arena *a = r->cli->arena;
	struct json_out *o = &j->out;

	buf_init(&j->text, ROOM_BYTES);
	j->out = json_out_to(&j->text);
	json_open_object(o, NULL);
	json_put_text(o, "report", report);
	json_put_text(o, "organisation", r->session->org->name);
	json_put_text(o, "as_of", day_text(a, r->session->as_of));
	json_put_text(o, "currency", r->book.currency);
	json_put_text(o, "revenue", r->is_usage ? "usage" : "committed");
	json_put_text(o, "method", nrr_method_text(r->policy));
	nrr_json_policy(o, r->policy, a);
	json_open_array(o, "notes");
	for (size_t i = 0; i < r->n_notes; i++)
		json_put_text(o, NULL, r->notes[i]);
	json_close_array(o);
}

void nrr_json_flush(struct nrr_json *j)
{
	if (j->text.is_full)
		die("a row of the report takes more than %d bytes", ROOM_BYTES);
	(void)fputs(j->text.at, stdout);
	buf_reset(&j->text);
}

void nrr_json_close(struct nrr_json *j)
{
	json_close_object(&j->out);
	nrr_json_flush(j);
	(void)putchar('\n');
	buf_done(&j->text);
}

void nrr_json_ratio(struct json_out *o, struct arena *a, const char *name, struct nrr_ratio ratio)
{
	if (ratio.whole > 0)
		json_put_raw(o, name, arena_printf(a, "%.17g", (double)ratio.part / (double)ratio.whole));
	else
		json_put_null(o, name);
	json_open_object(o, arena_printf(a, "%s_exact", name));
	json_put_int(o, "numerator", ratio.part);
	json_put_int(o, "denominator", ratio.whole);
	json_close_object(o);
}

void nrr_json_sums(struct json_out *o, const struct nrr_sums *s)
{
	const struct {
		const char *name;
		int64_t value;
	} all[] = {
		{ "start_accounts", s->n_start }, { "churned_accounts", s->n_churned }, { "end_accounts", s->n_end },
		{ "start_mrr", s->start_minor }, { "new_mrr", s->added_minor }, { "expansion_mrr", s->expansion_minor },
		{ "upsell_mrr", s->expansion_minor - s->cross_sell_minor }, { "cross_sell_mrr", s->cross_sell_minor },
		{ "reactivation_mrr", s->reactivation_minor }, { "contraction_mrr", s->contraction_minor },
		{ "churn_mrr", s->churn_minor }, { "involuntary_churn_mrr", s->involuntary_minor },
		{ "free_plan_churn_mrr", s->free_minor }, { "fx_mrr", s->fx_minor }, { "returned_mrr", s->returned_minor },
		{ "cohort_end_mrr", s->cohort_end_minor }, { "kept_mrr", s->kept_minor }, { "end_mrr", s->end_minor },
		{ "residual", nrr_residual(s) },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		json_put_int(o, all[i].name, all[i].value);
}

void nrr_json_window(struct json_out *o, const struct nrr_report *r, const char *key, const struct nrr_window *w,
                     int months)
{
	struct arena *a = r->cli->arena;
	const struct nrr_sums *s = &w->sums;

	json_open_object(o, key);
	if (r->by != NRR_BY_ALL)
		json_put_text(o, "group", w->group);
	json_put_int(o, "window_months", months);
	json_put_text(o, "from_date", day_text(a, w->span.from));
	json_put_text(o, "to_date", day_text(a, w->span.to));
	nrr_json_sums(o, s);
	nrr_json_ratio(o, a, "nrr", (struct nrr_ratio){ s->cohort_end_minor, s->start_minor });
	nrr_json_ratio(o, a, "grr", (struct nrr_ratio){ s->kept_minor, s->start_minor });
	nrr_json_ratio(o, a, "logo_retention", (struct nrr_ratio){ s->n_start - s->n_churned, s->n_start });
	nrr_json_ratio(o, a, "quick_ratio",
	               (struct nrr_ratio){ s->added_minor + s->expansion_minor + s->reactivation_minor,
	                                   s->contraction_minor + s->churn_minor });
	json_put_text(o, "quick_ratio_reason", s->contraction_minor + s->churn_minor ? NULL : "nothing was lost");
	json_put_text(o, "reason", w->why_none);
	json_close_object(o);
}
