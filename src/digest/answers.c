#include "store/answers.h"

#include <string.h>

#include "common/token.h"
#include "compose_parts.h"

/* What a link may say, in the order in which they stand; REOPEN and ACKNOWLEDGE are none of those. */
static const enum answer_kind linked[] = { ANSWER_DONE, ANSWER_SNOOZE, ANSWER_NOT_A_RISK, ANSWER_WRONG_OWNER,
	                                       ANSWER_LOST, ANSWER_EXPANDED };

static const char *label_of(const struct digest_input *in, const struct finding *f, enum answer_kind kind,
                            struct arena *a)
{
	const char *key = arena_printf(a, "answer.label.%s.%s", answer_names[kind], f->engine);

	return words_text(in->words, a, words_find(in->words, key) ? key :
	                  arena_printf(a, "answer.label.%s", answer_names[kind]));
}

const struct digest_answer *digest_answers(const struct digest_input *in, const struct finding *f, struct arena *a,
                                           size_t *out_n)
{
	const struct digest_answering *by = in->answering;
	struct digest_answer *answers = arena_array(a, ARRAY_LEN(linked), sizeof *answers);
	struct token t = { .subject = f->id, .made_on = in->local_on, .holder = by ? token_holder(in->owner_email) : 0 };
	size_t n = 0;

	for (size_t i = 0; by && i < ARRAY_LEN(linked); i++) {
		const char *token;

		t.purpose = (int)linked[i];
		t.expires_at = by->expires_at;
		token = answer_fits(linked[i], f->engine) ? token_make(a, by->key, in->org, &t) : NULL;
		if (token)
			answers[n++] = (struct digest_answer){ answer_names[linked[i]], label_of(in, f, linked[i], a),
				arena_printf(a, "%s/a/%s/%s", by->url, in->org, token) };
	}
	*out_n = n;
	return answers;
}
