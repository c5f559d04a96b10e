#include "common/money.h"
#include "evidence.h"

enum {
	FAILURE_LASTS_DAYS = 45, DISPUTE_LASTS_DAYS = 180,
	MAX_PAID = 64, LAST_PAID = 3, MIN_PAID = 3, MAX_USUAL_DAYS = 60,
};

enum { NOT_OWED, LATE, FAILED };

/* What is owed on one day. */
struct owed {
	const struct fact_invoice *worst; /* failed before late, then the one that is latest behind */
	int n, days;                      /* invoices, how far behind the worst is */
	int rank;
};

/* By how many days paid invoices came late, in the order of issue; those paid in time are 0 late. */
struct habit {
	int late[MAX_PAID];
	int n;
};

static struct habit habit_of(const struct fact_account *f)
{
	struct habit h = { .n = 0 };
	size_t i = f->n_invoices > MAX_PAID ? f->n_invoices - MAX_PAID : 0;

	for (; i < f->n_invoices; i++) {
		const struct fact_invoice *v = &f->invoices[i];

		if (v->paid_on != DAY_NONE && v->due_on != DAY_NONE)
			h.late[h.n++] = v->paid_on > v->due_on ? v->paid_on - v->due_on : 0;
	}
	return h;
}

/* The middle of the first n, at most MAX_USUAL_DAYS; 0 with too few to tell. */
static int usual_late(const struct habit *h, int n)
{
	if (n < MIN_PAID)
		return 0;
	for (int i = 0; i < n; i++) {
		int below = 0, same = 0;

		for (int k = 0; k < n; k++) {
			below += h->late[k] < h->late[i];
			same += h->late[k] == h->late[i];
		}
		if (below <= n / 2 && n / 2 < below + same)
			return h->late[i] < MAX_USUAL_DAYS ? h->late[i] : MAX_USUAL_DAYS;
	}
	return 0;
}

static int rank_of(const struct fact_invoice *v, int32_t as_of)
{
	if (v->paid_on != DAY_NONE)
		return NOT_OWED;
	if (v->failed_on != DAY_NONE && as_of - v->failed_on < FAILURE_LASTS_DAYS)
		return FAILED;
	return v->due_on != DAY_NONE && v->due_on < as_of ? LATE : NOT_OWED;
}

static void add_invoice(struct owed *o, const struct fact_invoice *v, int32_t as_of)
{
	int rank = rank_of(v, as_of), late = v->due_on != DAY_NONE && v->due_on < as_of ? as_of - v->due_on : 0;

	if (rank == NOT_OWED)
		return;
	o->n++;
	if (rank < o->rank || (rank == o->rank && o->worst && late <= o->days))
		return;
	o->worst = v;
	o->rank = rank;
	o->days = late;
}

static const char *amount_of(struct arena *a, const struct fact_invoice *v)
{
	return *v->currency ? arena_printf(a, " of %s", money_text(a, v->amount_minor, v->currency)) : "";
}

static const char *what_of(struct arena *a, const struct owed *o)
{
	const struct fact_invoice *v = o->worst;

	if (o->rank == FAILED)
		return arena_printf(a, "payment%s failed on %s", amount_of(a, v), day_text(a, v->failed_on));
	return arena_printf(a, "invoice%s due on %s and not paid", amount_of(a, v), day_text(a, v->due_on));
}

static const char *late_text(struct arena *a, int days, int usual)
{
	if (!days)
		return "";
	return usual ? arena_printf(a, ", %s late where %d are usual", counted(a, days, "day", "days"), usual) :
	               arena_printf(a, ", %s late", counted(a, days, "day", "days"));
}

static void tell_owed(const struct context *c, const struct owed *o, int usual, struct reading *out)
{
	static const char *const keys[2][2] = { { "unpaid", "unpaid_of" }, { "failed", "failed_of" } };
	const struct fact_invoice *v = o->worst;
	bool has_failed = o->rank == FAILED;

	READING_SAY(c, out, "what", keys[has_failed][*v->currency != '\0'], W_MONEY("amount", v->amount_minor, v->currency),
	            W_DATE("day", has_failed ? v->failed_on : v->due_on));
	if (o->days)
		READING_SAY(c, out, "late", usual ? "late_usually" : "late", W_INT("n", o->days), W_INT("usual", usual));
	else
		reading_word(out, "late", "");
	if (o->n > 1)
		READING_SAY(c, out, "more", "invoices_open", W_INT("n", o->n));
	else
		reading_word(out, "more", "");
}

