/* The organisation's part of a connector, where there is no organisation: each thing is said by its own name. */
#ifndef CONNECT_EXPLAIN_SOURCE_H
#define CONNECT_EXPLAIN_SOURCE_H

#include "connect/settings.h"

/* What follows the prefix ("secret.", "config.") in the {{names}} of a file, each once. */
struct texts explain_names(struct arena *a, const struct yaml *file, const char *prefix);
/* The lists in `config:` that its streams are walked for. */
struct texts explain_lists(struct arena *a, const struct yaml *file);
/* A source that says all that the file asks for. */
struct source_settings explain_source(struct arena *a, const char *name, const struct yaml *file);

#endif
