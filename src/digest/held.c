#include <string.h>

#include "common/text.h"
#include "compose_parts.h"

/* The few that matter; the rest as a number. */
enum { SHOWN = 5, NAME_CHARS = 120, REASON_CHARS = 300, BANDS = 3 };

static const char *band_text(const struct words *w, struct arena *a, const char *engine, int band)
{
	static const char *const keys[2][BANDS] = {
		{ "digest.band.steady", "digest.band.watch", "digest.band.at_risk" },
		{ "digest.band.not_yet", "digest.band.emerging", "digest.band.ready" },
	};

	return words_text(w, a, keys[strcmp(engine, "defense") != 0][band < 0 ? 0 : band < BANDS ? band : BANDS - 1]);
}

/* The last that was made, where two accounts became one that had one each. */
static const struct override_row *override_of(const struct digest_input *in, const struct finding *f)
{
	const struct override_row *found = NULL;

	for (size_t i = 0; i < in->n_overrides; i++)
		if (in->overrides[i].account == f->account && strcmp(in->overrides[i].engine, f->engine) == 0)
			found = &in->overrides[i];
	return found;
}

/* Made before the scores, which say otherwise all the same: something came that goes first. */
static bool is_overruled(const struct digest_input *in, const struct override_row *o)
{
	return !o->has_held && o->computed_band >= 0 && o->band != o->computed_band && o->made_on < digest_judged_on(in);
}

const char *digest_held_text(const struct digest_input *in, const struct finding *f, struct arena *a)
{
	const struct override_row *o = override_of(in, f);

	if (!o)
		return NULL;
	return SAY(in->words, a, is_overruled(in, o) ? "digest.held.overruled" : "digest.held",
	           W_TEXT("who", digest_person_name(in, o->who, a)),
	           W_TEXT("band", band_text(in->words, a, o->engine, o->band)), W_DAY("day", o->until_on, in->local_on),
	           W_TEXT("reason", text_clean(a, o->reason, REASON_CHARS)));
}

static const char *line_of(const struct digest_input *in, const struct override_row *o, struct arena *a)
{
	const struct words *w = in->words;

	return SAY(w, a, "digest.held.line",
	           W_TEXT("account", digest_account_name(w, a, o->account_name, o->account_key)),
	           W_TEXT("band", band_text(w, a, o->engine, o->band)), W_TEXT("who", digest_person_name(in, o->who, a)),
	           W_DAY("day", o->until_on, in->local_on),
	           W_TEXT("computed", band_text(w, a, o->engine, o->computed_band)),
	           W_TEXT("reason", text_clean(a, o->reason, REASON_CHARS)));
}

struct digest_list digest_held(const struct digest_input *in, struct arena *a)
{
	struct digest_list list = { .name = "held", .title = words_text(in->words, a, "digest.held.title"),
		.intro = words_text(in->words, a, "digest.held.intro"), .lines = arena_array(a, SHOWN, sizeof *list.lines) };
	size_t n = 0;

	for (size_t i = 0; i < in->n_overrides; i++) {
		const struct override_row *o = &in->overrides[i];

		if (!o->has_held || o->band >= o->computed_band)
			continue;
		if (n++ < SHOWN)
			list.lines[list.n_lines++] = line_of(in, o, a);
	}
	if (n > SHOWN)
		list.rest = SAY(in->words, a, "digest.rest", W_INT("n", n - SHOWN), W_TEXT("worth", ""));
	return list;
}
