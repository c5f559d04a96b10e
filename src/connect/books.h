/* What every kind of source notes of its pulls: that they run, how they ended, how the source stands. Each of these is
 * a transaction of its own: what went before stays, whatever comes. */
#ifndef CONNECT_BOOKS_H
#define CONNECT_BOOKS_H

#include "connect/pull.h"

/* The id of the pull's source, made where it isn't there; a dry run leaves nothing of it behind. */
int books_source(const struct pull *p, int64_t *out, struct err *err) MUST_USE;
/* How many rows a full list brought last, for people who wait for the next: r->n_expected. */
int books_expected(const struct pull *p, int64_t source, struct pull_result *r, struct err *err) MUST_USE;
/* A stream begins and ends (error NULL: well). */
int books_begin(const struct pull *p, int64_t source, const struct pull_result *r, int64_t *out_run,
                struct err *err) MUST_USE;
int books_end(const struct pull *p, int64_t run, const struct pull_result *r, const char *error,
              struct err *err) MUST_USE;
/* What the source's own clock said; answered_at by it, boot_ms by our boot-time clock. */
int books_clock(const struct pull *p, int64_t source, int64_t answered_at, int64_t boot_ms, struct err *err) MUST_USE;
/* The source was pulled; error NULL: every stream of it that was asked for came through. Links what can be linked. */
int books_close(const struct pull *p, int64_t source, const char *error, struct err *err) MUST_USE;

#endif
