#include <string.h>

#include "signal.h"

enum { MIN_DAYS = 4, SETTLED_DAYS = 56, WINDOW_DAYS = 330, OTHERS_DAYS = 56, MAX_NAMED = 2 };

static const double MAIN_SHARE = 0.4; /* of what was said, from which on somebody is who we deal with */

static void join_days(struct fact_days *sum, const struct fact_days *more)
{
	for (size_t w = 0; w < ARRAY_LEN(sum->words); w++)
		sum->words[w] |= more->words[w];
}

static int last_before(const struct fact_days *d, int from_age)
{
	int age = from_age;

	while (age < FACTS_DAYS && !fact_days_count(d, age, age + 1))
		age++;
	return age;
}

/* Days of exchange missed since the last one, by the rhythm of what is settled; below 0: there was too little to know
 * one. The recent past has no part in the rhythm, and it ends with the last exchange: silence does not become usual. */
static double missed_days(const struct fact_days *spoke)
{
	int first = fact_days_first(spoke), n = fact_days_count(spoke, SETTLED_DAYS, FACTS_DAYS);

	return n < MIN_DAYS ? -1 : fact_days_last(spoke) * (n - 1) / (double)(first - last_before(spoke, SETTLED_DAYS));
}

static const char *name_of(const struct context *c, const struct fact_person *p)
{
	return *p->name ? evidence_quote(c->arena, p->name, 40) : *p->role ? evidence_quote(c->arena, p->role, 20) :
	                                                                     "who wrote most";
}

/* People other than these who said something lately: "; 2 others still write". */
static const char *others_text(const struct context *c, bool (*is_one)(const struct fact_person *p, const void *which),
                               const void *which)
{
	int n = 0;

	for (size_t i = 0; i < c->account->n_people; i++)
		n += !is_one(&c->account->people[i], which) &&
		     fact_days_count(&c->account->people[i].spoke, 0, OTHERS_DAYS) > 0;
	return n ? arena_printf(c->arena, "; %s", n == 1 ? "1 other still writes" :
	                                                   arena_printf(c->arena, "%d others still write", n)) :
	           "";
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
	const char *names = "";
	int n = 0;
	double missed;

	for (size_t i = 0; i < f->n_people; i++)
		if (f->people[i].is_key && fact_days_last(&f->people[i].spoke) >= 0) {
			join_days(&spoke, &f->people[i].spoke);
			if (!c->is_brief && n++ < MAX_NAMED)
				names = arena_printf(c->arena, "%s%s%s", names, *names ? ", " : "", name_of(c, &f->people[i]));
		}
	missed = missed_days(&spoke);
	if (missed < 0)
		return reading_unknown(out, "no decision-maker is known who wrote or met regularly");
	reading_value(out, missed, 0);
	if (c->is_brief)
		return true;
	reading_word(out, "days", counted(c->arena, fact_days_last(&spoke), "day", "days"));
	reading_word(out, "names", names);
	reading_number(c, out, "missed", missed, 0);
	reading_word(out, "others", others_text(c, is_key, NULL));
	out->why = arena_printf(c->arena, "a decision-maker was last heard of on %s, which is nothing unusual",
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
	reading_word(out, "name", name_of(c, p));
	reading_word(out, "last", day_text(c->arena, c->as_of - fact_days_last(&p->spoke)));
	reading_word(out, "others", others_text(c, is_this_one, p));
	out->why = arena_printf(c->arena, "their main contact was last heard of on %s",
	                        day_text(c->arena, c->as_of - fact_days_last(&p->spoke)));
	return true;
}

static const struct signal signals[] = {
	{ "sponsor_silence", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_sponsor_silence, FACT_INTERACTION, true,
	  "no word from those who decide ({{names}}) for {{days}}, {{missed}} exchanges missed by their own rhythm{{others}}",
	  "silence against its own rhythm; " PUBLISHED, NULL, LOSS_ANY },
	{ "contact_change", ENGINE_DEFENSE, FAMILY_RELATIONSHIP, read_contact_change, FACT_INTERACTION, true,
	  "their main contact ({{name}}) has not been heard of since {{last}}{{others}}",
	  "silence against its own rhythm; " PUBLISHED, NULL, LOSS_ANY },
};
const struct signal_table counterpart_signals = { signals, ARRAY_LEN(signals) };
