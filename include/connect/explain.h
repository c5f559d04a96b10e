/* Says in words what a connector's file makes the engine do: where it asks, how fast, what it walks and how, what
 * becomes of the rows. */
#ifndef CONNECT_EXPLAIN_H
#define CONNECT_EXPLAIN_H

#include "common/yaml.h"

/* One sentence. stream: NULL of what goes for all of them; about: one word. */
typedef void explain_fn(void *context, const char *stream, const char *about, const char *words);

/* connector: the name of a file of config_dir/connectors/, or the path of a file that ends with .yaml. No organisation
 * is needed: what one would say (secrets, config, the address) is taken as said. Mistakes are noted in m, and nothing
 * is said of a file that has any. Texts live in the arena. */
void connector_explain(struct arena *a, const char *config_dir, const char *connector, explain_fn *say, void *context,
                       struct mistakes *m);

#endif
