#include <string.h>

#include "evidence.h"

enum { MIN_DAYS = 4, SETTLED_DAYS = 56, WINDOW_DAYS = 330, OTHERS_DAYS = 56, MAX_NAMED = 2 };

static const double MAIN_SHARE = 0.4; /* of what was said, from which on somebody is who we deal with */

static void join_days(struct fact_days *sum, const struct fact_days *more)
{
	for (size_t w = 0; w < ARRAY_LEN(sum->words); w++)
		sum->words[w] |= more->words[w];
}

/* Days of exchange missed since the last one, by the rhythm of what is settled; below 0: there was too little to know
 * one. The recent past has no part in the rhythm, and it ends with the last exchange: silence does not become usual. */
static double missed_days(const struct fact_days *spoke)
{
	int first = fact_days_first(spoke), n = fact_days_count(spoke, SETTLED_DAYS, FACTS_DAYS);

	return n < MIN_DAYS ? -1 : fact_days_last(spoke) * (n - 1) / (double)(first - fact_days_next(spoke, SETTLED_DAYS));
}

static void tell_name(const struct context *c, const struct fact_person *p, const char *word, struct reading *out)
{
	const char *name = *p->name ? evidence_quote(c->arena, p->name, 40) : evidence_quote(c->arena, p->role, 20);

	if (*name)
		reading_word(out, word, name);
	else
		reading_phrase(c, out, word, "who_wrote_most");
}

/* People other than these who said something lately: "; 2 others still write". */
static void tell_others(const struct context *c, bool (*is_one)(const struct fact_person *p, const void *which),
                        const void *which, struct reading *out)
{
	int n = 0;

	for (size_t i = 0; i < c->account->n_people; i++)
		n += !is_one(&c->account->people[i], which) &&
		     fact_days_count(&c->account->people[i].spoke, 0, OTHERS_DAYS) > 0;
	if (n)
		READING_SAY(c, out, "others", "others", W_INT("n", n));
	else
		reading_word(out, "others", "");
}

static bool is_key(const struct fact_person *p, const void *which)
{
	(void)which;
	return p->is_key;
}

/* Silence of those who decide (champions, sponsors, decision-makers, those marked as key) against their own rhythm,
 * whoever else still writes: users who talk do not renew. */
static bool read_sponsor_silence(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	struct fact_days spoke = { 0 };
	int n = 0;
	double missed;

	for (size_t i = 0; i < f->n_people; i++)
		if (f->people[i].is_key && fact_days_last(&f->people[i].spoke) >= 0) {
			join_days(&spoke, &f->people[i].spoke);
			if (!c->is_brief && n++ < MAX_NAMED)
				tell_name(c, &f->people[i], "names", out);
		}
	missed = missed_days(&spoke);
	if (missed < 0)
		return reading_unknown(out, "no decision-maker is known who wrote or met regularly");
	reading_value(out, missed, 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "days", "days", W_INT("n", fact_days_last(&spoke)));
	reading_number(c, out, "missed", missed, 0);
	tell_others(c, is_key, NULL, out);
	READING_WHY(c, out, "a decision-maker was last heard of on %s, which is nothing unusual",
	            day_text(c->arena, c->as_of - fact_days_last(&spoke)));
	return true;
}

/* Who said most of what was said between two months and a year ago; NULL: nobody in particular. */
static const struct fact_person *main_counterpart(const struct fact_account *f)
{
	const struct fact_person *found = NULL;
	int all = 0, most = 0;

	for (size_t i = 0; i < f->n_people; i++) {
		int days = fact_days_count(&f->people[i].spoke, SETTLED_DAYS, WINDOW_DAYS);

		all += days;
		if (days <= most)
			continue;
		most = days;
		found = &f->people[i];
	}
	return most >= MIN_DAYS && most >= MAIN_SHARE * all ? found : NULL;
}

static bool is_this_one(const struct fact_person *p, const void *which)
{
	return p == which;
}

static bool read_contact_change(const struct context *c, struct reading *out)
{
	const struct fact_person *p = main_counterpart(c->account);
	double missed;

	if (!p)
		return reading_unknown(out, "nobody in particular speaks for them");
	missed = missed_days(&p->spoke);
	reading_value(out, missed, 0);
	if (c->is_brief)
		return true;
	tell_name(c, p, "name", out);
	reading_day(c, out, "last", c->as_of - fact_days_last(&p->spoke));
	tell_others(c, is_this_one, p, out);
	READING_WHY(c, out, "their main contact was last heard of on %s",
	            day_text(c->arena, c->as_of - fact_days_last(&p->spoke)));
	return true;
}

static const struct signal signals[] = {
	{ "sponsor_silence", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_sponsor_silence, FACT_INTERACTION, true,
	  "silence against its own rhythm; " PUBLISHED, NULL, LOSS_ANY },
	{ "contact_change", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_contact_change, FACT_INTERACTION, true,
	  "silence against its own rhythm; " PUBLISHED, NULL, LOSS_ANY },
};
const struct signal_table counterpart_signals = { signals, ARRAY_LEN(signals) };
