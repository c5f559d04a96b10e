#include <string.h>

#include "common/text.h"
#include "evidence.h"

enum {
	TOPIC_DAYS = 60, MAX_TICKETS = 60, MAX_TOPIC_WORDS = 12, MIN_WORD = 4,
	OPEN_DAYS = 90, WORK_DAYS = 7, /* an answered ticket that stays open this long is being worked on */
	CLOSED_DAYS = 60, USUAL_DAYS = 365, MIN_RECENT = 2, MIN_USUAL = 3,
	REOPENED_DAYS = 90,
};

/* The words of a subject that say what it is about: folded, of four letters and more, as hashes. */
struct topic {
	uint32_t words[MAX_TOPIC_WORDS];
	int n;
	const char *category;
};

static uint32_t hash_of(const char *word, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)word[i]) * 16777619u;
	return h;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static bool has_word(const struct topic *t, uint32_t word)
{
	for (int i = 0; i < t->n; i++)
		if (t->words[i] == word)
			return true;
	return false;
}

static struct topic topic_of(const struct context *c, const struct fact_ticket *t)
{
	const char *at = *t->subject ? text_fold(c->arena, t->subject) : "";
	struct topic topic = { .category = t->category };

	while (*at && topic.n < MAX_TOPIC_WORDS) {
		size_t len = 0;

		while (is_letter(at[len]))
			len++;
		if (len >= MIN_WORD && !has_word(&topic, hash_of(at, len)))
			topic.words[topic.n++] = hash_of(at, len);
		at += len ? len : 1;
	}
	return topic;
}

/* Two tickets are about the same when their subjects share half of their words; without subjects, when their source
 * puts them under the same heading. */
static bool is_same_topic(const struct topic *a, const struct topic *b)
{
	int shared = 0;

	if (!a->n || !b->n)
		return !a->n && !b->n && *a->category && text_equal_fold(a->category, b->category);
	for (int i = 0; i < a->n; i++)
		shared += has_word(b, a->words[i]);
	return 2 * shared >= a->n + b->n - shared; /* of all words of both */
}

/* The topic with the most tickets in 60 days. What comes as often before (the month before that is known by its words)
 * is what their machines send, and no news. */
static bool read_repeated_topic(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	LATER_SET struct topic topics[MAX_TICKETS];
	double most = 0;
	const struct fact_ticket *about = NULL;
	int n = 0, n_told = 0;

	for (size_t i = f->n_tickets; i > 0 && n < MAX_TICKETS; i--)
		if (c->as_of - f->tickets[i - 1].opened_on < FACTS_TEXT_DAYS)
			topics[n++] = topic_of(c, &f->tickets[i - 1]);
	for (int i = 0; i < n; i++) {
		int now = 0, before = 0;
		double more;

		if (!topics[i].n && !*topics[i].category)
			continue; /* about nothing that is known */
		for (int k = 0; k < n; k++) {
			bool is_recent = c->as_of - f->tickets[f->n_tickets - 1 - (size_t)k].opened_on < TOPIC_DAYS;

			now += is_recent && is_same_topic(&topics[i], &topics[k]);
			before += !is_recent && is_same_topic(&topics[i], &topics[k]);
		}
		more = now - before * (double)TOPIC_DAYS / (FACTS_TEXT_DAYS - TOPIC_DAYS);
		if (more <= most)
			continue;
		most = more;
		n_told = now;
		about = &f->tickets[f->n_tickets - 1 - (size_t)i];
	}
	out->why = "no topic comes again and again";
	reading_value(out, most, 0);
	if (c->is_brief)
		return true;
	READING_SAY(c, out, "tickets", "tickets", W_INT("n", n_told));
	if (about)
		reading_word(out, "topic",
		             evidence_quote(c->arena, *about->subject ? about->subject : about->category, 60));
	return true;
}

/* Whether their source ever told when a ticket of theirs was answered. */
static bool tells_replies(const struct fact_account *f)
{
	for (size_t i = 0; i < f->n_tickets; i++)
		if (f->tickets[i].replied_on != DAY_NONE)
			return true;
	return false;
}

