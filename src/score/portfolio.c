#include "score/portfolio.h"

#include <string.h>

#include "common/words.h"
#include "signal.h"

enum {
	PEOPLE_DAYS = 90, STALE_DAYS = 30, RENEWAL_DAYS = 90, SILENT_DAYS = 30, WORK_DAYS = 28, MIN_PEOPLE = 4,
	FEW_SEATS = 2, /* an account of one or two hangs on them anyway */
};

static const double LOW_CONFIDENCE = 0.5, FEWER = 0.7;

static bool is_fresh(const struct fact_base *base, enum fact_kind kind)
{
	return base->sources[kind].is_known && !base->sources[kind].is_stale;
}

static bool is_broken(const struct fact_base *base, enum fact_kind kind)
{
	return base->sources[kind].is_known && base->sources[kind].is_stale;
}

static const char *single_thread(const struct words *w, const struct fact_base *base, const struct fact_account *f,
                                 struct arena *a)
{
	int64_t seats = active_seats(f);
	int n = 0;

	if (is_broken(base, FACT_PERSON) || is_broken(base, FACT_INTERACTION) || (seats > 0 && seats <= FEW_SEATS))
		return NULL;
	if (!people_between(f, 0, FACTS_DAYS))
		return NULL;
	n = people_between(f, 0, PEOPLE_DAYS);
	for (size_t i = 0; i < f->n_people && n == 1; i++)
		if (is_active_between(&f->people[i], 0, PEOPLE_DAYS))
			return SAY(w, a, *f->people[i].name ? "portfolio.one_person_named" : "portfolio.one_person",
			           W_TEXT("name", evidence_quote(a, f->people[i].name, 40)));
	return n ? NULL : words_text(w, a, "portfolio.nobody");
}

static int younger(int left, int right)
{
	return left < 0 || (right >= 0 && right < left) ? right : left;
}

/* Days since anything at all was heard or measured of it, -1: nothing ever was. */
static int days_without_news(const struct fact_account *f, int32_t as_of)
{
	int days = fact_days_last(&f->active);

	if (f->n_interactions)
		days = younger(days, as_of - f->interactions[f->n_interactions - 1].on);
	if (f->n_tickets)
		days = younger(days, as_of - f->tickets[f->n_tickets - 1].opened_on);
	if (f->n_surveys)
		days = younger(days, as_of - f->surveys[f->n_surveys - 1].on);
	return days;
}

static const char *stale_news(const struct words *w, const struct fact_base *base, const struct fact_account *f,
                              double confidence, struct arena *a)
{
	int days = days_without_news(f, base->as_of);

	if (is_broken(base, FACT_USAGE) || is_broken(base, FACT_INTERACTION))
		return NULL;
	if ((is_fresh(base, FACT_USAGE) || is_fresh(base, FACT_INTERACTION)) && (days < 0 || days >= STALE_DAYS))
		return SAY(w, a, days < 0 ? "portfolio.never_heard" : "portfolio.not_heard", W_INT("n", days));
	return confidence < LOW_CONFIDENCE ? SAY(w, a, "portfolio.little_known", W_PERCENT("share", confidence, 0)) : NULL;
}

static const char *silent_renewal(const struct words *w, const struct fact_base *base, const struct fact_account *f,
                                  struct arena *a)
{
	int32_t renewal = next_renewal(f, base->as_of), last_on = f->heard_on;

	if (renewal == DAY_NONE || renewal - base->as_of > RENEWAL_DAYS || !is_fresh(base, FACT_INTERACTION))
		return NULL;
	for (size_t i = 0; i < f->n_interactions; i++)
		if (is_from_them(&f->interactions[i]) && f->interactions[i].on > last_on)
			last_on = f->interactions[i].on;
	if (last_on != DAY_NONE && base->as_of - last_on < SILENT_DAYS)
		return NULL;
	if (last_on == DAY_NONE)
		return SAY(w, a, "portfolio.renewal_unheard", words_day(w, a, "day", renewal));
	return SAY(w, a, "portfolio.renewal_silent", words_day(w, a, "day", renewal), words_day(w, a, "last", last_on));
}

static int at_work(const struct fact_account *f, int from_age, int to_age)
{
	int n = 0;

	for (size_t i = 0; i < f->n_people; i++)
		n += fact_days_count(&f->people[i].used, from_age, to_age) >= 2;
	return n;
}

static const char *shrinking_use(const struct words *w, const struct fact_base *base, const struct fact_account *f,
                                 struct arena *a)
{
	int now = at_work(f, 0, WORK_DAYS), before = at_work(f, PEOPLE_DAYS, PEOPLE_DAYS + WORK_DAYS);
	int64_t seats = active_seats(f);

	if (!is_fresh(base, FACT_PERSON) || seats <= 0 || before < MIN_PEOPLE || now > FEWER * before)
		return NULL;
	return SAY(w, a, "portfolio.shrinking", W_INT("now", now), W_INT("before", before), W_INT("seats", seats));
}

const char *watermelon_of(const struct words *w, const struct fact_base *base, const struct fact_account *account,
                          double confidence, struct arena *a)
{
	const char *reasons[] = {
		silent_renewal(w, base, account, a), single_thread(w, base, account, a), shrinking_use(w, base, account, a),
		stale_news(w, base, account, confidence, a),
	};
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i])
			text = text ? SAY(w, a, "digest.join", W_TEXT("text", text), W_TEXT("next", reasons[i])) : reasons[i];
	return text;
}

/* Whether it shows that one of ours looked at the account. */
static bool is_our_doing(const struct fact_interaction *x)
{
	return strcmp(x->direction, "out") == 0 || strcmp(x->kind, "meeting") == 0 || strcmp(x->kind, "note") == 0 ||
	       strcmp(x->kind, "call") == 0;
}

const char *blind_spot_of(const struct words *w, const struct fact_base *base, const struct fact_account *account,
                          bool was_listed, struct arena *a)
{
	int32_t last_on = DAY_NONE;

	if (!*account->csm_email && !*account->am_email)
		return words_text(w, a, "portfolio.no_owner");
	if (was_listed || !is_fresh(base, FACT_INTERACTION))
		return NULL;
	for (size_t i = 0; i < account->n_interactions; i++)
		if (is_our_doing(&account->interactions[i]) && account->interactions[i].on > last_on)
			last_on = account->interactions[i].on;
	if (last_on != DAY_NONE && base->as_of - last_on < BLIND_DAYS)
		return NULL;
	if (last_on == DAY_NONE)
		return words_text(w, a, "portfolio.never_touched");
	return SAY(w, a, "portfolio.not_touched", words_day(w, a, "day", last_on));
}
