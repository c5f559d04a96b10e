#include "common/money.h"
#include "signal.h"

enum { FAILURE_LASTS_DAYS = 45 };

/* Days overdue of the invoice that is latest behind; a hard failure counts as the worst. A soft decline is no fact here. */
bool read_payment_trouble(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct fact_invoice *worst = NULL;
	int days = 0, n = 0;
	bool is_failed = false, is_disputed = false;

	for (size_t i = 0; i < f->n_invoices; i++) {
		const struct fact_invoice *v = &f->invoices[i];
		bool has_failed = v->failed_on != DAY_NONE && c->as_of - v->failed_on < FAILURE_LASTS_DAYS;
		bool is_in_dispute = v->disputed_on != DAY_NONE;
		int late = v->due_on != DAY_NONE && v->due_on < c->as_of ? c->as_of - v->due_on : 0;

		if (v->paid_on != DAY_NONE || (!has_failed && !is_in_dispute && !late))
			continue;
		n++;
		is_disputed = is_disputed || is_in_dispute;
		if (!worst || late > days || (has_failed && !is_failed))
			worst = v;
		is_failed = is_failed || has_failed;
		days = late > days ? late : days;
	}
	out->is_hard = is_failed;
	out->why = n ? NULL : "nothing is owed";
	/* A dispute weighs as much as twenty days, a failure as the far end of the curve. */
	if (is_disputed && days < 20)
		days = 20;
	reading_value(out, is_failed ? out->high : days, 0);
	reading_word(out, "what", is_failed ? "payment failed" : is_disputed ? "invoice in dispute" : "invoice overdue");
	reading_word(out, "invoices", counted(c->arena, n, "invoice", "invoices"));
	reading_number(c, out, "days", days, 0);
	reading_word(out, "amount", worst && *worst->currency ? money_text(c->arena, worst->amount_minor, worst->currency) : "");
	return true;
}
