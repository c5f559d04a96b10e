/* What a mapping says, as one short text: what was read with another mapping is to be read anew. */
#ifndef CONNECT_FINGERPRINT_H
#define CONNECT_FINGERPRINT_H

#include "common/yaml.h"

/* Of n nodes, in this order; NULL stands for one that isn't there. Comments and layout don't count. */
const char *fingerprint_of(struct arena *a, const struct yaml *const *nodes, size_t n);

#endif
