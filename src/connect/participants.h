/* Who takes part in a message or meeting, by their addresses in its header lines. */
#ifndef CONNECT_PARTICIPANTS_H
#define CONNECT_PARTICIPANTS_H

#include <stdbool.h>

#include "common/yaml.h"

/* The addresses in a text ("Ana <ana@a.example>, \"B, C\" <b@b.example>"), in lower case, each once; at most 50. */
struct texts participants_read(struct arena *a, const char *text);
/* Whether an address is one of ours: addresses and domains, those below them too, with commas or blanks between. */
bool participants_is_ours(const char *ours, const char *address);
/* The others, as the key of ACCOUNT_BY_PARTICIPANTS; NULL: there is none. */
const char *participants_key(struct arena *a, const char *text, const char *ours);

#endif
