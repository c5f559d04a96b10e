#include <string.h>

#include "common/text.h"
#include "compose_parts.h"

/* A manager reads these on every working day: the few that matter most, the rest as a number. */
enum { SHOWN = 5, REASON_CHARS = 300 };

static const char *line_of(const struct digest_input *in, const struct digest_account *d, struct arena *a)
{
	const struct words *w = in->words;
	const char *currency = text_clean(a, d->currency, 3), *worth = words_text(w, a, "digest.news.unknown");
	const char *whose = words_text(w, a, "digest.list.with_nobody");

	if (d->value_minor > 0 && d->currency)
		worth = SAY(w, a, "digest.list.worth", W_MONEY_SHORT("worth", d->value_minor, currency));
	if (*d->owner_email)
		whose = SAY(w, a, "digest.list.with", W_TEXT("name", digest_person_name(in, d->owner_email, a)));
	return SAY(w, a, "digest.list.line", W_TEXT("account", digest_account_name(w, a, d->name, d->key)),
	           W_TEXT("worth", worth), W_TEXT("whose", whose),
	           W_TEXT("reason", text_clean(a, d->reason, REASON_CHARS)));
}

static struct digest_list compose_list(const struct digest_input *in, const struct digest_account *accounts, size_t n,
                                       struct arena *a)
{
	struct digest_list list = { .lines = arena_array(a, SHOWN, sizeof *list.lines) };
	struct digest_worth worth = { .n = 0 };
	const char *text;

	for (size_t i = 0; i < n; i++) {
		if (i < SHOWN)
			list.lines[list.n_lines++] = line_of(in, &accounts[i], a);
		else if (accounts[i].value_minor > 0 && accounts[i].currency)
			digest_worth_add(&worth, accounts[i].value_minor, text_clean(a, accounts[i].currency, 3));
	}
	text = digest_worth_text(in->words, a, &worth);
	if (n > SHOWN)
		list.rest = SAY(in->words, a, *text ? "digest.list.rest.worth" : "digest.rest", W_INT("n", n - SHOWN),
		                W_TEXT("worth", text));
	return list;
}

const struct digest_list *digest_lists(const struct digest_input *in, struct arena *a, size_t *out_n)
{
	const struct {
		const char *name, *title, *intro;
		const struct digest_account *accounts;
		size_t n;
	} kinds[] = {
		{ "watermelons", "digest.watermelons", "digest.watermelons.intro", in->watermelons, in->n_watermelons },
		{ "blind_spots", "digest.blind_spots", "digest.blind_spots.intro", in->blind_spots, in->n_blind_spots },
	};
	struct digest_list *lists = arena_array(a, ARRAY_LEN(kinds) + 3, sizeof *lists);
	bool is_manager = strcmp(in->kind, "manager") == 0;

	*out_n = 0;
	if (is_manager)
		lists[*out_n] = digest_open_work(in, a);
	*out_n += is_manager && lists[0].n_lines;
	lists[*out_n] = digest_held(in, a);
	*out_n += lists[*out_n].n_lines > 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct digest_list *list = &lists[*out_n];

		if (!kinds[i].n)
			continue;
		*list = compose_list(in, kinds[i].accounts, kinds[i].n, a);
		list->name = kinds[i].name;
		list->title = SAY(in->words, a, kinds[i].title, W_INT("n", kinds[i].n));
		list->intro = words_text(in->words, a, kinds[i].intro);
		++*out_n;
	}
	if (is_manager)
		lists[*out_n] = digest_precision(in, a);
	*out_n += is_manager && lists[*out_n].n_lines;
	return lists;
}
