#include "nrr_close.h"
#include "nrr_kept.h"

#include <string.h>

#include "common/text.h"
#include "score/restate.h"

enum { WINDOW = 12, WHY_CHARS = 160 };

/* The two revisions of one month's year that are compared. */
struct moved_month { const struct nrr_snapshot *before, *after; };

/* The next month's revision on the day and the last one since; from `at` on. Returns false when there is none. */
static bool next_month(const struct nrr_snapshot *list, size_t n, int32_t since, size_t *at, struct moved_month *out)
{
	*out = (struct moved_month){ 0 };
	while (*at < n) {
		const struct nrr_snapshot *s = &list[(*at)++];

		if (s->months != WINDOW)
			continue;
		if (s->as_of_on <= since)
			out->before = s;
		else
			out->after = s;
		if (*at < n && list[*at].to_on == s->to_on && list[*at].months == WINDOW)
			continue;
		if (out->before && out->after)
			return true;
		*out = (struct moved_month){ 0 };
	}
	return false;
}

static bool is_seen(const struct nrr_moved_query *q, const char *owner)
{
	return q->is_seen(q->who, owner ? owner : "");
}

/* Those of the books that are seen. */
static int load_seen(struct db *db, const struct nrr_moved_query *q, const struct nrr_snapshot *s, struct arena *a,
                     struct restate_accounts *out, struct nrr_window *sum, struct err *err)
{
	struct nrr_snapshot_account *accounts;
	size_t n, kept = 0;

	if (nrr_snapshot_accounts(db, s->id, a, &accounts, &n, err) < 0)
		return -1;
	*sum = (struct nrr_window){ .span = { s->from_on, s->to_on }, .why_none = "nothing at the start" };
	for (size_t i = 0; i < n; i++) {
		struct nrr_window part = { .why_none = sum->why_none };

		if (!is_seen(q, accounts[i].owner))
			continue;
		nrr_kept_sums(accounts[i].sums, &part.sums);
		nrr_add(sum, &part);
		accounts[kept++] = accounts[i];
	}
	*out = (struct restate_accounts){ accounts, kept };
	return 0;
}

/* "Acme: contract s-1: EUR 120 a month instead of ..., and 2 more accounts"; what it is for one account is kept in
 * English only. */
static int why(struct db *db, const struct words *w, const struct moved_month *m, const struct restate_change *changes,
               size_t n, struct arena *a, const char **out, struct err *err)
{
	struct nrr_restatement *reasons;
	struct nrr_named named;
	const char *words = m->after->why_restated, *more = "";
	size_t n_reasons;

	if (nrr_account_named(db, changes[0].account, a, &named, err) < 0 ||
	    nrr_restatements_load(db, m->after->id, a, &reasons, &n_reasons, err) < 0)
		return -1;
	for (size_t i = n_reasons; i-- > 0;)
		if (reasons[i].account == changes[0].account)
			words = reasons[i].words;
	if (n > 1)
		more = SAY(w, a, "digest.moved.more", W_INT("n", n - 1));
	if (strcmp(words_language(w), "en") != 0)
		words = NULL;
	*out = arena_printf(a, "%s%s%s%s", text_clean(a, named.name ? named.name : named.key, WHY_CHARS),
	                    words ? ": " : "", text_clean(a, words, WHY_CHARS), more);
	return 0;
}

static const char *ratio(const struct words *w, struct arena *a, const struct nrr_window *of, double ratio)
{
	if (of->why_none)
		return words_text(w, a, "digest.moved.unknown");
	return words_one(w, a, &(struct word)W_PERCENT("", ratio, 1));
}

/* Sets *out where something that is seen moved in the month. */
static int tell_month(struct db *db, const struct nrr_moved_query *q, const struct moved_month *m, struct arena *a,
                      const char **out, struct err *err)
{
	struct restate_accounts was, is;
	struct nrr_window before, after;
	struct restate_change *changes;
	const char *reason;
	const struct words *w = q->words;
	size_t n;

	if (load_seen(db, q, m->before, a, &was, &before, err) < 0 || load_seen(db, q, m->after, a, &is, &after, err) < 0)
		return -1;
	n = restate_changes(was, is, a, &changes);
	if (!n)
		return 0;
	if (why(db, w, m, changes, n, a, &reason, err) < 0)
		return -1;
	*out = SAY(w, a, "digest.moved", W_MONTH("month", day_add_months(m->after->to_on, -1)),
	           W_TEXT("nrr", ratio(w, a, &after, after.nrr)), W_TEXT("nrr_was", ratio(w, a, &before, before.nrr)),
	           W_TEXT("grr", ratio(w, a, &after, after.grr)), W_TEXT("grr_was", ratio(w, a, &before, before.grr)),
	           W_TEXT("why", reason));
	return 0;
}

int nrr_moved(const struct session *s, const struct nrr_moved_query *query, struct arena *a, const char **out,
              struct err *err)
{
	int32_t last = nrr_month_of(s->as_of);
	const struct nrr_snapshot_query wanted = { day_add_months(last, 1 - NRR_CLOSED_MONTHS), last, s->as_of };
	struct nrr_snapshot *list;
	struct moved_month m;
	const char *latest = NULL;
	size_t n, at = 0, n_moved = 0;

	if (nrr_snapshots_load(s->db, &wanted, a, &list, &n, err) < 0)
		return -1;
	while (next_month(list, n, query->since, &at, &m)) {
		CLEANUP(arena_freep) struct arena *of_month = arena_new(0);
		const char *line = NULL;

		if (tell_month(s->db, query, &m, of_month, &line, err) < 0)
			return -1;
		if (line) {
			latest = arena_strdup(a, line);
			n_moved++;
		}
	}
	*out = latest;
	if (n_moved > 1)
		*out = SAY(query->words, a, "digest.moved.others", W_TEXT("text", latest), W_INT("n", n_moved - 1));
	if (latest)
		*out = SAY(query->words, a, "digest.moved.pointer", W_TEXT("text", *out));
	return 0;
}