/* How long the ticket that waits longest has waited: for a first answer, or for its end once a week of work is over. */
static bool read_unanswered(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	bool knows_replies = tells_replies(f);
	int longest = 0, n = 0;
	const struct fact_ticket *oldest = NULL;

	for (size_t i = 0; i < f->n_tickets; i++) {
		const struct fact_ticket *t = &f->tickets[i];
		int age = c->as_of - t->opened_on;
		int waits = age - (knows_replies && t->replied_on == DAY_NONE ? 0 : WORK_DAYS);

		if (t->closed_on != DAY_NONE || age >= OPEN_DAYS || waits <= 0)
			continue;
		n++;
		if (waits <= longest)
			continue;
		longest = waits;
		oldest = t;
	}
	out->why = "no ticket waits";
	reading_value(out, longest, 0);
	if (!oldest || c->is_brief)
		return true;
	reading_day(c, out, "since", oldest->opened_on);
	reading_phrase(c, out, "what", knows_replies && oldest->replied_on == DAY_NONE ? "ticket.unanswered" :
	                                                                                 "ticket.open");
	reading_quoted(c, out, "about", oldest->subject, 80);
	if (n > 1)
		READING_SAY(c, out, "more", "waiting", W_INT("n", n));
	else
		reading_word(out, "more", "");
	return true;
}

/* Days from opening to closing, or to today while open. */
static int days_taken(const struct context *c, const struct fact_ticket *t)
{
	return (t->closed_on == DAY_NONE ? c->as_of : t->closed_on) - t->opened_on;
}

/* How much longer tickets of the last 60 days take than theirs used to; one day at least is usual. */
static bool read_slow_resolution(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	double recent = 0, usual = 0;
	int n_recent = 0, n_usual = 0;

	for (size_t i = 0; i < f->n_tickets; i++) {
		const struct fact_ticket *t = &f->tickets[i];
		int age = c->as_of - t->opened_on;

		if (age < CLOSED_DAYS) {
			recent += days_taken(c, t);
			n_recent++;
		} else if (age < USUAL_DAYS && t->closed_on != DAY_NONE) {
			usual += days_taken(c, t);
			n_usual++;
		}
	}
	if (n_recent < MIN_RECENT || n_usual < MIN_USUAL)
		return reading_unknown(out, "too few tickets to know how long they take");
	recent /= n_recent;
	usual = usual / n_usual > 1 ? usual / n_usual : 1;
	reading_value(out, recent / usual, 1);
	if (c->is_brief)
		return true;
	reading_number(c, out, "recent", recent, 0);
	reading_number(c, out, "usual", usual, 0);
	READING_WHY(c, out, "tickets take %.0f days, as they used to", recent);
	return true;
}

static bool read_reopened(const struct context *c, struct reading *out)
{
	const struct fact_account *f = c->account;
	int n = 0;

	for (size_t i = 0; i < f->n_tickets; i++)
		if (c->as_of - f->tickets[i].opened_on < REOPENED_DAYS)
			n += f->tickets[i].n_reopened;
	out->why = "no ticket was opened again in 90 days";
	reading_value(out, n, 0);
	READING_SAY(c, out, "times", n == 1 ? "once" : "times", W_INT("n", n));
	return true;
}

static const struct signal signals[] = {
	{ "repeated_topic", ENGINE_DEFENSE, FAMILY_SUPPORT, read_repeated_topic, FACT_TICKET, true,
	  PUBLISHED ": repeated tickets on one topic", NULL, LOSS_ANY },
	{ "unanswered_tickets", ENGINE_DEFENSE, FAMILY_SUPPORT, read_unanswered, FACT_TICKET, true,
	  PUBLISHED ": unanswered requests", NULL, LOSS_ANY },
	{ "slow_resolution", ENGINE_DEFENSE, FAMILY_SUPPORT, read_slow_resolution, FACT_TICKET, true,
	  PUBLISHED ": resolution times that stretch", NULL, LOSS_ANY },
	{ "reopened_tickets", ENGINE_DEFENSE, FAMILY_SUPPORT, read_reopened, FACT_TICKET, true,
	  PUBLISHED ": pain that is not settled", NULL, LOSS_ANY },
};
const struct signal_table care_signals = { signals, ARRAY_LEN(signals) };
