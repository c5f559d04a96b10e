/* Who uses the command line: kept with what a person decides. */
#ifndef CLI_WHO_H
#define CLI_WHO_H

#include "common/arena.h"

/* The login name at the keyboard; of whoever called sudo, not root's. */
const char *who_says(struct arena *a);

#endif
