#include "common/money.h"
#include "signal.h"

enum { FAILURE_LASTS_DAYS = 45, DISPUTE_DAYS = 20 };

/* What is owed on one day. */
struct owed {
	const struct fact_invoice *worst; /* failed before disputed before late, then the one that is latest behind */
	int n, days, max_days;            /* invoices, how far behind the worst is, and any */
	int rank;
};

enum { NOT_OWED, LATE, DISPUTED, FAILED };

static int rank_of(const struct fact_invoice *v, int32_t as_of)
{
	if (v->paid_on != DAY_NONE)
		return NOT_OWED;
	if (v->failed_on != DAY_NONE && as_of - v->failed_on < FAILURE_LASTS_DAYS)
		return FAILED;
	if (v->disputed_on != DAY_NONE)
		return DISPUTED;
	return v->due_on != DAY_NONE && v->due_on < as_of ? LATE : NOT_OWED;
}

static void add_invoice(struct owed *o, const struct fact_invoice *v, int32_t as_of)
{
	int rank = rank_of(v, as_of), late = v->due_on != DAY_NONE && v->due_on < as_of ? as_of - v->due_on : 0;

	if (rank == NOT_OWED)
		return;
	o->n++;
	o->max_days = late > o->max_days ? late : o->max_days;
	if (rank < o->rank || (rank == o->rank && o->worst && late <= o->days))
		return;
	o->worst = v;
	o->rank = rank;
	o->days = late;
}

static const char *what_of(struct arena *a, const struct owed *o)
{
	const struct fact_invoice *v = o->worst;
	const char *amount = *v->currency ? arena_printf(a, " of %s", money_text(a, v->amount_minor, v->currency)) : "";

	if (o->rank == FAILED)
		return arena_printf(a, "payment%s failed on %s", amount, day_text(a, v->failed_on));
	if (o->rank == DISPUTED)
		return arena_printf(a, "invoice%s in dispute since %s", amount, day_text(a, v->disputed_on));
	return arena_printf(a, "invoice%s due on %s and not paid", amount, day_text(a, v->due_on));
}

/* Days overdue of the invoice that is latest behind; a hard failure counts as the worst. A soft decline is no fact
 * here. */
static bool read_payment_trouble(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	struct owed o = { 0 };
	int days;

	for (size_t i = 0; i < f->n_invoices; i++)
		add_invoice(&o, &f->invoices[i], c->as_of);
	/* A dispute weighs as much as twenty days, a failure as the far end of the curve. */
	days = o.rank == DISPUTED && o.max_days < DISPUTE_DAYS ? DISPUTE_DAYS : o.max_days;
	reading_value(out, o.rank == FAILED ? out->high : days, 0);
	out->why = "nothing is owed";
	if (!o.n)
		return true;
	out->why = arena_printf(c->arena, "%s, not long enough to worry", what_of(c->arena, &o));
	if (o.rank == FAILED) {
		out->is_hard = true;
		out->fact = "a failed payment";
		out->fresh_on = o.worst->failed_on;
	}
	reading_word(out, "what", what_of(c->arena, &o));
	reading_word(out, "late",
	             o.days ? arena_printf(c->arena, ", %s late", counted(c->arena, o.days, "day", "days")) : "");
	reading_word(out, "more", o.n > 1 ? arena_printf(c->arena, "; %d invoices are open", o.n) : "");
	return true;
}

static const struct signal signals[] = {
	{ "payment_trouble", ENGINE_DEFENSE, FAMILY_PAYMENT, read_payment_trouble, FACT_INVOICE, true,
	  "{{what}}{{late}}{{more}}",
	  PUBLISHED ": unpaid for more than 10 days, or a hard failure", NULL, LOSS_INVOLUNTARY },
};
const struct signal_table payment_signals = { signals, ARRAY_LEN(signals) };
