/* Makes tasks in the other system: one for a finding and never a second one, whatever ends in between. */
#ifndef CONNECT_TASK_H
#define CONNECT_TASK_H

#include "client.h"
#include "connect/write_back.h"

extern const struct yaml_table task_table;

/* Each task in turn: looks for one with the same key, and makes it where there is none. Counts go to out. Returns 0, or
 * -1 when it could not go on. */
int task_make_all(struct client *c, const struct write_back *w, struct write_counts *out, struct err *err) MUST_USE;
/* What a task would say. */
const char *task_subject(const struct write_task *task, struct arena *a);

#endif
