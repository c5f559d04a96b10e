/* Asks something about each row of a page, several at the same time: its details, or a list of its own. */
#ifndef CONNECT_EACH_H
#define CONNECT_EACH_H

#include "client.h"
#include "rows.h"

extern const struct yaml_table each_table;

/* parents are the rows of a page, whose ids are for {{parent.id}}. *out are the rows to be stored in their place, in
 * the order of the parents: of `records:` each, which know their parent; else the parents in full, or gone. */
int each_expand(struct client *c, const struct stream_settings *s, const struct scope *scope, const struct row *parents,
                size_t n, struct arena *a, struct row **out, size_t *out_n, struct err *err) MUST_USE;

#endif
