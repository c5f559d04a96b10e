/* Answers of digests' readers: GET /a/ORGANISATION/TOKEN shows what a link is about and a form, POST of that form does
 * it. Nothing else changes anything: whatever fetches links before people do, reads a page. */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include "common/clock.h"
#include "common/words.h"
#include "web/web.h"

/* Somebody who gets digests, and may be handed findings. */
struct web_owner {
	const char *email, *name;  /* name: NULL where there is none */
	const struct words *words; /* NULL: English */
};

/* An organisation whose findings are answered by links; lives as long as the endpoint. */
struct web_answers {
	const char *org, *title, *db_path;
	const char *keys[2];       /* the one in force first, then the one before */
	size_t n_keys;
	const struct zone *zone;
	const struct words *words;
	const struct web_owner *owners;
	size_t n_owners;
};

enum {
	WEB_ANSWERS_PER_S = 10, WEB_ANSWERS_BURST = 50, /* requests of a reader; more are told to wait */
	WEB_ANSWER_BODY = 16 * 1024
};

#endif
