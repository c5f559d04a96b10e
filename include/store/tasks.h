/* Which findings a CRM is to have a task for, and which of them it has. */
#ifndef STORE_TASKS_H
#define STORE_TASKS_H

#include <stdbool.h>

#include "common/clock.h"
#include "store/db.h"

/* An open finding without a task. */
struct task_wanted {
	int64_t source, account, finding;
	const char *account_key, *account_name;         /* in its source */
	const char *engine, *cause, *play, *summary;
	const char *owner_key;                          /* in the same source; NULL: who acts on it is none of its people */
	int32_t opened_on, act_by_on;
	int64_t expected_minor;
	const char *currency;
	int64_t sent_at;                                /* INSTANT_NONE: never; else it isn't known whether it arrived */
};

/* Of the source's accounts, or of the companies that they are other names of: first what was sent, then by value at
 * stake, at most `most`. engine NULL: both. */
int tasks_wanted(struct db *db, const char *source, const char *engine, int64_t most, struct arena *a,
                 struct task_wanted **out, size_t *out_n, struct err *err) MUST_USE;
/* remote_id NULL: it is about to be sent. */
int task_note(struct db *db, const struct task_wanted *task, const char *key, const char *remote_id, int64_t now,
              struct err *err) MUST_USE;
/* It was refused: nothing is there. */
int task_forget(struct db *db, const struct task_wanted *task, struct err *err) MUST_USE;

#endif
