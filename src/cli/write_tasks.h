/* The findings that a source's system is to have a task for, in words for its people. */
#ifndef WRITE_TASKS_H
#define WRITE_TASKS_H

#include "cli/cli.h"
#include "connect/write_back.h"

/* None where the source doesn't want any. */
int write_tasks_read(const struct session *s, const struct source_settings *source, struct arena *a,
                     const struct write_task **out, size_t *out_n, struct err *err) MUST_USE;

#endif
