#include "answering.h"

#include <string.h>

#include "common/log.h"
#include "common/token.h"
#include "config/secret.h"

enum { DAY_S = 86400 };

int answering_secret(struct arena *a, const char *reference, const char **out, struct err *err)
{
	if (secret_read(a, reference, out, err) < 0)
		return -1;
	if (strlen(*out) < TOKEN_MIN_KEY)
		return err_set(err, ERR_CONFIG, "%s: expected %d bytes or more", reference, TOKEN_MIN_KEY);
	return 0;
}

const struct digest_answering *answering_of(const struct org_settings *org, int32_t local_on, struct arena *a)
{
	struct digest_answering *by = arena_alloc(a, sizeof *by);
	struct err err;

	if (!org->answers.url)
		return NULL;
	if (answering_secret(a, org->answers.secret, &by->key, &err) < 0) {
		log_event(LOG_LEVEL_ERROR, "answers_off", LOG_TEXT("org", org->name), LOG_TEXT("error", err.text));
		return NULL;
	}
	by->url = org->answers.url;
	/* From the day's end, not from now: a digest that is made again has the same links. */
	by->expires_at = ((int64_t)local_on + 1) * DAY_S + org->answers.expires_after_s;
	return by;
}
