/* What is answered to whom follows a link. Knows no HTTP library. */
#ifndef WEB_ANSWER_PARTS_H
#define WEB_ANSWER_PARTS_H

#include "store/answers.h"
#include "web/answer.h"

struct web_page {
	int status;
	char *html;
	const char *policy;        /* its Content-Security-Policy */
	const char *allow;         /* 405; NULL otherwise */
	int retry_after_s;         /* 0: none */
	const char *event;         /* what became of it, for the log: "snooze", "expired"; NULL: a page was shown */
	const char *who;           /* whose link it is; NULL: not known */
	const char *why;           /* it failed; NULL */
	bool is_held_up;           /* nothing was done, for somebody holds the database: in a moment it may work */
	int64_t finding;           /* 0: none */
	const struct web_answers *org; /* NULL: none is known by that name */
};

struct answer_request {
	const char *method, *path; /* the path is decoded, without its query */
	const char *type, *body;   /* type: Content-Type; NULL */
	size_t len;
	bool is_cut;               /* it is longer than WEB_ANSWER_BODY */
	bool is_again;             /* it was held up, and has had its turn */
	int64_t now;
};

/* Whether the path is one of ours. */
bool answer_is_at(const char *path);
/* The budgets of requests of an organisation: who tries out addresses takes nothing from those who have one, nor what
 * opens all links of one reader's mail from the others. */
struct answer_budget {
	struct answer_pace { double n; int64_t at_ms; } strangers, *readers; /* one for each owner */
};
/* Never waits for the database. */
void answer_serve(const struct web_answers *orgs, struct answer_budget *budgets, size_t n,
                  const struct answer_request *r, int64_t now_ms, struct arena *a, struct web_page *out);

/* form.c: the value of a field of application/x-www-form-urlencoded, the first of that name; NULL: there is none, or it
 * is not valid UTF-8 without NUL. */
const char *form_field(struct arena *a, const char *body, size_t len, const char *name);

/* answer_pages.c. What a page is about; members that a page does not need may be empty. */
struct answer_view {
	const struct web_answers *org;
	const struct web_owner *reader;
	const struct words *words;
	enum answer_kind kind;
	const struct finding *finding;
	int32_t today;
	const char *form;  /* what the form carries */
	const char *undo;  /* address of the link that takes it back; NULL: none */
	const struct answer *said;
};
char *page_ask(const struct answer_view *v, bool is_wrong, struct arena *a);
char *page_told(const struct answer_view *v, struct arena *a);
/* A title and a text of the catalogue: "answer.used.title", "answer.used". */
char *page_refused(const struct answer_view *v, const char *key, struct arena *a);
/* What a page may load and do: nothing but its own style and its own form. */
const char *page_policy(struct arena *a);
/* How many days a reader may snooze for. */
extern const int page_snooze_days[]; /* ends with 0 */

#endif
