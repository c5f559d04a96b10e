/* Links by which readers answer findings: their keys, for those who make them and those who read them. */
#ifndef CLI_ANSWERING_H
#define CLI_ANSWERING_H

#include "cli/cli.h"
#include "digest/compose.h"

/* One of the two secrets; ERR_CONFIG, too, when it is too short to sign with. */
int answering_secret(struct arena *a, const char *reference, const char **out, struct err *err) MUST_USE;
/* How the links of a day's digest are made; NULL where there are none. Of a secret that can't be read a line is logged,
 * and the digest goes without links rather than not at all. */
const struct digest_answering *answering_of(const struct org_settings *org, int32_t local_on, struct arena *a);

#endif
