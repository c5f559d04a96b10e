#include <string.h>

#include "evidence.h"

enum { WINDOW = 45, USUAL_DAYS = 180, OLD_DAYS = 10 };

/* 2 urgent, 1 high, 0 any other. */
static int urgency_of(const char *priority)
{
	if (*priority == 'u')
		return strcmp(priority, "urgent") == 0 ? 2 : 0;
	return *priority == 'h' && strcmp(priority, "high") == 0;
}

/* How heavy one ticket weighs: one for itself, more for its priority and escalation, and for lying open long. */
static double weight_of(const struct fact_ticket *t, int32_t today)
{
	double weight = 1;

	weight += urgency_of(t->priority);
	weight += t->is_escalated ? 2 : 0;
	weight += t->closed_on == DAY_NONE && today - t->opened_on > OLD_DAYS ? 1 : 0;
	weight += t->satisfaction >= 0 && t->satisfaction <= 2 ? 1 : 0;
	return weight;
}

static void tell_some(const struct context *c, const char *name, int n, struct reading *out)
{
	if (n)
		READING_SAY(c, out, name, name, W_INT("n", n));
	else
		reading_word(out, name, "");
}

static void tell_usual(const struct context *c, double tickets, struct reading *out)
{
	READING_SAY(c, out, "usual", tickets < 0.5 ? "hardly_any" : "about", W_REAL("n", tickets, 0));
}

static bool read_support_tension(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	double now = 0, before = 0, usual;
	int n = 0, n_before = 0, severe = 0, open = 0;

	for (size_t i = 0; i < f->n_tickets; i++) {
		const struct fact_ticket *t = &f->tickets[i];
		int age = c->as_of - t->opened_on;

		if (age < WINDOW) {
			now += weight_of(t, c->as_of);
			severe += t->is_escalated || urgency_of(t->priority);
			open += t->closed_on == DAY_NONE;
			n++;
		} else if (age < WINDOW + USUAL_DAYS) {
			before += weight_of(t, t->opened_on);
			n_before++;
		}
	}
	usual = before * WINDOW / USUAL_DAYS;
	reading_value(out, now > usual ? now - usual : 0, 0);
	if (c->is_brief)
		return true;
	READING_WHY(c, out, "%s in 45 days, nothing unusual", counted(c->arena, n, "ticket", "tickets"));
	READING_SAY(c, out, "tickets", "tickets", W_INT("n", n));
	tell_some(c, "severe", severe, out);
	tell_some(c, "open", open, out);
	tell_usual(c, n_before * WINDOW / (double)USUAL_DAYS, out);
	return true;
}

static const struct signal signals[] = {
	{ "support_tension", ENGINE_DEFENSE, FAMILY_SUPPORT, read_support_tension, FACT_TICKET, true,
	  PUBLISHED ": more than 5 to 10 tickets in 30 days, weighted by severity, against its own usual", NULL, LOSS_ANY },
};
const struct signal_table support_signals = { signals, ARRAY_LEN(signals) };
