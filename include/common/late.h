/* Libraries that only some commands need: they are loaded when a function of theirs is called for the first time. Most
 * commands never talk to anybody, and loading all that libcurl and libmicrohttpd bring along takes 4 ms: more than
 * everything else a command does before it reads. Who calls them sees nothing of this: the functions of their headers
 * are defined by the file that is named *_late.c. */
#ifndef COMMON_LATE_H
#define COMMON_LATE_H

#include "common/err.h"

struct late_library {
	const char *name; /* as the linker calls it: "libz.so.1" */
	void *handle;     /* NULL until it is needed */
};

/* To be cast to what it is, see LATE. */
typedef void late_fn(void);

/* Loads it now: before forks, so that each process does not do so for itself, and while files can be opened. */
int late_load(struct late_library *l, struct err *err) MUST_USE;
/* The function of that name. Ends the program where the library or the function is missing: it was there when this
 * program was built, and without it nothing can be done. */
late_fn *late_find(struct late_library *l, const char *function);

/* The function of the library that is declared under the same name. */
#define LATE(library, function) ((__typeof__(function) *)late_find(&(library), #function))

#endif
