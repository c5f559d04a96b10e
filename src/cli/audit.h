/* The audit of slots, digests and deliveries: `deliveries audit`. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include "cli/cli.h"

/* EX_OK, or EXIT_GAPS when something was found; with --ping the dead man's switch hears of it. id is not used. */
int deliveries_audit(struct cli *c, struct session *s, int64_t id, struct err *err);

#endif
