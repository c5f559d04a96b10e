#include "common/money.h"
#include "signal.h"

enum { FAILURE_LASTS_DAYS = 45 };

/* What is owed on one day. */
struct owed {
	const struct fact_invoice *worst;
	int n, days; /* invoices, and how far behind the latest of them is */
	bool is_failed, is_disputed;
};

static void add_invoice(struct owed *o, const struct fact_invoice *v, int32_t as_of)
{
	bool has_failed = v->failed_on != DAY_NONE && as_of - v->failed_on < FAILURE_LASTS_DAYS;
	bool is_in_dispute = v->disputed_on != DAY_NONE;
	int late = v->due_on != DAY_NONE && v->due_on < as_of ? as_of - v->due_on : 0;

	if (v->paid_on != DAY_NONE || (!has_failed && !is_in_dispute && !late))
		return;
	o->n++;
	o->is_disputed = o->is_disputed || is_in_dispute;
	if (!o->worst || late > o->days || (has_failed && !o->is_failed))
		o->worst = v;
	o->is_failed = o->is_failed || has_failed;
	o->days = late > o->days ? late : o->days;
}

/* Days overdue of the invoice that is latest behind; a hard failure counts as the worst. A soft decline is no fact
 * here. */
bool read_payment_trouble(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	struct owed o = { 0 };
	const char *amount;

	for (size_t i = 0; i < f->n_invoices; i++)
		add_invoice(&o, &f->invoices[i], c->as_of);
	out->is_hard = o.is_failed;
	out->why = o.n ? NULL : "nothing is owed";
	/* A dispute weighs as much as twenty days, a failure as the far end of the curve. */
	if (o.is_disputed && o.days < 20)
		o.days = 20;
	amount = o.worst && *o.worst->currency ? money_text(c->arena, o.worst->amount_minor, o.worst->currency) : "";
	reading_value(out, o.is_failed ? out->high : o.days, 0);
	reading_word(out, "what",
	             o.is_failed   ? "payment failed" :
	             o.is_disputed ? "invoice in dispute" :
	                             "invoice overdue");
	reading_word(out, "invoices", counted(c->arena, o.n, "invoice", "invoices"));
	reading_number(c, out, "days", o.days, 0);
	reading_word(out, "amount", amount);
	return true;
}
