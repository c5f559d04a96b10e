/* The HTTP endpoint as the daemon runs it: who may push where, by the configuration in force. */
#ifndef RUN_WEB_H
#define RUN_WEB_H

#include "cli/cli.h"
#include "common/loop.h"
#include "web/web.h"

struct run_web {
	int fd; /* that listens; below 0: none */
	char listen[80];
	struct web *web; /* NULL: none */
	struct arena *arena; /* of its sources */
	struct loop *loop;
	int64_t told_ms, fault_told_ms, n_refused, n_faults, unanswered_ms, n_unanswered;
};

/* A source's secret; ERR_CONFIG, too, when it has not the form that those who push need. */
int run_web_secret(struct arena *a, const struct source_settings *s, const char *reference, const char **out,
                   struct err *err) MUST_USE;
/* Takes over what a configuration says. On failure the old endpoint serves on, or none does. */
int run_web_adopt(struct run_web *w, struct loop *loop, const struct config *config, struct err *err) MUST_USE;
/* Returns within how many milliseconds it wants to be called again; -1: whenever. */
int run_web_tick(struct run_web *w, int64_t now_ms);
void run_web_done(struct run_web *w); /* before the loop goes */
void run_web_donep(struct run_web **w); /* for CLEANUP */

#endif
