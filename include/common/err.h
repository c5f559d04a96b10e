/* Why something failed: a kind to branch on and one line of text to show.
 * A fallible function returns -1 and fills *err; it never logs. Only the command and the loop report. */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include "common/attr.h"

enum err_kind {
	ERR_NONE,
	ERR_RETRY,  /* transient: timeout, 429, 5xx, busy; the same call may work later */
	ERR_INPUT,  /* their data is wrong: skip it and count it */
	ERR_CONFIG, /* a person must act: key revoked, bad YAML */
	ERR_FATAL,  /* our own state can't be trusted: disk, corruption */
	ERR_USAGE   /* the command line is wrong; only commands say so */
};

struct err {
	enum err_kind kind;
	char text[1024];
};

/* Each returns -1, so that a failure is one line: return err_set(err, ...). */
int err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF(3, 4);
/* Puts the place in front of the reason: "pull deals: " + text. */
int err_in(struct err *err, const char *format, ...) PRINTF(2, 3);
/* err_set with ": strerror(errno)" behind it. */
int err_errno(struct err *err, enum err_kind kind, const char *format, ...) PRINTF(3, 4);
/* sysexits.h code that a command ends with for this kind: 75, 65, 78, 70, 64. */
int err_exit_code(enum err_kind kind);
/* For our own bugs and for memory that ran out: one line on standard error, then abort. */
NORETURN void die(const char *format, ...) PRINTF(1, 2);

#endif