/* Days overdue of the invoice that is latest behind, without those that they are late as a habit; a hard failure counts
 * as the far end of the curve. A soft decline is no fact here. */
static bool read_payment_trouble(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	struct habit habit = habit_of(f);
	int usual = usual_late(&habit, habit.n);
	struct owed o = { 0 };

	for (size_t i = 0; i < f->n_invoices; i++)
		add_invoice(&o, &f->invoices[i], c->as_of);
	reading_value(out, o.rank == FAILED ? out->high : o.days > usual ? o.days - usual : 0, 0);
	out->why = "nothing is owed";
	if (o.rank == FAILED) {
		out->is_hard = true;
		out->fact = "a failed payment";
		out->fresh_on = o.worst->failed_on;
	}
	if (!o.n || c->is_brief)
		return true;
	READING_WHY(c, out, "%s%s, not long enough to worry", what_of(c->arena, &o),
	            usual ? late_text(c->arena, o.days, usual) : "");
	tell_owed(c, &o, usual, out);
	return true;
}

static bool read_invoice_disputed(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	const struct fact_invoice *last = NULL;

	for (size_t i = 0; i < f->n_invoices; i++) {
		const struct fact_invoice *v = &f->invoices[i];

		if (v->disputed_on != DAY_NONE && v->paid_on == DAY_NONE && c->as_of - v->disputed_on < DISPUTE_LASTS_DAYS &&
		    (!last || v->disputed_on > last->disputed_on))
			last = v;
	}
	out->why = "no invoice is in dispute";
	reading_value(out, last != NULL, 0);
	if (!last)
		return true;
	out->fresh_on = last->disputed_on;
	if (c->is_brief)
		return true;
	if (*last->currency)
		READING_SAY(c, out, "amount", "of_amount", W_MONEY("amount", last->amount_minor, last->currency));
	else
		reading_word(out, "amount", "");
	reading_day(c, out, "since", last->disputed_on);
	return true;
}

/* How much later than it used to it pays: the mean of the last three invoices that were paid, against the middle of
 * those before. */
static bool read_pays_later(const struct context *c, struct reading *out)
{
	struct habit habit = habit_of(c->account);
	int usual = usual_late(&habit, habit.n - LAST_PAID);
	double last = 0;

	if (habit.n < LAST_PAID + MIN_PAID)
		return reading_unknown(out, "too few paid invoices to know when it usually pays");
	for (int i = habit.n - LAST_PAID; i < habit.n; i++)
		last += habit.late[i] / (double)LAST_PAID;
	reading_value(out, last - usual, 0);
	if (c->is_brief)
		return true;
	reading_number(c, out, "last", last, 0);
	reading_number(c, out, "usual", usual, 0);
	READING_WHY(c, out, "it pays %.0f days late, as it used to", last);
	return true;
}

static const struct signal signals[] = {
	{ "payment_trouble", ENGINE_DEFENSE, FAMILY_PAYMENT, read_payment_trouble, FACT_INVOICE, true,
	  PUBLISHED ": unpaid for more than 10 days, or a hard failure; against its own habit", NULL, LOSS_INVOLUNTARY },
	{ "invoice_disputed", ENGINE_DEFENSE, FAMILY_PAYMENT, read_invoice_disputed, FACT_INVOICE, true,
	  PUBLISHED ": disputed invoice", "a disputed invoice", LOSS_ANY },
	{ "pays_later", ENGINE_DEFENSE, FAMILY_PAYMENT, read_pays_later, FACT_INVOICE, true,
	  PUBLISHED ": late payment; against its own habit", NULL, LOSS_ANY },
};
const struct signal_table payment_signals = { signals, ARRAY_LEN(signals) };
