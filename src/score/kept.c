#include "score/kept.h"

#include <string.h>

#include "judge.h"

void kept_setting(const struct judge *j, struct buf *out)
{
	struct signal_set sets[N_ENGINES * MAX_SIGNALS];
	size_t n = 0;

	for (int engine = 0; engine < N_ENGINES; engine++)
		for (size_t i = 0; i < j->benches[engine].n; i++) {
			const struct judged_signal *s = &j->benches[engine].signals[i];

			sets[n++] = (struct signal_set){ engine_names[engine], j->benches[engine].blanks[i].name, s->text,
				                             j->benches[engine].blanks[i].weight };
		}
	signal_sets_text(out, sets, n);
}

/* The words of one name; several are a list, as in evidence_render. NULL: none. */
static const char *words_named(const struct reading *r, const struct signal_mark *m, struct arena *a)
{
	const char *found = NULL;

	for (int i = 0; i < r->n_words; i++) {
		const struct evidence_word *w = &r->words[i];

		if (*w->name == *m->name && strncmp(w->name, m->name, m->len) == 0 && !w->name[m->len])
			found = found ? arena_printf(a, "%s, %s", found, w->text) : w->text;
	}
	return found;
}

static void put_signal(const struct judged_signal *s, const struct reading *r, size_t place, int32_t as_of,
                       bool is_first, struct arena *a, struct buf *out)
{
	const char *words[SIGNAL_MARKS];

	for (size_t i = 0; i < s->n_marks; i++)
		words[i] = words_named(r, &s->marks[i], a);
	signal_said_text(out, &(struct signal_said){ place, r->value, r->baseline, r->strength, r->contribution,
		r->fresh_on == DAY_NONE ? DAY_NONE : as_of - r->fresh_on, words, s->n_marks }, is_first);
}

void kept_signals(const struct judge *j, const struct diagnosis *d, struct arena *a, struct buf *out)
{
	size_t place = 0, was = out->len;

	for (int engine = 0; engine < N_ENGINES; engine++) {
		const struct verdict *v = &d->verdicts[engine];

		for (size_t i = 0; i < v->n_readings; i++, place++)
			if (v->readings[i].strength > 0)
				put_signal(&j->benches[engine].signals[i], &v->readings[i], place, d->as_of, out->len == was, a, out);
	}
	if (out->len > was)
		buf_char(out, ']');
}
