/* Writes rows into the other system, a batch at a time, and reads what became of each. */
#ifndef WRITER_H
#define WRITER_H

#include "client.h"
#include "request.h"

extern const struct yaml_table writes_table;

/* Whether the connector can write what the source wants written, and reads none of it back as a fact. */
void writer_check(const struct connector *c, const struct source_settings *source, const struct yaml *file,
                  struct mistakes *m);

struct write_item {
	struct parent row;   /* id and values */
	const char *refused; /* afterwards: why it isn't written; NULL: it is */
};

/* One batch, of at most w->batch items. Returns 0 when the answer says of each what became of it, -1 when there was
 * none: ERR_INPUT when the batch was refused whole, else as client_call. */
int writer_send(struct client *c, const struct write_settings *w, struct write_item *items, size_t n, struct arena *a,
                struct err *err) MUST_USE;

#endif
