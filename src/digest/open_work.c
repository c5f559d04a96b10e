#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "compose_parts.h"

/* Owners beyond these are only counted. */
enum { SHOWN = 10 };

/* What is open with one owner. */
struct work {
	const char *email; /* "" for nobody */
	size_t n_open, n_overdue, n_unanswered, n_aside;
	int32_t oldest_on;
	struct digest_worth worth;
};

struct piece {
	const struct digest_finding *finding;
	const char *email;
};

static int compare_pieces(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;
	const struct finding *fa = &a->finding->f, *fb = &b->finding->f;
	int order = strcmp(a->email, b->email);

	if (order)
		return order;
	if (fa->account != fb->account)
		return fa->account < fb->account ? -1 : 1;
	return (fa->id > fb->id) - (fa->id < fb->id);
}

/* Nobody's first: it is for whoever reads this. */
static int compare_work(const void *left, const void *right)
{
	const struct work *a = left, *b = right;

	if (!*a->email != !*b->email)
		return *a->email ? 1 : -1;
	if (a->n_overdue != b->n_overdue)
		return a->n_overdue > b->n_overdue ? -1 : 1;
	if (a->n_open != b->n_open)
		return a->n_open > b->n_open ? -1 : 1;
	return strcmp(a->email, b->email);
}

static bool is_at_work(const struct finding *f)
{
	return f->state == FINDING_OPEN || f->state == FINDING_ACKNOWLEDGED || f->state == FINDING_SNOOZED;
}

static void add_piece(struct work *w, const struct digest_finding *d, int32_t today, bool is_same_account)
{
	bool is_aside = d->f.state == FINDING_SNOOZED && d->f.snoozed_until > today;

	w->n_open++;
	w->n_aside += is_aside;
	w->n_overdue += !is_aside && d->f.act_by_on < today;
	/* What came today was told to nobody yet. */
	w->n_unanswered += d->f.state == FINDING_OPEN && d->answered_on == DAY_NONE && d->f.opened_on < today;
	if (w->n_open == 1 || d->f.opened_on < w->oldest_on)
		w->oldest_on = d->f.opened_on;
	if (d->f.value_minor > 0 && !is_same_account)
		digest_worth_add(&w->worth, d->f.value_minor, d->f.currency);
}

static size_t collect(const struct digest_input *in, struct arena *a, struct work *out)
{
	struct piece *pieces = arena_array(a, in->n_findings, sizeof *pieces);
	size_t n = 0, n_work = 0;

	for (size_t i = 0; i < in->n_findings; i++)
		if (is_at_work(&in->findings[i].f))
			pieces[n++] = (struct piece){ &in->findings[i],
				in->findings[i].f.owner_email ? in->findings[i].f.owner_email : "" };
	qsort(pieces, n, sizeof *pieces, compare_pieces);
	for (size_t i = 0; i < n; i++) {
		bool is_same_owner = i > 0 && strcmp(pieces[i].email, pieces[i - 1].email) == 0;

		if (!is_same_owner)
			out[n_work++] = (struct work){ .email = pieces[i].email };
		add_piece(&out[n_work - 1], pieces[i].finding, in->as_of_on,
		          is_same_owner && pieces[i].finding->f.account == pieces[i - 1].finding->f.account);
	}
	return n_work;
}

static const char *with_count(const struct words *w, struct arena *a, const char *line, const char *key, size_t n)
{
	return n ? arena_printf(a, "%s, %s", line, SAY(w, a, key, W_INT("n", n))) : line;
}

/* "Anna Lind: 6 open, EUR 487k, 1 overdue, 4 unanswered, the oldest 12 days" */
static const char *line_of(const struct digest_input *in, const struct work *k, struct arena *a)
{
	const struct words *w = in->words;
	const char *line, *worth = digest_worth_text(w, a, &k->worth);
	const char *name = *k->email ? digest_person_name(in, k->email, a) : words_text(w, a, "digest.work.nobody");
	int32_t age = in->as_of_on - k->oldest_on;

	line = SAY(w, a, *worth ? "digest.work.line.worth" : "digest.work.line", W_TEXT("name", name),
	           W_INT("n", k->n_open), W_TEXT("worth", worth));
	line = with_count(w, a, line, "digest.work.overdue", k->n_overdue);
	line = with_count(w, a, line, "digest.work.unanswered", k->n_unanswered);
	line = with_count(w, a, line, "digest.work.snoozed", k->n_aside);
	return with_count(w, a, line, "digest.work.oldest", age > 0 ? (size_t)age : 0);
}

struct digest_list digest_open_work(const struct digest_input *in, struct arena *a)
{
	struct work *work = arena_array(a, in->n_findings, sizeof *work);
	struct digest_list list = { .name = "open_work", .title = words_text(in->words, a, "digest.work"),
		.intro = words_text(in->words, a, "digest.work.intro"), .lines = arena_array(a, SHOWN, sizeof *list.lines) };
	size_t n = collect(in, a, work);

	qsort(work, n, sizeof *work, compare_work);
	for (size_t i = 0; i < n && i < SHOWN; i++)
		list.lines[list.n_lines++] = line_of(in, &work[i], a);
	if (n > SHOWN)
		list.rest = SAY(in->words, a, "digest.rest", W_INT("n", n - SHOWN));
	return list;
}

static const char *share_line(const struct digest_input *in, const struct precision *p, struct arena *a)
{
	const char *key = strcmp(p->engine, "defense") == 0 ? "digest.precision.defense" : "digest.precision.expansion";
	const char *line = SAY(in->words, a, key, W_INT("right", p->n_right), W_INT("n", p->n_judged));

	if (!p->has_enough)
		return SAY(in->words, a, "digest.precision.few", W_TEXT("line", line));
	return SAY(in->words, a, "digest.precision.share", W_TEXT("line", line), W_PERCENT("share", p->share, 0),
	           W_PERCENT("low", p->low, 0), W_PERCENT("high", p->high, 0));
}

struct digest_list digest_precision(const struct digest_input *in, struct arena *a)
{
	static const char *const engines[] = { "defense", "expansion" };
	struct digest_list list = { .name = "precision", .title = words_text(in->words, a, "digest.precision"),
		.intro = words_text(in->words, a, "digest.precision.intro"),
		.lines = arena_array(a, ARRAY_LEN(engines) + SHOWN, sizeof *list.lines) };

	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		struct precision p = precision_total(in->precision, in->n_precision, engines[i]);

		if (p.n_judged)
			list.lines[list.n_lines++] = share_line(in, &p, a);
	}
	for (size_t i = 0; i < in->n_precision && list.n_lines < SHOWN; i++) {
		const struct precision *p = &in->precision[i];

		if (p->is_poor)
			list.lines[list.n_lines++] = SAY(in->words, a, "digest.precision.poor", W_TEXT("signal", p->cause),
			                                 W_INT("right", p->n_right), W_INT("n", p->n_judged));
	}
	return list;
}
