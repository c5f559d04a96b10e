#include "common/money.h"
#include "common/text.h"
#include "compose_parts.h"

/* A manager reads these on every working day: the few that matter most, the rest as a number. */
enum { SHOWN = 5, NAME_CHARS = 120, REASON_CHARS = 300 };

static const char *line_of(const struct digest_input *in, const struct digest_account *d, struct arena *a)
{
	const char *name = text_clean(a, d->name, NAME_CHARS);
	const char *worth = "value not known";

	if (d->value_minor > 0 && d->currency)
		worth = arena_printf(a, "%s a year", money_short(a, d->value_minor, text_clean(a, d->currency, 3)));
	if (text_is_blank(name))
		name = arena_printf(a, "Account %s", text_clean(a, d->key, NAME_CHARS));
	return arena_printf(a, "%s (%s, with %s): %s", name, worth,
	                    *d->owner_email ? digest_person_name(in, d->owner_email, a) : "nobody",
	                    text_clean(a, d->reason, REASON_CHARS));
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
	text = digest_worth_text(a, &worth);
	if (n > SHOWN)
		list.rest = *text ? arena_printf(a, "+%zu more, worth %s a year", n - SHOWN, text) :
		                    arena_printf(a, "+%zu more", n - SHOWN);
	return list;
}

const struct digest_list *digest_lists(const struct digest_input *in, struct arena *a, size_t *out_n)
{
	const struct {
		const char *name, *title, *intro;
		const struct digest_account *accounts;
		size_t n;
	} kinds[] = {
		{ "watermelons", "Green, but look inside",
		  "Their score is steady; what it stands on is thin.", in->watermelons, in->n_watermelons },
		{ "blind_spots", "Nobody looked at these",
		  "In 90 days nobody of ours was in touch with them and no list named them, or nobody owns them.",
		  in->blind_spots, in->n_blind_spots },
	};
	struct digest_list *lists = arena_array(a, ARRAY_LEN(kinds), sizeof *lists);

	*out_n = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct digest_list *list = &lists[*out_n];

		if (!kinds[i].n)
			continue;
		*list = compose_list(in, kinds[i].accounts, kinds[i].n, a);
		list->name = kinds[i].name;
		list->title = arena_printf(a, "%s (%zu %s)", kinds[i].title, kinds[i].n,
		                           kinds[i].n == 1 ? "account" : "accounts");
		list->intro = kinds[i].intro;
		++*out_n;
	}
	return lists;
}
